//! Golden answers of model2vec (`golden.py`), the plain twin, and folders that are none.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use safetensors::tensor::{Dtype, TensorView, serialize};
use serde_json::{Value, json};

use super::*;

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("embedding").join(name)
}

fn vector(model: &Table, text: &str) -> Vec<f32> {
    let mut vector = vec![7.0; 3];
    model.embed(text, &mut vector);
    vector
}

fn agrees(model: &Table, name: &str, within: f64) {
    let answers = std::fs::read_to_string(here(&format!("golden/{name}.json"))).unwrap();
    let answers: Vec<Value> = serde_json::from_str(&answers).unwrap();
    assert!(answers.len() > 10);
    for answer in answers {
        let text = answer["text"].as_str().unwrap();
        let found = vector(model, text);
        let expected: Vec<f64> = answer["vector"].as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert!((f64::from(*found) - expected).abs() <= within, "{name}, {text}: {found} {expected}");
        }
    }
}

#[test]
fn the_model_that_comes_along_says_what_model2vec_says_and_is_fast() {
    let model = Table::built_in();
    assert!(model.is_fast());
    agrees(&model, BUILT_IN, 1e-5);
    assert_eq!(Table::load(&here(BUILT_IN)).unwrap().digest(), model.digest());
}

#[test]
fn weights_shared_rows_and_half_precision_are_read_as_model2vec_reads_them() {
    agrees(&Table::load(&here("golden/shared")).unwrap(), "shared", 1e-5);
    // model2vec rounds the mean to `float16`, which has 11 bits.
    agrees(&Table::load(&here("golden/half")).unwrap(), "half", 1e-3);
}

#[test]
fn a_text_that_holds_nothing_known_is_zeros_and_is_told() {
    let (model, mut vector) = (Table::load(&here("golden/half")).unwrap(), Vec::new());
    for (text, known) in [("", false), ("zebra ☃", false), ("zebra river", true), ("河", true)] {
        assert_eq!(model.embed(text, &mut vector), known, "{text}");
        assert_eq!(vector.iter().any(|&number| number != 0.0), known, "{text}");
    }
}

#[test]
fn a_text_counts_up_to_a_number_of_tokens() {
    let mut model = Table::load(&here("golden/half")).unwrap();
    model.set_max_tokens(Some(1));
    assert_eq!(vector(&model, "河 水"), vector(&model, "河"));
    model.set_max_tokens(None);
    assert_ne!(vector(&model, "河 水"), vector(&model, "河"));
}

/// A model of three words.
fn model(dtype: Dtype, shape: Vec<usize>, data: &[u8], more: &[(&str, Dtype, usize, &[u8])]) -> Result<Table, Error> {
    let mut tensors = vec![("embeddings", TensorView::new(dtype, shape, data).unwrap())];
    tensors.extend(
        more.iter().map(|(name, dtype, length, data)| (*name, TensorView::new(*dtype, vec![*length], data).unwrap())),
    );
    let tokenizer = json!({ "version": "1.0", "added_tokens": [], "pre_tokenizer": { "type": "Whitespace" },
        "model": { "type": "WordLevel", "vocab": { "[UNK]": 0, "a": 1, "b": 2 }, "unk_token": "[UNK]" } });
    Table::from_bytes(&serialize(tensors, None).unwrap(), tokenizer.to_string().as_bytes(), b"{}")
}

fn bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

