//! Drops documents that repeat themselves: paragraphs, lines, and runs of words.
//!
//! The repetition rules of Gopher, with the decisions of datatrove 0.10: a copy is the second or later
//! one; the most frequent n-gram counts even if it occurs once, and of equals the first; repeated
//! n-grams are found greedily, passing over the words of each copy. Shares are of the text's
//! characters. (Two runs of words that differ only in where they are cut are one for datatrove and
//! two here.)
//!
//! | setting                  | default | source                                |
//! |--------------------------|---------|---------------------------------------|
//! | `max_dup_paragraphs`     | 0.3     | Gopher, arXiv:2112.11446, table A1    |
//! | `max_dup_paragraph_chars`| 0.2     | same                                  |
//! | `max_dup_lines`          | 0.3     | same                                  |
//! | `max_dup_line_chars`     | 0.2     | same                                  |
//! | `max_top_ngram_chars`    | 0.20, 0.18, 0.16 (2 to 4 words) | same          |
//! | `max_dup_ngram_chars`    | 0.15, 0.14, 0.13, 0.12, 0.11, 0.10 (5 to 10 words) | same |
//! | `words`                  | english | datatrove 0.10: spaCy; `chinese` is jieba |
//! | `counting`               | datatrove | whose way of counting the measures follow |
//!
//! The published versions of these rules share most thresholds and differ in what they count.
//! `counting` says whose way is meant, and every profile sets it:
//!
//! | counting       | a copy | lines | the most frequent run | repeated runs | shares are of |
//! |----------------|--------|-------|-----------------------|---------------|---------------|
//! | `datatrove`    | the second and later | cut at runs of `\n` | of equals the first, may occur once | greedy, passing over copies | the text's characters |
//! | `dclm`         | every one | not blank, stripped | of equals the longest, occurs twice | every word that one covers | the lines', or the words' |
//! | `nemo-curator` | the second and later | not blank | what its removal from the text takes away | second and later, no word twice | the lines', or the text's |
//! | `dolma`        | every one | cut at `\n`, blank ones too | of equals the first, may occur once | every copy | the words', or all runs' |
//! | `olmo3`        | every one | not empty | of equals the longest, occurs twice, no word counted twice | every word that one covers | the lines', or the words', in bytes |

mod dclm;
mod dolma;
mod nemo_curator;
mod olmo3;
mod shared;

use std::cell::RefCell;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fineweb_2;
use crate::gopher_quality::Counting;
use crate::kit::{
    Filter, Paragraphs, Profile, Reason, Runs, Seen, Setup, Step, Table, Text, Twice, Verdict, Words, Wrong, kind,
    repeats,
};

/// Settings of [`GopherRepetition`]. Shares lie between 0 and 1, but those in the most frequent run of
/// words may be more, since its occurrences overlap; `inf` switches a rule off.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Largest share of paragraphs that are copies.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_dup_paragraphs: f64,
    /// Largest share of characters in such paragraphs.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_dup_paragraph_chars: f64,
    /// Largest share of lines that are copies.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_dup_lines: f64,
    /// Largest share of characters in such lines.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_dup_line_chars: f64,
    /// Largest share of characters in the most frequent run of 2, 3 and 4 words.
    #[schemars(inner(range(min = 0.0, max = 1.0)))]
    pub max_top_ngram_chars: [f64; 3],
    /// Largest share of characters in copied runs of 5, 6, 7, 8, 9 and 10 words.
    #[schemars(inner(range(min = 0.0, max = 1.0)))]
    pub max_dup_ngram_chars: [f64; 6],
    /// How words are cut; `dclm`, `dolma` and `olmo3` have ways of their own.
    pub words: Words,
    /// Whose way of counting the measures follow.
    pub counting: Counting,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            max_dup_paragraphs: 0.3,
            max_dup_paragraph_chars: 0.2,
            max_dup_lines: 0.3,
            max_dup_line_chars: 0.2,
            max_top_ngram_chars: [0.20, 0.18, 0.16],
            max_dup_ngram_chars: [0.15, 0.14, 0.13, 0.12, 0.11, 0.10],
            words: Words::English,
            counting: Counting::Datatrove,
        }
    }
}

