//! Measures what a text is worth as training data: InternLM2's three values, and one of them all.
//!
//! InternLM2 keeps what is of high text quality, information quality and information density (arXiv:2403.17297, sec. 3.1).
//! The three are those of the steps `text_quality`, `information_quality` and `information_density`, whose pages say what
//! each is made of; this step measures them in one pass. `value` is the probability whose odds are a weighted product
//! of theirs:
//!
//! ```text
//! ln odds(value) = bias + a ln odds(density) + b ln odds(text_quality) + c ln odds(information_quality)
//! ```
//!
//! | language | bias | a | b | c |
//! |---|---|---|---|---|
//! | English | -0.02 | 0.01 | 0.18 | 0.96 |
//! | Chinese | -0.55 | 0.08 | 1.05 | 0.84 |
//!
//! What the density adds beside the other two is little, in English next to nothing: its labels are those of the others.
//! Whoever wants it to count gives it a bound of its own, or ranks by several scores (`top` takes several).
//!
//! The weights were fitted as those of the three (`value/train.py`, none below 0) and stand in `value/weights.toml`;
//! `value/card.toml` says how well each does on what was held out. All four lie between 0 and 1, and half a value means
//! that a text is as often of the good kind as of the bad in what they were fitted on. Nothing is dropped by default. To
//! keep the best tenth of each language by it:
//!
//! ```toml
//! [[step]]
//! use = "value"
//!
//! [[step]]
//! use = "top"
//! score = "value.value"
//! share = 0.1
//! ```
//!
//! | setting                   | default | source          |
//! |---------------------------|---------|-----------------|
//! | `min_value`               | 0.0     | ours; keeps all |
//! | `min_density`             | 0.0     | ours; keeps all |
//! | `min_text_quality`        | 0.0     | ours; keeps all |
//! | `min_information_quality` | 0.0     | ours; keeps all |

mod form;
mod parts;
mod regression;
mod scorers;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use parts::{Parts, Wanted, about, parts, score_of_parts};
pub(crate) use regression::{Language, probability};

use crate::kit::{Filter, Measures, Reason, Setup, Step, Text, Verdict, Wrong, below, kind};

/// Settings of [`Value`].
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Least value to keep.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_value: f64,
    /// Least density of information to keep.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_density: f64,
    /// Least quality of the text to keep.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_text_quality: f64,
    /// Least quality of the information to keep.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_information_quality: f64,
}

crate::measures! {
    /// What [`Value`] measures.
    pub struct Measure {
        /// What the text is worth, from 0 to 1.
        value,
        /// How much it says for its length, from 0 to 1.
        density,
        /// How well it is written, from 0 to 1.
        text_quality,
        /// How much it is worth learning from, from 0 to 1.
        information_quality,
    }
}

/// See the words at the top of this file.
pub struct Value {
    config: Config,
}

impl Step for Value {
    const NAME: &'static str = "value";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("mod.rs");
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(Value { config })
    }
}

impl Filter for Value {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::of("value_too_low", "min_value"),
        Reason::of("density_too_low", "min_density"),
        Reason::of("text_quality_too_low", "min_text_quality"),
        Reason::of("information_quality_too_low", "min_information_quality"),
    ];

    fn measure(&self, text: &Text) -> Measure {
        let wanted = Wanted { compressed: true, surprisal: true, fluent: true, worth: true };
        let Some((parts, chinese)) = parts(text, wanted) else { return Measure::load(&[0.0; 4]) };
        let language = Language::of(chinese);
        let [density, text, information] =
            [&language.density, &language.text_quality, &language.information_quality].map(|of| of.odds(&parts));
        let value = language.value.odds(density, text, information);
        Measure::load(&[value, density, text, information].map(probability))
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        let config = &self.config;
        match () {
            () if below(measure.value, config.min_value) => Verdict::Drop("value_too_low"),
            () if below(measure.density, config.min_density) => Verdict::Drop("density_too_low"),
            () if below(measure.text_quality, config.min_text_quality) => Verdict::Drop("text_quality_too_low"),
            () if below(measure.information_quality, config.min_information_quality) => {
                Verdict::Drop("information_quality_too_low")
            }
            () => Verdict::Keep,
        }
    }
}

/// Texts of tests.
#[cfg(test)]
pub(crate) mod examples {
    pub const PROSE: &str = "The river rises in the mountains, far from the sea, and runs past fields and towns. Each \
        spring the snow melts and the water covers the meadows for several weeks. Farmers learned long ago to build their \
        houses on small hills, and the oldest bridge, which was built in 1742, still stands.";
    pub const CHINESE: &str = "这条河发源于群山之中，离海很远，穿过田野、城镇和沼泽，最后流入大海。每年春天，积雪融化，\
        河水便漫过草地。农民们早就学会了把房子建在小山上，最古老的一座桥建于1742年，至今仍在。";
}
