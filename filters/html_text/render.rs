//! From markup to text, in one pass and without a tree.
//!
//! Knows just enough of HTML to lay text out: which elements begin a line, a paragraph, a list item,
//! a cell. Used on what Readability kept, and on whole pages that it cannot take.

/// What an element does to the lines around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Nothing: the text goes on.
    Inline,
    /// Begins a new line.
    Line,
    /// Stands between empty lines.
    Block,
    List,
    Item,
    Row,
    Cell,
    /// Keeps its white space.
    Verbatim,
    Break,
    /// Stands between spaces: a sign of a formula.
    Sign,
    /// A formula.
    Formula,
    /// Is left out with all it holds.
    Hidden,
}

fn layout(name: &[u8]) -> Layout {
    match name {
        b"p" | b"blockquote" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"dl" | b"table" | b"figure" | b"hr" => {
            Layout::Block
        }
        b"div" | b"section" | b"article" | b"header" | b"footer" | b"main" | b"aside" | b"nav" | b"dt" | b"dd"
        | b"address" | b"figcaption" | b"center" | b"details" | b"summary" | b"fieldset" | b"legend" | b"caption"
        | b"body" | b"html" | b"thead" | b"tbody" | b"tfoot" => Layout::Line,
        b"ul" | b"ol" => Layout::List,
        b"li" => Layout::Item,
        b"tr" => Layout::Row,
        b"td" | b"th" => Layout::Cell,
        b"pre" | b"listing" | b"xmp" => Layout::Verbatim,
        b"br" => Layout::Break,
        b"script" | b"style" | b"noscript" | b"template" | b"svg" | b"head" | b"iframe" | b"select" | b"textarea"
        | b"rp" | b"rt" | b"object" | b"canvas" => Layout::Hidden,
        b"math" => Layout::Formula,
        b"mi" | b"mn" | b"mo" | b"mtext" => Layout::Sign,
        b"annotation" => Layout::Hidden, // the same formula in other words

        _ => Layout::Inline,
    }
}

/// The text of some markup.
pub fn render(html: &str) -> String {
    let mut page = Writer::default();
    // Names of which no end tag is ahead: looking for it again at each start tag would take for ever.
    let mut endless: Vec<[u8; 12]> = Vec::new();
    let mut rest = html;
    while let Some(at) = memchr::memchr(b'<', rest.as_bytes()) {
        page.text(&rest[..at]);
        rest = &rest[at..];
        let tag = rest.as_bytes();
        match tag.get(1) {
            Some(b'!' | b'?') => rest = skip_comment(rest),
            Some(byte) if byte.is_ascii_alphabetic() || *byte == b'/' => {
                let closing = *byte == b'/';
                let start = if closing { 2 } else { 1 };
                let end = tag[start..]
                    .iter()
                    .position(|byte| !byte.is_ascii_alphanumeric())
                    .map_or(tag.len(), |end| start + end);
                let mut name = [0; 12];
                let length = (end - start).min(name.len());
                name[..length].copy_from_slice(&tag[start..start + length]);
                name.make_ascii_lowercase();
                let layout = layout(&name[..length]);
                rest = &rest[tag_end(tag, end)..];
                if layout == Layout::Hidden && !closing {
                    if !endless.contains(&name) {
                        match behind_element(rest, &name[..length]) {
                            Some(behind) => rest = behind,
                            None if matches!(&name[..length], b"script" | b"style") => rest = "",
                            None => endless.push(name),
                        }
                    }
                } else if let Some((tex, behind)) = (layout == Layout::Formula && !closing).then(|| tex(rest)).flatten()
                {
                    page.formula(tex);
                    rest = behind;
                } else {
                    page.tag(layout, closing);
                }
            }
            _ => {
                page.text("<");
                rest = &rest[1..];
            }
        }
    }
    page.text(rest);
    page.finish()
}

/// Behind the `>` that ends a tag; quotes within it are respected.
fn tag_end(tag: &[u8], mut at: usize) -> usize {
    while at < tag.len() {
        match tag[at] {
            b'>' => return at + 1,
            quote @ (b'"' | b'\'') if at > 0 && tag[at - 1] == b'=' => {
                at = memchr::memchr(quote, &tag[at + 1..]).map_or(tag.len(), |end| at + 1 + end + 1);
            }
            _ => at += 1,
        }
    }
    tag.len()
}

fn skip_comment(rest: &str) -> &str {
    let (from, end) = if rest.starts_with("<!--") { (4, "-->") } else { (1, ">") };
    memchr::memmem::find(&rest.as_bytes()[from..], end.as_bytes()).map_or("", |at| &rest[from + at + end.len()..])
}

