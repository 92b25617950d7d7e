//! Pages with the text a person would keep, and how near to it a text comes. Shared by the bench
//! and the test of `html_text`.
//!
//! The score is that of the article extraction benchmark by Scrapinghub: shingles of four tokens,
//! precision and recall averaged over pages, F1 of the averages. Ours: a character of Chinese,
//! Japanese or Korean is a token of its own, since these scripts put few spaces between words and a
//! sentence would otherwise be one token, right or wrong as a whole.

use std::collections::HashMap;
use std::path::Path;

/// A page and the text a person would keep of it.
pub struct Row {
    /// Where the page comes from, and its name there.
    pub id: String,
    /// The page, as UTF-8.
    pub html: String,
    /// What a person would keep.
    pub gold: String,
    /// The collection that the page belongs to; scores are given for each.
    pub source: String,
}

/// Reads a file of rows {id, html, gold, source}, JSON lines in zstd.
pub fn read(path: &Path) -> Vec<Row> {
    let file = std::fs::File::open(path).expect("the gold file opens");
    let text = String::from_utf8(zstd::decode_all(file).expect("the gold file is zstd")).expect("rows are UTF-8");
    text.lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).expect("rows are JSON");
            let field = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            Row { id: field("id"), html: field("html"), gold: field("gold"), source: field("source") }
        })
        .collect()
}

/// How near a text comes to the gold.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    /// The share of the text that is in the gold.
    pub precision: f64,
    /// The share of the gold that is in the text.
    pub recall: f64,
}

impl Score {
    /// Compares a text with the gold.
    pub fn of(found: &str, gold: &str) -> Score {
        let (found, gold) = (shingles(found), shingles(gold));
        let both: usize = gold.iter().map(|(shingle, count)| *count.min(found.get(shingle).unwrap_or(&0))).sum();
        let (found, gold): (usize, usize) = (found.values().sum(), gold.values().sum());
        let share =
            |whole: usize, other: usize| if whole == 0 { f64::from(other == 0) } else { both as f64 / whole as f64 };
        Score { precision: share(found, gold), recall: share(gold, found) }
    }

    /// The means over pages.
    pub fn mean(scores: &[Score]) -> Score {
        let mean = |of: fn(&Score) -> f64| scores.iter().map(of).sum::<f64>() / scores.len() as f64;
        Score { precision: mean(|score| score.precision), recall: mean(|score| score.recall) }
    }

    /// The harmonic mean of the two.
    pub fn f1(self) -> f64 {
        2.0 * self.precision * self.recall / (self.precision + self.recall)
    }
}

/// Every run of four tokens, or of all of them in a text with fewer, and how often it stands there.
fn shingles(text: &str) -> HashMap<Vec<&str>, usize> {
    let tokens = tokens(text);
    let size = tokens.len().clamp(1, 4);
    let mut counts = HashMap::new();
    for shingle in tokens.windows(size) {
        *counts.entry(shingle.to_vec()).or_insert(0) += 1;
    }
    counts
}

fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut word = None;
    for (at, c) in text.char_indices() {
        let alone = stands_alone(c);
        if !alone && (c.is_alphanumeric() || c == '_') {
            word.get_or_insert(at);
            continue;
        }
        if let Some(start) = word.take() {
            tokens.push(&text[start..at]);
        }
        if alone {
            tokens.push(&text[at..at + c.len_utf8()]);
        }
    }
    if let Some(start) = word {
        tokens.push(&text[start..]);
    }
    tokens
}

/// Han, kana and hangul syllables.
fn stands_alone(c: char) -> bool {
    matches!(c,
        '々' | '〇' | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | 'ー' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9d}' | '\u{20000}'..='\u{3ffff}')
}
