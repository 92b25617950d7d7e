//! Millions of texts in eight bytes each: a sorted list of their hashes.
//!
//! Two texts with one hash of 64 bits would be taken for each other. With five million entries that
//! befalls a look-up once in 3.7e12: of ten billion documents with three look-ups each, one is judged
//! wrongly with a chance of 1 %.

/// A set of hashes, in nine bytes for each.
#[derive(Default)]
pub struct Hashes {
    sorted: Vec<u64>,
    /// Where the hashes of each bucket begin, by their upper bits, and where the last one ends.
    starts: Vec<u32>,
    /// How far a hash is moved to leave those bits alone.
    shift: u32,
}

/// A bucket holds four to eight hashes: a cache line, to be read in turn.
const BUCKET_BITS: u32 = 2;

impl Hashes {
    /// Takes hashes in any order.
    ///
    /// # Panics
    ///
    /// If there are more than four billion of them.
    pub fn new(mut hashes: Vec<u64>) -> Hashes {
        hashes.sort_unstable();
        hashes.dedup();
        hashes.shrink_to_fit();
        let count = u32::try_from(hashes.len()).expect("no more than four billion entries");
        if count == 0 {
            return Hashes::default();
        }
        let bits = count.ilog2().saturating_sub(BUCKET_BITS).max(1);
        let shift = u64::BITS - bits;
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        let mut at = 0;
        for bucket in 0..1_u64 << bits {
            while at < hashes.len() && hashes[at] >> shift < bucket {
                at += 1;
            }
            starts.push(at as u32);
        }
        starts.push(count);
        Hashes { sorted: hashes, starts, shift }
    }

    /// Whether a hash is among them.
    pub fn contains(&self, hash: u64) -> bool {
        if self.sorted.is_empty() {
            return false;
        }
        let bucket = (hash >> self.shift) as usize;
        let (start, end) = (self.starts[bucket] as usize, self.starts[bucket + 1] as usize);
        // Hashes spread evenly; where a bucket is large all the same, halving keeps it quick.
        let hashes = &self.sorted[start..end];
        if hashes.len() <= 16 { hashes.contains(&hash) } else { hashes.binary_search(&hash).is_ok() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(hashes in prop::collection::vec(prop_oneof![any::<u64>(), 0..9_u64, Just(u64::MAX)], 0..300), others: Vec<u64>) {
            let plain: BTreeSet<u64> = hashes.iter().copied().collect();
            let set = Hashes::new(hashes);
            prop_assert_eq!(set.len(), plain.len());
            for hash in plain.iter().chain(&others).copied().chain(0..10).chain([u64::MAX, u64::MAX - 1]) {
                prop_assert_eq!(set.contains(hash), plain.contains(&hash));
            }
        }
    }

    #[test]
    fn hashes_of_one_bucket_are_found() {
        let set = Hashes::new((0..10_000).collect());
        assert!((0..10_000).all(|hash| set.contains(hash)) && !set.contains(10_000));
    }
}
