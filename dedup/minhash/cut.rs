//! The shingles of a text in little room: of each hash only so many bits as tell it from those of another text.
//!
//! Of n shingles each keeps the bits of log2 n and [`MORE`] others, at least [`LEAST`]; they are sorted, and the steps
//! from one to the next written in Rice's code (Rice and Plaunt, IEEE Transactions on Communications 19(6), 1971, in
//! the form without a choice of options): about a bit and a half beyond what a hash has more than log2 n. Of 1,000
//! shingles each takes 11.6 bits.
//!
//! Two shingles of one text that share their bits stay two, so cutting errs in one way only: a shingle that one text
//! alone has is taken for one that the other alone has. Of A and B that happens to `|A \ B| |B \ A| / 2^bits` pairs on
//! average, which adds `2^-MORE (1 - j)^2 / 2` to a Jaccard index of `j`, 0.00002 at 0.8 and 0.00012 at 0.5, and not twice
//! as much where one text is longer than the other. A sum of all whole hashes goes along, so that sets that differ are never
//! taken for the same, however many are compared.

use super::to_set;
use crate::varint;

/// Bits of a hash beyond those that number the shingles of its text.
const MORE: u32 = 10;
/// Bits of a hash at least.
const LEAST: u32 = 20;
/// Shingles of a text that are kept: of more, those with the smallest hashes.
const MOST: usize = 1 << 16;

/// The shingles of a text, cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutShingles {
    /// Bits of a hash.
    bits: u32,
    /// Sorted; equal ones are different shingles.
    hashes: Vec<u32>,
    /// Of all hashes before they were cut.
    sum: u64,
}

/// Bits that number so many shingles.
fn number_bits(shingles: usize) -> u32 {
    shingles.next_power_of_two().trailing_zeros()
}

fn bits(shingles: usize) -> u32 {
    (number_bits(shingles) + MORE).clamp(LEAST, u32::BITS)
}

