//! What a user can see, tested through the command.

mod complaints;
mod engine;
mod example;
mod hostile;
mod kit;
mod pipelines;
