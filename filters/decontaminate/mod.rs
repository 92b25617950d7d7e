//! Drops, cuts or marks documents that repeat the items of evaluation sets.
//!
//! Each item of a set (a question, an answer, choices) is cut into units: words in lower case, or single
//! characters of Chinese, Japanese, Thai and other scripts without spaces; punctuation, symbols and white space
//! only separate (with `punctuation = "removed"` a word ends at white space alone). A document shares a run of
//! `ngram` units with an item where all of them follow one another in both. Of a text of an item, the share of
//! its different runs that a document has is compared with `threshold`: 0 means that one run is enough.
//!
//! A text of an item that has fewer units than a run, and at least `min_units`, is one run as a whole, looked for
//! at its own length; shorter ones are not looked for. Runs that more than `max_items` items have, such as the
//! instructions of a task, say nothing and are not looked for either.
//!
//! Sets are lines of JSON, plain, `.gz` or `.zst`, or parquet: `sets = ["gsm8k=eval/gsm8k.jsonl", "eval/bbh.parquet"]`.
//! A set without a name is called by its file. A folder stands for all its files.
//!
//! A document that is contaminated has `contaminated_by`, the items (`gsm8k#123`, counted from 0 within its set),
//! those found best first, and `contaminated_span`, for each the longest stretch that is the same: first character
//! and the one behind the last, in the text as this step reads it. The report counts the items of each set that
//! were met. With `action = "cut"` the stretches go, with the characters `around` them, and what is left is
//! put together with an empty line between pieces.
//!
//! One run alone is often a quotation or a list of numbers: of 11,318 pages of raw web text, 12 share some run of 13
//! units with GSM8K, BIG-Bench Hard or GAOKAO-Bench, all of them old poems, sayings or counting, and none more
//! than 0.45 of an item's text.
//!
//! The index takes some 40 bytes for each different run, about as many as the sets have units: a million take
//! 40 MB, whatever the number of threads. Runs are compared by hashes of 64 bits.
//!
//! | setting           | default     | source                                                                  |
//! |-------------------|-------------|-------------------------------------------------------------------------|
//! | `sets`            | required    |                                                                         |
//! | `fields`          | every text  | ours: members of an item, and all below them                            |
//! | `parts`           | `every`     | ours; `last` is what datatrove 0.10 does with question and answer       |
//! | `ngram`           | 13          | GPT-3, arXiv:2005.14165, app. C; PaLM, arXiv:2204.02311, sec. 8, has 8  |
//! | `punctuation`     | `separates` | ours; GPT-3's words have none and end at white space                    |
//! | `min_units`       | 8           | GPT-3, app. C: the least length of a run                                |
//! | `threshold`       | 0.5         | ours; GPT-3 and datatrove 0, PaLM 0.7                                   |
//! | `min_runs`        | 1           | GPT-3 and datatrove                                                     |
//! | `max_items`       | 10          | ours; GPT-3 ignores runs in more than 10 documents of its corpus        |
//! | `action`          | `drop`      | datatrove; GPT-3 cuts                                                   |
//! | `around`          | 200         | GPT-3, app. C                                                           |
//! | `min_piece_chars` | 200         | same                                                                    |
//! | `max_pieces`      | 10          | same                                                                    |

mod cut;
mod index;
mod items;
mod units;

use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Document, Facts, Field, Mapper, Name, Profile, Reason, Setup, Step, Type, Verdict, Wrong, kind};
use index::{Builder, Contamination, Hit, Index};
use units::each_unit;

