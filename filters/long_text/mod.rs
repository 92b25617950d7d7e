//! Measures whether a long text hangs together, and drops what is meaningless where thresholds are set.
//!
//! Cohesion and complexity in the sense of LongWanjuan, as far as they need no model: how much of the text
//! are connectives and pronouns, how many different words there are, how lines and commas fall, and how far
//! the text compresses. Every threshold is off by default: InternLM2 uses such statistics to drop the
//! meaningless, not to choose the best, and sets thresholds by domain and language. Texts shorter than
//! `min_bytes` are kept and not measured. Connectives and pronouns are counted in English and Chinese by
//! lists of our own, written from general knowledge (`words.rs`); the longest that fits is counted, and an
//! English one ends where a word ends. Shares are of characters that are not white space.
//!
//! | setting               | default | source                                                           |
//! |-----------------------|---------|------------------------------------------------------------------|
//! | `min_bytes`           | 32768   | InternLM2, arXiv:2403.17297, sec. 3.1.3: 32 KB                   |
//! | `min_connectives`     | 0.0     | LongWanjuan, arXiv:2402.13583: cohesion; thresholds unpublished  |
//! | `min_pronouns`        | 0.0     | same                                                             |
//! | `min_distinct_words`  | 0.0     | same: complexity; ours: mean over windows of 1000 words          |
//! | `max_distinct_words`  | 1.0     | ours: lists of names repeat no word                              |
//! | `min_mean_line_chars` | 0.0     | LongWanjuan's repository, `complexity/`: lines that are not blank |
//! | `max_mean_line_chars` | inf     | same                                                             |
//! | `min_commas`          | 0.0     | same: `,` and `，`                                               |
//! | `max_bars`            | 1.0     | same: `|`                                                        |
//! | `min_compressed`      | 0.0     | ours: length by zstd at level 3, as a share; low is repetition   |
//! | `max_compressed`      | inf     | ours: high is encoded data                                       |
//! | `words`               | english | `chinese` is jieba                                               |

mod words;

use std::cell::RefCell;
use std::cmp::Reverse;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::kit::{Filter, Reason, Setup, Step, Table, Text, Verdict, Words, Wrong, above, below, kind, share};

/// Settings of [`LongText`]. Shares lie between 0 and 1.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Shortest text that is measured, in bytes.
    pub min_bytes: u64,
    /// Smallest share of characters in connectives.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_connectives: f64,
    /// Smallest share of characters in pronouns.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_pronouns: f64,
    /// Smallest share of distinct words among a thousand.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_distinct_words: f64,
    /// Largest share of distinct words among a thousand.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_distinct_words: f64,
    /// Smallest mean length of a line that is not blank, in characters.
    pub min_mean_line_chars: f64,
    /// Largest mean length of a line that is not blank, in characters.
    pub max_mean_line_chars: f64,
    /// Smallest share of commas.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_commas: f64,
    /// Largest share of vertical bars.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_bars: f64,
    /// Smallest length when compressed, as a share of the bytes.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_compressed: f64,
    /// Largest length when compressed, as a share of the bytes.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_compressed: f64,
    /// How words are cut.
    pub words: Words,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            min_bytes: 32 << 10,
            min_connectives: 0.0,
            min_pronouns: 0.0,
            min_distinct_words: 0.0,
            max_distinct_words: 1.0,
            min_mean_line_chars: 0.0,
            max_mean_line_chars: f64::INFINITY,
            min_commas: 0.0,
            max_bars: 1.0,
            min_compressed: 0.0,
            max_compressed: f64::INFINITY,
            words: Words::English,
        }
    }
}

