//! Drops documents that mean what another one means, in whatever words.
//!
//! Each document becomes a vector, the mean of the vectors of its tokens, and documents whose vectors point nearly
//! the same way are linked: SemDeDup (Abbas et al., arXiv:2303.09540). There, k-means parts the corpus and all pairs
//! of a part are compared. Here the signs of products with random planes part it, several times over (Charikar 2002):
//! that asks for no pass over the corpus beforehand, a new document changes no other one's part, and how much is found
//! can be told beforehand; `wanjuan explain semantic_duplicates` says it for each setting. Links hang together as clusters. The best of a cluster stays, and
//! each further one goes if it is like one that stays: what is dropped is like what is kept in its stead, by
//! `threshold` and more. (SemDeDup drops whatever is like any that came before, dropped or not.)
//!
//! Memory is bounded: in a part, a document is compared with the 2,048 different vectors before it, in an order
//! that brings those alike together; in a cluster with those that stay, up to 4 MiB of them. Beyond, a document may stay
//! that has a duplicate. Vectors are rounded to whole numbers before they are compared, so that the answer does not
//! depend on threads, shards, restarts or the machine's sums. Disk: for each document and table, 20 bytes and one for
//! each dimension, 1.9 kB of a document by default, before compression.
//!
//! The model is a folder as model2vec writes it (`model.safetensors`, `tokenizer.json`, `config.json`). The one that
//! comes along has 96 dimensions and was distilled from intfloat/multilingual-e5-small (arXiv:2402.05672, MIT): 18,000
//! entries in Latin script, 12,000 in Chinese, 10,000 in others. Of 1,200 labelled pairs it finds at 0.98 .925 of those
//! whose 5-gram Jaccard is .8 and more, at 0.95 .968, and no pair of unrelated documents at either.
//! A mean of tokens knows no order and no negation: `A sued B` is `B sued A`; pages of one template that differ in
//! a number or a name are alike, and so are chapters on one subject. Look at what goes (`action = "mark"`, or
//! `dropped = "all"`) before you trust a threshold below the default.
//!
//! Fields: `cluster_size` is how many documents a document that stays stands for, itself included. A duplicate has
//! `similarity`, to the document that `kept_instead` names.
//!
//! | setting      | default    | source                                                                    |
//! |--------------|------------|---------------------------------------------------------------------------|
//! | `threshold`  | 0.98       | ours, from labelled pairs; SemDeDup's 1 - ε, which depends on the model: its sec. 4 |
//! | `model`      | `wanjuan-e5-96` | a folder; model2vec, github.com/MinishLab/model2vec                       |
//! | `max_tokens` | 512        | model2vec; tokens of a document that count, from its start                |
//! | `bits`       | 12         | ours: planes of a table; more cost less time and find less                |
//! | `tables`     | 16         | ours: at 0.95 and 12 bits all but one pair in 185 meet                    |
//! | `seed`       | 1          | ours: what planes are drawn from                                          |
//! | `scope`      | `global`   | a field (`lang`, `domain`): its values are compared apart                 |
//! | `keep`       | `first`    | also `newest`, `oldest`, `longest`, `highest:FIELD`; SemDeDup keeps the one furthest from its part's mean |
//! | `by`         | `date`     | ours: as `minhash` has it                                                  |
//! | `action`     | `drop`     | `mark` keeps duplicates and marks them; `weight` adds the field `weight`  |
//! | `weights`    | none       | pairs of a least cluster size and its weight, for `action = "weight"`     |
//! | `index`, `against` | none | ours: as `minhash` has them                                               |

mod leaders;

use std::cell::RefCell;
use std::fmt::Write;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_dedup::semantic::{MOST_BITS, MOST_DIMENSIONS, Planes, Vector, Window, probability, round, write};
use wanjuan_filters::kit::{Document, Field, Name, Origin, Reason, Setup, Step, Type, Verdict, Wrong};
use wanjuan_models::embedding::{self, BUILT_IN, Embedding, Table};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::action::{Action, Actions};
use super::keep::{Keep, Ranking, Scope};
use super::{Clustering, Decision, Indexing, Key, Kind, Records, Stage};

