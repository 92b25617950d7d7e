//! Signatures and sets compared, and the arithmetic of bands.

use xxhash_rust::xxh3::xxh3_128_with_seed;

/// Share of minima that two signatures have in common: what their texts' Jaccard index is estimated as.
pub fn estimated<T: PartialEq>(a: &[T], b: &[T]) -> f64 {
    let equal = a.iter().zip(b).filter(|(a, b)| a == b).count();
    equal as f64 / a.len().max(b.len()).max(1) as f64
}

/// Makes a list a set: sorted and without duplicates.
pub fn to_set<T: Ord>(list: &mut Vec<T>) {
    list.sort_unstable();
    list.dedup();
}

/// Jaccard index of two sets, each sorted and without duplicates. Two empty sets have nothing in common.
pub fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let (mut at_a, mut at_b, mut common) = (0, 0, 0_usize);
    while at_a < a.len() && at_b < b.len() {
        let (next_a, next_b) = (a[at_a], b[at_b]);
        common += usize::from(next_a == next_b);
        at_a += usize::from(next_a <= next_b);
        at_b += usize::from(next_b <= next_a);
    }
    let either = a.len() + b.len() - common;
    common as f64 / either.max(1) as f64
}

/// Probability that texts with a Jaccard index of `jaccard` agree in some band: `1 - (1 - j^rows)^bands`.
pub fn probability(bands: usize, rows: usize, jaccard: f64) -> f64 {
    1.0 - (1.0 - jaccard.powf(rows as f64)).powf(bands as f64)
}

/// Bands and rows, of at most `permutations` minima, that best tell texts above the threshold from those
/// below: the least sum of the mean probability below it and the mean probability above it of not being
/// candidates, weighted alike. This is how datasketch, text-dedup and Data-Juicer choose; of equals the
/// first, by bands and then rows.
pub fn bands_for(threshold: f64, permutations: usize) -> (usize, usize) {
    let mut best = (f64::INFINITY, (1, 1));
    for bands in 1..=permutations {
        for rows in 1..=permutations / bands {
            let false_positives = integral(0.0, threshold, |j| probability(bands, rows, j));
            let false_negatives = integral(threshold, 1.0, |j| 1.0 - probability(bands, rows, j));
            let error = 0.5 * false_positives + 0.5 * false_negatives;
            if error < best.0 {
                best = (error, (bands, rows));
            }
        }
    }
    best.1
}

/// Simpson's rule. The curves are smooth, and bands are chosen the same with a tenth of the steps.
fn integral(from: f64, to: f64, f: impl Fn(f64) -> f64) -> f64 {
    const STEPS: usize = 200;
    let step = (to - from) / STEPS as f64;
    let mut sum = f(from) + f(to);
    for i in 1..STEPS {
        sum += f(from + i as f64 * step) * if i % 2 == 1 { 4.0 } else { 2.0 };
    }
    sum * step / 3.0
}

/// A 128-bit hash of each band's number and rows.
pub(super) fn keys(signature: &[u64], rows: usize, mut each: impl FnMut(usize, u128)) {
    let mut bytes = Vec::with_capacity(rows * 8);
    for (band, minima) in signature.chunks_exact(rows).enumerate() {
        bytes.clear();
        bytes.extend(minima.iter().flat_map(|least| least.to_le_bytes()));
        each(band, xxh3_128_with_seed(&bytes, band as u64));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_minima_are_counted() {
        assert_eq!(estimated(&[1, 2, 3, 4], &[1, 5, 3, 4]), 0.75);
        assert_eq!(estimated::<u64>(&[], &[]), 0.0);
        assert_eq!(estimated(&[], &[1]), 0.0);
    }

    #[test]
    fn nothing_has_nothing_in_common() {
        assert_eq!(jaccard(&[], &[]), 0.0);
        assert_eq!(jaccard(&[1], &[]), 0.0);
        assert_eq!(jaccard(&[1, 2, 3], &[2, 3, 4]), 0.5);
    }

    #[test]
    fn probabilities_are_those_of_the_papers() {
        // FineWeb (arXiv:2406.17557, appendix): 14 bands of 8 find 92.4 % at .8.
        assert!((probability(14, 8, 0.8) - 0.924).abs() < 5e-4);
        assert!((probability(14, 8, 0.7) - 0.565).abs() < 5e-4);
        assert_eq!(probability(14, 8, 1.0), 1.0);
        assert_eq!(probability(14, 8, 0.0), 0.0);
    }

    /// What `datasketch.lsh._optimal_param(threshold, permutations, .5, .5)` answers (datasketch 2.0.0).
    const BANDS_OF_DATASKETCH: [(f64, usize, usize, usize); 14] = [
        (0.5, 112, 22, 5),
        (0.6, 112, 16, 7),
        (0.7, 112, 12, 9),
        (0.8, 112, 9, 12),
        (0.5, 128, 25, 5),
        (0.6, 128, 18, 7),
        (0.7, 128, 14, 9),
        (0.8, 128, 9, 13),
        (0.9, 128, 5, 25),
        (0.95, 128, 3, 42),
        (0.7, 240, 24, 10),
        (0.85, 240, 12, 20),
        (0.7, 256, 25, 10),
        (0.8, 256, 17, 15),
    ];

    #[test]
    fn bands_are_those_of_datasketch() {
        for (threshold, permutations, bands, rows) in BANDS_OF_DATASKETCH {
            assert_eq!(bands_for(threshold, permutations), (bands, rows), "{threshold} {permutations}");
        }
    }

    #[test]
    fn a_key_depends_on_the_band_and_on_each_row() {
        let of = |signature: &[u64]| {
            let mut found = Vec::new();
            keys(signature, 2, |band, key| found.push((band, key)));
            found
        };
        let all = of(&[1, 2, 1, 2, 2, 1]);
        assert_eq!(all.iter().map(|(band, _)| *band).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(all.iter().map(|(_, key)| *key).collect::<BTreeSet<_>>().len(), 3);
        assert_eq!(of(&[1, 2, 7, 7, 2, 1])[2], all[2]);
        assert_ne!(of(&[1, 3])[0], all[0]);
    }

    proptest! {
        #[test]
        fn jaccard_is_that_of_sets(a in prop::collection::btree_set(0..20_u64, 0..20), b in prop::collection::btree_set(0..20_u64, 0..20)) {
            let plain = a.intersection(&b).count() as f64 / a.union(&b).count().max(1) as f64;
            let (a, b): (Vec<u64>, Vec<u64>) = (a.into_iter().collect(), b.into_iter().collect());
            prop_assert_eq!(jaccard(&a, &b), plain);
        }
    }
}
