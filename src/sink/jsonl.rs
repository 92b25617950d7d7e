//! Writes one line of JSON a document, compressed.
//!
//! A line holds `id`, `text`, the fields that have a value, and whatever else the record held,
//! verbatim. Blocks of lines are compressed apart, as frames of zstd or members of gzip, so that all
//! threads compress; every reader takes the file as one stream.
//!
//! | setting       | default | source                                                   |
//! |---------------|---------|----------------------------------------------------------|
//! | `compression` | `zst`   | `gz` and `none` are the others                           |
//! | `level`       | 3       | zstd's own default; gzip's is 6                          |
//! | `shard_mb`    | 1024    | ours: megabytes of lines in a file, before compression   |
//! | `id`, `text`  | as said | names of those members                                   |
//! | `measures`    | false   | ours: adds every measure so far under `measures`         |

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{Document, Setup, Step, Value, Wrong};

use super::{Block, Columns, Kind, Row, Sealed, ShardFile, Sink};
use crate::json;

/// Lines of a frame: enough that its ratio is that of one long stream.
const FRAME: usize = 4 << 20;

/// Settings of [`Jsonl`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How lines are compressed.
    pub compression: Compression,
    /// Level of compression: 1 to 22 for zstd, 1 to 9 for gzip.
    pub level: Option<i32>,
    /// Megabytes of lines in a file, before compression.
    pub shard_mb: u64,
    /// Name of the member that holds the id.
    pub id: String,
    /// Name of the member that holds the text.
    pub text: String,
    /// Whether the measures so far are written, under `measures`.
    pub measures: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            compression: Compression::Zst,
            level: None,
            shard_mb: 1024,
            id: "id".into(),
            text: "text".into(),
            measures: false,
        }
    }
}

/// How lines are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// zstd, `.jsonl.zst`.
    Zst,
    /// gzip, `.jsonl.gz`.
    Gz,
    /// Not at all, `.jsonl`.
    None,
}

/// See the words at the top of this file.
pub struct Jsonl {
    config: Config,
    level: i32,
    measures: Vec<(usize, String)>,
}

impl Step for Jsonl {
    const NAME: &'static str = "jsonl";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("jsonl.rs");
    type Config = Config;
    type Kind = Kind;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        let (name, best, default) = match config.compression {
            Compression::Zst => ("zstd", 22, 3),
            Compression::Gz => ("gzip", 9, 6),
            Compression::None => ("", 0, 0),
        };
        let level = config.level.unwrap_or(default);
        if config.compression == Compression::None && config.level.is_some() {
            return Err(
                Wrong::setting("level", "there is nothing to compress").help("remove `level`, or set `compression`")
            );
        }
        if config.compression != Compression::None && !(1..=best).contains(&level) {
            return Err(Wrong::setting("level", format!("there is no {name} level {level}"))
                .help(format!("levels go from 1 to {best}")));
        }
        if config.shard_mb == 0 {
            return Err(Wrong::setting("shard_mb", "a file holds at least one megabyte"));
        }
        if config.id == config.text {
            return Err(Wrong::setting("id", "`id` and `text` cannot have one name"));
        }
        Ok(Jsonl { config, level, measures: Vec::new() })
    }
}

impl Sink for Jsonl {
    fn prepare(&mut self, columns: &Columns) {
        if self.config.measures {
            self.measures = columns.measures.clone();
        }
    }

