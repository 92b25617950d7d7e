//! Drops Chinese documents that are short, hardly Chinese, sensitive, or repeat themselves.
//!
//! The rules by which EvalWeb made ChineseWebText, with the decisions of its `preprocess.py` (CASIA-LM/ChineseWebText,
//! de83375; the paper is arXiv:2311.01149). A run of 13 characters is looked for without spaces, tabs and line
//! ends, in lower case; all copies count, the first one too, and the last run of a text is not looked
//! at, as there.
//!
//! They drop a text that zhconv would change to Mainland Chinese: any traditional character, and words of
//! Taiwan and Hong Kong besides. Here the characters alone are told, by OpenCC's tables (see
//! `chinese_variant`), and by a few marks and characters that OpenCC lets pass: `「」『』於馀锺麽矽钜`. The list of sensitive words is yours to give: a word counts once however often it
//! occurs.
//!
//! | setting                   | default | source                                                    |
//! |---------------------------|---------|-----------------------------------------------------------|
//! | `min_chars`               | 201     | `preprocess.py`: more than 200                            |
//! | `min_mean_line_chars`     | 10.0    | same; line ends are counted in                            |
//! | `min_han`                 | 0.3     | same: U+4E00 to U+9FA5                                    |
//! | `max_traditional`         | 0.0     | same: none of its characters is traditional alone         |
//! | `sensitive_words`         | none    | files of words; in a line with a tab, the part behind it  |
//! | `max_sensitive_per_line`  | 0.5     | `preprocess.py`                                           |
//! | `max_repeated_13grams`    | 0.5     | same                                                      |

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use aho_corasick::AhoCorasick;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::chinese_variant::traditional_share;
use crate::kit::list::{self, Malformed};
use crate::kit::python::strip;
use crate::kit::{Filter, Profile, Reason, Setup, Step, Table, Text, Verdict, Wrong, above, below, kind};

/// Settings of [`Evalweb`]. Shares lie between 0 and 1.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Fewest characters.
    pub min_chars: f64,
    /// Fewest characters for each line, line ends counted in.
    pub min_mean_line_chars: f64,
    /// Smallest share of Chinese characters.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_han: f64,
    /// Largest share of traditional characters among the Chinese ones.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_traditional: f64,
    /// Files, and folders of files, with sensitive words, one a line.
    #[schemars(inner(length(min = 1)))]
    pub sensitive_words: Vec<String>,
    /// Most different sensitive words for each line.
    pub max_sensitive_per_line: f64,
    /// Largest share of runs of 13 characters that occur twice and more.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_repeated_13grams: f64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            min_chars: 201.0,
            min_mean_line_chars: 10.0,
            min_han: 0.3,
            max_traditional: 0.0,
            sensitive_words: Vec::new(),
            max_sensitive_per_line: 0.5,
            max_repeated_13grams: 0.5,
        }
    }
}

crate::measures! {
    /// What [`Evalweb`] measures.
    pub struct Measure {
        /// Characters.
        chars,
        /// Characters for each line, line ends counted in.
        mean_line_chars,
        /// Share of Chinese characters.
        han,
        /// Share of traditional characters among the Chinese ones.
        traditional,
        /// Different sensitive words for each line.
        sensitive_per_line,
        /// Share of runs of 13 characters that occur twice and more.
        repeated_13grams,
    }
}

/// See the words at the top of this file.
pub struct Evalweb {
    config: Config,
    sensitive: Option<AhoCorasick>,
}

impl Step for Evalweb {
    const NAME: &'static str = "evalweb";
    const VERSION: u32 = 3;
    const WORDS: &'static str = include_str!("evalweb.rs");
    const PROFILES: &'static [Profile] = &[Profile {
        name: "chinesewebtext",
        settings: "",
        about: "`preprocess.py` of ChineseWebText, but that traditional Chinese is told by its characters alone.",
    }];
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, setup: &mut Setup) -> Result<Self, Wrong> {
        let wrong = |what: String| Wrong::setting("sensitive_words", what);
        let mut words = BTreeSet::new();
        for named in &config.sensitive_words {
            let mut some = false;
            for path in setup.files_in("sensitive_words", std::slice::from_ref(named))? {
                for line in list::read("sensitive_words", &path)?.lines() {
                    let word = line.split_once('\t').map_or(line, |(_, word)| word).trim();
                    if !word.is_empty() {
                        some = true;
                        words.insert(word.to_owned());
                    }
                }
            }
            if !some {
                return Err(Malformed::Empty.wrong("sensitive_words", Path::new(named)));
            }
        }
        let sensitive = match words.is_empty() {
            true => None,
            false => Some(AhoCorasick::new(&words).map_err(|error| wrong(error.to_string()))?),
        };
        Ok(Evalweb { config, sensitive })
    }
}

