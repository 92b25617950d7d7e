//! The driver: lists what is missing, runs it, and looks again.
//!
//! A run is one loop over the phases. Each phase asks the records which of its tasks are done, runs
//! the others, and goes on. When a task finds an intermediate file damaged, the record that named
//! the file is disowned and the loop starts again: everything that is whole is skipped, and the
//! producer and its consumers run. Resuming a killed run is the same loop.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::commit::{Ledger, digest};
use super::counts::Counts;
use super::feed::{SourceFeed, SpoolFeed};
use super::flow::{Flow, LaneMap};
use super::graph::{Graph, KeepDropped, Work};
use super::inputs::{Proof, Split};
use super::lane::{Lane, Pack};
use super::map::{MapSpec, MapTask, Segment, disown, segment_key, segments};
use super::outcome::{LinesPack, MeasuresPack};
use super::publish::{Manifest, Piece, publish};
use super::reduce::{MapOutput, ReduceSpec, Reduced, partitions};
use super::shuffle::Run;
use super::spool::{Decisions, LANE, SpoolPack, SpoolReader};
use super::{Failure, Shared, pool, reduce};
use crate::sink::{Block, Sealed, ShardFile};

/// A run that is ready to start.
pub struct Job<'a> {
    pub graph: &'a Graph,
    pub splits: &'a [Split],
    /// The output folder.
    pub output: &'a Path,
    pub threads: usize,
    /// Documents set aside in the whole run before it stops; see [`Failure::TooManyBad`].
    pub max_set_aside: Limit,
}

/// A count or a share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    Count(u64),
    /// Between 0 and 1.
    Share(f64),
}

/// What a finished run did.
#[derive(Debug, Default)]
pub struct Done {
    pub counts: Counts,
    /// By folder below the output.
    pub manifests: BTreeMap<String, Manifest>,
    /// Tasks that ran, and tasks that were done already, by phase.
    pub tasks: Vec<Tasks>,
    /// Damaged files that were made again.
    pub healed: usize,
}

/// Tasks of one phase.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tasks {
    pub phase: String,
    pub ran: Vec<String>,
    pub skipped: usize,
}

/// What a finished map phase leaves to those that follow.
struct Mapped {
    ledger: Ledger,
    /// By split: the name of its task, its segments.
    tasks: Vec<(String, Vec<Segment>)>,
}

/// What a finished reduce phase leaves.
struct ReducedStage {
    ledger: Ledger,
    runs: Vec<(String, Run)>,
    /// By split: the digest of all decisions about its documents.
    digests: HashMap<u64, String>,
}

/// Healing more often than this is no longer bad luck.
const MAX_HEALED: usize = 64;

/// Runs the job to its end.
pub fn run(shared: &Shared, job: &Job<'_>) -> Result<Done, Failure> {
    let mut healed = 0;
    loop {
        match pass(shared, job) {
            Ok(mut done) => {
                done.healed = healed;
                return Ok(done);
            }
            Err(Failure::Damaged { ledger, task, error }) if healed < MAX_HEALED => {
                healed += 1;
                shared.progress.note(&format!("{error}; the task that wrote it runs again"));
                match task.rsplit_once('.').and_then(|(task, segment)| Some((task, segment.parse().ok()?))) {
                    Some((task, segment)) => disown(&ledger, task, segment)?,
                    None => ledger.disown(&task)?,
                }
            }
            Err(Failure::Damaged { error, .. }) => return Err(Failure::Machine(error)),
            Err(failure) => return Err(failure),
        }
    }
}

