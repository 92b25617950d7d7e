//! JSON as text: records are taken apart and put together without being understood.

use sonic_rs::{JsonValueTrait, LazyValue};

/// Appends a string literal.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    // sonic-rs finds what must be escaped with SIMD; its writer to memory does not fail.
    sonic_rs::to_writer(&mut *out, text).expect("a string, written to memory");
}

/// The text of a string literal, or why it has none. The value is not looked at as JSON again: it was when it was
/// read.
pub fn text(value: &LazyValue<'_>) -> Result<String, String> {
    let Some(literal) = Some(value.as_raw_str()).filter(|_| value.is_str()) else {
        return Err(format!("is {}, not text", kind(value)));
    };
    let mut rest = literal.get(1..literal.len() - 1).unwrap_or_default();
    let mut text = String::with_capacity(rest.len());
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        let (c, length) = escaped(&rest[at..]).ok_or_else(|| {
            let end = rest.len().min(at + 12);
            let escape = String::from_utf8_lossy(&rest.as_bytes()[at..end]);
            format!("holds {escape}, half a surrogate pair or no escape of a character")
        })?;
        text.push(c);
        rest = &rest[at + length..];
    }
    text.push_str(rest);
    Ok(text)
}

/// The character that an escape stands for, and the escape's length.
fn escaped(escape: &str) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = escape.get(at..at + 6)?.strip_prefix("\\u")?;
        digits.bytes().try_fold(0, |unit, digit| Some(unit << 4 | char::from(digit).to_digit(16)? as u16))
    };
    let c = match escape.as_bytes().get(1)? {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\x08',
        b'f' => '\x0c',
        same @ (b'"' | b'\\' | b'/') => char::from(*same),
        b'u' => {
            let first = unit(0)?;
            if let Some(c) = char::from_u32(first.into()) {
                return Some((c, 6));
            }
            let pair = char::decode_utf16([first, unit(6)?]).next()?.ok()?;
            return Some((pair, 12));
        }
        _ => return None,
    };
    Some((c, 2))
}

/// Appends `,name:value` for every member of `members` (an object's text without its braces) whose
/// name is not among `skipped`.
pub fn append_members(members: &str, skipped: &[&str], out: &mut Vec<u8>) {
    if skipped.iter().any(|name| may_name(members, name)) {
        return append_others(members, skipped, out);
    }
    out.push(b',');
    out.extend_from_slice(members.as_bytes());
}

/// Whether a member may be called so, at a glance: a name stands between quotes, or is written with
/// escapes.
fn may_name(members: &str, name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let escapes = || memchr::memmem::find(members.as_bytes(), b"\\u").is_some();
    let quoted = |at: usize| members.as_bytes().get(at + name.len()) == Some(&b'"');
    let opened = |at: usize| at > 0 && members.as_bytes()[at - 1] == b'"';
    !plain || memchr::memmem::find_iter(members.as_bytes(), name).any(|at| opened(at) && quoted(at)) || escapes()
}

fn append_others(members: &str, skipped: &[&str], out: &mut Vec<u8>) {
    let object = format!("{{{members}}}");
    // Members were validated when the record was read.
    let walk = sonic_rs::to_object_iter(object.as_str()).flatten();
    for (name, value) in walk.filter(|(name, _)| !skipped.contains(&&**name)) {
        out.push(b',');
        write_string(&name, out);
        out.push(b':');
        out.extend_from_slice(value.as_raw_str().as_bytes());
    }
}

/// The text of some bytes, or where and why they are none.
pub fn utf8(bytes: &[u8]) -> Result<&str, std::str::Utf8Error> {
    // The fast one cannot say where.
    simdutf8::basic::from_utf8(bytes).or_else(|_| std::str::from_utf8(bytes))
}

/// The type of a value, as a person would call it.
pub fn kind(value: &LazyValue<'_>) -> &'static str {
    if value.is_str() {
        "text"
    } else if value.is_number() {
        "a number"
    } else if value.is_boolean() {
        "a boolean"
    } else if value.is_null() {
        "null"
    } else if value.is_object() {
        "an object"
    } else {
        "an array"
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_is_what_a_parser_reads(
            pieces in prop::collection::vec(
                "[^\"\\\\\\p{Cc}]{0,9}|\\\\[\"\\\\/bfnrt]|\\\\u00[0-9a-f]{2}|\\\\u[dD][89abAB][0-9a-fA-F]{2}|\\\\u[dD][c-fC-F]3f|\\\\u[0-9a-f]{4}", 0..9),
        ) {
            let object = format!("{{\"a\":\"{}\"}}", pieces.concat());
            let (_, value) = sonic_rs::to_object_iter(object.as_str()).next().unwrap().unwrap();
            let read = text(&value).ok();
            prop_assert_eq!(read.as_deref(), value.as_str());
        }

        #[test]
        fn members_at_a_glance_are_those_of_a_walk(
            names in prop::collection::vec("(id|text|idx|a|\\\\u0069d|名)", 0..5), value in "(\"id\"|\"x \\\\\"id\\\\\" y\"|\"\\\\u0041\"|1|\\[\"text\"\\])",
        ) {
            let members: Vec<String> = names.iter().map(|name| format!("\"{name}\":{value}")).collect();
            let members = members.join(",");
            prop_assume!(!members.is_empty());
            let parsed = |bytes: &[u8]| -> Vec<(String, String)> {
                let object = format!("{{{}}}", String::from_utf8_lossy(bytes).trim_start_matches(','));
                let walk = sonic_rs::to_object_iter(object.as_str()).map(Result::unwrap);
                walk.map(|(name, value)| (name.to_string(), value.as_raw_str().to_owned())).collect()
            };
            let (mut glance, mut walk) = (Vec::new(), Vec::new());
            append_members(&members, &["id", "text"], &mut glance);
            append_others(&members, &["id", "text"], &mut walk);
            prop_assert_eq!(parsed(&glance), parsed(&walk));
        }
    }
}
