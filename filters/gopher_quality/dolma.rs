//! Gopher's quality rules as Dolma counts them: the tagger `gopher_v1`
//! (`python/dolma/taggers/gopher.py`, dolma 1.2.1) and the thresholds of its mixer
//! (`configs/dolma-v1_5/mixing/cc-head.yaml`).

use std::cell::RefCell;

use super::stop_words::StopWords;
use super::{Measure, length};
use crate::kit::python::is_letter;
use crate::kit::{Text, Words, share};

pub(super) const SETTINGS: &str = "counting = \"dolma\"\nmin_mean_chars = 0\nmax_mean_chars = inf\nmin_median_chars = 3\nmax_median_chars = 10\nmax_symbols_per_word = 0.1\nmax_hashes_per_word = inf\nmax_ellipses_per_word = inf\n";

pub(super) const ABOUT: &str = "Dolma's tagger `gopher_v1` (dolma 1.2.1) with the thresholds of the mixer of Dolma 1.5 (`configs/dolma-v1_5/mixing/cc-head.yaml`): words are cut at white space, their median length counts and not the mean, and a symbol is a word with `#` or `…`; `...` is none, and a bullet is `*` or `-` at the very start of a line.";

/// Words for whose lengths there is room from one document to the next: 4 MiB.
const KEPT_WORDS: usize = 1 << 20;

thread_local! {
    static LENGTHS: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

pub(super) fn measure(stops: &StopWords, text: &Text) -> Measure {
    let (mut chars, mut alphabetic, mut symbols, mut stop_words) = (0, 0, 0, 0);
    let words = text.words(Words::Spaces).len() as u64;
    let median = LENGTHS.with_borrow_mut(|lengths| {
        lengths.clear();
        lengths.shrink_to(KEPT_WORDS);
        for &(start, end) in text.word_spans(Words::Spaces) {
            let (start, end) = (start as usize, end as usize);
            let word = &text[start..end];
            let length = length(word);
            lengths.push(length as u32);
            chars += length;
            alphabetic += u64::from(word.contains(is_letter));
            symbols += u64::from(word.contains(['#', '…']));
            stop_words += u64::from(stops.find(text, start, end) != 0);
        }
        median(lengths)
    });
    let (mut lines, mut bullets, mut ended) = (0, 0, 0);
    for line in text.feed_lines() {
        lines += 1;
        bullets += u64::from(line.starts_with(['*', '-']));
        ended += u64::from(line.ends_with('…'));
    }
    let marks = text.marks();
    let ellipses = (marks.dots + marks.ellipses) as u64;
    Measure {
        words: Some(words as f64),
        mean_word_chars: share(chars, words),
        hashes_per_word: share(marks.hashes as u64, words),
        ellipses_per_word: share(ellipses, words),
        symbols_per_word: share(symbols, words),
        bullet_lines: share(bullets, lines),
        ellipsis_lines: share(ended, lines),
        alphabetic_words: share(alphabetic, words),
        stop_words: Some(stop_words as f64),
        median_word_chars: median,
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(lengths: &mut [u32]) -> Option<f64> {
    let middle = lengths.len() / 2;
    if lengths.is_empty() {
        return None;
    }
    let even = lengths.len().is_multiple_of(2);
    let (below, &mut upper, _) = lengths.select_nth_unstable(middle);
    let lower = below.iter().max().copied().filter(|_| even).unwrap_or(upper);
    Some((f64::from(lower) + f64::from(upper)) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{judged_as, measured_as};
    use super::*;
    use crate::kit::Verdict;

    #[test]
    fn what_is_counted_is_what_dolma_counts() {
        let measure = measured_as("dolma", "the the #tag so… ... 12\n\n * no bullet\n- one…\nThe end… ");
        assert_eq!(measure.words, Some(13.0));
        assert_eq!(measure.stop_words, Some(2.0));
        assert_eq!(measure.symbols_per_word, Some(4.0 / 13.0));
        assert_eq!((measure.bullet_lines, measure.ellipsis_lines), (Some(0.2), Some(0.2)));
        assert_eq!(measure.alphabetic_words, Some(9.0 / 13.0));
        assert_eq!(measure.median_word_chars, Some(3.0));
    }

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_two() {
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [7]), Some(7.0));
        assert_eq!(median(&mut [9, 1, 2]), Some(2.0));
        assert_eq!(median(&mut [9, 1, 2, 3]), Some(2.5));
    }

    #[test]
    fn the_median_decides_and_the_mean_does_not() {
        let text = |word: &str| format!("{} the of", format!("{word} ").repeat(60));
        assert_eq!(judged_as("dolma", &text("tenletters")), Verdict::Keep);
        assert_eq!(judged_as("dolma", &text("three")), Verdict::Keep);
        assert_eq!(judged_as("dolma", &text("elevenchars")), Verdict::Drop("words_too_long"));
        assert_eq!(judged_as("dolma", &text("if")), Verdict::Drop("words_too_short"));
        assert_eq!(
            judged_as("dolma", &format!("the of {}", "word ".repeat(60) + &"word# ".repeat(7))),
            Verdict::Drop("too_many_symbols")
        );
        assert_eq!(judged_as("dolma", ""), Verdict::Drop("too_few_words"));
    }
}
