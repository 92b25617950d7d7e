//! Our own units of a text, and the shingles made of them.
//!
//! A unit is a word or a character, and is only ever seen as a 64-bit hash of its lower-cased UTF-8 bytes.

use super::characters::{Character, Class, push_lower};

/// Units that are kept room for from one text to the next, whatever it needs: 8 MiB.
const KEPT_UNITS: usize = 1 << 20;

/// A buffer for the units of one text after the other.
#[derive(Debug, Default)]
pub(super) struct Units {
    hashes: Vec<u64>,
}

impl Units {
    /// Hashes of the units of a text, in order. Punctuation and symbols are parts of words if `MARKS`, or
    /// else end them.
    pub(super) fn of<const MARKS: bool>(&mut self, text: &str) -> &[u64] {
        self.hashes.clear();
        self.hashes.shrink_to(KEPT_UNITS);
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if byte.is_ascii() {
                at = if MARKS { self.ascii_with_marks(text, at) } else { self.ascii(text, at) };
            } else if let Some(&[first @ 0xe5..=0xe9, second, third]) = bytes.get(at..at + 3) {
                // U+5000 to U+9FFF: Han and nothing else.
                self.hashes.push(hash_of_three(first, second, third));
                at += 3;
            } else {
                at = self.any::<MARKS>(text, at);
            }
        }
        &self.hashes
    }

    /// Hashes of the tokens of a vocabulary.
    pub(super) fn of_tokens(&mut self, tokens: &[u32]) -> &[u64] {
        self.hashes.clear();
        self.hashes.shrink_to(KEPT_UNITS);
        self.hashes.extend(tokens.iter().map(|&token| mix(START ^ u64::from(token))));
        &self.hashes
    }

    /// Takes a word of ASCII letters and digits, or one byte between words; says where it ends.
    fn ascii(&mut self, text: &str, start: usize) -> usize {
        let bytes = text.as_bytes();
        let (mut state, mut chunk, mut filled, mut at) = (START, 0_u64, 0, start);
        while let Some(&byte) = bytes.get(at) {
            let lower = LOWER[usize::from(byte)];
            if lower == 0 {
                break;
            }
            if filled == 64 {
                state = mix(state ^ chunk);
                (chunk, filled) = (0, 0);
            }
            chunk |= u64::from(lower) << filled;
            filled += 8;
            at += 1;
        }
        if at == start {
            return start + 1;
        }
        if bytes.get(at).is_some_and(|byte| !byte.is_ascii()) {
            return self.any::<false>(text, start); // the word may go on
        }
        self.hashes.push(mix(state ^ chunk));
        at
    }

    /// Takes what stands up to the next white space, if it is ASCII, or that one byte; says where it ends. Eight
    /// bytes at a time.
    fn ascii_with_marks(&mut self, text: &str, start: usize) -> usize {
        const SEVEN: u64 = 0x7f7f_7f7f_7f7f_7f7f;
        const HIGH: u64 = !SEVEN;
        /// Added to each byte below 128, sets its highest bit from `least` on.
        const fn from(least: u8) -> u64 {
            (0x80 - least as u64) * 0x0101_0101_0101_0101
        }
        let bytes = text.as_bytes();
        let (mut state, mut at) = (START, start);
        loop {
            let eight = match bytes[at..].first_chunk() {
                Some(eight) => u64::from_le_bytes(*eight),
                None => {
                    let mut eight = [0; 8]; // which ends the word
                    eight[..bytes.len() - at].copy_from_slice(&bytes[at..]);
                    u64::from_le_bytes(eight)
                }
            };
            let ascii = eight & SEVEN;
            let ends = (!(ascii + from(b'!')) | eight) & HIGH;
            let capitals = (ascii + from(b'A')) & !(ascii + from(b'Z' + 1)) & HIGH;
            let lower = ascii | capitals >> 2;
            if ends == 0 {
                state = mix(state ^ lower);
                at += 8;
                continue;
            }
            let bits = ends.trailing_zeros() & !7;
            at += bits as usize / 8;
            if bytes.get(at).is_some_and(|byte| !byte.is_ascii()) {
                return self.any::<true>(text, start); // the word may go on
            }
            if bits > 0 {
                state = mix(state ^ lower & !(u64::MAX << bits));
            }
            if at > start {
                self.hashes.push(state);
            }
            return (at + 1).min(bytes.len());
        }
    }

    /// Takes a word, or one character, whatever it is made of; says where it ends.
    fn any<const MARKS: bool>(&mut self, text: &str, start: usize) -> usize {
        let mut word = Word::default();
        for (at, c) in text[start..].char_indices() {
            let end = start + at + c.len_utf8();
            let character = Character::of(c);
            match character.class {
                Class::Word => word.push(character, c),
                Class::Mark if MARKS => word.push(character, c),
                Class::Ignored => {}
                Class::Single if word.length == 0 => {
                    word.push(character, c);
                    self.hashes.push(word.hash());
                    return end;
                }
                Class::Single | Class::Blank | Class::Mark if word.length > 0 => {
                    self.hashes.push(word.hash());
                    return start + at;
                }
                Class::Single | Class::Blank | Class::Mark => return end,
            }
        }
        if word.length > 0 {
            self.hashes.push(word.hash());
        }
        text.len()
    }
}

