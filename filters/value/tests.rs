use super::examples::{CHINESE, PROSE};
use super::regression::{Part, Regression, Weights};
use super::*;
use crate::kit::MeasureInfo;

fn measure(text: &str) -> Measure {
    Value { config: Config::default() }.measure(&text.into())
}

fn weights() -> Weights {
    toml::from_str(include_str!("weights.toml")).unwrap()
}

#[test]
fn the_weights_speak_of_parts_that_there_are_and_none_counts_against_its_sense() {
    let weights = weights();
    for language in [&weights.zh, &weights.en] {
        for regression in [&language.density, &language.text_quality, &language.information_quality] {
            for Part { name, points, missing } in regression.parts() {
                assert!(parts::Parts::INFO.iter().any(|info| info.name == name), "{name}");
                assert!(points.len() > 1 && missing.is_finite());
                let raises = matches!(name.as_str(), "compressed" | "new_ideas" | "fluent" | "worth");
                let middle = matches!(
                    name.as_str(),
                    "surprisal" | "unevenness" | "content" | "entities" | "idf" | "marks" | "sentence"
                );
                let mut fell = false;
                for two in points.windows(2) {
                    let ([from, low], [to, high]) = (two[0], two[1]);
                    assert!(from < to, "{name}");
                    assert!(!raises || high >= low, "{name} falls");
                    assert!(raises || middle || high <= low, "{name} rises");
                    assert!(!fell || high <= low, "{name} rises behind its middle");
                    fell |= high < low;
                }
            }
        }
        let value = &language.value;
        assert!([value.density, value.text_quality, value.information_quality].iter().all(|weight| *weight >= 0.0));
    }
}

#[test]
fn a_part_adds_what_the_line_through_its_points_says() {
    let part = Part { name: "marks".into(), missing: 0.5, points: vec![[1.0, 0.0], [2.0, 4.0], [4.0, -2.0]] };
    for (value, adds) in [(0.0, 0.0), (1.0, 0.0), (1.5, 2.0), (2.0, 4.0), (3.0, 1.0), (4.0, -2.0), (9.0, -2.0)] {
        assert_eq!(part.adds(value), adds, "{value}");
    }
    assert_eq!(part.adds(f64::NAN), 0.5);
    assert_eq!(part.adds(f64::INFINITY), -2.0);
    let sum: Regression = toml::from_str(
        "bias = 1.0\nparts = [{ name = \"marks\", missing = 3.0, points = [[0.0, 0.0], [1.0, 2.0]] }, { name = \"idf\", missing = 0.25, points = [[0.0, 0.0], [1.0, 2.0]] }]",
    )
    .unwrap();
    assert_eq!(sum.odds(&parts::Parts { marks: Some(0.5), ..Default::default() }), 2.25);
}

#[test]
fn the_card_is_that_of_the_weights() {
    let card = wanjuan_models::card::Card::parse(include_str!("card.toml")).unwrap();
    card.verify_bytes(include_bytes!("weights.toml")).unwrap();
    let names: Vec<&str> = Measure::INFO.iter().map(|info| info.name).collect();
    assert_eq!(card.labels, names);
    assert_eq!(card.held_out.len(), card.languages.len());
}

/// What the page says of the weights is what they are.
#[test]
fn the_page_states_the_weights() {
    let weights = weights();
    for (language, of) in [("English", &weights.en.value), ("Chinese", &weights.zh.value)] {
        let row = format!(
            "//! | {language} | {:.2} | {:.2} | {:.2} | {:.2} |",
            of.bias, of.density, of.text_quality, of.information_quality
        );
        assert!(include_str!("mod.rs").contains(&row), "{row}");
    }
}

#[test]
fn the_three_are_those_of_their_steps_and_prose_is_worth_more_than_junk() {
    use crate::{InformationDensity, InformationQuality, TextQuality};
    let setup = &mut Setup::default();
    let (Ok(density), Ok(text), Ok(information)) = (
        InformationDensity::new(Default::default(), setup),
        TextQuality::new(Default::default(), setup),
        InformationQuality::new(Default::default(), setup),
    ) else {
        panic!("the defaults are refused")
    };
    for prose in [PROSE, CHINESE] {
        let found = measure(prose);
        assert_eq!(found.density, density.measure(&prose.into()).density);
        assert_eq!(found.text_quality, text.measure(&prose.into()).text_quality);
        assert_eq!(found.information_quality, information.measure(&prose.into()).information_quality);
        let salad: String = prose.chars().rev().collect();
        for bad in
            ["Home | Login | Cart\n".repeat(20), "首页 登录 注册\n".repeat(20), salad, format!("{prose}\n").repeat(9)]
        {
            assert!(found.value > measure(&bad).value, "{bad}");
        }
    }
}

