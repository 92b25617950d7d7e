//! What benches share: rows of texts, and time.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Rows of the files that were named, else of the sample of `pipelines/`: text and language.
pub fn rows() -> Vec<(String, String)> {
    let files: Vec<PathBuf> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).map(PathBuf::from).collect();
    let sample = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines/sample/mixed.jsonl.zst"));
    let files = if files.is_empty() { vec![sample] } else { files };
    files.iter().flat_map(|path| read(path)).collect()
}

/// Time this thread has had a processor, where Linux says so.
pub fn cpu_seconds() -> Option<f64> {
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
