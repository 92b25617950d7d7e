//! The report: what it tells is whole, adds up, is the same however the run went, and is safe to open.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::kit::{Bench, run, wanjuan};

fn read(output: &Path) -> Value {
    serde_json::from_slice(&fs::read(output.join("report.json")).unwrap()).unwrap()
}

/// `report.json` but for what belongs to one run on one machine.
fn lasting(output: &Path) -> String {
    let text = fs::read_to_string(output.join("report.json")).unwrap();
    text.split_once("\n  \"run\": {").expect("the last key is `run`").0.to_owned()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key].as_array().unwrap()
}

fn sum(value: &Value) -> u64 {
    value.as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum()
}

/// Every step's counts add up, every reason of a document has examples, every measure has each document once.
fn adds_up(output: &Path) -> Value {
    let report = read(output);
    let record: Value = serde_json::from_slice(&fs::read(output.join("run.json")).unwrap()).unwrap();
    for step in list(&report, "steps") {
        let name = step["name"].as_str().unwrap();
        let reasons = list(step, "reasons");
        let dropped: u64 = reasons.iter().map(|reason| reason["documents"].as_u64().unwrap()).sum();
        assert_eq!(step["dropped"], dropped, "{name}");
        let counted = record["counts"]["steps"][name]["dropped"].as_object().cloned().unwrap_or_default();
        for (reason, count) in counted {
            let told = reasons.iter().find(|told| told["reason"] == *reason).unwrap();
            assert_eq!(told["documents"], count, "{name}: {reason}");
        }
        if step["kind"] == "source" {
            continue;
        }
        assert_eq!(step["seen"].as_u64().unwrap(), step["kept"].as_u64().unwrap() + dropped, "{name}");
        for reason in reasons {
            let wanted = reason["documents"].as_u64().unwrap().min(3);
            assert_eq!(list(reason, "examples").len() as u64, wanted, "{name}: {reason}");
        }
        for measure in list(step, "measures") {
            let histogram = &measure["histogram"];
            let (kept, dropped) = (sum(&histogram["kept"]), sum(&histogram["dropped"]));
            let all = kept + dropped + histogram["outside"].as_u64().unwrap();
            assert!(all <= step["seen"].as_u64().unwrap(), "{name}: {all} measured, {} seen", step["seen"]);
            assert!(sum(&histogram["written"]) <= kept.min(report["totals"]["kept"].as_u64().unwrap()));
        }
    }
    report
}

fn step<'a>(report: &'a Value, name: &str) -> &'a Value {
    list(report, "steps").iter().find(|step| step["name"] == name).unwrap()
}

/// Documents in the histogram of a step's measure.
fn measured(report: &Value, of: &str, measure: &str) -> u64 {
    let found = list(step(report, of), "measures").iter().find(|found| found["name"] == measure).unwrap();
    sum(&found["histogram"]["kept"]) + sum(&found["histogram"]["dropped"])
}

#[test]
fn what_a_mapper_does_to_texts_is_counted_on_the_console_in_the_report_and_in_run_json() {
    let folder = tempfile::tempdir().unwrap();
    let rows =
        ["plain", "two marks\u{0}\u{0}", "ﬁ", "dropped"].map(|text| serde_json::json!({ "text": text }).to_string());
    fs::write(folder.path().join("in.jsonl"), rows.join("\n")).unwrap();
    let file = folder.path().join("p.toml");
    let steps = "[[step]]\nuse = \"normalize\"\nform = \"nfkc\"\n";
    fs::write(&file, format!("[pipeline]\nname = \"rewritten\"\noutput = \"out\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"in.jsonl\"]\n{steps}[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\n")).unwrap();
    let told = String::from_utf8(run(&file, &[], 0).stdout).unwrap();
    assert!(told.contains("\n  2 rewritten: 2 characters fewer, 1 more\n"), "{told}");
    let read = |name: &str| fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    let record: Value = serde_json::from_str(&read("run.json")).unwrap();
    let counts = &record["counts"]["steps"]["normalize"];
    assert_eq!(
        (&counts["rewritten"], &counts["chars_removed"], &counts["chars_added"]),
        (&2.into(), &2.into(), &1.into())
    );
    assert!(read("report.html").contains("2 rewritten: 2 characters fewer, 1 more"));
}

