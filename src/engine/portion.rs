//! Portions: what a map task hands to a thread at a time, and what becomes of it.

use std::ops::Range;

use wanjuan_filters::kit::{Origin, Text};

use super::Failure;
use super::counts::Counts;
use super::flow::Panicked;
use super::lane::Rows;
use super::shuffle::Record;
use crate::stage::Key;

/// Gives out the portions of a split in order.
pub trait Feed<'a>: Send {
    /// The next portion, of about `most` records at most, or `None` at the end. Called by one thread at a time.
    fn next(&mut self, most: u64) -> Result<Option<Box<dyn Portion + 'a>>, Failure>;
}

/// Consecutive documents of a split, to be worked on by any thread.
pub trait Portion: Send {
    /// Numbers of its records in what the task reads.
    fn records(&self) -> Range<u64>;
    /// Bytes held in memory.
    fn bytes(&self) -> usize;
    /// Bytes that were read since the portion before, as stored.
    fn read(&self) -> u64;
    /// Works on the documents, but for those that made a step `panicked` before: they are set aside. A pure
    /// function of them: what comes of it goes to `out`, all of it or, if another one makes a step panic,
    /// nothing that counts.
    fn run(
        &mut self,
        worker: &mut Worker,
        panicked: &[Panicked],
        out: &mut Produced,
    ) -> Result<Option<Panicked>, Failure>;
}

/// What a thread keeps from one portion to the next.
#[derive(Default)]
pub struct Worker {
    /// Number of the thread, for its note in the [`Window`](super::poison::Window).
    pub number: usize,
    /// The document under way, and what has been computed of it.
    pub text: Text,
}

/// What a portion became.
pub struct Produced {
    /// Rows by lane.
    pub rows: Vec<Rows>,
    /// Records by stage.
    pub records: Vec<Emitted>,
    /// What happened to its documents.
    pub counts: Counts,
}

impl Produced {
    /// Nothing yet, for so many lanes and stages.
    pub fn new(lanes: usize, stages: usize) -> Produced {
        Produced {
            rows: (0..lanes).map(|_| Rows::default()).collect(),
            records: (0..stages).map(|_| Emitted::default()).collect(),
            counts: Counts::default(),
        }
    }
}

/// What comes of a portion, whatever steps panic.
pub fn produce(
    portion: &mut dyn Portion,
    worker: &mut Worker,
    lanes: usize,
    stages: usize,
) -> Result<Produced, Failure> {
    let mut panicked = Vec::new();
    loop {
        let mut produced = Produced::new(lanes, stages);
        match portion.run(worker, &panicked, &mut produced)? {
            Some(another) => panicked.push(another),
            None => return Ok(produced),
        }
    }
}

/// Records for one stage's shuffle.
#[derive(Debug, Default)]
pub struct Emitted {
    values: Vec<u8>,
    records: Vec<(Key, u64, usize)>,
}

impl Emitted {
    /// Adds a record about the document `ordinal`.
    pub fn push(&mut self, key: Key, ordinal: u64, value: &[u8]) {
        self.values.extend_from_slice(value);
        self.records.push((key, ordinal, self.values.len()));
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.values.capacity() + self.records.capacity() * size_of::<(Key, u64, usize)>()
    }

    /// All records, in order.
    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        let mut start = 0;
        self.records.iter().map(move |&(key, ordinal, end)| {
            let value = &self.values[std::mem::replace(&mut start, end)..end];
            Record { key, value, origin: Origin { split: 0, ordinal } }
        })
    }
}
