//! What comes off the front and the back of a chunk, what cuts it within, and what stays whole.

use super::super::{Span, push};
use super::{Rules, french};

/// Marks that come off the front or the back alike.
fn is_mark(c: char) -> bool {
    if c.is_ascii() { ASCII_MARKS >> u32::from(c) & 1 == 1 } else { is_any_mark(c) }
}

/// One bit for each ASCII mark.
const ASCII_MARKS: u128 = {
    let (mut bits, mut byte) = (0, 0_u8);
    while byte < 128 {
        if is_any_mark(byte as char) {
            bits |= 1 << byte;
        }
        byte += 1;
    }
    bits
};

const fn is_any_mark(c: char) -> bool {
    matches!(
        c,
        '…' | ','
            | ':'
            | ';'
            | '!'
            | '?'
            | '¿'
            | '؟'
            | '¡'
            | '('
            | ')'
            | '['
            | ']'
            | '{'
            | '}'
            | '<'
            | '>'
            | '_'
            | '#'
            | '*'
            | '&'
            | '。'
            | '？'
            | '！'
            | '，'
            | '、'
            | '；'
            | '：'
            | '～'
            | '·'
            | '।'
            | '،'
            | '۔'
            | '؛'
            | '٪'
    ) || is_quote(c)
}

const fn is_quote(c: char) -> bool {
    matches!(
        c,
        '\'' | '"'
            | '”'
            | '“'
            | '`'
            | '‘'
            | '´'
            | '’'
            | '‚'
            | '„'
            | '»'
            | '«'
            | '「'
            | '」'
            | '『'
            | '』'
            | '（'
            | '）'
            | '〔'
            | '〕'
            | '【'
            | '】'
            | '《'
            | '》'
            | '〈'
            | '〉'
            | '⟦'
            | '⟧'
    )
}

fn is_currency(c: char) -> bool {
    matches!(c, '$' | '£' | '€' | '¥' | '฿' | '₽' | '﷼' | '₴' | '₠'..='₿')
}

/// Symbols that are words of their own (general category So, but for the rare ones).
fn is_icon(c: char) -> bool {
    !c.is_ascii()
        && matches!(c, '¦' | '©' | '®' | '°' | '\u{2100}'..='\u{2101}' | '\u{2103}'..='\u{2106}' | '\u{2108}'..='\u{2109}' | '\u{2114}' | '\u{2116}'..='\u{2117}' | '\u{211e}'..='\u{2123}' | '\u{2195}'..='\u{2199}' | '\u{219c}'..='\u{219f}' | '\u{21a1}'..='\u{21a2}' | '\u{21a4}'..='\u{21a5}' | '\u{21a7}'..='\u{21ad}' | '\u{2300}'..='\u{2307}' | '\u{230c}'..='\u{231f}' | '\u{2322}'..='\u{2328}' | '\u{232b}'..='\u{2426}' | '\u{249c}'..='\u{24e9}' | '\u{2500}'..='\u{25b6}' | '\u{25b8}'..='\u{25c0}' | '\u{25c2}'..='\u{25f7}' | '\u{2600}'..='\u{266e}' | '\u{2670}'..='\u{2767}' | '\u{2794}'..='\u{27bf}' | '\u{2800}'..='\u{28ff}' | '\u{2b00}'..='\u{2b2f}' | '\u{2b4d}'..='\u{2bff}' | '\u{3004}' | '\u{3012}'..='\u{3013}' | '\u{3020}' | '\u{3036}'..='\u{3037}' | '\u{3190}'..='\u{3191}' | '\u{3200}'..='\u{321e}' | '\u{3260}'..='\u{327f}' | '\u{fffc}'..='\u{fffd}' | '\u{1f000}'..='\u{1f3fa}' | '\u{1f400}'..='\u{1faff}')
}

