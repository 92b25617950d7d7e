//! How much of the main text is found, and how fast: `cargo bench -p wanjuan-filters --bench html_text -- GOLD.jsonl.zst`.
//!
//! The file holds rows {id, html, gold, source}. The score is that of the article extraction
//! benchmark by Scrapinghub: shingles of four tokens, precision and recall averaged over pages, F1
//! of the averages. The base crate is scored in the same run.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use wanjuan_filters::html_text::extract;

struct Row {
    id: String,
    html: String,
    gold: String,
    source: String,
}

fn main() {
    let Some(path) = std::env::args().skip(1).find(|argument| !argument.starts_with("--")) else {
        println!("give a file of gold pages");
        return;
    };
    let worst = std::env::var("WORST").ok();
    let text =
        zstd::decode_all(std::fs::File::open(&path).expect("the gold file opens")).expect("the gold file is zstd");
    let rows: Vec<Row> = String::from_utf8_lossy(&text)
        .lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).expect("rows are JSON");
            let field = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            Row { id: field("id"), html: field("html"), gold: field("gold"), source: field("source") }
        })
        .collect();
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
    let mut scores: BTreeMap<&str, Vec<(f64, f64, &str)>> = BTreeMap::new();
    for row in rows {
        let started = Instant::now();
        let text = extract(&row.html);
        let took = started.elapsed();
        total += took;
        slowest = slowest.max(took);
        let (precision, recall) = score(&text, &row.gold);
        scores.entry(&row.source).or_default().push((precision, recall, &row.id));
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
    for (source, scores) in &mut scores {
        let mean = |of: fn(&(f64, f64, &str)) -> f64| scores.iter().map(of).sum::<f64>() / scores.len() as f64;
        let (precision, recall) = (mean(|score| score.0), mean(|score| score.1));
        println!(
            "  {source:<50} {:>4} pages  P {precision:.3}  R {recall:.3}  F1 {:.3}",
            scores.len(),
            2.0 * precision * recall / (precision + recall)
        );
        if worst.is_some() {
            scores.sort_by(|a, b| (a.0 + a.1).total_cmp(&(b.0 + b.1)));
            for (precision, recall, id) in scores.iter().take(25) {
                println!("      {id}  P {precision:.2} R {recall:.2}");
            }
        }
    }
}

/// Precision and recall over shingles of four tokens.
fn score(found: &str, gold: &str) -> (f64, f64) {
    let (found, gold) = (shingles(found), shingles(gold));
    let both: usize = gold.iter().map(|(shingle, count)| *count.min(found.get(shingle).unwrap_or(&0))).sum();
    let (found, gold): (usize, usize) = (found.values().sum(), gold.values().sum());
    let share =
        |whole: usize, other: usize| if whole == 0 { f64::from(other == 0) } else { both as f64 / whole as f64 };
    (share(found, gold), share(gold, found))
}

fn shingles(text: &str) -> HashMap<Vec<&str>, usize> {
    let tokens: Vec<&str> =
        text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|token| !token.is_empty()).collect();
    let mut counts = HashMap::new();
    let size = tokens.len().clamp(1, 4);
    for shingle in tokens.windows(size) {
        *counts.entry(shingle.to_vec()).or_insert(0) += 1;
    }
    counts
}
