//! From the pipeline as written to the pipeline as checked: every mistake at once, each with its
//! place and its repair, before a byte is read.

mod case;
mod corpus;
mod entry;
mod head;
mod index;
mod order;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

pub use entry::ENGINE_KEYS;

use wanjuan_filters::kit::Type;

use super::Scope;
use super::complaint::{Complaint, Complaints};
use super::pipeline::{Checked, Entry, Pipeline};
use super::written::{self, WrittenFile};
use crate::registry::Registry;
use head::Head;

/// Reads and checks a pipeline file. `sets` are the command line's `--set`.
pub fn load(registry: &Registry, path: &Path, sets: &[String]) -> Result<Pipeline, Complaints> {
    let file = path.display().to_string();
    let source = match fs::read_to_string(path) {
        Ok(source) => source,
        Err(error) => {
            let list = vec![
                Complaint::new(format!("{file}: {error}"), None)
                    .help("`wanjuan init` writes a pipeline file to start from"),
            ];
            return Err(Complaints { file, source: String::new(), list });
        }
    };
    check(registry, path, source, sets)
}

/// Checks the text of a pipeline file; relative paths start at the folder of `path`.
pub fn check(registry: &Registry, path: &Path, source: String, sets: &[String]) -> Result<Pipeline, Complaints> {
    let mut complaints = Vec::new();
    let mut file = written::read(&source, &mut complaints);
    for assignment in sets {
        written::set(&mut file, assignment, &mut complaints);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let mut checker = Checker {
        registry,
        folder,
        complaints,
        names: BTreeMap::new(),
        sources: Vec::new(),
        head: Head::default(),
        indexes: Vec::new(),
        behind: Vec::new(),
        slots: 0,
    };
    let pipeline = checker.pipeline(path, &source, &file);
    match pipeline {
        Some(pipeline) if checker.complaints.is_empty() => Ok(pipeline),
        _ => Err(Complaints { file: path.display().to_string(), source, list: checker.complaints }),
    }
}

struct Checker<'a> {
    registry: &'a Registry,
    folder: PathBuf,
    complaints: Vec<Complaint>,
    /// Number of each entry by name.
    names: BTreeMap<String, usize>,
    /// Names of the sources.
    sources: Vec<String>,
    head: Head,
    /// Folders that steps write indexes into.
    indexes: Vec<PathBuf>,
    /// What is known of a document behind each entry.
    behind: Vec<Scope>,
    /// How many measures there are so far.
    slots: usize,
}

impl Checker<'_> {
    fn complain(&mut self, complaint: Complaint) {
        self.complaints.push(complaint);
    }

    fn pipeline(&mut self, path: &Path, source: &str, file: &WrittenFile) -> Option<Pipeline> {
        self.head = self.head(&file.pipeline);
        let drafts = self.drafts(file);
        let sources = drafts.iter().filter(|draft| draft.table == "source");
        self.sources = sources.map(|draft| draft.name.clone()).collect();
        let order = self.order(&drafts)?;
        let mut entries: Vec<Option<Entry>> = drafts.iter().map(|_| None).collect();
        self.behind = vec![Scope { open: true, ..Scope::default() }; drafts.len()];
        for &number in &order {
            entries[number] = self.entry(&drafts[number], number);
        }
        self.unread(&drafts);
        self.read_and_written(&drafts, &entries);
        let written = entries.iter().flatten().flat_map(|entry| &entry.instance.writes);
        let fields: BTreeMap<&str, Type> = written.map(|field| (field.name.as_str(), field.kind)).collect();
        if fields.len() > MAX_FIELDS {
            let what = format!("documents would have {} fields; they can have {MAX_FIELDS}", fields.len());
            self.complain(Complaint::new(what, None).help("what no step needs is carried along without being a field"));
        }
        let tests = file.tests.iter().filter_map(|test| self.case(test, &fields, source)).collect();
        // In the order in which each stands after all it reads from.
        let mut place = vec![0; drafts.len()];
        for (at, &number) in order.iter().enumerate() {
            place[number] = at;
        }
        let mut sorted = Vec::new();
        for &number in &order {
            let mut entry = entries[number].take()?;
            entry.inputs = drafts[number].inputs.iter().map(|&input| place[input]).collect();
            sorted.push(entry);
        }
        let head = std::mem::take(&mut self.head);
        Some(Pipeline {
            file: path.to_owned(),
            source: source.to_owned(),
            name: head.name,
            output: head.output,
            seed: head.seed,
            max_set_aside: head.max_set_aside,
            max_document: head.max_document,
            keep_dropped: head.keep_dropped,
            entries: sorted,
            tests,
            _checked: Checked,
        })
    }
}

/// A document's fields are counted in a byte, two of which the engine may add itself.
const MAX_FIELDS: usize = 250;

/// Names become folders and stand in SQL and in messages, so they are plain.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || ['-', '_', '.'].contains(&c);
    !name.is_empty() && name.len() <= 64 && name.chars().all(plain) && !name.starts_with('.')
}
