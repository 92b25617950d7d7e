//! Heads on the embeddings of an encoder: fitted on labelled texts, held against texts that were held out, and used to
//! choose which texts a person should look at next.
//!
//! Which texts are held out is a matter of their bytes, so the same texts are, in whatever order and however often they
//! come. The loop of labels is that of InternLM2's scorer of code (arXiv:2403.17297, sec. 3.1.2): train, score a pool, have a
//! person look at texts the model is sure of and at texts it doubts, take the labels back, and use the model only for
//! languages in which it agrees with people.

mod ask;
mod measure;
mod plot;

use std::collections::BTreeMap;
use std::path::Path;

use wanjuan_models::card::{Card, HeldOut, sha256};
use wanjuan_models::encoder::train::{self, Fitted};
use wanjuan_models::encoder::{Encoder, FILES, Scratch, batches};
use xxhash_rust::xxh3::xxh3_64;

pub use ask::{Asking, Scored};
pub use measure::{Measured, measure};
pub use plot::reliability;

use crate::scorer::Example;

/// What the head is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// One of some labels.
    Labels,
    /// A number.
    Number,
}

/// How a head is fitted.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// What it tells.
    pub target: Target,
    /// The weight of the weights' squares beside the errors.
    pub ridge: f64,
    /// The share of texts that is held out.
    pub held_out: f64,
    /// Threads that embed.
    pub threads: usize,
}

/// A head with what is known of it.
pub struct Trained {
    /// The head.
    pub fitted: Fitted,
    /// Texts it was fitted on.
    pub learned: usize,
    /// The mean of the numbers it was fitted on; of labels there is none.
    pub middle: f64,
    /// How well it does on texts that were held out, by language; `*` for all.
    pub measured: Vec<Measured>,
}

/// The label of a text as a number.
pub fn number(text: &Example) -> Result<f64, String> {
    let number: Option<f64> = text.label.parse().ok().filter(|number: &f64| number.is_finite());
    number
        .ok_or_else(|| format!("the label `{}` is no number; leave out --number for labels that are names", text.label))
}

/// The mean vectors of the first windows of some texts; nothing of a text without a token. The same for any number of
/// threads.
pub fn embed(encoder: &Encoder, texts: &[&str], threads: usize) -> Result<Vec<Vec<f32>>, String> {
    let mut windows = Vec::new();
    for text in texts {
        let mut ids = Vec::new();
        encoder.tokens().windows(text, encoder.shape().tokens, 1, |window| ids = window.to_vec())?;
        windows.push(ids);
    }
    let filled: Vec<usize> = (0..windows.len()).filter(|&at| !windows[at].is_empty()).collect();
    let lengths: Vec<usize> = filled.iter().map(|&at| windows[at].len()).collect();
    let mut batches = batches(&lengths, encoder.batch_tokens(), encoder.is_padded());
    batches.iter_mut().flatten().for_each(|at| *at = filled[*at]);
    let threads = threads.clamp(1, batches.len().max(1));
    let share = |part: usize| {
        let (mut scratch, mut made) = (Scratch::default(), Vec::new());
        for batch in batches.iter().skip(part).step_by(threads) {
            let texts: Vec<&[u32]> = batch.iter().map(|&at| &windows[at][..]).collect();
            let mut means = Vec::new();
            encoder.means(&texts, &mut scratch, &mut means).map_err(|error| error.to_string())?;
            let each = means.chunks(encoder.shape().hidden).map(<[f32]>::to_vec);
            made.extend(batch.iter().copied().zip(each));
        }
        Ok::<_, String>(made)
    };
    let mut embeddings = vec![Vec::new(); texts.len()];
    let parts: Vec<_> = std::thread::scope(|scope| {
        let share = &share;
        let threads: Vec<_> = (0..threads).map(|part| scope.spawn(move || share(part))).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| "a thread panicked".to_owned())).collect()
    });
    for part in parts {
        for (at, embedding) in part?? {
            embeddings[at] = embedding;
        }
    }
    Ok(embeddings)
}

