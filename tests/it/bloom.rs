//! Keys through a Bloom filter: what goes is what goes by exact keys and a stated share more, and nothing but the
//! corpus decides about it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::engine::{same_as, whatever_happens};
use crate::kit::{Bench, files, mask, run, wanjuan};

/// A pipeline of two steps with a filter or without: documents, then lines.
fn pipeline(bench: &Bench, output: &str, bloom: &str) -> PathBuf {
    let bloom = if bloom.is_empty() { String::new() } else { format!("bloom = {{ {bloom} }}") };
    bench.pipeline(&format!("{output}.toml"), output, |text| {
        let lines = "[[step]]\nuse = \"duplicate_spans\"\nunit = \"sentence\"";
        text.replace("use = \"exact_duplicates\"", &format!("use = \"exact_duplicates\"\n{bloom}\n\n{lines}\n{bloom}"))
    })
}

/// What the sink of lines holds.
fn lines(output: &Path) -> Vec<u8> {
    files(&output.join("lines"))
        .into_iter()
        .filter(|(name, _)| !name.starts_with('_'))
        .flat_map(|(_, file)| file)
        .collect()
}

fn filter(output: &Path, step: &str) -> Value {
    let record: Value = serde_json::from_slice(&fs::read(output.join("run.json")).unwrap()).unwrap();
    record["counts"]["steps"][step]["bloom"].clone()
}

#[test]
fn a_filter_with_room_keeps_what_exact_keys_keep_whatever_threads_memory_segments_and_kills() {
    let bench = Bench::new(3, 900);
    run(&pipeline(&bench, "exact", ""), &["--threads", "2"], 0);
    let room = "expected = 1e6, false_positives = 1e-8";
    run(&pipeline(&bench, "whole", room), &["--threads", "2"], 0);
    let whole = bench.path("whole");
    assert!(!lines(&whole).is_empty());
    assert_eq!(lines(&whole), lines(&bench.path("exact")));
    let spans = filter(&whole, "duplicate_spans");
    assert!(
        spans["different"].as_u64() < spans["keys"].as_u64() && spans["one_in"].as_u64() > Some(1 << 40),
        "{spans}"
    );
    mask(&whole, "whole");
    let written = |name: &str| pipeline(&bench, name, room);
    whatever_happens(written, (0..6).map(|step| 40 + 90 * step), |name| same_as(&whole, &bench.path(name)));
}

#[test]
fn a_filter_that_is_too_small_says_so_and_is_wrong_in_the_same_way_on_all_threads() {
    let bench = Bench::new(2, 600);
    let small = "expected = 90, false_positives = 0.01";
    let told = run(&pipeline(&bench, "small", small), &["--threads", "1"], 0);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("keys were new, more than the"), "{told}");
    let small_filter = filter(&bench.path("small"), "exact_duplicates");
    assert!(small_filter["one_in"].as_u64() < Some(20) && small_filter["stated_one_in"] == 100, "{small_filter}");
    let page = fs::read_to_string(bench.path("small/report.html")).unwrap();
    assert!(page.contains("keys were new, more than the"));
    mask(&bench.path("small"), "small");
    run(&pipeline(&bench, "five", small), &["--threads", "5", "--segment", "64KiB"], 0);
    same_as(&bench.path("small"), &bench.path("five"));
}

#[test]
fn the_memory_of_a_filter_is_told_before_a_byte_is_read() {
    let bench = Bench::new(1, 10);
    let file = pipeline(&bench, "fits", "memory_mb = 100");
    let told = wanjuan(&["check", file.to_str().unwrap()]);
    let told = String::from_utf8(told.stderr).unwrap();
    assert!(told.contains("duplicate_spans: a Bloom filter of 100.0 MiB, for "), "{told}");
    let told = run(&file, &["--memory", "400MiB"], 0);
    assert!(String::from_utf8(told.stderr).unwrap().contains("exact_duplicates: a Bloom filter of 100.0 MiB, for "));

    let file = pipeline(&bench, "large", "expected = 2e9");
    let told = String::from_utf8(run(&file, &["--memory", "2GiB"], 2).stderr).unwrap();
    assert!(told.contains("error: the Bloom filter of `exact_duplicates` takes 5."), "{told}");
    assert!(told.contains("GiB, and of --memory 2.0 GiB a filter may take 992.0 MiB\nhelp: give at least 1"), "{told}");
    assert!(!bench.path("large").exists());
}