/// Units that come off a number.
pub(super) const UNITS: [&str; 48] = [
    "km", "km²", "km³", "m", "m²", "m³", "dm", "dm²", "dm³", "cm", "cm²", "cm³", "mm", "mm²", "mm³", "ha", "µm", "nm",
    "yd", "in", "ft", "kg", "g", "mg", "µg", "t", "lb", "oz", "m/s", "km/h", "mph", "hPa", "Pa", "mbar", "mb", "MB",
    "kb", "KB", "gb", "GB", "tb", "TB", "T", "G", "M", "K", "%", "км",
];

/// In bytes.
pub(super) const LONGEST_UNIT: usize = 4;

impl Rules {
    /// Whether no mark comes off a chunk, nor any word.
    pub(super) fn stays_whole(self, chunk: &str) -> bool {
        self == Rules::French && french::is_compound(chunk)
    }

    /// Length of what comes off the front, in bytes; 0 for nothing.
    pub(super) fn prefix(self, chunk: &str) -> usize {
        let mut characters = chunk.chars();
        let Some(first) = characters.next() else { return 0 };
        let next = characters.next();
        match first {
            'd' | 'l' | 'n' | 'D' | 'L' | 'N' if self == Rules::French => {
                let elided = next.filter(|next| is_apostrophe(*next));
                let letter = characters.next().is_some_and(char::is_alphabetic);
                elided.filter(|_| letter).map_or(0, |next| 1 + next.len_utf8())
            }
            'a'..='z' | '0'..='9' | '\u{4e00}'..='\u{9fff}' => 0,
            'A'..='Z' if !matches!(first, 'A' | 'C' | 'U') => 0,
            '`' if self == Rules::German && next == Some('`') => 2,
            '.' => {
                let dots = chunk.bytes().take_while(|&byte| byte == b'.').count();
                if dots >= 2 { dots } else { 0 }
            }
            '…' => first.len_utf8(),
            '§' | '%' | '=' | '—' | '–' => first.len_utf8(),
            '+' if !next.is_some_and(|next| next.is_ascii_digit()) => 1,
            'U' if chunk.starts_with("US$") => 3,
            'C' | 'A' if next == Some('$') => 2,
            _ if is_mark(first) || is_currency(first) || is_icon(first) => first.len_utf8(),
            _ => 0,
        }
    }

    /// Length of what comes off the back, in bytes; 0 for nothing.
    pub(super) fn suffix(self, chunk: &str) -> usize {
        let Some(last) = chunk.chars().next_back() else { return 0 };
        let before = &chunk[..chunk.len() - last.len_utf8()];
        let possessive = matches!(self, Rules::General | Rules::English | Rules::Russian);
        if possessive && matches!(last, 's' | 'S') && before.ends_with(is_apostrophe) {
            return chunk.len() - before.char_indices().next_back().map_or(0, |(at, _)| at);
        }
        if last == '.' {
            let dots = chunk.bytes().rev().take_while(|&byte| byte == b'.').count();
            return if dots >= 2 { dots } else { usize::from(self.dot_comes_off(before)) };
        }
        if chunk.ends_with("……") {
            return "……".len();
        }
        if self == Rules::German && (last == '/' || chunk.ends_with("''")) {
            return if last == '/' { 1 } else { 2 };
        }
        if matches!(last, '\u{4e00}'..='\u{9fff}') {
            return 0;
        }
        let dashes = matches!(self, Rules::General | Rules::English | Rules::Spanish | Rules::Russian);
        let icons = !matches!(self, Rules::French | Rules::Arabic);
        if is_mark(last) || dashes && matches!(last, '—' | '–') || icons && is_icon(last) {
            return last.len_utf8();
        }
        let behind_number = before.chars().next_back().is_some_and(|c| c.is_ascii_digit());
        if behind_number && (last == '+' || is_currency(last)) {
            return last.len_utf8();
        }
        if last.is_ascii_digit() {
            return 0; // no unit ends with one
        }
        // Only the end is looked at: a chunk may be as long as the text, and shed a million marks.
        if chunk.bytes().rev().take(LONGEST_UNIT + 1).any(|byte| byte.is_ascii_digit()) {
            let unit = UNITS.iter().filter(|unit| {
                let number = chunk.strip_suffix(**unit);
                number.is_some_and(|number| number.ends_with(|c: char| c.is_ascii_digit()))
                    && !(self == Rules::Spanish && **unit == "%")
            });
            return unit.map(|unit| unit.len()).max().unwrap_or(0);
        }
        if self == Rules::French { hyphenated_pronoun(chunk) } else { 0 }
    }

