//! Records of a web archive, cut out of its bytes, broken ones among them.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;

use super::super::bytes::{Broken, Bytes, Format};
use super::super::http::{find_header, headers};
use super::super::{Bad, KEPT_RAW, Limits};
use crate::store::Input;

/// A WARC record: its headers and its block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    head: Vec<u8>,
    /// What the record holds: for a response, HTTP.
    pub block: Vec<u8>,
    /// Where it starts, in decompressed bytes.
    offset: u64,
}

impl Record {
    /// A header's value as text.
    pub fn header(&self, name: &str) -> Option<String> {
        let headers = headers(self.head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii));
        // Some crawlers write URIs between angle brackets; the standard once asked for it.
        let value = find_header(&headers, name)?;
        let value = value.strip_prefix(b"<").and_then(|value| value.strip_suffix(b">")).unwrap_or(value);
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// The record's own id, without the ornament around it.
    pub fn id(&self) -> String {
        let id = self.header("WARC-Record-ID").unwrap_or_default();
        id.trim_start_matches("urn:uuid:").to_owned()
    }

    /// The record as one that is set aside.
    pub fn bad(&self, reason: &'static str, detail: String) -> Bad {
        let raw = [&self.head[..], b"\r\n\r\n", &self.block[..self.block.len().min(KEPT_RAW)]].concat();
        Bad { reason, detail, offset: Some(self.offset), raw: raw[..raw.len().min(KEPT_RAW)].to_vec() }
    }
}

/// Consecutive records of a file, broken ones in their places.
#[derive(Debug, Default)]
pub struct Records {
    /// Records, and what is broken, in order.
    pub entries: Vec<Result<Record, Bad>>,
    /// Bytes they hold.
    pub held: usize,
}

/// What every record begins with.
pub const START: &[u8] = b"WARC/";

/// Headers of a record above this are no headers.
const MAX_HEAD: usize = 256 << 10;

/// Cuts a file into records of the kinds that are wanted. The block of any other is never held.
pub struct RecordReader {
    bytes: Bytes,
    limits: Limits,
    wanted: fn(&str) -> bool,
    buffer: VecDeque<u8>,
    chunk: Vec<u8>,
    /// Of the buffer's first byte, in decompressed bytes.
    offset: u64,
    /// Damage that was met while a record was being read, and whether that record is in doubt.
    trouble: Option<Bad>,
    reaches_back: bool,
    over: bool,
}

impl RecordReader {
    /// Opens a range of an archive, for records of the types that `wanted` names.
    pub fn open(
        input: &Input,
        range: Range<u64>,
        limits: Limits,
        wanted: fn(&str) -> bool,
    ) -> io::Result<RecordReader> {
        let bytes = Bytes::open(input, Format::of(input)?, range, limits)?;
        Ok(RecordReader {
            bytes,
            limits,
            wanted,
            buffer: VecDeque::new(),
            chunk: vec![0; 128 << 10],
            offset: 0,
            trouble: None,
            reaches_back: false,
            over: false,
        })
    }

    /// The next records, or `None` after the last.
    pub fn next_records(&mut self) -> io::Result<Option<Records>> {
        let mut records = Records::default();
        while records.held < self.limits.batch_bytes && records.entries.len() < 4096 {
            match self.record()? {
                Some(Ok(Some(record))) => {
                    records.held += record.head.len() + record.block.len();
                    records.entries.push(Ok(record));
                }
                Some(Ok(None)) => {} // of a kind that is not wanted
                Some(Err(bad)) => {
                    records.held += bad.raw.len();
                    records.entries.push(Err(bad));
                }
                None => break,
            }
        }
        Ok((!records.entries.is_empty()).then_some(records))
    }

    /// Makes the buffer hold `length` bytes, as far as there are that many before the end or damage.
    fn fill(&mut self, length: usize) -> io::Result<bool> {
        while self.buffer.len() < length && !self.over && self.trouble.is_none() {
            match self.bytes.read(&mut self.chunk) {
                Ok(0) => self.over = true,
                Ok(read) => self.buffer.extend(&self.chunk[..read]),
                Err(Broken::Machine(error)) => return Err(error),
                Err(Broken::Data(trouble)) => {
                    self.reaches_back = trouble.reaches_back;
                    self.trouble =
                        Some(Bad { reason: trouble.reason, detail: trouble.detail, offset: None, raw: Vec::new() });
                }
            }
        }
        Ok(self.buffer.len() >= length)
    }

    fn consume(&mut self, length: usize) -> Vec<u8> {
        self.offset += length as u64;
        self.buffer.drain(..length).collect()
    }

