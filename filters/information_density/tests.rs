use super::*;

fn measure(text: &str) -> Measure {
    InformationDensity { config: Config::default() }.measure(&text.into())
}

const PROSE: &str = "The river rises in the mountains, far from the sea, and runs past fields and towns. Each spring the snow melts and \
    the water covers the meadows for several weeks. Farmers learned long ago to build their houses on small hills, and \
    the oldest bridge, which was built in 1742, still stands.";
const CHINESE: &str = "这条河发源于群山之中，离海很远，穿过田野、城镇和沼泽，最后流入大海。每年春天，积雪融化，河水便漫过草地。\
    农民们早就学会了把房子建在小山上，最古老的一座桥建于1742年，至今仍在。";

#[test]
fn the_weights_speak_of_parts_that_there_are_and_none_counts_against_its_sense() {
    let any = measure(PROSE);
    for language in [&WEIGHTS.zh, &WEIGHTS.en] {
        for regression in [&language.density, &language.text_quality] {
            for part in &regression.parts {
                let name = part.name.as_str();
                assert!(any.part(name).is_some() || name == "unevenness", "{name}");
                assert!(part.spread > 0.0 && part.weight.is_finite());
                let raises = matches!(name, "compressed" | "new_ideas" | "idf");
                let middle = matches!(name, "content" | "entities" | "marks" | "sentence" | "unevenness");
                assert!(if raises { part.weight >= 0.0 } else { part.weight <= 0.0 }, "{name} {}", part.weight);
                assert_eq!(part.far, middle, "{name}");
            }
        }
    }
}

#[test]
fn a_part_that_is_better_in_the_middle_lowers_the_score_to_both_sides() {
    let part = |far| Part { name: "marks".into(), weight: -1.0, far, mean: 0.2, spread: 0.1 };
    let score = |far, marks| {
        let measure = Measure { marks, ..Measure::default() };
        Regression { bias: 1.0, parts: vec![part(far)] }.score(&measure)
    };
    let of = |sum: f64| 1.0 / (1.0 + f64::exp(-sum));
    for (far, marks, sum) in [
        (true, None, 1.0),
        (true, Some(0.0), -1.0),
        (true, Some(0.4), -1.0),
        (true, Some(9.0), -2.0),
        (false, Some(0.0), 3.0),
        (false, Some(9.0), -2.0),
    ] {
        assert!((score(far, marks) - of(sum)).abs() < 1e-9, "{far} {marks:?}");
    }
}

#[test]
fn the_card_is_that_of_the_weights() {
    let card = wanjuan_models::card::Card::parse(include_str!("card.toml")).unwrap();
    card.verify_bytes(include_bytes!("weights.toml")).unwrap();
    assert_eq!(card.labels, ["density", "text_quality"]);
    assert_eq!(card.held_out.len(), card.languages.len());
}

#[test]
fn prose_says_more_than_a_menu_and_than_itself_again() {
    for (prose, menu) in [
        (PROSE, "Home\nLogin\nRegister\nHome\nCart\nHelp\nLogin\nTerms\nHome\nContact\n"),
        (CHINESE, "首页\n登录\n注册\n首页\n购物车\n帮助\n登录\n首页\n联系我们\n"),
    ] {
        let (good, bad) = (measure(prose), measure(&menu.repeat(4)));
        assert!(good.density > bad.density, "{good:?} {bad:?}");
        assert!(good.text_quality > bad.text_quality, "{good:?} {bad:?}");
        let again = measure(&prose.repeat(8));
        assert!(again.density < good.density && again.new_ideas < good.new_ideas && again.compressed < good.compressed);
    }
}

#[test]
fn each_part_is_what_the_page_says() {
    let found = measure("The mill of Anna has 12 wheels. The mill of Anna has 12 wheels!");
    assert_eq!(found.entities, Some(4.0 / 14.0));
    assert_eq!(found.new_ideas, Some(0.5));
    assert_eq!((found.marks, found.sentence), (Some(2.0 / 14.0), Some(7_f64.log2())));
    assert_eq!((found.boilerplate, found.odd), (Some(0.0), Some(0.0)));
    assert_eq!(measure("ab\u{fffd}\u{e000}").odd, Some(0.5));
    assert_eq!(measure("one two three\n").boilerplate, Some(1.0));
    assert_eq!(measure("a+1;").formula_code, Some(0.75));
    assert_eq!(measure("河水的").content, Some(2.0 / 3.0));
    assert_eq!(measure("the river").content, Some(0.5));
}

#[test]
fn bounds_are_inclusive_and_each_has_its_reason() {
    let judge = |config: Config, density, quality| {
        let measure = Measure { density, text_quality: quality, ..Measure::default() };
        Filter::judge(&InformationDensity { config }, &measure)
    };
    let config = || Config { min_density: 0.5, min_text_quality: 0.25 };
    assert_eq!(judge(config(), Some(0.5), Some(0.25)), Verdict::Keep);
    assert_eq!(judge(config(), Some(0.49), Some(0.25)), Verdict::Drop("density_too_low"));
    assert_eq!(judge(config(), Some(0.5), Some(0.24)), Verdict::Drop("text_quality_too_low"));
    for text in ["", " \n", "——。"] {
        assert_eq!(measure(text), Measure::default());
    }
    assert_eq!(judge(config(), None, None), Verdict::Drop("nothing_to_measure"));
}

proptest::proptest! {
    #[test]
    fn no_text_panics_and_scores_are_shares(text in "(\\PC|[a-z .,\n]{0,20}|[一-龥]{0,9}){0,20}") {
        let found = measure(&text);
        proptest::prop_assert!(found.density.is_none_or(|score| (0.0..=1.0).contains(&score)));
        proptest::prop_assert!(found.text_quality.is_none_or(|score| (0.0..=1.0).contains(&score)));
    }
}