/// Settings of [`Decontaminate`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Evaluation sets: files or folders, each with a name before `=`, or called by its file.
    #[schemars(length(min = 1), inner(length(min = 1)))]
    pub sets: Vec<String>,
    /// Members of an item that hold its texts, in this order; every text, if there is none.
    #[schemars(inner(length(min = 1)))]
    pub fields: Vec<String>,
    /// Which runs of an item count.
    pub parts: Parts,
    /// Units in a run.
    #[schemars(range(min = 1, max = 64))]
    pub ngram: usize,
    /// What punctuation does.
    pub punctuation: Punctuation,
    /// Fewest units of a text that is looked for as a whole.
    #[schemars(range(min = 1, max = 64))]
    pub min_units: usize,
    /// The share of the runs of one text of an item from which on a document is contaminated.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub threshold: f64,
    /// Fewest different runs of one text of an item from which on a document is contaminated.
    #[schemars(range(min = 1))]
    pub min_runs: u64,
    /// Most items that share a run which is looked for.
    #[schemars(range(min = 1, max = 1000))]
    pub max_items: usize,
    /// What becomes of contaminated documents.
    pub action: Action,
    /// Characters on either side that are cut with a stretch.
    #[schemars(range(max = 1_000_000))]
    pub around: usize,
    /// Fewest characters of a piece that stays after cutting.
    #[schemars(range(max = 1_000_000))]
    pub min_piece_chars: usize,
    /// Most pieces that cutting may make, short ones included; a document of more is dropped.
    pub max_pieces: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            sets: Vec::new(),
            fields: Vec::new(),
            parts: Parts::Every,
            ngram: 13,
            punctuation: Punctuation::Separates,
            min_units: 8,
            threshold: 0.5,
            min_runs: 1,
            max_items: 10,
            action: Action::Drop,
            around: 200,
            min_piece_chars: 200,
            max_pieces: 10,
        }
    }
}

/// Which runs of an item count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Parts {
    /// Those within each of its texts.
    Every,
    /// Those of all its texts, one behind the other.
    Joined,
    /// As `joined`, and only those that reach into the last text: the answer, where that comes last.
    Last,
}

/// What punctuation and symbols do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Punctuation {
    /// A word ends there: `GPT-4` is two.
    Separates,
    /// It does not count: `GPT-4` is `gpt4`.
    Removed,
}

/// What becomes of contaminated documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// They are dropped.
    Drop,
    /// What they share with an item is cut out; of too many pieces, or nothing left, they are dropped.
    Cut,
    /// They stay as they are, with the fields.
    Measure,
}

crate::measures! {
    /// What [`Decontaminate`] measures.
    pub struct Measure {
        /// Different runs that the document shares with items.
        runs,
        /// Items by which it is contaminated.
        items,
        /// The greatest share of the runs of one text of an item that the document has.
        share,
        /// Share of the document's units that are in runs it shares with items.
        covered,
        /// Pieces that cutting makes of it.
        pieces,
    }
}

/// See the words at the top of this file.
pub struct Decontaminate {
    config: Config,
    index: Index,
    contaminated_by: Name,
    contaminated_span: Name,
}

/// What a thread uses again from document to document.
#[derive(Default)]
struct Room {
    units: Vec<u64>,
    hits: Vec<Hit>,
}

/// Units that are kept room for, whatever a text needs: 8 MiB.
const KEPT_UNITS: usize = 1 << 20;

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
}

const PROFILES: &[Profile] = &[
    Profile {
        name: "gpt3",
        settings: "ngram = 13\npunctuation = \"removed\"\nmin_units = 13\nthreshold = 0\naction = \"cut\"\naround = 200\nmin_piece_chars = 200\nmax_pieces = 10\n",
        about: "GPT-3, arXiv:2005.14165, app. C: any run of 13 words (lower case, no punctuation, parted by white space) is cut with 200 characters on either side; pieces below 200 characters go, and documents in more than 10 pieces. A run that more than 10 documents of the corpus have is ignored there; a step that sees one document at a time cannot know, and ignores runs that more than 10 items have. Pieces stay one document.",
    },
    Profile {
        name: "datatrove",
        settings: "fields = [\"question\", \"answer\"]\nparts = \"last\"\nngram = 12\nmin_units = 12\nthreshold = 0\nmax_items = 1000\n",
        about: "datatrove 0.10, pipeline/decont/n_grams.py: one run of 12 words that is of the answer, or begins in the question and ends in the answer, drops a document. Set `fields` to what the sets call the two. Words are ours: datatrove cuts them by spaCy, and reads every number as 0 and letters without their marks.",
    },
    Profile {
        name: "palm",
        settings: "ngram = 8\nmin_units = 8\nthreshold = 0.7\n",
        about: "PaLM, arXiv:2204.02311, sec. 8: an item is contaminated where at least 70 % of the 8-grams of its question, prompt or target have been seen. PaLM asks that of the whole corpus and tells which items are clean; here a document has to hold them alone, and is dropped.",
    },
];