impl Filter for Evalweb {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::of("too_few_chars", "min_chars"),
        Reason::of("lines_too_short", "min_mean_line_chars"),
        Reason::of("too_little_chinese", "min_han"),
        Reason::of("traditional_chinese", "max_traditional"),
        Reason::of("too_many_sensitive_words", "max_sensitive_per_line"),
        Reason::of("repeats_itself", "max_repeated_13grams"),
    ];

    fn measure(&self, text: &Text) -> Measure {
        let chars = text.char_count() as f64;
        let lines = text.feed_lines().len() as f64;
        let (mut han, mut also) = (0_u64, 0_u64);
        for c in text.chars() {
            han += u64::from(('\u{4e00}'..='\u{9fa5}').contains(&c));
            also += u64::from(matches!(c, '「' | '」' | '『' | '』' | '於' | '馀' | '锺' | '麽' | '矽' | '钜'));
        }
        Measure {
            chars: Some(chars),
            mean_line_chars: Some(chars / lines),
            han: (chars > 0.0).then(|| han as f64 / chars),
            traditional: traditional_share(text).map(|share| (share + also as f64 / han.max(1) as f64).min(1.0)),
            sensitive_per_line: self.sensitive.as_ref().map(|words| distinct(words, text) as f64 / lines),
            repeated_13grams: Some(repeated(text)),
        }
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        let config = &self.config;
        match () {
            () if below(measure.chars, config.min_chars) => Verdict::Drop("too_few_chars"),
            () if below(measure.mean_line_chars, config.min_mean_line_chars) => Verdict::Drop("lines_too_short"),
            () if below(measure.han, config.min_han) => Verdict::Drop("too_little_chinese"),
            () if above(measure.traditional, config.max_traditional) => Verdict::Drop("traditional_chinese"),
            () if above(measure.sensitive_per_line, config.max_sensitive_per_line) => {
                Verdict::Drop("too_many_sensitive_words")
            }
            () if above(measure.repeated_13grams, config.max_repeated_13grams) => Verdict::Drop("repeats_itself"),
            () => Verdict::Keep,
        }
    }
}

/// How many of the words occur. The automaton finds every word at every place, one within another too.
fn distinct(words: &AhoCorasick, text: &str) -> usize {
    let mut seen = vec![0_u64; words.patterns_len().div_ceil(64)];
    let mut distinct = 0;
    for found in words.find_overlapping_iter(text) {
        let word = found.pattern().as_usize();
        let bit = 1 << (word % 64);
        distinct += usize::from(seen[word / 64] & bit == 0);
        seen[word / 64] |= bit;
    }
    distinct
}

/// Characters of a run.
const RUN: usize = 13;

/// Odd, so that no information is lost; otherwise arbitrary.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// Characters for which there is room from one document to the next, whatever it needs: 8 MiB.
const KEPT_CHARS: usize = 1 << 20;

