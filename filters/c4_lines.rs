//! Keeps the lines that look like sentences, and drops documents with too few of them.
//!
//! The rules of C4 with the decisions of datatrove 0.10, each under its own switch. A document is
//! dropped for `lorem ipsum`, for a curly bracket, and for too few sentences in what is left. Kept
//! lines lose white space at their ends and marks of citations, and are joined by line ends.
//!
//! | setting                | default | source                                                     |
//! |------------------------|---------|------------------------------------------------------------|
//! | `terminal_punctuation` | true    | C4, arXiv:1910.10683, sec. 2.2; FineWeb switches it off     |
//! | `min_line_words`       | 3       | datatrove; C4's paper says 5 in its first version           |
//! | `max_word_chars`       | 1000    | C4's code                                                   |
//! | `min_sentences`        | 5       | datatrove; C4's paper says 3 in its last version            |
//! | `lorem_ipsum`, `javascript`, `curly_bracket`, `policy` | true | C4, sec. 2.2           |
//! | `citations`            | true    | C4's code: removes `[1]`, `[edit]`, `[citation needed]`     |
//! | `split`                | lines   | datatrove's `split_paragraph`; `sentences` judges each sentence |
//! | `words`                | english | datatrove 0.10: spaCy; what sentences are cut from          |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{
    self, Document, Mapper, Profile, Reason, Setup, Step, Verdict, Words, Wrong, count_sentences, kind, split_lines,
};

/// Settings of [`C4Lines`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether a line must end with `.`, `?`, `!`, `"` or `'`, and not with `...`.
    pub terminal_punctuation: bool,
    /// Fewest words of a line, cut at white space.
    pub min_line_words: usize,
    /// Longest word of a line, in characters.
    pub max_word_chars: usize,
    /// Fewest sentences in the lines that are kept.
    pub min_sentences: usize,
    /// Whether a document with `lorem ipsum` is dropped.
    pub lorem_ipsum: bool,
    /// Whether lines with `javascript` go.
    pub javascript: bool,
    /// Whether a document with `{` is dropped.
    pub curly_bracket: bool,
    /// Whether lines about terms of use, privacy and cookies go.
    pub policy: bool,
    /// Whether marks of citations are removed.
    pub citations: bool,
    /// What is judged piece by piece.
    pub split: Split,
    /// How words are cut, of which sentences are made.
    pub words: Words,
}

/// What [`C4Lines`] judges piece by piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Lines; what is kept is joined by line ends.
    Lines,
    /// Sentences; what is kept is joined by spaces, and each counts as one.
    Sentences,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            terminal_punctuation: true,
            min_line_words: 3,
            max_word_chars: 1000,
            min_sentences: 5,
            lorem_ipsum: true,
            javascript: true,
            curly_bracket: true,
            policy: true,
            citations: true,
            split: Split::Lines,
            words: Words::English,
        }
    }
}

crate::measures! {
    /// What [`C4Lines`] measures.
    pub struct Measure {
        /// Lines before.
        lines,
        /// Lines that were kept.
        kept_lines,
        /// Sentences in them.
        sentences,
    }
}

/// See the words at the top of this file.
pub struct C4Lines {
    config: Config,
    policy: aho_corasick::AhoCorasick,
    /// Whether a text has what any of the three looks for: most have none of it.
    any: Phrases,
    javascript: aho_corasick::AhoCorasick,
    lorem_ipsum: aho_corasick::AhoCorasick,
}

const POLICY: [&str; 6] =
    ["terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"];

const JAVASCRIPT: &str = "javascript";
const LOREM_IPSUM: &str = "lorem ipsum";

impl Step for C4Lines {
    const NAME: &'static str = "c4_lines";
    const VERSION: u32 = 3;
    const WORDS: &'static str = include_str!("c4_lines.rs");
    const PROFILES: &'static [Profile] = &[
        Profile { name: "datatrove", settings: "", about: "`C4QualityFilter` of datatrove 0.10, every rule on." },
        Profile {
            name: "fineweb",
            settings: "terminal_punctuation = false",
            about: "As FineWeb uses it (arXiv:2406.17557, sec. 3.5): lines need no mark at their end, since that rule alone cost 30 % of tokens.",
        },
    ];
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        let matcher = |patterns: &[&str]| {
            let builder = aho_corasick::AhoCorasick::builder().ascii_case_insensitive(true).build(patterns);
            builder.expect("a few short patterns")
        };
        Ok(C4Lines {
            config,
            policy: matcher(&POLICY),
            javascript: matcher(&[JAVASCRIPT]),
            lorem_ipsum: matcher(&[LOREM_IPSUM]),
            any: Phrases::new(),
        })
    }
}

