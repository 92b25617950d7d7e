//! Sentences, as spaCy's sentencizer cuts them.

use std::cell::Cell;

use super::spacy::{self, Rules};
use super::words::{Words, cut};
use super::{KEPT_SPANS, Letters, Span};
use crate::kit::is_punctuation;

/// Sentences of a text, as spaCy's sentencizer counts them over its words: one ends with a mark such
/// as `.`, `!` or `。`, and the next begins with the first word behind it that is no punctuation.
pub fn count_sentences(text: &str, how: Words) -> usize {
    match how.rules() {
        Some(rules) => by_chunks(text, rules),
        None => with_spans(|spans| {
            cut(text, how, spans);
            let mut count = Count::default();
            count.read(text, spans);
            count.sentences
        }),
    }
}

/// The sentences that [`count_sentences`] counts, without white space around them. Where there is white
/// space other than a single space behind a mark, the next one begins there, whatever it begins with.
///
/// Of a whole document they are [`Text::sentences`](super::Text::sentences), which looks at words once.
pub fn sentences(text: &str, how: Words) -> Vec<&str> {
    with_spans(|spans| {
        cut(text, how, spans);
        let mut found = Vec::new();
        each(text, spans, |from, to| found.push(&text[from..to]));
        found
    })
}

/// How a text is cut into sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sentences {
    /// As [`sentences`] cuts them out of words: spaCy's, and so datatrove's.
    By(Words),
    /// At the sentence boundaries of Unicode (UAX 29), which every line end is, without white space around them.
    Unicode,
    /// Between `.`, `!` and `?` before white space, which fall away, as datamap-rs cuts; blank ones are left out.
    Marks,
}

impl Sentences {
    /// How many ways there are.
    pub(super) const COUNT: usize = Words::COUNT + 2;

    /// The number of this one.
    pub(super) fn number(self) -> usize {
        match self {
            Sentences::By(words) => words as usize,
            Sentences::Unicode => Words::COUNT,
            Sentences::Marks => Words::COUNT + 1,
        }
    }
}

/// Where each sentence begins and ends in a text that has been cut into these words.
pub(super) fn each(text: &str, words: &[Span], mut found: impl FnMut(usize, usize)) {
    let (mut from, mut last, mut ended) = (None, 0, false);
    for &(start, end) in words {
        let (start, end) = (start as usize, end as usize);
        let word = &text[start..end];
        let mark = ends_sentence(word);
        let apart = !matches!(&text[last..start], "" | " ");
        if ended && (apart || !mark && !word.chars().all(is_punctuation)) {
            if let Some(from) = from.replace(start) {
                found(from, last);
            }
            ended = false;
        }
        ended |= mark;
        from.get_or_insert(start);
        last = end;
    }
    if let Some(from) = from {
        found(from, last);
    }
}

fn with_spans<R>(work: impl FnOnce(&mut Vec<Span>) -> R) -> R {
    thread_local! {
        static SPANS: Cell<Vec<Span>> = const { Cell::new(Vec::new()) };
    }
    let mut spans = SPANS.take();
    spans.clear();
    let result = work(&mut spans);
    spans.shrink_to(KEPT_SPANS);
    SPANS.set(spans);
    result
}

#[derive(Default)]
struct Count {
    sentences: usize,
    /// Behind the mark that ends one.
    ended: bool,
}

impl Count {
    fn read(&mut self, text: &str, words: &[Span]) {
        for &(start, end) in words {
            let word = &text[start as usize..end as usize];
            if self.sentences == 0 {
                self.sentences = 1;
            }
            if ends_sentence(word) {
                self.ended = true;
            } else if self.ended && !word.chars().all(is_punctuation) {
                self.sentences += 1;
                self.ended = false;
            }
        }
    }
}

/// spaCy's rules look at one chunk between white space at a time, so only chunks with a mark in them,
/// and the word behind, need to be cut.
fn by_chunks(text: &str, rules: Rules) -> usize {
    let bytes = text.as_bytes();
    let cutter = spacy::Cutter::of(rules);
    let mut letters = Letters::of(bytes);
    with_spans(|spans| {
        let mut count = Count { sentences: usize::from(!text.trim_start().is_empty()), ended: false };
        let mut at = 0;
        while at < text.len() {
            let start = if count.ended {
                // A chunk of letters, perhaps with a mark behind, begins a sentence whatever it is cut into.
                let end = letters.end(at);
                if end > at {
                    if spacy::is_space(bytes, end) {
                        count = Count { sentences: count.sentences + 1, ended: false };
                        at = end + 1;
                        continue;
                    }
                    if cutter.comes_off(text, at, end) {
                        let mark = matches!(bytes[end], b'.' | b'!' | b'?');
                        count = Count { sentences: count.sentences + 1, ended: mark };
                        at = end + 2;
                        continue;
                    }
                }
                let rest = &text[at..];
                at + rest.len() - rest.trim_start().len()
            } else {
                let Some(mark) = find_mark(text, at) else { break };
                let start = start_of_chunk(text, at, mark);
                // The same with a mark behind: it ends one.
                if start < mark && letters.end(start) == mark && cutter.comes_off(text, start, mark) {
                    count.ended = true;
                    at = mark + 2;
                    continue;
                }
                start
            };
            let end = start + text[start..].find(char::is_whitespace).unwrap_or(text.len() - start);
            spans.clear();
            cutter.chunk(text, start, end, spans);
            count.read(text, spans);
            at = end + text[end..].chars().next().map_or(1, char::len_utf8);
        }
        count.sentences
    })
}

