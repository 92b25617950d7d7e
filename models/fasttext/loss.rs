//! From the hidden vector to labels: the losses of the C++ tool as they predict.

use super::matrix::Matrix;
use super::{Prediction, Scratch};

/// Added to every probability before its logarithm is taken, and so to what is reported.
const EPSILON: f64 = 1e-5;

fn ln(x: f64) -> f32 {
    (x + EPSILON).ln() as f32
}

pub enum Loss {
    Softmax {
        labels: usize,
    },
    /// One-vs-all and negative sampling: each label by itself.
    Sigmoid {
        labels: usize,
        table: Vec<f32>,
    },
    Tree(Vec<Node>),
}

/// A node of the Huffman tree over labels: leaves first, the root last.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    pub children: Option<[u32; 2]>,
    count: i64,
}

const SIGMOID_STEPS: usize = 512;
const SIGMOID_BOUND: f32 = 8.0;

impl Loss {
    /// The loss by its number in the file; `counts` says how often each label was seen.
    pub fn new(number: i32, counts: &[i64]) -> Result<Loss, String> {
        let labels = counts.len();
        match number {
            1 => Ok(Loss::Tree(tree(counts))),
            2 | 4 => {
                let x = |step: usize| (step as f32 * 2.0 * SIGMOID_BOUND) / SIGMOID_STEPS as f32 - SIGMOID_BOUND;
                let sigmoid = |step| (1.0 / (1.0 + f64::from((-x(step)).exp()))) as f32;
                Ok(Loss::Sigmoid { labels, table: (0..=SIGMOID_STEPS).map(sigmoid).collect() })
            }
            3 => Ok(Loss::Softmax { labels }),
            other => Err(format!("there is no loss {other}")),
        }
    }

    /// The `k` best labels for `hidden` of at least `threshold`, best first, into `best`.
    pub fn predict(&self, output: &Matrix, k: usize, threshold: f32, scratch: &mut Scratch) {
        let Scratch { hidden, scores, waiting, best, .. } = scratch;
        match self {
            Loss::Softmax { labels } => {
                scores.clear();
                scores.extend((0..*labels).map(|label| output.dot(label, hidden)));
                let max = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let mut sum = 0.0;
                for score in scores.iter_mut() {
                    *score = (*score - max).exp();
                    sum += *score;
                }
                scores.iter_mut().for_each(|score| *score /= sum);
                keep_best(scores, k, threshold, best);
            }
            Loss::Sigmoid { labels, table } => {
                scores.clear();
                scores.extend((0..*labels).map(|label| {
                    let x = output.dot(label, hidden);
                    if x < -SIGMOID_BOUND {
                        0.0
                    } else if x > SIGMOID_BOUND {
                        1.0
                    } else {
                        table[((x + SIGMOID_BOUND) * SIGMOID_STEPS as f32 / SIGMOID_BOUND / 2.0) as usize]
                    }
                }));
                keep_best(scores, k, threshold, best);
            }
            Loss::Tree(nodes) => {
                // Every branch that can still be among the best is gone down, left before right. The tree is
                // a few dozen levels deep, but as deep as there are labels if a file's counts are made up:
                // branches that wait are kept in a list.
                let labels = nodes.len().div_ceil(2);
                let least = ln(f64::from(threshold));
                waiting.clear();
                waiting.extend(nodes.len().checked_sub(1).map(|root| (root as u32, 0.0)));
                while let Some((node, score)) = waiting.pop() {
                    if score < least || best.len() == k && best.last().is_some_and(|worst| score < worst.probability) {
                        continue;
                    }
                    let node = node as usize;
                    let Some([left, right]) = nodes[node].children else {
                        insert(best, k, Prediction { label: node, probability: score });
                        continue;
                    };
                    let f = output.dot(node - labels, hidden);
                    let f = (1.0 / (1.0 + f64::from((-f).exp()))) as f32;
                    waiting.push((right, score + ln(f64::from(f))));
                    waiting.push((left, score + ln(1.0 - f64::from(f))));
                }
            }
        }
        for prediction in best.iter_mut() {
            prediction.probability = prediction.probability.exp();
        }
    }
}

/// Puts the logarithm of each probability that is enough into `best`, in order.
fn keep_best(scores: &[f32], k: usize, threshold: f32, best: &mut Vec<Prediction>) {
    for (label, &score) in scores.iter().enumerate() {
        if score >= threshold {
            insert(best, k, Prediction { label, probability: ln(f64::from(score)) });
        }
    }
}

/// Keeps the `k` best, best first. Of equals the later label is better, as the C++ tool's heap of
/// pairs has it.
fn insert(best: &mut Vec<Prediction>, k: usize, new: Prediction) {
    let at = best.partition_point(|old| (old.probability, old.label) > (new.probability, new.label));
    if at < k {
        best.truncate(k - 1);
        best.insert(at, new);
    }
}

/// The Huffman tree as the C++ tool builds it: labels come by falling count.
pub fn tree(counts: &[i64]) -> Vec<Node> {
    const UNKNOWN: i64 = 1_000_000_000_000_000;
    let labels = counts.len();
    let mut nodes: Vec<Node> = counts.iter().map(|&count| Node { children: None, count }).collect();
    nodes.resize((2 * labels).saturating_sub(1), Node { children: None, count: UNKNOWN });
    let mut leaf = labels;
    let mut inner = labels;
    for node in labels..nodes.len() {
        let mut smallest = || {
            if leaf > 0 && (inner >= node || nodes[leaf - 1].count < nodes[inner].count) {
                leaf -= 1;
                leaf
            } else {
                inner += 1;
                inner - 1
            }
        };
        let (left, right) = (smallest(), smallest());
        let count = nodes[left].count.saturating_add(nodes[right].count);
        nodes[node] = Node { children: Some([left as u32, right as u32]), count };
    }
    nodes
}
