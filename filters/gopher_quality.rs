//! Drops documents that do not look like prose: too short, odd words, symbols, bullets, no stop words.
//!
//! The quality rules of Gopher, with the decisions of datatrove 0.10: words are cut as spaCy does,
//! lengths are in characters, and a rule about words that are no mere symbols is one about words with
//! a character outside datatrove's punctuation. Where the paper says *two stop words*, distinct ones
//! are meant, and case counts.
//!
//! | setting                    | default | source                                           |
//! |----------------------------|---------|--------------------------------------------------|
//! | `min_words`                | 50      | Gopher, arXiv:2112.11446, app. A.1.1             |
//! | `max_words`                | 100000  | same                                             |
//! | `min_mean_chars`           | 3.0     | same                                             |
//! | `max_mean_chars`           | 10.0    | same                                             |
//! | `max_hashes_per_word`      | 0.1     | same                                             |
//! | `max_ellipses_per_word`    | 0.1     | same                                             |
//! | `max_bullet_lines`         | 0.9     | same                                             |
//! | `max_ellipsis_lines`       | 0.3     | same                                             |
//! | `min_alphabetic_words`     | 0.8     | same                                             |
//! | `min_stop_words`           | 2       | same                                             |
//! | `stop_words`               | the, be, to, of, and, that, have, with | same              |
//! | `words`                    | english | datatrove 0.10: spaCy; `chinese` is jieba        |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Filter, Profile, Setup, Step, Text, Verdict, Words, Wrong, is_symbol, kind};

/// Settings of [`GopherQuality`]. Shares lie between 0 and 1.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Fewest words that are no mere symbols.
    pub min_words: u64,
    /// Most words that are no mere symbols.
    pub max_words: u64,
    /// Shortest mean length of those words, in characters.
    pub min_mean_chars: f64,
    /// Longest mean length of those words, in characters.
    pub max_mean_chars: f64,
    /// Most `#` for each word.
    pub max_hashes_per_word: f64,
    /// Most `...` and `…` for each word.
    pub max_ellipses_per_word: f64,
    /// Largest share of lines that begin with `•` or `-`.
    pub max_bullet_lines: f64,
    /// Largest share of lines that end with `...` or `…`.
    pub max_ellipsis_lines: f64,
    /// Smallest share of words with a letter, symbols counted as words.
    pub min_alphabetic_words: f64,
    /// Fewest distinct stop words.
    pub min_stop_words: u64,
    /// The stop words, in the case they are looked for.
    pub stop_words: Vec<String>,
    /// How words are cut.
    pub words: Words,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            min_words: 50,
            max_words: 100_000,
            min_mean_chars: 3.0,
            max_mean_chars: 10.0,
            max_hashes_per_word: 0.1,
            max_ellipses_per_word: 0.1,
            max_bullet_lines: 0.9,
            max_ellipsis_lines: 0.3,
            min_alphabetic_words: 0.8,
            min_stop_words: 2,
            stop_words: ["the", "be", "to", "of", "and", "that", "have", "with"].map(str::to_owned).to_vec(),
            words: Words::English,
        }
    }
}

crate::measures! {
    /// What [`GopherQuality`] measures.
    pub struct Measure {
        /// Words that are no mere symbols.
        words,
        /// Mean length of those words, in characters.
        mean_word_chars,
        /// `#` for each word.
        hashes_per_word,
        /// `...` and `…` for each word.
        ellipses_per_word,
        /// Share of lines that begin with a bullet.
        bullet_lines,
        /// Share of lines that end with an ellipsis.
        ellipsis_lines,
        /// Share of words with a letter.
        alphabetic_words,
        /// Distinct stop words.
        stop_words,
    }
}

/// See the words at the top of this file.
pub struct GopherQuality {
    config: Config,
    /// The stop words as numbers, longer ones as their first bytes: most words are told apart by that.
    stop_heads: Vec<u64>,
    /// Their lengths, one bit each.
    stop_lengths: u64,
}

