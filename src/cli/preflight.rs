//! What can be known to be wrong before a run that the pipeline file alone does not tell: the output
//! holds another run, the memory or the disk is too small.

use std::fmt::Write;
use std::io;
use std::path::Path;

use wanjuan_dedup::bloom::Shape;

use crate::config::Pipeline;
use crate::engine::Memory;
use crate::engine::bloom;
use crate::engine::estimate::{self, Written};
use crate::engine::graph::{Node, Work};
use crate::engine::inputs::Split;
use crate::engine::session::{self, Options, Prepared};
use crate::numbers::{count, size};

/// A run that may start.
pub struct Preflight {
    pub memory: Memory,
    /// Bytes of input.
    pub input: u64,
    /// Bytes that the run takes on disk, about.
    pub need: u64,
    /// How much of it are the records of stages, by name.
    records: Vec<(String, u64)>,
    /// What their indexes will take, wherever they lie.
    indexes: Vec<Written>,
    free: Option<u64>,
    pub prepared: Prepared,
}

/// Why it may not.
pub enum Unready {
    /// Whoever called is to change something, says the message.
    Wrong(String),
    Machine(io::Error),
}

impl Preflight {
    /// `fresh`: what an earlier run left will be removed first.
    pub fn of(pipeline: &Pipeline, options: &Options, fresh: bool) -> Result<Preflight, Unready> {
        if let Some(other) = session::held_by_another(pipeline).filter(|_| !fresh) {
            return Err(Unready::Wrong(format!(
                "error: {} holds a run of the pipeline `{other}`\nhelp: choose another `output`, or replace that run with --fresh\n",
                pipeline.output.display()
            )));
        }
        if let Some(what) = session::is_in_the_way(pipeline) {
            return Err(Unready::Wrong(format!(
                "error: {what}\nhelp: give the run an `output` of its own: a folder that is empty or not there yet\n"
            )));
        }
        if let Some(what) = session::is_in_the_way_of_an_index(pipeline) {
            return Err(Unready::Wrong(format!(
                "error: {what}\nhelp: give `index` a folder of its own: one that is empty or not there yet\n"
            )));
        }
        if fresh && session::is_in_use(&pipeline.output) {
            return Err(Unready::Wrong(format!("error: another run is at work in {}\n", pipeline.output.display())));
        }
        let memory = session::memory(pipeline, options).map_err(|little| {
            Unready::Wrong(format!(
                "error: --memory {} is too little for {} threads and documents of up to {}\nhelp: give at least {}, or lower `max_document_mb` in [pipeline]\n",
                size(little.have),
                options.threads,
                size(pipeline.max_document as u64),
                size(little.need)
            ))
        })?;
        let filters = bloom_filters(pipeline);
        if let Some((name, shape)) = filters.iter().find(|(_, shape)| !bloom::fits(*shape, &memory)) {
            return Err(Unready::Wrong(format!(
                "error: the Bloom filter of `{name}` takes {}, and of --memory {} a filter may take {}\nhelp: give at least {}, raise `false_positives`, or leave out `bloom`: exact keys are sorted on disk\n",
                size(bloom::memory(*shape)),
                size(options.memory),
                size(memory.alone),
                size(session::memory_for(bloom::memory(*shape)))
            )));
        }
        let prepared = session::prepare(pipeline, options).map_err(Unready::Machine)?;
        let input = prepared.splits.iter().map(Split::bytes).sum();
        let graph = pipeline.graph(&[]);
        let estimate::Waiting { records, indexes, documents } =
            estimate::waiting(&graph, &prepared.splits, memory.max_document).map_err(Unready::Machine)?;
        let waits = if options.plain_spool { documents.max(input) } else { input };
        // An index on another disk takes nothing of this one.
        let beside = |index: &&Written| disk(&index.folder) == disk(&pipeline.output);
        let need = need(input, waits, graph.phases())
            + records.iter().map(|(_, bytes)| bytes).sum::<u64>()
            + indexes.iter().filter(beside).map(|index| index.bytes).sum::<u64>();
        for Written { step, folder, bytes } in &indexes {
            if let Some(free) = free_space(folder).filter(|free| *free < bytes / 10) {
                return Err(Unready::Wrong(format!(
                    "error: {} has {} free; the index of `{step}` takes about {}\nhelp: give `index` a folder on a larger disk\n",
                    folder.display(),
                    size(free),
                    size(*bytes)
                )));
            }
        }
        let free = free_space(&pipeline.output);
        if let Some(free) = free.filter(|free| *free < need / 10) {
            return Err(Unready::Wrong(format!(
                "error: {} has {} free; this run takes about {}\nhelp: give the pipeline an `output` on a larger disk\n",
                pipeline.output.display(),
                size(free),
                size(need)
            )));
        }
        Ok(Preflight { memory, input, need, records, indexes, free, prepared })
    }

