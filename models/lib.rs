//! Models: what decides by learning. None of them has ever heard of a document.

pub mod fasttext;
pub mod tokenizer;
