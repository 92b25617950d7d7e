//! Cuts passages that stand in the corpus more than once, letter by letter.
//!
//! A passage counts from `min_chars` characters (or `min_bytes` bytes) on. Every place covered by a substring
//! of that length which is elsewhere too, in another document or in the same, is found: the set of Lee et al.,
//! arXiv:2107.06499, sec. 4.1, without their suffix array. What is compared is the text as it is, case, spaces and
//! punctuation included. With `keep = "one"` the first copy in the order of the corpus stays and all later ones
//! go; with `none` all go. With `cut = "line"` a line goes if it is repeated as a whole, or to the share
//! `min_line_share` of its characters; with `character`, the passage itself, never half a character. Which
//! ones go depends on the documents alone, not on threads, shards or restarts.
//!
//! A passage that overlaps itself, such as a row of dashes, is left with one period of it when it is cut by
//! characters. Anchors (half a passage) with more than 262,144 different texts around them are compared part by
//! part: of what surrounds them some copies stay, and nothing goes that is not repeated. Records on disk
//! take about three times the text before they are compressed; memory does not grow with the corpus.
//!
//! With `min_tokens` runs of tokens are compared, as the papers do: texts that are the same letter by letter may be cut
//! into other tokens at their ends. A character of which one token is repeated and another is not stays.
//!
//! Fields: `repeated_chars` is how many characters are repeated, whether or not they were cut. With `keep =
//! "one"` a document with any has `kept_instead`, the place of a document that has the passage and keeps it.
//!
//! | setting              | default  | source                                                             |
//! |----------------------|----------|--------------------------------------------------------------------|
//! | `min_chars`          | 200      | ours: about the 50 tokens of Lee et al. in English; 80 are as much in Chinese |
//! | `min_bytes`          | none     | instead of `min_chars`: 500 in OLMo 3                              |
//! | `min_tokens`         | none     | instead of `min_chars`: 50 in Lee et al. and RefinedWeb            |
//! | `tokenizer`          | `wanjuan-12k` | a `tokenizer.json`, for `min_tokens`                          |
//! | `keep`               | `one`    | OLMo 3; `none` is the paper's                                      |
//! | `cut`                | `line`   | ours: sentences stay whole; the papers cut by `character`          |
//! | `min_line_share`     | 1        | ours: the whole line, for `cut = "line"`                           |
//! | `merge`              | 1        | spans close to each other are one if this share of the whole is repeated; .95 in OLMo 3 (datamap-rs) |
//! | `min_left_chars`     | 20       | RefinedWeb, arXiv:2306.01116: documents with less are dropped |
//! | `max_repeated_share` | 1        | off; RefinedWeb tries 0.2 (drop-partial) |
//! | `scope`              | `global` | ours: a field (a dump, `lang`); its values are compared apart      |

use std::cell::RefCell;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_dedup::substrings::{Anchors, Cover, Found, Group, Keep, LENGTHS, Scratch, Settings, Unit, tokens};
use wanjuan_filters::kit::{Document, Field, Name, Origin, Profile, Reason, Setup, Step, Type, Verdict, Wrong};
use wanjuan_models::tokenizer::Tokenizer;

use super::keep::Scope;
use super::tokens_of::{encode, tokenizer};
use super::{Decision, Key, Kind, Records, Stage};

/// Settings of [`RepeatedSubstrings`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Shortest passage, in characters.
    #[schemars(range(min = 16, max = 65_536))]
    pub min_chars: usize,
    /// Shortest passage in bytes, instead of `min_chars`.
    #[schemars(range(min = 16, max = 65_536))]
    pub min_bytes: Option<usize>,
    /// Shortest passage in tokens, instead of `min_chars`.
    #[schemars(range(min = 16, max = 65_536))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_tokens: Option<usize>,
    /// A `tokenizer.json`, for `min_tokens`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<String>,
    /// Which of equal passages stay.
    pub keep: Keep,
    /// What goes.
    pub cut: Cut,
    /// Least share of a line's characters that is repeated, for it to go.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_line_share: f64,
    /// Least share of two passages and what is between them that is repeated, for them to be one.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub merge: f64,
    /// Fewest characters that are left of a document of which something was cut.
    pub min_left_chars: usize,
    /// Greatest share of a document's characters that is repeated.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_repeated_share: f64,
    /// `global`, or a field whose values are compared apart.
    pub scope: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            min_chars: 200,
            min_bytes: None,
            min_tokens: None,
            tokenizer: None,
            keep: Keep::One,
            cut: Cut::Line,
            min_line_share: 1.0,
            merge: 1.0,
            min_left_chars: 20,
            max_repeated_share: 1.0,
            scope: "global".to_owned(),
        }
    }
}

