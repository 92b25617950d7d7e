//! `wanjuan why`: the way of one document through a finished run.

use std::fmt::Write;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use clap::Args;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;
use serde_json::Value;
use wanjuan_filters::kit::{Reason, Step as _};

use super::{Exit, Output, say};
use crate::engine::commit::at;
use crate::engine::lane::{MEASURES, SET_ASIDE};
use crate::engine::outcome::{Instead, KEPT_INSTEAD, PLACE, instead};
use crate::engine::publish::read_manifest;
use crate::engine::session::{RunRecord, StepRecord, read_record};
use crate::registry::Registry;
use crate::report::held::{self, number, value};
use crate::rule::Rule;
use crate::visible::visible_line;

/// Tell what happened to one document of a finished run
#[derive(Args)]
#[command(after_help = "Example:\n  wanjuan why out/my-corpus doc-17")]
pub struct Why {
    /// The output folder of the run
    out: PathBuf,
    /// The document's id
    id: String,
    /// How to answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl Why {
    pub fn run(self, registry: &Registry) -> Exit {
        let record = match read_record(&self.out) {
            Ok(record) => record,
            Err(error) => {
                tell!("error: {error}");
                tell!("help: give the output folder of a run that has finished");
                return Exit::Wrong;
            }
        };
        let found = match find(&self.out, |batch, row| text(batch, "id", row) == Some(&self.id)) {
            Ok(found) => found,
            Err(error) => {
                tell!("error: {error}");
                return Exit::Machine;
            }
        };
        let set_aside = match set_aside(&self.out, &self.id) {
            Ok(set_aside) => set_aside,
            Err(error) => {
                tell!("error: {error}");
                return Exit::Machine;
            }
        };
        if found.is_empty() && set_aside.is_empty() {
            tell!("error: no document of this run is called `{}`", self.id);
            tell!("help: a record that became no document is in {}", self.out.join(SET_ASIDE).display());
            return Exit::Wrong;
        }
        match self.output {
            Output::Text => {
                found.iter().for_each(|way| say(&way.tell(&self.out, &record, registry)));
                set_aside.iter().for_each(|aside| say(&aside.tell(&self.id)));
            }
            Output::Json => say(&format!(
                "{:#}\n",
                serde_json::json!(
                    found
                        .iter()
                        .map(|way| way.json(&self.out, &record, registry))
                        .chain(set_aside.iter().map(|aside| aside.json(&self.id)))
                        .collect::<Vec<_>>()
                )
            )),
        }
        Exit::Done
    }
}

/// A line of `set-aside/`: a record that became no document, or a document that a step could not bear.
#[derive(Deserialize)]
struct Aside {
    place: String,
    ordinal: u64,
    reason: String,
    detail: String,
}

impl Aside {
    fn tell(&self, id: &str) -> String {
        let (id, detail) = (visible_line(id), visible_line(&self.detail));
        format!("{id}\n  record {} of its split\nset aside: {}, {detail}\n", self.ordinal, self.reason)
    }

    fn json(&self, id: &str) -> serde_json::Value {
        serde_json::json!({
            "id": id,
            "ordinal": self.ordinal,
            "verdict": "set_aside",
            "reason": self.reason,
            "detail": self.detail,
        })
    }
}

/// What was set aside under this name.
fn set_aside(out: &Path, id: &str) -> io::Result<Vec<Aside>> {
    let folder = out.join(SET_ASIDE);
    let mut found = Vec::new();
    for file in read_manifest(&folder).shards.iter().flat_map(|shard| &shard.files) {
        let path = folder.join(&file.name);
        let lines = BufReader::new(zstd::Decoder::new(File::open(&path).map_err(at(&path))?)?);
        for line in lines.lines() {
            let aside: Aside = serde_json::from_str(&line?)?;
            if aside.place == id {
                found.push(aside);
            }
        }
    }
    Ok(found)
}

/// One row of `measures/`.
struct Way {
    id: String,
    split: String,
    ordinal: u64,
    step: String,
    reason: Option<String>,
    kept_instead: Option<String>,
    fields: Vec<(String, String)>,
    measures: Vec<(String, f64)>,
}

