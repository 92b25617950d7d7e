//! Spans of a text: lines, paragraphs, sentences and runs of them, each with a hash that tells copies.
//!
//! The parts of a text are cut by [`Cutter::parts`]; what lies between two parts is white space. A span is a run of
//! [`window`](Cutter::window) parts and is numbered by its first one.

mod tidy;

use std::ops::Range;

use memchr::memchr_iter;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{Words, sentences};
use xxhash_rust::xxh3::Xxh3;

use crate::normal::Normal;
pub use tidy::without;

/// What a part of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// What stands between two line ends (`\n`).
    Line,
    /// Lines that follow one another without an empty one.
    Paragraph,
    /// A sentence. None goes on over a line end.
    Sentence,
}

/// How sentences are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sentences {
    /// Behind `.`, `!`, `?` before white space, and behind `。`, `！`, `？`, closing quotes and brackets included.
    Marks,
    /// As spaCy's sentencizer does over the words of a language; a sentence may go on over a line end.
    Spacy,
}

/// Cuts a text into parts, and hashes its spans.
#[derive(Debug, Clone, Copy)]
pub struct Cutter {
    /// What a part is.
    pub unit: Unit,
    /// How sentences are found.
    pub sentences: Sentences,
    /// How words are found, for spaCy's sentences.
    pub words: Words,
    /// Parts in a span.
    pub window: usize,
    /// What counts as equal.
    pub normal: Normal,
    /// The least characters of a span that has a hash, white space between its parts left out.
    pub min_chars: usize,
}

/// Where a part lies in its text, in bytes.
pub type Part = Range<u32>;

/// The bytes of a part.
pub fn bytes(part: &Part) -> Range<usize> {
    part.start as usize..part.end as usize
}

impl Cutter {
    /// The parts of a text, none of them blank.
    pub fn parts(&self, text: &str, parts: &mut Vec<Part>) {
        parts.clear();
        match (self.unit, self.sentences) {
            (Unit::Line, _) => lines(text, |line| parts.push(line)),
            (Unit::Paragraph, _) => paragraphs(text, parts),
            (Unit::Sentence, Sentences::Marks) => lines(text, |line| cut_at_marks(text, line, parts)),
            (Unit::Sentence, Sentences::Spacy) => {
                let start = text.as_ptr() as usize;
                parts.extend(sentences(text, self.words).into_iter().map(|sentence| {
                    let at = sentence.as_ptr() as usize - start;
                    at as u32..(at + sentence.len()) as u32
                }));
            }
        }
    }

    /// Gives the number and the hash of each span that counts. `room` is used again from text to text.
    pub fn spans(&self, text: &str, parts: &[Part], room: &mut Vec<(u128, u32)>, mut each: impl FnMut(u32, u128)) {
        if self.window == 1 {
            for (number, part) in parts.iter().enumerate() {
                let part = &text[bytes(part)];
                if has_chars(part, self.min_chars)
                    && let Some(hash) = self.normal.hash(part)
                {
                    each(number as u32, hash);
                }
            }
            return;
        }
        if parts.len() < self.window {
            return;
        }
        room.clear();
        room.extend(parts.iter().map(|part| {
            let part = &text[bytes(part)];
            (self.normal.hash(part).unwrap_or(0), part.chars().count() as u32)
        }));
        for (number, span) in room.windows(self.window).enumerate() {
            let chars: usize = span.iter().map(|&(_, chars)| chars as usize).sum();
            if chars >= self.min_chars && span.iter().any(|&(hash, _)| hash != 0) {
                let mut hasher = Xxh3::new();
                span.iter().for_each(|(hash, _)| hasher.update(&hash.to_le_bytes()));
                each(number as u32, hasher.digest128());
            }
        }
    }
}

/// Whether a text has so many characters; most are told by their bytes.
fn has_chars(text: &str, least: usize) -> bool {
    text.len() >= least && (text.len() / 4 >= least || text.chars().nth(least.saturating_sub(1)).is_some())
}

/// Lines that are not blank, without their end.
fn lines(text: &str, mut each: impl FnMut(Part)) {
    let mut start = 0;
    for end in memchr_iter(b'\n', text.as_bytes()).chain([text.len()]) {
        let line = &text[start..end];
        let line = line.strip_suffix('\r').unwrap_or(line);
        if !line.trim_start().is_empty() {
            each(start as u32..(start + line.len()) as u32);
        }
        start = end + 1;
    }
}

fn paragraphs(text: &str, parts: &mut Vec<Part>) {
    lines(text, |line| match parts.last_mut() {
        Some(last) if memchr_iter(b'\n', &text.as_bytes()[last.end as usize..line.start as usize]).count() == 1 => {
            last.end = line.end;
        }
        _ => parts.push(line),
    });
}

/// Bytes that a mark at the end of a sentence begins with.
const MAY_END: [bool; 256] = {
    let mut may = [false; 256];
    let mut at = 0;
    while at < 5 {
        may[[b'.', b'!', b'?', 0xe3, 0xef][at] as usize] = true;
        at += 1;
    }
    may
};

