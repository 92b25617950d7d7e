//! The verdicts of peers over the first 250 documents of `pipelines/sample/mixed.jsonl.zst`; see
//! `filters/golden/README.md`.

use std::path::Path;

use crate::kit::{Filter, Setup, Text, Verdict};
use crate::{GopherQuality, GopherRepetition};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn texts(count: usize) -> Vec<Text> {
    let packed = std::fs::read(Path::new(ROOT).join("../pipelines/sample/mixed.jsonl.zst")).unwrap();
    let lines = String::from_utf8(zstd::decode_all(&*packed).unwrap()).unwrap();
    let rows = lines.lines().take(count).map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    rows.map(|row| row["text"].as_str().unwrap().into()).collect()
}

fn agree<F: Filter>(peer: &str) {
    let name = format!("golden/{}@{peer}.txt", F::NAME);
    let golden = std::fs::read_to_string(Path::new(ROOT).join(&name)).unwrap();
    let golden = golden.trim_end();
    let profile = F::PROFILES.iter().find(|profile| profile.name == peer).unwrap();
    let filter = F::new(toml::from_str(profile.settings).unwrap(), &mut Setup::default()).ok().unwrap();
    assert_eq!(golden.len(), 250);
    for (at, (text, keep)) in texts(250).iter().zip(golden.chars()).enumerate() {
        let verdict = filter.judge(&filter.measure(text));
        assert_eq!(verdict == Verdict::Keep, keep == 'k', "{name}: document {at} and {verdict:?}");
    }
}

#[test]
fn verdicts_are_those_of_peers() {
    for peer in ["dclm", "nemo-curator", "dolma", "olmo3"] {
        agree::<GopherQuality>(peer);
        agree::<GopherRepetition>(peer);
    }
}
