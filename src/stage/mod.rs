//! Stages: steps that must see many documents.
//!
//! All speak *observe, shuffle, reduce, apply*: a document is observed into keyed records, the
//! engine brings the records of a key together in order, the stage reduces them to decisions about
//! documents, and each decision is applied to its document. A stage that is about *clusters* first
//! links documents that share a key; what hangs together by links is then reduced as one. A stage of which the
//! first document of a key stays may have a *Bloom filter* instead, which needs no order but that of the corpus.

mod action;
mod bloom;
mod date;
mod duplicate_spans;
mod encoder;
mod exact_duplicates;
mod keep;
mod minhash;
mod repeated_substrings;
mod repositories;
mod semantic_duplicates;
mod tokens_of;
mod top;

pub use bloom::Bloom;
pub use duplicate_spans::DuplicateSpans;
pub use encoder::Encoder;
pub use exact_duplicates::ExactDuplicates;
pub use minhash::Minhash;
pub use repeated_substrings::RepeatedSubstrings;
pub use repositories::Repositories;
pub use semantic_duplicates::SemanticDuplicates;
use serde::Serialize;
pub use top::Top;
use wanjuan_dedup::bloom::Shape;
use wanjuan_filters::kit::{Document, Origin, Reason, Step, Verdict, Wrong};

use crate::sink::Columns;

/// Marker for [`Step::Kind`].
pub struct Kind;

impl wanjuan_filters::kit::Kind for Kind {
    const NAME: &'static str = "stage";
}

/// A key of the shuffle: a hash, so that keys spread evenly over partitions.
pub type Key = u128;

/// A step that must see many documents.
pub trait Stage: Step<Kind = Kind> {
    /// Called once with the fields and measures that documents have where the stage stands, before any document.
    ///
    /// # Errors
    /// A setting names a field or a measure that is not among them.
    fn prepare(&mut self, columns: &Columns) -> Result<(), Wrong> {
        let _ = columns;
        Ok(())
    }

    /// Emits records about the document, each of at most 1 MiB. A pure function of it.
    fn observe(&self, document: &Document, emit: &mut dyn FnMut(Key, &[u8]));

    /// Decides about the documents whose records share `key`. Records come in the order of their
    /// bytes, then of the documents, as a stream: a key may hold more than fits in memory. The bytes of a
    /// decision may be as many as a document's. Several decisions about one document, from whatever keys, are
    /// joined, those with a `kept` last and then in the order of their bytes, and the first `kept` counts; each
    /// is of at most 256 KiB then. Where the stage is about
    /// clusters, the documents are those of one, and the records what [`Clustering::member`] said.
    fn reduce(&self, key: Key, records: &mut dyn Records, decide: &mut dyn FnMut(Origin, Decision<'_>));

    /// Whether the records of each key are looked at once before `reduce` sees them.
    fn surveys(&self) -> bool {
        false
    }

    /// The first look: what it appends to `out`, a few bytes for each key, is [`Records::survey`] in `reduce`.
    fn survey(&self, key: Key, records: &mut dyn Records, out: &mut Vec<u8>) {
        let _ = (key, records, out);
    }

    /// How documents come together before `reduce`, where a shared key is not enough to say so.
    fn clustering(&self) -> Option<&dyn Clustering> {
        None
    }

    /// A Bloom filter in the stead of `reduce`. All records go through it in the order of the corpus, those of a
    /// document as it emitted them, and what is decided about a document is the values of those records of it
    /// whose keys were seen before, one behind the other. Only the upper half of a key counts then.
    fn bloom(&self) -> Option<Shape> {
        None
    }

    /// What the stage keeps of documents that stay, so that later runs need not read them again.
    fn indexing(&self) -> Option<&dyn Indexing> {
        None
    }

    /// Bytes of documents for which there is one task that reduces: fewer where a document takes long.
    fn task_bytes(&self) -> u64 {
        1 << 30
    }

    /// Whether `reduce` is given all records of a task as one stream, in the order of their keys, in the stead of those
    /// of each key; `key` is the first.
    fn whole_tasks(&self) -> bool {
        false
    }

    /// What it has to tell at the end of a run, such as the device it ran on. It depends on the machine.
    fn told(&self) -> Option<String> {
        None
    }

    /// Carries out what was decided about the document; `None` where nothing was.
    fn apply(&self, document: &mut Document, decision: Option<Decision<'_>>) -> Verdict;

    /// Whether a document that goes on tells which was kept in its stead; one that is dropped always does.
    fn marks(&self) -> bool {
        true
    }

    /// Every reason `apply` can give.
    const REASONS: &'static [Reason];

    /// Whether there is [`indexing`](Stage::indexing).
    const KEEPS_INDEX: bool = false;
}

/// How a stage brings documents together that need not share a key: those that do are linked, and what
/// hangs together is a cluster.
pub trait Clustering: Send + Sync {
    /// Links documents whose records share `key`. Records come as in [`Stage::reduce`].
    fn link(&self, key: Key, records: &mut dyn Records, link: &mut dyn FnMut(Origin, Origin));

    /// Whether documents of clusters are looked at once more. If not, [`member`](Clustering::member) is not
    /// called, and members have nothing to say.
    fn looks_again(&self) -> bool;

    /// What a document has to say among those it is linked to, at most 1 MiB. A pure function of it.
    fn member(&self, document: &Document, out: &mut Vec<u8>);
}

/// What a stage keeps of the documents that stay, in an [index](crate::engine::index): what it observes of them,
/// their ids, and what they have to say in a cluster. In a later run the documents of an index come to
/// [`Stage::reduce`] before all others, whatever their records say, and nothing can be decided about them.
pub trait Indexing: Send + Sync {
    /// Settings by which keys are made and documents compared, by name: an index that was written with others
    /// cannot be read.
    fn settings(&self) -> Vec<(&'static str, String)>;

    /// What stands in an index for a document's [`Clustering::member`]; at most 1 MiB.
    fn held(&self, document: &Document, out: &mut Vec<u8>) {
        let _ = (document, out);
    }
}

/// The records of one key, as a stream.
pub trait Records {
    /// The next record: which document it is about, and its value.
    fn next(&mut self) -> Option<(Origin, &[u8])>;

    /// The id of the document that the last record is about, where that is one of an index. The value of its
    /// record is what [`Indexing::held`] said.
    fn id(&self) -> Option<&str> {
        None
    }

    /// Says why [`Stage::reduce`] cannot go on: there are no more records, what it decided is thrown away, and the run
    /// ends with these words.
    fn fail(&mut self, what: String) {
        panic!("{what}"); // where there is no run that could end
    }

    /// What [`Stage::survey`] said of the key.
    fn survey(&self) -> &[u8] {
        &[]
    }
}

/// What a stage decided about one document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Decision<'a> {
    /// The document kept in its stead, so that a drop can be explained.
    pub kept: Option<Origin>,
    /// Its id, if it is a document of an index: see [`Records::id`].
    pub id: Option<&'a str>,
    /// Whatever else [`Stage::apply`] needs to know.
    pub bytes: &'a [u8],
}

/// A setting of few values, as it is written.
fn as_written(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        other => other.map(|other| other.to_string()).unwrap_or_default(),
    }
}
