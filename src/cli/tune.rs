//! `wanjuan tune`: what other thresholds would keep, from the measures a run stored.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};

use super::{Exit, Output, say};
use crate::config::{Complaint, Complaints};
use crate::engine::session::read_record;
use crate::numbers::{count, share, size};
use crate::registry::Registry;
use crate::report::texts;
use crate::tune::{Assignment, Example, Part, Run, Tally, Trust, Variant};
use crate::visible::visible_line;

/// Tell what other thresholds would keep of a finished run, without reading the corpus
///
/// Judges the measures that the run stored. Settings of filters called min_… and max_… can be changed, a
/// few others that only judge, the drop_if of a rule, and only_measure: a filter that only measured drops
/// nothing here either, until only_measure=false is set beside its thresholds. A document that was dropped has no measures of later
/// steps; if it would go on now, it is counted as unknown, and what would be kept is a range.
#[derive(Args)]
#[command(after_help = "\
Examples:
  wanjuan tune out/mine --set gopher_quality.min_words=40 --set fineweb_quality.max_short_lines=0.8
  wanjuan tune out/mine --pipeline edited.toml
  wanjuan tune out/mine --sweep gopher_quality.min_words=10:100:10
  wanjuan tune out/mine --set gopher_quality.only_measure=false     what it would drop
  wanjuan tune out/mine --set gopher_quality.only_measure=false --sweep gopher_quality.min_words=10:100:10
  wanjuan tune out/mine --set 'short.drop_if=gopher_quality.words < 30'

To know all, let the filters only measure (`only_measure = true`), run once, and tune
with STEP.only_measure=false.")]
pub struct Tune {
    /// The output folder of a finished run
    out: PathBuf,
    /// Another value for a setting; each is tried alone, and all of them together
    #[arg(long = "set", value_name = "STEP.SETTING=VALUE")]
    sets: Vec<String>,
    /// The run's pipeline file, edited: what it sets otherwise is tried; paths in it start at its folder
    #[arg(long, value_name = "FILE")]
    pipeline: Option<PathBuf>,
    /// Values from one to another by steps, above all that is set
    #[arg(long = "sweep", value_name = "STEP.SETTING=FROM:TO:BY")]
    sweeps: Vec<String>,
    /// Examples of each kind of difference
    #[arg(long, default_value_t = 3)]
    examples: usize,
    /// How to answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Values of one sweep.
const MOST_VALUES: usize = 1000;

impl Tune {
    pub fn run(self, registry: &Registry) -> Exit {
        let record = match read_record(&self.out) {
            Ok(record) => record,
            Err(error) => {
                tell!("error: {error}");
                tell!("help: give the output folder of a run that has finished");
                return Exit::Wrong;
            }
        };
        let machine = |error: std::io::Error| {
            tell!("error: {error}");
            Exit::Machine
        };
        let mut run = match Run::open(&self.out, record, registry) {
            Ok(run) => run,
            Err(error) => return machine(error),
        };
        let (mut variants, sweeps) = match self.variants(&mut run) {
            Ok(variants) => variants,
            Err(complaints) => {
                match self.output {
                    Output::Text => tell!("{}", complaints.render(std::io::stderr().is_terminal()).trim_end()),
                    Output::Json => say(&format!("{:#}\n", complaints.to_json())),
                }
                return Exit::Wrong;
            }
        };
        let started = Instant::now();
        let trust = match run.judge(&mut variants, self.examples) {
            Ok(trust) => trust,
            Err(error) => return machine(error),
        };
        let seconds = started.elapsed().as_secs_f64();
        let whole = variants.len() - sweeps.iter().sum::<usize>();
        if let Some(last) = variants[..whole].last_mut()
            && let Err(error) = self.begin(&run, &mut last.tally)
        {
            return machine(error);
        }
        say(&match self.output {
            Output::Text => self.tell(&run, &variants, whole, &sweeps, &trust, seconds),
            Output::Json => format!("{:#}\n", self.json(&run, &variants, whole, &trust, seconds)),
        });
        Exit::Done
    }

