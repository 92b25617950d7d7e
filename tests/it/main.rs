//! What a user can see, tested through the command.

mod bloom;
mod cases;
mod clusters;
mod complaints;
mod decontaminate;
mod diff;
mod duplicates;
mod edits;
mod encoder;
mod engine;
mod example;
mod faults;
mod hostile;
mod indexes;
mod kit;
mod pipelines;
mod removal;
mod report;
mod rule;
mod scorers;
mod substrings;
mod top;
mod tune;
mod versions;
mod why;
