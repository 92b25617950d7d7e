//! Repeated substrings beside a suffix array: `cargo bench -p wanjuan-dedup --bench substrings -- FILE.jsonl.zst...`.
//!
//! The files hold rows {text}; without one, the sample of `pipelines/` is read. Both find every later copy of 500
//! bytes and of 200 bytes and must cover the same bytes. *Anchors*: records go to 64 files by key, each file is
//! sorted and compared by itself, as a shuffle does. *Suffix array*: libsais over all texts, its PLCP and LCP
//! arrays, and one pass over these. Each runs on one thread in a process of its own; rates are megabytes of text
//! per CPU-second, from the texts on disk to the spans, memory is the most that the process held.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use libsais::SuffixArrayConstruction;
use wanjuan_dedup::substrings::{Anchors, Cover, Found, Group, Keep, Scratch, Settings, Unit};
use wanjuan_filters::kit::Origin;

const FILES: usize = 64;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [way @ ("anchors" | "suffix-array"), texts, length] =
        &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..]
    {
        let length = length.parse().expect("a length");
        let covered =
            if *way == "anchors" { anchors(Path::new(texts), length) } else { suffix_array(Path::new(texts), length) };
        return println!("{covered} {} {}", cpu_seconds(), peak());
    }
    let folder = tempfile::tempdir().expect("a folder");
    let texts = folder.path().join("texts");
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines/sample/mixed.jsonl.zst").to_owned();
    let bytes = write(if arguments.is_empty() { vec![sample] } else { arguments }, &texts);
    println!(
        "| {:.1} MB | length | repeated MB | MB per CPU-second | memory, MB |\n|---|---|---|---|---|",
        bytes as f64 / 1e6
    );
    for length in ["500", "200"] {
        let mut found = Vec::new();
        for way in ["anchors", "suffix-array"] {
            let output = Command::new(std::env::current_exe().expect("this program"))
                .args([way.as_ref(), texts.as_os_str(), length.as_ref()])
                .output()
                .expect("a child");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let told = String::from_utf8(output.stdout).expect("numbers");
            let numbers: Vec<f64> = told.split_whitespace().map(|number| number.parse().expect("a number")).collect();
            let (covered, rate) = (numbers[0] / 1e6, bytes as f64 / 1e6 / numbers[1]);
            println!("| {way} | {length} | {covered:.3} | {rate:.1} | {:.0} |", numbers[2] / 1e6);
            found.push(numbers[0]);
        }
        assert_eq!(found[0], found[1], "both find the same");
    }
}

