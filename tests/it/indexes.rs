//! Indexes: a new crawl is cleaned against old ones without reading them again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use wanjuan::engine::commit::digest;
use wanjuan::engine::index::Manifest;
use wanjuan::engine::shuffle::{Record, Run, Writer};
use wanjuan_dedup::minhash::{Scratch, Settings, Signer};

use crate::duplicates::{families, kept, plain};
use crate::engine::whatever_happens;
use crate::kit::{Bench, files, mask, run, same, wanjuan};

/// A pipeline of one stage over one file of the corpus or all of it.
fn pipeline(bench: &Bench, output: &str, corpus: &str, step: &str) -> PathBuf {
    let text = format!(
        "[pipeline]\nname = \"{output}\"\noutput = \"{output}\"\ndropped = \"all\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"{corpus}\"]\nfields = {{ dump = \"text\", score = \"number\" }}\n[[step]]\n{step}\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\ncompression = \"none\"\n"
    );
    let path = bench.path(&format!("{output}.toml"));
    fs::write(&path, text).unwrap();
    path
}

/// Runs it, and tells which documents stay.
fn stay(bench: &Bench, output: &str, corpus: &str, step: &str) -> BTreeSet<usize> {
    run(&pipeline(bench, output, corpus, step), &["--threads", "2"], 0);
    kept(bench, output).into_keys().collect()
}

/// Numbers of the texts of a file, whose files have a third each.
fn of_file(texts: &[String], file: usize) -> std::ops::Range<usize> {
    let third = texts.len().div_ceil(3);
    file * third..((file + 1) * third).min(texts.len())
}

#[test]
fn three_crawls_in_a_row_keep_exactly_what_one_run_over_all_keeps() {
    let bench = Bench::new(0, 0);
    let texts = families(&bench, 600);
    // Exact duplicates: some texts stand in other files too.
    let texts: Vec<String> = (0..texts.len()).map(|at| texts[at * at % 97 + (at % 5) * 100].clone()).collect();
    let third = texts.len().div_ceil(3);
    let page = |at: usize| if at.is_multiple_of(3) { at % 101 } else { at };
    for file in 0..3 {
        let row = |at: usize| serde_json::json!({ "id": format!("{at}"), "text": texts[at], "dump": "", "score": at as f64, "url": format!("http://a.com/{}", page(at)) });
        let rows: String = of_file(&texts, file).map(|at| format!("{}\n", row(at))).collect();
        fs::write(bench.path(&format!("corpus/{file}.jsonl")), rows).unwrap();
    }
    for (kind, step) in [
        ("text", "use = \"exact_duplicates\""),
        ("highest", "use = \"exact_duplicates\"\nkeep = \"highest:score\""),
        ("url", "use = \"exact_duplicates\"\nof = \"url\""),
    ] {
        let name = |part: &str| format!("{kind}-{part}");
        let step = match kind {
            // The jsonl source reads addresses only where it is told to.
            "url" => format!("{step}\nfield = \"dump\""),
            _ => step.to_owned(),
        };
        if kind == "url" {
            for file in 0..3 {
                let path = bench.path(&format!("corpus/{file}.jsonl"));
                let text =
                    fs::read_to_string(&path).unwrap().replace("\"dump\":\"\",", "").replace("\"url\":", "\"dump\":");
                fs::write(path, text).unwrap();
            }
        }
        let key = |at: usize| if kind == "url" { format!("{}", page(at)) } else { texts[at].clone() };
        let first = stay(&bench, &name("1"), "corpus/0.jsonl", &format!("{step}\nindex = \"{}\"", name("a")));
        let second = stay(
            &bench,
            &name("2"),
            "corpus/1.jsonl",
            &format!("{step}\nagainst = [\"{}\"]\nindex = \"{}\"", name("a"), name("b")),
        );
        let both = format!("{step}\nagainst = [\"{}\", \"{}\"]", name("a"), name("b"));
        let last = stay(&bench, &name("3"), "corpus/2.jsonl", &both);
        let (mut seen, mut expected) = (BTreeSet::new(), Vec::new());
        for file in 0..3 {
            let file: Vec<usize> = of_file(&texts, file).collect();
            let mut best: BTreeMap<String, usize> = BTreeMap::new();
            for &at in &file {
                let better = kind == "highest" || !best.contains_key(&key(at));
                if !seen.contains(&key(at)) && better {
                    best.insert(key(at), at);
                }
            }
            seen.extend(best.keys().cloned());
            expected.push(best.into_values().collect::<BTreeSet<usize>>());
        }
        assert_eq!([&first, &second, &last], [&expected[0], &expected[1], &expected[2]], "{kind}");
        assert!(
            second.len() < third * 9 / 10 && last.len() < third * 9 / 10,
            "{kind}: {} {}",
            second.len(),
            last.len()
        );
        if kind != "highest" {
            let all = stay(&bench, &name("all"), "corpus", &step);
            assert_eq!(all, first.iter().chain(&second).chain(&last).copied().collect(), "{kind}");
        }
    }
}

