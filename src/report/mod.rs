//! The report: what a finished run did, for programs (`report.json`) and for people (`report.html`).
//!
//! It is made from what stands in the output alone: `run.json`, `measures/`, `dropped/`, `set-aside/` and
//! the manifests of the sinks, so `wanjuan report` can make it again. What only this run and this machine
//! know, such as times, stands under `run`; all the rest is the same bytes whatever the threads, restarts
//! and machines. Memory does not grow with the corpus: rows are streamed, bins and examples are few.

mod bins;
mod examples;
pub mod held;
mod page;
pub(crate) mod rows;
mod sets;
pub(crate) mod texts;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use bins::Histogram;
pub use examples::{BadExample, Example, Excerpt};
pub use sets::SetReport;

use crate::engine::commit::{Drafts, replace_file};
use crate::engine::counts::{BloomCounts, SinkCounts};
use crate::engine::driver::work_folder;
use crate::engine::graph::KeepDropped;
use crate::engine::publish::read_manifest;
use crate::engine::session::{RunRecord, StepRecord, read_record};
use crate::numbers;
use crate::registry::Registry;
use crate::source::lost;
use examples::Gathered;
use rows::{Row, Rows};
use sets::Met;

/// Name of the report for programs.
pub const JSON: &str = "report.json";
/// Name of the report for people.
pub const HTML: &str = "report.html";

/// What a finished run did.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Version of the engine.
    pub wanjuan: String,
    /// Name of the corpus.
    pub name: String,
    /// The only source of randomness.
    pub seed: u64,
    /// What came in and what came out.
    pub totals: Totals,
    /// Bad records by reason.
    pub set_aside: Vec<BadReason>,
    /// Which dropped documents were kept for inspection.
    pub dropped_kept: KeepDropped,
    /// Sources, steps and sinks, in the order of the pipeline.
    pub steps: Vec<StepReport>,
    /// Where the results are.
    pub sinks: Vec<SinkReport>,
    /// What WanJuan-CC publishes of itself, as far as this run measured it.
    pub statistics: Vec<Statistic>,
    /// What only this run and this machine know.
    pub run: Option<Ran>,
}

/// Sums over the whole run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Totals {
    /// Records read, bad ones included.
    pub records: u64,
    /// Documents that came out of the sources.
    pub documents: u64,
    /// Bytes of those documents' texts.
    pub bytes: u64,
    /// Documents that a sink wrote, each once.
    pub kept: u64,
    /// Bad records, whatever their reason.
    pub set_aside: u64,
}

/// One source, step or sink.
#[derive(Debug, Clone, Serialize)]
pub struct StepReport {
    /// What the pipeline calls it.
    pub name: String,
    /// What it is.
    #[serde(rename = "use")]
    pub uses: String,
    /// Source, mapper, filter or stage.
    pub kind: String,
    /// What it reads from.
    pub from: Vec<String>,
    /// Its `where`.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub selects: Option<String>,
    /// Documents it judged; those that `where` let pass are not among them. A source judges none.
    pub seen: Option<u64>,
    /// Documents it let go on.
    pub kept: Option<u64>,
    /// Of those, documents whose text it changed.
    pub rewritten: u64,
    /// Characters by which some of those became shorter.
    pub chars_removed: u64,
    /// Characters by which others became longer.
    pub chars_added: u64,
    /// What went through its Bloom filter, and what the filter says of its answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bloom: Option<BloomReport>,
    /// Documents it dropped, or records a source passed over.
    pub dropped: u64,
    /// Why it dropped others, the commonest first.
    pub reasons: Vec<Reason>,
    /// What it measured.
    pub measures: Vec<MeasureReport>,
    /// The evaluation sets it compares documents with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<SetReport>,
}

/// What a step's Bloom filter did.
#[derive(Debug, Clone, Serialize)]
pub struct BloomReport {
    /// In a sentence.
    pub about: String,
    /// In numbers.
    #[serde(flatten)]
    pub counts: BloomCounts,
}

/// Why documents were dropped.
#[derive(Debug, Clone, Serialize)]
pub struct Reason {
    /// A fact about documents.
    pub reason: String,
    /// How many it was true of.
    pub documents: u64,
    /// Some of them.
    pub examples: Vec<Example>,
}

