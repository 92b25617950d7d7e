//! The plan of a run: what will be done to which bytes, written down before any of it is done.
//!
//! ```text
//! .wanjuan/plan/HASH/plan.json    build, seed, and the phases: their steps, settings, numbers of tasks
//! .wanjuan/plan/HASH/inputs.zst   a line of JSON for each split: source, key, parts
//! ```
//! A plan is named by its content and never changes. It holds no state of a task: that is what
//! records are for. A process that works for a run makes the plan again from what it finds; if it
//! comes to another one (another build of the program, other inputs), it refuses the work.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::build::build;
use super::commit::{Drafts, at, digest, replace_file};
use super::graph::{Graph, Node, Work};
use super::inputs::{Part, Split};
use super::{map_phase, reduce};

/// What a run does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of the engine.
    pub wanjuan: String,
    /// Which build of the program, a user's own steps included: see `build.rs`.
    pub build: String,
    /// The only source of randomness.
    pub seed: u64,
    /// In the order they run.
    pub phases: Vec<Phase>,
    /// Digest of the lines of `inputs.zst`.
    pub inputs: String,
    #[serde(skip)]
    lines: Vec<u8>,
}

/// One phase, in the order of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// What it is called while it runs.
    pub name: String,
    /// The folder of its records below `.wanjuan/`, named by the phase's fingerprint.
    pub folder: String,
    /// How many tasks it has.
    pub tasks: usize,
    /// What each of its tasks does.
    pub steps: Vec<Step>,
}

/// A step of a phase. A stage stands in three: it observes, reduces and applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What the pipeline calls it.
    pub name: String,
    /// Its settings, its version, and the digests of its files.
    pub identity: String,
}

/// One line of `inputs.zst`.
#[derive(Serialize)]
struct InputLine<'a> {
    source: &'a str,
    key: &'a str,
    parts: Vec<PartLine<'a>>,
}

#[derive(Serialize)]
struct PartLine<'a> {
    name: &'a str,
    location: &'a Path,
    start: u64,
    end: u64,
    stamp: String,
}

impl Plan {
    /// The plan for these splits, in the state they are in now.
    pub fn new(graph: &Graph, splits: &[Split]) -> io::Result<Plan> {
        let mut lines = Vec::new();
        for split in splits {
            let mut parts = Vec::new();
            for Part { input, range } in &split.parts {
                let stamp = input.stamp().map_err(at(&input.location))?;
                parts.push(PartLine {
                    name: &input.name,
                    location: &input.location,
                    start: range.start,
                    end: range.end,
                    stamp,
                });
            }
            let line = InputLine { source: &graph.nodes[split.source].name, key: &split.key, parts };
            serde_json::to_writer(&mut lines, &line)?;
            lines.push(b'\n');
        }
        Ok(Plan {
            wanjuan: env!("CARGO_PKG_VERSION").to_owned(),
            build: build()?,
            seed: graph.seed,
            phases: phases(graph, splits),
            inputs: digest(&lines),
            lines,
        })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a plan is plain data");
        bytes.push(b'\n');
        bytes
    }

    /// Its name: a digest of all it says.
    pub fn hash(&self) -> String {
        digest(&self.bytes())[..32].to_owned()
    }

    /// Writes it below the work folder, if it is not there. With `alone`, earlier plans go: no other
    /// run follows one.
    pub fn write(&self, work: &Path, alone: bool) -> io::Result<String> {
        let plans = work.join("plan");
        let hash = self.hash();
        let folder = plans.join(&hash);
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        // Two runs of one plan write the same bytes.
        let drafts = Drafts::open(work)?;
        replace_file(&drafts, &folder.join("inputs.zst"), &zstd::bulk::compress(&self.lines, 3)?)?;
        replace_file(&drafts, &folder.join("plan.json"), &self.bytes())?;
        if alone {
            for entry in fs::read_dir(&plans).map_err(at(&plans))? {
                let entry = entry?;
                if entry.file_name() != *hash {
                    fs::remove_dir_all(entry.path()).map_err(at(&entry.path()))?;
                }
            }
        }
        Ok(hash)
    }
}

fn phases(graph: &Graph, splits: &[Split]) -> Vec<Phase> {
    let mut phases = Vec::new();
    let step = |node: &Node| Step { name: node.name.clone(), identity: node.identity.clone() };
    for number in 0..graph.phases() {
        let steps = graph.phase(number).map(|(_, node)| step(node)).collect();
        let (name, folder) = (map_phase::name(number), map_phase::folder(graph, number));
        phases.push(Phase { name, folder, tasks: splits.len(), steps });
        for (_, node) in graph.phase(number).filter(|(_, node)| matches!(node.work, Work::Observe(_))) {
            let tasks = reduce::partitions_of(splits, node) as usize;
            let (name, folder) = (reduce::name(node), reduce::folder(graph, node));
            let mut steps = vec![step(node)];
            if !node.against.is_empty() {
                let (name, identity) = (node.name.clone(), node.against());
                steps.push(Step { name, identity });
            }
            phases.push(Phase { name, folder, tasks, steps });
            if let Some(index) = &node.index {
                let (name, folder) = (format!("index {}", node.name), reduce::folder(graph, node));
                let written = Step { name: node.name.clone(), identity: format!("index {}", index.name) };
                phases.push(Phase { name, folder, tasks: splits.len(), steps: vec![written] });
            }
        }
    }
    phases
}
