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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wanjuan_filters::kit::Origin;

    use super::*;

    /// A file of sorted records: key, value, ordinal.
    fn run(folder: &Path, number: usize, records: &mut [(u8, u8, u64)]) -> Run {
        records.sort();
        let path = folder.join(format!("{number}"));
        let mut writer = Writer::create(&path, false).unwrap();
        for &(key, value, ordinal) in records.iter() {
            let origin = Origin { split: 0, ordinal };
            writer.push(Record { key: key.into(), value: &[value], origin }).unwrap();
        }
        writer.finish().unwrap();
        Run::open(&path).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn documents_of_indexes_come_first_or_last_of_their_key_and_all_else_is_in_order(
            mut files in prop::collection::vec(prop::collection::vec((0..4_u8, any::<u8>(), 0..9_u64), 0..12), 1..90),
        ) {
            let folder = tempfile::tempdir().unwrap();
            // Every other file is of an index; more than are merged at once.
            let split = |number: usize| if number.is_multiple_of(2) { number as u32 } else { INDEXED + number as u32 };
            let mut runs = Vec::new();
            for (number, records) in files.iter_mut().enumerate() {
                runs.push((Some(split(number)), run(folder.path(), number, records)));
            }
            for order in [Order::Plain, Order::IndexedFirst, Order::IndexedLast] {
                let mut plain = Vec::new();
                for (number, records) in files.iter().enumerate() {
                    let indexed = number % 2 == 1;
                    let place = (order != Order::Plain) && indexed == (order == Order::IndexedLast);
                    plain.extend(records.iter().map(|&(key, value, ordinal)| (key, place, value, split(number), ordinal)));
                }
                plain.sort();
                let scratch = folder.path().join(format!("{order:?}"));
                std::fs::create_dir(&scratch).unwrap();
                let mut merge = merge_all(runs.clone(), 0..=Key::MAX, &scratch, order).unwrap();
                for (key, _, value, split, ordinal) in plain {
                    let expected = Record { key: key.into(), value: &[value], origin: Origin { split, ordinal } };
                    prop_assert_eq!(merge.peek(), Some(expected));
                    merge.advance().unwrap();
                }
                prop_assert_eq!(merge.peek(), None);
            }
        }

        #[test]
        fn seeking_finds_what_going_on_finds(mut wanted in prop::collection::vec(0..40_000_u64, 1..40)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("many");
            let mut writer = Writer::create(&path, false).unwrap();
            // Every third key, in some forty blocks that cannot be compressed.
            let value = |key: u64| xxhash_rust::xxh3::xxh3_128(&key.to_le_bytes()).to_le_bytes().repeat(24);
            for key in (0..13_000).map(|number| 3 * number) {
                let record = Record { key: key.into(), value: &value(key), origin: Origin::default() };
                writer.push(record).unwrap();
            }
            writer.finish().unwrap();
            let mut cursor = Run::open(&path).unwrap().range(0..=Key::MAX).unwrap();
            wanted.sort();
            for key in wanted {
                cursor.seek(key.into()).unwrap();
                let next = key.next_multiple_of(3);
                let found = cursor.record().map(|record| (record.key as u64, record.value.to_vec()));
                prop_assert_eq!(found, (next < 39_000).then(|| (next, value(next))));
            }
        }
    }
}
