//! What is found, beside what brute force finds.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use proptest::prelude::*;
use wanjuan_filters::kit::Origin;

use super::*;

/// The way of records through a pipeline, in memory: by text, what was found about it.
fn run(settings: Settings, keep: Keep, held: usize, texts: &[&str]) -> Vec<Vec<u8>> {
    let anchors = Anchors::new(settings);
    let mut scratch = Scratch::default();
    let mut records: Vec<(u128, Vec<u8>, Origin)> = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let origin = Origin { split: number as u32 % 2, ordinal: number as u64 / 2 };
        anchors.observe(text, &mut scratch, &mut |key, value| records.push((key, value.to_vec(), origin)));
    }
    records.sort();
    let mut all = vec![Vec::new(); texts.len()];
    let mut found = |found: group::Found| {
        found.write(&mut all[found.origin.ordinal as usize * 2 + found.origin.split as usize]);
    };
    let mut group = Group::new(settings, keep);
    group.held = held;
    for records in records.chunk_by(|one, other| one.0 == other.0) {
        records.iter().for_each(|(_, value, origin)| group.take(*origin, value, &mut found));
        group.end(&mut found);
    }
    all
}

/// By text: the spans of brute force. Texts of split 0 come first in the order of the corpus.
fn plain(settings: Settings, keep: Keep, texts: &[&str]) -> Vec<Cover> {
    let order = (0..texts.len()).step_by(2).chain((1..texts.len()).step_by(2));
    let units: Vec<Vec<u32>> = texts
        .iter()
        .map(|text| match settings.unit {
            Unit::Bytes => text.bytes().map(u32::from).collect(),
            Unit::Characters => text.chars().map(u32::from).collect(),
        })
        .collect();
    let mut grams: HashMap<&[u32], Vec<(usize, usize)>> = HashMap::new();
    for text in order {
        for (start, gram) in units[text].windows(settings.length).enumerate() {
            grams.entry(gram).or_default().push((text, start));
        }
    }
    let mut covered: Vec<Vec<bool>> = units.iter().map(|units| vec![false; units.len()]).collect();
    for places in grams.values().filter(|places| places.len() > 1) {
        let goes = match keep {
            Keep::One => &places[1..],
            Keep::None => places,
        };
        for &(text, start) in goes {
            covered[text][start..start + settings.length].fill(true);
        }
    }
    let spans = |(text, covered): (&&str, Vec<bool>)| {
        let mut spans: Vec<Range<usize>> = Vec::new();
        let mut unit = 0;
        for (at, character) in text.char_indices() {
            let units = if settings.unit == Unit::Bytes { character.len_utf8() } else { 1 };
            if covered[unit..unit + units].iter().all(|&covered| covered) {
                let end = at + character.len_utf8();
                match spans.last_mut() {
                    Some(last) if last.end == at => last.end = end,
                    _ => spans.push(at..end),
                }
            }
            unit += units;
        }
        Cover { spans }
    };
    texts.iter().zip(covered).map(spans).collect()
}

fn covers(settings: Settings, keep: Keep, held: usize, texts: &[&str]) -> Vec<Cover> {
    let found = run(settings, keep, held, texts);
    texts.iter().zip(&found).map(|(text, found)| Cover::read(settings, 1.0, text, found)).collect()
}

/// Spans that bytes leave without a whole character are empty.
fn without_empty(mut covers: Vec<Cover>) -> Vec<Cover> {
    covers.iter_mut().for_each(|cover| cover.spans.retain(|span| !span.is_empty()));
    covers
}

/// Texts made of pieces that come again, over few letters, so that all repeats overlap all others.
fn texts() -> impl Strategy<Value = Vec<String>> {
    let piece = prop_oneof![
        3 => "[ab]{1,12}",
        3 => "[аб中]{1,12}",
        1 => "a{20,90}",
        1 => "(ab|中б){10,40}",
        3 => (0..6_u64).prop_map(|seed| pieces(seed, 40)),
        1 => (0..3_u64).prop_map(|seed| pieces(seed, 150)),
    ];
    prop::collection::vec(prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat()), 1..9)
}

fn pieces(seed: u64, length: usize) -> String {
    const LETTERS: [char; 8] = ['a', 'b', 'с', '中', '文', ' ', '\n', 'e'];
    let mut state = seed + 1;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        LETTERS[(state >> 60) as usize & 7]
    };
    (0..length).map(|_| draw()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_found_is_what_brute_force_finds(
        texts in texts(),
        length in 16..50_usize,
        bytes in any::<bool>(),
        one in any::<bool>(),
    ) {
        let unit = if bytes { Unit::Bytes } else { Unit::Characters };
        let settings = Settings { length, unit };
        let keep = if one { Keep::One } else { Keep::None };
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        prop_assert_eq!(without_empty(covers(settings, keep, HELD, &texts)), plain(settings, keep, &texts));
    }

    #[test]
    fn what_is_found_with_little_room_is_repeated(texts in texts(), length in 16..30_usize, held in 0..60_usize) {
        let settings = Settings { length, unit: Unit::Characters };
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let whole = plain(settings, Keep::One, &texts);
        for (found, whole) in covers(settings, Keep::One, held, &texts).iter().zip(whole) {
            for span in &found.spans {
                prop_assert!(whole.spans.iter().any(|whole| whole.start <= span.start && span.end <= whole.end));
            }
        }
    }

    #[test]
    fn spans_come_together_as_places_do(
        found in prop::collection::vec((0..200_u64, 1..20_u64), 0..20),
        share in 0.5..=1.0,
    ) {
        let text = "中".repeat(300);
        let settings = Settings { length: 16, unit: Unit::Characters };
        let mut bytes = Vec::new();
        let mut covered = [false; 300];
        for &(start, count) in &found {
            group::Found { origin: Origin::default(), start, count, kept: None }.write(&mut bytes);
            covered[start as usize..(start + count) as usize + 15].fill(true);
        }
        let cover = Cover::read(settings, share, &text, &bytes);
        let mut merged = [false; 300];
        for span in &cover.spans {
            merged[span.start / 3..span.end / 3].fill(true);
            let within = covered[span.start / 3..span.end / 3].iter().filter(|&&covered| covered).count();
            // From either end: each of two spans that meet has its share.
            prop_assert!(within as f64 >= (2.0 * share - 1.0) * (span.len() / 3) as f64);
        }
        prop_assert!(covered.iter().zip(merged).all(|(&covered, merged)| merged || !covered));
        if share == 1.0 {
            prop_assert_eq!(covered, merged);
        }
        prop_assert_eq!(cover.characters(&text), text.chars().count() - cover.cut(&text).chars().count());
    }
}

