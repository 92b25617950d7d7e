//! Where bytes lie: a local disk today; object stores join behind the same interface.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

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
    pub store: Arc<dyn Store>,
}

impl Input {
    /// Opens a byte range of the file for reading in order.
    pub fn open(&self, range: Range<u64>) -> io::Result<Box<dyn Read + Send>> {
        self.store.open(self, range)
    }
}

/// Finds and opens the files of a corpus.
pub trait Store: Send + Sync {
    fn open(&self, input: &Input, range: Range<u64>) -> io::Result<Box<dyn Read + Send>>;
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
}
