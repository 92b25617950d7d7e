//! Drops near-duplicates: documents that share most of their runs of words.
//!
//! Each document is signed by MinHash: the least hashes of its shingles (runs of words, or of characters where
//! a script has no spaces) under many permutations. Signatures are cut into bands; documents that agree in a
//! band are candidates, and what hangs together through candidates is a cluster (Broder 1997; Leskovec,
//! Rajaraman and Ullman, Mining of Massive Datasets, ch. 3). With `verify`, documents of a cluster stay
//! together only where their similarity, exact or estimated by the signature, reaches `threshold`: a chain of
//! pages each like the next does not take the last for a copy of the first. Of each cluster one document stays.
//!
//! Which one, and all else, depends on the documents alone, not on threads, shards or restarts. Clusters of any
//! size take bounded memory: links are united within a share of `--memory`, and beyond it on disk. Band records
//! take about 12 bytes for each band of each document on disk.
//!
//! A text shorter than a shingle is one shingle as a whole (some profiles never sign it); a text of white space alone
//! is never a duplicate (with `tokens = "units"`, none without a letter or digit). Of a text with over 65,536 different
//! shingles, those with the smallest hashes stand for all. Hashes are compared by 20 bits and more, which adds 0.00002
//! to a Jaccard index of 0.8 on average, 0.00012 to one of 0.5, and never makes 1 of one below. A cluster of more than
//! 16,384 documents, or 8 MiB of such hashes, is verified in one pass from there on: each further document is compared
//! with those that stay so far.
//!
//! With `index = "FOLDER"` the step leaves an index of the documents that stay behind it: keys, ids, and what they are
//! compared by. With `against = ["FOLDER", …]` what earlier indexes hold stays and its duplicates go, whatever `keep`
//! says: a new crawl is cleaned against old ones that are not read again. A document of the new crawl is compared with
//! those that stayed of the old ones, not with those they stand for. An index takes about 12 bytes for each band of a
//! document and its id, and 2 for each row of each band with `verify = "signature"`; with `jaccard` one and a half for
//! each shingle instead, which comes to three tenths of an English text. It can be read by steps with the same settings
//! of keys (`bands`, `rows`, `ngram`, `tokens` and how they are hashed and permuted, `scope`) and the same `verify`;
//! `threshold` is free.
//!
//! Fields: `cluster_size` is how many documents a document that stays stands for, itself included. A duplicate
//! has `kept_instead`, the place of the one that stays (`index:FOLDER#ID` for one of an index), in `measures/` and,
//! with `action = "mark"`, in the output.
//!
//! | setting        | default      | source                                                              |
//! |----------------|--------------|---------------------------------------------------------------------|
//! | `threshold`    | 0.8          | Lee et al., arXiv:2107.06499, sec. 4.2                              |
//! | `verify`       | `jaccard`    | as OLMo 3's duplodocus and text-dedup; `signature` or `none` are cheaper |
//! | `bands`, `rows`| 25, 5        | ours: of pairs at 0.8 all but one in 20,000 are candidates            |
//! | `ngram`        | 5            | FineWeb, arXiv:2406.17557, sec. 3.4; InternLM2, arXiv:2403.17297, sec. 3.1.1 |
//! | `tokens`       | `whitespace` | ours: what stands between white space, in lower case; single characters of Chinese, Japanese, Korean, Thai. `units` lets punctuation only separate |
//! | `words`        | `english`    | for `tokens = "simplified"`: how words are cut                      |
//! | `tokenizer`    | `wanjuan-12k` | for `tokens = "tokenizer"`: a `tokenizer.json`                       |
//! | `hash`, `permutations` | `rolling`, `multiply32` | ours; profiles have those of the systems they follow |
//! | `seed`         | 1            | ours: what permutations are drawn from                              |
//! | `scope`        | `global`     | a field (a dump, `lang`, `domain`): its values are compared apart, as FineWeb does by dump |
//! | `keep`         | `first`      | `newest` follows InternLM2; also `oldest`, `longest`, `highest:FIELD` |
//! | `by`           | `date`       | ours: the field of dates that `newest` and `oldest` compare: ISO 8601, or as servers write them |
//! | `action`       | `drop`       | `mark` keeps duplicates and marks them; `weight` adds the field `weight` |
//! | `weights`      | none         | pairs of a least cluster size and its weight; FineWeb-2, arXiv:2506.20920, sets them by language |
//! | `index`        | none         | ours: where what stays is written down for later runs               |
//! | `against`      | none         | ours: what earlier runs wrote down                                  |

mod picture;
mod verify;

