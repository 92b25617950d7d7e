//! What the fuzzer `mappers` does with its input. The tests of the filters send its corpus through the same.

use wanjuan_filters as filters;
use wanjuan_filters::kit::{Document, Mapper, Setup};

fn map<T: Mapper>(settings: &str, text: &str)
where
    T::Measure: Default,
{
    let config = toml::from_str(settings).expect("settings of the step");
    let step = T::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{}", wrong.what));
    step.map(&mut Document::new("", text), &mut T::Measure::default());
}

/// Sends a text through the mappers; they must come back.
pub fn probe(bytes: &[u8]) {
    let text = &*String::from_utf8_lossy(bytes);
    map::<filters::Normalize>("form = \"nfkc\"", text);
    map::<filters::ChineseVariant>("max_kana_share = 1.0", text);
    map::<filters::ChineseVariant>("to = \"traditional\"\nmax_kana_share = 1.0", text);
    map::<filters::HalfWidth>("chinese_punctuation = true\nkatakana = true", text);
    map::<filters::JoinLines>("min_width = 0\nmin_broken_share = 0.0\nslack = 1.0", text);
    map::<filters::CollapseLines>("marks = \"one\"", text);
    map::<filters::Markdown>("images = \"alt\"\nheadings = true\nemphasis = true\ntables = true", text);
    map::<filters::Latex>("start = \"keep\"\nlabels = true\ncitations = true\nfigures = true", text);
}
