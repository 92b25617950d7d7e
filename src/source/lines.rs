//! Lines of a file in batches: the part of reading that cannot be shared, and nothing else.
//!
//! A file is cut anywhere if it is plain, and where members begin if it is compressed. A line belongs to
//! the range in which it starts. Whether one starts exactly where a member does, only the member before
//! could tell; so such a line belongs to the range before, which reads on to its end.

use std::io;
use std::ops::Range;

use super::bytes::{self, Broken, Bytes, Format, Trouble};
use super::{Bad, KEPT_RAW, Limits};
use crate::store::Input;

/// Consecutive lines, without their ends.
#[derive(Debug, Default)]
pub struct Lines {
    bytes: Vec<u8>,
    /// Ranges of lines in `bytes`, and bad ones in their places.
    entries: Vec<Result<Range<usize>, Bad>>,
}

impl Lines {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// The line at `index`.
    pub fn line(&self, index: usize) -> Result<&[u8], Bad> {
        match &self.entries[index] {
            Ok(range) => Ok(&self.bytes[range.clone()]),
            Err(bad) => Err(bad.clone()),
        }
    }
}

/// Cuts a file into batches of lines. Empty lines are passed over.
pub struct LineReader {
    bytes: Bytes,
    /// What lies behind a range of a compressed file, for the line that reaches into it.
    behind: Option<(Input, Format, u64)>,
    limits: Limits,
    /// A line that has not ended, from the batch before.
    rest: Vec<u8>,
    /// Offset of the next line, in decompressed bytes.
    offset: u64,
    /// Lines that start at or after this belong to the next range.
    end: u64,
    /// A line above the limit is being passed over; its first bytes wait here.
    skipping: Option<Bad>,
    over: bool,
    /// Damage that was met before the first line.
    damage: Option<Bad>,
}

fn bad(trouble: Trouble) -> Bad {
    Bad { reason: trouble.reason, detail: trouble.detail, offset: None, raw: Vec::new() }
}

impl LineReader {
    /// Opens one of the ranges of [`splits`].
    pub fn open(input: &Input, range: Range<u64>, limits: Limits) -> io::Result<LineReader> {
        let format = Format::of(input)?;
        let plain = format == Format::Plain;
        // One byte early: if it ends a line, the line that starts at the range's first byte is ours.
        let start = if plain { range.start.saturating_sub(1) } else { range.start };
        let opened = start..if plain { input.length } else { range.end };
        let mut reader = LineReader {
            bytes: Bytes::open(input, format, opened, limits)?,
            behind: (!plain && range.end < input.length).then(|| (input.clone(), format, range.end)),
            limits,
            rest: Vec::new(),
            offset: if plain { start } else { 0 },
            end: if plain { range.end } else { u64::MAX },
            skipping: None,
            over: false,
            damage: None,
        };
        if range.start > 0 {
            reader.pass_line()?;
        } else {
            reader.pass_mark()?;
        }
        Ok(reader)
    }

