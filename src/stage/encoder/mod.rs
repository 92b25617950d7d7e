//! Scores documents with an encoder: BERT, RoBERTa or ModernBERT shaped, from a folder as published.
//!
//! Quality, topics, toxicity: whatever heads a model has, all scores come from one pass and are written into fields, for
//! `where` and later steps to look at; with `drop_below` and `drop_above` the step decides itself. `model` is a folder with
//! `config.json`, `model.safetensors` and `tokenizer.json`. A model for classification gives a number between 0 and 1 for each of
//! its labels, one for regression (FineWeb-Edu's form) the number itself. `heads` adds linear heads on the same body, each
//! from a file of its own, such as `wanjuan train-scorer --kind encoder` writes.
//!
//! A text that is longer than `window` is cut into windows of like length; the score of the text is their mean, their
//! most, or that of the first alone. Texts are cut into tokens where documents are read; behind that, tasks that each know
//! a part of the text take windows that are of like length through the model together. On the CPU there is no padding, and
//! the bits of a score depend on text and model alone: not on threads, batches or machines. On a graphics processor numbers
//! differ in their last digits.
//!
//! With `precision = "int8"` the weights of its layers are kept as bytes with a scale for each output, and rows are made so
//! when they come: 1.8 times as fast on a processor with AVX-512 VNNI. MiniLM's embeddings then stand at a cosine of .998 to
//! those in floats, .994 at least, and scores move by some hundredths; they too are the same bits on any machine.
//!
//! A model whose numbers run over for a text gives no score: the field is not written, and where the step decides by it the
//! text is dropped as `no_score`.
//!
//! An encoder reads some thousands of tokens a second on one core, a hundredth of a megabyte: put cheap steps before it, and let
//! it read a part (`where = "…"`). The summary tells the device, why it was chosen, and how busy the model was.
//!
//! | setting      | default | source                                                                          |
//! |--------------|---------|---------------------------------------------------------------------------------|
//! | `model`      | none    | a folder; BERT arXiv:1810.04805, RoBERTa arXiv:1907.11692, ModernBERT arXiv:2412.13663; must be given |
//! | `heads`      | none    | ours: names of further heads, and their files                                   |
//! | `scores`     | none    | ours: fields, and the labels they are of, `head.label` for a further head; must be given |
//! | `drop_below` | none    | ours: fields, and their lowest values to keep; FineWeb-Edu keeps 3 (arXiv:2406.17557, sec. 4) |
//! | `drop_above` | none    | ours: fields, and their highest values to keep                                  |
//! | `window`     | all     | ours: most tokens of a window, special ones with them; by default as many as the model reads |
//! | `windows`    | `first` | as FineWeb-Edu's classifier, which reads the first 512 tokens; `mean` or `max` of all |
//! | `device`     | `auto`  | ours: `cpu`, or `cuda:0,1` in a build with CUDA; `--device` of `run` and `check` stands above it |
//! | `precision`  | `f32`   | ours; `int8` after LLM.int8(), arXiv:2208.07339, sec. 3, on the CPU alone: graphics processors have floats of 16 bits |

mod batch;

use std::collections::BTreeMap;
use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{Document, Field, Name, Origin, Reason, Setup, Step, Type, Verdict, Wrong};
use wanjuan_models::encoder::{self, Found, Wanted};
use xxhash_rust::xxh3::xxh3_128;

use super::{Decision, Key, Kind, Records, Stage};
use batch::{Busy, Window};

/// Settings of [`Encoder`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder of the model.
    pub model: String,
    /// Further heads: what they are called, and their files.
    #[serde(default)]
    pub heads: BTreeMap<String, String>,
    /// Fields that are written, and the label each is of.
    pub scores: BTreeMap<String, String>,
    /// Fields, and the lowest value of each to keep.
    #[serde(default)]
    pub drop_below: BTreeMap<String, f64>,
    /// Fields, and the highest value of each to keep.
    #[serde(default)]
    pub drop_above: BTreeMap<String, f64>,
    /// Most tokens of a window.
    #[schemars(range(min = 8, max = 65536))]
    #[serde(default)]
    pub window: Option<usize>,
    /// What becomes of the scores of windows.
    #[serde(default)]
    pub windows: Windows,
    /// Where the model runs.
    #[serde(default = "auto")]
    pub device: String,
    /// As what its weights are kept on the CPU.
    #[serde(default)]
    pub precision: Precision,
}

fn auto() -> String {
    "auto".to_owned()
}

