//! `wanjuan train-scorer --kind encoder`: a head on the embeddings of an encoder, or a whole encoder, and its card.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use clap::{Args, ValueEnum};
use wanjuan_models::card::{Card, Data, sha256_of_file};
use wanjuan_models::encoder::train::Settings;
use wanjuan_models::encoder::{Encoder, FILES, Found, Tokens, Wanted, described};

use super::learning::Watch;
use super::train_scorer::{all, unreadable};
use crate::heads::{self, Asking, Made, Measured, Samples, Target, Targets};
use crate::numbers::count;
use crate::scorer::{Error, Fields, Label, Reader};
use crate::store::Input;

/// What only encoders have.
#[derive(Args)]
#[command(next_help_heading = "Encoders")]
pub struct EncoderArgs {
    /// The folder of the encoder: config.json, tokenizer.json, model.safetensors; without the last, with --weights all,
    /// it is trained from nothing
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
    /// Which weights are trained
    #[arg(long, value_enum, default_value_t)]
    pub weights: Weights,
    /// Labels are numbers to be estimated, not names
    #[arg(long)]
    number: bool,
    /// Of a head: the weight of the weights' squares beside the errors; more where there are few texts
    #[arg(long, default_value_t = 1.0)]
    ridge: f64,
    /// Of all weights: texts that are learned from together
    #[arg(long, default_value_t = 32, value_name = "TEXTS", value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// Of all weights: most tokens of a text that are learned [default: as many as the model reads]
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(8..))]
    max_tokens: Option<u32>,
    /// Of all weights: the share of steps in which the rate rises, before it falls in a line
    #[arg(long, default_value_t = 0.1, value_name = "SHARE")]
    warm_up: f64,
    /// Of all weights: how much of a weight decays in a step, for each unit of the rate
    #[arg(long, default_value_t = 0.01)]
    weight_decay: f64,
    /// Of all weights: longer gradients are cut to this length
    #[arg(long, default_value_t = 1.0, value_name = "LENGTH")]
    clip: f64,
    /// The card names the languages in which this share of held-out texts is told rightly
    #[arg(long, default_value_t = 0.8, value_name = "SHARE")]
    min_agreement: f64,
    /// Texts without labels, to choose from
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "ask")]
    pool: Vec<String>,
    /// Write ask.jsonl: so many texts of the pool that the model doubts, or is surest of, for a person to fill in
    /// `label`; the file is then given beside the others
    #[arg(long, value_name = "TEXTS", requires = "pool", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    ask: Option<u32>,
    /// Where the encoder runs: auto, cpu, cuda:0,1; all weights are trained on the first
    #[arg(long, default_value = "auto")]
    device: String,
}

/// Which weights are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Weights {
    /// Those of a linear head on the mean of all tokens; the encoder stays as it is. Minutes
    #[default]
    Head,
    /// All, with a head as transformers has it. Better, and some thousand times the work: repeat a command that was
    /// stopped and it goes on
    All,
}

/// What all kinds of scorers have.
pub struct Common<'a> {
    /// Labelled texts.
    pub files: &'a [String],
    /// Labelled texts to measure on, instead of a share of the others.
    pub tests: &'a [String],
    /// Where rows say what.
    pub fields: &'a Fields,
    /// The folder that the model's folder is written to.
    pub out: &'a Path,
    /// The share of texts that is held out.
    pub held_out: f64,
    /// Threads.
    pub threads: usize,
    /// How often texts are read, if it is given.
    pub epochs: Option<u32>,
    /// The rate of learning, if it is given.
    pub rate: Option<f32>,
    /// The only source of chance.
    pub seed: u32,
}

fn wrong(what: String) -> Error {
    Error::wrong(what, "`wanjuan train-scorer --help` says what is read")
}

/// Keeps candle from threads of its own. Parts of a batch are derived side by side, each on one thread; candle would have
/// further ones for every product and sum, which wait for each other by spinning: where the processors have other work
/// too, three quarters of the time went there.
fn keep_to_our_threads() {
    for name in ["CANDLE_NUM_THREADS", "RAYON_NUM_THREADS"] {
        if std::env::var_os(name).is_none() {
            // SAFETY: the command has only begun, and no other thread of this process runs yet that could read it.
            unsafe { std::env::set_var(name, "1") };
        }
    }
}

