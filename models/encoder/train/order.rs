//! In which order texts are learned.

use std::ops::Range;

use crate::encoder::chance::Random;

/// Batches whose texts are sorted by length together, so that a batch has texts of like length and little padding.
const TOGETHER: usize = 32;

/// The batches of an epoch: places of texts, the longest of a batch first. A matter of the seed, the epoch and the
/// lengths alone.
pub fn batches(lengths: &[usize], batch: usize, seed: u64, epoch: usize) -> Vec<Vec<usize>> {
    let mut random = Random::new(seed, &format!("epoch {epoch}"));
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    shuffle(&mut order, &mut random);
    let mut batches = Vec::new();
    for some in order.chunks_mut(TOGETHER * batch) {
        some.sort_by_key(|&at| std::cmp::Reverse(lengths[at]));
        batches.extend(some.chunks(batch).map(<[usize]>::to_vec));
    }
    shuffle(&mut batches, &mut random);
    batches
}

fn shuffle<T>(items: &mut [T], random: &mut Random) {
    for at in (1..items.len()).rev() {
        items.swap(at, random.below(at + 1));
    }
}

/// Cuts a batch, the longest text first, into parts of at most `most` when each text costs what the longest of its part
/// does; or of one text. Parts are learned from side by side, and what lies between the layers is held for one of them.
pub fn parts(lengths: &[usize], cost: impl Fn(usize) -> usize, most: usize) -> Vec<Range<usize>> {
    let (mut parts, mut first) = (Vec::new(), 0);
    for at in 0..lengths.len() {
        if at > first && (at + 1 - first) * cost(lengths[first]) > most {
            parts.push(first..at);
            first = at;
        }
    }
    if first < lengths.len() {
        parts.push(first..lengths.len());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_in_one_batch_of_an_epoch_and_epochs_differ() {
        let lengths: Vec<usize> = (0..1000).map(|at| 3 + at * 7919 % 500).collect();
        let epoch = |seed, epoch| batches(&lengths, 16, seed, epoch);
        let mut all = epoch(1, 0).concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..1000));
        assert_eq!(epoch(1, 0), epoch(1, 0));
        assert_ne!(epoch(1, 0), epoch(1, 1));
        assert_ne!(epoch(1, 0), epoch(2, 0));
        let (mut useful, mut padded) = (0, 0);
        for batch in epoch(1, 0) {
            assert!(batch.is_sorted_by_key(|&at| std::cmp::Reverse(lengths[at])));
            useful += batch.iter().map(|&at| lengths[at]).sum::<usize>();
            padded += batch.len() * lengths[batch[0]];
        }
        assert!(padded - useful < padded / 10, "{useful} of {padded}");
    }

    #[test]
    fn parts_keep_within_their_bound_and_a_long_text_is_one() {
        let cost = |length: usize| length * length;
        assert_eq!(parts(&[10, 4, 4, 4, 1], cost, 40), [0..1, 1..3, 3..5]);
        assert_eq!(parts(&[3], cost, 1), std::slice::from_ref(&(0..1)));
        assert!(parts(&[], cost, 1).is_empty());
    }
}