/// Why records became no document.
#[derive(Debug, Clone, Serialize)]
pub struct BadReason {
    /// What is wrong with records.
    pub reason: String,
    /// With how many.
    pub records: u64,
    /// What is missing besides, where that is not known to be nothing.
    pub lost: Option<&'static str>,
    /// Some of them.
    pub examples: Vec<BadExample>,
}

/// What a step measured.
#[derive(Debug, Clone, Serialize)]
pub struct MeasureReport {
    /// Its name within the step.
    pub name: String,
    /// What it is, in the step's words.
    pub about: String,
    /// The least that is kept, if a setting says so.
    pub min: Option<f64>,
    /// The most that is kept, if a setting says so.
    pub max: Option<f64>,
    /// How its values are spread.
    pub histogram: Histogram,
}

/// One sink.
#[derive(Debug, Clone, Serialize)]
pub struct SinkReport {
    /// What the pipeline calls it.
    pub name: String,
    /// What it is.
    #[serde(rename = "use")]
    pub uses: String,
    /// Its folder below the output.
    pub folder: String,
    /// How many shards it wrote.
    pub shards: usize,
    /// In how many files.
    pub files: usize,
    /// Bytes on disk.
    pub stored: u64,
    /// What it wrote.
    #[serde(flatten)]
    pub counts: SinkCounts,
}

/// One of the statistics that WanJuan-CC publishes.
#[derive(Debug, Clone, Serialize)]
pub struct Statistic {
    /// Which one.
    pub statistic: String,
    /// Where it comes from; empty where nothing measures it.
    pub measured_by: String,
    /// Its mean over the documents a sink wrote.
    pub mean: Option<f64>,
    /// Bounds of its median over the documents that were kept.
    pub median: Option<(f64, f64)>,
}

/// What only one run on one machine knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ran {
    /// Where the run left its results.
    pub output: String,
    /// How long it took.
    pub seconds: f64,
    /// On how many threads.
    pub threads: usize,
    /// With how much memory, at the most.
    pub memory_bytes: u64,
    /// Its phases, in order.
    pub phases: Vec<Phase>,
    /// Damaged files that were made again.
    pub healed: usize,
}

/// How long a part of a run took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Phase {
    /// What a person calls it.
    pub phase: String,
    /// Tasks that ran.
    pub ran: usize,
    /// Tasks that were done before.
    pub skipped: usize,
    /// How long it took.
    pub seconds: f64,
}

/// Writes both reports of the run that stands in `output`; the path of the page. Without `ran`, what an
/// earlier report tells of its run is kept.
pub fn write(output: &Path, registry: &Registry, ran: Option<Ran>) -> io::Result<PathBuf> {
    #[derive(Deserialize)]
    struct Earlier {
        run: Option<Ran>,
    }
    let earlier = || serde_json::from_slice::<Earlier>(&std::fs::read(output.join(JSON)).ok()?).ok()?.run;
    let ran = ran.or_else(earlier);
    let report = Report { run: ran, ..Report::read(output, registry)? };
    let mut text = serde_json::to_vec_pretty(&report).map_err(io::Error::other)?;
    text.push(b'\n');
    let drafts = Drafts::open(&work_folder(output))?;
    replace_file(&drafts, &output.join(JSON), &text)?;
    let page = output.join(HTML);
    replace_file(&drafts, &page, page::render(&report)?.as_bytes())?;
    Ok(page)
}

impl Report {
    /// Reads what a finished run left; `run` stays empty.
    pub fn read(output: &Path, registry: &Registry) -> io::Result<Report> {
        let record = read_record(output)?;
        let mut rows = Rows::open(output, &record)?;
        let met = Met::open(&record, &mut rows);
        let mut tally = Tally { met, ..Tally::new(output, &record, &rows, registry)? };
        rows.each_document(|group| tally.see(group))?;
        let kept = tally.kept;
        let steps: Vec<StepReport> = record.steps.iter().map(|step| tally.step(step)).collect();
        let sinks = record.steps.iter().filter(|step| step.kind == "sink").map(|step| sink(output, &record, step));
        let sinks: Vec<SinkReport> = sinks.collect();
        let mut bad = examples::set_aside(output, &record)?;
        let set_aside = by_count(&record.counts.set_aside).into_iter().map(|(reason, records)| BadReason {
            examples: bad.remove(&reason).unwrap_or_default(),
            lost: lost(&reason),
            reason,
            records,
        });
        let counts = &record.counts;
        Ok(Report {
            wanjuan: record.wanjuan.clone(),
            name: record.name.clone(),
            seed: record.seed,
            totals: Totals {
                records: counts.records,
                documents: counts.documents,
                bytes: counts.bytes,
                kept,
                set_aside: counts.set_aside_total(),
            },
            set_aside: set_aside.collect(),
            dropped_kept: record.dropped,
            statistics: statistics(&steps, &sinks),
            steps,
            sinks,
            run: None,
        })
    }
}

