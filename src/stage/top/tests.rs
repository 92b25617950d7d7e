use proptest::prelude::*;
use wanjuan_filters::kit::Value;

use super::*;

/// Records as the engine gives them: in the order of their bytes, then of the documents.
struct Sorted(std::vec::IntoIter<(Origin, Vec<u8>)>, Vec<u8>, Vec<u8>);

impl Records for Sorted {
    fn next(&mut self) -> Option<(Origin, &[u8])> {
        let (origin, record) = self.0.next()?;
        self.1 = record;
        Some((origin, &self.1))
    }
    fn survey(&self) -> &[u8] {
        &self.2
    }
}

fn top(settings: &str) -> Top {
    let mut top = Top::new(toml::from_str(settings).unwrap(), &mut Setup::default()).unwrap();
    let field = |name: &str| Field { name: Name::new(name), kind: Type::Number };
    let columns = Columns { fields: ["a", "b", "tokens"].map(field).to_vec(), measures: vec![(3, "m.x".to_owned())] };
    top.prepare(&columns).unwrap();
    top
}

/// What becomes of documents with these fields: their percentiles, bins, and what is dropped and why.
fn ranked(top: &Top, documents: &[&[(&str, Value)]]) -> Vec<(Option<f64>, Option<i64>, Verdict)> {
    let mut keys: std::collections::BTreeMap<Key, Vec<(Origin, Vec<u8>)>> = Default::default();
    let documents: Vec<Document> = documents
        .iter()
        .enumerate()
        .map(|(at, fields)| {
            let mut document = Document::new("", "text");
            fields.iter().for_each(|(name, value)| document.set_field(Name::new(name), value.clone()));
            let origin = Origin { split: 0, ordinal: at as u64 };
            top.observe(&document, &mut |key, record| keys.entry(key).or_default().push((origin, record.to_vec())));
            document
        })
        .collect();
    let mut decided = vec![Vec::new(); documents.len()];
    for (key, mut records) in keys {
        records.sort_by(|one, other| (&one.1, one.0).cmp(&(&other.1, other.0)));
        let mut survey = Vec::new();
        top.survey(key, &mut Sorted(records.clone().into_iter(), Vec::new(), Vec::new()), &mut survey);
        top.reduce(key, &mut Sorted(records.into_iter(), Vec::new(), survey), &mut |origin, decision| {
            decided[origin.ordinal as usize].push(decision.bytes.to_vec());
        });
    }
    let apply = |(mut document, mut decided): (Document, Vec<Vec<u8>>)| {
        decided.sort();
        let bytes = decided.concat();
        let decision = (!bytes.is_empty()).then_some(Decision { bytes: &bytes, ..Decision::default() });
        let verdict = top.apply(&mut document, decision);
        let number = |name| document.field(name).and_then(Value::as_number);
        (number(top.into), number(top.bin).map(|bin| bin as i64), verdict)
    };
    documents.into_iter().zip(decided).map(apply).collect()
}

fn scored(top: &Top, scores: &[f64]) -> Vec<(Option<f64>, Option<i64>, Verdict)> {
    let fields: Vec<[(&str, Value); 1]> = scores.iter().map(|&score| [("a", score.into())]).collect();
    ranked(top, &fields.iter().map(<[_; 1]>::as_slice).collect::<Vec<_>>())
}

#[test]
fn the_best_share_stays_and_of_equals_the_first() {
    let found = scored(&top("score = 'a'\nshare = 0.5\nbins = 4"), &[1.0, -2.0, 3.0, 1.0, 0.0, -0.0]);
    let kept: Vec<bool> = found.iter().map(|(_, _, verdict)| *verdict == Verdict::Keep).collect();
    assert_eq!(kept, [true, false, true, true, false, false]);
    let percentiles: Vec<f64> = found.iter().filter_map(|(percentile, _, _)| *percentile).collect();
    for (found, sixths) in percentiles.iter().zip([5.0, 1.0, 6.0, 5.0, 3.0, 3.0]) {
        assert!((found - sixths / 6.0).abs() < 1e-12, "{percentiles:?}");
    }
    let bins: Vec<i64> = found.iter().filter_map(|(_, bin, _)| *bin).collect();
    assert_eq!(bins, [3, 0, 3, 3, 1, 1]);
    assert_eq!(found[1].2, Verdict::Drop("below_the_top"));
    let half = scored(&top("score = 'a'\nshare = 0.5"), &[1.0; 5]);
    assert_eq!(half.iter().filter(|found| found.2 == Verdict::Keep).count(), 3);
    assert!(half[..3].iter().all(|found| found.2 == Verdict::Keep));
}

#[test]
fn a_share_that_is_a_whole_number_of_documents_is_that_number() {
    for (share, most) in [(0.07, 7), (0.29, 29), (0.1, 10), (0.57, 57), (1.0, 100), (0.0, 0)] {
        let scores: Vec<f64> = (0..100).map(|number| f64::from(number * 37 % 101)).collect();
        let found = scored(&top(&format!("score = 'a'\nshare = {share:?}")), &scores);
        assert_eq!(found.iter().filter(|found| found.2 == Verdict::Keep).count(), most, "{share}");
    }
}

