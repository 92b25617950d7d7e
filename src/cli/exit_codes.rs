//! Exit codes: what a script may rely on.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done.
    Done = 0,
    /// A test of the pipeline failed.
    TestFailed = 1,
    /// The pipeline or the command line is wrong; nothing was read.
    Wrong = 2,
    /// More records were bad than `max_set_aside` allows.
    TooManyBad = 3,
    /// The machine failed: disk full, unreadable file. The same command resumes.
    Machine = 4,
    /// Interrupted. The same command resumes.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
