//! Removes lines as RefinedWeb does: capitals, digits, counters, single words, remnants of menus.
//!
//! RefinedWeb's own line rules are told in its paper alone (arXiv:2306.01116, sec. 3.2 and its appendix on line-wise
//! filtering); DCLM (arXiv:2406.11794) wrote them down in code, which is what is followed. In its order: lines of capitals,
//! of digits, counters (`3 likes`), lines of one word; then phrases are cut out of short lines. A document
//! that loses too large a share of its words is dropped, since it was no text.
//!
//! | setting | default | source |
//! |---|---|---|
//! | `max_uppercase` | 0.5 | share of characters; `uppercase_ratio_line_modifier`, mlfoundations/dclm, `dclm_baseline_refinedweb.yaml` |
//! | `max_digits` | 0.999999 | share of characters; `numeric_ratio_line_modifier` |
//! | `counters` | true | `counter_line_modifier` |
//! | `min_line_words` | 2 | cut at white space, empty lines aside; `line_length_modifier` |
//! | `max_phrase_line_words` | 10 | longest line that loses `items in cart`, `Read more...` at its end, `Sign-in` at its start; 0 for none; `substring_line_modifier` |
//! | `max_removed_words` | 0.05 | share of words; `word_removal_ratio_filter` |

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::python::{self, is_letter_or_digit, is_space};
use crate::kit::{Document, Mapper, Profile, Reason, Setup, Step, Verdict, Wrong, kind};

/// Settings of [`RefinedwebLines`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Largest share of capitals in the characters of a line.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_uppercase: f64,
    /// Largest share of digits in the characters of a line.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_digits: f64,
    /// Whether lines such as `3 likes` go.
    pub counters: bool,
    /// Fewest words of a line that is not empty.
    pub min_line_words: usize,
    /// Most words of a line that phrases of menus are cut out of.
    pub max_phrase_line_words: usize,
    /// Largest share of its words that a document may lose.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_removed_words: f64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            max_uppercase: 0.5,
            max_digits: 0.999_999,
            counters: true,
            min_line_words: 2,
            max_phrase_line_words: 10,
            max_removed_words: 0.05,
        }
    }
}

crate::measures! {
    /// What [`RefinedwebLines`] measures.
    pub struct Measure {
        /// Lines before.
        lines,
        /// Lines that were kept.
        kept_lines,
        /// Share of the words that were removed.
        removed_words,
    }
}

/// See the words at the top of this file.
pub struct RefinedwebLines {
    config: Config,
}

impl Step for RefinedwebLines {
    const NAME: &'static str = "refinedweb_lines";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("refinedweb_lines.rs");
    const PROFILES: &'static [Profile] = &[Profile {
        name: "dclm",
        settings: "",
        about: "The line modifiers of DCLM-Baseline in their order, with its limit on removed words. \
                Where DCLM writes `Read more...`, its dots stand for any three characters; so do ours.",
    }];
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(RefinedwebLines { config })
    }
}

