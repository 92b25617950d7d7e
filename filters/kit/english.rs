//! English stop words, and sentences by their marks alone: what RedPajama-V2 and dingo share.

use std::sync::LazyLock;

use xxhash_rust::xxh3::xxh3_64;

use super::python::is_word;

/// Whether a word, whatever its case, is one of the 570 stop words of `data/stop-words-en.txt`.
pub fn is_stop_word(word: &str) -> bool {
    find(word, true)
}

/// The same for a word in lower case; `The` is none.
pub fn is_lower_stop_word(word: &str) -> bool {
    find(word, false)
}

/// Slots of a table that is a third full. The words are few and known: no two have one hash.
const SLOTS: usize = 2048;

fn find(word: &str, fold: bool) -> bool {
    static TABLE: LazyLock<Vec<u64>> = LazyLock::new(|| {
        let mut table = vec![0; SLOTS];
        for word in include_str!("../data/stop-words-en.txt").lines() {
            let hash = xxh3_64(word.as_bytes());
            let mut at = hash as usize % SLOTS;
            while table[at] != 0 {
                at = (at + 1) % SLOTS;
            }
            table[at] = hash;
        }
        table
    });
    let mut buffer = [0; 16];
    let bytes = word.as_bytes();
    if bytes.len() > buffer.len() || bytes.is_empty() || !bytes[0].is_ascii_alphabetic() {
        return false; // all of them begin with a letter, and the longest has 13
    }
    let bytes = if fold {
        let buffer = &mut buffer[..bytes.len()];
        buffer.copy_from_slice(bytes);
        buffer.make_ascii_lowercase();
        &*buffer
    } else {
        bytes
    };
    let hash = xxh3_64(bytes);
    let mut at = hash as usize % SLOTS;
    while TABLE[at] != 0 {
        if TABLE[at] == hash {
            return true;
        }
        at = (at + 1) % SLOTS;
    }
    false
}

/// Sentences by the expression `\b[^.!?]+[.!?]*`. With `line_ends`, a line end is kept out of them too
/// (`\b[^.!?\n]+[.!?]*`), so that each line begins another.
pub fn count_marked(text: &str, line_ends: bool) -> usize {
    let ends = |c: char| matches!(c, '.' | '!' | '?') || line_ends && c == '\n';
    let (mut sentences, mut before) = (0, false);
    let mut rest = text;
    loop {
        // The next place where a word begins or ends, but for a mark.
        let found = rest.char_indices().find(|&(_, c)| {
            let word = is_word(c);
            let boundary = word != before;
            before = word;
            boundary && !ends(c)
        });
        let Some((at, _)) = found else { return sentences };
        sentences += 1;
        let sentence = &rest[at..];
        let end = sentence.find(ends).unwrap_or(sentence.len());
        let marks = sentence[end..].bytes().take_while(|byte| matches!(byte, b'.' | b'!' | b'?')).count();
        before = marks == 0 && sentence[..end].chars().next_back().is_some_and(is_word);
        rest = &sentence[end + marks..];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stop_words_are_found() {
        assert!(is_stop_word("The") && is_stop_word("zero") && is_lower_stop_word("a"));
        assert!(!is_stop_word("river") && !is_lower_stop_word("The") && !is_stop_word("") && !is_stop_word("的"));
        assert!(include_str!("../data/stop-words-en.txt").lines().all(is_stop_word));
    }

    proptest! {
        #[test]
        fn sentences_are_those_of_the_expression(text in "[ab .!?\n,字。]{0,40}") {
            let count = |pattern: &str| regex::Regex::new(pattern).unwrap().find_iter(&text).count();
            prop_assert_eq!(count_marked(&text, false), count(r"\b[^.!?]+[.!?]*"));
            prop_assert_eq!(count_marked(&text, true), count(r"\b[^.!?\n]+[.!?]*"));
        }
    }
}
