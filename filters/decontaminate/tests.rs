use std::fs;

use proptest::prelude::*;

use super::*;
use crate::kit::Value;

const EVAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/eval");

/// A step with these settings over the samples that come along.
fn step(settings: &str) -> Decontaminate {
    let sets = format!("sets = ['gsm8k={EVAL}/gsm8k.jsonl', '{EVAL}/bbh.jsonl', 'gaokao={EVAL}/gaokao.jsonl']\n");
    built(&(sets + settings), &mut Setup::default()).unwrap()
}

fn built(settings: &str, setup: &mut Setup) -> Result<Decontaminate, Wrong> {
    Decontaminate::new(toml::from_str(settings).unwrap(), setup)
}

/// A step over one set of these items.
fn over(items: &[serde_json::Value], settings: &str) -> Result<Decontaminate, Wrong> {
    let folder = tempfile::tempdir().unwrap();
    let lines: String = items.iter().map(|item| format!("{item}\n")).collect();
    fs::write(folder.path().join("set.jsonl"), lines).unwrap();
    built(&format!("sets = ['set.jsonl']\n{settings}"), &mut Setup { folder: folder.path().into(), ..Setup::default() })
}

fn map(step: &Decontaminate, text: &str) -> (Verdict, Measure, Document) {
    let (mut document, mut measure) = (Document::new("", text), Measure::default());
    let verdict = step.map(&mut document, &mut measure);
    (verdict, measure, document)
}

fn field(document: &Document, name: &str) -> String {
    document.field(Name::new(name)).and_then(Value::as_text).unwrap_or_default().to_owned()
}

