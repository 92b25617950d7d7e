//! Reads Common Crawl's extracted text: the `conversion` records of WET files.
//!
//! Each document has the fields `url`, `date`, and `content_language` where the crawl noted one
//! (codes of ISO 639-3, most likely first); its id is the record's.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{Document, Field, Name, Setup, Step, Type, Wrong};

use super::bytes::splits;
use super::warc::{RecordReader, Records, START};
use super::{Batch, Kind, Limits, NoDocument, Reader, Source};
use crate::store::Input;

/// [`Wet`] has no settings.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {}

/// See the words at the top of this file.
pub struct Wet {
    names: Arc<[(Name, &'static str); 3]>,
}

impl Step for Wet {
    const NAME: &'static str = "wet";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("wet.rs");
    type Config = Config;
    type Kind = Kind;

    fn new(_: Config, _: &mut Setup) -> Result<Self, Wrong> {
        let names = [
            ("url", "WARC-Target-URI"),
            ("date", "WARC-Date"),
            ("content_language", "WARC-Identified-Content-Language"),
        ];
        Ok(Wet { names: Arc::new(names.map(|(field, header)| (Name::new(field), header))) })
    }

    fn writes(&self) -> Vec<Field> {
        self.names.iter().map(|(name, _)| Field { name: *name, kind: Type::Text }).collect()
    }
}

impl Source for Wet {
    fn endings(&self) -> &'static [&'static str] {
        &[".wet", ".wet.gz", ".wet.zst"]
    }

    fn splits(&self, input: &Input, target: u64) -> io::Result<Vec<Range<u64>>> {
        splits(input, target, START)
    }

    fn open(&self, input: &Input, range: Range<u64>, limits: Limits) -> io::Result<Box<dyn Reader>> {
        let records = RecordReader::open(input, range, limits, |kind| kind == "conversion")?;
        Ok(Box::new(WetReader { records, names: self.names.clone() }))
    }
}

struct WetReader {
    records: RecordReader,
    names: Arc<[(Name, &'static str); 3]>,
}

impl Reader for WetReader {
    fn next(&mut self) -> io::Result<Option<Box<dyn Batch>>> {
        let records = self.records.next_records()?;
        Ok(records.map(|records| Box::new(WetBatch { records, names: self.names.clone() }) as Box<dyn Batch>))
    }
}

struct WetBatch {
    records: Records,
    names: Arc<[(Name, &'static str); 3]>,
}

impl Batch for WetBatch {
    fn len(&self) -> usize {
        self.records.entries.len()
    }

    fn bytes(&self) -> usize {
        self.records.held
    }

    fn document(&self, index: usize) -> Result<Document, NoDocument> {
        let record = self.records.entries[index].as_ref().map_err(Clone::clone)?;
        let text = crate::json::utf8(&record.block).map_err(|error| record.bad("invalid_utf8", error.to_string()))?;
        let mut document = Document::new(record.id(), text);
        for (name, header) in self.names.iter() {
            if let Some(value) = record.header(header) {
                document.set_field(*name, value);
            }
        }
        Ok(document)
    }

    fn raw(&self, index: usize) -> &[u8] {
        self.records.entries[index].as_ref().map_or(&[], |record| &record.block)
    }
}

#[cfg(test)]
mod tests {
    use super::super::warc::tests::{read, record};
    use super::*;

    #[test]
    fn text_comes_with_its_url() {
        let file =
            [record("warcinfo", 0, "x"), record("conversion", 1, "正文\n第二行"), record("conversion", 2, "")].concat();
        let all = read(&Wet::new(Config {}, &mut Setup::default()).unwrap(), &file, 1 << 20);
        let document = all[0].as_ref().unwrap();
        assert_eq!((document.id.as_str(), document.text(), all.len()), ("1", "正文\n第二行", 2));
        assert_eq!(document.field(Name::new("url")).unwrap().as_text(), Some("http://example.org/1"));
    }
}
