//! Literal text, in which no command is one, and comments, which are none in it.

use std::ops::Range;

use super::{VERBATIM, command, end_of, group};

/// Longest literal in a line that is looked for: one that never closes costs no more.
const MAX_LITERAL: usize = 1000;

/// Where the literal text ends whose command ends at `behind`: `|…|`, with any mark, on one line.
pub(super) fn end_of_literal(text: &str, behind: usize) -> Option<usize> {
    let rest = text[behind..].strip_prefix('*').unwrap_or(&text[behind..]);
    let mark = rest.chars().next().filter(|mark| !mark.is_whitespace() && !matches!(mark, '[' | '{'))?;
    let start = text.len() - rest.len() + mark.len_utf8();
    let near = &text[start..text.floor_char_boundary((start + MAX_LITERAL).min(text.len()))];
    let length = near.find([mark, '\n']).filter(|&length| near[length..].starts_with(mark))?;
    Some(start + length + mark.len_utf8())
}

/// Where text stands that means only itself.
pub(super) fn literals(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = memchr::memchr(b'\\', &text.as_bytes()[at..]) {
        at += offset;
        let name = command(&text[at..]);
        let behind = at + 1 + name.len();
        let end = match name {
            "verb" | "lstinline" => end_of_literal(text, behind),
            "begin" => {
                let environment = group(&text[behind..]).map_or("", |(name, _)| name);
                let literal = VERBATIM.contains(&environment);
                literal.then(|| end_of(text, behind, environment).unwrap_or(text.len()))
            }
            _ => None,
        };
        match end {
            Some(end) => {
                found.push(at..end);
                at = end;
            }
            None => at = behind.max(at + 1 + usize::from(text[at + 1..].starts_with('\\'))),
        }
    }
    found
}

pub(super) fn is_within(ranges: &[Range<usize>], at: usize) -> bool {
    let before = ranges.partition_point(|range| range.start <= at);
    before > 0 && at < ranges[before - 1].end
}

/// Whether the mark at `at` stands in an address or in literal text, where `%` begins no comment.
pub(super) fn is_literal(line: &str, at: usize) -> bool {
    const ADDRESSES: [&str; 4] = ["\\href{", "\\url{", "\\nolinkurl{", "\\path{"];
    const LITERALS: [&str; 2] = ["\\verb", "\\lstinline"];
    // No farther back than an address is long: a line may be as long as the text.
    let from = line.floor_char_boundary(at.saturating_sub(1000));
    let before = &line[from..at];
    let address = ADDRESSES.iter().filter_map(|name| before.rfind(name).map(|found| &before[found + name.len()..]));
    let mut literal = LITERALS.iter().filter_map(|name| {
        let behind = before[before.rfind(name)? + name.len()..].trim_start_matches('*');
        let mark = behind.chars().next().filter(|mark| !mark.is_alphanumeric() && !matches!(mark, '[' | '{'))?;
        Some((mark, &behind[mark.len_utf8()..]))
    });
    address.clone().any(|inside| !inside.contains('}')) || literal.any(|(mark, inside)| !inside.contains(mark))
}

/// Without comments: lines that begin with `%` go whole, behind other text what follows an unescaped `%`.
pub(super) fn without_comments(text: &str, comments: &mut usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut verbatim = None::<&str>;
    for line in text.split_inclusive('\n') {
        if let Some(name) = verbatim {
            if line.contains(&format!("\\end{{{name}}}")) {
                verbatim = None;
            }
            out.push_str(line);
            continue;
        }
        let percent = memchr::memchr_iter(b'%', line.as_bytes()).find(|&at| {
            let backslashes = line[..at].bytes().rev().take_while(|byte| *byte == b'\\').count();
            backslashes.is_multiple_of(2) && !is_literal(line, at)
        });
        let kept = match percent {
            None => line,
            Some(at) => {
                *comments += 1;
                if line[..at].trim().is_empty() {
                    continue;
                }
                out.push_str(&line[..at]);
                if line.ends_with('\n') { "\n" } else { "" }
            }
        };
        out.push_str(kept);
        if !line.contains(r"\begin{") {
            continue;
        }
        let begins = |name: &&&str| line[..percent.unwrap_or(line.len())].contains(&format!("\\begin{{{name}}}"));
        verbatim = VERBATIM.iter().find(begins).copied();
        if verbatim.is_some_and(|name| line.contains(&format!("\\end{{{name}}}"))) {
            verbatim = None;
        }
    }
    out
}
