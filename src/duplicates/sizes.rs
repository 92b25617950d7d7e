//! Sizes of clusters: exact, in memory that does not grow with the corpus.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;

use crate::engine::commit::at;

/// Keys that are held in memory before they are written to files: 64 MiB.
const HELD: usize = 4 << 20;
/// Files, each sorted on its own: a billion duplicates make 64 MB of keys in each.
const PARTS: usize = 256;

/// A key for every duplicate: what tells its cluster.
pub struct Keys {
    held: Vec<u128>,
    limit: usize,
    folder: PathBuf,
    files: Vec<BufWriter<File>>,
}

/// What is known once all keys are there.
pub struct Sizes {
    /// How many clusters have how many documents, the one that stays included.
    pub histogram: BTreeMap<u64, u64>,
    /// The largest: documents and key; of equals those with the smallest keys.
    pub largest: Vec<(u64, u128)>,
}

impl Keys {
    /// Keys that may go into a folder, which need not be there and is removed at the end.
    pub fn new(folder: PathBuf) -> Keys {
        Keys { held: Vec::new(), limit: HELD, folder, files: Vec::new() }
    }

    pub fn push(&mut self, key: u128) -> io::Result<()> {
        self.held.push(key);
        if self.held.len() < self.limit {
            return Ok(());
        }
        if self.files.is_empty() {
            std::fs::create_dir_all(&self.folder).map_err(at(&self.folder))?;
            for part in 0..PARTS {
                let path = self.folder.join(part.to_string());
                self.files.push(BufWriter::new(File::create(&path).map_err(at(&path))?));
            }
        }
        for key in self.held.drain(..) {
            self.files[(key % PARTS as u128) as usize].write_all(&key.to_le_bytes())?;
        }
        Ok(())
    }

    /// Counts, and names so many of the largest.
    pub fn count(mut self, top: usize) -> io::Result<Sizes> {
        let mut histogram = BTreeMap::new();
        // The smallest of the largest is on top.
        let mut largest = BinaryHeap::new();
        let mut take = |keys: &mut Vec<u128>| {
            keys.sort_unstable();
            for run in keys.chunk_by(|a, b| a == b) {
                let size = run.len() as u64 + 1;
                *histogram.entry(size).or_insert(0) += 1;
                largest.push(Reverse((size, Reverse(run[0]))));
                if largest.len() > top {
                    largest.pop();
                }
            }
        };
        if self.files.is_empty() {
            take(&mut self.held);
        } else {
            self.files.drain(..).try_for_each(|mut file| file.flush())?;
            for part in 0..PARTS {
                let path = self.folder.join(part.to_string());
                let mut bytes = Vec::new();
                BufReader::new(File::open(&path).map_err(at(&path))?).read_to_end(&mut bytes)?;
                let (read, _) = bytes.as_chunks::<16>();
                let mut keys: Vec<u128> = read.iter().map(|key| u128::from_le_bytes(*key)).collect();
                keys.extend(self.held.iter().filter(|key| *key % PARTS as u128 == part as u128));
                take(&mut keys);
            }
        }
        let mut largest: Vec<(u64, u128)> =
            largest.into_iter().map(|Reverse((size, Reverse(key)))| (size, key)).collect();
        largest.sort_unstable_by_key(|&(size, key)| (Reverse(size), key));
        Ok(Sizes { histogram, largest })
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if self.folder.exists() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_the_same_in_memory_and_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let counted = |limit: usize| {
            let mut keys = Keys::new(folder.path().join("keys"));
            keys.limit = limit;
            for number in 0..5000_u128 {
                keys.push(number * number % 1009 * 0x1234_5678_9abc_def1).unwrap();
            }
            let sizes = keys.count(7).unwrap();
            (sizes.histogram, sizes.largest)
        };
        let held = counted(usize::MAX);
        assert_eq!(held, counted(300));
        assert!(!folder.path().join("keys").exists());
        assert_eq!(held.0.iter().map(|(size, count)| (size - 1) * count).sum::<u64>(), 5000);
        assert!(held.1.len() == 7 && held.1.is_sorted_by(|a, b| a.0 >= b.0));
    }
}
