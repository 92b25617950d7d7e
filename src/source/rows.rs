//! Tables that steps read while they are built: sets of questions, lists with more than one column.

use std::fs::File;
use std::io;
use std::path::Path;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Rows that are decoded at once.
const ROWS: usize = 256;

/// Every row of a file of parquet as an object of JSON, in order. What [`Setup::tables`] lends.
///
/// [`Setup::tables`]: wanjuan_filters::kit::Setup::tables
pub fn rows(path: &Path) -> io::Result<Box<dyn Iterator<Item = io::Result<Vec<u8>>>>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?).map_err(io::Error::other)?;
    let batches = builder.with_batch_size(ROWS).build().map_err(io::Error::other)?;
    Ok(Box::new(batches.flat_map(|batch| {
        let lines = batch.and_then(|batch| {
            let mut writer = arrow_json::LineDelimitedWriter::new(Vec::new());
            writer.write(&batch)?;
            writer.finish()?;
            Ok(writer.into_inner())
        });
        match lines {
            // No line end stands within a row: JSON writes it as `\n`.
            Ok(lines) => lines
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
                .map(|line| Ok(line.to_vec()))
                .collect(),
            Err(error) => vec![Err(io::Error::other(error))],
        }
    })))
}
