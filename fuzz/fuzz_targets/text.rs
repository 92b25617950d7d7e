//! Any bytes as a text, looked at in every way that filters know.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wanjuan_filters::kit::probe(&String::from_utf8_lossy(bytes)));
