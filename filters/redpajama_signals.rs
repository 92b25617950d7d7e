//! Measures the quality signals of RedPajama-V2 and keeps every document.
//!
//! Decisions are those of togethercomputer/RedPajama-Data (855a8e0; `app/src/core/quality_signals/`), and so
//! are the names, spelling included. Raw words are those of NLTK's `WordPunctTokenizer`; normalised ones lie
//! between white space once punctuation of ASCII is gone, in lower case, decomposed (NFD). Theirs are
//! rounded to eight places, these are not. What a signal has for each line (`rps_lines_…`) is here its
//! mean over the lines, and the sum for `rps_lines_javascript_counts`.
//!
//! Not here: the signals of classifiers and importance weights, which need their models; `ccnet_…`, which
//! come from CCNet; `rps_doc_ut1_blacklist`, since a filter here sees the text alone. Stop words are the
//! English ones. `rps_doc_ldnoobw_words` is measured where lists are given.
//!
//! | setting     | default | source                                                                            |
//! |-------------|---------|-----------------------------------------------------------------------------------|
//! | `bad_words` | none    | files and folders of words and phrases, one a line; RedPajama-V2: LDNOOBW          |

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::list::{self, Malformed};
use crate::kit::python::{is_numeric, is_space, is_upper, split};
use crate::kit::{
    Filter, REDPAJAMA_BULLETS, Setup, Step, Text, Verdict, Without, Words, Wrong, is_lower_stop_word, kind, share,
    with_normal, with_repeated_runs,
};

/// Settings of [`RedpajamaSignals`].
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Files, and folders of files, with words and phrases, one a line, in lower case.
    #[schemars(inner(length(min = 1)))]
    pub bad_words: Vec<String>,
}

crate::measures! {
    /// What [`RedpajamaSignals`] measures.
    pub struct Measure {
        /// Normalised words.
        rps_doc_word_count,
        /// Mean length of a normalised word, in characters.
        rps_doc_mean_word_length,
        /// `#`, `...` and `…` for each raw word.
        rps_doc_symbol_to_word_ratio,
        /// Share of lines that end with `...` or `…`.
        rps_doc_frac_lines_end_with_ellipsis,
        /// Share of raw words without a letter from a to z.
        rps_doc_frac_no_alph_words,
        /// Share of normalised words that differ from each other.
        rps_doc_frac_unique_words,
        /// Entropy of normalised words, in nats.
        rps_doc_unigram_entropy,
        /// Share of raw words in capitals.
        rps_doc_frac_all_caps_words,
        /// Sentences, by `.`, `!` and `?`.
        rps_doc_num_sentences,
        /// Share of raw words that are stop words in lower case.
        rps_doc_stop_word_fraction,
        /// `lorem ipsum` for each normalised character.
        rps_doc_lorem_ipsum,
        /// `{` and `}` for each character.
        rps_doc_curly_bracket,
        /// Words and phrases of the lists.
        rps_doc_ldnoobw_words,
        /// Share of normalised characters in the most frequent run of 2 words.
        rps_doc_frac_chars_top_2gram,
        /// The same of 3 words.
        rps_doc_frac_chars_top_3gram,
        /// The same of 4 words.
        rps_doc_frac_chars_top_4gram,
        /// Share of normalised characters in runs of 5 words that occur twice.
        rps_doc_frac_chars_dupe_5grams,
        /// The same of 6 words.
        rps_doc_frac_chars_dupe_6grams,
        /// The same of 7 words.
        rps_doc_frac_chars_dupe_7grams,
        /// The same of 8 words.
        rps_doc_frac_chars_dupe_8grams,
        /// The same of 9 words.
        rps_doc_frac_chars_dupe_9grams,
        /// The same of 10 words.
        rps_doc_frac_chars_dupe_10grams,
        /// Words `javascript` on all lines.
        rps_lines_javascript_counts,
        /// Share of lines that end with `.`, `!`, `?` or `”`.
        rps_lines_ending_with_terminal_punctution_mark,
        /// Mean of a line's normalised words.
        rps_lines_num_words,
        /// Mean of a line's share of capitals.
        rps_lines_uppercase_letter_fraction,
        /// Mean of a line's share of numbers among normalised characters.
        rps_lines_numerical_chars_fraction,
        /// Share of lines that begin with a bullet.
        rps_lines_start_with_bulletpoint,
    }
}

/// See the words at the top of this file.
pub struct RedpajamaSignals {
    bad_words: HashSet<String>,
    /// In how many words the bad ones come.
    lengths: BTreeSet<usize>,
}

