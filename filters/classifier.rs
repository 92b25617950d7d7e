//! Drops documents by the probability that a fastText classifier gives a label.
//!
//! A model that comes along, by its name (`toxic-zh`, `quality-en`; `wanjuan models list` has them all), or any model of
//! the C++ tool, `.bin` or `.ftz`, of any loss. The probability is what the C++ tool reports, at most 1. Line ends count
//! as spaces. A text is made ready as the model's card says, so that it is read as it was in training: in lower case,
//! its words cut and joined by spaces, its first characters alone. Without a card it is taken as it is; a model that was
//! trained on words cut by jieba wants `words = "chinese"`. What is set here stands above the card. A text without a
//! word for the model has no probability and is dropped. A model whose bytes are not those that its card speaks of is
//! refused.
//!
//! With the defaults every other document is kept and the step only measures. Behind a cheap list, the
//! model reads only what the list has picked: `where = "unsafe_words.hits > 0"`, as in WanJuan-CC
//! (arXiv:2402.19282).
//!
//! | setting           | default | source                                                        |
//! |-------------------|---------|---------------------------------------------------------------|
//! | `model`           | none    | fastText, arXiv:1607.01759; must be given                     |
//! | `label`           | card's first | with or without `__label__`; must be given without a card |
//! | `min_probability` | 0.0     | DCLM keeps 0.018112 of `hq` (arXiv:2406.11794), the best tenth |
//! | `max_probability` | 1.0     |                                                               |
//! | `max_chars`       | card's  | judge only the first characters                               |
//! | `words`           | card's  | how words are cut and joined before the model reads them      |
//! | `lowercase`       | card's  | whether the text is put into lower case                       |

use std::cell::RefCell;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_models::card::{self, Card};
use wanjuan_models::fasttext::{Model, Prediction, Scratch};
use wanjuan_models::shipped;

use crate::kit::{Filter, Ready, Reason, Setup, Step, Text, Verdict, Words, Wrong, kind};

/// Settings of [`Classifier`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A fastText model, `.bin` or `.ftz`, or the name of one that comes along.
    pub model: String,
    /// The label whose probability is measured; the first of the model's card where it is not set.
    #[serde(default)]
    pub label: Option<String>,
    /// Lowest probability to keep.
    #[schemars(range(min = 0.0, max = 1.0))]
    #[serde(default)]
    pub min_probability: f64,
    /// Highest probability to keep.
    #[schemars(range(min = 0.0, max = 1.0))]
    #[serde(default = "one")]
    pub max_probability: f64,
    /// Most characters that are judged, from the start; as the model's card says where it is not set.
    #[serde(default)]
    pub max_chars: Option<usize>,
    /// How the text is cut into words, which are then joined by spaces; as the model's card says where it is not set.
    #[serde(default)]
    pub words: Option<Words>,
    /// Whether the text is put into lower case; as the model's card says where it is not set.
    #[serde(default)]
    pub lowercase: Option<bool>,
}

fn one() -> f64 {
    1.0
}

crate::measures! {
    /// What [`Classifier`] measures.
    pub struct Measure {
        /// Probability of the label.
        probability,
    }
}

/// See the words at the top of this file.
pub struct Classifier {
    config: Config,
    model: Model,
    ready: Ready,
    /// The label's place among those of the model.
    label: usize,
}

impl Step for Classifier {
    const NAME: &'static str = "classifier";
    const VERSION: u32 = 2;
    const WORDS: &'static str = include_str!("classifier.rs");
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, setup: &mut Setup) -> Result<Self, Wrong> {
        for (setting, bound) in
            [("min_probability", config.min_probability), ("max_probability", config.max_probability)]
        {
            if !(0.0..=1.0).contains(&bound) {
                return Err(Wrong::setting(setting, "a probability lies between 0 and 1"));
            }
        }
        check_max_chars(config.max_chars)?;
        let (model, card) = load("model", &config.model, setup)?;
        let first = card.as_ref().and_then(|card| card.labels.first());
        let Some(label) = config.label.as_ref().or(first) else {
            return Err(Wrong::setting("model", "it has no card that says which label is meant")
                .help(format!("set `label` to one of {}", some_labels(&model))));
        };
        let label = find_label(&model, "label", label.strip_prefix("__label__").unwrap_or(label))?;
        let ready = card.map(|card| Ready::of(&card.reads)).transpose();
        let mut ready =
            ready.map_err(|what| Wrong::setting("model", format!("its card is wrong: {what}")))?.unwrap_or_default();
        ready.words = config.words.or(ready.words);
        ready.lowercase = config.lowercase.unwrap_or(ready.lowercase);
        ready.max_chars = config.max_chars.or(ready.max_chars);
        Ok(Classifier { config, model, ready, label })
    }
}

