//! What happened to the documents: counted where it happens, added up in the commit records.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wanjuan_dedup::bloom::Shape;

/// Counts of a task, a phase or a whole run. Addition is all that is ever done to them, so their
/// sum does not depend on the order of tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records read, bad ones included.
    pub records: u64,
    /// Documents that came out of the sources.
    pub documents: u64,
    /// Bytes of those documents' texts.
    pub bytes: u64,
    /// Bad records by reason.
    pub set_aside: BTreeMap<String, u64>,
    /// By step, in the words of the pipeline.
    pub steps: BTreeMap<String, StepCounts>,
    /// By sink.
    pub sinks: BTreeMap<String, SinkCounts>,
}

/// What one step did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCounts {
    /// Documents the step judged; those that `where` let pass are not among them.
    pub seen: u64,
    /// Documents it let go on.
    pub kept: u64,
    /// By reason.
    pub dropped: BTreeMap<String, u64>,
    /// Of those that went on, documents whose text the step changed.
    #[serde(default)]
    pub rewritten: u64,
    /// Characters by which some of those became shorter.
    #[serde(default)]
    pub chars_removed: u64,
    /// Characters by which others became longer.
    #[serde(default)]
    pub chars_added: u64,
    /// What went through its Bloom filter, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bloom: Option<BloomCounts>,
}

/// What went through a stage's Bloom filter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BloomCounts {
    /// Its size.
    pub bytes: u64,
    /// Keys.
    pub keys: u64,
    /// Those of them that were new.
    pub different: u64,
    /// How many different keys it was made for.
    pub expected: u64,
    /// Of so many new keys one may be taken for seen, by the settings.
    pub stated_one_in: u64,
    /// Of so many it would be by now.
    pub one_in: u64,
}

impl BloomCounts {
    /// Of a filter that nothing went through.
    pub fn of(shape: Shape) -> BloomCounts {
        let one_in = (1.0 / shape.rate()).round() as u64;
        let (bytes, expected) = (shape.bytes(), shape.keys());
        BloomCounts { bytes, expected, stated_one_in: one_in, one_in, ..BloomCounts::default() }
    }

    /// Whether more different keys came than the filter was made for.
    pub fn overfull(&self) -> bool {
        self.different > self.expected
    }
}

/// What one sink wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkCounts {
    /// Documents that were written.
    pub documents: u64,
    /// Bytes of the documents' texts.
    pub bytes: u64,
    /// Tokens, where the sink makes any.
    pub tokens: u64,
    /// Documents by the field `lang`.
    pub languages: BTreeMap<String, u64>,
    /// Documents that came to the sink and were not written, by reason.
    pub refused: BTreeMap<String, u64>,
}

/// Adds to a count, making the key only when it is new.
pub fn add(counts: &mut BTreeMap<String, u64>, key: &str, n: u64) {
    match counts.get_mut(key) {
        Some(count) => *count += n,
        None => drop(counts.insert(key.to_owned(), n)),
    }
}

fn slot<'a, T: Default>(map: &'a mut BTreeMap<String, T>, key: &str) -> &'a mut T {
    if !map.contains_key(key) {
        map.insert(key.to_owned(), T::default());
    }
    map.get_mut(key).expect("inserted above")
}

impl Counts {
    /// The counts of a step, to be added to.
    pub fn step(&mut self, name: &str) -> &mut StepCounts {
        slot(&mut self.steps, name)
    }

    /// The counts of a sink, to be added to.
    pub fn sink(&mut self, name: &str) -> &mut SinkCounts {
        slot(&mut self.sinks, name)
    }

    /// Bad records, whatever their reason.
    pub fn set_aside_total(&self) -> u64 {
        self.set_aside.values().sum()
    }

    /// Adds other counts to these.
    pub fn merge(&mut self, other: &Counts) {
        self.records += other.records;
        self.documents += other.documents;
        self.bytes += other.bytes;
        for (reason, n) in &other.set_aside {
            add(&mut self.set_aside, reason, *n);
        }
        for (name, step) in &other.steps {
            let mine = self.step(name);
            mine.seen += step.seen;
            mine.kept += step.kept;
            mine.rewritten += step.rewritten;
            mine.chars_removed += step.chars_removed;
            mine.chars_added += step.chars_added;
            for (reason, n) in &step.dropped {
                add(&mut mine.dropped, reason, *n);
            }
            mine.bloom = mine.bloom.take().or_else(|| step.bloom.clone());
        }
        for (name, sink) in &other.sinks {
            let mine = self.sink(name);
            mine.documents += sink.documents;
            mine.bytes += sink.bytes;
            mine.tokens += sink.tokens;
            for (language, n) in &sink.languages {
                add(&mut mine.languages, language, *n);
            }
            for (reason, n) in &sink.refused {
                add(&mut mine.refused, reason, *n);
            }
        }
    }
}
