use wanjuan_filters::kit::{Document, Name, Type};

use super::{Predicate, Scope};

fn scope() -> Scope {
    Scope {
        fields: vec![
            (Name::new("lang"), Type::Text),
            (Name::new("score"), Type::Number),
            (Name::new("ok"), Type::Boolean),
        ],
        measures: vec![("gopher.words".into(), 0), ("c4.lines".into(), 1), ("c5.lines".into(), 2)],
        shares: vec![2],
        facts: None,
        open: false,
    }
}

fn document() -> Document {
    let mut document = Document::new("a/1", "你好 world");
    document.set_field(Name::new("lang"), "zh");
    document.set_field(Name::new("score"), 0.5);
    document.measures = vec![50.0, f64::NAN, 3.0];
    document
}

fn selected(predicate: &str) -> bool {
    Predicate::compile(predicate, &scope()).unwrap().eval(&document())
}

fn refused(predicate: &str) -> (String, String) {
    let mistake = Predicate::compile(predicate, &scope()).unwrap_err();
    (predicate[mistake.span].to_owned(), format!("{} / {}", mistake.what, mistake.help.unwrap_or_default()))
}

#[test]
fn predicates_mean_what_sql_says() {
    for yes in [
        "lang = 'zh'",
        "lang <> 'en' and score > 0.4",
        "lang in ('en', 'zh')",
        "lang not in ('en')",
        "score between 0.5 and 1",
        "score * 2 + 1 = 2",
        "words >= 50 and gopher.words < 51",
        "c4.lines is null and c5.lines is not null",
        "length(text) = 8",
        "lower(text) like '%WORLD%' or text ilike '%WORLD%'",
        "id like 'a/_'",
        "not (lang = 'en')",
        "ok is not true",
        "-score < 0",
    ] {
        assert!(selected(yes), "{yes}");
    }
    for no in ["lang = 'en'", "ok", "not ok", "c4.lines > 0", "not (c4.lines > 0)", "text like 'w%'", "score in (1, 2)"]
    {
        assert!(!selected(no), "{no}");
    }
}

#[test]
fn mistakes_point_at_their_place() {
    let cases = [
        ("lang = 3", "lang = 3", "text is compared with a number"),
        ("lnag = 'zh'", "lnag", "did you mean `lang`?"),
        ("lang = 'zh' and", "lang = 'zh' and", "found the end"),
        ("lang == 'zh' x", "x", "does not belong"),
        ("lines > 1", "lines", "`c4.lines` or `c5.lines`"),
        ("score = null", "score = null", "is null"),
        ("lang", "lang", "a condition is needed"),
        ("upper(lang) = 'A'", "upper", "no function `upper`"),
        ("lang = \"zh\"", "\"zh\"", "single quotes: 'zh'"),
    ];
    for (predicate, place, message) in cases {
        let (at, what) = refused(predicate);
        assert_eq!(at, place, "{predicate}: {what}");
        assert!(what.contains(message), "{predicate}: {what}");
    }
}

#[test]
fn like_takes_no_longer_than_text_times_pattern() {
    let mut document = Document::new("", "a".repeat(200_000));
    document.id = "x".into();
    let predicate = Predicate::compile("text like '%a%a%a%a%a%a%a%b'", &scope()).unwrap();
    assert!(!predicate.eval(&document));
}
