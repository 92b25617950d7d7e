//! Drops documents that break a rule of OpenDataLab's `pretrain` group.
//!
//! The rules by which the makers of WanJuan judge the text of a training corpus, with the decisions of
//! dingo 2.5.0 (PyPI `dingo-python`; `rule_common.py`): RuleAlphaWords, RuleCapitalWords, RuleCharNumber,
//! RuleColonEnd, RuleContentNull, RuleDocRepeat, RuleHtmlEntity, RuleIDCard, RuleLineEndWithEllipsis,
//! RuleLineEndWithTerminal, RuleLineStartWithBulletpoint, RuleLineJavascriptCount, RuleLoremIpsum,
//! RuleMeanWordLength, RuleNoPunc, RuleSentenceNumber, RuleSpecialCharacter, RuleStopWord,
//! RuleSymbolWordRatio, RuleUniqueWords, RuleWordNumber and RulePIIDetection. The first rule that is
//! broken, in this order, is the reason; every measure is stored all the same.
//!
//! They are rules for English: most Chinese texts break several (few words, no stop words). Where a rule
//! of theirs is strict, the bound here is the next number that passes, since bounds here are inclusive.
//! A rule about words lets a text without any pass, as theirs do.
//!
//! | setting                    | default            | source                                              |
//! |----------------------------|--------------------|-----------------------------------------------------|
//! | `min_alphabetic_words`     | 0.6000000000000001 | RuleAlphaWords: more than 0.6                       |
//! | `max_capital_words`        | 0.2                | RuleCapitalWords                                    |
//! | `capital_rule_words`       | 200                | same: in texts of fewer words                       |
//! | `min_chars`                | 100                | RuleCharNumber                                      |
//! | `max_final_colon`          | 0                  | RuleColonEnd; 1 lets a final colon pass             |
//! | `max_dup_6gram_chars`      | 0.7999999999999999 | RuleDocRepeat: less than 80 %                       |
//! | `max_html_entities`        | 0.009999999999999998 | RuleHtmlEntity: fewer than 0.01 for a character   |
//! | `max_id_cards`             | 0                  | RuleIDCard                                          |
//! | `max_ellipsis_lines`       | 0.3                | RuleLineEndWithEllipsis                             |
//! | `min_ended_lines`          | 0.6                | RuleLineEndWithTerminal                             |
//! | `max_bullet_lines`         | 0.9                | RuleLineStartWithBulletpoint                        |
//! | `min_plain_lines`          | 3                  | RuleLineJavascriptCount: in texts of more than 3 lines |
//! | `max_lorem_ipsum`          | 3e-8               | RuleLoremIpsum                                      |
//! | `min_mean_word_chars`      | 2.995              | RuleMeanWordLength: 3, once rounded to 2 places     |
//! | `max_mean_word_chars`      | 9.995              | same: less than 10                                  |
//! | `max_unpunctuated_words`   | 112                | RuleNoPunc                                          |
//! | `min_sentences`            | 3                  | RuleSentenceNumber                                  |
//! | `max_sentences`            | 7500               | same                                                |
//! | `max_special_characters`   | 0.009999999999999998 | RuleSpecialCharacter: fewer than 0.01 for a character |
//! | `min_stop_words`           | 0.06               | RuleStopWord                                        |
//! | `min_stop_word_count`      | 2                  | same                                                |
//! | `max_symbols_per_word`     | 0.4                | RuleSymbolWordRatio                                 |
//! | `min_unique_words`         | 0.10000000000000002 | RuleUniqueWords: more than 0.1                     |
//! | `min_words`                | 20                 | RuleWordNumber                                      |
//! | `max_words`                | 99999              | same: fewer than 100000                             |
//! | `max_pii`                  | 0                  | RulePIIDetection; `inf` where `pii` masks them first |

mod lines;
mod marks;
mod personal;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::python::{is_letter, is_space, is_upper, split};
use crate::kit::{
    Filter, Profile, Reason, Setup, Step, Text, Verdict, Without, Words, Wrong, above, below, is_stop_word, kind,
    share, with_repeated_runs,
};

