//! Sorts records of any number within a fixed memory: full buffers become runs on disk.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::Record;
use super::merge::{Order, merge_all};
use super::run::{Run, Writer};
use crate::stage::Key;
use wanjuan_filters::kit::Origin;

/// Collects records in any order and writes them as one sorted file.
pub struct Sorter {
    path: PathBuf,
    with_sections: bool,
    budget: usize,
    values: Vec<u8>,
    entries: Vec<Entry>,
    runs: Vec<PathBuf>,
    spilled: usize,
}

struct Entry {
    key: Key,
    origin: Origin,
    start: usize,
    length: u32,
}

impl Sorter {
    /// `budget` bounds the memory in bytes. Runs lie beside `path` until the end.
    pub fn create(path: &Path, budget: usize, with_sections: bool) -> Sorter {
        Sorter {
            path: path.to_owned(),
            with_sections,
            budget: budget.max(64 << 10),
            values: Vec::new(),
            entries: Vec::new(),
            runs: Vec::new(),
            spilled: 0,
        }
    }

    /// Adds a record; spills when the buffer is full.
    pub fn push(&mut self, record: Record<'_>) -> io::Result<()> {
        let entry = Entry {
            key: record.key,
            origin: record.origin,
            start: self.values.len(),
            length: record.value.len() as u32,
        };
        self.entries.push(entry);
        self.values.extend_from_slice(record.value);
        // A vector that doubles holds up to twice its length.
        let held = 2 * (self.values.len() + self.entries.len() * size_of::<Entry>());
        if held > self.budget { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> io::Result<()> {
        if self.entries.is_empty() {
            return Ok(());
        }
        let path = self.path.with_extension(format!("run{}", self.spilled));
        self.spilled += 1;
        self.write_buffer(&path, false)?;
        self.runs.push(path);
        Ok(())
    }

    fn write_buffer(&mut self, path: &Path, with_sections: bool) -> io::Result<(File, String)> {
        let values = &self.values;
        let record = |entry: &Entry| Record {
            key: entry.key,
            value: &values[entry.start..entry.start + entry.length as usize],
            origin: entry.origin,
        };
        self.entries.sort_unstable_by(|a, b| record(a).cmp(&record(b)));
        let mut writer = Writer::create(path, with_sections)?;
        for entry in &self.entries {
            writer.push(record(entry))?;
        }
        self.entries.clear();
        self.values.clear();
        writer.finish()
    }

    /// Writes the sorted file, which is the caller's to sync, and tells the digest of its content.
    pub fn finish(mut self) -> io::Result<(File, String)> {
        let path = self.path.clone();
        if self.runs.is_empty() {
            return self.write_buffer(&path, self.with_sections);
        }
        self.spill()?;
        (self.values, self.entries) = Default::default();
        let open = self.runs.iter().map(|run| Ok((None, Run::open(run)?))).collect::<io::Result<_>>()?;
        let scratch = self.path.with_extension("merge");
        fs::create_dir(&scratch)?;
        let mut merge = merge_all(open, 0..=Key::MAX, &scratch, Order::Plain)?;
        let mut writer = Writer::create(&path, self.with_sections)?;
        while let Some(record) = merge.peek() {
            writer.push(record)?;
            merge.advance()?;
        }
        drop(merge);
        fs::remove_dir_all(&scratch)?;
        for run in &self.runs {
            fs::remove_file(run)?;
        }
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn spilling_and_merging_gives_what_sorting_in_memory_gives(
            records in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..300), 0..50u64), 0..400),
            part in 0..4u64,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("sorted");
            let mut sorter = Sorter::create(&path, 0, false);
            let keyed: Vec<(Key, &[u8], u64)> = records.iter().map(|(key, value, ordinal)| (Key::from(*key) << 120, &value[..], *ordinal)).collect();
            for (key, value, ordinal) in &keyed {
                sorter.push(Record { key: *key, value, origin: Origin { split: 0, ordinal: *ordinal } }).unwrap();
            }
            sorter.finish().unwrap();
            let range = super::super::partition(part, 4);
            let mut plain: Vec<Record<'_>> = keyed.iter().map(|(key, value, ordinal)| Record { key: *key, value, origin: Origin { split: 0, ordinal: *ordinal } }).filter(|record| range.contains(&record.key)).collect();
            plain.sort();
            let mut cursor = Run::open(&path).unwrap().range(range).unwrap();
            for expected in plain {
                prop_assert_eq!(cursor.record(), Some(expected));
                cursor.advance().unwrap();
            }
            prop_assert_eq!(cursor.record(), None);
            prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "runs are removed");
        }
    }

    #[test]
    fn it_spills_when_the_buffer_is_full_and_only_then() {
        let folder = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::create(&folder.path().join("sorted"), 1 << 20, false);
        for ordinal in 0..100_000_u64 {
            let key = Key::from(ordinal.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            sorter.push(Record { key, value: &[7; 16], origin: Origin { split: 0, ordinal } }).unwrap();
            assert!(sorter.values.capacity() + sorter.entries.capacity() * size_of::<Entry>() <= 1 << 20);
        }
        let bytes = 100_000 * (16 + size_of::<Entry>());
        assert!((4..=1 + 2 * bytes / (1 << 20)).contains(&sorter.runs.len()), "{} runs", sorter.runs.len());
    }

    #[test]
    fn equal_decisions_of_a_split_have_equal_digests_wherever_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let sections = |name: &str, split: u128, value: &[u8]| {
            let path = folder.path().join(name);
            let mut sorter = Sorter::create(&path, 1 << 20, true);
            for ordinal in [5, 2] {
                sorter.push(Record { key: (split << 64) | ordinal, value, origin: Origin::default() }).unwrap();
            }
            sorter.finish().unwrap();
            Run::open(&path).unwrap().take_sections()
        };
        let (one, moved, other) = (sections("a", 1, b"x"), sections("b", 8, b"x"), sections("c", 1, b"y"));
        assert_eq!(one[0].digest, moved[0].digest);
        assert_ne!(one[0].digest, other[0].digest);
        assert_eq!(moved[0].upper, 8);
    }
}