#[test]
fn a_folder_that_is_no_model_is_refused_with_its_reason() {
    let good = bytes(&[0.0, 1.0, 2.0]);
    assert_eq!(vector(&model(Dtype::F32, vec![3, 1], &good, &[]).unwrap(), "a b b"), [5.0 / 3.0]);
    let mapping = |rows: [u32; 3]| rows.iter().flat_map(|row| row.to_le_bytes()).collect::<Vec<u8>>();
    let wrong = |model: Result<Table, Error>, what: &str| {
        let error = model.err().expect(what).to_string();
        assert!(error.contains(what), "{error}");
    };
    wrong(model(Dtype::F32, vec![3], &good, &[]), "must have two dimensions");
    wrong(model(Dtype::F32, vec![0, 1], &[], &[]), "nothing");
    wrong(model(Dtype::F32, vec![2, 1], &good[..8], &[]), "the tokenizer has 3 entries, and `embeddings` 2 rows");
    wrong(model(Dtype::F32, vec![3, 1], &bytes(&[0.0, f32::NAN, 1.0]), &[]), "none or without bound");
    wrong(model(Dtype::I16, vec![3, 1], &good[..6], &[]), "holds I16");
    let rows = |rows| model(Dtype::F32, vec![3, 1], &good, &[("mapping", Dtype::U32, 3, &mapping(rows))]);
    assert_eq!(vector(&rows([0, 2, 1]).unwrap(), "a"), [2.0]);
    wrong(rows([0, 1, 3]), "names a row past the 3");
    wrong(model(Dtype::F32, vec![3, 1], &good, &[("weights", Dtype::F32, 2, &good[..8])]), "and `weights` 2");

    let [weights, tokenizer, config] = FILES.map(|name| std::fs::read(here("golden/half").join(name)).unwrap());
    wrong(Table::from_bytes(&weights[..weights.len() - 1], &tokenizer, &config), "`model.safetensors` is damaged");
    wrong(Table::from_bytes(&weights, &tokenizer[..99], &config), "`tokenizer.json` is damaged");
    wrong(Table::from_bytes(&weights, b"{}", &config), "`tokenizer.json`: not a tokenizer.json");
    wrong(Table::from_bytes(&weights, &tokenizer, b"{"), "`config.json` is damaged");

    let tensors = [("embeddings", Dtype::F32, vec![1, 1], &good[..4]), ("mapping", Dtype::U32, vec![0], &[])];
    let tensors = tensors.map(|(name, dtype, shape, data)| (name, TensorView::new(dtype, shape, data).unwrap()));
    let empty = json!({ "version": "1.0", "added_tokens": [],
        "model": { "type": "WordLevel", "vocab": {}, "unk_token": "[UNK]" } });
    let model = Table::from_bytes(&serialize(tensors, None).unwrap(), empty.to_string().as_bytes(), b"{}");
    wrong(model, "`tokenizer.json` has no token");
}

#[test]
fn weights_that_are_not_those_of_the_card_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in FILES.into_iter().chain(["card.toml"]) {
        std::fs::copy(here(BUILT_IN).join(name), folder.path().join(name)).unwrap();
    }
    assert!(Table::load(folder.path()).is_ok());
    for name in FILES {
        let path = folder.path().join(name);
        let whole = std::fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        std::fs::write(&path, flipped).unwrap();
        let error = Table::load(folder.path()).err().unwrap().to_string();
        assert!(error.contains(name) && error.contains("sha256"), "{error}");
        std::fs::remove_file(&path).unwrap();
        let error = Table::load(folder.path()).err().unwrap().to_string();
        assert!(error.contains(name), "{error}");
        std::fs::write(&path, whole).unwrap();
    }
}

proptest! {
    #[test]
    fn a_mean_is_what_adding_and_dividing_says(
        numbers in prop::collection::vec(-3.0_f32..3.0, 6),
        weights in prop::collection::vec(0.1_f32..2.0, 3),
        words in prop::collection::vec(1_usize..3, 1..40),
    ) {
        let text: Vec<&str> = words.iter().map(|&word| ["[UNK]", "a", "b"][word]).collect();
        let weighted = bytes(&weights);
        for (model, weights) in [
            (model(Dtype::F32, vec![3, 2], &bytes(&numbers), &[]), [1.0; 3]),
            (
                model(Dtype::F32, vec![3, 2], &bytes(&numbers), &[("weights", Dtype::F32, 3, &weighted)]),
                [weights[0], weights[1], weights[2]],
            ),
        ] {
            let found = vector(&model.unwrap(), &text.join(" "));
            for (dimension, found) in found.iter().enumerate() {
                let said = |&word: &usize| f64::from(numbers[word * 2 + dimension]) * f64::from(weights[word]);
                let expected = words.iter().map(said).sum::<f64>() / words.len() as f64;
                prop_assert!((f64::from(*found) - expected).abs() < 1e-5, "{found} {expected}");
            }
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(at in any::<prop::sample::Index>(), file in 0_usize..3, to: u8, cut: bool) {
        let mut all = FILES.map(|name| std::fs::read(here("golden/shared").join(name)).unwrap());
        let at = at.index(all[file].len());
        if cut { all[file].truncate(at) } else { all[file][at] = to }
        if let Ok(model) = Table::from_bytes(&all[0], &all[1], &all[2]) {
            vector(&model, "The river, 河水 unknown.");
        }
    }
}
