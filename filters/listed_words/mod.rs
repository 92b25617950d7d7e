//! Drops documents with too many words of given lists, or counts them: any number of entries, in one pass.
//!
//! Every occurrence of every entry counts, those within others too; an entry is found once for each
//! place. `density` is occurrences in 1000 characters; `per_line` is distinct entries by lines, as
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
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bad_words;
use crate::kit::{Field, Filter, Name, Profile, Reason, Setup, Step, Table, Text, Type, Verdict, Wrong, kind};
use fold::Fold;
pub use list::{Malformed, entries};
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
    const VERSION: u32 = 1;
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
            by_lang.insert(lang.clone(), Lists::new("lists_by_lang", entries, &allowed, matching)?);
        }
        let common = Lists::new("lists", common, &allowed, config.matching)?;
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
            for path in found? {
                let bytes = std::fs::read(&path)
                    .map_err(|error| Wrong::setting(setting, format!("{}: {error}", path.display())))?;
                self.add_list(setting, &path, &bytes, entries)?;
            }
        }
        Ok(())
    }

    fn add_list(
        self,
        setting: &'static str,
        path: &Path,
        bytes: &[u8],
        entries: &mut BTreeSet<String>,
    ) -> Result<(), Wrong> {
        let listed = list::entries(bytes).map_err(|malformed| {
            Wrong::setting(setting, format!("{}: {malformed}", path.display()))
                .help("convert the list first: `iconv -f GB18030 -t UTF-8`, if it is Chinese")
        })?;
        listed.into_iter().for_each(|entry| self.add(entry, entries));
        Ok(())
    }
}

impl Lists {
    fn new(
        setting: &'static str,
        listed: BTreeSet<String>,
        allowed: &BTreeSet<String>,
        matching: Matching,
    ) -> Result<Lists, Wrong> {
        let mut entries: Vec<&str> = listed.difference(allowed).map(String::as_str).collect();
        let listed = entries.len() as u32;
        if listed > 0 {
            entries.extend(allowed.iter().map(String::as_str));
        }
        let matcher = Matcher::new(&entries, matching).map_err(|what| Wrong::setting(setting, what))?;
        Ok(Lists { matcher, allowed: listed })
    }
}

/// What a thread keeps from one text to the next.
#[derive(Default)]
struct Scratch {
    folded: String,
    seen: Table,
    /// Start, end and number of each occurrence, where some may be excused.
    found: Vec<(usize, usize, u32)>,
    /// Starts of allowed phrases, and the farthest end of those up to there.
    allowed: Vec<(usize, usize)>,
}

/// Bytes and occurrences for which there is room from one text to the next, whatever it needs.
const KEPT: usize = 1 << 20;

#[derive(Default)]
struct Counts {
    hits: usize,
    distinct: usize,
}

