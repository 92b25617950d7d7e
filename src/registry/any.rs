//! The traits of steps as objects, so that one graph can hold them all.

use std::io;
use std::ops::Range;
use std::path::Path;

use wanjuan_dedup::bloom::Shape;
use wanjuan_filters::kit::{Document, Filter, Mapper, Measures, Origin, Reason, Text, Verdict, Wrong};

use crate::sink::{Block, Columns, Row, Sealed, ShardFile, Sink};
use crate::source::{Limits, Reader, Source};
use crate::stage::{Clustering, Decision, Indexing, Key, Records, Stage};
use crate::store::Input;

/// A verdict whose reason the step has declared; in tests, any other is a mistake of the step.
fn declared(reasons: &[Reason], verdict: Verdict) -> Verdict {
    if let Verdict::Drop(reason) = verdict {
        debug_assert!(reasons.iter().any(|known| known.name == reason), "`{reason}` is not in REASONS");
    }
    verdict
}

/// A [`Filter`] as an object.
pub trait AnyFilter: Send + Sync {
    /// Measures into `slots` and judges.
    fn measure_and_judge(&self, text: &Text, slots: &mut [f64]) -> Verdict;
    /// Judges measures that were stored before.
    fn judge(&self, slots: &[f64]) -> Verdict;
}

impl<T: Filter> AnyFilter for T {
    fn measure_and_judge(&self, text: &Text, slots: &mut [f64]) -> Verdict {
        let measure = self.measure(text);
        measure.store(slots);
        declared(T::REASONS, Filter::judge(self, &measure))
    }

    fn judge(&self, slots: &[f64]) -> Verdict {
        declared(T::REASONS, Filter::judge(self, &T::Measure::load(slots)))
    }
}

/// A [`Mapper`] as an object.
pub trait AnyMapper: Send + Sync {
    /// Rewrites the document; measures go into `slots`.
    fn map(&self, document: &mut Document, slots: &mut [f64]) -> Verdict;
}

impl<T: Mapper> AnyMapper for T {
    fn map(&self, document: &mut Document, slots: &mut [f64]) -> Verdict {
        slots.fill(f64::NAN);
        let mut measure = T::Measure::load(slots);
        let verdict = Mapper::map(self, document, &mut measure);
        measure.store(slots);
        declared(T::REASONS, verdict)
    }
}

/// A [`Source`] as an object.
pub trait AnySource: Send + Sync {
    /// See [`Source::endings`].
    fn endings(&self) -> &'static [&'static str];
    /// See [`Source::splits`].
    fn splits(&self, input: &Input, target: u64) -> io::Result<Vec<Range<u64>>>;
    /// See [`Source::open`].
    fn open(&self, input: &Input, range: Range<u64>, limits: Limits) -> io::Result<Box<dyn Reader>>;
}

impl<T: Source> AnySource for T {
    fn endings(&self) -> &'static [&'static str] {
        Source::endings(self)
    }
    fn splits(&self, input: &Input, target: u64) -> io::Result<Vec<Range<u64>>> {
        Source::splits(self, input, target)
    }
    fn open(&self, input: &Input, range: Range<u64>, limits: Limits) -> io::Result<Box<dyn Reader>> {
        Source::open(self, input, range, limits)
    }
}

