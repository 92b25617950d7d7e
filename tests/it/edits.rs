//! A table of edits, each with the tasks that it makes run again, and no others.

use std::fs;
use std::path::Path;

use crate::kit::{Bench, run};

/// The pipeline of the table: three files, each a task of its own; two phases around a stage.
const BASE: &str = r#"
[pipeline]
name = "test"
output = "out"
seed = 7

[[source]]
name = "raw"
use = "jsonl"
paths = ["corpus"]
fields = { n = "integer" }

[[step]]
use = "normalize"

[[step]]
use = "language"
model = "lid.ftz"
keep = ["en", "zh"]

[[step]]
use = "gopher_quality"
where = "lang = 'en'"
min_words = 8

[[step]]
use = "sample"
share = 0.9

[[step]]
use = "exact_duplicates"

[[sink]]
name = "lines"
use = "jsonl"
level = 1
"#;

const ALL: &[&str] = &["00.jsonl.zst", "01.jsonl.zst", "02.jsonl.zst"];
const NONE: &[&str] = &[];

/// What is done, and which tasks run again: by file those that read and those that apply; and
/// whether the stage reduces again.
struct Edit {
    name: &'static str,
    text: fn(&str) -> String,
    disk: fn(&Bench),
    /// Takes back what `disk` did.
    undo: fn(&Bench),
    read: &'static [&'static str],
    reduce: bool,
    apply: &'static [&'static str],
}

fn nothing(_: &Bench) {}

/// An edit of the pipeline file.
const fn text(
    name: &'static str,
    text: fn(&str) -> String,
    read: &'static [&'static str],
    reduce: bool,
    apply: &'static [&'static str],
) -> Edit {
    Edit { name, text, disk: nothing, undo: nothing, read, reduce, apply }
}

/// An edit of a file on disk, and how it is taken back.
const fn disk(
    name: &'static str,
    disk: fn(&Bench),
    undo: fn(&Bench),
    read: &'static [&'static str],
    reduce: bool,
    apply: &'static [&'static str],
) -> Edit {
    Edit { name, text: str::to_owned, disk, undo, read, reduce, apply }
}

