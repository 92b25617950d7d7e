//! Drops documents whose URL is on a list: of domains, of URLs, or of words in URLs. Allow lists win.
//!
//! A listed domain stands for itself and every host below it; `www.example.com` also for `example.com`,
//! though not for its other hosts. A listed URL stands for itself and all that goes on from it with `/`,
//! `?` or, in a query, `&`; scheme, user, port, fragment, a leading `www.` and slashes at the end do not
//! count, and the path is compared as it is written. Hosts are compared as browsers read them: lower case,
//! IDNA as ASCII, without dots at the end. Words are looked for in the whole URL, as RefinedWeb and FineWeb
//! do, percent signs left as they are.
//!
//! Settings of lists name files and folders, plain or compressed with gzip or zstd. Of a folder that holds
//! files called `domains` or `urls`, as UT1's categories do, only those of the setting are read, whatever
//! their endings; its `expressions` are not. A list of domains may hold `example.com`, `.example.com`,
//! `*.example.com`, `http://example.com/`, lines of hosts files (`0.0.0.0 example.com`; names without a dot
//! do not count), Adblock rules of whole sites (`||example.com^`) and addresses; a list of URLs holds URLs,
//! with or without a scheme. Lines that begin with `#` or `!` are remarks. A line that is none of these
//! is a mistake of the pipeline, told with its file and number, unless `max_bad_lines` lets it pass.
//! A public suffix (`com`, `co.uk`, `github.io`) among the domains to block is one too, since everybody's
//! sites are below it, unless `block_suffixes` says that it is meant.
//!
//! Of a domain or URL nine bytes are kept, a hash among them: that a look-up takes a text for a listed
//! one has a chance of 3e-13 with five million entries.
//!
//! A document without a URL, or with one in which no host can be read, is kept, unless the last two
//! settings say otherwise; words are looked for even where there is no host.
//!
//! | setting                  | default     | source                                                     |
//! |--------------------------|-------------|------------------------------------------------------------|
//! | `field`                  | `url`       | as `warc` writes it                                        |
//! | `block_domains`          | none        | RefinedWeb, arXiv:2306.01116, sec. 3.1 and its appendix on URLs: UT1, 4.6 M domains |
//! | `block_urls`             | none        | same                                                       |
//! | `allow_domains`          | none        | ours: kept whatever other lists say; suffixes are welcome  |
//! | `allow_urls`             | none        | same                                                       |
//! | `lines`                  | `read`      | ours; `verbatim` is datatrove 0.10, see `@datatrove`       |
//! | `max_bad_lines`          | 0           | ours                                                       |
//! | `block_suffixes`         | false       | ours                                                       |
//! | `banned_words`           | `datatrove` | datatrove 0.10: 203 words, the hard ones of RefinedWeb     |
//! | `max_banned_words`       | 0           | same                                                       |
//! | `soft_banned_words`      | `datatrove` | same: 87 words                                             |
//! | `max_soft_banned_words`  | 1           | same                                                       |
//! | `banned_substrings`      | `datatrove` | same: 134 words, looked for in letters and digits alone    |
//! | `max_banned_substrings`  | 0           | same                                                       |
//! | `fold_case`              | true        | ours; datatrove finds `porn` in `/porn` and not in `/Porn` |
//! | `keep_without_url`       | true        | ours; datatrove stops                                      |
//! | `keep_unreadable`        | true        | datatrove 0.10                                             |

pub mod address;
pub mod lists;
mod set;
mod words;

use std::borrow::Cow;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::list::{self, Malformed};
use crate::kit::{Field, Filter, Name, Profile, Reason, Setup, Step, Text, Type, Verdict, Wrong, kind};
use address::{Address, host_as_written, registered_as_written};
use lists::{Domains, Tally, Texts, Unread, Urls};
use words::{Substrings, Words};

/// How lines of lists are compared with URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Comparison {
    /// Domains and URLs are read, from lists and documents alike, and stand for all below them.
    Read,
    /// A line is compared as it is written: with the registered domain, the whole host, the whole URL.
    Verbatim,
}

