//! Sends texts through one mapper: lines of JSON strings in, the mapped texts out in the same form.
//! With `--time`, prints how many texts changed, and the rate instead.
//!
//! `cargo run --release -p wanjuan-filters --example map -- normalize 'form = "none"' < texts.jsonl`

use std::io::{BufRead, Write};

use wanjuan_filters as filters;
use wanjuan_filters::kit::{Document, Mapper, Setup, Verdict};

type Map = Box<dyn Fn(&mut Document) -> Verdict>;

fn built<T: Mapper>(settings: &str) -> Map
where
    T::Measure: Default,
{
    let config = toml::from_str(settings).expect("settings of the step");
    let step = T::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{}", wrong.what));
    Box::new(move |document| step.map(document, &mut T::Measure::default()))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--time");
    let name = arguments.next().ok_or("which mapper?")?;
    let settings = arguments.next().unwrap_or_default();
    let map = match name.as_str() {
        "c4_lines" => built::<filters::C4Lines>(&settings),
        "chinese_variant" => built::<filters::ChineseVariant>(&settings),
        "collapse_lines" => built::<filters::CollapseLines>(&settings),
        "half_width" => built::<filters::HalfWidth>(&settings),
        "join_lines" => built::<filters::JoinLines>(&settings),
        "latex" => built::<filters::Latex>(&settings),
        "markdown" => built::<filters::Markdown>(&settings),
        "normalize" => built::<filters::Normalize>(&settings),
        _ => return Err(format!("no mapper `{name}` here").into()),
    };
    let lines: Vec<String> = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    let texts: Vec<String> = lines.iter().map(|line| serde_json::from_str(line)).collect::<Result<_, _>>()?;
    let timed = std::env::args().any(|argument| argument == "--time");
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (mut changed, mut bytes, mut seconds) = (0, 0, 0.0);
    for text in &texts {
        let mut document = Document::new("", text.clone());
        let started = std::time::Instant::now();
        map(&mut document);
        seconds += started.elapsed().as_secs_f64();
        bytes += text.len();
        changed += usize::from(document.text() != text);
        if !timed {
            writeln!(out, "{}", serde_json::to_string(document.text())?)?;
        }
    }
    if timed {
        writeln!(out, "{changed} of {} texts changed, {:.0} MB/s", texts.len(), bytes as f64 / 1e6 / seconds)?;
    }
    Ok(())
}