fn pass(shared: &Shared, job: &Job<'_>) -> Result<Done, Failure> {
    let mut done = Done::default();
    let mut pieces: BTreeMap<String, Vec<Piece>> = BTreeMap::new();
    let mut before: Option<(Mapped, BTreeMap<usize, ReducedStage>)> = None;
    for phase in 0..job.graph.phases() {
        let mapped = map_phase(shared, job, phase, before.as_ref(), &mut done)?;
        for (task, segments) in &mapped.tasks {
            for (number, segment) in segments.iter().enumerate() {
                done.counts.merge(&segment.counts);
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
        check_set_aside(job, &done.counts)?;
        let mut reduced = BTreeMap::new();
        let stages = job.graph.phase(phase).filter(|(_, node)| matches!(node.work, Work::Observe(_)));
        for (number, (node, _)) in stages.enumerate() {
            reduced.insert(node, reduce_phase(shared, job, node, number, &mapped, &mut done)?);
        }
        before = Some((mapped, reduced));
    }
    for phase in 0..job.graph.phases() {
        let (lanes, _) = lanes(shared, job.graph, phase);
        for lane in lanes.iter().filter(|lane| lane.published) {
            let found = pieces.remove(&lane.name).unwrap_or_default();
            if phase + 1 < job.graph.phases() && [MEASURES, SET_ASIDE].contains(&lane.name.as_str()) {
                pieces.insert(lane.name.clone(), found); // every phase adds to these; the last publishes
                continue;
            }
            let identity = lane_identity(job.graph, &lane.name);
            let manifest = publish(shared, &job.output.join(&lane.name), lane.pack.as_ref(), &identity, &found)?;
            done.manifests.insert(lane.name.clone(), manifest);
        }
    }
    Ok(done)
}

fn check_set_aside(job: &Job<'_>, counts: &Counts) -> Result<(), Failure> {
    let set_aside = counts.set_aside_total();
    let limit = match job.max_set_aside {
        Limit::Count(count) => count,
        Limit::Share(share) => (counts.records as f64 * share) as u64,
    };
    if set_aside > limit { Err(Failure::TooManyBad { set_aside, limit, records: counts.records }) } else { Ok(()) }
}

const MEASURES: &str = "measures";
const SET_ASIDE: &str = "set-aside";

/// The lanes of one phase, and which node writes to which.
fn lanes<'a>(shared: &Shared, graph: &'a Graph, phase: usize) -> (Vec<Lane<'a>>, LaneMap) {
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
                map.dropped[number] = Some(add(format!("dropped/{}", node.name), Box::new(LinesPack), true));
            }
            _ => {}
        }
    }
    if graph.spools(phase) {
        map.spool = Some(add(LANE.to_owned(), Box::new(SpoolPack { block_bytes: shared.memory.portion }), false));
    }
    (lanes, map)
}

fn lane_identity(graph: &Graph, lane: &str) -> String {
    let own = graph.nodes.iter().find(|node| matches!(node.work, Work::Sink(_)) && node.name == lane);
    own.map_or_else(|| format!("{lane} 1"), |node| node.identity.clone())
}

/// A sink as the engine packs its rows.
struct SinkPack<'a>(&'a dyn crate::registry::AnySink);

impl Pack for SinkPack<'_> {
    fn block_bytes(&self) -> usize {
        self.0.block_bytes()
    }
    fn shard_weight(&self) -> u64 {
        self.0.shard_weight()
    }
    fn seal(&self, block: &Block) -> std::io::Result<Sealed> {
        self.0.seal(block)
    }
    fn publish(
        &self,
        folder: &Path,
        number: usize,
        blocks: &mut dyn Iterator<Item = std::io::Result<Sealed>>,
    ) -> std::io::Result<Vec<ShardFile>> {
        self.0.publish(folder, number, blocks)
    }
}

/// The folder of everything a run needs and no user does.
pub fn work_folder(output: &Path) -> PathBuf {
    output.join(".wanjuan")
}

/// What a phase depends on beside its inputs: the settings and versions of its nodes, how they hang
/// together, and the seed.
fn phase_fingerprint(graph: &Graph, phase: usize) -> String {
    let mut text = format!(
        "wanjuan map 1\nseed {}\ndropped {:?}\nmeasures {:?}\n",
        graph.seed, graph.keep_dropped, graph.measures
    );
    for (number, node) in graph.phase(phase) {
        let selects = node.selects.as_ref().map(|predicate| predicate.to_string());
        text.push_str(&format!(
            "{number} {} {} {selects:?} {:?} {:?}\n",
            node.name, node.identity, node.slots, node.readers
        ));
    }
    digest(text.as_bytes())[..16].to_owned()
}

