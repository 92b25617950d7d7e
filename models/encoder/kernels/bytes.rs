//! The product of rows with weights as whole numbers of 8 bits, four times as many of them in a register.
//!
//! Weights have a scale for each output, rows one each that is found when they come (*dynamic quantization*; Dettmers et
//! al., LLM.int8(), arXiv:2208.07339, sec. 3, has both): the greatest number of either is 127 steps from zero. Sums of
//! products of whole numbers are exact, so they are the same in any order and with any instructions. Inputs stand in groups of
//! four behind each other, as `vpdpbusd` of AVX-512 VNNI multiplies bytes without a sign by bytes with one; rows are
//! kept 128 above what they are, and what that adds to a sum is taken off before.

use super::gemm::{COLUMNS, ROWS, Tile};
use super::rows::{Activation, greatest};
use super::{Instructions, ROUND};

/// Inputs that are multiplied together.
const GROUP: usize = 4;

/// Steps from zero to the greatest number.
const STEPS: f32 = 127.0;

/// Most inputs: more, and a sum might run over.
const MOST_INPUTS: usize = 1 << 16;

/// Sums of a tile.
type Sums = [[i32; COLUMNS]; ROWS];

/// A group of inputs for the outputs of a panel.
type Group = [[i8; GROUP]; COLUMNS];

/// Which instructions multiply whole numbers. The sums are the same with all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Integers {
    /// 512 bits, four products and their sum at once.
    #[cfg(target_arch = "x86_64")]
    Vnni,
    /// 256 bits.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What every processor has.
    Plain,
}

impl Integers {
    /// The best of these.
    fn of(how: Instructions) -> Integers {
        match how {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 if is_x86_feature_detected!("avx512vnni") => Integers::Vnni,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 | Instructions::Avx2 => Integers::Avx2,
            Instructions::Plain => Integers::Plain,
        }
    }
}

/// Weights and what is added to their product.
#[derive(Debug)]
pub struct Bytes {
    inputs: usize,
    outputs: usize,
    /// By panel, then by group of inputs.
    weights: Vec<Group>,
    /// By panel: what a sum begins with, as rows are 128 above what they are.
    starts: Vec<[i32; COLUMNS]>,
    scales: Vec<[f32; COLUMNS]>,
    bias: Vec<[f32; COLUMNS]>,
}

/// Up to [`ROWS`] rows: four inputs of a row in each number, and the rows' scales.
#[derive(Debug, Clone, Default)]
pub struct ByteStrip {
    groups: Vec<[u32; ROWS]>,
    scales: [f32; ROWS],
}

impl Bytes {
    /// A product of weights as they stand in a file, output after output.
    pub fn new(weights: &[f32], bias: &[f32], outputs: usize, inputs: usize) -> Result<Bytes, String> {
        if inputs > MOST_INPUTS {
            return Err(format!("rows of {inputs} numbers cannot be multiplied as bytes; {MOST_INPUTS} can"));
        }
        let (groups, panels) = (inputs.div_ceil(GROUP), outputs.div_ceil(COLUMNS));
        let mut made = Bytes {
            inputs,
            outputs,
            weights: vec![[[0; GROUP]; COLUMNS]; panels * groups],
            starts: vec![[0; COLUMNS]; panels],
            scales: vec![[0.0; COLUMNS]; panels],
            bias: vec![[0.0; COLUMNS]; panels],
        };
        for (output, row) in weights.chunks_exact(inputs).take(outputs).enumerate() {
            let (panel, column) = (output / COLUMNS, output % COLUMNS);
            let most = row.iter().fold(0f32, |most, x| most.max(x.abs()));
            let steps = steps_of(most);
            for (input, x) in row.iter().enumerate() {
                let whole = (x * steps).round_ties_even().clamp(-STEPS, STEPS) as i8;
                made.weights[panel * groups + input / GROUP][column][input % GROUP] = whole;
                made.starts[panel][column] -= 128 * i32::from(whole);
            }
            made.scales[panel][column] = most / STEPS;
            made.bias[panel][column] = bias[output];
        }
        Ok(made)
    }

