//! How well scores agree with labels.

use std::collections::BTreeMap;

use wanjuan_models::metrics::{auc, f1};

use super::{Target, number};

/// Parts that probabilities are gathered into.
const BINS: usize = 10;

/// What was measured of the texts of a language.
#[derive(Debug, Clone)]
pub struct Measured {
    /// By ISO 639-1 code where there is one; `*` for all.
    pub language: String,
    /// Texts.
    pub documents: u64,
    /// `auc`, `f1`, `accuracy` and `calibration_error` of labels; `correlation` and `mean_square_error` of numbers.
    pub measures: BTreeMap<String, f64>,
    /// Of labels: for each tenth of probability the texts, their mean probability and the share that has the label.
    pub reliability: Vec<(u64, f64, f64)>,
}

/// Measures the scores of texts against their labels. Of several labels, measures are means over those that some text has and some has not.
pub fn measure(
    language: &str,
    labels: &[String],
    target: Target,
    texts: &[(&str, &[f64])],
) -> Result<Measured, String> {
    let mut measured = Measured {
        language: language.to_owned(),
        documents: texts.len() as u64,
        measures: BTreeMap::new(),
        reliability: Vec::new(),
    };
    if target == Target::Number {
        let pairs =
            texts.iter().map(|(label, scores)| Ok((scores[0], number(label)?))).collect::<Result<Vec<_>, String>>()?;
        let error = pairs.iter().map(|(score, value)| (score - value).powi(2)).sum::<f64>() / pairs.len() as f64;
        measured.measures.insert("mean_square_error".to_owned(), error);
        if let Some(correlation) = correlation(&pairs) {
            measured.measures.insert("correlation".to_owned(), correlation);
        }
        return Ok(measured);
    }
    let best = |scores: &[f64]| (0..labels.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(b.cmp(&a)));
    let right = texts.iter().filter(|(label, scores)| best(scores).is_some_and(|at| labels[at] == *label)).count();
    measured.measures.insert("accuracy".to_owned(), right as f64 / texts.len() as f64);
    let (mut areas, mut f1s, mut bins) = (Vec::new(), Vec::new(), vec![(0u64, 0.0, 0.0); BINS]);
    for (at, label) in labels.iter().enumerate() {
        let scored: Vec<(f64, bool)> = texts.iter().map(|(own, scores)| (scores[at], own == label)).collect();
        for &(score, is) in &scored {
            let bin = &mut bins[((score * BINS as f64) as usize).min(BINS - 1)];
            *bin = (bin.0 + 1, bin.1 + score, bin.2 + f64::from(u8::from(is)));
        }
        if let Some(area) = auc(&scored) {
            areas.push(area);
            f1s.push(f1(&scored, 0.5));
        }
    }
    for (name, values) in [("auc", &areas), ("f1", &f1s)] {
        if !values.is_empty() {
            measured.measures.insert(name.to_owned(), values.iter().sum::<f64>() / values.len() as f64);
        }
    }
    let all: u64 = bins.iter().map(|bin| bin.0).sum();
    // Naeini et al., Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI 2015: expected calibration error.
    let error: f64 = bins.iter().map(|(_, scores, are)| (scores - are).abs()).sum::<f64>() / all.max(1) as f64;
    measured.measures.insert("calibration_error".to_owned(), error);
    let filled = bins.into_iter().filter(|bin| bin.0 > 0);
    measured.reliability =
        filled.map(|(count, scores, are)| (count, scores / count as f64, are / count as f64)).collect();
    Ok(measured)
}

/// Pearson's.
fn correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let count = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let sum = |of: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|pair| of(pair.0 - x, pair.1 - y)).sum::<f64>();
    let spread = (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt();
    (spread > 0.0).then(|| sum(&|a, b| a * b) / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_areas_and_a_reliability_and_numbers_a_correlation() {
        let texts: [(&str, &[f64]); 4] =
            [("yes", &[0.1, 0.9]), ("yes", &[0.4, 0.6]), ("no", &[0.8, 0.2]), ("no", &[0.45, 0.55])];
        let measured = measure("*", &["no".into(), "yes".into()], Target::Labels, &texts).unwrap();
        assert_eq!((measured.measures["accuracy"], measured.measures["auc"]), (0.75, 1.0));
        assert!((measured.measures["f1"] - (0.8 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
        assert_eq!(measured.reliability.iter().map(|bin| bin.0).sum::<u64>(), 8);
        let texts: [(&str, &[f64]); 3] = [("1", &[1.5]), ("2", &[2.5]), ("4", &[4.5])];
        let measured = measure("*", &["score".into()], Target::Number, &texts).unwrap();
        assert_eq!(measured.measures["mean_square_error"], 0.25);
        assert!((measured.measures["correlation"] - 1.0).abs() < 1e-12);
    }
}
