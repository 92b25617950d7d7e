//! A session: one `wanjuan run` of a checked pipeline, from its inputs to its report.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::Facts;

use super::commit::{Drafts, at, replace_file};
use super::counts::Counts;
use super::driver::{self, Done, Job, Tasks, work_folder};
use super::graph::{Graph, KeepDropped};
use super::index;
use super::inputs::{Part, Split, pack};
use super::plan::Plan;
use super::poison::{self, Isolate, Trial};
use super::{Failure, Memory, Progress, Shared};
use crate::config::Pipeline;
use crate::registry::Built;

/// What the command line decides about a run. Nothing here shows in the output.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many threads work.
    pub threads: usize,
    /// Bytes.
    pub memory: u64,
    /// Bytes of input a split holds, about.
    pub split_bytes: u64,
    /// Bytes of input after which a task commits.
    pub segment_bytes: u64,
    /// Whether documents that wait for their next phase are stored as they are, not compressed.
    pub plain_spool: bool,
}

impl Options {
    /// All cores, and four fifths of the memory that the machine or its cgroup gives.
    pub fn of_this_machine() -> Options {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Options {
            threads,
            memory: available_memory() / 5 * 4,
            split_bytes: SPLIT_BYTES,
            segment_bytes: 256 << 20,
            plain_spool: false,
        }
    }
}

/// Where large files are cut. It decides the borders of blocks, so it belongs to the plan, not to
/// the machine.
const SPLIT_BYTES: u64 = 256 << 20;
/// What the program holds before a document is read.
const BASE: u64 = 64 << 20;

/// The smaller of the machine's memory and the cgroup's limit, in bytes.
pub fn available_memory() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
    });
    let cgroup = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limit = cgroup.iter().find_map(|path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
    machine.unwrap_or(4 << 30).min(limit.unwrap_or(u64::MAX))
}

/// Why a budget cannot do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooLittleMemory {
    /// Bytes that were given.
    pub have: u64,
    /// Bytes that are needed.
    pub need: u64,
}

/// Shares the budget out.
pub fn memory(pipeline: &Pipeline, options: &Options) -> Result<Memory, TooLittleMemory> {
    let threads = options.threads.max(1) as u64;
    // A document is held as read, as text, and as a row, by each thread at the worst.
    let need = BASE + 64 * (1 << 20) * threads.min(2) + 4 * pipeline.max_document as u64;
    if options.memory < need {
        return Err(TooLittleMemory { have: options.memory, need });
    }
    let free = options.memory - BASE;
    let per_thread = free / threads;
    Ok(Memory {
        in_flight: (per_thread / 4) as usize,
        portion: (per_thread / 64).clamp(128 << 10, 2 << 20) as usize,
        sorter: (per_thread / 8) as usize,
        alone: free / 2,
        max_document: pipeline.max_document,
        views: (free / 2) as usize,
    })
}

/// The least budget of which a task that runs alone may use so many bytes.
pub fn memory_for(alone: u64) -> u64 {
    BASE + 2 * alone
}

/// What a run left, for people and programs: `run.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of the engine.
    pub wanjuan: String,
    /// Name of the corpus.
    pub name: String,
    /// The only source of randomness.
    pub seed: u64,
    /// The pipeline file, as written.
    pub pipeline: String,
    /// Steps in order: name, step, version, settings, digests of models.
    pub steps: Vec<StepRecord>,
    /// Which dropped documents were kept.
    #[serde(default)]
    pub dropped: KeepDropped,
    /// Names and lengths of the inputs, by source.
    pub inputs: Vec<InputRecord>,
    /// What happened to the documents.
    pub counts: Counts,
}

/// One entry of the pipeline as it ran.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StepRecord {
    /// What the pipeline calls it.
    pub name: String,
    /// What it is.
    #[serde(rename = "use")]
    pub uses: String,
    /// Source, mapper, filter, stage or sink.
    pub kind: String,
    /// The entries it reads from.
    #[serde(default)]
    pub from: Vec<String>,
    /// Which documents it is about.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub selects: Option<String>,
    /// Whether its verdicts were not carried out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_measure: bool,
    /// Version of its decisions and bytes.
    pub version: u32,
    /// All settings, defaults among them.
    pub settings: serde_json::Value,
    /// Digests of the files whose content decides, by setting.
    pub files: Vec<(String, String)>,
    /// The index it wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The indexes it was cleaned against.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub against: Vec<AgainstRecord>,
    /// What it counted while it was built.
    #[serde(default, skip_serializing_if = "Facts::is_empty")]
    pub facts: Facts,
}

