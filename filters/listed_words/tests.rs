use proptest::prelude::*;

use super::*;
use crate::kit::Document;

fn lists(name: &str, text: &str) -> String {
    let path = std::env::temp_dir().join(format!("wanjuan-listed-words-{}-{name}", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn step(name: &str, list: &str, config: Config) -> ListedWords {
    let config = Config { lists: vec![lists(name, list)], ..config };
    ListedWords::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

fn counted(step: &ListedWords, text: &str) -> (f64, f64) {
    let measure = step.measure(&text.into());
    (measure.hits.unwrap(), measure.distinct.unwrap())
}

#[test]
fn each_bound_is_inclusive_and_has_its_reason() {
    let off = Config { max_per_line: f64::INFINITY, ..Config::default() };
    let text = "法轮功好，ass";
    for (config, bound, reason) in [
        (Config { max_hits: 2.0, ..off.clone() }, Config { max_hits: 1.9, ..off.clone() }, "too_many_listed_words"),
        (
            Config { max_distinct: 2.0, ..off.clone() },
            Config { max_distinct: 1.0, ..off.clone() },
            "too_many_distinct_listed_words",
        ),
        (
            Config { max_density: 250.0, ..off.clone() },
            Config { max_density: 249.0, ..off.clone() },
            "listed_words_too_dense",
        ),
        (
            Config { max_per_line: 2.0, ..off.clone() },
            Config { max_per_line: 1.5, ..off.clone() },
            "too_many_listed_words_per_line",
        ),
    ] {
        let judge = |config: Config| {
            let step = step("bounds", "法轮\nass", config);
            Filter::judge(&step, &step.measure(&text.into()))
        };
        assert_eq!(judge(config), Verdict::Keep);
        assert_eq!(judge(bound), Verdict::Drop(reason));
    }
}

#[test]
fn an_empty_text_has_no_word_and_no_density() {
    let step = step("empty", "法轮", Config::default());
    assert_eq!(
        step.measure(&"".into()),
        Measure { hits: Some(0.0), distinct: Some(0.0), density: None, per_line: Some(0.0) }
    );
}

#[test]
fn lines_and_characters_are_counted_as_said() {
    let step = step("lines", "法轮\n法轮功", Config::default());
    let measure = step.measure(&"法轮功\n\n法轮".into());
    assert_eq!((measure.hits, measure.distinct), (Some(3.0), Some(2.0)));
    assert_eq!((measure.density, measure.per_line), (Some(3000.0 / 7.0), Some(2.0 / 3.0)));
    // EvalWeb: more than half a word a line is too many.
    assert_eq!(Filter::judge(&step, &step.measure(&"法轮\n好".into())), Verdict::Keep);
}

#[test]
fn what_is_ignored_is_ignored_in_lists_and_texts() {
    let strict = Config { ignore_case: false, ignore_width: false, ..Config::default() };
    let list = "ABC\n法 轮\n出售Ｄ";
    assert_eq!(counted(&step("a", list, Config::default()), "abc ＡＢＣ 出售d"), (3.0, 2.0));
    assert_eq!(counted(&step("b", list, strict), "abc ＡＢＣ ABC 出售d 法轮"), (1.0, 1.0));
    let separators = Config { ignore_separators: true, ..Config::default() };
    assert_eq!(counted(&step("c", list, separators), "法轮 法*轮 法。轮 法 ★ 轮"), (3.0, 1.0));
}

#[test]
fn what_lies_within_an_allowed_phrase_is_no_hit() {
    let config = Config { allow: vec!["性别".into(), "女性".into()], ..Config::default() };
    let list = "性别\n性别歧\n女性\n男性别";
    let step = step("allow", list, config);
    // Listed and allowed is allowed; longer than what is allowed is a hit.
    assert_eq!(counted(&step, "女性性别"), (0.0, 0.0));
    assert_eq!(counted(&step, "性别歧视，男性别来"), (2.0, 2.0));
    let config = Config { allow: vec!["Scunthorpe".into()], matching: Matching::Anywhere, ..Config::default() };
    let step = self::step("allow2", "cunt", config);
    assert_eq!(counted(&step, "in scunthorpe they say cunt"), (1.0, 1.0));
}

#[test]
fn a_language_has_lists_and_matching_of_its_own() {
    let config = Config {
        lists: vec![lists("common", "法轮")],
        lists_by_lang: [("th".to_owned(), vec![lists("thai", "ass\n法轮")])].into(),
        matching_by_lang: [("th".to_owned(), Matching::Anywhere)].into(),
        ..Config::default()
    };
    let step = ListedWords::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    assert_eq!(step.reads().len(), 1);
    let mut document = Document::new("", "class 好");
    assert_eq!(step.measure(&Text::new(document.clone())).hits, Some(0.0));
    document.set_field(Name::new("lang"), "th");
    assert_eq!(step.measure(&Text::new(document)).hits, Some(1.0));
    // On both lists, which match otherwise: one word at a place, and one word.
    let mut document = Document::new("", "法轮 class 法轮");
    document.set_field(Name::new("lang"), "th");
    let measure = step.measure(&Text::new(document));
    assert_eq!((measure.hits, measure.distinct), (Some(3.0), Some(2.0)));
}

#[test]
fn short_entries_are_passed_over_unless_asked_for() {
    assert_eq!(counted(&step("short", "性\n党\nab", Config::default()), "性党 ab"), (1.0, 1.0));
    let all = Config { min_entry_chars: 1, ..Config::default() };
    assert_eq!(counted(&step("short2", "性\n党\nab", all), "性党 ab"), (3.0, 3.0));
}

#[test]
fn lists_that_come_along_and_folders_are_read_and_files_are_noted() {
    let mut setup = Setup::default();
    let path = lists("noted", "一二");
    let names = ALONG.iter().map(|(name, _)| (*name).to_owned()).chain(["bad-words-en".into(), path.clone()]);
    let config = Config { lists: names.collect(), ..Config::default() };
    let step = ListedWords::new(config, &mut setup).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    assert!(step.common.allowed > 10_000, "{}", step.common.allowed);
    assert_eq!(counted(&step, "一二 assmunch").1, 2.0);
    assert_eq!(setup.files, [("lists", path.into())]);
}

#[test]
fn what_is_no_list_is_a_mistake_of_the_pipeline() {
    let wrong = |config: Config| ListedWords::new(config, &mut Setup::default()).err().unwrap();
    assert_eq!(wrong(Config::default()).setting, Some("lists"));
    assert!(wrong(Config { lists: vec!["nowhere".into()], ..Config::default() }).what.contains("nowhere"));
    let path = std::env::temp_dir().join(format!("wanjuan-listed-words-{}-gbk", std::process::id()));
    std::fs::write(&path, b"a\n\xb7\xa8\xc2\xd6").unwrap();
    let gbk = wrong(Config { lists: vec![path.display().to_string()], ..Config::default() });
    assert!(gbk.what.ends_with("line 2 is not UTF-8"), "{gbk:?}");
    for nothing in ["", "# a comment\n\n  # more\n"] {
        std::fs::write(&path, nothing).unwrap();
        let wrong = wrong(Config { lists: vec!["zh-ads".into(), path.display().to_string()], ..Config::default() });
        assert_eq!((wrong.setting, wrong.what), (Some("lists"), format!("{}: it lists nothing", path.display())));
    }
    let config = Config {
        lists: vec!["zh-ads".into()],
        matching_by_lang: [("th".to_owned(), Matching::Words)].into(),
        ..Config::default()
    };
    assert_eq!(wrong(config).setting, Some("matching_by_lang"));
}

#[test]
fn huge_and_odd_texts_take_linear_time() {
    let config = Config { ignore_separators: true, allow: vec!["aab".into()], ..Config::default() };
    let step = step("huge", "aa\naaa\n法轮\n好好", config);
    let started = std::time::Instant::now();
    for text in
        ["a".repeat(4_000_000), "法*".repeat(500_000), "法".to_owned() + &"*".repeat(4_000_000), "好".repeat(1_000_000)]
    {
        step.measure(&text.as_str().into());
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,60}|[a法*轮\u{3000}Ａ ]{0,60}") {
        let config = Config { lists: vec!["zh-porn".into(), "bad-words-en".into()], ignore_separators: true, allow: vec!["a".into()], ..Config::default() };
        thread_local!(static STEP: RefCell<Option<ListedWords>> = const { RefCell::new(None) });
        STEP.with_borrow_mut(|step| {
            let step = step.get_or_insert_with(|| ListedWords::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{wrong:?}")));
            Filter::judge(step, &step.measure(&text.as_str().into()))
        });
    }
}
