//! The parts of a URL that lists speak of: the host, and what stands behind it.
//!
//! Hosts are read by the crate `url`, as browsers read them: lower case, IDNA as ASCII, percent signs
//! decoded, `0x7f.1` an IPv4 address. User, password, port and fragment are left out, and dots at the end.

use url::Host;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The longest name of the domain name system, in bytes.
const MAX_HOST: usize = 253;
/// The longest spelling of a host that is looked at: nine bytes a character, with percent signs.
const MAX_WRITTEN_HOST: usize = 9 * MAX_HOST;
/// What the hash of every host begins with.
const SEED: u64 = 0;
/// Keeps `host` as a domain and `host` as a URL apart.
const URL_SEED: u64 = 1;

/// A URL, or what is left of one: `example.com/a` will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address<'a> {
    /// The host.
    pub host: Host<String>,
    /// Path and query as they are written, without slashes at the end of a path.
    pub rest: &'a str,
}

impl<'a> Address<'a> {
    /// Reads a URL; none where it has no host.
    pub fn read(url: &'a str) -> Option<Address<'a>> {
        let url = url.trim_matches(|c: char| c <= ' ');
        let (authority, rest) = split(url);
        let after_user = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let host = match after_user.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, port)) if port.is_empty() || is_port(port) => &after_user[..address.len() + 2],
            Some(_) => return None,
            None => match after_user.find(':') {
                Some(at) if is_port(&after_user[at..]) => &after_user[..at],
                Some(_) => return None,
                None => after_user,
            },
        };
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let rest = if rest.contains('?') { rest } else { rest.trim_end_matches('/') };
        let rest = if rest.starts_with("/?") { &rest[1..] } else { rest };
        Some(Address { host: read_host(host)?, rest })
    }
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|port| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Cuts off the scheme, and the authority from the rest.
fn split(url: &str) -> (&str, &str) {
    let after_scheme = match url.find("//") {
        Some(0) => &url[2..],
        Some(at) if is_scheme(&url[..at]) => &url[at + 2..],
        _ => url,
    };
    after_scheme.split_at(after_scheme.find(['/', '?', '#', '\\']).unwrap_or(after_scheme.len()))
}

fn is_scheme(text: &str) -> bool {
    text.strip_suffix(':').is_some_and(|scheme| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

/// Reads a host; none where it is none.
pub fn read_host(written: &str) -> Option<Host<String>> {
    if written.is_empty() || written.len() > MAX_WRITTEN_HOST {
        return None;
    }
    if is_plain(written.as_bytes()) {
        return Some(Host::Domain(written.to_owned()));
    }
    match Host::parse(written).ok()? {
        Host::Domain(name) => {
            // What ends in a number is an address or no host, and only its dots have kept `1.2.3.4..` from it.
            let trimmed = name.trim_end_matches('.');
            if trimmed.len() < name.len() {
                return read_host(trimmed);
            }
            let well_formed = name.len() <= MAX_HOST && name.split('.').all(|label| !label.is_empty());
            well_formed.then_some(Host::Domain(name))
        }
        address => Some(address),
    }
}

/// Whether a host is what nearly all are: a domain in lower case without IDNA, which is read as it is written.
pub fn is_plain(host: &[u8]) -> bool {
    let mut label = 0;
    for (at, &byte) in host.iter().enumerate() {
        match byte {
            b'.' if at > label => label = at + 1,
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => {}
            _ => return false,
        }
    }
    // A name that ends in a number may be an address.
    let last = host.get(label).is_some_and(u8::is_ascii_lowercase);
    last && host.len() <= MAX_HOST && memchr::memmem::find(host, b"xn--").is_none()
}

/// The hash of a domain, from that of the domain above it; `None` above the topmost.
pub fn below(above: Option<u64>, label: &str) -> u64 {
    xxh3_64_with_seed(label.as_bytes(), above.unwrap_or(SEED))
}

/// Gives the hash of a host and of every domain above it, the topmost first; of an address, its own.
pub fn climb(host: &Host<String>, mut each: impl FnMut(u64)) {
    match host {
        Host::Domain(name) => {
            let mut hash = None;
            for label in name.rsplit('.') {
                let next = below(hash, label);
                each(next);
                hash = Some(next);
            }
        }
        address => each(below(None, &address.to_string())),
    }
}

/// The hash of a host.
pub fn host_hash(host: &Host<String>) -> u64 {
    let mut last = SEED;
    climb(host, |hash| last = hash);
    last
}

/// Gives the hash of a URL and of every URL it is below, the host's own first.
///
/// What goes on behind a URL with `/`, `?` or, in the query, `&` is below it. A leading `www.` does
/// not count.
pub fn descend(address: &Address, mut each: impl FnMut(u64)) {
    let host = match &address.host {
        Host::Domain(name) => match name.strip_prefix("www.") {
            Some(rest) => host_hash(&Host::Domain(rest.to_owned())),
            None => host_hash(&address.host),
        },
        _ => host_hash(&address.host),
    };
    let mut hash = xxh3_64_with_seed(&[], host ^ URL_SEED);
    each(hash);
    let (mut piece, mut query) = (0, false);
    let bytes = address.rest.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        let ends = if query { byte == b'&' } else { matches!(byte, b'/' | b'?') };
        if ends && at > piece {
            hash = xxh3_64_with_seed(&bytes[piece..at], hash);
            each(hash);
            piece = at;
        }
        query |= byte == b'?';
    }
    if piece < bytes.len() {
        each(xxh3_64_with_seed(&bytes[piece..], hash));
    }
}

/// The hash of a URL itself.
pub fn url_hash(address: &Address) -> u64 {
    let mut last = SEED;
    descend(address, |hash| last = hash);
    last
}

/// Whether a host is a public suffix: a name below which anyone may have a site, such as `co.uk` or `github.io`.
pub fn is_suffix(host: &Host<String>) -> bool {
    let Host::Domain(name) = host else { return false };
    psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.is_known() && suffix.as_bytes().len() == name.len())
}

