//! `wanjuan report`.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, say};
use crate::engine::session::read_record;
use crate::registry::Registry;
use crate::report;

/// Write the report of a finished run again
///
/// A run does so at its end; this makes report.html and report.json anew from what stands in the output.
#[derive(Args)]
#[command(after_help = "Example:\n  wanjuan report out/my-corpus")]
pub struct Report {
    /// The output folder of the run
    out: PathBuf,
}

impl Report {
    pub fn run(self, registry: &Registry) -> Exit {
        if let Err(error) = read_record(&self.out) {
            tell!("error: {error}");
            tell!("help: give the output folder of a run that has finished");
            return Exit::Wrong;
        }
        match report::write(&self.out, registry, None) {
            Ok(page) => {
                say(&format!("{}\n", page.display()));
                Exit::Done
            }
            Err(error) => {
                tell!("error: {error}");
                Exit::Machine
            }
        }
    }
}
