//! Lists of domains and of URLs, in the formats people keep them in.
//!
//! | a line of a list of domains       | is                                                     |
//! |-----------------------------------|--------------------------------------------------------|
//! | `example.com`                     | a domain, as in UT1's `domains`                        |
//! | `.example.com`, `*.example.com`   | the same: squid, dnsmasq                               |
//! | `http://example.com/`             | the same                                               |
//! | `0.0.0.0 example.com example.net` | a line of a hosts file; names without a dot do not count |
//! | `\|\|example.com^`                | an Adblock rule, alone or with `$all`, `$doc`, `$document`, `$important` |
//! | `192.0.2.1`, `2001:db8::1`        | an address                                             |
//! | `# …`, `! …`, `[Adblock…`, empty  | nothing; nor does what follows a space and a `#` count |
//!
//! A line of a list of URLs is a URL, with or without a scheme; `#`, `!` and empty lines are as above.
//! Any other line is a bad one. Lines end with LF or CR LF, a byte order mark does not count, and
//! files may be compressed with gzip or zstd.

use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};

use url::Host;
use xxhash_rust::xxh3::xxh3_64;

use super::address::{Address, below, climb, descend, host_hash, is_plain, is_suffix, read_host, url_hash};
use super::set::Hashes;
use crate::kit::list;

/// Longer lines are no domain and no URL; no more than this is kept of one.
const MAX_LINE: usize = 64 << 10;

/// What the lines of a list are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Domains.
    Domains,
    /// URLs.
    Urls,
    /// Whatever they are: a line counts as it is written, without white space around it; those that
    /// begin with `#` do not.
    Verbatim,
}

/// What a line of a list says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry<'a> {
    /// A domain or an address.
    Host(Host<String>),
    /// A URL.
    Url(Address<'a>),
    /// A text to compare with.
    Text(&'a [u8]),
    /// No domain, or no URL.
    Bad,
}

/// Reads one line of a list, without its line end.
pub fn read_line<'a>(line: &'a [u8], kind: Kind, each: &mut dyn FnMut(Entry<'a>)) {
    if kind == Kind::Domains && is_plain(line) && line.contains(&b'.') {
        let name = line.iter().map(|&byte| char::from(byte)).collect();
        return each(Entry::Host(Host::Domain(name))); // nearly every line
    }
    let text = std::str::from_utf8(line).map(str::trim);
    if kind == Kind::Verbatim {
        let line = text.map_or_else(|_| line.trim_ascii(), str::as_bytes);
        if !line.is_empty() && line[0] != b'#' {
            each(Entry::Text(line));
        }
        return;
    }
    if line.len() > MAX_LINE {
        return each(Entry::Bad);
    }
    let Ok(text) = text else { return each(Entry::Bad) };
    if text.is_empty() || text.starts_with(['#', '!']) || text.starts_with("[Adblock") {
        return;
    }
    let remark = memchr::memchr_iter(b'#', text.as_bytes()).find(|&at| text[..at].ends_with([' ', '\t']));
    let text = text[..remark.unwrap_or(text.len())].trim_end();
    match kind {
        Kind::Urls => {
            let address = Address::read(text).filter(|address| {
                !text.contains(char::is_whitespace) && !text.starts_with("||") && is_public(&address.host)
            });
            each(address.map_or(Entry::Bad, Entry::Url));
        }
        _ => match text.split_once(char::is_whitespace) {
            Some((address, names)) if is_address(address) => {
                for name in names.split_whitespace() {
                    if name.contains(['.', ':']) {
                        each(read_domain(name).map_or(Entry::Bad, Entry::Host));
                    }
                }
            }
            Some(_) => each(Entry::Bad),
            None => each(read_domain(text).map_or(Entry::Bad, Entry::Host)),
        },
    }
}

/// The first word of a line of a hosts file. It may name an interface: `fe80::1%lo0`.
fn is_address(text: &str) -> bool {
    text.split_once('%').map_or(text, |(address, _)| address).parse::<IpAddr>().is_ok()
}

fn read_domain(text: &str) -> Option<Host<String>> {
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Some(Host::Ipv6(address));
    }
    let name = if let Some(rule) = text.strip_prefix("||") {
        let (name, options) = rule.split_once('$').unwrap_or((rule, "all"));
        if !options.split(',').all(|option| ["all", "doc", "document", "important"].contains(&option)) {
            return None; // it blocks pictures or scripts there, not the site
        }
        name.strip_suffix(['^', '|']).unwrap_or(name)
    } else if let Some(rest) = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")) {
        rest.strip_suffix('/').unwrap_or(rest)
    } else {
        text.strip_prefix("*.").or_else(|| text.strip_prefix('.')).unwrap_or(text)
    };
    let bracketed = name.starts_with('[');
    if name.contains(['/', '@', '?', '#', '\\', '*']) || name.contains(':') && !bracketed {
        return None;
    }
    let host = read_host(name)?;
    // `222.136` is the address 222.0.0.136 to a browser, and hardly to the keeper of a list.
    let as_written = !matches!(&host, Host::Ipv4(address) if address.to_string() != name);
    (as_written && is_public(&host)).then_some(host)
}

