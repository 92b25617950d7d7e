//! What every stage promises alike: the same bytes whatever threads, memory, segments and kills; the same documents
//! whatever the order of the corpus; and damage between phases that is noticed, named and made good.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::engine::{kill_after, same_as};
use crate::kit::{Bench, damage, files, mask, run, same};

/// What stays the same when files of the corpus are renamed, and their rows turned around.
#[derive(Clone, Copy)]
enum Order {
    /// Ids and texts: the settings say which of several stays, and there are no ties.
    Documents,
    /// Texts alone: the first in the order of the corpus stays, of others that are equal to it.
    Texts,
    /// Lines of all texts: the first of equal lines stays, in whatever document.
    Lines,
    /// Nothing: passages that stay once overlap, and which of them is the first in the order of the corpus decides what
    /// is left of the others.
    Decides,
    /// How many stay: the first stays, of others that are like it.
    Count,
}

/// A stage by its settings. `INDEX` stands for an index of the output's own.
const STAGES: &[(&str, Order, &str)] = &[
    ("exact", Order::Texts, "use = \"exact_duplicates\"\nindex = \"INDEX\""),
    ("exact-highest", Order::Documents, "use = \"exact_duplicates\"\nkeep = \"highest:score\"\nscope = \"lang\""),
    ("exact-bloom", Order::Texts, "use = \"exact_duplicates\"\nbloom = { expected = 1e5, false_positives = 1e-8 }"),
    ("spans", Order::Lines, "use = \"duplicate_spans\"\nunit = \"line\"\nnormalize = \"exact\""),
    (
        "spans-bloom",
        Order::Lines,
        "use = \"duplicate_spans\"\nunit = \"line\"\nnormalize = \"exact\"\nbloom = { expected = 1e5, false_positives = 1e-8 }",
    ),
    (
        "substrings",
        Order::Documents,
        "use = \"repeated_substrings\"\nmin_chars = 50\ncut = \"character\"\nkeep = \"none\"",
    ),
    ("substrings-one", Order::Decides, "use = \"repeated_substrings\"\nmin_chars = 30\nmin_left_chars = 0"),
    ("substrings-tokens", Order::Documents, "use = \"repeated_substrings\"\nmin_tokens = 24\nkeep = \"none\""),
    ("semantic", Order::Documents, "use = \"semantic_duplicates\"\nkeep = \"highest:score\"\nindex = \"INDEX\""),
    ("minhash", Order::Documents, "use = \"minhash\"\nthreshold = 0.5\nkeep = \"highest:score\"\nindex = \"INDEX\""),
    ("minhash-none", Order::Count, "use = \"minhash\"\nverify = \"none\"\nindex = \"INDEX\""),
    ("top", Order::Documents, "use = \"top\"\nscore = \"score\"\nshare = 0.4\nscope = \"lang\"\nbins = 20"),
    ("repositories", Order::Texts, "use = \"repositories\""),
];

/// Rows of which some are equal, some nearly, and some share lines; files of repositories. No two have a score in common.
fn rows() -> Vec<Value> {
    let row = |at: usize| {
        let (family, kind) = (at * at % 61, at % 7);
        let own = |line: usize| match (family + line) % 5 {
            0 => format!("第{}行文字，这一行在许多文件里都有，讲的是{}条河流和它们的桥。", line, (family + line) % 11),
            1 => format!("Line {} stands in many documents and tells of rivers and bridges.", (family + line) % 13),
            _ => format!("Family {family} alone has line {line}, which no other one has said before or since."),
        };
        let mut lines: Vec<String> = (0..7).map(own).collect();
        match kind {
            0..3 => {}
            3..5 => lines[3].push_str(&format!(" But here {at}.")),
            _ => {
                lines =
                    (0..7).map(|line| format!("Document {at}: {line} is said by nobody, {}.", at * 31 + line)).collect()
            }
        }
        json!({
            "id": format!("{at}"), "text": lines.join("\n"), "score": ((at * 211) % 1009) as f64,
            "lang": (["en", "zh"][at % 2]), "repository": format!("r{}", at % 9), "path": format!("f{at}.py"),
        })
    };
    (0..360).map(row).collect()
}

fn write(bench: &Bench, rows: &[Value]) {
    for (file, part) in rows.chunks(rows.len().div_ceil(3)).enumerate() {
        let text: String = part.iter().map(|row| format!("{row}\n")).collect();
        fs::write(bench.path(&format!("corpus/{file}.jsonl")), text).unwrap();
    }
}

