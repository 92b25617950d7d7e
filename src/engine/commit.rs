//! Commit records: how a task's output appears once or not at all.
//!
//! A task writes under an attempt's own folder, syncs every file and the folder, and then links its
//! record into `records/`. `link(2)` refuses to replace, so of two racing attempts one wins and the
//! other discards its files. A file that no record names does not exist
//! for any reader, so a killed run leaves nothing to repair. (The protocol of Hadoop's manifest
//! committer, with the storage as arbiter in the place of a coordinator.)

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::io::Errno;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What becomes of a damaged file, as a note says it.
pub const AGAIN: &str = "the task that wrote it runs again";

/// A content digest: BLAKE3 in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// The digest and length of a file.
pub fn digest_file(path: &Path) -> io::Result<(String, u64)> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok((hasher.finalize().to_hex().to_string(), hasher.count()))
}

/// Puts the path into an I/O error: a message without one cannot be acted on.
pub fn at(path: &Path) -> impl FnOnce(io::Error) -> io::Error + '_ {
    move |error| io::Error::new(error.kind(), At { path: path.to_owned(), error })
}

/// An I/O error and where it happened. The system's own error stays within reach, since its number
/// says more than its kind.
#[derive(Debug)]
pub struct At {
    /// Where it happened.
    pub path: PathBuf,
    error: io::Error,
}

impl At {
    /// The innermost place an error names.
    pub fn of(error: &io::Error) -> Option<&At> {
        let here = error.get_ref()?.downcast_ref::<At>()?;
        At::of(&here.error).or(Some(here))
    }
}

impl fmt::Display for At {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for At {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Whether an error of the machine may be gone in a moment: a disk or network that stuttered, a file
/// that is busy, too many open files. A full disk is not among them, nor a missing right.
pub fn may_pass(error: &io::Error) -> bool {
    let system = At::of(error).map_or(error, |at| &at.error);
    let number = system.raw_os_error().map(Errno::from_raw_os_error);
    let passing = [Errno::IO, Errno::AGAIN, Errno::INTR, Errno::BUSY, Errno::NFILE, Errno::MFILE, Errno::NOBUFS];
    number.is_some_and(|number| passing.contains(&number))
        || matches!(
            system.kind(),
            io::ErrorKind::TimedOut
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::NetworkDown
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::StaleNetworkFileHandle
        )
}

/// A file of an attempt, as its record names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Output {
    /// Path below the phase's folder.
    pub path: String,
    /// In bytes.
    pub length: u64,
    /// Of its content; see [`Attempt::finish`].
    pub digest: String,
}

/// The folder of one phase: its records and its attempts.
#[derive(Debug, Clone)]
pub struct Ledger {
    folder: PathBuf,
}

impl Ledger {
    /// Opens a phase's folder, making it where it is not there.
    pub fn open(folder: PathBuf) -> io::Result<Ledger> {
        for part in ["records", "attempts"] {
            let path = folder.join(part);
            fs::create_dir_all(&path).map_err(at(&path))?;
        }
        // A record survives a power cut only with all folders above it.
        for folder in folder.ancestors().take(3).filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))?;
        }
        Ok(Ledger { folder })
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where an output of this phase lies.
    pub fn locate(&self, output: &Output) -> PathBuf {
        self.folder.join(&output.path)
    }

    /// What is wrong with the length of an output, to be told to a person; `None` where nothing is. What it holds is
    /// checked when it is read.
    pub fn damage(&self, output: &Output) -> Option<String> {
        let (path, length) = (self.locate(output), output.length);
        match fs::metadata(&path) {
            Ok(file) if file.len() == length => None,
            Ok(file) => Some(format!("{}: has {} bytes in the place of {length}; {AGAIN}", path.display(), file.len())),
            Err(error) => Some(format!("{}: {error}; {AGAIN}", path.display())),
        }
    }

    fn record_path(&self, key: &str) -> PathBuf {
        self.folder.join("records").join(format!("{key}.json"))
    }

    /// The record of `key`, or `None` where there is none. An unreadable record (torn, edited) is
    /// moved aside, so that its task runs again.
    pub fn read<R: DeserializeOwned>(&self, key: &str) -> io::Result<Option<R>> {
        let path = self.record_path(key);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(&path)(error)),
        };
        match unseal(&bytes) {
            Some(record) => Ok(Some(record)),
            None => {
                self.disown(key)?;
                Ok(None)
            }
        }
    }

    /// Keys of all records of a task, `TASK.NUMBER`, in order.
    pub fn keys_of(&self, task: &str) -> io::Result<Vec<String>> {
        let records = self.folder.join("records");
        let mut keys = Vec::new();
        for entry in fs::read_dir(&records).map_err(at(&records))? {
            let name = entry.map_err(at(&records))?.file_name();
            let key = name.to_str().and_then(|name| name.strip_suffix(".json"));
            if let Some(key) = key.filter(|key| key.strip_prefix(task).is_some_and(|rest| rest.starts_with('.'))) {
                keys.push(key.to_owned());
            }
        }
        keys.sort();
        Ok(keys)
    }

    /// Moves a record aside: what it names is damaged or out of date, and its task runs again.
    pub fn disown(&self, key: &str) -> io::Result<()> {
        let bad = self.folder.join("records-bad");
        fs::create_dir_all(&bad).map_err(at(&bad))?;
        let path = self.record_path(key);
        match fs::rename(&path, bad.join(format!("{key}.json"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&path)(error)),
            _ => Ok(()),
        }
    }

    /// Starts an attempt at a task.
    pub fn attempt(&self, key: &str) -> io::Result<Attempt> {
        let name = format!("{key}-{}", nonce());
        let folder = self.folder.join("attempts").join(&name);
        fs::create_dir(&folder).map_err(at(&folder))?;
        Ok(Attempt { ledger: self.clone(), key: key.to_owned(), name, folder, committed: false })
    }
}