impl Step for Decontaminate {
    const NAME: &'static str = "decontaminate";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("mod.rs");
    const PROFILES: &'static [Profile] = PROFILES;
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, setup: &mut Setup) -> Result<Self, Wrong> {
        let index = read(&config, setup)?;
        let [contaminated_by, contaminated_span] = ["contaminated_by", "contaminated_span"].map(Name::new);
        Ok(Decontaminate { config, index, contaminated_by, contaminated_span })
    }

    fn writes(&self) -> Vec<Field> {
        [self.contaminated_by, self.contaminated_span].map(|name| Field { name, kind: Type::Text }).to_vec()
    }

    fn facts(&self) -> Facts {
        let mut facts = Facts::new();
        for set in self.index.sets() {
            let counts = [("items", set.items), ("items_not_looked_for", set.unseen)];
            facts.insert(set.name.clone(), counts.map(|(name, count)| (name.to_owned(), count)).into());
        }
        let index = [("runs", self.index.runs() as u64), ("bytes", self.index.bytes() as u64)];
        facts.insert("index".to_owned(), index.map(|(name, count)| (name.to_owned(), count)).into());
        facts
    }
}

/// The index of all sets.
fn read(config: &Config, setup: &mut Setup) -> Result<Index, Wrong> {
    let example = "for example `sets = [\"gsm8k=eval/gsm8k.jsonl\"]`";
    if config.sets.is_empty() {
        return Err(Wrong::setting("sets", "`sets` names no evaluation set").help(example));
    }
    let mut builder = Builder::new(config.ngram, config.min_units);
    let (mut units, mut names) = (Vec::new(), Vec::<String>::new());
    for set in &config.sets {
        let (name, path) = match set.split_once('=') {
            Some((name, path)) => (name.trim().to_owned(), path.trim()),
            None => (stem(set), set.as_str()),
        };
        if name.is_empty() || name == "index" || name.contains(['#', ' ']) || names.contains(&name) {
            let what = match names.contains(&name) {
                true => format!("two evaluation sets are called `{name}`"),
                false => format!("`{name}` cannot be the name of an evaluation set"),
            };
            return Err(Wrong::setting("sets", what).help(example));
        }
        builder.set(&name);
        let (mut items, mut texts, mut known) = (0_u64, 0, Vec::new());
        for file in setup.files_in("sets", &[path.to_owned()])? {
            items::each_item(&file, setup.tables, |item| {
                items += 1;
                builder.item();
                texts += add(config, item, &mut units, &mut builder);
                if known.is_empty() {
                    known = item.as_object().into_iter().flat_map(|item| item.keys().cloned()).collect();
                }
            })
            .map_err(|what| Wrong::setting("sets", what).help("a set is lines of JSON objects, or parquet"))?;
        }
        if items == 0 {
            return Err(Wrong::setting("sets", format!("`{name}` has no item")));
        }
        if texts == 0 {
            let setting = if config.fields.is_empty() { "sets" } else { "fields" };
            let what = format!("no item of `{name}` has a text to look for");
            return Err(Wrong::setting(setting, what).help(format!("its first item has {}", known.join(", "))));
        }
        names.push(name);
    }
    Ok(builder.finish(config.max_items))
}