#[test]
fn a_report_tells_every_reason_with_examples_and_its_counts_add_up() {
    let bench = Bench::new(3, 400);
    let told = run(&bench.pipeline("p.toml", "out", |text| text), &["--threads", "2"], 0);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.lines().any(|line| line.starts_with("report ") && line.ends_with("out/report.html")), "{told}");
    let report = adds_up(&bench.path("out"));
    assert_eq!(report["totals"]["documents"], 1200);
    let lines = list(&report, "sinks").iter().find(|sink| sink["name"] == "lines").unwrap();
    assert_eq!(lines["documents"], report["totals"]["kept"], "a document in three sinks is kept once");
    // The Bench's documents part three ways behind the stage: all were measured once.
    for (name, measure) in [("language", "lang_score"), ("gopher_quality", "words"), ("sample", "draw")] {
        assert_eq!(measured(&report, name, measure), step(&report, name)["seen"].as_u64().unwrap(), "{name}");
    }
    let words = &list(step(&report, "gopher_quality"), "measures")[0];
    assert_eq!((&words["name"], words["min"].as_f64()), (&Value::from("words"), Some(8.0)));
    let duplicate = &step(&report, "exact_duplicates")["reasons"][0]["examples"][0];
    assert!(duplicate["kept_instead"].as_str().unwrap().contains(".jsonl.zst"), "{duplicate}");
    assert!(duplicate["text"]["begins"].as_str().unwrap().chars().count() <= 300);
    assert!(!list(step(&report, "table"), "reasons").is_empty(), "a sink's `where` lets some pass");
    let phases = list(&report["run"], "phases");
    assert!(phases.iter().all(|phase| phase["seconds"].as_f64().unwrap() >= 0.0) && phases.len() >= 4);
}

