//! Runs of words (n-grams), each hashed and measured in constant time.

use xxhash_rust::xxh3::xxh3_64;

use super::letters::{HIGHS, eight, first};
use super::{Buffer, Span};

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

    /// As [`refill`](Runs::refill), of words by where they stand in a text, and with lengths in bytes
    /// wherever characters are spoken of.
    pub(crate) fn refill_bytes(&mut self, text: &str, words: impl Iterator<Item = (u32, u32)>) {
        self.clear();
        for (start, end) in words {
            let (start, end) = (start as usize, end as usize);
            self.put(look(text.as_bytes(), start, end).0, end - start);
        }
    }

    pub(super) fn read<'a>(&mut self, words: impl Iterator<Item = &'a str>) {
        self.reserve(words.size_hint().0);
        for word in words {
            self.push(word, 0, word.len());
        }
    }

    /// Takes words by where they stand in a text.
    pub(super) fn read_spans(&mut self, text: &str, words: &[Span]) {
        self.reserve(words.len());
        for &(start, end) in words {
            self.push(text, start as usize, end as usize);
        }
    }

    fn reserve(&mut self, words: usize) {
        self.hashes.reserve(words);
        self.chars.reserve(words);
    }

    #[inline(always)]
    fn push(&mut self, text: &str, start: usize, end: usize) {
        let (hash, ascii) = look(text.as_bytes(), start, end);
        let chars = if ascii { end - start } else { text[start..end].chars().count() };
        self.put(hash, chars);
    }

    #[inline(always)]
    fn put(&mut self, hash: u64, chars: usize) {
        let (hashes, sums) = (self.hashes[self.hashes.len() - 1], self.chars[self.chars.len() - 1]);
        self.hashes.push(hashes.wrapping_mul(BASE).wrapping_add(hash));
        self.chars.push(sums + chars as u32);
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

/// A hash of a word, and whether it is ASCII. Words of up to 16 bytes, which most are, take two reads and
/// one multiplication, wherever they stand.
#[inline(always)]
fn look(text: &[u8], start: usize, end: usize) -> (u64, bool) {
    let length = end - start;
    let (head, tail) = match length {
        0..=8 => (first(eight(text, start), length), 0),
        9..=16 => (eight(text, start), eight(text, end - 8)),
        _ => return (xxh3_64(&text[start..end]), text[start..end].is_ascii()),
    };
    // Spread over all bytes, or a length could make up for a letter.
    let lengths = (length as u64).wrapping_mul(0x8bb8_4b93_962e_acc9);
    (mix(head ^ 0x2d35_8dcc_aa6c_78a5, tail ^ 0x4b33_a62e_d433_d4a3 ^ lengths), (head | tail) & HIGHS == 0)
}

/// Both halves of a product: every bit of it hangs on every bit of both.
#[inline(always)]
fn mix(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    product as u64 ^ (product >> 64) as u64
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

    #[test]
    fn words_differ_in_every_byte_and_in_length() {
        let mut seen = std::collections::HashSet::new();
        let mut count = 0;
        for length in 0..24 {
            for at in 0..length.max(1) {
                for byte in [0, 1, b'a', b'b', 0x80, 0xff] {
                    let mut word = vec![b'x'; length];
                    word[at..].iter_mut().take(1).for_each(|place| *place = byte);
                    count += usize::from(length > 0 || byte == 0);
                    seen.insert(look(&word, 0, length).0);
                }
            }
        }
        assert_eq!(seen.len(), count);
    }

    proptest::proptest! {
        #[test]
        fn a_word_is_the_same_wherever_it_stands(before in "\\PC{0,9}", word in "[a-z]{1,20}|\\PC{1,12}", after in "\\PC{0,9}") {
            let text = before.clone() + &word + &after;
            let found = look(text.as_bytes(), before.len(), before.len() + word.len());
            proptest::prop_assert_eq!(found, look(word.as_bytes(), 0, word.len()));
            proptest::prop_assert_eq!(found.1, word.is_ascii());
        }
    }
}
