//! `wanjuan train-scorer --kind ngram`: a modified Kneser-Ney model of a corpus, and its card.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use wanjuan_filters::kit::{Ready, Text, ccnet};
use wanjuan_models::card::{Card, Data, HeldOut, Part, Reads, sha256, sha256_of_file};
use wanjuan_models::ngram::chars::with_words;
use wanjuan_models::ngram::train::{Config, Trained, Trainer};
use wanjuan_models::ngram::{Model, Score};
use wanjuan_models::sentencepiece::{Room, SentencePiece};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::run::bytes;
use super::train_scorer::table;
use crate::numbers::{count, size};
use crate::scorer::{Error, Fields, Label, Reader};
use crate::store::Input;

/// What only n-gram models have.
#[derive(Args)]
#[command(next_help_heading = "n-gram models")]
pub struct NgramArgs {
    /// Words of the longest n-grams
    #[arg(long, default_value_t = 5)]
    order: usize,
    /// What a word is
    #[arg(long, value_enum, default_value_t)]
    units: Units,
    /// A model of SentencePiece (unigrams or byte pairs), for --units pieces; it is copied beside the model
    #[arg(long, value_name = "FILE")]
    pieces: Option<PathBuf>,
    /// Put texts into the form that CCNet's models read, the whole text one sentence; else each line is one
    #[arg(long)]
    ccnet: bool,
    /// By order: n-grams that occur no more often are left out, as in 0,0,1
    #[arg(long, value_delimiter = ',', value_name = "COUNTS")]
    prune: Vec<u64>,
    /// Memory for words, sorting and writing; a model larger than it is written and not measured
    ///
    /// A quarter of it, 2 MiB at least, is for the hashes of different words, 16 to 32 bytes each; a corpus of more is
    /// refused where they end. Beyond it stay 16 MiB of held-out texts, a text as it is read, and while the small file is
    /// compressed 100 MiB. Models of up to 64 MiB are always measured
    #[arg(long, value_parser = bytes, default_value = "1GiB")]
    memory: u64,
    /// Where intermediate files are kept [default: the folder of --out]
    #[arg(long, value_name = "FOLDER")]
    temp: Option<PathBuf>,
}

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Units {
    /// As --words cuts them, at white space where it is not given
    #[default]
    Words,
    /// Characters, in lower case, digits alike
    Characters,
    /// Pieces of SentencePiece
    Pieces,
}

/// What all kinds of scorers have.
pub struct Common<'a> {
    pub inputs: &'a [Input],
    pub fields: Fields,
    pub out: &'a Path,
    pub held_out: f64,
    pub threads: usize,
    pub seed: u64,
    pub reads: Ready,
}

/// Bytes of held-out texts that are measured on, the first ones: they wait in memory until there is a model.
const MOST_HELD_OUT: usize = 16 << 20;

/// Least memory: files that are merged have a buffer each.
const LEAST_MEMORY: u64 = 1 << 20;

/// Bytes of a model that is measured whatever the memory.
const ALWAYS_MEASURED: u64 = 64 << 20;

/// How a text becomes sentences of words.
struct Cut {
    units: Units,
    ready: Ready,
    ccnet: bool,
    pieces: Option<SentencePiece>,
    room: Room,
}

impl Cut {
    /// Shows the words of each sentence.
    fn sentences<E>(
        &mut self,
        text: &str,
        mut see: impl FnMut(&mut dyn Iterator<Item = &[u8]>) -> Result<(), E>,
    ) -> Result<(), E> {
        let whole: String;
        let text = if self.ccnet {
            whole = ccnet(text);
            &whole
        } else {
            text
        };
        let mut ends = Vec::new();
        let mut joined = String::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            if self.units == Units::Characters {
                with_words(line, &mut see)?;
                continue;
            }
            joined.clear();
            ends.clear();
            let mut push = |word: &str| {
                joined.push_str(word);
                ends.push(joined.len());
            };
            if let Some(pieces) = &self.pieces {
                pieces.pieces(line, &mut self.room, push);
            } else {
                self.ready.read(&Text::from(line), |line| line.split_ascii_whitespace().for_each(&mut push));
            }
            let mut start = 0;
            see(&mut ends.iter().map(|&end| &joined.as_bytes()[std::mem::replace(&mut start, end)..end]))?;
        }
        Ok(())
    }
}

fn wrong(what: impl Into<String>, help: impl Into<String>) -> Error {
    Error::Wrong(what.into(), help.into())
}

fn machine(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::Machine(format!("{}: {error}", path.display()))
}

