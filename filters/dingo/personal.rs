//! Numbers and addresses of persons, where dingo finds them.
//!
//! Its expressions all begin with `\b`. Over text that is not ASCII a search for that is slow, so
//! candidates are found first (a digit, `E`, `G`, `P` or `@`) and each is tried where it stands.

use std::sync::LazyLock;

use regex::Regex;

use crate::kit::is_luhn;
use crate::kit::python::{is_digit, is_word};

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a regular expression")
}

/// Chinese identity card numbers that no letter or digit touches, in a text that speaks of identity cards.
pub fn id_cards(text: &str) -> usize {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
        compiled(concat!(
            r"^(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|81|82|91)",
            r"(?:0[0-9]|1[0-9]|2[0-9]|3[0-4]|4[0-3]|5[1-3]|90)",
            r"(?:0[0-9]|1[0-9]|2[0-9]|3[0-9]|4[0-3]|5[1-7]|6[1-4]|7[1-4]|8[1-7])",
            r"(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9xX]$",
        ))
    });
    static WORDS: LazyLock<Regex> = LazyLock::new(|| {
        compiled(
            r"(?i)身\s{0,10}份|id\s{0,10}number|identification|identity|id\s{0,10}no|id\s{0,10}card|nric\s{0,10}number|ic\s{0,10}number|resident\s{0,10}registration|i.d.\s{0,10}number",
        )
    });
    const LENGTH: usize = 18;
    let bytes = text.as_bytes();
    let (mut found, mut at) = (0, 0);
    while at < bytes.len() {
        let run = bytes[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if run == LENGTH && bytes[at].is_ascii_digit() && NUMBER.is_match(&text[at..at + run]) {
            found += 1;
        }
        at += run + 1;
    }
    if found > 0 && WORDS.is_match(text) { found } else { 0 }
}

/// Identity cards, credit cards, telephone and social security numbers, passports, IP addresses and mail
/// addresses.
pub fn found(text: &str) -> usize {
    struct Kind {
        pattern: Regex,
        /// The longest match, in characters, and one more to see where it ends.
        window: usize,
        passport: bool,
        valid: fn(&str) -> bool,
    }
    static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
        let kind = |pattern, window, valid| Kind { pattern: compiled(pattern), window, passport: false, valid };
        let always: fn(&str) -> bool = |_| true;
        vec![
            kind(r"^[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[0-9Xx]\b", 19, always),
            kind(r"^\d{4}(?:[-\s]?\d{4}){2}[-\s]?\d{1,7}\b", 24, luhn),
            kind(r"^1[3-9]\d{9}\b", 12, always),
            kind(r"^\d{3}-\d{2}-\d{4}\b", 12, always),
            Kind { passport: true, ..kind(r"^[EGP]\d{8}\b", 10, always) },
            kind(r"^(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b", 16, ip),
        ]
    });
    let kinds = &*KINDS;
    let mut total = mail(text);
    // Where each kind looks on: behind its last match, valid or not.
    let mut next = [0; 6];
    let mut before = false;
    for (at, c) in text.char_indices() {
        let word = if c.is_ascii_lowercase() { true } else { is_word(c) };
        let starts = word && !before && (matches!(c, 'E' | 'G' | 'P') || is_digit(c));
        before = word;
        if !starts {
            continue;
        }
        for (kind, next) in kinds.iter().zip(&mut next) {
            if kind.passport == is_digit(c) || at < *next {
                continue;
            }
            let window = text[at..].char_indices().nth(kind.window).map_or(text.len(), |(length, _)| at + length);
            if let Some(found) = kind.pattern.find(&text[at..window]) {
                *next = at + found.end();
                total += usize::from((kind.valid)(found.as_str()));
            }
        }
    }
    total
}

/// `\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}\b`
fn mail(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut found = 0;
    for at in memchr::memchr_iter(b'@', bytes) {
        let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(byte);
        let start = at - bytes[..at].iter().rev().take_while(is_name).count();
        let mut before = text[..start].chars().next_back().is_some_and(is_word);
        let begins = bytes[start..at].iter().any(|&byte| {
            let word = is_word(char::from(byte));
            std::mem::replace(&mut before, word) != word
        });
        if !begins {
            continue;
        }
        let rest = &bytes[at + 1..];
        let host = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b".-".contains(byte)).count();
        // The last full stop with something before it and two letters behind it; `|` is taken for a letter.
        let found_here = rest[..host].iter().enumerate().skip(1).any(|(stop, &byte)| {
            byte == b'.' && {
                let tail = at + 2 + stop;
                let letters =
                    bytes[tail..].iter().take_while(|&&byte| byte.is_ascii_alphabetic() || byte == b'|').count();
                // It may give letters back until the rest begins with another class than the last taken.
                (2..=letters).rev().any(|taken| {
                    let end = tail + taken;
                    is_word(char::from(bytes[end - 1])) != text[end..].chars().next().is_some_and(is_word)
                })
            }
        });
        found += usize::from(found_here);
    }
    found
}

fn luhn(number: &str) -> bool {
    let digits: Vec<u8> = number.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
    (13..=19).contains(&digits.len()) && is_luhn(&digits)
}

fn ip(address: &str) -> bool {
    address.split('.').all(|part| part.parse::<u32>().is_ok_and(|part| part <= 255))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_numbers_are_found() {
        for (text, count) in [
            ("11010519491231002X", 1),
            ("4111 1111 1111 1111.", 1),
            ("4111 1111 1111 1112", 0),
            ("call 13812345678!", 1),
            ("号码13812345678", 0),
            ("123-45-6789", 1),
            ("E12345678 and G123456789", 1),
            ("at 10.0.0.1, 999.1.1.1", 1),
            ("1.2.3.4.5.6.7.8", 2),
            ("a@b.org, x@y, 邮箱abc@d.com 邮箱a.bc@d.com", 2),
            ("me@example.c", 0),
            ("", 0),
        ] {
            assert_eq!(found(text), count, "{text}");
        }
        assert_eq!(id_cards("身份证 11010519491231002X，"), 1);
        assert_eq!(id_cards("号码 11010519491231002X，"), 0);
        assert_eq!(id_cards("identity x11010519491231002X"), 0);
    }
}
