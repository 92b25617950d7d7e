//! Word vectors that a training begins with, from a file of text: their number and length, then a word and its numbers
//! a line, as the C++ tool writes `.vec`.

use std::collections::HashMap;
use std::io::BufRead;

use super::{Error, refuse};

/// Words and their vectors.
pub struct Vectors {
    dim: usize,
    rows: HashMap<Vec<u8>, Vec<f32>>,
    order: Vec<Vec<u8>>,
}

impl Vectors {
    /// Reads a `.vec` file. Of equal words the first counts.
    pub fn read(mut lines: impl BufRead) -> Result<Vectors, Error> {
        let unreadable = |error: std::io::Error| Error(error.to_string());
        let mut line = Vec::new();
        lines.read_until(b'\n', &mut line).map_err(unreadable)?;
        let head: Vec<usize> = numbers(&line).unwrap_or_default();
        let [words, dim] = head[..] else { return refuse("line 1 is not the number of words and their length") };
        let mut vectors = Vectors { dim, rows: HashMap::new(), order: Vec::new() };
        for number in 2.. {
            line.clear();
            if lines.read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
                break;
            }
            let end = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
            let (word, rest) = line.split_at(end);
            let Some(values) = numbers::<f32>(rest).filter(|values| values.len() == dim) else {
                return refuse(format!("line {number} is not a word and {dim} numbers"));
            };
            if !vectors.rows.contains_key(word) {
                vectors.order.push(word.to_vec());
                vectors.rows.insert(word.to_vec(), values);
            }
        }
        if vectors.order.len() > words {
            return refuse(format!("line 1 says {words} words, and there are more"));
        }
        Ok(vectors)
    }

    /// Numbers of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &[u8]> {
        self.order.iter().map(Vec::as_slice)
    }

    pub(super) fn get(&self, word: &[u8]) -> Option<&[f32]> {
        self.rows.get(word).map(Vec::as_slice)
    }
}

fn numbers<N: std::str::FromStr>(text: &[u8]) -> Option<Vec<N>> {
    std::str::from_utf8(text).ok()?.split_ascii_whitespace().map(|number| number.parse().ok()).collect()
}
