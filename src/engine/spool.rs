//! The spool: documents that wait for their next phase, and the decisions that wait for them.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use wanjuan_filters::kit::Origin;

use super::codec::{self, Waiting};
use super::commit::{Drafts, Ledger, at};
use super::lane::{LaneOutput, Pack};
use super::map::{Segment, segment_key};
use super::shuffle::{Merge, Order, Run, Sorter, address};
use super::{Failure, blocks};
use crate::sink::{Block, Sealed, ShardFile};

/// Name of the spool's lane.
pub const LANE: &str = "spool";

/// Bytes of a block's index before the ends of its rows.
const HEAD: usize = 16;

/// Level of zstd for waiting documents: they are written once and read once or twice, soon. Against level 1 a
/// quarter more bytes in half of the time.
const LEVEL: i32 = -4;

/// How waiting documents are stored: blocks of zstd, or plain ones. A block says which it is: as long as its rows
/// are, it is plain.
pub struct SpoolPack {
    /// Bytes of a block, before compression.
    pub block_bytes: usize,
    /// Whether blocks stay as they are: less work on more disk.
    pub plain: bool,
}

impl Pack for SpoolPack {
    fn block_bytes(&self) -> usize {
        self.block_bytes
    }

    fn shard_weight(&self) -> u64 {
        u64::MAX
    }

    fn seal(&self, block: Block) -> io::Result<Sealed> {
        let last = block.rows().last().and_then(codec::place).unwrap_or_default().1;
        let mut index = Vec::with_capacity(HEAD + 8 * block.ends.len());
        for word in [block.bytes.len() as u64, last] {
            index.extend_from_slice(&word.to_le_bytes());
        }
        index.extend(block.ends.iter().flat_map(|end| (*end as u64).to_le_bytes()));
        let compressed = if self.plain { None } else { Some(zstd::bulk::compress(&block.bytes, LEVEL)?) };
        let shorter = compressed.filter(|data| data.len() < block.bytes.len());
        Ok(Sealed { data: shorter.unwrap_or(block.bytes), index })
    }

    fn publish(
        &self,
        _: &Path,
        _: usize,
        _: &mut dyn Iterator<Item = io::Result<Sealed>>,
    ) -> io::Result<Vec<ShardFile>> {
        unreachable!("the spool is never published")
    }
}

/// A block of waiting documents, as stored.
pub struct SpooledBlock {
    sealed: Sealed,
    /// Ordinal of the last document.
    pub last: u64,
    /// Bytes, decompressed.
    pub length: usize,
    /// How many documents wait in it. One that waits at several nodes counts at each.
    pub rows: u64,
}

impl SpooledBlock {
    fn new(sealed: Sealed) -> io::Result<SpooledBlock> {
        let word = |at: usize| {
            sealed.index.get(at..at + 8).map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes")))
        };
        let (Some(length), Some(last)) = (word(0), word(8)) else { return Err(io::ErrorKind::InvalidData.into()) };
        let rows = (sealed.index.len() as u64 - HEAD as u64) / 8;
        Ok(SpooledBlock { last, length: length as usize, rows, sealed })
    }

    /// Bytes, as stored.
    pub fn stored(&self) -> u64 {
        (self.sealed.data.len() + self.sealed.index.len()) as u64
    }