/// Whether a host has a dot, is an address or a known name at the top: `example` alone is a word.
fn is_public(host: &Host<String>) -> bool {
    !matches!(host, Host::Domain(name) if !name.contains('.')) || is_suffix(host)
}

/// A line worth naming, and how many there are of its sort.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    /// How many.
    pub count: u64,
    /// File, line from 1, and text of the first; the text cut short and made readable.
    pub first: Option<(PathBuf, u64, String)>,
    /// Whether that one is UTF-8.
    pub is_utf8: bool,
}

impl Lines {
    pub(super) fn note(&mut self, path: &Path, number: u64, line: &[u8]) {
        self.count += 1;
        if self.first.is_none() {
            let cut = &line[..line.len().min(400)];
            self.is_utf8 = std::str::from_utf8(line).is_ok();
            let text = String::from_utf8_lossy(cut).trim().chars().take(80).collect();
            self.first = Some((path.to_owned(), number, text));
        }
    }
}

/// What was found in the files of one setting.
#[derive(Debug, Default)]
pub struct Tally {
    /// All lines.
    pub lines: u64,
    /// Those that are no domain, or no URL.
    pub bad: Lines,
    /// Domains that are public suffixes: whoever blocks one blocks all sites below it.
    pub suffixes: Lines,
    /// Files in which no line says anything.
    pub empty: Vec<PathBuf>,
}

/// Gives every line of a list, with its number and without its end; of a very long one, the beginning.
pub fn for_each_line(mut input: impl BufRead, mut each: impl FnMut(u64, &[u8])) -> io::Result<()> {
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        let end = memchr::memchr(b'\n', buffer);
        let piece = &buffer[..end.unwrap_or(buffer.len())];
        let room = (MAX_LINE + 1).saturating_sub(line.len());
        line.extend_from_slice(&piece[..piece.len().min(room)]);
        let used = piece.len() + usize::from(end.is_some());
        if end.is_some() {
            number += 1;
            each(number, without_mark(number, &line));
            line.clear();
        }
        input.consume(used);
    }
    if !line.is_empty() {
        each(number + 1, without_mark(number + 1, &line));
    }
    Ok(())
}

