//! How fast many words are found, and what the automaton costs: `cargo bench -p wanjuan-filters --bench words -- TEXT.jsonl.zst`.
//!
//! The file holds rows {text, lang}; without one, the sample of `pipelines/` is read. 300,000 entries are
//! made of pieces of its Chinese and English text, so that many begin alike, as those of real lists do.
//! The automata are built of the same sorted entries and read the same text, and find the same. Then the
//! step `listed_words` reads the entries from a file, and finds fewer, as words have edges.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::time::Instant;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use daachorse::{CharwiseDoubleArrayAhoCorasick, CharwiseDoubleArrayAhoCorasickBuilder, DoubleArrayAhoCorasick};
use wanjuan_filters::ListedWords;
use wanjuan_filters::kit::{Filter, Setup, Step, Text};

/// Entries of the list.
const ENTRIES: usize = 300_000;

fn main() {
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let path = given.map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines/sample/mixed.jsonl.zst")),
        PathBuf::from,
    );
    let (english, chinese) = read(&path);
    let entries = entries(&english, &chinese);
    let bytes: usize = entries.iter().map(String::len).sum();
    println!("{} entries, {:.1} MB", entries.len(), bytes as f64 / 1e6);
    let texts = [("English", english.as_str()), ("Chinese", chinese.as_str())];

    for kind in [AhoCorasickKind::NoncontiguousNFA, AhoCorasickKind::ContiguousNFA, AhoCorasickKind::DFA] {
        let started = Instant::now();
        // A table for every state and byte outgrows the machine.
        let every = if kind == AhoCorasickKind::DFA { 10 } else { 1 };
        let some: Vec<&String> = entries.iter().step_by(every).collect();
        let automaton = AhoCorasick::builder().kind(Some(kind)).build(&some).expect("entries fit");
        let built = started.elapsed().as_secs_f64();
        tell(
            &format!("aho-corasick {kind:?}, {} entries", some.len()),
            built,
            automaton.memory_usage(),
            &texts,
            |text| automaton.find_overlapping_iter(text).count(),
        );
    }
    let started = Instant::now();
    let automaton = DoubleArrayAhoCorasick::<u32>::new(&entries).expect("entries fit");
    let built = started.elapsed().as_secs_f64();
    tell("daachorse, bytes", built, automaton.heap_bytes(), &texts, |text| {
        automaton.find_overlapping_iter(text).count()
    });
    for free_blocks in [1, 16] {
        let started = Instant::now();
        let builder = CharwiseDoubleArrayAhoCorasickBuilder::new().num_free_blocks(free_blocks);
        let automaton: CharwiseDoubleArrayAhoCorasick<u32> = builder.build(&entries).expect("entries fit");
        let built = started.elapsed().as_secs_f64();
        let name = format!("daachorse, characters, {free_blocks} free blocks");
        tell(&name, built, automaton.heap_bytes(), &texts, |text| automaton.find_overlapping_iter(text).count());
    }
    step("listed_words", "", &entries, &texts);
    step("listed_words, ignore_separators", "ignore_separators = true", &entries, &texts);
}

/// The step itself: its time to read and build the list, and its rate, folding included.
fn step(name: &str, settings: &str, entries: &[String], texts: &[(&str, &str)]) {
    let path = std::env::temp_dir().join(format!("wanjuan-bench-words-{}.txt", std::process::id()));
    std::fs::write(&path, entries.join("\n")).expect("a file in the folder for temporary ones");
    let settings = format!("lists = ['{}']\n{settings}", path.display());
    let config = toml::from_str(&settings).expect("settings of the step");
    let started = Instant::now();
    let step = ListedWords::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{}", wrong.what));
    let built = started.elapsed().as_secs_f64();
    std::fs::remove_file(&path).expect("the file that was written");
    let documents: Vec<(&str, Text)> = texts.iter().map(|(language, text)| (*language, Text::from(*text))).collect();
    print!("{name}: read and built in {built:.2} s");
    for (language, text) in &documents {
        let (mut best, mut hits) = (f64::INFINITY, 0.0);
        for _ in 0..5 {
            let started = Instant::now();
            hits = step.measure(text).hits.unwrap_or_default();
            best = best.min(started.elapsed().as_secs_f64());
        }
        print!("; {language} {:.0} MB/s, {hits} hits", text.len() as f64 / 1e6 / best);
    }
    println!();
}

fn tell(name: &str, built: f64, memory: usize, texts: &[(&str, &str)], count: impl Fn(&str) -> usize) {
    print!("{name}: built in {built:.2} s, {:.0} MB", memory as f64 / 1e6);
    for (language, text) in texts {
        let (mut best, mut hits) = (f64::INFINITY, 0);
        for _ in 0..5 {
            let started = Instant::now();
            hits = std::hint::black_box(count(text));
            best = best.min(started.elapsed().as_secs_f64());
        }
        print!("; {language} {:.0} MB/s, {hits} hits", text.len() as f64 / 1e6 / best);
    }
    println!();
}

/// The English and the Chinese texts of a file.
fn read(path: &PathBuf) -> (String, String) {
    let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut english, mut chinese) = (String::new(), String::new());
    for line in BufReader::new(zstd::Decoder::new(file).expect("a zstd stream")).lines() {
        let row: serde_json::Value = serde_json::from_str(&line.expect("UTF-8")).expect("JSON");
        let all = match row["lang"].as_str() {
            Some("en") => &mut english,
            Some("zh") => &mut chinese,
            _ => continue,
        };
        all.push_str(row["text"].as_str().unwrap_or_default());
        all.push('\n');
    }
    (english, chinese)
}

/// Two thirds Chinese, of two to six characters; one third English, of one to three words.
fn entries(english: &str, chinese: &str) -> Vec<String> {
    let characters: Vec<char> = chinese.chars().filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).collect();
    let words: Vec<&str> = english.split(|c: char| !c.is_alphabetic()).filter(|word| word.len() > 2).collect();
    let mut state = 1_u64;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut entries = std::collections::BTreeSet::new();
    for n in 0..ENTRIES * 4 {
        if entries.len() == ENTRIES {
            break;
        }
        // Two pieces from two places, so that most entries are nowhere in the text, as with real lists.
        let entry = if n % 3 < 2 {
            let piece = |at: usize, length: usize| characters[at..at + length].iter().collect::<String>();
            let (first, second) = (draw(characters.len() - 3), draw(characters.len() - 3));
            piece(first, 1 + draw(3)) + &piece(second, 1 + draw(3))
        } else {
            (0..=draw(3)).map(|_| words[draw(words.len())].to_lowercase()).collect::<Vec<_>>().join(" ")
        };
        entries.insert(entry);
    }
    entries.into_iter().collect()
}
