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

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::AhoCorasick;
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
    const WORDS: &'static str = include_str!("latex.rs");
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

fn is_definition(name: &str) -> bool {
    matches!(name, "newcommand" | "renewcommand" | "providecommand" | "def")
}

/// The macro that a text begins to define, its value, and the bytes that takes; no value where it needs arguments.
fn definition(text: &str) -> Option<(&str, Option<(&str, usize)>)> {
    let mut at = 1 + command(text).len();
    at += usize::from(text[at..].starts_with('*'));
    let name = match group(&text[at..]) {
        Some((inner, length)) => {
            at += length;
            inner.trim().strip_prefix('\\')?
        }
        None => {
            let name = command(text[at..].starts_with('\\').then_some(&text[at..])?);
            at += 1 + name.len();
            name
        }
    };
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    let value = group(&text[at..]).filter(|(value, _)| !value.contains('#'));
    is_name.then_some((name, value.map(|(value, length)| (value, at + length))))
}

/// Notes the definition that a text begins with; the bytes it takes, if it is one that goes.
fn read_definition<'t>(text: &'t str, macros: &mut HashMap<&'t str, &'t str>) -> Option<usize> {
    let (name, value) = definition(text)?;
    let Some((value, length)) = value else {
        macros.remove(name); // it means something else from here on
        return None;
    };
    match command(text) {
        // LaTeX's own: how pages look.
        "renewcommand" if !macros.contains_key(name) => {}
        "providecommand" if macros.contains_key(name) => {}
        _ => drop(macros.insert(name, value)),
    }
    Some(length)
}

/// Macros without arguments that are defined outside literal text, each as it is at the end.
fn define<'t>(text: &'t str, literals: &[Range<usize>], macros: &mut HashMap<&'t str, &'t str>) {
    let mut at = 0;
    while let Some(offset) = memchr::memchr(b'\\', &text.as_bytes()[at..]) {
        at += offset;
        let name = command(&text[at..]);
        let length = match is_definition(name) && !is_within(literals, at) {
            true => read_definition(&text[at..], macros),
            false => None,
        };
        at += length.unwrap_or(1 + name.len().max(usize::from(text[at + 1..].starts_with('\\'))));
    }
}

/// Longest literal in a line that is looked for: one that never closes costs no more.
const MAX_LITERAL: usize = 1000;

/// Where the literal text ends whose command ends at `behind`: `|…|`, with any mark, on one line.
fn end_of_literal(text: &str, behind: usize) -> Option<usize> {
    let rest = text[behind..].strip_prefix('*').unwrap_or(&text[behind..]);
    let mark = rest.chars().next().filter(|mark| !mark.is_whitespace() && !matches!(mark, '[' | '{'))?;
    let start = text.len() - rest.len() + mark.len_utf8();
    let near = &text[start..text.floor_char_boundary((start + MAX_LITERAL).min(text.len()))];
    let length = near.find([mark, '\n']).filter(|&length| near[length..].starts_with(mark))?;
    Some(start + length + mark.len_utf8())
}

/// Where text stands that means only itself.
fn literals(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = memchr::memchr(b'\\', &text.as_bytes()[at..]) {
        at += offset;
        let name = command(&text[at..]);
        let behind = at + 1 + name.len();
        let end = match name {
            "verb" | "lstinline" => end_of_literal(text, behind),
            "begin" => {
                let environment = group(&text[behind..]).map_or("", |(name, _)| name);
                let literal = VERBATIM.contains(&environment);
                literal.then(|| end_of(text, behind, environment).unwrap_or(text.len()))
            }
            _ => None,
        };
        match end {
            Some(end) => {
                found.push(at..end);
                at = end;
            }
            None => at = behind.max(at + 1 + usize::from(text[at + 1..].starts_with('\\'))),
        }
    }
    found
}

fn is_within(ranges: &[Range<usize>], at: usize) -> bool {
    let before = ranges.partition_point(|range| range.start <= at);
    before > 0 && at < ranges[before - 1].end
}

