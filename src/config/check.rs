//! From the pipeline as written to the pipeline as checked: every mistake at once, each with its
//! place and its repair, before a byte is read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wanjuan_filters::kit::{Name, Setup, Wrong};

use super::complaint::{Complaint, Complaints};
use super::pipeline::{Case, Checked, Entry, Expect, Pipeline, type_of};
use super::written::{self, Written, WrittenFile};
use super::{Predicate, Scope, nearest};
use crate::engine::commit::digest_file;
use crate::engine::driver::Limit;
use crate::engine::graph::KeepDropped;
use crate::registry::{self, Built, Refused, Registry};
use crate::sink::Columns;
use crate::store;

/// Keys that belong to the engine, whatever the step.
const ENGINE_KEYS: [&str; 5] = ["name", "use", "from", "where", "profile"];

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
    let mut checker = Checker { registry, folder, complaints, names: BTreeMap::new() };
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
}

/// An entry of the file before it is built.
struct Draft<'a> {
    table: &'static str,
    written: &'a Written,
    name: String,
    inputs: Vec<usize>,
}

impl Checker<'_> {
    fn complain(&mut self, complaint: Complaint) {
        self.complaints.push(complaint);
    }

    fn pipeline(&mut self, path: &Path, source: &str, file: &WrittenFile) -> Option<Pipeline> {
        let head = self.head(&file.pipeline);
        let drafts = self.drafts(file);
        let order = self.order(&drafts)?;
        let mut entries: Vec<Option<Entry>> = drafts.iter().map(|_| None).collect();
        let mut slots = 0;
        for &number in &order {
            let entry = self.entry(&drafts[number], &entries, head.seed, &mut slots);
            entries[number] = entry;
        }
        self.unread(&drafts);
        let tests = file.tests.iter().filter_map(|test| self.case(test, source)).collect();
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

    fn head(&mut self, table: &Written) -> Head {
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
                    Some(output) => head.output = plain_path(&self.folder.join(output)),
                    None => self.complain(wanted("the path of a folder")),
                },
                "seed" => match value.as_integer().and_then(|seed| u64::try_from(seed).ok()) {
                    Some(seed) => head.seed = seed,
                    None => self.complain(wanted("a whole number, not negative")),
                },
                "max_set_aside" => match limit(value) {
                    Some(limit) => head.max_set_aside = limit,
                    None => self.complain(wanted("a count or a share").help("write 100, or \"1%\"")),
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

    /// Names every entry and finds out what it reads from.
    fn drafts<'a>(&mut self, file: &'a WrittenFile) -> Vec<Draft<'a>> {
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
                if RESERVED.contains(&name.as_str()) {
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
                drafts.push(Draft { table, written, name, inputs: Vec::new() });
            }
        }
        let sources: Vec<usize> = (0..file.sources.len()).collect();
        let last_step = (file.sources.len() + file.steps.len()).checked_sub(1).filter(|_| !file.steps.is_empty());
        for number in 0..drafts.len() {
            let (table, written) = (drafts[number].table, drafts[number].written);
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
    fn order(&mut self, drafts: &[Draft<'_>]) -> Option<Vec<usize>> {
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

    fn entry(&mut self, draft: &Draft<'_>, entries: &[Option<Entry>], seed: u64, slots: &mut usize) -> Option<Entry> {
        let Draft { table, written, name, inputs } = draft;
        let Some(setting) = written.settings.get("use") else {
            let help = format!("add use = \"…\"; `wanjuan list` shows every {table}");
            self.complain(
                Complaint::new(format!("this [[{table}]] does not say what it is"), written.header.clone()).help(help),
            );
            return None;
        };
        let Some(uses) = setting.value.as_str() else {
            self.complain(Complaint::new("`use` is a name in quotes", setting.span.clone()));
            return None;
        };
        let Some(known) = self.registry.find(table, uses) else {
            self.unknown(table, uses, setting);
            return None;
        };
        let before = scope_before(inputs, entries);
        let settings = self.settings(written, known, name, table)?;
        let mut setup = Setup { folder: self.folder.clone(), seed, step: name.clone(), ..Setup::default() };
        let mut instance = match known.build(settings, &mut setup) {
            Ok(instance) => instance,
            Err(Refused::Settings(what)) => {
                let complaint = Complaint::new(format!("`{name}`: {what}"), written.header.clone());
                self.complain(complaint.help(format!("`wanjuan explain {uses}` describes its settings")));
                return None;
            }
            Err(Refused::Step(wrong)) => {
                self.refused(written, &wrong);
                return None;
            }
        };
        let known_before = inputs.iter().all(|&input| entries[input].is_some());
        for field in instance.reads.iter().filter(|_| known_before) {
            match before.fields.iter().find(|(known, _)| *known == field.name) {
                Some((_, kind)) if *kind == field.kind || kind_fits(*kind, field.kind) => {}
                Some((_, kind)) => {
                    let what = format!("`{name}` reads the field `{}` as {}; it is {kind}", field.name, field.kind);
                    self.complain(Complaint::new(what, written.header.clone()));
                }
                None => {
                    let what = format!("`{name}` reads the field `{}`, which nothing before it writes", field.name);
                    let known: Vec<&str> = before.fields.iter().map(|(name, _)| name.as_str()).collect();
                    let help = if known.is_empty() {
                        "no field is known there; a source can declare some".to_owned()
                    } else {
                        format!("known there: {}", known.join(", "))
                    };
                    self.complain(Complaint::new(what, written.key("use")).help(help));
                }
            }
        }
        let own = *slots..*slots + instance.measures.len();
        *slots = own.end;
        let mut scope = before.clone();
        for field in &instance.writes {
            match scope.fields.iter().find(|(known, _)| *known == field.name) {
                Some((_, kind)) if *kind != field.kind => {
                    let what =
                        format!("`{name}` writes the field `{}` as {}; it is {kind} already", field.name, field.kind);
                    self.complain(Complaint::new(what, written.header.clone()));
                }
                Some(_) => {}
                None => scope.fields.push((field.name, field.kind)),
            }
        }
        for (slot, measure) in own.clone().zip(instance.measures) {
            scope.measures.push((format!("{name}.{}", measure.name), slot));
        }
        // A source selects among its own documents; everything else, among those that reach it.
        let visible = if *table == "source" { &scope } else { &before };
        let selects = if known_before { self.predicate(written, visible) } else { None };
        if let Built::Sink(sink) = &mut instance.built {
            let columns = Columns {
                fields: scope.fields.iter().map(|&(name, kind)| wanjuan_filters::kit::Field { name, kind }).collect(),
                measures: scope.measures.iter().map(|(name, slot)| (*slot, name.clone())).collect(),
            };
            Arc::get_mut(sink).expect("a sink that was just built has one owner").prepare(&columns);
        }
        let files = self.digests(&setup, written);
        let corpus = match &instance.built {
            Built::Source(source) => self.corpus(written, source.endings()),
            _ => Vec::new(),
        };
        let profile = written.text("profile").map(str::to_owned);
        Some(Entry {
            name: name.clone(),
            uses: known.name,
            kind: known.kind,
            version: known.version,
            profile,
            instance,
            inputs: Vec::new(),
            selects,
            slots: own,
            scope,
            files,
            corpus,
        })
    }

    fn unknown(&mut self, table: &str, uses: &str, setting: &written::Setting) {
        let other = ["source", "step", "sink"].into_iter().find(|other| self.registry.find(other, uses).is_some());
        let help = match (nearest(uses, self.registry.names(table).into_iter()), other) {
            (_, Some(other)) => format!("`{uses}` is a {other}: write it under [[{other}]]"),
            (Some(near), None) => format!("did you mean `{near}`?"),
            (None, None) => format!("`wanjuan list` shows every {table}"),
        };
        self.complain(Complaint::new(format!("no {table} is called `{uses}`"), setting.span.clone()).help(help));
    }

    /// The step's own settings: the profile's, and above them the file's.
    fn settings(&mut self, written: &Written, known: &registry::Entry, name: &str, table: &str) -> Option<toml::Table> {
        let before = self.complaints.len();
        let mut settings = toml::Table::new();
        if let Some(setting) = written.settings.get("profile") {
            let profiles = known.profiles.iter().map(|profile| profile.name);
            match setting
                .value
                .as_str()
                .map(|wanted| (wanted, known.profiles.iter().find(|profile| profile.name == wanted)))
            {
                Some((_, Some(profile))) => {
                    settings = profile.settings.parse().expect("a test reads every profile");
                }
                Some((wanted, None)) => {
                    let help = match nearest(wanted, profiles.clone()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None if known.profiles.is_empty() => "remove `profile`".to_owned(),
                        None => format!("there are {}", profiles.collect::<Vec<_>>().join(", ")),
                    };
                    self.complain(
                        Complaint::new(format!("`{}` has no profile `{wanted}`", known.name), setting.span.clone())
                            .help(help),
                    );
                }
                None => self.complain(Complaint::new("`profile` is a name in quotes", setting.span.clone())),
            }
        }
        let names = known.settings();
        for (key, setting) in &written.settings {
            let engine = ENGINE_KEYS.contains(&key.as_str()) || table == "source" && key == "paths";
            if engine {
                continue;
            }
            if !names.contains(&key.as_str()) {
                let label = format!(
                    "`{}` has {}",
                    known.name,
                    if names.is_empty() { "no settings".to_owned() } else { names.join(", ") }
                );
                let describe = format!("`wanjuan explain {}` describes them", known.name);
                let candidates = names.iter().copied().chain(ENGINE_KEYS);
                let help = match nearest(key, candidates) {
                    Some(near) => format!("did you mean `{near}`?  {describe}"),
                    None => describe,
                };
                self.complain(
                    Complaint::new(format!("unknown setting `{key}` for `{name}`"), setting.key.clone())
                        .label(label)
                        .help(help),
                );
                continue;
            }
            // Alone, so that each mistyped setting is found; what else the step requires is not missed yet.
            let alone = toml::Table::from_iter([(key.clone(), setting.value.clone())]);
            if let Err(what) = known.fits(alone)
                && !what.starts_with("missing field")
            {
                let complaint = Complaint::new(format!("`{key}` of `{name}`: {what}"), setting.span.clone());
                self.complain(complaint.help(format!("`wanjuan explain {}` describes it", known.name)));
                continue;
            }
            settings.insert(key.clone(), setting.value.clone());
        }
        if self.complaints.len() > before {
            return None;
        }
        if let Err(what) = known.fits(settings.clone()) {
            let complaint = Complaint::new(
                format!("`{name}`: {}", what.replace("missing field", "missing setting")),
                written.header.clone(),
            );
            self.complain(complaint.help(format!("`wanjuan explain {}` describes its settings", known.name)));
            return None;
        }
        Some(settings)
    }

    fn refused(&mut self, written: &Written, wrong: &Wrong) {
        let span = wrong.setting.map_or_else(|| written.header.clone(), |setting| written.value(setting));
        let mut complaint = Complaint::new(wrong.what.clone(), span);
        complaint.help.clone_from(&wrong.help);
        self.complain(complaint);
    }

    fn predicate(&mut self, written: &Written, scope: &Scope) -> Option<Predicate> {
        let setting = written.settings.get("where")?;
        let Some(text) = setting.value.as_str() else {
            self.complain(
                Complaint::new("`where` is a condition in quotes", setting.span.clone())
                    .help("write where = \"lang = 'en'\""),
            );
            return None;
        };
        match Predicate::compile(text, scope) {
            Ok(predicate) => Some(predicate),
            Err(mistake) => {
                // Inside plain quotes the text of the file is the text of the predicate.
                let within = setting.span.as_ref().map(|span| {
                    let quotes = (span.len() - text.len().min(span.len())) / 2;
                    let start = span.start + quotes;
                    if span.len() == text.len() + 2 * quotes {
                        start + mistake.span.start..start + mistake.span.end
                    } else {
                        span.clone()
                    }
                });
                let mut complaint = Complaint::new(format!("`where`: {}", mistake.what), within);
                complaint.help = mistake.help;
                self.complain(complaint);
                None
            }
        }
    }

    fn digests(&mut self, setup: &Setup, written: &Written) -> Vec<(String, String)> {
        let mut digests = Vec::new();
        for (setting, path) in &setup.files {
            match digest_file(path) {
                Ok((digest, _)) => digests.push((setting.to_string(), digest)),
                Err(error) => {
                    self.complain(Complaint::new(format!("{}: {error}", path.display()), written.value(setting)))
                }
            }
        }
        digests
    }

    fn corpus(&mut self, written: &Written, endings: &[&str]) -> Vec<store::Input> {
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
        match store::find(&patterns, &self.folder, endings) {
            Ok(inputs) => inputs,
            Err(error) => {
                let complaint = Complaint::new(format!("`{}`: {}", error.pattern, error.what), setting.span.clone());
                self.complain(complaint.help(format!(
                    "relative paths start at the folder of the pipeline file, {}",
                    self.folder.display()
                )));
                Vec::new()
            }
        }
    }

    /// A source or step whose documents go nowhere is a mistake: they would be lost in silence.
    fn unread(&mut self, drafts: &[Draft<'_>]) {
        for (number, draft) in drafts.iter().enumerate() {
            if draft.table != "sink" && !drafts.iter().any(|other| other.inputs.contains(&number)) {
                let complaint =
                    Complaint::new(format!("nothing reads from `{}`", draft.name), draft.written.key("name"));
                self.complain(complaint.help(format!("write from = \"{}\" where its documents should go", draft.name)));
            }
        }
    }

    fn case(&mut self, test: &Written, source: &str) -> Option<Case> {
        const KEYS: [&str; 3] = ["name", "input", "expect"];
        let before = self.complaints.len();
        for (key, setting) in &test.settings {
            if !KEYS.contains(&key.as_str()) {
                self.complain(
                    Complaint::new(format!("unknown setting `{key}` of [[test]]"), setting.key.clone())
                        .help("a test has name, input and expect"),
                );
            }
        }
        let table = |key: &str| test.settings.get(key).and_then(|setting| setting.value.as_table());
        let (Some(input), Some(expect)) = (table("input"), table("expect")) else {
            self.complain(
                Complaint::new("a test has `input` and `expect`", test.header.clone())
                    .help("write input = { text = \"…\" } and expect = { drop = \"too_few_words\" }"),
            );
            return None;
        };
        let mut case = Case {
            line: test.header.as_ref().map_or(0, |span| source[..span.start].matches('\n').count() + 1),
            name: test.text("name").map(str::to_owned),
            text: String::new(),
            id: "test".to_owned(),
            fields: Vec::new(),
            expect: Expect::default(),
        };
        for (key, value) in input {
            match (key.as_str(), value.as_str()) {
                ("text", Some(text)) => case.text = text.to_owned(),
                ("id", Some(id)) => case.id = id.to_owned(),
                ("text" | "id", None) => self.complain(Complaint::new(format!("`{key}` is text"), test.value("input"))),
                _ if type_of(value).is_some() => case.fields.push((Name::new(key), value.clone())),
                _ => self.complain(Complaint::new(
                    format!("the field `{key}` is text, a number or a boolean"),
                    test.value("input"),
                )),
            }
        }
        for (key, value) in expect {
            match (key.as_str(), value) {
                ("drop", toml::Value::String(reason)) => case.expect.drop = Some(reason.clone()),
                ("keep", toml::Value::Boolean(true)) => {}
                ("by", toml::Value::String(step)) => {
                    if !self.names.contains_key(step) {
                        let near = nearest(step, self.names.keys().map(String::as_str))
                            .map(|near| format!("did you mean `{near}`?"));
                        let mut complaint = Complaint::new(format!("nothing is called `{step}`"), test.value("expect"));
                        complaint.help = near;
                        self.complain(complaint);
                    }
                    case.expect.by = Some(step.clone());
                }
                ("text", toml::Value::String(text)) => case.expect.text = Some(text.clone()),
                ("drop" | "keep" | "by" | "text", _) => {
                    self.complain(
                        Complaint::new(format!("`{key}` cannot be {value}"), test.value("expect"))
                            .help("write { drop = \"reason\", by = \"step\" }, { keep = true } or { text = \"…\" }"),
                    );
                }
                _ if type_of(value).is_some() => case.expect.fields.push((Name::new(key), value.clone())),
                _ => self.complain(Complaint::new(
                    format!("the field `{key}` is text, a number or a boolean"),
                    test.value("expect"),
                )),
            }
        }
        if case.expect.drop.is_some() && expect.contains_key("keep") {
            self.complain(Complaint::new("a document is dropped or kept, not both", test.value("expect")));
        }
        (self.complaints.len() == before).then_some(case)
    }
}

/// Folders that every run has, which no sink may take.
const RESERVED: [&str; 4] = ["measures", "set-aside", "dropped", ".wanjuan"];

struct Head {
    name: String,
    output: PathBuf,
    seed: u64,
    max_set_aside: Limit,
    max_document: usize,
    keep_dropped: KeepDropped,
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

/// Names become folders and stand in SQL and in messages, so they are plain.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || ['-', '_', '.'].contains(&c);
    !name.is_empty() && name.len() <= 64 && name.chars().all(plain) && !name.starts_with('.')
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

/// Whole numbers can be read as numbers.
fn kind_fits(is: wanjuan_filters::kit::Type, wanted: wanjuan_filters::kit::Type) -> bool {
    use wanjuan_filters::kit::Type;
    is == Type::Integer && wanted == Type::Number
}

/// What is known of a document before an entry: behind every way that leads to it, all that one of
/// them writes. A field that only some ways write has no value on the others.
fn scope_before(inputs: &[usize], entries: &[Option<Entry>]) -> Scope {
    let mut scope = Scope::default();
    for entry in inputs.iter().filter_map(|&input| entries[input].as_ref()) {
        for field in &entry.scope.fields {
            if scope.fields.iter().all(|(known, _)| *known != field.0) {
                scope.fields.push(*field);
            }
        }
        for measure in &entry.scope.measures {
            if !scope.measures.contains(measure) {
                scope.measures.push(measure.clone());
            }
        }
    }
    scope
}

/// A path without `.` and without `..` behind a name: what people read in messages.
fn plain_path(path: &Path) -> PathBuf {
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
    plain
}
