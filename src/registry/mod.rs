//! The registry: every step a pipeline file can name.
//!
//! A registry is a value, passed by hand. A step of a user's own crate joins with
//! [`Registry::with`] and has exactly the powers of a built-in one.

mod any;
mod bounds;
mod builtin;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::generate::SchemaSettings;
use wanjuan_filters::kit::{
    self, Facts, Field, Filter, Kind as _, Mapper, MeasureInfo, Profile, Reason, Setup, Step, Wrong,
};

pub use any::{AnyFilter, AnyMapper, AnySink, AnySource, AnyStage};
pub use bounds::Misfit;

use crate::rule::{self, Rule};
use crate::{sink, source, stage};

/// A step, built and ready.
#[derive(Clone)]
pub enum Built {
    /// See [`crate::source`].
    Source(Arc<dyn AnySource>),
    /// See [`Filter`].
    Filter(Arc<dyn AnyFilter>),
    /// See [`Mapper`].
    Mapper(Arc<dyn AnyMapper>),
    /// See [`crate::rule`].
    Rule(Rule),
    /// See [`crate::stage`].
    Stage(Arc<dyn AnyStage>),
    /// See [`crate::sink`].
    Sink(Arc<dyn AnySink>),
}

/// A step with all that the checker must know of it.
pub struct Instance {
    /// The step itself.
    pub built: Built,
    /// Fields it reads.
    pub reads: Vec<Field>,
    /// Fields it writes.
    pub writes: Vec<Field>,
    /// What it measures.
    pub measures: Vec<MeasureInfo>,
    /// Reasons it can give.
    pub reasons: Vec<Reason>,
    /// Its settings, resolved, with sorted keys: the same text for the same decisions.
    pub settings: String,
    /// See [`Step::facts`].
    pub facts: Facts,
}

/// Why settings did not become a step.
pub enum Refused {
    /// The settings are not of the step's form.
    Settings(String),
    /// The step itself refused them.
    Step(Wrong),
}

/// What the registry knows of a step before it is built.
#[derive(Clone)]
pub struct Entry {
    /// `use = "…"`.
    pub name: &'static str,
    /// `filter`, `mapper`, `source`, `stage`, `sink`.
    pub kind: &'static str,
    /// The `//!` words of its file.
    pub words: &'static str,
    /// See [`Step::VERSION`].
    pub version: u32,
    /// See [`Step::PROFILES`].
    pub profiles: &'static [Profile],
    /// JSON schema of its settings.
    pub schema: serde_json::Value,
    /// What it measures.
    pub measures: &'static [MeasureInfo],
    /// Why it drops documents; a rule's reason is one of its settings.
    pub reasons: &'static [Reason],
    /// Whether it is a stage with [`Indexing`](stage::Indexing).
    pub keeps_index: bool,
    judging: &'static [&'static str],
    measuring: &'static [&'static str],
    fits: fn(toml::Table) -> Result<(), String>,
    build: fn(toml::Table, &mut Setup) -> Result<Instance, Refused>,
    picture: fn(toml::Table) -> Option<String>,
}

impl Entry {
    /// Builds the step from its settings.
    pub fn build(&self, settings: toml::Table, setup: &mut Setup) -> Result<Instance, Refused> {
        if let Some((.., misfit)) = self.crossed(&settings) {
            return Err(Refused::Settings(misfit.what));
        }
        (self.build)(bounds::unbounded(&self.schema, settings), setup)
    }

    /// Whether settings are of the step's form.
    pub fn fits(&self, settings: toml::Table) -> Result<(), String> {
        (self.fits)(bounds::unbounded(&self.schema, settings))
    }

    /// What follows from settings, for people: see [`Step::picture`].
    pub fn picture(&self, settings: toml::Table) -> Option<String> {
        (self.picture)(bounds::unbounded(&self.schema, settings))
    }

    /// What is wrong with a setting's value that is of the step's form.
    pub fn misfit(&self, key: &str, value: &toml::Value) -> Option<Misfit> {
        bounds::misfit(self.schema.pointer(&format!("/properties/{key}"))?, key, value)
    }

    /// A `min_` that is above its `max_`: both, and what is wrong.
    pub fn crossed(&self, settings: &toml::Table) -> Option<(String, String, Misfit)> {
        bounds::crossed(&self.schema, settings)
    }

    /// The words of its file: the `//!` lines, without the marks.
    pub fn words(&self) -> String {
        let lines = self.words.lines().take_while(|line| line.starts_with("//!"));
        lines.map(|line| line.trim_start_matches("//!").strip_prefix(' ').unwrap_or("")).collect::<Vec<_>>().join("\n")
    }

