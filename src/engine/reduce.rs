//! A reduce phase, and its tasks: one range of keys of one stage, from every map task's file to decisions.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::Origin;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::commit::{Ledger, Output, at, digest};
use super::driver::{Job, Tasks, work_folder};
use super::graph::{Graph, Node, Work};
use super::inputs::Split;
use super::map::segment_key;
use super::map_phase::Mapped;
use super::shuffle::{Merge, Record, Run, Sorter, address, merge_all, partition};
use super::spool::{decision_pieces, encode_decision};
use super::{Failure, Shared, pool};
use crate::registry::AnyStage;
use crate::stage::{Decision, Key, Records};

/// The record of a reduce task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reduced {
    /// Decisions, sorted by the address of their document.
    pub decisions: Output,
    /// How many records were reduced.
    pub records: u64,
}

/// A map task's file: where it came from, the number of its split, and what it holds.
pub struct MapOutput {
    /// Name of the record that names it.
    pub task: String,
    /// Where it lies; an error that names it tells which task must run again.
    pub path: PathBuf,
    /// Number of the split it is about.
    pub split: u32,
    /// The file, opened.
    pub run: Run,
}

/// Everything that tells one reduce task from another.
pub struct ReduceSpec<'a> {
    /// What reduces.
    pub stage: &'a dyn AnyStage,
    /// Where it commits.
    pub ledger: Ledger,
    /// Its name.
    pub key: String,
    /// Which partition of the keys it reduces.
    pub part: u64,
    /// Of how many.
    pub parts: u64,
    /// Where the map tasks committed.
    pub upstream: Ledger,
    /// What all map tasks left.
    pub inputs: &'a [MapOutput],
    /// Key of each split, by its number.
    pub splits: &'a [String],
}

/// How many partitions a shuffle of `bytes` bytes of input has: it depends on the corpus alone.
pub fn partitions(bytes: u64) -> u64 {
    const TARGET: u64 = 1 << 30;
    bytes.div_ceil(TARGET).next_power_of_two().clamp(1, 1 << 16)
}

/// Runs the task and returns its record.
pub fn run(shared: &Shared, spec: &ReduceSpec<'_>) -> Result<Reduced, Failure> {
    let attempt = spec.ledger.attempt(&spec.key)?;
    let damaged = |error: io::Error| {
        let named = spec.inputs.iter().find(|input| error.to_string().contains(&*input.path.to_string_lossy()));
        match named {
            Some(input) => Failure::damaged(&spec.upstream, &input.task, error),
            None => Failure::Machine(error),
        }
    };
    let runs = spec.inputs.iter().map(|input| (Some(input.split), input.run.clone())).collect();
    let scratch = attempt.folder().join("merge");
    fs::create_dir(&scratch).map_err(at(&scratch))?;
    let mut merge = merge_all(runs, partition(spec.part, spec.parts), &scratch).map_err(damaged)?;
    let path = attempt.folder().join("decisions.run");
    let mut sorter = Sorter::create(&path, shared.memory.sorter, true);
    let mut value = Vec::new();
    let mut records = 0;
    let mut failure = None;
    while let Some(key) = merge.peek().map(|record| record.key) {
        if shared.stopping() {
            return Err(Failure::Stopped);
        }
        let mut group = Group { key, merge: &mut merge, failure: None, value: Vec::new(), records: 0 };
        spec.stage.reduce(key, &mut group, &mut |origin: Origin, decision: Decision<'_>| {
            let kept = decision.kept.map(|kept| (spec.splits[kept.split as usize].as_str(), kept.ordinal));
            for piece in 0..decision_pieces(decision.bytes) {
                encode_decision(kept, decision.bytes, piece, &mut value);
                let record = Record { key: address(origin), value: &value, origin: Origin::default() };
                if let Err(error) = sorter.push(record) {
                    failure.get_or_insert(error);
                }
            }
        });
        while group.next().is_some() {} // what the stage did not care to read
        records += group.records;
        if let Some(error) = group.failure {
            return Err(damaged(error));
        }
        if let Some(error) = failure {
            return Err(error.into());
        }
    }
    drop(merge);
    fs::remove_dir_all(&scratch).map_err(at(&scratch))?;
    let (file, digest) = sorter.finish()?;
    let decisions = attempt.finish("decisions.run", &file, digest)?;
    let reduced = attempt.commit(Reduced { decisions, records })?;
    shared.committed();
    Ok(reduced)
}

/// The records of one key, straight from the merge.
struct Group<'a> {
    key: Key,
    merge: &'a mut Merge,
    failure: Option<io::Error>,
    value: Vec<u8>,
    records: u64,
}

