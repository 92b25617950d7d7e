//! Stop words, told from others by a look at a word's length and first bytes.

use crate::kit::{eight, first};

/// A list of at most 64 words to be found in a text.
pub(super) struct StopWords {
    words: Vec<String>,
    any_case: bool,
    /// Whether eight bytes that look alike are alike: with [`CASE`] set, only letters are.
    looks_tell: bool,
    /// The words as numbers, longer ones as their first bytes, in lower case where case does not count.
    heads: Vec<u64>,
    /// Their lengths, one bit each.
    lengths: u64,
    /// The low bits of their first bytes, which case does not change, one bit each.
    firsts: u64,
    /// Bytes of the longest word beyond ASCII that may be one of them in another case; the lower case of a
    /// character may be longer or shorter, by no more than three times.
    longest_beyond_ascii: usize,
}

/// The bit that lower case sets in an ASCII letter, for eight of them.
const CASE: u64 = 0x2020_2020_2020_2020;
const NOT_ASCII: u64 = 0x8080_8080_8080_8080;

/// The first bytes of a word as a number.
fn head(word: &str) -> u64 {
    first(eight(word.as_bytes(), 0), word.len())
}

impl StopWords {
    pub(super) fn new(words: &[String], any_case: bool) -> StopWords {
        let case = if any_case { CASE } else { 0 };
        StopWords {
            any_case,
            looks_tell: !any_case || words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_alphabetic())),
            heads: words.iter().map(|word| first(head(word) | case, word.len())).collect(),
            lengths: words.iter().fold(0, |bits, word| bits | 1 << word.len().min(63)),
            firsts: words.iter().filter_map(|word| word.bytes().next()).fold(0, |bits, byte| bits | 1 << (byte & 31)),
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
        let (bytes, length) = (text.as_bytes(), end - start);
        let word = first(eight(bytes, start), length);
        if length <= self.longest_beyond_ascii && (word & NOT_ASCII != 0 || length > 8) {
            return self.find_slowly(&text[start..end]);
        }
        if self.lengths >> length.min(63) & 1 == 0 || self.firsts >> (word & 31) & 1 == 0 {
            return 0;
        }
        let word = first(if self.any_case { word | CASE } else { word }, length);
        let alike =
            self.heads.iter().enumerate().fold(0, |found, (number, stop)| found | u64::from(*stop == word) << number);
        if alike == 0 || self.looks_tell && length <= 8 { alike } else { self.find_slowly(&text[start..end]) }
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
