//! Reads parquet files, a row group at a time.
//!
//! `text` becomes the document's text, `id` its id, `fields` typed fields; every other column is
//! carried as JSON and written back. A column `carried` with JSON objects, as the parquet sink writes
//! it, is taken apart again.
//!
//! | setting  | default | source                                                        |
//! |----------|---------|---------------------------------------------------------------|
//! | `id`     | `id`    | as most corpora have it; numbers are taken as text            |
//! | `text`   | `text`  | as most corpora have it                                       |
//! | `fields` | none    | ours: `{ lang = "text", n = "integer" }`, by columns          |
//! | `carry`  | true    | ours: false reads no other column, which is faster            |

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use arrow_array::{Array, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{Document, Field, Name, Setup, Step, Type, Value, Wrong};

use super::{Bad, Batch, Kind, Limits, MISSING_TEXT, NoDocument, Reader, Source};
use crate::store::Input;

/// Settings of [`Parquet`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The column with the id; a row without one is named after its place.
    pub id: String,
    /// The column with the text.
    pub text: String,
    /// Fields by column: `text`, `integer`, `number` or `boolean`.
    pub fields: BTreeMap<String, String>,
    /// Whether all other columns are carried along.
    pub carry: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { id: "id".into(), text: "text".into(), fields: BTreeMap::new(), carry: true }
    }
}

/// See the words at the top of this file.
pub struct Parquet {
    columns: Arc<Columns>,
}

struct Columns {
    config: Config,
    fields: Vec<Field>,
}

impl Step for Parquet {
    const NAME: &'static str = "parquet";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("parquet.rs");
    type Config = Config;
    type Kind = Kind;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        let field = |(name, kind): (&String, &String)| {
            let kind = match kind.as_str() {
                "text" => Type::Text,
                "integer" => Type::Integer,
                "number" => Type::Number,
                "boolean" => Type::Boolean,
                other => {
                    let what = format!("`{name}` has the type `{other}`, which is not known");
                    return Err(Wrong::setting("fields", what).help("types are text, integer, number and boolean"));
                }
            };
            Ok(Field { name: Name::new(name), kind })
        };
        let fields = config.fields.iter().map(field).collect::<Result<_, _>>()?;
        Ok(Parquet { columns: Arc::new(Columns { config, fields }) })
    }

    fn writes(&self) -> Vec<Field> {
        self.columns.fields.clone()
    }
}

/// Most rows that are read at once.
const ROWS: u64 = 1024;

/// A stored file, as the reader of the format wants it. That reader turns every error into text, so
/// what the machine said is kept here.
#[derive(Clone)]
struct Stored {
    input: Input,
    failure: Arc<Mutex<Option<io::Error>>>,
}

impl Stored {
    fn note<T>(&self, result: io::Result<T>) -> Result<T, ParquetError> {
        result.map_err(|error| {
            let told = ParquetError::General(error.to_string());
            self.failure().get_or_insert(error);
            told
        })
    }

    fn failure(&self) -> MutexGuard<'_, Option<io::Error>> {
        self.failure.lock().expect("no thread panics while it notes an error")
    }
}

impl Length for Stored {
    fn len(&self) -> u64 {
        self.input.length
    }
}

impl ChunkReader for Stored {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let bytes = self.note(self.input.open(start..self.input.length))?;
        Ok(Box::new(Watched { bytes, stored: self.clone() }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        // Checked before anything is allocated: a hostile file may claim any length.
        let end = start.checked_add(length as u64).filter(|end| *end <= self.input.length);
        let end = end.ok_or_else(|| ParquetError::EOF("a page reaches behind the end of the file".to_owned()))?;
        let mut bytes = vec![0; length];
        self.note(self.input.open(start..end).and_then(|mut range| range.read_exact(&mut bytes)))?;
        Ok(bytes.into())
    }
}

struct Watched {
    bytes: Box<dyn Read + Send>,
    stored: Stored,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(buffer).or_else(|error| self.stored.note(Err(error)).map_err(io::Error::other))
    }
}

type Rows = ParquetRecordBatchReaderBuilder<Stored>;

