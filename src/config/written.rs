//! The pipeline file as written: tables of settings, every key and value with its place.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::complaint::Complaint;
use super::nearest;

/// A value and where it stands; none for what the command line set.
#[derive(Debug, Clone)]
pub struct Setting {
    pub key: Option<Range<usize>>,
    pub span: Option<Range<usize>>,
    pub value: toml::Value,
}

/// One table of the file.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// `[[step]]`, in the file.
    pub header: Option<Range<usize>>,
    pub settings: BTreeMap<String, Setting>,
}

impl Written {
    pub fn text(&self, key: &str) -> Option<&str> {
        self.settings.get(key)?.value.as_str()
    }

    /// Where a key stands, or else the table.
    pub fn key(&self, key: &str) -> Option<Range<usize>> {
        self.settings.get(key).and_then(|setting| setting.key.clone()).or_else(|| self.header.clone())
    }

    /// Where a value stands, or else the table.
    pub fn value(&self, key: &str) -> Option<Range<usize>> {
        self.settings.get(key).and_then(|setting| setting.span.clone()).or_else(|| self.header.clone())
    }
}

/// All tables of a file.
#[derive(Debug, Clone, Default)]
pub struct WrittenFile {
    pub pipeline: Written,
    pub sources: Vec<Written>,
    pub steps: Vec<Written>,
    pub sinks: Vec<Written>,
    pub tests: Vec<Written>,
}

const TABLES: [&str; 5] = ["pipeline", "source", "step", "sink", "test"];

/// Reads the file's tables, collecting what is no TOML and what has no place.
pub fn read(source: &str, complaints: &mut Vec<Complaint>) -> WrittenFile {
    let (root, errors) = DeTable::parse_recoverable(source);
    for error in errors {
        complaints.push(Complaint::new(format!("this is not TOML: {}", error.message()), error.span()));
    }
    let mut file = WrittenFile::default();
    for (key, value) in root.get_ref() {
        let name = key.get_ref().as_ref();
        let wanted =
            |what: &str, help: String| Complaint::new(format!("`{name}` is {what}"), Some(key.span())).help(help);
        let list = match name {
            "pipeline" => {
                match value.get_ref() {
                    DeValue::Table(table) => file.pipeline = written(table, value.span()),
                    _ => complaints.push(wanted("a table", "write `[pipeline]` and its settings below".into())),
                }
                continue;
            }
            "source" => &mut file.sources,
            "step" => &mut file.steps,
            "sink" => &mut file.sinks,
            "test" => &mut file.tests,
            _ => {
                let help = match nearest(name, TABLES.into_iter()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "a pipeline file has [pipeline], [[source]], [[step]], [[sink]] and [[test]]".to_owned(),
                };
                complaints.push(Complaint::new(format!("there is no table `{name}`"), Some(key.span())).help(help));
                continue;
            }
        };
        match value.get_ref() {
            DeValue::Array(items) => {
                for item in items.iter() {
                    match item.get_ref() {
                        DeValue::Table(table) => list.push(written(table, item.span())),
                        _ => complaints.push(wanted("a list of tables", format!("write `[[{name}]]` above each"))),
                    }
                }
            }
            _ => complaints.push(wanted("a list of tables", format!("write `[[{name}]]`, with two brackets"))),
        }
    }
    file
}

fn written(table: &DeTable<'_>, header: Range<usize>) -> Written {
    let settings = table.iter().map(|(key, value)| {
        let setting = Setting { key: Some(key.span()), span: Some(value.span()), value: plain(value.get_ref()) };
        (key.get_ref().to_string(), setting)
    });
    Written { header: Some(header), settings: settings.collect() }
}

/// A value without its places.
fn plain(value: &DeValue<'_>) -> toml::Value {
    match value {
        DeValue::String(text) => toml::Value::String(text.to_string()),
        DeValue::Integer(integer) => {
            let digits = integer.as_str().replace('_', "");
            let digits = digits.trim_start_matches("0x").trim_start_matches("0o").trim_start_matches("0b");
            i64::from_str_radix(digits, integer.radix())
                .map_or_else(|_| toml::Value::String(integer.as_str().to_owned()), toml::Value::Integer)
        }
        DeValue::Float(float) => {
            let digits = float.as_str().replace('_', "");
            digits.parse().map_or(toml::Value::String(digits), toml::Value::Float)
        }
        DeValue::Boolean(boolean) => toml::Value::Boolean(*boolean),
        DeValue::Datetime(datetime) => toml::Value::Datetime(*datetime),
        DeValue::Array(items) => {
            toml::Value::Array(items.iter().map(|item: &Spanned<DeValue<'_>>| plain(item.get_ref())).collect())
        }
        DeValue::Table(table) => toml::Value::Table(
            table.iter().map(|(key, value)| (key.get_ref().to_string(), plain(value.get_ref()))).collect(),
        ),
    }
}

/// Applies `--set key=value`: `pipeline.seed=7`, `name.setting=value` for the entry of that name, or
/// `use:kind.setting=value` for all entries that use it.
pub fn set(file: &mut WrittenFile, assignment: &str, complaints: &mut Vec<Complaint>) {
    let complain = |what: String| Complaint::new(format!("--set {assignment}: {what}"), None);
    let Some((path, value)) = assignment.split_once('=') else {
        return complaints.push(complain("there is no `=`".into()).help("write --set name.setting=value"));
    };
    let Some((entry, key)) = path.trim().split_once('.') else {
        return complaints.push(
            complain("there is no name before the setting".into())
                .help("write --set pipeline.seed=7, or the name of a step, a dot, its setting"),
        );
    };
    // What does not read as a TOML value is taken as text, so that words need no quotes in a shell.
    let value =
        toml::from_str::<toml::Table>(&format!("value = {value}")).ok().and_then(|mut table| table.remove("value"));
    let value = value.unwrap_or_else(|| toml::Value::String(path_value(assignment)));
    let WrittenFile { pipeline, sources, steps, sinks, .. } = file;
    if let Some(used) = entry.strip_prefix("use:") {
        let all = sources.iter_mut().chain(steps).chain(sinks).filter(|table| table.text("use") == Some(used));
        let mut met = false;
        for table in all {
            table.settings.insert(key.to_owned(), Setting { key: None, span: None, value: value.clone() });
            met = true;
        }
        if !met {
            complaints.push(complain(format!("no entry uses `{used}`")));
        }
        return;
    }
    let named = |table: &&mut Written| table.text("name").or(table.text("use")) == Some(entry);
    let table =
        if entry == "pipeline" { Some(pipeline) } else { sources.iter_mut().chain(steps).chain(sinks).find(named) };
    match table {
        Some(table) => {
            table.settings.insert(key.to_owned(), Setting { key: None, span: None, value });
        }
        None => complaints.push(complain(format!("no entry is called `{entry}`"))),
    }
}

fn path_value(assignment: &str) -> String {
    assignment.split_once('=').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}
