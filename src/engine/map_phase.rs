//! A map phase: which of its tasks are missing, what each of them reads, and running them.

use std::collections::HashMap;
use std::ops::Range;

use wanjuan_filters::kit::Name;

use super::commit::{Drafts, Ledger, digest};
use super::driver::{Before, Job, Limit, Tasks, work_folder};
use super::feed::{SourceFeed, SpoolFeed};
use super::flow::Flow;
use super::graph::{Graph, Node, Work};
use super::inputs::{Proof, Split};
use super::lane::lanes;
use super::map::{MapSpec, MapTask, Segment, disown, segments};
use super::poison::{self, Trial};
use super::portion::{Feed, Worker, produce};
use super::spool::{Decisions, LANE, SpoolReader};
use super::{Failure, Shared, pool};

/// What a finished map phase leaves to those that follow.
pub struct Mapped {
    /// Where its tasks committed.
    pub ledger: Ledger,
    /// By split: the name of its task, its segments.
    pub tasks: Vec<(String, Vec<Segment>)>,
}

/// One map phase of a job.
pub struct MapPhase<'a> {
    shared: &'a Shared,
    job: &'a Job<'a>,
    /// The phase it applies the decisions of; `None` for the phase that reads the sources.
    before: Option<&'a Before>,
    ledger: Ledger,
    flow: Flow<'a>,
    /// By split: what its task is called, which says all that the task reads.
    names: Vec<String>,
}