/// An index that a step was cleaned against.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AgainstRecord {
    /// As the pipeline calls it.
    pub index: String,
    /// Digest of its manifest.
    pub digest: String,
    /// Documents in it.
    pub documents: u64,
}

/// One split of the corpus.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InputRecord {
    /// Name of the source that reads it.
    pub source: String,
    /// As `measures/` has it in the column `split`.
    pub name: String,
    /// Its length, as stored.
    pub bytes: u64,
    /// By what its bytes are known, whatever its name; see [`Split::content`].
    #[serde(default)]
    pub content: String,
}

/// What a finished session says of itself.
pub struct Report {
    /// What `run.json` says.
    pub record: RunRecord,
    /// What was done, in this run and before.
    pub done: Done,
    /// How long this run took.
    pub time: Duration,
}

impl Report {
    /// Tasks by phase: what ran, what was done already.
    pub fn tasks(&self) -> &[Tasks] {
        &self.done.tasks
    }
}

/// What a run is about to read and do.
pub struct Prepared {
    /// The corpus, cut.
    pub splits: Vec<Split>,
    /// What is done to it.
    pub plan: Plan,
}

/// Looks at the corpus, and plans.
pub fn prepare(pipeline: &Pipeline, options: &Options) -> io::Result<Prepared> {
    let splits = splits(pipeline, options.split_bytes)?;
    let plan = Plan::new(&pipeline.graph(&splits), &splits)?;
    Ok(Prepared { splits, plan })
}

/// Cuts the corpus into splits, in the order of the pipeline and of names.
fn splits(pipeline: &Pipeline, split_bytes: u64) -> io::Result<Vec<Split>> {
    let mut splits = Vec::new();
    for (number, entry) in pipeline.entries.iter().enumerate() {
        let Built::Source(source) = &entry.instance.built else { continue };
        let mut parts = Vec::new();
        for input in &entry.corpus {
            for range in source.splits(input, split_bytes).map_err(at(&input.location))? {
                parts.push(Part { input: input.clone(), range });
            }
        }
        splits.extend(pack(number, &entry.name, parts, split_bytes)?);
    }
    Ok(splits)
}

/// Whether the output folder belongs to another pipeline.
pub fn held_by_another(pipeline: &Pipeline) -> Option<String> {
    let text =
        fs::read(pipeline.output.join(RUN)).or_else(|_| fs::read(work_folder(&pipeline.output).join(OWNER))).ok()?;
    let record: serde_json::Value = serde_json::from_slice(&text).ok()?;
    let name = record.get("name")?.as_str()?;
    (name != pipeline.name).then(|| name.to_owned())
}

/// What makes an output folder none: it holds the input, or what no run has put there.
pub fn is_in_the_way(pipeline: &Pipeline) -> Option<String> {
    let output = pipeline.output.canonicalize().ok()?; // what is not there yet holds nothing
    for input in pipeline.entries.iter().flat_map(|entry| &entry.corpus) {
        if input.location.canonicalize().is_ok_and(|input| input.starts_with(&output)) {
            let (output, input) = (pipeline.output.display(), input.location.display());
            return Some(format!("the output {output} holds the input {input}"));
        }
    }
    let ours = holds_a_run(&output);
    // A run that was killed at once has left its own folder and nothing more.
    let others = fs::read_dir(&output).ok()?.flatten().map(|entry| entry.path());
    let first = others.filter(|path| *path != work_folder(&output)).min();
    first.filter(|_| !ours).map(|first| format!("the output already holds {}, and no run", first.display()))
}

