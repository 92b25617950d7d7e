//! `wanjuan run`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::overrides::Overrides;
use super::preflight::{Preflight, Unready, free_space};
use super::progress::Display;
use super::{Exit, Output, isolation, load, say};
use crate::config::Pipeline;
use crate::engine::Failure;
use crate::engine::commit::{At, at};
use crate::engine::counts::SinkCounts;
use crate::engine::driver::work_folder;
use crate::engine::lane::{DROPPED, MEASURES, SET_ASIDE};
use crate::engine::poison::Trial;
use crate::engine::publish::unpublish;
use crate::engine::session::{self, Options, Report};
use crate::numbers::{bloom, count, duration, rewritten, share, size};
use crate::registry::{Built, Registry};
use crate::report::{self, Ran};
use crate::source::lost;

/// Run a pipeline; a run that was cut short goes on where it stopped
#[derive(Args)]
#[command(after_help = "\
Examples:
  wanjuan run pipeline.toml
  wanjuan run pipeline.toml --threads 8 --memory 16GiB
  wanjuan run pipeline.toml --set gopher_quality.min_words=20
  wanjuan run pipeline.toml --device cuda:0,1
  wanjuan run pipeline.toml --fresh          forget what was done before
  wanjuan run pipeline.toml --dry-run        what would run, and how much of it")]
pub struct Run {
    /// The pipeline file
    file: PathBuf,
    /// Threads [default: all cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Memory the run may use, as 512MiB or 16GiB [default: four fifths of the machine's]
    #[arg(long, value_parser = bytes)]
    memory: Option<u64>,
    /// Do not compress what waits for its next phase: less work, more disk
    #[arg(long)]
    plain_spool: bool,
    /// Go on where an earlier run stopped; this is what happens anyway
    #[arg(long, conflicts_with = "fresh")]
    resume: bool,
    /// Remove all that an earlier run left in the output, and start anew
    #[arg(long)]
    fresh: bool,
    #[command(flatten)]
    overrides: Overrides,
    /// Say what would run, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// Where large files are cut; a change makes other blocks in the output
    #[arg(long, value_parser = bytes, hide = true)]
    split: Option<u64>,
    /// How much input a task reads before it commits
    #[arg(long, value_parser = bytes, hide = true)]
    segment: Option<u64>,
    /// How to answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl Run {
    fn options(&self) -> Options {
        let mut options = Options::of_this_machine();
        options.threads = self.threads.map_or(options.threads, usize::from);
        options.memory = self.memory.unwrap_or(options.memory);
        options.split_bytes = self.split.unwrap_or(options.split_bytes);
        options.segment_bytes = self.segment.unwrap_or(options.segment_bytes);
        options.plain_spool = self.plain_spool;
        options
    }

