//! Gradients against small differences, and trainings from beginning to end.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device};

use super::*;
use crate::encoder::tensors::Place;
use crate::encoder::{Encoder, FILES, Found, Problem, Scratch};

const ALL: [&str; 3] = ["bert", "roberta", "modernbert"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("encoder/golden").join(name)
}

fn file(name: &str, file: &str) -> Vec<u8> {
    std::fs::read(folder(name).join(file)).unwrap()
}

const SETTINGS: Settings = Settings { epochs: 3, batch: 4, rate: 5e-3, warm_up: 0.1, decay: 0.01, clip: 1.0, seed: 7 };

fn labels() -> Vec<String> {
    ["good", "poor", "odd"].map(str::to_owned).into()
}

/// Tokens by chance, each text of its own length, between the tokens that stand about a text.
fn texts(count: usize) -> Vec<Vec<u32>> {
    let mut random = crate::encoder::chance::Random::new(3, "texts");
    let of = |number: usize| {
        let length = 1 + (number * 5) % 13;
        let ids = (0..length).map(|_| 6 + random.below(100) as u32);
        [2].into_iter().chain(ids).chain([3]).collect()
    };
    (0..count).map(of).collect()
}

fn labelled(ids: &[Vec<u32>]) -> Vec<Text<'_>> {
    ids.iter().enumerate().map(|(at, ids)| Text { ids, target: (at * 7 % 3) as f64 }).collect()
}

fn start(name: &str, from_file: bool, problem: Problem, settings: &Settings, threads: usize) -> All {
    let weights = from_file.then(|| file(name, "model.safetensors"));
    let labels = if problem == Problem::Regression { vec!["score".to_owned()] } else { labels() };
    let told = (&labels[..], problem);
    All::new(&file(name, "config.json"), weights.as_deref(), told, &Found::Cpu, settings.clone(), threads).unwrap()
}

#[test]
fn gradients_are_those_of_small_differences() {
    let ids = texts(5);
    for (name, problem) in ALL.into_iter().zip([Problem::OneLabel, Problem::Regression, Problem::OneLabel]) {
        let place = Place { device: Device::Cpu, kind: DType::F64 };
        let labels = if problem == Problem::Regression { vec!["score".to_owned()] } else { labels() };
        let (config, weights) = (file(name, "config.json"), file(name, "model.safetensors"));
        let mut all = All::at(&config, Some(&weights), (&labels, problem), place, SETTINGS, 2).unwrap();
        let mut batch = labelled(&ids);
        batch.sort_by_key(|text| std::cmp::Reverse(text.ids.len()));
        let mut sums: Vec<Vec<f32>> =
            all.model.parameters.iter().map(|parameter| vec![0.0; parameter.values.len()]).collect();
        all.gradients(&batch, &mut sums).unwrap();
        let sums = sums;
        let mut scratch = sums.clone();
        for (number, gradient) in sums.iter().enumerate() {
            let largest = (0..gradient.len()).max_by(|&a, &b| gradient[a].abs().total_cmp(&gradient[b].abs())).unwrap();
            let parameter = all.model.parameters[number].name.clone();
            // Keys all moved alike change no softmax.
            let flat = name != "modernbert" && parameter.ends_with("key.bias");
            assert_eq!(gradient[largest].abs() < 1e-9, flat, "{name} {parameter}: {}", gradient[largest]);
            for at in [largest, gradient.len() / 2, 0] {
                let before = all.model.parameters[number].values[at];
                let (mut losses, mut moved) = ([0.0; 2], [0.0; 2]);
                for (side, step) in [(0, -1e-3), (1, 1e-3)] {
                    all.model.parameters[number].values[at] = before + step;
                    all.model.set().unwrap();
                    losses[side] = all.gradients(&batch, &mut scratch).unwrap().0;
                    moved[side] = f64::from(all.model.parameters[number].values[at]);
                }
                all.model.parameters[number].values[at] = before;
                let expected = (losses[1] - losses[0]) / (moved[1] - moved[0]);
                let bound = 2e-4 * f64::from(gradient[largest].abs()) + 1e-7;
                let off = (f64::from(gradient[at]) - expected).abs();
                assert!(off < bound, "{name} {parameter} {at}: {} {expected}", gradient[at]);
            }
        }
    }
}

