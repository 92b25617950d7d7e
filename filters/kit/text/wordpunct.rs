//! Runs of word characters and runs of other marks: `\w+|[^\w\s]+`, as the
//! `WordPunctTokenizer` of NLTK 3.10 cuts. (NLTK before it took `½` for a word and a combining mark for none.)

use super::{Span, push};
use crate::kit::python::is_regex_word;

#[derive(PartialEq, Eq, Clone, Copy)]
enum Class {
    Space,
    Word,
    Mark,
}

/// Cuts a text into words, marks included.
pub fn words(text: &str, spans: &mut Vec<Span>) {
    let (mut start, mut before) = (0, Class::Space);
    for (at, c) in text.char_indices() {
        let class = match c {
            'a'..='z' | 'A'..='Z' => Class::Word,
            ' ' => Class::Space,
            _ if is_regex_word(c) => Class::Word,
            _ if c.is_whitespace() => Class::Space,
            _ => Class::Mark,
        };
        if class != before {
            if before != Class::Space {
                push(spans, start, at);
            }
            (start, before) = (at, class);
        }
    }
    if before != Class::Space {
        push(spans, start, text.len());
    }
}
