//! `wanjuan test`: the `[[test]]` cases of a pipeline file.

use std::path::PathBuf;

use clap::Args;
use wanjuan_filters::kit::{Document, Text, Value, Verdict};

use super::{Exit, Output, load, say};
use crate::config::{Case, Pipeline};
use crate::engine::flow::NOT_SELECTED;
use crate::engine::outcome::json;
use crate::registry::{Built, Registry};

/// Run the [[test]] cases of a pipeline file
#[derive(Args)]
#[command(after_help = "\
A case in the file:
  [[test]]
  input = { text = \"lorem ipsum dolor\" }
  expect = { drop = \"too_few_words\", by = \"gopher_quality\" }")]
pub struct Test {
    /// The pipeline file
    file: PathBuf,
    /// Override a setting, as `run` does
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// How to answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl Test {
    pub fn run(self, registry: &Registry) -> Exit {
        let pipeline = match load(registry, &self.file, &self.sets, self.output) {
            Ok(pipeline) => pipeline,
            Err(exit) => return exit,
        };
        let results: Vec<(&Case, Result<(), String>)> =
            pipeline.tests.iter().map(|case| (case, judge(&pipeline, case))).collect();
        let failed = results.iter().filter(|(_, result)| result.is_err()).count();
        match self.output {
            Output::Text => {
                for (case, result) in &results {
                    let name = case.name.clone().unwrap_or_else(|| format!("line {}", case.line));
                    match result {
                        Ok(()) => say(&format!("ok      {name}\n")),
                        Err(what) => say(&format!("FAILED  {name}: {what}\n")),
                    }
                }
                say(&format!("{} passed, {failed} failed\n", results.len() - failed));
            }
            Output::Json => {
                let cases = results.iter().map(|(case, result)| serde_json::json!({ "name": case.name, "line": case.line, "failed": result.as_ref().err() }));
                say(&format!("{:#}\n", serde_json::json!(cases.collect::<Vec<_>>())));
            }
        }
        if failed > 0 { Exit::TestFailed } else { Exit::Done }
    }
}

/// Where a way of a document ended.
struct End {
    document: Document,
    /// The last step, and the reason if it was dropped there.
    by: String,
    reason: Option<&'static str>,
}

/// Sends a document into an entry and along every way from there. A stage sees it alone: there is
/// nothing it could be a duplicate of.
fn send(pipeline: &Pipeline, at: usize, document: Document, ends: &mut Vec<End>) {
    let entry = &pipeline.entries[at];
    let mut text = Text::new(document);
    let concerned = entry.selects.as_ref().is_none_or(|predicate| predicate.eval(text.document()));
    let mut measures = match &entry.instance.built {
        Built::Rule(_) => Vec::new(), // it judges by measures of others
        _ => text.edit(|document| std::mem::take(&mut document.measures)),
    };
    let slots = measures.get_mut(entry.slots.clone()).unwrap_or_default();
    let verdict = match &entry.instance.built {
        Built::Source(_) | Built::Sink(_) if concerned => Verdict::Keep,
        Built::Source(_) | Built::Sink(_) => Verdict::Drop(NOT_SELECTED),
        _ if !concerned => Verdict::Keep,
        Built::Filter(filter) => filter.measure_and_judge(&text, slots),
        Built::Rule(rule) => rule.judge(&mut text, entry.slots.clone()),
        Built::Mapper(mapper) => text.edit(|document| mapper.map(document, slots)),
        Built::Stage(stage) => text.edit(|document| stage.apply(document, None)),
    };
    if !matches!(entry.instance.built, Built::Rule(_)) {
        text.edit(|document| document.measures = measures);
    }
    let document = text.replace(Document::default());
    let reason = match verdict {
        Verdict::Keep => None,
        Verdict::Drop(_) if entry.only_measures => None,
        Verdict::Drop(reason) => Some(reason),
    };
    if reason.is_some() || entry.kind == "sink" {
        return ends.push(End { document, by: entry.name.clone(), reason });
    }
    for (reader, _) in pipeline.entries.iter().enumerate().filter(|(_, reader)| reader.inputs.contains(&at)) {
        send(pipeline, reader, document.clone(), ends);
    }
}

fn judge(pipeline: &Pipeline, case: &Case) -> Result<(), String> {
    let mut document = Document::new(case.id.clone(), case.text.clone());
    for (name, value) in &case.fields {
        if let Some(value) = field(value) {
            document.set_field(*name, value);
        }
    }
    document.measures = vec![f64::NAN; pipeline.measures().len()];
    let source = pipeline.entries.iter().position(|entry| match &case.source {
        Some(name) => entry.name == *name,
        None => entry.kind == "source",
    });
    let mut ends = Vec::new();
    send(pipeline, source.expect("a pipeline has a source, and the checker knows those of tests"), document, &mut ends);
    let kept = ends.iter().find(|end| end.reason.is_none());
    let told: Vec<String> = ends.iter().filter_map(|end| Some(format!("`{}`: {}", end.by, end.reason?))).collect();
    let told = told.join(", ");
    let came = match (&case.expect.drop, kept) {
        (None, Some(kept)) => kept,
        (None, None) => return Err(format!("it was dropped by {told}")),
        (Some(reason), Some(kept)) => return Err(format!("`{}` kept it; `{reason}` was expected", kept.by)),
        (Some(reason), None) => {
            let right =
                |end: &&End| end.reason == Some(reason) && case.expect.by.as_ref().is_none_or(|by| *by == end.by);
            match ends.iter().find(right) {
                Some(end) => end,
                None => {
                    let by = case.expect.by.as_ref().map_or_else(String::new, |by| format!("`{by}`: "));
                    return Err(format!("it was dropped by {told}; {by}{reason} was expected"));
                }
            }
        }
    };
    if let Some(expected) = case.expect.text.as_ref().filter(|expected| *expected != came.document.text()) {
        return Err(format!("its text became {:?}; {expected:?} was expected", came.document.text()));
    }
    for (name, expected) in &case.expect.fields {
        let found = came.document.field(*name);
        if found != field(expected).as_ref() {
            let found = found.map_or("nothing".to_owned(), |value| json(value).to_string());
            return Err(format!("the field `{name}` is {found}; {expected} was expected"));
        }
    }
    Ok(())
}

fn field(value: &toml::Value) -> Option<Value> {
    match value {
        toml::Value::String(text) => Some(text.as_str().into()),
        toml::Value::Datetime(datetime) => Some(datetime.to_string().into()),
        toml::Value::Integer(integer) => Some((*integer).into()),
        toml::Value::Float(number) => Some((*number).into()),
        toml::Value::Boolean(boolean) => Some((*boolean).into()),
        _ => None,
    }
}