/// The file, or what is wrong with it; an error is the machine's.
fn open(input: &Input) -> io::Result<Result<(Rows, Stored), ParquetError>> {
    let stored = Stored { input: input.clone(), failure: Arc::default() };
    let opened = ParquetRecordBatchReaderBuilder::try_new(stored.clone());
    match stored.failure().take() {
        Some(error) => Err(error),
        None => Ok(opened.map(|rows| (rows, stored.clone()))),
    }
}

impl Source for Parquet {
    fn endings(&self) -> &'static [&'static str] {
        &[".parquet"]
    }

    /// Cuts between row groups.
    fn splits(&self, input: &Input, target: u64) -> io::Result<Vec<Range<u64>>> {
        // A file that cannot be opened is one range; reading it says what is wrong.
        let Ok((builder, _)) = open(input)? else { return Ok(input.whole()) };
        let mut ranges = Vec::new();
        let mut start = 0;
        for at in group_starts(builder.metadata(), input.length) {
            if at > start && at - start >= target {
                ranges.push(start..at);
                start = at;
            }
        }
        ranges.push(start..input.length);
        Ok(ranges)
    }

    fn open(&self, input: &Input, range: Range<u64>, limits: Limits) -> io::Result<Box<dyn Reader>> {
        let broken = |error: &dyn std::fmt::Display| {
            Box::new(Broken(Some(bad("corrupt_parquet", error.to_string())))) as Box<dyn Reader>
        };
        let (builder, stored) = match open(input)? {
            Ok(opened) => opened,
            Err(error) => return Ok(broken(&error)),
        };
        let starts = group_starts(builder.metadata(), input.length).into_iter().enumerate();
        let groups: Vec<usize> = starts.filter(|(_, at)| range.contains(at)).map(|(number, _)| number).collect();
        // As few rows as make a batch, since a row may be a whole book.
        let (bytes, count) =
            groups.iter().map(|&group| builder.metadata().row_group(group)).fold((0, 0), |sum, group| {
                (sum.0 + group.total_byte_size().max(0) as u64, sum.1 + group.num_rows().max(0) as u64)
            });
        let rows = (limits.batch_bytes as u64 * count / bytes.max(1)).clamp(1, ROWS) as usize;
        let Config { id, text, carry, .. } = &self.columns.config;
        let wanted = |name: &str| {
            *carry || name == id || name == text || self.columns.fields.iter().any(|field| field.name.as_str() == name)
        };
        let schema = builder.schema().clone();
        let roots = schema.fields().iter().enumerate().filter(|(_, field)| wanted(field.name())).map(|(root, _)| root);
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots.collect::<Vec<_>>());
        match builder.with_row_groups(groups).with_projection(mask).with_batch_size(rows).build() {
            Ok(rows) => {
                Ok(Box::new(ParquetReader { rows, stored, columns: self.columns.clone(), limits, over: false }))
            }
            Err(error) => Ok(broken(&error)),
        }
    }
}

/// Where row groups start, as a file says that need not tell the truth: in order, and within it.
fn group_starts(metadata: &ParquetMetaData, length: u64) -> Vec<u64> {
    let mut least = 0;
    let start = |group: &RowGroupMetaData| {
        let column = group.columns().first();
        let offset = column.map_or(0, |column| column.dictionary_page_offset().unwrap_or(column.data_page_offset()));
        least = u64::try_from(offset).unwrap_or(0).clamp(least, length.saturating_sub(1).max(least));
        least
    };
    metadata.row_groups().iter().map(start).collect()
}

fn bad(reason: &'static str, detail: String) -> Bad {
    Bad { reason, detail, offset: None, raw: Vec::new() }
}

/// A file that cannot be read, as a record set aside.
struct Broken(Option<Bad>);

impl Reader for Broken {
    fn next(&mut self) -> io::Result<Option<Box<dyn Batch>>> {
        Ok(self.0.take().map(|bad| Box::new(BadBatch(bad)) as Box<dyn Batch>))
    }
}

struct BadBatch(Bad);

impl Batch for BadBatch {
    fn len(&self) -> usize {
        1
    }

    fn bytes(&self) -> usize {
        0
    }

    fn document(&self, _: usize) -> Result<Document, NoDocument> {
        Err(self.0.clone().into())
    }
}

