//! KenLM's binary files: the header, and the model of hash tables (`probing`).
//!
//! Written from the layout that `build_binary` of KenLM 0.3 leaves (format version 5): a check of the machine's
//! numbers, order and counts, the table of words, unigrams, a table for each higher order, and the words themselves.

use super::table::{Entry, Table, places_for};
use super::{MAX_ORDER, MULTIPLIER, Model, Names, trie};

const MAGIC: &[u8] = b"mmap lm http://kheafield.com/code format version 5\n\0";
const BEFORE_VERSION: &[u8] = b"mmap lm http://kheafield.com/code format version";
const UNFINISHED: &[u8] = b"mmap lm http://kheafield.com/code incomplete";

/// Whether a file is one of KenLM's.
pub fn is_binary(bytes: &[u8]) -> bool {
    bytes.starts_with(b"mmap lm http://kheafield.com/code")
}

/// The magic with its NUL, and up to a multiple of eight.
fn sanity() -> Vec<u8> {
    let mut sanity = MAGIC.to_vec();
    sanity.push(0);
    sanity.resize(sanity.len().next_multiple_of(8), 0);
    for number in [0.0_f32, 1.0, -0.5] {
        sanity.extend_from_slice(&number.to_le_bytes());
    }
    for number in [1, u32::MAX, 0] {
        sanity.extend_from_slice(&number.to_le_bytes());
    }
    sanity.extend_from_slice(&1_u64.to_le_bytes());
    sanity
}

/// Walks the bytes of a file.
pub struct Cursor<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Cursor<'a> {
    pub fn take(&mut self, length: u64) -> Result<&'a [u8], String> {
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
        let end = end.filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| format!("the file ends too early: it has {} bytes", self.bytes.len()))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    pub fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.take(4)?.try_into().expect("four bytes")))
    }

    pub fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.take(8)?.try_into().expect("eight bytes")))
    }

    /// A table for so many entries.
    fn table<E: Entry>(&mut self, entries: u64, multiplier: f32) -> Result<Table<E>, String> {
        let length = places_for(entries, multiplier).checked_mul(E::BYTES as u64).ok_or("a table is too large")?;
        Table::read(self.take(length)?)
    }
}

/// Reads a model of any of KenLM's kinds but the one with rest costs.
pub fn read(bytes: &[u8]) -> Result<Model, String> {
    if bytes.starts_with(UNFINISHED) {
        return Err("KenLM did not finish building this file".to_owned());
    }
    let sanity = sanity();
    if !bytes.starts_with(MAGIC) {
        let version = bytes.strip_prefix(BEFORE_VERSION).unwrap_or_default();
        let version = version.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).map(|&byte| char::from(byte));
        let version: String = version.collect();
        return Err(format!(
            "it is of KenLM's format version {version}; 5 can be read: build it again from the ARPA file"
        ));
    }
    if !bytes.starts_with(&sanity) {
        return Err("its numbers are not those of a 64-bit little-endian machine, or it is cut short".to_owned());
    }
    let mut cursor = Cursor { bytes, at: sanity.len() };
    let order = cursor.u32()? as u8 as usize;
    let multiplier = f32::from_bits(cursor.u32()?);
    let kind = cursor.u32()?;
    let has_names = cursor.u32()? as u8 != 0;
    let version = cursor.u32()?;
    if !(1.0..=100.0).contains(&multiplier) {
        return Err(format!("its probing multiplier is {multiplier}"));
    }
    if !(2..=MAX_ORDER).contains(&order) {
        return Err(format!("its order is {order}; from 2 to {MAX_ORDER} can be read"));
    }
    let mut counts = Vec::new();
    for _ in 0..order {
        counts.push(cursor.u64()?);
    }
    if counts.iter().any(|&count| count > bytes.len() as u64 * 8) {
        return Err("it states more n-grams than it has bits".to_owned());
    }
    cursor.at = cursor.at.next_multiple_of(8);
    let mut model = match (kind, version) {
        (0, 0) => probing(&mut cursor, &counts, multiplier)?,
        (2..=5, 1) => trie::read(&mut cursor, &counts, matches!(kind, 3 | 5), matches!(kind, 4 | 5))?,
        (1, _) => {
            return Err("it has rest costs (`build_binary -r`), which are for decoders; build it without".to_owned());
        }
        (0 | 2..=5, _) => return Err(format!("version {version} of its kind of table is not known")),
        _ => return Err(format!("it is of kind {kind}, which is not known")),
    };
    if has_names {
        let names = names(&bytes[cursor.at..], model.unigrams.len())?;
        let strays = (1..names.len()).any(|id| model.word(names.get(id)) as usize != id);
        if strays {
            return Err("its words are not those that its table has".to_owned());
        }
        model.names = Some(names);
    }
    model.checked()
}

