//! Rewrites texts with one mapper: `rewrite STEP SETTINGS`, lines of JSON strings in; out, lines of JSON
//! arrays with the reason to drop it (`-` for none) and the text. With `--time`, prints the rate alone.

use std::io::{BufRead, Write};

use wanjuan_filters::kit::{Document, Mapper, Setup, Verdict};
use wanjuan_filters::{BoilerplateLines, CitationMarks, HtmlRemnants, Pii, RefinedwebLines};

fn run<M>(settings: &str, texts: Vec<String>, time: bool) -> Result<(), Box<dyn std::error::Error>>
where
    M: Mapper<Measure: Default>,
{
    let mut setup = Setup { step: M::NAME.to_owned(), ..Setup::default() };
    let step = M::new(toml::from_str(settings)?, &mut setup).unwrap_or_else(|wrong| panic!("{}", wrong.what));
    let bytes: usize = texts.iter().map(String::len).sum();
    let documents: Vec<Document> =
        texts.into_iter().enumerate().map(|(at, text)| Document::new(at.to_string(), text)).collect();
    let started = std::time::Instant::now();
    let mut told = Vec::with_capacity(documents.len());
    for mut document in documents {
        let verdict = step.map(&mut document, &mut Default::default());
        told.push((verdict, document));
    }
    let seconds = started.elapsed().as_secs_f64();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if time {
        writeln!(out, "{:.1} MB/s", bytes as f64 / 1e6 / seconds)?;
        return Ok(());
    }
    for (verdict, document) in told {
        let reason = match verdict {
            Verdict::Keep => "-",
            Verdict::Drop(reason) => reason,
        };
        writeln!(out, "{}", serde_json::json!([reason, document.text()]))?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [step, settings, rest @ ..] = &arguments[..] else { return Err("rewrite STEP SETTINGS [--time]".into()) };
    let time = rest.iter().any(|argument| argument == "--time");
    let lines: Vec<String> = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    let texts: Vec<String> = lines.iter().map(|line| serde_json::from_str(line)).collect::<Result<_, _>>()?;
    match step.as_str() {
        "boilerplate_lines" => run::<BoilerplateLines>(settings, texts, time),
        "citation_marks" => run::<CitationMarks>(settings, texts, time),
        "html_remnants" => run::<HtmlRemnants>(settings, texts, time),
        "pii" => run::<Pii>(settings, texts, time),
        "refinedweb_lines" => run::<RefinedwebLines>(settings, texts, time),
        other => Err(format!("no mapper `{other}` here").into()),
    }
}