struct ParquetReader {
    rows: ParquetRecordBatchReader,
    stored: Stored,
    columns: Arc<Columns>,
    limits: Limits,
    over: bool,
}

impl Reader for ParquetReader {
    fn next(&mut self) -> io::Result<Option<Box<dyn Batch>>> {
        if self.over {
            return Ok(None);
        }
        // What a hostile file claims is believed by the reader below only page by page; a panic in it
        // is damage of the file like any other.
        let next = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.rows.next()));
        let detail = match next {
            Ok(Some(Ok(batch))) => {
                return Ok(Some(Box::new(ParquetBatch::new(batch, self.columns.clone(), self.limits))));
            }
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) => error.to_string(),
            Err(_) => "the file cannot be decoded".to_owned(),
        };
        self.over = true;
        match self.stored.failure().take() {
            Some(error) => Err(error),
            None => Ok(Some(Box::new(BadBatch(bad("corrupt_parquet", detail))))),
        }
    }
}

/// Some columns of each row as the members of a JSON object.
fn as_members(rows: &RecordBatch, columns: &[usize]) -> Result<Vec<String>, ArrowError> {
    let mut writer = arrow_json::LineDelimitedWriter::new(Vec::new());
    writer.write(&rows.project(columns)?)?;
    writer.finish()?;
    let text = String::from_utf8(writer.into_inner()).map_err(|error| ArrowError::JsonError(error.to_string()))?;
    Ok(text.lines().map(|line| line.trim_start_matches('{').strip_suffix('}').unwrap_or_default().to_owned()).collect())
}

struct ParquetBatch {
    columns: Arc<Columns>,
    rows: RecordBatch,
    /// Every column but those that are taken, as members of a JSON object for each row, or why they
    /// cannot be written so.
    carried: Result<Vec<String>, String>,
    max_document: usize,
}

impl ParquetBatch {
    fn new(rows: RecordBatch, columns: Arc<Columns>, limits: Limits) -> ParquetBatch {
        let taken = |name: &str| {
            name == columns.config.id
                || name == columns.config.text
                || name == CARRIED
                || columns.fields.iter().any(|field| field.name.as_str() == name)
        };
        let others: Vec<usize> = rows
            .schema()
            .fields()
            .iter()
            .enumerate()
            .filter(|(_, field)| !taken(field.name()))
            .map(|(at, _)| at)
            .collect();
        let carried = if columns.config.carry && !others.is_empty() {
            as_members(&rows, &others).map_err(|error| error.to_string())
        } else {
            Ok(Vec::new())
        };
        ParquetBatch { columns, rows, carried, max_document: limits.max_document }
    }

    fn text(&self, column: &str, row: usize) -> Result<Option<String>, NoDocument> {
        let Some(array) = self.rows.column_by_name(column) else { return Ok(None) };
        if array.is_null(row) {
            return Ok(None);
        }
        let strings = match array.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                arrow_cast::cast(&array.slice(row, 1), &DataType::Utf8).ok()
            }
            kind if kind.is_integer() => arrow_cast::cast(&array.slice(row, 1), &DataType::Utf8).ok(),
            _ => None,
        };
        let text = strings
            .as_ref()
            .and_then(|strings| strings.as_any().downcast_ref::<StringArray>())
            .map(|strings| strings.value(0).to_owned());
        text.map(Some).ok_or_else(|| {
            bad("column_of_another_type", format!("the column `{column}` is {}", array.data_type())).into()
        })
    }
}

/// The sink's own column.
const CARRIED: &str = "carried";

impl Batch for ParquetBatch {
    fn len(&self) -> usize {
        self.rows.num_rows()
    }

    fn bytes(&self) -> usize {
        self.rows.get_array_memory_size()
    }

