//! Texts with labels, from files of JSON lines and parquet.

use std::io;

use serde_json::Value;
use wanjuan_models::fasttext::{LID_176, Model, Scratch};

use super::Error;
use crate::source::{Limits, MAX_RATIO, objects};
use crate::store::Input;

/// A text, what it is, and its language.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Example {
    /// As it was read.
    pub text: String,
    /// What it is.
    pub label: String,
    /// By ISO 639-1 code where there is one.
    pub language: String,
}

/// Where a record says what; dots reach into nested objects.
#[derive(Debug, Clone)]
pub struct Fields {
    /// The text.
    pub text: String,
    /// The label, where all texts of a file are not of one.
    pub label: String,
    /// The language. Where a record has none, the language model that comes along is asked.
    pub language: String,
}

impl Default for Fields {
    fn default() -> Fields {
        Fields { text: "text".into(), label: "label".into(), language: "lang".into() }
    }
}

/// Which label a text has.
#[derive(Debug, Clone, Copy)]
pub enum Label<'a> {
    /// All have this one.
    All(&'a str),
    /// That which its record says.
    Each,
    /// That which its record says, or none: nobody has said yet.
    Perhaps,
}

/// Reads examples.
pub struct Reader {
    fields: Fields,
    languages: Model,
    scratch: Scratch,
    first_bad: Option<String>,
}

const LIMITS: Limits = Limits { batch_bytes: 4 << 20, max_document: 256 << 20, max_ratio: MAX_RATIO };
/// Characters that the language is found from.
const LANGUAGE_CHARS: usize = 1000;

impl Reader {
    /// `fields` say where things stand.
    pub fn new(fields: Fields) -> Reader {
        let languages = Model::from_bytes(LID_176).expect("the model that comes along is one");
        Reader { fields, languages, scratch: Scratch::default(), first_bad: None }
    }

    /// The first record that was bad: its file, its number, and why.
    pub fn first_bad(&self) -> Option<&str> {
        self.first_bad.as_deref()
    }

    /// Shows every example of a file, and returns how many records were bad. An empty text is
    /// passed over.
    pub fn read(
        &mut self,
        input: &Input,
        label: Label<'_>,
        mut see: impl FnMut(Example) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        let name = input.location.display().to_string();
        let failed = |error: io::Error| Error::Machine(format!("{name}: {error}"));
        let (mut number, mut bad) = (0_u64, 0);
        for object in objects(input, LIMITS).map_err(failed)? {
            number += 1;
            let parsed = match object.map_err(failed)? {
                Ok(bytes) => serde_json::from_slice::<Value>(&bytes).map_err(|error| error.to_string()),
                Err(bad) => Err(bad.detail),
            };
            let record = match parsed {
                Ok(record) => record,
                Err(why) => {
                    bad += 1;
                    self.first_bad.get_or_insert_with(|| format!("{name}: record {number}: {why}"));
                    continue;
                }
            };
            let Some(text) = at(&record, &self.fields.text) else {
                return Err(Error::wrong(
                    format!("{name}: record {number} has no text at `{}`", self.fields.text),
                    "--text names the member or column",
                ));
            };
            if text.trim().is_empty() {
                continue;
            }
            let own = || at(&record, &self.fields.label).filter(|label| !label.is_empty());
            let label = match label {
                Label::All(label) => label.to_owned(),
                Label::Perhaps => own().unwrap_or_default(),
                Label::Each => own().ok_or_else(|| {
                    let what = format!("{name}: record {number} has no label at `{}`", self.fields.label);
                    Error::wrong(what, "--label names the member or column")
                })?,
            };
            if label.contains(char::is_whitespace) {
                let what = format!("{name}: record {number} has the label {label:?}");
                return Err(Error::wrong(what, "a label is a word without spaces"));
            }
            let language = at(&record, &self.fields.language).filter(|language| !language.is_empty());
            let language = language.unwrap_or_else(|| self.language(&text));
            see(Example { text, label, language })?;
        }
        Ok(bad)
    }

    fn language(&mut self, text: &str) -> String {
        let start = wanjuan_filters::kit::first_chars(text, Some(LANGUAGE_CHARS));
        let best = self.languages.predict(start, 1, 0.0, &mut self.scratch).first();
        best.map_or_else(|| "und".to_owned(), |best| self.languages.labels()[best.label].clone())
    }
}

/// A text, number or truth value at a path.
fn at(record: &Value, path: &str) -> Option<String> {
    let value = path.split('.').try_fold(record, |value, name| value.get(name))?;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}