    /// Multiplies rows of numbers.
    pub fn apply(
        &self,
        how: Instructions,
        rows: &[f32],
        strips: &mut Vec<ByteStrip>,
        activation: Option<Activation>,
        out: &mut [f32],
    ) {
        let (inputs, outputs, integers) = (self.inputs, self.outputs, Integers::of(how));
        let count = rows.len() / inputs;
        strips.resize_with(count.div_ceil(ROWS).max(strips.len()), ByteStrip::default);
        for (strip, rows) in strips.iter_mut().zip(rows.chunks(ROWS * inputs)) {
            strip.fill(how, rows, inputs);
        }
        let groups = inputs.div_ceil(GROUP);
        let (mut sums, mut tile): (Sums, Tile) = ([[0; COLUMNS]; ROWS], [[0.0; COLUMNS]; ROWS]);
        for (number, panel) in self.weights.chunks_exact(groups).enumerate() {
            let first = number * COLUMNS;
            let width = COLUMNS.min(outputs - first);
            for (strip, out) in strips.iter().zip(out.chunks_mut(ROWS * outputs)) {
                strip.times(integers, panel, &self.starts[number], &mut sums);
                how.unscale(&sums, &strip.scales, &self.scales[number], &self.bias[number], &mut tile);
                if let Some(activation) = activation {
                    how.activate(activation, tile.as_flattened_mut());
                }
                for (sums, out) in tile.iter().zip(out.chunks_mut(outputs)) {
                    out[first..first + width].copy_from_slice(&sums[..width]);
                }
            }
        }
    }
}

impl ByteStrip {
    /// Takes in rows. Those that are missing are zero.
    fn fill(&mut self, how: Instructions, rows: &[f32], inputs: usize) {
        self.groups.resize(inputs.div_ceil(GROUP), [0; ROWS]);
        if rows.len() < ROWS * inputs {
            self.groups.fill([0x8080_8080; ROWS]);
        }
        self.scales = [0.0; ROWS];
        for (row, numbers) in rows.chunks_exact(inputs).enumerate() {
            how.to_bytes(numbers, row, &mut self.scales[row], &mut self.groups);
        }
    }

