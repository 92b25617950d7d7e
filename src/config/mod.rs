//! The pipeline as written becomes the pipeline as checked.

mod check;
mod complaint;
mod pipeline;
mod predicate;
pub(crate) mod written;

pub use check::{ENGINE_KEYS, check, load};
pub use complaint::{Complaint, Complaints};
pub use pipeline::{Case, Entry, Expect, Pipeline};
pub use predicate::{Mistake, Predicate, Scope};
pub use wanjuan_filters::kit::nearest;
