//! What transformers makes of small models by chance, and that no score knows what stands beside it.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("encoder/golden").join(name)
}

fn load(name: &str) -> Encoder {
    Encoder::load(&folder(name), &Found::Cpu).unwrap()
}

/// The same with other instructions.
fn load_with(name: &str, instructions: Instructions, precision: Precision) -> Encoder {
    let encoder = load(name);
    let bytes = std::fs::read(folder(name).join("model.safetensors")).unwrap();
    let body = Body::read(&encoder.shape, &opened(&encoder.shape, &bytes).unwrap(), precision).unwrap();
    Encoder { body: Box::new(body.with(instructions)), ..encoder }
}

const ALL: [&str; 3] = ["bert", "roberta", "modernbert"];

fn windows(encoder: &Encoder, text: &str) -> Vec<Vec<u32>> {
    let mut windows = Vec::new();
    encoder.tokens().windows(text, encoder.shape().tokens, usize::MAX, |ids| windows.push(ids.to_vec())).unwrap();
    windows
}

fn bits(encoder: &Encoder, texts: &[&[u32]], scratch: &mut Scratch) -> Vec<u32> {
    let mut numbers = Vec::new();
    encoder.score(texts, scratch, &mut numbers).unwrap();
    encoder.embed(texts, scratch, &mut numbers).unwrap();
    // Scores of all texts stand first, then embeddings: put together what belongs to one text.
    let (scores, embeddings) = numbers.split_at(texts.len() * encoder.scores());
    let parts = scores.chunks(encoder.scores()).zip(embeddings.chunks(encoder.shape().hidden));
    parts.flat_map(|(scores, embedding)| scores.iter().chain(embedding)).map(|number| number.to_bits()).collect()
}

#[test]
fn tokens_scores_and_embeddings_are_those_of_transformers() {
    for name in ALL {
        let encoder = load(name);
        let expected: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder(name).join("expected.json")).unwrap()).unwrap();
        let mut scratch = Scratch::default();
        for row in expected["rows"].as_array().unwrap() {
            let text = row["text"].as_str().unwrap();
            let windows = windows(&encoder, text);
            assert_eq!(serde_json::json!(windows), serde_json::json!([row["ids"]]), "{name}: {text}");
            let (mut scores, mut embedding) = (Vec::new(), Vec::new());
            encoder.score(&[&windows[0]], &mut scratch, &mut scores).unwrap();
            encoder.embed(&[&windows[0]], &mut scratch, &mut embedding).unwrap();
            for (of, found) in [("scores", scores), ("embedding", embedding)] {
                let exact = row[of].as_array().unwrap();
                assert_eq!(found.len(), exact.len());
                for (found, exact) in found.iter().zip(exact) {
                    assert!((f64::from(*found) - exact.as_f64().unwrap()).abs() < 2e-5, "{name} {of}: {found} {exact}");
                }
            }
        }
    }
}

/// Weights of 8 bits move scores and embeddings a little; these small models by chance more than trained ones.
#[test]
fn weights_of_8_bits_stay_near_those_of_32() {
    let mut furthest = 0f32;
    for name in ALL {
        let [floats, bytes] = [Precision::F32, Precision::Int8]
            .map(|precision| Encoder::load_as(&folder(name), &Found::Cpu, precision).unwrap());
        for text in ["The river rises in the hills.", "河水流过田野。今天天气很好，我们去公园。", "x = 3; print(x)"]
        {
            let windows = windows(&floats, text);
            let [floats, bytes] = [&floats, &bytes].map(|encoder| {
                let (mut scores, mut embedding) = (Vec::new(), Vec::new());
                encoder.score(&[&windows[0]], &mut Scratch::default(), &mut scores).unwrap();
                encoder.embed(&[&windows[0]], &mut Scratch::default(), &mut embedding).unwrap();
                (scores, embedding)
            });
            assert_ne!(floats, bytes);
            let cosine: f32 = floats.1.iter().zip(&bytes.1).map(|(a, b)| a * b).sum();
            assert!(cosine > 0.999, "{name} {text}: {cosine}");
            furthest = floats.0.iter().zip(&bytes.0).map(|(a, b)| (a - b).abs()).fold(furthest, f32::max);
        }
    }
    assert!(furthest < 0.05, "{furthest}");
}

