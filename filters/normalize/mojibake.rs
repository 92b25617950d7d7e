//! Repairs text that was UTF-8 and was once read as Windows-1252.

/// Turns runs of characters that are UTF-8 read as Windows-1252 back into what they were, as often as
/// it happened, up to three times. `None` where there is nothing to repair.
pub fn repair(text: &str) -> Option<String> {
    let mut repaired = None;
    for _ in 0..3 {
        match repair_once(repaired.as_deref().unwrap_or(text)) {
            Some(better) => repaired = Some(better),
            None => break,
        }
    }
    repaired
}

fn repair_once(text: &str) -> Option<String> {
    let mut out = None::<String>;
    let mut from = 0;
    // Only the lead byte of two to four can begin a run: Â to ô, whose own first byte is C3.
    for at in memchr::memchr_iter(0xc3, text.as_bytes()) {
        if at < from {
            continue;
        }
        let lead = text.as_bytes()[at + 1] + 0x40;
        if !(0xc2..=0xf4).contains(&lead) {
            continue;
        }
        let wanted = match lead {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            _ => 4,
        };
        let mut bytes = [0; 4];
        let mut end = at;
        let mut filled = 0;
        for next in text[at..].chars().take(wanted) {
            let Some(byte) = byte_of(next) else { break };
            if filled > 0 && !(0x80..0xc0).contains(&byte) {
                break;
            }
            bytes[filled] = byte;
            filled += 1;
            end += next.len_utf8();
        }
        let found = (filled == wanted).then(|| std::str::from_utf8(&bytes[..filled]).ok()).flatten();
        if let Some(found) = found.filter(|found| likely(&text[at..end], found)) {
            let out = out.get_or_insert_default();
            out.push_str(&text[from..at]);
            out.push_str(found);
            from = end;
        }
    }
    out.map(|mut out| {
        out.push_str(&text[from..]);
        out
    })
}

/// Two letters that also make a pair of bytes occur in real words (`Ã©` does not, `Í¥` may): a pair is
/// taken for mojibake only if its second character is none that follows a letter in any language.
fn likely(run: &str, found: &str) -> bool {
    let mut rest = run.chars();
    rest.next();
    let odd = |c: char| !c.is_alphabetic() || u32::from(c) > 0xff || matches!(c, 'ª' | 'º' | 'µ');
    found.chars().all(|c| !c.is_control())
        && (run.chars().count() > 2
            || rest.all(odd) && !run.starts_with(['Â', 'Î', 'Ï', 'Ð', 'Ñ', '×'])
            || run.starts_with('Â') && rest_is_latin1(run))
}

/// `Â` before a mark of Latin-1 is the most common mojibake of all: `Â£`, `Â©`, and the no-break space.
fn rest_is_latin1(run: &str) -> bool {
    run.chars().nth(1).is_some_and(|c| matches!(c, '\u{a0}'..='\u{bf}'))
}

/// The byte that Windows-1252 reads as this character; bytes it leaves undefined are read as Latin-1
/// has them.
fn byte_of(c: char) -> Option<u8> {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match u32::from(c) {
        code @ 0..=0xff => Some(code as u8),
        _ => HIGH.iter().position(|high| *high == c).map(|at| 0x80 + at as u8),
    }
}
