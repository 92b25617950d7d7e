//! `wanjuan why`: the way of one document through a finished run.

use std::fmt::Write;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use clap::Args;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{Exit, Output, say};
use crate::engine::commit::at;
use crate::engine::outcome::{KEPT_INSTEAD, PLACE};
use crate::engine::publish::read_manifest;
use crate::engine::session::{RunRecord, read_record};

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
    pub fn run(self) -> Exit {
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
        if found.is_empty() {
            tell!("error: no document of this run is called `{}`", self.id);
            tell!("help: a record that became no document is in {}", self.out.join("set-aside").display());
            return Exit::Wrong;
        }
        match self.output {
            Output::Text => found.iter().for_each(|way| say(&way.tell(&self.out, &record))),
            Output::Json => say(&format!(
                "{:#}\n",
                serde_json::json!(found.iter().map(|way| way.json(&self.out)).collect::<Vec<_>>())
            )),
        }
        Exit::Done
    }
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

    /// The id of the document that was kept in its stead.
    fn kept(&self, out: &Path) -> Option<String> {
        let (split, ordinal) = self.kept_instead.as_ref()?.rsplit_once('#')?;
        let ordinal: u64 = ordinal.parse().ok()?;
        let same = |batch: &RecordBatch, row: usize| {
            text(batch, "split", row) == Some(split)
                && batch
                    .column_by_name("ordinal")
                    .is_some_and(|column| column.as_primitive::<UInt64Type>().value(row) == ordinal)
        };
        find(out, same).ok()?.into_iter().next().map(|way| way.id)
    }

    fn tell(&self, out: &Path, record: &RunRecord) -> String {
        let mut text = format!("{}\n  record {} of {}\n", self.id, self.ordinal, self.split);
        for (name, value) in &self.fields {
            let _ = writeln!(text, "  {name} = {value}");
        }
        for step in record.steps.iter().filter(|step| !["source", "sink"].contains(&step.kind.as_str())) {
            let prefix = format!("{}.", step.name);
            let ended = step.name == self.step;
            let measures: Vec<_> = self.measures.iter().filter(|(name, _)| name.starts_with(&prefix)).collect();
            if measures.is_empty() && !ended {
                continue;
            }
            let _ = writeln!(text, "  {}", step.name);
            for (name, value) in measures {
                let value = if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.4}") };
                let _ = writeln!(text, "    {:<36}{value}", &name[prefix.len()..]);
            }
            if ended {
                break;
            }
        }
        match &self.reason {
            Some(reason) => {
                let _ = writeln!(text, "dropped by {}: {reason}", self.step);
            }
            None => {
                let _ = writeln!(text, "kept: written by {}", self.step);
            }
        }
        if let Some(kept) = self.kept(out) {
            let _ = writeln!(text, "kept in its stead: {kept}");
        }
        text
    }

    fn json(&self, out: &Path) -> serde_json::Value {
        serde_json::json!({
            "id": self.id,
            "split": self.split,
            "ordinal": self.ordinal,
            "step": self.step,
            "verdict": if self.reason.is_some() { "drop" } else { "keep" },
            "reason": self.reason,
            "kept_instead": self.kept(out),
            "fields": self.fields.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "measures": self.measures.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        })
    }
}

fn text<'a>(batch: &'a RecordBatch, column: &str, row: usize) -> Option<&'a str> {
    let column = batch.column_by_name(column)?.as_string_opt::<i32>()?;
    column.is_valid(row).then(|| column.value(row))
}

fn find(out: &Path, wanted: impl Fn(&RecordBatch, usize) -> bool) -> io::Result<Vec<Way>> {
    let folder = out.join("measures");
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
