//! What a character is to a unit.

use std::sync::LazyLock;

use wanjuan_filters::kit::is_unspaced;
use wanjuan_filters::kit::python::Set;

/// What a character is to a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    /// Ends a word: white space and control characters.
    Blank,
    /// Punctuation and symbols: parts of a word or ends of it, as is asked for.
    Mark,
    /// Part of a word: a letter, a digit or a combining mark.
    Word,
    /// A unit by itself: a letter, a digit or a combining mark of a script that is written without spaces. Hangul
    /// syllables are too, as where Korean has its spaces differs from hand to hand.
    Single,
    /// Not to be seen, and as if it were not there.
    Ignored,
}

/// A character's class, and its UTF-8 in lower case where that is short.
#[derive(Debug, Clone, Copy)]
pub(super) struct Character {
    pub class: Class,
    /// Bytes in lower case, up to three; 0 says that there are more.
    pub length: u8,
    lower: [u8; 3],
}

impl Character {
    /// Looks a character up.
    pub(super) fn of(c: char) -> Character {
        /// Of the characters up to U+FFFF.
        static TABLE: LazyLock<Box<[Character]>> = LazyLock::new(|| {
            (0..=0xffff)
                .map(|code| Character::find(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)))
                .collect()
        });
        TABLE.get(c as usize).copied().unwrap_or_else(|| Character::find(c))
    }

    fn find(c: char) -> Character {
        let mut bytes = Vec::new();
        push_lower(c, &mut bytes);
        let length = if bytes.len() <= 3 { bytes.len() as u8 } else { 0 };
        bytes.resize(3, 0);
        Character { class: class_of(c), length, lower: [bytes[0], bytes[1], bytes[2]] }
    }

    /// Its bytes in lower case, the first lowest.
    pub(super) fn lower(self) -> u32 {
        let [first, second, third] = self.lower;
        u32::from_le_bytes([first, second, third, 0])
    }
}

fn class_of(c: char) -> Class {
    static WORD: LazyLock<Set> = LazyLock::new(|| Set::of(r"[\p{L}\p{M}\p{Nd}\p{Nl}\p{No}]"));
    match c {
        // Soft hyphen, joiners, marks of order, and what picks a variant of the character before it.
        '\u{ad}' | '\u{200c}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => Class::Ignored,
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => Class::Ignored,
        _ if c.is_whitespace() || c < ' ' => Class::Blank,
        _ if !WORD.has(c) => Class::Mark,
        _ if is_unspaced(c) || is_hangul(c) => Class::Single,
        _ => Class::Word,
    }
}

fn is_hangul(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}')
}

/// Adds a character of a word, in lower case. Full-width forms are written as ASCII, and a final sigma as
/// any other.
pub(super) fn push_lower(c: char, word: &mut Vec<u8>) {
    match c {
        'a'..='z' | '0'..='9' => word.push(c as u8),
        'A'..='Z' => word.push(c.to_ascii_lowercase() as u8),
        '\u{ff10}'..='\u{ff19}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' => {
            word.push((c as u32 - 0xfee0) as u8 | 0x20);
        }
        'ς' => word.extend("σ".as_bytes()),
        _ => {
            for lower in c.to_lowercase() {
                word.extend(lower.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
}