/// What a file is called, without its endings.
fn stem(path: &str) -> String {
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// Adds the texts of an item; says how many have a unit.
fn add(config: &Config, item: &serde_json::Value, units: &mut Vec<u64>, builder: &mut Builder) -> usize {
    let mut texts = Vec::new();
    items::texts(item, &config.fields, &mut texts);
    units.clear();
    let (mut seen, mut last) = (0, 0);
    for text in texts {
        let before = units.len();
        each_unit(text, config.punctuation, |unit, _, _| units.push(unit));
        if units.len() == before {
            continue;
        }
        seen += 1;
        last = before;
        if config.parts == Parts::Every {
            builder.text(units, 0);
            units.clear();
        }
    }
    match config.parts {
        Parts::Every => {}
        Parts::Joined => builder.text(units, 0),
        Parts::Last => builder.text(units, last),
    }
    seen
}

impl Mapper for Decontaminate {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::of("contaminated", "threshold").by("share"),
        Reason::of("too_many_pieces", "max_pieces"),
        Reason::of("nothing_left", "min_piece_chars").unmeasured(),
    ];

    fn map(&self, document: &mut Document, measure: &mut Measure) -> Verdict {
        ROOM.with_borrow_mut(|Room { units, hits }| {
            units.clear();
            each_unit(document.text(), self.config.punctuation, |unit, _, _| units.push(unit));
            self.index.scan(units, hits);
            let verdict = self.decide(document, units.len(), hits, measure);
            units.shrink_to(KEPT_UNITS);
            hits.shrink_to(KEPT_UNITS / 4);
            verdict
        })
    }
}

impl Decontaminate {
    fn decide(&self, document: &mut Document, units: usize, hits: &[Hit], measure: &mut Measure) -> Verdict {
        let (runs, share, found) = self.index.judge(hits, self.config.threshold, self.config.min_runs);
        let covered: usize = stretches(hits.iter()).iter().map(|stretch| stretch.len()).sum();
        measure.runs = Some(runs as f64);
        measure.items = Some(found.len() as f64);
        measure.share = Some(share);
        measure.covered = (units > 0).then(|| covered as f64 / units as f64);
        if found.is_empty() {
            return Verdict::Keep;
        }
        let mut places = Vec::with_capacity(units);
        each_unit(document.text(), self.config.punctuation, |_, start, end| places.push(start..end));
        self.tell(document, &places, &found);
        match self.config.action {
            Action::Measure => Verdict::Keep,
            Action::Drop => Verdict::Drop("contaminated"),
            Action::Cut => self.cut(document, &places, hits, &found, measure),
        }
    }

    /// Writes the fields.
    fn tell(&self, document: &mut Document, places: &[Range<usize>], found: &[Contamination]) {
        let bytes = |units: (usize, usize)| [places[units.0].start, places[units.1 - 1].end];
        let mut spans: Vec<usize> = found.iter().flat_map(|found| bytes(found.units)).collect();
        cut::in_characters(document.text(), &mut spans);
        let by: Vec<String> = found.iter().map(|found| self.index.name(found.item)).collect();
        let spans: Vec<String> = spans.chunks(2).map(|span| format!("{}-{}", span[0], span[1])).collect();
        // Behind another step of this kind, both speak.
        for (name, told) in [(self.contaminated_by, by), (self.contaminated_span, spans)] {
            let told = told.join(" ");
            let before =
                document.field(name).and_then(|value| value.as_text()).map(|before| format!("{before} {told}"));
            document.set_field(name, before.unwrap_or(told));
        }
    }

    fn cut(
        &self,
        document: &mut Document,
        places: &[Range<usize>],
        hits: &[Hit],
        found: &[Contamination],
        measure: &mut Measure,
    ) -> Verdict {
        let mut items: Vec<u32> = found.iter().map(|found| found.item).collect();
        items.sort_unstable();
        let stretches = stretches(hits.iter().filter(|hit| self.index.is_of(hit, &items)));
        let holes: Vec<Range<usize>> =
            stretches.iter().map(|stretch| places[stretch.start].start..places[stretch.end - 1].end).collect();
        let pieces = cut::cut(document.text(), &holes, self.config.around, self.config.min_piece_chars);
        measure.pieces = Some(pieces.all as f64);
        if pieces.all > self.config.max_pieces {
            return Verdict::Drop("too_many_pieces");
        }
        if pieces.text.is_empty() {
            return Verdict::Drop("nothing_left");
        }
        document.set_text(pieces.text);
        Verdict::Keep
    }
}

/// Units that are in some hit, in their order.
fn stretches<'a>(hits: impl Iterator<Item = &'a Hit>) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for hit in hits {
        let end = hit.first + hit.length;
        match found.last_mut().filter(|last| hit.first <= last.end) {
            Some(last) => last.end = last.end.max(end),
            None => found.push(hit.first..end),
        }
    }
    found
}

#[cfg(test)]
mod tests;
