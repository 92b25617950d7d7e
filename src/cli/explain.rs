//! `wanjuan list`, `wanjuan explain` and `wanjuan schema`: the catalogue, in the steps' own words.

use std::fmt::Write;

use clap::Args;
use serde_json::{Value, json};

use super::{Exit, Output, say};
use crate::config::nearest;
use crate::registry::{Entry, Registry, place};

/// List every source, step and sink
#[derive(Args)]
pub struct List {
    /// How to answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl List {
    pub fn run(self, registry: &Registry) -> Exit {
        match self.output {
            Output::Json => {
                let entries = registry.entries().map(|entry| json!({ "name": entry.name, "kind": entry.kind, "version": entry.version, "about": entry.summary() }));
                say(&format!("{:#}\n", json!(entries.collect::<Vec<_>>())));
            }
            Output::Text => {
                let mut text = String::new();
                for kind in ["source", "mapper", "filter", "stage", "sink"] {
                    let mut entries = registry.entries().filter(|entry| entry.kind == kind).peekable();
                    if entries.peek().is_some() {
                        let _ = writeln!(text, "[[{}]]  {kind}s", place(kind));
                        for entry in entries {
                            let _ = writeln!(text, "  {:<22}{}", entry.name, entry.summary());
                        }
                        text.push('\n');
                    }
                }
                text.push_str(
                    "wanjuan explain NAME describes one; wanjuan explain where, the language of conditions.\n",
                );
                say(&text);
            }
        }
        Exit::Done
    }
}

/// Describe one step: what it does, its settings, its sources
#[derive(Args)]
pub struct Explain {
    /// Its name, as in `use = "…"`; `name@profile`, for whose decisions it can reproduce; or `where`,
    /// for the language of conditions
    step: String,
    /// How to answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl Explain {
    pub fn run(self, registry: &Registry) -> Exit {
        if self.step == "where" {
            let (about, _) = WHERE.split_once('\n').unwrap_or((WHERE, ""));
            say(&match self.output {
                Output::Text => WHERE.to_owned(),
                Output::Json => format!("{:#}\n", json!({ "name": "where", "about": about, "page": WHERE })),
            });
            return Exit::Done;
        }
        let (step, profile) = match self.step.split_once('@') {
            Some((step, profile)) => (step, Some(profile)),
            None => (self.step.as_str(), None),
        };
        let found: Vec<&Entry> = registry.entries().filter(|entry| entry.name == step).collect();
        if found.is_empty() {
            tell!("error: nothing is called `{step}`");
            match nearest(step, registry.entries().map(|entry| entry.name)) {
                Some(near) => tell!("help: did you mean `{near}`?"),
                None => tell!("help: `wanjuan list` shows all there is"),
            }
            return Exit::Wrong;
        }
        if let Some(wanted) = profile {
            return explain_profile(found[0], wanted, self.output);
        }
        match self.output {
            Output::Text => say(&found.iter().map(|entry| page(entry)).collect::<Vec<_>>().join("\n\n")),
            Output::Json => {
                say(&format!("{:#}\n", json!(found.iter().map(|entry| describe(entry)).collect::<Vec<_>>())))
            }
        }
        Exit::Done
    }
}

/// The page of one profile.
fn explain_profile(entry: &Entry, wanted: &str, output: Output) -> Exit {
    let Some(profile) = entry.profiles.iter().find(|profile| profile.name == wanted) else {
        tell!("error: `{}` has no profile `{wanted}`", entry.name);
        let names: Vec<&str> = entry.profiles.iter().map(|profile| profile.name).collect();
        match names.is_empty() {
            true => tell!("help: it has none"),
            false => tell!("help: there are {}", names.join(", ")),
        }
        return Exit::Wrong;
    };
    let settings: toml::Table = profile.settings.parse().expect("a test reads every profile");
    if let Output::Json = output {
        let about =
            json!({ "step": entry.name, "profile": profile.name, "about": profile.about, "settings": settings });
        say(&format!("{about:#}\n"));
        return Exit::Done;
    }
    let mut text = format!("{}@{} ({})\n\n{}\n", entry.name, profile.name, entry.kind, profile.about);
    let _ = writeln!(text, "\nIn a pipeline\n  [[step]]\n  use = \"{}\"\n  profile = \"{}\"", entry.name, profile.name);
    match settings.is_empty() {
        true => text.push_str("\nIts settings are the defaults.\n"),
        false => {
            text.push_str("\nWhat it sets, and what it would be without\n");
            for (name, value) in &settings {
                let default = entry.schema.pointer(&format!("/properties/{name}/default")).unwrap_or(&Value::Null);
                let _ = writeln!(text, "  {name} = {value}\n      {default}");
            }
        }
    }
    if let Some(picture) = entry.picture(settings) {
        let _ = write!(text, "\n{picture}");
    }
    match on_the_sample(&format!("{}@{}", entry.name, profile.name)) {
        none if none.is_empty() && profile.name.starts_with("fineweb-2-") => {
            let _ = writeln!(text, "\nThe sample ({SAMPLE}) holds no text in the language of this profile.");
        }
        lines => text.push_str(&lines),
    }
    let _ = writeln!(text, "\n`wanjuan explain {}` describes the step and every setting.", entry.name);
    say(&text);
    Exit::Done
}

