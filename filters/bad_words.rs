//! Drops documents with a word of the "List of Dirty, Naughty, Obscene, and Otherwise Bad Words".
//!
//! C4's rule, decision for decision as in `C4BadWordsFilter` of datatrove 0.10.1. The text is put into
//! lower case, the list is not, so that an entry with a capital is never found. A word counts where
//! nothing that Python's `\w` matches stands beside it; in Japanese, Thai and Chinese, anywhere. Four
//! entries that are common parts of words are left out: `sm`, `グロ`, `女の子`, `性`.
//!
//! The lists are LDNOOBW's (CC-BY-4.0), 27 languages: ar cs da de en eo es fa fi fil fr hi hu it ja kab
//! ko nl no pl pt ru sv th tlh tr zh. English is that of commit 25e679f, which C4 and datatrove pin; the
//! others are as in npm's `naughty-words` 1.2.0, where datatrove pins 5faf2ba. Its list
//! `fr-CA-u-sd-caqc` is not along.
//!
//! Where datatrove stops the run at a language without a list, the document is dropped, unless
//! `fail_on_missing_language` is false: give `where = "lang in ('en', 'zh')"` for a corpus that holds more
//! than languages. A variant such as `zh-hant` has the list of its language. datatrove draws which bad documents to keep in the order they
//! come; here the draw is a hash of seed, step and document.
//!
//! | setting                    | default | source                                                  |
//! |----------------------------|---------|---------------------------------------------------------|
//! | `lang`                     | none    | language of all documents; else the field `lang` tells  |
//! | `default_lang`             | en      | datatrove: for documents without a value in the field   |
//! | `keep_fraction`            | 0.0     | datatrove: share of documents with bad words to keep    |
//! | `fail_on_missing_language` | true    | datatrove                                               |

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::kit::{Field, Filter, Name, Profile, Reason, Setup, Step, Text, Type, Verdict, Wrong, kind};
use crate::listed_words::{Matcher, Matching};

/// Settings of [`BadWords`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Language of all documents; where it is not set, each has its own in the field `lang`.
    pub lang: Option<String>,
    /// Language of a document without a value in the field.
    pub default_lang: String,
    /// Share of the documents with bad words to keep, between 0 and 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub keep_fraction: f64,
    /// Documents in a language without a list are dropped.
    pub fail_on_missing_language: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { lang: None, default_lang: "en".into(), keep_fraction: 0.0, fail_on_missing_language: true }
    }
}

crate::measures! {
    /// What [`BadWords`] measures.
    pub struct Measure {
        /// Occurrences of bad words; none where there is no list for the language.
        bad_words,
        /// The document's draw, from 0 up to 1, if it has bad words.
        draw,
    }
}

macro_rules! lists {
    ($($lang:literal)*) => { [$(($lang, include_str!(concat!("data/bad_words/", $lang, ".txt")))),*] };
}

const LISTS: [(&str, &str); 27] = lists!["ar" "cs" "da" "de" "en" "eo" "es" "fa" "fi" "fil" "fr" "hi" "hu" "it" "ja" "kab" "ko" "nl" "no" "pl" "pt" "ru" "sv" "th" "tlh" "tr" "zh"];

/// Common parts of words in languages without spaces; datatrove leaves them out of every list.
const ALLOWED: [&str; 4] = ["sm", "グロ", "女の子", "性"];

/// The languages of the lists that come along.
pub(crate) fn languages() -> impl Iterator<Item = &'static str> {
    LISTS.iter().map(|(lang, _)| *lang)
}

/// The list of a language, one word on a line.
pub(crate) fn list(lang: &str) -> Option<&'static str> {
    LISTS.iter().find(|(known, _)| *known == lang).map(|(_, list)| *list)
}

/// See the words at the top of this file.
pub struct BadWords {
    config: Config,
    matchers: HashMap<&'static str, Matcher>,
    seed: u64,
    lang: Name,
}