fn holds_a_run(output: &Path) -> bool {
    let is_run = |path: &Path| {
        let record = fs::read(path).ok().and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
        record.is_some_and(|record| record.get("name").is_some())
    };
    is_run(&work_folder(output).join(OWNER)) || is_run(&output.join(RUN))
}

/// What makes a folder none for an index: it holds another one, or what no run has put there. An index belongs to
/// a pipeline and its output, so that the same pipeline over the next crawl does not replace that of the last.
pub fn is_in_the_way_of_an_index(pipeline: &Pipeline) -> Option<String> {
    let ours = holds_a_run(&pipeline.output);
    pipeline.entries.iter().filter_map(|entry| entry.index.as_ref()).find_map(|target| target.is_in_the_way(ours))
}

/// Whether a run is at work in an output folder.
pub fn is_in_use(output: &Path) -> bool {
    let Ok(file) = File::open(work_folder(output).join(LOCK)) else { return false };
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK)
}

const LOCK: &str = "lock";
const RUN: &str = "run.json";
const OWNER: &str = "owner.json";

/// Runs a pipeline to its end. `shared` is made by [`shared`], so that a signal can stop it; `isolate`
/// tries what may have ended an earlier run in another process, which calls [`attempt`].
pub fn run(
    pipeline: &Pipeline,
    options: &Options,
    prepared: &Prepared,
    shared: &Shared,
    isolate: Option<&Isolate<'_>>,
) -> Result<Report, Failure> {
    let started = Instant::now();
    let work = work_folder(&pipeline.output);
    fs::create_dir_all(&work).map_err(at(&work))?;
    raise_file_limit();
    let lock = Lock::take(&work)?;
    if lock.alone {
        sweep(&work)?;
        pipeline.entries.iter().filter_map(|entry| entry.index.as_ref()).try_for_each(index::sweep)?;
    }
    let drafts = Drafts::open(&work)?;
    let owner = serde_json::json!({ "name": pipeline.name });
    replace_file(&drafts, &work.join(OWNER), owner.to_string().as_bytes())?;
    let Prepared { splits, plan } = prepared;
    let graph = pipeline.graph(splits);
    let plan = plan.write(&work, lock.alone)?;
    let lock = lock.share()?;
    let job = job(pipeline, options, &graph, splits, &plan, isolate);
    let done = driver::run(shared, &job)?;
    let record = record(pipeline, splits, &done.counts);
    let mut text = serde_json::to_vec_pretty(&record).expect("a record of a run is plain data");
    text.push(b'\n');
    replace_file(&drafts, &pipeline.output.join(RUN), &text)?;
    drop(lock);
    Ok(Report { record, done, time: started.elapsed() })
}

/// Works on the records of a trial and throws the result away. The process may not survive it.
pub fn attempt(pipeline: &Pipeline, options: &Options, shared: &Shared, trial: &Trial) -> Result<(), Failure> {
    let Prepared { splits, plan } = prepare(pipeline, options)?;
    let graph = pipeline.graph(&splits);
    let plan = plan.hash();
    if plan != trial.plan {
        let what = format!("this process would follow the plan {plan}, not {}", trial.plan);
        return Err(Failure::Machine(io::Error::other(what)));
    }
    driver::attempt(shared, &job(pipeline, options, &graph, &splits, &plan, None), trial)
}

fn job<'a>(
    pipeline: &'a Pipeline,
    options: &Options,
    graph: &'a Graph,
    splits: &'a [Split],
    plan: &'a str,
    isolate: Option<&'a Isolate<'a>>,
) -> Job<'a> {
    Job {
        graph,
        splits,
        plan,
        output: &pipeline.output,
        threads: options.threads,
        max_set_aside: pipeline.max_set_aside,
        isolate,
    }
}

/// What the tasks of a run share.
pub fn shared(memory: Memory, options: &Options, progress: Box<dyn Progress>) -> Shared {
    Shared::new(memory, options.segment_bytes, options.plain_spool, progress)
}

