//! What each step and each of its profiles does to the sample, as `wanjuan explain` tells it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use wanjuan::kit::{Document, Name, Setup, Text, Verdict};
use wanjuan::registry::{Built, Registry};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/removal.tsv");

/// One language of the sample.
#[derive(Default)]
struct Tally {
    documents: usize,
    rewritten: usize,
    reasons: BTreeMap<&'static str, usize>,
}

/// What the step makes of every document of the sample, by language.
fn tally(built: &Built, slots: usize, documents: &[(String, Document)]) -> BTreeMap<String, Tally> {
    let mut all: BTreeMap<String, Tally> = BTreeMap::new();
    let mut slots = vec![f64::NAN; slots];
    for (lang, document) in documents {
        let tally = all.entry(lang.clone()).or_default();
        tally.documents += 1;
        let verdict = match built {
            Built::Filter(filter) => filter.measure_and_judge(&Text::new(document.clone()), &mut slots),
            Built::Mapper(mapper) => {
                let mut mapped = document.clone();
                let verdict = mapper.map(&mut mapped, &mut slots);
                tally.rewritten += usize::from(verdict == Verdict::Keep && mapped.text() != document.text());
                verdict
            }
            _ => unreachable!("only filters and mappers are tried"),
        };
        if let Verdict::Drop(reason) = verdict {
            *tally.reasons.entry(reason).or_default() += 1;
        }
    }
    all
}

fn sample() -> Vec<(String, Document)> {
    let file = fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/sample/mixed.jsonl.zst")).unwrap();
    let text = std::io::read_to_string(zstd::Decoder::new(file).unwrap()).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let document = |row: serde_json::Value| {
        let field = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let mut document = Document::new(field("id"), field("text"));
        for name in ["lang", "url"] {
            document.set_field(Name::new(name), field(name));
        }
        let lang = match row["lang"].as_str() {
            Some("en") => "en",
            Some("zh" | "zh-hant") => "zh",
            _ => "code, mathematics",
        };
        (lang.to_owned(), document)
    };
    rows.map(document).collect()
}

/// After a change that is meant: `WANJUAN_BLESS=1 cargo test --test it removal`.
#[test]
fn explain_tells_what_a_step_does_to_the_sample() {
    let registry = Registry::builtin();
    let documents = sample();
    let mut table = String::new();
    for entry in registry.entries().filter(|entry| matches!(entry.kind, "filter" | "mapper")) {
        let profiles =
            entry.profiles.iter().map(|profile| (format!("{}@{}", entry.name, profile.name), profile.settings));
        let mut ways: Vec<(String, &str)> = profiles.collect();
        if ways.is_empty() {
            ways.push((entry.name.to_owned(), ""));
        }
        // The sample holds one of FineWeb-2's languages.
        ways.retain(|(name, _)| !name.contains("@fineweb-2-") || name.ends_with("cmn_Hani"));
        for (name, settings) in ways {
            let mut setup = Setup { seed: 1, step: entry.name.to_owned(), ..Setup::default() };
            // What must be given a list or a model has nothing to say of the sample.
            let Ok(instance) = entry.build(settings.parse().unwrap(), &mut setup) else { continue };
            for (lang, tally) in tally(&instance.built, instance.measures.len(), &documents) {
                let dropped: usize = tally.reasons.values().sum();
                let mut reasons: Vec<_> = tally.reasons.iter().map(|(reason, count)| (*reason, *count)).collect();
                reasons.sort_by_key(|(reason, count)| (std::cmp::Reverse(*count), *reason));
                let reasons: Vec<String> = reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
                let Tally { documents, rewritten, .. } = tally;
                let _ = writeln!(table, "{name}\t{lang}\t{documents}\t{dropped}\t{rewritten}\t{}", reasons.join(", "));
            }
        }
    }
    if std::env::var_os("WANJUAN_BLESS").is_some() {
        fs::write(TABLE, &table).unwrap();
    }
    let expected = fs::read_to_string(TABLE).unwrap();
    for (found, expected) in table.lines().zip(expected.lines()) {
        assert_eq!(found, expected, "write the table anew, if this is meant");
    }
    assert_eq!(table.lines().count(), expected.lines().count(), "write the table anew");
}
