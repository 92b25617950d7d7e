//! Drops documents of which too many sentences are questionable: lists, scraps, symbols, boilerplate.
//!
//! The rules of MADLAD-400 for its clean part. A sentence is questionable if most of its words are
//! capitalised, as in a list of names or a menu; if it is very short or long; if much of it is digits
//! and brackets; or if it holds one of the *cursed* strings and patterns which audits of the corpus
//! brought up. MADLAD's fifth rule, that a sentence be in the language of its document, is left out: no
//! model for single sentences comes along. How MADLAD-400 cuts sentences and words is not published;
//! here a sentence also ends where more than 64 marks and spaces follow a full stop.
//!
//! | setting             | default  | source                                                      |
//! |---------------------|----------|-------------------------------------------------------------|
//! | `min_sentences`     | 5        | MADLAD-400, arXiv:2309.04662, sec. 2 and app.; dataset card |
//! | `max_questionable`  | 0.2      | same                                                        |
//! | `max_capitalised`   | 0.5      | same                                                        |
//! | `min_list_words`    | 12       | same                                                        |
//! | `min_chars`         | 20       | same                                                        |
//! | `max_chars`         | 500      | same                                                        |
//! | `max_technical`     | 0.2      | same: digits and `{}+/()>`                                  |
//! | `cursed_substrings` | 24       | same: those entries of the card's list that are plain       |
//! | `cursed_patterns`   | 8        | same: the others, as regular expressions                    |
//! | `sentences`         | unicode  | ours: boundaries of Unicode (UAX 29); `marks` is datamap-rs |

use aho_corasick::AhoCorasick;
use regex::{Regex, RegexSet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use crate::kit::{self, Filter, Profile, Reason, Setup, Step, Text, Verdict, Wrong, kind, share};

/// Settings of [`MadladQuality`]. Shares lie between 0 and 1.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Fewest sentences of a document.
    pub min_sentences: u64,
    /// Largest share of sentences that are questionable.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_questionable: f64,
    /// Largest share of capitalised words in a sentence that is no list.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_capitalised: f64,
    /// Fewest words of a sentence that can be a list.
    pub min_list_words: u64,
    /// Shortest sentence, in characters.
    pub min_chars: u64,
    /// Longest sentence, in characters.
    pub max_chars: u64,
    /// Largest share of digits and `{}+/()>` among a sentence's characters.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_technical: f64,
    /// Texts that make a sentence questionable.
    #[schemars(inner(length(min = 1)))]
    pub cursed_substrings: Vec<String>,
    /// Regular expressions that make a sentence questionable.
    #[schemars(inner(length(min = 1)))]
    pub cursed_patterns: Vec<String>,
    /// How sentences are cut.
    pub sentences: Sentences,
}

/// How sentences are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sentences {
    /// At the sentence boundaries of Unicode (UAX 29), which every line end is.
    Unicode,
    /// At `.`, `!` and `?` before white space, which fall away, as datamap-rs does: a line end is none,
    /// and neither is `。`.
    Marks,
}

/// The list of the dataset's card (huggingface.co/datasets/allenai/MADLAD-400, ODC-BY): entries
/// without a sign of regular expressions, and those that only escape a full stop.
const SUBSTRINGS: [&str; 24] = [
    " №",
    "\u{fffd}\u{fffd}\u{fffd}",
    "aute irure dolor ",
    " sunt in culpa qui ",
    "orem ipsum ",
    " quis nostrud ",
    " adipisicing ",
    " dolore eu ",
    " cupidatat ",
    "autem vel eum",
    "wisi enim ad",
    " sex ",
    " porn ",
    "黄色电影",
    "mp3",
    "ownload",
    "Vol.",
    " Ep.",
    "Episode",
    " шт.",
    "Develop",
    "Facebook",
    " crusher ",
    " xxx ",
];

/// The rest of that list. Its last four are for lists, spaced-out letters and rows of short codes.
const PATTERNS: [&str; 8] = [
    r"\|\s*$",
    r" nr\.$",
    r" г\.\s*$",
    r" кг\.\s*$",
    " ... ... ... ... ... ... ... ... ...",
    " .... .... .... .... .... .... .... .... ....",
    " [^ ] [^ ] [^ ] [^ ] [^ ] [^ ] [^ ] [^ ] [^ ]",
    ", ..,,? ..,,? ..,,? ..,,?",
];

impl Default for Config {
    fn default() -> Config {
        Config {
            min_sentences: 5,
            max_questionable: 0.2,
            max_capitalised: 0.5,
            min_list_words: 12,
            min_chars: 20,
            max_chars: 500,
            max_technical: 0.2,
            cursed_substrings: SUBSTRINGS.map(str::to_owned).to_vec(),
            cursed_patterns: PATTERNS.map(str::to_owned).to_vec(),
            sentences: Sentences::Unicode,
        }
    }
}