/// Settings of [`UrlLists`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The field that holds the URL.
    pub field: String,
    /// Files and folders with domains to block.
    #[schemars(inner(length(min = 1)))]
    pub block_domains: Vec<String>,
    /// Files and folders with URLs to block.
    #[schemars(inner(length(min = 1)))]
    pub block_urls: Vec<String>,
    /// Files and folders with domains to keep, whatever else is listed.
    #[schemars(inner(length(min = 1)))]
    pub allow_domains: Vec<String>,
    /// Files and folders with URLs to keep, whatever else is listed.
    #[schemars(inner(length(min = 1)))]
    pub allow_urls: Vec<String>,
    /// How lines of those lists are compared.
    pub lines: Comparison,
    /// Most lines, in all lists together, that are no domain, no URL or no word.
    pub max_bad_lines: u64,
    /// Whether public suffixes among the domains to block are meant.
    pub block_suffixes: bool,
    /// Files with words that stand on their own; `datatrove` is the list that comes along.
    #[schemars(inner(length(min = 1)))]
    pub banned_words: Vec<String>,
    /// Most distinct ones in a URL.
    pub max_banned_words: u64,
    /// Files with words of which it takes several; `datatrove` is the list that comes along.
    #[schemars(inner(length(min = 1)))]
    pub soft_banned_words: Vec<String>,
    /// Most distinct ones in a URL.
    pub max_soft_banned_words: u64,
    /// Files with words that may begin and end anywhere; `datatrove` is the list that comes along.
    #[schemars(inner(length(min = 1)))]
    pub banned_substrings: Vec<String>,
    /// Most of them in a URL.
    pub max_banned_substrings: u64,
    /// Whether words on their own are found in capitals too. Substrings always are.
    pub fold_case: bool,
    /// Whether a document without a URL is kept.
    pub keep_without_url: bool,
    /// Whether a document is kept in whose URL no host can be read.
    pub keep_unreadable: bool,
}

impl Default for Config {
    fn default() -> Config {
        let come_along = || vec![BUILT_IN.to_owned()];
        Config {
            field: "url".into(),
            block_domains: Vec::new(),
            block_urls: Vec::new(),
            allow_domains: Vec::new(),
            allow_urls: Vec::new(),
            lines: Comparison::Read,
            max_bad_lines: 0,
            block_suffixes: false,
            banned_words: come_along(),
            max_banned_words: 0,
            soft_banned_words: come_along(),
            max_soft_banned_words: 1,
            banned_substrings: come_along(),
            max_banned_substrings: 0,
            fold_case: true,
            keep_without_url: true,
            keep_unreadable: true,
        }
    }
}

/// The name of the lists of words that come along.
const BUILT_IN: &str = "datatrove";

crate::measures! {
    /// What [`UrlLists`] measures; nothing of a document without a URL.
    pub struct Measure {
        /// 1 where a host can be read in the URL, 0 where not.
        readable,
        /// 1 where the domain or the URL is on a list of those to keep, else 0.
        allowed,
        /// 1 where the domain is on a list of those to block, else 0.
        blocked_domain,
        /// 1 where the URL is on a list of those to block, else 0.
        blocked_url,
        /// Distinct banned words in the URL.
        banned_words,
        /// Distinct soft banned words in the URL.
        soft_banned_words,
        /// Banned substrings in the URL.
        banned_substrings,
    }
}

/// See the words at the top of this file.
pub struct UrlLists {
    config: Config,
    field: Name,
    lists: Lists,
    banned_words: Words,
    soft_banned_words: Words,
    banned_substrings: Substrings,
}

/// The lists of domains and URLs, by how they are compared.
enum Lists {
    Read { block: (Domains, Urls), allow: (Domains, Urls) },
    Verbatim { block: (Texts, Texts), allow: (Texts, Texts) },
}

/// What the lists say of a URL.
struct Found {
    readable: bool,
    allowed: bool,
    blocked_domain: bool,
    blocked_url: bool,
}

