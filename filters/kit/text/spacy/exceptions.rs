//! Chunks that are words, or cut in a way of their own; and how a chunk is cut.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::super::{Span, push};
use super::Rules;
use super::marks::is_url;

/// Chunks that are words, or cut in a way of their own, by name.
pub(super) struct Exceptions {
    pub(super) rules: Rules,
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
    pub(super) fn of(rules: Rules) -> &'static Exceptions {
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
    pub(super) fn find(&self, chunk: &str) -> Option<&[u8]> {
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
    pub(super) fn whole(&self, text: &str, start: usize, end: usize, spans: &mut Vec<Span>) {
        match self.find(&text[start..end]) {
            Some(cuts) => push_cuts(start, end, cuts, spans),
            None => push(spans, start, end),
        }
    }

    /// A chunk between white space.
    pub(super) fn chunk(&self, text: &str, start: usize, end: usize, spans: &mut Vec<Span>) {
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

/// Longest exception, in bytes.
pub(super) const LONGEST: usize = 33;

type BuildFast = xxhash_rust::xxh3::Xxh3DefaultBuilder;

/// Chunks with their cuts: of all languages, and of this one.
pub(super) fn exceptions(rules: Rules) -> HashMap<String, Vec<u8>, BuildFast> {
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
    for line in include_str!("../../../data/spacy.txt").lines() {
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
