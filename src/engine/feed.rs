//! Where a map task's documents come from: the source, or the spool of the phase before.

use std::collections::HashMap;

use super::flow::Flow;
use super::graph::Work;
use super::inputs::Split;
use super::map::{Feed, Portion, Produced, Worker};
use super::spool::{Decided, Decisions, SpoolReader, SpooledBlock};
use super::{Failure, Shared, commit};
use crate::source::{Bad, Batch, Limits, NoDocument, Reader};

/// Reads a split's parts one after the other.
pub struct SourceFeed<'a> {
    flow: &'a Flow<'a>,
    split: &'a Split,
    number: u32,
    limits: Limits,
    part: usize,
    reader: Option<Box<dyn Reader>>,
    /// Number of the next record of the split, and of the part.
    next: u64,
    next_in_part: u64,
    /// Records before this one were committed by an earlier attempt.
    from: u64,
    poison: &'a [u64],
}

impl<'a> SourceFeed<'a> {
    pub fn new(
        flow: &'a Flow<'a>,
        shared: &Shared,
        split: &'a Split,
        number: u32,
        from: u64,
        poison: &'a [u64],
    ) -> SourceFeed<'a> {
        let limits = Limits {
            batch_bytes: shared.memory.portion,
            max_document: shared.memory.max_document,
            max_ratio: shared.max_ratio,
        };
        SourceFeed { flow, split, number, limits, part: 0, reader: None, next: 0, next_in_part: 0, from, poison }
    }

    fn next_batch(&mut self) -> Result<Option<Box<dyn Batch>>, Failure> {
        while let Some(part) = self.split.parts.get(self.part) {
            let at = commit::at(&part.input.location);
            if self.reader.is_none() {
                let Work::Source(source) = &self.flow.graph.nodes[self.split.source].work else {
                    unreachable!("a split is read by a source");
                };
                self.reader = Some(source.open(&part.input, part.range.clone(), self.limits).map_err(at)?);
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
    fn next(&mut self) -> Result<Option<Box<dyn Portion + 'a>>, Failure> {
        while let Some(batch) = self.next_batch()? {
            let (first, first_in_part, len) = (self.next, self.next_in_part, batch.len() as u64);
            self.next += len;
            self.next_in_part += len;
            if self.next <= self.from {
                continue;
            }
            let part = &self.split.parts[self.part];
            return Ok(Some(Box::new(SourcePortion {
                flow: self.flow,
                node: self.split.source,
                batch,
                place: Place { name: &part.input.name, start: part.range.start, first: first_in_part },
                split: self.number,
                first,
                skip: self.from.saturating_sub(first),
                max_document: self.limits.max_document,
                poison: self.poison,
            })));
        }
        Ok(None)
    }
}

/// How records of a part are called that have no name of their own.
struct Place<'a> {
    name: &'a str,
    start: u64,
    /// Number of the batch's first record within the part.
    first: u64,
}

impl Place<'_> {
    fn of(&self, index: u64) -> String {
        let number = self.first + index;
        match self.start {
            0 => format!("{}#{number}", self.name),
            start => format!("{}@{start}#{number}", self.name),
        }
    }
}

struct SourcePortion<'a> {
    flow: &'a Flow<'a>,
    node: usize,
    batch: Box<dyn Batch>,
    place: Place<'a>,
    split: u32,
    first: u64,
    skip: u64,
    max_document: usize,
    poison: &'a [u64],
}

impl Portion for SourcePortion<'_> {
    fn first(&self) -> u64 {
        self.first + self.skip
    }

    fn end(&self) -> u64 {
        self.first + self.batch.len() as u64
    }

    fn bytes(&self) -> usize {
        self.batch.bytes()
    }

    fn run(&mut self, worker: &mut Worker, out: &mut Produced) -> Result<(), Failure> {
        for index in self.skip..self.batch.len() as u64 {
            let ordinal = self.first + index;
            out.counts.records += 1;
            let read = if self.poison.contains(&ordinal) {
                Err(poisoned().into())
            } else {
                self.batch.document(index as usize)
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
            self.flow.enter(self.node, document, None, worker, out);
        }
        Ok(())
    }
}

fn poisoned() -> Bad {
    let detail = "this record ended the process each time it was tried, also alone".to_owned();
    Bad { reason: "killed_the_process", detail, offset: None, raw: Vec::new() }
}

/// Reads the spool of one split, with what the stages decided about its documents.
pub struct SpoolFeed<'a> {
    flow: &'a Flow<'a>,
    reader: SpoolReader,
    /// By the node that applies.
    decisions: Vec<(usize, Decisions)>,
    split: u32,
    from: u64,
}

impl<'a> SpoolFeed<'a> {
    pub fn new(
        flow: &'a Flow<'a>,
        reader: SpoolReader,
        decisions: Vec<(usize, Decisions)>,
        split: u32,
        from: u64,
    ) -> SpoolFeed<'a> {
        SpoolFeed { flow, reader, decisions, split, from }
    }
}

impl<'a> Feed<'a> for SpoolFeed<'a> {
    fn next(&mut self) -> Result<Option<Box<dyn Portion + 'a>>, Failure> {
        while let Some(block) = self.reader.next_block()? {
            let mut decided = Vec::new();
            for (node, decisions) in &mut self.decisions {
                decided.push((*node, decisions.up_to(block.last)?));
            }
            if block.last < self.from {
                continue;
            }
            return Ok(Some(Box::new(SpoolPortion {
                flow: self.flow,
                block,
                decided,
                split: self.split,
                from: self.from,
            })));
        }
        Ok(None)
    }
}

struct SpoolPortion<'a> {
    flow: &'a Flow<'a>,
    block: SpooledBlock,
    decided: Vec<(usize, Vec<Decided>)>,
    split: u32,
    from: u64,
}

impl Portion for SpoolPortion<'_> {
    fn first(&self) -> u64 {
        self.block.first.max(self.from)
    }

    fn end(&self) -> u64 {
        self.block.last + 1
    }

    fn bytes(&self) -> usize {
        self.block.length
    }

    fn run(&mut self, worker: &mut Worker, out: &mut Produced) -> Result<(), Failure> {
        let by_document: HashMap<(usize, u64), &Decided> = self
            .decided
            .iter()
            .flat_map(|(node, decided)| decided.iter().map(|one| ((*node, one.ordinal), one)))
            .collect();
        self.block.documents(self.split, |waiting| {
            let node = waiting.node as usize;
            let ordinal = waiting.document.origin.ordinal;
            if ordinal >= self.from {
                let decided = by_document.get(&(node, ordinal)).copied();
                self.flow.enter(node, waiting.document, decided, worker, out);
            }
            Ok(())
        })
    }
}
