//! Hostile input: nothing valid is lost, nothing bad is silent, nothing is fatal.

use std::fs;
use std::io::Write;

use crate::kit::{Bench, run, wanjuan};

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
    run(&pipeline, &["--memory", "400MiB"], 0);
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
    assert_eq!(String::from_utf8(raw).unwrap().lines().count(), 10);
}

#[test]
fn too_many_bad_records_end_with_3_and_say_where_they_are() {
    let bench = Bench::new(0, 0);
    fs::write(bench.path("corpus/x.jsonl"), [good("a"), b"bad\nbad\nbad\n".to_vec()].concat()).unwrap();
    let output = run(&pipeline(&bench, "max_set_aside = \"10%\""), &[], 3);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("3 of 4 records were set aside") && told.contains("set-aside"), "{told}");
}

#[test]
fn pipes_and_folders_without_rights_are_refused_before_reading() {
    let bench = Bench::new(0, 0);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        bench.path("corpus/pipe.jsonl"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let text = fs::read_to_string(pipeline(&bench, ""))
        .unwrap()
        .replace("paths = [\"corpus\"]", "paths = [\"corpus/pipe.jsonl\"]");
    fs::write(bench.path("p.toml"), text).unwrap();
    let output = wanjuan(&["run", bench.path("p.toml").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("neither a file nor a folder"));
}
