//! Words by the rules of spaCy's blank pipelines (version 3.8, MIT), which datatrove cuts many languages by.
//!
//! The text is cut at white space. Each chunk then sheds marks from its front and its back until it is
//! a known exception (`don't`, `U.S.`), a URL, or bare; what is left is cut at infixes (`a--b`,
//! `well-known`). Languages differ in which marks those are. The rules are written anew from their
//! description; they are held to spaCy's answers by the conformance test in `tests/conformance/datatrove`.

mod french;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Letters, Span, push};

/// Whose rules a text is cut by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Of no language: those that most languages share.
    General,
    /// As those, with contractions and abbreviations.
    English,
    /// A hyphen does not cut, a slash does; no dot comes off a number.
    German,
    /// An elided article or pronoun comes off.
    French,
    /// A hyphen does not cut.
    Spanish,
    /// Hardly a dot comes off.
    Arabic,
    /// As of no language, with abbreviations; a letter may bear a stress mark.
    Russian,
}

/// Cuts a text into words, marks included.
pub fn words(text: &str, rules: Rules, spans: &mut Vec<Span>) {
    let cutter = Cutter::of(rules);
    let exceptions = cutter.0;
    let bytes = text.as_bytes();
    let mut letters = Letters::of(bytes);
    let mut at = 0;
    while at < bytes.len() {
        // Chunks of ASCII letters, perhaps with a mark behind, are most of any text and need no more
        // than a look.
        let start = at;
        at = letters.end(at);
        if is_space(bytes, at) {
            if at > start {
                exceptions.whole(text, start, at, spans);
            }
            at += 1;
            continue;
        }
        if at > start && cutter.comes_off(text, start, at) {
            exceptions.whole(text, start, at, spans);
            spans.push((at as u32, at as u32 + 1));
            at += 2;
            continue;
        }
        let rest = &text[start..];
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        if length == 0 {
            at = start + rest.chars().next().map_or(1, char::len_utf8);
            continue;
        }
        exceptions.chunk(text, start, start + length, spans);
        at = start + length;
    }
}

impl Rules {
    /// Whether the mark at `at`, which follows an ASCII letter, always comes off: what [`suffix`] says
    /// of the few marks that are most of all.
    ///
    /// [`suffix`]: Rules::suffix
    fn comes_off(self, bytes: &[u8], at: usize) -> bool {
        match bytes[at] {
            b',' | b';' | b':' | b'!' | b'?' | b')' | b'"' => true,
            b'.' => self != Rules::Arabic && bytes[at - 1].is_ascii_lowercase(),
            _ => false,
        }
    }
}

