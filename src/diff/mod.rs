//! Two verdicts on the same documents, side by side: what `wanjuan diff` knows.
//!
//! A side is a finished run or a list of kept ids. Each writes a key and a verdict for every document into a
//! fixed number of files by the key's hash; pairs of files are joined one after the other, so memory holds
//! a small part of the corpus at a time. A second pass over the rows gathers what is told of the examples.

mod ids;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use wanjuan_filters::kit::{Step as _, Type, Value};
use xxhash_rust::xxh3::xxh3_128;

use crate::engine::commit::at;
use crate::engine::session::{RunRecord, StepRecord};
use crate::registry::Registry;
use crate::report::held;
use crate::report::rows::{Row, Rows};
use crate::report::texts;
use crate::rule::Rule;

/// Files that a side is parted into.
const PARTS: usize = 64;

/// One of the two.
pub enum Side {
    /// The output folder of a finished run.
    Run(PathBuf, Box<RunRecord>),
    /// A file of the ids that were kept, and the member or column that holds them.
    Ids(PathBuf, String),
}

/// What the two say of one another.
#[derive(Debug, Default, Serialize)]
pub struct Diff {
    /// `place`, if both read the same input, or `id`.
    pub joined_by: &'static str,
    /// Documents that both know.
    pub documents: u64,
    /// Both keep.
    pub both_keep: u64,
    /// Both drop.
    pub both_drop: u64,
    /// Both drop, for the same reason.
    pub same_reason: u64,
    /// The first keeps, and the second drops.
    pub only_a_keeps: u64,
    /// The second keeps, and the first drops.
    pub only_b_keeps: u64,
    /// Documents of which only the first knows.
    pub only_in_a: u64,
    /// Documents of which only the second knows.
    pub only_in_b: u64,
    /// Documents and ids that say again what another of the same side said: only the first counts.
    pub repeated: [u64; 2],
    /// Verdicts against verdicts, the commonest first.
    pub cells: Vec<Cell>,
}

/// Documents of which both say the same two things.
#[derive(Debug, Serialize)]
pub struct Cell {
    /// `kept`, `step: reason`, `not in the list`, or `not read`.
    pub a: String,
    /// What the second says.
    pub b: String,
    /// How many there are.
    pub documents: u64,
    /// Some of them, where the two disagree about keeping.
    pub examples: Vec<Example>,
}

/// A document about which the two disagree.
#[derive(Debug, Serialize)]
pub struct Example {
    /// Its id.
    pub id: String,
    /// Its language, if a run knew it.
    pub language: String,
    /// How its text begins, if a run kept it.
    pub text: String,
    /// What decided on the first side.
    pub a: Vec<Decided>,
    /// What decided on the second side.
    pub b: Vec<Decided>,
}

/// A measure beside the bounds it was held to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decided {
    /// `step.measure`, or `text.fact` as a rule calls it.
    pub measure: String,
    /// What was measured.
    pub value: f64,
    /// The setting `min_…`.
    pub min: Option<f64>,
    /// The setting `max_…`.
    pub max: Option<f64>,
}

const KEPT: &str = "kept";

/// Verdicts of one side, in files by key.
struct Parts {
    folder: PathBuf,
    /// Verdicts by number; the first is `kept`.
    labels: Vec<String>,
    numbers: HashMap<String, u32>,
    files: Vec<BufWriter<File>>,
}

impl Parts {
    fn new(folder: PathBuf) -> io::Result<Parts> {
        std::fs::create_dir_all(&folder).map_err(at(&folder))?;
        let file = |number: usize| {
            let path = folder.join(number.to_string());
            Ok(BufWriter::new(File::create(&path).map_err(at(&path))?))
        };
        let files = (0..PARTS).map(file).collect::<io::Result<_>>()?;
        let mut parts = Parts { folder, labels: Vec::new(), numbers: HashMap::new(), files };
        parts.label(KEPT);
        Ok(parts)
    }

