//! The fast encoder of unigram models over words between white space, which `kitoken` has no cuts for.
//!
//! A unigram model (Kudo 2018, arXiv:1804.10959, sec. 3.2) takes the pieces whose scores have the greatest sum. That is
//! found as the reference finds it: from the start of a word, the best way to each character, sums in `f64`, of equals
//! the longest piece. Pieces lie in a trie, whose steps are one table of a node and a character.

use std::cell::RefCell;

use serde_json::Value;
use unicode_normalization_alignments::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// What stands at the start of a word.
const START: char = '▁';
/// How much worse than the worst piece an unknown character is (SentencePiece).
const UNKNOWN_PENALTY: f64 = 10.0;
const NONE: u32 = u32::MAX;

/// An encoder of a unigram model.
pub struct Unigram {
    nfkc: bool,
    lowercase: bool,
    /// By node and character, at the first free place from where a hash says: the next node.
    steps: Vec<(u64, u32)>,
    /// By node: the piece that ends there, and its score.
    nodes: Vec<(u32, f64)>,
    unknown: u32,
    unknown_score: f64,
}

/// The best way to a place in a word.
#[derive(Clone, Copy)]
struct Best {
    score: f64,
    from: u32,
    piece: u32,
}

/// What a thread uses again from word to word.
#[derive(Default)]
struct Room {
    normal: String,
    word: Vec<char>,
    best: Vec<Best>,
}

/// Characters for which there is room from one text to the next.
const KEPT: usize = 1 << 16;

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
}

impl Unigram {
    /// Reads a `tokenizer.json`, if it is of the one form that is known here: NFKC and lower case or neither, words
    /// between white space, each behind `▁`.
    pub fn new(definition: &Value) -> Option<Unigram> {
        let (mut nfkc, mut lowercase) = (false, false);
        for normalizer in list(&definition["normalizer"], "normalizers") {
            match normalizer["type"].as_str()? {
                "NFKC" if !lowercase => nfkc = true,
                "Lowercase" => lowercase = true,
                _ => return None,
            }
        }
        let [space, start] = list(&definition["pre_tokenizer"], "pretokenizers")[..] else { return None };
        let words = space["type"] == "WhitespaceSplit"
            && start["type"] == "Metaspace"
            && start["replacement"] == "▁"
            && start["prepend_scheme"] == "always"
            && start["split"] != false;
        let model = &definition["model"];
        if !words || model["type"] != "Unigram" || model["byte_fallback"] == true {
            return None;
        }
        let pieces = model["vocab"].as_array()?;
        let pieces: Vec<(&str, f64)> =
            pieces.iter().map(|piece| Some((piece[0].as_str()?, piece[1].as_f64()?))).collect::<Option<_>>()?;
        let worst = pieces.iter().map(|piece| piece.1).fold(f64::INFINITY, f64::min);
        let characters: usize = pieces.iter().map(|piece| piece.0.chars().count()).sum();
        let mut unigram = Unigram {
            nfkc,
            lowercase,
            steps: vec![(0, NONE); (characters * 2).next_power_of_two().max(2)],
            nodes: vec![(NONE, 0.0)],
            unknown: u32::try_from(model["unk_id"].as_u64()?).ok()?,
            unknown_score: worst - UNKNOWN_PENALTY,
        };
        for (id, (piece, score)) in pieces.into_iter().enumerate() {
            let mut node = 0;
            for c in piece.chars() {
                let place = unigram.place(node, c);
                if unigram.steps[place].1 == NONE {
                    unigram.steps[place] = (step(node, c), unigram.nodes.len() as u32);
                    unigram.nodes.push((NONE, 0.0));
                }
                node = unigram.steps[place].1;
            }
            if node > 0 {
                unigram.nodes[node as usize] = (u32::try_from(id).ok()?, score);
            }
        }
        Some(unigram)
    }

