//! `wanjuan clean`.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, say};
use crate::engine::driver::work_folder;
use crate::engine::session;

/// Remove what a run keeps to be resumed; the results stay
#[derive(Args)]
pub struct Clean {
    /// The output folder of a run
    out: PathBuf,
}

impl Clean {
    pub fn run(self) -> Exit {
        let work = work_folder(&self.out);
        if session::is_in_use(&self.out) {
            tell!("error: a run is at work in {}", self.out.display());
            tell!("help: stop it first; ctrl-c lets it commit what it has");
            return Exit::Wrong;
        }
        if !work.join("plan").is_dir() {
            tell!("error: {} holds nothing of a run to clean", self.out.display());
            return Exit::Wrong;
        }
        match std::fs::remove_dir_all(&work) {
            Ok(()) => {
                say(&format!("removed {}; running the pipeline again starts anew\n", work.display()));
                Exit::Done
            }
            Err(error) => {
                tell!("error: {}: {error}", work.display());
                Exit::Machine
            }
        }
    }
}
