//! Units of a text, and runs of them, as hashes.
//!
//! A unit is a word (a run of letters, digits and marks, in lower case), or one character of a script that is
//! written without spaces. Full-width forms count as the ASCII they stand for; marks of width zero do not count.

use unicode_normalization::char::is_combining_mark;

use super::Punctuation;
use crate::kit::is_unspaced;

/// Calls `each` with the hash of every unit, in order, and where it begins and ends in the text.
pub(super) fn each_unit(text: &str, punctuation: Punctuation, mut each: impl FnMut(u64, usize, usize)) {
    let joins = punctuation == Punctuation::Removed;
    let bytes = text.as_bytes();
    let (mut word, mut start, mut end, mut at) = (Word::NEW, 0, 0, 0);
    let mut close = |word: &mut Word, start: usize, end: usize| {
        if word.any {
            each(word.hash(), start, end);
            *word = Word::NEW;
        }
    };
    while let Some(&byte) = bytes.get(at) {
        if byte.is_ascii() {
            let lower = LOWER[usize::from(byte)];
            if lower == 0 {
                if !(joins && byte > b' ') {
                    close(&mut word, start, end);
                }
                at += 1;
                continue;
            }
            if !word.any {
                start = at;
            }
            word.push(lower);
            at += 1;
            while let Some(&lower) = bytes.get(at).map(|&byte| &LOWER[usize::from(byte)]).filter(|&&lower| lower != 0) {
                word.push(lower);
                at += 1;
            }
            end = at;
            continue;
        }
        let c = text[at..].chars().next().expect("`at` is before the end, and between characters");
        let next = at + c.len_utf8();
        match class(c) {
            Class::Single => {
                close(&mut word, start, end);
                word.push_char(c);
                close(&mut word, at, next);
            }
            Class::Word => {
                if !word.any {
                    start = at;
                }
                let c = half_width(c);
                c.to_lowercase().for_each(|lower| word.push_char(lower));
                end = next;
            }
            Class::Ignored => {}
            Class::Separator if joins && !c.is_whitespace() => {}
            Class::Separator => close(&mut word, start, end),
        }
        at = next;
    }
    close(&mut word, start, end);
}

enum Class {
    Word,
    Single,
    Ignored,
    Separator,
}

fn class(c: char) -> Class {
    match c {
        '\u{4e00}'..='\u{9fff}' => Class::Single,
        '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' => Class::Ignored,
        // The middle dot of katakana, and the marks around it, are punctuation.
        _ if is_unspaced(c) && (c.is_alphanumeric() || is_combining_mark(c)) => Class::Single,
        _ if c.is_alphanumeric() || is_combining_mark(c) => Class::Word,
        _ => Class::Separator,
    }
}

/// The ASCII letter or digit that a full-width form stands for.
fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

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

/// A unit that is being hashed, eight bytes at a time.
#[derive(Clone, Copy)]
struct Word {
    state: u64,
    chunk: u64,
    filled: u32,
    any: bool,
}

impl Word {
    const NEW: Word = Word { state: 0x9e37_79b9_7f4a_7c15, chunk: 0, filled: 0, any: false };

    #[inline(always)]
    fn push(&mut self, byte: u8) {
        if self.filled == 64 {
            self.state = mix(self.state ^ self.chunk);
            (self.chunk, self.filled) = (0, 0);
        }
        self.chunk |= u64::from(byte) << self.filled;
        self.filled += 8;
        self.any = true;
    }

    fn push_char(&mut self, c: char) {
        c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| self.push(byte));
    }

    fn hash(&self) -> u64 {
        mix(self.state ^ self.chunk)
    }
}

/// Both halves of a product, folded into one.
fn mix(number: u64) -> u64 {
    let product = u128::from(number) * 0xd6e8_feb8_6659_fd93;
    (product >> 64) as u64 ^ product as u64
}

/// As arbitrary as any odd number.
const BASE: u64 = 0xf135_7aea_2e62_a9c5;

/// The hash of units as one run.
pub(super) fn run(units: &[u64]) -> u64 {
    let sum = units.iter().fold(0_u64, |sum, unit| sum.wrapping_mul(BASE).wrapping_add(*unit));
    finish(sum, units.len())
}

