//! How fast evaluation sets are looked for, and how much of them is found again:
//! `EVAL="gsm8k=a.jsonl,b.jsonl" cargo bench -p wanjuan-filters --bench decontaminate -- FILE.jsonl.zst...`.
//!
//! Without `EVAL`, the samples of the tests are looked for; without files, in the sample of the pipelines. Every
//! eighth item is then put into the middle of a document, its first text of 8 units or more: as it is, in capitals, and
//! without punctuation. Time is that of the processor, on one thread, the best of five runs.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use wanjuan_filters::Decontaminate;
use wanjuan_filters::kit::{Document, Mapper, Name, Setup, Step, Verdict};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/eval");

fn rows(file: &str) -> Vec<serde_json::Value> {
    let open = std::fs::File::open(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let reader: Box<dyn BufRead> = match file.ends_with(".zst") {
        true => Box::new(BufReader::new(zstd::Decoder::new(open).expect("a zstd file"))),
        false => Box::new(BufReader::new(open)),
    };
    reader.lines().map(|line| serde_json::from_str(&line.expect("text")).expect("rows of JSON")).collect()
}

/// Seconds that this thread has had.
fn processor() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
    text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).expect("a number") / 1e9
}

fn main() {
    let mut files: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if files.is_empty() {
        files.push(concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines/sample/mixed.jsonl.zst").to_owned());
    }
    let sets = std::env::var("EVAL")
        .unwrap_or_else(|_| ["gsm8k", "bbh", "gaokao"].map(|set| format!("{set}={DATA}/{set}.jsonl")).join(","));
    let rows_of = |file: &String| rows(file).into_iter().map(|row| row["text"].as_str().unwrap_or_default().to_owned());
    let texts: Vec<String> = files.iter().flat_map(rows_of).collect();
    let megabytes = texts.iter().map(String::len).sum::<usize>() as f64 / 1e6;
    println!("{} documents, {megabytes:.1} MB", texts.len());
    for (name, settings) in [("default", ""), ("any 13 units", "threshold = 0"), ("gpt3", ""), ("palm", "")] {
        let profile = Decontaminate::PROFILES.iter().find(|profile| profile.name == name);
        let list: Vec<String> = sets.split(',').map(|set| format!("'{set}'")).collect();
        let settings =
            format!("sets = [{}]\n{settings}{}", list.join(", "), profile.map_or("", |profile| profile.settings));
        let mut setup = Setup { folder: PathBuf::from("."), ..Setup::default() };
        let before = processor();
        let step = Decontaminate::new(toml::from_str(&settings).expect("settings"), &mut setup)
            .unwrap_or_else(|wrong| panic!("{}", wrong.what));
        let built = processor() - before;
        let index = &step.facts()["index"];
        let (mut best, mut hit, mut examples) = (f64::INFINITY, 0, Vec::new());
        for _ in 0..5 {
            let mut documents: Vec<Document> = texts.iter().map(|text| Document::new("", text.as_str())).collect();
            let started = processor();
            for document in &mut documents {
                step.map(document, &mut Default::default());
            }
            best = best.min(processor() - started);
            let by = documents.iter().filter_map(|document| document.field(Name::new("contaminated_by")));
            let by: Vec<&str> = by.filter_map(|by| by.as_text()?.split(' ').next()).collect();
            hit = by.len();
            examples = by.into_iter().take(6).map(str::to_owned).collect();
        }
        println!(
            "{name:<13} {} runs, {:.1} MB, built in {built:.2} s; {:.0} MB/s; {hit} documents contaminated: {}",
            index["runs"],
            index["bytes"] as f64 / 1e6,
            megabytes / best,
            examples.join(" "),
        );
        let (mut asked, mut found) = (0, [0; 3]);
        for set in sets.split(',') {
            for row in rows(set.split_once('=').map_or(set, |(_, path)| path)).iter().step_by(8) {
                let members = row.as_object().expect("an object").values();
                let units = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count() >= 60;
                let Some(text) = members.filter_map(|value| value.as_str()).find(|text| units(text)) else { continue };
                asked += 1;
                let plain: String = text.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
                for (number, text) in [text.to_owned(), text.to_uppercase(), plain].into_iter().enumerate() {
                    let around = &texts[asked % texts.len()];
                    let mut document = Document::new("", format!("{around}\n{text}\n{around}"));
                    let verdict = step.map(&mut document, &mut Default::default());
                    let told = document.field(Name::new("contaminated_by")).is_some();
                    found[number] += usize::from(told || verdict != Verdict::Keep);
                }
            }
        }
        let [same, capitals, plain] = found;
        println!(
            "{:<13} of {asked} items put in: {same} found, {capitals} in capitals, {plain} without punctuation",
            ""
        );
    }
}
