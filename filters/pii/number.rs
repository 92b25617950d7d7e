//! Finds what is made of digits: identity cards, bank cards, phone numbers, IPv4 addresses. Every run
//! of digits is looked at once, and what it starts is told from its length.

use std::net::Ipv4Addr;

use super::{Kind, Span, ip, seen};
use crate::kit::is_luhn;

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

/// First two digits of a Chinese identity number: the province.
fn is_province(code: u8) -> bool {
    matches!(code, 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83 | 91)
}

fn is_date(year: u32, month: u8, day: u8) -> bool {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u8::from(leap),
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// GB 11643-1999: six digits of a region, eight of a date, three, and a check digit of ISO 7064 MOD 11-2.
pub fn is_id_number(digits: &[u8; 17], check: u8) -> bool {
    let pair = |at: usize| digits[at] * 10 + digits[at + 1];
    let year = u32::from(pair(6)) * 100 + u32::from(pair(8));
    let remainder = digits.iter().fold(0_u32, |sum, digit| (sum + u32::from(*digit)) * 2 % 11);
    let expected = (12 - remainder) % 11;
    is_province(pair(0))
        && (1900..2100).contains(&year)
        && is_date(year, pair(10), pair(12))
        && u32::from(check) == expected
}

/// Eighteen digits, the last perhaps an X, in one piece or cut 6-8-4 by spaces; the fifteen of old cards.
fn id_card(bytes: &[u8], run: Run, old: bool) -> Option<usize> {
    if old && run.count == 15 {
        let (_, digits) = seen::digits::<15>(bytes, run.start, 15)?;
        let pair = |at: usize| digits[at] * 10 + digits[at + 1];
        let fits = is_province(pair(0)) && is_date(1900 + u32::from(pair(6)), pair(8), pair(10));
        return fits.then_some(run.end);
    }
    if !matches!(run.count, 6 | 17 | 18) {
        return None;
    }
    let (mut at, mut all) = (run.start, [0; 17]);
    for (position, slot) in all.iter_mut().enumerate() {
        if run.count == 6 && (position == 6 || position == 14) {
            let (c, length) = seen::at(bytes, at);
            if c != b' ' {
                return None;
            }
            at += length;
        }
        let (end, [digit]) = seen::digits::<1>(bytes, at, 1)?;
        (at, *slot) = (end, digit);
    }
    let (c, length) = seen::at(bytes, at);
    let check = match c {
        b'0'..=b'9' => c - b'0',
        b'X' | b'x' => 10,
        _ => return None,
    };
    is_id_number(&all, check).then_some(at + length)
}

/// Whether the first digits are those of a network, and the length is one that it issues.
fn is_issued(digits: &[u8]) -> bool {
    let prefix = |count: usize| digits[..count].iter().fold(0_u32, |number, digit| number * 10 + u32::from(*digit));
    let (two, three, four) = (prefix(2), prefix(3), prefix(4));
    match digits.len() {
        13 => digits[0] == 4,                                            // Visa
        14 => matches!(three, 300..=305) || matches!(two, 36 | 38 | 39), // Diners
        15 => matches!(two, 34 | 37),                                    // American Express
        length => {
            let any =
                two == 62 || four == 6011 || matches!(three, 644..=649) || two == 65 || matches!(four, 3528..=3589);
            let visa = digits[0] == 4 && length != 17 && length != 18;
            let mastercard = length == 16 && (matches!(two, 51..=55) || matches!(four, 2221..=2720));
            let chinese = length == 19 && (four == 9558 || four == 9559);
            any || visa || mastercard || chinese
        }
    }
}

/// In one piece of 13 to 19 digits, or in fours (4-6-5 for American Express) with one kind of mark between.
fn bank_card(bytes: &[u8], run: Run) -> Option<usize> {
    let (mut all, mut length, mut end) = ([0; 19], run.count, run.end);
    if (13..=19).contains(&run.count) {
        all = seen::digits::<19>(bytes, run.start, run.count)?.1;
    } else if run.count == 4 {
        let (mark, _) = seen::at(bytes, run.end);
        if !matches!(mark, b' ' | b'-') {
            return None;
        }
        let mut groups = [4; 6];
        let mut count = 0;
        let mut at = run.start;
        length = 0;
        while count < groups.len() {
            let mut group = 0;
            loop {
                let (c, bytes) = seen::at(bytes, at);
                if !c.is_ascii_digit() {
                    break;
                }
                if length == all.len() {
                    return None;
                }
                all[length] = c - b'0';
                length += 1;
                group += 1;
                at += bytes;
            }
            groups[count] = group;
            count += 1;
            end = at;
            let (c, bytes_of_mark) = seen::at(bytes, at);
            if c != mark || !seen::at(bytes, at + bytes_of_mark).0.is_ascii_digit() {
                break;
            }
            at += bytes_of_mark;
        }
        if !matches!(groups[..count], [4, 4, 4, 4] | [4, 4, 4, 4, 1..=3] | [4, 6, 5] | [4, 6, 4]) {
            return None;
        }
    } else {
        return None;
    }
    let digits = &all[..length];
    (is_issued(digits) && is_luhn(digits)).then_some(end)
}

/// Digits of the country code that a number starts with, ITU-T E.164.
fn country_code(digits: &[u8]) -> Option<usize> {
    let two = digits[0] * 10 + digits[1];
    match (digits[0], two) {
        (1 | 7, _) => Some(1),
        (_, 20 | 27 | 30..=34 | 36 | 39 | 40 | 41 | 43..=49 | 51..=58 | 60..=66 | 81 | 82 | 84 | 86 | 90..=95 | 98) => {
            Some(2)
        }
        (_, 21..=26 | 29 | 35 | 37 | 38 | 42 | 50 | 59 | 67 | 68 | 80 | 85 | 87 | 88 | 96 | 97 | 99) => Some(3),
        _ => None,
    }
}

/// Whether these digits behind a `+` can be dialled.
fn is_international(digits: &[u8]) -> bool {
    if digits.len() < 8 {
        return false;
    }
    let Some(length) = country_code(digits) else { return false };
    let (code, national) = digits.split_at(length);
    match code {
        [1] => national.len() == 10 && national[0] >= 2,
        [8, 6] => {
            matches!(national.len(), 10 | 11) && national[0] > 0
                || national.len() >= 11 && national.len() <= 12 && national[0] == 0
        }
        [3, 9] | [2, 2, 5] | [2, 4, 2] | [3, 7, 8] => true,
        _ => national[0] > 0,
    }
}

/// The digits behind a `+`, up to fifteen in groups; the longest run of whole groups that is a number.
fn international(bytes: &[u8], start: usize) -> Option<usize> {
    let (mut all, mut count, mut at, mut best) = ([0; 15], 0, start, None);
    'groups: loop {
        loop {
            let (c, length) = seen::at(bytes, at);
            if !c.is_ascii_digit() {
                break;
            }
            if count == all.len() {
                break 'groups;
            }
            all[count] = c - b'0';
            count += 1;
            at += length;
        }
        let (next, _) = seen::at(bytes, at);
        if !seen::is_word(next) && is_international(&all[..count]) {
            best = Some(at);
        }
        // `(0)` is dialled inside the country alone.
        let mut marks = 0;
        loop {
            let (c, length) = seen::at(bytes, at);
            if c == b'('
                && let Some((end, [0])) = seen::digits::<1>(bytes, at + length, 1)
                && seen::at(bytes, end).0 == b')'
            {
                at = end + seen::at(bytes, end).1;
            } else if matches!(c, b' ' | b'-' | b'.' | b'(' | b')') && marks < 2 {
                at += length;
                marks += 1;
            } else if c.is_ascii_digit() {
                break;
            } else {
                break 'groups;
            }
        }
    }
    best
}

