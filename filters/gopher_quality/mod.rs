//! Drops documents that do not look like prose: too short, odd words, symbols, bullets, no stop words.
//!
//! The quality rules of Gopher, with the decisions of datatrove 0.10: words are cut as spaCy does,
//! lengths are in characters, and a rule about words that are no mere symbols is one about words with
//! a character outside datatrove's punctuation. Where the paper says *two stop words*, distinct ones
//! are meant, and case counts.
//!
//! | setting                    | default | source                                           |
//! |----------------------------|---------|--------------------------------------------------|
//! | `min_words`                | 50      | Gopher, arXiv:2112.11446, app. A.1.1             |
//! | `max_words`                | 100000  | same                                             |
//! | `min_mean_chars`           | 3.0     | same                                             |
//! | `max_mean_chars`           | 10.0    | same                                             |
//! | `max_hashes_per_word`      | 0.1     | same                                             |
//! | `max_ellipses_per_word`    | 0.1     | same                                             |
//! | `max_bullet_lines`         | 0.9     | same                                             |
//! | `max_ellipsis_lines`       | 0.3     | same                                             |
//! | `min_alphabetic_words`     | 0.8     | same                                             |
//! | `min_stop_words`           | 2       | same                                             |
//! | `stop_words`               | the, be, to, of, and, that, have, with | same              |
//! | `max_symbols_per_word`     | inf     | DCLM, NeMo Curator, Dolma: 0.1                   |
//! | `min_median_chars`         | 0.0     | Dolma: 3.0                                       |
//! | `max_median_chars`         | inf     | Dolma: 10.0                                      |
//! | `words`                    | english | datatrove 0.10: spaCy; `chinese` is jieba        |
//! | `counting`                 | datatrove | whose way of counting the measures follow      |
//!
//! The published versions of these rules differ less in their thresholds than in what they count.
//! `counting` says whose words, lines and symbols are meant, and every profile sets it:
//!
//! | counting       | words are | mean or median length | symbols | a line | begins with | ends with | stop words |
//! |----------------|-----------|-----------------------|---------|--------|-------------|-----------|------------|
//! | `datatrove`    | with a character that is no punctuation | mean of those | `#`; `...` and `…` | as `splitlines` cuts | `•` `-` | `...` `…` | distinct |
//! | `dclm`         | runs between ASCII white space that begin with a letter or digit | mean, cut at white space | `#`, `...`, `. . .`, `…` together | not blank, stripped | `●` `•` `*` `-` | `...` `. . .` `…` | every one, any case |
//! | `nemo-curator` | `words` | mean | words that are `#` or one of 8 ellipses | not blank, stripped | 12 bullets | 8 ellipses | every one, cut at white space |
//! | `dolma`        | cut at white space | median | words with `#` or `…` | cut at `\n`, blank ones too | `*` `-` | `…` | every one |
//! | `olmo3`        | runs of letters and digits; Unicode's (UAX 29) if not ASCII | mean in bytes, cut at white space | `#`, `...`, `. . .`, `…` together | cut at `\n`; for ellipses not empty | `●` `•` `*` `-` | `...` `. . .` `…` | every one, any case |

mod dclm;
mod dolma;
#[cfg(test)]
mod golden;
mod nemo_curator;
mod olmo3;
mod stop_words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::stop_words::StopWords;
use crate::fineweb_2;
use crate::kit::{
    Filter, Letters, Profile, Reason, Setup, Step, Text, Verdict, Words, Wrong, above, below, is_symbol, kind,
};