impl Mapper for RefinedwebLines {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::always("no_lines_left"),
        Reason::always("no_words"),
        Reason::of("too_many_removed_words", "max_removed_words"),
    ];

    fn map(&self, document: &mut Document, measure: &mut Measure) -> Verdict {
        let config = &self.config;
        let text = document.text();
        let mut lines: Vec<Cow<str>> = text.split('\n').map(Cow::Borrowed).collect();
        let before = lines.len();
        let words_before = count_words(text);
        lines.retain(|line| line.is_empty() || share(line, char::is_uppercase) <= config.max_uppercase);
        strip(&mut lines);
        lines.retain(|line| line.is_empty() || share(line, is_digit) <= config.max_digits);
        strip(&mut lines);
        if config.counters {
            lines.retain(|line| !is_counter(line));
            strip(&mut lines);
        }
        let words = |line: &str, limit: usize| line.split(is_space).filter(|word| !word.is_empty()).take(limit).count();
        lines.retain(|line| line.is_empty() || words(line, config.min_line_words) >= config.min_line_words);
        if config.max_phrase_line_words > 0 {
            for phrase in PHRASES.iter() {
                lines.retain_mut(|line| {
                    if words(line, config.max_phrase_line_words + 1) > config.max_phrase_line_words || line.is_empty() {
                        return true;
                    }
                    if let Cow::Owned(without) = phrase.replace_all(line, "") {
                        *line = Cow::Owned(without);
                    }
                    !line.chars().all(is_space)
                });
                strip(&mut lines);
            }
        }
        let left = lines.join("\n");
        let words_left = count_words(&left);
        let removed = (words_before > 0).then(|| (words_before as f64 - words_left as f64) / words_before as f64);
        *measure = Measure { lines: Some(before as f64), kept_lines: Some(lines.len() as f64), removed_words: removed };
        let verdict = match removed {
            _ if left.is_empty() => Verdict::Drop("no_lines_left"),
            None => Verdict::Drop("no_words"),
            Some(removed) if removed > config.max_removed_words => Verdict::Drop("too_many_removed_words"),
            Some(_) => Verdict::Keep,
        };
        if left != document.text() {
            document.set_text(left);
        }
        verdict
    }
}

/// What Python's `str.isdigit` takes for a digit: decimals, and those in circles, above and below.
fn is_digit(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_digit();
    }
    // Ideographs are most of what is not ASCII and come first.
    if matches!(c, '\u{3000}'..='\u{a4ff}' | '\u{ac00}'..='\u{d7ff}') {
        return false;
    }
    let other = matches!(c, '\u{b2}'..='\u{b3}' | '\u{b9}' | '\u{1369}'..='\u{1371}' | '\u{19da}' | '\u{2070}' | '\u{2074}'..='\u{2079}' | '\u{2080}'..='\u{2089}' | '\u{2460}'..='\u{2468}' | '\u{2474}'..='\u{247c}' | '\u{2488}'..='\u{2490}' | '\u{24ea}' | '\u{24f5}'..='\u{24fd}' | '\u{24ff}' | '\u{2776}'..='\u{277e}' | '\u{2780}'..='\u{2788}' | '\u{278a}'..='\u{2792}' | '\u{10a40}'..='\u{10a43}' | '\u{10e60}'..='\u{10e68}' | '\u{11052}'..='\u{1105a}' | '\u{1f100}'..='\u{1f10a}');
    other || python::is_digit(c)
}

/// Share of the characters of a line that is not empty.
fn share(line: &str, is: fn(char) -> bool) -> f64 {
    let (mut found, mut all) = (0_usize, 0_usize);
    for c in line.chars() {
        all += 1;
        found += usize::from(is(c));
    }
    found as f64 / all as f64
}

/// `1.2k views`, whatever marks around.
fn is_counter(line: &str) -> bool {
    static COUNTER: LazyLock<Regex> = LazyLock::new(|| {
        let marks = r"[^\p{L}\p{N}_]*";
        let nouns =
            "likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads|views|followers";
        Regex::new(&format!(r"^{marks}\d[,.\d]*[kmb]?[\s\x1c-\x1f]+(?:{nouns}){marks}$")).expect("it is well formed")
    });
    // No line without a digit is one, and few are as short.
    line.chars().any(|c| c.is_numeric()) && COUNTER.is_match(&line.to_lowercase())
}

/// What is cut out of short lines, in this order.
static PHRASES: LazyLock<[Regex; 3]> = LazyLock::new(|| {
    let space = r"[\s\x1c-\x1f]?";
    let phrase = |phrase: String| Regex::new(&phrase).expect("it is well formed");
    [
        phrase(format!("(?i){space}(?:items in cart)")),
        phrase(format!("(?i){space}(?:read more...)$")),
        phrase(format!("(?i)^(?:sign-in){space}")),
    ]
});

