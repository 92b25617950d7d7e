//! Which texts of a pool a person should look at: by turns the one the head doubts most and the one it is surest of. The
//! pool is seen once, some texts at a time, and no more of it is held than can be asked about.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashSet};
use std::rc::Rc;

use wanjuan_models::encoder::Encoder;

use super::score;
use crate::scorer::Example;

/// Texts that are embedded together, and their bytes.
const TOGETHER: (usize, usize) = (1024, 8 << 20);

/// A text of the pool.
#[derive(Debug)]
pub struct Scored {
    /// The text.
    pub example: Example,
    /// What the head makes of it.
    pub scores: Vec<f64>,
    /// How sure the head is of it.
    sure: f64,
    /// Its place in the pool; of equally sure texts the first is the more doubtful.
    place: u64,
}

impl Ord for Scored {
    fn cmp(&self, other: &Scored) -> Ordering {
        self.sure.total_cmp(&other.sure).then(self.place.cmp(&other.place))
    }
}

impl PartialOrd for Scored {
    fn partial_cmp(&self, other: &Scored) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scored {
    fn eq(&self, other: &Scored) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scored {}

/// Sees a pool.
pub struct Asking<'a> {
    encoder: &'a Encoder,
    /// The mean of the numbers that were learned.
    middle: f64,
    wanted: usize,
    threads: usize,
    waiting: Vec<Example>,
    bytes: usize,
    seen: u64,
    doubted: BinaryHeap<Rc<Scored>>,
    surest: BinaryHeap<Reverse<Rc<Scored>>>,
}

impl<'a> Asking<'a> {
    /// A model with a head of its own, the mean of the numbers it learned, and how many texts a person will look at.
    pub fn new(encoder: &'a Encoder, middle: f64, wanted: usize, threads: usize) -> Asking<'a> {
        let (doubted, surest) = (BinaryHeap::new(), BinaryHeap::new());
        Asking { encoder, middle, wanted, threads, waiting: Vec::new(), bytes: 0, seen: 0, doubted, surest }
    }

    /// Shows it a text of the pool.
    pub fn see(&mut self, example: Example) -> Result<(), String> {
        self.bytes += example.text.len();
        self.waiting.push(example);
        if self.waiting.len() >= TOGETHER.0 || self.bytes >= TOGETHER.1 { self.look() } else { Ok(()) }
    }

    fn look(&mut self) -> Result<(), String> {
        self.bytes = 0;
        let examples = std::mem::take(&mut self.waiting);
        let (most, mut windows) = (self.encoder.shape().tokens, Vec::new());
        for example in &examples {
            let mut ids = Vec::new();
            self.encoder.tokens().windows(&example.text, most, 1, |window| ids = window.to_vec())?;
            windows.push(ids);
        }
        let windows: Vec<&[u32]> = windows.iter().map(Vec::as_slice).collect();
        let scores = score(self.encoder, &windows, self.threads)?;
        for (example, scores) in examples.into_iter().zip(scores) {
            self.seen += 1;
            if scores.is_empty() {
                continue; // a text without a token
            }
            let scored = Rc::new(Scored { example, sure: self.sure(&scores), scores, place: self.seen });
            self.doubted.push(scored.clone());
            self.surest.push(Reverse(scored));
            if self.doubted.len() > self.wanted {
                self.doubted.pop();
                self.surest.pop();
            }
        }
        Ok(())
    }

    /// How far the best label stands above the next; a number, how far from the middle of those that were learned.
    fn sure(&self, scores: &[f64]) -> f64 {
        let mut sorted = scores.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        if let [best, next, ..] = sorted[..] { best - next } else { (scores[0] - self.middle).abs() }
    }

    /// The texts to ask about.
    pub fn finish(mut self) -> Result<Vec<Rc<Scored>>, String> {
        self.look()?;
        let doubted = self.doubted.into_sorted_vec();
        let surest = self.surest.into_sorted_vec().into_iter().map(|scored| scored.0);
        let (mut chosen, mut places) = (Vec::new(), HashSet::new());
        for (doubted, surest) in doubted.into_iter().zip(surest) {
            for scored in [doubted, surest] {
                if chosen.len() < self.wanted && places.insert(scored.place) {
                    chosen.push(scored);
                }
            }
        }
        Ok(chosen)
    }
}