/// Settings of [`GopherQuality`]. Shares lie between 0 and 1.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Fewest words that are no mere symbols.
    pub min_words: u64,
    /// Most words that are no mere symbols.
    pub max_words: u64,
    /// Shortest mean length of those words, in characters.
    pub min_mean_chars: f64,
    /// Longest mean length of those words, in characters.
    pub max_mean_chars: f64,
    /// Most `#` for each word.
    pub max_hashes_per_word: f64,
    /// Most `...` and `…` for each word.
    pub max_ellipses_per_word: f64,
    /// Largest share of lines that begin with `•` or `-`.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_bullet_lines: f64,
    /// Largest share of lines that end with `...` or `…`.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_ellipsis_lines: f64,
    /// Smallest share of words with a letter, symbols counted as words.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_alphabetic_words: f64,
    /// Fewest distinct stop words.
    pub min_stop_words: u64,
    /// The stop words, in the case they are looked for.
    #[schemars(inner(length(min = 1)))]
    pub stop_words: Vec<String>,
    /// Most symbols for each word: `#` and ellipses, as the counting has them.
    pub max_symbols_per_word: f64,
    /// Smallest median length of a word, in characters; `dolma` alone measures it.
    pub min_median_chars: f64,
    /// Largest median length of a word, in characters; `dolma` alone measures it.
    pub max_median_chars: f64,
    /// How words are cut; `dclm`, `dolma` and `olmo3` have ways of their own.
    pub words: Words,
    /// Whose way of counting the measures follow.
    pub counting: Counting,
}

/// Whose way of counting the measures follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Counting {
    /// datatrove's.
    Datatrove,
    /// DCLM's.
    Dclm,
    /// NeMo Curator's.
    NemoCurator,
    /// Dolma's.
    Dolma,
    /// That of the heuristics of OLMo 3.
    Olmo3,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            min_words: 50,
            max_words: 100_000,
            min_mean_chars: 3.0,
            max_mean_chars: 10.0,
            max_hashes_per_word: 0.1,
            max_ellipses_per_word: 0.1,
            max_bullet_lines: 0.9,
            max_ellipsis_lines: 0.3,
            min_alphabetic_words: 0.8,
            min_stop_words: 2,
            stop_words: ["the", "be", "to", "of", "and", "that", "have", "with"].map(str::to_owned).to_vec(),
            max_symbols_per_word: f64::INFINITY,
            min_median_chars: 0.0,
            max_median_chars: f64::INFINITY,
            words: Words::English,
            counting: Counting::Datatrove,
        }
    }
}

crate::measures! {
    /// What [`GopherQuality`] measures.
    pub struct Measure {
        /// Words that are no mere symbols.
        words,
        /// Mean length of those words, in characters.
        mean_word_chars,
        /// `#` for each word.
        hashes_per_word,
        /// `...` and `…` for each word.
        ellipses_per_word,
        /// Share of lines that begin with a bullet.
        bullet_lines,
        /// Share of lines that end with an ellipsis.
        ellipsis_lines,
        /// Share of words with a letter.
        alphabetic_words,
        /// Stop words: distinct ones, or each time one occurs, as the counting has it.
        stop_words,
        /// `#` and ellipses for each word, as the counting has them.
        symbols_per_word,
        /// Median length of the words, in characters.
        median_word_chars,
    }
}

/// See the words at the top of this file.
pub struct GopherQuality {
    config: Config,
    stop_words: StopWords,
}

impl Step for GopherQuality {
    const NAME: &'static str = "gopher_quality";
    const VERSION: u32 = 3;
    const WORDS: &'static str = include_str!("mod.rs");
    const PROFILES: &'static [Profile] = &fineweb_2::join::<5, 8, 13>(
        [
            Profile {
                name: "datatrove",
                settings: "",
                about: "`GopherQualityFilter` of datatrove 0.10: words as spaCy cuts them, lengths in characters.",
            },
            Profile { name: "dclm", settings: dclm::SETTINGS, about: dclm::ABOUT },
            Profile { name: "nemo-curator", settings: nemo_curator::SETTINGS, about: nemo_curator::ABOUT },
            Profile { name: "dolma", settings: dolma::SETTINGS, about: dolma::ABOUT },
            Profile { name: "olmo3", settings: olmo3::SETTINGS, about: olmo3::ABOUT },
        ],
        fineweb_2::QUALITY,
    );
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        if config.stop_words.len() > 64 {
            return Err(
                Wrong::setting("stop_words", format!("{} stop words", config.stop_words.len())).help("give at most 64")
            );
        }
        // Where every occurrence counts, one stop word can be many.
        let most = match config.counting {
            Counting::Datatrove => config.stop_words.len() as u64,
            _ if config.stop_words.is_empty() => 0,
            _ => u64::MAX,
        };
        if config.min_stop_words > most {
            let what =
                format!("{} of {} stop words: nothing would be kept", config.min_stop_words, config.stop_words.len());
            return Err(Wrong::setting("min_stop_words", what).help("give more `stop_words`, or ask for fewer of them"));
        }
        if config.counting != Counting::Dolma
            && (config.min_median_chars > 0.0 || config.max_median_chars < f64::INFINITY)
        {
            let setting = if config.min_median_chars > 0.0 { "min_median_chars" } else { "max_median_chars" };
            return Err(Wrong::setting(setting, "nobody but `counting = \"dolma\"` measures the median"));
        }
        if matches!(config.counting, Counting::Dclm | Counting::Dolma | Counting::Olmo3)
            && config.words != Words::English
        {
            return Err(Wrong::setting("words", "this `counting` cuts words in a way of its own")
                .help("leave `words` out, or count as `datatrove` or `nemo-curator` do"));
        }
        let any_case = matches!(config.counting, Counting::Dclm | Counting::Olmo3);
        let stop_words = StopWords::new(&config.stop_words, any_case);
        Ok(GopherQuality { config, stop_words })
    }
}

