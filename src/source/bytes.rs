//! Bytes of a file as they were before compression: gzip of many members, zstd of many frames, plain.
//!
//! What is damaged is told apart from what cannot be read: a corrupt member is a [`Trouble`], which
//! becomes a record set aside, while an error of the disk stays an error and stops the run.

use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Limits;
use super::members::{self, AtStart, Codec, Members};
use crate::store::Input;

/// Decompressed bytes are not called a bomb before there are this many.
const BOMB_FLOOR: u64 = 64 << 20;
const BUFFER: usize = 256 << 10;

/// Damage in the bytes: a fact about the file, not a failure of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub reason: &'static str,
    pub detail: String,
    /// Whether bytes that were read before belong to what is damaged.
    pub reaches_back: bool,
}

/// What is missing besides the one record that is set aside for damage to compressed data: nobody can count it.
pub fn lost(reason: &str) -> Option<&'static str> {
    match reason {
        "truncated_gzip" | "truncated_zstd" => {
            Some("what followed in the whole file is not there, and how many records that were is not known")
        }
        "corrupt_gzip" => Some("all up to the next member is lost, and how many records that were is not known"),
        "corrupt_zstd" => Some("all up to the next frame is lost, and how many records that were is not known"),
        "compression_bomb" => Some("the rest of the file was left unread, and how many records it holds is not known"),
        _ => None,
    }
}

/// Why reading ended early.
#[derive(Debug)]
pub enum Broken {
    Data(Trouble),
    Machine(io::Error),
}

/// How a file is compressed, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Plain,
    Gzip,
    Zstd,
}

impl Format {
    /// Looks at the file's first bytes, not at its name: names lie.
    pub fn of(input: &Input) -> io::Result<Format> {
        let mut magic = Vec::new();
        input.open(0..input.length.min(4))?.read_to_end(&mut magic)?;
        Ok(match magic[..] {
            [0x1f, 0x8b, ..] => Format::Gzip,
            // A frame of data, or one to be skipped, with which some writers begin.
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Format::Zstd,
            _ => Format::Plain,
        })
    }
}

/// A file's bytes, decompressed as they are asked for.
pub struct Bytes {
    inner: Box<dyn Read + Send>,
    format: Format,
    taken: Arc<AtomicU64>,
    given: u64,
    max_ratio: u64,
    /// Nothing more can be read: what cannot be resumed was damaged.
    over: bool,
}

impl Bytes {
    /// Opens a range of the file. In a compressed file it begins where a member does; see [`splits`].
    pub fn open(input: &Input, format: Format, range: Range<u64>, limits: Limits) -> io::Result<Bytes> {
        let taken = Arc::new(AtomicU64::new(0));
        let counted = Counted { inner: input.open(range)?, taken: taken.clone() };
        let raw = BufReader::with_capacity(BUFFER, counted);
        let inner: Box<dyn Read + Send> = match format {
            Format::Plain => Box::new(raw),
            Format::Gzip => Box::new(Members::new(Codec::Gzip, raw)),
            Format::Zstd => Box::new(Members::new(Codec::zstd(input)?, raw)),
        };
        Ok(Bytes { inner, format, taken, given: 0, max_ratio: limits.max_ratio, over: false })
    }

    /// Fills `buffer` as far as there are bytes; 0 is the end. After damage it can be called again:
    /// it goes on where the next member or frame begins.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Broken> {
        if self.over {
            return Ok(0);
        }
        let read = loop {
            match self.inner.read(buffer) {
                Ok(read) => break read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.explain(error)),
            }
        };
        self.given += read as u64;
        if self.given > BOMB_FLOOR && self.given / self.max_ratio > self.taken.load(Ordering::Relaxed) {
            let detail = format!(
                "{} bytes became {}, which is over {} to 1; {}",
                self.taken.load(Ordering::Relaxed),
                self.given,
                self.max_ratio,
                lost("compression_bomb").unwrap_or_default()
            );
            self.over = true;
            return Err(Broken::Data(Trouble { reason: "compression_bomb", detail, reaches_back: true }));
        }
        Ok(read)
    }

    fn explain(&mut self, error: io::Error) -> Broken {
        self.over = self.format == Format::Plain;
        // Errors of the system carry its number; those of a decoder do not.
        if error.raw_os_error().is_some() {
            return Broken::Machine(error);
        }
        let truncated = error.kind() == io::ErrorKind::UnexpectedEof;
        let reason = match (self.format, truncated) {
            (Format::Gzip, true) => "truncated_gzip",
            (Format::Gzip, false) => "corrupt_gzip",
            (Format::Zstd, true) => "truncated_zstd",
            (Format::Zstd, false) => "corrupt_zstd",
            (Format::Plain, _) => return Broken::Machine(error),
        };
        let (taken, given) = (self.taken.load(Ordering::Relaxed), self.given);
        let detail = match truncated {
            true => format!("the file ends after {taken} bytes, within compressed data"),
            false => format!("{error}, after {taken} bytes of the file and {given} decompressed"),
        };
        let detail = format!("{detail}; {}", lost(reason).unwrap_or_default());
        let reaches_back = !error.get_ref().is_some_and(|error| error.is::<AtStart>());
        Broken::Data(Trouble { reason, detail, reaches_back })
    }
}

/// Counts what is taken from the file.
struct Counted {
    inner: Box<dyn Read + Send>,
    taken: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.taken.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Cuts a compressed file where members or frames begin, into ranges of about `target` bytes that can be
/// opened apart. `begins` is what their content must begin with. A file that cannot be cut so is one
/// range, and so is a plain one.
pub fn splits(input: &Input, target: u64, begins: &[u8]) -> io::Result<Vec<Range<u64>>> {
    let codec = match Format::of(input)? {
        _ if input.length <= target => return Ok(input.whole()),
        Format::Plain => return Ok(input.whole()),
        Format::Gzip => Codec::Gzip,
        Format::Zstd => Codec::zstd(input)?,
    };
    let mut ranges = Vec::new();
    let mut start = 0;
    for wanted in (1..input.length.div_ceil(target)).map(|part| part * target) {
        if let Some(cut) = members::first_behind(input, &codec, wanted, begins)?
            && cut > start
        {
            ranges.push(start..cut);
            start = cut;
        }
    }
    ranges.push(start..input.length);
    Ok(ranges)
}
