//! Trains fastText classifiers and writes them as the C++ tool's `.bin` and `.ftz`.
//!
//! The method is Joulin et al., *Bag of Tricks for Efficient Text Classification* (arXiv:1607.01759): a text is the
//! mean of the vectors of its words, their character n-grams (Bojanowski et al., arXiv:1607.04606) and the n-grams of
//! words, hashed into buckets; a linear classifier looks at the mean; both are learned by gradient descent with a rate
//! that falls in a line to nothing. Quantizing is *FastText.zip* (arXiv:1612.03651).
//!
//! Two things differ from the C++ tool. Threads share out columns, not texts, so that the model depends on texts,
//! settings and seed alone (see `learn.rs`). And texts are shuffled before each epoch, so that a corpus of all good
//! texts and then all bad ones is learned as well as a mixed one.

mod chunk;
mod corpus;
mod learn;
mod quantize;
#[cfg(test)]
mod tests;
mod vectors;
mod vocabulary;
mod weights;
mod write;

use std::fmt;

use chunk::{Chunk, Next};
pub use corpus::Corpus;
use learn::{Pace, Question};
pub use quantize::Quantize;
pub use vectors::Vectors;
use vocabulary::Vocabulary;
use weights::Weights;

use super::dictionary::Hashing;
use super::loss::tree;

/// What the labels of a text are asked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Loss {
    /// One label of all.
    #[default]
    Softmax,
    /// One label, by a Huffman tree: for thousands of labels.
    HierarchicalSoftmax,
    /// Each label by itself: for texts with several.
    OneVsAll,
}

impl Loss {
    /// Its number in the file.
    fn number(self) -> i32 {
        match self {
            Loss::HierarchicalSoftmax => 1,
            Loss::Softmax => 3,
            Loss::OneVsAll => 4,
        }
    }
}

/// Settings of the training; the defaults are the C++ tool's.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Length of the vectors.
    pub dim: usize,
    /// How often every text is read.
    pub epochs: u32,
    /// The rate of learning at the start.
    pub rate: f32,
    /// What the labels are asked for by.
    pub loss: Loss,
    /// The longest n-gram of words; 1 for words alone.
    pub word_ngrams: usize,
    /// The shortest n-gram of characters.
    pub min_n: usize,
    /// The longest n-gram of characters; 0 for none.
    pub max_n: usize,
    /// Buckets that n-grams are hashed into.
    pub bucket: u32,
    /// A word that is seen less often has no vector of its own.
    pub min_count: u64,
    /// A label that is seen less often is not learned.
    pub min_count_label: u64,
    /// The only source of randomness.
    pub seed: u64,
    /// Most threads; the model does not depend on it.
    pub threads: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            dim: 100,
            epochs: 5,
            rate: 0.1,
            loss: Loss::Softmax,
            word_ngrams: 1,
            min_n: 0,
            max_n: 0,
            bucket: 2_000_000,
            min_count: 1,
            min_count_label: 0,
            seed: 0,
            threads: 1,
        }
    }
}

/// Why nothing can be trained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

fn refuse<T>(what: impl Into<String>) -> Result<T, Error> {
    Err(Error(what.into()))
}

/// A trained model, to be written or quantized.
pub struct Trained {
    settings: Settings,
    vocabulary: Vocabulary,
    weights: Weights,
    /// Words read in all texts, for the file.
    tokens: u64,
}

/// Rows that are made ready at once, about: 4 MiB of them.
const ROWS_AT_ONCE: usize = 1 << 20;

impl Settings {
    /// Whether a model can be trained with them.
    pub fn check(&self) -> Result<(), Error> {
        let Settings { dim, epochs, rate, word_ngrams, min_n, max_n, bucket, .. } = *self;
        if dim == 0 || dim > 1 << 16 {
            return refuse(format!("vectors have 1 to 65536 numbers, not {dim}"));
        }
        if epochs == 0 {
            return refuse("every text is to be read at least once");
        }
        if !(rate.is_finite() && rate > 0.0) {
            return refuse(format!("a rate of learning is above zero, not {rate}"));
        }
        if word_ngrams == 0 || word_ngrams > 64 {
            return refuse(format!("n-grams have 1 to 64 words, not {word_ngrams}"));
        }
        if max_n > 64 || max_n > 0 && (min_n == 0 || min_n > max_n) {
            return refuse(format!("n-grams of {min_n} to {max_n} characters cannot be"));
        }
        if bucket == 0 && (word_ngrams > 1 || max_n > 0) {
            return refuse("n-grams need buckets");
        }
        if bucket > 1 << 30 {
            return refuse(format!("{bucket} buckets are too many"));
        }
        Ok(())
    }

    fn hashing(&self) -> Hashing {
        // Without n-grams there is nothing to hash; the C++ tool then writes no buckets either.
        let bucket = if self.word_ngrams <= 1 && self.max_n == 0 { 0 } else { self.bucket };
        Hashing { bucket, min_n: self.min_n, max_n: self.max_n, word_ngrams: self.word_ngrams }
    }
}

