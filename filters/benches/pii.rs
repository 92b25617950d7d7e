//! How fast personal data is found: `cargo bench -p wanjuan-filters --bench pii -- FILE.jsonl.zst...`.
//!
//! Without files, the sample of the pipelines is read. With `PYTHON=…`, an interpreter that has datatrove,
//! its PIIFormatter reads the same texts. The best of five runs counts, on one thread each.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use wanjuan_filters::Pii;
use wanjuan_filters::kit::{Document, Mapper, Setup, Step};

const PEER: &str = r#"
import json, sys, time
from datatrove.pipeline.formatters.pii import PIIFormatter
texts, peer, best = [json.loads(line) for line in sys.stdin], PIIFormatter(), 1e9
for _ in range(2):
    start = time.process_time()
    for text in texts: peer.format(text)
    best = min(best, time.process_time() - start)
print(best)
"#;

fn main() {
    let mut files: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if files.is_empty() {
        files.push(concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines/sample/mixed.jsonl.zst").to_owned());
    }
    let mut texts: Vec<String> = Vec::new();
    for file in files {
        let file = std::fs::File::open(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        let reader = BufReader::new(zstd::Decoder::new(file).expect("a zstd file"));
        for line in reader.lines() {
            let row: serde_json::Value = serde_json::from_str(&line.expect("text")).expect("rows of JSON");
            texts.push(row["text"].as_str().unwrap_or_default().to_owned());
        }
    }
    let megabytes = texts.iter().map(String::len).sum::<usize>() as f64 / 1e6;
    println!("{} documents, {megabytes:.1} MB", texts.len());
    for profile in Pii::PROFILES {
        let config = toml::from_str(profile.settings).expect("settings of the step");
        let pii = Pii::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{}", wrong.what));
        let (mut best, mut changed) = (f64::INFINITY, 0);
        for _ in 0..5 {
            let mut documents: Vec<Document> = texts.iter().map(|text| Document::new("", text.as_str())).collect();
            let started = Instant::now();
            for document in &mut documents {
                pii.map(document, &mut Default::default());
            }
            best = best.min(started.elapsed().as_secs_f64());
            changed = documents.iter().zip(&texts).filter(|(document, text)| document.text() != *text).count();
        }
        println!("pii@{:<10} {:>7.1} MB/s, {changed} documents changed", profile.name, megabytes / best);
    }
    let Some(python) = std::env::var_os("PYTHON") else { return };
    let mut peer = Command::new(python)
        .args(["-c", PEER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the interpreter runs");
    let mut input = peer.stdin.take().expect("it is piped");
    for text in &texts {
        writeln!(input, "{}", serde_json::to_string(text).expect("a text")).expect("the peer reads");
    }
    drop(input);
    let output = peer.wait_with_output().expect("the peer ends");
    let seconds: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("datatrove is there");
    println!("datatrove      {:>7.1} MB/s", megabytes / seconds);
}
