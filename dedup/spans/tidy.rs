//! A text without some of its parts.

use super::{Part, bytes};

/// Appends the text without the parts for which `cut` says so. White space around a part that goes becomes one
/// gap: the one with more line ends, of equals the longer, of equals the first. What stands before the first
/// part and behind the last stays, so that a text from which nothing is cut is as it was.
pub fn without(text: &str, parts: &[Part], cut: impl Fn(usize) -> bool, out: &mut String) {
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return out.push_str(text) };
    let start = out.len();
    out.push_str(&text[..first.start as usize]);
    let (mut any, mut gap) = (false, "");
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            let before = &text[parts[number - 1].end as usize..part.start as usize];
            // Only gaps that touch a part that goes are weighed against each other.
            gap = if any && rank(gap) >= rank(before) && cut(number - 1) { gap } else { before };
        }
        if !cut(number) {
            if any {
                out.push_str(gap);
            }
            out.push_str(&text[bytes(part)]);
            any = true;
        }
    }
    if any { out.push_str(&text[last.end as usize..]) } else { out.truncate(start) }
}

fn rank(gap: &str) -> (usize, usize) {
    (gap.matches('\n').count(), gap.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Unit;
    use super::super::tests::cutter;
    use super::*;

    fn tidy(unit: Unit, text: &str, cut: &[usize]) -> String {
        let (mut parts, mut out) = (Vec::new(), String::new());
        cutter(unit, 1).parts(text, &mut parts);
        without(text, &parts, |number| cut.contains(&number), &mut out);
        out
    }

    #[test]
    fn no_empty_lines_are_left_over() {
        assert_eq!(tidy(Unit::Line, "a\n\nx\n\nb\nc", &[1]), "a\n\nb\nc");
        assert_eq!(tidy(Unit::Line, "a\nx\nb\n", &[1]), "a\nb\n");
        assert_eq!(tidy(Unit::Line, "a\n\nx\nb\n", &[1]), "a\n\nb\n");
        assert_eq!(tidy(Unit::Line, "x\ny\n\nb\n", &[0, 1]), "b\n");
        assert_eq!(tidy(Unit::Line, "a\n\n\nx\n", &[1]), "a\n");
        assert_eq!(tidy(Unit::Paragraph, "a\nb\n\n\nx\n\nc", &[1]), "a\nb\n\n\nc");
        assert_eq!(tidy(Unit::Sentence, "A. X. B.\nC.", &[1]), "A. B.\nC.");
        assert_eq!(tidy(Unit::Sentence, "A. X.\nC.", &[1]), "A.\nC.");
        assert_eq!(tidy(Unit::Sentence, "甲。乙。丙。", &[1]), "甲。丙。");
        assert_eq!(tidy(Unit::Line, "x", &[0]), "");
    }

    proptest! {
        #[test]
        fn what_is_not_cut_stays_in_order(text in "([ab.。 \r\n]|文){0,40}", cut in any::<u64>()) {
            for unit in [Unit::Line, Unit::Paragraph, Unit::Sentence] {
                let mut parts = Vec::new();
                cutter(unit, 1).parts(&text, &mut parts);
                let mut out = String::new();
                without(&text, &parts, |_| false, &mut out);
                prop_assert_eq!(&out, &text);
                out.clear();
                without(&text, &parts, |number| cut >> (number % 64) & 1 == 1, &mut out);
                let kept = parts.iter().enumerate().filter(|(number, _)| cut >> (number % 64) & 1 == 0);
                let kept: String = kept.map(|(_, part)| &text[bytes(part)]).collect();
                let solid = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                prop_assert_eq!(solid(&out), solid(&kept));
                let most = |text: &str| text.split(|c| c != '\n').map(str::len).max();
                prop_assert!(out.len() <= text.len() && most(&out) <= most(&text));
            }
        }
    }
}
