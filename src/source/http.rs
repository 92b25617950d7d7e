//! HTTP responses as crawlers store them: headers, transfer and content encodings, charsets.
//!
//! Crawlers store what servers sent, and servers send anything. What can be read is read: a body that
//! claims to be chunked or compressed and is not is taken as it stands.

use std::borrow::Cow;
use std::io::Read;

use encoding_rs::{Encoding, UTF_8};

/// A response, taken apart.
#[derive(Debug)]
pub struct Response<'a> {
    pub status: u16,
    headers: Vec<(&'a str, &'a [u8])>,
    pub body: &'a [u8],
}

/// Why a body cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadBody {
    /// It breaks off or is corrupt; nothing could be decoded.
    Corrupt,
    /// It is above the limit when it is decoded.
    TooLarge,
}

impl<'a> Response<'a> {
    /// Takes apart the block of a `response` record.
    pub fn parse(block: &'a [u8]) -> Option<Response<'a>> {
        let (head, body) = split_head(block);
        let mut lines = head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        let status_line = std::str::from_utf8(lines.next()?).ok()?;
        let mut words = status_line.split_ascii_whitespace();
        if !words.next()?.starts_with("HTTP/") {
            return None;
        }
        let status = words.next()?.parse().ok()?;
        Some(Response { status, headers: headers(lines), body })
    }

    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        find_header(&self.headers, name)
    }

    /// The media type in lower case, without parameters.
    pub fn media_type(&self) -> Option<String> {
        let value = String::from_utf8_lossy(self.header("content-type")?);
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    /// The body as the server had it before it was packed for the wire, at most `limit` bytes.
    pub fn content(&self, limit: usize) -> Result<Cow<'a, [u8]>, BadBody> {
        let chunked =
            self.header("transfer-encoding").is_some_and(|value| value.to_ascii_lowercase().ends_with(b"chunked"));
        let mut body = Cow::Borrowed(self.body);
        if chunked && let Some(joined) = dechunk(self.body) {
            body = Cow::Owned(joined);
        }
        let encodings =
            self.header("content-encoding").map(String::from_utf8_lossy).unwrap_or_default().to_ascii_lowercase();
        for encoding in encodings.split(',').map(str::trim).rev() {
            body = match encoding {
                "gzip" | "x-gzip" if body.starts_with(&[0x1f, 0x8b]) => {
                    Cow::Owned(decode(flate2::read::MultiGzDecoder::new(&body[..]), limit)?)
                }
                // Servers mean either of two formats by this name.
                "deflate" => match decode(flate2::read::ZlibDecoder::new(&body[..]), limit) {
                    Err(BadBody::Corrupt) => match decode(flate2::read::DeflateDecoder::new(&body[..]), limit) {
                        Err(BadBody::Corrupt) => body,
                        decoded => Cow::Owned(decoded?),
                    },
                    decoded => Cow::Owned(decoded?),
                },
                "br" => match decode(brotli_decompressor::Decompressor::new(&body[..], 64 << 10), limit) {
                    Err(BadBody::Corrupt) => body, // some crawlers decode and leave the header
                    decoded => Cow::Owned(decoded?),
                },
                _ => body,
            };
        }
        if body.len() > limit { Err(BadBody::TooLarge) } else { Ok(body) }
    }

    /// The body's text, and the encoding it was in.
    pub fn text(&self, limit: usize) -> Result<(String, &'static Encoding), BadBody> {
        let content = self.content(limit)?;
        let declared = self.header("content-type").and_then(charset_of);
        Ok(decode_text(&content, declared))
    }
}

/// Splits a block after its first empty line.
fn split_head(block: &[u8]) -> (&[u8], &[u8]) {
    let crlf = memchr::memmem::find(block, b"\r\n\r\n").map(|at| (at, at + 4));
    let lf = memchr::memmem::find(block, b"\n\n").map(|at| (at, at + 2));
    match [crlf, lf].into_iter().flatten().min() {
        Some((head, body)) => (&block[..head], &block[body..]),
        None => (block, &[]),
    }
}