/// What each step does to the sample: name with profile, language, documents, dropped, rewritten,
/// reasons. A test writes it.
const REMOVAL: &str = include_str!("removal.tsv");
const SAMPLE: &str = "pipelines/sample/mixed.jsonl.zst";

/// What is known of a step, or of a profile of it, from the sample.
fn on_the_sample(name: &str) -> String {
    let rows = REMOVAL.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let mut text = String::new();
    for row in rows.filter(|row| row[0] == name) {
        let [_, lang, documents, dropped, rewritten, reasons] = row[..] else {
            unreachable!("a test writes the table")
        };
        if text.is_empty() {
            let _ = writeln!(text, "\nOn the sample ({SAMPLE})");
        }
        let _ = write!(text, "  {lang}: of {documents} documents {dropped} dropped");
        if rewritten != "0" {
            let _ = write!(text, ", {rewritten} rewritten");
        }
        let _ = match reasons {
            "" => writeln!(text),
            reasons => writeln!(text, "\n      {reasons}"),
        };
    }
    text
}

const WHERE: &str = include_str!("where.md");

fn page(entry: &Entry) -> String {
    let mut text = format!("{} ({}, version {})\n\n{}\n", entry.name, entry.kind, entry.version, entry.words());
    let properties = entry.schema.get("properties").and_then(Value::as_object);
    if let Some(properties) = properties.filter(|properties| !properties.is_empty()) {
        text.push_str("\nSettings\n");
        for (name, schema) in properties {
            let default = schema
                .get("default")
                .filter(|default| !default.is_null())
                .map(|default| format!(" = {default}"))
                .unwrap_or_default();
            let about = schema.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
            let _ = writeln!(text, "  {name}{default}\n      {about}");
            for (value, about) in choices(&entry.schema, schema) {
                let _ = writeln!(text, "      {value:<12} {about}");
            }
        }
    }
    if entry.kind == "filter" {
        let _ = writeln!(text, "\nAs in every filter\n  only_measure = false\n      {ONLY_MEASURE}");
        text.push_str("  min_… and max_…\n      The bound itself is kept. `min_… = 0` and `max_… = inf` switch a rule off, in a list in its place; a share lies between 0 and 1.\n");
    }
    if entry.keeps_index {
        let _ = writeln!(text, "\nFrom one run to the next\n  index\n      {INDEX}\n  against\n      {AGAINST}");
    }
    if !entry.profiles.is_empty() {
        text.push_str("\nProfiles\n");
        for profile in entry.profiles {
            let _ = writeln!(text, "  profile = \"{}\"\n      {}", profile.name, profile.about);
            for line in profile.settings.lines().filter(|line| !line.trim().is_empty()) {
                let _ = writeln!(text, "      {}", line.trim());
            }
        }
    }
    if !entry.measures.is_empty() {
        text.push_str("\nMeasures\n");
        for measure in entry.measures {
            let _ = writeln!(text, "  {:<32} {}", measure.name, measure.about);
        }
    }
    if !entry.reasons.is_empty() {
        let width = entry.reasons.iter().map(|reason| reason.name.len()).max().unwrap_or(0) + 2;
        text.push_str("\nReasons to drop a document, each with its setting\n");
        for reason in entry.reasons {
            let line = format!("  {:<width$}{}", reason.name, reason.setting.unwrap_or_default());
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    if let Some(picture) = entry.picture(toml::Table::new()) {
        let _ = write!(text, "\n{picture}");
    }
    text.push_str(&on_the_sample(entry.name));
    match entry.profiles {
        [] => {}
        [only] => {
            let _ =
                writeln!(text, "\n`wanjuan explain {}@{}` tells what it does to the sample.", entry.name, only.name);
        }
        [first, ..] => {
            let _ = writeln!(
                text,
                "\n`wanjuan explain {}@{}` tells what a profile does to the sample.",
                entry.name, first.name
            );
        }
    }
    text
}

/// What is said of the settings of every step that keeps an index.
const INDEX: &str = "A folder to write an index of the documents that stay into, for `against` in later pipelines.";
const AGAINST: &str =
    "Indexes of earlier runs, written with the same settings: what they hold stays, and duplicates of it go.";

/// What the engine's key for filters does.
const ONLY_MEASURE: &str =
    "Whether it measures and drops nothing: what to drop is left to a `where`, a `rule` or `wanjuan tune`.";

/// What a setting can be, where that is one of a few words: each with what it means.
fn choices<'a>(root: &'a Value, schema: &'a Value) -> Vec<(&'a str, &'a str)> {
    let referred = schema.get("$ref").and_then(Value::as_str).and_then(|to| root.pointer(to.strip_prefix('#')?));
    let choices = referred.unwrap_or(schema).get("oneOf").and_then(Value::as_array);
    let choice = |choice: &'a Value| {
        let about = choice.get("description").and_then(Value::as_str).unwrap_or_default();
        Some((choice.get("const")?.as_str()?, about))
    };
    choices.into_iter().flatten().filter_map(choice).collect()
}