/// As what weights are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Floats of 32 bits.
    #[default]
    F32,
    /// Whole numbers of 8 bits.
    Int8,
}

/// What becomes of the scores of windows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Windows {
    /// The first is read, and no other.
    #[default]
    First,
    /// The mean.
    Mean,
    /// The most.
    Max,
}

/// See the words at the top of this file.
pub struct Encoder {
    model: encoder::Encoder,
    scores: Vec<Score>,
    window: usize,
    windows: Windows,
    device: String,
    busy: Busy,
}

/// A field and what it is of.
struct Score {
    field: Name,
    /// The place among all scores of the model.
    at: usize,
    least: Option<f64>,
    most: Option<f64>,
}

impl Step for Encoder {
    const NAME: &'static str = "encoder";
    const VERSION: u32 = 2;
    const WORDS: &'static str = include_str!("mod.rs");
    type Config = Config;
    type Kind = Kind;

    fn new(config: Config, setup: &mut Setup) -> Result<Self, Wrong> {
        let wanted: Wanted = config.device.parse().map_err(|what: String| Wrong::setting("device", what))?;
        let (found, device) =
            wanted.find().map_err(|what| Wrong::setting("device", what).help("`device = \"cpu\"` always runs"))?;
        let mut folder = setup.folder.clone();
        for file in encoder::FILES {
            let path = setup.file("model", &format!("{}/{file}", config.model))?;
            folder = path.parent().map(ToOwned::to_owned).unwrap_or(folder);
        }
        let (precision, device) = match (config.precision, &found) {
            (Precision::F32, _) => (encoder::Precision::F32, device),
            (Precision::Int8, Found::Cpu) => (encoder::Precision::Int8, format!("{device}, in int8")),
            (Precision::Int8, _) => {
                let what = "weights of 8 bits are for the CPU, and the model runs on a graphics processor";
                return Err(Wrong::setting("precision", what).help("leave it out, or set `device = \"cpu\"`"));
            }
        };
        let mut model = encoder::Encoder::load_as(&folder, &found, precision)
            .map_err(|error| Wrong::setting("model", error.to_string()))?;
        for (name, file) in &config.heads {
            let path = setup.file("heads", file)?;
            model.add_head(name, &path).map_err(|error| Wrong::setting("heads", error.to_string()))?;
        }
        let scores = scores(&config, &model)?;
        let (least, most) = (model.tokens().special() + 1, model.shape().tokens);
        let window = config.window.unwrap_or(most);
        if !(least..=most).contains(&window) {
            return Err(Wrong::setting(
                "window",
                format!("the model reads between {least} and {most} tokens at a time"),
            ));
        }
        Ok(Encoder { model, scores, window, windows: config.windows, device, busy: Busy::default() })
    }

    fn writes(&self) -> Vec<Field> {
        self.scores.iter().map(|score| Field { name: score.field, kind: Type::Number }).collect()
    }
}

/// The fields, each with the place of its label.
fn scores(config: &Config, model: &encoder::Encoder) -> Result<Vec<Score>, Wrong> {
    let named = |head: &encoder::Head, label: &String| match head.name.as_str() {
        "" => label.clone(),
        name => format!("{name}.{label}"),
    };
    let known: Vec<String> =
        model.heads().iter().flat_map(|head| head.labels.iter().map(|label| named(head, label))).collect();
    if known.is_empty() {
        return Err(Wrong::setting("model", "the model has no head")
            .help("give it one with `heads`; `wanjuan train-scorer` makes them"));
    }
    if config.scores.is_empty() {
        return Err(
            Wrong::setting("scores", "no score would be written").help(format!("the model has {}", known.join(", ")))
        );
    }
    for (setting, bounds) in [("drop_below", &config.drop_below), ("drop_above", &config.drop_above)] {
        for (field, bound) in bounds {
            if !config.scores.contains_key(field) {
                return Err(Wrong::setting(setting, format!("`{field}` is no field of `scores`"))
                    .near(field, config.scores.keys().map(String::as_str)));
            }
            if bound.is_nan() {
                return Err(Wrong::setting(setting, format!("`{field}`: a bound is a number")));
            }
        }
    }
    let score = |(field, label): (&String, &String)| {
        let at = known.iter().position(|known| known == label).ok_or_else(|| {
            let some = known.iter().take(12).map(String::as_str).collect::<Vec<_>>().join(", ");
            Wrong::setting("scores", format!("the model has no label `{label}`"))
                .help(format!("it has {} labels, among them {some}", known.len()))
                .near(label, known.iter().map(String::as_str))
        })?;
        let bound = |bounds: &BTreeMap<String, f64>| bounds.get(field).copied();
        Ok(Score { field: Name::new(field), at, least: bound(&config.drop_below), most: bound(&config.drop_above) })
    };
    config.scores.iter().map(score).collect()
}

