//! Documents that end the process: found in a process of their own, and set aside.
//!
//! An abort, an overflown stack or a crash in a C library cannot be caught. So each thread notes the
//! documents it is about to work on in a small file of its attempt, which outlives the process. The
//! next run gathers the notes of attempts that were cut short. Documents that were under way in two
//! of them are tried apart: in another process, by halves, down to the one that ends it every time.
//! Only that one is condemned, and set aside by this and every later run. A kill from outside
//! condemns nothing, and no clock decides.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::Failure;
use super::commit::{Ledger, at};

/// Documents of one map task to be tried in a process of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Hash of the [plan](super::plan) that the run follows.
    pub plan: String,
    /// Number of the map phase.
    pub phase: usize,
    /// Name of its task.
    pub task: String,
    /// Their numbers in what the task reads.
    pub records: Range<u64>,
}

/// Tries documents in another process, and says whether they ended it.
pub type Isolate<'a> = dyn Fn(&Trial) -> io::Result<bool> + Sync + 'a;

/// The documents that each thread of an attempt works on now.
pub struct Window(File);

const NOTE: u64 = 16;
const FILE: &str = "window";

impl Window {
    /// Begins the notes of an attempt.
    pub fn create(attempt: &Path) -> io::Result<Window> {
        let path = attempt.join(FILE);
        File::create(&path).map(Window).map_err(at(&path))
    }

    /// Notes that `worker` begins with `documents`. Nothing is synced: a power cut condemns nobody.
    pub fn enter(&self, worker: usize, documents: Range<u64>) -> io::Result<()> {
        let mut note = [0; NOTE as usize];
        note[..8].copy_from_slice(&documents.start.to_le_bytes());
        note[8..].copy_from_slice(&documents.end.to_le_bytes());
        self.0.write_all_at(&note, NOTE * worker as u64)
    }

    /// Notes that `worker` is through with them.
    pub fn leave(&self, worker: usize) -> io::Result<()> {
        self.enter(worker, 0..0)
    }
}

/// What was under way when an attempt was cut short.
fn under_way(attempt: &Path) -> Vec<Range<u64>> {
    let notes = fs::read(attempt.join(FILE)).unwrap_or_default();
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    let ranges = notes.chunks_exact(NOTE as usize).map(|note| number(&note[..8])..number(&note[8..]));
    ranges.filter(|range| !range.is_empty()).collect()
}

/// Keeps in mind what was under way in an attempt that is about to be removed. `phase` is the folder
/// of its ledger.
pub fn remember(phase: &Path, attempt: &Path) -> io::Result<()> {
    let ranges = under_way(attempt);
    let name = attempt.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // TASK.SEGMENT-NONCE
    let Some(task) = name.rsplit_once('.').map(|(task, _)| task).filter(|_| !ranges.is_empty()) else { return Ok(()) };
    let folder = phase.join("suspects");
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    let path = folder.join(task);
    let mut file = OpenOptions::new().append(true).create(true).open(&path).map_err(at(&path))?;
    let ranges: Vec<String> = ranges.iter().map(|range| format!("{}..{}", range.start, range.end)).collect();
    writeln!(file, "{}", ranges.join(" ")).map_err(at(&path))
}

/// By task: the documents that were under way when two attempts at it were cut short.
pub fn suspects(ledger: &Ledger) -> io::Result<HashMap<String, Vec<Range<u64>>>> {
    let mut suspects = HashMap::new();
    for (task, path) in entries(&ledger.folder().join("suspects"))? {
        let text = fs::read_to_string(&path).map_err(at(&path))?;
        let ended: Vec<Vec<Range<u64>>> =
            text.lines().map(|line| line.split(' ').filter_map(parse_range).collect()).collect();
        let twice = in_two(&ended);
        if !twice.is_empty() {
            suspects.insert(task, twice);
        }
    }
    Ok(suspects)
}

fn parse_range(text: &str) -> Option<Range<u64>> {
    let (start, end) = text.split_once("..")?;
    Some(start.parse().ok()?..end.parse().ok()?)
}

