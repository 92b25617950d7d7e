//! `wanjuan diff`: two pipelines, profiles, outputs or lists of ids over the same input.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::preflight::{Preflight, Unready};
use super::progress::Display;
use super::run::{machine_failed, stop_on_signals};
use super::{Exit, Output, load, say};
use crate::config::{self, Pipeline};
use crate::diff::{Cell, Decided, Diff as Compared, Side, compare};
use crate::engine::Failure;
use crate::engine::graph::KeepDropped;
use crate::engine::session::{self, Options, read_record};
use crate::numbers::{count, share};
use crate::registry::Registry;
use crate::visible::visible_line;

/// Compare what two pipelines, profiles, outputs or lists of ids keep of the same documents
///
/// Each of A and B is a pipeline file, the output folder of a finished run, a step or `step@profile` (over
/// --input), or a file of the ids that another tool kept. Pipelines and steps are run into a folder of their
/// own, which is removed at the end. Documents are joined by their place in the input where both read the
/// same, and by their ids otherwise.
#[derive(Args)]
#[command(after_help = "\
Examples:
  wanjuan diff old.toml new.toml
  wanjuan diff gopher_quality@datatrove fineweb_quality --input crawl.jsonl.zst
  wanjuan diff out/mine kept-by-datatrove.jsonl.gz       lines of JSON with an `id`
  wanjuan diff out/mine ids.txt                          an id a line; also parquet with a column `id`")]
pub struct Diff {
    /// A pipeline file, an output folder, step@profile, or a file of kept ids
    a: String,
    /// The other one
    b: String,
    /// What a step@profile judges: files, folders or globs, all of one format
    #[arg(long, value_name = "FILE", num_args = 1..)]
    input: Vec<PathBuf>,
    /// The member or column that holds the ids of a list
    #[arg(long, default_value = "id")]
    id: String,
    /// Examples of each kind of disagreement
    #[arg(long, default_value_t = 3)]
    examples: usize,
    /// A folder for the runs, which stay there to be resumed [default: one of the system's, removed]
    #[arg(long, value_name = "FOLDER")]
    work: Option<PathBuf>,
    /// How to answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// A folder that goes when it is no longer needed.
struct Work {
    folder: PathBuf,
    stays: bool,
}

impl Drop for Work {
    fn drop(&mut self) {
        // What two sides were parted into is of no use later.
        let gone = if self.stays { self.folder.join("join") } else { self.folder.clone() };
        let _ = std::fs::remove_dir_all(gone);
    }
}

impl Diff {
    pub fn run(self, registry: &Registry) -> Exit {
        let work = match &self.work {
            Some(folder) => Work { folder: folder.clone(), stays: true },
            None => {
                let name = format!("wanjuan-diff-{}", std::process::id());
                Work { folder: std::env::temp_dir().join(name), stays: false }
            }
        };
        let mut sides = Vec::new();
        for (name, given) in [("a", &self.a), ("b", &self.b)] {
            match self.side(registry, given, &work.folder.join(name)) {
                Ok(side) => sides.push(side),
                Err(exit) => return exit,
            }
        }
        let [a, b] = &sides[..] else { unreachable!("two were made") };
        match compare(registry, a, b, &work.folder.join("join"), self.examples) {
            Ok(diff) => {
                say(&match self.output {
                    Output::Text => tell(&diff, [&self.a, &self.b]),
                    Output::Json => format!("{:#}\n", serde_json::json!({ "a": self.a, "b": self.b, "diff": diff })),
                });
                Exit::Done
            }
            Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => {
                tell!("error: {error}");
                tell!("help: a list is parquet, lines of JSON, or an id a line; --id names the column or member");
                Exit::Wrong
            }
            Err(error) => {
                tell!("error: {error}");
                Exit::Machine
            }
        }
    }