fn pipeline(bench: &Bench, output: &str, step: &str) -> PathBuf {
    let step = step.replace("INDEX", &format!("{output}-index"));
    let text = format!(
        "[pipeline]\nname = \"stages\"\noutput = \"{output}\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"corpus\"]\nfields = {{ score = \"number\", lang = \"text\", repository = \"text\", path = \"text\" }}\n[[step]]\n{step}\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\ncompression = \"none\"\n"
    );
    let path = bench.path(&format!("{output}.toml"));
    fs::write(&path, text).unwrap();
    path
}

/// Compares an output and its index with those of the undisturbed run.
fn alike(bench: &Bench, output: &str) {
    let index = bench.path(&format!("{output}-index"));
    if index.exists() {
        same(&bench.path("whole-index"), &index);
        let path = bench.path(&format!("{output}/run.json"));
        let text = fs::read_to_string(&path).unwrap().replace(&format!("{output}-index"), "whole-index");
        fs::write(path, text).unwrap();
    }
    same_as(&bench.path("whole"), &bench.path(output));
}

/// What the sink holds: id and text.
fn kept(bench: &Bench, output: &str) -> Vec<(String, String)> {
    let rows = files(&bench.path(&format!("{output}/clean")));
    let rows = rows.into_iter().filter(|(name, _)| name.ends_with(".jsonl"));
    let mut found = Vec::new();
    for (_, bytes) in rows {
        for line in String::from_utf8(bytes).unwrap().lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            found.push((row["id"].as_str().unwrap().to_owned(), row["text"].as_str().unwrap().to_owned()));
        }
    }
    found.sort();
    found
}

/// Runs a stage undisturbed, and tells how long that took.
fn whole(step: &str) -> (Bench, Duration) {
    let bench = Bench::new(0, 0);
    write(&bench, &rows());
    let started = Instant::now();
    run(&pipeline(&bench, "whole", step), &["--threads", "2"], 0);
    let took = started.elapsed();
    mask(&bench.path("whole"), "whole");
    (bench, took)
}

#[test]
fn every_stage_keeps_the_same_whatever_threads_memory_segments_kills_and_order() {
    for &(name, order, step) in STAGES {
        println!("{name}");
        let (bench, took) = whole(step);
        let all: Vec<(String, String)> = kept(&bench, "whole");
        let before: BTreeMap<String, String> = rows()
            .iter()
            .map(|row| (row["id"].as_str().unwrap().into(), row["text"].as_str().unwrap().into()))
            .collect();
        let untouched = all.iter().filter(|(id, text)| before[id] == *text).count();
        assert!(!all.is_empty() && untouched < before.len() - 20, "{name}: {untouched} documents are as they were");

        for (output, arguments) in [
            ("one", &["--threads", "1", "--memory", "400MiB"][..]),
            ("seven", &["--threads", "7", "--memory", "2GiB", "--segment", "8KiB"]),
            ("plain", &["--threads", "3", "--plain-spool"]),
        ] {
            run(&pipeline(&bench, output, step), arguments, 0);
            alike(&bench, output);
        }
        let killed = pipeline(&bench, "killed", step);
        // Small segments, as `kill_after` has them, take longer.
        for part in 1..6 {
            kill_after(&killed, took * part / 4);
        }
        run(&killed, &[], 0);
        alike(&bench, "killed");

        // Files renamed, and rows turned around.
        let mut turned = rows();
        turned.reverse();
        turned.rotate_left(47);
        write(&bench, &turned);
        run(&pipeline(&bench, "turned", step), &["--threads", "2"], 0);
        let turned = kept(&bench, "turned");
        let texts = |kept: &[(String, String)]| {
            let mut texts: Vec<String> = kept.iter().map(|(_, text)| text.clone()).collect();
            texts.sort();
            texts
        };
        let lines = |kept: &[(String, String)]| {
            let mut lines: Vec<String> = kept.iter().flat_map(|(_, text)| text.lines().map(str::to_owned)).collect();
            lines.sort();
            lines
        };
        match order {
            Order::Documents => assert_eq!(all, turned, "{name}"),
            Order::Texts => assert_eq!(texts(&all), texts(&turned), "{name}"),
            Order::Lines => assert_eq!(lines(&all), lines(&turned), "{name}"),
            Order::Decides => {}
            Order::Count => assert_eq!(all.len(), turned.len(), "{name}"),
        }
    }
}

