//! Which of many sets may be like another one, told without a comparison with each.
//!
//! Sets that hang together have most of their elements from a text they all were made from, and those say nothing about
//! which pairs are alike. What tells them apart is where each differs from what most have. Two sets differ in
//! as many elements as their differences do, `|A ^ B| = |(A ^ C) ^ (B ^ C)|` for any C, so sets are listed under the
//! elements in which they differ from C alone, and a walk over short lists counts what a set has in common with all.
//!
//! Elements are 16 bits of what is compared, so that lists are found by number: those that meet by chance let a pair seem
//! more alike than it is. All that are alike are named, and some that are not.

/// How many different elements there can be.
const FEATURES: usize = 1 << 16;

/// Sets of features, each with the number of things that its features were made from.
#[derive(Debug)]
pub struct Differences {
    /// The largest difference of two sets that are alike, as a share of their sizes together.
    most: f64,
    /// The features that most sets have, in order.
    common: Vec<u16>,
    /// By feature: the sets that have it though few have, or have it not though most have.
    lists: Vec<Vec<u16>>,
    /// By set: its difference from what is common, less the share of a largest difference that falls to its size.
    above: Vec<f32>,
    /// By set: how many features it shares the difference in with the set that is looked for.
    shared: Vec<u32>,
}

impl Differences {
    /// Sets that can be added: they are numbered in 16 bits.
    pub const MOST: usize = 1 << 16;

    /// None yet, where sets are alike that differ in at most a share of their sizes together, and `sample` are such as will
    /// be added.
    pub fn new<'a>(most: f64, sample: impl Iterator<Item = &'a [u16]>) -> Differences {
        let (mut counts, mut sets) = (vec![0_u32; FEATURES], 0);
        for features in sample {
            features.iter().for_each(|&feature| counts[usize::from(feature)] += 1);
            sets += 1;
        }
        let common = (0..=u16::MAX).filter(|&feature| 2 * counts[usize::from(feature)] > sets).collect();
        Differences { most, common, lists: vec![Vec::new(); FEATURES], above: Vec::new(), shared: Vec::new() }
    }

    /// Adds a set, its features sorted and each once, which stand for `size` things.
    ///
    /// # Panics
    /// Beyond [`Differences::MOST`] sets.
    pub fn add(&mut self, features: &[u16], size: usize) {
        let number = u16::try_from(self.above.len()).expect("no more sets are added than can be");
        let Differences { common, lists, .. } = self;
        let mut difference = 0;
        differing(common, features, |feature| {
            lists[usize::from(feature)].push(number);
            difference += 1;
        });
        self.above.push(self.above(difference, size));
        self.shared.push(0);
    }

    fn above(&self, difference: usize, size: usize) -> f32 {
        (difference as f64 - self.most * size as f64) as f32
    }

    /// Replaces `found` by the numbers of all sets that are alike with one of these features, in order, and of a few
    /// others: of the first to be added 0.
    pub fn alike(&mut self, features: &[u16], size: usize, found: &mut Vec<usize>) {
        found.clear();
        let Differences { common, lists, shared, .. } = self;
        shared.fill(0);
        let mut difference = 0;
        differing(common, features, |feature| {
            lists[usize::from(feature)].iter().for_each(|&number| shared[usize::from(number)] += 1);
            difference += 1;
        });
        // A difference is a whole number, so that half of one is room for what `f32` rounds.
        let below = 0.5 - self.above(difference, size);
        let sets = self.above.iter().zip(&self.shared).enumerate();
        found.extend(
            sets.filter(|(_, (above, shared))| *above - 2.0 * **shared as f32 <= below).map(|(number, _)| number),
        );
    }
}

/// Calls `each` with the features that are in one of two sorted lists alone.
fn differing(one: &[u16], other: &[u16], mut each: impl FnMut(u16)) {
    let (mut at_one, mut at_other) = (0, 0);
    while let (Some(&next_one), Some(&next_other)) = (one.get(at_one), other.get(at_other)) {
        if next_one != next_other {
            each(next_one.min(next_other));
        }
        at_one += usize::from(next_one <= next_other);
        at_other += usize::from(next_other <= next_one);
    }
    one[at_one..].iter().chain(&other[at_other..]).for_each(|&feature| each(feature));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_sets_that_differ_in_few_features_are_found_and_no_others(
            sets in prop::collection::vec(prop::collection::btree_set(0..20_u16, 0..12), 1..40),
            most in 0.0..1.0_f64,
            sample in 0..40_usize,
        ) {
            let sets: Vec<Vec<u16>> = sets.into_iter().map(|set| set.into_iter().map(|feature| feature * 3000).collect()).collect();
            let mut differences = Differences::new(most, sets.iter().take(sample).map(|set| &set[..]));
            let mut found = Vec::new();
            for (number, set) in sets.iter().enumerate() {
                differences.alike(set, set.len(), &mut found);
                let difference = |other: &Vec<u16>| {
                    let (one, other): (BTreeSet<_>, BTreeSet<_>) = (set.iter().collect(), other.iter().collect());
                    one.symmetric_difference(&other).count() as f64
                };
                let alike = |other: usize, room: f64| difference(&sets[other]) <= most * (set.len() + sets[other].len()) as f64 + room;
                prop_assert!((0..number).filter(|&other| alike(other, 0.0)).all(|other| found.contains(&other)));
                prop_assert!(found.iter().all(|&other| alike(other, 0.51)));
                prop_assert!(found.is_sorted());
                differences.add(set, set.len());
            }
        }
    }
}
