//! Entities that extraction has left: `&nbsp;`, `&#8212;`, `&amp;lt;`, and their full-width spellings.

use std::borrow::Cow;

use crate::kit::Quoted;

/// What names of entities stand for.
fn entity(name: &str) -> Option<&'static str> {
    Some(match name {
        "nbsp" | "ensp" | "emsp" | "thinsp" => " ",
        "amp" | "AMP" => "&",
        "lt" | "LT" => "<",
        "gt" | "GT" => ">",
        "quot" | "QUOT" => "\"",
        "apos" => "'",
        "shy" | "zwnj" | "zwj" | "lrm" | "rlm" => "",
        "hellip" => "…",
        "mdash" => "—",
        "ndash" => "–",
        "lsquo" => "‘",
        "rsquo" => "’",
        "sbquo" => "‚",
        "ldquo" => "“",
        "rdquo" => "”",
        "bdquo" => "„",
        "laquo" => "«",
        "raquo" => "»",
        "lsaquo" => "‹",
        "rsaquo" => "›",
        "middot" => "·",
        "bull" => "•",
        "copy" => "©",
        "reg" => "®",
        "trade" => "™",
        "deg" => "°",
        "times" => "×",
        "divide" => "÷",
        "plusmn" => "±",
        "frac12" => "½",
        "frac14" => "¼",
        "frac34" => "¾",
        "sup2" => "²",
        "sup3" => "³",
        "micro" => "µ",
        "para" => "¶",
        "sect" => "§",
        "euro" => "€",
        "pound" => "£",
        "yen" => "¥",
        "cent" => "¢",
        "dagger" => "†",
        "larr" => "←",
        "rarr" => "→",
        "uarr" => "↑",
        "darr" => "↓",
        "hearts" => "♥",
        "iexcl" => "¡",
        "iquest" => "¿",
        "agrave" => "à",
        "aacute" => "á",
        "acirc" => "â",
        "atilde" => "ã",
        "auml" => "ä",
        "aring" => "å",
        "aelig" => "æ",
        "ccedil" => "ç",
        "egrave" => "è",
        "eacute" => "é",
        "ecirc" => "ê",
        "euml" => "ë",
        "igrave" => "ì",
        "iacute" => "í",
        "icirc" => "î",
        "iuml" => "ï",
        "ntilde" => "ñ",
        "ograve" => "ò",
        "oacute" => "ó",
        "ocirc" => "ô",
        "otilde" => "õ",
        "ouml" => "ö",
        "oslash" => "ø",
        "ugrave" => "ù",
        "uacute" => "ú",
        "ucirc" => "û",
        "uuml" => "ü",
        "szlig" => "ß",
        "Agrave" => "À",
        "Aacute" => "Á",
        "Auml" => "Ä",
        "Aring" => "Å",
        "Ccedil" => "Ç",
        "Eacute" => "É",
        "Ntilde" => "Ñ",
        "Oacute" => "Ó",
        "Ouml" => "Ö",
        "Uuml" => "Ü",
        _ => return None,
    })
}

/// The text with its entities as the characters they stand for; `None` if it has none.
pub(super) fn without_entities(text: &str, entities: &mut u32) -> Option<String> {
    let bytes = text.as_bytes();
    let wide = memchr::memmem::find(bytes, "＆".as_bytes()).is_some();
    if !wide && memchr::memchr(b'&', bytes).is_none() {
        return None;
    }
    let mut out = String::new();
    let (mut copied, mut from) = (0, 0);
    let mut quoted = Quoted::default();
    let mut visit = |at: usize, length: usize| {
        if at < from {
            return;
        }
        if bytes[at] == b'`' {
            from = quoted.end(text, at);
            return;
        }
        let Some((end, character)) = decoded(text, at + length) else { return };
        out.push_str(&text[copied..at]);
        out.push_str(&character);
        (copied, from) = (end, end);
        *entities += 1;
    };
    if wide {
        text.match_indices(['&', '＆', '`']).for_each(|(at, sign)| visit(at, sign.len()));
    } else {
        memchr::memchr2_iter(b'&', b'`', bytes).for_each(|at| visit(at, 1));
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&text[copied..]);
    Some(out)
}

/// What the entity behind an ampersand at `at` stands for, and where it ends.
fn decoded(text: &str, mut at: usize) -> Option<(usize, Cow<'static, str>)> {
    let semicolon = |at: usize| {
        let rest = &text[at..];
        if rest.starts_with(';') {
            1
        } else if rest.starts_with('；') {
            3
        } else {
            0
        }
    };
    // Escaped again and again: `&amp;amp;lt;`.
    let mut escaped = None;
    while text[at..].starts_with("amp") && semicolon(at + 3) > 0 {
        at += 3 + semicolon(at + 3);
        escaped = Some((at, Cow::Borrowed("&")));
    }
    let bytes = text.as_bytes();
    if bytes.get(at) == Some(&b'#') {
        let hexadecimal = matches!(bytes.get(at + 1), Some(b'x' | b'X'));
        let start = at + 1 + usize::from(hexadecimal);
        let length = bytes[start..].iter().take(8).take_while(|c| c.is_ascii_hexdigit()).count();
        let end = start + length;
        let code = u32::from_str_radix(&text[start..end], if hexadecimal { 16 } else { 10 }).ok();
        let character = code.and_then(char::from_u32).filter(|c| !c.is_control() || matches!(c, '\n' | '\t'));
        return match character {
            Some(c) if semicolon(end) > 0 => {
                let spelled = if c == '\u{a0}' { Cow::Borrowed(" ") } else { Cow::Owned(c.to_string()) };
                Some((end + semicolon(end), spelled))
            }
            _ => escaped,
        };
    }
    let length = bytes[at..].iter().take(10).take_while(|c| c.is_ascii_alphanumeric()).count();
    let name = &text[at..at + length];
    let end = at + length;
    match entity(name) {
        Some(character) if semicolon(end) > 0 => Some((end + semicolon(end), Cow::Borrowed(character))),
        Some(character) if name == "nbsp" => Some((end, Cow::Borrowed(character))),
        _ => escaped,
    }
}
