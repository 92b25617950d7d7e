//! What datatrove and Dolma find, for their profiles.

use std::sync::LazyLock;

use regex::Regex;

use super::{Kind, Span};
use crate::kit::python::is_word;

/// `PIIFormatter` of datatrove 0.10.1: e-mail addresses first, then IPv4 addresses in what lies between.
pub fn datatrove(text: &str, email: bool, ip: bool, public_only: bool, found: &mut Vec<Span>) {
    let first = found.len();
    if email {
        datatrove_emails(text, found);
    }
    if !ip {
        return;
    }
    let emails = found.len();
    let mut from = 0;
    for at in first..=emails {
        let to = if at < emails { found[at].start } else { text.len() };
        datatrove_ips(text, from, to, public_only, found);
        if at < emails {
            from = found[at].end;
        }
    }
}

/// What may stand before the sign, dots aside.
fn is_atom(c: u8) -> bool {
    c.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&c)
}

fn datatrove_emails(text: &str, found: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    for sign in memchr::memchr_iter(b'@', bytes) {
        if sign < from {
            continue;
        }
        // Back over atoms and single dots; the address starts at the furthest edge of a word.
        let (mut at, mut start) = (sign, None);
        while at > from {
            let c = bytes[at - 1];
            let fits = is_atom(c) || c == b'.' && at < sign && bytes[at] != b'.';
            if !fits {
                break;
            }
            at -= 1;
            if c != b'.' {
                let inside = is_word(c.into());
                let outside = text[..at].chars().next_back().is_some_and(is_word);
                if inside != outside {
                    start = Some(at);
                }
            }
        }
        if let Some(start) = start
            && let Some(end) = datatrove_domain(text, sign + 1)
        {
            found.push(Span { start, end, kind: Kind::Email });
            from = end;
        }
    }
}

fn datatrove_domain(text: &str, start: usize) -> Option<usize> {
    static BRACKETS: LazyLock<Regex> = LazyLock::new(|| {
        let octet = "(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)";
        Regex::new(&format!(r"^\[(?:{octet}\.){{3}}(?:{octet}|[A-Za-z0-9-]*[A-Za-z0-9]:)]")).expect("it is well formed")
    });
    let bytes = text.as_bytes();
    if bytes.get(start) == Some(&b'[') {
        return BRACKETS.find(&text[start..]).map(|found| start + found.end());
    }
    let (mut at, mut labels, mut end) = (start, 0, None);
    loop {
        let run = bytes[at..].iter().take_while(|c| c.is_ascii_alphanumeric() || **c == b'-').count();
        let label = &bytes[at..at + run];
        let Some(last) = label.iter().rposition(u8::is_ascii_alphanumeric) else { break };
        if label[0] == b'-' {
            break;
        }
        if labels >= 1 {
            end = Some(at + last + 1);
        }
        if last + 1 < run || bytes.get(at + run) != Some(&b'.') {
            break;
        }
        labels += 1;
        at += run + 1;
    }
    end
}

/// How many bytes an octet takes here as the regular expression has it, where it need not end.
fn octet(bytes: &[u8]) -> usize {
    let digit = |at: usize| bytes.get(at).copied().filter(u8::is_ascii_digit);
    match (digit(0), digit(1), digit(2)) {
        (None, ..) => 0,
        (Some(_), None, _) => 1,
        (Some(b'2'), Some(b'5'), Some(b'0'..=b'5')) | (Some(b'2'), Some(b'0'..=b'4'), Some(_)) => 3,
        (Some(b'0' | b'1'), Some(_), Some(_)) => 3,
        _ => 2,
    }
}

fn datatrove_ips(text: &str, first: usize, to: usize, public_only: bool, found: &mut Vec<Span>) {
    let bytes = &text.as_bytes()[..to];
    let mut from = first;
    for dot in memchr::memchr_iter(b'.', &bytes[first..]).map(|at| first + at) {
        if dot <= from || !bytes[dot - 1].is_ascii_digit() || !bytes.get(dot + 1).is_some_and(u8::is_ascii_digit) {
            continue;
        }
        for start in dot.saturating_sub(3).max(from)..dot {
            if let Some(end) = datatrove_ip(bytes, start, dot) {
                if is_python_global(&text[start..end], public_only) {
                    found.push(Span { start, end, kind: Kind::Ip });
                }
                from = end;
                break;
            }
        }
    }
}

