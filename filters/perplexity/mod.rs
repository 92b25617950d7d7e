//! Measures how surprising a text is to an n-gram language model, whole and line by line, as CCNet does.
//!
//! The perplexity is 10 to minus the mean of the decimal logarithms of the words' probabilities, the end of each line
//! counted as a word: each line that is not blank is a sentence. The model is an ARPA file (plain, gzip, zstd), any
//! binary file of KenLM but those with rest costs, or one that comes along: `chars-en` and `chars-zh` read characters,
//! in lower case, digits alike. Scores are those of KenLM. A model of words wants them cut as in its training; one of
//! `wanjuan train-scorer --kind ngram` has a card that says how.
//!
//! CCNet's models read pieces of SentencePiece, which `pieces` names the file of (models of unigrams, as CCNet's are, and
//! of byte pairs), and a text in a form of its own, `normalize = "ccnet"`: lower case, no accents, digits alike, marks of
//! ASCII; its lines are joined, so that the whole text is one sentence. With both, the perplexity is that of CCNet's code,
//! which rounds to a tenth:
//!
//! ```toml
//! [[step]]
//! use = "perplexity"
//! model = "lm_sp/zh.arpa.bin"
//! pieces = "lm_sp/zh.sp.model"
//! normalize = "ccnet"
//! cutoffs = "cutoff.csv"
//! lang = "zh"
//! ```
//!
//! `bucket` is 0 for the head, 1 for the middle and 2 for the tail of a language: below `head`, below `tail`, and
//! the rest. Both are percentiles that are looked up in `cutoffs`, a table as CCNet has it (a row of languages, then a
//! row for each percentile), for the language `lang`; give a step for each language, with `where = "lang = 'en'"`.
//!
//! For long texts, `gain` says what the first half tells about the second: the decimal logarithm of the probability
//! of the second half's words behind the first, less that without it, per word. An n-gram model forgets after a few
//! words, so that the words of the first half are remembered beside it (a cache: Kuhn and De Mori 1990), a tenth of
//! the probability theirs. It stands for InternLM2's difference of perplexities (arXiv:2403.17297, sec. 3.1.3), which is
//! that of a large model: two texts that were put together by mistake gain little. Measured from `min_gain_chars` on.
//!
//! | setting               | default    | source                                                          |
//! |-----------------------|------------|-----------------------------------------------------------------|
//! | `model`               | `chars-zh` | ours; CCNet has a model of words for each language              |
//! | `words`               | none       | how words are cut; characters for the models that come along    |
//! | `pieces`              | card's     | a file of SentencePiece, for CCNet's models                     |
//! | `normalize`           | card's     | `ccnet` for CCNet's models; else `none`                         |
//! | `lowercase`           | false      | whether the text is put into lower case                         |
//! | `min_perplexity`      | 0.0        | ours: less is repetition                                        |
//! | `max_perplexity`      | inf        | CCNet keeps what is head or middle for most uses                |
//! | `max_line_perplexity` | inf        | ours: of the worst line of 20 characters and more               |
//! | `max_unknown`         | 1.0        | ours: share of words that the model does not know               |
//! | `min_gain`            | -inf       | InternLM2, sec. 3.1.3; the threshold is of its domain and language |
//! | `min_gain_chars`      | 10000      | ours; InternLM2 looks at texts of 32 KB and more                |
//! | `cutoffs`, `lang`     | none       | CCNet, arXiv:1911.00359, sec. 3.3 and `data/cutoff.csv`         |
//! | `head`, `tail`        | 30, 60     | CCNet's code; the paper takes thirds                            |

mod gain;
#[cfg(test)]
mod tests;

use std::cell::RefCell;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_models::card::{self, Card};
use wanjuan_models::ngram::chars::Chars;
use wanjuan_models::ngram::{Model, Score};
use wanjuan_models::sentencepiece::{Room, SentencePiece};
use wanjuan_models::shipped;

use crate::kit::{Filter, Ready, Reason, Setup, Step, Text, Verdict, Words, Wrong, above, below, ccnet, kind};

