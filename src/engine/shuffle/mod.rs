//! The shuffle: brings the records of a key together, in an order that depends on nothing else.
//!
//! A map task writes *one* file, sorted by key; a reduce task reads its range of keys from every
//! file and merges. The number of ranges is not known to the writer, so a corpus that grows does not
//! sort again. Records are ordered by key, then value, then document; a key of any size is a stream.
//!
//! A stage with a Bloom filter needs the order of the documents and no other: its files are not sorted, and
//! read from beginning to end ([`Keyed`]).
//!
//! Decisions travel back in the same kind of file, with the document's own address as the key.

mod keyed;
mod merge;
mod run;
mod sort;

pub use keyed::Keyed;
pub use merge::{Merge, Order, merge_all};
pub use run::{Cursor, Run, Section, Writer};
pub use sort::Sorter;

use wanjuan_filters::kit::Origin;

use crate::stage::Key;

/// Numbers of splits from here on are parts of [indexes](super::index): their documents were cleaned by an earlier
/// run, and are no part of the corpus.
pub const INDEXED: u32 = 1 << 31;

/// One record, borrowed from wherever it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record<'a> {
    /// What brings records together.
    pub key: Key,
    /// What the stage has to say.
    pub value: &'a [u8],
    /// The document it is about. In a map task's file the split is 0: the reader knows it by the
    /// file, so that a split which moves in the order of the corpus need not be read again.
    pub origin: Origin,
}

/// The address of a document as a key, so that decisions sort into the order of the corpus.
pub fn address(origin: Origin) -> Key {
    (Key::from(origin.split) << 64) | Key::from(origin.ordinal)
}

/// The range of keys that belongs to partition `part` of `parts` (a power of two).
pub fn partition(part: u64, parts: u64) -> std::ops::RangeInclusive<Key> {
    assert!(parts.is_power_of_two() && part < parts, "partitions are a power of two");
    let bits = parts.trailing_zeros();
    if bits == 0 {
        return 0..=Key::MAX;
    }
    let first = Key::from(part) << (Key::BITS - bits);
    first..=first | (Key::MAX >> bits)
}
