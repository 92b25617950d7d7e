//! wanjuan: turns terabytes of raw web text into the tokens a language model learns from.

pub mod cli;
pub mod config;
pub mod engine;
mod json;
pub mod registry;
pub mod sink;
pub mod source;
pub mod stage;
pub mod store;