/// Words as fastText cuts them, those that start with a letter or a digit.
fn count_words(text: &str) -> usize {
    text.split([' ', '\n', '\r', '\t', '\u{b}', '\u{c}', '\0'])
        .filter(|word| word.starts_with(is_letter_or_digit))
        .count()
}

/// As if the lines were one text whose ends lose their white space.
fn strip(lines: &mut Vec<Cow<str>>) {
    while lines.last().is_some_and(|line| line.chars().all(is_space)) {
        lines.pop();
    }
    let blank = lines.iter().take_while(|line| line.chars().all(is_space)).count();
    lines.drain(..blank);
    if let Some(first) = lines.first_mut() {
        trim(first, |line| line.trim_start_matches(is_space));
    }
    if let Some(last) = lines.last_mut() {
        trim(last, |line| line.trim_end_matches(is_space));
    }
}

fn trim(line: &mut Cow<str>, trim: fn(&str) -> &str) {
    match line {
        Cow::Borrowed(line) => *line = trim(line),
        Cow::Owned(line) => *line = trim(line).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mapped(settings: &str, text: &str) -> (Verdict, String) {
        let mut document = Document::new("", text);
        let step = RefinedwebLines::new(toml::from_str(settings).unwrap(), &mut Setup::default()).unwrap();
        let verdict = step.map(&mut document, &mut Measure::default());
        (verdict, document.text().to_owned())
    }

    #[test]
    fn dclms_answers_are_ours() {
        for line in include_str!("golden/refinedweb_lines-dclm.jsonl").lines() {
            let (text, kept, left): (String, bool, String) = serde_json::from_str(line).unwrap();
            let (verdict, ours) = mapped("", &text);
            assert_eq!(verdict == Verdict::Keep, kept, "{text:?}");
            assert!(!kept || ours == left, "{text:?} {ours:?} {left:?}");
        }
    }

    #[test]
    fn each_kind_of_line_and_each_bound() {
        let all = "max_removed_words = 1.0";
        let left = |line: &str| mapped(all, &format!("here is a line\n{line}\nhere is another")).1;
        let gone = "here is a line\nhere is another";
        for line in [
            "ABCDe f",
            "2024",
            "1.2k Views!",
            "- 3 likes",
            "Home",
            "Items in cart",
            "sign-in",
            "Read more...",
            " ",
            "首页",
        ] {
            assert_eq!(left(line), gone, "{line}");
        }
        assert_eq!(left("AB cd"), "here is a line\nAB cd\nhere is another");
        assert_eq!(left("AB c"), "here is a line\nAB c\nhere is another");
        assert_eq!(left("ABC d"), gone);
        assert_eq!(left("Sign-in or go to it Read more..."), "here is a line\nor go to it\nhere is another");
        assert_eq!(left(""), "here is a line\n\nhere is another");
        assert!(left("one two three four five six seven eight Read more...").contains("eight\n"));
        assert!(left("one two three four five six seven eight nine Read more...").contains("Read more"));
        assert_eq!(mapped("max_removed_words = 1.0\nmin_line_words = 1", "只有一行\n还有").1, "只有一行\n还有");
    }

    #[test]
    fn each_reason_to_drop_a_document() {
        assert_eq!(mapped("", "").0, Verdict::Drop("no_lines_left"));
        assert_eq!(mapped("", "一个").0, Verdict::Drop("no_lines_left"));
        assert_eq!(mapped("", "- - -").0, Verdict::Drop("no_words"));
        let twenty = "a b c d e f g h i j k l m n o p q r s\nHome";
        assert_eq!(mapped("", twenty).0, Verdict::Keep);
        assert_eq!(mapped("", &twenty.replace(" s\n", "\n")).0, Verdict::Drop("too_many_removed_words"));
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for piece in ["\n", " \n", "1", "1,", "1 ", "read more", "A\n", "items in cart ", "- "] {
            mapped("", &piece.repeat(100_000));
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(\\PC|[0-9A-Z \\n]|read more|Sign-in|items in cart| likes){0,40}") {
            mapped("", &text);
        }
    }
}