/// Largest double below a fifth: of five sentences, one is too many. The list without the entries that
/// are no plain text, and its last four.
const OLMO3: &str = r#"
max_questionable = 0.19999999999999998
min_chars = 0
max_chars = 9223372036854775807
max_technical = 1
sentences = "marks"
cursed_substrings = [
    " №",
    "\ufffd\ufffd\ufffd",
    "aute irure dolor ",
    " sunt in culpa qui ",
    "orem ipsum ",
    " quis nostrud ",
    " adipisicing ",
    " dolore eu ",
    " cupidatat ",
    "autem vel eum",
    "wisi enim ad",
    " sex ",
    " porn ",
    "黄色电影",
    "mp3",
    "ownload",
    "Episode",
    "Develop",
    "Facebook",
    " crusher ",
    " xxx ",
]
cursed_patterns = [
    " ... ... ... ... ... ... ... ... ...",
    " .... .... .... .... .... .... .... .... ....",
    " [^ ] [^ ] [^ ] [^ ] [^ ] [^ ] [^ ] [^ ] [^ ]",
    ", ..,,? ..,,? ..,,? ..,,?",
]
"#;

crate::measures! {
    /// What [`MadladQuality`] measures.
    pub struct Measure {
        /// Sentences.
        sentences,
        /// Share of sentences that are questionable.
        questionable,
        /// Share of sentences of which most words are capitalised.
        capitalised,
        /// Share of sentences that are too short or too long.
        abnormal_length,
        /// Share of sentences with too many digits and brackets.
        technical,
        /// Share of sentences with a cursed string or pattern.
        cursed,
    }
}

/// See the words at the top of this file.
pub struct MadladQuality {
    config: Config,
    substrings: AhoCorasick,
    patterns: RegexSet,
}

impl Step for MadladQuality {
    const NAME: &'static str = "madlad_quality";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("madlad_quality.rs");
    const PROFILES: &'static [Profile] = &[
        Profile {
            name: "paper",
            settings: "",
            about: "MADLAD-400's rules and list as its paper (arXiv:2309.04662) and dataset card give them, but for the language of each sentence; sentences are cut by Unicode's rules, as MADLAD's own way is not published.",
        },
        Profile {
            name: "olmo3",
            settings: OLMO3,
            about: "As datamap-rs judges for OLMo 3 (allenai/datamap-rs 021da52, `map_fxn.rs` and `configs/all_dressed/all_dressed_config.yaml`): capitalised and cursed sentences alone, and a document goes when a fifth of its sentences are such, where MADLAD wants more than a fifth. Sentences are cut at `.`, `!`, `?` before white space. Its list is taken to be the dataset card's, of which datamap-rs reads all but the last four entries as plain text, so that those with an escaped full stop or a pattern match nothing; its file has not been compared. With that list the annotator's and the filter's code, run apart from the rest, gives the same verdict on 11,318 of 11,318 texts.",
        },
    ];
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        for pattern in &config.cursed_patterns {
            Regex::new(pattern).map_err(|error| {
                Wrong::setting("cursed_patterns", format!("`{pattern}` is no regular expression: {error}"))
            })?;
        }
        let patterns = RegexSet::new(&config.cursed_patterns)
            .map_err(|error| Wrong::setting("cursed_patterns", format!("together they are too much: {error}")))?;
        if config.cursed_substrings.iter().any(String::is_empty) {
            return Err(Wrong::setting("cursed_substrings", "an empty text is in every sentence"));
        }
        let substrings = AhoCorasick::new(&config.cursed_substrings)
            .map_err(|error| Wrong::setting("cursed_substrings", error.to_string()))?;
        Ok(MadladQuality { config, substrings, patterns })
    }
}

