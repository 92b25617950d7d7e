//! Writes the small file that `packed.rs` reads, within the memory: columns wait in files, and the steps that values are
//! told in come of sorting them as n-grams are sorted.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use super::super::packed::{MAGIC, STEPS, put};
use super::sort::{By, Row, Rows, Sorter};
use super::{Names, Trained};

/// Values in their order, as numbers that have the same.
fn ordered(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

fn value(ordered: u32) -> f32 {
    f32::from_bits(if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered })
}

/// Nothing, and means of as many values in each step, of those that are not nothing, sorted in `path`.
fn steps(path: &Path) -> io::Result<Vec<f32>> {
    let (mut rows, mut count) = (Rows::open(path, 1)?, 0);
    while let Some(row) = rows.next()? {
        count += row.one;
    }
    let mut rows = Rows::open(path, 1)?;
    let mut open = Row::default();
    let (mut steps, parts) = (vec![0.0], STEPS as u64 - 1);
    for step in 0..parts {
        let (from, to) = (count * step / parts, count * (step + 1) / parts);
        let mut sum = 0.0;
        for _ in from..to {
            if open.one == 0 {
                open = rows.next()?.ok_or(io::ErrorKind::UnexpectedEof)?;
            }
            open.one -= 1;
            sum += f64::from(value(open.words[0]));
        }
        steps.push(if from == to { steps[step as usize] } else { (sum / (to - from) as f64) as f32 });
    }
    Ok(steps)
}

fn nearest(steps: &[f32], value: f32) -> u8 {
    let near = |&(_, &step): &(usize, &f32)| (step - value).abs();
    let best = steps.iter().enumerate().min_by(|one, other| near(one).total_cmp(&near(other)));
    best.map_or(0, |(at, _)| at as u8)
}

/// A file of bytes that is written first and put behind something else then.
struct Column {
    file: BufWriter<File>,
    length: u64,
}

impl Column {
    fn create(path: &Path) -> io::Result<Column> {
        Ok(Column { file: BufWriter::with_capacity(64 << 10, File::create(path)?), length: 0 })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.length += bytes.len() as u64;
        self.file.write_all(bytes)
    }
}

impl Trained {
    /// Writes a small file of the model, with probabilities and back-offs in 256 steps for each order; tells how many
    /// bytes it unpacks to.
    pub fn write_packed(&self, out: &mut impl Write) -> io::Result<u64> {
        let names = self.names()?;
        let mut encoder = zstd::Encoder::new(out, 19)?;
        encoder.include_checksum(true)?;
        let mut out = Counted { out: encoder, bytes: 0 };
        out.write_all(MAGIC)?;
        let mut head = Vec::new();
        put(&mut head, self.order as u64);
        self.ngrams.iter().for_each(|&count| put(&mut head, count));
        out.write_all(&head)?;
        for id in 0..names.len() {
            head.clear();
            put(&mut head, names.get(id).len() as u64);
            out.write_all(&head)?;
            out.write_all(names.get(id))?;
        }
        drop::<Names>(names);
        for n in 1..=self.order {
            self.pack_order(n, &mut out)?;
        }
        out.out.finish()?;
        Ok(out.bytes)
    }

    fn pack_order(&self, n: usize, out: &mut impl Write) -> io::Result<()> {
        let sorter = |name| {
            let path = self.folder.file(name, n);
            Sorter::new(By::Suffix, 1, path, self.config.memory / 2, self.config.threads)
        };
        let (mut probs, mut backoffs) = (sorter("probs"), sorter("backoffs"));
        let paths: Vec<_> = (0..n).map(|place| self.folder.file("column", place)).collect();
        let mut columns = paths.iter().map(|path| Column::create(path)).collect::<io::Result<Vec<_>>>()?;
        let mut last: Option<Vec<u32>> = None;
        let mut bytes = Vec::new();
        self.each(n, |words, prob, backoff| {
            for (sorter, value) in [(&mut probs, prob), (&mut backoffs, backoff)] {
                if value != 0.0 {
                    let mut row = Row { one: 1, ..Row::default() };
                    row.words[0] = ordered(value);
                    sorter.push(row)?;
                }
            }
            // The first word that is another, by its difference; those behind it as they are.
            let mut fresh = last.is_none();
            let before = last.get_or_insert_with(|| vec![0; n]);
            for ((word, before), column) in words.iter().zip(before).zip(&mut columns) {
                bytes.clear();
                put(&mut bytes, u64::from(if fresh { *word } else { *word - *before }));
                column.write(&bytes)?;
                fresh |= word != before;
                *before = *word;
            }
            Ok(())
        })?;
        let (probs, backoffs) = (steps(&probs.finish()?)?, steps(&backoffs.finish()?)?);
        for step in probs.iter().chain(&backoffs) {
            out.write_all(&step.to_le_bytes())?;
        }
        bytes.clear();
        columns.iter().for_each(|column| put(&mut bytes, column.length));
        out.write_all(&bytes)?;
        for (column, path) in columns.into_iter().zip(&paths) {
            column.file.into_inner()?;
            let mut column = BufReader::with_capacity(64 << 10, File::open(path)?);
            copy(&mut column, out)?;
            std::fs::remove_file(path)?;
        }
        self.each(n, |_, prob, _| out.write_all(&[nearest(&probs, prob)]))?;
        if n < self.order {
            self.each(n, |_, _, backoff| out.write_all(&[nearest(&backoffs, backoff)]))?;
        }
        ["probs", "backoffs"].iter().try_for_each(|name| std::fs::remove_file(self.folder.file(name, n)))
    }
}

/// As [`io::copy`], in pieces of a fixed size.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            length => to.write_all(&buffer[..length])?,
        }
    }
}

/// Counts what is written.
struct Counted<W> {
    out: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
