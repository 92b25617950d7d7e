//! Hostile input: nothing valid is lost, nothing bad is silent, nothing is fatal.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::kit::{Bench, peak_of_run, run};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn good(id: &str) -> Vec<u8> {
    format!("{{\"id\":\"{id}\",\"text\":\"good {id}\"}}\n").into_bytes()
}

/// A pipeline that passes everything through.
fn pipeline(bench: &Bench, more: &str) -> std::path::PathBuf {
    let text = format!(
        "[pipeline]\nname = \"hostile\"\noutput = \"out\"\n{more}\n[[source]]\nuse = \"jsonl\"\nname = \"raw\"\npaths = [\"corpus\"]\n[[sink]]\nuse = \"jsonl\"\nname = \"kept\"\ncompression = \"none\"\n"
    );
    let path = bench.path("p.toml");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn every_kind_of_bad_record_is_set_aside_and_its_neighbours_stay() {
    let bench = Bench::new(0, 0);
    let corpus = bench.path("corpus");
    let surrounded = |middle: &[u8]| [good("before"), middle.to_vec(), b"\n".to_vec(), good("after")].concat();
    let whole = gzip(&(0..2000).flat_map(|n| good(&format!("g{n}"))).collect::<Vec<_>>());
    let mut corrupt = [gzip(&good("one")), gzip(&good("two")), gzip(&good("three"))].concat();
    // Behind the header of the second member: a kind of block that does not exist.
    let second = gzip(&good("one")).len() + 10;
    corrupt[second] = 0xff;
    let bomb = {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        for _ in 0..128 {
            encoder.write_all(&vec![b'x'; 1 << 20]).unwrap();
        }
        encoder.finish().unwrap()
    };
    let deep = format!("{{\"text\":\"x\",\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    for (name, bytes) in [
        ("a-invalid-json.jsonl", surrounded(b"{\"text\": \"unfinished")),
        ("b-invalid-utf8.jsonl", surrounded(b"{\"text\": \"\xff\xfe\"}")),
        ("c-missing-text.jsonl", surrounded(b"{\"id\": \"x\"}")),
        ("d-text-is-a-number.jsonl", surrounded(b"{\"text\": 7}")),
        ("e-deep.jsonl", surrounded(deep.as_bytes())),
        ("f-nul.jsonl", surrounded(b"\0\0\0")),
        (
            "g-bom-and-crlf.jsonl",
            [b"\xef\xbb\xbf".to_vec(), b"{\"id\":\"bom\",\"text\":\"x\"}\r\n\r\n".to_vec(), good("after-bom")].concat(),
        ),
        ("h-empty.jsonl", Vec::new()),
        ("i-truncated.jsonl.gz", whole[..whole.len() / 2].to_vec()),
        ("j-corrupt-member.jsonl.gz", corrupt),
        ("k-bomb.jsonl.zst", bomb),
        ("l-not-gzip.jsonl.gz", good("plain-after-all")),
        ("m-huge-line.jsonl", surrounded(&[b"{\"text\":\"".to_vec(), vec![b'y'; 40 << 20], b"\"}".to_vec()].concat())),
        ("n-nul-in-text.jsonl", surrounded(b"{\"id\":\"nul\",\"text\":\"a\\u0000b\"}")),
    ] {
        fs::write(corpus.join(name), bytes).unwrap();
    }
    let pipeline = pipeline(&bench, "max_set_aside = 100");
    let told = String::from_utf8(run(&pipeline, &["--memory", "400MiB"], 0).stdout).unwrap();
    let line = told.lines().find(|line| line.trim_start().starts_with("truncated_gzip in")).unwrap();
    assert!(line.contains("one place") && line.contains("how many records that were is not known"), "{told}");
    let page = fs::read_to_string(bench.path("out/report.html")).unwrap();
    assert!(page.contains("Damage, not one bad record each: what followed in the whole file is not there"));
    let record: serde_json::Value = serde_json::from_slice(&fs::read(bench.path("out/run.json")).unwrap()).unwrap();
    let set_aside = record["counts"]["set_aside"].as_object().unwrap();
    let mut reasons: Vec<(&str, u64)> =
        set_aside.iter().map(|(reason, n)| (reason.as_str(), n.as_u64().unwrap())).collect();
    reasons.sort();
    assert_eq!(
        reasons,
        [
            ("compression_bomb", 1),
            ("corrupt_gzip", 1),
            ("invalid_json", 1),
            ("invalid_utf8", 1),
            ("missing_text", 1),
            ("not_an_object", 1),
            ("text_is_not_text", 1),
            ("too_deep", 1),
            ("too_large", 1),
            ("truncated_gzip", 1),
        ]
    );
    let kept = fs::read_to_string(bench.path("out/kept/part-00000.jsonl")).unwrap();
    let count = |id: &str| kept.lines().filter(|line| line.contains(&format!("\"id\":\"{id}\""))).count();
    assert_eq!((count("before"), count("after")), (8, 8));
    for id in ["bom", "after-bom", "one", "three", "plain-after-all", "nul", "g0", "g900"] {
        assert_eq!(count(id), 1, "{id}");
    }
    let raw = zstd::decode_all(fs::File::open(bench.path("out/set-aside/part-00000.jsonl.zst")).unwrap()).unwrap();
    let raw = String::from_utf8(raw).unwrap();
    assert_eq!(raw.lines().count(), 10);
    let truncated = raw.lines().find(|line| line.contains("truncated_gzip")).unwrap();
    assert!(truncated.contains("within compressed data; what followed in the whole file is not there"), "{truncated}");
}

/// How many records were set aside, by reason.
fn set_aside(bench: &Bench) -> Vec<(String, u64)> {
    let record: serde_json::Value = serde_json::from_slice(&fs::read(bench.path("out/run.json")).unwrap()).unwrap();
    let counts = record["counts"]["set_aside"].as_object().unwrap();
    counts.iter().map(|(reason, n)| (reason.clone(), n.as_u64().unwrap())).collect()
}

#[test]
fn a_line_of_a_gibibyte_is_let_go_within_the_budget() {
    let bench = Bench::new(0, 0);
    let path = bench.path("corpus/huge.jsonl");
    fs::write(&path, good("before")).unwrap();
    // A hole of zeros: a line that takes no room on disk.
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.set_len(good("before").len() as u64 + (1 << 30)).unwrap();
    file.write_all(&[b"\n".to_vec(), good("after")].concat()).unwrap();
    let peak = peak_of_run(&pipeline(&bench, "max_set_aside = 1"), &["--memory", "256MiB", "--threads", "2"]);
    assert!(peak < 256 << 20, "peak of {} MiB", peak >> 20);
    assert_eq!(set_aside(&bench), [("too_large".to_owned(), 1)]);
    let kept = fs::read_to_string(bench.path("out/kept/part-00000.jsonl")).unwrap();
    assert_eq!(kept.as_bytes(), [good("before"), good("after")].concat());
}

#[test]
fn too_many_bad_records_end_with_3_and_can_be_looked_at() {
    let bench = Bench::new(0, 0);
    fs::write(bench.path("corpus/x.jsonl"), [good("a"), b"bad\nbad\nbad\n".to_vec()].concat()).unwrap();
    let output = run(&pipeline(&bench, "max_set_aside = \"10%\""), &[], 3);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("3 of 4 records were set aside") && told.contains("set-aside"), "{told}");
    let raw = zstd::decode_all(fs::File::open(bench.path("out/set-aside/part-00000.jsonl.zst")).unwrap()).unwrap();
    assert_eq!(String::from_utf8(raw).unwrap().matches("\"raw\":\"bad\"").count(), 3);
    let output = run(&bench.path("p.toml"), &["-o", "json"], 3);
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((told["failed"].as_str(), told["set_aside"].as_u64()), (Some("too_many_set_aside"), Some(3)));
    // The same run with leave goes on from there.
    run(&pipeline(&bench, "max_set_aside = 3"), &[], 0);
    assert_eq!(set_aside(&bench), [("not_an_object".to_owned(), 3)]);
}