crate::measures! {
    /// What [`GopherRepetition`] measures.
    pub struct Measure {
        /// Share of paragraphs that are copies.
        dup_paragraphs,
        /// Share of characters in such paragraphs.
        dup_paragraph_chars,
        /// Share of lines that are copies.
        dup_lines,
        /// Share of characters in such lines.
        dup_line_chars,
        /// Share of characters in the most frequent run of 2 words.
        top_2gram_chars,
        /// The same of 3 words.
        top_3gram_chars,
        /// The same of 4 words.
        top_4gram_chars,
        /// Share of characters in copied runs of 5 words.
        dup_5gram_chars,
        /// The same of 6 words.
        dup_6gram_chars,
        /// The same of 7 words.
        dup_7gram_chars,
        /// The same of 8 words.
        dup_8gram_chars,
        /// The same of 9 words.
        dup_9gram_chars,
        /// The same of 10 words.
        dup_10gram_chars,
    }
}

impl Measure {
    /// The shares in the most frequent runs of 2 to 4 words, and in copied runs of 5 to 10.
    fn of_runs(top: [Option<f64>; 3], copied: [Option<f64>; 6]) -> Measure {
        let ([top_2gram_chars, top_3gram_chars, top_4gram_chars], [five, six, seven, eight, nine, ten]) = (top, copied);
        Measure {
            top_2gram_chars,
            top_3gram_chars,
            top_4gram_chars,
            dup_5gram_chars: five,
            dup_6gram_chars: six,
            dup_7gram_chars: seven,
            dup_8gram_chars: eight,
            dup_9gram_chars: nine,
            dup_10gram_chars: ten,
            ..Measure::default()
        }
    }
}

/// See the words at the top of this file.
pub struct GopherRepetition {
    config: Config,
}

impl Step for GopherRepetition {
    const NAME: &'static str = "gopher_repetition";
    const VERSION: u32 = 3;
    const WORDS: &'static str = include_str!("mod.rs");
    const PROFILES: &'static [Profile] = &fineweb_2::join::<5, 8, 13>(
        [
            Profile {
                name: "datatrove",
                settings: "",
                about: "`GopherRepetitionFilter` of datatrove 0.10: the second and later copies count, shares are of all characters.",
            },
            Profile { name: "dclm", settings: dclm::SETTINGS, about: dclm::ABOUT },
            Profile { name: "nemo-curator", settings: nemo_curator::SETTINGS, about: nemo_curator::ABOUT },
            Profile { name: "dolma", settings: dolma::SETTINGS, about: dolma::ABOUT },
            Profile { name: "olmo3", settings: olmo3::SETTINGS, about: olmo3::ABOUT },
        ],
        fineweb_2::REPETITION,
    );
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        if matches!(config.counting, Counting::Dclm | Counting::Dolma | Counting::Olmo3)
            && config.words != Words::English
        {
            return Err(Wrong::setting("words", "this `counting` cuts words in a way of its own")
                .help("leave `words` out, or count as `datatrove` or `nemo-curator` do"));
        }
        Ok(GopherRepetition { config })
    }
}

