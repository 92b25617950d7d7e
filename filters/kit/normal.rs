//! A text as CCNet and its heirs normalise it before they count words: without punctuation, in lower
//! case, one space for each run of white space and none at the ends, decomposed (NFD).

use std::cell::RefCell;
use std::ops::Deref;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfd_quick};

use super::python::is_space;

/// Buffers for which there is room from one document to the next, whatever it needs.
const KEPT_BYTES: usize = 4 << 20;

/// Which punctuation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Without {
    /// That of ASCII (`string.punctuation`).
    Ascii,
    /// That of ASCII and of Chinese texts (`zhon.hanzi.punctuation`), with the ideographic space.
    Chinese,
}

impl Without {
    /// How many ways there are.
    pub(super) const COUNT: usize = 2;

    /// Whether this character is left out.
    pub fn removes(self, c: char) -> bool {
        if c.is_ascii() { c.is_ascii_punctuation() } else { self == Without::Chinese && is_chinese_punctuation(c) }
    }
}

fn is_chinese_punctuation(c: char) -> bool {
    match c {
        '\u{b7}' | '\u{2013}' | '\u{2014}' | '\u{2018}'..='\u{201f}' | '\u{2026}' | '\u{2027}' => c != '\u{201a}',
        '\u{3000}'..='\u{3003}'
        | '\u{3008}'..='\u{3011}'
        | '\u{3014}'..='\u{301f}'
        | '\u{3030}'
        | '\u{303e}'
        | '\u{303f}' => true,
        '\u{fe4f}' | '\u{fe51}' | '\u{fe54}' => true,
        '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff40}' | '\u{ff5b}'..='\u{ff64}' => true,
        _ => false,
    }
}

/// Calls `see` with the normalised text: for pieces. Of a whole document it is [`Text::normal`](super::Text::normal).
pub fn with_normal<R>(text: &str, without: Without, see: impl FnOnce(&str) -> R) -> R {
    thread_local! {
        static NORMAL: RefCell<Normal> = RefCell::default();
    }
    NORMAL.with_borrow_mut(|normal| {
        normal.clear();
        normal.read(text, without);
        see(normal)
    })
}

/// A normalised text, and the room it takes.
#[derive(Debug, Default)]
pub struct Normal {
    folded: String,
    /// The same decomposed, unless it was.
    decomposed: String,
}

impl Normal {
    pub fn clear(&mut self) {
        for buffer in [&mut self.folded, &mut self.decomposed] {
            buffer.clear();
            buffer.shrink_to(KEPT_BYTES);
        }
    }

    /// Normalises a text; before, it must be clear.
    pub fn read(&mut self, text: &str, without: Without) {
        fold(text, without, &mut self.folded);
        if !self.folded.is_ascii() && is_nfd_quick(self.folded.chars()) != IsNormalized::Yes {
            self.decomposed.extend(self.folded.nfd());
        }
    }
}

impl Deref for Normal {
    type Target = str;
    fn deref(&self) -> &str {
        if self.decomposed.is_empty() { &self.folded } else { &self.decomposed }
    }
}

/// Gives back what a huge text has made a buffer hold.
pub fn shrink(buffer: &mut String) {
    buffer.shrink_to(KEPT_BYTES);
}

fn fold(text: &str, without: Without, folded: &mut String) {
    folded.reserve(text.len());
    let lowered; // a sigma's shape depends on what is around it
    let text = if text.contains('Σ') {
        lowered = text.chars().filter(|&c| !without.removes(c)).collect::<String>().to_lowercase();
        &lowered
    } else {
        text
    };
    let mut gap = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            if gap && !folded.is_empty() {
                folded.push(' ');
            }
            gap = false;
            folded.push(c.to_ascii_lowercase());
        } else if is_space(c) && !without.removes(c) {
            gap = true;
        } else if !without.removes(c) {
            if gap && !folded.is_empty() {
                folded.push(' ');
            }
            gap = false;
            if c < '\u{2e80}' { folded.extend(c.to_lowercase()) } else { push_lower(c, folded) }
        }
    }
}

/// Most of what lies beyond the alphabets has no case.
fn push_lower(c: char, folded: &mut String) {
    if c.is_uppercase() { folded.extend(c.to_lowercase()) } else { folded.push(c) }
}

/// The text in lower case, as Python's `str.lower` has it, behind what `lower` holds.
pub fn lower_case(text: &str, lower: &mut String) {
    if text.contains('Σ') {
        // It becomes another letter at the end of a word, which the standard library knows.
        lower.push_str(&text.to_lowercase());
        return;
    }
    lower.reserve(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let ascii = rest.bytes().position(|byte| !byte.is_ascii()).unwrap_or(rest.len());
        let from = lower.len();
        lower.push_str(&rest[..ascii]);
        lower[from..].make_ascii_lowercase();
        rest = &rest[ascii..];
        let other = rest.bytes().position(|byte| byte.is_ascii()).unwrap_or(rest.len());
        lower.extend(rest[..other].chars().flat_map(char::to_lowercase));
        rest = &rest[other..];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lower_case_is_that_of_the_standard_library(text in "\\PC{0,40}|[aAÀΣσİ性ẞ ]{0,40}") {
            let mut lower = String::new();
            lower_case(&text, &mut lower);
            prop_assert_eq!(lower, text.to_lowercase());
        }
    }

    fn normal(text: &str, without: Without) -> String {
        with_normal(text, without, str::to_owned)
    }

    #[test]
    fn texts_are_normalised_as_python_does() {
        assert_eq!(normal("  Hello,\n\n World! it's\u{a0}x ", Without::Ascii), "hello world its x");
        assert_eq!(normal("Café ΟΔΟΣ İ", Without::Ascii), "cafe\u{301} οδος i\u{307}");
        assert_eq!(normal("你好，世界。 ok\u{3000}go", Without::Chinese), "你好世界 okgo");
        assert_eq!(normal("你好，世界。 ok\u{3000}go", Without::Ascii), "你好，世界。 ok go");
        assert_eq!(normal("한 ", Without::Ascii), "\u{1112}\u{1161}\u{11ab}");
        assert_eq!(normal("-- \n ", Without::Ascii), "");
        // All of `zhon.hanzi.punctuation` 2.1.1.
        let all = "＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､\u{3000}、〃〈〉《》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿–—‘’‛“”„‟…‧﹏﹑﹔·．！？｡。";
        let removed: String = ('\u{80}'..='\u{ffff}').filter(|&c| Without::Chinese.removes(c)).collect();
        let sorted = |text: &str| {
            let mut sorted: Vec<char> = text.chars().collect();
            sorted.sort_unstable();
            sorted
        };
        assert_eq!(sorted(&removed), sorted(all));
    }
}
