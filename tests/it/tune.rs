//! `wanjuan tune`: stored measures, judged again, tell what a run would.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use wanjuan::kit::{Document, Setup, Text};
use wanjuan::registry::{Built, Registry};

use crate::kit::{Bench, run, wanjuan};

/// A pipeline of filters without anything that looks at many documents.
fn pipeline(bench: &Bench, name: &str, quality: &str, repetition: &str, rule: &str) -> PathBuf {
    let text = format!(
        "[pipeline]\nname = \"{name}\"\noutput = \"{name}\"\ndropped = \"all\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"corpus\"]\nfields = {{ n = \"integer\" }}\n[[step]]\nuse = \"language\"\n[[step]]\nuse = \"gopher_quality\"\nwhere = \"lang = 'en'\"\n{quality}\n[[step]]\nuse = \"gopher_repetition\"\n{repetition}\n[[step]]\nname = \"odd\"\nuse = \"rule\"\ndrop_if = \"{rule}\"\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\n"
    );
    let path = bench.path(&format!("{name}.toml"));
    fs::write(&path, text).unwrap();
    path
}

fn counts(output: &Path) -> Value {
    serde_json::from_slice::<Value>(&fs::read(output.join("run.json")).unwrap()).unwrap()["counts"].take()
}

fn tune(output: &Path, arguments: &[&str]) -> Value {
    let output = wanjuan(&[&["tune", output.to_str().unwrap(), "-o", "json"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["trust"]["unexplained"], 0, "{told:#}");
    told
}

fn last(told: &Value) -> &Value {
    told["variants"].as_array().unwrap().iter().rfind(|variant| variant["sweep"] == false).unwrap()
}

const LOOSE: &str = "max_dup_lines = 1.0\nmax_dup_line_chars = 1.0\nmax_top_ngram_chars = [inf, inf, inf]\nmax_dup_ngram_chars = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]";
const REPEATS: &str = "max_dup_lines = 1.0\nmax_dup_line_chars = 1.0\nmax_top_ngram_chars = [0.16, 1.0, 1.0]\nmax_dup_ngram_chars = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]";

#[test]
fn what_was_only_measured_is_judged_as_a_run_would() {
    let bench = Bench::new(2, 400);
    let only = |settings: &str| format!("{settings}\nonly_measure = true");
    let rule = "text.characters < 60 or n % 7 = 3";
    let measured = pipeline(&bench, "measured", &only("min_words = 0"), &only(LOOSE), "text.characters < 0 and n < 0");
    run(&measured, &["--threads", "2"], 0);
    let judged = pipeline(&bench, "judged", "min_words = 110", REPEATS, rule);
    run(&judged, &["--threads", "2"], 0);
    let told = tune(&bench.path("measured"), &["--pipeline", judged.to_str().unwrap()]);
    let (told, counts) = (last(&told), counts(&bench.path("judged")));
    assert_eq!(told["kept_least"], counts["sinks"]["clean"]["documents"], "{counts:#}");
    assert_eq!((&told["kept_most"], &told["total"]["unknown"]["documents"]), (&told["kept_least"], &Value::from(0)));
    assert_eq!(told["total"]["kept"]["bytes"], counts["sinks"]["clean"]["bytes"]);
    for (step, reasons) in told["dropped"].as_object().unwrap() {
        for (reason, found) in reasons.as_object().unwrap() {
            let counted = counts["steps"][step]["dropped"][reason].as_u64().unwrap_or(0);
            assert_eq!(found["now"], counted, "{step}: {reason}");
        }
    }
    let dropped = |step: &str| counts["steps"][step]["dropped"].as_object().unwrap().len();
    assert!(dropped("gopher_quality") > 0 && dropped("gopher_repetition") > 0 && dropped("odd") > 0, "{counts:#}");
    assert!(told["total"]["lost"]["documents"].as_u64().unwrap() > 100);
    assert_eq!(told["by_source"]["raw"], told["total"]);
    let by_language: u64 =
        told["by_language"].as_object().unwrap().values().map(|part| part["kept"]["documents"].as_u64().unwrap()).sum();
    assert_eq!(told["kept_least"], by_language);
}

#[test]
fn a_change_that_is_none_keeps_what_the_run_kept() {
    let bench = Bench::new(2, 300);
    run(&bench.pipeline("p.toml", "out", |text| text), &["--threads", "2"], 0);
    let told = tune(&bench.path("out"), &["--set", "gopher_quality.min_words=8", "--set", "sample.share=0.9"]);
    for variant in told["variants"].as_array().unwrap() {
        for kind in ["gained", "lost", "unknown"] {
            assert_eq!(variant["total"][kind]["documents"], 0, "{variant:#}");
        }
        assert_eq!(variant["kept_least"], variant["kept_most"]);
        assert_eq!(variant["total"]["kept"], variant["total"]["before"]);
    }
    assert_eq!(told["variants"].as_array().unwrap().len(), 3, "each alone, and both");
}

#[test]
fn the_range_holds_what_a_run_keeps_behind_steps_that_saw_less() {
    let bench = Bench::new(3, 300);
    let changed = |text: String| text.replace("min_words = 8", "min_words = 118").replace("share = 0.9", "share = 0.7");
    for (from, to) in [("a", "b"), ("b", "a")] {
        for (name, is_changed) in [("a", false), ("b", true)] {
            let change = |text: String| if is_changed { changed(text) } else { text };
            run(&bench.pipeline(&format!("{name}.toml"), name, change), &["--threads", "2"], 0);
        }
        let told = tune(&bench.path(from), &["--pipeline", bench.path(&format!("{to}.toml")).to_str().unwrap()]);
        let told = last(&told);
        // All that is kept comes into the first sink.
        let kept = counts(&bench.path(to))["sinks"]["lines"]["documents"].as_u64().unwrap();
        let (least, most) = (told["kept_least"].as_u64().unwrap(), told["kept_most"].as_u64().unwrap());
        assert!(least <= kept && kept <= most && least < most, "{least} to {most}: {kept}");
        let stage = &told["stages"]["exact_duplicates"];
        assert_eq!(from == "a", stage["lost"].as_u64().unwrap_or(0) > 0, "{told:#}");
    }
}

#[test]
fn a_sweep_goes_from_one_value_to_another() {
    let bench = Bench::new(1, 200);
    run(&pipeline(&bench, "out", "min_words = 0\nonly_measure = true", LOOSE, "n < 0"), &[], 0);
    let told = tune(
        &bench.path("out"),
        &[
            "--set",
            "gopher_quality.only_measure=false",
            "--sweep",
            "gopher_quality.min_words=60:160:20",
            "--sweep",
            "gopher_quality.min_alphabetic_words=0.1:0.3:0.1",
        ],
    );
    let variants = &told["variants"].as_array().unwrap()[1..];
    let labels: Vec<&str> = variants.iter().map(|variant| variant["variant"].as_str().unwrap()).collect();
    assert_eq!((labels.len(), labels[1]), (9, "gopher_quality.min_words 0 -> 80"));
    assert_eq!(labels[8], "gopher_quality.min_alphabetic_words 0.8 -> 0.3");
    let kept: Vec<u64> = variants[..6].iter().map(|variant| variant["kept_least"].as_u64().unwrap()).collect();
    assert!(kept.is_sorted_by(|a, b| a >= b) && kept[0] > kept[5], "{kept:?}");
}

#[test]
fn what_only_measured_drops_nothing_until_it_is_asked_to() {
    let bench = Bench::new(1, 200);
    run(&pipeline(&bench, "out", "min_words = 0\nonly_measure = true", LOOSE, "n < 0"), &[], 0);
    let out = bench.path("out");
    let lost = |arguments: &[&str]| last(&tune(&out, arguments))["total"]["lost"]["documents"].as_u64().unwrap();
    assert_eq!(lost(&["--set", "gopher_quality.min_words=150"]), 0);
    assert!(lost(&["--set", "gopher_quality.min_words=150", "--set", "gopher_quality.only_measure=false"]) > 0);
    let told = wanjuan(&["tune", out.to_str().unwrap(), "--set", "gopher_quality.min_words=150"]).stdout;
    let told = String::from_utf8(told).unwrap();
    assert!(told.contains("--set gopher_quality.only_measure=false tells what it would drop"), "{told}");
}

#[test]
fn lists_of_a_step_are_found_where_the_run_found_them() {
    let bench = Bench::new(1, 100);
    fs::create_dir(bench.path("lists")).unwrap();
    fs::write(bench.path("lists/words.txt"), "the\nriver\n").unwrap();
    let text = "[pipeline]\nname = \"listed\"\noutput = \"./out/listed\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"corpus\"]\n[[step]]\nuse = \"listed_words\"\nlists = [\"lists/words.txt\"]\nmax_per_line = inf\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\n";
    fs::write(bench.path("p.toml"), text).unwrap();
    run(&bench.path("p.toml"), &[], 0);
    let told = tune(&bench.path("out/listed"), &["--set", "listed_words.max_hits=0"]);
    assert!(last(&told)["total"]["lost"]["documents"].as_u64().unwrap() > 0);
    // Where the output has been moved, nothing tells where the lists lie.
    fs::rename(bench.path("out/listed"), bench.path("moved")).unwrap();
    let output = wanjuan(&["tune", bench.path("moved").to_str().unwrap(), "--set", "listed_words.max_hits=0"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("start here in that folder, or give the file with --pipeline"), "{told}");
}

#[test]
fn tune_tells_a_person_what_is_gained_lost_and_unknown() {
    let bench = Bench::new(1, 100);
    run(&pipeline(&bench, "out", "min_words = 100", LOOSE, "text.characters < 60"), &["--threads", "1"], 0);
    let out = bench.path("out");
    let output = wanjuan(&[
        "tune",
        out.to_str().unwrap(),
        "--set",
        "gopher_quality.min_words=90",
        "--set",
        "odd.drop_if=text.characters < 61 or n = 1",
        "--examples",
        "1",
    ]);
    let told = String::from_utf8(output.stdout).unwrap().replace(&format!("{}/", bench.folder.path().display()), "");
    let timed = told.lines().map(|line| match line.contains(" rows in ") {
        true => "N rows in T s",
        false => line,
    });
    insta::assert_snapshot!(timed.collect::<Vec<_>>().join("\n"));
}

#[test]
fn what_cannot_be_judged_again_is_refused_with_its_reason() {
    let bench = Bench::new(1, 30);
    run(&bench.pipeline("p.toml", "out", |text| text + "\n[[step]]\nname = \"odd\"\nuse = \"rule\"\ndrop_if = \"n < 0\"\nfrom = \"exact_duplicates\"\n[[sink]]\nname = \"odds\"\nuse = \"jsonl\"\nfrom = \"odd\"\n"), &[], 0);
    let out = bench.path("out");
    let sets = [
        "gopher_quality.wrods=3",
        "gopher_quality.min_wrods=3",
        "gopher_quality.words=spaces",
        "language.min_score=0.4",
        "exact_duplicates.keep=first",
        "gopher.min_words=3",
        "nonsense",
        "min_words=3",
        "gopher_quality.min_words=many",
        "odd.only_measure=3",
        "lines.level=3",
    ];
    let mut arguments = vec!["tune", out.to_str().unwrap()];
    arguments.extend(sets.iter().flat_map(|set| ["--set", set]));
    arguments.extend(
        ["gopher_quality.min_words=1:2", "gopher_quality.min_words=2:1:1", "gopher_quality.min_words=0:1e9:1"]
            .iter()
            .flat_map(|sweep| ["--sweep", sweep]),
    );
    let told = |arguments: &[&str]| {
        let output = wanjuan(arguments);
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stdout));
        let told = String::from_utf8(output.stderr).unwrap();
        // Filters get more settings in time.
        let short = |line: &str| match line.split_once("min_words, ").filter(|_| line.contains(" can be changed")) {
            Some((before, _)) => format!("{before}min_words, … can be changed\n"),
            None => format!("{line}\n"),
        };
        let told: String = told.lines().map(short).collect();
        told.replace(&bench.folder.path().display().to_string(), "FOLDER")
    };
    let mut all = told(&arguments);
    for set in [
        "gopher_quality.min_words=1000000",
        "odd.drop_if=text.han > 0",
        "odd.drop_if=length(text) > 3",
        "odd.drop_if=m > 3",
    ] {
        all += &told(&["tune", out.to_str().unwrap(), "--set", set]);
    }
    all += &told(&["tune", out.to_str().unwrap()]);
    all += &told(&["tune", bench.path("corpus").to_str().unwrap(), "--set", "a.b=1"]);
    insta::assert_snapshot!(all);
}

#[test]
fn an_edited_file_is_refused_with_the_place_of_every_mistake() {
    let bench = Bench::new(1, 30);
    run(&bench.pipeline("p.toml", "out", |text| text), &[], 0);
    let edit = |text: String| {
        text.replace("use = \"normalize\"", "use = \"sample\"\nname = \"normalize\"")
            .replace("keep = [\"en\", \"zh\"]", "keep = [\"en\"]")
            .replace("lang = 'en'\"\nmin_words = 8", "lang = 'zh'\"\nmin_words = 9")
            .replace("use = \"sample\"\nshare = 0.9", "name = \"other\"\nuse = \"sample\"\nshare = 1.9")
    };
    let edited = bench.pipeline("edited.toml", "out", edit);
    let output = wanjuan(&["tune", bench.path("out").to_str().unwrap(), "--pipeline", edited.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    insta::assert_snapshot!(told.replace(&format!("{}/", bench.folder.path().display()), ""));
}

/// Texts in which much differs.
const TEXTS: [&str; 6] = [
    "",
    "word",
    "The river and the town have a long history. The river and the town have a long history.\n- one\n- two...\n\nThe river and the town have a long history. # #",
    "第1条记录讲的是一条河和一座城的故事。河水发源于群山之中，穿过田野和沼泽。\n第1条记录讲的是一条河和一座城的故事。",
    "{ \"a\": 1 } <b>http://example.com/</b> 12345 lorem ipsum AAAA AAAA\n\n\n| | |",
    "ein zwei drei\nein zwei drei\nein zwei drei\nvier… • fünf\n",
];

/// Other values of a setting, by the look of one it has.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(value) => vec![(!value).into()],
        Value::Number(number) if number.is_u64() => {
            let number = number.as_u64().unwrap();
            vec![(number + 1).into(), (number * 3 + 2).into(), (number / 2).into()]
        }
        Value::Number(number) => {
            let number = number.as_f64().unwrap();
            vec![(number * 0.5).into(), (number * 0.9).into(), (number + 0.01).into(), (number * 2.0).into()]
        }
        Value::Array(list) => {
            let first = list.first().map(others).unwrap_or_default();
            first.iter().map(|other| Value::Array(list.iter().map(|_| other.clone()).collect())).collect()
        }
        _ => Vec::new(),
    }
}

/// The promise that `tune` stands on: what a setting that only judges is set to shows in no measure.
#[test]
fn settings_that_only_judge_change_no_measure() {
    let registry = Registry::builtin();
    let (mut tried, mut wrong) = (0, Vec::new());
    for entry in registry.entries().filter(|entry| entry.kind == "filter") {
        let mut required = toml::Table::new();
        if entry.name == "sample" {
            required.insert("share".into(), toml::Value::Float(0.5));
        }
        let measures = |settings: toml::Table| {
            let built = entry.build(settings, &mut Setup { step: entry.name.to_owned(), ..Setup::default() }).ok()?;
            let Built::Filter(filter) = built.built else { return None };
            let mut all = Vec::new();
            for text in TEXTS {
                let mut slots = vec![f64::NAN; built.measures.len()];
                filter.measure_and_judge(&Text::new(Document::new("id", text)), &mut slots);
                all.push(slots.iter().map(|slot| slot.to_bits()).collect::<Vec<_>>());
            }
            Some((built.settings, all))
        };
        // What needs a file, or a condition, is not built here.
        let Some((settings, plain)) = measures(required.clone()) else { continue };
        let settings: Value = serde_json::from_str(&settings).unwrap();
        for setting in entry.settings().into_iter().filter(|setting| entry.only_judges(setting)) {
            let mut built = 0;
            for other in others(&settings[setting]) {
                let mut changed = required.clone();
                changed.insert(setting.to_owned(), toml::Value::try_from(&other).unwrap());
                let Some((_, measured)) = measures(changed) else { continue };
                if measured != plain {
                    wrong.push(format!("{}.{setting} = {other}", entry.name));
                }
                built += 1;
            }
            assert!(built > 0 || settings[setting].is_null(), "no other value of {}.{setting} was tried", entry.name);
            tried += built;
        }
    }
    assert!(wrong.is_empty(), "these change measures, and belong into `Filter::MEASURING`: {wrong:?}");
    assert!(tried > 50, "{tried}");
}
