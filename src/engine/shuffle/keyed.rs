//! What a map task writes for one stage: its records sorted, or as the documents come.

use std::fs::File;
use std::io;
use std::path::Path;

use super::{Record, Sorter, Writer};
use crate::engine::bloom::short;

/// Takes the records of a stage.
pub enum Keyed {
    /// They are brought together by key.
    Sorted(Sorter),
    /// They stay in the order of the documents, with half of each key.
    InOrder(Box<Writer>),
}

impl Keyed {
    /// Sorts within `budget` bytes.
    pub fn sorted(path: &Path, budget: usize) -> Keyed {
        Keyed::Sorted(Sorter::create(path, budget, false))
    }

    /// Writes what comes.
    pub fn in_order(path: &Path) -> io::Result<Keyed> {
        Ok(Keyed::InOrder(Box::new(Writer::create(path, false)?)))
    }

    /// Adds a record.
    pub fn push(&mut self, record: Record<'_>) -> io::Result<()> {
        match self {
            Keyed::Sorted(sorter) => sorter.push(record),
            Keyed::InOrder(writer) => writer.push(Record { key: short(record.key), ..record }),
        }
    }

    /// The file, and the digest of its content.
    pub fn finish(self) -> io::Result<(File, String)> {
        match self {
            Keyed::Sorted(sorter) => sorter.finish(),
            Keyed::InOrder(writer) => writer.finish(),
        }
    }
}
