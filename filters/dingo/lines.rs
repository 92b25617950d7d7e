//! What the rules about lines count.

use super::trimmed_end;
use crate::kit::python::is_space;
use crate::kit::{REDPAJAMA_BULLETS, Without};

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Lines with more than white space.
    pub lines: usize,
    /// Those that end with `...` or `…`.
    pub ellipses: usize,
    /// Those that end with `.`, `!`, `?` or `"`.
    pub ended: usize,
    /// Those that begin with a bullet.
    pub bullets: usize,
    /// Lines with more than white space and punctuation.
    pub wordly: usize,
    /// Those with the word `javascript`, whatever its case and the punctuation in it.
    pub javascript: usize,
}

pub fn look<'a>(lines: impl Iterator<Item = &'a str>) -> Lines {
    let mut found = Lines::default();
    for line in lines {
        let line = trimmed_end(line);
        if line.is_empty() {
            continue;
        }
        found.lines += 1;
        found.ellipses += usize::from(line.ends_with("...") || line.ends_with('…'));
        found.ended += usize::from(line.ends_with(['.', '!', '?', '"']));
        found.bullets += usize::from(line.trim_start_matches(is_space).starts_with(REDPAJAMA_BULLETS));
        let keeps = |c: char| !is_space(c) && !Without::Chinese.removes(c);
        if line.chars().any(keeps) {
            found.wordly += 1;
            found.javascript += usize::from(javascript(line));
        }
    }
    found
}

fn javascript(line: &str) -> bool {
    // Only marks may stand between the letters, so the rest is not looked at without a first one.
    const WORD: &[u8] = b"javascript";
    let bytes = line.as_bytes();
    memchr::memchr2_iter(b'j', b'J', bytes).any(|start| {
        let mut letters = WORD.iter();
        let mut letter = letters.next();
        // A run of marks is looked at once for each `j` before it, and between two there is none.
        for c in line[start..].chars() {
            match letter {
                Some(&wanted) if c.to_ascii_lowercase() as u32 == u32::from(wanted) => letter = letters.next(),
                None => return true,
                Some(_) if Without::Chinese.removes(c) => {}
                Some(_) => return false,
            }
        }
        letter.is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted() {
        let look = |text: &str| look(text.split('\n'));
        let found = look("• One.\n \n – two…\nthree...\n---\nJava-Script\nuse JAVASCRIPT now!");
        assert_eq!(found, Lines { lines: 6, ellipses: 2, ended: 3, bullets: 2, wordly: 5, javascript: 2 });
        assert_eq!(look(""), Lines::default());
        assert!(!javascript("java script") && !javascript("javascrip") && javascript("xjavascripts"));
    }
}
