//! Fits a linear head on embeddings that stay as they are.
//!
//! FineWeb-Edu's classifier is such a head on a frozen body (arXiv:2406.17557, sec. 4). Numbers are fitted by ridge
//! regression, labels each against all others by logistic regression with a ridge, in Newton's steps (Hastie, Tibshirani and
//! Friedman, *The Elements of Statistical Learning*, sec. 3.4.1 and 4.4.1). All sums go over the texts in their order, in
//! double precision, so the same texts give the same head.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::written::{file, relabelled};
use crate::encoder::Problem;

/// Most of Newton's steps; it takes about ten.
const STEPS: usize = 50;

/// A fitted head.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// What its numbers are called.
    pub labels: Vec<String>,
    /// What they mean.
    pub problem: Problem,
    /// Of each label, as many as an embedding has.
    pub weights: Vec<Vec<f64>>,
    /// Of each label.
    pub bias: Vec<f64>,
}

/// Fits numbers. `ridge` times the squares of the weights are added to those of the errors; the bias goes free.
pub fn regression(label: &str, embeddings: &[Vec<f32>], values: &[f64], ridge: f64) -> Result<Fitted, String> {
    let (weights, bias) = solve_weighted(embeddings, ridge, |at| (1.0, values[at]))?;
    Ok(Fitted {
        labels: vec![label.to_owned()],
        problem: Problem::Regression,
        weights: vec![weights],
        bias: vec![bias],
    })
}

/// Fits a probability of each label, each by itself. `of` is the number of the label of each text.
pub fn labels(labels: &[String], embeddings: &[Vec<f32>], of: &[usize], ridge: f64) -> Result<Fitted, String> {
    let mut fitted =
        Fitted { labels: labels.to_vec(), problem: Problem::AnyLabel, weights: Vec::new(), bias: Vec::new() };
    for label in 0..labels.len() {
        let (weights, bias) = logistic(embeddings, |at| of[at] == label, ridge)?;
        fitted.weights.push(weights);
        fitted.bias.push(bias);
    }
    Ok(fitted)
}

/// Newton's steps, each a weighted ridge regression.
fn logistic(embeddings: &[Vec<f32>], is: impl Fn(usize) -> bool, ridge: f64) -> Result<(Vec<f64>, f64), String> {
    let length = embeddings.first().map_or(0, Vec::len);
    let (mut weights, mut bias) = (vec![0.0; length], 0.0);
    for _ in 0..STEPS {
        let step = |at: usize| {
            let logit = dot(&weights, &embeddings[at]) + bias;
            let probability = 1.0 / (1.0 + libm::exp(-logit));
            // A text that is all but certain still counts a little, or the sums could not be solved.
            let weight = (probability * (1.0 - probability)).max(1e-9);
            (weight, logit + (f64::from(u8::from(is(at))) - probability) / weight)
        };
        let (next, next_bias) = solve_weighted(embeddings, ridge, step)?;
        let moved = next.iter().zip(&weights).map(|(a, b)| (a - b).abs()).fold((next_bias - bias).abs(), f64::max);
        (weights, bias) = (next, next_bias);
        if moved < 1e-7 {
            break;
        }
    }
    Ok((weights, bias))
}

fn dot(weights: &[f64], embedding: &[f32]) -> f64 {
    weights.iter().zip(embedding).map(|(weight, &x)| weight * f64::from(x)).sum()
}

/// The weights and the bias that come nearest to what is wanted of each text, by its weight.
fn solve_weighted(
    embeddings: &[Vec<f32>],
    ridge: f64,
    wanted: impl Fn(usize) -> (f64, f64),
) -> Result<(Vec<f64>, f64), String> {
    let length = embeddings.first().map_or(0, Vec::len);
    let size = length + 1;
    let (mut matrix, mut right) = (vec![0.0; size * size], vec![0.0; size]);
    let mut row = vec![1.0; size];
    for (at, embedding) in embeddings.iter().enumerate() {
        let (weight, target) = wanted(at);
        row[..length].iter_mut().zip(embedding).for_each(|(x, &number)| *x = f64::from(number));
        for i in 0..size {
            let scaled = weight * row[i];
            right[i] += scaled * target;
            matrix[i * size..=i * size + i].iter_mut().zip(&row).for_each(|(sum, x)| *sum += scaled * x);
        }
    }
    for i in 0..length {
        matrix[i * size + i] += ridge;
    }
    let mut solution = cholesky(matrix, right)
        .ok_or("the embeddings leave the weights open: give more texts, or a larger ridge".to_owned())?;
    let bias = solution.pop().unwrap_or_default();
    Ok((solution, bias))
}

