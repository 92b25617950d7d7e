//! Finds e-mail addresses: every `@` is looked at from both sides.

use super::{Kind, Span, secret, seen};

/// Endings of file names that look like addresses (`logo@2x.png`).
const FILES: [&str; 14] =
    ["png", "jpg", "jpeg", "gif", "svg", "webp", "bmp", "ico", "js", "css", "html", "htm", "php", "pdf"];

fn is_local(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'%' | b'+' | b'-')
}

/// By our rules, see the words of the step.
pub fn find(text: &str, found: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    let mut visit = |at: usize, length: usize| {
        if at >= from
            && let Some((start, end)) = around(text, at, length, from)
        {
            found.push(Span { start, end, kind: Kind::Email });
            from = end;
        }
    };
    let wide = memchr::memmem::find(bytes, "＠".as_bytes()).is_some();
    if wide {
        for (at, sign) in text.match_indices(['@', '＠']) {
            visit(at, sign.len());
        }
    } else {
        memchr::memchr_iter(b'@', bytes).for_each(|at| visit(at, 1));
    }
}

/// The address around the sign at `sign`, none of it before `from`.
fn around(text: &str, sign: usize, length: usize, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let (mut start, mut first) = (sign, sign);
    let mut later = b'@';
    while start > from {
        let (c, length) = seen::before(bytes, start);
        if !is_local(c) || c == b'.' && matches!(later, b'.' | b'@') {
            break;
        }
        start -= length;
        later = c;
        if seen::is_word(c) {
            first = start; // what comes before is no part of it: an address starts with a letter or digit
        }
    }
    if first == sign {
        return None;
    }
    let end = domain(text, sign + length)?;
    let local = &text[first..sign];
    if secret::credential(text, sign).is_some() {
        return None;
    }
    if local == "git" || is_reserved(&text[sign + length..end]) {
        return None;
    }
    Some((first, end))
}

/// Where the longest domain ends that starts here: labels, the last of them letters.
fn domain(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut labels, mut end) = (start, 0, None);
    loop {
        let label = at;
        let (mut last, mut solid, mut letters, mut letters_end) = (0, at, 0, at);
        loop {
            let (c, length) = seen::at(bytes, at);
            if !(c.is_ascii_alphanumeric() || c == b'-' && at > label) {
                break;
            }
            last = c;
            at += length;
            if c != b'-' {
                solid = at;
            }
            if c.is_ascii_alphabetic() && letters_end + length == at {
                (letters, letters_end) = (letters + 1, at);
            }
        }
        if at == label {
            break;
        }
        let next = seen::at(bytes, letters_end).0;
        let punycode = text[label..solid].get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
        if labels >= 1 && punycode {
            end = Some((label, solid));
        } else if labels >= 1 && letters >= 2 && !seen::is_word(next) {
            end = Some((label, letters_end));
        }
        let (dot, length) = seen::at(bytes, at);
        if dot != b'.' || last == b'-' {
            break;
        }
        labels += 1;
        at += length;
    }
    let (label, end) = end?;
    let last = &text[label..end];
    (!FILES.iter().any(|file| last.eq_ignore_ascii_case(file))).then_some(end)
}

/// Names that nobody can own, RFC 2606 and 6761.
fn is_reserved(domain: &str) -> bool {
    let ends = |name: &str| {
        let Some(rest) = domain.len().checked_sub(name.len()) else { return false };
        domain.is_char_boundary(rest)
            && domain[rest..].eq_ignore_ascii_case(name)
            && (rest == 0 || name.starts_with('.') || domain[..rest].ends_with('.'))
    };
    ["example.com", "example.net", "example.org", ".example", ".test", ".invalid", ".localhost"].into_iter().any(ends)
}

#[cfg(test)]
pub mod plain {
    //! The same, by one regular expression for what an address is and none for how to find it.

    use super::*;

    pub fn find(text: &str) -> Vec<Span> {
        let whole = regex::Regex::new(
            r"(?i)^[a-z0-9_][a-z0-9_%+-]*(?:\.[a-z0-9_%+-]+)*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:[a-z]{2,}|xn--[a-z0-9-]*[a-z0-9])$",
        )
        .unwrap();
        // One ASCII character for each character.
        let skeleton: Vec<(usize, u8)> =
            text.char_indices().map(|(at, _)| (at, seen::at(text.as_bytes(), at).0)).collect();
        let word = |at: usize| skeleton.get(at).is_some_and(|(_, c)| seen::is_word(*c));
        let place = |at: usize| skeleton.get(at).map_or(text.len(), |(at, _)| *at);
        let line: String = skeleton.iter().map(|(_, c)| if c.is_ascii() { *c as char } else { '\n' }).collect();
        let (mut found, mut from) = (Vec::new(), 0);
        for sign in (0..line.len()).filter(|at| line.as_bytes()[*at] == b'@') {
            if sign < from {
                continue;
            }
            let end = (sign..=line.len()).rev().find(|end| {
                let puny = line[sign..*end].rsplit('.').next().unwrap().to_lowercase().starts_with("xn--");
                let stops = if puny {
                    !line.as_bytes().get(*end).is_some_and(|c| c.is_ascii_alphanumeric())
                        && !line[*end..]
                            .trim_start_matches('-')
                            .starts_with(|c: char| c.is_ascii_alphanumeric() && line.as_bytes()[*end] == b'-')
                } else {
                    !word(*end)
                };
                stops && whole.is_match(&format!("a{}", &line[sign..*end]))
            });
            let Some(end) = end else { continue };
            let Some(start) = (from..sign).find(|start| whole.is_match(&line[*start..end])) else { continue };
            if secret::credential(text, place(sign)).is_some() {
                continue;
            }
            let tld = line[sign..end].rsplit('.').next().unwrap().to_lowercase();
            if FILES.contains(&&*tld)
                || &text[place(start)..place(sign)] == "git"
                || is_reserved(&text[place(sign + 1)..place(end)])
            {
                continue;
            }
            found.push(Span { start: place(start), end: place(end), kind: Kind::Email });
            from = end;
        }
        found
    }
}
