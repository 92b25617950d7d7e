//! Compressed files, of which no few bytes can become all of the memory.

use std::io::{self, Read};

/// Bytes that a file may always unpack to.
const ALWAYS: u64 = 64 << 20;

/// Times its size that it may: tables of numbers are compressed tenfold, text that repeats itself a hundredfold.
const RATIO: u64 = 1000;

/// What unpacks, and how much more it may.
pub struct Bounded<R> {
    unpacks: R,
    left: u64,
}

impl<R: Read> Bounded<R> {
    /// Bounds what comes of so many compressed bytes.
    pub fn new(unpacks: R, compressed: u64) -> Bounded<R> {
        Bounded { unpacks, left: compressed.saturating_mul(RATIO).max(ALWAYS) }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.unpacks.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            let what = format!("the file unpacks to more than {RATIO} times its size");
            io::Error::new(io::ErrorKind::InvalidData, what)
        })?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_unpack_to_its_bound_and_no_further() {
        let read = |count: u64, compressed| {
            let mut bytes = Bounded::new(io::repeat(b'a').take(count), compressed);
            io::copy(&mut bytes, &mut io::sink()).map_err(|error| error.to_string())
        };
        assert_eq!(read(ALWAYS, 100), Ok(ALWAYS));
        assert_eq!(read(ALWAYS + 1, 100), Err("the file unpacks to more than 1000 times its size".to_owned()));
        assert_eq!(read(100_000_000, 100_000), Ok(100_000_000));
        assert!(read(100_000_001, 100_000).is_err());
    }
}
