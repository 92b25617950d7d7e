//! `index` and `against`: what a stage leaves to later runs, and what earlier runs left to it.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::complaint::Complaint;
use super::super::pipeline::Entry;
use super::super::written::{Setting, Written};
use super::Checker;
use super::head::plain_path;
use super::order::Draft;
use crate::engine::driver::work_folder;
use crate::engine::index::{Index, Target, Writes};
use crate::engine::lane::OWN_FOLDERS;
use crate::registry::{self, Built};

impl Checker<'_> {
    /// The index that a step writes, and those it is cleaned against.
    pub(super) fn indexes(
        &mut self,
        written: &Written,
        known: &registry::Entry,
        name: &str,
        built: &Built,
        files: &[(String, String)],
    ) -> (Option<Target>, Vec<Arc<Index>>) {
        let (index, against) = (written.settings.get("index"), written.settings.get("against"));
        let Some(first) = index.or(against) else { return (None, Vec::new()) };
        let Some(indexing) = (if let Built::Stage(stage) = built { stage.indexing() } else { None }) else {
            let (who, help) = match known.keeps_index {
                true => ("a Bloom filter".to_owned(), "leave out `bloom`, or remove `index` and `against`"),
                false => (
                    format!("`{}`", known.name),
                    "`index` and `against` are for `exact_duplicates`, `minhash` and `semantic_duplicates`: remove them here",
                ),
            };
            let what = format!("{who} keeps no index of what stays");
            self.complain(Complaint::new(what, first.key.clone()).help(help));
            return (None, Vec::new());
        };
        let settings = indexing.settings().into_iter().map(|(key, value)| (key.to_owned(), value));
        let writes = Writes {
            pipeline: self.head.name.clone(),
            step: name.to_owned(),
            uses: known.name,
            version: known.version,
            settings: settings.chain(files.iter().cloned()).collect(),
        };
        let target = index.and_then(|setting| self.target(setting, &writes));
        let against = against.map_or_else(Vec::new, |setting| self.against(setting, &writes));
        (target, against)
    }

    fn target(&mut self, setting: &Setting, writes: &Writes) -> Option<Target> {
        let wrong = |what: String| Complaint::new(what, setting.span.clone());
        let Some(name) = setting.value.as_str().filter(|name| is_path(name)) else {
            self.complain(wrong("`index` is the path of a folder".into()).help("write index = \"indexes/2024-10\""));
            return None;
        };
        let folder = plain_path(&self.folder.join(name));
        let output = &self.head.output;
        if *output == folder || folder.starts_with(work_folder(output)) || output.starts_with(&folder) {
            let what = format!("the index `{name}` would lie where the run has its own files");
            self.complain(wrong(what).help("give it a folder of its own, such as one beside `output`"));
            return None;
        }
        let first = folder.strip_prefix(output).ok().and_then(|below| below.components().next());
        let first = first.and_then(|first| first.as_os_str().to_str());
        if first.is_some_and(|first| OWN_FOLDERS.contains(&first) || self.names.contains_key(first)) {
            let what = format!("the index `{name}` would lie in a folder that the run writes documents into");
            self.complain(wrong(what).help("give it a folder of its own, such as one beside `output`"));
            return None;
        }
        if self.indexes.contains(&folder) {
            let what = format!("two steps write the index `{name}`");
            self.complain(wrong(what).help("give each a folder of its own"));
            return None;
        }
        self.indexes.push(folder.clone());
        Some(Target { name: name.to_owned(), folder, writes: writes.clone() })
    }

    fn against(&mut self, setting: &Setting, writes: &Writes) -> Vec<Arc<Index>> {
        let wrong = |what: String| Complaint::new(what, setting.span.clone());
        let names: Option<Vec<&str>> = setting
            .value
            .as_array()
            .map(|list| list.iter().filter_map(|item| item.as_str().filter(|name| is_path(name))).collect());
        let all = setting.value.as_array().map_or(0, Vec::len);
        let Some(names) = names.filter(|names| names.len() == all && all > 0) else {
            let help = "write against = [\"indexes/2024-10\"]; a path has no `#`";
            self.complain(wrong("`against` is a list of folders in quotes".into()).help(help));
            return Vec::new();
        };
        let mut found: Vec<Arc<Index>> = Vec::new();
        let mut seen: Vec<PathBuf> = Vec::new();
        for name in names {
            let folder = plain_path(&self.folder.join(name));
            if seen.contains(&folder) {
                self.complain(
                    wrong(format!("the index `{name}` stands in `against` twice")).help("remove one of them"),
                );
                continue;
            }
            seen.push(folder.clone());
            let index = Index::open(name, folder).and_then(|index| match index.differs(writes) {
                None => Ok(index),
                Some(differs) => Err(differs),
            });
            match index {
                Ok(index) => found.push(Arc::new(index)),
                Err(unreadable) => self.complain(wrong(unreadable.what).help(unreadable.help)),
            }
        }
        found
    }

    /// No index is read and written by one pipeline, whichever step comes first.
    pub(super) fn read_and_written(&mut self, drafts: &[Draft<'_>], entries: &[Option<Entry>]) {
        for (draft, entry) in drafts.iter().zip(entries) {
            for index in entry
                .iter()
                .flat_map(|entry| &entry.against)
                .filter(|index| self.indexes.contains(&index.folder))
                .cloned()
                .collect::<Vec<_>>()
            {
                let what = format!("the index `{}` is written by this pipeline, and cannot be read by it", index.name);
                let complaint = Complaint::new(what, draft.written.value("against"));
                self.complain(complaint.help("give `index` a new folder: a later run is cleaned against both"));
            }
        }
    }
}

/// What `kept_instead` can name, before a `#`.
fn is_path(name: &str) -> bool {
    !name.trim().is_empty() && !name.contains('#') && !name.contains("://")
}
