//! Which of several documents stays, and among which they are compared.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{Document, Field, Name, Type, Value};
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

use super::Key;
use super::date::instant;

/// Which of several documents stays; of equals, the first in the order of the corpus.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Keep {
    /// The first in the order of the corpus.
    #[default]
    First,
    /// The one with the latest date in the field `by`. Text that is no date counts as older than any date, and is
    /// compared by its bytes; a document without a value is the oldest.
    Newest,
    /// The one with the earliest date in the field `by`, then the least of text that is no date; a document without a value
    /// is the newest.
    Oldest,
    /// The one with the most characters.
    Longest,
    /// `highest:FIELD`: the one with the greatest value of that field; one without a value is the lowest.
    Highest(String),
}

impl TryFrom<String> for Keep {
    type Error = String;

    fn try_from(text: String) -> Result<Keep, String> {
        Ok(match text.as_str() {
            "first" => Keep::First,
            "newest" => Keep::Newest,
            "oldest" => Keep::Oldest,
            "longest" => Keep::Longest,
            other => match other.strip_prefix("highest:").filter(|field| !field.is_empty()) {
                Some(field) => Keep::Highest(field.to_owned()),
                None => {
                    let known = "`first`, `newest`, `oldest`, `longest` or `highest:FIELD`";
                    return Err(format!("`keep` is `{other}`, and must be {known}"));
                }
            },
        })
    }
}

impl From<Keep> for String {
    fn from(keep: Keep) -> String {
        match keep {
            Keep::First => "first".to_owned(),
            Keep::Newest => "newest".to_owned(),
            Keep::Oldest => "oldest".to_owned(),
            Keep::Longest => "longest".to_owned(),
            Keep::Highest(field) => format!("highest:{field}"),
        }
    }
}

/// Ranks documents, the one that stays first.
#[derive(Debug)]
pub struct Ranking {
    keep: Keep,
    by: Name,
}

/// Bytes of a text that rank it: what a date takes, and some more.
const TEXT: usize = 64;

impl Ranking {
    /// Ranks by `keep`; `by` is the field that tells the newest and the oldest.
    pub fn new(keep: &Keep, by: &str) -> Ranking {
        let by = if let Keep::Highest(field) = keep { field } else { by };
        Ranking { keep: keep.clone(), by: Name::new(by) }
    }

    /// Fields it looks at.
    pub fn reads(&self) -> Vec<Field> {
        match self.keep {
            // Dates are text; for numbers there is `highest:FIELD`.
            Keep::Newest | Keep::Oldest => vec![Field { name: self.by, kind: Type::Text }],
            Keep::Highest(_) => vec![Field { name: self.by, kind: Type::Number }],
            Keep::First | Keep::Longest => Vec::new(),
        }
    }

    /// Appends bytes that sort the document that stays first. No rank begins another one.
    pub fn rank(&self, document: &Document, out: &mut Vec<u8>) {
        match self.keep {
            Keep::First => {}
            Keep::Longest => out.extend_from_slice(&(!(document.text().chars().count() as u64)).to_be_bytes()),
            Keep::Newest | Keep::Highest(_) => greatest_first(document.field(self.by), out),
            Keep::Oldest => {
                let start = out.len();
                greatest_first(document.field(self.by), out);
                if document.field(self.by).is_some() {
                    out[start + 1..].iter_mut().for_each(|byte| *byte = !*byte);
                }
            }
        }
    }
}

/// Bytes that sort the greatest value first, and none at all last: a time's or a number's order inverted, or the bytes
/// of a text that is no date, which come behind all dates.
fn greatest_first(value: Option<&Value>, out: &mut Vec<u8>) {
    match value {
        Some(Value::Text(text)) => {
            if let Some((seconds, billionths)) = instant(text) {
                out.push(0);
                out.extend_from_slice(&(!(seconds as u64 ^ 1 << 63)).to_be_bytes());
                out.extend_from_slice(&(!billionths).to_be_bytes());
                return;
            }
            out.push(1);
            out.extend(text.bytes().take_while(|&byte| byte != 0).take(TEXT).map(|byte| !byte));
            out.push(0xff);
        }
        // A number that is none is no value: a score that could not be computed is not the highest.
        _ => match value.and_then(Value::as_number).filter(|number| !number.is_nan()) {
            Some(number) => {
                out.push(0);
                let bits = (number + 0.0).to_bits() as i64; // there are two zeros
                // Flips a float's bits into the order of integers, then inverts it.
                let ordered = (bits ^ (((bits >> 63) as u64) >> 1) as i64) as u64 ^ (1 << 63);
                out.extend_from_slice(&(!ordered).to_be_bytes());
            }
            None => out.push(2),
        },
    }
}

/// Documents of which value of a field are compared with each other.
#[derive(Debug)]
pub struct Scope(Option<Name>);

impl Scope {
    /// `global`, or the name of a field.
    pub fn new(scope: &str) -> Scope {
        Scope((scope != "global").then(|| Name::new(scope)))
    }

