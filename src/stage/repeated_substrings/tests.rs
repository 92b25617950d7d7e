//! Settings, what is cut by them, and tokens beside brute force.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use proptest::prelude::*;

use super::*;

/// The way of records through a run: by text, what is decided about it.
fn decisions(step: &RepeatedSubstrings, texts: &[String]) -> Vec<Vec<u8>> {
    let mut records: Vec<(Key, Vec<u8>, Origin)> = Vec::new();
    for (ordinal, text) in (0..).zip(texts) {
        let origin = Origin { split: 0, ordinal };
        step.observe(&Document::new("", text.as_str()), &mut |key, value| records.push((key, value.to_vec(), origin)));
    }
    records.sort();
    struct Listed<'a>(std::slice::Iter<'a, (Key, Vec<u8>, Origin)>);
    impl Records for Listed<'_> {
        fn next(&mut self) -> Option<(Origin, &[u8])> {
            self.0.next().map(|(_, value, origin)| (*origin, &value[..]))
        }
    }
    let mut decisions = vec![Vec::new(); texts.len()];
    for group in records.chunk_by(|a, b| a.0 == b.0) {
        step.reduce(group[0].0, &mut Listed(group.iter()), &mut |origin, decision| {
            decisions[origin.ordinal as usize].extend_from_slice(decision.bytes);
        });
    }
    decisions
}

/// By text: what is left where every run of `length` tokens that comes again goes, by brute force. A character stays
/// if any of its tokens does.
fn plain(tokenizer: &Tokenizer, length: usize, keep: Keep, texts: &[String]) -> Vec<String> {
    let encode = |text: &String| {
        let mut ids = Vec::new();
        tokenizer.encode(text, &mut ids).unwrap();
        ids
    };
    let tokens: Vec<Vec<u32>> = texts.iter().map(encode).collect();
    let mut counts: HashMap<&[u32], usize> = HashMap::new();
    tokens.iter().flat_map(|ids| ids.windows(length)).for_each(|gram| *counts.entry(gram).or_default() += 1);
    let mut seen = HashSet::new();
    let left = |(text, ids): (&String, &Vec<u32>)| {
        let mut goes = vec![false; ids.len()];
        for (start, gram) in ids.windows(length).enumerate() {
            let first = seen.insert(gram.to_vec());
            if counts[gram] > 1 && (keep == Keep::None || !first) {
                goes[start..start + length].fill(true);
            }
        }
        let places: Vec<Range<usize>> = tokenizer.places(text, ids).unwrap();
        let stays = |&(at, character): &(usize, char)| {
            let within = |place: &Range<usize>| place.start < at + character.len_utf8() && at < place.end;
            let mut of = places.iter().zip(&goes).filter(|(place, _)| within(place)).peekable();
            assert!(of.peek().is_some(), "each character is of a token");
            !of.all(|(_, goes)| *goes)
        };
        text.char_indices().filter(stays).map(|(_, character)| character).collect()
    };
    texts.iter().zip(&tokens).map(left).collect()
}

/// Texts of words that come again, in few languages, with characters of several tokens.
fn texts() -> impl Strategy<Value = Vec<String>> {
    let word = || {
        prop_oneof![
            4 => (0..6_u64).prop_map(passage),
            2 => "[ab ]{1,12}",
            2 => "[中文的 ]{1,8}",
            1 => "(𠮷|🦀|ꙮ|e\u{301}){1,6}",
            1 => "(ab|中б|=-){10,40}",
        ]
    };
    prop::collection::vec(prop::collection::vec(word(), 0..8).prop_map(|words| words.concat()), 1..7)
}

/// A passage of some twenty to eighty tokens, the same for the same seed.
fn passage(seed: u64) -> String {
    const WORDS: [&str; 8] = ["the ", "网页", "ёж ", "𠮷", "🦀", "reading, ", "\n", "一段文字"];
    let mut state = seed + 1;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        WORDS[(state >> 60) as usize & 7]
    };
    (0..30).map(|_| draw()).collect()
}

/// A tokenizer of bytes, of which merges make some longer tokens: the first two bytes of many characters, and the last
/// two of others.
fn of_bytes() -> Tokenizer {
    // As GPT-2 writes bytes: those that can be printed as they are, the others from U+0100 on.
    let plain = |byte: &u8| matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    let mut others = 0x100..;
    let written: Vec<char> = (0..=255_u8)
        .map(|byte| if plain(&byte) { char::from(byte) } else { char::from_u32(others.next().unwrap()).unwrap() })
        .collect();
    let pairs = [[0xe4, 0xb8], [0xb8, 0xad], [0xe5, 0xb8], [0x96, 0x87]]
        .map(|pair| pair.map(|byte: usize| written[byte].to_string()));
    let vocabulary = written.iter().map(char::to_string).chain(pairs.iter().map(|pair| pair.concat()));
    let vocabulary: HashMap<String, usize> = vocabulary.zip(0..).collect();
    let file = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true },
        "post_processor": null, "decoder": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true },
        "model": { "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocabulary, "merges": pairs.map(|pair| pair.join(" ")) },
    });
    Tokenizer::from_bytes(file.to_string().as_bytes()).unwrap()
}

