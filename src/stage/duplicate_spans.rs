//! Cuts lines, paragraphs or sentences that were said before, in this document or in an earlier one.
//!
//! Of all spans that count as equal, the first in the order of the corpus stays and the others are cut; what
//! is left of a document goes on. A span is a part (`unit`) or, with `window = 3`, three that follow one another;
//! windows overlap, and a part is cut if it is in any that was said before. Parts have no blank lines: a paragraph is
//! what stands between them. Where parts go, the white space on both sides becomes the wider of the two, so
//! that no empty lines are left over. A text from which nothing is cut keeps every byte.
//!
//! The answer does not depend on threads, shards or memory: spans are told apart by a hash of 128 bits and
//! sorted on disk, where each takes about 14 bytes.
//!
//! With `bloom = { expected = 2e9, false_positives = 1e-4 }` they are not sorted: spans go through a Bloom filter in the
//! order of the corpus, whose memory `check` and `run` tell before they read. Of 10,000 spans that nobody said
//! before up to one is cut, and more when more than `expected` different ones come: the summary says how many.
//! `memory_mb` in the stead of `expected` gives the size.
//!
//! A document that is dropped names in `kept_instead` a document that said one of its spans first. With a Bloom filter
//! nobody knows which that is; nor of a span that was said more than 4,096 times, all of which would have to be held.
//!
//! Fields: `duplicate_spans` is how many spans of the document were said before.
//!
//! | setting               | default     | source                                                          |
//! |-----------------------|-------------|-----------------------------------------------------------------|
//! | `unit`                | `paragraph` | CCNet, arXiv:1911.00359, sec. 3.1, whose paragraphs are lines: `line` |
//! | `window`              | 1           | parts in a span; 3 sentences: C4, arXiv:1910.10683, sec. 2.2    |
//! | `sentences`           | `marks`     | ours, Chinese marks too; `spacy` as datatrove, over `words`     |
//! | `normalize`           | `folded`    | ours: letters and digits in lower case; profiles have others    |
//! | `min_chars`           | 20          | ours: a shorter span is never cut                               |
//! | `max_duplicate_share` | 1.0         | ours: share of characters in parts to cut above which the document is dropped |
//! | `min_words_left`      | 0           | datatrove has 50; asked only where something was cut            |
//! | `min_sentences_left`  | 0           | datatrove has 3, C4's code 5; likewise                          |
//! | `words`               | `english`   | how words are cut, for `min_words_left` and `spacy`             |
//! | `scope`               | `global`    | a field; documents with different values of it are apart        |
//! | `bloom`               | off         | as Dolma's deduper, arXiv:2402.00159, which has it always       |

use std::cell::RefCell;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_dedup::bloom::Shape;
use wanjuan_dedup::normal::Normal;
use wanjuan_dedup::spans::{Cutter, Part, Sentences, Unit, bytes, without};
use wanjuan_filters::kit::{
    Document, Field, Name, Origin, Profile, Reason, Setup, Step, Text, Type, Verdict, Words, Wrong,
};

use super::keep::Scope;
use super::{Bloom, Decision, Key, Kind, Records, Stage};

/// Settings of [`DuplicateSpans`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What a part of a text is.
    pub unit: Unit,
    /// Parts in a span.
    #[schemars(range(min = 1, max = 100))]
    pub window: usize,
    /// How sentences are found.
    pub sentences: Sentences,
    /// What counts as equal.
    pub normalize: Normal,
    /// Least characters of a span that is looked at.
    pub min_chars: usize,
    /// Largest share of a document's characters that may be cut from it.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_duplicate_share: f64,
    /// Fewest words that must be left where something was cut.
    pub min_words_left: usize,
    /// Fewest sentences that must be left where something was cut.
    pub min_sentences_left: usize,
    /// How words are found.
    pub words: Words,
    /// `global`, or a field whose values are compared apart.
    pub scope: String,
    /// A Bloom filter in a fixed memory, which takes some spans for said before that were not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bloom: Option<Bloom>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            unit: Unit::Paragraph,
            window: 1,
            sentences: Sentences::Marks,
            normalize: Normal::Folded,
            min_chars: 20,
            max_duplicate_share: 1.0,
            min_words_left: 0,
            min_sentences_left: 0,
            words: Words::English,
            scope: "global".to_owned(),
            bloom: None,
        }
    }
}

