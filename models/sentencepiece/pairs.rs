//! Byte pair encoding (Sennrich et al., arXiv:1508.07909) as SentencePiece applies it: characters, and what users defined,
//! become pieces of two, the pair whose piece has the greatest score first, of equals the leftmost, until no pair is a
//! piece.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::trie::{NONE, ROOT, Trie};

/// A part of the text, in a list of those that are left.
#[derive(Clone, Copy)]
struct Part {
    start: usize,
    /// Where it ends; its start where it has become one with the part before it.
    end: usize,
    before: u32,
    behind: u32,
    /// The node of its text, or [`NONE`] where no piece begins so.
    node: u32,
    /// Whether users defined it: it becomes one with nothing.
    defined: bool,
}

/// Two parts that can become one.
#[derive(Clone, Copy)]
struct Pair {
    score: f32,
    left: u32,
    right: u32,
    bytes: usize,
    node: u32,
}

impl PartialEq for Pair {
    fn eq(&self, other: &Pair) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Pair {}
impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Pair) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Pair {
    fn cmp(&self, other: &Pair) -> Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

/// What is used again from text to text.
#[derive(Default)]
pub struct Room {
    parts: Vec<Part>,
    pairs: BinaryHeap<Pair>,
}

impl Room {
    /// Appends where pieces end, and whether each is unknown.
    pub fn cut(&mut self, pieces: &Trie, text: &str, ends: &mut Vec<(usize, bool)>) {
        self.parts.clear();
        self.pairs.clear();
        let mut start = 0;
        while let Some(c) = text[start..].chars().next() {
            let defined = pieces.longest_defined(&text.as_bytes()[start..]);
            let end = start + defined.unwrap_or(c.len_utf8());
            let at = self.parts.len() as u32;
            let node = pieces.walk(ROOT, &text.as_bytes()[start..end]);
            self.parts.push(Part {
                start,
                end,
                before: at.checked_sub(1).unwrap_or(NONE),
                behind: if end == text.len() { NONE } else { at + 1 },
                node,
                defined: defined.is_some(),
            });
            start = end;
        }
        for right in 1..self.parts.len() as u32 {
            self.offer(pieces, text, right - 1, right);
        }
        while let Some(Pair { left, right, bytes, node, .. }) = self.pairs.pop() {
            let (one, other) = (self.parts[left as usize], self.parts[right as usize]);
            let is_past = one.start == one.end || other.start == other.end || other.end - one.start != bytes;
            if is_past {
                continue;
            }
            let behind = other.behind;
            self.parts[left as usize] = Part { end: other.end, behind, node, ..one };
            self.parts[right as usize].end = other.start;
            if behind != NONE {
                self.parts[behind as usize].before = left;
                self.offer(pieces, text, left, behind);
            }
            if one.before != NONE {
                self.offer(pieces, text, one.before, left);
            }
        }
        let mut at = if self.parts.is_empty() { NONE } else { 0 };
        while at != NONE {
            let part = self.parts[at as usize];
            ends.push((part.end, pieces.end(part.node).is_none()));
            at = part.behind;
        }
        self.parts.shrink_to(1 << 16);
        self.pairs.shrink_to(1 << 16);
    }

    fn offer(&mut self, pieces: &Trie, text: &str, left: u32, right: u32) {
        let (one, other) = (self.parts[left as usize], self.parts[right as usize]);
        if one.defined || other.defined {
            return;
        }
        let node = pieces.walk(one.node, &text.as_bytes()[other.start..other.end]);
        let Some(found) = pieces.end(node) else { return };
        self.pairs.push(Pair { score: found.score, left, right, bytes: other.end - one.start, node });
    }
}
