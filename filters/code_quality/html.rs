//! The text of an HTML file that a reader sees, counted as Beautiful Soup with Python's `html.parser`
//! gives it once scripts and styles are gone.

/// Characters outside tags, comments, scripts and styles; a character reference is one character, and so is
/// white space between two tags outside `<pre>`.
pub fn visible_chars(html: &str) -> u64 {
    let bytes = html.as_bytes();
    let mut chars = 0;
    let mut at = 0;
    let mut preserved = false;
    while at < bytes.len() {
        let next = memchr::memchr(b'<', &bytes[at..]).map_or(bytes.len(), |next| at + next);
        chars += count(&html[at..next], preserved);
        at = next;
        if at == bytes.len() {
            break;
        }
        let rest = &html[at..];
        at += match rest.as_bytes().get(1) {
            Some(b'!') if rest.starts_with("<!--") => rest[4..].find("-->").map_or(rest.len(), |end| end + 7),
            Some(b'!' | b'?') => rest.find('>').map_or(rest.len(), |end| end + 1),
            Some(b'/' | b'a'..=b'z' | b'A'..=b'Z') => {
                let tag = tag_end(rest);
                let name = name(rest);
                if name.eq_ignore_ascii_case("pre") || name.eq_ignore_ascii_case("textarea") {
                    preserved = rest.as_bytes()[1] != b'/';
                }
                tag + hidden(rest, tag)
            }
            _ => {
                chars += 1; // a `<` that begins nothing
                1
            }
        };
    }
    chars
}

/// The end of a tag, past quoted values.
fn tag_end(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'>' => return at + 1,
            quote @ (b'"' | b'\'') if bytes[at - 1] == b'=' => {
                let Some(end) = memchr::memchr(quote, &bytes[at + 1..]) else {
                    // A quote that nothing closes: the tag ends at the next `>`.
                    return memchr::memchr(b'>', &bytes[at..]).map_or(rest.len(), |end| at + end + 1);
                };
                at += end + 2;
            }
            _ => at += 1,
        }
    }
    rest.len()
}

fn name(rest: &str) -> &str {
    rest[1..].trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()
}

/// Bytes of what a script or a style holds, up to the tag that closes it.
fn hidden(rest: &str, tag: usize) -> usize {
    let name = if rest.as_bytes()[1] == b'/' { "" } else { name(rest) };
    let close = match () {
        () if name.eq_ignore_ascii_case("script") => "</script",
        () if name.eq_ignore_ascii_case("style") => "</style",
        () => return 0,
    };
    let inside = &rest.as_bytes()[tag..];
    let closes = |at: &usize| {
        inside.get(*at..*at + close.len()).is_some_and(|found| found.eq_ignore_ascii_case(close.as_bytes()))
    };
    memchr::memchr_iter(b'<', inside).find(closes).unwrap_or(inside.len())
}

/// Characters of a text, a reference such as `&amp;` or `&#20320;` counted as one.
fn count(text: &str, preserved: bool) -> u64 {
    if !preserved && text.bytes().all(|byte| byte.is_ascii_whitespace()) {
        return u64::from(!text.is_empty());
    }
    let mut chars = text.chars().count() as u64;
    for at in memchr::memchr_iter(b'&', text.as_bytes()) {
        // The longest name of HTML has 31 letters.
        let name = text.as_bytes()[at + 1..].iter().take(33).take_while(|c| c.is_ascii_alphanumeric() || **c == b'#');
        let length = name.count();
        if length > 1 && text.as_bytes().get(at + 1 + length) == Some(&b';') {
            chars -= length as u64 + 1;
        }
    }
    chars
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_scripts_styles_and_comments_are_not_seen() {
        for (html, visible) in [
            ("<p>你好 &amp; <b>you</b></p>", 8),
            ("<script>var a = '<b>';</script>x", 1),
            ("<STYLE type=a>p > b {}</STYLE>x", 1),
            ("<!-- a > b -->x<!DOCTYPE html><?php a ?>", 1),
            ("<a title=\"a > b\">x</a>", 1),
            ("1 < 2", 5),
            ("a & b &nope", 11),
            ("&#20320;&#x4f60;", 2),
            ("<p>\n\n  </p>  <p> a </p>", 5),
            ("<pre><i>a</i>   <i>b</i></pre>  <i>c</i>", 7),
            ("<script>never closed", 0),
            ("<", 1),
            ("", 0),
        ] {
            assert_eq!(visible_chars(html), visible, "{html}");
        }
    }

    #[test]
    fn tags_that_never_close_take_linear_time() {
        let started = std::time::Instant::now();
        for piece in ["<a b=\"", "<script>", "<!--", "<a '", "&a", "<?", "<a b='><a b=\""] {
            visible_chars(&piece.repeat(300_000));
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_panics(pieces in prop::collection::vec("[<>&;=\"'/!?-]{1,3}|script|style|字|[a-z#]{1,3}", 0..60)) {
            let html = pieces.concat();
            prop_assert!(visible_chars(&html) <= html.chars().count() as u64);
        }
    }
}
