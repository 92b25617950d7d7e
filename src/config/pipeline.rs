//! The pipeline as checked. Only the checker makes one, and only one of these can run.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use wanjuan_filters::kit::{Field, Name, Type};

use super::{Predicate, Scope};
use crate::engine::driver::Limit;
use crate::engine::graph::{Graph, KeepDropped, Node, Work};
use crate::engine::index::{Index, Target};
use crate::engine::inputs::Split;
use crate::engine::outcome::Outcomes;
use crate::registry::{Built, Instance};
use crate::store::Input;

/// A checked pipeline.
pub struct Pipeline {
    /// The file it was read from.
    pub file: PathBuf,
    /// The file's text.
    pub source: String,
    /// Name of the corpus.
    pub name: String,
    /// Everything a run writes lives here.
    pub output: PathBuf,
    /// The only source of randomness.
    pub seed: u64,
    /// How many bad records stop the run.
    pub max_set_aside: Limit,
    /// The largest document, in bytes.
    pub max_document: usize,
    /// Which dropped documents are kept, to look at.
    pub keep_dropped: KeepDropped,
    /// Sources, then steps, then sinks, each after all it reads from.
    pub entries: Vec<Entry>,
    /// The `[[test]]` cases.
    pub tests: Vec<Case>,
    pub(super) _checked: Checked,
}

/// Only this module's parent can make one.
pub(super) struct Checked;

/// One source, step or sink.
pub struct Entry {
    /// How other entries and reports call it.
    pub name: String,
    /// `use = "…"`.
    pub uses: &'static str,
    /// See [`Kind::NAME`](wanjuan_filters::kit::Kind::NAME).
    pub kind: &'static str,
    /// See [`Step::VERSION`](wanjuan_filters::kit::Step::VERSION).
    pub version: u32,
    /// Whose decisions are reproduced.
    pub profile: Option<String>,
    /// The step itself, ready to work.
    pub instance: Instance,
    /// Entries it reads from.
    pub inputs: Vec<usize>,
    /// Its `where`.
    pub selects: Option<Predicate>,
    /// Whether its verdicts are not carried out: `only_measure = true`.
    pub only_measures: bool,
    /// Slots of its measures.
    pub slots: Range<usize>,
    /// What is known of a document behind it.
    pub scope: Scope,
    /// Digests of the files whose content decides, by setting.
    pub files: Vec<(String, String)>,
    /// What a source reads.
    pub corpus: Vec<Input>,
    /// The index that a stage writes.
    pub index: Option<Target>,
    /// The indexes that a stage is cleaned against.
    pub against: Vec<Arc<Index>>,
}

impl Entry {
    /// All that decides about its output.
    pub fn identity(&self) -> String {
        let columns = match self.kind {
            "sink" => format!("{:?} {:?}", self.scope.fields, self.scope.measures),
            _ => String::new(),
        };
        let only = if self.only_measures { " only_measure" } else { "" };
        format!("{} {} {:?} {} {columns}{only}", self.uses, self.version, self.files, self.instance.settings)
    }
}

/// One `[[test]]`.
#[derive(Debug, Clone)]
pub struct Case {
    /// Where it stands in the file.
    pub line: usize,
    /// What it is called, if anything.
    pub name: Option<String>,
    /// The source it comes from; the first one otherwise.
    pub source: Option<String>,
    /// The text of the document.
    pub text: String,
    /// Its id.
    pub id: String,
    /// Its fields.
    pub fields: Vec<(Name, toml::Value)>,
    /// What is to become of it.
    pub expect: Expect,
}

/// What a test expects.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    /// The reason of the drop on every way; `None` if a sink is to be reached.
    pub drop: Option<String>,
    /// The step that drops it.
    pub by: Option<String>,
    /// The text behind the last step.
    pub text: Option<String>,
    /// Fields behind the last step.
    pub fields: Vec<(Name, toml::Value)>,
}

impl Pipeline {
    /// Names of all measures by slot.
    pub fn measures(&self) -> Vec<String> {
        let full = |entry: &Entry| {
            entry.instance.measures.iter().map(|measure| format!("{}.{}", entry.name, measure.name)).collect::<Vec<_>>()
        };
        self.entries.iter().flat_map(full).collect()
    }

    /// Every field that any entry writes, once.
    pub fn fields(&self) -> Vec<Field> {
        let mut fields: Vec<Field> = Vec::new();
        for field in self.entries.iter().flat_map(|entry| &entry.instance.writes) {
            if fields.iter().all(|known| known.name != field.name) {
                fields.push(*field);
            }
        }
        fields
    }

    /// The graph as it runs. A stage becomes two nodes, a phase apart.
    pub fn graph(&self, splits: &[Split]) -> Graph {
        let mut nodes: Vec<Node> = Vec::new();
        // By entry: the node that others read from.
        let mut ends: Vec<usize> = Vec::new();
        for entry in &self.entries {
            let phase = entry.inputs.iter().map(|&input| nodes[ends[input]].phase).max().unwrap_or(0);
            let node = |phase, work| Node {
                name: entry.name.clone(),
                phase,
                work,
                selects: entry.selects.clone(),
                only_measures: entry.only_measures,
                readers: Vec::new(),
                slots: entry.slots.clone(),
                identity: entry.identity(),
                against: Vec::new(),
                index: None,
            };
            let first = nodes.len();
            match &entry.instance.built {
                Built::Source(source) => nodes.push(node(phase, Work::Source(source.clone()))),
                Built::Filter(filter) => nodes.push(node(phase, Work::Filter(filter.clone()))),
                Built::Rule(rule) => nodes.push(node(phase, Work::Rule(rule.clone()))),
                Built::Mapper(mapper) => nodes.push(node(phase, Work::Mapper(mapper.clone()))),
                Built::Sink(sink) => nodes.push(node(phase, Work::Sink(sink.clone()))),
                Built::Stage(stage) => {
                    let observe = node(phase, Work::Observe(stage.clone()));
                    nodes.push(Node { against: entry.against.clone(), index: entry.index.clone(), ..observe });
                    nodes.push(node(phase + 1, Work::Apply(Arc::clone(stage))));
                    nodes[first].readers.push(first + 1);
                }
            }
            for &input in &entry.inputs {
                nodes[ends[input]].readers.push(first);
            }
            ends.push(nodes.len() - 1);
        }
        let (fields, measures) = (self.fields(), self.measures());
        let outcomes = Outcomes::new(fields.clone(), measures.clone());
        Graph {
            nodes,
            measures,
            fields,
            seed: self.seed,
            max_document: self.max_document,
            keep_dropped: self.keep_dropped,
            outcomes,
            split_names: splits.iter().map(Split::name).collect(),
            split_numbers: splits.iter().enumerate().map(|(number, split)| (split.key.clone(), number)).collect(),
        }
    }
}

/// The type of a TOML value as a field, if it has one.
pub(super) fn type_of(value: &toml::Value) -> Option<Type> {
    match value {
        toml::Value::String(_) | toml::Value::Datetime(_) => Some(Type::Text),
        toml::Value::Integer(_) => Some(Type::Integer),
        toml::Value::Float(_) => Some(Type::Number),
        toml::Value::Boolean(_) => Some(Type::Boolean),
        _ => None,
    }
}
