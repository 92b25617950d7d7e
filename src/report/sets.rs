//! Evaluation sets, and how many of their items were met in the corpus.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use wanjuan_filters::kit::{Field, Type};

use super::rows::{Row, Rows};
use crate::engine::session::{RunRecord, StepRecord};

/// The step that compares documents with evaluation sets, and the field it writes.
const STEP: &str = "decontaminate";
const FIELD: &str = "contaminated_by";

/// One evaluation set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetReport {
    /// What the pipeline calls it.
    pub name: String,
    /// Items it has.
    pub items: u64,
    /// Items that cannot be found: too short, or nothing but what too many others have.
    pub items_not_looked_for: u64,
    /// Items that some document was contaminated by.
    pub items_met: u64,
    /// Documents contaminated by some of its items.
    pub documents: u64,
}

/// What is met while the rows pass. Memory is bounded by the sets.
#[derive(Debug, Default)]
pub struct Met {
    /// By set: its items, those that were met, and in how many documents.
    sets: BTreeMap<String, (u64, BTreeSet<u64>, u64)>,
}

impl Met {
    /// Of this run; asks the rows for the field.
    pub fn open(record: &RunRecord, rows: &mut Rows) -> Met {
        let steps = record.steps.iter().filter(|step| step.uses == STEP);
        let sets = steps
            .flat_map(|step| &step.facts)
            .filter_map(|(name, facts)| Some((name.clone(), (*facts.get("items")?, BTreeSet::new(), 0))));
        let met = Met { sets: sets.collect() };
        if !met.sets.is_empty() && rows.fields.iter().any(|field| field.name.as_str() == FIELD) {
            let measures = 0..rows.measures.len();
            rows.select(vec![Field::new(FIELD, Type::Text)], measures);
        }
        met
    }

    /// Takes in the rows of one document.
    pub fn see(&mut self, group: &[Row]) {
        if self.sets.is_empty() {
            return;
        }
        let mut seen = BTreeSet::new();
        let fields = group.iter().filter_map(|row| row.fields.first()?.as_ref()?.as_text());
        for (set, number) in fields.flat_map(|by| by.split(' ')).filter_map(|item| item.rsplit_once('#')) {
            let (Some((items, met, documents)), Ok(number)) = (self.sets.get_mut(set), number.parse()) else {
                continue;
            };
            if number < *items {
                met.insert(number);
                *documents += u64::from(seen.insert(set));
            }
        }
    }

    /// The sets of a step.
    pub fn of(&self, step: &StepRecord) -> Vec<SetReport> {
        let set = |(name, facts): (&String, &BTreeMap<String, u64>)| {
            let (items, met, documents) = self.sets.get(name)?;
            let items_not_looked_for = facts.get("items_not_looked_for").copied().unwrap_or(0);
            let (items, items_met) = (*items, met.len() as u64);
            Some(SetReport { name: name.clone(), items, items_not_looked_for, items_met, documents: *documents })
        };
        step.facts.iter().filter(|_| step.uses == STEP).filter_map(set).collect()
    }
}