/// Settings of [`SemanticDuplicates`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The cosine from which documents are duplicates.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub threshold: f64,
    /// A folder of a static model, or `wanjuan-e5-96`, which comes along.
    pub model: String,
    /// Tokens of a document that count, from its start.
    #[schemars(range(min = 1))]
    pub max_tokens: usize,
    /// Planes of a table.
    #[schemars(range(min = 1, max = 32))]
    pub bits: usize,
    /// How many times documents are parted.
    #[schemars(range(min = 1, max = 256))]
    pub tables: usize,
    /// What the planes are drawn from.
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
        Config {
            threshold: 0.98,
            model: BUILT_IN.to_owned(),
            max_tokens: 512,
            bits: 12,
            tables: 16,
            seed: 1,
            scope: "global".to_owned(),
            keep: Keep::First,
            by: "date".to_owned(),
            action: Action::Drop,
            weights: Vec::new(),
        }
    }
}

/// Vectors that a document is compared with in a part.
const WINDOW: usize = 2_048;
/// Most tables.
const MOST_TABLES: usize = 256;

/// See the words at the top of this file.
pub struct SemanticDuplicates {
    config: Config,
    model: Box<dyn Embedding>,
    /// What tells the model from others.
    name: String,
    planes: Planes,
    scope: Scope,
    ranking: Ranking,
    actions: Actions,
    similarity: Name,
}

/// What a thread uses again from document to document.
#[derive(Default)]
struct Room {
    vector: Vec<f32>,
    rounded: Vec<i16>,
    sides: Vec<u32>,
    value: Vec<u8>,
}

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
}

impl Step for SemanticDuplicates {
    const NAME: &'static str = "semantic_duplicates";
    const VERSION: u32 = 2;
    const WORDS: &'static str = include_str!("mod.rs");
    type Config = Config;
    type Kind = Kind;

    fn new(config: Config, setup: &mut Setup) -> Result<Self, Wrong> {
        if !(config.threshold > 0.0 && config.threshold <= 1.0) {
            let what = format!("`threshold` is {}, and must be above 0 and at most 1", config.threshold);
            return Err(Wrong::setting("threshold", what));
        }
        for (setting, value, most) in [
            ("bits", config.bits, MOST_BITS),
            ("tables", config.tables, MOST_TABLES),
            ("max_tokens", config.max_tokens, usize::MAX),
        ] {
            if !(1..=most).contains(&value) {
                return Err(Wrong::setting(setting, format!("`{setting}` is {value}, and must be from 1 to {most}")));
            }
        }
        let actions = Actions::new(config.action, &config.weights)?;
        let mut model = load(&config.model, setup)?;
        model.set_max_tokens(Some(config.max_tokens));
        let (name, dimensions) = (model.digest().to_owned(), model.dimensions());
        if dimensions > MOST_DIMENSIONS {
            let what = format!("it has {dimensions} dimensions, and may have {MOST_DIMENSIONS}");
            return Err(Wrong::setting("model", what));
        }
        Ok(SemanticDuplicates {
            planes: Planes::new(dimensions, config.bits, config.tables, config.seed.into()),
            model: Box::new(model),
            name,
            scope: Scope::new(&config.scope),
            ranking: Ranking::new(&config.keep, &config.by),
            actions,
            similarity: Name::new("similarity"),
            config,
        })
    }

    fn picture(config: &Config) -> Option<String> {
        let Config { bits, tables, .. } = *config;
        let mut text = format!("Share of pairs that {tables} tables of {bits} bits compare, by their cosine\n\n");
        let cosines = [0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99];
        let row = |name: &str, shown: &dyn Fn(f64) -> String| -> String {
            format!("  {name:<10}") + &cosines.map(|cosine| format!("{:>7}", shown(cosine))).concat() + "\n"
        };
        let _ = write!(text, "{}", row("cosine", &|cosine| format!("{cosine:.2}")));
        text.push_str(&row("% compared", &|cosine| {
            // Never shown as all: no number of tables is.
            format!("{:.2}", (probability(bits, tables, cosine) * 1e4).floor() / 1e2)
        }));
        Some(text)
    }

    fn reads(&self) -> Vec<Field> {
        self.scope.reads().into_iter().chain(self.ranking.reads()).collect()
    }

    fn writes(&self) -> Vec<Field> {
        let mut fields = self.actions.writes();
        fields.push(Field { name: self.similarity, kind: Type::Number });
        fields
    }
}

