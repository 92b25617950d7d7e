//! What is done to a page before the article is looked for: what is never part of one goes, and what
//! would mislead Readability is put plainly.

use std::collections::{HashMap, HashSet};

use dom_query::{Document, NodeData, NodeId, NodeRef};

/// In bytes. A caption, a credit or a line on other articles is no longer: some sites write articles
/// under such a class.
const MAX_BESIDE: usize = 300;

/// Does all of it.
pub fn before(document: &Document) {
    let elements: Vec<NodeRef> = document.root().descendants_it().filter(NodeRef::is_element).collect();
    // What is within comes first, so that a script does not make a caption long.
    for node in elements.iter().rev() {
        if is_never_text(node) || is_handle(node) || (stands_beside(node) && node.text().trim().len() <= MAX_BESIDE) {
            node.remove_from_parent();
        }
    }
    let found = Found::new(document);
    found.unknown.iter().for_each(|node| node.rename("span"));
    drop_side_columns(&found.inner_tables);
    keep_boxes(&found.boxes);
    unlink(found.links, &found.words);
}

/// Elements that hold no text of the article, whatever the page. (Not `form`: some servers wrap
/// whole pages in one.)
fn is_never_text(node: &NodeRef) -> bool {
    let Some(element) = node.element_ref() else { return false };
    matches!(
        &*element.name.local,
        "script"
            | "style"
            | "noscript"
            | "template"
            | "svg"
            | "iframe"
            | "button"
            | "select"
            | "dialog"
            | "nav"
            | "rp"
            | "rt" // readings of ideographs, which stand above them on the page
    ) || element.has_attr("hidden")
        || element.has_class("modal")
        || element.attr("aria-hidden").is_some_and(|value| &*value == "true")
}

/// Things to click at that stand in headings and sentences: signs that link to the place itself, links
/// to edit a section, marks of footnotes of MediaWiki.
fn is_handle(node: &NodeRef) -> bool {
    const CLASSES: [&str; 3] = ["mw-editsection", "headerlink", "anchorjs-link"];
    let sign = || node.has_name("a") && matches!(node.text().trim(), "#" | "¶" | "§");
    let footnote = || node.has_name("sup") && node.has_class("reference");
    CLASSES.iter().any(|class| node.has_class(class)) || sign() || footnote()
}

/// Classes of what stands beside the article rather than in it: captions, credits, other articles.
fn stands_beside(node: &NodeRef) -> bool {
    node.class().is_some_and(|class| ["caption", "credit", "related"].iter().any(|name| class.contains(name)))
}

/// What is looked at more closely, found in one pass: a selector for each would cost a pass each.
#[derive(Default)]
struct Found<'a> {
    links: Vec<NodeRef<'a>>,
    /// Inline elements that Readability does not know; it would break the line at each.
    unknown: Vec<NodeRef<'a>>,
    /// Parts of a sentence that have a class.
    words: Vec<NodeRef<'a>>,
    /// What calls itself an aside or a sidebar.
    boxes: Vec<NodeRef<'a>>,
    /// Tables in the cells of others.
    inner_tables: Vec<NodeRef<'a>>,
}

