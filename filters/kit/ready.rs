//! How a text is made ready before a model reads it: the same where it is trained and where it judges.

use std::cell::RefCell;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};
use wanjuan_models::card::Reads;

use super::{Text, Words};

/// How a text is made ready. With the default, it is read as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ready {
    /// How it is cut into words, which are then joined by spaces.
    pub words: Option<Words>,
    /// Whether it is put into lower case.
    pub lowercase: bool,
    /// Most characters that are read, from the start.
    pub max_chars: Option<usize>,
}

/// Bytes for which there is room from one document to the next, whatever it needs.
const KEPT: usize = 1 << 20;

impl Ready {
    /// As a model's card says.
    pub fn of(reads: &Reads) -> Result<Ready, String> {
        let words = reads.words.as_deref().map(|name| {
            let name: StrDeserializer<'_, Error> = name.into_deserializer();
            Words::deserialize(name).map_err(|error| format!("`reads.words`: {error}"))
        });
        Ok(Ready { words: words.transpose()?, lowercase: reads.lowercase, max_chars: reads.max_chars })
    }

    /// As a card has it.
    pub fn to_card(&self) -> Reads {
        let name = |words: Words| format!("{words:?}").to_lowercase();
        Reads { words: self.words.map(name), lowercase: self.lowercase, max_chars: self.max_chars, ..Reads::default() }
    }

    /// Looks at the text made ready.
    pub fn read<R>(&self, text: &Text, look: impl FnOnce(&str) -> R) -> R {
        thread_local! {
            static JOINED: RefCell<String> = RefCell::default();
        }
        let text = if self.lowercase { text.lower() } else { text };
        let Some(how) = self.words else { return look(first_chars(text, self.max_chars)) };
        JOINED.with_borrow_mut(|joined| {
            joined.clear();
            let start = text.as_ptr().addr();
            let end = first_chars(text, self.max_chars).len();
            for word in text.words(how).take_while(|word| word.as_ptr().addr() - start + word.len() <= end) {
                joined.push_str(word);
                joined.push(' ');
            }
            let answer = look(joined);
            joined.clear();
            joined.shrink_to(KEPT);
            answer
        })
    }
}

/// The first characters of a text; all where no number is given.
pub fn first_chars(text: &str, max: Option<usize>) -> &str {
    let end = max.and_then(|max| text.char_indices().nth(max));
    end.map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(ready: &Ready, text: &str) -> String {
        ready.read(&text.into(), str::to_owned)
    }

    #[test]
    fn a_text_is_read_as_it_is_unless_asked_otherwise() {
        assert_eq!(read(&Ready::default(), "Ab 我爱\n"), "Ab 我爱\n");
        assert_eq!(read(&Ready { lowercase: true, ..Ready::default() }, "Ab 我爱"), "ab 我爱");
        assert_eq!(read(&Ready { max_chars: Some(4), ..Ready::default() }, "Ab 我爱"), "Ab 我");
        let cut = Ready { words: Some(Words::Characters), lowercase: true, max_chars: Some(6) };
        assert_eq!(read(&cut, "Ab12我爱你们"), "ab12 我 爱 ");
    }

    #[test]
    fn a_card_says_it_as_it_is_read() {
        let names = ["english", "general", "chinese", "characters", "wordpunct", "unicode", "spaces"];
        for name in names {
            let reads = Reads { words: Some(name.into()), lowercase: true, max_chars: Some(9), ..Reads::default() };
            assert_eq!(Ready::of(&reads).unwrap().to_card(), reads);
        }
        let wrong = Ready::of(&Reads { words: Some("klingon".into()), ..Reads::default() }).unwrap_err();
        assert!(wrong.contains("klingon") && wrong.contains("characters"), "{wrong}");
    }
}