use std::cell::RefCell;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_dedup::minhash::{CutShingles, Hash, PROFILES, Permutations, Scratch, Settings, Signer, Tokens};
use wanjuan_filters::kit::{Document, Field, Origin, Profile, Reason, Setup, Step, Verdict, Words, Wrong, tokenizer};
use wanjuan_models::tokenizer::BUILT_IN;

use super::action::{Action, Actions};
use super::keep::{Keep, Ranking, Scope};
use super::{Clustering, Decision, Indexing, Key, Kind, Records, Stage, as_written};
use verify::{Compared, Likeness};

/// Settings of [`Minhash`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The Jaccard index from which documents are duplicates, where it is verified.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub threshold: f64,
    /// Whether and how candidates are compared before they make a cluster.
    pub verify: Verify,
    /// Bands of a signature.
    pub bands: usize,
    /// Minima in a band.
    pub rows: usize,
    /// Units in a shingle.
    pub ngram: usize,
    /// What a unit is.
    pub tokens: Tokens,
    /// How words are found, for `tokens = "simplified"`.
    pub words: Words,
    /// The `tokenizer.json` of `tokens = "tokenizer"`, or the one that comes along.
    pub tokenizer: String,
    /// How a shingle is hashed.
    pub hash: Hash,
    /// How hashes are permuted.
    pub permutations: Permutations,
    /// What the permutations are drawn from.
    pub seed: u32,
    /// `global`, or a field whose values are compared apart.
    pub scope: String,
    /// Which document of a cluster stays.
    pub keep: Keep,
    /// The field that tells the newest and the oldest.
    pub by: String,
    /// What becomes of duplicates.
    pub action: Action,
    /// For `action = "weight"`: pairs of a least cluster size and the weight from there on.
    pub weights: Vec<(u32, f64)>,
}

impl Default for Config {
    fn default() -> Config {
        let Settings { bands, rows, ngram, tokens, words, hash, permutations, seed } = Settings::default();
        Config {
            threshold: 0.8,
            verify: Verify::Jaccard,
            bands,
            rows,
            ngram,
            tokens,
            words,
            tokenizer: BUILT_IN.to_owned(),
            hash,
            permutations,
            seed,
            scope: "global".to_owned(),
            keep: Keep::First,
            by: "date".to_owned(),
            action: Action::Drop,
            weights: Vec::new(),
        }
    }
}

/// How candidates are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verify {
    /// Not at all: candidates are duplicates.
    None,
    /// By the share of equal minima in their signatures.
    Signature,
    /// By their shingles.
    Jaccard,
}

/// See the words at the top of this file.
pub struct Minhash {
    config: Config,
    signer: Signer,
    scope: Scope,
    ranking: Ranking,
    actions: Actions,
}

/// What a thread uses again from document to document.
#[derive(Default)]
struct Room {
    scratch: Scratch,
    signature: Vec<u64>,
    shingles: Vec<u64>,
}

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
}

impl Step for Minhash {
    const NAME: &'static str = "minhash";
    const VERSION: u32 = 4;
    const WORDS: &'static str = include_str!("mod.rs");
    type Config = Config;
    type Kind = Kind;

    const PROFILES: &'static [Profile] = PROFILES;

    fn new(config: Config, setup: &mut Setup) -> Result<Self, Wrong> {
        if !(config.threshold > 0.0 && config.threshold <= 1.0) {
            let what = format!("`threshold` is {}, and must be above 0 and at most 1", config.threshold);
            return Err(Wrong::setting("threshold", what));
        }
        let actions = Actions::new(config.action, &config.weights)?;
        let signer = signer(&config, setup)?;
        Ok(Minhash {
            signer,
            scope: Scope::new(&config.scope),
            ranking: Ranking::new(&config.keep, &config.by),
            actions,
            config,
        })
    }

    fn picture(config: &Config) -> Option<String> {
        let verify = match config.verify {
            Verify::None => "Candidates are duplicates: nothing else is compared (`verify = \"none\"`).\n".to_owned(),
            _ => format!("Candidates below {} are parted again: see `threshold` and `verify`.\n", config.threshold),
        };
        Some(picture::curve(config.bands, config.rows) + "\n" + &verify)
    }

    fn reads(&self) -> Vec<Field> {
        self.scope.reads().into_iter().chain(self.ranking.reads()).collect()
    }

    fn writes(&self) -> Vec<Field> {
        self.actions.writes()
    }
}

fn signer(config: &Config, setup: &mut Setup) -> Result<Signer, Wrong> {
    let &Config { bands, rows, ngram, tokens, words, hash, permutations, seed, .. } = config;
    let settings = Settings { bands, rows, ngram, tokens, words, hash, permutations, seed };
    if tokens != Tokens::Tokenizer {
        return Signer::new(&settings);
    }
    let tokenizer = tokenizer(&config.tokenizer, setup)?;
    // A text that cannot be encoded has no token, and so is never a duplicate.
    Signer::with_tokenizer(&settings, move |text, ids| tokenizer.encode(text, ids).unwrap_or_else(|_| ids.clear()))
}

