//! Removes what extraction leaves of HTML: tags, entities, comments, scripts, BBCode.
//!
//! - Tags are names of HTML elements in small letters or in capitals, with well-formed attributes, nothing else: `a < b`, `Vec<T>` and
//!   `<summary of it>` stay. A name of one letter directly behind a letter (`Vec<b>`) and a word without attributes
//!   (`mv <source> <path>`) are tags only where the text closes them too. Tags of blocks become a line end, of cells a space, others nothing. `<script>`,
//!   `<style>` and comments go with what they hold; what is never closed stays.
//! - Entities become their character, however often they were escaped (`&amp;amp;nbsp;`), before tags are
//!   looked for, so that `&lt;br&gt;` goes as well. A name without a semicolon stays, except `&nbsp`. A text
//!   that says of two or more which character they are (`&lt; is <`, `&gt; is >`) keeps them all.
//! - Lines of the best-known trackers and advertisers go, and single rules of style sheets, if the text has
//!   no more than three of them: a text with more shows code.
//! - BBCode goes where the text closes it (`[b]…[/b]`), `[img]` with its address.
//! - Code stays: between back-quotes and in fences; and a text with `<!doctype`, `<?xml`, `<html`, `<body` or a tag
//!   of JSX (`<p className=…`, `<p onClick={…}`) shows source and stays as a whole.
//!
//! | setting | default | source |
//! |---|---|---|
//! | `tags`, `entities`, `comments`, `scripts`, `bbcode` | true | ours |

mod entities;
mod tags;

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use entities::without_entities;
use tags::{MAX_TAG, without_tags};

use crate::kit::{Document, Mapper, Quoted, Setup, Step, Verdict, Wrong, kind};

/// Settings of [`HtmlRemnants`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether tags go.
    pub tags: bool,
    /// Whether entities become characters.
    pub entities: bool,
    /// Whether comments go.
    pub comments: bool,
    /// Whether lines of scripts and style sheets go.
    pub scripts: bool,
    /// Whether BBCode goes.
    pub bbcode: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { tags: true, entities: true, comments: true, scripts: true, bbcode: true }
    }
}

crate::measures! {
    /// What [`HtmlRemnants`] measures.
    pub struct Measure {
        /// Tags of HTML and BBCode, comments and scripts that were removed.
        tags,
        /// Entities that became characters.
        entities,
        /// Lines of scripts and style sheets that were removed.
        script_lines,
    }
}

/// See the words at the top of this file.
pub struct HtmlRemnants {
    config: Config,
}

impl Step for HtmlRemnants {
    const NAME: &'static str = "html_remnants";
    const VERSION: u32 = 2;
    const WORDS: &'static str = include_str!("mod.rs");
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(HtmlRemnants { config })
    }
}

impl Mapper for HtmlRemnants {
    type Measure = Measure;

    fn map(&self, document: &mut Document, measure: &mut Measure) -> Verdict {
        let (mut tags, mut entities, mut script_lines) = (0, 0, 0);
        let mut text = Cow::Borrowed(document.text());
        if !is_source(&text) {
            let config = &self.config;
            if config.entities && !tells_entities(&text) {
                replace(&mut text, |text| without_entities(text, &mut entities));
            }
            if config.scripts {
                replace(&mut text, |text| without_scripts(text, &mut script_lines));
            }
            if config.tags || config.comments {
                replace(&mut text, |text| without_tags(text, config, &mut tags));
            }
            if config.bbcode {
                replace(&mut text, |text| without_bbcode(text, &mut tags));
            }
        }
        *measure = Measure {
            tags: Some(f64::from(tags)),
            entities: Some(f64::from(entities)),
            script_lines: Some(f64::from(script_lines)),
        };
        if let Cow::Owned(text) = text {
            document.set_text(text);
        }
        Verdict::Keep
    }
}

fn replace(text: &mut Cow<str>, with: impl FnOnce(&str) -> Option<String>) {
    if let Some(changed) = with(text) {
        *text = Cow::Owned(changed);
    }
}

/// Whether a text shows the source of a page or of a component.
fn is_source(text: &str) -> bool {
    static MARKS: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let marks = ["<!doctype", "<?xml", "<html", "<body"];
        AhoCorasick::builder().ascii_case_insensitive(true).build(marks).expect("a few short patterns")
    });
    memchr::memchr(b'<', text.as_bytes()).is_some() && (MARKS.is_match(text) || is_jsx(text))
}

