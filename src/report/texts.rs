//! Texts of some documents, or how they begin, where a run kept them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use arrow_array::cast::AsArray;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;

use crate::engine::commit::at;
use crate::engine::lane::DROPPED;
use crate::engine::publish::read_manifest;
use crate::engine::session::RunRecord;

/// Characters that are shown.
const CHARS: usize = 100;
/// Bytes of one folder that are looked through, uncompressed.
const MOST_READ: u64 = 1 << 30;

#[derive(Deserialize)]
struct Line {
    id: String,
    text: String,
}

/// Rows of a file of parquet that are held at once.
const ROWS: usize = 256;

/// Bytes of a text that is told whole.
const MOST_TEXT: usize = 1 << 20;

/// As [`begin`], with whole texts, cut off after a mebibyte.
pub fn whole(output: &Path, record: &RunRecord, ids: &BTreeSet<String>) -> io::Result<BTreeMap<String, String>> {
    find(output, record, ids, |text| text[..text.floor_char_boundary(MOST_TEXT)].to_owned())
}

/// Looks for documents among those that were dropped and kept for inspection, and in sinks of lines of JSON or of parquet.
pub fn begin(output: &Path, record: &RunRecord, ids: &BTreeSet<String>) -> io::Result<BTreeMap<String, String>> {
    find(output, record, ids, excerpt)
}

fn find(
    output: &Path,
    record: &RunRecord,
    ids: &BTreeSet<String>,
    take: fn(&str) -> String,
) -> io::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let dropped = record.steps.iter().map(|step| output.join(DROPPED).join(&step.name));
    let sinks =
        record.steps.iter().filter(|step| step.kind == "sink" && ["jsonl", "parquet"].contains(&step.uses.as_str()));
    for folder in dropped.chain(sinks.map(|step| output.join(&step.name))) {
        look(&folder, ids, take, &mut found)?;
        if found.len() == ids.len() {
            break;
        }
    }
    Ok(found)
}

fn look(
    folder: &Path,
    ids: &BTreeSet<String>,
    take: fn(&str) -> String,
    found: &mut BTreeMap<String, String>,
) -> io::Result<()> {
    let mut line = Vec::new();
    let mut read = 0;
    for file in read_manifest(folder).shards.iter().flat_map(|shard| &shard.files) {
        let path = folder.join(&file.name);
        let open = File::open(&path).map_err(at(&path))?;
        let reader: Box<dyn Read> = match path.extension().and_then(|ending| ending.to_str()) {
            Some("zst") => Box::new(zstd::stream::read::Decoder::new(open).map_err(at(&path))?),
            Some("gz") => Box::new(flate2::read::MultiGzDecoder::new(open)),
            Some("jsonl") => Box::new(open),
            Some("parquet") => {
                let looked = look_at_columns(open, ids, take, MOST_READ - read, found);
                read += looked.map_err(|error| at(&path)(io::Error::new(io::ErrorKind::InvalidData, error)))?;
                if read >= MOST_READ {
                    break;
                }
                continue;
            }
            _ => continue,
        };
        let mut lines = BufReader::new(reader).take(MOST_READ - read);
        loop {
            line.clear();
            let length = lines.read_until(b'\n', &mut line).map_err(at(&path))?;
            read += length as u64;
            if length == 0 || found.len() == ids.len() {
                break;
            }
            let Ok(Line { id, text }) = serde_json::from_slice::<Line>(&line) else { continue };
            if ids.contains(&id) && !found.contains_key(&id) {
                found.insert(id, take(&text));
            }
        }
        if read >= MOST_READ {
            break;
        }
    }
    Ok(())
}

/// The same in a file of parquet, up to about `most` bytes of text; how many it were.
fn look_at_columns(
    file: File,
    ids: &BTreeSet<String>,
    take: fn(&str) -> String,
    most: u64,
    found: &mut BTreeMap<String, String>,
) -> Result<u64, parquet::errors::ParquetError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["id", "text"]);
    let mut read = 0;
    for batch in builder.with_projection(mask).with_batch_size(ROWS).build()? {
        let batch = batch?;
        let column = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let (Some(names), Some(texts)) = (column("id"), column("text")) else { break };
        for (id, text) in names.iter().zip(texts).filter_map(|(id, text)| id.zip(text)) {
            read += text.len() as u64;
            if ids.contains(id) && !found.contains_key(id) {
                found.insert(id.to_owned(), take(text));
            }
        }
        if read >= most || found.len() == ids.len() {
            break;
        }
    }
    Ok(read)
}

/// How a text begins, on one line and with nothing invisible in it.
pub fn excerpt(text: &str) -> String {
    let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = plain.chars().filter(|c| !c.is_control()).take(CHARS).collect();
    if plain.chars().count() > CHARS { short + "…" } else { short }
}
