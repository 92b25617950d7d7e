//! What one text has that another has not: by words, and by characters where a script has no spaces.

use serde::Serialize;
use similar::{Algorithm, ChangeTag, capture_diff_slices};
use wanjuan_filters::kit::is_unspaced;

/// Pieces of a text that are compared; the rest is left out.
const MOST: usize = 4000;
/// Equal pieces that are shown on either side of a change.
const AROUND: usize = 8;

/// A part of two texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Whose it is.
    pub change: Change,
    /// The part itself.
    pub text: String,
}

/// Whose a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Both texts have it.
    Both,
    /// Both have it, and it is too long to be shown.
    Skipped,
    /// Only the one that is kept.
    Kept,
    /// Only the other.
    Dropped,
}

/// The parts of two texts, equal ones cut short in their midst.
pub fn diff(kept: &str, dropped: &str) -> Vec<Part> {
    let (kept, dropped) = (pieces(kept), pieces(dropped));
    let mut parts: Vec<Part> = Vec::new();
    let operations = capture_diff_slices(Algorithm::Myers, &kept, &dropped);
    for (number, operation) in operations.iter().enumerate() {
        let changes: Vec<_> = operation.iter_changes(&kept, &dropped).collect();
        if changes.first().is_some_and(|change| change.tag() == ChangeTag::Equal) {
            let equal: Vec<&str> = changes.iter().map(|change| change.value()).collect();
            // What stands beside a change is shown.
            let head = if number > 0 { AROUND } else { 0 };
            let tail = if number + 1 < operations.len() { AROUND } else { 0 };
            match equal.len() > head + tail + 1 {
                true => {
                    push(&mut parts, Change::Both, &equal[..head].concat());
                    let middle = format!("{} equal", equal.len() - head - tail);
                    push(&mut parts, Change::Skipped, &middle);
                    push(&mut parts, Change::Both, &equal[equal.len() - tail..].concat());
                }
                false => push(&mut parts, Change::Both, &equal.concat()),
            }
            continue;
        }
        for change in changes {
            let whose = if change.tag() == ChangeTag::Delete { Change::Kept } else { Change::Dropped };
            push(&mut parts, whose, change.value());
        }
    }
    parts
}

fn push(parts: &mut Vec<Part>, change: Change, text: &str) {
    match parts.last_mut().filter(|last| last.change == change) {
        _ if text.is_empty() => {}
        Some(last) => last.text.push_str(text),
        None => parts.push(Part { change, text: text.to_owned() }),
    }
}

/// Words, runs of white space, and single characters of all else.
fn pieces(text: &str) -> Vec<&str> {
    let sort = |c: char| match c {
        _ if c.is_whitespace() => 1,
        _ if c.is_alphanumeric() && !is_unspaced(c) => 2,
        _ => 0,
    };
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut before = None;
    for (at, c) in text.char_indices() {
        let now = sort(c);
        if before.is_some_and(|before| before != now || now == 0) {
            pieces.push(&text[start..at]);
            start = at;
            if pieces.len() == MOST {
                return pieces;
            }
        }
        before = Some(now);
    }
    pieces.extend((start < text.len()).then(|| &text[start..]));
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_differ_as_words_and_chinese_as_characters() {
        assert_eq!(pieces("a bc,  今天x"), ["a", " ", "bc", ",", "  ", "今", "天", "x"]);
        let told = |a: &str, b: &str| -> String {
            let mark = |part: Part| match part.change {
                Change::Both => part.text,
                Change::Skipped => format!("<{}>", part.text),
                Change::Kept => format!("[-{}-]", part.text),
                Change::Dropped => format!("{{+{}+}}", part.text),
            };
            diff(a, b).into_iter().map(mark).collect()
        };
        assert_eq!(told("the cat sat", "the dog sat"), "the [-cat-]{+dog+} sat");
        assert_eq!(told("今天天气好", "今天天氣好"), "今天天[-气-]{+氣+}好");
        let long = "w ".repeat(40);
        assert_eq!(told(&format!("{long}a"), &format!("{long}b")), "<72 equal>w w w w [-a-]{+b+}");
        assert_eq!(told("same", "same"), "same");
        assert_eq!(told("", "x"), "{+x+}");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(a in "[ab一 ,]{0,40}", b in "[ab一 ,]{0,40}") {
            prop_assert_eq!(pieces(&a).concat(), a.clone());
            let parts = diff(&a, &b);
            if parts.iter().all(|part| part.change != Change::Skipped) {
                let of = |whose: Change| -> String {
                    parts.iter().filter(|part| [whose, Change::Both].contains(&part.change)).map(|part| &*part.text).collect()
                };
                prop_assert_eq!(of(Change::Kept), a);
                prop_assert_eq!(of(Change::Dropped), b);
            }
        }
    }
}
