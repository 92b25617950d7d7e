//! The best share by a score.

use std::fs;

use crate::engine::same_as;
use crate::kit::{Bench, mask, run};

fn pipeline(bench: &Bench, output: &str, step: &str) -> std::path::PathBuf {
    let text = format!(
        "[pipeline]\nname = \"top\"\noutput = \"{output}\"\ndropped = \"all\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"corpus\"]\nfields = {{ lang = \"text\" }}\n[[step]]\nuse = \"statistics\"\n[[step]]\nuse = \"top\"\n{step}\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\ncompression = \"none\"\n"
    );
    let file = bench.path(&format!("{output}.toml"));
    fs::write(&file, text).unwrap();
    file
}

/// Texts of one to forty words, in two languages of unlike lengths.
fn corpus(bench: &Bench) -> Vec<(&'static str, usize)> {
    let mut documents = Vec::new();
    for file in 0..3 {
        let mut rows = String::new();
        for line in 0..200_usize {
            let (lang, words) =
                if line % 3 == 0 { ("de", 21 + line * 7 % 20) } else { ("en", 1 + (line * 13 + file) % 20) };
            let text = (0..words).map(|word| format!("word{word}")).collect::<Vec<_>>().join(" ");
            rows.push_str(&format!(
                "{}\n",
                serde_json::json!({ "text": text, "lang": lang, "id": format!("{}", documents.len()) })
            ));
            documents.push((lang, words));
        }
        fs::write(bench.path(&format!("corpus/{file}.jsonl")), rows).unwrap();
    }
    documents
}

fn kept(bench: &Bench, output: &str) -> Vec<serde_json::Value> {
    let mut files: Vec<_> =
        fs::read_dir(bench.path(output).join("clean")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let text: String = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_best_share_of_each_language_stays_whatever_threads_and_segments() {
    let bench = Bench::new(0, 0);
    let documents = corpus(&bench);
    let step = "score = \"statistics.content_chars\"\nshare = 0.1\nscope = \"lang\"\nbins = 20";
    run(&pipeline(&bench, "one", step), &["--threads", "1"], 0);
    let kept = kept(&bench, "one");
    for lang in ["de", "en"] {
        let mut ranked: Vec<(usize, usize)> = documents
            .iter()
            .enumerate()
            .filter(|(_, found)| found.0 == lang)
            .map(|(at, found)| (at, found.1))
            .collect();
        ranked.sort_by_key(|&(at, words)| (std::cmp::Reverse(words), at));
        ranked.truncate(ranked.len().div_ceil(10));
        let mut expected: Vec<String> = ranked.iter().map(|(at, _)| at.to_string()).collect();
        expected.sort();
        let mut found: Vec<&str> =
            kept.iter().filter(|row| row["lang"] == lang).map(|row| row["id"].as_str().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{lang}");
    }
    assert!(
        kept.iter().all(|row| row["percentile"].as_f64() > Some(0.85) && row["percentile_bin"].as_i64() >= Some(17))
    );
    let whole = bench.path("one");
    mask(&whole, "one");
    run(&pipeline(&bench, "seven", step), &["--threads", "7", "--segment", "4KiB"], 0);
    same_as(&whole, &bench.path("seven"));
}

#[test]
fn a_score_that_nobody_writes_is_refused_at_its_line() {
    let bench = Bench::new(0, 0);
    corpus(&bench);
    let told = run(&pipeline(&bench, "out", "score = \"statistics.content_char\"\nshare = 0.1"), &[], 2);
    let told = String::from_utf8(told.stderr).unwrap();
    assert!(told.contains("no step above writes `statistics.content_char`") && told.contains("out.toml:14"), "{told}");
    assert!(told.contains("did you mean `statistics.content_chars`?"), "{told}");
}
