//! Extracts the main text of pages: lines of JSON with `html` in, one line with `text` out for each.
//! The rate on one thread goes to stderr, without the reading and writing of JSON.

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use wanjuan_filters::html_text::extract;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (mut took, mut bytes) = (Duration::ZERO, 0);
    for line in std::io::stdin().lock().lines() {
        let row: serde_json::Value = serde_json::from_str(&line?)?;
        let html = row["html"].as_str().ok_or("a row without `html`")?;
        let started = Instant::now();
        let page = extract(html, true);
        took += started.elapsed();
        bytes += html.len();
        writeln!(out, "{}", serde_json::json!({ "text": page.text }))?;
    }
    out.flush()?;
    eprintln!("{:.1} MB/s", bytes as f64 / 1e6 / took.as_secs_f64());
    Ok(())
}
