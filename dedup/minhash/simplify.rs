//! A text as datatrove simplifies it before it looks for near duplicates: in lower case, each number as 0,
//! punctuation as spaces, one space for a run of white space, without marks (NFD minus Mn).

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, decompose_canonical};
use wanjuan_filters::kit::python::{Set, is_digit, is_space, strip};

/// What datatrove 0.10.1 calls punctuation beyond ASCII (`PUNCTUATION`); control characters are punctuation too.
const PUNCTUATION: &str = "«´»–—’“”„…∶━►、。〈〉《》「」【】！％（），．１：；？～";

/// What may stand between a number and its fraction.
const FRACTION: &str = ".,،٫⎖⎗⎘";

fn is_punctuation(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_punctuation() || (c.is_ascii_control() && !matches!(c, '\t' | '\n'))
    } else {
        c <= '\u{9f}'
            || (matches!(c, '\u{ab}'..='\u{bb}' | '\u{2013}'..='\u{3011}' | '\u{ff01}'..='\u{ff5e}')
                && PUNCTUATION.contains(c))
    }
}

fn is_dropped(c: char) -> bool {
    static DROPPED: LazyLock<Set> = LazyLock::new(|| Set::of(r"\p{Mn}"));
    DROPPED.has(c)
}

/// Where the characters read so far stand in a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    None,
    Whole,
    /// Behind what may begin a fraction.
    Between(char),
    Fraction,
}

/// One pass over a text.
struct Simplifier<'a> {
    simple: &'a mut String,
    /// White space that is yet to be written, should anything follow.
    gap: bool,
    number: Number,
    /// Whether characters may have to change places, as their marks do in NFD.
    unordered: bool,
}

/// Appends the simplified text to an empty string.
pub fn simplify(text: &str, simple: &mut String) {
    let lowered; // a sigma's shape depends on what is around it
    let text = if text.contains('Σ') {
        lowered = text.to_lowercase();
        &lowered
    } else {
        text
    };
    simple.reserve(text.len());
    let mut pass = Simplifier { simple, gap: false, number: Number::None, unordered: false };
    for c in text.chars() {
        if c.is_ascii() {
            pass.see(c.to_ascii_lowercase());
        } else if is_plain_han(c) {
            pass.end_number();
            pass.write_gap();
            pass.simple.push(c);
        } else if c < '\u{2e80}' || c.is_uppercase() {
            c.to_lowercase().for_each(|lower| pass.see(lower));
        } else {
            pass.see(c);
        }
    }
    pass.end_number();
    if pass.unordered {
        let ordered: String = simple.nfd().collect();
        *simple = ordered;
    }
    simple.truncate(simple.trim_end_matches(is_space).len());
    let leading = simple.len() - strip(simple).len();
    simple.drain(..leading);
}

/// Characters that every rule leaves as they are.
fn is_plain_han(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}')
}

impl Simplifier<'_> {
    /// Takes a character in lower case.
    fn see(&mut self, c: char) {
        if is_digit(c) {
            match self.number {
                Number::None => {
                    self.write('0');
                    self.number = Number::Whole;
                }
                Number::Whole | Number::Fraction => {}
                Number::Between(_) => self.number = Number::Fraction,
            }
        } else if self.number == Number::Whole && FRACTION.contains(c) {
            self.number = Number::Between(c);
        } else {
            self.end_number();
            self.write(c);
        }
    }

    /// A number is over; what might have begun a fraction is a character like others.
    fn end_number(&mut self) {
        if let Number::Between(mark) = std::mem::replace(&mut self.number, Number::None) {
            self.write(mark);
        }
    }

    fn write(&mut self, c: char) {
        if is_space(c) || is_punctuation(c) {
            self.gap = true;
            return;
        }
        self.write_gap();
        if c.is_ascii() {
            return self.simple.push(c);
        }
        let (simple, unordered) = (&mut *self.simple, &mut self.unordered);
        decompose_canonical(c, |part| {
            if !is_dropped(part) {
                *unordered |= part >= '\u{300}' && canonical_combining_class(part) != 0;
                simple.push(part);
            }
        });
    }

    fn write_gap(&mut self) {
        if self.gap && !self.simple.is_empty() {
            self.simple.push(' ');
        }
        self.gap = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    fn simple(text: &str) -> String {
        let mut simple = String::new();
        simplify(text, &mut simple);
        simple
    }

    /// One rule after the other, as datatrove does.
    fn plain(text: &str) -> String {
        static NUMBERS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\p{Nd}+([.,،٫⎖⎗⎘]\p{Nd}+)?").unwrap());
        let text = text.to_lowercase();
        let text: String =
            NUMBERS.replace_all(&text, "0").chars().map(|c| if is_punctuation(c) { ' ' } else { c }).collect();
        let text = strip(&text).split(is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let text: String = text.nfd().filter(|c| !is_dropped(*c)).collect();
        strip(&text).to_owned()
    }

    #[test]
    fn texts_are_simplified_as_datatrove_does() {
        for (text, expected) in [
            ("  Hello,\tWorld!  It's 3.14, 1,000.5 v1.2.3 5. ", "hello world it s 0 0 0 v0 0 0"),
            ("Café ÉTÉ naïve ΟΔΟΣ İstanbul ١٢٫٥", "cafe ete naive οδος istanbul 0"),
            ("《红楼梦》　２０２４年，１号。", "红楼梦 0年 0号"),
            ("한국 \u{301}", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}"),
            ("\u{301} a", "a"),
            ("a\u{7f}b\u{9f}c\u{85}d", "a b c d"),
            ("…", ""),
            ("", ""),
        ] {
            assert_eq!(simple(text), expected);
            assert_eq!(plain(text), expected);
        }
    }

    #[test]
    fn characters_that_change_places_do() {
        let text = "\u{1d165}\u{302e} a\u{302e}\u{1d165}";
        assert_eq!(simple(text), plain(text));
    }

    proptest! {
        #[test]
        fn the_one_pass_is_the_plain_rules(text in "\\PC{0,60}|[a-zA0-9 .,!\u{301}é字，。１２\n\u{1f}Σς한ế٫-]{0,60}|[0-9.,]{0,20}") {
            prop_assert_eq!(simple(&text), plain(&text));
        }
    }
}
