use proptest::prelude::*;

use super::*;

fn filter() -> Dingo {
    Dingo::new(Config::default(), &mut Setup::default()).unwrap()
}

fn judged(text: &str) -> Verdict {
    Filter::judge(&filter(), &filter().measure(&text.into()))
}

const PROSE: &str = "The river and the town that lie beside it have a long history, with many floods.\n\
    We have walked there often. It is quiet in the winter, and the water is cold.\n\
    Who would have thought that so few people live there now?\n";

#[test]
fn prose_is_kept_and_each_fault_has_its_reason() {
    assert_eq!(judged(PROSE), Verdict::Keep);
    let with = |more: &str| format!("{PROSE}{more}");
    for (text, reason) in [
        (String::new(), "empty_text"),
        (" \u{3000}\n".to_owned(), "empty_text"),
        (with(&"12, 34. ".repeat(20)), "too_few_alphabetic_words"),
        (PROSE.to_uppercase(), "too_many_capitals"),
        ("We have walked there. It is quiet. It is cold. We have to go home in the night.".to_owned(), "too_few_chars"),
        (with("And this is what he said to them:"), "ends_with_colon"),
        (PROSE.repeat(3), "duplicate_6grams"),
        (with("a&nbsp;b&nbsp;c&lt;."), "html_entities"),
        (with("身份证号：11010519491231002X。"), "identity_card"),
        (PROSE.replace(".\n", "...\n").replace("?\n", "…\n"), "too_many_ellipsis_lines"),
        (PROSE.replace(".\n", "\n"), "too_few_ended_lines"),
        (PROSE.replace("The ", "• The ").replace("We ", "▪ We ").replace("Who ", "– Who "), "too_many_bullet_lines"),
        (
            PROSE.lines().flat_map(|line| ["JavaScript: ", line, "\n"]).collect::<String>() + "Java-Script is old.",
            "too_many_javascript_lines",
        ),
        (with("Lorem ipsum, as they say."), "lorem_ipsum"),
        (with(&"x y ".repeat(50)), "words_too_short"),
        (with(&(0..60).map(|n| format!("institutionalization{n} ")).collect::<String>()), "words_too_long"),
        (with(&"house tree river stone ".repeat(29)), "no_punctuation"),
        (PROSE.replace(['\n', '?', '.'], " ") + ".", "too_few_sentences"),
        (with("��□."), "special_characters"),
        (PROSE.replace(|c: char| c.is_ascii_lowercase(), "x"), "too_few_stop_words"),
        ("It has been institutionalized, incomprehensibly. Characteristically, it is unconstitutional. Misunderstandings? Yes.".into(), "too_few_words"),
        (with("Write to me@example.org."), "personal_information"),
    ] {
        assert_eq!(judged(&text), Verdict::Drop(reason), "{}", text.chars().take(60).collect::<String>());
    }
}

/// On every bound that a verdict keeps; of two, on the lower.
fn bound() -> Measure {
    Measure {
        alphabetic_words: Some(0.6_f64.next_up()),
        capital_words: Some(0.2),
        words_and_marks: Some(199.0),
        chars: Some(100.0),
        final_colon: Some(0.0),
        dup_6gram_chars: Some(0.8_f64.next_down()),
        html_entities: Some(0.01_f64.next_down()),
        id_cards: Some(0.0),
        ellipsis_lines: Some(0.3),
        ended_lines: Some(0.6),
        bullet_lines: Some(0.9),
        lines: Some(4.0),
        plain_lines: Some(3.0),
        lorem_ipsum: Some(3e-8),
        mean_word_chars: Some(2.995),
        unpunctuated_words: Some(112.0),
        sentences: Some(3.0),
        special_characters: Some(0.01_f64.next_down()),
        stop_words: Some(0.06),
        stop_word_count: Some(2.0),
        symbols_per_word: Some(0.4),
        unique_words: Some(0.1_f64.next_up()),
        words: Some(20.0),
        pii: Some(0.0),
    }
}

