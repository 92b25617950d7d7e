//! Complaints: what is wrong with a pipeline file, where, and how to repair it.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// One mistake of a pipeline file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// What is wrong.
    pub what: String,
    /// Where in the file, in bytes; `None` for the file as a whole or the command line.
    pub span: Option<Range<usize>>,
    /// What stands there, said beside the caret.
    pub label: String,
    /// How to repair it.
    pub help: Option<String>,
}

impl Complaint {
    /// A mistake and its place.
    pub fn new(what: impl Into<String>, span: Option<Range<usize>>) -> Complaint {
        Complaint { what: what.into(), span, label: String::new(), help: None }
    }

    /// Says what stands there.
    pub fn label(mut self, label: impl Into<String>) -> Complaint {
        self.label = label.into();
        self
    }

    /// Says how to repair it.
    pub fn help(mut self, help: impl Into<String>) -> Complaint {
        self.help = Some(help.into());
        self
    }
}

/// All mistakes of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaints {
    /// The file's path, as the user gave it.
    pub file: String,
    /// The file's text.
    pub source: String,
    /// All mistakes, in the order they were found.
    pub list: Vec<Complaint>,
}

impl Complaints {
    /// As text for a person, in the order of the file.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut list: Vec<&Complaint> = self.list.iter().collect();
        list.sort_by_key(|complaint| complaint.span.as_ref().map_or((usize::MAX, 0), |span| (span.start, span.end)));
        let mut text = String::new();
        for complaint in list {
            let title = Level::ERROR.primary_title(complaint.what.as_str());
            let mut group = match &complaint.span {
                Some(span) => {
                    let span = clamp(&self.source, span.clone());
                    let annotation = AnnotationKind::Primary.span(span).label(complaint.label.as_str());
                    title.element(Snippet::source(self.source.as_str()).path(self.file.as_str()).annotation(annotation))
                }
                None => annotate_snippets::Group::with_title(title),
            };
            if let Some(help) = &complaint.help {
                group = group.element(Level::HELP.message(help.as_str()));
            }
            text.push_str(&renderer.render(&[group]));
            text.push_str("\n\n");
        }
        let count = self.list.len();
        text.push_str(&format!(
            "{}: {count} mistake{}; nothing was read\n",
            self.file,
            if count == 1 { "" } else { "s" }
        ));
        text
    }

    /// As JSON for a program: what, line and column from one, help.
    pub fn to_json(&self) -> serde_json::Value {
        let place = |span: &Range<usize>| {
            let before = &self.source[..clamp(&self.source, span.clone()).start];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            serde_json::json!({ "line": line, "column": column })
        };
        let list = self.list.iter().map(|complaint| {
            serde_json::json!({
                "what": complaint.what,
                "at": complaint.span.as_ref().map(place),
                "label": complaint.label,
                "help": complaint.help,
            })
        });
        serde_json::json!({ "file": self.file, "mistakes": list.collect::<Vec<_>>() })
    }
}

/// A span of whole characters within the source.
fn clamp(source: &str, span: Range<usize>) -> Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(source.len());
        while !source.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start);
    start..floor(span.end).max(start)
}
