//! A document under judgement, with views of its text that are computed at most once.

mod bounds;
mod classes;
mod letters;
mod paragraphs;
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

use super::lines::has_rare_ends;
use super::normal::{self, Normal};
use super::{Document, Without, count_marked, split_lines};
pub use classes::{Classes, Marks};
pub(crate) use letters::{Letters, eight, first};
pub use paragraphs::Paragraphs;
#[cfg(any(test, fuzzing))]
pub use probe::{EVERY_WAY, probe};
pub use runs::Runs;
pub use sentences::{Sentences, count_sentences, sentences};
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
///
/// A mapper is given the document instead: its edit would make every view stale, and what it looks at are lines, each
/// once, as it goes.
#[derive(Default)]
pub struct Text {
    document: Document,
    chars: View<usize>,
    classes: View<Classes>,
    marks: View<Marks>,
    lines: View<Lines>,
    feed_lines: View<Vec<Span>>,
    paragraphs: [View<Vec<Span>>; Paragraphs::COUNT],
    words: [View<Vec<Span>>; Words::COUNT],
    runs: [View<Runs>; Words::COUNT],
    sentences: [View<Vec<Span>>; Sentences::COUNT],
    /// Without and with line ends between them.
    marked_sentences: [View<usize>; 2],
    normal: [View<Normal>; Without::COUNT],
    lower: View<Lower>,
}

