//! Cleans Markdown: link targets, images, badges, comments, and marks where asked for.
//!
//! What a reader of the page does not see goes; what it says stays as it is written. Code, between fences,
//! indented or in a line, is never touched. Where nothing but white space would be left of a line, the line
//! goes too. The text is read by a parser of CommonMark with GitHub's tables, until nothing more is found.
//!
//! Much that is no Markdown can be read as such. So brackets are a link only where their target looks like one
//! (`https://…`, `/…`, `#…`, `a/b`, `a.html`) or no letter, digit or bracket stands before them and their text
//! has a letter: `f[i](x)` and `[&](y)` are code. A definition's target must look like one: `[Ann]: Hello` is
//! speech, and `[Ann]` in such a text stays. Emphasis with a letter or digit of ASCII before its first mark or behind its last is none: `2*3*4`.
//!
//! | setting    | default | source                                                                        |
//! |------------|---------|-------------------------------------------------------------------------------|
//! | `links`    | true    | ours: `[text](target)` becomes `text`; definitions of targets go               |
//! | `images`   | `drop`  | ours: `drop`, `alt` for their description, `keep`                              |
//! | `badges`   | true    | ours: images from the usual services, with the links around them, whatever `images` says |
//! | `comments` | true    | ours: comments of HTML                                                         |
//! | `headings` | false   | ours: whether headings lose their marks                                        |
//! | `emphasis` | false   | ours: whether `*` and `_` around words go                                      |
//! | `tables`   | false   | ours: whether rows become cells with tabs between them                         |

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Document, Mapper, Setup, Step, Verdict, Wrong, kind};

/// Settings of [`Markdown`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether links lose their targets.
    pub links: bool,
    /// What becomes of images.
    pub images: Images,
    /// Whether badges go.
    pub badges: bool,
    /// Whether comments of HTML go.
    pub comments: bool,
    /// Whether headings lose their marks.
    pub headings: bool,
    /// Whether words lose their marks of emphasis.
    pub emphasis: bool,
    /// Whether the rows of tables become cells with tabs between them.
    pub tables: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            links: true,
            images: Images::Drop,
            badges: true,
            comments: true,
            headings: false,
            emphasis: false,
            tables: false,
        }
    }
}

/// What becomes of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Images {
    /// They go.
    Drop,
    /// Their description stays.
    Alt,
    /// They stay.
    Keep,
}

crate::measures! {
    /// What [`Markdown`] measures.
    pub struct Measure {
        /// Links that lost their targets, definitions of targets included.
        links,
        /// Images and badges that went or became their description.
        images,
        /// Comments that went.
        comments,
        /// Headings, emphasised words and rows that lost their marks.
        marks,
    }
}

/// See the words at the top of this file.
pub struct Markdown {
    config: Config,
}

impl Step for Markdown {
    const NAME: &'static str = "markdown";
    const VERSION: u32 = 3;
    const WORDS: &'static str = include_str!("markdown.rs");
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(Markdown { config })
    }
}

/// Most readings of a text: what goes can leave a link behind that was none.
const MAX_ROUNDS: usize = 8;

impl Mapper for Markdown {
    type Measure = Measure;

    fn map(&self, document: &mut Document, measure: &mut Measure) -> Verdict {
        let mut counts = [0_usize; 4];
        let mut text = None::<String>;
        for _ in 0..MAX_ROUNDS {
            match self.clean(text.as_deref().unwrap_or(document.text()), &mut counts) {
                Some(cleaned) => text = Some(cleaned),
                None => break,
            }
        }
        let [links, images, comments, marks] = counts.map(|count| Some(count as f64));
        *measure = Measure { links, images, comments, marks };
        if let Some(text) = text {
            document.set_text(text);
        }
        Verdict::Keep
    }
}

/// A range of the text and what takes its place.
struct Edit {
    range: Range<usize>,
    with: &'static str,
    /// The range is all there is of something: white space around it may go along.
    whole: bool,
}

/// An element that has begun.
struct Open {
    range: Range<usize>,
    what: What,
    /// From the start of its first part to the end of its last.
    inner: Option<Range<usize>>,
    /// Something in it stays.
    stays: bool,
    /// Number of edits when it began: what it holds is edited no more if it goes.
    edits: usize,
}