impl Lists {
    fn look_up(&self, url: &str) -> Found {
        match self {
            Lists::Read { block, allow } => match Address::read(url) {
                None => Found { readable: false, allowed: false, blocked_domain: false, blocked_url: false },
                Some(address) => Found {
                    readable: true,
                    allowed: allow.0.cover(&address.host) || allow.1.cover(&address),
                    blocked_domain: block.0.cover(&address.host),
                    blocked_url: block.1.cover(&address),
                },
            },
            Lists::Verbatim { block, allow } => {
                let written = host_as_written(url);
                let host = ascii_dots(written);
                let names = registered_as_written(&host);
                let has = |texts: &Texts| {
                    names.is_some_and(|(registered, full)| texts.contain(registered) || texts.contain(full))
                };
                Found {
                    readable: !written.is_empty(),
                    allowed: has(&allow.0) || allow.1.contain(url),
                    blocked_domain: has(&block.0),
                    blocked_url: block.1.contain(url),
                }
            }
        }
    }
}

fn ascii_dots(host: &str) -> Cow<'_, str> {
    if host.is_ascii() { host.into() } else { host.replace(['\u{3002}', '\u{ff0e}', '\u{ff61}'], ".").into() }
}

/// Reads lists and gathers what is wrong with them.
struct Loader<'a> {
    setup: &'a mut Setup,
    bad: Option<(&'static str, Tally)>,
    bad_lines: u64,
}

impl Loader<'_> {
    /// The files that a setting names. Of a folder as UT1's, those of the setting's kind.
    fn files(&mut self, setting: &'static str, kind: &str, paths: &[String]) -> Result<Vec<PathBuf>, Wrong> {
        let mut all = Vec::new();
        for path in paths {
            let noted = self.setup.files.len();
            let mut files = self.setup.files_in(setting, std::slice::from_ref(path))?;
            let is_folder = files != [self.setup.folder.join(path)];
            let called = |file: &PathBuf, kind: &str| {
                file.file_name().and_then(|name| name.to_str()).and_then(|name| name.split('.').next()) == Some(kind)
            };
            if is_folder && files.iter().any(|file| called(file, "domains") || called(file, "urls")) {
                files.retain(|file| called(file, kind));
                if files.is_empty() {
                    let what = format!("there is no file called `{kind}` in the folder `{path}`");
                    return Err(Wrong::setting(setting, what).help("name the file that is meant"));
                }
                // The others decide nothing.
                self.setup.files.truncate(noted);
                self.setup.files.extend(files.iter().map(|file| (setting, file.clone())));
            }
            all.append(&mut files);
        }
        Ok(all)
    }

    fn domains(&mut self, setting: &'static str, paths: &[String], suffixes: bool) -> Result<Domains, Wrong> {
        let files = self.files(setting, "domains", paths)?;
        let (domains, tally) = Domains::read(&files).map_err(|unread| self.unread(setting, &unread))?;
        self.refuse_empty(setting, paths, &tally)?;
        if let (false, Some((file, number, text))) = (suffixes, &tally.suffixes.first) {
            let count = tally.suffixes.count;
            let what = format!(
                "{count} of {} lines {} a public suffix, which would block every site below it; the first is `{text}` ({}, line {number})",
                tally.lines,
                if count == 1 { "is" } else { "are each" },
                file.display()
            );
            let help = "take such lines out, or set `block_suffixes = true` if they are meant";
            return Err(Wrong::setting(setting, what).help(help));
        }
        self.note(setting, tally);
        Ok(domains)
    }

    fn urls(&mut self, setting: &'static str, paths: &[String]) -> Result<Urls, Wrong> {
        let files = self.files(setting, "urls", paths)?;
        let (urls, tally) = Urls::read(&files).map_err(|unread| self.unread(setting, &unread))?;
        self.refuse_empty(setting, paths, &tally)?;
        self.note(setting, tally);
        Ok(urls)
    }

    fn texts(&mut self, setting: &'static str, kind: &str, paths: &[String]) -> Result<Texts, Wrong> {
        let files = self.files(setting, kind, paths)?;
        let (texts, tally) = Texts::read(&files).map_err(|unread| self.unread(setting, &unread))?;
        self.refuse_empty(setting, paths, &tally)?;
        Ok(texts)
    }

    fn unread(&self, setting: &'static str, (path, error): &Unread) -> Wrong {
        list::unreadable(setting, path, error)
    }

    /// A file that says nothing is a mistake where it is named itself; one among the files of a folder is not.
    fn refuse_empty(&self, setting: &'static str, paths: &[String], tally: &Tally) -> Result<(), Wrong> {
        let named = |file: &&PathBuf| paths.iter().any(|path| **file == self.setup.folder.join(path));
        match tally.empty.iter().find(named) {
            Some(file) => Err(Malformed::Empty.wrong(setting, file)),
            None => Ok(()),
        }
    }

    fn words(&mut self, setting: &'static str, lists: &[String]) -> Result<Vec<String>, Wrong> {
        let (mut words, mut tally) = (Vec::new(), Tally::default());
        for list in lists {
            let path;
            let source = if list == BUILT_IN {
                Err(words::built_in(setting))
            } else {
                path = self.setup.file(setting, list).map_err(|wrong| wrong.near(list, [BUILT_IN]))?;
                Ok(path.as_path())
            };
            words::read(source, &mut tally, &mut words)
                .map_err(|error| list::unreadable(setting, source.expect("only files fail"), &error))?;
        }
        self.note(setting, tally);
        Ok(words)
    }

    fn note(&mut self, setting: &'static str, tally: Tally) {
        self.bad_lines += tally.bad.count;
        if self.bad.is_none() && tally.bad.count > 0 {
            self.bad = Some((setting, tally));
        }
    }

    /// Refuses lists with too many lines that say nothing.
    fn finish(self, max_bad_lines: u64) -> Result<(), Wrong> {
        let Some((setting, tally)) = self.bad.filter(|_| self.bad_lines > max_bad_lines) else { return Ok(()) };
        let (file, number, text) = tally.bad.first.expect("a line that is counted is named");
        let what_it_is_not = match setting {
            "block_domains" | "allow_domains" => "domain",
            "block_urls" | "allow_urls" => "URL",
            _ => "word of ASCII letters or digits",
        };
        let what = format!(
            "{} of {} lines {} no {what_it_is_not}; the first is `{text}` ({}, line {number})",
            tally.bad.count,
            tally.lines,
            if tally.bad.count == 1 { "is" } else { "are" },
            file.display()
        );
        let (what, repair) = match tally.bad.is_utf8 {
            true => (what, "repair the lines"),
            false => (format!("{}: {}", file.display(), Malformed::Line(number as usize)), Malformed::Line(0).help()),
        };
        let help = format!("{repair}, or let them pass with `max_bad_lines = {}`", self.bad_lines);
        Err(Wrong::setting(setting, what).help(help))
    }
}

