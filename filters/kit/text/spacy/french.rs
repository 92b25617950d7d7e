//! French compounds that stay whole: `demi-heure`, `arc-en-ciel`, `entr'ouvert`.
//!
//! The patterns are spaCy's (`fr/tokenizer_exceptions.py` of version 3.8.18), in a file of ours. Its list of
//! 15,630 compounds is no part of them: spaCy has left it out of its pipelines since version 3.

use std::sync::LazyLock;

use regex::Regex;

/// Longest compound, in bytes. A longer chunk is cut at its hyphens: it is looked at once for every mark that
/// it sheds, and may be as long as the text.
const LONGEST: usize = 256;

/// Whether a chunk is a compound that stays whole.
pub(super) fn is_compound(chunk: &str) -> bool {
    static COMPOUNDS: LazyLock<Regex> = LazyLock::new(|| {
        let patterns = include_str!("../../../data/spacy-fr.txt").lines().filter(|line| !line.starts_with('#'));
        let patterns: Vec<&str> = patterns.collect();
        // Those that end alike share their end, as a class of letters takes much room.
        let ends = ["-…", "'…", "~+", "~*"].map(|end| {
            let heads: Vec<&str> = patterns.iter().filter_map(|pattern| pattern.strip_suffix(end)).collect();
            format!("(?:{}){end}", heads.join("|"))
        });
        let all = format!("(?i)^(?:{})$", ends.join("|"));
        let written = all
            .replace('-', "[-–—‐‑]")
            .replace('\'', "['’]")
            .replace('…', r"\p{Alphabetic}[-–—‐‑'’\p{Alphabetic}]*")
            .replace('~', r"\p{Alphabetic}");
        Regex::new(&written).expect("a test compiles the patterns")
    });
    let joined = |byte| matches!(byte, b'-' | b'\'' | 0xe2); // the first byte of `’`, `–`, `‐`
    chunk.len() <= LONGEST && chunk.bytes().any(joined) && COMPOUNDS.is_match(chunk)
}

#[cfg(test)]
mod tests {
    use super::is_compound;

    #[test]
    fn compounds_are_those_of_spacy() {
        for whole in [
            "demi-heure",
            "Arc-en-ciel",
            "l'arc-en-ciel",
            "entr'ouvert",
            "grand'mère",
            "Saint-Germain-des-Prés",
            "sous‑marin",
            "prud'homme",
            "droits-de-l'homme",
            "ex-femme-de-ménage",
            "pet-en-l'air",
        ] {
            assert_eq!(is_compound(whole), whole != "l'arc-en-ciel", "{whole}");
        }
        for cut in ["", "heure", "porte", "dit-il", "Jean-Pierre2", "après-", "entr'", "l'homme", "chien-loup"] {
            assert!(!is_compound(cut), "{cut}");
        }
        assert!(!is_compound(&("demi-".to_owned() + &"a".repeat(300))));
    }
}