/// Cuts chunks between white space one by one.
#[derive(Clone, Copy)]
pub struct Cutter(&'static Exceptions);

impl Cutter {
    /// By whose rules.
    pub fn of(rules: Rules) -> Cutter {
        Cutter(Exceptions::of(rules))
    }

    /// Cuts one chunk.
    pub fn chunk(self, text: &str, start: usize, end: usize, spans: &mut Vec<Span>) {
        self.0.chunk(text, start, end, spans);
    }

    /// Whether the chunk at `start` is ASCII letters up to `at` and one mark that comes off; that there are
    /// letters, the caller has seen.
    #[inline(always)]
    pub fn comes_off(self, text: &str, start: usize, at: usize) -> bool {
        let bytes = text.as_bytes();
        self.0.rules.comes_off(bytes, at) && is_space(bytes, at + 1) && self.0.find(&text[start..=at]).is_none()
    }
}

/// Whether there is ASCII white space at `at`, or nothing.
#[inline(always)]
pub fn is_space(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(|byte| byte.is_ascii_whitespace() || *byte == 0x0b)
}

/// Chunks that are words, or cut in a way of their own, by name.
struct Exceptions {
    rules: Rules,
    cuts: HashMap<String, Vec<u8>, BuildFast>,
    /// One bit for each sketch of an exception: few chunks that are none get past it.
    sketches: Box<[u64; 1024]>,
}

fn push_cuts(start: usize, end: usize, cuts: &[u8], spans: &mut Vec<Span>) {
    let mut from = start;
    for &cut in cuts {
        push(spans, from, start + usize::from(cut));
        from = start + usize::from(cut);
    }
    push(spans, from, end);
}

impl Exceptions {
    fn of(rules: Rules) -> &'static Exceptions {
        static ALL: LazyLock<[Exceptions; 7]> = LazyLock::new(|| {
            use Rules::{Arabic, English, French, General, German, Russian, Spanish};
            [General, English, German, French, Spanish, Arabic, Russian].map(Exceptions::new)
        });
        &ALL[rules as usize]
    }

    fn new(rules: Rules) -> Exceptions {
        let cuts = exceptions(rules);
        let mut sketches = Box::new([0; 1024]);
        for chunk in cuts.keys() {
            let sketch = sketch(chunk.as_bytes());
            sketches[sketch / 64] |= 1 << (sketch % 64);
        }
        Exceptions { rules, cuts, sketches }
    }

    /// Where a known exception is cut; an empty list keeps it whole.
    #[inline(always)]
    fn find(&self, chunk: &str) -> Option<&[u8]> {
        if self.may_be(chunk.as_bytes()) { self.cuts.get(chunk).map(Vec::as_slice) } else { None }
    }

    /// Whether a look at its ends and its length does not tell that a chunk is none.
    #[inline(always)]
    fn may_be(&self, chunk: &[u8]) -> bool {
        if chunk.len() > LONGEST || chunk.len() < 2 {
            return false;
        }
        let sketch = sketch(chunk);
        self.sketches[sketch / 64] >> (sketch % 64) & 1 == 1
    }

    /// A chunk of letters alone: it can only be an exception (`cannot`) or itself.
    #[inline(always)]
    fn whole(&self, text: &str, start: usize, end: usize, spans: &mut Vec<Span>) {
        match self.find(&text[start..end]) {
            Some(cuts) => push_cuts(start, end, cuts, spans),
            None => push(spans, start, end),
        }
    }

    /// A chunk between white space.
    fn chunk(&self, text: &str, start: usize, end: usize, spans: &mut Vec<Span>) {
        let (mut from, mut to) = (start, end);
        // Marks at the back come off from the outside in, and are put down in the text's order.
        let mut behind: [Span; 32] = [(0, 0); 32];
        let mut further: Vec<Span> = Vec::new(); // for the rare chunk that sheds more
        let mut shed = 0;
        while from < to {
            let now = &text[from..to];
            if self.find(now).is_some() || self.rules.stays_whole(now) {
                break;
            }
            let prefix = self.rules.prefix(now);
            if prefix > 0 && self.find(&now[prefix..]).is_some() {
                push(spans, from, from + prefix);
                from += prefix;
                break;
            }
            let suffix = self.rules.suffix(&now[prefix..]);
            let mut shed_behind = |to: usize| {
                let span = ((to - suffix) as u32, to as u32);
                match behind.get_mut(shed) {
                    Some(free) => *free = span,
                    None => further.push(span),
                }
                shed += 1;
                to - suffix
            };
            if suffix > 0 && self.find(&now[..now.len() - suffix]).is_some() {
                to = shed_behind(to);
                break;
            }
            if prefix > 0 && suffix > 0 {
                push(spans, from, from + prefix);
                from += prefix;
                to = shed_behind(to);
            } else if prefix > 0 {
                push(spans, from, from + prefix);
                from += prefix;
            } else if suffix > 0 {
                to = shed_behind(to);
            } else {
                break;
            }
        }
        if from < to {
            let now = &text[from..to];
            match self.find(now) {
                Some(cuts) => push_cuts(from, to, cuts, spans),
                None if self.rules.stays_whole(now) || is_url(now) => push(spans, from, to),
                None => self.rules.infixes(text, from, to, spans),
            }
        }
        spans.extend(further.iter().rev());
        spans.extend(behind[..shed.min(behind.len())].iter().rev());
    }
}

