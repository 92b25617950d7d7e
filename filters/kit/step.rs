//! The traits a step implements.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Document, Measures, Name, Text, Type};

/// A field a step reads or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// What it is called.
    pub name: Name,
    /// The type of its values.
    pub kind: Type,
}

impl Field {
    /// A field by its name and type.
    pub fn new(name: &str, kind: Type) -> Field {
        Field { name: Name::new(name), kind }
    }
}

/// Settings under one name: whose decisions a step reproduces.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// As in `profile = "…"`.
    pub name: &'static str,
    /// Settings in TOML that stand in for the defaults; what the pipeline file says beside
    /// `profile` overrides them.
    pub settings: &'static str,
}

/// A setting that is well-formed and still cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The setting to point at; the whole step where there is none.
    pub setting: Option<&'static str>,
    /// What is wrong: lower case, no full stop.
    pub what: String,
    /// How to repair it.
    pub help: Option<String>,
}

impl Wrong {
    /// A setting whose value cannot be; `what` says why.
    pub fn setting(setting: &'static str, what: impl Into<String>) -> Wrong {
        Wrong { setting: Some(setting), what: what.into(), help: None }
    }

    /// Adds how to repair it.
    pub fn help(mut self, help: impl Into<String>) -> Wrong {
        self.help = Some(help.into());
        self
    }
}

/// What a step may ask for while it is built, and where it says what it depends on.
#[derive(Debug, Default)]
pub struct Setup {
    /// Folder of the pipeline file: relative paths in settings start here.
    pub folder: PathBuf,
    /// The only source of randomness.
    pub seed: u64,
    /// Name of the step in this pipeline; part of every random draw.
    pub step: String,
    /// Files whose content decides (models, lists, tokenizers): path as used, by setting. The
    /// engine adds their digests to the fingerprint of every task that runs the step.
    pub files: BTreeMap<&'static str, PathBuf>,
}

impl Setup {
    /// Resolves the path in `setting` against the pipeline's folder and notes that its content
    /// decides. A missing file is a mistake of the pipeline.
    pub fn file(&mut self, setting: &'static str, path: &str) -> Result<PathBuf, Wrong> {
        let resolved = if Path::new(path).is_absolute() { PathBuf::from(path) } else { self.folder.join(path) };
        if !resolved.is_file() {
            return Err(Wrong::setting(setting, format!("there is no file `{}`", resolved.display()))
                .help("paths are relative to the folder of the pipeline file"));
        }
        self.files.insert(setting, resolved.clone());
        Ok(resolved)
    }
}

/// What every step has, whatever its kind.
///
/// One name in three spellings: `mean_word_length.rs`, `MeanWordLength`, `use = "mean_word_length"`.
pub trait Step: Sized + Send + Sync + 'static {
    /// `source`, `mapper`, `filter`, `stage` or `sink`.
    const NAME: &'static str;
    /// Raised whenever the same input and settings give other bytes than before.
    const VERSION: u32;
    /// The step's own file, `include_str!("mean_word_length.rs")`: its `//!` words are what
    /// `wanjuan explain` prints.
    const WORDS: &'static str;
    /// Whose decisions the settings can reproduce; the first is what the defaults follow.
    const PROFILES: &'static [Profile] = &[];
    /// Its settings: read from the pipeline file, explained from their schema.
    type Config: DeserializeOwned + Serialize + JsonSchema + Send + Sync + 'static;
    /// [`kind::Filter`], [`kind::Mapper`], or a kind of the engine.
    type Kind: Kind;

    /// Builds the step, or says which setting is wrong.
    fn new(config: Self::Config, setup: &mut Setup) -> Result<Self, Wrong>;

    /// Fields the step reads; a pipeline in which nobody writes them is refused.
    fn reads(&self) -> Vec<Field> {
        Vec::new()
    }

    /// Fields the step writes.
    fn writes(&self) -> Vec<Field> {
        Vec::new()
    }
}

/// A kind of step. The engine says which work each kind does.
pub trait Kind {
    /// As in `use = "…"`.
    const NAME: &'static str;
}

/// Markers for [`Step::Kind`].
pub mod kind {
    /// See [`Filter`](super::Filter).
    pub struct Filter;
    /// See [`Mapper`](super::Mapper).
    pub struct Mapper;

    impl super::Kind for Filter {
        const NAME: &'static str = "filter";
    }
    impl super::Kind for Mapper {
        const NAME: &'static str = "mapper";
    }
}

/// Keep a document, or drop it with the fact about it that decided (`too_few_words`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Keep,
    /// It goes no further, for this reason: a fact about the document.
    Drop(&'static str),
}

/// Judges one document without changing it.
pub trait Filter: Step<Kind = kind::Filter> {
    /// What it measures; `()` for nothing.
    type Measure: Measures;

    /// Computes the numbers the verdict rests on.
    fn measure(&self, text: &Text) -> Self::Measure;

    /// Decides on those numbers alone, so that stored measures can be judged again.
    fn judge(&self, measure: &Self::Measure) -> Verdict;

    /// Every reason `judge` can give.
    fn reasons(&self) -> &'static [&'static str];
}

/// Rewrites the text or the fields of one document, and may drop it.
pub trait Mapper: Step<Kind = kind::Mapper> {
    /// What it measures; `()` for nothing.
    type Measure: Measures;

    /// A pure function of the document. `measure` starts out empty.
    fn map(&self, document: &mut Document, measure: &mut Self::Measure) -> Verdict;

    /// Every reason `map` can give.
    fn reasons(&self) -> &'static [&'static str] {
        &[]
    }
}
