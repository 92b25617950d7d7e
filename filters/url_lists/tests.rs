use std::io::Write;
use std::path::Path;

use proptest::prelude::*;

use super::lists::{Entry, Kind, read_line};
use super::*;
use crate::kit::Document;

/// A folder for lists, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("wanjuan-url-lists-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> Vec<String> {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        vec![name.to_owned()]
    }

    fn setup(&self) -> Setup {
        Setup { folder: self.0.clone(), ..Setup::default() }
    }

    fn step(&self, config: Config) -> UrlLists {
        UrlLists::new(config, &mut self.setup()).unwrap_or_else(|wrong| panic!("{wrong:?}"))
    }

    fn wrong(&self, config: Config) -> Wrong {
        UrlLists::new(config, &mut self.setup()).err().expect("a mistake")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn no_words() -> Config {
    Config { banned_words: vec![], soft_banned_words: vec![], banned_substrings: vec![], ..Config::default() }
}

fn judged(step: &UrlLists, url: &str) -> Verdict {
    let mut document = Document::new("", "文");
    document.set_field(Name::new("url"), url);
    Filter::judge(step, &step.measure(&Text::new(document)))
}

fn comes_along(config: Config) -> UrlLists {
    UrlLists::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

const DOMAIN: Verdict = Verdict::Drop("blocked_domain");
const URL: Verdict = Verdict::Drop("blocked_url");

#[test]
fn a_listed_domain_stands_for_all_below_it() {
    let folder = Folder::new("domains");
    let list = "\u{feff}Example.COM\r\n\r\n# remark\r\n.dotted.org\r\n*.star.org # why\r\nbücher.example\r\n\
        http://full.org/\r\n||ad.org^\r\n||ads.org^$document,important\r\n0.0.0.0 localhost host.org second.org\r\n\
        ! remark\r\n[Adblock Plus 2.0]\r\n192.0.2.1\r\n2001:db8::1\r\nwww.only.org\r\nmy_blog.tumblr.com";
    let step = folder.step(Config { block_domains: folder.file("list.txt", list), ..no_words() });
    for url in [
        "http://example.com/",
        "https://user@A.B.EXAMPLE.com.:80/x",
        "http://dotted.org",
        "http://a.star.org",
        "http://star.org",
        "http://xn--bcher-kva.example/",
        "http://BÜCHER.example/",
        "http://full.org",
        "http://ad.org",
        "http://ads.org",
        "http://host.org",
        "http://second.org",
        "http://192.0.2.1/x",
        "http://[2001:DB8:0::1]/",
        "http://only.org/",
        "http://www.only.org/",
        "http://my_blog.tumblr.com/",
    ] {
        assert_eq!(judged(&step, url), DOMAIN, "{url}");
    }
    for url in [
        "http://com/",
        "http://notexample.com/",
        "http://example.com.net/",
        "http://other.only.org/",
        "http://localhost/",
        "http://1.192.0.2.1/",
        "http://2.1/",
        "http://tumblr.com/",
        "http://a.com/example.com",
        "no url",
        "",
    ] {
        assert_eq!(judged(&step, url), Verdict::Keep, "{url}");
    }
}

#[test]
fn a_listed_url_stands_for_all_that_goes_on_from_it() {
    let folder = Folder::new("urls");
    let list = "example.com/a/b/\nhttps://www.example.com/q?id=1#top\nwhole.org\n";
    let step = folder.step(Config { block_urls: folder.file("urls", list), ..no_words() });
    for url in [
        "http://example.com/a/b",
        "http://www.example.com:80/a/b/c?d",
        "http://example.com/q?id=1&x=2",
        "http://whole.org/x",
    ] {
        assert_eq!(judged(&step, url), URL, "{url}");
    }
    for url in
        ["http://example.com/a/bc", "http://example.com/q?id=12", "http://x.whole.org/x", "http://example.com/A/b"]
    {
        assert_eq!(judged(&step, url), Verdict::Keep, "{url}");
    }
}

#[test]
fn allow_lists_win() {
    let folder = Folder::new("allow");
    let config = Config {
        block_domains: folder.file("block", "example.com\n"),
        allow_domains: folder.file("allow", "good.example.com\nedu\n"),
        allow_urls: folder.file("allow-urls", "example.com/good\n"),
        keep_unreadable: false,
        ..Config::default()
    };
    let step = folder.step(config);
    assert_eq!(judged(&step, "http://example.com/bad"), DOMAIN);
    for url in ["http://good.example.com/porn", "http://example.com/good/porn", "http://x.edu/porn"] {
        assert_eq!(judged(&step, url), Verdict::Keep, "{url}");
    }
}

#[test]
fn words_have_their_reasons_and_bounds() {
    let step = comes_along(Config::default());
    for (url, verdict) in [
        ("http://a.com/porn/x", Verdict::Drop("banned_words_in_url")),
        ("http://a.com/PORN/x", Verdict::Drop("banned_words_in_url")),
        ("http://a.com/sex/naked", Verdict::Drop("soft_banned_words_in_url")),
        ("http://a.com/sex/sex", Verdict::Keep),
        ("http://sussex.com/cocktail", Verdict::Keep),
        ("http://xpornhubx.com", Verdict::Drop("banned_substrings_in_url")),
        ("http://a.com/Hand-Job", Verdict::Drop("banned_substrings_in_url")),
        ("not%20a url porn", Verdict::Drop("banned_words_in_url")),
        ("http://例子.中国/新闻", Verdict::Keep),
    ] {
        assert_eq!(judged(&step, url), verdict, "{url}");
    }
    let config = Config {
        max_banned_words: 1,
        max_soft_banned_words: 2,
        max_banned_substrings: 1,
        fold_case: false,
        ..Config::default()
    };
    let step = comes_along(config);
    for (url, verdict) in [
        ("http://a.com/porn/PORN", Verdict::Keep),
        ("http://a.com/porn/xxx", Verdict::Drop("banned_words_in_url")),
        ("http://a.com/sex/naked/nude", Verdict::Drop("soft_banned_words_in_url")),
        ("http://xpornhubx.com", Verdict::Keep),
        ("http://xpornhubx.com/Hand-Job", Verdict::Drop("banned_substrings_in_url")),
    ] {
        assert_eq!(judged(&step, url), verdict, "{url}");
    }
}

#[test]
fn what_has_no_url_or_no_host_is_kept_unless_asked_otherwise() {
    let (kind, strict) = (
        comes_along(Config::default()),
        comes_along(Config { keep_without_url: false, keep_unreadable: false, ..no_words() }),
    );
    for (url, verdict) in [
        ("", Verdict::Drop("no_url")),
        ("http://:80/", Verdict::Drop("unreadable_url")),
        ("http://a.com", Verdict::Keep),
    ] {
        assert_eq!(judged(&kind, url), Verdict::Keep);
        assert_eq!(judged(&strict, url), verdict);
    }
    let none = strict.measure(&"文".into());
    assert_eq!(Filter::judge(&strict, &none), Verdict::Drop("no_url"));
}

#[test]
fn every_bad_line_is_counted_and_the_first_is_named() {
    let folder = Folder::new("bad");
    let list = "example.com\nexample.org/path\nword\n222.136\nb c\n||x.org^$third-party\na@b.org\n0.0.0.0 a..b\n\
        example.net:80\n||x.org/ads^\n*.*.org\n";
    let config = Config { block_domains: folder.file("list", list), ..no_words() };
    let wrong = folder.wrong(config.clone());
    assert_eq!(wrong.setting, Some("block_domains"));
    assert!(wrong.what.starts_with("10 of 11 lines are no domain; the first is `example.org/path`"), "{}", wrong.what);
    assert!(wrong.what.ends_with("list, line 2)"), "{}", wrong.what);
    assert_eq!(wrong.help.unwrap(), "repair the lines, or let them pass with `max_bad_lines = 10`");
    let step = folder.step(Config { max_bad_lines: 10, ..config.clone() });
    assert_eq!(judged(&step, "http://example.com"), DOMAIN);
    assert!(UrlLists::new(Config { max_bad_lines: 9, ..config }, &mut folder.setup()).is_err());

    let wrong = folder.wrong(Config { block_urls: folder.file("urls", b"a.com/b\n\xff\nx y.com\n"), ..no_words() });
    assert!(wrong.what.ends_with("urls: line 2 is not UTF-8"), "{}", wrong.what);
    assert!(wrong.help.unwrap().contains("iconv"));
    let wrong = folder.wrong(Config { banned_words: folder.file("words", "词\n"), ..no_words() });
    assert!(wrong.what.starts_with("1 of 1 lines is no word of ASCII letters or digits"), "{}", wrong.what);
}

#[test]
fn lists_that_say_nothing_and_lists_in_another_encoding_are_refused() {
    let folder = Folder::new("nothing");
    type Setting = fn(Vec<String>) -> Config;
    let settings: [(&str, Setting); 5] = [
        ("block_domains", |list| Config { block_domains: list, ..no_words() }),
        ("block_urls", |list| Config { block_urls: list, ..no_words() }),
        ("banned_words", |list| Config { banned_words: list, ..no_words() }),
        ("soft_banned_words", |list| Config { soft_banned_words: list, ..no_words() }),
        ("banned_substrings", |list| Config { banned_substrings: list, ..no_words() }),
    ];
    for (setting, config) in settings {
        for (list, what) in [
            (&b""[..], "list: it lists nothing"),
            (b"# one\n\n# two\n", "list: it lists nothing"),
            (b"\xff\xfea\0.\0b\0\n\0", "list: it is UTF-16, not UTF-8"),
            (b"# one\na.com\n\xb7\xa8\xc2\xd6\n", "list: line 3 is not UTF-8"),
        ] {
            let wrong = folder.wrong(config(folder.file("list", list)));
            assert_eq!(wrong.setting, Some(setting));
            assert!(wrong.what.ends_with(what), "{setting}: {}", wrong.what);
        }
    }
}

#[test]
fn a_public_suffix_is_refused_unless_it_is_meant() {
    let folder = Folder::new("suffix");
    for suffix in ["com", "co.uk", "github.io", "||github.io^", "公司.cn"] {
        let config = Config { block_domains: folder.file("list", format!("example.com\n{suffix}\n")), ..no_words() };
        let wrong = folder.wrong(config.clone());
        assert!(wrong.what.contains(&format!("`{suffix}`")) && wrong.what.contains("line 2"), "{}", wrong.what);
        assert!(wrong.help.unwrap().contains("block_suffixes"));
        folder.step(Config { block_suffixes: true, ..config });
    }
    let meant = Config { block_domains: folder.file("list", "xxx\n"), block_suffixes: true, ..no_words() };
    assert_eq!(judged(&folder.step(meant), "http://a.b.xxx/"), DOMAIN);
}

#[test]
fn folders_of_categories_give_each_setting_its_own_files() {
    let folder = Folder::new("folders");
    folder.file("ut1/adult/domains", "adult.example.com\n");
    folder.file("ut1/adult/urls", "example.com/adult\n");
    folder.file("ut1/adult/expressions", "(sex|(porn))+");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"gambling.example.com\n").unwrap();
    folder.file("ut1/gambling/domains.gz", gzip.finish().unwrap());
    folder.file("ut1/malware/domains.txt", zstd::encode_all(&b"malware.example.com\n"[..], 1).unwrap());
    folder.file("ut1/README", "Lists of domains.\n");
    let config = Config { block_domains: vec!["ut1".into()], block_urls: vec!["ut1".into()], ..no_words() };
    let mut setup = folder.setup();
    let step = UrlLists::new(config, &mut setup).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    for name in ["adult", "gambling", "malware"] {
        assert_eq!(judged(&step, &format!("http://{name}.example.com")), DOMAIN);
    }
    assert_eq!(judged(&step, "http://example.com/adult"), URL);
    let used: Vec<String> =
        setup.files.iter().map(|(_, path)| path.strip_prefix(&folder.0).unwrap().display().to_string()).collect();
    assert_eq!(used, ["ut1/adult/domains", "ut1/gambling/domains.gz", "ut1/malware/domains.txt", "ut1/adult/urls"]);

    let wrong = folder.wrong(Config { block_urls: vec!["ut1/gambling".into()], ..no_words() });
    assert!(wrong.what.contains("`urls`"), "{}", wrong.what);
    folder.file("plain/a.txt", "a.com\n");
    folder.file("plain/b.txt", "b.com\n");
    let step = folder.step(Config { block_domains: vec!["plain".into()], ..no_words() });
    assert_eq!((judged(&step, "http://a.com"), judged(&step, "http://b.com")), (DOMAIN, DOMAIN));
}

#[test]
fn lists_that_are_not_there_or_name_nothing_are_mistakes() {
    let folder = Folder::new("none");
    assert_eq!(folder.wrong(Config { block_urls: vec!["gone".into()], ..no_words() }).setting, Some("block_urls"));
    assert_eq!(folder.wrong(Config { banned_words: vec!["gone".into()], ..no_words() }).setting, Some("banned_words"));
    assert!(folder.wrong(no_words()).what.contains("nothing would be dropped"));
    let broken = folder.file("broken.zst", [0x28, 0xb5, 0x2f, 0xfd, 9, 9, 9, 9, 9]);
    let wrong = folder.wrong(Config { block_domains: broken, ..no_words() });
    assert!(wrong.what.contains("broken.zst"), "{}", wrong.what);
}

#[test]
fn the_profile_compares_letter_for_letter() {
    let folder = Folder::new("verbatim");
    let settings: toml::Table = UrlLists::PROFILES[0].settings.parse().unwrap();
    let profile: Config = settings.try_into().unwrap();
    let config = Config {
        block_domains: folder.file("domains", "#x\n\n example.com \nb.example.org\nblogspot.com\n1.2.3.4\ncom\n"),
        block_urls: folder.file("urls", "example.net/a\nhttp://example.net/b\n"),
        ..profile
    };
    let step = folder.step(config);
    for (url, verdict) in [
        ("http://a.example.com/", DOMAIN),
        ("http://Example.com/", Verdict::Keep),
        ("http://b.example.org/", DOMAIN),
        ("http://a.b.example.org/", Verdict::Keep),
        ("http://me.blogspot.com/", DOMAIN),
        ("http://1.2.3.4/", Verdict::Keep),
        ("http://a.com/", Verdict::Keep),
        ("http://example.net/a", Verdict::Keep),
        ("http://example.net/b", URL),
        ("http://example.net/b/", Verdict::Keep),
        ("http://x.net/Porn", Verdict::Keep),
        ("http://x.net/porn", Verdict::Drop("banned_words_in_url")),
    ] {
        assert_eq!(judged(&step, url), verdict, "{url}");
    }
}

/// What datatrove's own filter says of 1,500 URLs, with a small list; `golden/url_lists.tsv` tells how.
#[test]
fn verdicts_are_those_of_datatrove() {
    let folder = Folder::new("golden");
    let golden = include_str!("../golden/url_lists.tsv");
    let (mut domains, mut urls, mut cases) = (String::new(), String::new(), Vec::new());
    for line in golden.lines().filter(|line| !line.starts_with('#')) {
        let (kind, text) = line.split_once('\t').unwrap();
        match kind {
            "domain" => domains += &format!("{text}\n"),
            "url" => urls += &format!("{text}\n"),
            _ => cases.push((kind, text)),
        }
    }
    let settings: toml::Table = UrlLists::PROFILES[0].settings.parse().unwrap();
    let step = folder.step(Config {
        block_domains: folder.file("domains", domains),
        block_urls: folder.file("urls", urls),
        ..settings.try_into().unwrap()
    });
    assert!(cases.len() > 1000);
    for (wanted, url) in cases {
        let found = match judged(&step, url) {
            Verdict::Keep => "-",
            Verdict::Drop(reason) => reason,
        };
        assert_eq!(found, wanted, "{url}");
    }
}

#[test]
fn every_file_of_the_fuzzing_corpus_is_read() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/url_lists");
    let mut files = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        lists::probe(&std::fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files > 5);
}