impl Filter for GopherRepetition {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::always("empty_text"),
        Reason::of("duplicate_paragraphs", "max_dup_paragraphs"),
        Reason::of("duplicate_paragraph_chars", "max_dup_paragraph_chars"),
        Reason::of("duplicate_lines", "max_dup_lines"),
        Reason::of("duplicate_line_chars", "max_dup_line_chars"),
        Reason::of("frequent_2gram", "max_top_ngram_chars[0]").by("top_2gram_chars"),
        Reason::of("frequent_3gram", "max_top_ngram_chars[1]").by("top_3gram_chars"),
        Reason::of("frequent_4gram", "max_top_ngram_chars[2]").by("top_4gram_chars"),
        Reason::of("duplicate_5grams", "max_dup_ngram_chars[0]").by("dup_5gram_chars"),
        Reason::of("duplicate_6grams", "max_dup_ngram_chars[1]").by("dup_6gram_chars"),
        Reason::of("duplicate_7grams", "max_dup_ngram_chars[2]").by("dup_7gram_chars"),
        Reason::of("duplicate_8grams", "max_dup_ngram_chars[3]").by("dup_8gram_chars"),
        Reason::of("duplicate_9grams", "max_dup_ngram_chars[4]").by("dup_9gram_chars"),
        Reason::of("duplicate_10grams", "max_dup_ngram_chars[5]").by("dup_10gram_chars"),
    ];

    fn measure(&self, text: &Text) -> Measure {
        match self.config.counting {
            Counting::Datatrove => {}
            Counting::Dclm => return dclm::measure(text),
            Counting::NemoCurator => return nemo_curator::measure(&self.config, text),
            Counting::Dolma => return dolma::measure(text),
            Counting::Olmo3 => return olmo3::measure(text),
        }
        let chars = text.char_count() as f64;
        if chars == 0.0 {
            return Measure::default();
        }
        let paragraphs = repeats(text.paragraphs(Paragraphs::Blank));
        let lines = repeats(lines(text));
        let share = |part: usize| Some(part as f64 / chars);
        let OfRuns { top, copied } = OfRuns::of(text.runs(self.config.words));
        Measure {
            dup_paragraphs: Some(paragraphs.copies as f64 / paragraphs.elements as f64),
            dup_paragraph_chars: share(paragraphs.copied_chars),
            dup_lines: Some(lines.copies as f64 / lines.elements as f64),
            dup_line_chars: share(lines.copied_chars),
            ..Measure::of_runs(top.map(|top| top.and_then(share)), copied.map(share))
        }
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        if measure.dup_lines.is_none() {
            return Verdict::Drop("empty_text");
        }
        let Config { max_top_ngram_chars: top, max_dup_ngram_chars: dup, .. } = self.config;
        let rules = [
            (measure.dup_paragraphs, self.config.max_dup_paragraphs, "duplicate_paragraphs"),
            (measure.dup_paragraph_chars, self.config.max_dup_paragraph_chars, "duplicate_paragraph_chars"),
            (measure.dup_lines, self.config.max_dup_lines, "duplicate_lines"),
            (measure.dup_line_chars, self.config.max_dup_line_chars, "duplicate_line_chars"),
            (measure.top_2gram_chars, top[0], "frequent_2gram"),
            (measure.top_3gram_chars, top[1], "frequent_3gram"),
            (measure.top_4gram_chars, top[2], "frequent_4gram"),
            (measure.dup_5gram_chars, dup[0], "duplicate_5grams"),
            (measure.dup_6gram_chars, dup[1], "duplicate_6grams"),
            (measure.dup_7gram_chars, dup[2], "duplicate_7grams"),
            (measure.dup_8gram_chars, dup[3], "duplicate_8grams"),
            (measure.dup_9gram_chars, dup[4], "duplicate_9grams"),
            (measure.dup_10gram_chars, dup[5], "duplicate_10grams"),
        ];
        let broken = rules.into_iter().find(|(measure, max, _)| measure.is_some_and(|measure| measure > *max));
        broken.map_or(Verdict::Keep, |(_, _, reason)| Verdict::Drop(reason))
    }
}

/// Cut at runs of line feeds: the lines that are not empty. A run at the start or end leaves an empty piece, as a
/// regular expression does.
fn lines(text: &Text) -> impl Iterator<Item = &str> + Clone {
    let lines = text.feed_lines();
    let last = lines.len() - 1;
    lines.enumerate().filter(move |&(at, line)| !line.is_empty() || at == 0 || at == last).map(|(_, line)| line)
}