    fn label(&mut self, label: &str) -> u32 {
        if let Some(&number) = self.numbers.get(label) {
            return number;
        }
        let number = self.labels.len() as u32;
        self.labels.push(label.to_owned());
        self.numbers.insert(label.to_owned(), number);
        number
    }

    fn put(&mut self, key: u128, label: u32) -> io::Result<()> {
        let file = &mut self.files[(key % PARTS as u128) as usize];
        file.write_all(&key.to_le_bytes())?;
        file.write_all(&label.to_le_bytes())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.files.drain(..).try_for_each(|mut file| file.flush())
    }

    fn each(&self, part: usize, mut each: impl FnMut(u128, u32)) -> io::Result<()> {
        let path = self.folder.join(part.to_string());
        let mut file = BufReader::new(File::open(&path).map_err(at(&path))?);
        let mut record = [0; 20];
        loop {
            match file.read_exact(&mut record) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) => return Err(at(&path)(error)),
            }
            let (key, label) = record.split_at(16);
            each(
                u128::from_le_bytes(key.try_into().expect("16 bytes")),
                u32::from_le_bytes(label.try_into().expect("4 bytes")),
            );
        }
    }
}

/// Whether a place in the input is the same document for both: they read the same bytes, cut alike, into records
/// by the same rules.
fn same_input(a: &RunRecord, b: &RunRecord) -> bool {
    let cut = |record: &RunRecord| -> Vec<String> { record.inputs.iter().map(|input| input.content.clone()).collect() };
    let readers = |record: &RunRecord| -> Vec<_> {
        let reader = |source: &String| {
            let source = record.steps.iter().find(|step| step.kind == "source" && step.name == *source)?;
            let mut settings = source.settings.as_object()?.clone();
            // What is taken from a record, not what a record is.
            settings.retain(|setting, _| !["id", "text", "fields", "carry"].contains(&setting.as_str()));
            Some((source.uses.clone(), source.version, settings))
        };
        record.inputs.iter().map(|input| reader(&input.source)).collect()
    };
    cut(a).iter().all(|content| !content.is_empty()) && cut(a) == cut(b) && readers(a) == readers(b)
}

/// Compares two sides; `work` is a folder for what does not fit in memory.
pub fn compare(registry: &Registry, a: &Side, b: &Side, work: &Path, examples: usize) -> io::Result<Diff> {
    let by_place = match (a, b) {
        (Side::Run(_, a), Side::Run(_, b)) => same_input(a, b),
        _ => false,
    };
    let sides = [a, b];
    let mut parts = [a.parts(&work.join("a"), by_place)?, b.parts(&work.join("b"), by_place)?];
    let absent = sides.map(|side| match side {
        Side::Run(..) => "not read",
        Side::Ids(..) => "not in the list",
    });
    let [absent_a, absent_b] = [parts[0].label(absent[0]), parts[1].label(absent[1])];
    let mut cells: BTreeMap<(u32, u32), (u64, Vec<u128>)> = BTreeMap::new();
    let mut repeated = [0; 2];
    for part in 0..PARTS {
        let mut known: HashMap<u128, (u32, Option<u32>)> = HashMap::new();
        parts[0].each(part, |key, label| match known.entry(key) {
            std::collections::hash_map::Entry::Occupied(_) => repeated[0] += 1,
            std::collections::hash_map::Entry::Vacant(entry) => drop(entry.insert((label, None))),
        })?;
        parts[1].each(part, |key, label| {
            let (_, other) = known.entry(key).or_insert((absent_a, None));
            match other {
                Some(_) => repeated[1] += 1,
                None => *other = Some(label),
            }
        })?;
        let mut pairs: Vec<(u128, (u32, u32))> =
            known.into_iter().map(|(key, (a, b))| (key, (a, b.unwrap_or(absent_b)))).collect();
        pairs.sort_unstable();
        for (key, pair) in pairs {
            let (count, keys) = cells.entry(pair).or_default();
            *count += 1;
            // Two that both keep or both drop need no example.
            if keys.len() < examples && (pair.0 == 0) != (pair.1 == 0) {
                keys.push(key);
            }
        }
    }
    let mut diff = Diff { joined_by: if by_place { "place" } else { "id" }, repeated, ..Diff::default() };
    let wanted: BTreeSet<u128> = cells.values().flat_map(|(_, keys)| keys.iter().copied()).collect();
    let found = [a.details(&wanted, by_place)?, b.details(&wanted, by_place)?];
    let begun = begin(&sides, &found)?;
    for ((one, two), (count, keys)) in cells {
        let (label_a, label_b) = (&parts[0].labels[one as usize], &parts[1].labels[two as usize]);
        let is_run = sides.map(|side| matches!(side, Side::Run(..)));
        match () {
            () if two == absent_b && is_run[1] => diff.only_in_a += count,
            () if one == absent_a && is_run[0] => diff.only_in_b += count,
            () => {
                diff.documents += count;
                let reason = |label: &str| label.rsplit(": ").next().map(str::to_owned);
                match (one == 0, two == 0) {
                    (true, true) => diff.both_keep += count,
                    (true, false) => diff.only_a_keeps += count,
                    (false, true) => diff.only_b_keeps += count,
                    (false, false) => diff.both_drop += count,
                }
                if one != 0 && two != 0 && reason(label_a) == reason(label_b) {
                    diff.same_reason += count;
                }
            }
        }
        let examples = keys.iter().filter_map(|key| example(registry, &sides, &found, &begun, *key)).collect();
        diff.cells.push(Cell { a: label_a.clone(), b: label_b.clone(), documents: count, examples });
    }
    diff.cells
        .sort_by(|one, two| two.documents.cmp(&one.documents).then_with(|| (&one.a, &one.b).cmp(&(&two.a, &two.b))));
    Ok(diff)
}

