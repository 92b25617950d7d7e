//! Words at the boundaries of Unicode (UAX #29), which for ASCII take no more than a look at each byte.

use unicode_segmentation::UnicodeSegmentation;

use super::{Letters, Span};

/// What the boundaries of ASCII hang on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Digit,
    /// `_`, which joins letters and digits.
    Joiner,
    /// `:`, within letters no boundary.
    MidLetter,
    /// `,` and `;`, within digits no boundary.
    MidDigit,
    /// `.` and `'`, within both none.
    Mid,
    Space,
    /// A word of its own.
    Other,
    /// Not ASCII.
    Beyond,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
            b'0'..=b'9' => Class::Digit,
            b'_' => Class::Joiner,
            b':' => Class::MidLetter,
            b',' | b';' => Class::MidDigit,
            b'.' | b'\'' => Class::Mid,
            b'\t'..=b'\r' | b' ' => Class::Space,
            0x80.. => Class::Beyond,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

/// Cuts a text at word boundaries; white space is left out.
pub fn words(text: &str, spans: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let class = |at: usize| bytes.get(at).map_or(Class::Space, |&byte| CLASSES[usize::from(byte)]);
    let mut letters = Letters::of(bytes);
    let mut at = 0;
    // Where the chunk between ASCII white space began, and how many words there were before it.
    let (mut chunk, mut before) = (0, 0);
    while at < bytes.len() {
        let start = at;
        at = letters.end(at);
        loop {
            match class(at) {
                Class::Letter => at = letters.end(at),
                Class::Digit | Class::Joiner => at += 1,
                mid @ (Class::MidLetter | Class::MidDigit | Class::Mid) if at > start => {
                    let side = |at: usize| match class(at) {
                        Class::Letter if mid != Class::MidDigit => Some(Class::Letter),
                        Class::Digit if mid != Class::MidLetter => Some(Class::Digit),
                        _ => None,
                    };
                    if side(at - 1).is_none() || side(at - 1) != side(at + 1) {
                        break;
                    }
                    at += 1;
                }
                _ => break,
            }
        }
        if at > start && class(at) != Class::Beyond {
            spans.push((start as u32, at as u32));
        }
        match class(at) {
            Class::Space => {
                at += 1;
                (chunk, before) = (at, spans.len());
            }
            Class::Beyond => {
                // Between spaces, whatever is cut is cut alike, but that a mark stands on the white space before it.
                spans.truncate(before);
                let spaces = if bytes[chunk].is_ascii() { chunk } else { text[..chunk].trim_end().len() };
                while at < bytes.len() && class(at) != Class::Space {
                    at += 1;
                }
                beyond(text, spaces, at, spans);
            }
            _ if at == start => {
                at += 1;
                spans.push((start as u32, at as u32));
            }
            _ => {}
        }
    }
}

/// By the tables of Unicode.
fn beyond(text: &str, from: usize, to: usize, spans: &mut Vec<Span>) {
    for (start, piece) in text[from..to].split_word_bound_indices() {
        if !piece.chars().all(char::is_whitespace) {
            let start = from + start;
            spans.push((start as u32, (start + piece.len()) as u32));
        }
    }
}

/// Whether one of Unicode's words is more than a mark: has a letter or digit.
pub fn is_wordly(word: &str) -> bool {
    match word.as_bytes() {
        [first, ..] if first.is_ascii_alphanumeric() => true,
        [_] => false,
        _ => word.chars().any(char::is_alphanumeric),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plainly(text: &str) -> Vec<Span> {
        let mut spans = Vec::new();
        beyond(text, 0, text.len(), &mut spans);
        spans
    }

    fn fast(text: &str) -> Vec<Span> {
        let mut spans = Vec::new();
        words(text, &mut spans);
        spans
    }

    #[test]
    fn every_two_ascii_characters_are_cut_as_the_tables_say() {
        for (one, other) in (0..128_u8).flat_map(|one| (0..128_u8).map(move |other| (one, other))) {
            for text in [format!("{}{}", one as char, other as char), format!("a{}{}7", one as char, other as char)] {
                assert_eq!(fast(&text), plainly(&text), "{text:?}");
            }
        }
    }

    #[test]
    fn odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for text in ["é ".repeat(500_000), "a".repeat(1_000_000) + "é", "a.".repeat(500_000), "é".repeat(1_000_000)]
        {
            fast(&text);
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn texts_are_cut_as_the_tables_say(
            text in "([a-zA-Z]{1,3}|[0-9]|[_.,;:'\"!-]| |\t|\n|\r\n|\u{b}|\u{1c}|é|  |字|ア|א|’|\u{301}|\u{200d}|\u{a0}|\u{2028}|🇩|👩|\u{ad}|\u{3000}){0,24}"
        ) {
            prop_assert_eq!(fast(&text), plainly(&text));
        }

        #[test]
        fn any_text_is_cut_as_the_tables_say(text in "\\PC{0,40}") {
            prop_assert_eq!(fast(&text), plainly(&text));
        }

        #[test]
        fn words_are_those_with_a_letter_or_digit(word in "[a-z0-9_.,]{1,3}|\\PC{1,3}") {
            prop_assert_eq!(is_wordly(&word), word.chars().any(char::is_alphanumeric));
        }
    }
}
