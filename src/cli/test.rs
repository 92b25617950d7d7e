//! `wanjuan test`: the `[[test]]` cases of a pipeline file.

use std::path::PathBuf;

use clap::Args;
use wanjuan_filters::kit::{Document, Text, Value, Verdict};

use super::{Exit, Output, load, say};
use crate::config::{Case, Pipeline};
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

/// What became of a document.
struct Came {
    document: Document,
    /// The step and its reason.
    dropped: Option<(String, &'static str)>,
}

/// Sends one document along the first way through the graph. A stage sees it alone: there is nothing
/// it could be a duplicate of.
fn send(pipeline: &Pipeline, mut document: Document) -> Came {
    document.measures = vec![f64::NAN; pipeline.measures().len()];
    let mut text = Text::new(document);
    for entry in &pipeline.entries {
        if entry.selects.as_ref().is_some_and(|predicate| !predicate.eval(text.document())) {
            continue;
        }
        let mut measures = text.edit(|document| std::mem::take(&mut document.measures));
        let slots = &mut measures[entry.slots.clone()];
        let verdict = match &entry.instance.built {
            Built::Filter(filter) => filter.measure_and_judge(&text, slots),
            Built::Mapper(mapper) => text.edit(|document| mapper.map(document, slots)),
            Built::Stage(stage) => text.edit(|document| stage.apply(document, None)),
            Built::Source(_) | Built::Sink(_) => Verdict::Keep,
        };
        text.edit(|document| document.measures = measures);
        if let Verdict::Drop(reason) = verdict {
            return Came { document: text.replace(Document::default()), dropped: Some((entry.name.clone(), reason)) };
        }
    }
    Came { document: text.replace(Document::default()), dropped: None }
}

fn judge(pipeline: &Pipeline, case: &Case) -> Result<(), String> {
    let mut document = Document::new(case.id.clone(), case.text.clone());
    for (name, value) in &case.fields {
        if let Some(value) = field(value) {
            document.set_field(*name, value);
        }
    }
    let came = send(pipeline, document);
    match (&case.expect.drop, &came.dropped) {
        (None, Some((step, reason))) => return Err(format!("it was dropped by `{step}`: {reason}")),
        (Some(reason), None) => return Err(format!("it was kept; `{reason}` was expected")),
        (Some(expected), Some((step, reason))) => {
            if expected != reason {
                return Err(format!("`{step}` dropped it for `{reason}`; `{expected}` was expected"));
            }
            if let Some(by) = case.expect.by.as_ref().filter(|by| *by != step) {
                return Err(format!("`{step}` dropped it; `{by}` was expected to"));
            }
        }
        (None, None) => {}
    }
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
