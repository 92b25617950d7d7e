//! What the records of stages will take on disk, as told from the first documents of some splits.
//!
//! The stages themselves observe those documents, so whatever decides about their records (bands, spans, the
//! length of documents) is in the estimate. Steps before a stage are passed over: what they drop takes less.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::commit::at;
use super::graph::{Graph, Work};
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
    /// Bytes of all documents, not compressed.
    pub documents: u64,
}

/// Tells what a run will leave on disk between its phases.
///
/// # Errors
/// The machine's, when it reads.
pub fn waiting(graph: &Graph, splits: &[Split], max_document: usize) -> io::Result<Waiting> {
    let stages: Vec<(&str, &dyn AnyStage)> = graph
        .nodes
        .iter()
        .filter_map(|node| match &node.work {
            Work::Observe(stage) => Some((node.name.as_str(), stage.as_ref())),
            _ => None,
        })
        .collect();
    if stages.is_empty() {
        return Ok(Waiting::default());
    }
    let (mut looked_at, mut documents, mut sums) = (0, 0, vec![0; stages.len()]);
    let limits = Limits { batch_bytes: BYTES, max_document, max_ratio: MAX_RATIO };
    let some = splits.len().min(SPLITS);
    for number in 0..some {
        let split = &splits[number * (splits.len() - 1) / (some - 1).max(1)];
        let (read, bytes) = look(graph, split, limits, &stages, &mut sums)?;
        looked_at += read;
        documents += bytes;
    }
    let all: u64 = splits.iter().map(Split::bytes).sum();
    let scaled = |sum: u64| (u128::from(sum) * u128::from(all) / u128::from(looked_at.max(1))) as u64;
    let records = stages.iter().zip(sums).map(|((name, _), sum)| ((*name).to_owned(), scaled(sum))).collect();
    Ok(Waiting { records, documents: scaled(documents) })
}

/// Adds what the first documents of a split send, and tells how many bytes they took as stored, and take as texts and carried members.
fn look(
    graph: &Graph,
    split: &Split,
    limits: Limits,
    stages: &[(&str, &dyn AnyStage)],
    sums: &mut [u64],
) -> io::Result<(u64, u64)> {
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
                for ((_, stage), sum) in stages.iter().zip(&mut *sums) {
                    stage.observe(&document, &mut |key, value| {
                        // A Bloom filter is asked by the upper half alone.
                        let lower = if key as u64 == 0 || stage.bloom().is_some() { 0 } else { LOWER_HALF };
                        *sum += RECORD + lower + value.len() as u64;
                    });
                }
            }));
        }
    }
    Ok((read.load(Ordering::Relaxed).min(part.range.end - part.range.start), documents))
}
