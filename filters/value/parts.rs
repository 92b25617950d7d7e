//! The parts of the scores, in one pass over the units of a text, one over its characters and one over its lines.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use wanjuan_models::ngram::Model;
use wanjuan_models::ngram::chars::Chars;
use wanjuan_models::shipped;
use xxhash_rust::xxh3::xxh3_64;

use super::form;
use super::scorers::Scorers;
use crate::kit::{Table, Text, Words, first_chars, is_han, is_lower_stop_word};

/// The words of each part: the one list that the measures of all scores are taken from.
macro_rules! about {
    (compressed) => {
        "Bytes when compressed with a dictionary, as a share."
    };
    (surprisal) => {
        "Bits for each character under a model of characters."
    };
    (unevenness) => {
        "Standard deviation of the surprisal between lines."
    };
    (content) => {
        "Share of units that are no stop words."
    };
    (entities) => {
        "Share of units that look like names or numbers."
    };
    (new_ideas) => {
        "Mean share of runs of three units that are new in their sentence."
    };
    (idf) => {
        "Mean inverse document frequency of units, in bits."
    };
    (boilerplate) => {
        "Share of characters in short lines without a mark at their end."
    };
    (formula_code) => {
        "Share of visible characters that are digits, symbols or marks of code."
    };
    (repeated) => {
        "Share of characters in lines that were said before."
    };
    (marks) => {
        "Marks of sentences and commas for each unit."
    };
    (sentence) => {
        "Logarithm (base 2) of the mean number of units of a sentence."
    };
    (odd) => {
        "Share of characters that are controls, for private use or broken."
    };
    (runs) => {
        "Share of visible characters that are the mark before them again."
    };
    (misplaced) => {
        "Share of marks that begin a line or stand behind white space."
    };
    (foreign) => {
        "Share of letters that are neither Han nor from A to Z."
    };
    (small_starts) => {
        "Share of sentences that begin with a small letter."
    };
    (shouted) => {
        "Share of units of two letters and more that are all capitals."
    };
    (exclaimed) => {
        "Share of sentences that end in `!`."
    };
    (links) => {
        "Links and addresses for each unit."
    };
    (fluent) => {
        "Logarithm of the odds that a classifier gives a text that reads as it was written."
    };
    (worth) => {
        "Logarithm of the odds that a classifier gives a text that is worth learning from."
    };
}

