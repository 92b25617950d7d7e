//! Sources: formats that records are read from.
//!
//! Reading is split in two. A [`Reader`] walks the bytes of one split in order and cuts them into
//! [`Batch`]es of records; it does what cannot be shared (decompressing, finding boundaries) and no
//! more. Turning a record into a document, [`Batch::document`], is pure and runs on any thread.

mod bytes;
mod http;
pub mod jsonl;
mod lines;
mod members;
mod objects;
pub mod parquet;
mod rows;
pub mod text;
pub mod warc;
pub mod wet;

use std::io;
use std::ops::Range;

use wanjuan_filters::kit::{Document, Step};

pub use bytes::lost;
pub use objects::{Objects, objects};
pub use rows::rows;

use crate::store::Input;

/// Marker for [`Step::Kind`].
pub struct Kind;

impl wanjuan_filters::kit::Kind for Kind {
    const NAME: &'static str = "source";
}

/// A format that records are read from.
pub trait Source: Step<Kind = Kind> {
    /// File endings that belong to the format, used when a path names a folder (`.jsonl.zst`).
    fn endings(&self) -> &'static [&'static str];

    /// Cuts a file into byte ranges that can be read apart, each about `target` bytes; by default
    /// the whole file. Together they must yield the records of the file, each once, in order.
    fn splits(&self, input: &Input, target: u64) -> io::Result<Vec<Range<u64>>> {
        let _ = target;
        Ok(input.whole())
    }

    /// Opens one of those ranges.
    fn open(&self, input: &Input, range: Range<u64>, limits: Limits) -> io::Result<Box<dyn Reader>>;
}

/// What a reader may hold at once.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// About how many bytes a batch holds, as read, decompressed.
    pub batch_bytes: usize,
    /// The largest record that can become a document, in bytes; a larger one is set aside.
    pub max_document: usize,
    /// The largest ratio of decompressed to compressed bytes, so far in a file, before it is a bomb.
    pub max_ratio: u64,
}

/// [`Limits::max_ratio`] of every run: text that repeats itself is compressed a hundredfold.
pub const MAX_RATIO: u64 = 1000;

/// Walks the records of one split in order.
pub trait Reader: Send {
    /// The next records, or `None` after the last. An error is the machine's (unreadable disk);
    /// bad data is never an error here: it becomes a [`Bad`] record in the batch.
    fn next(&mut self) -> io::Result<Option<Box<dyn Batch>>>;
}

/// Consecutive records of one split.
pub trait Batch: Send + Sync {
    /// Number of records, bad ones counted.
    fn len(&self) -> usize;

    /// Whether there is no record in it.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held, for progress and memory.
    fn bytes(&self) -> usize;

    /// Turns the record at `index` into a document. The engine fills in the origin, and an id where
    /// the record has none.
    fn document(&self, index: usize) -> Result<Document, NoDocument>;

    /// The record as read, for a person to look at, where it can be had without parsing.
    fn raw(&self, index: usize) -> &[u8] {
        let _ = index;
        &[]
    }
}

/// Bytes of a bad record that are kept.
pub const KEPT_RAW: usize = 64 << 10;

/// The reason of a record that has no text where the source's settings say.
pub const MISSING_TEXT: &str = "missing_text";

/// Why a record became no document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoDocument {
    /// It should have, and could not: it is set aside.
    Bad(Bad),
    /// It was never meant to (a redirect, a picture): counted under this reason, as a drop of the source.
    PassedOver(&'static str),
}

impl From<Bad> for NoDocument {
    fn from(bad: Bad) -> NoDocument {
        NoDocument::Bad(bad)
    }
}

/// A record that cannot become a document: set aside, never fatal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    /// A fact about the record (`invalid_json`, `truncated_gzip`), counted in the report.
    pub reason: &'static str,
    /// What exactly was found, for a person.
    pub detail: String,
    /// Where in the file it starts, in bytes as stored; `None` where that is not known.
    pub offset: Option<u64>,
    /// The record as read, cut to at most 64 KiB.
    pub raw: Vec<u8>,
}
