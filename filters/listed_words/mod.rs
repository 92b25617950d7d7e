//! Drops documents with too many words of given lists, or counts them: any number of entries, in one pass.
//!
//! Every occurrence of every entry counts, those within others too; an entry is found once for each
//! place, on however many lists it is. `density` is occurrences in 1000 characters; `per_line` is distinct entries by lines, as
//! EvalWeb has it, where an empty line is one too. With every `max_` at `inf` the step drops nothing
//! and only measures, so that a later step can ask `where = "unsafe_words.density > 2"`: the cheap list
//! picks what the dear model reads, as in WanJuan-CC (arXiv:2402.19282) and InternLM2
//! (arXiv:2403.17297, sec. 3.1.1).
//!
//! Lists are files or folders of them, or names of those that come along: `zh-porn`, `zh-violence`,
//! `zh-politics`, `zh-ads`, `zh-mixed` (Sensitive-lexicon, MIT) and `bad-words-en` and the like for 27
//! languages (LDNOOBW, CC-BY-4.0). They err both ways: names of provinces and of newspapers are on the
//! Chinese ones. One entry on a line, in UTF-8; `#` at the start of a line or behind white space begins a
//! comment; `,`, `，`, `、` and `|` part the entries of a line. Entries shorter than `min_entry_chars` are
//! passed over: one Chinese character is in every text.
//!
//! With `script`, an end of an entry in a script that has spaces between its words must be the end of a
//! word (`ass` is not in `class`), one in Chinese, Japanese, Thai, Lao, Khmer, Burmese or Tibetan need
//! not; so one list may mix them. `words` asks for a non-word character of Python's `\W` on both sides,
//! `anywhere` for nothing.
//!
//! | setting             | default  | source                                                              |
//! |---------------------|----------|---------------------------------------------------------------------|
//! | `lists`             | none     | for every document                                                  |
//! | `lists_by_lang`     | none     | also for documents with this value in the field `lang`              |
//! | `allow`             | none     | an occurrence within one of these is none; so is the entry itself   |
//! | `allow_lists`       | none     | the same from files                                                 |
//! | `matching`          | `script` | ours; `words`: C4; `anywhere`: EvalWeb, and C4 for ja, th, zh       |
//! | `matching_by_lang`  | none     | for the lists of a language                                         |
//! | `min_entry_chars`   | 2        | ours                                                                |
//! | `ignore_case`       | true     | C4 lowers the text; EvalWeb does not                                |
//! | `ignore_width`      | true     | ours: `ＡＢ` is `AB`                                                  |
//! | `ignore_separators` | false    | ours: `法*轮` is `法轮`; up to three marks or spaces, no commas, stops of `。` or line ends |
//! | `max_hits`          | inf      |                                                                     |
//! | `max_distinct`      | inf      |                                                                     |
//! | `max_density`       | inf      |                                                                     |
//! | `max_per_line`      | 0.5      | EvalWeb, arXiv:2311.01149, `preprocess.py`                          |

mod fold;
mod list;
mod matcher;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bad_words;
use crate::kit::list::{self as files, Malformed};
use crate::kit::{Field, Filter, Name, Profile, Reason, Setup, Step, Table, Text, Type, Verdict, Wrong, kind};
use fold::Fold;
pub use list::entries;
pub(crate) use matcher::{Matcher, Matching};

/// Settings of [`ListedWords`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Lists for every document: files, folders of files, or names of lists that come along.
    #[schemars(inner(length(min = 1)))]
    pub lists: Vec<String>,
    /// Lists for the documents of a language, by the value of their field `lang`.
    pub lists_by_lang: BTreeMap<String, Vec<String>>,
    /// Words and phrases within which nothing is found.
    #[schemars(inner(length(min = 1)))]
    pub allow: Vec<String>,
    /// Files and folders of more of them.
    #[schemars(inner(length(min = 1)))]
    pub allow_lists: Vec<String>,
    /// How an entry must stand in the text.
    pub matching: Matching,
    /// The same for the lists of a language.
    pub matching_by_lang: BTreeMap<String, Matching>,
    /// Fewest characters of an entry; shorter ones are passed over.
    pub min_entry_chars: usize,
    /// Upper and lower case are one.
    pub ignore_case: bool,
    /// Full-width letters, digits and marks are those of ASCII.
    pub ignore_width: bool,
    /// Marks and spaces set between two Chinese characters are none.
    pub ignore_separators: bool,
    /// Most occurrences.
    pub max_hits: f64,
    /// Most distinct entries.
    pub max_distinct: f64,
    /// Most occurrences in 1000 characters.
    pub max_density: f64,
    /// Most distinct entries for each line.
    pub max_per_line: f64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            lists: Vec::new(),
            lists_by_lang: BTreeMap::new(),
            allow: Vec::new(),
            allow_lists: Vec::new(),
            matching: Matching::Script,
            matching_by_lang: BTreeMap::new(),
            min_entry_chars: 2,
            ignore_case: true,
            ignore_width: true,
            ignore_separators: false,
            max_hits: f64::INFINITY,
            max_distinct: f64::INFINITY,
            max_density: f64::INFINITY,
            max_per_line: 0.5,
        }
    }
}