    /// Whether a dot comes off the text before it.
    fn dot_comes_off(self, before: &str) -> bool {
        let mut back = before.chars().rev();
        let (one, two) = (back.next(), back.next());
        let upper = one.is_some_and(char::is_uppercase) && two.is_some_and(char::is_uppercase);
        let Some(one) = one.filter(|_| !upper && self != Rules::Arabic) else { return upper };
        match one {
            _ if self == Rules::Russian && is_stress(one) => two.is_some_and(char::is_alphabetic),
            _ if one.is_lowercase() => true,
            '0'..='9' => self != Rules::German,
            '%' | '²' | '-' | '+' => true,
            '—' | '–' => self == Rules::Spanish,
            _ if is_quote(one) => true,
            // The mark between the alternatives of spaCy's expression is one of its class.
            '|' => self != Rules::French,
            _ if is_mark(one) => self != Rules::French || matches!(one, '(' | ')' | '?' | ':'),
            // Scripts without case count as lower case.
            _ => one.is_alphabetic() && !one.is_uppercase(),
        }
    }

    /// Cuts what is left of a chunk at marks between letters or digits.
    pub(super) fn infixes(self, text: &str, start: usize, end: usize, spans: &mut Vec<Span>) {
        let chunk = &text[start..end];
        if chunk.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return push(spans, start, end);
        }
        let mut from = 0; // of the word that is being read
        let mut at = 0;
        let (mut earlier, mut before): (Option<char>, Option<char>) = (None, None);
        while let Some(c) = chunk[at..].chars().next() {
            // Behind an elision there is a cut without a mark.
            // Han: most of what a text without spaces has to look through.
            if matches!(c, '\u{4e00}'..='\u{9fff}') && self != Rules::French {
                before = Some(c);
                at += c.len_utf8();
                continue;
            }
            if self == Rules::Russian && is_stress(c) && before.is_some_and(char::is_alphabetic) {
                at += c.len_utf8();
                continue;
            }
            if self == Rules::French
                && before.is_some_and(is_apostrophe)
                && earlier.is_some_and(char::is_alphabetic)
                && c.is_alphabetic()
            {
                push(spans, start + from, start + at);
                from = at;
            }
            let length = self.infix(chunk, at, c, before);
            if length > 0 {
                push(spans, start + from, start + at);
                push(spans, start + at, start + at + length);
                (earlier, before) = (None, chunk[..at + length].chars().next_back());
                at += length;
                from = at;
            } else {
                (earlier, before) = (before, Some(c));
                at += c.len_utf8();
            }
        }
        push(spans, start + from, end);
    }

    /// Length of the infix that stands at `at`; 0 if there is none.
    fn infix(self, chunk: &str, at: usize, c: char, before: Option<char>) -> usize {
        let after = chunk[at + c.len_utf8()..].chars().next();
        let is = |side: Option<char>, what: fn(char) -> bool| side.is_some_and(what);
        let between_letters = || is(before, char::is_alphabetic) && is(after, char::is_alphabetic);
        let digit: fn(char) -> bool = |c| c.is_ascii_digit();
        let german = self == Rules::German;
        match c {
            '.' => {
                let dots = chunk[at..].bytes().take_while(|&byte| byte == b'.').count();
                if dots >= 2 {
                    return dots;
                }
                let quoted = |side: Option<char>| !german && is(side, is_quote);
                let sentence = (is(before, is_lower) || quoted(before)) && (is(after, is_upper) || quoted(after));
                usize::from(sentence)
            }
            '…' => '…'.len_utf8(),
            _ if c.is_alphanumeric() => 0,
            ',' if between_letters() => 1,
            '!' | '?' | '(' | ')' | '[' | ']' if german && between_letters() => 1,
            _ if german && c != '\'' && is_quote(c) && between_letters() => c.len_utf8(),
            '/' if german => {
                let alnum: fn(char) -> bool = |c| c.is_ascii_digit() || c.is_alphabetic();
                usize::from(is(before, alnum) && is(after, alnum))
            }
            '-' if german => {
                if is(before, digit) && is(after, digit) {
                    return 1;
                }
                let two = chunk[at..].starts_with("--") && is(before, char::is_alphabetic);
                if two && is(chunk[at + 2..].chars().next(), char::is_alphabetic) { 2 } else { 0 }
            }
            ':' | '<' | '>' | '=' if german => usize::from(between_letters()),
            '+' | '*' | '^' if !german && is(before, digit) && (is(after, digit) || after == Some('-')) => 1,
            '-' | '–' | '—' | '~' if !german && self != Rules::Spanish => {
                let run = if c == '~' {
                    c.len_utf8()
                } else {
                    chunk[at..].chars().take_while(|next| *next == c).take(3).map(char::len_utf8).sum()
                };
                let behind = chunk[at + run..].chars().next();
                // In English a number may stand before it.
                let joins = is(before, char::is_alphabetic) || self == Rules::English && is(before, digit);
                if joins && is(behind, char::is_alphabetic) {
                    return run;
                }
                let between_numbers = c == '-' && is(before, digit) && (is(after, digit) || after == Some('-'));
                usize::from(between_numbers)
            }
            ':' | '<' | '>' | '=' | '/' if is(before, char::is_alphanumeric) && is(after, char::is_alphabetic) => 1,
            _ if is_icon(c) => c.len_utf8(),
            _ => 0,
        }
    }
}

