//! The driver: lists what is missing, runs it, and looks again.
//!
//! A run is one loop over the phases. Each phase asks the records which of its tasks are done, runs
//! the others, and goes on. When a task finds an intermediate file damaged, the record that named
//! the file is disowned and the loop starts again: everything that is whole is skipped, and the
//! producer and its consumers run. Resuming a killed run is the same loop.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::commit::{AGAIN, may_pass};
use super::counts::Counts;
use super::graph::{Graph, Work};
use super::index;
use super::inputs::Split;
use super::lane::{Lane, MEASURES, SET_ASIDE, lane_identity, lanes};
use super::map::disown;
use super::map_phase::{MapPhase, Mapped};
use super::poison::{Isolate, Trial};
use super::publish::{Manifest, Piece, publish};
use super::reduce::{self, ReducedStage};
use super::spool::LANE;
use super::{Failure, Shared};

/// What the [`work_folder`] is called.
pub const WORK: &str = ".wanjuan";

/// The folder of everything a run needs and no user does.
pub fn work_folder(output: &Path) -> PathBuf {
    output.join(WORK)
}

/// A run that is ready to start.
pub struct Job<'a> {
    /// What is done.
    pub graph: &'a Graph,
    /// What it is done to, in order.
    pub splits: &'a [Split],
    /// Hash of the [plan](super::plan) that says the same.
    pub plan: &'a str,
    /// The output folder.
    pub output: &'a Path,
    /// How many tasks, or parts of one, run at once.
    pub threads: usize,
    /// Most documents set aside in the whole run; see [`Failure::TooManyBad`].
    pub max_set_aside: Limit,
    /// How documents that may end the process are tried; `None` leaves them be.
    pub isolate: Option<&'a Isolate<'a>>,
}

/// A count or a share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// So many.
    Count(u64),
    /// Between 0 and 1.
    Share(f64),
}

/// As in a pipeline file.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Count(count) => write!(f, "{count}"),
            Limit::Share(share) => write!(f, "{}%", (share * 1e10).round() / 1e8),
        }
    }
}

/// What a finished run did.
#[derive(Debug, Default)]
pub struct Done {
    /// What happened to the documents, in this run and those it went on from.
    pub counts: Counts,
    /// By folder below the output.
    pub manifests: BTreeMap<String, Manifest>,
    /// The indexes that were written, as the pipeline calls them.
    pub indexes: Vec<(String, index::Manifest)>,
    /// Tasks that ran, and tasks that were done already, by phase.
    pub tasks: Vec<Tasks>,
    /// Damaged files that were made again.
    pub healed: usize,
    /// Seconds of writing shards.
    pub publishing: f64,
}

/// Tasks of one phase.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Tasks {
    /// What a person calls it.
    pub phase: String,
    /// Names of the tasks that ran.
    pub ran: Vec<String>,
    /// How many were done before.
    pub skipped: usize,
    /// How long they took.
    pub seconds: f64,
}

/// What the phases before one leave to it.
pub struct Before {
    /// Its map tasks.
    pub mapped: Mapped,
    /// By the node that observes.
    pub reduced: BTreeMap<usize, ReducedStage>,
}