    pub fn run(self, registry: &Registry) -> Exit {
        let sets = self.overrides.sets();
        let pipeline = match load(registry, &self.file, &sets, self.output) {
            Ok(pipeline) => pipeline,
            Err(exit) => return exit,
        };
        let options = self.options();
        let ready = match Preflight::of(&pipeline, &options, self.fresh) {
            Ok(ready) => ready,
            Err(Unready::Wrong(message)) => {
                tell!("{}", message.trim_end());
                return Exit::Wrong;
            }
            Err(Unready::Machine(error)) => return machine_failed(&error, &self.file, None),
        };
        tell!("{}", ready.line(&pipeline, &options));
        if self.dry_run {
            match self.output {
                Output::Text => say(&ready.tell()),
                Output::Json => say(&format!("{:#}\n", ready.json())),
            }
            return Exit::Done;
        }
        if self.fresh
            && let Err(error) = forget(&pipeline)
        {
            return machine_failed(&error, &self.file, None);
        }
        let display = Arc::new(Display::new());
        let shared = Arc::new(session::shared(ready.memory, &options, Box::new(display.clone())));
        stop_on_signals(&shared);
        let isolate = |trial: &Trial| isolation::ends_the_process(&self.file, &sets, &options, trial);
        let ended = session::run(&pipeline, &options, &ready.prepared, &shared, Some(&isolate));
        display.finish();
        if let (Output::Json, Err(failure)) = (self.output, &ended) {
            say(&format!("{:#}\n", failed(failure)));
        }
        match ended {
            Ok(report) => {
                let ran = ran(&pipeline, &options, &report);
                if let Err(error) = report::write(&pipeline.output, registry, Some(ran)) {
                    return machine_failed(&error, &self.file, Some(ready.need));
                }
                say(&match self.output {
                    Output::Text => summary(&pipeline, &report),
                    Output::Json => format!("{:#}\n", json(&pipeline, &report)),
                });
                Exit::Done
            }
            Err(Failure::Stopped) => {
                tell!("interrupted; what is done is kept. To go on: wanjuan run {}", self.file.display());
                Exit::Interrupted
            }
            Err(Failure::Overtaken) => unreachable!("the driver begins again where another run has got to"),
            Err(Failure::TooManyBad { set_aside, allowed, records, .. }) => {
                tell!("error: {set_aside} of {records} records were set aside; `max_set_aside` allows {allowed}");
                tell!(
                    "help: look at them in {}, then mend the input or raise `max_set_aside` in [pipeline]",
                    pipeline.output.join(SET_ASIDE).display()
                );
                Exit::TooManyBad
            }
            Err(Failure::Machine(error) | Failure::Damaged { error, .. }) => {
                machine_failed(&error, &self.file, Some(ready.need))
            }
        }
    }
}

/// Why a run did not finish, for a program.
fn failed(failure: &Failure) -> serde_json::Value {
    match failure {
        Failure::Stopped | Failure::Overtaken => serde_json::json!({ "failed": "interrupted" }),
        Failure::TooManyBad { set_aside, limit, records, .. } => {
            serde_json::json!({ "failed": "too_many_set_aside", "set_aside": set_aside, "limit": limit, "records": records })
        }
        Failure::Machine(error) | Failure::Damaged { error, .. } => {
            serde_json::json!({ "failed": "machine", "error": error.to_string() })
        }
    }
}

/// `need` is what a whole run takes on disk, about.
pub(super) fn machine_failed(error: &std::io::Error, file: &Path, need: Option<u64>) -> Exit {
    tell!("error: {error}");
    if matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) {
        let folder = At::of(error).and_then(|at| at.path.parent()).unwrap_or(Path::new("."));
        let free = free_space(folder).map_or_else(String::new, |free| format!("; {} are free there", size(free)));
        let need = need.map_or_else(String::new, |need| format!(": the whole run takes about {}{free}", size(need)));
        tell!("help: free some space on that disk, or give the pipeline another `output`{need}");
    }
    tell!("what is done is kept. To go on: wanjuan run {}", file.display());
    Exit::Machine
}

/// Removes what an earlier run left, but nothing that no run made.
fn forget(pipeline: &Pipeline) -> std::io::Result<()> {
    let sinks = pipeline.entries.iter().filter(|entry| entry.kind == "sink").map(|entry| entry.name.clone());
    let earlier = session::read_record(&pipeline.output).map(|record| record.steps).unwrap_or_default();
    let earlier = earlier.into_iter().filter(|step| step.kind == "sink").map(|step| step.name);
    let own = [MEASURES, SET_ASIDE].map(str::to_owned);
    let folders: Vec<PathBuf> =
        own.into_iter().chain(sinks).chain(earlier).map(|name| pipeline.output.join(name)).collect();
    let dropped = pipeline.output.join(DROPPED);
    let steps = std::fs::read_dir(&dropped).into_iter().flatten().flatten().map(|entry| entry.path());
    for folder in folders.into_iter().chain(steps) {
        unpublish(&folder)?;
    }
    let _ = std::fs::remove_dir(&dropped); // stays where something else is in it
    let files = ["run.json", report::JSON, report::HTML].map(|name| std::fs::remove_file(pipeline.output.join(name)));
    let gone = files.into_iter().chain([std::fs::remove_dir_all(work_folder(&pipeline.output))]);
    let failed = gone.filter_map(Result::err).find(|error| error.kind() != std::io::ErrorKind::NotFound);
    failed.map_or(Ok(()), |error| Err(at(&pipeline.output)(error)))
}

