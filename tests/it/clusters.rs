//! `wanjuan duplicates`: the clusters of a finished run, as a person and a program read them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::kit::{run, wanjuan};

/// A run over pages some of which are nearly alike, in two sources.
fn ran(folder: &Path, head: &str, steps: &str) -> PathBuf {
    let page = |words: &str| {
        format!(
            "We went down to the harbour to see the ships come in, and counted {words} of them before the rain began to fall on all of us."
        )
    };
    let zh = |word: &str| {
        format!(
            "今天早上我们去了公园，看见{word}在湖边散步，后来下起了小雨，大家都跑到亭子里躲雨，一直等到中午才回家吃饭。"
        )
    };
    let rows = |texts: &[(&str, &str, String)]| -> String {
        let row = |(id, lang, text): &(&str, &str, String)| serde_json::json!({ "id": id, "text": text, "lang": lang });
        texts.iter().map(|text| format!("{}\n", row(text))).collect()
    };
    let news = [
        ("n1", "en", page("seven")),
        ("n2", "zh", zh("一群老人")),
        ("n3", "en", page("eight")),
        ("n4", "en", "Nothing is like this page, which is about a cat.".to_owned()),
    ];
    let blog = [("b1", "en", page("seven")), ("b2", "zh", zh("一群孩子")), ("b3", "en", page("\u{1b}[31mnine"))];
    fs::write(folder.join("news.jsonl"), rows(&news)).unwrap();
    fs::write(folder.join("blog.jsonl"), rows(&blog)).unwrap();
    let source = |name: &str| {
        format!(
            "[[source]]\nname = \"{name}\"\nuse = \"jsonl\"\npaths = [\"{name}.jsonl\"]\nfields = {{ lang = \"text\" }}\n"
        )
    };
    let steps = steps.replacen("[[step]]", "[[step]]\nfrom = [\"news\", \"blog\"]", 1);
    let text = format!(
        "[pipeline]\nname = \"clusters\"\noutput = \"out\"\n{head}\n{}{}{steps}\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\n",
        source("news"),
        source("blog"),
    );
    fs::write(folder.join("p.toml"), text).unwrap();
    run(&folder.join("p.toml"), &[], 0);
    folder.join("out")
}

const STEPS: &str = "[[step]]\nuse = \"exact_duplicates\"\n[[step]]\nuse = \"minhash\"\nthreshold = 0.5\nbands = 60\nrows = 2\nngram = 2";

fn told(output: &Path, arguments: &[&str]) -> String {
    let answer = wanjuan(&[&["duplicates", output.to_str().unwrap()], arguments].concat());
    assert_eq!(answer.status.code(), Some(0), "{}", String::from_utf8_lossy(&answer.stderr));
    String::from_utf8(answer.stdout).unwrap()
}

#[test]
fn clusters_are_shown_with_what_differs_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let output = ran(folder.path(), "dropped = \"all\"", STEPS);
    insta::assert_snapshot!(told(&output, &["--differences", "2"]));
    // The same to a program.
    let json: Value = serde_json::from_str(&told(&output, &["-o", "json"])).unwrap();
    assert_eq!(json["total"]["removed_documents"], 4);
    assert_eq!(json["steps"]["exact_duplicates"]["removed_documents"], 1);
    assert_eq!(json["sources"]["blog"]["removed_documents"], 3);
    assert_eq!(json["values"]["zh"]["removed_documents"], 1);
    assert_eq!(json["sizes"], serde_json::json!({ "2": 2, "3": 1 }));
    assert_eq!(json["clusters"][0]["kept"]["id"], "n1");
    assert_eq!(json["clusters"].as_array().unwrap().len(), 3);
}