/// Healing more often than this is no longer bad luck.
const MAX_HEALED: usize = 64;
/// How often an error that may pass is waited for while nothing is committed.
const MAX_TRIES: u32 = 8;
/// The first wait; each one after it is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// Runs the job to its end.
pub fn run(shared: &Shared, job: &Job<'_>) -> Result<Done, Failure> {
    let mut healed = 0;
    let (mut tries, mut commits) = (0, 0);
    loop {
        match pass(shared, job) {
            Ok(mut done) => {
                done.healed = healed;
                return Ok(done);
            }
            Err(Failure::Damaged { ledger, task, error }) if healed < MAX_HEALED => {
                healed += 1;
                shared.progress.note(&format!("{error}; {AGAIN}"));
                match task.rsplit_once('.').and_then(|(task, segment)| Some((task, segment.parse().ok()?))) {
                    Some((task, segment)) => disown(&ledger, task, segment)?,
                    None => ledger.disown(&task)?,
                }
            }
            Err(Failure::Damaged { error, .. }) => return Err(Failure::Machine(error)),
            Err(Failure::Overtaken) => {}
            Err(Failure::Machine(error)) if may_pass(&error) => {
                if shared.commits() > commits {
                    (tries, commits) = (0, shared.commits());
                }
                if tries == MAX_TRIES {
                    return Err(Failure::Machine(error));
                }
                shared.progress.note(&format!("{error}; trying again"));
                wait(shared, FIRST_WAIT * (1 << tries));
                tries += 1;
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Sleeps, but not on when the run is asked to stop.
fn wait(shared: &Shared, time: Duration) {
    let until = Instant::now() + time;
    while !shared.stopping() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20).min(time));
    }
}

fn pass(shared: &Shared, job: &Job<'_>) -> Result<Done, Failure> {
    let mut done = Done::default();
    let mut pieces: BTreeMap<String, Vec<Piece>> = BTreeMap::new();
    let mut passed: Vec<(usize, Before)> = Vec::new();
    for phase in 0..job.graph.phases() {
        let started = Instant::now();
        let (mapped, tasks) = MapPhase::open(shared, job, phase, passed.last().map(|(_, before)| before))?.run()?;
        done.tasks.push(Tasks { seconds: started.elapsed().as_secs_f64(), ..tasks });
        for segment in mapped.tasks.iter().flat_map(|(_, segments)| segments) {
            done.counts.merge(&segment.counts);
        }
        gather(&mapped, &mut pieces);
        if let Some(failure) = too_many_set_aside(job, &done.counts) {
            // Whoever looks for the reason finds the records.
            let (lanes, _) = lanes(shared, job.graph, phase);
            publish_lane(shared, job, named(&lanes, SET_ASIDE), &mut pieces)?;
            return Err(failure);
        }
        if shared.stopping() {
            return Err(Failure::Stopped);
        }
        let reduced = reduce_stages(shared, job, phase, &mapped, &mut done.tasks)?;
        for (&node, stage) in reduced.iter().filter(|(_, stage)| stage.bloom.is_some()) {
            done.counts.step(&job.graph.nodes[node].name).bloom.clone_from(&stage.bloom);
        }
        // What lies further back is asked for only where an index is written.
        passed.retain(|(phase, _)| job.graph.phase(*phase).any(|(_, node)| node.index.is_some()));
        passed.push((phase, Before { mapped, reduced }));
    }
    let publishing = Instant::now();
    for phase in 0..job.graph.phases() {
        let (lanes, _) = lanes(shared, job.graph, phase);
        for lane in lanes.iter().filter(|lane| lane.published) {
            if phase + 1 < job.graph.phases() && [MEASURES, SET_ASIDE].contains(&lane.name.as_str()) {
                continue; // every phase adds to these; the last publishes
            }
            let manifest = publish_lane(shared, job, lane, &mut pieces)?;
            done.manifests.insert(lane.name.clone(), manifest);
        }
    }
    done.publishing = publishing.elapsed().as_secs_f64();
    for (phase, before) in &passed {
        for (number, node) in job.graph.phase(*phase) {
            let Some(target) = &node.index else { continue };
            let (manifest, tasks) = index::write(shared, job, number, target, before)?;
            done.tasks.push(tasks);
            done.indexes.push((target.name.clone(), manifest));
        }
    }
    Ok(done)
}

fn named<'a, 'b>(lanes: &'a [Lane<'b>], name: &str) -> &'a Lane<'b> {
    lanes.iter().find(|lane| lane.name == name).expect("every phase has the engine's own lanes")
}

fn publish_lane(
    shared: &Shared,
    job: &Job<'_>,
    lane: &Lane<'_>,
    pieces: &mut BTreeMap<String, Vec<Piece>>,
) -> Result<Manifest, Failure> {
    let found = pieces.remove(&lane.name).unwrap_or_default();
    let identity = lane_identity(job.graph, &lane.name);
    publish(shared, job, &lane.name, lane.pack.as_ref(), &identity, &found)
}

/// The reduce phases that follow a map phase.
fn reduce_stages(
    shared: &Shared,
    job: &Job<'_>,
    phase: usize,
    mapped: &Mapped,
    tasks: &mut Vec<Tasks>,
) -> Result<BTreeMap<usize, ReducedStage>, Failure> {
    let mut reduced = BTreeMap::new();
    let stages = job.graph.phase(phase).filter(|(_, node)| matches!(node.work, Work::Observe(_)));
    for (number, (node, _)) in stages.enumerate() {
        reduced.insert(node, reduce::phase(shared, job, node, number, mapped, tasks)?);
    }
    Ok(reduced)
}

/// Adds what a phase leaves to be published, by lane.
fn gather(mapped: &Mapped, pieces: &mut BTreeMap<String, Vec<Piece>>) {
    for (task, segments) in &mapped.tasks {
        for (number, segment) in segments.iter().enumerate() {
            for output in segment.lanes.iter().filter(|lane| lane.lane != LANE) {
                let piece = Piece {
                    ledger: mapped.ledger.clone(),
                    task: task.clone(),
                    segment: number,
                    output: output.clone(),
                };
                pieces.entry(output.lane.clone()).or_default().push(piece);
            }
        }
    }
}

/// Tries documents of a job whose earlier phases are done; see [`super::poison`].
pub fn attempt(shared: &Shared, job: &Job<'_>, trial: &Trial) -> Result<(), Failure> {
    let mut before = None;
    for phase in 0..trial.phase {
        let (mapped, _) = MapPhase::open(shared, job, phase, before.as_ref())?.run()?;
        let reduced = reduce_stages(shared, job, phase, &mapped, &mut Vec::new())?;
        before = Some(Before { mapped, reduced });
    }
    MapPhase::open(shared, job, trial.phase, before.as_ref())?.attempt(trial)
}

/// Whether more was set aside than is allowed.
fn too_many_set_aside(job: &Job<'_>, counts: &Counts) -> Option<Failure> {
    let set_aside = counts.set_aside_total();
    let limit = match job.max_set_aside {
        Limit::Count(count) => count,
        Limit::Share(share) => (counts.records as f64 * share) as u64,
    };
    (set_aside > limit).then_some(Failure::TooManyBad {
        set_aside,
        limit,
        allowed: job.max_set_aside,
        records: counts.records,
    })
}
