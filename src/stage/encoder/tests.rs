use super::*;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/encoder/golden");

fn config(model: &str, scores: &[(&str, &str)]) -> Config {
    Config {
        model: format!("{MODEL}/{model}"),
        heads: BTreeMap::new(),
        scores: scores.iter().map(|(field, label)| ((*field).to_owned(), (*label).to_owned())).collect(),
        drop_below: BTreeMap::new(),
        drop_above: BTreeMap::new(),
        window: None,
        windows: Windows::Mean,
        device: "cpu".to_owned(),
        precision: Precision::F32,
    }
}

fn step(config: Config) -> Encoder {
    Encoder::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

fn wrong(config: Config) -> Wrong {
    Encoder::new(config, &mut Setup::default()).err().unwrap()
}

/// Records in the order of their keys, as a task gets them.
struct Listed(std::vec::IntoIter<(Origin, Vec<u8>)>, Vec<u8>, Option<String>);

impl Records for Listed {
    fn next(&mut self) -> Option<(Origin, &[u8])> {
        let (origin, value) = self.0.next()?;
        self.1 = value;
        Some((origin, &self.1))
    }

    fn fail(&mut self, what: String) {
        self.2 = Some(what);
    }
}

/// What the stage makes of documents: verdicts, and the values of a field.
fn scored(step: &Encoder, texts: &[&str], field: &str) -> Vec<(Verdict, Option<f64>)> {
    let mut documents: Vec<Document> = texts.iter().map(|text| Document::new("", *text)).collect();
    let mut records = Vec::new();
    for (ordinal, document) in documents.iter().enumerate() {
        let origin = Origin { split: 0, ordinal: ordinal as u64 };
        step.observe(document, &mut |key, value| records.push((key, value.to_vec(), origin)));
    }
    records.sort();
    let listed: Vec<_> = records.into_iter().map(|(_, value, origin)| (origin, value)).collect();
    let mut decided: BTreeMap<Origin, Vec<Vec<u8>>> = BTreeMap::new();
    step.reduce(0, &mut Listed(listed.into_iter(), Vec::new(), None), &mut |origin, decision| {
        decided.entry(origin).or_default().push(decision.bytes.to_vec());
    });
    let mut results = Vec::new();
    for (ordinal, document) in documents.iter_mut().enumerate() {
        let pieces = decided.get_mut(&Origin { split: 0, ordinal: ordinal as u64 });
        let bytes = pieces.map(|pieces| {
            pieces.sort();
            pieces.concat()
        });
        let decision = bytes.as_ref().map(|bytes| Decision { bytes, ..Decision::default() });
        let verdict = step.apply(document, decision);
        let value = document.field(Name::new(field)).map(|value| match value {
            wanjuan_filters::kit::Value::Number(number) => *number,
            other => panic!("{other:?}"),
        });
        results.push((verdict, value));
    }
    results
}

#[test]
fn scores_are_those_of_transformers_and_equal_texts_are_read_once() {
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(format!("{MODEL}/roberta/expected.json")).unwrap()).unwrap();
    let rows = expected["rows"].as_array().unwrap();
    let mut texts: Vec<&str> = rows.iter().map(|row| row["text"].as_str().unwrap()).collect();
    texts.push(texts[0]);
    let step = step(config("roberta", &[("poor", "poor"), ("good", "good")]));
    let found = scored(&step, &texts, "good");
    for (row, (verdict, good)) in rows.iter().chain([&rows[0]]).zip(&found) {
        assert_eq!(*verdict, Verdict::Keep);
        assert!((good.unwrap() - row["scores"][0].as_f64().unwrap()).abs() < 2e-5);
    }
    let told = step.told().unwrap();
    assert!(told.starts_with("cpu, as asked for; 8 windows, "), "{told}");
}

#[test]
fn weights_of_8_bits_score_nearly_the_same_and_the_summary_says_so() {
    let texts = ["The river rises in the hills.", "河水流过田野。", "print(x)"];
    let of = |precision| {
        let step = step(Config { precision, ..config("roberta", &[("good", "good")]) });
        let scored = scored(&step, &texts, "good");
        assert_eq!(step.told().unwrap().contains(", in int8; "), precision == Precision::Int8);
        scored.into_iter().map(|(_, value)| value.unwrap()).collect::<Vec<_>>()
    };
    let (floats, bytes) = (of(Precision::F32), of(Precision::Int8));
    assert_ne!(floats, bytes);
    assert!(floats.iter().zip(&bytes).all(|(a, b)| (a - b).abs() < 0.02), "{floats:?} {bytes:?}");
}

/// A device that is lost.
struct Lost;

impl encoder::Backend for Lost {
    fn pools(&self, _: &[&[u32]], _: &mut encoder::Scratch, _: &mut Vec<f32>) -> Result<(), encoder::Error> {
        Err(encoder::Error::new("cuda:0: out of memory"))
    }
}

#[test]
fn a_device_that_fails_is_an_error_of_the_run_and_decides_nothing() {
    let mut step = step(config("bert", &[("value", "LABEL_0")]));
    step.model = step.model.on(Box::new(Lost));
    let value = [[2, 0, 0, 0], [3, 0, 0, 0], [0; 4]].concat();
    let records = vec![(Origin { split: 0, ordinal: 0 }, value)];
    let mut listed = Listed(records.into_iter(), Vec::new(), None);
    step.reduce(0, &mut listed, &mut |_, decision| panic!("{decision:?}"));
    assert_eq!(listed.2.as_deref(), Some("the model failed: cuda:0: out of memory"));
}