#[test]
fn one_cluster_is_found_by_any_of_its_documents() {
    let folder = tempfile::tempdir().unwrap();
    let output = ran(folder.path(), "dropped = \"all\"", STEPS);
    for id in ["n2", "b2"] {
        let told = told(&output, &["--cluster", id]);
        assert!(told.starts_with("\n2 documents by minhash, kept: n2 (news, zh"), "{told}");
        assert!(told.contains("一群[-老-][-人-]") || told.contains("一群[-老人-]{+孩子+}"), "{told}");
    }
    // n1 is kept by two steps, so two clusters are of it.
    assert_eq!(told(&output, &["--cluster", "n1"]).matches("kept: n1").count(), 2);
    let answer = wanjuan(&["duplicates", output.to_str().unwrap(), "--cluster", "n4"]);
    assert_eq!(answer.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&answer.stderr).contains("`n4` is in no cluster of this run"));
}

#[test]
fn texts_that_were_not_kept_and_marked_documents_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let output = ran(folder.path(), "", STEPS);
    assert!(told(&output, &[]).contains("cannot be compared: run with `dropped = \"all\"` in [pipeline]"));
    let folder = tempfile::tempdir().unwrap();
    let output = ran(folder.path(), "", &format!("{STEPS}\naction = \"mark\""));
    let told = told(&output, &[]);
    assert!(told.contains("3 documents by minhash, kept: n1") && told.contains("B, marked)"), "{told}");
    assert!(told.starts_with("1 of 7 documents"), "{told}");
}

#[test]
fn texts_are_found_in_parquet_as_in_lines() {
    let folder = tempfile::tempdir().unwrap();
    let output = ran(folder.path(), "dropped = \"all\"", STEPS);
    let lines = told(&output, &["--differences", "2"]);
    let written = fs::read_to_string(folder.path().join("p.toml")).unwrap();
    let (before, sink) = written.rsplit_once("use = \"jsonl\"").unwrap();
    let written = format!("{before}use = \"parquet\"{sink}").replace("output = \"out\"", "output = \"columns\"");
    fs::write(folder.path().join("columns.toml"), written).unwrap();
    run(&folder.path().join("columns.toml"), &[], 0);
    let columns = folder.path().join("columns");
    assert!(columns.join("clean/part-00000.parquet").exists());
    assert_eq!(told(&columns, &["--differences", "2"]), lines);
}

#[test]
fn what_is_no_run_with_duplicates_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let answer = wanjuan(&["duplicates", folder.path().to_str().unwrap()]);
    assert_eq!(answer.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&answer.stderr).contains("help: give the output folder of a run that has finished")
    );
    let output = ran(folder.path(), "", "[[step]]\nuse = \"normalize\"");
    let answer = wanjuan(&["duplicates", output.to_str().unwrap()]);
    assert_eq!(answer.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&answer.stderr).contains("no step of this run looks for duplicates"));
    // A run that found none.
    let folder = tempfile::tempdir().unwrap();
    let output = ran(
        folder.path(),
        "",
        "[[step]]\nuse = \"exact_duplicates\"\nnormalize = \"exact\"\nscope = \"lang\"\nwhere = \"lang = 'zh'\"",
    );
    assert!(told(&output, &[]).starts_with("0 of 7 documents"));
    // Rows that cannot be read.
    let measures = fs::read_dir(output.join("measures")).unwrap().map(|entry| entry.unwrap().path());
    for path in measures.filter(|path| path.extension().is_some_and(|ending| ending == "parquet")) {
        fs::write(path, "no table").unwrap();
    }
    assert_eq!(wanjuan(&["duplicates", output.to_str().unwrap()]).status.code(), Some(4));
}

#[test]
fn explain_draws_how_likely_near_duplicates_are_found() {
    let told = String::from_utf8(wanjuan(&["explain", "minhash@datatrove"]).stdout).unwrap();
    let (_, rest) = told.split_once("Share of pairs").unwrap();
    let (curve, _) = rest.split_once("\nOn the sample").or(rest.split_once("\n`wanjuan explain")).unwrap();
    insta::assert_snapshot!(curve);
}
