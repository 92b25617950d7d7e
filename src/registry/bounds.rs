//! Values of the right type that mean nothing: a share of 67, a threshold of NaN, an empty text in a list.
//!
//! What a setting can be is said once, in its schema, where editors read it too: `minimum` and `maximum` (a
//! share has 0 and 1), the lengths of texts. No number that is read here is below nothing or NaN. `inf` lies
//! within every `max_`, which it switches off, whole numbers too, and outside every `min_`, by which nothing would be kept.

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
            let wrong = |at: usize| Some((at, misfit(&schema["items"], key, &items[at])?));
            let (at, misfit) = (0..items.len()).find_map(wrong)?;
            Some(Misfit { help: within(misfit.help, key, items, at), ..misfit })
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

/// The help for one number of a list: what switches its rule off stands in its place.
fn within(help: String, key: &str, items: &[Setting], at: usize) -> String {
    let Some((before, off)) = help.split_once(&format!("`{key} = ")) else { return help };
    let Some((off, behind)) = off.split_once('`') else { return help };
    let list =
        items.iter().enumerate().map(|(place, item)| if place == at { off.to_owned() } else { item.to_string() });
    let list = list.collect::<Vec<_>>().join(", ");
    format!("{before}`{key} = [{list}]`{behind}").replace("the rule off", "this one off")
}

/// Settings in which no whole number is `inf`: where a `max_` is one, the largest there is stands for it.
pub(super) fn unbounded(schema: &Value, mut settings: toml::Table) -> toml::Table {
    fn replace(schema: &Value, value: &mut Setting) {
        match value {
            Setting::Array(items) => items.iter_mut().for_each(|item| replace(&schema["items"], item)),
            Setting::Float(f64::INFINITY) if schema["type"] == "integer" || schema["type"][0] == "integer" => {
                *value = Setting::Integer(i64::MAX);
            }
            _ => {}
        }
    }
    for (key, value) in settings.iter_mut().filter(|(key, _)| key.starts_with("max_")) {
        replace(&schema["properties"][key.as_str()], value);
    }
    settings
}

/// What serde says of a value that is not of a setting's form, without the names that Rust has for types.
pub(super) fn plainly(what: &str) -> String {
    let Some((found, wanted)) = what
        .strip_prefix("invalid type: ")
        .or(what.strip_prefix("invalid value: "))
        .and_then(|rest| rest.split_once(", expected "))
    else {
        return what.replace("missing field", "missing setting");
    };
    let wanted = match wanted {
        "u8" | "u16" | "u32" | "u64" | "usize" | "u128" => "a whole number, 0 or more,",
        "i8" | "i16" | "i32" | "i64" | "isize" | "i128" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "a list",
        "a string" | "string only" | "string or map" | "a character" => "text in quotes",
        "a boolean" => "true or false",
        "a map" => "a table",
        other => other,
    };
    let found = found.replacen("floating point ", "the number ", 1).replacen("integer ", "the number ", 1);
    let found = found.replacen("string ", "the text ", 1).replacen("boolean ", "", 1);
    let found =
        found.replacen("unit variant", "no text", 1).replacen("sequence", "a list", 1).replacen("map", "a table", 1);
    format!("this is {found}; {wanted} is needed here")
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
    use wanjuan_filters::kit::Setup;

    use crate::registry::{Entry, Registry};

    fn told(step: &str, setting: &str) -> Option<(String, String)> {
        told_of(Registry::builtin().find("step", step).unwrap(), setting)
    }

    fn told_of(entry: &Entry, setting: &str) -> Option<(String, String)> {
        let table: toml::Table = setting.parse().unwrap();
        let (key, value) = table.iter().next().unwrap();
        if let Err(what) = entry.fits(table.clone())
            && !what.starts_with("missing")
        {
            panic!("{what}");
        }
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
        let help = "20 % is 0.2; `max_top_ngram_chars = [0.2, inf, 0.1]` switches this one off";
        refused("gopher_repetition", "max_top_ngram_chars = [0.2, 20, 0.1]", what, help);
        let what = "`share` is inf: a share lies between 0 and 1";
        refused("sample", "share = inf", what, "leave it out for null");
        for fits in ["max_short_lines = 0", "max_short_lines = 1", "max_short_lines = inf", "min_ended_lines = 1"] {
            assert_eq!(told("fineweb_quality", fits), None, "{fits}");
        }
    }

    #[test]
    fn inf_switches_off_every_rule_that_has_a_largest_number() {
        let mut whole = 0;
        for entry in Registry::builtin().entries() {
            for (key, schema) in entry.schema["properties"].as_object().into_iter().flatten() {
                let numbers = if schema["type"] == "array" { &schema["items"] } else { schema };
                let is = |kind: &str| numbers["type"] == kind || numbers["type"][0] == kind;
                if !key.starts_with("max_") || !(is("integer") || is("number")) {
                    continue;
                }
                let length = schema["default"].as_array().map(|list| vec!["inf"; list.len()].join(", "));
                let setting = length.map_or(format!("{key} = inf"), |list| format!("{key} = [{list}]"));
                assert_eq!(told_of(entry, &setting), None, "{}.{key}", entry.name);
                whole += usize::from(is("integer"));
            }
        }
        assert!(whole > 15, "{whole}");
        let settings = "max_words = inf".parse().unwrap();
        let registry = Registry::builtin();
        let built = registry.find("step", "gopher_quality").unwrap().build(settings, &mut Setup::default());
        assert!(built.ok().unwrap().settings.contains("\"max_words\":9223372036854775807"));
    }

    #[test]
    fn types_are_told_in_words() {
        let registry = Registry::builtin();
        let told = |setting: &str| {
            registry.find("step", "gopher_quality").unwrap().fits(setting.parse().unwrap()).unwrap_err()
        };
        for (setting, what) in [
            ("min_words = 'many'", "this is the text \"many\"; a whole number, 0 or more, is needed here"),
            ("min_words = 1.5", "this is the number `1.5`; a whole number, 0 or more, is needed here"),
            ("min_words = inf", "this is the number `inf`; a whole number, 0 or more, is needed here"),
            ("min_words = -1", "this is the number `-1`; a whole number, 0 or more, is needed here"),
            ("min_alphabetic_words = true", "this is `true`; a number is needed here"),
            ("stop_words = 'the'", "this is the text \"the\"; a list is needed here"),
            ("stop_words = [3]", "this is the number `3`; text in quotes is needed here"),
            ("stop_words = {}", "this is a table; a list is needed here"),
            ("counting = ['dolma']", "this is no text; text in quotes is needed here"),
        ] {
            assert_eq!(told(setting), what, "{setting}");
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