/// Behind the end of an element whose content is left out; none if it has no end. (Of one whose
/// content cannot be markup, all that is left is content then.)
fn behind_element<'a>(rest: &'a str, name: &[u8]) -> Option<&'a str> {
    for at in memchr::memmem::find_iter(rest.as_bytes(), b"</") {
        let end = &rest.as_bytes()[at + 2..];
        if end.len() >= name.len() && end[..name.len()].eq_ignore_ascii_case(name) {
            let close = memchr::memchr(b'>', end).map_or(end.len(), |close| close + 1);
            return Some(&rest[at + 2 + close..]);
        }
    }
    None
}

/// In bytes. How far ahead the end of a formula is looked for.
const MAX_FORMULA: usize = 16_384;

/// A formula as its author wrote it, in TeX, where the page has it beside the signs; and what stands
/// behind the formula.
fn tex(rest: &str) -> Option<(&str, &str)> {
    let near = &rest.as_bytes()[..rest.len().min(MAX_FORMULA)];
    let (formula, behind) = rest.split_at(memchr::memmem::find(near, b"</math")?);
    let (_, annotation) = formula.split_once("encoding=\"application/x-tex\"")?;
    let (_, source) = annotation.split_once('>')?;
    Some((source.split_once('<')?.0.trim(), behind))
}

/// Lays text out.
#[derive(Default)]
struct Writer {
    out: String,
    /// A break that will be written before the next text.
    pending: Pending,
    verbatim: usize,
    /// Lists that are open.
    lists: usize,
    /// Whether the row has a cell already.
    in_row: bool,
    /// A list item that has begun and has no text yet.
    item: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Pending {
    #[default]
    Nothing,
    Space,
    Cell,
    Line,
    Block,
}

impl Writer {
    fn pend(&mut self, pending: Pending) {
        self.pending = self.pending.max(pending);
    }

    /// A paragraph's border; within a row or a list it is less.
    fn block(&mut self) {
        self.pend(match () {
            () if self.in_row => Pending::Space,
            () if self.item => Pending::Nothing,
            () if self.lists > 0 => Pending::Line,
            () => Pending::Block,
        });
    }

    fn tag(&mut self, layout: Layout, closing: bool) {
        match layout {
            Layout::Inline | Layout::Hidden | Layout::Formula => {}
            Layout::Sign => self.pend(Pending::Space),
            Layout::Line => self.pend(if self.in_row { Pending::Space } else { Pending::Line }),
            Layout::Block => self.block(),
            Layout::List => {
                self.block();
                self.lists = if closing { self.lists.saturating_sub(1) } else { self.lists + 1 };
                if self.lists == 0 {
                    self.block();
                }
            }
            Layout::Item => {
                self.pend(Pending::Line);
                self.item = !closing;
            }
            Layout::Row => {
                self.pend(Pending::Line);
                self.in_row = false;
            }
            Layout::Cell if closing => {}
            Layout::Cell => {
                self.pend(if self.in_row { Pending::Cell } else { Pending::Line });
                self.in_row = true;
            }
            Layout::Verbatim if closing => {
                self.verbatim = self.verbatim.saturating_sub(1);
                self.pend(Pending::Block);
            }
            Layout::Verbatim => {
                self.verbatim += 1;
                self.pend(Pending::Block);
            }
            Layout::Break if self.verbatim > 0 => self.out.push('\n'),
            Layout::Break => self.pend(if self.in_row { Pending::Space } else { Pending::Line }),
        }
    }

    fn formula(&mut self, tex: &str) {
        self.plain("$");
        self.text(tex);
        self.plain("$");
    }

    fn text(&mut self, raw: &str) {
        if raw.is_empty() {
            return;
        }
        let mut rest = raw;
        while let Some(at) = memchr::memchr(b'&', rest.as_bytes()) {
            self.plain(&rest[..at]);
            let (character, length) = entity(&rest[at..]);
            self.plain(character.encode_utf8(&mut [0; 4]));
            rest = &rest[at + length..];
        }
        self.plain(rest);
    }

    /// Text without entities: white space is collapsed, unless it is verbatim.
    fn plain(&mut self, text: &str) {
        if self.verbatim > 0 {
            if text.trim().is_empty() && self.pending >= Pending::Line {
                return; // the line end that most writers put behind <pre>
            }
            // A line end right behind <pre> is not part of it.
            let text = if self.pending >= Pending::Line { text.strip_prefix('\n').unwrap_or(text) } else { text };
            self.flush();
            self.out.push_str(text);
            return;
        }
        let mut words = text.split([' ', '\n', '\t', '\r', '\u{c}', '\u{a0}']);
        if let Some(first) = words.next() {
            self.word(first);
        }
        for word in words {
            self.pend(Pending::Space);
            self.word(word);
        }
    }

