//! Values of the right type that mean nothing: a share of 67, a threshold of NaN, an empty text in a list.
//!
//! What a setting can be is said once, in its schema, where editors read it too: `minimum` and `maximum` (a
//! share has 0 and 1), the lengths of texts. No number that is read here is below nothing or NaN. `inf` lies
//! within every `max_`, which it switches off, and outside every `min_`, by which nothing would be kept.

use serde_json::{Number, Value};
use toml::Value as Setting;

/// Why a value is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// What is wrong: lower case, no full stop.
    pub what: String,
    /// How to repair it.
    pub help: String,
}

/// What is wrong with a value of a setting whose type is right.
pub(super) fn misfit(schema: &Value, key: &str, value: &Setting) -> Option<Misfit> {
    let wrong = |what: String, help: &str| Some(Misfit { what, help: help.to_owned() });
    match value {
        Setting::Array(items) => {
            if items.is_empty() && schema["default"].as_array().is_some_and(Vec::is_empty) {
                return wrong(format!("`{key}` is empty, as if it were not there"), "name something, or leave it out");
            }
            items.iter().find_map(|item| misfit(&schema["items"], key, item))
        }
        Setting::String(text) if text.is_empty() && schema["minLength"].as_u64().is_some_and(|least| least > 0) => {
            wrong(format!("an empty text in `{key}`"), "remove it")
        }
        Setting::Float(number) => outside(schema, key, *number),
        Setting::Integer(number) if schema["type"] == "number" || schema["type"][0] == "number" => {
            outside(schema, key, *number as f64)
        }
        _ => None,
    }
}

fn outside(schema: &Value, key: &str, number: f64) -> Option<Misfit> {
    let bound = |name: &str| schema[name].as_f64();
    let (least, most) = (bound("minimum").unwrap_or(0.0), bound("maximum"));
    let (largest, smallest) = (key.starts_with("max_"), key.starts_with("min_"));
    let off = match (largest, smallest) {
        (true, _) => format!("`{key} = inf` switches the rule off"),
        (_, true) => format!("`{key} = {least}` switches the rule off"),
        _ => format!("leave it out for {}", schema["default"]),
    };
    let help = match most {
        Some(1.0) if number > 1.0 && number <= 100.0 => {
            format!("{number} % is {}; {off}", shorter(number / 100.0))
        }
        _ => off,
    };
    let range = match most {
        Some(most) if least == 0.0 && most == 1.0 => "a share lies between 0 and 1".to_owned(),
        Some(most) => format!("it lies between {least} and {most}"),
        None => format!("it is {least} or more"),
    };
    let wrong = |why: &str| Some(Misfit { what: format!("`{key}` is {number}: {why}"), help: help.clone() });
    if number.is_nan() {
        Some(Misfit { what: format!("`{key}` is no number"), help })
    } else if number == f64::INFINITY && largest {
        None
    } else if number == f64::INFINITY && smallest {
        wrong("nothing would be kept")
    } else if number < least || number > most.unwrap_or(f64::MAX) {
        wrong(&range)
    } else {
        None
    }
}

/// A quotient without the dust of its division: 0.67, not 0.6700000000000001.
fn shorter(number: f64) -> f64 {
    (number * 1e9).round() / 1e9
}

/// The first `min_` that is above its `max_`, and that. What is not set has its default.
pub(super) fn crossed(schema: &Value, settings: &toml::Table) -> Option<(String, String, Misfit)> {
    let properties = schema["properties"].as_object()?;
    let value = |key: &str| {
        let set = settings.get(key).and_then(|value| value.as_float().or(value.as_integer().map(|whole| whole as f64)));
        set.or_else(|| properties.get(key)?["default"].as_number().and_then(Number::as_f64))
    };
    properties.keys().find_map(|min| {
        let max = format!("max_{}", min.strip_prefix("min_")?);
        let (least, most) = (value(min)?, value(&max)?);
        let told = |key: &str, value: f64| match settings.contains_key(key) {
            true => format!("`{key}`, {value},"),
            false => format!("`{key}`, {value} if it is not set,"),
        };
        let what = format!("{} is above {} so that nothing fits", told(min, least), told(&max, most));
        let help = format!("lower `{min}`, or raise `{max}`");
        (least > most).then(|| (min.clone(), max, Misfit { what, help }))
    })
}

#[cfg(test)]
mod tests {
    use crate::registry::Registry;

    fn told(step: &str, setting: &str) -> Option<(String, String)> {
        let registry = Registry::builtin();
        let table: toml::Table = setting.parse().unwrap();
        let (key, value) = table.iter().next().unwrap();
        let entry = registry.find("step", step).unwrap();
        entry.fits(table.clone()).unwrap();
        entry.misfit(key, value).map(|misfit| (misfit.what, misfit.help))
    }

    fn refused(step: &str, setting: &str, what: &str, help: &str) {
        assert_eq!(told(step, setting), Some((what.to_owned(), help.to_owned())), "{setting}");
    }

