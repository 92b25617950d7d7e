//! The models that come along, by name.
//!
//! `train.sh` beside this file trains them anew; `README.md` says from what. A model's file is part of the program, so
//! a step that loads one by its name needs no other file.

use crate::card::Card;

macro_rules! fasttext {
    ($name:literal) => {
        (include_str!(concat!($name, ".card.toml")), include_bytes!(concat!($name, ".ftz")) as &[u8])
    };
}

macro_rules! ngrams {
    ($name:literal) => {
        (include_str!(concat!($name, ".card.toml")), include_bytes!(concat!($name, ".ngrams")) as &[u8])
    };
}

/// Card and file of each.
const MODELS: &[(&str, &[u8])] = &[
    fasttext!("toxic-zh"),
    fasttext!("toxic-en"),
    fasttext!("quality-zh"),
    fasttext!("quality-en"),
    fasttext!("fluent-zh"),
    fasttext!("fluent-en"),
    fasttext!("not-ad-en"),
    ngrams!("chars-zh"),
    ngrams!("chars-en"),
    (include_str!("../fasttext/card.toml"), crate::fasttext::LID_176),
    (include_str!("../tokenizer/card.toml"), crate::tokenizer::BUILT_IN_FILE),
    (include_str!("../embedding/wanjuan-e5-96/card.toml"), crate::embedding::BUILT_IN_FILE),
];

/// Every model that comes along: its card and its file.
pub fn all() -> impl Iterator<Item = (Card, &'static [u8])> {
    MODELS.iter().map(|(card, file)| (Card::parse(card).expect("a test reads every card"), *file))
}

/// The model of a kind that is called so.
pub fn find(kind: &str, name: &str) -> Option<(Card, &'static [u8])> {
    all().find(|(card, _)| card.kind == kind && card.name == name)
}

/// A further file of a model that comes along, by the name that its card has for it.
pub fn part(card: &Card, file: &str) -> Option<&'static [u8]> {
    let parts = (card.name == crate::embedding::BUILT_IN).then_some(crate::embedding::BUILT_IN_PARTS)?;
    parts.into_iter().find(|(name, _)| *name == file).map(|(_, bytes)| bytes)
}

/// What the models of a kind are called.
pub fn names(kind: &str) -> impl Iterator<Item = &'static str> {
    // A card's first line is its name.
    let name = |card: &'static str| card.lines().next()?.strip_prefix("name = \"")?.strip_suffix('"');
    MODELS
        .iter()
        .filter(move |(card, _)| card.contains(&format!("\nkind = \"{kind}\"\n")))
        .filter_map(move |(card, _)| name(card))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_that_comes_along_is_the_one_of_its_card() {
        for (card, file) in all() {
            card.verify_bytes(file).unwrap();
            for more in &card.more {
                assert_eq!(crate::card::sha256(part(&card, &more.file).unwrap()), more.sha256, "{}", more.file);
            }
            assert_eq!(find(&card.kind, &card.name).unwrap().0, card);
            assert!(names(&card.kind).any(|name| name == card.name), "{}", card.name);
            for text in [&card.decides, &card.origin, &card.licence, &card.trained, &card.measured, &card.weakness] {
                assert!(!text.is_empty(), "{} leaves something unsaid", card.name);
            }
            assert!(!card.languages.is_empty());
        }
        assert_eq!(all().map(|(card, _)| card.name).collect::<std::collections::HashSet<_>>().len(), all().count());
    }

    #[test]
    fn every_classifier_that_comes_along_has_the_labels_of_its_card() {
        for (card, file) in all().filter(|(card, _)| card.kind == "fasttext") {
            let model = crate::fasttext::Model::from_bytes(file).unwrap();
            assert!(card.labels.iter().all(|label| model.labels().contains(label)), "{}", card.name);
            assert!(file.len() < 2_000_000, "{} is no small model", card.name);
        }
    }
}
