//! n-gram language models with back-off: read, scored, trained and written.
//!
//! Reads ARPA files (plain, gzip, zstd) and the binary files of KenLM (Heafield, "KenLM: Faster and Smaller Language
//! Model Queries", WMT 2011), and scores as KenLM does: the longest n-gram that the model has, and the back-offs of
//! the contexts that it lacks. [`train`] estimates modified Kneser-Ney models.

mod arpa;
mod binary;
pub mod chars;
mod packed;
mod table;
#[cfg(test)]
mod tests;
pub mod train;
mod trie;

use std::io::Read;
use std::path::Path;

use table::{Longest, Middle, Table, Word, longer_hash, word_hash};

use crate::unpack::Bounded;

/// Most words of an n-gram, as KenLM is built by default.
pub const MAX_ORDER: usize = 6;

/// The number of every word that the model does not know.
pub const UNKNOWN: u32 = 0;

/// A model in memory: KenLM's probing hash tables, whatever it was read from.
pub struct Model {
    order: usize,
    words: Table<Word>,
    /// Probability and back-off by the number of the word.
    unigrams: Vec<[f32; 2]>,
    /// Orders from 2 to the highest but one.
    middle: Vec<Table<Middle>>,
    /// Empty where the highest order is 1.
    longest: Table<Longest>,
    begin: u32,
    end: u32,
    /// The words by number, where they are known: binary files may lack them.
    names: Option<Names>,
}

/// Words one behind the other, each ended by a NUL, and where they begin.
#[derive(Default)]
pub(crate) struct Names {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Names {
    pub(crate) fn push(&mut self, word: &[u8]) {
        self.starts.push(self.bytes.len());
        self.bytes.extend_from_slice(word);
        self.bytes.push(0);
    }

    pub(crate) fn get(&self, id: usize) -> &[u8] {
        let end = self.starts.get(id + 1).map_or(self.bytes.len(), |next| *next) - 1;
        &self.bytes[self.starts[id]..end]
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }
}

/// What of the words before decides about the next: no more of them than some n-gram of the model goes on from.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct State {
    /// The last word first.
    words: [u32; MAX_ORDER - 1],
    backoffs: [f32; MAX_ORDER - 1],
    length: usize,
}

/// KenLM keeps in the sign of a back-off of zero whether any n-gram goes on from there.
const NOTHING_FOLLOWS: f32 = -0.0;

/// And in the sign of a probability, whether any n-gram has this one at its end: then it is above zero.
fn is_preceded(prob: f32) -> bool {
    prob.is_sign_positive()
}

fn is_followed(backoff: f32) -> bool {
    backoff.to_bits() != NOTHING_FOLLOWS.to_bits()
}

/// A sentence's score.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    /// Sum of the decimal logarithms of the probabilities.
    pub log10: f64,
    /// Words that were scored, the end of the sentence among them.
    pub words: u64,
    /// Words that the model does not know.
    pub unknown: u64,
}

impl Score {
    /// Adds another.
    pub fn add(&mut self, other: Score) {
        self.log10 += other.log10;
        self.words += other.words;
        self.unknown += other.unknown;
    }

    /// 10 to the mean of minus the logarithm; nothing of no word.
    pub fn perplexity(self) -> Option<f64> {
        (self.words > 0).then(|| 10_f64.powf(-self.log10 / self.words as f64))
    }
}

impl Model {
    /// Reads a model of any format, told by its first bytes.
    pub fn load(path: &Path) -> Result<Model, String> {
        let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
        Model::from_bytes(&bytes)
    }