/// What two of the attempts had in common.
fn in_two(attempts: &[Vec<Range<u64>>]) -> Vec<Range<u64>> {
    let mut common = Vec::new();
    for (number, one) in attempts.iter().enumerate() {
        for two in &attempts[..number] {
            for (a, b) in one.iter().flat_map(|a| two.iter().map(move |b| (a, b))) {
                common.push(a.start.max(b.start)..a.end.min(b.end));
            }
        }
    }
    common.retain(|range| !range.is_empty());
    common.sort_by_key(|range| (range.start, range.end));
    common.dedup();
    common
}

/// Forgets the suspects of a task: they have been tried.
pub fn acquit(ledger: &Ledger, task: &str) -> io::Result<()> {
    let path = ledger.folder().join("suspects").join(task);
    fs::remove_file(&path).map_err(at(&path))
}

/// By task: the documents that are known to end the process.
pub fn condemned(ledger: &Ledger) -> io::Result<HashMap<String, Vec<u64>>> {
    let mut condemned: HashMap<String, Vec<u64>> = HashMap::new();
    for (name, _) in entries(&ledger.folder().join("poison"))? {
        if let Some((task, ordinal)) = name.rsplit_once('.')
            && let Ok(ordinal) = ordinal.parse()
        {
            condemned.entry(task.to_owned()).or_default().push(ordinal);
        }
    }
    Ok(condemned)
}

/// Condemns a document of `task`, for good.
pub fn condemn(ledger: &Ledger, task: &str, ordinal: u64) -> io::Result<()> {
    let folder = ledger.folder().join("poison");
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    let path = folder.join(format!("{task}.{ordinal}"));
    File::create(&path).and_then(|file| file.sync_all()).map_err(at(&path))?;
    File::open(&folder)?.sync_all().map_err(at(&folder))
}

/// The documents among `documents` that end the process, each also alone and twice. `ends` tries a range.
pub fn find(
    documents: Range<u64>,
    ends: &mut dyn FnMut(Range<u64>) -> Result<bool, Failure>,
) -> Result<Vec<u64>, Failure> {
    if documents.is_empty() || !ends(documents.clone())? {
        return Ok(Vec::new());
    }
    if documents.end - documents.start == 1 {
        return Ok(if ends(documents.clone())? { vec![documents.start] } else { Vec::new() });
    }
    let middle = documents.start + (documents.end - documents.start) / 2;
    let mut found = find(documents.start..middle, ends)?;
    found.extend(find(middle..documents.end, ends)?);
    Ok(found)
}

/// Names and paths of a folder that need not exist.
fn entries(folder: &Path) -> io::Result<Vec<(String, std::path::PathBuf)>> {
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(at(folder))?,
    };
    listing
        .map(|entry| entry.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())))
        .collect::<io::Result<_>>()
        .map_err(at(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_finds_every_document_that_ends_the_process() {
        let deadly = [3, 4, 97];
        let mut trials = 0;
        let found = find(0..100, &mut |range| {
            trials += 1;
            Ok(deadly.iter().any(|ordinal| range.contains(ordinal)))
        });
        assert_eq!(found.unwrap(), deadly);
        assert!(trials < 40, "{trials} trials");
    }

    #[test]
    fn what_does_not_happen_again_condemns_nobody() {
        let mut trials = 0;
        let mut once = |_| {
            trials += 1;
            Ok(trials <= 3)
        };
        assert!(find(0..4, &mut once).unwrap().is_empty());
        assert!(find(5..5, &mut |_| unreachable!("there is nothing to try")).unwrap().is_empty());
    }

    #[test]
    fn only_what_was_under_way_twice_is_suspect() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path().join("phase")).unwrap();
        for documents in [0..40, 80..90, 32..64] {
            let attempt = ledger.attempt("task.0000").unwrap();
            let window = Window::create(attempt.folder()).unwrap();
            window.enter(1, documents).unwrap();
            window.enter(0, 200..220).unwrap();
            window.leave(0).unwrap();
            remember(ledger.folder(), attempt.folder()).unwrap();
        }
        let found = suspects(&ledger).unwrap().remove("task").unwrap();
        assert_eq!((found.len(), &found[0]), (1, &(32..40)));
        acquit(&ledger, "task").unwrap();
        assert!(suspects(&ledger).unwrap().is_empty());
        condemn(&ledger, "task", 35).unwrap();
        assert_eq!(condemned(&ledger).unwrap(), HashMap::from([("task".to_owned(), vec![35])]));
    }
}
