//! What a person sees while the weights of an encoder are trained, and how it is stopped.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_shutdown};
use wanjuan_models::encoder::train::{Answer, Progress};

use super::Exit;
use crate::numbers::{count, duration};

/// How often a plain line is written.
const EVERY: Duration = Duration::from_secs(10);
/// How often a checkpoint is written: this much is lost at most when the process is killed.
const SAVED_EVERY: Duration = Duration::from_secs(120);

/// Watches a training.
pub struct Watch {
    bar: Option<ProgressBar>,
    stop: Arc<AtomicBool>,
    started: Instant,
    /// When the last line was written.
    told: Option<Instant>,
    saved: Instant,
    /// Steps and tokens since it was begun or gone on with.
    steps: usize,
    tokens: usize,
    /// Losses since the last line.
    losses: Vec<f64>,
}

impl Watch {
    /// Begins; from now on a first signal stops after the step that is under way, and a second at once.
    pub fn new() -> Watch {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal only raises the flag. Where a handler cannot be set, a signal ends the
            // process, and the last checkpoint stands.
            let _ = register_conditional_shutdown(signal, Exit::Interrupted as i32, stop.clone());
            let _ = register(signal, stop.clone());
        }
        let bar = std::io::stderr().is_terminal().then(|| {
            let template = ProgressStyle::with_template("[{bar:24}] {percent:>3}% {wide_msg}");
            ProgressBar::new(0).with_style(template.expect("a template of known keys"))
        });
        let now = Instant::now();
        Watch { bar, stop, started: now, told: None, saved: now, steps: 0, tokens: 0, losses: Vec::new() }
    }

    /// Sees a step, and says what is next.
    pub fn see(&mut self, progress: &Progress) -> Answer {
        self.steps += 1;
        self.tokens += progress.tokens;
        self.losses.push(progress.loss);
        let last = progress.step == progress.steps;
        match &self.bar {
            Some(bar) => {
                // The last ones, for a single batch says little.
                let first = self.losses.len().saturating_sub(20);
                self.losses.drain(..first);
                bar.set_length(progress.steps as u64);
                bar.set_position(progress.step as u64);
                bar.set_message(self.line(progress, self.started.elapsed()));
            }
            None if last || self.told.is_none_or(|told| told.elapsed() >= EVERY) => {
                tell!("{}", self.line(progress, self.started.elapsed()));
                self.told = Some(Instant::now());
                self.losses.clear();
            }
            None => {}
        }
        if self.stop.load(Ordering::Relaxed) {
            tell!("stopping after this step; again to stop at once");
            return Answer::Stop;
        }
        if self.saved.elapsed() >= SAVED_EVERY {
            self.saved = Instant::now();
            return Answer::Save;
        }
        Answer::GoOn
    }

    fn line(&self, progress: &Progress, elapsed: Duration) -> String {
        let seconds = elapsed.as_secs_f64().max(1e-3);
        let left = elapsed.mul_f64((progress.steps - progress.step) as f64 / self.steps.max(1) as f64);
        format!(
            "step {} of {}, epoch {}, loss {:.4}, rate {:.1e}, {} tokens/s, {}, {} left",
            count(progress.step as u64),
            count(progress.steps as u64),
            progress.epoch,
            self.losses.iter().sum::<f64>() / self.losses.len().max(1) as f64,
            progress.rate,
            count((self.tokens as f64 / seconds) as u64),
            duration(elapsed),
            duration(left),
        )
    }

    /// Ends; from now on a signal ends the process.
    pub fn finish(self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_the_loss_the_rate_and_the_time_that_is_left() {
        let now = Instant::now();
        let watch = Watch {
            bar: None,
            stop: Arc::default(),
            started: now,
            told: None,
            saved: now,
            steps: 10,
            tokens: 5000,
            losses: vec![0.5, 0.25],
        };
        // Six steps were done before it went on.
        let progress = Progress { step: 16, steps: 46, epoch: 2, loss: 0.25, rate: 5e-5, tokens: 500 };
        assert_eq!(
            watch.line(&progress, Duration::from_secs(10)),
            "step 16 of 46, epoch 2, loss 0.3750, rate 5.0e-5, 500 tokens/s, 10.0 s, 30.0 s left"
        );
    }
}
