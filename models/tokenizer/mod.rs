//! Tokenizers: any `tokenizer.json`, encoded fast and exactly.
//!
//! A file is read by two crates: `tokenizers`, which defines what is right, and `kitoken`, which is
//! several times faster; what it has no cuts for, unigram models over words, `unigram.rs` encodes. When a tokenizer is loaded both encode a few texts that are chosen to be
//! awkward, each of its own added tokens among words in one of them; only if they agree on all of them is the
//! fast one used. Special tokens that stand in a
//! text are text: a document must not be able to end itself. A file's truncation and padding are for
//! batches of a model's input and are passed over: every document is encoded whole.

mod fast;
mod unigram;

use std::ops::Range;
use std::path::Path;

use fast::Fast;
use serde_json::Value;
use unigram::Unigram;

pub use crate::error::Error;

/// The tokenizer that comes along; see `card.toml` beside it.
pub const BUILT_IN: &str = "wanjuan-12k";

pub(crate) const BUILT_IN_FILE: &[u8] = include_bytes!("wanjuan-12k.json");

/// A tokenizer, ready to encode from any thread.
pub struct Tokenizer {
    engine: Engine,
    reference: tokenizers::Tokenizer,
    vocabulary: usize,
}

enum Engine {
    Fast(Box<Fast>),
    Unigram(Box<Unigram>),
    Reference,
}

/// Texts on which tokenizers differ if they differ: runs of spaces and line ends, contractions, digits,
/// scripts without spaces, composed and decomposed letters, emoji, code, special tokens as text.
const AWKWARD: [&str; 12] = [
    "Hello, world! It's 10:30 — isn't it?",
    "  two  spaces\n\n\nthree ends \t tab\r\n",
    "今天天气很好，我们去公园。『引用』１２３",
    "简体字與繁體字混合 text 中英文mixed。",
    "fn main() {\n    let x = 0x1F;\n\tprintln!(\"{x:?}\");\n}",
    "caf\u{e9} cafe\u{301} ÅNGSTRÖM straße ﬁne",
    "👩‍👩‍👧‍👦 emoji 🇨🇳 ☃️ \u{200b}zero\u{ad}width",
    "https://example.org/a?b=c&d=%20#e user@example.org",
    "<|endoftext|> </s> <s> [CLS] <|im_start|>",
    "日本語のテキスト、한국어 텍스트, العربية עברית ไทย हिन्दी",
    "3.14159 1,000,000 1e-9 ²³ ½ ⅷ",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \u{a0}\u{3000}……——",
];

/// Refuses templates of one text that name a second one, or a special token that is not defined: the reference takes
/// both for granted, and ends the thread where they are missing.
fn templates_hold(processor: &Value) -> Result<(), Error> {
    let list = |of: &Value| of.as_array().cloned().unwrap_or_default();
    for processor in list(&processor["processors"]) {
        templates_hold(&processor)?;
    }
    for piece in list(&processor["single"]) {
        if let Some(token) = piece["SpecialToken"]["id"].as_str()
            && processor["special_tokens"].get(token).is_none()
        {
            return Err(Error(format!(
                "its post_processor names the special token `{token}`, which it does not define"
            )));
        }
        if piece["Sequence"]["id"] == "B" {
            return Err(Error("its post_processor has a second text where there is one".to_owned()));
        }
    }
    Ok(())
}

impl Tokenizer {
    /// Reads a `tokenizer.json`. (The one that comes along is [`Tokenizer::built_in`].)
    pub fn load(path: &Path) -> Result<Tokenizer, Error> {
        let bytes = std::fs::read(path).map_err(|error| Error(format!("{}: {error}", path.display())))?;
        Tokenizer::from_bytes(&bytes)
    }

    /// The tokenizer that comes along.
    pub fn built_in() -> Tokenizer {
        Tokenizer::from_bytes(BUILT_IN_FILE).expect("a test loads the tokenizer that comes along")
    }

