//! The steps that come with wanjuan.

use super::Registry;
use crate::{sink, source, stage};

impl Registry {
    /// Every step that comes with wanjuan.
    pub fn builtin() -> Registry {
        Registry::empty()
            .with::<source::jsonl::Jsonl>()
            .with::<source::warc::Warc>()
            .with::<source::wet::Wet>()
            .with::<wanjuan_filters::HtmlText>()
            .with::<wanjuan_filters::Language>()
            .with::<stage::ExactDuplicates>()
            .with::<sink::jsonl::Jsonl>()
            .with::<sink::parquet::Parquet>()
    }
}
