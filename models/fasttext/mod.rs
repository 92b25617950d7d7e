//! fastText classifiers: reads the C++ tool's `.bin` and `.ftz` and predicts what it predicts.
//!
//! The method is Joulin et al., *Bag of Tricks for Efficient Text Classification* (arXiv:1607.01759),
//! and *FastText.zip* (arXiv:1612.03651) for the quantized form. All losses are read: softmax,
//! hierarchical softmax, one-vs-all and negative sampling, dense and quantized. Quantized rows are
//! decoded once, when the model is loaded; a prediction allocates nothing.
//!
//! Two habits of the C++ tool are kept because they decide: the end of the line is a word of its own
//! and enters the word n-grams, and every probability is reported 0.00001 too high.

mod dictionary;
mod load;
mod loss;
mod matrix;
pub mod train;

use std::fmt;
use std::path::Path;

use dictionary::Dictionary;
use loss::Loss;
use matrix::Matrix;

/// A model, ready to predict. Share it between threads; give each its own [`Scratch`].
pub struct Model {
    dictionary: Dictionary,
    input: Matrix,
    output: Matrix,
    loss: Loss,
}

/// The language model that comes along: 176 languages, quantized; see `card.toml` beside it.
pub const LID_176: &[u8] = include_bytes!("lid.176.ftz");

/// What a thread keeps from one prediction to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    rows: Vec<u32>,
    hashes: Vec<i32>,
    hidden: Vec<f32>,
    scores: Vec<f32>,
    /// Branches of the tree of labels that are to be gone down, and their scores.
    waiting: Vec<(u32, f32)>,
    best: Vec<Prediction>,
}

/// One label and its probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// Index into [`Model::labels`].
    pub label: usize,
    /// As the C++ tool reports it: 0.00001 too high.
    pub probability: f32,
}

/// Why a file is no model.
#[derive(Debug)]
pub enum Error {
    /// The file cannot be read.
    Io(std::io::Error),
    /// The file's bytes are not a model; what is wrong with them.
    Format(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io(error) => error.fmt(f),
            Error::Format(what) => write!(f, "not a fastText model: {what}"),
        }
    }
}

impl std::error::Error for Error {}

impl Model {
    /// Reads a `.bin` or `.ftz` file.
    pub fn load(path: &Path) -> Result<Model, Error> {
        Model::from_bytes(&std::fs::read(path).map_err(Error::Io)?)
    }