impl Filter for Classifier {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::always("nothing_to_classify"),
        Reason::of("probability_too_low", "min_probability"),
        Reason::of("probability_too_high", "max_probability"),
    ];
    // They say how much of the text is read.
    const MEASURING: &'static [&'static str] = &["max_chars"];

    fn measure(&self, text: &Text) -> Measure {
        let probability = self.ready.read(text, |text| {
            if text.trim().is_empty() {
                return None;
            }
            predict(&self.model, text, self.model.labels().len(), |predictions| {
                let found = predictions.iter().find(|prediction| prediction.label == self.label);
                // Labels that are all but impossible are left out.
                let probability = found.map_or(0.0, |prediction| f64::from(prediction.probability));
                (!predictions.is_empty()).then_some(probability.min(1.0))
            })
        });
        Measure { probability }
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        match measure.probability {
            None => Verdict::Drop("nothing_to_classify"),
            Some(probability) if probability < self.config.min_probability => Verdict::Drop("probability_too_low"),
            Some(probability) if probability > self.config.max_probability => Verdict::Drop("probability_too_high"),
            Some(_) => Verdict::Keep,
        }
    }
}

/// Loads the model that a setting names, by the name of one that comes along or by its file, and its card if it has one.
pub(crate) fn load(setting: &'static str, named: &str, setup: &mut Setup) -> Result<(Model, Option<Card>), Wrong> {
    let wrong = |what: String| Wrong::setting(setting, what);
    if let Some((card, bytes)) = shipped::find("fasttext", named) {
        let model = Model::from_bytes(bytes).map_err(|error| wrong(format!("{named}: {error}")))?;
        return Ok((model, Some(card)));
    }
    let file = setup.file(setting, named).map_err(|missing| {
        let known = shipped::names("fasttext").collect::<Vec<_>>();
        let help = format!("a file, or a model that comes along: {}", known.join(", "));
        if named.contains(['/', '.']) { missing } else { missing.help(help).near(named, known.iter().copied()) }
    })?;
    let bytes = std::fs::read(&file).map_err(|error| wrong(format!("{named}: {error}")))?;
    let of_card = |error: card::Error| wrong(error.to_string());
    let card = Card::find(&file).map_err(of_card)?;
    if let Some((path, card)) = &card {
        card.verify_bytes(&bytes).map_err(|error| {
            of_card(error).help(format!("fetch or train the model again, or remove {}", path.display()))
        })?;
        setup.files.push((setting, path.clone()));
    }
    let model = Model::from_bytes(&bytes).map_err(|error| wrong(format!("{named}: {error}")))?;
    Ok((model, card.map(|(_, card)| card)))
}

/// The place of a label among those of a model.
pub(crate) fn find_label(model: &Model, setting: &'static str, label: &str) -> Result<usize, Wrong> {
    model.labels().iter().position(|known| known == label).ok_or_else(|| {
        Wrong::setting(setting, format!("the model has no label `{label}`"))
            .help(format!("it has {} labels, among them {}", model.labels().len(), some_labels(model)))
            .near(label, model.labels().iter().map(String::as_str))
    })
}

