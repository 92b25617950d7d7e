//! Permutations of hashes, and the least that each makes of many.
//!
//! The loops are written so that the compiler makes vectors of them, and compiled once more for each set of
//! instructions worth it; which is run is decided when the program is. All of them are the same lines, and
//! so the same minima.

/// Permutations that are taken together: as many as keep their factors, terms and minima in registers.
const LANES: usize = 32;

/// `a * h + b` in 32 bits, for many odd `a` and any `b`.
#[derive(Debug)]
pub(super) struct Permuted {
    /// Filled up to whole groups; who reads the minima leaves the rest alone.
    factors: Vec<[u32; LANES]>,
    terms: Vec<[u32; LANES]>,
}

impl Permuted {
    /// So many permutations, drawn from a seed.
    pub(super) fn new(length: usize, seed: u32) -> Permuted {
        let groups = length.div_ceil(LANES);
        let mut state = u64::from(seed);
        let mut draw = || std::array::from_fn(|_| splitmix(&mut state));
        let (mut factors, mut terms) = (Vec::new(), Vec::new());
        for _ in 0..groups {
            factors.push(draw().map(|number| (number >> 32) as u32 | 1));
            terms.push(draw().map(|number| (number >> 32) as u32));
        }
        Permuted { factors, terms }
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_those_of_splitmix64() {
        let mut state = 1_234_567;
        assert_eq!(
            [splitmix(&mut state), splitmix(&mut state)],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]
        );
    }

    #[test]
    fn more_permutations_begin_like_fewer() {
        let minima = |length| {
            let permuted = Permuted::new(length, 1);
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
            let permuted = Permuted::new(length, seed);
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