/// Fits a head, and measures it on what was held out.
pub fn fit(encoder: &Encoder, texts: &[Example], settings: &Settings) -> Result<Trained, String> {
    let bound = (settings.held_out.clamp(0.0, 1.0) * u64::MAX as f64) as u64;
    let held_out = |text: &Example| xxh3_64(text.text.as_bytes()) < bound;
    let (apart, learned): (Vec<&Example>, Vec<&Example>) = texts.iter().partition(|text| held_out(text));
    let text_of = |texts: &[&Example]| {
        let texts: Vec<&str> = texts.iter().map(|text| &*text.text).collect();
        let embeddings = embed(encoder, &texts, settings.threads)?;
        match embeddings.iter().position(Vec::is_empty) {
            Some(at) => Err(format!("a text has no token: {:?}", texts[at].chars().take(40).collect::<String>())),
            None => Ok(embeddings),
        }
    };
    let mut middle = 0.0;
    let embeddings = text_of(&learned)?;
    let fitted = match settings.target {
        Target::Number => {
            let values = learned.iter().map(|text| number(text)).collect::<Result<Vec<f64>, _>>()?;
            middle = values.iter().sum::<f64>() / values.len().max(1) as f64;
            train::regression("score", &embeddings, &values, settings.ridge)?
        }
        Target::Labels => {
            let mut labels: Vec<String> = learned.iter().map(|text| text.label.clone()).collect();
            labels.sort();
            labels.dedup();
            if labels.len() < 2 {
                return Err(format!("a head tells two labels apart at least; there are {}", labels.len()));
            }
            let place = |text: &&Example| labels.iter().position(|label| *label == text.label).unwrap_or(0);
            let of: Vec<usize> = learned.iter().map(place).collect();
            train::labels(&labels, &embeddings, &of, settings.ridge)?
        }
    };
    let scores: Vec<Vec<f64>> = text_of(&apart)?.iter().map(|embedding| fitted.score(embedding)).collect();
    let mut by_language: BTreeMap<&str, Vec<usize>> = BTreeMap::from([("*", (0..apart.len()).collect())]);
    for (at, text) in apart.iter().enumerate().filter(|(_, text)| !text.language.is_empty()) {
        by_language.entry(&text.language).or_default().push(at);
    }
    let of = |(language, places): (&str, Vec<usize>)| {
        let some: Vec<(&Example, &[f64])> = places.iter().map(|&at| (apart[at], &scores[at][..])).collect();
        measure(language, &fitted.labels, settings.target, &some)
    };
    let measured =
        by_language.into_iter().filter(|(_, places)| !places.is_empty()).map(of).collect::<Result<_, _>>()?;
    Ok(Trained { learned: learned.len(), middle, measured, fitted })
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

/// Writes the folder of a model with this head: it is read as any other, and has a card and a picture.
pub fn write(trained: &Trained, from: &Path, to: &Path, mut card: Card) -> Result<(), String> {
    apart(from, to)?;
    let [config, weights, tokenizer] = FILES;
    let read =
        |file: &str| std::fs::read(from.join(file)).map_err(|error| format!("{}: {error}", from.join(file).display()));
    std::fs::create_dir_all(to).map_err(|error| format!("{}: {error}", to.display()))?;
    let save = |file: &str, bytes: &[u8]| {
        std::fs::write(to.join(file), bytes).map_err(|error| format!("{}: {error}", to.join(file).display()))
    };
    let model = trained.fitted.with_body(&read(weights)?)?;
    save(config, trained.fitted.config(&read(config)?)?.as_bytes())?;
    save(tokenizer, &read(tokenizer)?)?;
    save(weights, &model)?;
    save("head.safetensors", &trained.fitted.to_bytes()?)?;
    let all = trained.measured.iter().find(|measured| measured.language == "*");
    if let Some(all) = all.filter(|all| !all.reliability.is_empty()) {
        save("reliability.svg", reliability(&all.reliability).as_bytes())?;
    }
    card.kind = "encoder".to_owned();
    card.file = weights.to_owned();
    (card.sha256, card.bytes) = (sha256(&model), model.len() as u64);
    card.labels.clone_from(&trained.fitted.labels);
    card.held_out = trained
        .measured
        .iter()
        .map(|measured| HeldOut {
            language: measured.language.clone(),
            documents: measured.documents,
            measures: measured.measures.clone(),
        })
        .collect();
    save("card.toml", card.to_toml().as_bytes())
}

#[cfg(test)]
mod tests;
