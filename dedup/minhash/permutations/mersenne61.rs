//! `(a * h + b) mod (2^61 - 1)`, with a product of 64 bits: what datatrove, datasketch before 2.0 and their
//! heirs compute.
//!
//! The product wraps at 2^64 before it is reduced, as numpy's does, so this is not quite the universal family
//! that the prime is there for; it is what they publish signatures of.

use super::super::numpy::RandomState;

const PRIME: u64 = (1 << 61) - 1;

/// Permutations that are taken together.
const LANES: usize = 8;

/// In which order numpy's numbers become factors and terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drawn {
    /// All factors, then all terms.
    Apart,
    /// A factor and its term in turn.
    InPairs,
}

#[derive(Debug)]
pub(in crate::minhash) struct Mersenne61 {
    groups: Vec<Group>,
    /// Bits of a reduced number that are kept.
    kept: u64,
}

/// Filled up with copies of the last; who reads the minima leaves the rest alone.
#[derive(Debug)]
struct Group {
    /// Lower and upper halves of the factors.
    low: [u64; LANES],
    high: [u64; LANES],
    terms: [u64; LANES],
}

impl Mersenne61 {
    pub(super) fn new(length: usize, seed: u32, drawn: Drawn, kept: u64) -> Mersenne61 {
        let mut draw = RandomState::new(seed);
        let (mut factors, mut terms) = (Vec::new(), Vec::new());
        for _ in 0..length {
            factors.push(draw.below_u64(1, PRIME));
            if drawn == Drawn::InPairs {
                terms.push(draw.below_u64(0, PRIME));
            }
        }
        for _ in terms.len()..length {
            terms.push(draw.below_u64(0, PRIME));
        }
        let groups = (0..length.div_ceil(LANES)).map(|group| {
            let of = |numbers: &[u64]| std::array::from_fn(|lane| numbers[(group * LANES + lane).min(length - 1)]);
            let factors: [u64; LANES] = of(&factors);
            Group { low: factors.map(low), high: factors.map(|factor| factor >> 32), terms: of(&terms) }
        });
        Mersenne61 { groups: groups.collect(), kept }
    }

    /// Minima of no hash.
    pub(super) fn start(&self, minima: &mut Vec<u64>) {
        minima.clear();
        minima.resize(self.groups.len() * LANES, self.kept);
    }

    /// Lowers the minima to those of these hashes too.
    pub(super) fn lower(&self, hashes: &[u64], minima: &mut [u64]) {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
                // SAFETY: the processor has these instructions.
                return unsafe { self.lower_avx512(hashes, minima) };
            }
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has these instructions.
                return unsafe { self.lower_avx2(hashes, minima) };
            }
        }
        self.lower_by(hashes, minima, product_of_halves);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn lower_avx512(&self, hashes: &[u64], minima: &mut [u64]) {
        self.lower_by(hashes, minima, product);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn lower_avx2(&self, hashes: &[u64], minima: &mut [u64]) {
        self.lower_by(hashes, minima, product_of_halves);
    }

    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "a lane is the same place in four arrays")]
    fn lower_by(&self, hashes: &[u64], minima: &mut [u64], product: impl Fn(u64, u64, u64) -> u64) {
        let (chunks, _) = minima.as_chunks_mut::<LANES>();
        for (group, chunk) in self.groups.iter().zip(chunks) {
            let mut least = *chunk;
            for &hash in hashes {
                for lane in 0..LANES {
                    let sum = product(hash, group.low[lane], group.high[lane]).wrapping_add(group.terms[lane]);
                    let kept = reduce(sum) & self.kept;
                    // Both are below 2^63, where the order of signed numbers is the same and less to compute.
                    least[lane] = (least[lane] as i64).min(kept as i64) as u64;
                }
            }
            *chunk = least;
        }
    }
}

fn low(number: u64) -> u64 {
    number & 0xffff_ffff
}

/// The lower 64 bits of a product.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn product(hash: u64, low: u64, high: u64) -> u64 {
    hash.wrapping_mul(high << 32 | low)
}

/// The same for processors whose vectors multiply halves alone.
#[inline(always)]
fn product_of_halves(hash: u64, factor_low: u64, factor_high: u64) -> u64 {
    let (hash_low, hash_high) = (low(hash), hash >> 32);
    let crossed = (hash_low * factor_high).wrapping_add(hash_high * factor_low);
    (hash_low * factor_low).wrapping_add(crossed << 32)
}

/// `number % PRIME`, as 2^61 is 1 more than a multiple of it.
#[inline(always)]
fn reduce(number: u64) -> u64 {
    let folded = (number & PRIME) + (number >> 61);
    if folded as i64 >= PRIME as i64 { folded - PRIME } else { folded }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_reduced_at_the_edges() {
        for number in [0, 1, PRIME - 1, PRIME, PRIME + 1, 2 * PRIME - 1, 2 * PRIME, 7 * PRIME, 8 * PRIME, u64::MAX] {
            assert_eq!(reduce(number), number % PRIME);
        }
    }

    fn edges() -> impl Strategy<Value = u64> {
        prop_oneof![
            any::<u64>(),
            0..3_u64,
            (0..8_u64).prop_map(|times| times * PRIME),
            any::<u32>().prop_map(u64::from)
        ]
    }

    proptest! {
        #[test]
        fn minima_are_those_of_the_formula(hashes in prop::collection::vec(edges(), 0..100), seed in any::<u32>(), length in 1..40_usize, in_pairs in any::<bool>(), short in any::<bool>()) {
            let kept = if short { u64::from(u32::MAX) } else { u64::MAX >> 1 };
            let drawn = if in_pairs { Drawn::InPairs } else { Drawn::Apart };
            let permuted = Mersenne61::new(length, seed, drawn, kept);
            let mut minima = Vec::new();
            permuted.start(&mut minima);
            permuted.lower(&hashes, &mut minima);
            for (at, &least) in minima[..length].iter().enumerate() {
                let group = &permuted.groups[at / LANES];
                let (a, b) = (group.high[at % LANES] << 32 | group.low[at % LANES], group.terms[at % LANES]);
                let plain = hashes.iter().map(|&hash| (hash.wrapping_mul(a).wrapping_add(b) % PRIME) & kept).min();
                prop_assert_eq!(least, plain.unwrap_or(kept));
            }
            let mut portable = Vec::new();
            permuted.start(&mut portable);
            permuted.lower_by(&hashes, &mut portable, product_of_halves);
            prop_assert_eq!(minima, portable);
        }
    }
}
