//! Numbers of cards: those of identity, and those of banks.

use super::super::seen;
use super::Run;
use crate::kit::is_luhn;

/// First two digits of a Chinese identity number: the province.
pub(super) fn is_province(code: u8) -> bool {
    matches!(code, 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83 | 91)
}

pub(super) fn is_date(year: u32, month: u8, day: u8) -> bool {
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
pub(super) fn id_card(bytes: &[u8], run: Run, old: bool) -> Option<usize> {
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
pub(super) fn is_issued(digits: &[u8]) -> bool {
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
pub(super) fn bank_card(bytes: &[u8], run: Run) -> Option<usize> {
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
