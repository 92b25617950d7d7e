//! Lanes: the ordered streams of rows that a map task writes, one for each place they go.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Shared;
use super::blocks::{self, Totals};
use super::commit::Output;
use super::driver::WORK;
use super::flow::LaneMap;
use super::graph::{Graph, KeepDropped, Work};
use super::outcome::{LinesPack, MeasuresPack};
use super::spool::{self, SpoolPack};
use crate::registry::AnySink;
use crate::sink::{Block, Row, Sealed, ShardFile};

/// How the rows of a lane become blocks and the blocks shards: the half of a sink that the engine
/// also uses for its own outputs.
pub trait Pack: Send + Sync {
    /// A block is complete when its rows have reached this many bytes.
    fn block_bytes(&self) -> usize;

    /// A shard is complete when its blocks have reached this weight.
    fn shard_weight(&self) -> u64;

    /// Makes a block's rows ready to be stored. Runs on any thread.
    fn seal(&self, block: Block) -> io::Result<Sealed>;

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
    /// How its rows are packed.
    pub pack: Box<dyn Pack + 'a>,
    /// Whether the cuts between blocks show in the output. If so, rows of an unfinished block are
    /// carried over to the next segment, so that segments never show.
    pub published: bool,
}

/// Rows of one batch for one lane.
#[derive(Debug, Default)]
pub struct Rows {
    /// Their bytes.
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
}

/// The block of a lane that is being filled.
#[derive(Debug, Default)]
pub struct OpenBlock {
    /// The rows so far.
    pub block: Block,
    /// What they come to.
    pub totals: Totals,
    /// Number of the block within the segment.
    pub number: u64,
}

impl OpenBlock {
    /// Takes rows and hands each completed block to `cut`. Where cuts do `show` in the output they depend on the rows
    /// alone; elsewhere many rows are a block as they are, which spares their copy.
    pub fn append(&mut self, rows: Rows, block_bytes: usize, show: bool, mut cut: impl FnMut(u64, Block, Totals)) {
        if !show && self.block.bytes.is_empty() && rows.block.bytes.len() >= block_bytes / 2 {
            rows.weights.iter().for_each(|row| self.totals += Totals::of(row));
            self.block = rows.block;
            let (number, block, totals) = self.take();
            return cut(number, block, totals);
        }
        let mut start = 0;
        for (&end, row) in rows.block.ends.iter().zip(&rows.weights) {
            if self.block.bytes.is_empty() {
                // A block that grew from nothing would be copied as often as its length doubles.
                self.block.bytes.reserve_exact(block_bytes + block_bytes / 8);
            }
            self.block.bytes.extend_from_slice(&rows.block.bytes[start..end]);
            self.block.ends.push(self.block.bytes.len());
            self.totals += Totals::of(row);
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
    /// Begins a lane's file.
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
    /// The lane's name.
    pub lane: String,
    /// Its file.
    pub output: Output,
    /// What the file holds.
    pub totals: Totals,
}

/// The lane of every document's outcome.
pub const MEASURES: &str = "measures";
/// The lane of bad records.
pub const SET_ASIDE: &str = "set-aside";
/// The folder of the lanes of dropped documents.
pub const DROPPED: &str = "dropped";
/// Folders of an output that no sink can be called as.
pub const OWN_FOLDERS: [&str; 4] = [MEASURES, SET_ASIDE, DROPPED, WORK];

/// The lanes of one phase, and which node writes to which.
pub fn lanes<'a>(shared: &Shared, graph: &'a Graph, phase: usize) -> (Vec<Lane<'a>>, LaneMap) {
    let nodes = graph.nodes.len();
    let mut map = LaneMap {
        sinks: vec![None; nodes],
        dropped: vec![None; nodes],
        stages: vec![None; nodes],
        ..LaneMap::default()
    };
    let mut lanes: Vec<Lane<'a>> = Vec::new();
    let mut add = |name: String, pack: Box<dyn Pack + 'a>, published: bool| {
        lanes.push(Lane { name, pack, published });
        lanes.len() - 1
    };
    map.measures = add(MEASURES.to_owned(), Box::new(MeasuresPack(&graph.outcomes)), true);
    map.set_aside = add(SET_ASIDE.to_owned(), Box::new(LinesPack), true);
    let mut stages = 0;
    for (number, node) in graph.phase(phase) {
        match &node.work {
            Work::Sink(sink) => {
                map.sinks[number] = Some(add(node.name.clone(), Box::new(SinkPack(sink.as_ref())), true))
            }
            Work::Observe(_) => {
                map.stages[number] = Some(stages);
                stages += 1;
            }
            _ if graph.keep_dropped != KeepDropped::None => {
                map.dropped[number] = Some(add(format!("{DROPPED}/{}", node.name), Box::new(LinesPack), true));
            }
            _ => {}
        }
    }
    if graph.spools(phase) {
        map.spool = Some(add(
            spool::LANE.to_owned(),
            Box::new(SpoolPack { block_bytes: shared.memory.portion, plain: shared.plain_spool }),
            false,
        ));
    }
    (lanes, map)
}

/// All that decides about the bytes of a lane's shards, beside its rows.
pub fn lane_identity(graph: &Graph, lane: &str) -> String {
    let own = graph.nodes.iter().find(|node| matches!(node.work, Work::Sink(_)) && node.name == lane);
    own.map_or_else(|| format!("{lane} 1"), |node| node.identity.clone())
}

/// A sink as the engine packs its rows.
struct SinkPack<'a>(&'a dyn AnySink);

impl Pack for SinkPack<'_> {
    fn block_bytes(&self) -> usize {
        self.0.block_bytes()
    }
    fn shard_weight(&self) -> u64 {
        self.0.shard_weight()
    }
    fn seal(&self, block: Block) -> io::Result<Sealed> {
        self.0.seal(block)
    }
    fn publish(
        &self,
        folder: &Path,
        number: usize,
        blocks: &mut dyn Iterator<Item = io::Result<Sealed>>,
    ) -> io::Result<Vec<ShardFile>> {
        self.0.publish(folder, number, blocks)
    }
}
