//! wanjuan: turns terabytes of raw web text into the tokens a language model learns from.

pub mod engine;
pub mod sink;
pub mod source;
pub mod stage;
pub mod store;