/// Where a number starts that ends at `end`: at the bracket before it if one of it is closed within, as in
/// `(+86)138…`.
fn with_bracket(bytes: &[u8], start: usize, end: usize, last: usize) -> usize {
    let (mut at, mut open) = (start, 0);
    while at < end {
        let (c, length) = seen::at(bytes, at);
        open += i32::from(c == b'(') - i32::from(c == b')');
        at += length;
    }
    let (previous, length) = seen::before(bytes, start);
    if open < 0 && previous == b'(' && start - length >= last { start - length } else { start }
}

/// `1[3-9]` and nine more digits, in one piece or 3-4-4, with or without the country's code.
fn chinese_mobile(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    for code in [&[8, 6][..], &[0, 0, 8, 6]] {
        if let Some((end, read)) = seen::digits::<4>(bytes, start, code.len())
            && &read[..code.len()] == code
        {
            at = end;
            if matches!(seen::at(bytes, at).0, b' ' | b'-' | b')') {
                at += seen::at(bytes, at).1;
            }
        }
    }
    let (end, [1, 3..=9, _]) = seen::digits::<3>(bytes, at, 3)? else { return None };
    let (mark, length) = seen::at(bytes, end);
    let mark = matches!(mark, b' ' | b'-').then_some(mark);
    let at = if mark.is_some() { end + length } else { end };
    let (end, _) = seen::digits::<4>(bytes, at, 4)?;
    let (second, length) = seen::at(bytes, end);
    let at = match mark {
        Some(mark) if mark == second => end + length,
        Some(_) => return None,
        None => end,
    };
    Some(seen::digits::<4>(bytes, at, 4)?.0)
}

