//! A program with steps of its own: a filter, a mapper and a source, beside all that wanjuan has.
//!
//! `cargo run --example own_steps -- run pipeline.toml` takes every command that `wanjuan` takes, and
//! pipelines that say `use = "paragraphs"`, `use = "shout"` or `use = "no_cats"`.

use std::io::{self, Read};
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan::kit::{Document, Filter, Mapper, Reason, Setup, Step, Text, Verdict, Wrong, kind};
use wanjuan::registry::Registry;
use wanjuan::source::{self, Bad, Batch, Limits, NoDocument, Reader, Source};
use wanjuan::store::Input;

fn main() -> std::process::ExitCode {
    wanjuan::cli::main(Registry::builtin().with::<Paragraphs>().with::<Shout>().with::<NoCats>())
}

/// Settings of [`NoCats`].
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct CatConfig {
    /// Most cats in a document.
    max_cats: u64,
}

impl Default for CatConfig {
    fn default() -> CatConfig {
        CatConfig { max_cats: 1 }
    }
}

wanjuan::measures! {
    /// What [`NoCats`] measures.
    struct Cats {
        /// Cats in the document.
        cats,
    }
}

/// A filter: measures, then judges.
struct NoCats(CatConfig);

impl Step for NoCats {
    const NAME: &'static str = "no_cats";
    const VERSION: u32 = 1;
    const WORDS: &'static str = "//! Drops documents with too many cats.";
    type Config = CatConfig;
    type Kind = kind::Filter;

    fn new(config: CatConfig, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(NoCats(config))
    }
}

impl Filter for NoCats {
    type Measure = Cats;
    const REASONS: &'static [Reason] = &[Reason::of("too_many_cats", "max_cats")];

    fn measure(&self, text: &Text) -> Cats {
        Cats { cats: Some((text.matches("cat").count() + text.matches('猫').count()) as f64) }
    }

    fn judge(&self, measure: &Cats) -> Verdict {
        let too_many = measure.cats.is_some_and(|cats| cats > self.0.max_cats as f64);
        if too_many { Verdict::Drop("too_many_cats") } else { Verdict::Keep }
    }
}

/// [`Shout`] and [`Paragraphs`] have no settings.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Nothing {}

/// A mapper: rewrites the text.
struct Shout;

impl Step for Shout {
    const NAME: &'static str = "shout";
    const VERSION: u32 = 1;
    const WORDS: &'static str = "//! Writes everything in capitals.";
    type Config = Nothing;
    type Kind = kind::Mapper;

    fn new(_: Nothing, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(Shout)
    }
}

impl Mapper for Shout {
    type Measure = ();

    fn map(&self, document: &mut Document, _: &mut ()) -> Verdict {
        let shouted = document.text().to_uppercase();
        document.set_text(shouted);
        Verdict::Keep
    }
}

/// A source: a document for every paragraph of a text file.
struct Paragraphs;

impl Step for Paragraphs {
    const NAME: &'static str = "paragraphs";
    const VERSION: u32 = 1;
    const WORDS: &'static str = "//! Reads text files, a document for every paragraph.";
    type Config = Nothing;
    type Kind = source::Kind;

    fn new(_: Nothing, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(Paragraphs)
    }
}

impl Source for Paragraphs {
    fn endings(&self) -> &'static [&'static str] {
        &[".txt"]
    }

    fn open(&self, input: &Input, range: Range<u64>, limits: Limits) -> io::Result<Box<dyn Reader>> {
        let mut bytes = Vec::new();
        // A file this source cannot hold is cut off, and its last paragraph set aside below.
        input.open(range)?.take(limits.max_document as u64).read_to_end(&mut bytes)?;
        Ok(Box::new(File { bytes: Some(bytes) }))
    }
}

struct File {
    bytes: Option<Vec<u8>>,
}

impl Reader for File {
    fn next(&mut self) -> io::Result<Option<Box<dyn Batch>>> {
        Ok(self.bytes.take().map(|bytes| {
            let paragraphs = bytes.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).filter(|line| !line.is_empty());
            Box::new(Lines(paragraphs.collect())) as Box<dyn Batch>
        }))
    }
}

struct Lines(Vec<Vec<u8>>);

impl Batch for Lines {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    fn document(&self, index: usize) -> Result<Document, NoDocument> {
        let line = &self.0[index];
        match std::str::from_utf8(line) {
            Ok(text) => Ok(Document::new("", text)), // the engine names it after its place
            Err(error) => {
                Err(Bad { reason: "invalid_utf8", detail: error.to_string(), offset: None, raw: line.clone() }.into())
            }
        }
    }
}
