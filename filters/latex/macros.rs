//! Macros: what a paper defines, and what stands for it.

use std::collections::HashMap;
use std::ops::Range;

use super::literal::is_within;
use super::{MAX_DEPTH, command, group};

pub(super) fn is_definition(name: &str) -> bool {
    matches!(name, "newcommand" | "renewcommand" | "providecommand" | "def")
}

/// The macro that a text begins to define, its value, and the bytes that takes; no value where it needs arguments.
pub(super) fn definition(text: &str) -> Option<(&str, Option<(&str, usize)>)> {
    let mut at = 1 + command(text).len();
    at += usize::from(text[at..].starts_with('*'));
    let name = match group(&text[at..]) {
        Some((inner, length)) => {
            at += length;
            inner.trim().strip_prefix('\\')?
        }
        None => {
            let name = command(text[at..].starts_with('\\').then_some(&text[at..])?);
            at += 1 + name.len();
            name
        }
    };
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    let value = group(&text[at..]).filter(|(value, _)| !value.contains('#'));
    is_name.then_some((name, value.map(|(value, length)| (value, at + length))))
}

/// Notes the definition that a text begins with; the bytes it takes, if it is one that goes.
pub(super) fn read_definition<'t>(text: &'t str, macros: &mut HashMap<&'t str, &'t str>) -> Option<usize> {
    let (name, value) = definition(text)?;
    let Some((value, length)) = value else {
        macros.remove(name); // it means something else from here on
        return None;
    };
    match command(text) {
        // LaTeX's own: how pages look.
        "renewcommand" if !macros.contains_key(name) => {}
        "providecommand" if macros.contains_key(name) => {}
        _ => drop(macros.insert(name, value)),
    }
    Some(length)
}

/// Macros without arguments that are defined outside literal text, each as it is at the end.
pub(super) fn define<'t>(text: &'t str, literals: &[Range<usize>], macros: &mut HashMap<&'t str, &'t str>) {
    let mut at = 0;
    while let Some(offset) = memchr::memchr(b'\\', &text.as_bytes()[at..]) {
        at += offset;
        let name = command(&text[at..]);
        let length = match is_definition(name) && !is_within(literals, at) {
            true => read_definition(&text[at..], macros),
            false => None,
        };
        at += length.unwrap_or(1 + name.len().max(usize::from(text[at + 1..].starts_with('\\'))));
    }
}

/// Writes a macro's value, and the macros in it, until they are too deep or too long.
pub(super) fn expand(
    name: &str,
    value: &str,
    macros: &HashMap<&str, &str>,
    depth: usize,
    limit: usize,
    out: &mut String,
) {
    let (mut from, mut at) = (0, 0);
    while let Some(offset) = memchr::memchr(b'\\', &value.as_bytes()[at..]) {
        at += offset;
        let inner = command(&value[at..]);
        let behind = at + 1 + inner.len();
        if let Some(inner_value) = macros.get(inner)
            && inner != name
            && depth < MAX_DEPTH
            && out.len() < limit
        {
            out.push_str(&value[from..at]);
            expand(inner, inner_value, macros, depth + 1, limit, out);
            from = behind;
        }
        at = behind.max(at + 1 + usize::from(value[at + 1..].starts_with('\\')));
    }
    out.push_str(&value[from..]);
}
