//! Block files: how sealed blocks wait between tasks, each under its own checksum.
//!
//! ```text
//! block:  data length u32 | index length u32 | rows u64 | weight u64 | tokens u64 | xxh3-64 of all that and both strings u64 | data | index
//! ```
//! Little-endian. The record of the task holds the length and digest of the whole file, so a file
//! cut at a block boundary is noticed too.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use crate::sink::{Row, Sealed};

const HEADER: usize = 40;

/// What a block holds, in the sink's units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Totals {
    /// Rows, whatever they are.
    pub rows: u64,
    /// What they count for, in the unit a shard's size is given in.
    pub weight: u64,
    /// Tokens, where the sink counts them.
    pub tokens: u64,
}

impl Totals {
    /// Of one row.
    pub fn of(row: &Row) -> Totals {
        Totals { rows: 1, weight: row.weight, tokens: row.tokens }
    }
}

impl std::ops::AddAssign for Totals {
    fn add_assign(&mut self, other: Totals) {
        self.rows += other.rows;
        self.weight += other.weight;
        self.tokens += other.tokens;
    }
}

/// Appends blocks to a file.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
    /// Over the checksums of all blocks, which stand for their bytes.
    digest: blake3::Hasher,
}

impl Writer {
    /// Begins a file.
    pub fn create(path: &Path) -> io::Result<Writer> {
        Ok(Writer {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 16, File::create(path)?),
            digest: blake3::Hasher::new(),
        })
    }

    /// Adds a block.
    pub fn append(&mut self, sealed: &Sealed, totals: Totals) -> io::Result<()> {
        let mut header = [0; HEADER];
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| io::Error::other("a block of over 4 GiB"));
        header[..4].copy_from_slice(&length(&sealed.data)?.to_le_bytes());
        header[4..8].copy_from_slice(&length(&sealed.index)?.to_le_bytes());
        header[8..16].copy_from_slice(&totals.rows.to_le_bytes());
        header[16..24].copy_from_slice(&totals.weight.to_le_bytes());
        header[24..32].copy_from_slice(&totals.tokens.to_le_bytes());
        let check = checksum(&header[..32], sealed);
        header[32..].copy_from_slice(&check.to_le_bytes());
        self.digest.update(&header);
        for bytes in [&header[..], &sealed.data, &sealed.index] {
            self.file.write_all(bytes).map_err(super::commit::at(&self.path))?;
        }
        Ok(())
    }

    /// Completes the file, which is the caller's to sync, and tells the digest of its content.
    pub fn finish(self) -> io::Result<(File, String)> {
        let file = self.file.into_inner().map_err(|error| super::commit::at(&self.path)(error.into_error()))?;
        Ok((file, self.digest.finalize().to_hex().to_string()))
    }
}

fn checksum(header: &[u8], sealed: &Sealed) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(header);
    hasher.update(&sealed.data);
    hasher.update(&sealed.index);
    hasher.digest()
}

/// Reads blocks in order. A block that does not match its checksum is an error of kind
/// [`InvalidData`](io::ErrorKind::InvalidData).
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    left: u64,
}

impl Reader {
    /// Opens a file at its first block.
    pub fn open(path: &Path) -> io::Result<Reader> {
        let file = File::open(path).map_err(super::commit::at(path))?;
        let left = file.metadata()?.len();
        Ok(Reader { path: path.to_owned(), file: BufReader::with_capacity(1 << 16, file), left })
    }

    /// The next block, or `None` at the end of the file.
    pub fn next_block(&mut self) -> io::Result<Option<(Sealed, Totals)>> {
        let Some((header, totals)) = self.header()? else { return Ok(None) };
        let (data, index) = lengths(&header);
        let sealed = Sealed { data: self.bytes(data)?, index: self.bytes(index)? };
        if checksum(&header[..32], &sealed) != u64::from_le_bytes(header[32..].try_into().expect("eight bytes")) {
            return Err(self.damaged());
        }
        Ok(Some((sealed, totals)))
    }

    /// The next bytes of the file, into memory that nothing was written to before.
    fn bytes(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(length);
        match self.file.by_ref().take(length as u64).read_to_end(&mut bytes)? {
            read if read == length => Ok(bytes),
            _ => Err(self.damaged()),
        }
    }

    /// What the next block holds and its checksum, passing over its bytes.
    pub fn skip(&mut self) -> io::Result<Option<(Totals, u64)>> {
        let Some((header, totals)) = self.header()? else { return Ok(None) };
        let (data, index) = lengths(&header);
        self.file.seek_relative((data + index) as i64)?;
        Ok(Some((totals, u64::from_le_bytes(header[32..].try_into().expect("eight bytes")))))
    }

    /// Position of the next block.
    pub fn position(&mut self) -> io::Result<u64> {
        self.file.stream_position()
    }

    /// Goes to a position that [`position`](Reader::position) gave.
    pub fn seek(&mut self, position: u64) -> io::Result<()> {
        let length = self.file.get_ref().metadata()?.len();
        self.left = length.saturating_sub(position);
        self.file.seek(SeekFrom::Start(position)).map(drop)
    }

    fn header(&mut self) -> io::Result<Option<([u8; HEADER], Totals)>> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut header = [0; HEADER];
        if self.left < HEADER as u64 {
            return Err(self.damaged());
        }
        self.file.read_exact(&mut header)?;
        let (data, index) = lengths(&header);
        let size = (HEADER + data + index) as u64;
        // Checked before anything is allocated: a flipped bit in a length must not ask for gigabytes.
        if size > self.left {
            return Err(self.damaged());
        }
        self.left -= size;
        let word = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().expect("eight bytes"));
        Ok(Some((header, Totals { rows: word(8), weight: word(16), tokens: word(24) })))
    }

    fn damaged(&self) -> io::Error {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{}: a block does not match its checksum", self.path.display()),
        )
    }
}

fn lengths(header: &[u8; HEADER]) -> (usize, usize) {
    let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes")) as usize;
    (word(0), word(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(n: u8) -> Sealed {
        Sealed { data: vec![n; 100 + n as usize], index: vec![n; n as usize] }
    }

    #[test]
    fn blocks_come_back_as_they_were_and_any_flipped_bit_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blocks");
        let mut writer = Writer::create(&path).unwrap();
        for n in 0..3 {
            writer.append(&sealed(n), Totals { rows: n as u64, weight: 7, tokens: 9 }).unwrap();
        }
        writer.finish().unwrap();
        let mut reader = Reader::open(&path).unwrap();
        for n in 0..3 {
            let (block, totals) = reader.next_block().unwrap().unwrap();
            assert_eq!((block, totals.rows), (sealed(n), n as u64));
        }
        assert!(reader.next_block().unwrap().is_none());

        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            std::fs::write(&path, &bad).unwrap();
            let mut reader = Reader::open(&path).unwrap();
            let noticed = loop {
                match reader.next_block() {
                    Ok(Some(_)) => {}
                    Ok(None) => break false,
                    Err(_) => break true,
                }
            };
            assert!(noticed, "bit flipped in byte {at}");
        }
    }
}