impl Filter for GopherQuality {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::of("too_few_words", "min_words"),
        Reason::of("too_many_words", "max_words"),
        Reason::of("words_too_short", "min_mean_chars").by("mean_word_chars"),
        Reason::of("words_too_short", "min_median_chars").by("median_word_chars"),
        Reason::of("words_too_long", "max_mean_chars").by("mean_word_chars"),
        Reason::of("words_too_long", "max_median_chars").by("median_word_chars"),
        Reason::of("too_many_symbols", "max_symbols_per_word"),
        Reason::of("too_many_hashes", "max_hashes_per_word"),
        Reason::of("too_many_ellipses", "max_ellipses_per_word"),
        Reason::of("too_many_bullet_lines", "max_bullet_lines"),
        Reason::of("too_many_ellipsis_lines", "max_ellipsis_lines"),
        Reason::of("too_few_alphabetic_words", "min_alphabetic_words"),
        Reason::of("too_few_stop_words", "min_stop_words"),
    ];

    fn measure(&self, text: &Text) -> Measure {
        match self.config.counting {
            Counting::Datatrove => {}
            Counting::Dclm => return dclm::measure(&self.stop_words, text),
            Counting::NemoCurator => return nemo_curator::measure(&self.config, &self.stop_words, text),
            Counting::Dolma => return dolma::measure(&self.stop_words, text),
            Counting::Olmo3 => return olmo3::measure(&self.stop_words, text),
        }
        let words = text.word_spans(self.config.words);
        let all = words.len() as f64;
        let (mut wordly, mut chars, mut alphabetic, mut stop_words) = (0_u64, 0_u64, 0_u64, 0_u64);
        let bytes = text.as_bytes();
        let mut letters = Letters::of(bytes);
        for &(start, end) in words {
            let (start, end) = (start as usize, end as usize);
            if letters.end(start) >= end {
                // Nothing but letters: nine words of ten.
                wordly += 1;
                chars += (end - start) as u64;
                alphabetic += 1;
            } else {
                let (length, letter, symbols) = look(&text[start..end]);
                if !symbols {
                    wordly += 1;
                    chars += length;
                }
                alphabetic += u64::from(letter);
            }
            stop_words |= self.stop_words.find(text, start, end);
        }
        let (mut lines, mut bullets, mut ellipses) = (0_u64, 0_u64, 0_u64);
        for line in text.lines() {
            lines += 1;
            bullets += u64::from(line.trim_start().starts_with(['•', '-']));
            let end = line.trim_end();
            ellipses += u64::from(end.ends_with("...") || end.ends_with('…'));
        }
        let marks = text.marks();
        let (hashes, ellipses_in_text) = (marks.hashes, marks.dots + marks.ellipses);
        let of = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        Measure {
            words: Some(wordly as f64),
            mean_word_chars: of(chars as f64, wordly as f64),
            hashes_per_word: of(hashes as f64, all),
            ellipses_per_word: of(ellipses_in_text as f64, all),
            bullet_lines: of(bullets as f64, lines as f64),
            ellipsis_lines: of(ellipses as f64, lines as f64),
            alphabetic_words: of(alphabetic as f64, all),
            stop_words: Some(f64::from(stop_words.count_ones())),
            symbols_per_word: of((hashes + ellipses_in_text) as f64, all),
            median_word_chars: None,
        }
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        let Config { min_mean_chars, max_mean_chars, .. } = self.config;
        let words = measure.words.unwrap_or(0.0);
        match () {
            () if words < self.config.min_words as f64 => Verdict::Drop("too_few_words"),
            () if words > self.config.max_words as f64 => Verdict::Drop("too_many_words"),
            () if below(measure.mean_word_chars, min_mean_chars) => Verdict::Drop("words_too_short"),
            () if above(measure.mean_word_chars, max_mean_chars) => Verdict::Drop("words_too_long"),
            () if below(measure.median_word_chars, self.config.min_median_chars) => Verdict::Drop("words_too_short"),
            () if above(measure.median_word_chars, self.config.max_median_chars) => Verdict::Drop("words_too_long"),
            () if above(measure.symbols_per_word, self.config.max_symbols_per_word) => {
                Verdict::Drop("too_many_symbols")
            }
            () if above(measure.hashes_per_word, self.config.max_hashes_per_word) => Verdict::Drop("too_many_hashes"),
            () if above(measure.ellipses_per_word, self.config.max_ellipses_per_word) => {
                Verdict::Drop("too_many_ellipses")
            }
            () if above(measure.bullet_lines, self.config.max_bullet_lines) => Verdict::Drop("too_many_bullet_lines"),
            () if above(measure.ellipsis_lines, self.config.max_ellipsis_lines) => {
                Verdict::Drop("too_many_ellipsis_lines")
            }
            () if below(measure.alphabetic_words, self.config.min_alphabetic_words) => {
                Verdict::Drop("too_few_alphabetic_words")
            }
            () if below(measure.stop_words, self.config.min_stop_words as f64) => Verdict::Drop("too_few_stop_words"),
            () => Verdict::Keep,
        }
    }
}

