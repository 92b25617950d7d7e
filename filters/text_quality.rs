//! Measures how well a text is written: fluency, format and grammar, by small means, in one score.
//!
//! A text is Chinese where a fifth of its letters is Han, English otherwise; other languages have no scores that mean
//! something. A unit is a Han character by itself or a run of other letters and digits. A text without a unit has a score
//! of 0.
//!
//! | part           | what it is                                                                                    |
//! |----------------|-----------------------------------------------------------------------------------------------|
//! | `fluent`       | logarithm of the odds of `clean` by the classifier `fluent-zh` or `fluent-en`, from -8 to 8    |
//! | `surprisal`    | bits for each character under `chars-zh` or `chars-en`; of the first 4,000 characters          |
//! | `unevenness`   | standard deviation of `surprisal` between lines of 20 characters and more                      |
//! | `marks`        | marks of sentences and commas for each unit                                                    |
//! | `misplaced`    | share of marks that begin a line or stand behind white space                                   |
//! | `runs`         | share of visible characters that are the mark or symbol before them again                      |
//! | `sentence`     | logarithm (base 2) of the mean number of units of a sentence                                   |
//! | `small_starts` | share of sentences that begin with a small letter                                              |
//! | `exclaimed`    | share of sentences that end in `!`                                                             |
//! | `shouted`      | share of units of two letters and more that are all capitals                                   |
//! | `links`        | `http`, `https`, `www` and `@` for each unit                                                   |
//! | `odd`          | share of characters that are controls, for private use, or replacements of broken ones         |
//! | `foreign`      | share of letters that are neither Han nor from A to Z                                          |
//! | `boilerplate`  | share of characters in lines of at most 6 units that end without a mark of sentence            |
//! | `formula_code` | share of visible characters that are digits or symbols, or one of `{}[]()/\_#*;`              |
//! | `repeated`     | share of visible characters in lines that were said before                                    |
//!
//! Each part adds what a line through points says (`value/weights.toml`); the sum is the logarithm of the odds. The
//! weights were fitted by `value/train.py` on encyclopaedias, speeches, books and manuals against spam and what was made
//! of good texts (menus, word salad, repeats, wrong encodings, tables, noise, strings of points): 2,128 English and 1,779
//! Chinese documents, a fifth more held out (`value/card.toml` says how well it does on them). The labels are of
//! provenance: the score tells junk from text; it ranks good texts among themselves only as far as its parts do. InternLM2's
//! scorers (arXiv:2403.17297, sec. 3.1) are large and unpublished: **parts and score are ours**.
//! Letters in disorder lower the score of English next to nothing: no text that was learned is wrong in them alone.
//! No part counts against its sense: `fluent` can only raise the score; of `surprisal`, `unevenness`, `marks` and `sentence`
//! there is a best middle; the others only lower it.
//!
//! | setting            | default | source          |
//! |--------------------|---------|-----------------|
//! | `min_text_quality` | 0.0     | ours; keeps all |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Filter, Reason, Setup, Step, Text, Verdict, Wrong, below, kind};
use crate::value::{Language, Wanted, parts};

/// Settings of [`TextQuality`].
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Least quality of the text to keep.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_text_quality: f64,
}

crate::value::score_of_parts! {
    /// What [`TextQuality`] measures.
    pub struct Measure {
        /// How well the text is written, from 0 to 1.
        text_quality of
        fluent, surprisal, unevenness, marks, misplaced, runs, sentence, small_starts, exclaimed, shouted,
        links, odd, foreign, boilerplate, formula_code, repeated,
    }
}

/// See the words at the top of this file.
pub struct TextQuality {
    config: Config,
}

impl Step for TextQuality {
    const NAME: &'static str = "text_quality";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("text_quality.rs");
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(TextQuality { config })
    }
}

impl Filter for TextQuality {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[Reason::of("text_quality_too_low", "min_text_quality")];

    fn measure(&self, text: &Text) -> Measure {
        let wanted = Wanted { surprisal: true, fluent: true, ..Wanted::default() };
        Measure::of(parts(text, wanted).map(|(parts, chinese)| {
            let odds = Language::of(chinese).text_quality.odds(&parts);
            (parts, odds)
        }))
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        if below(measure.text_quality, self.config.min_text_quality) {
            Verdict::Drop("text_quality_too_low")
        } else {
            Verdict::Keep
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::examples::{CHINESE, PROSE};

    fn measure(text: &str) -> Measure {
        TextQuality { config: Config::default() }.measure(&text.into())
    }

    #[test]
    fn prose_is_better_written_than_noise_and_wrong_encodings() {
        for prose in [PROSE, CHINESE] {
            let broken: String = prose.chars().flat_map(|c| [c, '\u{fffd}', '\u{91}']).collect();
            for bad in ["}4-;!$1<.@. 4/@/~--,!$^9*-7^5`&{^$^/.\n".repeat(9), broken] {
                assert!(measure(prose).text_quality > measure(&bad).text_quality, "{bad}");
            }
        }
    }

    #[test]
    fn each_part_is_what_the_page_says() {
        let found = measure("The mill has wheels. it turns , slowly...  ask www AT mill@example!");
        assert_eq!((found.marks, found.misplaced), (Some(6.0 / 12.0), Some(1.0 / 4.0)));
        assert_eq!(
            (found.small_starts, found.exclaimed, found.shouted),
            (Some(2.0 / 3.0), Some(1.0 / 3.0), Some(1.0 / 12.0))
        );
        assert_eq!((found.links, found.runs), (Some(2.0 / 12.0), Some(2.0 / 55.0)));
        assert_eq!(measure("one two three. four five six.").sentence, Some(3_f64.log2()));
        assert_eq!(measure("ab\u{fffd}\u{e000}\u{91}\u{b}").odd, Some(0.5));
        assert_eq!(measure("aé河p").foreign, Some(0.25));
    }
}
