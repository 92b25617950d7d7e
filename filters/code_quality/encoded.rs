//! Runs of encoded data, as StarCoder2's three expressions find them (arXiv:2402.19173, sec. 3.1).
//!
//! Written out by hand: what each expression matches is decided by the next character, so one walk does
//! without an automaton, and without what `\b` costs one in texts that are not ASCII.

use crate::kit::python::{is_space, is_word};

/// What was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Characters of the longest run of any kind.
    pub longest: u64,
    /// Characters of all runs of the kind that has most.
    pub chars: u64,
}

/// Finds base64, hexadecimal and escaped Unicode.
pub fn look(text: &str) -> Encoded {
    let mut found = Encoded::default();
    for kind in [base64(text), hexadecimal(text), escapes(text)] {
        found.longest = found.longest.max(kind.longest);
        found.chars = found.chars.max(kind.chars);
    }
    found
}

impl Encoded {
    fn add(&mut self, chars: u64) {
        self.longest = self.longest.max(chars);
        self.chars += chars;
    }
}

/// `[a-zA-Z0-9+/\n=]{64,}`
fn base64(text: &str) -> Encoded {
    const MEMBER: [bool; 256] = {
        let mut member = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            member[byte] = matches!(byte as u8, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'/' | b'\n' | b'=');
            byte += 1;
        }
        member
    };
    let mut found = Encoded::default();
    let mut run = 0;
    for byte in text.bytes() {
        if MEMBER[usize::from(byte)] {
            run += 1;
        } else {
            if run >= 64 {
                found.add(run);
            }
            run = 0;
        }
    }
    if run >= 64 {
        found.add(run);
    }
    found
}

/// `(?:\b(?:0x|\\x)?[0-9a-fA-F]{2}(?:,|\b\s*)){8,}`
fn hexadecimal(text: &str) -> Encoded {
    let bytes = text.as_bytes();
    let mut found = Encoded::default();
    let mut at = 0;
    while at < bytes.len() {
        if !matches!(bytes[at], b'\\' | b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') {
            at += 1;
            continue;
        }
        let (mut end, mut items) = (at, 0);
        while let Some(next) = hexadecimal_item(text, end) {
            end = next;
            items += 1;
        }
        if items >= 8 {
            found.add(text[at..end].chars().count() as u64);
        }
        // A run that is too short holds no longer one: what begins later in it ends where it does.
        at = end.max(at + 1);
    }
    found
}

/// The end of one item of a hexadecimal run that begins at `start`.
fn hexadecimal_item(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = start;
    if bytes[at..].starts_with(b"0x") || bytes[at..].starts_with(b"\\x") {
        at += 2;
    }
    let digits = bytes.get(at..at + 2)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) || !boundary(text, start) {
        return None;
    }
    at += 2;
    if bytes.get(at) == Some(&b',') {
        return Some(at + 1);
    }
    boundary(text, at).then(|| text.len() - text[at..].trim_start_matches(is_space).len())
}

/// Whether a word begins or ends at `at`.
fn boundary(text: &str, at: usize) -> bool {
    let before = text[..at].chars().next_back().is_some_and(is_word);
    let after = text[at..].chars().next().is_some_and(is_word);
    before != after
}

/// `(?:\\u[0-9a-fA-F]{4}){8,}`
fn escapes(text: &str) -> Encoded {
    let bytes = text.as_bytes();
    let mut found = Encoded::default();
    let mut at = 0;
    while let Some(next) = memchr::memchr(b'\\', &bytes[at..]) {
        at += next;
        let start = at;
        let is_escape = |escape: &[u8]| escape.starts_with(b"\\u") && escape[2..].iter().all(u8::is_ascii_hexdigit);
        while bytes.get(at..at + 6).is_some_and(is_escape) {
            at += 6;
        }
        if at - start >= 8 * 6 {
            found.add((at - start) as u64);
        }
        at = at.max(start + 1);
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    fn plain(expression: &str, text: &str) -> Encoded {
        let mut found = Encoded::default();
        for run in Regex::new(expression).unwrap().find_iter(text) {
            found.add(run.as_str().chars().count() as u64);
        }
        found
    }

    fn agree(text: &str) {
        assert_eq!(base64(text), plain(r"[a-zA-Z0-9+/\n=]{64,}", text), "{text:?}");
        assert_eq!(hexadecimal(text), plain(r"(?:\b(?:0x|\\x)?[0-9a-fA-F]{2}(?:,|\b\s*)){8,}", text), "{text:?}");
        assert_eq!(escapes(text), plain(r"(?:\\u[0-9a-fA-F]{4}){8,}", text), "{text:?}");
    }

    #[test]
    fn runs_of_each_kind_are_found_where_the_expressions_find_them() {
        let base64_run = "Ab+/".repeat(16);
        for (text, longest) in [
            (base64_run.clone(), 64),
            (base64_run[1..].to_owned(), 0),
            ("0x41, ".repeat(8), 0), // a space before `0x` is no boundary after a comma
            ("0x41,".repeat(8), 40),
            ("0x41 ".repeat(8), 40),
            ("41 ".repeat(8), 24),
            ("41 ".repeat(7), 0),
            (r"\x41".repeat(9), 32), // no word ends before the first backslash
            (r"\u4f60".repeat(8), 48),
            (r"\u4f60".repeat(7), 0),
            ("你好".repeat(100), 0),
            (String::new(), 0),
        ] {
            assert_eq!(look(&text).longest, longest, "{text}");
            agree(&text);
        }
    }

    /// To Python, a combining mark and a letter in a circle are no part of a word, and a superscript is.
    #[test]
    fn words_begin_and_end_where_they_do_in_python() {
        for (before, longest) in [("\u{93e}", 24), ("ⓐ", 24), ("字", 0), ("²", 0), ("_", 0)] {
            assert_eq!(hexadecimal(&format!("{before}{}", "41 ".repeat(8))).longest, longest, "{before}");
        }
    }

    #[test]
    fn a_share_is_of_the_kind_that_has_most() {
        let text = "41 ".repeat(20) + "| " + &r"\u4f60".repeat(8);
        assert_eq!(look(&text), Encoded { longest: 60, chars: 60 });
    }

    proptest! {
        #[test]
        fn the_expressions_find_the_same(pieces in prop::collection::vec("0x[0-9a-f]{2}|\\\\x[0-9a-f]{2}|[0-9a-f]{2}|\\\\u[0-9a-f]{4}|[, \n,]{1,2}|[a-z+/=\n]{0,70}|[xg字]", 0..60), end in "[ ,0-9a-f]{0,24}") {
            agree(&(pieces.concat() + &end));
        }

        #[test]
        fn of_nothing_but_items_the_same(pieces in prop::collection::vec("(0x|\\\\x)?[0-9a-f]{2}[, ]?", 0..40)) {
            agree(&pieces.concat());
        }
    }
}