/// The registered domain of a host: its public suffix and one label more, or the suffix itself where
/// there is no more. Suffixes of companies count if `private` says so.
pub fn registered(host: &str, private: bool) -> &str {
    let Some(suffix) = find_suffix(host.as_bytes(), private) else { return host };
    match host.len().checked_sub(suffix.as_bytes().len() + 1) {
        Some(above) => &host[host[..above].rfind('.').map_or(0, |dot| dot + 1)..],
        None => host,
    }
}

/// The public suffix of a name in lower case, known or not.
fn find_suffix(name: &[u8], private: bool) -> Option<psl::Suffix<'_>> {
    let mut suffix = psl::suffix(name)?;
    while !private && suffix.typ() == Some(psl::Type::Private) {
        // The suffix that the company's own name stands under.
        let label = suffix.as_bytes().iter().position(|&byte| byte == b'.')?;
        suffix = psl::suffix(&suffix.as_bytes()[label + 1..])?;
    }
    Some(suffix)
}

/// What datatrove takes for the host of a URL, as it is written, by the rules of tldextract 5.4.
pub fn host_as_written(url: &str) -> &str {
    let after_scheme = match url.find("//") {
        Some(0) => &url[2..],
        Some(at) if at >= 2 && url[..at].ends_with(':') && url[..at - 1].bytes().all(is_scheme_byte) => &url[at + 2..],
        _ => url,
    };
    let authority = &after_scheme[..after_scheme.find(['/', '?', '#']).unwrap_or(after_scheme.len())];
    let after_user = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some(end) = after_user.starts_with('[').then(|| after_user.find(']')).flatten() {
        return &after_user[..=end];
    }
    let name = after_user.split_once(':').map_or(after_user, |(name, _)| name);
    name.trim().trim_end_matches(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'])
}

fn is_scheme_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)
}