#[test]
fn long_texts_are_scored_by_their_windows() {
    let long = "河水流过田野。今天天气很好，我们去公园。The lazy dog. ".repeat(12);
    let of = |windows| {
        let step = step(Config { windows, window: Some(40), ..config("bert", &[("value", "LABEL_0")]) });
        scored(&step, &[&long], "value")[0].1.unwrap()
    };
    let (first, mean, max) = (of(Windows::First), of(Windows::Mean), of(Windows::Max));
    assert!(mean < max && first <= max + 0.5 && first != mean, "{first} {mean} {max}");
}

#[test]
fn bounds_are_inclusive_and_each_has_its_reason() {
    let text = ["A river rises in the hills."];
    let judge = |below: Option<f64>, above: Option<f64>| {
        let bound = |bound: Option<f64>| bound.map(|bound| ("value".to_owned(), bound)).into_iter().collect();
        let step = step(Config {
            drop_below: bound(below),
            drop_above: bound(above),
            ..config("bert", &[("value", "LABEL_0")])
        });
        scored(&step, &text, "value")[0]
    };
    let (verdict, value) = judge(None, None);
    let value = value.unwrap();
    assert_eq!(verdict, Verdict::Keep);
    assert_eq!(judge(Some(value), Some(value)).0, Verdict::Keep);
    assert_eq!(judge(Some(value + 1e-6), None).0, Verdict::Drop("score_too_low"));
    assert_eq!(judge(None, Some(value - 1e-6)).0, Verdict::Drop("score_too_high"));
    assert_eq!(
        scored(&step(config("bert", &[("value", "LABEL_0")])), &["", " \n"], "value"),
        [(Verdict::Drop("nothing_to_score"), None); 2]
    );
}

#[test]
fn what_is_no_number_is_no_field_and_has_a_reason_where_the_step_decides() {
    let judge = |windows, below: Option<f64>, scores: &[f32]| {
        let drop_below = below.map(|below| ("value".to_owned(), below)).into_iter().collect();
        let step = step(Config { windows, drop_below, ..config("bert", &[("value", "LABEL_0")]) });
        let window = |(number, score): (usize, &f32)| [(number as u32).to_be_bytes(), score.to_le_bytes()].concat();
        let bytes: Vec<u8> = scores.iter().enumerate().flat_map(window).collect();
        let mut document = Document::new("", "A river.");
        let verdict = step.apply(&mut document, Some(Decision { bytes: &bytes, ..Decision::default() }));
        (verdict, document.field(Name::new("value")).is_some())
    };
    for windows in [Windows::Max, Windows::Mean] {
        for scores in [[f32::NAN, 1.0], [1.0, f32::NAN], [f32::INFINITY, 1.0]] {
            assert_eq!(judge(windows, Some(0.0), &scores), (Verdict::Drop("no_score"), false));
            assert_eq!(judge(windows, None, &scores), (Verdict::Keep, false));
        }
        assert_eq!(judge(windows, Some(0.0), &[1.0, 2.0]), (Verdict::Keep, true));
    }
}

#[test]
fn several_heads_score_from_one_pass() {
    let heads = [("ours".to_owned(), format!("{MODEL}/head.safetensors"))].into();
    let step = step(Config { heads, ..config("bert", &[("value", "LABEL_0"), ("half", "ours.half")]) });
    assert_eq!(scored(&step, &["A river."], "half")[0].1, Some(0.5));
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let label = wrong(config("roberta", &[("good", "god")]));
    assert_eq!((label.setting, label.what.as_str()), (Some("scores"), "the model has no label `god`"));
    assert!(label.help.unwrap().contains("did you mean `good`?"));
    assert_eq!(wrong(config("roberta", &[])).setting, Some("scores"));
    let bound = Config { drop_below: [("god".to_owned(), 0.5)].into(), ..config("roberta", &[("good", "good")]) };
    assert_eq!(wrong(bound).setting, Some("drop_below"));
    let window = |window| wrong(Config { window: Some(window), ..config("bert", &[("v", "LABEL_0")]) });
    assert_eq!(window(97).what, "the model reads between 3 and 96 tokens at a time");
    assert_eq!(wrong(config("nowhere", &[("v", "LABEL_0")])).setting, Some("model"));
    let device = |device: &str| wrong(Config { device: device.to_owned(), ..config("bert", &[("v", "LABEL_0")]) });
    assert_eq!(device("gpu").setting, Some("device"));
    let heads = Config {
        heads: [("a".to_owned(), format!("{MODEL}/bert/config.json"))].into(),
        ..config("bert", &[("v", "LABEL_0")])
    };
    assert_eq!(wrong(heads).setting, Some("heads"));
}

#[test]
fn the_files_of_the_model_decide() {
    let mut setup = Setup::default();
    assert!(Encoder::new(config("bert", &[("v", "LABEL_0")]), &mut setup).is_ok());
    let files: Vec<_> = setup.files.iter().map(|(_, path)| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(files, encoder::FILES);
}
