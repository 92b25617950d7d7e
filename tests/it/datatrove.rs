//! Clusters of datatrove 0.10.1 over the sample (`tests/conformance/minhash/clusters.py` writes them) beside ours.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::duplicates::kept;
use crate::kit::{Bench, run};

/// Clusters of more than one document, by the numbers of the documents of the language.
fn clusters(lang: &str, words: &str) -> Vec<Vec<usize>> {
    let bench = Bench::new(0, 0);
    let sample = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/sample/mixed.jsonl.zst")).unwrap();
    let rows = String::from_utf8(zstd::decode_all(&sample[..]).unwrap()).unwrap();
    let rows = rows.lines().map(|row| serde_json::from_str::<Value>(row).unwrap()).filter(|row| row["lang"] == lang);
    let rows = rows.enumerate().map(|(id, row)| format!("{}\n", json!({ "id": id.to_string(), "text": row["text"] })));
    fs::write(bench.path("corpus/in.jsonl"), rows.collect::<String>()).unwrap();
    let text = format!(
        "[pipeline]\nname = \"clusters\"\noutput = \"out\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"corpus\"]\n[[step]]\nuse = \"minhash\"\nprofile = \"datatrove\"\nwords = \"{words}\"\naction = \"mark\"\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\ncompression = \"none\"\n"
    );
    fs::write(bench.path("stage.toml"), text).unwrap();
    run(&bench.path("stage.toml"), &["--threads", "2"], 0);
    let mut found: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (number, row) in kept(&bench, "out") {
        let of = row["kept_instead"].as_str().map(|kept| kept.rsplit_once('#').unwrap().1.parse().unwrap());
        found.entry(of.unwrap_or(number)).or_default().push(number);
    }
    let mut clusters: Vec<Vec<usize>> = found.into_values().filter(|cluster| cluster.len() > 1).collect();
    clusters.sort();
    clusters
}

fn golden(text: &str) -> Vec<Vec<usize>> {
    text.lines().map(|line| line.split(' ').map(|number| number.parse().unwrap()).collect()).collect()
}

#[test]
fn the_clusters_of_the_profile_are_those_of_datatrove() {
    let [en, zh] = [
        golden(include_str!("../golden/minhash-clusters-en.txt")),
        golden(include_str!("../golden/minhash-clusters-zh.txt")),
    ];
    assert!(en.len() > 50 && zh.len() > 15);
    assert_eq!(clusters("en", "english"), en);
    assert_eq!(clusters("zh", "chinese"), zh);
}
