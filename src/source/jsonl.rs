//! Reads lines of JSON: one object a line, plain or compressed with gzip or zstd.
//!
//! `text` becomes the document's text, `id` its id, and `fields` become typed fields that `where` and
//! steps can use; every other member is carried verbatim and written back. A name with dots reaches
//! into nested objects. Empty lines are passed over; a line that is no document is set aside.
//!
//! | setting  | default | source                                                          |
//! |----------|---------|-----------------------------------------------------------------|
//! | `id`     | `id`    | as most corpora have it; numbers are taken as text              |
//! | `text`   | `text`  | as most corpora have it                                         |
//! | `fields` | none    | ours: `{ lang = "text", score = "number at quality.score" }`    |

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sonic_rs::{JsonValueTrait, LazyValue};
use wanjuan_filters::kit::{Document, Field, Name, Setup, Step, Type, Value, Wrong};

use super::lines::{LineReader, Lines, splits};
use super::{Bad, Batch, KEPT_RAW, Kind, Limits, MISSING_TEXT, NoDocument, Reader, Source};
use crate::json;
use crate::store::Input;

/// Settings of [`Jsonl`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the id stands; a record without one is named after its place.
    pub id: String,
    /// Where the text stands.
    pub text: String,
    /// Fields by name: their type, `text`, `integer`, `number` or `boolean`, and, where it is not
    /// the member of that name, where they stand: `"number at quality.score"`.
    pub fields: BTreeMap<String, String>,
}

impl Default for Config {
    fn default() -> Config {
        Config { id: "id".into(), text: "text".into(), fields: BTreeMap::new() }
    }
}

/// See the words at the top of this file.
pub struct Jsonl {
    lifts: std::sync::Arc<Lifts>,
    writes: Vec<Field>,
}

/// What is taken out of a record.
struct Lifts(Vec<Lift>);

struct Lift {
    path: Vec<String>,
    to: Target,
}

#[derive(Clone, Copy)]
enum Target {
    Id,
    Text,
    Field(Field),
}

impl Step for Jsonl {
    const NAME: &'static str = "jsonl";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("jsonl.rs");
    type Config = Config;
    type Kind = Kind;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        let path = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        let mut lifts =
            vec![Lift { path: path(&config.id), to: Target::Id }, Lift { path: path(&config.text), to: Target::Text }];
        let mut writes = Vec::new();
        for (name, form) in &config.fields {
            let (kind, at) = form.split_once(" at ").unwrap_or((form, name));
            let kind = match kind.trim() {
                "text" => Type::Text,
                "integer" => Type::Integer,
                "number" => Type::Number,
                "boolean" => Type::Boolean,
                other => {
                    let what = format!("`{name}` has the type `{other}`, which is not known");
                    return Err(Wrong::setting("fields", what)
                        .help("types are text, integer, number and boolean, as in `\"number at quality.score\"`"));
                }
            };
            if ["id", "text"].contains(&name.as_str()) {
                return Err(Wrong::setting("fields", format!("`{name}` is not a field"))
                    .help(format!("set `{name} = \"…\"` beside `fields`")));
            }
            let field = Field { name: Name::new(name), kind };
            writes.push(field);
            lifts.push(Lift { path: path(at.trim()), to: Target::Field(field) });
        }
        for (index, lift) in lifts.iter().enumerate() {
            if lift.path.iter().any(String::is_empty) {
                return Err(Wrong::setting("fields", format!("`{}` is not the path of a member", lift.path.join("."))));
            }
            if let Some(twin) = lifts[..index]
                .iter()
                .find(|other| other.path.starts_with(&lift.path) || lift.path.starts_with(&other.path))
            {
                return Err(Wrong::setting(
                    "fields",
                    format!("`{}` and `{}` take the same member", twin.path.join("."), lift.path.join(".")),
                ));
            }
        }
        Ok(Jsonl { lifts: std::sync::Arc::new(Lifts(lifts)), writes })
    }

    fn writes(&self) -> Vec<Field> {
        self.writes.clone()
    }
}

impl Source for Jsonl {
    fn endings(&self) -> &'static [&'static str] {
        &[".jsonl", ".jsonl.gz", ".jsonl.zst", ".ndjson", ".ndjson.gz", ".ndjson.zst", ".json.gz", ".json.zst", ".json"]
    }

    fn splits(&self, input: &Input, target: u64) -> io::Result<Vec<Range<u64>>> {
        splits(input, target)
    }

    fn open(&self, input: &Input, range: Range<u64>, limits: Limits) -> io::Result<Box<dyn Reader>> {
        Ok(Box::new(JsonReader { lines: LineReader::open(input, range, limits)?, lifts: self.lifts.clone() }))
    }
}

struct JsonReader {
    lines: LineReader,
    lifts: std::sync::Arc<Lifts>,
}

impl Reader for JsonReader {
    fn next(&mut self) -> io::Result<Option<Box<dyn Batch>>> {
        let lines = self.lines.next_lines()?;
        Ok(lines.map(|lines| Box::new(JsonBatch { lines, lifts: self.lifts.clone() }) as Box<dyn Batch>))
    }
}