fn record(pipeline: &Pipeline, splits: &[Split], counts: &Counts) -> RunRecord {
    let steps = pipeline.entries.iter().map(|entry| StepRecord {
        name: entry.name.clone(),
        uses: entry.uses.to_owned(),
        kind: entry.kind.to_owned(),
        from: entry.inputs.iter().map(|&input| pipeline.entries[input].name.clone()).collect(),
        selects: entry.selects.as_ref().map(ToString::to_string),
        only_measure: entry.only_measures,
        version: entry.version,
        settings: serde_json::from_str(&entry.instance.settings).expect("settings were written as JSON"),
        files: entry.files.clone(),
        index: entry.index.as_ref().map(|index| index.name.clone()),
        against: entry
            .against
            .iter()
            .map(|index| AgainstRecord {
                index: index.name.clone(),
                digest: index.manifest.check.clone(),
                documents: index.manifest.documents,
            })
            .collect(),
        facts: entry.instance.facts.clone(),
    });
    let inputs = splits.iter().map(|split| InputRecord {
        source: pipeline.entries[split.source].name.clone(),
        name: split.name(),
        bytes: split.bytes(),
        content: split.content.clone(),
    });
    RunRecord {
        wanjuan: env!("CARGO_PKG_VERSION").to_owned(),
        name: pipeline.name.clone(),
        seed: pipeline.seed,
        pipeline: pipeline.source.clone(),
        steps: steps.collect(),
        dropped: pipeline.keep_dropped,
        inputs: inputs.collect(),
        counts: counts.clone(),
    }
}

/// The record of the run that stands in an output folder.
pub fn read_record(output: &Path) -> io::Result<RunRecord> {
    let path = output.join(RUN);
    let bytes = fs::read(&path).map_err(at(&path))?;
    serde_json::from_slice(&bytes).map_err(|error| at(&path)(error.into()))
}

/// Several runs may work on one plan; only one that is alone may throw left-overs away. Who is alone
/// holds the lock for itself until that is done, and only then shares it.
struct Lock {
    file: File,
    alone: bool,
}

impl Lock {
    fn take(work: &Path) -> io::Result<Lock> {
        let path = work.join(LOCK);
        let file = File::create(&path).map_err(at(&path))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Lock { file, alone: true }),
            Err(Errno::WOULDBLOCK) => {
                // Waits while another run cleans up.
                rustix::fs::flock(&file, FlockOperation::LockShared).map_err(|error| at(&path)(error.into()))?;
                Ok(Lock { file, alone: false })
            }
            // Not every file system locks; one that does not is treated as shared, which is always safe.
            Err(_) => Ok(Lock { file, alone: false }),
        }
    }

    /// Lets other runs in. Between the two locks another run may get in and be alone: there is nothing of
    /// this one yet that it could throw away.
    fn share(self) -> io::Result<Lock> {
        if self.alone {
            rustix::fs::flock(&self.file, FlockOperation::LockShared)?;
        }
        Ok(self)
    }
}

/// A run of many splits and threads holds more files than the usual soft limit allows.
fn raise_file_limit() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, raised); // as it was, then
}

/// Removes the attempts that no record names: what killed runs left behind.
fn sweep(work: &Path) -> io::Result<()> {
    let drafts = Drafts::open(work)?;
    fs::remove_dir_all(drafts.folder()).map_err(at(drafts.folder()))?;
    for phase in fs::read_dir(work).map_err(at(work))? {
        let phase = phase?.path();
        let (attempts, records) = (phase.join("attempts"), phase.join("records"));
        if !attempts.is_dir() {
            continue;
        }
        let mut kept = std::collections::HashSet::new();
        for record in fs::read_dir(&records).map_err(at(&records))? {
            let record = record?.path();
            let text = String::from_utf8_lossy(&fs::read(&record).map_err(at(&record))?).into_owned();
            // Every path in a record begins with the attempt that wrote it.
            for path in text.split("\"attempts/").skip(1) {
                kept.extend(path.split('/').next().map(str::to_owned));
            }
        }
        for attempt in fs::read_dir(&attempts).map_err(at(&attempts))? {
            let attempt = attempt?;
            if !attempt.file_name().to_str().is_some_and(|name| kept.contains(name)) {
                poison::remember(&phase, &attempt.path())?;
                fs::remove_dir_all(attempt.path()).map_err(at(&attempt.path()))?;
            }
        }
    }
    Ok(())
}
