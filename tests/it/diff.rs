//! `wanjuan diff`: two verdicts on the same documents.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::Value;

use crate::kit::{Bench, run, wanjuan};

fn diff(arguments: &[&str]) -> Value {
    let output = wanjuan(&[&["diff", "-o", "json"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    adds_up(&told["diff"]);
    told["diff"].clone()
}

fn number(diff: &Value, name: &str) -> u64 {
    diff[name].as_u64().unwrap()
}

fn adds_up(diff: &Value) {
    let parts = ["both_keep", "both_drop", "only_a_keeps", "only_b_keeps"].map(|name| number(diff, name));
    assert_eq!(parts.iter().sum::<u64>(), number(diff, "documents"));
    let cells: u64 = diff["cells"].as_array().unwrap().iter().map(|cell| number(cell, "documents")).sum();
    assert_eq!(cells, number(diff, "documents") + number(diff, "only_in_a") + number(diff, "only_in_b"));
}

fn kept(output: &Path) -> u64 {
    let record: Value = serde_json::from_slice(&fs::read(output.join("run.json")).unwrap()).unwrap();
    record["counts"]["sinks"]["lines"]["documents"].as_u64().unwrap()
}

#[test]
fn pipelines_and_the_outputs_they_make_differ_alike() {
    let bench = Bench::new(2, 200);
    let one = bench.pipeline("one.toml", "one", |text| text);
    let two = bench.pipeline("two.toml", "two", |text| text.replace("min_words = 8", "min_words = 118"));
    run(&one, &[], 0);
    run(&two, &[], 0);
    let (one_out, two_out) = (bench.path("one"), bench.path("two"));
    let outputs = diff(&[one_out.to_str().unwrap(), two_out.to_str().unwrap()]);
    let work = bench.path("work");
    let pipelines = diff(&[one.to_str().unwrap(), two.to_str().unwrap(), "--work", work.to_str().unwrap()]);
    assert_eq!(outputs, pipelines);
    assert!(work.join("a/run.json").is_file() && !work.join("join").exists(), "runs stay, the rest goes");
    assert_eq!((&outputs["joined_by"], number(&outputs, "documents")), (&Value::from("place"), 400));
    assert_eq!(number(&outputs, "both_keep") + number(&outputs, "only_a_keeps"), kept(&one_out));
    assert_eq!(number(&outputs, "both_keep") + number(&outputs, "only_b_keeps"), kept(&two_out));
    let cell = |a: &str, b: &str| {
        let cells = outputs["cells"].as_array().unwrap();
        cells
            .iter()
            .find(|cell| cell["a"] == a && cell["b"] == b)
            .unwrap_or_else(|| panic!("{a} {b}: {outputs:#}"))
            .clone()
    };
    let dropped = cell("kept", "gopher_quality: too_few_words");
    let example = &dropped["examples"][0];
    assert_eq!(dropped["examples"].as_array().unwrap().len(), 3);
    let decided = (&example["a"][0], &example["b"][0]);
    assert_eq!((&decided.0["measure"], &decided.0["value"]), (&decided.1["measure"], &decided.1["value"]));
    assert_eq!((decided.0["min"].as_f64(), decided.1["min"].as_f64()), (Some(8.0), Some(118.0)));
    assert!(example["text"].as_str().unwrap().starts_with("Entry ") && example["language"] == "en");
    assert!(cell("kept", "kept")["examples"].as_array().unwrap().is_empty());
    assert_eq!(diff(&[one_out.to_str().unwrap(), one_out.to_str().unwrap()])["only_a_keeps"], 0);
}

#[test]
fn a_list_of_ids_is_compared_whatever_its_form() {
    let bench = Bench::new(2, 100);
    run(&bench.pipeline("p.toml", "out", |text| text), &[], 0);
    let out = bench.path("out");
    let mut ids = Vec::new();
    let lines = zstd::stream::decode_all(fs::File::open(out.join("lines/part-00000.jsonl.zst")).unwrap()).unwrap();
    for line in String::from_utf8(lines).unwrap().lines() {
        ids.push(serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned());
    }
    // Half of them, one twice, and two that nobody knows.
    let half = ids.len() / 2;
    let listed: Vec<&str> = ids[..half].iter().map(String::as_str).chain([ids[0].as_str(), "nobody", "河"]).collect();
    fs::write(bench.path("ids.txt"), listed.join("\n")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(
        fs::File::create(bench.path("ids.jsonl.gz")).unwrap(),
        flate2::Compression::fast(),
    );
    for id in &listed {
        writeln!(gzip, "{}", serde_json::json!({ "text": "x", "doc": id })).unwrap();
    }
    gzip.finish().unwrap();
    let plain = diff(&[out.to_str().unwrap(), bench.path("ids.txt").to_str().unwrap()]);
    let lines = diff(&[out.to_str().unwrap(), bench.path("ids.jsonl.gz").to_str().unwrap(), "--id", "doc"]);
    assert_eq!(plain, lines);
    let told = ["both_keep", "only_a_keeps", "only_b_keeps", "only_in_b"].map(|name| number(&plain, name));
    assert_eq!(told, [half as u64, (ids.len() - half) as u64, 0, 2]);
    assert_eq!((&plain["joined_by"], &plain["repeated"]), (&Value::from("id"), &serde_json::json!([0, 1])));
    // The other way round, and a table of another run as the list.
    let table = out.join("table/part-00000.parquet");
    let turned = diff(&[table.to_str().unwrap(), out.to_str().unwrap()]);
    assert_eq!((number(&turned, "only_a_keeps"), number(&turned, "only_in_a")), (0, 0));
    assert!(number(&turned, "both_keep") > 0 && number(&turned, "only_b_keeps") > 0, "the table holds English alone");
}

#[test]
fn documents_of_other_files_are_joined_by_their_ids() {
    let bench = Bench::new(1, 60);
    run(&bench.pipeline("one.toml", "one", |text| text), &[], 0);
    fs::create_dir(bench.path("moved")).unwrap();
    fs::rename(bench.path("corpus/00.jsonl.zst"), bench.path("moved/other.jsonl.zst")).unwrap();
    bench.write_file("moved/second.jsonl.zst", 1, 10);
    run(&bench.pipeline("two.toml", "two", |text| text.replace("\"corpus\"", "\"moved\"")), &[], 0);
    let told = diff(&[bench.path("one").to_str().unwrap(), bench.path("two").to_str().unwrap()]);
    assert_eq!(
        (&told["joined_by"], number(&told, "documents"), number(&told, "only_in_b")),
        (&Value::from("id"), 60, 10)
    );
}

#[test]
fn files_of_the_same_names_are_joined_by_place_only_if_they_hold_the_same() {
    let bench = Bench::new(1, 60);
    run(&bench.pipeline("one.toml", "one", |text| text), &[], 0);
    let file = bench.path("corpus/00.jsonl.zst");
    let lines = String::from_utf8(zstd::decode_all(fs::File::open(&file).unwrap()).unwrap()).unwrap();
    let mut turned: Vec<&str> = lines.lines().collect();
    turned.rotate_left(7);
    fs::write(&file, zstd::encode_all(turned.join("\n").as_bytes(), 3).unwrap()).unwrap();
    run(&bench.pipeline("two.toml", "two", |text| text), &[], 0);
    let told = diff(&[bench.path("one").to_str().unwrap(), bench.path("two").to_str().unwrap()]);
    assert_eq!((&told["joined_by"], number(&told, "documents")), (&Value::from("id"), 60));
    let dropped_for_others = told["cells"].as_array().unwrap().iter().filter(|cell| {
        let gopher = |side: &str| cell[side].as_str().unwrap().starts_with("gopher");
        gopher("a") != gopher("b")
    });
    assert_eq!(dropped_for_others.count(), 0, "each is compared with itself: {told:#}");
    // Under another name it is the same input.
    fs::rename(&file, bench.path("corpus/moved.jsonl.zst")).unwrap();
    run(&bench.pipeline("three.toml", "three", |text| text.replace("min_words = 8", "min_words = 118")), &[], 0);
    let told = diff(&[bench.path("two").to_str().unwrap(), bench.path("three").to_str().unwrap()]);
    assert_eq!((&told["joined_by"], number(&told, "documents")), (&Value::from("place"), 60));
}

#[test]
fn facts_of_a_rule_are_called_as_its_condition_calls_them() {
    let bench = Bench::new(1, 40);
    let rule = |limit: &str| {
        let step = format!("[[step]]\nname = \"short\"\nuse = \"rule\"\ndrop_if = \"text.characters < {limit}\"\n");
        move |text: String| text.replacen("[[sink]]", &format!("{step}\n[[sink]]"), 1)
    };
    for (name, limit) in [("one", "1"), ("two", "100000")] {
        let file = bench.path(&format!("{name}.toml"));
        let head = format!(
            "[pipeline]\nname = \"{name}\"\noutput = \"{name}\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"corpus\"]\n"
        );
        fs::write(&file, rule(limit)(format!("{head}\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\n"))).unwrap();
        run(&file, &[], 0);
    }
    let told = diff(&[bench.path("one").to_str().unwrap(), bench.path("two").to_str().unwrap()]);
    assert_eq!(told["cells"][0]["examples"][0]["a"][0]["measure"], "text.characters");
}

#[test]
fn two_profiles_are_told_apart_for_a_person() {
    let bench = Bench::new(1, 40);
    let corpus = bench.path("corpus");
    let arguments = ["diff", "gopher_quality@datatrove", "fineweb_quality", "--examples", "1", "--input"];
    let output = wanjuan(&[&arguments[..], &[corpus.to_str().unwrap()]].concat());
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}{}", String::from_utf8_lossy(&output.stderr));
    insta::assert_snapshot!(told);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let bench = Bench::new(1, 10);
    run(&bench.pipeline("p.toml", "out", |text| text), &[], 0);
    fs::write(bench.path("bad.jsonl"), "{\"id\":\"a\"}\n{\"name\":1}\n").unwrap();
    fs::write(bench.path("worse.jsonl"), "{\"id\":\"a\"}\nno json\n").unwrap();
    fs::write(bench.path("bytes.txt"), b"a\n\xff\xfe\n").unwrap();
    fs::write(bench.path("no.parquet"), b"PAR1").unwrap();
    fs::write(bench.path("wrong.toml"), "[pipeline]\nname = \"x\"\n").unwrap();
    let out = bench.path("out");
    let mut all = String::new();
    for other in ["nothing.toml", "corpus", "bad.jsonl", "worse.jsonl", "bytes.txt", "no.parquet", "wrong.toml"] {
        all += &refused(&bench, &[out.to_str().unwrap(), bench.path(other).to_str().unwrap()]);
    }
    let table = out.join("table/part-00000.parquet");
    all += &refused(&bench, &[out.to_str().unwrap(), table.to_str().unwrap(), "--id", "url"]);
    all += &refused(&bench, &[out.to_str().unwrap(), "gopher_qualty@dclm"]);
    all += &refused(&bench, &[out.to_str().unwrap(), "gopher_quality@datatrove"]);
    let corpus = bench.path("corpus");
    let told = refused(&bench, &[out.to_str().unwrap(), "gopher_quality@nobody", "--input", corpus.to_str().unwrap()]);
    assert!(
        told.contains("`gopher_quality` has no profile `nobody`") && told.contains("there are datatrove"),
        "{told}"
    );
    insta::assert_snapshot!(all);
}

fn refused(bench: &Bench, arguments: &[&str]) -> String {
    let output = wanjuan(&[&["diff"], arguments].concat());
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
    told.replace(&bench.folder.path().display().to_string(), "FOLDER")
}
