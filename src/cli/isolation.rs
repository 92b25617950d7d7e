//! The other process in which suspect documents are tried; see [`crate::engine::poison`].

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM};

use super::{Exit, Output, load};
use crate::engine::counts::Counts;
use crate::engine::poison::Trial;
use crate::engine::pool::STACK;
use crate::engine::session::{self, Options};
use crate::engine::{Failure, Progress};
use crate::registry::Registry;

/// What the process may hold, whatever the machine and its budget: what is condemned is for good.
const MEMORY: u64 = 4 << 30;

/// Work on some records of a task and throw the result away
#[derive(Args)]
pub struct Isolated {
    file: PathBuf,
    #[arg(long = "set")]
    sets: Vec<String>,
    #[arg(long)]
    threads: usize,
    #[arg(long)]
    memory: u64,
    #[arg(long)]
    split: u64,
    #[arg(long)]
    plan: String,
    #[arg(long)]
    phase: usize,
    #[arg(long)]
    task: String,
    #[arg(long)]
    first: u64,
    #[arg(long)]
    end: u64,
}

/// Tries records in another process of this program, and says whether they ended it. A request to
/// stop, which reaches both processes, is no such end.
pub fn ends_the_process(file: &Path, sets: &[String], options: &Options, trial: &Trial) -> io::Result<bool> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("isolated").arg(file);
    for set in sets {
        command.args(["--set", set]);
    }
    let numbers = [
        ("--threads", options.threads as u64),
        ("--memory", options.memory),
        ("--split", options.split_bytes),
        ("--phase", trial.phase as u64),
        ("--first", trial.records.start),
        ("--end", trial.records.end),
    ];
    for (name, number) in numbers {
        command.args([name, &number.to_string()]);
    }
    command.args(["--plan", &trial.plan, "--task", &trial.task]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let ended = command.status()?;
    // Signals that come from outside: they say nothing of the documents.
    let asked_to_stop = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGKILL];
    match (ended.code(), ended.signal()) {
        (Some(0), _) => Ok(false),
        (_, Some(signal)) if !asked_to_stop.contains(&signal) => Ok(true),
        _ => Err(io::Error::other(format!("documents could not be tried in a process of their own: {ended}"))),
    }
}

impl Isolated {
    pub fn run(self, registry: &Registry) -> Exit {
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
        let space = Some(MEMORY);
        let _ = setrlimit(Resource::As, Rlimit { current: space, maximum: space });
        let Ok(pipeline) = load(registry, &self.file, &self.sets, Output::Text) else { return Exit::Wrong };
        let options = Options {
            threads: self.threads,
            memory: self.memory,
            split_bytes: self.split,
            ..Options::of_this_machine()
        };
        let Ok(memory) = session::memory(&pipeline, &options) else { return Exit::Wrong };
        let shared = session::shared(memory, &options, Box::new(Silent));
        let trial = Trial { plan: self.plan, phase: self.phase, task: self.task, records: self.first..self.end };
        // A thread like those of a run: a stack that is too small there must be too small here.
        let tried = std::thread::scope(|scope| {
            let attempt = || session::attempt(&pipeline, &options, &shared, &trial);
            let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, attempt);
            thread.map(|thread| thread.join())
        });
        match tried {
            Ok(Ok(Ok(()))) => Exit::Done,
            Ok(Ok(Err(Failure::Stopped))) => Exit::Interrupted,
            _ => Exit::Machine,
        }
    }
}

/// Tells nobody.
struct Silent;

impl Progress for Silent {
    fn phase(&self, _: &str, _: usize, _: usize, _: u64) {}
    fn advance(&self, _: u64, _: u64, _: &Counts) {}
    fn note(&self, _: &str) {}
}
