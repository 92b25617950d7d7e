//! Which settings may be changed without reading the corpus, and the judges they make.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use serde_json::Value;
use wanjuan_filters::kit::Setup;

use super::{Judge, Judged, MOST_MEASURES, Run, Tally, Variant, judge_of};
use crate::config::written::{self, Written};
use crate::config::{Complaint, Complaints, ENGINE_KEYS, Predicate, Scope, nearest};
use crate::engine::session::StepRecord;
use crate::registry::{Built, Entry, Instance, Refused};

const ONLY_MEASURE: &str = "only_measure";

/// One setting under another value.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// Number of the step in the run's record.
    pub step: usize,
    /// The setting.
    pub key: String,
    /// What it is now.
    pub value: toml::Value,
    /// Where it stands in an edited file.
    pub span: Option<Range<usize>>,
    /// How a person reads it: `step.setting 50 -> 40`.
    pub label: String,
}

/// Builds a step of a run again, with other values for some settings.
pub fn rebuild(
    entry: &Entry,
    step: &StepRecord,
    seed: u64,
    folder: &Path,
    changed: &BTreeMap<String, toml::Value>,
) -> Result<Instance, Refused> {
    let mut settings = toml::Table::new();
    for (key, value) in step.settings.as_object().into_iter().flatten() {
        if let Some(value) = toml_of(entry, key, value) {
            settings.insert(key.clone(), value);
        }
    }
    settings.extend(changed.iter().map(|(key, value)| (key.clone(), value.clone())));
    let mut setup = Setup { folder: folder.to_owned(), seed, step: step.name.clone(), ..Setup::default() };
    entry.build(settings, &mut setup)
}

/// A setting of the record as TOML. JSON has no infinity, which stands there as null, in a list of numbers too.
fn toml_of(entry: &Entry, key: &str, value: &Value) -> Option<toml::Value> {
    let infinity = toml::Value::Float(if key.starts_with("min_") { f64::NEG_INFINITY } else { f64::INFINITY });
    match value {
        Value::Null => {
            let default = entry.schema.pointer(&format!("/properties/{key}/default")).unwrap_or(&Value::Null);
            default.is_number().then_some(infinity)
        }
        Value::Array(values) => {
            let one = |value: &Value| match value {
                Value::Null => Some(infinity.clone()),
                value => toml::Value::try_from(value).ok(),
            };
            values.iter().map(one).collect::<Option<_>>().map(toml::Value::Array)
        }
        value => toml::Value::try_from(value).ok(),
    }
}

/// A value as a person reads it.
fn shown(value: Option<&toml::Value>) -> String {
    value.map_or_else(|| "none".to_owned(), ToString::to_string)
}

