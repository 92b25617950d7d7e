//! The engine: a checked pipeline becomes phases of tasks, and tasks become committed outputs.
//!
//! A corpus is cut into *splits*. Everything that looks at one document at a time is a *map phase*,
//! one task a split; every [stage](crate::stage) adds a *reduce phase*, one task a range of keys,
//! whose decisions the next map phase applies. A task is a pure function of the plan and its
//! inputs; it is done when its [commit record](commit) exists, and readers follow records only.

pub mod blocks;
pub mod codec;
pub mod commit;
pub mod shuffle;