    /// Where a step is, or would be.
    #[inline]
    fn place(&self, node: u32, c: char) -> usize {
        let (step, mask) = (step(node, c), self.steps.len() - 1);
        let mut place = (step.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        while self.steps[place].1 != NONE && self.steps[place].0 != step {
            place = (place + 1) & mask;
        }
        place
    }

    /// Appends the ids of a text.
    pub fn encode(&self, text: &str, ids: &mut Vec<u32>) {
        ROOM.with_borrow_mut(|Room { normal, word, best }| {
            // White space begins and ends what is normalized, so that words may be normalized one by one.
            for raw in text.split_whitespace() {
                normal.clear();
                self.normalize(raw, normal);
                for normalized in normal.split_whitespace() {
                    word.clear();
                    for c in normalized.chars() {
                        if c == START && !word.is_empty() {
                            self.encode_word(word, best, ids);
                            word.clear();
                        } else if word.is_empty() && c != START {
                            word.push(START);
                        }
                        word.push(c);
                    }
                    self.encode_word(word, best, ids);
                }
            }
            normal.shrink_to(KEPT);
            word.shrink_to(KEPT);
            best.shrink_to(KEPT);
        });
    }

    fn normalize(&self, raw: &str, normal: &mut String) {
        if raw.is_ascii() {
            normal.push_str(raw);
            if self.lowercase {
                normal.make_ascii_lowercase();
            }
            return;
        }
        // One character at a time: no rule of a word's end, as the reference has it.
        let mut push = |c: char| match self.lowercase {
            true => normal.extend(c.to_lowercase()),
            false => normal.push(c),
        };
        if self.nfkc && is_nfkc_quick(raw.chars()) != IsNormalized::Yes {
            raw.nfkc().for_each(|(c, _)| push(c));
        } else {
            raw.chars().for_each(&mut push);
        }
    }

    fn encode_word(&self, word: &[char], best: &mut Vec<Best>, ids: &mut Vec<u32>) {
        best.clear();
        best.resize(word.len() + 1, Best { score: f64::NEG_INFINITY, from: NONE, piece: NONE });
        best[0].score = 0.0;
        for from in 0..word.len() {
            let so_far = best[from].score;
            let (mut node, mut single) = (0, false);
            for (length, &c) in word[from..].iter().enumerate() {
                node = self.steps[self.place(node, c)].1;
                if node == NONE {
                    break;
                }
                let (piece, score) = self.nodes[node as usize];
                if piece != NONE {
                    single |= length == 0;
                    reach(&mut best[from + length + 1], Best { score: score + so_far, from: from as u32, piece });
                }
            }
            if !single {
                let score = self.unknown_score + so_far;
                reach(&mut best[from + 1], Best { score, from: from as u32, piece: self.unknown });
            }
        }
        let first = ids.len();
        let mut at = word.len();
        while at > 0 {
            let Best { from, piece, .. } = best[at];
            // Unknown characters in a row are one token.
            if piece != self.unknown || ids.len() == first || ids.last() != Some(&self.unknown) {
                ids.push(piece);
            }
            at = from as usize;
        }
        ids[first..].reverse();
    }
}

#[inline]
fn reach(place: &mut Best, way: Best) {
    if place.from == NONE || way.score > place.score {
        *place = way;
    }
}

#[inline]
fn step(node: u32, c: char) -> u64 {
    u64::from(node) << 32 | u64::from(u32::from(c))
}

/// The parts of a sequence, or the one part.
fn list<'d>(part: &'d Value, parts: &str) -> Vec<&'d Value> {
    match (part, part["type"] == "Sequence") {
        (Value::Null, _) => Vec::new(),
        (_, true) => part[parts].as_array().map_or(Vec::new(), |parts| parts.iter().collect()),
        _ => vec![part],
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::super::{AWKWARD, Tokenizer};
    use super::*;

    const FILE: &[u8] = include_bytes!("../embedding/wanjuan-e5-96/tokenizer.json");

    /// Few pieces, many ways to cut, and ways of equal scores.
    fn small(normalizer: &str) -> String {
        format!(
            r#"{{"version": "1.0", "added_tokens": [], "normalizer": {normalizer}, "post_processor": null, "decoder": null,
            "pre_tokenizer": {{"type": "Sequence", "pretokenizers": [{{"type": "WhitespaceSplit"}},
                {{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}}]}},
            "model": {{"type": "Unigram", "unk_id": 1, "byte_fallback": false, "vocab": [["a", -1.0], ["<unk>", 0.0],
                ["b", -1.0], ["ab", -2.0], ["▁", -1.5], ["▁a", -2.5], ["ba", -1.9], ["aab", -3.0], ["ef", -1.0], ["我们", -2.0], ["我", -1.2]]}}}}"#
        )
    }

    type Pair = (Tokenizer, Unigram);

    static FULL: LazyLock<Pair> = LazyLock::new(|| pair(FILE));
    static SMALL: LazyLock<Pair> = LazyLock::new(|| pair(small("null").as_bytes()));

    fn pair(file: &[u8]) -> Pair {
        let quick = Unigram::new(&serde_json::from_slice(file).unwrap()).unwrap();
        (Tokenizer::from_bytes(file).unwrap(), quick)
    }

    fn agree((reference, quick): &Pair, texts: impl IntoIterator<Item = String>) {
        for text in texts {
            let (mut exact, mut ids) = (Vec::new(), Vec::new());
            reference.encode_exactly(&text, &mut exact).unwrap();
            quick.encode(&text, &mut ids);
            assert_eq!(ids, exact, "{text:?}");
        }
    }

    #[test]
    fn awkward_texts_have_the_ids_of_the_reference() {
        let more = [
            "",
            "▁",
            "▁▁a▁b ▁",
            "a\u{a8}b",
            "ΑΣ ΑΣΣ",
            "İI",
            "<unk>",
            "☃☃a☃☃",
            "\u{301}a \u{301}",
            "각 각 ﷺ",
            "\u{1e030}",
        ];
        let texts = || AWKWARD.into_iter().chain(more).map(str::to_owned);
        agree(&FULL, texts());
        for normalizer in ["null", r#"{"type": "NFKC"}"#, r#"{"type": "Lowercase"}"#] {
            agree(&pair(small(normalizer).as_bytes()), texts());
        }
    }

    #[test]
    fn what_is_of_another_form_is_left_to_others() {
        let new = |from: &str, to: &str| {
            let file = small("null");
            assert!(file.contains(from));
            Unigram::new(&serde_json::from_str(&file.replace(from, to)).unwrap())
        };
        assert!(new("always", "always").is_some());
        for (from, to) in [
            ("always", "first"),
            ("WhitespaceSplit", "Whitespace"),
            ("\"split\": true", "\"split\": false"),
            ("\"byte_fallback\": false", "\"byte_fallback\": true"),
            ("\"Unigram\"", "\"BPE\""),
            ("\"normalizer\": null", "\"normalizer\": {\"type\": \"NFD\"}"),
        ] {
            assert!(new(from, to).is_none(), "{to}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_the_ids_of_the_reference(
            texts in prop::collection::vec("(\\PC|[a-z' \n\t]|[一-龥]|[0-9]|[\u{2581}\u{3000}]){0,60}", 8),
            few in prop::collection::vec("[ab▁我们x ]{0,20}", 8),
        ) {
            agree(&FULL, texts);
            agree(&SMALL, few);
        }
    }
}