    /// Reads the bytes of a `tokenizer.json`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Tokenizer, Error> {
        // The reference ends the thread over some files that are no JSON, so it is given none.
        let definition: Value =
            serde_json::from_slice(bytes).map_err(|error| Error(format!("not a tokenizer.json: {error}")))?;
        templates_hold(&definition["post_processor"])?;
        let mut reference = tokenizers::Tokenizer::from_bytes(bytes)
            .map_err(|error| Error(format!("not a tokenizer.json: {error}")))?;
        reference.set_encode_special_tokens(true);
        reference.with_truncation(None).map_err(|error| Error(error.to_string()))?;
        reference.with_padding(None);
        let vocabulary = reference.get_vocab(true).values().max().map_or(0, |most| *most as usize + 1);
        let mut tokenizer = Tokenizer { engine: Engine::Reference, reference, vocabulary };
        if let Some(fast) = tokenizer.fast(bytes, &definition) {
            tokenizer.engine = fast;
        }
        Ok(tokenizer)
    }

    /// The fast encoder, if it agrees with the reference.
    fn fast(&self, bytes: &[u8], definition: &Value) -> Option<Engine> {
        let unigram = Unigram::new(definition);
        // Special tokens are text. `kitoken` would cut before and behind them all the same.
        let definitions = kitoken::convert::convert_tokenizers(bytes).ok().map_or(Vec::new(), |definition| {
            let mut without = definition.clone();
            without.specials.clear();
            vec![without, definition]
        });
        let engines = unigram.map(|unigram| Engine::Unigram(Box::new(unigram))).into_iter();
        let mut engines =
            engines.chain(definitions.into_iter().filter_map(Fast::new).map(|fast| Engine::Fast(Box::new(fast))));
        let added = self.reference.get_added_tokens_decoder();
        let among_words = added.values().map(|token| format!("a,{0} b{0}!{0}\n {0}", token.content));
        let texts: Vec<String> = AWKWARD.into_iter().map(str::to_owned).chain(among_words).collect();
        engines.find(|engine| {
            texts.iter().all(|text| {
                let (mut exact, mut quick) = (Vec::new(), Vec::new());
                self.encode_exactly(text, &mut exact).is_ok()
                    && self.encode_by(engine, text, &mut quick).is_ok()
                    && exact == quick
            })
        })
    }

    fn encode_exactly(&self, text: &str, ids: &mut Vec<u32>) -> Result<(), Error> {
        let encoding = self.reference.encode_fast(text, false).map_err(|error| Error(error.to_string()))?;
        ids.extend_from_slice(encoding.get_ids());
        Ok(())
    }

    /// Largest id and one: what a model's embedding needs at least.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// How many characters each entry has, special tokens included, in no order.
    pub fn lengths(&self) -> Vec<usize> {
        self.reference.get_vocab(true).keys().map(|token| token.chars().count()).collect()
    }

    /// Whether the fast encoder is used.
    pub fn is_fast(&self) -> bool {
        !matches!(self.engine, Engine::Reference)
    }

    /// The special tokens that a model's input has before and behind a text, such as `[CLS]` and `[SEP]`.
    pub fn frame(&self) -> Result<(Vec<u32>, Vec<u32>), Error> {
        let encode = |special| self.reference.encode_fast("a", special).map_err(|error| Error(error.to_string()));
        let (alone, framed) = (encode(false)?, encode(true)?);
        let (alone, framed) = (alone.get_ids(), framed.get_ids());
        let start = framed.windows(alone.len().max(1)).position(|ids| ids == alone);
        let start = start.ok_or_else(|| Error("its post_processor changes more than the ends of a text".to_owned()))?;
        Ok((framed[..start].to_vec(), framed[start + alone.len()..].to_vec()))
    }

    /// The id of a token by its text.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.reference.token_to_id(token)
    }

    /// The texts of all special tokens, by id.
    pub fn specials(&self) -> Vec<(u32, String)> {
        let added = self.reference.get_added_tokens_decoder();
        let mut specials: Vec<_> =
            added.into_iter().filter(|(_, token)| token.special).map(|(id, token)| (id, token.content)).collect();
        specials.sort();
        specials
    }

    /// Appends the ids of a text.
    pub fn encode(&self, text: &str, ids: &mut Vec<u32>) -> Result<(), Error> {
        self.encode_by(&self.engine, text, ids)
    }

    fn encode_by(&self, engine: &Engine, text: &str, ids: &mut Vec<u32>) -> Result<(), Error> {
        match engine {
            Engine::Fast(fast) => fast.encode(text, ids),
            Engine::Unigram(unigram) => {
                unigram.encode(text, ids);
                Ok(())
            }
            Engine::Reference => self.encode_exactly(text, ids),
        }
    }

    /// Where each token of a text lies in it, in bytes: a token that is part of a character, where the character does.
    /// `None` where the exact encoder, which tells, has other tokens than the fast one; no such text is known.
    pub fn places(&self, text: &str, ids: &[u32]) -> Option<Vec<Range<usize>>> {
        let encoding = self.reference.encode(text, false).ok()?;
        (encoding.get_ids() == ids).then(|| encoding.get_offsets().iter().map(|&(start, end)| start..end).collect())
    }

    /// The text of some ids, special tokens included.
    pub fn decode(&self, ids: &[u32]) -> Result<String, Error> {
        self.reference.decode(ids, false).map_err(|error| Error(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_one_that_comes_along_is_fast_and_knows_its_end_of_text() {
        let tokenizer = Tokenizer::built_in();
        assert!(tokenizer.is_fast());
        assert_eq!((tokenizer.vocabulary(), tokenizer.id("<|endoftext|>")), (12_288, Some(0)));
        assert_eq!(tokenizer.specials(), [(0, "<|endoftext|>".to_owned())]);
    }

    #[test]
    fn a_special_token_in_a_text_is_text() {
        let (tokenizer, mut ids) = (Tokenizer::built_in(), Vec::new());
        tokenizer.encode("a<|endoftext|>b", &mut ids).unwrap();
        assert!(!ids.contains(&0), "{ids:?}");
        assert_eq!(tokenizer.decode(&ids).unwrap(), "a<|endoftext|>b");
    }

    #[test]
    fn what_is_no_tokenizer_is_refused() {
        assert!(Tokenizer::from_bytes(b"{}").err().unwrap().to_string().contains("not a tokenizer.json"));
    }

    /// Every byte of a template for another: the file is refused, or it is used without a panic.
    #[test]
    fn a_template_whose_bytes_are_others_is_refused_or_used() {
        let file = include_str!("../encoder/golden/bert/tokenizer.json");
        let start = file.find("\"post_processor\"").unwrap();
        let end = start + file[start..].find("\"decoder\"").unwrap();
        let (mut refused, mut used) = (0, 0);
        for at in start..end {
            for byte in [b'B', b'"', b'[', b'0'] {
                let mut bytes = file.as_bytes().to_vec();
                bytes[at] = byte;
                match Tokenizer::from_bytes(&bytes).and_then(|tokenizer| tokenizer.frame()) {
                    Ok(_) => used += 1,
                    Err(_) => refused += 1,
                }
            }
        }
        assert!(refused > 100 && used > 100, "{refused} {used}");
        let lacks = file.replace("{\"SpecialToken\":{\"id\":\"[CLS]\"", "{\"SpecialToken\":{\"id\":\"[CLT]\"");
        let lacks = Tokenizer::from_bytes(lacks.as_bytes()).err().unwrap().to_string();
        assert!(lacks.contains("names the special token `[CLT]`"), "{lacks}");
        let pieces = file.replacen("{\"Sequence\":{\"id\":\"A\"", "{\"Sequence\":{\"id\":\"B\"", 1);
        assert!(Tokenizer::from_bytes(pieces.as_bytes()).err().unwrap().to_string().contains("a second text"));
    }

    #[test]
    fn a_document_is_encoded_whole_whatever_the_file_says_of_truncation_and_padding() {
        // Words by white space alone: the fast encoder does not know how, so the reference encodes.
        let file = |truncation: &str, padding: &str| {
            format!(
                r#"{{"version": "1.0", "truncation": {truncation}, "padding": {padding}, "added_tokens": [],
                "normalizer": null, "pre_tokenizer": {{"type": "WhitespaceSplit"}}, "post_processor": null, "decoder": null,
                "model": {{"type": "WordLevel", "vocab": {{"a": 0, "[UNK]": 1}}, "unk_token": "[UNK]"}}}}"#
            )
        };
        let truncation = r#"{"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}"#;
        let padding = r#"{"strategy": {"Fixed": 8}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 1, "pad_type_id": 0, "pad_token": "[UNK]"}"#;
        for file in [file("null", "null"), file(truncation, "null"), file("null", padding), file(truncation, padding)] {
            let (tokenizer, mut ids) = (Tokenizer::from_bytes(file.as_bytes()).unwrap(), Vec::new());
            assert!(!tokenizer.is_fast());
            tokenizer.encode("a a a a a a", &mut ids).unwrap();
            assert_eq!(ids, [0; 6], "{file}");
        }
    }

    #[test]
    fn a_special_token_is_text_among_marks_too() {
        let tokenizer = Tokenizer::built_in();
        for text in ["x!<|endoftext|>!?", "a <|endoftext|>\n", "<<|endoftext|>>", "(<|endoftext|><|endoftext|>)"] {
            let (mut ids, mut exact) = (Vec::new(), Vec::new());
            tokenizer.encode(text, &mut ids).unwrap();
            tokenizer.encode_exactly(text, &mut exact).unwrap();
            assert_eq!(ids, exact, "{text}");
        }
    }

    #[test]
    fn white_space_without_end_is_encoded() {
        let (tokenizer, length) = (Tokenizer::built_in(), 2_000_000);
        for unit in [" ", "\n", "\t", "\u{3000}", " \t", " \n", "a", "1", "字", "!", "\u{301}"] {
            let run = unit.repeat(length / unit.len());
            let text = format!("one two{run}three.");
            let mut ids = Vec::new();
            tokenizer.encode(&text, &mut ids).unwrap();
            assert!(tokenizer.decode(&ids).unwrap() == text, "{unit:?}");
        }
    }

    proptest! {
        /// The pieces of a text with long runs are those of the whole text: shown with runs that are not too long for
        /// the reference.
        #[test]
        fn a_text_with_long_runs_gets_the_ids_that_it_has_as_a_whole(
            text in "((\\PC|[a-z'!<]|\u{3000}){0,5}( {0,400}|[ \t\u{a0}]{60,200}|\n{0,3}|[ \n]{50,90})){0,6}"
        ) {
            thread_local!(static BOTH: (Tokenizer, Fast) = {
                let definition = kitoken::convert::convert_tokenizers(BUILT_IN_FILE).unwrap();
                (Tokenizer::built_in(), Fast::new(definition).unwrap().with_longest_run(40))
            });
            BOTH.with(|(tokenizer, fast)| {
                let (mut ids, mut exact) = (Vec::new(), Vec::new());
                fast.encode(&text, &mut ids).unwrap();
                tokenizer.encode_exactly(&text, &mut exact).unwrap();
                prop_assert_eq!(ids, exact);
                Ok(())
            })?;
        }

        #[test]
        fn the_fast_encoder_gives_what_the_reference_gives(text in "(\\PC|[a-z' \n\t]|[一-龥]|[0-9]){0,60}") {
            thread_local!(static TOKENIZER: Tokenizer = Tokenizer::built_in());
            TOKENIZER.with(|tokenizer| {
                let mut ids = Vec::new();
                tokenizer.encode(&text, &mut ids).unwrap();
                let reference = tokenizer.reference.encode_fast(text.as_str(), false).unwrap();
                prop_assert_eq!(&ids[..], reference.get_ids());
                prop_assert_eq!(tokenizer.decode(&ids).unwrap(), text);
                Ok(())
            })?;
        }
    }
}
