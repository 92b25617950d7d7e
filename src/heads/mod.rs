//! Encoders that learn from labelled texts, a head alone or all of their weights; held against texts that were held out,
//! and used to choose which texts a person should look at next. What is measured is the folder that was written, read back.
//!
//! Which texts are held out is a matter of their bytes, so the same texts are, in whatever order and however often they
//! come. The loop of labels is that of InternLM2's scorer of code (arXiv:2403.17297, sec. 3.1.2): train, score a pool, have a
//! person look at texts the model is sure of and at texts it doubts, take the labels back, and use the model only for
//! languages in which it agrees with people.

mod ask;
mod measure;
mod plot;
mod samples;

use std::collections::BTreeMap;
use std::path::Path;

use wanjuan_models::card::{Card, HeldOut, sha256};
use wanjuan_models::encoder::train::{self, All, Answer, Progress, Text, Written};
use wanjuan_models::encoder::{Encoder, FILES, Found, Problem, Scratch, batches};

pub use ask::{Asking, Scored};
pub use measure::{Measured, measure};
pub use plot::reliability;
pub use samples::{Sample, Samples};

/// What the head is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// One of some labels.
    Labels,
    /// A number.
    Number,
}

/// What is to be told of texts that are learned, as numbers.
pub struct Targets {
    /// Of what kind.
    pub target: Target,
    /// The labels in their order, or the name of the number.
    pub labels: Vec<String>,
    /// Of each text its label's number, or the number.
    pub each: Vec<f64>,
    /// The mean of the numbers; of labels there is none.
    pub middle: f64,
}

impl Targets {
    /// Of some texts.
    pub fn of(target: Target, texts: &[Sample]) -> Result<Targets, String> {
        if target == Target::Number {
            let each = texts.iter().map(|text| number(&text.label)).collect::<Result<Vec<f64>, _>>()?;
            let middle = each.iter().sum::<f64>() / each.len().max(1) as f64;
            return Ok(Targets { target, labels: vec!["score".to_owned()], each, middle });
        }
        let mut labels: Vec<String> = texts.iter().map(|text| text.label.to_string()).collect();
        labels.sort();
        labels.dedup();
        if labels.len() < 2 {
            return Err(format!("a head tells two labels apart at least; there are {}", labels.len()));
        }
        let place = |text: &Sample| labels.iter().position(|label| **label == *text.label).unwrap_or(0) as f64;
        let each = texts.iter().map(place).collect();
        Ok(Targets { target, labels, each, middle: 0.0 })
    }
}

/// The files of a model that was trained, but for its tokenizer.
pub struct Made {
    files: Written,
    /// The head by itself, for use on the same body beside others.
    head: Option<Vec<u8>>,
}

/// The label of a text as a number.
pub fn number(label: &str) -> Result<f64, String> {
    let number: Option<f64> = label.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| format!("the label `{label}` is no number; leave out --number for labels that are names"))
}

/// What an encoder makes of texts, as tokens; nothing of one without a token. The same for any number of threads.
fn each(
    windows: &[&[u32]],
    encoder: &Encoder,
    threads: usize,
    make: impl Fn(&[&[u32]], &mut Scratch, &mut Vec<f32>) -> Result<(), wanjuan_models::encoder::Error> + Sync,
) -> Result<Vec<Vec<f32>>, String> {
    let filled: Vec<usize> = (0..windows.len()).filter(|&at| !windows[at].is_empty()).collect();
    let lengths: Vec<usize> = filled.iter().map(|&at| windows[at].len()).collect();
    let mut batches = batches(&lengths, encoder.batch_tokens(), encoder.is_padded());
    batches.iter_mut().flatten().for_each(|at| *at = filled[*at]);
    let threads = threads.clamp(1, batches.len().max(1));
    let share = |part: usize| {
        let (mut scratch, mut made) = (Scratch::default(), Vec::new());
        for batch in batches.iter().skip(part).step_by(threads) {
            let texts: Vec<&[u32]> = batch.iter().map(|&at| windows[at]).collect();
            let mut numbers = Vec::new();
            make(&texts, &mut scratch, &mut numbers).map_err(|error| error.to_string())?;
            let each = numbers.chunks(numbers.len() / texts.len()).map(<[f32]>::to_vec);
            made.extend(batch.iter().copied().zip(each));
        }
        Ok::<_, String>(made)
    };
    let mut all = vec![Vec::new(); windows.len()];
    let parts: Vec<_> = std::thread::scope(|scope| {
        let share = &share;
        let threads: Vec<_> = (0..threads).map(|part| scope.spawn(move || share(part))).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| "a thread panicked".to_owned())).collect()
    });
    for part in parts {
        for (at, numbers) in part?? {
            all[at] = numbers;
        }
    }
    Ok(all)
}

