//! Measures whether a text is worth learning from: educational and factual value, by small means, in one score.
//!
//! A text is Chinese where a fifth of its letters is Han, English otherwise; other languages have no scores that mean
//! something. A unit is a Han character by itself or a run of other letters and digits. A text without a unit has a score
//! of 0.
//!
//! | part           | what it is                                                                                    |
//! |----------------|-----------------------------------------------------------------------------------------------|
//! | `worth`        | logarithm of the odds of `high` by the classifier `quality-zh` or `quality-en`, from -8 to 8   |
//! | `content`      | share of units that are no stop words (570 English ones, 60 Chinese characters of grammar)     |
//! | `entities`     | share of units that are capitalised within a sentence, Latin within Chinese, or hold a digit   |
//! | `idf`          | mean inverse document frequency of units, in bits, of 12 for those that are not listed         |
//! | `new_ideas`    | mean over sentences of the share of runs of three units that no sentence before had            |
//! | `boilerplate`  | share of characters in lines of at most 6 units that end without a mark of sentence            |
//! | `exclaimed`    | share of sentences that end in `!`                                                             |
//! | `shouted`      | share of units of two letters and more that are all capitals                                   |
//! | `links`        | `http`, `https`, `www` and `@` for each unit                                                   |
//!
//! Each part adds what a line through points says (`value/weights.toml`); the sum is the logarithm of the odds. The
//! weights were fitted by `value/train.py` on encyclopaedias, speeches, books and manuals against spam and what was made
//! of good texts (menus, word salad, repeats, wrong encodings, tables, noise, strings of points): 2,128 English and 1,779
//! Chinese documents, a fifth more held out (`value/card.toml` says how well it does on them). The labels are of
//! provenance: the score tells junk from text; it ranks good texts among themselves only as far as its parts do. InternLM2's
//! scorers (arXiv:2403.17297, sec. 3.1) are large and unpublished: **parts and score are ours**.
//! No part counts against its sense: `worth` and `new_ideas` can only raise the score; of `content`, `entities` and
//! `idf` there is a best middle; the others only lower it. What is false but well told is not found: nothing here knows facts.
//!
//! | setting                   | default | source          |
//! |---------------------------|---------|-----------------|
//! | `min_information_quality` | 0.0     | ours; keeps all |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Filter, Reason, Setup, Step, Text, Verdict, Wrong, below, kind};
use crate::value::{Language, Wanted, parts};

/// Settings of [`InformationQuality`].
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Least quality of the information to keep.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_information_quality: f64,
}

crate::value::score_of_parts! {
    /// What [`InformationQuality`] measures.
    pub struct Measure {
        /// How much the text is worth learning from, from 0 to 1.
        information_quality of
        worth, content, entities, idf, new_ideas, boilerplate, exclaimed, shouted, links,
    }
}

/// See the words at the top of this file.
pub struct InformationQuality {
    config: Config,
}

impl Step for InformationQuality {
    const NAME: &'static str = "information_quality";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("information_quality.rs");
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(InformationQuality { config })
    }
}

impl Filter for InformationQuality {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[Reason::of("information_quality_too_low", "min_information_quality")];

    fn measure(&self, text: &Text) -> Measure {
        let wanted = Wanted { worth: true, ..Wanted::default() };
        Measure::of(parts(text, wanted).map(|(parts, chinese)| {
            let odds = Language::of(chinese).information_quality.odds(&parts);
            (parts, odds)
        }))
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        if below(measure.information_quality, self.config.min_information_quality) {
            Verdict::Drop("information_quality_too_low")
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
        InformationQuality { config: Config::default() }.measure(&text.into())
    }

    #[test]
    fn prose_is_worth_more_than_an_offer() {
        let offer = "BUY NOW!!! Click here http://www.example.org FREE money, no obligation! ";
        let menu = "点击这里 立即下载 免费注册 在线客服 首页 关于我们 联系我们 网站地图 友情链接\n";
        for (prose, bad) in [(PROSE, offer), (CHINESE, menu)] {
            assert!(measure(prose).information_quality > measure(&bad.repeat(3)).information_quality, "{bad}");
        }
    }
}
