//! The engine: a checked pipeline becomes phases of tasks, and tasks become committed outputs.
//!
//! A corpus is cut into *splits*. Everything that looks at one document at a time is a *map phase*,
//! one task a split; every [stage](crate::stage) adds a *reduce phase*, one task a range of keys,
//! whose decisions the next map phase applies. A task is a pure function of the plan and its
//! inputs; it is done when its [commit record](commit) exists, and readers follow records only.

pub mod blocks;
pub mod bloom;
mod build;
pub mod cluster;
pub mod codec;
pub mod commit;
pub mod counts;
pub mod driver;
pub mod estimate;
pub mod feed;
pub mod flow;
pub mod graph;
pub mod index;
pub mod inputs;
pub mod lane;
pub mod map;
pub mod map_phase;
pub mod outcome;
pub mod plan;
pub mod poison;
pub mod pool;
pub mod portion;
pub mod publish;
pub mod reduce;
pub mod session;
pub mod shuffle;
pub mod spool;
pub mod turn;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use commit::Ledger;
use counts::Counts;
use turn::Turns;

/// Why a task did not finish.
#[derive(Debug)]
pub enum Failure {
    /// The machine failed: disk full, unreadable file. Nothing is lost; the run can be resumed.
    Machine(io::Error),
    /// An intermediate file does not match its checksum. The task that wrote it runs again.
    Damaged {
        /// The folder of the phase that wrote the file.
        ledger: Ledger,
        /// The task that wrote it.
        task: String,
        /// What was found.
        error: io::Error,
    },
    /// More records were bad than the pipeline allows.
    TooManyBad {
        /// How many were.
        set_aside: u64,
        /// How many may be.
        limit: u64,
        /// What the pipeline says.
        allowed: driver::Limit,
        /// How many records have been read.
        records: u64,
    },
    /// Another run of the same plan committed something else first: the task begins again from there.
    Overtaken,
    /// The run was asked to stop.
    Stopped,
}

impl Failure {
    /// Tells damage, which heals, from failures of the machine, which do not.
    pub fn damaged(ledger: &Ledger, task: &str, error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::NotFound => {
                Failure::Damaged { ledger: ledger.clone(), task: task.to_owned(), error }
            }
            _ => Failure::Machine(error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Machine(error)
    }
}

/// How the memory budget is shared out, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Portions and blocks of one task that wait for each other.
    pub in_flight: usize,
    /// One portion, as read.
    pub portion: usize,
    /// The buffer of one shuffle before it spills.
    pub sorter: usize,
    /// What a task may use that runs alone.
    pub alone: u64,
    /// The largest document.
    pub max_document: usize,
    /// What is computed of all huge documents under way.
    pub views: usize,
}

/// What all tasks of a run share.
pub struct Shared {
    /// See [`Memory`].
    pub memory: Memory,
    /// See [`Limits::max_ratio`](crate::source::Limits::max_ratio).
    pub max_ratio: u64,
    /// Bytes of input after which a task commits a segment.
    pub segment_bytes: u64,
    /// Whether waiting documents are stored as they are, not compressed.
    pub plain_spool: bool,
    /// Told what happens.
    pub progress: Box<dyn Progress>,
    /// Turns of huge documents.
    pub turns: Turns,
    stop: AtomicBool,
    commits: AtomicU64,
    /// Records set aside in this session, and how many of them are allowed.
    set_aside: AtomicU64,
    max_set_aside: AtomicU64,
}

impl Shared {
    /// What the tasks of one run share.
    pub fn new(memory: Memory, segment_bytes: u64, plain_spool: bool, progress: Box<dyn Progress>) -> Shared {
        Shared {
            turns: Turns::new(memory.views),
            memory,
            max_ratio: crate::source::MAX_RATIO,
            segment_bytes,
            plain_spool,
            progress,
            stop: AtomicBool::new(false),
            commits: AtomicU64::new(0),
            set_aside: AtomicU64::new(0),
            max_set_aside: AtomicU64::new(u64::MAX),
        }
    }

    /// Asks every task to commit what it has and stop.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Whether tasks should commit what they have and stop: for someone asked, or too much is bad.
    pub fn stopping(&self) -> bool {
        self.interrupted() || self.set_aside.load(Ordering::Acquire) > self.max_set_aside.load(Ordering::Acquire)
    }

    /// Whether someone asked the run to stop.
    pub fn interrupted(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Stops the run when more than `records` more are set aside.
    pub fn allow_set_aside(&self, records: u64) {
        self.max_set_aside.store(self.set_aside.load(Ordering::Acquire).saturating_add(records), Ordering::Release);
    }

    /// Told that records were set aside.
    pub fn set_aside(&self, records: u64) {
        self.set_aside.fetch_add(records, Ordering::AcqRel);
    }

    /// Told that a task has committed.
    pub fn committed(&self) {
        self.commits.fetch_add(1, Ordering::AcqRel);
    }

    /// How often tasks have committed: what tells a run that gets on from one that does not.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }
}

/// Told what happens while it happens; nothing it does changes an output.
pub trait Progress: Send + Sync {
    /// A phase of `tasks` tasks begins; `done` of them were finished by an earlier run. The others
    /// read `bytes` bytes, as stored; 0 where that is not known.
    fn phase(&self, name: &str, tasks: usize, done: usize, bytes: u64);
    /// A portion was worked on: `read` bytes of the phase's input as stored, `bytes` as they were
    /// before they were compressed.
    fn advance(&self, read: u64, bytes: u64, counts: &Counts);
    /// Anything a person should read: a healed file, a resumed run.
    fn note(&self, text: &str);
}