/// The mean vectors of texts.
fn embed(encoder: &Encoder, windows: &[&[u32]], threads: usize) -> Result<Vec<Vec<f32>>, String> {
    each(windows, encoder, threads, |texts, scratch, out| encoder.means(texts, scratch, out))
}

/// The scores of texts.
pub fn score(encoder: &Encoder, windows: &[&[u32]], threads: usize) -> Result<Vec<Vec<f64>>, String> {
    let scores = each(windows, encoder, threads, |texts, scratch, out| encoder.score(texts, scratch, out))?;
    Ok(scores.into_iter().map(|scores| scores.into_iter().map(f64::from).collect()).collect())
}

fn windows(texts: &[Sample]) -> Vec<&[u32]> {
    texts.iter().map(|text| &*text.ids).collect()
}

fn read(folder: &Path, file: &str) -> Result<Vec<u8>, String> {
    let path = folder.join(file);
    std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Fits a linear head on the encoder in a folder, which stays as it is.
pub fn head(
    encoder: &Encoder,
    from: &Path,
    (texts, targets): (&[Sample], &Targets),
    ridge: f64,
    threads: usize,
) -> Result<Made, String> {
    let embeddings = embed(encoder, &windows(texts), threads)?;
    let fitted = match targets.target {
        Target::Number => train::regression(&targets.labels[0], &embeddings, &targets.each, ridge)?,
        Target::Labels => {
            let of: Vec<usize> = targets.each.iter().map(|&label| label as usize).collect();
            train::labels(&targets.labels, &embeddings, &of, ridge)?
        }
    };
    let [config, weights, _] = FILES;
    let files =
        Written { config: fitted.config(&read(from, config)?)?, weights: fitted.with_body(&read(from, weights)?)? };
    Ok(Made { files, head: Some(fitted.to_bytes()?) })
}

/// Trains all weights of the encoder in a folder; where it has no `model.safetensors`, from nothing. The model, or
/// nothing where `see` wanted to stop: a checkpoint is in `to` then, from which the same call goes on.
pub fn all(
    (from, to): (&Path, &Path),
    (texts, targets): (&[Sample], &Targets),
    (settings, device, threads): (&train::Settings, &Found, usize),
    see: impl FnMut(&Progress) -> Answer,
) -> Result<Option<Made>, String> {
    let [config, weights, _] = FILES;
    let weights = if from.join(weights).exists() { Some(read(from, weights)?) } else { None };
    let problem = if targets.target == Target::Number { Problem::Regression } else { Problem::OneLabel };
    let told = (&targets.labels[..], problem);
    let mut all = All::new(&read(from, config)?, weights.as_deref(), told, device, settings.clone(), threads)
        .map_err(|error| format!("{}: {error}", from.display()))?;
    drop(weights);
    let texts = texts.iter().zip(&targets.each).map(|(text, &target)| Text { ids: &text.ids, target });
    let texts: Vec<Text<'_>> = texts.collect();
    std::fs::create_dir_all(to).map_err(|error| format!("{}: {error}", to.display()))?;
    let done = all.learn(&texts, Some(&to.join(UNFINISHED)), see)?;
    done.then(|| Ok(Made { files: all.written()?, head: None })).transpose()
}

/// What a training that was stopped goes on from.
pub const UNFINISHED: &str = "unfinished.safetensors";

/// Measures a model on texts that were held out: all of them, and those of each language.
pub fn measured(encoder: &Encoder, texts: &[Sample], target: Target, threads: usize) -> Result<Vec<Measured>, String> {
    let scores = score(encoder, &windows(texts), threads)?;
    let labels = encoder.heads().first().map(|head| head.labels.clone()).unwrap_or_default();
    let mut by_language: BTreeMap<&str, Vec<usize>> = BTreeMap::from([("*", (0..texts.len()).collect())]);
    for (at, text) in texts.iter().enumerate().filter(|(_, text)| !text.language.is_empty()) {
        by_language.entry(&text.language).or_default().push(at);
    }
    let of = |(language, places): (&str, Vec<usize>)| {
        let some: Vec<(&str, &[f64])> = places.iter().map(|&at| (&*texts[at].label, &scores[at][..])).collect();
        measure(language, &labels, target, &some)
    };
    by_language.into_iter().filter(|(_, places)| !places.is_empty()).map(of).collect()
}

/// Whether the folder that is written is another than the model's own, which would be lost.
pub fn apart(from: &Path, to: &Path) -> Result<(), String> {
    match (from.canonicalize(), to.canonicalize()) {
        (Ok(from), Ok(to)) if from == to => {
            Err(format!("{}: this is the folder of --model; give another --out, or another name", to.display()))
        }
        _ => Ok(()),
    }
}

/// Writes the files of a model, to be read as any other. A card that stood there spoke of another, and goes.
pub fn write(made: &Made, from: &Path, to: &Path) -> Result<(), String> {
    apart(from, to)?;
    let [config, weights, tokenizer] = FILES;
    std::fs::create_dir_all(to).map_err(|error| format!("{}: {error}", to.display()))?;
    for file in ["card.toml", "head.safetensors", "reliability.svg", TOKENIZER_CONFIG] {
        match std::fs::remove_file(to.join(file)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(to, file, &error)),
            _ => {}
        }
    }
    save(to, config, made.files.config.as_bytes())?;
    save(to, tokenizer, &read(from, tokenizer)?)?;
    if from.join(TOKENIZER_CONFIG).exists() {
        save(to, TOKENIZER_CONFIG, &read(from, TOKENIZER_CONFIG)?)?;
    }
    save(to, weights, &made.files.weights)?;
    made.head.as_ref().map_or(Ok(()), |head| save(to, "head.safetensors", head))
}