/// What runs on graphics processors is the same but for their arithmetic.
#[test]
fn tensors_of_candle_give_what_our_arithmetic_gives_in_padded_batches() {
    for name in ALL {
        let ours = load(name);
        let bytes = std::fs::read(folder(name).join("model.safetensors")).unwrap();
        let bodies = devices::Bodies::on_cpu(&ours.shape, &opened(&ours.shape, &bytes).unwrap(), 2).unwrap();
        let candle = Encoder { body: Box::new(bodies), ..load(name) };
        assert!(candle.is_padded() && !ours.is_padded());
        let texts = ["A river rises in the hills.", "今天天气很好，我们去公园。", "a", &"The lazy dog. ".repeat(9)];
        let windows: Vec<Vec<u32>> = texts.iter().flat_map(|text| windows(&ours, text)).collect();
        let windows: Vec<&[u32]> = windows.iter().map(Vec::as_slice).collect();
        let [mut a, mut b] = [Vec::new(), Vec::new()];
        for (encoder, numbers) in [(&ours, &mut a), (&candle, &mut b)] {
            encoder.score(&windows, &mut Scratch::default(), numbers).unwrap();
            encoder.embed(&windows, &mut Scratch::default(), numbers).unwrap();
        }
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() < 2e-5, "{name}: {a} {b}");
        }
    }
}

#[test]
fn heads_have_the_labels_and_the_meaning_of_their_files() {
    let [bert, roberta, modern] = ALL.map(load);
    assert_eq!(
        (bert.heads()[0].labels.join(" "), bert.heads()[0].problem),
        ("LABEL_0".to_owned(), Problem::Regression)
    );
    assert_eq!(
        (roberta.heads()[0].labels.join(" "), roberta.heads()[0].problem),
        ("good poor odd".to_owned(), Problem::OneLabel)
    );
    assert_eq!(
        (modern.heads()[0].labels.join(" "), modern.heads()[0].problem),
        ("toxic advert".to_owned(), Problem::AnyLabel)
    );
}

#[test]
fn a_further_head_scores_from_the_same_pass() {
    let mut encoder = load("bert");
    let path = folder("head.safetensors");
    let text = windows(&encoder, "The lazy dog.");
    let (mut before, mut after, mut embedding) = (Vec::new(), Vec::new(), Vec::new());
    encoder.score(&[&text[0]], &mut Scratch::default(), &mut before).unwrap();
    encoder.add_head("value", &path).unwrap();
    assert_eq!((encoder.heads()[1].name.as_str(), encoder.scores()), ("value", 3));
    encoder.score(&[&text[0]], &mut Scratch::default(), &mut after).unwrap();
    assert_eq!(after[0], before[0]);
    encoder.body.pools(&[&text[0]], &mut Scratch::default(), &mut embedding).unwrap();
    // Its weights: the first label is the first number of the mean, doubled; the second is 0.5.
    assert!((after[1] - 2.0 * embedding[24]).abs() < 1e-6 && after[2] == 0.5, "{after:?}");
    let shape = load("roberta").add_head("value", &folder("bert/model.safetensors")).unwrap_err().to_string();
    assert!(shape.contains("its metadata has no `labels`"), "{shape}");
}

