//! The rows of `measures/`, gathered by document.
//!
//! Each phase of a run appends its rows in the order of the documents, so the table is a few sorted
//! stretches. They are found first and then merged, which brings together the rows of a document whose
//! ways parted, in memory that does not grow with the corpus.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use arrow_schema::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::statistics::Statistics;
use wanjuan_filters::kit::{Field, Type, Value};

use crate::engine::commit::at;
use crate::engine::lane::MEASURES;
use crate::engine::outcome::{KEPT_INSTEAD, PLACE};
use crate::engine::publish::read_manifest;
use crate::engine::session::RunRecord;

/// More sorted stretches than this are not merged; a run makes one a phase.
const STRETCHES: usize = 64;

/// One end that a document came to.
#[derive(Debug, Clone, Default)]
pub struct Row {
    pub id: String,
    /// Number of the split in the order of the run.
    pub split: usize,
    pub ordinal: u64,
    pub step: String,
    /// `None` where it was written.
    pub reason: Option<String>,
    /// The document that was kept in its stead.
    pub kept_instead: Option<String>,
    /// Length of its text, where the run noted it.
    pub bytes: u64,
    /// In the order of [`Rows::measures`]; NaN where there is none.
    pub values: Vec<f64>,
    /// In the order of the fields that were asked for; see [`Rows::select`].
    pub fields: Vec<Option<Value>>,
}

/// The table of a finished run.
pub struct Rows {
    files: Vec<PathBuf>,
    /// Names of its measures, `step.measure`.
    pub measures: Vec<String>,
    /// The least and the greatest finite value of each measure, where there is one.
    pub ranges: Vec<Option<(f64, f64)>>,
    splits: HashMap<String, usize>,
    /// Its fields and their types.
    pub fields: Vec<Field>,
    /// Those that are read.
    asked: Vec<Field>,
    /// Columns that are read; all of them, if there is none.
    columns: Vec<String>,
}

impl Rows {
    pub fn open(output: &Path, record: &RunRecord) -> io::Result<Rows> {
        let folder = output.join(MEASURES);
        let shards = read_manifest(&folder).shards;
        let files = shards.iter().flat_map(|shard| &shard.files).map(|file| folder.join(&file.name)).collect();
        let mut splits = HashMap::new();
        for (number, input) in record.inputs.iter().enumerate() {
            splits.entry(input.name.clone()).or_insert(number);
        }
        let mut rows = Rows {
            files,
            measures: Vec::new(),
            ranges: Vec::new(),
            splits,
            fields: Vec::new(),
            asked: Vec::new(),
            columns: Vec::new(),
        };
        rows.read_footers()?;
        Ok(rows)
    }

    /// Reads these fields, which it has, and of the measures only these: the others are NaN.
    pub fn select(&mut self, fields: Vec<Field>, measures: impl Iterator<Item = usize>) {
        let named = PLACE.into_iter().chain([KEPT_INSTEAD]).chain(fields.iter().map(|field| field.name.as_str()));
        self.columns = named.map(str::to_owned).chain(measures.map(|slot| self.measures[slot].clone())).collect();
        self.asked = fields;
    }

    /// Names and ranges of measures, from the footers of the files.
    fn read_footers(&mut self) -> io::Result<()> {
        for path in &self.files {
            let reader = open(path)?;
            let known = |name: &str| PLACE.contains(&name) || !name.contains('.');
            if self.measures.is_empty() && self.fields.is_empty() {
                for column in reader.schema().fields().iter().filter(|column| !column.name().contains('.')) {
                    let kind = match column.data_type() {
                        _ if PLACE.contains(&column.name().as_str()) || column.name() == KEPT_INSTEAD => continue,
                        DataType::Float64 => Type::Number,
                        DataType::Int64 => Type::Integer,
                        DataType::Boolean => Type::Boolean,
                        _ => Type::Text,
                    };
                    self.fields.push(Field::new(column.name(), kind));
                }
                let names = reader.schema().fields().iter().map(|field| field.name().clone());
                self.measures = names.filter(|name| !known(name)).collect();
                self.ranges = vec![None; self.measures.len()];
            }
            for column in reader.metadata().row_groups().iter().flat_map(|group| group.columns()) {
                let name = column.column_descr().name();
                let Some(slot) = self.measures.iter().position(|measure| measure == name) else { continue };
                let Some(Statistics::Double(found)) = column.statistics() else { continue };
                for value in [found.min_opt(), found.max_opt()].into_iter().flatten().copied().filter(|v| v.is_finite())
                {
                    let (least, greatest) = self.ranges[slot].unwrap_or((value, value));
                    self.ranges[slot] = Some((least.min(value), greatest.max(value)));
                }
            }
        }
        Ok(())
    }

