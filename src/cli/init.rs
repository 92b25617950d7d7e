//! `wanjuan init`.

use clap::Args;

use super::{Exit, say};

/// Write a commented pipeline file to start from
#[derive(Args)]
#[command(after_help = "Example:\n  wanjuan init > pipeline.toml")]
pub struct Init {}

impl Init {
    pub fn run(self) -> Exit {
        say(STARTER);
        Exit::Done
    }
}

/// The file that a newcomer begins with.
pub const STARTER: &str = include_str!("init.toml");
