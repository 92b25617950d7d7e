//! What is never part of an article, taken out of the page before the article is looked for.

use dom_query::Document;

/// Elements that hold no text of the article, whatever the page.
const NEVER: &str =
    "script,style,noscript,template,svg,iframe,button,select,dialog,nav,[aria-hidden=true],[hidden]";

/// Removes them.
pub fn before(document: &Document) {
    document.select(NEVER).remove();
}