    fn side(&self, registry: &Registry, given: &str, output: &Path) -> Result<Side, Exit> {
        let path = Path::new(given);
        if path.is_dir() {
            let record = read_record(path).map_err(|error| {
                tell!("error: {error}");
                tell!("help: a folder is the output of a run that has finished");
                Exit::Wrong
            })?;
            return Ok(Side::Run(path.to_owned(), Box::new(record)));
        }
        if path.is_file() && path.extension().is_some_and(|ending| ending == "toml") {
            let pipeline = load(registry, path, &[], self.output)?;
            return ran(pipeline, output);
        }
        if path.is_file() {
            return Ok(Side::Ids(path.to_owned(), self.id.clone()));
        }
        let (step, profile) = match given.split_once('@') {
            Some((step, profile)) => (step, Some(profile)),
            None => (given, None),
        };
        if registry.find("step", step).is_none() {
            tell!("error: `{given}` is no file, no folder, and no step");
            match config::nearest(step, registry.names("step").into_iter()) {
                Some(near) => tell!("help: did you mean `{near}`?"),
                None => tell!("help: give a pipeline file, an output folder, step@profile, or a file of kept ids"),
            }
            return Err(Exit::Wrong);
        }
        if self.input.is_empty() {
            tell!("error: `{given}` is a step, and there is nothing for it to judge");
            tell!("help: add --input FILE");
            return Err(Exit::Wrong);
        }
        let text = self.pipeline(step, profile);
        let here = Path::new("./diff.toml");
        let pipeline = config::check(registry, here, text, &[]).map_err(|complaints| {
            tell!("{}", complaints.render(false).trim_end());
            tell!("this is the pipeline that was made of `{given}` and --input");
            Exit::Wrong
        })?;
        ran(pipeline, output)
    }

