//! Cleans LaTeX of comments, preamble, macros and bibliography; if asked, of labels and figures.
//!
//! What stands before the first heading is the preamble; citations go with labels.
//!
//! The rules are RedPajama's for arXiv, as its words describe them. Its code differs where noted: the greedy
//! pattern for the first heading finds the last one there, and a comment takes the character before it
//! along; neither is followed. Macros without arguments are written out wherever they stand behind their
//! definition, formulas included, with the value they have there; a `\renewcommand` of a command that the text
//! has not defined is about LaTeX's own, goes, and is not written out. Other than that, formulas and literal
//! text (`\verb|…|`, `verbatim` and its like) stay as they are, and nothing in literal text is a heading, a
//! definition or an end. A text without a heading is dropped.
//!
//! | setting        | default   | source                                                                      |
//! |----------------|-----------|-----------------------------------------------------------------------------|
//! | `start`        | `section` | RedPajama-Data (97880a5), `arxiv_cleaner.py`; `document` cuts at `\begin{document}`, `keep` nowhere |
//! | `comments`     | true      | same                                                                        |
//! | `macros`       | true      | same: `\newcommand` and `\def` without arguments, those within macros too; `\renewcommand` is ours |
//! | `bibliography` | true      | same: all from `\appendix`, `\bibliography{` or an environment of references on |
//! | `labels`       | false     | ours: `\label{…}` outside formulas goes                                      |
//! | `citations`    | false     | ours: `\cite…{…}` goes, and the `~` before it                                |
//! | `figures`      | false     | ours: figures go, captions too                                              |

mod literal;
mod macros;

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::AhoCorasick;
use literal::{end_of_literal, is_within, literals, without_comments};
use macros::{define, expand, is_definition, read_definition};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Document, Mapper, Profile, Reason, Setup, Step, Verdict, Wrong, kind};

/// Settings of [`Latex`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the text begins.
    pub start: Start,
    /// Whether comments go.
    pub comments: bool,
    /// Whether macros without arguments are written out, and their definitions go.
    pub macros: bool,
    /// Whether the appendix or the bibliography and all behind it go.
    pub bibliography: bool,
    /// Whether labels outside formulas go.
    pub labels: bool,
    /// Whether citations go.
    pub citations: bool,
    /// Whether figures go.
    pub figures: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            start: Start::Section,
            comments: true,
            macros: true,
            bibliography: true,
            labels: false,
            citations: false,
            figures: false,
        }
    }
}

/// Where a text begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// At its first heading, from `\part` to `\subparagraph`.
    Section,
    /// Behind `\begin{document}`, if it has that.
    Document,
    /// Where it does.
    Keep,
}

crate::measures! {
    /// What [`Latex`] measures.
    pub struct Measure {
        /// Comments that went.
        comments,
        /// Places at which a macro was written out.
        expansions,
        /// Labels, citations and figures that went.
        dropped_commands,
    }
}

/// See the words at the top of this file.
pub struct Latex {
    config: Config,
    headings: AhoCorasick,
    ends: AhoCorasick,
}

const HEADINGS: [&str; 7] =
    [r"\chapter", r"\part", r"\section", r"\subsection", r"\subsubsection", r"\paragraph", r"\subparagraph"];
const ENDS: [&str; 6] = [
    r"\appendix",
    r"\begin{references}",
    r"\begin{REFERENCES}",
    r"\begin{thebibliography}",
    r"\bibliography{",
    r"\end{document}",
];
const VERBATIM: [&str; 4] = ["verbatim", "verbatim*", "lstlisting", "minted"];
const FORMULAS: [&str; 8] = ["equation", "align", "gather", "multline", "eqnarray", "displaymath", "math", "alignat"];

/// Deepest macro within macros, and how much longer than the text they may make it.
const MAX_DEPTH: usize = 8;
const MAX_GROWTH: usize = 4;

impl Step for Latex {
    const NAME: &'static str = "latex";
    const VERSION: u32 = 2;
    const WORDS: &'static str = include_str!("mod.rs");
    const PROFILES: &'static [Profile] = &[Profile {
        name: "redpajama",
        settings: "",
        about: "What RedPajama-Data (97880a5) says it does with arXiv; its code cuts at the last heading instead of the first.",
    }];
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        let matcher = |patterns: &[&str]| AhoCorasick::new(patterns).expect("a few short patterns");
        Ok(Latex { config, headings: matcher(&HEADINGS), ends: matcher(&ENDS) })
    }
}

