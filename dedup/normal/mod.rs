//! What counts as the same text: a hash of what is left of it once case, marks and the like are off.

mod ccnet;
mod folded;

use std::cell::Cell;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::minhash::simplify;
pub use folded::folded_hash;

/// What counts as equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Normal {
    /// Letters and digits alone, in lower case; what has neither, as it is.
    Folded,
    /// Every byte.
    Exact,
    /// In lower case, without white space around it, as the published code of C4 does.
    Lower,
    /// As CCNet says (arXiv:1911.00359, sec. 3.1): in lower case, each digit as 0, without punctuation, accents
    /// and control characters.
    Ccnet,
    /// As datatrove simplifies a text: in lower case, each number as 0, without marks, punctuation as spaces.
    Simplified,
}

/// Bytes that are kept from one text to the next.
const KEPT: usize = 1 << 20;

impl Normal {
    /// The hash of a text, the same for all that count as equal; none where nothing is left of the text.
    pub fn hash(self, text: &str) -> Option<u128> {
        match self {
            Normal::Exact => (!text.is_empty()).then(|| xxh3_128(text.as_bytes())),
            Normal::Folded => (!text.is_empty()).then(|| folded_hash(text)),
            Normal::Lower => hash_of(text, |out| out.push_str(&text.trim().to_lowercase())),
            Normal::Ccnet => hash_of(text, |out| ccnet::normalize(text, out)),
            Normal::Simplified => hash_of(text, |out| simplify(text, out)),
        }
    }
}

fn hash_of(text: &str, write: impl FnOnce(&mut String)) -> Option<u128> {
    thread_local! {
        static ROOM: Cell<String> = const { Cell::new(String::new()) };
    }
    let mut room = ROOM.take();
    room.clear();
    room.reserve(text.len());
    write(&mut room);
    let hash = (!room.is_empty()).then(|| xxh3_128(room.as_bytes()));
    room.shrink_to(KEPT);
    ROOM.set(room);
    hash
}

/// Length of the run of common Chinese characters (U+4E00 to U+9FFF, three bytes each) the bytes begin with:
/// letters without case or marks.
fn han_run(bytes: &[u8]) -> usize {
    let (characters, _) = bytes.as_chunks::<3>();
    let is_han = |[first, second, _]: &[u8; 3]| matches!(first, 0xe5..=0xe9) || *first == 0xe4 && *second >= 0xb8;
    3 * characters.iter().take_while(|character| is_han(character)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_says_what_is_equal() {
        for (normal, one, other, same) in [
            (Normal::Exact, "a", "a ", false),
            (Normal::Lower, " Ärger!\n", "ärger!", true),
            (Normal::Lower, "a b", "a  b", false),
            (Normal::Folded, "Hello,  world!", "hello WORLD", true),
            (Normal::Folded, "你好，世界。", "你好 世界", true),
            (Normal::Folded, "***", "---", false),
            (Normal::Folded, "1999", "2000", false),
            (Normal::Ccnet, "Café, 1999!", "cafe 2024", true),
            (Normal::Ccnet, "第1章。", "第２章", true),
            (Normal::Simplified, "Café: 3.14", "cafe 2", true),
        ] {
            assert_eq!(normal.hash(one) == normal.hash(other), same, "{normal:?} {one} {other}");
        }
        assert_eq!(Normal::Ccnet.hash(" 。！ "), None);
        assert_eq!(Normal::Exact.hash(""), None);
    }

    #[test]
    fn every_character_that_is_taken_for_a_plain_one_is() {
        use wanjuan_filters::kit::is_punctuation;
        for c in (0x80..=0x10_ffff).filter_map(char::from_u32) {
            let mut bytes = [0; 4];
            if han_run(c.encode_utf8(&mut bytes).as_bytes()) == 3 {
                assert!(('\u{4e00}'..='\u{9fff}').contains(&c));
                assert!(c.is_alphanumeric() && c.to_lowercase().eq([c]) && !is_punctuation(c), "{c}");
            } else {
                assert!(!('\u{4e00}'..='\u{9fff}').contains(&c));
            }
        }
    }
}