/// Writes all texts, each after its length, and tells how many bytes they have.
fn write(files: Vec<String>, path: &Path) -> usize {
    let mut out = BufWriter::new(File::create(path).expect("a file"));
    let mut bytes = 0;
    for file in files {
        let file = File::open(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        for line in BufReader::new(zstd::Decoder::new(file).expect("a zstd file")).lines() {
            let row: serde_json::Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
            let text = row["text"].as_str().unwrap_or_default();
            bytes += text.len();
            out.write_all(&(text.len() as u32).to_le_bytes()).expect("room");
            out.write_all(text.as_bytes()).expect("room");
        }
    }
    out.flush().expect("room");
    bytes
}

fn each_text(path: &Path, mut each: impl FnMut(&str)) {
    let mut file = BufReader::new(File::open(path).expect("the texts"));
    let (mut length, mut text) = ([0; 4], Vec::new());
    while file.read_exact(&mut length).is_ok() {
        text.resize(u32::from_le_bytes(length) as usize, 0);
        file.read_exact(&mut text).expect("a whole text");
        each(std::str::from_utf8(&text).expect("UTF-8"));
    }
}

/// How many bytes are covered by later copies, by anchors.
fn anchors(texts: &Path, length: usize) -> usize {
    let settings = Settings { length, unit: Unit::Bytes };
    let anchors = Anchors::new(settings);
    let path = |file: usize| -> PathBuf { texts.with_extension(format!("{file}")) };
    let create = |file| BufWriter::with_capacity(1 << 16, File::create(path(file)).expect("a file"));
    let mut files: Vec<_> = (0..FILES).map(create).collect();
    let (mut scratch, mut lengths) = (Scratch::default(), Vec::new());
    each_text(texts, |text| {
        let number = lengths.len() as u32;
        lengths.push(text.len());
        anchors.observe(text, &mut scratch, &mut |key, value| {
            let file = &mut files[(key >> 122) as usize];
            let head = [&key.to_le_bytes()[..], &number.to_le_bytes(), &(value.len() as u32).to_le_bytes()].concat();
            file.write_all(&head).and_then(|()| file.write_all(value)).expect("room");
        });
    });
    files.iter_mut().for_each(|file| file.flush().expect("room"));
    drop(files);
    let mut decided: Vec<Vec<u8>> = vec![Vec::new(); lengths.len()];
    let mut found = |found: Found| found.write(&mut decided[found.origin.ordinal as usize]);
    let mut group = Group::new(settings, Keep::One);
    for file in 0..FILES {
        let bytes = fs::read(path(file)).expect("a file");
        fs::remove_file(path(file)).expect("a file");
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let (mut records, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            let key = u128::from_le_bytes(bytes[at..at + 16].try_into().expect("sixteen bytes"));
            let end = at + 24 + word(at + 20) as usize;
            records.push((key, &bytes[at + 24..end], word(at + 16)));
            at = end;
        }
        records.sort_unstable();
        for records in records.chunk_by(|one, other| one.0 == other.0) {
            for &(_, value, number) in records {
                group.take(Origin { split: 0, ordinal: u64::from(number) }, value, &mut found);
            }
            group.end(&mut found);
        }
    }
    let mut number = 0;
    let mut covered = 0;
    each_text(texts, |text| {
        let cover = Cover::read(settings, 1.0, text, &decided[number]);
        covered += cover.spans.iter().map(|span| span.len()).sum::<usize>();
        number += 1;
    });
    covered
}

/// The same by a suffix array over all texts.
fn suffix_array(texts: &Path, length: usize) -> usize {
    let (mut all, mut ends) = (Vec::new(), Vec::new());
    each_text(texts, |text| {
        all.extend_from_slice(text.as_bytes());
        ends.push(all.len());
        all.push(0xff);
    });
    let suffixes =
        SuffixArrayConstruction::for_text(&all).in_owned_buffer32().single_threaded().run().expect("an array");
    let with_plcp = suffixes.plcp_construction().single_threaded().run().expect("an array");
    let with_lcp = with_plcp.lcp_construction().single_threaded().run().expect("an array");
    let (suffixes, lcp, _, _) = with_lcp.into_parts();
    // Places that begin an n-gram which begins at an earlier place.
    let whole = |place: usize| place + length <= ends[ends.partition_point(|&end| end < place)];
    let mut later = vec![false; all.len()];
    let mut from = 0;
    while from < suffixes.len() {
        let to = (from + 1..suffixes.len()).find(|&at| (lcp[at] as usize) < length).unwrap_or(suffixes.len());
        if to - from > 1 && whole(suffixes[from] as usize) {
            let first = suffixes[from..to].iter().min().expect("there are two");
            suffixes[from..to].iter().filter(|&place| place != first).for_each(|&place| later[place as usize] = true);
        }
        from = to;
    }
    let mut covered = vec![false; all.len()];
    let mut until = 0;
    for place in 0..all.len() {
        if later[place] {
            until = place + length;
        }
        covered[place] = place < until;
    }
    // A character is covered if all its bytes are.
    let mut bytes = 0;
    let mut start = 0;
    for &end in &ends {
        let text = std::str::from_utf8(&all[start..end]).expect("UTF-8");
        for (at, character) in text.char_indices() {
            let character = start + at..start + at + character.len_utf8();
            bytes += if covered[character.clone()].iter().all(|&covered| covered) { character.len() } else { 0 };
        }
        start = end + 1;
    }
    bytes
}

fn cpu_seconds() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    text.split_whitespace().next().and_then(|time| time.parse::<u64>().ok()).expect("a number") as f64 / 1e9
}

/// The most memory this process has held, in bytes.
fn peak() -> usize {
    let text = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    line.trim().trim_end_matches(" kB").trim().parse::<usize>().expect("a number") << 10
}
