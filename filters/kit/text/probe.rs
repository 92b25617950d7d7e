//! What must hold of the views of every text: for the fuzzer `text`, and for tests.

use std::cell::RefCell;
use std::collections::HashMap;

use super::{Paragraphs, Sentences, Text, Words, classes, count_sentences, paragraphs, sentences, spacy, words};
use crate::kit::{Without, count_marked, python, split_lines, with_normal};

/// Every way to cut a text into words.
pub const EVERY_WAY: [Words; Words::COUNT] = [
    Words::English,
    Words::General,
    Words::German,
    Words::French,
    Words::Spanish,
    Words::Arabic,
    Words::Russian,
    Words::Chinese,
    Words::Unicode,
    Words::Characters,
    Words::Japanese,
    Words::Spaces,
    Words::Treebank,
    Words::Wordpunct,
];

/// White space to Rust or to Python.
fn is_space(c: char) -> bool {
    python::is_space(c)
}

/// Looks at a text in every way and holds the views to their plain twins.
///
/// # Panics
///
/// If one of them is wrong.
pub fn probe(text: &str) {
    thread_local! {
        // Its buffers have seen other texts.
        static USED: RefCell<Text> = RefCell::default();
    }
    USED.with_borrow_mut(|used| {
        used.edit(|document| document.set_text(text));
        let fresh = Text::from(text);
        let used = &*used;
        let text: &str = used;
        assert_eq!((used.char_count(), fresh.char_count()), (text.chars().count(), text.chars().count()));
        lines(text, used);
        for how in EVERY_WAY {
            let found: Vec<&str> = used.words(how).collect();
            assert!(fresh.words(how).eq(found.iter().copied()), "{how:?}: a used view differs from a fresh one");
            assert!(used.words(how).eq(found.iter().copied()), "{how:?}: a second look differs");
            in_order(text, &found, how);
            twin(text, &found, how);
            runs(used, &found, how);
            cut_into_sentences(text, how);
            assert!(used.sentences(Sentences::By(how)).eq(sentences(text, how)), "{how:?}: other sentences");
        }
        paragraphs_and_sentences(text, used);
        counts(text, used);
        forms(text, used);
    });
}

fn lines(text: &str, used: &Text) {
    let ends = ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
    let unified = text.replace("\r\n", "\n");
    let mut plain: Vec<&str> = unified.split(ends).collect();
    if plain.last().is_some_and(|last| last.is_empty()) {
        plain.pop();
    }
    assert!(used.lines().eq(plain.iter().copied()), "lines differ from plain ones");
    assert!(split_lines(text).eq(plain.iter().copied()), "lines differ from plain ones");
    assert!(used.feed_lines().eq(text.split('\n')), "lines differ from those that Python splits");
}

fn paragraphs_and_sentences(text: &str, used: &Text) {
    for how in [Paragraphs::Blank, Paragraphs::Loose, Paragraphs::Pairs] {
        let plain = paragraphs::twin(text, how);
        assert!(used.paragraphs(how).eq(plain), "{how:?}");
    }
    for how in [Sentences::Unicode, Sentences::Marks] {
        let mut at = 0;
        for sentence in used.sentences(how) {
            assert!(!sentence.trim().is_empty(), "{how:?}");
            let start = sentence.as_ptr().addr() - text.as_ptr().addr();
            assert!(start >= at, "{how:?}: {sentence:?} stands before the end of the last");
            let left = |c: char| c.is_whitespace() || how == Sentences::Marks && matches!(c, '.' | '!' | '?');
            assert!(text[at..start].chars().all(left), "{how:?}: {:?} is left out", &text[at..start]);
            at = start + sentence.len();
        }
    }
}

fn counts(text: &str, used: &Text) {
    assert_eq!(*used.classes(), classes::twin(text));
    let count = |mark: &str| text.matches(mark).count();
    assert_eq!(used.marks().all(), count("#") + count("...") + count("…"));
    for line_ends in [false, true] {
        assert_eq!(used.marked_sentences(line_ends), count_marked(text, line_ends));
    }
}