impl Mapper for Latex {
    type Measure = Measure;
    const REASONS: &'static [Reason] = &[Reason::of("no_heading", "start")];

    fn map(&self, document: &mut Document, measure: &mut Measure) -> Verdict {
        let text = document.text();
        let (mut comments, mut expansions, mut dropped) = (0, 0, 0);
        let uncommented = if self.config.comments { without_comments(text, &mut comments) } else { text.to_owned() };
        let literals = literals(&uncommented);
        let start = match self.config.start {
            Start::Keep => 0,
            Start::Document => {
                let mut found = memchr::memmem::find_iter(uncommented.as_bytes(), r"\begin{document}");
                let found = found.find(|&at| !is_within(&literals, at));
                found.map_or(0, |at| at + r"\begin{document}".len())
            }
            Start::Section => match self.heading(&uncommented, &literals) {
                Some(at) => at,
                None => return Verdict::Drop("no_heading"),
            },
        };
        let mut macros = HashMap::new();
        if self.config.macros {
            define(&uncommented[..start], &literals, &mut macros);
        }
        let mut body = &uncommented[start..];
        if self.config.bibliography {
            let end = self.ends.find_iter(body).find(|end| {
                // `\appendixname` is none.
                let command = !body[end.start()..].starts_with(r"\appendix") || !continues(&body[end.end()..]);
                command && !is_within(&literals, start + end.start())
            });
            body = &body[..end.map_or(body.len(), |end| end.start())];
        }
        let cleaned = self.rewrite(body, macros, &mut expansions, &mut dropped);
        *measure = Measure {
            comments: Some(comments as f64),
            expansions: Some(expansions as f64),
            dropped_commands: Some(dropped as f64),
        };
        if cleaned != text {
            document.set_text(cleaned);
        }
        Verdict::Keep
    }
}

impl Latex {
    fn heading(&self, text: &str, literals: &[Range<usize>]) -> Option<usize> {
        let found = self.headings.find_iter(text).find(|found| {
            let rest = &text[found.end()..];
            rest.trim_start_matches('*').starts_with(['{', '[']) && !is_within(literals, found.start())
        });
        found.map(|found| found.start())
    }

