//! Drops documents of which a condition is true: a filter without code.
//!
//! The condition is an SQL expression, as in `where` (`wanjuan explain where` describes the language). It may
//! speak of the fields of a document, of the measures of every step above, and of the facts of its text
//! that are listed below under *Measures*, by the name `text`. Only the facts it names are measured.
//!
//! ```toml
//! [[step]]
//! name = "short_and_odd"
//! use = "rule"
//! drop_if = "text.characters < 200 and gopher_quality.alphabetic_words < 0.9"
//! reason = "short_and_odd"
//!
//! [[step]]
//! name = "little_chinese"
//! use = "rule"
//! where = "lang = 'zh'"
//! drop_if = "text.han < 0.3 or text.lines > 20 and text.mean_line_chars < 12"
//! ```
//!
//! What is NULL drops nothing: a measure of a step that passed the document by, a share of a text without
//! a character. A filter above that says `only_measure = true` leaves its verdict to the rule.
//!
//! | setting   | default     | source                                                  |
//! |-----------|-------------|---------------------------------------------------------|
//! | `drop_if` | none        | must be given                                           |
//! | `reason`  | `ruled_out` | what reports and `wanjuan why` give as the reason       |

mod facts;

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{self, MeasureInfo, Name, Setup, Step, Text, Verdict, Wrong};

pub use facts::{FACTS, Fact};

use crate::config::Predicate;

/// Marker for [`Step::Kind`]: a filter to all who use it, but one that the engine judges by.
pub struct Kind;

impl kit::Kind for Kind {
    const NAME: &'static str = <kit::kind::Filter as kit::Kind>::NAME;
}

/// Settings of [`Rule`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A condition in SQL. Documents of which it is true are dropped.
    pub drop_if: String,
    /// The reason they are dropped for: a fact about them, as `too_little_text`.
    #[serde(default = "ruled_out")]
    pub reason: String,
}

fn ruled_out() -> String {
    "ruled_out".to_owned()
}

/// See the words at the top of this file.
#[derive(Clone)]
pub struct Rule {
    /// Put in by the checker, who knows what can be spoken of.
    predicate: Option<Predicate>,
    reason: &'static str,
}

impl Step for Rule {
    const NAME: &'static str = "rule";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("mod.rs");
    type Config = Config;
    type Kind = Kind;

    fn new(config: Config, _: &mut Setup) -> Result<Rule, Wrong> {
        let plain = |c: char| c.is_alphanumeric() || ['-', '_', '.'].contains(&c);
        if config.reason.is_empty() || config.reason.len() > 64 || !config.reason.chars().all(plain) {
            let wrong = Wrong::setting("reason", "a reason is up to 64 letters, digits, `-`, `_` and `.`");
            return Err(wrong.help("state a fact about the document, as too_little_text"));
        }
        // Reasons live as long as the process, as names do: there are as many as a pipeline file has rules.
        Ok(Rule { predicate: None, reason: Name::new(&config.reason).as_str() })
    }
}

impl Rule {
    /// The reason it drops for.
    pub fn reason(&self) -> &'static str {
        self.reason
    }

    /// The condition, once the checker has read it.
    pub fn predicate(&self) -> Option<&Predicate> {
        self.predicate.as_ref()
    }

    /// Takes its condition; what it measures, in the order of its slots.
    pub fn prepare(&mut self, predicate: Predicate) -> Vec<MeasureInfo> {
        let measures = predicate.facts().iter().map(|fact| fact.info()).collect();
        self.predicate = Some(predicate);
        measures
    }

    /// Measures the facts it names into its slots, and judges.
    pub fn judge(&self, text: &mut Text, slots: Range<usize>) -> Verdict {
        let Some(predicate) = &self.predicate else { return Verdict::Keep };
        if !predicate.facts().is_empty() {
            let facts = facts::measure(text, predicate.facts());
            text.edit(|document| document.measures[slots].copy_from_slice(&facts[..predicate.facts().len()]));
        }
        if predicate.eval(text.document()) { Verdict::Drop(self.reason) } else { Verdict::Keep }
    }
}