    #[test]
    fn shares_lie_between_nothing_and_all() {
        let off = "`max_short_lines = inf` switches the rule off";
        let what = "`max_short_lines` is 67: a share lies between 0 and 1";
        refused("fineweb_quality", "max_short_lines = 67", what, &format!("67 % is 0.67; {off}"));
        let what = "`max_short_lines` is -0.1: a share lies between 0 and 1";
        refused("fineweb_quality", "max_short_lines = -0.1", what, off);
        refused("fineweb_quality", "max_short_lines = nan", "`max_short_lines` is no number", off);
        let what = "`min_ended_lines` is inf: nothing would be kept";
        refused("fineweb_quality", "min_ended_lines = inf", what, "`min_ended_lines = 0` switches the rule off");
        let what = "`max_top_ngram_chars` is 20: a share lies between 0 and 1";
        let help = "20 % is 0.2; `max_top_ngram_chars = inf` switches the rule off";
        refused("gopher_repetition", "max_top_ngram_chars = [0.2, 20, 0.1]", what, help);
        let what = "`share` is inf: a share lies between 0 and 1";
        refused("sample", "share = inf", what, "leave it out for null");
        for fits in ["max_short_lines = 0", "max_short_lines = 1", "max_short_lines = inf", "min_ended_lines = 1"] {
            assert_eq!(told("fineweb_quality", fits), None, "{fits}");
        }
    }

    #[test]
    fn no_threshold_is_below_nothing() {
        let off = "`min_mean_chars = 0` switches the rule off";
        refused("gopher_quality", "min_mean_chars = -1", "`min_mean_chars` is -1: it is 0 or more", off);
        refused("gopher_quality", "min_mean_chars = -inf", "`min_mean_chars` is -inf: it is 0 or more", off);
        assert_eq!(told("gopher_quality", "max_mean_chars = inf"), None);
        assert_eq!(told("gopher_quality", "max_mean_chars = 1000"), None);
    }

    #[test]
    fn lists_that_say_nothing() {
        let help = "name something, or leave it out";
        refused("language", "keep = []", "`keep` is empty, as if it were not there", help);
        refused("gopher_quality", "stop_words = [\"the\", \"\"]", "an empty text in `stop_words`", "remove it");
        assert_eq!(told("url_lists", "banned_words = []"), None, "it stands in for a list that comes along");
        assert_eq!(told("pii", "email_replacements = [\"\"]"), None);
    }

    #[test]
    fn defaults_and_profiles_lie_within_their_bounds() {
        for entry in Registry::builtin().entries() {
            for profile in entry.profiles {
                let settings: toml::Table = profile.settings.parse().unwrap();
                let misfit = settings.iter().find_map(|(key, value)| entry.misfit(key, value));
                assert_eq!(misfit, None, "{}@{}", entry.name, profile.name);
                assert_eq!(entry.crossed(&settings), None, "{}@{}", entry.name, profile.name);
            }
            for (key, schema) in entry.schema["properties"].as_object().into_iter().flatten() {
                let default = schema.get("default").and_then(|default| toml::Value::try_from(default).ok());
                let empty = default.as_ref().and_then(|default| default.as_array()).is_some_and(Vec::is_empty);
                let misfit = default.filter(|_| !empty).and_then(|default| entry.misfit(key, &default));
                assert_eq!(misfit, None, "{}", entry.name);
            }
        }
    }

    #[test]
    fn every_setting_about_a_share_or_a_probability_says_where_it_lies() {
        for entry in Registry::builtin().entries() {
            for (key, schema) in entry.schema["properties"].as_object().into_iter().flatten() {
                let about = schema["description"].as_str().unwrap_or_default();
                let mut words = about.split(|c: char| !c.is_alphanumeric());
                let share = words.any(|word| matches!(word, "share" | "Share" | "probability"));
                let numbers = if schema["type"] == "array" { &schema["items"] } else { schema };
                if share && numbers["type"] == "number" {
                    assert_eq!(
                        numbers["maximum"], 1.0,
                        "{}.{key}: #[schemars(range(min = 0.0, max = 1.0))]",
                        entry.name
                    );
                }
            }
        }
    }

    #[test]
    fn a_least_above_its_most_is_told_with_the_default_it_meets() {
        let registry = Registry::builtin();
        let entry = registry.find("step", "long_text").unwrap();
        let crossed = |settings: &str| entry.crossed(&settings.parse().unwrap());
        let (min, max, misfit) = crossed("min_compressed = 0.9\nmax_compressed = 0.5").unwrap();
        assert_eq!((min.as_str(), max.as_str()), ("min_compressed", "max_compressed"));
        assert_eq!(misfit.what, "`min_compressed`, 0.9, is above `max_compressed`, 0.5, so that nothing fits");
        assert_eq!(crossed("min_compressed = 0.5\nmax_compressed = 0.5"), None);
        let entry = registry.find("step", "gopher_quality").unwrap();
        let (.., misfit) = entry.crossed(&"max_words = 20".parse().unwrap()).unwrap();
        assert_eq!(misfit.what, "`min_words`, 50 if it is not set, is above `max_words`, 20, so that nothing fits");
    }
}
