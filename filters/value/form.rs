//! What single characters and whole lines tell of the form of a text.

use std::cell::RefCell;

use xxhash_rust::xxh3::xxh3_64;

use crate::kit::{Table, Text};

/// What is counted along the characters.
#[derive(Debug, Default, PartialEq)]
pub struct Form {
    /// Characters of code: `{}[]()/\_#*;`.
    pub code: u64,
    /// Controls, characters for private use, replacements of broken ones.
    pub odd: u64,
    /// Marks and symbols that are the character before them again.
    pub runs: u64,
    /// Marks within sentences and at their ends.
    pub marks: u64,
    /// Those of them that begin a line or stand behind white space.
    pub misplaced: u64,
    /// Visible characters of lines that were said before.
    pub repeated: u64,
}

fn is_mark(c: char) -> bool {
    matches!(c, ',' | '.' | ';' | ':' | '!' | '?' | '，' | '。' | '、' | '；' | '：' | '！' | '？')
}

fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..)
}

/// Counts.
pub fn form(text: &Text) -> Form {
    let mut form = Form::default();
    let mut before = '\n';
    for c in text.chars() {
        if c.is_ascii() {
            form.code += u64::from(matches!(c, '{' | '}' | '[' | ']' | '(' | ')' | '/' | '\\' | '_' | '#' | '*' | ';'));
            form.odd += u64::from(c.is_ascii_control() && !c.is_ascii_whitespace() && c != '\u{b}');
        } else {
            form.odd += u64::from(c == '\u{fffd}' || c.is_control() && !c.is_whitespace() || is_private(c));
        }
        let again = c == before;
        if again && !c.is_alphanumeric() && !c.is_whitespace() {
            form.runs += 1;
        }
        if is_mark(c) && !again {
            form.marks += 1;
            form.misplaced += u64::from(before.is_whitespace());
        }
        before = c;
    }
    form.repeated = repeated(text);
    form
}

fn repeated(text: &Text) -> u64 {
    thread_local! {
        static SEEN: RefCell<Table> = RefCell::default();
    }
    SEEN.with_borrow_mut(|seen| {
        let lines = text.lines();
        seen.start(lines.len());
        let again = lines.map(str::trim).filter(|line| !line.is_empty() && seen.count(xxh3_64(line.as_bytes())) > 1);
        again.map(|line| line.chars().filter(|c| !c.is_whitespace()).count() as u64).sum()
    })
}
