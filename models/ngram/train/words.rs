//! The words of a corpus, numbered as they come: in memory stand their hashes alone, the words themselves in a file.
//!
//! Words of one hash (64 bits, the one that models know words by) would be one word. Of ten million different ones, that
//! befalls one corpus in 400,000.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::super::Names;
use super::super::table::{Entry, Word, word_hash};

/// Least room for words, whatever the memory: for 50,000 or so.
const LEAST_BYTES: u64 = 2 << 20;

/// Words under their numbers.
pub struct Vocabulary {
    /// A number by its hash, at the first free place from where the hash says; a power of two of places.
    places: Vec<Word>,
    path: PathBuf,
    file: BufWriter<File>,
    count: u32,
    /// Bytes that the words take once they are read back.
    bytes: u64,
    /// Bytes for the places, those of a smaller table that moves among them; and for the words read back.
    most: u64,
}

impl Vocabulary {
    /// Begins with words that every model has; `memory` bytes for the hashes, and twice as many for the words once they
    /// are read back.
    pub fn create(path: PathBuf, memory: usize, first: &[&[u8]]) -> io::Result<Vocabulary> {
        let file = BufWriter::with_capacity(64 << 10, File::create(&path)?);
        let most = (memory as u64).max(LEAST_BYTES);
        let mut words = Vocabulary { places: vec![Word::empty(); 1 << 12], path, file, count: 0, bytes: 0, most };
        for word in first {
            words.add(word)?;
        }
        Ok(words)
    }

    /// How many words there are.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.count as usize
    }

    fn place(&self, key: u64) -> usize {
        let mask = self.places.len() - 1;
        let mut at = (key >> 20) as usize & mask;
        while self.places[at].key() != 0 && self.places[at].key() != key {
            at = (at + 1) & mask;
        }
        at
    }

    /// 0 would be an empty place.
    fn key(word: &[u8]) -> u64 {
        word_hash(word).max(1)
    }

    /// The number of a word that is there.
    pub fn find(&self, word: &[u8]) -> Option<u32> {
        let found = self.places[self.place(Self::key(word))];
        (found.key() != 0).then_some(found.id)
    }

    /// Numbers a word that is not there.
    pub fn add(&mut self, word: &[u8]) -> io::Result<u32> {
        if (self.count as usize + 1) * 4 > self.places.len() * 3 {
            self.grow()?;
        }
        self.bytes += word.len() as u64 + 1 + size_of::<usize>() as u64;
        if self.bytes > 2 * self.most || self.count == u32::MAX {
            return Err(self.too_many());
        }
        let (key, id) = (Self::key(word), self.count);
        let at = self.place(key);
        self.places[at] = Word { key, id };
        self.count += 1;
        self.file.write_all(word)?;
        self.file.write_all(&[0])?;
        Ok(id)
    }

    fn grow(&mut self) -> io::Result<()> {
        let wanted = self.places.len() * 2;
        if ((wanted + self.places.len()) * size_of::<Word>()) as u64 > self.most {
            return Err(self.too_many());
        }
        let old = std::mem::replace(&mut self.places, vec![Word::empty(); wanted]);
        for word in old.into_iter().filter(|word| word.key() != 0) {
            let at = self.place(word.key());
            self.places[at] = word;
        }
        Ok(())
    }

    fn too_many(&self) -> io::Error {
        let what = format!(
            "{} different words, {} bytes, are more than a quarter of the memory holds: give more, or cut texts into pieces",
            self.count, self.bytes
        );
        io::Error::new(io::ErrorKind::InvalidInput, what)
    }

    /// Ends the file: what is left is where it is and how many words it has.
    pub fn finish(mut self) -> io::Result<(PathBuf, usize)> {
        self.file.flush()?;
        Ok((self.path, self.count as usize))
    }
}

/// The words of a file, in memory.
pub fn read(path: &Path, count: usize) -> io::Result<Names> {
    let mut file = File::open(path)?;
    let mut names = Names { bytes: Vec::new(), starts: Vec::with_capacity(count) };
    names.bytes.reserve_exact(usize::try_from(file.metadata()?.len()).unwrap_or(0));
    file.read_to_end(&mut names.bytes)?;
    let mut start = 0;
    for end in memchr::memchr_iter(0, &names.bytes) {
        names.starts.push(start);
        start = end + 1;
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_numbers_and_are_refused_where_the_memory_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words");
        let mut words = Vocabulary::create(path.clone(), 0, &[b"<unk>"]).unwrap();
        let refused = loop {
            let word = format!("word-{}", words.len());
            assert_eq!(words.find(word.as_bytes()), None);
            match words.add(word.as_bytes()) {
                Ok(id) => assert_eq!(id as usize, words.len() - 1),
                Err(error) => break error,
            }
            assert!(words.places.len() * size_of::<Word>() <= LEAST_BYTES as usize);
        };
        assert!(refused.to_string().contains("different words"), "{refused}");
        assert!(words.len() > 40_000);
        for id in 1..words.len() {
            assert_eq!(words.find(format!("word-{id}").as_bytes()), Some(id as u32));
        }
        let (path, count) = words.finish().unwrap();
        let names = read(&path, count).unwrap();
        assert_eq!((names.len(), names.get(0), names.get(77)), (count, &b"<unk>"[..], &b"word-77"[..]));
    }
}
