//! Runs of words (n-grams), each hashed and measured in constant time.

use xxhash_rust::xxh3::xxh3_64;

use super::Buffer;

/// Sums over the words from the start of a text: of their hashes, as a polynomial, and of their
/// lengths. A run's hash and length are differences of two.
#[derive(Debug, Clone)]
pub struct Runs {
    hashes: Vec<u64>,
    chars: Vec<u32>,
}

/// Odd, so that no information is lost; otherwise arbitrary.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// Powers of the base, for the lengths that filters ask for.
const POWERS: [u64; 16] = {
    let mut powers = [1_u64; 16];
    let mut n = 1;
    while n < powers.len() {
        powers[n] = powers[n - 1].wrapping_mul(BASE);
        n += 1;
    }
    powers
};

/// Words for which there is room from one document to the next, whatever it needs: 12 MiB.
const KEPT_WORDS: usize = 1 << 20;

impl Default for Runs {
    fn default() -> Runs {
        Runs { hashes: vec![0], chars: vec![0] }
    }
}

impl Buffer for Runs {
    fn clear(&mut self) {
        self.hashes.truncate(1);
        self.hashes.shrink_to(KEPT_WORDS);
        self.chars.truncate(1);
        self.chars.shrink_to(KEPT_WORDS);
    }
}

impl<'a> FromIterator<&'a str> for Runs {
    fn from_iter<I: IntoIterator<Item = &'a str>>(words: I) -> Runs {
        let mut runs = Runs::default();
        runs.read(words.into_iter());
        runs
    }
}

impl Runs {
    /// Takes the words of another text; the room that the last one took is used again.
    pub fn refill<'a>(&mut self, words: impl Iterator<Item = &'a str>) {
        self.clear();
        self.read(words);
    }

    pub(super) fn read<'a>(&mut self, words: impl Iterator<Item = &'a str>) {
        self.hashes.reserve(words.size_hint().0);
        self.chars.reserve(words.size_hint().0);
        let (mut hash, mut chars) = (0_u64, 0_u32);
        for word in words {
            hash = hash.wrapping_mul(BASE).wrapping_add(xxh3_64(word.as_bytes()));
            chars += if word.is_ascii() { word.len() } else { word.chars().count() } as u32;
            self.hashes.push(hash);
            self.chars.push(chars);
        }
    }

    /// How many words there are.
    pub fn words(&self) -> usize {
        self.hashes.len() - 1
    }

    /// How many runs of `n` words there are.
    pub fn count(&self, n: usize) -> usize {
        (self.words() + 1).saturating_sub(n)
    }

    /// Characters of the run of `n` words from word `start` on, without what stands between them.
    pub fn chars(&self, start: usize, n: usize) -> usize {
        (self.chars[start + n] - self.chars[start]) as usize
    }

    /// A hash of that run. It knows words: `a b` and `ab` are two.
    pub fn hash(&self, start: usize, n: usize) -> u64 {
        let power = POWERS.get(n).copied().unwrap_or_else(|| BASE.wrapping_pow(n as u32));
        self.hashes[start + n].wrapping_sub(self.hashes[start].wrapping_mul(power))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_runs_hash_alike_wherever_they_stand() {
        let runs: Runs = ["a", "字字", "b", "a", "字字", "ab"].into_iter().collect();
        assert_eq!((runs.words(), runs.count(2), runs.count(7)), (6, 5, 0));
        assert_eq!(runs.hash(0, 2), runs.hash(3, 2));
        assert_ne!(runs.hash(0, 2), runs.hash(2, 2));
        assert_eq!((runs.chars(0, 2), runs.chars(3, 3)), (3, 5));
    }
}