impl Filter for MadladQuality {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::of("too_few_sentences", "min_sentences"),
        Reason::of("too_many_questionable_sentences", "max_questionable"),
    ];
    // They say which sentences are questionable, whose share is measured.
    const MEASURING: &'static [&'static str] =
        &["max_capitalised", "min_list_words", "min_chars", "max_chars", "max_technical"];

    fn measure(&self, text: &Text) -> Measure {
        let mut counts = Counts::default();
        let how = match self.config.sentences {
            Sentences::Unicode => kit::Sentences::Unicode,
            Sentences::Marks => kit::Sentences::Marks,
        };
        text.sentences(how).for_each(|sentence| self.look(sentence, &mut counts));
        let of_sentences = |part: u64| share(part, counts.sentences);
        Measure {
            sentences: Some(counts.sentences as f64),
            questionable: of_sentences(counts.questionable),
            capitalised: of_sentences(counts.capitalised),
            abnormal_length: of_sentences(counts.abnormal_length),
            technical: of_sentences(counts.technical),
            cursed: of_sentences(counts.cursed),
        }
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        if measure.sentences.unwrap_or(0.0) < self.config.min_sentences as f64 {
            return Verdict::Drop("too_few_sentences");
        }
        if measure.questionable.is_some_and(|share| share > self.config.max_questionable) {
            return Verdict::Drop("too_many_questionable_sentences");
        }
        Verdict::Keep
    }
}

#[derive(Default)]
struct Counts {
    sentences: u64,
    questionable: u64,
    capitalised: u64,
    abnormal_length: u64,
    technical: u64,
    cursed: u64,
}

impl MadladQuality {
    fn look(&self, sentence: &str, counts: &mut Counts) {
        let (mut chars, mut technical) = (0_u64, 0_u64);
        for &byte in sentence.as_bytes() {
            chars += u64::from(byte & 0xc0 != 0x80);
            technical += u64::from(matches!(byte, b'0'..=b'9' | b'{' | b'}' | b'+' | b'/' | b'(' | b')' | b'>'));
        }
        let abnormal_length = chars < self.config.min_chars || chars > self.config.max_chars;
        let technical = technical as f64 > self.config.max_technical * chars as f64;
        let capitalised = self.is_list(sentence);
        let cursed = self.substrings.is_match(sentence) || self.patterns.is_match(sentence);
        counts.sentences += 1;
        counts.abnormal_length += u64::from(abnormal_length);
        counts.technical += u64::from(technical);
        counts.capitalised += u64::from(capitalised);
        counts.cursed += u64::from(cursed);
        counts.questionable += u64::from(abnormal_length || technical || capitalised || cursed);
    }