#[derive(PartialEq)]
enum What {
    Link,
    Image { badge: bool },
    Heading,
    Emphasis,
    Head,
    Row,
    Cell,
    Comment,
    Other,
}

const LINKS: usize = 0;
const IMAGES: usize = 1;
const COMMENTS: usize = 2;
const MARKS: usize = 3;

impl Markdown {
    /// The text without what goes; `None` if nothing does.
    fn clean(&self, text: &str, counts: &mut [usize; 4]) -> Option<String> {
        let parser = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
        let mut edits: Vec<Edit> = Vec::new();
        if self.config.links {
            for (_, definition) in parser.reference_definitions().iter() {
                if !is_target(&definition.dest) {
                    continue;
                }
                counts[LINKS] += 1;
                edits.push(Edit { range: definition.span.clone(), with: "", whole: true });
            }
        }
        let mut open: Vec<Open> = Vec::new();
        for (event, range) in parser.into_offset_iter() {
            match event {
                Event::Start(tag) => {
                    let what = self.what(&tag, text, &range);
                    open.push(Open { range, what, inner: None, stays: false, edits: edits.len() });
                }
                Event::End(tag) => {
                    let Some(closed) = open.pop() else { continue };
                    let whole = closed.range.clone();
                    let stays = self.close(text, closed, &tag, &mut edits, counts);
                    if let Some(outer) = open.last_mut() {
                        outer.stays |= stays;
                        extend(&mut outer.inner, whole);
                    }
                }
                event => {
                    let comment = self.config.comments
                        && matches!(event, Event::InlineHtml(_))
                        && is_comment(&text[range.clone()]);
                    if comment {
                        counts[COMMENTS] += 1;
                        edits.push(Edit { range: range.clone(), with: "", whole: true });
                    }
                    if let Some(outer) = open.last_mut() {
                        let breaks = matches!(event, Event::SoftBreak | Event::HardBreak);
                        outer.stays |= !comment && !breaks && !text[range.clone()].trim().is_empty();
                        extend(&mut outer.inner, range);
                    }
                }
            }
        }
        edits.retain(|edit| edit.range.len() > edit.with.len() || text[edit.range.clone()] != *edit.with);
        if edits.is_empty() { None } else { Some(apply(text, edits)) }
    }

    fn what(&self, tag: &Tag, all: &str, range: &Range<usize>) -> What {
        let text = &all[range.clone()];
        match tag {
            Tag::Link { link_type: LinkType::Autolink | LinkType::Email, .. } => What::Other,
            Tag::Link { link_type, dest_url, .. } if is_link(all, range, *link_type, dest_url) => What::Link,
            Tag::Image { link_type, dest_url, .. } if is_link(all, range, *link_type, dest_url) => {
                What::Image { badge: is_badge(dest_url) }
            }
            Tag::Heading { .. } if self.config.headings => What::Heading,
            Tag::Emphasis | Tag::Strong | Tag::Strikethrough if self.config.emphasis => {
                let before = all[..range.start].ends_with(|c: char| c.is_ascii_alphanumeric());
                let behind = all[range.end..].starts_with(|c: char| c.is_ascii_alphanumeric());
                if before || behind { What::Other } else { What::Emphasis }
            }
            Tag::TableHead if self.config.tables => What::Head,
            Tag::TableRow if self.config.tables => What::Row,
            Tag::TableCell if self.config.tables => What::Cell,
            Tag::HtmlBlock if self.config.comments && is_comment(text) => What::Comment,
            _ => What::Other,
        }
    }

