//! Drops documents with anomalies of line breaks, characters or punctuation, English and Chinese.
//!
//! The makers of WanJuan-CC say what its rules look at beside those of Gopher and C4: "anomalies in
//! separation and line breaks, frequency of abnormal characters, and distribution of punctuation marks"
//! (InternLM2, arXiv:2403.17297, sec. 3.1.1; WanJuan-CC, arXiv:2402.19282). They publish no measure and no
//! threshold. **The measures and thresholds here are ours**: each bound was set from how good English and
//! Chinese documents spread, so that few lie beyond it, and from damaged ones, which lie far out. Texts that
//! repeat themselves or are short are left to other filters.
//!
//! Shares are of visible characters, if nothing else is said. A word is a run of letters and digits; a
//! Chinese character is one by itself. Rules about punctuation and lines spare texts too short to tell.
//!
//! | setting                   | default | source                                                       |
//! |---------------------------|---------|--------------------------------------------------------------|
//! | `max_single_word_lines`   | 0.7     | ours; in texts of five lines and more                        |
//! | `max_empty_lines`         | 0.75    | ours; lines in pairs give 0.5                                |
//! | `max_spaced_han`          | 0.1     | ours                                                         |
//! | `max_long_word_chars`     | 0.2     | ours; what base64 and words stuck together look like         |
//! | `long_word_chars`         | 45      | dingo's rule of words that are stuck together                |
//! | `max_stuck_marks`         | 0.6     | ours; in texts with ten marks and more                       |
//! | `max_abnormal_chars`      | 0.02    | ours                                                         |
//! | `max_symbols`             | 0.2     | ours                                                         |
//! | `min_letters`             | 0.45    | ours                                                         |
//! | `max_digits`              | 0.4     | ours                                                         |
//! | `min_punctuation`         | 0.004   | ours; in texts of 200 characters and more                    |
//! | `max_punctuation`         | 0.45    | ours                                                         |
//! | `max_repeated_marks`      | 0.35    | ours                                                         |
//! | `max_top_mark`            | 0.35    | ours                                                         |
//! | `max_unpunctuated_words`  | 200     | ours                                                         |
//! | `max_unbalanced_brackets` | 0.75    | ours; in texts with ten brackets and more                    |

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::python::Set;
use crate::kit::{Filter, Reason, Setup, Step, Text, Verdict, Wrong, above, below, is_han, is_unspaced, kind};

/// Settings of [`WanjuanCc`]. Shares lie between 0 and 1.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Largest share of lines that hold one word.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_single_word_lines: f64,
    /// Largest share of empty lines.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_empty_lines: f64,
    /// Most spaces between two Chinese characters, for each Chinese character.
    pub max_spaced_han: f64,
    /// Largest share of characters in very long words.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_long_word_chars: f64,
    /// A word of more characters is very long.
    pub long_word_chars: usize,
    /// Largest share of marks behind a small letter that a letter follows at once, in a script with spaces.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_stuck_marks: f64,
    /// Largest share of replacement, control, private, unassigned, invisible and box-drawing characters.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_abnormal_chars: f64,
    /// Largest share of symbols that are no punctuation.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_symbols: f64,
    /// Smallest share of letters of any script.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_letters: f64,
    /// Largest share of digits.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_digits: f64,
    /// Smallest share of punctuation.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_punctuation: f64,
    /// Largest share of punctuation.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_punctuation: f64,
    /// Largest share of marks in runs of four equal ones and more.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_repeated_marks: f64,
    /// Largest share of the most frequent mark.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_top_mark: f64,
    /// Most words in a row without a mark or a line end.
    pub max_unpunctuated_words: f64,
    /// Largest share of brackets and quotes that have no partner.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_unbalanced_brackets: f64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            max_single_word_lines: 0.7,
            max_empty_lines: 0.75,
            max_spaced_han: 0.1,
            max_long_word_chars: 0.2,
            long_word_chars: 45,
            max_stuck_marks: 0.6,
            max_abnormal_chars: 0.02,
            max_symbols: 0.2,
            min_letters: 0.45,
            max_digits: 0.4,
            min_punctuation: 0.004,
            max_punctuation: 0.45,
            max_repeated_marks: 0.35,
            max_top_mark: 0.35,
            max_unpunctuated_words: 200.0,
            max_unbalanced_brackets: 0.75,
        }
    }
}