/// Settings of [`Dingo`]. Shares lie between 0 and 1.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Smallest share of words with a letter, as NLTK's `word_tokenize` cuts them.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_alphabetic_words: f64,
    /// Largest share of words in capitals, in a short text.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_capital_words: f64,
    /// A text of fewer words and marks is short.
    pub capital_rule_words: f64,
    /// Fewest characters, but for spaces, tabs and line ends.
    pub min_chars: f64,
    /// Whether a text may end with a colon: 0 or 1.
    pub max_final_colon: f64,
    /// Largest share of characters in runs of six words that occur twice.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_dup_6gram_chars: f64,
    /// Most HTML entities for each character.
    pub max_html_entities: f64,
    /// Most Chinese identity card numbers, in a text that speaks of identity cards.
    pub max_id_cards: f64,
    /// Largest share of lines that end with `...` or `…`.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_ellipsis_lines: f64,
    /// Smallest share of lines that end with `.`, `!`, `?` or `"`.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_ended_lines: f64,
    /// Largest share of lines that begin with a bullet.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_bullet_lines: f64,
    /// Fewest lines without the word `javascript`, in a text of more than three lines.
    pub min_plain_lines: f64,
    /// Most `lorem ipsum` for each character.
    pub max_lorem_ipsum: f64,
    /// Shortest mean length of a word, in characters.
    pub min_mean_word_chars: f64,
    /// Longest mean length of a word, in characters.
    pub max_mean_word_chars: f64,
    /// Most words in a row without a mark between them.
    pub max_unpunctuated_words: f64,
    /// Fewest sentences.
    pub min_sentences: f64,
    /// Most sentences.
    pub max_sentences: f64,
    /// Most marks of damage for each character.
    pub max_special_characters: f64,
    /// Smallest share of words that are stop words.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_stop_words: f64,
    /// Fewest stop words.
    pub min_stop_word_count: f64,
    /// Most `#`, `...` and `…` for each word.
    pub max_symbols_per_word: f64,
    /// Smallest share of different words.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_unique_words: f64,
    /// Fewest words.
    pub min_words: f64,
    /// Most words.
    pub max_words: f64,
    /// Most card numbers, telephone numbers, mail and IP addresses.
    pub max_pii: f64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            min_alphabetic_words: 0.6_f64.next_up(),
            max_capital_words: 0.2,
            capital_rule_words: 200.0,
            min_chars: 100.0,
            max_final_colon: 0.0,
            max_dup_6gram_chars: 0.8_f64.next_down(),
            max_html_entities: 0.01_f64.next_down(),
            max_id_cards: 0.0,
            max_ellipsis_lines: 0.3,
            min_ended_lines: 0.6,
            max_bullet_lines: 0.9,
            min_plain_lines: 3.0,
            max_lorem_ipsum: 3e-8,
            min_mean_word_chars: 2.995,
            max_mean_word_chars: 9.995,
            max_unpunctuated_words: 112.0,
            min_sentences: 3.0,
            max_sentences: 7500.0,
            max_special_characters: 0.01_f64.next_down(),
            min_stop_words: 0.06,
            min_stop_word_count: 2.0,
            max_symbols_per_word: 0.4,
            min_unique_words: 0.1_f64.next_up(),
            min_words: 20.0,
            max_words: 99_999.0,
            max_pii: 0.0,
        }
    }
}

crate::measures! {
    /// What [`Dingo`] measures. "Words" are pieces of the text without punctuation, between white space.
    pub struct Measure {
        /// Share of words with a letter, marks counted as words.
        alphabetic_words,
        /// Share of words and marks that are in capitals.
        capital_words,
        /// Words and marks.
        words_and_marks,
        /// Characters, but for spaces, tabs and line ends.
        chars,
        /// Whether the text ends with a colon.
        final_colon,
        /// Share of characters in runs of six words that occur twice.
        dup_6gram_chars,
        /// HTML entities for each character.
        html_entities,
        /// Chinese identity card numbers, where the text speaks of identity cards.
        id_cards,
        /// Share of lines that end with an ellipsis.
        ellipsis_lines,
        /// Share of lines that end with a full stop or its like.
        ended_lines,
        /// Share of lines that begin with a bullet.
        bullet_lines,
        /// Lines with more than punctuation.
        lines,
        /// Those without the word `javascript`.
        plain_lines,
        /// `lorem ipsum` for each character.
        lorem_ipsum,
        /// Mean length of a word, in characters.
        mean_word_chars,
        /// Most words in a row without a mark between them.
        unpunctuated_words,
        /// Sentences.
        sentences,
        /// Marks of damage for each character.
        special_characters,
        /// Share of words and marks that are stop words.
        stop_words,
        /// Stop words.
        stop_word_count,
        /// `#`, `...` and `…` for each word or mark.
        symbols_per_word,
        /// Share of words that differ from each other.
        unique_words,
        /// Words.
        words,
        /// Card numbers, telephone numbers, mail and IP addresses.
        pii,
    }
}

