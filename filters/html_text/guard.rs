//! What is decided about a page before it becomes a tree.

/// Whether there is anything that looks like a tag.
pub fn has_tags(html: &str) -> bool {
    let bytes = html.as_bytes();
    memchr::memchr_iter(b'<', bytes)
        .any(|at| bytes.get(at + 1).is_some_and(|next| next.is_ascii_alphabetic() || b"/!?".contains(next)))
}

/// Deeper pages are no pages: real ones stay below a hundred.
const MAX_DEPTH: usize = 400;
/// More tags than any page for people has.
const MAX_TAGS: usize = 400_000;

/// Whether the page would cost far more than its size: nested very deep, or nothing but tags. The
/// depth is estimated from tags that open and close, without knowing which may be left open.
pub fn is_absurd(html: &str) -> bool {
    let bytes = html.as_bytes();
    let (mut depth, mut tags) = (0_usize, 0_usize);
    for at in memchr::memchr_iter(b'<', bytes) {
        let rest = &bytes[at + 1..];
        match rest.first() {
            Some(b'/') => depth = depth.saturating_sub(1),
            Some(byte) if byte.is_ascii_alphabetic() => {
                tags += 1;
                if !stands_alone(rest) {
                    depth += 1;
                }
            }
            _ => {}
        }
        if depth > MAX_DEPTH || tags > MAX_TAGS {
            return true;
        }
    }
    false
}

/// Elements that hold nothing, or whose end people leave out.
fn stands_alone(tag: &[u8]) -> bool {
    const ALONE: [&str; 24] = [
        "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p",
        "param", "path", "rect", "source", "td", "th", "tr", "track", "wbr",
    ];
    let end = tag.iter().take(8).position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(tag.len().min(8));
    ALONE.iter().any(|name| tag[..end].eq_ignore_ascii_case(name.as_bytes()))
}