impl<'a> Found<'a> {
    fn new(document: &'a Document) -> Found<'a> {
        let mut found = Found::default();
        for node in document.root().descendants_it() {
            let Some(name) = node.qual_name_ref().map(|name| name.local.clone()) else { continue };
            match &*name {
                "a" => found.links.push(node),
                "acronym" | "big" | "nobr" | "s" | "strike" | "tt" | "u" => found.unknown.push(node),
                "span" | "code" | "kbd" if node.has_attr("class") => found.words.push(node),
                "table" if node.ancestors_it(None).any(|parent| parent.has_name("td")) => found.inner_tables.push(node),
                "aside" => found.boxes.push(node),
                _ if node.class().is_some_and(|class| class.contains("sidebar")) => found.boxes.push(node),
                _ => {}
            }
        }
        found
    }
}

/// In letters outside its links. A cell with fewer is not the column of the text.
const MIN_COLUMN: usize = 300;

/// Drops the columns of links from pages that are laid out as a table: one with tables in its cells.
fn drop_side_columns(inner_tables: &[NodeRef]) {
    let mut rows: Vec<NodeRef> = Vec::new();
    let mut seen = HashSet::new();
    for table in inner_tables {
        rows.extend(table.ancestors_it(None).filter(|node| node.has_name("tr") && seen.insert(node.id)));
    }
    for row in rows {
        let cells: Vec<(NodeRef, Letters)> =
            row.element_children().into_iter().map(|cell| (cell, Letters::of(&cell))).collect();
        let is_text = |letters: &Letters| letters.plain >= MIN_COLUMN && letters.plain >= 2 * letters.linked;
        if cells.iter().any(|(_, letters)| is_text(letters)) {
            for (cell, letters) in cells {
                if letters.linked > letters.plain {
                    cell.remove_from_parent();
                }
            }
        }
    }
}

/// Makes ordinary blocks of the boxes that stand among the paragraphs of a text: an example, a
/// definition, a warning. Readability drops them for their name, which they share with the bars at
/// the sides of a page; those stand beside the text and hold links.
fn keep_boxes(boxes: &[NodeRef]) {
    let mut holds_text = HashMap::new();
    for node in boxes {
        let Some(parent) = node.parent() else { continue };
        if !*holds_text.entry(parent.id).or_insert_with(|| is_text(&parent)) {
            continue;
        }
        let letters = Letters::of(node);
        if letters.plain >= MIN_PROSE && letters.plain >= 4 * letters.linked {
            node.rename("div");
            node.remove_all_attrs();
        }
    }
}

/// Whether an element is the text of an article or a section: paragraphs, or one and sections.
fn is_text(node: &NodeRef) -> bool {
    let children = node.element_children();
    let mut sections = children.iter().filter(|child| child.has_name("div") || child.has_name("section"));
    match children.iter().filter(|child| is_prose(child)).take(2).count() {
        0 => false,
        1 => sections.any(has_heading),
        _ => true,
    }
}

/// Makes plain text of what is a link in markup only. Readability takes a block with many links for
/// navigation, and these are none.
///
/// A place to jump to has no address. XHTML's `<a id="x"/>`, read as HTML, stays open until its
/// block ends, and the heading or paragraph in it would count as a link. An address written out is
/// there to be read. And a link within a sentence belongs to the sentence, however many there are:
/// manuals and encyclopaedias link every other word.
fn unlink(links: Vec<NodeRef>, words: &[NodeRef]) {
    /// What a place to jump to has; one with more may be a button.
    const TARGET: [&str; 5] = ["id", "name", "class", "title", "xmlns"];
    let plain = |link: &NodeRef| {
        link.rename("span");
        link.remove_all_attrs();
    };
    let (links, targets): (Vec<NodeRef>, Vec<NodeRef>) = links
        .into_iter()
        .partition(|link| link.attrs().iter().any(|attribute| !TARGET.contains(&&*attribute.name.local)));
    targets.iter().for_each(plain);
    let (addresses, links): (Vec<NodeRef>, Vec<NodeRef>) =
        links.into_iter().partition(|link| link.text().trim_start().starts_with("http"));
    addresses.iter().for_each(plain);
    let mut sentences = Sentences::default();
    for link in links {
        if sentences.hold(&link) {
            plain(&link);
        }
    }
    // The name of a word in a sentence says nothing of the sentence's place: `menu`, `comment`.
    for word in words {
        if sentences.hold(word) {
            word.remove_attr("class");
        }
    }
}

/// Which blocks of a page are sentences below a heading. (Without one they are often the small print
/// at an article's end.)
#[derive(Default)]
struct Sentences {
    blocks: HashMap<NodeId, bool>,
    sections: HashMap<NodeId, bool>,
}

impl Sentences {
    /// Whether an inline element is part of a sentence.
    fn hold(&mut self, node: &NodeRef) -> bool {
        const SECTIONS: [&str; 6] = ["div", "section", "article", "main", "td", "body"];
        let Some(block) = node.ancestors_it(None).find(|parent| !is_inline(parent)) else { return false };
        *self.blocks.entry(block.id).or_insert_with(|| {
            let section = block.ancestors_it(None).find(|parent| SECTIONS.iter().any(|name| parent.has_name(name)));
            let mut has_heading =
                |section: NodeRef| *self.sections.entry(section.id).or_insert_with(|| has_heading(&section));
            is_prose(&block) && section.is_some_and(&mut has_heading)
        })
    }
}

/// Whether there is a heading below an element.
pub fn has_heading(node: &NodeRef) -> bool {
    node.descendants_it().any(|node| {
        node.qual_name_ref().is_some_and(|name| matches!(&*name.local, "h1" | "h2" | "h3" | "h4" | "h5" | "h6"))
    })
}

/// Letters outside its links that make a block a sentence rather than a menu or a line of credits.
const MIN_PROSE: usize = 40;

/// Whether a block is mostly text that is no link.
fn is_prose(block: &NodeRef) -> bool {
    let letters = Letters::on_line(block);
    letters.plain >= MIN_PROSE && letters.plain >= letters.linked
}

/// The letters of a text that are no links, and those that are.
#[derive(Debug, Default, Clone, Copy)]
pub struct Letters {
    pub plain: usize,
    pub linked: usize,
}

impl Letters {
    /// Of all the text within.
    pub fn of(node: &NodeRef) -> Letters {
        let mut letters = Letters::default();
        letters.count(node, false, true);
        letters
    }

