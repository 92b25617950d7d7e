//! Keeps the best share of the documents by a score, and tells each how good it is among all.
//!
//! A threshold guesses how a score is spread; a share does not: `share = 0.1` keeps the best tenth, whatever the model,
//! the language or the crawl. With `scope = "lang"` (or a domain, a dump) each value has its own best share, so that one
//! number means the same in every language. The cut is exact: scores of all documents are sorted on disk, not sketched,
//! and of equal scores the first in the order of the corpus stay (with a weight, the lightest). The answer does not depend on threads, shards or
//! restarts. A document of which a score is missing or not a number is not ranked, and with `share` is dropped.
//!
//! Each document gets the field `percentile`: the share of documents that are no better, above 0 and up to 1, alike for
//! equal scores. A rule behind this step (`drop_if = "percentile < 0.5"`) is a threshold that means one thing for every
//! scope. With `bins = 20` it also gets `percentile_bin`, from 0 to 19: vigintiles. `weight = "characters"`, or a field
//! that counts tokens (up to 2^40 in a document; 0 where it is missing), lets long documents count for more: the
//! share, percentiles and bins are those of characters or tokens then.
//!
//! Of several scores, `percentile` is the greatest of the ranks by each of them (`ensemble = "max"`), or their mean, as
//! Nemotron-CC joins its classifiers. A second `top` with `score = "percentile"` cuts by it.
//!
//! | setting    | default      | source                                                             |
//! |------------|--------------|--------------------------------------------------------------------|
//! | `score`    | none         | a field, or a measure such as `classifier.probability`, or a list of them; must be given |
//! | `share`    | none         | the best share that stays; DCLM keeps .1, arXiv:2406.11794, sec. 4.4 |
//! | `scope`    | `global`     | a field; documents with different values of it are ranked apart    |
//! | `weight`   | `documents`  | `characters`, or a field of numbers; Nemotron-CC, arXiv:2412.02595, weights by tokens |
//! | `bins`     | 0            | 20 in Nemotron-CC, and OLMo 3's vigintiles                         |
//! | `ensemble` | `max`        | Nemotron-CC, sec. 2.2; `mean`                                      |
//! | `into`     | `percentile` | ours: the field that is written                                    |

mod rank;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{Document, Field, Name, Origin, Profile, Reason, Setup, Step, Type, Verdict, Wrong};
use xxhash_rust::xxh3::xxh3_128;

use self::rank::{RECORD, Ranked, Ranks};
use super::keep::Scope;
use super::{Columns, Decision, Key, Kind, Records, Stage};

/// Settings of [`Top`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What documents are ranked by: a field or a measure, or several. Must be given.
    #[serde(default)]
    pub score: Scores,
    /// The best share that stays; without it all do.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub share: Option<f64>,
    /// `global`, or a field whose values are ranked apart.
    #[serde(default = "global")]
    pub scope: String,
    /// What a document counts for: `documents`, `characters`, or a field of numbers.
    #[serde(default = "documents")]
    pub weight: String,
    /// How many bins percentiles are put into; 0 for none.
    #[serde(default)]
    #[schemars(range(max = 1000))]
    pub bins: u32,
    /// How percentiles by several scores become one.
    #[serde(default)]
    pub ensemble: Ensemble,
    /// The field of the percentile; the bin's is called so with `_bin` behind.
    #[serde(default = "percentile")]
    pub into: String,
}

fn global() -> String {
    "global".to_owned()
}

fn documents() -> String {
    "documents".to_owned()
}

fn percentile() -> String {
    "percentile".to_owned()
}

/// One score or several.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Scores {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Default for Scores {
    fn default() -> Scores {
        Scores::Many(Vec::new())
    }
}

impl Scores {
    fn names(&self) -> &[String] {
        match self {
            Scores::One(name) => std::slice::from_ref(name),
            Scores::Many(names) => names,
        }
    }
}

/// How percentiles by several scores become one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ensemble {
    /// The greatest.
    #[default]
    Max,
    /// Their mean.
    Mean,
}

