//! The program with steps of its own, run as its user would.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds an example and returns its path. Cargo builds examples beside the tests, but not for a single
/// test binary.
fn example(name: &str) -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--example", name])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.unwrap().success());
    Path::new(env!("CARGO_BIN_EXE_wanjuan")).with_file_name("examples").join(name)
}

#[test]
fn a_filter_a_mapper_and_a_source_of_ones_own_have_the_powers_of_built_in_ones() {
    let program = example("own_steps");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.txt"), "one cat here\n\ncat, cat and cat\n没有问题\n猫猫猫\n").unwrap();
    let pipeline = folder.path().join("p.toml");
    fs::write(
        &pipeline,
        r#"
[pipeline]
name = "own"
output = "out"

[[source]]
use = "paragraphs"
paths = ["."]

[[step]]
use = "no_cats"

[[step]]
use = "shout"

[[sink]]
name = "kept"
use = "jsonl"
compression = "none"

[[test]]
input = { text = "cat cat" }
expect = { drop = "too_many_cats", by = "no_cats" }
"#,
    )
    .unwrap();
    let run = |arguments: &[&str]| Command::new(&program).args(arguments).output().unwrap();
    let told = run(&["run", pipeline.to_str().unwrap()]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let kept = fs::read_to_string(folder.path().join("out/kept/part-00000.jsonl")).unwrap();
    assert_eq!(
        kept,
        "{\"id\":\"paragraphs/a.txt#0\",\"text\":\"ONE CAT HERE\"}\n{\"id\":\"paragraphs/a.txt#2\",\"text\":\"没有问题\"}\n"
    );
    assert!(run(&["test", pipeline.to_str().unwrap()]).status.success());
    let explained = String::from_utf8(run(&["explain", "no_cats"]).stdout).unwrap();
    assert!(
        explained.contains("Drops documents with too many cats.")
            && explained.contains("max_cats = 1")
            && explained.contains("Cats in the document."),
        "{explained}"
    );
}

/// Blocks of a Markdown file that are fenced as `kind`.
fn blocks<'a>(text: &'a str, kind: &str) -> Vec<&'a str> {
    let fence = format!("```{kind}\n");
    text.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_tutorial_does_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tutorial = fs::read_to_string(root.join("docs/your-own-filter.md")).unwrap();
    let code = fs::read_to_string(root.join("examples/questions.rs")).unwrap();
    assert_eq!(blocks(&tutorial, "rust"), [code.replace("\"questions.rs\"", "\"main.rs\"")]);
    let program = example("questions");
    let folder = tempfile::tempdir().unwrap();
    let mut corpus = String::new();
    for (id, text) in [("ID", "Why? How? When?"), ("plain", "The river is long."), ("", "谁？何时？")] {
        corpus += &format!("{}\n", serde_json::json!({ "id": id, "text": text }));
    }
    let corpus = zstd::stream::encode_all(corpus.as_bytes(), 3).unwrap();
    fs::write(folder.path().join("crawl.jsonl.zst"), corpus).unwrap();
    let [rule, pipeline] = blocks(&tutorial, "toml")[..] else { panic!("two blocks of TOML") };
    fs::write(folder.path().join("pipeline.toml"), pipeline).unwrap();
    let (head, _) = pipeline.split_once("[[source]]").unwrap();
    let (_, sink) = pipeline.split_once("[[sink]]").unwrap();
    let ruled = format!("{}{rule}\n[[sink]]{sink}", head.replace("\"out\"", "\"ruled\""));
    fs::write(folder.path().join("ruled.toml"), ruled.split("[[test]]").next().unwrap()).unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(&program).args(arguments).current_dir(folder.path()).output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{arguments:?}: {told}{}", String::from_utf8_lossy(&output.stderr));
        told
    };
    let mut all = String::new();
    let commands = blocks(&tutorial, "console").concat();
    for command in commands.lines().filter_map(|line| line.strip_prefix("cargo run --release -- ")) {
        all += &run(&command.split(' ').collect::<Vec<_>>());
    }
    for told in [
        "Drops documents that do nothing but ask.",
        "1 passed, 0 failed",
        "too_many_questions                                   2",
        "dropped by questions: too_many_questions",
        "questions.max_questions 0.05 -> 0.1",
    ] {
        assert!(all.contains(told), "{told}\n{all}");
    }
    run(&["run", "ruled.toml"]);
    run(&["tune", "ruled", "--set", "odd.drop_if=gopher_quality.words < 20"]);
}