/// Solves a symmetric system of which the lower half is given.
fn cholesky(mut matrix: Vec<f64>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let size = right.len();
    for i in 0..size {
        for j in 0..=i {
            let (above, own) = matrix.split_at(i * size);
            let of_j = if j == i { &own[..j] } else { &above[j * size..j * size + j] };
            let sum = own[j] - own[..j].iter().zip(of_j).map(|(a, b)| a * b).sum::<f64>();
            matrix[i * size + j] = if i == j {
                if sum.is_nan() || sum <= 0.0 {
                    return None;
                }
                sum.sqrt()
            } else {
                sum / matrix[j * size + j]
            };
        }
    }
    for i in 0..size {
        let known: f64 = matrix[i * size..i * size + i].iter().zip(&right).map(|(a, x)| a * x).sum();
        right[i] = (right[i] - known) / matrix[i * size + i];
    }
    for i in (0..size).rev() {
        let known: f64 = (i + 1..size).map(|j| matrix[j * size + i] * right[j]).sum();
        right[i] = (right[i] - known) / matrix[i * size + i];
    }
    Some(right)
}

impl Fitted {
    /// The scores of an embedding.
    pub fn score(&self, embedding: &[f32]) -> Vec<f64> {
        let logits = self.weights.iter().zip(&self.bias).map(|(weights, bias)| dot(weights, embedding) + bias);
        match self.problem {
            Problem::Regression => logits.collect(),
            _ => logits.map(|logit| 1.0 / (1.0 + libm::exp(-logit))).collect(),
        }
    }

    /// Its tensors, as the bytes of numbers.
    fn tensors(&self) -> (Vec<u8>, Vec<u8>) {
        let bytes = |numbers: &mut dyn Iterator<Item = f64>| numbers.flat_map(|x| (x as f32).to_le_bytes()).collect();
        (bytes(&mut self.weights.iter().flatten().copied()), bytes(&mut self.bias.iter().copied()))
    }

