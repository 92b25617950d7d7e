//! Duplicates of a finished run: which documents stand for which, and what they took away.
//!
//! A cluster is a document that a step kept, and those that the step dropped or marked in its stead. Rows of
//! `measures/` are streamed twice: once to count, by 16 bytes for each duplicate, in memory up to 64 MiB and in
//! files of a folder beyond that; once to gather the largest clusters. Counts and sizes are exact; members that are
//! named, and texts that are looked for, are bounded.

mod diff;
mod sizes;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::Path;

use serde::Serialize;
use wanjuan_filters::kit::Field;
use xxhash_rust::xxh3::xxh3_128;

pub use diff::{Change, Part};

use crate::engine::outcome::{Instead, instead};
use crate::engine::session::RunRecord;
use crate::report::rows::{Row, Rows};
use crate::report::texts;
use sizes::Keys;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// How many of the largest clusters.
    pub top: usize,
    /// Only the clusters of the document with this id.
    pub cluster: Option<String>,
    /// Members of a cluster that are named.
    pub members: usize,
    /// Members of a cluster that are compared with the one that is kept.
    pub differences: usize,
    /// The field whose values are told apart.
    pub by: String,
}

/// What is known of the duplicates of a run.
#[derive(Debug, Serialize)]
pub struct Duplicates {
    /// All documents of the run, and those that stages dropped.
    pub total: Share,
    /// Stages, by name.
    pub steps: BTreeMap<String, Share>,
    /// Sources, by name.
    pub sources: BTreeMap<String, Share>,
    /// Values of the field; the rarest together, if there are many.
    pub values: BTreeMap<String, Share>,
    /// Whose values.
    pub by: String,
    /// How many clusters there are of each size, the kept one included.
    pub sizes: BTreeMap<u64, u64>,
    /// The largest clusters, or those that were asked for.
    pub clusters: Vec<Cluster>,
}

/// What was removed of what there was.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Documents that there were.
    pub documents: u64,
    /// Bytes of their texts, as they were when they left the pipeline.
    pub bytes: u64,
    /// Their tokens, where a step measured them.
    pub tokens: Option<u64>,
    /// Documents that were dropped.
    pub removed_documents: u64,
    /// Bytes of their texts.
    pub removed_bytes: u64,
    /// Their tokens, where a step measured them before.
    pub removed_tokens: Option<u64>,
}

/// Documents that one stands for.
#[derive(Debug, Clone, Serialize)]
pub struct Cluster {
    /// The step that says so.
    pub step: String,
    /// How many there are, the kept one included.
    pub size: u64,
    /// The one that is kept.
    pub kept: Option<Member>,
    /// The others, in the order of the corpus; not all, if there are many.
    pub members: Vec<Member>,
}

/// A document of a cluster.
#[derive(Debug, Clone, Serialize)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// The source it came from.
    pub source: String,
    /// Its value of the field.
    pub value: Option<String>,
    /// Bytes of its text.
    pub bytes: u64,
    /// `step: reason`, if a later step dropped the kept one, or if the others were not dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// How its text differs from that of the kept one, where both were found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Vec<Part>>,
    /// Whether it is one of an index, of which nothing else is known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub indexed: bool,
}

/// Values of the field that are told apart.
const MOST_VALUES: usize = 1000;
/// What stands for the values that are not.
pub const OTHERS: &str = "(others)";
/// What stands for none.
pub const NONE: &str = "(none)";

/// What the rows of a run are read with.
struct Reader<'a> {
    record: &'a RunRecord,
    rows: Rows,
    splits: HashMap<&'a str, usize>,
    stages: Vec<&'a str>,
    /// Where the tokens of a text are among the measures.
    tokens: Option<usize>,
}

