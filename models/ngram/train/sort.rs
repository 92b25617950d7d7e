//! Sorting of n-grams with a number or two, on disk where they do not fit the memory.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::super::MAX_ORDER;

/// An n-gram, the last word first, and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Row {
    pub words: [u32; MAX_ORDER],
    pub one: u64,
    pub other: u64,
}

/// Bytes of a row in memory.
pub const ROW_BYTES: usize = size_of::<Row>();

/// What rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum By {
    /// The last word, then the one before it, and so on (Heafield et al. 2013: suffix order).
    Suffix,
    /// The last but one, and so on; the last word at the end (context order).
    Context,
}

impl By {
    fn compare(self, one: &Row, other: &Row) -> Ordering {
        match self {
            By::Suffix => one.words.cmp(&other.words),
            By::Context => (&one.words[1..], one.words[0]).cmp(&(&other.words[1..], other.words[0])),
        }
    }
}

/// Rows of `n` words in a file.
pub struct Rows {
    file: BufReader<File>,
    n: usize,
}

impl Rows {
    pub fn open(path: &Path, n: usize) -> io::Result<Rows> {
        Rows::with_buffer(path, n, 256 << 10)
    }

    fn with_buffer(path: &Path, n: usize, bytes: usize) -> io::Result<Rows> {
        Ok(Rows { file: BufReader::with_capacity(bytes, File::open(path)?), n })
    }

    pub fn next(&mut self) -> io::Result<Option<Row>> {
        let mut bytes = [0; 4 * MAX_ORDER + 16];
        let bytes = &mut bytes[..4 * self.n + 16];
        match self.file.read_exact(bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            result => result?,
        }
        let mut row = Row::default();
        for (word, four) in row.words[..self.n].iter_mut().zip(bytes.chunks_exact(4)) {
            *word = u32::from_le_bytes(four.try_into().expect("four bytes"));
        }
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        (row.one, row.other) = (number(4 * self.n), number(4 * self.n + 8));
        Ok(Some(row))
    }
}

/// A file of rows under construction.
pub struct Writer {
    file: BufWriter<File>,
    n: usize,
}

impl Writer {
    pub fn create(path: &Path, n: usize) -> io::Result<Writer> {
        Ok(Writer { file: BufWriter::with_capacity(256 << 10, File::create(path)?), n })
    }

    pub fn push(&mut self, row: &Row) -> io::Result<()> {
        for word in &row.words[..self.n] {
            self.file.write_all(&word.to_le_bytes())?;
        }
        self.file.write_all(&row.one.to_le_bytes())?;
        self.file.write_all(&row.other.to_le_bytes())
    }