/// By text: the first of those it hangs together with by pairs that share a band.
fn by_bands(texts: &[String]) -> Vec<usize> {
    let signer = Signer::new(&Settings::default()).unwrap();
    let (mut scratch, mut signature) = (Scratch::default(), Vec::new());
    let mut labels: Vec<usize> = (0..texts.len()).collect();
    let mut first: BTreeMap<u128, usize> = BTreeMap::new();
    for (number, text) in texts.iter().enumerate() {
        signer.sign(text, &mut scratch, &mut signature);
        signer.band_keys(&signature, |_, key| {
            let (one, other) = (labels[*first.entry(key).or_insert(number)], labels[number]);
            let (low, high) = (one.min(other), one.max(other));
            labels.iter_mut().filter(|label| **label == high).for_each(|label| *label = low);
        });
    }
    labels
}

#[test]
fn near_duplicates_of_an_index_go_as_brute_force_says() {
    let bench = Bench::new(0, 0);
    let texts = families(&bench, 600);
    for (verify, keep) in [("none", "first"), ("none", "longest"), ("jaccard", "first"), ("jaccard", "highest:score")] {
        let kind = format!("{verify}-{}", keep.replace(':', "-"));
        let step = format!("use = \"minhash\"\nverify = \"{verify}\"\nkeep = \"{keep}\"");
        let old = stay(&bench, &format!("{kind}-a"), "corpus/0.jsonl", &format!("{step}\nindex = \"{kind}\""));
        let new = stay(&bench, &format!("{kind}-b"), "corpus/1.jsonl", &format!("{step}\nagainst = [\"{kind}\"]"));
        // What stays of the old crawl, and then the new one.
        let numbers: Vec<usize> = old.iter().copied().chain(of_file(&texts, 1)).collect();
        let together: Vec<String> = numbers.iter().map(|&number| texts[number].clone()).collect();
        let labels = if verify == "none" { by_bands(&together) } else { plain(&together, |_, _| false) };
        let alone: BTreeSet<usize> = (old.len()..numbers.len()).filter(|&at| labels[at] >= old.len()).collect();
        let clusters: BTreeSet<usize> = alone.iter().map(|&at| labels[at]).collect();
        assert_eq!(new.len(), clusters.len(), "{kind}");
        for number in &new {
            let at = old.len() + number - of_file(&texts, 1).start;
            assert!(alone.contains(&at), "{kind}: {number} is like one of the index");
            assert!(keep != "first" || labels[at] == at, "{kind}: {number} is not the first");
        }
        assert!(new.len() < of_file(&texts, 1).len() * 4 / 5, "{kind}: {} stay", new.len());
    }
}

