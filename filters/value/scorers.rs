//! Classifiers that come along as parts of the scores.

use std::sync::LazyLock;

use wanjuan_models::fasttext::Model;
use wanjuan_models::shipped;

use crate::classifier::{find_label, predict};
use crate::kit::{Ready, Text};

/// The least and greatest logarithm of odds.
const MOST: f64 = 8.0;

/// A classifier, how it reads, and the label whose odds are taken.
struct Scorer {
    model: Model,
    ready: Ready,
    label: usize,
}

impl Scorer {
    fn new(name: &str) -> Scorer {
        let (card, bytes) = shipped::find("fasttext", name).expect("it comes along");
        let model = Model::from_bytes(bytes).expect("a test loads it");
        let label = find_label(&model, "model", &card.labels[0]).unwrap_or(0);
        Scorer { model, ready: Ready::of(&card.reads).expect("a test reads its card"), label }
    }

    fn odds(&self, text: &Text) -> Option<f64> {
        let probability = self.ready.read(text, |text| {
            predict(&self.model, text, self.model.labels().len(), |predictions| {
                let found = predictions.iter().find(|prediction| prediction.label == self.label);
                (!predictions.is_empty()).then(|| found.map_or(0.0, |found| f64::from(found.probability).min(1.0)))
            })
        });
        probability.map(|probability| (probability / (1.0 - probability)).ln().clamp(-MOST, MOST))
    }
}

/// The classifiers of a language.
pub struct Scorers {
    fluent: Scorer,
    worth: Scorer,
}

static SCORERS: LazyLock<[Scorers; 2]> = LazyLock::new(|| {
    ["en", "zh"].map(|language| Scorers {
        fluent: Scorer::new(&format!("fluent-{language}")),
        worth: Scorer::new(&format!("quality-{language}")),
    })
});

impl Scorers {
    /// Of Chinese, or of English.
    pub fn of(chinese: bool) -> &'static Scorers {
        &SCORERS[usize::from(chinese)]
    }

    /// That a text reads as it was written.
    pub fn fluent(&self, text: &Text) -> Option<f64> {
        self.fluent.odds(text)
    }

    /// That it is worth learning from.
    pub fn worth(&self, text: &Text) -> Option<f64> {
        self.worth.odds(text)
    }
}
