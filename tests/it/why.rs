//! What became of one document, as a person reads it.

use std::fs;

use crate::kit::{run, wanjuan};

/// A run over documents of which each is dropped for another reason.
fn told(steps: &str, text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let row = serde_json::json!({ "id": "a", "text": text, "lang": "en" });
    fs::write(folder.path().join("in.jsonl"), format!("{row}\n")).unwrap();
    let file = folder.path().join("p.toml");
    let head = "[pipeline]\nname = \"why\"\noutput = \"out\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"in.jsonl\"]\nfields = { lang = \"text\" }\n";
    fs::write(&file, format!("{head}{steps}\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\n")).unwrap();
    run(&file, &[], 0);
    String::from_utf8(wanjuan(&["why", folder.path().join("out").to_str().unwrap(), "a"]).stdout).unwrap()
}

#[test]
fn the_threshold_and_what_was_measured_stand_by_the_reason() {
    let steps = "[[step]]\nuse = \"gopher_quality\"\nmin_words = 5\nmax_mean_chars = inf\n[[step]]\nuse = \"gopher_repetition\"";
    let text = "We have seen that all of the days pass.\nWe have seen that all of the days pass.\nAnd so the story of the days goes on.";
    insta::assert_snapshot!(told(steps, text));
}

#[test]
fn of_a_reason_with_two_settings_the_one_that_was_not_met_is_told() {
    let steps = "[[step]]\nuse = \"gopher_quality\"\nprofile = \"dolma\"\nmin_words = 1\nmin_median_chars = 9";
    assert!(
        told(steps, "We have seen that all of the days pass.")
            .contains("words_too_short\n  min_median_chars 9, measured 4 (median_word_chars)\n")
    );
}

#[test]
fn a_reason_without_a_number_has_its_setting() {
    let steps = "[[step]]\nuse = \"c4_lines\"\nmin_sentences = 1";
    assert!(told(steps, "This is some lorem ipsum text.").contains("lorem_ipsum\n  lorem_ipsum true\n"));
}

#[test]
fn what_a_terminal_would_obey_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let row = serde_json::json!({ "id": "a\u{1b}[2Jb", "text": "x", "lang": "e\u{202e}n\n\u{7}" });
    fs::write(folder.path().join("in.jsonl"), format!("{row}\n")).unwrap();
    let file = folder.path().join("p.toml");
    fs::write(&file, "[pipeline]\nname = \"why\"\noutput = \"out\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"in.jsonl\"]\nfields = { lang = \"text\" }\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\n").unwrap();
    run(&file, &[], 0);
    let told = wanjuan(&["why", folder.path().join("out").to_str().unwrap(), "a\u{1b}[2Jb"]).stdout;
    let told = String::from_utf8(told).unwrap();
    assert!(told.starts_with("a␛[2Jb, record 0 of in.jsonl\n") && told.contains("lang  e[U+202E]n␊␇\n"), "{told}");
}

#[test]
fn explain_answers_a_program_about_conditions_and_says_what_the_sample_has_not() {
    let told = wanjuan(&["explain", "where", "-o", "json"]).stdout;
    let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
    assert_eq!(told["about"], "where: which documents an entry is about");
    assert!(told["page"].as_str().unwrap().contains("is null"));
    let on_the_sample = |profile: &str| {
        let told = wanjuan(&["explain", &format!("gopher_quality@fineweb-2-{profile}")]).stdout;
        let told = String::from_utf8(told).unwrap();
        (told.contains("On the sample"), told.contains("holds no text in the language of this profile"))
    };
    assert_eq!((on_the_sample("cmn_Hani"), on_the_sample("deu_Latn")), ((true, false), (false, true)));
}

#[test]
fn explain_lists_the_reasons_with_their_settings() {
    let told = String::from_utf8(wanjuan(&["explain", "fineweb_quality"]).stdout).unwrap();
    let (_, reasons) = told.split_once("Reasons to drop a document").unwrap();
    assert!(told.contains("`max_… = inf` switch a rule off"));
    assert!(reasons.contains("\n  empty_text\n") && reasons.contains("\n  too_many_short_lines  max_short_lines\n"));
}
