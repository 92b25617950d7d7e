//! Paragraphs: what blank lines part.

use super::Span;

/// How a text is cut into paragraphs.
///
/// mC4's paragraphs are lines ([`Text::feed_lines`](super::Text::feed_lines)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paragraphs {
    /// Between runs of two line feeds and more, of the text without white space around it, as datatrove cuts
    /// (`\n{2,}`). None is empty but that of an empty text.
    Blank,
    /// The same of the text as it is, without empty ones, as the heuristics of OLMo 3 cut.
    Loose,
    /// Between two line feeds, as Python's `split("\n\n")` and so DCLM and NeMo Curator cut: where there are four,
    /// an empty one lies between, and a third belongs to the next.
    Pairs,
}

impl Paragraphs {
    /// How many ways there are.
    pub(super) const COUNT: usize = 3;
}

/// Cuts a text into paragraphs.
pub(super) fn cut(text: &str, how: Paragraphs, spans: &mut Vec<Span>) {
    let (inner, start) = match how {
        Paragraphs::Blank => (text.trim(), text.len() - text.trim_start().len()),
        Paragraphs::Loose | Paragraphs::Pairs => (text, 0),
    };
    let bytes = inner.as_bytes();
    let start = if inner.is_empty() { 0 } else { start };
    let mut add = |from: usize, to: usize| {
        if to > from || how != Paragraphs::Loose {
            spans.push(((start + from) as u32, (start + to) as u32));
        }
    };
    let (mut from, mut at) = (0, 0);
    while let Some(found) = memchr::memchr(b'\n', &bytes[at..]) {
        let found = at + found;
        let run = match how {
            Paragraphs::Blank | Paragraphs::Loose => bytes[found..].iter().take_while(|&&byte| byte == b'\n').count(),
            Paragraphs::Pairs => 1 + usize::from(bytes.get(found + 1) == Some(&b'\n')),
        };
        at = found + run;
        if run >= 2 {
            add(from, found);
            from = at;
        }
    }
    add(from, bytes.len());
}

/// [`cut`] by plainer means.
#[cfg(any(test, fuzzing))]
pub(super) fn twin(text: &str, how: Paragraphs) -> Vec<&str> {
    match how {
        Paragraphs::Pairs => text.split("\n\n").collect(),
        Paragraphs::Loose => {
            let pieces = text.split("\n\n").enumerate();
            let pieces = pieces.map(|(at, piece)| if at == 0 { piece } else { piece.trim_start_matches('\n') });
            pieces.filter(|piece| !piece.is_empty()).collect()
        }
        Paragraphs::Blank => {
            let text = text.trim();
            // What a third line feed and those behind it leave is cut off the front.
            let pieces = text.split("\n\n").map(|piece| piece.trim_start_matches('\n'));
            pieces.filter(|piece| text.is_empty() || !piece.is_empty()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Text;
    use super::*;

    #[test]
    fn paragraphs_are_parted_by_blank_lines() {
        let text = Text::from(" \na\nb\n\nc\n\n\n\n\nd\n\n\u{3000}");
        assert_eq!(text.paragraphs(Paragraphs::Blank).collect::<Vec<_>>(), ["a\nb", "c", "d"]);
        assert_eq!(text.paragraphs(Paragraphs::Pairs).collect::<Vec<_>>(), [" \na\nb", "c", "", "\nd", "\u{3000}"]);
        let loose = text.paragraphs(Paragraphs::Loose).collect::<Vec<_>>();
        assert_eq!(loose, [" \na\nb", "c", "d", "\u{3000}"]);
        assert_eq!(Text::from("\n\n\n").paragraphs(Paragraphs::Loose).len(), 0);
        for text in ["", " ", "\n\n\n"] {
            assert_eq!(Text::from(text).paragraphs(Paragraphs::Blank).collect::<Vec<_>>(), [""]);
        }
        assert_eq!(Text::from("第一段。\n\n第二段。").paragraphs(Paragraphs::Blank).len(), 2);
    }
}
