//! Documents that mean the same, through the command: what goes is what brute force over all pairs says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};
use wanjuan_dedup::semantic::{Vector, round};
use wanjuan_models::embedding::{Embedding, Table};

use crate::duplicates::kept;
use crate::engine::{same_as, whatever_happens};
use crate::kit::{Bench, mask, run, wanjuan};

/// Documents of the sample, English and Chinese, each of which some others say in other words, in another order or in part.
static TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let sample = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/sample/mixed.jsonl.zst")).unwrap();
    let rows = String::from_utf8(zstd::decode_all(&sample[..]).unwrap()).unwrap();
    let texts =
        rows.lines().map(|row| serde_json::from_str::<Value>(row).unwrap()["text"].as_str().unwrap().to_owned());
    let texts: Vec<String> = texts.filter(|text| (200..1500).contains(&text.chars().count())).take(120).collect();
    let variant = |number: usize| -> String {
        let (text, way) = (&texts[number * 7 % texts.len()], number / texts.len());
        let without = |nth: usize| text.chars().enumerate().filter(|(at, _)| at % nth != 1).map(|(_, c)| c).collect();
        match way {
            0 => text.clone(),
            1 => text.split(['\n', '。', '.']).rev().collect::<Vec<_>>().join("\n"),
            _ => without([90, 40, 12][number % 3]),
        }
    };
    (0..texts.len() * 3).map(variant).collect()
});

static VECTORS: LazyLock<Vec<Vector>> = LazyLock::new(|| {
    let (model, mut numbers, mut rounded) = (Table::built_in(), Vec::new(), Vec::new());
    let vector = |text: &String| {
        assert!(model.embed(text, &mut numbers), "{text}");
        round(&numbers, &mut rounded);
        Vector::new(rounded.clone())
    };
    TEXTS.iter().map(vector).collect()
});

/// Rows of documents, by their numbers, in files of a corpus.
fn corpus(documents: &[usize]) -> Bench {
    let bench = Bench::new(0, 0);
    for (file, part) in documents.chunks(documents.len().div_ceil(3).max(1)).enumerate() {
        let row = |&number: &usize| {
            let row = json!({ "id": format!("{number}"), "text": TEXTS[number], "dump": format!("{}", number % 2), "score": score(number) });
            format!("{row}\n")
        };
        fs::write(bench.path(&format!("corpus/{file}.jsonl")), part.iter().map(row).collect::<String>()).unwrap();
    }
    bench
}

/// No two documents have the same.
fn score(number: usize) -> f64 {
    (number * 211 % 1009) as f64
}

fn stage(bench: &Bench, output: &str, paths: &str, settings: &str) -> PathBuf {
    let text = format!(
        "[pipeline]\nname = \"semantic\"\noutput = \"{output}\"\ndropped = \"all\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"{paths}\"]\nfields = {{ dump = \"text\", score = \"number\" }}\n[[step]]\nuse = \"semantic_duplicates\"\n{settings}\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\ncompression = \"none\"\n"
    );
    let path = bench.path(&format!("{output}.toml"));
    fs::write(&path, text).unwrap();
    path
}

/// For each document that stays, those that go in its stead: all pairs, what hangs together, best first.
fn plain(
    documents: &[usize],
    threshold: f64,
    apart: impl Fn(usize, usize) -> bool,
    better: impl Fn(usize) -> f64,
) -> BTreeMap<usize, Vec<usize>> {
    let alike = |one: usize, other: usize| VECTORS[one].cosine(&VECTORS[other]) >= threshold;
    let mut labels: Vec<usize> = (0..documents.len()).collect();
    for one in 0..documents.len() {
        for other in 0..one {
            if !apart(documents[one], documents[other]) && alike(documents[one], documents[other]) {
                let (low, high) = (labels[one].min(labels[other]), labels[one].max(labels[other]));
                labels.iter_mut().filter(|label| **label == high).for_each(|label| *label = low);
            }
        }
    }
    let mut clusters: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, label) in labels.into_iter().enumerate() {
        clusters.entry(label).or_default().push(documents[at]);
    }
    let mut stay = BTreeMap::new();
    for mut members in clusters.into_values() {
        members.sort_by(|&one, &other| better(other).total_cmp(&better(one))); // stable: of equals the first
        let mut leaders: Vec<(usize, Vec<usize>)> = Vec::new();
        for member in members {
            match leaders.iter_mut().find(|(leader, _)| alike(*leader, member)) {
                Some((_, gone)) => gone.push(member),
                None => leaders.push((member, Vec::new())),
            }
        }
        stay.extend(leaders);
    }
    stay
}