    fn row(&self, document: &Document, out: &mut Vec<u8>) -> Result<Row, &'static str> {
        let start = out.len();
        out.push(b'{');
        member(&self.config.id, out);
        json::write_string(&document.id, out);
        out.push(b',');
        member(&self.config.text, out);
        json::write_string(document.text(), out);
        for (name, value) in document.fields() {
            out.push(b',');
            member(name.as_str(), out);
            write_value(value, out);
        }
        if !self.measures.is_empty() {
            out.extend_from_slice(b",\"measures\":{");
            let mut first = true;
            for (slot, name) in &self.measures {
                let Some(value) = document.measures.get(*slot).filter(|value| value.is_finite()) else { continue };
                if !std::mem::take(&mut first) {
                    out.push(b',');
                }
                member(name, out);
                write_value(&Value::Number(*value), out);
            }
            out.push(b'}');
        }
        if !document.carried.is_empty() {
            let mut written = vec![self.config.id.as_str(), self.config.text.as_str()];
            written.extend(document.fields().map(|(name, _)| name.as_str()));
            json::append_members(&document.carried, &written, out);
        }
        out.extend_from_slice(b"}\n");
        Ok(Row { weight: (out.len() - start) as u64, tokens: 0 })
    }

    fn block_bytes(&self) -> usize {
        FRAME
    }

    fn shard_weight(&self) -> u64 {
        self.config.shard_mb << 20
    }

    fn seal(&self, block: Block) -> io::Result<Sealed> {
        thread_local! {
            static ZSTD: RefCell<Option<(i32, zstd::bulk::Compressor<'static>)>> = const { RefCell::new(None) };
        }
        let data = match self.config.compression {
            Compression::None => block.bytes,
            Compression::Gz => {
                let mut encoder =
                    flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::new(self.level as u32));
                encoder.write_all(&block.bytes)?;
                encoder.finish()?
            }
            // A context is a megabyte of tables: one a thread, made once.
            Compression::Zst => ZSTD.with_borrow_mut(|context| {
                let (_, compressor) = match context {
                    Some(found) if found.0 == self.level => found,
                    _ => {
                        let mut compressor = zstd::bulk::Compressor::new(self.level)?;
                        compressor.include_checksum(true)?;
                        context.insert((self.level, compressor))
                    }
                };
                compressor.compress(&block.bytes)
            })?,
        };
        Ok(Sealed { data, index: Vec::new() })
    }

    fn publish(
        &self,
        folder: &Path,
        number: usize,
        blocks: &mut dyn Iterator<Item = io::Result<Sealed>>,
    ) -> io::Result<Vec<ShardFile>> {
        let ending = match self.config.compression {
            Compression::Zst => "jsonl.zst",
            Compression::Gz => "jsonl.gz",
            Compression::None => "jsonl",
        };
        let name = format!("part-{number:05}.{ending}");
        let mut file = ShardFile::create(folder, &name)?;
        file.append(blocks)?;
        Ok(vec![file])
    }
}

fn member(name: &str, out: &mut Vec<u8>) {
    json::write_string(name, out);
    out.push(b':');
}

fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Text(text) => json::write_string(text, out),
        Value::Integer(integer) => out.extend_from_slice(integer.to_string().as_bytes()),
        Value::Boolean(boolean) => out.extend_from_slice(boolean.to_string().as_bytes()),
        Value::Number(number) if number.is_finite() => {
            serde_json::to_writer(&mut *out, number).expect("a finite number, written to memory");
        }
        Value::Number(_) => out.extend_from_slice(b"null"), // JSON has no infinity
    }
}

#[cfg(test)]
mod tests {
    use wanjuan_filters::kit::Name;

    use super::*;

    fn sink(config: Config) -> Jsonl {
        Jsonl::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{wrong:?}"))
    }

    fn line(sink: &Jsonl, document: &Document) -> String {
        let mut out = Vec::new();
        sink.row(document, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_holds_id_text_fields_and_what_was_carried() {
        let mut document = Document::new("1", "他说：\"hi\"\n");
        document.set_field(Name::new("lang"), "zh");
        document.set_field(Name::new("score"), 0.5);
        document.carried = r#""lang":"en","meta":{"a":[1, 2]},"text":"old""#.into();
        let expected =
            "{\"id\":\"1\",\"text\":\"他说：\\\"hi\\\"\\n\",\"lang\":\"zh\",\"score\":0.5,\"meta\":{\"a\":[1, 2]}}\n";
        assert_eq!(line(&sink(Config::default()), &document), expected);
    }

    #[test]
    fn measures_are_written_when_asked_for_and_known() {
        let mut sink = sink(Config { measures: true, ..Config::default() });
        sink.prepare(&Columns { fields: vec![], measures: vec![(0, "a.x".into()), (1, "a.y".into())] });
        let mut document = Document::new("1", "");
        document.measures = vec![f64::NAN, 2.0];
        assert_eq!(line(&sink, &document), "{\"id\":\"1\",\"text\":\"\",\"measures\":{\"a.y\":2.0}}\n");
    }

    #[test]
    fn every_compression_gives_the_lines_back() {
        let block = Block { bytes: b"{}\n{}\n".to_vec(), ends: vec![3, 6] };
        for compression in [Compression::Zst, Compression::Gz, Compression::None] {
            let sealed = sink(Config { compression, ..Config::default() }).seal(block.clone()).unwrap().data;
            let mut back = Vec::new();
            match compression {
                Compression::Zst => back = zstd::decode_all(&sealed[..]).unwrap(),
                Compression::Gz => {
                    _ = io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&sealed[..]), &mut back).unwrap()
                }
                Compression::None => back.clone_from(&sealed),
            }
            assert_eq!(back, block.bytes, "{compression:?}");
        }
    }
}