    /// Passes over the line that the range before began.
    fn pass_line(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match self.bytes.read(&mut buffer) {
                Ok(0) => {
                    // A line that goes on behind this range is the range before's, to its end.
                    self.over = true;
                    return Ok(());
                }
                Ok(read) => {
                    if let Some(at) = memchr::memchr(b'\n', &buffer[..read]) {
                        self.offset += at as u64 + 1;
                        self.rest = buffer[at + 1..read].to_vec();
                        return Ok(());
                    }
                    self.offset += read as u64;
                    if self.offset >= self.end {
                        self.over = true;
                        return Ok(());
                    }
                }
                Err(Broken::Machine(error)) => return Err(error),
                Err(Broken::Data(trouble)) => {
                    // Told with the first lines; what follows begins with a member, as behind all damage.
                    self.damage = Some(bad(trouble));
                    return Ok(());
                }
            }
        }
    }

    /// Passes over a byte-order mark.
    fn pass_mark(&mut self) -> io::Result<()> {
        let mut mark = [0; 3];
        let mut filled = 0;
        while filled < 3 {
            match self.bytes.read(&mut mark[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(Broken::Machine(error)) => return Err(error),
                Err(Broken::Data(trouble)) => {
                    // Told with the first lines, and with it the beginning of one that goes no further.
                    self.damage = Some(Bad { raw: mark[..filled].to_vec(), ..bad(trouble) });
                    filled = 0;
                    break;
                }
            }
        }
        if filled == 3 && mark == *b"\xef\xbb\xbf" {
            self.offset += 3;
        } else {
            self.rest = mark[..filled].to_vec();
        }
        Ok(())
    }

    /// The next lines, or `None` after the last.
    pub fn next_lines(&mut self) -> io::Result<Option<Lines>> {
        let mut lines = Lines { bytes: std::mem::take(&mut self.rest), entries: Vec::new() };
        lines.entries.extend(self.damage.take().map(Err));
        let mut scanned = 0;
        let mut start = 0;
        while !self.over {
            let had = lines.bytes.len();
            if had < self.limits.batch_bytes || lines.entries.is_empty() {
                let more =
                    if had < self.limits.batch_bytes { self.limits.batch_bytes - had } else { self.limits.batch_bytes };
                lines.bytes.resize(had + more, 0);
                let read = self.bytes.read(&mut lines.bytes[had..]);
                let filled = *read.as_ref().unwrap_or(&0);
                lines.bytes.truncate(had + filled);
                match read {
                    Ok(0) if self.behind.is_some() => self.go_behind((lines.bytes.len() - start) as u64)?,
                    Ok(0) => {
                        self.finish(&mut lines, start, None);
                        start = lines.bytes.len();
                        scanned = start;
                    }
                    Ok(_) => {}
                    Err(Broken::Machine(error)) => return Err(error),
                    Err(Broken::Data(trouble)) => {
                        self.finish(&mut lines, start, Some(bad(trouble)));
                        start = lines.bytes.len();
                        scanned = start;
                        self.skipping = None;
                        self.over = false; // there may be more after the damage
                    }
                }
            }
            while let Some(at) = memchr::memchr(b'\n', &lines.bytes[scanned..]).map(|at| scanned + at) {
                if !self.line(&mut lines, start..at) {
                    self.over = true;
                    break;
                }
                start = at + 1;
                scanned = start;
            }
            if self.over {
                break;
            }
            if lines.entries.is_empty() {
                // Nothing but empty lines so far: they need not be held.
                lines.bytes.drain(..start);
                start = 0;
            }
            scanned = lines.bytes.len();
            // One more than the limit may still be a line of that length and its `\r`.
            if lines.bytes.len() - start > self.limits.max_document + 1 {
                self.skip(&mut lines, start);
                lines.bytes.truncate(start);
                scanned = start;
            }
            if !lines.entries.is_empty() && lines.bytes.len() >= self.limits.batch_bytes {
                self.rest = lines.bytes.split_off(start);
                break;
            }
        }
        Ok((!lines.entries.is_empty()).then_some(lines))
    }

    /// The range has ended, but perhaps not its last line: reads on, for that line alone. `held` bytes of
    /// it are there.
    fn go_behind(&mut self, held: u64) -> io::Result<()> {
        let Some((input, format, start)) = self.behind.take() else { return Ok(()) };
        self.bytes = Bytes::open(&input, format, start..input.length, self.limits)?;
        self.end = self.offset + held + 1;
        Ok(())
    }

    /// Takes a whole line; false if it belongs to the next range.
    fn line(&mut self, lines: &mut Lines, range: Range<usize>) -> bool {
        let begins = self.offset;
        self.offset += range.len() as u64 + 1;
        if let Some(mut bad) = self.skipping.take() {
            bad.detail = format!(
                "a line of {} bytes; the limit is {}",
                self.offset - 1 - bad.offset.unwrap_or(0),
                self.limits.max_document
            );
            lines.entries.push(Err(bad));
            return true;
        }
        if begins >= self.end {
            return false;
        }
        let mut range = range;
        if lines.bytes[range.clone()].last() == Some(&b'\r') {
            range.end -= 1;
        }
        if range.len() > self.limits.max_document {
            let raw = lines.bytes[range.start..range.start + KEPT_RAW.min(range.len())].to_vec();
            let detail = format!("a line of {} bytes; the limit is {}", range.len(), self.limits.max_document);
            lines.entries.push(Err(Bad { reason: "too_large", detail, offset: Some(begins), raw }));
        } else if !lines.bytes[range.clone()].iter().all(u8::is_ascii_whitespace) {
            lines.entries.push(Ok(range));
        }
        true
    }

    /// The line that has begun is above the limit: lets its bytes go.
    fn skip(&mut self, lines: &mut Lines, start: usize) {
        let held = &lines.bytes[start..];
        if self.skipping.is_none() && self.offset >= self.end {
            self.over = true; // it belongs to the next range
            return;
        }
        if self.skipping.is_none() {
            let raw = held[..KEPT_RAW.min(held.len())].to_vec();
            self.skipping = Some(Bad { reason: "too_large", detail: String::new(), offset: Some(self.offset), raw });
        }
        self.offset += held.len() as u64;
    }

    /// The bytes have ended, in order or not. A last line without an end counts, unless the bytes
    /// broke off within it.
    fn finish(&mut self, lines: &mut Lines, start: usize, bad: Option<Bad>) {
        self.over = true;
        let end = memchr::memrchr(b'\n', &lines.bytes[start..]).map_or(start, |at| start + at + 1);
        let mut from = start;
        while let Some(at) = memchr::memchr(b'\n', &lines.bytes[from..end]).map(|at| from + at) {
            if !self.line(lines, from..at) {
                return;
            }
            from = at + 1;
        }
        let last = from..lines.bytes.len();
        match bad {
            None if !last.is_empty() || self.skipping.is_some() => drop(self.line(lines, last)),
            None => {}
            Some(mut bad) => {
                bad.offset = Some(self.offset);
                bad.raw = lines.bytes[last.start..last.end.min(last.start + KEPT_RAW)].to_vec();
                lines.entries.push(Err(bad));
            }
        }
    }
}