/// Cuts a line into sentences, without the white space between them.
fn cut_at_marks(text: &str, line: Part, parts: &mut Vec<Part>) {
    let (mut start, end) = (line.start as usize, line.end as usize);
    let bytes = text.as_bytes();
    let mut at = start;
    while at < end {
        let Some(found) = bytes[at..end].iter().position(|&byte| MAY_END[usize::from(byte)]) else { break };
        at += found;
        let wide = match &bytes[at..end] {
            [0xe3, 0x80, 0x82, ..] | [0xef, 0xbc, 0x81 | 0x9f, ..] => true,
            [0xe3 | 0xef, ..] => {
                at += 3;
                continue;
            }
            _ => false,
        };
        at += if wide { 3 } else { 1 };
        let rest = &text[at..end];
        let behind = rest.trim_start_matches(|c| matches!(c, '.' | '!' | '?' | '。' | '！' | '？') || closes(c));
        let next = end - behind.len();
        let gap = behind.len() - behind.trim_start().len();
        if wide || gap > 0 || rest[..next - at].contains(['。', '！', '？']) {
            parts.push(start as u32..next as u32);
            start = next + gap;
        }
        at = next + gap;
    }
    let rest = &text[start.min(end)..end];
    if !rest.trim().is_empty() {
        parts.push(start as u32..(start + rest.trim_end().len()) as u32);
    }
}

/// Whether a character may stand between the mark of a sentence and its end.
fn closes(c: char) -> bool {
    matches!(c, '"' | '\'' | ')' | ']' | '”' | '’' | '」' | '』' | '）' | '》' | '】')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(super) fn cutter(unit: Unit, window: usize) -> Cutter {
        let (sentences, words, normal) = (Sentences::Marks, Words::English, Normal::Folded);
        Cutter { unit, sentences, words, window, normal, min_chars: 1 }
    }

    fn cut(unit: Unit, text: &str) -> Vec<&str> {
        let mut parts = Vec::new();
        cutter(unit, 1).parts(text, &mut parts);
        parts.iter().map(|part| &text[bytes(part)]).collect()
    }

    #[test]
    fn lines_paragraphs_and_sentences_are_cut() {
        let text = "One two.\r\n  three\n \n\n四。五！六";
        assert_eq!(cut(Unit::Line, text), ["One two.", "  three", "四。五！六"]);
        assert_eq!(cut(Unit::Paragraph, text), ["One two.\r\n  three", "四。五！六"]);
        assert_eq!(cut(Unit::Sentence, text), ["One two.", "  three", "四。", "五！", "六"]);
        let text = "He said \"No!\" Then v1.5 came... \u{3000}她说：「走。」他不走！？end";
        assert_eq!(
            cut(Unit::Sentence, text),
            ["He said \"No!\"", "Then v1.5 came...", "她说：「走。」", "他不走！？", "end"]
        );
        assert!(cut(Unit::Sentence, " \n ").is_empty());
    }

    #[test]
    fn short_spans_have_no_hash_and_copies_have_the_same() {
        let spans = |cutter: &Cutter, text: &str| {
            let (mut parts, mut found) = (Vec::new(), Vec::new());
            cutter.parts(text, &mut parts);
            cutter.spans(text, &parts, &mut Vec::new(), |number, hash| found.push((number, hash)));
            found
        };
        let lines = Cutter { min_chars: 4, ..cutter(Unit::Line, 1) };
        let found = spans(&lines, "abc\nabcd\n四个汉\n四个汉字\nABCD!");
        assert_eq!(found.iter().map(|&(number, _)| number).collect::<Vec<_>>(), [1, 3, 4]);
        assert_eq!(found[0].1, found[2].1);
        let three = cutter(Unit::Sentence, 3);
        let found = spans(&three, "A b. C d. E f. G h. A b. C d. E f.");
        assert_eq!(found.len(), 5);
        assert_eq!(found[0].1, found[4].1);
        assert!(spans(&three, "A. B.").is_empty());
    }

    proptest! {
        #[test]
        fn between_parts_is_nothing_but_white_space(text in "(\\PC{0,9}|[ab.!?。！？\" \r\n\t」]{0,9}){0,9}") {
            for unit in [Unit::Line, Unit::Paragraph, Unit::Sentence] {
                for sentences in [Sentences::Marks, Sentences::Spacy] {
                    let mut parts = Vec::new();
                    Cutter { sentences, ..cutter(unit, 1) }.parts(&text, &mut parts);
                    let mut last = 0;
                    for part in &parts {
                        prop_assert!(!text[bytes(part)].trim().is_empty());
                        prop_assert!(text[last..part.start as usize].trim().is_empty());
                        last = part.end as usize;
                    }
                    prop_assert!(text[last..].trim().is_empty());
                }
            }
        }
    }
}