fn samples(set: &str) -> Vec<serde_json::Value> {
    let lines = fs::read_to_string(format!("{EVAL}/{set}.jsonl")).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const BEFORE: &str = "It rained all day long, and nobody had thought of an umbrella. 今天天气很好，我们去公园散步。\n";
const AFTER: &str = "\nThat is all there is to say about the matter for today. 明天再说吧，大家早点休息。";

#[test]
fn every_item_of_the_samples_is_found_whatever_case_and_punctuation() {
    let step = step("");
    let mut asked = 0;
    for (set, member) in [("gsm8k", "question"), ("bbh", "input"), ("gaokao", "question"), ("gaokao", "analysis")] {
        for (number, item) in samples(set).iter().enumerate() {
            let text = item[member].as_str().unwrap();
            let mut units = 0;
            each_unit(text, Punctuation::Separates, |_, _, _| units += 1);
            if units < 8 {
                continue;
            }
            asked += 1;
            let plain: String = text.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
            let spaced = text.replace(' ', "  \n").replace('，', ",").replace('。', "．");
            for text in [text.to_owned(), text.to_uppercase(), plain, spaced] {
                let (verdict, measure, document) = map(&step, &format!("{BEFORE}{text}{AFTER}"));
                assert_eq!(verdict, Verdict::Drop("contaminated"), "{text}");
                assert!(measure.share.unwrap() >= 0.5 && measure.covered.unwrap() > 0.0);
                let by = field(&document, "contaminated_by");
                assert!(by.split(' ').any(|item| item == format!("{set}#{number}")), "{by}: {text}");
            }
        }
    }
    assert!(asked > 35, "{asked}");
}

#[test]
fn what_is_the_same_is_told_with_its_place_in_characters() {
    let item = serde_json::json!({ "q": "小明有五个苹果，小红比小明多三个苹果，他们一共有几个？" });
    let step =
        over(&[serde_json::json!({ "q": "another question that nobody has asked before us" }), item], "").unwrap();
    let (verdict, measure, document) =
        map(&step, "问：小明有五个苹果，小红比小明多三个苹果，他们一共有几个？答：十三个。");
    assert_eq!(verdict, Verdict::Drop("contaminated"));
    assert_eq!(field(&document, "contaminated_by"), "set#1");
    assert_eq!(field(&document, "contaminated_span"), "2-28");
    assert_eq!((measure.items, measure.share), (Some(1.0), Some(1.0)));
    assert_eq!((measure.runs, measure.covered), (Some(12.0), Some(24.0 / 29.0)));
}

#[test]
fn a_share_that_is_the_threshold_contaminates() {
    // Twelve runs of four units.
    let item = serde_json::json!({ "q": "a b c d e f g h i j k l m n o" });
    let verdict = |threshold: f64, text: &str| {
        let settings = format!("ngram = 4\nthreshold = {threshold:?}");
        map(&over(std::slice::from_ref(&item), &settings).unwrap(), text).0
    };
    assert_eq!(verdict(0.5, "A b c d e f g h i"), Verdict::Drop("contaminated"));
    assert_eq!(verdict(0.51, "A b c d e f g h i"), Verdict::Keep);
    assert_eq!(verdict(0.0, "x c d e f y"), Verdict::Drop("contaminated"));
    assert_eq!(verdict(0.0, "x c d e y f"), Verdict::Keep);
    assert_eq!(verdict(1.0, "a b c d e f g h i j k l m n o"), Verdict::Drop("contaminated"));
    let step = over(&[item], "ngram = 4\nthreshold = 0\nmin_runs = 2").unwrap();
    assert_eq!(map(&step, "c d e f").0, Verdict::Keep);
    assert_eq!(map(&step, "c d e f g").0, Verdict::Drop("contaminated"));
}

#[test]
fn short_texts_are_looked_for_as_a_whole() {
    let items = ["one two three four five six seven", "one two three four five six seven eight"];
    let step = over(&items.map(|q| serde_json::json!({ "q": q })), "").unwrap();
    assert_eq!(
        step.facts()["set"],
        Facts::from([("set".into(), [("items".into(), 2), ("items_not_looked_for".into(), 1)].into())])["set"]
    );
    assert_eq!(map(&step, "zero one two three four five six seven eleven").0, Verdict::Keep);
    let (verdict, _, document) = map(&step, "zero one two three four five six SEVEN, eight nine");
    assert_eq!(verdict, Verdict::Drop("contaminated"));
    assert_eq!(field(&document, "contaminated_by") + &field(&document, "contaminated_span"), "set#15-45");
    assert_eq!(map(&step, "").0, Verdict::Keep);
    assert_eq!(map(&step, "").1.covered, None);
}

#[test]
fn what_many_items_have_says_nothing() {
    let item = |number: usize| serde_json::json!({ "q": format!("is the following sentence plausible yes or no tell number {number}") });
    let items: Vec<_> = (0..11).map(item).collect();
    let step = over(&items, "ngram = 5\nthreshold = 0").unwrap();
    assert_eq!(map(&step, "Is the following sentence plausible?").0, Verdict::Keep);
    assert_eq!(map(&step, "yes or no tell number").0, Verdict::Keep);
    assert_eq!(map(&step, "or no tell number 3").0, Verdict::Drop("contaminated"));
    let step = over(&items[..10], "ngram = 5\nthreshold = 0").unwrap();
    assert_eq!(map(&step, "Is the following sentence plausible?").1.items, Some(10.0));
}

#[test]
fn parts_say_which_runs_count() {
    let items = [serde_json::json!({ "question": "a b c d e f", "answer": "g h i j" })];
    let verdicts = |settings: &str| {
        let step = over(&items, &format!("ngram = 3\nmin_units = 3\nthreshold = 0\n{settings}")).unwrap();
        ["a b c", "e f g", "g h i"].map(|text| map(&step, text).0 != Verdict::Keep)
    };
    assert_eq!(verdicts("parts = \"every\""), [true, false, true]);
    assert_eq!(verdicts("parts = \"joined\""), [true, true, true]);
    assert_eq!(verdicts("parts = \"last\""), [false, true, true]);
    assert_eq!(verdicts("fields = [\"answer\"]"), [false, false, true]);
    assert_eq!(verdicts("parts = \"last\"\nfields = [\"answer\", \"question\"]"), [true, false, false]);
}

#[test]
fn cutting_leaves_the_rest_and_drops_what_falls_to_pieces() {
    let question = "Janet has sixteen ducks that lay eggs every single day of the week, and sells them all.";
    let cut = |settings: &str, text: &str| {
        let step = over(&[serde_json::json!({ "q": question })], &format!("action = \"cut\"\n{settings}")).unwrap();
        let (verdict, measure, document) = map(&step, text);
        (verdict, measure.pieces, document)
    };
    let rest = "x ".repeat(150);
    let text = format!("{rest}{question} {rest}");
    let (verdict, pieces, document) = cut("around = 0", &text);
    assert_eq!((verdict, pieces), (Verdict::Keep, Some(2.0)));
    assert_eq!(document.text(), format!("{}\n\n. {}", rest.trim(), rest.trim()));
    assert_eq!(field(&document, "contaminated_span"), "300-386");
    let (verdict, _, document) = cut("around = 100", &text);
    assert_eq!((verdict, document.text().len()), (Verdict::Keep, 200 - 1 + 2 + 202 - 1));
    assert_eq!(cut("", &text).0, Verdict::Drop("nothing_left"));
    assert_eq!(cut("around = 0\nmax_pieces = 1", &text).0, Verdict::Drop("too_many_pieces"));
    assert_eq!(cut("around = 0\nmax_pieces = 2", &text).0, Verdict::Keep);
    let (verdict, pieces, document) = cut("", "nothing of it");
    assert_eq!((verdict, pieces, document.text()), (Verdict::Keep, None, "nothing of it"));
}

#[test]
fn measuring_changes_no_text() {
    let step = step("action = \"measure\"");
    let text = samples("gaokao")[1]["question"].as_str().unwrap().to_owned();
    let (verdict, measure, document) = map(&step, &text);
    assert_eq!((verdict, measure.share, document.text()), (Verdict::Keep, Some(1.0), &*text));
    assert_eq!(field(&document, "contaminated_by"), "gaokao#1");
}

#[test]
fn two_steps_of_this_kind_both_speak() {
    let (one, two) = (step("action = \"measure\""), over(&samples("gsm8k")[..1], "action = \"measure\"").unwrap());
    let mut document = Document::new("", samples("gsm8k")[0]["question"].as_str().unwrap());
    one.map(&mut document, &mut Measure::default());
    two.map(&mut document, &mut Measure::default());
    assert_eq!(field(&document, "contaminated_by"), "gsm8k#0 set#0");
    assert_eq!(field(&document, "contaminated_span").split(' ').count(), 2);
}

#[test]
fn sets_are_read_plain_compressed_and_from_folders() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        |number: u32| format!("{{\"q\":\"item number {number} is about a cat that sat on a mat in the sun\"}}\n");
    fs::create_dir(folder.path().join("many")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gz, text(1).as_bytes()).unwrap();
    fs::write(folder.path().join("many/b.jsonl.gz"), gz.finish().unwrap()).unwrap();
    fs::write(folder.path().join("many/a.jsonl"), format!("\u{feff}{}\n \n", text(0))).unwrap();
    fs::write(folder.path().join("one.test.jsonl.zst"), zstd::encode_all(text(2).as_bytes(), 1).unwrap()).unwrap();
    let mut setup = Setup { folder: folder.path().into(), ..Setup::default() };
    let step = built("sets = ['many', 'one.test.jsonl.zst']", &mut setup).unwrap();
    assert_eq!(setup.files.len(), 3);
    for (number, name) in ["many#0", "many#1", "one#0"].into_iter().enumerate() {
        assert_eq!(field(&map(&step, &text(number as u32)).2, "contaminated_by").split(' ').next(), Some(name));
    }
}

