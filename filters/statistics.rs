//! Measures what WanJuan-CC publishes of itself, and keeps every document.
//!
//! The nine histograms of its repository (`readme_pic/statistics_signal.png`; arXiv:2402.19282): content
//! length, line number, token length, non-alpha fraction, unique-word fraction, mean word length, sentence
//! number, stop-word fraction and symbol-to-word ratio. It gives their names and no definitions; those
//! here are RedPajama-V2's signals of the same names, made fit for Chinese: a letter is one of any script,
//! and a sentence ends with `.`, `!`, `?` or their like in other scripts, `。` among them. The report lists all nine for the documents that are kept, and draws them.
//!
//! For Chinese: `words = "chinese"`, and `stop_words` such as 的, 是, 在.
//!
//! | setting      | default       | source                                                                  |
//! |--------------|---------------|-------------------------------------------------------------------------|
//! | `words`      | wordpunct     | RedPajama-V2, `document.py`: raw words                                  |
//! | `stop_words` | 570 English words | same, `stop_words.py`, from stopwords-json; looked for in lower case |
//! | `tokenizer`  | `wanjuan-12k` | a `tokenizer.json`, or the small one that comes along; WanJuan-CC's own is not named |

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_models::tokenizer::{BUILT_IN, Tokenizer};
use xxhash_rust::xxh3::{Xxh3DefaultBuilder, xxh3_64};

use crate::kit::python::is_letter;
use crate::kit::{Filter, Setup, Step, Text, Verdict, Words, Wrong, is_stop_word, kind, repeats, share, tokenizer};

/// Settings of [`Statistics`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How words are cut.
    pub words: Words,
    /// The stop words, in lower case; none for the English ones that come along.
    #[schemars(inner(length(min = 1)))]
    pub stop_words: Vec<String>,
    /// A `tokenizer.json`, the name of the one that comes along, or nothing to leave tokens uncounted.
    pub tokenizer: String,
}

impl Default for Config {
    fn default() -> Config {
        Config { words: Words::Wordpunct, stop_words: Vec::new(), tokenizer: BUILT_IN.into() }
    }
}

crate::measures! {
    /// What [`Statistics`] measures.
    pub struct Measure {
        /// Content length, in characters.
        content_chars,
        /// Line number: lines that are not empty.
        lines,
        /// Token length: tokens of the text.
        tokens,
        /// Non-alpha fraction: share of words without a letter, marks counted as words.
        non_alphabetic_words,
        /// Unique-word fraction: share of words that differ from each other, whatever their case.
        unique_words,
        /// Mean word length, in characters; marks are no words.
        mean_word_chars,
        /// Sentence number.
        sentences,
        /// Stop-word fraction: share of words that are stop words, marks counted as words.
        stop_words,
        /// Symbol-to-word ratio: `#`, `...` and `…` for each word, marks counted as words.
        symbols_per_word,
    }
}

/// See the words at the top of this file.
pub struct Statistics {
    config: Config,
    stop_words: HashSet<u64, Xxh3DefaultBuilder>,
    tokenizer: Option<Tokenizer>,
}

impl Step for Statistics {
    const NAME: &'static str = "statistics";
    const VERSION: u32 = 5;
    const WORDS: &'static str = include_str!("statistics.rs");
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, setup: &mut Setup) -> Result<Self, Wrong> {
        let tokenizer = match config.tokenizer.as_str() {
            "" => None,
            named => Some(tokenizer(named, setup)?),
        };
        let stop_words = config.stop_words.iter().map(|word| xxh3_64(word.as_bytes())).collect();
        Ok(Statistics { config, stop_words, tokenizer })
    }
}

impl Filter for Statistics {
    type Measure = Measure;

