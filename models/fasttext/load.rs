//! The file format of fastText 0.9: arguments, dictionary, input matrix, output matrix.

use super::Model;
use super::dictionary::{Dictionary, Hashing};
use super::loss::Loss;
use super::matrix::Matrix;

pub const MAGIC: i32 = 793_712_314;
pub const VERSION: i32 = 12;

/// The kind of a classifier, among models of word vectors.
pub const SUPERVISED: i32 = 3;

/// Walks the bytes; every length is checked against what is left before it is believed.
pub struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (head, tail) = self.rest.split_at_checked(length).ok_or_else(|| "the file ends too early".to_owned())?;
        self.rest = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        Ok(self.take(N)?.try_into().expect("as long as asked for"))
    }

    pub fn i32(&mut self) -> Result<i32, String> {
        self.array().map(i32::from_le_bytes)
    }

    pub fn i64(&mut self) -> Result<i64, String> {
        self.array().map(i64::from_le_bytes)
    }

    pub fn flag(&mut self) -> Result<bool, String> {
        match self.array::<1>()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(format!("a flag has the value {other}")),
        }
    }

    /// A length or a count: not negative, and small enough for this machine.
    pub fn count(&mut self, what: &str) -> Result<usize, String> {
        let value = self.i64()?;
        usize::try_from(value).map_err(|_| format!("{what} is {value}"))
    }

    pub fn count32(&mut self, what: &str) -> Result<usize, String> {
        let value = self.i32()?;
        usize::try_from(value).map_err(|_| format!("{what} is {value}"))
    }

    pub fn floats(&mut self, count: usize) -> Result<Vec<f32>, String> {
        let bytes = self.take(count.checked_mul(4).ok_or("a matrix is too large")?)?;
        Ok(bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().expect("four bytes"))).collect())
    }

    /// Bytes up to a NUL, which is passed over.
    pub fn word(&mut self) -> Result<&'a [u8], String> {
        let end = memchr::memchr(0, self.rest).ok_or("the file ends within a word")?;
        let word = self.take(end)?;
        self.take(1)?;
        Ok(word)
    }
}

pub fn model(bytes: &[u8]) -> Result<Model, String> {
    let mut cursor = Cursor { rest: bytes };
    if cursor.i32()? != MAGIC {
        return Err("the magic number is another".to_owned());
    }
    let version = cursor.i32()?;
    if version > VERSION {
        return Err(format!("version {version} is newer than {VERSION}"));
    }
    let dim = cursor.count32("dim")?;
    for _ in ["ws", "epoch", "minCount", "neg"] {
        cursor.i32()?;
    }
    let word_ngrams = cursor.count32("wordNgrams")?;
    let loss = cursor.i32()?;
    let kind = cursor.i32()?;
    let bucket = cursor.count32("bucket")?;
    let min_n = cursor.count32("minn")?;
    let mut max_n = cursor.count32("maxn")?;
    cursor.i32()?; // lrUpdateRate
    cursor.take(8)?; // t
    if kind != SUPERVISED {
        return Err("it is a model of word vectors, not a classifier".to_owned());
    }
    if version == 11 {
        max_n = 0; // classifiers of that version did not use subwords, whatever they say
    }
    let hashing = Hashing { bucket: bucket as u32, min_n, max_n, word_ngrams };
    let (dictionary, counts) = Dictionary::read(&mut cursor, hashing)?;
    let quantized = cursor.flag()?;
    let input = Matrix::read(&mut cursor, quantized)?;
    let quantized_output = cursor.flag()?;
    let output = Matrix::read(&mut cursor, quantized && quantized_output)?;
    if input.columns != dim || output.columns != dim {
        return Err(format!("matrices have {} and {} columns; dim is {dim}", input.columns, output.columns));
    }
    if input.rows < dictionary.rows_needed() {
        return Err(format!("the input has {} rows; the dictionary needs {}", input.rows, dictionary.rows_needed()));
    }
    let labels = dictionary.labels.len();
    if labels == 0 || output.rows < labels {
        return Err(format!("{labels} labels and {} output rows", output.rows));
    }
    let loss = Loss::new(loss, &counts)?;
    Ok(Model { dictionary, input, output, loss })
}