/// A row whose document is an example, and the names of its measures.
struct Found {
    row: Row,
    names: std::rc::Rc<Vec<String>>,
}

impl Side {
    fn parts(&self, folder: &Path, by_place: bool) -> io::Result<Parts> {
        let mut parts = Parts::new(folder.to_owned())?;
        match self {
            Side::Ids(path, field) => ids::each(path, field, |id| parts.put(key_of(id), 0))?,
            Side::Run(output, record) => {
                let mut rows = Rows::open(output, record)?;
                rows.select(Vec::new(), std::iter::empty());
                let mut failed = Ok(());
                let mut label = String::new();
                rows.each_document(|group| {
                    let row = telling(group);
                    label.clear();
                    match &row.reason {
                        None => label.push_str(KEPT),
                        Some(reason) => label.extend([row.step.as_str(), ": ", reason]),
                    }
                    let number = parts.label(&label);
                    let put = parts.put(key(row, by_place), number);
                    if failed.is_ok() {
                        failed = put;
                    }
                })?;
                failed?;
            }
        }
        parts.finish()?;
        Ok(parts)
    }

    fn details(&self, wanted: &BTreeSet<u128>, by_place: bool) -> io::Result<HashMap<u128, Found>> {
        let mut found = HashMap::new();
        if let Side::Run(output, record) = self
            && !wanted.is_empty()
        {
            let mut rows = Rows::open(output, record)?;
            let lang = |field: &&wanjuan_filters::kit::Field| field.name.as_str() == "lang" && field.kind == Type::Text;
            let lang = rows.fields.iter().find(lang).copied();
            rows.select(lang.into_iter().collect(), 0..rows.measures.len());
            let names = std::rc::Rc::new(rows.measures.clone());
            rows.each_document(|group| {
                let row = telling(group);
                let key = key(row, by_place);
                if wanted.contains(&key) && !found.contains_key(&key) {
                    found.insert(key, Found { row: row.clone(), names: names.clone() });
                }
            })?;
        }
        Ok(found)
    }

