//! The catalogue of filters and mappers: one file, one step.

pub mod kit;