crate::measures! {
    /// What [`LongText`] measures of texts that are long enough.
    pub struct Measure {
        /// Share of characters in connectives.
        connectives,
        /// Share of characters in pronouns.
        pronouns,
        /// Mean share of distinct words, over windows of 1000 words.
        distinct_words,
        /// Mean length of a line that is not blank, in characters.
        mean_line_chars,
        /// Standard deviation of that length.
        line_chars_deviation,
        /// Share of commas.
        commas,
        /// Share of vertical bars.
        bars,
        /// Length when compressed, as a share of the bytes.
        compressed,
    }
}

/// See the words at the top of this file.
pub struct LongText {
    config: Config,
}

/// Words of a window in which distinct ones are counted.
const WINDOW: usize = 1000;

impl Step for LongText {
    const NAME: &'static str = "long_text";
    const VERSION: u32 = 2;
    const WORDS: &'static str = include_str!("mod.rs");
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(LongText { config })
    }
}

impl Filter for LongText {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::of("too_few_connectives", "min_connectives"),
        Reason::of("too_few_pronouns", "min_pronouns"),
        Reason::of("too_few_distinct_words", "min_distinct_words"),
        Reason::of("too_many_distinct_words", "max_distinct_words"),
        Reason::of("lines_too_short", "min_mean_line_chars"),
        Reason::of("lines_too_long", "max_mean_line_chars"),
        Reason::of("too_few_commas", "min_commas"),
        Reason::of("too_many_bars", "max_bars"),
        Reason::of("compresses_too_far", "min_compressed"),
        Reason::of("compresses_too_little", "max_compressed"),
    ];
    // Shorter texts are not measured.
    const MEASURING: &'static [&'static str] = &["min_bytes"];

    fn measure(&self, text: &Text) -> Measure {
        if (text.len() as u64) < self.config.min_bytes || text.trim_ascii().is_empty() {
            return Measure::default();
        }
        let bytes = text.as_bytes();
        let chars = text.char_count() as u64 - text.classes().white_space;
        let commas = memchr::memchr_iter(b',', bytes).count() + memchr::memmem::find_iter(bytes, "，").count();
        let bars = memchr::memchr_iter(b'|', bytes).count();
        let of = |part: u64| share(part, chars);
        let (connectives, pronouns) = listed_chars(text);
        let (mean, deviation) = line_lengths(text.feed_lines());
        Measure {
            connectives: of(connectives),
            pronouns: of(pronouns),
            distinct_words: distinct_words(text.words(self.config.words)),
            mean_line_chars: mean,
            line_chars_deviation: deviation,
            commas: of(commas as u64),
            bars: of(bars as u64),
            compressed: compressed(text).map(|length| length as f64 / text.len() as f64),
        }
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        let config = &self.config;
        match () {
            () if below(measure.connectives, config.min_connectives) => Verdict::Drop("too_few_connectives"),
            () if below(measure.pronouns, config.min_pronouns) => Verdict::Drop("too_few_pronouns"),
            () if below(measure.distinct_words, config.min_distinct_words) => Verdict::Drop("too_few_distinct_words"),
            () if above(measure.distinct_words, config.max_distinct_words) => Verdict::Drop("too_many_distinct_words"),
            () if below(measure.mean_line_chars, config.min_mean_line_chars) => Verdict::Drop("lines_too_short"),
            () if above(measure.mean_line_chars, config.max_mean_line_chars) => Verdict::Drop("lines_too_long"),
            () if below(measure.commas, config.min_commas) => Verdict::Drop("too_few_commas"),
            () if above(measure.bars, config.max_bars) => Verdict::Drop("too_many_bars"),
            () if below(measure.compressed, config.min_compressed) => Verdict::Drop("compresses_too_far"),
            () if above(measure.compressed, config.max_compressed) => Verdict::Drop("compresses_too_little"),
            () => Verdict::Keep,
        }
    }
}

