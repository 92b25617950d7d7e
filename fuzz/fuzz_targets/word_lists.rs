//! Any bytes are a list of words or a mistake with its line, and every entry of a list is found.
//! A test of `filters/listed_words/list.rs` reads the kept corpus without the fuzzer.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| wanjuan_filters::listed_words::check(bytes));