    fn measure(&self, text: &Text) -> Measure {
        let of = |part: usize, whole: usize| share(part as u64, whole as u64);
        let (mut all, mut wordly, mut chars, mut letters, mut stop_words) = (0, 0, 0, 0, 0);
        for word in text.words(self.config.words) {
            all += 1;
            if word.chars().any(char::is_alphanumeric) {
                wordly += 1;
                chars += word.chars().count();
                letters += usize::from(word.chars().any(is_letter));
                stop_words += usize::from(self.is_stop_word(word));
            }
        }
        let words = text.words(self.config.words).filter(|word| word.chars().any(char::is_alphanumeric));
        let distinct = if text.chars().any(char::is_uppercase) {
            let words = text.lower().words(self.config.words).filter(|word| word.chars().any(char::is_alphanumeric));
            let found = repeats(words);
            (found.elements - found.copies, found.elements)
        } else {
            let found = repeats(words);
            (found.elements - found.copies, found.elements)
        };
        let symbols = text.marks().all();
        let tokens = self.tokenizer.as_ref().and_then(|tokenizer| {
            let mut ids = Vec::new();
            tokenizer.encode(text, &mut ids).ok().map(|()| ids.len() as f64)
        });
        Measure {
            content_chars: Some(text.char_count() as f64),
            lines: Some(text.lines().filter(|line| !line.trim().is_empty()).count() as f64),
            tokens,
            non_alphabetic_words: of(all - letters, all),
            unique_words: of(distinct.0, distinct.1),
            mean_word_chars: of(chars, wordly),
            sentences: Some(sentences(text) as f64),
            stop_words: of(stop_words, all),
            symbols_per_word: of(symbols, all),
        }
    }

    fn judge(&self, _: &Measure) -> Verdict {
        Verdict::Keep
    }
}

impl Statistics {
    fn is_stop_word(&self, word: &str) -> bool {
        if self.config.stop_words.is_empty() {
            return is_stop_word(word);
        }
        let lower = word.chars().any(char::is_uppercase).then(|| word.to_lowercase());
        self.stop_words.contains(&xxh3_64(lower.as_deref().unwrap_or(word).as_bytes()))
    }
}

/// Stretches with a letter or digit that end with a mark. A full stop before a letter or digit is none.
fn sentences(text: &str) -> usize {
    let (mut sentences, mut open) = (0, false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let ends = match c {
            '.' => !characters.peek().is_some_and(|c| c.is_alphanumeric()),
            _ => matches!(c, '!' | '?' | '。' | '！' | '？' | '｡' | '…' | '؟' | '۔' | '।' | '॥'),
        };
        if ends {
            sentences += usize::from(open);
            open = false;
        } else {
            open |= c.is_alphanumeric();
        }
    }
    sentences + usize::from(open)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kit::Measures;

    fn built(config: Config) -> Statistics {
        Statistics::new(config, &mut Setup::default()).unwrap()
    }

    #[test]
    fn all_nine_are_measured_and_all_is_kept() {
        let filter = built(Config::default());
        let measure = filter.measure(&"The old river… the # 42.\n\nIt is the end.\n".into());
        assert_eq!((measure.content_chars, measure.lines, measure.sentences), (Some(41.0), Some(2.0), Some(3.0)));
        // The old river … the # 42 . It is the end . : eight with a letter, two marks of four are symbols.
        assert_eq!((measure.non_alphabetic_words, measure.symbols_per_word), (Some(5.0 / 13.0), Some(2.0 / 13.0)));
        assert_eq!((measure.unique_words, measure.mean_word_chars), (Some(7.0 / 9.0), Some(26.0 / 9.0)));
        assert_eq!(measure.stop_words, Some(6.0 / 13.0)); // the, old, the, it, is, the
        assert!(measure.tokens.is_some_and(|tokens| tokens > 9.0));
        assert_eq!(Filter::judge(&filter, &measure), Verdict::Keep);
        let mut slots = [0.0; Measure::INFO.len()];
        filter.measure(&"".into()).store(&mut slots);
        assert_eq!(slots[..3], [0.0; 3]);
    }

    #[test]
    fn chinese_has_its_words_and_its_stop_words() {
        let filter = built(Config {
            words: Words::Chinese,
            stop_words: ["的", "在"].map(str::to_owned).to_vec(),
            tokenizer: String::new(),
        });
        let measure = filter.measure(&"我们的家在河边。河边的树很高！".into());
        assert_eq!((measure.tokens, measure.sentences), (None, Some(2.0)));
        assert!(measure.stop_words.is_some_and(|share| share > 0.2 && share < 0.35), "{measure:?}");
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let filter = built(Config::default());
        let started = std::time::Instant::now();
        for piece in ["\n", "a\n", "x", "A", ".", "...", "a ", "中", "。"] {
            filter.measure(&piece.repeat(100_000 / piece.len()).as_str().into());
        }
        assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*") {
            built(Config { tokenizer: String::new(), ..Config::default() }).measure(&text.as_str().into());
        }
    }
}