/// Characters in repeated runs of words.
#[derive(Debug, Default, PartialEq, Eq)]
struct OfRuns {
    /// Of all occurrences of the most frequent run of 2, 3 and 4 words, with a space between words; of
    /// equals the first to be seen. `None` if there is no run that long.
    top: [Option<usize>; 3],
    /// Of runs of 5 to 10 words that occurred before; the words of a copy are passed over.
    copied: [usize; 6],
}

/// What [`OfRuns::of`] works with, kept from one document to the next.
#[derive(Default)]
struct Scratch {
    table: Table,
    twice: Twice,
    /// Where runs start that occur more than once.
    repeated: Vec<u32>,
    /// For each of them, which of them was the first to be the same run.
    firsts: Vec<u32>,
    /// Which of them begin a longer one that does.
    again: Vec<bool>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl OfRuns {
    /// A run can only be repeated where the shorter run it begins with is: each length looks at what
    /// the one before has left, which in prose is soon very little.
    fn of(runs: &Runs) -> OfRuns {
        SCRATCH.with_borrow_mut(|Scratch { table, twice, repeated, firsts, again }| {
            let mut found = OfRuns::default();
            repeated.clear();
            repeated.shrink_to(KEPT_STARTS);
            firsts.shrink_to(KEPT_STARTS);
            again.shrink_to(KEPT_STARTS);
            twice.find(runs, 2, repeated);
            for n in 2..=10 {
                let count = runs.count(n);
                let last = repeated.partition_point(|&start| (start as usize) < count);
                repeated.truncate(last);
                table.start(repeated.len());
                again.clear();
                again.resize(repeated.len(), false);
                firsts.resize(repeated.len(), 0);
                let mut most = 1;
                for (number, &start) in repeated.iter().enumerate() {
                    let Seen { times, first } = table.see(runs.hash(start as usize, n));
                    most = most.max(times);
                    firsts[number] = first;
                    again[number] = times > 1;
                    again[first as usize] |= times > 1;
                }
                if n <= 4 && count > 0 {
                    let mut copies = repeated.iter().zip(&*again).filter(|(_, again)| **again).map(|(start, _)| *start);
                    let first = match most {
                        1 => Some(0),
                        _ => copies.find(|&start| table.seen(runs.hash(start as usize, n)) == most),
                    };
                    let first = first.expect("one has been counted so often") as usize;
                    found.top[n - 2] = Some((runs.chars(first, n) + n - 1) * most as usize);
                }
                let kept = keep(repeated, firsts, again);
                if n >= 5 {
                    again.fill(false);
                    found.copied[n - 5] = copied(runs, n, kept, again);
                }
            }
            found
        })
    }
}

/// Leaves those that occur more than once, each with which was the first of its like.
fn keep<'a>(repeated: &'a mut Vec<u32>, firsts: &'a mut Vec<u32>, again: &[bool]) -> Kept<'a> {
    let mut end = 0;
    for number in 0..repeated.len() {
        (repeated[end], firsts[end]) = (repeated[number], firsts[number]);
        end += usize::from(again[number]);
    }
    repeated.truncate(end);
    firsts.truncate(end);
    Kept { starts: repeated, firsts }
}

/// Runs that occur more than once.
struct Kept<'a> {
    starts: &'a [u32],
    firsts: &'a [u32],
}

/// Characters of copies among them. `seen` is false for every first of its like.
fn copied(runs: &Runs, n: usize, kept: Kept, seen: &mut [bool]) -> usize {
    let (mut copied, mut next) = (0, 0);
    for (&start, &first) in kept.starts.iter().zip(kept.firsts) {
        let start = start as usize;
        if start >= next && std::mem::replace(&mut seen[first as usize], true) {
            copied += runs.chars(start, n);
            next = start + n;
        }
    }
    copied
}

