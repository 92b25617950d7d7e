//! Sentences scored per CPU-second beside PyPI's kenlm, one thread each, on the same model and lines.
//!
//! `KENLM_PYTHON=venv/bin/python NGRAM_MODEL=model.binary NGRAM_TEXT=lines.txt cargo bench -p wanjuan-models --bench ngram`.
//! The peer scores through its Python module, which cuts words in C++; the sums of both are printed.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use wanjuan_models::ngram::{Model, Score};

const PEER: &str = r#"
import kenlm, sys, time
model = kenlm.Model(sys.argv[1])
lines = [line.rstrip("\n") for line in open(sys.argv[2], encoding="utf8", newline="\n")]
rates = []
for _ in range(5):
    start = time.process_time()
    total = sum(model.score(line) for line in lines)
    rates.append(time.process_time() - start)
print(f"{min(rates):.4f} {total:.2f}")
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (Ok(model), Ok(text)) = (std::env::var("NGRAM_MODEL"), std::env::var("NGRAM_TEXT")) else {
        println!("NGRAM_MODEL and NGRAM_TEXT are not set: nothing to measure");
        return Ok(());
    };
    let lines = std::fs::read_to_string(&text)?;
    let (megabytes, words) = (lines.len() as f64 / 1e6, lines.split_ascii_whitespace().count() as f64);
    let loaded = Model::load(Path::new(&model))?;
    let mut best = f64::INFINITY;
    let mut total = Score::default();
    for _ in 0..5 {
        // One thread that waits for nothing: its time is the processor's, but for what others take of it.
        let start = cpu_seconds().unwrap_or(0.0);
        let clock = Instant::now();
        total = Score::default();
        lines.split('\n').for_each(|line| total.add(loaded.score_line(line)));
        let wall = clock.elapsed().as_secs_f64();
        best = best.min(cpu_seconds().map_or(wall, |end| end - start));
    }
    let rate = |seconds: f64| format!("{:6.2} MB, {:9.0} words per CPU-second", megabytes / seconds, words / seconds);
    println!("wanjuan        {}  sum {:.2}", rate(best), total.log10);
    let python = std::env::var("KENLM_PYTHON").unwrap_or("python3".into());
    let peer = Command::new(python).args(["-c", PEER, &model, &text]).output()?;
    let answer = String::from_utf8_lossy(&peer.stdout).into_owned();
    match answer.split_whitespace().collect::<Vec<_>>()[..] {
        [seconds, sum] => println!("kenlm (Python) {}  sum {sum}", rate(seconds.parse()?)),
        _ => println!("no kenlm: {}", String::from_utf8_lossy(&peer.stderr)),
    }
    Ok(())
}

/// Processor time of this process, on Linux.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    Some(stat.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
}