/// Cuts a file into ranges of about `target` bytes.
pub fn splits(input: &Input, target: u64) -> io::Result<Vec<Range<u64>>> {
    if input.length <= target {
        return Ok(input.whole());
    }
    if Format::of(input)? != Format::Plain {
        return bytes::splits(input, target, b"");
    }
    let parts = input.length.div_ceil(target);
    Ok((0..parts).map(|part| part * target..((part + 1) * target).min(input.length)).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::store::Disk;

    fn limits(batch_bytes: usize, max_document: usize) -> Limits {
        Limits { batch_bytes, max_document, max_ratio: 1000 }
    }

    fn input(path: &std::path::Path) -> Input {
        Input {
            location: path.to_owned(),
            name: "x".into(),
            length: fs::metadata(path).unwrap().len(),
            store: Arc::new(Disk),
        }
    }

    fn read(input: &Input, range: Range<u64>, limits: Limits) -> Vec<Result<Vec<u8>, &'static str>> {
        let mut reader = LineReader::open(input, range, limits).unwrap();
        let mut all = Vec::new();
        while let Some(lines) = reader.next_lines().unwrap() {
            all.extend((0..lines.len()).map(|index| lines.line(index).map(<[u8]>::to_vec).map_err(|bad| bad.reason)));
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn ranges_and_batches_of_any_size_give_the_lines_that_splitting_gives(
            text in "([a-z\u{4e00}-\u{4e05}]{0,12}(\n|\r\n)?){0,30}", target in 1..40_u64, batch in 1..64_usize, max in 4..40_usize,
        ) {
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(file.path(), &text).unwrap();
            let input = input(file.path());
            let plain: Vec<_> = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).filter(|line| !line.is_empty())
                .map(|line| if line.len() > max { Err("too_large") } else { Ok(line.as_bytes().to_vec()) }).collect();
            let cut: Vec<_> = splits(&input, target).unwrap().into_iter().flat_map(|range| read(&input, range, limits(batch, max))).collect();
            prop_assert_eq!(cut, plain);
        }

        #[test]
        fn members_wherever_they_are_cut_give_the_lines_of_the_whole(
            parts in prop::collection::vec("([a-z\u{4e00}-\u{4e05}]{0,12}(\n|\r\n)?){0,4}", 1..12), target in 1..60_u64, batch in 1..64_usize, gzip: bool,
        ) {
            let pack = |part: &String| if gzip {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(part.as_bytes()).unwrap();
                encoder.finish().unwrap()
            } else {
                zstd::bulk::compress(part.as_bytes(), 1).unwrap()
            };
            let (_folder, input) = crate::store::tests::file(&parts.iter().flat_map(pack).collect::<Vec<u8>>());
            let text = parts.concat();
            let plain: Vec<_> = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).filter(|line| !line.is_empty())
                .map(|line| Ok(line.as_bytes().to_vec())).collect();
            let cut: Vec<_> = splits(&input, target).unwrap().into_iter().flat_map(|range| read(&input, range, limits(batch, 1000))).collect();
            prop_assert_eq!(cut, plain);
        }
    }

    #[test]
    fn a_truncated_gzip_gives_its_whole_lines_and_says_what_is_missing() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        for line in 0..10_000 {
            writeln!(encoder, "line {line} {}", line * 7919).unwrap();
        }
        let whole = encoder.finish().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &whole[..whole.len() / 2]).unwrap();
        let input = input(file.path());
        let lines = read(&input, 0..input.length, limits(4096, 1000));
        assert_eq!(lines[0], Ok(b"line 0 0".to_vec()));
        assert!(lines.len() > 1000);
        assert_eq!(lines.last(), Some(&Err("truncated_gzip")));
        assert_eq!(lines.iter().filter(|line| line.is_err()).count(), 1);
    }

    #[test]
    fn a_line_far_above_the_limit_is_let_go_and_its_neighbours_stay() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), [b"one\n".to_vec(), vec![b'x'; 3_000_000], b"\ntwo".to_vec()].concat()).unwrap();
        let lines = read(&input(file.path()), 0..3_000_008, limits(64 << 10, 100_000));
        assert_eq!(lines, [Ok(b"one".to_vec()), Err("too_large"), Ok(b"two".to_vec())]);
    }

    #[test]
    fn a_flood_of_empty_lines_is_not_held() {
        let (_folder, input) = crate::store::tests::file(&[b"\n \n".repeat(3_000_000), b"x\n".to_vec()].concat());
        let mut reader = LineReader::open(&input, 0..input.length, limits(4096, 1000)).unwrap();
        let lines = reader.next_lines().unwrap().unwrap();
        assert_eq!(lines.line(0), Ok(&b"x"[..]));
        assert!(lines.bytes() < 100_000, "{} bytes are held", lines.bytes());
    }

    #[test]
    fn a_short_file_that_is_damaged_or_cut_says_so() {
        let frame = zstd::bulk::compress(b"one\ntwo\n", 1).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"one\ntwo\n").unwrap();
        let gzip = gzip.finish().unwrap();
        for whole in [frame, gzip] {
            for cut in 5..whole.len() {
                let (_folder, input) = crate::store::tests::file(&whole[..cut]);
                let lines = read(&input, 0..input.length, limits(4096, 1000));
                assert!(lines.last().is_some_and(Result::is_err), "cut at {cut}: {lines:?}");
            }
        }
    }

    #[test]
    fn a_bomb_is_found_before_it_is_held() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut encoder = zstd::stream::write::Encoder::new(fs::File::create(file.path()).unwrap(), 1).unwrap();
        for _ in 0..200 {
            encoder.write_all(&vec![b' '; 1 << 20]).unwrap();
        }
        encoder.finish().unwrap();
        let input = input(file.path());
        assert_eq!(read(&input, 0..input.length, limits(1 << 20, 1 << 20)), [Err("compression_bomb")]);
    }
}
