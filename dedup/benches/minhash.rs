//! How fast texts are signed: `cargo bench -p wanjuan-dedup --bench minhash -- FILE.jsonl.zst...`.
//!
//! The files hold rows {text, lang}; without one, the sample of `pipelines/` is read. Rates are megabytes of
//! text per CPU-second of one thread, the best of five rounds.

mod kit;

use std::time::Instant;

use kit::cpu_seconds;
use wanjuan_dedup::minhash::{Scratch, Settings, Signer, to_set};

fn main() {
    let rows = kit::rows();
    println!("| texts | documents | MB | units | shingles, sorted | 25 x 5 | 14 x 8 | 32 x 4 |");
    println!("|---|---|---|---|---|---|---|---|");
    for (name, lang) in [("en", "en"), ("zh", "zh"), ("all", "")] {
        let texts: Vec<&str> =
            rows.iter().filter(|(_, of)| of.starts_with(lang)).map(|(text, _)| text.as_str()).collect();
        let bytes: usize = texts.iter().map(|text| text.len()).sum();
        let mut scratch = Scratch::default();
        let signer =
            |bands, rows| Signer::new(&Settings { bands, rows, ..Settings::default() }).expect("fine settings");
        let plain = signer(25, 5);
        let mut rates = vec![
            rate(bytes, || texts.iter().map(|text| plain.count_units(text, &mut scratch)).sum()),
            rate(bytes, || {
                let mut shingles = Vec::new();
                let mut distinct = 0;
                for text in &texts {
                    plain.shingles(text, &mut scratch, &mut shingles);
                    to_set(&mut shingles);
                    distinct += shingles.len();
                }
                distinct
            }),
        ];
        for (bands, rows) in [(25, 5), (14, 8), (32, 4)] {
            let signer = signer(bands, rows);
            let mut signature = Vec::new();
            rates.push(rate(bytes, || {
                texts.iter().filter(|text| signer.sign(text, &mut scratch, &mut signature)).count()
            }));
        }
        let rates: Vec<String> = rates.iter().map(|rate| format!("{rate:.0}")).collect();
        println!("| {name} | {} | {:.1} | {} |", texts.len(), bytes as f64 / 1e6, rates.join(" | "));
    }
}

/// Megabytes per CPU-second.
fn rate(bytes: usize, mut run: impl FnMut() -> usize) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let started = (cpu_seconds(), Instant::now());
        std::hint::black_box(run());
        let spent = match (started.0, cpu_seconds()) {
            (Some(before), Some(after)) => after - before,
            _ => started.1.elapsed().as_secs_f64(),
        };
        best = best.min(spent);
    }
    bytes as f64 / 1e6 / best
}