/// What is computed when it is first asked for; its buffers outlive documents.
#[derive(Default)]
struct View<T> {
    now: OnceCell<T>,
    spare: Cell<T>,
    /// How often it has been asked for, and how often computed.
    #[cfg(test)]
    looks: Cell<(u32, u32)>,
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

impl Buffer for usize {
    fn clear(&mut self) {
        *self = 0;
    }
}

impl Buffer for Normal {
    fn clear(&mut self) {
        self.clear();
    }
}

/// Where lines stand that end otherwise than with a line feed alone; hardly a text has one.
#[derive(Default)]
struct Lines {
    rare: bool,
    spans: Vec<Span>,
}

impl Buffer for Lines {
    fn clear(&mut self) {
        self.rare = false;
        Buffer::clear(&mut self.spans);
    }
}

/// The text in lower case, with views of its own.
#[derive(Default)]
struct Lower(Box<Option<Text>>);

impl Buffer for Lower {
    fn clear(&mut self) {
        if let Some(text) = &mut *self.0 {
            text.edit(|document| {
                let mut lower = document.take_text();
                lower.clear();
                normal::shrink(&mut lower);
                document.set_text(lower);
            });
        }
    }
}

impl<T: Buffer> View<T> {
    fn get(&self, fill: impl FnOnce(&mut T)) -> &T {
        #[cfg(test)]
        self.looks.set((self.looks.get().0 + 1, self.looks.get().1));
        self.now.get_or_init(|| {
            #[cfg(test)]
            self.looks.set((self.looks.get().0, self.looks.get().1 + 1));
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
        self.chars.forget();
        self.classes.forget();
        self.marks.forget();
        self.lines.forget();
        self.feed_lines.forget();
        self.paragraphs.iter_mut().for_each(View::forget);
        self.words.iter_mut().for_each(View::forget);
        self.runs.iter_mut().for_each(View::forget);
        self.sentences.iter_mut().for_each(View::forget);
        self.marked_sentences.iter_mut().for_each(View::forget);
        self.normal.iter_mut().for_each(View::forget);
        self.lower.forget();
    }

    /// Length of the text in characters.
    pub fn char_count(&self) -> usize {
        *self.chars.get(|chars| *chars = self.document.text().chars().count())
    }

    /// How many characters are letters, digits, punctuation, white space, Han, …
    pub fn classes(&self) -> &Classes {
        self.classes.get(|classes| *classes = classes::count(self.document.text()))
    }

    /// How many `#`, `...` and `…` there are.
    pub fn marks(&self) -> Marks {
        *self.marks.get(|marks| *marks = Marks::of(self.document.text()))
    }

    /// The lines of the text, cut at every line end that Unicode knows, as Python's `str.splitlines`
    /// does: without their ends, and without an empty one behind the last.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        let text = self.document.text();
        let lines = self.lines.get(|lines| {
            lines.rare = has_rare_ends(text.as_bytes());
            if lines.rare {
                spans_of(text, split_lines(text), &mut lines.spans);
            }
        });
        let spans = if lines.rare {
            &lines.spans
        } else {
            let spans = self.feed_line_spans();
            let behind_the_last = text.is_empty() || text.ends_with('\n');
            &spans[..spans.len() - usize::from(behind_the_last)]
        };
        pieces(text, spans)
    }

    /// The lines of the text, cut at line feeds alone, as Python's `split("\n")` does: one more than there are
    /// line feeds, the last one empty where the text ends with one.
    pub fn feed_lines(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        pieces(self.document.text(), self.feed_line_spans())
    }

    fn feed_line_spans(&self) -> &[Span] {
        self.feed_lines.get(|spans| {
            let text = self.document.text();
            let mut start = 0;
            for end in memchr::memchr_iter(b'\n', text.as_bytes()) {
                spans.push((start as u32, end as u32));
                start = end + 1;
            }
            spans.push((start as u32, text.len() as u32));
        })
    }

    /// The paragraphs of the text.
    pub fn paragraphs(&self, how: Paragraphs) -> impl ExactSizeIterator<Item = &str> + Clone {
        let text = self.document.text();
        pieces(text, self.paragraphs[how as usize].get(|spans| paragraphs::cut(text, how, spans)))
    }

    /// The sentences of the text.
    pub fn sentences(&self, how: Sentences) -> impl ExactSizeIterator<Item = &str> + Clone {
        let text = self.document.text();
        let spans = self.sentences[how.number()].get(|spans| match how {
            Sentences::By(words) => sentences::each(text, self.word_spans(words), |from, to| push(spans, from, to)),
            Sentences::Unicode => spans_of(text, bounds::unicode(text), spans),
            Sentences::Marks => spans_of(text, bounds::marks(text), spans),
        });
        pieces(text, spans)
    }

    /// How many sentences [`count_marked`] counts.
    pub fn marked_sentences(&self, line_ends: bool) -> usize {
        *self.marked_sentences[usize::from(line_ends)]
            .get(|count| *count = count_marked(self.document.text(), line_ends))
    }

    /// The text as CCNet normalises it: see [`with_normal`](super::with_normal). No step asks for the text in
    /// a composed form (NFC) but that which puts it into it.
    pub fn normal(&self, without: Without) -> &str {
        self.normal[without as usize].get(|normal| normal.read(self.document.text(), without))
    }

    /// The text in lower case, as Python's `str.lower` has it, with views of its own.
    pub fn lower(&self) -> &Text {
        let lower = self.lower.get(|lower| {
            lower.0.get_or_insert_default().edit(|document| {
                let mut text = document.take_text();
                normal::lower_case(self.document.text(), &mut text);
                document.set_text(text);
            });
        });
        lower.0.as_ref().as_ref().expect("it has been put there")
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

    /// How often each view has been asked for, and how often computed.
    fn looks(text: &Text) -> Vec<(String, u32, u32)> {
        let mut all = Vec::new();
        let mut add = |name: String, (asked, computed): (u32, u32)| all.push((name, asked, computed));
        add("chars".into(), text.chars.looks.get());
        add("classes".into(), text.classes.looks.get());
        add("marks".into(), text.marks.looks.get());
        add("lines".into(), text.lines.looks.get());
        add("feed_lines".into(), text.feed_lines.looks.get());
        add("lower".into(), text.lower.looks.get());
        let spans = [("paragraphs", &text.paragraphs[..]), ("words", &text.words), ("sentences", &text.sentences)];
        for (name, views) in spans {
            views.iter().enumerate().for_each(|(number, view)| add(format!("{name} {number}"), view.looks.get()));
        }
        text.runs.iter().enumerate().for_each(|(number, view)| add(format!("runs {number}"), view.looks.get()));
        text.normal.iter().enumerate().for_each(|(number, view)| add(format!("normal {number}"), view.looks.get()));
        let marked = text.marked_sentences.iter().enumerate();
        marked.for_each(|(number, view)| add(format!("marked_sentences {number}"), view.looks.get()));
        all.retain(|(_, asked, _)| *asked > 0);
        all
    }

    #[test]
    fn a_chain_of_filters_computes_each_view_once() {
        use crate::kit::{Filter, Setup};

        fn measure<F: Filter>(settings: &str, text: &Text) {
            F::new(toml::from_str(settings).unwrap(), &mut Setup::default()).unwrap().measure(text);
        }
        let chain = |text: &Text| {
            for counting in ["datatrove", "dclm", "dolma", "nemo-curator", "olmo3"] {
                measure::<crate::GopherRepetition>(&format!("counting = \"{counting}\""), text);
                measure::<crate::GopherQuality>(&format!("counting = \"{counting}\""), text);
            }
            measure::<crate::FinewebQuality>("", text);
            measure::<crate::Statistics>("", text);
            measure::<crate::RedpajamaSignals>("", text);
            measure::<crate::Dingo>("", text);
            measure::<crate::MadladQuality>("", text);
            measure::<crate::LongText>("min_bytes = 0", text);
            measure::<crate::CodeQuality>("", text);
            measure::<crate::BadWords>("lang = \"en\"", text);
            measure::<crate::Mc4Paragraphs>("", text);
            measure::<crate::Evalweb>("", text);
        };
        let mut text = Text::from("The river... runs past # old mills.\n\nIt is Long, and 好。\n");
        chain(&text);
        let found = looks(&text);
        for (name, asked, computed) in &found {
            assert_eq!(*computed, 1, "{name}, asked for {asked} times");
        }
        let asked = |name: &str| found.iter().find(|(known, ..)| known == name).map_or(0, |(_, asked, _)| *asked);
        let shared = ["chars", "classes", "marks", "lines", "feed_lines", "lower", "paragraphs 2", "words 0", "runs 0"];
        for name in shared {
            assert!(asked(name) >= 2, "{name} is asked for {} times", asked(name));
        }
        for name in ["paragraphs 0", "paragraphs 1", "normal 0", "normal 1", "marked_sentences 0", "marked_sentences 1"]
        {
            assert_eq!(asked(name), 1, "{name}");
        }
        text.edit(|document| document.set_text("Another text."));
        chain(&text);
        assert!(looks(&text).iter().all(|(_, _, computed)| *computed == 2), "once for each text");
    }

    #[test]
    fn every_view_follows_the_text() {
        let mut text = Text::from("One # two.\n\nThree\u{2028}");
        let see = |text: &Text| {
            let spans = [text.paragraphs(Paragraphs::Blank).len(), text.feed_lines().len(), text.lines().len()];
            let counts = [text.marks().all(), text.classes().capitals as usize, text.marked_sentences(true)];
            let sentences = text.sentences(Sentences::By(Words::English)).len();
            (spans, counts, sentences, text.normal(Without::Ascii).to_owned(), (**text.lower()).to_owned())
        };
        assert_eq!(see(&text), ([2, 3, 3], [1, 2, 2], 2, "one two three".into(), "one # two.\n\nthree\u{2028}".into()));
        text.edit(|document| document.set_text("Ah"));
        assert_eq!(see(&text), ([1, 1, 1], [0, 1, 1], 1, "ah".into(), "ah".into()));
        text.replace(Document::default());
        assert_eq!(see(&text), ([1, 1, 0], [0, 0, 0], 0, String::new(), String::new()));
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