#[test]
fn an_index_and_what_is_cleaned_against_it_are_the_same_whatever_threads_memory_and_kills() {
    let bench = Bench::new(3, 600);
    fs::create_dir(bench.path("old")).unwrap();
    fs::rename(bench.path("corpus/00.jsonl.zst"), bench.path("old/00.jsonl.zst")).unwrap();
    let old = bench.pipeline("old.toml", "before", |text| {
        text.replace("\"corpus\"", "\"old\"").replace(
            "use = \"exact_duplicates\"",
            "use = \"exact_duplicates\"\nindex = \"exact\"\n[[step]]\nuse = \"minhash\"\nindex = \"near\"",
        )
    });
    run(&old, &[], 0);
    let pipeline = |output: &str| {
        bench.pipeline(&format!("{output}.toml"), output, |text| {
            text.replace(
                "use = \"exact_duplicates\"",
                &format!("use = \"exact_duplicates\"\nagainst = [\"exact\"]\nindex = \"{output}-exact\"\n[[step]]\nuse = \"minhash\"\nkeep = \"longest\"\nagainst = [\"near\"]\nindex = \"{output}-near\""),
            )
        })
    };
    let unnamed = |output: &str| {
        mask(&bench.path(output), output);
        let path = bench.path(&format!("{output}/run.json"));
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replace(&format!("{output}-exact"), "exact").replace(&format!("{output}-near"), "near"))
            .unwrap();
    };
    let alike = |output: &str| {
        for kind in ["exact", "near"] {
            same(&bench.path(&format!("whole-{kind}")), &bench.path(&format!("{output}-{kind}")));
        }
        unnamed(output);
        same(&bench.path("whole"), &bench.path(output));
    };
    run(&pipeline("whole"), &["--threads", "2"], 0);
    unnamed("whole");
    whatever_happens(pipeline, (0..8).map(|step| 40 + 70 * step), alike);
    // A part that is lost is written again, and a second run finds all there.
    let part = files(&bench.path("killed-near")).into_keys().find(|name| name.ends_with(".keys")).unwrap();
    fs::remove_file(bench.path("killed-near").join(part)).unwrap();
    run(&pipeline("killed"), &[], 0);
    alike("killed");
}

#[test]
fn why_names_the_document_of_the_index_and_an_index_that_changed_is_another_plan() {
    let bench = Bench::new(0, 0);
    let line = |id: &str, text: &str| format!("{}\n", serde_json::json!({ "id": id, "text": text }));
    fs::write(bench.path("corpus/old.jsonl"), line("old#1", "The same text.") + &line("old-2", "Another one."))
        .unwrap();
    fs::write(bench.path("corpus/new.jsonl"), line("new-1", "the same TEXT") + &line("new-2", "A third one.")).unwrap();
    let step = "use = \"exact_duplicates\"";
    let head = |output: &str, corpus: &str, step: &str| {
        let path = pipeline(&bench, output, corpus, step);
        let text = fs::read_to_string(&path).unwrap().replace("fields = { dump = \"text\", score = \"number\" }\n", "");
        fs::write(&path, text).unwrap();
        path
    };
    run(&head("old", "corpus/old.jsonl", &format!("{step}\nindex = \"indexes/旧\"")), &[], 0);
    let new = head("new", "corpus/new.jsonl", &format!("{step}\nagainst = [\"indexes/旧\"]"));
    run(&new, &[], 0);
    let told = wanjuan(&["why", bench.path("new").to_str().unwrap(), "new-1"]);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("kept in its stead: old#1, of the index indexes/旧"), "{told}");
    let told = wanjuan(&["why", bench.path("new").to_str().unwrap(), "new-1", "-o", "json"]);
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(
        (told[0]["kept_instead"].as_str(), told[0]["kept_in_index"].as_str()),
        (Some("old#1"), Some("indexes/旧"))
    );
    let told = wanjuan(&["duplicates", bench.path("new").to_str().unwrap()]);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("kept: old#1"), "{told}");
    // The old crawl again, with a text more: the new one loses it.
    fs::write(bench.path("corpus/old.jsonl"), line("old#1", "The same text.") + &line("old-3", "A third one."))
        .unwrap();
    run(&bench.path("old.toml"), &[], 0);
    run(&new, &[], 0);
    let left = files(&bench.path("new/clean"));
    assert!(left.keys().all(|name| !name.ends_with(".jsonl")), "{left:?}");
}

