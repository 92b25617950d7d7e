//! Finds keys and tokens by what they start with.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, MatchKind};

use super::{Kind, Span, seen};

type Letters = fn(u8) -> bool;

fn is_plain(c: u8) -> bool {
    c.is_ascii_alphanumeric()
}
fn is_upper(c: u8) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit()
}
fn is_dashed(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'-'
}
fn is_url_safe(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_')
}

/// What tokens start with, what they are made of behind that, and how many such characters.
const TOKENS: [(&str, Letters, usize, usize); 22] = [
    ("AKIA", is_upper, 16, 16), // AWS
    ("ASIA", is_upper, 16, 16),
    ("ghp_", is_plain, 36, 36), // GitHub
    ("gho_", is_plain, 36, 36),
    ("ghu_", is_plain, 36, 36),
    ("ghs_", is_plain, 36, 36),
    ("ghr_", is_plain, 36, 76),
    ("github_pat_", seen::is_word, 82, 82),
    ("glpat-", is_url_safe, 20, 64), // GitLab
    ("xoxb-", is_dashed, 10, 250),   // Slack
    ("xoxp-", is_dashed, 10, 250),
    ("xoxa-", is_dashed, 10, 250),
    ("xoxr-", is_dashed, 10, 250),
    ("xoxs-", is_dashed, 10, 250),
    ("AIza", is_url_safe, 35, 35),   // Google
    ("sk_live_", is_plain, 16, 250), // Stripe
    ("rk_live_", is_plain, 16, 250),
    ("sk-", is_url_safe, 32, 250), // OpenAI and others
    ("hf_", is_plain, 34, 34),     // Hugging Face
    ("npm_", is_plain, 36, 36),
    ("eyJ", is_url_safe, 8, usize::MAX), // JSON web tokens, RFC 7519
    ("-----BEGIN ", is_plain, 0, 0),     // RFC 7468
];

/// By our rules, see the words of the step.
pub fn find(text: &str, found: &mut Vec<Span>) {
    static STARTS: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let starts = TOKENS.iter().map(|(start, ..)| start);
        AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(starts).expect("a few short patterns")
    });
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(start) = STARTS.find(Input::new(text).range(from..)) {
        let (prefix, letters, min, max) = TOKENS[start.pattern()];
        let at = start.start();
        // What starts here may be no secret, and still hold the first characters of one: `sk-----BEGIN `.
        from = at + 1;
        let previous = if at == 0 { 0 } else { bytes[at - 1] };
        let behind = at + prefix.len();
        let end = match prefix {
            "-----BEGIN " => private_key(text, behind),
            _ if seen::is_word(previous) || letters(previous) => None,
            "eyJ" => web_token(bytes, behind),
            _ => {
                let length = count(bytes, behind, letters, max);
                (min..=max).contains(&length).then_some(behind + length)
            }
        };
        // Names in kebab case start with `sk-` too.
        let end = end.filter(|end| {
            let has = |what: fn(&u8) -> bool| bytes[behind..*end].iter().any(what);
            prefix != "sk-" || has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
        });
        if let Some(end) = end {
            found.push(Span { start: at, end, kind: Kind::Secret });
            from = end;
        }
    }
    let signs = memchr::memchr_iter(b'@', bytes);
    let found_at = signs.filter_map(|sign| credential(text, sign));
    let credentials: Vec<Span> = found_at.filter(|span| &text[span.start..span.end] != IN_ADDRESS).collect();
    if credentials.is_empty() {
        return;
    }
    // A token within is part of it.
    let mut next = credentials.iter().peekable();
    found.retain(|token| {
        while next.peek().is_some_and(|span| span.end <= token.start) {
            next.next();
        }
        next.peek().is_none_or(|span| span.start >= token.end)
    });
    found.extend(credentials);
    found.sort_unstable_by_key(|span| span.start);
}

/// Longest user and password of an address.
const MAX_CREDENTIAL: usize = 200;

/// The user and the password before an `@`, where an address on the web or of a database has them:
/// `https://user:password@host`. Names of variables (`$USER`, `{password}`, `<password>`) are none.
pub fn credential(text: &str, sign: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    let belongs = |c: &u8| c.is_ascii_alphanumeric() || b"-._~%!&+=;:^,".contains(c);
    let length = bytes[..sign].iter().rev().take(MAX_CREDENTIAL + 1).take_while(|c| belongs(c)).count();
    let start = sign - length;
    let (_, password) = text[start..sign].split_once(':')?;
    let behind = bytes.get(sign + 1)?;
    let address = text[..start].strip_suffix("://")?.ends_with(|c: char| c.is_ascii_alphanumeric());
    let host = behind.is_ascii_alphanumeric() || *behind == b'[';
    (length <= MAX_CREDENTIAL && !password.is_empty() && address && host).then_some(Span {
        start,
        end: sign,
        kind: Kind::Secret,
    })
}

