//! A Bloom filter: whether a key was seen before, in a fixed memory and with a stated share of wrong answers.
//!
//! A key sets bits in one block of 512, a line of the processor's cache (Putze, Sanders and Singler 2007,
//! "Cache-, Hash- and Space-Efficient Bloom Filters", sec. 3.1), so that a question costs one look into memory. No
//! key that was seen is ever new; a new one is taken for seen as often as is said. The answer about
//! a key depends on the keys before it and on nothing else: threads share a filter by its blocks.

use std::hint::black_box;
use std::ops::Range;

/// Words of 64 bits in a block.
const WORDS: usize = 8;
const BITS: f64 = (WORDS * 64) as f64;
/// The most bits that a key sets.
const MOST_HASHES: u32 = 24;
/// Rates that can be asked for: below, blocks of one line no longer do; above, there is no filter.
pub const RATES: std::ops::RangeInclusive<f64> = 1e-8..=0.5;

/// How large a filter is, and how many bits a key sets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    blocks: u64,
    hashes: u32,
    rate: f64,
    load: f64,
}

impl Shape {
    /// The smallest that holds so many different keys before more than `rate` of the new ones are taken for seen.
    pub fn of(keys: f64, rate: f64) -> Shape {
        let (load, hashes) = load(rate);
        Shape { blocks: (keys / load).ceil().max(1.0) as u64, hashes, rate, load }
    }

    /// The one of so many bytes that holds the most keys at that rate.
    pub fn within(bytes: u64, rate: f64) -> Shape {
        let (load, hashes) = load(rate);
        Shape { blocks: (bytes / (WORDS as u64 * 8)).max(1), hashes, rate, load }
    }

    /// The memory it takes.
    pub fn bytes(&self) -> u64 {
        self.blocks * WORDS as u64 * 8
    }

    /// The share of new keys that are taken for seen once it holds as many as it is made for.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// How many different keys it is made for.
    pub fn keys(&self) -> u64 {
        (self.blocks as f64 * self.load) as u64
    }

    fn block(&self, key: u64) -> u64 {
        ((u128::from(key) * u128::from(self.blocks)) >> 64) as u64
    }
}

/// How many keys a block may hold on average at a rate, and how many bits each of them then sets.
fn load(most: f64) -> (f64, u32) {
    let best = |load: f64| {
        let rates = (1..=MOST_HASHES).map(|hashes| (rate(load, hashes), hashes));
        rates.min_by(|a, b| a.0.total_cmp(&b.0)).expect("there are some")
    };
    let (mut low, mut high) = (0.01, BITS);
    for _ in 0..48 {
        let middle = (low + high) / 2.0;
        if best(middle).0 <= most { low = middle } else { high = middle }
    }
    (low, best(low).1)
}

/// The rate of wrong answers where blocks hold `load` keys on average, each of `hashes` bits: their number is
/// spread as Poisson says, and the bits they set as balls in bins.
fn rate(load: f64, hashes: u32) -> f64 {
    let wrong = |keys: f64| {
        let thrown = keys * f64::from(hashes) / BITS;
        let free = (-thrown).exp();
        let set = 1.0 - free;
        let variance = free * (1.0 - (1.0 + thrown) * free) / BITS;
        let k = f64::from(hashes);
        // The mean of a power is more than the power of the mean.
        set.powf(k) * (1.0 + k * (k - 1.0) / 2.0 * variance / (set * set))
    };
    if load > 600.0 {
        return wrong(load).min(1.0);
    }
    let mut share = (-load).exp();
    let mut sum = 0.0;
    for keys in 1..(load + 12.0 * load.sqrt() + 24.0) as u32 {
        share *= load / f64::from(keys);
        sum += share * wrong(f64::from(keys));
    }
    sum.min(1.0)
}

/// The filter.
pub struct Bloom {
    shape: Shape,
    words: Vec<u64>,
    /// Where the first line of the cache begins among the words.
    start: usize,
    different: u64,
}

/// Keys whose blocks are fetched at once, so that none waits for the one before it.
const TOGETHER: usize = 32;

impl Bloom {
    /// An empty one.
    pub fn new(shape: Shape) -> Bloom {
        let words = vec![0_u64; shape.blocks as usize * WORDS + WORDS];
        let start = words.as_ptr().align_offset(WORDS * 8).min(WORDS);
        Bloom { shape, words, start, different: 0 }
    }

