//! The format of word lists: one entry on a line.

use crate::kit::list::{Malformed, text};

/// The entries of a list, in its order.
///
/// - UTF-8, with or without a byte order mark; lines end with LF or CRLF.
/// - `#` at the start of a line or behind white space begins a comment; within an entry (`C#`) it is part of it.
/// - `,`, `，`, `、` and `|` part the entries of one line. Everything else belongs to an entry: spaces
///   within it, dots, and `+`, which some lists put between words that are to occur together.
/// - White space around an entry is not part of it, and an empty entry is none.
///
/// # Errors
///
/// If a line is not UTF-8. Lists in another encoding are converted by their owner, who knows which.
pub fn entries(bytes: &[u8]) -> Result<Vec<&str>, Malformed> {
    let lines = text(bytes)?.split('\n').map(without_comment);
    Ok(lines
        .flat_map(|line| line.split([',', '，', '、', '|']))
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .collect())
}

/// What stands before a `#` that begins a comment.
fn without_comment(line: &str) -> &str {
    let begins = |&(at, _): &(usize, &str)| line[..at].chars().next_back().is_none_or(char::is_whitespace);
    line.match_indices('#').find(begins).map_or(line, |(at, _)| &line[..at])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_entry_on_a_line_and_comments_are_none() {
        assert_eq!(
            entries("# 注释\n法轮\n\n  two words \n#x\n武汉+光谷".as_bytes()).unwrap(),
            ["法轮", "two words", "武汉+光谷"]
        );
        assert!(entries(b"").unwrap().is_empty());
    }

    #[test]
    fn a_hash_behind_white_space_begins_a_comment_and_one_within_an_entry_does_not() {
        let list = "法轮 # 组织\ntwo words\t#x,y\nC#\nC# # a language\n　# alone";
        assert_eq!(entries(list.as_bytes()).unwrap(), ["法轮", "two words", "C#", "C#"]);
    }

    #[test]
    fn byte_order_marks_and_crlf_are_no_part_of_entries() {
        assert_eq!(entries("\u{feff}一二\r\n三四\r\n".as_bytes()).unwrap(), ["一二", "三四"]);
        assert_eq!(entries("\u{feff}# comment".as_bytes()).unwrap(), [""; 0]);
    }

    #[test]
    fn separators_within_a_line_part_entries() {
        assert_eq!(
            entries("考试,答案\n真、善、忍，\n气枪|电狗".as_bytes()).unwrap(),
            ["考试", "答案", "真", "善", "忍", "气枪", "电狗"]
        );
    }

    #[test]
    fn another_encoding_is_refused_with_its_line() {
        let gbk = b"abc\n\xb7\xa8\xc2\xd6\n";
        assert_eq!(entries(gbk).unwrap_err().to_string(), "line 2 is not UTF-8");
    }

    /// The inputs kept for fuzzing go through the same checks.
    #[test]
    fn the_corpus_of_the_fuzzer_is_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/word_lists");
        let mut files = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            super::super::check(&std::fs::read(file.unwrap().path()).unwrap());
            files += 1;
        }
        assert!(files > 5);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_entries_are_read_again_as_themselves(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            super::super::check(&bytes);
        }

        #[test]
        fn no_text_panics(text in "[ab法轮,，|#\r\n \u{feff}]{0,60}") {
            super::super::check(text.as_bytes());
        }
    }
}
