//! Tells text that looks like mojibake: neighbours that no language has.
//!
//! The decisions are those of ftfy 6.3 (`ftfy/badness.py`): which characters belong together, and
//! which must not meet. A text is suspicious if any rule holds anywhere.

use super::pages::known;

const C1: u32 = 1;
/// Marks that hardly occur but in mojibake.
const BAD: u32 = 1 << 1;
const LAW: u32 = 1 << 2;
const CURRENCY: u32 = 1 << 3;
const OPEN: u32 = 1 << 4;
const CLOSE: u32 = 1 << 5;
const NUMBER: u32 = 1 << 6;
/// Letters that faces are made of, `(ó_ò)`.
const FACE: u32 = 1 << 7;
const UPPER: u32 = 1 << 8;
const LOWER: u32 = 1 << 9;
/// Letters of Greek and Cyrillic, which have many neighbours.
const OTHER_LETTER: u32 = 1 << 10;
const FRAME: u32 = 1 << 11;
const COMMON: u32 = 1 << 12;
const A_TO_Z: u32 = 1 << 13;
const CAPITAL_A_TO_Z: u32 = 1 << 14;
const SPACE: u32 = 1 << 15;
const WORD: u32 = 1 << 16;
const ANY: u32 = 1 << 17;
const NOT_LATIN: u32 = 1 << 18;

/// Classes of a character.
pub fn classes_of(c: char) -> u32 {
    let mark = match c {
        '\u{80}'..='\u{9f}' => C1,
        '\u{a0}' | '\u{ad}' | '·' | '´' | '–' | '—' | '―' | '…' | '’' => COMMON,
        '¦' | '¤' | '¨' | '¬' | '¯' | '¸' | 'ª' | 'º' | 'ƒ' | 'ˆ' | 'ˇ' | '˘' | '˛' | '˜' => BAD,
        '†' | '‡' | '‰' | '⌐' | '◊' | '\u{fffd}' => BAD,
        '¶' | '§' => LAW,
        '¢' | '£' | '¥' | '₧' | '€' => CURRENCY,
        '¡' | '«' | '¿' | '©' | '΄' | '΅' | '‘' | '‚' | '“' | '„' | '•' | '‹' | '\u{f8ff}' => OPEN,
        '®' | '»' | '˝' | '”' | '›' | '™' => CLOSE,
        '±' | '²' | '³' | '¹' | '¼'..='¾' | '×' | 'µ' | '÷' | '⁄' | '№' => NUMBER,
        '∂' | '∆' | '∏' | '∑' | '√' | '∞' | '∩' | '∫' | '≈' | '≠' | '≡' | '≤' | '≥' => NUMBER,
        '°' | 'Ò'..='Ö' | 'Ù'..='Ü' | 'ò'..='ö' | 'ø'..='ü' | 'Ő' | 'Ō' | 'Ū' | 'Ų' => FACE,
        '│' | '┌' | '┐' | '┘' | '├' | '┤' | '┬' | '┼' | '═'..='╬' => FRAME,
        '▀' | '▄' | '█' | '▌' | '▐' | '░'..='▓' => FRAME,
        _ => 0,
    };
    // Of Latin Extended-A, the letters that Windows 1250, 1254 and 1257 have, but for those of faces.
    let letter = match c {
        'À'..='Ñ' | 'Ø' | 'Ü' | 'Ý' => UPPER,
        'Ă' | 'Ā' | 'Ą' | 'Ć' | 'Č' | 'Ď' | 'Đ' | 'Ę' | 'Ě' | 'Ē' | 'Ė' | 'Ğ' | 'Ģ' | 'İ' | 'Ī' | 'Ķ' => {
            UPPER
        }
        'Ĺ' | 'Ľ' | 'Ł' | 'Ļ' | 'Ń' | 'Ň' | 'Ņ' | 'Œ' | 'Ř' | 'Ś' | 'Ş' | 'Š' | 'Ţ' | 'Ť' | 'Ů' | 'Ű' => {
            UPPER
        }
        'Ÿ' | 'Ź' | 'Ż' | 'Ž' | 'Ґ' => UPPER,
        'ß' | 'à'..='ñ' | 'ü' => LOWER,
        'ă' | 'ą' | 'ā' | 'ć' | 'č' | 'ď' | 'đ' | 'ę' | 'ě' | 'ē' | 'ė' | 'ğ' | 'ģ' | 'į' | 'ī' | 'ķ' => {
            LOWER
        }
        'ĺ' | 'ľ' | 'ł' | 'ļ' | 'œ' | 'ŕ' | 'ś' | 'ş' | 'š' | 'ť' | 'ź' | 'ż' | 'ž' | 'ґ' | 'ﬁ' | 'ﬂ' => {
            LOWER
        }
        'Þ' | 'Α'..='Ω' | 'Ά' | 'Έ'..='Ώ' | 'Ϊ' | 'Ϋ' | 'Ё'..='Я' => OTHER_LETTER,
        'α'..='ω' | 'ά'..='ί' | 'ΰ' | 'а'..='џ' => OTHER_LETTER,
        _ => 0,
    };
    let ascii = match c {
        'a'..='z' => A_TO_Z,
        'A'..='Z' => CAPITAL_A_TO_Z,
        _ => NOT_LATIN,
    };
    let space = u32::from(c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')) * SPACE;
    let word = u32::from(c == '_' || c.is_alphanumeric()) * WORD;
    mark | letter | ascii | space | word | ANY
}

/// Whether a Greek or Cyrillic letter is a small one: the only rule that asks.
fn is_small(c: char) -> bool {
    matches!(c, 'α'..='ω' | 'ά'..='ί' | 'ΰ' | 'а'..='џ')
}

/// Characters: those of some classes, and those that are listed.
#[derive(Debug, Clone, Copy)]
pub struct Set {
    classes: u32,
    listed: &'static str,
    small: bool,
    /// Nothing: the place before the text.
    start: bool,
}

impl Set {
    /// Whether a character of these classes is among them.
    pub fn holds(&self, c: char, classes: u32) -> bool {
        self.classes & classes != 0 || self.small && is_small(c) || self.listed.contains(c)
    }
}

const fn of(classes: u32) -> Set {
    Set { classes, listed: "", small: false, start: false }
}

const fn also(classes: u32, listed: &'static str) -> Set {
    Set { classes, listed, small: false, start: false }
}

const fn any(listed: &'static str) -> Set {
    also(0, listed)
}

/// Characters that must not follow one another.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// One set for each character.
    pub sets: &'static [Set],
    /// The first set that has no ASCII.
    pub anchor: usize,
}