/// A model that was trained, with what is known of it.
struct Trained {
    encoder: Encoder,
    learned: usize,
    middle: f64,
    measured: Vec<Measured>,
}

impl EncoderArgs {
    /// Trains, writes the model's folder, and tells how well it does. `card` says what only a person knows.
    pub fn train(&self, common: &Common<'_>, card: Card) -> Result<String, Error> {
        if self.weights == Weights::All {
            keep_to_our_threads();
        }
        let missing = "--model FOLDER is missing: the encoder that is trained, or that a head is fitted on";
        let model = self.model.as_deref().ok_or_else(|| wrong(missing.to_owned()))?;
        if Path::new(&card.name).file_name() != Some(card.name.as_ref()) {
            return Err(wrong(format!("`{}` is no name of a folder; --out says where it is", card.name)));
        }
        if !(0.0..1.0).contains(&common.held_out) || !self.ridge.is_finite() || self.ridge <= 0.0 {
            let what = "--held-out is a share of the texts, as 0.2, and --ridge a number above 0";
            return Err(wrong(what.to_owned()));
        }
        let settings = self.settings(common);
        settings.check().map_err(wrong)?;
        let folder = common.out.join(&card.name);
        heads::apart(model, &folder).map_err(wrong)?;
        if self.weights == Weights::Head && !model.join(FILES[1]).exists() && model.is_dir() {
            let what = format!("{}: there is no {}", model.display(), FILES[1]);
            return Err(Error::wrong(what, "--weights all trains an encoder from nothing"));
        }
        let (inputs, tests, pool) = (all(common.files)?, all(common.tests)?, all(&self.pool)?);
        let (found, device) = self.device.parse::<Wanted>().and_then(|wanted| wanted.find()).map_err(wrong)?;
        let (shape, tokens) = described(model).map_err(|error| wrong(error.to_string()))?;
        tell!("device: {device}");
        let learned = self.max_tokens.map_or(shape.tokens, |most| (most as usize).min(shape.tokens));
        let mut reader = Reader::new(common.fields.clone());
        let (samples, data, mut bad) =
            self.samples((&tokens, [learned, shape.tokens]), (&inputs, &tests), common, &mut reader)?;
        let target = if self.number { Target::Number } else { Target::Labels };
        let targets = Targets::of(target, &samples.learned).map_err(wrong)?;
        let made = self.made((model, &folder), &samples, &targets, (&settings, &found, common.threads))?;
        heads::write(&made, model, &folder).map_err(Error::Machine)?;
        drop(made);
        let encoder = Encoder::load(&folder, &found).map_err(|error| Error::Machine(error.to_string()))?;
        let measured = heads::measured(&encoder, &samples.apart, target, common.threads).map_err(Error::Machine)?;
        let trained = Trained { encoder, learned: samples.learned.len(), middle: targets.middle, measured };
        let card = self.card(&trained, data, model, common, card);
        heads::finish(&trained.encoder, &trained.measured, &folder, card).map_err(Error::Machine)?;
        let mut told = self.told(&trained, &folder);
        if let Some(ask) = self.ask {
            let mut asking = Asking::new(&trained.encoder, trained.middle, ask as usize, common.threads);
            for input in &pool {
                bad += reader.read(input, Label::Perhaps, |text| match samples.has(&text.text) {
                    true => Ok(()),
                    false => asking.see(text).map_err(Error::Machine),
                })?;
            }
            let asked = asking.finish().map_err(Error::Machine)?;
            let path = folder.join("ask.jsonl");
            let labels = &trained.encoder.heads()[0].labels;
            let line = |scored: &Rc<heads::Scored>| {
                let (text, scores) = (&scored.example, scored.scores.iter().copied());
                let scores: serde_json::Map<String, serde_json::Value> =
                    labels.iter().cloned().zip(scores.map(Into::into)).collect();
                serde_json::json!({ "text": text.text, "lang": text.language, "label": "", "scores": scores })
                    .to_string()
                    + "\n"
            };
            std::fs::write(&path, asked.iter().map(line).collect::<String>())
                .map_err(|error| unreadable(&path, &error))?;
            let _ = writeln!(told, "{} texts to label: {}", count(asked.len() as u64), path.display());
        }
        if bad > 0 {
            let _ = writeln!(told, "{} bad records passed over", count(bad));
        }
        Ok(told)
    }

