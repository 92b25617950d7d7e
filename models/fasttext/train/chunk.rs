//! Texts on their way to the learning: their rows, labels and rates.

use super::corpus::Corpus;
use super::draw;
use super::vocabulary::Vocabulary;

/// Some texts in the order in which they are learned.
#[derive(Default)]
pub struct Chunk {
    rows: Vec<u32>,
    labels: Vec<u32>,
    texts: Vec<End>,
}

struct End {
    rows: usize,
    labels: usize,
    rate: f32,
}

/// A text as it is learned.
pub struct Text<'c> {
    pub rows: &'c [u32],
    /// All its labels, or the one that is asked for.
    pub labels: &'c [u32],
    pub rate: f32,
}

/// A text to come: its number in the corpus, its rate, and its own randomness.
#[derive(Clone, Copy)]
pub struct Next {
    pub text: u32,
    pub rate: f32,
    pub random: u64,
}

impl Chunk {
    /// Rows of all texts.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    pub fn texts(&self) -> impl Iterator<Item = Text<'_>> {
        let starts = std::iter::once((0, 0)).chain(self.texts.iter().map(|end| (end.rows, end.labels)));
        self.texts.iter().zip(starts).map(|(end, (rows, labels))| Text {
            rows: &self.rows[rows..end.rows],
            labels: &self.labels[labels..end.labels],
            rate: end.rate,
        })
    }

    /// Makes texts ready. One without a label or a row that the model knows teaches nothing and is left out. Where
    /// `one_label` is asked for and a text has several, one of them is drawn.
    pub fn fill(&mut self, corpus: &Corpus, vocabulary: &Vocabulary, next: &[Next], one_label: bool) {
        let mut hashes = Vec::new();
        self.rows.clear();
        self.labels.clear();
        self.texts.clear();
        for next in next {
            let (words, labels) = corpus.text(next.text as usize);
            let (rows_before, labels_before) = (self.rows.len(), self.labels.len());
            self.labels.extend(vocabulary.known_labels(labels));
            let found = self.labels.len() - labels_before;
            if one_label && found > 1 {
                let chosen = self.labels[labels_before + (draw(next.random, 0) % found as u64) as usize];
                self.labels.truncate(labels_before);
                self.labels.push(chosen);
            }
            if found > 0 {
                vocabulary.add_rows(words, &mut hashes, &mut self.rows);
            }
            if self.rows.len() == rows_before {
                self.labels.truncate(labels_before);
            } else {
                self.texts.push(End { rows: self.rows.len(), labels: self.labels.len(), rate: next.rate });
            }
        }
    }
}
