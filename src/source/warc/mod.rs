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

mod record;

use std::io;
use std::ops::Range;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{Document, Field, Name, Setup, Step, Type, Wrong};

pub use record::{Record, RecordReader, Records, START};

use super::bytes::splits;
use super::http::{BadBody, Response};
use super::{Batch, Kind, Limits, NoDocument, Reader, Source};
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
    const WORDS: &'static str = include_str!("mod.rs");
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

    fn splits(&self, input: &Input, target: u64) -> io::Result<Vec<Range<u64>>> {
        splits(input, target, START)
    }

    fn open(&self, input: &Input, range: Range<u64>, limits: Limits) -> io::Result<Box<dyn Reader>> {
        let records = RecordReader::open(input, range, limits, |kind| kind == "response")?;
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

#[cfg(test)]
pub(crate) mod tests {
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
    fn a_member_that_is_broken_from_its_start_costs_neither_neighbour() {
        let mut members: Vec<Vec<u8>> = (1..=3).map(|id| gzip(&page(id))).collect();
        members[1][10] = 0xff; // a kind of block that does not exist
        assert_eq!(told(&read(&warc(), &members.concat(), 1 << 20)), ["1", "corrupt_gzip", "3"]);
    }

    #[test]
    fn garbage_between_records_and_a_lying_length_cost_no_neighbour() {
        let mut lying = String::from_utf8(page(2)).unwrap();
        lying = lying.replace("Content-Length: ", "Content-Length: x");
        let file = [page(1), lying.into_bytes(), b"garbage\r\nmore".to_vec(), b"\r\n".to_vec(), page(3)].concat();
        assert_eq!(told(&read(&warc(), &file, 1 << 20)), ["1", "malformed_warc", "3"]);
    }

    #[test]
    fn a_length_that_reaches_into_other_records_costs_none_of_them() {
        let length = |page: Vec<u8>, add: usize| {
            let text = String::from_utf8(page).unwrap();
            let (before, rest) = text.split_once("Content-Length: ").unwrap();
            let (number, after) = rest.split_once("\r\n").unwrap();
            let number: usize = number.parse().unwrap();
            format!("{before}Content-Length: {}\r\n{after}", number + add).into_bytes()
        };
        let all: &[_] = &["1", "malformed_warc", "3", "4"];
        for add in [20, 150, 100, 90_000, 999_999_999_999] {
            let records = [page(1), length(page(2), add), page(3), page(4)];
            assert_eq!(told(&read(&warc(), &records.concat(), 1 << 20)), all, "{add}");
            let members: Vec<u8> = records.iter().flat_map(|record| gzip(record)).collect();
            assert_eq!(told(&read(&warc(), &members, 1 << 20)), all, "{add}");
        }
    }

    #[test]
    fn an_archive_that_is_cut_gives_the_records_of_the_whole() {
        let members: Vec<u8> = (0..60).flat_map(|id| gzip(&page(id))).collect();
        let (_folder, input) = crate::store::tests::file(&members);
        let whole = told(&read(&warc(), &members, 1 << 20));
        for target in [1, 100, 1000, 3000] {
            let ranges = warc().splits(&input, target).unwrap();
            let cut: Vec<u8> =
                ranges.iter().flat_map(|range| members[range.start as usize..range.end as usize].to_vec()).collect();
            assert_eq!(cut, members, "no byte is in two ranges, or in none");
            assert!(ranges.len() as u64 >= members.len() as u64 / target.max(400) / 2, "{} ranges", ranges.len());
            let limits = Limits { batch_bytes: 500, max_document: 100_000, max_ratio: 1000 };
            let mut all = Vec::new();
            for range in ranges {
                let mut reader = warc().open(&input, range, limits).unwrap();
                while let Some(batch) = reader.next().unwrap() {
                    all.extend((0..batch.len()).map(|index| batch.document(index)));
                }
            }
            assert_eq!(told(&all), whole);
        }
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
