//! Drops documents with too few long lines.
//!
//! The rule that mC4 keeps a page by (arXiv:2010.11934, sec. 3.1), with the decisions of datatrove 0.10's
//! `C4ParagraphFilter`: lines are cut at `\n`, and empty ones count among all lines.
//!
//! | setting          | default | source                                   |
//! |------------------|---------|------------------------------------------|
//! | `min_long_lines` | 3       | mC4, arXiv:2010.11934, sec. 3.1          |
//! | `min_line_chars` | 200     | same                                     |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Filter, Profile, Reason, Setup, Step, Text, Verdict, Wrong, kind};

/// Settings of [`Mc4Paragraphs`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Fewest lines that are long.
    pub min_long_lines: u64,
    /// Characters of a line from which it is long.
    pub min_line_chars: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config { min_long_lines: 3, min_line_chars: 200 }
    }
}

crate::measures! {
    /// What [`Mc4Paragraphs`] measures.
    pub struct Measure {
        /// Lines that are long.
        long_lines,
    }
}

/// See the words at the top of this file.
pub struct Mc4Paragraphs {
    config: Config,
}

impl Step for Mc4Paragraphs {
    const NAME: &'static str = "mc4_paragraphs";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("mc4_paragraphs.rs");
    const PROFILES: &'static [Profile] =
        &[Profile { name: "datatrove", settings: "", about: "`C4ParagraphFilter` of datatrove 0.10." }];
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(Mc4Paragraphs { config })
    }
}

impl Filter for Mc4Paragraphs {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[Reason::of("too_few_long_lines", "min_long_lines")];
    const MEASURING: &'static [&'static str] = &["min_line_chars"];

    fn measure(&self, text: &Text) -> Measure {
        let least = self.config.min_line_chars;
        // As many bytes at least as characters: most lines are told by that alone.
        let long = |line: &&str| line.len() >= least && (least == 0 || line.chars().nth(least - 1).is_some());
        Measure { long_lines: Some(text.feed_lines().filter(long).count() as f64) }
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        let few = measure.long_lines.is_none_or(|lines| lines < self.config.min_long_lines as f64);
        if few { Verdict::Drop("too_few_long_lines") } else { Verdict::Keep }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str) -> Verdict {
        let filter = Mc4Paragraphs::new(Config::default(), &mut Setup::default()).unwrap();
        Filter::judge(&filter, &filter.measure(&text.into()))
    }

    #[test]
    fn three_lines_of_two_hundred_characters_are_enough() {
        let (line, short) = ("字".repeat(200), "字".repeat(199));
        assert_eq!(judged(&format!("{line}\n\n{line}\nmenu\n{line}")), Verdict::Keep);
        assert_eq!(judged(&format!("{line}\n{line}\n{short}")), Verdict::Drop("too_few_long_lines"));
        assert_eq!(judged(""), Verdict::Drop("too_few_long_lines"));
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for text in ["\n".repeat(1_000_000), "字".repeat(1_000_000), "x".repeat(4_000_000)] {
            judged(&text);
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }
}