impl Mapper for C4Lines {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::of("lorem_ipsum", "lorem_ipsum"),
        Reason::of("curly_bracket", "curly_bracket"),
        Reason::of("too_few_sentences", "min_sentences"),
    ];

    fn map(&self, document: &mut Document, measure: &mut Measure) -> Verdict {
        let mut kept = String::with_capacity(document.text().len());
        let (mut lines, mut kept_lines, mut sentences) = (0_usize, 0_usize, 0_usize);
        // A citation that goes may bring two halves together.
        let citations = self.config.citations && memchr::memchr(b'[', document.text().as_bytes()).is_some();
        let words_of_interest = citations || self.any.are_in(document.text());
        let curly_bracket = self.config.curly_bracket && memchr::memchr(b'{', document.text().as_bytes()).is_some();
        let sentence = match self.config.split {
            Split::Lines => Vec::new(),
            Split::Sentences => kit::sentences(document.text(), self.config.words),
        };
        let whole = if self.config.split == Split::Lines { document.text() } else { "" };
        for line in split_lines(whole).chain(sentence) {
            lines += 1;
            let line = line.trim();
            // Word by word only where the line could hold a word that long.
            let too_long = line.len() > self.config.max_word_chars
                && line.split_whitespace().any(|word| has_more_chars(word, self.config.max_word_chars));
            if too_long {
                continue;
            }
            let cleaned = if citations { without_citations(line) } else { line.into() };
            let ends_well = cleaned.ends_with(['.', '?', '!', '"', '\'']) && !cleaned.ends_with("...");
            if self.config.terminal_punctuation && !ends_well {
                continue;
            }
            if line.split_whitespace().take(self.config.min_line_words).count() < self.config.min_line_words {
                continue;
            }
            if words_of_interest && self.config.lorem_ipsum && self.lorem_ipsum.is_match(&*cleaned) {
                return Verdict::Drop("lorem_ipsum");
            }
            if words_of_interest && self.config.javascript && self.javascript.is_match(&*cleaned) {
                continue;
            }
            if curly_bracket && cleaned.contains('{') {
                return Verdict::Drop("curly_bracket");
            }
            if words_of_interest && self.config.policy && self.policy.is_match(&*cleaned) {
                continue;
            }
            sentences += match self.config.split {
                Split::Lines => count_sentences(&cleaned, self.config.words),
                Split::Sentences => 1,
            };
            kept_lines += 1;
            if !kept.is_empty() || kept_lines > 1 {
                kept.push(if self.config.split == Split::Lines { '\n' } else { ' ' });
            }
            kept.push_str(&cleaned);
        }
        *measure = Measure {
            lines: Some(lines as f64),
            kept_lines: Some(kept_lines as f64),
            sentences: Some(sentences as f64),
        };
        if sentences < self.config.min_sentences {
            return Verdict::Drop("too_few_sentences");
        }
        let trimmed = kept.trim();
        if trimmed != document.text() {
            document.set_text(trimmed);
        }
        Verdict::Keep
    }
}

/// Whether a word has more characters than that. Its bytes tell of most.
fn has_more_chars(word: &str, chars: usize) -> bool {
    word.len() > chars && word.chars().nth(chars).is_some()
}

/// Looks for any of [`POLICY`], [`JAVASCRIPT`] and [`LOREM_IPSUM`], in any case: first for three letters of
/// each that are rare, which takes a few instructions for many bytes, then for the rest around them.
struct Phrases {
    /// Every spelling of the three letters.
    letters: aho_corasick::packed::Searcher,
    /// For each spelling, the phrases it may belong to.
    phrases: Vec<&'static [&'static str]>,
}

/// Three letters of each phrase.
const LETTERS: [(&str, &[&str]); 5] = [
    ("oki", &["cookie policy", "uses cookies", "use of cookies", "use cookies"]),
    ("rms", &["terms of use"]),
    ("vac", &["privacy policy"]),
    ("vas", &[JAVASCRIPT]),
    ("psu", &[LOREM_IPSUM]),
];

impl Phrases {
    fn new() -> Phrases {
        let mut builder = aho_corasick::packed::Config::new().builder();
        let mut phrases = Vec::new();
        for (letters, of) in LETTERS {
            for capitals in 0..8 {
                let cased = |(at, letter): (usize, char)| {
                    if capitals >> at & 1 == 1 { letter.to_ascii_uppercase() } else { letter }
                };
                builder.add(letters.chars().enumerate().map(cased).collect::<String>());
                phrases.push(of);
            }
        }
        Phrases { letters: builder.build().expect("a few patterns of equal length"), phrases }
    }

    fn are_in(&self, text: &str) -> bool {
        let text = text.as_bytes();
        let complete = |found: aho_corasick::Match| {
            self.phrases[found.pattern().as_usize()].iter().any(|phrase| {
                // Each phrase has its three letters once.
                let letters = LETTERS[found.pattern().as_usize() / 8].0;
                let before = phrase.find(letters).expect("letters of the phrase");
                let start = found.start().checked_sub(before);
                let there = start.and_then(|start| text.get(start..start + phrase.len()));
                there.is_some_and(|there| there.eq_ignore_ascii_case(phrase.as_bytes()))
            })
        };
        self.letters.find_iter(text).any(complete)
    }
}

