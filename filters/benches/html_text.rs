//! How much of the main text is found, and how fast: `cargo bench -p wanjuan-filters --bench html_text -- GOLD.jsonl.zst`.
//!
//! The file holds rows {id, html, gold, source}; without one, `gold-cjk.jsonl.zst` beside this file
//! is read. `gold/` says how texts are scored. The base crate is scored in the same run.
//! `WORST=ID` lists the worst pages of each source and shows one of them.

mod gold;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use gold::{Row, Score};
use wanjuan_filters::html_text::extract;

fn main() {
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let path = given.map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/gold-cjk.jsonl.zst")),
        PathBuf::from,
    );
    let worst = std::env::var("WORST").ok();
    let rows = gold::read(&path);
    judge("html_text", &rows, |html| extract(html, true).text, worst.as_deref());
    judge("dom_smoothie alone", &rows, base, None);
}

fn base(html: &str) -> String {
    let readability = dom_smoothie::Readability::new(html, None, None);
    readability
        .and_then(|mut readability| readability.parse())
        .map(|article| article.text_content.to_string())
        .unwrap_or_default()
}

fn judge(name: &str, rows: &[Row], extract: impl Fn(&str) -> String, worst: Option<&str>) {
    let (mut total, mut slowest) = (Duration::ZERO, Duration::ZERO);
    let mut sources: BTreeMap<&str, Vec<(Score, &str)>> = BTreeMap::new();
    for row in rows {
        let started = Instant::now();
        let text = extract(&row.html);
        let took = started.elapsed();
        total += took;
        slowest = slowest.max(took);
        sources.entry(&row.source).or_default().push((Score::of(&text, &row.gold), &row.id));
        if worst == Some(row.id.as_str()) {
            println!("--- gold\n{}\n--- found\n{text}", row.gold);
        }
    }
    let bytes: usize = rows.iter().map(|row| row.html.len()).sum();
    println!(
        "{name}: {:.1} MB of HTML per second on one thread, {:.0} pages/s, slowest page {:.0} ms",
        bytes as f64 / 1e6 / total.as_secs_f64(),
        rows.len() as f64 / total.as_secs_f64(),
        slowest.as_secs_f64() * 1e3
    );
    for (source, pages) in &mut sources {
        tell(source, pages.iter().map(|(score, _)| *score).collect());
        if worst.is_some() {
            pages.sort_by(|(a, _), (b, _)| (a.precision + a.recall).total_cmp(&(b.precision + b.recall)));
            for (Score { precision, recall }, id) in pages.iter().take(25) {
                println!("      {id}  P {precision:.2} R {recall:.2}");
            }
        }
    }
    if sources.len() > 1 {
        tell("all", sources.values().flatten().map(|(score, _)| *score).collect());
    }
}

fn tell(source: &str, scores: Vec<Score>) {
    let mean = Score::mean(&scores);
    println!(
        "  {source:<50} {:>4} pages  P {:.3}  R {:.3}  F1 {:.3}",
        scores.len(),
        mean.precision,
        mean.recall,
        mean.f1()
    );
}
