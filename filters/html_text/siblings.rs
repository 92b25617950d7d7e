//! What stands beside the parts of an article and belongs to it.
//!
//! Readability joins the neighbours of the best part by rules for articles in English: long
//! paragraphs, or sentences that end in a full stop. The introduction of a chapter in sections, in
//! Chinese above all, is neither.

use dom_query::{Document, NodeId, NodeRef};

use super::prune::{Letters, has_heading};

/// Fewest letters of a neighbour that belongs to the article.
const MIN_LETTERS: usize = 40;

/// The article in a document that Readability has been through, with the texts between and before
/// its parts; none if it has no parts.
pub fn joined(document: &Document) -> Option<String> {
    let found = document.select_single("#readability-page-1");
    let article = found.nodes().first()?;
    let parts = article.element_children();
    let sections = parts.iter().filter(|part| has_heading(part)).count();
    if sections < 2 {
        return None;
    }
    let mut parts: Vec<(NodeId, NodeRef)> = parts.into_iter().map(|part| (place(&part), part)).collect();
    let last = parts.iter().map(|(place, _)| *place).max()?;
    let count = parts.len();
    for neighbour in article.parent()?.element_children() {
        let place = place(&neighbour);
        if neighbour.id != article.id && place < last && belongs(&neighbour) {
            parts.push((place, neighbour));
        }
    }
    if parts.len() == count {
        return None;
    }
    parts.sort_by_key(|(place, _)| *place);
    Some(parts.iter().map(|(_, part)| part.html().to_string()).collect())
}

/// Where an element stood in the page. Identities are given in the page's order, and an element that
/// is made later holds elements of the page.
fn place(node: &NodeRef) -> NodeId {
    node.descendants_it().map(|node| node.id).min().map_or(node.id, |inner| inner.min(node.id))
}

fn belongs(node: &NodeRef) -> bool {
    const KINDS: [&str; 10] = ["p", "div", "section", "ul", "ol", "dl", "table", "pre", "blockquote", "figure"];
    let letters = Letters::of(node);
    KINDS.iter().any(|name| node.has_name(name)) && letters.plain >= MIN_LETTERS && letters.plain >= 4 * letters.linked
}

#[cfg(test)]
mod tests {
    use super::super::extract;

    #[test]
    fn an_introduction_belongs_to_the_sections_below_it() {
        let section = |title: &str| {
            let text = "<p>河川从山中流出，穿过田野、城镇和沼泽，最后流入大海，两岸的人们世世代代依靠它生活。</p>";
            format!("<div><h2>{title}</h2>{}</div>", text.repeat(6))
        };
        let page = format!(
            "<body><div><p>本章介绍河流的形成和它们流经的地方。</p><ul><li><a href=\"/1\">第一节从源头说起</a></li><li><a href=\"/2\">第二节到入海口为止</a></li></ul>{}{}<p>下一章介绍湖泊的形成和它们的周围。</p></div></body>",
            section("源头"),
            section("入海口")
        );
        let text = extract(&page, true).text;
        assert!(text.starts_with("本章介绍"), "{text}");
        assert!(!text.contains("第一节") && !text.contains("下一章"), "{text}");
    }
}