impl Step for RedpajamaSignals {
    const NAME: &'static str = "redpajama_signals";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("redpajama_signals.rs");
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, setup: &mut Setup) -> Result<Self, Wrong> {
        let mut bad_words = HashSet::new();
        for named in &config.bad_words {
            let mut some = false;
            for path in setup.files_in("bad_words", std::slice::from_ref(named))? {
                for word in list::read("bad_words", &path)?.lines().map(str::trim).filter(|word| !word.is_empty()) {
                    some = true;
                    bad_words.insert(word.to_owned());
                }
            }
            if !some {
                return Err(Malformed::Empty.wrong("bad_words", Path::new(named)));
            }
        }
        let lengths = bad_words.iter().map(|word| word.matches(' ').count() + 1).collect();
        Ok(RedpajamaSignals { bad_words, lengths })
    }
}

impl Filter for RedpajamaSignals {
    type Measure = Measure;

    fn measure(&self, text: &Text) -> Measure {
        let of = |part: usize, whole: usize| share(part as u64, whole as u64);
        let (mut raw, mut alphabetic, mut capitals, mut stop_words) = (0, 0, 0, 0);
        for word in text.words(Words::Wordpunct) {
            raw += 1;
            alphabetic += usize::from(word.bytes().any(|byte| byte.is_ascii_alphabetic()));
            capitals += usize::from(is_upper(word));
            stop_words += usize::from(is_lower_stop_word(word));
        }
        let bytes = text.as_bytes();
        let symbols = text.marks().all();
        let curly = memchr::memchr2_iter(b'{', b'}', bytes).count();
        let mut measure = Measure {
            rps_doc_symbol_to_word_ratio: of(symbols, raw),
            rps_doc_frac_no_alph_words: (raw > 0).then(|| 1.0 - alphabetic as f64 / raw as f64),
            rps_doc_frac_all_caps_words: of(capitals, raw),
            rps_doc_num_sentences: Some(text.marked_sentences(false) as f64),
            rps_doc_curly_bracket: of(curly, text.char_count()).or(Some(0.0)),
            ..lines(text)
        };
        let normal = text.normal(Without::Ascii);
        let lorem = memchr::memmem::find_iter(normal.as_bytes(), "lorem ipsum").count();
        measure.rps_doc_lorem_ipsum = of(lorem, normal.chars().count()).or(Some(0.0));
        measure.rps_doc_ldnoobw_words = (!self.bad_words.is_empty()).then(|| self.bad(normal) as f64);
        with_repeated_runs(split(normal), |words| {
            let all = words.words();
            measure.rps_doc_word_count = Some(all as f64);
            measure.rps_doc_stop_word_fraction = if all == 0 { Some(0.0) } else { of(stop_words, raw) };
            measure.rps_doc_mean_word_length = of(words.chars(), all);
            measure.rps_doc_frac_unique_words = of(words.distinct(), all);
            if all > 0 {
                let mut entropy = 0.0;
                // A word that occurs n times is met n times, each time with one n-th of its part.
                words.counts(|times| entropy -= (f64::from(times) / all as f64).ln() / all as f64);
                measure.rps_doc_unigram_entropy = Some(entropy);
            }
            let share = |chars: usize, words: usize| of(chars, words).or(Some(0.0));
            let chars = words.chars();
            measure.rps_doc_frac_chars_top_2gram = share(words.top(2), chars);
            measure.rps_doc_frac_chars_top_3gram = share(words.top(3), chars);
            measure.rps_doc_frac_chars_top_4gram = share(words.top(4), chars);
            measure.rps_doc_frac_chars_dupe_5grams = share(words.covered(5), chars);
            measure.rps_doc_frac_chars_dupe_6grams = share(words.covered(6), chars);
            measure.rps_doc_frac_chars_dupe_7grams = share(words.covered(7), chars);
            measure.rps_doc_frac_chars_dupe_8grams = share(words.covered(8), chars);
            measure.rps_doc_frac_chars_dupe_9grams = share(words.covered(9), chars);
            measure.rps_doc_frac_chars_dupe_10grams = share(words.covered(10), chars);
        });
        measure
    }

    fn judge(&self, _: &Measure) -> Verdict {
        Verdict::Keep
    }
}

impl RedpajamaSignals {
    /// Runs of words that are on the lists. Normalised words have one space between them.
    fn bad(&self, normal: &str) -> usize {
        let starts: Vec<usize> =
            std::iter::once(0).chain(memchr::memchr_iter(b' ', normal.as_bytes()).map(|at| at + 1)).collect();
        let end = |word: usize| starts.get(word + 1).map_or(normal.len(), |next| next - 1);
        let longest = self.bad_words.iter().map(String::len).max().unwrap_or(0);
        let mut found = 0;
        for &length in &self.lengths {
            for first in 0..(starts.len() + 1).saturating_sub(length) {
                let run = &normal[starts[first]..end(first + length - 1)];
                found += usize::from(run.len() <= longest && self.bad_words.contains(run));
            }
        }
        found
    }
}