impl Way {
    fn read(batch: &RecordBatch, row: usize) -> Way {
        let mut way = Way {
            id: text(batch, "id", row).unwrap_or_default().to_owned(),
            split: text(batch, "split", row).unwrap_or_default().to_owned(),
            ordinal: batch.column_by_name("ordinal").map_or(0, |column| column.as_primitive::<UInt64Type>().value(row)),
            step: text(batch, "step", row).unwrap_or_default().to_owned(),
            reason: text(batch, "reason", row).map(str::to_owned),
            kept_instead: text(batch, KEPT_INSTEAD, row).map(str::to_owned),
            fields: Vec::new(),
            measures: Vec::new(),
        };
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()).skip(PLACE.len()) {
            if column.is_null(row) || field.name() == KEPT_INSTEAD {
                continue;
            }
            match column.as_primitive_opt::<Float64Type>() {
                Some(numbers) if field.name().contains('.') => {
                    way.measures.push((field.name().clone(), numbers.value(row)))
                }
                Some(numbers) => way.fields.push((field.name().clone(), numbers.value(row).to_string())),
                None => {
                    let shown = match column.as_string_opt::<i32>() {
                        Some(texts) => texts.value(row).to_owned(),
                        None => column.as_boolean_opt().map_or_else(
                            || column.as_primitive::<arrow_array::types::Int64Type>().value(row).to_string(),
                            |booleans| booleans.value(row).to_string(),
                        ),
                    };
                    way.fields.push((field.name().clone(), shown));
                }
            }
        }
        way
    }

    /// The id of the document that was kept in its stead, and the index that holds it, if it is not of this run.
    fn kept(&self, out: &Path) -> Option<(String, Option<&str>)> {
        let (split, ordinal) = match instead(self.kept_instead.as_ref()?)? {
            Instead::Here(split, ordinal) => (split, ordinal),
            Instead::Indexed(index, id) => return Some((id.to_owned(), Some(index))),
        };
        let same = |batch: &RecordBatch, row: usize| {
            text(batch, "split", row) == Some(split)
                && batch
                    .column_by_name("ordinal")
                    .is_some_and(|column| column.as_primitive::<UInt64Type>().value(row) == ordinal)
        };
        find(out, same).ok()?.into_iter().next().map(|way| (way.id, None))
    }

    fn tell(&self, out: &Path, record: &RunRecord, registry: &Registry) -> String {
        let mut text =
            format!("{}, record {} of {}\n", visible_line(&self.id), self.ordinal, visible_line(&self.split));
        match &self.reason {
            Some(reason) => {
                let _ = writeln!(text, "dropped by {}: {reason}", self.step);
            }
            None => {
                let _ = writeln!(text, "kept: written by {}", self.step);
            }
        }
        if let Some(decided) = self.decided(record, registry) {
            let _ = writeln!(text, "  {}", decided.told());
        }
        if let Some((kept, index)) = self.kept(out) {
            let index = index.map(|index| format!(", of the index {index}")).unwrap_or_default();
            let _ = writeln!(text, "kept in its stead: {}{index}", visible_line(&kept));
        }
        if !self.fields.is_empty() {
            let width = self.fields.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + 2;
            text.push_str("\nfields\n");
            for (name, value) in &self.fields {
                let _ = writeln!(text, "  {name:<width$}{}", visible_line(value));
            }
        }
        for step in record.steps.iter().filter(|step| !["source", "sink"].contains(&step.kind.as_str())) {
            let measures: Vec<_> = self.measured(step).collect();
            if !measures.is_empty() {
                let width = measures.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(22) + 2;
                let _ = writeln!(text, "\n{}", step.name);
                for (name, value) in measures {
                    let bounds = bounds(step, registry, name);
                    let _ = writeln!(text, "{}", format!("  {name:<width$}{:<10}{bounds}", shown(value)).trim_end());
                }
            }
            if step.name == self.step {
                break;
            }
        }
        text
    }

    /// The measures of a step, by their own names.
    fn measured(&self, step: &StepRecord) -> impl Iterator<Item = (&str, f64)> {
        let prefix = format!("{}.", step.name);
        self.measures.iter().filter_map(move |(name, value)| {
            let name = name.strip_prefix(&prefix).filter(|rest| !rest.contains('.'))?;
            Some((name, *value))
        })
    }

    /// Which setting dropped it, and what was measured: of a reason with two settings the one that was not met.
    fn decided(&self, record: &RunRecord, registry: &Registry) -> Option<Decided> {
        let reason = self.reason.as_deref()?;
        let step = record.steps.iter().find(|step| step.name == self.step)?;
        if step.uses == Rule::NAME {
            return Some(Decided { setting: "drop_if".into(), value: value(step, "drop_if"), measured: None });
        }
        let row = |row: &Reason| {
            let wanted = row.measure();
            let measured = self.measured(step).find(|(name, _)| Some(*name) == wanted);
            Some((row.setting?, measured.map(|(name, value)| (name.to_owned(), value))))
        };
        let entry = registry.find("step", &step.uses)?;
        let rows: Vec<_> = entry.reasons.iter().filter(|row| row.name == reason).filter_map(row).collect();
        let broken = |(setting, measured): &&(&str, Option<(String, f64)>)| {
            let (Some((_, measured)), Some(bound)) = (measured, number(&value(step, setting))) else { return false };
            if setting.starts_with("min_") { *measured < bound } else { *measured > bound }
        };
        let (setting, measured) = rows.iter().find(broken).or(rows.first())?.clone();
        Some(Decided { setting: setting.to_owned(), value: value(step, setting), measured })
    }

    fn json(&self, out: &Path, record: &RunRecord, registry: &Registry) -> serde_json::Value {
        let decided = self.decided(record, registry);
        let (kept, index) = self.kept(out).unzip();
        let mut told = serde_json::json!({
            "id": self.id,
            "split": self.split,
            "ordinal": self.ordinal,
            "step": self.step,
            "verdict": if self.reason.is_some() { "drop" } else { "keep" },
            "reason": self.reason,
            "setting": decided.as_ref().map(|decided| &decided.setting),
            "value": decided.as_ref().map(|decided| &decided.value),
            "measured": decided.as_ref().and_then(|decided| decided.measured.as_ref()).map(|(_, value)| value),
            "kept_instead": kept,
            "fields": self.fields.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "measures": self.measures.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        });
        if let Some(index) = index.flatten() {
            told["kept_in_index"] = index.into();
        }
        told
    }
}

