//! Near-duplicates through the command: what goes, what stays, and that nothing else decides about it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use wanjuan_dedup::minhash::{Scratch, Settings, Signer, jaccard, to_set};

use crate::engine::{same_as, whatever_happens};
use crate::kit::{Bench, files, mask, run};

/// A pipeline of one stage over the corpus of a bench.
fn stage(bench: &Bench, output: &str, step: &str) -> PathBuf {
    let text = format!(
        "[pipeline]\nname = \"duplicates\"\noutput = \"{output}\"\ndropped = \"all\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"corpus\"]\nfields = {{ dump = \"text\", score = \"number\" }}\n[[step]]\n{step}\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\ncompression = \"none\"\n"
    );
    fs::write(bench.path("stage.toml"), text).unwrap();
    bench.path("stage.toml")
}

/// Texts of 60 words in families, whose members differ in some words.
pub fn families(bench: &Bench, count: u64) -> Vec<String> {
    let mut state = 1_u64;
    let mut draw = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut texts = Vec::new();
    for _ in 0..count {
        let family = draw(count / 4);
        let mut words: Vec<String> = (0..60).map(|word| format!("w{}", (family * 7919 + word * 31) % 5000)).collect();
        for _ in 0..draw(5) {
            let at = draw(60) as usize;
            words[at] = format!("x{}", draw(1000));
        }
        // Every seventh is Chinese: each word a character.
        let text = match family % 7 {
            0 => words.iter().map(|word| char::from_u32(0x4e00 + word[1..].parse::<u32>().unwrap()).unwrap()).collect(),
            _ => words.join(" "),
        };
        texts.push(text);
    }
    for (file, part) in texts.chunks(texts.len().div_ceil(3)).enumerate() {
        let mut rows = String::new();
        for (line, text) in part.iter().enumerate() {
            let row = serde_json::json!({
                "id": format!("{}", file * texts.len().div_ceil(3) + line),
                "text": text,
                "dump": format!("{}", line % 2),
                "score": (line * 37 % 101) as f64,
            });
            rows.push_str(&format!("{row}\n"));
        }
        fs::write(bench.path(&format!("corpus/{file}.jsonl")), rows).unwrap();
    }
    texts
}

/// Rows of the sink by id.
pub fn kept(bench: &Bench, output: &str) -> BTreeMap<usize, Value> {
    let rows = files(&bench.path(&format!("{output}/clean")))
        .into_iter()
        .filter(|(name, _)| name.ends_with(".jsonl"))
        .flat_map(|(_, bytes)| String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect::<Vec<_>>());
    let row = |line: String| {
        let row: Value = serde_json::from_str(&line).unwrap();
        (row["id"].as_str().unwrap().parse().unwrap(), row)
    };
    rows.map(row).collect()
}

/// By text: the first of those it hangs together with by pairs whose exact similarity is 0.8 or more.
pub fn plain(texts: &[String], apart: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let signer = Signer::new(&Settings::default()).unwrap();
    let mut scratch = Scratch::default();
    let shingles: Vec<Vec<u64>> = texts
        .iter()
        .map(|text| {
            let mut shingles = Vec::new();
            signer.shingles(text, &mut scratch, &mut shingles);
            to_set(&mut shingles);
            shingles
        })
        .collect();
    let mut labels: Vec<usize> = (0..texts.len()).collect();
    for one in 0..texts.len() {
        for other in 0..one {
            if !apart(one, other) && jaccard(&shingles[one], &shingles[other]) >= 0.8 {
                let (low, high) = (labels[one].min(labels[other]), labels[one].max(labels[other]));
                labels.iter_mut().filter(|label| **label == high).for_each(|label| *label = low);
            }
        }
    }
    labels
}

