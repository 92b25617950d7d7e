use super::*;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/ngram/golden/test.arpa");

fn step(config: Config) -> Perplexity {
    Perplexity::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

fn of_words() -> Config {
    Config { model: MODEL.into(), ..Config::default() }
}

#[test]
fn the_perplexity_is_that_of_all_lines_together_with_their_ends() {
    // KenLM: -1.56798 of 7 words, -17.60946 of 6; see the golden scores of the model.
    let text = "looking on a little more loin\n\nalso would consider higher looking\n";
    let measure = step(of_words()).measure(&text.into());
    let expected = 10_f64.powf((1.56798 + 17.60946) / 13.0);
    assert!((measure.perplexity.unwrap() - expected).abs() < 1e-3, "{measure:?}");
    assert!((measure.line_perplexity.unwrap() - 10_f64.powf(17.60946 / 6.0)).abs() < 0.05);
    assert_eq!((measure.unknown, measure.gain, measure.bucket), (Some(0.0), None, None));
    let cut = step(Config { words: Some(Words::Spaces), ..of_words() }).measure(&text.into());
    assert_eq!(cut, measure);
    let upper = Config { lowercase: true, ..of_words() };
    assert_eq!(step(upper).measure(&text.to_uppercase().as_str().into()).perplexity, measure.perplexity);
}

#[test]
fn prose_is_likelier_than_its_characters_in_another_order() {
    for (model, text) in [
        ("chars-zh", "这条河发源于群山之中，离海很远，穿过田野、城镇和沼泽，走了很长的路，最后流入大海。"),
        ("chars-en", "The river rises in the mountains, far from the sea, and runs past fields and towns."),
    ] {
        let step = step(Config { model: model.into(), ..Config::default() });
        let mut chars: Vec<char> = text.chars().collect();
        chars.sort_by_key(|c| u64::from(*c).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let salad: String = chars.into_iter().collect();
        let [prose, salad] = [text, &salad].map(|text| step.measure(&text.into()).perplexity.unwrap());
        assert!(prose * 3.0 < salad, "{model} {prose} {salad}");
    }
}

#[test]
fn each_bound_is_inclusive_and_has_its_reason() {
    let judge = |config: Config, measure: Measure| Filter::judge(&step(config), &measure);
    let measure = Measure {
        perplexity: Some(100.0),
        line_perplexity: Some(500.0),
        unknown: Some(0.2),
        gain: Some(0.01),
        bucket: None,
    };
    let fits = Config {
        min_perplexity: 100.0,
        max_perplexity: 100.0,
        max_line_perplexity: 500.0,
        max_unknown: 0.2,
        min_gain: 0.01,
        ..of_words()
    };
    assert_eq!(judge(fits.clone(), measure), Verdict::Keep);
    for (config, reason) in [
        (Config { max_unknown: 0.19, ..fits.clone() }, "too_many_unknown_words"),
        (Config { min_perplexity: 100.1, max_perplexity: 200.0, ..fits.clone() }, "perplexity_too_low"),
        (Config { min_perplexity: 0.0, max_perplexity: 99.9, ..fits.clone() }, "perplexity_too_high"),
        (Config { max_line_perplexity: 499.0, ..fits.clone() }, "line_perplexity_too_high"),
        (Config { min_gain: 0.011, ..fits.clone() }, "first_half_tells_nothing"),
    ] {
        assert_eq!(judge(config, measure), Verdict::Drop(reason));
    }
    assert_eq!(judge(fits, Measure::default()), Verdict::Drop("nothing_to_score"));
    assert_eq!(step(Config::default()).measure(&" \n\u{3000}".into()), Measure::default());
}

#[test]
fn head_middle_and_tail_are_looked_up_by_language() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("cutoff.csv");
    std::fs::write(&table, ",en,zh\n30,100,8\n60,1000,900\n").unwrap();
    let with =
        |lang: &str| Config { cutoffs: Some(table.display().to_string()), lang: Some(lang.to_owned()), ..of_words() };
    let bucket = |lang: &str, text: &str| step(with(lang)).measure(&text.into()).bucket.unwrap();
    let (likely, unlikely) = ("looking on a little more loin", "foo bar baz");
    assert_eq!([bucket("en", likely), bucket("en", "also would consider higher looking")], [0.0, 1.0]);
    assert_eq!([bucket("zh", "also would consider higher looking"), bucket("en", unlikely)], [1.0, 2.0]);
    let wrong = |config: Config| Perplexity::new(config, &mut Setup::default()).err().unwrap();
    assert_eq!(wrong(with("fr")).setting, Some("lang"));
    assert_eq!(wrong(Config { lang: None, ..with("en") }).setting, Some("cutoffs"));
    assert_eq!(wrong(Config { tail: 90, ..with("en") }).setting, Some("cutoffs"));
    assert_eq!(wrong(Config { head: 61, ..with("en") }).setting, Some("head"));
    assert_eq!(wrong(Config { cutoffs: None, ..with("en") }).setting, Some("lang"));
}

#[test]
fn a_second_half_about_the_same_gains_more_than_one_about_another_thing() {
    let long = |words: [&str; 4]| -> String {
        (0..400).map(|at| format!("the {} runs past the {}. ", words[at % 2], words[2 + at % 2])).collect()
    };
    let river = long(["river", "brook", "mill", "bridge"]);
    let other: String = (0..400).map(|at| format!("stocks fell by {at} per cent on monday, analysts said; ")).collect();
    let step = step(Config { model: "chars-en".into(), ..Config::default() });
    let gain = |text: String| step.measure(&text.as_str().into()).gain.unwrap();
    let other = &other[..river.len()];
    let (same, changed) = (gain(river.clone() + &river), gain(river + other));
    assert!(same > changed + 0.01, "{same} {changed}");
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let wrong = |config: Config| Perplexity::new(config, &mut Setup::default()).err().unwrap();
    let d = Config::default;
    let near = wrong(Config { model: "chars-en2".into(), ..d() });
    assert!(near.setting == Some("model") && near.help.unwrap().contains("`chars-en`"));
    assert_eq!(wrong(Config { words: Some(Words::Spaces), ..d() }).setting, Some("words"));
    assert_eq!(wrong(Config { min_perplexity: 2.0, max_perplexity: 1.0, ..d() }).setting, Some("max_perplexity"));
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.arpa");
    std::fs::write(&cut, &std::fs::read(MODEL).unwrap()[..500]).unwrap();
    let refused = wrong(Config { model: cut.display().to_string(), ..d() });
    assert!(refused.what.contains("line 2"), "{}", refused.what);
}

/// `golden/ccnet.py` computed them as CCNet does, with PyPI kenlm and sentencepiece.
#[test]
fn perplexities_of_ccnet_models_are_those_of_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let pieces = folder.path().join("small.sp.model");
    let small = include_bytes!("../../models/sentencepiece/golden/small.model.zst");
    std::fs::write(&pieces, zstd::decode_all(&small[..]).unwrap()).unwrap();
    let ccnet = Config {
        model: concat!(env!("CARGO_MANIFEST_DIR"), "/perplexity/golden/ccnet.arpa.zst").into(),
        pieces: Some(pieces.display().to_string()),
        normalize: Some(Form::Ccnet),
        ..Config::default()
    };
    let step_of = step(ccnet.clone());
    let mut worst = 0.0_f64;
    for line in include_str!("golden/ccnet.jsonl").lines() {
        let (text, expected): (String, Option<f64>) = serde_json::from_str(line).unwrap();
        let found = step_of.measure(&text.as_str().into()).perplexity;
        assert_eq!(found.is_some(), expected.is_some(), "{text:?}");
        if let (Some(found), Some(expected)) = (found, expected) {
            worst = worst.max((found / expected - 1.0).abs());
        }
    }
    assert!(worst < 1e-4, "{worst}");
    // Without its form, each line is a sentence.
    let lines = step(Config { normalize: None, ..ccnet.clone() });
    let text: Text = "the whale\nthe sea".into();
    assert_ne!(lines.measure(&text).perplexity, step_of.measure(&text).perplexity);
    let wrong = |config: Config| Perplexity::new(config, &mut Setup::default()).err().unwrap();
    assert_eq!(wrong(Config { words: Some(Words::Spaces), ..ccnet.clone() }).setting, Some("words"));
    let no_pieces = Config { pieces: Some(MODEL.into()), ..ccnet.clone() };
    assert_eq!(wrong(no_pieces).setting, Some("pieces"));
    assert_eq!(wrong(Config { model: "chars-zh".into(), ..ccnet }).setting, Some("pieces"));
}
