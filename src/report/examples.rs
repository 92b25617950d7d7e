//! Examples of every reason: the first documents that were dropped for it, with their text where the
//! run kept it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::rows::Row;
use crate::engine::commit::at;
use crate::engine::graph::KeepDropped;
use crate::engine::lane::{DROPPED, SET_ASIDE};
use crate::engine::outcome::{Instead, instead};
use crate::engine::publish::read_manifest;
use crate::engine::session::RunRecord;

/// Examples of a reason.
const EXAMPLES: usize = 3;
/// Characters of a text that are shown.
const CHARS: usize = 300;
/// Bytes of dropped documents of one step that are looked through, uncompressed: a reason seen nowhere
/// in them is shown without a text.
const MOST_READ: u64 = 1 << 30;

/// A document that was dropped.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Example {
    /// The document's id.
    pub id: String,
    /// The split it came from, and its number there.
    pub place: String,
    /// Its number there.
    pub record: u64,
    /// The document that was kept in its stead, as a record and its split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_instead: Option<String>,
    /// What the step measured of it.
    pub measures: BTreeMap<String, f64>,
    /// How its text begins, where dropped documents were kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Excerpt>,
}

/// The beginning of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// How its text begins.
    pub begins: String,
    /// Characters of the whole text.
    pub chars: usize,
}

impl Excerpt {
    fn of(text: &str) -> Excerpt {
        Excerpt { begins: text.chars().take(CHARS).collect(), chars: text.chars().count() }
    }
}

/// A record that became no document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadExample {
    /// Where the record stands.
    pub place: String,
    /// Its number in what the task read.
    pub record: u64,
    /// What exactly was found.
    pub detail: String,
    /// How its bytes begin: as text, or in hexadecimal.
    pub raw: Excerpt,
}

/// An example whose row in `measures/` may not have been met yet.
struct Found {
    id: String,
    text: Option<Excerpt>,
    example: Option<Example>,
}

/// Gathers examples while rows pass.
pub struct Gathered<'a> {
    record: &'a RunRecord,
    /// By step, then reason.
    found: BTreeMap<String, BTreeMap<String, Vec<Found>>>,
}

#[derive(Deserialize)]
struct DroppedLine {
    id: String,
    reason: String,
    text: String,
}

impl<'a> Gathered<'a> {
    /// Starts from the texts that the run kept.
    pub fn open(output: &Path, record: &'a RunRecord) -> io::Result<Gathered<'a>> {
        let mut gathered = Gathered { record, found: BTreeMap::new() };
        if record.dropped == KeepDropped::None {
            return Ok(gathered);
        }
        for step in &record.steps {
            let reasons = gathered.found.entry(step.name.clone()).or_default();
            let counts = record.counts.steps.get(&step.name).map(|counts| &counts.dropped);
            each_line(&output.join(DROPPED).join(&step.name), |line| {
                let Ok(line) = serde_json::from_slice::<DroppedLine>(line) else { return true };
                let found = reasons.entry(line.reason).or_default();
                if found.len() < EXAMPLES {
                    found.push(Found { id: line.id, text: Some(Excerpt::of(&line.text)), example: None });
                }
                // Sinks and sources drop what was not selected, which nothing counts.
                counts.is_none_or(|counts| {
                    let full = |reason: &str, count: u64| {
                        reasons.get(reason).is_some_and(|found| found.len() as u64 >= count.min(EXAMPLES as u64))
                    };
                    !counts.iter().all(|(reason, &count)| full(reason, count))
                })
            })?;
        }
        Ok(gathered)
    }

    /// Looks at a dropped document; `names` are those of its values.
    pub fn see(&mut self, row: &Row, names: &[String]) {
        let Some(reason) = &row.reason else { return };
        if !self.found.contains_key(&row.step) {
            self.found.insert(row.step.clone(), BTreeMap::new());
        }
        let reasons = self.found.get_mut(&row.step).expect("inserted above");
        if !reasons.contains_key(reason) {
            reasons.insert(reason.clone(), Vec::new());
        }
        let found = reasons.get_mut(reason).expect("inserted above");
        let waiting = found.iter().position(|found| found.example.is_none() && found.id == row.id);
        let number = match waiting {
            Some(number) => number,
            None if found.len() < EXAMPLES => {
                found.push(Found { id: row.id.clone(), text: None, example: None });
                found.len() - 1
            }
            None => return,
        };
        let prefix = format!("{}.", row.step);
        let measures = names.iter().zip(&row.values).filter(|(_, value)| value.is_finite());
        let measures = measures.filter_map(|(name, &value)| Some((name.strip_prefix(&prefix)?.to_owned(), value)));
        let measures = measures.collect();
        let place = self.record.inputs.get(row.split).map_or_else(String::new, |input| input.name.clone());
        let kept_instead = row.kept_instead.as_deref().and_then(|kept| {
            Some(match instead(kept)? {
                Instead::Here(split, ordinal) => format!("record {ordinal} of {split}"),
                Instead::Indexed(index, id) => format!("{id} of the index {index}"),
            })
        });
        let (id, text) = (row.id.clone(), found[number].text.clone());
        found[number].example = Some(Example { id, place, record: row.ordinal, kept_instead, measures, text });
    }

    /// The examples of one reason.
    pub fn take(&mut self, step: &str, reason: &str) -> Vec<Example> {
        let found = self.found.get_mut(step).and_then(|reasons| reasons.remove(reason)).unwrap_or_default();
        found.into_iter().filter_map(|found| found.example).collect()
    }
}

#[derive(Deserialize)]
struct BadLine {
    place: String,
    ordinal: u64,
    reason: String,
    detail: String,
    raw: Option<String>,
    raw_hex: Option<String>,
}

/// The first records set aside, by reason.
pub fn set_aside(output: &Path, record: &RunRecord) -> io::Result<BTreeMap<String, Vec<BadExample>>> {
    let counts = &record.counts.set_aside;
    let mut reasons: BTreeMap<String, Vec<BadExample>> = BTreeMap::new();
    each_line(&output.join(SET_ASIDE), |line| {
        let Ok(line) = serde_json::from_slice::<BadLine>(line) else { return true };
        let found = reasons.entry(line.reason).or_default();
        if found.len() < EXAMPLES {
            let raw = line.raw.or(line.raw_hex).unwrap_or_default();
            let (place, detail) = (line.place, line.detail);
            found.push(BadExample { place, record: line.ordinal, detail, raw: Excerpt::of(&raw) });
        }
        counts.iter().any(|(reason, &count)| {
            reasons.get(reason).is_none_or(|found| (found.len() as u64) < count.min(EXAMPLES as u64))
        })
    })?;
    Ok(reasons)
}

/// Calls `each` with the lines of a published folder until it says that it has seen enough.
fn each_line(folder: &Path, mut each: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    let mut read = 0;
    let mut line = Vec::new();
    for file in read_manifest(folder).shards.iter().flat_map(|shard| &shard.files) {
        let path = folder.join(&file.name);
        let decoder = zstd::stream::read::Decoder::new(File::open(&path).map_err(at(&path))?).map_err(at(&path))?;
        let mut lines = BufReader::new(decoder).take(MOST_READ - read);
        loop {
            line.clear();
            let length = lines.read_until(b'\n', &mut line).map_err(at(&path))?;
            read += length as u64;
            // A line that the limit cut short is none.
            if length == 0 || line.last() != Some(&b'\n') {
                break;
            }
            if !each(&line) {
                return Ok(());
            }
        }
        if read >= MOST_READ {
            break;
        }
    }
    Ok(())
}
