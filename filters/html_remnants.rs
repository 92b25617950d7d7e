//! Removes what extraction leaves of HTML: tags, entities, comments, scripts, BBCode.
//!
//! - Tags are names of HTML elements in small letters or in capitals, with well-formed attributes, nothing else: `a < b`, `Vec<T>` and
//!   `<summary of it>` stay. A name of one letter directly behind a letter (`Vec<b>`) is a tag only where the
//!   text closes it too. Tags of blocks become a line end, of cells a space, others nothing. `<script>`,
//!   `<style>` and comments go with what they hold; what is never closed stays.
//! - Entities become their character, however often they were escaped (`&amp;amp;nbsp;`), before tags are
//!   looked for, so that `&lt;br&gt;` goes as well. A name without a semicolon stays, except `&nbsp`.
//! - Lines of the best-known trackers and advertisers go, and single rules of style sheets, if the text has
//!   no more than three of them: a text with more shows code.
//! - BBCode goes where the text closes it (`[b]…[/b]`), `[img]` with its address.
//! - Code stays: between back-quotes and in fences; and a text with `<!doctype`, `<html` or `<body` shows the
//!   source of a page and stays as a whole.
//!
//! | setting | default | source |
//! |---|---|---|
//! | `tags`, `entities`, `comments`, `scripts`, `bbcode` | true | ours |

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("html_remnants.rs");
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
            if config.entities {
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

/// Whether a text shows the source of a page.
fn is_source(text: &str) -> bool {
    static MARKS: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let marks = ["<!doctype", "<html", "<body"];
        AhoCorasick::builder().ascii_case_insensitive(true).build(marks).expect("a few short patterns")
    });
    memchr::memchr(b'<', text.as_bytes()).is_some() && MARKS.is_match(text)
}

/// Names of elements that end a line.
const BLOCKS: [&str; 41] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "br",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "legend",
    "li",
    "nav",
    "noscript",
    "ol",
    "option",
    "p",
    "pre",
    "select",
    "summary",
    "table",
    "tbody",
    "tfoot",
    "thead",
    "tr",
    "ul",
    "video",
];
/// Names of elements that stand in a line. Those that programs and models name too (`<s>`, `<var>`) are not among them.
const INLINE: [&str; 50] = [
    "a", "abbr", "acronym", "area", "audio", "b", "basefont", "bdi", "bdo", "big", "button", "canvas", "cite", "code",
    "col", "colgroup", "del", "dfn", "em", "embed", "font", "i", "iframe", "img", "input", "ins", "kbd", "label",
    "link", "mark", "meta", "nobr", "o:p", "picture", "rp", "rt", "ruby", "samp", "small", "source", "span", "strike",
    "strong", "sub", "sup", "svg", "tt", "u", "wbr", "w:p",
];
const CELLS: [&str; 3] = ["caption", "td", "th"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Block,
    Inline,
    Cell,
    /// Goes with what it holds.
    Script,
}

fn place(name: &str) -> Option<Place> {
    let known = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    if name.eq_ignore_ascii_case("script") || name.eq_ignore_ascii_case("style") {
        Some(Place::Script)
    } else if known(&BLOCKS) {
        Some(Place::Block)
    } else if known(&INLINE) {
        Some(Place::Inline)
    } else {
        known(&CELLS).then_some(Place::Cell)
    }
}

struct Tag<'a> {
    name: &'a str,
    place: Place,
    closes: bool,
    end: usize,
}

/// The longest tag that is taken for one, in bytes.
const MAX_TAG: usize = 2000;

