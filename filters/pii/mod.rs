//! Masks personal data: addresses of people and machines, phone numbers, cards, keys.
//!
//! Each kind has an action: `mask` puts a replacement in its place, `drop` drops the document, `measure`
//! only counts, `off` does not look. Which of several replacements it is depends on seed, step, id of the
//! document and the value found: the same value has the same one throughout a document, whatever the
//! shards and threads, and two values may share one.
//!
//! Digits, letters, `＠` and `．` count in their full-width forms too, and Chinese characters may stand
//! right beside a number. What is found, by our rules:
//!
//! - `email`: letters, digits and `._%+-` before the sign, a domain behind it whose last label is letters.
//!   Left: domains that nobody can own (RFC 2606), `git@`, names of files (`logo@2x.png`).
//! - `ip`: four numbers up to 255 without leading zeros, not within a longer row, not after a word such as
//!   `version`, and not all below 32 (`11.8.4.2` is a chapter); addresses of version 6. Public ones only,
//!   unless `public_ips_only` is false.
//! - `phone`: `+`, a country code and 8 to 15 digits in all (10 behind `+1`); Chinese mobile numbers, in one
//!   piece or 3-4-4, with `86` and `0086`; Chinese landlines with the area code of a place and a mark behind it
//!   (`010-62345678`, `（0755）2345678`), perhaps an extension (`-801`, `转801`); numbers of North America in groups, with an area in
//!   parentheses or one mark throughout (`(415) 555-2671`, `415-555-2671`).
//! - `id_card`: Chinese identity numbers whose province, date and check digit (ISO 7064 MOD 11-2) hold.
//! - `bank_card`: 13 to 19 digits in one piece or in fours, of a known network, whose Luhn digit holds.
//! - `secret`: keys of AWS, GitHub, GitLab, Slack, Google, Stripe, OpenAI, Hugging Face and npm; JSON web
//!   tokens; private keys; the user and the password in an address (`https://user:password@host`), for which
//!   `user:password` stands in, so that the address stays one.
//!
//! A number that is part of a word, of an address on the web (`=`, `/`), of a decimal or of a longer number,
//! or that is an amount of money, is none of these. Where two finds overlap, the order is secret, e-mail,
//! identity card, bank card, phone, IP.
//!
//! | setting | default | source |
//! |---|---|---|
//! | `email`, `ip`, `phone`, `id_card`, `bank_card`, `secret` | `mask` | ours; FineWeb masks the first two |
//! | `rules` | `wanjuan` | whose rules find addresses: `datatrove` (e-mail, IP), `dolma` (e-mail, IP, phone) |
//! | `public_ips_only` | true | datatrove |
//! | `old_id_cards` | false | 15 digits, as issued before 1999; they have no check digit |
//! | `generic_secrets` | false | `api_key = "…"` with 3.5 bits a character or more |
//! | `max_found` | none | Dolma, arXiv:2402.00159: 5 |
//! | `email_replacements` | `email@example.com`, `firstname.lastname@example.org` | datatrove 0.10.1 |
//! | `ip_replacements` | six of RFC 5737, two of RFC 3849 | for documentation; datatrove's own are public. An address gets one of its own version, where the list has one |
//! | `phone_replacements`, … | `\|\|\|PHONE_NUMBER\|\|\|`, … | Dolma's; the others are ours in its manner |

mod email;
mod ip;
mod number;
mod peers;
mod secret;
mod seen;

use std::cell::RefCell;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::kit::{Document, Mapper, Profile, Reason, Setup, Step, Verdict, Wrong, kind};

/// What to do with a kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Put a replacement in its place.
    Mask,
    /// Drop the document.
    Drop,
    /// Count it.
    Measure,
    /// Do not look for it.
    Off,
}

/// Whose rules say what is an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rules {
    /// Ours.
    Wanjuan,
    /// datatrove's for e-mail and IP addresses.
    Datatrove,
    /// Dolma's for e-mail and IP addresses and for phone numbers.
    Dolma,
}

