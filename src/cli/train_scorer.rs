//! `wanjuan train-scorer`: a small model that tells good texts from bad, and its card.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use wanjuan_filters::kit::Ready;
use wanjuan_models::card::{Card, HeldOut};
use wanjuan_models::fasttext::train::{Loss, Quantize, Settings, Vectors};

use super::given::Given;
use super::train_encoder::{Common, EncoderArgs};
use super::train_ngram::{self, NgramArgs};
use super::{Exit, say};
use crate::numbers::{count, size};
use crate::scorer::{self, Error, Example, Fields, Plan, Scorer};
use crate::store::{Input, find};

/// Train a small model that scores texts, from labelled ones or from two corpora
///
/// Some texts are held out before anything is learned; how well the model does on them, by language, is told at the end
/// and written to its card. The same files, settings and seed give the same model with any number of threads.
#[derive(Args)]
#[command(after_help = "\
Examples:
  wanjuan train-scorer --kind fasttext --name toxic labelled.jsonl.zst --score toxic --small 60000
  wanjuan train-scorer --kind fasttext --name hq --word-ngrams 2 \\
      --positive instructions.jsonl.zst --negative crawl.parquet --most 200000     DCLM's recipe
  wanjuan train-scorer --kind fasttext --name toxic-zh zh.jsonl --words characters --word-ngrams 3
  wanjuan train-scorer --kind fasttext --name fluent clean.jsonl --spoil            made negatives
  wanjuan train-scorer --kind ngram --name zh --units characters --order 5 --prune 0,0,1 corpus/*.jsonl.zst
  wanjuan train-scorer --kind ngram --name en --ccnet --units pieces --pieces en.sp.model en.jsonl   CCNet's way
  wanjuan train-scorer --kind encoder --model minilm --name topics labelled.jsonl.zst
  wanjuan train-scorer --kind encoder --model minilm --name edu grades.jsonl --number     FineWeb-Edu's form
  wanjuan train-scorer --kind encoder --model minilm --name edu labelled.jsonl --pool crawl.jsonl.zst --ask 200
  wanjuan train-scorer --kind encoder --model minilm --weights all --name toxic labelled.jsonl --test held-out.jsonl
  wanjuan train-scorer --kind encoder --model small --weights all --rate 5e-4 --epochs 10 --name topics \\
      labelled.jsonl                 from nothing, if the folder small/ has no model.safetensors

The model is then used by its path: use = \"classifier\", model = \"scorers/toxic.ftz\"; use = \"perplexity\",
model = \"scorers/zh.ngrams\".")]
pub struct TrainScorer {
    #[command(flatten)]
    given: Given,
    /// What kind of model
    #[arg(long, value_enum)]
    kind: Kind,
    /// What it is called; its files are NAME.bin or NAME.ftz, and NAME.card.toml
    #[arg(long)]
    name: String,
    /// The folder that it is written to
    #[arg(long, default_value = "scorers", value_name = "FOLDER")]
    out: PathBuf,
    /// Labelled texts: JSON lines, plain or compressed, or parquet; files, folders or globs
    #[arg(value_name = "FILE", conflicts_with_all = ["positive", "negative"], required_unless_present = "positive")]
    files: Vec<String>,
    /// Texts of the kind that is looked for
    #[arg(long, value_name = "FILE", num_args = 1..)]
    positive: Vec<String>,
    /// Texts of the other kind
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "positive")]
    negative: Vec<String>,
    /// What positive and negative texts are called
    #[arg(long, value_name = "POSITIVE,NEGATIVE", default_value = "hq,cc")]
    labels: String,
    /// All texts are good ones; bad ones are made of them: words moved or lost, letters lost, wrong encodings
    #[arg(long, conflicts_with_all = ["negative"])]
    spoil: bool,
    /// The member or column of the text
    #[arg(long, default_value = "text")]
    text: String,
    /// The member or column of the label
    #[arg(long, default_value = "label")]
    label: String,
    /// The member or column of the language; where there is none, the language is found
    #[arg(long, default_value = "lang")]
    language: String,
    /// The label whose probability is the score [default: the positive one, or the most frequent]
    #[arg(long, value_name = "LABEL")]
    score: Option<String>,
    /// Most texts of each label, drawn by their bytes
    #[arg(long, value_name = "TEXTS")]
    most: Option<usize>,
    /// The share of texts that is held out
    #[arg(long, default_value_t = 0.1, value_name = "SHARE")]
    held_out: f64,
    /// Labelled texts to measure on instead; no text of theirs is learned
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "held_out")]
    test: Vec<String>,
    /// Write the held-out texts beside the model
    #[arg(long)]
    keep_held_out: bool,
    #[command(flatten)]
    reads: ReadsArgs,
    #[command(flatten)]
    learning: Learning,
    #[command(flatten)]
    encoder: EncoderArgs,
    #[command(flatten)]
    ngram: NgramArgs,
    #[command(flatten)]
    words: CardArgs,
}

/// Kinds of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// A linear classifier over words and n-grams
    Fasttext,
    /// A head on the embeddings of an encoder, which stay as they are; or, with --weights all, the whole encoder
    Encoder,
    /// A language model of n-grams; texts need no label
    Ngram,
}

#[derive(Args)]
#[command(next_help_heading = "How texts are read")]
struct ReadsArgs {
    /// How words are cut: `characters` or `chinese` for Chinese, `english`, `unicode`, …; as they are if not given
    #[arg(long, value_name = "HOW")]
    words: Option<String>,
    /// Put texts into lower case
    #[arg(long)]
    lowercase: bool,
    /// Read the first characters alone
    #[arg(long, value_name = "CHARACTERS")]
    max_chars: Option<usize>,
}

#[derive(Args)]
#[command(next_help_heading = "How it learns")]
struct Learning {
    /// Length of the vectors
    #[arg(long, default_value_t = 100)]
    dim: usize,
    /// How often every text is read [default: 5; of an encoder, 3]
    #[arg(long)]
    epochs: Option<u32>,
    /// The rate of learning at the start; of an encoder, the highest [default: 0.1; of an encoder, 5e-5]
    #[arg(long)]
    rate: Option<f32>,
    /// One label of all, by a tree, or each by itself
    #[arg(long, value_enum, default_value_t)]
    loss: LossArg,
    /// The longest n-gram of words
    #[arg(long, default_value_t = 2)]
    word_ngrams: usize,
    /// The shortest n-gram of characters within words
    #[arg(long, default_value_t = 0)]
    min_n: usize,
    /// The longest n-gram of characters within words; 0 for none
    #[arg(long, default_value_t = 0)]
    max_n: usize,
    /// Buckets that n-grams are hashed into
    #[arg(long, default_value_t = 2_000_000)]
    bucket: u32,
    /// Rarer words have no vector of their own
    #[arg(long, default_value_t = 1)]
    min_count: u64,
    /// Word vectors to begin with, in the C++ tool's .vec format
    #[arg(long, value_name = "FILE")]
    vectors: Option<PathBuf>,
    /// Write a small model (.ftz) of so many words and n-grams
    #[arg(long, value_name = "ROWS")]
    small: Option<usize>,
    /// The only source of randomness
    #[arg(long, default_value_t = 0)]
    seed: u32,
    /// Most threads; the model does not depend on it [default: one for each processor]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum LossArg {
    #[default]
    Softmax,
    Hs,
    Ova,
}

#[derive(Args)]
#[command(next_help_heading = "What its card says")]
struct CardArgs {
    /// What the model decides
    #[arg(long, default_value = "what its labels say")]
    decides: String,
    /// Who made the texts, and how their labels came about
    #[arg(long, default_value = "not told")]
    origin: String,
    /// The model's licence
    #[arg(long, default_value = "not told")]
    licence: String,
    /// What it is known to get wrong
    #[arg(long, default_value = "not told")]
    weakness: String,
}

impl TrainScorer {
    pub fn run(self) -> Exit {
        let trained = self.given.fit(self.kind).and_then(|()| match self.kind {
            Kind::Fasttext => self.train(),
            Kind::Encoder => self.train_encoder(),
            Kind::Ngram => self.train_ngram(),
        });
        match trained {
            Ok(told) => {
                say(&told);
                Exit::Done
            }
            Err(Error::Wrong(what, help)) => {
                tell!("error: {what}");
                tell!("help: {help}");
                Exit::Wrong
            }
            Err(Error::Machine(what)) => {
                tell!("error: {what}");
                Exit::Machine
            }
            Err(Error::Stopped(what)) => {
                tell!("{what}");
                Exit::Interrupted
            }
        }
    }

    fn train_encoder(&self) -> Result<String, Error> {
        if self.files.is_empty() {
            let help = "give files of labelled texts, whose rows have a label each";
            return Err(Error::wrong("a head is fitted on labelled texts", help));
        }
        let card = self.card();
        let fields = self.fields();
        self.given.of_weights(self.encoder.weights)?;
        let common = Common {
            files: &self.files,
            tests: &self.test,
            fields: &fields,
            out: &self.out,
            held_out: self.held_out,
            threads: self.learning.settings().threads,
            epochs: self.learning.epochs,
            rate: self.learning.rate,
            seed: self.learning.seed,
        };
        self.encoder.train(&common, card)
    }

    /// What only a person knows.
    fn card(&self) -> Card {
        let words = &self.words;
        Card {
            name: self.name.clone(),
            decides: words.decides.clone(),
            origin: words.origin.clone(),
            licence: words.licence.clone(),
            weakness: words.weakness.clone(),
            ..Card::default()
        }
    }

    fn fields(&self) -> Fields {
        Fields { text: self.text.clone(), label: self.label.clone(), language: self.language.clone() }
    }

    fn named(&self) -> Result<(), Error> {
        if self.name.is_empty() || Path::new(&self.name).file_name() != Some(self.name.as_ref()) {
            let what = format!("`{}` is no name of a file", self.name);
            return Err(Error::Wrong(what, "--out names the folder".to_owned()));
        }
        Ok(())
    }

    /// How texts are made ready.
    fn ready(&self) -> Result<Ready, Error> {
        let reads = Ready { words: None, lowercase: self.reads.lowercase, max_chars: self.reads.max_chars };
        let card = wanjuan_models::card::Reads { words: self.reads.words.clone(), ..reads.to_card() };
        Ready::of(&card).map_err(|what| {
            Error::Wrong(what.replace("`reads.words`", "--words"), "`characters` or `chinese` for Chinese".to_owned())
        })
    }

    fn train_ngram(&self) -> Result<String, Error> {
        self.named()?;
        if self.files.is_empty() {
            let help = "give files of texts; they need no label";
            return Err(Error::Wrong("an n-gram model is trained on texts alone".to_owned(), help.to_owned()));
        }
        if !(0.0..1.0).contains(&self.held_out) {
            let what = format!("{} is no share of the texts", self.held_out);
            return Err(Error::Wrong(what, "as in --held-out 0.1".to_owned()));
        }
        let inputs = all(&self.files)?;
        let common = train_ngram::Common {
            inputs: &inputs,
            fields: self.fields(),
            out: &self.out,
            held_out: self.held_out,
            threads: self.learning.settings().threads,
            seed: u64::from(self.learning.seed),
            reads: self.ready()?,
        };
        self.ngram.train(common, self.card())
    }

    fn train(&self) -> Result<String, Error> {
        self.named()?;
        let plan = self.plan()?;
        let mut scorer = scorer::fasttext(&plan)?;
        let (file, card) = scorer::files(&self.out, &self.name, plan.small.is_some());
        let written = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        scorer.card.name.clone_from(&self.name);
        scorer.card.file = written;
        scorer.card.decides.clone_from(&self.words.decides);
        scorer.card.origin.clone_from(&self.words.origin);
        scorer.card.licence.clone_from(&self.words.licence);
        scorer.card.weakness.clone_from(&self.words.weakness);
        scorer.card.trained = self.how(&scorer);
        let machine = |path: &Path, error: std::io::Error| Error::Machine(format!("{}: {error}", path.display()));
        std::fs::create_dir_all(&self.out).map_err(|error| machine(&self.out, error))?;
        std::fs::write(&file, &scorer.bytes).map_err(|error| machine(&file, error))?;
        std::fs::write(&card, scorer.card.to_toml()).map_err(|error| machine(&card, error))?;
        if self.keep_held_out {
            let path = self.out.join(format!("{}.held-out.jsonl", self.name));
            std::fs::write(&path, lines(&scorer.held_out)).map_err(|error| machine(&path, error))?;
        }
        Ok(told(&scorer, &file, &card))
    }

    fn plan(&self) -> Result<Plan, Error> {
        let wrong = |what: String, help: &str| Error::Wrong(what, help.to_owned());
        let Some((positive, negative)) = self.labels.split_once(',') else {
            return Err(wrong(format!("`{}` is not two labels", self.labels), "as in --labels hq,cc"));
        };
        if !(0.0..1.0).contains(&self.held_out) {
            return Err(wrong(format!("{} is no share of the texts", self.held_out), "as in --held-out 0.1"));
        }
        let corpora = !self.positive.is_empty();
        if corpora && self.negative.is_empty() && !self.spoil {
            return Err(wrong("there are positive texts alone".into(), "add --negative FILE, or --spoil"));
        }
        let all = |patterns: &[String], label: Option<&str>| -> Result<Vec<(Input, Option<String>)>, Error> {
            Ok(all(patterns)?.into_iter().map(|input| (input, label.map(str::to_owned))).collect())
        };
        let (good, bad) = if corpora || !self.spoil { (positive, negative) } else { ("clean", "spoiled") };
        let mut inputs = if self.spoil && !corpora {
            all(&self.files, Some(good))?
        } else if corpora {
            all(&self.positive, Some(good))?
        } else {
            all(&self.files, None)?
        };
        if !self.negative.is_empty() {
            inputs.extend(all(&self.negative, Some(bad))?);
        }
        if corpora || self.spoil {
            scorer::score_is_there(self.score.as_deref(), &[good.to_owned(), bad.to_owned()])?;
        }
        let tests = if self.test.is_empty() { Vec::new() } else { all(&self.test, self.spoil.then_some(good))? };
        let score = self.score.clone().or_else(|| (corpora || self.spoil).then(|| good.to_owned()));
        let ready = self.ready()?;
        let learning = &self.learning;
        let vectors = learning.vectors.as_ref().map(|path| {
            let file = std::fs::File::open(path).map_err(|error| {
                wrong(format!("{}: {error}", path.display()), "--vectors names a file of word vectors")
            })?;
            Vectors::read(std::io::BufReader::new(file)).map_err(|error| {
                wrong(format!("{}: {error}", path.display()), "the C++ tool writes such files as .vec")
            })
        });
        let settings = learning.settings();
        let small = learning.small.map(|cutoff| Quantize {
            cutoff: Some(cutoff),
            retrain: true,
            norms: true,
            ..Quantize::default()
        });
        let checked = settings.check().and_then(|()| small.as_ref().map_or(Ok(()), |small| small.check(settings.dim)));
        checked.map_err(|error| wrong(error.to_string(), "change the settings"))?;
        Ok(Plan {
            inputs,
            fields: self.fields(),
            spoiled: self.spoil.then(|| bad.to_owned()),
            most: self.most,
            held_out: if tests.is_empty() { self.held_out } else { 0.0 },
            tests,
            ready,
            score,
            settings,
            small,
            vectors: vectors.transpose()?,
        })
    }

    /// How it was trained, in a sentence.
    fn how(&self, scorer: &Scorer) -> String {
        let small = if self.learning.small.is_some() { ", then made small and trained once more" } else { "" };
        format!(
            "by wanjuan train-scorer on {} texts, {} held out {}{small}",
            count(scorer.trained_on as u64),
            count(scorer.held_out.len() as u64),
            if self.test.is_empty() { "by the hash of their text" } else { "in a file of their own" },
        )
    }
}

impl Learning {
    fn settings(&self) -> Settings {
        let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Settings {
            dim: self.dim,
            epochs: self.epochs.unwrap_or(5),
            rate: self.rate.unwrap_or(0.1),
            loss: match self.loss {
                LossArg::Softmax => Loss::Softmax,
                LossArg::Hs => Loss::HierarchicalSoftmax,
                LossArg::Ova => Loss::OneVsAll,
            },
            word_ngrams: self.word_ngrams,
            min_n: self.min_n,
            max_n: self.max_n,
            bucket: self.bucket,
            min_count: self.min_count,
            min_count_label: 0,
            seed: u64::from(self.seed),
            threads: self.threads.map_or_else(processors, usize::from),
        }
    }
}

/// Files of labelled texts.
pub(super) fn all(patterns: &[String]) -> Result<Vec<Input>, Error> {
    let endings = [".jsonl", ".jsonl.gz", ".jsonl.zst", ".json.gz", ".parquet"];
    find(patterns, Path::new(""), &endings)
        .map_err(|error| Error::wrong(format!("{}: {}", error.pattern, error.what), "give files, folders or globs"))
}

/// A file that the machine does not read or write.
pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::Machine(format!("{}: {error}", path.display()))
}

fn lines(examples: &[Example]) -> String {
    let line = |example: &Example| {
        serde_json::json!({ "text": example.text, "label": example.label, "lang": example.language }).to_string() + "\n"
    };
    examples.iter().map(line).collect()
}

fn told(scorer: &Scorer, file: &Path, card: &Path) -> String {
    let mut text = String::new();
    let held_out = scorer.held_out.len() as u64;
    let _ = writeln!(text, "{} texts learned, {} held out", count(scorer.trained_on as u64), count(held_out));
    if let Some(first) = &scorer.first_bad {
        let _ = writeln!(text, "{} bad records passed over, the first {first}", count(scorer.bad));
    }
    let _ = writeln!(text, "the score is the probability of `{}`\n", scorer.card.labels[0]);
    text.push_str(&table(if held_out > 0 { &scorer.card.held_out } else { &[] }));
    let _ = writeln!(text, "\n{}  {}\n{}", file.display(), size(scorer.card.bytes), card.display());
    text
}

/// Measures by language.
pub(super) fn table(held_out: &[HeldOut]) -> String {
    let mut text = String::new();
    let mut names: Vec<&str> = held_out.iter().flat_map(|of| of.measures.keys().map(String::as_str)).collect();
    names.sort_unstable();
    names.dedup();
    let _ = write!(text, "{:<10}{:>10}", "language", "held out");
    names.iter().for_each(|name| _ = write!(text, "{name:>12}"));
    text.push('\n');
    for HeldOut { language, documents, measures } in held_out {
        let _ = write!(text, "{:<10}{:>10}", if language == "*" { "all" } else { language }, count(*documents));
        for name in &names {
            let value = measures.get(*name).map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
            let _ = write!(text, "{value:>12}");
        }
        text.push('\n');
    }
    let none = BTreeMap::new();
    if held_out.iter().all(|of| of.measures == none) {
        text.push_str("nothing was measured\n");
    }
    text
}
