//! Drops documents that are lists rather than prose: few lines that end, many short or repeated ones.
//!
//! The custom rules of FineWeb, with the decisions of datatrove 0.10. The paper gives 0.1 for the share
//! of characters in repeated lines (sec. 3.6); the code that made the corpus has 0.01, which is
//! followed here. Lines of white space alone do not count.
//!
//! | setting               | default | source                                        |
//! |-----------------------|---------|-----------------------------------------------|
//! | `min_ended_lines`     | 0.12    | FineWeb, arXiv:2406.17557, sec. 3.6           |
//! | `spare_unended`       | false   | datatrove: keep a text in which no line ends  |
//! | `short_line_chars`    | 30      | FineWeb, sec. 3.6                             |
//! | `max_short_lines`     | 0.67    | same                                          |
//! | `max_dup_line_chars`  | 0.01    | datatrove's code; the paper has 0.1           |
//! | `max_lines_per_word`  | 0.3     | datatrove's code                              |
//! | `words`               | english | datatrove 0.10: spaCy; `chinese` is jieba     |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fineweb_2;
use crate::kit::{
    Filter, Profile, Reason, Setup, Step, Text, Verdict, Words, Wrong, above, is_terminal, kind, repeats,
};

/// Settings of [`FinewebQuality`]. Shares lie between 0 and 1.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Smallest share of lines that end with a mark of any script.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_ended_lines: f64,
    /// Whether a text in which no line ends so is kept all the same.
    pub spare_unended: bool,
    /// A line of at most so many characters is short.
    pub short_line_chars: usize,
    /// Largest share of short lines.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_short_lines: f64,
    /// Largest share of characters in copies of earlier lines.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_dup_line_chars: f64,
    /// Most line ends for each word.
    pub max_lines_per_word: f64,
    /// How words are cut.
    pub words: Words,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            min_ended_lines: 0.12,
            spare_unended: false,
            short_line_chars: 30,
            max_short_lines: 0.67,
            max_dup_line_chars: 0.01,
            max_lines_per_word: 0.3,
            words: Words::English,
        }
    }
}

crate::measures! {
    /// What [`FinewebQuality`] measures.
    pub struct Measure {
        /// Share of lines that end with a mark.
        ended_lines,
        /// Share of short lines.
        short_lines,
        /// Share of characters in copies of earlier lines.
        dup_line_chars,
        /// Line ends for each word.
        lines_per_word,
    }
}

/// See the words at the top of this file.
pub struct FinewebQuality {
    config: Config,
}

impl Step for FinewebQuality {
    const NAME: &'static str = "fineweb_quality";
    const VERSION: u32 = 3;
    const WORDS: &'static str = include_str!("fineweb_quality.rs");
    const PROFILES: &'static [Profile] = &fineweb_2::join::<2, 8, 10>(
        [
            Profile {
                name: "code",
                settings: "",
                about: "`FineWebQualityFilter` of datatrove 0.10, which made the corpus: at most 0.01 of the characters in copied lines.",
            },
            Profile {
                name: "paper",
                settings: "max_dup_line_chars = 0.1",
                about: "As the paper has it (arXiv:2406.17557, sec. 3.6): at most 0.1 of the characters in copied lines.",
            },
        ],
        fineweb_2::FINEWEB,
    );
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(FinewebQuality { config })
    }
}

impl Filter for FinewebQuality {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::always("empty_text"),
        Reason::of("too_few_ended_lines", "min_ended_lines"),
        Reason::of("too_many_short_lines", "max_short_lines"),
        Reason::of("duplicate_line_chars", "max_dup_line_chars"),
        Reason::of("too_many_lines", "max_lines_per_word"),
    ];
    const JUDGING: &'static [&'static str] = &["spare_unended"];

    fn measure(&self, text: &Text) -> Measure {
        let lines = || text.feed_lines().filter(|line| !line.trim().is_empty());
        let (mut count, mut ended, mut short) = (0_u64, 0_u64, 0_u64);
        for line in lines() {
            count += 1;
            ended += u64::from(line.chars().next_back().is_some_and(is_terminal));
            short += u64::from(has_at_most(line, self.config.short_line_chars));
        }
        if count == 0 {
            return Measure::default();
        }
        let line_ends = text.feed_lines().len() - 1;
        let chars = text.char_count() - line_ends;
        let words = text.words(self.config.words).len();
        Measure {
            ended_lines: Some(ended as f64 / count as f64),
            short_lines: Some(short as f64 / count as f64),
            dup_line_chars: Some(repeats(lines()).copied_chars as f64 / chars as f64),
            lines_per_word: (words > 0).then(|| line_ends as f64 / words as f64),
        }
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        match measure.ended_lines {
            None => Verdict::Drop("empty_text"),
            Some(ended) if ended < self.config.min_ended_lines && !(ended == 0.0 && self.config.spare_unended) => {
                Verdict::Drop("too_few_ended_lines")
            }
            _ if above(measure.short_lines, self.config.max_short_lines) => Verdict::Drop("too_many_short_lines"),
            _ if above(measure.dup_line_chars, self.config.max_dup_line_chars) => Verdict::Drop("duplicate_line_chars"),
            _ if above(measure.lines_per_word, self.config.max_lines_per_word) => Verdict::Drop("too_many_lines"),
            _ => Verdict::Keep,
        }
    }
}

/// Whether a line has no more characters than that. Its bytes tell of most.
fn has_at_most(line: &str, chars: usize) -> bool {
    line.len() <= chars || line.len() / 4 <= chars && line.chars().nth(chars).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter() -> FinewebQuality {
        FinewebQuality::new(Config::default(), &mut Setup::default()).unwrap()
    }

    fn judged(text: &str) -> Verdict {
        Filter::judge(&filter(), &filter().measure(&text.into()))
    }

    #[test]
    fn prose_is_kept_and_each_fault_has_its_reason() {
        let line = |n: usize| format!("This is line number {n}, and it is long enough to count.\n");
        let prose: String = (0..10).map(line).collect();
        assert_eq!(judged(&prose), Verdict::Keep);
        assert_eq!(judged(" \n"), Verdict::Drop("empty_text"));
        assert_eq!(judged(&prose.replace(".\n", "\n")), Verdict::Drop("too_few_ended_lines"));
        assert_eq!(
            judged(&(line(1) + &(0..9).map(|n| format!("Short {n}.\n")).collect::<String>())),
            Verdict::Drop("too_many_short_lines")
        );
        assert_eq!(judged(&(prose.clone() + &line(1))), Verdict::Drop("duplicate_line_chars"));
        assert_eq!(judged(&(prose.clone() + &"\n".repeat(60))), Verdict::Drop("too_many_lines"));
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for text in ["\n".repeat(1_000_000), "a\n".repeat(500_000), "x".repeat(4_000_000), "[".repeat(1_000_000)] {
            filter().measure(&text.as_str().into());
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    #[test]
    fn bounds_are_inclusive_and_chinese_marks_end_lines() {
        let bound = Measure {
            ended_lines: Some(0.12),
            short_lines: Some(0.67),
            dup_line_chars: Some(0.01),
            lines_per_word: Some(0.3),
        };
        assert_eq!(Filter::judge(&filter(), &bound), Verdict::Keep);
        assert_eq!(
            Filter::judge(&filter(), &Measure { lines_per_word: Some(0.31), ..bound }),
            Verdict::Drop("too_many_lines")
        );
        let measure = filter()
            .measure(&"这一行以句号结束，而且有三十多个字，所以它不算是很短的一行文字，可以通过。\n没有".into());
        assert_eq!(measure.ended_lines, Some(0.5));
    }
}