impl Scratch {
    fn count(&mut self, lists: &Lists, text: &str, counts: &mut Counts) {
        let Scratch { seen, found, allowed, .. } = self;
        let mut is_first = true;
        let mut hit = |entry: u32| {
            if is_first {
                seen.start(0);
                is_first = false;
            }
            counts.hits += 1;
            counts.distinct += usize::from(seen.count(u64::from(entry)) == 1);
        };
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
                hit(entry);
            }
        }
        found.clear();
        found.shrink_to(KEPT);
        allowed.clear();
        allowed.shrink_to(KEPT);
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
        let mut counts = Counts::default();
        SCRATCH.with_borrow_mut(|scratch| {
            let mut folded = std::mem::take(&mut scratch.folded);
            let looked_at = match self.fold {
                None => &**text,
                Some(fold) => {
                    folded.clear();
                    fold.append(text, &mut folded);
                    folded.as_str()
                }
            };
            scratch.count(&self.common, looked_at, &mut counts);
            let lang = text.document().field(self.lang).and_then(|lang| lang.as_text());
            if let Some(lists) = lang.and_then(|lang| self.by_lang.get(lang)) {
                scratch.count(lists, looked_at, &mut counts);
            }
            folded.clear();
            folded.shrink_to(KEPT);
            scratch.folded = folded;
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kit::Document;

    fn lists(name: &str, text: &str) -> String {
        let path = std::env::temp_dir().join(format!("wanjuan-listed-words-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn step(name: &str, list: &str, config: Config) -> ListedWords {
        let config = Config { lists: vec![lists(name, list)], ..config };
        ListedWords::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{wrong:?}"))
    }

    fn counted(step: &ListedWords, text: &str) -> (f64, f64) {
        let measure = step.measure(&text.into());
        (measure.hits.unwrap(), measure.distinct.unwrap())
    }

    #[test]
    fn each_bound_is_inclusive_and_has_its_reason() {
        let off = Config { max_per_line: f64::INFINITY, ..Config::default() };
        let text = "法轮功好，ass";
        for (config, bound, reason) in [
            (Config { max_hits: 2.0, ..off.clone() }, Config { max_hits: 1.9, ..off.clone() }, "too_many_listed_words"),
            (
                Config { max_distinct: 2.0, ..off.clone() },
                Config { max_distinct: 1.0, ..off.clone() },
                "too_many_distinct_listed_words",
            ),
            (
                Config { max_density: 250.0, ..off.clone() },
                Config { max_density: 249.0, ..off.clone() },
                "listed_words_too_dense",
            ),
            (
                Config { max_per_line: 2.0, ..off.clone() },
                Config { max_per_line: 1.5, ..off.clone() },
                "too_many_listed_words_per_line",
            ),
        ] {
            let judge = |config: Config| {
                let step = step("bounds", "法轮\nass", config);
                Filter::judge(&step, &step.measure(&text.into()))
            };
            assert_eq!(judge(config), Verdict::Keep);
            assert_eq!(judge(bound), Verdict::Drop(reason));
        }
    }

    #[test]
    fn an_empty_text_has_no_word_and_no_density() {
        let step = step("empty", "法轮", Config::default());
        assert_eq!(
            step.measure(&"".into()),
            Measure { hits: Some(0.0), distinct: Some(0.0), density: None, per_line: Some(0.0) }
        );
    }

    #[test]
    fn lines_and_characters_are_counted_as_said() {
        let step = step("lines", "法轮\n法轮功", Config::default());
        let measure = step.measure(&"法轮功\n\n法轮".into());
        assert_eq!((measure.hits, measure.distinct), (Some(3.0), Some(2.0)));
        assert_eq!((measure.density, measure.per_line), (Some(3000.0 / 7.0), Some(2.0 / 3.0)));
        // EvalWeb: more than half a word a line is too many.
        assert_eq!(Filter::judge(&step, &step.measure(&"法轮\n好".into())), Verdict::Keep);
    }

    #[test]
    fn what_is_ignored_is_ignored_in_lists_and_texts() {
        let strict = Config { ignore_case: false, ignore_width: false, ..Config::default() };
        let list = "ABC\n法 轮\n出售Ｄ";
        assert_eq!(counted(&step("a", list, Config::default()), "abc ＡＢＣ 出售d"), (3.0, 2.0));
        assert_eq!(counted(&step("b", list, strict), "abc ＡＢＣ ABC 出售d 法轮"), (1.0, 1.0));
        let separators = Config { ignore_separators: true, ..Config::default() };
        assert_eq!(counted(&step("c", list, separators), "法轮 法*轮 法。轮 法 ★ 轮"), (3.0, 1.0));
    }

    #[test]
    fn what_lies_within_an_allowed_phrase_is_no_hit() {
        let config = Config { allow: vec!["性别".into(), "女性".into()], ..Config::default() };
        let list = "性别\n性别歧\n女性\n男性别";
        let step = step("allow", list, config);
        // Listed and allowed is allowed; longer than what is allowed is a hit.
        assert_eq!(counted(&step, "女性性别"), (0.0, 0.0));
        assert_eq!(counted(&step, "性别歧视，男性别来"), (2.0, 2.0));
        let config = Config { allow: vec!["Scunthorpe".into()], matching: Matching::Anywhere, ..Config::default() };
        let step = self::step("allow2", "cunt", config);
        assert_eq!(counted(&step, "in scunthorpe they say cunt"), (1.0, 1.0));
    }

    #[test]
    fn a_language_has_lists_and_matching_of_its_own() {
        let config = Config {
            lists: vec![lists("common", "法轮")],
            lists_by_lang: [("th".to_owned(), vec![lists("thai", "ass\n法轮")])].into(),
            matching_by_lang: [("th".to_owned(), Matching::Anywhere)].into(),
            ..Config::default()
        };
        let step = ListedWords::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        assert_eq!(step.reads().len(), 1);
        let mut document = Document::new("", "class 好");
        assert_eq!(step.measure(&Text::new(document.clone())).hits, Some(0.0));
        document.set_field(Name::new("lang"), "th");
        assert_eq!(step.measure(&Text::new(document)).hits, Some(1.0));
    }

    #[test]
    fn short_entries_are_passed_over_unless_asked_for() {
        assert_eq!(counted(&step("short", "性\n党\nab", Config::default()), "性党 ab"), (1.0, 1.0));
        let all = Config { min_entry_chars: 1, ..Config::default() };
        assert_eq!(counted(&step("short2", "性\n党\nab", all), "性党 ab"), (3.0, 3.0));
    }

    #[test]
    fn lists_that_come_along_and_folders_are_read_and_files_are_noted() {
        let mut setup = Setup::default();
        let path = lists("noted", "一二");
        let names = ALONG.iter().map(|(name, _)| (*name).to_owned()).chain(["bad-words-en".into(), path.clone()]);
        let config = Config { lists: names.collect(), ..Config::default() };
        let step = ListedWords::new(config, &mut setup).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        assert!(step.common.allowed > 10_000, "{}", step.common.allowed);
        assert_eq!(counted(&step, "一二 assmunch").1, 2.0);
        assert_eq!(setup.files, [("lists", path.into())]);
    }

    #[test]
    fn what_is_no_list_is_a_mistake_of_the_pipeline() {
        let wrong = |config: Config| ListedWords::new(config, &mut Setup::default()).err().unwrap();
        assert_eq!(wrong(Config::default()).setting, Some("lists"));
        assert!(wrong(Config { lists: vec!["nowhere".into()], ..Config::default() }).what.contains("nowhere"));
        let path = std::env::temp_dir().join(format!("wanjuan-listed-words-{}-gbk", std::process::id()));
        std::fs::write(&path, b"a\n\xb7\xa8\xc2\xd6").unwrap();
        let gbk = wrong(Config { lists: vec![path.display().to_string()], ..Config::default() });
        assert!(gbk.what.ends_with("line 2 is not UTF-8"), "{gbk:?}");
        let config = Config {
            lists: vec!["zh-ads".into()],
            matching_by_lang: [("th".to_owned(), Matching::Words)].into(),
            ..Config::default()
        };
        assert_eq!(wrong(config).setting, Some("matching_by_lang"));
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let config = Config { ignore_separators: true, allow: vec!["aab".into()], ..Config::default() };
        let step = step("huge", "aa\naaa\n法轮\n好好", config);
        let started = std::time::Instant::now();
        for text in [
            "a".repeat(4_000_000),
            "法*".repeat(500_000),
            "法".to_owned() + &"*".repeat(4_000_000),
            "好".repeat(1_000_000),
        ] {
            step.measure(&text.as_str().into());
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,60}|[a法*轮\u{3000}Ａ ]{0,60}") {
            let config = Config { lists: vec!["zh-porn".into(), "bad-words-en".into()], ignore_separators: true, allow: vec!["a".into()], ..Config::default() };
            thread_local!(static STEP: RefCell<Option<ListedWords>> = const { RefCell::new(None) });
            STEP.with_borrow_mut(|step| {
                let step = step.get_or_insert_with(|| ListedWords::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{wrong:?}")));
                Filter::judge(step, &step.measure(&text.as_str().into()))
            });
        }
    }
}
