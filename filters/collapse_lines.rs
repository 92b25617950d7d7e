//! Collapses empty lines and, if asked for, lines of marks alone.
//!
//! Lines of nothing but white space are empty; of many in a row a few stay, none at either end of the text.
//! White space at the ends of lines goes. Lines such as `* * *`, `-----` or `=====` are rules drawn by hand
//! and may go too. Code between fences and indented code keep all of theirs.
//!
//! | setting           | default | source                                                        |
//! |-------------------|---------|---------------------------------------------------------------|
//! | `max_empty_lines` | 1       | ours: in a row                                                |
//! | `marks`           | `keep`  | ours: `keep`, `drop`, or `one` of those that are alike in a row |
//! | `min_marks`       | 3       | ours: as Markdown has it for its rules                        |
//! | `trailing_space`  | true    | ours                                                          |
//! | `code`            | true    | ours: whether code keeps its lines as they are                |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Document, Mapper, Setup, Step, Verdict, Wrong, kind};

/// Settings of [`CollapseLines`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Most empty lines in a row.
    pub max_empty_lines: usize,
    /// What becomes of lines of marks alone.
    pub marks: Marks,
    /// Fewest marks of a line of marks.
    pub min_marks: usize,
    /// Whether white space at the ends of lines goes.
    pub trailing_space: bool,
    /// Whether code keeps its lines: between fences, and indented by four spaces or a tab.
    pub code: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { max_empty_lines: 1, marks: Marks::Keep, min_marks: 3, trailing_space: true, code: true }
    }
}

/// What becomes of lines of marks alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Marks {
    /// They stay.
    Keep,
    /// Of those that are alike, with at most empty lines between them, the first stays.
    One,
    /// They go.
    Drop,
}

crate::measures! {
    /// What [`CollapseLines`] measures.
    pub struct Measure {
        /// Empty lines that went.
        dropped_empty_lines,
        /// Lines of marks that went.
        dropped_mark_lines,
        /// Lines that lost white space at their end.
        trimmed_lines,
    }
}

/// See the words at the top of this file.
pub struct CollapseLines {
    config: Config,
}

impl Step for CollapseLines {
    const NAME: &'static str = "collapse_lines";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("collapse_lines.rs");
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(CollapseLines { config })
    }
}

impl Mapper for CollapseLines {
    type Measure = Measure;

    fn map(&self, document: &mut Document, measure: &mut Measure) -> Verdict {
        let text = document.text();
        let mut out = String::with_capacity(text.len());
        let (mut dropped_empty, mut dropped_marks, mut trimmed_lines) = (0_usize, 0_usize, 0_usize);
        let mut empty = 0_usize;
        let mut fence = None::<&str>;
        let mut last_mark = None;
        let mut any = false;
        // A line end behind the last line is no empty line.
        let body = text.strip_suffix('\n').unwrap_or(text);
        for line in body.split('\n') {
            let trimmed = line.trim_end();
            let words = trimmed.trim_start();
            let opens = ["```", "~~~"].into_iter().find(|fence| words.starts_with(fence));
            let is_code = self.config.code
                && (fence.is_some() || opens.is_some() || line.starts_with("    ") || line.starts_with('\t'));
            match (fence, opens) {
                (None, _) => fence = opens,
                (Some(open), _) if words.starts_with(open) => fence = None,
                _ => {}
            }
            if words.is_empty() && !(is_code && fence.is_some()) {
                empty += 1;
                continue;
            }
            if !is_code {
                let mark = self.mark(words);
                let again = mark.is_some() && mark == last_mark;
                let goes = match self.config.marks {
                    Marks::Keep => false,
                    Marks::One => again,
                    Marks::Drop => mark.is_some(),
                };
                last_mark = mark;
                if goes {
                    dropped_marks += 1;
                    continue;
                }
            }
            // Empty lines count once their end is known: none stays before the first line.
            let stay = if any { empty.min(self.config.max_empty_lines) } else { 0 };
            dropped_empty += empty - stay;
            empty = 0;
            if any {
                out.push('\n');
            }
            (0..stay).for_each(|_| out.push('\n'));
            any = true;
            let kept = if self.config.trailing_space && !is_code { trimmed } else { line };
            trimmed_lines += usize::from(kept.len() < line.len());
            out.push_str(kept);
        }
        dropped_empty += empty - usize::from(text.is_empty());
        if any && body.len() < text.len() {
            out.push('\n');
        }
        *measure = Measure {
            dropped_empty_lines: Some(dropped_empty as f64),
            dropped_mark_lines: Some(dropped_marks as f64),
            trimmed_lines: Some(trimmed_lines as f64),
        };
        if out != text {
            document.set_text(out);
        }
        Verdict::Keep
    }
}