const fn rule(anchor: usize, sets: &'static [Set]) -> Rule {
    Rule { sets, anchor }
}

const ACCENTED: u32 = LOWER | UPPER;
const MARKED: u32 = ACCENTED | FRAME | OPEN | CLOSE | CURRENCY | NUMBER | LAW;
const LATIN: u32 = A_TO_Z | CAPITAL_A_TO_Z;
/// Lead bytes C2, C3, CE and D0, those of Latin-1, Greek and Cyrillic.
const LEADS: Set = any("ÂÃÎÐ");
const ARABIC: Set = also(COMMON | CURRENCY | BAD | NUMBER | OPEN, "ŸŠ®°µ»");
const ODD: u32 = C1 | BAD | OPEN | CLOSE | CURRENCY;

/// What no language has.
pub const RULES: &[Rule] = &[
    rule(0, &[of(C1)]),
    rule(0, &[of(MARKED | BAD), of(BAD)]),
    rule(1, &[of(LATIN), of(OTHER_LETTER), of(BAD)]),
    rule(0, &[of(BAD), of(MARKED)]),
    rule(
        0,
        &[Set { classes: LOWER | FRAME | CLOSE | CURRENCY | NUMBER, listed: "", small: true, start: false }, of(UPPER)],
    ),
    rule(0, &[of(FRAME | CLOSE | CURRENCY | NUMBER), of(LOWER)]),
    rule(0, &[of(LOWER | FRAME | CLOSE), of(CURRENCY)]),
    rule(1, &[of(SPACE), of(UPPER), of(CURRENCY)]),
    rule(0, &[of(UPPER | FRAME), of(NUMBER | LAW)]),
    rule(0, &[of(ACCENTED | FRAME | CURRENCY | CLOSE), of(OPEN), of(NUMBER)]),
    rule(0, &[of(ACCENTED | CURRENCY | NUMBER | FRAME | LAW), of(CLOSE), of(OPEN)]),
    rule(0, &[of(CURRENCY | NUMBER | FRAME), of(OPEN)]),
    rule(1, &[of(A_TO_Z), of(UPPER), of(OPEN | CURRENCY)]),
    rule(0, &[of(FRAME), of(FACE)]),
    rule(0, &[of(ACCENTED | CURRENCY | NUMBER | OPEN | CLOSE | LAW), of(FRAME)]),
    rule(0, &[of(FRAME), of(CLOSE)]),
    rule(0, &[of(ACCENTED), of(OPEN | CLOSE), of(WORD)]),
    rule(0, &[any("Œœ"), of(NOT_LATIN)]),
    rule(0, &[of(UPPER), any("°")]),
    rule(0, &[LEADS, also(OPEN | CLOSE, "€œŠš¢£Ÿž\u{a0}\u{ad}®©°·»–—´")]),
    rule(0, &[any("×"), any("²³")]),
    // Letters of Arabic, two in a row.
    rule(0, &[any("ØÙ"), ARABIC, any("ØÙ"), ARABIC]),
    // Letters of South Asia.
    rule(0, &[any("à"), any("²µ¹¼½¾")]),
    // Read as Mac OS Roman.
    rule(0, &[any("√"), any("±∂†≠®™´≤≥¥µø")]),
    rule(0, &[any("≈"), any("°¢")]),
    rule(0, &[any("‚"), any("Ä"), any("ìîïòôúùû†°¢π")]),
    rule(0, &[any("‚"), any("âó"), any("àä°ê")]),
    // Read as Windows-1251: punctuation, then letters of Latin-1 and Cyrillic, then twice misread.
    rule(0, &[any("в"), any("Ђ")]),
    rule(0, &[any("ВГРС"), also(ODD, "°µ"), any("ВГРС")]),
    rule(0, &[any("Г"), any("ў"), any("В"), any("Ђ"), any("В"), of(ANY), also(LATIN, " ")]),
    // `à`, `á` and the no-break space, some of them turned into a space.
    rule(0, &[any("Ã"), any("\u{a0}¡")]),
    rule(1, &[of(A_TO_Z), any("ÃÂ"), any(" ")]),
    rule(2, &[of(A_TO_Z), of(SPACE), any("ÃÂ"), any(" ")]),
    rule(1, &[Set { classes: 0, listed: "", small: false, start: true }, any("ÃÂ"), any(" ")]),
    rule(1, &[also(A_TO_Z | CLOSE, ".,?!"), any("Â"), also(OPEN | CLOSE, " ")]),
    // Read as Windows-1253 and Windows-1257.
    rule(0, &[any("β"), any("€"), any("™\u{a0}Ά\u{ad}®°")]),
    rule(0, &[any("ΒΓΞΟ"), also(ODD, "°"), any("ΒΓΞΟ")]),
    rule(0, &[any("ā"), any("€")]),
];

