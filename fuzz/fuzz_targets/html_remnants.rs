//! No text makes `html_remnants` panic or grow.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use wanjuan_filters::HtmlRemnants;
use wanjuan_filters::kit::{Document, Mapper, Setup, Step};

static STEP: LazyLock<HtmlRemnants> =
    LazyLock::new(|| HtmlRemnants::new(toml::from_str("").unwrap(), &mut Setup::default()).ok().unwrap());

fuzz_target!(|text: &str| {
    let mut document = Document::new("", text);
    STEP.map(&mut document, &mut Default::default());
    assert!(document.text().len() <= text.len());
});
