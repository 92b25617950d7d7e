//! Models: what decides by learning. None of them has ever heard of a document.

#![warn(missing_docs)]

pub mod card;
pub mod embedding;
pub mod encoder;
pub mod fasttext;
pub mod metrics;
pub mod ngram;
pub mod shipped;
pub mod tokenizer;