#[test]
fn of_equal_spans_one_stays_or_none() {
    let settings = Settings { length: 16, unit: Unit::Characters };
    let span = "这一段文字出现在三个不同的网页之中。";
    let texts = [format!("甲{span}乙"), format!("丙丙{span}丁"), span.to_owned()];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let left = |keep| -> Vec<String> {
        let covers = covers(settings, keep, HELD, &texts);
        covers.iter().zip(&texts).map(|(cover, text)| cover.cut(text)).collect()
    };
    // Of the splits the first holds texts 0 and 2.
    assert_eq!(left(Keep::One), [&format!("甲{span}乙"), "丙丙丁", ""]);
    assert_eq!(left(Keep::None), ["甲乙", "丙丙丁", ""]);
}

#[test]
fn a_row_of_dashes_is_left_with_one_period_and_few_records() {
    let settings = Settings { length: 100, unit: Unit::Characters };
    for (period, most) in [("-", 8), ("=-", 8), ("| --- ", 40)] {
        let text = period.repeat(100_000);
        let cover = &covers(settings, Keep::One, HELD, &[&text])[0];
        assert_eq!(cover.cut(&text), period);
        let mut records = 0;
        Anchors::new(settings).observe(&text, &mut Scratch::default(), &mut |_, _| records += 1);
        assert!(records <= most, "{records} records of {period}");
    }
}

#[test]
fn lines_go_of_which_enough_is_repeated() {
    let text = "одна\n\nдва слова\nтри";
    let cover = |spans: &[&str]| Cover {
        spans: spans.iter().map(|span| text.find(span).map(|at| at..at + span.len()).unwrap()).collect(),
    };
    let cut = |spans: &[&str], least| cover(spans).cut_lines(text, least);
    assert_eq!(cut(&[], 0.0), text);
    assert_eq!(cut(&["одна\n\nдва"], 1.0), "два слова\nтри");
    assert_eq!(cut(&["одна"], 1.0), "\nдва слова\nтри");
    assert_eq!(cut(&["два слов"], 1.0), text);
    assert_eq!(cut(&["два слов"], 8.0 / 9.0), "одна\n\nтри");
    assert_eq!(cut(&["два сло", "три"], 8.0 / 9.0), "одна\n\nдва слова");
    assert_eq!(cut(&["на\n\nдв", "слова\nтри"], 0.5), "");
}

#[test]
fn a_text_too_short_or_empty_says_nothing() {
    let settings = Settings { length: 16, unit: Unit::Characters };
    for text in ["", "a", "文文文文文文文文文文文文文文文"] {
        Anchors::new(settings).observe(text, &mut Scratch::default(), &mut |_, _| panic!("{text}"));
    }
}

#[test]
fn anchors_of_a_random_text_are_few() {
    let text = pieces(7, 100_000);
    let settings = Settings { length: 200, unit: Unit::Characters };
    let mut places = BTreeMap::new();
    Anchors::new(settings).observe(&text, &mut Scratch::default(), &mut |key, value| {
        *places.entry(key).or_insert(0) += value.len();
    });
    // Two of 102 places, on average: Schleimer et al., sec. 4.
    assert!((1_700..2_200).contains(&places.len()), "{}", places.len());
}

#[test]
fn close_spans_are_joined_from_both_ends() {
    let text = "a".repeat(400);
    let spans = |found: &[(u64, u64)]| {
        let mut bytes = Vec::new();
        for &(start, length) in found {
            group::Found { origin: Origin::default(), start, count: length - 15, kept: None }.write(&mut bytes);
        }
        Cover::read(Settings { length: 16, unit: Unit::Characters }, 0.8, &text, &bytes)
            .spans
            .iter()
            .map(|span| (span.start, span.end))
            .collect::<Vec<_>>()
    };
    assert_eq!(spans(&[(0, 40), (50, 40)]), [(0, 90)]);
    assert_eq!(spans(&[(0, 40), (61, 40)]), [(0, 40), (61, 101)]);
    // From the first on, each is too far for the one before; from the last on, the large one reaches both.
    assert_eq!(spans(&[(0, 20), (30, 20), (60, 200)]), [(0, 260)]);
    assert_eq!(spans(&[(0, 200), (210, 20), (240, 20)]), [(0, 260)]);
}