/// See the words at the top of this file.
pub struct DuplicateSpans {
    config: Config,
    cutter: Cutter,
    scope: Scope,
    field: Name,
    bloom: Option<Shape>,
}

/// What a thread uses again from document to document.
#[derive(Default)]
struct Room {
    parts: Vec<Part>,
    hashes: Vec<(u128, u32)>,
    cut: Vec<bool>,
}

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
}

/// Equal spans of which the first is looked for before the others are decided about.
const HELD: usize = 4096;
/// Parts of which room is kept from one document to the next.
const KEPT_PARTS: usize = 1 << 16;

impl Step for DuplicateSpans {
    const NAME: &'static str = "duplicate_spans";
    const VERSION: u32 = 2;
    const WORDS: &'static str = include_str!("duplicate_spans.rs");
    type Config = Config;
    type Kind = Kind;

    const PROFILES: &'static [Profile] = &[
        Profile { name: "wanjuan", settings: "", about: "Our own: paragraphs, whatever their case and punctuation." },
        Profile {
            name: "c4",
            settings: "unit = 'sentence'\nwindow = 3\nnormalize = 'lower'\nmin_chars = 1\nmin_sentences_left = 5",
            about: "C4 (arXiv:1910.10683, sec. 2.2): all but one of any three sentences in a row go, and here the first stays. \
                    Its published code compares lines instead (`unit = 'line'`, `window = 1`), and keeps \
                    that of the page whose URL has the least hash. It drops a page with fewer than five sentences left.",
        },
        Profile {
            name: "ccnet",
            settings: "unit = 'line'\nnormalize = 'ccnet'\nmin_chars = 1",
            about: "CCNet (arXiv:1911.00359, sec. 3.1): lines, in lower case, digits as 0, without punctuation and accents; \
                    128 bits here where it has 64 of SHA-1. Its code keeps accents and the punctuation of ASCII.",
        },
        Profile {
            name: "datatrove",
            settings: "unit = 'sentence'\nsentences = 'spacy'\nwindow = 3\nnormalize = 'simplified'\nmin_chars = 1\nmin_words_left = 50\nmin_sentences_left = 3",
            about: "`SentenceDedup` of datatrove 0.10 with its defaults: three sentences in a row of the simplified text, here \
                    simplified one by one. Set `words` to the language.",
        },
        Profile {
            name: "dolma",
            settings: "unit = 'line'\nnormalize = 'exact'\nmin_chars = 1",
            about: "The paragraphs of Dolma's deduper (arXiv:2402.00159), which are lines as they stand. It has a \
                    Bloom filter always: set `bloom`, or leave it out and no line is cut that was not said before.",
        },
    ];

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        if !(1..=100).contains(&config.window) {
            return Err(Wrong::setting("window", format!("`window` is {}, and must be 1 to 100", config.window)));
        }
        if !(0.0..=1.0).contains(&config.max_duplicate_share) {
            let what = format!("`max_duplicate_share` is {}, and must be 0 to 1", config.max_duplicate_share);
            return Err(Wrong::setting("max_duplicate_share", what));
        }
        let bloom = config.bloom.map(|bloom| bloom.shape()).transpose()?;
        let &Config { unit, sentences, words, window, normalize, min_chars, .. } = &config;
        let cutter = Cutter { unit, sentences, words, window, normal: normalize, min_chars };
        let (scope, field) = (Scope::new(&config.scope), Name::new("duplicate_spans"));
        Ok(DuplicateSpans { config, cutter, scope, field, bloom })
    }

    fn reads(&self) -> Vec<Field> {
        self.scope.reads()
    }

    fn writes(&self) -> Vec<Field> {
        vec![Field { name: self.field, kind: Type::Integer }]
    }
}