    /// Writes macros out and drops commands, in one walk over the text.
    fn rewrite<'t>(
        &self,
        text: &'t str,
        mut macros: HashMap<&'t str, &'t str>,
        expansions: &mut usize,
        dropped: &mut usize,
    ) -> String {
        let mut out = String::with_capacity(text.len());
        let limit = text.len() * MAX_GROWTH;
        let mut formula = None::<&str>;
        // An environment that never ends is looked for once.
        let mut figures_end = true;
        let (mut from, mut at) = (0, 0);
        while let Some(offset) = memchr::memchr2(b'\\', b'$', &text.as_bytes()[at..]) {
            at += offset;
            let rest = &text[at..];
            if let Some(after) = rest.strip_prefix('$') {
                let mark = if after.starts_with('$') { "$$" } else { "$" };
                match formula {
                    None => formula = Some(mark),
                    Some(open) if open == mark || open == "$" => formula = None,
                    _ => {}
                }
                at += if formula == Some("$") { 1 } else { mark.len() };
                continue;
            }
            let name = command(rest);
            let behind = at + 1 + name.len();
            let mut drop_to = None;
            match name {
                "" => {
                    // `\[`, `\(`, `\$`, `\\`
                    let mark = rest.chars().nth(1);
                    match (mark, formula) {
                        (Some('['), None) => formula = Some(r"\]"),
                        (Some('('), None) => formula = Some(r"\)"),
                        (Some(']'), Some(r"\]")) | (Some(')'), Some(r"\)")) => formula = None,
                        _ => {}
                    }
                    at += 1 + mark.map_or(0, char::len_utf8);
                    continue;
                }
                "begin" => {
                    let environment = group(&text[behind..]).map_or("", |(name, _)| name);
                    if VERBATIM.contains(&environment) {
                        at = end_of(text, behind, environment).unwrap_or(text.len());
                        continue;
                    }
                    let plain = environment.trim_end_matches('*');
                    if formula.is_none() && FORMULAS.contains(&plain) {
                        formula = Some(environment);
                    } else if self.config.figures && figures_end && formula.is_none() && plain == "figure" {
                        drop_to = end_of(text, behind, environment);
                        figures_end = drop_to.is_some();
                    }
                }
                "verb" | "lstinline" => {
                    at = end_of_literal(text, behind).unwrap_or(behind);
                    continue;
                }
                "end" => {
                    if formula.is_some() && group(&text[behind..]).is_some_and(|(name, _)| formula == Some(name)) {
                        formula = None;
                    }
                }
                "label" if self.config.labels && formula.is_none() => {
                    drop_to = group(&text[behind..]).map(|(_, length)| behind + length);
                }
                _ if self.config.citations && formula.is_none() && is_citation(name) => {
                    drop_to = behind_citation(text, behind);
                }
                _ if self.config.macros && is_definition(name) => {
                    if let Some(length) = read_definition(&text[at..], &mut macros) {
                        out.push_str(&text[from..at]);
                        from = at + length;
                        at = from;
                        continue;
                    }
                }
                _ => {
                    if let Some(value) = macros.get(name).filter(|_| out.len() < limit) {
                        out.push_str(&text[from..at]);
                        *expansions += 1;
                        expand(name, value, &macros, 0, limit, &mut out);
                        // A letter behind the macro's value would become part of a command at its end.
                        if ends_with_command(value) && text[behind..].starts_with(|c: char| c.is_ascii_alphabetic()) {
                            out.push(' ');
                        }
                        from = behind;
                        at = behind;
                        continue;
                    }
                }
            }
            match drop_to {
                Some(end) => {
                    *dropped += 1;
                    let before = &text[from..at];
                    let before = if is_citation(name) { before.trim_end_matches(['~', ' ']) } else { before };
                    out.push_str(before);
                    from = end;
                    at = end;
                }
                None => at = behind,
            }
        }
        out.push_str(&text[from..]);
        out
    }
}

/// Letters of the command that a text begins with, behind its backslash.
fn command(text: &str) -> &str {
    let name = &text[1..];
    &name[..name.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(name.len())]
}

fn continues(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn ends_with_command(value: &str) -> bool {
    let name = value.len() - value.bytes().rev().take_while(u8::is_ascii_alphabetic).count();
    name < value.len() && value[..name].ends_with('\\')
}

/// What a text holds in braces at its start, and how many bytes that takes, braces included.
fn group(text: &str) -> Option<(&str, usize)> {
    delimited(text, b'{', b'}')
}

/// Longest group that is looked for: one that never closes costs no more.
const MAX_GROUP: usize = 4096;

fn delimited(text: &str, open: u8, close: u8) -> Option<(&str, usize)> {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&open) {
        return None;
    }
    let (mut depth, mut escaped) = (0_usize, false);
    for (at, byte) in bytes.iter().enumerate().take(MAX_GROUP) {
        if escaped {
            escaped = false;
        } else if *byte == b'\\' {
            escaped = true;
        } else if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
            if depth == 0 {
                return Some((&text[1..at], at + 1));
            }
        }
    }
    None
}

/// Where an environment ends, behind its `\end`.
fn end_of(text: &str, from: usize, environment: &str) -> Option<usize> {
    let end = format!("\\end{{{environment}}}");
    memchr::memmem::find(&text.as_bytes()[from..], end.as_bytes()).map(|at| from + at + end.len())
}

fn is_citation(name: &str) -> bool {
    matches!(
        name,
        "cite" | "citep" | "citet" | "citealp" | "citealt" | "citeauthor" | "citeyear" | "nocite" | "parencite"
    ) || matches!(name, "textcite" | "autocite" | "footcite" | "onlinecite")
}

/// Behind the star, the options and the keys of a citation.
fn behind_citation(text: &str, mut at: usize) -> Option<usize> {
    at += usize::from(text[at..].starts_with('*'));
    for _ in 0..2 {
        at += delimited(&text[at..], b'[', b']').map_or(0, |(_, length)| length);
    }
    group(&text[at..]).map(|(_, length)| at + length)
}

#[cfg(test)]
mod tests;