    /// As [`load`](Model::load), of bytes in memory.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model, String> {
        match bytes {
            [0x1f, 0x8b, ..] => {
                let reader = Bounded::new(flate2::read::MultiGzDecoder::new(bytes), bytes.len() as u64);
                arpa::read(std::io::BufReader::new(reader))
            }
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                let reader = zstd::Decoder::with_buffer(bytes).map_err(|error| error.to_string())?;
                let mut reader = std::io::BufReader::new(Bounded::new(reader, bytes.len() as u64));
                let start = std::io::BufRead::fill_buf(&mut reader).map_err(|error| error.to_string())?;
                if start.starts_with(packed::MAGIC) {
                    let mut bytes = Vec::new();
                    reader.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
                    return packed::read(&bytes);
                }
                arpa::read(reader)
            }
            _ if binary::is_binary(bytes) => binary::read(bytes),
            _ => arpa::read(bytes),
        }
    }

    /// Most words of an n-gram.
    pub fn order(&self) -> usize {
        self.order
    }

    /// How many n-grams of each order there are.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![self.unigrams.len()];
        counts.extend(self.middle.iter().map(Table::len));
        if self.order > 1 {
            counts.push(self.longest.len());
        }
        counts
    }

    /// The number of a word; [`UNKNOWN`] of one that the model does not know.
    #[inline]
    pub fn word(&self, word: &[u8]) -> u32 {
        self.words.find(word_hash(word)).map_or(UNKNOWN, |word| word.id)
    }

    /// The state at the beginning of a sentence.
    pub fn sentence(&self) -> State {
        let mut state = State { words: [0; MAX_ORDER - 1], backoffs: [0.0; MAX_ORDER - 1], length: 1 };
        state.words[0] = self.begin;
        state.backoffs[0] = self.unigrams[self.begin as usize][1];
        if self.order == 1 {
            state.length = 0;
        }
        state
    }

    /// The number of the end of a sentence.
    pub fn end(&self) -> u32 {
        self.end
    }

    /// The decimal logarithm of the probability of a word, and the state behind it.
    #[inline]
    pub fn step(&self, state: &State, word: u32, out: &mut State) -> f32 {
        let [mut prob, backoff] = self.unigrams[word as usize];
        out.words[0] = word;
        out.backoffs[0] = backoff;
        out.length = usize::from(is_followed(backoff) && self.order > 1);
        let mut hash = u64::from(word);
        let mut matched = 1;
        for (before, table) in state.words[..state.length].iter().zip(&self.middle) {
            if !is_preceded(prob) {
                return self.back_off(state, matched, prob);
            }
            hash = longer_hash(hash, *before);
            let Some(found) = table.find(hash) else {
                return self.back_off(state, matched, prob);
            };
            prob = found.prob;
            out.words[matched] = *before;
            out.backoffs[matched] = found.backoff;
            matched += 1;
            if is_followed(found.backoff) {
                out.length = matched;
            }
        }
        if self.order > 1 && matched == self.order - 1 && state.length == matched && is_preceded(prob) {
            hash = longer_hash(hash, state.words[matched - 1]);
            if let Some(found) = self.longest.find(hash) {
                prob = found.prob;
                matched += 1;
            }
        }
        self.back_off(state, matched, prob)
    }

    #[inline(always)]
    fn back_off(&self, state: &State, matched: usize, prob: f32) -> f32 {
        state.backoffs[(matched - 1).min(state.length)..state.length]
            .iter()
            .fold(-prob.abs(), |prob, backoff| prob + backoff)
    }

    /// Scores a sentence word by word.
    pub fn scorer(&self) -> Scorer<'_> {
        Scorer { model: self, state: self.sentence(), next: State::default(), score: Score::default() }
    }

    /// Scores the words of one sentence, with its begin and end.
    pub fn score<'a>(&self, words: impl Iterator<Item = &'a [u8]>) -> Score {
        self.score_as(words, true, true)
    }

    /// As [`score`](Model::score): `begin` and `end` say whether the sentence begins and ends here.
    pub fn score_as<'a>(&self, words: impl Iterator<Item = &'a [u8]>, begin: bool, end: bool) -> Score {
        let mut state = if begin { self.sentence() } else { State::default() };
        let mut score = Score::default();
        let mut next = State::default();
        for word in words {
            let id = self.word(word);
            score.unknown += u64::from(id == UNKNOWN);
            score.words += 1;
            score.log10 += f64::from(self.step(&state, id, &mut next));
            std::mem::swap(&mut state, &mut next);
        }
        if end {
            score.log10 += f64::from(self.step(&state, self.end, &mut next));
            score.words += 1;
        }
        score
    }

    /// As [`score`](Model::score), of text with white space between its words, as KenLM cuts it: at that of ASCII.
    pub fn score_line(&self, line: &str) -> Score {
        self.score(line.split_ascii_whitespace().map(str::as_bytes))
    }

    /// Writes KenLM's binary file of hash tables.
    pub fn to_binary(&self) -> Result<Vec<u8>, String> {
        binary::write(self)
    }

    /// What every reader makes sure of in the end.
    fn checked(mut self) -> Result<Model, String> {
        let bound = self.unigrams.len();
        self.begin = self.word(b"<s>");
        self.end = self.word(b"</s>");
        if self.begin == UNKNOWN || self.end == UNKNOWN {
            return Err("it has no `<s>` or no `</s>`".to_owned());
        }
        if self.words.entries().any(|word| word.id as usize >= bound) {
            return Err("a word has a number beyond the last unigram".to_owned());
        }
        let is_odd = |prob: f32, backoff: f32| prob.is_nan() || !backoff.is_finite();
        if self.unigrams.iter().any(|&[prob, backoff]| is_odd(prob, backoff))
            || self.middle.iter().flat_map(Table::entries).any(|entry| is_odd(entry.prob, entry.backoff))
            || self.longest.entries().any(|entry| is_odd(entry.prob, 0.0))
        {
            return Err("a probability or a back-off is no number".to_owned());
        }
        Ok(self)
    }
}