/// What is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Cut {
    /// Lines that are repeated.
    Line,
    /// The passages.
    Character,
}

/// See the words at the top of this file.
pub struct RepeatedSubstrings {
    config: Config,
    settings: Settings,
    anchors: Anchors,
    /// Cuts texts into tokens, where those are the units.
    tokenizer: Option<Tokenizer>,
    scope: Scope,
    repeated_chars: Name,
    kept_instead: Name,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
    static GROUP: RefCell<Option<Group>> = const { RefCell::new(None) };
}

impl Step for RepeatedSubstrings {
    const NAME: &'static str = "repeated_substrings";
    const VERSION: u32 = 2;
    const WORDS: &'static str = include_str!("mod.rs");
    type Config = Config;
    type Kind = Kind;

    const PROFILES: &'static [Profile] = &[
        Profile {
            name: "lee-2022",
            settings: "min_tokens = 50\nkeep = \"none\"\ncut = \"character\"\nmin_left_chars = 0",
            about: "ExactSubstr of Lee et al. 2022 (arXiv:2107.06499, sec. 4.1): passages of 50 tokens, of which their \
                    tool (google-research/deduplicate-text-datasets, `self-similar` and `finish_dedup_wiki40b.py`) \
                    cuts all copies and keeps every document, even if nothing is left; `keep = \"one\"` leaves the \
                    first copy. What differs: tokens are those of `tokenizer`, not of GPT-2. Theirs are two bytes each \
                    and compared as 100 bytes, which may begin within a token, and take along the marks between \
                    documents; here whole tokens of one document are.",
        },
        Profile {
            name: "olmo3",
            settings: "min_bytes = 500\ncut = \"character\"\nmerge = 0.95\nmin_left_chars = 1",
            about: "The numbers of OLMo 3's substring stage: 500 bytes, one copy stays, spans are merged at 0.95 from \
                    both ends (configs/all_dressed/fuzzy_suffarr.yaml of datamap-rs, whose code drops a document of \
                    which nothing is left). It ran on 56 shards apart; here all are one.",
        },
    ];

    fn new(config: Config, setup: &mut Setup) -> Result<Self, Wrong> {
        let (name, length, unit) = match (config.min_bytes, config.min_tokens) {
            (Some(_), Some(_)) => {
                let what = "`min_bytes` and `min_tokens` both say how long a passage is";
                return Err(Wrong::setting("min_tokens", what).help("leave one of them out"));
            }
            (Some(bytes), None) => ("min_bytes", bytes, Unit::Bytes),
            (None, Some(tokens)) => ("min_tokens", tokens, Unit::Characters),
            (None, None) => ("min_chars", config.min_chars, Unit::Characters),
        };
        if !LENGTHS.contains(&length) {
            let what = format!("`{name}` is {length}, and must be from {} to {}", LENGTHS.start(), LENGTHS.end());
            return Err(Wrong::setting(name, what));
        }
        for (name, share) in [
            ("min_line_share", config.min_line_share),
            ("merge", config.merge),
            ("max_repeated_share", config.max_repeated_share),
        ] {
            if !(0.0..=1.0).contains(&share) {
                return Err(Wrong::setting(name, format!("`{name}` is {share}, and must be from 0 to 1")));
            }
        }
        let tokenizer = tokenizer(config.min_tokens, config.tokenizer.as_deref(), setup)?;
        let settings = Settings { length, unit };
        Ok(RepeatedSubstrings {
            settings,
            tokenizer,
            anchors: Anchors::new(settings),
            scope: Scope::new(&config.scope),
            repeated_chars: Name::new("repeated_chars"),
            kept_instead: Name::new(crate::engine::outcome::KEPT_INSTEAD),
            config,
        })
    }

    fn reads(&self) -> Vec<Field> {
        self.scope.reads()
    }

    fn writes(&self) -> Vec<Field> {
        let mut fields = vec![Field { name: self.repeated_chars, kind: Type::Integer }];
        if self.config.keep == Keep::One {
            fields.push(Field { name: self.kept_instead, kind: Type::Text });
        }
        fields
    }
}

