//! The steps that come with wanjuan.

use super::Registry;
use wanjuan_filters as filters;

use crate::{rule, sink, source, stage};

impl Registry {
    /// Every step that comes with wanjuan.
    pub fn builtin() -> Registry {
        Registry::empty()
            .with::<source::jsonl::Jsonl>()
            .with::<source::warc::Warc>()
            .with::<source::wet::Wet>()
            .with::<source::parquet::Parquet>()
            .with::<source::text::Text>()
            .with::<filters::HtmlText>()
            .with::<filters::Language>()
            .with::<filters::Normalize>()
            .with::<filters::ChineseVariant>()
            .with::<filters::CollapseLines>()
            .with::<filters::HalfWidth>()
            .with::<filters::JoinLines>()
            .with::<filters::Latex>()
            .with::<filters::Markdown>()
            .with::<filters::HtmlRemnants>()
            .with::<filters::BoilerplateLines>()
            .with::<filters::CitationMarks>()
            .with::<filters::RefinedwebLines>()
            .with::<filters::Decontaminate>()
            .with::<filters::Pii>()
            .with::<filters::GopherQuality>()
            .with::<filters::GopherRepetition>()
            .with::<filters::C4Lines>()
            .with::<filters::FinewebQuality>()
            .with::<filters::CodeQuality>()
            .with::<filters::LongText>()
            .with::<filters::ProgrammingLanguage>()
            .with::<filters::Dingo>()
            .with::<filters::Statistics>()
            .with::<filters::MadladQuality>()
            .with::<filters::Mc4Paragraphs>()
            .with::<filters::BadWords>()
            .with::<filters::ListedWords>()
            .with::<filters::Classifier>()
            .with::<filters::RedpajamaSignals>()
            .with::<filters::WanjuanCc>()
            .with::<filters::Evalweb>()
            .with::<filters::Sample>()
            .with::<rule::Rule>()
            .with::<filters::UrlLists>()
            .with::<filters::Domain>()
            .with::<stage::DuplicateSpans>()
            .with::<stage::Encoder>()
            .with::<stage::ExactDuplicates>()
            .with::<stage::Minhash>()
            .with::<stage::RepeatedSubstrings>()
            .with::<stage::Repositories>()
            .with::<stage::Top>()
            .with::<sink::jsonl::Jsonl>()
            .with::<sink::parquet::Parquet>()
            .with::<sink::tokens::Tokens>()
    }
}
