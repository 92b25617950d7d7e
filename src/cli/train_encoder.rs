//! `wanjuan train-scorer --kind encoder`: a head on the embeddings of an encoder, and its card.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use clap::Args;
use wanjuan_models::card::{Card, Data, sha256_of_file};
use wanjuan_models::encoder::{Encoder, Wanted};
use xxhash_rust::xxh3::xxh3_128;

use super::train_scorer::{all, unreadable};
use crate::heads::{self, Asking, Settings, Target, Trained};
use crate::numbers::count;
use crate::scorer::{Error, Fields, Label, Reader};

/// What only heads of encoders have.
#[derive(Args)]
#[command(next_help_heading = "Heads of encoders")]
pub struct EncoderArgs {
    /// The folder of the encoder: config.json, model.safetensors, tokenizer.json
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
    /// Labels are numbers to be estimated, not names
    #[arg(long)]
    number: bool,
    /// The weight of the weights' squares beside the errors; more where there are few texts
    #[arg(long, default_value_t = 1.0)]
    ridge: f64,
    /// The card names the languages in which this share of held-out texts is told rightly
    #[arg(long, default_value_t = 0.8, value_name = "SHARE")]
    min_agreement: f64,
    /// Texts without labels, to choose from
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "ask")]
    pool: Vec<String>,
    /// Write ask.jsonl: so many texts of the pool that the head doubts, or is surest of, for a person to fill in `label`;
    /// the file is then given beside the others
    #[arg(long, value_name = "TEXTS", requires = "pool", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    ask: Option<u32>,
    /// Where the encoder runs: auto, cpu, cuda:0,1
    #[arg(long, default_value = "auto")]
    device: String,
}

/// What all kinds of scorers have.
pub struct Common<'a> {
    /// Labelled texts.
    pub files: &'a [String],
    /// Where rows say what.
    pub fields: &'a Fields,
    /// The folder that the model's folder is written to.
    pub out: &'a Path,
    /// The share of texts that is held out.
    pub held_out: f64,
    /// Threads that embed.
    pub threads: Option<usize>,
}

impl EncoderArgs {
    /// Fits a head, writes its folder, and tells how well it does. `card` says what only a person knows.
    pub fn train(&self, common: &Common<'_>, card: Card) -> Result<String, Error> {
        let wrong = |what: String| Error::wrong(what, "`wanjuan train-scorer --help` says what is read");
        let missing = "--model FOLDER is missing: the encoder that the head is fitted on";
        let model = self.model.as_deref().ok_or_else(|| wrong(missing.to_owned()))?;
        if Path::new(&card.name).file_name() != Some(card.name.as_ref()) {
            return Err(wrong(format!("`{}` is no name of a folder; --out says where it is", card.name)));
        }
        if !(0.0..1.0).contains(&common.held_out) || !self.ridge.is_finite() || self.ridge <= 0.0 {
            let what = "--held-out is a share of the texts, as 0.2, and --ridge a number above 0";
            return Err(wrong(what.to_owned()));
        }
        let folder = common.out.join(&card.name);
        heads::apart(model, &folder).map_err(wrong)?;
        let (inputs, pool) = (all(common.files)?, all(&self.pool)?);
        let (found, device) = self.device.parse::<Wanted>().and_then(|wanted| wanted.find()).map_err(wrong)?;
        let encoder = Encoder::load(model, &found).map_err(|error| wrong(error.to_string()))?;
        tell!("device: {device}");
        let mut reader = Reader::new(common.fields.clone());
        let (mut texts, mut data, mut bad) = (Vec::new(), Vec::new(), 0);
        for input in &inputs {
            let before = texts.len();
            bad += reader.read(input, Label::Perhaps, |text| {
                if !text.label.is_empty() {
                    if self.number {
                        heads::number(&text).map_err(wrong)?;
                    }
                    texts.push(text);
                }
                Ok(())
            })?;
            let sum = sha256_of_file(&input.location).map_err(|error| unreadable(&input.location, &error))?.1;
            let documents = (texts.len() - before) as u64;
            data.push(Data { name: input.name.clone(), documents, sha256: Some(sum), ..Data::default() });
        }
        let threads = common.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let target = if self.number { Target::Number } else { Target::Labels };
        let settings = Settings { target, ridge: self.ridge, held_out: common.held_out, threads };
        let trained = heads::fit(&encoder, &texts, &settings).map_err(wrong)?;
        let card = self.card(&trained, data, model, common, card);
        heads::write(&trained, model, &folder, card).map_err(Error::Machine)?;
        let mut told = self.told(&trained, &folder);
        if let Some(ask) = self.ask {
            let known: HashSet<u128> = texts.iter().map(|text| xxh3_128(text.text.as_bytes())).collect();
            drop(texts);
            let mut asking = Asking::new(&encoder, &trained, ask as usize, threads);
            for input in &pool {
                bad += reader.read(input, Label::Perhaps, |text| {
                    match known.contains(&xxh3_128(text.text.as_bytes())) {
                        true => Ok(()),
                        false => asking.see(text).map_err(Error::Machine),
                    }
                })?;
            }
            let asked = asking.finish().map_err(Error::Machine)?;
            let path = folder.join("ask.jsonl");
            let line = |scored: &Rc<heads::Scored>| {
                let (text, scores) = (&scored.example, scored.scores.iter().copied());
                let scores: serde_json::Map<String, serde_json::Value> =
                    trained.fitted.labels.iter().cloned().zip(scores.map(Into::into)).collect();
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

    fn card(&self, trained: &Trained, data: Vec<Data>, model: &Path, common: &Common<'_>, card: Card) -> Card {
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
                "by wanjuan train-scorer on {} texts: a linear head on the mean of all tokens of {}, which stays as it is; \
                 transformers has no class for it",
                trained.learned,
                model.file_name().unwrap_or_default().to_string_lossy()
            ),
            measured: measured.unwrap_or_else(|| "nothing was held out".to_owned()),
            settings: toml::Table::from_iter([
                ("ridge".to_owned(), toml::Value::Float(self.ridge)),
                ("held_out".to_owned(), toml::Value::Float(common.held_out)),
            ]),
            data,
            ..card
        }
    }

    /// Whether the card names a language. Numbers are not told rightly or wrongly, so with them it names none.
    fn agrees(&self, measured: &heads::Measured) -> bool {
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
            encoder.agrees(&heads::Measured {
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
            let common =
                Common { files: &[], fields: &Fields::default(), out: Path::new("out"), held_out: 0.2, threads: None };
            let card = Card { name: "name".to_owned(), ..Card::default() };
            assert!(
                encoder.train(&common, card).unwrap_err().to_string().contains("--ridge a number above 0"),
                "{ridge}"
            );
        }
    }
}
