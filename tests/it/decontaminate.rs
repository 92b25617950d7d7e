//! Evaluation sets through the command: lines of JSON and parquet, and what the report tells.

use std::fs;

use serde_json::Value;

use crate::kit::{run, wanjuan};

const EVAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/filters/data/eval");

#[test]
fn sets_of_lines_and_of_parquet_are_met_and_told_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    // The sample of GAOKAO-Bench as parquet, with a list in it.
    let rows = fs::read_to_string(format!("{EVAL}/gaokao.jsonl")).unwrap();
    fs::write(path("rows.jsonl"), rows.replace("\"question\"", "\"text\"")).unwrap();
    let convert = "[pipeline]\nname = \"set\"\noutput = \"set\"\n[[source]]\nname = \"in\"\nuse = \"jsonl\"\npaths = [\"rows.jsonl\"]\n[[sink]]\nname = \"table\"\nuse = \"parquet\"\n";
    fs::write(path("set.toml"), convert).unwrap();
    run(&path("set.toml"), &[], 0);

    let question = |set: &str, number: usize| -> String {
        let lines = fs::read_to_string(format!("{EVAL}/{set}.jsonl")).unwrap();
        let item: Value = serde_json::from_str(lines.lines().nth(number).unwrap()).unwrap();
        item["question"].as_str().unwrap().to_owned()
    };
    let texts = [
        ("clean", "Nothing of what is asked in any test stands in this text about the weather and the sea.".to_owned()),
        ("en", format!("From my notes: {}", question("gsm8k", 4).to_uppercase())),
        ("zh", format!("题目如下：{}", question("gaokao", 1))),
        ("zh again", format!("再来一次：{}", question("gaokao", 1))),
    ];
    let lines: String =
        texts.iter().map(|(id, text)| format!("{}\n", serde_json::json!({ "id": id, "text": text }))).collect();
    fs::write(path("in.jsonl"), lines).unwrap();
    let pipeline = format!(
        "[pipeline]\nname = \"clean\"\noutput = \"out\"\n[[source]]\nname = \"in\"\nuse = \"jsonl\"\npaths = [\"in.jsonl\"]\n[[step]]\nuse = \"decontaminate\"\nsets = ['gsm8k={EVAL}/gsm8k.jsonl', 'gaokao=set/table']\n[[sink]]\nname = \"lines\"\nuse = \"jsonl\"\n"
    );
    let only_tables = |text: String| text.replace("set/table'", "set/table/part-00000.parquet'");
    fs::write(path("p.toml"), only_tables(pipeline)).unwrap();
    run(&path("p.toml"), &[], 0);

    let report: Value = serde_json::from_slice(&fs::read(path("out/report.json")).unwrap()).unwrap();
    let step = &report["steps"][1];
    assert_eq!((&step["dropped"], &step["reasons"][0]["reason"]), (&3.into(), &"contaminated".into()));
    let set = |name: &str, met: u64, documents: u64| serde_json::json!({ "name": name, "items": 12, "items_not_looked_for": 0, "items_met": met, "documents": documents });
    assert_eq!(step["sets"], serde_json::json!([set("gaokao", 1, 2), set("gsm8k", 1, 1)]));
    assert!(fs::read_to_string(path("out/report.html")).unwrap().contains("Evaluation sets: <bdi>decontaminate"));
    let told = |id: &str| String::from_utf8(wanjuan(&["why", path("out").to_str().unwrap(), id]).stdout).unwrap();
    assert!(
        told("en").contains("contaminated_by    gsm8k#4\n") && told("en").contains("contaminated_span  15-"),
        "{}",
        told("en")
    );
    assert!(told("zh").contains("gaokao#1") && told("clean").contains("kept: written by lines"), "{}", told("zh"));
    assert!(told("zh").contains("threshold 0.5, measured 1 (share)"), "{}", told("zh"));

    // A set that is none is a mistake of the pipeline.
    fs::write(path("set/table/part-00000.parquet"), "no table").unwrap();
    let answer = wanjuan(&["check", path("p.toml").to_str().unwrap()]);
    assert_eq!(answer.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&answer.stderr).contains("part-00000.parquet"));
}
