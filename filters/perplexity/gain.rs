//! What the first half of a text tells about the second.

use std::collections::HashMap;

use wanjuan_models::ngram::chars::characters;
use wanjuan_models::ngram::{Model, State};

use super::{Perplexity, Reads};
use crate::kit::Text;

/// The share of the probability that is the cache's.
const CACHE: f64 = 0.1;

impl Perplexity {
    /// The mean of log P(word of the second half | first half) - log P(word of the second half).
    pub(super) fn gain(&self, text: &Text) -> Option<f64> {
        let mut ids = Vec::new();
        let model = match &self.model {
            Reads::Characters(chars) => {
                let model = chars.model();
                let mut bytes = [0; 4];
                ids.extend(characters(text).map(|c| model.word(c.encode_utf8(&mut bytes).as_bytes())));
                model
            }
            Reads::Pieces(model, pieces) => {
                super::ROOM.with_borrow_mut(|room| {
                    pieces.pieces(text, room, |piece| ids.push(model.word(piece.as_bytes())));
                });
                model
            }
            Reads::Words(model, words) => {
                match *words {
                    None => ids.extend(text.split_ascii_whitespace().map(|word| model.word(word.as_bytes()))),
                    Some(how) => ids.extend(text.words(how).map(|word| model.word(word.as_bytes()))),
                }
                model
            }
        };
        // Single characters are known from anywhere: what is remembered are runs of four.
        let n = if matches!(self.model, Reads::Characters(_)) { 4 } else { 1 };
        gain(model, &ids, n)
    }
}

/// Words that follow a context of `n - 1` others are remembered by it.
pub(super) fn gain(model: &Model, ids: &[u32], n: usize) -> Option<f64> {
    let half = ids.len() / 2;
    if half < n {
        return None;
    }
    let mut contexts: HashMap<&[u32], u32> = HashMap::new();
    let mut runs: HashMap<&[u32], u32> = HashMap::new();
    for run in ids[..half].windows(n) {
        *contexts.entry(&run[..n - 1]).or_default() += 1;
        *runs.entry(run).or_default() += 1;
    }
    let (mut state, mut next, mut gain) = (State::default(), State::default(), 0.0);
    for (at, &id) in ids.iter().enumerate().skip(half) {
        let prob = 10_f64.powf(f64::from(model.step(&state, id, &mut next)));
        std::mem::swap(&mut state, &mut next);
        let run = &ids[at + 1 - n..=at];
        let Some(&seen) = contexts.get(&run[..n - 1]) else { continue };
        let cached = f64::from(runs.get(run).copied().unwrap_or(0)) / f64::from(seen);
        let with = (1.0 - CACHE) * prob + CACHE * cached;
        gain += (with / prob.max(f64::MIN_POSITIVE)).log10();
    }
    Some(gain / (ids.len() - half) as f64)
}