/// Puts another text in the place of one that is there.
fn swap(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

const EDITS: &[Edit] = &[
    // What decides about nothing runs nothing.
    text("nothing at all", |base| base.to_owned(), NONE, false, NONE),
    text("a comment", |base| format!("# a comment\n{base}"), NONE, false, NONE),
    text(
        "the order of keys",
        |base| swap(base, "use = \"sample\"\nshare = 0.9", "share = 0.9\nuse = \"sample\""),
        NONE,
        false,
        NONE,
    ),
    text(
        "a default, spelled out",
        |base| swap(base, "min_words = 8", "min_words = 8\nmax_words = 100000"),
        NONE,
        false,
        NONE,
    ),
    text(
        "how many bad records are allowed",
        |base| swap(base, "seed = 7", "seed = 7\nmax_set_aside = 5"),
        NONE,
        false,
        NONE,
    ),
    text(
        "a test",
        |base| format!("{base}\n[[test]]\ninput = {{ text = \"\" }}\nexpect = {{ keep = true }}\n"),
        NONE,
        false,
        NONE,
    ),
    text(
        "the path of the corpus, written otherwise",
        |base| swap(base, "[\"corpus\"]", "[\"./corpus/*.zst\"]"),
        NONE,
        false,
        NONE,
    ),
    // What decides runs again, and what follows from it; where nothing follows, no more than that.
    text("a threshold that changes no document", |base| swap(base, "min_words = 8", "min_words = 9"), ALL, false, NONE),
    text("a condition that means the same here", |base| swap(base, "lang = 'en'", "lang <> 'zh'"), ALL, false, NONE),
    text("a threshold that drops documents", |base| swap(base, "min_words = 8", "min_words = 100"), ALL, true, ALL),
    text("a share", |base| swap(base, "share = 0.9", "share = 0.8"), ALL, true, ALL),
    text("the seed", |base| swap(base, "seed = 7", "seed = 8"), ALL, true, ALL),
    text(
        "another step",
        |base| {
            swap(
                base,
                "use = \"normalize\"\n",
                "use = \"normalize\"\n\n[[step]]\nuse = \"c4_lines\"\nmin_sentences = 1\n",
            )
        },
        ALL,
        true,
        ALL,
    ),
    text("a step less", |base| swap(base, "[[step]]\nuse = \"sample\"\nshare = 0.9\n", ""), ALL, true, ALL),
    text(
        "which duplicate stays",
        |base| swap(base, "use = \"exact_duplicates\"", "use = \"exact_duplicates\"\nkeep = \"longest\""),
        ALL,
        true,
        ALL,
    ),
    text("a sink behind the stage", |base| swap(base, "level = 1", "level = 2"), NONE, false, ALL),
    text("the largest document", |base| swap(base, "seed = 7", "seed = 7\nmax_document_mb = 8"), ALL, false, ALL),
    // Rows of measures have a column for every field and measure, so both phases make them anew.
    text(
        "a field that no document has",
        |base| swap(base, "n = \"integer\"", "n = \"integer\", m = \"text\""),
        ALL,
        false,
        ALL,
    ),
    text(
        "a filter behind the stage",
        |base| {
            swap(
                base,
                "[[sink]]",
                "[[step]]\nname = \"again\"\nuse = \"gopher_quality\"\nwhere = \"lang = 'en'\"\nmin_words = 8\n\n[[sink]]",
            )
        },
        ALL,
        false,
        ALL,
    ),
    disk(
        "a model",
        |bench| flip(bench, "lid.ftz", |length| length - 40),
        |bench| flip(bench, "lid.ftz", |length| length - 40),
        ALL,
        false,
        NONE,
    ),
    // The input.
    disk("a file touched", |bench| rewrite(bench, "corpus/00.jsonl.zst"), nothing, NONE, false, NONE),
    disk(
        "the corpus moved",
        |bench| move_corpus(bench, "corpus", "elsewhere"),
        |bench| move_corpus(bench, "elsewhere", "corpus"),
        NONE,
        false,
        NONE,
    ),
    disk(
        "a file appended",
        |bench| bench.write_file("corpus/03.jsonl.zst", 3, 300),
        |bench| fs::remove_file(bench.path("corpus/03.jsonl.zst")).unwrap(),
        &["03.jsonl.zst"],
        true,
        // Its texts that stand in earlier files too are dropped: those files keep their decisions.
        &["03.jsonl.zst"],
    ),
    disk(
        "a file taken away",
        |bench| fs::rename(bench.path("corpus/02.jsonl.zst"), bench.path("away")).unwrap(),
        |bench| fs::rename(bench.path("away"), bench.path("corpus/02.jsonl.zst")).unwrap(),
        NONE,
        true,
        NONE,
    ),
    disk(
        "a file rewritten in the middle, at the same length",
        |bench| flip(bench, "corpus/01.jsonl.zst", |length| length / 2),
        |bench| flip(bench, "corpus/01.jsonl.zst", |length| length / 2),
        &["01.jsonl.zst"],
        true,
        &["01.jsonl.zst", "02.jsonl.zst"],
    ),
];

fn flip(bench: &Bench, name: &str, place: fn(usize) -> usize) {
    let mut bytes = fs::read(bench.path(name)).unwrap();
    let at = place(bytes.len());
    bytes[at] ^= 0x01;
    fs::write(bench.path(name), bytes).unwrap();
}

fn rewrite(bench: &Bench, name: &str) {
    let bytes = fs::read(bench.path(name)).unwrap();
    fs::write(bench.path(name), bytes).unwrap();
}

/// Moves the files, and leaves a link where they were: what the pipeline says stays as it is.
fn move_corpus(bench: &Bench, from: &str, to: &str) {
    let (from, to) = (bench.path(from), bench.path(to));
    if to.is_symlink() {
        fs::remove_file(&to).unwrap();
        fs::rename(&from, &to).unwrap();
    } else {
        fs::create_dir(&to).unwrap();
        for entry in fs::read_dir(&from).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
        fs::remove_dir_all(&from).unwrap();
        std::os::unix::fs::symlink(&to, &from).unwrap();
    }
}

/// Runs a pipeline and tells which tasks of each phase ran.
fn ran(pipeline: &Path) -> (Vec<String>, bool, Vec<String>) {
    let output = run(pipeline, &["-o", "json", "--split", "1KiB"], 0);
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let names = |phase: usize| -> Vec<String> {
        let ran = told["tasks"][phase]["ran"].as_array().unwrap();
        ran.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    (names(0), !names(1).is_empty(), names(2))
}

#[test]
fn an_edit_runs_again_what_it_changes_and_nothing_else() {
    let bench = Bench::new(3, 300);
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/fasttext/lid.176.ftz");
    fs::copy(model, bench.path("lid.ftz")).unwrap();
    let pipeline = bench.path("edit.toml");
    let write = |text: String| fs::write(&pipeline, text).unwrap();
    write(BASE.to_owned());
    assert_eq!(ran(&pipeline), (names(ALL), true, names(ALL)), "the first run");
    assert!(EDITS.len() >= 20);
    let mut wrong = Vec::new();
    for edit in EDITS {
        write((edit.text)(BASE));
        (edit.disk)(&bench);
        let (read, reduce, apply) = ran(&pipeline);
        if (&read, reduce, &apply) != (&names(edit.read), edit.reduce, &names(edit.apply)) {
            wrong.push(format!("{}: read {read:?}, reduce {reduce}, apply {apply:?}", edit.name));
        }
        (edit.undo)(&bench);
        write(BASE.to_owned());
        let (_, reduce, _) = ran(&pipeline);
        assert!(!reduce, "{}, taken back: what stood before stands again", edit.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
