//! One sorted file of records.
//!
//! ```text
//! record:  which parts it has u8 | upper half of the key u64 | ordinal, LEB128 | and where they are not 0 or
//!          empty: lower half of the key u64, split u32, length of the value in LEB128 and the value
//! block:   records, as zstd if that is less
//! footer:  JSON: for each block its first key, offset, length, xxh3-64; digests of sections
//! trailer: footer length u64 | xxh3-64 of the footer u64 | "WJRUN003"
//! ```
//! A stage of many records a document (MinHash) leaves the lower half of its keys 0, and has no values: a record is
//! then 12 bytes.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wanjuan_dedup::varint;
use wanjuan_filters::kit::Origin;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::Record;
use crate::engine::commit::at;
use crate::stage::Key;

const MAGIC: &[u8; 8] = b"WJRUN003";
const BLOCK: usize = 128 << 10;
/// The most bytes of a record before its value.
const HEADER: usize = 48;
/// Bits of a record's first byte: what else it has.
const LOWER: u8 = 1;
const SPLIT: u8 = 2;
const VALUE: u8 = 4;
/// The largest value of a record. Anything near it belongs into the document, not into a record.
pub const MAX_VALUE: usize = 1 << 20;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct BlockInfo {
    first: String,
    offset: u64,
    stored: u32,
    length: u32,
    check: u64,
}

/// The records whose keys share their upper half: the decisions about one split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// That half: the number of the split.
    pub upper: u64,
    /// Of the records' lower key halves and values: equal decisions have equal digests.
    pub digest: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Footer {
    blocks: Vec<BlockInfo>,
    sections: Vec<Section>,
    records: u64,
    ordinals: u64,
}

/// A section that is being written.
struct Open {
    upper: u64,
    hasher: Xxh3,
    /// What is hashed next: a call for each record would take longer than the hash.
    waiting: Vec<u8>,
}

impl Open {
    /// Bytes that are hashed at a time.
    const ENOUGH: usize = 4096;

    fn new(upper: u64) -> Open {
        Open { upper, hasher: Xxh3::new(), waiting: Vec::new() }
    }

    fn add(&mut self, record: Record<'_>) {
        self.waiting.extend_from_slice(&(record.key as u64).to_le_bytes());
        self.waiting.extend_from_slice(&(record.value.len() as u64).to_le_bytes());
        self.waiting.extend_from_slice(record.value);
        if self.waiting.len() >= Open::ENOUGH {
            self.hasher.update(&self.waiting);
            self.waiting.clear();
        }
    }

    fn close(mut self) -> Section {
        self.hasher.update(&self.waiting);
        Section { upper: self.upper, digest: format!("{:032x}", self.hasher.digest128()) }
    }
}

/// Writes records that come in order.
pub struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
    offset: u64,
    block: Vec<u8>,
    /// Whether the block has values; hashes alone cannot be compressed.
    has_values: bool,
    first: Option<Key>,
    footer: Footer,
    section: Option<Open>,
    with_sections: bool,
}

impl Writer {
    /// Begins a file. Sections are told apart where asked for: see [`Section`].
    pub fn create(path: &Path, with_sections: bool) -> io::Result<Writer> {
        Ok(Writer {
            path: path.to_owned(),
            file: BufWriter::new(File::create(path).map_err(at(path))?),
            offset: 0,
            block: Vec::with_capacity(BLOCK + HEADER),
            has_values: false,
            first: None,
            footer: Footer::default(),
            section: None,
            with_sections,
        })
    }

    /// Adds a record, none of which sorts before those that were added; where one does, no part of the file can be
    /// looked up, but all of it be read.
    pub fn push(&mut self, record: Record<'_>) -> io::Result<()> {
        if record.value.len() > MAX_VALUE {
            return Err(io::Error::other(format!("a shuffle record of {} bytes", record.value.len())));
        }
        if self.with_sections {
            let upper = (record.key >> 64) as u64;
            if self.section.as_ref().is_none_or(|open| open.upper != upper) {
                self.close_section();
            }
            self.section.get_or_insert_with(|| Open::new(upper)).add(record);
        }
        self.first.get_or_insert(record.key);
        self.has_values |= !record.value.is_empty();
        append(record, &mut self.block);
        self.footer.records += 1;
        self.footer.ordinals = self.footer.ordinals.max(record.origin.ordinal + 1);
        if self.block.len() >= BLOCK { self.flush() } else { Ok(()) }
    }

    fn close_section(&mut self) {
        self.footer.sections.extend(self.section.take().map(Open::close));
    }

