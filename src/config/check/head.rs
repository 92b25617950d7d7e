//! The `[pipeline]` table.

use std::path::{Path, PathBuf};

use super::super::complaint::Complaint;
use super::super::nearest;
use super::super::written::Written;
use super::{Checker, is_name};
use crate::engine::driver::Limit;
use crate::engine::graph::KeepDropped;

/// What `[pipeline]` says.
pub(super) struct Head {
    pub(super) name: String,
    pub(super) output: PathBuf,
    pub(super) seed: u64,
    pub(super) max_set_aside: Limit,
    pub(super) max_document: usize,
    pub(super) keep_dropped: KeepDropped,
}

impl Default for Head {
    fn default() -> Head {
        Head {
            name: String::new(),
            output: PathBuf::new(),
            seed: 0,
            max_set_aside: Limit::Share(0.1),
            max_document: 16 << 20,
            keep_dropped: KeepDropped::None,
        }
    }
}

impl Checker<'_> {
    pub(super) fn head(&mut self, table: &Written) -> Head {
        const KEYS: [&str; 6] = ["name", "output", "seed", "max_set_aside", "max_document_mb", "dropped"];
        let mut head = Head::default();
        if table.header.is_none() && table.settings.is_empty() {
            self.complain(
                Complaint::new("there is no [pipeline]", None)
                    .help("begin the file with [pipeline], name = \"…\" and output = \"…\""),
            );
            return head;
        }
        for (key, setting) in &table.settings {
            let value = &setting.value;
            let wanted = |what: &str| {
                Complaint::new(format!("`{key}` is {what}"), setting.span.clone())
                    .label(format!("this is {}", value.type_str()))
            };
            match key.as_str() {
                "name" => match value.as_str() {
                    Some(name) if is_name(name) => head.name = name.to_owned(),
                    Some(_) => self.complain(wanted("a name: letters, digits, `-`, `_` and `.`").label("")),
                    None => self.complain(wanted("text")),
                },
                "output" => match value.as_str() {
                    Some(output) if output.contains("://") => self.complain(
                        Complaint::new("object stores cannot be written yet", setting.span.clone())
                            .help("give a folder on disk"),
                    ),
                    Some(output) if output.trim().is_empty() => self.complain(
                        wanted("empty").label("").help("give a folder of its own, as output = \"out/my-corpus\""),
                    ),
                    Some(output) => head.output = plain_path(&self.folder.join(output)),
                    None => self.complain(wanted("the path of a folder")),
                },
                "seed" => match value.as_integer().and_then(|seed| u64::try_from(seed).ok()) {
                    Some(seed) => head.seed = seed,
                    None => self.complain(wanted("a whole number, not negative")),
                },
                "max_set_aside" => match limit(value) {
                    Some(limit) => head.max_set_aside = limit,
                    None => {
                        let wrong = wanted("how many records may be set aside: a number of them, or a share");
                        let share = value.as_float().filter(|share| (0.0..=1.0).contains(share));
                        let share = share.map_or(1.0, |share| (share * 1e10).round() / 1e8);
                        self.complain(wrong.help(format!("write 100, or \"{share}%\"")));
                    }
                },
                "max_document_mb" => match value.as_integer().filter(|mb| (1..=1024).contains(mb)) {
                    Some(mb) => head.max_document = (mb as usize) << 20,
                    None => self.complain(wanted("a number of megabytes from 1 to 1024")),
                },
                "dropped" => match value.as_str() {
                    Some("none") => head.keep_dropped = KeepDropped::None,
                    Some("sample") => head.keep_dropped = KeepDropped::Sample,
                    Some("all") => head.keep_dropped = KeepDropped::All,
                    _ => self.complain(wanted("\"none\", \"sample\" or \"all\"")),
                },
                _ => {
                    let help = match nearest(key, KEYS.into_iter()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("[pipeline] has {}", KEYS.join(", ")),
                    };
                    self.complain(
                        Complaint::new(format!("unknown setting `{key}` of [pipeline]"), setting.key.clone())
                            .help(help),
                    );
                }
            }
        }
        for (key, example) in [("name", "name = \"my-corpus\""), ("output", "output = \"out/my-corpus\"")] {
            if !table.settings.contains_key(key) {
                self.complain(
                    Complaint::new(format!("[pipeline] has no `{key}`"), table.header.clone())
                        .help(format!("add {example}")),
                );
            }
        }
        head
    }
}

fn limit(value: &toml::Value) -> Option<Limit> {
    match value {
        toml::Value::Integer(count) => u64::try_from(*count).ok().map(Limit::Count),
        toml::Value::String(share) => {
            let percent: f64 = share.strip_suffix('%')?.trim().parse().ok()?;
            (0.0..=100.0).contains(&percent).then_some(Limit::Share(percent / 100.0))
        }
        _ => None,
    }
}

/// A path without `.` and without `..` behind a name: what people read in messages.
pub(super) fn plain_path(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir
                if matches!(plain.components().next_back(), Some(std::path::Component::Normal(_))) =>
            {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    if plain.as_os_str().is_empty() { PathBuf::from(".") } else { plain }
}