/// Reads `name: value` lines; a line that is none is passed over.
pub fn headers<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Vec<(&'a str, &'a [u8])> {
    let pair = |line: &'a [u8]| {
        let colon = memchr::memchr(b':', line)?;
        Some((std::str::from_utf8(&line[..colon]).ok()?.trim(), line[colon + 1..].trim_ascii()))
    };
    lines.filter_map(pair).collect()
}

/// A header by name, in any case; the first of several.
pub fn find_header<'a>(headers: &[(&'a str, &'a [u8])], name: &str) -> Option<&'a [u8]> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

/// Joins chunks; `None` if the body does not begin with one. A body that breaks off later gives what
/// was there.
fn dechunk(body: &[u8]) -> Option<Vec<u8>> {
    let mut joined = Vec::with_capacity(body.len());
    let mut rest = body;
    let mut first = true;
    loop {
        let line_end = memchr::memchr(b'\n', &rest[..rest.len().min(1024)]);
        let size = line_end.and_then(|end| {
            let line = std::str::from_utf8(&rest[..end]).ok()?;
            usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()
        });
        match (size, line_end) {
            (Some(0), _) => return Some(joined),
            (Some(size), Some(end)) => {
                let data = &rest[end + 1..];
                let size = size.min(data.len());
                joined.extend_from_slice(&data[..size]);
                rest = &data[size..];
                rest = rest.strip_prefix(b"\r\n").or(rest.strip_prefix(b"\n")).unwrap_or(rest);
            }
            _ if first => return None,
            _ => return Some(joined),
        }
        if rest.is_empty() {
            return Some(joined);
        }
        first = false;
    }
}

/// Decodes up to the limit. A stream that breaks off gives what was there, if anything was.
fn decode(reader: impl Read, limit: usize) -> Result<Vec<u8>, BadBody> {
    let mut decoded = Vec::new();
    let ended = reader.take(limit as u64 + 1).read_to_end(&mut decoded);
    match ended {
        _ if decoded.len() > limit => Err(BadBody::TooLarge),
        Err(_) if decoded.is_empty() => Err(BadBody::Corrupt),
        _ => Ok(decoded),
    }
}

fn charset_of(content_type: &[u8]) -> Option<&'static Encoding> {
    let lower = content_type.to_ascii_lowercase();
    let at = memchr::memmem::find(&lower, b"charset")? + "charset".len();
    let rest = content_type[at..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let rest = rest.strip_prefix(b"\"").or(rest.strip_prefix(b"'")).unwrap_or(rest);
    let end = rest.iter().position(|byte| b";\"' \t>/".contains(byte)).unwrap_or(rest.len());
    Encoding::for_label(&rest[..end])
}

/// How far a page is searched for a declaration of its charset.
const PRESCAN: usize = 4096;

/// Decodes a page: by its byte-order mark, then what the server said, then what the page says, then
/// what its bytes look like. Bytes that are no text become U+FFFD.
pub fn decode_text(content: &[u8], declared: Option<&'static Encoding>) -> (String, &'static Encoding) {
    let encoding = match Encoding::for_bom(content) {
        Some((encoding, _)) => encoding,
        None => declared
            .or_else(|| declared_within(&content[..content.len().min(PRESCAN)]))
            .unwrap_or_else(|| detect(content)),
    };
    let (text, encoding, _) = encoding.decode(content);
    (text.into_owned(), encoding)
}

/// `<meta charset=…>` or `<meta http-equiv content="…charset=…">`, and XML's declaration.
fn declared_within(start: &[u8]) -> Option<&'static Encoding> {
    let lower = start.to_ascii_lowercase();
    for at in memchr::memmem::find_iter(&lower, b"<meta") {
        let end = memchr::memchr(b'>', &lower[at..]).map_or(lower.len(), |end| at + end + 1);
        if let Some(encoding) = charset_of(&start[at..end]) {
            // A page that can be searched for ASCII is not UTF-16, whatever it says.
            return Some(if encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE {
                UTF_8
            } else {
                encoding
            });
        }
    }
    let declaration = lower.trim_ascii_start().strip_prefix(b"<?xml")?;
    let at = memchr::memmem::find(declaration, b"encoding")? + "encoding".len();
    let value = declaration[at..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, rest) = value.split_first()?;
    Encoding::for_label(&rest[..memchr::memchr(*quote, rest)?])
}