/// The signals about lines. A line ends with its `\n`, as theirs do.
fn lines(text: &str) -> Measure {
    let (mut lines, mut ellipses, mut terminal, mut bullets, mut javascript, mut words) = (0, 0, 0, 0, 0, 0);
    let (mut uppercase, mut numerical) = (0.0, 0.0);
    for line in text.split_inclusive('\n') {
        lines += 1;
        let end = line.trim_end_matches(is_space);
        ellipses += usize::from(end.ends_with("...") || end.ends_with('…'));
        terminal += usize::from(end.ends_with(['.', '!', '?', '”']));
        bullets += usize::from(line.trim_start_matches(is_space).starts_with(REDPAJAMA_BULLETS));
        let (mut chars, mut capitals) = (0, 0);
        for c in line.chars() {
            chars += 1;
            capitals += usize::from(c.is_uppercase());
        }
        uppercase += capitals as f64 / chars as f64;
        with_normal(line, Without::Ascii, |normal| {
            for word in split(normal) {
                words += 1;
                javascript += usize::from(word == "javascript");
            }
            let (mut chars, mut numbers) = (0, 0);
            for c in normal.chars() {
                chars += 1;
                numbers += usize::from(is_numeric(c));
            }
            numerical += if chars > 0 { numbers as f64 / chars as f64 } else { 0.0 };
        });
    }
    let mean = |sum: f64| (lines > 0).then(|| sum / lines as f64);
    Measure {
        rps_doc_frac_lines_end_with_ellipsis: mean(ellipses as f64),
        rps_lines_javascript_counts: Some(javascript as f64),
        rps_lines_ending_with_terminal_punctution_mark: mean(terminal as f64),
        rps_lines_num_words: mean(words as f64),
        rps_lines_uppercase_letter_fraction: mean(uppercase),
        rps_lines_numerical_chars_fraction: mean(numerical),
        rps_lines_start_with_bulletpoint: mean(bullets as f64),
        ..Measure::default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kit::Measures;

    fn built() -> RedpajamaSignals {
        RedpajamaSignals::new(Config::default(), &mut Setup::default()).unwrap()
    }

    #[test]
    fn signals_are_those_of_redpajama() {
        // RedPajama-Data 855a8e0; written by tests/conformance/redpajama/judge.py --golden.
        for line in include_str!("golden/redpajama.jsonl").lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let filter =
                RedpajamaSignals { bad_words: ["fool", "old river"].map(str::to_owned).into(), lengths: [1, 2].into() };
            let mut slots = [0.0; Measure::INFO.len()];
            let measure = filter.measure(&row["text"].as_str().unwrap().into());
            measure.store(&mut slots);
            for (info, found) in Measure::INFO.iter().zip(slots) {
                let wanted = row["signals"][info.name].as_f64().unwrap_or(f64::NAN);
                let close = (wanted - found).abs() < 2e-8 || wanted.is_nan() && found.is_nan();
                assert!(close, "{}: {wanted} there, {found} here\n{line}", info.name);
            }
            assert_eq!(filter.judge(&measure), Verdict::Keep);
        }
    }

    #[test]
    fn lists_are_read_from_files() {
        let folder = std::env::temp_dir().join(format!("redpajama-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("en.txt"), "fool\nold river \n\n").unwrap();
        let config = Config { bad_words: vec![folder.display().to_string()] };
        let filter = RedpajamaSignals::new(config, &mut Setup::default()).unwrap();
        let measure = filter.measure(&"A Fool, by the old\nriver: fools!".into());
        assert_eq!(measure.rps_doc_ldnoobw_words, Some(2.0));
        std::fs::write(folder.join("en.txt"), "\n").unwrap();
        let config = Config { bad_words: vec![folder.display().to_string()] };
        let wrong = RedpajamaSignals::new(config, &mut Setup::default()).err().unwrap();
        assert!(wrong.what.ends_with("it lists nothing"), "{}", wrong.what);
        std::fs::remove_dir_all(folder).unwrap();
        assert_eq!(built().measure(&"fool".into()).rps_doc_ldnoobw_words, None);
    }

    #[test]
    fn chinese_is_one_word_between_spaces() {
        let measure = built().measure(&"这条河，离海很远。\n三".into());
        assert_eq!((measure.rps_doc_word_count, measure.rps_doc_mean_word_length), (Some(2.0), Some(5.0)));
        assert_eq!(measure.rps_lines_numerical_chars_fraction, Some(0.5));
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for piece in ["\n", "a\n", "x", "A.", "... ", "中", "é", "{", "lorem ipsum "] {
            built().measure(&piece.repeat(100_000 / piece.len()).as_str().into());
        }
        assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*|[a.\n中 -]*") {
            built().measure(&text.as_str().into());
        }
    }
}