/// Settings of [`Pii`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// E-mail addresses.
    pub email: Action,
    /// IP addresses.
    pub ip: Action,
    /// Phone numbers.
    pub phone: Action,
    /// Chinese identity cards.
    pub id_card: Action,
    /// Bank cards.
    pub bank_card: Action,
    /// Keys and tokens.
    pub secret: Action,
    /// Whose rules find addresses.
    pub rules: Rules,
    /// Whether IP addresses that are nobody's are left.
    pub public_ips_only: bool,
    /// Whether identity numbers of 15 digits count.
    pub old_id_cards: bool,
    /// Whether `api_key = "…"` counts as a secret.
    pub generic_secrets: bool,
    /// Most finds of all kinds in a document that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_found: Option<usize>,
    /// What stands in for an e-mail address.
    pub email_replacements: Vec<String>,
    /// What stands in for an IP address.
    pub ip_replacements: Vec<String>,
    /// What stands in for a phone number.
    pub phone_replacements: Vec<String>,
    /// What stands in for an identity number.
    pub id_card_replacements: Vec<String>,
    /// What stands in for the number of a bank card.
    pub bank_card_replacements: Vec<String>,
    /// What stands in for a key.
    pub secret_replacements: Vec<String>,
}

impl Default for Config {
    fn default() -> Config {
        let list = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        Config {
            email: Action::Mask,
            ip: Action::Mask,
            phone: Action::Mask,
            id_card: Action::Mask,
            bank_card: Action::Mask,
            secret: Action::Mask,
            rules: Rules::Wanjuan,
            public_ips_only: true,
            old_id_cards: false,
            generic_secrets: false,
            max_found: None,
            email_replacements: list(&["email@example.com", "firstname.lastname@example.org"]),
            ip_replacements: list(&[
                "192.0.2.14",
                "192.0.2.201",
                "198.51.100.7",
                "198.51.100.133",
                "203.0.113.62",
                "203.0.113.240",
                "2001:db8:64::1f",
                "2001:db8:a2:7::c5",
            ]),
            phone_replacements: list(&["|||PHONE_NUMBER|||"]),
            id_card_replacements: list(&["|||ID_CARD|||"]),
            bank_card_replacements: list(&["|||BANK_CARD|||"]),
            secret_replacements: list(&["|||SECRET|||"]),
        }
    }
}

crate::measures! {
    /// What [`Pii`] measures.
    pub struct Measure {
        /// E-mail addresses.
        emails,
        /// IP addresses.
        ips,
        /// Phone numbers.
        phones,
        /// Chinese identity numbers.
        id_cards,
        /// Numbers of bank cards.
        bank_cards,
        /// Keys and tokens.
        secrets,
    }
}

/// In the order in which the one is found rather than the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Secret,
    Email,
    IdCard,
    BankCard,
    Phone,
    Ip,
}

const KINDS: [Kind; 6] = [Kind::Secret, Kind::Email, Kind::IdCard, Kind::BankCard, Kind::Phone, Kind::Ip];

/// Bytes of the text in which something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    start: usize,
    end: usize,
    kind: Kind,
}

/// See the words at the top of this file.
pub struct Pii {
    config: Config,
    /// Of the replacements for addresses of machines, those for version 4 and those for version 6.
    ips: [Vec<String>; 2],
    seed: u64,
}

impl Step for Pii {
    const NAME: &'static str = "pii";
    const VERSION: u32 = 4;
    const WORDS: &'static str = include_str!("mod.rs");
    const PROFILES: &'static [Profile] = &[
        Profile { name: "wanjuan", settings: "", about: "Every kind is masked, by our rules." },
        Profile {
            name: "datatrove",
            settings: r#"
                rules = "datatrove"
                phone = "off"
                id_card = "off"
                bank_card = "off"
                secret = "off"
                ip_replacements = ["22.214.171.124", "126.96.36.199", "188.8.131.52", "184.108.40.206", "220.127.116.11", "18.104.22.168"]
            "#,
            about: "`PIIFormatter` of datatrove 0.10.1 as FineWeb uses it: the same spans, the same replacements. \
                    datatrove takes them in turn, by a counter of the process, so that its output depends on \
                    shards; ours depend on the document. `is_global` is that of Python 3.11.",
        },
        Profile {
            name: "dolma",
            settings: r#"
                rules = "dolma"
                public_ips_only = false
                max_found = 5
                id_card = "off"
                bank_card = "off"
                secret = "off"
                email_replacements = [" |||EMAIL_ADDRESS||| "]
                phone_replacements = [" |||PHONE_NUMBER||| "]
                ip_replacements = [" |||IP_ADDRESS||| "]
            "#,
            about: "`pii_regex_with_counts_fast_v2` of Dolma 1.2.1, and what Dolma does with it (arXiv:2402.00159): \
                    documents with more than five finds are dropped, in others each find with the white space \
                    around it is replaced. Every IPv4 address counts, private ones too.",
        },
    ];
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, setup: &mut Setup) -> Result<Self, Wrong> {
        let lists = [
            ("email_replacements", config.email, &config.email_replacements),
            ("ip_replacements", config.ip, &config.ip_replacements),
            ("phone_replacements", config.phone, &config.phone_replacements),
            ("id_card_replacements", config.id_card, &config.id_card_replacements),
            ("bank_card_replacements", config.bank_card, &config.bank_card_replacements),
            ("secret_replacements", config.secret, &config.secret_replacements),
        ];
        for (setting, action, list) in lists {
            if action == Action::Mask && list.is_empty() {
                return Err(Wrong::setting(setting, "there is nothing to put in its place")
                    .help("an empty text `\"\"` removes what is found"));
            }
        }
        let version = |text: &String| text.parse::<IpAddr>().ok().map(|ip| ip.is_ipv6());
        let ips = [false, true].map(|six| {
            let list = &config.ip_replacements;
            let own: Vec<String> = list.iter().filter(|one| version(one) != Some(!six)).cloned().collect();
            if own.is_empty() { list.clone() } else { own }
        });
        Ok(Pii { config, ips, seed: xxh3_64_with_seed(setup.step.as_bytes(), setup.seed) })
    }
}

