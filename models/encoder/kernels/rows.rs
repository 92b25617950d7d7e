//! What is done to a row: layer norm, softmax, activations.
//!
//! Sums of a row go into [`LANES`] sums in turn, which are then added two by two, so that any width of registers gives the
//! same bits.

use serde::Deserialize;

/// Sums that a row's sum is made of.
const LANES: usize = 16;

/// Adds up the lanes, two by two.
#[inline(always)]
fn fold(mut lanes: [f32; LANES], combine: impl Fn(f32, f32) -> f32) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = combine(lanes[lane], lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// Folds a row of numbers that `of` makes of its entries.
#[inline(always)]
fn over(row: &[f32], start: f32, of: impl Fn(f32, f32) -> f32, combine: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [start; LANES];
    let (whole, rest) = row.as_chunks::<LANES>();
    for chunk in whole {
        for lane in 0..LANES {
            lanes[lane] = of(lanes[lane], chunk[lane]);
        }
    }
    for (lane, &number) in lanes.iter_mut().zip(rest) {
        *lane = of(*lane, number);
    }
    fold(lanes, combine)
}

/// The greater of two numbers, in one instruction; `f32::max` leaves the sign of zero open.
#[inline(always)]
fn greater(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The greatest size of a number, and nothing: or what is no number, where one is none or without bound.
#[inline(always)]
pub fn greatest(row: &[f32]) -> (f32, f32) {
    (
        over(row, 0.0, |most, x| greater(most, x.abs()), greater),
        over(row, 0.0, |not, x| x.mul_add(0.0, not), |a, b| a + b),
    )
}

/// Added to a number and taken away again, this leaves the nearest whole one, as every addition rounds.
pub const ROUND: f32 = 12_582_912.0;

/// `e` to the power of `x`, which is taken to lie between -87.3 and 88.
///
/// `2^n` times a polynomial of what is left, as Cephes does it; the error is below 2e-7 of the value.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.3, 88.0);
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    // ln 2 in two parts, the first of few digits.
    let rest = whole.mul_add(-0.693_359_4, x);
    let rest = whole.mul_add(2.121_944_4e-4, rest);
    // The Taylor series about 0, for |rest| < 0.347.
    let mut sum = 1.0f32 / 5040.0;
    for term in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = sum.mul_add(rest, term);
    }
    let power = f32::from_bits((shifted.to_bits().wrapping_add(127)) << 23);
    sum * power
}

/// The error function, by Abramowitz and Stegun, formula 7.1.28; wrong by less than 1e-6.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let a = x.abs();
    let mut sum = 0.000_043_063_8f32;
    for term in [0.000_276_567_2, 0.000_152_014_3, 0.009_270_527, 0.042_282_01, 0.070_523_08, 1.0] {
        sum = sum.mul_add(a, term);
    }
    let four = sum * sum * (sum * sum);
    let eight = four * four;
    (1.0 - 1.0 / (eight * eight)).copysign(x)
}

/// GELU with the error function, as BERT has it (arXiv:1606.08415).
#[inline(always)]
fn gelu_erf(x: f32) -> f32 {
    let half = 0.5 * x;
    half.mul_add(erf(x * std::f32::consts::FRAC_1_SQRT_2), half)
}

/// `tanh`, by `exp`.
#[inline(always)]
fn tanh(x: f32) -> f32 {
    let power = exp((2.0 * x).clamp(-30.0, 30.0));
    (power - 1.0) / (power + 1.0)
}

/// What stands between two products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Activation {
    /// With the error function.
    #[serde(rename = "gelu")]
    Gelu,
    /// With `tanh`.
    #[serde(rename = "gelu_new", alias = "gelu_pytorch_tanh")]
    GeluTanh,
    /// Nothing below zero.
    #[serde(rename = "relu")]
    Relu,
    /// `x` by its sigmoid.
    #[serde(rename = "silu", alias = "swish")]
    Silu,
    /// Between -1 and 1.
    #[serde(rename = "tanh")]
    Tanh,
}

#[inline(always)]
fn activate(activation: Activation, row: &mut [f32]) {
    match activation {
        Activation::Gelu => row.iter_mut().for_each(|x| *x = gelu_erf(*x)),
        Activation::GeluTanh => row.iter_mut().for_each(|x| {
            let inner = 0.797_884_6 * (0.044_715 * *x * *x).mul_add(*x, *x);
            *x = 0.5 * *x * (1.0 + tanh(inner));
        }),
        Activation::Relu => row.iter_mut().for_each(|x| *x = greater(*x, 0.0)),
        Activation::Silu => row.iter_mut().for_each(|x| *x /= 1.0 + exp(-*x)),
        Activation::Tanh => row.iter_mut().for_each(|x| *x = tanh(*x)),
    }
}
super::with_instructions!(
    /// Applies an activation to each number.
    activate(activation: Activation, row: &mut [f32])
);

