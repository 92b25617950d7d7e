//! Labelled texts: JSON lines, plain or compressed, or parquet.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use crate::scorer::Fields;

/// A text and its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// As it was read.
    pub text: String,
    /// What it is: empty where nobody has said.
    pub label: String,
    /// By ISO 639-1 code, or empty.
    pub language: String,
}

impl Labelled {
    /// The label as a number.
    pub fn number(&self) -> Result<f64, String> {
        let number: Option<f64> = self.label.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| {
            format!("the label `{}` is no number; leave out --number for labels that are names", self.label)
        })
    }
}

/// Reads the text, the label (text, a number, or true or false) and the language of every row. Rows without a text are passed over.
pub fn read(path: &Path, fields: &Fields) -> Result<Vec<Labelled>, String> {
    let wrong = |error: io::Error| format!("{}: {error}", path.display());
    let mut all = Vec::new();
    for (number, row) in rows(path).map_err(wrong)?.enumerate() {
        let row: serde_json::Value = serde_json::from_slice(&row.map_err(wrong)?)
            .map_err(|error| format!("{}:{}: {error}", path.display(), number + 1))?;
        let field = |name: &str| match &row[name] {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Null => String::new(),
            other => other.to_string(),
        };
        let text = field(&fields.text);
        if text.trim().is_empty() {
            continue;
        }
        let label = field(&fields.label);
        // A head's file has them one a line.
        if label.contains(char::is_whitespace) {
            let (path, row) = (path.display(), number + 1);
            return Err(format!("{path}:{row}: the label {label:?}; a label is a word without spaces"));
        }
        all.push(Labelled { text, label, language: field(&fields.language) });
    }
    Ok(all)
}

/// Every row as an object of JSON.
fn rows(path: &Path) -> io::Result<Box<dyn Iterator<Item = io::Result<Vec<u8>>>>> {
    let name = path.to_string_lossy();
    if name.ends_with(".parquet") {
        return crate::source::rows(path);
    }
    let file = File::open(path)?;
    let lines: Box<dyn BufRead> = if name.ends_with(".zst") {
        Box::new(BufReader::new(zstd::Decoder::new(file)?))
    } else if name.ends_with(".gz") {
        Box::new(BufReader::new(flate2::read::MultiGzDecoder::new(file)))
    } else {
        Box::new(BufReader::new(file))
    };
    let lines = lines.split(b'\n').filter(|line| !line.as_ref().is_ok_and(|line| line.trim_ascii().is_empty()));
    Ok(Box::new(lines))
}
