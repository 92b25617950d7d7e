//! `a * h + b` in 32 bits: a bijection when `a` is odd, and as good as slower families for estimating.

use super::super::numpy::RandomState;
use super::splitmix;

/// Permutations that are taken together: as many as keep their factors, terms and minima in registers.
const LANES: usize = 32;

#[derive(Debug)]
pub(in crate::minhash) struct Multiply32 {
    /// Filled up to whole groups; who reads the minima leaves the rest alone.
    factors: Vec<[u32; LANES]>,
    terms: Vec<[u32; LANES]>,
}

impl Multiply32 {
    /// So many permutations, drawn from a seed.
    pub(super) fn new(length: usize, seed: u32) -> Multiply32 {
        let groups = length.div_ceil(LANES);
        let mut state = u64::from(seed);
        let mut draw = || std::array::from_fn(|_| splitmix(&mut state));
        let (mut factors, mut terms) = (Vec::new(), Vec::new());
        for _ in 0..groups {
            factors.push(draw().map(|number| (number >> 32) as u32 | 1));
            terms.push(draw().map(|number| (number >> 32) as u32));
        }
        Multiply32 { factors, terms }
    }

    /// The parameters that NeMo Curator draws for cuDF: a factor and its term in turn, below 2^31 - 1, and
    /// factors may be even. (cuDF then takes sums of 32 bits modulo 2^61 - 1, which changes nothing.)
    pub(super) fn of_cudf(length: usize, seed: u32) -> Multiply32 {
        const PRIME: u32 = (1 << 31) - 1;
        let mut draw = RandomState::new(seed);
        let groups = length.div_ceil(LANES);
        let (mut factors, mut terms) = (vec![[0; LANES]; groups], vec![[0; LANES]; groups]);
        for at in 0..length {
            factors[at / LANES][at % LANES] = draw.below_u32(1, PRIME);
            terms[at / LANES][at % LANES] = draw.below_u32(0, PRIME);
        }
        Multiply32 { factors, terms }
    }

    /// Minima of no hash.
    pub(super) fn start(&self, minima: &mut Vec<u32>) {
        minima.clear();
        minima.resize(self.factors.len() * LANES, u32::MAX);
    }

    /// Lowers the minima to those of these hashes too.
    pub(super) fn lower(&self, hashes: &[u32], minima: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                // SAFETY: the processor has these instructions.
                return unsafe { self.lower_avx512(hashes, minima) };
            }
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has these instructions.
                return unsafe { self.lower_avx2(hashes, minima) };
            }
        }
        self.lower_plain(hashes, minima);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    fn lower_avx512(&self, hashes: &[u32], minima: &mut [u32]) {
        self.lower_plain(hashes, minima);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn lower_avx2(&self, hashes: &[u32], minima: &mut [u32]) {
        self.lower_plain(hashes, minima);
    }

    #[inline(always)]
    fn lower_plain(&self, hashes: &[u32], minima: &mut [u32]) {
        let (groups, _) = minima.as_chunks_mut::<LANES>();
        for ((factors, terms), group) in self.factors.iter().zip(&self.terms).zip(groups) {
            let mut least = *group;
            for &hash in hashes {
                for lane in 0..LANES {
                    let permuted = hash.wrapping_mul(factors[lane]).wrapping_add(terms[lane]);
                    least[lane] = least[lane].min(permuted);
                }
            }
            *group = least;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn more_permutations_begin_like_fewer() {
        let minima = |length| {
            let permuted = Multiply32::new(length, 1);
            let mut minima = Vec::new();
            permuted.start(&mut minima);
            permuted.lower(&[5, 6, 7], &mut minima);
            minima
        };
        assert_eq!(minima(32), minima(128)[..32]);
        assert_eq!(minima(33).len(), 64);
    }

    proptest! {
        #[test]
        fn minima_are_those_of_one_permutation_after_the_other(hashes in prop::collection::vec(any::<u32>(), 0..200), seed in any::<u32>(), length in 1..130_usize) {
            let permuted = Multiply32::new(length, seed);
            let mut minima = Vec::new();
            permuted.start(&mut minima);
            permuted.lower(&hashes, &mut minima);
            let (factors, terms) = (permuted.factors.concat(), permuted.terms.concat());
            for (at, &least) in minima.iter().enumerate() {
                let plain = hashes.iter().map(|&hash| hash.wrapping_mul(factors[at]).wrapping_add(terms[at])).min();
                prop_assert_eq!(least, plain.unwrap_or(u32::MAX));
            }
            let mut portable = Vec::new();
            permuted.start(&mut portable);
            permuted.lower_plain(&hashes, &mut portable);
            prop_assert_eq!(minima, portable);
        }
    }
}