/// A mark on a letter, as Russian has for stress.
fn is_stress(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

pub(super) fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’')
}

/// Length of a French pronoun behind a hyphen (`dit-il`), which comes off a verb; 0 if there is none.
fn hyphenated_pronoun(chunk: &str) -> usize {
    const PRONOUNS: [&str; 13] =
        ["ce", "clés", "elle", "en", "il", "ils", "je", "là", "moi", "nous", "on", "t", "vous"];
    let Some((at, hyphen)) = chunk.char_indices().rev().take(6).find(|(_, c)| matches!(c, '-' | '–' | '—' | '‐' | '‑'))
    else {
        return 0;
    };
    let pronoun = &chunk[at + hyphen.len_utf8()..];
    let verb = chunk[..at].chars().next_back().is_some_and(char::is_alphabetic);
    let known = PRONOUNS.iter().any(|known| *known == pronoun || known.to_uppercase() == pronoun);
    if verb && known { chunk.len() - at } else { 0 }
}

/// Scripts without case are both, as in spaCy's character classes.
fn is_lower(c: char) -> bool {
    c.is_alphabetic() && !c.is_uppercase()
}

fn is_upper(c: char) -> bool {
    c.is_alphabetic() && !c.is_lowercase()
}

/// A chunk that is a URL or an address stays whole.
pub(super) fn is_url(chunk: &str) -> bool {
    if chunk.len() < 4 || !chunk.contains('.') {
        return false;
    }
    let rest = match chunk.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => rest,
        Some(_) => return false,
        None => chunk.strip_prefix("mailto:").unwrap_or(chunk),
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split(':').next().unwrap_or_default();
    let mut labels = host.rsplit('.');
    let last_is_name =
        labels.next().is_some_and(|top| top.len() >= 2 && top.chars().all(|c| c.is_alphabetic() && !c.is_uppercase()));
    let mut others = 0;
    let plain = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    let all_plain = labels.all(|label| {
        others += 1;
        plain(label)
    });
    last_is_name && all_plain && others > 0
}