#[test]
fn what_has_no_score_is_not_ranked() {
    let documents: [&[(&str, Value)]; 3] = [&[("a", 1.0.into())], &[], &[("a", f64::NAN.into())]];
    let found = ranked(&top("score = 'a'\nshare = 1.0"), &documents);
    assert_eq!(found[0], (Some(1.0), None, Verdict::Keep));
    assert_eq!(found[1], (None, None, Verdict::Drop("no_score")));
    assert_eq!(found[2], found[1]);
    let found = ranked(&top("score = 'a'"), &documents);
    assert!(found.iter().all(|found| found.2 == Verdict::Keep));
}

#[test]
fn weights_and_scopes_count() {
    let row =
        |a: f64, tokens: f64, lang: &'static str| [("a", a.into()), ("tokens", tokens.into()), ("lang", lang.into())];
    let rows = [row(3.0, 10.0, "en"), row(2.0, 80.0, "en"), row(1.0, 10.0, "en"), row(0.0, 5.0, "zh")];
    let rows: Vec<&[(&str, Value)]> = rows.iter().map(<[_; 3]>::as_slice).collect();
    let found = ranked(&top("score = 'a'\nweight = 'tokens'\nscope = 'lang'\nshare = 0.5"), &rows);
    let percentiles: Vec<f64> = found.iter().filter_map(|found| found.0).collect();
    for (found, expected) in percentiles.iter().zip([1.0, 0.9, 0.1, 1.0]) {
        assert!((found - expected).abs() < 1e-12, "{percentiles:?}");
    }
    let kept: Vec<bool> = found.iter().map(|found| found.2 == Verdict::Keep).collect();
    assert_eq!(kept, [true, true, false, true], "the document at the border of a share stays");
}

#[test]
fn weights_beyond_all_bounds_do_not_wrap_and_none_still_ranks() {
    let row = |a: f64, tokens: f64| [("a", a.into()), ("tokens", tokens.into())];
    let rows = [row(2.0, 1e300), row(1.0, f64::INFINITY), row(0.0, -5.0)];
    let rows: Vec<&[(&str, Value)]> = rows.iter().map(<[_; 2]>::as_slice).collect();
    let found = ranked(&top("score = 'a'\nweight = 'tokens'"), &rows);
    let percentiles: Vec<f64> = found.iter().filter_map(|found| found.0).collect();
    assert_eq!((percentiles[0], percentiles[1]), (1.0, 0.5));
    assert!(percentiles[2] > 0.0 && percentiles[2] < 1e-300);
}

#[test]
fn of_several_scores_the_greatest_rank_counts_or_the_mean() {
    let rows = [[("a", 1.0.into()), ("b", 9.0.into())], [("a", 2.0.into()), ("b", 8.0.into())]];
    let rows: Vec<&[(&str, Value)]> = rows.iter().map(<[_; 2]>::as_slice).collect();
    let percentiles =
        |settings: &str| ranked(&top(settings), &rows).iter().filter_map(|found| found.0).collect::<Vec<_>>();
    assert_eq!(percentiles("score = ['a', 'b']"), [1.0, 1.0]);
    assert_eq!(percentiles("score = ['a', 'b']\nensemble = 'mean'"), [0.75, 0.75]);
}

#[test]
fn what_cannot_be_is_refused() {
    let wrong = |settings: &str| Top::new(toml::from_str(settings).unwrap(), &mut Setup::default()).err().unwrap();
    assert_eq!(wrong("score = []").setting, Some("score"));
    assert_eq!(wrong("score = ['a', 'a']").what, "`a` is named twice");
    assert_eq!(wrong("score = ['a', 'b']\nshare = 0.1").setting, Some("share"));
    assert_eq!(wrong("score = 'a'\nbins = 1001").what, "`bins` is 1001, and must be up to 1000");
    for into in ["", "id", "text"] {
        let what = format!("`into` is `{into}`, and must be a field of its own");
        assert_eq!(wrong(&format!("score = 'a'\ninto = '{into}'")).what, what);
    }
    let unknown = |settings: &str| {
        let mut top = Top::new(toml::from_str(settings).unwrap(), &mut Setup::default()).unwrap();
        let fields = vec![Field { name: Name::new("lang"), kind: Type::Text }];
        top.prepare(&Columns { fields, measures: vec![(0, "classifier.probability".to_owned())] }).unwrap_err()
    };
    assert_eq!(
        unknown("score = 'classifier.probabilty'").help.as_deref(),
        Some("did you mean `classifier.probability`?")
    );
    assert_eq!(unknown("score = 'lang'").what, "the field `lang` is of type text, not a number");
    assert_eq!(unknown("score = 'classifier.probability'\nweight = 'x'").setting, Some("weight"));
}

proptest! {
    #[test]
    fn ranks_are_those_of_counting(scores in prop::collection::vec(prop_oneof![-3..3_i32, -1000..1000_i32], 1..60), share in 0.0..1.0_f64) {
        let scores: Vec<f64> = scores.into_iter().map(|score| f64::from(score) / 8.0).collect();
        let found = scored(&top(&format!("score = 'a'\nshare = {share}")), &scores);
        let count = scores.len() as f64;
        for (at, (percentile, _, verdict)) in found.iter().enumerate() {
            let better = scores.iter().filter(|score| **score > scores[at]).count() as f64;
            prop_assert!((percentile.unwrap() - (1.0 - better / count)).abs() < 1e-12);
            let first = scores[..at].iter().filter(|score| **score == scores[at]).count() as f64;
            prop_assert_eq!(*verdict == Verdict::Keep, better + first < share * count);
        }
    }
}