/// A word's characters, whether one is a letter, and whether all are symbols.
fn look(word: &str) -> (u64, bool, bool) {
    let (mut letter, mut symbols) = (false, true);
    for c in word.chars() {
        letter = letter || c.is_alphabetic();
        symbols = symbols && is_symbol(c);
        if letter && !symbols {
            break; // nothing more can be learnt
        }
    }
    (word.chars().count() as u64, letter, symbols)
}

/// Characters of a word.
fn length(word: &str) -> u64 {
    if word.is_ascii() { word.len() as u64 } else { word.chars().count() as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn built(settings: &str) -> GopherQuality {
        GopherQuality::new(toml::from_str(settings).unwrap(), &mut Setup::default()).unwrap()
    }

    fn profile(name: &str) -> GopherQuality {
        built(GopherQuality::PROFILES.iter().find(|profile| profile.name == name).unwrap().settings)
    }

    pub(super) fn measured_as(name: &str, text: &str) -> Measure {
        profile(name).measure(&text.into())
    }

    pub(super) fn judged_as(name: &str, text: &str) -> Verdict {
        Filter::judge(&profile(name), &measured_as(name, text))
    }

    #[test]
    fn settings_that_a_counting_does_not_know_are_refused() {
        let refused = |settings: &str| {
            GopherQuality::new(toml::from_str(settings).unwrap(), &mut Setup::default()).err().unwrap().setting
        };
        assert_eq!(refused("min_median_chars = 3"), Some("min_median_chars"));
        assert_eq!(refused("counting = \"dclm\"\nmax_median_chars = 9"), Some("max_median_chars"));
        assert_eq!(refused("stop_words = [\"the\"]"), Some("min_stop_words"));
        assert_eq!(refused("counting = \"dclm\"\nstop_words = []"), Some("min_stop_words"));
        assert_eq!(refused(&format!("stop_words = {:?}", vec!["a"; 65])), Some("stop_words"));
        built("counting = \"dclm\"\nstop_words = [\"the\"]");
        assert_eq!(refused("counting = \"dclm\"\nwords = \"chinese\""), Some("words"));
    }

    fn judged(text: &str) -> Verdict {
        let filter = GopherQuality::new(Config::default(), &mut Setup::default()).unwrap();
        Filter::judge(&filter, &filter.measure(&text.into()))
    }

    const PROSE: &str = "the river and the town that lie beside it have a long history with many floods ";

    #[test]
    fn prose_is_kept_and_each_fault_has_its_reason() {
        let prose = PROSE.repeat(4);
        assert_eq!(judged(&prose), Verdict::Keep);
        for (text, reason) in [
            (PROSE.to_owned(), "too_few_words"),
            (String::new(), "too_few_words"),
            ("the a of to be ".repeat(20), "words_too_short"),
            ("the incomprehensibilities of institutionalization ".repeat(20), "words_too_long"),
            (prose.clone() + &"# ".repeat(20), "too_many_hashes"),
            (prose.clone() + &"... a ".repeat(20), "too_many_ellipses"),
            (prose.replace("the ", "\n- the ").trim().to_owned(), "too_many_bullet_lines"),
            (prose.replace("history ", "history…\n"), "too_many_ellipsis_lines"),
            (prose.clone() + &"123 ".repeat(40), "too_few_alphabetic_words"),
            ("river town history floods ".repeat(20), "too_few_stop_words"),
            ("the river of towns ".repeat(30_000), "too_many_words"),
        ] {
            assert_eq!(judged(&text), Verdict::Drop(reason), "{}", &text[..text.len().min(60)]);
        }
    }

    #[test]
    fn each_bound_keeps_what_lies_on_it_and_nothing_beyond() {
        let filter = GopherQuality::new(Config::default(), &mut Setup::default()).unwrap();
        let within = Measure {
            words: Some(50.0),
            mean_word_chars: Some(3.0),
            hashes_per_word: Some(0.1),
            ellipses_per_word: Some(0.1),
            bullet_lines: Some(0.9),
            ellipsis_lines: Some(0.3),
            alphabetic_words: Some(0.8),
            stop_words: Some(2.0),
            ..Measure::default()
        };
        assert_eq!(Filter::judge(&filter, &within), Verdict::Keep);
        let above = Measure { words: Some(100_000.0), mean_word_chars: Some(10.0), ..within };
        assert_eq!(Filter::judge(&filter, &above), Verdict::Keep);
        for (beyond, reason) in [
            (Measure { words: Some(49.0), ..within }, "too_few_words"),
            (Measure { words: Some(100_001.0), ..within }, "too_many_words"),
            (Measure { mean_word_chars: Some(3_f64.next_down()), ..within }, "words_too_short"),
            (Measure { mean_word_chars: Some(10_f64.next_up()), ..within }, "words_too_long"),
            (Measure { hashes_per_word: Some(0.1_f64.next_up()), ..within }, "too_many_hashes"),
            (Measure { ellipses_per_word: Some(0.1_f64.next_up()), ..within }, "too_many_ellipses"),
            (Measure { bullet_lines: Some(0.9_f64.next_up()), ..within }, "too_many_bullet_lines"),
            (Measure { ellipsis_lines: Some(0.3_f64.next_up()), ..within }, "too_many_ellipsis_lines"),
            (Measure { alphabetic_words: Some(0.8_f64.next_down()), ..within }, "too_few_alphabetic_words"),
            (Measure { stop_words: Some(1.0), ..within }, "too_few_stop_words"),
        ] {
            assert_eq!(Filter::judge(&filter, &beyond), Verdict::Drop(reason));
        }
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for text in ["\n".repeat(100_000), "# ".repeat(50_000), "...".repeat(50_000), "x".repeat(500_000)] {
            for profile in GopherQuality::PROFILES {
                measured_as(profile.name, &text);
            }
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(a|b|the|字|#|…|\\.|-| |\n|\r|\u{301}|\u{1c}){0,40}") {
            for profile in GopherQuality::PROFILES {
                judged_as(profile.name, &text);
            }
        }
    }

    #[test]
    fn chinese_words_are_counted_as_words() {
        let config = Config {
            words: Words::Chinese,
            min_stop_words: 0,
            min_mean_chars: 1.0,
            min_alphabetic_words: 0.7,
            min_words: 10,
            ..Config::default()
        };
        let filter = GopherQuality::new(config, &mut Setup::default()).unwrap();
        let measure = filter.measure(&"这条河发源于群山之中，离海很远，穿过田野、城镇和沼泽，最后流入大海。".into());
        assert!(measure.words.unwrap() > 12.0, "{measure:?}");
        assert_eq!(Filter::judge(&filter, &measure), Verdict::Keep);
    }
}