impl Stage for RepeatedSubstrings {
    const REASONS: &'static [Reason] = &[
        Reason::of("too_little_left", "min_left_chars").unmeasured(),
        Reason::of("too_much_repeated", "max_repeated_share").unmeasured(),
    ];

    fn observe(&self, document: &Document, emit: &mut dyn FnMut(Key, &[u8])) {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut emit = |key, value: &[u8]| emit(self.scope.key(document, key), value);
            match &self.tokenizer {
                None => self.anchors.observe(document.text(), scratch, &mut emit),
                Some(tokenizer) => {
                    if let Some((_, tokens)) = encode(tokenizer, document.text()) {
                        self.anchors.observe(&tokens, scratch, &mut emit);
                    }
                }
            }
        });
    }

    fn reduce(&self, _: Key, records: &mut dyn Records, decide: &mut dyn FnMut(Origin, Decision<'_>)) {
        GROUP.with_borrow_mut(|kept| {
            // A group that a panic has cut short is not used again.
            let mut group = match kept.take() {
                Some(group) if group.is_for(self.settings, self.config.keep) => group,
                _ => Group::new(self.settings, self.config.keep),
            };
            let mut bytes = Vec::with_capacity(20);
            let mut found = |found: Found| {
                bytes.clear();
                found.write(&mut bytes);
                decide(found.origin, Decision { kept: found.kept, bytes: &bytes, ..Decision::default() });
            };
            while let Some((origin, value)) = records.next() {
                group.take(origin, value, &mut found);
            }
            group.end(&mut found);
            *kept = Some(group);
        });
    }

    fn apply(&self, document: &mut Document, decision: Option<Decision<'_>>) -> Verdict {
        let Config { cut, min_line_share, merge, min_left_chars, max_repeated_share, .. } = self.config;
        let found = decision.map_or(&[][..], |decision| decision.bytes);
        let text = document.text();
        let cover = match &self.tokenizer {
            None => Cover::read(self.settings, merge, text, found),
            Some(_) if found.is_empty() => Cover::default(),
            Some(tokenizer) => self.of_tokens(tokenizer, merge, text, found),
        };
        let repeated = cover.characters(text);
        let share = if repeated == 0 { 0.0 } else { repeated as f64 / text.chars().count() as f64 };
        let left = match cut {
            _ if repeated == 0 => None,
            Cut::Line => Some(cover.cut_lines(text, min_line_share)),
            Cut::Character => Some(cover.cut(text)),
        };
        let left = left.filter(|left| left.len() < text.len());
        document.set_field(self.repeated_chars, repeated as i64);
        if share > max_repeated_share {
            return Verdict::Drop("too_much_repeated");
        }
        let Some(left) = left else { return Verdict::Keep };
        if left.trim().chars().take(min_left_chars).count() < min_left_chars {
            return Verdict::Drop("too_little_left");
        }
        document.set_text(left);
        Verdict::Keep
    }
}

impl RepeatedSubstrings {
    /// What is repeated of a text that was compared by tokens.
    fn of_tokens(&self, tokenizer: &Tokenizer, merge: f64, text: &str, found: &[u8]) -> Cover {
        let Some((ids, tokens)) = encode(tokenizer, text) else { return Cover::default() };
        let Some(places) = tokenizer.places(text, &ids) else { return Cover::default() };
        let mut cover = Cover::read(self.settings, merge, &tokens, found);
        tokens::to_bytes(&tokens, &places, &mut cover.spans);
        cover
    }
}

#[cfg(test)]
mod tests;