impl CollapseLines {
    /// The mark that a line is made of: all the same, or several kinds, with nothing but white space between.
    fn mark(&self, words: &str) -> Option<char> {
        let mut marks = words.chars().filter(|c| !c.is_whitespace());
        let first = marks.next()?;
        let is_mark =
            |c: char| !c.is_alphanumeric() && !matches!(c, '(' | ')' | '{' | '}' | '[' | ']' | '<' | '>' | '|');
        let mut count = 1;
        for mark in marks {
            if mark != first {
                return None;
            }
            count += 1;
        }
        (is_mark(first) && count >= self.config.min_marks).then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mapped(settings: &str, text: &str) -> (String, Measure) {
        let mut document = Document::new("", text);
        let mut measure = Measure::default();
        let step = CollapseLines::new(toml::from_str(settings).unwrap(), &mut Setup::default()).unwrap();
        assert_eq!(step.map(&mut document, &mut measure), Verdict::Keep);
        (document.text().to_owned(), measure)
    }

    #[test]
    fn empty_lines_and_trailing_space_collapse() {
        let (text, measure) = mapped("", "\n \n一 \t\n\n　\n\n二\n三\u{a0}\n\n\n");
        assert_eq!(text, "一\n\n二\n三\n");
        assert_eq!((measure.dropped_empty_lines, measure.trimmed_lines), (Some(6.0), Some(2.0)));
        assert_eq!(mapped("max_empty_lines = 0", "a\n\nb\n\n").0, "a\nb\n");
        assert_eq!(mapped("max_empty_lines = 2", "a\n\n\n\nb").0, "a\n\n\nb");
        assert_eq!(mapped("trailing_space = false", "a \n\n\nb").0, "a \n\nb");
        assert_eq!(
            mapped("", ""),
            (
                String::new(),
                Measure { dropped_empty_lines: Some(0.0), dropped_mark_lines: Some(0.0), trimmed_lines: Some(0.0) }
            )
        );
    }

    #[test]
    fn lines_of_marks_go_if_asked_for() {
        let text = "a\n* * *\n\n***\n-----\n--\n||||\nb";
        assert_eq!(mapped("", text).0, text);
        let (one, measure) = mapped("marks = \"one\"", text);
        assert_eq!((one.as_str(), measure.dropped_mark_lines), ("a\n* * *\n\n-----\n--\n||||\nb", Some(1.0)));
        let (none, measure) = mapped("marks = \"drop\"", text);
        assert_eq!((none.as_str(), measure.dropped_mark_lines), ("a\n\n--\n||||\nb", Some(3.0)));
        assert!(!mapped("marks = \"drop\"\nmin_marks = 2", text).0.contains("--"));
    }

    #[test]
    fn code_keeps_its_lines() {
        let text = "a\n```\nx \n\n\n---\n```\n\n    y  \nb";
        assert_eq!(mapped("marks = \"drop\"", text).0, text);
        assert_eq!(mapped("code = false", text).0, "a\n```\nx\n\n---\n```\n\n    y\nb");
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for text in ["\n", " \n", "-", "```\n", "a \n", "* *\n"] {
            mapped("marks = \"one\"", &text.repeat(300_000));
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn a_second_time_changes_nothing(text in "(a|中| |\n|\t|```|~~~|\\*\\*\\*|    |---|\\PC){0,60}", settings in "(marks = \"(keep|one|drop)\"\n)?(code = false\n)?max_empty_lines = [0-3]") {
            let once = mapped(&settings, &text).0;
            prop_assert_eq!(&mapped(&settings, &once).0, &once);
        }
    }
}