    /// Edits an element that has ended, and tells whether anything of it stays.
    fn close(&self, text: &str, closed: Open, tag: &TagEnd, edits: &mut Vec<Edit>, counts: &mut [usize; 4]) -> bool {
        let Open { range, what, inner, stays, edits: before } = closed;
        let goes = |edits: &mut Vec<Edit>| {
            edits.truncate(before);
            edits.push(Edit { range: range.clone(), with: "", whole: true });
        };
        // Without the marks around what it holds.
        let unwrap = |edits: &mut Vec<Edit>| {
            let Some(inner) = inner.clone() else { return };
            let end = range.start + text[range.clone()].trim_end_matches(['\n', '\r']).len();
            edits.push(Edit { range: range.start..inner.start, with: "", whole: false });
            edits.push(Edit { range: inner.end.min(end)..end, with: "", whole: false });
        };
        match what {
            What::Image { badge } => {
                let alt = self.config.images == Images::Alt && stays;
                if badge && self.config.badges
                    || self.config.images == Images::Drop
                    || self.config.images == Images::Alt && !alt
                {
                    counts[IMAGES] += 1;
                    goes(edits);
                    return false;
                }
                if alt {
                    counts[IMAGES] += 1;
                    unwrap(edits);
                }
                true
            }
            // A link around nothing that stays goes with it.
            What::Link if !stays && edits.len() > before => {
                goes(edits);
                false
            }
            What::Link => {
                if self.config.links {
                    counts[LINKS] += 1;
                    match inner {
                        Some(_) => unwrap(edits),
                        None => goes(edits),
                    }
                }
                stays
            }
            What::Heading | What::Emphasis if inner.is_some() => {
                counts[MARKS] += 1;
                unwrap(edits);
                stays
            }
            What::Comment => {
                counts[COMMENTS] += 1;
                goes(edits);
                false
            }
            What::Head | What::Row => {
                counts[MARKS] += 1;
                self.row(text, &range, *tag == TagEnd::TableHead, edits);
                true
            }
            _ => stays || inner.is_none(),
        }
    }

    /// Puts tabs in the place of a row's bars, and takes the line of dashes behind the first.
    fn row(&self, text: &str, range: &Range<usize>, head: bool, edits: &mut Vec<Edit>) {
        let end = range.start + text[range.clone()].trim_end().len();
        let row = &text[range.start..end];
        let mut bars: Vec<usize> = Vec::new();
        let mut escaped = false;
        for (at, byte) in row.bytes().enumerate() {
            if byte == b'|' && !escaped {
                bars.push(at);
            }
            escaped = byte == b'\\' && !escaped;
        }
        for at in bars {
            let left = row[..at].trim_end().len();
            let right = row.len() - row[at + 1..].trim_start().len();
            let edge = left == 0 || right >= row.len();
            edits.push(Edit {
                range: range.start + left..range.start + right.max(at + 1),
                with: if edge { "" } else { "\t" },
                whole: false,
            });
        }
        if head {
            let line = text[end..].find('\n').map(|length| end + length + 1);
            if let Some(start) = line {
                let length = text[start..].find('\n').map_or(text.len() - start, |length| length + 1);
                if text[start..start + length].contains('-') {
                    edits.push(Edit { range: start..start + length, with: "", whole: false });
                }
            }
        }
    }
}

fn extend(inner: &mut Option<Range<usize>>, part: Range<usize>) {
    *inner = Some(match inner.take() {
        Some(inner) => inner.start.min(part.start)..inner.end.max(part.end),
        None => part,
    });
}

fn is_comment(html: &str) -> bool {
    let html = html.trim();
    html.starts_with("<!--") && html.ends_with("-->")
}

/// Whether what reads as a link or an image is one, and no code or prose with brackets.
fn is_link(text: &str, range: &Range<usize>, kind: LinkType, target: &str) -> bool {
    // What refers to a definition goes where the definition does.
    if kind != LinkType::Inline {
        return is_target(target);
    }
    let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ')' | ']');
    if text[..range.start].ends_with(of_name) {
        return is_address(target);
    }
    let label = text[range.clone()].split("](").next().unwrap_or_default();
    is_target(target) || !target.is_empty() && label.contains(char::is_alphanumeric)
}

/// Whether a target leads somewhere by its form alone.
fn is_address(target: &str) -> bool {
    target.contains("://")
        || target.starts_with(['/', '#'])
        || ["mailto:", "www."].iter().any(|start| target.starts_with(start))
}

/// Whether a target looks like one: an address, a path, a file.
fn is_target(target: &str) -> bool {
    let file = target.rsplit_once('.').is_some_and(|(name, ending)| {
        !name.is_empty() && (1..=5).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphabetic())
    });
    is_address(target) || target.contains('/') || file
}

