//! How fast texts and their spans are hashed: `cargo bench -p wanjuan-dedup --bench spans -- FILE.jsonl.zst...`.
//!
//! The files hold rows {text, lang}; without one, the sample of `pipelines/` is read. Rates are megabytes of
//! text per CPU-second of one thread; `plain` is the hash of letters and digits
//! character by character, by the tables of the standard library.

mod kit;

use std::time::Instant;

use kit::cpu_seconds;
use wanjuan_dedup::normal::Normal;
use wanjuan_dedup::spans::{Cutter, Sentences, Unit};
use wanjuan_filters::kit::Words;
use xxhash_rust::xxh3::xxh3_128;

fn main() {
    let rows = kit::rows();
    let normals = [Normal::Exact, Normal::Folded, Normal::Lower, Normal::Ccnet, Normal::Simplified];
    let units = [("lines", Unit::Line, 1), ("paragraphs", Unit::Paragraph, 1), ("three sentences", Unit::Sentence, 3)];
    for (name, lang) in [("en", "en"), ("zh", "zh"), ("all", "")] {
        let texts: Vec<&str> =
            rows.iter().filter(|(_, of)| of.starts_with(lang)).map(|(text, _)| text.as_str()).collect();
        let bytes: usize = texts.iter().map(|text| text.len()).sum();
        println!("{name}: {} texts, {:.1} MB", texts.len(), bytes as f64 / 1e6);
        let plain = |text: &str| {
            let folded: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
            xxh3_128(folded.as_bytes())
        };
        let spent = rate(bytes, || texts.iter().fold(0, |sum, text| sum ^ plain(text) as usize));
        println!("  whole texts, plain       {spent:>6.0}");
        for normal in normals {
            let spent = rate(bytes, || texts.iter().fold(0, |sum, text| sum ^ normal.hash(text).unwrap_or(0) as usize));
            println!("  whole texts, {:<11} {spent:>6.0}", format!("{normal:?}"));
        }
        for (what, unit, window) in units {
            for normal in normals {
                let (sentences, words) = (Sentences::Marks, Words::English);
                let cutter = Cutter { unit, sentences, words, window, normal, min_chars: 20 };
                let (mut parts, mut room, mut spans) = (Vec::new(), Vec::new(), 0);
                let spent = rate(bytes, || {
                    spans = 0;
                    texts.iter().fold(0, |mut sum, text| {
                        cutter.parts(text, &mut parts);
                        cutter.spans(text, &parts, &mut room, |_, hash| {
                            spans += 1;
                            sum ^= hash as usize;
                        });
                        sum
                    })
                });
                println!("  {what}, {:<11} {spent:>6.0}  {spans} spans", format!("{normal:?}"));
            }
        }
    }
}

/// Megabytes per CPU-second, over rounds of at least 0.4 seconds: the clock moves in steps of milliseconds.
fn rate(bytes: usize, mut run: impl FnMut() -> usize) -> f64 {
    let started = (cpu_seconds(), Instant::now());
    for round in 1.. {
        std::hint::black_box(run());
        let spent = match (started.0, cpu_seconds()) {
            (Some(before), Some(after)) => after - before,
            _ => started.1.elapsed().as_secs_f64(),
        };
        if spent >= 0.4 {
            return (bytes * round) as f64 / 1e6 / spent;
        }
    }
    unreachable!("rounds take time")
}
