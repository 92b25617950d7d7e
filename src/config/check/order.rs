//! Which entry reads from which: names, `from`, cycles.

use super::super::complaint::Complaint;
use super::super::nearest;
use super::super::written::{self, Written, WrittenFile};
use super::{Checker, is_name};
use crate::engine::lane::OWN_FOLDERS;

/// An entry of the file before it is built.
pub(super) struct Draft<'a> {
    pub(super) table: &'static str,
    pub(super) written: &'a Written,
    pub(super) name: String,
    pub(super) inputs: Vec<usize>,
    /// Whether its `from` is wrong, so that it is not known what it reads.
    pub(super) astray: bool,
}

impl Checker<'_> {
    /// Names every entry and finds out what it reads from.
    pub(super) fn drafts<'a>(&mut self, file: &'a WrittenFile) -> Vec<Draft<'a>> {
        let tables = [("source", &file.sources), ("step", &file.steps), ("sink", &file.sinks)];
        for (table, list) in tables {
            if list.is_empty() && table != "step" {
                self.complain(
                    Complaint::new(format!("there is no [[{table}]]"), None)
                        .help(format!("a pipeline has at least one; `wanjuan list` shows every {table}")),
                );
            }
        }
        let mut drafts = Vec::new();
        for (table, list) in tables {
            for written in list {
                let name = match written.settings.get("name") {
                    None => written.text("use").unwrap_or(table).to_owned(),
                    Some(setting) => match setting.value.as_str().filter(|name| is_name(name)) {
                        Some(name) => name.to_owned(),
                        None => {
                            self.complain(Complaint::new(
                                "a name is letters, digits, `-`, `_` and `.`",
                                setting.span.clone(),
                            ));
                            written.text("use").unwrap_or(table).to_owned()
                        }
                    },
                };
                let number = drafts.len();
                if OWN_FOLDERS.contains(&name.as_str()) {
                    self.complain(
                        Complaint::new(
                            format!("the name `{name}` is taken by a folder of every run"),
                            written.key("name"),
                        )
                        .help("give it another with `name = \"…\"`"),
                    );
                }
                if self.names.insert(name.clone(), number).is_some() {
                    let complaint = Complaint::new(format!("two entries are called `{name}`"), written.key("name"));
                    self.complain(complaint.help("give one of them another name with `name = \"…\"`"));
                }
                drafts.push(Draft { table, written, name, inputs: Vec::new(), astray: false });
            }
        }
        let sources: Vec<usize> = (0..file.sources.len()).collect();
        let last_step = (file.sources.len() + file.steps.len()).checked_sub(1).filter(|_| !file.steps.is_empty());
        for number in 0..drafts.len() {
            let (table, written) = (drafts[number].table, drafts[number].written);
            let before = self.complaints.len();
            let inputs = match (table, written.settings.get("from")) {
                ("source", Some(setting)) => {
                    self.complain(
                        Complaint::new("a source reads from nothing but its paths", setting.key.clone())
                            .help("remove `from`"),
                    );
                    Vec::new()
                }
                ("source", None) => Vec::new(),
                (_, Some(setting)) => self.from(setting, &drafts, number),
                ("step", None) if number == file.sources.len() => sources.clone(),
                ("step", None) => vec![number - 1],
                (_, None) => last_step.map_or_else(|| sources.clone(), |last| vec![last]),
            };
            drafts[number].inputs = inputs;
            drafts[number].astray = self.complaints.len() > before;
        }
        drafts
    }

    fn from(&mut self, setting: &written::Setting, drafts: &[Draft<'_>], reader: usize) -> Vec<usize> {
        let names: Option<Vec<&str>> = match &setting.value {
            toml::Value::String(name) => Some(vec![name]),
            toml::Value::Array(list) if !list.is_empty() => list.iter().map(toml::Value::as_str).collect(),
            _ => None,
        };
        let Some(names) = names else {
            self.complain(
                Complaint::new("`from` is a name or a list of names", setting.span.clone())
                    .help("write from = \"name\" or from = [\"a\", \"b\"]"),
            );
            return Vec::new();
        };
        let mut inputs = Vec::new();
        for name in names {
            match self.names.get(name) {
                Some(&number) if drafts[number].table == "sink" => {
                    self.complain(Complaint::new(
                        format!("`{name}` is a sink: nothing can read from it"),
                        setting.span.clone(),
                    ));
                }
                Some(&number) if number == reader => {
                    self.complain(Complaint::new(format!("`{name}` reads from itself"), setting.span.clone()))
                }
                Some(&number) if inputs.contains(&number) => {
                    self.complain(Complaint::new(format!("`{name}` is named twice"), setting.span.clone()))
                }
                Some(&number) => inputs.push(number),
                None => {
                    let known = drafts.iter().filter(|draft| draft.table != "sink").map(|draft| draft.name.as_str());
                    let help = match nearest(name, known.clone()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("there are {}", known.collect::<Vec<_>>().join(", ")),
                    };
                    self.complain(
                        Complaint::new(format!("nothing is called `{name}`"), setting.span.clone()).help(help),
                    );
                }
            }
        }
        inputs
    }

    /// Each entry after all it reads from, or a complaint about a cycle.
    pub(super) fn order(&mut self, drafts: &[Draft<'_>]) -> Option<Vec<usize>> {
        let mut order = Vec::new();
        let mut placed = vec![false; drafts.len()];
        while order.len() < drafts.len() {
            let ready = (0..drafts.len())
                .find(|&number| !placed[number] && drafts[number].inputs.iter().all(|&input| placed[input]));
            let Some(number) = ready else {
                let stuck: Vec<usize> = (0..drafts.len()).filter(|&number| !placed[number]).collect();
                // Walking backwards from any of them ends up in the cycle.
                let mut at = stuck[0];
                for _ in 0..drafts.len() {
                    at = *drafts[at].inputs.iter().find(|input| !placed[**input])?;
                }
                let mut cycle = vec![drafts[at].name.clone()];
                let mut next = *drafts[at].inputs.iter().find(|input| !placed[**input])?;
                while next != at {
                    cycle.push(drafts[next].name.clone());
                    next = *drafts[next].inputs.iter().find(|input| !placed[**input])?;
                }
                cycle.push(drafts[at].name.clone());
                let complaint = Complaint::new("the graph has a cycle", drafts[at].written.value("from"));
                self.complain(complaint.label(format!("{} reads from the one after it", cycle.join(" <- "))));
                return None;
            };
            placed[number] = true;
            order.push(number);
        }
        Some(order)
    }

    /// A source or step whose documents go nowhere is a mistake: they would be lost in silence.
    pub(super) fn unread(&mut self, drafts: &[Draft<'_>]) {
        if drafts.iter().any(|draft| draft.astray) {
            return;
        }
        for (number, draft) in drafts.iter().enumerate() {
            if draft.table != "sink" && !drafts.iter().any(|other| other.inputs.contains(&number)) {
                let complaint =
                    Complaint::new(format!("nothing reads from `{}`", draft.name), draft.written.key("name"));
                self.complain(complaint.help(format!("write from = \"{}\" where its documents should go", draft.name)));
            }
        }
    }
}
