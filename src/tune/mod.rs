//! Stored measures, judged again under other thresholds: what `wanjuan tune` knows.
//!
//! A row of `measures/` tells which measures a document had and where it ended. A change of a setting that
//! only judges is tried on every row of a document that the step measured: it is dropped there now, or it
//! goes on. What goes on where it did not before comes to steps that never saw it; whether those keep it is
//! unknown, and counted so, unless all that follows drops nothing.

mod change;
mod tally;

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use wanjuan_filters::kit::{Document, Field, Type, Value, Verdict};

pub use change::Assignment;
pub use tally::{Example, Part, Share, StageTally, Tally};

use crate::config::Predicate;
use crate::engine::flow::NOT_SELECTED;
use crate::engine::session::RunRecord;
use crate::registry::{AnyFilter, Built, Registry};
use crate::report::rows::{Row, Rows};

/// What judges the stored measures of one step.
#[derive(Clone)]
pub enum Judge {
    /// A filter, and where its measures lie.
    Filter(Arc<dyn AnyFilter>, Vec<usize>),
    /// A rule: its condition, its reason, and where the facts lie that it names.
    Rule(Box<Predicate>, &'static str, Vec<usize>),
}

/// One step under settings.
#[derive(Clone)]
pub struct Judged {
    judge: Judge,
    /// Whether its verdicts are carried out.
    drops: bool,
}

/// A set of changes that is tried as one.
pub struct Variant {
    /// What is changed.
    pub label: String,
    /// By number of the step in the run's record.
    steps: BTreeMap<usize, Judged>,
    /// By step: whether all that it lets go on is written, so far as settings tell.
    open: Vec<bool>,
    /// What came of it.
    pub tally: Tally,
}

/// A finished run, ready to be judged again.
pub struct Run<'a> {
    /// What it says of itself.
    pub record: RunRecord,
    /// Its rows.
    pub rows: Rows,
    registry: &'a Registry,
    /// By step: the steps it is reached through, of any way.
    above: Vec<Vec<bool>>,
    /// By step, then step above: whether every way goes through that one.
    always: Vec<Vec<bool>>,
    /// By step: whether it is known to drop nothing, as it ran.
    harmless: Vec<bool>,
    /// The steps that are tried under other settings, as they ran.
    before: BTreeMap<usize, Judged>,
    /// By step: its `where`, if it can be evaluated.
    selects: BTreeMap<usize, Predicate>,
}

/// What was judged, and whether it agrees with what the run did.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Trust {
    /// Rows that were read.
    pub rows: u64,
    /// Verdicts of changed steps that the run left.
    pub verdicts: u64,
    /// Those that the settings of the run do not explain: another program, or settings beside the record.
    pub unexplained: u64,
}

/// What becomes of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate<'a> {
    /// A sink writes it.
    Kept,
    /// Dropped by a step of this number, for this reason.
    Dropped(usize, &'a str),
    /// The step of this number lets it go on now, to others that never saw it.
    Unknown(usize),
}