    fn word(&mut self, word: &str) {
        if word.is_empty() {
            return;
        }
        self.flush();
        self.out.push_str(word);
    }

    fn flush(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        if !self.out.is_empty() {
            match pending {
                Pending::Nothing => {}
                Pending::Space if self.out.ends_with('\n') => {}
                Pending::Space => self.out.push(' '),
                Pending::Cell => self.out.push_str(" | "),
                Pending::Line | Pending::Block => {
                    self.out.truncate(self.out.trim_end_matches([' ', '\n']).len());
                    self.out.push_str(if pending == Pending::Block { "\n\n" } else { "\n" });
                }
            }
        }
        if std::mem::take(&mut self.item) {
            let indent = "  ".repeat(self.lists.clamp(1, 8) - 1);
            self.out.push_str(&indent);
            self.out.push_str("- ");
        }
    }

    fn finish(mut self) -> String {
        self.out.truncate(self.out.trim_end().len());
        self.out
    }
}

/// The character that an entity stands for, and the entity's length; a `&` that begins none stands
/// for itself.
fn entity(text: &str) -> (char, usize) {
    const NAMED: [(&str, char); 24] = [
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", '\u{a0}'),
        ("ldquo", '“'),
        ("rdquo", '”'),
        ("lsquo", '‘'),
        ("rsquo", '’'),
        ("mdash", '—'),
        ("ndash", '–'),
        ("hellip", '…'),
        ("middot", '·'),
        ("copy", '©'),
        ("reg", '®'),
        ("trade", '™'),
        ("laquo", '«'),
        ("raquo", '»'),
        ("times", '×'),
        ("bull", '•'),
        ("deg", '°'),
        ("eacute", 'é'),
        ("ensp", ' '),
    ];
    let body = &text.as_bytes()[1..text.len().min(12)];
    let Some(end) = body.iter().position(|&byte| byte == b';') else { return ('&', 1) };
    let name = &text[1..1 + end];
    let found = match name.strip_prefix('#') {
        Some(number) => {
            let code = number
                .strip_prefix(['x', 'X'])
                .map_or_else(|| number.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok());
            code.and_then(char::from_u32)
        }
        None => NAMED.iter().find(|(known, _)| *known == name).map(|(_, character)| *character),
    };
    found.map_or(('&', 1), |character| (character, end + 2))
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn white_space_collapses_but_for_code() {
        assert_eq!(render("<p>a \n b<b>c</b> d</p><p>e</p>"), "a bc d\n\ne");
        assert_eq!(render("<pre>\n  a\n   b</pre>"), "  a\n   b");
        assert_eq!(render("a<br>b<br/><br>c"), "a\nb\nc");
    }

    #[test]
    fn lists_and_tables_have_marks() {
        assert_eq!(render("<ul><li><p>a</p></li><li>b<ul><li>c</li></ul></li></ul>x"), "- a\n- b\n  - c\n\nx");
        assert_eq!(render("<table><tr><td>a<br>b</td><td>c</td></tr><tr><td>d</td></tr></table>"), "a b | c\nd");
    }

    #[test]
    fn scripts_comments_and_entities_are_understood() {
        assert_eq!(
            render("a<script>if (1<2) x</script>b<!-- <p>no --> &amp;&lt;&#20320;&#x597d; &nope; &"),
            "ab &<你好 &nope; &"
        );
        assert_eq!(render("<a title=\"x > y\">z</a> 1 < 2"), "z 1 < 2");
    }

    #[test]
    fn elements_that_never_end_take_linear_time() {
        let started = std::time::Instant::now();
        assert_eq!(render(&"<svg>x</x>".repeat(200_000)).len(), 200_000);
        render(&"<svg><canvas></x>".repeat(200_000));
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }

    #[test]
    fn formulas_are_text_and_in_their_authors_words_where_those_are_given() {
        assert_eq!(render("a <math><mi>x</mi><mo>=</mo><mn>1</mn></math> b"), "a x = 1 b");
        assert_eq!(
            render("是<math><mi>x</mi><annotation encoding=\"application/x-tex\">x &lt; y</annotation></math>。"),
            "是$x < y$。"
        );
        assert_eq!(render("<math><mi>x</mi><annotation>y</annotation>z"), "x z");
    }
}
