//! Drops documents whose text has been seen before, but for case, punctuation and white space.
//!
//! Two documents are the same when their normalised texts have the same 128-bit hash (XXH3). The
//! one that is kept is the first in the order of the corpus, the newest or oldest by a date field, the
//! longest, or that with the highest value of a field; ties go to the first. The answer does not depend on threads, shards or machines.
//!
//! | setting     | default  | source                                                              |
//! |-------------|----------|---------------------------------------------------------------------|
//! | `keep`      | `first`  | `newest` follows InternLM2, arXiv:2403.17297, sec. 3.1.1            |
//! | `by`        | `date`   | ours: the field that `newest` and `oldest` compare                  |
//! | `scope`     | `global` | ours: a field; documents with different values of it are never the same |
//! | `normalize` | `folded` | ours: lower case, letters and digits alone; `exact` compares bytes  |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{Document, Field, Origin, Reason, Setup, Step, Verdict, Wrong};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::keep::{Keep, Ranking, Scope};
use super::{Decision, Key, Kind, Records, Stage};

/// Settings of [`ExactDuplicates`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Which of equal documents stays.
    pub keep: Keep,
    /// The field that says how new a document is: text in ISO 8601 or a number.
    pub by: String,
    /// `global`, or a field whose values are compared apart.
    pub scope: String,
    /// What counts as equal.
    pub normalize: Normalize,
}

impl Default for Config {
    fn default() -> Config {
        Config { keep: Keep::First, by: "date".to_owned(), scope: "global".to_owned(), normalize: Normalize::Folded }
    }
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
    normalize: Normalize,
    ranking: Ranking,
    scope: Scope,
}

impl Step for ExactDuplicates {
    const NAME: &'static str = "exact_duplicates";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("exact_duplicates.rs");
    type Config = Config;
    type Kind = Kind;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        let ranking = Ranking::new(&config.keep, &config.by);
        Ok(ExactDuplicates { ranking, scope: Scope::new(&config.scope), normalize: config.normalize })
    }

    fn reads(&self) -> Vec<Field> {
        self.scope.reads().into_iter().chain(self.ranking.reads()).collect()
    }
}

impl Stage for ExactDuplicates {
    const REASONS: &'static [Reason] = &[Reason::of("exact_duplicate", "keep")];

    fn observe(&self, document: &Document, emit: &mut dyn FnMut(Key, &[u8])) {
        let key = match self.normalize {
            Normalize::Exact => xxh3_128(document.text().as_bytes()),
            Normalize::Folded => folded_hash(document.text()),
        };
        let mut rank = Vec::new();
        self.ranking.rank(document, &mut rank);
        emit(self.scope.key(document, key), &rank);
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
}
