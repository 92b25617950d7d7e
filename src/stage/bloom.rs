//! The setting `bloom`: keys go through a Bloom filter instead of being sorted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_dedup::bloom::{RATES, Shape};
use wanjuan_filters::kit::Wrong;

/// A Bloom filter, as a pipeline asks for it. Its size follows from two of three.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bloom {
    /// Share of keys that nobody had before and that are taken for seen, at the most.
    #[serde(default = "one_in_ten_thousand")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub false_positives: f64,
    /// How many different keys are expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<f64>,
    /// How large the filter is, in MiB, where it is not known how many keys will come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u64>,
}

fn one_in_ten_thousand() -> f64 {
    1e-4
}

/// The largest filter, in bytes: more than any machine has, and still a number that can be counted with.
const MOST: u64 = 1 << 46;

impl Bloom {
    /// The filter that is meant.
    pub fn shape(&self) -> Result<Shape, Wrong> {
        let wrong = |what: String, help: &str| Wrong::setting("bloom", what).help(help);
        if !RATES.contains(&self.false_positives) {
            let what = format!(
                "`false_positives` is {}, and must be from {} to {}",
                self.false_positives,
                RATES.start(),
                RATES.end()
            );
            return Err(wrong(what, "leave out `bloom` for a step that is never wrong"));
        }
        let shape = match (self.expected, self.memory_mb) {
            (Some(keys), None) if keys >= 1.0 && keys.is_finite() => Shape::of(keys, self.false_positives),
            (None, Some(mb)) if mb >= 1 => Shape::within(mb.min(MOST >> 20) << 20, self.false_positives),
            (Some(keys), None) => {
                return Err(wrong(format!("`expected` is {keys}"), "say how many different keys there may be, as 2e9"));
            }
            (None, Some(_)) => return Err(wrong("`memory_mb` is 0".to_owned(), "give the filter 1 MiB or more")),
            (Some(_), Some(_)) => {
                let what = "`expected` and `memory_mb` both say how large the filter is".to_owned();
                return Err(wrong(what, "leave one of them out"));
            }
            (None, None) => {
                let what = "nothing says how large the filter is".to_owned();
                return Err(wrong(what, "set `expected` (how many different keys, as 2e9) or `memory_mb`"));
            }
        };
        if shape.bytes() > MOST {
            return Err(wrong("the filter is of more than 64 TiB".to_owned(), "expect fewer keys, or raise the rate"));
        }
        Ok(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(settings: &str) -> Result<Shape, String> {
        let bloom: Bloom = toml::from_str(settings).map_err(|error| error.message().to_owned())?;
        bloom.shape().map_err(|wrong| wrong.what)
    }

    #[test]
    fn two_of_three_are_a_filter() {
        let by_keys = shape("expected = 1e6").unwrap();
        assert_eq!(by_keys, shape("expected = 1_000_000.0\nfalse_positives = 1e-4").unwrap());
        assert_eq!(shape("memory_mb = 64").unwrap().bytes(), 64 << 20);
        assert!(shape("expected = 1e6\nfalse_positives = 1e-6").unwrap().bytes() > by_keys.bytes());
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for (settings, what) in [
            ("", "nothing says how large the filter is"),
            ("expected = 1e6\nmemory_mb = 5", "`expected` and `memory_mb` both say how large the filter is"),
            ("expected = 0.0", "`expected` is 0"),
            ("expected = nan", "`expected` is NaN"),
            ("expected = 1e18", "the filter is of more than 64 TiB"),
            ("memory_mb = 0", "`memory_mb` is 0"),
            ("expected = 1e6\nfalse_positives = 0.9", "`false_positives` is 0.9, and must be from 0.00000001 to 0.5"),
            (
                "expected = 1e6\nfalse_positives = 1e-9",
                "`false_positives` is 0.000000001, and must be from 0.00000001 to 0.5",
            ),
        ] {
            assert_eq!(shape(settings), Err(what.to_owned()), "{settings}");
        }
        assert!(shape("rate = 1").unwrap_err().contains("unknown field"));
    }
}
