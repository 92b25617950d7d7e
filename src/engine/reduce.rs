//! A reduce phase, and its tasks: one range of keys of one stage, from sorted files to decisions.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::Origin;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::bloom;
use super::commit::{Attempt, Ledger, Output, at, digest};
use super::counts::BloomCounts;
use super::driver::{Job, Tasks, work_folder};
use super::graph::{Graph, Node, Work};
use super::index::{self, Index, IndexFile};
use super::inputs::Split;
use super::map::segment_key;
use super::map_phase::Mapped;
use super::shuffle::{INDEXED, Merge, Order, Record, Run, Sorter, address, merge_all, partition};
use super::spool::{Kept, decision_pieces, encode_decision};
use super::{Failure, Shared, cluster, pool};
use crate::registry::AnyStage;
use crate::stage::{Decision, Key, Records};

/// The record of a task between two map phases, which leaves one file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Made {
    /// Its file.
    pub file: Output,
    /// How many records the task read.
    pub records: u64,
    /// What went through its Bloom filter, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bloom: Option<BloomCounts>,
}

/// A sorted file that is reduced: where it came from, and what it holds.
pub struct Sorted<'a> {
    /// Who wrote it.
    pub by: WrittenBy<'a>,
    /// Where it lies; an error that names it tells which task must run again.
    pub path: PathBuf,
    /// Number of the split it is about.
    pub split: u32,
    /// The file, opened.
    pub run: Run,
}

/// Who wrote a sorted file.
pub enum WrittenBy<'a> {
    /// A task of this run: where it committed, and the name of the record.
    Task(Ledger, String),
    /// An earlier run.
    Index(&'a Index),
}

impl WrittenBy<'_> {
    /// What an error of the file comes to: a task runs again, an index is for a person to look after.
    pub fn damaged(&self, error: io::Error) -> Failure {
        match self {
            WrittenBy::Task(ledger, task) => Failure::damaged(ledger, task, error),
            WrittenBy::Index(index) => Failure::Machine(index.damaged(&error)),
        }
    }
}

impl<'a> Sorted<'a> {
    /// Opens the file that a record names.
    pub fn open(ledger: &Ledger, task: &str, split: u32, output: &Output) -> Result<Sorted<'a>, Failure> {
        let path = ledger.locate(output);
        let run = Run::open(&path).map_err(|error| Failure::damaged(ledger, task, error))?;
        Ok(Sorted { by: WrittenBy::Task(ledger.clone(), task.to_owned()), path, split, run })
    }

    /// Opens a file of an index, the one that its manifest names.
    pub fn of_index(index: &'a Index, split: u32, file: &IndexFile) -> Result<Sorted<'a>, Failure> {
        let path = index.folder.join(&file.name);
        let by = WrittenBy::Index(index);
        let run = Run::open(&path).map_err(|error| by.damaged(error))?;
        if run.digest() != file.digest {
            let what = format!("{}: it was replaced while this run was at work", path.display());
            return Err(by.damaged(io::Error::new(io::ErrorKind::InvalidData, what)));
        }
        Ok(Sorted { by, path, split, run })
    }
}

/// How many partitions a shuffle of `bytes` bytes of input has, one for each `target`: it depends on the corpus and the
/// stage alone.
pub fn partitions(bytes: u64, target: u64) -> u64 {
    bytes.div_ceil(target).next_power_of_two().clamp(1, 1 << 16)
}

/// How many partitions the keys of a stage have: the corpus and its indexes decide, whose keys take about a tenth
/// of what the documents took.
pub fn partitions_of(splits: &[Split], node: &Node) -> u64 {
    let corpus: u64 = splits.iter().map(Split::bytes).sum();
    let target = match &node.work {
        Work::Observe(stage) => stage.task_bytes(),
        _ => unreachable!("only what stages observe is partitioned"),
    };
    partitions(corpus + 10 * node.against.iter().map(|index| index.key_bytes()).sum::<u64>(), target)
}

/// The tasks between two map phases, for one stage.
pub struct Between<'a> {
    /// What all tasks of the run share.
    pub shared: &'a Shared,
    /// The run.
    pub job: &'a Job<'a>,
    /// What the stage is called.
    pub name: &'a str,
    /// The node that observes.
    pub observe: usize,
    /// Where the tasks commit.
    pub ledger: Ledger,
}