    /// As it is written.
    pub fn name(&self) -> &str {
        self.0.map_or("global", |name| name.as_str())
    }

    /// Fields it looks at.
    pub fn reads(&self) -> Vec<Field> {
        self.0.map(|name| Field { name, kind: Type::Text }).into_iter().collect()
    }

    /// The key of a document in its scope, from its key among all.
    pub fn key(&self, document: &Document, key: Key) -> Key {
        match self.of(document) {
            0 => key,
            scope => xxh3_128_with_seed(&key.to_le_bytes(), scope),
        }
    }

    /// What tells the document's scope from others; those without a value share one.
    fn of(&self, document: &Document) -> u64 {
        match self.0.map(|name| document.field(name)) {
            None => 0,
            Some(None) => 1,
            Some(Some(Value::Text(text))) => xxh3_64_with_seed(text.as_bytes(), 2),
            Some(Some(value)) => xxh3_64_with_seed(&value.as_number().unwrap_or(f64::NAN).to_bits().to_le_bytes(), 3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranks(keep: &str, values: &[Option<Value>]) -> Vec<Vec<u8>> {
        let ranking = Ranking::new(&Keep::try_from(keep.to_owned()).unwrap(), "date");
        let rank = |value: &Option<Value>| {
            let mut document = Document::new("", "text");
            if let Some(value) = value {
                document.set_field(ranking.by, value.clone());
            }
            let mut out = Vec::new();
            ranking.rank(&document, &mut out);
            out
        };
        values.iter().map(rank).collect()
    }

    #[test]
    fn the_newest_the_oldest_and_the_highest_sort_first_and_none_at_all_last() {
        let mut dates: Vec<Option<Value>> =
            ["20240103", "2024-01-02T01:00+02:00", "Mon, 01 Jan 2024 10:00:00 GMT", "2024-01-01", "1969"]
                .map(|date| Some(date.into()))
                .to_vec();
        let mut numbers: Vec<Option<Value>> = [10.0, 2.5, 0.0, -3.0, -1e9].map(|number| Some(number.into())).to_vec();
        let mut dumps: Vec<Option<Value>> =
            ["CC-MAIN-2024-10", "CC-MAIN-2023-50", "CC-MAIN-2023-06", "CC", ""].map(|dump| Some(dump.into())).to_vec();
        for values in [&mut dates, &mut numbers, &mut dumps] {
            values.push(None);
            let sorted = ranks("newest", values);
            assert!(sorted.is_sorted_by(|a, b| a < b));
            values[..5].reverse();
            let sorted = ranks("oldest", values);
            assert!(sorted.is_sorted_by(|a, b| a < b));
        }
        numbers[..5].reverse();
        let ranking = Ranking::new(&Keep::try_from("highest:score".to_owned()).unwrap(), "date");
        assert_eq!(ranking.by.as_str(), "score");
        assert!(ranks("highest:date", &numbers).is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn no_date_is_older_than_any_no_number_is_no_value_and_there_is_one_zero() {
        let text = ranks("newest", &["0001-01-01", "yesterday"].map(|date| Some(date.into())));
        assert!(text[0] < text[1]);
        let numbers = ranks("highest:date", &[Some(f64::NAN.into()), None, Some(0.0.into()), Some((-0.0).into())]);
        assert!(numbers[0] == numbers[1] && numbers[2] == numbers[3] && numbers[2] < numbers[0]);
    }

    #[test]
    fn a_rank_that_is_none_is_told() {
        assert!(Keep::try_from("highest:".to_owned()).unwrap_err().contains("`highest:FIELD`"));
        for keep in ["first", "newest", "oldest", "longest", "highest:score"] {
            assert_eq!(String::from(Keep::try_from(keep.to_owned()).unwrap()), keep);
        }
    }

    #[test]
    fn the_longest_sorts_first() {
        let ranking = Ranking::new(&Keep::Longest, "date");
        let rank = |text: &str| {
            let mut out = Vec::new();
            ranking.rank(&Document::new("", text), &mut out);
            out
        };
        assert!(rank("aa!!") < rank("aa") && rank("四个汉字") == rank("four"));
    }

    #[test]
    fn scopes_part_documents_by_a_field() {
        let document = |dump: Option<&str>| {
            let mut document = Document::new("", "text");
            if let Some(dump) = dump {
                document.set_field(Name::new("dump"), dump);
            }
            document
        };
        let scope = Scope::new("dump");
        assert_eq!(scope.of(&document(Some("a"))), scope.of(&document(Some("a"))));
        assert_ne!(scope.of(&document(Some("a"))), scope.of(&document(Some("b"))));
        assert_ne!(scope.of(&document(Some("a"))), scope.of(&document(None)));
        assert_eq!(Scope::new("global").of(&document(Some("a"))), Scope::new("global").of(&document(None)));
    }
}
