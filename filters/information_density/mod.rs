//! Measures how much a text says for its length, and how well it is written, by small means and in two scores.
//!
//! The parts, each defined here, are measured without a large model; a language's scores are a logistic regression
//! over them (`weights.toml` beside this file says of what, and how well it does). A text is Chinese where a
//! fifth of its letters is Han, English otherwise. A unit is a Han character by itself or a run of other letters and
//! digits. InternLM2 keeps what is of high quality and high density of information (arXiv:2403.17297, sec. 3.1); its
//! scorers are large and unpublished, so **the parts and the scores are ours**.
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
//! | `formula_code` | share of visible characters that are digits or symbols, or one of `{}[]<>()/\_#*;`             |
//! | `marks`        | marks of sentences and commas for each unit                                                    |
//! | `sentence`     | logarithm (base 2) of the mean number of units of a sentence                                   |
//! | `odd`          | share of characters that are controls, for private use, or replacements of broken ones         |
//! | `unevenness`   | standard deviation of `surprisal` between lines of 20 characters and more                      |
//!
//! `density` is what `compressed` to `formula_code` say of it; `text_quality` (fluency, format, grammar) is what `surprisal`
//! and the last six say. Both lie between 0 and 1. No part counts against its sense: `compressed`, `new_ideas` and `idf`
//! can only raise a score; `surprisal`, `boilerplate`, `formula_code` and `odd` only lower it; of `content`, `entities`,
//! `marks`, `sentence` and `unevenness`, the distance from what good texts have lowers it. The labels are of provenance:
//! encyclopaedias, speeches, books and manuals against spam and what was made of good texts (menus, word salad, repeats,
//! wrong encodings), so that the scores tell junk from text; they rank good texts among themselves only as far as the
//! parts do. `card.toml` beside the weights says how well.
//!
//! | setting            | default | source                                              |
//! |--------------------|---------|-----------------------------------------------------|
//! | `min_density`      | 0.0     | ours; keeps all                                     |
//! | `min_text_quality` | 0.0     | ours; keeps all                                     |

mod parts;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Filter, Reason, Setup, Step, Text, Verdict, Wrong, below, kind};

/// Settings of [`InformationDensity`].
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Least density to keep.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_density: f64,
    /// Least quality of the text to keep.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_text_quality: f64,
}

crate::measures! {
    /// What [`InformationDensity`] measures.
    pub struct Measure {
        /// How much the text says for its length, from 0 to 1.
        density,
        /// How well it is written, from 0 to 1.
        text_quality,
        /// Bytes when compressed with a dictionary, as a share.
        compressed,
        /// Bits for each character under a model of characters.
        surprisal,
        /// Share of units that are no stop words.
        content,
        /// Share of units that look like names or numbers.
        entities,
        /// Mean share of runs of three units that are new in their sentence.
        new_ideas,
        /// Mean inverse document frequency of units, in bits.
        idf,
        /// Share of characters in short lines without a mark at their end.
        boilerplate,
        /// Share of visible characters that are digits, symbols or marks of code.
        formula_code,
        /// Marks of sentences and commas for each unit.
        marks,
        /// Logarithm (base 2) of the mean number of units of a sentence.
        sentence,
        /// Share of characters that are controls, for private use or broken.
        odd,
        /// Standard deviation of the surprisal between lines.
        unevenness,
    }
}

/// See the words at the top of this file.
pub struct InformationDensity {
    config: Config,
}

impl Step for InformationDensity {
    const NAME: &'static str = "information_density";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("mod.rs");
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(InformationDensity { config })
    }
}

/// A logistic regression: weights of parts less their means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Regression {
    bias: f64,
    parts: Vec<Part>,
}

/// What a part adds: `weight` for each `spread` above its `mean` (to either side, where it is `far`), at most three.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    name: String,
    weight: f64,
    #[serde(default)]
    far: bool,
    mean: f64,
    spread: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Language {
    density: Regression,
    text_quality: Regression,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Weights {
    zh: Language,
    en: Language,
}

static WEIGHTS: LazyLock<Weights> =
    LazyLock::new(|| toml::from_str(include_str!("weights.toml")).expect("a test reads the weights"));

impl Regression {
    fn score(&self, measure: &Measure) -> f64 {
        let sum = self.parts.iter().fold(self.bias, |sum, part| {
            let value = measure.part(&part.name).unwrap_or(part.mean);
            let above = ((value - part.mean) / part.spread).clamp(-3.0, 3.0);
            sum + part.weight * if part.far { above.abs() } else { above }
        });
        1.0 / (1.0 + (-sum).exp())
    }
}

impl Measure {
    fn part(&self, name: &str) -> Option<f64> {
        match name {
            "compressed" => self.compressed,
            "surprisal" => self.surprisal,
            "content" => self.content,
            "entities" => self.entities,
            "new_ideas" => self.new_ideas,
            "idf" => self.idf,
            "boilerplate" => self.boilerplate,
            "formula_code" => self.formula_code,
            "marks" => self.marks,
            "sentence" => self.sentence,
            "odd" => self.odd,
            "unevenness" => self.unevenness,
            _ => None,
        }
    }
}

impl Filter for InformationDensity {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::always("nothing_to_measure"),
        Reason::of("density_too_low", "min_density"),
        Reason::of("text_quality_too_low", "min_text_quality"),
    ];

    fn measure(&self, text: &Text) -> Measure {
        let Some((mut measure, chinese)) = parts::parts(text) else { return Measure::default() };
        let language = if chinese { &WEIGHTS.zh } else { &WEIGHTS.en };
        let scores = [&language.density, &language.text_quality].map(|regression| regression.score(&measure));
        (measure.density, measure.text_quality) = (Some(scores[0]), Some(scores[1]));
        measure
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        match () {
            () if measure.density.is_none() => Verdict::Drop("nothing_to_measure"),
            () if below(measure.density, self.config.min_density) => Verdict::Drop("density_too_low"),
            () if below(measure.text_quality, self.config.min_text_quality) => Verdict::Drop("text_quality_too_low"),
            () => Verdict::Keep,
        }
    }
}
