//! One look at a text, eight bytes at a time, that tells whether there is anything to normalise.

use super::{is_invisible, is_space};

/// What one look tells. Each may be false where nothing is to be done, and never true where something is.
pub struct Glance {
    /// White space and control characters are as they should be: single spaces between words, at most
    /// one empty line, none at either end, no space at the end of a line.
    pub laid_out: bool,
    /// The text can only be in NFC: ASCII, Latin letters below the combining marks, ideographs, kana
    /// without its marks, full-width forms.
    pub composed: bool,
}

impl Glance {
    pub fn at(text: &str) -> Glance {
        let bytes = text.as_bytes();
        let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\n'));
        let edges = bytes.first() == Some(&b'\n') || blank(bytes.last());
        let mut laid_out = !edges && memchr::memmem::find(bytes, b"\n\n\n").is_none();
        let mut composed = true;
        let mut at = 0;
        // Where a block is not plain, its characters are looked at one by one.
        let mut slow = 0;
        while at < bytes.len() && (laid_out || composed) {
            if at >= slow {
                match bytes.get(at..).and_then(|rest| rest.first_chunk()) {
                    Some(block) if is_plain(block) => at += BLOCK,
                    _ => slow = at + BLOCK,
                }
                continue;
            }
            match bytes[at] {
                byte @ 0..=0x7f => {
                    laid_out &= match byte {
                        b' ' => !blank(bytes.get(at + 1)),
                        b'!'..=b'~' | b'\n' => true,
                        _ => false,
                    };
                    at += 1;
                }
                0x80..=0xbf => at += 1, // the rest of a character that began in a plain block
                _ => {
                    let c = text[at..].chars().next().expect("a character stands where a lead byte does");
                    laid_out &= !(is_space(c) || is_invisible(c) || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}'));
                    composed &= is_surely_composed(c);
                    at += c.len_utf8();
                }
            }
        }
        Glance { laid_out, composed }
    }
}

/// Whether a character takes no part in composing. Anything that is not among these is looked up.
fn is_surely_composed(c: char) -> bool {
    matches!(c, '\0'..='\u{2ff}' | '\u{2002}'..='\u{203f}' | '\u{3000}'..='\u{3029}' | '\u{3030}'..='\u{3098}' | '\u{30a0}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ff00}'..='\u{ff7f}')
}

/// Bytes that are looked at together.
const BLOCK: usize = 32;

/// Whether a block of UTF-8 holds nothing but what is in order and composed: printable ASCII, single
/// spaces, ends of lines, Latin letters, ideographs, kana, and the commonest punctuation. The two bytes
/// behind the block are looked at, not judged. Without a branch, so that a compiler makes vectors of it.
fn is_plain(bytes: &[u8; BLOCK + 2]) -> bool {
    let mut plain = true;
    for at in 0..BLOCK {
        let (lead, second, third) = (bytes[at], bytes[at + 1], bytes[at + 2]);
        let within = |byte: u8, first: u8, last: u8| byte.wrapping_sub(first) <= last - first;
        let ascii = within(lead, b'!', b'~') | (lead == b'\n');
        let space = (lead == b' ') & (second != b' ') & (second != b'\n');
        let latin_or_behind_lead = within(lead, 0x80, 0xbf) | within(lead, 0xc3, 0xcb);
        let ideograph = within(lead, 0xe4, 0xe9);
        // U+2010 to U+2027: dashes, quotes, dots.
        let punctuation = (lead == 0xe2) & (second == 0x80) & within(third, 0x90, 0xa7);
        // U+3001 to U+3011, U+3041 to U+307F.
        let brackets = (second == 0x80) & within(third, 0x81, 0x91);
        let kana = (second == 0x81) & (third != 0x80);
        let full_width = (lead == 0xef) & (second == 0xbc);
        let east_asian = (lead == 0xe3) & (brackets | kana) | full_width;
        plain &= ascii | space | latin_or_behind_lead | ideograph | punctuation | east_asian;
    }
    plain
}

const EACH: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = EACH * 0x80;

/// Eight bytes of ASCII at once, or `None` near the end and where there are others.
pub fn eight(bytes: &[u8], at: usize) -> Option<u64> {
    let word = u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().expect("eight bytes"));
    (word & HIGH == 0).then_some(word)
}

/// The high bit of each byte that equals `wanted`; all bytes are ASCII.
fn equal(word: u64, wanted: u8) -> u64 {
    HIGH & !((word ^ (EACH * u64::from(wanted))) + (EACH * 0x7f))
}

/// The high bit of each byte that is a control character. Bytes below the space have no carry into it.
fn control(word: u64) -> u64 {
    HIGH & !(word + EACH * (0x80 - 0x20)) | equal(word, 0x7f)
}

/// Whether eight bytes are printable, with single spaces within and none at either end.
pub fn is_in_order(word: u64) -> bool {
    let spaces = equal(word, b' ');
    control(word) == 0 && spaces & (spaces >> 8) == 0 && spaces & (0x80 | 0x80 << 56) == 0
}

/// Passes over ideographs, kana, full-width ASCII, and their commas, stops and brackets: nothing among them is a space, a
/// mark, or in need of composing.
pub fn behind_cjk(bytes: &[u8], mut at: usize) -> usize {
    while let Some(&[lead, second, third]) = bytes.get(at..at + 3).and_then(|three| three.first_chunk()) {
        let passes = match lead {
            0xe4..=0xe9 => true,
            0xe3 => second == 0x80 && matches!(third, 0x81..=0x91) || second == 0x81 && third >= 0x81,
            0xef => second == 0xbc,
            _ => false,
        };
        if !passes {
            break;
        }
        at += 3;
    }
    at
}