/// Starts for which there is room from one document to the next, whatever it needs: 4 MiB.
const KEPT_STARTS: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use proptest::prelude::*;

    use super::*;

    pub(super) fn built(settings: &str) -> GopherRepetition {
        GopherRepetition::new(toml::from_str(settings).unwrap(), &mut Setup::default()).unwrap()
    }

    fn profile(name: &str) -> GopherRepetition {
        built(GopherRepetition::PROFILES.iter().find(|profile| profile.name == name).unwrap().settings)
    }

    pub(super) fn measured_as(name: &str, text: &str) -> Measure {
        profile(name).measure(&text.into())
    }

    pub(super) fn judged_as(name: &str, text: &str) -> Verdict {
        Filter::judge(&profile(name), &measured_as(name, text))
    }

    fn filter() -> GopherRepetition {
        GopherRepetition::new(Config::default(), &mut Setup::default()).unwrap()
    }

    fn judged(text: &str) -> Verdict {
        Filter::judge(&filter(), &filter().measure(&text.into()))
    }

    /// Sentences that share no run of words.
    fn varied(sentences: usize) -> String {
        (0..sentences)
            .map(|n| format!("Item{n} walks{n} beside river{n} near old{n} bridge{n} at dawn{n} with friend{n}. "))
            .collect()
    }

    #[test]
    fn varied_text_is_kept_and_each_repetition_has_its_reason() {
        let text = varied(30);
        assert_eq!(judged(&text), Verdict::Keep);
        assert_eq!(judged(""), Verdict::Drop("empty_text"));
        assert_eq!(judged(&"same paragraph\n\n".repeat(3)), Verdict::Drop("duplicate_paragraphs"));
        assert_eq!(
            judged(&format!("{0}\n\nb\n\nc\n\nd\n\n{0}", varied(3).trim())),
            Verdict::Drop("duplicate_paragraph_chars")
        );
        assert_eq!(judged(&format!("{text}\nx\nx\nx")), Verdict::Drop("duplicate_lines"));
        assert_eq!(judged(&format!("{0}\nb\nc\nd\n{0}", varied(3))), Verdict::Drop("duplicate_line_chars"));
        assert_eq!(judged(&(varied(3) + &"magnificent waterfalls, ".repeat(9))), Verdict::Drop("frequent_2gram"));
        let block = varied(4);
        assert_eq!(
            judged(&format!("{block} and {} and {block}", varied(9).replace("Item", "Thing"))),
            Verdict::Drop("duplicate_5grams")
        );
    }

    #[test]
    fn runs_of_each_length_have_their_reason() {
        // A run of so many words, again and again among words that are said once. All are equally long, so the share
        // of a shorter run is known too, and below its bound.
        let text = |run: usize, times: usize, words: usize| {
            let between = (words - run * times) / times;
            let run: String = (0..run).map(|n| format!("walking{n:03} ")).collect();
            let once = |time: usize| (0..between).map(|n| format!("w{:09} ", time * between + n)).collect::<String>();
            (0..times).map(|time| run.clone() + &once(time)).collect::<String>()
        };
        for (run, times, words, reason) in [
            (3, 9, 100, "frequent_3gram"),
            (4, 9, 165, "frequent_4gram"),
            (5, 21, 590, "duplicate_5grams"),
            (6, 11, 340, "duplicate_6grams"),
            (7, 11, 440, "duplicate_7grams"),
            (8, 11, 535, "duplicate_8grams"),
            (9, 11, 650, "duplicate_9grams"),
            (10, 11, 800, "duplicate_10grams"),
        ] {
            assert_eq!(judged(&text(run, times, words)), Verdict::Drop(reason));
        }
    }

    #[test]
    fn bounds_are_inclusive() {
        let at = Measure {
            dup_paragraphs: Some(0.3),
            dup_lines: Some(0.3),
            dup_10gram_chars: Some(0.10),
            ..Measure::default()
        };
        assert_eq!(Filter::judge(&filter(), &at), Verdict::Keep);
        assert_eq!(
            Filter::judge(&filter(), &Measure { dup_10gram_chars: Some(0.1001), ..at }),
            Verdict::Drop("duplicate_10grams")
        );
    }

    #[test]
    fn chinese_repetition_is_found_by_words() {
        let config = Config { words: Words::Chinese, ..Config::default() };
        let filter = GopherRepetition::new(config, &mut Setup::default()).unwrap();
        let measure = filter.measure(&"欢迎光临本店，".repeat(20).as_str().into());
        assert!(matches!(Filter::judge(&filter, &measure), Verdict::Drop(_)), "{measure:?}");
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for text in ["\n".repeat(1_000_000), "a ".repeat(300_000), "a\n\n".repeat(200_000), "x".repeat(4_000_000)] {
            filter().measure(&text.as_str().into());
            for profile in &GopherRepetition::PROFILES[1..] {
                measured_as(profile.name, &text[..text.len() / 10]);
            }
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    fn plain_top(words: &[String], n: usize) -> Option<usize> {
        let runs: Vec<String> = words.windows(n).map(|run| run.join(" ")).collect();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for run in &runs {
            *counts.entry(run).or_default() += 1;
        }
        let most = counts.values().max().copied()?;
        Some(runs.iter().find(|run| counts[run.as_str()] == most).unwrap().chars().count() * most)
    }

    fn plain_copied(words: &[String], n: usize) -> usize {
        let (mut seen, mut at, mut copied) = (HashSet::new(), 0, 0);
        while at + n <= words.len() {
            let run = &words[at..at + n];
            if seen.insert(run) {
                at += 1;
            } else {
                copied += run.iter().map(|word| word.chars().count()).sum::<usize>();
                at += n;
            }
        }
        copied
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(a|b|the|字|#|…|\\.|-| |\n|\r|\u{301}|\u{1c}){0,40}") {
            for profile in GopherRepetition::PROFILES {
                judged_as(profile.name, &text);
            }
        }

        #[test]
        fn runs_of_words_are_counted_as_plain_code_does(words in prop::collection::vec("[ab]|字", 0..90)) {
            let found = OfRuns::of(&words.iter().map(String::as_str).collect());
            for n in 2..=4 {
                prop_assert_eq!(found.top[n - 2], plain_top(&words, n), "{} words", n);
            }
            for n in 5..=10 {
                prop_assert_eq!(found.copied[n - 5], plain_copied(&words, n), "{} words", n);
            }
        }

        #[test]
        fn long_repeats_are_counted_as_plain_code_does(
            words in prop::collection::vec("[a-d]|字", 8..14), other in "[a-d]", times in 1..6_usize
        ) {
            let mut all = Vec::new();
            for n in 0..times {
                all.extend(words.iter().cloned());
                all.extend(std::iter::repeat_n(other.clone(), n % 3));
            }
            let found = OfRuns::of(&all.iter().map(String::as_str).collect());
            for n in 5..=10 {
                prop_assert_eq!(found.copied[n - 5], plain_copied(&all, n), "{} words", n);
            }
        }

        #[test]
        fn pieces_are_those_of_the_regular_expressions(text in "[a\n]{0,30}") {
            let split = |pattern: &str, text: &str| {
                regex::Regex::new(pattern).unwrap().split(text).map(str::to_owned).collect::<Vec<_>>()
            };
            let seen = Text::from(text.as_str());
            prop_assert_eq!(lines(&seen).collect::<Vec<_>>(), split("\n+", &text));
            prop_assert_eq!(seen.paragraphs(Paragraphs::Blank).collect::<Vec<_>>(), split("\n{2,}", text.trim()));
        }
    }
}