/// The tag that begins at `at`.
fn tag(text: &str, at: usize) -> Option<Tag<'_>> {
    let bytes = text.as_bytes();
    let closes = bytes.get(at + 1) == Some(&b'/');
    let start = at + 1 + usize::from(closes);
    let length = bytes[start..].iter().take(12).take_while(|c| c.is_ascii_alphanumeric() || **c == b':').count();
    let name = &text[start..start + length];
    // `<Section>` is somebody's XML.
    if name.bytes().any(|c| c.is_ascii_uppercase()) && name.bytes().any(|c| c.is_ascii_lowercase()) {
        return None;
    }
    let place = place(name)?;
    // Attributes: white space, then a name, and perhaps a value with or without quotes.
    let mut at = start + length;
    let limit = bytes.len().min(at + MAX_TAG);
    loop {
        let space = bytes[at..limit].iter().take_while(|c| c.is_ascii_whitespace()).count();
        at += space;
        match bytes[..limit].get(at)? {
            b'>' => return Some(Tag { name, place, closes, end: at + 1 }),
            b'/' if bytes.get(at + 1) == Some(&b'>') => return Some(Tag { name, place, closes, end: at + 2 }),
            c if space > 0 && !closes && (c.is_ascii_alphabetic() || matches!(c, b'_' | b'@' | b':')) => {
                let is_name = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b':' | b'.' | b'@');
                at += bytes[at..limit].iter().take_while(|c| is_name(c)).count();
                let spaces = bytes[at..limit].iter().take_while(|c| c.is_ascii_whitespace()).count();
                if bytes[..limit].get(at + spaces) != Some(&b'=') {
                    // An attribute without a value: words in angle brackets are none.
                    let attribute = &text[..at];
                    let known = [
                        "disabled",
                        "checked",
                        "selected",
                        "async",
                        "defer",
                        "hidden",
                        "controls",
                        "nowrap",
                        "noshade",
                        "allowfullscreen",
                    ];
                    if !known.iter().any(|known| attribute.ends_with(known)) {
                        return None;
                    }
                    continue;
                }
                at += spaces + 1;
                at += bytes[at..limit].iter().take_while(|c| c.is_ascii_whitespace()).count();
                match bytes[..limit].get(at)? {
                    quote @ (b'"' | b'\'') => at += memchr::memchr(*quote, &bytes[at + 1..limit])? + 2,
                    _ => {
                        at += bytes[at..limit]
                            .iter()
                            .take_while(|c| !c.is_ascii_whitespace() && !matches!(c, b'>' | b'<' | b'"' | b'\''))
                            .count();
                    }
                }
            }
            // Extraction glues attributes together: `<a href="x"class="y">`.
            _ => return None,
        }
    }
}

fn without_tags(text: &str, config: &Config, tags: &mut u32) -> Option<String> {
    let bytes = text.as_bytes();
    memchr::memchr(b'<', bytes)?;
    let mut out = String::new();
    let (mut copied, mut from) = (0, 0);
    let mut quoted = Quoted::default();
    // What is not closed behind one place is not closed behind a later one.
    let (mut comments_end, mut ends, mut closed) = (true, [true; 2], None);
    for at in memchr::memchr2_iter(b'<', b'`', bytes) {
        if at < from {
            continue;
        }
        if bytes[at] == b'`' {
            from = quoted.end(text, at);
            continue;
        }
        let (end, place) = if config.comments && comments_end && bytes[at..].starts_with(b"<!--") {
            let Some(end) = memchr::memmem::find(&bytes[at + 4..], b"-->") else {
                comments_end = false;
                continue;
            };
            (at + 4 + end + 3, Place::Inline)
        } else if config.tags
            && let Some(tag) = tag(text, at)
        {
            let mut end = tag.end;
            if tag.place == Place::Script && !tag.closes {
                let ends = &mut ends[usize::from(tag.name.eq_ignore_ascii_case("style"))];
                let close = if *ends { close_of(text, tag.end, tag.name) } else { None };
                let Some(close) = close else {
                    *ends = false;
                    continue;
                };
                end = close;
            }
            let behind_letter =
                at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || matches!(bytes[at - 1], b'_' | b':'));
            let generic =
                tag.name.len() == 1 && behind_letter && !tag.closes && bytes[end - 2] != b'/' && end == at + 3;
            if generic && !closed.get_or_insert_with(|| closings(text)).any(tag.name) {
                continue;
            }
            (end, tag.place)
        } else {
            continue;
        };
        out.push_str(&text[copied..at]);
        *tags += 1;
        match place {
            Place::Block | Place::Script => {
                out.truncate(out.trim_end_matches([' ', '\t']).len());
                if !out.is_empty() && !out.ends_with('\n') && !text[end..].starts_with(['\n', '\r']) {
                    out.push('\n');
                }
            }
            Place::Cell if !out.is_empty() && !out.ends_with([' ', '\n']) && !text[end..].starts_with([' ', '\n']) => {
                out.push(' ')
            }
            _ => {}
        }
        (copied, from) = (end, end);
    }
    if copied == 0 {
        return None;
    }
    // Line ends and spaces that tags made part nothing at the end.
    let rest = &text[copied..];
    if rest.is_empty() {
        out.truncate(out.trim_end_matches(['\n', ' ']).len());
    }
    out.push_str(rest);
    Some(out)
}

