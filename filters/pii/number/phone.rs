//! Telephone numbers, by the plans of those who give them out.

use super::super::seen;
use super::{Run, count_digits, skip};

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
pub(super) fn is_international(digits: &[u8]) -> bool {
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
pub(super) fn international(bytes: &[u8], start: usize) -> Option<usize> {
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
pub(super) fn with_bracket(bytes: &[u8], start: usize, end: usize, last: usize) -> usize {
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
pub(super) fn chinese_mobile(bytes: &[u8], start: usize) -> Option<usize> {
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
pub(super) fn is_area(code: u32) -> bool {
    matches!(code, 10 | 20..=25 | 27..=29)
        || matches!(code,
            310..=319 | 335 | 349..=359 | 370..=379 | 391..=398 | 411..=419 | 421 | 427 | 429 | 431..=439 | 451..=459
            | 464 | 467..=479 | 482 | 483 | 510..=519 | 523 | 527 | 530..=539 | 543 | 546 | 550..=559 | 561..=566
            | 570..=580 | 591..=599 | 631..=635 | 660 | 662 | 663 | 668 | 691 | 692 | 701 | 710..=719 | 722 | 724 | 728
            | 730..=739 | 743..=746 | 750..=760 | 762 | 763 | 766 | 768..=779 | 790..=799 | 812 | 813 | 816..=818
            | 825..=827 | 830..=839 | 851..=859 | 870..=879 | 883 | 886..=888 | 891..=898 | 901..=903 | 906 | 908 | 909
            | 911..=917 | 919 | 930..=939 | 941 | 943 | 951..=955 | 970..=979 | 990..=999)
}

/// Behind the area code that ends at `at`: `)` and perhaps a mark where it is in parentheses, else one of `marks`.
fn behind_area(bytes: &[u8], at: usize, opened: bool, marks: &[u8]) -> Option<usize> {
    let behind = skip(bytes, at, if opened { b")" } else { marks });
    (behind > at).then(|| if opened { skip(bytes, behind, b" -") } else { behind })
}

/// A number of a Chinese landline with its area code: `010-12345678`, `(0755) 1234 5678`, perhaps an extension
/// (`-801`, `转801`, `转分机 801`).
pub(super) fn landline(text: &str, run: Run) -> Option<(usize, usize)> {
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
pub(super) fn north_american(bytes: &[u8], run: Run) -> Option<(usize, usize)> {
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
