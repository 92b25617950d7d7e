//! The pipeline as written becomes the pipeline as checked.

mod check;
mod complaint;
mod pipeline;
mod predicate;
pub(crate) mod written;

pub use check::{check, load};
pub use complaint::{Complaint, Complaints};
pub use pipeline::{Case, Entry, Expect, Pipeline};
pub use predicate::{Mistake, Predicate, Scope};

/// The known word nearest to a mistyped one, if it is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(word.len()) / 4)
        .min()
        .map(|(_, candidate)| candidate)
}
