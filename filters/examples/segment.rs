//! Cuts texts into words: `segment WORDS` (`french`, `chinese`, …), lines of JSON strings in, lines of JSON
//! lists out.

use std::io::{BufRead, Write};

use wanjuan_filters::kit::{Document, Text, Words};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Words = serde_json::from_value(std::env::args().nth(1).ok_or("which words?")?.into())?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut text = Text::default();
    for line in std::io::stdin().lock().lines() {
        text.replace(Document::new("", serde_json::from_str::<String>(&line?)?));
        writeln!(out, "{}", serde_json::to_string(&text.words(words).collect::<Vec<_>>())?)?;
    }
    Ok(())
}
