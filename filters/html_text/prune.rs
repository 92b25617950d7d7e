//! What is never part of an article, taken out of the page before the article is looked for.

use dom_query::Document;

/// Elements that hold no text of the article, whatever the page. (Not `form`: some servers wrap
/// whole pages in one.)
const NEVER: &str = "script,style,noscript,template,svg,iframe,button,select,dialog,nav,[aria-hidden=true],[hidden]";

/// Classes of what stands beside the article rather than in it: captions, credits, other articles.
const BESIDE: &str = "[class*=caption],[class*=credit],[class*=related]";

/// In bytes. Longer ones are more than a caption: some sites write articles under such a class.
const MAX_BESIDE: usize = 300;

/// Removes them.
pub fn before(document: &Document) {
    document.select(NEVER).remove();
    for node in document.select(BESIDE).nodes() {
        if node.text().trim().len() <= MAX_BESIDE {
            node.remove_from_parent();
        }
    }
}