/// Where the closing tag of a script or style ends.
fn close_of(text: &str, from: usize, name: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    for at in memchr::memmem::find_iter(&bytes[from..], b"</") {
        let start = from + at + 2;
        if text.get(start..start + name.len()).is_some_and(|close| close.eq_ignore_ascii_case(name)) {
            return memchr::memchr(b'>', &bytes[start..]).map(|end| start + end + 1);
        }
    }
    None
}

/// Which names of one letter a text closes.
struct Closings([bool; 26]);

impl Closings {
    fn any(&self, name: &str) -> bool {
        let letter = name.as_bytes()[0].to_ascii_lowercase();
        letter.is_ascii_lowercase() && self.0[usize::from(letter - b'a')]
    }
}

fn closings(text: &str) -> Closings {
    let mut found = [false; 26];
    for at in memchr::memmem::find_iter(text.as_bytes(), b"</") {
        if let [letter, b'>', ..] = text.as_bytes()[at + 2..]
            && letter.is_ascii_alphabetic()
        {
            found[usize::from(letter.to_ascii_lowercase() - b'a')] = true;
        }
    }
    Closings(found)
}

/// What names of entities stand for.
fn entity(name: &str) -> Option<&'static str> {
    Some(match name {
        "nbsp" | "ensp" | "emsp" | "thinsp" => " ",
        "amp" | "AMP" => "&",
        "lt" | "LT" => "<",
        "gt" | "GT" => ">",
        "quot" | "QUOT" => "\"",
        "apos" => "'",
        "shy" | "zwnj" | "zwj" | "lrm" | "rlm" => "",
        "hellip" => "…",
        "mdash" => "—",
        "ndash" => "–",
        "lsquo" => "‘",
        "rsquo" => "’",
        "sbquo" => "‚",
        "ldquo" => "“",
        "rdquo" => "”",
        "bdquo" => "„",
        "laquo" => "«",
        "raquo" => "»",
        "lsaquo" => "‹",
        "rsaquo" => "›",
        "middot" => "·",
        "bull" => "•",
        "copy" => "©",
        "reg" => "®",
        "trade" => "™",
        "deg" => "°",
        "times" => "×",
        "divide" => "÷",
        "plusmn" => "±",
        "frac12" => "½",
        "frac14" => "¼",
        "frac34" => "¾",
        "sup2" => "²",
        "sup3" => "³",
        "micro" => "µ",
        "para" => "¶",
        "sect" => "§",
        "euro" => "€",
        "pound" => "£",
        "yen" => "¥",
        "cent" => "¢",
        "dagger" => "†",
        "larr" => "←",
        "rarr" => "→",
        "uarr" => "↑",
        "darr" => "↓",
        "hearts" => "♥",
        "iexcl" => "¡",
        "iquest" => "¿",
        "agrave" => "à",
        "aacute" => "á",
        "acirc" => "â",
        "atilde" => "ã",
        "auml" => "ä",
        "aring" => "å",
        "aelig" => "æ",
        "ccedil" => "ç",
        "egrave" => "è",
        "eacute" => "é",
        "ecirc" => "ê",
        "euml" => "ë",
        "igrave" => "ì",
        "iacute" => "í",
        "icirc" => "î",
        "iuml" => "ï",
        "ntilde" => "ñ",
        "ograve" => "ò",
        "oacute" => "ó",
        "ocirc" => "ô",
        "otilde" => "õ",
        "ouml" => "ö",
        "oslash" => "ø",
        "ugrave" => "ù",
        "uacute" => "ú",
        "ucirc" => "û",
        "uuml" => "ü",
        "szlig" => "ß",
        "Agrave" => "À",
        "Aacute" => "Á",
        "Auml" => "Ä",
        "Aring" => "Å",
        "Ccedil" => "Ç",
        "Eacute" => "É",
        "Ntilde" => "Ñ",
        "Oacute" => "Ó",
        "Ouml" => "Ö",
        "Uuml" => "Ü",
        _ => return None,
    })
}