/// What is counted while the rows pass.
struct Tally<'a> {
    record: &'a RunRecord,
    names: &'a [String],
    /// One for each of `names`.
    measures: Vec<MeasureReport>,
    /// By step: where its measures lie in `names`.
    slots: BTreeMap<&'a str, Vec<usize>>,
    examples: Gathered<'a>,
    met: Met,
    /// By step and reason: what ended there.
    ends: BTreeMap<String, BTreeMap<String, u64>>,
    kept: u64,
}

impl<'a> Tally<'a> {
    fn new(output: &Path, record: &'a RunRecord, rows: &'a Rows, registry: &Registry) -> io::Result<Tally<'a>> {
        let mut slots: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut measures = Vec::new();
        for (slot, full) in rows.measures.iter().enumerate() {
            let step =
                record.steps.iter().find_map(|step| Some((step, full.strip_prefix(&step.name)?.strip_prefix('.')?)));
            let (name, about, min, max) = match step {
                Some((step, name)) => {
                    slots.entry(&step.name).or_default().push(slot);
                    let setting = |bound: &str| step.settings.get(format!("{bound}_{name}"))?.as_f64();
                    let known = registry.entries().find(|entry| entry.name == step.uses && entry.kind == step.kind);
                    let info = known.and_then(|entry| entry.measures.iter().find(|info| info.name == name));
                    (name, info.map_or("", |info| info.about), setting("min"), setting("max"))
                }
                None => (full.as_str(), "", None, None),
            };
            let (least, greatest) = rows.ranges[slot].unwrap_or((0.0, 1.0));
            let marks: Vec<f64> = [min, max].into_iter().flatten().collect();
            let histogram = Histogram::fit(least, greatest, &marks);
            measures.push(MeasureReport { name: name.to_owned(), about: about.to_owned(), min, max, histogram });
        }
        let examples = Gathered::open(output, record)?;
        let (met, ends) = (Met::default(), BTreeMap::new());
        Ok(Tally { record, names: &rows.measures, measures, slots, examples, met, ends, kept: 0 })
    }

    /// Takes in the rows of one document: one for each way it went.
    fn see(&mut self, group: &[Row]) {
        let written = group.iter().any(|row| row.reason.is_none());
        self.kept += u64::from(written);
        self.met.see(group);
        for row in group {
            self.examples.see(row, self.names);
            if let Some(reason) = &row.reason {
                if !self.ends.contains_key(&row.step) {
                    self.ends.insert(row.step.clone(), BTreeMap::new());
                }
                crate::engine::counts::add(self.ends.get_mut(&row.step).expect("inserted above"), reason, 1);
            }
        }
        for (step, slots) in &self.slots {
            for (number, row) in group.iter().enumerate() {
                let dropped = row.step == **step && row.reason.is_some();
                // Behind a fork each way has the measures of all before it; they count once.
                let again = group[..number].iter().any(|other| {
                    let same = |&slot: &usize| other.values[slot].to_bits() == row.values[slot].to_bits();
                    dropped == (other.step == **step && other.reason.is_some()) && slots.iter().all(same)
                });
                if again {
                    continue;
                }
                for &slot in slots.iter().filter(|&&slot| !row.values[slot].is_nan()) {
                    self.measures[slot].histogram.add(row.values[slot], dropped, written && !dropped);
                }
            }
        }
    }

    fn step(&mut self, step: &StepRecord) -> StepReport {
        let counts = self.record.counts.steps.get(&step.name).cloned().unwrap_or_default();
        let mut reasons = self.ends.remove(&step.name).unwrap_or_default();
        // What a source passes over comes to no end that has a row.
        reasons.extend(counts.dropped.clone());
        let written = self.record.counts.sinks.get(&step.name).map_or(0, |sink| sink.documents);
        let dropped = reasons.values().sum();
        let (seen, kept) = match step.kind.as_str() {
            "source" => (None, None),
            "sink" => (Some(written + dropped), Some(written)),
            _ => (Some(counts.seen), Some(counts.kept)),
        };
        let reasons: Vec<Reason> = by_count(&reasons)
            .into_iter()
            .map(|(reason, documents)| Reason { examples: self.examples.take(&step.name, &reason), reason, documents })
            .collect();
        let slots = self.slots.get(step.name.as_str()).cloned().unwrap_or_default();
        let measures = slots.iter().map(|&slot| self.measures[slot].clone());
        StepReport {
            name: step.name.clone(),
            uses: step.uses.clone(),
            kind: step.kind.clone(),
            from: step.from.clone(),
            selects: step.selects.clone(),
            seen,
            kept,
            rewritten: counts.rewritten,
            chars_removed: counts.chars_removed,
            chars_added: counts.chars_added,
            bloom: counts.bloom.map(|counts| BloomReport { about: numbers::bloom(&counts), counts }),
            dropped,
            reasons,
            measures: measures.collect(),
            sets: self.met.of(step),
        }
    }
}