    fn times(&self, integers: Integers, panel: &[Group], starts: &[i32; COLUMNS], sums: &mut Sums) {
        assert_eq!(self.groups.len(), panel.len(), "rows and weights have the same inputs");
        match integers {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Integers::of` found these on this processor.
            Integers::Vnni => unsafe { times_vnni(&self.groups, panel, starts, sums) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Integers::Avx2 => unsafe { times_avx2(&self.groups, panel, sums) },
            Integers::Plain => times_plain(&self.groups, panel, starts, sums),
        }
    }
}

/// Steps to one, where so many numbers go to the greatest; none where all are as good as zero.
#[inline(always)]
fn steps_of(most: f32) -> f32 {
    if most > f32::MIN_POSITIVE && most < f32::INFINITY { STEPS / most } else { 0.0 }
}

/// A row as bytes 128 above what they are, four in a number. One that holds what is no number has a scale that is none.
#[inline(always)]
fn to_bytes(numbers: &[f32], row: usize, scale: &mut f32, groups: &mut [[u32; ROWS]]) {
    let (most, not) = greatest(numbers);
    let steps = steps_of(most);
    *scale = most / STEPS + not;
    for (numbers, groups) in numbers.chunks(GROUP * 16).zip(groups.chunks_mut(16)) {
        let mut bytes = [128; GROUP * 16];
        for (byte, x) in bytes.iter_mut().zip(numbers) {
            // Added to a number, `ROUND` leaves the nearest whole one in the lowest bits.
            *byte = x.mul_add(steps, ROUND).to_bits() as u8 ^ 128;
        }
        for (group, bytes) in groups.iter_mut().zip(bytes.as_chunks::<GROUP>().0) {
            group[row] = u32::from_le_bytes(*bytes);
        }
    }
}
super::with_instructions!(to_bytes(numbers: &[f32], row: usize, scale: &mut f32, groups: &mut [[u32; ROWS]]));

#[inline(always)]
fn unscale(sums: &Sums, rows: &[f32; ROWS], columns: &[f32; COLUMNS], bias: &[f32; COLUMNS], tile: &mut Tile) {
    for ((tile, sums), row) in tile.iter_mut().zip(sums).zip(rows) {
        for column in 0..COLUMNS {
            tile[column] = (sums[column] as f32).mul_add(row * columns[column], bias[column]);
        }
    }
}
super::with_instructions!(
    unscale(sums: &Sums, rows: &[f32; ROWS], columns: &[f32; COLUMNS], bias: &[f32; COLUMNS], tile: &mut Tile)
);

/// The definition, which the fast ones must equal.
fn times_plain(strip: &[[u32; ROWS]], panel: &[Group], starts: &[i32; COLUMNS], sums: &mut Sums) {
    *sums = [*starts; ROWS];
    for (left, right) in strip.iter().zip(panel) {
        for (sums, left) in sums.iter_mut().zip(left) {
            let left = left.to_le_bytes().map(i32::from);
            for (sum, right) in sums.iter_mut().zip(right) {
                *sum += left.iter().zip(right).map(|(left, &right)| left * i32::from(right)).sum::<i32>();
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vnni")]
fn times_vnni(strip: &[[u32; ROWS]], panel: &[Group], starts: &[i32; COLUMNS], sums: &mut Sums) {
    use std::arch::x86_64::{_mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_storeu_si512};
    // SAFETY: the starts of a panel are 32 numbers, two registers.
    let starts =
        unsafe { [_mm512_loadu_si512(starts.as_ptr().cast()), _mm512_loadu_si512(starts[16..].as_ptr().cast())] };
    let mut made = [starts; ROWS];
    for (left, right) in strip.iter().zip(panel) {
        // SAFETY: a group of a panel is 128 bytes, two registers.
        let right =
            unsafe { [_mm512_loadu_si512(right.as_ptr().cast()), _mm512_loadu_si512(right[16..].as_ptr().cast())] };
        for row in 0..ROWS {
            let left = _mm512_set1_epi32(left[row].cast_signed());
            made[row][0] = _mm512_dpbusd_epi32(made[row][0], left, right[0]);
            made[row][1] = _mm512_dpbusd_epi32(made[row][1], left, right[1]);
        }
    }
    for (row, made) in sums.iter_mut().zip(made) {
        // SAFETY: a row of sums is 32 numbers, two registers.
        unsafe {
            _mm512_storeu_si512(row.as_mut_ptr().cast(), made[0]);
            _mm512_storeu_si512(row[16..].as_mut_ptr().cast(), made[1]);
        }
    }
}

/// Parts of a tile one after the other, each of 4 rows and 16 columns. `vpmaddubsw` multiplies bytes without a sign by bytes
/// with one, so the sign of a row's number goes over to the weight; two products are at most 32,258, which its sums hold.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn times_avx2(strip: &[[u32; ROWS]], panel: &[Group], sums: &mut Sums) {
    use std::arch::x86_64::{
        _mm256_abs_epi8, _mm256_add_epi32, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16,
        _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_sign_epi8, _mm256_storeu_si256,
    };
    let ones = _mm256_set1_epi16(1);
    for (first_column, first_row) in [(0, 0), (0, 4), (0, 8), (16, 0), (16, 4), (16, 8)] {
        let mut made = [[_mm256_setzero_si256(); 2]; 4];
        for (left, right) in strip.iter().zip(panel) {
            let (left, right) = (&left[first_row..first_row + 4], &right[first_column..first_column + 16]);
            // SAFETY: the slice is 64 bytes, two registers.
            let right =
                unsafe { [_mm256_loadu_si256(right.as_ptr().cast()), _mm256_loadu_si256(right[8..].as_ptr().cast())] };
            for row in 0..4 {
                let left = _mm256_set1_epi32((left[row] ^ 0x8080_8080).cast_signed());
                let size = _mm256_abs_epi8(left);
                for half in 0..2 {
                    let pairs = _mm256_maddubs_epi16(size, _mm256_sign_epi8(right[half], left));
                    made[row][half] = _mm256_add_epi32(made[row][half], _mm256_madd_epi16(pairs, ones));
                }
            }
        }
        for (row, made) in sums[first_row..].iter_mut().zip(made) {
            let part = &mut row[first_column..first_column + 16];
            // SAFETY: the slice is 16 numbers, two registers.
            unsafe {
                _mm256_storeu_si256(part.as_mut_ptr().cast(), made[0]);
                _mm256_storeu_si256(part[8..].as_mut_ptr().cast(), made[1]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::gemm::numbers;
    use super::*;

    fn applied(how: Instructions, bytes: &Bytes, rows: &[f32], activation: Option<Activation>) -> Vec<f32> {
        let mut out = vec![f32::NAN; rows.len() / bytes.inputs * bytes.outputs];
        bytes.apply(how, rows, &mut Vec::new(), activation, &mut out);
        out
    }

    #[test]
    fn what_is_no_number_does_not_become_one_and_zeros_stay() {
        let bytes = Bytes::new(&[1.0, -2.0, 0.5, 0.0, 0.0, 0.0], &[0.25, 0.5], 2, 3).unwrap();
        for how in Instructions::all() {
            for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                assert!(applied(how, &bytes, &[1.0, x, 3.0], None)[0].is_nan(), "{how:?} {x}");
            }
            assert_eq!(applied(how, &bytes, &[0.0; 3], None), [0.25, 0.5]);
            assert_eq!(applied(how, &bytes, &[1e-40, 0.0, -1e-42], None), [0.25, 0.5]);
        }
        assert!(Bytes::new(&[], &[], 0, MOST_INPUTS + 1).is_err());
    }

    #[test]
    fn the_longest_rows_of_the_greatest_numbers_do_not_run_over() {
        let weights = vec![1.0; MOST_INPUTS];
        let bytes = Bytes::new(&weights, &[0.0], 1, MOST_INPUTS).unwrap();
        for how in Instructions::all() {
            for sign in [1.0, -1.0] {
                let rows = vec![sign; MOST_INPUTS];
                let sum = applied(how, &bytes, &rows, None)[0];
                assert!((sum - sign * MOST_INPUTS as f32).abs() < 0.1, "{how:?} {sum}");
            }
        }
    }

    proptest! {
        #[test]
        fn all_instructions_give_the_same_bits_near_the_product(
            inputs in 1usize..70, outputs in 1usize..80, count in 1usize..30, seed: u32, activated: bool
        ) {
            let (rows, weights, bias) = (numbers(count * inputs, seed), numbers(outputs * inputs, !seed), numbers(outputs, seed ^ 7));
            let bytes = Bytes::new(&weights, &bias, outputs, inputs).unwrap();
            let activation = activated.then_some(Activation::Gelu);
            let all: Vec<Vec<f32>> = Instructions::all().into_iter().map(|how| applied(how, &bytes, &rows, activation)).collect();
            for other in &all {
                prop_assert!(other.iter().zip(&all[0]).all(|(a, b)| a.to_bits() == b.to_bits()));
            }
            // A row by itself is what it is among others.
            let alone = applied(Instructions::detect(), &bytes, &rows[..inputs], activation);
            prop_assert!(alone.iter().zip(&all[0]).all(|(a, b)| a.to_bits() == b.to_bits()));
            if !activated {
                for (row, made) in rows.chunks(inputs).zip(all[0].chunks(outputs)) {
                    for ((made, weights), bias) in made.iter().zip(weights.chunks(inputs)).zip(&bias) {
                        let exact: f32 = row.iter().zip(weights).map(|(a, b)| a * b).sum::<f32>() + bias;
                        // Each number is wrong by half a step of at most 1/127.
                        prop_assert!((made - exact).abs() <= inputs as f32 * 1.01 / 127.0 + 1e-4, "{made} {exact}");
                    }
                }
            }
        }
    }
}
