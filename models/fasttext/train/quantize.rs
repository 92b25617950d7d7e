//! A model made small: fewer rows, and a byte for every two numbers.
//!
//! After Joulin et al., *FastText.zip* (arXiv:1612.03651): the rows of the greatest norm are kept, learned once more by
//! themselves if asked for, and written by product quantization (Jégou et al., 2011), each with its norm apart if asked
//! for. Centroids are found by Lloyd's algorithm.

use std::io::{self, Write};

use super::write::{floats, shape};
use super::{Corpus, Error, Trained, draw, refuse};

/// How a model is made small.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantize {
    /// Most words and buckets that are kept; all where it is not set.
    pub cutoff: Option<usize>,
    /// Learn again with what was kept.
    pub retrain: bool,
    /// Write the norm of every row by itself, which keeps more of it.
    pub norms: bool,
    /// Numbers that share a byte.
    pub part: usize,
}

impl Default for Quantize {
    fn default() -> Quantize {
        Quantize { cutoff: None, retrain: false, norms: false, part: 2 }
    }
}

/// One for each value of a byte.
const CENTROIDS: usize = 256;
/// Vectors that centroids are found from.
const SAMPLE: usize = 256 * CENTROIDS;
const ROUNDS: usize = 25;

/// A quantized matrix.
pub(super) struct Codes {
    rows: usize,
    columns: usize,
    codes: Vec<u8>,
    quantizer: Quantizer,
    norms: Option<(Vec<u8>, Quantizer)>,
}

struct Quantizer {
    dim: usize,
    part: usize,
    /// Of each part: its centroids.
    centroids: Vec<Vec<f32>>,
}

impl Quantize {
    /// Whether a model with vectors of this length can be made small so.
    pub fn check(&self, dim: usize) -> Result<(), Error> {
        if self.part == 0 || self.part > dim {
            return refuse(format!("{} numbers cannot share a byte where `dim` is {dim}", self.part));
        }
        match self.cutoff.filter(|&cutoff| cutoff < CENTROIDS) {
            Some(cutoff) => {
                refuse(format!("a model of {cutoff} words and buckets is too small for a quantizer of {CENTROIDS}"))
            }
            None => Ok(()),
        }
    }
}

impl Trained {
    /// Writes the model made small, as the C++ tool's `.ftz`. `corpus` is what it was trained on.
    pub fn write_small(mut self, corpus: &Corpus, how: &Quantize, out: impl Write) -> Result<(), Error> {
        how.check(self.settings.dim)?;
        if let Some(cutoff) = how.cutoff.filter(|&cutoff| cutoff < self.vocabulary.input_rows()) {
            let keep = self.greatest(cutoff);
            let kept = self.vocabulary.prune(corpus, &keep);
            self.weights.select(&kept);
            if how.retrain {
                self.learn(corpus, self.settings.epochs, self.settings.rate)?;
            }
        }
        let (rows, columns) = (self.vocabulary.input_rows(), self.settings.dim);
        if rows < CENTROIDS {
            return refuse(format!("a model of {rows} words and buckets is too small for a quantizer of {CENTROIDS}"));
        }
        let (mut matrix, mut row) = (Vec::with_capacity(rows * columns), Vec::new());
        for number in 0..rows {
            self.weights.input_row(number, &mut row);
            matrix.extend_from_slice(&row);
        }
        let codes = quantize(matrix, columns, how, self.settings.seed, self.settings.threads);
        self.write_with(out, Some(&codes)).map_err(|error| Error(error.to_string()))
    }

    /// The rows of the greatest norm; the end of the line is always among them.
    fn greatest(&self, cutoff: usize) -> Vec<u32> {
        let end = self.vocabulary.words.iter().position(|(word, _)| word == super::super::dictionary::END_OF_LINE);
        let (mut order, mut row) = (Vec::new(), Vec::new());
        for number in 0..self.vocabulary.input_rows() {
            self.weights.input_row(number, &mut row);
            let norm: f32 = row.iter().map(|value| value * value).sum();
            order.push((if Some(number) == end { f32::INFINITY } else { norm }, number as u32));
        }
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        order.into_iter().take(cutoff.max(1)).map(|(_, row)| row).collect()
    }
}

fn quantize(mut matrix: Vec<f32>, columns: usize, how: &Quantize, seed: u64, threads: usize) -> Codes {
    let rows = matrix.len() / columns;
    let norms = how.norms.then(|| {
        let mut norms = Vec::with_capacity(rows);
        for row in matrix.chunks_exact_mut(columns) {
            let norm = row.iter().map(|value| value * value).sum::<f32>().sqrt();
            if norm > 0.0 {
                row.iter_mut().for_each(|value| *value /= norm);
            }
            norms.push(norm);
        }
        let (codes, quantizer) = codes_of(&norms, 1, 1, seed, threads);
        (codes, quantizer)
    });
    let (codes, quantizer) = codes_of(&matrix, columns, how.part, seed, threads);
    Codes { rows, columns, codes, quantizer, norms }
}

