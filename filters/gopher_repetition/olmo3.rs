//! Gopher's repetition rules as the heuristics of OLMo 3 count them: `massive_web_repetition_filter` of
//! allenai/datamap-rs (`src/map_fxn.rs`, commit 2629281), behind a step that leaves no more than two line
//! ends in a row.

use std::cell::RefCell;

use super::shared::{all_copies, each_length};
use super::{Measure, lines};
use crate::kit::{Paragraphs, Runs, Text, Words, is_wordly};

pub(super) const SETTINGS: &str = "counting = \"olmo3\"\n";

pub(super) const ABOUT: &str = "`massive_web_repetition_filter` of the heuristics of OLMo 3 (allenai/datamap-rs 2629281): as DCLM's, with lengths in bytes and lines and paragraphs as they are, white space at their ends included; of the most frequent run of 2 to 4 words, the longest of its like, each word counts once, however many of the run's copies it belongs to; of a single run that long there is nothing to say. Line ends count as after `newline_removal_modifier`, which stands before it.";

thread_local! {
    static RUNS: RefCell<Runs> = RefCell::default();
}

pub(super) fn measure(text: &Text) -> Measure {
    let lines = all_copies(lines(text).filter(|line| !line.is_empty()), str::len);
    if lines.elements == 0 {
        return Measure::default();
    }
    let paragraphs = all_copies(text.paragraphs(Paragraphs::Loose), str::len);
    let shares = RUNS.with_borrow_mut(|runs| {
        let words = text.word_spans(Words::Unicode).iter().copied();
        let is_wordly = |&(start, end): &(u32, u32)| is_wordly(&text[start as usize..end as usize]);
        runs.refill_bytes(text, words.filter(is_wordly));
        Shares::of(runs)
    });
    // One piece is no copy of itself: its share is 0, as it is.
    let share = |part: usize, whole: usize| Some(part as f64 / whole as f64);
    Measure {
        dup_paragraphs: share(paragraphs.copies, paragraphs.elements),
        dup_paragraph_chars: share(paragraphs.copied_length, paragraphs.length),
        dup_lines: share(lines.copies, lines.elements),
        dup_line_chars: share(lines.copied_length, lines.length),
        ..Measure::of_runs(shares.top, shares.covered)
    }
}

/// Shares of the words' bytes; `None` if there is no run that long.
#[derive(Debug, Default, PartialEq)]
struct Shares {
    /// In words of the most frequent run of 2, 3 and 4 words, if it occurs twice.
    top: [Option<f64>; 3],
    /// In words that some run of 5 to 10 words covers which occurs more than once.
    covered: [Option<f64>; 6],
}

impl Shares {
    fn of(runs: &Runs) -> Shares {
        let share = |length: usize| Some(length as f64 / runs.chars(0, runs.words()) as f64);
        let mut shares = Shares::default();
        let mut starts = Vec::new();
        each_length(runs, |found| match found.n {
            n @ 2..5 => {
                starts.clear();
                found.longest_frequent(&mut starts);
                shares.top[n - 2] = share(found.cover(&starts));
            }
            n => shares.covered[n - 5] = share(found.cover(found.repeated)),
        });
        shares
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
    fn every_copy_counts_as_it_stands() {
        let measure = measured_as("olmo3", "same\n\n\n same \n\nother line\n\nsame");
        assert_eq!(measure.dup_lines, Some(2.0 / 4.0));
        assert_eq!(measure.dup_line_chars, Some(8.0 / 24.0));
        assert_eq!(measure.dup_paragraphs, Some(2.0 / 4.0));
    }

    #[test]
    fn words_of_the_most_frequent_run_count_once() {
        assert_eq!(measured_as("olmo3", "one two three").top_2gram_chars, Some(0.0));
        assert_eq!(measured_as("olmo3", "one").top_2gram_chars, None);
        assert_eq!(measured_as("olmo3", "a, a. a! a (a) long long-long").top_2gram_chars, Some(5.0 / 17.0));
        assert_eq!(measured_as("olmo3", "字 a 字 a b").top_2gram_chars, Some(8.0 / 9.0));
    }

    #[test]
    fn reasons_are_those_of_the_rules() {
        assert_eq!(judged_as("olmo3", "\n"), Verdict::Drop("empty_text"));
        assert_eq!(judged_as("olmo3", ""), Verdict::Drop("empty_text"));
        assert_eq!(judged_as("olmo3", " \n"), Verdict::Keep);
        assert_eq!(judged_as("olmo3", "a\na\nb\nc\nd\ne"), Verdict::Drop("duplicate_lines"));
        assert_eq!(judged_as("olmo3", "一二三一二四一二"), Verdict::Drop("frequent_2gram"));
    }

    proptest! {
        #[test]
        fn runs_of_words_are_counted_as_plain_code_does(words in prop::collection::vec("[ab]{1,2}|字", 0..90)) {
            let mut runs = Runs::default();
            let mut ends = words.iter().scan(0, |end, word| {
                *end += word.len() as u32;
                Some((*end - word.len() as u32, *end))
            });
            runs.refill_bytes(&words.concat(), &mut ends);
            let found = Shares::of(&runs);
            let length = |run: &[String]| run.iter().map(String::len).sum::<usize>();
            for n in 2..=10 {
                let mut counts: HashMap<&[String], usize> = HashMap::new();
                for run in words.windows(n) {
                    *counts.entry(run).or_default() += 1;
                }
                let covered_by = |wanted: &dyn Fn(&[String]) -> bool| {
                    let begins = |from: usize| words.get(from..from + n).is_some_and(wanted);
                    let covered = (0..words.len()).filter(|&at| (at.saturating_sub(n - 1)..=at).any(begins));
                    covered.map(|at| words[at].len()).sum::<usize>() as f64 / length(&words) as f64
                };
                if n < 5 {
                    // Of equals of one length any may be meant.
                    let best = counts.iter().filter(|(_, count)| **count > 1).map(|(run, count)| (*count, length(run))).max();
                    let likes = counts.iter().filter(|(run, count)| best == Some((**count, length(run))));
                    let shares: Vec<f64> = likes.map(|(like, _)| covered_by(&|run| run == *like)).collect();
                    match found.top[n - 2] {
                        None => prop_assert!(words.len() < n),
                        Some(top) => prop_assert!(shares.contains(&top) || shares.is_empty() && top == 0.0, "{} of {:?}", top, shares),
                    }
                } else {
                    let share = Some(covered_by(&|run| counts[run] > 1)).filter(|_| words.len() >= n);
                    prop_assert_eq!(found.covered[n - 5], share, "{} words", n);
                }
            }
        }
    }
}
