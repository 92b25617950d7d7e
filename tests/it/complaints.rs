//! Wrong pipeline files: every mistake at once, each with its line, its caret and its repair.

use std::fs;

use crate::kit::wanjuan;

/// A pipeline that is right, whose parts the cases below spoil.
const RIGHT: &str = r#"[pipeline]
name = "test"
output = "out"

[[source]]
name = "raw"
use = "jsonl"
paths = ["in.jsonl"]

[[step]]
use = "gopher_quality"
min_words = 20

[[sink]]
name = "clean"
use = "jsonl"
"#;

/// Checks a file and returns what is said, without the folder's name.
fn complaint(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), "{\"text\":\"x\"}\n").unwrap();
    fs::write(folder.path().join("p.toml"), text).unwrap();
    let output = wanjuan(&["check", folder.path().join("p.toml").to_str().unwrap()]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    told.replace(&format!("{}/", folder.path().display()), "").replace(&folder.path().display().to_string(), "FOLDER")
}

fn spoiled(from: &str, to: &str) -> String {
    assert!(RIGHT.contains(from));
    complaint(&RIGHT.replace(from, to))
}

#[test]
fn a_misspelt_setting_is_pointed_at_with_its_neighbours() {
    insta::assert_snapshot!(spoiled("min_words", "min_word"));
}

#[test]
fn a_setting_of_another_type() {
    insta::assert_snapshot!(spoiled("min_words = 20", "min_words = \"many\""));
}

#[test]
fn a_setting_out_of_bounds() {
    insta::assert_snapshot!(spoiled("min_words = 20", "min_words = 20\nmax_words = 10"));
}

#[test]
fn values_that_cannot_be_are_told_together_with_how_they_are_written() {
    insta::assert_snapshot!(spoiled(
        "min_words = 20",
        "min_words = 20\nmax_bullet_lines = 90\nmin_mean_chars = -3.0\nmax_mean_chars = nan\nstop_words = [\"\"]\n\n[[step]]\nuse = \"language\"\nkeep = []\n\n[[step]]\nuse = \"listed_words\"\nlists = [\"zh-policy\"]"
    ));
}

#[test]
fn a_step_that_does_not_exist() {
    insta::assert_snapshot!(spoiled("use = \"gopher_quality\"", "use = \"gofer_quality\""));
}

#[test]
fn a_sink_where_a_step_should_be() {
    insta::assert_snapshot!(spoiled("use = \"gopher_quality\"\nmin_words = 20", "use = \"tokens\""));
}

#[test]
fn all_mistakes_are_told_at_once() {
    insta::assert_snapshot!(complaint(
        "[pipeline]\nnmae = \"x\"\noutput = 3\nseed = -1\n[[source]]\nuse = \"jsonl\"\n[[step]]\nuse = \"language\"\nkeep = [\"klingon\"]\nmin_score = 3.0\n[[sink]]\nuse = \"parquet\"\nlevel = 99\n"
    ));
}

#[test]
fn an_empty_file() {
    insta::assert_snapshot!(complaint(""));
}

#[test]
fn no_toml_at_all() {
    insta::assert_snapshot!(spoiled("min_words = 20", "min_words = = 20"));
}

#[test]
fn a_table_that_does_not_exist() {
    insta::assert_snapshot!(spoiled("[[step]]", "[[stpe]]"));
}

#[test]
fn a_single_bracket() {
    insta::assert_snapshot!(spoiled("[[step]]", "[step]"));
}

#[test]
fn a_table_without_use() {
    insta::assert_snapshot!(spoiled("use = \"gopher_quality\"\n", ""));
}

#[test]
fn a_name_taken_twice() {
    insta::assert_snapshot!(spoiled("name = \"clean\"", "name = \"raw\""));
}

#[test]
fn a_name_that_a_run_needs_itself() {
    insta::assert_snapshot!(spoiled("name = \"clean\"", "name = \"measures\""));
}

#[test]
fn from_nowhere() {
    insta::assert_snapshot!(spoiled("min_words = 20", "from = \"row\""));
}

#[test]
fn from_a_sink() {
    insta::assert_snapshot!(spoiled("min_words = 20", "from = \"clean\""));
}

#[test]
fn a_cycle() {
    insta::assert_snapshot!(spoiled(
        "min_words = 20",
        "from = \"second\"\n[[step]]\nname = \"second\"\nuse = \"normalize\"\nfrom = \"gopher_quality\""
    ));
}

#[test]
fn a_step_that_nobody_reads() {
    insta::assert_snapshot!(spoiled("name = \"clean\"", "name = \"clean\"\nfrom = \"raw\""));
}

#[test]
fn a_path_that_matches_nothing() {
    insta::assert_snapshot!(spoiled("in.jsonl", "crawl/*.jsonl"));
}

#[test]
fn a_source_without_paths() {
    insta::assert_snapshot!(spoiled("paths = [\"in.jsonl\"]\n", ""));
}