    /// One record; the inner `None` is one that is not wanted.
    fn record(&mut self) -> io::Result<Option<Result<Option<Record>, Bad>>> {
        // Records end with two line ends; some writers forget them, or write more.
        while self.fill(1)? && matches!(self.buffer[0], b'\r' | b'\n') {
            self.consume(1);
        }
        if self.buffer.is_empty() {
            // Either the end, or damage between records; after damage there may be more.
            return Ok(self.trouble.take().map(|mut bad| {
                bad.offset = Some(self.offset);
                Err(bad)
            }));
        }
        let start = self.offset;
        self.fill(5)?;
        if !starts_with(&self.buffer, START) {
            return self.resynchronise("malformed_warc", "there is no record where one should begin").map(Some);
        }
        let Some(head_length) = self.find_head()? else {
            return self.broken_off(start).map(Some);
        };
        let head = self.consume(head_length);
        let head = head.trim_ascii_end().to_vec();
        let mut record = Record { head, block: Vec::new(), offset: start };
        let length = record.header("Content-Length").and_then(|length| length.trim().parse::<usize>().ok());
        let Some(length) = length else {
            return self.resynchronise("malformed_warc", "a record without a length").map(Some);
        };
        let kind = record.header("WARC-Type").unwrap_or_default().to_ascii_lowercase();
        let wanted = (self.wanted)(&kind);
        let too_large = length > self.limits.max_document.saturating_add(64 << 10);
        if too_large {
            // What is claimed cannot be held, but another record may begin within what can.
            let near = self.limits.max_document;
            self.fill(near)?;
            if let Some(block) = self.end_within(near) {
                record.block = self.consume(block);
                return Ok(Some(Err(record.bad("malformed_warc", format!("{block} of {length} bytes are its own")))));
            }
        }
        if !wanted || too_large {
            let whole = self.pass(length)?;
            return match (wanted, whole) {
                (true, true) => Ok(Some(Err(record.bad(
                    "too_large",
                    format!("a record of {length} bytes; the limit is {}", self.limits.max_document),
                )))),
                (false, true) => Ok(Some(Ok(None))),
                (_, false) => self.broken_off(start).map(Some),
            };
        }
        let whole = self.fill(length + 1)? || self.buffer.len() == length;
        let follows = |buffer: &VecDeque<u8>| buffer.get(length).is_none_or(|byte| b"\r\nW".contains(byte));
        if !(whole && follows(&self.buffer))
            && let Some(block) = self.end_within(length)
        {
            // The length lies: the next record begins within what it claims.
            record.block = self.consume(block);
            return Ok(Some(Err(record.bad("malformed_warc", format!("{block} of {length} bytes are its own")))));
        }
        if !whole {
            record.block = self.buffer.iter().take(KEPT_RAW).copied().collect();
            let cut = record.bad("truncated_record", format!("{} of {length} bytes are there", self.buffer.len()));
            let rest = self.buffer.len();
            self.consume(rest);
            // The damage that cut it is told by the record itself.
            self.trouble = None;
            return Ok(Some(Err(cut)));
        }
        record.block = self.consume(length);
        // Looking past the record's end makes the decoder check its member's sum: only then is it
        // known that these are the bytes that were written.
        self.fill(5)?;
        if self.buffer.iter().all(|byte| b"\r\n".contains(byte))
            && self.reaches_back
            && let Some(trouble) = self.trouble.take()
        {
            return Ok(Some(Err(record.bad(trouble.reason, trouble.detail))));
        }
        Ok(Some(Ok(Some(record))))
    }

    /// Where among the next `length` bytes a record ends and another begins.
    fn end_within(&mut self, length: usize) -> Option<usize> {
        const BORDER: &[u8] = b"\r\n\r\nWARC/";
        let held = self.buffer.make_contiguous();
        let claimed = &held[..held.len().min(length.saturating_add(BORDER.len()))];
        memchr::memmem::find(claimed, BORDER).map(|at| at + 4)
    }

    /// Length of the record's headers and the empty line after them.
    fn find_head(&mut self) -> io::Result<Option<usize>> {
        let mut want = 1024;
        loop {
            let more = self.fill(want)?;
            let seen = self.buffer.make_contiguous();
            let crlf = memchr::memmem::find(seen, b"\r\n\r\n").map(|at| at + 4);
            let lf = memchr::memmem::find(seen, b"\n\n").map(|at| at + 2);
            if let Some(length) = [crlf, lf].into_iter().flatten().min() {
                return Ok(Some(length));
            }
            if !more || want > MAX_HEAD {
                return Ok(None);
            }
            want *= 2;
        }
    }

    /// Passes over bytes without holding them; false if they are not all there.
    fn pass(&mut self, mut length: usize) -> io::Result<bool> {
        while length > 0 {
            if !self.fill(1)? {
                return Ok(false);
            }
            let now = length.min(self.buffer.len());
            self.buffer.drain(..now);
            self.offset += now as u64;
            length -= now;
        }
        Ok(true)
    }

    /// The record breaks off at the end of what can be read.
    fn broken_off(&mut self, start: u64) -> io::Result<Result<Option<Record>, Bad>> {
        let raw = self.buffer.iter().take(KEPT_RAW).copied().collect();
        let rest = self.buffer.len();
        self.consume(rest);
        let (reason, detail) = match self.trouble.take() {
            Some(trouble) => (trouble.reason, trouble.detail),
            None => ("truncated_record", "the file ends within a record".to_owned()),
        };
        Ok(Err(Bad { reason, detail, offset: Some(start), raw }))
    }

    /// Goes to the next line that begins a record.
    fn resynchronise(&mut self, reason: &'static str, detail: &str) -> io::Result<Result<Option<Record>, Bad>> {
        let start = self.offset;
        let mut raw: Vec<u8> = Vec::new();
        loop {
            self.fill(64 << 10)?;
            let seen = self.buffer.make_contiguous();
            let found = memchr::memmem::find(seen, b"\nWARC/").map(|at| at + 1);
            // The last bytes may begin what is looked for.
            let passed = found.unwrap_or(if self.over || self.trouble.is_some() {
                seen.len()
            } else {
                seen.len().saturating_sub(6)
            });
            let dropped = self.consume(passed);
            let room = KEPT_RAW.saturating_sub(raw.len());
            raw.extend_from_slice(&dropped[..dropped.len().min(room)]);
            if found.is_some() || self.buffer.is_empty() {
                break;
            }
        }
        Ok(Err(Bad {
            reason,
            detail: format!("{detail}; {} bytes were passed over", self.offset - start),
            offset: Some(start),
            raw,
        }))
    }
}

fn starts_with(buffer: &VecDeque<u8>, start: &[u8]) -> bool {
    buffer.len() >= start.len() && buffer.iter().zip(start).all(|(a, b)| a == b)
}