impl Step for GopherQuality {
    const NAME: &'static str = "gopher_quality";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("gopher_quality.rs");
    const PROFILES: &'static [Profile] = &[Profile {
        name: "datatrove",
        settings: "",
        about: "`GopherQualityFilter` of datatrove 0.10: words as spaCy cuts them, lengths in characters.",
    }];
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        if config.min_words > config.max_words {
            return Err(Wrong::setting("min_words", "`min_words` is above `max_words`: nothing would be kept"));
        }
        if config.min_mean_chars > config.max_mean_chars {
            return Err(Wrong::setting(
                "min_mean_chars",
                "`min_mean_chars` is above `max_mean_chars`: nothing would be kept",
            ));
        }
        if config.min_stop_words > config.stop_words.len() as u64 || config.stop_words.len() > 64 {
            let what =
                format!("{} of {} stop words: nothing would be kept", config.min_stop_words, config.stop_words.len());
            return Err(
                Wrong::setting("min_stop_words", what).help("give at most 64 `stop_words`, and ask for fewer of them")
            );
        }
        let stop_lengths = config.stop_words.iter().fold(0, |bits, word| bits | 1 << word.len().min(63));
        let stop_heads = config.stop_words.iter().map(|word| head(word)).collect();
        Ok(GopherQuality { config, stop_heads, stop_lengths })
    }
}

impl Filter for GopherQuality {
    type Measure = Measure;

    fn measure(&self, text: &Text) -> Measure {
        let words = text.words(self.config.words);
        let all = words.len() as f64;
        let (mut wordly, mut chars, mut alphabetic, mut stop_words) = (0_u64, 0_u64, 0_u64, 0_u64);
        for word in words {
            let (length, letter, symbols) = look(word);
            if !symbols {
                wordly += 1;
                chars += length;
            }
            alphabetic += u64::from(letter);
            if self.stop_lengths >> word.len().min(63) & 1 == 1 {
                let head = head(word);
                for (number, _) in self.stop_heads.iter().enumerate().filter(|(_, stop)| **stop == head) {
                    if self.config.stop_words[number] == word {
                        stop_words |= 1 << number;
                    }
                }
            }
        }
        let (mut lines, mut bullets, mut ellipses) = (0_u64, 0_u64, 0_u64);
        for line in text.lines() {
            lines += 1;
            bullets += u64::from(line.trim_start().starts_with(['•', '-']));
            let end = line.trim_end();
            ellipses += u64::from(end.ends_with("...") || end.ends_with('…'));
        }
        let hashes = memchr::memchr_iter(b'#', text.as_bytes()).count();
        let of = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        Measure {
            words: Some(wordly as f64),
            mean_word_chars: of(chars as f64, wordly as f64),
            hashes_per_word: of(hashes as f64, all),
            ellipses_per_word: of(count_ellipses(text) as f64, all),
            bullet_lines: of(bullets as f64, lines as f64),
            ellipsis_lines: of(ellipses as f64, lines as f64),
            alphabetic_words: of(alphabetic as f64, all),
            stop_words: Some(f64::from(stop_words.count_ones())),
        }
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        let Config { min_mean_chars, max_mean_chars, .. } = self.config;
        let words = measure.words.unwrap_or(0.0);
        let above = |measure: Option<f64>, max: f64| measure.is_some_and(|measure| measure > max);
        let below = |measure: Option<f64>, min: f64| measure.is_some_and(|measure| measure < min);
        match () {
            () if words < self.config.min_words as f64 => Verdict::Drop("too_few_words"),
            () if words > self.config.max_words as f64 => Verdict::Drop("too_many_words"),
            () if below(measure.mean_word_chars, min_mean_chars) => Verdict::Drop("words_too_short"),
            () if above(measure.mean_word_chars, max_mean_chars) => Verdict::Drop("words_too_long"),
            () if above(measure.hashes_per_word, self.config.max_hashes_per_word) => Verdict::Drop("too_many_hashes"),
            () if above(measure.ellipses_per_word, self.config.max_ellipses_per_word) => {
                Verdict::Drop("too_many_ellipses")
            }
            () if above(measure.bullet_lines, self.config.max_bullet_lines) => Verdict::Drop("too_many_bullet_lines"),
            () if above(measure.ellipsis_lines, self.config.max_ellipsis_lines) => {
                Verdict::Drop("too_many_ellipsis_lines")
            }
            () if below(measure.alphabetic_words, self.config.min_alphabetic_words) => {
                Verdict::Drop("too_few_alphabetic_words")
            }
            () if below(measure.stop_words, self.config.min_stop_words as f64) => Verdict::Drop("too_few_stop_words"),
            () => Verdict::Keep,
        }
    }

