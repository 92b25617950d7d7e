//! The promises of a run: the same bytes, resuming, healing, and what an edit makes run again.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::kit::{Bench, damage, files, mask, peak_of_run, run, same, wanjuan};

/// Compares an output, but for its name.
pub fn same_as(whole: &Path, output: &Path) {
    mask(output, output.file_name().unwrap().to_str().unwrap());
    same(whole, output);
}

#[test]
fn the_same_bytes_whatever_threads_memory_segments_and_order_on_disk() {
    let bench = Bench::new(5, 700);
    let whole = bench.undisturbed();
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
pub fn kill_after(pipeline: &Path, wait: Duration) -> bool {
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

/// Runs a pipeline under several names, which `written` writes it under: with one thread in little memory, with seven
/// in much and with short segments, and killed after a while, again and again. `look` is told each name once its output is
/// whole.
pub fn whatever_happens(written: impl Fn(&str) -> PathBuf, waits: impl Iterator<Item = u64>, look: impl Fn(&str)) {
    for (name, arguments) in [
        ("one", &["--threads", "1", "--memory", "400MiB"][..]),
        ("seven", &["--threads", "7", "--memory", "2GiB", "--segment", "32KiB"]),
    ] {
        run(&written(name), arguments, 0);
        look(name);
    }
    let killed = written("killed");
    for milliseconds in waits {
        kill_after(&killed, Duration::from_millis(milliseconds));
    }
    run(&killed, &[], 0);
    look("killed");
}

/// 50 kills, or as many as `WANJUAN_KILLS` says.
#[test]
fn killed_at_any_moment_it_resumes_to_the_same_bytes_and_leaves_nothing() {
    let bench = Bench::new(4, 900);
    let whole = bench.undisturbed();
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
    mask(&whole, "branches");
    run(&branches("small"), &["--threads", "7", "--memory", "400MiB", "--segment", "1"], 0);
    same_as(&whole, &bench.path("small"));
    let pipeline = branches("killed");
    for wait in (0..16).map(|step| Duration::from_millis(20 + 23 * step)) {
        kill_after(&pipeline, wait);
    }
    run(&pipeline, &[], 0);
    same_as(&whole, &bench.path("killed"));
}

#[test]
fn a_damaged_intermediate_file_is_noticed_and_made_again() {
    let bench = Bench::new(3, 300);
    let whole = bench.undisturbed();
    let pipeline = bench.pipeline("healed.toml", "healed", |text| text);
    // Small segments: blocks that are carried over, and records behind the one that is damaged.
    run(&pipeline, &["--segment", "40KiB"], 0);
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
        if !path.exists() {
            continue; // replaced by a heal before
        }
        damage(path, number);
        // Without the shards, everything that is damaged must be read again.
        for folder in ["lines", "table", "tokens", "measures", "dropped"] {
            let _ = fs::remove_dir_all(healed.join(folder));
        }
        run(&pipeline, &[["--segment", "40KiB"], ["--segment", "90KiB"]][number % 2], 0);
        same_as(&whole, &healed);
    }
}

#[test]
fn an_interrupted_run_stops_soon_with_130_and_resumes() {
    let bench = Bench::new(4, 6000);
    let whole = bench.undisturbed();
    let pipeline = bench.pipeline("stopped.toml", "stopped", |text| text);
    let mut stopped = 0;
    // Later each time, until some runs were stopped in the middle.
    for wait in (1..60).map(|step| 60 * step).take_while(|wait| *wait < 3600) {
        if stopped == 4 {
            break;
        }
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
        let took = started.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?} after {wait} ms: {output:?}");
        // A signal before the handler stands ends the process as signals do.
        assert!(matches!(output.status.code(), Some(130 | 0) | None), "{output:?}");
        stopped += u32::from(output.status.code() == Some(130));
        if output.status.code() == Some(0) {
            // It was done before the signal came, and would be done at once from now on.
            fs::remove_dir_all(bench.path("stopped")).unwrap();
        }
    }
    assert!(stopped > 0, "no run was long enough to be stopped");
    run(&pipeline, &[], 0);
    same_as(&whole, &bench.path("stopped"));
}

