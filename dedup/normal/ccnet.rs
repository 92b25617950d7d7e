//! A paragraph as CCNet compares it.
//!
//! By the words of the paper (arXiv:1911.00359, sec. 3.1): lower case, numbers as 0, no punctuation in Unicode's sense
//! and no accents. Its code (`text_normalizer.py`) leaves accents and the punctuation of ASCII as they are.

use std::sync::LazyLock;

use unicode_normalization::char::decompose_canonical;
use wanjuan_filters::kit::is_punctuation;
use wanjuan_filters::kit::python::{Set, is_digit};

use super::han_run;

/// Of each byte of ASCII, what it becomes; 0 where it goes.
const ASCII: [u8; 128] = {
    let mut table = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        let c = byte as u8;
        // As `is_punctuation`: `$+<=>^`|~` are symbols.
        let symbol = matches!(c, b'$' | b'+' | b'<'..=b'>' | b'^' | b'`' | b'|' | b'~');
        table[byte] = match c {
            b'0'..=b'9' => b'0',
            b'a'..=b'z' | b' ' => c,
            b'A'..=b'Z' => c + 32,
            _ if symbol => c,
            _ => 0,
        };
        byte += 1;
    }
    table
};

fn is_mark(c: char) -> bool {
    static MARKS: LazyLock<Set> = LazyLock::new(|| Set::of(r"\p{Mn}"));
    MARKS.has(c)
}

/// Writes what is compared into an empty string.
pub fn normalize(text: &str, out: &mut String) {
    let text = text.trim();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] < 0x80 {
            let lower = ASCII[usize::from(bytes[at])];
            if lower != 0 {
                out.push(char::from(lower));
            }
            at += 1;
            continue;
        }
        let run = han_run(&bytes[at..]);
        if run > 0 {
            out.push_str(&text[at..at + run]);
            at += run;
            continue;
        }
        let Some(c) = text[at..].chars().next() else { break };
        see(c, out);
        at += c.len_utf8();
    }
    let trimmed = out.trim();
    if trimmed.len() < out.len() {
        *out = trimmed.to_owned();
    }
}

fn see(c: char, out: &mut String) {
    for lower in c.to_lowercase() {
        decompose_canonical(lower, |part| {
            if is_digit(part) {
                out.push('0');
            } else if !is_mark(part) && !is_punctuation(part) && !part.is_control() {
                out.push(part);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fast(text: &str) -> String {
        let mut out = String::new();
        normalize(text, &mut out);
        out
    }

    fn plain(text: &str) -> String {
        let mut out = String::new();
        text.trim().chars().for_each(|c| see(c, &mut out));
        out.trim().to_owned()
    }

    #[test]
    fn paragraphs_are_normalised() {
        for (text, expected) in [
            (" Café, No. 1999! ", "cafe no 0000"),
            ("《红楼梦》第２回：贾夫人", "红楼梦第0回贾夫人"),
            ("a+b = $5 ...", "a+b = $0"),
            ("ÅNGSTRÖM\u{7}", "angstrom"),
            ("", ""),
        ] {
            assert_eq!(fast(text), expected);
        }
    }

    proptest! {
        #[test]
        fn the_fast_way_is_the_plain_one(text in "\\PC{0,60}|[\u{0}-\u{7f}]{0,60}|[一-龥。，éÀ 0-9]{0,40}") {
            prop_assert_eq!(fast(&text), plain(&text));
        }
    }
}