crate::measures! {
    /// What [`WanjuanCc`] measures.
    pub struct Measure {
        /// Share of lines that hold one word, in texts of five lines and more.
        single_word_lines,
        /// Share of empty lines.
        empty_lines,
        /// Spaces between two Chinese characters, for each Chinese character.
        spaced_han,
        /// Share of characters in very long words.
        long_word_chars,
        /// Share of marks behind a small letter that a letter follows at once, in texts with ten and more.
        stuck_marks,
        /// Share of abnormal characters.
        abnormal_chars,
        /// Share of symbols that are no punctuation.
        symbols,
        /// Share of letters.
        letters,
        /// Share of digits.
        digits,
        /// Share of punctuation.
        punctuation,
        /// Visible characters.
        visible_chars,
        /// Share of marks in runs of four equal ones and more.
        repeated_marks,
        /// Share of the most frequent mark.
        top_mark,
        /// Most words in a row without a mark or a line end.
        unpunctuated_words,
        /// Share of brackets and quotes without a partner, in texts with ten and more.
        unbalanced_brackets,
    }
}

/// See the words at the top of this file.
pub struct WanjuanCc {
    config: Config,
}

impl Step for WanjuanCc {
    const NAME: &'static str = "wanjuan_cc";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("wanjuan_cc.rs");
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(WanjuanCc { config })
    }
}

impl Filter for WanjuanCc {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::always("empty_text"),
        Reason::of("single_word_lines", "max_single_word_lines"),
        Reason::of("too_many_empty_lines", "max_empty_lines"),
        Reason::of("spaced_characters", "max_spaced_han"),
        Reason::of("words_stuck_together", "max_long_word_chars"),
        Reason::of("no_space_behind_marks", "max_stuck_marks"),
        Reason::of("abnormal_characters", "max_abnormal_chars"),
        Reason::of("too_many_symbols", "max_symbols"),
        Reason::of("too_many_digits", "max_digits"),
        Reason::of("repeated_marks", "max_repeated_marks"),
        Reason::of("one_mark_dominates", "max_top_mark"),
        Reason::of("too_much_punctuation", "max_punctuation"),
        Reason::of("too_few_letters", "min_letters"),
        Reason::of("too_little_punctuation", "min_punctuation"),
        Reason::of("no_punctuation", "max_unpunctuated_words"),
        Reason::of("unbalanced_brackets", "max_unbalanced_brackets"),
    ];

    fn measure(&self, text: &Text) -> Measure {
        let seen = look(text, self.config.long_word_chars);
        let of = |part: usize, whole: usize, least: usize| (whole >= least.max(1)).then(|| part as f64 / whole as f64);
        let share = |part: usize| of(part, seen.visible, 1);
        Measure {
            single_word_lines: of(seen.single_word_lines, seen.lines, 5),
            empty_lines: of(seen.empty_lines, seen.lines + seen.empty_lines, 1),
            spaced_han: of(seen.spaced_han, seen.han, 1),
            long_word_chars: share(seen.long_word_chars),
            stuck_marks: of(seen.stuck_marks, seen.marks_behind_letters, 10),
            abnormal_chars: share(seen.abnormal),
            symbols: share(seen.symbols),
            letters: share(seen.letters),
            digits: share(seen.digits),
            punctuation: share(seen.punctuation),
            visible_chars: Some(seen.visible as f64),
            repeated_marks: share(seen.repeated_marks),
            top_mark: share(seen.top_mark),
            unpunctuated_words: Some(seen.unpunctuated_words as f64),
            unbalanced_brackets: of(seen.opening.abs_diff(seen.closing), seen.opening + seen.closing, 10),
        }
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        let config = &self.config;
        let long_enough = measure.visible_chars.is_some_and(|chars| chars >= 200.0);
        let rules = [
            (measure.visible_chars == Some(0.0), "empty_text"),
            (above(measure.single_word_lines, config.max_single_word_lines), "single_word_lines"),
            (above(measure.empty_lines, config.max_empty_lines), "too_many_empty_lines"),
            (above(measure.spaced_han, config.max_spaced_han), "spaced_characters"),
            (above(measure.long_word_chars, config.max_long_word_chars), "words_stuck_together"),
            (above(measure.stuck_marks, config.max_stuck_marks), "no_space_behind_marks"),
            (above(measure.abnormal_chars, config.max_abnormal_chars), "abnormal_characters"),
            (above(measure.symbols, config.max_symbols), "too_many_symbols"),
            (above(measure.digits, config.max_digits), "too_many_digits"),
            (above(measure.repeated_marks, config.max_repeated_marks), "repeated_marks"),
            (above(measure.top_mark, config.max_top_mark), "one_mark_dominates"),
            (above(measure.punctuation, config.max_punctuation), "too_much_punctuation"),
            (below(measure.letters, config.min_letters), "too_few_letters"),
            (long_enough && below(measure.punctuation, config.min_punctuation), "too_little_punctuation"),
            (above(measure.unpunctuated_words, config.max_unpunctuated_words), "no_punctuation"),
            (above(measure.unbalanced_brackets, config.max_unbalanced_brackets), "unbalanced_brackets"),
        ];
        rules.into_iter().find(|(broken, _)| *broken).map_or(Verdict::Keep, |(_, reason)| Verdict::Drop(reason))
    }
}

