//! Cuts stretches out of a text.

use std::ops::Range;

/// What is left of a text.
pub(super) struct Pieces {
    /// Pieces before short ones were thrown away.
    pub(super) all: usize,
    /// Those long enough, with an empty line between them.
    pub(super) text: String,
}

/// Cuts `holes` out, bytes in their order, with so many characters `around` each; pieces of fewer characters
/// than `least` go too.
pub(super) fn cut(text: &str, holes: &[Range<usize>], around: usize, least: usize) -> Pieces {
    let mut wide: Vec<Range<usize>> = Vec::new();
    for (number, hole) in holes.iter().enumerate() {
        let before = wide.last().map_or(0, |last| last.end);
        // No character is passed twice, however many holes there are.
        let next = holes.get(number + 1).map_or(text.len(), |next| next.start.max(hole.end));
        let end = text[hole.end..next].char_indices().nth(around).map_or(next, |(at, _)| hole.end + at);
        if hole.start <= before && !wide.is_empty() {
            let last = wide.last_mut().expect("there is one");
            last.end = last.end.max(end);
            continue;
        }
        let start = match around {
            0 => hole.start,
            _ => text[before..hole.start].char_indices().nth_back(around - 1).map_or(before, |(at, _)| before + at),
        };
        match wide.last_mut().filter(|last| start <= last.end) {
            Some(last) => last.end = end,
            None => wide.push(start..end),
        }
    }
    let starts = std::iter::once(0).chain(wide.iter().map(|hole| hole.end));
    let ends = wide.iter().map(|hole| hole.start).chain([text.len()]);
    let mut pieces = Pieces { all: 0, text: String::new() };
    for (start, end) in starts.zip(ends).filter(|(start, end)| start < end) {
        pieces.all += 1;
        let piece = &text[start..end];
        if piece.trim().is_empty() || piece.chars().take(least).count() < least {
            continue;
        }
        if !pieces.text.is_empty() {
            pieces.text.push_str("\n\n");
        }
        pieces.text.push_str(piece.trim());
    }
    pieces
}

/// Turns places in bytes into places in characters.
pub(super) fn in_characters(text: &str, places: &mut [usize]) {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_unstable_by_key(|&number| places[number]);
    let (mut byte, mut count) = (0, 0);
    for number in order {
        let place = places[number];
        count += text[byte..place].chars().count();
        byte = place;
        places[number] = count;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn holes_are_cut_with_what_is_around_them() {
        let told = |holes: &[(usize, usize)], around, least| {
            let holes: Vec<Range<usize>> = holes.iter().map(|hole| hole.0..hole.1).collect();
            let pieces = cut("0123456789abcdef", &holes, around, least);
            format!("{} {}", pieces.all, pieces.text.replace("\n\n", "|"))
        };
        assert_eq!(told(&[(4, 6)], 0, 0), "2 0123|6789abcdef");
        assert_eq!(told(&[(4, 6)], 2, 0), "2 01|89abcdef");
        assert_eq!(told(&[(4, 6), (8, 9)], 2, 0), "2 01|bcdef");
        assert_eq!(told(&[(4, 6), (9, 10)], 1, 0), "3 012|7|bcdef");
        assert_eq!(told(&[(4, 6), (9, 10)], 1, 3), "3 012|bcdef");
        assert_eq!(told(&[(4, 6), (9, 10)], 1, 4), "3 bcdef");
        assert_eq!(told(&[(0, 2), (14, 16)], 9, 0), "0 ");
        assert_eq!(told(&[(4, 6), (5, 9)], 1, 0), "2 012|abcdef");
        let hole = 9..12;
        assert_eq!(cut("一二三四五六七", std::slice::from_ref(&hole), 1, 0).text, "一二\n\n六七");
    }

    proptest! {
        #[test]
        fn what_is_cut_is_within_reach_of_a_hole(
            text in "[a-z一二三é]{1,60}", marks in prop::collection::vec((0..60_usize, 0..6_usize), 0..6), around in 0..5_usize,
        ) {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let last = places.len() - 1;
            let mut holes: Vec<(usize, usize)> = marks.iter().map(|&(at, length)| (at.min(last), (at + length).min(last))).collect();
            holes.retain(|hole| hole.0 < hole.1);
            holes.sort_unstable();
            let mut merged: Vec<(usize, usize)> = Vec::new();
            for hole in holes {
                match merged.last_mut().filter(|last| hole.0 <= last.1) {
                    Some(last) => last.1 = last.1.max(hole.1),
                    None => merged.push(hole),
                }
            }
            let bytes: Vec<Range<usize>> = merged.iter().map(|hole| places[hole.0]..places[hole.1]).collect();
            let gone = |at: usize| merged.iter().any(|hole| at + around >= hole.0 && at < hole.1 + around);
            let mut plain: Vec<String> = vec![String::new()];
            for (at, c) in text.chars().enumerate() {
                match gone(at) {
                    true => plain.push(String::new()),
                    false => plain.last_mut().unwrap().push(c),
                }
            }
            plain.retain(|piece| !piece.is_empty());
            let pieces = cut(&text, &bytes, around, 0);
            prop_assert_eq!(pieces.all, plain.len());
            prop_assert_eq!(pieces.text, plain.join("\n\n"));
            let mut found: Vec<usize> = places.clone();
            found.reverse();
            in_characters(&text, &mut found);
            prop_assert_eq!(found, (0..=last).rev().collect::<Vec<_>>());
        }
    }
}
