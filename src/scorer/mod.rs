//! Trains scorers from labelled texts and tells how well they do on texts that were held out.
//!
//! Which texts are held out is a matter of their bytes: the same text is on the same side however often it is there, in
//! whatever file, so that nothing is measured on what was learned. Languages are told apart in all that is measured.

mod examples;
mod judge;
mod spoil;

use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::fmt;
use std::path::PathBuf;

use wanjuan_filters::kit::{Ready, Text};
use wanjuan_models::card::{Card, Data, HeldOut, sha256, sha256_of_file};
use wanjuan_models::fasttext::Model;
use wanjuan_models::fasttext::train::{Corpus, Quantize, Settings, Vectors, train};
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub use examples::{Example, Fields, Label, Reader};
pub use judge::judge;
pub use spoil::spoil;

use crate::store::Input;

/// Why no scorer was trained.
#[derive(Debug)]
pub enum Error {
    /// What was asked for cannot be; what is wrong, and how to repair it.
    Wrong(String, String),
    /// The machine failed.
    Machine(String),
    /// It was asked to stop; how to go on.
    Stopped(String),
}

impl Error {
    /// What was asked for cannot be.
    pub fn wrong(what: impl Into<String>, help: impl Into<String>) -> Error {
        Error::Wrong(what.into(), help.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Wrong(what, _) | Error::Machine(what) | Error::Stopped(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}

/// What is to be trained.
pub struct Plan {
    /// Files, each with the label of all its texts, if they have one.
    pub inputs: Vec<(Input, Option<String>)>,
    /// Where records say what.
    pub fields: Fields,
    /// Every text is also there spoiled, under this label.
    pub spoiled: Option<String>,
    /// Most texts of each label: those whose hashes are the lowest.
    pub most: Option<usize>,
    /// The share of texts that is held out.
    pub held_out: f64,
    /// Files of texts that are held out: no text of theirs is learned, wherever else it stands.
    pub tests: Vec<(Input, Option<String>)>,
    /// How texts are made ready.
    pub ready: Ready,
    /// The label whose probability is the score; the first of the model where it is not set.
    pub score: Option<String>,
    /// Settings of the training.
    pub settings: Settings,
    /// How the model is made small, if it is.
    pub small: Option<Quantize>,
    /// Word vectors that the training begins with.
    pub vectors: Option<Vectors>,
}

/// A trained scorer.
pub struct Scorer {
    /// The model's file.
    pub bytes: Vec<u8>,
    /// Its card, but for what only a person knows.
    pub card: Card,
    /// What was held out.
    pub held_out: Vec<Example>,
    /// Texts that it was trained on.
    pub trained_on: usize,
    /// Records that were bad.
    pub bad: u64,
    /// The first of them: its file, its number, and why.
    pub first_bad: Option<String>,
}

/// What becomes of examples on their way.
struct Gathered<'p> {
    plan: &'p Plan,
    corpus: Corpus,
    held_out: Vec<Example>,
    /// Hashes of the texts of files that are held out.
    tested: HashSet<u64>,
    /// By label, the examples of the lowest hashes, the highest of them on top.
    lowest: BTreeMap<String, BinaryHeap<(u64, Example)>>,
}

impl Gathered<'_> {
    fn hash(&self, text: &str) -> u64 {
        xxh3_64_with_seed(text.as_bytes(), self.plan.settings.seed)
    }

    fn take(&mut self, example: Example) {
        let Some(most) = self.plan.most else { return self.part(example) };
        // Another hash than the one that holds out, or none of the lowest would be learned.
        let hash = self.hash(&example.text).swap_bytes().rotate_left(32);
        let heap = self.lowest.entry(example.label.clone()).or_default();
        if heap.len() < most {
            heap.push((hash, example));
        } else if heap.peek().is_some_and(|(highest, _)| hash < *highest) {
            heap.pop();
            heap.push((hash, example));
        }
    }

    /// Learned or held out. A spoiled text goes where the text goes that it was made of.
    fn part(&mut self, example: Example) {
        let hash = self.hash(&example.text);
        if self.tested.contains(&hash) {
            return;
        }
        self.put(example, (hash as f64 / u64::MAX as f64) < self.plan.held_out);
    }

    fn put(&mut self, example: Example, held_out: bool) {
        let spoiled = self.plan.spoiled.as_ref().map(|label| Example {
            text: spoil(&example.text, self.plan.settings.seed),
            label: label.clone(),
            language: example.language.clone(),
        });
        for example in [example].into_iter().chain(spoiled) {
            if held_out {
                self.held_out.push(example);
            } else {
                let text: Text = example.text.as_str().into();
                self.plan.ready.read(&text, |text| self.corpus.push([example.label.as_str()], text));
            }
        }
    }
}

/// Trains a fastText scorer.
pub fn fasttext(plan: &Plan) -> Result<Scorer, Error> {
    let mut reader = Reader::new(plan.fields.clone());
    let mut gathered =
        Gathered { plan, corpus: Corpus::new(), held_out: Vec::new(), tested: HashSet::new(), lowest: BTreeMap::new() };
    let (mut bad, mut data) = (0, Vec::new());
    for (input, label) in &plan.tests {
        bad += reader.read(input, label.as_deref().map_or(Label::Each, Label::All), |example| {
            let hash = gathered.hash(&example.text);
            gathered.tested.insert(hash);
            gathered.put(example, true);
            Ok(())
        })?;
    }
    for (input, label) in &plan.inputs {
        let mut documents = 0;
        bad += reader.read(input, label.as_deref().map_or(Label::Each, Label::All), |example| {
            documents += 1;
            gathered.take(example);
            Ok(())
        })?;
        let sum = sha256_of_file(&input.location)
            .map_err(|error| Error::Machine(format!("{}: {error}", input.location.display())))?;
        data.push(Data { name: input.name.clone(), documents, sha256: Some(sum.1), ..Data::default() });
    }
    for (_, heap) in std::mem::take(&mut gathered.lowest) {
        heap.into_sorted_vec().into_iter().for_each(|(_, example)| gathered.part(example));
    }
    let Gathered { mut corpus, held_out, .. } = gathered;
    if corpus.is_empty() {
        let first =
            reader.first_bad().map_or_else(String::new, |first| format!(": {bad} records are bad, the first {first}"));
        let what = format!("there is no text to learn from{first}");
        return Err(Error::wrong(what, "give files with texts, and hold out less"));
    }
    let refused =
        |error: wanjuan_models::fasttext::train::Error| Error::wrong(error.to_string(), "change the settings");
    score_is_there(plan.score.as_deref(), &corpus.labels())?;
    let trained = train(&mut corpus, &plan.settings, plan.vectors.as_ref()).map_err(refused)?;
    let mut labels: Vec<String> = trained.labels().collect();
    if labels.len() < 2 {
        let what = format!("every text has the label `{}`", labels.concat());
        return Err(Error::wrong(what, "a scorer tells two labels apart at least"));
    }
    if let Some(score) = &plan.score {
        score_is_there(Some(score), &labels)?;
        let at = labels.iter().position(|label| label == score).unwrap_or(0);
        labels[..=at].rotate_right(1);
    }
    let bytes = match &plan.small {
        None => trained.to_bytes(),
        Some(how) => {
            let mut bytes = Vec::new();
            trained.write_small(&corpus, how, &mut bytes).map_err(refused)?;
            bytes
        }
    };
    let model = Model::from_bytes(&bytes).map_err(|error| Error::Machine(error.to_string()))?;
    let measures = judge(&model, &labels[0], &plan.ready, &held_out);
    let mut languages: Vec<String> = measures.iter().map(|measured| measured.language.clone()).collect();
    languages.retain(|language| language != "*");
    let card = Card {
        kind: "fasttext".into(),
        sha256: sha256(&bytes),
        bytes: bytes.len() as u64,
        languages,
        labels,
        reads: plan.ready.to_card(),
        settings: settings_of(plan),
        measured: measured(&measures),
        data,
        held_out: measures,
        ..Card::default()
    };
    Ok(Scorer {
        bytes,
        card,
        held_out,
        trained_on: corpus.len(),
        bad,
        first_bad: reader.first_bad().map(str::to_owned),
    })
}

/// Whether some text has the label whose probability is the score.
pub fn score_is_there(score: Option<&str>, labels: &[String]) -> Result<(), Error> {
    match score.filter(|score| !labels.iter().any(|label| label == score)) {
        None => Ok(()),
        Some(score) => {
            let what = format!("no text has the label `{score}`");
            Err(Error::wrong(what, format!("the labels are {}", labels.join(", "))))
        }
    }
}

fn settings_of(plan: &Plan) -> toml::Table {
    let settings = &plan.settings;
    let loss = format!("{:?}", settings.loss).to_lowercase();
    let mut table: toml::Table = [
        ("dim", settings.dim as i64),
        ("epochs", i64::from(settings.epochs)),
        ("word_ngrams", settings.word_ngrams as i64),
        ("min_n", settings.min_n as i64),
        ("max_n", settings.max_n as i64),
        ("bucket", i64::from(settings.bucket)),
        ("min_count", settings.min_count as i64),
        ("seed", settings.seed as i64),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), toml::Value::Integer(value)))
    .collect();
    // The shortest decimal that is this float.
    let decimal = |value: f32| toml::Value::Float(value.to_string().parse().unwrap_or(f64::from(value)));
    table.insert("rate".into(), decimal(settings.rate));
    table.insert("loss".into(), toml::Value::String(loss));
    if plan.tests.is_empty() {
        table.insert("held_out".into(), toml::Value::Float(plan.held_out));
    }
    if let Some(cutoff) = plan.small.as_ref().and_then(|small| small.cutoff) {
        table.insert("cutoff".into(), toml::Value::Integer(cutoff as i64));
    }
    table
}

/// Of each language in a sentence.
fn measured(measures: &[HeldOut]) -> String {
    let told: Vec<String> = measures
        .iter()
        .filter(|measured| measured.language != "*" || measures.len() == 1)
        .map(|measured| match measured.measures.get("auc") {
            Some(auc) => format!("AUC {auc:.3} on {} held-out texts in {}", measured.documents, measured.language),
            None => format!("{} held-out texts in {} are of one kind", measured.documents, measured.language),
        })
        .collect();
    told.join("; ")
}

/// Where a scorer is written.
pub fn files(folder: &std::path::Path, name: &str, small: bool) -> (PathBuf, PathBuf) {
    let file = folder.join(format!("{name}.{}", if small { "ftz" } else { "bin" }));
    (file, folder.join(format!("{name}.card.toml")))
}