crate::measures! {
    /// What [`ListedWords`] measures.
    pub struct Measure {
        /// Occurrences of listed words.
        hits,
        /// Distinct listed words.
        distinct,
        /// Occurrences in 1000 characters.
        density,
        /// Distinct listed words for each line.
        per_line,
    }
}

/// The lists that come along.
const ALONG: [(&str, &str); 5] = [
    ("zh-ads", include_str!("../data/zh_sensitive/ads.txt")),
    ("zh-mixed", include_str!("../data/zh_sensitive/mixed.txt")),
    ("zh-politics", include_str!("../data/zh_sensitive/politics.txt")),
    ("zh-porn", include_str!("../data/zh_sensitive/porn.txt")),
    ("zh-violence", include_str!("../data/zh_sensitive/violence.txt")),
];

fn along(name: &str) -> Option<&'static str> {
    match name.strip_prefix("bad-words-") {
        Some(lang) => bad_words::list(lang),
        None => ALONG.iter().find(|(known, _)| *known == name).map(|(_, list)| *list),
    }
}

/// One automaton, and which of its entries excuse others.
struct Lists {
    matcher: Matcher,
    /// Entries from this number on are allowed ones.
    allowed: u32,
    /// Entries that the common lists have too, matched otherwise: their numbers here and there.
    shared: HashMap<u32, u32>,
}

/// See the words at the top of this file.
pub struct ListedWords {
    config: Config,
    fold: Option<Fold>,
    common: Lists,
    by_lang: BTreeMap<String, Lists>,
    lang: Name,
}

impl Step for ListedWords {
    const NAME: &'static str = "listed_words";
    const VERSION: u32 = 2;
    const WORDS: &'static str = include_str!("mod.rs");
    const PROFILES: &'static [Profile] = &[Profile {
        name: "evalweb",
        settings: "matching = \"anywhere\"\nmin_entry_chars = 1\nignore_case = false\nignore_width = false\nmax_per_line = 0.5",
        about: "`preprocess.py` of ChineseWebText (arXiv:2311.01149, commit de83375): distinct words that stand anywhere in the text, as written, by lines; more than 0.5 are too many. Its list, `dict.txt`, is not along.",
    }];
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, setup: &mut Setup) -> Result<Self, Wrong> {
        if config.lists.is_empty() && config.lists_by_lang.values().all(Vec::is_empty) {
            let names: Vec<&str> = ALONG.iter().map(|(name, _)| *name).collect();
            return Err(Wrong::setting("lists", "no list is given")
                .help(format!("files, folders, or lists that come along: {}, bad-words-en, …", names.join(", "))));
        }
        if let Some(lang) = config.matching_by_lang.keys().find(|lang| !config.lists_by_lang.contains_key(*lang)) {
            return Err(Wrong::setting("matching_by_lang", format!("there is no list for the language `{lang}`"))
                .help("`lists_by_lang` says which lists are whose"));
        }
        let fold = Fold { case: config.ignore_case, width: config.ignore_width, separators: config.ignore_separators };
        let read = Reading { fold, min_chars: config.min_entry_chars.max(1) };
        let mut allowed = BTreeSet::new();
        for entry in &config.allow {
            Reading { min_chars: 1, ..read }.add(entry, &mut allowed);
        }
        Reading { min_chars: 1, ..read }.add_files("allow_lists", &config.allow_lists, setup, &mut allowed)?;

        let mut common = BTreeSet::new();
        read.add_files("lists", &config.lists, setup, &mut common)?;
        let mut by_lang = BTreeMap::new();
        for (lang, paths) in &config.lists_by_lang {
            let mut entries = BTreeSet::new();
            read.add_files("lists_by_lang", paths, setup, &mut entries)?;
            let matching = config.matching_by_lang.get(lang).copied().unwrap_or(config.matching);
            if matching == config.matching {
                entries.retain(|entry| !common.contains(entry)); // found already
            }
            by_lang.insert(lang.clone(), Lists::new("lists_by_lang", &entries, &allowed, &common, matching)?);
        }
        let common = Lists::new("lists", &common, &allowed, &BTreeSet::new(), config.matching)?;
        let folds = fold.case || fold.width || fold.separators;
        Ok(ListedWords { fold: folds.then_some(fold), common, by_lang, lang: Name::new("lang"), config })
    }

    fn reads(&self) -> Vec<Field> {
        if self.by_lang.is_empty() { Vec::new() } else { vec![Field::new("lang", Type::Text)] }
    }
}

