//! Finds the language of a text with a fastText model, and keeps the languages asked for.
//!
//! Writes the fields `lang` (the model's label) and `lang_score` (its probability). Line ends count
//! as spaces, as the C++ tool has it. The labels and probabilities are those of the C++ tool.
//!
//! | setting     | default   | source                                                              |
//! |-------------|-----------|---------------------------------------------------------------------|
//! | `model`     | `lid.176` | fastText, arXiv:1607.01759; comes along, 0.9 MB                     |
//! | `keep`      | all       | FineWeb keeps `en`, arXiv:2406.17557, sec. 3.2                      |
//! | `min_score` | 0.0       | FineWeb: 0.65, and its code asks for more than that, not as much    |
//! | `max_chars` | none      | ours: judge only the first characters. Four times the speed at 2000 |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_models::fasttext::{Model, Prediction};

use crate::classifier::{check_max_chars, find_label, load, predict};
use crate::kit::{Document, Field, Mapper, Name, Reason, Setup, Step, Type, Verdict, Wrong, first_chars, kind};

/// Settings of [`Language`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// A fastText model, `.bin` or `.ftz`, or the name of the one that comes along, `lid.176`.
    pub model: String,
    /// Languages to keep, by the model's labels; an empty list keeps all.
    #[schemars(inner(length(min = 1)))]
    pub keep: Vec<String>,
    /// Lowest probability to keep.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_score: f64,
    /// Most characters that are judged, from the start; all where it is not set.
    pub max_chars: Option<usize>,
}

impl Default for Config {
    fn default() -> Config {
        Config { model: BUILT_IN.into(), keep: Vec::new(), min_score: 0.0, max_chars: None }
    }
}

const BUILT_IN: &str = "lid.176";

crate::measures! {
    /// What [`Language`] measures.
    pub struct Measure {
        /// Probability of the language that was found.
        lang_score,
    }
}

/// See the words at the top of this file.
pub struct Language {
    config: Config,
    model: Model,
    /// By label of the model: whether it is kept.
    kept: Vec<bool>,
    lang: Name,
    lang_score: Name,
}

impl Step for Language {
    const NAME: &'static str = "language";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("language.rs");
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, setup: &mut Setup) -> Result<Self, Wrong> {
        let (model, _) = load("model", &config.model, setup)?;
        for language in &config.keep {
            find_label(&model, "keep", language)?;
        }
        if !(0.0..=1.0).contains(&config.min_score) {
            return Err(Wrong::setting("min_score", "a probability lies between 0 and 1"));
        }
        check_max_chars(config.max_chars)?;
        let kept = model.labels().iter().map(|label| config.keep.is_empty() || config.keep.contains(label)).collect();
        Ok(Language { config, model, kept, lang: Name::new("lang"), lang_score: Name::new("lang_score") })
    }

    fn writes(&self) -> Vec<Field> {
        vec![Field::new("lang", Type::Text), Field::new("lang_score", Type::Number)]
    }
}

impl Mapper for Language {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::always("empty_text"),
        Reason::always("no_language"),
        Reason::of("other_language", "keep"),
        Reason::of("language_uncertain", "min_score").by("lang_score"),
    ];

    fn map(&self, document: &mut Document, measure: &mut Measure) -> Verdict {
        let text = first_chars(document.text(), self.config.max_chars);
        if text.trim().is_empty() {
            return Verdict::Drop("empty_text");
        }
        let best = predict(&self.model, text, 1, |best| best.first().copied());
        self.judge(best, document, measure)
    }
}

impl Language {
    /// A model that has no row for the end of a line, as other than fastText's own may be, knows nothing of some texts.
    fn judge(&self, best: Option<Prediction>, document: &mut Document, measure: &mut Measure) -> Verdict {
        let Some(best) = best else { return Verdict::Drop("no_language") };
        let score = f64::from(best.probability);
        measure.lang_score = Some(score);
        document.set_field(self.lang, self.model.labels()[best.label].as_str());
        document.set_field(self.lang_score, score);
        if !self.kept[best.label] {
            Verdict::Drop("other_language")
        } else if score < self.config.min_score {
            Verdict::Drop("language_uncertain")
        } else {
            Verdict::Keep
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(config: Config) -> Language {
        Language::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{wrong:?}"))
    }

    fn judged(config: Config, text: &str) -> (Verdict, Option<String>) {
        let mut document = Document::new("", text);
        let verdict = step(config).map(&mut document, &mut Measure::default());
        (verdict, document.field(Name::new("lang")).and_then(|lang| lang.as_text().map(str::to_owned)))
    }

    const CHINESE: &str = "今天天气很好，我们一起去公园散步吧。";

    #[test]
    fn languages_are_found_and_kept_by_name() {
        let keep = |languages: &[&str]| Config {
            keep: languages.iter().map(|l| l.to_string()).collect(),
            ..Config::default()
        };
        assert_eq!(judged(keep(&["zh"]), CHINESE), (Verdict::Keep, Some("zh".into())));
        assert_eq!(judged(keep(&["en"]), CHINESE), (Verdict::Drop("other_language"), Some("zh".into())));
        assert_eq!(
            judged(Config::default(), "The weather is fine today, let us walk in the park.").1,
            Some("en".into())
        );
    }

    #[test]
    fn what_is_too_uncertain_is_dropped() {
        assert_eq!(
            judged(Config { min_score: 0.9999, ..Config::default() }, "ok 12 x").0,
            Verdict::Drop("language_uncertain")
        );
    }

    #[test]
    fn an_empty_text_has_no_language() {
        assert_eq!(judged(Config::default(), " \n").0, Verdict::Drop("empty_text"));
    }

    #[test]
    fn a_text_of_which_the_model_knows_nothing_has_no_language() {
        let mut document = Document::new("", "\u{e000}");
        let verdict = step(Config::default()).judge(None, &mut document, &mut Measure::default());
        assert_eq!((verdict, document.field(Name::new("lang"))), (Verdict::Drop("no_language"), None));
    }

    #[test]
    fn only_the_first_characters_are_judged_when_asked_for() {
        let text = format!("{CHINESE}{}", "and then a great deal of English follows it ".repeat(50));
        assert_eq!(judged(Config::default(), &text).1, Some("en".into()));
        assert_eq!(judged(Config { max_chars: Some(18), ..Config::default() }, &text).1, Some("zh".into()));
    }

    #[test]
    fn a_language_that_the_model_does_not_know_is_a_mistake_of_the_pipeline() {
        let config = Config { keep: vec!["klingon".into()], ..Config::default() };
        assert_eq!(Language::new(config, &mut Setup::default()).err().unwrap().setting, Some("keep"));
    }

    #[test]
    fn to_judge_no_character_is_a_mistake_of_the_pipeline() {
        let config = Config { max_chars: Some(0), ..Config::default() };
        assert_eq!(Language::new(config, &mut Setup::default()).err().unwrap().setting, Some("max_chars"));
    }
}