#[test]
fn huge_and_odd_texts_take_linear_time() {
    let folder = Folder::new("huge");
    let step = folder.step(Config {
        block_domains: folder.file("domains", "example.com\n"),
        block_urls: folder.file("urls", "example.com/a\n"),
        ..Config::default()
    });
    for piece in
        ["/", "a.", "?", "&a", "%61", "词", "porn/", "handjob", "@", "xn--a", "[", ":", "//", "sex-nude-", "\u{0}"]
    {
        let long = piece.repeat(500_000 / piece.len());
        for url in
            [long.clone(), format!("http://{long}"), format!("http://a.com/{long}"), format!("http://a.com/?{long}")]
        {
            let started = std::time::Instant::now();
            judged(&step, &url);
            lists::probe(url.as_bytes());
            // A quadratic walk over half a million bytes would take minutes.
            assert!(started.elapsed().as_secs() < 10, "{piece:?}");
        }
    }
}

proptest! {
    #[test]
    fn no_text_panics(url in any::<String>(), list in prop::collection::vec(any::<u8>(), 0..200)) {
        lists::probe(&list);
        judged(&comes_along(Config::default()), &url);
    }

    #[test]
    fn lines_are_read_alike_whole_and_from_a_file(list in "[a-z.#|/^ \r\n\u{feff}é]{0,60}") {
        lists::probe(list.as_bytes());
    }

    /// The fast look-up by chained hashes against comparing names.
    #[test]
    fn a_domain_covers_what_ends_with_it(listed in "([ab]\\.){0,2}[ab]\\.(com|org)", host in "(www\\.)?([ab]\\.){0,3}[ab]\\.(com|org)") {
        let folder = Folder::new("cover");
        let step = folder.step(Config { block_domains: folder.file("list", format!("{listed}\n")), ..no_words() });
        let plain = host == listed || host.ends_with(&format!(".{listed}")) || format!("www.{host}") == listed;
        prop_assert_eq!(judged(&step, &format!("http://{host}/")) == DOMAIN, plain);
    }
}

#[test]
fn a_line_that_is_read_says_the_same_when_it_is_read_again() {
    for line in ["example.com", "||example.com^", ".EXAMPLE.com.", "*.example.com", "https://example.com"] {
        let mut hosts = Vec::new();
        read_line(line.as_bytes(), Kind::Domains, &mut |entry| {
            let Entry::Host(host) = entry else { panic!("{line}") };
            hosts.push(host.to_string());
        });
        assert_eq!(hosts, ["example.com"], "{line}");
    }
}