#[test]
fn a_report_is_the_same_whatever_threads_segments_kills_and_times_it_is_made() {
    let bench = Bench::new(4, 500);
    run(&bench.pipeline("whole.toml", "whole", |text| text), &["--threads", "2"], 0);
    let whole = lasting(&bench.path("whole"));
    for (name, arguments) in [("one", &["--threads", "1"][..]), ("many", &["--threads", "5", "--segment", "16KiB"])] {
        run(&bench.pipeline("other.toml", name, |text| text), arguments, 0);
        assert!(lasting(&bench.path(name)) == whole, "{name}");
    }
    let pipeline = bench.pipeline("killed.toml", "killed", |text| text);
    for wait in [60, 120, 180, 240, 300] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wanjuan"))
            .args(["run", pipeline.to_str().unwrap(), "--segment", "32KiB"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        let _ = child.kill();
        child.wait().unwrap();
    }
    run(&pipeline, &[], 0);
    let killed = bench.path("killed");
    assert!(lasting(&killed) == whole);
    assert!(!killed.join("report.json.tmp").exists() && !killed.join("report.html.tmp").exists());
    // Made again, it is the same to the last byte.
    let before = ["report.json", "report.html"].map(|name| fs::read(killed.join(name)).unwrap());
    fs::remove_file(killed.join("report.html")).unwrap();
    assert!(wanjuan(&["report", killed.to_str().unwrap()]).status.success());
    assert!(["report.json", "report.html"].map(|name| fs::read(killed.join(name)).unwrap()) == before);
    assert_eq!(wanjuan(&["report", bench.path("nowhere").to_str().unwrap()]).status.code(), Some(2));
}

/// A pipeline whose ways part before a stage: the rows of a document end in different phases.
fn branches(bench: &Bench, head: &str) -> std::path::PathBuf {
    let text = format!(
        r#"
[pipeline]
name = "branches"
output = "out"
{head}

[[source]]
name = "raw"
use = "jsonl"
paths = ["corpus"]

[[step]]
use = "language"

[[step]]
name = "first"
use = "exact_duplicates"

[[step]]
name = "words"
use = "gopher_quality"
from = "language"

[[sink]]
name = "unique"
use = "jsonl"
from = "first"

[[sink]]
name = "all"
use = "jsonl"
from = "words"
"#
    );
    let path = bench.path("branches.toml");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn documents_count_once_where_ways_part_over_phases() {
    let bench = Bench::new(3, 300);
    run(&branches(&bench, ""), &["--split", "1KiB"], 0);
    let report = adds_up(&bench.path("out"));
    for (name, measure) in [("language", "lang_score"), ("words", "words")] {
        assert_eq!(measured(&report, name, measure), step(&report, name)["seen"].as_u64().unwrap(), "{name}");
    }
    let kept = report["totals"]["kept"].as_u64().unwrap();
    assert!(kept <= 900 && list(&report, "sinks").iter().all(|sink| sink["documents"].as_u64().unwrap() <= kept));
    let example = &step(&report, "first")["reasons"][0]["examples"][0];
    assert!(example.get("text").is_none(), "dropped documents were not kept");
    let page = fs::read_to_string(bench.path("out/report.html")).unwrap();
    assert!(page.contains("dropped = &quot;sample&quot;") || page.contains("dropped = \"sample\""));
}

#[test]
fn nothing_a_document_says_is_code_to_the_page() {
    let bench = Bench::new(0, 0);
    let hostile = "</pre></script><script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}\0 \u{7f}&amp;";
    let mut lines = String::new();
    for number in 0..5 {
        let line = serde_json::json!({ "id": format!("{number}\"'{hostile}"), "text": hostile });
        lines.push_str(&format!("{line}\n"));
    }
    lines.push_str("{\"id\": \"<script>bad()</script>\"}\n<script>worse()</script>\n");
    fs::write(bench.path("corpus/<script>a&b.jsonl"), lines).unwrap();
    let pipeline = branches(&bench, "dropped = \"all\"\nmax_set_aside = 10");
    run(&pipeline, &[], 0);
    let report = adds_up(&bench.path("out"));
    let bad = list(&report, "set_aside");
    assert!(bad.iter().all(|reason| !list(reason, "examples").is_empty()) && !bad.is_empty());
    let example = &step(&report, "words")["reasons"][0]["examples"][0];
    assert_eq!(example["text"]["begins"], hostile, "for programs, a text is as it is");
    let page = fs::read_to_string(bench.path("out/report.html")).unwrap();
    for wrong in ["<script", "<img", "\0", "\u{7f}", "\u{202e}", "</pre></"] {
        assert!(!page.contains(wrong), "the page holds {wrong:?}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)") && page.contains("[U+202E]"));
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("url("), "nothing is fetched");
    // A run that starts anew and does not come to its end leaves no report of the one before.
    let refused = fs::read_to_string(&pipeline).unwrap().replace("max_set_aside = 10", "max_set_aside = 0");
    fs::write(&pipeline, refused).unwrap();
    run(&pipeline, &["--fresh"], 3);
    assert!(!bench.path("out/report.html").exists() && !bench.path("out/report.json").exists());
}

#[test]
fn all_nine_statistics_of_wanjuan_cc_are_listed_and_drawn_once_they_are_measured() {
    let bench = Bench::new(1, 60);
    let pipeline = bench.path("nine.toml");
    let text = "[pipeline]\nname = \"nine\"\noutput = \"nine\"\n[[source]]\nname = \"in\"\nuse = \"jsonl\"\npaths = [\"corpus/*.jsonl.zst\"]\n[[step]]\nuse = \"statistics\"\n[[sink]]\nname = \"out\"\nuse = \"jsonl\"\n";
    fs::write(&pipeline, text).unwrap();
    run(&pipeline, &["--threads", "2"], 0);
    let report = read(&bench.path("nine"));
    let statistics = list(&report, "statistics");
    let mut names: Vec<&str> = statistics.iter().map(|row| row["statistic"].as_str().unwrap()).collect();
    names.dedup();
    assert_eq!(names.len(), 9, "{names:?}");
    let by_step = |row: &&Value| row["measured_by"].as_str().unwrap().starts_with("statistics.");
    assert_eq!(statistics.iter().filter(by_step).filter(|row| row["median"].is_array()).count(), 9, "{statistics:#?}");
    for measure in list(step(&report, "statistics"), "measures") {
        assert!(sum(&measure["histogram"]["written"]) > 0, "{measure}");
    }
}