fn describe(entry: &Entry) -> Value {
    let measures = entry.measures.iter().map(|measure| json!({ "name": measure.name, "about": measure.about }));
    let profiles = entry
        .profiles
        .iter()
        .map(|profile| json!({ "name": profile.name, "about": profile.about, "settings": profile.settings }));
    let reasons = entry
        .reasons
        .iter()
        .map(|reason| json!({ "name": reason.name, "setting": reason.setting, "measure": reason.measure() }));
    json!({
        "name": entry.name,
        "kind": entry.kind,
        "version": entry.version,
        "words": entry.words(),
        "settings": entry.schema,
        "measures": measures.collect::<Vec<_>>(),
        "reasons": reasons.collect::<Vec<_>>(),
        "profiles": profiles.collect::<Vec<_>>(),
    })
}

/// The JSON schema of a pipeline file.
pub fn schema(registry: &Registry) -> Exit {
    let table = |table: &str| {
        let entries = registry.entries().filter(|entry| place(entry.kind) == table);
        let variants = entries.map(|entry| {
            let mut properties = entry.schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
            properties.insert("use".into(), json!({ "const": entry.name, "description": entry.summary() }));
            properties.insert("name".into(), json!({ "type": "string", "description": "How other entries and reports call it." }));
            properties.insert("where".into(), json!({ "type": "string", "description": "A condition in SQL: which documents it is about." }));
            if table == "source" {
                properties.insert("paths".into(), json!({ "type": "array", "items": { "type": "string" }, "description": "Files, folders or globs." }));
            } else {
                properties.insert("from".into(), json!({ "description": "What it reads from, if not the entry above.", "oneOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] }));
            }
            if entry.kind == "filter" {
                properties.insert("only_measure".into(), json!({ "type": "boolean", "default": false, "description": ONLY_MEASURE }));
            }
            if entry.keeps_index {
                properties.insert("index".into(), json!({ "type": "string", "description": INDEX }));
                properties.insert("against".into(), json!({ "type": "array", "items": { "type": "string" }, "description": AGAINST }));
            }
            if !entry.profiles.is_empty() {
                let names: Vec<&str> = entry.profiles.iter().map(|profile| profile.name).collect();
                properties.insert("profile".into(), json!({ "enum": names, "description": "Whose decisions are reproduced." }));
            }
            json!({ "type": "object", "properties": properties, "required": ["use"], "additionalProperties": false })
        });
        json!({ "type": "array", "items": { "oneOf": variants.collect::<Vec<_>>() } })
    };
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "wanjuan pipeline",
        "type": "object",
        "properties": {
            "pipeline": {
                "type": "object",
                "properties": {
                    "name": { "type": "string", "description": "Name of the corpus." },
                    "output": { "type": "string", "description": "The folder that everything a run writes lives in." },
                    "seed": { "type": "integer", "minimum": 0, "description": "The only source of randomness." },
                    "max_set_aside": { "description": "Most bad records that a run sets aside: a number of them, or a share of all as \"1%\"; with one more it stops.", "default": "10%", "oneOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": "^[0-9.]+ ?%$" }] },
                    "max_document_mb": { "type": "integer", "minimum": 1, "maximum": 1024, "description": "Larger records are set aside." },
                    "dropped": { "enum": ["none", "sample", "all"], "description": "Which dropped documents are kept, to look at." },
                },
                "required": ["name", "output"],
                "additionalProperties": false,
            },
            "source": table("source"),
            "step": table("step"),
            "sink": table("sink"),
            "test": { "type": "array", "items": { "type": "object", "properties": { "name": { "type": "string" }, "source": { "type": "string", "description": "The source it comes from, if not the first." }, "input": { "type": "object" }, "expect": { "type": "object" } }, "required": ["input", "expect"] } },
        },
        "required": ["pipeline", "source", "sink"],
        "additionalProperties": false,
    });
    say(&format!("{schema:#}\n"));
    Exit::Done
}
