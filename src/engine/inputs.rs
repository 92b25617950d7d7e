//! The inputs of a run: how the corpus is cut into splits, and how an input is known again.
//!
//! A split's name hashes what it is called, how long it is and what stands at its edges, so a moved
//! or touched corpus keeps its splits. That is not proof: a file may be rewritten in the middle. So
//! each record also keeps a [`Proof`]: the file's stamp when it was read, and the digest of the
//! bytes. Where the stamp is the same the record holds; where it is not, the bytes are hashed again
//! and decide.

use std::io::{self, Read};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::commit::at;
use crate::store::Input;

/// A part of one file.
#[derive(Clone)]
pub struct Part {
    /// The file.
    pub input: Input,
    /// Which of its bytes, as stored.
    pub range: Range<u64>,
}

/// The unit of work of a map phase: consecutive parts of one source, often a single one.
#[derive(Clone)]
pub struct Split {
    /// Which source of the pipeline reads it.
    pub source: usize,
    /// In order.
    pub parts: Vec<Part>,
    /// Name of its tasks: see the module.
    pub key: String,
    /// Hashes the lengths of its parts and what stands at their edges, whatever they are called.
    pub content: String,
}

impl Split {
    /// Its length, as stored.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.range.end - part.range.start).sum()
    }

    /// What a person calls it.
    pub fn name(&self) -> String {
        match &self.parts[..] {
            [one] if one.range.start == 0 => one.input.name.clone(),
            [one] => format!("{}@{}", one.input.name, one.range.start),
            [first, .., last] => format!("{} .. {}", first.input.name, last.input.name),
            [] => String::new(),
        }
    }
}

/// How many bytes of each edge enter a split's name.
const EDGE: u64 = 4096;

/// Groups the parts of one source into splits of about `target` bytes: large ones stand alone,
/// small ones are packed.
pub fn pack(source: usize, source_name: &str, parts: Vec<Part>, target: u64) -> io::Result<Vec<Split>> {
    let mut splits = Vec::new();
    let mut open: Vec<Part> = Vec::new();
    let mut size = 0;
    for part in parts {
        let bytes = part.range.end - part.range.start;
        // A pack also ends where the next file's name says so: a file that joins the corpus in the
        // middle then moves the borders of its neighbours only.
        let border = xxhash_rust::xxh3::xxh3_64(part.input.name.as_bytes()).is_multiple_of(32);
        if !open.is_empty() && (size + bytes > target || border && size > target / 64) {
            splits.push(close(source, source_name, std::mem::take(&mut open))?);
            size = 0;
        }
        size += bytes;
        open.push(part);
    }
    if !open.is_empty() {
        splits.push(close(source, source_name, open)?);
    }
    Ok(splits)
}

fn close(source: usize, source_name: &str, parts: Vec<Part>) -> io::Result<Split> {
    let mut hasher = blake3::Hasher::new();
    let mut put = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    let mut content = blake3::Hasher::new();
    put(source_name.as_bytes());
    for part in &parts {
        let edges = edges(part)?;
        content.update(&(part.range.end - part.range.start).to_le_bytes());
        content.update(blake3::hash(&edges).as_bytes());
        put(part.input.name.as_bytes());
        put(&part.range.start.to_le_bytes());
        put(&part.range.end.to_le_bytes());
        put(&edges);
    }
    let [key, content] = [hasher, content].map(|hasher| hasher.finalize().to_hex()[..32].to_owned());
    Ok(Split { source, parts, key, content })
}

fn edges(part: &Part) -> io::Result<Vec<u8>> {
    let Range { start, end } = part.range;
    let mut bytes = Vec::new();
    part.input.open(start..end.min(start + EDGE))?.read_to_end(&mut bytes).map_err(at(&part.input.location))?;
    if end > start + EDGE {
        part.input
            .open((end - EDGE).max(start + EDGE)..end)?
            .read_to_end(&mut bytes)
            .map_err(at(&part.input.location))?;
    }
    Ok(bytes)
}

/// Bytes that are hashed before anyone looks whether to stop.
const STRETCH: u64 = 16 << 20;

/// What a split's bytes were when a task read them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// One for each part; see [`Store::stamp`](crate::store::Store::stamp).
    stamps: Vec<String>,
    /// Digest of all bytes, parts in order.
    digest: String,
}

impl Proof {
    /// Reads the split to its end, or until `stopping` says so; then there is none.
    pub fn of(split: &Split, stopping: &dyn Fn() -> bool) -> io::Result<Option<Proof>> {
        // The stamps come first: bytes that change while they are hashed then fail the next check.
        let stamps = stamps(split)?;
        let mut hasher = blake3::Hasher::new();
        let mut read = 0;
        for part in &split.parts {
            let mut bytes = part.input.open(part.range.clone())?;
            while hasher.update_reader((&mut bytes).take(STRETCH)).map_err(at(&part.input.location))?.count() > read {
                read = hasher.count();
                if stopping() {
                    return Ok(None);
                }
            }
        }
        Ok(Some(Proof { stamps, digest: hasher.finalize().to_hex().to_string() }))
    }

    /// Whether the split still holds the bytes this proof is about.
    pub fn holds(&self, split: &Split) -> io::Result<bool> {
        let same = |now: Option<Proof>| now.is_some_and(|now| now.digest == self.digest);
        Ok(self.stamps == stamps(split)? || same(Proof::of(split, &|| false)?))
    }
}

fn stamps(split: &Split) -> io::Result<Vec<String>> {
    split.parts.iter().map(|part| part.input.stamp().map_err(at(&part.input.location))).collect()
}
