//! What a signature is made of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{Words, Wrong};

/// What a signature is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Bands of the signature. Texts are candidates when all rows of one band agree.
    pub bands: usize,
    /// Minima in each band.
    pub rows: usize,
    /// Units in a shingle.
    pub ngram: usize,
    /// What a unit is.
    pub tokens: Tokens,
    /// How words are found, for `tokens = "simplified"`.
    pub words: Words,
    /// How a shingle is hashed.
    pub hash: Hash,
    /// How hashes are permuted.
    pub permutations: Permutations,
    /// What the permutations are drawn from.
    pub seed: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            bands: 25,
            rows: 5,
            ngram: 5,
            tokens: Tokens::Whitespace,
            words: Words::English,
            hash: Hash::Rolling,
            permutations: Permutations::Multiply32,
            seed: 1,
        }
    }
}

/// What a unit of a shingle is. Of a text with fewer units than a shingle has, `whitespace`, `units`, `characters`
/// and `tokenizer` make one shingle of all, if there are any, and the others none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tokens {
    /// What stands between white space, in lower case, its punctuation included; or a character of a script that is
    /// written without spaces, or a Hangul syllable.
    Whitespace,
    /// As `whitespace`, but punctuation and symbols only separate: a word is a run of letters, digits and marks.
    /// Texts that differ in punctuation alone are the same.
    Units,
    /// A word of the text as datatrove simplifies it: in lower case, each number as 0, without punctuation
    /// and marks; cut as `words` says.
    Simplified,
    /// What stands between spaces, in lower case; tabs and line ends are part of it.
    Spaces,
    /// What stands between white space in lower case, without ASCII punctuation, decomposed (NFD).
    Normalized,
    /// What stands between any two characters that are not letters, numbers or `_`, in lower case: nothing,
    /// where two of them follow each other.
    NonWord,
    /// A character of the text as it stands.
    Characters,
    /// A character of the text in lower case.
    LowerCharacters,
    /// A character of the text in lower case, without ASCII punctuation, one space for a run of white space.
    PlainCharacters,
    /// A token of a tokenizer, of the text in lower case, without ASCII punctuation, one space for a run of
    /// white space.
    Tokenizer,
}

impl Tokens {
    /// Whether units are hashed one by one and never become strings.
    pub(super) fn roll(self) -> bool {
        matches!(self, Tokens::Whitespace | Tokens::Units | Tokens::Tokenizer)
    }
}

/// How a shingle is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hash {
    /// A polynomial in the hashes of the units. For `whitespace`, `units` and `tokenizer`, and they have no other.
    Rolling,
    /// XXH64, seed 0, of the units with a space between words.
    Xxh64,
    /// The lower 32 bits of XXH3's 64.
    #[serde(rename = "xxh3_32")]
    Xxh3Low32,
    /// The first eight bytes of SHA-1, little-endian.
    #[serde(rename = "sha1_64")]
    Sha1First64,
    /// The first four bytes of SHA-1, little-endian.
    #[serde(rename = "sha1_32")]
    Sha1First32,
    /// MurmurHash3 of 32 bits, seeded by the first factor of the permutations; 1 where that is 0. As cuDF.
    #[serde(rename = "murmur3_32")]
    Murmur3,
}

/// How hashes are permuted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permutations {
    /// `a * h + b` in 32 bits, `a` odd.
    Multiply32,
    /// `a * h + b` in 32 bits, as NeMo Curator draws for cuDF.
    Cudf,
    /// `(a * h + b) mod (2^61 - 1)` of a product that wraps at 2^64. numpy's `RandomState` draws every `a`,
    /// then every `b`.
    Mersenne61,
    /// The lower 32 bits of that.
    #[serde(rename = "mersenne61_32")]
    Mersenne61Low32,
    /// The same, each `a` drawn with its `b`.
    #[serde(rename = "mersenne61_32_pairs")]
    Mersenne61Low32Pairs,
    /// The upper half of `a * h` in 128 bits, `a` odd, both drawn and hashed by ourselves.
    Multiply128,
}

/// Settings within their bounds that no text could be signed by.
pub(super) fn check(settings: &Settings) -> Result<(), Wrong> {
    for (name, value) in [("bands", settings.bands), ("rows", settings.rows), ("ngram", settings.ngram)] {
        if !(1..=1024).contains(&value) {
            return Err(Wrong::setting(name, format!("`{name}` is {value}, and must be 1 to 1024")));
        }
    }
    let length = settings.bands * settings.rows;
    if length > 4096 {
        return Err(Wrong::setting("bands", format!("`bands` times `rows` is {length}, and 4096 is the most")));
    }
    let rolls = settings.tokens.roll();
    if rolls != (settings.hash == Hash::Rolling) {
        let what = if rolls {
            "these `tokens` have no hash but `rolling`"
        } else {
            "`rolling` is for `whitespace`, `units` and `tokenizer`"
        };
        return Err(Wrong::setting("hash", what));
    }
    Ok(())
}
