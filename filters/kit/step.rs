//! The traits a step implements.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Document, Measures, Name, Text, Type, nearest};

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
    /// What is particular about these decisions and where they come from, for
    /// `wanjuan explain step@profile`.
    pub about: &'static str,
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

    /// Asks whether a known word was meant, where one is near.
    pub fn near<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Wrong {
        match nearest(word, known.into_iter()) {
            Some(near) => {
                let rest = self.help.as_ref().map(|help| format!("  {help}")).unwrap_or_default();
                self.help(format!("did you mean `{near}`?{rest}"))
            }
            None => self,
        }
    }

    /// Adds how to repair it.
    pub fn help(mut self, help: impl Into<String>) -> Wrong {
        self.help = Some(help.into());
        self
    }
}

/// Reads a table, such as a file of parquet: every row as an object of JSON, in order.
pub type Tables = fn(&Path) -> io::Result<Box<dyn Iterator<Item = io::Result<Vec<u8>>>>>;

/// What a step counted while it was built: by what it is about, and by name.
pub type Facts = BTreeMap<String, BTreeMap<String, u64>>;

/// What a step may ask for while it is built, and where it says what it depends on.
#[derive(Debug, Default)]
pub struct Setup {
    /// Folder of the pipeline file: relative paths in settings start here.
    pub folder: PathBuf,
    /// The only source of randomness.
    pub seed: u64,
    /// Name of the step in this pipeline; part of every random draw.
    pub step: String,
    /// Files whose content decides (models, lists, tokenizers): setting, and path as used. The
    /// engine adds their digests to the fingerprint of every task that runs the step.
    pub files: Vec<(&'static str, PathBuf)>,
    /// What reads tables, lent by the engine.
    pub tables: Option<Tables>,
}

impl Setup {
    /// Resolves the path in `setting` against the pipeline's folder and notes that its content
    /// decides. A missing file is a mistake of the pipeline.
    pub fn file(&mut self, setting: &'static str, path: &str) -> Result<PathBuf, Wrong> {
        let resolved = self.resolve(path);
        if !resolved.is_file() {
            return Err(missing(setting, "file", &resolved));
        }
        self.files.push((setting, resolved.clone()));
        Ok(resolved)
    }

    /// As [`file`](Setup::file), for a setting that lists files and folders. A folder stands for every
    /// file in it and below, in the order of their names; hidden ones (`.git`) are passed over.
    pub fn files_in(&mut self, setting: &'static str, paths: &[String]) -> Result<Vec<PathBuf>, Wrong> {
        let mut found = Vec::new();
        for path in paths {
            let resolved = self.resolve(path);
            if resolved.is_dir() {
                let before = found.len();
                walk(&resolved, &mut found)
                    .map_err(|error| Wrong::setting(setting, format!("{}: {error}", resolved.display())))?;
                if found.len() == before {
                    return Err(missing(setting, "file in the folder", &resolved));
                }
            } else if resolved.is_file() {
                found.push(resolved);
            } else {
                return Err(missing(setting, "file or folder", &resolved));
            }
        }
        self.files.extend(found.iter().map(|path| (setting, path.clone())));
        Ok(found)
    }

    fn resolve(&self, path: &str) -> PathBuf {
        if Path::new(path).is_absolute() { PathBuf::from(path) } else { self.folder.join(path) }
    }
}

fn missing(setting: &'static str, what: &str, path: &Path) -> Wrong {
    Wrong::setting(setting, format!("there is no {what} `{}`", path.display()))
        .help("paths are relative to the folder of the pipeline file")
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        // A link is what it leads to, for a file; links to folders could lead round in circles.
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
        } else if entry.file_type()?.is_dir() {
            walk(&path, found)?;
        } else if path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

/// What every step has, whatever its kind.
///
/// One name in three spellings: `mean_word_length.rs`, `MeanWordLength`, `use = "mean_word_length"`.
pub trait Step: Sized + Send + Sync + 'static {
    /// As in `use = "…"`.
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

    /// What it counted while it was built, such as the entries of a list: kept in `run.json`.
    fn facts(&self) -> Facts {
        Facts::new()
    }

    /// What follows from settings that are hard to picture, for `wanjuan explain step@profile`.
    fn picture(_: &Self::Config) -> Option<String> {
        None
    }
}

/// A kind of step. The engine says which work each kind does.
pub trait Kind {
    /// `source`, `mapper`, `filter`, `stage` or `sink`.
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

/// Why a step drops documents: a fact about them, the setting that says so, and the measure it looks at.
///
/// A reason with two settings has two rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// As in [`Verdict::Drop`] and in reports.
    pub name: &'static str,
    /// The setting that decides; `max_top[1]` is the second number of `max_top`.
    pub setting: Option<&'static str>,
    measure: Option<&'static str>,
    unmeasured: bool,
}

impl Reason {
    /// A reason that no setting is about: an empty text.
    pub const fn always(name: &'static str) -> Reason {
        Reason { name, setting: None, measure: None, unmeasured: true }
    }

    /// A reason that a setting is about. `min_words` and `max_words` are about the measure `words`; others
    /// about none.
    pub const fn of(name: &'static str, setting: &'static str) -> Reason {
        Reason { name, setting: Some(setting), measure: None, unmeasured: false }
    }

    /// The measure that is looked at, where it is called otherwise.
    pub const fn by(mut self, measure: &'static str) -> Reason {
        self.measure = Some(measure);
        self
    }

    /// Says that what the setting is about is no measure.
    pub const fn unmeasured(mut self) -> Reason {
        self.unmeasured = true;
        self
    }

    /// The measure that the setting is about.
    pub fn measure(&self) -> Option<&'static str> {
        let bound = |setting: &'static str| setting.strip_prefix("min_").or(setting.strip_prefix("max_"));
        self.measure.or_else(|| self.setting.filter(|_| !self.unmeasured).and_then(bound))
    }
}

/// Judges one document without changing it.
pub trait Filter: Step<Kind = kind::Filter> {
    /// What it measures; `()` for nothing.
    type Measure: Measures;
    /// Every reason `judge` can give, in the order in which it looks.
    const REASONS: &'static [Reason] = &[];
    /// Settings that judge and change no measure, beside those called `min_…` and `max_…`, of which that
    /// holds by their name: `wanjuan tune` tries others without reading the corpus again.
    const JUDGING: &'static [&'static str] = &[];
    /// Settings that are called `min_…` or `max_…` and yet say what is counted, so that they change measures.
    const MEASURING: &'static [&'static str] = &[];

    /// Computes the numbers the verdict rests on.
    fn measure(&self, text: &Text) -> Self::Measure;

    /// Decides on those numbers alone, so that stored measures can be judged again.
    fn judge(&self, measure: &Self::Measure) -> Verdict;
}

/// Rewrites the text or the fields of one document, and may drop it.
pub trait Mapper: Step<Kind = kind::Mapper> {
    /// What it measures; `()` for nothing.
    type Measure: Measures;
    /// Every reason `map` can give.
    const REASONS: &'static [Reason] = &[];

    /// A pure function of the document. `measure` starts out empty.
    fn map(&self, document: &mut Document, measure: &mut Self::Measure) -> Verdict;
}
