//! Reads a folder of files, one document each; the id is the file's name below the folder.
//!
//! Plain, gzip or zstd. Characters by byte-order mark, then detection. A file that is not text (it
//! holds NULs) is set aside.
//!
//! | setting   | default                | source                                   |
//! |-----------|------------------------|------------------------------------------|
//! | `charset` | found                  | a label as in HTML, `gb18030`, `utf-8`   |

use std::io;
use std::ops::Range;

use encoding_rs::Encoding;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{Document, Setup, Step, Wrong};

use super::bytes::{Broken, Bytes, Format};
use super::http::decode_text;
use super::{Bad, Batch, KEPT_RAW, Kind, Limits, NoDocument, Reader, Source};
use crate::store::Input;

/// Settings of [`Text`].
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The files' charset; found for each if it is not given.
    pub charset: Option<String>,
}

/// See the words at the top of this file.
pub struct Text {
    charset: Option<&'static Encoding>,
}

impl Step for Text {
    const NAME: &'static str = "text";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("text.rs");
    type Config = Config;
    type Kind = Kind;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        let known = |label: String| {
            let found = Encoding::for_label(label.as_bytes());
            found.ok_or_else(|| {
                Wrong::setting("charset", format!("there is no charset `{label}`"))
                    .help("labels are those of HTML: utf-8, gb18030, big5, shift_jis")
            })
        };
        Ok(Text { charset: config.charset.map(known).transpose()? })
    }
}

impl Source for Text {
    fn endings(&self) -> &'static [&'static str] {
        &[]
    }

    fn open(&self, input: &Input, _: Range<u64>, limits: Limits) -> io::Result<Box<dyn Reader>> {
        Ok(Box::new(TextReader { input: input.clone(), limits, charset: self.charset, done: false }))
    }
}

struct TextReader {
    input: Input,
    limits: Limits,
    charset: Option<&'static Encoding>,
    done: bool,
}

impl TextReader {
    fn content(&self) -> io::Result<Result<Vec<u8>, Bad>> {
        let mut bytes = Bytes::open(&self.input, Format::of(&self.input)?, 0..self.input.length, self.limits)?;
        let mut content = Vec::new();
        let bad = |reason, detail, content: &[u8]| Bad {
            reason,
            detail,
            offset: None,
            raw: content[..content.len().min(KEPT_RAW)].to_vec(),
        };
        loop {
            let had = content.len();
            content.resize(had + (64 << 10), 0);
            match bytes.read(&mut content[had..]) {
                Ok(0) => {
                    content.truncate(had);
                    return Ok(Ok(content));
                }
                Ok(read) => content.truncate(had + read),
                Err(Broken::Machine(error)) => return Err(error),
                Err(Broken::Data(trouble)) => return Ok(Err(bad(trouble.reason, trouble.detail, &content[..had]))),
            }
            if content.len() > self.limits.max_document {
                let detail = format!("a file of over {} bytes", self.limits.max_document);
                return Ok(Err(bad("too_large", detail, &content)));
            }
        }
    }
}

impl Reader for TextReader {
    fn next(&mut self) -> io::Result<Option<Box<dyn Batch>>> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let content = self.content()?;
        Ok(Some(Box::new(TextBatch { name: self.input.name.clone(), content, charset: self.charset })))
    }
}

struct TextBatch {
    name: String,
    content: Result<Vec<u8>, Bad>,
    charset: Option<&'static Encoding>,
}

impl Batch for TextBatch {
    fn len(&self) -> usize {
        1
    }

    fn bytes(&self) -> usize {
        self.content.as_ref().map_or(0, Vec::len)
    }

    fn document(&self, _: usize) -> Result<Document, NoDocument> {
        let content = self.content.as_ref().map_err(Clone::clone)?;
        let (text, encoding) = decode_text(content, self.charset);
        // UTF-16 has NULs as bytes and none as text.
        if text.contains('\0') {
            let detail = format!("it holds NULs, read as {}", encoding.name());
            return Err(Bad {
                reason: "not_text",
                detail,
                offset: None,
                raw: content[..content.len().min(KEPT_RAW)].to_vec(),
            }
            .into());
        }
        Ok(Document::new(self.name.clone(), text))
    }

    fn raw(&self, _: usize) -> &[u8] {
        self.content.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::warc::tests::read;
    use super::*;

    fn only(config: Config, bytes: &[u8]) -> Result<String, &'static str> {
        let all = read(&Text::new(config, &mut Setup::default()).unwrap(), bytes, 10);
        assert_eq!(all.len(), 1);
        match &all[0] {
            Ok(document) => Ok(document.text().to_owned()),
            Err(NoDocument::Bad(bad)) => Err(bad.reason),
            Err(NoDocument::PassedOver(reason)) => Err(reason),
        }
    }

    #[test]
    fn files_are_read_whatever_their_charset() {
        assert_eq!(only(Config::default(), "正文".as_bytes()).unwrap(), "正文");
        let gb = encoding_rs::GB18030.encode("简体中文的内容，用来检测编码。").0;
        assert_eq!(only(Config { charset: Some("gb18030".into()) }, &gb).unwrap(), "简体中文的内容，用来检测编码。");
        assert_eq!(only(Config::default(), b"\xff\xfea\0b\0").unwrap(), "ab");
        assert_eq!(only(Config::default(), b"").unwrap(), "");
    }

    #[test]
    fn what_is_no_text_or_too_large_is_set_aside() {
        assert_eq!(only(Config::default(), b"a\0\x01\x02"), Err("not_text"));
        assert_eq!(only(Config::default(), &vec![b'x'; 200_000]), Err("too_large"));
    }
}
