//! `use = "rule"`, and filters that only measure.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::kit::{Bench, run, wanjuan};

/// A pipeline that measures and leaves the verdict to a rule.
fn pipeline(bench: &Bench, name: &str, steps: &str) -> std::path::PathBuf {
    let text = format!(
        "[pipeline]\nname = \"{name}\"\noutput = \"{name}\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"corpus\"]\nfields = {{ n = \"integer\" }}\n[[step]]\nuse = \"language\"\n{steps}\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\ncompression = \"none\"\n"
    );
    let path = bench.path(&format!("{name}.toml"));
    fs::write(&path, text).unwrap();
    path
}

fn counts(output: &Path, step: &str) -> Value {
    let record: Value = serde_json::from_slice(&fs::read(output.join("run.json")).unwrap()).unwrap();
    record["counts"]["steps"][step].clone()
}

#[test]
fn a_filter_that_only_measures_leaves_the_verdict_to_a_rule() {
    let bench = Bench::new(2, 300);
    let filter = "[[step]]\nuse = \"gopher_quality\"\nwhere = \"lang = 'en'\"\nmin_words = 110\n";
    run(&pipeline(&bench, "judged", filter), &["--threads", "2"], 0);
    let rule = format!(
        "{filter}only_measure = true\n[[step]]\nname = \"short\"\nuse = \"rule\"\ndrop_if = \"gopher_quality.words < 110\"\nreason = \"too_few_words\"\n"
    );
    run(&pipeline(&bench, "ruled", &rule), &["--threads", "3"], 0);
    let judged = counts(&bench.path("judged"), "gopher_quality");
    let measured = counts(&bench.path("ruled"), "gopher_quality");
    let ruled = counts(&bench.path("ruled"), "short");
    assert!(judged["dropped"]["too_few_words"].as_u64().unwrap() > 20, "{judged}");
    assert_eq!(measured["seen"], measured["kept"], "nothing is dropped where it only measures");
    assert_eq!(ruled["dropped"], judged["dropped"]);
    assert_eq!(ruled["seen"], 600, "a rule judges what passed the filter by, too");
    let kept = |name: &str| fs::read(bench.path(name).join("clean/part-00000.jsonl")).unwrap();
    assert!(kept("judged") == kept("ruled"), "the same documents are written");
}

#[test]
fn a_rule_measures_the_facts_it_names_and_why_tells_of_them() {
    let bench = Bench::new(1, 50);
    let steps = "[[step]]\nname = \"chinese\"\nuse = \"rule\"\ndrop_if = \"text.han > 0.5 and n < 20\"\nreason = \"mostly_han\"\n[[test]]\ninput = { text = \"河水发源于群山\", n = 3 }\nexpect = { drop = \"mostly_han\", by = \"chinese\" }\n[[test]]\ninput = { text = \"河水发源于群山\", n = 30 }\nexpect = { keep = true }\n";
    let file = pipeline(&bench, "facts", steps);
    let tested = wanjuan(&["test", file.to_str().unwrap()]);
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stdout));
    run(&file, &[], 0);
    assert_eq!(counts(&bench.path("facts"), "chinese")["dropped"], serde_json::json!({ "mostly_han": 4 }));
    let why = wanjuan(&["why", bench.path("facts").to_str().unwrap(), "0-5"]);
    let told = String::from_utf8(why.stdout).unwrap();
    assert!(
        told.contains("dropped by chinese: mostly_han\n  drop_if text.han > 0.5 and n < 20\n")
            && told.contains("\n  han  ")
            && !told.contains("letters")
    );
}

#[test]
fn a_change_of_the_condition_or_of_only_measure_runs_again() {
    let bench = Bench::new(1, 60);
    let rule =
        |limit: u32, only: &str| format!("[[step]]\nuse = \"rule\"\ndrop_if = \"text.characters < {limit}\"\n{only}");
    for (limit, only) in [(100, ""), (10_000, ""), (10_000, "only_measure = true\n")] {
        run(&pipeline(&bench, "edited", &rule(limit, only)), &[], 0);
        let dropped = counts(&bench.path("edited"), "rule")["dropped"]["ruled_out"].as_u64().unwrap_or(0);
        assert_eq!(
            dropped,
            if !only.is_empty() {
                0
            } else if limit == 100 {
                12
            } else {
                60
            }
        );
    }
}
