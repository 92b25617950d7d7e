//! Sentences by Unicode's rules, and by marks before white space alone: as MADLAD-400 is cut, and OLMo 3's data.

use unicode_segmentation::UnicodeSegmentation;

/// At the sentence boundaries of Unicode (UAX 29), without white space around them; none is empty.
pub(super) fn unicode(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).flat_map(str::split_sentence_bounds).map(str::trim).filter(|sentence| !sentence.is_empty())
}

/// Between runs of `.`, `!` and `?` with white space behind them; none is blank.
pub(super) fn marks(text: &str) -> impl Iterator<Item = &str> {
    split_at_marks(text).filter(|sentence| !sentence.trim().is_empty())
}

/// Most marks and spaces in a row behind a full stop.
const MAX_BEHIND_STOP: usize = 64;

/// Cuts where more marks and spaces follow a full stop. From each of them Unicode's rules look ahead for a small
/// letter, which takes time that grows with the square of their number.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut behind = None;
        for (at, c) in rest.char_indices() {
            behind = match behind {
                _ if matches!(c, '.' | '\u{2024}' | '\u{fe52}' | '\u{ff0e}') => Some(0),
                _ if c.is_alphanumeric() => None,
                Some(MAX_BEHIND_STOP) => {
                    let (piece, others) = rest.split_at(at);
                    rest = others;
                    return Some(piece);
                }
                Some(count) => Some(count + 1),
                None => None,
            };
        }
        Some(std::mem::take(&mut rest)).filter(|piece| !piece.is_empty())
    })
}

/// Cuts at runs of `.`, `!` and `?` with white space behind them, which belong to no piece.
fn split_at_marks(text: &str) -> impl Iterator<Item = &str> {
    let is_mark = |c| matches!(c, '.' | '!' | '?');
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut at = 0;
        while let Some(found) = text[at..].find(is_mark) {
            let end = at + found;
            let behind = text[end..].trim_start_matches(is_mark);
            let next = behind.trim_start();
            if next.len() < behind.len() {
                rest = Some(next);
                return Some(&text[..end]);
            }
            at = text.len() - behind.len();
        }
        rest = None;
        Some(text)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_long_runs_behind_a_full_stop_are_cut() {
        let cut = |run: usize| pieces(&format!("a.{}b", ")".repeat(run))).map(str::len).collect::<Vec<_>>();
        assert_eq!(cut(MAX_BEHIND_STOP), [MAX_BEHIND_STOP + 3]);
        assert_eq!(cut(MAX_BEHIND_STOP + 1), [MAX_BEHIND_STOP + 2, 2]);
        assert_eq!(pieces(&"-".repeat(1_000)).count(), 1);
        assert_eq!(pieces(&". ".repeat(1_000)).count(), 1);
        assert_eq!(pieces("").count(), 0);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_between_pieces(text in "([.)” \u{301}a字１]|[.][) ]{60,140}){0,9}") {
            prop_assert_eq!(pieces(&text).collect::<String>(), text);
        }

        #[test]
        fn marks_cut_as_the_regular_expression_does(text in "(a|字|\\.|!|\\?| |\n|\u{3000}){0,24}") {
            let plain: Vec<String> = regex::Regex::new(r"[.!?]+\s+").unwrap().split(&text).map(str::to_owned).collect();
            prop_assert_eq!(split_at_marks(&text).collect::<Vec<_>>(), plain);
        }
    }
}