    /// How many keys were new.
    pub fn different(&self) -> u64 {
        self.different
    }

    /// The share of new keys that would now be taken for seen, by the bits that are set.
    pub fn rate(&self) -> f64 {
        let mut blocks = [0_u64; WORDS * 64 + 1];
        let words = &self.words[self.start..][..self.shape.blocks as usize * WORDS];
        for block in words.chunks_exact(WORDS) {
            blocks[block.iter().map(|word| word.count_ones() as usize).sum::<usize>()] += 1;
        }
        let wrong = |set: usize| (set as f64 / BITS).powi(self.shape.hashes as i32);
        let sum: f64 = blocks.iter().enumerate().map(|(set, &blocks)| blocks as f64 * wrong(set)).sum();
        sum / self.shape.blocks as f64
    }

    /// Takes keys in, one after the other, and tells the places of those that were seen before, in order. Keys are
    /// hashes. Each thread has blocks of its own, and goes through all keys: the answer does not know of them.
    pub fn seen(&mut self, keys: &[u64], threads: usize) -> Vec<u32> {
        let shape = self.shape;
        let share = shape.blocks.div_ceil(threads.max(1) as u64);
        let words = &mut self.words[self.start..][..shape.blocks as usize * WORDS];
        let parts = words.chunks_mut(share as usize * WORDS).zip((0..).step_by(share as usize));
        let parts: Vec<(&mut [u64], u64)> = parts.collect();
        let mut found: Vec<u32> = match parts.len() {
            1 => parts.into_iter().flat_map(|(words, first)| part(shape, words, first, keys)).collect(),
            _ => std::thread::scope(|scope| {
                let work = |(words, first)| scope.spawn(move || part(shape, words, first, keys));
                let threads: Vec<_> = parts.into_iter().map(work).collect();
                threads.into_iter().flat_map(|thread| thread.join().expect("arithmetic does not panic")).collect()
            }),
        };
        found.sort_unstable();
        self.different += (keys.len() - found.len()) as u64;
        found
    }
}

/// Takes in the keys whose blocks are in `words`, of which the first is `first`.
fn part(shape: Shape, words: &mut [u64], first: u64, keys: &[u64]) -> Vec<u32> {
    let blocks: Range<u64> = first..first + (words.len() / WORDS) as u64;
    let mut found = Vec::new();
    let mut waiting = [(0_u32, 0_usize); TOGETHER];
    let mut waits = 0;
    let mut take = |waiting: &[(u32, usize)]| {
        black_box(waiting.iter().fold(0, |sum, &(_, at)| sum ^ words[at]));
        for &(place, at) in waiting {
            let block: &mut [u64; WORDS] = (&mut words[at..at + WORDS]).try_into().expect("a block");
            if insert(block, keys[place as usize], shape.hashes) {
                found.push(place);
            }
        }
    };
    for (place, &key) in keys.iter().enumerate() {
        let block = shape.block(key);
        if blocks.contains(&block) {
            waiting[waits] = (place as u32, (block - first) as usize * WORDS);
            waits += 1;
            if waits == TOGETHER {
                take(&waiting);
                waits = 0;
            }
        }
    }
    take(&waiting[..waits]);
    found
}

/// Sets the bits of a key in its block, and says whether all were set before.
fn insert(block: &mut [u64; WORDS], key: u64, hashes: u32) -> bool {
    let mut mask = [0; WORDS];
    let mut state = key;
    let mut left = hashes;
    while left > 0 {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = mix(state);
        for _ in 0..left.min(7) {
            mask[(drawn >> 6) as usize % WORDS] |= 1 << (drawn % 64);
            drawn >>= 9;
        }
        left -= left.min(7);
    }
    let mut missing = 0;
    for (word, mask) in block.iter_mut().zip(mask) {
        missing |= mask & !*word;
        *word |= mask;
    }
    missing == 0
}

