//! Scores lines of standard input, words between white space: `ngram_score MODEL`.

use std::io::{BufRead, BufWriter, Write};
use std::path::Path;

use wanjuan_models::ngram::Model;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("MODEL")?;
    let model = Model::load(Path::new(&path))?;
    eprintln!("n-grams {:?}", model.counts());
    let mut out = BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let score = model.score_line(&line?);
        writeln!(out, "{:.5}\t{}\t{}", score.log10, score.words, score.unknown)?;
    }
    Ok(out.flush()?)
}
