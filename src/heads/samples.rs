//! Labelled texts as the tokens that are read of them: what a training holds of its corpus.

use std::collections::HashSet;

use wanjuan_models::encoder::Tokens;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::{Target, number};
use crate::scorer::Example;

/// A text as a model reads it: four bytes for each token of its first window, and no more of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Tokens, with the special ones.
    pub ids: Box<[u32]>,
    /// What it is.
    pub label: Box<str>,
    /// By ISO 639-1 code where there is one.
    pub language: Box<str>,
}

/// Texts that are learned, and texts that are held out.
pub struct Samples<'a> {
    tokens: &'a Tokens,
    target: Target,
    /// Most tokens of a text that is learned, and of one that is held out.
    most: [usize; 2],
    held_out: f64,
    /// Hashes of texts that are held out, and of those that are learned.
    known: [HashSet<u128>; 2],
    /// Those to learn.
    pub learned: Vec<Sample>,
    /// Those that were held out.
    pub apart: Vec<Sample>,
}

impl<'a> Samples<'a> {
    /// No text yet. `held_out` is the share of texts that is held out by the hash of their bytes, `most` how many tokens
    /// of a text are learned and how many are measured on.
    pub fn new(tokens: &'a Tokens, target: Target, held_out: f64, most: [usize; 2]) -> Samples<'a> {
        let (learned, apart) = (Vec::new(), Vec::new());
        Samples { tokens, target, most, held_out, known: Default::default(), learned, apart }
    }

    /// Takes a text that is held out whatever its hash is. These come first: no text of theirs is learned.
    pub fn test(&mut self, example: &Example) -> Result<(), String> {
        self.known[0].insert(xxh3_128(example.text.as_bytes()));
        let sample = self.sample(example, self.most[1])?;
        self.apart.push(sample);
        Ok(())
    }

    /// Takes a text.
    pub fn take(&mut self, example: &Example) -> Result<(), String> {
        let bound = (self.held_out.clamp(0.0, 1.0) * u64::MAX as f64) as u64;
        if xxh3_64(example.text.as_bytes()) < bound {
            return self.test(example);
        }
        let hash = xxh3_128(example.text.as_bytes());
        if self.known[0].contains(&hash) {
            return Ok(()); // it is in a file of tests
        }
        self.known[1].insert(hash);
        let sample = self.sample(example, self.most[0])?;
        self.learned.push(sample);
        Ok(())
    }

    fn sample(&self, example: &Example, most: usize) -> Result<Sample, String> {
        if self.target == Target::Number {
            number(&example.label)?;
        }
        let mut ids = Vec::new();
        self.tokens.windows(&example.text, most, 1, |window| ids = window.to_vec())?;
        if ids.is_empty() {
            let start = example.text.chars().take(40).collect::<String>();
            return Err(format!("a text has no token: {start:?}"));
        }
        Ok(Sample {
            ids: ids.into_boxed_slice(),
            label: example.label.as_str().into(),
            language: example.language.as_str().into(),
        })
    }

    /// Whether a text is one of them.
    pub fn has(&self, text: &str) -> bool {
        let hash = xxh3_128(text.as_bytes());
        self.known.iter().any(|known| known.contains(&hash))
    }
}