/// Scores a sentence whose words come one by one.
pub struct Scorer<'m> {
    model: &'m Model,
    state: State,
    next: State,
    score: Score,
}

impl Scorer<'_> {
    /// Scores the next word.
    pub fn word(&mut self, word: &[u8]) {
        let id = self.model.word(word);
        self.score.unknown += u64::from(id == UNKNOWN);
        self.score.words += 1;
        self.score.log10 += f64::from(self.model.step(&self.state, id, &mut self.next));
        std::mem::swap(&mut self.state, &mut self.next);
    }

    /// Scores the end of the sentence, and tells the score.
    pub fn end(mut self) -> Score {
        self.score.words += 1;
        self.score.log10 += f64::from(self.model.step(&self.state, self.model.end, &mut self.next));
        self.score
    }
}

/// What is under construction: n-grams come order after order.
pub(crate) struct Builder {
    model: Model,
    saw_unknown: bool,
}

/// KenLM's multiplier of the room that a table takes.
const MULTIPLIER: f32 = 1.5;

/// The probability of an unknown word where a model has none, as KenLM gives it.
const UNKNOWN_LOG10: f32 = -100.0;

impl Builder {
    pub(crate) fn new(counts: &[u64]) -> Result<Builder, String> {
        if counts.is_empty() || counts.len() > MAX_ORDER {
            return Err(format!("its order is {}; from 1 to {MAX_ORDER} can be read", counts.len()));
        }
        // A count is a promise of a file that may be broken: no room is taken for more than a million on its word.
        let room = |count: u64| count.min(1 << 20);
        let order = counts.len();
        let middle = counts[1..].iter().take(order.saturating_sub(2));
        let mut names = Names::default();
        names.push(b"<unk>");
        let model = Model {
            order,
            words: Table::new(room(counts[0]), MULTIPLIER),
            unigrams: vec![[UNKNOWN_LOG10, NOTHING_FOLLOWS]],
            middle: middle.map(|&count| Table::new(room(count), MULTIPLIER)).collect(),
            longest: Table::new(if order > 1 { room(counts[order - 1]) } else { 0 }, MULTIPLIER),
            begin: 0,
            end: 0,
            names: Some(names),
        };
        Ok(Builder { model, saw_unknown: false })
    }