impl Step for BadWords {
    const NAME: &'static str = "bad_words";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("bad_words.rs");
    const PROFILES: &'static [Profile] = &[Profile {
        name: "datatrove",
        settings: "",
        about: "`C4BadWordsFilter` of datatrove 0.10.1, which follows C4 (arXiv:1910.10683, sec. 2.2) and mC4: words between non-word characters, anywhere in ja, th and zh.",
    }];
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, setup: &mut Setup) -> Result<Self, Wrong> {
        if !(0.0..=1.0).contains(&config.keep_fraction) {
            return Err(Wrong::setting("keep_fraction", "a share lies between 0 and 1"));
        }
        if let Some(lang) = config.lang.as_deref().filter(|lang| list(lang).is_none()) {
            let known = LISTS.map(|(lang, _)| lang).join(", ");
            return Err(Wrong::setting("lang", format!("there is no list for the language `{lang}`"))
                .help(format!("there are lists for {known}"))
                .near(lang, languages()));
        }
        let mut matchers = HashMap::new();
        for (lang, list) in LISTS {
            if config.lang.as_deref().is_some_and(|only| only != lang) {
                continue;
            }
            let mut words: Vec<&str> = list.lines().filter(|word| !ALLOWED.contains(word)).collect();
            words.sort_unstable();
            let matching = if matches!(lang, "ja" | "th" | "zh") { Matching::Anywhere } else { Matching::Words };
            let matcher = Matcher::new(&words, matching).expect("the lists that come along are small and distinct");
            matchers.insert(lang, matcher);
        }
        let seed = xxh3_64_with_seed(setup.step.as_bytes(), setup.seed);
        Ok(BadWords { config, matchers, seed, lang: Name::new("lang") })
    }

    fn reads(&self) -> Vec<Field> {
        if self.config.lang.is_some() { Vec::new() } else { vec![Field::new("lang", Type::Text)] }
    }
}