    fn is_list(&self, sentence: &str) -> bool {
        // Words that begin with a capital are no more than the capitals, and there must be as many as of the fewest
        // words: hardly a sentence gets past that.
        let capitals = match sentence.is_ascii() {
            true => sentence.bytes().filter(u8::is_ascii_uppercase).count(),
            false => sentence.chars().filter(|c| c.is_uppercase()).count(),
        };
        if capitals as f64 <= self.config.max_capitalised * self.config.min_list_words as f64 {
            return false;
        }
        let (mut words, mut capitals) = (0_u64, 0_u64);
        for word in sentence.unicode_words() {
            words += 1;
            capitals += u64::from(word.starts_with(char::is_uppercase));
        }
        words >= self.config.min_list_words && capitals as f64 > self.config.max_capitalised * words as f64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn profile(name: &str) -> MadladQuality {
        let profile = MadladQuality::PROFILES.iter().find(|profile| profile.name == name).unwrap();
        MadladQuality::new(toml::from_str(profile.settings).unwrap(), &mut Setup::default()).unwrap()
    }

    fn judged(name: &str, text: &str) -> Verdict {
        Filter::judge(&profile(name), &profile(name).measure(&text.into()))
    }

    /// What makes one sentence questionable: list, length, technical, cursed.
    fn looked(sentence: &str) -> [u64; 4] {
        let mut counts = Counts::default();
        profile("paper").look(sentence, &mut counts);
        [counts.capitalised, counts.abnormal_length, counts.technical, counts.cursed]
    }

    const SENTENCE: &str = "The river runs past old mills. ";

    #[test]
    fn documents_of_sentences_are_kept_and_each_fault_has_its_reason() {
        for name in ["paper", "olmo3"] {
            assert_eq!(judged(name, ""), Verdict::Drop("too_few_sentences"));
            assert_eq!(judged(name, &SENTENCE.repeat(4)), Verdict::Drop("too_few_sentences"));
            assert_eq!(judged(name, &SENTENCE.repeat(5)), Verdict::Keep);
            let cursed = SENTENCE.repeat(4) + &"Please see our Facebook page here. ".repeat(2);
            assert_eq!(judged(name, &cursed), Verdict::Drop("too_many_questionable_sentences"));
        }
    }

    #[test]
    fn a_fifth_is_not_too_many_but_for_olmo3() {
        let text = SENTENCE.repeat(4) + "Please see our Facebook page here.";
        assert_eq!(judged("paper", &text), Verdict::Keep);
        assert_eq!(judged("olmo3", &text), Verdict::Drop("too_many_questionable_sentences"));
        assert_eq!(judged("olmo3", &(SENTENCE.to_owned() + &text)), Verdict::Keep);
    }

    #[test]
    fn bounds_of_a_sentence_are_inclusive() {
        assert_eq!(looked("A plain sentence of words."), [0; 4]);
        let list = |capitals: usize, words: usize| "Wordy ".repeat(capitals) + &"wordy ".repeat(words - capitals);
        assert_eq!(looked(&list(6, 12)), [0; 4]);
        assert_eq!(looked(&list(7, 12)), [1, 0, 0, 0]);
        assert_eq!(looked(&list(11, 11)), [0; 4], "too few words for a list");
        assert_eq!(looked(&"wordy".repeat(4)), [0; 4]);
        assert_eq!(looked(&"x".repeat(19)), [0, 1, 0, 0]);
        assert_eq!(looked(&"x".repeat(500)), [0; 4]);
        assert_eq!(looked(&"x".repeat(501)), [0, 1, 0, 0]);
        assert_eq!(looked("letters of text 1(2}"), [0; 4], "four of twenty characters");
        assert_eq!(looked("letters of tex+ 1(2}"), [0, 0, 1, 0]);
    }

    #[test]
    fn cursed_strings_and_patterns_are_found() {
        for sentence in [
            "Click here to Download this.",
            "The end of a table row here | ",
            "Lists of A B C D E F G H I letters",
            "Codes such as these, US, UK, FR, DE, and so on",
            "one two tre for fiv six sev eig nin ten",
            "Lorem ipsum dolor sit amet here",
        ] {
            assert_eq!(looked(sentence)[3], 1, "{sentence}");
        }
    }

    #[test]
    fn chinese_sentences_need_no_white_space() {
        let text = "这条河发源于群山之中，离海很远，穿过田野和城镇。".repeat(5);
        assert_eq!(judged("paper", &text), Verdict::Keep);
        assert_eq!(judged("olmo3", &text), Verdict::Drop("too_few_sentences"));
    }

    #[test]
    fn settings_that_cannot_be_are_refused() {
        let refused = |settings: &str| {
            MadladQuality::new(toml::from_str(settings).unwrap(), &mut Setup::default()).err().unwrap().setting
        };
        assert_eq!(refused("cursed_patterns = ['(']"), Some("cursed_patterns"));
        assert_eq!(refused("cursed_substrings = ['']"), Some("cursed_substrings"));
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for text in [
            ".".repeat(200_000),
            ". ".repeat(100_000),
            "| ".repeat(100_000),
            " a".repeat(100_000),
            "A, ".repeat(60_000),
            ".".to_owned() + &")".repeat(200_000),
            "a.".to_owned() + &" ".repeat(200_000),
            (".".to_owned() + &"”".repeat(60) + &"1".repeat(1_000)).repeat(100),
        ] {
            judged("paper", &text);
            judged("olmo3", &text);
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    /// One look at a time, as MADLAD describes them.
    fn plain_look(filter: &MadladQuality, sentence: &str) -> [u64; 4] {
        let config = &filter.config;
        let words: Vec<&str> = sentence.unicode_words().collect();
        let capitals = words.iter().filter(|word| word.starts_with(char::is_uppercase)).count() as f64;
        let list =
            words.len() as u64 >= config.min_list_words && capitals > config.max_capitalised * words.len() as f64;
        let chars = sentence.chars().count();
        let technical = sentence.chars().filter(|c| "0123456789{}+/()>".contains(*c)).count() as f64;
        let cursed = config.cursed_substrings.iter().any(|curse| sentence.contains(curse))
            || config.cursed_patterns.iter().any(|curse| Regex::new(curse).unwrap().is_match(sentence));
        let length = (chars as u64) < config.min_chars || chars as u64 > config.max_chars;
        [list, length, technical > config.max_technical * chars as f64, cursed].map(u64::from)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_sentence_is_what_plain_code_says(
            sentence in "((Wo|wo|É|字|1|\\|| a| nr\\.| г\\.|, US|mp3|\\.\\.\\.|[(/>}]| |,){0,40})|([A-Za-z]{1,3} ){10,14}"
        ) {
            let filter = profile("paper");
            let mut counts = Counts::default();
            filter.look(&sentence, &mut counts);
            let looked = [counts.capitalised, counts.abnormal_length, counts.technical, counts.cursed];
            prop_assert_eq!(looked, plain_look(&filter, &sentence));
            prop_assert_eq!(counts.questionable, u64::from(looked.contains(&1)));
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(a|字|\\.|!|\\?| |\n|\u{3000}){0,24}|\\PC{0,40}") {
            judged("paper", &text);
            judged("olmo3", &text);
        }
    }
}
