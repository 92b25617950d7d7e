//! Runs of word characters and runs of other marks: `\w+|[^\w\s]+`, as NLTK's `WordPunctTokenizer` cuts.

use super::{Span, push};
use crate::kit::python::{is_space, is_word};

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
            _ if is_word(c) => Class::Word,
            _ if is_space(c) => Class::Space,
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
