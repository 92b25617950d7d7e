//! One source, step or sink: its settings, the fields it reads and writes, its `where`.

use std::sync::Arc;

use wanjuan_filters::kit::{Field, Kind as _, Profile, Setup, Type, Wrong, kind};

use super::super::complaint::Complaint;
use super::super::pipeline::Entry;
use super::super::written::{self, Written};
use super::super::{Predicate, Scope, nearest};
use super::Checker;
use super::order::Draft;
use crate::engine::commit::digest_file;
use crate::registry::{self, Built, Instance, Refused};
use crate::rule::FACTS;
use crate::sink::Columns;

/// Keys that belong to the engine, whatever the step.
pub const ENGINE_KEYS: [&str; 8] = ["name", "use", "from", "where", "profile", "only_measure", "index", "against"];

impl Checker<'_> {
    /// Checks and builds an entry. Where something of it is wrong, what is left is checked all the same, and
    /// what is not known of documents behind it is not missed there.
    pub(super) fn entry(&mut self, draft: &Draft<'_>, number: usize) -> Option<Entry> {
        let before = self.before(draft);
        self.behind[number] = Scope { open: true, ..before.clone() };
        let Draft { table, written, name, .. } = draft;
        let Some(setting) = written.settings.get("use") else {
            let help = format!("add use = \"…\"; `wanjuan list` shows every {table}");
            self.complain(
                Complaint::new(format!("this [[{table}]] does not say what it is"), written.header.clone()).help(help),
            );
            self.condition(written, "where", &before);
            return None;
        };
        let Some(uses) = setting.value.as_str() else {
            self.complain(Complaint::new("`use` is a name in quotes", setting.span.clone()));
            return None;
        };
        let Some(known) = self.registry.find(table, uses) else {
            self.unknown(table, uses, setting);
            self.condition(written, "where", &before);
            return None;
        };
        let mut setup = self.setup(name);
        let Some(mut instance) = self.instance(draft, known, &mut setup) else {
            self.left(draft, known, number, &before);
            return None;
        };
        for field in &instance.reads {
            match before.fields.iter().find(|(known, _)| *known == field.name) {
                Some((_, kind)) if *kind == field.kind || kind_fits(*kind, field.kind) => {}
                Some((_, kind)) => {
                    let what = format!("`{name}` reads the field `{}` as {}; it is {kind}", field.name, field.kind);
                    self.complain(Complaint::new(what, written.header.clone()));
                }
                None if before.open => {}
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
        if let Built::Rule(rule) = &mut instance.built {
            let scope = Scope { facts: Some(self.slots), ..before.clone() };
            if let Some(predicate) = self.condition(written, "drop_if", &scope) {
                instance.measures = rule.prepare(predicate);
            }
        }
        let own = self.slots..self.slots + instance.measures.len();
        self.slots = own.end;
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
        for (slot, measure) in own.clone().zip(&instance.measures) {
            scope.measures.push((format!("{name}.{}", measure.name), slot));
            if measure.is_share() {
                scope.shares.push(slot);
            }
        }
        // A source selects among its own documents; everything else, among those that reach it.
        let visible = if *table == "source" { &scope } else { &before };
        let selects = self.condition(written, "where", visible);
        let only_measures = self.only_measures(written, known);
        if let Built::Stage(stage) = &mut instance.built {
            let columns = columns(&before);
            let stage = Arc::get_mut(stage).expect("a stage that was just built has one owner");
            if let Err(wrong) = stage.prepare(&columns) {
                self.refused(written, &wrong);
            }
        }
        if let Built::Sink(sink) = &mut instance.built {
            Arc::get_mut(sink).expect("a sink that was just built has one owner").prepare(&columns(&scope));
        }
        let files = self.digests(&setup, written);
        let corpus = match &instance.built {
            Built::Source(source) => self.corpus(written, source.as_ref()),
            _ => Vec::new(),
        };
        let (index, against) = self.indexes(written, known, name, &instance.built, &files);
        let profile = written.text("profile").map(str::to_owned);
        self.behind[number] = scope.clone();
        Some(Entry {
            name: name.clone(),
            uses: known.name,
            kind: known.kind,
            version: known.version,
            profile,
            instance,
            inputs: Vec::new(),
            selects,
            only_measures,
            slots: own,
            scope,
            files,
            corpus,
            index,
            against,
        })
    }

    fn setup(&self, name: &str) -> Setup {
        Setup {
            folder: self.folder.clone(),
            seed: self.head.seed,
            step: name.to_owned(),
            tables: Some(crate::source::rows),
            ..Setup::default()
        }
    }

    /// The step itself, if its settings are right.
    fn instance(&mut self, draft: &Draft<'_>, known: &registry::Entry, setup: &mut Setup) -> Option<Instance> {
        let Draft { table, written, name, .. } = draft;
        let settings = match self.settings(written, known, name, table) {
            Ok(settings) => settings,
            Err(right) => {
                self.misbuilt(draft, known, &right);
                return None;
            }
        };
        match known.build(settings, setup) {
            Ok(instance) => return Some(instance),
            Err(Refused::Settings(what)) => {
                let complaint = Complaint::new(format!("`{name}`: {what}"), written.header.clone());
                self.complain(complaint.help(format!("`wanjuan explain {}` describes its settings", known.name)));
            }
            Err(Refused::Step(wrong)) => self.refused(written, &wrong),
        }
        None
    }

    /// Some settings are wrong: what a step would refuse of the right ones, such as a file that is not there. A
    /// profile that was misspelt may be any of them, so only what would be wrong with each is told.
    fn misbuilt(&mut self, draft: &Draft<'_>, known: &registry::Entry, right: &toml::Table) {
        let misspelt = draft.written.settings.contains_key("profile") && profile_of(draft.written, known).is_none();
        let mut bases = vec![toml::Table::new()];
        bases.extend(known.profiles.iter().filter(|_| misspelt).map(settings_of));
        let wrongs = bases.into_iter().map(|mut settings| {
            settings.extend(right.clone());
            match known.build(settings, &mut self.setup(&draft.name)) {
                Err(Refused::Step(wrong)) => Some(wrong),
                _ => None,
            }
        });
        let wrongs: Option<Vec<Wrong>> = wrongs.collect();
        let Some([wrong, others @ ..]) = wrongs.as_deref() else { return };
        let written = wrong.setting.is_some_and(|setting| right.contains_key(setting));
        if written && others.iter().all(|other| other == wrong) {
            self.refused(draft.written, wrong);
        }
    }

    /// What is left to check of an entry that could not be built.
    fn left(&mut self, draft: &Draft<'_>, known: &registry::Entry, number: usize, before: &Scope) {
        let Draft { written, name, .. } = draft;
        self.only_measures(written, known);
        if known.measures == FACTS {
            self.condition(written, "drop_if", &Scope { facts: Some(self.slots), ..before.clone() });
        } else {
            let behind = &mut self.behind[number];
            behind.measures.extend(known.measures.iter().map(|measure| (format!("{name}.{}", measure.name), 0)));
        }
        let visible = if draft.table == "source" { self.behind[number].clone() } else { before.clone() };
        self.condition(written, "where", &visible);
    }

    /// What is known of a document before an entry: behind every way that leads to it, all that one of
    /// them writes. A field that only some ways write has no value on the others.
    fn before(&self, draft: &Draft<'_>) -> Scope {
        let mut scope = Scope { open: draft.astray, ..Scope::default() };
        for behind in draft.inputs.iter().map(|&input| &self.behind[input]) {
            for field in &behind.fields {
                if scope.fields.iter().all(|(known, _)| *known != field.0) {
                    scope.fields.push(*field);
                }
            }
            for measure in &behind.measures {
                if !scope.measures.contains(measure) {
                    scope.measures.push(measure.clone());
                }
            }
            scope.shares.extend(&behind.shares);
            scope.open |= behind.open;
        }
        scope
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

    /// The step's own settings: the profile's, and above them the file's. `Err` if some are wrong: those of
    /// the file that are right.
    fn settings(
        &mut self,
        written: &Written,
        known: &registry::Entry,
        name: &str,
        table: &str,
    ) -> Result<toml::Table, toml::Table> {
        let before = self.complaints.len();
        let base = profile_of(written, known);
        if let Some(setting) = written.settings.get("profile").filter(|_| base.is_none()) {
            let profiles = known.profiles.iter().map(|profile| profile.name);
            match setting.value.as_str() {
                Some(wanted) => {
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
        let base = base.unwrap_or_default();
        let mut settings = toml::Table::new();
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
                && !what.starts_with("missing setting")
            {
                let complaint = Complaint::new(format!("`{key}` of `{name}`: {what}"), setting.span.clone());
                self.complain(complaint.help(format!("`wanjuan explain {}` describes it", known.name)));
                continue;
            }
            // A profile's list can be emptied; nothing can be made of nothing.
            let emptied = setting.value.as_array().is_some_and(Vec::is_empty) && base.contains_key(key);
            if let Some(misfit) = known.misfit(key, &setting.value).filter(|_| !emptied) {
                self.complain(Complaint::new(misfit.what, setting.span.clone()).help(misfit.help));
                continue;
            }
            settings.insert(key.clone(), setting.value.clone());
        }
        if self.complaints.len() > before {
            return Err(settings);
        }
        let right = settings;
        let mut settings = base;
        settings.extend(right.clone());
        if let Some((min, max, misfit)) = known.crossed(&settings) {
            let key = if written.settings.contains_key(&min) { min } else { max };
            self.complain(Complaint::new(misfit.what, written.value(&key)).help(misfit.help));
            return Err(right);
        }
        if let Err(what) = known.fits(settings.clone()) {
            let complaint = Complaint::new(format!("`{name}`: {}", what), written.header.clone());
            self.complain(complaint.help(format!("`wanjuan explain {}` describes its settings", known.name)));
            return Err(right);
        }
        Ok(settings)
    }

    fn refused(&mut self, written: &Written, wrong: &Wrong) {
        let span = wrong.setting.map_or_else(|| written.header.clone(), |setting| written.value(setting));
        let mut complaint = Complaint::new(wrong.what.clone(), span);
        complaint.help.clone_from(&wrong.help);
        self.complain(complaint);
    }

    /// Whether the step's verdicts are not carried out.
    fn only_measures(&mut self, written: &Written, known: &registry::Entry) -> bool {
        let Some(setting) = written.settings.get("only_measure") else { return false };
        if known.kind != kind::Filter::NAME {
            let what = format!("`only_measure` is for filters; `{}` is a {}", known.name, known.kind);
            self.complain(Complaint::new(what, setting.key.clone()).help("remove `only_measure`"));
        }
        let value = setting.value.as_bool();
        if value.is_none() {
            self.complain(Complaint::new("`only_measure` is true or false", setting.span.clone()));
        }
        value.unwrap_or(false)
    }

    /// The condition that stands in a setting.
    fn condition(&mut self, written: &Written, key: &str, scope: &Scope) -> Option<Predicate> {
        let setting = written.settings.get(key)?;
        let Some(text) = setting.value.as_str() else {
            self.complain(
                Complaint::new(format!("`{key}` is a condition in quotes"), setting.span.clone())
                    .help(format!("write {key} = \"lang = 'en'\"")),
            );
            return None;
        };
        match Predicate::compile(text, scope) {
            Ok(predicate) => Some(predicate),
            Err(mistake) => {
                // Inside plain quotes the text of the file is the text of the condition. Three quotes may have
                // a line end behind them that is not part of it.
                let within = setting.span.as_ref().map(|span| {
                    let quotes = match span.len().checked_sub(text.len()) {
                        Some(2) => 1,
                        Some(quotes @ 6..=8) => quotes - 3,
                        _ => return span.clone(),
                    };
                    let start = span.start + quotes;
                    start + mistake.span.start..start + mistake.span.end
                });
                let mut complaint = Complaint::new(format!("`{key}`: {}", mistake.what), within);
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
                Ok((digest, _)) => digests.push(((*setting).to_owned(), digest)),
                Err(error) => {
                    self.complain(Complaint::new(format!("{}: {error}", path.display()), written.value(setting)))
                }
            }
        }
        digests
    }
}

/// Whole numbers can be read as numbers.
pub(super) fn kind_fits(is: Type, wanted: Type) -> bool {
    is == Type::Integer && wanted == Type::Number
}

/// The settings of the profile that an entry names; `None` where it is misspelt.
fn profile_of(written: &Written, known: &registry::Entry) -> Option<toml::Table> {
    let wanted = written.text("profile")?;
    known.profiles.iter().find(|profile| profile.name == wanted).map(settings_of)
}

fn settings_of(profile: &Profile) -> toml::Table {
    profile.settings.parse().expect("a test reads every profile")
}

/// What documents have, as stages and sinks are told.
fn columns(scope: &Scope) -> Columns {
    Columns {
        fields: scope.fields.iter().map(|&(name, kind)| Field { name, kind }).collect(),
        measures: scope.measures.iter().map(|(name, slot)| (*slot, name.clone())).collect(),
    }
}
