//! Lists of kept ids, as other tools write them: parquet, lines of JSON, or an id a line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_cast::cast;
use arrow_schema::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::engine::commit::at;

/// Calls `each` with every id; `field` is the member or column that holds it.
pub fn each(path: &Path, field: &str, mut each: impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
    let file = File::open(path).map_err(at(path))?;
    if name.ends_with(".parquet") {
        return parquet_ids(path, file, field, each);
    }
    let plain = name.trim_end_matches(".gz").trim_end_matches(".zst");
    let reader: Box<dyn Read> = if name.ends_with(".gz") {
        Box::new(flate2::read::MultiGzDecoder::new(file))
    } else if name.ends_with(".zst") {
        Box::new(zstd::stream::read::Decoder::new(file).map_err(at(path))?)
    } else {
        Box::new(file)
    };
    let is_json = plain.ends_with(".jsonl") || plain.ends_with(".ndjson") || plain.ends_with(".json");
    let mut lines = BufReader::new(reader);
    let (mut line, mut number) = (String::new(), 0_u64);
    loop {
        line.clear();
        number += 1;
        if lines.read_line(&mut line).map_err(|error| wrong(path, number, &error))? == 0 {
            return Ok(());
        }
        let line = line.trim_end_matches(['\n', '\r']);
        let line = if number == 1 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
        if line.trim().is_empty() {
            continue;
        }
        if !is_json {
            each(line)?;
            continue;
        }
        let record: serde_json::Value = serde_json::from_str(line).map_err(|error| wrong(path, number, &error))?;
        match record.get(field) {
            Some(serde_json::Value::String(id)) => each(id)?,
            Some(serde_json::Value::Number(id)) => each(&id.to_string())?,
            _ => return Err(wrong(path, number, &format!("there is no id `{field}`"))),
        }
    }
}

fn wrong(path: &Path, line: u64, what: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{}, line {line}: {what}", path.display()))
}

fn parquet_ids(path: &Path, file: File, field: &str, mut each: impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
    let invalid = |error: &dyn std::fmt::Display| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("{}: {error}", path.display()))
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| invalid(&error))?;
    let Some(number) = builder.schema().fields().iter().position(|column| column.name() == field) else {
        return Err(invalid(&format!("there is no column `{field}`")));
    };
    let mask = ProjectionMask::roots(builder.parquet_schema(), [number]);
    for batch in builder.with_projection(mask).build().map_err(|error| invalid(&error))? {
        let batch = batch.map_err(|error| invalid(&error))?;
        let column = cast(batch.column(0), &DataType::Utf8).map_err(|error| invalid(&error))?;
        let ids = column.as_string::<i32>();
        for row in (0..ids.len()).filter(|&row| ids.is_valid(row)) {
            each(ids.value(row))?;
        }
    }
    Ok(())
}
