//! Which words and labels a model knows, and which rows of its input matrix a text has.

use super::super::dictionary::{END_OF_LINE, Hashing, bracket, subwords, word_ngrams};
use super::corpus::{Corpus, Names};

/// Words and labels as the file format has them: by falling count, those seen first before others.
pub struct Vocabulary {
    pub words: Vec<Entry>,
    pub labels: Vec<Entry>,
    pub hashing: Hashing,
    /// By a word's number in the corpus: where its rows end in `rows`.
    row_ends: Vec<usize>,
    /// Rows of every word of the corpus: its own, if it is known, and its subwords'.
    rows: Vec<u32>,
    /// By a word's number in the corpus: its hash.
    hashes: Vec<i32>,
    /// By a label's number in the corpus: its number in the model, if it is known.
    marks: Vec<Option<u32>>,
    /// Where only some buckets are kept: those, by their number, and the row of each behind the words.
    pub kept: Option<Vec<(u32, u32)>>,
    /// By bucket: its place in `kept` plus one, or 0.
    places: Vec<u32>,
}

/// A name, and how often it was seen.
type Entry = (Vec<u8>, u64);

/// The known names, and by its number in the corpus the place of each among them.
fn choose(names: &Names, known: impl Fn(u64, &[u8]) -> bool) -> (Vec<Entry>, Vec<Option<u32>>) {
    let texts = names.in_order();
    let mut order: Vec<usize> = (0..texts.len()).filter(|&at| known(names.counts[at], texts[at])).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(names.counts[at]));
    let mut places = vec![None; texts.len()];
    order.iter().enumerate().for_each(|(place, &at)| places[at] = Some(place as u32));
    (order.iter().map(|&at| (texts[at].to_vec(), names.counts[at].max(1))).collect(), places)
}

impl Vocabulary {
    /// `always` says of a word whether it is known however rarely it is seen.
    pub fn of(
        corpus: &Corpus,
        hashing: Hashing,
        min_count: u64,
        min_count_label: u64,
        always: impl Fn(&[u8]) -> bool,
    ) -> Vocabulary {
        let (words, places) = choose(&corpus.words, |count, word| {
            count >= min_count.max(1) || word == END_OF_LINE && count > 0 || always(word)
        });
        let (labels, marks) = choose(&corpus.labels, |count, _| count >= min_count_label.max(1));
        let mut vocabulary = Vocabulary {
            words,
            labels,
            hashing,
            row_ends: Vec::new(),
            rows: Vec::new(),
            hashes: corpus.words.hashes.iter().map(|hash| hash.cast_signed()).collect(),
            marks,
            kept: None,
            places: Vec::new(),
        };
        vocabulary.index(corpus, |number| places[number]);
        vocabulary
    }

    /// Finds the rows of every word of the corpus.
    fn index(&mut self, corpus: &Corpus, place: impl Fn(usize) -> Option<u32>) {
        let (mut rows, mut ends, mut bracketed) = (Vec::new(), Vec::new(), Vec::new());
        for (number, word) in corpus.words.in_order().into_iter().enumerate() {
            rows.extend(place(number));
            if self.hashing.max_n > 0 && word != END_OF_LINE {
                bracket(word, &mut bracketed);
                subwords(&bracketed, self.hashing, |bucket| rows.extend(self.bucket_row(bucket)));
            }
            ends.push(rows.len());
        }
        (self.rows, self.row_ends) = (rows, ends);
    }

    fn bucket_row(&self, bucket: u32) -> Option<u32> {
        let words = self.words.len() as u32;
        match &self.kept {
            None => Some(words + bucket),
            Some(_) => self.places[bucket as usize].checked_sub(1).map(|place| words + place),
        }
    }

    /// Rows of the input matrix.
    pub fn input_rows(&self) -> usize {
        self.words.len() + self.kept.as_ref().map_or(self.hashing.bucket as usize, Vec::len)
    }

    /// Adds the rows of a text; its words are numbers of the corpus.
    pub fn add_rows(&self, words: &[u32], hashes: &mut Vec<i32>, rows: &mut Vec<u32>) {
        for &word in words {
            let word = word as usize;
            let start = word.checked_sub(1).map_or(0, |before| self.row_ends[before]);
            rows.extend_from_slice(&self.rows[start..self.row_ends[word]]);
        }
        if self.hashing.word_ngrams > 1 {
            hashes.clear();
            hashes.extend(words.iter().map(|&word| self.hashes[word as usize]));
            word_ngrams(hashes, self.hashing, |bucket| rows.extend(self.bucket_row(bucket)));
        }
    }

    /// Numbers in the model of a text's labels, which are numbers of the corpus.
    pub fn known_labels<'v>(&'v self, labels: &'v [u32]) -> impl Iterator<Item = u32> + 'v {
        labels.iter().filter_map(|&label| self.marks[label as usize])
    }

    /// Keeps these rows alone, which are numbered anew: words in their order, then buckets in the order given.
    /// Returns the old rows by the new.
    pub fn prune(&mut self, corpus: &Corpus, keep: &[u32]) -> Vec<u32> {
        let known = self.words.len() as u32;
        let mut words: Vec<u32> = keep.iter().copied().filter(|&row| row < known).collect();
        words.sort_unstable();
        let buckets: Vec<u32> = keep.iter().copied().filter(|&row| row >= known).collect();
        self.places = vec![0; self.hashing.bucket as usize];
        let mut kept = Vec::new();
        for (place, row) in buckets.iter().enumerate() {
            self.places[(row - known) as usize] = place as u32 + 1;
            kept.push((row - known, place as u32));
        }
        self.kept = Some(kept);
        self.words = words.iter().map(|&row| self.words[row as usize].clone()).collect();
        let places: std::collections::HashMap<u32, u32> = self
            .words
            .iter()
            .enumerate()
            .map(|(place, (word, _))| (corpus.words.find(word).expect("a word of the corpus"), place as u32))
            .collect();
        self.index(corpus, |number| places.get(&(number as u32)).copied());
        words.into_iter().chain(buckets).collect()
    }
}
