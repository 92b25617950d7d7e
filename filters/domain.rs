//! Writes the field `domain`: the registered domain of a document's URL, as `example.co.uk`.
//!
//! That is the public suffix and one label more, by the public suffix list that comes along, in lower
//! case and IDNA as ASCII, so that a corpus can be mixed or counted by site. A host that is itself a
//! suffix stands for itself, and so does an address; below a top level that the list does not know, two
//! labels count. A document without a URL, or with one in which no host can be read, gets no value.
//!
//! | setting            | default  | source                                                            |
//! |--------------------|----------|-------------------------------------------------------------------|
//! | `field`            | `url`    | as `warc` writes it                                               |
//! | `to`               | `domain` | ours                                                              |
//! | `private_suffixes` | true     | publicsuffix.org: `me.github.io` is a site; false is tldextract's |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Host;

use crate::kit::{Document, Field, Mapper, Name, Setup, Step, Type, Verdict, Wrong, kind};
use crate::url_lists::address::{Address, registered};

/// Settings of [`Domain`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The field that holds the URL.
    pub field: String,
    /// The field to write.
    pub to: String,
    /// Whether suffixes that companies have put on the list count, such as `github.io`.
    pub private_suffixes: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { field: "url".into(), to: "domain".into(), private_suffixes: true }
    }
}

/// See the words at the top of this file.
pub struct Domain {
    field: Name,
    to: Name,
    private_suffixes: bool,
}

impl Step for Domain {
    const NAME: &'static str = "domain";
    const VERSION: u32 = 2;
    const WORDS: &'static str = include_str!("domain.rs");
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        let may_stand = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        if ["id", "text"].contains(&config.to.as_str())
            || !config.to.contains(may_stand)
            || !config.to.chars().all(may_stand)
        {
            return Err(Wrong::setting("to", format!("`{}` is not the name of a field", config.to))
                .help("take letters, digits, `_` and `-`, and neither `id` nor `text`"));
        }
        Ok(Domain {
            field: Name::new(&config.field),
            to: Name::new(&config.to),
            private_suffixes: config.private_suffixes,
        })
    }

    fn reads(&self) -> Vec<Field> {
        vec![Field { name: self.field, kind: Type::Text }]
    }

    fn writes(&self) -> Vec<Field> {
        vec![Field { name: self.to, kind: Type::Text }]
    }
}

impl Mapper for Domain {
    type Measure = ();

    fn map(&self, document: &mut Document, _: &mut ()) -> Verdict {
        let host = document.field(self.field).and_then(|url| Address::read(url.as_text()?)).map(|address| address.host);
        match host {
            None => document.remove_field(self.to),
            Some(Host::Domain(name)) => document.set_field(self.to, registered(&name, self.private_suffixes)),
            Some(address) => document.set_field(self.to, address.to_string()),
        }
        Verdict::Keep
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(url: &str, private_suffixes: bool) -> Option<String> {
        let step = Domain::new(Config { private_suffixes, ..Config::default() }, &mut Setup::default()).unwrap();
        let mut document = Document::new("", "文");
        document.set_field(Name::new("url"), url);
        document.set_field(Name::new("domain"), "of before");
        assert_eq!(step.map(&mut document, &mut ()), Verdict::Keep);
        document.field(Name::new("domain")).and_then(|domain| domain.as_text()).map(str::to_owned)
    }

    #[test]
    fn what_is_no_field_is_not_written() {
        for to in ["text", "id", "", "a b", "gopher_quality.words"] {
            let wrong = Domain::new(Config { to: to.into(), ..Config::default() }, &mut Setup::default()).err();
            assert_eq!(wrong.expect(to).setting, Some("to"));
        }
        assert!(Domain::new(Config { to: "站点_2".into(), ..Config::default() }, &mut Setup::default()).is_ok());
    }

    #[test]
    fn registered_domains_are_found() {
        for (url, with_private, without) in [
            ("https://a.b.Example.co.uk/x", "example.co.uk", "example.co.uk"),
            ("http://me.github.io/", "me.github.io", "github.io"),
            ("http://x.me.github.io/", "me.github.io", "github.io"),
            ("http://github.io/", "github.io", "github.io"),
            ("http://co.uk/", "co.uk", "co.uk"),
            ("http://www.食狮.公司.cn/", "xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
            ("http://a.b.c.internal/", "c.internal", "c.internal"),
            ("http://localhost:80/", "localhost", "localhost"),
            ("http://192.0.2.1/", "192.0.2.1", "192.0.2.1"),
            ("http://[2001:db8::1]/", "[2001:db8::1]", "[2001:db8::1]"),
        ] {
            assert_eq!(domain(url, true).as_deref(), Some(with_private), "{url}");
            assert_eq!(domain(url, false).as_deref(), Some(without), "{url}");
        }
        assert_eq!(domain("no url", true), None);
        assert_eq!(domain("", true), None);
    }
}