/// What datatrove takes for the registered domain of such a host, and for its full name. Suffixes
/// that companies have put on the public suffix list do not count; without a suffix there is neither.
pub fn registered_as_written(host: &str) -> Option<(&str, &str)> {
    let lower = host.to_ascii_lowercase();
    let suffix = find_suffix(lower.as_bytes(), false)?;
    let above = host.len().checked_sub(suffix.as_bytes().len() + 1).filter(|_| suffix.is_known())?;
    let label = host[..above].rfind('.').map_or(0, |dot| dot + 1);
    if label == above {
        return None; // a dot too many
    }
    let full = if label == 1 { &host[1..] } else { host };
    Some((&host[label..], full))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(url: &str) -> Option<(String, &str)> {
        Address::read(url).map(|address| (address.host.to_string(), address.rest))
    }

    #[test]
    fn hosts_are_read_as_browsers_read_them() {
        for (url, host, rest) in [
            ("https://Example.COM/Path", "example.com", "/Path"),
            ("example.com", "example.com", ""),
            ("//example.com/", "example.com", ""),
            ("http://user:pass@example.com:8080/a/#top", "example.com", "/a"),
            ("http://example.com./?q=a/", "example.com", "?q=a/"),
            ("http://食狮.公司.cn/", "xn--85x722f.xn--55qx5d.cn", ""),
            ("http://xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn", ""),
            ("http://www。example。com", "www.example.com", ""),
            ("http://bücher.example/", "xn--bcher-kva.example", ""),
            ("http://127.0.0.1:80/x", "127.0.0.1", "/x"),
            ("http://0x7f.1/x", "127.0.0.1", "/x"),
            ("http://[2001:DB8::1]:443/x", "[2001:db8::1]", "/x"),
            ("http://1.2.345../x", "1.2.1.89", "/x"),
            (" http://my_blog.example.com\\a\n", "my_blog.example.com", "\\a"),
            ("localhost:8000/", "localhost", ""),
            ("http://a.com/http://b.com/", "a.com", "/http://b.com"),
            ("a.com/http://b.com", "a.com", "/http://b.com"),
        ] {
            assert_eq!(read(url), Some((host.to_owned(), rest)), "{url}");
        }
        for url in [
            "",
            "http://",
            "http:///x",
            "mailto:a@b.com:x",
            "a b.com",
            "http://[::1",
            "http://a..b/",
            ".",
            "http://256.1.1.1../",
        ] {
            assert_eq!(read(url), None, "{url}");
        }
        assert_eq!(read(&format!("http://{}com/", "a.".repeat(200))), None);
    }

    proptest! {
        #[test]
        fn a_host_is_what_the_crate_url_finds(host in "[a-zA-Z0-9._%~é公-]{1,20}|([a-c0-2_-]{1,3}\\.|xn--|0x){1,4}[a-f0-9]{0,3}", rest in "([/?#][a-z/?&#@:]{0,9})?") {
            let url = format!("http://u:p@{host}:81{rest}");
            let plain = url::Url::parse(&url).ok().and_then(|url| url.host().map(|host| host.to_owned()));
            if let Some(Host::Domain(name)) = &plain && name.split('.').any(str::is_empty) && !name.ends_with('.') {
                prop_assert_eq!(read(&url), None);
            } else if let Some((found, _)) = read(&url) {
                let plain = plain.expect("the crate reads what is read here").to_string();
                prop_assert_eq!(found, plain.trim_end_matches('.'));
            }
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            for url in [text.clone(), format!("http://{text}")] {
                if let Some(address) = Address::read(&url) {
                    url_hash(&address);
                    is_suffix(&address.host);
                }
                registered_as_written(host_as_written(&url));
            }
        }
    }

    #[test]
    fn a_url_is_below_those_it_goes_on_from() {
        let under = |url: &str, listed: &str| {
            let listed = url_hash(&Address::read(listed).unwrap());
            let mut found = false;
            descend(&Address::read(url).unwrap(), |hash| found |= hash == listed);
            found
        };
        for (url, listed) in [
            ("http://a.com/b", "a.com/b"),
            ("https://www.a.com/b/", "a.com/b"),
            ("http://a.com/b/c?d", "https://www.A.com/b/"),
            ("http://a.com/b?c=d/e", "a.com/b"),
            ("http://a.com/b?c=1&d=2#e", "a.com/b?c=1"),
            ("http://a.com/b", "a.com"),
            ("http://1.2.3.4/b", "1.2.3.4/b"),
        ] {
            assert!(under(url, listed), "{url} {listed}");
        }
        for (url, listed) in [
            ("http://a.com/bc", "a.com/b"),
            ("http://a.com/B", "a.com/b"),
            ("http://b.a.com/b", "a.com/b"),
            ("http://a.com/b&c", "a.com/b"),
            ("http://a.com/b?c=12", "a.com/b?c=1"),
            ("http://a.com/", "a.com/b"),
        ] {
            assert!(!under(url, listed), "{url} {listed}");
        }
    }

    #[test]
    fn public_suffixes_are_known() {
        for (host, suffix) in [
            ("com", true),
            ("co.uk", true),
            ("github.io", true),
            ("x.github.io", false),
            ("公司.cn", true),
            ("a", false),
        ] {
            assert_eq!(is_suffix(&read_host(host).unwrap()), suffix, "{host}");
        }
    }

    #[test]
    fn written_hosts_are_those_of_datatrove() {
        for (url, host, registered, full) in [
            ("http://A.Example.co.uk:80/x", "A.Example.co.uk", "Example.co.uk", "A.Example.co.uk"),
            ("http://x.blogspot.com", "x.blogspot.com", "blogspot.com", "x.blogspot.com"),
            ("http://u@.a.com./", ".a.com", "a.com", "a.com"),
        ] {
            assert_eq!(host_as_written(url), host);
            assert_eq!(registered_as_written(host), Some((registered, full)), "{url}");
        }
        for host in ["co.uk", "localhost", "1.2.3.4", "[::1]", "a..com", "example.notasuffix", "", "."] {
            assert_eq!(registered_as_written(host), None, "{host}");
        }
    }
}