/// The commonest first.
fn by_count(counts: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut counts: Vec<_> = counts.iter().map(|(name, count)| (name.clone(), *count)).collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

fn sink(output: &Path, record: &RunRecord, step: &StepRecord) -> SinkReport {
    let manifest = read_manifest(&output.join(&step.name));
    let files = || manifest.shards.iter().flat_map(|shard| &shard.files);
    SinkReport {
        name: step.name.clone(),
        uses: step.uses.clone(),
        folder: format!("{}/", step.name),
        shards: manifest.shards.len(),
        files: files().count(),
        stored: files().map(|file| file.length).sum(),
        counts: record.counts.sinks.get(&step.name).cloned().unwrap_or_default(),
    }
}

/// The nine histograms that WanJuan-CC publishes of itself (its repository's `statistics_signal.png`), and
/// the measures of ours that are the same: `use` and name. The step `statistics` has all nine.
const STATISTICS: [(&str, &[(&str, &str)]); 9] = [
    ("content length", &[("statistics", "content_chars")]),
    ("token length", &[("statistics", "tokens")]),
    ("line number", &[("statistics", "lines"), ("c4_lines", "lines")]),
    ("mean word length", &[("statistics", "mean_word_chars"), ("gopher_quality", "mean_word_chars")]),
    (
        "symbol-to-word ratio",
        &[
            ("statistics", "symbols_per_word"),
            ("gopher_quality", "hashes_per_word"),
            ("gopher_quality", "ellipses_per_word"),
        ],
    ),
    ("sentence number", &[("statistics", "sentences"), ("c4_lines", "sentences")]),
    ("non-alpha fraction", &[("statistics", "non_alphabetic_words")]),
    ("unique-word fraction", &[("statistics", "unique_words")]),
    ("stop-word fraction", &[("statistics", "stop_words")]),
];

fn statistics(steps: &[StepReport], sinks: &[SinkReport]) -> Vec<Statistic> {
    let mut found = Vec::new();
    for (statistic, sources) in STATISTICS {
        let before = found.len();
        let mut put = |measured_by: String, mean, median| {
            found.push(Statistic { statistic: statistic.to_owned(), measured_by, mean, median });
        };
        for sink in sinks.iter().filter(|sink| sink.counts.documents > 0) {
            let mean = |sum: u64| Some(sum as f64 / sink.counts.documents as f64);
            match statistic {
                "content length" => put(format!("sink {}, in bytes", sink.name), mean(sink.counts.bytes), None),
                "token length" if sink.counts.tokens > 0 => {
                    put(format!("sink {}, in tokens", sink.name), mean(sink.counts.tokens), None);
                }
                _ => {}
            }
        }
        for (uses, name) in sources {
            for step in steps.iter().filter(|step| step.uses == *uses) {
                for measure in step.measures.iter().filter(|measure| measure.name == *name) {
                    put(format!("{}.{name}", step.name), None, measure.histogram.median_written());
                }
            }
        }
        if found.len() == before {
            found.push(Statistic {
                statistic: statistic.to_owned(),
                measured_by: String::new(),
                mean: None,
                median: None,
            });
        }
    }
    found
}
