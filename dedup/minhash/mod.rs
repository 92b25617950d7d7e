//! MinHash signatures: how alike two texts are, told from a few hundred bytes of each.
//!
//! A text is cut into units, and each run of [`ngram`](Settings::ngram) units is hashed: its shingles. Two
//! texts are as alike as the Jaccard index of their sets of shingles. Under a random permutation of all
//! hashes the two sets have the same least element with just that probability (Broder 1997), so that the
//! minima under many permutations, the signature, estimate it. The signature is cut into bands of rows, and
//! texts that agree in all rows of some band are candidates (Leskovec, Rajaraman and Ullman, *Mining of
//! Massive Datasets*, 3.4): [`probability`] says how many pairs become one.
//!
//! Everything here is a pure function of a text and of [`Settings`]; nothing reads a file or draws a number
//! that the settings do not fix.

mod bands;
mod characters;
mod permutations;
mod units;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::Wrong;

pub use bands::{bands_for, estimated, jaccard, probability};
use permutations::Permuted;

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
            tokens: Tokens::Units,
            permutations: Permutations::Multiply32,
            seed: 1,
        }
    }
}

/// What a unit of a shingle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tokens {
    /// A word (a run of letters, digits and marks, in lower case), or a character of a script that is
    /// written without spaces. Punctuation, symbols and white space only separate.
    Units,
}

/// How hashes of shingles are permuted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permutations {
    /// `a * h + b` in 32 bits, `a` odd, of the upper half of a 64-bit hash.
    Multiply32,
}

/// Signs texts.
#[derive(Debug)]
pub struct Signer {
    settings: Settings,
    permuted: Permuted,
}

/// Room that one thread uses again from text to text.
#[derive(Debug, Default)]
pub struct Scratch {
    units: units::Units,
    minima: Vec<u32>,
}

/// Shingles that are hashed before they are permuted, so that they stay in the nearest cache.
const BLOCK: usize = 512;

impl Signer {
    /// A signer by these settings, or what is wrong with them.
    pub fn new(settings: &Settings) -> Result<Signer, Wrong> {
        for (name, value, most) in
            [("bands", settings.bands, 1024), ("rows", settings.rows, 1024), ("ngram", settings.ngram, 1024)]
        {
            if !(1..=most).contains(&value) {
                return Err(Wrong::setting(name, format!("`{name}` is {value}, and must be 1 to {most}")));
            }
        }
        let length = settings.bands * settings.rows;
        if length > 4096 {
            return Err(Wrong::setting("bands", format!("`bands` times `rows` is {length}, and 4096 is the most")));
        }
        Ok(Signer { settings: settings.clone(), permuted: Permuted::new(length, settings.seed) })
    }

    /// What it signs by.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Minima in a signature: bands times rows.
    pub fn length(&self) -> usize {
        self.settings.bands * self.settings.rows
    }

    /// Replaces `signature` by the minima of a text. False, and an empty signature, if it has no shingle.
    ///
    /// By our own tokens a text shorter than a shingle is a shingle as a whole, and one without any unit
    /// has none.
    pub fn sign(&self, text: &str, scratch: &mut Scratch, signature: &mut Vec<u64>) -> bool {
        signature.clear();
        let units = scratch.units.of(text);
        if units.is_empty() {
            return false;
        }
        self.permuted.start(&mut scratch.minima);
        let (mut block, mut filled) = ([0; BLOCK], 0);
        units::shingles(units, self.settings.ngram, |hash| {
            block[filled] = (hash >> 32) as u32;
            filled += 1;
            if filled == BLOCK {
                self.permuted.lower(&block, &mut scratch.minima);
                filled = 0;
            }
        });
        self.permuted.lower(&block[..filled], &mut scratch.minima);
        signature.extend(scratch.minima[..self.length()].iter().map(|&least| u64::from(least)));
        true
    }

    /// One key for each band: a hash of its number and rows. Texts with an equal key are candidates.
    pub fn band_keys(&self, signature: &[u64], each: impl FnMut(usize, u128)) {
        bands::keys(signature, self.settings.rows, each);
    }

    /// Replaces `shingles` by the distinct hashes of a text's shingles, sorted: for [`jaccard`]. False, and
    /// no hash, if it has no shingle.
    pub fn shingles(&self, text: &str, scratch: &mut Scratch, shingles: &mut Vec<u64>) -> bool {
        shingles.clear();
        let units = scratch.units.of(text);
        shingles.reserve(units.len());
        units::shingles(units, self.settings.ngram, |hash| shingles.push(hash));
        shingles.sort_unstable();
        shingles.dedup();
        !shingles.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_be_are_refused() {
        for (settings, setting) in [
            (Settings { bands: 0, ..Settings::default() }, "bands"),
            (Settings { rows: 0, ..Settings::default() }, "rows"),
            (Settings { ngram: 0, ..Settings::default() }, "ngram"),
            (Settings { bands: 1000, rows: 5, ..Settings::default() }, "bands"),
        ] {
            assert_eq!(Signer::new(&settings).unwrap_err().setting, Some(setting));
        }
    }

    #[test]
    fn only_a_text_with_units_is_signed() {
        let signer = Signer::new(&Settings::default()).unwrap();
        let (mut scratch, mut signature, mut shingles) = (Scratch::default(), vec![7], vec![7]);
        for text in ["", " \n", "。！?"] {
            assert!(!signer.sign(text, &mut scratch, &mut signature) && signature.is_empty());
            assert!(!signer.shingles(text, &mut scratch, &mut shingles) && shingles.is_empty());
        }
        for text in ["one", "one two three four five six", "你好，世界"] {
            assert!(signer.sign(text, &mut scratch, &mut signature));
            assert_eq!(signature.len(), signer.length());
            assert!(signer.shingles(text, &mut scratch, &mut shingles));
        }
    }

    #[test]
    fn minima_estimate_the_jaccard_index() {
        let signer = Signer::new(&Settings { bands: 128, rows: 8, ..Settings::default() }).unwrap();
        let words: Vec<String> = (0..1000).map(|number| format!("w{number}")).collect();
        let mut scratch = Scratch::default();
        for shared in [500, 900] {
            let (a, b) = (words[..shared + 50].join(" "), words[..shared].join(" ") + " z" + &words[950..].join(" "));
            let mut sign = |text: &str| {
                let (mut signature, mut shingles) = (Vec::new(), Vec::new());
                signer.sign(text, &mut scratch, &mut signature);
                signer.shingles(text, &mut scratch, &mut shingles);
                (signature, shingles)
            };
            let ((a, a_shingles), (b, b_shingles)) = (sign(&a), sign(&b));
            assert!((estimated(&a, &b) - jaccard(&a_shingles, &b_shingles)).abs() < 0.04);
        }
    }
}