/// The first signal asks every task to commit and stop; the second ends the process at once, which
/// is safe too.
pub(super) fn stop_on_signals(shared: &Arc<crate::engine::Shared>) {
    let signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM]);
    let Ok(mut signals) = signals else { return };
    let shared = shared.clone();
    std::thread::spawn(move || {
        let mut again = false;
        for _ in &mut signals {
            if std::mem::replace(&mut again, true) {
                std::process::exit(Exit::Interrupted as i32);
            }
            tell!("stopping; again to stop at once");
            shared.stop();
        }
    });
}

/// Reads a size: a number and B, KB, MB, GB, KiB, MiB, GiB, TiB.
pub fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| "write a number and a unit, as 512MiB".to_owned())?;
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kib" => 1024.0,
        "m" | "mib" => 1024.0 * 1024.0,
        "g" | "gib" => 1024.0 * 1024.0 * 1024.0,
        "t" | "tib" => 1024.0_f64.powi(4),
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        other => return Err(format!("`{other}` is no unit; there are KiB, MiB, GiB, TiB, KB, MB, GB, TB")),
    };
    Ok((number * unit) as u64)
}

/// The funnel: what came in, what each step let through, what came out, and where it is.
fn summary(pipeline: &Pipeline, report: &Report) -> String {
    let counts = &report.record.counts;
    let mut text = String::new();
    let mut line = |line: String| {
        text.push_str(line.trim_end());
        text.push('\n');
    };
    line(format!("{:<28}{:>14}{:>14}{:>10}", "", "documents", "dropped", "kept"));
    line(format!("{:<28}{:>14}{:>14}{:>10}", "read", count(counts.documents), "", ""));
    for entry in pipeline.entries.iter().filter(|entry| entry.kind != "sink") {
        let Some(step) = counts.steps.get(&entry.name) else { continue };
        let (name, seen, dropped) = match entry.kind {
            "source" => (format!("{}, passed over", entry.name), String::new(), count(step.seen - step.kept)),
            _ => (entry.name.clone(), count(step.seen), count(step.seen - step.kept)),
        };
        let kept = if entry.kind == "source" { String::new() } else { share(step.kept, step.seen) };
        line(format!("{name:<28}{seen:>14}{dropped:>14}{kept:>10}"));
        if step.rewritten > 0 {
            line(format!("  {}", rewritten(step.rewritten, step.chars_removed, step.chars_added)));
        }
        if let Some(counts) = &step.bloom {
            line(format!("  {}", bloom(counts)));
        }
        if let Built::Stage(stage) = &entry.instance.built
            && let Some(told) = stage.told()
        {
            line(format!("  {told}"));
        }
        let mut reasons: Vec<_> = step.dropped.iter().collect();
        reasons.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        for (reason, dropped) in reasons {
            line(format!("  {:<40}{:>14}", reason, count(*dropped)));
        }
    }
    line(String::new());
    for entry in pipeline.entries.iter().filter(|entry| entry.kind == "sink") {
        let sink = counts.sinks.get(&entry.name).cloned().unwrap_or_default();
        let tokens = if sink.tokens > 0 { format!(", {} tokens", count(sink.tokens)) } else { String::new() };
        let shards = report.done.manifests.get(&entry.name).map_or(0, |manifest| manifest.shards.len());
        line(format!(
            "{:<28}{} documents, {} of text{tokens}, {shards} shard{}",
            entry.name,
            count(sink.documents),
            size(sink.bytes),
            if shards == 1 { "" } else { "s" }
        ));
        if !sink.languages.is_empty() {
            line(format!("{:<28}{}", "", languages(&sink)));
        }
        for (reason, refused) in &sink.refused {
            line(format!("  {:<26}{} {reason}", "", count(*refused)));
        }
    }
    for (name, index) in &report.done.indexes {
        let bytes = index.parts.iter().map(|part| part.bytes()).sum();
        let documents = count(index.documents);
        line(format!("{:<28}{documents} documents in {}", format!("index {name}"), size(bytes)));
    }
    if counts.set_aside_total() > 0 {
        let mut reasons: Vec<_> = counts.set_aside.iter().collect();
        reasons.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let damaged = reasons.iter().filter_map(|(reason, n)| Some((*reason, **n, lost(reason)?)));
        let damaged: Vec<_> = damaged.collect();
        let reasons: Vec<String> = reasons.into_iter().map(|(reason, n)| format!("{reason} {}", count(*n))).collect();
        line(format!(
            "{:<28}{} of {} records: {}",
            "set aside",
            count(counts.set_aside_total()),
            count(counts.records),
            reasons.join(", ")
        ));
        for (reason, places, lost) in damaged {
            let places = if places == 1 { "one place".to_owned() } else { format!("{} places", count(places)) };
            line(format!("  {reason} in {places}: {lost}"));
        }
    }
    let skipped: usize = report.tasks().iter().map(|tasks| tasks.skipped).sum();
    let ran: usize = report.tasks().iter().map(|tasks| tasks.ran.len()).sum();
    let rate = counts.bytes as f64 / 1e6 / report.time.as_secs_f64().max(1e-9);
    let again = if skipped > 0 {
        format!("; {skipped} tasks were done before, {ran} ran")
    } else {
        format!(", {rate:.1} MB/s of text")
    };
    line(format!("{:<28}{}{again}", "time", duration(report.time)));
    line(format!("{:<28}{}", "output", pipeline.output.display()));
    line(format!("{:<28}{}", "report", pipeline.output.join(report::HTML).display()));
    line(format!("{:<28}wanjuan why {} ID", "why a document was dropped", pipeline.output.display()));
    text
}