fn detect(content: &[u8]) -> &'static Encoding {
    if crate::json::utf8(content).is_ok() {
        return UTF_8;
    }
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Allow);
    detector.feed(&content[..content.len().min(1 << 20)], true);
    detector.guess(None, chardetng::Utf8Detection::Allow)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn text(head: &str, body: &[u8]) -> Result<String, BadBody> {
        let block = [head.as_bytes(), b"\r\n\r\n", body].concat();
        Response::parse(&block).unwrap().text(10_000).map(|(text, _)| text)
    }

    #[test]
    fn bodies_come_out_of_chunks_and_compression() {
        let html = "<p>你好</p>".as_bytes();
        let gzip = {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(html).unwrap();
            encoder.finish().unwrap()
        };
        let zlib = {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(html).unwrap();
            encoder.finish().unwrap()
        };
        let chunked = [format!("{:x};x=1\r\n", gzip.len()).as_bytes(), &gzip, b"\r\n0\r\n\r\n"].concat();
        for (head, body) in [
            ("HTTP/1.1 200 OK", html.to_vec()),
            ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip", gzip.clone()),
            ("HTTP/1.1 200 OK\r\ncontent-encoding: deflate", zlib.clone()),
            ("HTTP/1.1 200 OK\r\nContent-Encoding: deflate", zlib[2..zlib.len() - 4].to_vec()),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip", chunked),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: br", html.to_vec()),
        ] {
            assert_eq!(text(head, &body).unwrap(), "<p>你好</p>", "{head}");
        }
    }

    #[test]
    fn charsets_are_taken_from_server_page_and_bytes() {
        let words = "简体中文网页的内容，用来检测编码是否正确。";
        let traditional = "繁體中文網頁的內容，用來檢測編碼是否正確。";
        let japanese = "日本語のウェブページの内容です。文字コードを検出します。";
        for (encoding, words) in [
            (encoding_rs::GB18030, words),
            (encoding_rs::GBK, words),
            (encoding_rs::BIG5, traditional),
            (encoding_rs::EUC_JP, japanese),
            (encoding_rs::SHIFT_JIS, japanese),
            (encoding_rs::UTF_8, words),
        ] {
            let label = encoding.name();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=\"{label}\"");
            assert_eq!(text(&head, &encoding.encode(words).0).unwrap(), words, "{label} by the server");
            let page = format!("<html><head><META CHARSET='{label}'></head>{words}");
            assert_eq!(text("HTTP/1.1 200 OK", &encoding.encode(&page).0).unwrap(), page, "{label} by the page");
            let page = format!("<html><title>x</title><p>{}</p>", words.repeat(4));
            assert_eq!(text("HTTP/1.1 200 OK", &encoding.encode(&page).0).unwrap(), page, "{label} by its bytes");
        }
    }

    #[test]
    fn a_body_that_grows_above_the_limit_is_not_held() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; 10_000_000]).unwrap();
        assert_eq!(
            text("HTTP/1.1 200 OK\r\nContent-Encoding: gzip", &encoder.finish().unwrap()),
            Err(BadBody::TooLarge)
        );
    }

    proptest! {
        #[test]
        fn no_block_makes_it_panic(head in "HTTP/1.1 200\r\n((Transfer-Encoding: chunked|Content-Encoding: (gzip|deflate|br)|Content-Type: text/html; charset=.{0,4})\r\n){0,3}\r\n", body in prop::collection::vec(any::<u8>(), 0..200)) {
            let block = [head.as_bytes(), &body].concat();
            if let Some(response) = Response::parse(&block) {
                let _ = response.text(1000);
            }
        }
    }
}
