//! Regressions over parts: each part adds what a line through points says, so that it may count at its ends more than in
//! the middle, yet never against its sense.

use std::sync::LazyLock;

use serde::Deserialize;

use super::parts::Parts;
use crate::kit::Measures;

/// An additive logistic regression (Hastie and Tibshirani 1986), piecewise linear in each part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regression {
    bias: f64,
    parts: Vec<Part>,
}

/// What a part adds to the logarithm of the odds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub name: String,
    /// Where there is no such part of a text.
    pub missing: f64,
    /// The part, ascending, and what it adds there; before the first and behind the last point as there.
    pub points: Vec<[f64; 2]>,
}

/// The regressions of a language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Language {
    pub density: Regression,
    pub text_quality: Regression,
    pub information_quality: Regression,
    pub value: Value,
}

/// What the logarithms of the odds of the three count for in that of the value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Value {
    pub bias: f64,
    pub density: f64,
    pub text_quality: f64,
    pub information_quality: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    pub zh: Language,
    pub en: Language,
}

static WEIGHTS: LazyLock<Weights> =
    LazyLock::new(|| toml::from_str(include_str!("weights.toml")).expect("a test reads the weights"));

impl Language {
    /// Of Chinese, or of English.
    pub fn of(chinese: bool) -> &'static Language {
        if chinese { &WEIGHTS.zh } else { &WEIGHTS.en }
    }
}

/// The probability of a logarithm of odds.
pub fn probability(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

impl Value {
    /// The logarithm of the odds of the value, by those of the three.
    pub fn odds(&self, density: f64, text_quality: f64, information_quality: f64) -> f64 {
        self.bias
            + self.density * density
            + self.text_quality * text_quality
            + self.information_quality * information_quality
    }
}

impl Part {
    pub fn adds(&self, value: f64) -> f64 {
        if value.is_nan() {
            return self.missing;
        }
        let behind = self.points.partition_point(|point| point[0] <= value);
        match (behind.checked_sub(1).map(|at| self.points[at]), self.points.get(behind)) {
            (Some([from, low]), Some(&[to, high])) => low + (high - low) * (value - from) / (to - from),
            (Some([_, last]), None) => last,
            (None, first) => first.map_or(0.0, |first| first[1]),
        }
    }
}

impl Regression {
    /// The logarithm of the odds.
    pub fn odds(&self, parts: &Parts) -> f64 {
        let mut slots = [f64::NAN; Parts::INFO.len()];
        parts.store(&mut slots);
        let of = |name: &str| Parts::INFO.iter().position(|info| info.name == name).map_or(f64::NAN, |at| slots[at]);
        self.parts.iter().fold(self.bias, |sum, part| sum + part.adds(of(&part.name)))
    }

    /// The parts.
    #[cfg(test)]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }
}
