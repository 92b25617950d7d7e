//! What is not told apart when words are looked for: case, width, and marks set between characters.

use super::matcher::is_chinese;

/// What is folded, in lists and texts alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fold {
    /// Upper case becomes lower case.
    pub case: bool,
    /// Full-width letters, digits and marks become those of ASCII.
    pub width: bool,
    /// Up to three marks between two Chinese characters go.
    pub separators: bool,
}

/// Longest run of marks that is passed over.
const MOST_SEPARATORS: usize = 3;

impl Fold {
    /// Appends the folded text.
    pub fn append(self, text: &str, out: &mut String) {
        let bytes = text.as_bytes();
        out.reserve(text.len());
        let (mut at, mut after_han) = (0, false);
        while at < bytes.len() {
            if bytes[at].is_ascii() && !(after_han && self.separators) {
                let length = bytes[at..].iter().position(|byte| !byte.is_ascii()).unwrap_or(bytes.len() - at);
                let from = out.len();
                out.push_str(&text[at..at + length]);
                if self.case {
                    out[from..].make_ascii_lowercase();
                }
                (at, after_han) = (at + length, false);
                continue;
            }
            let rest = &text[at..];
            let Some(c) = rest.chars().next() else { break };
            if after_han && self.separators {
                let run = self.separators_before_han(rest);
                if run > 0 {
                    at += run;
                    continue;
                }
            }
            at += c.len_utf8();
            after_han = is_chinese(c);
            let c = self.narrow(c);
            if self.case && !after_han { out.extend(c.to_lowercase()) } else { out.push(c) }
        }
    }

    fn narrow(self, c: char) -> char {
        match c {
            '\u{3000}' if self.width => ' ',
            '\u{ff01}'..='\u{ff5e}' if self.width => char::from((u32::from(c) - 0xff01 + 0x21) as u8),
            _ => c,
        }
    }

    /// Bytes of the marks at the start of `rest`, if there are some, few, and a Chinese character behind.
    fn separators_before_han(self, rest: &str) -> usize {
        for (passed, (at, c)) in rest.char_indices().enumerate() {
            if is_chinese(c) {
                return at;
            }
            if passed == MOST_SEPARATORS || !is_separator(self.narrow(c)) {
                return 0;
            }
        }
        0
    }
}

/// Marks that no Chinese sentence has between its words or parts, so that those who put them there have
/// something to hide. Commas, full stops and quotes are not among them, nor are line ends.
fn is_separator(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t'
            | '*'
            | '_'
            | '-'
            | '.'
            | '|'
            | '/'
            | '\\'
            | '~'
            | '^'
            | '+'
            | '='
            | '#'
            | '@'
            | '&'
            | '%'
            | '$'
            | '\''
            | '`'
            | '·'
            | '•'
            | '●'
            | '○'
            | '★'
            | '☆'
            | '※'
            | '◆'
            | '◇'
            | '■'
            | '□'
            | '▪'
            | '\u{3000}'
            | '\u{ad}'
            | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn folded(fold: Fold, text: &str) -> String {
        let mut out = String::new();
        fold.append(text, &mut out);
        out
    }

    const NONE: Fold = Fold { case: false, width: false, separators: false };

    #[test]
    fn each_kind_is_folded_when_asked_for() {
        assert_eq!(folded(NONE, "ＡＢ Ab法*轮"), "ＡＢ Ab法*轮");
        assert_eq!(folded(Fold { case: true, ..NONE }, "ÀB Ω法"), "àb ω法");
        assert_eq!(folded(Fold { width: true, ..NONE }, "ＡＢ！\u{3000}法"), "AB! 法");
        assert_eq!(folded(Fold { case: true, width: true, ..NONE }, "ＡＢ"), "ab");
        let separators = Fold { separators: true, width: true, ..NONE };
        assert_eq!(folded(separators, "法*轮 功，法＊_·轮"), "法轮功,法轮");
    }

    #[test]
    fn marks_stay_where_no_chinese_character_is_on_both_sides_or_they_are_too_many() {
        let separators = Fold { separators: true, ..NONE };
        for text in ["法。轮", "法\n轮", "法****轮", "a*b", "法*b", "a*轮", "法*", "*法", "法，轮", ""] {
            assert_eq!(folded(separators, text), text);
        }
    }

    proptest! {
        #[test]
        fn folding_is_what_plain_code_does_and_twice_is_once(text in "[aBÀ法轮Ａ＊*·,\u{3000}\n]{0,40}", flags in any::<[bool; 3]>()) {
            let fold = Fold { case: flags[0], width: flags[1], separators: flags[2] };
            let once = folded(fold, &text);
            prop_assert_eq!(folded(fold, &once), once.clone());
            let characters: Vec<char> = text.chars().collect();
            let mut plain = String::new();
            for (at, &c) in characters.iter().enumerate() {
                let mark = |c: char| is_separator(fold.narrow(c));
                let before = characters[..at].iter().rev().take_while(|c| mark(**c)).count();
                let after = characters[at..].iter().take_while(|c| mark(**c)).count();
                let han = |at: Option<usize>| at.and_then(|at| characters.get(at)).is_some_and(|c| is_chinese(*c));
                let hides = mark(c) && before + after <= MOST_SEPARATORS && han((at - before).checked_sub(1)) && han(Some(at + after));
                if fold.separators && hides {
                    continue;
                }
                let c = fold.narrow(c);
                if fold.case { plain.extend(c.to_lowercase()) } else { plain.push(c) }
            }
            prop_assert_eq!(once, plain);
        }
    }
}
