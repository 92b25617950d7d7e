//! Looks for words: lines of JSON with `text` and `lang` in, for each a line of JSON out: the reason (null
//! for keep) and the measures. Arguments: `bad_words` or `listed_words`, and the step's settings in TOML.
//! The rate on one thread goes to stderr, without the reading and writing of JSON.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use wanjuan_filters::kit::{Document, Filter, Measures, Name, Setup, Text, Verdict};
use wanjuan_filters::{BadWords, ListedWords};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let step = arguments.next().ok_or("which step?")?;
    let settings = arguments.next().unwrap_or_default();
    match step.as_str() {
        "bad_words" => judge::<BadWords>(&settings),
        "listed_words" => judge::<ListedWords>(&settings),
        other => Err(format!("no step `{other}` here").into()),
    }
}

fn judge<F: Filter>(settings: &str) -> Result<(), Box<dyn std::error::Error>> {
    let started = Instant::now();
    let mut setup = Setup { folder: PathBuf::from("."), ..Setup::default() };
    let step = F::new(toml::from_str(settings)?, &mut setup).map_err(|wrong| wrong.what)?;
    let built = started.elapsed().as_secs_f64();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (mut took, mut bytes, mut slots) = (Duration::ZERO, 0, vec![f64::NAN; F::Measure::INFO.len()]);
    let mut text = Text::default();
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        let row: serde_json::Value = serde_json::from_str(&line?)?;
        let mut document = Document::new(number.to_string(), row["text"].as_str().ok_or("a row without `text`")?);
        bytes += document.text().len();
        if let Some(lang) = row["lang"].as_str() {
            document.set_field(Name::new("lang"), lang);
        }
        text.replace(document);
        let started = Instant::now();
        let measure = step.measure(&text);
        let verdict = step.judge(&measure);
        took += started.elapsed();
        measure.store(&mut slots);
        let mut told = serde_json::Map::new();
        told.insert(
            "reason".into(),
            match verdict {
                Verdict::Keep => serde_json::Value::Null,
                Verdict::Drop(reason) => reason.into(),
            },
        );
        for (info, value) in F::Measure::INFO.iter().zip(&slots) {
            told.insert(info.name.into(), (*value).into());
        }
        writeln!(out, "{}", serde_json::Value::Object(told))?;
    }
    out.flush()?;
    eprintln!("built in {built:.2} s, {:.1} MB/s", bytes as f64 / 1e6 / took.as_secs_f64());
    Ok(())
}
