//! A whole run against the least it could cost: `cargo bench --bench pipeline -- [FILE.jsonl.zst]...`.
//!
//! jsonl.zst -> `normalize` -> jsonl.zst beside `zstd -dc | zstd -3` on the same bytes, in CPU-seconds
//! on one thread; then in seconds on two threads, from one file and from many. Without files, the
//! sample beside the pipelines is repeated.

mod kit;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::kit::cpu_of_children;

/// Text that is worth measuring, in bytes.
const ENOUGH: usize = 400 << 20;
const ROUNDS: usize = 3;

fn main() {
    let given: Vec<PathBuf> = std::env::args_os().skip(1).filter(|one| one != "--bench").map(PathBuf::from).collect();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/sample/mixed.jsonl.zst");
    let files = if given.is_empty() { vec![sample] } else { given };
    let mut lines = Vec::new();
    for file in &files {
        lines.extend(zstd::decode_all(File::open(file).expect("the file opens")).expect("the file is zstd"));
    }
    let once = lines.len();
    while lines.len() < ENOUGH {
        lines.extend_from_within(..once);
    }
    let folder = tempfile::tempdir().expect("a folder for the bench");
    let (one, many) = (folder.path().join("one"), folder.path().join("many"));
    write_parts(&one, &lines, 1);
    write_parts(&many, &lines, 16);
    let megabytes = lines.len() as f64 / 1e6;
    drop(lines);
    println!("{megabytes:.0} MB of lines; rates are MB of lines per second");

    let ceiling = best(|| zstd_alone(&one.join("00.jsonl.zst")));
    println!("zstd -dc | zstd -3             {:>7.1} per CPU-second", megabytes / ceiling.cpu);
    let single = best(|| wanjuan(folder.path(), &one, 1));
    let ratio = ceiling.cpu / single.cpu;
    println!(
        "wanjuan, 1 thread              {:>7.1} per CPU-second, {:.0} % of zstd; {} kept",
        megabytes / single.cpu,
        ratio * 100.0,
        single.kept
    );
    for (name, corpus) in [("one file", &one), ("16 files", &many)] {
        let alone = best(|| wanjuan(folder.path(), corpus, 1));
        let both = best(|| wanjuan(folder.path(), corpus, 2));
        println!(
            "wanjuan, {name}             {:>7.1} per second on 1 thread, {:.1} on 2: {:.2} times",
            megabytes / alone.wall,
            megabytes / both.wall,
            alone.wall / both.wall
        );
    }
}

/// What one process took.
struct Cost {
    cpu: f64,
    wall: f64,
    kept: String,
}

/// The cheapest of some rounds: what others do on the machine only adds.
fn best(run: impl Fn() -> Cost) -> Cost {
    let costs = (0..ROUNDS).map(|_| run());
    costs.min_by(|one, two| one.wall.total_cmp(&two.wall)).expect("there are rounds")
}

fn write_parts(folder: &Path, lines: &[u8], parts: usize) {
    fs::create_dir(folder).expect("the folder is new");
    let mut rest = lines;
    for part in 0..parts {
        let about = rest.len() / (parts - part);
        let end = memchr::memchr(b'\n', &rest[about.saturating_sub(1)..]).map_or(rest.len(), |at| about.max(1) + at);
        let (now, later) = rest.split_at(if part + 1 == parts { rest.len() } else { end });
        let path = folder.join(format!("{part:02}.jsonl.zst"));
        let mut encoder = zstd::stream::write::Encoder::new(File::create(path).expect("room"), 3).expect("zstd");
        encoder.write_all(now).expect("room");
        encoder.finish().expect("room");
        rest = later;
    }
}

fn measured(run: impl FnOnce() -> String) -> Cost {
    let (cpu, started) = (cpu_of_children(), Instant::now());
    let kept = run();
    Cost { kept, wall: started.elapsed().as_secs_f64(), cpu: cpu_of_children() - cpu }
}

fn zstd_alone(file: &Path) -> Cost {
    measured(|| {
        let mut reader = Command::new("zstd").arg("-dcq").arg(file).stdout(Stdio::piped()).spawn().expect("zstd runs");
        let pipe = reader.stdout.take().expect("its output is piped");
        let written = file.with_extension("again");
        let out = File::create(&written).expect("room");
        let writer = Command::new("zstd").args(["-3", "-q", "--single-thread"]).stdin(pipe).stdout(out).status();
        assert!(writer.expect("zstd runs").success() && reader.wait().expect("zstd ends").success());
        fs::remove_file(written).expect("it was written");
        String::new()
    })
}

fn wanjuan(folder: &Path, corpus: &Path, threads: usize) -> Cost {
    let out = folder.join("out");
    let pipeline = format!(
        "[pipeline]\nname = \"pass\"\noutput = '{}'\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = ['{}']\n[[step]]\nuse = \"normalize\"\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\n",
        out.display(),
        corpus.display()
    );
    let file = folder.join("pass.toml");
    fs::write(&file, pipeline).expect("room");
    let cost = measured(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wanjuan"));
        command.arg("run").arg(&file).args(["--threads", &threads.to_string(), "-o", "json"]);
        let told = command.stderr(Stdio::null()).output().expect("wanjuan runs");
        assert!(told.status.success());
        let told: serde_json::Value = serde_json::from_slice(&told.stdout).expect("its answer is JSON");
        told["counts"]["sinks"]["clean"]["documents"].to_string()
    });
    fs::remove_dir_all(out).expect("it was written");
    cost
}
