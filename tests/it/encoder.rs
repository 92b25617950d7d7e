//! Scores of a model in a run: the same bytes whatever threads and kills, and mistakes told before anything is read.

use std::fs;
use std::path::{Path, PathBuf};

use crate::engine::{same_as, whatever_happens};
use crate::kit::{Bench, files, mask, run, wanjuan};

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/encoder/golden");
/// About the middle of what the model makes of these texts.
const BOUND: f64 = 1.0;

fn pipeline(bench: &Bench, output: &str, change: impl Fn(String) -> String) -> PathBuf {
    bench.pipeline(&format!("{output}.toml"), output, |text| {
        let step = format!(
            "use = \"encoder\"\nmodel = \"{MODELS}/bert\"\nheads = {{ more = \"{MODELS}/head.safetensors\" }}\n\
             scores = {{ value = \"LABEL_0\", half = \"more.half\" }}\ndrop_below = {{ value = {BOUND} }}\nwindows = \"mean\""
        );
        change(text.replace("use = \"exact_duplicates\"", &step))
    })
}

fn lines(output: &Path) -> String {
    let files = files(&output.join("lines")).into_iter().filter(|(name, _)| !name.starts_with('_'));
    files.map(|(_, file)| String::from_utf8_lossy(&zstd::decode_all(&file[..]).unwrap()).into_owned()).collect()
}

#[test]
fn scores_are_the_same_bytes_whatever_threads_memory_segments_and_kills() {
    let bench = Bench::new(3, 300);
    let ended = run(&pipeline(&bench, "whole", |text| text), &["--threads", "2"], 0);
    let told = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(told.contains("score_too_low"), "{told}");
    assert!(told.contains("  cpu, as ") && told.contains("its threads were in the model"), "{told}");
    let whole = bench.path("whole");
    let kept = lines(&whole);
    assert!(kept.lines().count() > 20);
    for line in kept.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(row["value"].as_f64().unwrap() >= BOUND && row["half"].as_f64() == Some(0.5), "{line}");
    }
    mask(&whole, "whole");
    let written = |name: &str| pipeline(&bench, name, |text| text);
    whatever_happens(written, (0..5).map(|step| 60 + 150 * step), |name| same_as(&whole, &bench.path(name)));
}

#[test]
fn a_label_that_the_model_does_not_have_is_told_with_its_line() {
    let bench = Bench::new(1, 3);
    let path = pipeline(&bench, "wrong", |text| text.replace("\"LABEL_0\"", "\"LABEL_1\""));
    let ended = wanjuan(&["check", path.to_str().unwrap()]);
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    let number = fs::read_to_string(&path).unwrap().lines().position(|line| line.starts_with("scores = ")).unwrap() + 1;
    assert_eq!(ended.status.code(), Some(2), "{told}");
    assert!(
        told.contains("the model has no label `LABEL_1`") && told.contains(&format!("wrong.toml:{number}:")),
        "{told}"
    );
    assert!(told.contains("did you mean `LABEL_0`?"), "{told}");
}

#[test]
fn the_command_line_says_where_the_model_runs_and_is_told_why() {
    let bench = Bench::new(1, 3);
    let path = pipeline(&bench, "device", |text| text);
    let check = |arguments: &[&str]| {
        let ended = wanjuan(&[&["check", path.to_str().unwrap()], arguments].concat());
        (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
    };
    let (code, told) = check(&["--device", "cpu"]);
    assert!(code == Some(0) && told.contains("encoder: cpu, as asked for\n"), "{told}");
    let (code, told) = check(&["--device", "gpu"]);
    assert!(code == Some(2) && told.contains("`gpu` is no device: write auto, cpu, or cuda:0,1"), "{told}");
    if !cfg!(feature = "cuda") {
        let (code, told) = check(&["--device", "auto"]);
        assert!(code == Some(0) && told.contains("encoder: cpu, as this program was built without CUDA"), "{told}");
        let (code, told) = check(&["--device", "cuda:0,1"]);
        assert!(code == Some(2) && told.contains("this program was built without CUDA"), "{told}");
        assert!(told.contains("`device = \"cpu\"` always runs"), "{told}");
    }
    let ended = run(&path, &["--device", "cpu"], 0);
    let told = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(told.contains("  cpu, as asked for; "), "{told}");
    let plain = bench.pipeline("plain.toml", "plain", |text| text);
    let told = String::from_utf8_lossy(&run(&plain, &["--device", "cpu"], 2).stderr).into_owned();
    assert!(told.contains("no entry uses `encoder`"), "{told}");
}
