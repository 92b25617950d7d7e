//! Keeps a share of the documents, chosen by a hash of seed, step and id.
//!
//! The same documents are chosen whatever the threads, shards and machines; another seed, or another
//! name of the step, chooses others. A larger share keeps all that a smaller one keeps.
//!
//! | setting | default | source                                    |
//! |---------|---------|-------------------------------------------|
//! | `share` | none    | between 0 and 1; must be given            |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::kit::{Filter, Reason, Setup, Step, Text, Verdict, Wrong, kind};

/// Settings of [`Sample`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Share of the documents to keep, between 0 and 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub share: f64,
}

crate::measures! {
    /// What [`Sample`] measures.
    pub struct Measure {
        /// The document's draw, from 0 up to 1.
        draw,
    }
}

/// See the words at the top of this file.
pub struct Sample {
    share: f64,
    seed: u64,
}

impl Step for Sample {
    const NAME: &'static str = "sample";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("sample.rs");
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, setup: &mut Setup) -> Result<Self, Wrong> {
        if !(0.0..=1.0).contains(&config.share) {
            return Err(Wrong::setting("share", "a share lies between 0 and 1"));
        }
        Ok(Sample { share: config.share, seed: xxh3_64_with_seed(setup.step.as_bytes(), setup.seed) })
    }
}

impl Filter for Sample {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[Reason::of("not_sampled", "share").by("draw")];
    const JUDGING: &'static [&'static str] = &["share"];

    fn measure(&self, text: &Text) -> Measure {
        let hash = xxh3_64_with_seed(text.document().id.as_bytes(), self.seed);
        // The upper 53 bits, which are what a number between 0 and 1 can hold.
        Measure { draw: Some((hash >> 11) as f64 / (1_u64 << 53) as f64) }
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        if measure.draw.is_some_and(|draw| draw < self.share) { Verdict::Keep } else { Verdict::Drop("not_sampled") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::Document;

    fn kept(share: f64, seed: u64) -> Vec<usize> {
        let mut setup = Setup { seed, step: "sample".into(), ..Setup::default() };
        let filter = Sample::new(Config { share }, &mut setup).unwrap();
        let keep = |n: &usize| {
            let text = Text::new(Document::new(n.to_string(), "文"));
            Filter::judge(&filter, &filter.measure(&text)) == Verdict::Keep
        };
        (0..10_000).filter(keep).collect()
    }

    #[test]
    fn the_share_is_kept_and_a_larger_one_keeps_the_smaller() {
        let (tenth, third) = (kept(0.1, 1), kept(0.3, 1));
        assert!((900..1100).contains(&tenth.len()), "{}", tenth.len());
        assert!(tenth.iter().all(|n| third.contains(n)));
        assert_ne!(tenth, kept(0.1, 2));
        assert_eq!((kept(0.0, 1).len(), kept(1.0, 1).len()), (0, 10_000));
    }

    #[test]
    fn a_document_that_is_not_drawn_is_dropped_and_the_bound_is_its_draw() {
        let filter = Sample::new(Config { share: 0.5 }, &mut Setup::default()).unwrap();
        let judged = |draw| Filter::judge(&filter, &Measure { draw: Some(draw) });
        assert_eq!((judged(0.499), judged(0.5)), (Verdict::Keep, Verdict::Drop("not_sampled")));
    }

    #[test]
    fn a_share_that_is_none_is_refused() {
        assert!(Sample::new(Config { share: 1.5 }, &mut Setup::default()).is_err());
    }
}
