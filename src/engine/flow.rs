//! One phase of the graph as a thread runs it: documents in, rows and records out.

use std::panic::{AssertUnwindSafe, catch_unwind};

use wanjuan_filters::kit::{Document, Name, Text, Value, Verdict};

use super::counts::add;
use super::graph::{Graph, Work};
use super::portion::{Produced, Worker};
use super::spool::{Decided, Kept};
use super::turn::{HUGE, Turns};
use super::{codec, outcome};
use crate::sink::Row;
use crate::source::Bad;
use crate::stage::Decision;

/// Where the rows of a phase go: the number of each lane.
#[derive(Debug, Clone, Default)]
pub struct LaneMap {
    /// By node: the lane of a sink.
    pub sinks: Vec<Option<usize>>,
    /// By node: the lane of the documents it drops, where they are kept.
    pub dropped: Vec<Option<usize>>,
    /// By node: which of the phase's stages it is.
    pub stages: Vec<Option<usize>>,
    /// The lane of outcomes.
    pub measures: usize,
    /// The lane of bad records.
    pub set_aside: usize,
    /// The lane of documents that wait for the next phase, if there is one.
    pub spool: Option<usize>,
}

/// One phase: which nodes run now, and where what they make goes.
pub struct Flow<'a> {
    /// All nodes, of this phase and of others.
    pub graph: &'a Graph,
    /// Number of this phase.
    pub phase: usize,
    /// Where its rows go.
    pub lanes: LaneMap,
    /// The field that sinks count documents by.
    pub lang: Name,
    /// Turns of huge documents.
    pub turns: &'a Turns,
}

/// The reason of documents that the `where` of a source or a sink leaves out.
pub const NOT_SELECTED: &str = "not_selected";

/// The document, by its number in the split, that made a step panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panicked(pub u64);

/// Where a document stands.
enum Next {
    /// It goes on to every node that reads from this one.
    On,
    /// Its way ends: dropped, with the reason; or written by a sink.
    End(Option<&'static str>),
}

impl Flow<'_> {
    /// Sends a document into `node`. `decided` is what a stage of an earlier phase decided about it.
    ///
    /// A panic in a step is a bug of the step, and the loss of one document: never of the run. But what the
    /// document has left in `out` by then may be no more than half of it, on one of several ways: the caller
    /// throws `out` away and begins anew without this document.
    pub fn enter(
        &self,
        node: usize,
        document: Document,
        decided: Option<&Decided>,
        worker: &mut Worker,
        out: &mut Produced,
    ) -> Result<(), Panicked> {
        let ordinal = document.origin.ordinal;
        let length = document.text().len();
        let ended = if length < HUGE {
            let way = AssertUnwindSafe(|| self.go_on(node, document, decided, worker, out));
            catch_unwind(way).inspect_err(|_| worker.text = Text::default())
        } else {
            let _turn = self.turns.take(length);
            let mut own = Worker { number: worker.number, ..Worker::default() };
            std::thread::scope(|scope| scope.spawn(|| self.go_on(node, document, decided, &mut own, out)).join())
        };
        ended.map_err(|_| Panicked(ordinal))
    }

    fn go_on(
        &self,
        node: usize,
        document: Document,
        decided: Option<&Decided>,
        worker: &mut Worker,
        out: &mut Produced,
    ) {
        if self.graph.nodes[node].phase > self.phase {
            self.spool(node, &document, out);
        } else {
            self.walk(node, document, decided, worker, out);
        }
    }

    /// Goes along while there is one way; where ways part, each takes a copy.
    fn walk(
        &self,
        start: usize,
        document: Document,
        decided: Option<&Decided>,
        worker: &mut Worker,
        out: &mut Produced,
    ) {
        worker.text.replace(document);
        let mut decided = decided;
        let mut node = start;
        loop {
            match self.visit(node, decided.take(), worker, out) {
                Next::End(reason) => {
                    let document = worker.text.replace(Document::default());
                    return self.end(node, reason, document, out);
                }
                Next::On => {}
            }
            match &self.graph.nodes[node].readers[..] {
                [] => return,
                [one] if self.graph.nodes[*one].phase == self.phase => node = *one,
                readers => {
                    let document = worker.text.replace(Document::default());
                    for &reader in readers {
                        self.go_on(reader, document.clone(), None, worker, out);
                    }
                    return;
                }
            }
        }
    }