#[test]
fn bounds_are_inclusive_and_each_has_its_reason() {
    let config = Config { min_value: 0.4, min_density: 0.5, min_text_quality: 0.25, min_information_quality: 0.125 };
    let judge = |slots: [f64; 4]| Filter::judge(&Value { config: config.clone() }, &Measure::load(&slots));
    assert_eq!(judge([0.4, 0.5, 0.25, 0.125]), Verdict::Keep);
    assert_eq!(judge([0.39, 0.5, 0.25, 0.125]), Verdict::Drop("value_too_low"));
    assert_eq!(judge([0.4, 0.49, 0.25, 0.125]), Verdict::Drop("density_too_low"));
    assert_eq!(judge([0.4, 0.5, 0.24, 0.125]), Verdict::Drop("text_quality_too_low"));
    assert_eq!(judge([0.4, 0.5, 0.25, 0.12]), Verdict::Drop("information_quality_too_low"));
    for text in ["", " \n", "——。"] {
        assert_eq!(measure(text), Measure::load(&[0.0; 4]));
        assert_eq!(Filter::judge(&Value { config: Config::default() }, &measure(text)), Verdict::Keep);
    }
}

#[test]
fn form_is_counted_along_the_characters() {
    let form = form::form(&"a .b,, {c}\nx\n x \n!\u{91}".into());
    assert_eq!(form, form::Form { code: 2, odd: 1, runs: 1, marks: 3, misplaced: 2, repeated: 1 });
    assert_eq!(form::form(&"".into()), form::Form::default());
}

/// What is alike in the steps of one score: the step, the words of its page, the name of its bound.
fn each_step(mut check: impl FnMut(&str, &str, &dyn Fn(f64) -> Box<dyn Judges>)) {
    use crate::{information_density, information_quality, text_quality};
    let density = |min_density| boxed::<crate::InformationDensity>(information_density::Config { min_density });
    let text = |min_text_quality| boxed::<crate::TextQuality>(text_quality::Config { min_text_quality });
    let information = |min_information_quality| {
        boxed::<crate::InformationQuality>(information_quality::Config { min_information_quality })
    };
    check("density_too_low", crate::InformationDensity::WORDS, &density);
    check("text_quality_too_low", crate::TextQuality::WORDS, &text);
    check("information_quality_too_low", crate::InformationQuality::WORDS, &information);
}

/// A filter, whatever its measures are.
trait Judges {
    fn slots(&self, text: &str) -> Vec<f64>;
    fn judges(&self, slots: &[f64]) -> Verdict;
    fn info(&self) -> &'static [MeasureInfo];
}

impl<F: Filter> Judges for F {
    fn slots(&self, text: &str) -> Vec<f64> {
        let mut slots = vec![f64::NAN; F::Measure::INFO.len()];
        self.measure(&text.into()).store(&mut slots);
        slots
    }

    fn judges(&self, slots: &[f64]) -> Verdict {
        self.judge(&F::Measure::load(slots))
    }

    fn info(&self) -> &'static [MeasureInfo] {
        F::Measure::INFO
    }
}

fn boxed<F: Filter>(config: F::Config) -> Box<dyn Judges> {
    match F::new(config, &mut Setup::default()) {
        Ok(step) => Box::new(step),
        Err(wrong) => panic!("{}", wrong.what),
    }
}

#[test]
fn the_bound_of_each_step_is_inclusive_and_has_its_reason() {
    each_step(|reason, _, with| {
        let step = with(0.5);
        let judge = |score| {
            let mut slots = vec![f64::NAN; step.info().len()];
            slots[0] = score;
            step.judges(&slots)
        };
        assert_eq!(judge(0.5), Verdict::Keep);
        let Verdict::Drop(found) = judge(0.4999) else { panic!("{reason}") };
        assert_eq!(found, reason);
    });
}

#[test]
fn a_text_without_a_unit_has_a_score_of_0_and_no_part_and_is_kept_unless_asked() {
    each_step(|_, _, with| {
        for text in ["", " \n", "——。"] {
            let slots = with(0.0).slots(text);
            assert!(slots[0] == 0.0 && slots[1..].iter().all(|slot| slot.is_nan()), "{slots:?}");
            assert_eq!(with(0.0).judges(&slots), Verdict::Keep);
        }
    });
}

/// The pages have a row for each part, in the order of the measures, and the row of a part is the same on each.
#[test]
fn the_pages_say_the_same_of_the_same_parts() {
    let mut said = std::collections::HashMap::new();
    each_step(|reason, page, with| {
        let rows = page.lines().skip_while(|line| !line.starts_with("//! | part ")).skip(2);
        let rows: Vec<&str> = rows.take_while(|line| line.starts_with("//! |")).collect();
        let parts = &with(0.0).info()[1..];
        assert_eq!(rows.len(), parts.len(), "{reason}");
        for (row, part) in rows.iter().zip(parts) {
            let (name, words) = row.trim_start_matches("//! | `").split_once('`').unwrap();
            assert_eq!(name, part.name);
            let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(said.entry(name.to_owned()).or_insert_with(|| words.clone()), &words);
        }
    });
}

proptest::proptest! {
    #[test]
    fn no_text_panics_and_scores_are_shares(text in "(\\PC|[a-z .,\n]{0,20}|[一-龥]{0,9}){0,20}") {
        let mut slots = [0.0; 4];
        measure(&text).store(&mut slots);
        proptest::prop_assert!(slots.iter().all(|score| (0.0..=1.0).contains(score)));
        each_step(|_, _, with| assert!((0.0..=1.0).contains(&with(0.0).slots(&text)[0])));
    }
}