#[test]
fn where_with_a_mistake_in_its_syntax() {
    insta::assert_snapshot!(spoiled("min_words = 20", "where = \"length(text) > > 3\""));
}

#[test]
fn where_with_an_unknown_name() {
    insta::assert_snapshot!(spoiled("min_words = 20", "where = \"langue = 'en'\""));
}

#[test]
fn where_that_compares_text_with_a_number() {
    insta::assert_snapshot!(spoiled("min_words = 20", "where = \"id > 3\""));
}

#[test]
fn where_that_is_no_condition() {
    insta::assert_snapshot!(spoiled("min_words = 20", "where = 'length(text)'"));
}

/// The pipeline with a rule in it.
fn ruled(rule: &str) -> String {
    spoiled("min_words = 20", &format!("min_words = 20\n\n[[step]]\nuse = \"rule\"\n{rule}"))
}

#[test]
fn a_rule_that_speaks_of_what_nobody_measures() {
    insta::assert_snapshot!(ruled("drop_if = \"gopher_quality.wrods > 10 and text.words < 3\""));
}

#[test]
fn a_rule_about_an_unknown_fact() {
    insta::assert_snapshot!(ruled("drop_if = \"words > 10 and text.hann > 0.5\""));
}

#[test]
fn a_rule_whose_text_is_over_lines() {
    insta::assert_snapshot!(ruled("drop_if = \"\"\"\nwords > 10\n  and text.words\n\"\"\""));
}

#[test]
fn a_rule_without_a_condition_and_one_without_a_proper_reason() {
    insta::assert_snapshot!(ruled(
        "name = \"a\"\n[[step]]\nname = \"b\"\nuse = \"rule\"\ndrop_if = \"text.han > 0.5\"\nreason = \"too much, Han\""
    ));
}

#[test]
fn a_fact_of_the_text_where_no_rule_is() {
    insta::assert_snapshot!(spoiled("min_words = 20", "where = \"text.words > 3\""));
}

#[test]
fn shares_that_are_compared_with_per_cent() {
    insta::assert_snapshot!(ruled(
        "drop_if = \"gopher_quality.alphabetic_words < 80 or 0.05 < text.digits and (text.han) between 2 and 300\""
    ));
    insta::assert_snapshot!(ruled("drop_if = \"200 > text.han\"\nwhere = \"alphabetic_words >= 7.5\""));
}

#[test]
fn only_measure_where_nothing_is_judged() {
    insta::assert_snapshot!(spoiled(
        "min_words = 20",
        "only_measure = \"yes\"\n[[step]]\nuse = \"normalize\"\nonly_measure = true"
    ));
}

#[test]
fn a_profile_that_does_not_exist() {
    insta::assert_snapshot!(spoiled("min_words = 20", "profile = \"datatrov\""));
}

#[test]
fn a_required_setting_that_is_missing() {
    insta::assert_snapshot!(spoiled("use = \"gopher_quality\"\nmin_words = 20", "use = \"sample\""));
}

#[test]
fn a_field_that_nothing_writes() {
    insta::assert_snapshot!(spoiled(
        "use = \"gopher_quality\"\nmin_words = 20",
        "use = \"exact_duplicates\"\nkeep = \"newest\""
    ));
}

#[test]
fn a_model_that_is_not_there() {
    insta::assert_snapshot!(spoiled(
        "use = \"gopher_quality\"\nmin_words = 20",
        "use = \"language\"\nmodel = \"lid.bin\""
    ));
}

#[test]
fn a_tokenizer_without_that_end_of_document() {
    insta::assert_snapshot!(spoiled(
        "name = \"clean\"\nuse = \"jsonl\"",
        "name = \"clean\"\nuse = \"tokens\"\neod = \"<end>\""
    ));
}

#[test]
fn a_test_that_expects_the_impossible() {
    insta::assert_snapshot!(spoiled(
        "[[sink]]",
        "[[test]]\ninput = { text = \"x\" }\nexpect = { drop = \"y\", keep = true, by = \"gopher\" }\n\n[[sink]]"
    ));
}

#[test]
fn a_test_of_fields_that_are_none() {
    insta::assert_snapshot!(spoiled(
        "[[sink]]",
        "[[test]]\ninput = { txt = \"x\", text = \"y\" }\nexpect = { lang = \"en\" }\n\n[[sink]]"
    ));
}

#[test]
fn a_wrong_limit_of_what_is_set_aside() {
    insta::assert_snapshot!(spoiled("[pipeline]", "[pipeline]\nmax_set_aside = 0.05"));
}