/// A folder of one attempt's own. It goes away with the attempt, unless that one has committed or
/// the process dies with it.
#[derive(Debug)]
pub struct Attempt {
    ledger: Ledger,
    key: String,
    name: String,
    folder: PathBuf,
    committed: bool,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.committed {
            let _ = fs::remove_dir_all(&self.folder); // what stays is swept by the next run
        }
    }
}

impl Attempt {
    /// Where the attempt writes.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Syncs a finished file of the attempt and states what it is. `digest` stands for its content.
    pub fn finish(&self, name: &str, file: &File, digest: String) -> io::Result<Output> {
        let path = self.folder.join(name);
        file.sync_all().map_err(at(&path))?;
        let length = file.metadata().map_err(at(&path))?.len();
        Ok(Output { path: format!("attempts/{}/{name}", self.name), length, digest })
    }

    /// Commits: from the moment this returns, the record exists and survives a power cut. Returns
    /// the record that stands, which is another attempt's where that one was first.
    pub fn commit<R: Serialize + DeserializeOwned>(mut self, record: R) -> io::Result<R> {
        for folder in [&self.folder, &self.ledger.folder.join("attempts")] {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))?;
        }
        let draft = self.folder.join("record.json");
        let mut file = File::create(&draft).map_err(at(&draft))?;
        file.write_all(&seal(&record)).map_err(at(&draft))?;
        file.sync_all().map_err(at(&draft))?;
        let target = self.ledger.record_path(&self.key);
        match fs::hard_link(&draft, &target) {
            Ok(()) => {
                self.committed = true;
                let records = self.ledger.folder.join("records");
                File::open(&records)?.sync_all().map_err(at(&records))?;
                Ok(record)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let standing = self.ledger.read(&self.key)?;
                // A standing record that cannot be read was moved aside: the task is simply not done.
                standing.ok_or_else(|| io::Error::other(format!("{}: the record was damaged", target.display())))
            }
            Err(error) => Err(at(&target)(error)),
        }
    }
}

/// A record as stored: its JSON and, on a second line, the JSON's digest.
fn seal<R: Serialize>(record: &R) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(record).expect("a record is plain data");
    let check = digest(&bytes);
    bytes.push(b'\n');
    bytes.extend_from_slice(check.as_bytes());
    bytes.push(b'\n');
    bytes
}

fn unseal<R: DeserializeOwned>(bytes: &[u8]) -> Option<R> {
    let body = bytes.strip_suffix(b"\n")?;
    let cut = memchr::memrchr(b'\n', body)?;
    let (json, check) = (&body[..cut], &body[cut + 1..]);
    (digest(json).as_bytes() == check).then(|| serde_json::from_slice(json).ok())?
}

/// Writes a small file so that it is either the old one or the new one, whole, even after a power cut.
pub fn replace_file(drafts: &Drafts, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let draft = drafts.unused();
    let mut file = File::create(&draft).map_err(at(&draft))?;
    file.write_all(bytes).map_err(at(&draft))?;
    file.sync_all().map_err(at(&draft))?;
    fs::rename(&draft, path).map_err(at(path))?;
    File::open(folder)?.sync_all().map_err(at(folder))
}

/// A folder for files that are not finished: no two writers, of one run or of several, meet in a name.
/// What a killed run leaves there is swept with its attempts.
#[derive(Debug, Clone)]
pub struct Drafts(PathBuf);

impl Drafts {
    /// Opens the drafts of a work folder.
    pub fn open(work: &Path) -> io::Result<Drafts> {
        let folder = work.join("drafts");
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        Ok(Drafts(folder))
    }

    /// Where they lie.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// A path below it that nobody has.
    pub fn unused(&self) -> PathBuf {
        self.0.join(nonce())
    }
}

/// Differs from every other one; it never reaches an output.
fn nonce() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    digest(format!("{now} {} {count}", std::process::id()).as_bytes())[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_two_attempts_wins_and_the_second_learns_it() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path().join("phase")).unwrap();
        let (one, two) = (ledger.attempt("t").unwrap(), ledger.attempt("t").unwrap());
        assert_eq!(one.commit("one".to_owned()).unwrap(), "one");
        assert_eq!(two.commit("two".to_owned()).unwrap(), "one");
        assert_eq!(ledger.read::<String>("t").unwrap().as_deref(), Some("one"));
    }

    #[test]
    fn an_error_keeps_its_number_under_the_paths_and_only_some_may_pass() {
        let passes = |number: Errno| {
            let error = io::Error::from_raw_os_error(number.raw_os_error());
            may_pass(&at(Path::new("out"))(at(Path::new("out/x"))(error)))
        };
        assert!(passes(Errno::IO) && passes(Errno::MFILE) && passes(Errno::TIMEDOUT));
        assert!(!passes(Errno::NOSPC) && !passes(Errno::ACCESS));
        let full = at(Path::new("a"))(io::Error::from_raw_os_error(Errno::NOSPC.raw_os_error()));
        assert_eq!((full.kind(), At::of(&full).unwrap().path.as_path()), (io::ErrorKind::StorageFull, Path::new("a")));
        assert!(full.to_string().starts_with("a: No space left"));
    }

    #[test]
    fn a_torn_record_is_moved_aside_and_its_task_can_commit_again() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path().join("phase")).unwrap();
        ledger.attempt("t").unwrap().commit("one".to_owned()).unwrap();
        fs::write(ledger.record_path("t"), b"\"on").unwrap();
        assert_eq!(ledger.read::<String>("t").unwrap(), None);
        assert_eq!(ledger.attempt("t").unwrap().commit("two".to_owned()).unwrap(), "two");
    }
}