struct JsonBatch {
    lines: Lines,
    lifts: std::sync::Arc<Lifts>,
}

impl Batch for JsonBatch {
    fn len(&self) -> usize {
        self.lines.len()
    }

    fn bytes(&self) -> usize {
        self.lines.bytes()
    }

    fn document(&self, index: usize) -> Result<Document, NoDocument> {
        let line = self.lines.line(index)?;
        let document = self.lifts.document(line);
        document.map_err(|(reason, detail)| {
            Bad { reason, detail, offset: None, raw: line[..line.len().min(KEPT_RAW)].to_vec() }.into()
        })
    }

    fn raw(&self, index: usize) -> &[u8] {
        self.lines.line(index).unwrap_or_default()
    }
}

/// Objects within objects that are followed; deeper ones are carried unread.
const MAX_DEPTH: usize = 32;

type Fault = (&'static str, String);

impl Lifts {
    fn document(&self, line: &[u8]) -> Result<Document, Fault> {
        let line = crate::json::utf8(line).map_err(|error| ("invalid_utf8", error.to_string()))?;
        if !line.trim_start().starts_with('{') {
            return Err(("not_an_object", "the line is not a JSON object".to_owned()));
        }
        if too_deep(line.as_bytes()) {
            return Err(("too_deep", format!("objects and arrays nested more than {MAX_NESTING} deep")));
        }
        let mut found = Found { document: Document::default(), text: false };
        let mut carried = String::new();
        self.members(line, &mut Vec::new(), &mut found, &mut carried)?;
        if !found.text {
            let lift = self.0.iter().find(|lift| matches!(lift.to, Target::Text)).expect("every source takes a text");
            let members = sonic_rs::to_object_iter(line).flatten().take(12).map(|(name, _)| name.to_string());
            let members = members.collect::<Vec<_>>().join(", ");
            return Err((MISSING_TEXT, format!("there is no member `{}` among {members}", lift.path.join("."))));
        }
        found.document.carried = carried;
        Ok(found.document)
    }

    /// Walks one object: takes what is asked for, carries the rest.
    fn members<'a>(
        &'a self,
        object: &str,
        path: &mut Vec<String>,
        found: &mut Found,
        carried: &mut String,
    ) -> Result<(), Fault> {
        let mut end = object.find('{').map_or(0, |at| at + 1);
        for member in sonic_rs::to_object_iter(object) {
            let (name, value) = member.map_err(|error| ("invalid_json", first_line(&error.to_string())))?;
            let raw = value.as_raw_str();
            // A lazy value is a piece of the object it was read from.
            end = raw.as_ptr().addr() + raw.len() - object.as_ptr().addr();
            let here = |lift: &&'a Lift| {
                lift.path.len() > path.len() && lift.path[..path.len()] == path[..] && lift.path[path.len()] == name
            };
            let mut rest = None;
            match self.0.iter().find(here) {
                Some(lift) if lift.path.len() == path.len() + 1 => {
                    found.take(lift, &value)?;
                    continue;
                }
                Some(_) if value.is_object() && path.len() < MAX_DEPTH => {
                    let mut inner = String::new();
                    path.push(name.to_string());
                    self.members(value.as_raw_str(), path, found, &mut inner)?;
                    path.pop();
                    rest = Some(inner);
                }
                _ => {}
            }
            if !carried.is_empty() {
                carried.push(',');
            }
            let mut literal = Vec::with_capacity(name.len() + 2);
            json::write_string(&name, &mut literal);
            carried.push_str(std::str::from_utf8(&literal).expect("a JSON string is UTF-8"));
            carried.push(':');
            match rest {
                Some(inner) => carried.extend(["{", &inner, "}"]),
                None => carried.push_str(value.as_raw_str()),
            }
        }
        // The walk ends with the object and does not look at what follows it.
        match object.get(end..).map(str::trim) {
            Some("}") => Ok(()),
            _ => Err(("invalid_json", "there is more after the object".to_owned())),
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// What has been found of a document so far.
struct Found {
    document: Document,
    text: bool,
}

impl Found {
    fn take(&mut self, lift: &Lift, value: &LazyValue<'_>) -> Result<(), Fault> {
        let is_not = |reason, wanted: &str| {
            Err((reason, format!("`{}` is {}, not {wanted}", lift.path.join("."), json::kind(value))))
        };
        match lift.to {
            Target::Text => {
                let text = json::text(value);
                let text = text.map_err(|what| ("text_is_not_text", format!("`{}` {what}", lift.path.join("."))))?;
                self.document.set_text(text);
                self.text = true;
            }
            Target::Id => match value.as_str() {
                Some(id) => self.document.id = id.to_owned(),
                None if value.is_number() => self.document.id = value.as_raw_str().to_owned(),
                None if value.is_null() => {}
                None => return is_not("id_is_not_text", "text or a number"),
            },
            Target::Field(Field { name, kind }) => {
                let taken = match kind {
                    Type::Text => value.as_str().map(Value::from),
                    Type::Integer => value.as_i64().map(Value::from),
                    Type::Number => value.as_f64().map(Value::from),
                    Type::Boolean => value.as_bool().map(Value::from),
                };
                match taken {
                    Some(value) => self.document.set_field(name, value),
                    None if value.is_null() => {}
                    None => return is_not("field_of_another_type", &format!("of type {kind}")),
                }
            }
        }
        Ok(())
    }
}

/// Deeper records are set aside: no corpus has them, and readers of our output recurse.
const MAX_NESTING: usize = 256;

/// Whether brackets nest too deeply. Brackets within strings count too, so the answer is exact only
/// after a look that knows strings; most lines never come near.
fn too_deep(line: &[u8]) -> bool {
    // One bit tells the two brackets apart. Without branches, compilers count many bytes at a time.
    let opens = |byte: &u8| u8::from(byte | 0x20 == b'{');
    let brackets = line.chunks(128).map(|bytes| usize::from(bytes.iter().map(opens).sum::<u8>())).sum::<usize>();
    if brackets <= MAX_NESTING {
        return false;
    }
    let (mut depth, mut within, mut escaped) = (0_usize, false, false);
    for &byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if within => escaped = true,
            b'"' => within = !within,
            b'{' | b'[' if !within => {
                depth += 1;
                if depth > MAX_NESTING {
                    return true;
                }
            }
            b'}' | b']' if !within => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lifts(fields: &[(&str, &str)]) -> std::sync::Arc<Lifts> {
        let fields = fields.iter().map(|(name, form)| (name.to_string(), form.to_string())).collect();
        Jsonl::new(Config { fields, ..Config::default() }, &mut Setup::default())
            .unwrap_or_else(|wrong| panic!("{wrong:?}"))
            .lifts
    }

    fn reason(line: &str) -> &'static str {
        lifts(&[("n", "integer")]).document(line.as_bytes()).unwrap_err().0
    }

    #[test]
    fn text_id_and_fields_are_taken_and_the_rest_is_carried_verbatim() {
        let line =
            r#"{"id": 7, "text": "a\n\u4f60", "lang":"zh", "meta": {"q": {"s": 0.50, "t": [1,  2]}}, "x":{"y":1e400}}"#;
        let document = lifts(&[("lang", "text"), ("score", "number at meta.q.s")]).document(line.as_bytes()).unwrap();
        assert_eq!((document.id.as_str(), document.text()), ("7", "a\n你"));
        assert_eq!(document.field(Name::new("score")), Some(&Value::Number(0.5)));
        assert_eq!(document.carried, r#""meta":{"q":{"t":[1,  2]}},"x":{"y":1e400}"#);
    }

    #[test]
    fn what_is_no_document_is_told_apart() {
        assert_eq!(reason(r#"{"text": 3}"#), "text_is_not_text");
        let (reason_of_half, detail) = lifts(&[]).document(br#"{"text": "a \ud83d b"}"#).unwrap_err();
        assert_eq!(reason_of_half, "text_is_not_text");
        assert!(detail.contains("half a surrogate pair"), "{detail}");
        assert_eq!(reason(r#"{"id": "x"}"#), "missing_text");
        assert_eq!(reason(r#"{"text": "a""#), "invalid_json");
        assert_eq!(reason(r#"{"text": "a"} x"#), "invalid_json");
        assert_eq!(reason("[1]"), "not_an_object");
        assert_eq!(reason(r#"{"text": "a", "n": "1"}"#), "field_of_another_type");
        assert_eq!(reason(r#"{"text": "a", "id": []}"#), "id_is_not_text");
        assert_eq!(
            reason(&format!(r#"{{"text": "a", "x": {}{}}}"#, "[".repeat(100_000), "]".repeat(100_000))),
            "too_deep"
        );
        assert_eq!(lifts(&[]).document(b"{\"text\": \"\xff\"}").unwrap_err().0, "invalid_utf8");
    }

    #[test]
    fn brackets_within_strings_are_not_depth() {
        let line = format!(r#"{{"text": "{}\" {{"}}"#, "[".repeat(1000));
        assert!(lifts(&[]).document(line.as_bytes()).is_ok());
    }

    #[test]
    fn two_settings_cannot_take_one_member() {
        let config = Config { text: "a".into(), id: "a.b".into(), ..Config::default() };
        assert!(Jsonl::new(config, &mut Setup::default()).is_err());
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = lifts(&[("a", "text at b.c")]).document(&line);
        }

        #[test]
        fn what_is_carried_parses_to_what_was_there(
            numbers in prop::collection::btree_map("[a-e]{1,2}", any::<i32>(), 0..6), text in "\\PC*",
        ) {
            let mut object: serde_json::Map<String, serde_json::Value> = numbers.into_iter().map(|(name, value)| (name, value.into())).collect();
            object.insert("text".into(), text.clone().into());
            let document = lifts(&[]).document(&serde_json::to_vec(&object).unwrap()).unwrap();
            prop_assert_eq!(document.text(), text);
            object.remove("text");
            let carried: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&format!("{{{}}}", document.carried)).unwrap();
            prop_assert_eq!(carried, object);
        }
    }
}
