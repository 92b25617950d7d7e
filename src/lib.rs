//! wanjuan: turns terabytes of raw web text into the tokens a language model learns from.
//!
//! The command is [`cli::main`] with a [`registry::Registry`]; a step of your own joins with
//! [`Registry::with`](registry::Registry::with) and has exactly the powers of a built-in one. What its
//! author needs is in [`kit`]; formats are [`source`]s and [`sink`]s, and steps that must see many
//! documents are [`stage`]s.
//!
//! ```no_run
//! use wanjuan::registry::Registry;
//!
//! fn main() -> std::process::ExitCode {
//!     wanjuan::cli::main(Registry::builtin())
//! }
//! ```

#![warn(missing_docs)]

pub mod cli;
pub mod config;
pub mod diff;
pub mod duplicates;
pub mod engine;
pub mod heads;
mod json;
mod numbers;
pub mod registry;
pub mod report;
pub mod rule;
pub mod scorer;
pub mod sink;
pub mod source;
pub mod stage;
pub mod store;
pub mod tune;
mod visible;

pub use wanjuan_filters::{kit, measures};

/// The README's code is compiled, so that it cannot lie.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
