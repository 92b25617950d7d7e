//! Judges texts with the FineWeb filters, each by itself: lines of JSON strings in, one line of
//! reasons out (`-` for keep). With `--time`, chains the filters as FineWeb does and prints the rate.

use std::io::{BufRead, Write};

use wanjuan_filters::kit::{Document, Filter, Mapper, Setup, Step, Text, Verdict};
use wanjuan_filters::{C4Lines, FinewebQuality, GopherQuality, GopherRepetition};

fn built<T: Step>(settings: &str) -> T {
    let config = toml::from_str(settings).expect("settings of the step");
    T::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{}", wrong.what))
}

fn judge<F: Filter>(filter: &F, text: &Text) -> Verdict {
    filter.judge(&filter.measure(text))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let repetition: GopherRepetition = built("");
    let quality: GopherQuality = built("");
    let c4: C4Lines = built("terminal_punctuation = false");
    let fineweb: FinewebQuality = built("");
    let lines: Vec<String> = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    let texts: Vec<String> = lines.iter().map(|line| serde_json::from_str(line)).collect::<Result<_, _>>()?;
    let mut text = Text::default();
    let map = |text: &mut Text| text.edit(|document| c4.map(document, &mut Default::default()));
    if std::env::args().any(|argument| argument == "--time") {
        let bytes: usize = texts.iter().map(String::len).sum();
        let documents = texts.len();
        let started = std::time::Instant::now();
        let mut kept = 0;
        for one in texts {
            text.replace(Document::new("", one));
            let keep = judge(&repetition, &text) == Verdict::Keep
                && judge(&quality, &text) == Verdict::Keep
                && map(&mut text) == Verdict::Keep
                && judge(&fineweb, &text) == Verdict::Keep;
            kept += usize::from(keep);
        }
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "{kept} of {documents} kept, {:.0} documents/s, {:.1} MB/s",
            documents as f64 / seconds,
            bytes as f64 / 1e6 / seconds
        );
        return Ok(());
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let tell = |verdict| match verdict {
        Verdict::Keep => "-",
        Verdict::Drop(reason) => reason,
    };
    for one in texts {
        text.replace(Document::new("", one));
        let (a, b, d) = (judge(&repetition, &text), judge(&quality, &text), judge(&fineweb, &text));
        let c = map(&mut text);
        let left = serde_json::to_string(text.document().text())?;
        writeln!(out, "{}\t{}\t{}\t{}\t{left}", tell(a), tell(b), tell(c), tell(d))?;
    }
    Ok(())
}
