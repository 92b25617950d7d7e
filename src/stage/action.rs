//! What becomes of duplicates, and what the one that stays says of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{Document, Field, Name, Type, Verdict, Wrong};

use super::Decision;

/// What becomes of duplicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// They are dropped.
    Drop,
    /// They stay, with the field `kept_instead`.
    Mark,
    /// They are dropped, and the one that stays has a `weight` by the size of its cluster.
    Weight,
}

/// Carries out decisions about clusters: of the one that stays the size in eight bytes, of a duplicate the one
/// that is kept in its stead.
#[derive(Debug)]
pub struct Actions {
    action: Action,
    weights: Vec<(u32, f64)>,
    cluster_size: Name,
    kept_instead: Name,
    weight: Name,
}

impl Actions {
    /// From settings; `weights` are for [`Action::Weight`] alone.
    pub fn new(action: Action, weights: &[(u32, f64)]) -> Result<Actions, Wrong> {
        let wrong = match action {
            Action::Weight if weights.is_empty() => "`action = \"weight\"` needs `weights`",
            Action::Drop | Action::Mark if !weights.is_empty() => "`weights` are for `action = \"weight\"`",
            _ if !weights.is_sorted_by(|a, b| a.0 < b.0) => "the sizes in `weights` do not rise",
            _ if weights.iter().any(|(_, weight)| !(weight.is_finite() && *weight >= 0.0)) => {
                "a weight is a number from 0 up"
            }
            _ => {
                let [cluster_size, kept_instead, weight] =
                    ["cluster_size", crate::engine::outcome::KEPT_INSTEAD, "weight"].map(Name::new);
                return Ok(Actions { action, weights: weights.to_vec(), cluster_size, kept_instead, weight });
            }
        };
        let example =
            "for example `weights = [[1, 1], [2, 2], [5, 3], [100, 1]]`: clusters of 5 to 99 count three times";
        Err(Wrong::setting("weights", wrong).help(example))
    }

    /// Fields that it sets.
    pub fn writes(&self) -> Vec<Field> {
        let mut fields = vec![Field { name: self.cluster_size, kind: Type::Integer }];
        match self.action {
            Action::Drop => {}
            Action::Mark => fields.push(Field { name: self.kept_instead, kind: Type::Text }),
            Action::Weight => fields.push(Field { name: self.weight, kind: Type::Number }),
        }
        fields
    }

    /// Drops a duplicate for the reason, or marks what is to be marked.
    pub fn apply(&self, document: &mut Document, decision: Option<Decision<'_>>, reason: &'static str) -> Verdict {
        let size = match decision {
            None => 1,
            Some(decision) => match <[u8; 8]>::try_from(decision.bytes) {
                Ok(size) => u64::from_le_bytes(size),
                // A duplicate: the engine has noted what is kept in its stead.
                Err(_) if self.action == Action::Mark => return Verdict::Keep,
                Err(_) => return Verdict::Drop(reason),
            },
        };
        document.set_field(self.cluster_size, size as i64);
        if self.action == Action::Weight {
            let reached = self.weights.iter().rev().find(|(least, _)| u64::from(*least) <= size);
            document.set_field(self.weight, reached.map_or(1.0, |&(_, weight)| weight));
        }
        Verdict::Keep
    }
}