    /// The first sentence of the words.
    pub fn summary(&self) -> String {
        self.words().lines().next().unwrap_or_default().to_owned()
    }

    /// Whether a setting of a filter decides on its measures and changes none, so that stored measures can
    /// be judged again under another value.
    pub fn only_judges(&self, setting: &str) -> bool {
        let bound = setting.starts_with("min_") || setting.starts_with("max_");
        let bound = bound && !self.measuring.contains(&setting);
        self.kind == kit::kind::Filter::NAME && (bound || self.judging.contains(&setting))
    }

    /// Names of the settings, sorted.
    pub fn settings(&self) -> Vec<&str> {
        let properties = self.schema.get("properties").and_then(|properties| properties.as_object());
        properties.map(|properties| properties.keys().map(String::as_str).collect()).unwrap_or_default()
    }
}

/// How the engine makes use of a kind of step: implemented by the markers of [`Step::Kind`].
pub trait Registrable<T: Step>: kit::Kind {
    /// What the step measures.
    const MEASURES: &'static [MeasureInfo] = &[];
    /// See [`Filter::REASONS`].
    const REASONS: &'static [Reason] = &[];
    /// See [`Filter::JUDGING`].
    const JUDGING: &'static [&'static str] = &[];
    /// See [`Filter::MEASURING`].
    const MEASURING: &'static [&'static str] = &[];
    /// See [`stage::Stage::KEEPS_INDEX`].
    const KEEPS_INDEX: bool = false;
    /// Makes the step an object.
    fn built(step: T) -> Built;
}

impl<T: Filter> Registrable<T> for kit::kind::Filter {
    const MEASURES: &'static [MeasureInfo] = <T::Measure as kit::Measures>::INFO;
    const REASONS: &'static [Reason] = T::REASONS;
    const JUDGING: &'static [&'static str] = T::JUDGING;
    const MEASURING: &'static [&'static str] = T::MEASURING;
    fn built(step: T) -> Built {
        Built::Filter(Arc::new(step))
    }
}

impl<T: Mapper> Registrable<T> for kit::kind::Mapper {
    const MEASURES: &'static [MeasureInfo] = <T::Measure as kit::Measures>::INFO;
    const REASONS: &'static [Reason] = T::REASONS;
    fn built(step: T) -> Built {
        Built::Mapper(Arc::new(step))
    }
}

impl Registrable<Rule> for rule::Kind {
    const MEASURES: &'static [MeasureInfo] = rule::FACTS;
    const JUDGING: &'static [&'static str] = &["drop_if", "reason"];
    fn built(step: Rule) -> Built {
        Built::Rule(step)
    }
}

impl<T: source::Source> Registrable<T> for source::Kind {
    fn built(step: T) -> Built {
        Built::Source(Arc::new(step))
    }
}

impl<T: stage::Stage> Registrable<T> for stage::Kind {
    const REASONS: &'static [Reason] = T::REASONS;
    const KEEPS_INDEX: bool = T::KEEPS_INDEX;
    fn built(step: T) -> Built {
        Built::Stage(Arc::new(step))
    }
}

impl<T: sink::Sink> Registrable<T> for sink::Kind {
    fn built(step: T) -> Built {
        Built::Sink(Arc::new(step))
    }
}

/// All steps that a pipeline file can name.
#[derive(Clone, Default)]
pub struct Registry {
    entries: BTreeMap<&'static str, BTreeMap<&'static str, Entry>>,
}

impl Registry {
    /// A registry without a step.
    pub fn empty() -> Registry {
        Registry::default()
    }

    /// Adds a step.
    ///
    /// # Panics
    ///
    /// If the name is taken by a step of the same place in the file (sources, steps, sinks): a
    /// mistake of the program, found when it starts.
    pub fn with<T: Step>(mut self) -> Registry
    where
        T::Kind: Registrable<T>,
    {
        let entry = Entry {
            name: T::NAME,
            kind: T::Kind::NAME,
            words: T::WORDS,
            version: T::VERSION,
            profiles: T::PROFILES,
            schema: schema::<T>(),
            measures: <T::Kind as Registrable<T>>::MEASURES,
            reasons: <T::Kind as Registrable<T>>::REASONS,
            keeps_index: <T::Kind as Registrable<T>>::KEEPS_INDEX,
            judging: <T::Kind as Registrable<T>>::JUDGING,
            measuring: <T::Kind as Registrable<T>>::MEASURING,
            fits: |settings| parse::<T>(settings).map(drop),
            build: build::<T>,
            picture: |settings| T::picture(&parse::<T>(settings).ok()?),
        };
        let taken = self.entries.entry(place(entry.kind)).or_default().insert(T::NAME, entry);
        assert!(taken.is_none(), "two steps are called `{}`", T::NAME);
        self
    }

