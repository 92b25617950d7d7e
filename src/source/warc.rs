//! Reads web archives: the pages of `response` records, as HTML.
//!
//! WARC 0.17 to 1.1, plain, gzip (a member a record, or one for all) or zstd. Bodies come out of chunked, gzip,
//! deflate and brotli; characters by byte-order mark, server, page, then detection. Each document has
//! the fields `url`, `date` and `content_type`; its id is the record's. Records that are no page
//! (requests, redirects, pictures) are passed over and counted; what is broken is set aside, and
//! reading goes on at the next record.
//!
//! | setting         | default                                     | source                              |
//! |-----------------|---------------------------------------------|-------------------------------------|
//! | `content_types` | `text/html`, `application/xhtml+xml`, `text/plain` | as Common Crawl's extractors take them |
//! | `statuses`      | 200                                         | ours: an error page is no document  |

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{Document, Field, Name, Setup, Step, Type, Wrong};

use super::bytes::{Broken, Bytes, Format};
use super::http::{BadBody, Response, find_header, headers};
use super::{Bad, Batch, KEPT_RAW, Kind, Limits, NoDocument, Reader, Source};
use crate::store::Input;

/// Settings of [`Warc`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Media types that are documents; a response that names none is taken for HTML.
    pub content_types: Vec<String>,
    /// Statuses of responses that are documents.
    pub statuses: Vec<u16>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            content_types: ["text/html", "application/xhtml+xml", "text/plain"].map(str::to_owned).to_vec(),
            statuses: vec![200],
        }
    }
}

/// See the words at the top of this file.
pub struct Warc {
    pages: Arc<Pages>,
}

/// What counts as a page, and where its parts go.
struct Pages {
    config: Config,
    url: Name,
    date: Name,
    content_type: Name,
}

impl Step for Warc {
    const NAME: &'static str = "warc";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("warc.rs");
    type Config = Config;
    type Kind = Kind;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        let pages =
            Pages { config, url: Name::new("url"), date: Name::new("date"), content_type: Name::new("content_type") };
        Ok(Warc { pages: Arc::new(pages) })
    }

    fn writes(&self) -> Vec<Field> {
        ["url", "date", "content_type"].map(|name| Field::new(name, Type::Text)).to_vec()
    }
}

impl Source for Warc {
    fn endings(&self) -> &'static [&'static str] {
        &[".warc", ".warc.gz", ".warc.zst"]
    }

    fn open(&self, input: &Input, _: Range<u64>, limits: Limits) -> io::Result<Box<dyn Reader>> {
        let records = RecordReader::open(input, limits, |kind| kind == "response")?;
        Ok(Box::new(WarcReader { records, limits, pages: self.pages.clone() }))
    }
}

struct WarcReader {
    records: RecordReader,
    limits: Limits,
    pages: Arc<Pages>,
}

impl Reader for WarcReader {
    fn next(&mut self) -> io::Result<Option<Box<dyn Batch>>> {
        let records = self.records.next_records()?;
        let batch = |records| {
            Box::new(WarcBatch { records, limit: self.limits.max_document, pages: self.pages.clone() })
                as Box<dyn Batch>
        };
        Ok(records.map(batch))
    }
}

struct WarcBatch {
    records: Records,
    limit: usize,
    pages: Arc<Pages>,
}

impl Batch for WarcBatch {
    fn len(&self) -> usize {
        self.records.entries.len()
    }

    fn bytes(&self) -> usize {
        self.records.held
    }

    fn document(&self, index: usize) -> Result<Document, NoDocument> {
        let record = self.records.entries[index].as_ref().map_err(Clone::clone)?;
        self.pages.document(record, self.limit)
    }

    fn raw(&self, index: usize) -> &[u8] {
        self.records.entries[index].as_ref().map_or(&[], |record| &record.block)
    }
}

impl Pages {
    fn document(&self, record: &Record, limit: usize) -> Result<Document, NoDocument> {
        let bad = |reason, detail: String| record.bad(reason, detail).into();
        let response = Response::parse(&record.block);
        let response = response.ok_or_else(|| -> NoDocument {
            bad("malformed_http", "the block does not begin with an HTTP status".to_owned())
        })?;
        if !self.config.statuses.contains(&response.status) {
            return Err(NoDocument::PassedOver("another_status"));
        }
        let media_type = response.media_type();
        if media_type.as_ref().is_some_and(|media_type| !self.config.content_types.contains(media_type)) {
            return Err(NoDocument::PassedOver("another_content_type"));
        }
        let (text, _) = response.text(limit).map_err(|body| match body {
            BadBody::Corrupt => bad("corrupt_body", "the body cannot be decompressed".to_owned()),
            BadBody::TooLarge => bad("too_large", format!("the body is above {limit} bytes when it is decompressed")),
        })?;
        if text.is_empty() {
            return Err(NoDocument::PassedOver("empty_body"));
        }
        let mut document = Document::new(record.id(), text);
        for (name, header) in [(self.url, "WARC-Target-URI"), (self.date, "WARC-Date")] {
            if let Some(value) = record.header(header) {
                document.set_field(name, value);
            }
        }
        if let Some(media_type) = media_type {
            document.set_field(self.content_type, media_type);
        }
        Ok(document)
    }
}

/// A WARC record: its headers and its block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    head: Vec<u8>,
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

    pub fn bad(&self, reason: &'static str, detail: String) -> Bad {
        let raw = [&self.head[..], b"\r\n\r\n", &self.block[..self.block.len().min(KEPT_RAW)]].concat();
        Bad { reason, detail, offset: Some(self.offset), raw: raw[..raw.len().min(KEPT_RAW)].to_vec() }
    }
}

