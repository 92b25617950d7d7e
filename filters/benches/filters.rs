//! How fast documents are judged: `cargo bench -p wanjuan-filters --bench filters -- LANG FILE.jsonl.zst...`.
//!
//! Rows {text, lang}, of which those in LANG (`en`, `zh`, …; `all` for every row) are read. Prints MB of
//! text per CPU-second of one thread, beside what is kept: for cutting words alone, for each filter by
//! itself, and for all of Gopher, C4 and FineWeb as one chain that shares one `Text`.
//! `tests/conformance/` runs the peers on the same files.

use std::io::{BufRead, BufReader};

use wanjuan_filters::kit::{Document, Filter, Mapper, Setup, Step, Text, Verdict, Words};
use wanjuan_filters::{C4Lines, Dingo, FinewebQuality, GopherQuality, GopherRepetition, InformationDensity};
use wanjuan_filters::{
    InformationQuality, MadladQuality, Perplexity, RedpajamaSignals, Statistics, TextQuality, Value,
};

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let lang = arguments.next().unwrap_or_else(|| "en".to_owned());
    let files: Vec<String> = arguments.collect();
    let texts = match files.is_empty() {
        true => texts(concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines/sample/mixed.jsonl.zst"), &lang),
        false => files.iter().flat_map(|file| texts(file, &lang)).collect(),
    };
    assert!(!texts.is_empty(), "no row is in `{lang}`");
    let bytes: usize = texts.iter().map(String::len).sum();
    println!("{} documents, {:.1} MB, lang {lang}", texts.len(), bytes as f64 / 1e6);
    let (words, settings) = match lang.as_str() {
        "zh" | "zh-hant" => (Words::Chinese, "words = \"chinese\""),
        _ => (Words::English, ""),
    };
    let repetition: GopherRepetition = built(settings);
    let quality: GopherQuality = built(settings);
    let c4: C4Lines = built("terminal_punctuation = false");
    let fineweb: FinewebQuality = built(settings);
    let keep = |verdict| verdict == Verdict::Keep;
    time("words alone", &texts, |text| text.words(words).len() > 0);
    time("gopher_repetition", &texts, |text| keep(judge(&repetition, text)));
    time("gopher_quality", &texts, |text| keep(judge(&quality, text)));
    time("c4_lines", &texts, |text| keep(map(&c4, text)));
    time("fineweb_quality", &texts, |text| keep(judge(&fineweb, text)));
    let statistics: Statistics = built("");
    let redpajama: RedpajamaSignals = built("");
    let dingo: Dingo = built("");
    let madlad: MadladQuality = built("");
    time("statistics", &texts, |text| keep(judge(&statistics, text)));
    time("redpajama_signals", &texts, |text| keep(judge(&redpajama, text)));
    time("dingo", &texts, |text| keep(judge(&dingo, text)));
    time("madlad_quality", &texts, |text| keep(judge(&madlad, text)));
    let chars = if words == Words::Chinese { "model = \"chars-zh\"" } else { "model = \"chars-en\"" };
    let perplexity: Perplexity = built(chars);
    let (density, text_quality): (InformationDensity, TextQuality) = (built(""), built(""));
    let (information, value): (InformationQuality, Value) = (built(""), built(""));
    time("perplexity", &texts, |text| keep(judge(&perplexity, text)));
    time("information_density", &texts, |text| keep(judge(&density, text)));
    time("text_quality", &texts, |text| keep(judge(&text_quality, text)));
    time("information_quality", &texts, |text| keep(judge(&information, text)));
    time("value", &texts, |text| keep(judge(&value, text)));
    time("all four, until one drops", &texts, |text| {
        keep(judge(&repetition, text))
            && keep(judge(&quality, text))
            && keep(map(&c4, text))
            && keep(judge(&fineweb, text))
    });
    time("all four, of every document", &texts, |text| {
        [judge(&repetition, text), judge(&quality, text), map(&c4, text), judge(&fineweb, text)].into_iter().all(keep)
    });
}

fn texts(path: &str, lang: &str) -> Vec<String> {
    let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let lines = BufReader::new(zstd::Decoder::new(file).expect("a zstd file")).lines();
    let rows = lines.map(|line| serde_json::from_str(&line.expect("UTF-8")).expect("a line of JSON"));
    rows.filter(|row: &serde_json::Value| lang == "all" || row["lang"] == lang)
        .filter_map(|row| Some(row["text"].as_str()?.to_owned()))
        .collect()
}

fn built<T: Step>(settings: &str) -> T {
    let config = toml::from_str(settings).expect("settings of the step");
    T::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{}", wrong.what))
}

fn judge<F: Filter>(filter: &F, text: &Text) -> Verdict {
    filter.judge(&filter.measure(text))
}

fn map<M: Mapper<Measure: Default>>(mapper: &M, text: &mut Text) -> Verdict {
    text.edit(|document| mapper.map(document, &mut M::Measure::default()))
}

/// Best of five: what is slower was something else on the machine.
fn time(name: &str, texts: &[String], mut keeps: impl FnMut(&mut Text) -> bool) {
    let bytes: usize = texts.iter().map(String::len).sum();
    let mut text = Text::default();
    let (mut best, mut kept) = (f64::INFINITY, 0);
    for _ in 0..5 {
        let documents: Vec<Document> = texts.iter().map(|text| Document::new("", text.as_str())).collect();
        let started = cpu_seconds();
        kept = 0;
        for document in documents {
            text.replace(document);
            kept += usize::from(keeps(&mut text));
        }
        best = best.min(cpu_seconds() - started);
    }
    println!("{name:<30} {:>8.1} MB/s  {kept:>7} kept", bytes as f64 / 1e6 / best);
}

/// Of this thread alone.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).expect("a number") / 1e9
}
