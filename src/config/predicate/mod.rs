//! `where`: a predicate over fields and measures in SQL expression syntax.
//!
//! The syntax is read by sqlparser; the meaning is ours and small: comparison, arithmetic, `and`,
//! `or`, `not`, `in`, `like`, `between`, `is null`, `length`, `lower`. Types are checked when the
//! pipeline is, so that nothing can go wrong while documents are judged. A field without a value is
//! NULL, and NULL behaves as in SQL: a comparison with it is neither true nor false, and a document
//! is selected only by what is true.

mod compile;
mod eval;

use std::fmt;
use std::ops::Range;

use wanjuan_filters::kit::{Document, Name, Type};

use crate::rule::Fact;

/// What a predicate may speak of.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Fields by name.
    pub fields: Vec<(Name, Type)>,
    /// Measures by full name, `step.measure`, with their slots.
    pub measures: Vec<(String, usize)>,
    /// The slots of those measures that are shares, between 0 and 1.
    pub shares: Vec<usize>,
    /// Where facts of the text may be named, `text.words`: the slot of the first.
    pub facts: Option<usize>,
    /// Whether there is more that is not known, because something before is written wrongly: an unknown name
    /// is no mistake then.
    pub open: bool,
}

/// A predicate that has been checked.
#[derive(Debug, Clone)]
pub struct Predicate {
    source: String,
    root: eval::Boolean,
    facts: Vec<Fact>,
    reads_text: bool,
}

/// What is wrong with a predicate, and where in its text, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where, in bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub what: String,
    /// How to repair it.
    pub help: Option<String>,
}

impl Predicate {
    /// Reads and checks a predicate.
    pub fn compile(source: &str, scope: &Scope) -> Result<Predicate, Mistake> {
        let (root, facts, reads_text) = compile::compile(source, scope)?;
        Ok(Predicate { source: source.to_owned(), root, facts, reads_text })
    }

    /// The facts of the text it names, in the order of their slots.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// Whether it cannot be evaluated without the text itself.
    pub fn reads_text(&self) -> bool {
        self.reads_text
    }

    /// Whether it is true of the document.
    pub fn eval(&self, document: &Document) -> bool {
        self.root.eval(document) == Some(true)
    }
}

/// As it was written.
impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

#[cfg(test)]
mod tests;