    fn flush(&mut self) -> io::Result<()> {
        let Some(first) = self.first.take() else { return Ok(()) };
        let compressed = if self.has_values { zstd::bulk::compress(&self.block, 1)? } else { Vec::new() };
        let smaller = self.has_values && compressed.len() < self.block.len();
        let stored = if smaller { &compressed } else { &self.block };
        self.file.write_all(stored).map_err(at(&self.path))?;
        self.footer.blocks.push(BlockInfo {
            first: format!("{first:032x}"),
            offset: self.offset,
            stored: stored.len() as u32,
            length: self.block.len() as u32,
            check: xxh3_64(stored),
        });
        self.offset += stored.len() as u64;
        self.block.clear();
        self.has_values = false;
        Ok(())
    }

    /// Completes the file, which is the caller's to sync, and tells the digest of its content: of the
    /// footer, which holds a checksum of every block.
    pub fn finish(mut self) -> io::Result<(File, String)> {
        self.flush()?;
        self.close_section();
        let footer = serde_json::to_vec(&self.footer).expect("a footer is plain data");
        let mut trailer = Vec::with_capacity(24);
        trailer.extend_from_slice(&(footer.len() as u64).to_le_bytes());
        trailer.extend_from_slice(&xxh3_64(&footer).to_le_bytes());
        trailer.extend_from_slice(MAGIC);
        for bytes in [&footer, &trailer] {
            self.file.write_all(bytes).map_err(at(&self.path))?;
        }
        let file = self.file.into_inner().map_err(|error| at(&self.path)(error.into_error()))?;
        Ok((file, crate::engine::commit::digest(&footer)))
    }
}

/// A sorted file, opened: its footer is read and checked, its records are not.
#[derive(Debug, Clone)]
pub struct Run {
    path: PathBuf,
    firsts: Arc<[Key]>,
    blocks: Arc<[BlockInfo]>,
    records: u64,
    ordinals: u64,
    sections: Vec<Section>,
    digest: String,
}

impl Run {
    /// Reads and checks the footer.
    pub fn open(path: &Path) -> io::Result<Run> {
        let damaged = || damaged(path);
        let mut file = File::open(path).map_err(at(path))?;
        let length = file.metadata()?.len();
        let mut trailer = [0; 24];
        if length < trailer.len() as u64 {
            return Err(damaged());
        }
        file.seek(SeekFrom::End(-(trailer.len() as i64)))?;
        file.read_exact(&mut trailer)?;
        let word = |at: usize| u64::from_le_bytes(trailer[at..at + 8].try_into().expect("eight bytes"));
        let (footer_length, check) = (word(0), word(8));
        if &trailer[16..] != MAGIC || footer_length > length - 24 {
            return Err(damaged());
        }
        file.seek(SeekFrom::Start(length - 24 - footer_length))?;
        let mut footer = vec![0; footer_length as usize];
        file.read_exact(&mut footer)?;
        if xxh3_64(&footer) != check {
            return Err(damaged());
        }
        let digest = crate::engine::commit::digest(&footer);
        let footer: Footer = serde_json::from_slice(&footer).map_err(|_| damaged())?;
        let Footer { blocks, sections, records, ordinals } = footer;
        let firsts: Option<Arc<[Key]>> =
            blocks.iter().map(|block| Key::from_str_radix(&block.first, 16).ok()).collect();
        let firsts = firsts.ok_or_else(damaged)?;
        Ok(Run { path: path.to_owned(), firsts, blocks: blocks.into(), records, ordinals, sections, digest })
    }

    /// Stands for its content, as [`Writer::finish`] told it.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How many records it holds.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// One more than the greatest ordinal of any document it is about.
    pub fn ordinals(&self) -> u64 {
        self.ordinals
    }

    /// The digests of its sections. They can be taken once: there is one for every split of the corpus,
    /// too many to be held for every file.
    pub fn take_sections(&mut self) -> Vec<Section> {
        std::mem::take(&mut self.sections)
    }

    /// Walks the records whose keys lie in `keys`.
    pub fn range(&self, keys: RangeInclusive<Key>) -> io::Result<Cursor> {
        // The block before the first one that starts inside the range may end inside it.
        let from = self.firsts.partition_point(|first| first < keys.start()).saturating_sub(1);
        let mut cursor = Cursor {
            file: File::open(&self.path).map_err(at(&self.path))?,
            run: self.clone(),
            next_block: from,
            keys,
            block: Vec::new(),
            position: 0,
            current: None,
        };
        cursor.advance()?;
        Ok(cursor)
    }
}

fn damaged(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: does not match its checksums", path.display()))
}

