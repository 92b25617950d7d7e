//! Items of evaluation sets: lines of JSON, plain or compressed, and tables that the engine reads.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde_json::Value;

use crate::kit::Tables;

/// A line longer than this is no item.
const MAX_LINE: u64 = 64 << 20;

/// Calls `each` with every item of a file, in order; an error tells the file and the line or row.
pub(super) fn each_item(path: &Path, tables: Option<Tables>, mut each: impl FnMut(&Value)) -> Result<(), String> {
    let wrong = |number: usize, what: &dyn std::fmt::Display| format!("{}, item {number}: {what}", path.display());
    let whole = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut take = |number: usize, line: &[u8]| {
        let item: Value = serde_json::from_slice(line).map_err(|error| wrong(number, &error))?;
        if !item.is_object() {
            return Err(wrong(number, &"this is no object"));
        }
        each(&item);
        Ok(())
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    if name.ends_with(".parquet") {
        let Some(tables) = tables else { return Err(format!("{}: parquet cannot be read here", path.display())) };
        for (number, row) in tables(path).map_err(whole)?.enumerate() {
            take(number, &row.map_err(|error| wrong(number, &error))?)?;
        }
        return Ok(());
    }
    let file = File::open(path).map_err(whole)?;
    let reader: Box<dyn Read> = if name.ends_with(".gz") {
        Box::new(flate2::read::MultiGzDecoder::new(file))
    } else if name.ends_with(".zst") {
        Box::new(zstd::stream::read::Decoder::new(file).map_err(whole)?)
    } else {
        Box::new(file)
    };
    let mut reader = BufReader::with_capacity(256 << 10, reader);
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        line.clear();
        let length =
            reader.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut line).map_err(|error| wrong(number, &error))?;
        if length == 0 {
            return Ok(());
        }
        if length as u64 > MAX_LINE {
            return Err(wrong(number, &"the line is longer than 64 MiB"));
        }
        if !line.trim_ascii().is_empty() {
            let start = if number == 0 && line.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            take(number, &line[start..])?;
            number += 1;
        }
    }
}

/// Texts of an item: of members that are named, in the order of their names, or of all. A name stands for all
/// below it: `choices` for `choices.text` and the texts of a list.
pub(super) fn texts<'a>(item: &'a Value, fields: &[String], found: &mut Vec<&'a str>) {
    found.clear();
    if fields.is_empty() {
        return below(item, found);
    }
    for field in fields {
        let member = item.get(field).or_else(|| field.split('.').try_fold(item, |item, part| item.get(part)));
        if let Some(member) = member {
            below(member, found);
        }
    }
}

fn below<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(values) => values.iter().for_each(|value| below(value, found)),
        Value::Object(members) => members.values().for_each(|value| below(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