impl Filter for BadWords {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::of("no_list_for_language", "fail_on_missing_language"),
        Reason::of("bad_words", "keep_fraction").by("bad_words"),
    ];
    const JUDGING: &'static [&'static str] = &["keep_fraction", "fail_on_missing_language"];

    fn measure(&self, text: &Text) -> Measure {
        let document = text.document();
        let found = || document.field(self.lang).and_then(|lang| lang.as_text());
        let lang = self.config.lang.as_deref().or_else(found).unwrap_or(&self.config.default_lang);
        // `zh-hant` and `pt-BR` are told by the list of their language.
        let plain = || lang.split(['-', '_']).next().and_then(|plain| self.matchers.get(plain));
        let Some(matcher) = self.matchers.get(lang).or_else(plain) else { return Measure::default() };
        let hits = matcher.hits(text.lower()).count();
        // The upper 53 bits, which are what a number between 0 and 1 can hold.
        let draw = || (xxh3_64_with_seed(document.id.as_bytes(), self.seed) >> 11) as f64 / (1_u64 << 53) as f64;
        Measure { bad_words: Some(hits as f64), draw: (hits > 0).then(draw) }
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        match (measure.bad_words, measure.draw) {
            (None, _) if self.config.fail_on_missing_language => Verdict::Drop("no_list_for_language"),
            (Some(hits), draw) if hits > 0.0 && draw.is_none_or(|draw| draw >= self.config.keep_fraction) => {
                Verdict::Drop("bad_words")
            }
            _ => Verdict::Keep,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kit::Document;

    fn step(config: Config) -> BadWords {
        BadWords::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{wrong:?}"))
    }

    fn judged(lang: &str, text: &str) -> Verdict {
        let step = step(Config { lang: Some(lang.into()), ..Config::default() });
        Filter::judge(&step, &step.measure(&text.into()))
    }

    const BAD: Verdict = Verdict::Drop("bad_words");

    #[test]
    fn words_stand_between_other_characters_and_chinese_ones_anywhere() {
        assert_eq!(judged("en", "He is an ASS!"), BAD);
        assert_eq!(judged("en", "ass"), BAD);
        assert_eq!(judged("en", "The class of the assignment, ass_1 and éass."), Verdict::Keep);
        assert_eq!(judged("en", "s&m\n"), BAD);
        assert_eq!(judged("en", "an ass"), BAD);
        assert_eq!(judged("zh", "他妈的"), BAD);
        assert_eq!(judged("zh", "性别"), Verdict::Keep);
        assert_eq!(judged("en", "他ass的"), Verdict::Keep);
        assert_eq!(judged("en", ""), Verdict::Keep);
    }

    #[test]
    fn an_entry_with_a_capital_is_never_found() {
        assert_eq!(judged("de", "MILF milf"), Verdict::Keep);
        assert_eq!(judged("tlh", "Qu'vatlh"), Verdict::Keep);
    }

    #[test]
    fn the_language_is_read_from_its_field() {
        let (strict, lenient) =
            (step(Config::default()), step(Config { fail_on_missing_language: false, ..Config::default() }));
        let judge = |step: &BadWords, lang: Option<&str>, text: &str| {
            let mut document = Document::new("", text);
            if let Some(lang) = lang {
                document.set_field(Name::new("lang"), lang);
            }
            Filter::judge(step, &step.measure(&Text::new(document)))
        };
        assert_eq!(judge(&strict, Some("de"), "ein arsch"), BAD);
        assert_eq!(judge(&strict, Some("fr"), "ein arsch"), Verdict::Keep);
        assert_eq!(judge(&strict, None, "an ass"), BAD);
        assert_eq!(judge(&strict, Some("vi"), "an ass"), Verdict::Drop("no_list_for_language"));
        assert_eq!(judge(&strict, Some("en-GB"), "an ass"), Verdict::Drop("bad_words"));
        assert_eq!(judge(&lenient, Some("vi"), "an ass"), Verdict::Keep);
    }

    #[test]
    fn a_share_of_the_bad_is_kept_and_a_larger_one_keeps_the_smaller() {
        let kept = |keep_fraction: f64| {
            let step = step(Config { lang: Some("en".into()), keep_fraction, ..Config::default() });
            let keep = |n: &usize| {
                let text = Text::new(Document::new(n.to_string(), "an ass"));
                Filter::judge(&step, &step.measure(&text)) == Verdict::Keep
            };
            (0..2000).filter(keep).collect::<Vec<_>>()
        };
        let (tenth, third) = (kept(0.1), kept(0.3));
        assert!((150..250).contains(&tenth.len()), "{}", tenth.len());
        assert!(tenth.iter().all(|n| third.contains(n)));
        assert_eq!((kept(0.0).len(), kept(1.0).len()), (0, 2000));
    }

    #[test]
    fn settings_that_cannot_be_are_refused() {
        let wrong = |config: Config| BadWords::new(config, &mut Setup::default()).err().unwrap().setting;
        assert_eq!(wrong(Config { keep_fraction: 1.1, ..Config::default() }), Some("keep_fraction"));
        assert_eq!(wrong(Config { lang: Some("vi".into()), ..Config::default() }), Some("lang"));
    }

    #[test]
    fn english_is_the_list_that_c4_pins() {
        let list = list("en").unwrap();
        assert_eq!((list.lines().count(), list.chars().count()), (377, 3563));
        assert!(LISTS.iter().all(|(_, list)| list.lines().all(|word| !word.is_empty() && word.trim() == word)));
    }

    /// Answers of datatrove: see `tests/conformance/datatrove/bad_words.py`.
    #[test]
    fn verdicts_are_those_of_datatrove() {
        let rows: serde_json::Value = serde_json::from_str(include_str!("golden/bad_words.json")).unwrap();
        let rows = rows["rows"].as_array().unwrap();
        assert!(rows.len() > 200);
        for row in rows {
            let (lang, text) = (row["lang"].as_str().unwrap(), row["text"].as_str().unwrap());
            assert_eq!(judged(lang, text) == Verdict::Keep, row["keep"].as_bool().unwrap(), "{lang} {text:?}");
        }
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let step = step(Config { lang: Some("zh".into()), ..Config::default() });
        let started = std::time::Instant::now();
        for text in ["他妈".repeat(600_000), "Σ".repeat(1_000_000), "a".repeat(4_000_000), "奶".repeat(1_000_000)] {
            step.measure(&text.as_str().into());
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,60}") {
            thread_local!(static STEP: BadWords = step(Config::default()));
            STEP.with(|step| step.measure(&text.as_str().into()));
        }
    }
}
