//! Where a map task's documents come from: the source, or the spool of the phase before.

use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::flow::{Flow, Panicked};
use super::graph::Work;
use super::inputs::Split;
use super::portion::{Feed, Portion, Produced, Worker};
use super::spool::{Decided, Decisions, SpoolReader, SpooledBlock};
use super::{Failure, Shared, commit};
use crate::source::{Bad, Batch, KEPT_RAW, Limits, NoDocument, Reader};
use crate::store::{Input, Metered};

/// Reads a split's parts one after the other.
pub struct SourceFeed<'a> {
    flow: &'a Flow<'a>,
    shared: &'a Shared,
    split: &'a Split,
    number: u32,
    limits: Limits,
    part: usize,
    reader: Option<Box<dyn Reader>>,
    /// The batch that is being handed out, and how many of its records were.
    batch: Option<(Arc<dyn Batch>, u64)>,
    /// Number of the next record to hand out, in the split and in the part.
    next: u64,
    next_in_part: u64,
    /// The records to read; those before were committed by an earlier attempt.
    records: Range<u64>,
    /// Those that must not be touched; see [`super::poison`].
    poison: Arc<[u64]>,
    /// Bytes read so far, as stored, and how many of them were told of.
    read: Arc<AtomicU64>,
    told: u64,
}

impl<'a> SourceFeed<'a> {
    /// Reads `records` of a split, which is the run's `number`th.
    pub fn new(
        flow: &'a Flow<'a>,
        shared: &'a Shared,
        split: &'a Split,
        number: u32,
        records: Range<u64>,
        poison: Vec<u64>,
    ) -> SourceFeed<'a> {
        let limits = Limits {
            batch_bytes: shared.memory.portion,
            max_document: shared.memory.max_document,
            max_ratio: shared.max_ratio,
        };
        SourceFeed {
            flow,
            shared,
            split,
            number,
            limits,
            part: 0,
            reader: None,
            batch: None,
            next: 0,
            next_in_part: 0,
            records,
            poison: poison.into(),
            read: Arc::default(),
            told: 0,
        }
    }

    fn next_batch(&mut self) -> Result<Option<Box<dyn Batch>>, Failure> {
        while let Some(part) = self.split.parts.get(self.part) {
            let at = commit::at(&part.input.location);
            if self.reader.is_none() {
                let Work::Source(source) = &self.flow.graph.nodes[self.split.source].work else {
                    unreachable!("a split is read by a source");
                };
                let store = Arc::new(Metered { store: part.input.store.clone(), read: self.read.clone() });
                let input = Input { store, ..part.input.clone() };
                self.reader = Some(source.open(&input, part.range.clone(), self.limits).map_err(at)?);
                self.next_in_part = 0;
                continue;
            }
            let reader = self.reader.as_mut().expect("opened above");
            if let Some(batch) = reader.next().map_err(at)? {
                return Ok(Some(batch));
            }
            self.reader = None;
            self.part += 1;
        }
        Ok(None)
    }
}

impl<'a> Feed<'a> for SourceFeed<'a> {
    fn next(&mut self, most: u64) -> Result<Option<Box<dyn Portion + 'a>>, Failure> {
        loop {
            let (batch, handed) = match self.batch.take() {
                Some(open) => open,
                None => match self.next_batch()? {
                    Some(batch) => (Arc::from(batch), 0),
                    None => return Ok(None),
                },
            };
            let (first, first_in_part) = (self.next - handed, self.next_in_part - handed);
            let start = self.next;
            let len = most.min(batch.len() as u64 - handed);
            self.next += len;
            self.next_in_part += len;
            if handed + len < batch.len() as u64 {
                self.batch = Some((batch.clone(), handed + len));
            }
            if self.next <= self.records.start {
                if self.shared.stopping() {
                    return Err(Failure::Stopped);
                }
                continue;
            }
            let part = &self.split.parts[self.part];
            let read = self.read.load(Ordering::Relaxed);
            let told = std::mem::replace(&mut self.told, read);
            return Ok(Some(Box::new(SourcePortion {
                read: read - told,
                flow: self.flow,
                node: self.split.source,
                batch,
                place: Place {
                    source: &self.flow.graph.nodes[self.split.source].name,
                    name: &part.input.name,
                    start: part.range.start,
                    first: first_in_part,
                },
                split: self.number,
                first,
                records: start.max(self.records.start)..self.next.min(self.records.end),
                max_document: self.limits.max_document,
                poison: self.poison.clone(),
            })));
        }
    }
}