    /// One node's work on the document in `worker.text`.
    fn visit(&self, number: usize, decided: Option<&Decided>, worker: &mut Worker, out: &mut Produced) -> Next {
        let node = &self.graph.nodes[number];
        let text = &mut worker.text;
        let concerned = node.selects.as_ref().is_none_or(|predicate| predicate.eval(text.document()));
        if !concerned {
            match node.work {
                Work::Source(_) => {
                    let counts = out.counts.step(&node.name);
                    counts.seen += 1;
                    add(&mut counts.dropped, NOT_SELECTED, 1);
                }
                Work::Sink(_) => add(&mut out.counts.sink(&node.name).refused, NOT_SELECTED, 1),
                _ => return Next::On,
            }
            return Next::End(Some(NOT_SELECTED));
        }
        let verdict = match &node.work {
            Work::Source(_) => return Next::On,
            Work::Filter(filter) => {
                let mut measures = text.edit(|document| std::mem::take(&mut document.measures));
                let verdict = filter.measure_and_judge(text, &mut measures[node.slots.clone()]);
                text.edit(|document| document.measures = measures);
                verdict
            }
            Work::Rule(rule) => rule.judge(text, node.slots.clone()),
            Work::Mapper(mapper) => {
                let (revision, before) = (text.document().revision(), text.char_count() as u64);
                let verdict = text.edit(|document| {
                    let mut measures = std::mem::take(&mut document.measures);
                    let verdict = mapper.map(document, &mut measures[node.slots.clone()]);
                    document.measures = measures;
                    verdict
                });
                if verdict == Verdict::Keep && text.document().revision() != revision {
                    let after = text.char_count() as u64;
                    let counts = out.counts.step(&node.name);
                    counts.rewritten += 1;
                    counts.chars_removed += before.saturating_sub(after);
                    counts.chars_added += after.saturating_sub(before);
                }
                verdict
            }
            Work::Observe(stage) => {
                let emitted = &mut out.records[self.lanes.stages[number].expect("a stage of this phase has a shuffle")];
                let ordinal = text.document().origin.ordinal;
                stage.observe(text.document(), &mut |key, value| emitted.push(key, ordinal, value));
                return Next::On; // its only reader is the node that applies, a phase later
            }
            Work::Apply(stage) => {
                let kept = decided.and_then(|decided| decided.kept.as_ref());
                let decision = decided.map(|decided| Decision { bytes: &decided.bytes, ..Decision::default() });
                let verdict = text.edit(|document| stage.apply(document, decision));
                if let Some(kept) = kept.filter(|_| verdict != Verdict::Keep || stage.marks()) {
                    let kept = match kept {
                        Kept::Here(split, ordinal) => {
                            // A key that no split has is of a corpus that has changed meanwhile; the next pass sees it.
                            let number = self.graph.split_numbers.get(split);
                            let known = number.map_or(split, |&number| &self.graph.split_names[number]);
                            format!("{known}#{ordinal}")
                        }
                        Kept::Indexed(text) => format!("{}{text}", outcome::INDEXED),
                    };
                    text.edit(|document| document.set_field(Name::new(outcome::KEPT_INSTEAD), kept));
                }
                verdict
            }
            Work::Sink(sink) => {
                let rows = &mut out.rows[self.lanes.sinks[number].expect("a sink of this phase has a lane")];
                let start = rows.block.bytes.len();
                let document = text.document();
                return match sink.row(document, &mut rows.block.bytes) {
                    Ok(row) => {
                        rows.end_row(row);
                        let counts = out.counts.sink(&node.name);
                        counts.documents += 1;
                        counts.bytes += document.text().len() as u64;
                        counts.tokens += row.tokens;
                        if let Some(Value::Text(language)) = document.field(self.lang) {
                            add(&mut counts.languages, language, 1);
                        }
                        Next::End(None)
                    }
                    Err(reason) => {
                        rows.block.bytes.truncate(start);
                        add(&mut out.counts.sink(&node.name).refused, reason, 1);
                        Next::End(Some(reason))
                    }
                };
            }
        };
        let counts = out.counts.step(&node.name);
        counts.seen += 1;
        match verdict {
            Verdict::Drop(_) if node.only_measures => {
                counts.kept += 1;
                Next::On
            }
            Verdict::Keep => {
                counts.kept += 1;
                Next::On
            }
            Verdict::Drop(reason) => {
                add(&mut counts.dropped, reason, 1);
                Next::End(Some(reason))
            }
        }
    }

    fn end(&self, number: usize, reason: Option<&'static str>, document: Document, out: &mut Produced) {
        let node = &self.graph.nodes[number];
        if let (Some(reason), Some(lane)) = (reason, self.lanes.dropped[number])
            && self.graph.keep_dropped.wants(self.split_name(&document), document.origin, self.graph.seed)
        {
            let rows = &mut out.rows[lane];
            outcome::dropped_row(&document, &node.name, reason, &mut rows.block.bytes);
            rows.end_row(Row { weight: document.text().len() as u64, tokens: 0 });
        }
        let rows = &mut out.rows[self.lanes.measures];
        let split = self.split_name(&document);
        self.graph.outcomes.row(split, &node.name, reason, document, &mut rows.block.bytes);
        rows.end_row(Row { weight: 1, tokens: 0 });
    }

    fn split_name(&self, document: &Document) -> &str {
        &self.graph.split_names[document.origin.split as usize]
    }

    /// Counts a record that was never meant to be a document.
    pub fn pass_over(&self, source: usize, reason: &'static str, out: &mut Produced) {
        let counts = out.counts.step(&self.graph.nodes[source].name);
        counts.seen += 1;
        add(&mut counts.dropped, reason, 1);
    }

    /// Puts a document where a person finds it that made a step panic.
    pub fn set_aside_panicked(&self, document: &Document, out: &mut Produced) {
        let detail = "a step panicked; its message is on standard error".to_owned();
        let bad = Bad { reason: "step_panicked", detail, offset: None, raw: document.text().as_bytes().to_vec() };
        self.set_aside(&bad, document.origin.ordinal, &document.id, out);
    }

    /// Puts a bad record where a person finds it.
    pub fn set_aside(&self, bad: &Bad, ordinal: u64, place: &str, out: &mut Produced) {
        let rows = &mut out.rows[self.lanes.set_aside];
        outcome::set_aside_row(bad, ordinal, place, &mut rows.block.bytes);
        rows.end_row(Row { weight: bad.raw.len() as u64, tokens: 0 });
        add(&mut out.counts.set_aside, bad.reason, 1);
    }

    fn spool(&self, node: usize, document: &Document, out: &mut Produced) {
        let lane = self.lanes.spool.expect("a phase whose documents wait has a spool");
        let rows = &mut out.rows[lane];
        codec::encode(node as u32, document, &mut rows.block.bytes);
        rows.end_row(Row::default());
    }
}
