//! What the countings of peers share: copies of pieces, and runs of words by how often they occur.

use std::cell::RefCell;

use xxhash_rust::xxh3::xxh3_64;

use super::KEPT_STARTS;
use crate::kit::{Runs, Table, Twice};

/// How much of a list occurs more than once, every copy counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Copies {
    /// All pieces.
    pub elements: usize,
    /// Length of all pieces.
    pub length: usize,
    /// Pieces that have an equal.
    pub copies: usize,
    /// Length of those.
    pub copied_length: usize,
}

#[derive(Default)]
struct Scratch {
    table: Table,
    twice: Twice,
    repeated: Vec<u32>,
    later: Vec<u32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Counts copies; `length` measures a piece.
pub(super) fn all_copies<'a>(pieces: impl Iterator<Item = &'a str> + Clone, length: impl Fn(&str) -> usize) -> Copies {
    SCRATCH.with_borrow_mut(|Scratch { table, .. }| {
        table.start(pieces.size_hint().0);
        let mut more = false;
        for piece in pieces.clone() {
            more |= table.count(xxh3_64(piece.as_bytes())) > 1;
        }
        let mut found = Copies::default();
        for piece in pieces {
            let length = length(piece);
            found.elements += 1;
            found.length += length;
            if more && table.seen(xxh3_64(piece.as_bytes())) > 1 {
                found.copies += 1;
                found.copied_length += length;
            }
        }
        found
    })
}

/// Characters of a piece.
pub(super) fn chars(piece: &str) -> usize {
    piece.chars().count()
}

/// Runs of `n` words, of which there is at least one.
pub(super) struct Found<'a> {
    /// Words of a run.
    pub n: usize,
    /// How often the most frequent run occurs.
    pub most: usize,
    /// Where the most frequent run first begins, of equals the first to be seen.
    pub first: usize,
    /// Where runs begin that occur more than once.
    pub repeated: &'a [u32],
    /// Where runs begin that have occurred before.
    pub later: &'a [u32],
    runs: &'a Runs,
    table: &'a Table,
}

impl Found<'_> {
    /// Characters of the longest of the most frequent runs.
    pub(super) fn longest(&self) -> usize {
        let starts = self.repeated.iter().map(|&start| start as usize);
        let frequent = starts.filter(|&start| self.table.seen(self.runs.hash(start, self.n)) as usize == self.most);
        frequent.map(|start| self.runs.chars(start, self.n)).max().unwrap_or(0)
    }

    /// Appends where the longest of the most frequent runs begins, of equals the first; nothing if no run
    /// occurs twice.
    pub(super) fn longest_frequent(&self, starts: &mut Vec<u32>) {
        let hash = |start: u32| self.runs.hash(start as usize, self.n);
        let mut best = None;
        for &start in self.repeated {
            if self.table.seen(hash(start)) as usize == self.most {
                let length = self.runs.chars(start as usize, self.n);
                if best.is_none_or(|(longest, _)| length > longest) {
                    best = Some((length, hash(start)));
                }
            }
        }
        if let Some((_, best)) = best {
            starts.extend(self.repeated.iter().filter(|&&start| hash(start) == best));
        }
    }

    /// Characters of the words that the runs at `starts` cover, none counted twice.
    pub(super) fn cover(&self, starts: &[u32]) -> usize {
        let (mut chars, mut end) = (0, 0);
        for start in starts.iter().map(|&start| start as usize) {
            let from = start.max(end);
            end = start + self.n;
            chars += self.runs.chars(from, end - from);
        }
        chars
    }
}

/// Looks at all runs of 2 to 10 words, length by length, as far as there are any. A run can only be
/// repeated where the shorter run it begins with is.
pub(super) fn each_length(runs: &Runs, mut look: impl FnMut(&Found)) {
    SCRATCH.with_borrow_mut(|Scratch { table, twice, repeated, later }| {
        repeated.clear();
        repeated.shrink_to(KEPT_STARTS);
        later.shrink_to(KEPT_STARTS);
        twice.find(runs, 2, repeated);
        for n in 2..=10 {
            let count = runs.count(n);
            if count == 0 {
                return;
            }
            repeated.truncate(repeated.partition_point(|&start| (start as usize) < count));
            table.start(repeated.len());
            later.clear();
            let mut most = 1;
            for &start in &*repeated {
                let times = table.see(runs.hash(start as usize, n)).times;
                most = most.max(times);
                if times > 1 {
                    later.push(start);
                }
            }
            let times = |start: u32| table.seen(runs.hash(start as usize, n));
            let first = match most {
                1 => 0,
                _ => repeated.iter().copied().find(|&start| times(start) == most).unwrap_or(0) as usize,
            };
            repeated.retain(|&start| most > 1 && times(start) > 1);
            look(&Found { n, most: most as usize, first, repeated, later, runs, table });
        }
    });
}