/// Writes a macro's value, and the macros in it, until they are too deep or too long.
fn expand(name: &str, value: &str, macros: &HashMap<&str, &str>, depth: usize, limit: usize, out: &mut String) {
    let (mut from, mut at) = (0, 0);
    while let Some(offset) = memchr::memchr(b'\\', &value.as_bytes()[at..]) {
        at += offset;
        let inner = command(&value[at..]);
        let behind = at + 1 + inner.len();
        if let Some(inner_value) = macros.get(inner)
            && inner != name
            && depth < MAX_DEPTH
            && out.len() < limit
        {
            out.push_str(&value[from..at]);
            expand(inner, inner_value, macros, depth + 1, limit, out);
            from = behind;
        }
        at = behind.max(at + 1 + usize::from(value[at + 1..].starts_with('\\')));
    }
    out.push_str(&value[from..]);
}

/// Whether the mark at `at` stands in an address or in literal text, where `%` begins no comment.
fn is_literal(line: &str, at: usize) -> bool {
    const ADDRESSES: [&str; 4] = ["\\href{", "\\url{", "\\nolinkurl{", "\\path{"];
    const LITERALS: [&str; 2] = ["\\verb", "\\lstinline"];
    // No farther back than an address is long: a line may be as long as the text.
    let from = line.floor_char_boundary(at.saturating_sub(1000));
    let before = &line[from..at];
    let address = ADDRESSES.iter().filter_map(|name| before.rfind(name).map(|found| &before[found + name.len()..]));
    let mut literal = LITERALS.iter().filter_map(|name| {
        let behind = before[before.rfind(name)? + name.len()..].trim_start_matches('*');
        let mark = behind.chars().next().filter(|mark| !mark.is_alphanumeric() && !matches!(mark, '[' | '{'))?;
        Some((mark, &behind[mark.len_utf8()..]))
    });
    address.clone().any(|inside| !inside.contains('}')) || literal.any(|(mark, inside)| !inside.contains(mark))
}

