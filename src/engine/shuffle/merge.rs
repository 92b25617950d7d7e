//! Merges sorted files by (key, value, split, ordinal).

use std::cmp::Ordering;
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

use super::Record;
use super::run::{Cursor, Run, Writer};
use crate::stage::Key;

/// Cursors in a binary heap, smallest record on top.
pub struct Merge {
    heap: Vec<Source>,
}

struct Source {
    /// The split that the file's records belong to, where the records do not say.
    split: Option<u32>,
    cursor: Cursor,
}

impl Source {
    fn record(&self) -> Option<Record<'_>> {
        let mut record = self.cursor.record()?;
        record.origin.split = self.split.unwrap_or(record.origin.split);
        Some(record)
    }
}

impl Merge {
    /// Merges what the cursors walk over; a number puts a split in the place of the one in the records.
    pub fn new(cursors: Vec<(Option<u32>, Cursor)>) -> Merge {
        let sources = cursors.into_iter().map(|(split, cursor)| Source { split, cursor });
        let mut heap: Vec<Source> = sources.filter(|source| source.record().is_some()).collect();
        heap.sort_by(compare); // a sorted vector is a heap
        Merge { heap }
    }

    /// The smallest record that has not been passed.
    pub fn peek(&self) -> Option<Record<'_>> {
        self.heap.first()?.record()
    }

    /// Goes to the next record.
    pub fn advance(&mut self) -> io::Result<()> {
        let Some(source) = self.heap.first_mut() else { return Ok(()) };
        source.cursor.advance()?;
        if source.cursor.record().is_none() {
            self.heap.swap_remove(0);
        }
        self.sift_down();
        Ok(())
    }

    fn sift_down(&mut self) {
        let mut parent = 0;
        loop {
            let mut child = 2 * parent + 1;
            if child >= self.heap.len() {
                return;
            }
            if child + 1 < self.heap.len() && compare(&self.heap[child + 1], &self.heap[child]) == Ordering::Less {
                child += 1;
            }
            if compare(&self.heap[parent], &self.heap[child]) != Ordering::Greater {
                return;
            }
            self.heap.swap(parent, child);
            parent = child;
        }
    }
}

/// Orders by key, value, document: the order of [`Record`] itself. A cursor in the heap always
/// stands at a record.
fn compare(a: &Source, b: &Source) -> Ordering {
    a.record().cmp(&b.record())
}

/// How many files are merged at once; each cursor holds one block in memory.
pub const FAN_IN: usize = 64;

/// Merges any number of files: past 64, groups of them become one file in `folder` first,
/// which says for each record which split it is about.
pub fn merge_all(mut runs: Vec<(Option<u32>, Run)>, keys: RangeInclusive<Key>, folder: &Path) -> io::Result<Merge> {
    let mut merged = 0;
    while runs.len() > FAN_IN {
        let rest = runs.split_off(FAN_IN);
        let path = folder.join(format!("merged{merged}"));
        merged += 1;
        let mut writer = Writer::create(&path, false)?;
        let mut merge = open(&runs, &keys)?;
        while let Some(record) = merge.peek() {
            writer.push(record)?;
            merge.advance()?;
        }
        writer.finish()?;
        runs = rest;
        runs.push((None, Run::open(&path)?));
    }
    open(&runs, &keys)
}

fn open(runs: &[(Option<u32>, Run)], keys: &RangeInclusive<Key>) -> io::Result<Merge> {
    let cursors = runs.iter().map(|(split, run)| Ok((*split, run.range(keys.clone())?)));
    Ok(Merge::new(cursors.collect::<io::Result<_>>()?))
}
