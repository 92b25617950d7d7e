//! A `[[test]]`.

use std::collections::BTreeMap;

use wanjuan_filters::kit::{Name, Type};

use super::super::complaint::Complaint;
use super::super::nearest;
use super::super::pipeline::{Case, Expect, type_of};
use super::super::written::Written;
use super::Checker;
use super::entry::kind_fits;

impl Checker<'_> {
    /// `fields` are all that a source or a step of the pipeline writes.
    pub(super) fn case(&mut self, test: &Written, fields: &BTreeMap<&str, Type>, source: &str) -> Option<Case> {
        const KEYS: [&str; 4] = ["name", "source", "input", "expect"];
        let before = self.complaints.len();
        for (key, setting) in &test.settings {
            if !KEYS.contains(&key.as_str()) {
                self.complain(
                    Complaint::new(format!("unknown setting `{key}` of [[test]]"), setting.key.clone())
                        .help("a test has name, source, input and expect"),
                );
            }
        }
        let table = |key: &str| test.settings.get(key).and_then(|setting| setting.value.as_table());
        let (Some(input), Some(expect)) = (table("input"), table("expect")) else {
            self.complain(
                Complaint::new("a test has `input` and `expect`", test.header.clone())
                    .help("write input = { text = \"…\" } and expect = { drop = \"too_few_words\" }"),
            );
            return None;
        };
        let mut case = Case {
            line: test.header.as_ref().map_or(0, |span| source[..span.start].matches('\n').count() + 1),
            name: test.text("name").map(str::to_owned),
            source: self.source_of(test),
            text: String::new(),
            id: "test".to_owned(),
            fields: Vec::new(),
            expect: Expect::default(),
        };
        for (key, value) in input {
            match (key.as_str(), value.as_str()) {
                ("text", Some(text)) => case.text = text.to_owned(),
                ("id", Some(id)) => case.id = id.to_owned(),
                ("text" | "id", None) => self.complain(Complaint::new(format!("`{key}` is text"), test.value("input"))),
                _ if self.is_field(test, "input", key, value, fields) => {
                    case.fields.push((Name::new(key), value.clone()));
                }
                _ => {}
            }
        }
        for (key, value) in expect {
            match (key.as_str(), value) {
                ("drop", toml::Value::String(reason)) => case.expect.drop = Some(reason.clone()),
                ("keep", toml::Value::Boolean(true)) => {}
                ("by", toml::Value::String(step)) => {
                    if !self.names.contains_key(step) {
                        let near = nearest(step, self.names.keys().map(String::as_str))
                            .map(|near| format!("did you mean `{near}`?"));
                        let mut complaint = Complaint::new(format!("nothing is called `{step}`"), test.value("expect"));
                        complaint.help = near;
                        self.complain(complaint);
                    }
                    case.expect.by = Some(step.clone());
                }
                ("text", toml::Value::String(text)) => case.expect.text = Some(text.clone()),
                ("drop" | "keep" | "by" | "text", _) => {
                    self.complain(
                        Complaint::new(format!("`{key}` cannot be {value}"), test.value("expect"))
                            .help("write { drop = \"reason\", by = \"step\" }, { keep = true } or { text = \"…\" }"),
                    );
                }
                _ if self.is_field(test, "expect", key, value, fields) => {
                    case.expect.fields.push((Name::new(key), value.clone()));
                }
                _ => {}
            }
        }
        if case.expect.drop.is_some() && expect.contains_key("keep") {
            self.complain(Complaint::new("a document is dropped or kept, not both", test.value("expect")));
        }
        (self.complaints.len() == before).then_some(case)
    }

    /// Whether a member of `input` or `expect` is a field that documents of this pipeline have.
    fn is_field(
        &mut self,
        test: &Written,
        table: &str,
        key: &str,
        value: &toml::Value,
        fields: &BTreeMap<&str, Type>,
    ) -> bool {
        let span = test.value(table);
        let Some(is) = type_of(value) else {
            self.complain(Complaint::new(format!("the field `{key}` is text, a number or a boolean"), span));
            return false;
        };
        match fields.get(key) {
            Some(wanted) if *wanted == is || kind_fits(is, *wanted) => true,
            Some(wanted) => {
                self.complain(Complaint::new(format!("the field `{key}` is {wanted}; this is {is}"), span));
                false
            }
            // Something else is written wrongly, and may be what writes it.
            None if self.behind.iter().any(|scope| scope.open) => true,
            None => {
                let help = match nearest(key, fields.keys().copied().chain(["text", "id"])) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("a source declares its fields: fields = {{ {key} = \"{is}\" }}"),
                };
                self.complain(Complaint::new(format!("no source or step writes a field `{key}`"), span).help(help));
                false
            }
        }
    }

    fn source_of(&mut self, test: &Written) -> Option<String> {
        let name = test.text("source")?;
        if self.sources.iter().all(|source| source != name) {
            let help = format!("sources are {}", self.sources.join(", "));
            self.complain(Complaint::new(format!("no source is called `{name}`"), test.value("source")).help(help));
        }
        Some(name.to_owned())
    }
}
