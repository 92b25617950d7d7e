//! How fast texts are signed: `cargo bench -p wanjuan-dedup --bench minhash -- FILE.jsonl.zst...`.
//!
//! The files hold rows {text, lang}; without one, the sample of `pipelines/` is read. Rates are megabytes of
//! text per CPU-second of one thread, the best of five rounds.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Instant;

use wanjuan_dedup::minhash::{Scratch, Settings, Signer};

fn main() {
    let files: Vec<PathBuf> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).map(PathBuf::from).collect();
    let sample = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines/sample/mixed.jsonl.zst"));
    let files = if files.is_empty() { vec![sample] } else { files };
    let rows: Vec<(String, String)> = files.iter().flat_map(|path| read(path)).collect();
    println!("| texts | documents | MB | units | shingles, sorted | 25 x 5 | 14 x 8 | 32 x 4 |");
    println!("|---|---|---|---|---|---|---|---|");
    for (name, lang) in [("en", "en"), ("zh", "zh"), ("all", "")] {
        let texts: Vec<&str> =
            rows.iter().filter(|(_, of)| of.starts_with(lang)).map(|(text, _)| text.as_str()).collect();
        let bytes: usize = texts.iter().map(|text| text.len()).sum();
        let mut scratch = Scratch::default();
        let signer =
            |bands, rows| Signer::new(&Settings { bands, rows, ..Settings::default() }).expect("fine settings");
        let plain = signer(25, 5);
        let mut rates = vec![
            rate(bytes, || texts.iter().map(|text| plain.count_units(text, &mut scratch)).sum()),
            rate(bytes, || {
                let mut shingles = Vec::new();
                texts.iter().filter(|text| plain.shingles(text, &mut scratch, &mut shingles)).count()
            }),
        ];
        for (bands, rows) in [(25, 5), (14, 8), (32, 4)] {
            let signer = signer(bands, rows);
            let mut signature = Vec::new();
            rates.push(rate(bytes, || {
                texts.iter().filter(|text| signer.sign(text, &mut scratch, &mut signature)).count()
            }));
        }
        let rates: Vec<String> = rates.iter().map(|rate| format!("{rate:.0}")).collect();
        println!("| {name} | {} | {:.1} | {} |", texts.len(), bytes as f64 / 1e6, rates.join(" | "));
    }
}

/// Megabytes per CPU-second.
fn rate(bytes: usize, mut run: impl FnMut() -> usize) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let started = (cpu_seconds(), Instant::now());
        std::hint::black_box(run());
        let spent = match (started.0, cpu_seconds()) {
            (Some(before), Some(after)) => after - before,
            _ => started.1.elapsed().as_secs_f64(),
        };
        best = best.min(spent);
    }
    bytes as f64 / 1e6 / best
}

/// Time this thread has had a processor, where Linux says so.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split_whitespace().next()?.parse::<u64>().ok()? as f64 / 1e9)
}

fn read(path: &Path) -> Vec<(String, String)> {
    let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = BufReader::new(zstd::Decoder::new(file).expect("a zstd file")).lines();
    let row = |line: std::io::Result<String>| {
        let row: serde_json::Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        let field = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        (field("text"), field("lang"))
    };
    lines.map(row).collect()
}
