//! Sinks: formats that documents are written to.
//!
//! Writing is split so that all the work is shared and only appending is in order. On any thread a
//! document becomes a *row* ([`Sink::row`]); in document order, rows are gathered into *blocks*
//! whose cuts depend on the rows alone; on any thread a block is *sealed* ([`Sink::seal`]:
//! compressed, encoded); and sealed blocks are put together, in order, into shards
//! ([`Sink::publish`]). Hence the same bytes whatever the threads, batches and restarts.

pub mod jsonl;
pub mod parquet;
pub mod tokens;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use wanjuan_filters::kit::{Document, Field, Step};

/// Marker for [`Step::Kind`].
pub struct Kind;

impl wanjuan_filters::kit::Kind for Kind {
    const NAME: &'static str = "sink";
}

/// A format that documents are written to.
pub trait Sink: Step<Kind = Kind> {
    /// Called once with the fields and measures known where the sink stands, before any row.
    fn prepare(&mut self, columns: &Columns) {
        let _ = columns;
    }

    /// Appends the document's row to `out`: bytes of the sink's own choosing.
    fn row(&self, document: &Document, out: &mut Vec<u8>) -> Result<Row, &'static str>;

    /// A block is complete when its rows have reached this many bytes.
    fn block_bytes(&self) -> usize {
        1 << 20
    }

    /// A shard is complete when its blocks have reached this [`Row::weight`].
    fn shard_weight(&self) -> u64;

    /// Makes a block's rows ready to be stored.
    fn seal(&self, block: Block) -> io::Result<Sealed>;

    /// Puts sealed blocks together into the shard `number`: one file or several in `folder`.
    fn publish(
        &self,
        folder: &Path,
        number: usize,
        blocks: &mut dyn Iterator<Item = io::Result<Sealed>>,
    ) -> io::Result<Vec<ShardFile>>;
}

/// Fields and measures that documents have where a sink stands.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    /// Every field that a step before the sink writes.
    pub fields: Vec<Field>,
    /// Slot in [`Document::measures`] and name, `step.measure`.
    pub measures: Vec<(usize, String)>,
}

/// What a row counts for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Row {
    /// In the unit a shard's size is given in: bytes, tokens.
    pub weight: u64,
    /// Tokens, where the sink counts them.
    pub tokens: u64,
}

/// Consecutive rows.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// All rows, one after the other.
    pub bytes: Vec<u8>,
    /// End of each row in `bytes`.
    pub ends: Vec<usize>,
}

impl Block {
    /// The rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| &self.bytes[std::mem::replace(&mut start, end)..end])
    }
}

/// A sealed block: two byte strings, so that an index can be kept apart from the data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sealed {
    /// What goes into the shard.
    pub data: Vec<u8>,
    /// What is needed to put the shard together.
    pub index: Vec<u8>,
}

/// A file of a shard, hashed as it is written: the manifest tells its digest, and no byte is read again for it.
#[derive(Debug)]
pub struct ShardFile {
    name: String,
    file: BufWriter<File>,
    digest: blake3::Hasher,
}

impl ShardFile {
    /// Begins a file in `folder`.
    pub fn create(folder: &Path, name: &str) -> io::Result<ShardFile> {
        let file = BufWriter::new(File::create(folder.join(name))?);
        Ok(ShardFile { name: name.to_owned(), file, digest: blake3::Hasher::new() })
    }

    /// Writes the data of some blocks, one after the other.
    pub fn append(&mut self, blocks: &mut dyn Iterator<Item = io::Result<Sealed>>) -> io::Result<()> {
        for block in blocks {
            self.write_all(&block?.data)?;
        }
        Ok(())
    }

    /// Its name below the sink's folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Syncs the file; how long it is, in bytes, and its BLAKE3, as `b3sum` prints it.
    pub fn finish(self) -> io::Result<(u64, String)> {
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        Ok((self.digest.count(), self.digest.finalize().to_hex().to_string()))
    }
}

impl Write for ShardFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
