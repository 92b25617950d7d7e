//! Drops documents whose text or address was seen before, but for case, punctuation and white space.
//!
//! Two documents are the same when their normalised texts have the same 128-bit hash (XXH3). The
//! one that is kept is the first in the order of the corpus, the newest or oldest by a date field, the
//! longest, or that with the highest value of a field; ties go to the first. The answer does not depend on threads, shards or machines.
//!
//! With `of = "url"` documents are the same when their addresses are, whatever their text. An address is
//! compared without scheme, user, `www.`, the port that goes without saying, fragment, and the parameters that only
//! tell where a reader came from (`utm_…`, `fbclid`, `gclid` and the like); its parameters are sorted, its percent
//! signs written in one way, and a slash at the end of its path does not count. A document without an address, or
//! with one that is none (`N/A`, `mailto:me@example.com`, `/a/b.html`), stays.
//!
//! With `bloom = { expected = 2e9, false_positives = 1e-4 }` keys are not sorted: they go through a Bloom filter in the
//! order of the corpus, whose memory `check` and `run` tell before they read. The answer depends on
//! nothing else still. Of 10,000 documents that are like no other up to one is dropped, and more when more than
//! `expected` different ones come: the summary says how many. `memory_mb` in the stead of `expected` gives the
//! size. What a filter forgets cannot be asked for: `keep` is `first`, and a dropped document has no `kept_instead`.
//!
//! With `index = "FOLDER"` the step leaves an index of the documents that stay behind it, and with
//! `against = ["FOLDER", …]` what earlier indexes hold stays and its duplicates go, whatever `keep` says: a new crawl
//! is cleaned against old ones that are not read again. A duplicate's `kept_instead` is `index:FOLDER#ID`. An index
//! takes about 30 bytes a document and its id; it can be read by steps that have the same `of`, `normalize` and `scope`.
//!
//! | setting     | default  | source                                                              |
//! |-------------|----------|---------------------------------------------------------------------|
//! | `of`        | `text`   | ours; `url` as Dolma's first pass, arXiv:2402.00159                 |
//! | `field`     | `url`    | ours: the field of the address                                      |
//! | `keep`      | `first`  | `newest` follows InternLM2, arXiv:2403.17297, sec. 3.1.1            |
//! | `by`        | `date`   | ours: the field of dates that `newest` and `oldest` compare: ISO 8601, or as servers write them; `highest:FIELD` is for numbers |
//! | `scope`     | `global` | ours: a field; documents with different values of it are never the same |
//! | `normalize` | `folded` | ours: lower case, letters and digits alone; `exact`, `lower`, `ccnet`, `simplified` |
//! | `bloom`     | off      | as Dolma's deduper, arXiv:2402.00159, which has it always            |
//! | `index`     | none     | ours: where what stays is written down for later runs               |
//! | `against`   | none     | ours: what earlier runs wrote down                                  |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_dedup::bloom::Shape;
use wanjuan_dedup::normal::Normal;
use wanjuan_dedup::urls::canonical;
use wanjuan_filters::kit::{Document, Field, Name, Origin, Reason, Setup, Step, Type, Value, Verdict, Wrong};
use xxhash_rust::xxh3::xxh3_128;

use super::keep::{Keep, Ranking, Scope};
use super::{Bloom, Decision, Indexing, Key, Kind, Records, Stage, as_written};

/// Settings of [`ExactDuplicates`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Which of equal documents stays.
    pub keep: Keep,
    /// The field that says how new a document is: a date. For a number there is `keep = "highest:FIELD"`.
    pub by: String,
    /// `global`, or a field whose values are compared apart.
    pub scope: String,
    /// What documents are compared by.
    pub of: Of,
    /// The field that holds the address, for `of = "url"`.
    pub field: String,
    /// What counts as equal, for `of = "text"`.
    pub normalize: Normal,
    /// A Bloom filter in a fixed memory, which takes some documents for duplicates that are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bloom: Option<Bloom>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            keep: Keep::First,
            by: "date".to_owned(),
            scope: "global".to_owned(),
            of: Of::Text,
            field: "url".to_owned(),
            normalize: Normal::Folded,
            bloom: None,
        }
    }
}

/// What documents are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    /// Their text.
    Text,
    /// Their address.
    Url,
}

/// See the words at the top of this file.
pub struct ExactDuplicates {
    normalize: Normal,
    /// The field of the address, where documents are compared by it.
    url: Option<Name>,
    ranking: Ranking,
    scope: Scope,
    bloom: Option<Shape>,
}