/// How lists are read.
#[derive(Clone, Copy)]
struct Reading {
    fold: Fold,
    min_chars: usize,
}

impl Reading {
    fn add(self, entry: &str, entries: &mut BTreeSet<String>) {
        let mut folded = String::new();
        self.fold.append(entry, &mut folded);
        if folded.chars().nth(self.min_chars - 1).is_some() {
            entries.insert(folded);
        }
    }

    fn add_files(
        self,
        setting: &'static str,
        paths: &[String],
        setup: &mut Setup,
        entries: &mut BTreeSet<String>,
    ) -> Result<(), Wrong> {
        for path in paths {
            if let Some(list) = along(path) {
                self.add_list(setting, Path::new(path), list.as_bytes(), entries)?;
                continue;
            }
            let found = setup.files_in(setting, std::slice::from_ref(path)).map_err(|wrong| {
                let words = bad_words::languages().map(|lang| format!("bad-words-{lang}"));
                let names: Vec<String> = ALONG.iter().map(|(name, _)| (*name).to_owned()).chain(words).collect();
                wrong.near(path, names.iter().map(String::as_str))
            });
            let mut some = false;
            for path in found? {
                some |= self.add_list(setting, &path, files::read(setting, &path)?.as_bytes(), entries)?;
            }
            if !some {
                return Err(Malformed::Empty.wrong(setting, Path::new(path)));
            }
        }
        Ok(())
    }

    /// Whether there was an entry.
    fn add_list(
        self,
        setting: &'static str,
        path: &Path,
        bytes: &[u8],
        entries: &mut BTreeSet<String>,
    ) -> Result<bool, Wrong> {
        let listed = list::entries(bytes).map_err(|malformed| malformed.wrong(setting, path))?;
        listed.iter().for_each(|entry| self.add(entry, entries));
        Ok(!listed.is_empty())
    }
}

impl Lists {
    /// `first` are the entries of lists that are looked for before these.
    fn new(
        setting: &'static str,
        listed: &BTreeSet<String>,
        allowed: &BTreeSet<String>,
        first: &BTreeSet<String>,
        matching: Matching,
    ) -> Result<Lists, Wrong> {
        let mut entries: Vec<&str> = listed.difference(allowed).map(String::as_str).collect();
        let numbers: BTreeMap<&String, u32> = match listed.is_disjoint(first) {
            true => BTreeMap::new(),
            false => first.difference(allowed).zip(0..).collect(),
        };
        let shared =
            entries.iter().zip(0..).filter_map(|(entry, number)| Some((number, *numbers.get(&(*entry).to_owned())?)));
        let shared = shared.collect();
        let listed = entries.len() as u32;
        if listed > 0 {
            entries.extend(allowed.iter().map(String::as_str));
        }
        let matcher = Matcher::new(&entries, matching).map_err(|what| Wrong::setting(setting, what))?;
        Ok(Lists { matcher, allowed: listed, shared })
    }
}

/// What a thread keeps from one text to the next.
#[derive(Default)]
struct Scratch {
    folded: String,
    seen: Table,
    /// Start, end and number of each occurrence, where some may be excused.
    found: Vec<(usize, usize, u32)>,
    /// Those that are not.
    hits: Vec<(usize, usize, u32)>,
    /// Starts of allowed phrases, and the farthest end of those up to there.
    allowed: Vec<(usize, usize)>,
}

/// Bytes and occurrences for which there is room from one text to the next, whatever it needs.
const KEPT: usize = 1 << 20;

struct Counts {
    hits: usize,
    distinct: usize,
}

/// Set on the number of an entry that only the lists of a language have.
const OWN: u32 = 1 << 31;

impl Scratch {
    /// Finds what lists have in a text. `own` tells whether they are those of a language.
    fn find(&mut self, lists: &Lists, own: bool, text: &str) {
        let Scratch { found, hits, allowed, .. } = self;
        for occurrence in lists.matcher.hits(text) {
            if occurrence.entry >= lists.allowed {
                allowed.push((occurrence.start, occurrence.end));
            } else {
                found.push((occurrence.start, occurrence.end, occurrence.entry));
            }
        }
        allowed.sort_unstable();
        let mut farthest = 0;
        for (_, end) in allowed.iter_mut() {
            farthest = farthest.max(*end);
            *end = farthest;
        }
        for &(start, end, entry) in found.iter() {
            let before = allowed.partition_point(|&(from, _)| from <= start);
            if before == 0 || allowed[before - 1].1 < end {
                let number = if own { lists.shared.get(&entry).copied().unwrap_or(entry | OWN) } else { entry };
                hits.push((start, end, number));
            }
        }
        found.clear();
        found.shrink_to(KEPT);
        allowed.clear();
        allowed.shrink_to(KEPT);
    }