fn without_mark(number: u64, line: &[u8]) -> &[u8] {
    let line = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A file that could not be read.
pub type Unread = (PathBuf, io::Error);

/// Reads files of one kind and shows every domain.
fn read(files: &[PathBuf], kind: Kind, mut see: impl FnMut(&str)) -> Result<(Hashes, Tally), Unread> {
    let (mut hashes, mut tally) = (Vec::new(), Tally::default());
    for path in files {
        let mut says = false;
        let each = |number: u64, line: &[u8]| {
            tally.lines += 1;
            let (mut bad, mut suffix) = (false, false);
            read_line(line, kind, &mut |entry| {
                says = true;
                match entry {
                    Entry::Host(host) => {
                        if let Host::Domain(name) = &host {
                            suffix |= is_suffix(&host);
                            see(name);
                        }
                        hashes.push(host_hash(&host));
                    }
                    Entry::Url(address) => hashes.push(url_hash(&address)),
                    Entry::Text(text) => hashes.push(xxh3_64(text)),
                    Entry::Bad => bad = true,
                }
            });
            if bad {
                tally.bad.note(path, number, line);
            }
            if suffix {
                tally.suffixes.note(path, number, line);
            }
        };
        let read = list::open(path).and_then(|input| for_each_line(input, each));
        read.map_err(|error| (path.clone(), error))?;
        if !says {
            tally.empty.push(path.clone());
        }
    }
    Ok((Hashes::new(hashes), tally))
}

/// Domains; each stands for itself and all below it.
#[derive(Default)]
pub struct Domains {
    hashes: Hashes,
    /// Fewest labels of a listed domain: nothing is looked up above.
    min_labels: usize,
    /// Whether one begins with `www.`.
    www: bool,
}

impl Domains {
    /// Reads lists of domains.
    pub fn read(files: &[PathBuf]) -> Result<(Domains, Tally), Unread> {
        let (mut min_labels, mut www) = (usize::MAX, false);
        let (hashes, tally) = read(files, Kind::Domains, |name| {
            min_labels = min_labels.min(1 + memchr::memchr_iter(b'.', name.as_bytes()).count());
            www |= name.starts_with("www.");
        })?;
        Ok((Domains { hashes, min_labels, www }, tally))
    }

    /// Whether a host or a domain above it is listed. `www.example.com` on a list stands for the host
    /// `example.com` as well, and not for its other subdomains.
    pub fn cover(&self, host: &Host<String>) -> bool {
        if self.hashes.is_empty() {
            return false;
        }
        let domain = matches!(host, Host::Domain(_));
        let (mut found, mut labels, mut whole) = (false, 0, 0);
        climb(host, |hash| {
            labels += 1;
            found |= (!domain || labels >= self.min_labels) && self.hashes.contains(hash);
            whole = hash;
        });
        found || domain && self.www && self.hashes.contains(below(Some(whole), "www"))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

/// URLs; each stands for itself and all below it.
#[derive(Default)]
pub struct Urls(Hashes);

impl Urls {
    /// Reads lists of URLs.
    pub fn read(files: &[PathBuf]) -> Result<(Urls, Tally), Unread> {
        read(files, Kind::Urls, |_| ()).map(|(hashes, tally)| (Urls(hashes), tally))
    }

    /// Whether a URL, or one it goes on from, is listed.
    pub fn cover(&self, address: &Address) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let mut found = false;
        descend(address, |hash| found |= self.0.contains(hash));
        found
    }
}

/// Lines as they are written.
#[derive(Default)]
pub struct Texts(Hashes);

impl Texts {
    /// Reads lists of anything.
    pub fn read(files: &[PathBuf]) -> Result<(Texts, Tally), Unread> {
        read(files, Kind::Verbatim, |_| ()).map(|(hashes, tally)| (Texts(hashes), tally))
    }

    /// Whether a line is this text.
    pub fn contain(&self, text: &str) -> bool {
        self.0.contains(xxh3_64(text.as_bytes()))
    }
}

/// Reads any bytes as a list of every kind and holds it to what must be true of all lists. For tests
/// and for `fuzz/`.
///
/// # Panics
///
/// If it is not.
pub fn probe(bytes: &[u8]) {
    for kind in [Kind::Domains, Kind::Urls, Kind::Verbatim] {
        let mut numbers = 0;
        let each = |number: u64, line: &[u8]| {
            numbers += 1;
            assert_eq!(number, numbers, "lines are numbered one by one");
            assert!(line.len() <= MAX_LINE + 1 && !line.contains(&b'\n'));
            read_line(line, kind, &mut |entry| match (kind, entry) {
                (Kind::Domains, Entry::Host(host)) => {
                    is_suffix(&host);
                    let again = host.to_string();
                    // As a host and no more: as a line, `!.com` is a comment.
                    assert_eq!(read_host(&again).as_ref(), Some(&host), "{again} is read as another host");
                }
                (Kind::Urls, Entry::Url(address)) => {
                    url_hash(&address);
                }
                (Kind::Verbatim, Entry::Text(text)) => assert!(!text.is_empty() && text[0] != b'#'),
                (Kind::Domains | Kind::Urls, Entry::Bad) => {}
                (kind, entry) => panic!("{kind:?} gives {entry:?}"),
            });
        };
        for_each_line(bytes, each).expect("memory can be read");
        let ends = memchr::memchr_iter(b'\n', bytes).count() as u64;
        assert_eq!(numbers, ends + u64::from(!bytes.is_empty() && !bytes.ends_with(b"\n")), "no line is lost");
        // The same lines, whatever the size of the pieces they arrive in.
        let mut pieces = 0;
        let small = BufReader::with_capacity(3, &bytes[..bytes.len().min(1 << 12)]);
        for_each_line(small, |_, _| pieces += 1).expect("memory can be read");
        assert!(pieces <= numbers);
    }
}
