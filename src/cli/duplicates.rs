//! `wanjuan duplicates`: which documents of a finished run stand for which.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;

use super::{Exit, Output, say};
use crate::duplicates::{Asked, Change, Cluster, Member, Part, Share, read, stages};
use crate::engine::graph::KeepDropped;
use crate::engine::session::{RunRecord, read_record};
use crate::numbers::{count, share, size};
use crate::visible::visible_line;

/// Show the duplicates of a finished run: clusters, what differs in them, and what was removed
#[derive(Args)]
#[command(after_help = "\
Examples:
  wanjuan duplicates out/my-corpus
  wanjuan duplicates out/my-corpus --top 50 --members 20
  wanjuan duplicates out/my-corpus --cluster doc-17      the cluster of one document
  wanjuan duplicates out/my-corpus -o json               for programs")]
pub struct Duplicates {
    /// The output folder of the run
    out: PathBuf,
    /// How many of the largest clusters are shown
    #[arg(long, default_value_t = 10)]
    top: usize,
    /// Only the clusters that this document is in
    #[arg(long, value_name = "ID")]
    cluster: Option<String>,
    /// Members of a cluster that are named
    #[arg(long, default_value_t = 5)]
    members: usize,
    /// Members of a cluster that are compared with the one that is kept
    #[arg(long, default_value_t = 1)]
    differences: usize,
    /// The field whose values are told apart
    #[arg(long, default_value = "lang", value_name = "FIELD")]
    by: String,
    /// How to answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl Duplicates {
    pub fn run(self) -> Exit {
        let record = match read_record(&self.out) {
            Ok(record) => record,
            Err(error) => {
                tell!("error: {error}");
                tell!("help: give the output folder of a run that has finished");
                return Exit::Wrong;
            }
        };
        if stages(&record).next().is_none() {
            tell!("error: no step of this run looks for duplicates");
            tell!("help: `exact_duplicates`, `minhash` and `semantic_duplicates` do; `wanjuan list` shows every stage");
            return Exit::Wrong;
        }
        let Duplicates { top, members, differences, .. } = self;
        let asked = Asked { top, cluster: self.cluster.clone(), members, differences, by: self.by.clone() };
        let work = std::env::temp_dir().join(format!("wanjuan-duplicates-{}", std::process::id()));
        let found = match read(&self.out, &record, &asked, &work) {
            Ok(found) => found,
            Err(error) => {
                tell!("error: {error}");
                return Exit::Machine;
            }
        };
        if let Some(id) = self.cluster.as_ref().filter(|_| found.clusters.is_empty()) {
            tell!("error: `{id}` is in no cluster of this run");
            tell!("help: `wanjuan why {} {id}` tells what happened to it", self.out.display());
            return Exit::Wrong;
        }
        match self.output {
            Output::Json => say(&format!("{:#}\n", serde_json::json!(found))),
            Output::Text => {
                let mut text = String::new();
                if self.cluster.is_none() {
                    let total = &found.total;
                    let _ = writeln!(text, "{}", removed(total));
                    table(&mut text, "step", &found.steps);
                    table(&mut text, "source", &found.sources);
                    if found.values.len() > 1 {
                        table(&mut text, &found.by, &found.values);
                    }
                    histogram(&mut text, &found.sizes);
                    if !found.clusters.is_empty() {
                        text.push_str("\nlargest clusters\n");
                    }
                }
                let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
                for cluster in &found.clusters {
                    self.tell(&mut text, cluster, &record, colour);
                }
                say(&text);
            }
        }
        Exit::Done
    }

    fn tell(&self, text: &mut String, cluster: &Cluster, record: &RunRecord, colour: bool) {
        let kept = cluster.kept.as_ref().map_or_else(|| "a document that is not in measures/".to_owned(), about);
        let _ = writeln!(text, "\n{} documents by {}, kept: {kept}", count(cluster.size), cluster.step);
        for member in &cluster.members {
            let _ = writeln!(text, "  {}", about(member));
        }
        let more = cluster.size - 1 - cluster.members.len() as u64;
        if more > 0 {
            let _ = writeln!(text, "  and {} more", count(more));
        }
        for member in cluster.members.iter().take(self.differences) {
            match &member.difference {
                Some(parts) => {
                    let _ = writeln!(text, "  what differs in {}:", visible_line(&member.id));
                    let drawn: String = parts.iter().map(|part| draw(part, colour)).collect();
                    drawn.lines().for_each(|line| {
                        let _ = writeln!(text, "{}", format!("    {line}").trim_end());
                    });
                }
                None => {
                    let _ = writeln!(text, "  {} cannot be compared: {}", visible_line(&member.id), why_not(record));
                    break;
                }
            }
        }
    }
}