/// What stands in for the user and the password of an address, which stays one.
pub const IN_ADDRESS: &str = "user:password";

/// How many such characters stand here; one more than `max` is enough to know.
fn count(bytes: &[u8], from: usize, letters: Letters, max: usize) -> usize {
    bytes[from..].iter().take(max.saturating_add(1)).take_while(|c| letters(**c)).count()
}

/// The rest of a JSON web token: three parts, the last may be empty.
fn web_token(bytes: &[u8], mut at: usize) -> Option<usize> {
    for (part, least) in [8, 8, 0].into_iter().enumerate() {
        if part > 0 {
            if bytes.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
        let length = count(bytes, at, is_url_safe, usize::MAX);
        if length < least {
            return None;
        }
        at += length;
    }
    Some(at)
}

/// The rest of a block with a private key, or as much of it as there is.
fn private_key(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let label =
        bytes[at..].iter().take(40).take_while(|c| c.is_ascii_uppercase() || matches!(c, b' ' | b'0'..=b'9')).count();
    let name = &text[at..at + label];
    if !(name.ends_with("PRIVATE KEY") || name.ends_with("PRIVATE KEY BLOCK"))
        || !text[at + label..].starts_with("-----")
    {
        return None;
    }
    let body = at + label + 5;
    let mut end = body;
    let mut solid = body;
    while let Some(c) = bytes.get(end) {
        let is_body = c.is_ascii_alphanumeric()
            || matches!(
                c,
                b'+' | b'/' | b'=' | b'\n' | b'\r' | b'\t' | b' ' | b'\\' | b':' | b',' | b'-' | b'.' | b'(' | b')'
            );
        if !is_body || text.is_char_boundary(end) && bytes[end..].starts_with(b"-----") {
            break;
        }
        end += 1;
        // Words behind a block that was never ended are not part of it: its lines are long, and of base64.
        let line = &bytes[solid..end];
        if *c == b'\n' {
            let spaced = line.iter().filter(|c| **c == b' ').count() > 3;
            if spaced {
                break;
            }
            solid = end;
        }
    }
    if text[end..].starts_with("-----END ") {
        let close = end + 9;
        let label = bytes[close..].iter().take(40).take_while(|c| c.is_ascii_uppercase() || **c == b' ').count();
        if text[close + label..].starts_with("-----") {
            return Some(close + label + 5);
        }
    }
    let rest = text[solid..end].trim_end();
    let block = if rest.contains(' ') { text[..solid].trim_end().len() } else { solid + rest.len() };
    Some(block.max(body))
}

/// `api_key = "…"` and its like: a name that says so, and a value in quotes that looks random.
pub fn find_generic(text: &str, found: &mut Vec<Span>) {
    static NAMES: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let names = ["key", "secret", "token", "passw", "credential"];
        AhoCorasick::builder().ascii_case_insensitive(true).build(names).expect("a few short patterns")
    });
    let bytes = text.as_bytes();
    let mut from = 0;
    for name in NAMES.find_iter(text) {
        if name.start() < from {
            continue;
        }
        let mut at = name.end();
        at += count(bytes, at, is_url_safe, 24).min(24);
        at += usize::from(matches!(bytes.get(at), Some(b'"' | b'\'')));
        at += count(bytes, at, |c| c == b' ', 8).min(8);
        if !matches!(bytes.get(at), Some(b'=' | b':')) {
            continue;
        }
        at += 1;
        at += usize::from(bytes.get(at) == Some(&b'>'));
        at += count(bytes, at, |c| c == b' ', 8).min(8);
        let Some(quote @ (b'"' | b'\'')) = bytes.get(at) else { continue };
        at += 1;
        let length = count(bytes, at, |c| is_url_safe(c) || matches!(c, b'+' | b'/' | b'=' | b'.'), 200);
        let value = &bytes[at..at + length];
        if bytes.get(at + length) == Some(quote) && (16..=200).contains(&length) && looks_random(value) {
            found.push(Span { start: at, end: at + length, kind: Kind::Secret });
            from = at + length;
        }
    }
}