fn map_phase(
    shared: &Shared,
    job: &Job<'_>,
    phase: usize,
    before: Option<&(Mapped, BTreeMap<usize, ReducedStage>)>,
    done: &mut Done,
) -> Result<Mapped, Failure> {
    let graph = job.graph;
    let ledger =
        Ledger::open(work_folder(job.output).join(format!("map-{phase}-{}", phase_fingerprint(graph, phase))))?;
    let (_, map) = lanes(shared, graph, phase);
    let stages = map.stages.iter().flatten().count();
    let flow = Flow { graph, phase, lanes: map, lang: wanjuan_filters::kit::Name::new("lang") };
    // By split: what its task is called, which says all that the task reads.
    let names: Vec<String> = match before {
        None => job.splits.iter().map(|split| split.key.clone()).collect(),
        Some((mapped, reduced)) => {
            (0..job.splits.len()).map(|split| apply_name(&job.splits[split].key, split, mapped, reduced)).collect()
        }
    };
    let mut found = Vec::new();
    for (split, name) in job.splits.iter().zip(&names) {
        let mut committed = segments(&ledger, name)?;
        if before.is_none() && !committed.is_empty() && !proven(&committed, split)? {
            disown(&ledger, name, 0)?;
            committed.clear();
        }
        found.push(committed);
    }
    let finished = |segments: &[Segment]| segments.last().is_some_and(|segment| segment.last);
    let missing: Vec<usize> = (0..names.len()).filter(|&split| !finished(&found[split])).collect();
    let title = if phase == 0 { "read".to_owned() } else { format!("apply {phase}") };
    let bytes = missing.iter().map(|&split| job.splits[split].bytes()).sum();
    shared.progress.phase(&title, names.len(), names.len() - missing.len(), bytes);
    let poison: Vec<u64> = Vec::new();
    pool::map(job.threads, missing.len(), |number| {
        let split = missing[number];
        let committed = found[split].clone();
        let from = committed.last().map_or(0, |segment| segment.next);
        let (lanes, _) = lanes(shared, graph, phase);
        let mut proof = serde_json::Value::Null;
        let feed: Box<dyn super::map::Feed<'_> + '_> = match before {
            None => {
                proof = serde_json::to_value(Proof::of(&job.splits[split])?).expect("a proof is plain data");
                Box::new(SourceFeed::new(&flow, shared, &job.splits[split], split as u32, from, &poison))
            }
            Some((mapped, reduced)) => {
                let (task, segments) = &mapped.tasks[split];
                let mut decisions = Vec::new();
                for (observe, stage) in reduced {
                    // The node that applies is the only reader of the one that observes.
                    let apply = graph.nodes[*observe].readers[0];
                    decisions.push((apply, Decisions::open(&stage.ledger, &stage.runs, split as u32)?));
                }
                Box::new(SpoolFeed::new(
                    &flow,
                    SpoolReader::new(&mapped.ledger, task, segments),
                    decisions,
                    split as u32,
                    from,
                ))
            }
        };
        MapTask::start(
            shared,
            MapSpec { ledger: ledger.clone(), key: names[split].clone(), lanes, stages, proof, done: committed, feed },
        )
    })?;
    if shared.stopping() {
        return Err(Failure::Stopped);
    }
    let mut tasks = Vec::new();
    for (split, name) in names.iter().enumerate() {
        let segments =
            if missing.contains(&split) { segments(&ledger, name)? } else { std::mem::take(&mut found[split]) };
        tasks.push((name.clone(), segments));
    }
    done.tasks.push(Tasks {
        phase: title,
        skipped: names.len() - missing.len(),
        ran: missing.iter().map(|&split| graph.split_names[split].clone()).collect(),
    });
    Ok(Mapped { ledger, tasks })
}

/// A task that applies depends on the documents that waited and the decisions about them, by content.
fn apply_name(split_key: &str, split: usize, mapped: &Mapped, reduced: &BTreeMap<usize, ReducedStage>) -> String {
    let mut text = format!("{split_key}\n");
    for segment in &mapped.tasks[split].1 {
        for lane in segment.lanes.iter().filter(|lane| lane.lane == LANE) {
            text.push_str(&format!("{}\n", lane.output.digest));
        }
    }
    for (node, stage) in reduced {
        text.push_str(&format!("{node} {}\n", stage.digests.get(&(split as u64)).map_or("", String::as_str)));
    }
    digest(text.as_bytes())[..32].to_owned()
}

fn proven(segments: &[Segment], split: &Split) -> Result<bool, Failure> {
    // Segments of one task may have been read on different days; each must hold.
    for segment in segments {
        let Ok(proof) = serde_json::from_value::<Proof>(segment.proof.clone()) else { return Ok(false) };
        if !proof.holds(split)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn reduce_phase(
    shared: &Shared,
    job: &Job<'_>,
    node: usize,
    number: usize,
    mapped: &Mapped,
    done: &mut Done,
) -> Result<ReducedStage, Failure> {
    let graph = job.graph;
    let Work::Observe(stage) = &graph.nodes[node].work else { unreachable!("only stages are reduced") };
    let identity = digest(format!("wanjuan reduce 1\n{}", graph.nodes[node].identity).as_bytes());
    let ledger =
        Ledger::open(work_folder(job.output).join(format!("reduce-{}-{}", graph.nodes[node].name, &identity[..16])))?;
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
    let title = format!("reduce {}", graph.nodes[node].name);
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
        reduce::run(shared, &spec).map(drop)
    })?;
    let mut runs = Vec::new();
    let mut sections: BTreeMap<u64, String> = BTreeMap::new();
    for key in &keys {
        let record =
            ledger.read::<Reduced>(key)?.ok_or_else(|| std::io::Error::other(format!("the record {key} is gone")))?;
        let run =
            Run::open(&ledger.locate(&record.decisions)).map_err(|error| Failure::damaged(&ledger, key, error))?;
        for section in run.sections() {
            sections.entry(section.upper).or_default().push_str(&section.digest);
        }
        runs.push((key.clone(), run));
    }
    done.tasks.push(Tasks {
        phase: title,
        ran: missing.iter().map(|part| format!("{part}")).collect(),
        skipped: keys.len() - missing.len(),
    });
    Ok(ReducedStage { ledger, runs, digests: sections.into_iter().collect() })
}