/// A word that is hashed while it is read.
struct Word {
    state: u64,
    /// The bytes that do not make eight yet.
    chunk: u64,
    length: usize,
}

impl Default for Word {
    fn default() -> Word {
        Word { state: START, chunk: 0, length: 0 }
    }
}

impl Word {
    /// Adds a character in lower case.
    fn push(&mut self, character: Character, c: char) {
        if character.length > 0 {
            return self.push_bytes(character.lower(), character.length.into());
        }
        let mut bytes = Vec::new(); // four bytes or more in lower case: hardly any
        push_lower(c, &mut bytes);
        bytes.iter().for_each(|&byte| self.push_bytes(byte.into(), 1));
    }

    fn push_bytes(&mut self, bytes: u32, length: usize) {
        let (bytes, filled) = (u64::from(bytes), 8 * (self.length % 8));
        self.chunk |= bytes << filled;
        self.length += length;
        if filled + 8 * length >= 64 {
            self.state = mix(self.state ^ self.chunk);
            self.chunk = bytes >> (64 - filled);
        }
    }

    /// The hash of its bytes, as [`hash`] has it.
    fn hash(&self) -> u64 {
        if self.length.is_multiple_of(8) { self.state } else { mix(self.state ^ self.chunk) }
    }
}

/// What hashes begin with; as arbitrary as any odd number.
const START: u64 = 0x9e37_79b9_7f4a_7c15;

/// Each letter and digit of ASCII in lower case; 0 for other bytes.
const LOWER: [u8; 256] = {
    let mut lower = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        if (byte as u8).is_ascii_alphanumeric() {
            lower[byte] = (byte as u8).to_ascii_lowercase();
        }
        byte += 1;
    }
    lower
};

/// Both halves of a product, folded into one.
fn mix(number: u64) -> u64 {
    let product = u128::from(number) * 0xd6e8_feb8_6659_fd93;
    (product >> 64) as u64 ^ product as u64
}

/// The hash of a unit: eight bytes at a time, the last filled up with zeros, which no unit holds.
#[cfg(test)]
fn hash(unit: &[u8]) -> u64 {
    let mut state = START;
    for part in unit.chunks(8) {
        let mut chunk = [0; 8];
        chunk[..part.len()].copy_from_slice(part);
        state = mix(state ^ u64::from_le_bytes(chunk));
    }
    state
}

fn hash_of_three(first: u8, second: u8, third: u8) -> u64 {
    mix(START ^ u64::from(u32::from_le_bytes([first, second, third, 0])))
}

/// Calls `each` with the hash of every run of `ngram` units, in order; of fewer units, with one hash of
/// all, and with none if there is no unit.
pub(super) fn shingles(units: &[u64], ngram: usize, mut each: impl FnMut(u64)) {
    // A polynomial of the units in an odd base: it depends on their order, and slides.
    const BASE: u64 = 0xf135_7aea_2e62_a9c5;
    let first = &units[..ngram.min(units.len())];
    if first.is_empty() {
        return;
    }
    let mut run = first.iter().fold(0_u64, |run, unit| run.wrapping_mul(BASE).wrapping_add(*unit));
    if units.len() <= ngram {
        return each(finish(run.wrapping_add((ngram - units.len()) as u64)));
    }
    each(finish(run));
    let leaving = BASE.wrapping_pow(ngram as u32);
    for (old, new) in units.iter().zip(&units[ngram..]) {
        run = run.wrapping_mul(BASE).wrapping_add(new.wrapping_sub(old.wrapping_mul(leaving)));
        each(finish(run));
    }
}