#[test]
fn a_set_that_names_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), "{\"text\":\"x\"}\n").unwrap();
    let path = folder.path().join("p.toml");
    fs::write(&path, RIGHT).unwrap();
    let output = wanjuan(&["check", path.to_str().unwrap(), "--set", "quality.min_words=3", "--set", "nonsense"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap().replace(&folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(told);
}

#[test]
fn complaints_are_json_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), "{\"text\":\"x\"}\n").unwrap();
    let path = folder.path().join("p.toml");
    fs::write(&path, RIGHT.replace("min_words", "min_word")).unwrap();
    let output = wanjuan(&["check", path.to_str().unwrap(), "-o", "json"]);
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["mistakes"][0]["at"], serde_json::json!({ "line": 12, "column": 1 }));
    assert!(told["mistakes"][0]["help"].as_str().unwrap().contains("min_words"));
}

#[test]
fn a_test_from_a_source_that_is_none() {
    let test = "\n[[test]]\nsource = \"clean\"\ninput = { text = \"\" }\nexpect = { keep = true }\n";
    insta::assert_snapshot!(complaint(&format!("{RIGHT}{test}")));
}

#[test]
fn an_output_that_is_nowhere() {
    insta::assert_snapshot!(spoiled("output = \"out\"", "output = \"\""));
}

#[test]
fn more_fields_than_a_document_can_have() {
    let fields: Vec<String> = (0..300).map(|number| format!("f{number} = \"text\"")).collect();
    let fields = format!("paths = [\"in.jsonl\"]\nfields = {{ {} }}", fields.join(", "));
    insta::assert_snapshot!(
        spoiled("paths = [\"in.jsonl\"]", &fields)
            .lines()
            .filter(|line| !line.contains("f299"))
            .collect::<Vec<_>>()
            .join("\n")
    );
}

#[test]
fn where_that_is_too_long_to_nest() {
    let chain = (0..5000).map(|n| format!("n = {n}")).collect::<Vec<_>>().join(" or ");
    let fields = "paths = [\"in.jsonl\"]\nfields = { n = \"integer\" }";
    let told = complaint(
        &RIGHT.replace("paths = [\"in.jsonl\"]", fields).replace("min_words = 20", &format!("where = \"{chain}\"")),
    );
    assert!(told.contains("4999 operators; a condition can have 1000") && told.contains("field in ("), "{told}");
}

/// A pipeline in which one mistake comes before much that is right.
const LONG: &str = r#"[pipeline]
name = "test"
output = "out"

[[source]]
use = "jsonl"
paths = ["in.jsonl"]

[[step]]
use = "language"
max_chars = 1000

[[step]]
name = "quality"
use = "gopher_quality"
profile = "dolma"
where = "lang = 'en' and lang_score > 0.5 and lang in ('en', 'de') and not lang like 'z%'"

[[step]]
use = "rule"
where = "quality.words > 20"
drop_if = "text.words < 3 and words > 10 and length(lang) > 1"

[[sink]]
name = "clean"
use = "jsonl"
where = "lang = 'en'"
"#;

fn spoiled_long(from: &str, to: &str) -> String {
    assert!(LONG.contains(from));
    complaint(&LONG.replace(from, to))
}

#[test]
fn a_mistake_is_not_told_again_by_all_that_stands_behind_it() {
    for (from, to, what) in [
        ("use = \"language\"", "use = \"langauge\"", "no step is called `langauge`"),
        ("profile = \"dolma\"", "profile = \"dolmo\"", "`gopher_quality` has no profile `dolmo`"),
        ("use = \"gopher_quality\"", "use = \"gofer_quality\"", "no step is called `gofer_quality`"),
        ("use = \"rule\"", "use = \"rule\"\nfrom = \"qualty\"", "nothing is called `qualty`"),
        ("max_chars = 1000", "min_score = \"high\"", "`min_score` of `language`"),
    ] {
        let told = spoiled_long(from, to);
        assert!(told.contains(what), "{told}");
        assert!(told.contains("p.toml: 1 mistake;"), "{told}");
    }
}

#[test]
fn what_can_be_checked_of_a_step_is_checked_beside_another_mistake_of_it() {
    let told = spoiled_long(
        "max_chars = 1000",
        "\n[[step]]\nuse = \"listed_words\"\nprofile = \"non\"\nlists = [\"none.txt\"]\nonly_measure = 3\nwhere = \"length(text) > 'x'\"\nto = 3",
    );
    insta::assert_snapshot!(told);
    let told =
        complaint(&LONG.replace("\"gopher_quality\"", "\"gopher_qualty\"").replace("lang = 'en' and", "id > 3 and"));
    assert!(told.contains("no step is called `gopher_qualty`") && told.contains("2 mistakes"), "{told}");
    let told = spoiled_long("profile = \"dolma\"\nwhere = \"lang", "profile = \"dolmo\"\nwhere = \"langg");
    assert!(told.contains("no field or measure is called `langg`") && told.contains("2 mistakes"), "{told}");
    // Measures of a step whose settings are wrong are known.
    let told = complaint(&LONG.replace("\"dolma\"", "\"dolmo\"").replace("quality.words", "quality.wrods"));
    assert!(told.contains("did you mean `quality.words`?") && told.contains("2 mistakes"), "{told}");
}