/// What the library asks for beside the tokenizer; nothing here reads it.
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";

fn failed(folder: &Path, file: &str, error: &std::io::Error) -> String {
    format!("{}: {error}", folder.join(file).display())
}

fn save(folder: &Path, file: &str, bytes: &[u8]) -> Result<(), String> {
    std::fs::write(folder.join(file), bytes).map_err(|error| failed(folder, file, &error))
}

/// Writes the card and the picture of a model whose files are there, and takes away what its training could have gone on
/// from.
pub fn finish(encoder: &Encoder, measured: &[Measured], to: &Path, mut card: Card) -> Result<(), String> {
    let all = measured.iter().find(|measured| measured.language == "*");
    if let Some(all) = all.filter(|all| !all.reliability.is_empty()) {
        save(to, "reliability.svg", reliability(&all.reliability).as_bytes())?;
    }
    let weights = FILES[1];
    let bytes = read(to, weights)?;
    card.kind = "encoder".to_owned();
    card.file = weights.to_owned();
    (card.sha256, card.bytes) = (sha256(&bytes), bytes.len() as u64);
    card.labels = encoder.heads().first().map(|head| head.labels.clone()).unwrap_or_default();
    card.held_out = measured
        .iter()
        .map(|measured| HeldOut {
            language: measured.language.clone(),
            documents: measured.documents,
            measures: measured.measures.clone(),
        })
        .collect();
    save(to, "card.toml", card.to_toml().as_bytes())?;
    match std::fs::remove_file(to.join(UNFINISHED)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(to, UNFINISHED, &error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
