//! Lists that people keep in files, one entry on a line: opened, decoded and refused in one way for every step.
//!
//! A file may be compressed with gzip or zstd and begin with a byte order mark; it may unpack to 64 MiB, and beyond that
//! to a thousand times its size. Anything but UTF-8 is refused with its line: only the owner of a list knows which
//! encoding it is in.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use wanjuan_models::unpack::Bounded;

use super::Wrong;

const BUFFER: usize = 256 << 10;

/// Why a file is no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// Every character has two bytes.
    Utf16,
    /// The first line that is not UTF-8, counted from one.
    Line(usize),
    /// There is no entry.
    Empty,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::Utf16 => f.write_str("it is UTF-16, not UTF-8"),
            Malformed::Line(line) => write!(f, "line {line} is not UTF-8"),
            Malformed::Empty => f.write_str("it lists nothing"),
        }
    }
}

impl std::error::Error for Malformed {}

impl Malformed {
    /// How to repair it.
    pub fn help(self) -> &'static str {
        match self {
            Malformed::Utf16 => "convert the list first: `iconv -f UTF-16 -t UTF-8`",
            Malformed::Line(_) => "convert the list first: `iconv -f GB18030 -t UTF-8`, if it is Chinese",
            Malformed::Empty => "a list has an entry on each line; remove one that has none",
        }
    }

    /// The same as a mistake of the setting that names the file.
    pub fn wrong(self, setting: &'static str, path: &Path) -> Wrong {
        Wrong::setting(setting, format!("{}: {self}", path.display())).help(self.help())
    }
}

/// A file that cannot be read, as a mistake of the setting that names it.
pub fn unreadable(setting: &'static str, path: &Path, error: &io::Error) -> Wrong {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Malformed>()) {
        Some(malformed) => malformed.wrong(setting, path),
        None => Wrong::setting(setting, format!("{}: {error}", path.display())),
    }
}

/// Opens a list: plain, or compressed, as its first bytes tell.
pub fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut head = Vec::with_capacity(4);
    (&mut file).take(4).read_to_end(&mut head)?;
    let gzip = head.starts_with(&[0x1f, 0x8b]);
    let zstd = head == [0x28, 0xb5, 0x2f, 0xfd];
    let all = Cursor::new(head).chain(file);
    let mut list: Box<dyn BufRead> = if gzip {
        Box::new(BufReader::with_capacity(BUFFER, Bounded::new(flate2::read::MultiGzDecoder::new(all), bytes)))
    } else if zstd {
        Box::new(BufReader::with_capacity(BUFFER, Bounded::new(zstd::Decoder::new(all)?, bytes)))
    } else {
        Box::new(BufReader::with_capacity(BUFFER, all))
    };
    match is_utf16(list.fill_buf()?) {
        true => Err(io::Error::new(io::ErrorKind::InvalidData, Malformed::Utf16)),
        false => Ok(list),
    }
}

/// Whether bytes begin as UTF-16 does: with its mark, or with every other byte of a letter nought.
fn is_utf16(bytes: &[u8]) -> bool {
    let pair = |at: usize| bytes.get(at..at + 2).unwrap_or(&[1, 1]);
    let is = |zero: usize| (0..4).all(|number| pair(2 * number)[zero] == 0 && pair(2 * number)[1 - zero] != 0);
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || is(0) || is(1)
}

/// The text of a list, without a byte order mark.
pub fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    if is_utf16(bytes) {
        return Err(Malformed::Utf16);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let good = &bytes[..error.valid_up_to()];
        Malformed::Line(memchr::memchr_iter(b'\n', good).count() + 1)
    })
}

/// Reads a whole list.
pub fn read(setting: &'static str, path: &Path) -> Result<String, Wrong> {
    let mut bytes = Vec::new();
    open(path).and_then(|mut list| list.read_to_end(&mut bytes)).map_err(|error| unreadable(setting, path, &error))?;
    text(&bytes).map(str::to_owned).map_err(|malformed| malformed.wrong(setting, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_utf_8_is_named_with_how_to_convert_it() {
        for (bytes, malformed) in [
            (&b"abc\n\xb7\xa8\xc2\xd6\n"[..], Malformed::Line(2)),
            (b"\xff\xfea\0\n\0", Malformed::Utf16),
            (b"\xfe\xff\0a\0\n", Malformed::Utf16),
            (b"a\0b\0c\0d\0", Malformed::Utf16),
            (b"\0a\0b\0c\0d", Malformed::Utf16),
        ] {
            assert_eq!(text(bytes), Err(malformed));
        }
        assert_eq!(text(b"\xef\xbb\xbfa\n"), Ok("a\n"));
        assert_eq!(text(b"a\0b"), Ok("a\0b"));
        assert_eq!(text(b""), Ok(""));
    }

    #[test]
    fn compressed_lists_are_read_and_errors_name_the_file() {
        let path = std::env::temp_dir().join(format!("wanjuan-list-{}", std::process::id()));
        std::fs::write(&path, zstd::encode_all("\u{feff}一\n".as_bytes(), 1).unwrap()).unwrap();
        assert_eq!(read("lists", &path).unwrap(), "一\n");
        std::fs::write(&path, zstd::encode_all(&b"\xff\xfea\0"[..], 1).unwrap()).unwrap();
        let wrong = read("lists", &path).unwrap_err();
        assert_eq!(wrong.what, format!("{}: it is UTF-16, not UTF-8", path.display()));
        assert!(wrong.help.unwrap().contains("iconv"));
        std::fs::remove_file(&path).unwrap();
        assert!(read("lists", &path).unwrap_err().what.starts_with(&path.display().to_string()));
    }

    #[test]
    fn a_list_that_unpacks_to_far_more_than_its_size_is_refused_by_name_and_not_held() {
        let path = std::env::temp_dir().join(format!("wanjuan-bomb-{}", std::process::id()));
        let bomb = vec![b'a'; 65 << 20];
        std::fs::write(&path, zstd::encode_all(&bomb[..], 1).unwrap()).unwrap();
        let expected = format!("{}: the file unpacks to more than 1000 times its size", path.display());
        assert_eq!(read("lists", &path).unwrap_err().what, expected);
        std::fs::remove_file(&path).unwrap();
    }
}
