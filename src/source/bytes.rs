//! Bytes of a file as they were before compression: gzip of many members, zstd of many frames, plain.
//!
//! What is damaged is told apart from what cannot be read: a corrupt member is a [`Trouble`], which
//! becomes a record set aside, while an error of the disk stays an error and stops the run.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Limits;
use crate::store::Input;

/// Decompressed bytes are not called a bomb before there are this many.
const BOMB_FLOOR: u64 = 64 << 20;
const BUFFER: usize = 256 << 10;

/// Damage in the bytes: a fact about the file, not a failure of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub reason: &'static str,
    pub detail: String,
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
    /// Opens the file from `start` to its end.
    pub fn open(input: &Input, format: Format, start: u64, limits: Limits) -> io::Result<Bytes> {
        let taken = Arc::new(AtomicU64::new(0));
        let counted = Counted { inner: input.open(start..input.length)?, taken: taken.clone() };
        let raw = BufReader::with_capacity(BUFFER, counted);
        let inner: Box<dyn Read + Send> = match format {
            Format::Plain => Box::new(raw),
            Format::Gzip => Box::new(Members::new(raw)),
            Format::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(raw)?),
        };
        Ok(Bytes { inner, format, taken, given: 0, max_ratio: limits.max_ratio, over: false })
    }

    /// Fills `buffer` as far as there are bytes; 0 is the end. After damage it can be called again:
    /// it goes on where the next gzip member begins.
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
                "{} bytes became {}; that is over {} to 1",
                self.taken.load(Ordering::Relaxed),
                self.given,
                self.max_ratio
            );
            self.over = true;
            return Err(Broken::Data(Trouble { reason: "compression_bomb", detail }));
        }
        Ok(read)
    }

    fn explain(&mut self, error: io::Error) -> Broken {
        self.over = self.format != Format::Gzip;
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
        let detail = format!(
            "{error}, after {} bytes of the file and {} decompressed",
            self.taken.load(Ordering::Relaxed),
            self.given
        );
        Broken::Data(Trouble { reason, detail })
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

/// gzip members one after the other. After a corrupt one it goes on at the next.
struct Members<R: BufRead> {
    state: State<R>,
}

/// A file's rest, with bytes before it that were already taken from it.
type Rest<R> = io::Chain<io::Cursor<Vec<u8>>, R>;

#[expect(clippy::large_enum_variant, reason = "there is one for each open file, and it is nearly always the large one")]
enum State<R: BufRead> {
    Reading(flate2::bufread::GzDecoder<Rest<R>>),
    /// A member was corrupt: the next begins somewhere ahead.
    Lost(Rest<R>),
    Over,
}

impl<R: BufRead> State<R> {
    fn reading(before: Vec<u8>, rest: R) -> State<R> {
        State::Reading(flate2::bufread::GzDecoder::new(io::Cursor::new(before).chain(rest)))
    }
}

impl<R: BufRead> Members<R> {
    fn new(inner: R) -> Members<R> {
        Members { state: State::reading(Vec::new(), inner) }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return Ok(0),
                State::Lost(mut rest) => match find_member(&mut rest)? {
                    Some(before) => {
                        let (taken, rest) = rest.into_inner();
                        debug_assert_eq!(taken.position(), taken.get_ref().len() as u64);
                        self.state = State::reading(before, rest);
                    }
                    None => return Ok(0),
                },
                State::Reading(mut decoder) => match decoder.read(buffer) {
                    Ok(0) if !buffer.is_empty() => {
                        let mut rest = decoder.into_inner();
                        pass_zeros(&mut rest)?; // some writers pad
                        if !rest.fill_buf()?.is_empty() {
                            self.state = State::Reading(flate2::bufread::GzDecoder::new(rest));
                        }
                    }
                    Ok(read) => {
                        self.state = State::Reading(decoder);
                        return Ok(read);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                        self.state = State::Reading(decoder);
                        return Err(error);
                    }
                    Err(error) => {
                        self.state = State::Lost(decoder.into_inner());
                        return Err(error);
                    }
                },
            }
        }
    }
}

fn pass_zeros(rest: &mut impl BufRead) -> io::Result<()> {
    loop {
        let ahead = rest.fill_buf()?;
        let zeros = ahead.iter().take_while(|&&byte| byte == 0).count();
        if zeros == 0 {
            return Ok(());
        }
        rest.consume(zeros);
    }
}

/// Goes to the next bytes that begin a member: its magic number and the one method there is. Returns
/// how much of them has been taken already, which is where two buffers meet.
fn find_member(rest: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    const START: [u8; 3] = [0x1f, 0x8b, 0x08];
    let mut before: Vec<u8> = Vec::new();
    loop {
        let ahead = rest.fill_buf()?;
        if ahead.is_empty() {
            return Ok(None);
        }
        for from in 0..before.len() {
            let (begun, missing) = START.split_at(before.len() - from);
            if before[from..] == *begun && ahead.starts_with(missing) {
                return Ok(Some(before.split_off(from)));
            }
        }
        let found = memchr::memmem::find(ahead, &START);
        let passed = found.unwrap_or(ahead.len());
        before.extend_from_slice(&ahead[passed.saturating_sub(2)..passed]);
        before.drain(..before.len().saturating_sub(2));
        rest.consume(passed);
        if found.is_some() {
            return Ok(Some(Vec::new()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_found_wherever_buffers_end() {
        let bytes = [b"..\x1f..\x1f\x8b..".to_vec(), vec![0x1f, 0x8b, 0x08, 1, 2]].concat();
        for capacity in 1..12 {
            let mut rest = BufReader::with_capacity(capacity, &bytes[..]);
            let mut found = find_member(&mut rest).unwrap().unwrap();
            rest.read_to_end(&mut found).unwrap();
            assert_eq!(found, [0x1f, 0x8b, 0x08, 1, 2], "{capacity}");
        }
    }
}
