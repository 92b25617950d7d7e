//! Modified Kneser-Ney models, estimated from a corpus of any size within a memory budget.
//!
//! The smoothing is that of Chen and Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling"
//! (1998, sec. 3.4 and 4.1.6): interpolated, three discounts for each order. The way through files is that of Heafield
//! et al., "Scalable Modified Kneser-Ney Language Model Estimation" (ACL 2013): n-grams are counted, sorted by suffix,
//! adjusted, sorted by context and normalised, sorted by suffix again and interpolated. Words are numbered as they
//! come, and what is sorted is sorted completely, so that neither threads nor memory show in the result. While texts are
//! read, a quarter of the memory is for the words (their hashes; they themselves wait in a file) and the rest for sorting;
//! a corpus of more words is refused. ARPA files and small ones are written within the memory too; only
//! [`Trained::model`] holds a whole model.

mod estimate;
mod pack;
mod sort;
mod words;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Builder, MAX_ORDER, Model, Names};
use estimate::Estimated;
use sort::{By, Row, Rows, Sorter};
use words::Vocabulary;

/// Settings of [`Trainer`].
#[derive(Debug, Clone)]
pub struct Config {
    /// Words of the longest n-grams.
    pub order: usize,
    /// Bytes for words, sorting and what is written.
    pub memory: usize,
    /// Threads that sort.
    pub threads: usize,
    /// By order: n-grams that occur no more often are left out. The last number stands for higher orders too.
    pub prune: Vec<u64>,
    /// Where intermediate files are kept, in a folder of their own that is removed in the end.
    pub folder: PathBuf,
}

impl Default for Config {
    fn default() -> Config {
        Config { order: 5, memory: 1 << 30, threads: 1, prune: Vec::new(), folder: std::env::temp_dir() }
    }
}

impl Config {
    fn prune(&self, n: usize) -> u64 {
        // As with lmplz, unigrams always stay.
        if n == 1 { 0 } else { self.prune.get(n - 1).or(self.prune.last()).copied().unwrap_or(0) }
    }
}

const BEGIN: u32 = 1;
const END: u32 = 2;

/// A folder of intermediate files.
struct Folder(PathBuf);

impl Folder {
    fn create(parent: &Path) -> io::Result<Folder> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        std::fs::create_dir_all(parent)?;
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("ngrams-{}-{number}", std::process::id()));
            // Another machine's process of this number, or one in a container, may have a folder here.
            match std::fs::create_dir(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map(|()| Folder(path)),
            }
        }
    }

    fn file(&self, name: &str, n: usize) -> PathBuf {
        self.0.join(format!("{name}-{n}"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left to the next cleaning of the folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Counts the n-grams of sentences.
pub struct Trainer {
    config: Config,
    folder: Folder,
    vocabulary: Vocabulary,
    counts: Sorter,
    /// Words that were read, ends of sentences among them.
    words: u64,
}

impl Trainer {
    /// Begins; the folder must be writable.
    pub fn new(config: Config) -> io::Result<Trainer> {
        let wrong = |what: String| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        if !(1..=MAX_ORDER).contains(&config.order) {
            return wrong(format!("the order is {}; from 1 to {MAX_ORDER} can be", config.order));
        }
        if !config.prune.is_sorted() || config.prune.first().is_some_and(|&first| first > 0) {
            return wrong("numbers of `prune` begin with 0 and do not become less".to_owned());
        }
        let folder = Folder::create(&config.folder)?;
        let for_words = config.memory / 4;
        let path = folder.file("counts", config.order);
        let counts = Sorter::new(By::Suffix, config.order, path, config.memory - for_words, config.threads);
        let vocabulary = Vocabulary::create(folder.file("words", 0), for_words, &[b"<unk>", b"<s>", b"</s>"])?;
        Ok(Trainer { config, folder, vocabulary, counts, words: 0 })
    }

    /// Counts a sentence. The words `<s>`, `</s>` and `<unk>` mean something else in a model and are passed over.
    pub fn push<'a>(&mut self, words: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
        let mut row = Row { words: [0; MAX_ORDER], one: 1, other: 0 };
        let order = self.config.order;
        row.words[..order].fill(BEGIN);
        for word in words.filter(|word| !word.is_empty()) {
            let id = match self.vocabulary.find(word) {
                // Those that a model always has are no words of a text.
                Some(id) if id > END => id,
                _ if matches!(word, b"<s>" | b"</s>" | b"<unk>" | b"<UNK>") => continue,
                _ if word.iter().any(|byte| matches!(byte, 0 | b' ' | b'\t'..=b'\r')) => {
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, "a word holds white space or a NUL"));
                }
                _ => self.vocabulary.add(word)?,
            };
            self.count(&mut row, id)?;
        }
        self.count(&mut row, END)
    }

    fn count(&mut self, row: &mut Row, id: u32) -> io::Result<()> {
        row.words.copy_within(..self.config.order - 1, 1);
        row.words[0] = id;
        self.words += 1;
        self.counts.push(*row)
    }

    /// Estimates the model.
    pub fn finish(self) -> io::Result<Trained> {
        let Trainer { config, folder, vocabulary, counts, words } = self;
        if words == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no sentence to learn from"));
        }
        let vocabulary = vocabulary.finish()?;
        let counts = counts.finish()?;
        let estimated = estimate::estimate(&config, &folder, &counts, vocabulary.1)?;
        let Estimated { ngrams, discounts } = estimated;
        Ok(Trained { order: config.order, config, folder, vocabulary, words, ngrams, discounts })
    }
}

