//! The graph as it runs: every node with its work, its phase, and who reads from it.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{Field, Origin};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::index::{Index, Part, Target};
use super::outcome::Outcomes;
use crate::config::Predicate;
use crate::registry::{AnyFilter, AnyMapper, AnySink, AnySource, AnyStage};
use crate::rule::Rule;

/// What a node does.
#[derive(Clone)]
pub enum Work {
    /// Lets in.
    Source(Arc<dyn AnySource>),
    /// Judges.
    Filter(Arc<dyn AnyFilter>),
    /// Rewrites.
    Mapper(Arc<dyn AnyMapper>),
    /// Judges by a condition.
    Rule(Rule),
    /// The first half of a stage.
    Observe(Arc<dyn AnyStage>),
    /// The second half, a phase later.
    Apply(Arc<dyn AnyStage>),
    /// Writes.
    Sink(Arc<dyn AnySink>),
}

/// A node of the graph.
pub struct Node {
    /// What the pipeline calls it.
    pub name: String,
    /// The map phase it works in.
    pub phase: usize,
    /// What it does.
    pub work: Work,
    /// Which documents the node is about; see `where` in the pipeline file.
    pub selects: Option<Predicate>,
    /// Whether its verdicts are not carried out; see `only_measure` in the pipeline file.
    pub only_measures: bool,
    /// The nodes that read from this one.
    pub readers: Vec<usize>,
    /// Where its measures lie in a document.
    pub slots: Range<usize>,
    /// All that decides about its output, for fingerprints: step, version, settings, models.
    pub identity: String,
    /// Of a stage that observes: the indexes it is cleaned against.
    pub against: Vec<Arc<Index>>,
    /// The same: the index it writes.
    pub index: Option<Target>,
}

impl Node {
    /// Parts of the indexes it is cleaned against, in the order of their numbers as splits.
    pub fn indexed(&self) -> impl Iterator<Item = (&Index, &Part)> {
        self.against.iter().flat_map(|index| index.manifest.parts.iter().map(move |part| (index.as_ref(), part)))
    }

    /// All that the indexes it is cleaned against decide.
    pub fn against(&self) -> String {
        self.against.iter().map(|index| format!("against {} {}\n", index.name, index.manifest.check)).collect()
    }
}

/// Which dropped documents are kept for inspection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeepDropped {
    /// None: their rows in `measures/` stay.
    #[default]
    None,
    /// One in a hundred.
    Sample,
    /// Every one.
    All,
}

impl KeepDropped {
    /// `split` is the name of the document's split.
    pub fn wants(self, split: &str, origin: Origin, seed: u64) -> bool {
        match self {
            KeepDropped::None => false,
            KeepDropped::All => true,
            KeepDropped::Sample => {
                let split = xxh3_64_with_seed(split.as_bytes(), seed);
                xxh3_64_with_seed(&origin.ordinal.to_le_bytes(), split).is_multiple_of(100)
            }
        }
    }
}

/// The whole graph.
pub struct Graph {
    /// Each after all it reads from.
    pub nodes: Vec<Node>,
    /// Names of all measures, `step.measure`, by slot.
    pub measures: Vec<String>,
    /// Every field that any node writes.
    pub fields: Vec<Field>,
    /// The only source of randomness.
    pub seed: u64,
    /// The largest document, in bytes.
    pub max_document: usize,
    /// Which dropped documents are kept.
    pub keep_dropped: KeepDropped,
    /// How rows of measures are made.
    pub outcomes: Outcomes,
    /// By number of the split.
    pub split_names: Vec<String>,
    /// Numbers of the splits by their keys.
    pub split_numbers: HashMap<String, usize>,
}

impl Graph {
    /// Number of map phases.
    pub fn phases(&self) -> usize {
        self.nodes.iter().map(|node| node.phase + 1).max().unwrap_or(0)
    }

    /// The nodes of one phase, in order.
    pub fn phase(&self, phase: usize) -> impl Iterator<Item = (usize, &Node)> {
        self.nodes.iter().enumerate().filter(move |(_, node)| node.phase == phase)
    }

    /// Whether documents wait after this phase.
    pub fn spools(&self, phase: usize) -> bool {
        phase + 1 < self.phases()
    }
}