/// Whether a text has neighbours that no language has.
pub fn is_suspicious(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] < 0x80 {
            at += 1;
            continue;
        }
        let mut rest = text[at..].chars();
        let c = rest.next().expect("a character stands where a lead byte does");
        let behind = at + c.len_utf8();
        let mut possible = known(c).anchors;
        if possible != 0 {
            let next = rest.next();
            possible &= next.map_or(ENDS, |next| known(next).follows);
            while possible != 0 {
                let rule = &RULES[possible.trailing_zeros() as usize];
                if holds(rule, &text[..at], &text[behind..]) {
                    return true;
                }
                possible &= possible - 1;
            }
        }
        at = behind;
    }
    false
}

/// Rules whose anchor is their last.
const ENDS: u64 = {
    let (mut ends, mut number) = (0, 0);
    while number < RULES.len() {
        if RULES[number].anchor + 1 == RULES[number].sets.len() {
            ends |= 1 << number;
        }
        number += 1;
    }
    ends
};

/// Whether what stands around an anchor fits.
fn holds(rule: &Rule, before: &str, behind: &str) -> bool {
    let mut earlier = before.chars().rev();
    let mut later = behind.chars();
    let fits = |set: &Set, c: Option<char>| c.map_or(set.start, |c| set.holds(c, known(c).classes));
    rule.sets[..rule.anchor].iter().rev().all(|set| fits(set, earlier.next()))
        && rule.sets[rule.anchor + 1..].iter().all(|set| fits(set, later.next()))
}

/// Bytes that are looked at together.
const BLOCK: usize = 32;

/// The first place, or one shortly before it, of a character without which no rule holds; `None` where
/// there is no such. ASCII, ideographs, kana, Hangul, full-width forms, dashes and quotes are none.
pub fn first_suspect(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk::<{ BLOCK + 2 }>()) {
        let mut suspect = false;
        for place in 0..BLOCK {
            suspect |= is_suspect(block[place], block[place + 1], block[place + 2]);
        }
        if suspect {
            break;
        }
        at += BLOCK;
    }
    let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
    (at..bytes.len()).find(|&at| is_suspect(byte(at), byte(at + 1), byte(at + 2)))
}

/// Two bytes, or three that are neither a dash, a quote, nor full-width.
fn is_suspect(lead: u8, second: u8, third: u8) -> bool {
    let within = |byte: u8, first: u8, last: u8| byte.wrapping_sub(first) <= last - first;
    let quote = (second == 0x80) & (within(third, 0x90, 0x9f) | within(third, 0xa2, 0xaf));
    let full_width = within(second, 0xbc, 0xbd);
    within(lead, 0xc2, 0xdf) | (lead == 0xe2) & !quote | (lead == 0xee) | (lead == 0xef) & !full_width
}