    /// What the run is about to do, in a line.
    pub fn line(&self, pipeline: &Pipeline, options: &Options) -> String {
        let filters: String = bloom_filters(pipeline).iter().map(|(name, shape)| {
            let one_in = count((1.0 / shape.rate()).round() as u64);
            format!("\n{name}: a Bloom filter of {}, for {} different keys; one new key in {one_in} is taken for seen by then", size(shape.bytes()), count(shape.keys()))
        }).collect();
        let records: String = self
            .records
            .iter()
            .filter(|(_, bytes)| *bytes > 0)
            .map(|(name, bytes)| {
                format!("\n{name}: about {} of that disk for its records, as its first documents tell", size(*bytes))
            })
            .collect();
        let indexes: String = self
            .indexes
            .iter()
            .map(|index| {
                let Written { step, folder, bytes } = index;
                let (bytes, folder) = (size(*bytes), folder.display());
                format!(
                    "\n{step}: at most about {bytes} of disk for its index in {folder}, as its first documents tell"
                )
            })
            .collect();
        format!(
            "{}: {} of input in {} task{}, {} phase{}; {} thread{}, at most {} of memory, about {} of disk{}{records}{indexes}{filters}",
            pipeline.name,
            size(self.input),
            count(self.prepared.splits.len() as u64),
            plural(self.prepared.splits.len()),
            self.prepared.plan.phases.len(),
            plural(self.prepared.plan.phases.len()),
            options.threads,
            plural(options.threads),
            size(options.memory),
            size(self.need),
            self.free.map_or_else(String::new, |free| format!(" ({} free)", size(free))),
        )
    }

    /// The same for a program.
    pub fn json(&self) -> serde_json::Value {
        let phases = self.prepared.plan.phases.iter().map(|phase| {
            let steps: Vec<&str> = phase.steps.iter().map(|step| step.name.as_str()).collect();
            serde_json::json!({ "name": phase.name, "tasks": phase.tasks, "steps": steps })
        });
        let phases: Vec<_> = phases.collect();
        let records: serde_json::Map<_, _> =
            self.records.iter().map(|(name, bytes)| (name.clone(), (*bytes).into())).collect();
        let indexes: serde_json::Map<_, _> =
            self.indexes.iter().map(|index| (index.step.clone(), index.bytes.into())).collect();
        serde_json::json!({ "input_bytes": self.input, "disk_bytes": self.need, "record_bytes": records, "index_bytes": indexes, "free_bytes": self.free, "phases": phases })
    }

    /// The phases: what each does, in how many tasks.
    pub fn tell(&self) -> String {
        let mut text = String::new();
        for phase in &self.prepared.plan.phases {
            let steps: Vec<&str> = phase.steps.iter().map(|step| step.name.as_str()).collect();
            let tasks = format!("{} task{}", count(phase.tasks as u64), plural(phase.tasks));
            let _ = writeln!(text, "{:<28}  {tasks:<16}{}", phase.name, steps.join(", "));
        }
        text
    }
}

/// The Bloom filters of a pipeline, by step.
fn bloom_filters(pipeline: &Pipeline) -> Vec<(String, Shape)> {
    let graph = pipeline.graph(&[]);
    let filter = |node: &Node| match &node.work {
        Work::Observe(stage) => Some((node.name.clone(), stage.bloom()?)),
        _ => None,
    };
    graph.nodes.iter().filter_map(filter).collect()
}

/// What a run writes: results of about the size of its input, and what waits, each time that it does.
fn need(input: u64, waits: u64, phases: usize) -> u64 {
    input + waits * phases.saturating_sub(1) as u64
}

fn plural(number: usize) -> &'static str {
    if number == 1 { "" } else { "s" }
}

/// The folder that is there already, of those that `folder` will lie in.
fn standing(folder: &Path) -> &Path {
    folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."))
}

/// The number of the disk that `folder` will lie on.
fn disk(folder: &Path) -> Option<u64> {
    rustix::fs::stat(standing(folder)).ok().map(|found| found.st_dev)
}

/// Free bytes of the disk that `folder` will lie on.
pub fn free_space(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(standing(folder)).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}
