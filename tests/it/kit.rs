//! Corpora, pipelines and runs of the command for tests.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// A folder with a corpus and pipeline files, thrown away at the end.
pub struct Bench {
    pub folder: tempfile::TempDir,
}

impl Bench {
    /// Some files of lines of JSON, the same every time: English and Chinese, some texts twice.
    pub fn new(files: usize, lines: usize) -> Bench {
        let bench = Bench { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(bench.path("corpus")).unwrap();
        for file in 0..files {
            bench.write_file(&format!("corpus/{file:02}.jsonl.zst"), file, lines);
        }
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write_file(&self, name: &str, file: usize, lines: usize) {
        let mut encoder = zstd::stream::write::Encoder::new(fs::File::create(self.path(name)).unwrap(), 1).unwrap();
        for line in 0..lines {
            // Every third text is said in other files too.
            let key = if line % 3 == 0 { line } else { file * 1_000_000 + line };
            let text = if line % 5 == 0 { chinese(key) } else { english(key) };
            let row = serde_json::json!({ "id": format!("{file}-{line}"), "text": text, "n": line, "extra": { "file": file } });
            writeln!(encoder, "{row}").unwrap();
        }
        encoder.finish().unwrap();
    }

    /// Runs the pipeline to its end, in an output of its own, for others to be compared with.
    pub fn undisturbed(&self) -> PathBuf {
        run(&self.pipeline("whole.toml", "whole", |text| text), &["--threads", "2"], 0);
        let whole = self.path("whole");
        mask(&whole, "whole");
        whole
    }

    /// Lines of JSON of about `bytes` bytes: short texts and some of a megabyte, most of them twice.
    pub fn long_texts(&self, bytes: usize) -> Vec<u8> {
        let mut lines = Vec::with_capacity(bytes + (2 << 20));
        let mut key = 0;
        while lines.len() < bytes {
            let text = english(key / 2).repeat(if key % 500 == 0 { 1000 } else { 4 });
            writeln!(lines, "{}", serde_json::json!({ "id": key, "text": text })).unwrap();
            key += 1;
        }
        lines
    }

    /// A pipeline with every kind of step, two phases and three sinks.
    pub fn pipeline(&self, name: &str, output: &str, change: impl Fn(String) -> String) -> PathBuf {
        let text = format!(
            r#"
[pipeline]
name = "test"
output = "{output}"
seed = 7
dropped = "all"

[[source]]
name = "raw"
use = "jsonl"
paths = ["corpus"]
fields = {{ n = "integer" }}

[[step]]
use = "normalize"

[[step]]
use = "language"
keep = ["en", "zh"]

[[step]]
use = "gopher_quality"
where = "lang = 'en'"
min_words = 8

[[step]]
use = "sample"
share = 0.9

[[step]]
use = "exact_duplicates"

[[sink]]
name = "lines"
use = "jsonl"
shard_mb = 1
measures = true

[[sink]]
name = "table"
use = "parquet"
row_group_mb = 1
shard_mb = 1
where = "lang = 'en'"

[[sink]]
name = "tokens"
use = "tokens"
shard_tokens = 50000
"#
        );
        let path = self.path(name);
        fs::write(&path, change(text)).unwrap();
        path
    }
}

const NOUNS: [&str; 12] = [
    "river", "town", "bridge", "garden", "market", "winter", "harbour", "letter", "forest", "island", "window", "road",
];
const VERBS: [&str; 8] = [
    "stands near",
    "leads to",
    "was older than",
    "looks over",
    "belongs to",
    "reminds us of",
    "is named after",
    "will outlast",
];

/// A few sentences that no other key gives.
fn english(key: usize) -> String {
    let mut text = format!("Entry {key} tells of the {} and what came of it. ", NOUNS[key % 12]);
    for step in 0..6 + key % 5 {
        let at = key.wrapping_mul(31).wrapping_add(step * 17);
        text.push_str(&format!(
            "The {} {} the {} that I have with me. ",
            NOUNS[at % 12],
            VERBS[at / 12 % 8],
            NOUNS[at / 96 % 12]
        ));
    }
    text
}

fn chinese(key: usize) -> String {
    format!(
        "第{key}条记录讲的是一条河和一座城的故事。河水发源于群山之中，穿过田野和沼泽，最后流入大海，两岸的人们依靠它生活了{}年。",
        key % 977
    )
}

/// Runs the command.
pub fn wanjuan(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wanjuan")).args(arguments).output().unwrap()
}

/// Runs a pipeline and expects an exit code.
pub fn run(pipeline: &Path, arguments: &[&str], code: i32) -> Output {
    let output = wanjuan(&[&["run", pipeline.to_str().unwrap()], arguments].concat());
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{told}{}", String::from_utf8_lossy(&output.stdout));
    assert!(!told.contains("panicked"), "{told}");
    output
}

/// Runs a pipeline to its end and tells the most memory it held, in bytes.
pub fn peak_of_run(pipeline: &Path, arguments: &[&str]) -> u64 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wanjuan"));
    command.arg("run").arg(pipeline).args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let ended = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmHWM:"));
        peak = peak.max(line.and_then(|line| line.split_ascii_whitespace().nth(1)?.parse().ok()).unwrap_or(0_u64));
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(ended.success() && peak > 0);
    peak << 10
}

/// Every file of an output with its bytes, but what is kept for resuming, and the reports: they tell of
/// the one run and its times (see `report.rs`).
pub fn files(output: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![output.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path
                .file_name()
                .is_some_and(|name| [".wanjuan", "report.html", "report.json"].iter().any(|left| name == *left))
            {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(output).unwrap().display().to_string();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// `run.json` holds the pipeline's text, which names the output: takes the name out.
pub fn mask(output: &Path, name: &str) {
    let path = output.join("run.json");
    let text = fs::read_to_string(&path).unwrap().replace(&format!("output = \\\"{name}\\\""), "output");
    fs::write(path, text).unwrap();
}

/// Fails with the names of the files that differ.
pub fn same(one: &Path, two: &Path) {
    let (one, two) = (files(one), files(two));
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    let differ: Vec<&String> = one.iter().filter(|(name, bytes)| two[*name] != **bytes).map(|(name, _)| name).collect();
    assert!(differ.is_empty(), "these files differ: {differ:?}");
}

/// Flips a bit in the middle, cuts a file in half, or removes it.
pub fn damage(path: &Path, way: usize) {
    let bytes = fs::read(path).unwrap();
    match way % 3 {
        0 => {
            let mut flipped = bytes.clone();
            flipped[bytes.len() / 2] ^= 0x10;
            fs::write(path, flipped).unwrap();
        }
        1 => fs::write(path, &bytes[..bytes.len() / 2]).unwrap(),
        _ => fs::remove_file(path).unwrap(),
    }
}