/// How records of a part are called that have no name of their own.
struct Place<'a> {
    source: &'a str,
    name: &'a str,
    start: u64,
    /// Number of the batch's first record within the part.
    first: u64,
}

impl Place<'_> {
    fn of(&self, index: u64) -> String {
        let number = self.first + index;
        match self.start {
            0 => format!("{}/{}#{number}", self.source, self.name),
            start => format!("{}/{}@{start}#{number}", self.source, self.name),
        }
    }
}

struct SourcePortion<'a> {
    read: u64,
    flow: &'a Flow<'a>,
    node: usize,
    batch: Arc<dyn Batch>,
    place: Place<'a>,
    split: u32,
    /// Number of the batch's first record within the split.
    first: u64,
    records: Range<u64>,
    max_document: usize,
    poison: Arc<[u64]>,
}

impl Portion for SourcePortion<'_> {
    fn records(&self) -> Range<u64> {
        self.records.clone()
    }

    fn bytes(&self) -> usize {
        share(self.batch.bytes(), self.records.clone().count(), self.batch.len())
    }

    fn read(&self) -> u64 {
        self.read
    }

    fn run(
        &mut self,
        worker: &mut Worker,
        panicked: &[Panicked],
        out: &mut Produced,
    ) -> Result<Option<Panicked>, Failure> {
        for ordinal in self.records.clone() {
            let index = ordinal - self.first;
            out.counts.records += 1;
            let read = if self.poison.contains(&ordinal) {
                Err(poisoned(self.batch.raw(index as usize)).into())
            } else {
                let read = || self.batch.document(index as usize);
                catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
                    let raw = self.batch.raw(index as usize);
                    let detail = "the source panicked; its message is on standard error".to_owned();
                    let raw = raw[..raw.len().min(KEPT_RAW)].to_vec();
                    Err(Bad { reason: "source_panicked", detail, offset: None, raw }.into())
                })
            };
            let mut document = match read {
                Ok(document) if document.text().len() <= self.max_document => document,
                Ok(document) => {
                    let bad = Bad {
                        reason: "too_large",
                        detail: format!(
                            "a text of {} bytes; the limit is {}",
                            document.text().len(),
                            self.max_document
                        ),
                        offset: None,
                        raw: document.text().as_bytes()[..64 << 10].to_vec(),
                    };
                    self.flow.set_aside(&bad, ordinal, &self.place.of(index), out);
                    continue;
                }
                Err(NoDocument::Bad(bad)) => {
                    self.flow.set_aside(&bad, ordinal, &self.place.of(index), out);
                    continue;
                }
                Err(NoDocument::PassedOver(reason)) => {
                    self.flow.pass_over(self.node, reason, out);
                    continue;
                }
            };
            document.origin = wanjuan_filters::kit::Origin { split: self.split, ordinal };
            if document.id.is_empty() {
                document.id = self.place.of(index);
            }
            document.measures.clear();
            document.measures.resize(self.flow.graph.measures.len(), f64::NAN);
            out.counts.documents += 1;
            out.counts.bytes += document.text().len() as u64;
            if panicked.contains(&Panicked(ordinal)) {
                self.flow.set_aside_panicked(&document, out);
            } else if let Err(panicked) = self.flow.enter(self.node, document, None, worker, out) {
                return Ok(Some(panicked));
            }
        }
        Ok(None)
    }
}

/// What `some` of `all` records hold of the bytes of all.
fn share(bytes: usize, some: usize, all: usize) -> usize {
    (bytes as u128 * some as u128 / all.max(1) as u128) as usize
}

fn poisoned(raw: &[u8]) -> Bad {
    let detail = "this record ended the process each time it was tried, also alone".to_owned();
    Bad { reason: "ended_the_process", detail, offset: None, raw: raw[..raw.len().min(KEPT_RAW)].to_vec() }
}

/// Reads the spool of one split, with what the stages decided about its documents.
pub struct SpoolFeed<'a> {
    flow: &'a Flow<'a>,
    reader: SpoolReader,
    /// By the node that applies.
    decisions: Vec<(usize, Decisions)>,
    split: u32,
    /// Bytes of decisions that come with one portion, but for the last of them.
    most: usize,
    /// The block that is being handed out, and the number of its first row.
    block: Option<(Arc<SpooledBlock>, u64)>,
    /// Number of the next row.
    next: u64,
    /// The rows to read. Rows are counted, not ordinals: a document that waits at two nodes has two.
    rows: Range<u64>,
    poison: Arc<[u64]>,
}