fn names(bytes: &[u8], count: usize) -> Result<Names, String> {
    let mut names = Names::default();
    let mut rest = bytes;
    while let Some(end) = memchr::memchr(0, rest) {
        names.push(&rest[..end]);
        rest = &rest[end + 1..];
    }
    if !rest.is_empty() || names.len() != count || names.get(0) != b"<unk>" {
        return Err(format!("it has {} words at its end; its header says {count}", names.len()));
    }
    Ok(names)
}

/// Unigrams as they stand in a file: `each` bytes for each, of which the first eight are read here.
pub fn unigrams(bytes: &[u8], each: usize) -> Vec<[f32; 2]> {
    let float = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().expect("four bytes"));
    bytes.chunks_exact(each).map(|unigram| [float(&unigram[..4]), float(&unigram[4..8])]).collect()
}

fn probing(cursor: &mut Cursor, counts: &[u64], multiplier: f32) -> Result<Model, String> {
    let version = cursor.u32()?;
    let bound = cursor.u32()?;
    if version != 0 {
        return Err(format!("version {version} of the table of words is not known"));
    }
    let order = counts.len();
    let words = cursor.table(counts[0], multiplier)?;
    let mut unigrams = unigrams(cursor.take((counts[0] + 1) * 8)?, 8);
    if bound == 0 || bound as usize > unigrams.len() {
        return Err(format!("it has {bound} words and {} unigrams", unigrams.len()));
    }
    // There is room for an `<unk>` that the model may lack.
    unigrams.truncate(bound as usize);
    let middle = counts[1..order - 1].iter().map(|&count| cursor.table(count, multiplier)).collect::<Result<_, _>>()?;
    let longest = cursor.table(counts[order - 1], multiplier)?;
    Ok(Model { order, words, unigrams, middle, longest, begin: 0, end: 0, names: None })
}

/// Writes a model as `build_binary probing` does.
pub fn write(model: &Model) -> Result<Vec<u8>, String> {
    let names = model.names.as_ref().ok_or("the words of the model are not known")?;
    if model.order < 2 {
        return Err("KenLM's binary files have an order of 2 at least".to_owned());
    }
    let mut out = sanity();
    out.extend_from_slice(&(model.order as u32).to_le_bytes());
    out.extend_from_slice(&MULTIPLIER.to_le_bytes());
    out.extend_from_slice(&0_u32.to_le_bytes());
    out.extend_from_slice(&1_u32.to_le_bytes());
    out.extend_from_slice(&0_u32.to_le_bytes());
    let words = model.words.len() as u64;
    // KenLM states as many unigrams as there are, `<unk>` among them.
    let unigrams = words + 1;
    out.extend_from_slice(&unigrams.to_le_bytes());
    for count in &model.counts()[1..] {
        out.extend_from_slice(&(*count as u64).to_le_bytes());
    }
    out.resize(out.len().next_multiple_of(8), 0);
    out.extend_from_slice(&0_u32.to_le_bytes());
    out.extend_from_slice(&(model.unigrams.len() as u32).to_le_bytes());
    refitted(&model.words, unigrams).write(&mut out);
    for [prob, backoff] in &model.unigrams {
        out.extend_from_slice(&prob.to_le_bytes());
        out.extend_from_slice(&backoff.to_le_bytes());
    }
    out.extend_from_slice(&[0; 8]);
    for table in &model.middle {
        refitted(table, table.len() as u64).write(&mut out);
    }
    refitted(&model.longest, model.longest.len() as u64).write(&mut out);
    out.extend_from_slice(&names.bytes);
    Ok(out)
}

fn refitted<E: Entry>(table: &Table<E>, entries: u64) -> Table<E> {
    let mut other = Table::new(entries, MULTIPLIER);
    table.entries().for_each(|entry| {
        other.insert(*entry);
    });
    other
}