impl Between<'_> {
    /// Runs those of the tasks `keys` that are not done, and tells what each of them made.
    pub fn run(
        &self,
        title: &str,
        keys: &[String],
        ran: &mut Vec<Tasks>,
        run: impl Fn(usize) -> Result<(), Failure> + Sync,
    ) -> Result<Vec<Made>, Failure> {
        let mut missing = Vec::new();
        for (number, key) in keys.iter().enumerate() {
            let made = self.ledger.read::<Made>(key)?;
            let damage = made.as_ref().and_then(|made| self.ledger.damage(&made.file));
            if let Some(damage) = &damage {
                self.shared.progress.note(damage);
            }
            if made.is_none() || damage.is_some() {
                self.ledger.disown(key)?;
                missing.push(number);
            }
        }
        let title = format!("{title} {}", self.name);
        let started = Instant::now();
        self.shared.progress.phase(&title, keys.len(), keys.len() - missing.len(), 0);
        pool::each(self.job.threads, missing.len(), |index| match self.shared.stopping() {
            true => Err(Failure::Stopped),
            false => run(missing[index]),
        })?;
        ran.push(Tasks {
            phase: title,
            ran: missing.iter().map(|number| format!("{number}")).collect(),
            skipped: keys.len() - missing.len(),
            seconds: started.elapsed().as_secs_f64(),
        });
        let gone = |key: &String| Failure::from(io::Error::other(format!("the record {key} is gone")));
        keys.iter().map(|key| self.ledger.read::<Made>(key)?.ok_or_else(|| gone(key))).collect()
    }

    /// Commits a task's file.
    pub fn commit(&self, attempt: Attempt, name: &str, file: (File, String), records: u64) -> Result<(), Failure> {
        self.commit_made(attempt, name, file, |file| Made { file, records, bloom: None })
    }

    /// Commits a task's file, of which `made` says what it is.
    pub fn commit_made(
        &self,
        attempt: Attempt,
        name: &str,
        file: (File, String),
        made: impl FnOnce(Output) -> Made,
    ) -> Result<(), Failure> {
        let file = attempt.finish(name, &file.0, file.1)?;
        attempt.commit(made(file))?;
        self.shared.committed();
        Ok(())
    }

    /// Gives the records of each key of a partition to `each`, and says how many records there were.
    pub fn merge(
        &self,
        inputs: &[Sorted<'_>],
        order: Order,
        (part, parts): (u64, u64),
        attempt: &Attempt,
        mut each: impl FnMut(Key, &mut Group<'_>) -> io::Result<()>,
    ) -> Result<u64, Failure> {
        let damaged = |error: io::Error| {
            let text = error.to_string();
            match inputs.iter().find(|input| text.contains(&*input.path.to_string_lossy())) {
                Some(input) => input.by.damaged(error),
                None => Failure::Machine(error),
            }
        };
        let scratch = attempt.folder().join("merge");
        let mut merge = open_merge(inputs, order, (part, parts), &scratch).map_err(damaged)?;
        let mut records = 0;
        let whole = match &self.node().work {
            Work::Observe(stage) => stage.whole_tasks(),
            _ => false,
        };
        while let Some(key) = merge.peek().map(|record| record.key) {
            if self.shared.stopping() {
                return Err(Failure::Stopped);
            }
            let mut group = Group::new((!whole).then_some(key), &mut merge, order);
            let made = each(key, &mut group);
            while group.next().is_some() {} // what the stage did not care to read
            records += group.records;
            if let Some(error) = group.failure {
                // A record that is whole and yet none of this stage's is the fault of the index that it came from.
                let number = group.split.filter(|_| group.refused).and_then(|split| split.checked_sub(INDEXED));
                let indexed = number.and_then(|number| self.node().indexed().nth(number as usize));
                return Err(match indexed {
                    Some((index, part)) => {
                        let file = part.said.as_ref().filter(|_| order == Order::IndexedFirst).unwrap_or(&part.keys);
                        let what = format!("{}: {error}", file.name);
                        Failure::Machine(index.damaged(&io::Error::new(io::ErrorKind::InvalidData, what)))
                    }
                    None => damaged(error),
                });
            }
            made?;
        }
        drop(merge);
        fs::remove_dir_all(&scratch).map_err(at(&scratch))?;
        Ok(records)
    }

    /// Names of tasks, one for each partition of the keys, which read what `root` stands for.
    pub fn partitions(&self, root: &str) -> Vec<String> {
        let parts = partitions_of(self.job.splits, self.node());
        (0..parts).map(|part| format!("{root}-{part:05}-of-{parts:05}")).collect()
    }

    /// The node that observes.
    pub fn node(&self) -> &Node {
        &self.job.graph.nodes[self.observe]
    }

    /// Has the stage decide about the documents of each key.
    fn decide(
        &self,
        stage: &dyn AnyStage,
        root: &str,
        inputs: &[Sorted<'_>],
        ran: &mut Vec<Tasks>,
    ) -> Result<ReducedStage, Failure> {
        let keys = self.partitions(root);
        let indexes: Vec<&Index> = self.node().indexed().map(|(index, _)| index).collect();
        let made = self.run("reduce", &keys, ran, |part| {
            let attempt = self.ledger.attempt(&keys[part])?;
            let mut sorter = Sorter::create(&attempt.folder().join(DECISIONS), self.shared.memory.sorter, true);
            let mut value = Vec::new();
            let part = (part as u64, keys.len() as u64);
            // Goes through the keys one step ahead, so that what is said of one is all that is held.
            let scratch = attempt.folder().join("survey");
            let mut ahead = match stage.surveys() {
                true => Some(open_merge(inputs, Order::IndexedFirst, part, &scratch)?),
                false => None,
            };
            let records = self.merge(inputs, Order::IndexedFirst, part, &attempt, |key, group| {
                let mut pushed = Ok(());
                if let Some(ahead) = &mut ahead {
                    group.survey(stage, Group::new(Some(key), ahead, Order::IndexedFirst));
                }
                stage.reduce(key, group, &mut |origin: Origin, decision: Decision<'_>| {
                    if origin.split >= INDEXED {
                        return; // it stays, whatever is said of it
                    }
                    let named;
                    let kept = match decision.kept {
                        Some(kept) if kept.split >= INDEXED => {
                            let id = decision.id.unwrap_or_default();
                            named = format!("{}#{id}", indexes[(kept.split - INDEXED) as usize].name);
                            Some(Kept::Indexed(named.as_str()))
                        }
                        Some(kept) => Some(Kept::Here(self.job.splits[kept.split as usize].key.as_str(), kept.ordinal)),
                        None => None,
                    };
                    for piece in 0..decision_pieces(decision.bytes) {
                        encode_decision(kept.clone(), decision.bytes, piece, &mut value);
                        let record = Record { key: address(origin), value: &value, origin: Origin::default() };
                        if pushed.is_ok() {
                            pushed = sorter.push(record);
                        }
                    }
                });
                pushed
            })?;
            if ahead.take().is_some() {
                fs::remove_dir_all(&scratch).map_err(at(&scratch))?;
            }
            self.commit(attempt, DECISIONS, sorter.finish()?, records)
        })?;
        self.reduced(keys, made)
    }

    /// What tasks that decided leave.
    pub fn reduced(&self, keys: Vec<String>, made: Vec<Made>) -> Result<ReducedStage, Failure> {
        let mut bloom = None;
        let mut runs = Vec::new();
        let mut digests: HashMap<u64, u128> = HashMap::new();
        for (key, made) in keys.into_iter().zip(made) {
            let path = self.ledger.locate(&made.file);
            bloom = made.bloom.or(bloom);
            let mut run = Run::open(&path).map_err(|error| Failure::damaged(&self.ledger, &key, error))?;
            for section in run.take_sections() {
                let digest = digests.entry(section.upper).or_default();
                *digest = xxh3_128_with_seed(section.digest.as_bytes(), *digest as u64) ^ *digest >> 64;
            }
            runs.push((key, run));
        }
        Ok(ReducedStage { ledger: self.ledger.clone(), runs, digests, bloom })
    }
}

/// What the file of decisions is called.
pub const DECISIONS: &str = "decisions.run";

/// The records of one key, or of all, straight from the merge.
pub struct Group<'a> {
    key: Option<Key>,
    merge: &'a mut Merge,
    failure: Option<io::Error>,
    /// What the stage said of the key before.
    survey: Vec<u8>,
    value: Vec<u8>,
    records: u64,
    /// Whether values of documents of an index begin with their ids.
    named: bool,
    /// Of the last record: where its id ends in the value, which begins behind two bytes.
    id: Option<usize>,
    /// Of the last record: the split that it is about.
    split: Option<u32>,
    /// Whether `failure` is that the last record cannot be read.
    refused: bool,
}