/// Walks records of one file in order, one block in memory.
#[derive(Debug)]
pub struct Cursor {
    run: Run,
    file: File,
    next_block: usize,
    keys: RangeInclusive<Key>,
    block: Vec<u8>,
    position: usize,
    /// Key, document, and the range of the value in `block`.
    current: Option<(Key, Origin, usize, usize)>,
}

impl Cursor {
    /// The record the cursor stands at; `None` at the end.
    pub fn record(&self) -> Option<Record<'_>> {
        self.current.map(|(key, origin, start, end)| Record { key, value: &self.block[start..end], origin })
    }

    /// Goes to the first record from here on whose key is not below `key`, past whole blocks where it can. For
    /// files in which no two records share a key.
    pub fn seek(&mut self, key: Key) -> io::Result<()> {
        let block = self.run.firsts.partition_point(|first| *first <= key).saturating_sub(1);
        if block >= self.next_block {
            self.next_block = block;
            self.position = self.block.len();
            self.advance()?;
        }
        while self.record().is_some_and(|record| record.key < key) {
            self.advance()?;
        }
        Ok(())
    }

    /// Goes to the next record of the range.
    pub fn advance(&mut self) -> io::Result<()> {
        loop {
            while self.position == self.block.len() {
                self.current = None;
                match self.run.blocks.get(self.next_block) {
                    Some(_) if self.run.firsts[self.next_block] > *self.keys.end() => return Ok(()),
                    Some(info) => {
                        let read = read_block(&mut self.file, info, &mut self.block);
                        read.map_err(|error| match error.raw_os_error() {
                            Some(_) => at(&self.run.path)(error),
                            None => damaged(&self.run.path),
                        })?
                    }
                    None => return Ok(()),
                }
                self.next_block += 1;
                self.position = 0;
            }
            let (record, next) = parse(&self.block, self.position).ok_or_else(|| damaged(&self.run.path))?;
            self.position = next;
            if record.0 > *self.keys.end() {
                self.current = None;
                self.position = self.block.len();
                self.next_block = self.run.blocks.len();
                return Ok(());
            }
            if record.0 >= *self.keys.start() {
                self.current = Some(record);
                return Ok(());
            }
        }
    }
}

fn read_block(file: &mut File, info: &BlockInfo, block: &mut Vec<u8>) -> io::Result<()> {
    let bad = || io::Error::from(io::ErrorKind::InvalidData);
    if info.length as usize > BLOCK + MAX_VALUE + HEADER || info.stored > info.length {
        return Err(bad());
    }
    file.seek(SeekFrom::Start(info.offset))?;
    block.clear();
    block.resize(info.stored as usize, 0);
    file.read_exact(block)?;
    if xxh3_64(block) != info.check {
        return Err(bad());
    }
    if info.stored < info.length {
        *block = zstd::bulk::decompress(block, info.length as usize)?;
    }
    Ok(())
}

/// Appends a record's bytes.
fn append(record: Record<'_>, out: &mut Vec<u8>) {
    let lower = record.key as u64;
    let has = |bit, has| if has { bit } else { 0 };
    out.push(has(LOWER, lower != 0) | has(SPLIT, record.origin.split != 0) | has(VALUE, !record.value.is_empty()));
    out.extend_from_slice(&((record.key >> 64) as u64).to_le_bytes());
    varint::put(record.origin.ordinal, out);
    if lower != 0 {
        out.extend_from_slice(&lower.to_le_bytes());
    }
    if record.origin.split != 0 {
        out.extend_from_slice(&record.origin.split.to_le_bytes());
    }
    if !record.value.is_empty() {
        varint::put(record.value.len() as u64, out);
        out.extend_from_slice(record.value);
    }
}

type Parsed = ((Key, Origin, usize, usize), usize);

/// The record at a place of a block, and where the next one begins.
fn parse(block: &[u8], at: usize) -> Option<Parsed> {
    let mut rest = block.get(at..)?;
    let (&has, after) = rest.split_first()?;
    rest = after;
    let upper = u64::from_le_bytes(take(&mut rest)?);
    let ordinal = varint::take(&mut rest)?;
    let lower = if has & LOWER != 0 { u64::from_le_bytes(take(&mut rest)?) } else { 0 };
    let split = if has & SPLIT != 0 { u32::from_le_bytes(take(&mut rest)?) } else { 0 };
    let length = if has & VALUE != 0 { varint::take(&mut rest)? as usize } else { 0 };
    let start = block.len() - rest.len();
    let end = start.checked_add(length).filter(|&end| end <= block.len())?;
    Some(((Key::from(upper) << 64 | Key::from(lower), Origin { split, ordinal }, start, end), end))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*head)
}