impl Records for Group<'_> {
    fn next(&mut self) -> Option<(Origin, &[u8])> {
        if self.failure.is_some() {
            return None;
        }
        let record = self.merge.peek().filter(|record| record.key == self.key)?;
        let origin = record.origin;
        self.value.clear();
        self.value.extend_from_slice(record.value);
        self.records += 1;
        if let Err(error) = self.merge.advance() {
            self.failure = Some(error);
            return None;
        }
        Some((origin, &self.value))
    }
}

/// What a finished reduce phase leaves.
pub struct ReducedStage {
    /// Where its tasks committed.
    pub ledger: Ledger,
    /// By task: its decisions.
    pub runs: Vec<(String, Run)>,
    /// By split: the digest of all decisions about its documents.
    pub digests: HashMap<u64, u128>,
}

/// What a person calls the reduce phase of a stage.
pub fn name(node: &Node) -> String {
    format!("reduce {}", node.name)
}

/// The folder of a stage's records, below the work folder.
pub fn folder(graph: &Graph, node: &Node) -> String {
    let identity = digest(format!("wanjuan reduce 1\nseed {}\n{}", graph.seed, node.identity).as_bytes());
    format!("reduce-{}-{}", node.name, &identity[..16])
}

/// Runs what is missing of the reduce phase of the stage at `node`, the phase's stage `number`.
pub fn phase(
    shared: &Shared,
    job: &Job<'_>,
    node: usize,
    number: usize,
    mapped: &Mapped,
) -> Result<(ReducedStage, Tasks), Failure> {
    let graph = job.graph;
    let Work::Observe(stage) = &graph.nodes[node].work else { unreachable!("only stages are reduced") };
    let ledger = Ledger::open(work_folder(job.output).join(folder(graph, &graph.nodes[node])))?;
    let parts = partitions(job.splits.iter().map(Split::bytes).sum());
    let mut inputs = Vec::new();
    let mut all = String::new();
    for (split, (task, segments)) in mapped.tasks.iter().enumerate() {
        all.push_str(&job.splits[split].key);
        for (segment, record) in segments.iter().enumerate() {
            let output = &record.shuffles[number];
            all.push_str(&format!(" {}\n", output.digest));
            let key = segment_key(task, segment);
            let run = Run::open(&mapped.ledger.locate(output))
                .map_err(|error| Failure::damaged(&mapped.ledger, &key, error))?;
            inputs.push(MapOutput { task: key, path: mapped.ledger.locate(output), split: split as u32, run });
        }
    }
    let root = &digest(all.as_bytes())[..24];
    let keys: Vec<String> = (0..parts).map(|part| format!("{root}-{part:05}-of-{parts:05}")).collect();
    let splits: Vec<String> = job.splits.iter().map(|split| split.key.clone()).collect();
    let mut records: Vec<Option<Reduced>> = Vec::new();
    for key in &keys {
        let record = ledger.read::<Reduced>(key)?;
        let whole = record.filter(|record| {
            ledger.locate(&record.decisions).metadata().is_ok_and(|file| file.len() == record.decisions.length)
        });
        if whole.is_none() {
            ledger.disown(key)?;
        }
        records.push(whole);
    }
    let missing: Vec<usize> = (0..keys.len()).filter(|&part| records[part].is_none()).collect();
    let title = name(&graph.nodes[node]);
    shared.progress.phase(&title, keys.len(), keys.len() - missing.len(), 0);
    pool::each(job.threads, missing.len(), |index| {
        let part = missing[index];
        let spec = ReduceSpec {
            stage: stage.as_ref(),
            ledger: ledger.clone(),
            key: keys[part].clone(),
            part: part as u64,
            parts,
            upstream: mapped.ledger.clone(),
            inputs: &inputs,
            splits: &splits,
        };
        run(shared, &spec).map(drop)
    })?;
    let mut runs = Vec::new();
    let mut digests: HashMap<u64, u128> = HashMap::new();
    for key in &keys {
        let record =
            ledger.read::<Reduced>(key)?.ok_or_else(|| io::Error::other(format!("the record {key} is gone")))?;
        let mut run =
            Run::open(&ledger.locate(&record.decisions)).map_err(|error| Failure::damaged(&ledger, key, error))?;
        for section in run.take_sections() {
            let digest = digests.entry(section.upper).or_default();
            *digest = xxh3_128_with_seed(section.digest.as_bytes(), *digest as u64) ^ *digest >> 64;
        }
        runs.push((key.clone(), run));
    }
    let tasks = Tasks {
        phase: title,
        ran: missing.iter().map(|part| format!("{part}")).collect(),
        skipped: keys.len() - missing.len(),
        seconds: 0.0, // the driver holds the clock
    };
    Ok((ReducedStage { ledger, runs, digests }, tasks))
}
