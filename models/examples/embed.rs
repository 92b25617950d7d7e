//! Embeds each line of standard input, a string of JSON, and writes the numbers as little-endian `f32`; with
//! `--time`, only how long it took. `embed FOLDER|wanjuan-e5-96 [--time] [--all] < lines`; `--all` embeds texts whole.

use std::io::{BufRead, Write};
use std::time::Instant;

use wanjuan_models::embedding::{BUILT_IN, Embedding, Table};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let started = Instant::now();
    let mut model = match arguments.first().ok_or("a model is missing")?.as_str() {
        BUILT_IN => Table::built_in(),
        folder => Table::load(folder.as_ref())?,
    };
    if has("--all") {
        model.set_max_tokens(None);
    }
    let loaded = started.elapsed().as_secs_f64();
    let lines = std::io::stdin().lock().lines();
    let texts: Vec<String> =
        lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect::<Result<_, std::io::Error>>()?;
    let mut vector = Vec::new();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (mut known, started) = (0, Instant::now());
    for text in &texts {
        known += usize::from(model.embed(text, &mut vector));
        if !has("--time") {
            for number in &vector {
                out.write_all(&number.to_le_bytes())?;
            }
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    if has("--time") {
        let bytes: usize = texts.iter().map(String::len).sum();
        let encoder = if model.is_fast() { "fast" } else { "reference" };
        let minute = texts.len() as f64 / seconds * 60.0;
        let rate = bytes as f64 / 1e6 / seconds;
        writeln!(
            out,
            "{minute:.0} documents/minute, {rate:.1} MB/s, {known} known, {encoder} encoder, loaded in {loaded:.2} s"
        )?;
    }
    Ok(())
}
