//! What a person sees while a run goes on: a bar for the phase on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::engine::Progress;
use crate::engine::counts::Counts;
use crate::numbers::{count, duration, size};

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
    /// Bytes of the phase's input, as stored, where known, and how many of them have been read.
    total: u64,
    read: u64,
    bytes: u64,
    documents: u64,
    kept: u64,
    set_aside: u64,
}

impl State {
    fn new(phase: &str, total: u64) -> State {
        let now = Instant::now();
        State {
            phase: phase.to_owned(),
            started: now,
            last: now,
            total,
            read: 0,
            bytes: 0,
            documents: 0,
            kept: 0,
            set_aside: 0,
        }
    }

    /// Adds what a part of a task has done. A task that runs again reads again: the bar stays within its end.
    fn add(&mut self, read: u64, bytes: u64, counts: &Counts) {
        let dropped: u64 = counts.steps.values().map(|step| step.seen - step.kept).sum();
        let documents = counts.documents.max(counts.steps.values().map(|step| step.seen).max().unwrap_or(0));
        self.read += read;
        self.bytes += bytes;
        self.documents += documents;
        self.kept += documents.saturating_sub(dropped);
        self.set_aside += counts.set_aside_total();
    }

    fn position(&self) -> u64 {
        self.read.min(self.total)
    }

    fn line(&self, elapsed: Duration) -> String {
        let seconds = elapsed.as_secs_f64().max(1e-3);
        let kept = match self.documents {
            0 => String::new(),
            documents => format!(", {:.1}% kept", 100.0 * self.kept as f64 / documents as f64),
        };
        let left = match self.left(elapsed) {
            Some(left) => format!(", {} left", duration(left)),
            None => String::new(),
        };
        format!(
            "{}: {} documents ({}/s), {} ({:.1} MB/s){kept}, {} set aside, {}{left}",
            self.phase,
            count(self.documents),
            count((self.documents as f64 / seconds) as u64),
            size(self.bytes),
            self.bytes as f64 / 1e6 / seconds,
            count(self.set_aside),
            duration(elapsed),
        )
    }

    /// The time the rest of the input will take, if it is like what has been read.
    fn left(&self, elapsed: Duration) -> Option<Duration> {
        if self.read == 0 || self.total == 0 || elapsed < Duration::from_secs(1) {
            return None;
        }
        let rest = self.total.saturating_sub(self.read) as f64 / self.read as f64;
        Some(elapsed.mul_f64(rest))
    }
}

impl Display {
    pub fn new() -> Display {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Display { bar, state: Mutex::new(State::new("", 0)) }
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

impl Progress for Arc<Display> {
    fn phase(&self, name: &str, tasks: usize, done: usize, bytes: u64) {
        *self.state() = State::new(name, bytes);
        let before = if done > 0 { format!(", {done} done before") } else { String::new() };
        let todo = if bytes > 0 { format!(", {} to read", size(bytes)) } else { String::new() };
        let text = format!("{name}: {tasks} task{}{before}{todo}", if tasks == 1 { "" } else { "s" });
        match &self.bar {
            Some(bar) => {
                let template = if bytes > 0 { "[{bar:24}] {percent:>3}% {wide_msg}" } else { "{spinner} {wide_msg}" };
                bar.set_style(ProgressStyle::with_template(template).expect("a template of known keys"));
                bar.set_length(bytes);
                bar.set_position(0);
                bar.set_message(text);
            }
            None => tell!("{text}"),
        }
    }

    fn advance(&self, read: u64, bytes: u64, counts: &Counts) {
        let mut state = self.state();
        state.add(read, bytes, counts);
        let elapsed = state.started.elapsed();
        match &self.bar {
            Some(bar) => {
                bar.set_position(state.position());
                bar.set_message(state.line(elapsed));
            }
            None if state.last.elapsed() >= EVERY => {
                state.last = Instant::now();
                tell!("{}", state.line(elapsed));
            }
            None => {}
        }
    }

    fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| tell!("note: {text}")),
            None => tell!("note: {text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_again_takes_no_bar_past_its_end_and_no_share_past_the_whole() {
        let mut state = State::new("read", 400);
        let counts = Counts { documents: 10, ..Counts::default() };
        (0..3).for_each(|_| state.add(300, 3000, &counts));
        assert_eq!((state.position(), state.left(Duration::from_secs(10))), (400, Some(Duration::ZERO)));
        assert!(state.line(Duration::from_secs(10)).contains("100.0% kept"));
    }

    #[test]
    fn a_line_tells_rates_what_is_kept_and_the_time_that_is_left() {
        let mut state = State::new("read", 400);
        (state.read, state.bytes, state.documents, state.kept, state.set_aside) = (100, 3_000_000, 2000, 500, 7);
        let told = "read: 2,000 documents (200/s), 2.9 MiB (0.3 MB/s), 25.0% kept, 7 set aside, 10.0 s, 30.0 s left";
        assert_eq!(state.line(Duration::from_secs(10)), told);
        state.total = 0;
        assert!(state.line(Duration::from_secs(10)).ends_with("10.0 s"), "the total is not known");
    }
}
