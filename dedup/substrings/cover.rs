//! What is repeated of a text, and the text without it.

use std::ops::Range;

use super::{Settings, Unit};
use crate::varint;

/// The repeated spans of a text.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Cover {
    /// In bytes of the text, between characters, in order and apart.
    pub spans: Vec<Range<usize>>,
}

impl Cover {
    /// Puts together what was [found](super::Group) about a text, in any order. Spans that touch are one; those
    /// that lie close are one where at least the share `merge` of the whole is repeated, as one goes from the first
    /// to the last or from the last to the first (`fuzzy_interval_merge` of datamap-rs).
    pub fn read(settings: Settings, merge: f64, text: &str, mut found: &[u8]) -> Cover {
        let mut spans: Vec<Range<usize>> = Vec::new();
        while let (Some(start), Some(count)) = (varint::take(&mut found), varint::take(&mut found)) {
            spans.push(start as usize..(start + count) as usize - 1 + settings.length);
        }
        spans.sort_unstable_by_key(|span| (span.start, span.end));
        let mut joined = touching(spans);
        if merge < 1.0 {
            let mut either = close(joined.iter(), merge);
            either.extend(close(joined.iter().rev(), merge));
            either.sort_unstable_by_key(|span| (span.start, span.end));
            joined = touching(either);
        }
        match settings.unit {
            Unit::Characters if text.is_ascii() => {}
            Unit::Characters => to_bytes(text, &mut joined),
            Unit::Bytes => joined.iter_mut().for_each(|span| {
                // A character is repeated if all its bytes are.
                *span = text.ceil_char_boundary(span.start)..text.floor_char_boundary(span.end);
            }),
        }
        Cover { spans: joined }
    }

    /// How many characters are repeated.
    pub fn characters(&self, text: &str) -> usize {
        self.spans.iter().map(|span| text[span.clone()].chars().count()).sum()
    }

    /// The text without the spans.
    pub fn cut(&self, text: &str) -> String {
        let mut left = String::with_capacity(text.len());
        let mut from = 0;
        for span in &self.spans {
            left.push_str(&text[from..span.start]);
            from = span.end;
        }
        left.push_str(&text[from..]);
        left
    }

    /// The text without the lines of whose characters at least the share `least` is repeated. An empty line
    /// goes if its end is within a span.
    pub fn cut_lines(&self, text: &str, least: f64) -> String {
        let mut left = String::with_capacity(text.len());
        let mut spans = self.spans.iter().peekable();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let whole = start..start + line.len();
            start = whole.end;
            let bare = line.strip_suffix('\n').unwrap_or(line);
            let seen = if bare.is_empty() { line } else { bare };
            let within = whole.start..whole.start + seen.len();
            let (mut repeated, mut bytes) = (0, 0);
            while let Some(span) = spans.peek() {
                let both = span.start.max(within.start)..span.end.min(within.end);
                if !both.is_empty() {
                    bytes += both.len();
                    repeated += text[both].chars().count();
                }
                if span.end > whole.end {
                    break;
                }
                spans.next();
            }
            let goes = bytes == seen.len() || bytes > 0 && repeated as f64 >= least * seen.chars().count() as f64;
            if !goes {
                left.push_str(line);
            }
        }
        if left.ends_with('\n') && !text.ends_with('\n') {
            left.pop(); // the last line is gone
        }
        left
    }
}

/// Joins sorted spans that touch.
fn touching(spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => joined.push(span),
        }
    }
    joined
}

/// Joins spans, which are apart, with the one before as long as enough of the whole is repeated.
fn close<'a>(spans: impl Iterator<Item = &'a Range<usize>>, merge: f64) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    let mut repeated = 0;
    for span in spans {
        repeated += span.len();
        if let Some(last) = joined.last_mut() {
            let both = last.start.min(span.start)..last.end.max(span.end);
            if repeated as f64 >= merge * both.len() as f64 {
                *last = both;
                continue;
            }
        }
        repeated = span.len();
        joined.push(span.clone());
    }
    joined
}

/// Turns places in characters into places in bytes.
fn to_bytes(text: &str, spans: &mut [Range<usize>]) {
    let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let mut passed = 0;
    for span in spans {
        let mut byte = |place: usize| {
            let at = starts.nth(place - passed).expect("a span is within the text");
            passed = place + 1;
            at
        };
        *span = byte(span.start)..byte(span.end);
    }
}