/// Calls `each` with the place and the hash of every run of `length` units, in order.
pub(super) fn each_run(units: &[u64], length: usize, mut each: impl FnMut(usize, u64)) {
    let Some((first, rest)) = units.split_at_checked(length) else { return };
    let mut sum = first.iter().fold(0_u64, |sum, unit| sum.wrapping_mul(BASE).wrapping_add(*unit));
    each(0, finish(sum, length));
    let leaving = BASE.wrapping_pow(length as u32);
    for (number, (new, old)) in rest.iter().zip(units).enumerate() {
        sum = sum.wrapping_mul(BASE).wrapping_add(new.wrapping_sub(old.wrapping_mul(leaving)));
        each(number + 1, finish(sum, length));
    }
}

/// Spreads a sum's upper bits, which know most, over all; runs of different lengths differ.
fn finish(sum: u64, length: usize) -> u64 {
    let sum = sum.wrapping_add((length as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let sum = (sum ^ (sum >> 32)).wrapping_mul(0xe703_7ed1_a0b4_28db);
    sum ^ (sum >> 32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same units as strings, character by character, with their places.
    fn plain(text: &str, punctuation: Punctuation) -> Vec<(String, usize, usize)> {
        let (mut units, mut word, mut start, mut end) = (Vec::new(), String::new(), 0, 0);
        for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
            let class = match class(c) {
                Class::Separator if punctuation == Punctuation::Removed && c > ' ' && !c.is_whitespace() => {
                    Class::Ignored
                }
                class => class,
            };
            match class {
                Class::Word => {
                    if word.is_empty() {
                        start = at;
                    }
                    word.extend(half_width(c).to_lowercase());
                    end = at + c.len_utf8();
                }
                Class::Ignored => {}
                Class::Single | Class::Separator => {
                    if !word.is_empty() {
                        units.push((std::mem::take(&mut word), start, end));
                    }
                    if matches!(class, Class::Single) {
                        units.push((c.into(), at, at + c.len_utf8()));
                    }
                }
            }
        }
        units
    }

    fn shown(text: &str, punctuation: Punctuation) -> String {
        plain(text, punctuation).into_iter().map(|(unit, ..)| unit).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn units_are_words_and_characters() {
        for (text, separated, removed) in [
            ("Don't  SAY x_1 3.14!", "don|t|say|x|1|3|14", "dont|say|x1|314"),
            ("Café, ÉTÉ — GPT-4", "café|été|gpt|4", "café|été|gpt4"),
            ("《红楼梦》GPT-4模型，2024年", "红|楼|梦|gpt|4|模|型|2024|年", "红|楼|梦|gpt4|模|型|2024|年"),
            ("ジョン・スミス ไทย", "ジ|ョ|ン|ス|ミ|ス|ไ|ท|ย", "ジ|ョ|ン|ス|ミ|ス|ไ|ท|ย"),
            ("ＡＢｃ１２ so\u{ad}ft 하나", "abc12|soft|하나", "abc12|soft|하나"),
            ("…😀 \n", "", ""),
        ] {
            assert_eq!(shown(text, Punctuation::Separates), separated);
            assert_eq!(shown(text, Punctuation::Removed), removed);
        }
    }

    proptest! {
        #[test]
        fn fast_units_are_the_plain_ones(
            text in "\\PC{0,60}|[a-zA-Z0-9 .é字\u{301}\u{ad}，ΣÉＡ・\n]{0,60}|[A-z]{0,40}",
            removed: bool,
        ) {
            let punctuation = if removed { Punctuation::Removed } else { Punctuation::Separates };
            let hash = |unit: &str| {
                let mut word = Word::NEW;
                unit.bytes().for_each(|byte| word.push(byte));
                word.hash()
            };
            let plain: Vec<_> = plain(&text, punctuation).iter().map(|(unit, start, end)| (hash(unit), *start, *end)).collect();
            let mut fast = Vec::new();
            each_unit(&text, punctuation, |hash, start, end| fast.push((hash, start, end)));
            prop_assert_eq!(fast, plain);
        }

        #[test]
        fn runs_slide(units in prop::collection::vec(0..3_u64, 0..40), length in 1..8_usize) {
            let mut found = Vec::new();
            each_run(&units, length, |at, hash| found.push((at, hash)));
            let plain: Vec<_> = units.windows(length).map(run).enumerate().collect();
            prop_assert_eq!(found, plain);
        }
    }
}