    /// Reads a model from its file's bytes. Whatever they are, it does not panic, and asks for no more
    /// memory than two GiB and some thirty times their number.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model, Error> {
        load::model(bytes).map_err(Error::Format)
    }

    /// The labels, without `__label__`, in the model's own order.
    pub fn labels(&self) -> &[String] {
        &self.dictionary.labels
    }

    /// The `k` most probable labels of at least `threshold`, best first. Line ends count as spaces.
    pub fn predict<'s>(&self, text: &str, k: usize, threshold: f32, scratch: &'s mut Scratch) -> &'s [Prediction] {
        let Scratch { rows, hashes, hidden, best, .. } = scratch;
        best.clear();
        self.dictionary.rows(text, rows, hashes);
        if rows.is_empty() || k == 0 {
            return &scratch.best;
        }
        self.input.mean(rows, hidden);
        self.loss.predict(&self.output, k, threshold, scratch);
        &scratch.best
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lid() -> Model {
        Model::from_bytes(LID_176).unwrap()
    }

    /// Answers of the C++ library: text, labels, probabilities.
    fn golden(answers: &str) -> Vec<(String, Vec<(String, f64)>)> {
        let answers: serde_json::Value = serde_json::from_str(answers).unwrap();
        let rows = answers["rows"].as_array().unwrap().iter();
        rows.map(|row| {
            let labels = row["labels"]
                .as_array()
                .unwrap()
                .iter()
                .map(|label| label.as_str().unwrap().trim_start_matches("__label__").to_owned());
            let probabilities = row["probs"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap());
            (row["text"].as_str().unwrap().to_owned(), labels.zip(probabilities).collect())
        })
        .collect()
    }

    fn agrees(model: &Model, answers: &str) {
        let mut scratch = Scratch::default();
        for (text, expected) in golden(answers) {
            let found = model.predict(&text, expected.len(), 0.0, &mut scratch);
            assert_eq!(found.len(), expected.len(), "{text}");
            for (found, (label, probability)) in found.iter().zip(&expected) {
                assert_eq!(&model.labels()[found.label], label, "{text}");
                assert!(
                    (f64::from(found.probability) - probability).abs() < 2e-6,
                    "{text}: {} {probability}",
                    found.probability
                );
            }
        }
    }

    #[test]
    fn language_labels_and_probabilities_are_those_of_the_c_plus_plus_tool() {
        agrees(&lid(), include_str!("golden/lid.176.ftz.expected.json"));
    }

    #[test]
    fn every_loss_dense_and_quantized_gives_what_the_c_plus_plus_tool_gives() {
        agrees(
            &Model::from_bytes(include_bytes!("golden/quality-zh.hs.bin")).unwrap(),
            include_str!("golden/quality-zh.hs.bin.expected.json"),
        );
        agrees(
            &Model::from_bytes(include_bytes!("golden/quality-zh.softmax.ftz")).unwrap(),
            include_str!("golden/quality-zh.softmax.ftz.expected.json"),
        );
        let ova = zstd::decode_all(&include_bytes!("golden/quality-zh.ova.bin.zst")[..]).unwrap();
        agrees(&Model::from_bytes(&ova).unwrap(), include_str!("golden/quality-zh.ova.bin.expected.json"));
    }

    #[test]
    fn an_empty_text_is_still_the_end_of_a_line() {
        let (model, mut scratch) = (lid(), Scratch::default());
        assert_eq!(model.predict("", 1, 0.0, &mut scratch), model.predict(" \n\t", 1, 0.0, &mut Scratch::default()));
    }

    #[test]
    fn what_is_no_model_is_refused_with_its_reason() {
        let refused = |bytes: &[u8]| Model::from_bytes(bytes).err().unwrap().to_string();
        assert!(refused(b"").contains("ends"), "{}", refused(b""));
        assert!(refused(b"GIF89a..").contains("magic"));
        assert!(refused(&LID_176[..LID_176.len() / 2]).contains("ends"));
    }

    /// A file up to its matrices: its dim, loss, longest subword and entries, each with its count and
    /// whether it is a label.
    fn head(dim: i32, loss: i32, max_n: i32, words: &[(&str, i64, bool)]) -> Vec<u8> {
        let labels = words.iter().filter(|(_, _, is_label)| *is_label).count();
        let mut bytes = Vec::new();
        // magic, version, dim, ws, epoch, minCount, neg, wordNgrams, loss, kind, bucket, minn, maxn, lrUpdateRate
        for argument in [793_712_314, 12, dim, 5, 5, 1, 5, 1, loss, 3, 1, 1, max_n, 100] {
            bytes.extend(i32::to_le_bytes(argument));
        }
        bytes.extend([0; 8]);
        for count in [words.len(), words.len() - labels, labels] {
            bytes.extend((count as i32).to_le_bytes());
        }
        bytes.extend([0_i64, -1].map(i64::to_le_bytes).concat());
        for (word, count, is_label) in words {
            bytes.extend(word.as_bytes());
            bytes.push(0);
            bytes.extend(count.to_le_bytes());
            bytes.push(u8::from(*is_label));
        }
        bytes
    }

    #[test]
    fn a_matrix_that_would_fill_the_memory_when_decoded_is_refused() {
        let (dim, rows) = (5_000_i32, 1_000_000_i32);
        let mut bytes = head(dim, 3, 0, &[("__label__a", 1, true)]);
        bytes.extend([1, 0]); // quantized, without norms
        bytes.extend([i64::from(rows), i64::from(dim)].map(i64::to_le_bytes).concat());
        bytes.extend(rows.to_le_bytes());
        bytes.extend(vec![0; rows as usize]);
        bytes.extend([dim, 1, dim, dim].map(i32::to_le_bytes).concat()); // one code for a whole row
        bytes.extend(vec![0; dim as usize * 256 * 4]);
        let wrong = Model::from_bytes(&bytes).err().unwrap().to_string();
        assert!(wrong.contains("1000000 rows of 5000 floats"), "{wrong}");
    }

    #[test]
    fn a_word_with_a_subword_for_every_pair_of_its_characters_is_refused() {
        let word = "x".repeat(1_000_000);
        let wrong = Model::from_bytes(&head(1, 3, i32::MAX, &[(&word, 1, false), ("__label__a", 1, true)]));
        assert!(wrong.err().unwrap().to_string().contains("subwords"));
    }

    #[test]
    fn a_tree_as_deep_as_there_are_labels_takes_no_stack() {
        const LABELS: usize = 200_000;
        for count in [-1, i64::MIN, 0, i64::MAX] {
            let mut bytes = head(1, 1, 1, &[("__label__a", count, true)].repeat(LABELS));
            // Every branch to the left, which is the deep one, is certain.
            for (rows, value) in [(1, 1.0_f32), (LABELS, -100.0)] {
                bytes.push(0); // not quantized
                bytes.extend([rows as i64, 1].map(i64::to_le_bytes).concat());
                bytes.extend(value.to_le_bytes().repeat(rows));
            }
            let model = Model::from_bytes(&bytes).unwrap();
            assert!(!model.predict("a", 2, 0.0, &mut Scratch::default()).is_empty(), "{count}");
        }
    }

    #[test]
    fn a_bit_turned_anywhere_or_an_end_too_soon_gives_a_model_or_an_error() {
        let files: [&[u8]; 2] =
            [include_bytes!("golden/quality-zh.hs.bin"), include_bytes!("golden/quality-zh.softmax.ftz")];
        for file in files {
            let mut bytes = file.to_vec();
            // Every argument and count, then all through the words and matrices.
            for at in (0..100).chain((100..file.len()).step_by(file.len() / 60)) {
                bytes[at] ^= 1 << (at % 8);
                if let Ok(model) = Model::from_bytes(&bytes) {
                    model.predict("some text 文字", 2, 0.0, &mut Scratch::default());
                }
                bytes[at] = file[at];
                assert!(Model::from_bytes(&file[..at]).is_err());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn no_damage_makes_it_panic(cut in 0..LID_176.len(), at in 0..400_usize, byte in any::<u8>()) {
            prop_assert!(Model::from_bytes(&LID_176[..cut]).is_err());
            let mut bytes = LID_176.to_vec();
            bytes[at] = byte;
            if let Ok(model) = Model::from_bytes(&bytes) {
                model.predict("some text 文字", 2, 0.0, &mut Scratch::default());
            }
        }

        #[test]
        fn a_scratch_that_was_used_gives_what_a_new_one_gives(texts in prop::collection::vec("\\PC{0,40}", 1..5)) {
            let (model, mut used) = (lid(), Scratch::default());
            for text in &texts {
                let fresh = model.predict(text, 3, 0.0, &mut Scratch::default()).to_vec();
                prop_assert_eq!(model.predict(text, 3, 0.0, &mut used), fresh);
            }
        }
    }
}
