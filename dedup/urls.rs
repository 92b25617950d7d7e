//! One spelling for the addresses of a page.

use url::Url;

/// Parameters that tell where a reader came from, and nothing about the page.
const TRACKING: [&str; 24] = [
    "_ga",
    "_gl",
    "_hsenc",
    "_hsmi",
    "dclid",
    "fbclid",
    "gbraid",
    "gclid",
    "gclsrc",
    "igsh",
    "igshid",
    "mc_cid",
    "mc_eid",
    "mkt_tok",
    "msclkid",
    "oly_anon_id",
    "oly_enc_id",
    "spm",
    "srsltid",
    "ttclid",
    "twclid",
    "wbraid",
    "yclid",
    "ysclid",
];

fn is_tracking(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.starts_with("utm_") || TRACKING.binary_search(&lower.as_str()).is_ok()
}

/// An address in the spelling that all spellings of it share, which is no address itself: without scheme, user,
/// `www.`, the usual port, fragment and tracking parameters, parameters sorted, percent signs written in one way,
/// without a slash at the end of the path. None where it has no host.
///
/// Host and path are read by the crate `url`, as browsers read them: lower case and IDNA, `.` and `..` resolved. The
/// case of path and parameters counts, and so does which parameters there are. An address without a scheme is
/// taken for one of the web if its host has a dot within: `N/A`, `null` and `mailto:me@example.com` are none.
pub fn canonical(address: &str) -> Option<String> {
    let address = address.trim_matches(|c: char| c <= ' ');
    let scheme = address.split_once(':').map(|(scheme, rest)| (scheme, rest.starts_with("//")));
    let has_scheme = scheme.is_some_and(|(scheme, slashes)| {
        slashes && is_scheme(scheme) || ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web))
    });
    let with_scheme;
    let address = if has_scheme {
        address
    } else {
        with_scheme = format!("http://{}", address.trim_start_matches('/'));
        &with_scheme
    };
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?;
    let host = host.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(host).trim_matches('.');
    let is_one = has_scheme || host.contains('.') && url.username().is_empty();
    if host.is_empty() || !is_one {
        return None;
    }
    let mut out = String::with_capacity(address.len());
    out.push_str(host);
    // The port of the other scheme goes too, since the scheme does not count.
    if let Some(port) = url.port().filter(|port| !matches!(port, 80 | 443)) {
        out.push_str(&format!(":{port}"));
    }
    write_escaped(url.path().trim_end_matches('/'), &mut out);
    let mut parameters: Vec<String> = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|parameter| !parameter.is_empty() && !is_tracking(parameter.split('=').next().unwrap_or_default()))
        .map(|parameter| {
            let mut escaped = String::new();
            write_escaped(parameter, &mut escaped);
            escaped
        })
        .collect();
    parameters.sort();
    for (number, parameter) in parameters.iter().enumerate() {
        out.push(if number == 0 { '?' } else { '&' });
        out.push_str(parameter);
    }
    Some(out)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Writes percent signs in one way (RFC 3986, sec. 6.2.2): letters, digits, `-`, `.`, `_` and `~` plain, others
/// with capitals.
fn write_escaped(text: &str, out: &mut String) {
    let digit = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let bytes = &rest.as_bytes()[at..];
        let (Some(high), Some(low)) = (digit(bytes.get(1)), digit(bytes.get(2))) else {
            out.push_str("%25"); // one that stands for itself
            rest = &rest[at + 1..];
            continue;
        };
        let byte = (high * 16 + low) as u8;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        rest = &rest[at + 3..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_address_are_one() {
        for (address, expected) in [
            ("http://www.Example.com:80/", "example.com"),
            ("https://example.com:443", "example.com"),
            ("http://example.com:8080/a/", "example.com:8080/a"),
            ("example.com/a", "example.com/a"),
            ("//example.com/a", "example.com/a"),
            (" https://user:secret@example.com./a#top\n", "example.com/a"),
            ("http://example.com/a/../b/./c", "example.com/b/c"),
            ("http://example.com/?b=2&a=1", "example.com?a=1&b=2"),
            ("http://example.com/a/?utm_source=x&UTM_Medium=y&fbclid=z&id=7&gclid=q", "example.com/a?id=7"),
            ("http://example.com/a?", "example.com/a"),
            ("http://example.com/a?x&&y=", "example.com/a?x&y="),
            ("http://example.com/%7euser/%e4%bd%a0", "example.com/~user/%E4%BD%A0"),
            ("http://example.com/~user/你", "example.com/~user/%E4%BD%A0"),
            ("http://example.com/a%2fb?q=%zz%", "example.com/a%2Fb?q=%25zz%25"),
            ("http://例子.中国/页?标=值", "xn--fsqu00a.xn--fiqs8s/%E9%A1%B5?%E6%A0%87=%E5%80%BC"),
            ("http://www.com/", "www.com"),
            ("http://[2001:DB8::1]:80/x", "[2001:db8::1]/x"),
            ("http://a.com/http://b.com/", "a.com/http://b.com"),
            ("a.com/?next=http://b.com/", "a.com?next=http://b.com/"),
            ("HTTP:/a.com/b", "a.com/b"),
            ("https:a.com", "a.com"),
            ("http://localhost/b", "localhost/b"),
            ("a.com:8080/b", "a.com:8080/b"),
            ("http://a.com...", "a.com"),
        ] {
            assert_eq!(canonical(address).as_deref(), Some(expected), "{address}");
        }
        for address in ["", " ", "http://", "http://a b/", "mailto://", "http://[::1", "http://../", "http:", "//"] {
            assert_eq!(canonical(address), None, "{address}");
        }
        // What stands in the place of an address, and addresses of no page.
        for address in ["N/A", "null", "-", "none", "unknown", "?", "#", "/a/b.html", "C:\\a.b\\c.txt", "file:///a.b"] {
            assert_eq!(canonical(address), None, "{address}");
        }
        for address in
            ["javascript:alert(1)", "javascript:0", "mailto:me@example.com", "tel:112", "data:text/plain,a.b"]
        {
            assert_eq!(canonical(address), None, "{address}");
        }
        for (one, other) in [
            ("http://a.com/B", "http://a.com/b"),
            ("http://a.com/?a=1", "http://a.com/?a=2"),
            ("http://a.com/?a=1&a=2", "http://a.com/?a=1"),
            ("http://a.com", "http://b.a.com"),
        ] {
            assert_ne!(canonical(one), canonical(other), "{one} {other}");
        }
    }

    #[test]
    fn the_list_is_sorted() {
        assert!(TRACKING.is_sorted());
    }

    proptest! {
        #[test]
        fn the_canonical_spelling_is_its_own(address in "(https?://)?(www\\.)?[a-z]{1,5}\\.(com|中国)(:80|:81)?(/[a-zA-Z%0-9~é]{0,5}){0,3}/?(\\?[a-z=&%1]{0,12})?(#x)?") {
            if let Some(once) = canonical(&address) {
                prop_assert_eq!(canonical(&once), Some(once));
            }
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            canonical(&text);
            canonical(&format!("http://{text}"));
        }
    }
}
