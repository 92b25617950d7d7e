//! Static embeddings as model2vec has them: the mean of a text's token vectors, and nothing else.
//!
//! The method and the files are those of [model2vec](https://github.com/MinishLab/model2vec) 0.10 (its `model.py`):
//! a text is cut after as many characters as `max_tokens` tokens of median length have, encoded without special
//! tokens, and cut again after `max_tokens`; unknown tokens are left out; the vectors of the others, each times its
//! weight where there are weights, are averaged, and scaled to length 1 where the model wants it. Sums run in the order
//! of the text, over whole numbers where the rows are `int8`, else in `f32` or, with weights, in `f64`.
//!
//! Two things differ. A special token that stands in a text is text here. Rows of `float16` are averaged, and their
//! mean is given, in `f32`; model2vec rounds the mean to `float16`.

use std::cell::RefCell;

use super::Embedding;
use crate::tokenizer::Tokenizer;

/// Vectors of tokens, ready to embed from any thread.
pub struct Table {
    pub(super) rows: Rows,
    pub(super) dimensions: usize,
    /// By token: what its row is multiplied by.
    pub(super) weights: Option<Vec<f64>>,
    /// By token: its row. Tokens are rows where there is none.
    pub(super) mapping: Option<Vec<u32>>,
    pub(super) tokenizer: Tokenizer,
    pub(super) unknown: Option<u32>,
    pub(super) normalize: bool,
    /// Tokens of a text that count, from its start.
    pub(super) max_tokens: Option<usize>,
    pub(super) median_chars: usize,
    pub(super) digest: String,
}

/// Rows one after the other.
pub(super) enum Rows {
    Floats(Vec<f32>),
    Bytes(Vec<i8>),
}

/// What a thread uses again from text to text.
#[derive(Default)]
struct Room {
    ids: Vec<u32>,
    sums: Vec<f64>,
    whole: Vec<i32>,
}

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
}

/// Rows of bytes that are added before a sum of `i32` could overflow.
const CHUNK: usize = 1 << 20;
/// Tokens for which there is room from one text to the next.
const KEPT: usize = 1 << 18;

impl Table {
    /// The tokens of a text that count; `None` is all. A model has its own, 512 as a rule.
    pub fn set_max_tokens(&mut self, max_tokens: Option<usize>) {
        self.max_tokens = max_tokens;
    }

    /// What tells its weights from others.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether texts are encoded by the fast encoder.
    pub fn is_fast(&self) -> bool {
        self.tokenizer.is_fast()
    }

    /// The ids that count; none where the text cannot be encoded.
    fn ids(&self, text: &str, ids: &mut Vec<u32>) {
        ids.clear();
        let most = self.max_tokens.unwrap_or(usize::MAX);
        let chars = most.saturating_mul(self.median_chars);
        // Every character has a byte at least.
        let text = if text.len() <= chars { text } else { first_chars(text, chars) };
        if self.tokenizer.encode(text, ids).is_err() {
            ids.clear();
        }
        ids.truncate(most);
        ids.retain(|&id| Some(id) != self.unknown);
    }

    fn row(&self, id: u32) -> usize {
        self.mapping.as_ref().map_or(id, |mapping| mapping[id as usize]) as usize * self.dimensions
    }

    fn weighted<'a, N: Copy + Into<f64> + 'a>(&self, rows: &'a [N], weights: &[f64], ids: &[u32], sums: &mut [f64]) {
        for &id in ids {
            let (row, weight) = (self.row(id), weights[id as usize]);
            for (sum, &number) in sums.iter_mut().zip(&rows[row..row + self.dimensions]) {
                *sum += number.into() * weight;
            }
        }
    }

    fn mean(&self, Room { ids, sums, whole }: &mut Room, vector: &mut [f32]) {
        let count = ids.len();
        sums.clear();
        sums.resize(self.dimensions, 0.0);
        match (&self.rows, &self.weights) {
            (Rows::Floats(rows), None) => {
                for &id in &*ids {
                    let row = self.row(id);
                    for (sum, number) in vector.iter_mut().zip(&rows[row..row + self.dimensions]) {
                        *sum += number;
                    }
                }
                vector.iter_mut().for_each(|sum| *sum /= count as f32);
                return;
            }
            (Rows::Bytes(rows), None) => {
                for ids in ids.chunks(CHUNK) {
                    whole.clear();
                    whole.resize(self.dimensions, 0);
                    for &id in ids {
                        let row = self.row(id);
                        for (sum, &number) in whole.iter_mut().zip(&rows[row..row + self.dimensions]) {
                            *sum += i32::from(number);
                        }
                    }
                    sums.iter_mut().zip(&*whole).for_each(|(sum, &whole)| *sum += f64::from(whole));
                }
            }
            (Rows::Floats(rows), Some(weights)) => self.weighted(rows, weights, ids, sums),
            (Rows::Bytes(rows), Some(weights)) => self.weighted(rows, weights, ids, sums),
        }
        vector.iter_mut().zip(sums).for_each(|(mean, sum)| *mean = (*sum / count as f64) as f32);
    }
}

impl Embedding for Table {
    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn embed(&self, text: &str, vector: &mut Vec<f32>) -> bool {
        vector.clear();
        vector.resize(self.dimensions, 0.0);
        ROOM.with_borrow_mut(|room| {
            self.ids(text, &mut room.ids);
            let known = !room.ids.is_empty();
            if known {
                self.mean(room, vector);
                if self.normalize {
                    let norm = vector.iter().map(|&number| f64::from(number).powi(2)).sum::<f64>().sqrt() as f32;
                    vector.iter_mut().for_each(|number| *number /= norm + 1e-32);
                }
            }
            room.ids.clear();
            room.ids.shrink_to(KEPT);
            known
        })
    }
}

fn first_chars(text: &str, chars: usize) -> &str {
    text.char_indices().nth(chars).map_or(text, |(end, _)| &text[..end])
}
