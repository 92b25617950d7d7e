//! Models: what decides by learning. None of them has ever heard of a document.

#![warn(missing_docs)]

pub mod card;
pub mod embedding;
pub mod encoder;
mod error;
pub mod fasttext;
mod floats;
pub mod metrics;
pub mod ngram;
pub mod sentencepiece;
pub mod shipped;
pub mod tokenizer;
pub mod unpack;