/// Characters in connectives, and in pronouns, white space within them left out. Where listed words overlap, the
/// first counts, and of those that begin together the longest.
fn listed_chars(text: &str) -> (u64, u64) {
    static LISTS: LazyLock<AhoCorasick> = LazyLock::new(|| {
        AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(words::CONNECTIVES.iter().chain(words::PRONOUNS))
            .expect("a few hundred words make an automaton")
    });
    let is_word = |c: char| c == '_' || c.is_alphanumeric() && !('\u{2e80}'..='\u{9fff}').contains(&c);
    let longest = LISTS.max_pattern_len();
    let (mut counted, mut from) = ([0, 0], 0);
    // Words that overlap, until none that comes later can begin before them.
    let mut open: Vec<Listed> = Vec::new();
    let mut settle = |open: &mut Vec<Listed>, before: usize| {
        open.sort_unstable_by_key(|word| (word.start, Reverse(word.end)));
        let settled = open.iter().take_while(|word| word.start < before).count();
        for word in open.drain(..settled) {
            if word.start >= from {
                let chars = text[word.start..word.end].chars().filter(|c| !c.is_whitespace()).count();
                counted[usize::from(word.pronoun)] += chars as u64;
                from = word.end;
            }
        }
    };
    for found in LISTS.find_overlapping_iter(text) {
        let (start, end) = (found.start(), found.end());
        // A Chinese word may stand anywhere, an English one only between others.
        let inside = text[start..end].starts_with(|c: char| c.is_ascii())
            && (text[..start].ends_with(is_word) || text[end..].starts_with(is_word));
        if !inside {
            open.push(Listed { start, end, pronoun: found.pattern().as_usize() >= words::CONNECTIVES.len() });
        }
        if open.len() >= 256 {
            settle(&mut open, (end + 1).saturating_sub(longest));
        }
    }
    settle(&mut open, usize::MAX);
    (counted[0], counted[1])
}

struct Listed {
    start: usize,
    end: usize,
    pronoun: bool,
}

/// The mean share of distinct words over whole windows; over all words where there is no whole one.
fn distinct_words<'a>(words: impl ExactSizeIterator<Item = &'a str>) -> Option<f64> {
    thread_local! {
        static SEEN: RefCell<(Table, String)> = RefCell::default();
    }
    let number = words.len();
    let window = number.clamp(1, WINDOW);
    let windows = number / window;
    SEEN.with_borrow_mut(|(seen, lower)| {
        let mut distinct = 0_u64;
        for (at, word) in words.take(windows * window).enumerate() {
            if at.is_multiple_of(window) {
                seen.start(window);
            }
            lower.clear();
            lower.push_str(word);
            lower.make_ascii_lowercase();
            distinct += u64::from(seen.count(xxh3_64(lower.as_bytes())) == 1);
        }
        lower.clear();
        lower.shrink_to(4096);
        (number > 0).then(|| distinct as f64 / (windows * window) as f64)
    })
}

/// Mean length of lines that are not blank, and its standard deviation.
fn line_lengths<'a>(lines: impl Iterator<Item = &'a str>) -> (Option<f64>, Option<f64>) {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let length = line.chars().count() as f64;
        count += 1.0;
        sum += length;
        squares += length * length;
    }
    if count == 0.0 {
        return (None, None);
    }
    let mean: f64 = sum / count;
    (Some(mean), Some((squares / count - mean * mean).max(0.0).sqrt()))
}

