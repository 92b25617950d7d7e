//! Which IP addresses are public, and where those of version 6 stand.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Kind, Span, seen};

/// Whether an address can be somebody's: not private, shared, of this host, of a link, reserved, for
/// documentation, for benchmarks or for many (IANA's special-purpose registry, RFC 5771).
pub fn is_public_v4(ip: Ipv4Addr) -> bool {
    !matches!(
        ip.octets(),
        [0 | 10 | 127 | 224.., ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [192, 168, ..]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    )
}

/// Global unicast (2000::/3) without what is for documentation, benchmarks and ORCHIDs.
pub fn is_public_v6(ip: Ipv6Addr) -> bool {
    let part = ip.segments();
    let special = match part[0] {
        0x2001 => part[1] == 0xdb8 || part[1] == 2 && part[2] == 0 || (0x10..0x30).contains(&part[1]),
        0x3fff => part[1] < 0x1000,
        _ => false,
    };
    part[0] & 0xe000 == 0x2000 && !special
}

/// Finds addresses of version 6: runs of hexadecimal digits, colons and dots with two colons or more.
pub fn find_v6(text: &str, public_only: bool, found: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let is_part = |c: u8| c.is_ascii_hexdigit() || matches!(c, b':' | b'.');
    let mut from = 0;
    for colon in memchr::memchr_iter(b':', bytes) {
        let next = bytes.get(colon + 1);
        if colon < from || !next.is_some_and(|c| c.is_ascii_hexdigit() || *c == b':') {
            continue;
        }
        let start = bytes[from..colon].iter().rposition(|c| !is_part(*c)).map_or(from, |at| from + at + 1);
        let end = bytes[colon..].iter().position(|c| !is_part(*c)).map_or(bytes.len(), |at| colon + at);
        from = end;
        if let Some((start, end)) = address(text, start, end, public_only) {
            found.push(Span { start, end, kind: Kind::Ip });
        }
    }
}

/// The address in a run of its characters.
fn address(text: &str, mut start: usize, mut end: usize, public_only: bool) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    if seen::is_word(seen::at(bytes, end).0) {
        return None;
    }
    while end > start && bytes[end - 1] == b'.' {
        end -= 1;
    }
    if text[start..end].ends_with(':') && !text[start..end].ends_with("::") {
        end -= 1;
    }
    // `IPv6:2001:…`, `addr:2001:…`: the word before lends its last letters to the run.
    if seen::is_word(seen::before(bytes, start).0) {
        start += text[start..end].find(':')?;
    }
    if text[start..end].starts_with(':') && !text[start..end].starts_with("::") {
        start += 1;
    }
    let run = &text[start..end];
    if run.len() > 45 || memchr::memchr_iter(b':', run.as_bytes()).take(2).count() < 2 {
        return None;
    }
    let address: Ipv6Addr = run.parse().ok()?;
    // `a::b` is a name in a program.
    let fits = if public_only { is_public_v6(address) } else { run.contains(|c: char| c.is_ascii_digit()) };
    fits.then_some((start, end))
}

/// The rule for version 6 again, without a search for colons: for tests.
#[cfg(test)]
pub mod plain {
    use super::*;

    pub fn find_v6(text: &str, public_only: bool) -> Vec<Span> {
        let is_part = |c: char| c.is_ascii_hexdigit() || c == ':' || c == '.';
        let (mut found, mut at) = (Vec::new(), 0);
        while at < text.len() {
            let rest = &text[at..];
            let run = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
            let (start, end) = (at, at + run.len());
            at = end + text[end..].chars().next().map_or(0, char::len_utf8);
            let glued = |(c, _): (u8, usize)| c.is_ascii_alphanumeric() || c == b'_';
            if run.is_empty() || glued(seen::at(text.as_bytes(), end)) {
                continue;
            }
            let mut address = run.trim_end_matches('.');
            if address.ends_with(':') && !address.ends_with("::") {
                address = &address[..address.len() - 1];
            }
            if glued(seen::before(text.as_bytes(), start)) {
                let Some((name, _)) = address.split_once(':') else { continue };
                address = &address[name.len()..];
            }
            if address.starts_with(':') && !address.starts_with("::") {
                address = &address[1..];
            }
            let Ok(parsed) = address.parse::<Ipv6Addr>() else { continue };
            let wanted =
                if public_only { is_public_v6(parsed) } else { address.contains(|c: char| c.is_ascii_digit()) };
            if wanted {
                let from = address.as_ptr().addr() - text.as_ptr().addr();
                found.push(Span { start: from, end: from + address.len(), kind: Kind::Ip });
            }
        }
        found
    }
}
