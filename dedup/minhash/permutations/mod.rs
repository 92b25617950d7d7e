//! Permutations of hashes, and the least that each makes of many.
//!
//! The loops are written so that the compiler makes vectors of them, and compiled once more for each set of
//! instructions worth it; which is run is decided when the program is. All are the same lines, and so the
//! same minima.

mod mersenne61;
mod multiply128;
mod multiply32;

use super::settings::Permutations;
use mersenne61::{Drawn, Mersenne61};
use multiply32::Multiply32;
use multiply128::Multiply128;

/// The permutations of a signer.
#[derive(Debug)]
pub(super) enum Permuted {
    Multiply32(Multiply32),
    Mersenne61(Mersenne61),
    Multiply128(Multiply128),
}

/// Minima of the text at hand, in whichever width its permutations have.
#[derive(Debug, Default)]
pub(in crate::minhash) struct Minima {
    short: Vec<u32>,
    long: Vec<u64>,
    block: Vec<u32>,
}

impl Permuted {
    /// So many permutations, drawn from a seed.
    pub(super) fn new(how: Permutations, length: usize, seed: u32) -> Permuted {
        let mersenne = |drawn, kept| Permuted::Mersenne61(Mersenne61::new(length, seed, drawn, kept));
        let (all, low) = (u64::MAX >> 1, u64::from(u32::MAX));
        match how {
            Permutations::Multiply32 => Permuted::Multiply32(Multiply32::new(length, seed)),
            Permutations::Cudf => Permuted::Multiply32(Multiply32::of_cudf(length, seed)),
            Permutations::Mersenne61 => mersenne(Drawn::Apart, all),
            Permutations::Mersenne61Low32 => mersenne(Drawn::Apart, low),
            Permutations::Mersenne61Low32Pairs => mersenne(Drawn::InPairs, low),
            Permutations::Multiply128 => Permuted::Multiply128(Multiply128::new(length, seed)),
        }
    }

    /// Forgets the last text.
    pub(super) fn start(&self, minima: &mut Minima) {
        match self {
            Permuted::Multiply32(permuted) => permuted.start(&mut minima.short),
            Permuted::Mersenne61(permuted) => permuted.start(&mut minima.long),
            Permuted::Multiply128(permuted) => permuted.start(&mut minima.long),
        }
    }

    /// Lowers the minima to those of these hashes too.
    pub(super) fn lower(&self, hashes: &[u64], minima: &mut Minima) {
        match self {
            Permuted::Multiply32(permuted) => {
                minima.block.clear();
                minima.block.extend(hashes.iter().map(|&hash| hash as u32));
                permuted.lower(&minima.block, &mut minima.short);
            }
            Permuted::Mersenne61(permuted) => permuted.lower(hashes, &mut minima.long),
            Permuted::Multiply128(permuted) => permuted.lower(hashes, &mut minima.long),
        }
    }

    /// Adds the first minima to a signature.
    pub(super) fn finish(&self, minima: &Minima, length: usize, signature: &mut Vec<u64>) {
        match self {
            Permuted::Multiply32(_) => signature.extend(minima.short[..length].iter().map(|&least| u64::from(least))),
            Permuted::Mersenne61(_) | Permuted::Multiply128(_) => signature.extend(&minima.long[..length]),
        }
    }
}

/// The next number of Steele, Lea and Flood's generator SplitMix64.
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut number = *state;
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_splitmix64() {
        let mut state = 1_234_567;
        assert_eq!(
            [splitmix(&mut state), splitmix(&mut state)],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]
        );
    }
}