/// Whether a tag has an attribute as JSX alone has it: `className=…`, `onClick={…}`.
fn is_jsx(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut tag = None;
    for at in memchr::memchr3_iter(b'<', b'>', b'=', bytes) {
        match bytes[at] {
            b'<' => tag = Some(at).filter(|at| bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic)),
            b'>' => tag = None,
            _ => {
                let named = at > 0 && bytes[at - 1].is_ascii_alphabetic();
                let braced = named && bytes.get(at + 1) == Some(&b'{');
                let jsx = braced || text[..at].ends_with(" className") || text[..at].ends_with("\nclassName");
                if jsx && tag.is_some_and(|tag| at - tag < MAX_TAG) {
                    return true;
                }
            }
        }
    }
    false
}

/// Whether a text says which character two or more entities are, so that they are what it is about.
fn tells_entities(text: &str) -> bool {
    const SAID: [(&str, char); 4] = [("&lt;", '<'), ("&gt;", '>'), ("&amp;", '&'), ("&quot;", '"')];
    let alone = |line: &str, c: char| {
        let part = |c: Option<char>| {
            c.is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '<' | '/' | '!' | '#' | '"' | '=')))
        };
        line.match_indices(c).any(|(at, _)| {
            let behind = line[at + 1..].chars().next();
            part(line[..at].chars().next_back()) && part(behind) && !(c == '"' && behind.is_some_and(|c| c == '>'))
        })
    };
    let mut told = [false; SAID.len()];
    let short = |line: &&str| line.len() <= MAX_TOLD && memchr::memchr(b'&', line.as_bytes()).is_some();
    for line in text.split('\n').filter(short) {
        for ((name, c), told) in SAID.iter().zip(&mut told) {
            *told |= line.contains(name) && alone(line, *c);
        }
    }
    told.iter().filter(|told| **told).count() >= 2
}

/// Longest line that tells of an entity, in bytes.
const MAX_TOLD: usize = 300;

/// What the scripts of trackers and advertisers call.
const CALLS: [&str; 19] = [
    "googletag.",
    "adsbygoogle",
    "_gaq.push",
    "_gaq =",
    "ga('create'",
    "ga('send'",
    "gtag('",
    "fbq('",
    "_hmt.push",
    "var _hmt",
    "window.dataLayer",
    "GoogleAnalyticsObject",
    "googlesyndication",
    "BAIDU_CLB_",
    "cnzz_protocol",
    "//<![CDATA[",
    "/*<![CDATA[*/",
    "//]]>",
    "/*]]>*/",
];
/// More rules of style sheets than this are a text about them.
const MAX_STYLE_LINES: usize = 3;

