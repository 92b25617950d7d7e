//! `wanjuan test`: a case goes along the graph as a document of a run does.

use std::fs;

use crate::kit::wanjuan;

const BRANCHES: &str = r#"
[pipeline]
name = "branches"
output = "out"

[[source]]
name = "web"
use = "jsonl"
paths = ["in.jsonl"]

[[source]]
name = "books"
use = "jsonl"
paths = ["in.jsonl"]
fields = { year = "integer" }
where = "year > 1900"

[[step]]
name = "english"
use = "language"
keep = ["en"]
from = ["web", "books"]

[[step]]
name = "chinese"
use = "language"
keep = ["zh"]
from = ["web", "books"]

[[sink]]
name = "both"
use = "jsonl"
from = ["english", "chinese"]
"#;

fn tested(case: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), "{\"text\":\"x\"}\n").unwrap();
    let file = folder.path().join("p.toml");
    fs::write(&file, format!("{BRANCHES}\n[[test]]\n{case}\n")).unwrap();
    let output = wanjuan(&["test", file.to_str().unwrap()]);
    let told = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.success(), told)
}

#[test]
fn a_document_is_kept_when_one_way_leads_to_a_sink() {
    let chinese = "input = { text = \"这条河发源于群山之中，最后流入大海。\" }";
    let (passed, told) = tested(&format!("{chinese}\nexpect = {{ keep = true, lang = \"zh\" }}"));
    assert!(passed, "{told}");
    let (passed, told) = tested(&format!("{chinese}\nexpect = {{ drop = \"other_language\", by = \"english\" }}"));
    assert!(!passed && told.contains("`both` kept it"), "{told}");
}

#[test]
fn a_document_is_dropped_when_every_way_ends() {
    let german = "input = { text = \"Der Fluss und die Stadt haben eine lange Geschichte.\" }";
    for by in ["english", "chinese"] {
        let (passed, told) = tested(&format!("{german}\nexpect = {{ drop = \"other_language\", by = \"{by}\" }}"));
        assert!(passed, "{told}");
    }
    let (passed, told) = tested(&format!("{german}\nexpect = {{ drop = \"other_language\", by = \"web\" }}"));
    assert!(!passed && told.contains("`english`: other_language, `chinese`: other_language"), "{told}");
}

#[test]
fn a_source_selects_in_a_test_as_in_a_run() {
    let text = "The river and the town have a long history.";
    for (year, expect) in [(1850, "{ drop = \"not_selected\", by = \"books\" }"), (1950, "{ keep = true }")] {
        let case = format!("source = \"books\"\ninput = {{ text = \"{text}\", year = {year} }}\nexpect = {expect}");
        let (passed, told) = tested(&case);
        assert!(passed, "{year}: {told}");
    }
}
