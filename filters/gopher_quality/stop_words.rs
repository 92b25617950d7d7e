//! Stop words, told from others by a word's first bytes and its length: one look into a table without collisions.

use crate::kit::{eight, first};

/// A list of at most 64 words to be found in a text.
pub(super) struct StopWords {
    words: Vec<String>,
    any_case: bool,
    /// Whether short words that look alike are alike: with [`CASE`] set, only letters are.
    looks_tell: bool,
    /// Each key at the highest bits of its product with `multiplier`.
    slots: Vec<Slot>,
    multiplier: u64,
    /// How far these bits are to be shifted.
    shift: u32,
    /// Bytes of the longest word beyond ASCII that may be one of them in another case; the lower case of a
    /// character may be longer or shorter, by no more than three times.
    longest_beyond_ascii: usize,
}

/// A key, and which words have it: one bit each.
#[derive(Clone, Copy, Default)]
struct Slot {
    key: u64,
    which: u64,
}

/// The bit that lower case sets in an ASCII letter, for eight of them.
const CASE: u64 = 0x2020_2020_2020_2020;
const NOT_ASCII: u64 = 0x8080_8080_8080_8080;

/// The first eight bytes of a word, or all and their number.
#[inline(always)]
fn key(head: u64, length: usize, any_case: bool) -> u64 {
    let head = first(if any_case { head | CASE } else { head }, length);
    if length < 8 { head | (length as u64) << 56 } else { head }
}

/// Slots in which all have one of their own, the multiplier and the shift that lead to them.
fn table(keys: &[Slot]) -> (Vec<Slot>, u64, u32) {
    let bits = (keys.len() * keys.len()).next_power_of_two().ilog2().clamp(4, 11);
    // One in a few of all odd numbers leads to such slots.
    let mut multiplier = 0x9e37_79b9_7f4a_7c15_u64;
    loop {
        let mut slots = vec![Slot::default(); 1 << bits];
        let mut alone = true;
        for key in keys {
            let slot = &mut slots[(key.key.wrapping_mul(multiplier) >> (64 - bits)) as usize];
            alone &= slot.which == 0;
            *slot = *key;
        }
        if alone {
            return (slots, multiplier, 64 - bits);
        }
        multiplier = multiplier.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(2);
    }
}

impl StopWords {
    pub(super) fn new(words: &[String], any_case: bool) -> StopWords {
        let mut keys: Vec<Slot> = Vec::new();
        for (number, word) in words.iter().enumerate() {
            let key = key(eight(word.as_bytes(), 0), word.len(), any_case);
            match keys.iter_mut().find(|slot| slot.key == key) {
                Some(slot) => slot.which |= 1 << number,
                None => keys.push(Slot { key, which: 1 << number }),
            }
        }
        let (slots, multiplier, shift) = table(&keys);
        StopWords {
            any_case,
            looks_tell: !any_case || words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_alphabetic())),
            slots,
            multiplier,
            shift,
            longest_beyond_ascii: words
                .iter()
                .filter(|word| any_case && may_be_beyond_ascii(word))
                .map(|word| 3 * word.len())
                .max()
                .unwrap_or(0),
            words: words.to_vec(),
        }
    }

    /// Which of them a word of a text is: one bit each, none for another word.
    #[inline(always)]
    pub(super) fn find(&self, text: &str, start: usize, end: usize) -> u64 {
        let (head, length) = (eight(text.as_bytes(), start), end - start);
        if length <= self.longest_beyond_ascii && (first(head, length) & NOT_ASCII != 0 || length > 8) {
            return self.find_slowly(&text[start..end]);
        }
        let key = key(head, length, self.any_case);
        let slot = self.slots[(key.wrapping_mul(self.multiplier) >> self.shift) as usize];
        match if slot.key == key { slot.which } else { 0 } {
            0 => 0,
            alike if self.looks_tell && length < 8 => alike,
            _ => self.find_slowly(&text[start..end]),
        }
    }

    fn is(&self, number: usize, word: &str) -> bool {
        let stop = &self.words[number];
        if !self.any_case {
            return stop == word;
        }
        if word.is_ascii() {
            return stop.eq_ignore_ascii_case(word);
        }
        word.len() <= 3 * stop.len() && word.to_lowercase() == stop.to_lowercase()
    }

    /// The plain twin of [`find`], and its way for words that are long or not ASCII.
    ///
    /// [`find`]: StopWords::find
    fn find_slowly(&self, word: &str) -> u64 {
        (0..self.words.len()).fold(0, |found, number| found | u64::from(self.is(number, word)) << number)
    }
}

/// Whether a word can be another's lower case that has characters beyond ASCII. Of those the Kelvin sign alone
/// has a lower case in ASCII.
fn may_be_beyond_ascii(word: &str) -> bool {
    !word.is_ascii() || word.contains(['k', 'K'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_look_finds_what_a_search_finds(
            words in prop::collection::vec("[a-cikA-C@`'ſéÉ\u{130}\u{212a}0-1]{1,10}", 1..9),
            text in "[a-ckA-C@`'sſéÉ\u{130}\u{212a}i0-1 ]{0,40}",
            any_case: bool,
        ) {
            let stop_words = StopWords::new(&words, any_case);
            let all = format!("{text} {}", words.join(" ").to_uppercase());
            for word in all.split(' ').filter(|word| !word.is_empty()) {
                let start = word.as_ptr() as usize - all.as_ptr() as usize;
                prop_assert_eq!(stop_words.find(&all, start, start + word.len()), stop_words.find_slowly(word), "{}", word);
            }
        }
    }
}
