//! The document that travels through the graph.

use super::{Name, Value};

/// Where a document came from: its place in the order of the whole corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Origin {
    /// Number of the split, in the order of the plan.
    pub split: u32,
    /// Number of the record within its split, bad records counted.
    pub ordinal: u64,
}

/// One document: what the steps judge, what they know of it, and all that is merely carried along.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    /// The source's own id, or one made of the record's place; unique in a run.
    pub id: String,
    text: String,
    /// Changes with every edit of the text, so that views of it know when they are stale.
    revision: u32,
    fields: Vec<(Name, Value)>,
    /// Everything else its record held: the members of a JSON object, verbatim, without its braces
    /// (`"a":1,"b":{"c":[]}`), or nothing.
    pub carried: String,
    /// Where it came from.
    pub origin: Origin,
    /// One slot for every measure of the pipeline, in the plan's order; NaN where there is none.
    pub measures: Vec<f64>,
}

impl Document {
    /// A document without fields.
    pub fn new(id: impl Into<String>, text: impl Into<String>) -> Document {
        Document { id: id.into(), text: text.into(), ..Document::default() }
    }

    /// What the steps judge.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Puts another text in the place of the one it has.
    pub fn set_text(&mut self, text: impl Into<String>) {
        let text = text.into();
        if text != self.text {
            self.text = text;
            self.revision = self.revision.wrapping_add(1);
        }
    }

    /// Takes the text out, leaving none behind: for mappers that rebuild it without a copy.
    pub fn take_text(&mut self) -> String {
        self.revision = self.revision.wrapping_add(1);
        std::mem::take(&mut self.text)
    }

    /// Changes with every edit of the text.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// The value of a field, if it has one.
    pub fn field(&self, name: Name) -> Option<&Value> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Gives a field a value. Its type is the one that the step declares in [`Step::writes`](super::Step::writes).
    pub fn set_field(&mut self, name: Name, value: impl Into<Value>) {
        let value = value.into();
        match self.fields.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.fields.push((name, value)),
        }
    }

    /// Takes a field's value away.
    pub fn remove_field(&mut self, name: Name) {
        self.fields.retain(|(known, _)| *known != name);
    }

    /// All fields that have a value, in the order they were first set.
    pub fn fields(&self) -> impl Iterator<Item = (Name, &Value)> {
        self.fields.iter().map(|(name, value)| (*name, value))
    }
}