/// Letters and digits with at least 3.5 bits a character.
fn looks_random(value: &[u8]) -> bool {
    let mut counts = [0_u32; 128];
    for c in value {
        counts[usize::from(*c & 0x7f)] += 1;
    }
    let length = value.len() as f64;
    let bits: f64 = (counts.iter().filter(|count| **count > 0))
        .map(|count| {
            let share = f64::from(*count) / length;
            -share * share.log2()
        })
        .sum();
    bits >= 3.5 && value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
}

/// The rules again as expressions, tried at every character: for tests. Blocks of private keys are the same code.
#[cfg(test)]
pub mod plain {
    use regex::Regex;

    use super::*;

    pub fn find(text: &str) -> Vec<Span> {
        static RULES: LazyLock<Vec<(Regex, Regex)>> = LazyLock::new(|| {
            let rules = [
                ("AKIA|ASIA", "[A-Z0-9]", "{16}"),
                ("gh[pous]_|npm_", "[A-Za-z0-9]", "{36}"),
                ("ghr_", "[A-Za-z0-9]", "{36,76}"),
                ("github_pat_", "[A-Za-z0-9_]", "{82}"),
                ("glpat-", "[A-Za-z0-9_-]", "{20,64}"),
                ("xox[bpars]-", "[A-Za-z0-9-]", "{10,250}"),
                ("AIza", "[A-Za-z0-9_-]", "{35}"),
                ("[sr]k_live_", "[A-Za-z0-9]", "{16,250}"),
                ("sk-", "[A-Za-z0-9_-]", "{32,250}"),
                ("hf_", "[A-Za-z0-9]", "{34}"),
                ("eyJ", "[A-Za-z0-9_-]", r"{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
            ];
            let compiled = |pattern: String| Regex::new(&pattern).unwrap();
            rules
                .iter()
                .map(|(start, letters, many)| {
                    (compiled(format!("^(?:{start})(?P<rest>{letters}{many})")), compiled(format!("^{letters}")))
                })
                .collect()
        });
        let (mut found, mut from) = (Vec::new(), 0);
        for (at, _) in text.char_indices() {
            if at < from {
                continue;
            }
            let end = if text[at..].starts_with("-----BEGIN ") {
                private_key(text, at + 11)
            } else {
                RULES.iter().find_map(|(rule, letter)| {
                    let captured = rule.captures(&text[at..])?;
                    let before = text[..at].chars().next_back().map(String::from).unwrap_or_default();
                    let stands_alone =
                        !letter.is_match(&before) && !before.contains(|c: char| c.is_ascii_alphanumeric() || c == '_');
                    let rest = &captured["rest"];
                    let end = at + captured[0].len();
                    let random = !captured[0].starts_with("sk-")
                        || [r"[0-9]", r"[A-Z]", r"[a-z]"].iter().all(|kind| Regex::new(kind).unwrap().is_match(rest));
                    (stands_alone && !letter.is_match(&text[end..]) && random).then_some(end)
                })
            };
            if let Some(end) = end {
                found.push(Span { start: at, end, kind: Kind::Secret });
                from = end;
            }
        }
        found
    }

    /// `api_key = "…"` and its like.
    pub fn find_generic(text: &str) -> Vec<Span> {
        static RULE: LazyLock<Regex> = LazyLock::new(|| {
            let value = "[A-Za-z0-9_+/=.-]";
            Regex::new(&format!(
                r#"^(?i-u:key|secret|token|passw|credential)(?P<name>[A-Za-z0-9_-]*)["']? {{0,8}}[=:]>? {{0,8}}(?:"(?P<double>{value}{{16,200}})"|'(?P<single>{value}{{16,200}})')"#
            ))
            .unwrap()
        });
        let (mut found, mut from) = (Vec::new(), 0);
        // Where one name overlaps another, the first to end counts, and then the first behind it.
        let mut names_from = 0;
        for (at, _) in text.char_indices() {
            let names = ["key", "secret", "token", "passw", "credential"];
            let Some(name) = names.iter().find(|name| {
                text.as_bytes()[at..].get(..name.len()).is_some_and(|here| here.eq_ignore_ascii_case(name.as_bytes()))
            }) else {
                continue;
            };
            if at < names_from {
                continue;
            }
            names_from = at + name.len();
            if at < from {
                continue;
            }
            let Some(captured) = RULE.captures(&text[at..]).filter(|captured| captured["name"].len() <= 24) else {
                continue;
            };
            let value = captured.name("double").or(captured.name("single")).unwrap();
            if looks_random(value.as_str().as_bytes()) {
                found.push(Span { start: at + value.start(), end: at + value.end(), kind: Kind::Secret });
                from = at + value.end();
            }
        }
        found
    }
}