impl Step for UrlLists {
    const NAME: &'static str = "url_lists";
    const VERSION: u32 = 2;
    const WORDS: &'static str = include_str!("mod.rs");
    const PROFILES: &'static [Profile] = &[Profile {
        name: "datatrove",
        settings: "lines = \"verbatim\"\nfold_case = false",
        about: "`URLFilter` of datatrove 0.10, which FineWeb begins with (arXiv:2406.17557, sec. 3.2). A line of \
            `block_domains` blocks where it is, letter for letter, the registered domain or the whole host, so \
            that `b.example.com` does not stand for `a.b.example.com`, nor any line for an IP address; suffixes \
            of companies (`github.io`) do not count as suffixes. A line of `block_urls` blocks where it is the \
            whole URL, scheme included: UT1's URLs, which have none, block nothing. Words on their own are \
            found in lower case only. Empty lines are passed over, which datatrove takes for a domain. Its \
            lists are UT1's, in the package's assets/url_filterblacklistsv0_3_0.tar.gz: unpack them and name \
            `domains` in `block_domains`, `urls` in `block_urls`.",
    }];
    type Config = Config;
    type Kind = kind::Filter;

    fn new(config: Config, setup: &mut Setup) -> Result<Self, Wrong> {
        let blocking = [
            &config.block_domains,
            &config.block_urls,
            &config.banned_words,
            &config.soft_banned_words,
            &config.banned_substrings,
        ];
        if blocking.iter().all(|lists| lists.is_empty()) && config.keep_without_url && config.keep_unreadable {
            let what = "no list of domains, URLs or words is named: nothing would be dropped";
            return Err(Wrong { setting: None, what: what.into(), help: Some("name one in `block_domains`".into()) });
        }
        let mut loader = Loader { setup, bad: None, bad_lines: 0 };
        let lists = match config.lines {
            Comparison::Read => Lists::Read {
                block: (
                    loader.domains("block_domains", &config.block_domains, config.block_suffixes)?,
                    loader.urls("block_urls", &config.block_urls)?,
                ),
                allow: (
                    loader.domains("allow_domains", &config.allow_domains, true)?,
                    loader.urls("allow_urls", &config.allow_urls)?,
                ),
            },
            Comparison::Verbatim => Lists::Verbatim {
                block: (
                    loader.texts("block_domains", "domains", &config.block_domains)?,
                    loader.texts("block_urls", "urls", &config.block_urls)?,
                ),
                allow: (
                    loader.texts("allow_domains", "domains", &config.allow_domains)?,
                    loader.texts("allow_urls", "urls", &config.allow_urls)?,
                ),
            },
        };
        let banned_words = loader.words("banned_words", &config.banned_words)?;
        let soft_banned_words = loader.words("soft_banned_words", &config.soft_banned_words)?;
        let banned_substrings = loader.words("banned_substrings", &config.banned_substrings)?;
        loader.finish(config.max_bad_lines)?;
        Ok(UrlLists {
            field: Name::new(&config.field),
            lists,
            banned_words: Words::new(&banned_words),
            soft_banned_words: Words::new(&soft_banned_words),
            banned_substrings: Substrings::new(&banned_substrings)
                .map_err(|message| Wrong::setting("banned_substrings", message))?,
            config,
        })
    }

    fn reads(&self) -> Vec<Field> {
        vec![Field { name: self.field, kind: Type::Text }]
    }
}

