//! Windows on their way through the model: some thousands are waited for, sorted by length and scored.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use wanjuan_filters::kit::Origin;
use wanjuan_models::encoder::{Encoder, Error, Scratch, batches};

use crate::numbers::{count, share};

/// Tokens that are waited for before any goes through the model: enough that sorting makes batches of like length.
const WAITED_FOR: usize = 1 << 20;

/// Windows that are waited for: those of a text that comes again and again are read once, but each is held.
const HELD: usize = 1 << 18;

/// Which document a window is of.
pub struct Window {
    /// The document.
    pub origin: Origin,
    /// Number of the window in its text.
    pub number: u32,
    /// Which of the texts that wait it is: equal ones are scored once.
    text: usize,
}

/// Collects windows, and scores them.
pub struct Scorer<'a> {
    model: &'a Encoder,
    busy: &'a Busy,
    windows: Vec<Window>,
    texts: Vec<Vec<u32>>,
    tokens: usize,
    scratch: Scratch,
}

/// How long tasks worked, how long in the model, and on how much; what the summary tells.
#[derive(Debug, Default)]
pub struct Busy {
    model: AtomicU64,
    all: AtomicU64,
    windows: AtomicU64,
    tokens: AtomicU64,
}

impl Busy {
    /// Adds the time of a task.
    pub fn worked(&self, time: Duration) {
        self.all.fetch_add(time.as_micros() as u64, Ordering::Relaxed);
    }

    /// For the summary, if anything was scored.
    pub fn told(&self) -> Option<String> {
        let [model, all, windows, tokens] =
            [&self.model, &self.all, &self.windows, &self.tokens].map(|count| count.load(Ordering::Relaxed));
        (windows > 0).then(|| {
            let rate = tokens as f64 / (model as f64 / 1e6).max(1e-6);
            format!(
                "{} windows, {} tokens, {:.0} a second; its threads were in the model {} of their time, {:.1} s in all",
                count(windows),
                count(tokens),
                rate,
                share(model, all),
                model as f64 / 1e6
            )
        })
    }
}

impl<'a> Scorer<'a> {
    /// Nothing waits yet.
    pub fn new(model: &'a Encoder, busy: &'a Busy) -> Scorer<'a> {
        Scorer { model, busy, windows: Vec::new(), texts: Vec::new(), tokens: 0, scratch: Scratch::default() }
    }

    /// Takes a window: its ids and, in four bytes behind them, its number.
    pub fn push(&mut self, origin: Origin, value: &[u8], say: &mut impl FnMut(&Window, &[f32])) -> Result<(), Error> {
        let Some((ids, number)) = value.split_last_chunk::<4>() else { return Ok(()) };
        if self.windows.len() >= HELD {
            self.finish(say)?;
        }
        let ids = ids.as_chunks::<4>().0.iter().map(|&id| u32::from_le_bytes(id));
        if !self.texts.last().is_some_and(|last| last.iter().copied().eq(ids.clone())) {
            if self.tokens >= WAITED_FOR {
                self.finish(say)?;
            }
            let text: Vec<u32> = ids.collect();
            self.tokens += text.len();
            self.texts.push(text);
        }
        self.windows.push(Window { origin, number: u32::from_be_bytes(*number), text: self.texts.len() - 1 });
        Ok(())
    }

    /// Scores what waits. Only a graphics processor fails.
    pub fn finish(&mut self, say: &mut impl FnMut(&Window, &[f32])) -> Result<(), Error> {
        let (each, started) = (self.model.scores(), Instant::now());
        let lengths: Vec<usize> = self.texts.iter().map(Vec::len).collect();
        let (mut all, mut some) = (vec![0.0; self.texts.len() * each], Vec::new());
        for batch in batches(&lengths, self.model.batch_tokens(), self.model.is_padded()) {
            let texts: Vec<&[u32]> = batch.iter().map(|&at| &self.texts[at][..]).collect();
            some.clear();
            self.model.score(&texts, &mut self.scratch, &mut some)?;
            for (&at, scores) in batch.iter().zip(some.chunks(each)) {
                all[at * each..][..each].copy_from_slice(scores);
            }
        }
        self.busy.model.fetch_add(started.elapsed().as_micros() as u64, Ordering::Relaxed);
        self.busy.windows.fetch_add(self.windows.len() as u64, Ordering::Relaxed);
        self.busy.tokens.fetch_add(self.tokens as u64, Ordering::Relaxed);
        for window in self.windows.drain(..) {
            say(&window, &all[window.text * each..][..each]);
        }
        self.texts.clear();
        self.tokens = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use wanjuan_models::encoder::Found;

    use super::*;

    #[test]
    fn a_text_that_comes_again_and_again_is_not_held_as_often() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/encoder/golden/bert");
        let (model, busy) = (Encoder::load(&folder, &Found::Cpu).unwrap(), Busy::default());
        let mut scorer = Scorer::new(&model, &busy);
        let value = [[2, 0, 0, 0], [20, 0, 0, 0], [3, 0, 0, 0], [0; 4]].concat();
        let mut said = Vec::new();
        for ordinal in 0..=HELD as u64 {
            let origin = Origin { split: 0, ordinal };
            scorer.push(origin, &value, &mut |window, scores| said.push((window.origin.ordinal, scores[0]))).unwrap();
            assert!(scorer.windows.len() <= HELD);
        }
        scorer.finish(&mut |window, scores| said.push((window.origin.ordinal, scores[0]))).unwrap();
        let first = said[0].1;
        assert!(said.into_iter().eq((0..=HELD as u64).map(|ordinal| (ordinal, first))));
    }
}
