//! The promises of a run: the same bytes, resuming, healing, and what an edit makes run again.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::kit::{Bench, files, run, same, wanjuan};

/// Runs to the end, in an output of its own.
fn undisturbed(bench: &Bench) -> PathBuf {
    run(&bench.pipeline("whole.toml", "whole", |text| text), &["--threads", "2"], 0);
    let whole = bench.path("whole");
    fs::write(whole.join("run.json"), masked(&whole)).unwrap();
    whole
}

/// `run.json` holds the pipeline's text, which names the output.
fn masked(output: &Path) -> String {
    let name = output.file_name().unwrap().to_str().unwrap();
    fs::read_to_string(output.join("run.json")).unwrap().replace(&format!("output = \\\"{name}\\\""), "output")
}

fn same_as(whole: &Path, output: &Path) {
    fs::write(output.join("run.json"), masked(output)).unwrap();
    same(whole, output);
}

#[test]
fn the_same_bytes_whatever_threads_memory_segments_and_order_on_disk() {
    let bench = Bench::new(5, 700);
    let whole = undisturbed(&bench);
    assert!(files(&whole).len() > 12, "several shards: {:?}", files(&whole).keys());
    for (name, arguments) in [
        ("one", &["--threads", "1", "--memory", "400MiB"][..]),
        ("seven", &["--threads", "7", "--memory", "2GiB"]),
        ("segments", &["--threads", "3", "--segment", "64KiB"]),
        ("tiny", &["--threads", "2", "--segment", "1"]),
    ] {
        let pipeline = bench.pipeline("other.toml", name, |text| text);
        run(&pipeline, arguments, 0);
        same_as(&whole, &bench.path(name));
    }
    // The same files, written in another order.
    let names: Vec<PathBuf> = fs::read_dir(bench.path("corpus")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let contents: Vec<(PathBuf, Vec<u8>)> = names.iter().map(|name| (name.clone(), fs::read(name).unwrap())).collect();
    names.iter().for_each(|name| fs::remove_file(name).unwrap());
    for (name, bytes) in contents.iter().rev() {
        fs::write(name, bytes).unwrap();
    }
    run(&bench.pipeline("other.toml", "reordered", |text| text), &[], 0);
    same_as(&whole, &bench.path("reordered"));
}

/// Starts a run in a process group of its own and kills it, if it is still running, after a while.
fn kill_after(pipeline: &Path, wait: Duration) -> bool {
    let mut child = Command::new(env!("CARGO_BIN_EXE_wanjuan"))
        .args(["run", pipeline.to_str().unwrap(), "--threads", "2", "--segment", "32KiB"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    std::thread::sleep(wait);
    let killed = child.try_wait().unwrap().is_none();
    let _ = child.kill();
    child.wait().unwrap();
    killed
}

/// 50 kills, or as many as `WANJUAN_KILLS` says.
#[test]
fn killed_at_any_moment_it_resumes_to_the_same_bytes_and_leaves_nothing() {
    let bench = Bench::new(4, 900);
    let whole = undisturbed(&bench);
    let wanted: u32 = std::env::var("WANJUAN_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(50);
    // A fixed sequence of waits, from at once to about as long as a run takes.
    let mut state = 12345_u64;
    let mut wait = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Duration::from_micros((state >> 33) % 400_000)
    };
    let (mut kills, mut rounds) = (0, 0);
    while kills < wanted && rounds < wanted * 4 {
        let name = format!("killed{rounds}");
        let pipeline = bench.pipeline("killed.toml", &name, |text| text);
        rounds += 1;
        // Some runs are killed once, some again and again.
        for _ in 0..1 + rounds % 4 {
            kills += u32::from(kill_after(&pipeline, wait()));
        }
        run(&pipeline, &["--threads", "2"], 0);
        same_as(&whole, &bench.path(&name));
        let left: Vec<String> = files(&bench.path(&name))
            .into_keys()
            .filter(|name| name.contains(".writing") || name.ends_with(".tmp"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
        fs::remove_dir_all(bench.path(&name)).unwrap();
    }
    assert!(kills >= wanted, "{kills} kills in {rounds} runs");
}

#[test]
fn a_document_that_waits_at_two_stages_is_decided_about_at_each_wherever_blocks_and_kills_fall() {
    let bench = Bench::new(2, 6000);
    let branches = |output: &str| {
        let text = format!(
            r#"
[pipeline]
name = "branches"
output = "{output}"

[[source]]
name = "raw"
use = "jsonl"
paths = ["corpus"]

[[step]]
name = "first"
use = "exact_duplicates"

[[step]]
name = "last"
use = "exact_duplicates"
keep = "longest"
from = "raw"

[[sink]]
name = "both"
use = "jsonl"
from = ["first", "last"]
"#
        );
        fs::write(bench.path("branches.toml"), text).unwrap();
        bench.path("branches.toml")
    };
    run(&branches("branches"), &["--threads", "2"], 0);
    let whole = bench.path("branches");
    fs::write(whole.join("run.json"), masked(&whole)).unwrap();
    run(&branches("small"), &["--threads", "7", "--memory", "400MiB", "--segment", "1"], 0);
    same_as(&whole, &bench.path("small"));
    let pipeline = branches("killed");
    for wait in (0..16).map(|step| Duration::from_millis(20 + 23 * step)) {
        kill_after(&pipeline, wait);
    }
    run(&pipeline, &[], 0);
    same_as(&whole, &bench.path("killed"));
}

/// Tasks that ran, by phase.
fn ran(pipeline: &Path) -> Vec<(String, usize)> {
    let output = run(pipeline, &["-o", "json"], 0);
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let phase = |tasks: &serde_json::Value| {
        (tasks["phase"].as_str().unwrap().to_owned(), tasks["ran"].as_array().unwrap().len())
    };
    told["tasks"].as_array().unwrap().iter().map(phase).collect()
}

#[test]
fn an_edit_runs_again_what_it_changes_and_nothing_else() {
    let bench = Bench::new(3, 300);
    // Each file a task of its own, so that tasks can be counted.
    let pipeline = |change: &dyn Fn(String) -> String| bench.pipeline("edit.toml", "out", change);
    let tasks = |change: &dyn Fn(String) -> String| -> [usize; 3] {
        let path = pipeline(change);
        let output = run(&path, &["-o", "json", "--split", "1KiB"], 0);
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        [0, 1, 2].map(|phase| told["tasks"][phase]["ran"].as_array().unwrap().len())
    };
    let same = |text: String| text;
    assert_eq!(tasks(&same), [3, 1, 3], "the first run");
    assert_eq!(tasks(&same), [0, 0, 0], "nothing changed");
    // What decides about nothing.
    assert_eq!(tasks(&|text| format!("# a comment\n{text}")), [0, 0, 0], "a comment");
    assert_eq!(
        tasks(&|text| text.replace("use = \"sample\"\nshare = 0.9", "share = 0.9\nuse = \"sample\"")),
        [0, 0, 0],
        "order of keys"
    );
    assert_eq!(
        tasks(&|text| text.replace("min_words = 8", "min_words = 8\nmax_words = 100000")),
        [0, 0, 0],
        "a default, spelled out"
    );
    assert_eq!(tasks(&|text| text.replace("seed = 7", "seed = 7\nmax_set_aside = 5")), [0, 0, 0], "a limit");
    // What decides.
    assert_eq!(
        tasks(&|text| text.replace("min_words = 8", "min_words = 9")),
        [3, 0, 0],
        "a threshold that changes no document: early cutoff"
    );
    assert_eq!(tasks(&same), [0, 0, 0], "and back");
    assert_eq!(
        tasks(&|text| text.replace("min_words = 8", "min_words = 100")),
        [3, 1, 3],
        "a threshold that drops documents"
    );
    assert_eq!(tasks(&|text| text.replace("share = 0.9", "share = 0.8")), [3, 1, 3], "a share");
    assert_eq!(tasks(&|text| text.replace("seed = 7", "seed = 8")), [3, 1, 3], "the seed");
    assert_eq!(
        tasks(&|text| text.replace(
            "use = \"normalize\"\n",
            "use = \"normalize\"\n\n[[step]]\nuse = \"c4_lines\"\nmin_sentences = 1\n"
        )),
        [3, 1, 3],
        "another step"
    );
    assert_eq!(
        tasks(&|text| text.replace("use = \"exact_duplicates\"", "use = \"exact_duplicates\"\nkeep = \"longest\"")),
        [3, 1, 3],
        "which duplicate stays"
    );
    assert_eq!(tasks(&|text| text.replace("shard_mb = 1\nmeasures", "shard_mb = 2\nmeasures")), [0, 0, 3], "a sink");
    assert_eq!(
        tasks(&|text| text.replace("where = \"lang = 'en'\"\nmin_words", "where = \"lang <> 'zh'\"\nmin_words")),
        [3, 0, 0],
        "a condition that means the same here"
    );
    // The input.
    let first = bench.path("corpus/00.jsonl.zst");
    let bytes = fs::read(&first).unwrap();
    fs::write(&first, &bytes).unwrap();
    assert_eq!(tasks(&same), [0, 0, 0], "a file touched");
    fs::rename(bench.path("corpus"), bench.path("moved")).unwrap();
    fs::create_dir(bench.path("corpus")).unwrap();
    for entry in fs::read_dir(bench.path("moved")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, bench.path("corpus").join(path.file_name().unwrap())).unwrap();
    }
    assert_eq!(tasks(&same), [0, 0, 0], "files copied to another place and back");
    bench.write_file("corpus/03.jsonl.zst", 3, 300);
    let [read, reduced, _] = tasks(&same);
    assert_eq!([read, reduced], [1, 1], "a file appended: its own task, the reduce, and what it changes");
    fs::remove_file(bench.path("corpus/03.jsonl.zst")).unwrap();
    tasks(&same);
    // Rewritten in the middle, at the same length: only the bytes can tell.
    let mut edited = bytes.clone();
    let middle = edited.len() / 2;
    edited[middle] ^= 0xff;
    fs::write(&first, &edited).unwrap();
    assert_eq!(tasks(&same)[0], 1, "a file rewritten in the middle");
    assert!(!ran(&pipeline(&same)).is_empty());
}

#[test]
fn a_damaged_intermediate_file_is_noticed_and_made_again() {
    let bench = Bench::new(3, 300);
    let whole = undisturbed(&bench);
    let pipeline = bench.pipeline("healed.toml", "healed", |text| text);
    run(&pipeline, &[], 0);
    let healed = bench.path("healed");
    let mut intermediate = Vec::new();
    let mut folders = vec![healed.join(".wanjuan")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { intermediate.push(path) }
        }
    }
    intermediate.retain(|path| {
        path.extension().is_some_and(|ending| ["blocks", "run", "json"].contains(&ending.to_str().unwrap()))
            && fs::metadata(path).unwrap().len() > 0
    });
    intermediate.sort();
    assert!(intermediate.len() > 10, "{intermediate:?}");
    for (number, path) in intermediate.iter().enumerate() {
        let Ok(bytes) = fs::read(path) else { continue }; // replaced by a heal before
        match number % 3 {
            0 => {
                let mut flipped = bytes.clone();
                flipped[bytes.len() / 2] ^= 0x10;
                fs::write(path, flipped).unwrap();
            }
            1 => fs::write(path, &bytes[..bytes.len() / 2]).unwrap(),
            _ => fs::remove_file(path).unwrap(),
        }
        // Without the shards, everything that is damaged must be read again.
        for folder in ["lines", "table", "tokens", "measures", "dropped"] {
            let _ = fs::remove_dir_all(healed.join(folder));
        }
        run(&pipeline, &[], 0);
        same_as(&whole, &healed);
    }
}

#[test]
fn an_interrupted_run_stops_soon_with_130_and_resumes() {
    let bench = Bench::new(4, 2500);
    let whole = undisturbed(&bench);
    let pipeline = bench.pipeline("stopped.toml", "stopped", |text| text);
    let mut stopped = 0;
    for wait in [30, 80, 120, 160, 200] {
        let child = Command::new(env!("CARGO_BIN_EXE_wanjuan"))
            .args(["run", pipeline.to_str().unwrap(), "--threads", "1"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        let id = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
        let _ = rustix::process::kill_process(id, rustix::process::Signal::INT);
        let started = std::time::Instant::now();
        let output = child.wait_with_output().unwrap();
        assert!(started.elapsed() < Duration::from_secs(5));
        // A signal before the handler stands ends the process as signals do.
        assert!(matches!(output.status.code(), Some(130 | 0) | None), "{output:?}");
        stopped += u32::from(output.status.code() == Some(130));
    }
    assert!(stopped > 0, "no run was long enough to be stopped");
    run(&pipeline, &[], 0);
    same_as(&whole, &bench.path("stopped"));
}

#[test]
fn several_runs_at_once_write_what_one_writes() {
    let bench = Bench::new(3, 500);
    let whole = undisturbed(&bench);
    let pipeline = bench.pipeline("race.toml", "race", |text| text);
    let start = || {
        Command::new(env!("CARGO_BIN_EXE_wanjuan"))
            .args(["run", pipeline.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let racers: Vec<_> = (0..3).map(|_| start()).collect();
    for mut racer in racers {
        racer.wait().unwrap();
    }
    run(&pipeline, &[], 0);
    same_as(&whole, &bench.path("race"));
}

#[test]
fn a_full_disk_ends_with_4_a_path_and_no_panic() {
    // A file system of its own needs rights; where they are missing there is nothing to test with.
    let bench = Bench::new(2, 1500);
    let whole = undisturbed(&bench);
    let mount = bench.path("small");
    fs::create_dir(&mount).unwrap();
    let mounted = |size: &str| {
        Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs", mount.to_str().unwrap()])
            .status()
            .is_ok_and(|status| status.success())
    };
    if !mounted("300k") {
        eprintln!("no right to mount a small disk: not tested here");
        return;
    }
    let pipeline = bench.pipeline("full.toml", "small/full", |text| text);
    for size in ["300k", "600k", "900k"] {
        let resized = Command::new("mount")
            .args(["-o", &format!("remount,size={size}"), mount.to_str().unwrap()])
            .status()
            .unwrap();
        assert!(resized.success());
        let output = run(&pipeline, &[], 4);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("small/full") && told.contains("No space left"), "{told}");
    }
    Command::new("mount").args(["-o", "remount,size=64m", mount.to_str().unwrap()]).status().unwrap();
    run(&pipeline, &[], 0);
    let output = mount.join("full");
    fs::write(
        output.join("run.json"),
        fs::read_to_string(output.join("run.json")).unwrap().replace("output = \\\"small/full\\\"", "output"),
    )
    .unwrap();
    same(&whole, &output);
    Command::new("umount").arg(&mount).status().unwrap();
}

#[test]
fn memory_stays_within_the_budget() {
    let bench = Bench::new(1, 120_000);
    let pipeline = bench.pipeline("memory.toml", "memory", |text| text);
    let mut child = Command::new(env!("CARGO_BIN_EXE_wanjuan"))
        .args(["run", pipeline.to_str().unwrap(), "--threads", "2", "--memory", "256MiB"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0_u64;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmHWM:"));
        let now = line.and_then(|line| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0);
        peak = peak.max(now);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(child.wait().unwrap().success());
    assert!(peak > 0 && peak < 256 << 10, "peak of {} MiB", peak >> 10);
}

#[test]
fn why_tells_the_way_of_kept_and_dropped_documents() {
    let bench = Bench::new(2, 60);
    undisturbed(&bench);
    let out = bench.path("whole");
    let why = |id: &str| String::from_utf8(wanjuan(&["why", out.to_str().unwrap(), id]).stdout).unwrap();
    let measures: Vec<String> = (0..60).map(|line| why(&format!("1-{line}"))).collect();
    let duplicate = measures.iter().find(|told| told.contains("exact_duplicate")).expect("some text is said twice");
    assert!(duplicate.contains("kept in its stead: 0-"), "{duplicate}");
    assert!(
        measures.iter().any(|told| told.contains("kept: written by") && told.contains("mean_word_chars")),
        "{}",
        measures[1]
    );
    assert_eq!(wanjuan(&["why", out.to_str().unwrap(), "nobody"]).status.code(), Some(2));
    let json = wanjuan(&["why", out.to_str().unwrap(), "1-1", "-o", "json"]);
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&json.stdout).unwrap()[0]["id"], "1-1");
}
