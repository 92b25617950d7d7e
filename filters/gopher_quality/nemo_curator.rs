//! Gopher's quality rules as NeMo Curator 1.4.0 counts them
//! (`nemo_curator/stages/text/filters/heuristic/string.py` and `utils/constants.py`).
//!
//! Words are those of Python's `split`, or jieba's with the white space between them. A stop word is
//! looked for among the former, whatever the language. An empty text, which makes the original divide
//! by zero, has too few words here.

use super::stop_words::StopWords;
use super::{Config, Measure, length};
use crate::kit::python::{strip, words_and_spaces};
use crate::kit::{Text, Words, share};

pub(super) const SETTINGS: &str = "counting = \"nemo-curator\"\nwords = \"spaces\"\nmax_symbols_per_word = 0.1\nmax_hashes_per_word = inf\nmax_ellipses_per_word = inf\n";

pub(super) const ABOUT: &str = "The Gopher rules among the heuristic filters of NeMo Curator 1.4.0 with the thresholds of its English configuration: `WordCountFilter`, `MeanWordLengthFilter`, `SymbolsToWordsFilter`, `BulletsFilter`, `EllipsisFilter`, `WordsWithoutAlphabetsFilter`, `CommonEnglishWordsFilter`. For Chinese set `words = \"chinese\"`, `min_mean_chars = 1` and `min_stop_words = 0`: its configurations have no thresholds for languages without spaces.";

const BULLETS: [char; 12] = ['•', '‣', '⁃', '⁌', '⁍', '∙', '○', '●', '◘', '◦', '⦾', '⦿'];

const ELLIPSES: [&str; 8] = ["...", "[...]", "…", "(...)", "[…]", "-»", "read more..", "read more"];

pub(super) fn measure(config: &Config, stops: &StopWords, text: &Text) -> Measure {
    let mut counts = Counts::default();
    if config.words == Words::Chinese {
        words_and_spaces(text, Words::Chinese).for_each(|word| counts.add(word));
    } else {
        text.words(config.words).for_each(|word| counts.add(word));
    }
    let stop_words = text
        .word_spans(Words::Spaces)
        .iter()
        .filter(|span| stops.find(text, span.0 as usize, span.1 as usize) != 0)
        .count();
    let (mut lines, mut bullets, mut ended) = (0, 0, 0);
    for line in text.feed_lines().map(strip).filter(|line| !line.is_empty()) {
        lines += 1;
        bullets += u64::from(line.starts_with(BULLETS));
        ended += u64::from(ELLIPSES.iter().any(|mark| ends_with(line, mark)));
    }
    let Counts { words, chars, alphabetic, symbols } = counts;
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
        median_word_chars: None,
    }
}

#[derive(Default)]
struct Counts {
    words: u64,
    chars: u64,
    alphabetic: u64,
    symbols: u64,
}

impl Counts {
    fn add(&mut self, word: &str) {
        self.words += 1;
        self.chars += length(word);
        self.alphabetic += u64::from(word.contains(char::is_alphabetic));
        // Runs of `#` above half of the characters: of short words, `#` itself.
        self.symbols += u64::from(word == "#" || ELLIPSES.contains(&word));
    }
}

fn ends_with(line: &str, mark: &str) -> bool {
    match line.len().checked_sub(mark.len()) {
        Some(at) => line.as_bytes()[at..].eq_ignore_ascii_case(mark.as_bytes()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{built, judged_as, measured_as};
    use crate::kit::{Filter, Verdict};

    #[test]
    fn what_is_counted_is_what_nemo_curator_counts() {
        let measure = measured_as("nemo-curator", "the the # ## … [...] ①\n • Read More\n\n- and-so…\n");
        assert_eq!(measure.words, Some(12.0));
        assert_eq!(measure.stop_words, Some(2.0));
        assert_eq!(measure.symbols_per_word, Some(3.0 / 12.0));
        assert_eq!((measure.bullet_lines, measure.ellipsis_lines), (Some(1.0 / 3.0), Some(2.0 / 3.0)));
        assert_eq!(measure.alphabetic_words, Some(5.0 / 12.0));
    }

    #[test]
    fn bounds_are_those_of_the_configuration() {
        let prose = "the river runs past old mills and falls ".repeat(10);
        assert_eq!(judged_as("nemo-curator", &(prose.clone() + &"# ".repeat(8))), Verdict::Keep);
        assert_eq!(judged_as("nemo-curator", &(prose + &"# ".repeat(9))), Verdict::Drop("too_many_symbols"));
        assert_eq!(judged_as("nemo-curator", ""), Verdict::Drop("too_few_words"));
    }

    #[test]
    fn white_space_is_a_word_of_chinese() {
        let filter = built("counting = \"nemo-curator\"\nwords = \"chinese\"\n");
        let measure = filter.measure(&"我们 喜欢\n河。".into());
        assert_eq!((measure.words, measure.mean_word_chars), (Some(6.0), Some(8.0 / 6.0)));
    }
}
