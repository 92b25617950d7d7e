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
mod cut;
mod differences;
mod hashes;
mod numpy;
mod permutations;
mod profiles;
mod settings;
mod simplify;
mod strings;
mod units;

use wanjuan_filters::kit::Wrong;

pub use bands::{bands_for, estimated, jaccard, probability, to_set};
pub use cut::CutShingles;
pub use differences::Differences;
use numpy::RandomState;
use permutations::{Minima, Permuted};
pub use profiles::PROFILES;
pub use settings::{Hash, Permutations, Settings, Tokens};
pub(crate) use simplify::simplify;

/// What cuts a text into the tokens of a vocabulary, appended to the list.
type Tokenizer = Box<dyn Fn(&str, &mut Vec<u32>) + Send + Sync>;

/// Signs texts.
pub struct Signer {
    settings: Settings,
    permuted: Permuted,
    tokenizer: Option<Tokenizer>,
    /// Of hashes that take one.
    hash_seed: u32,
}

/// Room that one thread uses again from text to text.
#[derive(Debug, Default)]
pub struct Scratch {
    units: units::Units,
    strings: strings::Strings,
    minima: Minima,
    block: Vec<u64>,
    plain: String,
    tokens: Vec<u32>,
}

/// Shingles that are hashed before they are permuted, so that they stay in the nearest cache.
const BLOCK: usize = 512;

impl Signer {
    /// A signer by these settings, or what is wrong with them.
    pub fn new(settings: &Settings) -> Result<Signer, Wrong> {
        if settings.tokens == Tokens::Tokenizer {
            return Err(Wrong::setting("tokens", "a tokenizer is needed"));
        }
        Signer::build(settings, None)
    }

    /// A signer whose units are the tokens that a tokenizer appends to its list; for
    /// [`Tokens::Tokenizer`], and for others the tokenizer is never asked.
    pub fn with_tokenizer(
        settings: &Settings,
        tokenizer: impl Fn(&str, &mut Vec<u32>) + Send + Sync + 'static,
    ) -> Result<Signer, Wrong> {
        Signer::build(settings, Some(Box::new(tokenizer)))
    }

    fn build(settings: &Settings, tokenizer: Option<Tokenizer>) -> Result<Signer, Wrong> {
        settings::check(settings)?;
        let permuted = Permuted::new(settings.permutations, settings.bands * settings.rows, settings.seed);
        // As NeMo Curator: the first factor again.
        let hash_seed = RandomState::new(settings.seed).below_u32(1, (1 << 31) - 1);
        Ok(Signer { settings: settings.clone(), permuted, tokenizer, hash_seed })
    }

    /// What it signs by.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Minima in a signature: bands times rows.
    pub fn length(&self) -> usize {
        self.settings.bands * self.settings.rows
    }

    /// Replaces `signature` by the minima of a text. False, and an empty signature, if it has no shingle:
    /// [`Tokens`] says which texts have none.
    pub fn sign(&self, text: &str, scratch: &mut Scratch, signature: &mut Vec<u64>) -> bool {
        signature.clear();
        let (mut minima, mut block) = (std::mem::take(&mut scratch.minima), std::mem::take(&mut scratch.block));
        self.permuted.start(&mut minima);
        block.clear();
        let mut any = false;
        self.each_hash(text, scratch, |hash| {
            any = true;
            block.push(hash);
            if block.len() == BLOCK {
                self.permuted.lower(&block, &mut minima);
                block.clear();
            }
        });
        self.permuted.lower(&block, &mut minima);
        if any {
            self.permuted.finish(&minima, self.length(), signature);
        }
        (scratch.minima, scratch.block) = (minima, block);
        any
    }

    /// Calls `each` with the hash of every shingle.
    fn each_hash(&self, text: &str, scratch: &mut Scratch, mut each: impl FnMut(u64)) {
        let Settings { tokens, ngram, hash, .. } = self.settings;
        if tokens.roll() {
            return units::shingles(self.rolled_units(text, scratch), ngram, each);
        }
        scratch.strings.read(text, &self.settings);
        let short = tokens == Tokens::Characters;
        scratch.strings.shingles(ngram, short, |shingle| each(hashes::hash(hash, shingle.as_bytes(), self.hash_seed)));
    }

    /// Hashes of units that are no strings.
    fn rolled_units<'a>(&self, text: &str, scratch: &'a mut Scratch) -> &'a [u64] {
        match &self.tokenizer {
            Some(tokenizer) if self.settings.tokens == Tokens::Tokenizer => {
                scratch.plain.clear();
                strings::plain_text(text, &mut scratch.plain);
                scratch.tokens.clear();
                tokenizer(&scratch.plain, &mut scratch.tokens);
                scratch.units.of_tokens(&scratch.tokens)
            }
            _ if self.settings.tokens == Tokens::Units => scratch.units.of::<false>(text),
            _ => scratch.units.of::<true>(text),
        }
    }

    /// How many units a text has.
    pub fn count_units(&self, text: &str, scratch: &mut Scratch) -> usize {
        match self.settings.tokens.roll() {
            true => self.rolled_units(text, scratch).len(),
            false => scratch.strings.read(text, &self.settings),
        }
    }

    /// One key for each band: a hash of its number and rows. Texts with an equal key are candidates.
    pub fn band_keys(&self, signature: &[u64], each: impl FnMut(usize, u128)) {
        bands::keys(signature, self.settings.rows, each);
    }

    /// Replaces `shingles` by the hashes of a text's shingles, in their order. False if it has none.
    pub fn shingles(&self, text: &str, scratch: &mut Scratch, shingles: &mut Vec<u64>) -> bool {
        shingles.clear();
        self.each_hash(text, scratch, |hash| shingles.push(hash));
        !shingles.is_empty()
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("settings", &self.settings).finish_non_exhaustive()
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
            (Settings { hash: Hash::Xxh64, ..Settings::default() }, "hash"),
            (Settings { tokens: Tokens::Spaces, ..Settings::default() }, "hash"),
            (Settings { tokens: Tokens::Tokenizer, ..Settings::default() }, "tokens"),
        ] {
            assert_eq!(Signer::new(&settings).unwrap_err().setting, Some(setting));
        }
    }

    #[test]
    fn only_a_text_with_units_is_signed() {
        let signer = Signer::new(&Settings::default()).unwrap();
        let (mut scratch, mut signature, mut shingles) = (Scratch::default(), vec![7], vec![7]);
        for text in ["", " \n", "\u{3000}\u{ad}"] {
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
                to_set(&mut shingles);
                (signature, shingles)
            };
            let ((a, a_shingles), (b, b_shingles)) = (sign(&a), sign(&b));
            assert!((estimated(&a, &b) - jaccard(&a_shingles, &b_shingles)).abs() < 0.04);
        }
    }
}
