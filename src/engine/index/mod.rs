//! Indexes: what a stage keeps of the documents that stay, so that later runs are cleaned against them without
//! reading them again.
//!
//! ```text
//! index/_manifest.json         who wrote it, the settings that decide, and every file with its length and digests
//! index/part-00000.keys        sorted: what the stage observed of the documents of a split that stay behind it
//! index/part-00000.documents   by number: their ids, and what they have to say in a cluster
//! ```
//! Files are those of the [shuffle](super::shuffle), each block with its checksum; a stage without clusters has ids in
//! the place of values, and no second file. A part is made from what waits in the spool and the decisions about it,
//! once all phases are done. The manifest is there from the beginning, to say whose the folder is, and complete at the
//! end; nobody reads an index that is not. In a run that reads one, its parts are splits behind all others:
//! see [`INDEXED`](super::shuffle::INDEXED).

mod write;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::commit::{Drafts, digest, replace_file};
use super::publish::MANIFEST;
use super::shuffle::Run;

pub use write::{sweep, write};

/// The folder of files that are not finished; of a run that was killed at once there is nothing more.
const DRAFTS: &str = "drafts";
/// The layout of the files above.
const FORMAT: u32 = 1;

/// What an index says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Layout of the files.
    pub index_format: u32,
    /// Name of the pipeline that writes it.
    pub pipeline: String,
    /// Name of its step.
    pub step: String,
    /// What that step is.
    #[serde(rename = "use")]
    pub uses: String,
    /// See [`Step::VERSION`](wanjuan_filters::kit::Step::VERSION).
    pub version: u32,
    /// Settings by which keys are made and documents compared.
    pub settings: BTreeMap<String, String>,
    /// Whether it is finished.
    pub complete: bool,
    /// Documents in it.
    pub documents: u64,
    /// In the order of the corpus; splits of which nothing stays have none.
    pub parts: Vec<Part>,
    /// Of all that stands above.
    pub check: String,
}

/// What stays of one split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Documents in it.
    pub documents: u64,
    /// What was observed of them.
    pub keys: IndexFile,
    /// Their ids, and what they have to say.
    pub said: Option<IndexFile>,
}

/// A file of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexFile {
    /// Below the index's folder.
    pub name: String,
    /// In bytes.
    pub length: u64,
    /// BLAKE3, as `b3sum` prints it.
    pub blake3: String,
    /// Of its footer, which holds a checksum of every block.
    pub digest: String,
}

impl Part {
    /// Bytes of its files.
    pub fn bytes(&self) -> u64 {
        self.files().map(|file| file.length).sum()
    }

    /// Its files.
    fn files(&self) -> impl Iterator<Item = &IndexFile> {
        std::iter::once(&self.keys).chain(&self.said)
    }
}

impl Manifest {
    fn seal(&mut self) {
        self.check.clear();
        self.check = digest(&serde_json::to_vec(self).expect("a manifest is plain data"));
    }

    fn read(folder: &Path) -> io::Result<Option<Manifest>> {
        let bytes = match fs::read(folder.join(MANIFEST)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else { return Ok(None) };
        let mut again = manifest.clone();
        again.seal();
        Ok((again.check == manifest.check).then_some(manifest))
    }

    fn write(&mut self, drafts: &Drafts, folder: &Path) -> io::Result<()> {
        self.seal();
        let mut text = serde_json::to_vec_pretty(self).expect("a manifest is plain data");
        text.push(b'\n');
        replace_file(drafts, &folder.join(MANIFEST), &text)
    }
}

/// An index that a step is cleaned against.
#[derive(Debug)]
pub struct Index {
    /// As the pipeline calls it.
    pub name: String,
    /// Where it lies.
    pub folder: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// Why an index cannot be read, and how to repair that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Lower case, no full stop.
    pub what: String,
    /// How to repair it.
    pub help: String,
}

/// What helps against damage.
const AGAIN: &str = "run the pipeline that writes it again, or leave it out of `against`";

impl Index {
    /// Opens an index, and looks whether its files are those it names.
    pub fn open(name: &str, folder: PathBuf) -> Result<Index, Unreadable> {
        let wrong = |what: String, help: &str| Unreadable { what, help: help.to_owned() };
        let relative =
            "paths are relative to the folder of the pipeline file; a step writes an index with `index = \"…\"`";
        if !folder.join(MANIFEST).is_file() {
            return Err(wrong(format!("there is no index in `{name}`"), relative));
        }
        let manifest = match Manifest::read(&folder) {
            Ok(Some(manifest)) => manifest,
            Ok(None) => return Err(wrong(format!("the manifest of `{name}` is damaged, or not of an index"), AGAIN)),
            Err(error) => return Err(wrong(format!("`{name}`: {error}"), AGAIN)),
        };
        if manifest.index_format != FORMAT {
            let what = format!("the index `{name}` has the format {}, and {FORMAT} is read", manifest.index_format);
            return Err(wrong(what, AGAIN));
        }
        if !manifest.complete {
            let Manifest { pipeline, .. } = &manifest;
            let what = format!("the index `{name}` is not finished: the pipeline `{pipeline}` is still writing it");
            return Err(wrong(what, "run that pipeline to its end, or leave the index out of `against`"));
        }
        for file in manifest.parts.iter().flat_map(Part::files) {
            let path = folder.join(&file.name);
            let whole = fs::metadata(&path).is_ok_and(|found| found.len() == file.length)
                && Run::open(&path).is_ok_and(|run| run.digest() == file.digest);
            if !whole {
                let what = format!("the index `{name}` is damaged: {} is not the file it was", file.name);
                return Err(wrong(what, AGAIN));
            }
        }
        Ok(Index { name: name.to_owned(), folder, manifest })
    }

