//! Any bytes as a list of domains, of URLs, or of lines as they are.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wanjuan_filters::url_lists::lists::probe(bytes));