/// The three discounts of an order, and whether they are the customary ones because the counts give none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Discounts {
    /// Of what was seen once, twice, and more often.
    pub values: [f64; 3],
    /// Whether 0.5, 1 and 1.5 stand in (`--discount_fallback` of lmplz): too little text, or not of natural language.
    pub fallback: bool,
}

/// An estimated model, in files.
pub struct Trained {
    config: Config,
    folder: Folder,
    /// The file of words, and how many it has.
    vocabulary: (PathBuf, usize),
    words: u64,
    order: usize,
    ngrams: Vec<u64>,
    discounts: Vec<Discounts>,
}

impl Trained {
    /// Words that were read, ends of sentences among them.
    pub fn words(&self) -> u64 {
        self.words
    }

    /// How many n-grams of each order are kept.
    pub fn counts(&self) -> &[u64] {
        &self.ngrams
    }

    /// By order.
    pub fn discounts(&self) -> &[Discounts] {
        &self.discounts
    }

    fn names(&self) -> io::Result<Names> {
        words::read(&self.vocabulary.0, self.vocabulary.1)
    }

    /// Bytes that a model of these n-grams takes in memory at most while it is read from its small file, which unpacks to
    /// so many: tables of 12 to 16 bytes an n-gram grow by doubling, and are fitted in the end.
    pub fn bytes_to_read(&self, unpacked: u64) -> u64 {
        unpacked + self.ngrams.iter().map(|count| count * 16 * 4).sum::<u64>()
    }

    /// Calls `see` with every n-gram of an order: its words, the last one first; probability and back-off as
    /// decimal logarithms.
    fn each(&self, n: usize, mut see: impl FnMut(&[u32], f32, f32) -> io::Result<()>) -> io::Result<()> {
        let mut rows = Rows::open(&self.folder.file("final", n), n)?;
        while let Some(row) = rows.next()? {
            let log = |bits: u64| f64::from_bits(bits).log10() as f32;
            let is_begin = n == 1 && row.words[0] == BEGIN;
            let prob = if is_begin { 0.0 } else { log(row.one).min(0.0) };
            see(&row.words[..n], prob, log(row.other))?;
        }
        Ok(())
    }

    /// Writes an ARPA file.
    pub fn write_arpa(&self, out: &mut impl Write) -> io::Result<()> {
        let names = self.names()?;
        writeln!(out, "\\data\\")?;
        for (n, count) in (1..).zip(&self.ngrams) {
            writeln!(out, "ngram {n}={count}")?;
        }
        for n in 1..=self.order {
            write!(out, "\n\\{n}-grams:\n")?;
            self.each(n, |words, prob, backoff| {
                write!(out, "{prob}")?;
                for (at, word) in words.iter().rev().enumerate() {
                    out.write_all(if at == 0 { b"\t" } else { b" " })?;
                    out.write_all(names.get(*word as usize))?;
                }
                if n < self.order { writeln!(out, "\t{backoff}") } else { writeln!(out) }
            })?;
        }
        writeln!(out, "\n\\end\\")
    }

    /// The model in memory, to score with or to write as KenLM's binary file.
    pub fn model(&self) -> Result<Model, String> {
        let names = self.names().map_err(|error| error.to_string())?;
        let mut builder = Builder::new(&self.ngrams)?;
        let other = |error: String| io::Error::other(error);
        for n in 1..=self.order {
            let each = self.each(n, |words, prob, backoff| {
                if n == 1 {
                    return builder.unigram(names.get(words[0] as usize), prob, backoff).map_err(other);
                }
                let mut ids = [0; MAX_ORDER];
                for (id, word) in ids.iter_mut().zip(words) {
                    *id = builder.word(names.get(*word as usize)).unwrap_or(super::UNKNOWN);
                }
                builder.ngram(&ids[..n], prob, backoff).map_err(other)
            });
            each.map_err(|error| error.to_string())?;
        }
        builder.finish()
    }
}