    pub(crate) fn word(&self, word: &[u8]) -> Option<u32> {
        if word == b"<unk>" || word == b"<UNK>" {
            return Some(UNKNOWN);
        }
        Some(self.model.word(word)).filter(|&id| id != UNKNOWN)
    }

    /// Zero as a back-off says that nothing follows until something does.
    fn plain(backoff: f32) -> f32 {
        if backoff == 0.0 { NOTHING_FOLLOWS } else { backoff }
    }

    pub(crate) fn unigram(&mut self, word: &[u8], prob: f32, backoff: f32) -> Result<(), String> {
        let weights = [-prob.abs(), Self::plain(backoff)];
        if word == b"<unk>" || word == b"<UNK>" {
            if std::mem::replace(&mut self.saw_unknown, true) {
                return Err("`<unk>` stands twice".to_owned());
            }
            self.model.unigrams[0] = weights;
            return Ok(());
        }
        let id = self.model.unigrams.len() as u32;
        if !self.model.words.insert(Word { key: word_hash(word), id }) {
            return Err(format!("`{}` stands twice", String::from_utf8_lossy(word)));
        }
        self.model.unigrams.push(weights);
        if let Some(names) = &mut self.model.names {
            names.push(word);
        }
        Ok(())
    }

    /// An n-gram of two words or more, the last one first.
    pub(crate) fn ngram(&mut self, words: &[u32], prob: f32, backoff: f32) -> Result<(), String> {
        let n = words.len();
        // The context goes on.
        if n == 2 {
            follow(&mut self.model.unigrams[words[1] as usize][1]);
        } else {
            let context = words[2..].iter().fold(u64::from(words[1]), |hash, &word| longer_hash(hash, word));
            let Some(entry) = self.model.middle[n - 3].find_mut(context) else {
                return Err(format!("the context of an n-gram of {n} words is missing"));
            };
            follow(&mut entry.backoff);
        }
        self.fill(words);
        let key = words[1..].iter().fold(u64::from(words[0]), |hash, &word| longer_hash(hash, word));
        let fresh = if n == self.model.order {
            self.model.longest.insert(Longest { key, prob: -prob.abs() })
        } else {
            self.model.middle[n - 2].insert(Middle { key, prob: -prob.abs(), backoff: Self::plain(backoff) })
        };
        if fresh { Ok(()) } else { Err(format!("an n-gram of {n} words stands twice")) }
    }

    /// Notes of an n-gram's ends that a longer one has them. SRILM prunes n-grams of which longer ones are kept: what
    /// is missing gets the probability that backing off gives it, so that a search does not stop short.
    fn fill(&mut self, words: &[u32]) {
        let mut hash = u64::from(words[0]);
        let unigram = &mut self.model.unigrams[words[0] as usize][0];
        *unigram = unigram.abs();
        let mut prob = -*unigram;
        let mut context = u64::from(words[1]);
        for length in 2..words.len() {
            hash = longer_hash(hash, words[length - 1]);
            if length > 2 {
                context = longer_hash(context, words[length - 2]);
            }
            if let Some(found) = self.model.middle[length - 2].find_mut(hash) {
                found.prob = found.prob.abs();
                prob = -found.prob;
                continue;
            }
            if length == 2 {
                let backoff = &mut self.model.unigrams[words[1] as usize][1];
                follow(backoff);
                prob += *backoff;
            } else if let Some(entry) = self.model.middle[length - 3].find_mut(context) {
                follow(&mut entry.backoff);
                prob += entry.backoff;
            }
            self.model.middle[length - 2].insert(Middle { key: hash, prob: prob.abs(), backoff: NOTHING_FOLLOWS });
        }
    }

    pub(crate) fn finish(mut self) -> Result<Model, String> {
        self.model.words.fit(MULTIPLIER);
        self.model.middle.iter_mut().for_each(|table| table.fit(MULTIPLIER));
        self.model.longest.fit(MULTIPLIER);
        self.model.checked()
    }
}

fn follow(backoff: &mut f32) {
    if !is_followed(*backoff) {
        *backoff = 0.0;
    }
}
