//! The pieces whose scores have the greatest sum (Kudo 2018, arXiv:1804.10959, sec. 3.2), in single precision; of equals,
//! the one found first.

use super::file::Kind;
use super::trie::{NONE, ROOT, Trie};

/// How much worse than the worst piece an unknown character is.
const UNKNOWN_PENALTY: f32 = 10.0;

/// What a piece that users defined counts for: more than any logarithm of a probability, so that it always is one.
const DEFINED: f32 = 0.001;

/// What scores of pieces say of what has none of its own.
pub struct Scores {
    unknown: f32,
}

/// The best way to a place in a text.
#[derive(Clone, Copy)]
struct Best {
    score: f32,
    from: u32,
    unknown: bool,
}

/// What is used again from text to text.
#[derive(Default)]
pub struct Room {
    best: Vec<Best>,
}

impl Scores {
    /// Of the scores of normal pieces.
    pub fn new(scores: impl Iterator<Item = f32>) -> Scores {
        Scores { unknown: scores.fold(f32::INFINITY, f32::min) - UNKNOWN_PENALTY }
    }

    /// Appends where pieces end, and whether each is unknown.
    pub fn cut(&self, pieces: &Trie, text: &str, room: &mut Room, ends: &mut Vec<(usize, bool)>) {
        let (bytes, best) = (text.as_bytes(), &mut room.best);
        best.clear();
        best.resize(bytes.len() + 1, Best { score: 0.0, from: NONE, unknown: false });
        let mut start = 0;
        while let Some(c) = text[start..].chars().next() {
            let (here, width) = (best[start].score, c.len_utf8());
            let mut offer = |end: usize, score: f32, unknown: bool| {
                let at = &mut best[end];
                if at.from == NONE || score > at.score {
                    *at = Best { score, from: start as u32, unknown };
                }
            };
            let (mut node, mut single) = (ROOT, false);
            for (end, &byte) in (start + 1..).zip(&bytes[start..]) {
                node = pieces.step(node, byte);
                if node == NONE {
                    break;
                }
                let Some(found) = pieces.end(node).filter(|found| found.kind != Kind::Unused) else { continue };
                let score = if found.kind == Kind::UserDefined { DEFINED } else { found.score };
                offer(end, score + here, false);
                single |= end == start + width;
            }
            if !single {
                offer(start + width, self.unknown + here, true);
            }
            start += width;
        }
        let mut end = bytes.len();
        while end > 0 {
            let way = best[end];
            ends.push((end, way.unknown));
            end = way.from as usize;
        }
        ends.reverse();
        best.shrink_to(1 << 20);
    }
}
