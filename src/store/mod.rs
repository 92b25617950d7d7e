//! Where bytes lie: a local disk today; object stores join behind the same interface.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use globset::GlobBuilder;
use rustix::fs::Access;

/// A file of the corpus.
#[derive(Clone)]
pub struct Input {
    /// Where it lies, for [`Store::open`].
    pub location: PathBuf,
    /// Its path below the folder or glob it was found by, `/` between parts: its name in origins,
    /// the same wherever the corpus is moved.
    pub name: String,
    /// Length in bytes.
    pub length: u64,
    /// What opens it.
    pub store: Arc<dyn Store>,
}

impl Input {
    /// The file as one range.
    pub fn whole(&self) -> Vec<Range<u64>> {
        std::iter::once(0..self.length).collect()
    }

    /// See [`Store::open`].
    pub fn open(&self, range: Range<u64>) -> io::Result<Box<dyn Read + Send>> {
        self.store.open(self, range)
    }

    /// See [`Store::stamp`].
    pub fn stamp(&self) -> io::Result<String> {
        self.store.stamp(self)
    }
}

/// Opens the files of a corpus.
pub trait Store: Send + Sync {
    /// Opens a byte range for reading in order.
    fn open(&self, input: &Input, range: Range<u64>) -> io::Result<Box<dyn Read + Send>>;

    /// What changes whenever the file is written to, and may change without: equal stamps prove equal
    /// bytes, unequal ones prove nothing.
    fn stamp(&self, input: &Input) -> io::Result<String>;
}

/// The local file system.
pub struct Disk;

impl Store for Disk {
    fn open(&self, input: &Input, range: Range<u64>) -> io::Result<Box<dyn Read + Send>> {
        let mut file = File::open(&input.location)?;
        if range.start > 0 {
            file.seek(SeekFrom::Start(range.start))?;
        }
        Ok(Box::new(file.take(range.end.saturating_sub(range.start))))
    }

    /// The time of the last status change is among it: no program can set that one back.
    fn stamp(&self, input: &Input) -> io::Result<String> {
        let file = fs::metadata(&input.location)?;
        Ok(format!(
            "{}:{}:{}:{}.{}:{}.{}",
            file.dev(),
            file.ino(),
            file.len(),
            file.mtime(),
            file.mtime_nsec(),
            file.ctime(),
            file.ctime_nsec()
        ))
    }
}

/// A store whose bytes are counted as they are read.
pub struct Metered {
    /// The store that is read from.
    pub store: Arc<dyn Store>,
    /// Bytes read so far.
    pub read: Arc<AtomicU64>,
}

impl Store for Metered {
    fn open(&self, input: &Input, range: Range<u64>) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Metering { inner: self.store.open(input, range)?, read: self.read.clone() }))
    }

    fn stamp(&self, input: &Input) -> io::Result<String> {
        self.store.stamp(input)
    }
}

struct Metering {
    inner: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Metering {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// A path of the pipeline file that does not lead to inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindError {
    /// As it was written.
    pub pattern: String,
    /// What is wrong with it.
    pub what: String,
}

/// Finds the files that `patterns` name: a file, a folder (searched for `endings`), or a glob.
/// Relative ones start at `base`. Sorted by name, each file once, hidden files left out.
pub fn find(patterns: &[String], base: &Path, endings: &[&str]) -> Result<Vec<Input>, FindError> {
    let disk: Arc<dyn Store> = Arc::new(Disk);
    let mut found = BTreeMap::new();
    for (order, pattern) in patterns.iter().enumerate() {
        let wrong = |what: String| FindError { pattern: pattern.clone(), what };
        if pattern.contains("://") {
            return Err(wrong("object stores cannot be read yet; give a path on disk".into()));
        }
        // Without `.` and doubled slashes: what is found has none either, and a glob compares text.
        let path: PathBuf = base.join(pattern).components().collect();
        let files = matches(&path, endings).map_err(wrong)?;
        if files.is_empty() {
            return Err(wrong("no file matches".into()));
        }
        for (location, name) in files {
            let at = |error: io::Error| wrong(format!("{}: {error}", location.display()));
            let length = fs::metadata(&location).map_err(at)?.len();
            rustix::fs::access(&location, Access::READ_OK).map_err(|error| at(error.into()))?;
            let resolved = location.canonicalize().unwrap_or_else(|_| location.clone());
            found.entry(resolved).or_insert((order, Input { location, name, length, store: disk.clone() }));
        }
    }
    let mut inputs: Vec<(usize, Input)> = found.into_values().collect();
    inputs.sort_by(|(one, a), (two, b)| (&a.name, one, &a.location).cmp(&(&b.name, two, &b.location)));
    let mut inputs: Vec<Input> = inputs.into_iter().map(|(_, input)| input).collect();
    // Two folders may hold files of one name: the second is told apart by its number.
    let mut twins = 1;
    for at in 1..inputs.len() {
        let (before, this) = inputs.split_at_mut(at);
        let first = &before[at - twins].name;
        if *first == this[0].name {
            twins += 1;
            this[0].name = format!("{first}~{twins}");
        } else {
            twins = 1;
        }
    }
    Ok(inputs)
}

const NO_FILE: &str = "neither a file nor a folder: pipes and devices cannot be read again after a crash";

/// Location and name of each file that one pattern names.
fn matches(pattern: &Path, endings: &[&str]) -> Result<Vec<(PathBuf, String)>, String> {
    let text = pattern.to_string_lossy().into_owned();
    let is_glob = text.contains(['*', '?', '[', '{']) && !pattern.exists();
    let (root, glob) = if is_glob {
        let fixed =
            pattern.components().take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']));
        let glob = GlobBuilder::new(&text)
            .literal_separator(true)
            .build()
            .map_err(|error| format!("not a glob: {}", error.kind()))?;
        (fixed.collect::<PathBuf>(), Some(glob.compile_matcher()))
    } else {
        (pattern.to_owned(), None)
    };
    let kind = match fs::metadata(&root) {
        Ok(found) => found.file_type(),
        Err(error) if is_glob && error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err("there is no such file or folder".into()),
        Err(error) => return Err(error.to_string()),
    };
    if kind.is_file() {
        let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        return Ok(vec![(root, name)]);
    }
    if !kind.is_dir() {
        return Err(NO_FILE.into());
    }
    let mut files = Vec::new();
    let hidden = |entry: &walkdir::DirEntry| entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.');
    for entry in walkdir::WalkDir::new(&root)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| !hidden(entry))
    {
        let entry = entry.map_err(|error| error.to_string())?;
        let wanted = match &glob {
            Some(glob) => glob.is_match(entry.path()),
            None => {
                endings.is_empty() || endings.iter().any(|ending| entry.file_name().to_string_lossy().ends_with(ending))
            }
        };
        if wanted && entry.file_type().is_file() {
            let name = entry.path().strip_prefix(&root).unwrap_or(entry.path());
            let name = name.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
            files.push((entry.into_path(), name));
        } else if wanted && !entry.file_type().is_dir() {
            return Err(format!("{} is {NO_FILE}", entry.path().display()));
        }
    }
    Ok(files)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A file that holds `bytes`, in a folder that goes away with the value.
    pub fn file(bytes: &[u8]) -> (tempfile::TempDir, Input) {
        let folder = tempfile::tempdir().unwrap();
        let location = folder.path().join("file");
        fs::write(&location, bytes).unwrap();
        let input = Input { location, name: "file".into(), length: bytes.len() as u64, store: Arc::new(Disk) };
        (folder, input)
    }

