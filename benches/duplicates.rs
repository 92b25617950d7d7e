//! Exact duplicates as whole runs: `cargo bench --bench duplicates -- [FILE.jsonl.zst]...`.
//!
//! Plain jsonl is read, hashed, decided about and written as plain jsonl, on one thread: megabytes of lines per
//! CPU-second, the best of three, with what waits between the phases compressed and plain; and, plain too, up to the
//! decisions, with a sink that takes no document. The files, else the sample beside the pipelines, are read several
//! times over: each time with another first word, so that nearly all documents stay, and each time alike, so that most
//! go.

mod kit;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::kit::cpu_of_children;

/// Text that is worth measuring, in bytes.
const ENOUGH: usize = 200 << 20;

/// Steps, and what they are called.
const STEPS: [(&str, &str); 5] = [
    ("no step", ""),
    ("documents", "use = 'exact_duplicates'"),
    ("documents, as they are", "use = 'exact_duplicates'\nnormalize = 'exact'"),
    ("paragraphs", "use = 'duplicate_spans'"),
    ("lines, as CCNet", "use = 'duplicate_spans'\nprofile = 'ccnet'"),
];

/// What the sink takes: every document that is left, or none.
const ALL: &str = "";
const NONE: &str = "where = \"id = 'of no document'\"";

fn main() {
    let given: Vec<PathBuf> = std::env::args_os().skip(1).filter(|one| one != "--bench").map(PathBuf::from).collect();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/sample/mixed.jsonl.zst");
    let files = if given.is_empty() { vec![sample] } else { given };
    let mut once = Vec::new();
    for file in &files {
        once.extend(zstd::decode_all(File::open(file).expect("the file opens")).expect("the file is zstd"));
    }
    let folder = tempfile::tempdir().expect("a folder for the bench");
    let copies = ENOUGH.div_ceil(once.len());
    println!("what                      corpus     MB/CPU-s  plain spool  none written  kept");
    for (corpus, alike) in [("different", false), ("copies", true)] {
        let paths = folder.path().join(corpus);
        fs::create_dir(&paths).expect("the folder is new");
        let mut bytes = 0;
        for copy in 0..copies {
            let text = if alike { once.clone() } else { with_first_word(&once, copy) };
            bytes += text.len();
            fs::write(paths.join(format!("{copy:03}.jsonl")), text).expect("room");
        }
        for (name, step) in STEPS {
            let (compressed, kept) = best(folder.path(), &paths, step, ALL, &[]);
            let (plain, same) = best(folder.path(), &paths, step, ALL, &["--plain-spool"]);
            let (decided, none) = best(folder.path(), &paths, step, NONE, &["--plain-spool"]);
            assert_eq!((&kept, none.as_str()), (&same, "0"));
            let [compressed, plain, decided] = [compressed, plain, decided].map(|seconds| bytes as f64 / 1e6 / seconds);
            println!("{name:<24}  {corpus:<9}  {compressed:>8.0}  {plain:>11.0}  {decided:>12.0}  {kept}");
        }
        fs::remove_dir_all(paths).expect("it was written");
    }
}

/// The lines, each text with another first word for each number.
fn with_first_word(lines: &[u8], number: usize) -> Vec<u8> {
    let word = format!("copy{number} ");
    let mut out = Vec::with_capacity(lines.len() + lines.len() / 8);
    for line in lines.split_inclusive(|&byte| byte == b'\n') {
        let name = b"\"text\":";
        let member = memchr::memmem::find(line, name).expect("a text") + name.len();
        let text = member + memchr::memchr(b'"', &line[member..]).expect("a string") + 1;
        out.extend_from_slice(&line[..text]);
        out.extend_from_slice(word.as_bytes());
        out.extend_from_slice(&line[text..]);
    }
    out
}

/// CPU-seconds of the cheapest of some runs, and how many documents they kept.
fn best(folder: &Path, corpus: &Path, step: &str, takes: &str, options: &[&str]) -> (f64, String) {
    let runs = (0..3).map(|_| run(folder, corpus, step, takes, options));
    runs.min_by(|one, other| one.0.total_cmp(&other.0)).expect("there are runs")
}

fn run(folder: &Path, corpus: &Path, step: &str, takes: &str, options: &[&str]) -> (f64, String) {
    let out = folder.join("out");
    let step = if step.is_empty() { String::new() } else { format!("[[step]]\n{step}\n") };
    let pipeline = format!(
        "[pipeline]\nname = \"duplicates\"\noutput = '{}'\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = ['{}']\n{step}[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\ncompression = \"none\"\n{takes}\n",
        out.display(),
        corpus.display()
    );
    let file = folder.join("duplicates.toml");
    fs::write(&file, pipeline).expect("room");
    let before = cpu_of_children();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wanjuan"));
    command.arg("run").arg(&file).args(["--threads", "1", "-o", "json"]).args(options);
    let told = command.stderr(Stdio::null()).output().expect("wanjuan runs");
    let seconds = cpu_of_children() - before;
    assert!(told.status.success());
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).expect("its answer is JSON");
    fs::remove_dir_all(out).expect("it was written");
    (seconds, told["counts"]["sinks"]["clean"]["documents"].to_string())
}
