//! `wanjuan train-scorer --kind encoder`: a head on the embeddings of an encoder, and its card.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use wanjuan_models::card::{Card, Data, sha256_of_file};
use wanjuan_models::encoder::{Encoder, Wanted};

use crate::heads::{self, Labelled, Settings, Target, Trained};
use crate::numbers::count;
use crate::scorer::Fields;

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
    pool: Vec<PathBuf>,
    /// Write ask.jsonl: so many texts of the pool that the head doubts, or is surest of, for a person to fill in `label`;
    /// the file is then given beside the others
    #[arg(long, value_name = "TEXTS", requires = "pool")]
    ask: Option<usize>,
    /// Where the encoder runs: auto, cpu, cuda:0,1
    #[arg(long, default_value = "auto")]
    device: String,
}

/// What all kinds of scorers have.
pub struct Common<'a> {
    /// Labelled texts.
    pub files: &'a [PathBuf],
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
    pub fn train(&self, common: &Common<'_>, card: Card) -> Result<String, String> {
        let model = self.model.as_deref().ok_or("--model FOLDER is missing: the encoder that the head is fitted on")?;
        if Path::new(&card.name).file_name() != Some(card.name.as_ref()) {
            return Err(format!("`{}` is no name of a folder; --out says where it is", card.name));
        }
        if !(0.0..1.0).contains(&common.held_out) || !self.ridge.is_finite() || self.ridge <= 0.0 {
            return Err("--held-out is a share of the texts, as 0.2, and --ridge a number above 0".to_owned());
        }
        let folder = common.out.join(&card.name);
        heads::apart(model, &folder)?;
        let (found, device) = self.device.parse::<Wanted>()?.find()?;
        tell!("device: {device}");
        let (mut texts, mut data) = (Vec::new(), Vec::new());
        for file in common.files {
            let mut read = heads::read(file, common.fields)?;
            read.retain(|text| !text.label.trim().is_empty());
            let sum = sha256_of_file(file).map_err(|error| format!("{}: {error}", file.display()))?.1;
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            data.push(Data { name, documents: read.len() as u64, sha256: Some(sum), ..Data::default() });
            texts.append(&mut read);
        }
        let encoder = Encoder::load(model, &found).map_err(|error| error.to_string())?;
        let threads = common.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let target = if self.number { Target::Number } else { Target::Labels };
        let settings = Settings { target, ridge: self.ridge, held_out: common.held_out, threads };
        let trained = heads::fit(&encoder, &texts, &settings)?;
        heads::write(&trained, model, &folder, self.card(&trained, data, model, common, card))?;
        let mut told = self.told(&trained, &folder);
        if let Some(ask) = self.ask {
            let pool =
                self.pool.iter().map(|file| heads::read(file, common.fields)).collect::<Result<Vec<_>, _>>()?.concat();
            let known: std::collections::HashSet<&str> = texts.iter().map(|text| &*text.text).collect();
            let pool: Vec<Labelled> = pool.into_iter().filter(|text| !known.contains(&*text.text)).collect();
            let asked = heads::ask(&encoder, &trained.fitted, &pool, ask, threads)?;
            let path = folder.join("ask.jsonl");
            let line = |(text, scores): &(&Labelled, Vec<f64>)| {
                let scores: serde_json::Map<String, serde_json::Value> =
                    trained.fitted.labels.iter().cloned().zip(scores.iter().map(|&score| score.into())).collect();
                serde_json::json!({ "text": text.text, "lang": text.language, "label": "", "scores": scores })
                    .to_string()
                    + "\n"
            };
            std::fs::write(&path, asked.iter().map(line).collect::<String>())
                .map_err(|error| format!("{}: {error}", path.display()))?;
            let _ = writeln!(told, "{} texts to label: {}", count(asked.len() as u64), path.display());
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
            assert!(encoder.train(&common, card).unwrap_err().contains("--ridge a number above 0"), "{ridge}");
        }
    }
}