    /// The rows, one after the other.
    fn bytes(&self) -> io::Result<Cow<'_, [u8]>> {
        let data = &self.sealed.data;
        match data.len() == self.length {
            true => Ok(Cow::Borrowed(data)),
            false => zstd::bulk::decompress(data, self.length).map(Cow::Owned),
        }
    }

    /// How many rows there are up to the document `ordinal`, its own included.
    pub fn rows_up_to(&self, ordinal: u64) -> io::Result<u64> {
        if ordinal >= self.last {
            return Ok(self.rows);
        }
        let mut rows = 0;
        self.ordinals(|row| {
            rows += u64::from(row <= ordinal);
            row <= ordinal
        })?;
        Ok(rows)
    }

    /// Ordinal of the document in a row, the first being 0.
    pub fn ordinal_of(&self, row: u64) -> io::Result<u64> {
        let (mut passed, mut found) = (0, self.last);
        self.ordinals(|ordinal| {
            found = ordinal;
            passed += 1;
            passed <= row
        })?;
        Ok(found)
    }

    /// Calls `each` with the ordinal of every row while it says to go on.
    fn ordinals(&self, mut each: impl FnMut(u64) -> bool) -> io::Result<()> {
        let bytes = self.bytes()?;
        let mut start = 0;
        for end in self.sealed.index[HEAD..].chunks_exact(8) {
            let end = u64::from_le_bytes(end.try_into().expect("eight bytes")) as usize;
            let (_, ordinal) = bytes.get(start..end).and_then(codec::place).ok_or(io::ErrorKind::InvalidData)?;
            if !each(ordinal) {
                break;
            }
            start = end;
        }
        Ok(())
    }

    /// Decodes the documents that are wanted, by the node they wait at and their ordinal, in order.
    pub fn some(
        &self,
        split: u32,
        mut wanted: impl FnMut(u32, u64) -> Result<bool, Failure>,
        mut each: impl FnMut(Waiting) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        // The block matched its checksum, so a row that cannot be read was written wrong.
        let wrong = || io::Error::other("a spooled document cannot be decoded");
        let bytes = self.bytes()?;
        let mut start = 0;
        for end in self.sealed.index[HEAD..].chunks_exact(8) {
            let end = u64::from_le_bytes(end.try_into().expect("eight bytes")) as usize;
            let row = bytes.get(start..end).ok_or_else(wrong)?;
            let (node, ordinal) = codec::place(row).ok_or_else(wrong)?;
            if wanted(node, ordinal)? {
                each(codec::decode(row, split).ok_or_else(wrong)?)?;
            }
            start = end;
        }
        Ok(())
    }
}

/// Reads the spool of one split in order.
pub struct SpoolReader {
    ledger: Ledger,
    task: String,
    files: std::vec::IntoIter<(usize, LaneOutput)>,
    open: Option<(usize, blocks::Reader)>,
}

impl SpoolReader {
    /// Reads what a task's segments left.
    pub fn new(ledger: &Ledger, task: &str, segments: &[Segment]) -> SpoolReader {
        let files: Vec<_> = segments
            .iter()
            .enumerate()
            .flat_map(|(number, segment)| {
                segment.lanes.iter().filter(|lane| lane.lane == LANE).map(move |lane| (number, lane.clone()))
            })
            .collect();
        SpoolReader { ledger: ledger.clone(), task: task.to_owned(), files: files.into_iter(), open: None }
    }

    /// The next block, or `None` after the last.
    pub fn next_block(&mut self) -> Result<Option<SpooledBlock>, Failure> {
        loop {
            if let Some((segment, reader)) = &mut self.open {
                let damaged = |error| Failure::damaged(&self.ledger, &segment_key(&self.task, *segment), error);
                match reader.next_block().map_err(damaged)? {
                    Some((sealed, _)) => return SpooledBlock::new(sealed).map(Some).map_err(damaged),
                    None => self.open = None,
                }
            }
            let Some((segment, lane)) = self.files.next() else { return Ok(None) };
            let reader = blocks::Reader::open(&self.ledger.locate(&lane.output));
            let damaged = |error| Failure::damaged(&self.ledger, &segment_key(&self.task, segment), error);
            self.open = Some((segment, reader.map_err(damaged)?));
        }
    }
}

/// What one stage decided about the documents of one split, in their order.
pub struct Decisions {
    merge: Merge,
    /// Where the files came from, to name the one that turns out damaged.
    ledger: Ledger,
    tasks: Vec<String>,
    /// Decisions that are asked for again, in order: about the last document, which may also wait in the next
    /// block, and about what there was no room for.
    held: Vec<Decided>,
}

/// The document kept in the stead of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept<S> {
    /// Of the corpus: the key of its split, its ordinal.
    Here(S, u64),
    /// Of an index: which, and its id, as `measures/` has them.
    Indexed(S),
}

/// A decision as it travels: the document, the one kept instead, and the stage's own bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Of the document it is about.
    pub ordinal: u64,
    /// The one kept instead.
    pub kept: Option<Kept<String>>,
    /// What the stage said beside.
    pub bytes: Vec<u8>,
}

