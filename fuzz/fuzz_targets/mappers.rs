//! Any bytes as a text, through every mapper that rewrites text.
#![no_main]

#[path = "../mappers.rs"]
mod mappers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mappers::probe(bytes));
