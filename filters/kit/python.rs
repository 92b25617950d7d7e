//! Characters as Python's `str` and `re` class them, which is not quite as Rust does: a combining mark
//! is no letter, a circled one no word character, and `\x1c` to `\x1f` are white space.
//!
//! Peers are written in Python, and their decisions hang on these.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

use super::{Text, Words};

/// A set of characters, as one bit for each.
pub struct Set(Box<[u64]>);

impl Set {
    /// The characters of a class such as `[\p{L}_]`.
    pub fn of(class: &str) -> Set {
        let mut bits = vec![0_u64; 0x11_0000 / 64].into_boxed_slice();
        let parsed = regex_syntax::parse(class).expect("a class of characters");
        let HirKind::Class(Class::Unicode(class)) = parsed.kind() else { unreachable!("a class of characters") };
        for range in class.ranges() {
            for c in u32::from(range.start())..=u32::from(range.end()) {
                bits[c as usize / 64] |= 1 << (c % 64);
            }
        }
        Set(bits)
    }

    /// Whether the character is one of them.
    pub fn has(&self, c: char) -> bool {
        let c = u32::from(c);
        self.0[c as usize / 64] >> (c % 64) & 1 == 1
    }
}

/// `str.isalpha` of one character: a letter.
pub fn is_letter(c: char) -> bool {
    static LETTERS: LazyLock<Set> = LazyLock::new(|| Set::of(r"\p{L}"));
    if c.is_ascii() { c.is_ascii_alphabetic() } else { LETTERS.has(c) }
}

/// `\w`: a letter, a number of any kind, or `_`.
pub fn is_word(c: char) -> bool {
    static WORD: LazyLock<Set> = LazyLock::new(|| Set::of(r"[\p{L}\p{N}_]"));
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { WORD.has(c) }
}

/// `str.isalnum` of one character: a letter, or a number of any kind.
pub fn is_letter_or_digit(c: char) -> bool {
    c != '_' && is_word(c)
}

/// `\w` of the package `regex`, which NLTK has used since 3.10: a letter, a mark, a decimal digit, a joiner
/// or a connector.
pub fn is_regex_word(c: char) -> bool {
    static WORD: LazyLock<Set> = LazyLock::new(|| Set::of(r"\w"));
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { WORD.has(c) }
}

/// `\d`: a decimal digit of any script.
pub fn is_digit(c: char) -> bool {
    static DIGITS: LazyLock<Set> = LazyLock::new(|| Set::of(r"\p{Nd}"));
    if c.is_ascii() { c.is_ascii_digit() } else { DIGITS.has(c) }
}

/// `str.isnumeric` of one character: a number of any kind, Chinese ones among them.
pub fn is_numeric(c: char) -> bool {
    static NUMBERS: LazyLock<Set> = LazyLock::new(|| {
        // Letters to Unicode, with a numeric value.
        const CHINESE: &str = "㐅㒃㠪㭍一七万三九二五亖亿什仟仨伍佰億兆兩八六十千卄卅卌叁参參叄四壱壹幺廾廿弌弍弎弐拾捌柒漆玖百肆萬貮貳贰阡陆陌陸零\u{f96b}\u{f973}\u{f978}\u{f9b2}\u{f9d1}\u{f9d3}\u{f9fd}\u{20001}\u{20064}\u{200e2}\u{20121}\u{2092a}\u{20983}\u{2098c}\u{2099c}\u{20aea}\u{20afd}\u{20b19}\u{22390}\u{22998}\u{23b1b}\u{2626d}\u{2f890}";
        Set::of(&format!(r"[\p{{N}}{CHINESE}]"))
    });
    if c.is_ascii() { c.is_ascii_digit() } else { NUMBERS.has(c) }
}

/// `\s` and `str.isspace`.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

/// `str.isupper`: no cased character but capitals, and one at least.
pub fn is_upper(word: &str) -> bool {
    let mut capitals = false;
    for c in word.chars() {
        if c.is_lowercase() || is_title(c) {
            return false;
        }
        capitals |= c.is_uppercase();
    }
    capitals
}

/// A capital and a small letter in one, such as `ǅ`.
fn is_title(c: char) -> bool {
    static TITLE: LazyLock<Set> = LazyLock::new(|| Set::of(r"\p{Lt}"));
    !c.is_ascii() && TITLE.has(c)
}

/// `str.split`: cut at white space.
pub fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// `str.strip`.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Words and the white space between them, each character of it by itself (`\r\n` is one): what
/// `list(jieba.cut(text.strip()))` holds.
pub fn words_and_spaces(text: &Text, how: Words) -> impl Iterator<Item = &str> + Clone {
    let start = text.as_ptr().addr();
    let mut words = text.words(how).peekable();
    let mut at = words.peek().map_or(text.len(), |word| word.as_ptr().addr() - start);
    std::iter::from_fn(move || {
        let next = words.peek().map(|word| (word.as_ptr().addr() - start, *word))?;
        if next.0 <= at {
            words.next();
            at = next.0 + next.1.len();
            return Some(next.1);
        }
        let gap = &text[at..next.0];
        let length = if gap.starts_with("\r\n") { 2 } else { gap.chars().next().map_or(1, char::len_utf8) };
        at += length;
        Some(&gap[..length])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_those_of_python() {
        assert!("aé字ªʰ".chars().all(is_letter));
        assert!(!"1_٣\u{301}\u{93e}Ⓐ。".chars().any(is_letter));
        assert!("a1_٣½Ⅷ²".chars().all(is_word));
        assert!(!"\u{301}Ⓐ-。".chars().any(is_word));
        assert!("a1_\u{301}Ⓐ\u{200d}".chars().all(is_regex_word) && !"½²-".chars().any(is_regex_word));
        assert!("1٣３".chars().all(is_digit) && !"½²Ⅷ".chars().any(is_digit));
        assert!("1½Ⅷ三万".chars().all(is_numeric) && !"a字".chars().any(is_numeric));
        assert!(" \t\u{1c}\u{1f}\u{85}\u{a0}\u{3000}".chars().all(is_space) && !is_space('\u{200b}'));
        assert!(is_upper("ABC") && is_upper("A1-字") && is_upper("Ⓐ"));
        assert!(!is_upper("Abc") && !is_upper("12字") && !is_upper("") && !is_upper("ǅ"));
        assert_eq!(split(" a\u{1c}b\u{3000}c ").collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn white_space_between_words_is_kept_and_around_the_text_is_not() {
        let text = Text::from(" 我们 \r\n，好\n");
        assert_eq!(words_and_spaces(&text, Words::Chinese).collect::<Vec<_>>(), ["我们", " ", "\r\n", "，", "好"]);
        assert_eq!(words_and_spaces(&Text::from(" \n"), Words::Chinese).count(), 0);
        assert!("a1½字".chars().all(is_letter_or_digit) && !"_-\u{301}".chars().any(is_letter_or_digit));
    }
}