    /// What tells it from a step that wants to read it: the first thing that differs.
    pub fn differs(&self, writes: &Writes) -> Option<Unreadable> {
        let Manifest { step, uses, version, settings, .. } = &self.manifest;
        let name = &self.name;
        let differs = |what: String, help: String| Some(Unreadable { what, help });
        if *uses != writes.uses {
            let what = format!("the index `{name}` is one of `{uses}`, and this is `{}`", writes.uses);
            return differs(what, "leave it out, or give the step another index".into());
        }
        if *version != writes.version {
            let what =
                format!("the index `{name}` was written by version {version} of `{uses}`; this is {}", writes.version);
            return differs(what, AGAIN.into());
        }
        let of = |settings: &BTreeMap<String, String>, key: &String| settings.get(key).cloned();
        let key =
            settings.keys().chain(writes.settings.keys()).find(|key| of(settings, key) != of(&writes.settings, key))?;
        let told = |value: Option<String>| {
            value.map_or_else(|| "no such setting".to_owned(), |value| format!("`{key} = {value}`"))
        };
        let (was, is) = (told(of(settings, key)), told(of(&writes.settings, key)));
        let what = format!("the index `{name}` was written with {was}; this step has {is}");
        differs(
            what,
            format!(
                "give this step the same settings as the step `{step}` that wrote it, or leave it out of `against`"
            ),
        )
    }

    /// What a file of it is called in a complaint of the machine.
    pub fn damaged(&self, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("the index `{}` is damaged: {error}; {AGAIN}", self.name))
    }

    /// Bytes of its sorted keys.
    pub fn key_bytes(&self) -> u64 {
        self.manifest.parts.iter().map(|part| part.keys.length).sum()
    }
}

/// What a step writes into an index, or wants to find in one.
#[derive(Debug, Clone)]
pub struct Writes {
    /// Name of the pipeline.
    pub pipeline: String,
    /// Name of the step.
    pub step: String,
    /// What it is.
    pub uses: &'static str,
    /// Version of its keys.
    pub version: u32,
    /// Settings by which keys are made and documents compared, and digests of its files.
    pub settings: BTreeMap<String, String>,
}

/// Where a step writes an index.
#[derive(Debug, Clone)]
pub struct Target {
    /// As the pipeline calls it.
    pub name: String,
    /// Where it lies.
    pub folder: PathBuf,
    /// What it is.
    pub writes: Writes,
}

impl Target {
    fn manifest(&self) -> Manifest {
        let Writes { pipeline, step, uses, version, settings } = self.writes.clone();
        let uses = uses.to_owned();
        Manifest { index_format: FORMAT, pipeline, step, uses, version, settings, ..Manifest::default() }
    }

    /// Whether an index in the folder is one that this step wrote before.
    fn owns(&self, manifest: &Manifest) -> bool {
        manifest.pipeline == self.writes.pipeline && manifest.step == self.writes.step
    }

    /// What stands in the folder that this step has not made; `ours`: the output holds a run that could have.
    pub fn is_in_the_way(&self, ours: bool) -> Option<String> {
        let name = &self.name;
        match Manifest::read(&self.folder) {
            Ok(Some(manifest)) if self.owns(&manifest) && ours => None,
            Ok(Some(manifest)) if self.owns(&manifest) => {
                Some(format!("`{name}` holds the index that this pipeline wrote beside another output"))
            }
            Ok(Some(Manifest { pipeline, step, .. })) => {
                Some(format!("`{name}` holds the index of the step `{step}` of the pipeline `{pipeline}`"))
            }
            _ => {
                let others = fs::read_dir(&self.folder).ok()?.flatten().filter(|entry| entry.file_name() != DRAFTS);
                let first = others.map(|entry| entry.path()).min()?;
                Some(format!("`{name}`, which is to be an index, already holds {}", first.display()))
            }
        }
    }
}

/// Bytes of an id that an index keeps.
const MOST_ID: usize = 4096;

/// Appends an id to a value, before what is held of the document.
pub fn put_id(id: &str, out: &mut Vec<u8>) {
    let id = &id[..id.floor_char_boundary(MOST_ID)];
    out.extend_from_slice(&(id.len() as u16).to_le_bytes());
    out.extend_from_slice(id.as_bytes());
}

/// An id, and what follows it; `None` where the bytes are neither.
pub fn take_id(value: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = value.split_first_chunk()?;
    let (id, rest) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
    Some((std::str::from_utf8(id).ok()?, rest))
}