impl Stage for DuplicateSpans {
    const REASONS: &'static [Reason] = &[
        Reason::of("too_much_duplicated", "max_duplicate_share").unmeasured(),
        Reason::always("nothing_left"),
        Reason::of("too_few_words_left", "min_words_left").unmeasured(),
        Reason::of("too_few_sentences_left", "min_sentences_left").unmeasured(),
    ];

    fn observe(&self, document: &Document, emit: &mut dyn FnMut(Key, &[u8])) {
        ROOM.with_borrow_mut(|Room { parts, hashes, .. }| {
            let text = document.text();
            self.cutter.parts(text, parts);
            self.cutter.spans(text, parts, hashes, |number, hash| {
                let mut value = [0; 5];
                let length = write_number(number, &mut value);
                emit(self.scope.key(document, hash), &value[..length]);
            });
            parts.shrink_to(KEPT_PARTS);
            hashes.shrink_to(KEPT_PARTS);
        });
    }

    fn reduce(&self, _: Key, records: &mut dyn Records, decide: &mut dyn FnMut(Origin, Decision<'_>)) {
        // Records are sorted by the number of the span before the document, so the first of the corpus may
        // come at any time.
        let mut next = || records.next().and_then(|(origin, value)| Some((origin, read_number(value)?.0)));
        let mut cut = |(origin, number): (Origin, u32), kept: Option<Origin>| {
            let mut bytes = [0; 5];
            let length = write_number(number, &mut bytes);
            decide(origin, Decision { kept, bytes: &bytes[..length], ..Decision::default() });
        };
        let (Some(one), Some(two)) = (next(), next()) else { return };
        let mut held = vec![one, two];
        while held.len() <= HELD {
            let Some(another) = next() else {
                let first = *held.iter().min().expect("there are two");
                for span in held.into_iter().filter(|span| *span != first) {
                    cut(span, (span.0 != first.0).then_some(first.0));
                }
                return;
            };
            held.push(another);
        }
        // Too many to be held: of two, the later one is cut.
        let mut first = held.remove(0);
        for span in held.into_iter().chain(std::iter::from_fn(next)) {
            cut(first.max(span), None);
            first = first.min(span);
        }
    }

    fn bloom(&self) -> Option<Shape> {
        self.bloom
    }

    fn marks(&self) -> bool {
        false
    }

    fn apply(&self, document: &mut Document, decision: Option<Decision<'_>>) -> Verdict {
        let Some(decision) = decision else {
            document.set_field(self.field, 0_i64);
            return Verdict::Keep;
        };
        ROOM.with_borrow_mut(|room| {
            let verdict = self.cut(document, decision.bytes, room);
            room.parts.shrink_to(KEPT_PARTS);
            room.cut.shrink_to(KEPT_PARTS);
            verdict
        })
    }
}

impl DuplicateSpans {
    /// Cuts the spans whose numbers are given.
    fn cut(&self, document: &mut Document, mut numbers: &[u8], room: &mut Room) -> Verdict {
        let Room { parts, cut, .. } = room;
        self.cutter.parts(document.text(), parts);
        cut.clear();
        cut.resize(parts.len(), false);
        let mut spans = 0_i64;
        while let Some((number, rest)) = read_number(numbers) {
            numbers = rest;
            spans += 1;
            let window = number as usize..(number as usize + self.config.window).min(parts.len());
            cut.get_mut(window).into_iter().flatten().for_each(|cut| *cut = true);
        }
        document.set_field(self.field, spans);
        let text = document.text();
        let (mut all, mut gone) = (0, 0);
        for (part, cut) in parts.iter().zip(cut.iter()) {
            let chars = text[bytes(part)].chars().count();
            all += chars;
            gone += if *cut { chars } else { 0 };
        }
        if gone as f64 > self.config.max_duplicate_share * all as f64 {
            return Verdict::Drop("too_much_duplicated");
        }
        if gone == all {
            return Verdict::Drop("nothing_left");
        }
        let mut left = String::with_capacity(text.len());
        without(text, parts, |part| cut[part], &mut left);
        if self.config.min_words_left > 0 {
            let left = Text::new(Document::new("", left.as_str()));
            if left.words(self.config.words).len() < self.config.min_words_left {
                return Verdict::Drop("too_few_words_left");
            }
        }
        if self.config.min_sentences_left > 0 {
            Cutter { unit: Unit::Sentence, ..self.cutter }.parts(&left, parts);
            if parts.len() < self.config.min_sentences_left {
                return Verdict::Drop("too_few_sentences_left");
            }
        }
        document.set_text(left);
        Verdict::Keep
    }
}