/// Whether an image comes from where badges come from.
fn is_badge(target: &str) -> bool {
    const SERVICES: [&str; 12] = [
        "img.shields.io",
        "badge.fury.io",
        "badgen.net",
        "travis-ci.",
        "circleci.com",
        "ci.appveyor.com",
        "codecov.io",
        "coveralls.io",
        "readthedocs.org/projects",
        "badges.gitter.im",
        "api.codacy.com",
        "goreportcard.com",
    ];
    SERVICES.iter().any(|service| target.contains(service))
        || target.contains("/badge") && target.contains('.')
        || target.contains("badge.svg")
}

/// The text with its edits made. Where edits meet, the first to begin and the longest comes first, and the
/// others count for what is left of them.
fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| (edit.range.start, std::cmp::Reverse(edit.range.end)));
    // Whole things on one line with nothing but spaces between them are one.
    let mut merged: Vec<Edit> = Vec::with_capacity(edits.len());
    for edit in edits {
        match merged.last_mut() {
            Some(last) if edit.range.end <= last.range.end => {}
            Some(last)
                if last.whole
                    && edit.whole
                    && text
                        .get(last.range.end..edit.range.start)
                        .is_none_or(|gap| gap.trim_matches([' ', '\t']).is_empty()) =>
            {
                last.range.end = edit.range.end;
            }
            Some(last) if edit.range.start < last.range.end => {
                let start = last.range.end;
                merged.push(Edit { range: start..edit.range.end, ..edit });
            }
            _ => merged.push(edit),
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for Edit { range, with, whole } in merged {
        let (mut start, mut end) = (range.start.max(from), range.end.max(from));
        if whole {
            let before = text[..start].trim_end_matches([' ', '\t']);
            let after = text[end..].trim_start_matches([' ', '\t', '\r']);
            let fills_line = (before.is_empty() || before.ends_with('\n'))
                && (after.is_empty() || after.starts_with('\n') || text[..end].ends_with('\n'));
            if fills_line && before.len() >= from {
                start = before.len();
                if !text[..end].ends_with('\n') {
                    end = text.len() - after.len() + usize::from(after.starts_with('\n'));
                }
            } else if start > from && text[..start].ends_with(' ') && text[end..].starts_with(' ') {
                end += 1;
            }
        }
        out.push_str(&text[from..start]);
        out.push_str(with);
        from = end;
    }
    out.push_str(&text[from..]);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mapped(settings: &str, text: &str) -> (String, Measure) {
        let mut document = Document::new("", text);
        let mut measure = Measure::default();
        let step = Markdown::new(toml::from_str(settings).unwrap(), &mut Setup::default()).unwrap();
        assert_eq!(step.map(&mut document, &mut measure), Verdict::Keep);
        (document.text().to_owned(), measure)
    }

    const PAGE: &str = "\
# 标题 [link](http://a.b)

[![build](https://travis-ci.org/x.svg)](https://travis-ci.org/x) ![v](https://img.shields.io/v.svg)

See [the *manual*](https://a.b/manual \"title\"), [more][1] and ![a picture](p.png) too. <!-- hidden -->

<!--
long
-->

| a | b |
|---|:-:|
| `x` | [y](z) |

```md
[kept](as) <!-- is -->
```

[1]: https://a.b/1
End with **bold** and <https://auto.link>.
";

    #[test]
    fn what_a_reader_does_not_see_goes() {
        let (text, measure) = mapped("", PAGE);
        assert_eq!(
            text,
            "# 标题 link\n\n\nSee the *manual*, more and too. \n\n\n| a | b |\n|---|:-:|\n| `x` | y |\n\n```md\n[kept](as) <!-- is -->\n```\n\nEnd with **bold** and <https://auto.link>.\n"
        );
        assert_eq!(measure, Measure { links: Some(5.0), images: Some(3.0), comments: Some(2.0), marks: Some(0.0) });
    }

    #[test]
    fn each_setting_changes_its_own() {
        for (settings, text, expected) in [
            ("links = false", "[a](b) and [c][d]\n\n[d]: e", "[a](b) and [c][d]\n\n[d]: e"),
            ("images = \"alt\"", "an ![image *of* it](p.png) here", "an image *of* it here"),
            ("images = \"keep\"", "an ![image](p.png), ![b](https://img.shields.io/x)", "an ![image](p.png), "),
            ("images = \"keep\"\nbadges = false", "![b](https://img.shields.io/x)", "![b](https://img.shields.io/x)"),
            ("comments = false", "a <!-- b --> c", "a <!-- b --> c"),
            ("headings = true", "## One ##\n\nTwo\n===\n\ntext", "One\n\nTwo\n\ntext"),
            ("emphasis = true", "**a** _b_ ~~c~~ 2 * 3 * 4", "a b c 2 * 3 * 4"),
            ("tables = true", "| a | b |\n|---|---|\n| 1 | 2 \\| 3 |\n\nx", "a\tb\n1\t2 \\| 3\n\nx"),
            ("", "plain text, no marks [at] all * 2", "plain text, no marks [at] all * 2"),
            ("", "", ""),
        ] {
            assert_eq!(mapped(settings, text).0, expected, "{settings}");
        }
    }

    #[test]
    fn what_is_no_markdown_stays() {
        for text in [
            "handlers[i](event); table[key](a, b)",
            "let f = [&](y) + [](x) + matrix[0](1)",
            "[Ann]: Hello\n[Bob]: Hi.\n[Ann]: 你好",
            "[12:30]: lunch",
            "[Ann]: Hello\n[Bob]: Hi.\n\nThen [Ann] left, [he][Bob] did not, ![Ann] and [Bob][] saw it.",
            "2*3*4 and x*y*z, a_b_c, H~2~O",
            "f(*args, **kwargs) and 5 * 3 * 2",
            "#hashtag and #2",
            "He said [sic] and [1] (see below)",
        ] {
            assert_eq!(mapped("headings = true\nemphasis = true\ntables = true", text).0, text);
        }
        assert_eq!(mapped("", "词[链接](b)，word[link](https://a.b)s").0, "词链接，wordlinks");
        assert_eq!(mapped("", "[a] and [b][c]\n\n[a]: /x\n[c]: d.html").0, "a and b\n\n");
        assert_eq!(
            mapped("", "list[a], ![b][c] and [x][]\n\n[a]: d.html\n[c]: e/f.png\n[x]: Hi").0,
            "lista, and [x][]\n\n[x]: Hi"
        );
        assert_eq!(mapped("emphasis = true", "这是*重点*内容，**都**是").0, "这是重点内容，都是");
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for text in
            ["[", "![", "[a](b) ", "*a", "<!-- ", "|a|\n|-|\n", "> ", "[a]: b\n", "`", "- ", "[![](x)](y)", "**a**"]
        {
            mapped("headings = true\nemphasis = true\ntables = true", &text.repeat(20_000));
        }
        assert!(started.elapsed().as_secs() < 40, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(\\[|\\]|\\(|\\)|!|<!--|-->|a|中| |\n|\\*|_|`|#|\\||---|https://img.shields.io|: |\\\\|>|\\PC){0,60}", settings in "(images = \"(keep|alt|drop)\"\n)?(headings = true\n)?(emphasis = true\n)?(tables = true\n)?") {
            mapped(&settings, &text);
        }

        #[test]
        fn a_second_time_changes_nothing(parts in prop::collection::vec("[a-z]{1,5}( [a-z]{1,5}){0,3}|\\[[a-z]{1,4}\\]\\([a-z/.]{1,6}\\)|!\\[[a-z]{0,4}\\]\\([a-z/.]{1,6}\\)|<!-- [a-z]{1,4} -->|# [a-z]{1,5}|\n|\n\n|中文", 0..20)) {
            let once = mapped("", &parts.join(" ")).0;
            prop_assert_eq!(&mapped("", &once).0, &once);
        }

        #[test]
        fn code_is_verbatim(code in "[a-z\\[\\]()!<> -]{0,40}") {
            let text = format!("[x](y)\n\n```\n{code}\n```\n");
            prop_assert_eq!(mapped("", &text).0, format!("x\n\n```\n{code}\n```\n"));
        }
    }
}