    /// Counts what was found and forgets it. What the common lists and those of a language both have at a place,
    /// each by its own matching, is one.
    fn count(&mut self, shared: bool) -> Counts {
        let Scratch { seen, hits, .. } = self;
        if shared {
            hits.sort_unstable();
            hits.dedup();
        }
        if !hits.is_empty() {
            seen.start(0);
        }
        let distinct = hits.iter().filter(|(.., entry)| seen.count(u64::from(*entry)) == 1).count();
        let counts = Counts { hits: hits.len(), distinct };
        hits.clear();
        hits.shrink_to(KEPT);
        counts
    }
}

impl Filter for ListedWords {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::of("too_many_listed_words", "max_hits"),
        Reason::of("too_many_distinct_listed_words", "max_distinct"),
        Reason::of("listed_words_too_dense", "max_density"),
        Reason::of("too_many_listed_words_per_line", "max_per_line"),
    ];
    const MEASURING: &'static [&'static str] = &["min_entry_chars"];

    fn measure(&self, text: &Text) -> Measure {
        thread_local! {
            static SCRATCH: RefCell<Scratch> = RefCell::default();
        }
        let counts = SCRATCH.with_borrow_mut(|scratch| {
            let mut folded = std::mem::take(&mut scratch.folded);
            let looked_at = match self.fold {
                None => &**text,
                Some(fold) => {
                    folded.clear();
                    fold.append(text, &mut folded);
                    folded.as_str()
                }
            };
            scratch.find(&self.common, false, looked_at);
            let lang = text.document().field(self.lang).and_then(|lang| lang.as_text());
            let lists = lang.and_then(|lang| self.by_lang.get(lang));
            if let Some(lists) = lists {
                scratch.find(lists, true, looked_at);
            }
            folded.clear();
            folded.shrink_to(KEPT);
            scratch.folded = folded;
            scratch.count(lists.is_some_and(|lists| !lists.shared.is_empty()))
        });
        let (hits, distinct) = (counts.hits as f64, counts.distinct as f64);
        let chars = text.char_count() as f64;
        let lines = memchr::memchr_iter(b'\n', text.as_bytes()).count() as f64 + 1.0;
        Measure {
            hits: Some(hits),
            distinct: Some(distinct),
            density: (chars > 0.0).then(|| hits * 1000.0 / chars),
            per_line: Some(distinct / lines),
        }
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        let Config { max_hits, max_distinct, max_density, max_per_line, .. } = self.config;
        let rules = [
            (measure.hits, max_hits, "too_many_listed_words"),
            (measure.distinct, max_distinct, "too_many_distinct_listed_words"),
            (measure.density, max_density, "listed_words_too_dense"),
            (measure.per_line, max_per_line, "too_many_listed_words_per_line"),
        ];
        let broken = rules.into_iter().find(|(measure, max, _)| measure.is_some_and(|measure| measure > *max));
        broken.map_or(Verdict::Keep, |(_, _, reason)| Verdict::Drop(reason))
    }
}

/// Reads bytes as a list, and checks what must hold of every one: for the fuzzer and the tests.
///
/// # Panics
///
/// If it does not hold.
pub fn check(bytes: &[u8]) {
    let Ok(entries) = list::entries(bytes) else { return };
    for entry in &entries {
        assert!(!entry.is_empty() && entry.trim() == *entry && !entry.contains(['\n', ',', '，', '、', '|']));
    }
    let again = entries.join("\n");
    // A mark at the start of a file, or of a comment, is one only there.
    if !again.starts_with('\u{feff}') && !entries.iter().any(|entry| entry.starts_with('#')) {
        assert_eq!(list::entries(again.as_bytes()).as_ref(), Ok(&entries));
    }
    for (case, width, separators) in [(true, true, true), (true, false, false), (false, true, true)] {
        let reading = Reading { fold: Fold { case, width, separators }, min_chars: 1 };
        let mut folded = BTreeSet::new();
        entries.iter().for_each(|entry| reading.add(entry, &mut folded));
        for matching in [Matching::Anywhere, Matching::Script, Matching::Words] {
            let sorted: Vec<&String> = folded.iter().collect();
            let matcher = Matcher::new(&sorted, matching).expect("a list of distinct entries");
            // Alone on its line, every entry is found.
            for (number, entry) in sorted.iter().enumerate() {
                assert!(matcher.hits(&format!("\n{entry}\n")).any(|hit| hit.entry as usize == number), "{entry:?}");
            }
        }
    }
}

#[cfg(test)]
mod tests;