#[test]
fn a_small_model_learns_texts_by_heart_from_a_file_and_from_nothing() {
    let ids = texts(32);
    let texts = labelled(&ids);
    for (name, from_file) in [("bert", true), ("bert", false), ("roberta", false), ("modernbert", false)] {
        let settings = Settings { epochs: 60, batch: 8, rate: 1e-2, ..SETTINGS };
        let mut all = start(name, from_file, Problem::OneLabel, &settings, 2);
        let mut losses = Vec::new();
        let done = all.learn(&texts, None, |progress| {
            losses.push(progress.loss);
            Answer::GoOn
        });
        assert!(done.unwrap() && losses.len() == 240);
        let (before, after) = (losses[..4].iter().sum::<f64>() / 4.0, losses[236..].iter().sum::<f64>() / 4.0);
        assert!(before > 0.8 && after < 0.05, "{name} {from_file}: {before} {after}");
        for text in &texts {
            let scores = all.model.scores(text.ids);
            assert!(scores[text.target as usize] > 0.9, "{name}: {scores:?}");
        }
    }
}

#[test]
fn numbers_are_learned() {
    let ids = texts(32);
    let texts: Vec<Text<'_>> = ids.iter().map(|ids| Text { ids, target: ids.len() as f64 / 4.0 }).collect();
    let mut all = start("bert", true, Problem::Regression, &Settings { epochs: 40, rate: 1e-2, ..SETTINGS }, 1);
    let mut last = f64::INFINITY;
    all.learn(&texts, None, |progress| {
        last = progress.loss;
        Answer::GoOn
    })
    .unwrap();
    assert!(last < 0.05, "{last}");
    let scores = all.model.scores(texts[1].ids);
    assert!((f64::from(scores[0]) - texts[1].target).abs() < 0.5, "{scores:?}");
}

/// Writes a model's folder and reads it as any other.
fn written(name: &str, all: &All) -> (tempfile::TempDir, Encoder) {
    let place = tempfile::tempdir().unwrap();
    let [config, weights, tokenizer] = FILES.map(|file| place.path().join(file));
    let files = all.written().unwrap();
    std::fs::write(config, files.config).unwrap();
    std::fs::write(weights, files.weights).unwrap();
    std::fs::copy(folder(name).join(FILES[2]), tokenizer).unwrap();
    let encoder = Encoder::load(place.path(), &Found::Cpu).unwrap();
    (place, encoder)
}

#[test]
fn the_folder_of_a_trained_model_scores_as_it_did_while_it_learned() {
    let ids = texts(12);
    for name in ALL {
        for (from_file, problem) in [(true, Problem::OneLabel), (false, Problem::Regression)] {
            let mut all = start(name, from_file, problem, &SETTINGS, 2);
            all.learn(&labelled(&ids), None, |_| Answer::GoOn).unwrap();
            let (_place, encoder) = written(name, &all);
            assert_eq!(encoder.heads()[0].problem, problem);
            assert_eq!(encoder.heads()[0].labels.len(), encoder.scores());
            for ids in &ids {
                let mut found = Vec::new();
                encoder.score(&[ids], &mut Scratch::default(), &mut found).unwrap();
                for (found, exact) in found.iter().zip(all.model.scores(ids)) {
                    assert!((found - exact).abs() < 2e-5, "{name}: {found} {exact}");
                }
            }
        }
    }
}

