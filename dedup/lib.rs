//! What finds duplicates: signatures, clusters, repeated spans.
//!
//! Nothing here knows of a pipeline. The stages of the engine feed these with documents, and carry out
//! what comes of it.

#![warn(missing_docs)]

pub mod bloom;
pub mod clusters;
pub mod minhash;
pub mod normal;
pub mod semantic;
pub mod spans;
pub mod substrings;
pub mod urls;
pub mod varint;