    pub fn finish(mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Files that are merged at once.
const FAN_IN: usize = 64;

/// Collects rows and writes them to one file in order. Rows of equal words become one, `one` of all added up.
pub struct Sorter {
    by: By,
    n: usize,
    path: PathBuf,
    rows: Vec<Row>,
    room: usize,
    /// Bytes of the buffer of a run that is merged.
    buffer: usize,
    threads: usize,
    runs: Vec<PathBuf>,
    made: usize,
}

impl Sorter {
    /// Takes `memory` bytes at most, a fifth of them for the buffers of files, but room for 1,024 rows and 4 KiB for each
    /// file; `path` is the file that will be written.
    pub fn new(by: By, n: usize, path: PathBuf, memory: usize, threads: usize) -> Sorter {
        let buffer = (memory / 5 / (FAN_IN + 1)).clamp(4 << 10, 256 << 10);
        let room = (memory.saturating_sub(buffer * (FAN_IN + 1)) / ROW_BYTES).max(1024);
        Sorter { by, n, path, rows: Vec::new(), room, buffer, threads: threads.max(1), runs: Vec::new(), made: 0 }
    }

    pub fn push(&mut self, row: Row) -> io::Result<()> {
        if self.rows.len() == self.room {
            self.spill()?;
        }
        if self.rows.capacity() == 0 {
            // All at once: rows that move to a larger place need both for a while. What is not used takes no memory.
            self.rows.try_reserve_exact(self.room).map_err(io::Error::other)?;
        }
        self.rows.push(row);
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let by = self.by;
        let part = self.rows.len().div_ceil(self.threads);
        std::thread::scope(|scope| {
            for rows in self.rows.chunks_mut(part) {
                scope.spawn(move || rows.sort_unstable_by(|one, other| by.compare(one, other)));
            }
        });
        let parts: Vec<&[Row]> = self.rows.chunks(part).collect();
        let run = self.path.with_extension(format!("run{}", self.made));
        self.made += 1;
        let mut places = vec![0; parts.len()];
        merge(by, self.n, &run, parts.len(), |part| {
            let row = parts[part].get(places[part]).copied();
            places[part] += 1;
            Ok(row)
        })?;
        self.rows.clear();
        self.runs.push(run);
        if self.runs.len() == FAN_IN {
            let run = self.path.with_extension(format!("run{}", self.made));
            self.made += 1;
            self.merge_runs(&run)?;
            self.runs.push(run);
        }
        Ok(())
    }

    fn merge_runs(&mut self, into: &Path) -> io::Result<()> {
        let runs = std::mem::take(&mut self.runs);
        let mut files =
            runs.iter().map(|run| Rows::with_buffer(run, self.n, self.buffer)).collect::<io::Result<Vec<_>>>()?;
        merge(self.by, self.n, into, files.len(), |run| files[run].next())?;
        runs.iter().try_for_each(std::fs::remove_file)
    }

    /// Writes the file.
    pub fn finish(mut self) -> io::Result<PathBuf> {
        self.spill()?;
        self.rows = Vec::new();
        let path = self.path.clone();
        if let [run] = &self.runs[..] {
            std::fs::rename(run, &path)?;
        } else {
            self.merge_runs(&path)?;
        }
        Ok(path)
    }
}

/// A row at the head of what is merged.
struct Head {
    row: Row,
    from: usize,
    by: By,
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Head {}
impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Head {
    fn cmp(&self, other: &Head) -> Ordering {
        self.by.compare(&self.row, &other.row).then(self.from.cmp(&other.from))
    }
}

fn merge(
    by: By,
    n: usize,
    into: &Path,
    count: usize,
    mut next: impl FnMut(usize) -> io::Result<Option<Row>>,
) -> io::Result<()> {
    let mut writer = Writer::create(into, n)?;
    let mut heads = BinaryHeap::new();
    for from in 0..count {
        heads.extend(next(from)?.map(|row| Reverse(Head { row, from, by })));
    }
    let mut open: Option<Row> = None;
    while let Some(mut head) = heads.peek_mut() {
        let row = head.0.row;
        match next(head.0.from)? {
            Some(row) => head.0.row = row,
            None => drop(std::collections::binary_heap::PeekMut::pop(head)),
        }
        match &mut open {
            Some(open) if open.words == row.words => open.one += row.one,
            _ => {
                if let Some(done) = open.replace(row) {
                    writer.push(&done)?;
                }
            }
        }
    }
    if let Some(done) = open {
        writer.push(&done)?;
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_buffers_take_no_more_than_the_memory() {
        let folder = tempfile::tempdir().unwrap();
        for memory in [1 << 20, 3 << 20] {
            let mut sorter = Sorter::new(By::Suffix, 2, folder.path().join("rows"), memory, 2);
            for number in 0..200_000_u32 {
                let words = [number.wrapping_mul(2_654_435_761) >> 12, number % 7, 0, 0, 0, 0];
                sorter.push(Row { words, one: 1, other: 0 }).unwrap();
                assert!(sorter.rows.capacity() * ROW_BYTES + sorter.buffer * (FAN_IN + 1) <= memory);
            }
            assert!(sorter.made > 1, "nothing was spilled");
            let path = sorter.finish().unwrap();
            let (mut rows, mut sum, mut last) = (Rows::open(&path, 2).unwrap(), 0, None);
            while let Some(row) = rows.next().unwrap() {
                assert!(last < Some(row.words));
                (last, sum) = (Some(row.words), sum + row.one);
            }
            assert_eq!(sum, 200_000);
        }
    }
}
