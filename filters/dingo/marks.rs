//! What the rules about characters count.

use std::sync::LazyLock;

use regex::Regex;

use crate::kit::python::{is_space, strip};

/// Characters but for spaces, tabs and line ends, and white space of any kind at the ends.
pub fn chars(text: &str) -> usize {
    strip(text).chars().filter(|c| !matches!(c, ' ' | '\n' | '\t')).count()
}

/// Entities such as `&nbsp`, with a half or a full `&`; one with a semicolon counts twice.
pub fn entities(text: &str) -> usize {
    const NAMES: [&str; 13] =
        ["nbsp", "lt", "gt", "amp", "quot", "apos", "hellip", "ndash", "mdash", "lsquo", "rsquo", "ldquo", "rdquo"];
    let bytes = text.as_bytes();
    let half = memchr::memchr_iter(b'&', bytes).map(|at| at + 1);
    let full = memchr::memmem::find_iter(bytes, "＆").map(|at| at + "＆".len());
    half.chain(full)
        .map(|at| {
            let name = NAMES.iter().find_map(|name| text[at..].strip_prefix(name));
            name.map_or(0, |rest| 1 + usize::from(rest.starts_with([';', '；'])))
        })
        .sum()
}

/// Marks of damage: replacement characters, escapes that were not undone, tokens of chat templates.
pub fn special(text: &str) -> usize {
    static PATTERNS: LazyLock<[Regex; 5]> = LazyLock::new(|| {
        [
            "u200e",
            r"&#247;|\? :",
            r"[\u{fffd}□]|\{/U\}",
            r"U\+26[0-F][0-D]|U\+273[3-4]|U\+1F[3-6][0-4][0-F]|U\+1F6[8-F][0-F]",
            r"<\|.*?\|>",
        ]
        .map(|pattern| Regex::new(pattern).expect("a regular expression"))
    });
    PATTERNS.iter().map(|pattern| pattern.find_iter(text).count()).sum()
}

/// Most words in a row without one of `–.!?,;•/|…` or a line end.
pub fn unpunctuated(text: &str) -> usize {
    let (mut most, mut words, mut within) = (0, 0, false);
    for c in text.chars() {
        if matches!(c, '–' | '.' | '!' | '?' | ',' | ';' | '•' | '/' | '|' | '…' | '\n') {
            most = most.max(words);
            (words, within) = (0, false);
        } else if c.is_ascii_alphanumeric() || !is_space(c) {
            words += usize::from(!within);
            within = true;
        } else {
            within = false;
        }
    }
    most.max(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_counted() {
        assert_eq!(chars(" \u{3000}a b\tc\r\nd\u{3000}"), 5);
        assert_eq!(entities("&nbsp;&lt ＆gt；&amp;lt; &x;"), 2 + 1 + 2 + 2);
        assert_eq!(special("u200e ? : �□{/U} U+260A U+1F300 <|end|> <|no"), 8);
        assert_eq!(unpunctuated("a b c, d\ne f g h–i"), 4);
        assert_eq!((chars(""), entities(""), special(""), unpunctuated("")), (0, 0, 0, 0));
    }
}
