//! Outcomes: one row for every end a document came to, so that each drop can be explained.
//!
//! In a graph without branches that is one row a document. Where ways part, each way has its row.

use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field as Column, Schema};
use serde::Serialize;
use wanjuan_filters::kit::{Document, Field, Type, Value};

use super::codec;
use super::lane::Pack;
use crate::sink::{Block, Sealed, ShardFile, parquet};
use crate::source::Bad;

/// The column that names the document kept in the stead of a duplicate, as the columns `split` and
/// `ordinal` do: `SPLIT#ORDINAL`.
pub const KEPT_INSTEAD: &str = "kept_instead";
/// How `kept_instead` begins where the document is one of an index: `index:PATH#ID`.
pub const INDEXED: &str = "index:";

/// What `kept_instead` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instead<'a> {
    /// A document of the run: the name of its split, its ordinal.
    Here(&'a str, u64),
    /// A document of an index: the index as the pipeline calls it, the document's id.
    Indexed(&'a str, &'a str),
}

/// Reads `kept_instead`.
pub fn instead(text: &str) -> Option<Instead<'_>> {
    if let Some((index, id)) = text.strip_prefix(INDEXED).and_then(|rest| rest.split_once('#')) {
        return Some(Instead::Indexed(index, id)); // the checker lets no index be called by a name with `#`
    }
    let (split, ordinal) = text.rsplit_once('#')?;
    Some(Instead::Here(split, ordinal.parse().ok()?))
}

/// Names of the first columns, in their order. `text_bytes` is the length of the text when the way ended.
pub const PLACE: [&str; 6] = ["id", "split", "ordinal", "step", "reason", "text_bytes"];
const MEASURES_BLOCK: usize = 4 << 20;
const MEASURES_SHARD: u64 = 10_000_000;

/// The columns of `measures/*.parquet`.
#[derive(Debug, Clone)]
pub struct Outcomes {
    fields: Vec<Field>,
    measures: Vec<String>,
    schema: Arc<Schema>,
}

impl Outcomes {
    /// Rows with every field of the pipeline and every measure, `step.measure`, in the plan's order.
    pub fn new(mut fields: Vec<Field>, measures: Vec<String>) -> Outcomes {
        if fields.iter().all(|field| field.name.as_str() != KEPT_INSTEAD) {
            fields.push(Field::new(KEPT_INSTEAD, Type::Text));
        }
        let mut columns: Vec<Column> = PLACE
            .iter()
            .map(|name| {
                Column::new(
                    *name,
                    if ["ordinal", "text_bytes"].contains(name) { DataType::UInt64 } else { DataType::Utf8 },
                    *name == "reason",
                )
            })
            .collect();
        for field in &fields {
            columns.push(Column::new(field.name.as_str(), parquet::data_type(field.kind), true));
        }
        columns.extend(measures.iter().map(|name| Column::new(name, DataType::Float64, true)));
        Outcomes { fields, measures, schema: Arc::new(Schema::new(columns)) }
    }

    /// Appends the row of a document that came to its end at `step`: dropped for `reason`, or kept.
    pub fn row(&self, split: &str, step: &str, reason: Option<&str>, mut document: Document, out: &mut Vec<u8>) {
        for text in [split, step, reason.unwrap_or_default()] {
            out.extend_from_slice(&(text.len() as u32).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        out.extend_from_slice(&(document.text().len() as u64).to_le_bytes());
        document.take_text();
        document.carried.clear();
        codec::encode(0, &document, out);
    }

    fn batch(&self, block: &Block) -> Option<RecordBatch> {
        let rows: Option<Vec<(Ends<'_>, Document)>> = block.rows().map(read_row).collect();
        let (ends, documents): (Vec<_>, Vec<_>) = rows?.into_iter().unzip();
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(documents.iter().map(|document| &document.id))),
            Arc::new(StringArray::from_iter_values(ends.iter().map(|ends| ends.split))),
            Arc::new(UInt64Array::from_iter_values(documents.iter().map(|document| document.origin.ordinal))),
            Arc::new(StringArray::from_iter_values(ends.iter().map(|ends| ends.step))),
            Arc::new(StringArray::from_iter(ends.iter().map(|ends| (!ends.reason.is_empty()).then_some(ends.reason)))),
        ];
        columns.push(Arc::new(UInt64Array::from_iter_values(ends.iter().map(|ends| ends.bytes))));
        columns.extend(self.fields.iter().map(|field| parquet::column(*field, &documents)));
        for slot in 0..self.measures.len() {
            let values =
                documents.iter().map(|document| document.measures.get(slot).copied().filter(|value| !value.is_nan()));
            columns.push(Arc::new(Float64Array::from_iter(values)));
        }
        RecordBatch::try_new(self.schema.clone(), columns).ok()
    }
}

/// Where a document's way ended.
struct Ends<'a> {
    split: &'a str,
    step: &'a str,
    reason: &'a str,
    bytes: u64,
}

