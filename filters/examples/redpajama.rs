//! Measures texts as RedPajama-V2 does: lines of JSON strings in, one line of numbers out. With `--time`,
//! the rate.

use std::io::{BufRead, Write};

use wanjuan_filters::RedpajamaSignals;
use wanjuan_filters::kit::{Document, Filter, Measures, Setup, Step, Text};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lines: Vec<String> = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    let texts: Vec<String> = lines.iter().map(|line| serde_json::from_str(line)).collect::<Result<_, _>>()?;
    let filter = RedpajamaSignals::new(toml::from_str("")?, &mut Setup::default()).map_err(|wrong| wrong.what)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut text = Text::default();
    let info = <RedpajamaSignals as Filter>::Measure::INFO;
    if std::env::args().any(|argument| argument == "--time") {
        let (bytes, documents) = (texts.iter().map(String::len).sum::<usize>(), texts.len());
        let started = std::time::Instant::now();
        for one in texts {
            text.replace(Document::new("", one));
            std::hint::black_box(filter.measure(&text));
        }
        let seconds = started.elapsed().as_secs_f64();
        writeln!(out, "{:.0} documents/s, {:.1} MB/s", documents as f64 / seconds, bytes as f64 / 1e6 / seconds)?;
        return Ok(());
    }
    writeln!(out, "{}", info.iter().map(|info| info.name).collect::<Vec<_>>().join("\t"))?;
    for one in texts {
        text.replace(Document::new("", one));
        let mut slots = vec![0.0; info.len()];
        filter.measure(&text).store(&mut slots);
        writeln!(out, "{}", slots.iter().map(f64::to_string).collect::<Vec<_>>().join("\t"))?;
    }
    Ok(())
}
