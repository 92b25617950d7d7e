//! Training: a linear head on a body that stays as it is (`head.rs`), or all weights of an encoder (`all.rs`).

mod adamw;
mod all;
mod checkpoint;
mod head;
mod model;
mod order;
mod written;

pub use all::{All, Answer, Progress, Settings, Text};
pub use head::{Fitted, labels, regression};
pub use written::Written;

#[cfg(test)]
mod tests;
