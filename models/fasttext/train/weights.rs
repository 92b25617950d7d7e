//! The matrices that are learned, cut by columns, and the loops over their rows.

use super::draw;

/// Columns that are added up together.
pub const SLICE: usize = 8;

/// Some columns of both matrices.
pub struct Part {
    /// Number of the first slice.
    pub slice: usize,
    /// Columns, a multiple of [`SLICE`].
    pub width: usize,
    pub input: Vec<f32>,
    pub output: Vec<f32>,
}

/// Both matrices, cut by columns.
pub struct Weights {
    dim: usize,
    seed: u64,
    pub parts: Vec<Part>,
    /// A bit for each row of the input matrix: whether it has its first numbers.
    begun: Vec<u64>,
}

impl Weights {
    /// Rows of zeros.
    pub fn new(inputs: usize, outputs: usize, dim: usize, parts: usize, seed: u64) -> Weights {
        let slices = dim.div_ceil(SLICE);
        let parts = parts.clamp(1, slices);
        let part = |number: usize| {
            let slice = slices * number / parts;
            let width = (slices * (number + 1) / parts - slice) * SLICE;
            Part { slice, width, input: vec![0.0; inputs * width], output: vec![0.0; outputs * width] }
        };
        Weights { dim, seed, parts: (0..parts).map(part).collect(), begun: vec![0; inputs.div_ceil(64)] }
    }

    /// Gives rows of the input matrix the small random numbers that they begin with, unless they have begun. A row
    /// that no text has stays zero and says nothing of a text that it is met in later.
    pub fn begin(&mut self, rows: &[u32]) {
        for &row in rows {
            let (word, bit) = (&mut self.begun[row as usize / 64], 1 << (row % 64));
            if *word & bit != 0 {
                continue;
            }
            *word |= bit;
            for part in &mut self.parts {
                let start = part.slice * SLICE;
                let columns = part.width.min(self.dim - start);
                let values = &mut part.input[row as usize * part.width..][..columns];
                for (at, value) in values.iter_mut().enumerate() {
                    let random = draw(self.seed, u64::from(row) * self.dim as u64 + (start + at) as u64) >> 40;
                    // 24 bits: each is a float.
                    *value = (random as f32 / (1 << 23) as f32 - 1.0) / self.dim as f32;
                }
            }
        }
    }

    /// Length of the vectors.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// A row of the input matrix.
    pub fn input_row(&self, row: usize, out: &mut Vec<f32>) {
        self.row(row, |part| &part.input, out);
    }

    /// A row of the output matrix.
    pub fn output_row(&self, row: usize, out: &mut Vec<f32>) {
        self.row(row, |part| &part.output, out);
    }

    fn row<'w>(&'w self, row: usize, of: impl Fn(&'w Part) -> &'w Vec<f32>, out: &mut Vec<f32>) {
        out.clear();
        self.parts.iter().for_each(|part| out.extend_from_slice(&of(part)[row * part.width..][..part.width]));
        out.truncate(self.dim);
    }

    /// Replaces a row of the input matrix.
    pub fn set_input_row(&mut self, row: usize, values: &[f32]) {
        self.begun[row / 64] |= 1 << (row % 64);
        for part in &mut self.parts {
            let start = part.slice * SLICE;
            let values = &values[start..values.len().min(start + part.width)];
            part.input[row * part.width..][..values.len()].copy_from_slice(values);
        }
    }

    /// Keeps some rows of the input matrix, in the order given.
    pub fn select(&mut self, rows: &[u32]) {
        for part in &mut self.parts {
            let width = part.width;
            part.input = rows.iter().flat_map(|&row| &part.input[row as usize * width..][..width]).copied().collect();
        }
        self.begun = vec![u64::MAX; rows.len().div_ceil(64)];
    }
}

/// Rows ahead that are asked for from memory before they are needed.
const AHEAD: usize = 6;

#[inline(always)]
fn fetch(matrix: &[f32], row: u32, width: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(row) = matrix.get(row as usize * width..(row as usize + 1) * width) {
        for line in row.chunks(16) {
            // SAFETY: it reads nothing; the address is within the matrix.
            unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line.as_ptr().cast()) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (matrix, row, width);
}

/// The mean of some rows.
#[inline(always)]
pub fn mean(matrix: &[f32], rows: &[u32], share: f32, mean: &mut [f32]) {
    let width = mean.len();
    let (sums, _) = mean.as_chunks_mut::<SLICE>();
    for (at, &row) in rows.iter().enumerate() {
        rows.get(at + AHEAD).into_iter().for_each(|&row| fetch(matrix, row, width));
        let (row, _) = matrix[row as usize * width..][..width].as_chunks::<SLICE>();
        for (sum, values) in sums.iter_mut().zip(row) {
            (0..SLICE).for_each(|at| sum[at] += values[at]);
        }
    }
    mean.iter_mut().for_each(|value| *value *= share);
}

/// Adds a vector to some rows.
#[inline(always)]
pub fn add(matrix: &mut [f32], rows: &[u32], vector: &[f32]) {
    let width = vector.len();
    let (vector, _) = vector.as_chunks::<SLICE>();
    for &row in rows {
        let (row, _) = matrix[row as usize * width..][..width].as_chunks_mut::<SLICE>();
        for (sum, values) in row.iter_mut().zip(vector) {
            (0..SLICE).for_each(|at| sum[at] += values[at]);
        }
    }
}

/// The product of two vectors, in sums over eight columns.
#[inline(always)]
pub fn slice_sums<'v>(a: &'v [f32], b: &'v [f32]) -> impl Iterator<Item = f32> + 'v {
    a.as_chunks::<SLICE>().0.iter().zip(b.as_chunks::<SLICE>().0).map(|(a, b)| {
        let p: [f32; SLICE] = std::array::from_fn(|at| a[at] * b[at]);
        ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]))
    })
}
