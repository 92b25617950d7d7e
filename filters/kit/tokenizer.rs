//! The tokenizer that a setting names.

use wanjuan_models::tokenizer::{BUILT_IN, Tokenizer};

use super::{Setup, Wrong};

/// The one that comes along under its name, or the one of a file; the setting is called `tokenizer`.
pub fn tokenizer(named: &str, setup: &mut Setup) -> Result<Tokenizer, Wrong> {
    if named == BUILT_IN {
        return Ok(Tokenizer::built_in());
    }
    let path = setup.file("tokenizer", named)?;
    Tokenizer::load(&path).map_err(|error| Wrong::setting("tokenizer", format!("{}: {error}", path.display())))
}
