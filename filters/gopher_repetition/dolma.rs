//! Gopher's repetition rules as Dolma counts them: the tagger `gopher_v1`
//! (`python/dolma/taggers/gopher.py`, dolma 1.2.1) and the thresholds of its mixer
//! (`configs/dolma-v1_5/mixing/cc-head.yaml`).

use super::Measure;
use super::shared::{self, all_copies, each_length};
use crate::kit::{Text, Words};

pub(super) const SETTINGS: &str =
    "counting = \"dolma\"\nmax_dup_paragraphs = 1\nmax_dup_paragraph_chars = 1\nmax_dup_line_chars = 0.3\n";

pub(super) const ABOUT: &str = "Dolma's tagger `gopher_v1` (dolma 1.2.1) with the thresholds of the mixer of Dolma 1.5 (`configs/dolma-v1_5/mixing/cc-head.yaml`): every copy of a line counts, blank ones too, and copies may take 30 % of the words' characters; there is no rule about paragraphs; of 5 to 10 words the share is of the characters of all such runs. The mixer asks for `…_most_common_2gram` to `_4gram` and the tagger writes `…_most_common_2grams`, so that with those files the three rules never decide; here they do, and `max_top_ngram_chars = [inf, inf, inf]` switches them off.";

pub(super) fn measure(text: &Text) -> Measure {
    let lines = all_copies(text.feed_lines(), shared::chars);
    let runs = text.runs(Words::Spaces);
    let chars = runs.chars(0, runs.words()).max(1) as f64;
    let (mut top, mut repeated) = ([None; 3], [None; 6]);
    each_length(runs, |found| match found.n {
        n @ 2..5 => top[n - 2] = Some((runs.chars(found.first, n) * found.most) as f64 / chars),
        n => {
            let all: usize = (0..runs.count(n)).map(|start| runs.chars(start, n)).sum();
            let part: usize = found.repeated.iter().map(|&start| runs.chars(start as usize, n)).sum();
            repeated[n - 5] = Some(part as f64 / all as f64);
        }
    });
    Measure {
        dup_lines: Some(lines.copies as f64 / lines.elements as f64),
        dup_line_chars: Some(lines.copied_length as f64 / chars),
        ..Measure::of_runs(top, repeated)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{judged_as, measured_as};
    use crate::kit::Verdict;

    #[test]
    fn every_copy_of_a_line_counts_and_blank_ones_too() {
        let measure = measured_as("dolma", "same here\n\n\nsame here\nother");
        assert_eq!((measure.dup_lines, measure.dup_line_chars), (Some(4.0 / 5.0), Some(18.0 / 21.0)));
        assert_eq!(measure.dup_paragraphs, None);
    }

    #[test]
    fn runs_are_measured_by_their_words() {
        let measure = measured_as("dolma", "ab cd e ab cd ff");
        assert_eq!(measure.top_2gram_chars, Some(8.0 / 11.0));
        assert_eq!(measured_as("dolma", "ab cde f").top_2gram_chars, Some(5.0 / 6.0), "the first of equals");
        assert_eq!(measured_as("dolma", "ab").top_2gram_chars, None);
        // Of the runs of 5 words, "a b c d e" occurs twice and six others once.
        let measure = measured_as("dolma", "a b c d e ff a b c d e gg");
        assert_eq!(measure.dup_5gram_chars, Some(10.0 / (10.0 + 6.0 * 6.0)));
    }

    #[test]
    fn no_text_is_no_repetition() {
        assert_eq!(judged_as("dolma", ""), Verdict::Keep);
        assert_eq!(judged_as("dolma", "a\n\n\nb"), Verdict::Drop("duplicate_lines"));
        assert_eq!(judged_as("dolma", "一 二 三 一 二"), Verdict::Drop("frequent_2gram"));
    }
}