/// Where a number of a document stands.
#[derive(Debug, Clone, Copy)]
enum Number {
    Field(Name),
    Measure(usize),
}

impl Number {
    fn of(self, document: &Document) -> Option<f64> {
        let value = match self {
            Number::Field(name) => document.field(name)?.as_number(),
            Number::Measure(slot) => document.measures.get(slot).copied(),
        };
        value.filter(|value| !value.is_nan())
    }
}

/// Most bins.
const MOST_BINS: u32 = 1000;
/// The most a document counts for, so that sums of them stay exact.
const MOST_WEIGHT: f64 = (1_u64 << 40) as f64;

/// What a document counts for.
#[derive(Debug, Clone, Copy)]
enum Weight {
    Documents,
    Characters,
    Number(Number),
}

/// See the words at the top of this file.
pub struct Top {
    config: Config,
    scope: Scope,
    /// Found by [`Stage::prepare`].
    scores: Vec<Number>,
    weight: Weight,
    into: Name,
    bin: Name,
}

impl Step for Top {
    const NAME: &'static str = "top";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("mod.rs");
    type Config = Config;
    type Kind = Kind;

    const PROFILES: &'static [Profile] = &[
        Profile {
            name: "dclm",
            settings: "share = 0.1",
            about: "DCLM (arXiv:2406.11794, sec. 4.4): the best tenth by its fastText classifier, which is `score`.",
        },
        Profile {
            name: "nemotron-cc",
            settings: "weight = 'characters'\nbins = 20\nensemble = 'max'",
            about: "Nemotron-CC (arXiv:2412.02595, sec. 2.2): ranks by several classifiers, 20 bins, the greatest counts. Its bins \
                    hold equal numbers of tokens; without a field that counts them, these hold equal numbers of characters.",
        },
    ];

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        let names = config.score.names();
        if names.is_empty() || names.len() > 16 {
            let wrong = Wrong::setting("score", "`score` must be a field or a measure, or a list of up to 16");
            return Err(wrong.help("as score = \"classifier.probability\""));
        }
        if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            return Err(Wrong::setting("score", format!("`{}` is named twice", twice.1)));
        }
        if config.share.is_some() && names.len() > 1 {
            let wrong = Wrong::setting("share", "a share is cut by one score");
            return Err(
                wrong.help(format!("leave it out, and put a `top` with score = \"{}\" behind this one", config.into))
            );
        }
        if config.bins > MOST_BINS {
            return Err(Wrong::setting("bins", format!("`bins` is {}, and must be up to {MOST_BINS}", config.bins)));
        }
        let written = [config.into.clone(), format!("{}_bin", config.into)];
        if config.into.is_empty() || written.iter().any(|name| ["id", "text"].contains(&name.as_str())) {
            let what = format!("`into` is `{}`, and must be a field of its own", config.into);
            return Err(Wrong::setting("into", what).help("leave it out for `percentile`"));
        }
        Ok(Top {
            scope: Scope::new(&config.scope),
            scores: Vec::new(),
            weight: if config.weight == "characters" { Weight::Characters } else { Weight::Documents },
            into: Name::new(&config.into),
            bin: Name::new(&format!("{}_bin", config.into)),
            config,
        })
    }

    fn reads(&self) -> Vec<Field> {
        self.scope.reads()
    }

    fn writes(&self) -> Vec<Field> {
        let bin = (self.config.bins > 0).then_some(Field { name: self.bin, kind: Type::Integer });
        [Field { name: self.into, kind: Type::Number }].into_iter().chain(bin).collect()
    }
}

impl Top {
    fn weight(&self, document: &Document) -> u64 {
        match self.weight {
            Weight::Documents => 1,
            Weight::Characters => document.text().chars().count() as u64,
            Weight::Number(number) => number.of(document).unwrap_or(0.0).clamp(0.0, MOST_WEIGHT) as u64,
        }
    }
}

