//! Lanes: the ordered streams of rows that a map task writes, one for each place they go.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::blocks::{self, Totals};
use super::commit::Output;
use crate::sink::{Block, Row, Sealed, ShardFile};

/// How the rows of a lane become blocks and the blocks shards: the half of a sink that the engine
/// also uses for its own outputs.
pub trait Pack: Send + Sync {
    /// A block is complete when its rows have reached this many bytes.
    fn block_bytes(&self) -> usize;

    /// A shard is complete when its blocks have reached this weight.
    fn shard_weight(&self) -> u64;

    /// Makes a block's rows ready to be stored. Runs on any thread.
    fn seal(&self, block: &Block) -> io::Result<Sealed>;

    /// Puts sealed blocks together into a shard.
    fn publish(
        &self,
        folder: &Path,
        number: usize,
        blocks: &mut dyn Iterator<Item = io::Result<Sealed>>,
    ) -> io::Result<Vec<ShardFile>>;
}

/// Where rows go.
pub struct Lane<'a> {
    /// The folder below the output, or the spool's name.
    pub name: String,
    pub pack: Box<dyn Pack + 'a>,
    /// Whether the cuts between blocks show in the output. If so, rows of an unfinished block are
    /// carried over to the next segment, so that segments never show.
    pub published: bool,
}

/// Rows of one batch for one lane.
#[derive(Debug, Default)]
pub struct Rows {
    pub block: Block,
    /// What each row counts for.
    pub weights: Vec<Row>,
}

impl Rows {
    /// Ends the row whose bytes have been appended to the block.
    pub fn end_row(&mut self, row: Row) {
        self.block.ends.push(self.block.bytes.len());
        self.weights.push(row);
    }

    /// Takes back bytes of a row that was never ended.
    pub fn forget_open_row(&mut self) {
        self.block.bytes.truncate(self.block.ends.last().copied().unwrap_or(0));
    }
}

/// The block of a lane that is being filled.
#[derive(Debug, Default)]
pub struct OpenBlock {
    pub block: Block,
    pub totals: Totals,
    /// Number of the block within the segment.
    pub number: u64,
}

impl OpenBlock {
    /// Appends rows and hands each completed block to `cut`.
    pub fn append(&mut self, rows: &Rows, block_bytes: usize, mut cut: impl FnMut(u64, Block, Totals)) {
        let mut start = 0;
        for (&end, row) in rows.block.ends.iter().zip(&rows.weights) {
            self.block.bytes.extend_from_slice(&rows.block.bytes[start..end]);
            self.block.ends.push(self.block.bytes.len());
            self.totals += Totals { rows: 1, weight: row.weight, tokens: row.tokens };
            start = end;
            if self.block.bytes.len() >= block_bytes {
                let (number, block, totals) = self.take();
                cut(number, block, totals);
            }
        }
    }

    /// Closes the block, complete or not.
    pub fn take(&mut self) -> (u64, Block, Totals) {
        let number = self.number;
        self.number += 1;
        (number, std::mem::take(&mut self.block), std::mem::take(&mut self.totals))
    }
}

/// Writes sealed blocks to a lane's file in the order they were cut.
pub struct InOrder {
    next: u64,
    waiting: BTreeMap<u64, (Sealed, Totals)>,
    file: blocks::Writer,
    totals: Totals,
}

impl InOrder {
    pub fn create(path: &Path) -> io::Result<InOrder> {
        Ok(InOrder {
            next: 0,
            waiting: BTreeMap::new(),
            file: blocks::Writer::create(path)?,
            totals: Totals::default(),
        })
    }

    /// Takes a block whenever it is ready.
    pub fn put(&mut self, number: u64, sealed: Sealed, totals: Totals) -> io::Result<()> {
        self.waiting.insert(number, (sealed, totals));
        while let Some((sealed, totals)) = self.waiting.remove(&self.next) {
            self.file.append(&sealed, totals)?;
            self.totals += totals;
            self.next += 1;
        }
        Ok(())
    }

    /// The file, the digest of its content, and what it holds.
    pub fn finish(self) -> io::Result<(std::fs::File, String, Totals)> {
        debug_assert!(self.waiting.is_empty(), "every block was put before the file is finished");
        let (file, digest) = self.file.finish()?;
        Ok((file, digest, self.totals))
    }
}

/// A lane's file as a record names it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LaneOutput {
    pub lane: String,
    pub output: Output,
    pub totals: Totals,
}