/// Where the address ends that starts at `start` and has its first dot at `dot`.
fn datatrove_ip(bytes: &[u8], start: usize, dot: usize) -> Option<usize> {
    let mut at = start;
    for part in 0..3 {
        // Followed by a dot an octet is all the digits there are.
        let length = bytes[at..].iter().take(4).take_while(|c| c.is_ascii_digit()).count();
        if length == 0 || length > 3 || octet(&bytes[at..at + length]) != length {
            return None;
        }
        at += length;
        if bytes.get(at) != Some(&b'.') || part == 0 && at != dot {
            return None;
        }
        at += 1;
    }
    let length = octet(&bytes[at..]);
    (length > 0).then_some(at + length)
}

/// `ipaddress.ip_address(ip).is_global` of Python 3.11, which takes no octet with a leading zero.
fn is_python_global(ip: &str, public_only: bool) -> bool {
    let Ok(ip) = ip.parse::<std::net::Ipv4Addr>() else { return false };
    let special = matches!(
        ip.octets(),
        [0 | 10 | 127 | 240.., ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 0, 0, 0..=7 | 170 | 171]
            | [192, 0, 2, _]
            | [192, 168, ..]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    );
    !public_only || !special
}

/// `pii_regex_with_counts_fast_v2` of Dolma 1.2.1, paragraph by paragraph. Spans take the white space
/// and the marks around along.
pub fn dolma(text: &str, email: bool, phone: bool, ip: bool, found: &mut Vec<Span>) {
    // White space of Python is that of Unicode and four separators.
    static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
        let re = r"[.\s\x1c-\x1f@,?!;:)(]*([^\s\x1c-\x1f@]+@[^\s\x1c-\x1f@,?!;:)(]+?)[.\s\x1c-\x1f@,?!;:)(]?[\s\x1c-\x1f\n\r]";
        Regex::new(re).expect("it is well formed")
    });
    static PHONE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"[\s\x1c-\x1f]+\(?(\d{3})\)?[-. ]*(\d{3})[-. ]?(\d{4})").expect("it is well formed")
    });
    static IP: LazyLock<Regex> = LazyLock::new(|| {
        let octet = "(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)";
        Regex::new(&format!(r"(?:{octet}\.){{3}}{octet}")).expect("it is well formed")
    });
    if memchr::memchr_iter(b'?', text.as_bytes()).count() > 10_000 {
        return;
    }
    let mut start = 0;
    for paragraph in text.split_inclusive('\n') {
        let here = start;
        start += paragraph.len();
        let mut add = |span: std::ops::Range<usize>, kind| {
            found.push(Span { start: here + span.start, end: here + span.end, kind });
        };
        if email && memchr::memchr(b'@', paragraph.as_bytes()).is_some() {
            for captures in EMAIL.captures_iter(paragraph) {
                let address = captures.get(1).expect("the group is not optional").as_str();
                let (local, domain) = address.split_once('@').unwrap_or_default();
                if local.trim() != "(" && domain.contains('.') {
                    add(captures.get(0).expect("the whole").range(), Kind::Email);
                }
            }
        }
        if super::seen::next_digit(paragraph.as_bytes(), 0).is_none() && paragraph.is_ascii() {
            continue;
        }
        if phone {
            PHONE.find_iter(paragraph).for_each(|phone| add(phone.range(), Kind::Phone));
        }
        if ip {
            IP.find_iter(paragraph).for_each(|ip| add(ip.range(), Kind::Ip));
        }
    }
}

#[cfg(test)]
pub mod plain {
    //! datatrove's rules by its own kind of expression.

    use super::*;

    pub fn datatrove(text: &str, public_only: bool) -> Vec<Span> {
        let octet = "(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)";
        let atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
        let label = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
        let email = Regex::new(&format!(r"\b{atom}(?:\.{atom})*@(?:(?:{label}\.)+{label}|\[(?:{octet}\.){{3}}(?:{octet}|[A-Za-z0-9-]*[A-Za-z0-9]:)])")).unwrap();
        let ip = Regex::new(&format!(r"(?:{octet}\.){{3}}{octet}")).unwrap();
        let mut found: Vec<Span> = Vec::new();
        for address in email.find_iter(text) {
            found.push(Span { start: address.start(), end: address.end(), kind: Kind::Email });
        }
        // The addresses out of the way, each place keeps its number.
        let mut rest = text.as_bytes().to_vec();
        found.iter().for_each(|span| rest[span.start..span.end].fill(b'#'));
        let rest = String::from_utf8(rest).unwrap();
        for address in ip.find_iter(&rest) {
            if is_python_global(address.as_str(), public_only) {
                found.push(Span { start: address.start(), end: address.end(), kind: Kind::Ip });
            }
        }
        found
    }
}