/// A number below 65,536 from the ends of a chunk and its length.
#[inline(always)]
fn sketch(chunk: &[u8]) -> usize {
    let (length, second) = (chunk.len(), usize::from(chunk[1]));
    let (first, last) = (usize::from(chunk[0]), usize::from(chunk[length - 1]));
    (first ^ second << 5 ^ last << 9 ^ length << 12) & 0xffff
}

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
const UNITS: [&str; 48] = [
    "km", "km²", "km³", "m", "m²", "m³", "dm", "dm²", "dm³", "cm", "cm²", "cm³", "mm", "mm²", "mm³", "ha", "µm", "nm",
    "yd", "in", "ft", "kg", "g", "mg", "µg", "t", "lb", "oz", "m/s", "km/h", "mph", "hPa", "Pa", "mbar", "mb", "MB",
    "kb", "KB", "gb", "GB", "tb", "TB", "T", "G", "M", "K", "%", "км",
];

/// In bytes.
const LONGEST_UNIT: usize = 4;

impl Rules {
    /// Whether no mark comes off a chunk, nor any word.
    fn stays_whole(self, chunk: &str) -> bool {
        self == Rules::French && french::is_compound(chunk)
    }

    /// Length of what comes off the front, in bytes; 0 for nothing.
    fn prefix(self, chunk: &str) -> usize {
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
    fn suffix(self, chunk: &str) -> usize {
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
    fn infixes(self, text: &str, start: usize, end: usize, spans: &mut Vec<Span>) {
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

fn is_apostrophe(c: char) -> bool {
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
fn is_url(chunk: &str) -> bool {
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

/// Longest exception, in bytes.
const LONGEST: usize = 33;

type BuildFast = xxhash_rust::xxh3::Xxh3DefaultBuilder;

/// Chunks with their cuts: of all languages, and of this one.
fn exceptions(rules: Rules) -> HashMap<String, Vec<u8>, BuildFast> {
    let language = match rules {
        Rules::General => "xx",
        Rules::English => "en",
        Rules::German => "de",
        Rules::French => "fr",
        Rules::Spanish => "es",
        Rules::Arabic => "ar",
        Rules::Russian => "ru",
    };
    let mut all = HashMap::default();
    for line in include_str!("../../data/spacy.txt").lines() {
        let mut parts = line.split(' ');
        if !matches!(parts.next(), Some(of) if of == "all" || of == language) {
            continue;
        }
        let (mut chunk, mut cuts) = (String::new(), Vec::new());
        for part in parts {
            if !chunk.is_empty() {
                cuts.push(chunk.len() as u8);
            }
            chunk.push_str(part);
        }
        all.insert(chunk, cuts);
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<&str> {
        let mut spans = Vec::new();
        super::words(text, super::Rules::English, &mut spans);
        spans.into_iter().map(|(start, end)| &text[start as usize..end as usize]).collect()
    }

    /// What spaCy 3.8's blank English tokenizer answers.
    #[test]
    fn words_are_those_of_spacy() {
        for (text, expected) in [
            ("Hello, world!", "Hello|,|world|!"),
            ("I don't think it's well-known.", "I|do|n't|think|it|'s|well|-|known|."),
            (
                "(see https://example.org/a?b=c, or mail a.b@example.org)",
                "(|see|https://example.org/a?b=c|,|or|mail|a.b@example.org|)",
            ),
            ("The U.S. pays $3.50, i.e. 10% more...", "The|U.S.|pays|$|3.50|,|i.e.|10|%|more|..."),
            ("You cannot; I'll — she'd've", "You|can|not|;|I|'ll|—|she|'d|'ve"),
            ("a/b x=y 10km 5-6 end.Start", "a|/|b|x|=|y|10|km|5|-|6|end|.|Start"),
            ("“Quoted,” he said…", "“|Quoted|,|”|he|said|…"),
            ("#tag @user C++", "#|tag|@user|C++"),
            ("你好，世界。", "你好，世界|。"),
            ("…a a… …………… so……", "…|a|a|…|…|…|…|……|so|……"),
        ] {
            assert_eq!(words(text).join("|"), expected);
        }
    }

    #[test]
    fn languages_differ_in_what_comes_off() {
        let words = |text, rules| {
            let mut spans = Vec::new();
            super::words(text, rules, &mut spans);
            spans.into_iter().map(|(start, end)| &text[start as usize..end as usize]).collect::<Vec<_>>().join("|")
        };
        use super::Rules;
        assert_eq!(
            words("Am 3. Mai z.B. E-Mail und/oder (Arbeit).", Rules::German),
            "Am|3.|Mai|z.B.|E-Mail|und|/|oder|(|Arbeit|)|."
        );
        assert_eq!(words("L'homme qu'il dit-il aujourd'hui.", Rules::French), "L'|homme|qu'|il|dit|-il|aujourd'hui|.");
        assert_eq!(words("Teórico-práctico, ¿qué?", Rules::Spanish), "Teórico-práctico|,|¿|qué|?");
        assert_eq!(words("كلمة. كلمة، نعم", Rules::Arabic), "كلمة.|كلمة|،|نعم");
        assert_eq!(words("Слово-слово, да.", Rules::General), "Слово|-|слово|,|да|.");
        assert_eq!(words("В 1990 г. за́мок. И т.д.", Rules::Russian), "В|1990|г.|за́мок|.|И|т.д.");
        assert_eq!(words("A-t-elle vu l'arc-en-ciel ?", Rules::French), "A|-t|-elle|vu|l'|arc-en-ciel|?");
    }

    proptest! {
        #[test]
        fn words_come_in_order_and_leave_out_white_space_alone(text in "\\PC{0,60}|[a-z' .,\n-]{0,60}") {
            let joined: String = words(&text).concat();
            let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            prop_assert_eq!(joined, plain);
        }
    }

    proptest! {
        #[test]
        fn a_text_is_cut_as_its_chunks_are(
            text in "([a-zA-Z]{1,3}|Mr|cannot|don't|e\\.g|U|[.,;:!?)\"'(…]| |\n|\u{3000}|é|1)*"
        ) {
            for rules in [super::Rules::English, super::Rules::General, super::Rules::German, super::Rules::Arabic] {
                let (mut whole, mut chunks) = (Vec::new(), Vec::new());
                super::words(&text, rules, &mut whole);
                for chunk in text.split_whitespace() {
                    let start = chunk.as_ptr().addr() - text.as_ptr().addr();
                    super::Cutter::of(rules).chunk(&text, start, start + chunk.len(), &mut chunks);
                }
                prop_assert_eq!(&whole, &chunks, "{:?}", rules);
            }
        }
    }

    #[test]
    fn no_exception_is_longer_than_what_is_looked_at() {
        use super::Rules::{Arabic, English, French, General, German, Russian, Spanish};
        let all = [General, English, German, French, Spanish, Arabic, Russian].map(super::exceptions);
        assert_eq!(all.iter().map(|cuts| cuts.len()).collect::<Vec<_>>(), [171, 1342, 412, 273, 275, 197, 560]);
        assert_eq!(all.iter().flat_map(|cuts| cuts.keys()).map(String::len).max(), Some(super::LONGEST));
    }

    #[test]
    fn no_unit_is_longer_than_what_is_looked_at_or_ends_with_a_digit() {
        assert!(!super::UNITS.iter().any(|unit| unit.ends_with(|c: char| c.is_ascii_digit())));
        assert_eq!(super::UNITS.iter().map(|unit| unit.len()).max(), Some(super::LONGEST_UNIT));
    }

    #[test]
    fn long_chunks_take_linear_time() {
        let started = std::time::Instant::now();
        for text in [
            "(".repeat(1_000_000),
            "(".repeat(1_000_000) + "a",
            "(".repeat(1_000_000) + "1a",
            "…a".repeat(500_000) + ".",
            "a.".repeat(500_000) + "://",
            "'".repeat(1_000_000) + "s",
            "\u{301}".repeat(500_000),
            "a-".repeat(500_000),
            ".".repeat(1_000_000),
            "!a".repeat(500_000),
            "x".repeat(1_000_000) + &"!".repeat(1_000_000),
        ] {
            words(&text);
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }
}
