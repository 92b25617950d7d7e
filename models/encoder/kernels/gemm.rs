//! The product of rows with weights, tile by tile.
//!
//! A tile is [`ROWS`] rows by [`COLUMNS`] columns: with AVX-512 its 24 registers of sums leave room for what is multiplied.
//! Weights stand in panels of [`COLUMNS`] outputs, rows in strips of [`ROWS`], both with the inner dimension
//! outermost, so that the inner loop reads both from beginning to end (Goto and van de Geijn, *Anatomy of
//! High-Performance Matrix Multiplication*, sec. 4). A sum goes over the inner dimension from first to last, one fused
//! multiply-add after the other.

use super::Instructions;

/// Rows of a tile.
pub const ROWS: usize = 12;
/// Columns of a tile.
pub const COLUMNS: usize = 32;

/// Sums of a tile.
pub type Tile = [[f32; COLUMNS]; ROWS];

/// Weights, ready to be multiplied with: `outputs` by `inputs`.
#[derive(Debug, Clone, Default)]
pub struct Panels {
    /// Length of a row that is multiplied.
    pub inputs: usize,
    /// Length of a row that comes of it.
    pub outputs: usize,
    panels: Vec<[f32; COLUMNS]>,
}

impl Panels {
    /// Lays out weights that stand output after output, as in a file.
    pub fn new(weights: &[f32], outputs: usize, inputs: usize) -> Panels {
        let mut panels = Panels::default();
        panels.reset(inputs, outputs);
        for output in 0..outputs {
            let panel = &mut panels.panels[output / COLUMNS * inputs..][..inputs];
            for (row, &weight) in panel.iter_mut().zip(&weights[output * inputs..]) {
                row[output % COLUMNS] = weight;
            }
        }
        panels
    }

    /// Room for other weights, all of them zero.
    pub fn reset(&mut self, inputs: usize, outputs: usize) {
        (self.inputs, self.outputs) = (inputs, outputs);
        self.panels.clear();
        self.panels.resize(outputs.div_ceil(COLUMNS) * inputs, [0.0; COLUMNS]);
    }

    /// Sets the weights of one output, an input after the other.
    pub fn set_output(&mut self, output: usize, weights: &[f32]) {
        let panel = &mut self.panels[output / COLUMNS * self.inputs..][..self.inputs];
        for (row, &weight) in panel.iter_mut().zip(weights) {
            row[output % COLUMNS] = weight;
        }
    }

    /// Sets the weights of one input, an output after the other.
    pub fn set_input(&mut self, input: usize, weights: &[f32]) {
        for (panel, weights) in weights.chunks(COLUMNS).enumerate() {
            self.panels[panel * self.inputs + input][..weights.len()].copy_from_slice(weights);
        }
    }

    /// How many panels there are.
    pub fn count(&self) -> usize {
        self.outputs.div_ceil(COLUMNS)
    }

    /// The panel of a number.
    pub fn panel(&self, number: usize) -> &[[f32; COLUMNS]] {
        &self.panels[number * self.inputs..][..self.inputs]
    }
}

/// Up to [`ROWS`] rows, ready to be multiplied: by input, then by row.
#[derive(Debug, Clone, Default)]
pub struct Strip(Vec<[f32; ROWS]>);

impl Strip {
    /// Takes in rows, each of which begins `stride` numbers behind the one before. Rows that are missing are zero.
    pub fn fill(&mut self, instructions: Instructions, rows: &[f32], stride: usize, count: usize, inputs: usize) {
        self.0.resize(inputs, [0.0; ROWS]);
        instructions.interleave(rows, stride, count, &mut self.0);
    }

    /// The product with a panel, from the panel's `first` input on: the strip's first input is multiplied with it.
    pub fn times(&self, instructions: Instructions, panel: &[[f32; COLUMNS]], tile: &mut Tile) {
        assert_eq!(self.0.len(), panel.len(), "rows and weights have the same inputs");
        #[cfg(target_arch = "x86_64")]
        match instructions {
            // SAFETY: `Instructions::detect` found these on this processor.
            Instructions::Avx512 => return unsafe { times_avx512(&self.0, panel, tile) },
            // SAFETY: as above.
            Instructions::Avx2 => return unsafe { times_avx2(&self.0, panel, tile) },
            Instructions::Plain => {}
        }
        let _ = instructions;
        times_plain(&self.0, panel, tile);
    }
}

#[inline(always)]
fn interleave(rows: &[f32], stride: usize, count: usize, strip: &mut [[f32; ROWS]]) {
    for row in 0..ROWS {
        if row < count {
            let numbers = &rows[row * stride..][..strip.len()];
            for (entry, &number) in strip.iter_mut().zip(numbers) {
                entry[row] = number;
            }
        } else {
            for entry in strip.iter_mut() {
                entry[row] = 0.0;
            }
        }
    }
}
super::with_instructions!(interleave(rows: &[f32], stride: usize, count: usize, strip: &mut [[f32; ROWS]]));