#[derive(Debug, Default)]
struct Seen {
    visible: usize,
    letters: usize,
    digits: usize,
    punctuation: usize,
    symbols: usize,
    abnormal: usize,
    han: usize,
    unspaced: usize,
    spaced_han: usize,
    long_word_chars: usize,
    marks_behind_letters: usize,
    stuck_marks: usize,
    repeated_marks: usize,
    top_mark: usize,
    unpunctuated_words: usize,
    opening: usize,
    closing: usize,
    lines: usize,
    empty_lines: usize,
    single_word_lines: usize,
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Class {
    Space,
    Letter,
    Digit,
    Punctuation,
    Symbol,
    Abnormal,
    Other,
}

fn class(c: char) -> Class {
    static SETS: LazyLock<[(Set, Class); 5]> = LazyLock::new(|| {
        [
            (Set::of(r"[\p{L}\p{M}]"), Class::Letter),
            (Set::of(r"[\p{Cc}\p{Co}\p{Cn}\u{fffd}\u{200b}\u{2060}\u{feff}\u{ad}\u{2500}-\u{259f}]"), Class::Abnormal),
            (Set::of(r"\p{P}"), Class::Punctuation),
            (Set::of(r"\p{Nd}"), Class::Digit),
            (Set::of(r"\p{S}"), Class::Symbol),
        ]
    });
    match c {
        'a'..='z' | 'A'..='Z' | '\u{4e00}'..='\u{9fff}' => Class::Letter,
        ' ' | '\n' | '\t' | '\r' => Class::Space,
        '0'..='9' => Class::Digit,
        '$' | '+' | '<'..='>' | '^' | '`' | '|' | '~' => Class::Symbol,
        '!'..='~' => Class::Punctuation,
        _ if c.is_whitespace() && !c.is_control() => Class::Space,
        _ => SETS.iter().find(|(set, _)| set.has(c)).map_or(Class::Other, |&(_, class)| class),
    }
}

/// Opening and closing brackets and quotes, of those whose two forms differ.
fn bracket(c: char) -> (usize, usize) {
    match c {
        '(' | '[' | '{' | '（' | '《' | '【' | '「' | '『' | '“' | '〈' | '［' => (1, 0),
        ')' | ']' | '}' | '）' | '》' | '】' | '」' | '』' | '”' | '〉' | '］' => (0, 1),
        _ => (0, 0),
    }
}

/// Slots for marks beyond ASCII, so many that the usual ones have a slot each.
const MARK_SLOTS: usize = 613;

fn slot(mark: char) -> usize {
    if mark.is_ascii() { mark as usize } else { 128 + mark as usize % MARK_SLOTS }
}

fn look(text: &str, long_word: usize) -> Seen {
    let mut seen = Seen::default();
    let mut marks = [0_u32; 128 + MARK_SLOTS]; // how often each mark occurs
    let mut word = 0; // characters of the word at hand
    let mut words = 0; // since the last mark or line end
    let mut run = (' ', 0); // equal marks in a row
    let mut before = [' '; 2]; // the two characters before
    let (mut line_words, mut line_han, mut line_visible) = (0, 0, 0);
    for c in text.chars().chain(['\n']) {
        let class = class(c);
        let han = class == Class::Letter && !c.is_ascii() && is_han(c);
        if matches!(class, Class::Letter | Class::Digit) && !han {
            line_words += usize::from(word == 0);
            words += usize::from(word == 0);
            word += 1;
        } else {
            if word > long_word {
                seen.long_word_chars += word;
            }
            word = 0;
        }
        match class {
            Class::Space => {}
            Class::Letter => {
                seen.letters += 1;
                seen.unspaced += usize::from(!c.is_ascii() && is_unspaced(c));
            }
            Class::Digit => seen.digits += 1,
            Class::Punctuation => seen.punctuation += 1,
            Class::Symbol => seen.symbols += 1,
            Class::Abnormal => seen.abnormal += 1,
            Class::Other => {}
        }
        if han {
            seen.han += 1;
            line_han += 1;
            words += 1;
            seen.spaced_han += usize::from(before[1] == ' ' && is_han(before[0]));
        }
        if matches!(class, Class::Punctuation | Class::Symbol) {
            marks[slot(c)] += 1;
            let (opening, closing) = bracket(c);
            seen.opening += opening;
            seen.closing += closing;
            if c == run.0 {
                run.1 += 1;
                seen.repeated_marks += match run.1 {
                    4 => 4,
                    5.. => 1,
                    _ => 0,
                };
            } else {
                run = (c, 1);
            }
        } else {
            run.1 = 0;
            run.0 = ' ';
        }
        if class == Class::Punctuation || c == '\n' {
            seen.unpunctuated_words = seen.unpunctuated_words.max(words);
            words = 0;
        }
        // `os.path` is a name: a full stop counts if a capital or no letter follows.
        let mark = matches!(before[1], ',' | ';' | '!' | '?') || before[1] == '.' && !c.is_ascii_lowercase();
        if mark && before[0].is_ascii_lowercase() {
            seen.marks_behind_letters += 1;
            seen.stuck_marks += usize::from(c.is_ascii_alphabetic());
        }
        if class != Class::Space {
            seen.visible += 1;
            line_visible += 1;
        }
        if c == '\n' {
            if line_visible == 0 {
                seen.empty_lines += 1;
            } else {
                seen.lines += 1;
                // A chip of a menu is a word, or four Chinese characters.
                let single = if line_han == 0 { line_words <= 1 } else { line_han <= 4 && line_words == 0 };
                seen.single_word_lines += usize::from(single);
            }
            (line_words, line_han, line_visible) = (0, 0, 0);
        }
        before = [before[1], c];
    }
    // The line end that was added ends the last line, or makes an empty one.
    if text.is_empty() || text.ends_with('\n') {
        seen.empty_lines = seen.empty_lines.saturating_sub(1);
    }
    // Scripts without spaces put none behind a mark either; the few Latin words among them tell nothing.
    if seen.unspaced * 10 > seen.letters {
        (seen.marks_behind_letters, seen.stuck_marks) = (0, 0);
    }
    seen.top_mark = marks.iter().copied().max().unwrap_or(0) as usize;
    seen
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filter() -> WanjuanCc {
        WanjuanCc::new(Config::default(), &mut Setup::default()).unwrap()
    }

    fn judged(text: &str) -> Verdict {
        Filter::judge(&filter(), &filter().measure(&text.into()))
    }

    const PROSE: &str = "The river and the town beside it have a long history, with many floods.\n\
        We have walked there often; it is quiet in the winter, and the water is cold.\n\n";
    const CHINESE: &str =
        "这条河发源于群山之中，离海很远，穿过田野、城镇和沼泽，最后流入大海。\n“你去过那里吗？”他问。\n";

    #[test]
    fn prose_is_kept_and_each_fault_has_its_reason() {
        assert_eq!(judged(&PROSE.repeat(3)), Verdict::Keep);
        assert_eq!(judged(&CHINESE.repeat(3)), Verdict::Keep);
        let with = |more: &str| format!("{PROSE}{more}");
        for (text, reason) in [
            (" \n".to_owned(), "empty_text"),
            (with(&"home\nabout\n首页\n".repeat(4)), "single_word_lines"),
            (with(&"\n".repeat(20)), "too_many_empty_lines"),
            ("这 条 河 发 源 于 群 山 之 中 ， 离 海 很 远 。".to_owned(), "spaced_characters"),
            (with(&"therivverandthetown".repeat(9)), "words_stuck_together"),
            (
                PROSE.replace(". ", ".").replace(", ", ",") + &"so,it is.And then,we go.".repeat(5),
                "no_space_behind_marks",
            ),
            (with("\u{fffd}\u{200b}\u{e000}\u{0}─│"), "abnormal_characters"),
            (with(&"★ ♪ → ".repeat(20)), "too_many_symbols"),
            (with(&"2026 11 24, ".repeat(20)), "too_many_digits"),
            (with(&"-----".repeat(20)), "repeated_marks"),
            (with(&", ".repeat(100)), "one_mark_dominates"),
            (with(&",.;:!?&%".repeat(20)), "too_much_punctuation"),
            (with(&"① ② ③ ".repeat(70)), "too_few_letters"),
            (PROSE.replace([',', ';', '.', '\n'], " ").repeat(3) + ".", "too_little_punctuation"),
            (with(&"house tree river stone ".repeat(51)), "no_punctuation"),
            (with(&"( a ".repeat(10)), "unbalanced_brackets"),
        ] {
            assert_eq!(judged(&text), Verdict::Drop(reason), "{}", text.chars().take(60).collect::<String>());
        }
    }

    #[test]
    fn bounds_are_inclusive() {
        let bound = Measure {
            single_word_lines: Some(0.7),
            empty_lines: Some(0.75),
            spaced_han: Some(0.1),
            long_word_chars: Some(0.2),
            stuck_marks: Some(0.6),
            abnormal_chars: Some(0.02),
            symbols: Some(0.2),
            letters: Some(0.45),
            digits: Some(0.4),
            punctuation: Some(0.45),
            visible_chars: Some(200.0),
            repeated_marks: Some(0.35),
            top_mark: Some(0.35),
            unpunctuated_words: Some(200.0),
            unbalanced_brackets: Some(0.75),
        };
        assert_eq!(Filter::judge(&filter(), &bound), Verdict::Keep);
        let low = Measure { punctuation: Some(0.004), ..bound };
        assert_eq!(Filter::judge(&filter(), &low), Verdict::Keep);
        let reason = |measure: Measure| Filter::judge(&filter(), &measure);
        assert_eq!(reason(Measure { punctuation: Some(0.003), ..bound }), Verdict::Drop("too_little_punctuation"));
        let short = Measure { punctuation: Some(0.003), visible_chars: Some(199.0), ..bound };
        assert_eq!(reason(short), Verdict::Keep);
        assert_eq!(reason(Measure { letters: Some(0.44), ..bound }), Verdict::Drop("too_few_letters"));
        assert_eq!(reason(Measure { top_mark: Some(0.36), ..bound }), Verdict::Drop("one_mark_dominates"));
    }

    #[test]
    fn usual_marks_are_told_apart() {
        let blocks = [
            '\0'..='\u{bf}',
            '\u{2010}'..='\u{203f}',
            '\u{25a0}'..='\u{260f}',
            '\u{3000}'..='\u{303f}',
            '\u{ff00}'..='\u{ff65}',
        ];
        let slots: Vec<usize> = blocks.into_iter().flatten().map(slot).collect();
        assert_eq!(slots.iter().collect::<std::collections::HashSet<_>>().len(), slots.len());
        // `、` and `！`, `，` and `「`
        assert_eq!(look("、！，「、！，「", 45).top_mark, 2);
    }

    #[test]
    fn characters_are_counted_once() {
        let seen = look("a b1。 (x)\n\n你 好…… ----- ", 45);
        assert_eq!((seen.letters, seen.digits, seen.punctuation), (5, 1, 10));
        assert_eq!((seen.han, seen.spaced_han, seen.repeated_marks, seen.top_mark), (2, 1, 5, 5));
        assert_eq!((seen.lines, seen.empty_lines, seen.opening, seen.closing), (2, 1, 1, 1));
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for piece in ["\n", "a\n", "x", "[", "- ", "中 ", "。", "\u{fffd}", "a.b"] {
            filter().measure(&piece.repeat(500_000 / piece.len()).as_str().into());
        }
        assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*|[a.\n中 -]*") {
            filter().judge(&filter().measure(&text.as_str().into()));
        }
    }
}
