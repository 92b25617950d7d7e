//! The catalogue of filters and mappers: one file, one step.

pub mod kit;
mod language;

pub use language::Language;
