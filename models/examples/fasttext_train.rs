//! Trains a classifier on a file of the C++ tool's format and writes it; prints the seconds that learning took.
//! `fasttext_train TEXTS MODEL [name=value...] [small=CUTOFF]`

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::time::Instant;

use wanjuan_models::fasttext::train::{Corpus, Loss, Quantize, Settings, train};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [texts, model, rest @ ..] = &arguments[..] else { return Err("the texts or the model is missing".into()) };
    let (mut settings, mut small) = (Settings::default(), None);
    for argument in rest {
        let (name, value) = argument.split_once('=').ok_or("a setting is name=value")?;
        match name {
            "dim" => settings.dim = value.parse()?,
            "epoch" => settings.epochs = value.parse()?,
            "lr" => settings.rate = value.parse()?,
            "wordNgrams" => settings.word_ngrams = value.parse()?,
            "minn" => settings.min_n = value.parse()?,
            "maxn" => settings.max_n = value.parse()?,
            "bucket" => settings.bucket = value.parse()?,
            "minCount" => settings.min_count = value.parse()?,
            "thread" => settings.threads = value.parse()?,
            "seed" => settings.seed = value.parse()?,
            "loss" => {
                settings.loss = match value {
                    "softmax" => Loss::Softmax,
                    "hs" => Loss::HierarchicalSoftmax,
                    "ova" => Loss::OneVsAll,
                    _ => return Err("losses are softmax, hs and ova".into()),
                }
            }
            "small" => small = Some(value.parse()?),
            _ => return Err(format!("there is no setting {name}").into()),
        }
    }
    let started = Instant::now();
    let mut corpus = Corpus::new();
    corpus.read(BufReader::new(File::open(texts)?))?;
    let read = started.elapsed();
    let trained = train(&mut corpus, &settings, None)?;
    println!(
        "{} texts, read in {:.2} s, learned in {:.2} s",
        corpus.len(),
        read.as_secs_f64(),
        (started.elapsed() - read).as_secs_f64()
    );
    let out = BufWriter::new(File::create(model)?);
    match small {
        None => trained.write(out)?,
        Some(cutoff) => {
            let how = Quantize { cutoff: Some(cutoff), retrain: true, norms: true, ..Quantize::default() };
            trained.write_small(&corpus, &how, out)?;
        }
    }
    Ok(())
}
