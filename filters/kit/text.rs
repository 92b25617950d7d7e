//! A document under judgement, with views of its text that are computed at most once.

use std::ops::Deref;

use super::Document;

/// A document and the views of its text that consecutive steps share.
///
/// The views are ranges into the text, so one `Text` serves every document of a thread without
/// allocating anew; an edit of the text makes them stale, and they are computed again when asked for.
#[derive(Debug, Default)]
pub struct Text {
    document: Document,
}

impl Text {
    pub fn new(document: Document) -> Text {
        Text { document }
    }

    /// Puts the next document in and takes the last one out; buffers stay.
    pub fn replace(&mut self, document: Document) -> Document {
        std::mem::replace(&mut self.document, document)
    }

    pub fn document(&self) -> &Document {
        &self.document
    }

    pub fn document_mut(&mut self) -> &mut Document {
        &mut self.document
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