/// Reads the duplicates of a finished run; `work` is a folder that need not be there, for keys.
pub fn read(output: &Path, record: &RunRecord, asked: &Asked, work: &Path) -> io::Result<Duplicates> {
    let mut rows = Rows::open(output, record)?;
    let fields: Vec<Field> = rows.fields.iter().filter(|field| field.name.as_str() == asked.by).copied().collect();
    let tokens = rows.measures.iter().position(|name| name.ends_with(".tokens"));
    rows.select(fields, tokens.into_iter());
    let mut splits = HashMap::new();
    for (number, input) in record.inputs.iter().enumerate() {
        splits.entry(input.name.as_str()).or_insert(number);
    }
    let stages = stages(record).collect();
    let reader = Reader { record, rows, splits, stages, tokens };
    let mut found = Duplicates {
        total: Share::default(),
        steps: reader.stages.iter().map(|step| ((*step).to_owned(), Share::default())).collect(),
        sources: BTreeMap::new(),
        values: BTreeMap::new(),
        by: asked.by.clone(),
        sizes: BTreeMap::new(),
        clusters: Vec::new(),
    };
    let mut keys = Keys::new(work.to_owned());
    let mut wanted: BTreeSet<u128> = BTreeSet::new();
    let mut failed = None;
    reader.rows.each_document(|group| {
        reader.count(group, &mut found);
        for row in group {
            let same = asked.cluster.as_ref() == Some(&row.id);
            if same {
                wanted.extend(reader.stages.iter().map(|step| key(step, row.split, row.ordinal)));
            }
            if let Some(key) = reader.key(row) {
                if same {
                    wanted.insert(key);
                }
                if let Err(error) = keys.push(key) {
                    failed.get_or_insert(error);
                }
            }
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    for share in found.steps.values_mut() {
        (share.documents, share.bytes, share.tokens) = (found.total.documents, found.total.bytes, found.total.tokens);
    }
    let sizes = keys.count(asked.top)?;
    found.sizes = sizes.histogram;
    let order: Vec<u128> = match asked.cluster {
        Some(_) => wanted.into_iter().collect(),
        None => sizes.largest.iter().map(|(_, key)| *key).collect(),
    };
    found.clusters = reader.gather(&order, asked)?;
    compare(output, record, asked, &mut found.clusters)?;
    Ok(found)
}

/// Stages of a run.
pub fn stages(record: &RunRecord) -> impl Iterator<Item = &str> {
    record.steps.iter().filter(|step| step.kind == "stage").map(|step| step.name.as_str())
}

/// What tells a cluster from others: its step, and the place of the one that is kept.
fn key(step: &str, split: usize, ordinal: u64) -> u128 {
    let mut bytes = [&split.to_le_bytes()[..], &ordinal.to_le_bytes()].concat();
    bytes.extend_from_slice(step.as_bytes());
    xxh3_128(&bytes)
}

impl Reader<'_> {
    /// The step that says that a row is of a duplicate. One that was marked, and went on, is of the stage that marks.
    fn step<'r>(&'r self, row: &'r Row) -> &'r str {
        if self.stages.contains(&row.step.as_str()) {
            return &row.step;
        }
        let marks = |step: &&crate::engine::session::StepRecord| {
            step.settings.get("action").is_some_and(|action| action == "mark")
        };
        let marking = self.record.steps.iter().filter(|step| step.kind == "stage").find(marks);
        marking.map_or(&row.step, |step| &step.name)
    }

    /// The cluster of a duplicate.
    fn key(&self, row: &Row) -> Option<u128> {
        Some(match instead(row.kept_instead.as_ref()?)? {
            Instead::Here(split, ordinal) => key(self.step(row), *self.splits.get(split)?, ordinal),
            Instead::Indexed(index, id) => xxh3_128(format!("{}\n{index}#{id}", self.step(row)).as_bytes()),
        })
    }

    fn source(&self, row: &Row) -> &str {
        self.record.inputs.get(row.split).map_or(NONE, |input| &input.source)
    }

    fn value(row: &Row) -> Option<String> {
        let value = row.fields.first()?.as_ref()?;
        Some(match crate::engine::outcome::json(value) {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        })
    }

    /// Adds the rows of one document.
    fn count(&self, group: &[Row], found: &mut Duplicates) {
        let tokens = |row: &Row| {
            let value = row.values.get(self.tokens?)?;
            (!value.is_nan()).then_some(*value as u64)
        };
        // Behind a fork a document has several rows: it is there once.
        let Some(first) = group.iter().max_by_key(|row| row.bytes) else { return };
        let gone: Vec<&Row> =
            group.iter().filter(|row| row.reason.is_some() && self.stages.contains(&row.step.as_str())).collect();
        let removed = gone.len() == group.len();
        let mut value = Reader::value(first).unwrap_or_else(|| NONE.to_owned());
        if found.values.len() >= MOST_VALUES && !found.values.contains_key(&value) {
            value = OTHERS.to_owned();
        }
        let source = self.source(first);
        if !found.sources.contains_key(source) {
            found.sources.insert(source.to_owned(), Share::default());
        }
        let places = [
            &mut found.total,
            found.sources.get_mut(source).expect("inserted above"),
            found.values.entry(value).or_default(),
        ];
        for share in places {
            share.add(first.bytes, tokens(first), removed);
        }
        for row in gone {
            let share = found.steps.get_mut(&row.step).expect("every stage is there");
            share.remove(row.bytes, tokens(row));
        }
    }

    /// The clusters with these keys, in this order.
    fn gather(&self, order: &[u128], asked: &Asked) -> io::Result<Vec<Cluster>> {
        let numbers: HashMap<u128, usize> = order.iter().enumerate().map(|(number, key)| (*key, number)).collect();
        let empty = Cluster { step: String::new(), size: 1, kept: None, members: Vec::new() };
        let mut clusters = vec![empty; order.len()];
        self.rows.each_document(|group| {
            for (number, row) in group.iter().enumerate() {
                if let Some(&place) = self.key(row).and_then(|key| numbers.get(&key)) {
                    let cluster = &mut clusters[place];
                    cluster.size += 1;
                    cluster.step = self.step(row).to_owned();
                    if let Some(Instead::Indexed(index, id)) = row.kept_instead.as_deref().and_then(instead) {
                        cluster.kept.get_or_insert_with(|| Member::indexed(index, id));
                    }
                    if cluster.members.len() < asked.members.max(asked.differences) {
                        cluster.members.push(self.member(row, &cluster.step));
                    }
                }
                for step in self.stages.iter().filter(|_| number == 0) {
                    if let Some(&place) = numbers.get(&key(step, row.split, row.ordinal)) {
                        clusters[place].kept = Some(self.member(row, step));
                    }
                }
            }
        })?;
        clusters.retain(|cluster| cluster.size > 1);
        Ok(clusters)
    }

    fn member(&self, row: &Row, step: &str) -> Member {
        let end = match &row.reason {
            Some(reason) if row.step != step => Some(format!("{}: {reason}", row.step)),
            None if row.kept_instead.is_some() => Some("marked".to_owned()),
            _ => None,
        };
        let (id, source) = (row.id.clone(), self.source(row).to_owned());
        Member { id, source, value: Reader::value(row), bytes: row.bytes, end, difference: None, indexed: false }
    }
}

impl Member {
    /// A document of an index, of which nothing else is known.
    fn indexed(index: &str, id: &str) -> Member {
        let (id, source) = (id.to_owned(), format!("index {index}"));
        Member { id, source, value: None, bytes: 0, end: None, difference: None, indexed: true }
    }
}

impl Share {
    fn add(&mut self, bytes: u64, tokens: Option<u64>, removed: bool) {
        self.documents += 1;
        self.bytes += bytes;
        self.tokens = sum(self.tokens, tokens);
        if removed {
            self.remove(bytes, tokens);
        }
    }

    fn remove(&mut self, bytes: u64, tokens: Option<u64>) {
        self.removed_documents += 1;
        self.removed_bytes += bytes;
        self.removed_tokens = sum(self.removed_tokens, tokens);
    }
}

fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}

/// Puts beside members how they differ from the one that is kept.
fn compare(output: &Path, record: &RunRecord, asked: &Asked, clusters: &mut [Cluster]) -> io::Result<()> {
    let mut ids = BTreeSet::new();
    let indexed = |cluster: &Cluster| cluster.kept.as_ref().is_some_and(|kept| kept.indexed);
    for cluster in clusters.iter().filter(|cluster| asked.differences > 0 && !indexed(cluster)) {
        let compared = cluster.members.iter().take(asked.differences);
        ids.extend(cluster.kept.iter().chain(compared).map(|member| member.id.clone()));
    }
    let found = texts::whole(output, record, &ids)?;
    for cluster in clusters {
        let kept = cluster.kept.as_ref().filter(|kept| !kept.indexed).and_then(|kept| found.get(&kept.id));
        for member in cluster.members.iter_mut().take(asked.differences) {
            member.difference = kept.zip(found.get(&member.id)).map(|(kept, dropped)| diff::diff(kept, dropped));
        }
        cluster.members.truncate(asked.members);
    }
    Ok(())
}