/// Every file below a folder; none where there is no folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    if !folder.exists() {
        return Vec::new();
    }
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Forgets what is made after a file, so that the next run must read it.
fn forget_after(output: &Path, path: &Path) {
    // Phases of a run, kinds of tasks that reduce, and segments follow one another.
    let place = |path: &Path| {
        let work = path.strip_prefix(output.join(".wanjuan")).unwrap();
        let names: Vec<&str> = work.iter().map(|name| name.to_str().unwrap()).collect();
        let phase = match names[0].strip_prefix("map-") {
            Some(map) => 2 * map.split('-').next().unwrap().parse::<usize>().unwrap(),
            None => 1,
        };
        let kinds = ["labels-", "members-", "clusters-", "index-"];
        let kind = kinds.iter().position(|kind| names[2].starts_with(kind)).map_or(0, |at| at + 1);
        let segment = names[2].split_once('.').and_then(|(_, segment)| segment.get(..6)?.parse::<usize>().ok());
        (phase, kind, segment)
    };
    for record in below(&output.join(".wanjuan")) {
        if record.parent().is_some_and(|folder| folder.ends_with("records")) && place(&record) > place(path) {
            fs::remove_file(record).unwrap();
        }
    }
    for folder in ["clean", "measures"] {
        let _ = fs::remove_dir_all(output.join(folder));
    }
}

#[test]
fn damage_between_the_phases_of_every_stage_is_named_and_made_good() {
    for (number, &(name, _, step)) in STAGES.iter().enumerate() {
        let (bench, _) = whole(step);
        let healed = pipeline(&bench, "healed", step);
        let output = bench.path("healed");
        run(&healed, &["--segment", "24KiB"], 0);
        // What stages leave is damaged in every way; what every phase leaves, in one for each stage.
        let kind = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let ways = |kind: &str| match kind {
            "carry.blocks" | "lane0.blocks" | "lane1.blocks" | "lane2.blocks" => number % 3..number % 3 + 1,
            _ => 0..3,
        };
        let standing = || -> BTreeMap<String, PathBuf> {
            let all = below(&output.join(".wanjuan"));
            // An attempt counts if its record stands; those of tasks that ran again lie about until they are swept.
            let inode = |path: &Path| fs::metadata(path).map(|file| file.ino()).ok();
            let records = all.iter().filter(|path| path.parent().is_some_and(|folder| folder.ends_with("records")));
            let records: BTreeSet<u64> = records.filter_map(|path| inode(path)).collect();
            let made = all.into_iter().filter(|path| {
                let ending = path.extension().is_some_and(|ending| ending == "blocks" || ending == "run");
                let stands = inode(&path.with_file_name("record.json")).is_some_and(|of| records.contains(&of));
                ending && stands && fs::metadata(path).unwrap().len() > 0
            });
            made.map(|path| (kind(&path), path)).collect()
        };
        let kinds: Vec<String> = standing().into_keys().collect();
        let clusters = step.contains("minhash") || step.contains("semantic");
        let expected = match clusters {
            true => &["links.blocks", "labels.run", "members.run", "decisions.run"][..],
            false => &["decisions.run"],
        };
        for expected in [expected, &["carry.blocks", "lane0.blocks", "stage0.run"]].concat() {
            let looks_again = !step.contains("\"none\"") || expected != "members.run";
            assert!(!looks_again || kinds.iter().any(|kind| kind == expected), "{name}: no {expected} in {kinds:?}");
        }
        for kind in &kinds {
            for way in ways(kind) {
                let path = &standing()[kind];
                forget_after(&output, path);
                damage(path, way);
                let told = String::from_utf8(run(&healed, &["--segment", "24KiB"], 0).stderr).unwrap();
                let place = path.strip_prefix(bench.folder.path()).unwrap().display().to_string();
                let is_named = |line: &str| line.contains(&place) && line.contains("the task that wrote it runs again");
                assert!(told.lines().any(is_named), "{name}: {place} {way}\n{told}");
                alike(&bench, "healed");
            }
        }

        let parts = || below(&bench.path("healed-index")).into_iter().filter(|path| !path.ends_with("_manifest.json"));
        for (way, path) in (0..3).flat_map(|way| parts().map(move |path| (way, path))) {
            damage(&path, way);
            let told = String::from_utf8(run(&healed, &[], 0).stderr).unwrap();
            let is_named = |line: &str| line.contains(path.to_str().unwrap()) && line.contains("it is written again");
            assert!(told.lines().any(is_named), "{name}: {} {way}\n{told}", path.display());
            alike(&bench, "healed");
        }
    }
}
