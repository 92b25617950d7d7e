//! `wanjuan check`.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::overrides::Overrides;
use super::preflight::{Preflight, Unready};
use super::{Exit, Output, load, say};
use crate::config::Pipeline;
use crate::engine::session::Options;
use crate::registry::{Built, Registry};

/// Report every mistake of a pipeline file, then draw its graph; runs nothing
#[derive(Args)]
pub struct Check {
    /// The pipeline file
    file: PathBuf,
    /// How the graph is drawn
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    overrides: Overrides,
    /// How to answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// Lines and arrows
    #[default]
    Text,
    /// A Mermaid flow chart, for Markdown
    Mermaid,
}

impl Check {
    pub fn run(self, registry: &Registry) -> Exit {
        let pipeline = match load(registry, &self.file, &self.overrides.sets(), self.output) {
            Ok(pipeline) => pipeline,
            Err(exit) => return exit,
        };
        match Preflight::of(&pipeline, &Options::of_this_machine(), false) {
            Ok(ready) if self.output == Output::Text => {
                tell!("{}", ready.line(&pipeline, &Options::of_this_machine()));
                for entry in &pipeline.entries {
                    if let Built::Stage(stage) = &entry.instance.built
                        && let Some(told) = stage.told()
                    {
                        tell!("{}: {told}", entry.name);
                    }
                }
            }
            Ok(_) => {}
            Err(Unready::Wrong(message)) => {
                tell!("{}", message.trim_end());
                return Exit::Wrong;
            }
            Err(Unready::Machine(error)) => {
                tell!("error: {error}");
                return Exit::Machine;
            }
        }
        say(&match (self.output, self.format) {
            (Output::Json, _) => format!("{:#}\n", json(&pipeline)),
            (Output::Text, Format::Text) => text(&pipeline),
            (Output::Text, Format::Mermaid) => mermaid(&pipeline),
        });
        Exit::Done
    }
}

/// One line an entry, after all it reads from; who it reads from is said where it is not the line above.
fn text(pipeline: &Pipeline) -> String {
    let graph = pipeline.graph(&[]);
    let mut text = format!("{} -> {}\n", pipeline.name, pipeline.output.display());
    let mut node = 0;
    for (number, entry) in pipeline.entries.iter().enumerate() {
        let phase = graph.nodes[node].phase;
        node += if entry.kind == "stage" { 2 } else { 1 };
        let above = number.checked_sub(1);
        let from: Vec<&str> = entry.inputs.iter().map(|&input| pipeline.entries[input].name.as_str()).collect();
        let straight = entry.inputs.len() == 1 && entry.inputs.first().copied() == above;
        let mark = match entry.kind {
            "source" => "o",
            "sink" => ">",
            "stage" => "=",
            _ => "|",
        };
        let uses = if entry.uses == entry.name { String::new() } else { format!(" ({})", entry.uses) };
        let profile = entry.profile.as_ref().map(|profile| format!(" @{profile}")).unwrap_or_default();
        let selects = entry.selects.as_ref().map(|predicate| format!("  where {predicate}")).unwrap_or_default();
        let corpus = if entry.kind == "source" {
            format!("  {} file{}", entry.corpus.len(), if entry.corpus.len() == 1 { "" } else { "s" })
        } else {
            String::new()
        };
        let from = if straight || from.is_empty() { String::new() } else { format!("  from {}", from.join(", ")) };
        let _ = writeln!(
            text,
            "  {mark} {:<32}  {:<8}phase {phase}{from}{selects}{corpus}",
            format!("{}{uses}{profile}", entry.name),
            entry.kind
        );
    }
    text
}

fn mermaid(pipeline: &Pipeline) -> String {
    let mut text = "flowchart TD\n".to_owned();
    for (number, entry) in pipeline.entries.iter().enumerate() {
        let (open, close) = match entry.kind {
            "source" | "sink" => ("[(", ")]"),
            "stage" => ("{{", "}}"),
            _ => ("[", "]"),
        };
        let _ = writeln!(text, "  n{number}{open}\"{}\"{close}", entry.name);
        for input in &entry.inputs {
            let _ = writeln!(text, "  n{input} --> n{number}");
        }
    }
    text
}

fn json(pipeline: &Pipeline) -> serde_json::Value {
    let entries = pipeline.entries.iter().map(|entry| {
        serde_json::json!({
            "name": entry.name,
            "use": entry.uses,
            "kind": entry.kind,
            "version": entry.version,
            "from": entry.inputs.iter().map(|&input| pipeline.entries[input].name.as_str()).collect::<Vec<_>>(),
            "where": entry.selects.as_ref().map(ToString::to_string),
            "settings": serde_json::from_str::<serde_json::Value>(&entry.instance.settings).expect("settings were written as JSON"),
            "fields": entry.scope.fields.iter().map(|(name, kind)| (name.as_str(), kind.to_string())).collect::<std::collections::BTreeMap<_, _>>(),
        })
    });
    serde_json::json!({ "name": pipeline.name, "output": pipeline.output, "entries": entries.collect::<Vec<_>>() })
}
