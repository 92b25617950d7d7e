//! Gopher's repetition rules as DCLM counts them: `massive_web_repetition_filters` of
//! mlfoundations/dclm (`baselines/mappers/filters/content_filters.py`, commit c7ed275).
//!
//! Of what is repeated every copy counts, the first included; shares are of the lines' own characters
//! or the words', so that white space and punctuation count for nothing.

use std::cell::RefCell;

use super::Measure;
use super::shared::{all_copies, chars, each_length};
use crate::kit::python::{is_letter_or_digit, strip};
use crate::kit::{Paragraphs, Runs, Text, Words};

pub(super) const SETTINGS: &str = "counting = \"dclm\"\n";

pub(super) const ABOUT: &str = "`massive_web_repetition_filters` of DCLM (arXiv:2406.11794; mlfoundations/dclm c7ed275, `content_filters.py`): every copy counts, the first included; a run of 2 to 4 words counts once it occurs twice, and of equally frequent ones the longest; of 5 to 10 words, every word that some repeated run covers. Words are Unicode's (UAX 29) that begin with a letter or digit, and shares are of their characters alone.";

thread_local! {
    static RUNS: RefCell<Runs> = RefCell::default();
}

pub(super) fn measure(text: &Text) -> Measure {
    let lines = all_copies(text.feed_lines().map(strip).filter(|line| !line.is_empty()), chars);
    if lines.elements == 0 {
        return Measure::default();
    }
    let paragraphs = text.paragraphs(Paragraphs::Pairs).map(strip).filter(|paragraph| !paragraph.is_empty());
    let paragraphs = all_copies(paragraphs, chars);
    let ngrams = RUNS.with_borrow_mut(|runs| {
        runs.refill(text.words(Words::Unicode).filter(|word| word.starts_with(is_letter_or_digit)));
        Ngrams::of(runs)
    });
    Measure {
        dup_paragraphs: Some(paragraphs.copies as f64 / paragraphs.elements as f64),
        dup_paragraph_chars: Some(paragraphs.copied_length as f64 / paragraphs.length as f64),
        dup_lines: Some(lines.copies as f64 / lines.elements as f64),
        dup_line_chars: Some(lines.copied_length as f64 / lines.length as f64),
        ..Measure::of_runs(ngrams.top, ngrams.covered)
    }
}

/// Shares of the words' characters; `None` if there is no run that long.
#[derive(Debug, Default, PartialEq)]
struct Ngrams {
    /// In all occurrences of the most frequent run of 2, 3 and 4 words, of equals the longest; none if
    /// no run occurs twice.
    top: [Option<f64>; 3],
    /// In words that some run of 5 to 10 words covers which occurs more than once.
    covered: [Option<f64>; 6],
}

impl Ngrams {
    fn of(runs: &Runs) -> Ngrams {
        let share = |chars: usize| Some(chars as f64 / runs.chars(0, runs.words()) as f64);
        let mut ngrams = Ngrams::default();
        each_length(runs, |found| match found.n {
            n @ 2..5 => ngrams.top[n - 2] = share(found.longest() * found.most),
            n => ngrams.covered[n - 5] = share(found.cover(found.repeated)),
        });
        ngrams
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::super::tests::{judged_as, measured_as};
    use super::*;
    use crate::kit::Verdict;

    #[test]
    fn every_copy_counts_and_blank_lines_do_not() {
        let measure = measured_as("dclm", "same\n\n same \n\nother line\n\n\nsame");
        assert_eq!(measure.dup_lines, Some(3.0 / 4.0));
        assert_eq!(measure.dup_line_chars, Some(12.0 / 22.0));
        assert_eq!(measure.dup_paragraphs, Some(3.0 / 4.0));
    }

    #[test]
    fn a_frequent_run_occurs_twice_and_is_the_longest_of_its_like() {
        assert_eq!(measured_as("dclm", "one two three").top_2gram_chars, Some(0.0));
        assert_eq!(measured_as("dclm", "one").top_2gram_chars, None);
        // "a b" and "long words" occur twice each; 24 characters in all.
        let measure = measured_as("dclm", "a b, x. a b! y long-words z (long words)");
        assert_eq!(measure.top_2gram_chars, Some(18.0 / 25.0));
    }

    #[test]
    fn reasons_are_those_of_the_rules() {
        assert_eq!(judged_as("dclm", " \n"), Verdict::Drop("empty_text"));
        assert_eq!(judged_as("dclm", ""), Verdict::Drop("empty_text"));
        assert_eq!(judged_as("dclm", "a\na\nb\nc\nd\ne"), Verdict::Drop("duplicate_lines"));
        assert_eq!(
            judged_as("dclm", "a\na\nbb\ncc\ndd\nee\nff"),
            Verdict::Keep,
            "two of seven lines, and few characters"
        );
        assert_eq!(judged_as("dclm", "一二三一二四一二"), Verdict::Drop("frequent_2gram"));
    }

    proptest! {
        #[test]
        fn runs_of_words_are_counted_as_plain_code_does(words in prop::collection::vec("[ab]{1,2}|字", 0..90)) {
            let found = Ngrams::of(&words.iter().map(String::as_str).collect());
            let length = |run: &[String]| run.iter().map(|word| word.chars().count()).sum::<usize>();
            let share = |chars: usize| Some(chars as f64 / length(&words) as f64);
            for n in 2..=10 {
                let mut counts: HashMap<&[String], usize> = HashMap::new();
                for run in words.windows(n) {
                    *counts.entry(run).or_default() += 1;
                }
                let most = counts.values().max().copied().unwrap_or(0);
                if n < 5 {
                    let longest = counts.iter().filter(|(_, count)| **count == most).map(|(run, _)| length(run)).max();
                    let top = longest.and_then(|longest| share(if most > 1 { longest * most } else { 0 }));
                    prop_assert_eq!(found.top[n - 2], top, "{} words", n);
                } else {
                    let repeats = |from: usize| words.get(from..from + n).is_some_and(|run| counts[run] > 1);
                    let covered = (0..words.len()).filter(|&at| (at.saturating_sub(n - 1)..=at).any(repeats));
                    let covered = covered.map(|at| words[at].chars().count()).sum();
                    prop_assert_eq!(found.covered[n - 5], share(covered).filter(|_| most > 0), "{} words", n);
                }
            }
        }
    }
}