    /// A pipeline of nothing but one step.
    fn pipeline(&self, step: &str, profile: Option<&str>) -> String {
        let first = self.input[0].to_string_lossy().to_lowercase();
        let format = ["parquet", "wet", "warc", "txt"].into_iter().find(|format| first.contains(&format!(".{format}")));
        let source = match format {
            Some("txt") => "text",
            Some(format) => format,
            None => "jsonl",
        };
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let paths: Vec<String> = self.input.iter().map(|path| quoted(&path.to_string_lossy())).collect();
        let profile = profile.map_or_else(String::new, |profile| format!("profile = {}\n", quoted(profile)));
        format!(
            "[pipeline]\nname = \"diff\"\noutput = \"diff\"\n\n[[source]]\nname = \"input\"\nuse = \"{source}\"\npaths = [{}]\n\n[[step]]\nuse = {}\n{profile}\n[[sink]]\nname = \"kept\"\nuse = \"jsonl\"\n",
            paths.join(", "),
            quoted(step)
        )
    }
}

/// Runs a pipeline into a folder of its own, with the texts of what it drops.
fn ran(mut pipeline: Pipeline, output: &Path) -> Result<Side, Exit> {
    pipeline.output = output.to_owned();
    pipeline.keep_dropped = KeepDropped::All;
    pipeline.entries.iter_mut().for_each(|entry| entry.index = None); // whoever compares leaves nothing behind
    let options = Options::of_this_machine();
    let ready = match Preflight::of(&pipeline, &options, false) {
        Ok(ready) => ready,
        Err(Unready::Wrong(message)) => {
            tell!("{}", message.trim_end());
            return Err(Exit::Wrong);
        }
        Err(Unready::Machine(error)) => return Err(machine_failed(&error, &pipeline.file, None)),
    };
    tell!("{}", ready.line(&pipeline, &options));
    let display = Arc::new(Display::new());
    let shared = Arc::new(session::shared(ready.memory, &options, Box::new(display.clone())));
    stop_on_signals(&shared);
    let ended = session::run(&pipeline, &options, &ready.prepared, &shared, None);
    display.finish();
    match ended {
        Ok(report) => Ok(Side::Run(output.to_owned(), Box::new(report.record))),
        Err(Failure::Stopped | Failure::Overtaken) => Err(Exit::Interrupted),
        Err(Failure::TooManyBad { set_aside, allowed, records, .. }) => {
            tell!("error: {set_aside} of {records} records were set aside; `max_set_aside` allows {allowed}");
            tell!("help: run {} alone to look at them, and mend the input", pipeline.file.display());
            Err(Exit::TooManyBad)
        }
        Err(Failure::Machine(error) | Failure::Damaged { error, .. }) => {
            tell!("error: {error}");
            Err(Exit::Machine)
        }
    }
}

/// Rows of the table that are shown.
const SHOWN: usize = 40;

fn tell(diff: &Compared, names: [&str; 2]) -> String {
    let mut text = format!("A  {}\nB  {}\n", names[0], names[1]);
    let joined = if diff.joined_by == "place" { "place in the input" } else { "id" };
    let _ = writeln!(text, "{} documents, joined by their {joined}\n", count(diff.documents));
    let line = |text: &mut String, label: &str, number: u64| {
        let _ = writeln!(text, "{label:<28}{:>14}{:>10}", count(number), share(number, diff.documents));
    };
    line(&mut text, "agree", diff.both_keep + diff.both_drop);
    line(&mut text, "  both keep", diff.both_keep);
    line(&mut text, "  both drop", diff.both_drop);
    line(&mut text, "    for the same reason", diff.same_reason);
    line(&mut text, "only A keeps", diff.only_a_keeps);
    line(&mut text, "only B keeps", diff.only_b_keeps);
    for (name, only, repeated) in [("A", diff.only_in_a, diff.repeated[0]), ("B", diff.only_in_b, diff.repeated[1])] {
        if only > 0 {
            let other = if name == "A" { "B" } else { "A" };
            let _ = writeln!(text, "{:<28}{:>14}  {other} never read them", format!("in {name} alone"), count(only));
        }
        if repeated > 0 {
            let _ = writeln!(
                text,
                "{:<28}{:>14}  the first of each id counts",
                format!("said twice in {name}"),
                count(repeated)
            );
        }
    }
    let width = |side: fn(&Cell) -> &str| diff.cells.iter().map(|cell| side(cell).chars().count()).max().unwrap_or(0);
    let (one, two) = (width(|cell| &cell.a).clamp(20, 60) + 2, width(|cell| &cell.b).clamp(20, 60) + 2);
    let _ = writeln!(text, "\n{:<one$}{:<two$}{:>14}", "A", "B", "documents");
    for cell in diff.cells.iter().take(SHOWN) {
        let _ = writeln!(text, "{:<one$}{:<two$}{:>14}", cell.a, cell.b, count(cell.documents));
    }
    if diff.cells.len() > SHOWN {
        let _ = writeln!(text, "and {} more; -o json has all", diff.cells.len() - SHOWN);
    }
    for cell in diff.cells.iter().filter(|cell| !cell.examples.is_empty()) {
        let _ = writeln!(text, "\nA {}, B {}: {}", cell.a, cell.b, count(cell.documents));
        for example in &cell.examples {
            let about = [&example.id, &example.language, &example.text].map(|part| visible_line(part));
            let _ = writeln!(
                text,
                "  {}",
                about.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
            );
            for (side, decided) in [("A", &example.a), ("B", &example.b)] {
                if !decided.is_empty() {
                    let all: Vec<String> = decided.iter().map(told).collect();
                    let _ = writeln!(text, "    {side}  {}", all.join(", "));
                }
            }
        }
    }
    text
}

/// `gopher_quality.words 45 (min 50)`.
fn told(decided: &Decided) -> String {
    let number = |value: f64| if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.4}") };
    let bound = |name: &str, bound: Option<f64>| bound.map(|bound| format!("{name} {}", number(bound)));
    let bounds: Vec<String> = [bound("min", decided.min), bound("max", decided.max)].into_iter().flatten().collect();
    let bounds = if bounds.is_empty() { String::new() } else { format!(" ({})", bounds.join(", ")) };
    format!("{} {}{bounds}", decided.measure, number(decided.value))
}
