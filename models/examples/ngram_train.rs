//! Trains an n-gram model on lines of standard input, words between white space, and writes it.
//!
//! `ngram_train ORDER OUT [memory in MiB] [threads] [prune, as in 0,0,1] [words]`: `OUT` ends in `.arpa`, `.binary`
//! (KenLM's hash tables) or `.packed`; `words` is `characters` for models of characters.

use std::io::{BufRead, BufWriter, Write};

use wanjuan_models::ngram::chars::with_words;
use wanjuan_models::ngram::train::{Config, Trainer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [order, out, rest @ ..] = &arguments[..] else { return Err("ORDER OUT".into()) };
    let number = |at: usize, default: usize| rest.get(at).map_or(Ok(default), |text| text.parse());
    let prune = rest.get(2).filter(|text| !text.is_empty());
    let prune = prune.map_or(Ok(Vec::new()), |text| text.split(',').map(str::parse).collect())?;
    let config = Config {
        order: order.parse()?,
        memory: number(0, 1024)? << 20,
        threads: number(1, 1)?,
        prune,
        ..Config::default()
    };
    let by_character = rest.get(3).is_some_and(|how| how == "characters");
    let mut trainer = Trainer::new(config)?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if by_character {
            if !line.trim().is_empty() {
                with_words(&line, |characters| trainer.push(characters))?;
            }
        } else {
            trainer.push(line.split_ascii_whitespace().map(str::as_bytes))?;
        }
    }
    let trained = trainer.finish()?;
    eprintln!("{} words, n-grams {:?}, discounts {:?}", trained.words(), trained.counts(), trained.discounts());
    if out.ends_with(".packed") {
        trained.write_packed(&mut std::fs::File::create(out)?)?;
    } else if out.ends_with(".arpa") {
        let mut file = BufWriter::new(std::fs::File::create(out)?);
        trained.write_arpa(&mut file)?;
        file.flush()?;
    } else {
        std::fs::write(out, trained.model()?.to_binary()?)?;
    }
    Ok(())
}
