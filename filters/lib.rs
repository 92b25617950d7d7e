//! The catalogue of filters and mappers: one file, one step.

#![warn(missing_docs)]

mod bad_words;
mod c4_lines;
pub mod chinese_variant;
mod classifier;
mod code_quality;
mod collapse_lines;
mod dingo;
mod evalweb;
mod fineweb_2;
mod fineweb_quality;
mod gopher_quality;
mod gopher_repetition;
mod half_width;
pub mod html_text;
mod join_lines;
pub mod kit;
mod language;
mod latex;
pub mod listed_words;
mod madlad_quality;
mod markdown;
mod normalize;
mod pii;
mod programming_language;
mod redpajama_signals;
mod sample;
mod statistics;
mod wanjuan_cc;

pub use bad_words::BadWords;
pub use c4_lines::C4Lines;
pub use chinese_variant::ChineseVariant;
pub use classifier::Classifier;
pub use code_quality::CodeQuality;
pub use collapse_lines::CollapseLines;
pub use dingo::Dingo;
pub use evalweb::Evalweb;
pub use fineweb_quality::FinewebQuality;
pub use gopher_quality::GopherQuality;
pub use gopher_repetition::GopherRepetition;
pub use half_width::HalfWidth;
pub use html_text::HtmlText;
pub use join_lines::JoinLines;
pub use language::Language;
pub use latex::Latex;
pub use listed_words::ListedWords;
pub use madlad_quality::MadladQuality;
pub use markdown::Markdown;
pub use normalize::Normalize;
pub use pii::Pii;
pub use programming_language::ProgrammingLanguage;
pub use redpajama_signals::RedpajamaSignals;
pub use sample::Sample;
pub use statistics::Statistics;
pub use wanjuan_cc::WanjuanCc;
