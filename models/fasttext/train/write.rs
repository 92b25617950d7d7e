//! The file format, written: arguments, dictionary, input matrix, output matrix.

use std::io::{self, Write};

use super::super::load::{MAGIC, SUPERVISED, VERSION};
use super::quantize::Codes;
use super::{Settings, Trained, Vocabulary};

impl Trained {
    /// Writes the model as the C++ tool's `.bin`.
    pub fn write(&self, out: impl Write) -> io::Result<()> {
        self.write_with(out, None)
    }

    /// The model's file, whole.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes).expect("memory takes everything");
        bytes
    }

    pub(super) fn write_with(&self, mut out: impl Write, quantized: Option<&Codes>) -> io::Result<()> {
        let Trained { settings, vocabulary, weights, tokens } = self;
        arguments(&mut out, settings, vocabulary)?;
        dictionary(&mut out, vocabulary, *tokens)?;
        out.write_all(&[u8::from(quantized.is_some())])?;
        let mut row = Vec::new();
        match quantized {
            Some(codes) => codes.write(&mut out)?,
            None => {
                shape(&mut out, vocabulary.input_rows(), settings.dim)?;
                for number in 0..vocabulary.input_rows() {
                    weights.input_row(number, &mut row);
                    floats(&mut out, &row)?;
                }
            }
        }
        out.write_all(&[0])?; // the output is never quantized
        shape(&mut out, vocabulary.labels.len(), settings.dim)?;
        for number in 0..vocabulary.labels.len() {
            weights.output_row(number, &mut row);
            floats(&mut out, &row)?;
        }
        out.flush()
    }
}

fn arguments(out: &mut impl Write, settings: &Settings, vocabulary: &Vocabulary) -> io::Result<()> {
    let hashing = vocabulary.hashing;
    const WINDOW: i32 = 5; // of word vectors; classifiers have none
    const NEGATIVES: i32 = 5;
    const RATE_UPDATES: i32 = 100;
    for argument in [
        MAGIC,
        VERSION,
        settings.dim as i32,
        WINDOW,
        settings.epochs as i32,
        settings.min_count.min(i32::MAX as u64) as i32,
        NEGATIVES,
        settings.word_ngrams as i32,
        settings.loss.number(),
        SUPERVISED,
        hashing.bucket as i32,
        settings.min_n as i32,
        settings.max_n as i32,
        RATE_UPDATES,
    ] {
        out.write_all(&argument.to_le_bytes())?;
    }
    const SAMPLING: f64 = 1e-4;
    out.write_all(&SAMPLING.to_le_bytes())
}

fn dictionary(out: &mut impl Write, vocabulary: &Vocabulary, tokens: u64) -> io::Result<()> {
    let (words, labels) = (vocabulary.words.len(), vocabulary.labels.len());
    for count in [words + labels, words, labels] {
        out.write_all(&(count as i32).to_le_bytes())?;
    }
    out.write_all(&tokens.to_le_bytes())?;
    let kept = vocabulary.kept.as_ref().map_or(-1, |kept| kept.len() as i64);
    out.write_all(&kept.to_le_bytes())?;
    let entries = vocabulary.words.iter().map(|entry| (entry, 0));
    for ((word, count), kind) in entries.chain(vocabulary.labels.iter().map(|entry| (entry, 1))) {
        out.write_all(word)?;
        out.write_all(&[0])?;
        out.write_all(&count.to_le_bytes())?;
        out.write_all(&[kind])?;
    }
    for (bucket, place) in vocabulary.kept.iter().flatten() {
        out.write_all(&bucket.to_le_bytes())?;
        out.write_all(&place.to_le_bytes())?;
    }
    Ok(())
}

pub fn shape(out: &mut impl Write, rows: usize, columns: usize) -> io::Result<()> {
    out.write_all(&(rows as i64).to_le_bytes())?;
    out.write_all(&(columns as i64).to_le_bytes())
}

pub fn floats(out: &mut impl Write, values: &[f32]) -> io::Result<()> {
    values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
}
