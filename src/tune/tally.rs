//! What is counted of one variant.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Fate;
use crate::engine::session::RunRecord;
use crate::report::rows::Row;

/// Languages or sources that are told apart; the rest is one.
const MOST_PARTS: usize = 500;

/// Some documents, and the bytes of their texts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// How many.
    pub documents: u64,
    /// Bytes of their texts, where the run noted them.
    pub bytes: u64,
}

impl Share {
    fn add(&mut self, bytes: u64) {
        self.documents += 1;
        self.bytes += bytes;
    }
}

/// What becomes of documents.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Part {
    /// All of them.
    pub all: Share,
    /// Kept as the run was made.
    pub before: Share,
    /// Kept now, for sure.
    pub kept: Share,
    /// Kept now, and not before.
    pub gained: Share,
    /// Kept before, and not now.
    pub lost: Share,
    /// Let go on now, to steps that never saw them.
    pub unknown: Share,
}

/// A document whose fate is another.
#[derive(Debug, Clone, Serialize)]
pub struct Example {
    /// Its id.
    pub id: String,
    /// Its language, if the run knew it.
    pub language: String,
    /// What became of it, as `step: reason`.
    pub was: String,
    /// What becomes of it.
    pub is: String,
    /// How its text begins, where the run kept it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What a stage, which decides about many documents at once, would find otherwise.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct StageTally {
    /// Documents it dropped, which are not dropped before it now.
    pub dropped: u64,
    /// Documents it saw, which are dropped before it now.
    pub lost: u64,
}

/// All that is counted of one variant.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Over all documents.
    pub total: Part,
    /// By the field `lang`.
    pub by_language: BTreeMap<String, Part>,
    /// By source.
    pub by_source: BTreeMap<String, Part>,
    /// Documents dropped, by step and reason: before and now.
    pub reasons: BTreeMap<usize, BTreeMap<String, (u64, u64)>>,
    /// By number of the stage.
    pub stages: BTreeMap<usize, StageTally>,
    /// Some documents that are gained, lost, unknown.
    pub examples: [Vec<Example>; 3],
}

impl Tally {
    /// The stage of this number.
    pub(super) fn stage(&mut self, step: usize) -> &mut StageTally {
        self.stages.entry(step).or_default()
    }

    /// The most documents that may be kept: the unknown, and what stages dropped in the stead of others that
    /// are gone now.
    pub fn most(&self) -> u64 {
        let back = self.stages.values().filter(|stage| stage.lost > 0).map(|stage| stage.dropped);
        self.total.kept.documents + self.total.unknown.documents + back.sum::<u64>()
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn add(
        &mut self,
        record: &RunRecord,
        row: &Row,
        language: &str,
        source: &str,
        bytes: u64,
        was: Fate<'_>,
        is: Fate<'_>,
        examples: usize,
    ) {
        for part in [&mut self.total, slot(&mut self.by_language, language), slot(&mut self.by_source, source)] {
            part.all.add(bytes);
            match (was, is) {
                (Fate::Kept, Fate::Kept) => part.kept.add(bytes),
                (_, Fate::Kept) => {
                    part.kept.add(bytes);
                    part.gained.add(bytes);
                }
                (_, Fate::Unknown(_)) => part.unknown.add(bytes),
                (Fate::Kept, Fate::Dropped(..)) => part.lost.add(bytes),
                _ => {}
            }
            if was == Fate::Kept {
                part.before.add(bytes);
            }
        }
        if let Fate::Dropped(step, reason) = was {
            self.reason(step, reason).0 += 1;
        }
        if let Fate::Dropped(step, reason) = is {
            self.reason(step, reason).1 += 1;
        }
        let kind = match (was, is) {
            (Fate::Kept, Fate::Kept) => return,
            (_, Fate::Kept) => 0,
            (Fate::Kept, Fate::Dropped(..)) => 1,
            (_, Fate::Unknown(_)) => 2,
            _ => return,
        };
        if self.examples[kind].len() < examples {
            let tell = |fate: Fate<'_>| match fate {
                Fate::Kept => "kept".to_owned(),
                Fate::Dropped(step, reason) => format!("{}: {reason}", record.steps[step].name),
                Fate::Unknown(step) => format!("let go on by {}", record.steps[step].name),
            };
            let (id, language) = (row.id.clone(), language.to_owned());
            self.examples[kind].push(Example { id, language, was: tell(was), is: tell(is), text: None });
        }
    }

    fn reason(&mut self, step: usize, reason: &str) -> &mut (u64, u64) {
        let reasons = self.reasons.entry(step).or_default();
        if !reasons.contains_key(reason) {
            reasons.insert(reason.to_owned(), (0, 0));
        }
        reasons.get_mut(reason).expect("it was put in")
    }
}

fn slot<'a>(parts: &'a mut BTreeMap<String, Part>, name: &str) -> &'a mut Part {
    let name = if parts.contains_key(name) || parts.len() < MOST_PARTS { name } else { "others" };
    if !parts.contains_key(name) {
        parts.insert(name.to_owned(), Part::default());
    }
    parts.get_mut(name).expect("it was put in")
}