#[test]
fn a_count_of_bad_records_stops_the_run_at_once() {
    let bench = Bench::new(0, 0);
    let lines: Vec<u8> = (0..400_000).flat_map(|n| if n < 10 { good("a") } else { b"bad\n".to_vec() }).collect();
    fs::write(bench.path("corpus/x.jsonl"), lines).unwrap();
    let output = run(&pipeline(&bench, "max_set_aside = 5"), &["--threads", "2"], 3);
    let told = String::from_utf8_lossy(&output.stderr);
    let read: u64 = told.split(" of ").nth(2).and_then(|rest| rest.split(' ').next()?.parse().ok()).unwrap_or(0);
    assert!(told.contains("`max_set_aside` allows 5") && read < 400_000, "{told}");
}

/// Runs `check` on the pipeline, as a user without rights where this process has them all.
fn refused(bench: &Bench) -> String {
    let binary = bench.path("wanjuan");
    fs::copy(env!("CARGO_BIN_EXE_wanjuan"), &binary).unwrap();
    fs::set_permissions(bench.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(binary);
    command.arg("check").arg(bench.path("p.toml"));
    if rustix::process::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    told
}

#[test]
fn pipes_and_what_cannot_be_read_are_refused_before_reading() {
    let bench = Bench::new(0, 0);
    pipeline(&bench, "");
    let corpus = bench.path("corpus");
    fs::write(corpus.join("a.jsonl"), good("a")).unwrap();
    let pipe = corpus.join("pipe.jsonl");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    assert!(refused(&bench).contains("pipe.jsonl is neither a file nor a folder"));
    fs::remove_file(&pipe).unwrap();
    fs::set_permissions(corpus.join("a.jsonl"), fs::Permissions::from_mode(0o000)).unwrap();
    assert!(refused(&bench).contains("a.jsonl: Permission denied"));
    fs::set_permissions(corpus.join("a.jsonl"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::create_dir(corpus.join("closed")).unwrap();
    fs::set_permissions(corpus.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    assert!(refused(&bench).contains("closed: Permission denied"));
    fs::remove_dir(corpus.join("closed")).unwrap();
}

#[test]
fn a_corpus_whose_text_stands_elsewhere_is_refused_before_reading() {
    let bench = Bench::new(0, 0);
    pipeline(&bench, "");
    fs::write(bench.path("corpus/a.jsonl"), "{\"id\":1,\"content\":\"here\"}\n".repeat(3)).unwrap();
    let told = refused(&bench);
    assert!(told.contains("there is no member `text` among id, content") && told.contains("text = "), "{told}");
}

#[test]
fn an_output_in_which_something_else_stands_is_refused_and_nothing_is_touched() {
    let bench = Bench::new(0, 0);
    fs::write(bench.path("corpus/part-00000.jsonl"), good("a")).unwrap();
    let text = fs::read_to_string(pipeline(&bench, "")).unwrap();
    let output =
        |output: &str| fs::write(bench.path("p.toml"), text.replace("\"out\"", &format!("{output:?}"))).unwrap();
    for inside in [".", "corpus"] {
        output(inside);
        for fresh in [&[][..], &["--fresh"]] {
            let told = run(&bench.path("p.toml"), fresh, 2).stderr;
            assert!(String::from_utf8_lossy(&told).contains("holds the input"), "{inside}");
        }
    }
    output("mine");
    fs::create_dir_all(bench.path("mine/kept")).unwrap();
    fs::write(bench.path("mine/kept/precious.txt"), "x").unwrap();
    let told = run(&bench.path("p.toml"), &["--fresh"], 2).stderr;
    assert!(String::from_utf8_lossy(&told).contains("already holds"));
    // What joins an output later is not a run's either.
    output("out");
    run(&bench.path("p.toml"), &[], 0);
    fs::write(bench.path("out/kept/precious.txt"), "x").unwrap();
    fs::write(bench.path("out/measures/part-99999.parquet"), "stale").unwrap();
    run(&bench.path("p.toml"), &["--fresh"], 0);
    assert!(bench.path("out/kept/precious.txt").exists() && bench.path("mine/kept/precious.txt").exists());
    assert!(bench.path("corpus/part-00000.jsonl").exists() && !bench.path("out/measures/part-99999.parquet").exists());
}

#[test]
fn a_live_run_is_neither_cleaned_nor_begun_anew() {
    let bench = Bench::new(2, 40_000);
    let pipeline = bench.pipeline("live.toml", "live", |text| text);
    let mut live = Command::new(env!("CARGO_BIN_EXE_wanjuan"))
        .args(["run", pipeline.to_str().unwrap(), "--threads", "1"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !bench.path("live/.wanjuan/plan").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::thread::sleep(std::time::Duration::from_millis(50));
    let cleaned = crate::kit::wanjuan(&["clean", bench.path("live").to_str().unwrap()]);
    let fresh = crate::kit::wanjuan(&["run", pipeline.to_str().unwrap(), "--fresh"]);
    assert!(live.try_wait().unwrap().is_none(), "the run was over too soon to be disturbed");
    assert_eq!((cleaned.status.code(), fresh.status.code()), (Some(2), Some(2)));
    assert!(live.wait().unwrap().success());
    assert!(crate::kit::wanjuan(&["clean", bench.path("live").to_str().unwrap()]).status.success());
}