/// The setting that dropped a document.
struct Decided {
    setting: String,
    value: Value,
    measured: Option<(String, f64)>,
}

impl Decided {
    /// `max_dup_lines 0.3, measured 0.31`
    fn told(&self) -> String {
        let Decided { setting, value, measured } = self;
        let Some((name, measured)) = measured else { return format!("{setting} {}", plain(value)) };
        let mut short = shown(*measured);
        if number(value).is_some_and(|bound| shown(bound) == short && bound != *measured) {
            short = measured.to_string();
        }
        let called = setting.strip_prefix("min_").or(setting.strip_prefix("max_"));
        let name = if called == Some(name) { String::new() } else { format!(" ({name})") };
        format!("{setting} {}, measured {short}{name}", plain(value))
    }
}

/// A setting's value without quotes, a whole number without its decimals.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => visible_line(text),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string()),
        value => value.to_string(),
    }
}

fn shown(value: f64) -> String {
    if value.fract() == 0.0 { value.to_string() } else { format!("{value:.4}") }
}

/// The settings that look at a measure, with their values.
fn bounds(step: &StepRecord, registry: &Registry, measure: &str) -> String {
    let told = |setting| format!("{setting} {}", plain(&value(step, setting)));
    held::settings(step, registry, measure).map(told).collect::<Vec<_>>().join(", ")
}

fn text<'a>(batch: &'a RecordBatch, column: &str, row: usize) -> Option<&'a str> {
    let column = batch.column_by_name(column)?.as_string_opt::<i32>()?;
    column.is_valid(row).then(|| column.value(row))
}

fn find(out: &Path, wanted: impl Fn(&RecordBatch, usize) -> bool) -> io::Result<Vec<Way>> {
    let folder = out.join(MEASURES);
    let mut found = Vec::new();
    for file in read_manifest(&folder).shards.iter().flat_map(|shard| &shard.files) {
        let path = folder.join(&file.name);
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).map_err(at(&path))?)
            .map_err(io::Error::other)?;
        for batch in reader.build().map_err(io::Error::other)? {
            let batch = batch.map_err(io::Error::other)?;
            found.extend((0..batch.num_rows()).filter(|&row| wanted(&batch, row)).map(|row| Way::read(&batch, row)));
        }
    }
    Ok(found)
}
