//! Gopher's quality rules as the heuristics of OLMo 3 count them: `src/map_fxn.rs` of allenai/datamap-rs
//! (commit 2629281), with the settings of `configs/all_dressed/all_dressed_config.yaml`.

use super::Measure;
use super::stop_words::StopWords;
use crate::kit::{Letters, Text, Words, is_wordly, share};

pub(super) const SETTINGS: &str =
    "counting = \"olmo3\"\nmax_symbols_per_word = 0.1\nmax_hashes_per_word = inf\nmax_ellipses_per_word = inf\n";

pub(super) const ABOUT: &str = "The rules of Gopher among the heuristics of OLMo 3 (allenai/datamap-rs 2629281, `configs/all_dressed/all_dressed_config.yaml`): 50 to 100,000 words, which of a text in ASCII are its runs of letters and digits; all else by words cut at white space, whose mean length is in bytes, so that hardly a Chinese text is kept; `. . .` is one word and one symbol; blank lines are lines where bullets are counted. The recipe's rule of 150 characters is no rule of Gopher's and is left out; hardly a text of 50 words is shorter.";

pub(super) fn measure(stops: &StopWords, text: &Text) -> Measure {
    let bytes = text.as_bytes();
    let mut letters = Letters::of(bytes);
    let (mut length, mut alphabetic, mut stop_words) = (0, 0, 0);
    let words = text.word_spans(Words::Spaces);
    for &(start, end) in words {
        let (start, end) = (start as usize, end as usize);
        length += (end - start) as u64;
        let run = letters.end(start);
        alphabetic += u64::from(run > start || text[start..end].contains(char::is_alphabetic));
        stop_words += u64::from(stops.find(text, start, end) != 0);
    }
    let (mut lines, mut bullets, mut filled, mut ended) = (0, 0, 0, 0);
    for line in text.feed_lines() {
        lines += 1;
        bullets += u64::from(line.starts_with(['●', '•', '*', '-']));
        let line = line.strip_suffix('\r').unwrap_or(line);
        filled += u64::from(!line.is_empty());
        ended += u64::from(["...", ". . .", "…"].iter().any(|mark| line.ends_with(mark)));
    }
    let apart = memchr::memmem::find_iter(bytes, ". . .").count() as u64;
    let marks = text.marks();
    let hashes = marks.hashes as u64;
    let ellipses = (marks.dots + marks.ellipses) as u64 + apart;
    let all = words.len() as u64;
    let together = (all - 2 * apart).max(1);
    Measure {
        words: Some(count_words(text) as f64),
        mean_word_chars: share(length, all),
        hashes_per_word: share(hashes, together),
        ellipses_per_word: share(ellipses, together),
        symbols_per_word: share(hashes + ellipses, together),
        bullet_lines: share(bullets, lines),
        ellipsis_lines: share(ended, filled),
        alphabetic_words: share(alphabetic, all),
        stop_words: Some(stop_words as f64),
        median_word_chars: None,
    }
}

/// Runs of letters and digits of an ASCII text; of others, words by Unicode (UAX 29) with a letter or digit.
fn count_words(text: &Text) -> usize {
    if !text.is_ascii() {
        return text.words(Words::Unicode).filter(|word| is_wordly(word)).count();
    }
    // A word begins where a byte is of one and the byte before is of none; without branches, compilers count many
    // bytes at a time.
    let wordly = |byte: &u8| u8::from((byte | 0x20).wrapping_sub(b'a') < 26) | u8::from(byte.wrapping_sub(b'0') < 10);
    let Some((first, rest)) = text.as_bytes().split_first() else { return 0 };
    let pairs = rest.chunks(128).zip(text.as_bytes().chunks(128));
    let begins =
        pairs.map(|(now, before)| now.iter().zip(before).map(|(now, before)| wordly(now) & !wordly(before)).sum());
    usize::from(wordly(first)) + begins.map(|begins: u8| usize::from(begins)).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{judged_as, measured_as};
    use super::count_words;
    use crate::kit::Verdict;

    #[test]
    fn what_is_counted_is_what_datamap_rs_counts() {
        let measure = measured_as("olmo3", "The don't # ... . . .\n\n* AND the…\r\n*the so...\n");
        assert_eq!(measure.words, Some(6.0), "The, don't, AND, the, the, so");
        assert_eq!(measured_as("olmo3", "The don't # ...").words, Some(3.0), "ASCII alone: The, don, t");
        assert_eq!(measure.stop_words, Some(2.0), "The and AND; the… is another word");
        // Twelve words at white space, two fewer with `. . .` put together; one `#`, `...` twice, `. . .` and `…`.
        assert_eq!(measure.symbols_per_word, Some(5.0 / 10.0));
        assert_eq!((measure.bullet_lines, measure.ellipsis_lines), (Some(2.0 / 5.0), Some(1.0)));
        assert_eq!(measure.alphabetic_words, Some(6.0 / 12.0));
        assert_eq!(measured_as("olmo3", "字字 a").mean_word_chars, Some(3.5), "in bytes");
    }

    proptest! {
        #[test]
        fn words_of_ascii_are_its_runs_of_letters_and_digits(text in "[a-zA-Z0-9@`\\[{/: ]{0,400}") {
            let plain = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).count();
            prop_assert_eq!(count_words(&text.as_str().into()), plain);
        }
    }

    #[test]
    fn nothing_to_count_is_too_little() {
        let text = |marks: usize| "the river runs past old mills and falls ".repeat(12) + &"# ... word ".repeat(marks);
        assert_eq!(judged_as("olmo3", &text(5)), Verdict::Keep);
        assert_eq!(judged_as("olmo3", &text(7)), Verdict::Drop("too_many_symbols"));
        assert_eq!(judged_as("olmo3", ""), Verdict::Drop("too_few_words"));
        assert_eq!(judged_as("olmo3", &"这条河发源于群山之中。".repeat(9)), Verdict::Drop("words_too_long"));
    }
}
