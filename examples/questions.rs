//! Drops documents that do nothing but ask.
//!
//! Pages of search suggestions and quizzes are full of question marks.
//!
//! | setting         | default | source                              |
//! |-----------------|---------|-------------------------------------|
//! | `max_questions` | 0.02    | none: a guess to start from         |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan::kit::{Filter, Reason, Setup, Step, Text, Verdict, Wrong, kind};
use wanjuan::registry::Registry;

/// Settings of `questions`.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Largest share of characters that are question marks.
    max_questions: f64,
}

impl Default for Config {
    fn default() -> Config {
        Config { max_questions: 0.02 }
    }
}

wanjuan::measures! {
    /// What `questions` measures.
    struct Measure {
        /// Share of characters that are question marks.
        questions,
    }
}

struct Questions(Config);

impl Step for Questions {
    const NAME: &'static str = "questions";
    const VERSION: u32 = 1; // raised whenever the same text comes to another verdict
    const WORDS: &'static str = include_str!("questions.rs"); // its first lines are the page of `explain`
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        if !(0.0..=1.0).contains(&config.max_questions) {
            return Err(Wrong::setting("max_questions", "a share lies between 0 and 1"));
        }
        Ok(Questions(config))
    }
}

impl Filter for Questions {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[Reason::of("too_many_questions", "max_questions")];

    fn measure(&self, text: &Text) -> Measure {
        let marks = text.chars().filter(|c| ['?', '？'].contains(c)).count();
        let chars = text.chars().count();
        Measure { questions: (chars > 0).then(|| marks as f64 / chars as f64) }
    }

    // By the measure alone, so that `wanjuan tune` can judge again what a run has stored.
    fn judge(&self, measure: &Measure) -> Verdict {
        match measure.questions {
            Some(share) if share > self.0.max_questions => Verdict::Drop("too_many_questions"),
            _ => Verdict::Keep,
        }
    }
}

fn main() -> std::process::ExitCode {
    wanjuan::cli::main(Registry::builtin().with::<Questions>())
}

#[test]
fn documents_that_only_ask_are_dropped() {
    let filter = Questions(Config { max_questions: 0.25 });
    let judge = |text: &str| filter.judge(&filter.measure(&Text::new(wanjuan::kit::Document::new("id", text))));
    assert_eq!(judge("Who?Why"), Verdict::Keep);
    assert_eq!(judge("谁？？"), Verdict::Drop("too_many_questions"));
    assert_eq!(judge("abc?"), Verdict::Keep, "the bound itself is kept");
    assert_eq!(judge(""), Verdict::Keep);
}