fn some_labels(model: &Model) -> String {
    model.labels().iter().take(12).map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// Refuses to judge no character at all.
pub(crate) fn check_max_chars(max_chars: Option<usize>) -> Result<(), Wrong> {
    if max_chars == Some(0) {
        return Err(Wrong::setting("max_chars", "no character would be judged").help("leave it out to judge all"));
    }
    Ok(())
}

/// The `k` most probable labels, best first.
pub(crate) fn predict<R>(model: &Model, text: &str, k: usize, look: impl FnOnce(&[Prediction]) -> R) -> R {
    thread_local! {
        static SCRATCH: RefCell<Scratch> = RefCell::default();
    }
    SCRATCH.with_borrow_mut(|scratch| look(model.predict(text, k, 0.0, scratch)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/fasttext/golden/quality-zh.softmax.ftz");

    fn config() -> Config {
        Config {
            model: MODEL.into(),
            label: Some("high".into()),
            min_probability: 0.0,
            max_probability: 1.0,
            max_chars: None,
            words: None,
            lowercase: None,
        }
    }

    fn step(config: Config) -> Classifier {
        Classifier::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{wrong:?}"))
    }

    fn probability(config: Config, text: &str) -> Option<f64> {
        step(config).measure(&text.into()).probability
    }

    const CHINESE: &str = "这条河发源于群山之中，离海很远，穿过田野、城镇和沼泽，走了很长的路，最后流入大海。";

    #[test]
    fn probabilities_of_all_labels_are_those_of_the_model_and_add_up() {
        let golden = include_str!("../models/fasttext/golden/quality-zh.softmax.ftz.expected.json");
        let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
        let (high, low) = (step(config()), step(Config { label: Some("__label__low".into()), ..config() }));
        for row in golden["rows"].as_array().unwrap().iter().take(50) {
            let text: Text = row["text"].as_str().unwrap().into();
            for (step, label) in [(&high, "__label__high"), (&low, "__label__low")] {
                let at = row["labels"].as_array().unwrap().iter().position(|known| known == label);
                let expected = at.and_then(|at| row["probs"][at].as_f64()).unwrap_or(0.0).min(1.0);
                let found = step.measure(&text).probability.unwrap();
                assert!((found - expected).abs() < 2e-5, "{found} {expected}");
            }
        }
    }

    #[test]
    fn bounds_are_inclusive_and_each_has_its_reason() {
        let judge = |config: Config, probability| Filter::judge(&step(config), &Measure { probability });
        let low = Config { min_probability: 0.25, ..config() };
        assert_eq!(judge(low.clone(), Some(0.25)), Verdict::Keep);
        assert_eq!(judge(low, Some(0.2499)), Verdict::Drop("probability_too_low"));
        let high = Config { max_probability: 0.75, ..config() };
        assert_eq!(judge(high.clone(), Some(0.75)), Verdict::Keep);
        assert_eq!(judge(high, Some(0.7501)), Verdict::Drop("probability_too_high"));
        assert_eq!(judge(config(), None), Verdict::Drop("nothing_to_classify"));
        assert_eq!(judge(config(), Some(1.0)), Verdict::Keep);
    }

    #[test]
    fn an_empty_text_has_no_probability() {
        assert_eq!(probability(config(), ""), None);
        assert_eq!(probability(config(), " \n\u{3000}"), None);
    }

    #[test]
    fn line_ends_are_spaces_and_only_the_first_characters_are_judged_when_asked_for() {
        assert_eq!(probability(config(), "甲 乙\n丙"), probability(config(), "甲 乙 丙"));
        let long = format!("{CHINESE}{}", "首页 登录 注册 ".repeat(50));
        let first = Config { max_chars: Some(CHINESE.chars().count()), ..config() };
        assert_eq!(probability(first, &long), probability(config(), CHINESE));
        assert_ne!(probability(config(), &long), probability(config(), CHINESE));
        assert!(Classifier::MEASURING.contains(&"max_chars"));
    }

    #[test]
    fn words_are_cut_and_joined_by_spaces_when_asked_for() {
        let jieba = Config { words: Some(Words::Chinese), ..config() };
        assert_eq!(probability(jieba.clone(), "我爱北京天安门"), probability(config(), "我 爱 北京 天安门"));
        let first = Config { max_chars: Some(4), ..jieba };
        assert_eq!(probability(first, "我爱北京天安门"), probability(config(), "我 爱 北京"));
    }

    #[test]
    fn settings_that_cannot_be_are_refused() {
        let wrong = |config: Config| Classifier::new(config, &mut Setup::default()).err().unwrap();
        let label = wrong(Config { label: Some("toxic".into()), ..config() });
        assert_eq!(label.setting, Some("label"));
        assert!(label.help.unwrap().contains("high"));
        assert_eq!(wrong(Config { model: "nowhere.ftz".into(), ..config() }).setting, Some("model"));
        assert_eq!(wrong(Config { min_probability: -0.1, ..config() }).setting, Some("min_probability"));
        assert_eq!(wrong(Config { max_probability: 1.1, ..config() }).setting, Some("max_probability"));
        assert_eq!(wrong(Config { max_chars: Some(0), ..config() }).setting, Some("max_chars"));
    }

    #[test]
    fn a_model_without_a_card_needs_a_label() {
        let wrong = Classifier::new(Config { label: None, ..config() }, &mut Setup::default()).err().unwrap();
        assert!(wrong.help.unwrap().contains("high, low"));
    }

    /// A copy of the model with a card, whose text `edit` may change.
    fn with_card(edit: impl FnOnce(String) -> String) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let bytes = std::fs::read(MODEL).unwrap();
        let card = Card {
            name: "q".into(),
            kind: "fasttext".into(),
            file: "q.ftz".into(),
            sha256: card::sha256(&bytes),
            bytes: bytes.len() as u64,
            labels: vec!["low".into(), "high".into()],
            reads: Ready { words: Some(Words::Characters), lowercase: true, max_chars: Some(30) }.to_card(),
            ..Card::default()
        };
        std::fs::write(folder.path().join("q.ftz"), bytes).unwrap();
        std::fs::write(folder.path().join("q.card.toml"), edit(card.to_toml())).unwrap();
        let path = folder.path().join("q.ftz").to_str().unwrap().to_owned();
        (folder, path)
    }

    #[test]
    fn a_card_says_how_texts_are_read_and_which_label_is_meant() {
        let (_folder, model) = with_card(|card| card);
        let mut setup = Setup::default();
        let by_card = Config { model, label: None, ..config() };
        let step = Classifier::new(by_card.clone(), &mut setup).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        assert_eq!((step.label, setup.files.len()), (find_label(&step.model, "label", "low").unwrap(), 2));
        let by_hand = Config { words: Some(Words::Characters), lowercase: Some(true), max_chars: Some(30), ..config() };
        let text = format!("{CHINESE} AND More");
        let low = Config { label: Some("low".into()), ..by_hand };
        assert_eq!(step.measure(&text.as_str().into()).probability, probability(low, &text));
        let above = Config { words: Some(Words::Chinese), ..by_card };
        assert_ne!(step.measure(&text.as_str().into()).probability, probability(above, &text));
    }

    #[test]
    fn a_model_that_is_not_the_one_of_its_card_is_refused() {
        let refused = |edit: fn(String) -> String| {
            let (_folder, model) = with_card(edit);
            Classifier::new(Config { model, ..config() }, &mut Setup::default()).err().unwrap()
        };
        let other = refused(|card| {
            let start = card.find("sha256 = ").unwrap() + 10;
            format!("{}{}{}", &card[..start], "0".repeat(64), &card[start + 64..])
        });
        assert!(other.what.contains("the card says 0000"), "{}", other.what);
        assert!(other.help.unwrap().contains("train the model again"));
        assert!(refused(|card| card.replace("bytes = ", "bytes = 1")).what.contains("bytes, the card says"));
        assert!(refused(|card| card.replace("characters", "klingon")).what.contains("klingon"));
        assert!(refused(|card| format!("colour = 1\n{card}")).what.contains("colour"));
    }

    #[test]
    fn the_model_is_noted_as_a_file_that_decides() {
        let mut setup = Setup::default();
        assert!(Classifier::new(config(), &mut setup).is_ok());
        assert_eq!(setup.files, [("model", MODEL.into())]);
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let step = step(config());
        let started = std::time::Instant::now();
        for text in ["字".repeat(1_000_000), "a ".repeat(500_000), "\n".repeat(1_000_000)] {
            step.measure(&text.as_str().into());
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,60}") {
            thread_local!(static STEPS: [Classifier; 2] = [step(config()), step(Config { words: Some(Words::Chinese), max_chars: Some(9), ..config() })]);
            STEPS.with(|steps| {
                for step in steps {
                    let probability = step.measure(&text.as_str().into()).probability;
                    assert!(probability.is_none_or(|probability| (0.0..=1.0).contains(&probability)));
                }
            });
        }
    }
}
