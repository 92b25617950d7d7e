//! Tokens as units: each becomes a character, so that what is found of characters is found of tokens.

use std::ops::Range;

/// How many different tokens there may be: characters there are.
pub const MOST: usize = 0x11_0000 - 0x800;

/// Writes tokens into an empty string, each as the character of its number. None past [`MOST`].
pub fn as_text(ids: &[u32], out: &mut String) {
    out.extend(ids.iter().filter_map(|&id| char::from_u32(if id < 0xd800 { id } else { id + 0x800 })));
}

/// Turns spans of the text of [`as_text`] into spans of the text that was encoded, by the places of its tokens. A
/// character that is made of several tokens is in a span if all of them are.
pub fn to_bytes(tokens: &str, places: &[Range<usize>], spans: &mut Vec<Range<usize>>) {
    let mut passed = (0, 0);
    let mut number = |byte: usize| {
        passed = (byte, passed.1 + tokens[passed.0..byte].chars().count());
        passed.1
    };
    for span in spans.iter_mut() {
        let (first, end) = (number(span.start), number(span.end));
        let before = first.checked_sub(1).map_or(0, |before| places[before].end);
        let start = places[first].start.max(before);
        let behind = places.get(end).map_or(usize::MAX, |behind| behind.start);
        *span = start..places[end - 1].end.min(behind).max(start);
    }
    spans.retain(|span| !span.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_become_characters_and_their_spans_bytes() {
        let mut tokens = String::new();
        as_text(&[0, 7, 0xd7ff, 0xd800, 0xdfff, 300_000], &mut tokens);
        assert_eq!(tokens.chars().count(), 6);
        let mut all = String::new();
        as_text(&(0..MOST as u32).collect::<Vec<_>>(), &mut all);
        assert_eq!(all.chars().count(), MOST);
        // Tokens 2 and 3 are halves of one character of three bytes, at 4.
        let places = [0..2, 2..4, 4..7, 4..7, 7..9, 9..10];
        let bytes = |from: usize, to: usize| {
            let at = |number| tokens.char_indices().nth(number).map_or(tokens.len(), |(at, _)| at);
            let mut spans = Vec::from_iter(std::iter::once(at(from)..at(to)));
            to_bytes(&tokens, &places, &mut spans);
            spans.first().map(|span| (span.start, span.end))
        };
        assert_eq!(bytes(1, 4), Some((2, 7)));
        assert_eq!(bytes(1, 3), Some((2, 4)));
        assert_eq!(bytes(3, 5), Some((7, 9)));
        assert_eq!(bytes(0, 6), Some((0, 10)));
        assert_eq!(bytes(2, 3), None);
    }
}