impl Filter for UrlLists {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::of("no_url", "keep_without_url"),
        Reason::of("unreadable_url", "keep_unreadable"),
        Reason::of("blocked_domain", "block_domains"),
        Reason::of("blocked_url", "block_urls"),
        Reason::of("banned_words_in_url", "max_banned_words"),
        Reason::of("soft_banned_words_in_url", "max_soft_banned_words"),
        Reason::of("banned_substrings_in_url", "max_banned_substrings"),
    ];
    const JUDGING: &'static [&'static str] = &["keep_without_url", "keep_unreadable"];
    const MEASURING: &'static [&'static str] = &["max_bad_lines"];

    fn measure(&self, text: &Text) -> Measure {
        let url = text.document().field(self.field).and_then(|url| url.as_text()).unwrap_or_default();
        if url.is_empty() {
            return Measure::default();
        }
        let found = self.lists.look_up(url);
        let words: Cow<str> = if self.config.fold_case && url.bytes().any(|byte| byte.is_ascii_uppercase()) {
            url.to_ascii_lowercase().into()
        } else {
            url.into()
        };
        let flag = |flag: bool| Some(f64::from(u8::from(flag)));
        Measure {
            readable: flag(found.readable),
            allowed: flag(found.allowed),
            blocked_domain: flag(found.blocked_domain),
            blocked_url: flag(found.blocked_url),
            banned_words: Some(self.banned_words.count(&words) as f64),
            soft_banned_words: Some(self.soft_banned_words.count(&words) as f64),
            banned_substrings: Some(self.banned_substrings.count(url) as f64),
        }
    }

    fn judge(&self, measure: &Measure) -> Verdict {
        let is = |flag: Option<f64>| flag == Some(1.0);
        let above = |measure: Option<f64>, max: u64| measure.is_some_and(|measure| measure > max as f64);
        let Config { max_banned_words, max_soft_banned_words, max_banned_substrings, .. } = self.config;
        match () {
            () if measure.readable.is_none() && !self.config.keep_without_url => Verdict::Drop("no_url"),
            () if is(measure.allowed) => Verdict::Keep,
            () if measure.readable == Some(0.0) && !self.config.keep_unreadable => Verdict::Drop("unreadable_url"),
            () if is(measure.blocked_domain) => Verdict::Drop("blocked_domain"),
            () if is(measure.blocked_url) => Verdict::Drop("blocked_url"),
            () if above(measure.banned_words, max_banned_words) => Verdict::Drop("banned_words_in_url"),
            () if above(measure.soft_banned_words, max_soft_banned_words) => Verdict::Drop("soft_banned_words_in_url"),
            () if above(measure.banned_substrings, max_banned_substrings) => Verdict::Drop("banned_substrings_in_url"),
            () => Verdict::Keep,
        }
    }
}

#[cfg(test)]
mod tests;
