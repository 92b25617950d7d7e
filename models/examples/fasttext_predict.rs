//! Prints the best label of each line of standard input, and its probability; with `--time`, only how
//! long the predictions took. `fasttext_predict MODEL [K] [--time] < lines`

use std::io::{BufRead, Write};

use wanjuan_models::fasttext::{Model, Scratch};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let model = Model::load(arguments.first().ok_or("a model is missing")?.as_ref())?;
    let k = arguments.get(1).and_then(|k| k.parse().ok()).unwrap_or(1);
    let lines: Vec<String> = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    let mut scratch = Scratch::default();
    if arguments.iter().any(|argument| argument == "--time") {
        let bytes: usize = lines.iter().map(String::len).sum();
        let started = std::time::Instant::now();
        let mut labels = 0;
        for line in &lines {
            labels += model.predict(line, k, 0.0, &mut scratch).len();
        }
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "{labels} labels, {:.0} documents/s, {:.1} MB/s",
            lines.len() as f64 / seconds,
            bytes as f64 / 1e6 / seconds
        );
        return Ok(());
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in &lines {
        for best in model.predict(line, k, 0.0, &mut scratch) {
            write!(out, "{} {:.7} ", model.labels()[best.label], best.probability)?;
        }
        writeln!(out)?;
    }
    Ok(())
}
