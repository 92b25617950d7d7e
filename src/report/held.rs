//! What a finished run held measures to: its settings, and which of them look at which measure.

use serde_json::Value;

use crate::engine::session::StepRecord;
use crate::registry::Registry;

/// The value of a setting as the run had it; `max_top[1]` is within a list. JSON has no infinity, and null for it.
pub fn value(step: &StepRecord, setting: &str) -> Value {
    let (key, place) = setting.split_once('[').unwrap_or((setting, ""));
    let value = step.settings.get(key);
    let value = match place.trim_end_matches(']').parse::<usize>() {
        Ok(place) => value.and_then(|list| list.get(place)),
        Err(_) => value,
    };
    match value {
        None | Some(Value::Null) if setting.starts_with("max_") => Value::from("inf"),
        value => value.cloned().unwrap_or(Value::Null),
    }
}

/// A value that is a number.
pub fn number(value: &Value) -> Option<f64> {
    if value == "inf" { Some(f64::INFINITY) } else { value.as_f64() }
}

/// The settings of a step that look at a measure.
pub fn settings<'a>(
    step: &StepRecord,
    registry: &'a Registry,
    measure: &str,
) -> impl Iterator<Item = &'static str> + use<'a> {
    let reasons = registry.find("step", &step.uses).map_or(&[][..], |entry| entry.reasons);
    let measure = measure.to_owned();
    reasons.iter().filter(move |reason| reason.measure() == Some(&*measure)).filter_map(|reason| reason.setting)
}
