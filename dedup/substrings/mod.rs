//! Exact repeated spans: every place covered by a substring of `n` units that is elsewhere too.
//!
//! The set is that of Lee et al., arXiv:2107.06499, sec. 4.1 (ExactSubstr), found without a suffix array. A
//! place is covered by a repeated substring of at least `n` units (characters, or bytes) exactly if one of the
//! `n`-grams over it is repeated. So it is enough to find repeated `n`-grams, and the means are those of
//! k-mer counters (Deorowicz et al., KMC 2, Bioinformatics 2015): of the `k`-grams within an `n`-gram, the one
//! with the least hash is its *anchor* (winnowing: Schleimer, Wilkerson and Aiken, SIGMOD 2003). Equal `n`-grams
//! have the same anchor in the same place, and neighbours mostly share theirs. [`Anchors`] tells each anchor of a
//! text once, with the text around it that its `n`-grams cover; [`Group`] takes what texts say about one
//! anchor, and compares the `n`-grams around it unit by unit (by hashes of 128 bits); [`Cover`] puts what is
//! found about a text together.
//!
//! A text of tokens is a text of characters, one for each: see [`tokens`].
//!
//! Texts are read once and one by one, anchors are compared group by group. An anchor is half an `n`-gram, so
//! that one is seldom frequent with different text around it. [`HELD`] says what happens if it is.

mod anchors;
mod cover;
mod group;
pub mod tokens;

#[cfg(test)]
mod tests;

pub use anchors::{Anchors, Scratch};
pub use cover::Cover;
pub use group::{Found, Group, HELD};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a text is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Unicode scalar values.
    Characters,
    /// Bytes of UTF-8.
    Bytes,
}

/// Which of equal spans stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// The first in the order of the corpus. A span that overlaps itself, such as a row of dashes, is left
    /// with one period.
    One,
    /// None.
    None,
}

/// What counts as a repeated span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The length from which a span counts, in units.
    pub length: usize,
    /// What it is measured in.
    pub unit: Unit,
}

/// Least and greatest length of a span: what surrounds an anchor fits in a record.
pub const LENGTHS: std::ops::RangeInclusive<usize> = 16..=65_536;

impl Settings {
    /// Units of an anchor.
    fn gram(&self) -> usize {
        self.length / 2
    }
}
