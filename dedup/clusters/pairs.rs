//! Pairs of numbers that wait on disk, in one file for each range of nodes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

/// Bytes of a pair.
const PAIR: usize = 16;

/// Pairs by range.
pub struct Pairs {
    /// What the files are called, but for the number of the range.
    name: PathBuf,
    buffers: Vec<Mutex<Vec<u8>>>,
    buffer: usize,
}

impl Pairs {
    /// None yet; each range has a buffer of so many bytes.
    pub fn new(name: PathBuf, ranges: usize, buffer: usize) -> Pairs {
        Pairs { name, buffers: (0..ranges).map(|_| Mutex::default()).collect(), buffer }
    }

    fn file(&self, range: usize) -> PathBuf {
        let mut name = self.name.clone().into_os_string();
        name.push(format!("-{range}"));
        name.into()
    }

    /// Adds a pair.
    pub fn push(&self, range: usize, (one, other): (u64, u64)) -> io::Result<()> {
        let mut buffer = lock(&self.buffers[range]);
        buffer.extend_from_slice(&one.to_le_bytes());
        buffer.extend_from_slice(&other.to_le_bytes());
        if buffer.len() >= self.buffer { self.flush(range, &mut buffer) } else { Ok(()) }
    }

    fn flush(&self, range: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        if !buffer.is_empty() {
            OpenOptions::new().create(true).append(true).open(self.file(range))?.write_all(buffer)?;
            *buffer = Vec::new();
        }
        Ok(())
    }

    /// Gives every pair of a range to one of the threads. No pair is added to it meanwhile.
    pub fn read(
        &self,
        range: usize,
        threads: usize,
        each: impl Fn((u64, u64)) -> io::Result<()> + Sync,
    ) -> io::Result<()> {
        self.flush(range, &mut lock(&self.buffers[range]))?;
        let path = self.file(range);
        let pairs = match fs::metadata(&path) {
            Ok(file) => file.len() / PAIR as u64,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let share = pairs.div_ceil(threads as u64).max(1 << 16);
        let part = |from: u64| -> io::Result<()> {
            let mut file = BufReader::with_capacity(1 << 18, File::open(&path)?);
            file.seek(SeekFrom::Start(from * PAIR as u64))?;
            let mut pair = [0; PAIR];
            let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("half a pair is eight bytes"));
            for _ in from..pairs.min(from + share) {
                file.read_exact(&mut pair)?;
                each((word(&pair[..8]), word(&pair[8..])))?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let part = &part;
            let parts: Vec<_> =
                (0..pairs).step_by(share as usize).map(|from| scope.spawn(move || part(from))).collect();
            parts.into_iter().try_for_each(|part| part.join().expect("no thread panics over a pair"))
        })
    }

    /// As [`read`](Pairs::read), and takes the pairs away.
    pub fn take(
        &self,
        range: usize,
        threads: usize,
        each: impl Fn((u64, u64)) -> io::Result<()> + Sync,
    ) -> io::Result<()> {
        self.read(range, threads, each)?;
        match fs::remove_file(self.file(range)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread panicked while it held a lock")
}