/// Share of runs of 13 characters that occur twice and more, without the last run. Runs are told apart by a
/// hash of 64 bits.
fn repeated(text: &str) -> f64 {
    thread_local! {
        static SCRATCH: RefCell<(Vec<u64>, Table)> = RefCell::default();
    }
    SCRATCH.with_borrow_mut(|(hashes, table)| {
        hashes.clear();
        hashes.shrink_to(KEPT_CHARS);
        hashes.push(0);
        let mut hash = 0_u64;
        for c in strip(text).chars().flat_map(char::to_lowercase).filter(|c| !matches!(c, ' ' | '\n' | '\t')) {
            // Mixed, so that the sum of many is no pattern of code points.
            let mixed = (u64::from(c) + 1).wrapping_mul(0xd6e8_feb8_6659_fd93);
            hash = hash.wrapping_mul(BASE).wrapping_add(mixed ^ mixed >> 32);
            hashes.push(hash);
        }
        let runs = (hashes.len() - 1).saturating_sub(RUN);
        if runs == 0 {
            return 0.0;
        }
        let power = BASE.wrapping_pow(RUN as u32);
        let run = |start: usize| hashes[start + RUN].wrapping_sub(hashes[start].wrapping_mul(power));
        table.start(runs);
        for start in 0..runs {
            table.count(run(start));
        }
        (0..runs).filter(|&start| table.seen(run(start)) > 1).count() as f64 / runs as f64
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn filter() -> Evalweb {
        Evalweb::new(Config::default(), &mut Setup::default()).unwrap()
    }

    fn judged(text: &str) -> Verdict {
        Filter::judge(&filter(), &filter().measure(&text.into()))
    }

    /// Sentences that differ, since repeats are a fault here.
    fn prose(sentences: usize) -> String {
        let digit = |n: usize| ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"][n % 10];
        let line = |n: usize| format!("第{}{}天他去了河边，看见{}条船。\n", digit(n / 10), digit(n), digit(n * 7));
        (0..sentences).map(line).collect()
    }

    #[test]
    fn decisions_are_those_of_chinesewebtext() {
        // preprocess.py of CASIA-LM/ChineseWebText, de83375; written by tests/conformance/evalweb.py.
        let reason = |folder: &str| match folder {
            "length" => &["too_few_chars", "lines_too_short"][..],
            "character" => &["too_little_chinese"],
            "traditional" => &["traditional_chinese"],
            "sensitive" => &["too_many_sensitive_words"],
            "duplication" => &["repeats_itself"],
            _ => &[],
        };
        let words = AhoCorasick::new(["赌博", "毒品", "赌"]).unwrap();
        let filter = Evalweb { config: Config::default(), sensitive: Some(words) };
        for line in include_str!("golden/evalweb.jsonl").lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let measure = filter.measure(&row["text"].as_str().unwrap().into());
            match (filter.judge(&measure), reason(row["folder"].as_str().unwrap())) {
                (Verdict::Keep, wanted) => assert!(wanted.is_empty(), "{line}"),
                (Verdict::Drop(found), wanted) => assert!(wanted.contains(&found), "{found}: {line}"),
            }
        }
    }

    #[test]
    fn each_fault_has_its_reason_and_bounds_are_those_of_the_original() {
        assert_eq!(judged(&prose(30)), Verdict::Keep);
        assert_eq!(judged(""), Verdict::Drop("too_few_chars"));
        assert_eq!(judged(&prose(30).replace('，', "\n\n\n")), Verdict::Drop("lines_too_short"));
        assert_eq!(judged(&"The river and the town. ".repeat(9)), Verdict::Drop("too_little_chinese"));
        assert_eq!(judged(&prose(30).replace('条', "條")), Verdict::Drop("traditional_chinese"));
        assert_eq!(judged(&(prose(30) + "他说「好」。")), Verdict::Drop("traditional_chinese"));
        assert_eq!(judged(&prose(10).repeat(3)), Verdict::Drop("repeats_itself"));
        let bound = Measure {
            chars: Some(201.0),
            mean_line_chars: Some(10.0),
            han: Some(0.3),
            traditional: Some(0.0),
            sensitive_per_line: Some(0.5),
            repeated_13grams: Some(0.5),
        };
        assert_eq!(Filter::judge(&filter(), &bound), Verdict::Keep);
        assert_eq!(Filter::judge(&filter(), &Measure { chars: Some(200.0), ..bound }), Verdict::Drop("too_few_chars"));
        assert_eq!(
            Filter::judge(&filter(), &Measure { sensitive_per_line: Some(0.51), ..bound }),
            Verdict::Drop("too_many_sensitive_words")
        );
    }

    #[test]
    fn lists_are_read_from_files() {
        let file = std::env::temp_dir().join(format!("evalweb-{}.txt", std::process::id()));
        std::fs::write(&file, "1\t赌博\n毒品\n\n").unwrap();
        let config = Config { sensitive_words: vec![file.display().to_string()], ..Config::default() };
        let filter = Evalweb::new(config, &mut Setup::default()).unwrap();
        let wrong = |list: &[u8]| {
            std::fs::write(&file, list).unwrap();
            let config = Config { sensitive_words: vec![file.display().to_string()], ..Config::default() };
            Evalweb::new(config, &mut Setup::default()).err().unwrap().what
        };
        assert!(wrong(b"\n \n").ends_with("it lists nothing"));
        assert!(wrong(b"\xb7\xa8").ends_with("line 1 is not UTF-8"));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(filter.measure(&"赌博，赌博\n".into()).sensitive_per_line, Some(0.5));
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for piece in ["\n", "中", "中国", "x ", "İ"] {
            filter().measure(&piece.repeat(500_000 / piece.len()).as_str().into());
        }
        assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn repeats_are_counted_as_plain_code_does(text in "[ab字 \n]{0,80}|\\PC{0,40}") {
            let plain: Vec<char> = strip(&text).chars().flat_map(char::to_lowercase).filter(|c| !" \n\t".contains(*c)).collect();
            let runs: Vec<&[char]> = plain.windows(RUN).take(plain.len().saturating_sub(RUN)).collect();
            let mut counts: HashMap<&[char], usize> = HashMap::new();
            for run in &runs {
                *counts.entry(run).or_default() += 1;
            }
            let copies: usize = counts.values().filter(|&&count| count > 1).sum();
            let share = if runs.is_empty() { 0.0 } else { copies as f64 / runs.len() as f64 };
            prop_assert_eq!(repeated(&text), share);
            filter().measure(&text.as_str().into());
        }
    }
}