fn forms(text: &str, used: &Text) {
    for without in [Without::Ascii, Without::Chinese] {
        with_normal(text, without, |normal| assert_eq!(used.normal(without), normal, "{without:?}"));
        assert_eq!(used.normal(without), python::split(used.normal(without)).collect::<Vec<_>>().join(" "));
    }
    assert_eq!(**used.lower(), text.to_lowercase());
    assert!(used.lower().words(Words::Spaces).eq(text.to_lowercase().split_whitespace()), "words in lower case");
}

/// Words lie in the text one behind the other, and nothing but white space lies between.
fn in_order(text: &str, found: &[&str], how: Words) {
    let mut at = 0;
    for word in found {
        assert!(!word.chars().all(char::is_whitespace), "{how:?}: {word:?} is no word");
        let start = word.as_ptr().addr() - text.as_ptr().addr();
        assert!(start >= at, "{how:?}: {word:?} stands before the end of the last");
        assert!(text[at..start].chars().all(is_space), "{how:?}: {:?} is left out", &text[at..start]);
        at = start + word.len();
        assert_eq!(&text[start..at], *word);
    }
    assert!(text[at..].chars().all(is_space), "{how:?}: {:?} is left out", &text[at..]);
}

/// The ways that have a plain twin cut as it does.
fn twin(text: &str, found: &[&str], how: Words) {
    let mut plain: Vec<&str> = Vec::new();
    match how.rules() {
        // One chunk between white space after the other, without the fast path for plain letters.
        Some(rules) => {
            for chunk in text.split_whitespace() {
                let (start, mut spans) = (chunk.as_ptr().addr() - text.as_ptr().addr(), Vec::new());
                spacy::Cutter::of(rules).chunk(text, start, start + chunk.len(), &mut spans);
                plain.extend(spans.iter().map(|&(start, end)| &text[start as usize..end as usize]));
            }
        }
        None if how == Words::Wordpunct => {
            for chunk in text.split(char::is_whitespace) {
                let classes: Vec<(usize, bool)> =
                    chunk.char_indices().map(|(at, c)| (at, python::is_regex_word(c))).collect();
                for same in classes.chunk_by(|one, two| one.1 == two.1) {
                    let end =
                        classes.iter().find(|(at, _)| *at > same[same.len() - 1].0).map_or(chunk.len(), |next| next.0);
                    plain.push(&chunk[same[0].0..end]);
                }
            }
        }
        None if how == Words::Spaces => plain = text.split_whitespace().collect(),
        None => return,
    }
    assert_eq!(found, plain, "{how:?}");
}

/// Runs are measured as their words are, and told apart as their words are.
fn runs(used: &Text, found: &[&str], how: Words) {
    let runs = used.runs(how);
    assert_eq!(runs.words(), found.len());
    if found.len() > 60 {
        return;
    }
    let lengths: Vec<usize> = found.iter().map(|word| word.chars().count()).collect();
    for n in [1, 3, 17] {
        let mut hashes = HashMap::new();
        assert_eq!(runs.count(n), found.windows(n).len());
        for (start, run) in found.windows(n).enumerate() {
            assert_eq!(runs.chars(start, n), lengths[start..start + n].iter().sum::<usize>());
            assert_eq!(*hashes.entry(runs.hash(start, n)).or_insert(run), run, "{how:?}: two runs share a hash");
        }
        let distinct: std::collections::HashSet<_> = found.windows(n).collect();
        assert_eq!(hashes.len(), distinct.len(), "{how:?}: a run has two hashes");
    }
}

fn cut_into_sentences(text: &str, how: Words) {
    assert_eq!(count_sentences(text, how), super::sentences::plainly(text, how), "{how:?}");
    let mut at = 0;
    for sentence in sentences(text, how) {
        assert!(!sentence.is_empty());
        let start = sentence.as_ptr().addr() - text.as_ptr().addr();
        assert!(start >= at && text[at..start].chars().all(is_space), "{how:?}: {:?} is left out", &text[at..start]);
        at = start + sentence.len();
    }
    assert!(text[at..].chars().all(is_space), "{how:?}: {:?} is left out", &text[at..]);
    let mut spans = Vec::new();
    words::cut(text, how, &mut spans);
    assert_eq!(count_sentences(text, how) == 0, spans.is_empty(), "{how:?}");
}