/// Settings of [`Perplexity`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// An ARPA or KenLM file, or the name of a model that comes along.
    pub model: String,
    /// How lines are cut into words; at white space where it is not set, as `characters` for the models that come along.
    pub words: Option<Words>,
    /// Whether the text is put into lower case.
    pub lowercase: bool,
    /// A file of SentencePiece whose pieces are the words; as the model's card says where it is not set.
    pub pieces: Option<String>,
    /// The form that the text is put into; as the model's card says where it is not set.
    pub normalize: Option<Form>,
    /// Lowest perplexity to keep.
    #[schemars(range(min = 0.0))]
    pub min_perplexity: f64,
    /// Highest perplexity to keep.
    #[schemars(range(min = 0.0))]
    pub max_perplexity: f64,
    /// Highest perplexity of a line of 20 characters and more.
    #[schemars(range(min = 0.0))]
    pub max_line_perplexity: f64,
    /// Largest share of words that the model does not know.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_unknown: f64,
    /// Least that the second half gains by the first, as a decimal logarithm per word.
    pub min_gain: f64,
    /// Shortest text of which the gain is measured, in characters.
    pub min_gain_chars: usize,
    /// A table of percentiles by language, as CCNet's `cutoff.csv`.
    pub cutoffs: Option<String>,
    /// The language whose percentiles are looked up.
    pub lang: Option<String>,
    /// The percentile up to which a text is of the head.
    #[schemars(range(min = 0, max = 100))]
    pub head: u32,
    /// The percentile from which on a text is of the tail.
    #[schemars(range(min = 0, max = 100))]
    pub tail: u32,
}

/// Forms of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// As it is.
    None,
    /// As CCNet's models read it.
    Ccnet,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            model: "chars-zh".into(),
            words: None,
            lowercase: false,
            pieces: None,
            normalize: None,
            min_perplexity: 0.0,
            max_perplexity: f64::INFINITY,
            max_line_perplexity: f64::INFINITY,
            max_unknown: 1.0,
            min_gain: f64::NEG_INFINITY,
            min_gain_chars: 10_000,
            cutoffs: None,
            lang: None,
            head: 30,
            tail: 60,
        }
    }
}

crate::measures! {
    /// What [`Perplexity`] measures.
    pub struct Measure {
        /// Perplexity of the text.
        perplexity,
        /// Highest perplexity of a line of 20 characters and more.
        line_perplexity,
        /// Share of words that the model does not know.
        unknown,
        /// What the second half gains by the first, as a decimal logarithm per word.
        gain,
        /// 0 for the head, 1 for the middle, 2 for the tail of its language.
        bucket,
    }
}

enum Reads {
    Characters(Box<Chars>),
    Words(Box<Model>, Option<Words>),
    Pieces(Box<Model>, Box<SentencePiece>),
}

/// See the words at the top of this file.
pub struct Perplexity {
    config: Config,
    model: Reads,
    /// Whether the text is put into CCNet's form, and is one sentence.
    ccnet: bool,
    /// Perplexities at which head and middle end.
    buckets: Option<[f64; 2]>,
}

/// Shortest line whose perplexity tells something, in characters.
const LINE_CHARS: usize = 20;

impl Step for Perplexity {
    const NAME: &'static str = "perplexity";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("mod.rs");
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, setup: &mut Setup) -> Result<Self, Wrong> {
        if config.max_perplexity < config.min_perplexity {
            return Err(Wrong::setting("max_perplexity", "it is less than `min_perplexity`"));
        }
        let (model, ccnet) = load(&config, setup)?;
        let buckets = cutoffs(&config, setup)?;
        Ok(Perplexity { config, model, ccnet, buckets })
    }
}

