//! What the author of a filter needs, and nothing of the engine.
//!
//! A step is described by [`Step`] (its name, its words, its settings) and does its work through
//! the trait of its kind: [`Filter`] measures and judges, [`Mapper`] rewrites.

mod ccnet;
mod code;
mod document;
mod english;
mod lines;
pub mod list;
mod luhn;
mod measure;
mod nearest;
mod normal;
mod punctuation;
pub mod python;
mod quoted;
mod ready;
mod repeated_runs;
mod step;
mod text;
mod tokenizer;
mod twice;
mod value;

pub use ccnet::ccnet;
pub use code::{code_language, code_languages};
pub use document::{Document, Origin};
pub use english::{count_marked, is_lower_stop_word, is_stop_word};
pub use lines::{Repeats, Seen, Table, repeats, split_lines};
pub use luhn::is_luhn;
pub use measure::{MeasureInfo, Measures, above, below, share};
pub use nearest::nearest;
pub use normal::{Without, with_normal};
pub use punctuation::{REDPAJAMA_BULLETS, is_punctuation, is_symbol, is_terminal};
pub use quoted::Quoted;
pub use ready::{Ready, first_chars};
pub use repeated_runs::{RepeatedRuns, with_repeated_runs};
pub use step::{Facts, Field, Filter, Kind, Mapper, Profile, Reason, Setup, Step, Tables, Verdict, Wrong, kind};
pub use text::{
    Classes, Marks, Paragraphs, Runs, Sentences, Text, Words, count_sentences, is_han, is_unspaced, sentences,
};
#[cfg(any(test, fuzzing))]
pub use text::{EVERY_WAY, probe};
pub(crate) use text::{Letters, eight, first, is_wordly};
pub use tokenizer::tokenizer;
pub use twice::Twice;
pub use value::{Name, Type, Value};
