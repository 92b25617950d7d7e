//! Writes parquet: one row a document, typed columns, row groups that stream.
//!
//! Columns are `id`, `text`, every field known where the sink stands, and `carried`: whatever else
//! the record held, as JSON text, so that heterogeneous metadata never breaks a schema. Row groups
//! are encoded side by side and spliced into files without being encoded again.
//!
//! | setting       | default | source                                             |
//! |---------------|---------|----------------------------------------------------|
//! | `level`       | 3       | zstd's own default                                 |
//! | `row_group_mb`| 16      | ours: bytes of documents in a row group            |
//! | `shard_mb`    | 1024    | ours: bytes of documents in a file                 |
//! | `measures`    | false   | ours: adds a column for every measure so far       |

use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field as Column, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{Document, Field, Setup, Step, Type, Value, Wrong};

use super::{Block, Columns, Kind, Row, Sealed, ShardFile, Sink};
use crate::engine::codec;

/// Settings of [`Parquet`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Level of zstd, 1 to 22.
    pub level: i32,
    /// Megabytes of documents in a row group.
    pub row_group_mb: u64,
    /// Megabytes of documents in a file.
    pub shard_mb: u64,
    /// Whether every measure so far becomes a column.
    pub measures: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { level: 3, row_group_mb: 16, shard_mb: 1024, measures: false }
    }
}

/// See the words at the top of this file.
pub struct Parquet {
    config: Config,
    columns: Columns,
    schema: Arc<Schema>,
}

/// Offsets of texts in a row group are 32 bits, and every thread holds one.
const MAX_ROW_GROUP_MB: u64 = 512;

impl Step for Parquet {
    const NAME: &'static str = "parquet";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("parquet.rs");
    type Config = Config;
    type Kind = Kind;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        if !(1..=22).contains(&config.level) {
            return Err(Wrong::setting("level", format!("there is no zstd level {}", config.level))
                .help("levels go from 1 to 22"));
        }
        if config.row_group_mb > MAX_ROW_GROUP_MB {
            let what = format!("a row group of {} megabytes is held in memory whole", config.row_group_mb);
            return Err(Wrong::setting("row_group_mb", what).help(format!("give at most {MAX_ROW_GROUP_MB}")));
        }
        if config.row_group_mb == 0 || config.shard_mb == 0 {
            return Err(Wrong::setting("row_group_mb", "a row group and a file hold at least one megabyte"));
        }
        Ok(Parquet { config, columns: Columns::default(), schema: Arc::new(Schema::empty()) })
    }
}

impl Sink for Parquet {
    fn prepare(&mut self, columns: &Columns) {
        self.columns = columns.clone();
        if !self.config.measures {
            self.columns.measures.clear();
        }
        let mut schema = vec![Column::new("id", DataType::Utf8, false), Column::new("text", DataType::Utf8, false)];
        schema.extend(
            self.columns.fields.iter().map(|field| Column::new(field.name.as_str(), data_type(field.kind), true)),
        );
        schema.extend(self.columns.measures.iter().map(|(_, name)| Column::new(name, DataType::Float64, true)));
        schema.push(Column::new("carried", DataType::Utf8, true));
        self.schema = Arc::new(Schema::new(schema));
    }

    fn row(&self, document: &Document, out: &mut Vec<u8>) -> Result<Row, &'static str> {
        codec::encode(0, document, out);
        Ok(Row { weight: document.text().len() as u64, tokens: 0 })
    }

    fn block_bytes(&self) -> usize {
        (self.config.row_group_mb << 20) as usize
    }

    fn shard_weight(&self) -> u64 {
        self.config.shard_mb << 20
    }

    fn seal(&self, block: Block) -> io::Result<Sealed> {
        let documents: Option<Vec<Document>> =
            block.rows().map(|row| codec::decode(row, 0).map(|row| row.document)).collect();
        let documents = documents.ok_or_else(|| io::Error::other("a row cannot be decoded"))?;
        let texts = |of: fn(&Document) -> &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(documents.iter().map(of)))
        };
        let mut columns = vec![texts(|document| &document.id), texts(Document::text)];
        columns.extend(self.columns.fields.iter().map(|field| column(*field, &documents)));
        for (slot, _) in &self.columns.measures {
            let values =
                documents.iter().map(|document| document.measures.get(*slot).copied().filter(|value| !value.is_nan()));
            columns.push(Arc::new(Float64Array::from_iter(values)));
        }
        let carried = documents
            .iter()
            .map(|document| (!document.carried.is_empty()).then(|| format!("{{{}}}", document.carried)));
        columns.push(Arc::new(StringArray::from_iter(carried)));
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(io::Error::other)?;
        Ok(Sealed { data: encode(&batch, self.config.level)?, index: Vec::new() })
    }

    fn publish(
        &self,
        folder: &Path,
        number: usize,
        blocks: &mut dyn Iterator<Item = io::Result<Sealed>>,
    ) -> io::Result<Vec<ShardFile>> {
        splice(folder, &format!("part-{number:05}.parquet"), blocks).map(|file| vec![file])
    }
}

/// The Arrow type of a field.
pub fn data_type(kind: Type) -> DataType {
    match kind {
        Type::Text => DataType::Utf8,
        Type::Integer => DataType::Int64,
        Type::Number => DataType::Float64,
        Type::Boolean => DataType::Boolean,
    }
}

