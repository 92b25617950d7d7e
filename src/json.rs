//! JSON as text: records are taken apart and put together without being understood.

use sonic_rs::{JsonValueTrait, LazyValue};

/// Appends a string literal.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    // sonic-rs finds what must be escaped with SIMD; its writer to memory does not fail.
    sonic_rs::to_writer(&mut *out, text).expect("a string, written to memory");
}

/// Appends `,name:value` for every member of `members` (an object's text without its braces) whose
/// name is not `skipped`.
pub fn append_members(members: &str, skipped: impl Fn(&str) -> bool, out: &mut Vec<u8>) {
    let object = format!("{{{members}}}");
    // Members were validated when the record was read.
    let walk = || sonic_rs::to_object_iter(object.as_str()).flatten();
    if !walk().any(|(name, _)| skipped(&name)) {
        out.push(b',');
        out.extend_from_slice(members.as_bytes());
        return;
    }
    for (name, value) in walk().filter(|(name, _)| !skipped(name)) {
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
