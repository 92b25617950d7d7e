//! What `semantic_duplicates` finds of what there is: `cargo bench --bench semantic -- [FILE.jsonl.zst]...`.
//!
//! Every pair of documents is compared, which takes the square of their number: some ten thousand are enough. Told is the
//! share of the pairs at a threshold that the step compares (they share a part in some table and are no further apart
//! than its window), the share that is expected by the planes alone, and how many documents hang together through these
//! pairs and through all.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use wanjuan_dedup::semantic::{Planes, Vector, Window, probability, round};
use wanjuan_models::embedding::{Embedding, Table};

/// Planes of a table, tables, and the window of the step.
const DEFAULT: (usize, usize, usize) = (12, 16, 2_048);

fn main() {
    let given: Vec<PathBuf> = std::env::args_os().skip(1).filter(|one| one != "--bench").map(PathBuf::from).collect();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/sample/mixed.jsonl.zst");
    let mut model = Table::built_in();
    model.set_max_tokens(Some(512));
    let (mut numbers, mut rounded, mut vectors) = (Vec::new(), Vec::new(), Vec::new());
    for file in if given.is_empty() { vec![sample] } else { given } {
        let rows = zstd::decode_all(File::open(&file).expect("the file opens")).expect("the file is zstd");
        for row in rows.split(|&byte| byte == b'\n').filter(|row| !row.is_empty()) {
            let row: serde_json::Value = serde_json::from_slice(row).expect("rows are JSON");
            let known = model.embed(row["text"].as_str().unwrap_or_default(), &mut numbers);
            round(&numbers, &mut rounded);
            if known && rounded.iter().any(|&number| number != 0) {
                vectors.push(rounded.clone());
            }
        }
    }
    let (bits, tables, most) = DEFAULT;
    let planes = Planes::new(model.dimensions(), bits, tables, 1);
    let sides: Vec<Vec<u32>> = vectors
        .iter()
        .map(|vector| {
            let mut sides = Vec::new();
            planes.sides(vector, &mut sides);
            sides
        })
        .collect();
    let compared: Vec<Vector> = vectors.into_iter().map(Vector::new).collect();
    println!("{} documents, {bits} bits, {tables} tables", compared.len());
    println!("threshold     pairs  share a part  expected  hang together: found   all");
    for threshold in [0.9, 0.95, 0.98, 0.99] {
        let (mut pairs, mut met, mut expected) = (0_u64, 0_u64, 0.0);
        let mut all = Components::new(compared.len());
        for one in 0..compared.len() {
            for other in 0..one {
                let cosine = compared[one].cosine(&compared[other]);
                if cosine >= threshold {
                    pairs += 1;
                    met += u64::from(sides[one].iter().zip(&sides[other]).any(|(one, other)| one == other));
                    expected += probability(bits, tables, cosine);
                    all.join(one, other);
                }
            }
        }
        let mut found = Components::new(compared.len());
        for table in 0..tables {
            let mut parts: BTreeMap<(u32, u32), Vec<usize>> = BTreeMap::new();
            for (number, sides) in sides.iter().enumerate() {
                parts.entry((sides[table], sides[(table + 1) % tables])).or_default().push(number);
            }
            let mut window = (None, Window::new(most, threshold));
            for ((part, _), numbers) in parts {
                if window.0 != Some(part) {
                    window = (Some(part), Window::new(most, threshold));
                }
                for number in numbers {
                    window.1.push(compared[number].clone(), number, &mut |one, other| found.join(one, other));
                }
            }
        }
        let share = |part: f64| part / pairs.max(1) as f64;
        println!(
            "{threshold:>9}{pairs:>10}{:>14.4}{:>10.4}{:>23}{:>6}",
            share(met as f64),
            share(expected),
            found.joined,
            all.joined
        );
    }
}

/// What hangs together.
struct Components {
    above: Vec<usize>,
    /// Documents less components: those that would go if one of each stayed.
    joined: usize,
}

impl Components {
    fn new(count: usize) -> Components {
        Components { above: (0..count).collect(), joined: 0 }
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.above[at] != at {
            self.above[at] = self.above[self.above[at]];
            at = self.above[at];
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        if one != other {
            self.above[one.max(other)] = one.min(other);
            self.joined += 1;
        }
    }
}