/// How many files of decisions are read side by side.
const MOST_OPEN: usize = 8;
/// Length of a split's key in a decision.
const SPLIT_KEY: usize = 32;

/// Bytes of a decision in one record. The rest follows in records of its own, which sort behind the first.
const PIECE: usize = 256 << 10;
/// First byte of a record of a decision: nothing was kept in its stead.
const NONE: u8 = 0;
/// A document of the corpus was: the key of its split and its ordinal follow.
const HERE: u8 = 1;
/// One of an index was: the length of its name and the name follow.
const INDEXED: u8 = 2;
/// What follows continues the record before.
const CONTINUED: u8 = 3;

/// How many records a decision takes.
pub fn decision_pieces(bytes: &[u8]) -> usize {
    bytes.len().div_ceil(PIECE).max(1)
}

/// Writes one record of a decision. A split is written by its key, since its number may change.
pub fn encode_decision(kept: Option<Kept<&str>>, bytes: &[u8], piece: usize, out: &mut Vec<u8>) {
    out.clear();
    match kept {
        _ if piece > 0 => {
            out.push(CONTINUED);
            out.extend_from_slice(&(piece as u32).to_be_bytes());
        }
        Some(Kept::Here(key, ordinal)) => {
            out.push(HERE);
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(&ordinal.to_le_bytes());
        }
        Some(Kept::Indexed(text)) => {
            out.push(INDEXED);
            out.extend_from_slice(&(text.len() as u64).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        None => out.push(NONE),
    }
    let start = piece * PIECE;
    out.extend_from_slice(&bytes[start..bytes.len().min(start + PIECE)]);
}

fn decode_decision(ordinal: u64, value: &[u8]) -> Option<Decided> {
    let (tag, rest) = value.split_first()?;
    let (kept, bytes) = match *tag {
        NONE => (None, rest),
        HERE => {
            let (key, rest) = rest.split_at_checked(SPLIT_KEY)?;
            let (ordinal, bytes) = rest.split_first_chunk()?;
            (Some(Kept::Here(std::str::from_utf8(key).ok()?.to_owned(), u64::from_le_bytes(*ordinal))), bytes)
        }
        INDEXED => {
            let (length, rest) = rest.split_first_chunk()?;
            let (text, bytes) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
            (Some(Kept::Indexed(std::str::from_utf8(text).ok()?.to_owned())), bytes)
        }
        _ => return None,
    };
    Some(Decided { ordinal, kept, bytes: bytes.to_vec() })
}

impl Decisions {
    /// Opens the decisions about `split` in the files of a reduce phase. From many files they are
    /// gathered into one first, in `memory` bytes: what is held open does not grow with the corpus.
    pub fn open(
        ledger: &Ledger,
        runs: &[(String, Run)],
        split: u32,
        drafts: &Drafts,
        memory: usize,
    ) -> Result<Decisions, Failure> {
        let first = address(Origin { split, ordinal: 0 });
        let keys = first..=first | u128::from(u64::MAX);
        let cursor = |(task, run): &(String, Run)| {
            run.range(keys.clone()).map_err(|error| Failure::damaged(ledger, task, error))
        };
        let mut cursors = Vec::new();
        if runs.len() <= MOST_OPEN {
            for run in runs {
                cursors.push((None, cursor(run)?));
            }
        } else {
            let path = drafts.unused();
            let mut sorter = Sorter::create(&path, memory, false);
            for run in runs {
                let mut cursor = cursor(run)?;
                while let Some(record) = cursor.record() {
                    sorter.push(record)?;
                    cursor.advance().map_err(|error| Failure::damaged(ledger, &run.0, error))?;
                }
            }
            sorter.finish()?;
            cursors.push((None, Run::open(&path)?.range(keys.clone())?));
            std::fs::remove_file(&path).map_err(at(&path))?; // it is open, and stays until it is closed
        }
        let tasks = runs.iter().map(|(task, _)| task.clone()).collect();
        Ok(Decisions { merge: Merge::new(cursors, Order::Plain), ledger: ledger.clone(), tasks, held: Vec::new() })
    }

    /// The decisions about documents up to and including `last`, or up to the document whose decision makes
    /// them more than `most` bytes, and which document that is.
    pub fn up_to(&mut self, last: u64, most: usize) -> Result<(Vec<Decided>, u64), Failure> {
        let mut decided: Vec<Decided> = Vec::new();
        let mut held = std::mem::take(&mut self.held).into_iter().peekable();
        let mut bytes = 0;
        let reached = loop {
            let next = match held.peek() {
                Some(decided) => Some(decided.ordinal),
                None => self.merge.peek().map(|record| record.key as u64),
            };
            let Some(ordinal) = next.filter(|&ordinal| ordinal <= last) else { break last };
            if let Some(before) = decided.last().filter(|before| bytes > most && before.ordinal < ordinal) {
                break before.ordinal;
            }
            let next = match held.next() {
                Some(decided) => decided,
                None => self.next(ordinal)?,
            };
            bytes += next.bytes.len();
            decided.push(next);
        };
        self.held = held.collect();
        Ok((decided, reached))
    }

    /// Holds what was decided about the document `from` and those after it: it is asked for again.
    pub fn hold(&mut self, decided: &[Decided], from: u64) {
        let again = decided.iter().filter(|decided| decided.ordinal >= from).cloned();
        self.held.splice(..0, again.collect::<Vec<_>>());
    }

    /// The next decision, with all its pieces, and joined with all others about the document.
    fn next(&mut self, ordinal: u64) -> Result<Decided, Failure> {
        let mut decided: Option<Decided> = None;
        while let Some(record) = self.merge.peek().filter(|record| record.key as u64 == ordinal) {
            let whole = match (&mut decided, record.value) {
                (Some(decided), [CONTINUED, rest @ ..]) => {
                    rest.get(4..).map(|bytes| decided.bytes.extend_from_slice(bytes)).is_some()
                }
                (Some(decided), value) => match decode_decision(ordinal, value) {
                    None => false,
                    Some(another) => {
                        decided.bytes.extend_from_slice(&another.bytes);
                        decided.kept = decided.kept.take().or(another.kept);
                        true
                    }
                },
                (None, value) => {
                    decided = decode_decision(ordinal, value);
                    decided.is_some()
                }
            };
            if !whole {
                return Err(self.damaged(io::ErrorKind::InvalidData.into()));
            }
            self.merge.advance().map_err(|error| self.damaged(error))?;
        }
        decided.ok_or_else(|| self.damaged(io::ErrorKind::InvalidData.into()))
    }

    /// Damage found while merging names no single file; the first task is as good a place to start
    /// as any, since the next attempt finds the next one.
    fn damaged(&self, error: io::Error) -> Failure {
        let named = self.tasks.iter().find(|task| error.to_string().contains(task.as_str()));
        Failure::damaged(&self.ledger, named.or(self.tasks.first()).map_or("", String::as_str), error)
    }
}

#[cfg(test)]
mod tests {
    use super::super::shuffle::Record;
    use super::*;

    #[test]
    fn decisions_in_many_files_are_those_in_one() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path().join("phase")).unwrap();
        let drafts = Drafts::open(folder.path()).unwrap();
        let decisions = |files: u64| {
            let write = |file: u64| {
                let path = folder.path().join(format!("{files}-{file}"));
                let mut sorter = Sorter::create(&path, 1 << 20, true);
                for ordinal in (0..500).filter(|ordinal| ordinal % files == file) {
                    for split in [3, 4, 5] {
                        let mut value = Vec::new();
                        encode_decision(None, &[split as u8, ordinal as u8], 0, &mut value);
                        let key = address(Origin { split, ordinal });
                        sorter.push(Record { key, value: &value, origin: Origin::default() }).unwrap();
                    }
                }
                sorter.finish().unwrap();
                (format!("task{file}"), Run::open(&path).unwrap())
            };
            let runs: Vec<_> = (0..files).map(write).collect();
            let mut decisions = Decisions::open(&ledger, &runs, 4, &drafts, 1 << 16).unwrap();
            let found = [77, 1000].map(|last| {
                let found = decisions.up_to(last, usize::MAX).unwrap().0;
                decisions.hold(&found, last);
                found
            });
            found.map(|found| found.into_iter().map(|one| (one.ordinal, one.bytes)).collect::<Vec<_>>())
        };
        let one = decisions(1);
        assert_eq!((one[0].len(), one[1].len()), (78, 423), "the last one asked for is held for the next block");
        assert_eq!(one, decisions(40));
        assert_eq!(std::fs::read_dir(drafts.folder()).unwrap().count(), 0);
    }

    #[test]
    fn decisions_about_one_document_are_one() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path().join("phase")).unwrap();
        let drafts = Drafts::open(folder.path()).unwrap();
        let key = "0123456789abcdef0123456789abcdef";
        let kept = [Some(Kept::Here(key, 9)), None, Some(Kept::Here(key, 4))];
        let write = |file: usize| {
            let path = folder.path().join(format!("{file}"));
            let mut sorter = Sorter::create(&path, 1 << 20, true);
            let mut value = Vec::new();
            for ordinal in [1, 2] {
                encode_decision(kept[file].clone(), &[file as u8; 2], 0, &mut value);
                let key = address(Origin { split: 0, ordinal });
                sorter.push(Record { key, value: &value, origin: Origin::default() }).unwrap();
            }
            sorter.finish().unwrap();
            (format!("task{file}"), Run::open(&path).unwrap())
        };
        let runs: Vec<_> = (0..3).map(write).collect();
        let decided = Decisions::open(&ledger, &runs, 0, &drafts, 1 << 16).unwrap().up_to(9, usize::MAX).unwrap().0;
        let whole =
            |ordinal| Decided { ordinal, kept: Some(Kept::Here(key.to_owned(), 4)), bytes: vec![1, 1, 2, 2, 0, 0] };
        assert_eq!(decided, [whole(1), whole(2)]);
    }

    #[test]
    fn a_decision_of_megabytes_comes_back_whole_and_few_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path().join("phase")).unwrap();
        let drafts = Drafts::open(folder.path()).unwrap();
        let bytes = |ordinal: u64| {
            let length = if ordinal.is_multiple_of(3) { 2_000_000 + ordinal as usize } else { 5 };
            (0..length).map(|at| (at * 7 + ordinal as usize) as u8).collect::<Vec<u8>>()
        };
        let path = folder.path().join("decisions");
        let mut sorter = Sorter::create(&path, 1 << 20, true);
        let mut value = Vec::new();
        for ordinal in (0..9).rev() {
            for piece in (0..decision_pieces(&bytes(ordinal))).rev() {
                encode_decision(None, &bytes(ordinal), piece, &mut value);
                let key = address(Origin { split: 1, ordinal });
                sorter.push(Record { key, value: &value, origin: Origin::default() }).unwrap();
            }
        }
        sorter.finish().unwrap();
        let runs = [("task".to_owned(), Run::open(&path).unwrap())];
        let mut decisions = Decisions::open(&ledger, &runs, 1, &drafts, 1 << 16).unwrap();
        let mut ends = Vec::new();
        let mut seen = 0;
        loop {
            let (decided, reached) = decisions.up_to(8, 1 << 20).unwrap();
            for one in decided {
                assert!(one.bytes == bytes(one.ordinal), "{}", one.ordinal);
                assert_eq!(one.ordinal, seen);
                seen = one.ordinal + 1;
            }
            ends.push(reached);
            if reached == 8 {
                break;
            }
        }
        assert_eq!((seen, ends), (9, vec![0, 3, 6, 8]));
    }

    #[test]
    fn decisions_come_back_as_they_were() {
        let key = "0123456789abcdef0123456789abcdef";
        let owned = |kept: Kept<&str>| match kept {
            Kept::Here(key, ordinal) => Kept::Here(key.to_owned(), ordinal),
            Kept::Indexed(text) => Kept::Indexed(text.to_owned()),
        };
        for kept in [None, Some(Kept::Here(key, 7)), Some(Kept::Indexed("../a#文"))] {
            let mut bytes = Vec::new();
            encode_decision(kept.clone(), b"x", 0, &mut bytes);
            let decided = decode_decision(3, &bytes).unwrap();
            assert_eq!(decided, Decided { ordinal: 3, kept: kept.map(owned), bytes: b"x".to_vec() });
        }
        assert_eq!(decode_decision(3, &[1, 2]), None);
    }
}
