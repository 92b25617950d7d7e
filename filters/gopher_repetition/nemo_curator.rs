//! Gopher's repetition rules as NeMo Curator 1.4.0 counts them
//! (`nemo_curator/stages/text/filters/heuristic/repetition/repetition.py`).
//!
//! Lines and paragraphs are compared as they are, and the set of them with the list; a frequent run of
//! words is looked for in the text as words with one space between. Of equally frequent runs the
//! original takes whichever its hash table happens to hold first, which changes from process to
//! process; here it is the first to be seen. A text of white space, which makes the original divide by
//! zero, is empty here.

use std::cell::RefCell;

use super::shared::each_length;
use super::{Config, Measure};
use crate::kit::python::words_and_spaces;
use crate::kit::{Paragraphs, Repeats, Runs, Text, Words, repeats};

pub(super) const SETTINGS: &str = "counting = \"nemo-curator\"\nwords = \"spaces\"\n";

pub(super) const ABOUT: &str = "The repetition filters of NeMo Curator 1.4.0 with the thresholds of its English configuration: lines and paragraphs by how much a set of them is smaller, the most frequent run of 2 to 4 words by what its removal from the text takes away, runs of 5 to 10 words without counting a word twice. A text of fewer words than a run has is dropped. For Chinese set `words = \"chinese\"`.";

thread_local! {
    static RUNS: RefCell<Runs> = RefCell::default();
}

pub(super) fn measure(config: &Config, text: &Text) -> Measure {
    let lines = text.feed_lines().filter(|line| !line.trim().is_empty());
    let line_chars: usize = lines.clone().map(|line| line.chars().count()).sum();
    if line_chars == 0 {
        return Measure::default();
    }
    let paragraphs = text.paragraphs(Paragraphs::Pairs);
    let paragraph_chars: usize = paragraphs.clone().map(|paragraph| paragraph.chars().count()).sum();
    let (lines, paragraphs) = (repeats(lines), repeats(paragraphs));
    let (top, copied) = if config.words == Words::Chinese {
        let words = words_and_spaces(text, Words::Chinese);
        RUNS.with_borrow_mut(|runs| {
            runs.refill(words.clone());
            shares(text, runs, words)
        })
    } else {
        shares(text, text.runs(config.words), text.words(config.words))
    };
    let pieces = |found: Repeats| Some(found.copies as f64 / found.elements as f64);
    Measure {
        dup_paragraphs: pieces(paragraphs),
        dup_paragraph_chars: Some(paragraphs.copied_chars as f64 / paragraph_chars as f64),
        dup_lines: pieces(lines),
        dup_line_chars: Some(lines.copied_chars as f64 / line_chars as f64),
        ..Measure::of_runs(top.map(Some), copied.map(Some))
    }
}

/// Shares of the text's characters in the most frequent runs of 2, 3 and 4 words, and in repeated ones
/// of 5 to 10. A text without a run that long counts as nothing but one.
fn shares<'a>(text: &Text, runs: &Runs, words: impl Iterator<Item = &'a str> + Clone) -> ([f64; 3], [f64; 6]) {
    let chars = text.char_count() as f64;
    let (mut top, mut dup) = ([1.0; 3], [1.0; 6]);
    each_length(runs, |found| match found.n {
        n @ 2..5 => {
            let run: Vec<&str> = words.clone().skip(found.first).take(n).collect();
            let run = run.join(" ");
            let times = memchr::memmem::find_iter(text.as_bytes(), &run).count();
            top[n - 2] = (times * run.chars().count()) as f64 / chars;
        }
        n => dup[n - 5] = (found.cover(found.later) + spaces(n, found.later)) as f64 / chars,
    });
    (top, dup)
}

/// Spaces that are counted with runs of `n` words: one for each word that no earlier run has counted,
/// but between the words of a run alone where all are new.
fn spaces(n: usize, starts: &[u32]) -> usize {
    let (mut spaces, mut end) = (0, 0);
    for start in starts.iter().map(|&start| start as usize) {
        spaces += (start + n - start.max(end)).min(n - 1);
        end = start + n;
    }
    spaces
}

#[cfg(test)]
mod tests {
    use super::super::tests::{built, judged_as, measured_as};
    use crate::kit::{Filter, Verdict};

    #[test]
    fn pieces_are_compared_as_they_are() {
        let measure = measured_as("nemo-curator", "same\n\n same\n\nsame\n\n\nother");
        assert_eq!(measure.dup_lines, Some(1.0 / 4.0), "`same` twice, ` same` and `other`; blank lines are none");
        assert_eq!(measure.dup_line_chars, Some(4.0 / 18.0));
        assert_eq!(measure.dup_paragraphs, Some(1.0 / 4.0));
        assert_eq!(measure.dup_paragraph_chars, Some(4.0 / 19.0), "`\\nother` has its line end");
    }

    #[test]
    fn a_frequent_run_is_looked_for_in_the_text() {
        // "is a" occurs twice as words, and once more within "this a"; not across the line end.
        let text = "is a x this a y is a z is\na";
        assert_eq!(measured_as("nemo-curator", text).top_2gram_chars, Some(12.0 / 27.0));
        assert_eq!(measured_as("nemo-curator", "one").top_2gram_chars, Some(1.0), "too short for a run");
    }

    #[test]
    fn a_word_is_counted_once() {
        // The second "a b c d e f" has two runs of five: ten characters and a space, then one and a space.
        let text = "a b c d e f g a b c d e f";
        assert_eq!(measured_as("nemo-curator", text).dup_5gram_chars, Some((5.0 + 4.0 + 1.0 + 1.0) / 25.0));
    }

    #[test]
    fn reasons_are_those_of_the_rules() {
        assert_eq!(judged_as("nemo-curator", ""), Verdict::Drop("empty_text"));
        assert_eq!(judged_as("nemo-curator", " \n"), Verdict::Drop("empty_text"));
        assert_eq!(judged_as("nemo-curator", "a\nb\nc\na\nb"), Verdict::Drop("duplicate_lines"));
        assert_eq!(judged_as("nemo-curator", "only three words"), Verdict::Drop("frequent_2gram"));
    }

    #[test]
    fn chinese_words_have_no_spaces_to_be_found_by() {
        let filter = built("counting = \"nemo-curator\"\nwords = \"chinese\"\n");
        let measure = filter.measure(&"欢迎光临本店，".repeat(20).as_str().into());
        assert_eq!(measure.top_2gram_chars, Some(0.0));
        assert!(measure.dup_5gram_chars.unwrap() > 0.9, "{measure:?}");
    }
}