/// Finds for which there is room from one document to the next, whatever it needs: 1.5 MiB.
const KEPT_SPANS: usize = 1 << 16;

impl Mapper for Pii {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[
        Reason::of("has_secret", "secret").by("secrets"),
        Reason::of("has_email", "email").by("emails"),
        Reason::of("has_id_card", "id_card").by("id_cards"),
        Reason::of("has_bank_card", "bank_card").by("bank_cards"),
        Reason::of("has_phone_number", "phone").by("phones"),
        Reason::of("has_ip_address", "ip").by("ips"),
        Reason::of("too_much_personal_data", "max_found").unmeasured(),
    ];

    fn map(&self, document: &mut Document, measure: &mut Measure) -> Verdict {
        thread_local! {
            static FOUND: RefCell<Vec<Span>> = RefCell::default();
        }
        FOUND.with_borrow_mut(|found| {
            found.clear();
            found.shrink_to(KEPT_SPANS);
            let all = self.find(document.text(), found);
            *measure = self.count(found);
            if found.is_empty() {
                return Verdict::Keep;
            }
            let dropped = KINDS
                .into_iter()
                .find(|kind| self.action(*kind) == Action::Drop && found.iter().any(|span| span.kind == *kind));
            if let Some(kind) = dropped {
                return Verdict::Drop(reason(kind));
            }
            if self.config.max_found.is_some_and(|max| all > max) {
                return Verdict::Drop("too_much_personal_data");
            }
            found.retain(|span| self.action(span.kind) == Action::Mask);
            if !found.is_empty() {
                let masked = self.mask(document, found);
                document.set_text(masked);
            }
            Verdict::Keep
        })
    }
}

fn reason(kind: Kind) -> &'static str {
    match kind {
        Kind::Secret => "has_secret",
        Kind::Email => "has_email",
        Kind::IdCard => "has_id_card",
        Kind::BankCard => "has_bank_card",
        Kind::Phone => "has_phone_number",
        Kind::Ip => "has_ip_address",
    }
}

impl Pii {
    fn action(&self, kind: Kind) -> Action {
        match kind {
            Kind::Secret => self.config.secret,
            Kind::Email => self.config.email,
            Kind::IdCard => self.config.id_card,
            Kind::BankCard => self.config.bank_card,
            Kind::Phone => self.config.phone,
            Kind::Ip => self.config.ip,
        }
    }

    fn wants(&self, kind: Kind) -> bool {
        self.action(kind) != Action::Off
    }

    /// Which numbers our own rules look for.
    fn numbers(&self) -> number::Wanted {
        let config = &self.config;
        number::Wanted {
            id_card: self.wants(Kind::IdCard),
            old_id_card: config.old_id_cards,
            bank_card: self.wants(Kind::BankCard),
            phone: self.wants(Kind::Phone) && config.rules != Rules::Dolma,
            ip: self.wants(Kind::Ip) && config.rules == Rules::Wanjuan,
            public_ips_only: config.public_ips_only,
        }
    }