#[test]
fn what_cannot_be_a_set_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("bad.jsonl", "{\"q\":1}\n[1]\n"), ("none.jsonl", "\n"), ("t.parquet", "")] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    fs::write(folder.path().join("good.jsonl"), "{\"question\":\"what is it\",\"n\":1}\n").unwrap();
    for (settings, setting, what) in [
        ("", "sets", "`sets` names no evaluation set"),
        ("sets = ['absent.jsonl']", "sets", "there is no file or folder"),
        ("sets = ['bad.jsonl']", "sets", "bad.jsonl, item 1: this is no object"),
        ("sets = ['none.jsonl']", "sets", "`none` has no item"),
        ("sets = ['t.parquet']", "sets", "parquet cannot be read here"),
        ("sets = ['a#b=good.jsonl']", "sets", "`a#b` cannot be the name"),
        ("sets = ['good.jsonl', 'good=good.jsonl']", "sets", "two evaluation sets are called `good`"),
        ("sets = ['good.jsonl']\nfields = ['query']", "fields", "no item of `good` has a text"),
    ] {
        let wrong = built(settings, &mut Setup { folder: folder.path().into(), ..Setup::default() }).err().unwrap();
        assert_eq!(wrong.setting, Some(setting), "{settings}");
        assert!(wrong.what.contains(what), "{}", wrong.what);
    }
}

#[test]
fn every_profile_reads() {
    for profile in PROFILES {
        step(profile.settings.replace("fields = [\"question\", \"answer\"]\n", "").as_str());
    }
}

#[test]
fn huge_and_odd_texts_take_linear_time() {
    let items = [
        serde_json::json!({ "q": "a ".repeat(20) }),
        serde_json::json!({ "q": "a b ".repeat(10) }),
        serde_json::json!({ "q": "字".repeat(9) }),
    ];
    for action in ["drop", "cut", "measure"] {
        let step =
            over(&items, &format!("threshold = 0\nmax_items = 1000\nmax_pieces = 100000000\naction = \"{action}\""))
                .unwrap();
        for piece in [
            "a",
            "a ",
            "字",
            "a b x ",
            "\u{301}",
            "字字字字字字字字字x",
            "a a a a a a a a a a a a a x ",
            "，",
            "\u{1f600}",
        ] {
            map(&step, &piece.repeat(1 << 18));
        }
    }
    ROOM.with_borrow(|room| assert!(room.units.capacity() <= KEPT_UNITS && room.hits.capacity() <= KEPT_UNITS));
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}|([abc]|[一二三]|[ ,，]){0,200}") {
        thread_local! {
            static STEPS: Vec<Decontaminate> = ["drop", "cut\"\naround = 3 #", "measure"]
                .map(|action| {
                    let items = ["a b a b", "一二三一二", "c一a b二", "abc"].map(|q| serde_json::json!({ "q": q }));
                    let settings = format!("ngram = 3\nmin_units = 1\nmin_piece_chars = 1\naction = \"{action}\"");
                    over(&items, &settings).unwrap()
                })
                .into();
        }
        STEPS.with(|steps| {
            for step in steps {
                let (_, measure, document) = map(step, &text);
                let by = field(&document, "contaminated_by");
                assert_eq!(by.split_whitespace().count() as f64, measure.items.unwrap());
            }
        });
    }
}
