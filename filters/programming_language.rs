//! Tells which programming language a document is in, by its file name or the interpreter it names.
//!
//! Languages are called as GitHub's Linguist and The Stack call them (`C++`, `Python`). The name of the
//! file decides, then its ending, then a first line such as `#!/usr/bin/env python3`. A document that
//! none of them tells about gets no language, and is kept. Text is not looked at: an ending that several
//! languages share means the most common of them (`.h` is C).
//!
//! | setting   | default     | source                                                      |
//! |-----------|-------------|-------------------------------------------------------------|
//! | `path`    | `path`      | ours: the field that holds the file's path                  |
//! | `writes`  | `code_lang` | ours: the field that the language is written to             |
//! | `keep`    | []          | ours: languages to keep, all others are dropped; none: all  |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{
    Document, Field, Mapper, Name, Reason, Setup, Step, Type, Value, Verdict, Wrong, code_language, kind,
};

/// Settings of [`ProgrammingLanguage`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The field that holds the file's path.
    pub path: String,
    /// The field that the language is written to.
    pub writes: String,
    /// Languages to keep, in any case. Where there are none, every document is kept.
    #[schemars(inner(length(min = 1)))]
    pub keep: Vec<String>,
}

impl Default for Config {
    fn default() -> Config {
        Config { path: "path".to_owned(), writes: "code_lang".to_owned(), keep: Vec::new() }
    }
}

/// See the words at the top of this file.
pub struct ProgrammingLanguage {
    path: Name,
    writes: Name,
    keep: Vec<String>,
}

impl Step for ProgrammingLanguage {
    const NAME: &'static str = "programming_language";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("programming_language.rs");
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        let Config { path, writes, keep } = config;
        Ok(ProgrammingLanguage { path: Name::new(&path), writes: Name::new(&writes), keep })
    }

    fn writes(&self) -> Vec<Field> {
        vec![Field { name: self.writes, kind: Type::Text }]
    }
}

impl Mapper for ProgrammingLanguage {
    type Measure = ();
    const REASONS: &'static [Reason] =
        &[Reason::of("unknown_programming_language", "keep"), Reason::of("other_programming_language", "keep")];

    fn map(&self, document: &mut Document, (): &mut ()) -> Verdict {
        let path = document.field(self.path).and_then(Value::as_text).unwrap_or_default();
        let language = code_language(path, document.text());
        match language {
            Some(language) => document.set_field(self.writes, language),
            None => document.remove_field(self.writes),
        }
        let kept = |language: &str| self.keep.iter().any(|keep| keep.eq_ignore_ascii_case(language));
        match language {
            _ if self.keep.is_empty() => Verdict::Keep,
            None => Verdict::Drop("unknown_programming_language"),
            Some(language) if !kept(language) => Verdict::Drop("other_programming_language"),
            Some(_) => Verdict::Keep,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(keep: &[&str], path: Option<&str>, text: &str) -> (Verdict, Option<String>) {
        let config = Config { keep: keep.iter().map(|keep| (*keep).to_owned()).collect(), ..Config::default() };
        let mapper = ProgrammingLanguage::new(config, &mut Setup::default()).unwrap();
        let mut document = Document::new("", text);
        if let Some(path) = path {
            document.set_field(Name::new("path"), path);
        }
        let verdict = mapper.map(&mut document, &mut ());
        (verdict, document.field(Name::new("code_lang")).and_then(Value::as_text).map(str::to_owned))
    }

    #[test]
    fn the_language_is_written_and_nothing_is_dropped_unless_asked_for() {
        assert_eq!(told(&[], Some("a/b.py"), "print('你好')"), (Verdict::Keep, Some("Python".to_owned())));
        assert_eq!(told(&[], None, "#!/bin/bash"), (Verdict::Keep, Some("Shell".to_owned())));
        assert_eq!(told(&[], None, ""), (Verdict::Keep, None));
    }

    #[test]
    fn other_and_unknown_languages_are_dropped_where_some_are_to_be_kept() {
        assert_eq!(told(&["python"], Some("b.py"), "").0, Verdict::Keep);
        assert_eq!(told(&["python"], Some("b.rb"), "").0, Verdict::Drop("other_programming_language"));
        assert_eq!(told(&["python"], None, "文字").0, Verdict::Drop("unknown_programming_language"));
    }
}