/// What is left of each text, by the step.
fn left(step: &RepeatedSubstrings, texts: &[String]) -> Vec<String> {
    let apply = |(text, bytes): (&String, Vec<u8>)| {
        let mut document = Document::new("", text.as_str());
        let decision = Decision { bytes: &bytes, ..Decision::default() };
        assert_eq!(step.apply(&mut document, Some(decision)), Verdict::Keep);
        document.text().to_owned()
    };
    texts.iter().zip(decisions(step, texts)).map(apply).collect()
}

fn of_tokens(length: usize, keep: Keep) -> RepeatedSubstrings {
    let name = if keep == Keep::One { "one" } else { "none" };
    step(&format!(r#"{{"min_tokens": {length}, "cut": "character", "keep": "{name}", "min_left_chars": 0}}"#)).unwrap()
}

/// Chinese texts of few characters, many of which share their first or their last bytes with others.
fn texts_of_shared_bytes() -> impl Strategy<Value = Vec<String>> {
    let word = || {
        prop_oneof![
            3 => "[中席渭丸串帝文]{1,6}",
            2 => "(中文|席文|渭文|丸文){3,9}",
            2 => "[席渭]国的河流和[中丸]",
            2 => "[中席渭]国的河流[中丸串]梁文",
            1 => "[ab \n]{1,3}",
        ]
    };
    prop::collection::vec(prop::collection::vec(word(), 0..8).prop_map(|words| words.concat()), 1..7)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_cut_of_tokens_is_what_brute_force_cuts(texts in texts(), length in 16..40_usize, one in any::<bool>()) {
        let keep = if one { Keep::One } else { Keep::None };
        let step = of_tokens(length, keep);
        let expected = plain(step.tokenizer.as_ref().unwrap(), length, keep, &texts);
        prop_assert_eq!(left(&step, &texts), expected);
    }

    #[test]
    fn repeats_that_begin_or_end_inside_a_character_leave_it_whole(
        texts in texts_of_shared_bytes(), length in 16..40_usize, one in any::<bool>(),
    ) {
        let keep = if one { Keep::One } else { Keep::None };
        let step = RepeatedSubstrings { tokenizer: Some(of_bytes()), ..of_tokens(length, keep) };
        let expected = plain(step.tokenizer.as_ref().unwrap(), length, keep, &texts);
        prop_assert_eq!(left(&step, &texts), expected);
    }
}

#[test]
fn a_repeat_that_begins_with_the_last_bytes_of_a_character_leaves_that_one() {
    let step = RepeatedSubstrings { tokenizer: Some(of_bytes()), ..of_tokens(17, Keep::None) };
    // U+6E2D and U+5E2D end in the same two bytes, U+4E2D and U+4E38 begin with the same two.
    let texts = ["前渭国的河流和丸后", "左席国的河流和中右"].map(str::to_owned);
    let ids = |text: &str| encode(step.tokenizer.as_ref().unwrap(), text).unwrap().0;
    assert_eq!(ids("中丸席文").len(), 2 + 2 + 2 + 2, "{:?}", ids("中丸席文"));
    let told = left(&step, &texts);
    assert_eq!(told, ["前渭丸后", "左席中右"]);
}

#[test]
fn lee_et_al_cut_all_copies_of_fifty_tokens_and_keep_what_is_empty() {
    let profile = RepeatedSubstrings::PROFILES.iter().find(|profile| profile.name == "lee-2022").unwrap();
    let config: Config = toml::from_str(profile.settings).unwrap();
    let step = RepeatedSubstrings::new(config, &mut Setup::default()).unwrap();
    let tokenizer = step.tokenizer.as_ref().unwrap();
    let count = |text: &str| encode(tokenizer, text).unwrap().0.len();
    // Fifty tokens, and one fewer.
    let words: String = (0..)
        .map(|number| format!(" {}", number * 7 % 100))
        .scan(String::new(), |all, word| {
            all.push_str(&word);
            Some(all.clone())
        })
        .find(|all| count(all) >= 50)
        .unwrap();
    let long = words.trim_start().to_owned();
    let mut short = long.clone();
    while count(&short) >= 50 {
        short.pop();
    }
    let texts = [long.clone(), long, short.clone(), short.clone()];
    let left = texts.iter().zip(decisions(&step, &texts)).map(|(text, bytes)| {
        let mut document = Document::new("", text.as_str());
        let decision = Decision { bytes: &bytes, ..Decision::default() };
        assert_eq!(step.apply(&mut document, Some(decision)), Verdict::Keep);
        document.text().to_owned()
    });
    assert_eq!(left.collect::<Vec<_>>(), ["", "", &short, &short]);
}

#[test]
fn passages_are_as_long_as_their_tokens() {
    let step = step(r#"{"min_tokens": 16, "cut": "character", "keep": "none"}"#).unwrap();
    let said = "中文网页上有一段话，在另一个网页上又出现了一次，所以应该被找到，English words too, and more of them.";
    let texts = [format!("第一个开头。{said}完了"), format!("Another beginning, {said}!")];
    let decisions = decisions(&step, &texts);
    for (text, bytes) in texts.iter().zip(&decisions) {
        let tokenizer = step.tokenizer.as_ref().unwrap();
        let cover = step.of_tokens(tokenizer, 1.0, text, bytes);
        let repeated: String = cover.spans.iter().map(|span| &text[span.clone()]).collect();
        // The first and the last token may reach beyond what is said in both.
        assert!(said.contains(&repeated), "{repeated}");
        assert!(repeated.chars().count() + 8 > said.chars().count(), "{repeated}");
    }
}

const TEXT: &str = "Свой первый абзац, только здесь.\n这一段文字出现在三个不同的网页之中。\nИ последний абзац.";

fn step(settings: &str) -> Result<RepeatedSubstrings, Wrong> {
    let config: Config = serde_json::from_str(settings).unwrap();
    RepeatedSubstrings::new(config, &mut Setup::default())
}

/// Applies that the Chinese line is repeated, and some units around it.
fn applied(settings: &str, before: usize, behind: usize) -> (Verdict, Document) {
    let step = step(settings).unwrap();
    let at = TEXT.find('这').unwrap();
    let count = |text: &str| match step.settings.unit {
        Unit::Characters => text.chars().count(),
        Unit::Bytes => text.len(),
    };
    let (start, line) = (count(&TEXT[..at]) - before, count("这一段文字出现在三个不同的网页之中。"));
    let mut bytes = Vec::new();
    let count = (line + before + behind + 1 - step.settings.length) as u64;
    let found = Found { origin: Origin::default(), start: start as u64, count, kept: None };
    found.write(&mut bytes);
    let mut document = Document::new("", TEXT);
    let verdict = step.apply(&mut document, Some(Decision { bytes: &bytes, ..Decision::default() }));
    (verdict, document)
}

#[test]
fn lines_or_characters_are_cut() {
    let (verdict, document) = applied(r#"{"min_chars": 16}"#, 1, 1);
    assert_eq!(verdict, Verdict::Keep);
    assert_eq!(document.text(), "Свой первый абзац, только здесь.\nИ последний абзац.");
    assert_eq!(document.field(Name::new("repeated_chars")).unwrap().as_number(), Some(20.0));
    // A part of the line before as well.
    let some = |settings| applied(settings, 5, 0).1.text().to_owned();
    assert_eq!(some(r#"{"min_chars": 16}"#), "Свой первый абзац, только здесь.\nИ последний абзац.");
    assert_eq!(some(r#"{"min_chars": 16, "cut": "character"}"#), "Свой первый абзац, только зд\nИ последний абзац.");
    // A byte of a character is no character.
    let bytes = |before| applied(r#"{"min_bytes": 16, "cut": "character"}"#, before, 0).1.text().to_owned();
    assert_eq!(bytes(3), bytes(2));
    assert_ne!(bytes(4), bytes(3));
}

#[test]
fn what_is_left_must_be_enough() {
    let left = "Свой первый абзац, только здесь.\nИ последний абзац.".chars().count();
    let verdict = |least: usize| applied(&format!(r#"{{"min_chars": 16, "min_left_chars": {least}}}"#), 1, 1).0;
    assert_eq!(verdict(left), Verdict::Keep);
    assert_eq!(verdict(left + 1), Verdict::Drop("too_little_left"));
}

#[test]
fn not_too_much_may_be_repeated() {
    let share = 20.0 / TEXT.chars().count() as f64;
    let verdict = |most: f64| applied(&format!(r#"{{"min_chars": 16, "max_repeated_share": {most}}}"#), 1, 1).0;
    assert_eq!(verdict(share), Verdict::Keep);
    assert_eq!(verdict(share - 0.001), Verdict::Drop("too_much_repeated"));
}

#[test]
fn nothing_decided_is_nothing_repeated() {
    let mut document = Document::new("", "");
    assert_eq!(step("{}").unwrap().apply(&mut document, None), Verdict::Keep);
    assert_eq!(document.field(Name::new("repeated_chars")).unwrap().as_number(), Some(0.0));
}

#[test]
fn lengths_and_shares_have_bounds() {
    let wrong = |settings| step(settings).err().unwrap().what;
    assert_eq!(wrong(r#"{"min_chars": 15}"#), "`min_chars` is 15, and must be from 16 to 65536");
    assert_eq!(wrong(r#"{"min_bytes": 65537}"#), "`min_bytes` is 65537, and must be from 16 to 65536");
    assert_eq!(wrong(r#"{"merge": 1.5}"#), "`merge` is 1.5, and must be from 0 to 1");
    assert!(wrong(r#"{"tokenizer": "wanjuan-12k"}"#).contains("measured in characters"));
    assert!(wrong(r#"{"min_tokens": 50, "min_bytes": 500}"#).contains("both say"));
}
