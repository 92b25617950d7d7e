//! What bands and rows find of near duplicates: `cargo run --profile bench -p wanjuan-dedup --example bands -- PAIRS.jsonl.zst FILE.jsonl.zst...`.
//!
//! PAIRS holds rows {a, b, jaccard5, kind}; FILE rows {text}. Truth is our exact Jaccard index. In the files,
//! the pairs looked at are those that 128 bands of 3 rows find, which miss one in 10^36 at .8.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};

use wanjuan_dedup::minhash::{Scratch, Settings, Signer, jaccard, probability, to_set};

const CHOICES: [(usize, usize); 10] =
    [(14, 8), (20, 6), (18, 7), (16, 8), (21, 6), (25, 5), (22, 5), (28, 4), (32, 4), (9, 13)];

fn main() {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let pairs = read(&paths[0]);
    let signer = |bands, rows| Signer::new(&Settings { bands, rows, ..Settings::default() }).expect("fine settings");
    let plain = signer(25, 5);
    let mut scratch = Scratch::default();
    let mut shingles = |text: &str| {
        let mut found = Vec::new();
        plain.shingles(text, &mut scratch, &mut found);
        to_set(&mut found);
        found
    };
    let mut kinds: HashMap<String, [usize; 3]> = HashMap::new();
    let mut exact = Vec::new();
    for pair in &pairs {
        let text = |name: &str| pair[name].as_str().expect("a text").to_owned();
        let (a, b) = (text("a"), text("b"));
        let ours = jaccard(&shingles(&a), &shingles(&b));
        let theirs = pair["jaccard5"].as_f64().expect("a number");
        let counts = kinds.entry(text("kind")).or_default();
        counts[0] += 1;
        counts[1] += usize::from((ours >= 0.8) == (theirs >= 0.8));
        counts[2] += usize::from((ours - theirs).abs() < 0.05);
        exact.push((a, b, ours, theirs));
    }
    println!("kind: pairs, same side of .8 as the label, within .05 of it");
    for (kind, counts) in kinds {
        println!("  {kind}: {counts:?}");
    }
    let docs: Vec<String> = paths[1..]
        .iter()
        .flat_map(|path| read(path))
        .map(|row| row["text"].as_str().unwrap_or_default().to_owned())
        .collect();
    let sets: Vec<Vec<u64>> = docs.iter().map(|text| shingles(text)).collect();
    let all = candidates(&signer(128, 3), &docs);
    let alike: HashMap<(usize, usize), f64> = all.iter().map(|&(a, b)| ((a, b), jaccard(&sets[a], &sets[b]))).collect();
    let of = |least: f64| alike.values().filter(|&&j| j >= least).count();
    println!(
        "{} documents, pairs at .8: {}, at .7: {}, at .6: {}, at .5: {}",
        docs.len(),
        of(0.8),
        of(0.7),
        of(0.6),
        of(0.5)
    );
    println!(
        "| bands x rows | P at .7 | .8 | .9 | labelled pairs at .8 found | corpus: at .8 | at .7 | candidates | of them at .8 |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for (bands, rows) in CHOICES {
        let signer = signer(bands, rows);
        let (mut near, mut found) = (0, 0);
        for (a, b, ours, _) in &exact {
            near += usize::from(*ours >= 0.8);
            found += usize::from(*ours >= 0.8 && !candidates(&signer, &[a.clone(), b.clone()]).is_empty());
        }
        let candidates = candidates(&signer, &docs);
        let at = |least: f64| candidates.iter().filter(|pair| alike.get(pair).is_some_and(|&j| j >= least)).count();
        let p = |j| probability(bands, rows, j);
        println!(
            "| {bands} x {rows} | {:.4} | {:.4} | {:.4} | {found}/{near} | {:.5} | {:.5} | {} | {:.3} |",
            p(0.7),
            p(0.8),
            p(0.9),
            at(0.8) as f64 / of(0.8).max(1) as f64,
            at(0.7) as f64 / of(0.7).max(1) as f64,
            candidates.len(),
            at(0.8) as f64 / candidates.len().max(1) as f64,
        );
    }
}

/// Pairs that agree in some band.
fn candidates(signer: &Signer, docs: &[String]) -> HashSet<(usize, usize)> {
    let (mut scratch, mut signature) = (Scratch::default(), Vec::new());
    let mut buckets: HashMap<u128, Vec<usize>> = HashMap::new();
    for (at, text) in docs.iter().enumerate() {
        if signer.sign(text, &mut scratch, &mut signature) {
            signer.band_keys(&signature, |_, key| buckets.entry(key).or_default().push(at));
        }
    }
    let mut pairs = HashSet::new();
    for bucket in buckets.values() {
        for (place, &b) in bucket.iter().enumerate() {
            pairs.extend(bucket[..place].iter().map(|&a| (a, b)));
        }
    }
    pairs
}

fn read(path: &str) -> Vec<serde_json::Value> {
    let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let lines = BufReader::new(zstd::Decoder::new(file).expect("a zstd file")).lines();
    lines.map(|line| serde_json::from_str(&line.expect("a line")).expect("JSON")).collect()
}