fn without_scripts(text: &str, lines: &mut u32) -> Option<String> {
    static CALL: LazyLock<AhoCorasick> = LazyLock::new(|| AhoCorasick::new(CALLS).expect("a few short patterns"));
    static RULE: LazyLock<Regex> = LazyLock::new(|| {
        let rule =
            r"(?:@media|@import|[.#][A-Za-z_-])[^{}]{0,200}\{(?:\s*[a-z-]{2,40}\s*:[^{};]{1,200}[;}])[^{}]{0,500}\}?";
        Regex::new(&format!(r"^\s*{rule}[\s}}]*$")).expect("it is well formed")
    });
    let is_rule = |line: &str| {
        line.len() < 1000 && line.trim_start().starts_with(['.', '#', '@']) && line.contains('{') && RULE.is_match(line)
    };
    let calls = CALL.is_match(text);
    let rules = memchr::memchr(b'{', text.as_bytes())
        .map_or(0, |_| text.split('\n').filter(|line| is_rule(line)).take(MAX_STYLE_LINES + 1).count());
    let rules = (1..=MAX_STYLE_LINES).contains(&rules);
    if !calls && !rules {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut fenced = false;
    for line in text.split_inclusive('\n') {
        fenced ^= line.trim_start().starts_with("```");
        let scripted = calls && line.contains([';', '(', '[']) && !line.contains('`') && CALL.is_match(line);
        if !fenced && (scripted || rules && is_rule(line.trim_end())) {
            *lines += 1;
        } else {
            out.push_str(line);
        }
    }
    (*lines > 0).then_some(out)
}

const BBCODE: [&str; 19] = [
    "b", "i", "u", "s", "url", "img", "quote", "size", "color", "font", "align", "center", "left", "right", "email",
    "list", "code", "flash", "media",
];

fn without_bbcode(text: &str, tags: &mut u32) -> Option<String> {
    let bytes = text.as_bytes();
    memchr::memmem::find(bytes, b"[/")?;
    let name_at = |at: usize| {
        let length = bytes[at..].iter().take(8).take_while(|c| c.is_ascii_alphabetic()).count();
        let name = &text[at..at + length];
        BBCODE.iter().position(|known| known.eq_ignore_ascii_case(name)).map(|name| (name, at + length))
    };
    // Names that are both opened and closed.
    let (mut opened, mut closed) = ([false; BBCODE.len()], [false; BBCODE.len()]);
    for at in memchr::memchr_iter(b'[', bytes) {
        let closes = bytes.get(at + 1) == Some(&b'/');
        if let Some((name, end)) = name_at(at + 1 + usize::from(closes)) {
            match (closes, bytes.get(end)) {
                (true, Some(b']')) => closed[name] = true,
                (false, Some(b']' | b'=')) => opened[name] = true,
                _ => {}
            }
        }
    }
    let mut out = String::new();
    let (mut copied, mut from) = (0, 0);
    let mut quoted = Quoted::default();
    for at in memchr::memchr2_iter(b'[', b'`', bytes) {
        if at < from {
            continue;
        }
        if bytes[at] == b'`' {
            from = quoted.end(text, at);
            continue;
        }
        let closes = bytes.get(at + 1) == Some(&b'/');
        let Some((name, behind)) = name_at(at + 1 + usize::from(closes)) else { continue };
        if !(opened[name] && closed[name]) {
            continue;
        }
        let end = match bytes.get(behind) {
            Some(b']') => behind + 1,
            Some(b'=') if !closes => {
                let value = bytes[behind..].iter().take(500).position(|c| matches!(c, b']' | b'[' | b'\n'));
                match value {
                    Some(length) if bytes[behind + length] == b']' => behind + length + 1,
                    _ => continue,
                }
            }
            _ => continue,
        };
        out.push_str(&text[copied..at]);
        *tags += 1;
        (copied, from) = (end, end);
        if BBCODE[name] == "img" && !closes {
            let address = bytes[end..].iter().take(500).position(|c| matches!(c, b'[' | b'\n' | b' '));
            if let Some(length) = address
                && bytes[end + length] == b'['
            {
                (copied, from) = (end + length, end + length);
            }
        }
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&text[copied..]);
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mapped(text: &str) -> String {
        with("", text)
    }

    fn with(settings: &str, text: &str) -> String {
        let mut document = Document::new("", text);
        let step = HtmlRemnants::new(toml::from_str(settings).unwrap(), &mut Setup::default()).unwrap();
        step.map(&mut document, &mut Measure::default());
        document.text().to_owned()
    }

    #[test]
    fn tags_go_and_blocks_end_lines() {
        for (text, left) in [
            ("one<br>two<br />three</p>", "one\ntwo\nthree"),
            ("<p>一段</p>\n<p class=\"x\">二段</p>", "一段\n二段"),
            ("a <b>bold</b> word and <a href='http://x.y/?a=1&b=2' target=_blank>link</a>.", "a bold word and link."),
            ("<td>1</td><td>2</td>", "1 2"),
            ("word<b>bold</b>", "wordbold"),
            ("x<script type=\"text/javascript\">var a = '<b>';</script>y<STYLE>p { }</STYLE>", "x\ny"),
            ("a <style> <script>b</script>c", "a <style>\nc"),
            ("a<!-- hidden\n<p> -->b<!---->c", "abc"),
            ("a <input disabled type=\"text\"> b<wbr>c", "a  bc"),
            ("&lt;br&gt;x", "x"),
            ("<main><title>A page</title><section>x</section></main>", "A page\nx"),
            ("a <svg width=\"1\"><path d=\"M0 0\"/><circle r='1'></circle></svg>b", "a b"),
            ("<table><tr><td>1</table>", "1"),
            ("<input type=text><link rel=\"x\"><area href='y'>z", "z"),
        ] {
            assert_eq!(mapped(text), left, "{text}");
        }
        assert_eq!(with("tags = false", "<b>x</b><!-- y -->"), "<b>x</b>");
        assert_eq!(with("comments = false", "<b>x</b><!-- y -->"), "x<!-- y -->");
    }

    #[test]
    fn entities_become_characters() {
        assert_eq!(mapped("a&nbsp;b&amp;c &amp;amp;lt; d &#39;e&#x4e2d; &hellip;&nbsp"), "a b&c < d 'e中 … ");
        assert_eq!(
            mapped("a &lt; b <br>and &lt;b> c &gt; \"d\" &quot;e&quot;\nR&amp;D"),
            "a < b\nand  c > \"d\" \"e\"\nR&D"
        );
        assert_eq!(mapped("一＆ｎｂｓｐ；二&nbsp；三"), "一＆ｎｂｓｐ；二 三");
        for text in ["AT&T", "a & b", "?x=1&copy=2&lt=3", "&unknown;", "&#0;", "&#99999999;", "`&nbsp;`"] {
            assert_eq!(mapped(text), text);
        }
        assert_eq!(with("entities = false", "a&nbsp;b"), "a&nbsp;b");
    }

    #[test]
    fn code_maths_and_generics_stay() {
        for text in [
            "",
            "a < b and c > d",
            "Vec<T>, Option<String>, Vec<b>, HashMap<i, u>",
            "if (a<b) { } x>y",
            "<summary of it>",
            "<your name here>",
            "i<p && p>q",
            "`<br>` and\n```html\n<p>x</p>\n```\nafter",
            "<!DOCTYPE html>\n<p>x</p>&nbsp;",
            "<html><p>",
            "<",
            "<>",
            "</",
            "<p",
            "<!-- open",
            "<a href=\"x>",
            "5 <3",
            "#include <stdio.h>",
            "<script>never closed",
            "std::vector<s> v;",
            "<Section>",
            "b(<s>) </s>",
            "usage: map <area> <code>, mv <source> <path>, ask <address> for <input>",
            "<TITLE> and <link>",
            "return (\n  <div className=\"x\">\n    <p>Hi {name}</p>\n  </div>\n);",
            "<button onClick={save}>Save</button>",
            "<?xml version=\"1.0\"?>\n<item><title>x</title></item>",
            "&lt;  <  less than\n&gt;  >  greater than\n&amp;  &  and",
            "Write &lt; for < and &amp; for & in a page.",
            "[b]",
            "a[i] + b[i]",
            "[url=x]",
            "[/b]",
        ] {
            assert_eq!(mapped(text), text);
        }
    }

    #[test]
    fn lines_of_scripts_go_and_lessons_stay() {
        assert_eq!(
            mapped("text\nvar _hmt = _hmt || [];\n  (adsbygoogle = window.adsbygoogle || []).push({});\nmore"),
            "text\nmore"
        );
        assert_eq!(mapped("text\n.box { color: red; margin: 0 }\nmore"), "text\nmore");
        let lesson = ".a { color: red; }\n".repeat(4);
        assert_eq!(mapped(&lesson), lesson);
        assert_eq!(mapped("he uses adsbygoogle a lot"), "he uses adsbygoogle a lot");
        assert_eq!(with("scripts = false", "a\nvar _hmt = [];"), "a\nvar _hmt = [];");
    }

    #[test]
    fn bbcode_goes_where_it_is_closed() {
        assert_eq!(mapped("[b]粗[/b] [url=http://x.y]链接[/url] [img]http://x/y.png[/img]!"), "粗 链接 !");
        assert_eq!(mapped("`[b]x[/b]`"), "`[b]x[/b]`");
        assert_eq!(with("bbcode = false", "[b]x[/b]"), "[b]x[/b]");
    }

    #[test]
    fn texts_kept_by_the_fuzzer_do_not_grow() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/html_remnants");
        let Ok(files) = std::fs::read_dir(folder) else { return };
        for file in files {
            let text = String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap()).into_owned();
            assert!(mapped(&text).len() <= text.len());
        }
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for piece in [
            "<",
            "<p",
            "<p ",
            "<p a=\"",
            "<!--",
            "<script>",
            "x<b>",
            "&",
            "&amp;",
            "&amp",
            "&#",
            "[",
            "[b]",
            "[/b][b",
            "[img]",
            "`",
            "```",
            ".a{",
            "{\n",
            "<a b",
            "</script",
            "<style></b>",
            "={",
            "<a x={\n",
            "&lt; <",
            "<source>",
            "</source>",
        ] {
            mapped(&piece.repeat(100_000));
        }
        assert!(started.elapsed().as_secs() < 40, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(\\PC|[<>&;\\[\\]`\"'=/ \\n]|<p>|<b>|</b>|<!--|-->|<script>|</script>|&amp;|&#x|nbsp|\\[b\\]|\\[/b\\]|\\[img\\]|＆|；){0,40}") {
            mapped(&text);
        }

        #[test]
        fn a_text_without_marks_stays(text in "[a-z 中文，。\\n<>]{0,60}") {
            let marked = text.contains(['<']) && text.contains('>');
            if !marked {
                prop_assert_eq!(mapped(&text), text);
            }
        }
    }
}
