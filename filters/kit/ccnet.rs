//! Text as CCNet's language models read it.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

use super::python::{Set, is_digit, strip};

/// Puts a text into the form that CCNet's models were trained on (`text_normalizer.normalize` of its code, with what it
/// has as defaults): lower case, without accents, `0` for each digit, marks of other scripts as those of ASCII, without
/// controls, line ends among them: the text becomes one line, whose last and next words touch where a line ended.
pub fn ccnet(text: &str) -> String {
    static ACCENTS: LazyLock<Set> = LazyLock::new(|| Set::of(r"\p{Mn}"));
    let lower = strip(text).to_lowercase();
    let mut out = String::with_capacity(lower.len());
    for c in lower.nfd().filter(|&c| c.is_ascii() || !ACCENTS.has(c)) {
        match c {
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {}
            _ if is_digit(c) => out.push('0'),
            ' '..='~' => out.push(c),
            _ => match mark(c) {
                Some(mark) => out.push_str(mark),
                None => out.push(c),
            },
        }
    }
    out
}

fn mark(c: char) -> Option<&'static str> {
    Some(match c {
        '，' | '、' => ",",
        '。' => ".",
        '．' => ". ",
        '„' | '”' | '“' | '«' | '»' | '」' | '「' | '《' | '》' => "\"",
        '´' | '’' => "'",
        '∶' | '：' => ":",
        '；' => ";",
        '？' => "?",
        '！' => "!",
        '（' => "(",
        '）' => ")",
        '【' => "[",
        '】' => "]",
        '〈' => "<",
        '〉' => ">",
        '–' | '━' | '►' => "-",
        '—' => " - ",
        '～' => "~",
        '…' => "...",
        '％' => "%",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_what_ccnet_makes_of_them() {
        for (text, expected) in [
            (" Café No. 12\nÀ bientôt — « oui »… ", "cafe no. 00a bientot  -  \" oui \"..."),
            ("《红楼梦》，第１２回。\t（上）", "\"红楼梦\",第00回.(上)"),
            ("がぎ 한글 ΟΔΟΣ", "かき \u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af} οδος"),
            ("\u{1f}a\u{85}b\u{a0}", "ab"),
            ("", ""),
        ] {
            assert_eq!(ccnet(text), expected, "{text}");
        }
    }
}