    fn reasons(&self) -> &'static [&'static str] {
        &[
            "too_few_words",
            "too_many_words",
            "words_too_short",
            "words_too_long",
            "too_many_hashes",
            "too_many_ellipses",
            "too_many_bullet_lines",
            "too_many_ellipsis_lines",
            "too_few_alphabetic_words",
            "too_few_stop_words",
        ]
    }
}

/// The first bytes of a word as a number.
fn head(word: &str) -> u64 {
    word.bytes().take(8).fold(0, |head, byte| head << 8 | u64::from(byte))
}

/// A word's characters, whether one is a letter, and whether all are symbols.
fn look(word: &str) -> (u64, bool, bool) {
    if word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return (word.len() as u64, true, false); // nine words of ten
    }
    let (mut length, mut letter, mut symbols) = (0, false, true);
    for c in word.chars() {
        length += 1;
        letter |= c.is_alphabetic();
        symbols &= is_symbol(c);
    }
    (length, letter, symbols)
}

/// `...` without overlap, and `…`.
fn count_ellipses(text: &str) -> usize {
    memchr::memmem::find_iter(text.as_bytes(), "...").count() + memchr::memmem::find_iter(text.as_bytes(), "…").count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str) -> Verdict {
        let filter = GopherQuality::new(Config::default(), &mut Setup::default()).unwrap();
        Filter::judge(&filter, &filter.measure(&text.into()))
    }

    const PROSE: &str = "the river and the town that lie beside it have a long history with many floods ";

    #[test]
    fn prose_is_kept_and_each_fault_has_its_reason() {
        let prose = PROSE.repeat(4);
        assert_eq!(judged(&prose), Verdict::Keep);
        for (text, reason) in [
            (PROSE.to_owned(), "too_few_words"),
            (String::new(), "too_few_words"),
            ("the a of to be ".repeat(20), "words_too_short"),
            ("the incomprehensibilities of institutionalization ".repeat(20), "words_too_long"),
            (prose.clone() + &"# ".repeat(20), "too_many_hashes"),
            (prose.clone() + &"... a ".repeat(20), "too_many_ellipses"),
            (prose.replace("the ", "\n- the ").trim().to_owned(), "too_many_bullet_lines"),
            (prose.replace("history ", "history…\n"), "too_many_ellipsis_lines"),
            (prose.clone() + &"123 ".repeat(40), "too_few_alphabetic_words"),
            ("river town history floods ".repeat(20), "too_few_stop_words"),
            ("the river of towns ".repeat(30_000), "too_many_words"),
        ] {
            assert_eq!(judged(&text), Verdict::Drop(reason), "{}", &text[..text.len().min(60)]);
        }
    }

    #[test]
    fn bounds_are_inclusive() {
        let filter = GopherQuality::new(Config::default(), &mut Setup::default()).unwrap();
        let bound = Measure {
            words: Some(50.0),
            mean_word_chars: Some(3.0),
            hashes_per_word: Some(0.1),
            ellipses_per_word: Some(0.1),
            bullet_lines: Some(0.9),
            ellipsis_lines: Some(0.3),
            alphabetic_words: Some(0.8),
            stop_words: Some(2.0),
        };
        assert_eq!(Filter::judge(&filter, &bound), Verdict::Keep);
        assert_eq!(Filter::judge(&filter, &Measure { words: Some(49.0), ..bound }), Verdict::Drop("too_few_words"));
        assert_eq!(
            Filter::judge(&filter, &Measure { mean_word_chars: Some(10.001), ..bound }),
            Verdict::Drop("words_too_long")
        );
    }

    #[test]
    fn chinese_words_are_counted_as_words() {
        let config = Config {
            words: Words::Chinese,
            min_stop_words: 0,
            min_mean_chars: 1.0,
            min_alphabetic_words: 0.7,
            min_words: 10,
            ..Config::default()
        };
        let filter = GopherQuality::new(config, &mut Setup::default()).unwrap();
        let measure = filter.measure(&"这条河发源于群山之中，离海很远，穿过田野、城镇和沼泽，最后流入大海。".into());
        assert!(measure.words.unwrap() > 12.0, "{measure:?}");
        assert_eq!(Filter::judge(&filter, &measure), Verdict::Keep);
    }
}
