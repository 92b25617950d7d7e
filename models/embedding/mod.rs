//! Embeddings: a text as a vector, near those of texts that mean the same.
//!
//! The one kind that is here is a table of token vectors, whose mean is the text's (`table.rs`). Whatever else
//! makes vectors of texts, such as an encoder, has to be an [`Embedding`] and no more.

mod load;
mod table;
#[cfg(test)]
mod tests;

pub use crate::error::Error;
pub use load::FILES;
pub use table::Table;

/// What the model that comes along is called; see `card.toml` beside it.
pub const BUILT_IN: &str = "wanjuan-e5-96";

pub(crate) const BUILT_IN_FILE: &[u8] = include_bytes!("wanjuan-e5-96/model.safetensors");

/// Its further files, by name.
pub(crate) const BUILT_IN_PARTS: [(&str, &[u8]); 2] = [
    ("tokenizer.json", include_bytes!("wanjuan-e5-96/tokenizer.json")),
    ("config.json", include_bytes!("wanjuan-e5-96/config.json")),
];

impl Table {
    /// The model that comes along.
    pub fn built_in() -> Table {
        let [(_, tokenizer), (_, config)] = BUILT_IN_PARTS;
        Table::from_bytes(BUILT_IN_FILE, tokenizer, config).expect("a test loads the model that comes along")
    }
}

/// What makes vectors of texts, from any thread.
pub trait Embedding: Send + Sync {
    /// Numbers in a vector.
    fn dimensions(&self) -> usize;

    /// Replaces `vector` by the text's: the same numbers each time, whatever thread asks. False, with zeros, where
    /// the text holds nothing that the model knows.
    fn embed(&self, text: &str, vector: &mut Vec<f32>) -> bool;
}