    /// The file of a head: see [`Head::read`](crate::encoder::Head::read).
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let problem = if self.problem == Problem::Regression { "regression" } else { "any_label" };
        let labels = self.labels.join("\n");
        let metadata = [("labels", labels.as_str()), ("pooling", "mean"), ("problem", problem)];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let (weights, bias) = self.tensors();
        self.written(Vec::new(), (&weights, &bias), ["weight", "bias"], Some(metadata))
    }

    /// The tensors of a body's file, with those of the head in the place of what it had for one.
    pub fn with_body(&self, body: &[u8]) -> Result<Vec<u8>, String> {
        let tensors = SafeTensors::deserialize(body).map_err(|error| error.to_string())?;
        let mut kept = tensors.tensors();
        kept.retain(|(name, _)| !name.starts_with("classifier.") && !name.starts_with("head."));
        let (weights, bias) = self.tensors();
        self.written(kept, (&weights, &bias), ["classifier.weight", "classifier.bias"], None)
    }

    fn written<'b>(
        &self,
        mut tensors: Vec<(String, TensorView<'b>)>,
        (weights, bias): (&'b [u8], &'b [u8]),
        names: [&str; 2],
        metadata: Option<HashMap<String, String>>,
    ) -> Result<Vec<u8>, String> {
        let (count, length) = (self.labels.len(), self.weights.first().map_or(0, Vec::len));
        for (name, shape, bytes) in [(names[0], vec![count, length], weights), (names[1], vec![count], bias)] {
            let view = TensorView::new(Dtype::F32, shape, bytes).map_err(|error| error.to_string())?;
            tensors.push((name.to_owned(), view));
        }
        tensors.sort_by(|a, b| a.0.cmp(&b.0));
        file(tensors, metadata)
    }

    /// The `config.json` of a body with this head on the mean of its tokens.
    pub fn config(&self, body: &[u8]) -> Result<String, String> {
        let problem = if self.problem == Problem::Regression { "regression" } else { "multi_label_classification" };
        // No class of the library has a linear head on the mean: what reads the file must not take it for another.
        let mut config = relabelled(body, &self.labels, problem, &[])?;
        config.insert("wanjuan_head".to_owned(), "linear on the mean of all tokens".into());
        serde_json::to_string_pretty(&config).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::{Encoder, FILES, Found, Head, Scratch};

    /// Numbers between -1 and 1 that look like chance.
    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let draw = || {
            state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
            (state >> 9) as f32 / (1 << 22) as f32 - 1.0
        };
        std::iter::repeat_with(draw).take(count).collect()
    }

    #[test]
    fn a_line_is_found_again() {
        let embeddings: Vec<Vec<f32>> = (0..200).map(|seed| numbers(3, seed * 7919)).collect();
        let line = |x: &[f32]| 2.0 * f64::from(x[0]) - f64::from(x[1]) + 0.25;
        let values: Vec<f64> = embeddings.iter().map(|x| line(x)).collect();
        let fitted = regression("value", &embeddings, &values, 1e-9).unwrap();
        for (found, exact) in fitted.weights[0].iter().chain(&fitted.bias).zip([2.0, -1.0, 0.0, 0.25]) {
            assert!((found - exact).abs() < 1e-6, "{fitted:?}");
        }
        assert!((fitted.score(&embeddings[7])[0] - values[7]).abs() < 1e-6);
    }

    #[test]
    fn probabilities_are_those_by_which_labels_were_drawn() {
        let embeddings: Vec<Vec<f32>> = (0..20_000).map(|seed| numbers(2, seed * 104_729)).collect();
        let probability = |x: &[f32]| 1.0 / (1.0 + (-(3.0 * f64::from(x[0]) - 1.0)).exp());
        let draws = numbers(20_000, 5);
        let of: Vec<usize> = embeddings
            .iter()
            .zip(draws)
            .map(|(x, draw)| usize::from(f64::from(draw) / 2.0 + 0.5 < probability(x)))
            .collect();
        let names = ["no".to_owned(), "yes".to_owned()];
        let fitted = labels(&names, &embeddings, &of, 1e-3).unwrap();
        assert!((fitted.weights[1][0] - 3.0).abs() < 0.15 && (fitted.bias[1] + 1.0).abs() < 0.08, "{fitted:?}");
        let scores = fitted.score(&embeddings[3]);
        assert!((scores[0] + scores[1] - 1.0).abs() < 1e-9);
        assert_eq!(labels(&names, &embeddings, &of, 1e-3).unwrap(), fitted);
    }

    #[test]
    fn texts_that_can_be_parted_give_finite_weights_and_no_text_gives_none() {
        let embeddings = vec![vec![1.0f32], vec![-1.0]];
        let fitted = labels(&["a".into(), "b".into()], &embeddings, &[0, 1], 0.1).unwrap();
        assert!(fitted.weights[0][0].is_finite() && fitted.score(&embeddings[0])[0] > 0.7);
        assert!(regression("v", &[], &[], 1.0).unwrap_err().contains("leave the weights open"));
    }

    #[test]
    fn a_folder_that_was_written_scores_as_the_head_does() {
        let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("encoder/golden/bert");
        let fitted = Fitted {
            labels: vec!["good".into(), "poor".into()],
            problem: Problem::AnyLabel,
            weights: vec![numbers(24, 1), numbers(24, 2)]
                .into_iter()
                .map(|w| w.into_iter().map(f64::from).collect())
                .collect(),
            bias: vec![0.5, -0.5],
        };
        let folder = tempfile::tempdir().unwrap();
        let place = |file: &str| folder.path().join(file);
        let [config, weights, tokenizer] = FILES;
        std::fs::write(place(config), fitted.config(&std::fs::read(from.join(config)).unwrap()).unwrap()).unwrap();
        std::fs::write(place(weights), fitted.with_body(&std::fs::read(from.join(weights)).unwrap()).unwrap()).unwrap();
        std::fs::copy(from.join(tokenizer), place(tokenizer)).unwrap();
        std::fs::write(place("head"), fitted.to_bytes().unwrap()).unwrap();
        let (mut whole, mut body) =
            (Encoder::load(folder.path(), &Found::Cpu).unwrap(), Encoder::load(&from, &Found::Cpu).unwrap());
        body.add_head("ours", &place("head")).unwrap();
        let head: &Head = &whole.heads()[0];
        assert_eq!((head.labels.join(" "), head.problem), ("good poor".to_owned(), Problem::AnyLabel));
        let (mut scratch, mut all, mut own, mut mean) = (Scratch::default(), Vec::new(), Vec::new(), Vec::new());
        let ids = [2, 7, 8, 9, 3];
        whole.score(&[&ids], &mut scratch, &mut own).unwrap();
        body.score(&[&ids], &mut scratch, &mut all).unwrap();
        body.means(&[&ids], &mut scratch, &mut mean).unwrap();
        assert_eq!(own, all[1..]);
        for (found, exact) in own.iter().zip(fitted.score(&mean)) {
            assert!((f64::from(*found) - exact).abs() < 1e-6);
        }
        whole.add_head("again", &place("head")).unwrap();
        assert_eq!(whole.scores(), 4);
    }
}
