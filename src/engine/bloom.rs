//! Keys in the order of the corpus through a Bloom filter, between the two halves of a stage that has one.
//!
//! One task reads the files of all splits, one after the other as they stand in the corpus, in batches. Threads
//! share a batch by the blocks of the filter, so that they do not show. What was seen before is decided about
//! at once, so decisions come in the order of the documents: nothing is sorted. A run that was killed reads the
//! keys again.

use std::fs::File;
use std::io;
use std::mem::take;
use std::path::Path;

use wanjuan_dedup::bloom::{Bloom, Shape};
use wanjuan_filters::kit::Origin;

use super::counts::BloomCounts;
use super::driver::Tasks;
use super::reduce::{Between, DECISIONS, Made, ReducedStage, Sorted};
use super::shuffle::{Record, Writer, address};
use super::spool::{decision_pieces, encode_decision};
use super::{Failure, Memory};
use crate::stage::Key;

/// Keys of one batch.
const BATCH: usize = 1 << 18;
/// Bytes that a batch and what is beside it takes.
const BESIDE: u64 = 32 << 20;

/// The memory that a filter takes while it is filled, in bytes.
pub fn memory(shape: Shape) -> u64 {
    shape.bytes() + BESIDE
}

/// Whether the budget has room for a filter.
pub fn fits(shape: Shape, memory: &Memory) -> bool {
    self::memory(shape) <= memory.alone
}

/// What is left of a key in the files: a filter does not tell more of it.
pub fn short(key: Key) -> Key {
    key & !Key::from(u64::MAX)
}

/// Keys of one batch: where they come from, and what the stage says of each.
#[derive(Default)]
struct Batch {
    keys: Vec<u64>,
    records: Vec<(Origin, usize)>,
    values: Vec<u8>,
}

/// Has the filter decide about the documents of all keys; see [`Stage::bloom`](crate::stage::Stage::bloom).
pub fn decide(
    between: &Between<'_>,
    shape: Shape,
    root: &str,
    inputs: &[Sorted<'_>],
    ran: &mut Vec<Tasks>,
) -> Result<ReducedStage, Failure> {
    let keys = [format!("bloom-{root}")];
    let made = between.run("bloom", &keys, ran, |_| {
        let attempt = between.ledger.attempt(&keys[0])?;
        let mut decisions = Decisions::create(&attempt.folder().join(DECISIONS))?;
        let mut bloom = Bloom::new(shape);
        let mut batch = Batch::default();
        let mut all = 0;
        for input in inputs {
            let damaged = |error| input.by.damaged(error);
            let mut cursor = input.run.range(0..=Key::MAX).map_err(damaged)?;
            while let Some(record) = cursor.record() {
                batch.keys.push((record.key >> 64) as u64);
                batch.values.extend_from_slice(record.value);
                batch.records.push((Origin { split: input.split, ..record.origin }, batch.values.len()));
                if batch.keys.len() == BATCH {
                    if between.shared.stopping() {
                        return Err(Failure::Stopped);
                    }
                    all += batch.work(&mut bloom, between.job.threads, &mut decisions)?;
                }
                cursor.advance().map_err(damaged)?;
            }
        }
        all += batch.work(&mut bloom, between.job.threads, &mut decisions)?;
        let one_in = (1.0 / bloom.rate().max(1e-18)).round() as u64;
        let counts = BloomCounts { keys: all, different: bloom.different(), one_in, ..BloomCounts::of(shape) };
        let made = |file| Made { file, records: all, bloom: Some(counts) };
        between.commit_made(attempt, DECISIONS, decisions.finish()?, made)
    })?;
    between.reduced(keys.to_vec(), made)
}

impl Batch {
    /// Empties the batch into the filter, and says how many keys it had.
    fn work(&mut self, bloom: &mut Bloom, threads: usize, decisions: &mut Decisions) -> io::Result<u64> {
        for place in bloom.seen(&self.keys, threads) {
            let place = place as usize;
            let (origin, end) = self.records[place];
            let start = place.checked_sub(1).map_or(0, |before| self.records[before].1);
            decisions.add(origin, &self.values[start..end])?;
        }
        let keys = self.keys.len() as u64;
        self.keys.clear();
        self.records.clear();
        self.values.clear();
        Ok(keys)
    }
}

/// Writes decisions in the order of documents, one for each document.
struct Decisions {
    writer: Writer,
    open: Option<Origin>,
    bytes: Vec<u8>,
    value: Vec<u8>,
}

impl Decisions {
    fn create(path: &Path) -> io::Result<Decisions> {
        Ok(Decisions { writer: Writer::create(path, true)?, open: None, bytes: Vec::new(), value: Vec::new() })
    }

    fn add(&mut self, origin: Origin, bytes: &[u8]) -> io::Result<()> {
        if self.open != Some(origin) {
            self.close()?;
            self.open = Some(origin);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        let Some(origin) = take(&mut self.open) else { return Ok(()) };
        for piece in 0..decision_pieces(&self.bytes) {
            encode_decision(None, &self.bytes, piece, &mut self.value);
            self.writer.push(Record { key: address(origin), value: &self.value, origin: Origin::default() })?;
        }
        self.bytes.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<(File, String)> {
        self.close()?;
        self.writer.finish()
    }
}