/// Why texts were not found.
fn why_not(record: &RunRecord) -> &'static str {
    match record.dropped {
        KeepDropped::None => "run with `dropped = \"all\"` in [pipeline], which keeps the texts of dropped documents",
        KeepDropped::Sample => "one dropped document in a hundred was kept; `dropped = \"all\"` keeps every one",
        KeepDropped::All => "its text, or that of the kept one, is in no `jsonl` sink; other sinks are not read",
    }
}

/// `doc-17 (raw, en, 1.2 kB)`
fn about(member: &Member) -> String {
    let value = member.value.as_ref().map(|value| format!(", {}", visible_line(value))).unwrap_or_default();
    let end = member.end.as_ref().map(|end| format!(", {}", visible_line(end))).unwrap_or_default();
    format!("{} ({}{value}, {}{end})", visible_line(&member.id), visible_line(&member.source), size(member.bytes))
}

/// Characters that control a terminal or turn around what stands beside them.
fn is_odd(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn draw(part: &Part, colour: bool) -> String {
    let text: String = part.text.chars().map(|c| if is_odd(c) && c != '\n' { ' ' } else { c }).collect();
    match (part.change, colour) {
        (Change::Both, _) => text,
        (Change::Skipped, false) => format!(" [… {text} …] "),
        (Change::Skipped, true) => format!("\x1b[2m [… {text} …] \x1b[0m"),
        (Change::Kept, false) => format!("[-{text}-]"),
        (Change::Kept, true) => format!("\x1b[31m{text}\x1b[0m"),
        (Change::Dropped, false) => format!("{{+{text}+}}"),
        (Change::Dropped, true) => format!("\x1b[32m{text}\x1b[0m"),
    }
}

/// `12 of 90 documents (13.3 %), 1.2 kB of 9.0 kB`
fn removed(found: &Share) -> String {
    let Share { documents, removed_documents, bytes, removed_bytes, .. } = found;
    let mut text = format!(
        "{} of {} documents ({}) and {} of {} of text ({}) were dropped as duplicates",
        count(*removed_documents),
        count(*documents),
        share(*removed_documents, *documents),
        size(*removed_bytes),
        size(*bytes),
        share(*removed_bytes, *bytes),
    );
    if let Some(tokens) = found.tokens {
        let gone = found.removed_tokens.unwrap_or(0);
        let _ = write!(text, ", {} of {} tokens ({})", count(gone), count(tokens), share(gone, tokens));
    }
    text
}

fn table(text: &mut String, what: &str, shares: &BTreeMap<String, Share>) {
    let mut shares: Vec<_> = shares.iter().collect();
    shares.sort_by(|a, b| b.1.removed_documents.cmp(&a.1.removed_documents).then(a.0.cmp(b.0)));
    let tokens = shares.iter().any(|(_, share)| share.tokens.is_some());
    let head = if tokens { "  tokens" } else { "" };
    let line = format!("{what:<22}{:>12}{:>12}{:>8}{:>12}{:>8}{head}", "documents", "removed", "", "bytes", "");
    let _ = writeln!(text, "\n{}", line.trim_end());
    for (name, found) in shares.iter().take(MOST_LINES) {
        let name: String = visible_line(name).chars().take(20).collect();
        let gone = found.removed_tokens.unwrap_or(0);
        let tokens = found.tokens.map(|tokens| format!("{:>8}", share(gone, tokens))).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {name:<20}{:>12}{:>12}{:>8}{:>12}{:>8}{tokens}",
            count(found.documents),
            count(found.removed_documents),
            share(found.removed_documents, found.documents),
            size(found.removed_bytes),
            share(found.removed_bytes, found.bytes),
        );
    }
    if shares.len() > MOST_LINES {
        let _ = writeln!(text, "  and {} more", shares.len() - MOST_LINES);
    }
}

/// Lines of a table.
const MOST_LINES: usize = 20;

/// Sizes by powers of two.
fn histogram(text: &mut String, sizes: &BTreeMap<u64, u64>) {
    let mut bins: BTreeMap<u32, u64> = BTreeMap::new();
    for (size, clusters) in sizes {
        *bins.entry((size - 1).ilog2()).or_default() += clusters;
    }
    let most = bins.values().copied().max().unwrap_or(0);
    let _ = writeln!(text, "\n{:<22}{:>12}", "cluster size", "clusters");
    for (bin, clusters) in bins {
        let (least, greatest) = ((1_u64 << bin) + 1, 1_u64 << (bin + 1));
        let label = if least == greatest { count(least) } else { format!("{}-{}", count(least), count(greatest)) };
        let bar = "█".repeat((40 * clusters).div_ceil(most) as usize);
        let _ = writeln!(text, "  {label:<20}{:>12}  {bar}", count(clusters));
    }
}