impl<'a> MapPhase<'a> {
    /// Makes ready what a phase needs, and names its tasks.
    pub fn open(
        shared: &'a Shared,
        job: &'a Job<'a>,
        phase: usize,
        before: Option<&'a Before>,
    ) -> Result<MapPhase<'a>, Failure> {
        let ledger = Ledger::open(work_folder(job.output).join(folder(job.graph, phase)))?;
        let (_, lanes) = lanes(shared, job.graph, phase);
        let flow = Flow { graph: job.graph, phase, lanes, lang: Name::new("lang"), turns: &shared.turns };
        let keys = job.splits.iter().map(|split| &split.key);
        let names = match before {
            None => keys.cloned().collect(),
            Some(before) => keys.enumerate().map(|(split, key)| apply_name(key, split, before)).collect(),
        };
        Ok(MapPhase { shared, job, before, ledger, flow, names })
    }

    /// Runs what is missing. A run that was asked to stop comes back with what has been done so far.
    pub fn run(&self) -> Result<(Mapped, Tasks), Failure> {
        let mut found = Vec::new();
        for (split, name) in self.job.splits.iter().zip(&self.names) {
            let mut committed = segments(&self.ledger, name, &|text| self.shared.progress.note(text))?;
            if self.before.is_none() && !committed.is_empty() && !proven(&committed, split)? {
                disown(&self.ledger, name, 0)?;
                committed.clear();
            }
            found.push(committed);
        }
        let finished = |segments: &[Segment]| segments.last().is_some_and(|segment| segment.last);
        let missing: Vec<usize> = (0..found.len()).filter(|&split| !finished(&found[split])).collect();
        if let Limit::Count(limit) = self.job.max_set_aside {
            let before: u64 = found.iter().flatten().map(|segment| segment.counts.set_aside_total()).sum();
            self.shared.allow_set_aside(limit.saturating_sub(before));
        }
        let title = name(self.flow.phase);
        let bytes = missing.iter().map(|&split| self.stored(split)).sum();
        self.shared.progress.phase(&title, found.len(), found.len() - missing.len(), bytes);
        let poison = self.poison(&missing)?;
        pool::map(self.job.threads, missing.len(), |number| {
            let split = missing[number];
            self.start(split, &found[split], poison.get(&self.names[split]).cloned().unwrap_or_default())
        })?;
        for &split in &missing {
            found[split] = segments(&self.ledger, &self.names[split], &|_| {})?;
        }
        if !self.shared.stopping() && missing.iter().any(|&split| !finished(&found[split])) {
            return Err(Failure::Overtaken);
        }
        let tasks = Tasks {
            phase: title,
            skipped: found.len() - missing.len(),
            ran: missing.iter().map(|&split| self.job.graph.split_names[split].clone()).collect(),
            seconds: 0.0, // the driver holds the clock
        };
        let mapped = Mapped { ledger: self.ledger.clone(), tasks: self.names.iter().cloned().zip(found).collect() };
        Ok((mapped, tasks))
    }

    /// What the task of one split reads, in bytes as stored.
    fn stored(&self, split: usize) -> u64 {
        let Some(before) = self.before else { return self.job.splits[split].bytes() };
        let lanes = before.mapped.tasks[split].1.iter().flat_map(|segment| &segment.lanes);
        lanes.filter(|lane| lane.lane == LANE).map(|lane| lane.output.length).sum()
    }

    /// The task of one split, to go on after the segments that are `done`.
    fn start(&self, split: usize, done: &[Segment], poison: Vec<u64>) -> Result<MapTask<'_>, Failure> {
        let from = done.last().map_or(0, |segment| segment.next);
        let input = self.before.is_none().then_some(&self.job.splits[split]);
        let prove = move || {
            // The name of a task that applies says what it reads.
            let Some(split) = input else { return Ok(serde_json::Value::Null) };
            let proof = Proof::of(split, &|| self.shared.stopping())?.ok_or(Failure::Stopped)?;
            Ok(serde_json::to_value(proof).expect("a proof is plain data"))
        };
        let (lanes, _) = lanes(self.shared, self.job.graph, self.flow.phase);
        let spec = MapSpec {
            ledger: self.ledger.clone(),
            key: self.names[split].clone(),
            lanes,
            stages: self.in_order(),
            prove: Box::new(prove),
            done: done.to_vec(),
            feed: self.feed(split, from..u64::MAX, poison)?,
        };
        MapTask::start(self.shared, spec)
    }

    /// By stage that observes in this phase: whether its records stay in the order of the documents.
    fn in_order(&self) -> Vec<bool> {
        let nodes = self.job.graph.phase(self.flow.phase);
        let in_order = |(_, node): (usize, &Node)| match &node.work {
            Work::Observe(stage) => Some(stage.bloom().is_some()),
            _ => None,
        };
        nodes.filter_map(in_order).collect()
    }

    /// The given records of one split's task.
    fn feed(&self, split: usize, records: Range<u64>, poison: Vec<u64>) -> Result<Box<dyn Feed<'_> + '_>, Failure> {
        let Some(before) = self.before else {
            let input = &self.job.splits[split];
            return Ok(Box::new(SourceFeed::new(&self.flow, self.shared, input, split as u32, records, poison)));
        };
        let (task, segments) = &before.mapped.tasks[split];
        let drafts = Drafts::open(&work_folder(self.job.output))?;
        let mut decisions = Vec::new();
        for (observe, stage) in &before.reduced {
            // The node that applies is the only reader of the one that observes.
            let apply = self.job.graph.nodes[*observe].readers[0];
            decisions.push((
                apply,
                Decisions::open(&stage.ledger, &stage.runs, split as u32, &drafts, self.shared.memory.sorter)?,
            ));
        }
        let spool = SpoolReader::new(&before.mapped.ledger, task, segments);
        let most = self.shared.memory.portion;
        Ok(Box::new(SpoolFeed::new(&self.flow, spool, decisions, split as u32, records, poison, most)))
    }

    /// By task: the documents that must not be worked on. Suspects are tried first.
    fn poison(&self, missing: &[usize]) -> Result<HashMap<String, Vec<u64>>, Failure> {
        let suspects = poison::suspects(&self.ledger)?;
        for name in missing.iter().map(|&split| &self.names[split]) {
            let (Some(suspects), Some(isolate)) = (suspects.get(name), self.job.isolate) else { continue };
            let total: u64 = suspects.iter().map(|records| records.end - records.start).sum();
            let note = format!("two runs ended over the same {total} documents; trying them in a process of their own");
            self.shared.progress.note(&note);
            for records in suspects {
                let found = poison::find(records.clone(), &mut |records| {
                    if self.shared.stopping() {
                        return Err(Failure::Stopped);
                    }
                    let plan = self.job.plan.to_owned();
                    Ok(isolate(&Trial { plan, phase: self.flow.phase, task: name.clone(), records })?)
                })?;
                for record in found {
                    self.shared.progress.note(&format!("record {record} of {name} ends the process; it is set aside"));
                    poison::condemn(&self.ledger, name, record)?;
                }
            }
            poison::acquit(&self.ledger, name)?;
        }
        Ok(poison::condemned(&self.ledger)?)
    }

    /// Works on some documents of a task and throws the result away, to see whether the process survives.
    pub fn attempt(&self, trial: &Trial) -> Result<(), Failure> {
        let Some(split) = self.names.iter().position(|name| *name == trial.task) else { return Ok(()) };
        let poison = poison::condemned(&self.ledger)?.remove(&trial.task).unwrap_or_default();
        let (lanes, map) = lanes(self.shared, self.job.graph, self.flow.phase);
        let stages = map.stages.iter().flatten().count();
        let mut feed = self.feed(split, trial.records.clone(), poison)?;
        let mut worker = Worker::default();
        while let Some(mut portion) = feed.next(u64::MAX)? {
            if portion.records().start >= trial.records.end {
                break;
            }
            let produced = produce(portion.as_mut(), &mut worker, lanes.len(), stages)?;
            for (lane, rows) in lanes.iter().zip(produced.rows).filter(|(_, rows)| !rows.block.ends.is_empty()) {
                lane.pack.seal(rows.block)?;
            }
        }
        Ok(())
    }
}

/// What a person calls a phase.
pub fn name(phase: usize) -> String {
    if phase == 0 { "read".to_owned() } else { format!("apply {phase}") }
}

/// The folder of a phase's records, below the work folder.
pub fn folder(graph: &Graph, phase: usize) -> String {
    format!("map-{phase}-{}", fingerprint(graph, phase))
}

/// What a phase depends on beside its inputs: the settings and versions of its nodes, how they hang
/// together, and the seed.
fn fingerprint(graph: &Graph, phase: usize) -> String {
    let mut text = format!(
        "wanjuan map 3\nseed {}\nlargest {}\ndropped {:?}\nmeasures {:?}\nfields {:?}\n",
        graph.seed, graph.max_document, graph.keep_dropped, graph.measures, graph.fields
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

/// A task that applies depends on the documents that waited and the decisions about them, by content.
fn apply_name(split_key: &str, split: usize, before: &Before) -> String {
    let mut text = format!("{split_key}\n");
    for segment in &before.mapped.tasks[split].1 {
        for lane in segment.lanes.iter().filter(|lane| lane.lane == LANE) {
            text.push_str(&format!("{}\n", lane.output.digest));
        }
    }
    for (node, stage) in &before.reduced {
        text.push_str(&format!("{node} {}\n", stage.digests.get(&(split as u64)).unwrap_or(&0)));
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