impl Stage for Encoder {
    const REASONS: &'static [Reason] = &[
        Reason::always("nothing_to_score"),
        Reason::always("no_score"),
        Reason::of("score_too_low", "drop_below"),
        Reason::of("score_too_high", "drop_above"),
    ];

    fn observe(&self, document: &Document, emit: &mut dyn FnMut(Key, &[u8])) {
        let wanted = if self.windows == Windows::First { 1 } else { u32::MAX as usize };
        let (mut number, mut value) = (0u32, Vec::new());
        let take = |ids: &[u32]| {
            value.clear();
            value.extend(ids.iter().flat_map(|id| id.to_le_bytes()));
            // Equal windows come one behind the other, and are read once.
            let key = xxh3_128(&value);
            value.extend(number.to_be_bytes());
            number += 1;
            emit(key, &value);
        };
        // A text that has no tokens has no scores, and neither has one that the tokenizer fails on.
        let _ = self.model.tokens().windows(document.text(), self.window, wanted, take);
    }

    fn task_bytes(&self) -> u64 {
        // Seconds on one core, so that no thread waits long for the last; padded batches want more of like length.
        if self.model.is_padded() { 4 << 20 } else { 1 << 17 }
    }

    fn whole_tasks(&self) -> bool {
        true
    }

    fn reduce(&self, _: Key, records: &mut dyn Records, decide: &mut dyn FnMut(Origin, Decision<'_>)) {
        let started = Instant::now();
        let mut scorer = batch::Scorer::new(&self.model, &self.busy);
        let mut bytes = Vec::new();
        let mut say = |window: &Window, scores: &[f32]| {
            bytes.clear();
            bytes.extend(window.number.to_be_bytes());
            bytes.extend(self.scores.iter().flat_map(|score| scores[score.at].to_le_bytes()));
            decide(window.origin, Decision { bytes: &bytes, ..Decision::default() });
        };
        let mut scored = Ok(());
        while let (Ok(()), Some((origin, value))) = (&scored, records.next()) {
            scored = scorer.push(origin, value, &mut say);
        }
        if let Err(error) = scored.and_then(|()| scorer.finish(&mut say)) {
            records.fail(format!("the model failed: {error}"));
        }
        self.busy.worked(started.elapsed());
    }

    fn apply(&self, document: &mut Document, decision: Option<Decision<'_>>) -> Verdict {
        let Some(decision) = decision else { return Verdict::Drop("nothing_to_score") };
        let windows = decision.bytes.chunks_exact(4 * (1 + self.scores.len()));
        let count = windows.len() as f64;
        let mut verdict = Verdict::Keep;
        for (number, score) in self.scores.iter().enumerate() {
            let of = |window: &[u8]| {
                let bytes = window[4 * (1 + number)..].first_chunk().copied();
                f64::from(f32::from_le_bytes(bytes.unwrap_or_default()))
            };
            let scores = windows.clone().map(of);
            let value = match self.windows {
                // Not `f64::max`, which passes over what is no number.
                Windows::Max => scores.reduce(|a, b| if a.is_nan() || a > b { a } else { b }).unwrap_or(f64::NAN),
                Windows::Mean | Windows::First => scores.sum::<f64>() / count,
            };
            if !value.is_finite() {
                if score.least.is_some() || score.most.is_some() {
                    verdict = match verdict {
                        Verdict::Keep => Verdict::Drop("no_score"),
                        verdict => verdict,
                    };
                }
                continue;
            }
            document.set_field(score.field, value);
            let low = score.least.is_some_and(|least| value < least);
            let high = score.most.is_some_and(|most| value > most);
            verdict = match verdict {
                Verdict::Keep if low => Verdict::Drop("score_too_low"),
                Verdict::Keep if high => Verdict::Drop("score_too_high"),
                verdict => verdict,
            };
        }
        verdict
    }

    fn marks(&self) -> bool {
        false
    }

    fn told(&self) -> Option<String> {
        Some(match self.busy.told() {
            Some(busy) => format!("{}; {busy}", self.device),
            None => self.device.clone(),
        })
    }
}

#[cfg(test)]
mod tests;