    /// What decided about a document: the measures of a step beside their bounds.
    fn decided(&self, registry: &Registry, found: Option<&Found>, at: Option<&StepRecord>) -> Vec<Decided> {
        let (Side::Run(_, record), Some(found), Some(at)) = (self, found, at) else { return Vec::new() };
        // The same step on this side, or the only one of its kind.
        let same = record.steps.iter().find(|step| step.name == at.name && step.uses == at.uses);
        let Some(step) = same.or_else(|| record.steps.iter().find(|step| step.uses == at.uses)) else {
            return Vec::new();
        };
        let mut decided = Vec::new();
        for (name, &value) in found.names.iter().zip(&found.row.values).filter(|(_, value)| !value.is_nan()) {
            let Some(measure) = name.strip_prefix(&step.name).and_then(|rest| rest.strip_prefix('.')) else { continue };
            let bounds = |which: &'static str| {
                let settings = held::settings(step, registry, measure).filter(move |name| name.starts_with(which));
                settings.filter_map(|setting| held::number(&held::value(step, setting)))
            };
            let name = if step.uses == Rule::NAME { format!("text.{measure}") } else { name.clone() };
            let (min, max) = (bounds("min_").reduce(f64::max), bounds("max_").reduce(f64::min));
            decided.push(Decided { measure: name, value, min, max });
        }
        decided
    }

    fn dropped_at(&self, found: Option<&Found>) -> Option<&StepRecord> {
        let (Side::Run(_, record), Some(found)) = (self, found) else { return None };
        found.row.reason.as_ref()?;
        record.steps.iter().find(|step| step.name == found.row.step)
    }
}

impl Decided {
    fn breaks(&self) -> bool {
        self.min.is_some_and(|min| self.value < min) || self.max.is_some_and(|max| self.value > max)
    }
}

/// The row that tells what became of a document: that of a sink, if one wrote it.
fn telling(group: &[Row]) -> &Row {
    group.iter().find(|row| row.reason.is_none()).unwrap_or(&group[0])
}

fn key_of(id: &str) -> u128 {
    xxh3_128(id.as_bytes())
}

fn key(row: &Row, by_place: bool) -> u128 {
    if !by_place {
        return key_of(&row.id);
    }
    let mut place = [0; 16];
    place[..8].copy_from_slice(&(row.split as u64).to_le_bytes());
    place[8..].copy_from_slice(&row.ordinal.to_le_bytes());
    xxh3_128(&place)
}

fn begin(sides: &[&Side; 2], found: &[HashMap<u128, Found>; 2]) -> io::Result<BTreeMap<String, String>> {
    let mut begun = BTreeMap::new();
    let mut ids: BTreeSet<String> = found.iter().flat_map(HashMap::values).map(|found| found.row.id.clone()).collect();
    for side in sides {
        if let Side::Run(output, record) = side {
            begun.extend(texts::begin(output, record, &ids)?);
            ids.retain(|id| !begun.contains_key(id));
        }
    }
    Ok(begun)
}

fn example(
    registry: &Registry,
    sides: &[&Side; 2],
    found: &[HashMap<u128, Found>; 2],
    begun: &BTreeMap<String, String>,
    key: u128,
) -> Option<Example> {
    let both = [found[0].get(&key), found[1].get(&key)];
    let row = &both.iter().flatten().next()?.row;
    let dropped = sides[0].dropped_at(both[0]).or_else(|| sides[1].dropped_at(both[1]));
    let mut decided = [0, 1].map(|side| sides[side].decided(registry, both[side], dropped));
    // What broke a bound on either side says more than all that was measured.
    let short = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let broken: BTreeSet<String> =
        decided.iter().flatten().filter(|one| one.breaks()).map(|one| short(&one.measure)).collect();
    if !broken.is_empty() {
        decided.iter_mut().for_each(|side| side.retain(|one| broken.contains(&short(&one.measure))));
    }
    let language = both.iter().flatten().find_map(|found| found.row.fields.first()?.as_ref().and_then(Value::as_text));
    let [a, b] = decided;
    Some(Example {
        id: row.id.clone(),
        language: language.unwrap_or_default().to_owned(),
        text: begun.get(&row.id).cloned().unwrap_or_default(),
        a,
        b,
    })
}