    fn names(patterns: &[&str], base: &Path, endings: &[&str]) -> Result<Vec<String>, String> {
        let patterns: Vec<String> = patterns.iter().map(|pattern| pattern.to_string()).collect();
        find(&patterns, base, endings)
            .map(|inputs| inputs.into_iter().map(|input| input.name).collect())
            .map_err(|error| error.what)
    }

    #[test]
    fn folders_globs_and_files_give_each_file_once_sorted_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path();
        fs::create_dir_all(base.join("c/d")).unwrap();
        for file in ["c/b.jsonl", "c/d/a.jsonl.gz", "c/.hidden.jsonl", "c/x.txt"] {
            fs::write(base.join(file), "x").unwrap();
        }
        assert_eq!(names(&["c"], base, &[".jsonl", ".jsonl.gz"]).unwrap(), ["b.jsonl", "d/a.jsonl.gz"]);
        assert_eq!(names(&["c/**/*.jsonl*", "c/b.jsonl"], base, &[]).unwrap(), ["b.jsonl", "d/a.jsonl.gz"]);
        for pattern in ["c/*.jsonl", "./c/*.jsonl", "c//./*.jsonl", "c/d/../*.jsonl"] {
            assert_eq!(names(&[pattern], base, &[]).unwrap(), ["b.jsonl"], "{pattern}");
        }
        assert_eq!(names(&["nope/*.jsonl"], base, &[]).unwrap_err(), "no file matches");
        assert_eq!(names(&["nope"], base, &[]).unwrap_err(), "there is no such file or folder");
    }

    #[test]
    fn files_of_one_name_are_told_apart_in_the_order_they_were_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b/x.jsonl", "a/x.jsonl", "a/y.jsonl", "c/x.jsonl"] {
            fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
            fs::write(folder.path().join(name), name).unwrap();
        }
        let patterns = ["b", "a", "c"].map(str::to_owned);
        let found = find(&patterns, folder.path(), &[".jsonl"]).unwrap();
        let told: Vec<(&str, String)> =
            found.iter().map(|input| (input.name.as_str(), fs::read_to_string(&input.location).unwrap())).collect();
        let expected = [
            ("x.jsonl", "b/x.jsonl"),
            ("x.jsonl~2", "a/x.jsonl"),
            ("x.jsonl~3", "c/x.jsonl"),
            ("y.jsonl", "a/y.jsonl"),
        ];
        assert_eq!(told, expected.map(|(name, text)| (name, text.to_owned())));
    }

    #[test]
    fn a_pipe_is_refused_and_a_loop_of_links_ends() {
        let folder = tempfile::tempdir().unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            folder.path().join("pipe.x"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        assert!(names(&["pipe.x"], folder.path(), &[]).unwrap_err().contains("pipes"));
        for (pattern, endings) in [("*.x", &[][..]), (".", &[".x"])] {
            assert!(names(&[pattern], folder.path(), endings).unwrap_err().contains("pipe.x is neither"));
        }
        fs::remove_file(folder.path().join("pipe.x")).unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
        assert!(names(&["."], folder.path(), &[".x"]).is_err());
    }
}