/// The commonest languages of a sink.
fn languages(sink: &SinkCounts) -> String {
    let total: u64 = sink.languages.values().sum();
    let mut languages: Vec<_> = sink.languages.iter().collect();
    languages.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let shown = languages.iter().take(8).map(|(language, n)| format!("{language} {}", share(**n, total)));
    shown.collect::<Vec<_>>().join(", ")
}

/// What only this run and this machine know.
fn ran(pipeline: &Pipeline, options: &Options, report: &Report) -> Ran {
    let phases = report.tasks().iter().map(|tasks| report::Phase {
        phase: tasks.phase.clone(),
        ran: tasks.ran.len(),
        skipped: tasks.skipped,
        seconds: tasks.seconds,
    });
    let publishing = report::Phase { phase: "publish".to_owned(), ran: 0, skipped: 0, seconds: report.done.publishing };
    Ran {
        output: pipeline.output.display().to_string(),
        seconds: report.time.as_secs_f64(),
        threads: options.threads,
        memory_bytes: options.memory,
        phases: phases.chain([publishing]).collect(),
        healed: report.done.healed,
    }
}

fn json(pipeline: &Pipeline, report: &Report) -> serde_json::Value {
    let manifests: BTreeMap<_, _> = report.done.manifests.iter().collect();
    let indexes: BTreeMap<_, _> = report.done.indexes.iter().map(|(name, index)| (name, index.documents)).collect();
    serde_json::json!({
        "name": pipeline.name,
        "output": pipeline.output,
        "seconds": report.time.as_secs_f64(),
        "counts": report.record.counts,
        "tasks": report.done.tasks,
        "healed": report.done.healed,
        "shards": manifests,
        "indexes": indexes,
        "report": pipeline.output.join(report::HTML),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        assert_eq!(bytes("512MiB"), Ok(512 << 20));
        assert_eq!(bytes("1.5GB"), Ok(1_500_000_000));
        assert!(bytes("lots").is_err() && bytes("3 parsecs").is_err());
    }
}