fn all() -> Vec<usize> {
    (0..TEXTS.len()).collect()
}

#[test]
fn what_goes_is_what_brute_force_over_all_pairs_says() {
    let bench = corpus(&all());
    let stay = |output: &str, settings: &str| {
        run(&stage(&bench, output, "corpus", settings), &["--threads", "2"], 0);
        kept(&bench, output)
    };
    let expected = plain(&all(), 0.98, |_, _| false, |_| 0.0);
    assert!((110..300).contains(&expected.len()), "{} of {} stay", expected.len(), TEXTS.len());
    let rows = stay("first", "");
    assert_eq!(rows.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (number, row) in &rows {
        assert_eq!(row["cluster_size"], expected[number].len() + 1, "{row}");
    }
    let highest = plain(&all(), 0.98, |_, _| false, score);
    assert_eq!(
        stay("highest", "keep = \"highest:score\"").into_keys().collect::<Vec<_>>(),
        highest.into_keys().collect::<Vec<_>>()
    );
    let scope = plain(&all(), 0.98, |one, other| one % 2 != other % 2, |_| 0.0);
    assert_eq!(
        stay("scope", "scope = \"dump\"").into_keys().collect::<Vec<_>>(),
        scope.into_keys().collect::<Vec<_>>()
    );
    // With tables enough, a lower threshold misses nothing either.
    let low = plain(&all(), 0.93, |_, _| false, |_| 0.0);
    assert!(low.len() < expected.len());
    assert_eq!(
        stay("low", "threshold = 0.93\ntables = 48\nbits = 8").into_keys().collect::<Vec<_>>(),
        low.into_keys().collect::<Vec<_>>()
    );

    let marked = stay("mark", "action = \"mark\"");
    assert_eq!(marked.len(), TEXTS.len());
    for (number, row) in &marked {
        let Some(instead) = row["kept_instead"].as_str() else {
            assert!(expected.contains_key(number), "{row}");
            continue;
        };
        let (&leader, _) = expected.iter().find(|(_, gone)| gone.contains(number)).unwrap();
        assert!(instead.ends_with(&format!("#{leader}")), "{row} {leader}");
        let cosine = VECTORS[leader].cosine(&VECTORS[*number]);
        assert!((row["similarity"].as_f64().unwrap() - cosine).abs() < 1e-6 && cosine >= 0.98, "{row} {cosine}");
    }
    for row in stay("weight", "action = \"weight\"\nweights = [[2, 2.0], [3, 0.5]]").values() {
        assert_eq!(row["weight"], [1.0, 2.0, 0.5][row["cluster_size"].as_u64().unwrap().min(3) as usize - 1], "{row}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn any_documents_in_any_order_are_judged_as_brute_force_judges(
        documents in prop::sample::subsequence(all(), 1..80).prop_shuffle(),
        threshold in 0.9_f64..1.0,
    ) {
        let bench = corpus(&documents);
        let settings = format!("threshold = {threshold}\ntables = 64\nbits = 6\nkeep = \"highest:score\"");
        run(&stage(&bench, "out", "corpus", &settings), &[], 0);
        let expected: BTreeSet<usize> = plain(&documents, threshold, |_, _| false, score).into_keys().collect();
        prop_assert_eq!(kept(&bench, "out").into_keys().collect::<BTreeSet<_>>(), expected);
    }
}

#[test]
fn the_same_documents_stay_whatever_threads_memory_segments_order_and_kills() {
    let bench = corpus(&all());
    let settings = "threshold = 0.95\nkeep = \"highest:score\"";
    run(&stage(&bench, "whole", "corpus", settings), &["--threads", "2"], 0);
    let whole = bench.path("whole");
    let stay: BTreeSet<usize> = kept(&bench, "whole").into_keys().collect();
    mask(&whole, "whole");
    let written = |name: &str| stage(&bench, name, "corpus", settings);
    whatever_happens(written, (0..6).map(|step| 60 + 150 * step), |name| same_as(&whole, &bench.path(name)));

    let mut others = all();
    others.reverse();
    others.rotate_left(101);
    let bench = corpus(&others);
    run(&stage(&bench, "order", "corpus", settings), &[], 0);
    assert_eq!(kept(&bench, "order").into_keys().collect::<BTreeSet<_>>(), stay);
}

#[test]
fn a_new_crawl_loses_what_an_index_holds() {
    let bench = corpus(&all());
    run(&stage(&bench, "old", "corpus/0.jsonl", "index = \"held\""), &[], 0);
    run(&stage(&bench, "new", "corpus/1.jsonl", "against = [\"held\"]\naction = \"mark\""), &[], 0);
    let (old, new) = (kept(&bench, "old"), kept(&bench, "new"));
    // What the index holds comes first, whatever else.
    let together: Vec<usize> = old.keys().chain(new.keys()).copied().collect();
    let stay = plain(&together, 0.98, |_, _| false, |number| f64::from(u8::from(old.contains_key(&number))));
    for (number, row) in &new {
        assert_eq!(row["kept_instead"].is_string(), !stay.contains_key(number), "{row}");
    }
    let held = new.values().filter(|row| row["kept_instead"].as_str().is_some_and(|place| place.starts_with("index:")));
    assert!(held.count() > 50);
    // Of another model or other planes, an index says nothing.
    let file = stage(&bench, "other", "corpus/1.jsonl", "against = [\"held\"]\nseed = 2");
    let told = String::from_utf8(wanjuan(&["run", file.to_str().unwrap()]).stderr).unwrap();
    assert!(told.contains("seed"), "{told}");
}

#[test]
fn duplicates_and_why_tell_of_them() {
    let bench = corpus(&all());
    run(&stage(&bench, "out", "corpus", ""), &[], 0);
    let out = bench.path("out");
    let told = wanjuan(&["duplicates", out.to_str().unwrap(), "-o", "json"]).stdout;
    let told: Value = serde_json::from_slice(&told).unwrap();
    let expected = plain(&all(), 0.98, |_, _| false, |_| 0.0);
    let largest = expected.values().map(|gone| gone.len() + 1).max().unwrap();
    assert!(!told["sizes"][format!("{largest}")].is_null(), "{told}");
    let (leader, gone) = expected.iter().find(|(_, gone)| !gone.is_empty()).unwrap();
    let told = wanjuan(&["why", out.to_str().unwrap(), &gone[0].to_string()]).stdout;
    let told = String::from_utf8(told).unwrap();
    assert!(told.contains("semantic_duplicate") && told.contains("threshold 0.98"), "{told}");
    assert!(told.lines().any(|line| line.contains("kept") && line.ends_with(&format!("{leader}"))), "{told}");
}

#[test]
fn a_folder_of_ones_own_is_used_and_one_that_is_no_model_is_refused() {
    let bench = corpus(&all());
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/models/embedding/golden/shared");
    run(&stage(&bench, "own", "corpus", &format!("model = '{golden}'")), &[], 0);
    assert!(kept(&bench, "own").len() < TEXTS.len());
    let refused = |settings: &str| {
        let file = stage(&bench, "refused", "corpus", settings);
        let told = wanjuan(&["check", file.to_str().unwrap()]);
        assert_eq!(told.status.code(), Some(2));
        String::from_utf8(told.stderr).unwrap()
    };
    let told = refused("model = \"nowhere\"");
    assert!(told.contains("nowhere") && told.contains("as model2vec saves it"), "{told}");
    fs::create_dir(bench.path("cut")).unwrap();
    for name in ["model.safetensors", "tokenizer.json", "config.json"] {
        let whole = fs::read(format!("{golden}/{name}")).unwrap();
        fs::write(bench.path("cut").join(name), &whole[..whole.len() - 2]).unwrap();
    }
    assert!(refused("model = \"cut\"").contains("`model.safetensors` is damaged"));
    assert!(refused("threshold = 0").contains("threshold"));
    assert!(refused("bits = 33").contains("bits"));
}
