//! How well a scorer does on held-out texts, by language.

use std::collections::BTreeMap;

use wanjuan_filters::kit::{Ready, Text};
use wanjuan_models::card::HeldOut;
use wanjuan_models::fasttext::{Model, Scratch};
use wanjuan_models::metrics::{Scored, accuracy, auc, f1};

use super::Example;

/// The probability that calls a text by the label.
const HALF: f64 = 0.5;

/// The probability of a label.
fn score(model: &Model, label: &str, ready: &Ready, text: &str, scratch: &mut Scratch) -> f64 {
    let text: Text = text.into();
    let found = ready.read(&text, |text| {
        let predictions = model.predict(text, model.labels().len(), 0.0, scratch);
        predictions.iter().find(|found| model.labels()[found.label] == label).map(|found| found.probability)
    });
    found.map_or(0.0, |probability| f64::from(probability).min(1.0))
}

/// Area under the curve, F1 and accuracy of one label against all others, by language and of all texts together.
pub fn judge(model: &Model, label: &str, ready: &Ready, examples: &[Example]) -> Vec<HeldOut> {
    let (mut by_language, mut scratch) = (BTreeMap::<&str, Vec<Scored>>::new(), Scratch::default());
    for example in examples {
        let scored = (score(model, label, ready, &example.text, &mut scratch), example.label == label);
        by_language.entry(&example.language).or_default().push(scored);
    }
    let all: Vec<Scored> = by_language.values().flatten().copied().collect();
    let mut measured: Vec<HeldOut> = by_language.iter().map(|(language, scored)| of(language, scored)).collect();
    // The most frequent language first.
    measured.sort_by_key(|measured| std::cmp::Reverse(measured.documents));
    if measured.len() != 1 {
        measured.push(of("*", &all));
    }
    measured
}

fn of(language: &str, scored: &[Scored]) -> HeldOut {
    let exactly = |value: f64| (value * 1e6).round() / 1e6;
    let mut measures = BTreeMap::from([("accuracy".to_owned(), exactly(accuracy(scored, HALF)))]);
    measures.insert("f1".to_owned(), exactly(f1(scored, HALF)));
    if let Some(area) = auc(scored) {
        measures.insert("auc".to_owned(), exactly(area));
    }
    HeldOut { language: language.to_owned(), documents: scored.len() as u64, measures }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use wanjuan_models::shipped;

    use super::*;
    use crate::scorer::{Fields, Label, Reader};
    use crate::store::find;

    /// The held-out texts of every classifier that comes along are there: what its card says is measured again.
    #[test]
    fn cards_say_what_is_measured_on_the_held_out_texts() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/shipped");
        let mut judged = 0;
        for (card, file) in shipped::all().filter(|(card, _)| card.kind == "fasttext" && !card.held_out.is_empty()) {
            let name = format!("{}.held-out.jsonl.zst", card.name);
            let inputs = find(&[name], &folder, &[]).unwrap_or_else(|error| panic!("{}", error.what));
            let mut examples = Vec::new();
            let see = |example| {
                examples.push(example);
                Ok(())
            };
            assert_eq!(Reader::new(Fields::default()).read(&inputs[0], Label::Each, see).unwrap(), 0);
            let model = Model::from_bytes(file).unwrap();
            let ready = Ready::of(&card.reads).unwrap();
            let found = super::judge(&model, &card.labels[0], &ready, &examples);
            assert_eq!(found.len(), card.held_out.len(), "{}", card.name);
            for (found, said) in found.iter().zip(&card.held_out) {
                assert_eq!((&found.language, found.documents), (&said.language, said.documents), "{}", card.name);
                for (measure, value) in &said.measures {
                    assert!((found.measures[measure] - value).abs() < 2e-3, "{}: {measure}", card.name);
                }
            }
            judged += 1;
        }
        assert_eq!(judged, 7);
    }

    #[test]
    fn a_text_of_another_label_counts_against_the_one_asked_for() {
        let scored = [(0.9, true), (0.2, false), (0.6, false), (0.4, true)];
        let of = of("en", &scored);
        assert_eq!((of.documents, of.measures["auc"], of.measures["accuracy"]), (4, 0.75, 0.5));
    }
}
