//! What the records of stages and their indexes will take on disk, as told from the first documents of some splits.
//!
//! The stages themselves observe those documents, so whatever decides about their records (bands, spans, the
//! length of documents) is in the estimate. Steps before a stage are passed over: what they drop takes less. An
//! [index](super::index) is counted as if all documents stayed, and before it is compressed.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wanjuan_filters::kit::Document;

use super::commit::at;
use super::graph::{Graph, Work};
use super::index::{Target, put_id};
use super::inputs::Split;
use crate::registry::AnyStage;
use crate::source::{Limits, MAX_RATIO};
use crate::store::{Input, Metered};

/// Splits that are looked at, evenly from the first to the last.
const SPLITS: usize = 4;
/// Bytes of documents that are looked at in each.
const BYTES: usize = 1 << 20;
/// Bytes of a record without a value: see [`super::shuffle`].
const RECORD: u64 = 12;
/// Bytes of the lower half of a key, where it has one.
const LOWER_HALF: u64 = 8;

/// What waits on disk between phases.
#[derive(Debug, Default)]
pub struct Waiting {
    /// Bytes of records, by stage; nothing if no document can be read.
    pub records: Vec<(String, u64)>,
    /// What stays behind the run for later ones.
    pub indexes: Vec<Written>,
    /// Bytes of all documents, not compressed.
    pub documents: u64,
}

/// An index that a run writes.
#[derive(Debug)]
pub struct Written {
    /// Name of the step.
    pub step: String,
    /// Where the index will lie.
    pub folder: PathBuf,
    /// What it will take there.
    pub bytes: u64,
}

/// A stage, and what its documents have sent so far.
struct Observer<'a> {
    name: &'a str,
    stage: &'a dyn AnyStage,
    index: Option<&'a Target>,
    records: u64,
    indexed: u64,
}

/// Tells what a run will leave on disk between its phases.
///
/// # Errors
/// The machine's, when it reads.
pub fn waiting(graph: &Graph, splits: &[Split], max_document: usize) -> io::Result<Waiting> {
    let mut stages: Vec<Observer> = graph
        .nodes
        .iter()
        .filter_map(|node| match &node.work {
            Work::Observe(stage) => Some(Observer {
                name: &node.name,
                stage: stage.as_ref(),
                index: node.index.as_ref(),
                records: 0,
                indexed: 0,
            }),
            _ => None,
        })
        .collect();
    if stages.is_empty() {
        return Ok(Waiting::default());
    }
    let (mut looked_at, mut documents) = (0, 0);
    let limits = Limits { batch_bytes: BYTES, max_document, max_ratio: MAX_RATIO };
    let some = splits.len().min(SPLITS);
    for number in 0..some {
        let split = &splits[number * (splits.len() - 1) / (some - 1).max(1)];
        let (read, bytes) = look(graph, split, limits, &mut stages)?;
        looked_at += read;
        documents += bytes;
    }
    let all: u64 = splits.iter().map(Split::bytes).sum();
    let scaled = |sum: u64| (u128::from(sum) * u128::from(all) / u128::from(looked_at.max(1))) as u64;
    let records = stages.iter().map(|stage| (stage.name.to_owned(), scaled(stage.records))).collect();
    let written = |stage: &Observer| {
        let folder = stage.index?.folder.clone();
        Some(Written { step: stage.name.to_owned(), folder, bytes: scaled(stage.indexed) })
    };
    let indexes = stages.iter().filter_map(written).collect();
    Ok(Waiting { records, indexes, documents: scaled(documents) })
}

/// Adds what the first documents of a split send, and tells how many bytes they took as stored, and take as texts and carried members.
fn look(graph: &Graph, split: &Split, limits: Limits, stages: &mut [Observer]) -> io::Result<(u64, u64)> {
    let (Work::Source(source), Some(part)) =
        (&graph.nodes[split.source].work, split.parts.iter().find(|part| !part.range.is_empty()))
    else {
        return Ok((0, 0));
    };
    let read = Arc::new(AtomicU64::new(0));
    let store = Arc::new(Metered { store: part.input.store.clone(), read: read.clone() });
    let input = Input { store, ..part.input.clone() };
    let mut reader = source.open(&input, part.range.clone(), limits).map_err(at(&part.input.location))?;
    let (mut bytes, mut documents) = (0, 0);
    while bytes < BYTES {
        let Some(batch) = reader.next().map_err(at(&part.input.location))? else { break };
        bytes += batch.bytes();
        for index in 0..batch.len() {
            // A document that panics is the run's to set aside.
            let _ = catch_unwind(AssertUnwindSafe(|| {
                let Ok(document) = batch.document(index) else { return };
                documents += (document.text().len() + document.carried.len()) as u64;
                stages.iter_mut().for_each(|stage| stage.take(&document));
            }));
        }
    }
    Ok((read.load(Ordering::Relaxed).min(part.range.end - part.range.start), documents))
}

impl Observer<'_> {
    /// Adds what a document sends, and leaves in the index.
    fn take(&mut self, document: &Document) {
        let Observer { stage, records, indexed, .. } = self;
        let mut said = Vec::new();
        let indexing = self.index.and_then(|_| stage.indexing());
        if indexing.is_some() {
            put_id(&document.id, &mut said);
        }
        let (id, clusters, mut any) = (said.len() as u64, stage.clustering().is_some(), false);
        stage.observe(document, &mut |key, value| {
            any = true;
            // A Bloom filter is asked by the upper half alone.
            let lower = if key as u64 == 0 || stage.bloom().is_some() { 0 } else { LOWER_HALF };
            let value = value.len() as u64;
            *records += RECORD + lower + value;
            if indexing.is_some() {
                *indexed += RECORD + lower + if clusters { value } else { id };
            }
        });
        if let Some(indexing) = indexing.filter(|_| any && clusters) {
            said.clear();
            indexing.held(document, &mut said);
            *indexed += RECORD + LOWER_HALF + id + said.len() as u64;
        }
    }
}