    /// Every change alone and all together, then the sweeps: how many variants each has.
    fn variants(&self, run: &mut Run<'_>) -> Result<(Vec<Variant>, Vec<usize>), Complaints> {
        // Lists and models of a step are looked for where the run found them.
        let folder = match &self.pipeline {
            Some(file) => file.parent().unwrap_or(Path::new(".")).to_owned(),
            None => run.folder(&self.out).unwrap_or(PathBuf::from(".")),
        };
        let mut list = Vec::new();
        let mut changes = match &self.pipeline {
            Some(file) => run.edited(file)?,
            None => Vec::new(),
        };
        for set in &self.sets {
            match run.assignment(set, "--set") {
                Ok(assignment) => {
                    changes.retain(|known| (known.step, &known.key) != (assignment.step, &assignment.key));
                    changes.push(assignment);
                }
                Err(complaint) => list.push(complaint),
            }
        }
        let mut sweeps: Vec<Vec<Assignment>> = Vec::new();
        for sweep in &self.sweeps {
            match values(run, sweep) {
                Ok(values) => sweeps.push(values),
                Err(complaint) => list.push(complaint),
            }
        }
        if list.is_empty() && changes.is_empty() && sweeps.is_empty() {
            let what = match &self.pipeline {
                Some(file) => format!("{} sets nothing otherwise than the run did", file.display()),
                None => "there is nothing to try".to_owned(),
            };
            let help = "give --set STEP.SETTING=VALUE, --sweep STEP.SETTING=FROM:TO:BY or --pipeline FILE";
            list.push(Complaint::new(what, None).help(help));
        }
        let mut variants = Vec::new();
        let all: Vec<&Assignment> = changes.iter().collect();
        if list.is_empty() {
            if all.len() > 1 {
                for change in &all {
                    // One alone may contradict what the other makes right; then only all together are tried.
                    variants.extend(run.variant(&change.label, &[change], &folder));
                }
            }
            let label = if all.len() == 1 { all[0].label.clone() } else { "all together".to_owned() };
            if !all.is_empty() {
                match run.variant(&label, &all, &folder) {
                    Ok(variant) => variants.push(variant),
                    Err(complaint) => list.push(complaint),
                }
            }
        }
        let mut counts = Vec::new();
        for values in &sweeps {
            let before = variants.len();
            for value in values {
                if !list.is_empty() {
                    break;
                }
                let base = all.iter().copied().filter(|known| (known.step, &known.key) != (value.step, &value.key));
                match run.variant(&value.label, &base.chain([value]).collect::<Vec<_>>(), &folder) {
                    Ok(variant) => variants.push(variant),
                    Err(complaint) => list.push(complaint),
                }
            }
            counts.push(variants.len() - before);
        }
        if list.is_empty() {
            return Ok((variants, counts));
        }
        let file = self.pipeline.as_ref().unwrap_or(&self.out);
        let source = self.pipeline.as_ref().and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
        Err(Complaints { file: file.display().to_string(), source, list })
    }

    /// Puts the beginnings of texts to examples, where the run kept them.
    fn begin(&self, run: &Run<'_>, tally: &mut Tally) -> std::io::Result<()> {
        let ids = tally.examples.iter().flatten().map(|example| example.id.clone()).collect();
        let found = texts::begin(&self.out, &run.record, &ids)?;
        for example in tally.examples.iter_mut().flatten() {
            example.text = found.get(&example.id).cloned();
        }
        Ok(())
    }

    fn tell(
        &self,
        run: &Run<'_>,
        variants: &[Variant],
        whole: usize,
        sweeps: &[usize],
        trust: &Trust,
        seconds: f64,
    ) -> String {
        let all = variants[0].tally.total.all.documents;
        let before = variants[0].tally.total.before;
        let mut text = format!("{}: {} documents, {} kept\n", self.out.display(), count(all), count(before.documents));
        let width = variants.iter().map(|variant| variant.label.chars().count()).max().unwrap_or(0).clamp(20, WIDEST);
        let sized = variants.iter().any(|variant| variant.tally.total.all.bytes > 0);
        let head = |text: &mut String, title: &str| {
            text.push('\n');
            let title = column(text, title, width);
            let _ = writeln!(
                text,
                "{title:<width$}{:>24}{:>16}{:>10}{:>10}{:>10}{}",
                "kept",
                "share",
                "gained",
                "lost",
                "unknown",
                if sized { "        text" } else { "" }
            );
        };
        head(&mut text, "");
        let line = |text: &mut String, label: &str, kept: String, shares: String, part: Option<&Part>, bytes: u64| {
            let [gained, lost, unknown] = part.map_or([const { String::new() }; 3], |part| {
                [part.gained, part.lost, part.unknown].map(|share| count(share.documents))
            });
            let bytes = if sized { format!("{:>12}", size(bytes)) } else { String::new() };
            let label = column(text, label, width);
            let line = format!("{label:<width$}{kept:>24}{shares:>16}{gained:>10}{lost:>10}{unknown:>10}{bytes}");
            let _ = writeln!(text, "{}", line.trim_end());
        };
        line(&mut text, "as it ran", count(before.documents), share(before.documents, all), None, before.bytes);
        let row = |text: &mut String, variant: &Variant| {
            let (kept, most) = (variant.tally.total.kept, variant.tally.most());
            let shares = range(kept.documents, most, |documents| share(documents, all));
            line(
                text,
                &variant.label,
                range(kept.documents, most, count),
                shares,
                Some(&variant.tally.total),
                kept.bytes,
            );
        };
        for variant in &variants[..whole] {
            row(&mut text, variant);
        }
        let mut start = whole;
        for (sweep, length) in self.sweeps.iter().zip(sweeps) {
            head(&mut text, sweep.split('=').next().unwrap_or_default());
            for variant in &variants[start..start + length] {
                row(&mut text, variant);
            }
            start += length;
        }
        if let Some(last) = variants[..whole].last() {
            for (title, parts) in [("by language", &last.tally.by_language), ("by source", &last.tally.by_source)] {
                if parts.len() > 1 || parts.keys().any(|name| !name.is_empty()) && title == "by language" {
                    head(&mut text, &if whole > 1 { format!("{} {title}", last.label) } else { title.to_owned() });
                    let mut parts: Vec<_> = parts.iter().collect();
                    parts.sort_by(|a, b| b.1.all.documents.cmp(&a.1.all.documents).then(a.0.cmp(b.0)));
                    for (name, part) in parts.into_iter().take(SHOWN) {
                        let name = if name.is_empty() { "(none)".to_owned() } else { visible_line(name) };
                        let (kept, most) = (part.kept.documents, part.kept.documents + part.unknown.documents);
                        let shares = range(kept, most, |documents| share(documents, part.all.documents));
                        line(&mut text, &name, range(kept, most, count), shares, Some(part), part.kept.bytes);
                    }
                }
            }
            text.push_str(&reasons(run, &last.tally, width));
            text.push_str(&examples(&last.tally.examples));
        }
        text.push_str(&notes(run, variants, trust, seconds));
        text
    }