/// Centroids and codes, part by part; threads take turns at parts.
fn codes_of(matrix: &[f32], dim: usize, part: usize, seed: u64, threads: usize) -> (Vec<u8>, Quantizer) {
    let (parts, rows) = (dim.div_ceil(part), matrix.len() / dim);
    let mut found: Vec<(Vec<f32>, Vec<u8>)> = vec![Default::default(); parts];
    let some = parts.div_ceil(threads.max(1));
    std::thread::scope(|scope| {
        for (batch, found) in found.chunks_mut(some).enumerate() {
            scope.spawn(move || {
                for (at, found) in found.iter_mut().enumerate() {
                    let start = (batch * some + at) * part;
                    let end = (start + part).min(dim);
                    let vectors: Vec<f32> =
                        matrix.chunks_exact(dim).flat_map(|row| &row[start..end]).copied().collect();
                    *found = cluster(&vectors, end - start, seed);
                }
            });
        }
    });
    let mut codes = Vec::with_capacity(rows * parts);
    for row in 0..rows {
        codes.extend(found.iter().map(|(_, codes)| codes[row]));
    }
    let centroids = found.into_iter().map(|(centroids, _)| centroids).collect();
    (codes, Quantizer { dim, part, centroids })
}

/// Lloyd's algorithm over a sample; returns centroids, and every vector's code.
fn cluster(vectors: &[f32], dim: usize, seed: u64) -> (Vec<f32>, Vec<u8>) {
    let count = vectors.len() / dim;
    let mut order: Vec<u32> = (0..count as u32).collect();
    super::shuffle(&mut order, seed);
    order.truncate(SAMPLE);
    let sample: Vec<f32> = order.iter().flat_map(|&at| &vectors[at as usize * dim..][..dim]).copied().collect();
    let mut centroids = sample[..CENTROIDS * dim].to_vec();
    let mut codes = Vec::new();
    for round in 0..ROUNDS {
        assign(&sample, dim, &centroids, &mut codes);
        let (mut sums, mut counts) = (vec![0.0_f32; CENTROIDS * dim], [0_usize; CENTROIDS]);
        for (vector, &code) in sample.chunks_exact(dim).zip(&codes) {
            let sum = &mut sums[usize::from(code) * dim..][..dim];
            sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
            counts[usize::from(code)] += 1;
        }
        for (code, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let sum = &sums[code * dim..][..dim];
            let centroid = &mut centroids[code * dim..][..dim];
            centroid.iter_mut().zip(sum).for_each(|(value, sum)| *value = sum / count as f32);
        }
        split(&mut centroids, dim, &mut counts, draw(seed, round as u64));
    }
    assign(vectors, dim, &centroids, &mut codes);
    (centroids, codes)
}

/// A centroid that nothing is near to takes half of another's, which is drawn by its size.
fn split(centroids: &mut [f32], dim: usize, counts: &mut [usize; CENTROIDS], seed: u64) {
    const NUDGE: f32 = 1e-7;
    for code in (0..CENTROIDS).filter(|&code| counts[code] == 0).collect::<Vec<_>>() {
        let all: u64 = counts.iter().map(|&count| count.saturating_sub(1) as u64).sum();
        if all == 0 {
            return;
        }
        let mut left = draw(seed, code as u64) % all;
        let Some(from) = (0..CENTROIDS).find(|&from| {
            let size = counts[from].saturating_sub(1) as u64;
            let here = left < size;
            left = left.saturating_sub(size);
            here
        }) else {
            return;
        };
        for at in 0..dim {
            let nudge = if at % 2 == 0 { NUDGE } else { -NUDGE };
            let value = centroids[from * dim + at];
            centroids[code * dim + at] = value + nudge;
            centroids[from * dim + at] = value - nudge;
        }
        counts[code] = counts[from] / 2;
        counts[from] -= counts[code];
    }
}

/// The nearest centroid of each vector, the first of equals.
fn assign(vectors: &[f32], dim: usize, centroids: &[f32], codes: &mut Vec<u8>) {
    // By columns, so that eight centroids are looked at together.
    let columns: Vec<[f32; CENTROIDS]> =
        (0..dim).map(|column| std::array::from_fn(|code| centroids[code * dim + column])).collect();
    codes.clear();
    let mut distances = [0.0_f32; CENTROIDS];
    for vector in vectors.chunks_exact(dim) {
        distances.fill(0.0);
        for (value, column) in vector.iter().zip(&columns) {
            for (distance, centroid) in distances.iter_mut().zip(column) {
                let apart = value - centroid;
                *distance += apart * apart;
            }
        }
        let least = distances.iter().copied().fold(f32::INFINITY, f32::min);
        codes.push(distances.iter().position(|&distance| distance == least).unwrap_or(0) as u8);
    }
}

impl Quantizer {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let last = self.dim - (self.centroids.len() - 1) * self.part;
        for count in [self.dim, self.centroids.len(), self.part, last] {
            out.write_all(&(count as i32).to_le_bytes())?;
        }
        self.centroids.iter().try_for_each(|centroids| floats(out, centroids))
    }
}

impl Codes {
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&[u8::from(self.norms.is_some())])?;
        shape(out, self.rows, self.columns)?;
        out.write_all(&(self.codes.len() as i32).to_le_bytes())?;
        out.write_all(&self.codes)?;
        self.quantizer.write(out)?;
        if let Some((codes, quantizer)) = &self.norms {
            out.write_all(codes)?;
            quantizer.write(out)?;
        }
        Ok(())
    }
}
