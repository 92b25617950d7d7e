//! Shingles that are strings: units of a text, joined as peers join them.

use wanjuan_filters::kit::python::{is_space, is_word};
use wanjuan_filters::kit::{Document, Text, Without, Words, with_normal};

use super::settings::{Settings, Tokens};
use super::simplify::simplify;

/// Bytes and units that are kept room for from one text to the next, whatever it needs.
const KEPT: usize = 1 << 20;

/// Buffers for the units of one text after the other.
#[derive(Default)]
pub(super) struct Strings {
    /// All units, with a space between words.
    joined: String,
    /// Where each begins and ends in it.
    units: Vec<(u32, u32)>,
    text: Text,
}

impl std::fmt::Debug for Strings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Strings").field("joined", &self.joined).field("units", &self.units).finish_non_exhaustive()
    }
}

impl Strings {
    /// Takes the units of a text; says how many there are.
    pub(super) fn read(&mut self, text: &str, settings: &Settings) -> usize {
        self.joined.clear();
        self.joined.shrink_to(KEPT);
        self.units.clear();
        self.units.shrink_to(KEPT);
        match settings.tokens {
            Tokens::Whitespace | Tokens::Units | Tokens::Tokenizer => unreachable!("units that are no strings"),
            Tokens::Simplified => self.simplified(text, settings.words),
            Tokens::Spaces => {
                self.push_words(text.to_lowercase().split(' ').filter(|word| !word.is_empty()));
            }
            Tokens::Normalized => with_normal(text, Without::Ascii, |normal| {
                self.push_words(normal.split(is_space).filter(|word| !word.is_empty()));
            }),
            Tokens::NonWord => self.push_words(text.to_lowercase().split(|c| !is_word(c))),
            Tokens::Characters => self.push_characters(text),
            Tokens::LowerCharacters => self.push_characters(&text.to_lowercase()),
            Tokens::PlainCharacters => {
                let mut plain = std::mem::take(&mut self.joined);
                plain_text(text, &mut plain);
                self.joined = plain;
                self.units_are_characters();
            }
        }
        self.units.len()
    }

    /// Calls `each` with every run of `ngram` units; with all of them if there are fewer and `short`.
    pub(super) fn shingles(&self, ngram: usize, short: bool, mut each: impl FnMut(&str)) {
        if self.units.len() < ngram && short && !self.units.is_empty() {
            return each(&self.joined);
        }
        for run in self.units.windows(ngram) {
            each(&self.joined[run[0].0 as usize..run[ngram - 1].1 as usize]);
        }
    }

    fn simplified(&mut self, text: &str, words: Words) {
        let mut simple = self.text.edit(Document::take_text);
        simple.clear();
        simple.shrink_to(KEPT);
        simplify(text, &mut simple);
        self.text.edit(|document| document.set_text(simple));
        let text = std::mem::take(&mut self.text);
        self.push_words(text.words(words));
        self.text = text;
    }

    fn push_words<'a>(&mut self, words: impl Iterator<Item = &'a str>) {
        for (at, word) in words.enumerate() {
            if at > 0 {
                self.joined.push(' ');
            }
            let start = self.joined.len() as u32;
            self.joined.push_str(word);
            self.units.push((start, self.joined.len() as u32));
        }
    }

    fn push_characters(&mut self, text: &str) {
        self.joined.push_str(text);
        self.units_are_characters();
    }

    fn units_are_characters(&mut self) {
        let ends = self.joined.char_indices().map(|(at, c)| (at as u32, (at + c.len_utf8()) as u32));
        self.units.extend(ends);
    }
}

/// Appends the text in lower case, without ASCII punctuation, with one space for a run of white space and none
/// at its ends: as SlimPajama and, after it, OLMo 3 write texts before they cut them.
pub(super) fn plain_text(text: &str, plain: &mut String) {
    let begins = plain.len();
    let mut gap = false;
    for c in text.to_lowercase().chars().filter(|c| !c.is_ascii_punctuation()) {
        if is_space(c) {
            gap = true;
            continue;
        }
        if gap && plain.len() > begins {
            plain.push(' ');
        }
        gap = false;
        plain.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shingles(text: &str, tokens: Tokens, ngram: usize, short: bool) -> Vec<String> {
        let mut strings = Strings::default();
        strings.read(text, &Settings { tokens, ..Settings::default() });
        let mut found = Vec::new();
        strings.shingles(ngram, short, |shingle| found.push(shingle.to_owned()));
        found
    }

    #[test]
    fn shingles_are_what_peers_hash() {
        assert_eq!(shingles("The cat, 3 Cafés", Tokens::Simplified, 2, false), ["the cat", "cat 0", "0 cafes"]);
        assert_eq!(shingles("A  b\nc D", Tokens::Spaces, 2, false), ["a b\nc", "b\nc d"]);
        assert_eq!(shingles("A-b  c. É", Tokens::Normalized, 2, false), ["ab c", "c e\u{301}"]);
        assert_eq!(shingles("a, b_c", Tokens::NonWord, 2, false), ["a ", " b_c"]);
        assert_eq!(shingles("A字 b", Tokens::Characters, 3, false), ["A字 ", "字 b"]);
        assert_eq!(shingles("A字 b", Tokens::LowerCharacters, 3, false), ["a字 ", "字 b"]);
        assert_eq!(shingles(" A.字 \n b ", Tokens::PlainCharacters, 3, false), ["a字 ", "字 b"]);
    }

    #[test]
    fn fewer_units_than_a_shingle_has_are_one_or_none() {
        for tokens in
            [Tokens::Simplified, Tokens::Spaces, Tokens::Normalized, Tokens::Characters, Tokens::PlainCharacters]
        {
            assert_eq!(shingles("ab", tokens, 3, true), ["ab"]);
            assert!(shingles("ab", tokens, 3, false).is_empty());
            assert!(shingles("", tokens, 3, true).is_empty());
        }
    }
}
