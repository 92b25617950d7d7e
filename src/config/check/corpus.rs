//! What a source reads.

use super::super::complaint::Complaint;
use super::super::written::Written;
use super::Checker;
use crate::registry::AnySource;
use crate::source::{Limits, MAX_RATIO, MISSING_TEXT, NoDocument};
use crate::store;

impl Checker<'_> {
    pub(super) fn corpus(&mut self, written: &Written, source: &dyn AnySource) -> Vec<store::Input> {
        let Some(setting) = written.settings.get("paths") else {
            self.complain(
                Complaint::new("this source has no `paths`", written.header.clone())
                    .help("add paths = [\"crawl/*.warc.gz\"]: files, folders or globs"),
            );
            return Vec::new();
        };
        let patterns: Option<Vec<String>> = match &setting.value {
            toml::Value::Array(list) if !list.is_empty() => {
                list.iter().map(|item| item.as_str().map(str::to_owned)).collect()
            }
            _ => None,
        };
        let Some(patterns) = patterns else {
            self.complain(
                Complaint::new("`paths` is a list of paths in quotes", setting.span.clone())
                    .help("write paths = [\"crawl/*.warc.gz\"]"),
            );
            return Vec::new();
        };
        match store::find(&patterns, &self.folder, source.endings()) {
            Ok(inputs) => {
                self.first_records(written, source, &inputs);
                inputs
            }
            Err(error) => {
                let complaint = Complaint::new(format!("`{}`: {}", error.pattern, error.what), setting.span.clone());
                self.complain(complaint.help(format!(
                    "relative paths start at the folder of the pipeline file, {}",
                    self.folder.canonicalize().unwrap_or_else(|_| self.folder.clone()).display()
                )));
                Vec::new()
            }
        }
    }

    /// Looks at the first records: if none of them has its text where the settings say, the settings
    /// are wrong, not the corpus.
    fn first_records(&mut self, written: &Written, source: &dyn AnySource, inputs: &[store::Input]) {
        let Some(input) = inputs.first() else { return };
        let batch = source.open(input, 0..input.length, FIRST_RECORDS).and_then(|mut reader| reader.next());
        let batch = match batch {
            Ok(Some(batch)) => batch,
            Ok(None) => return,
            Err(error) => {
                let what = format!("{}: {error}", input.location.display());
                return self.complain(Complaint::new(what, written.value("paths")));
            }
        };
        let mut missing = None;
        for index in 0..batch.len().min(MOST_RECORDS) {
            match batch.document(index) {
                Err(NoDocument::Bad(bad)) if bad.reason == MISSING_TEXT => missing = Some(bad.detail),
                _ => return,
            }
        }
        let Some(detail) = missing else { return };
        let setting = written.value("text").or_else(|| written.key("use"));
        let complaint = Complaint::new(format!("the records of {} have no text: {detail}", input.name), setting);
        self.complain(complaint.help("say where the text stands with `text = \"…\"`"));
    }
}

/// Enough to see some records whole.
const FIRST_RECORDS: Limits = Limits { batch_bytes: 256 << 10, max_document: 16 << 20, max_ratio: MAX_RATIO };
const MOST_RECORDS: usize = 100;
