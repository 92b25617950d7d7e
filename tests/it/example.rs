//! The program with steps of its own, run as its user would.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn a_filter_a_mapper_and_a_source_of_ones_own_have_the_powers_of_built_in_ones() {
    // Cargo builds examples beside the tests, but not for a single test binary.
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--example", "own_steps"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.unwrap().success());
    let program = Path::new(env!("CARGO_BIN_EXE_wanjuan")).with_file_name("examples").join("own_steps");
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