/// Consecutive records of a file, broken ones in their places.
#[derive(Debug, Default)]
pub struct Records {
    pub entries: Vec<Result<Record, Bad>>,
    pub held: usize,
}

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
    /// Damage that was met while a record was being read.
    trouble: Option<Bad>,
    over: bool,
}

impl RecordReader {
    pub fn open(input: &Input, limits: Limits, wanted: fn(&str) -> bool) -> io::Result<RecordReader> {
        let bytes = Bytes::open(input, Format::of(input)?, 0, limits)?;
        Ok(RecordReader {
            bytes,
            limits,
            wanted,
            buffer: VecDeque::new(),
            chunk: vec![0; 128 << 10],
            offset: 0,
            trouble: None,
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
        if !starts_with(&self.buffer, b"WARC/") {
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
        if !self.fill(length)? {
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
            && let Some(trouble) = self.trouble.take()
        {
            return Ok(Some(Err(record.bad(trouble.reason, trouble.detail))));
        }
        Ok(Some(Ok(Some(record))))
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

#[cfg(test)]
pub mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;
    use crate::store::Disk;

    /// Reads all of a file with a source.
    pub fn read(source: &impl Source, bytes: &[u8], batch_bytes: usize) -> Vec<Result<Document, NoDocument>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let input = Input {
            location: file.path().to_owned(),
            name: "x".into(),
            length: bytes.len() as u64,
            store: Arc::new(Disk),
        };
        let limits = Limits { batch_bytes, max_document: 100_000, max_ratio: 1000 };
        let mut reader = source.open(&input, 0..input.length, limits).unwrap();
        let mut all = Vec::new();
        while let Some(batch) = reader.next().unwrap() {
            all.extend((0..batch.len()).map(|index| batch.document(index)));
        }
        all
    }

    /// A record as a crawler writes it.
    pub fn record(kind: &str, id: usize, block: &str) -> Vec<u8> {
        let head = format!(
            "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{id}>\r\nWARC-Target-URI: http://example.org/{id}\r\nWARC-Date: 2024-01-02T03:04:05Z\r\nContent-Length: {}\r\n\r\n",
            block.len()
        );
        format!("{head}{block}\r\n\r\n").into_bytes()
    }

    fn page(id: usize) -> Vec<u8> {
        record("response", id, &format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>page {id}</p>"))
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn told(all: &[Result<Document, NoDocument>]) -> Vec<String> {
        let tell = |one: &Result<Document, NoDocument>| match one {
            Ok(document) => document.id.clone(),
            Err(NoDocument::Bad(bad)) => bad.reason.to_owned(),
            Err(NoDocument::PassedOver(reason)) => format!("({reason})"),
        };
        all.iter().map(tell).collect()
    }

    fn warc() -> Warc {
        Warc::new(Config::default(), &mut Setup::default()).unwrap()
    }

    #[test]
    fn pages_come_with_url_and_date_and_what_is_no_page_is_passed_over() {
        let file = [
            record("warcinfo", 0, "software: x"),
            page(1),
            record("request", 2, "GET / HTTP/1.1\r\n\r\n"),
            record("response", 3, "HTTP/1.1 404 Not Found\r\n\r\ngone"),
            record("response", 4, "HTTP/1.1 200 OK\r\nContent-Type: image/gif\r\n\r\nGIF"),
            page(5),
        ]
        .concat();
        let all = read(&warc(), &file, 1 << 20);
        assert_eq!(told(&all), ["1", "(another_status)", "(another_content_type)", "5"]);
        let document = all[0].as_ref().unwrap();
        assert_eq!(document.field(Name::new("url")).unwrap().as_text(), Some("http://example.org/1"));
        assert_eq!(document.text(), "<p>page 1</p>");
        assert_eq!(read(&warc(), &gzip(&file), 10), all, "one member, one record a batch");
    }

    #[test]
    fn a_corrupt_member_costs_its_own_record_alone() {
        let mut members: Vec<Vec<u8>> = (1..=5).map(|id| gzip(&page(id))).collect();
        let middle = members[2].len() / 2;
        members[2][middle] ^= 0xff;
        members[2][middle + 1] ^= 0xff;
        let all = told(&read(&warc(), &members.concat(), 1 << 20));
        assert_eq!(
            all.iter().filter(|told| told.parse::<u32>().is_ok()).collect::<Vec<_>>(),
            ["1", "2", "4", "5"],
            "{all:?}"
        );
        assert!(all.len() >= 5, "what was lost is told: {all:?}");
    }

    #[test]
    fn garbage_between_records_and_a_lying_length_cost_no_neighbour() {
        let mut lying = String::from_utf8(page(2)).unwrap();
        lying = lying.replace("Content-Length: ", "Content-Length: x");
        let file = [page(1), lying.into_bytes(), b"garbage\r\nmore".to_vec(), b"\r\n".to_vec(), page(3)].concat();
        assert_eq!(told(&read(&warc(), &file, 1 << 20)), ["1", "malformed_warc", "3"]);
    }

    #[test]
    fn a_file_that_breaks_off_says_so() {
        let file = [page(1), page(2)].concat();
        for cut in [file.len() - 20, file.len() / 2 + 30] {
            let all = told(&read(&warc(), &file[..cut], 1 << 20));
            assert_eq!((all[0].as_str(), all[1].as_str()), ("1", "truncated_record"), "{all:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_hang(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0..300_usize) {
            let mut file = [page(1), bytes, page(2)].concat();
            read(&warc(), &file, 100);
            let at = at % file.len();
            file[at] ^= 1;
            read(&warc(), &gzip(&file), 100);
        }
    }
}
