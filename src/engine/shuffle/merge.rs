//! Merges sorted files by (key, value, split, ordinal).

use std::cmp::Ordering;
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

use super::run::{Cursor, Run, Writer};
use super::{INDEXED, Record};
use crate::stage::Key;

/// How records of one key are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By value, then document.
    Plain,
    /// Those about documents of an index before all others.
    IndexedFirst,
    /// Those about documents of an index behind all others.
    IndexedLast,
}

/// Cursors in a binary heap, smallest record on top.
pub struct Merge {
    heap: Vec<Source>,
    order: Order,
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
    pub fn new(cursors: Vec<(Option<u32>, Cursor)>, order: Order) -> Merge {
        let sources = cursors.into_iter().map(|(split, cursor)| Source { split, cursor });
        let mut heap: Vec<Source> = sources.filter(|source| source.record().is_some()).collect();
        heap.sort_by(|a, b| order.compare(a, b)); // a sorted vector is a heap
        Merge { heap, order }
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
            let less = |a: usize, b: usize| self.order.compare(&self.heap[a], &self.heap[b]) == Ordering::Less;
            if child + 1 < self.heap.len() && less(child + 1, child) {
                child += 1;
            }
            if self.order.compare(&self.heap[parent], &self.heap[child]) != Ordering::Greater {
                return;
            }
            self.heap.swap(parent, child);
            parent = child;
        }
    }
}

impl Order {
    /// Orders by key, value, document: the order of [`Record`] itself, but for documents of an index. A cursor
    /// in the heap always stands at a record.
    fn compare(self, a: &Source, b: &Source) -> Ordering {
        let (a, b) = (a.record(), b.record());
        if let (Some(a), Some(b), false) = (a, b, self == Order::Plain)
            && a.key == b.key
        {
            let indexed = (b.origin.split >= INDEXED).cmp(&(a.origin.split >= INDEXED));
            let indexed = if self == Order::IndexedFirst { indexed } else { indexed.reverse() };
            return indexed.then_with(|| a.cmp(&b));
        }
        a.cmp(&b)
    }
}

/// How many files are merged at once; each cursor holds one block in memory.
pub const FAN_IN: usize = 64;

/// Merges any number of files: past 64, groups of them become one file in `folder` first,
/// which says for each record which split it is about. Each file is either about documents of an index or about none.
pub fn merge_all(
    mut runs: Vec<(Option<u32>, Run)>,
    keys: RangeInclusive<Key>,
    folder: &Path,
    order: Order,
) -> io::Result<Merge> {
    let mut merged = 0;
    while runs.len() > FAN_IN {
        let rest = runs.split_off(FAN_IN);
        let path = folder.join(format!("merged{merged}"));
        merged += 1;
        let mut writer = Writer::create(&path, false)?;
        let mut merge = open(&runs, &keys, order)?;
        while let Some(record) = merge.peek() {
            writer.push(record)?;
            merge.advance()?;
        }
        writer.finish()?;
        runs = rest;
        runs.push((None, Run::open(&path)?));
    }
    open(&runs, &keys, order)
}

fn open(runs: &[(Option<u32>, Run)], keys: &RangeInclusive<Key>, order: Order) -> io::Result<Merge> {
    let cursors = runs.iter().map(|(split, run)| Ok((*split, run.range(keys.clone())?)));
    Ok(Merge::new(cursors.collect::<io::Result<_>>()?, order))
}