/// The model and how it reads, and whether texts are put into CCNet's form.
fn load(config: &Config, setup: &mut Setup) -> Result<(Reads, bool), Wrong> {
    let named = config.model.as_str();
    let wrong = |what: String| Wrong::setting("model", format!("{named}: {what}"));
    if let Some((_, bytes)) = shipped::find("ngram", named) {
        let set = [
            ("lowercase", config.lowercase),
            ("words", config.words.is_some()),
            ("pieces", config.pieces.is_some()),
            ("normalize", config.normalize.is_some()),
        ];
        if let Some((setting, _)) = set.into_iter().find(|(_, set)| *set) {
            return Err(Wrong::setting(setting, "this model reads characters").help("leave it out"));
        }
        return Ok((Reads::Characters(Box::new(Chars::new(Model::from_bytes(bytes).map_err(wrong)?))), false));
    }
    let known: Vec<&str> = shipped::names("ngram").collect();
    let file = setup.file("model", named).map_err(|missing| {
        let help = format!("a file, or a model that comes along: {}", known.join(", "));
        if named.contains(['/', '.']) { missing } else { missing.help(help).near(named, known.iter().copied()) }
    })?;
    let bytes = std::fs::read(&file).map_err(|error| wrong(error.to_string()))?;
    let mut reads = card::Reads::default();
    if let Some((path, card)) = Card::find(&file).map_err(|error| wrong(error.to_string()))? {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        card.verify_named(&name, &bytes).map_err(|error| wrong(error.to_string()))?;
        if let Some(pieces) = &card.reads.pieces {
            let path = file.with_file_name(pieces);
            let bytes = std::fs::read(&path).map_err(|error| wrong(format!("{}: {error}", path.display())))?;
            card.verify_named(pieces, &bytes).map_err(|error| wrong(error.to_string()))?;
        }
        reads = card.reads;
        setup.files.push(("model", path));
    }
    let model = Box::new(Model::from_bytes(&bytes).map_err(wrong)?);
    let by_card = match reads.normalize.as_deref() {
        None | Some("none") => Form::None,
        Some("ccnet") => Form::Ccnet,
        Some(other) => return Err(wrong(format!("its card is wrong: `reads.normalize` is `{other}`"))),
    };
    let form = config.normalize.unwrap_or(by_card);
    let pieces = match (&config.pieces, &reads.pieces) {
        (Some(named), _) => Some(setup.file("pieces", named)?),
        (None, Some(beside)) if config.words.is_none() => {
            let path = file.with_file_name(beside);
            setup.files.push(("model", path.clone()));
            Some(path)
        }
        (None, _) => None,
    };
    let reads = if let Some(path) = pieces {
        if config.words.is_some() {
            return Err(Wrong::setting("words", "words are the pieces of `pieces`").help("leave one of them out"));
        }
        let wrong = |what: String| Wrong::setting("pieces", format!("{}: {what}", path.display()));
        let bytes = std::fs::read(&path).map_err(|error| wrong(error.to_string()))?;
        Reads::Pieces(model, Box::new(SentencePiece::from_bytes(&bytes).map_err(wrong)?))
    } else if config.words.is_none() && reads.words.as_deref() == Some("characters") {
        Reads::Characters(Box::new(Chars::new(*model)))
    } else {
        let by_card = Ready::of(&reads).map_err(|what| wrong(format!("its card is wrong: {what}")))?;
        let words = config.words.or(by_card.words);
        if words.is_some() && form == Form::Ccnet {
            let help = "leave `words` out: they are cut at white space";
            return Err(Wrong::setting("words", "a text in CCNet's form is cut as it stands").help(help));
        }
        Reads::Words(model, words)
    };
    Ok((reads, form == Form::Ccnet))
}

/// Looks up where head and middle of a language end.
fn cutoffs(config: &Config, setup: &mut Setup) -> Result<Option<[f64; 2]>, Wrong> {
    let (table, lang) = match (&config.cutoffs, &config.lang) {
        (None, None) => return Ok(None),
        (Some(_), None) => {
            return Err(Wrong::setting("cutoffs", "the language to look up is missing").help("set `lang`"));
        }
        (None, Some(_)) => {
            return Err(Wrong::setting("lang", "there is no table to look it up in").help("set `cutoffs`"));
        }
        (Some(table), Some(lang)) => (table, lang),
    };
    if config.head > config.tail {
        return Err(Wrong::setting("head", "it is above `tail`"));
    }
    let wrong = |what: String| Wrong::setting("cutoffs", format!("{table}: {what}"));
    let text = std::fs::read_to_string(setup.file("cutoffs", table)?).map_err(|error| wrong(error.to_string()))?;
    let mut rows = text.lines().filter(|line| !line.trim().is_empty()).map(|line| line.split(',').map(str::trim));
    let languages: Vec<&str> = rows.next().map(Iterator::collect).unwrap_or_default();
    let Some(column) = languages.iter().position(|known| known == lang) else {
        return Err(Wrong::setting("lang", format!("{table} has no column `{lang}`")).near(lang, languages));
    };
    let rows: Vec<Vec<&str>> = rows.map(Iterator::collect).collect();
    let find = |percentile: u32| {
        // Where the first column is no percentile, rows stand for 0, 1, 2, …
        let numbered = !languages[0].is_empty() && column == 0;
        let row = rows.iter().enumerate().find(|(at, row)| {
            if numbered { *at == percentile as usize } else { row[0].parse::<f64>() == Ok(f64::from(percentile)) }
        });
        let cell = row.and_then(|(_, row)| row.get(column)).and_then(|cell| cell.parse::<f64>().ok());
        cell.ok_or_else(|| wrong(format!("it has no number for percentile {percentile} of `{lang}`")))
    };
    Ok(Some([find(config.head)?, find(config.tail)?]))
}