    /// The step that `use = "name"` means in a table of the file: `source`, `step` or `sink`.
    pub fn find(&self, table: &str, name: &str) -> Option<&Entry> {
        self.entries.get(table)?.get(name)
    }

    /// The names that a table of the file can use.
    pub fn names(&self, table: &str) -> Vec<&'static str> {
        self.entries.get(table).map(|entries| entries.keys().copied().collect()).unwrap_or_default()
    }

    /// Every step, by table and name.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        ["source", "step", "sink"]
            .into_iter()
            .filter_map(|table| self.entries.get(table))
            .flat_map(|entries| entries.values())
    }
}

/// The table of the pipeline file in which steps of a kind stand.
pub fn place(kind: &str) -> &'static str {
    match kind {
        "source" => "source",
        "sink" => "sink",
        _ => "step",
    }
}

fn schema<T: Step>() -> serde_json::Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.into_generator().into_root_schema_for::<T::Config>().to_value()
}

fn parse<T: Step>(settings: toml::Table) -> Result<T::Config, String> {
    toml::Value::Table(settings).try_into().map_err(|error: toml::de::Error| bounds::plainly(error.message()))
}

fn build<T: Step>(settings: toml::Table, setup: &mut Setup) -> Result<Instance, Refused>
where
    T::Kind: Registrable<T>,
{
    let config = parse::<T>(settings).map_err(Refused::Settings)?;
    // A map with sorted keys, whatever the order of the fields in the code.
    let sorted: BTreeMap<String, serde_json::Value> = match serde_json::to_value(&config) {
        Ok(serde_json::Value::Object(map)) => map.into_iter().collect(),
        _ => BTreeMap::new(),
    };
    let settings = serde_json::to_string(&sorted).expect("settings are plain data");
    let step = T::new(config, setup).map_err(Refused::Step)?;
    let (reads, writes, facts) = (step.reads(), step.writes(), step.facts());
    let built = T::Kind::built(step);
    let reasons = match &built {
        Built::Rule(rule) => vec![Reason::of(rule.reason(), "drop_if")],
        _ => <T::Kind as Registrable<T>>::REASONS.to_vec(),
    };
    let measures = <T::Kind as Registrable<T>>::MEASURES.to_vec();
    Ok(Instance { built, reads, writes, measures, reasons, settings, facts })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filters() -> Vec<(Entry, Arc<dyn AnyFilter>)> {
        let registry = Registry::builtin();
        let required = |name: &str| match name {
            "sample" => "share = 0.5",
            "listed_words" => "lists = [\"zh-ads\"]",
            _ => "",
        };
        let built = |entry: &Entry| match entry.build(required(entry.name).parse().unwrap(), &mut Setup::default()) {
            Ok(Instance { built: Built::Filter(filter), .. }) => Some((entry.clone(), filter)),
            _ => None,
        };
        registry.entries().filter_map(built).collect()
    }

    proptest! {
        /// Whatever is measured: [`AnyFilter::judge`] asserts that the reason is declared.
        #[test]
        fn no_filter_gives_a_reason_that_it_has_not_declared(
            drawn in prop::collection::vec(prop::sample::select(vec![0.0, 0.003, 0.1, 0.5, 0.9, 1.0, 3.0, 60.0, 1e6, f64::NAN]), 64)
        ) {
            thread_local! {
                static FILTERS: Vec<(Entry, Arc<dyn AnyFilter>)> = filters();
            }
            FILTERS.with(|filters| {
                assert!(filters.len() > 12);
                for (entry, filter) in filters {
                    filter.judge(&drawn[..entry.measures.len()]);
                }
            });
        }
    }

    #[test]
    fn every_reason_names_a_setting_and_a_measure_that_there_are() {
        for entry in Registry::builtin().entries() {
            for reason in entry.reasons {
                let told = format!("{} of {}", reason.name, entry.name);
                if let Some(setting) = reason.setting {
                    let setting = setting.split('[').next().unwrap_or_default();
                    assert!(entry.settings().contains(&setting), "{told}: no setting {setting}");
                }
                if let Some(measure) = reason.measure() {
                    assert!(entry.measures.iter().any(|known| known.name == measure), "{told}: no measure {measure}");
                }
            }
            let judged = entry.settings().into_iter().filter(|setting| entry.only_judges(setting));
            for setting in judged.filter(|setting| setting.starts_with("min_") || setting.starts_with("max_")) {
                let named =
                    |reason: &Reason| reason.setting.is_some_and(|known| known.split('[').next() == Some(setting));
                assert!(entry.reasons.iter().any(named), "{}: no reason has {setting}", entry.name);
            }
        }
    }
}
