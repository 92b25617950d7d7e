//! Texts with labels, as numbers of words: what training reads again and again.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io::BufRead;

use super::super::dictionary::{END_OF_LINE, LABEL, hash, is_space};

/// Texts and their labels. Words are kept once, and every text as numbers of its words: four bytes a word.
#[derive(Default)]
pub struct Corpus {
    pub(super) words: Names,
    pub(super) labels: Names,
    /// Numbers of the words of all texts, one after the other.
    pub(super) tokens: Vec<u32>,
    /// Numbers of the labels of all texts.
    pub(super) marks: Vec<u32>,
    /// Where each text's words and labels end.
    pub(super) ends: Vec<(usize, usize)>,
}

/// Names by number, and how often each was seen.
#[derive(Default)]
pub(super) struct Names {
    numbers: HashMap<Box<[u8]>, u32, BuildHasherDefault<Fnv>>,
    pub hashes: Vec<u32>,
    pub counts: Vec<u64>,
}

/// The hash of the file format, taken over whole names.
#[derive(Default)]
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        // The table looks at the highest bits too, which FNV-1a of 32 bits leaves empty.
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = u64::from(hash(bytes));
    }

    fn write_usize(&mut self, _: usize) {}
}

impl Names {
    fn number(&mut self, name: &[u8]) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.hashes.len() as u32;
        self.numbers.insert(name.into(), number);
        self.hashes.push(hash(name));
        self.counts.push(0);
        number
    }

    fn see(&mut self, name: &[u8]) -> u32 {
        let number = self.number(name);
        self.counts[number as usize] += 1;
        number
    }

    pub fn find(&self, name: &[u8]) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// All names by their numbers.
    pub fn in_order(&self) -> Vec<&[u8]> {
        let mut names: Vec<&[u8]> = vec![&[]; self.hashes.len()];
        for (name, &number) in &self.numbers {
            names[number as usize] = name;
        }
        names
    }
}

impl Corpus {
    /// No texts yet.
    pub fn new() -> Corpus {
        Corpus::default()
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Its labels, the most frequent first.
    pub fn labels(&self) -> Vec<String> {
        let names = self.labels.in_order();
        let mut labels: Vec<(u64, &[u8])> = self.labels.counts.iter().copied().zip(names).collect();
        labels.sort_by_key(|&(count, _)| std::cmp::Reverse(count));
        let plain = |(_, name): (u64, &[u8])| String::from_utf8_lossy(&name[LABEL.len()..]).into_owned();
        labels.into_iter().map(plain).collect()
    }

    /// Adds a text with its labels, which are given without `__label__`. Line ends are spaces, and a word that
    /// looks like a label is passed over, as where texts are judged.
    pub fn push<'l>(&mut self, labels: impl IntoIterator<Item = &'l str>, text: &str) {
        for label in labels {
            let number = self.labels.see(&[LABEL, label.as_bytes()].concat());
            self.marks.push(number);
        }
        for word in text.as_bytes().split(|&byte| is_space(byte)).filter(|word| !word.is_empty()) {
            if !word.starts_with(LABEL) && word != END_OF_LINE {
                self.tokens.push(self.words.see(word));
            }
        }
        self.end();
    }

    /// Adds a line of the C++ tool's format: words, among them labels that begin with `__label__`.
    pub fn push_line(&mut self, line: &[u8]) {
        for word in line.split(|&byte| is_space(byte)).filter(|word| !word.is_empty()) {
            if word.starts_with(LABEL) {
                self.marks.push(self.labels.see(word));
            } else if word == END_OF_LINE {
                break;
            } else {
                self.tokens.push(self.words.see(word));
            }
        }
        self.end();
    }

    fn end(&mut self) {
        self.tokens.push(self.words.see(END_OF_LINE));
        self.ends.push((self.tokens.len(), self.marks.len()));
    }

    /// Reads a file of the C++ tool's format, a text a line.
    pub fn read(&mut self, mut lines: impl BufRead) -> std::io::Result<()> {
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            self.push_line(&line);
            line.clear();
        }
        Ok(())
    }

    /// Words and labels of a text.
    pub(super) fn text(&self, number: usize) -> (&[u32], &[u32]) {
        let (words, labels) = number.checked_sub(1).map_or((0, 0), |before| self.ends[before]);
        let (words_end, labels_end) = self.ends[number];
        (&self.tokens[words..words_end], &self.marks[labels..labels_end])
    }

    /// Makes a word known that no text may say.
    pub(super) fn know(&mut self, word: &[u8]) -> u32 {
        self.words.number(word)
    }
}