impl Stage for Minhash {
    const REASONS: &'static [Reason] = &[Reason::of("near_duplicate", "threshold")];
    const KEEPS_INDEX: bool = true;

    fn observe(&self, document: &Document, emit: &mut dyn FnMut(Key, &[u8])) {
        ROOM.with_borrow_mut(|room| {
            if self.signer.sign(document.text(), &mut room.scratch, &mut room.signature) {
                // Half of a key takes half of the disk: of 10^11 documents, a few hundred pairs meet by chance.
                let half = |key| self.scope.key(document, key) & Key::from(u64::MAX) << 64;
                self.signer.band_keys(&room.signature, |_, key| emit(half(key), &[]));
            }
        });
    }

    fn clustering(&self) -> Option<&dyn Clustering> {
        Some(self)
    }

    fn indexing(&self) -> Option<&dyn Indexing> {
        Some(self)
    }

    fn reduce(&self, _: Key, members: &mut dyn Records, decide: &mut dyn FnMut(Origin, Decision<'_>)) {
        match self.config.verify {
            Verify::None => whole(members, decide),
            verify => {
                let likeness = Likeness { threshold: self.config.threshold, verify, minima: self.signer.length() };
                verify::reduce(likeness, members, decide);
            }
        }
    }

    fn apply(&self, document: &mut Document, decision: Option<Decision<'_>>) -> Verdict {
        self.actions.apply(document, decision, "near_duplicate")
    }
}

impl Clustering for Minhash {
    fn link(&self, _: Key, records: &mut dyn Records, link: &mut dyn FnMut(Origin, Origin)) {
        // All are linked to the first, so that a key of any size makes no more links than documents.
        let Some((first, _)) = records.next() else { return };
        while let Some((origin, _)) = records.next() {
            link(first, origin);
        }
    }

    fn looks_again(&self) -> bool {
        self.config.verify != Verify::None || self.config.keep != Keep::First
    }

    fn member(&self, document: &Document, out: &mut Vec<u8>) {
        self.ranking.rank(document, out);
        if self.config.verify != Verify::None {
            // Of equals the first stays, whatever it is compared by.
            out.extend_from_slice(&document.origin.split.to_be_bytes());
            out.extend_from_slice(&document.origin.ordinal.to_be_bytes());
            let start = u8::try_from(out.len()).expect("a rank takes less than a hundred bytes");
            self.compared(document, start, out);
        }
    }
}

impl Indexing for Minhash {
    fn settings(&self) -> Vec<(&'static str, String)> {
        let Config { bands, rows, ngram, tokens, words, hash, permutations, seed, verify, .. } = &self.config;
        let mut settings = vec![("bands", bands.to_string()), ("rows", rows.to_string()), ("ngram", ngram.to_string())];
        settings.extend([
            ("tokens", as_written(tokens)),
            ("hash", as_written(hash)),
            ("permutations", as_written(permutations)),
        ]);
        if *tokens == Tokens::Simplified {
            settings.push(("words", as_written(words)));
        }
        settings.extend([
            ("seed", seed.to_string()),
            ("scope", self.scope.name().to_owned()),
            ("verify", as_written(verify)),
        ]);
        settings
    }

    fn held(&self, document: &Document, out: &mut Vec<u8>) {
        self.compared(document, 0, out);
    }
}

impl Minhash {
    /// Appends what a document is compared by, and where that begins.
    fn compared(&self, document: &Document, start: u8, out: &mut Vec<u8>) {
        ROOM.with_borrow_mut(|Room { scratch, signature, shingles }| {
            let compared = match self.config.verify {
                Verify::None => return,
                Verify::Signature => {
                    self.signer.sign(document.text(), scratch, signature);
                    Compared::minima(signature)
                }
                Verify::Jaccard => {
                    self.signer.shingles(document.text(), scratch, shingles);
                    Compared::Shingles(CutShingles::new(shingles))
                }
            };
            compared.write(out);
            out.push(start);
        });
    }
}

/// A cluster as it is: the first member stays.
fn whole(members: &mut dyn Records, decide: &mut dyn FnMut(Origin, Decision<'_>)) {
    let Some(first) = members.next().map(|(origin, _)| origin) else { return };
    let id = members.id().map(str::to_owned);
    let mut size = 1_u64;
    while let Some((origin, _)) = members.next() {
        size += 1;
        decide(origin, Decision { kept: Some(first), id: id.as_deref(), bytes: &[] });
    }
    decide(first, Decision { bytes: &size.to_le_bytes(), ..Decision::default() });
}
