//! From markup to a tree, unless the page would cost far more than its size.
//!
//! What a tag does to the tree depends on all tags before it: an end tag may close nothing, and elements
//! such as `<font>` that are left open are opened again in every paragraph. Hence the parser is fed by
//! the piece, and the tree itself is looked at in between.

use dom_query::{Document, NodeRef};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{ParseOpts, parse_document};

/// Whether there is anything that looks like a tag.
pub fn has_tags(html: &str) -> bool {
    let bytes = html.as_bytes();
    memchr::memchr_iter(b'<', bytes)
        .any(|at| bytes.get(at + 1).is_some_and(|next| next.is_ascii_alphabetic() || b"/!?".contains(next)))
}

/// Deeper pages are no pages: real ones stay below a hundred. Much code that walks a tree calls itself
/// for each level.
const MAX_DEPTH: usize = 400;
/// Elements, texts and mistakes in the markup: more than any page for people has.
const MAX_NODES: usize = 800_000;
/// In bytes. What a piece can add to the tree is bounded by its size times that of the tree so far.
const PIECE: u32 = 4096;

/// The page as a tree; none if it is nested very deep or comes to more nodes than a page has.
pub fn parse(html: &str) -> Option<Document> {
    let tree_builder = TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() };
    let mut parser = parse_document(Document::default(), ParseOpts { tree_builder, ..ParseOpts::default() });
    let mut rest = StrTendril::from(html);
    while rest.len32() > PIECE {
        let mut end = PIECE;
        while !html.is_char_boundary(html.len() - (rest.len32() - end) as usize) {
            end += 1;
        }
        parser.process(rest.subtendril(0, end));
        rest.pop_front(end);
        let document = &parser.tokenizer.sink.sink;
        // What is open now is last in what holds it.
        let open = std::iter::successors(Some(document.root()), NodeRef::last_child).take(MAX_DEPTH + 1).count();
        if open > MAX_DEPTH || document.tree.len() + document.errors.borrow().len() > MAX_NODES {
            return None;
        }
    }
    let document = parser.one(rest);
    (!is_deep(&document)).then_some(document)
}

/// Whether any node is nested too deep.
fn is_deep(document: &Document) -> bool {
    let (mut node, mut depth) = (document.root(), 0);
    loop {
        if let Some(child) = node.first_child() {
            depth += 1;
            if depth > MAX_DEPTH {
                return true;
            }
            node = child;
            continue;
        }
        node = loop {
            if let Some(next) = node.next_sibling() {
                break next;
            }
            let Some(parent) = node.parent() else { return false };
            depth -= 1;
            node = parent;
        };
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::gold;
    use super::*;

    #[test]
    fn what_costs_more_than_its_size_is_refused() {
        let fonts: String = (0..399).map(|color| format!("<font color={color}>")).collect();
        for html in [
            "<div>".repeat(1_000_000),
            format!("<p>{fonts}x{}", "<p>x".repeat(300_000)),
            "<span></x>".repeat(150_000),
            "<span><div></span></div>".repeat(50_000),
            "<div><span></div><b></span>".repeat(50_000),
            // Opened and closed within a piece, and again in the next one.
            format!("<p>{fonts}</p><!--{}-->", " ".repeat(4_000)).replace("color=", "face=")
                + &"<p>x</p>".repeat(300_000),
            (0..300).map(|n| format!("<p>{}x</p><br>", format!("<font size={n}>").repeat(3))).collect(),
            "<svg><g>".repeat(10_000),
            "x</p>".repeat(1_000_000),
            "</x>".repeat(1_000_000),
        ] {
            assert!(parse(&html).is_none(), "{}", &html[..html.len().min(60)]);
        }
    }

    #[test]
    fn pages_are_none_of_it_and_the_same_tree_as_if_parsed_at_once() {
        for row in gold::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/gold-cjk.jsonl.zst")) {
            let whole = Document::from(row.html.as_str());
            assert_eq!(parse(&row.html).unwrap().html(), whole.html(), "{}", row.id);
        }
        let deep = |depth: usize| "<b class=x>y<i>".repeat(depth / 2) + &"<p>文字\r\n&amp;&nope".repeat(3_000);
        assert_eq!(parse(&deep(200)).unwrap().html(), Document::from(deep(200)).html());
        assert!(parse(&deep(400)).is_none());
    }
}
