//! Judges texts with Gopher's, C4's and FineWeb's rules, each by itself: lines of JSON strings in, one
//! line of reasons out (`-` for keep), and what C4 has left of the text. With `--time`, chains the four
//! until one drops, and prints what is kept and the rate per CPU-second.
//!
//! The first argument says whose rules: `en` and `zh` are the defaults with words as datatrove cuts
//! them, `fineweb-2-cmn_Hani` and the like a profile.

use std::io::{BufRead, Write};

use wanjuan_filters::kit::{Document, Filter, Mapper, Setup, Step, Text, Verdict};
use wanjuan_filters::{C4Lines, FinewebQuality, GopherQuality, GopherRepetition};

/// A step by its profile, if it has one of that name, and what is set besides.
fn built<T: Step>(profile: &str, besides: &str) -> T {
    let profile = T::PROFILES.iter().find(|known| known.name == profile);
    let mut settings: toml::Table = profile.map_or("", |profile| profile.settings).parse().expect("TOML");
    settings.extend(besides.parse::<toml::Table>().expect("TOML"));
    T::new(settings.try_into().expect("settings of the step"), &mut Setup::default())
        .unwrap_or_else(|wrong| panic!("{}", wrong.what))
}

fn judge<F: Filter>(filter: &F, text: &Text) -> Verdict {
    filter.judge(&filter.measure(text))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rules = std::env::args().nth(1).ok_or("whose rules?")?;
    let chinese = rules == "zh" || rules.ends_with("cmn_Hani");
    let words = if chinese { "words = 'chinese'" } else { "" };
    let repetition: GopherRepetition = built(&rules, words);
    let quality: GopherQuality = built(&rules, words);
    let fineweb: FinewebQuality = built(&rules, words);
    // A Chinese line has few words between spaces.
    let lines = if chinese { "min_line_words = 0" } else { "" };
    let c4: C4Lines = built("fineweb", &format!("{words}\n{lines}"));
    let input: Vec<String> = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    let texts: Vec<String> = input.iter().map(|line| serde_json::from_str(line)).collect::<Result<_, _>>()?;
    let mut text = Text::default();
    let map = |text: &mut Text| text.edit(|document| c4.map(document, &mut Default::default()));
    if std::env::args().any(|argument| argument == "--time") {
        let bytes: usize = texts.iter().map(String::len).sum();
        // Dictionaries are loaded when they are first needed.
        for one in texts.iter().take(10) {
            text.replace(Document::new("", one.as_str()));
            let _ = (judge(&repetition, &text), judge(&quality, &text), map(&mut text), judge(&fineweb, &text));
        }
        let documents: Vec<Document> = texts.into_iter().map(|text| Document::new("", text)).collect();
        let (count, started) = (documents.len(), cpu_seconds());
        let mut kept = 0;
        for document in documents {
            text.replace(document);
            let keep = judge(&repetition, &text) == Verdict::Keep
                && judge(&quality, &text) == Verdict::Keep
                && map(&mut text) == Verdict::Keep
                && judge(&fineweb, &text) == Verdict::Keep;
            kept += usize::from(keep);
        }
        let seconds = cpu_seconds() - started;
        println!("{kept} {count} {bytes} {seconds}");
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

/// Of this thread alone.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).expect("a number") / 1e9
}