#[test]
fn minhash_drops_what_brute_force_drops() {
    let bench = Bench::new(0, 0);
    let texts = families(&bench, 600);
    let labels = plain(&texts, |_, _| false);
    run(&stage(&bench, "first", "use = \"minhash\""), &["--threads", "2"], 0);
    let rows = kept(&bench, "first");
    let expected: Vec<usize> = (0..texts.len()).filter(|&text| labels[text] == text).collect();
    assert_eq!(rows.keys().copied().collect::<Vec<_>>(), expected);
    assert!((150..500).contains(&expected.len()), "{} of 600 stay", expected.len());
    for (&text, row) in &rows {
        assert_eq!(row["cluster_size"], labels.iter().filter(|&&label| label == text).count(), "{row}");
    }

    // The highest score stays; of equals the first.
    run(&stage(&bench, "highest", "use = \"minhash\"\nkeep = \"highest:score\""), &[], 0);
    let score = |text: usize| text % texts.len().div_ceil(3) * 37 % 101;
    let best = |label: usize| {
        let members = (0..texts.len()).filter(|&text| labels[text] == label);
        members.max_by_key(|&text| (score(text), std::cmp::Reverse(text))).unwrap()
    };
    let expected: std::collections::BTreeSet<usize> = labels.iter().map(|&label| best(label)).collect();
    assert_eq!(kept(&bench, "highest").into_keys().collect::<std::collections::BTreeSet<_>>(), expected);

    // Documents of different dumps are not compared.
    run(&stage(&bench, "scope", "use = \"minhash\"\nscope = \"dump\""), &[], 0);
    let dump = |text: usize| text % texts.len().div_ceil(3) % 2;
    let labels = plain(&texts, |one, other| dump(one) != dump(other));
    let expected: Vec<usize> = (0..texts.len()).filter(|&text| labels[text] == text).collect();
    assert_eq!(kept(&bench, "scope").into_keys().collect::<Vec<_>>(), expected);

    // Marked and weighted.
    run(&stage(&bench, "mark", "use = \"minhash\"\naction = \"mark\""), &[], 0);
    let marked = kept(&bench, "mark");
    assert_eq!(marked.len(), texts.len());
    let duplicates = marked.values().filter(|row| row["kept_instead"].is_string()).count();
    assert_eq!(duplicates, texts.len() - rows.len());
    run(&stage(&bench, "weight", "use = \"minhash\"\naction = \"weight\"\nweights = [[2, 2.0], [4, 0.5]]"), &[], 0);
    for row in kept(&bench, "weight").values() {
        let weight = match row["cluster_size"].as_u64().unwrap() {
            1 => 1.0,
            2 | 3 => 2.0,
            _ => 0.5,
        };
        assert_eq!(row["weight"], weight, "{row}");
    }
}

#[test]
fn what_is_not_verified_is_whatever_bands_bring_together() {
    let bench = Bench::new(0, 0);
    let texts = families(&bench, 300);
    let counts = ["none", "signature", "jaccard"].map(|verify| {
        run(&stage(&bench, verify, &format!("use = \"minhash\"\nverify = \"{verify}\"")), &[], 0);
        kept(&bench, verify).len()
    });
    let labels = plain(&texts, |_, _| false);
    let exact = labels.iter().enumerate().filter(|(text, label)| text == *label).count();
    assert_eq!(counts[2], exact);
    assert!(counts[0] < counts[1] && counts[1].abs_diff(exact) < exact / 10, "{counts:?} {exact}");
}

#[test]
fn near_duplicates_are_the_same_whatever_threads_memory_segments_damage_and_kills() {
    let bench = Bench::new(3, 900);
    let pipeline = |output: &str| {
        bench.pipeline(&format!("{output}.toml"), output, |text| {
            text.replace("use = \"exact_duplicates\"", "use = \"minhash\"\nkeep = \"longest\"")
        })
    };
    run(&pipeline("whole"), &["--threads", "2"], 0);
    let whole = bench.path("whole");
    mask(&whole, "whole");
    whatever_happens(pipeline, (0..8).map(|step| 40 + 90 * step), |name| same_as(&whole, &bench.path(name)));
    run(&pipeline("plain"), &["--threads", "2", "--plain-spool"], 0);
    same_as(&whole, &bench.path("plain"));
    // Every file that lies between the phases.
    let mut between = Vec::new();
    let mut folders = vec![bench.path("killed/.wanjuan")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { between.push(path) }
        }
    }
    between.retain(|path| path.display().to_string().contains("reduce-minhash"));
    between.sort();
    for name in ["links.blocks", "labels.run", "members.run", "decisions.run"] {
        assert!(between.iter().any(|path| path.ends_with(name)), "{name} of {between:?}");
    }
    for (number, path) in between.iter().enumerate() {
        let Ok(bytes) = fs::read(path) else { continue }; // replaced by a heal before
        match number % 3 {
            0 if !bytes.is_empty() => {
                let mut flipped = bytes.clone();
                flipped[bytes.len() / 2] ^= 0x10;
                fs::write(path, flipped).unwrap();
            }
            1 => fs::write(path, &bytes[..bytes.len() / 2]).unwrap(),
            _ => fs::remove_file(path).unwrap(),
        }
        for folder in ["lines", "table", "tokens", "measures", "dropped"] {
            let _ = fs::remove_dir_all(bench.path("killed").join(folder));
        }
        run(&pipeline("killed"), &[], 0);
        same_as(&whole, &bench.path("killed"));
    }
}

/// Texts of lines of which many are said in several documents, and what is left of each when only the first stays.
fn said_again(bench: &Bench, count: usize) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let mut left = Vec::new();
    let mut files = vec![String::new(); 3];
    for document in 0..count {
        let line = |line: usize| match document * 7 + line * line {
            key if key % 4 == 0 => format!("第{}行，很多文件都有这一行，只留下第一次。", key % 61),
            key if key % 4 == 1 => format!("Line {} is said in many documents.", key % 53),
            key => format!("Line {line} of {document}, {key}, is said once."),
        };
        let lines: Vec<String> = (0..9).map(line).collect();
        let kept: Vec<&str> = lines.iter().filter(|line| seen.insert((*line).clone())).map(String::as_str).collect();
        left.push(kept.join("\n"));
        let row =
            serde_json::json!({ "id": format!("{document}"), "text": lines.join("\n"), "dump": "", "score": 0.0 });
        files[document * 3 / count].push_str(&format!("{row}\n"));
    }
    for (file, rows) in files.iter().enumerate() {
        fs::write(bench.path(&format!("corpus/{file}.jsonl")), rows).unwrap();
    }
    left
}