impl<'a> Group<'a> {
    fn new(key: Option<Key>, merge: &'a mut Merge, order: Order) -> Group<'a> {
        let named = order == Order::IndexedFirst;
        let (survey, value) = (Vec::new(), Vec::new());
        Group { key, merge, failure: None, survey, value, records: 0, named, id: None, split: None, refused: false }
    }

    /// Has the stage look at the same records, read apart, before it sees these.
    fn survey(&mut self, stage: &dyn AnyStage, mut same: Group<'_>) {
        let key = same.key.expect("only records of one key are looked at before");
        stage.survey(key, &mut same, &mut self.survey);
        while same.next().is_some() {}
        self.failure = same.failure;
    }
}

/// Opens the records of a partition; what more files are joined in than can be held open lies in a new folder.
fn open_merge(inputs: &[Sorted<'_>], order: Order, (part, parts): (u64, u64), scratch: &Path) -> io::Result<Merge> {
    let runs = inputs.iter().map(|input| (Some(input.split), input.run.clone())).collect();
    fs::create_dir(scratch).map_err(at(scratch))?;
    merge_all(runs, partition(part, parts), scratch, order)
}

impl Records for Group<'_> {
    fn survey(&self) -> &[u8] {
        &self.survey
    }

    fn next(&mut self) -> Option<(Origin, &[u8])> {
        if self.failure.is_some() {
            return None;
        }
        let record = self.merge.peek().filter(|record| self.key.is_none_or(|key| record.key == key))?;
        let origin = record.origin;
        self.value.clear();
        self.value.extend_from_slice(record.value);
        self.records += 1;
        if let Err(error) = self.merge.advance() {
            self.failure = Some(error);
            return None;
        }
        (self.id, self.split) = (None, Some(origin.split));
        if self.named && origin.split >= INDEXED {
            let Some((id, _)) = index::take_id(&self.value) else {
                self.fail("a record has no id".to_owned());
                return None;
            };
            let end = 2 + id.len();
            self.id = Some(end);
            return Some((origin, &self.value[end..]));
        }
        Some((origin, &self.value))
    }

    fn fail(&mut self, what: String) {
        self.refused |= self.failure.is_none();
        self.failure.get_or_insert_with(|| io::Error::other(what));
    }

    fn id(&self) -> Option<&str> {
        self.id.and_then(|end| std::str::from_utf8(&self.value[2..end]).ok())
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
    /// What went through the Bloom filter, if there is one.
    pub bloom: Option<BloomCounts>,
}

/// What a person calls the reduce phase of a stage.
pub fn name(node: &Node) -> String {
    format!("reduce {}", node.name)
}

/// The folder of a stage's records, below the work folder.
pub fn folder(graph: &Graph, node: &Node) -> String {
    let identity = digest(format!("wanjuan reduce 4\nseed {}\n{}", graph.seed, node.identity).as_bytes());
    format!("reduce-{}-{}", node.name, &identity[..16])
}

/// Runs what is missing of the reduce phase of the stage at `observe`, the phase's stage `number`.
pub fn phase(
    shared: &Shared,
    job: &Job<'_>,
    observe: usize,
    number: usize,
    mapped: &Mapped,
    ran: &mut Vec<Tasks>,
) -> Result<ReducedStage, Failure> {
    let node = &job.graph.nodes[observe];
    let Work::Observe(stage) = &node.work else { unreachable!("only stages are reduced") };
    let ledger = Ledger::open(work_folder(job.output).join(folder(job.graph, node)))?;
    let between = Between { shared, job, name: &node.name, observe, ledger };
    let mut inputs = Vec::new();
    let mut all = String::new();
    for (split, (task, segments)) in mapped.tasks.iter().enumerate() {
        all.push_str(&job.splits[split].key);
        for (segment, record) in segments.iter().enumerate() {
            let output = &record.shuffles[number];
            all.push_str(&format!(" {}\n", output.digest));
            inputs.push(Sorted::open(&mapped.ledger, &segment_key(task, segment), split as u32, output)?);
        }
    }
    for (number, (index, part)) in node.indexed().enumerate() {
        inputs.push(Sorted::of_index(index, INDEXED + number as u32, &part.keys)?);
    }
    all.push_str(&node.against());
    let root = &digest(all.as_bytes())[..24];
    if let Some(shape) = stage.bloom() {
        return bloom::decide(&between, shape, root, &inputs, ran);
    }
    match stage.clustering() {
        None => between.decide(stage.as_ref(), root, &inputs, ran),
        Some(clustering) => {
            let members = cluster::members(&between, clustering, root, &inputs, mapped, ran)?;
            drop(inputs);
            let all: String = members
                .iter()
                .map(|member| match &member.by {
                    WrittenBy::Task(_, task) => format!("{task}\n"),
                    WrittenBy::Index(_) => unreachable!("members come from tasks"),
                })
                .collect();
            between.decide(stage.as_ref(), &format!("clusters-{}", &digest(all.as_bytes())[..24]), &members, ran)
        }
    }
}