/// Where the chunk begins that `within` is in, not before `from`.
fn start_of_chunk(text: &str, from: usize, within: usize) -> usize {
    let bytes = text.as_bytes();
    let mut start = within;
    while start > from && bytes[start - 1].is_ascii_graphic() {
        start -= 1;
    }
    if start == from || bytes[start - 1].is_ascii() && bytes[start - 1].is_ascii_whitespace() {
        return start;
    }
    let before = &text[from..start];
    let space = before.rfind(char::is_whitespace);
    from + space.map_or(0, |space| space + before[space..].chars().next().map_or(0, char::len_utf8))
}

/// First bytes of the marks that end a sentence.
const LEADS: [bool; 256] = {
    let mut leads = [false; 256];
    let mut at = 0;
    while at < MARKS.len() {
        // The first byte of the character's UTF-8.
        let code = MARKS[at] as u32;
        let lead = match code {
            0..0x80 => code,
            0x80..0x800 => 0xc0 | code >> 6,
            _ => 0xe0 | code >> 12,
        };
        leads[lead as usize] = true;
        at += 1;
    }
    leads
};

/// Where the next mark stands that could end a sentence.
fn find_mark(text: &str, mut from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    loop {
        let at = from + bytes[from..].iter().position(|&byte| LEADS[usize::from(byte)])?;
        if bytes[at].is_ascii() {
            return Some(at);
        }
        let c = text[at..].chars().next().expect("a first byte begins a character");
        if MARKS.contains(&c) {
            return Some(at);
        }
        from = at + c.len_utf8();
    }
}

/// spaCy's, but for scripts beyond the basic plane and those hardly ever met.
const MARKS: [char; 33] = [
    '!', '.', '?', '։', '؟', '۔', '܀', '܁', '܂', '߹', '।', '॥', '၊', '။', '።', '፧', '፨', '᠃', '᠉', '‼', '‽', '⁇', '⁈',
    '⁉', '⸮', '。', '﹒', '﹖', '﹗', '！', '．', '？', '｡',
];

fn ends_sentence(word: &str) -> bool {
    let mut characters = word.chars();
    let (Some(mark), None) = (characters.next(), characters.next()) else { return false };
    MARKS.contains(&mark)
}

/// [`count_sentences`] without a short cut.
#[cfg(any(test, fuzzing))]
pub(super) fn plainly(text: &str, how: Words) -> usize {
    let mut spans = Vec::new();
    cut(text, how, &mut spans);
    let mut count = Count::default();
    count.read(text, &spans);
    count.sentences
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sentences_end_with_their_marks() {
        let count = |text| count_sentences(text, Words::English);
        assert_eq!(count("One. Two! \"Three?\" Four"), 4);
        assert_eq!(count("No mark here"), 1);
        assert_eq!(count(" "), 0);
        assert_eq!(count("Mr. Smith paid 3.5 dollars... Then he left."), 1);
        assert_eq!(count_sentences("第一句。第二句！第三句", Words::Chinese), 3);
    }

    #[test]
    fn sentences_are_cut_out_without_what_stands_between() {
        let found = sentences(" One is here! (Two.)  Three\nof them…\n\"Four\" is.\n", Words::English);
        assert_eq!(found, ["One is here! (", "Two.)", "Three\nof them…\n\"Four\" is."]);
        assert!(sentences(" \n", Words::English).is_empty());
    }

    proptest! {
        #[test]
        fn sentences_are_those_of_the_whole_text_cut_into_words(
            text in "([a-zA-Z]{0,3}|Mr\\.|e\\.g\\.|[.!?…。！\"')(]|\u{3000}| |\n|’|字|é){0,40}"
        ) {
            for how in [Words::English, Words::General, Words::German, Words::French, Words::Arabic] {
                prop_assert_eq!(count_sentences(&text, how), plainly(&text, how));
            }
        }
    }
}