/// Writes a number in bytes of seven bits, the lowest first, and says how many; all but the last are over 127.
fn write_number(mut number: u32, out: &mut [u8; 5]) -> usize {
    let mut length = 0;
    while number > 0x7f {
        out[length] = number as u8 | 0x80;
        number >>= 7;
        length += 1;
    }
    out[length] = number as u8;
    length + 1
}

/// The number the bytes begin with, and what follows.
fn read_number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let end = bytes.iter().take(5).position(|byte| byte & 0x80 == 0)?;
    let number = bytes[..=end].iter().rev().fold(0, |number, byte| number << 7 | u32::from(byte & 0x7f));
    Some((number, &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(config: Config) -> DuplicateSpans {
        DuplicateSpans::new(config, &mut Setup::default()).unwrap()
    }

    /// What is left of a text whose spans `numbers` were said before.
    fn left(config: Config, text: &str, numbers: &[u32]) -> Result<String, &'static str> {
        let mut bytes = Vec::new();
        for &number in numbers {
            let mut out = [0; 5];
            let length = write_number(number, &mut out);
            bytes.extend_from_slice(&out[..length]);
        }
        let mut document = Document::new("", text);
        let decision = Decision { bytes: &bytes, ..Decision::default() };
        match stage(config).apply(&mut document, Some(decision)) {
            Verdict::Keep => Ok(document.text().to_owned()),
            Verdict::Drop(reason) => Err(reason),
        }
    }

    #[test]
    fn numbers_come_back() {
        for number in [0, 1, 127, 128, 300, 1 << 14, u32::MAX] {
            let mut bytes = [0; 5];
            let length = write_number(number, &mut bytes);
            assert_eq!(read_number(&bytes[..length]), Some((number, &[][..])));
        }
        assert_eq!(read_number(&[0x80]), None);
    }

    #[test]
    fn spans_are_cut_and_windows_overlap() {
        let lines = Config { unit: Unit::Line, ..Config::default() };
        assert_eq!(left(lines.clone(), "一\n二\n三", &[1]).unwrap(), "一\n三");
        let three = Config { unit: Unit::Sentence, window: 3, ..Config::default() };
        assert_eq!(left(three, "A. B. C. D. E. F.", &[1, 2]).unwrap(), "A. F.");
        assert_eq!(left(lines.clone(), "a\nb", &[0, 1]), Err("nothing_left"));
        let bound = |max_duplicate_share| Config { max_duplicate_share, ..lines.clone() };
        assert_eq!(left(bound(0.5), "a\nb", &[0]).unwrap(), "b");
        assert_eq!(left(bound(0.49), "a\nb", &[0]), Err("too_much_duplicated"));
        let words = |min_words_left| Config { min_words_left, ..lines.clone() };
        assert_eq!(left(words(2), "a\nb c", &[0]).unwrap(), "b c");
        assert_eq!(left(words(3), "a\nb c", &[0]), Err("too_few_words_left"));
        let sentences = |min_sentences_left| Config { min_sentences_left, ..lines.clone() };
        assert_eq!(left(sentences(2), "a\n甲。乙。", &[0]).unwrap(), "甲。乙。");
        assert_eq!(left(sentences(3), "a\n甲。乙。", &[0]), Err("too_few_sentences_left"));
    }

    #[test]
    fn the_first_in_the_order_of_the_corpus_stays() {
        struct List(std::vec::IntoIter<(Origin, Vec<u8>)>, Vec<u8>);
        impl Records for List {
            fn next(&mut self) -> Option<(Origin, &[u8])> {
                let (origin, value) = self.0.next()?;
                self.1 = value;
                Some((origin, &self.1))
            }
        }
        let at = |ordinal| Origin { split: 0, ordinal };
        // As they come: by the number of the span, then by the document.
        let records = [(at(5), vec![0]), (at(2), vec![1]), (at(9), vec![1]), (at(2), vec![4])];
        let mut cut = Vec::new();
        stage(Config::default()).reduce(
            0,
            &mut List(Vec::from(records).into_iter(), Vec::new()),
            &mut |origin, decision| {
                cut.push((origin.ordinal, decision.bytes.to_vec()));
            },
        );
        cut.sort();
        assert_eq!(cut, [(2, vec![4]), (5, vec![0]), (9, vec![1])]);
    }
}
