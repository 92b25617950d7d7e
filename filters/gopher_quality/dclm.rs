//! Gopher's quality rules as DCLM counts them: the content filters that `refinedweb.yaml` of
//! mlfoundations/dclm lists (`baselines/mappers/filters/content_filters.py`, commit c7ed275).
//!
//! Two cuts into words: fastText's (at ASCII white space and NUL) for the number of words, of which
//! those count that begin with a letter or digit, and Python's `split` for all else.

use super::stop_words::StopWords;
use super::{Measure, length};
use crate::kit::python::{is_letter, is_letter_or_digit, strip};
use crate::kit::{Text, Words, share};

pub(super) const SETTINGS: &str =
    "counting = \"dclm\"\nmax_symbols_per_word = 0.1\nmax_hashes_per_word = inf\nmax_ellipses_per_word = inf\n";

pub(super) const ABOUT: &str = "The content filters of DCLM's RefinedWeb configuration (arXiv:2406.11794; mlfoundations/dclm c7ed275, `content_filters.py`): `#`, `...`, `. . .` and `…` are counted together, two stop words may be twice the same, in any case, and of words cut at ASCII white space those count that begin with a letter or digit, so `(hello` does not.";

pub(super) fn measure(stops: &StopWords, text: &Text) -> Measure {
    let is_end = |c| matches!(c, ' ' | '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\0');
    let wordly = text.split(is_end).filter(|word| word.starts_with(is_letter_or_digit)).count() as u64;
    let (mut words, mut chars, mut alphabetic, mut stop_words) = (0, 0, 0, 0);
    for &(start, end) in text.word_spans(Words::Spaces) {
        let (start, end) = (start as usize, end as usize);
        let word = &text[start..end];
        words += 1;
        chars += length(word);
        alphabetic += u64::from(word.contains(is_letter));
        stop_words += u64::from(stops.find(text, start, end) != 0);
    }
    let (mut lines, mut bullets, mut ended) = (0, 0, 0);
    for line in text.feed_lines().map(strip).filter(|line| !line.is_empty()) {
        lines += 1;
        bullets += u64::from(line.starts_with(['●', '•', '*', '-']));
        ended += u64::from(["...", ". . .", "…"].iter().any(|mark| line.ends_with(mark)));
    }
    let marks = text.marks();
    let hashes = marks.hashes as u64;
    let spaced_dots = memchr::memmem::find_iter(text.as_bytes(), ". . .").count();
    let ellipses = (marks.dots + spaced_dots + marks.ellipses) as u64;
    Measure {
        words: Some(wordly as f64),
        mean_word_chars: share(chars, words),
        hashes_per_word: share(hashes, words),
        ellipses_per_word: share(ellipses, words),
        symbols_per_word: share(hashes + ellipses, words),
        bullet_lines: share(bullets, lines),
        ellipsis_lines: share(ended, lines),
        alphabetic_words: share(alphabetic, words),
        stop_words: Some(stop_words as f64),
        median_word_chars: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{judged_as, measured_as};
    use crate::kit::Verdict;

    #[test]
    fn what_is_counted_is_what_dclm_counts() {
        let measure = measured_as("dclm", "The “quoted” (word) the\u{a0}7th # ... . . .\n\n  * AND…\n* so\n");
        assert_eq!(measure.words, Some(4.0), "The, the 7th, AND, so");
        assert_eq!(measure.stop_words, Some(2.0), "The and the; AND… is another word");
        // Fourteen words at white space; one `#`, `...`, `. . .` and `…`.
        assert_eq!(measure.symbols_per_word, Some(4.0 / 14.0));
        assert_eq!((measure.bullet_lines, measure.ellipsis_lines), (Some(2.0 / 3.0), Some(2.0 / 3.0)));
        assert_eq!(measure.alphabetic_words, Some(7.0 / 14.0));
    }

    #[test]
    fn symbols_are_judged_together() {
        let prose = "the river runs past old mills and falls ".repeat(12);
        let text = |marks: usize| prose.clone() + &"# ... word ".repeat(marks);
        assert_eq!(judged_as("dclm", &text(5)), Verdict::Keep);
        assert_eq!(judged_as("dclm", &text(7)), Verdict::Drop("too_many_symbols"));
        assert_eq!(judged_as("dclm", ""), Verdict::Drop("too_few_words"));
    }
}