fn read_row(bytes: &[u8]) -> Option<(Ends<'_>, Document)> {
    let mut rest = bytes;
    let mut text = || {
        let (length, tail) = rest.split_first_chunk()?;
        let (head, tail) = tail.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        rest = tail;
        std::str::from_utf8(head).ok()
    };
    let (split, step, reason) = (text()?, text()?, text()?);
    let (bytes, rest) = rest.split_first_chunk()?;
    let ends = Ends { split, step, reason, bytes: u64::from_le_bytes(*bytes) };
    Some((ends, codec::decode(rest, 0)?.document))
}

/// Writes `measures/*.parquet`.
pub struct MeasuresPack<'a>(pub &'a Outcomes);

impl Pack for MeasuresPack<'_> {
    fn block_bytes(&self) -> usize {
        MEASURES_BLOCK
    }

    fn shard_weight(&self) -> u64 {
        MEASURES_SHARD
    }

    fn seal(&self, block: Block) -> io::Result<Sealed> {
        let batch = self.0.batch(&block).ok_or_else(|| io::Error::other("a row of measures cannot be decoded"))?;
        Ok(Sealed { data: parquet::encode(&batch, 3)?, index: Vec::new() })
    }

    fn publish(
        &self,
        folder: &Path,
        number: usize,
        blocks: &mut dyn Iterator<Item = io::Result<Sealed>>,
    ) -> io::Result<Vec<ShardFile>> {
        parquet::splice(folder, &format!("part-{number:05}.parquet"), blocks).map(|file| vec![file])
    }
}

/// A bad record as a person finds it in `set-aside/`.
#[derive(Serialize)]
struct SetAside<'a> {
    place: &'a str,
    ordinal: u64,
    reason: &'a str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    /// The bytes as text where they are text, else in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_hex: Option<String>,
}

/// Appends a bad record as a line of JSON.
pub fn set_aside_row(bad: &Bad, ordinal: u64, place: &str, out: &mut Vec<u8>) {
    let raw = std::str::from_utf8(&bad.raw);
    let line = SetAside {
        place,
        ordinal,
        reason: bad.reason,
        detail: &bad.detail,
        offset: bad.offset,
        raw: raw.ok(),
        raw_hex: raw.is_err().then(|| hex(&bad.raw)),
    };
    serde_json::to_writer(&mut *out, &line).expect("plain data, written to memory");
    out.push(b'\n');
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Appends a dropped document as a line of JSON: the reason, then the document.
pub fn dropped_row(document: &Document, step: &str, reason: &str, out: &mut Vec<u8>) {
    let mut line = serde_json::Map::new();
    line.insert("id".into(), document.id.as_str().into());
    line.insert("step".into(), step.into());
    line.insert("reason".into(), reason.into());
    line.insert("text".into(), document.text().into());
    for (name, value) in document.fields() {
        line.insert(name.as_str().into(), json(value));
    }
    let mut text = serde_json::to_vec(&line).expect("plain data");
    if !document.carried.is_empty() {
        text.pop();
        text.push(b',');
        text.extend_from_slice(document.carried.as_bytes());
        text.push(b'}');
    }
    out.extend_from_slice(&text);
    out.push(b'\n');
}

/// A field's value as JSON.
pub fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) => text.as_str().into(),
        Value::Integer(integer) => (*integer).into(),
        Value::Number(number) => (*number).into(),
        Value::Boolean(boolean) => (*boolean).into(),
    }
}

/// Lines of JSON in zstd frames: bad records and dropped documents.
pub struct LinesPack;

impl Pack for LinesPack {
    fn block_bytes(&self) -> usize {
        1 << 20
    }

    fn shard_weight(&self) -> u64 {
        1 << 30
    }

    fn seal(&self, block: Block) -> io::Result<Sealed> {
        Ok(Sealed { data: zstd::bulk::compress(&block.bytes, 3)?, index: Vec::new() })
    }

    fn publish(
        &self,
        folder: &Path,
        number: usize,
        blocks: &mut dyn Iterator<Item = io::Result<Sealed>>,
    ) -> io::Result<Vec<ShardFile>> {
        let mut file = ShardFile::create(folder, &format!("part-{number:05}.jsonl.zst"))?;
        file.append(blocks)?;
        Ok(vec![file])
    }
}
