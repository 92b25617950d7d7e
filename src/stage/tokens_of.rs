//! Texts as tokens, for a step that measures in them.

use wanjuan_dedup::substrings::tokens;
use wanjuan_filters::kit::{self, Setup, Wrong};
use wanjuan_models::tokenizer::{BUILT_IN, Tokenizer};

/// The tokenizer of the settings, if passages are measured in tokens.
pub fn tokenizer(tokens: Option<usize>, name: Option<&str>, setup: &mut Setup) -> Result<Option<Tokenizer>, Wrong> {
    let tokenizer = match (tokens, name) {
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            let what = "`tokenizer` is set, and passages are measured in characters or bytes";
            return Err(Wrong::setting("tokenizer", what).help("set `min_tokens`, or leave out `tokenizer`"));
        }
        (Some(_), name) => kit::tokenizer(name.unwrap_or(BUILT_IN), setup)?,
    };
    match tokenizer.vocabulary() {
        0..=tokens::MOST => Ok(Some(tokenizer)),
        more => Err(Wrong::setting("tokenizer", format!("it has {more} tokens, and may have {}", tokens::MOST))),
    }
}

/// The tokens of a text, and as a text of their own.
pub fn encode(tokenizer: &Tokenizer, text: &str) -> Option<(Vec<u32>, String)> {
    let (mut ids, mut tokens) = (Vec::new(), String::new());
    tokenizer.encode(text, &mut ids).ok()?;
    tokens::as_text(&ids, &mut tokens);
    Some((ids, tokens))
}
