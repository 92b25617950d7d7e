//! Drops documents whose text has been seen before, but for case, punctuation and white space.
//!
//! Two documents are the same when their normalised texts have the same 128-bit hash (XXH3). The
//! one that is kept is the first in the order of the corpus, the newest by a date field, or the
//! longest; ties go to the first. The answer does not depend on threads, shards or machines.
//!
//! | setting     | default  | source                                                              |
//! |-------------|----------|---------------------------------------------------------------------|
//! | `keep`      | `first`  | `newest` follows InternLM2, arXiv:2403.17297, sec. 3.1.1            |
//! | `by`        | `date`   | ours: the field that `keep = "newest"` compares                     |
//! | `normalize` | `folded` | ours: lower case, letters and digits alone; `exact` compares bytes  |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{Document, Field, Name, Origin, Reason, Setup, Step, Type, Value, Verdict, Wrong};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::{Decision, Key, Kind, Records, Stage};

/// Settings of [`ExactDuplicates`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Which of equal documents stays.
    pub keep: Keep,
    /// The field that says how new a document is: text in ISO 8601 or a number.
    pub by: String,
    /// What counts as equal.
    pub normalize: Normalize,
}

impl Default for Config {
    fn default() -> Config {
        Config { keep: Keep::First, by: "date".to_owned(), normalize: Normalize::Folded }
    }
}

/// Which of equal documents stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// The first in the order of the corpus.
    First,
    /// The one with the greatest value of the field `by`; one without a value is the oldest.
    Newest,
    /// The one with the most characters.
    Longest,
}

/// What counts as equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Normalize {
    /// Letters and digits alone, in lower case.
    Folded,
    /// Every byte.
    Exact,
}

/// See the words at the top of this file.
pub struct ExactDuplicates {
    config: Config,
    by: Name,
}

impl Step for ExactDuplicates {
    const NAME: &'static str = "exact_duplicates";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("exact_duplicates.rs");
    type Config = Config;
    type Kind = Kind;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        let by = Name::new(&config.by);
        Ok(ExactDuplicates { config, by })
    }

    fn reads(&self) -> Vec<Field> {
        // A date is text or a number: the type that the graph knows for it is accepted either way.
        match self.config.keep {
            Keep::Newest => vec![Field { name: self.by, kind: Type::Text }],
            _ => Vec::new(),
        }
    }
}

impl Stage for ExactDuplicates {
    const REASONS: &'static [Reason] = &[Reason::of("exact_duplicate", "keep")];

    fn observe(&self, document: &Document, emit: &mut dyn FnMut(Key, &[u8])) {
        let key = match self.config.normalize {
            Normalize::Exact => xxh3_128(document.text().as_bytes()),
            Normalize::Folded => folded_hash(document.text()),
        };
        match self.config.keep {
            Keep::First => emit(key, &[]),
            Keep::Longest => emit(key, &(!(document.text().chars().count() as u64)).to_be_bytes()),
            Keep::Newest => emit(key, &newest_first(document.field(self.by))),
        }
    }

    fn reduce(&self, _: Key, records: &mut dyn Records, decide: &mut dyn FnMut(Origin, Decision<'_>)) {
        // Records are sorted best first, so the first one stays.
        let Some(kept) = records.next().map(|(origin, _)| origin) else { return };
        while let Some((origin, _)) = records.next() {
            if origin != kept {
                decide(origin, Decision { kept: Some(kept), bytes: &[] });
            }
        }
    }

    fn apply(&self, _: &mut Document, decision: Option<Decision<'_>>) -> Verdict {
        match decision {
            Some(_) => Verdict::Drop("exact_duplicate"),
            None => Verdict::Keep,
        }
    }
}

/// The hash of the letters and digits, in lower case. A text that has none is hashed as it is:
/// pages of nothing but symbols are not all alike.
fn folded_hash(text: &str) -> Key {
    let mut hasher = Xxh3::new();
    let mut buffer = [0; 1024];
    let mut filled = 0;
    let mut any = false;
    let mut put = |character: char, hasher: &mut Xxh3| {
        if filled + 4 > buffer.len() {
            hasher.update(&buffer[..filled]);
            filled = 0;
        }
        if character != '\0' {
            filled += character.encode_utf8(&mut buffer[filled..]).len();
        } else {
            hasher.update(&buffer[..filled]);
            filled = 0;
        }
    };
    for character in text.chars() {
        if character.is_ascii() {
            if character.is_ascii_alphanumeric() {
                any = true;
                put(character.to_ascii_lowercase(), &mut hasher);
            }
        } else if character.is_alphanumeric() {
            any = true;
            character.to_lowercase().for_each(|lower| put(lower, &mut hasher));
        }
    }
    put('\0', &mut hasher);
    if any { hasher.digest128() } else { xxh3_128(text.as_bytes()) }
}

/// Bytes that sort the newest first: a date's text inverted, or a number's order inverted.
fn newest_first(value: Option<&Value>) -> Vec<u8> {
    match value {
        Some(Value::Text(text)) => text.bytes().take(64).map(|byte| !byte).chain([0xff]).collect(),
        Some(value) => {
            let bits = value.as_number().unwrap_or(f64::NEG_INFINITY).to_bits() as i64;
            // Flips a float's bits into the order of integers, then inverts it.
            let ordered = (bits ^ (((bits >> 63) as u64) >> 1) as i64) as u64 ^ (1 << 63);
            (!ordered).to_be_bytes().to_vec()
        }
        None => vec![0xff; 9],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(config: Config, document: &Document) -> (Key, Vec<u8>) {
        let mut seen = None;
        ExactDuplicates::new(config, &mut Setup::default())
            .unwrap()
            .observe(document, &mut |key, value| seen = Some((key, value.to_vec())));
        seen.unwrap()
    }

    fn key(text: &str) -> Key {
        observed(Config::default(), &Document::new("", text)).0
    }

    #[test]
    fn case_white_space_and_punctuation_do_not_make_two_documents() {
        assert_eq!(key("Hello,  world!\n"), key("hello WORLD"));
        assert_eq!(key("你好，世界。"), key("你好 世界"));
        assert_ne!(key("你好世界"), key("你好世间"));
    }

    #[test]
    fn a_long_text_hashes_as_its_letters_do_in_one_piece() {
        let text = "Ärger, 文字 ".repeat(1000);
        let plain: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        assert_eq!(key(&text), xxh3_128(plain.as_bytes()));
    }

    #[test]
    fn texts_without_a_letter_are_told_apart() {
        assert_ne!(key("***"), key("---"));
        assert_eq!(key(""), key(""));
    }

    #[test]
    fn newer_dates_and_greater_numbers_sort_first_and_none_at_all_last() {
        let order =
            |values: &[Option<Value>]| values.iter().map(|value| newest_first(value.as_ref())).collect::<Vec<_>>();
        assert!(
            order(&[
                Some("2024-01-02".into()),
                Some("2024-01-01T10:00:00".into()),
                Some("2024-01-01".into()),
                Some("".into()),
                None
            ])
            .is_sorted()
        );
        assert!(order(&[Some(10_i64.into()), Some(2.5.into()), Some(0_i64.into()), Some((-3_i64).into())]).is_sorted());
    }

    #[test]
    fn the_longest_sorts_first() {
        let config = || Config { keep: Keep::Longest, ..Config::default() };
        assert!(observed(config(), &Document::new("", "aa!!")).1 < observed(config(), &Document::new("", "aa")).1);
    }
}
