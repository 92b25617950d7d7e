//! Tags, comments, and the insides of scripts and styles, that extraction has left.

use std::borrow::Cow;
use std::collections::HashSet;

use super::Config;
use crate::kit::Quoted;

/// Names of elements that end a line.
const BLOCKS: [&str; 46] = [
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
    "main",
    "marquee",
    "nav",
    "noscript",
    "ol",
    "option",
    "p",
    "pre",
    "section",
    "select",
    "summary",
    "table",
    "tbody",
    "textarea",
    "tfoot",
    "thead",
    "title",
    "tr",
    "ul",
    "video",
];
/// Names of elements that stand in a line. Those that programs and models name too (`<s>`, `<var>`) are not among them.
const INLINE: [&str; 59] = [
    "a", "abbr", "acronym", "area", "audio", "b", "basefont", "bdi", "bdo", "big", "button", "canvas", "circle",
    "cite", "code", "col", "colgroup", "del", "dfn", "ellipse", "em", "embed", "font", "i", "iframe", "img", "input",
    "ins", "kbd", "label", "link", "mark", "meta", "nobr", "o:p", "object", "param", "path", "picture", "polygon",
    "polyline", "rect", "rp", "rt", "ruby", "samp", "small", "source", "span", "strike", "strong", "sub", "sup", "svg",
    "time", "tt", "u", "w:p", "wbr",
];
/// Names that are words, as `cmd <source> <path>` has them: without attributes they are elements only where the text
/// closes them.
const WORDS: [&str; 53] = [
    "abbr", "acronym", "address", "area", "article", "aside", "audio", "big", "button", "canvas", "caption", "center",
    "circle", "cite", "code", "col", "details", "ellipse", "embed", "figure", "font", "footer", "form", "header",
    "input", "label", "legend", "link", "main", "mark", "marquee", "meta", "object", "option", "param", "path",
    "picture", "polygon", "polyline", "rect", "ruby", "samp", "section", "select", "small", "source", "strike",
    "summary", "table", "textarea", "time", "title", "video",
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
pub(super) const MAX_TAG: usize = 2000;

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

/// The text without its tags; `None` if it has none.
pub(super) fn without_tags(text: &str, config: &Config, tags: &mut u32) -> Option<String> {
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
            let bare = !tag.closes && end == at + tag.name.len() + 2;
            let generic = tag.name.len() == 1 && behind_letter;
            if bare && (generic || is_word(tag.name)) && !closed.get_or_insert_with(|| closings(text)).any(tag.name) {
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

fn is_word(name: &str) -> bool {
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(name))
}

/// Which of the names that may be none a text closes: words, in small letters, and letters.
struct Closings<'a>(HashSet<Cow<'a, str>>);

impl Closings<'_> {
    fn any(&self, name: &str) -> bool {
        self.0.contains(&small(name))
    }
}

fn small(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|c| c.is_ascii_uppercase()) { name.to_ascii_lowercase().into() } else { name.into() }
}

fn closings(text: &str) -> Closings<'_> {
    let mut found = HashSet::new();
    for at in memchr::memmem::find_iter(text.as_bytes(), b"</") {
        let rest = &text[at + 2..];
        let length = rest.bytes().take(12).take_while(u8::is_ascii_alphanumeric).count();
        let name = &rest[..length];
        if rest[length..].starts_with('>') && (length == 1 || is_word(name)) {
            found.insert(small(name));
        }
    }
    Closings(found)
}