    fn json(&self, run: &Run<'_>, variants: &[Variant], whole: usize, trust: &Trust, seconds: f64) -> Value {
        let tokens = tokens_per_byte(run);
        let of = |(number, variant): (usize, &Variant)| {
            let tally = &variant.tally;
            let reasons = tally.reasons.iter().map(|(&step, reasons)| {
                let counts =
                    reasons.iter().map(|(reason, (before, now))| (reason, json!({ "before": before, "now": now })));
                (run.record.steps[step].name.as_str(), counts.collect::<BTreeMap<_, _>>())
            });
            let stages = tally.stages.iter().map(|(&step, stage)| (run.record.steps[step].name.as_str(), json!(stage)));
            let [gained, lost, unknown] = &tally.examples;
            json!({
                "variant": variant.label,
                "sweep": number >= whole,
                "kept_least": tally.total.kept.documents,
                "kept_most": tally.most(),
                "tokens_about": tokens.map(|tokens| (tally.total.kept.bytes as f64 * tokens).round()),
                "total": tally.total,
                "by_language": tally.by_language,
                "by_source": tally.by_source,
                "dropped": reasons.collect::<BTreeMap<_, _>>(),
                "stages": stages.collect::<BTreeMap<_, _>>(),
                "examples": { "gained": gained, "lost": lost, "unknown": unknown },
            })
        };
        json!({
            "output": self.out,
            "seconds": seconds,
            "trust": trust,
            "variants": variants.iter().enumerate().map(of).collect::<Vec<_>>(),
        })
    }
}

/// Widest that the first column becomes, in characters.
const WIDEST: usize = 44;

/// What stands in the first column; what is wider has a line of its own.
fn column<'a>(text: &mut String, label: &'a str, width: usize) -> &'a str {
    if label.chars().count() <= width {
        return label;
    }
    let _ = writeln!(text, "{label}");
    ""
}

/// Languages and sources that are shown.
const SHOWN: usize = 12;

/// The values of `step.setting=from:to:by`.
fn values(run: &Run<'_>, sweep: &str) -> Result<Vec<Assignment>, Complaint> {
    let complain = |what: &str| {
        let complaint = Complaint::new(format!("--sweep {sweep}: {what}"), None);
        complaint.help("write step.setting=from:to:by, as gopher_quality.min_words=10:100:10")
    };
    let (name, values) = sweep.split_once('=').ok_or_else(|| complain("there is no `=`"))?;
    let parts: Vec<&str> = values.split(':').map(str::trim).collect();
    let [from, to, by] = parts[..] else { return Err(complain("there are not three numbers")) };
    let numbers = [from, to, by].map(|part| part.parse::<f64>().ok().filter(|number| number.is_finite()));
    let [Some(first), Some(last), Some(step)] = numbers else { return Err(complain("there are not three numbers")) };
    if step <= 0.0 || last < first {
        return Err(complain("it goes upwards, by more than nothing"));
    }
    let steps = ((last - first) / step + 1e-9).floor();
    if steps >= MOST_VALUES as f64 {
        return Err(complain("these are more than 1,000 values"));
    }
    // Written with as many decimals as the parts have, so that a step of 0.1 stays one.
    let whole = [from, to, by].iter().all(|part| part.parse::<i64>().is_ok());
    let decimals = [from, to, by].map(|part| part.split_once('.').map_or(0, |(_, decimals)| decimals.len()));
    let decimals = decimals.into_iter().max().unwrap_or(0).max(usize::from(!whole));
    let value = |number: f64| format!("{name}={:.decimals$}", first + number * step);
    let assignments = (0..=steps as u64).map(|number| run.assignment(&value(number as f64), "--sweep"));
    assignments.collect()
}