/// Declares measures: a score, and the parts that it is made of.
macro_rules! score_of_parts {
    ($(#[$meta:meta])* $vis:vis struct $struct:ident { #[doc = $about:expr] $score:ident of $($part:ident),* $(,)? }) => {
        $crate::measures! {
            $(#[$meta])*
            $vis struct $struct { #[doc = $about] $score, $(#[doc = $crate::value::about!($part)] $part),* }
        }

        impl $struct {
            /// Those of a text; its score is 0 where it has no part.
            fn of(found: Option<($crate::value::Parts, f64)>) -> $struct {
                match found {
                    Some((parts, odds)) => $struct {
                        $score: Some($crate::value::probability(odds)),
                        $($part: parts.$part,)*
                    },
                    None => $struct { $score: Some(0.0), ..$struct::default() },
                }
            }
        }
    };
}

/// Declares the parts.
macro_rules! parts {
    ($(#[$meta:meta])* $vis:vis struct $struct:ident { $($part:ident),* $(,)? }) => {
        $crate::measures! { $(#[$meta])* $vis struct $struct { $(#[doc = about!($part)] $part),* } }
    };
}
pub(crate) use {about, score_of_parts};

parts! {
    /// All that scores are made of. The pages of the steps say what each is.
    pub struct Parts {
        compressed, surprisal, unevenness, content, entities, new_ideas, idf, boilerplate, formula_code,
        repeated, marks, sentence, odd, runs, misplaced, foreign, small_starts, shouted, exclaimed, links,
        fluent, worth,
    }
}

/// Which of the dear parts are wanted; the others always are there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// `compressed`.
    pub compressed: bool,
    /// `surprisal` and `unevenness`.
    pub surprisal: bool,
    /// `fluent`.
    pub fluent: bool,
    /// `worth`.
    pub worth: bool,
}

const GRAMMAR: &str =
    "的了是在和有不也就都而及与着或之于为以其这那此被把让从向对到由给吗呢吧啊呀么们个些很更最又还但却虽若则因所且";

/// Characters whose surprisal is measured.
const SURPRISAL_CHARS: usize = 4000;

/// Shortest line whose surprisal is compared, in characters.
const LINE_CHARS: usize = 20;

/// Most units of a line that counts as boilerplate.
const SHORT_LINE: usize = 6;

/// The inverse document frequency of what is not listed, in bits.
const RARE: f64 = 12.0;

static MODELS: LazyLock<[Chars; 2]> = LazyLock::new(|| {
    ["chars-en", "chars-zh"].map(|name| {
        let (_, bytes) = shipped::find("ngram", name).expect("it comes along");
        Chars::new(Model::from_bytes(bytes).expect("a test loads it"))
    })
});

/// By hash of the unit in lower case, in bits.
static IDF: LazyLock<HashMap<u64, f64>> = LazyLock::new(|| {
    let list = zstd::decode_all(&include_bytes!("idf.tsv.zst")[..]).expect("it was compressed by zstd");
    let line = |line: &str| {
        let (unit, twentieths) = line.split_once('\t')?;
        Some((xxh3_64(unit.as_bytes()), twentieths.parse::<f64>().ok()? / 20.0))
    };
    String::from_utf8_lossy(&list).lines().filter_map(line).collect()
});

fn ends_sentence(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '。' | '！' | '？' | '…')
}

fn compressed(text: &str) -> Option<f64> {
    thread_local! {
        static COMPRESSOR: RefCell<Option<(zstd::bulk::Compressor<'static>, Vec<u8>)>> = RefCell::new(
            zstd::bulk::Compressor::with_dictionary(3, include_bytes!("corpus.dict")).ok().map(|one| (one, Vec::new())),
        );
    }
    COMPRESSOR.with_borrow_mut(|both| {
        let (compressor, out) = both.as_mut()?;
        out.clear();
        out.reserve(zstd::zstd_safe::compress_bound(text.len()));
        let length = compressor.compress_to_buffer(text.as_bytes(), out).ok();
        out.clear();
        out.shrink_to(4 << 20);
        length.map(|length| length as f64 / text.len() as f64)
    })
}

/// What is counted along the units.
#[derive(Default)]
struct Counts {
    units: u64,
    stop_words: u64,
    entities: u64,
    idf: f64,
    marks: u64,
    sentences: u64,
    new_ideas: f64,
    sentences_with_ideas: u64,
    small_starts: u64,
    shouted: u64,
    exclaimed: u64,
    links: u64,
}

/// The parts, and whether the text is taken as Chinese. Nothing of a text without a unit.
pub fn parts(text: &Text, wanted: Wanted) -> Option<(Parts, bool)> {
    let classes = text.classes();
    let visible = text.char_count() as u64 - classes.white_space;
    let chinese = classes.han * 5 >= classes.letters && classes.han > 0;
    let counts = units(text, chinese);
    if counts.units == 0 {
        return None;
    }
    let of = |part: f64, whole: u64| (whole > 0).then(|| part / whole as f64);
    let form = form::form(text);
    let (surprisal, unevenness) =
        if wanted.surprisal { surprisal(text, &MODELS[usize::from(chinese)]) } else { (None, None) };
    let scorers = Scorers::of(chinese);
    let ends = counts.sentences.max(1);
    let parts = Parts {
        compressed: if wanted.compressed { compressed(text) } else { None },
        surprisal,
        unevenness,
        content: of((counts.units - counts.stop_words) as f64, counts.units),
        entities: of(counts.entities as f64, counts.units),
        new_ideas: of(counts.new_ideas, counts.sentences_with_ideas),
        idf: of(counts.idf, counts.units),
        boilerplate: boilerplate(text),
        formula_code: of((classes.digits + classes.symbols + form.code) as f64, visible),
        repeated: of(form.repeated as f64, visible),
        marks: of(counts.marks as f64, counts.units),
        sentence: Some((counts.units as f64 / ends as f64).log2()),
        odd: of(form.odd as f64, text.char_count() as u64),
        runs: of(form.runs as f64, visible),
        misplaced: of(form.misplaced as f64, form.marks),
        foreign: of(classes.letters.saturating_sub(classes.ascii_letters + classes.han) as f64, classes.letters),
        small_starts: of(counts.small_starts as f64, ends),
        shouted: of(counts.shouted as f64, counts.units),
        exclaimed: of(counts.exclaimed as f64, ends),
        links: of(counts.links as f64, counts.units),
        fluent: if wanted.fluent { scorers.fluent(text) } else { None },
        worth: if wanted.worth { scorers.worth(text) } else { None },
    };
    Some((parts, chinese))
}

fn units(text: &Text, chinese: bool) -> Counts {
    thread_local! {
        static SEEN: RefCell<(Table, String)> = RefCell::default();
    }
    SEEN.with_borrow_mut(|(seen, lower)| {
        let mut counts = Counts::default();
        seen.start(text.words(Words::Characters).len());
        // Hashes of the last two units of the sentence.
        let mut before: [u64; 2] = [0; 2];
        let (mut in_sentence, mut fresh) = (0_u64, 0_u64);
        let close = |counts: &mut Counts, in_sentence: &mut u64, fresh: &mut u64| {
            if *in_sentence >= 3 {
                counts.new_ideas += *fresh as f64 / (*in_sentence - 2) as f64;
                counts.sentences_with_ideas += 1;
            }
            counts.sentences += u64::from(*in_sentence > 0);
            (*in_sentence, *fresh) = (0, 0);
        };
        for word in text.words(Words::Characters) {
            let Some(first) = word.chars().next() else { continue };
            if !first.is_alphanumeric() {
                counts.marks +=
                    u64::from(ends_sentence(first) || matches!(first, ',' | '，' | '、' | ';' | '；' | ':' | '：'));
                counts.links += u64::from(first == '@');
                if ends_sentence(first) {
                    counts.exclaimed += u64::from(matches!(first, '!' | '！') && in_sentence > 0);
                    close(&mut counts, &mut in_sentence, &mut fresh);
                }
                continue;
            }
            lower.clear();
            lower.extend(word.chars().flat_map(char::to_lowercase));
            let hash = xxh3_64(lower.as_bytes());
            counts.units += 1;
            counts.small_starts += u64::from(in_sentence == 0 && first.is_lowercase());
            counts.shouted += u64::from(word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase()));
            counts.links += u64::from(matches!(lower.as_str(), "http" | "https" | "www"));
            counts.idf += IDF.get(&hash).copied().unwrap_or(RARE);
            let stop = if is_han(first) { GRAMMAR.contains(first) } else { is_lower_stop_word(lower) };
            counts.stop_words += u64::from(stop);
            let named = first.is_uppercase() && in_sentence > 0 && !stop || chinese && first.is_ascii_alphabetic();
            counts.entities += u64::from(named || word.contains(|c: char| c.is_numeric() && !is_han(c)));
            if in_sentence >= 2 {
                let run = before[0].rotate_left(21) ^ before[1].rotate_left(42) ^ hash;
                fresh += u64::from(seen.count(run) == 1);
            }
            before = [before[1], hash];
            in_sentence += 1;
        }
        close(&mut counts, &mut in_sentence, &mut fresh);
        lower.clear();
        lower.shrink_to(4096);
        counts
    })
}

fn surprisal(text: &Text, model: &Chars) -> (Option<f64>, Option<f64>) {
    let bits = std::f64::consts::LOG2_10;
    let (mut all, mut chars) = (0.0, 0);
    let (mut lines, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let line = first_chars(line, Some(SURPRISAL_CHARS - chars));
        let score = model.score(line);
        let each = -score.log10 * bits / score.words as f64;
        all -= score.log10 * bits;
        chars += score.words as usize;
        if score.words as usize > LINE_CHARS {
            lines += 1.0;
            sum += each;
            squares += each * each;
        }
        if chars >= SURPRISAL_CHARS {
            break;
        }
    }
    let mean: f64 = sum / lines;
    let deviation = (lines >= 2.0).then(|| (squares / lines - mean * mean).max(0.0).sqrt());
    ((chars > 0).then(|| all / chars as f64), deviation)
}

fn boilerplate(text: &Text) -> Option<f64> {
    let start = text.as_ptr().addr();
    let mut words = text.words(Words::Characters).peekable();
    let (mut all, mut short) = (0_u64, 0_u64);
    for line in text.lines() {
        let end = line.as_ptr().addr() - start + line.len();
        let (mut units, mut chars, mut last) = (0, 0_u64, ' ');
        while let Some(word) = words.next_if(|word| word.as_ptr().addr() - start < end) {
            let count = word.chars().count() as u64;
            units += usize::from(word.starts_with(char::is_alphanumeric));
            chars += count;
            last = word.chars().next_back().unwrap_or(' ');
        }
        all += chars;
        if units <= SHORT_LINE && !ends_sentence(last) {
            short += chars;
        }
    }
    (all > 0).then(|| short as f64 / all as f64)
}