impl<'a> Run<'a> {
    /// Opens a finished run.
    pub fn open(output: &Path, record: RunRecord, registry: &'a Registry) -> io::Result<Run<'a>> {
        let rows = Rows::open(output, &record)?;
        let number = |name: &String| record.steps.iter().position(|step| step.name == *name);
        let inputs: Vec<Vec<usize>> =
            record.steps.iter().map(|step| step.from.iter().filter_map(number).collect()).collect();
        let count = inputs.len();
        // Steps stand after all they read from.
        let reach = |without: Option<usize>| {
            let mut above = vec![vec![false; count]; count];
            for step in (0..count).filter(|step| Some(*step) != without) {
                for &input in inputs[step].iter().filter(|&&input| Some(input) != without) {
                    let more = above[input].clone();
                    above[step].iter_mut().zip(more).for_each(|(known, more)| *known |= more);
                    above[step][input] = true;
                }
            }
            above
        };
        let above = reach(None);
        let sources: Vec<usize> = (0..count).filter(|&step| record.steps[step].kind == "source").collect();
        let mut always = vec![vec![false; count]; count];
        for through in 0..count {
            let without = reach(Some(through));
            for step in (0..count).filter(|&step| above[step][through]) {
                always[step][through] = !sources.iter().any(|&source| without[step][source]);
            }
        }
        let harmless = (0..count).map(|step| harmless(&record, step, registry)).collect();
        Ok(Run { record, rows, registry, above, always, harmless, before: BTreeMap::new(), selects: BTreeMap::new() })
    }

    /// Where relative paths of the run's pipeline start, if its `output` was one: the folder that this output
    /// lies in by that name.
    pub fn folder(&self, output: &Path) -> Option<PathBuf> {
        let pipeline: toml::Table = self.record.pipeline.parse().ok()?;
        let written = Path::new(pipeline.get("pipeline")?.get("output")?.as_str()?);
        let plain = |part: &Component<'_>| !matches!(part, Component::CurDir);
        let parts: Vec<Component<'_>> = written.components().filter(plain).collect();
        if !parts.iter().all(|part| matches!(part, Component::Normal(_))) {
            return None;
        }
        let output = output.canonicalize().ok()?;
        let ends = output.components().rev().zip(parts.iter().rev()).all(|(is, wanted)| is == *wanted);
        ends.then(|| output.ancestors().nth(parts.len()).map(Path::to_owned)).flatten()
    }

    /// Steps under other settings that only measure all the same.
    pub fn only_measuring<'r>(&'r self, variant: &'r Variant) -> impl Iterator<Item = &'r str> {
        let silent =
            variant.steps.iter().filter(|(step, judged)| !judged.drops && self.record.steps[**step].only_measure);
        silent.map(|(&step, _)| self.name(step))
    }

    fn name(&self, step: usize) -> &str {
        &self.record.steps[step].name
    }

    /// Judges all rows, for every variant.
    pub fn judge(&mut self, variants: &mut [Variant], examples: usize) -> io::Result<Trust> {
        let fields = self.fields(variants);
        let asked = variants.iter().flat_map(|variant| variant.steps.values()).chain(self.before.values());
        let mut slots: Vec<usize> = asked.flat_map(|judged| judged.slots(self.rows.measures.len())).collect();
        slots.extend(self.before.keys().flat_map(|&step| self.slots_of(step)));
        if self.rules(variants) || !self.selects.is_empty() {
            slots = (0..self.rows.measures.len()).collect();
        }
        slots.sort_unstable();
        slots.dedup();
        self.rows.select(fields.clone(), slots.into_iter());
        let lang = fields.iter().position(|field| field.name.as_str() == "lang");
        let steps: BTreeMap<&str, usize> =
            self.record.steps.iter().enumerate().map(|(number, step)| (step.name.as_str(), number)).collect();
        let mut trust = Trust::default();
        let mut document = Document::default();
        let needs_document = self.rules(variants) || !self.selects.is_empty();
        let own: BTreeMap<usize, Vec<usize>> = self.before.keys().map(|&step| (step, self.slots_of(step))).collect();
        self.rows.each_document(|group| {
            let end = |row: &Row| steps.get(row.step.as_str()).copied().unwrap_or(0);
            let ways: Vec<Way> = group.iter().map(|row| Way { row, end: end(row) }).collect();
            let language = lang.and_then(|lang| group[0].fields[lang].as_ref()).and_then(Value::as_text).unwrap_or("");
            let source = self.record.inputs.get(group[0].split).map_or("", |input| input.source.as_str());
            let was = fate(ways.iter().map(Way::was));
            trust.rows += group.len() as u64;
            for way in &ways {
                if needs_document {
                    fill(&mut document, way.row, &fields);
                }
                for (&step, judged) in &self.before {
                    let Some(stored) = self.verdict(step, way, &own[&step], &document) else { continue };
                    trust.verdicts += 1;
                    trust.unexplained += u64::from(judged.fate(way.row, &mut document) != stored);
                }
            }
            for variant in &mut *variants {
                let mut fates = Vec::with_capacity(ways.len());
                for way in &ways {
                    if needs_document {
                        fill(&mut document, way.row, &fields);
                    }
                    fates.push(self.try_way(variant, way, &own, &mut document));
                }
                let is = fate(fates.iter().copied());
                for (way, is) in ways.iter().zip(&fates) {
                    self.note_stages(variant, way, *is);
                }
                let bytes = group.iter().find(|row| row.reason.is_none()).unwrap_or(&group[0]).bytes;
                variant.tally.add(&self.record, &group[0], language, source, bytes, was, is, examples);
            }
        })?;
        Ok(trust)
    }

    fn rules(&self, variants: &[Variant]) -> bool {
        let all = variants.iter().flat_map(|variant| variant.steps.values()).chain(self.before.values());
        all.into_iter().any(|judged| matches!(judged.judge, Judge::Rule(..)))
    }

    /// The fields that are read: for conditions all of them.
    fn fields(&self, variants: &[Variant]) -> Vec<Field> {
        let conditions = self.rules(variants) || !self.selects.is_empty();
        let wanted = |field: &&Field| conditions || field.name.as_str() == "lang" && field.kind == Type::Text;
        self.rows.fields.iter().filter(wanted).copied().collect()
    }

    fn slots_of(&self, step: usize) -> Vec<usize> {
        let prefix = format!("{}.", self.name(step));
        let own = |name: &&str| name.strip_prefix(&prefix).is_some_and(|rest| !rest.contains('.'));
        let names = self.rows.measures.iter().map(String::as_str).enumerate();
        names.filter(|(_, name)| own(name)).map(|(slot, _)| slot).collect()
    }

    /// Whether a step judged what came this way, above its end.
    fn passed(&self, step: usize, way: &Way<'_>, own: &[usize], document: &Document) -> bool {
        if !self.above[way.end][step] {
            return false;
        }
        if own.iter().any(|&slot| !way.row.values[slot].is_nan()) {
            return true;
        }
        // Nothing was measured: it went another way, or passed by, or there was nothing to measure.
        match self.selects.get(&step) {
            Some(selects) => self.always[way.end][step] && selects.eval(document),
            None => self.always[way.end][step] && self.record.steps[step].selects.is_none(),
        }
    }

    /// The verdict that the run's record has of a step about what came this way, if it judged it.
    fn verdict<'r>(&self, step: usize, way: &Way<'r>, own: &[usize], document: &Document) -> Option<Option<&'r str>> {
        match way.row.reason.as_deref() {
            Some(reason) if way.end == step => Some(Some(reason)),
            // What it would have dropped is not known of a step that only measured.
            _ => (!self.record.steps[step].only_measure && self.passed(step, way, own, document)).then_some(None),
        }
    }

    fn try_way<'r>(
        &self,
        variant: &Variant,
        way: &Way<'r>,
        own: &BTreeMap<usize, Vec<usize>>,
        document: &mut Document,
    ) -> Fate<'r> {
        for (&step, judged) in &variant.steps {
            let ended_here = way.end == step && way.row.reason.is_some();
            if !ended_here && !self.passed(step, way, &own[&step], document) {
                continue;
            }
            let reason = if judged.drops { judged.fate(way.row, document) } else { None };
            match reason {
                Some(reason) => return Fate::Dropped(step, reason),
                None if ended_here => return if variant.open[step] { Fate::Kept } else { Fate::Unknown(step) },
                None => {}
            }
        }
        way.was()
    }

    /// Notes what stages would see, which decide about many documents at once.
    fn note_stages(&self, variant: &mut Variant, way: &Way<'_>, is: Fate<'_>) {
        let Fate::Dropped(at, _) = is else { return };
        if is == way.was() && self.record.steps[at].kind == "stage" {
            variant.tally.stage(at).dropped += 1;
        }
        if at != way.end {
            let stages = (0..self.record.steps.len()).filter(|&step| self.record.steps[step].kind == "stage");
            for stage in stages.filter(|&stage| self.above[stage][at]) {
                variant.tally.stage(stage).lost += 1;
            }
        }
    }
}

