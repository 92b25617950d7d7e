//! Pieces by their bytes.

use super::file::{Kind, Piece};

/// No node.
pub const NONE: u32 = u32::MAX;

/// The node of the empty text.
pub const ROOT: u32 = 0;

/// What ends at a node.
#[derive(Debug, Clone, Copy)]
pub struct End {
    pub score: f32,
    pub kind: Kind,
}

/// A trie whose steps stand in one hash table.
pub struct Trie {
    /// By node and byte, at the first free place from where a hash says: the next node, or [`NONE`].
    steps: Vec<(u64, u32)>,
    ends: Vec<Option<End>>,
}

impl Trie {
    /// An empty one with room for pieces of so many bytes.
    pub fn new(bytes: usize) -> Trie {
        Trie { steps: vec![(0, NONE); (bytes.max(8) * 2).next_power_of_two()], ends: vec![None] }
    }

    fn place(&self, node: u32, byte: u8) -> (usize, u64) {
        let key = u64::from(node) << 8 | u64::from(byte);
        let mask = self.steps.len() - 1;
        let mut at = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        while self.steps[at].1 != NONE && self.steps[at].0 != key {
            at = (at + 1) & mask;
        }
        (at, key)
    }

    /// Puts a piece in.
    pub fn insert(&mut self, piece: &Piece) -> Result<(), String> {
        let mut node = ROOT;
        for byte in piece.text.bytes() {
            let (at, key) = self.place(node, byte);
            if self.steps[at].1 == NONE {
                self.steps[at] = (key, self.ends.len() as u32);
                self.ends.push(None);
            }
            node = self.steps[at].1;
        }
        match self.ends[node as usize].replace(End { score: piece.score, kind: piece.kind }) {
            Some(_) => Err(format!("the piece `{}` stands twice", piece.text)),
            None => Ok(()),
        }
    }

    /// The node behind one more byte, or [`NONE`].
    #[inline]
    pub fn step(&self, node: u32, byte: u8) -> u32 {
        self.steps[self.place(node, byte).0].1
    }

    /// The node behind more bytes, or [`NONE`].
    pub fn walk(&self, node: u32, bytes: &[u8]) -> u32 {
        bytes.iter().fold(node, |node, &byte| if node == NONE { NONE } else { self.step(node, byte) })
    }

    /// The piece that ends at a node, if there is one.
    #[inline]
    pub fn end(&self, node: u32) -> Option<End> {
        self.ends.get(node as usize).copied().flatten()
    }

    /// How long the longest piece is that users defined and the text begins with.
    pub fn longest_defined(&self, text: &[u8]) -> Option<usize> {
        let (mut node, mut found) = (ROOT, None);
        for (length, &byte) in (1..).zip(text) {
            node = self.step(node, byte);
            if node == NONE {
                break;
            }
            if self.end(node).is_some_and(|end| end.kind == Kind::UserDefined) {
                found = Some(length);
            }
        }
        found
    }
}