    fn document(&self, index: usize) -> Result<Document, NoDocument> {
        let Config { id, text: text_column, .. } = &self.columns.config;
        let Some(text) = self.text(text_column, index)? else {
            let schema = self.rows.schema();
            let columns: Vec<&str> = schema.fields().iter().take(12).map(|field| field.name().as_str()).collect();
            let detail = format!("there is nothing in the column `{text_column}` of {}", columns.join(", "));
            return Err(bad(MISSING_TEXT, detail).into());
        };
        if text.len() > self.max_document {
            return Err(bad(
                "too_large",
                format!("a text of {} bytes; the limit is {}", text.len(), self.max_document),
            )
            .into());
        }
        let mut document = Document::new(self.text(id, index)?.unwrap_or_default(), text);
        for field in &self.columns.fields {
            let Some(array) = self.rows.column_by_name(field.name.as_str()).filter(|array| array.is_valid(index))
            else {
                continue;
            };
            let cast = arrow_cast::cast(&array.slice(index, 1), &crate::sink::parquet::data_type(field.kind));
            let value = cast.ok().and_then(|array| value(&array));
            let wrong = || {
                bad(
                    "column_of_another_type",
                    format!("the column `{}` is {}, not {}", field.name, array.data_type(), field.kind),
                )
            };
            document.set_field(field.name, value.ok_or_else(wrong)?);
        }
        let carried = self.carried.as_ref().map_err(|error| bad("corrupt_parquet", error.clone()))?;
        if let Some(carried) = carried.get(index) {
            document.carried.clone_from(carried);
        }
        if let Some(more) = self.text(CARRIED, index)?.filter(|_| self.columns.config.carry) {
            let members = more
                .trim()
                .strip_prefix('{')
                .and_then(|inner| inner.strip_suffix('}'))
                .map(str::trim)
                .unwrap_or_default();
            if serde_json::from_str::<serde_json::Map<_, _>>(&more).is_ok() && !members.is_empty() {
                if !document.carried.is_empty() {
                    document.carried.push(',');
                }
                document.carried.push_str(members);
            }
        }
        Ok(document)
    }
}

fn value(array: &dyn Array) -> Option<Value> {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Float64Type, Int64Type};
    if array.is_null(0) {
        return None;
    }
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(0).into()),
        DataType::Int64 => Some(array.as_primitive::<Int64Type>().value(0).into()),
        DataType::Float64 => Some(array.as_primitive::<Float64Type>().value(0).into()),
        DataType::Boolean => Some(array.as_boolean().value(0).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{ArrayRef, Int32Array, LargeStringArray};

    use super::super::warc::tests::read;
    use super::*;

    fn file() -> Vec<u8> {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("id", Arc::new(Int32Array::from(vec![1, 2, 3]))),
            ("text", Arc::new(LargeStringArray::from(vec![Some("正文"), None, Some("three")]))),
            ("n", Arc::new(Int32Array::from(vec![Some(5), None, None]))),
            ("url", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
            ("carried", Arc::new(StringArray::from(vec![r#"{"x":[1]}"#, "", ""]))),
        ];
        crate::sink::parquet::encode(&RecordBatch::try_from_iter(columns).unwrap(), 1).unwrap()
    }

    fn source(carry: bool) -> Parquet {
        let fields = BTreeMap::from([("n".to_owned(), "integer".to_owned())]);
        Parquet::new(Config { fields, carry, ..Config::default() }, &mut Setup::default()).unwrap()
    }

    #[test]
    fn rows_become_documents_and_other_columns_are_carried() {
        let all = read(&source(true), &file(), 1 << 20);
        let first = all[0].as_ref().unwrap();
        assert_eq!((first.id.as_str(), first.text(), first.carried.as_str()), ("1", "正文", r#""url":"a","x":[1]"#));
        assert_eq!(first.field(Name::new("n")), Some(&Value::Integer(5)));
        assert!(matches!(&all[1], Err(NoDocument::Bad(bad)) if bad.reason == "missing_text"));
        assert_eq!(all[2].as_ref().unwrap().text(), "three");
        assert_eq!(read(&source(false), &file(), 1 << 20)[0].as_ref().unwrap().carried, "");
    }

    #[test]
    fn a_file_that_is_cut_or_flipped_is_set_aside_and_never_a_panic() {
        let whole = file();
        for cut in [0, 4, whole.len() / 2, whole.len() - 1] {
            let all = read(&source(true), &whole[..cut], 1 << 20);
            assert!(
                matches!(&all[..], [Err(NoDocument::Bad(bad))] if bad.reason == "corrupt_parquet"),
                "{cut}: {all:?}"
            );
        }
        for at in (0..whole.len()).step_by(7) {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x41;
            read(&source(true), &flipped, 1 << 20);
        }
    }
}