/// Trains a classifier. Words of `vectors` begin with those, and are known even where no text says them.
pub fn train(corpus: &mut Corpus, settings: &Settings, vectors: Option<&Vectors>) -> Result<Trained, Error> {
    settings.check()?;
    if let Some(vectors) = vectors {
        if vectors.dim() != settings.dim {
            return refuse(format!("the vectors have {} numbers, and `dim` is {}", vectors.dim(), settings.dim));
        }
        vectors.words().for_each(|word| _ = corpus.know(word));
    }
    let always = |word: &[u8]| vectors.is_some_and(|vectors| vectors.get(word).is_some());
    let vocabulary = Vocabulary::of(corpus, settings.hashing(), settings.min_count, settings.min_count_label, always);
    if vocabulary.labels.is_empty() {
        return refuse("no text has a label");
    }
    if vocabulary.input_rows() >= 1 << 31 {
        return refuse("the words and buckets are over two thousand million");
    }
    let (inputs, outputs) = (vocabulary.input_rows(), vocabulary.labels.len());
    let mut weights = Weights::new(inputs, outputs, settings.dim, settings.threads, settings.seed);
    if let Some(vectors) = vectors {
        for (row, (word, _)) in vocabulary.words.iter().enumerate() {
            vectors.get(word).into_iter().for_each(|values| weights.set_input_row(row, values));
        }
    }
    let tokens = (corpus.tokens.len() + corpus.marks.len()) as u64;
    let mut trained = Trained { settings: settings.clone(), vocabulary, weights, tokens };
    trained.learn(corpus, settings.epochs, settings.rate)?;
    Ok(trained)
}

impl Trained {
    /// Reads all texts some times, with a rate that falls to nothing.
    fn learn(&mut self, corpus: &Corpus, epochs: u32, rate: f32) -> Result<(), Error> {
        let Trained { settings, vocabulary, weights, .. } = self;
        let labels = vocabulary.labels.len();
        let question = match settings.loss {
            Loss::Softmax => Question::Softmax { labels },
            Loss::OneVsAll => Question::OneVsAll { labels },
            Loss::HierarchicalSoftmax => Question::Tree(paths(vocabulary)),
        };
        let Ok(texts) = u32::try_from(corpus.len()) else { return refuse("the texts are over four thousand million") };
        let mut order: Vec<u32> = (0..texts).collect();
        let (mut seen, all) = (0_usize, corpus.tokens.len() as f64 * f64::from(epochs));
        let threads = settings.threads.max(1);
        let mut chunks: Vec<Chunk> = (0..threads).map(|_| Chunk::default()).collect();
        let (mut next, mut pace) = (Vec::new(), Pace::default());
        let rows_a_word = rows_a_word(settings);
        for epoch in 0..epochs {
            shuffle(&mut order, draw(settings.seed, u64::from(epoch)));
            let mut left = order.iter();
            loop {
                next.clear();
                let mut words = 0;
                for &text in left.by_ref() {
                    let rate = (f64::from(rate) * (1.0 - seen as f64 / all)) as f32;
                    let random = draw(settings.seed ^ u64::from(text), u64::from(epoch));
                    next.push(Next { text, rate, random });
                    let length = corpus.text(text as usize).0.len();
                    (seen, words) = (seen + length, words + length);
                    if words * rows_a_word >= ROWS_AT_ONCE {
                        break;
                    }
                }
                if next.is_empty() {
                    break;
                }
                let one_label = settings.loss != Loss::OneVsAll;
                let some = next.len().div_ceil(threads);
                chunks.truncate(next.len().div_ceil(some));
                chunks.resize_with(next.len().div_ceil(some), Chunk::default);
                std::thread::scope(|scope| {
                    for (chunk, next) in chunks.iter_mut().zip(next.chunks(some)) {
                        let vocabulary = &*vocabulary;
                        let mut fill = move || chunk.fill(corpus, vocabulary, next, one_label);
                        if threads == 1 { fill() } else { _ = scope.spawn(fill) }
                    }
                });
                learn::learn(weights, &chunks, &question, &mut pace);
            }
        }
        // The C++ tool stops too when numbers run away.
        let mut row = Vec::new();
        for label in 0..labels {
            weights.output_row(label, &mut row);
            if row.iter().any(|value| !value.is_finite()) {
                return refuse(format!("the numbers grew beyond all bounds; a lower rate than {rate} helps"));
            }
        }
        Ok(())
    }

    /// The labels, without `__label__`, in the model's order.
    pub fn labels(&self) -> impl Iterator<Item = String> {
        self.vocabulary.labels.iter().map(|(label, _)| {
            let name = label.strip_prefix(super::dictionary::LABEL).unwrap_or(label);
            String::from_utf8_lossy(name).into_owned()
        })
    }

    /// Words that have a vector of their own.
    pub fn words(&self) -> usize {
        self.vocabulary.words.len()
    }
}

/// A number that looks random and depends on nothing but its arguments (the finalizer of SplitMix64).
fn draw(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add((index.wrapping_add(1)).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// About how many rows a word has with its n-grams.
fn rows_a_word(settings: &Settings) -> usize {
    settings.word_ngrams + if settings.max_n == 0 { 0 } else { 6 * (settings.max_n + 1 - settings.min_n) }
}

/// Fisher and Yates's shuffle.
fn shuffle(order: &mut [u32], seed: u64) {
    for at in (1..order.len()).rev() {
        order.swap(at, (draw(seed, at as u64) % (at as u64 + 1)) as usize);
    }
}

/// From the root of the tree to each label.
fn paths(vocabulary: &Vocabulary) -> Vec<Vec<(u32, bool)>> {
    let labels = vocabulary.labels.len();
    let counts: Vec<i64> = vocabulary.labels.iter().map(|(_, count)| *count as i64).collect();
    let nodes = tree(&counts);
    let mut parents: Vec<Option<(u32, bool)>> = vec![None; nodes.len()];
    for (node, children) in nodes.iter().enumerate().filter_map(|(node, found)| Some((node, found.children?))) {
        for (child, right) in children.into_iter().zip([false, true]) {
            parents[child as usize] = Some(((node - labels) as u32, right));
        }
    }
    let path = |label: usize| {
        let mut path: Vec<(u32, bool)> =
            std::iter::successors(parents[label], |(node, _)| parents[*node as usize + labels]).collect();
        path.reverse();
        path
    };
    (0..labels).map(path).collect()
}