    /// All that is found, in order, none over another; how many there are.
    fn find(&self, text: &str, found: &mut Vec<Span>) -> usize {
        if self.wants(Kind::Secret) {
            secret::find(text, found);
            if self.config.generic_secrets {
                secret::find_generic(text, found);
            }
        }
        let (email, ip, public) = (self.wants(Kind::Email), self.wants(Kind::Ip), self.config.public_ips_only);
        match self.config.rules {
            Rules::Wanjuan => {
                if email {
                    email::find(text, found);
                }
                if ip {
                    ip::find_v6(text, public, found);
                }
            }
            Rules::Datatrove => peers::datatrove(text, email, ip, public, found),
            Rules::Dolma => peers::dolma(text, email, self.wants(Kind::Phone), ip, found),
        }
        let numbers = self.numbers();
        if numbers.id_card || numbers.bank_card || numbers.phone || numbers.ip {
            number::find(text, numbers, found);
        }
        // Dolma counts what overlaps twice, and replaces what starts first.
        let dolma = self.config.rules == Rules::Dolma;
        let all = found.len();
        settle(found, dolma);
        if dolma { all } else { found.len() }
    }

    fn count(&self, found: &[Span]) -> Measure {
        let count = |kind| {
            let count = || found.iter().filter(|span| span.kind == kind).count() as f64;
            self.wants(kind).then(count)
        };
        Measure {
            emails: count(Kind::Email),
            ips: count(Kind::Ip),
            phones: count(Kind::Phone),
            id_cards: count(Kind::IdCard),
            bank_cards: count(Kind::BankCard),
            secrets: count(Kind::Secret),
        }
    }

    /// The text with a replacement in each of these places.
    fn mask(&self, document: &Document, found: &[Span]) -> String {
        let text = document.text();
        let seed = xxh3_64_with_seed(document.id.as_bytes(), self.seed);
        let mut masked = String::with_capacity(text.len() + 16 * found.len());
        let mut value = Vec::new();
        let mut from = 0;
        for &Span { start, end, kind } in found {
            let replacements = match kind {
                Kind::Secret => &self.config.secret_replacements,
                Kind::Email => &self.config.email_replacements,
                Kind::IdCard => &self.config.id_card_replacements,
                Kind::BankCard => &self.config.bank_card_replacements,
                Kind::Phone => &self.config.phone_replacements,
                Kind::Ip => &self.ips[usize::from(text[start..end].contains([':', '：']))],
            };
            let chosen = match &replacements[..] {
                _ if kind == Kind::Secret && text[..start].ends_with("://") => secret::IN_ADDRESS,
                [only] => only.as_str(),
                several => {
                    spell(&text.as_bytes()[start..end], kind, &mut value);
                    let draw = u128::from(xxh3_64_with_seed(&value, seed)) * several.len() as u128;
                    several[(draw >> 64) as usize].as_str()
                }
            };
            masked.push_str(&text[from..start]);
            masked.push_str(chosen);
            from = end;
        }
        masked.push_str(&text[from..]);
        masked
    }
}

/// One spelling for a value: no full-width forms, no capitals, of numbers the digits alone.
fn spell(bytes: &[u8], kind: Kind, value: &mut Vec<u8>) {
    value.clear();
    let mut at = 0;
    while at < bytes.len() {
        let (c, length) = seen::at(bytes, at);
        let number = matches!(kind, Kind::IdCard | Kind::BankCard | Kind::Phone);
        if !number || c.is_ascii_alphanumeric() {
            value.push(c.to_ascii_lowercase());
        }
        at += length;
    }
}

/// In order, and where several overlap, the one whose kind comes first, then the one that starts first;
/// with `first_wins`, the one that starts first whatever its kind.
fn settle(found: &mut Vec<Span>, first_wins: bool) {
    if found.is_sorted_by(|a, b| a.end <= b.start) {
        return;
    }
    found.sort_unstable_by_key(|span| (span.start, span.kind, span.end));
    let mut kept = 0;
    for at in 0..found.len() {
        let span = found[at];
        // Whatever it overlaps lies at the end of what is kept, since spans of one kind never overlap.
        let mut first = kept;
        while first > 0 && found[first - 1].end > span.start {
            first -= 1;
        }
        if found[first..kept].iter().all(|other| !first_wins && other.kind > span.kind) {
            kept = first;
            found[kept] = span;
            kept += 1;
        }
    }
    found.truncate(kept);
}

#[cfg(test)]
mod tests;
