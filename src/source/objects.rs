//! The records of a file as objects of JSON, for what reads labelled texts and nothing else of a record.

use std::io::{self, Read};

use super::lines::LineReader;
use super::{Bad, Limits, rows};
use crate::store::Input;

/// Records: an error is the machine's, a bad one keeps its place.
pub type Objects = Box<dyn Iterator<Item = io::Result<Result<Vec<u8>, Bad>>>>;

/// Every record of a file as the text of an object: lines, plain or compressed, or the rows of a parquet file, which is
/// told by its first bytes.
pub fn objects(input: &Input, limits: Limits) -> io::Result<Objects> {
    let mut magic = Vec::new();
    input.open(0..input.length.min(4))?.read_to_end(&mut magic)?;
    if magic == b"PAR1" {
        return Ok(Box::new(rows(&input.location)?.map(|row| row.map(Ok))));
    }
    let mut reader = LineReader::open(input, 0..input.length, limits)?;
    let batches = std::iter::from_fn(move || reader.next_lines().transpose());
    Ok(Box::new(batches.flat_map(|lines| match lines {
        Ok(lines) => (0..lines.len()).map(|line| Ok(lines.line(line).map(<[u8]>::to_vec))).collect(),
        Err(error) => vec![Err(error)],
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MAX_RATIO;
    use crate::store::tests::file;

    #[test]
    fn lines_are_read_plain_and_compressed_and_bad_ones_keep_their_place() {
        let limits = Limits { batch_bytes: 8, max_document: 20, max_ratio: MAX_RATIO };
        let text = "{\"a\":1}\n\n{\"a\":\"far too long a line for this\"}\n{\"a\":2}";
        for bytes in [text.as_bytes().to_vec(), zstd::encode_all(text.as_bytes(), 3).unwrap()] {
            let (_folder, input) = file(&bytes);
            let found: Vec<_> = objects(&input, limits).unwrap().map(|object| object.unwrap().ok()).collect();
            assert_eq!(found, [Some(b"{\"a\":1}".to_vec()), None, Some(b"{\"a\":2}".to_vec())]);
        }
    }
}