/// Area codes of China, without the zero they begin with: two digits, or three.
fn is_area(code: u32) -> bool {
    matches!(code, 10 | 20..=25 | 27..=29)
        || matches!(code,
            310..=319 | 335 | 349..=359 | 370..=379 | 391..=398 | 411..=419 | 421 | 427 | 429 | 431..=439 | 451..=459
            | 464 | 467..=479 | 482 | 483 | 510..=519 | 523 | 527 | 530..=539 | 543 | 546 | 550..=559 | 561..=566
            | 570..=580 | 591..=599 | 631..=635 | 660 | 662 | 663 | 668 | 691 | 692 | 701 | 710..=719 | 722 | 724 | 728
            | 730..=739 | 743..=746 | 750..=760 | 762 | 763 | 766 | 768..=779 | 790..=799 | 812 | 813 | 816..=818
            | 825..=827 | 830..=839 | 851..=859 | 870..=879 | 883 | 886..=888 | 891..=898 | 901..=903 | 906 | 908 | 909
            | 911..=917 | 919 | 930..=939 | 941 | 943 | 951..=955 | 970..=979 | 990..=999)
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

/// Behind the area code that ends at `at`: `)` and perhaps a mark where it is in parentheses, else one of `marks`.
fn behind_area(bytes: &[u8], at: usize, opened: bool, marks: &[u8]) -> Option<usize> {
    let behind = skip(bytes, at, if opened { b")" } else { marks });
    (behind > at).then(|| if opened { skip(bytes, behind, b" -") } else { behind })
}

/// A number of a Chinese landline with its area code: `010-12345678`, `(0755) 1234 5678`, perhaps an extension
/// (`-801`, `转801`, `转分机 801`).
fn landline(text: &str, run: Run) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    if !matches!(run.count, 3 | 4) {
        return None;
    }
    let (_, area) = seen::digits::<4>(bytes, run.start, run.count)?;
    let code = area[1..run.count].iter().fold(0_u32, |code, digit| code * 10 + u32::from(*digit));
    if area[0] != 0 || !is_area(code) || (run.count == 3) != (code < 100) {
        return None;
    }
    let (previous, length) = seen::before(bytes, run.start);
    let opened = previous == b'(';
    let at = behind_area(bytes, run.end, opened, b"- ")?;
    if !(b'2'..=b'8').contains(&seen::at(bytes, at).0) {
        return None;
    }
    let (mut count, mut end) = count_digits(bytes, at);
    if matches!(count, 3 | 4) {
        let second = skip(bytes, end, b"- ");
        let (more, behind) = count_digits(bytes, second);
        if second == end || more != 4 {
            return None;
        }
        (count, end) = (count + 4, behind);
    }
    if !(count == 8 || count == 7 && run.count == 4) {
        return None;
    }
    let extension = behind_transfer(text, end).unwrap_or_else(|| skip(bytes, end, b"-"));
    let (more, behind) = count_digits(bytes, extension);
    if extension > end && (1..=5).contains(&more) {
        end = behind;
    }
    Some((if opened { run.start - length } else { run.start }, end))
}

/// Behind the words before an extension: `转`, `转分机`, with a space on either side.
fn behind_transfer(text: &str, end: usize) -> Option<usize> {
    let words = text[skip(text.as_bytes(), end, b" ")..].strip_prefix(['转', '轉'])?;
    let words = words.strip_prefix("分机").or(words.strip_prefix("分機")).unwrap_or(words);
    Some(skip(text.as_bytes(), text.len() - words.len(), b" "))
}

/// A number of North America: `(415) 555-2671`, `415-555-2671`, `1.415.555.2671`.
fn north_american(bytes: &[u8], run: Run) -> Option<(usize, usize)> {
    let (mut start, mut at) = (run.start, run.start);
    let opened = match run.count {
        1 if seen::at(bytes, run.start).0 == b'1' => {
            let mark = skip(bytes, run.end, b"-. ");
            at = skip(bytes, mark, b"(");
            if mark == run.end {
                return None;
            }
            at > mark
        }
        3 => {
            let (previous, length) = seen::before(bytes, run.start);
            let opened = previous == b'(';
            start -= if opened { length } else { 0 };
            opened
        }
        _ => return None,
    };
    let (area_end, [first, second, third]) = seen::digits::<3>(bytes, at, 3)?;
    if first < 2 || second == 9 || (second, third) == (1, 1) {
        return None;
    }
    let mark = seen::at(bytes, area_end).0;
    // The mark that a `1` has behind it, the others have too.
    if run.count == 1 && !opened && seen::at(bytes, run.end).0 != mark {
        return None;
    }
    let at = behind_area(bytes, area_end, opened, b"-.")?;
    let (end, [first, second, third]) = seen::digits::<3>(bytes, at, 3)?;
    let last = if opened { skip(bytes, end, b"-. ") } else { skip(bytes, end, &[mark]) };
    if first < 2 || (second, third) == (1, 1) || last == end {
        return None;
    }
    let (count, end) = count_digits(bytes, last);
    (count == 4).then_some((start, end))
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

    use super::*;

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
