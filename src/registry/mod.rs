//! The registry: every step a pipeline file can name.
//!
//! A registry is a value, passed by hand. A step of a user's own crate joins with
//! [`Registry::with`] and has exactly the powers of a built-in one.

mod any;
mod builtin;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::generate::SchemaSettings;
use wanjuan_filters::kit::{self, Field, Filter, Kind as _, Mapper, MeasureInfo, Profile, Setup, Step, Wrong};

pub use any::{AnyFilter, AnyMapper, AnySink, AnySource, AnyStage};

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
    pub reasons: Vec<&'static str>,
    /// Its settings, resolved, with sorted keys: the same text for the same decisions.
    pub settings: String,
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
    judging: &'static [&'static str],
    measuring: &'static [&'static str],
    fits: fn(toml::Table) -> Result<(), String>,
    build: fn(toml::Table, &mut Setup) -> Result<Instance, Refused>,
}

impl Entry {
    /// Builds the step from its settings.
    pub fn build(&self, settings: toml::Table, setup: &mut Setup) -> Result<Instance, Refused> {
        (self.build)(settings, setup)
    }

    /// Whether settings are of the step's form.
    pub fn fits(&self, settings: toml::Table) -> Result<(), String> {
        (self.fits)(settings)
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
    /// See [`Filter::JUDGING`].
    const JUDGING: &'static [&'static str] = &[];
    /// See [`Filter::MEASURING`].
    const MEASURING: &'static [&'static str] = &[];
    /// Makes the step an object, and says which reasons it can give.
    fn built(step: T) -> (Built, Vec<&'static str>);
}

impl<T: Filter> Registrable<T> for kit::kind::Filter {
    const MEASURES: &'static [MeasureInfo] = <T::Measure as kit::Measures>::INFO;
    const JUDGING: &'static [&'static str] = T::JUDGING;
    const MEASURING: &'static [&'static str] = T::MEASURING;
    fn built(step: T) -> (Built, Vec<&'static str>) {
        let reasons = step.reasons().to_vec();
        (Built::Filter(Arc::new(step)), reasons)
    }
}

impl<T: Mapper> Registrable<T> for kit::kind::Mapper {
    const MEASURES: &'static [MeasureInfo] = <T::Measure as kit::Measures>::INFO;
    fn built(step: T) -> (Built, Vec<&'static str>) {
        let reasons = step.reasons().to_vec();
        (Built::Mapper(Arc::new(step)), reasons)
    }
}

impl Registrable<Rule> for rule::Kind {
    const MEASURES: &'static [MeasureInfo] = rule::FACTS;
    const JUDGING: &'static [&'static str] = &["drop_if", "reason"];
    fn built(step: Rule) -> (Built, Vec<&'static str>) {
        let reasons = vec![step.reason()];
        (Built::Rule(step), reasons)
    }
}

impl<T: source::Source> Registrable<T> for source::Kind {
    fn built(step: T) -> (Built, Vec<&'static str>) {
        (Built::Source(Arc::new(step)), Vec::new())
    }
}

impl<T: stage::Stage> Registrable<T> for stage::Kind {
    fn built(step: T) -> (Built, Vec<&'static str>) {
        let reasons = step.reasons().to_vec();
        (Built::Stage(Arc::new(step)), reasons)
    }
}

impl<T: sink::Sink> Registrable<T> for sink::Kind {
    fn built(step: T) -> (Built, Vec<&'static str>) {
        (Built::Sink(Arc::new(step)), Vec::new())
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
            judging: <T::Kind as Registrable<T>>::JUDGING,
            measuring: <T::Kind as Registrable<T>>::MEASURING,
            fits: |settings| parse::<T>(settings).map(drop),
            build: build::<T>,
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
    toml::Value::Table(settings).try_into().map_err(|error: toml::de::Error| error.message().to_owned())
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
    let (reads, writes) = (step.reads(), step.writes());
    let (built, reasons) = T::Kind::built(step);
    let measures = <T::Kind as Registrable<T>>::MEASURES.to_vec();
    Ok(Instance { built, reads, writes, measures, reasons, settings })
}