/// The last steps of SplitMix64: every bit of the number depends on every bit of the key.
fn mix(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    /// One key after the other, one bit after the other.
    fn plain(shape: Shape, keys: &[u64]) -> Vec<u32> {
        let mut bits = HashSet::new();
        let mut found = Vec::new();
        for (place, &key) in keys.iter().enumerate() {
            let block = (u128::from(key) * u128::from(shape.blocks)) >> 64;
            let mut new = false;
            for number in 0..shape.hashes {
                let round = u64::from(number / 7) + 1;
                let drawn = mix(key.wrapping_add(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(round)));
                new |= bits.insert((block, drawn >> (9 * (number % 7)) & 511));
            }
            if !new {
                found.push(place as u32);
            }
        }
        found
    }

    fn random(count: u64, from: u64) -> Vec<u64> {
        (from..from + count).map(|number| mix(number.wrapping_mul(0x2545_f491_4f6c_dd1d))).collect()
    }

    proptest! {
        #[test]
        fn threads_and_batches_tell_what_one_key_after_the_other_tells(
            small in prop::collection::vec(0..300_u64, 0..500),
            expected in 1..400_u32, rate in 1e-8..0.5, threads in 1..5_usize, batch in 1..200_usize,
        ) {
            let keys: Vec<u64> = small.iter().map(|&key| mix(key + 1)).collect();
            let shape = Shape::of(f64::from(expected), rate);
            let mut bloom = Bloom::new(shape);
            let mut found = Vec::new();
            for (number, keys) in keys.chunks(batch).enumerate() {
                found.extend(bloom.seen(keys, threads).into_iter().map(|place| place + (number * batch) as u32));
            }
            prop_assert_eq!(&found, &plain(shape, &keys));
            prop_assert_eq!(bloom.different(), (keys.len() - found.len()) as u64);
            // No key that was seen is new.
            let mut seen = HashSet::new();
            for (place, key) in keys.iter().enumerate() {
                prop_assert!(seen.insert(key) || found.contains(&(place as u32)));
            }
        }
    }

    #[test]
    fn as_many_are_wrong_as_is_said() {
        for stated in [0.1, 1e-2, 1e-3, 1e-4] {
            let shape = Shape::of(200_000.0, stated);
            let mut bloom = Bloom::new(shape);
            let wrong = bloom.seen(&random(200_000, 0), 2).len() as f64 / 200_000.0;
            assert!(wrong < stated, "{wrong} on the way to {stated}");
            // Asked of a copy of the full filter, so that it does not become fuller.
            let asked = random(4_000_000, 1 << 40);
            let mut words = bloom.words.clone();
            let found = asked.iter().filter(|&&key| {
                let at = bloom.start + shape.block(key) as usize * WORDS;
                let before: [u64; WORDS] = words[at..at + WORDS].try_into().unwrap();
                let seen = insert((&mut words[at..at + WORDS]).try_into().unwrap(), key, shape.hashes);
                words[at..at + WORDS].copy_from_slice(&before);
                seen
            });
            let measured = found.count() as f64 / asked.len() as f64;
            let noise = 4.0 * (stated / asked.len() as f64).sqrt();
            assert!((measured - stated).abs() < stated * 0.03 + noise, "{measured} where {stated} is stated");
            assert!((bloom.rate() / stated - 1.0).abs() < 0.06, "{} is told", bloom.rate());
        }
    }

    #[test]
    fn more_keys_than_expected_raise_the_rate_that_is_told() {
        let shape = Shape::of(50_000.0, 1e-3);
        let mut bloom = Bloom::new(shape);
        bloom.seen(&random(200_000, 0), 1);
        let before = bloom.rate();
        let asked = random(20_000, 1 << 40);
        let measured = bloom.seen(&asked, 1).len() as f64 / asked.len() as f64;
        let after = bloom.rate();
        assert!(before * 0.97 < measured && measured < after * 1.03, "{measured} where {before} to {after} is told");
        assert!(before > 0.1);
    }

    #[test]
    fn memory_follows_from_keys_and_keys_from_memory() {
        let bytes = |rate| Shape::of(1e9, rate).bytes() as f64 / 1e9;
        let sizes = [1e-2, 1e-4, 1e-6].map(bytes);
        // The least that any filter takes is 1.44 bits for each halving of the rate: 1.20, 2.40, 3.59 bytes a key.
        assert!(sizes[0] < 1.3 && sizes[1] < 2.9 && sizes[2] < 5.2, "{sizes:?}");
        let shape = Shape::within(1 << 30, 1e-4);
        assert_eq!(shape.bytes(), 1 << 30);
        let keys = shape.keys();
        let told = |keys: u64| rate(keys as f64 / shape.blocks as f64, shape.hashes);
        assert!(told(keys) <= 1e-4 && told(keys * 101 / 100) > 1e-4);
        assert_eq!(rate(1e9, 8), 1.0);
        assert_eq!(Shape::of(0.0, 1e-4).blocks, 1);
    }
}
