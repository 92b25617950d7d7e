use proptest::prelude::*;

use super::super::{Model, Scratch};
use super::*;

/// Reviews of two kinds, and of a third that is both.
fn corpus() -> Corpus {
    let mut corpus = Corpus::new();
    let (good, bad) = (["好 书", "well made", "fine 喜欢", "a joy"], ["坏 书", "badly made", "dull 讨厌", "a bore"]);
    for at in 0..400_u64 {
        let word = |list: &[&'static str; 4], n| list[(draw(at, n) % 4) as usize];
        match at % 4 {
            0 | 1 => corpus.push(["good"], &format!("{} and {}", word(&good, 0), word(&good, 1))),
            2 => corpus.push(["bad"], &format!("{} and {}", word(&bad, 0), word(&bad, 1))),
            _ => corpus.push(["mixed", "bad"], &format!("{} but {}", word(&good, 0), word(&bad, 1))),
        }
    }
    corpus
}

fn small() -> Settings {
    Settings { dim: 20, epochs: 25, rate: 0.5, word_ngrams: 2, bucket: 3000, ..Settings::default() }
}

fn best(model: &Model, text: &str) -> String {
    model.labels()[model.predict(text, 1, 0.0, &mut Scratch::default())[0].label].clone()
}

#[test]
fn what_was_taught_is_known_by_every_loss() {
    for loss in [Loss::Softmax, Loss::HierarchicalSoftmax, Loss::OneVsAll] {
        let trained = train(&mut corpus(), &Settings { loss, ..small() }, None).unwrap();
        let model = Model::from_bytes(&trained.to_bytes()).unwrap();
        assert_eq!(model.labels(), ["good", "bad", "mixed"], "{loss:?}");
        assert_eq!(best(&model, "fine 喜欢 and a joy"), "good", "{loss:?}");
        assert_eq!(best(&model, "dull 讨厌 and badly made"), "bad", "{loss:?}");
    }
}

#[test]
fn texts_with_several_labels_have_them_all_where_each_is_asked_for_by_itself() {
    let trained = train(&mut corpus(), &Settings { loss: Loss::OneVsAll, epochs: 60, ..small() }, None).unwrap();
    let model = Model::from_bytes(&trained.to_bytes()).unwrap();
    let found = model.predict("fine 喜欢 but badly made", 3, 0.5, &mut Scratch::default()).to_vec();
    let names: Vec<&str> = found.iter().map(|found| model.labels()[found.label].as_str()).collect();
    assert!(names.contains(&"bad") && names.contains(&"mixed"), "{names:?}");
}

#[test]
fn the_model_does_not_depend_on_threads_and_does_on_the_seed() {
    for loss in [Loss::Softmax, Loss::HierarchicalSoftmax, Loss::OneVsAll] {
        let of = |threads, seed| {
            let settings = Settings { loss, threads, seed, min_n: 2, max_n: 3, dim: 28, epochs: 2, ..small() };
            train(&mut corpus(), &settings, None).unwrap().to_bytes()
        };
        let one = of(1, 0);
        for threads in [2, 3, 9] {
            assert!(of(threads, 0) == one, "{loss:?}, {threads} threads");
        }
        assert!(of(1, 1) != one);
    }
}

#[test]
fn a_small_model_does_not_depend_on_threads() {
    let of = |threads| {
        let (mut corpus, mut bytes) = (corpus(), Vec::new());
        let trained = train(&mut corpus, &Settings { threads, dim: 10, epochs: 1, ..small() }, None).unwrap();
        let how = Quantize { cutoff: Some(300), retrain: true, norms: true, part: 3 };
        trained.write_small(&corpus, &how, &mut bytes).unwrap();
        bytes
    };
    assert!(of(1) == of(3));
}

#[test]
fn small_models_know_what_large_ones_know() {
    let mut corpus = corpus();
    for (norms, retrain, cutoff) in [(false, false, None), (true, true, Some(260)), (true, false, Some(1000))] {
        let trained = train(&mut corpus, &small(), None).unwrap();
        let large = trained.to_bytes();
        let how = Quantize { cutoff, norms, retrain, ..Quantize::default() };
        let mut bytes = Vec::new();
        trained.write_small(&corpus, &how, &mut bytes).unwrap();
        assert!(bytes.len() < large.len() / 3, "{} {}", bytes.len(), large.len());
        let model = Model::from_bytes(&bytes).unwrap();
        assert_eq!(best(&model, "fine 喜欢 and a joy"), "good");
        assert_eq!(best(&model, "dull 讨厌 and badly made"), "bad");
    }
}

#[test]
fn a_line_of_the_c_plus_plus_tool_is_a_text_and_its_labels() {
    let mut pushed = Corpus::new();
    pushed.push(["a", "b"], "one  two\nthree");
    let mut read = Corpus::new();
    read.read(&b"one __label__a two\t__label__b three\r\n"[..]).unwrap();
    assert_eq!((&pushed.tokens, &pushed.marks, &pushed.ends), (&read.tokens, &read.marks, &read.ends));
    let bytes = |mut corpus: Corpus| {
        train(&mut corpus, &Settings { loss: Loss::OneVsAll, ..small() }, None).unwrap().to_bytes()
    };
    assert!(bytes(pushed) == bytes(read));
}

#[test]
fn rare_words_have_no_row_and_still_join_n_grams() {
    let mut corpus = Corpus::new();
    (0..5).for_each(|_| corpus.push(["a"], "often"));
    corpus.push(["b"], "often once");
    let rare = train(&mut corpus, &Settings { min_count: 2, ..small() }, None).unwrap();
    assert_eq!(rare.words(), 2, "`often` and the end of the line");
    assert_eq!(train(&mut corpus, &small(), None).unwrap().words(), 3);
    let only = train(&mut corpus, &Settings { min_count_label: 2, ..small() }, None).unwrap();
    assert_eq!(only.labels().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn training_begins_with_the_vectors_given() {
    let vectors = Vectors::read(&b"2 3\nonce 1 2 3\nnever 4 5 6.5\n"[..]).unwrap();
    let mut corpus = Corpus::new();
    corpus.push(["a"], "often once");
    corpus.push(["b"], "often often");
    let settings = Settings { dim: 3, rate: 1e-20, word_ngrams: 1, min_count: 2, ..small() };
    let trained = train(&mut corpus, &settings, Some(&vectors)).unwrap();
    let words: Vec<&[u8]> = trained.vocabulary.words.iter().map(|(word, _)| word.as_slice()).collect();
    assert_eq!(words, [&b"often"[..], b"</s>", b"once", b"never"]);
    let mut row = Vec::new();
    trained.weights.input_row(2, &mut row);
    assert_eq!(row, [1.0, 2.0, 3.0]);
    trained.weights.input_row(3, &mut row);
    assert_eq!(row, [4.0, 5.0, 6.5]);
    let wrong = train(&mut corpus, &small(), Some(&vectors)).err().unwrap();
    assert_eq!(wrong.to_string(), "the vectors have 3 numbers, and `dim` is 20");
    for (file, line) in [("", "line 1"), ("2 3\nonce 1 2\n", "line 2"), ("1 1\na 1\nb 1\n", "there are more")] {
        assert!(Vectors::read(file.as_bytes()).err().unwrap().to_string().contains(line));
    }
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let wrong = |settings: Settings| train(&mut corpus(), &settings, None).err().unwrap().to_string();
    assert!(wrong(Settings { dim: 0, ..small() }).contains("1 to 65536"));
    assert!(wrong(Settings { epochs: 0, ..small() }).contains("at least once"));
    assert!(wrong(Settings { rate: 0.0, ..small() }).contains("above zero"));
    assert!(wrong(Settings { rate: f32::NAN, ..small() }).contains("above zero"));
    assert!(wrong(Settings { word_ngrams: 0, ..small() }).contains("1 to 64 words"));
    assert!(wrong(Settings { min_n: 3, max_n: 2, ..small() }).contains("3 to 2"));
    assert!(wrong(Settings { bucket: 0, ..small() }).contains("need buckets"));
    assert!(wrong(Settings { rate: 1e30, ..small() }).contains("lower rate"));
    let mut none = Corpus::new();
    none.push([], "a text without a label");
    assert_eq!(train(&mut none, &small(), None).err().unwrap().to_string(), "no text has a label");
    let mut few = Corpus::new();
    few.push(["a"], "few words");
    let trained = train(&mut few, &Settings { word_ngrams: 1, ..small() }, None).unwrap();
    let wrong = trained.write_small(&few, &Quantize::default(), Vec::new()).unwrap_err();
    assert_eq!(wrong.to_string(), "a model of 3 words and buckets is too small for a quantizer of 256");
}

/// Learning as the paper writes it down, row by row, in one loop.
fn plainly(weights: &mut [Vec<f64>], outputs: &mut [Vec<f64>], rows: &[u32], right: usize, rate: f64) {
    let dim = outputs[0].len();
    let share = 1.0 / rows.len() as f64;
    let hidden: Vec<f64> =
        (0..dim).map(|at| rows.iter().map(|&row| weights[row as usize][at]).sum::<f64>() * share).collect();
    let scores: Vec<f64> =
        outputs.iter().map(|row| row.iter().zip(&hidden).map(|(a, b)| a * b).sum::<f64>().exp()).collect();
    let sum: f64 = scores.iter().sum();
    let mut gradient = vec![0.0; dim];
    for (label, row) in outputs.iter_mut().enumerate() {
        let slope = rate * (f64::from(u8::from(label == right)) - scores[label] / sum);
        for at in 0..dim {
            gradient[at] += slope * row[at];
            row[at] += slope * hidden[at];
        }
    }
    for &row in rows {
        weights[row as usize].iter_mut().zip(&gradient).for_each(|(weight, gradient)| *weight += gradient * share);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn learning_is_what_the_plain_loop_does(dim in 1..40_usize, threads in 1..4_usize, seed in any::<u64>()) {
        let mut corpus = Corpus::new();
        for text in 0..12_u64 {
            let words: Vec<String> = (0..1 + draw(seed, text) % 9).map(|at| format!("w{}", draw(seed ^ at, text) % 20)).collect();
            corpus.push([["a", "b", "c"][(draw(seed, text + 100) % 3) as usize]], &words.join(" "));
        }
        let settings = Settings { dim, threads, seed, epochs: 1, rate: 0.4, bucket: 50, word_ngrams: 3, ..Settings::default() };
        let trained = train(&mut corpus, &settings, None).unwrap();

        let vocabulary = &trained.vocabulary;
        let begin = |row: u64, at: u64| ((draw(seed, row * dim as u64 + at) >> 40) as f64 / f64::from(1 << 23) - 1.0) / dim as f64;
        let mut weights = vec![vec![0.0; dim]; vocabulary.input_rows()];
        let mut outputs = vec![vec![0.0; dim]; vocabulary.labels.len()];
        let mut order: Vec<u32> = (0..12).collect();
        shuffle(&mut order, draw(seed, 0));
        let (mut seen, mut hashes) = (0, Vec::new());
        let all: Vec<Vec<u32>> = order.iter().map(|&text| {
            let mut rows = Vec::new();
            vocabulary.add_rows(corpus.text(text as usize).0, &mut hashes, &mut rows);
            rows
        }).collect();
        for &row in all.iter().flatten() {
            weights[row as usize] = (0..dim as u64).map(|at| begin(u64::from(row), at)).collect();
        }
        for (&text, rows) in order.iter().zip(&all) {
            let (words, labels) = corpus.text(text as usize);
            let right = vocabulary.known_labels(labels).next().unwrap() as usize;
            plainly(&mut weights, &mut outputs, rows, right, 0.4 * (1.0 - seen as f64 / corpus.tokens.len() as f64));
            seen += words.len();
        }
        let mut row = Vec::new();
        for (number, expected) in weights.iter().enumerate() {
            trained.weights.input_row(number, &mut row);
            for (found, expected) in row.iter().zip(expected) {
                prop_assert!((f64::from(*found) - expected).abs() < 1e-5, "{found} {expected}");
            }
        }
        for (number, expected) in outputs.iter().enumerate() {
            trained.weights.output_row(number, &mut row);
            for (found, expected) in row.iter().zip(expected) {
                prop_assert!((f64::from(*found) - expected).abs() < 1e-5, "{found} {expected}");
            }
        }
    }

    #[test]
    fn our_power_of_e_is_that_of_the_library(x in -80.0_f32..80.0) {
        let (found, expected) = (f64::from(learn::exp(x)), f64::from(x).exp());
        prop_assert!((found / expected - 1.0).abs() < 1e-7, "{found} {expected}");
    }

    #[test]
    fn every_settings_that_is_taken_gives_a_model_that_is_read(dim in 1..9_usize, n in 1..4_usize, max_n in 0..3_usize, bucket in 1..99_u32) {
        let settings = Settings { dim, word_ngrams: n, min_n: max_n.min(1), max_n, bucket, epochs: 1, ..Settings::default() };
        let trained = train(&mut corpus(), &settings, None).unwrap();
        prop_assert!(Model::from_bytes(&trained.to_bytes()).is_ok());
    }
}

/// `golden/trained.expected.json` holds what the C++ library (PyPI fasttext-wheel 0.9.2) answers for models that
/// `examples/fasttext_train` wrote from `golden/train.txt`, and the sums of those models.
#[test]
fn the_c_plus_plus_tool_reads_what_is_written_and_answers_alike() {
    let golden: serde_json::Value = serde_json::from_str(include_str!("../golden/trained.expected.json")).unwrap();
    let base = Settings { epochs: 8, rate: 0.5, bucket: 500, ..Settings::default() };
    let all = [
        ("softmax.bin", Settings { dim: 12, word_ngrams: 2, ..base.clone() }, None),
        ("hs.bin", Settings { loss: Loss::HierarchicalSoftmax, dim: 9, min_n: 2, max_n: 3, ..base.clone() }, None),
        ("ova.bin", Settings { loss: Loss::OneVsAll, dim: 20, word_ngrams: 3, ..base.clone() }, None),
        ("softmax.ftz", Settings { dim: 12, word_ngrams: 2, bucket: 900, ..base }, Some(300)),
    ];
    for (name, settings, small) in all {
        let mut corpus = Corpus::new();
        corpus.read(&include_bytes!("../golden/train.txt")[..]).unwrap();
        let trained = train(&mut corpus, &settings, None).unwrap();
        let mut bytes = Vec::new();
        match small {
            None => trained.write(&mut bytes).unwrap(),
            Some(_) => {
                let how = Quantize { cutoff: small, retrain: true, norms: true, ..Quantize::default() };
                trained.write_small(&corpus, &how, &mut bytes).unwrap();
            }
        }
        let of = golden["models"].as_array().unwrap().iter().find(|model| model["name"] == name).unwrap();
        assert_eq!(
            of["sha256"],
            crate::card::sha256(&bytes),
            "{name}: the model is another than the C++ tool has read"
        );
        let (model, mut scratch) = (Model::from_bytes(&bytes).unwrap(), Scratch::default());
        for row in of["rows"].as_array().unwrap() {
            let found = model.predict(row["text"].as_str().unwrap(), 3, 0.0, &mut scratch);
            assert_eq!(found.len(), row["labels"].as_array().unwrap().len());
            for (at, found) in found.iter().enumerate() {
                assert_eq!(row["labels"][at], format!("__label__{}", model.labels()[found.label]), "{name}");
                let expected = row["probs"][at].as_f64().unwrap();
                assert!(
                    (f64::from(found.probability) - expected).abs() < 2e-6,
                    "{name}: {} {expected}",
                    found.probability
                );
            }
        }
    }
}