/// A number, or from one to another.
fn range(least: u64, most: u64, tell: impl Fn(u64) -> String) -> String {
    if least == most { tell(least) } else { format!("{} to {}", tell(least), tell(most)) }
}

/// Reasons of which there are more or fewer.
fn reasons(run: &Run<'_>, tally: &Tally, width: usize) -> String {
    let mut text = String::new();
    for (&step, reasons) in &tally.reasons {
        for (reason, (before, now)) in reasons.iter().filter(|(_, (before, now))| before != now) {
            if text.is_empty() {
                let _ = writeln!(text, "\n{:<width$}{:>24}{:>16}", "dropped", "before", "now");
            }
            let name = format!("{}: {reason}", run.record.steps[step].name);
            let name = column(&mut text, &name, width);
            let _ = writeln!(text, "{name:<width$}{:>24}{:>16}", count(*before), count(*now));
        }
    }
    text
}

fn examples(examples: &[Vec<Example>; 3]) -> String {
    let mut text = String::new();
    for (kind, examples) in ["gained", "lost", "unknown"].into_iter().zip(examples) {
        for example in examples {
            if text.is_empty() {
                text.push_str("\nexamples\n");
            }
            let language = if example.language.is_empty() { String::new() } else { format!("  {}", example.language) };
            let about = visible_line(&format!("{}{language}", example.id));
            let _ = writeln!(text, "  {kind:<8}{about}  was {}, is {}", example.was, example.is);
            if let Some(begins) = &example.text {
                let _ = writeln!(text, "          {}", visible_line(begins));
            }
        }
    }
    text
}

/// What a reader must know to believe the numbers.
fn notes(run: &Run<'_>, variants: &[Variant], trust: &Trust, seconds: f64) -> String {
    let mut text = String::from("\n");
    if variants.iter().any(|variant| variant.tally.total.unknown.documents > 0) {
        text.push_str("unknown: documents that would go on to steps that never saw them; how many of them those keep, a run tells\n");
    }
    let silent: BTreeSet<&str> = variants.iter().flat_map(|variant| run.only_measuring(variant)).collect();
    for name in silent {
        let _ = writeln!(
            text,
            "{name}: it only measured in the run and drops nothing here; --set {name}.only_measure=false tells what it would drop"
        );
    }
    let mut stages: Vec<usize> = Vec::new();
    for variant in variants {
        for (&stage, tally) in &variant.tally.stages {
            if tally.lost > 0 && tally.dropped > 0 && !stages.contains(&stage) {
                stages.push(stage);
            }
        }
    }
    for stage in stages {
        let name = &run.record.steps[stage].name;
        let _ = writeln!(
            text,
            "{name}: what it dropped in the stead of a document that is lost now may come back; the range holds it"
        );
    }
    if let Some(tokens) = tokens_per_byte(run) {
        let last = variants.last().expect("there is a variant").tally.total;
        if last.before.bytes > 0 {
            let tokens = |bytes: u64| count((bytes as f64 * tokens).round() as u64);
            let _ = writeln!(
                text,
                "tokens, at the run's tokens for each byte: about {} before, {} now",
                tokens(last.before.bytes),
                tokens(last.kept.bytes)
            );
        }
    }
    let rate = trust.rows as f64 / seconds.max(1e-9) / 1e6;
    let _ = writeln!(text, "{} rows in {seconds:.2} s, {rate:.1} million a second", count(trust.rows));
    if trust.unexplained > 0 {
        let _ = writeln!(
            text,
            "warning: {} of {} stored verdicts are not those of the settings in run.json; the numbers above may be wrong",
            count(trust.unexplained),
            count(trust.verdicts)
        );
    } else if trust.verdicts > 0 {
        let _ = writeln!(
            text,
            "all {} stored verdicts of the changed steps come out again under the settings of the run",
            count(trust.verdicts)
        );
    }
    text
}

/// Tokens for each byte of text, where a sink counted some.
fn tokens_per_byte(run: &Run<'_>) -> Option<f64> {
    let sinks = run.record.counts.sinks.values();
    let (tokens, bytes) = sinks.filter(|sink| sink.tokens > 0).map(|sink| (sink.tokens, sink.bytes)).next()?;
    (bytes > 0).then(|| tokens as f64 / bytes as f64)
}