impl Run<'_> {
    /// Reads `step.setting=value`.
    pub fn assignment(&self, text: &str, option: &str) -> Result<Assignment, Complaint> {
        let complain = |what: String| Complaint::new(format!("{option} {text}: {what}"), None);
        let form = "write step.setting=value, as gopher_quality.min_words=40";
        let Some((path, value)) = text.split_once('=') else {
            return Err(complain("there is no `=`".into()).help(form));
        };
        // A step's name may have a dot in it; a setting's has none.
        let Some((name, key)) = path.trim().rsplit_once('.') else {
            return Err(complain("there is no step before the setting".into()).help(form));
        };
        let value = value.trim();
        let read = toml::from_str::<toml::Table>(&format!("value = {value}")).ok();
        let value = read.and_then(|mut table| table.remove("value"));
        let value = value.unwrap_or_else(|| toml::Value::String(text.split_once('=').expect("seen").1.trim().into()));
        let Some(step) = self.record.steps.iter().position(|step| step.name == name) else {
            let names = self.record.steps.iter().filter(|step| step.kind == "filter").map(|step| step.name.as_str());
            let help = match nearest(name, names.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => match names.collect::<Vec<_>>() {
                    names if names.is_empty() => "the run had no filter".to_owned(),
                    names => format!("its filters are {}", names.join(", ")),
                },
            };
            return Err(complain(format!("the run had no step `{name}`")).help(help));
        };
        self.assign(step, key, value, None)
            .map_err(|complaint| Complaint { what: format!("{option} {text}: {}", complaint.what), ..complaint })
    }

    /// Whether a setting can be tried; its place is kept for complaints.
    fn assign(
        &self,
        step: usize,
        key: &str,
        value: toml::Value,
        span: Option<Range<usize>>,
    ) -> Result<Assignment, Complaint> {
        let record = &self.record.steps[step];
        let entry = self.entry(step).map_err(|complaint| Complaint { span: span.clone(), ..complaint })?;
        let complain = |what: String| Complaint::new(what, span.clone());
        if key == ONLY_MEASURE {
            if value.as_bool().is_none() {
                return Err(complain("`only_measure` is true or false".into()));
            }
            let label = format!("{}.{key} {} -> {value}", record.name, record.only_measure);
            return Ok(Assignment { step, key: key.to_owned(), value, span, label });
        }
        let can: Vec<&str> = entry.settings().into_iter().filter(|setting| entry.only_judges(setting)).collect();
        if !entry.settings().contains(&key) {
            let help = match nearest(key, can.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("without reading the corpus again, {} can be changed", list(&can)),
            };
            return Err(complain(format!("`{}` has no setting `{key}`", entry.name)).help(help));
        }
        if !entry.only_judges(key) {
            let what = format!("`{key}` changes what `{}` measures, and not its verdict alone", record.name);
            let help =
                format!("run the pipeline with it; without reading the corpus again, {} can be changed", list(&can));
            return Err(complain(what).help(help));
        }
        if let Err(what) = entry.fits(toml::Table::from_iter([(key.to_owned(), value.clone())]))
            && !what.starts_with("missing setting")
        {
            let help = format!("`wanjuan explain {}` describes it", entry.name);
            return Err(complain(format!("`{key}` of `{}`: {what}", record.name)).help(help));
        }
        if let Some(misfit) = entry.misfit(key, &value) {
            return Err(complain(misfit.what).help(misfit.help));
        }
        let was = record.settings.get(key).and_then(|was| toml_of(entry, key, was));
        let label = format!("{}.{key} {} -> {}", record.name, shown(was.as_ref()), shown(Some(&value)));
        Ok(Assignment { step, key: key.to_owned(), value, span, label })
    }

    /// The step as this program has it, if its stored measures can be judged.
    fn entry(&self, step: usize) -> Result<&Entry, Complaint> {
        let record = &self.record.steps[step];
        if record.kind != "filter" {
            let what = format!("`{}` is a {}, and only verdicts of filters can be tried", record.name, record.kind);
            let why = match record.kind.as_str() {
                "mapper" => {
                    "it rewrites texts, and all behind it would measure others; run the pipeline with the change"
                }
                "stage" => "it decides about many documents at once; run the pipeline with the change",
                _ => "run the pipeline with the change",
            };
            return Err(Complaint::new(what, None).help(why));
        }
        let Some(entry) = self.registry.find("step", &record.uses) else {
            let what = format!("this program has no step `{}`, which `{}` was", record.uses, record.name);
            return Err(Complaint::new(what, None).help("use the program that made the run"));
        };
        if entry.version != record.version {
            let what = format!(
                "`{}` was version {} when the run was made; this program has version {}",
                record.name, record.version, entry.version
            );
            return Err(Complaint::new(what, None).help("run the pipeline again with this program"));
        }
        Ok(entry)
    }

    /// Makes a variant of some changes. A step that only measured drops nothing, unless it is told to.
    pub fn variant(&mut self, label: &str, changes: &[&Assignment], folder: &Path) -> Result<Variant, Complaint> {
        let mut by_step: BTreeMap<usize, BTreeMap<String, toml::Value>> = BTreeMap::new();
        for change in changes {
            by_step.entry(change.step).or_default().insert(change.key.clone(), change.value.clone());
        }
        let mut steps = BTreeMap::new();
        for (&step, changed) in &by_step {
            let span = changes.iter().find(|change| change.step == step).and_then(|change| change.span.clone());
            let place = |complaint: Complaint| Complaint { span: complaint.span.or(span.clone()), ..complaint };
            if !self.before.contains_key(&step) {
                let before = self.judged(step, &BTreeMap::new(), folder).map_err(place)?;
                self.before.insert(step, before);
            }
            steps.insert(step, self.judged(step, changed, folder).map_err(place)?);
        }
        let mut open = vec![false; self.record.steps.len()];
        // Steps stand after all they read from, so what follows is known first.
        for step in (0..open.len()).rev() {
            let name = self.name(step);
            let mut readers =
                (0..open.len()).filter(|&reader| self.record.steps[reader].from.iter().any(|from| from == name));
            open[step] = readers.any(|reader| {
                let harmless = steps.get(&reader).map_or(self.harmless[reader], |judged| !judged.drops);
                harmless && (self.record.steps[reader].kind == "sink" || open[reader])
            });
        }
        Ok(Variant { label: label.to_owned(), steps, open, tally: Tally::default() })
    }

    fn judged(
        &mut self,
        step: usize,
        changed: &BTreeMap<String, toml::Value>,
        folder: &Path,
    ) -> Result<Judged, Complaint> {
        let entry = self.entry(step)?.clone();
        let record = &self.record.steps[step];
        let mut settings = changed.clone();
        let only = settings.remove(ONLY_MEASURE).and_then(|only| only.as_bool());
        let drops = !only.unwrap_or(record.only_measure);
        let instance = match rebuild(&entry, record, self.record.seed, folder, &settings) {
            Ok(instance) => instance,
            Err(Refused::Settings(what)) => {
                return Err(Complaint::new(format!("`{}`: {what}", record.name), None));
            }
            Err(Refused::Step(wrong)) => {
                let mut complaint = Complaint::new(format!("`{}`: {}", record.name, wrong.what), None);
                complaint.help = wrong.help.map(|help| {
                    let files =
                        entry.settings().iter().any(|setting| record.files.iter().any(|(file, _)| file == setting));
                    if files {
                        format!("{help}: start here in that folder, or give the file with --pipeline")
                    } else {
                        help
                    }
                });
                return Err(complaint);
            }
        };
        let selects = self.record.steps[step].selects.clone();
        if let Some(selects) = selects.filter(|_| !self.selects.contains_key(&step)) {
            let scope = self.scope(step, None);
            if let Some(predicate) = Predicate::compile(&selects, &scope).ok().filter(|selects| !selects.reads_text()) {
                self.selects.insert(step, predicate);
            }
        }
        let judge = match &instance.built {
            Built::Rule(rule) => self.rule(step, rule.reason(), &instance.settings)?,
            built => judge_of(self, step, built).expect("a step of the kind filter is a filter or a rule"),
        };
        if let Judge::Filter(_, slots) = &judge {
            let prefix = self.name(step).len() + 1;
            let stored: Vec<&str> = slots.iter().map(|&slot| &self.rows.measures[slot][prefix..]).collect();
            let known: Vec<&str> = instance.measures.iter().map(|measure| measure.name).collect();
            if stored != known || known.len() > MOST_MEASURES {
                let what =
                    format!("`{}` measured {}; this program measures {}", self.name(step), list(&stored), list(&known));
                return Err(Complaint::new(what, None).help("run the pipeline again with this program"));
            }
        }
        Ok(Judged { judge, drops })
    }

    fn scope(&self, step: usize, facts: Option<usize>) -> Scope {
        let above = |name: &str| {
            let owner = |at: &usize| {
                let rest = name.strip_prefix(self.name(*at)).and_then(|rest| rest.strip_prefix('.'));
                rest.is_some_and(|rest| !rest.contains('.'))
            };
            (0..self.record.steps.len()).find(owner).is_some_and(|owner| self.above[step][owner])
        };
        let share = |name: &str| {
            let (owner, measure) = name.rsplit_once('.')?;
            let step = self.record.steps.iter().find(|step| step.name == owner)?;
            let known = self.registry.find("step", &step.uses)?.measures;
            Some(known.iter().find(|known| known.name == measure)?.is_share())
        };
        let named = self.rows.measures.iter().enumerate();
        let measures = named.clone().filter(|(_, name)| above(name));
        Scope {
            shares: named.filter(|(_, name)| share(name) == Some(true)).map(|(slot, _)| slot).collect(),
            fields: self.rows.fields.iter().map(|field| (field.name, field.kind)).collect(),
            measures: measures.map(|(slot, name)| (name.clone(), slot)).collect(),
            facts,
            open: false,
        }
    }

    fn rule(&self, step: usize, reason: &'static str, settings: &str) -> Result<Judge, Complaint> {
        let name = self.name(step).to_owned();
        let settings: Value = serde_json::from_str(settings).expect("settings were written as JSON");
        let source = settings["drop_if"].as_str().unwrap_or_default();
        let predicate = Predicate::compile(source, &self.scope(step, Some(self.rows.measures.len())));
        let predicate = predicate.map_err(|mistake| {
            let there = source.get(mistake.span.clone()).unwrap_or(source);
            let mut complaint = Complaint::new(format!("`drop_if` of `{name}`, at `{there}`: {}", mistake.what), None);
            complaint.help = mistake.help;
            complaint
        })?;
        if predicate.reads_text() {
            let what = format!("`drop_if` of `{name}` reads the text itself, which a run does not store");
            return Err(
                Complaint::new(what, None).help("run the pipeline with it; text.characters and other facts are stored")
            );
        }
        if self.record.steps[step].selects.is_some() && !self.selects.contains_key(&step) {
            let what = format!("the `where` of `{name}` reads the text itself, which a run does not store");
            return Err(Complaint::new(what, None).help("run the pipeline with the change"));
        }
        let mut facts = Vec::new();
        for fact in predicate.facts() {
            let full = format!("{name}.{}", fact.info().name);
            let Some(slot) = self.rows.measures.iter().position(|known| *known == full) else {
                let what = format!("`{name}` did not measure text.{} when the run was made", fact.info().name);
                return Err(
                    Complaint::new(what, None).help("a rule measures the facts it names; run the pipeline with it")
                );
            };
            facts.push(slot);
        }
        Ok(Judge::Rule(Box::new(predicate), reason, facts))
    }

    /// What an edited pipeline file sets otherwise than the run did.
    pub fn edited(&self, path: &Path) -> Result<Vec<Assignment>, Complaints> {
        let file = path.display().to_string();
        let source = fs::read_to_string(path).map_err(|error| Complaints {
            file: file.clone(),
            source: String::new(),
            list: vec![
                Complaint::new(format!("{file}: {error}"), None).help("give the pipeline file of the run, edited"),
            ],
        })?;
        let mut list = Vec::new();
        let read = written::read(&source, &mut list);
        let mut assignments = Vec::new();
        let mut missing: Vec<&str> = self.record.steps.iter().map(|step| step.name.as_str()).collect();
        for written in &read.steps {
            let name = written.text("name").or(written.text("use")).unwrap_or_default();
            missing.retain(|known| *known != name);
            let Some(step) = self.record.steps.iter().position(|step| step.name == name) else {
                let complaint = Complaint::new(format!("the run had no step `{name}`"), written.key("name"));
                list.push(complaint.help("what was not measured cannot be judged; run the pipeline"));
                continue;
            };
            match self.differences(step, written, path.parent().unwrap_or(Path::new("."))) {
                Ok(found) => assignments.extend(found),
                Err(found) => list.extend(found),
            }
        }
        for name in missing {
            let step = self.record.steps.iter().find(|step| step.name == name);
            if step.is_some_and(|step| !["source", "sink"].contains(&step.kind.as_str())) {
                let complaint = Complaint::new(format!("the run had a step `{name}`, which is not in this file"), None);
                list.push(complaint.help("what it dropped was never seen by those behind it; run the pipeline"));
            }
        }
        if list.is_empty() { Ok(assignments) } else { Err(Complaints { file, source, list }) }
    }

    fn differences(&self, step: usize, written: &Written, folder: &Path) -> Result<Vec<Assignment>, Vec<Complaint>> {
        let record = &self.record.steps[step];
        let one = |complaint| Err(vec![complaint]);
        if written.text("use") != Some(record.uses.as_str()) {
            let what = format!("`{}` was `{}` in the run", record.name, record.uses);
            return one(Complaint::new(what, written.value("use")).help("run the pipeline"));
        }
        if written.text("where") != record.selects.as_deref() {
            let was = record.selects.as_ref().map_or("none".to_owned(), |selects| format!("{selects:?}"));
            let what = format!("the `where` of `{}` was {was} in the run", record.name);
            return one(Complaint::new(what, written.value("where"))
                .help("other documents would be measured; run the pipeline"));
        }
        let Some(entry) = self.registry.find("step", &record.uses) else {
            return one(Complaint::new(format!("this program has no step `{}`", record.uses), written.value("use")));
        };
        let mut settings = toml::Table::new();
        if let Some(setting) = written.settings.get("profile") {
            let profile = entry.profiles.iter().find(|profile| setting.value.as_str() == Some(profile.name));
            let Some(profile) = profile else {
                let what = format!("`{}` has no profile {}", entry.name, setting.value);
                return one(Complaint::new(what, setting.span.clone()));
            };
            settings = profile.settings.parse().expect("a test reads every profile");
        }
        let mut list = Vec::new();
        for (key, setting) in written.settings.iter().filter(|(key, _)| !ENGINE_KEYS.contains(&key.as_str())) {
            if !entry.settings().contains(&key.as_str()) {
                let what = format!("unknown setting `{key}` for `{}`", record.name);
                let help = match nearest(key, entry.settings().into_iter()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("`wanjuan explain {}` describes its settings", entry.name),
                };
                list.push(Complaint::new(what, setting.key.clone()).help(help));
            }
            settings.insert(key.clone(), setting.value.clone());
        }
        if !list.is_empty() {
            return Err(list);
        }
        let mut setup =
            Setup { folder: folder.to_owned(), seed: self.record.seed, step: record.name.clone(), ..Setup::default() };
        let instance = match entry.build(settings.clone(), &mut setup) {
            Ok(instance) => instance,
            Err(Refused::Settings(what)) => {
                return one(Complaint::new(format!("`{}`: {what}", record.name), written.header.clone()));
            }
            Err(Refused::Step(wrong)) => {
                let span = wrong.setting.map_or_else(|| written.header.clone(), |setting| written.value(setting));
                let mut complaint = Complaint::new(wrong.what, span);
                complaint.help = wrong.help;
                return one(complaint);
            }
        };
        let resolved: Value = serde_json::from_str(&instance.settings).expect("settings were written as JSON");
        let mut found = Vec::new();
        let mut put = |key: &str, value: toml::Value| match self.assign(step, key, value, written.value(key)) {
            Ok(assignment) => found.push(assignment),
            Err(complaint) => list.push(complaint),
        };
        for (key, value) in resolved.as_object().into_iter().flatten() {
            if Some(value) != record.settings.get(key) {
                let value = settings.get(key).cloned().or_else(|| toml_of(entry, key, value));
                put(key, value.unwrap_or(toml::Value::String("none".into())));
            }
        }
        let only = written.settings.get(ONLY_MEASURE).and_then(|setting| setting.value.as_bool()).unwrap_or(false);
        if only != record.only_measure {
            put(ONLY_MEASURE, toml::Value::Boolean(only));
        }
        if list.is_empty() { Ok(found) } else { Err(list) }
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