#[test]
fn lines_that_were_said_before_are_cut_as_brute_force_cuts_them() {
    let bench = Bench::new(0, 0);
    let left = said_again(&bench, 700);
    let step = "use = \"duplicate_spans\"\nunit = \"line\"\nmin_chars = 5\nnormalize = \"exact\"";
    run(&stage(&bench, "first", step), &["--threads", "2"], 0);
    let rows = kept(&bench, "first");
    let some_left: Vec<usize> = (0..left.len()).filter(|&document| !left[document].is_empty()).collect();
    assert!((300..690).contains(&some_left.len()), "{}", some_left.len());
    assert_eq!(rows.keys().copied().collect::<Vec<_>>(), some_left);
    for (document, row) in &rows {
        assert_eq!(row["text"], left[*document], "{document}");
        assert_eq!(row["duplicate_spans"], 9 - left[*document].lines().count(), "{document}");
    }
    // What is dropped names a document before it that said one of its lines; what goes on names none.
    assert!(rows.values().all(|row| row.get("kept_instead").is_none()));
    let dropped = files(&bench.path("first/dropped/duplicate_spans"));
    let dropped: Vec<Value> = dropped
        .iter()
        .filter(|(name, _)| name.contains(".jsonl"))
        .flat_map(|(_, bytes)| zstd::decode_all(&bytes[..]).unwrap_or_else(|_| bytes.clone()))
        .collect::<Vec<u8>>()
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(dropped.len(), left.len() - some_left.len());
    let texts: Vec<String> = (0..3)
        .flat_map(|file| {
            fs::read_to_string(bench.path(&format!("corpus/{file}.jsonl")))
                .unwrap()
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .map(|row| serde_json::from_str::<Value>(&row).unwrap()["text"].as_str().unwrap().to_owned())
        .collect();
    for row in &dropped {
        let document: usize = row["id"].as_str().unwrap().parse().unwrap();
        let (_, first) = row["kept_instead"].as_str().unwrap().rsplit_once('#').unwrap();
        let first: usize = first.parse().unwrap();
        assert!(first < document, "{row}");
        assert!(texts[document].lines().any(|line| texts[first].lines().any(|said| said == line)), "{row}");
    }

    let first = bench.path("first");
    mask(&first, "first");
    let written = |name: &str| stage(&bench, name, step);
    whatever_happens(written, (0..4).map(|step| 40 + 90 * step), |name| same_as(&first, &bench.path(name)));
}

#[test]
fn the_disk_that_records_will_take_is_told_before_a_run() {
    let bench = Bench::new(0, 0);
    let texts = families(&bench, 6_000);
    fs::write(bench.path("corpus/-empty.jsonl"), "").unwrap(); // the first of the split
    let file = stage(&bench, "out", "use = \"minhash\"\nbands = 20\nrows = 5");
    let told = run(&file, &[], 0);
    let told = String::from_utf8(told.stderr).unwrap();
    let line = told.lines().find(|line| line.starts_with("minhash: about ")).expect("a line about records");
    let mib: f64 = line["minhash: about ".len()..].split(" MiB").next().unwrap().parse().unwrap();
    // A record of a band is 12 bytes, whatever the document.
    let all = (texts.len() * 20 * 12) as f64 / 1024.0 / 1024.0;
    assert!((0.8..1.3).contains(&(mib / all)), "{line}: {all:.0} MiB");
}

#[test]
fn a_plain_spool_is_counted_at_its_full_length() {
    let bench = Bench::new(0, 0);
    let texts = families(&bench, 6_000);
    let mut stored = 0;
    for number in 0..3 {
        let path = bench.path(&format!("corpus/{number}.jsonl"));
        let compressed = zstd::encode_all(&fs::read(&path).unwrap()[..], 3).unwrap();
        stored += compressed.len();
        fs::write(path.with_extension("jsonl.zst"), compressed).unwrap();
        fs::remove_file(path).unwrap();
    }
    let file = stage(&bench, "out", "use = \"exact_duplicates\"");
    let disk = |arguments: &[&str]| {
        let told = String::from_utf8(run(&file, arguments, 0).stderr).unwrap();
        let from = told.split(" of memory, about ").nth(1).expect("the disk is told");
        let (number, unit) = from.split_once(' ').unwrap();
        let unit = if unit.starts_with("KiB") { 1024.0 } else { 1024.0 * 1024.0 };
        number.parse::<f64>().unwrap() * unit
    };
    let grown = disk(&["--dry-run", "--plain-spool"]) - disk(&["--dry-run"]);
    let length: usize = texts.iter().map(String::len).sum();
    assert!((0.8..1.5).contains(&(grown / (length - stored) as f64)), "{grown} of {length}, stored {stored}");
}
