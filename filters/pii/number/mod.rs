//! Finds what is made of digits: identity cards, bank cards, phone numbers, IPv4 addresses. Every run
//! of digits is looked at once, and what it starts is told from its length.

pub mod card;
mod phone;

use std::net::Ipv4Addr;

use card::{bank_card, id_card};
use phone::{chinese_mobile, international, landline, north_american, with_bracket};

use super::{Kind, Span, ip, seen};

/// What to look for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    pub id_card: bool,
    pub old_id_card: bool,
    pub bank_card: bool,
    pub phone: bool,
    pub ip: bool,
    pub public_ips_only: bool,
}

/// By our rules, see the words of the step.
pub fn find(text: &str, wanted: Wanted, found: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let (mut from, mut last) = (0, 0);
    while let Some(start) = seen::next_digit(bytes, from) {
        let (mut end, mut count) = (start, 0);
        loop {
            let (c, length) = seen::at(bytes, end);
            if !c.is_ascii_digit() {
                break;
            }
            end += length;
            count += 1;
        }
        from = end;
        let run = Run { start, end, count };
        if let Some(span) = judge(text, run, last, wanted) {
            from = span.end.max(end);
            last = from;
            found.push(span);
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Run {
    start: usize,
    end: usize,
    count: usize,
}

fn judge(text: &str, run: Run, last: usize, wanted: Wanted) -> Option<Span> {
    let bytes = text.as_bytes();
    let Run { start, end, count } = run;
    let (next, _) = seen::at(bytes, end);
    // Most runs are years, counts and prices: nothing starts with them.
    let goes_on = matches!(next, b' ' | b'-' | b'.' | b'(' | b')' | b'/');
    let (previous, length) = seen::before(bytes, start);
    let plus = previous == b'+' && start - length >= last;
    if count < 11 && !goes_on && !plus || seen::is_word(previous) {
        return None;
    }
    let span = |start, end, kind| Some(Span { start, end, kind });
    if wanted.id_card
        && let Some(end) = id_card(bytes, run, wanted.old_id_card)
        && stands_alone(text, start, end)
    {
        return span(start, end, Kind::IdCard);
    }
    if wanted.bank_card
        && let Some(end) = bank_card(bytes, run)
        && stands_alone(text, start, end)
    {
        return span(start, end, Kind::BankCard);
    }
    if wanted.phone {
        if plus
            && !matches!(seen::before(bytes, start - length).0, b'+' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z')
            && let Some(end) = international(bytes, start)
        {
            return span(with_bracket(bytes, start - length, end, last), end, Kind::Phone);
        }
        if let Some(end) = chinese_mobile(bytes, start)
            && stands_alone(text, start, end)
        {
            return span(with_bracket(bytes, start, end, last), end, Kind::Phone);
        }
        if let Some((start, end)) = landline(text, run).or_else(|| north_american(bytes, run))
            && start >= last
            && stands_alone(text, start, end)
        {
            return span(start, end, Kind::Phone);
        }
    }
    if wanted.ip
        && count <= 3
        && next == b'.'
        && let Some((end, address)) = ipv4(bytes, start)
        && is_wanted(address, wanted)
        && !follows_version(text, start)
    {
        return span(start, end, Kind::Ip);
    }
    None
}

/// Whether a number is no part of a longer code, an address on the web, a decimal or an amount of money.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let bytes = text.as_bytes();
    let (previous, length) = seen::before(bytes, start);
    let (earlier, _) = seen::before(bytes, start - length);
    let starts = match previous {
        b'_' | b'=' | b'&' | b'#' | b'%' | b'$' | b'@' | b'~' | b'\\' => false,
        b'-' | b'.' => !seen::is_word(earlier),
        b'/' => !(earlier.is_ascii_alphabetic() || matches!(earlier, b'/' | b':' | b'.' | b'-' | b'_')),
        seen::OTHER => !text[..start].ends_with(['¥', '￥', '€', '£', '₩', '￡']),
        c => !seen::is_word(c),
    };
    let (next, length) = seen::at(bytes, end);
    let (later, _) = seen::at(bytes, end + length);
    let ends = match next {
        b'_' | b'%' | b'=' | b'&' => false,
        b'-' | b'.' => !seen::is_word(later),
        seen::OTHER => !text[end..].starts_with(['元', '万', '萬', '亿', '億', '美', '吨', '円']),
        c => !seen::is_word(c),
    };
    starts && ends
}

/// How many digits stand at `at`, up to nine, and where they end.
fn count_digits(bytes: &[u8], mut at: usize) -> (usize, usize) {
    let mut count = 0;
    loop {
        let (c, length) = seen::at(bytes, at);
        if !c.is_ascii_digit() || count == 9 {
            return (count, at);
        }
        count += 1;
        at += length;
    }
}

/// Behind a mark that may stand here.
fn skip(bytes: &[u8], at: usize, marks: &[u8]) -> usize {
    let (c, length) = seen::at(bytes, at);
    if marks.contains(&c) { at + length } else { at }
}

/// Four numbers up to 255 without leading zeros, alone.
fn ipv4(bytes: &[u8], start: usize) -> Option<(usize, Ipv4Addr)> {
    let (previous, length) = seen::before(bytes, start);
    let (earlier, _) = seen::before(bytes, start - length);
    // `Browser/1.2.3.4` is a version.
    if matches!(previous, b'.' | b'_') || previous == b'/' && seen::is_word(earlier) {
        return None;
    }
    let (mut octets, mut at) = ([0; 4], start);
    for (position, octet) in octets.iter_mut().enumerate() {
        if position > 0 {
            let (c, length) = seen::at(bytes, at);
            if c != b'.' {
                return None;
            }
            at += length;
        }
        let (mut value, mut count) = (0_u32, 0);
        loop {
            let (c, length) = seen::at(bytes, at);
            if !c.is_ascii_digit() {
                break;
            }
            if count == 3 || count > 0 && value == 0 {
                return None;
            }
            value = value * 10 + u32::from(c - b'0');
            count += 1;
            at += length;
        }
        if count == 0 {
            return None;
        }
        *octet = u8::try_from(value).ok()?;
    }
    let (next, length) = seen::at(bytes, at);
    let goes_on = seen::is_word(next) || next == b'.' && seen::is_word(seen::at(bytes, at + length).0);
    (!goes_on).then(|| (at, Ipv4Addr::from(octets)))
}

/// `11.8.4.2` is a chapter or a version; of the addresses that have no number above 31 few are more than
/// the well-known ones of name servers.
fn is_wanted(address: Ipv4Addr, wanted: Wanted) -> bool {
    address.octets().iter().any(|octet| *octet > 31) && (!wanted.public_ips_only || ip::is_public_v4(address))
}

/// Whether the word before says that the number is a version or a chapter.
fn follows_version(text: &str, start: usize) -> bool {
    let near = text[..start].char_indices().rev().take(24).last().map_or(start, |(at, _)| at);
    let before = text[near..start].trim_end_matches([' ', '\u{a0}', ':', '：', '.', '=', '"', '§', '№']);
    if text[near..start].contains('§') || ["版本", "版本号", "章", "节", "第"].iter().any(|word| before.ends_with(word))
    {
        return true;
    }
    let word = before.rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    ["version", "versions", "ver", "v", "release", "build", "section", "chapter", "firmware", "revision"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
}

#[cfg(test)]
pub mod plain {
    //! The same by regular expressions, tried at every character in turn.

    use std::sync::LazyLock;

    use regex::Regex;

    use super::card::{is_date, is_id_number, is_issued, is_province};
    use super::phone::{is_area, is_international};
    use super::*;
    use crate::kit::is_luhn;

    static SHAPES: LazyLock<[(Kind, Regex); 6]> = LazyLock::new(|| {
        let whole = |shape: &str| Regex::new(&format!("^(?:{shape})$")).unwrap();
        [
            (Kind::IdCard, whole(r"\d{17}[\dXx]|\d{6} \d{8} \d{3}[\dXx]|\d{15}")),
            (
                Kind::BankCard,
                whole(
                    r"\d{13,19}|\d{4}(?: \d{4}){3}(?: \d{1,3})?|\d{4}(?:-\d{4}){3}(?:-\d{1,3})?|\d{4}( )\d{6} \d{4,5}|\d{4}-\d{6}-\d{4,5}",
                ),
            ),
            (Kind::Phone, whole(r"\+\d+(?:(?:\(0\))*[ .()-]?(?:\(0\))*[ .()-]?(?:\(0\))*\d+)*")),
            (Kind::Phone, whole(r"(?:(?:00)?86[ )-]?)?1[3-9]\d(?:\d{8}| \d{4} \d{4}|-\d{4}-\d{4})")),
            (Kind::Phone, whole(r"\(?[01-9].*")),
            (Kind::Ip, whole(r"(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})")),
        ]
    });

    /// With the parenthesis before them: their area code, and what is behind it.
    static AREAS: LazyLock<[Regex; 2]> = LazyLock::new(|| {
        [
            r"^(?:\((0\d{2,3})\)[ -]?|(0\d{2,3})[ -])([2-8]\d{6,7}|[2-8]\d{2,3}[ -]\d{4})(?:-\d{1,5}| ?\x01(?:\x02\x03)? ?\d{1,5})?$",
            r"^(?:1[-. ])?\(([2-9][0-8]\d)\)[ -]?([2-9]\d\d)[-. ]\d{4}$|^(?:1-)?([2-9][0-8]\d)-([2-9]\d\d)-\d{4}$|^(?:1\.)?([2-9][0-8]\d)\.([2-9]\d\d)\.\d{4}$",
        ]
        .map(|shape| Regex::new(shape).unwrap())
    });

    /// Whether a piece is a landline of China or a number of North America.
    fn has_area(piece: &str) -> bool {
        if let Some(found) = AREAS[0].captures(piece) {
            let area = found.get(1).or(found.get(2)).unwrap().as_str();
            let local = found[3].bytes().filter(u8::is_ascii_digit).count();
            let code: u32 = area.parse().unwrap();
            return is_area(code) && (code < 100) == (area.len() == 3) && (local == 8 || area.len() == 4);
        }
        AREAS[1]
            .captures(piece)
            .is_some_and(|found| found.iter().skip(1).flatten().all(|group| !group.as_str().ends_with("11")))
    }

    pub fn find(text: &str, wanted: Wanted) -> Vec<Span> {
        let skeleton: Vec<(usize, u8)> =
            text.char_indices().map(|(at, _)| (at, seen::at(text.as_bytes(), at).0)).collect();
        // `转` stands as U+0001, `分机` as U+0002 and U+0003.
        let line: String = text
            .char_indices()
            .zip(&skeleton)
            .map(|((at, c), (_, skeleton))| match c {
                '转' | '轉' => '\u{1}',
                '分' if text[at..].starts_with("分机") || text[at..].starts_with("分機") => '\u{2}',
                '机' | '機' if text[..at].ends_with('分') => '\u{3}',
                '\u{1}'..='\u{3}' => '\n',
                _ if skeleton.is_ascii() => *skeleton as char,
                _ => '\n',
            })
            .collect();
        let place = |at: usize| skeleton.get(at).map_or(text.len(), |(at, _)| *at);
        let c = |at: usize| line.as_bytes().get(at).copied().unwrap_or(0);
        let back = |at: usize| at.checked_sub(1).map_or(0, c);
        let (mut found, mut at) = (Vec::<Span>::new(), 0);
        'text: while at < line.len() {
            // A number starts where a run of digits does, or with the plus before it.
            let first = at + usize::from(c(at) == b'+');
            if !c(first).is_ascii_digit() || seen::is_word(back(at)) || first == at && seen::is_word(back(first)) {
                at += 1;
                continue;
            }
            for (number, (kind, shape)) in SHAPES.iter().enumerate() {
                let area = number == 4;
                let on = match kind {
                    Kind::IdCard => wanted.id_card,
                    Kind::BankCard => wanted.bank_card,
                    Kind::Phone => wanted.phone,
                    _ => wanted.ip,
                };
                if !on {
                    continue;
                }
                // A card goes before a number to be dialled, a plus before it or not.
                let from = match kind {
                    Kind::IdCard | Kind::BankCard => first,
                    _ if area && back(at) == b'(' && found.last().is_none_or(|last| last.end < place(at)) => at - 1,
                    _ => at,
                };
                for end in (from + 1..=line.len().min(from + 60)).rev() {
                    let piece = &line[from..end];
                    if !shape.is_match(piece)
                        || piece.ends_with(|c: char| c.is_ascii_digit()) && c(end).is_ascii_digit()
                    {
                        continue;
                    }
                    let digits: Vec<u8> =
                        piece.replace("(0)", "").bytes().filter(u8::is_ascii_digit).map(|c| c - b'0').collect();
                    let (start, stop) = (place(from), place(end));
                    let fits = match kind {
                        Kind::IdCard if digits.len() == 15 => {
                            let pair = |at: usize| digits[at] * 10 + digits[at + 1];
                            wanted.old_id_card
                                && is_province(pair(0))
                                && is_date(1900 + u32::from(pair(6)), pair(8), pair(10))
                                && stands_alone(text, start, stop)
                        }
                        Kind::IdCard => {
                            let check = digits.get(17).copied().unwrap_or(10);
                            is_id_number(digits[..17].try_into().unwrap(), check) && stands_alone(text, start, stop)
                        }
                        Kind::BankCard => {
                            let mark = piece.as_bytes()[4];
                            let ends = mark.is_ascii_digit() || c(end) != mark || !c(end + 1).is_ascii_digit();
                            ends && is_issued(&digits) && is_luhn(&digits) && stands_alone(text, start, stop)
                        }
                        Kind::Phone if piece.starts_with('+') => {
                            back(at) != b'+'
                                && !(piece.ends_with("(0") && c(end) == b')')
                                && digits.len() <= 15
                                && !seen::is_word(c(end))
                                && is_international(&digits)
                        }
                        Kind::Phone if area => has_area(piece) && stands_alone(text, start, stop),
                        Kind::Phone => stands_alone(text, start, stop),
                        _ => {
                            let public = piece.parse::<Ipv4Addr>().is_ok_and(|ip| is_wanted(ip, wanted));
                            let before =
                                !(matches!(back(at), b'.' | b'_') || back(at) == b'/' && seen::is_word(back(at - 1)));
                            let behind = !(seen::is_word(c(end)) || c(end) == b'.' && seen::is_word(c(end + 1)));
                            public && before && behind && !follows_version(text, start)
                        }
                    };
                    if fits {
                        // `(+86)138…`: the bracket that is closed within is part of it.
                        let closed = piece.matches(')').count() > piece.matches('(').count();
                        let free = found.last().is_none_or(|last| last.end < start);
                        let bracket = *kind == Kind::Phone && closed && from > 0 && c(from - 1) == b'(' && free;
                        let start = if bracket { place(from - 1) } else { start };
                        found.push(Span { start, end: stop, kind: *kind });
                        at = end;
                        continue 'text;
                    }
                }
            }
            at += 1;
        }
        found
    }
}