/// The column of one field. A value of another type than the field's is written as none: the checker
/// refuses pipelines that could make one.
pub fn column(field: Field, documents: &[Document]) -> ArrayRef {
    let values = documents.iter().map(|document| document.field(field.name));
    match field.kind {
        Type::Text => Arc::new(StringArray::from_iter(values.map(|value| value.and_then(Value::as_text)))),
        Type::Number => Arc::new(Float64Array::from_iter(values.map(|value| value.and_then(Value::as_number)))),
        Type::Integer => Arc::new(Int64Array::from_iter(values.map(|value| match value {
            Some(Value::Integer(integer)) => Some(*integer),
            _ => None,
        }))),
        Type::Boolean => Arc::new(BooleanArray::from_iter(values.map(|value| match value {
            Some(Value::Boolean(boolean)) => Some(*boolean),
            _ => None,
        }))),
    }
}

fn properties(level: i32) -> io::Result<WriterProperties> {
    let compression = Compression::ZSTD(ZstdLevel::try_new(level).map_err(io::Error::other)?);
    Ok(WriterProperties::builder().set_compression(compression).set_created_by("wanjuan".to_owned()).build())
}

/// Encodes rows as a parquet file of one row group.
pub fn encode(batch: &RecordBatch, level: i32) -> io::Result<Vec<u8>> {
    let mut writer =
        ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties(level)?)).map_err(io::Error::other)?;
    writer.write(batch).map_err(io::Error::other)?;
    writer.into_inner().map_err(io::Error::other)
}

/// Puts the row groups of files made by [`encode`] together into one file, without encoding them
/// again.
pub fn splice(
    folder: &Path,
    name: &str,
    blocks: &mut dyn Iterator<Item = io::Result<Sealed>>,
) -> io::Result<ShardFile> {
    let mut writer = None;
    for block in blocks {
        let bytes = Bytes::from(block?.data);
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&bytes).map_err(io::Error::other)?;
        let writer = match &mut writer {
            Some(writer) => writer,
            None => {
                let file = metadata.file_metadata();
                let properties = WriterProperties::builder()
                    .set_created_by("wanjuan".to_owned())
                    .set_key_value_metadata(file.key_value_metadata().cloned())
                    .build();
                let target = ShardFile::create(folder, name)?;
                let schema = file.schema_descr().root_schema_ptr();
                writer
                    .insert(SerializedFileWriter::new(target, schema, Arc::new(properties)).map_err(io::Error::other)?)
            }
        };
        for group in metadata.row_groups() {
            let mut target = writer.next_row_group().map_err(io::Error::other)?;
            for column in group.columns() {
                let close = ColumnCloseResult {
                    bytes_written: column.compressed_size() as u64,
                    rows_written: group.num_rows() as u64,
                    metadata: column.clone(),
                    bloom_filter: None,
                    column_index: None,
                    offset_index: None,
                };
                target.append_column(&bytes, close).map_err(io::Error::other)?;
            }
            target.close().map_err(io::Error::other)?;
        }
    }
    let writer = writer.ok_or_else(|| io::Error::other("a shard has at least one block"))?;
    writer.into_inner().map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use wanjuan_filters::kit::Name;

    use super::*;

    #[test]
    fn documents_come_back_from_a_file_of_several_row_groups() {
        let mut sink = Parquet::new(Config { measures: true, ..Config::default() }, &mut Setup::default()).unwrap();
        sink.prepare(&Columns {
            fields: vec![Field::new("lang", Type::Text), Field::new("n", Type::Integer)],
            measures: vec![(1, "q.words".into())],
        });
        let folder = tempfile::tempdir().unwrap();
        let sealed = ["zh", "en"].map(|lang| {
            let mut block = Block::default();
            for n in 0..3_i64 {
                let mut document = Document::new(format!("{lang}{n}"), "正文 text");
                document.set_field(Name::new("lang"), lang);
                document.set_field(Name::new("n"), n);
                document.measures = vec![f64::NAN, n as f64];
                document.carried = if n == 0 { String::new() } else { r#""a":[1]"#.into() };
                sink.row(&document, &mut block.bytes).unwrap();
                block.ends.push(block.bytes.len());
            }
            Ok(sink.seal(block).unwrap())
        });
        let file = sink.publish(folder.path(), 0, &mut sealed.into_iter()).unwrap().remove(0);
        let path = folder.path().join(file.name());
        let (length, digest) = file.finish().unwrap();
        let written = std::fs::read(&path).unwrap();
        assert_eq!((length, digest), (written.len() as u64, blake3::hash(&written).to_string()));
        let read = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(written)).unwrap();
        assert_eq!(read.metadata().num_row_groups(), 2);
        assert_eq!(
            read.schema().fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(),
            ["id", "text", "lang", "n", "q.words", "carried"]
        );
        let batches: Vec<RecordBatch> = read.build().unwrap().map(Result::unwrap).collect();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 6);
        let carried = batches[0].column(5).as_any().downcast_ref::<StringArray>().unwrap();
        assert_eq!((carried.is_valid(0), carried.value(1)), (false, r#"{"a":[1]}"#));
    }

    use arrow_array::Array;
}