impl<'a> SpoolFeed<'a> {
    /// Reads `rows` of what waits, beside what the stages decided.
    pub fn new(
        flow: &'a Flow<'a>,
        reader: SpoolReader,
        decisions: Vec<(usize, Decisions)>,
        split: u32,
        rows: Range<u64>,
        poison: Vec<u64>,
        most: usize,
    ) -> SpoolFeed<'a> {
        SpoolFeed { flow, reader, decisions, split, most, block: None, next: 0, rows, poison: poison.into() }
    }
}

impl<'a> Feed<'a> for SpoolFeed<'a> {
    fn next(&mut self, most: u64) -> Result<Option<Box<dyn Portion + 'a>>, Failure> {
        loop {
            let Some((block, first)) = self.block.take() else {
                let Some(block) = self.reader.next_block()? else { return Ok(None) };
                self.block = Some((Arc::new(block), self.next));
                continue;
            };
            // A block goes out in one portion, unless it has too many records or what was decided about its
            // documents is large.
            let start = self.next;
            let mut last = match (start - first).saturating_add(most) {
                end if end < block.rows => block.ordinal_of(end - 1)?,
                _ => block.last,
            };
            let mut decided: Vec<(usize, Vec<Decided>)> = Vec::new();
            for (node, decisions) in &mut self.decisions {
                let (found, reached) = decisions.up_to(last, self.most)?;
                last = reached;
                decided.push((*node, found));
            }
            // The last document of a block may wait in the next one too; what follows an earlier one waits here.
            let from = if last < block.last { last + 1 } else { last };
            for ((_, decisions), (_, decided)) in self.decisions.iter_mut().zip(&mut decided) {
                decisions.hold(decided, from);
                decided.retain(|decided| decided.ordinal <= last);
            }
            self.next = first + block.rows_up_to(last)?;
            if last < block.last {
                self.block = Some((block.clone(), first));
            }
            if self.next <= self.rows.start || self.next == start {
                continue;
            }
            return Ok(Some(Box::new(SpoolPortion {
                flow: self.flow,
                first,
                rows: start.max(self.rows.start)..self.next.min(self.rows.end),
                opens_block: start == first,
                block,
                decided,
                split: self.split,
                poison: self.poison.clone(),
            })));
        }
    }
}

struct SpoolPortion<'a> {
    flow: &'a Flow<'a>,
    block: Arc<SpooledBlock>,
    /// Whether it is the first portion of the block: bytes that are read are told once.
    opens_block: bool,
    decided: Vec<(usize, Vec<Decided>)>,
    split: u32,
    /// Number of the block's first row.
    first: u64,
    rows: Range<u64>,
    poison: Arc<[u64]>,
}

impl Portion for SpoolPortion<'_> {
    fn records(&self) -> Range<u64> {
        self.rows.clone()
    }

    fn bytes(&self) -> usize {
        let decided = self.decided.iter().flat_map(|(_, decided)| decided).map(|decided| decided.bytes.len());
        share(self.block.length, self.rows.clone().count(), self.block.rows as usize) + decided.sum::<usize>()
    }

    fn read(&self) -> u64 {
        if self.opens_block { self.block.stored() } else { 0 }
    }

    fn run(
        &mut self,
        worker: &mut Worker,
        panicked: &[Panicked],
        out: &mut Produced,
    ) -> Result<Option<Panicked>, Failure> {
        let by_document: HashMap<(usize, u64), &Decided> = self
            .decided
            .iter()
            .flat_map(|(node, decided)| decided.iter().map(|one| ((*node, one.ordinal), one)))
            .collect();
        let mut another = None;
        let mut told = Vec::new();
        let (rows, number) = (self.rows.clone(), Cell::new(self.first));
        let wanted = |_, _| {
            let row = number.replace(number.get() + 1);
            Ok(rows.contains(&row))
        };
        self.block.some(self.split, wanted, |waiting| {
            let (node, number) = (waiting.node as usize, number.get() - 1);
            let ordinal = waiting.document.origin.ordinal;
            if another.is_some() {
                return Ok(());
            }
            if self.poison.contains(&number) {
                let document = waiting.document;
                self.flow.set_aside(&poisoned(document.text().as_bytes()), ordinal, &document.id, out);
                return Ok(());
            }
            if panicked.contains(&Panicked(ordinal)) {
                // It may wait at several nodes, and then goes on from none.
                if !told.contains(&ordinal) {
                    told.push(ordinal);
                    self.flow.set_aside_panicked(&waiting.document, out);
                }
                return Ok(());
            }
            let decided = by_document.get(&(node, ordinal)).copied();
            another = self.flow.enter(node, waiting.document, decided, worker, out).err();
            Ok(())
        })?;
        Ok(another)
    }
}