/// What `command` says of a pipeline, without the folder's name.
fn said(bench: &Bench, command: &str, pipeline: &Path, code: i32) -> String {
    let output = wanjuan(&[command, pipeline.to_str().unwrap()]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{told}");
    told.replace(&format!("{}/", bench.folder.path().display()), "")
}

#[test]
fn an_index_that_cannot_serve_is_refused_with_the_repair() {
    let bench = Bench::new(0, 0);
    families(&bench, 90);
    let old = pipeline(&bench, "old", "corpus/0.jsonl", "use = \"minhash\"\nindex = \"old-index\"");
    run(&old, &[], 0);
    let check = |step: &str| said(&bench, "check", &pipeline(&bench, "new", "corpus/1.jsonl", step), 2);
    insta::assert_snapshot!(check("use = \"minhash\"\nbands = 20\nagainst = [\"old-index\"]"));
    insta::assert_snapshot!(check("use = \"exact_duplicates\"\nagainst = [\"old-index\", \"old-index\", \"none\"]"));
    insta::assert_snapshot!(check("use = \"normalize\"\nindex = \"a\""));
    insta::assert_snapshot!(check("use = \"minhash\"\nindex = \"old-index\"\nagainst = [\"old-index\", \"new\"]"));
    insta::assert_snapshot!(check("use = \"minhash\"\nindex = \"new/clean/index\"\nagainst = \"old-index\""));
    let told = check("use = \"exact_duplicates\"\nbloom = { expected = 1000 }\nindex = \"a\"");
    // The same pipeline over the next crawl, beside another output, would put its index in the place of the old one.
    let moved = fs::read_to_string(&old)
        .unwrap()
        .replace("output = \"old\"", "output = \"moved\"")
        .replace("corpus/0", "corpus/1");
    fs::write(bench.path("moved.toml"), moved).unwrap();
    let moved = said(&bench, "run", &bench.path("moved.toml"), 2);
    assert!(moved.contains("`old-index` holds the index that this pipeline wrote beside another output"), "{moved}");
    assert!(moved.contains("give `index` a folder of its own"), "{moved}");
    assert!(told.contains("a Bloom filter keeps no index") && told.contains("leave out `bloom`"), "{told}");
    // What another pipeline made, or no run, is not overwritten.
    insta::assert_snapshot!(check("use = \"minhash\"\nindex = \"old-index\""));
    assert!(check("use = \"minhash\"\nindex = \"corpus\"").contains("already holds corpus/0.jsonl"));

    let against = pipeline(&bench, "new", "corpus/1.jsonl", "use = \"minhash\"\nagainst = [\"old-index\"]");
    let damage = |name: &str, change: &dyn Fn(&mut Vec<u8>), command: &str, code: i32| {
        let path = bench.path(&format!("old-index/{name}"));
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        change(&mut changed);
        fs::write(&path, changed).unwrap();
        let told = said(&bench, command, &against, code);
        fs::write(&path, whole).unwrap();
        assert!(told.contains("`old-index`") && told.contains("leave it out of `against`"), "{told}");
        told
    };
    damage("part-00000.keys", &|bytes| bytes.truncate(100), "check", 2);
    damage("part-00000.documents", &|bytes| bytes.truncate(100), "run", 2);
    damage("_manifest.json", &|bytes| bytes[40] ^= 1, "check", 2);
    let flip: &dyn Fn(&mut Vec<u8>) = &|bytes| bytes[20] ^= 1;
    assert!(damage("part-00000.keys", flip, "run", 4).contains("part-00000.keys"));
    assert!(damage("part-00000.documents", flip, "run", 4).contains("part-00000.documents"));
    run(&against, &[], 0);
}

#[test]
fn the_step_that_the_readme_shows_is_cleaned_against_two_indexes() {
    let bench = Bench::new(0, 0);
    let texts = families(&bench, 300);
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, block) = readme.split_once("```toml\n[[step]]\nuse = \"minhash\"").unwrap();
    let shown = format!("use = \"minhash\"{}", block.split_once("```").unwrap().0);
    let first = stay(&bench, "1", "corpus/0.jsonl", "use = \"minhash\"\nindex = \"indexes/2024-10\"");
    // Written apart: the two hold documents that are alike.
    stay(&bench, "2", "corpus/1.jsonl", "use = \"minhash\"\nindex = \"indexes/2024-18\"");
    let last = stay(&bench, "3", "corpus/2.jsonl", &shown);
    let index = fs::read_to_string(bench.path("indexes/2024-22/_manifest.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    assert_eq!(index["documents"], last.len());
    let both = stay(&bench, "4", "corpus/0.jsonl", &shown.replace("2024-22", "2024-26"));
    assert!(both.is_empty(), "{both:?} are in the first index");
    assert!(!first.is_empty() && last.len() < of_file(&texts, 2).len());
}

#[test]
fn the_disk_that_an_index_will_take_is_told_before_a_run() {
    let bench = Bench::new(0, 0);
    let texts: BTreeSet<String> = families(&bench, 3_000).into_iter().collect();
    // Of equal texts one stays, and of the others none.
    let rows = |(at, text)| {
        format!("{}\n", serde_json::json!({ "id": format!("{at}"), "text": text, "dump": "", "score": 0 }))
    };
    fs::write(bench.path("corpus/0.jsonl"), texts.iter().enumerate().map(rows).collect::<String>()).unwrap();
    let length = |folder: &Path| files(folder).into_values().map(|bytes| bytes.len()).sum::<usize>() as f64;
    let told = |output: &str, step: &str| {
        let file = pipeline(&bench, output, "corpus/0.jsonl", step);
        let told = run(&file, &["--dry-run", "--output", "json"], 0).stdout;
        serde_json::from_slice::<serde_json::Value>(&told).unwrap()
    };
    for (kind, step, range) in [
        // Records of bands are hashes, which cannot be compressed.
        ("bands", "use = \"minhash\"\nbands = 20\nrows = 5\nverify = \"none\"", 0.95..1.3),
        // Signatures that are near to each other can, and ids.
        ("signatures", "use = \"minhash\"\nbands = 20\nrows = 5\nverify = \"signature\"", 0.95..1.8),
        ("exact", "use = \"exact_duplicates\"", 0.95..1.8),
    ] {
        let name = step.split('"').nth(1).unwrap();
        let with = format!("{step}\nindex = \"index-{kind}\"");
        let (plain, counted) = (told(&format!("plain-{kind}"), step), told(kind, &with));
        let bytes = counted["index_bytes"][name].as_u64().unwrap();
        assert_eq!(plain["index_bytes"], serde_json::json!({}));
        assert_eq!(counted["disk_bytes"].as_u64().unwrap(), plain["disk_bytes"].as_u64().unwrap() + bytes);
        let ran = run(&pipeline(&bench, kind, "corpus/0.jsonl", &with), &[], 0);
        let line = format!("{name}: at most about ");
        assert!(String::from_utf8(ran.stderr).unwrap().lines().any(|told| told.starts_with(&line)));
        let stay = kept(&bench, kind).len() as f64 / texts.len() as f64;
        let ratio = bytes as f64 * stay / length(&bench.path(&format!("index-{kind}")));
        assert!(range.contains(&ratio), "{kind}: {bytes} bytes, {ratio}, {stay} stay");
    }
}

/// Writes a file of an index again, each record as `change` leaves it, under a manifest that says so.
fn craft(bench: &Bench, name: &str, change: &dyn Fn(&mut Vec<u8>, &mut u64)) {
    let path = bench.path(&format!("crafted/{name}"));
    let mut records = Vec::new();
    let mut cursor = Run::open(&path).unwrap().range(0..=u128::MAX).unwrap();
    while let Some(Record { key, value, origin }) = cursor.record() {
        let (mut value, mut origin) = (value.to_vec(), origin);
        change(&mut value, &mut origin.ordinal);
        records.push((key, value, origin));
        cursor.advance().unwrap();
    }
    records.sort();
    let mut writer = Writer::create(&path, false).unwrap();
    records.iter().for_each(|(key, value, origin)| writer.push(Record { key: *key, value, origin: *origin }).unwrap());
    let (_, footer) = writer.finish().unwrap();
    let place = bench.path("crafted/_manifest.json");
    let mut manifest: Manifest = serde_json::from_slice(&fs::read(&place).unwrap()).unwrap();
    for part in &mut manifest.parts {
        for file in std::iter::once(&mut part.keys).chain(&mut part.said).filter(|file| file.name == name) {
            let bytes = fs::read(&path).unwrap();
            (file.length, file.blake3, file.digest) = (bytes.len() as u64, digest(&bytes), footer.clone());
        }
    }
    manifest.check.clear();
    manifest.check = digest(&serde_json::to_vec(&manifest).unwrap());
    fs::write(place, serde_json::to_vec(&manifest).unwrap()).unwrap();
}

#[test]
fn records_that_no_step_writes_are_refused_with_the_index_they_are_of() {
    let bench = Bench::new(0, 0);
    families(&bench, 240);
    // What both crawls hold.
    fs::copy(bench.path("corpus/0.jsonl"), bench.path("corpus/1.jsonl")).unwrap();
    type Change = &'static dyn Fn(&mut Vec<u8>, &mut u64);
    let cut: Change = &|value, _| value.truncate(value.len().saturating_sub(1));
    let empty: Change = &|value, _| value.clear();
    let long: Change = &|value, _| value.push(0xff);
    let short: Change = &|value, _| value.truncate(12);
    let zeros: Change = &|value, _| value.fill(0);
    let flipped: Change = &|value, _| value.iter_mut().for_each(|byte| *byte ^= 0x55);
    let elsewhere: Change = &|_, ordinal| *ordinal += 1_000;
    let ways = [cut, empty, long, short, zeros, flipped, elsewhere];
    for (kind, step, file, refused) in [
        ("exact", "use = \"exact_duplicates\"", "part-00000.keys", [true, true, false, false, false, true, false]),
        ("jaccard", "use = \"minhash\"", "part-00000.documents", [true, true, true, true, true, true, false]),
        (
            "signature",
            "use = \"minhash\"\nverify = \"signature\"",
            "part-00000.documents",
            [true, true, true, true, true, true, false],
        ),
        ("bands", "use = \"minhash\"", "part-00000.keys", [false, false, false, false, false, false, true]),
        (
            "semantic",
            "use = \"semantic_duplicates\"",
            "part-00000.documents",
            [true, true, false, true, false, true, false],
        ),
        ("planes", "use = \"semantic_duplicates\"", "part-00000.keys", [true, true, true, true, false, false, true]),
    ] {
        run(
            &pipeline(&bench, &format!("{kind}-old"), "corpus/0.jsonl", &format!("{step}\nindex = \"{kind}\"")),
            &[],
            0,
        );
        let file_of = |name: &str| fs::read(bench.path(&format!("{kind}/{name}"))).unwrap();
        for (number, (way, refused)) in ways.into_iter().zip(refused).enumerate() {
            let _ = fs::remove_dir_all(bench.path("crafted"));
            fs::create_dir(bench.path("crafted")).unwrap();
            for name in files(&bench.path(kind)).into_keys() {
                fs::write(bench.path(&format!("crafted/{name}")), file_of(&name)).unwrap();
            }
            craft(&bench, file, way);
            let step = format!("{step}\nagainst = [\"crafted\"]");
            let new = pipeline(&bench, &format!("{kind}-{number}"), "corpus/1.jsonl", &step);
            let told = wanjuan(&["run", new.to_str().unwrap(), "--threads", "2"]);
            let (told, code) = (String::from_utf8(told.stderr).unwrap(), told.status.code());
            assert!(!told.contains("panicked"), "{kind} {number}: {told}");
            assert_eq!(code, Some(if refused { 4 } else { 0 }), "{kind} {number}: {told}");
            let named = told.contains("the index `crafted` is damaged") && told.contains("part-00000.");
            assert!(!refused || named, "{kind} {number}: {told}");
        }
    }
}

#[test]
fn an_index_of_another_version_or_format_or_of_a_run_at_work_is_refused() {
    let bench = Bench::new(0, 0);
    families(&bench, 90);
    run(&pipeline(&bench, "old", "corpus/0.jsonl", "use = \"minhash\"\nindex = \"held\""), &[], 0);
    let new = pipeline(&bench, "new", "corpus/1.jsonl", "use = \"minhash\"\nagainst = [\"held\"]");
    let place = bench.path("held/_manifest.json");
    let whole: Manifest = serde_json::from_slice(&fs::read(&place).unwrap()).unwrap();
    type Change = fn(&mut Manifest);
    let changes: [(Change, &str); 4] = [
        (|manifest| manifest.version += 1, "was written by version"),
        (|manifest| manifest.index_format += 1, "has the format"),
        (|manifest| manifest.complete = false, "is not finished: the pipeline `old` is still writing it"),
        (|manifest| manifest.parts[0].keys.name = "../old.toml".to_owned(), "is damaged"),
    ];
    for (change, what) in changes {
        let mut manifest = whole.clone();
        change(&mut manifest);
        manifest.check.clear();
        manifest.check = digest(&serde_json::to_vec(&manifest).unwrap());
        fs::write(&place, serde_json::to_vec(&manifest).unwrap()).unwrap();
        for command in ["check", "run"] {
            let told = said(&bench, command, &new, 2);
            assert!(told.contains("the index `held`") && told.contains(what) && told.contains("help: "), "{told}");
        }
    }
}
