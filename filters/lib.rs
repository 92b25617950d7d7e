//! The catalogue of filters and mappers: one file, one step.

pub mod html_text;
pub mod kit;
mod language;

pub use html_text::HtmlText;
pub use language::Language;