/// A number that a setting names.
fn number(setting: &'static str, name: &str, columns: &Columns) -> Result<Number, Wrong> {
    if let Some((slot, _)) = columns.measures.iter().find(|(_, known)| known == name) {
        return Ok(Number::Measure(*slot));
    }
    match columns.fields.iter().find(|field| field.name.as_str() == name) {
        Some(Field { name, kind: Type::Number | Type::Integer }) => Ok(Number::Field(*name)),
        Some(Field { kind, .. }) => {
            Err(Wrong::setting(setting, format!("the field `{name}` is of type {kind}, not a number")))
        }
        None => {
            let wrong = Wrong::setting(setting, format!("no step above writes `{name}`"));
            let numbers = columns.fields.iter().filter(|field| matches!(field.kind, Type::Number | Type::Integer));
            let known: Vec<&str> = columns
                .measures
                .iter()
                .map(|(_, name)| name.as_str())
                .chain(numbers.map(|field| field.name.as_str()))
                .collect();
            Err(match (crate::config::nearest(name, known.iter().copied()), known.as_slice()) {
                (Some(near), _) => wrong.help(format!("did you mean `{near}`?")),
                (None, []) => wrong.help("give the source `fields`, or put a step that measures before this one"),
                (None, known) => wrong.help(format!("there are {}", known.join(", "))),
            })
        }
    }
}

impl Stage for Top {
    const REASONS: &'static [Reason] = &[Reason::always("no_score"), Reason::of("below_the_top", "share")];

    fn prepare(&mut self, columns: &Columns) -> Result<(), Wrong> {
        let names = self.config.score.names();
        self.scores = names.iter().map(|name| number("score", name, columns)).collect::<Result<_, _>>()?;
        if !["documents", "characters"].contains(&self.config.weight.as_str()) {
            self.weight = Weight::Number(number("weight", &self.config.weight, columns)?);
        }
        Ok(())
    }

    fn observe(&self, document: &Document, emit: &mut dyn FnMut(Key, &[u8])) {
        let weight = self.weight(document);
        for (number, score) in self.scores.iter().enumerate() {
            let Some(score) = score.of(document) else { continue };
            let key = self.scope.key(document, xxh3_128(&(number as u64).to_le_bytes()));
            let mut record = [0; RECORD];
            rank::write(number as u8, score, weight, &mut record);
            emit(key, &record);
        }
    }

    fn surveys(&self) -> bool {
        true
    }

    fn survey(&self, _: Key, records: &mut dyn Records, out: &mut Vec<u8>) {
        let mut all = 0_u64;
        while let Some((_, record)) = records.next() {
            all = all.saturating_add(rank::read(record).weight);
        }
        out.extend_from_slice(&all.to_le_bytes());
    }

    fn reduce(&self, _: Key, records: &mut dyn Records, decide: &mut dyn FnMut(Origin, Decision<'_>)) {
        let all = records.survey().try_into().map_or(0, u64::from_le_bytes);
        let mut ranks = Ranks::new(all, self.config.share);
        while let Some((origin, record)) = records.next() {
            let ranked = ranks.next(&rank::read(record));
            decide(origin, Decision { bytes: &ranked.to_bytes(), ..Decision::default() });
        }
    }

    fn apply(&self, document: &mut Document, decision: Option<Decision<'_>>) -> Verdict {
        let ranked: Vec<Ranked> = decision.map_or_else(Vec::new, |decision| Ranked::all(decision.bytes));
        let percentiles = || ranked.iter().map(|ranked| ranked.percentile);
        let percentile = match self.config.ensemble {
            Ensemble::Max => percentiles().reduce(f64::max),
            Ensemble::Mean => percentiles().reduce(|sum, one| sum + one).map(|sum| sum / ranked.len() as f64),
        };
        if let Some(percentile) = percentile {
            document.set_field(self.into, percentile);
            if self.config.bins > 0 {
                document.set_field(self.bin, rank::bin(percentile, self.config.bins) as i64);
            }
        }
        match (self.config.share, ranked.first()) {
            (Some(_), None) => Verdict::Drop("no_score"),
            (Some(_), Some(ranked)) if !ranked.stays => Verdict::Drop("below_the_top"),
            _ => Verdict::Keep,
        }
    }
}

#[cfg(test)]
mod tests;