/// See the words at the top of this file.
pub struct Dingo {
    config: Config,
}

impl Step for Dingo {
    const NAME: &'static str = "dingo";
    const VERSION: u32 = 3;
    const WORDS: &'static str = include_str!("mod.rs");
    const PROFILES: &'static [Profile] = &[Profile {
        name: "dingo",
        settings: "",
        about: "The group `pretrain` of dingo 2.5.0, all 22 rules with their own thresholds.",
    }];
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(Dingo { config })
    }
}

impl Filter for Dingo {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::always("empty_text"),
        Reason::of("too_few_alphabetic_words", "min_alphabetic_words"),
        Reason::of("too_many_capitals", "max_capital_words"),
        Reason::of("too_few_chars", "min_chars"),
        Reason::of("ends_with_colon", "max_final_colon"),
        Reason::of("duplicate_6grams", "max_dup_6gram_chars"),
        Reason::of("html_entities", "max_html_entities"),
        Reason::of("identity_card", "max_id_cards"),
        Reason::of("too_many_ellipsis_lines", "max_ellipsis_lines"),
        Reason::of("too_few_ended_lines", "min_ended_lines"),
        Reason::of("too_many_bullet_lines", "max_bullet_lines"),
        Reason::of("too_many_javascript_lines", "min_plain_lines"),
        Reason::of("lorem_ipsum", "max_lorem_ipsum"),
        Reason::of("words_too_short", "min_mean_word_chars"),
        Reason::of("words_too_long", "max_mean_word_chars"),
        Reason::of("no_punctuation", "max_unpunctuated_words"),
        Reason::of("too_few_sentences", "min_sentences"),
        Reason::of("too_many_sentences", "max_sentences"),
        Reason::of("special_characters", "max_special_characters"),
        Reason::of("too_few_stop_words", "min_stop_words"),
        Reason::of("too_few_stop_words", "min_stop_word_count"),
        Reason::of("too_many_symbols", "max_symbols_per_word"),
        Reason::of("too_few_distinct_words", "min_unique_words"),
        Reason::of("too_few_words", "min_words"),
        Reason::of("too_many_words", "max_words"),
        Reason::of("personal_information", "max_pii"),
    ];
    const JUDGING: &'static [&'static str] = &["capital_rule_words"];

    fn measure(&self, text: &Text) -> Measure {
        let all_chars = text.char_count();
        if all_chars == 0 {
            // As the originals tell of an empty text.
            let zero = Some(0.0);
            return Measure {
                chars: zero,
                dup_6gram_chars: zero,
                id_cards: zero,
                unpunctuated_words: zero,
                sentences: zero,
                words: zero,
                pii: zero,
                ..Measure::default()
            };
        }
        let of = |part: usize, whole: usize| share(part as u64, whole as u64);
        let count = |count: usize| Some(count as f64);
        let (mut treebank, mut alpha) = (0, 0);
        for word in text.words(Words::Treebank) {
            treebank += 1;
            alpha += usize::from(word.chars().any(is_letter));
        }
        let (mut raw, mut capitals, mut stop_words) = (0, 0, 0);
        for word in text.words(Words::Wordpunct) {
            raw += 1;
            capitals += usize::from(is_upper(word));
            stop_words += usize::from(is_stop_word(word));
        }
        let symbols = text.marks().all();
        let lines = lines::look(text.feed_lines());
        let mut measure = Measure {
            alphabetic_words: of(alpha, treebank),
            capital_words: of(capitals, raw),
            words_and_marks: count(raw),
            chars: count(marks::chars(text)),
            final_colon: Some(f64::from(text.ends_with(':'))),
            html_entities: of(marks::entities(text), all_chars),
            id_cards: count(personal::id_cards(text)),
            ellipsis_lines: of(lines.ellipses, lines.lines),
            ended_lines: of(lines.ended, lines.lines),
            bullet_lines: of(lines.bullets, lines.lines),
            lines: count(lines.wordly),
            plain_lines: count(lines.wordly - lines.javascript),
            unpunctuated_words: count(marks::unpunctuated(text)),
            sentences: count(text.marked_sentences(true)),
            special_characters: of(marks::special(text), all_chars),
            stop_words: of(stop_words, raw),
            stop_word_count: (raw > 0).then_some(stop_words as f64),
            symbols_per_word: of(symbols, raw),
            pii: count(personal::found(text)),
            ..Measure::default()
        };
        let normal = text.normal(Without::Chinese);
        let lorem = memchr::memmem::find_iter(normal.as_bytes(), "lorem ipsum").count();
        measure.lorem_ipsum = of(lorem, normal.chars().count());
        with_repeated_runs(split(normal), |words| {
            measure.words = count(words.words());
            measure.mean_word_chars = of(words.chars(), words.words());
            measure.unique_words = of(words.distinct(), words.words());
        });
        let dup = with_repeated_runs(split(normal).flat_map(pieces), |words| (words.covered(6), words.chars()));
        measure.dup_6gram_chars = of(dup.0, dup.1).or(Some(0.0));
        measure
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        let config = &self.config;
        let capitals = measure.words_and_marks.is_some_and(|words| words < config.capital_rule_words);
        let rules = [
            (measure.chars == Some(0.0), "empty_text"),
            (below(measure.alphabetic_words, config.min_alphabetic_words), "too_few_alphabetic_words"),
            (capitals && above(measure.capital_words, config.max_capital_words), "too_many_capitals"),
            (below(measure.chars, config.min_chars), "too_few_chars"),
            (above(measure.final_colon, config.max_final_colon), "ends_with_colon"),
            (above(measure.dup_6gram_chars, config.max_dup_6gram_chars), "duplicate_6grams"),
            (above(measure.html_entities, config.max_html_entities), "html_entities"),
            (above(measure.id_cards, config.max_id_cards), "identity_card"),
            (above(measure.ellipsis_lines, config.max_ellipsis_lines), "too_many_ellipsis_lines"),
            (below(measure.ended_lines, config.min_ended_lines), "too_few_ended_lines"),
            (above(measure.bullet_lines, config.max_bullet_lines), "too_many_bullet_lines"),
            (
                above(measure.lines, 3.0) && below(measure.plain_lines, config.min_plain_lines),
                "too_many_javascript_lines",
            ),
            (above(measure.lorem_ipsum, config.max_lorem_ipsum), "lorem_ipsum"),
            (below(measure.mean_word_chars, config.min_mean_word_chars), "words_too_short"),
            (above(measure.mean_word_chars, config.max_mean_word_chars), "words_too_long"),
            (above(measure.unpunctuated_words, config.max_unpunctuated_words), "no_punctuation"),
            (below(measure.sentences, config.min_sentences), "too_few_sentences"),
            (above(measure.sentences, config.max_sentences), "too_many_sentences"),
            (above(measure.special_characters, config.max_special_characters), "special_characters"),
            (
                below(measure.stop_words, config.min_stop_words)
                    || below(measure.stop_word_count, config.min_stop_word_count),
                "too_few_stop_words",
            ),
            (above(measure.symbols_per_word, config.max_symbols_per_word), "too_many_symbols"),
            (below(measure.unique_words, config.min_unique_words), "too_few_distinct_words"),
            (below(measure.words, config.min_words), "too_few_words"),
            (above(measure.words, config.max_words), "too_many_words"),
            (above(measure.pii, config.max_pii), "personal_information"),
        ];
        rules.into_iter().find(|(broken, _)| *broken).map_or(Verdict::Keep, |(_, reason)| Verdict::Drop(reason))
    }
}

/// A word, or the Chinese characters of it with what stands before each. What follows the last one is
/// lost, as in the original.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    let mut rest = word;
    let mut whole = true;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let length = if is_chinese(first) {
            first.len_utf8()
        } else {
            match rest.find(is_chinese) {
                Some(at) => at,
                None if whole => rest.len(),
                None => return None,
            }
        };
        whole = false;
        let (piece, tail) = rest.split_at(length);
        rest = tail;
        Some(piece)
    })
}

/// White space as `\s` has it; for the parts of this filter.
fn trimmed_end(line: &str) -> &str {
    line.trim_end_matches(is_space)
}

#[cfg(test)]
mod tests;