/// Loads the model of a setting.
fn load(model: &str, setup: &mut Setup) -> Result<Table, Wrong> {
    if model == BUILT_IN {
        return Ok(Table::built_in());
    }
    let mut folder = None;
    for name in embedding::FILES {
        let file = setup.file("model", &format!("{}/{name}", model.trim_end_matches('/')));
        let help = "a model is a folder with `model.safetensors`, `tokenizer.json` and `config.json`, as model2vec saves it; `wanjuan-e5-96` comes along";
        let file = file.map_err(|wrong| Wrong { help: Some(help.to_owned()), ..wrong })?;
        folder = file.parent().map(Path::to_owned);
    }
    Table::load(&folder.unwrap_or_default()).map_err(|error| Wrong::setting("model", format!("{model}: {error}")))
}

impl SemanticDuplicates {
    /// The document as a rounded vector; false where it holds nothing that the model knows.
    fn embed(&self, document: &Document, vector: &mut Vec<f32>, rounded: &mut Vec<i16>) -> bool {
        let known = self.model.embed(document.text(), vector);
        round(vector, rounded);
        known && rounded.iter().any(|&number| number != 0)
    }
}

impl Stage for SemanticDuplicates {
    const REASONS: &'static [Reason] = &[Reason::of("semantic_duplicate", "threshold")];
    const KEEPS_INDEX: bool = true;

    fn observe(&self, document: &Document, emit: &mut dyn FnMut(Key, &[u8])) {
        ROOM.with_borrow_mut(|Room { vector, rounded, sides, value }| {
            if !self.embed(document, vector, rounded) {
                return;
            }
            self.planes.sides(rounded, sides);
            for (table, side) in sides.iter().enumerate() {
                // The key of the next table orders those of this one: those alike come together.
                value.clear();
                value.extend_from_slice(&sides[(table + 1) % sides.len()].to_be_bytes());
                write(rounded, value);
                // Half of a key takes half of the disk, and parts are few.
                let key = xxh3_128_with_seed(&side.to_le_bytes(), table as u64) & Key::from(u64::MAX) << 64;
                emit(self.scope.key(document, key), value);
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
        leaders::reduce(self.config.threshold, self.model.dimensions(), members, decide);
    }

    fn apply(&self, document: &mut Document, decision: Option<Decision<'_>>) -> Verdict {
        if let Some(similarity) = decision.and_then(|decision| <[u8; 4]>::try_from(decision.bytes).ok()) {
            document.set_field(self.similarity, f64::from(f32::from_le_bytes(similarity)));
        }
        self.actions.apply(document, decision, "semantic_duplicate")
    }
}

impl Clustering for SemanticDuplicates {
    fn link(&self, _: Key, records: &mut dyn Records, link: &mut dyn FnMut(Origin, Origin)) {
        let mut window = Window::new(WINDOW, self.config.threshold);
        while let Some((origin, value)) = records.next() {
            // Behind the key of the next table.
            let vector = value.get(size_of::<u32>()..).filter(|vector| vector.len() == self.model.dimensions());
            let Some(vector) = vector else {
                let what = format!("a record has {} bytes, and not those of a key and a vector", value.len());
                return records.fail(what);
            };
            window.push(Vector::read(vector), origin, link);
        }
    }

    fn looks_again(&self) -> bool {
        true
    }

    fn member(&self, document: &Document, out: &mut Vec<u8>) {
        self.ranking.rank(document, out);
        // Of equals the first stays, whatever its vector.
        out.extend_from_slice(&document.origin.split.to_be_bytes());
        out.extend_from_slice(&document.origin.ordinal.to_be_bytes());
        self.held(document, out);
    }
}

impl Indexing for SemanticDuplicates {
    fn settings(&self) -> Vec<(&'static str, String)> {
        let Config { max_tokens, bits, tables, seed, .. } = &self.config;
        vec![
            ("model", self.name.clone()),
            ("max_tokens", max_tokens.to_string()),
            ("bits", bits.to_string()),
            ("tables", tables.to_string()),
            ("seed", seed.to_string()),
            ("scope", self.scope.name().to_owned()),
        ]
    }

    fn held(&self, document: &Document, out: &mut Vec<u8>) {
        ROOM.with_borrow_mut(|Room { vector, rounded, .. }| {
            self.embed(document, vector, rounded);
            write(rounded, out);
        });
    }
}
