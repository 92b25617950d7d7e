//! The fast encoder, and how it gets past white space without end.
//!
//! `kitoken` cuts a text into pieces by regular expressions before it encodes any. Those that look ahead
//! (`\s+(?!\S)`, as in nearly every tokenizer) run on a stack that overflows, with a panic, where one match
//! is a million characters long; `tokenizers` with the same engine gives up there. So where a text has a
//! run of white space that is far too long, its middle is left out, the rest is cut, and the middle is put
//! back into the piece that it fell into. The piece itself is encoded whole.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use kitoken::{Definition, Kitoken};

use super::Error;

/// Characters of white space in a row that are more than any text needs, and far fewer than overflow the stack.
const LONGEST_RUN: usize = 50_000;

/// An encoder of `kitoken`.
pub struct Fast {
    encoder: Kitoken,
    /// The same without normalization and cuts: for pieces. Made when it is first needed.
    pieces: OnceLock<Option<Kitoken>>,
    longest_run: usize,
}

impl Fast {
    /// Reads a definition, if `kitoken` understands it.
    pub fn new(definition: Definition) -> Option<Fast> {
        let encoder = Kitoken::from_definition(definition).ok()?;
        Some(Fast { encoder, pieces: OnceLock::new(), longest_run: LONGEST_RUN })
    }

    #[cfg(test)]
    pub fn with_longest_run(mut self, longest_run: usize) -> Fast {
        self.longest_run = longest_run;
        self
    }

    /// Appends the ids of a text. A panic of the encoder is a mistake like others.
    pub fn encode(&self, text: &str, ids: &mut Vec<u32>) -> Result<(), Error> {
        let encoded = catch_unwind(AssertUnwindSafe(|| {
            // Most texts are shorter than one run.
            if text.len() > self.longest_run && long_runs(text, self.longest_run).next().is_some() {
                self.encode_pieces(text, ids)
            } else {
                ids.extend_from_slice(&self.encoder.encode(text, false).map_err(|error| Error(error.to_string()))?);
                Ok(())
            }
        }));
        encoded.unwrap_or_else(|_| Err(Error("the encoder panicked".to_owned())))
    }

    fn encode_pieces(&self, text: &str, ids: &mut Vec<u32>) -> Result<(), Error> {
        let wrong = |what: &str| Error(format!("white space without end, and {what}"));
        let config = self.encoder.config();
        if !config.processing.is_empty() || !config.templates.is_empty() {
            return Err(wrong("a tokenizer that changes its tokens afterwards"));
        }
        let pieces = self.pieces.get_or_init(|| {
            let mut definition = self.encoder.to_definition();
            definition.specials.clear();
            definition.config.normalization.clear();
            definition.config.split.clear();
            Kitoken::from_definition(definition).ok()
        });
        let pieces = pieces.as_ref().ok_or_else(|| wrong("a tokenizer that cannot do without cuts"))?;
        let mut normal = text.into();
        config.normalize(&mut normal, 0..usize::MAX);
        let short = Shortened::new(&normal, self.longest_run);
        for (start, end) in config.split(&short.text) {
            let piece = short.full(start..end).ok_or_else(|| wrong("a cut within it"))?;
            let piece = &normal[piece];
            if !piece.is_empty() {
                ids.extend_from_slice(&pieces.encode(piece, false).map_err(|error| Error(error.to_string()))?);
            }
        }
        Ok(())
    }
}

/// White space other than line ends, which tokenizers tell apart.
fn is_blank(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Runs of white space that are longer than so many bytes.
fn long_runs(text: &str, longest: usize) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(from) = text[at..].find(is_blank) {
            let start = at + from;
            let end = text[start..].find(|c| !is_blank(c)).map_or(text.len(), |length| start + length);
            at = end;
            if end - start > longest {
                return Some(start..end);
            }
        }
        at = text.len();
        None
    })
}

/// A text without the middles of its long runs of white space.
struct Shortened {
    text: String,
    /// Where a middle is missing, and how many bytes it has.
    missing: Vec<(usize, usize)>,
    /// Bytes on either side that show the piece to be of white space alone.
    margin: usize,
}

impl Shortened {
    fn new(full: &str, longest: usize) -> Shortened {
        let (mut text, mut missing, mut from) = (String::new(), Vec::new(), 0);
        for run in long_runs(full, longest) {
            let middle =
                full.ceil_char_boundary(run.start + longest / 2)..full.floor_char_boundary(run.end - longest / 2);
            if middle.is_empty() {
                continue;
            }
            text.push_str(&full[from..middle.start]);
            missing.push((text.len(), middle.len()));
            from = middle.end;
        }
        text.push_str(&full[from..]);
        Shortened { text, missing, margin: longest / 4 }
    }

    /// Where a piece of the short text stands in the full one; `None` if it begins or ends near what is missing.
    fn full(&self, piece: Range<usize>) -> Option<Range<usize>> {
        let before =
            |to: usize| self.missing.iter().take_while(|(at, _)| *at < to).map(|(_, length)| length).sum::<usize>();
        let near = |place: usize| self.missing.iter().any(|(at, _)| at.abs_diff(place) < self.margin);
        (!near(piece.start) && !near(piece.end))
            .then(|| piece.start + before(piece.start)..piece.end + before(piece.end))
    }
}
