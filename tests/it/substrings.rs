//! Repeated substrings through the command: what goes, what stays, and that nothing else decides about it.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::engine::{same_as, whatever_happens};
use crate::kit::{Bench, files, mask, run};

/// Shortest passage in these tests, in characters.
const LENGTH: usize = 40;

fn pipeline(bench: &Bench, output: &str, settings: &str) -> PathBuf {
    let text = format!(
        "[pipeline]\nname = \"substrings\"\noutput = \"{output}\"\ndropped = \"all\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"corpus\"]\n[[step]]\nuse = \"repeated_substrings\"\nmin_chars = {LENGTH}\n{settings}\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\ncompression = \"none\"\n"
    );
    fs::write(bench.path(&format!("{output}.toml")), text).unwrap();
    bench.path(&format!("{output}.toml"))
}

/// Texts of some lines: own ones, and passages that many have, whole or in part, in Latin, Cyrillic and Chinese.
fn texts(bench: &Bench, count: u64) -> Vec<String> {
    let mut state = 1_u64;
    let mut draw = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let passage = |kind: u64, seed: u64, length: u64| -> String {
        let first = [0x61, 0x430, 0x4e00][kind as usize % 3];
        let letter = |at: u64| {
            (seed.wrapping_mul(2_654_435_761) ^ at.wrapping_mul(0x9e37_79b9_7f4a_7c15))
                .wrapping_mul(0xd6e8_feb8_6659_fd93)
                >> 40
        };
        (0..length)
            .map(|at| char::from_u32(first + (letter(at) % [26, 32, 3000][kind as usize % 3]) as u32).unwrap())
            .collect()
    };
    let mut texts = Vec::new();
    for number in 0..count {
        let lines: Vec<String> = (0..1 + draw(6))
            .map(|line| match draw(4) {
                0 => passage(draw(3), 1000 + number * 100 + line, 10 + draw(80)),
                1 => "-=".repeat(draw(60) as usize),
                which => {
                    let seed = draw(count / 8);
                    let whole = passage(seed, seed, 120);
                    let characters = whole.chars().skip(if which == 2 { 0 } else { draw(60) as usize });
                    format!("{}{}", ["", "x", "我"][draw(3) as usize], characters.collect::<String>())
                }
            })
            .collect();
        texts.push(lines.join("\n"));
    }
    for (file, part) in texts.chunks(texts.len().div_ceil(3)).enumerate() {
        let row = |(line, text)| {
            format!(
                "{}\n",
                serde_json::json!({"id": format!("{}", file * texts.len().div_ceil(3) + line), "text": text})
            )
        };
        fs::write(bench.path(&format!("corpus/{file}.jsonl")), part.iter().enumerate().map(row).collect::<String>())
            .unwrap();
    }
    texts
}

/// By document that stays: what is left of it.
fn left(bench: &Bench, output: &str) -> HashMap<usize, Value> {
    let mut rows = HashMap::new();
    for (_, bytes) in files(&bench.path(&format!("{output}/clean"))).into_iter().filter(|(name, _)| name.ends_with("l"))
    {
        for line in String::from_utf8(bytes).unwrap().lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            rows.insert(row["id"].as_str().unwrap().parse().unwrap(), row);
        }
    }
    rows
}

/// By text: which of its characters go, by brute force.
fn plain(texts: &[String], one: bool) -> Vec<Vec<bool>> {
    let texts: Vec<Vec<char>> = texts.iter().map(|text| text.chars().collect()).collect();
    let mut counts: HashMap<&[char], usize> = HashMap::new();
    texts.iter().flat_map(|text| text.windows(LENGTH)).for_each(|gram| *counts.entry(gram).or_default() += 1);
    let mut seen = HashSet::new();
    let covered = |text: &Vec<char>| {
        let mut covered = vec![false; text.len()];
        let mut goes = Vec::new();
        for (start, gram) in text.windows(LENGTH).enumerate() {
            if if one { !seen.insert(gram.to_vec()) } else { counts[gram] > 1 } {
                goes.push(start);
            }
        }
        goes.into_iter().for_each(|start| covered[start..start + LENGTH].fill(true));
        covered
    };
    texts.iter().map(covered).collect()
}

#[test]
fn what_brute_force_finds_is_cut_by_characters_and_by_lines() {
    let bench = Bench::new(0, 0);
    let texts = texts(&bench, 400);
    for keep in ["one", "none"] {
        let covered = plain(&texts, keep == "one");
        let output = format!("characters-{keep}");
        run(
            &pipeline(&bench, &output, &format!("keep = \"{keep}\"\ncut = \"character\"\nmin_left_chars = 0")),
            &["--threads", "2"],
            0,
        );
        let rows = left(&bench, &output);
        for (number, text) in texts.iter().enumerate() {
            let stays = text.chars().zip(&covered[number]).filter(|(_, covered)| !**covered);
            let row = &rows[&number];
            assert_eq!(
                row["text"].as_str().unwrap(),
                stays.map(|(character, _)| character).collect::<String>(),
                "{number}"
            );
            let repeated = covered[number].iter().filter(|&&covered| covered).count();
            assert_eq!(row["repeated_chars"], repeated);
            assert_eq!(row["kept_instead"].is_string(), keep == "one" && repeated > 0);
        }
        assert!(rows.values().filter(|row| row["repeated_chars"] != 0).count() > 100);

        let output = format!("lines-{keep}");
        run(&pipeline(&bench, &output, &format!("keep = \"{keep}\"")), &[], 0);
        let rows = left(&bench, &output);
        for (number, text) in texts.iter().enumerate() {
            let mut at = 0;
            let stays = text.split('\n').filter(|line| {
                let start = at;
                at += line.chars().count() + 1;
                let end = if line.is_empty() { start + 1 } else { at - 1 };
                covered[number].get(start..end).is_none_or(|covered| !covered.iter().all(|&covered| covered))
            });
            let stays = stays.collect::<Vec<_>>().join("\n");
            match rows.get(&number) {
                Some(row) => assert_eq!(row["text"].as_str().unwrap(), stays, "{number}"),
                None => assert!(stays.trim().chars().count() < 20, "{number}: {stays}"),
            }
        }
        assert!((200..400).contains(&rows.len()), "{}", rows.len());
    }
}

#[test]
fn passages_are_the_same_whatever_threads_memory_segments_and_kills() {
    let bench = Bench::new(0, 0);
    texts(&bench, 1500);
    let pipeline = |output: &str| pipeline(&bench, output, "cut = \"character\"");
    run(&pipeline("whole"), &["--threads", "2"], 0);
    let whole = bench.path("whole");
    mask(&whole, "whole");
    whatever_happens(pipeline, (0..6).map(|step| 30 + 60 * step), |name| same_as(&whole, &bench.path(name)));
}