/// A hash whose upper bits are as good as any, whatever hash it is made of.
fn spread(hash: u64) -> u64 {
    // The finalizer of MurmurHash3.
    let hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

impl CutShingles {
    /// Those of a text, from the hashes of its shingles in any order; the list is left a set.
    pub fn new(shingles: &mut Vec<u64>) -> CutShingles {
        to_set(shingles);
        shingles.truncate(MOST);
        let bits = bits(shingles.len());
        let mut sum = 0_u64;
        let cut = |&hash: &u64| {
            let hash = spread(hash);
            sum = sum.wrapping_add(hash);
            (hash >> (u64::BITS - bits)) as u32
        };
        let mut hashes: Vec<u32> = shingles.iter().map(cut).collect();
        hashes.sort_unstable();
        CutShingles { bits, hashes, sum }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Appends 16 bits of each, sorted, those that several share once: what one set has and another has not of these, it
    /// has not of shingles either.
    pub fn features(&self, out: &mut Vec<u16>) {
        let start = out.len();
        out.extend(self.hashes.iter().map(|hash| (hash >> (self.bits - u16::BITS)) as u16));
        let mut kept = start;
        for at in start..out.len() {
            if at == start || out[at] != out[kept - 1] {
                out[kept] = out[at];
                kept += 1;
            }
        }
        out.truncate(kept);
    }

    /// Whether the Jaccard index of the two sets reaches a threshold above 0. Most pairs that do not are told from the
    /// beginning of the sets.
    pub fn reaches(&self, other: &CutShingles, threshold: f64) -> bool {
        // Where one set has fewer bits, those of the other are cut to as many, which leaves them in order.
        let bits = self.bits.min(other.bits);
        let (a, b) = (&self.hashes, &other.hashes);
        let (cut_a, cut_b) = (self.bits - bits, other.bits - bits);
        let index = |common: usize| common as f64 / (a.len() + b.len() - common).max(1) as f64;
        let most = |common: usize, at_a: usize, at_b: usize| common + (a.len() - at_a).min(b.len() - at_b);
        let (mut at_a, mut at_b, mut common) = (0, 0, 0_usize);
        // More in common is never a lower index.
        while index(most(common, at_a, at_b)) >= threshold {
            if at_a == a.len() || at_b == b.len() {
                let same = common == a.len() && common == b.len();
                return !same || self.sum == other.sum || index(common.saturating_sub(1)) >= threshold;
            }
            for _ in 0..16 {
                let (Some(next_a), Some(next_b)) = (a.get(at_a), b.get(at_b)) else { break };
                let (next_a, next_b) = (next_a >> cut_a, next_b >> cut_b);
                common += usize::from(next_a == next_b);
                at_a += usize::from(next_a <= next_b);
                at_b += usize::from(next_b <= next_a);
            }
        }
        false
    }

    /// Appends them as bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        varint::put(self.len() as u64, out);
        out.extend_from_slice(&self.sum.to_le_bytes());
        let rest = self.bits - number_bits(self.len());
        let (mut word, mut filled, mut last) = (0_u64, 0, 0);
        for &hash in &self.hashes {
            let step = hash - last;
            last = hash;
            let mut zeros = step >> rest;
            while zeros + filled >= u64::BITS {
                out.extend_from_slice(&word.to_le_bytes());
                (word, zeros, filled) = (0, zeros - (u64::BITS - filled), 0);
            }
            filled += zeros;
            // A one that ends the zeros, and the remainder above it.
            let code = 1 | u64::from(step & ((1 << rest) - 1)) << 1;
            word |= code << filled;
            filled += 1 + rest;
            if filled >= u64::BITS {
                out.extend_from_slice(&word.to_le_bytes());
                filled -= u64::BITS;
                word = code >> (1 + rest - filled);
            }
        }
        out.extend_from_slice(&word.to_le_bytes()[..filled.div_ceil(8) as usize]);
    }

    /// Those that [`write`](CutShingles::write) left, and nothing behind them; `None` where the bytes are others.
    pub fn read(mut bytes: &[u8]) -> Option<CutShingles> {
        let shingles = usize::try_from(varint::take(&mut bytes)?).ok().filter(|&shingles| shingles <= MOST)?;
        let (sum, bytes) = bytes.split_first_chunk()?;
        let sum = u64::from_le_bytes(*sum);
        let bits = bits(shingles);
        let rest = bits - number_bits(shingles);
        let end = bytes.len() as u64 * 8;
        let (mut at, mut last) = (0, 0_u64);
        // Each takes a bit at least, so that no number makes room that the bytes do not bear out.
        let mut hashes = Vec::with_capacity(shingles.min(end as usize));
        for _ in 0..shingles {
            let mut zeros = 0;
            loop {
                let window = window(bytes, at);
                if window != 0 {
                    let some = u64::from(window.trailing_zeros());
                    (zeros, at) = (zeros + some, at + some + 1);
                    break;
                }
                (zeros, at) = (zeros + WINDOW, at + WINDOW);
                if at > end {
                    return None;
                }
            }
            last += zeros << rest | window(bytes, at) & ((1 << rest) - 1);
            at += u64::from(rest);
            if last >> bits != 0 || at > end {
                return None;
            }
            hashes.push(last as u32);
        }
        let is_end = end - at < 8 && window(bytes, at) == 0;
        is_end.then_some(CutShingles { bits, hashes, sum })
    }
}

/// Bits that a window has at least.
const WINDOW: u64 = 57;

/// The bits from a place on, the lowest first; zeros behind the end.
fn window(bytes: &[u8], at: u64) -> u64 {
    let rest = bytes.get((at / 8) as usize..).unwrap_or_default();
    let word = match rest.first_chunk() {
        Some(word) => *word,
        None => {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            word
        }
    };
    u64::from_le_bytes(word) >> (at % 8) & ((1 << WINDOW) - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::jaccard;
    use super::*;

    fn written(cut: &CutShingles) -> Vec<u8> {
        let mut out = Vec::new();
        cut.write(&mut out);
        out
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_nothing_else(
            mut shingles in prop::collection::vec(any::<u64>(), 0..600),
            behind in any::<u8>(),
        ) {
            let cut = CutShingles::new(&mut shingles);
            let mut bytes = written(&cut);
            prop_assert_eq!(CutShingles::read(&bytes), Some(cut));
            bytes.push(behind);
            prop_assert_eq!(CutShingles::read(&bytes), None);
            prop_assert_eq!(CutShingles::read(&bytes[..bytes.len() - 2]), None);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..90)) {
            if let Some(cut) = CutShingles::read(&bytes) {
                prop_assert_eq!(CutShingles::read(&written(&cut)), Some(cut));
            }
        }

        #[test]
        fn a_threshold_is_reached_where_the_index_reaches_it(
            one in prop::collection::btree_set(0..90_u64, 0..80),
            other in prop::collection::btree_set(0..90_u64, 0..80),
            threshold in prop_oneof![Just(1.0), Just(0.5), 0.001..1.0_f64],
        ) {
            let (mut one, mut other): (Vec<u64>, Vec<u64>) = (one.into_iter().collect(), other.into_iter().collect());
            let cut = [&mut one, &mut other].map(CutShingles::new);
            for threshold in [threshold, jaccard(&one, &other).max(f64::MIN_POSITIVE)] {
                prop_assert_eq!(cut[0].reaches(&cut[1], threshold), jaccard(&one, &other) >= threshold);
            }
        }
    }

    /// Texts of different lengths, hence of different bits, and at the limit.
    #[test]
    fn an_index_is_too_high_by_less_than_is_said_and_never_too_low() {
        let shingle = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for (length, shared, pairs) in [(200, 160, 400), (1_000, 800, 200), (3_000, 1_500, 80), (60_000, 30_000, 4)] {
            let mut above = 0.0;
            let mut exact = 0.0;
            for pair in 0..pairs {
                let numbers = |skip: u64, count: u64| (0..count).map(move |at| pair << 32 | (skip + at));
                let mut one: Vec<u64> = numbers(0, length).map(shingle).collect();
                let mut other: Vec<u64> = numbers(length - shared, length + length / 16).map(shingle).collect();
                let (a, b) = (CutShingles::new(&mut one), CutShingles::new(&mut other));
                exact = jaccard(&one, &other);
                assert!(a.reaches(&b, exact), "never too low");
                // One shingle more in common at a time.
                let either = (one.len() + other.len()) as f64;
                let common = (exact * either / (1.0 + exact)).round();
                let more = (1..).take_while(|&more| {
                    let common = common + f64::from(more);
                    a.reaches(&b, common / (either - common))
                });
                let common = common + more.count() as f64;
                above += (common / (either - common) - exact) / pairs as f64;
            }
            let said = (1.0 - exact).powi(2) / f64::from(1 << MORE);
            assert!(above <= said, "{length}: {above} above {exact}, {said} said");
        }
    }

    #[test]
    fn sets_that_differ_are_never_the_same() {
        // 3,000 sets, each with one shingle of its own: of their 4.5 million pairs some four share the bits of all.
        let sets: Vec<CutShingles> =
            (0..3000).map(|own| CutShingles::new(&mut (0..4).chain([1000 + own]).collect())).collect();
        let mut meet = 0;
        for (number, one) in sets.iter().enumerate() {
            for other in &sets[..number] {
                meet += usize::from(one.hashes == other.hashes);
                assert!(!one.reaches(other, 1.0));
                assert!(one.reaches(other, 4.0 / 6.0));
            }
            assert!(one.reaches(one, 1.0));
        }
        assert!((1..12).contains(&meet), "{meet}");
    }

    #[test]
    fn a_shingle_takes_a_bit_and_a_half_more_than_is_told_apart_by() {
        let bytes =
            |shingles: u64| written(&CutShingles::new(&mut (0..shingles).map(|number| number << 20).collect())).len();
        assert!((1400..1510).contains(&bytes(1000)), "{}", bytes(1000));
        assert_eq!((bytes(0), bytes(1)), (9, 12));
        assert!((94_000..96_000).contains(&bytes(70_000)), "{}", bytes(70_000));
    }
}
