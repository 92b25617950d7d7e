//! How well scores part the texts that have a label from those that do not.

/// A score, and whether the text has the label.
pub type Scored = (f64, bool);

/// The area under the curve of Fawcett, *An introduction to ROC analysis* (2006): how often a text with the label has
/// the higher score of two, one with it and one without; equal scores count half. `None` where one of the two kinds is
/// missing.
pub fn auc(scored: &[Scored]) -> Option<f64> {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut wins) = (0.0, 0.0);
    for equal in sorted.chunk_by(|a, b| a.0 == b.0) {
        let with = equal.iter().filter(|(_, label)| *label).count() as f64;
        let without = equal.len() as f64 - with;
        wins += with * (below + without / 2.0);
        below += without;
    }
    let with = sorted.len() as f64 - below;
    (with > 0.0 && below > 0.0).then(|| wins / (with * below))
}

/// The harmonic mean of precision and recall where scores of at least `threshold` say that the label is there. 0 where
/// none of it is found.
pub fn f1(scored: &[Scored], threshold: f64) -> f64 {
    let count = |said: bool, is: bool| {
        scored.iter().filter(|(score, label)| (*score >= threshold) == said && *label == is).count() as f64
    };
    let (found, wrong, missed) = (count(true, true), count(true, false), count(false, true));
    if found == 0.0 { 0.0 } else { 2.0 * found / (2.0 * found + wrong + missed) }
}

/// The share of texts that scores of at least `threshold` tell apart rightly.
pub fn accuracy(scored: &[Scored], threshold: f64) -> f64 {
    let right = scored.iter().filter(|(score, label)| (*score >= threshold) == *label).count();
    right as f64 / scored.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn perfect_scores_and_useless_ones_are_told_apart() {
        assert_eq!(auc(&[(0.1, false), (0.2, false), (0.8, true)]), Some(1.0));
        assert_eq!(auc(&[(0.9, false), (0.2, true)]), Some(0.0));
        assert_eq!(auc(&[(0.5, false), (0.5, true), (0.5, true)]), Some(0.5));
        assert_eq!(auc(&[(0.5, true)]), None);
        assert_eq!(auc(&[]), None);
    }

    #[test]
    fn a_threshold_is_inclusive() {
        let scored = [(0.5, true), (0.4, true), (0.6, false), (0.1, false)];
        assert_eq!(accuracy(&scored, 0.5), 0.5);
        assert_eq!(f1(&scored, 0.5), 0.5);
        assert_eq!(f1(&scored, 0.9), 0.0);
    }

    proptest! {
        #[test]
        fn the_area_is_the_share_of_pairs_in_order(scored in prop::collection::vec((0..9_u8, any::<bool>()), 0..40)) {
            let scored: Vec<Scored> = scored.into_iter().map(|(score, label)| (f64::from(score), label)).collect();
            let (mut pairs, mut wins) = (0.0, 0.0);
            for with in scored.iter().filter(|(_, label)| *label) {
                for without in scored.iter().filter(|(_, label)| !*label) {
                    pairs += 1.0;
                    wins += if with.0 > without.0 { 1.0 } else if with.0 == without.0 { 0.5 } else { 0.0 };
                }
            }
            match auc(&scored) {
                None => prop_assert_eq!(pairs, 0.0),
                Some(area) => prop_assert!((area - wins / pairs).abs() < 1e-12),
            }
        }
    }
}