/// A [`Stage`] as an object.
pub trait AnyStage: Send + Sync {
    /// See [`Stage::prepare`].
    fn prepare(&mut self, columns: &Columns) -> Result<(), Wrong>;
    /// See [`Stage::observe`].
    fn observe(&self, document: &Document, emit: &mut dyn FnMut(Key, &[u8]));
    /// See [`Stage::reduce`].
    fn reduce(&self, key: Key, records: &mut dyn Records, decide: &mut dyn FnMut(Origin, Decision<'_>));
    /// See [`Stage::surveys`].
    fn surveys(&self) -> bool;
    /// See [`Stage::survey`].
    fn survey(&self, key: Key, records: &mut dyn Records, out: &mut Vec<u8>);
    /// See [`Stage::clustering`].
    fn clustering(&self) -> Option<&dyn Clustering>;
    /// See [`Stage::bloom`].
    fn bloom(&self) -> Option<Shape>;
    /// See [`Stage::indexing`].
    fn indexing(&self) -> Option<&dyn Indexing>;
    /// See [`Stage::marks`].
    fn marks(&self) -> bool;
    /// See [`Stage::task_bytes`].
    fn task_bytes(&self) -> u64;
    /// See [`Stage::whole_tasks`].
    fn whole_tasks(&self) -> bool;
    /// See [`Stage::told`].
    fn told(&self) -> Option<String>;
    /// See [`Stage::apply`].
    fn apply(&self, document: &mut Document, decision: Option<Decision<'_>>) -> Verdict;
}

impl<T: Stage> AnyStage for T {
    fn prepare(&mut self, columns: &Columns) -> Result<(), Wrong> {
        Stage::prepare(self, columns)
    }
    fn observe(&self, document: &Document, emit: &mut dyn FnMut(Key, &[u8])) {
        Stage::observe(self, document, emit);
    }
    fn reduce(&self, key: Key, records: &mut dyn Records, decide: &mut dyn FnMut(Origin, Decision<'_>)) {
        Stage::reduce(self, key, records, decide);
    }
    fn surveys(&self) -> bool {
        Stage::surveys(self)
    }
    fn survey(&self, key: Key, records: &mut dyn Records, out: &mut Vec<u8>) {
        Stage::survey(self, key, records, out);
    }
    fn clustering(&self) -> Option<&dyn Clustering> {
        Stage::clustering(self)
    }
    fn bloom(&self) -> Option<Shape> {
        Stage::bloom(self)
    }
    fn indexing(&self) -> Option<&dyn Indexing> {
        Stage::indexing(self)
    }
    fn marks(&self) -> bool {
        Stage::marks(self)
    }
    fn task_bytes(&self) -> u64 {
        Stage::task_bytes(self)
    }
    fn whole_tasks(&self) -> bool {
        Stage::whole_tasks(self)
    }
    fn told(&self) -> Option<String> {
        Stage::told(self)
    }
    fn apply(&self, document: &mut Document, decision: Option<Decision<'_>>) -> Verdict {
        declared(T::REASONS, Stage::apply(self, document, decision))
    }
}

/// A [`Sink`] as an object.
pub trait AnySink: Send + Sync {
    /// See [`Sink::prepare`].
    fn prepare(&mut self, columns: &Columns);
    /// See [`Sink::row`].
    fn row(&self, document: &Document, out: &mut Vec<u8>) -> Result<Row, &'static str>;
    /// See [`Sink::block_bytes`].
    fn block_bytes(&self) -> usize;
    /// See [`Sink::shard_weight`].
    fn shard_weight(&self) -> u64;
    /// See [`Sink::seal`].
    fn seal(&self, block: Block) -> io::Result<Sealed>;
    /// See [`Sink::publish`].
    fn publish(
        &self,
        folder: &Path,
        number: usize,
        blocks: &mut dyn Iterator<Item = io::Result<Sealed>>,
    ) -> io::Result<Vec<ShardFile>>;
}

impl<T: Sink> AnySink for T {
    fn prepare(&mut self, columns: &Columns) {
        Sink::prepare(self, columns);
    }
    fn row(&self, document: &Document, out: &mut Vec<u8>) -> Result<Row, &'static str> {
        Sink::row(self, document, out)
    }
    fn block_bytes(&self) -> usize {
        Sink::block_bytes(self)
    }
    fn shard_weight(&self) -> u64 {
        Sink::shard_weight(self)
    }
    fn seal(&self, block: Block) -> io::Result<Sealed> {
        Sink::seal(self, block)
    }
    fn publish(
        &self,
        folder: &Path,
        number: usize,
        blocks: &mut dyn Iterator<Item = io::Result<Sealed>>,
    ) -> io::Result<Vec<ShardFile>> {
        Sink::publish(self, folder, number, blocks)
    }
}