/// Bytes when compressed.
fn compressed(text: &str) -> Option<usize> {
    struct Scratch(zstd::bulk::Compressor<'static>, Vec<u8>);
    thread_local! {
        static SCRATCH: RefCell<Option<Scratch>> =
            RefCell::new(zstd::bulk::Compressor::new(3).ok().map(|compressor| Scratch(compressor, Vec::new())));
    }
    SCRATCH.with_borrow_mut(|scratch| {
        let Scratch(compressor, out) = scratch.as_mut()?;
        out.clear();
        out.reserve(zstd::zstd_safe::compress_bound(text.len()));
        let length = compressor.compress_to_buffer(text.as_bytes(), out).ok();
        out.clear();
        out.shrink_to(4 << 20);
        length
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filter(config: Config) -> LongText {
        LongText::new(Config { min_bytes: 1, ..config }, &mut Setup::default()).unwrap()
    }

    fn judged(config: Config, text: &str) -> Verdict {
        let filter = filter(config);
        Filter::judge(&filter, &filter.measure(&text.into()))
    }

    const PROSE: &str = "However, the river rose, and they left the town because it was no longer safe.\n";

    #[test]
    fn each_threshold_has_its_reason_and_all_are_off_by_default() {
        for text in [PROSE, "", "|", "\n\n", "字"] {
            assert_eq!(judged(Config::default(), text), Verdict::Keep, "{text}");
        }
        let d = Config::default;
        for (config, text, reason) in [
            (Config { min_connectives: 0.01, ..d() }, "names of rivers, towns", "too_few_connectives"),
            (Config { min_pronouns: 0.01, ..d() }, "names of rivers", "too_few_pronouns"),
            (Config { min_distinct_words: 0.5, ..d() }, "a a a", "too_few_distinct_words"),
            (Config { max_distinct_words: 0.9, ..d() }, "a b c", "too_many_distinct_words"),
            (Config { min_mean_line_chars: 3.0, ..d() }, "ab\n\ncd", "lines_too_short"),
            (Config { max_mean_line_chars: 3.0, ..d() }, "abcd\n", "lines_too_long"),
            (Config { min_commas: 0.01, ..d() }, "abcd", "too_few_commas"),
            (Config { max_bars: 0.1, ..d() }, "a|b", "too_many_bars"),
            (Config { min_compressed: 0.1, ..d() }, &"again ".repeat(500), "compresses_too_far"),
            (Config { max_compressed: 0.1, ..d() }, PROSE, "compresses_too_little"),
        ] {
            assert_eq!(judged(config, text), Verdict::Drop(reason), "{text}");
        }
    }

    #[test]
    fn bounds_are_inclusive() {
        let config = Config {
            min_connectives: 0.1,
            min_pronouns: 0.1,
            min_distinct_words: 0.5,
            max_distinct_words: 0.5,
            min_mean_line_chars: 9.0,
            max_mean_line_chars: 9.0,
            min_commas: 0.1,
            max_bars: 0.1,
            min_compressed: 0.5,
            max_compressed: 0.5,
            ..Config::default()
        };
        let bound = Measure {
            connectives: Some(0.1),
            pronouns: Some(0.1),
            distinct_words: Some(0.5),
            mean_line_chars: Some(9.0),
            line_chars_deviation: Some(1.0),
            commas: Some(0.1),
            bars: Some(0.1),
            compressed: Some(0.5),
        };
        assert_eq!(Filter::judge(&filter(config), &bound), Verdict::Keep);
    }

    #[test]
    fn short_texts_are_kept_and_not_measured() {
        let config = Config { min_connectives: 1.0, ..Config::default() };
        let filter = LongText::new(config, &mut Setup::default()).unwrap();
        let just_short = "a".repeat(32 * 1024 - 1);
        assert_eq!(filter.measure(&just_short.as_str().into()), Measure::default());
        assert_eq!(Filter::judge(&filter, &filter.measure(&just_short.as_str().into())), Verdict::Keep);
        assert!(LongText::MEASURING.contains(&"min_bytes"));
        let long = "a".repeat(32 * 1024);
        assert_eq!(
            Filter::judge(&filter, &filter.measure(&long.as_str().into())),
            Verdict::Drop("too_few_connectives")
        );
    }

    #[test]
    fn english_words_are_counted_whole_and_the_longest() {
        assert_eq!(listed_chars("However, butter; on the other hand"), (7 + 14, 0));
        assert_eq!(listed_chars("THEY theyre item its"), (0, 4 + 3));
    }

    #[test]
    fn where_a_longer_word_does_not_stand_alone_the_shorter_one_counts() {
        let has = |word: &str| words::CONNECTIVES.contains(&word);
        assert!(has("so") && has("so that") && has("even though") && has("though"));
        assert_eq!(listed_chars("so thatch"), (2, 0));
        assert_eq!(listed_chars("uneven though"), (6, 0));
        assert_eq!(listed_chars("so that"), (6, 0));
    }

    #[test]
    fn chinese_is_counted_by_characters_and_words_of_jieba() {
        let text = "虽然他们很累，但是大家还是继续走。因此，我们在天黑之前到了。\n";
        let (connectives, pronouns) = listed_chars(text);
        assert_eq!((connectives, pronouns), (8, 6), "虽然 但是 因此 之前; 他们 大家 我们");
        let measure = filter(Config { words: Words::Chinese, ..Config::default() }).measure(&text.into());
        assert!(measure.distinct_words.unwrap() > 0.7, "{measure:?}");
        assert_eq!(measure.commas, Some(2.0 / 30.0));
        assert_eq!(measure.mean_line_chars, Some(30.0));
    }

    #[test]
    fn distinct_words_are_counted_by_windows() {
        let words: Vec<String> = (0..2500).map(|n| format!("w{}", n % 500)).collect();
        assert_eq!(distinct_words(words.iter().map(String::as_str)), Some(0.5), "the last 500 are no window");
        assert_eq!(distinct_words(["A", "a", "b", "c"].into_iter()), Some(0.75));
        assert_eq!(distinct_words([].into_iter()), None);
    }

    #[test]
    fn lists_hold_each_word_once_in_lower_case() {
        let mut all: Vec<&str> = words::CONNECTIVES.iter().chain(words::PRONOUNS).copied().collect();
        assert!(all.iter().all(|word| *word == word.to_lowercase() && !word.is_empty()));
        let number = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), number);
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        let filter = filter(Config::default());
        for text in ["\n".repeat(1_000_000), "a ".repeat(500_000), "but".repeat(500_000), "x".repeat(4_000_000)] {
            filter.measure(&text.as_str().into());
        }
        assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            judged(Config::default(), &text);
        }

        #[test]
        fn listed_words_are_those_of_the_plain_rule(text in "(but|and|so|that|so that|now that|even|though|even though|even if|if|as|as if|他们|但是|不但|我们的|我|[ ,]|[ ]|x|_){0,700}") {
            let is_word = |c: char| c == '_' || c.is_alphanumeric() && !('\u{2e80}'..='\u{9fff}').contains(&c);
            let lower = text.to_ascii_lowercase();
            let (mut plain, mut at) = ([0, 0], 0);
            while at < lower.len() {
                let here = |words: &[&'static str]| {
                    let fits = |word: &&&'static str| {
                        lower[at..].starts_with(**word)
                            && !(word.as_bytes()[0].is_ascii()
                                && (lower[..at].ends_with(is_word) || lower[at + word.len()..].starts_with(is_word)))
                    };
                    words.iter().filter(fits).map(|word| word.len()).max().unwrap_or(0)
                };
                let (connective, pronoun) = (here(words::CONNECTIVES), here(words::PRONOUNS));
                let length = connective.max(pronoun);
                plain[usize::from(pronoun > connective)] += lower[at..at + length].chars().filter(|c| !c.is_whitespace()).count() as u64;
                at += length.max(lower[at..].chars().next().map_or(1, char::len_utf8));
            }
            prop_assert_eq!(listed_chars(&text), (plain[0], plain[1]));
        }

        #[test]
        fn listed_words_are_no_more_than_all(text in "(but|and|however|他们|但是|[ ,.]|so|on the other hand|[a-z]){0,40}") {
            let (connectives, pronouns) = listed_chars(&text);
            prop_assert!(connectives + pronouns <= text.chars().filter(|c| !c.is_whitespace()).count() as u64);
        }
    }
}