/// Without comments: lines that begin with `%` go whole, behind other text what follows an unescaped `%`.
fn without_comments(text: &str, comments: &mut usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut verbatim = None::<&str>;
    for line in text.split_inclusive('\n') {
        if let Some(name) = verbatim {
            if line.contains(&format!("\\end{{{name}}}")) {
                verbatim = None;
            }
            out.push_str(line);
            continue;
        }
        let percent = memchr::memchr_iter(b'%', line.as_bytes()).find(|&at| {
            let backslashes = line[..at].bytes().rev().take_while(|byte| *byte == b'\\').count();
            backslashes.is_multiple_of(2) && !is_literal(line, at)
        });
        let kept = match percent {
            None => line,
            Some(at) => {
                *comments += 1;
                if line[..at].trim().is_empty() {
                    continue;
                }
                out.push_str(&line[..at]);
                if line.ends_with('\n') { "\n" } else { "" }
            }
        };
        out.push_str(kept);
        if !line.contains(r"\begin{") {
            continue;
        }
        let begins = |name: &&&str| line[..percent.unwrap_or(line.len())].contains(&format!("\\begin{{{name}}}"));
        verbatim = VERBATIM.iter().find(begins).copied();
        if verbatim.is_some_and(|name| line.contains(&format!("\\end{{{name}}}"))) {
            verbatim = None;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mapped(settings: &str, text: &str) -> (Verdict, String, Measure) {
        let mut document = Document::new("", text);
        let mut measure = Measure::default();
        let step = Latex::new(toml::from_str(settings).unwrap(), &mut Setup::default()).unwrap();
        let verdict = step.map(&mut document, &mut measure);
        (verdict, document.text().to_owned(), measure)
    }

    const PAPER: &str = r"\documentclass{article} % a class
\newcommand{\R}{\mathbb{R}}
\def\half{\frac{1}{2}}
\newcommand\both{\half\R}
\newcommand{\norm}[1]{\|#1\|}
% \section{Not here}
\begin{document}
\title{On halves}
\section{引言} % first
100\% of $\both^n$ and $\Rest$, \norm{x}~\cite[p. 2]{a,b}.
% gone
\begin{verbatim}
% stays \R
\end{verbatim}
\begin{equation}\label{eq} x = \half \end{equation}
\label{sec} See.
\begin{figure}[t] \caption{One} \end{figure}
\appendixname
\begin{thebibliography}{9} \end{thebibliography}
\end{document}
";

    #[test]
    fn a_per_cent_sign_in_an_address_or_in_literal_text_begins_no_comment() {
        for line in [r"\href{http://a.com/%20b}{text} end", r"\path{a%b} \verb|50% x| end", r"\lstinline!a % b! end"] {
            let text = format!("\\section{{A}}\n{line}");
            assert_eq!(mapped("", &text).1, text);
        }
        assert!(!mapped("", "\\section{A}\n\\url{http://a.com} % gone").1.contains("gone"));
    }

    #[test]
    fn a_paper_is_cleaned_as_redpajama_says() {
        let (verdict, text, measure) = mapped("", PAPER);
        assert_eq!(verdict, Verdict::Keep);
        let expected = r"\section{引言} 
100\% of $\frac{1}{2}\mathbb{R}^n$ and $\Rest$, \norm{x}~\cite[p. 2]{a,b}.
\begin{verbatim}
% stays \R
\end{verbatim}
\begin{equation}\label{eq} x = \frac{1}{2} \end{equation}
\label{sec} See.
\begin{figure}[t] \caption{One} \end{figure}
\appendixname
";
        assert_eq!(text, expected);
        assert_eq!(measure, Measure { comments: Some(4.0), expansions: Some(2.0), dropped_commands: Some(0.0) });
    }

    #[test]
    fn each_setting_changes_its_own() {
        let all = "labels = true\ncitations = true\nfigures = true";
        let (_, text, measure) = mapped(all, PAPER);
        assert!(text.contains("\\norm{x}.\n"), "{text}");
        assert!(text.contains("\\label{eq}") && !text.contains("\\label{sec}") && !text.contains("caption"), "{text}");
        assert_eq!(measure.dropped_commands, Some(3.0));
        assert!(mapped("start = \"document\"", PAPER).1.starts_with("\n\\title{On halves}\n\\section"));
        assert!(mapped("start = \"keep\"\nmacros = false\ncomments = false\nbibliography = false", PAPER).1 == PAPER);
        assert!(mapped("bibliography = false", PAPER).1.contains("thebibliography"));
        assert!(mapped("comments = false\nstart = \"document\"", PAPER).1.contains("% first"));
        assert!(mapped("macros = false", PAPER).1.contains("\\both"));
    }

    #[test]
    fn a_macro_has_the_value_it_has_where_it_stands() {
        let text = r"\newcommand{\x}{one}\section{A} \x \renewcommand{\x}{two}\x \renewcommand*\x{three}\x";
        assert_eq!(mapped("", text).1, r"\section{A} one two three");
        let used_first = r"\section{A} \x \def\x{one}\x";
        assert_eq!(mapped("", used_first).1, r"\section{A} \x one");
        let arguments = r"\def\x{one}\section{A} \x \renewcommand{\x}[1]{#1}\x{two}";
        assert_eq!(mapped("", arguments).1, r"\section{A} one \renewcommand{\x}[1]{#1}\x{two}");
        let provided = r"\def\x{one}\providecommand{\x}{two}\providecommand{\y}{three}\section{A}\x\y";
        assert_eq!(mapped("", provided).1, r"\section{A}onethree");
    }

    #[test]
    fn commands_of_latex_that_are_redefined_stay_commands() {
        let text = "\\renewcommand{\\section}{\\@startsection{section}}\n\\section{A}\n\\renewcommand{\\arraystretch}{1.5}中\\arraystretch";
        assert_eq!(mapped("", text).1, "\\section{A}\n中\\arraystretch");
    }

    #[test]
    fn literal_text_holds_no_heading_no_end_and_no_macro() {
        let text = r"\def\x{one} \verb|\section{No}| \section{A} \verb|\appendix| \verb*+\x+ \lstinline!\def\x{two}! \x, \appendix gone";
        assert_eq!(mapped("", text).1, r"\section{A} \verb|\appendix| \verb*+\x+ \lstinline!\def\x{two}! one, ");
        let text = "\\begin{verbatim}\n\\section{No}\\def\\x{one}\n\\end{verbatim}\n\\section{A}\n\\begin{lstlisting}\n\\end{document}\n\\end{lstlisting}\n\\x 后";
        assert!(mapped("", text).1.starts_with("\\section{A}\n") && mapped("", text).1.ends_with("\\x 后"));
        // One that does not close is none.
        assert_eq!(mapped("", "\\section{A}\\verb|a\n\\appendix|").1, "\\section{A}\\verb|a\n");
    }

    #[test]
    fn a_text_without_a_heading_is_dropped() {
        assert_eq!(mapped("", "no heading").0, Verdict::Drop("no_heading"));
        assert_eq!(mapped("", "").0, Verdict::Drop("no_heading"));
        assert_eq!(mapped("", "\\sectionmark x").0, Verdict::Drop("no_heading"));
        assert_eq!(mapped("start = \"document\"", "中文").1, "中文");
    }

    #[test]
    fn macros_that_multiply_stay_within_bounds() {
        let mut text = String::from("\\section{x}\n\\def\\a{aaaaaaaaaa}\\def\\z{\\z}");
        for (outer, inner) in "bcdefghij".chars().zip("abcdefghi".chars()) {
            text += &format!("\\def\\{outer}{{{}}}", format!("\\{inner}").repeat(10));
        }
        text += &"\\j \\z ".repeat(100);
        let (_, cleaned, _) = mapped("", &text);
        assert!(cleaned.len() < 50 * text.len(), "{}", cleaned.len());
        // Each by itself is long, and none in another.
        let text = format!("\\section{{x}}\\def\\a{{{}}}", "x".repeat(4000)) + &"\\a".repeat(10_000);
        let (_, cleaned, measure) = mapped("", &text);
        assert!(cleaned.len() < 6 * text.len(), "{}", cleaned.len());
        assert!(cleaned.ends_with("\\a") && measure.expansions.unwrap() < 100.0);
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for text in [
            "%",
            "\\",
            "{",
            "$",
            "\\begin{verbatim}\n",
            "\\newcommand{",
            "\\def\\a{\\a}",
            "\\cite{",
            "\\begin{figure}",
            "\\[",
            "%\n",
            "\\section{",
            "\\verb|",
            "\\verb1 \\verb2 ",
            "\\renewcommand{\\a}{\\a}",
        ] {
            let all = "labels = true\ncitations = true\nfigures = true\nstart = \"keep\"";
            mapped(all, &text.repeat(20_000));
        }
        assert!(started.elapsed().as_secs() < 40, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(\\\\|\\{|\\}|\\[|\\$|%|\n|a|中|~|#|\\*|begin|end|verbatim|figure|equation|def|newcommand|verb|cite|label|section|\\PC){0,60}") {
            mapped("start = \"keep\"\nlabels = true\ncitations = true\nfigures = true", &text);
        }

        #[test]
        fn a_second_time_changes_nothing(parts in prop::collection::vec("[a-z]{1,5}|中|\\$x\\$|% [a-z]{1,3}\n|\\\\section\\{[a-z]\\}|\\\\label\\{[a-z]\\}|\\\\cite\\{[a-z]\\}|\\\\def\\\\q\\{[a-z]\\}|\\\\q |\n", 0..20)) {
            let settings = "start = \"keep\"\nlabels = true\ncitations = true\nfigures = true";
            let once = mapped(settings, &parts.join(" ")).1;
            prop_assert_eq!(&mapped(settings, &once).1, &once);
        }
    }
}
