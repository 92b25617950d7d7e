//! Drops documents by the probability that a fastText classifier gives a label.
//!
//! Any model of the C++ tool, `.bin` or `.ftz`, of any loss: quality, toxicity, adverts, topics. The
//! probability is what the C++ tool reports, at most 1. Line ends count as spaces, and the text is taken as
//! it is: a model that was trained on lower-case text or on words cut by jieba wants the same, the latter by
//! `words = "chinese"`, which puts one space between words. A text without a word for the model has no
//! probability and is dropped.
//!
//! With the defaults every other document is kept and the step only measures. Behind a cheap list, the
//! model reads only what the list has picked: `where = "unsafe_words.hits > 0"`, as in WanJuan-CC
//! (arXiv:2402.19282).
//!
//! | setting           | default | source                                                        |
//! |-------------------|---------|---------------------------------------------------------------|
//! | `model`           | none    | fastText, arXiv:1607.01759; must be given                     |
//! | `label`           | none    | with or without `__label__`; must be given                    |
//! | `min_probability` | 0.0     | DCLM keeps 0.018112 of `hq` (arXiv:2406.11794), the best tenth |
//! | `max_probability` | 1.0     |                                                               |
//! | `max_chars`       | none    | ours: judge only the first characters                         |
//! | `words`           | none    | how words are cut and joined before the model reads them      |

use std::cell::RefCell;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_models::fasttext::{Model, Prediction, Scratch};

use crate::kit::{Filter, Reason, Setup, Step, Text, Verdict, Words, Wrong, kind};

/// Settings of [`Classifier`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A fastText model, `.bin` or `.ftz`.
    pub model: String,
    /// The label whose probability is measured.
    pub label: String,
    /// Lowest probability to keep.
    #[schemars(range(min = 0.0, max = 1.0))]
    #[serde(default)]
    pub min_probability: f64,
    /// Highest probability to keep.
    #[schemars(range(min = 0.0, max = 1.0))]
    #[serde(default = "one")]
    pub max_probability: f64,
    /// Most characters that are judged, from the start; all where it is not set.
    #[serde(default)]
    pub max_chars: Option<usize>,
    /// How the text is cut into words, which are then joined by spaces; as it is where it is not set.
    #[serde(default)]
    pub words: Option<Words>,
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
    /// The label's place among those of the model.
    label: usize,
}

impl Step for Classifier {
    const NAME: &'static str = "classifier";
    const VERSION: u32 = 1;
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
        let model = load("model", &config.model, setup)?;
        let label = config.label.strip_prefix("__label__").unwrap_or(&config.label);
        let label = find_label(&model, "label", label)?;
        Ok(Classifier { config, model, label })
    }
}

impl Filter for Classifier {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::always("nothing_to_classify"),
        Reason::of("probability_too_low", "min_probability"),
        Reason::of("probability_too_high", "max_probability"),
    ];
    // It says how much of the text is read.
    const MEASURING: &'static [&'static str] = &["max_chars"];

    fn measure(&self, text: &Text) -> Measure {
        thread_local! {
            static JOINED: RefCell<String> = RefCell::default();
        }
        let probability = |text: &str| {
            if text.trim().is_empty() {
                return None;
            }
            predict(&self.model, text, self.model.labels().len(), |predictions| {
                let found = predictions.iter().find(|prediction| prediction.label == self.label);
                // Labels that are all but impossible are left out.
                let probability = found.map_or(0.0, |prediction| f64::from(prediction.probability));
                (!predictions.is_empty()).then_some(probability.min(1.0))
            })
        };
        let probability = match self.config.words {
            None => probability(first_chars(text, self.config.max_chars)),
            Some(how) => JOINED.with_borrow_mut(|joined| {
                joined.clear();
                let start = text.as_ptr().addr();
                let end = first_chars(text, self.config.max_chars).len();
                for word in text.words(how).take_while(|word| word.as_ptr().addr() - start + word.len() <= end) {
                    joined.push_str(word);
                    joined.push(' ');
                }
                let probability = probability(joined);
                joined.clear();
                joined.shrink_to(KEPT);
                probability
            }),
        };
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

/// Bytes for which there is room from one document to the next, whatever it needs.
const KEPT: usize = 1 << 20;

/// Loads the model that a setting names.
pub(crate) fn load(setting: &'static str, path: &str, setup: &mut Setup) -> Result<Model, Wrong> {
    let file = setup.file(setting, path)?;
    Model::load(&file).map_err(|error| Wrong::setting(setting, format!("{path}: {error}")))
}

/// The place of a label among those of a model.
pub(crate) fn find_label(model: &Model, setting: &'static str, label: &str) -> Result<usize, Wrong> {
    model.labels().iter().position(|known| known == label).ok_or_else(|| {
        let some = model.labels().iter().take(12).map(String::as_str).collect::<Vec<_>>().join(", ");
        Wrong::setting(setting, format!("the model has no label `{label}`"))
            .help(format!("it has {} labels, among them {some}", model.labels().len()))
            .near(label, model.labels().iter().map(String::as_str))
    })
}

/// Refuses to judge no character at all.
pub(crate) fn check_max_chars(max_chars: Option<usize>) -> Result<(), Wrong> {
    if max_chars == Some(0) {
        return Err(Wrong::setting("max_chars", "no character would be judged").help("leave it out to judge all"));
    }
    Ok(())
}

/// The first characters of a text; all where no number is given.
pub(crate) fn first_chars(text: &str, max: Option<usize>) -> &str {
    let end = max.and_then(|max| text.char_indices().nth(max));
    end.map_or(text, |(end, _)| &text[..end])
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
            label: "high".into(),
            min_probability: 0.0,
            max_probability: 1.0,
            max_chars: None,
            words: None,
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
        let (high, low) = (step(config()), step(Config { label: "__label__low".into(), ..config() }));
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
        let label = wrong(Config { label: "toxic".into(), ..config() });
        assert_eq!(label.setting, Some("label"));
        assert!(label.help.unwrap().contains("high"));
        assert_eq!(wrong(Config { model: "nowhere.ftz".into(), ..config() }).setting, Some("model"));
        assert_eq!(wrong(Config { min_probability: -0.1, ..config() }).setting, Some("min_probability"));
        assert_eq!(wrong(Config { max_probability: 1.1, ..config() }).setting, Some("max_probability"));
        assert_eq!(wrong(Config { max_chars: Some(0), ..config() }).setting, Some("max_chars"));
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