    fn settings(&self, common: &Common<'_>) -> Settings {
        Settings {
            epochs: common.epochs.unwrap_or(3) as usize,
            batch: usize::from(self.batch),
            // By its digits: 5e-5 is to be what is written, not the nearest number of 32 bits.
            rate: common.rate.map_or(5e-5, |rate| rate.to_string().parse().unwrap_or(f64::from(rate))),
            warm_up: self.warm_up,
            decay: self.weight_decay,
            clip: self.clip,
            seed: u64::from(common.seed),
        }
    }

    /// Reads labelled texts; those of tests first, for no text of theirs is learned.
    fn samples<'t>(
        &self,
        (tokens, most): (&'t Tokens, [usize; 2]),
        (inputs, tests): (&[Input], &[Input]),
        common: &Common<'_>,
        reader: &mut Reader,
    ) -> Result<(Samples<'t>, Vec<Data>, u64), Error> {
        let target = if self.number { Target::Number } else { Target::Labels };
        let held_out = if tests.is_empty() { common.held_out } else { 0.0 };
        let mut samples = Samples::new(tokens, target, held_out, most);
        let (mut data, mut bad) = (Vec::new(), 0);
        let tests = tests.iter().map(|input| (input, true));
        for (input, test) in tests.chain(inputs.iter().map(|input| (input, false))) {
            let mut documents = 0;
            bad += reader.read(input, Label::Perhaps, |text| {
                if text.label.is_empty() {
                    return Ok(());
                }
                documents += 1;
                if test { samples.test(&text) } else { samples.take(&text) }.map_err(wrong)
            })?;
            let sum = sha256_of_file(&input.location).map_err(|error| unreadable(&input.location, &error))?.1;
            data.push(Data { name: input.name.clone(), documents, sha256: Some(sum), ..Data::default() });
        }
        Ok((samples, data, bad))
    }

    fn made(
        &self,
        (model, folder): (&Path, &Path),
        samples: &Samples<'_>,
        targets: &Targets,
        (settings, found, threads): (&Settings, &Found, usize),
    ) -> Result<Made, Error> {
        let texts = (&samples.learned[..], targets);
        if self.weights == Weights::Head {
            let encoder = Encoder::load(model, found).map_err(|error| wrong(error.to_string()))?;
            return heads::head(&encoder, model, texts, self.ridge, threads).map_err(wrong);
        }
        let mut watch = Watch::new();
        let made = heads::all((model, folder), texts, (settings, found, threads), |progress| watch.see(progress));
        watch.finish();
        made.map_err(wrong)?.ok_or_else(|| {
            let path = folder.join(heads::UNFINISHED);
            Error::Stopped(format!("stopped; the same command goes on from {}", path.display()))
        })
    }

    fn card(&self, trained: &Trained, data: Vec<Data>, model: &Path, common: &Common<'_>, card: Card) -> Card {
        let name = model.file_name().unwrap_or_default().to_string_lossy();
        let all = trained.measured.iter().find(|measured| measured.language == "*");
        let measured = all.map(|all| {
            let values: Vec<String> = all.measures.iter().map(|(name, value)| format!("{name} {value:.3}")).collect();
            format!("{} on {} held-out texts", values.join(", "), all.documents)
        });
        Card {
            languages: trained
                .measured
                .iter()
                .filter(|measured| self.agrees(measured))
                .map(|measured| measured.language.clone())
                .collect(),
            trained: format!(
                "by wanjuan train-scorer on {} texts, {}",
                trained.learned,
                match (self.weights, model.join(FILES[1]).exists()) {
                    (Weights::Head, _) => format!(
                        "a linear head on the mean of all tokens of {name}, which stays as it is; transformers has no \
                         class for it"
                    ),
                    (Weights::All, true) => format!("all weights of {name} with a head as transformers has it"),
                    (Weights::All, false) => format!("all weights of a model of the shape of {name}, from nothing"),
                }
            ),
            measured: measured.unwrap_or_else(|| "nothing was held out".to_owned()),
            settings: self.told_settings(common),
            data,
            ..card
        }
    }