    /// Calls `each` with all rows of one document after the other, in the order of the run.
    pub fn each_document(&self, mut each: impl FnMut(&[Row])) -> io::Result<()> {
        let mut cursors = Vec::new();
        let starts = self.stretches()?;
        for (index, &start) in starts.iter().enumerate() {
            let end = starts.get(index + 1).copied().unwrap_or(u64::MAX);
            cursors.push(Cursor::open(self, start, end)?);
        }
        let mut group: Vec<Row> = Vec::new();
        loop {
            let Some(next) = cursors.iter().filter_map(Cursor::place).min() else { return Ok(()) };
            let mut rows = 0;
            for cursor in &mut cursors {
                while cursor.place() == Some(next) {
                    if group.len() == rows {
                        group.push(Row::default());
                    }
                    cursor.take(&mut group[rows])?;
                    rows += 1;
                }
            }
            each(&group[..rows]);
        }
    }

    /// Numbers of the rows at which sorted stretches begin.
    fn stretches(&self) -> io::Result<Vec<u64>> {
        let mut starts = vec![0];
        let mut before = (0, 0);
        let mut number = 0;
        for path in &self.files {
            let reader = open(path)?;
            let columns = ProjectionMask::columns(reader.parquet_schema(), ["split", "ordinal"]);
            for batch in reader.with_projection(columns).build().map_err(io::Error::other)? {
                let batch = batch.map_err(io::Error::other)?;
                let (splits, ordinals) = (texts(&batch, "split")?, ordinals(&batch)?);
                for row in 0..batch.num_rows() {
                    let place = (self.split(splits.value(row)), ordinals.value(row));
                    if place < before && starts.len() < STRETCHES {
                        starts.push(number);
                    }
                    before = place;
                    number += 1;
                }
            }
        }
        Ok(starts)
    }

    fn split(&self, name: &str) -> usize {
        self.splits.get(name).copied().unwrap_or(usize::MAX)
    }
}

fn open(path: &Path) -> io::Result<ParquetRecordBatchReaderBuilder<File>> {
    ParquetRecordBatchReaderBuilder::try_new(File::open(path).map_err(at(path))?).map_err(io::Error::other)
}

fn texts(batch: &RecordBatch, name: &str) -> io::Result<StringArray> {
    let column = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    column.cloned().ok_or_else(|| io::Error::other(format!("measures/ has no texts `{name}`")))
}

fn ordinals(batch: &RecordBatch) -> io::Result<UInt64Array> {
    let column = batch.column_by_name("ordinal").and_then(|column| column.as_primitive_opt::<UInt64Type>());
    column.cloned().ok_or_else(|| io::Error::other("measures/ has no numbers `ordinal`"))
}

fn text(column: &StringArray, row: usize) -> Option<String> {
    column.is_valid(row).then(|| column.value(row).to_owned())
}

fn value(kind: Type, column: &ArrayRef, row: usize) -> Option<Value> {
    if column.is_null(row) {
        return None;
    }
    Some(match kind {
        Type::Text => Value::from(column.as_string_opt::<i32>()?.value(row)),
        Type::Integer => Value::Integer(column.as_primitive_opt::<Int64Type>()?.value(row)),
        Type::Number => Value::Number(column.as_primitive_opt::<Float64Type>()?.value(row)),
        Type::Boolean => Value::Boolean(column.as_boolean_opt()?.value(row)),
    })
}

/// Columns of some rows.
struct Columns {
    id: StringArray,
    split: StringArray,
    ordinal: UInt64Array,
    step: StringArray,
    reason: StringArray,
    kept_instead: Option<StringArray>,
    bytes: Option<UInt64Array>,
    values: Vec<Option<Float64Array>>,
    fields: Vec<(Type, Option<ArrayRef>)>,
}

/// A reader of one stretch.
struct Cursor<'a> {
    rows: &'a Rows,
    file: usize,
    reader: Option<ParquetRecordBatchReader>,
    /// Rows to pass over before the first.
    skip: u64,
    /// Rows of the stretch that are not yet taken.
    left: u64,
    columns: Option<Columns>,
    row: usize,
}

