//! A document under judgement, with views of its text that are computed at most once.

mod letters;
#[cfg(any(test, fuzzing))]
mod probe;
mod runs;
mod sentences;
mod spacy;
mod treebank;
mod unicode;
mod wordpunct;
mod words;

use std::cell::{Cell, OnceCell};
use std::ops::Deref;

use super::{Document, split_lines};
pub(crate) use letters::{Letters, eight, first};
#[cfg(any(test, fuzzing))]
pub use probe::{EVERY_WAY, probe};
pub use runs::Runs;
pub use sentences::{count_sentences, sentences};
pub(crate) use unicode::is_wordly;
use words::cut;
pub use words::{Words, is_han, is_unspaced};

/// A piece of the text, in bytes.
type Span = (u32, u32);

fn push(spans: &mut Vec<Span>, start: usize, end: usize) {
    if end > start {
        spans.push((start as u32, end as u32));
    }
}

/// Pieces for which there is room from one document to the next, whatever it needs: 8 MiB.
const KEPT_SPANS: usize = 1 << 20;

/// A document and the views of its text that consecutive steps share.
///
/// The views are ranges into the text, so one `Text` serves every document of a thread without
/// allocating anew. An edit of the text makes them stale, and they are computed again when asked for.
#[derive(Default)]
pub struct Text {
    document: Document,
    chars: OnceCell<usize>,
    lines: View<Vec<Span>>,
    words: [View<Vec<Span>>; Words::COUNT],
    runs: [View<Runs>; Words::COUNT],
}

/// What is computed when it is first asked for; its buffers outlive documents.
#[derive(Default)]
struct View<T> {
    now: OnceCell<T>,
    spare: Cell<T>,
}

/// A buffer of a [`View`].
trait Buffer: Default {
    /// Empties it, and gives back what a huge document has made it hold.
    fn clear(&mut self);
}

impl Buffer for Vec<Span> {
    fn clear(&mut self) {
        self.clear();
        self.shrink_to(KEPT_SPANS);
    }
}

impl<T: Buffer> View<T> {
    fn get(&self, fill: impl FnOnce(&mut T)) -> &T {
        self.now.get_or_init(|| {
            let mut buffer = self.spare.take();
            fill(&mut buffer);
            buffer
        })
    }

    fn forget(&mut self) {
        if let Some(mut buffer) = self.now.take() {
            buffer.clear();
            self.spare.set(buffer);
        }
    }
}

impl Text {
    /// A text with its document.
    pub fn new(document: Document) -> Text {
        Text { document, ..Text::default() }
    }

    /// Puts the next document in and takes the last one out; buffers stay.
    pub fn replace(&mut self, document: Document) -> Document {
        self.forget();
        std::mem::replace(&mut self.document, document)
    }

    /// The document.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Edits the document. Views are computed anew only if its text has changed.
    pub fn edit<R>(&mut self, edit: impl FnOnce(&mut Document) -> R) -> R {
        let before = self.document.revision();
        let result = edit(&mut self.document);
        if self.document.revision() != before {
            self.forget();
        }
        result
    }

    fn forget(&mut self) {
        self.chars.take();
        self.lines.forget();
        self.words.iter_mut().for_each(View::forget);
        self.runs.iter_mut().for_each(View::forget);
    }

    /// Length of the text in characters.
    pub fn char_count(&self) -> usize {
        *self.chars.get_or_init(|| self.document.text().chars().count())
    }

    /// The lines of the text, cut at every line end that Unicode knows, as Python's `str.splitlines`
    /// does: without their ends, and without an empty one behind the last.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        let text = self.document.text();
        let spans = self.lines.get(|spans| spans_of(text, split_lines(text), spans));
        pieces(text, spans)
    }

    /// The words of the text, punctuation included. White space alone is never a word.
    pub fn words(&self, how: Words) -> impl ExactSizeIterator<Item = &str> + Clone {
        pieces(self.document.text(), self.word_spans(how))
    }

    /// Where the words stand.
    pub(crate) fn word_spans(&self, how: Words) -> &[Span] {
        self.words[how as usize].get(|spans| cut(self.document.text(), how, spans))
    }

    /// The words again, as runs (n-grams) that can be hashed and measured in constant time each.
    pub fn runs(&self, how: Words) -> &Runs {
        self.runs[how as usize].get(|runs| runs.read_spans(self.document.text(), self.word_spans(how)))
    }
}

fn pieces<'a>(text: &'a str, spans: &'a [Span]) -> impl ExactSizeIterator<Item = &'a str> + Clone {
    spans.iter().map(move |&(start, end)| &text[start as usize..end as usize])
}

/// Where pieces of a text stand in it.
fn spans_of<'a>(text: &'a str, pieces: impl Iterator<Item = &'a str>, spans: &mut Vec<Span>) {
    let start = text.as_ptr().addr();
    spans.extend(pieces.map(|piece| {
        let at = piece.as_ptr().addr() - start;
        (at as u32, (at + piece.len()) as u32)
    }));
}

/// Reads as its text.
impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        self.document.text()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text::new(Document::new("", text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_follow_the_text() {
        let mut text = Text::from("one two");
        assert_eq!((text.words(Words::Spaces).len(), text.lines().len(), text.char_count()), (2, 1, 7));
        text.edit(|document| document.id = "x".into());
        assert_eq!(text.words(Words::Spaces).len(), 2);
        text.edit(|document| document.set_text("three"));
        assert_eq!(text.words(Words::Spaces).collect::<Vec<_>>(), ["three"]);
        assert_eq!((text.lines().collect::<Vec<_>>(), text.char_count()), (vec!["three"], 5));
        text.replace(Document::new("", ""));
        assert_eq!(text.words(Words::English).len(), 0);
    }

    #[test]
    fn the_room_for_a_huge_text_is_given_back() {
        let mut text = Text::from("a ".repeat(KEPT_SPANS + 1).as_str());
        assert_eq!(text.words(Words::Spaces).len(), KEPT_SPANS + 1);
        text.replace(Document::new("", "a"));
        assert!(text.words[Words::Spaces as usize].spare.take().capacity() <= KEPT_SPANS);
    }

    /// The texts kept for fuzzing, and each cut anywhere.
    #[test]
    fn views_of_the_fuzzers_texts_are_right() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/text");
        let mut files = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            let step = bytes.len() / 4 + 1;
            (0..bytes.len())
                .step_by(step)
                .chain([bytes.len()])
                .for_each(|end| probe(&String::from_utf8_lossy(&bytes[..end])));
            files += 1;
        }
        assert!(files >= 5, "{files}");
    }

    proptest::proptest! {
        #[test]
        fn views_of_any_text_are_right(text in "(\\PC|[a-zA-Z'’.!?,\"()-]|[\u{1c}\r\n\t ]|[一-龥ぁ-ヶก-๙а-я]){0,60}") {
            probe(&text);
        }
    }
}