#[test]
fn a_head_is_kept_where_labels_stay_and_is_by_chance_where_they_change() {
    let of = |labels: &[&str]| {
        let labels: Vec<String> = labels.iter().map(|&label| label.to_owned()).collect();
        let (config, weights) = (file("roberta", "config.json"), file("roberta", "model.safetensors"));
        let told = (&labels[..], Problem::OneLabel);
        All::new(&config, Some(&weights), told, &Found::Cpu, SETTINGS, 1).unwrap()
    };
    let ids = [0, 40, 41, 2];
    let mut found = Vec::new();
    let untrained = Encoder::load(&folder("roberta"), &Found::Cpu).unwrap();
    untrained.score(&[&ids], &mut Scratch::default(), &mut found).unwrap();
    let off = |all: &All| {
        let scores = all.model.scores(&ids);
        scores.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    assert!(off(&of(&["good", "poor", "odd"])) < 2e-5);
    assert!(off(&of(&["poor", "good", "odd"])) > 1e-3);
}

#[test]
fn weights_are_the_same_bytes_for_any_number_of_threads_and_of_their_seed() {
    // Long enough for several parts.
    let ids: Vec<Vec<u32>> = (0..24).map(|at| [vec![2], vec![6 + at; 60 + at as usize], vec![3]].concat()).collect();
    let run = |threads: usize, seed: u64, name: &str| {
        let settings = Settings { batch: 12, epochs: 2, seed, ..SETTINGS };
        let mut all = start(name, false, Problem::OneLabel, &settings, threads);
        all.learn(&labelled(&ids), None, |_| Answer::GoOn).unwrap();
        all.written().unwrap()
    };
    for name in ALL {
        let one = run(1, 7, name);
        assert!(one == run(1, 7, name) && one == run(2, 7, name) && one == run(5, 7, name), "{name}");
        assert!(one != run(1, 8, name), "{name}");
    }
}

#[test]
fn a_training_that_was_stopped_goes_on_to_the_same_bytes() {
    let ids = texts(18);
    let texts = labelled(&ids);
    let new = |settings: &Settings| start("modernbert", true, Problem::OneLabel, settings, 2);
    let mut whole = new(&SETTINGS);
    assert!(whole.learn(&texts, None, |_| Answer::GoOn).unwrap());
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("unfinished.safetensors");
    // Stopped three times: within an epoch, at the end of one, and right after the last checkpoint of a killed one.
    for stop in [2, 5] {
        let mut part = new(&SETTINGS);
        let answer = |progress: &Progress| if progress.step == stop { Answer::Stop } else { Answer::GoOn };
        assert!(!part.learn(&texts, Some(&path), answer).unwrap());
    }
    let mut killed = new(&SETTINGS);
    let mut seen = Vec::new();
    let answer = |progress: &Progress| {
        seen.push(progress.step);
        match progress.step {
            8 => Answer::Save,
            11 => panic!("killed"),
            _ => Answer::GoOn,
        }
    };
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| killed.learn(&texts, Some(&path), answer)));
    assert!(panic.is_err() && seen == [6, 7, 8, 9, 10, 11]);
    let mut rest = new(&SETTINGS);
    let mut first = 0;
    let done = rest.learn(&texts, Some(&path), |progress| {
        first = if first == 0 { progress.step } else { first };
        Answer::GoOn
    });
    assert!(done.unwrap() && first == 9);
    assert!(rest.written().unwrap() == whole.written().unwrap());
    // Another training does not go on from it, and a broken file is named.
    let mut other = new(&Settings { rate: 1e-3, ..SETTINGS });
    let told = other.learn(&texts, Some(&path), |_| Answer::GoOn).unwrap_err();
    assert!(told.contains("unfinished.safetensors: a training with other texts, settings"), "{told}");
    let told = new(&SETTINGS).learn(&texts[1..], Some(&path), |_| Answer::GoOn).unwrap_err();
    assert!(told.contains("a training with other texts"), "{told}");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let told = new(&SETTINGS).learn(&texts, Some(&path), |_| Answer::GoOn).unwrap_err();
    assert!(told.contains("unfinished.safetensors: no training can go on from it"), "{told}");
}

#[test]
fn settings_that_cannot_be_and_rates_without_bound_are_told() {
    for (settings, told) in [
        (Settings { epochs: 0, ..SETTINGS }, "at least one epoch"),
        (Settings { batch: 0, ..SETTINGS }, "one text in a batch"),
        (Settings { rate: 0.0, ..SETTINGS }, "above 0"),
        (Settings { clip: f64::NAN, ..SETTINGS }, "above 0"),
        (Settings { warm_up: 1.0, ..SETTINGS }, "a share of the steps"),
        (Settings { rate: 1.0, decay: 1.0, ..SETTINGS }, "decay times rate"),
    ] {
        assert!(settings.check().unwrap_err().contains(told), "{settings:?}");
    }
    let ids = texts(8);
    let mut all = start("bert", true, Problem::Regression, &Settings { rate: 1e30, decay: 0.0, ..SETTINGS }, 1);
    let told = all.learn(&labelled(&ids), None, |_| Answer::GoOn).unwrap_err();
    assert!(told.contains("a lower rate of learning"), "{told}");
    assert!(all.learn(&[], None, |_| Answer::GoOn).unwrap_err().contains("no text to learn"));
}