impl<'a> Cursor<'a> {
    fn open(rows: &'a Rows, start: u64, end: u64) -> io::Result<Cursor<'a>> {
        let mut cursor = Cursor { rows, file: 0, reader: None, skip: start, left: end - start, columns: None, row: 0 };
        cursor.fill()?;
        Ok(cursor)
    }

    /// Split and ordinal of the row it stands at.
    fn place(&self) -> Option<(usize, u64)> {
        let columns = self.columns.as_ref().filter(|_| self.left > 0)?;
        Some((self.rows.split(columns.split.value(self.row)), columns.ordinal.value(self.row)))
    }

    /// Copies the row it stands at and goes on.
    fn take(&mut self, row: &mut Row) -> io::Result<()> {
        let at = self.row;
        let Some(columns) = &self.columns else { return Ok(()) };
        let put = |from: &StringArray, to: &mut String| {
            to.clear();
            to.push_str(from.value(at));
        };
        put(&columns.id, &mut row.id);
        put(&columns.step, &mut row.step);
        row.split = self.rows.split(columns.split.value(at));
        row.ordinal = columns.ordinal.value(at);
        row.reason = text(&columns.reason, at);
        row.kept_instead = columns.kept_instead.as_ref().and_then(|column| text(column, at));
        row.bytes = columns.bytes.as_ref().map_or(0, |bytes| bytes.value(at));
        row.fields.clear();
        row.fields.extend(columns.fields.iter().map(|(kind, column)| value(*kind, column.as_ref()?, at)));
        row.values.clear();
        row.values.extend(columns.values.iter().map(|values| match values {
            Some(values) if values.is_valid(at) => values.value(at),
            _ => f64::NAN,
        }));
        self.left -= 1;
        self.row += 1;
        self.fill()
    }

    /// Reads on until there is a row, or no more.
    fn fill(&mut self) -> io::Result<()> {
        while self.left > 0 && self.columns.as_ref().is_none_or(|columns| self.row == columns.id.len()) {
            let Some(reader) = &mut self.reader else {
                let Some(path) = self.rows.files.get(self.file) else {
                    self.left = 0;
                    break;
                };
                self.file += 1;
                let reader = open(path)?;
                let rows = reader.metadata().file_metadata().num_rows() as u64;
                if rows <= self.skip {
                    self.skip -= rows;
                    continue;
                }
                let offset = std::mem::take(&mut self.skip) as usize;
                let reader = match self.rows.columns.is_empty() {
                    true => reader,
                    false => {
                        // By number: in a name, a dot would be read as a column within a column.
                        let fields = reader.schema().fields().iter().enumerate();
                        let wanted = fields.filter(|(_, field)| self.rows.columns.contains(field.name()));
                        let numbers: Vec<usize> = wanted.map(|(number, _)| number).collect();
                        let columns = ProjectionMask::roots(reader.parquet_schema(), numbers);
                        reader.with_projection(columns)
                    }
                };
                self.reader = Some(reader.with_offset(offset).build().map_err(io::Error::other)?);
                continue;
            };
            match reader.next() {
                None => self.reader = None,
                Some(batch) => {
                    self.columns = Some(self.rows.columns(&batch.map_err(io::Error::other)?)?);
                    self.row = 0;
                }
            }
        }
        Ok(())
    }
}

impl Rows {
    fn columns(&self, batch: &RecordBatch) -> io::Result<Columns> {
        let numbers =
            |name: &String| batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Float64Type>());
        Ok(Columns {
            id: texts(batch, "id")?,
            split: texts(batch, "split")?,
            ordinal: ordinals(batch)?,
            step: texts(batch, "step")?,
            reason: texts(batch, "reason")?,
            kept_instead: texts(batch, KEPT_INSTEAD).ok(),
            bytes: batch
                .column_by_name("text_bytes")
                .and_then(|column| column.as_primitive_opt::<UInt64Type>())
                .cloned(),
            fields: self
                .asked
                .iter()
                .map(|field| (field.kind, batch.column_by_name(field.name.as_str()).cloned()))
                .collect(),
            values: self.measures.iter().map(|name| numbers(name).cloned()).collect(),
        })
    }
}
