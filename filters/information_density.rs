//! Measures how much a text says for its length, by small means, in one score.
//!
//! A text is Chinese where a fifth of its letters is Han, English otherwise; other languages have no scores that mean
//! something. A unit is a Han character by itself or a run of other letters and digits. A text without a unit has a score
//! of 0.
//!
//! | part           | what it is                                                                                    |
//! |----------------|-----------------------------------------------------------------------------------------------|
//! | `compressed`   | bytes by zstd at level 3 with a dictionary of English and Chinese text, as a share             |
//! | `surprisal`    | bits for each character under `chars-zh` or `chars-en`; of the first 4,000 characters          |
//! | `content`      | share of units that are no stop words (570 English ones, 60 Chinese characters of grammar)     |
//! | `entities`     | share of units that are capitalised within a sentence, Latin within Chinese, or hold a digit   |
//! | `new_ideas`    | mean over sentences of the share of runs of three units that no sentence before had            |
//! | `idf`          | mean inverse document frequency of units, in bits, of 12 for those that are not listed         |
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
//! No part counts against its sense: `compressed` and `new_ideas` can only raise the score; `boilerplate`,
//! `formula_code` and `repeated` only lower it; of the others there is a best middle. `value` measures this score, the
//! two others and what they are worth together.
//!
//! | setting       | default | source          |
//! |---------------|---------|-----------------|
//! | `min_density` | 0.0     | ours; keeps all |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Filter, Reason, Setup, Step, Text, Verdict, Wrong, below, kind};
use crate::value::{Language, Wanted, parts};

/// Settings of [`InformationDensity`].
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Least density to keep.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_density: f64,
}

crate::value::score_of_parts! {
    /// What [`InformationDensity`] measures.
    pub struct Measure {
        /// How much the text says for its length, from 0 to 1.
        density of
        compressed, surprisal, content, entities, new_ideas, idf, boilerplate, formula_code, repeated,
    }
}

/// See the words at the top of this file.
pub struct InformationDensity {
    config: Config,
}

impl Step for InformationDensity {
    const NAME: &'static str = "information_density";
    const VERSION: u32 = 2;
    const WORDS: &'static str = include_str!("information_density.rs");
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(InformationDensity { config })
    }
}

impl Filter for InformationDensity {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[Reason::of("density_too_low", "min_density")];

    fn measure(&self, text: &Text) -> Measure {
        let wanted = Wanted { compressed: true, surprisal: true, ..Wanted::default() };
        Measure::of(parts(text, wanted).map(|(parts, chinese)| {
            let odds = Language::of(chinese).density.odds(&parts);
            (parts, odds)
        }))
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        if below(measure.density, self.config.min_density) { Verdict::Drop("density_too_low") } else { Verdict::Keep }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::examples::{CHINESE, PROSE};

    fn measure(text: &str) -> Measure {
        InformationDensity { config: Config::default() }.measure(&text.into())
    }

    #[test]
    fn prose_says_more_than_a_menu_and_than_itself_again() {
        for (prose, menu) in [
            (PROSE, "Home\nLogin\nRegister\nHome\nCart\nHelp\nLogin\nTerms\nHome\nContact\n"),
            (CHINESE, "首页\n登录\n注册\n首页\n购物车\n帮助\n登录\n首页\n联系我们\n"),
        ] {
            let (good, bad) = (measure(prose), measure(&menu.repeat(4)));
            assert!(good.density > bad.density, "{good:?} {bad:?}");
            let again = measure(&prose.repeat(8));
            assert!(
                again.density < good.density && again.new_ideas < good.new_ideas && again.compressed < good.compressed
            );
        }
    }

    #[test]
    fn each_part_is_what_the_page_says() {
        let found = measure("The mill of Anna has 12 wheels. The mill of Anna has 12 wheels!");
        assert_eq!((found.entities, found.new_ideas), (Some(4.0 / 14.0), Some(0.5)));
        assert_eq!(measure("one two three\n").boilerplate, Some(1.0));
        assert_eq!(measure("a+1;").formula_code, Some(0.75));
        assert_eq!(measure("河水的").content, Some(2.0 / 3.0));
        assert_eq!(measure("the river").content, Some(0.5));
        assert_eq!(measure("one two.\n\n one two.\nthree\n").repeated, Some(7.0 / 19.0));
    }
}