impl Judged {
    /// The reason it drops for.
    fn fate(&self, row: &Row, document: &mut Document) -> Option<&'static str> {
        let verdict = match &self.judge {
            Judge::Filter(filter, slots) => {
                let mut own = [f64::NAN; MOST_MEASURES];
                slots.iter().zip(&mut own).for_each(|(&slot, own)| *own = row.values[slot]);
                filter.judge(&own[..slots.len()])
            }
            Judge::Rule(predicate, reason, facts) => {
                document.measures.truncate(row.values.len());
                document.measures.extend(facts.iter().map(|&slot| row.values[slot]));
                if predicate.eval(document) { Verdict::Drop(reason) } else { Verdict::Keep }
            }
        };
        match verdict {
            Verdict::Keep => None,
            Verdict::Drop(reason) => Some(reason),
        }
    }

    fn slots(&self, all: usize) -> Vec<usize> {
        match &self.judge {
            Judge::Filter(_, slots) => slots.clone(),
            Judge::Rule(..) => (0..all).collect(),
        }
    }
}

/// More than any step measures.
const MOST_MEASURES: usize = 64;

/// A row and the step it ended at.
struct Way<'r> {
    row: &'r Row,
    end: usize,
}

impl<'r> Way<'r> {
    fn was(&self) -> Fate<'r> {
        self.row.reason.as_deref().map_or(Fate::Kept, |reason| Fate::Dropped(self.end, reason))
    }
}

/// A document is kept if one way is; nothing is known of it if that may be.
fn fate<'r>(ways: impl Iterator<Item = Fate<'r>> + Clone) -> Fate<'r> {
    let find = |wanted: fn(&Fate<'_>) -> bool| ways.clone().find(wanted);
    let kept = find(|way| matches!(way, Fate::Kept)).or_else(|| find(|way| matches!(way, Fate::Unknown(_))));
    kept.or_else(|| find(|way| matches!(way, Fate::Dropped(_, reason) if *reason != NOT_SELECTED)))
        .or_else(|| ways.clone().next())
        .unwrap_or(Fate::Kept)
}

fn fill(document: &mut Document, row: &Row, fields: &[Field]) {
    document.id.clone_from(&row.id);
    document.measures.clear();
    document.measures.extend_from_slice(&row.values);
    for (field, value) in fields.iter().zip(&row.fields) {
        match value {
            Some(value) => document.set_field(field.name, value.clone()),
            None => document.remove_field(field.name),
        }
    }
}

/// Whether a step drops nothing, whatever comes to it.
fn harmless(record: &RunRecord, step: usize, registry: &Registry) -> bool {
    let step = &record.steps[step];
    match step.kind.as_str() {
        "source" => true,
        "sink" => step.selects.is_none(),
        "filter" => step.only_measure,
        "mapper" => registry.find("step", &step.uses).is_some_and(|entry| entry.reasons.is_empty()),
        _ => false,
    }
}

/// Reads a judge from a step that was built again.
fn judge_of(run: &Run<'_>, step: usize, built: &Built) -> Option<Judge> {
    let Built::Filter(filter) = built else { return None };
    Some(Judge::Filter(filter.clone(), run.slots_of(step)))
}
