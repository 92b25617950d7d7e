//! A document under judgement, with views of its text that are computed at most once.

mod english;

use std::cell::{Cell, OnceCell};
use std::ops::Deref;
use std::sync::LazyLock;

use super::Document;

/// How a text is cut into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Words {
    /// By the rules of spaCy's blank English pipeline, as datatrove uses it.
    English,
    /// By jieba, with its model of unknown words, as datatrove uses it for Chinese.
    Chinese,
    /// At white space.
    Spaces,
}

/// A piece of the text, in bytes.
type Span = (u32, u32);

/// Pieces for which there is room from one document to the next, whatever it needs: 8 MiB.
const KEPT_SPANS: usize = 1 << 20;

/// A document and the views of its text that consecutive steps share.
///
/// The views are ranges into the text, so one `Text` serves every document of a thread without
/// allocating anew. An edit of the text makes them stale, and they are computed again when asked for.
#[derive(Default)]
pub struct Text {
    document: Document,
    words: [View; 3],
}

/// A list of spans that is computed when it is first asked for; its buffer outlives documents.
#[derive(Default)]
struct View {
    spans: OnceCell<Vec<Span>>,
    spare: Cell<Vec<Span>>,
}

impl View {
    fn get(&self, fill: impl FnOnce(&mut Vec<Span>)) -> &[Span] {
        self.spans.get_or_init(|| {
            let mut spans = self.spare.take();
            fill(&mut spans);
            spans
        })
    }

    fn forget(&mut self) {
        if let Some(mut spans) = self.spans.take() {
            spans.clear();
            spans.shrink_to(KEPT_SPANS);
            self.spare.set(spans);
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
        self.words.iter_mut().for_each(View::forget);
    }

    /// The words of the text, punctuation included. White space alone is never a word.
    pub fn words(&self, how: Words) -> impl ExactSizeIterator<Item = &str> + Clone {
        let text = self.document.text();
        let spans = self.words[how as usize].get(|spans| cut(text, how, spans));
        spans.iter().map(move |&(start, end)| &text[start as usize..end as usize])
    }
}

/// Cuts a text into words.
fn cut(text: &str, how: Words, spans: &mut Vec<Span>) {
    match how {
        Words::English => english::words(text, spans),
        Words::Spaces => {
            let start = text.as_ptr().addr();
            spans.extend(text.split_whitespace().map(|word| {
                let at = word.as_ptr().addr() - start;
                (at as u32, (at + word.len()) as u32)
            }));
        }
        Words::Chinese => {
            static JIEBA: LazyLock<jieba_rs::Jieba> = LazyLock::new(jieba_rs::Jieba::new);
            let mut at = 0;
            for token in JIEBA.cut(text, true) {
                let word = token.word;
                let trimmed = word.trim_start();
                let start = at + word.len() - trimmed.len();
                let length = trimmed.trim_end().len();
                if length > 0 {
                    spans.push((start as u32, (start + length) as u32));
                }
                at += word.len();
            }
        }
    }
}

/// Sentences of a text, as spaCy's sentencizer counts them over English words: one ends with a mark
/// such as `.`, `!` or `。`, and the next begins with the first word behind it that is no punctuation.
pub fn count_sentences(text: &str) -> usize {
    thread_local! {
        static SPANS: Cell<Vec<Span>> = const { Cell::new(Vec::new()) };
    }
    let mut spans = SPANS.take();
    spans.clear();
    cut(text, Words::English, &mut spans);
    let (mut sentences, mut ended) = (usize::from(!spans.is_empty()), false);
    for &(start, end) in &spans {
        let word = &text[start as usize..end as usize];
        let mark = ends_sentence(word);
        if ended && !mark && !is_punctuation(word) {
            sentences += 1;
            ended = false;
        } else if mark {
            ended = true;
        }
    }
    spans.clear();
    spans.shrink_to(KEPT_SPANS);
    SPANS.set(spans);
    sentences
}

fn ends_sentence(word: &str) -> bool {
    let mut characters = word.chars();
    matches!(
        (characters.next(), characters.next()),
        (
            Some(
                '!' | '.'
                    | '?'
                    | '。'
                    | '！'
                    | '？'
                    | '｡'
                    | '．'
                    | '…'
                    | '؟'
                    | '۔'
                    | '।'
                    | '॥'
                    | '‼'
                    | '⁇'
                    | '⁈'
                    | '⁉'
                    | '։'
            ),
            None
        )
    )
}

fn is_punctuation(word: &str) -> bool {
    !word.is_empty() && word.chars().all(is_punctuation_mark)
}

/// Whether a character is punctuation in Unicode's sense (general category P).
fn is_punctuation_mark(c: char) -> bool {
    match c {
        '\0'..='\u{7f}' => c.is_ascii_punctuation() && !"$+<=>^`|~".contains(c),
        '\u{a1}' | '\u{a7}' | '\u{ab}' | '\u{b6}' | '\u{b7}' | '\u{bb}' | '\u{bf}' => true,
        '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' => !matches!(c, '\u{2044}' | '\u{2052}'),
        '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}' | '\u{3030}' | '\u{30fb}' => true,
        '\u{ff01}'..='\u{ff0f}'
        | '\u{ff1a}'..='\u{ff20}'
        | '\u{ff3b}'..='\u{ff3d}'
        | '\u{ff3f}'
        | '\u{ff5b}'
        | '\u{ff5d}'
        | '\u{ff5f}'..='\u{ff65}' => !matches!(c, '\u{ff04}' | '\u{ff0b}' | '\u{ff1c}'..='\u{ff1e}'),
        '\u{589}'
        | '\u{5be}'
        | '\u{60c}'
        | '\u{61b}'
        | '\u{61f}'
        | '\u{66a}'..='\u{66d}'
        | '\u{6d4}'
        | '\u{964}'
        | '\u{965}'
        | '\u{e5a}'
        | '\u{e5b}' => true,
        _ => false,
    }
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

    fn words(text: &str, how: Words) -> Vec<String> {
        Text::from(text).words(how).map(str::to_owned).collect()
    }

    #[test]
    fn chinese_is_cut_into_words_and_white_space_is_none() {
        assert_eq!(words("我爱北京天安门 \n，好", Words::Chinese), ["我", "爱", "北京", "天安门", "，", "好"]);
    }

    #[test]
    fn views_follow_the_text() {
        let mut text = Text::from("one two");
        assert_eq!(text.words(Words::Spaces).len(), 2);
        text.edit(|document| document.id = "x".into());
        assert_eq!(text.words(Words::Spaces).len(), 2);
        text.edit(|document| document.set_text("three"));
        assert_eq!(text.words(Words::Spaces).collect::<Vec<_>>(), ["three"]);
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

    #[test]
    fn sentences_end_with_their_marks() {
        assert_eq!(count_sentences("One. Two! \"Three?\" Four"), 4);
        assert_eq!(count_sentences("No mark here"), 1);
        assert_eq!(count_sentences(" "), 0);
        assert_eq!(count_sentences("Mr. Smith paid 3.5 dollars... Then he left."), 1);
    }
}