fn without_entities(text: &str, entities: &mut u32) -> Option<String> {
    let bytes = text.as_bytes();
    let wide = memchr::memmem::find(bytes, "＆".as_bytes()).is_some();
    if !wide && memchr::memchr(b'&', bytes).is_none() {
        return None;
    }
    let mut out = String::new();
    let (mut copied, mut from) = (0, 0);
    let mut quoted = Quoted::default();
    let mut visit = |at: usize, length: usize| {
        if at < from {
            return;
        }
        if bytes[at] == b'`' {
            from = quoted.end(text, at);
            return;
        }
        let Some((end, character)) = decoded(text, at + length) else { return };
        out.push_str(&text[copied..at]);
        out.push_str(&character);
        (copied, from) = (end, end);
        *entities += 1;
    };
    if wide {
        text.match_indices(['&', '＆', '`']).for_each(|(at, sign)| visit(at, sign.len()));
    } else {
        memchr::memchr2_iter(b'&', b'`', bytes).for_each(|at| visit(at, 1));
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&text[copied..]);
    Some(out)
}

/// What the entity behind an ampersand at `at` stands for, and where it ends.
fn decoded(text: &str, mut at: usize) -> Option<(usize, Cow<'static, str>)> {
    let semicolon = |at: usize| {
        let rest = &text[at..];
        if rest.starts_with(';') {
            1
        } else if rest.starts_with('；') {
            3
        } else {
            0
        }
    };
    // Escaped again and again: `&amp;amp;lt;`.
    let mut escaped = None;
    while text[at..].starts_with("amp") && semicolon(at + 3) > 0 {
        at += 3 + semicolon(at + 3);
        escaped = Some((at, Cow::Borrowed("&")));
    }
    let bytes = text.as_bytes();
    if bytes.get(at) == Some(&b'#') {
        let hexadecimal = matches!(bytes.get(at + 1), Some(b'x' | b'X'));
        let start = at + 1 + usize::from(hexadecimal);
        let length = bytes[start..].iter().take(8).take_while(|c| c.is_ascii_hexdigit()).count();
        let end = start + length;
        let code = u32::from_str_radix(&text[start..end], if hexadecimal { 16 } else { 10 }).ok();
        let character = code.and_then(char::from_u32).filter(|c| !c.is_control() || matches!(c, '\n' | '\t'));
        return match character {
            Some(c) if semicolon(end) > 0 => {
                let spelled = if c == '\u{a0}' { Cow::Borrowed(" ") } else { Cow::Owned(c.to_string()) };
                Some((end + semicolon(end), spelled))
            }
            _ => escaped,
        };
    }
    let length = bytes[at..].iter().take(10).take_while(|c| c.is_ascii_alphanumeric()).count();
    let name = &text[at..at + length];
    let end = at + length;
    match entity(name) {
        Some(character) if semicolon(end) > 0 => Some((end + semicolon(end), Cow::Borrowed(character))),
        Some(character) if name == "nbsp" => Some((end, Cow::Borrowed(character))),
        _ => escaped,
    }
}

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
        ] {
            assert_eq!(mapped(text), left, "{text}");
        }
        assert_eq!(with("tags = false", "<b>x</b><!-- y -->"), "<b>x</b>");
        assert_eq!(with("comments = false", "<b>x</b><!-- y -->"), "x<!-- y -->");
    }

    #[test]
    fn entities_become_characters() {
        assert_eq!(mapped("a&nbsp;b&amp;c &amp;amp;lt; d &#39;e&#x4e2d; &hellip;&nbsp"), "a b&c < d 'e中 … ");
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
