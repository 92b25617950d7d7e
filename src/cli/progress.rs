//! What a person sees while a run goes on: a bar for the phase on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::run::{count, size};
use crate::engine::Progress;
use crate::engine::counts::Counts;

/// How often a plain line is written.
const EVERY: Duration = Duration::from_secs(10);

/// The display of one run.
pub struct Display {
    bar: Option<ProgressBar>,
    state: Mutex<State>,
}

struct State {
    phase: String,
    started: Instant,
    last: Instant,
    /// Bytes of input of the phase, as stored, where known.
    total: u64,
    done_tasks: usize,
    tasks: usize,
    bytes: u64,
    documents: u64,
    kept: u64,
    set_aside: u64,
}

impl Display {
    pub fn new() -> Display {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(ProgressStyle::with_template("{spinner} {msg}").expect("a template of two known keys"));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        let now = Instant::now();
        let state = State {
            phase: String::new(),
            started: now,
            last: now,
            total: 0,
            done_tasks: 0,
            tasks: 0,
            bytes: 0,
            documents: 0,
            kept: 0,
            set_aside: 0,
        };
        Display { bar, state: Mutex::new(state) }
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics while it counts")
    }
}

impl State {
    fn line(&self) -> String {
        let seconds = self.started.elapsed().as_secs_f64().max(1e-3);
        let kept = if self.documents > 0 {
            format!(", {:.1}% kept", 100.0 * self.kept as f64 / self.documents as f64)
        } else {
            String::new()
        };
        format!(
            "{}: {} documents ({}/s), {} ({:.1} MB/s){kept}, {} set aside, {} s",
            self.phase,
            count(self.documents),
            count((self.documents as f64 / seconds) as u64),
            size(self.bytes),
            self.bytes as f64 / 1e6 / seconds,
            count(self.set_aside),
            seconds as u64,
        )
    }
}

impl Progress for Arc<Display> {
    fn phase(&self, name: &str, tasks: usize, done: usize, bytes: u64) {
        let mut state = self.state();
        let now = Instant::now();
        *state = State {
            phase: name.to_owned(),
            started: now,
            last: now,
            total: bytes,
            done_tasks: done,
            tasks,
            bytes: 0,
            documents: 0,
            kept: 0,
            set_aside: 0,
        };
        let before = if done > 0 { format!(", {done} done before") } else { String::new() };
        let todo = if state.total > 0 { format!(", {} to read", size(state.total)) } else { String::new() };
        let text = format!("{name}: {tasks} task{}{before}{todo}", if tasks == 1 { "" } else { "s" });
        debug_assert!(state.done_tasks <= state.tasks);
        match &self.bar {
            Some(bar) => bar.set_message(text),
            None => eprintln!("{text}"),
        }
    }

    fn advance(&self, bytes: u64, counts: &Counts) {
        let mut state = self.state();
        let dropped: u64 = counts.steps.values().map(|step| step.seen - step.kept).sum();
        let documents = counts.documents.max(counts.steps.values().map(|step| step.seen).max().unwrap_or(0));
        state.bytes += bytes;
        state.documents += documents;
        state.kept += documents.saturating_sub(dropped);
        state.set_aside += counts.set_aside_total();
        match &self.bar {
            Some(bar) => bar.set_message(state.line()),
            None if state.last.elapsed() >= EVERY => {
                state.last = Instant::now();
                eprintln!("{}", state.line());
            }
            None => {}
        }
    }

    fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("note: {text}")),
            None => eprintln!("note: {text}"),
        }
    }
}