    /// Of the text that stands in the block itself, without the blocks within it.
    fn on_line(block: &NodeRef) -> Letters {
        let mut letters = Letters::default();
        letters.count(block, false, false);
        letters
    }

    fn count(&mut self, node: &NodeRef, linked: bool, deep: bool) {
        for child in node.children_it(false) {
            if child.is_text() {
                let count = child.query_or(0, |node| match &node.data {
                    NodeData::Text { contents } => contents.chars().map(letters).sum(),
                    _ => 0,
                });
                *if linked { &mut self.linked } else { &mut self.plain } += count;
            } else if deep || is_inline(&child) {
                self.count(&child, linked || child.has_name("a"), deep);
            }
        }
    }
}

/// How many letters a character is worth: one of Chinese, Japanese or Korean says as much as a few
/// of an alphabet.
fn letters(c: char) -> usize {
    match c {
        '\u{3041}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => 3,
        _ => usize::from(c.is_alphanumeric()),
    }
}

fn is_inline(node: &NodeRef) -> bool {
    node.qual_name_ref().is_some_and(|name| {
        matches!(
            &*name.local,
            "a" | "abbr"
                | "b"
                | "bdi"
                | "bdo"
                | "cite"
                | "code"
                | "del"
                | "dfn"
                | "em"
                | "font"
                | "i"
                | "ins"
                | "kbd"
                | "mark"
                | "q"
                | "samp"
                | "small"
                | "span"
                | "strong"
                | "sub"
                | "sup"
                | "var"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pruned(html: &str) -> String {
        let document = Document::from(html);
        before(&document);
        document.select("body").inner_html().to_string()
    }

    #[test]
    fn targets_addresses_and_links_in_sentences_are_text() {
        assert_eq!(pruned("<h2><a id=\"x\"/>一</h2>"), "<h2><span>一</span></h2>");
        assert_eq!(pruned("<p><a href=\"/x\">https://x.org/</a></p>"), "<p><span>https://x.org/</span></p>");
        let sentence = "河川<a href=\"/mountain\">从山中</a>流出，穿过田野、城镇和沼泽，最后流入大海。";
        assert_eq!(pruned(&format!("<h2>河</h2><p>{sentence}</p>")).matches("<a ").count(), 0);
        assert_eq!(pruned(&format!("<p>{sentence}</p>")).matches("<a ").count(), 1, "without a heading");
        let menu =
            "<h2>河</h2><p><a href=\"/1\">河川从山中流出</a> | <a href=\"/2\">穿过田野城镇和沼泽最后流入大海</a></p>";
        assert_eq!(pruned(menu), menu);
        let button = "<a id=\"x\" onclick=\"y()\">z</a>";
        assert_eq!(pruned(button), button);
    }

    #[test]
    fn boxes_among_paragraphs_are_kept_and_bars_at_the_side_are_not_touched() {
        let text = "<p>The river rises in the hills, far from the sea, and takes a long way.</p>";
        let aside = "<aside class=\"sidebar\">A river is a natural stream of water that flows to the sea.</aside>";
        assert!(pruned(&format!("{text}{aside}{text}")).contains("<div>A river"));
        assert!(pruned(&format!("<div>{text}{text}</div>{aside}")).contains(aside));
        let links = "<aside><a href=\"/1\">Read more about the longest rivers of the world</a></aside>";
        assert!(pruned(&format!("{text}{links}{text}")).contains(links));
    }

    #[test]
    fn columns_of_links_beside_a_column_of_text_are_dropped() {
        let text = "河川从山中流出，穿过田野、城镇和沼泽。".repeat(10);
        let page = format!(
            "<table><tr><td>{text}<table><tr><td>一</td></tr></table></td><td>今天<a href=\"/\">别的河流的故事</a></td></tr></table>"
        );
        let found = pruned(&page);
        assert!(found.contains("河川") && found.contains('一') && !found.contains("今天"), "{found}");
        let data = "<table><tbody><tr><td>河</td><td><a href=\"/\">河流的故事</a></td></tr></tbody></table>";
        assert_eq!(pruned(data), data);
    }
}