impl Step for ExactDuplicates {
    const NAME: &'static str = "exact_duplicates";
    const VERSION: u32 = 2;
    const WORDS: &'static str = include_str!("exact_duplicates.rs");
    type Config = Config;
    type Kind = Kind;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        let bloom = config.bloom.map(|bloom| bloom.shape()).transpose()?;
        if bloom.is_some() && config.keep != Keep::First {
            let what = "a Bloom filter keeps the first document, and no other".to_owned();
            return Err(Wrong::setting("keep", what).help("leave out `keep`, or leave out `bloom`"));
        }
        let ranking = Ranking::new(&config.keep, &config.by);
        let url = (config.of == Of::Url).then(|| Name::new(&config.field));
        Ok(ExactDuplicates { ranking, url, scope: Scope::new(&config.scope), normalize: config.normalize, bloom })
    }

    fn reads(&self) -> Vec<Field> {
        let url = self.url.map(|name| Field { name, kind: Type::Text });
        self.scope.reads().into_iter().chain(self.ranking.reads()).chain(url).collect()
    }
}

impl Stage for ExactDuplicates {
    const REASONS: &'static [Reason] = &[Reason::of("exact_duplicate", "keep")];
    const KEEPS_INDEX: bool = true;

    fn observe(&self, document: &Document, emit: &mut dyn FnMut(Key, &[u8])) {
        let key = match self.url {
            None => self.normalize.hash(document.text()).unwrap_or_else(|| xxh3_128(b"")),
            Some(field) => match document.field(field).and_then(Value::as_text).and_then(canonical) {
                Some(url) => xxh3_128(url.as_bytes()),
                None => return, // a document without an address is like no other
            },
        };
        let mut rank = Vec::new();
        self.ranking.rank(document, &mut rank);
        emit(self.scope.key(document, key), &rank);
    }

    fn reduce(&self, _: Key, records: &mut dyn Records, decide: &mut dyn FnMut(Origin, Decision<'_>)) {
        // Records are sorted best first, so the first one stays.
        let Some(kept) = records.next().map(|(origin, _)| origin) else { return };
        let id = records.id().map(str::to_owned);
        while let Some((origin, _)) = records.next() {
            if origin != kept {
                decide(origin, Decision { kept: Some(kept), id: id.as_deref(), bytes: &[] });
            }
        }
    }

    fn bloom(&self) -> Option<Shape> {
        self.bloom
    }

    fn indexing(&self) -> Option<&dyn Indexing> {
        self.bloom.is_none().then_some(self) // a filter forgets who stays
    }

    fn apply(&self, _: &mut Document, decision: Option<Decision<'_>>) -> Verdict {
        match decision {
            Some(_) => Verdict::Drop("exact_duplicate"),
            None => Verdict::Keep,
        }
    }
}

impl Indexing for ExactDuplicates {
    fn settings(&self) -> Vec<(&'static str, String)> {
        let compared = match self.url {
            Some(_) => vec![("of", "url".to_owned())],
            None => vec![("of", "text".to_owned()), ("normalize", as_written(&self.normalize))],
        };
        [compared, vec![("scope", self.scope.name().to_owned())]].concat()
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
    fn texts_without_a_letter_are_told_apart() {
        assert_ne!(key("***"), key("---"));
        assert_eq!(key(""), key(""));
    }

    #[test]
    fn a_bloom_filter_keeps_the_first() {
        let wrong = |keep: Keep| {
            let bloom = Some(toml::from_str("expected = 1e6").unwrap());
            ExactDuplicates::new(Config { keep, bloom, ..Config::default() }, &mut Setup::default()).err()
        };
        assert_eq!(wrong(Keep::First), None);
        assert_eq!(wrong(Keep::Newest).unwrap().what, "a Bloom filter keeps the first document, and no other");
    }

    #[test]
    fn documents_of_one_address_are_the_same_and_those_of_none_stay() {
        let of = |url: Option<&str>| {
            let mut document = Document::new("", "text");
            if let Some(url) = url {
                document.set_field(Name::new("url"), url);
            }
            let mut seen = None;
            let stage = ExactDuplicates::new(Config { of: Of::Url, ..Config::default() }, &mut Setup::default());
            stage.unwrap().observe(&document, &mut |key, _| seen = Some(key));
            seen
        };
        assert_eq!(of(Some("http://www.a.com/b/?utm_source=x#c")), of(Some("https://a.com/b")));
        assert_ne!(of(Some("http://a.com/b")), of(Some("http://a.com/c")));
        assert_eq!((of(None), of(Some(""))), (None, None));
    }
}