impl Filter for Perplexity {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::always("nothing_to_score"),
        Reason::of("too_many_unknown_words", "max_unknown"),
        Reason::of("perplexity_too_low", "min_perplexity"),
        Reason::of("perplexity_too_high", "max_perplexity"),
        Reason::of("line_perplexity_too_high", "max_line_perplexity"),
        Reason::of("first_half_tells_nothing", "min_gain"),
    ];
    const MEASURING: &'static [&'static str] = &["min_gain_chars"];

    fn measure(&self, text: &Text) -> Measure {
        let normal: Text;
        let text = if self.ccnet {
            normal = ccnet(text).as_str().into();
            &normal
        } else if self.config.lowercase {
            text.lower()
        } else {
            text
        };
        let (mut whole, mut worst) = (Score::default(), None::<f64>);
        self.each_line(text, |line, score| {
            whole.add(score);
            if line.chars().nth(LINE_CHARS - 1).is_some() {
                worst = score.perplexity().map(|line| worst.map_or(line, |worst| worst.max(line)));
            }
        });
        let perplexity = whole.perplexity();
        let long = perplexity.is_some() && text.char_count() >= self.config.min_gain_chars;
        Measure {
            perplexity,
            line_perplexity: worst,
            unknown: (whole.words > 0).then(|| whole.unknown as f64 / whole.words as f64),
            gain: if long { self.gain(text) } else { None },
            bucket: self.buckets.zip(perplexity).map(|([head, tail], perplexity)| {
                if perplexity < head {
                    0.0
                } else if perplexity < tail {
                    1.0
                } else {
                    2.0
                }
            }),
        }
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        let config = &self.config;
        match () {
            () if measure.perplexity.is_none() => Verdict::Drop("nothing_to_score"),
            () if above(measure.unknown, config.max_unknown) => Verdict::Drop("too_many_unknown_words"),
            () if below(measure.perplexity, config.min_perplexity) => Verdict::Drop("perplexity_too_low"),
            () if above(measure.perplexity, config.max_perplexity) => Verdict::Drop("perplexity_too_high"),
            () if above(measure.line_perplexity, config.max_line_perplexity) => {
                Verdict::Drop("line_perplexity_too_high")
            }
            () if below(measure.gain, config.min_gain) => Verdict::Drop("first_half_tells_nothing"),
            () => Verdict::Keep,
        }
    }
}

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
}

/// Scores a line as a sentence of pieces.
fn score_pieces(model: &Model, pieces: &SentencePiece, room: &mut Room, line: &str) -> Score {
    let mut scorer = model.scorer();
    pieces.pieces(line, room, |piece| scorer.word(piece.as_bytes()));
    scorer.end()
}

impl Perplexity {
    /// Scores each line that is not blank.
    fn each_line(&self, text: &Text, mut see: impl FnMut(&str, Score)) {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        match &self.model {
            Reads::Characters(model) => lines.for_each(|line| see(line, model.score(line))),
            Reads::Words(model, None) => lines.for_each(|line| see(line, model.score_line(line))),
            Reads::Pieces(model, pieces) => ROOM.with_borrow_mut(|room| {
                lines.for_each(|line| see(line, score_pieces(model, pieces, room, line)));
            }),
            Reads::Words(model, Some(how)) => {
                let how = *how;
                // Words of the whole text, cut once for all steps: each goes to the line that it begins in.
                let start = text.as_ptr().addr();
                let mut words = text.words(how).peekable();
                for line in lines {
                    let end = line.as_ptr().addr() - start + line.len();
                    let of_line = std::iter::from_fn(|| words.next_if(|word| word.as_ptr().addr() - start < end));
                    see(line, model.score(of_line.map(str::as_bytes)));
                }
            }
        }
    }
}