/// Spreads a sum's upper bits, which know most, over all.
fn finish(run: u64) -> u64 {
    let run = (run ^ (run >> 32)).wrapping_mul(0xe703_7ed1_a0b4_28db);
    run ^ (run >> 32)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    /// The same units as strings, character by character.
    fn plain(text: &str, marks: bool) -> Vec<String> {
        let (mut units, mut word) = (Vec::new(), Vec::new());
        for c in text.chars().chain([' ']) {
            match Character::of(c).class {
                Class::Word => push_lower(c, &mut word),
                Class::Mark if marks => push_lower(c, &mut word),
                Class::Ignored => {}
                Class::Single | Class::Blank | Class::Mark => {
                    if !word.is_empty() {
                        units.push(String::from_utf8(std::mem::take(&mut word)).unwrap());
                    }
                    if Character::of(c).class == Class::Single {
                        units.push(c.into());
                    }
                }
            }
        }
        units
    }

    #[test]
    fn units_are_words_and_characters() {
        for (text, expected) in [
            ("Don't  SAY x_1 3.14!", "don|t|say|x|1|3|14"),
            ("Café ÉTÉ ΟΔΟΣ οδός ǅ İx", "café|été|οδοσ|οδόσ|ǆ|i\u{307}x"),
            ("《红楼梦》GPT-4模型，2024年", "红|楼|梦|gpt|4|模|型|2024|年"),
            ("东京タワーは高い。々〆", "东|京|タ|ワ|ー|は|高|い|々|〆"),
            ("ＡＢｃ１２ abc", "abc12|abc"),
            ("हिन्दी العربية", "हिन्दी|العربية"),
            (
                "soft\u{ad}hyphen zero\u{200b}width \u{feff}می\u{200c}خواهم 葛\u{fe00}飾",
                "softhyphen|zero|width|میخواهم|葛|飾",
            ),
            ("ไทย ລາວ ខ្មែរ", "ไ|ท|ย|ລ|າ|ວ|ខ|\u{17d2}|ម|ែ|រ"),
            ("😀 … — \u{4dc0}", ""),
            ("", ""),
        ] {
            assert_eq!(plain(text, false).join("|"), expected);
        }
        for (text, expected) in [
            ("Don't  SAY x_1\t3.14!\u{0}— é", "don't|say|x_1|3.14!|—|é"),
            ("《红楼梦》GPT-4模型，2024年", "《|红|楼|梦|》gpt-4|模|型|，2024|年"),
            ("Ａ，\u{3000}b\u{a0}c \u{ad}", "a，|b|c"),
        ] {
            assert_eq!(plain(text, true).join("|"), expected);
        }
    }

    #[test]
    fn a_short_text_is_a_shingle_as_a_whole() {
        let of = |units: &[u64]| {
            let mut found = Vec::new();
            shingles(units, 3, |hash| found.push(hash));
            found
        };
        assert!(of(&[]).is_empty());
        let all: HashSet<u64> = [&[1][..], &[1, 2], &[1, 2, 3], &[2, 1, 3], &[0, 1, 2], &[1, 3, 2]]
            .iter()
            .map(|units| of(units)[0])
            .collect();
        assert_eq!(all.len(), 6);
        assert_eq!(of(&[1, 2, 3, 4]), [of(&[1, 2, 3])[0], of(&[2, 3, 4])[0]]);
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let mut units = Units::default();
        for piece in ["a", "é", "字", "\u{301}", "\u{ad}", "a é", "x字", "，", "\u{1f600}"] {
            assert!(units.of::<false>(&piece.repeat(1 << 20)).len() <= 2 << 20);
            assert!(units.of::<true>(&piece.repeat(1 << 20)).len() <= 2 << 20);
        }
        units.of::<false>("a");
        assert!(units.hashes.capacity() <= KEPT_UNITS);
    }

    proptest! {
        #[test]
        fn fast_units_are_the_plain_ones(text in "\\PC{0,80}|[a-zA-Z0-9 .é字\u{301}\u{ad}，ΣÉ]{0,80}|[A-z]{0,40}|[\\x00-\\x7f]{0,40}|[ -~\u{a0}]{0,80}|[İßﬃ😀éа-я\u{10400}]{0,30}") {
            let mut units = Units::default();
            let hashes = |marks| plain(&text, marks).iter().map(|unit| hash(unit.as_bytes())).collect::<Vec<_>>();
            prop_assert_eq!(units.of::<false>(&text), hashes(false));
            prop_assert_eq!(units.of::<true>(&text), hashes(true));
        }

        #[test]
        fn shingles_depend_on_their_units_alone(units in prop::collection::vec(0..3_u64, 1..40), ngram in 1..8_usize) {
            let mut found = Vec::new();
            shingles(&units, ngram, |hash| found.push(hash));
            let mut plain = Vec::new();
            for run in units.windows(ngram.min(units.len())) {
                shingles(run, ngram, |hash| plain.push(hash));
            }
            prop_assert_eq!(found, plain);
        }
    }
}