/// The definition, which the fast ones must equal bit by bit.
fn times_plain(strip: &[[f32; ROWS]], panel: &[[f32; COLUMNS]], tile: &mut Tile) {
    *tile = [[0.0; COLUMNS]; ROWS];
    for (left, right) in strip.iter().zip(panel) {
        for (sums, &left) in tile.iter_mut().zip(left) {
            for (sum, &right) in sums.iter_mut().zip(right) {
                *sum = left.mul_add(right, *sum);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn times_avx512(strip: &[[f32; ROWS]], panel: &[[f32; COLUMNS]], tile: &mut Tile) {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps};
    let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
    for (left, right) in strip.iter().zip(panel) {
        // SAFETY: a row of a panel is 32 numbers, two registers.
        let right = unsafe { [_mm512_loadu_ps(right.as_ptr()), _mm512_loadu_ps(right.as_ptr().add(16))] };
        for row in 0..ROWS {
            let left = _mm512_set1_ps(left[row]);
            sums[row][0] = _mm512_fmadd_ps(left, right[0], sums[row][0]);
            sums[row][1] = _mm512_fmadd_ps(left, right[1], sums[row][1]);
        }
    }
    for (row, sums) in tile.iter_mut().zip(sums) {
        // SAFETY: a row of a tile is 32 numbers, two registers.
        unsafe {
            _mm512_storeu_ps(row.as_mut_ptr(), sums[0]);
            _mm512_storeu_ps(row.as_mut_ptr().add(16), sums[1]);
        }
    }
}

/// Four parts of a tile one after the other, each of 6 rows and 16 columns: 12 registers of sums.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn times_avx2(strip: &[[f32; ROWS]], panel: &[[f32; COLUMNS]], tile: &mut Tile) {
    use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps};
    for (first_column, first_row) in [(0, 0), (0, 6), (16, 0), (16, 6)] {
        let mut sums = [[_mm256_setzero_ps(); 2]; 6];
        for (left, right) in strip.iter().zip(panel) {
            let (left, right) = (&left[first_row..first_row + 6], &right[first_column..first_column + 16]);
            // SAFETY: the slice is 16 numbers, two registers.
            let right = unsafe { [_mm256_loadu_ps(right.as_ptr()), _mm256_loadu_ps(right.as_ptr().add(8))] };
            for row in 0..6 {
                let left = _mm256_set1_ps(left[row]);
                sums[row][0] = _mm256_fmadd_ps(left, right[0], sums[row][0]);
                sums[row][1] = _mm256_fmadd_ps(left, right[1], sums[row][1]);
            }
        }
        for (row, sums) in tile[first_row..].iter_mut().zip(sums) {
            let part = &mut row[first_column..first_column + 16];
            // SAFETY: the slice is 16 numbers, two registers.
            unsafe {
                _mm256_storeu_ps(part.as_mut_ptr(), sums[0]);
                _mm256_storeu_ps(part.as_mut_ptr().add(8), sums[1]);
            }
        }
    }
}

/// Numbers between -1 and 1.
#[cfg(test)]
pub fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed | 1;
    let draw = || {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        (state >> 9) as f32 / (1 << 22) as f32 - 1.0
    };
    std::iter::repeat_with(draw).take(count).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_instructions_give_the_same_bits_and_the_product(inputs in 1usize..70, outputs in 1usize..80, count in 1usize..=ROWS, seed: u32) {
            let (rows, weights) = (numbers(count * inputs, seed), numbers(outputs * inputs, !seed));
            let panels = Panels::new(&weights, outputs, inputs);
            for number in 0..panels.count() {
                let tiles: Vec<Tile> = Instructions::all().into_iter().map(|instructions| {
                    let (mut strip, mut tile) = (Strip::default(), [[f32::NAN; COLUMNS]; ROWS]);
                    strip.fill(instructions, &rows, inputs, count, inputs);
                    strip.times(instructions, panels.panel(number), &mut tile);
                    tile
                }).collect();
                for tile in &tiles {
                    prop_assert_eq!(tile.map(|row| row.map(f32::to_bits)), tiles[0].map(|row| row.map(f32::to_bits)));
                }
                for row in 0..count {
                    for column in 0..COLUMNS.min(outputs - number * COLUMNS) {
                        let weights = &weights[(number * COLUMNS + column) * inputs..][..inputs];
                        let exact: f64 = rows[row * inputs..].iter().zip(weights).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
                        prop_assert!((f64::from(tiles[0][row][column]) - exact).abs() < 1e-5 * inputs as f64);
                    }
                }
            }
        }
    }
}