#[inline(always)]
fn softmax(row: &mut [f32], scale: f32) {
    let most = over(row, f32::NEG_INFINITY, greater, greater) * scale;
    for x in row.iter_mut() {
        *x = exp(x.mul_add(scale, -most));
    }
    let share = 1.0 / over(row, 0.0, |sum, x| sum + x, |a, b| a + b);
    for x in row.iter_mut() {
        *x *= share;
    }
}
super::with_instructions!(
    /// Softmax of the numbers times `scale`, which is above zero.
    softmax(row: &mut [f32], scale: f32)
);

#[inline(always)]
fn normalize(row: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    let count = row.len() as f32;
    let mean = over(row, 0.0, |sum, x| sum + x, |a, b| a + b) / count;
    let variance = over(row, 0.0, |sum, x| (x - mean).mul_add(x - mean, sum), |a, b| a + b) / count;
    let scale = 1.0 / (variance + epsilon).sqrt();
    for ((x, &weight), &bias) in row.iter_mut().zip(weight).zip(bias) {
        *x = ((*x - mean) * scale).mul_add(weight, bias);
    }
}
super::with_instructions!(
    /// Layer norm (arXiv:1607.06450).
    normalize(row: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32)
);

#[inline(always)]
fn add(row: &mut [f32], other: &[f32]) {
    for (x, &other) in row.iter_mut().zip(other) {
        *x += other;
    }
}
super::with_instructions!(
    /// Adds another row.
    add(row: &mut [f32], other: &[f32])
);

#[inline(always)]
fn multiply(row: &mut [f32], other: &[f32]) {
    for (x, &other) in row.iter_mut().zip(other) {
        *x *= other;
    }
}
super::with_instructions!(
    /// Multiplies with another row.
    multiply(row: &mut [f32], other: &[f32])
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Instructions;
    use super::*;

    #[test]
    fn exp_and_erf_are_near_the_true_values() {
        for step in -8700..=8800 {
            let x = step as f32 / 100.0;
            let exact = f64::from(x).exp();
            assert!(((f64::from(exp(x)) - exact) / exact).abs() < 4e-7, "{x}: {} {exact}", exp(x));
        }
        assert!(exp(-200.0) < 1e-37 && exp(0.0) == 1.0);
        for (x, exact) in [(0.0, 0.0), (0.5, 0.520_499_9), (1.0, 0.842_700_8), (2.0, 0.995_322_3), (4.5, 1.0)] {
            assert!((erf(x) - exact).abs() < 1e-6 && (erf(-x) + exact).abs() < 1e-6, "{x}: {}", erf(x));
        }
        assert!((tanh(0.5) - 0.5f32.tanh()).abs() < 1e-6 && tanh(50.0) == 1.0);
    }

    #[test]
    fn softmax_adds_up_to_one_and_layer_norm_has_mean_zero() {
        let mut row: Vec<f32> = (0..37).map(|x| x as f32 * 0.7 - 9.0).collect();
        Instructions::detect().softmax(&mut row, 0.5);
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6 && row.is_sorted());
        let mut row: Vec<f32> = (0..37).map(|x| (x * x % 11) as f32).collect();
        Instructions::detect().normalize(&mut row, &[1.0; 37], &[0.0; 37], 1e-12);
        assert!(row.iter().sum::<f32>().abs() < 1e-4);
        assert!((row.iter().map(|x| x * x).sum::<f32>() / 37.0 - 1.0).abs() < 1e-4);
    }

    proptest! {
        #[test]
        fn all_instructions_give_the_same_bits(row in prop::collection::vec(-9.0f32..9.0, 1..90), scale in 0.01f32..2.0) {
            type Work = fn(Instructions, &mut [f32], f32);
            let works: [Work; 7] = [
                |how, row, scale| how.softmax(row, scale),
                |how, row, scale| how.normalize(row, &vec![scale; row.len()], &vec![0.5; row.len()], 1e-5),
                |how, row, _| how.activate(Activation::Gelu, row),
                |how, row, _| how.activate(Activation::GeluTanh, row),
                |how, row, _| how.activate(Activation::Silu, row),
                |how, row, _| how.activate(Activation::Tanh, row),
                |how, row, _| how.activate(Activation::Relu, row),
            ];
            for work in works {
                let results: Vec<Vec<u32>> = Instructions::all().into_iter().map(|how| {
                    let mut row = row.clone();
                    work(how, &mut row, scale);
                    row.into_iter().map(f32::to_bits).collect()
                }).collect();
                for result in &results {
                    prop_assert_eq!(result, &results[0]);
                }
            }
        }
    }
}