#[test]
fn a_broken_folder_is_refused_with_its_reason() {
    let copy = |change: &dyn Fn(&Path)| {
        let place = tempfile::tempdir().unwrap();
        for file in FILES {
            std::fs::copy(folder("bert").join(file), place.path().join(file)).unwrap();
        }
        change(place.path());
        Encoder::load(place.path(), &Found::Cpu).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let replaced = |file: &'static str, from: &'static str, to: &str| {
        copy(&|place: &Path| {
            let path = place.join(file);
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{text}");
            std::fs::write(path, text.replace(from, to)).unwrap();
        })
    };
    assert_eq!(copy(&|_| {}), "");
    for file in FILES {
        let missing = copy(&|place| std::fs::remove_file(place.join(file)).unwrap());
        assert!(missing.contains(file), "{missing}");
        let cut = copy(&|place| {
            let bytes = std::fs::read(place.join(file)).unwrap();
            std::fs::write(place.join(file), &bytes[..bytes.len() / 2]).unwrap();
        });
        assert!(cut.contains(file), "{cut}");
    }
    for (from, to, told) in [
        ("\"bert\"", "\"t5\"", "model_type `t5`"),
        ("\"hidden_size\": 24", "\"hidden_size\": 32", "and config.json makes it"),
        ("\"hidden_size\": 24", "\"hidden_size\": 23", "sizes that cannot be"),
        ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", "there is no tensor `bert.encoder.layer.2"),
        ("\"hidden_act\": \"gelu\"", "\"hidden_act\": \"mish\"", "mish"),
        ("\"max_position_embeddings\": 96", "\"max_position_embeddings\": 131073", "max_position_embeddings is more"),
        ("{\n    \"0\": \"LABEL_0\"\n  }", "null, \"num_labels\": 9000000000", "9000000000 labels"),
        ("{\n    \"0\": \"LABEL_0\"\n  }", "{}", "0 labels"),
        ("\"layer_norm_eps\": 1e-12", "\"layer_norm_eps\": -1e-12", "layer_norm_eps must be"),
        ("\"layer_norm_eps\": 1e-12", "\"layer_norm_eps\": 0", "layer_norm_eps must be"),
    ] {
        let found = replaced("config.json", from, to);
        assert!(found.contains(told), "{found}");
    }
    let past = replaced("tokenizer.json", "\"ids\":[2]", "\"ids\":[142]");
    assert!(past.contains("adds the token 142, and the model has 142"), "{past}");
    let (ids, names) = (["2"; 95].join(","), ["\"[CLS]\""; 95].join(","));
    let many = format!("\"ids\":[{ids}],\"tokens\":[{names}]");
    let many = replaced("tokenizer.json", "\"ids\":[2],\"tokens\":[\"[CLS]\"]", &many);
    assert!(many.contains("adds 96 tokens, and the model reads 96"), "{many}");
    let unknown =
        replaced("tokenizer.json", "{\"SpecialToken\":{\"id\":\"[CLS]\"", "{\"SpecialToken\":{\"id\":\"[CLT]\"");
    assert!(unknown.contains("names the special token `[CLT]`"), "{unknown}");
    let nan = copy(&|place| {
        let path = place.join("model.safetensors");
        let mut bytes = std::fs::read(&path).unwrap();
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        std::fs::write(path, bytes).unwrap();
    });
    assert!(nan.contains("holds what is no number"), "{nan}");
}

#[test]
fn numbers_of_a_configuration_that_cannot_be_are_refused() {
    let read = |name: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(folder(name).join("config.json")).unwrap();
        assert!(text.contains(from), "{text}");
        Shape::from_json(text.replace(from, to).as_bytes()).err().unwrap_or_default()
    };
    let pad = read("roberta", "\"pad_token_id\": 1", "\"pad_token_id\": 18446744073709551615");
    assert!(pad.contains("no room for a text"), "{pad}");
    for theta in ["0.0", "-10000.0"] {
        let found = read("modernbert", "\"rope_theta\": 10000.0", &format!("\"rope_theta\": {theta}"));
        assert!(found.contains("rope_theta must be"), "{found}");
    }
}

#[test]
fn an_empty_text_has_no_window_and_long_ones_have_several() {
    let encoder = load("bert");
    assert!(windows(&encoder, "").is_empty() && windows(&encoder, " \n").is_empty());
    let long = windows(&encoder, &"河水流过田野".repeat(100));
    let lengths: Vec<usize> = long.iter().map(Vec::len).collect();
    assert_eq!(lengths.len(), 7);
    assert!(lengths.iter().all(|length| (86..=88).contains(length)), "{lengths:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_bytes_make_the_reader_panic(
        at in any::<prop::sample::Index>(), model in 0_usize..3, file in 0_usize..3, to: u8, cut: bool
    ) {
        let place = tempfile::tempdir().unwrap();
        for (number, name) in FILES.into_iter().enumerate() {
            let mut bytes = std::fs::read(folder(ALL[model]).join(name)).unwrap();
            if number == file {
                // What stands first says what the rest is.
                let at = at.index(bytes.len().min(4096));
                if cut { bytes.truncate(at) } else { bytes[at] = to }
            }
            std::fs::write(place.path().join(name), bytes).unwrap();
        }
        if let Ok(encoder) = Encoder::load(place.path(), &Found::Cpu) {
            let windows = windows(&encoder, "The river, 河水 unknown.");
            let windows: Vec<&[u32]> = windows.iter().map(Vec::as_slice).collect();
            encoder.score(&windows, &mut Scratch::default(), &mut Vec::new()).unwrap();
            encoder.embed(&windows, &mut Scratch::default(), &mut Vec::new()).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_bits_of_a_text_do_not_depend_on_others_on_their_order_or_on_instructions(
        texts in prop::collection::vec("([a-z ]|[一-龥]|\\PC){1,80}", 1..7), model in 0usize..6, budget in 1usize..300
    ) {
        thread_local!(static ENCODERS: Vec<Vec<Encoder>> = [Precision::F32, Precision::Int8].iter().flat_map(|&precision| {
            ALL.map(|name| {
                Instructions::all().into_iter().map(|instructions| load_with(name, instructions, precision)).collect()
            })
        }).collect());
        ENCODERS.with(|encoders| {
            let encoders = &encoders[model];
            let windows: Vec<Vec<u32>> = texts.iter().flat_map(|text| windows(&encoders[0], text)).collect();
            let alone: Vec<Vec<u32>> = windows.iter().map(|ids| bits(&encoders[0], &[ids], &mut Scratch::default())).collect();
            let lengths: Vec<usize> = windows.iter().map(Vec::len).collect();
            for encoder in encoders {
                let mut scratch = Scratch::default();
                for batch in batches(&lengths, budget, false) {
                    let texts: Vec<&[u32]> = batch.iter().map(|&at| &windows[at][..]).collect();
                    let expected: Vec<u32> = batch.iter().flat_map(|&at| alone[at].iter().copied()).collect();
                    prop_assert_eq!(bits(encoder, &texts, &mut scratch), expected);
                }
            }
            Ok(())
        })?;
    }
}