#[test]
fn bounds_are_those_of_the_original() {
    assert_eq!(Filter::judge(&filter(), &bound()), Verdict::Keep);
    let beyond = |bound: f64| Some(bound.next_up());
    let below = |bound: f64| Some(bound.next_down());
    for kept in [
        Measure { mean_word_chars: Some(9.995), ..bound() },
        Measure { sentences: Some(7500.0), ..bound() },
        Measure { words: Some(99_999.0), ..bound() },
        // Capitals are looked at in short texts, JavaScript in those of more than three lines.
        Measure { words_and_marks: Some(200.0), capital_words: Some(0.5), ..bound() },
        Measure { lines: Some(3.0), plain_lines: Some(0.0), ..bound() },
    ] {
        assert_eq!(Filter::judge(&filter(), &kept), Verdict::Keep, "{kept:?}");
    }
    for (measure, reason) in [
        (Measure { chars: Some(0.0), ..bound() }, "empty_text"),
        (Measure { alphabetic_words: Some(0.6), ..bound() }, "too_few_alphabetic_words"),
        (Measure { capital_words: beyond(0.2), ..bound() }, "too_many_capitals"),
        (Measure { chars: Some(99.0), ..bound() }, "too_few_chars"),
        (Measure { final_colon: Some(1.0), ..bound() }, "ends_with_colon"),
        (Measure { dup_6gram_chars: Some(0.8), ..bound() }, "duplicate_6grams"),
        (Measure { html_entities: Some(0.01), ..bound() }, "html_entities"),
        (Measure { id_cards: Some(1.0), ..bound() }, "identity_card"),
        (Measure { ellipsis_lines: beyond(0.3), ..bound() }, "too_many_ellipsis_lines"),
        (Measure { ended_lines: below(0.6), ..bound() }, "too_few_ended_lines"),
        (Measure { bullet_lines: beyond(0.9), ..bound() }, "too_many_bullet_lines"),
        (Measure { plain_lines: Some(2.0), ..bound() }, "too_many_javascript_lines"),
        (Measure { lorem_ipsum: beyond(3e-8), ..bound() }, "lorem_ipsum"),
        (Measure { mean_word_chars: below(2.995), ..bound() }, "words_too_short"),
        (Measure { mean_word_chars: beyond(9.995), ..bound() }, "words_too_long"),
        (Measure { unpunctuated_words: Some(113.0), ..bound() }, "no_punctuation"),
        (Measure { sentences: Some(2.0), ..bound() }, "too_few_sentences"),
        (Measure { sentences: Some(7501.0), ..bound() }, "too_many_sentences"),
        (Measure { special_characters: Some(0.01), ..bound() }, "special_characters"),
        (Measure { stop_words: below(0.06), ..bound() }, "too_few_stop_words"),
        (Measure { stop_word_count: Some(1.0), ..bound() }, "too_few_stop_words"),
        (Measure { symbols_per_word: beyond(0.4), ..bound() }, "too_many_symbols"),
        (Measure { unique_words: Some(0.1), ..bound() }, "too_few_distinct_words"),
        (Measure { words: Some(19.0), ..bound() }, "too_few_words"),
        (Measure { words: Some(100_000.0), ..bound() }, "too_many_words"),
        (Measure { pii: Some(1.0), ..bound() }, "personal_information"),
    ] {
        assert_eq!(Filter::judge(&filter(), &measure), Verdict::Drop(reason));
    }
}

#[test]
fn chinese_is_measured_in_characters() {
    let measure = filter().measure(&"这条河发源于群山之中，离海很远。穿过田野、城镇和沼泽！".into());
    assert_eq!(measure.chars, Some(27.0));
    assert_eq!((measure.words, measure.mean_word_chars), (Some(1.0), Some(23.0)));
    assert_eq!(pieces("ab中文c字").collect::<Vec<_>>(), ["ab", "中", "文", "c", "字"]);
    assert_eq!(pieces("中ab").collect::<Vec<_>>(), ["中"]);
    assert_eq!(pieces("ab").collect::<Vec<_>>(), ["ab"]);
}

#[test]
fn rules_and_words_are_those_of_dingo_and_nltk() {
    // dingo-python 2.5.0 and NLTK 3.10.4; written by tests/conformance/dingo/golden.py.
    for line in include_str!("../golden/dingo.jsonl").lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let text: Text = row["text"].as_str().unwrap().into();
        // NLTK spells quotes anew.
        let quotes = |word: &str| word.replace("``", "\"").replace("''", "\"");
        let wanted: Vec<String> =
            row["words"].as_array().unwrap().iter().map(|word| quotes(word.as_str().unwrap())).collect();
        assert_eq!(text.words(Words::Treebank).map(quotes).collect::<Vec<_>>(), wanted, "{line}");
        let broken = row["rules"].as_array().unwrap().len();
        assert_eq!(filter().judge(&filter().measure(&text)) == Verdict::Keep, broken == 0, "{line}");
    }
}

#[test]
fn huge_and_odd_texts_take_linear_time() {
    let started = std::time::Instant::now();
    for piece in [
        "\n",
        "a\n",
        "x",
        "[",
        ".",
        "?",
        "? ",
        ". ",
        "a.b ",
        "'",
        "\"",
        "''s ",
        "1",
        "1-",
        "1.1.",
        "@",
        "a@",
        "a.",
        "<|",
        "&",
        "－",
        "。",
        "中",
        "身份",
        "javascript",
        "lorem ipsum ",
        "`",
        "--",
        ":,",
        "\u{301}",
        "»",
        ".)",
        "11010519491231002X",
    ] {
        filter().measure(&piece.repeat(100_000 / piece.len()).as_str().into());
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn no_text_panics(text in "(\\PC|[ a-zA-Z0-9.,'\"`:?!@&;<|>\\-\n\u{1c}\u{301}中。»”’])*") {
        filter().judge(&filter().measure(&text.as_str().into()));
    }
}