    fn told_settings(&self, common: &Common<'_>) -> toml::Table {
        let of = self.settings(common);
        let mut settings = BTreeMap::from([("held_out", toml::Value::Float(common.held_out))]);
        match self.weights {
            Weights::Head => drop(settings.insert("ridge", toml::Value::Float(self.ridge))),
            Weights::All => settings.extend([
                ("epochs", toml::Value::Integer(of.epochs as i64)),
                ("batch", toml::Value::Integer(of.batch as i64)),
                ("rate", toml::Value::Float(of.rate)),
                ("warm_up", toml::Value::Float(of.warm_up)),
                ("weight_decay", toml::Value::Float(of.decay)),
                ("clip", toml::Value::Float(of.clip)),
                ("seed", toml::Value::Integer(i64::from(common.seed))),
            ]),
        }
        if let Some(most) = self.max_tokens {
            settings.insert("max_tokens", toml::Value::Integer(i64::from(most)));
        }
        if !common.tests.is_empty() {
            settings.remove("held_out");
        }
        settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Whether the card names a language. Numbers are not told rightly or wrongly, so with them it names none.
    fn agrees(&self, measured: &Measured) -> bool {
        let share = measured.measures.get("accuracy");
        measured.language != "*" && share.is_some_and(|share| *share >= self.min_agreement)
    }

    fn told(&self, trained: &Trained, folder: &Path) -> String {
        let mut text = format!("{} texts learned\n", count(trained.learned as u64));
        for measured in &trained.measured {
            let language = if measured.language == "*" { "all" } else { &measured.language };
            let _ = write!(text, "{language:<8}{:>8} held out", count(measured.documents));
            for (name, value) in &measured.measures {
                let _ = write!(text, "  {name} {value:.4}");
            }
            let low = measured.measures.get("accuracy").is_some_and(|share| *share < self.min_agreement);
            text.push_str(if low { "  (too little agreement)\n" } else { "\n" });
        }
        let _ = writeln!(text, "{}", folder.display());
        text
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        encoder: EncoderArgs,
    }

    #[test]
    fn a_card_names_languages_that_were_told_rightly_and_none_for_numbers() {
        let encoder = Line::parse_from(["x"]).encoder;
        let agrees = |language: &str, name: &str, value| {
            encoder.agrees(&Measured {
                language: language.to_owned(),
                documents: 9,
                measures: [(name.to_owned(), value)].into(),
                reliability: Vec::new(),
            })
        };
        assert!(agrees("en", "accuracy", 0.8) && !agrees("en", "accuracy", 0.7) && !agrees("*", "accuracy", 0.9));
        assert!(!agrees("en", "correlation", 0.9));
    }

    #[test]
    fn a_ridge_without_bound_is_refused() {
        for ridge in ["inf", "NaN", "0", "-1"] {
            let encoder = Line::parse_from(["x", "--model", "nowhere", &format!("--ridge={ridge}")]).encoder;
            let common = Common {
                files: &[],
                tests: &[],
                fields: &Fields::default(),
                out: Path::new("out"),
                held_out: 0.2,
                threads: 1,
                epochs: None,
                rate: None,
                seed: 0,
            };
            let card = Card { name: "name".to_owned(), ..Card::default() };
            assert!(
                encoder.train(&common, card).unwrap_err().to_string().contains("--ridge a number above 0"),
                "{ridge}"
            );
        }
    }
}