impl NgramArgs {
    /// Trains a model, writes it, and tells how well it does. `card` says what only a person knows.
    pub fn train(&self, common: Common<'_>, mut card: Card) -> Result<String, Error> {
        let mut cut = self.cut(&common)?;
        if self.memory < LEAST_MEMORY {
            let what = format!("--memory is {}; sorting takes {} at least", size(self.memory), size(LEAST_MEMORY));
            return Err(wrong(what, "as in --memory 4GiB; more is faster"));
        }
        std::fs::create_dir_all(common.out).map_err(|error| machine(common.out, error))?;
        let folder = self.temp.clone().unwrap_or_else(|| common.out.to_owned());
        let config = Config {
            order: self.order,
            memory: usize::try_from(self.memory).unwrap_or(usize::MAX),
            threads: common.threads,
            prune: self.prune.clone(),
            folder: folder.clone(),
        };
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::InvalidInput => wrong(error.to_string(), "change the settings"),
            _ => machine(&folder, error),
        };
        let mut trainer = Trainer::new(config).map_err(failed)?;
        let mut reader = Reader::new(common.fields.clone());
        let (mut bad, mut held_out, mut held_bytes, mut learned) = (0, Vec::new(), 0, 0_u64);
        for input in common.inputs {
            let mut documents = 0;
            bad += reader.read(input, Label::All("text"), |example| {
                documents += 1;
                let hash = xxh3_64_with_seed(example.text.as_bytes(), common.seed);
                if (hash as f64 / u64::MAX as f64) < common.held_out {
                    if held_bytes < MOST_HELD_OUT {
                        held_bytes += example.text.len();
                        held_out.push((example.language, example.text));
                    }
                    return Ok(());
                }
                learned += 1;
                cut.sentences(&example.text, |words| trainer.push(words)).map_err(failed)
            })?;
            let sum = sha256_of_file(&input.location).map_err(|error| machine(&input.location, error))?.1;
            card.data.push(Data { name: input.name.clone(), documents, sha256: Some(sum), ..Data::default() });
        }
        if let (0, Some(first)) = (learned, reader.first_bad()) {
            let what = format!("there is no text to learn from: {bad} records are bad, the first {first}");
            return Err(wrong(what, "give JSON lines or parquet"));
        }
        let trained = trainer.finish().map_err(failed)?;
        let room = self.write(&trained, &common, &mut card)?;
        let unmeasured = !held_out.is_empty() && room > self.memory.max(ALWAYS_MEASURED);
        if !held_out.is_empty() && !unmeasured {
            let path = common.out.join(&card.file);
            let model = Model::load(&path).map_err(|error| machine(&path, error))?;
            card.held_out = measured(&model, &mut cut, &held_out);
        }
        card.languages = card.held_out.iter().map(|of| of.language.clone()).filter(|of| of != "*").collect();
        let counted = trained.counts().iter().map(|of| count(*of)).collect::<Vec<_>>().join(", ");
        card.trained = format!(
            "by wanjuan train-scorer: modified Kneser-Ney of order {} on {} words of {} texts; n-grams by order: {counted}",
            self.order,
            count(trained.words()),
            count(learned),
        );
        let told = card.held_out.iter().filter_map(|of| Some((of, of.measures.get("perplexity")?)));
        let told: Vec<String> = told
            .map(|(of, perplexity)| {
                format!("perplexity {perplexity:.2} on {} held-out texts in {}", of.documents, of.language)
            })
            .collect();
        card.measured = if unmeasured {
            format!(
                "not measured on {} held-out texts: the model may take {} of memory, more than --memory {}",
                count(held_out.len() as u64),
                size(room),
                size(self.memory)
            )
        } else if told.is_empty() {
            "nothing was held out".to_owned()
        } else {
            told.join("; ")
        };
        let path = common.out.join(format!("{}.card.toml", card.name));
        std::fs::write(&path, card.to_toml()).map_err(|error| machine(&path, error))?;
        let mut text = format!("{} texts learned, {} held out", count(learned), count(held_out.len() as u64));
        text.push_str(if unmeasured { "\n" } else { " and measured\n" });
        if unmeasured {
            let _ = writeln!(text, "{}", card.measured);
        }
        if let Some(first) = reader.first_bad() {
            let _ = writeln!(text, "{} bad records passed over, the first {first}", count(bad));
        }
        let _ = writeln!(text, "{} words, n-grams by order: {counted}", count(trained.words()));
        for (n, discounts) in (1..).zip(trained.discounts()) {
            if discounts.fallback {
                let _ = writeln!(text, "discounts of order {n} are 0.5, 1 and 1.5: its counts give none");
            }
        }
        text.push('\n');
        text.push_str(&table(&card.held_out));
        let small = common.out.join(&card.file);
        let _ = write!(text, "\n{}  {}\n{}", small.display(), size(card.bytes), path.display());
        Ok(text)
    }

    fn cut(&self, common: &Common<'_>) -> Result<Cut, Error> {
        let pieces = match (&self.pieces, self.units) {
            (Some(path), Units::Pieces) => {
                let help = "--pieces names a model of SentencePiece, of unigrams or byte pairs";
                let wrong = |what: String| wrong(format!("{}: {what}", path.display()), help);
                let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
                Some(SentencePiece::from_bytes(&bytes).map_err(wrong)?)
            }
            (None, Units::Pieces) => {
                return Err(wrong("--pieces FILE is missing", "a model of SentencePiece cuts words"));
            }
            (Some(_), _) => return Err(wrong("--pieces is not used", "add --units pieces")),
            (None, _) => None,
        };
        let ready = &common.reads;
        if ready.max_chars.is_some() || self.units != Units::Words && *ready != Ready::default() {
            let help = "--words and --lowercase are for --units words; --max-chars is for classifiers";
            return Err(wrong("texts cannot be read so for this kind of model", help));
        }
        if self.ccnet && (ready.words.is_some() || self.units == Units::Characters) {
            return Err(wrong(
                "--ccnet makes one line of a text, cut at white space or into pieces",
                "leave one of them out",
            ));
        }
        Ok(Cut { units: self.units, ready: ready.clone(), ccnet: self.ccnet, pieces, room: Room::default() })
    }

    /// Writes the model's files and notes them; tells how many bytes the model may take in memory.
    fn write(&self, trained: &Trained, common: &Common<'_>, card: &mut Card) -> Result<u64, Error> {
        let name = |ending: &str| format!("{}.{ending}", card.name);
        let (arpa, small) = (name("arpa"), name("ngrams"));
        let path = common.out.join(&arpa);
        let file = std::fs::File::create(&path).map_err(|error| machine(&path, error))?;
        let mut out = BufWriter::new(file);
        let written = trained.write_arpa(&mut out).and_then(|()| out.flush());
        written.map_err(|error| machine(&path, error))?;
        let (bytes, sum) = sha256_of_file(&path).map_err(|error| machine(&path, error))?;
        card.more.push(Part { file: arpa, sha256: sum, bytes });
        let path = common.out.join(&small);
        let file = std::fs::File::create(&path).map_err(|error| machine(&path, error))?;
        let unpacked = trained.write_packed(&mut &file).map_err(|error| machine(&path, error))?;
        (card.kind, card.file) = ("ngram".to_owned(), small);
        (card.bytes, card.sha256) = sha256_of_file(&path).map_err(|error| machine(&path, error))?;
        card.reads = match self.units {
            Units::Words => common.reads.to_card(),
            Units::Characters => Reads { words: Some("characters".into()), lowercase: true, ..Reads::default() },
            Units::Pieces => Reads::default(),
        };
        if self.ccnet {
            card.reads.normalize = Some("ccnet".to_owned());
        }
        if let Some(path) = &self.pieces {
            let pieces = format!("{}.sp.model", card.name);
            let bytes = std::fs::read(path).map_err(|error| machine(path, error))?;
            let to = common.out.join(&pieces);
            std::fs::write(&to, &bytes).map_err(|error| machine(&to, error))?;
            card.more.push(Part { file: pieces.clone(), sha256: sha256(&bytes), bytes: bytes.len() as u64 });
            card.reads.pieces = Some(pieces);
        }
        for (name, value) in [("order", self.order as i64), ("seed", common.seed as i64)] {
            card.settings.insert(name.to_owned(), toml::Value::Integer(value));
        }
        card.settings.insert("held_out".to_owned(), toml::Value::Float(common.held_out));
        if !self.prune.is_empty() {
            let prune = self.prune.iter().map(|&count| toml::Value::Integer(count as i64)).collect();
            card.settings.insert("prune".to_owned(), toml::Value::Array(prune));
        }
        Ok(card.bytes + trained.bytes_to_read(unpacked))
    }
}

/// The perplexity of what was held out, by language and of all.
fn measured(model: &Model, cut: &mut Cut, held_out: &[(String, String)]) -> Vec<HeldOut> {
    let mut by_language = BTreeMap::<&str, (u64, Score)>::new();
    for (language, text) in held_out {
        let mut score = Score::default();
        let scored: Result<(), std::convert::Infallible> = cut.sentences(text, |words| {
            score.add(model.score(words));
            Ok(())
        });
        let Ok(()) = scored;
        for language in [language.as_str(), "*"] {
            let of = by_language.entry(language).or_default();
            of.0 += 1;
            of.1.add(score);
        }
    }
    if by_language.len() == 2 {
        by_language.remove("*");
    }
    let exactly = |value: f64| (value * 1e4).round() / 1e4;
    let of = |(language, (documents, score)): (&str, (u64, Score))| {
        let mut measures =
            BTreeMap::from([("unknown".to_owned(), exactly(score.unknown as f64 / score.words.max(1) as f64))]);
        measures.extend(score.perplexity().map(|perplexity| ("perplexity".to_owned(), exactly(perplexity))));
        HeldOut { language: language.to_owned(), documents, measures }
    };
    by_language.into_iter().map(of).collect()
}