#[test]
fn several_runs_at_once_write_what_one_writes() {
    let bench = Bench::new(3, 500);
    let whole = bench.undisturbed();
    let pipeline = bench.pipeline("race.toml", "race", |text| text);
    let start = |number: usize| {
        let segment = ["64KiB", "200KiB", "1GiB"][number % 3];
        let mut command = Command::new(env!("CARGO_BIN_EXE_wanjuan"));
        command.args(["run", pipeline.to_str().unwrap(), "--threads", "2", "--segment", segment]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    for round in 0..4 {
        let mut racers: Vec<_> = (0..3).map(start).collect();
        // One of them is interrupted, and so ends its segments where no other does.
        std::thread::sleep(Duration::from_millis(100 + 60 * round));
        let id = rustix::process::Pid::from_raw(racers[round as usize % 3].id() as i32).unwrap();
        let _ = rustix::process::kill_process(id, rustix::process::Signal::INT);
        for racer in racers.drain(..) {
            let output = racer.wait_with_output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(matches!(output.status.code(), Some(0 | 130) | None), "{:?} {told}", output.status);
        }
        run(&pipeline, &[], 0);
        same_as(&whole, &bench.path("race"));
        fs::remove_dir_all(bench.path("race")).unwrap();
    }
}

/// A corpus of ten times the budget, or as many gigabytes as `WANJUAN_MEMORY_GB` says.
#[test]
fn memory_stays_within_the_budget_on_ten_times_as_much() {
    let bench = Bench::new(0, 0);
    let gigabytes = std::env::var("WANJUAN_MEMORY_GB").ok().and_then(|text| text.parse().ok()).unwrap_or(2.7);
    let part = bench.long_texts(64 << 20);
    // One file many times: it is what is held at once that matters, and every copy has its own ids.
    let copies = (gigabytes * 1e9 / part.len() as f64).ceil() as usize;
    let stored = zstd::bulk::compress(&part, 1).unwrap();
    for copy in 0..copies {
        fs::write(bench.path(&format!("corpus/{copy:03}.jsonl.zst")), &stored).unwrap();
    }
    drop((part, stored));
    let text = "[pipeline]\nname = \"memory\"\noutput = \"out\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"corpus\"]\n[[step]]\nuse = \"exact_duplicates\"\nkeep = \"longest\"\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\nlevel = 1\n";
    fs::write(bench.path("p.toml"), text).unwrap();
    let peak = peak_of_run(&bench.path("p.toml"), &["--threads", "2", "--memory", "256MiB"]);
    println!("{gigabytes} GB in {copies} files: peak of {} MiB", peak >> 20);
    assert!(peak < 256 << 20, "peak of {} MiB", peak >> 20);
}

/// Short documents of 400 bands each: what a stage is told of a document is a hundred times the document. With
/// `WANJUAN_MEMORY_GB=2.7` there are 20 times the budget of records.
#[test]
fn records_of_stages_stay_within_the_budget() {
    let bench = Bench::new(0, 0);
    let gigabytes = std::env::var("WANJUAN_MEMORY_GB").ok().and_then(|text| text.parse().ok()).unwrap_or(0.06);
    let documents = (gigabytes * 1e9 / (400.0 * 12.0)) as u64;
    let mut lines = String::new();
    for number in 0..documents {
        let words = (0..12)
            .map(|word| format!("w{}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(word * 5) % 30_011));
        lines.push_str(&format!("{{\"text\":\"{}\"}}\n", words.collect::<Vec<_>>().join(" ")));
    }
    fs::write(bench.path("corpus/short.jsonl"), lines).unwrap();
    let text = "[pipeline]\nname = \"memory\"\noutput = \"out\"\nmax_document_mb = 1\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"corpus\"]\n[[step]]\nuse = \"minhash\"\nbands = 400\nrows = 4\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\nlevel = 1\n";
    fs::write(bench.path("p.toml"), text).unwrap();
    let peak = peak_of_run(&bench.path("p.toml"), &["--threads", "1", "--memory", "132MiB"]);
    println!("{documents} documents: peak of {} MiB", peak >> 20);
    assert!(peak < 132 << 20, "peak of {} MiB", peak >> 20);
}

/// Documents of five megabytes, of words as short as can be and of Chinese without end, through the steps that count
/// most: they go one by one, and leave no room behind.
#[test]
fn a_few_huge_documents_stay_within_the_budget() {
    let bench = Bench::new(0, 0);
    let mut state = 1_u64;
    let mut next = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as u32
    };
    let mut letters = || (0..2_500_000).flat_map(|_| [char::from(b'a' + (next() % 26) as u8), ' ']).collect::<String>();
    let letters = [letters(), letters(), letters()];
    let han =
        (0..1_650_000).map(|at| if at % 40 == 39 { '。' } else { char::from_u32(0x4e00 + next() % 3000).unwrap() });
    let han = han.collect::<String>();
    let lines = |texts: &[String]| {
        texts.iter().map(|text| format!("{}\n", serde_json::json!({ "id": "huge", "text": text }))).collect::<String>()
    };
    for (name, words, texts, steps) in [
        (
            "words",
            "english",
            letters.as_slice(),
            ["gopher_repetition", "gopher_quality", "redpajama_signals"].as_slice(),
        ),
        ("chinese", "chinese", &[han.clone(), han], &["gopher_repetition"]),
    ] {
        fs::write(bench.path("corpus/huge.jsonl"), lines(texts)).unwrap();
        let steps: String = steps
            .iter()
            .map(|step| {
                let words = if *step == "redpajama_signals" { String::new() } else { format!("words = \"{words}\"\n") };
                format!("[[step]]\nuse = \"{step}\"\nonly_measure = true\n{words}")
            })
            .collect();
        let text = format!(
            "[pipeline]\nname = \"memory\"\noutput = \"{name}\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"corpus\"]\n{steps}[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\nlevel = 1\n"
        );
        fs::write(bench.path("p.toml"), text).unwrap();
        let peak = peak_of_run(&bench.path("p.toml"), &["--threads", "2", "--memory", "256MiB"]);
        println!("{name}: peak of {} MiB", peak >> 20);
        // Words of one letter take more than the budget leaves for what is computed of a text.
        let beyond = if words == "chinese" { 0 } else { 128 };
        assert!(peak < (256 + beyond) << 20, "{name}: peak of {} MiB", peak >> 20);
    }
}

#[test]
fn why_tells_the_way_of_kept_and_dropped_documents() {
    let bench = Bench::new(2, 60);
    bench.undisturbed();
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

/// Repositories of megabytes whose files lie all over the corpus: decisions are larger than what they are about.
#[test]
fn joined_repositories_are_the_same_whatever_threads_memory_and_kills_and_stay_within_the_budget() {
    let bench = Bench::new(0, 0);
    let line = "x = 'the quick brown fox jumps over the lazy dog'\n";
    for part in 0..4 {
        let mut rows = String::new();
        for number in 0..400 {
            // The first rows of the corpus are the first files of all repositories.
            let (repository, file) = (number % 40, number / 40 * 4 + part);
            let text = format!("import f{}\n{}", (file + 1) % 40, line.repeat(300 + 30 * file));
            let row = serde_json::json!({ "text": text, "repository": format!("r{repository}"), "path": format!("f{file}.py") });
            rows.push_str(&format!("{row}\n"));
        }
        fs::write(bench.path(&format!("corpus/{part}.jsonl")), rows).unwrap();
    }
    let pipeline = |output: &str| {
        let text = format!(
            "[pipeline]\nname = \"code\"\noutput = \"{output}\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"corpus\"]\nfields = {{ repository = \"text\", path = \"text\" }}\n[[step]]\nuse = \"repositories\"\nmax_repository_mb = 16\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\nlevel = 1\n"
        );
        fs::write(bench.path("code.toml"), text).unwrap();
        bench.path("code.toml")
    };
    let peak = peak_of_run(&pipeline("small"), &["--threads", "2", "--memory", "256MiB"]);
    println!("peak of {} MiB", peak >> 20);
    assert!(peak < 256 << 20, "peak of {} MiB", peak >> 20);
    let whole = bench.path("small");
    mask(&whole, "small");
    run(&pipeline("large"), &["--threads", "7", "--memory", "4GiB"], 0);
    same_as(&whole, &bench.path("large"));
    let killed = pipeline("killed");
    for wait in (0..5).map(|step| Duration::from_millis(60 + 140 * step)) {
        kill_after(&killed, wait);
    }
    run(&killed, &["--threads", "1"], 0);
    same_as(&whole, &bench.path("killed"));
    let told: serde_json::Value = serde_json::from_slice(&fs::read(bench.path("large/run.json")).unwrap()).unwrap();
    assert_eq!(told["counts"]["sinks"]["clean"]["documents"], 40, "{}", told["counts"]);
}