/// Without `[12]`, `[]`, `[edit]` and `[citation needed]`.
fn without_citations(line: &str) -> std::borrow::Cow<'_, str> {
    let citation = |rest: &str| {
        let inner = &rest[1..];
        let digits = inner.chars().take_while(|c| c.is_numeric()).map(char::len_utf8).sum::<usize>();
        if inner[digits..].starts_with(']') {
            return Some(digits + 2);
        }
        ["[edit]", "[citation needed]"].iter().find(|mark| rest.starts_with(**mark)).map(|mark| mark.len())
    };
    let mut out = None::<String>;
    let mut from = 0;
    for at in memchr::memchr_iter(b'[', line.as_bytes()) {
        if at < from {
            continue;
        }
        if let Some(length) = citation(&line[at..]) {
            out.get_or_insert_default().push_str(&line[from..at]);
            from = at + length;
        }
    }
    match out {
        Some(mut out) => {
            out.push_str(&line[from..]);
            out.into()
        }
        None => line.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mapped(config: Config, text: &str) -> (Verdict, String) {
        let mut document = Document::new("", text);
        let verdict = C4Lines::new(config, &mut Setup::default()).unwrap().map(&mut document, &mut Measure::default());
        (verdict, document.text().to_owned())
    }

    const LINES: &str = "One is here now. Two is here now.\nThree is here now! Four is here now?\n\"Five is here.\"";

    #[test]
    fn sentences_stay_and_other_lines_go() {
        let text = format!(
            "Menu\n{LINES}\nRead more and more\nplease enable Javascript now.\nWe use cookies for you.\nIt goes on...\n  Six [1] is here[edit].  "
        );
        let (verdict, kept) = mapped(Config::default(), &text);
        assert_eq!(verdict, Verdict::Keep);
        assert_eq!(kept, format!("{LINES}\nSix  is here."));
    }

    #[test]
    fn sentences_can_be_judged_one_by_one() {
        let config = Config { split: Split::Sentences, min_sentences: 2, ..Config::default() };
        let text = "One is here now. Read our privacy policy here. And it goes on… Two are\nhere now! Menu";
        assert_eq!(
            mapped(config, text),
            (Verdict::Keep, "One is here now. And it goes on… Two are\nhere now!".to_owned())
        );
    }

    #[test]
    fn each_reason_to_drop_a_document() {
        assert_eq!(mapped(Config::default(), "").0, Verdict::Drop("too_few_sentences"));
        assert_eq!(
            mapped(Config::default(), "One is here. Two is here. Three is here. Four is here.").0,
            Verdict::Drop("too_few_sentences")
        );
        assert_eq!(
            mapped(Config::default(), &format!("{LINES}\nLorem Ipsum dolor sit.")).0,
            Verdict::Drop("lorem_ipsum")
        );
        assert_eq!(
            mapped(Config::default(), &format!("{LINES}\nif (x) {{ y; }} or so.")).0,
            Verdict::Drop("curly_bracket")
        );
    }

    #[test]
    fn a_word_that_is_too_long_takes_its_line_along() {
        let long = "x".repeat(1001);
        let (_, kept) = mapped(Config::default(), &format!("{LINES}\nthis is {long} here."));
        assert_eq!(kept, LINES);
        let bound = "x".repeat(999);
        assert!(mapped(Config::default(), &format!("{LINES}\nthis is {bound}.")).1.contains(&bound));
    }

    #[test]
    fn chinese_lines_have_no_spaces_and_fall_to_the_rule_about_words() {
        let text = "第一句话。第二句话。第三句话。第四句话。第五句话。";
        let config = Config { terminal_punctuation: false, min_line_words: 1, min_sentences: 1, ..Config::default() };
        assert_eq!(mapped(config, text), (Verdict::Keep, text.to_owned()));
        assert_eq!(mapped(Config::default(), text).0, Verdict::Drop("too_few_sentences"));
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for text in [
            "\n".repeat(1_000_000),
            "[".repeat(1_000_000),
            "[1".repeat(500_000),
            "x".repeat(4_000_000),
            "a. ".repeat(200_000),
        ] {
            let config = Config { max_word_chars: usize::MAX, terminal_punctuation: false, ..Config::default() };
            C4Lines::new(config, &mut Setup::default())
                .unwrap()
                .map(&mut Document::new("", text), &mut Measure::default());
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn phrases_are_found_in_any_case(
            text in "(Java|javas|Script|uses? |COOKIES|of |cook|ie |lorem |Ipsum|privacy|terms of | policy|use| |\n|字){0,12}"
        ) {
            let any = [&POLICY[..], &[JAVASCRIPT, LOREM_IPSUM]].concat();
            let found = any.iter().any(|phrase| text.to_lowercase().contains(phrase));
            prop_assert_eq!(Phrases::new().are_in(&text), found);
        }

        #[test]
        fn citations_go_as_the_regular_expression_has_it(line in "(\\[|\\]|1|23|edit|citation needed| |a){0,12}") {
            let plain = regex::Regex::new(r"\[\d*]|\[edit]|\[citation needed]").unwrap().replace_all(&line, "").into_owned();
            prop_assert_eq!(without_citations(&line), plain);
        }
    }
}
