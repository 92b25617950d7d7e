//! Clean text spoiled: negatives for a scorer of fluency, where nobody has labelled any.
//!
//! What goes wrong on its way from a page into a corpus, and what machines write: words in another order, letters lost
//! or doubled, pieces of other sentences, a wrong encoding, words of a list without grammar. Each text is spoiled in one
//! way, drawn from its bytes; a text in Chinese is spoiled by characters as others are by words.

use wanjuan_filters::kit::{Text, Words};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Draws numbers, the same for the same text and seed.
struct Draws {
    seed: u64,
    count: u64,
}

impl Draws {
    fn next(&mut self, below: usize) -> usize {
        self.count += 1;
        (xxh3_64_with_seed(&self.count.to_le_bytes(), self.seed) % below.max(1) as u64) as usize
    }

    /// True one time in `many`.
    fn one_in(&mut self, many: usize) -> bool {
        self.next(many) == 0
    }
}

/// The text spoiled in one way.
pub fn spoil(text: &str, seed: u64) -> String {
    let mut draws = Draws { seed: xxh3_64_with_seed(text.as_bytes(), seed), count: 0 };
    match draws.next(6) {
        0 => rearranged(text, &mut draws),
        1 => letters_lost(text, &mut draws),
        2 => words_lost(text, &mut draws),
        3 => wrongly_decoded(text),
        4 => stuttered(text, &mut draws),
        _ => sorted(text, &mut draws),
    }
}

/// Words of the text with what stands between them; a character of a script without spaces is a word.
fn pieces(text: &str) -> Vec<String> {
    let view: Text = text.into();
    let (mut pieces, mut before) = (Vec::new(), 0);
    for word in view.words(Words::Characters) {
        let start = word.as_ptr().addr() - view.as_ptr().addr();
        if start > before {
            pieces.push(text[before..start].to_owned());
        }
        pieces.push(word.to_owned());
        before = start + word.len();
    }
    pieces.push(text[before..].to_owned());
    pieces
}

fn is_word(piece: &str) -> bool {
    piece.chars().any(char::is_alphanumeric)
}

/// Words change places with others near them.
fn rearranged(text: &str, draws: &mut Draws) -> String {
    let mut pieces = pieces(text);
    let words: Vec<usize> = (0..pieces.len()).filter(|&at| is_word(&pieces[at])).collect();
    for at in 0..words.len() {
        let other = (at + draws.next(6)).min(words.len() - 1);
        pieces.swap(words[at], words[other]);
    }
    pieces.concat()
}

/// One letter in six is lost, or changes places with the next.
fn letters_lost(text: &str, draws: &mut Draws) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for at in 1..letters.len() {
        if letters[at].is_alphanumeric() && letters[at - 1].is_alphanumeric() && draws.one_in(8) {
            letters.swap(at - 1, at);
        }
    }
    letters.into_iter().filter(|letter| !letter.is_alphanumeric() || !draws.one_in(8)).collect()
}

/// One word in four is lost.
fn words_lost(text: &str, draws: &mut Draws) -> String {
    pieces(text).into_iter().filter(|piece| !is_word(piece) || !draws.one_in(4)).collect()
}

/// UTF-8 read as Windows-1252.
fn wrongly_decoded(text: &str) -> String {
    let (wrong, _, _) = encoding_rs::WINDOWS_1252.decode(text.as_bytes());
    // A text in plain ASCII looks the same: its spaces go.
    if wrong == text { text.replace(' ', "") } else { wrong.into_owned() }
}

/// Runs of words are said again.
fn stuttered(text: &str, draws: &mut Draws) -> String {
    let pieces = pieces(text);
    let (mut out, mut at) = (String::new(), 0);
    while at < pieces.len() {
        let run = &pieces[at..pieces.len().min(at + 2 + draws.next(8))];
        for _ in 0..1 + draws.next(3) {
            run.iter().for_each(|piece| out.push_str(piece));
        }
        at += run.len();
    }
    out
}

/// Words of the text in no order at all.
fn sorted(text: &str, draws: &mut Draws) -> String {
    let mut pieces = pieces(text);
    let words: Vec<usize> = (0..pieces.len()).filter(|&at| is_word(&pieces[at])).collect();
    for at in (1..words.len()).rev() {
        pieces.swap(words[at], words[draws.next(at + 1)]);
    }
    pieces.concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENGLISH: &str = "The river rises far from the sea, and goes a long way through fields and towns.";
    const CHINESE: &str = "这条河发源于群山之中，离海很远，穿过田野、城镇和沼泽，走了很长的路。";

    #[test]
    fn every_way_spoils_and_words_stay_words_where_they_only_move() {
        for text in [ENGLISH, CHINESE] {
            let found: std::collections::HashSet<String> = (0..60).map(|seed| spoil(text, seed)).collect();
            assert!(found.len() > 20 && !found.contains(text));
            let letters = |text: &str| {
                let mut letters: Vec<char> = text.chars().collect();
                letters.sort_unstable();
                letters
            };
            let moved = sorted(text, &mut Draws { seed: 1, count: 0 });
            assert_eq!(letters(&moved), letters(text));
        }
        assert!(wrongly_decoded(CHINESE).starts_with("è¿™"));
    }

    proptest! {
        #[test]
        fn no_text_panics_and_the_same_seed_spoils_alike(text in "\\PC{0,60}", seed in any::<u64>()) {
            prop_assert_eq!(spoil(&text, seed), spoil(&text, seed));
        }
    }
}
