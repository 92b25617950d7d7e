//! The code pages that UTF-8 is most often misread with, and what is to be known of their characters.

use std::collections::HashMap;
use std::sync::LazyLock;

use encoding_rs as rs;

use super::suspicion::{RULES, Set, classes_of};

/// Code pages in the order in which they are tried.
pub const PAGES: usize = 10;
/// The place of Latin-1.
pub const LATIN_1: usize = 0;
/// The place of Windows-1252.
pub const WINDOWS_1252: usize = 1;
const MACROMAN: usize = 8;

/// What stands for `U+FFFD` in a Windows code page: a byte that once was something else.
pub const LOST: u8 = 0x1a;

/// Whether a code page is one of Windows: bytes that it leaves undefined are read as Latin-1 has them,
/// and `U+FFFD` may stand for any.
pub fn is_windows(page: usize) -> bool {
    (1..=6).contains(&page)
}

/// In Mac OS Roman, `–` and a space look like a letter that lost its no-break space.
pub fn restores_spaces(page: usize) -> bool {
    page != MACROMAN
}

const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// The character of a byte from 0x80 on.
fn decoded(page: usize, byte: u8) -> char {
    let encoding = match page {
        LATIN_1 => return char::from(byte),
        WINDOWS_1252 => rs::WINDOWS_1252,
        2 => rs::WINDOWS_1251,
        3 => rs::WINDOWS_1250,
        4 => rs::WINDOWS_1253,
        5 => rs::WINDOWS_1254,
        6 => rs::WINDOWS_1257,
        7 => rs::ISO_8859_2,
        MACROMAN => rs::MACINTOSH,
        _ => return CP437.chars().nth(usize::from(byte) - 0x80).expect("128 characters"),
    };
    match encoding.decode_without_bom_handling(&[byte]).0.chars().next() {
        Some('\u{fffd}') | None => char::from(byte),
        Some(c) => c,
    }
}

/// The character that Windows-1252 has for a control character of Latin-1.
pub fn windows_1252(control: char) -> char {
    u8::try_from(u32::from(control)).map_or(control, |byte| if byte < 0x80 { control } else { decoded(1, byte) })
}

/// What is known of a character.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Known {
    /// Classes of [`super::suspicion`].
    pub classes: u32,
    /// Rules whose anchor it may be, one bit each.
    pub anchors: u64,
    /// Rules that have it, or nothing, behind their anchor.
    pub follows: u64,
    /// Its byte in each code page that has it.
    bytes: [u8; PAGES],
    /// Code pages that have it, one bit each.
    pages: u16,
    /// As which part of a character in UTF-8 it may have been misread: bits of [`part`].
    pub parts: u8,
}

/// Parts of a character in UTF-8.
pub mod part {
    /// First byte of two, three, four.
    pub const LEAD: [u8; 3] = [1, 2, 4];
    /// One of the others, a space for a no-break space included.
    pub const REST: u8 = 8;
    /// One of the others that does not stand for itself beside mojibake.
    pub const SURE_REST: u8 = 16;
}

/// Characters below this are looked up.
const LIMIT: usize = 0x2600;

struct Lookup {
    places: Vec<u16>,
    known: Vec<Known>,
    beyond: HashMap<char, Known>,
    /// Any other letter, and any other character.
    letter: Known,
    other: Known,
}

static LOOKUP: LazyLock<Lookup> = LazyLock::new(|| {
    let mut pages: HashMap<char, Known> = HashMap::new();
    for page in 0..PAGES {
        let mut set = |c: char, byte: u8| {
            let known = pages.entry(c).or_default();
            known.bytes[page] = byte;
            known.pages |= 1 << page;
        };
        for byte in 0x80..=0xff {
            set(decoded(page, byte), byte);
        }
        for byte in 0..0x80 {
            if byte == LOST && is_windows(page) {
                set('\u{fffd}', LOST);
            } else {
                set(char::from(byte), byte);
            }
        }
    }
    // Which part of UTF-8 a character may stand for: what the pages make of those bytes, without the
    // rarer ones of ISO 8859-2, Mac OS Roman and code page 437, whose letters are too common elsewhere.
    for (c, known) in &mut pages {
        for page in 0..=6 {
            if known.pages & 1 << page == 0 {
                continue;
            }
            known.parts |= match known.bytes[page] {
                0x80..=0xbf if matches!(c, '–' | '—' | '―' | '‘' | '’' | '‚' | '“' | '”' | '„' | '•' | '…') => {
                    part::REST
                }
                0x80..=0xbf => part::REST | part::SURE_REST,
                0xc2..=0xdf => part::LEAD[0],
                0xe0..=0xef => part::LEAD[1],
                0xf0 | 0xf3 => part::LEAD[2],
                b' ' => part::REST,
                _ => 0,
            };
        }
    }
    let describe = |c: char| {
        let mut known = pages.get(&c).copied().unwrap_or_default();
        describe(c, &mut known);
        known
    };
    let mut lookup = Lookup {
        places: Vec::with_capacity(LIMIT),
        known: Vec::new(),
        beyond: HashMap::new(),
        letter: describe('字'),
        other: describe('。'),
    };
    let mut seen = HashMap::new();
    for code in 0..LIMIT as u32 {
        let known = describe(char::from_u32(code).expect("no surrogate below the limit"));
        let place = *seen.entry(known).or_insert_with(|| {
            lookup.known.push(known);
            lookup.known.len() as u16 - 1
        });
        lookup.places.push(place);
    }
    for c in pages.keys().copied().filter(|c| *c as usize >= LIMIT) {
        lookup.beyond.insert(c, describe(c));
    }
    lookup
});

fn describe(c: char, known: &mut Known) {
    known.classes = classes_of(c);
    for (number, rule) in RULES.iter().enumerate() {
        let holds = |set: &Set| set.holds(c, known.classes);
        known.anchors |= u64::from(holds(&rule.sets[rule.anchor])) << number;
        known.follows |= u64::from(rule.sets.get(rule.anchor + 1).is_none_or(holds)) << number;
    }
}

/// Looks a character up.
pub fn known(c: char) -> Known {
    let lookup = &*LOOKUP;
    match lookup.places.get(c as usize) {
        Some(place) => lookup.known[usize::from(*place)],
        None => match c {
            '\u{3041}'..='\u{3096}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' => lookup.letter,
            // The space of ideographs, whose class no rule asks for behind its anchor.
            _ => match lookup.beyond.get(&c) {
                Some(known) => *known,
                None if c.is_alphanumeric() => lookup.letter,
                None => Known { classes: classes_of(c), ..lookup.other },
            },
        },
    }
}

/// Code pages that have every character of a text, one bit each.
pub fn pages_of(text: &str) -> u16 {
    let mut pages = (1 << PAGES) - 1;
    for c in text.chars() {
        if !matches!(c, ' '..='~') {
            pages &= known(c).pages;
            if pages == 0 {
                break;
            }
        }
    }
    pages
}

/// The text in a code page that has all its characters.
pub fn encode(text: &str, page: usize, bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.extend(text.chars().map(|c| if c.is_ascii() { c as u8 } else { known(c).bytes[page] }));
}
