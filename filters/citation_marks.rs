//! Removes marks of citations: `[1]`, `[12, 13]`, `[citation needed]`, raised digits behind words.
//!
//! A mark is taken for one only where a reader would. It is left:
//!
//! - where it begins a line, marks aside (a list of references, a definition of Markdown) or a link follows (`[1](…)`, `[text][1]`);
//! - in code: between back-quotes, and behind ASCII on a line that is indented, ends in `;`, or has `=`, `{`,
//!   `}`, `\`, `$`, `[0]`, `::`, `->` or `>>>`; behind a path (`/a/b[1]`);
//!   behind a single letter or a name with digits (`a[1]`, `x2[3]`); `[0]` and numbers of four digits always;
//! - behind a space, after `in`, `see`, `of` and their like, where the sentence needs it and an interval may stand;
//! - a raised 2 or 3 behind a letter, and raised digits behind words of up to three letters or digits: powers and units.
//! - numbers in a text that does not look as if it had citations. It does if it has a list of references, or
//!   two different numbers right behind words and three with others, of which most are the next higher. In any
//!   other text only numbers right behind the mark that ends a sentence or a part of it go.
//!
//! A mark takes the space before it along.
//!
//! | setting | default | source |
//! |---|---|---|
//! | `numbers` | true | C4's code removes `[1]`; lists, ranges, `［1］`, `〔1〕` are ours |
//! | `notes` | true | C4's code: `[edit]`, `[citation needed]`; those of the Chinese Wikipedia, `[注1]` and others are ours |
//! | `raised` | true | ours |
//! | `authors` | false | ours: `(Smith et al., 2019)`, `（张三，2019）` |

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Document, Mapper, Quoted, Setup, Step, Verdict, Wrong, kind};

/// Settings of [`CitationMarks`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether numbers in brackets go.
    pub numbers: bool,
    /// Whether `[citation needed]` and its like go.
    pub notes: bool,
    /// Whether raised digits go.
    pub raised: bool,
    /// Whether names with a year in parentheses go.
    pub authors: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { numbers: true, notes: true, raised: true, authors: false }
    }
}

crate::measures! {
    /// What [`CitationMarks`] measures.
    pub struct Measure {
        /// Marks that were removed.
        marks,
    }
}

/// See the words at the top of this file.
pub struct CitationMarks {
    config: Config,
    starts: AhoCorasick,
}

/// What marks begin with, and the back-quote of code.
const STARTS: [&str; 16] = ["`", "[", "［", "〔", "¹", "²", "³", "⁰", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹", "(", "（"];

/// What stands in brackets beside numbers, in lower case.
const NOTES: [&str; 25] = [
    "citation needed",
    "edit",
    "clarification needed",
    "verification needed",
    "better source needed",
    "failed verification",
    "original research?",
    "according to whom?",
    "who?",
    "when?",
    "which?",
    "where?",
    "why?",
    "dead link",
    "permanent dead link",
    "not in citation given",
    "page needed",
    "来源请求",
    "來源請求",
    "编辑",
    "編輯",
    "查证请求",
    "查證請求",
    "原创研究？",
    "原創研究？",
];

/// Words that need what comes behind them.
const NEEDY: [&str; 30] = [
    "in",
    "see",
    "of",
    "by",
    "from",
    "to",
    "at",
    "with",
    "and",
    "or",
    "than",
    "on",
    "for",
    "as",
    "ref",
    "refs",
    "reference",
    "references",
    "interval",
    "range",
    "set",
    "between",
    "over",
    "through",
    "page",
    "equation",
    "like",
    "array",
    "list",
    "vector",
];

impl Step for CitationMarks {
    const NAME: &'static str = "citation_marks";
    const VERSION: u32 = 2;
    const WORDS: &'static str = include_str!("citation_marks.rs");
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        let starts = if config.authors { &STARTS[..] } else { &STARTS[..14] };
        let starts = AhoCorasick::new(starts).expect("a few short patterns");
        Ok(CitationMarks { config, starts })
    }
}

impl Mapper for CitationMarks {
    type Measure = Measure;

    fn map(&self, document: &mut Document, measure: &mut Measure) -> Verdict {
        let (marks, text) = self.without(document.text());
        measure.marks = Some(marks as f64);
        if let Some(text) = text {
            document.set_text(text);
        }
        Verdict::Keep
    }
}

impl CitationMarks {
    /// How many marks a text has, and the text without them if there are any.
    fn without(&self, text: &str) -> (usize, Option<String>) {
        let mut marks: Vec<Mark> = Vec::new();
        let mut from = 0;
        let mut quoted = Quoted::default();
        let mut line = Line::default();
        for start in self.starts.find_iter(text) {
            let at = start.start();
            if at < from {
                continue;
            }
            if start.pattern().as_usize() == 0 {
                from = quoted.end(text, at);
                continue;
            }
            let bracket = matches!(start.pattern().as_usize(), 1..=3);
            let chained = marks.last().is_some_and(|mark| mark.range.end == at);
            let end = match start.pattern().as_usize() {
                1..=3 => self.bracket(text, at, start.end(), chained, &mut line),
                4..=13 if self.config.raised => raised(text, at),
                14.. => author(text, at),
                _ => None,
            };
            let Some(end) = end else { continue };
            let number = bracket.then(|| first_number(&text[start.end()..end])).flatten();
            let stands = match text[..at].chars().next_back() {
                _ if chained => marks.last().map_or(Stands::Apart, |mark| mark.stands),
                Some(' ' | '\u{a0}') => Stands::Apart,
                Some(c) if c.is_alphanumeric() => Stands::BehindWord,
                _ => Stands::BehindMark,
            };
            marks.push(Mark { range: at..end, number, stands });
            from = end;
        }
        if marks.iter().any(|mark| mark.number.is_some()) && !cites(text, &marks) {
            marks.retain(|mark| mark.number.is_none() || mark.stands == Stands::BehindMark);
        }
        if marks.is_empty() {
            return (0, None);
        }
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for Mark { range, .. } in &marks {
            let kept = text[copied..range.start].trim_end_matches([' ', '\u{a0}']);
            // A space stays where a word follows without one.
            out.push_str(kept);
            if kept.len() < range.start - copied && text[range.end..].starts_with(char::is_alphanumeric) {
                out.push(' ');
            }
            copied = range.end;
        }
        out.push_str(&text[copied..]);
        (marks.len(), Some(out))
    }

    /// Where the mark ends that the bracket at `at` opens. `chained`: it follows another mark.
    fn bracket(&self, text: &str, at: usize, inside: usize, chained: bool, line: &mut Line) -> Option<usize> {
        let (length, close) =
            text[inside..].char_indices().take(40).find(|(_, c)| matches!(c, ']' | '］' | '〕' | '\n'))?;
        if close == '\n' {
            return None;
        }
        let end = inside + length + close.len_utf8();
        let inner = &text[inside..inside + length];
        let number = is_numbers(inner);
        let wanted = number && self.config.numbers || self.config.notes && is_note(inner);
        // `[1](…)` and `[1]: …` are Markdown's, `[1] = 5` a program's.
        if !wanted || text[end..].starts_with(['(', '（']) {
            return None;
        }
        if chained || !number {
            return (!text[..at].trim_end_matches(' ').ends_with('\n') || !number).then_some(end);
        }
        let before = &text[..at];
        let behind_space = before.ends_with([' ', '\u{a0}']);
        let trimmed = before.trim_end_matches([' ', '\u{a0}']);
        let previous = trimmed.chars().next_back().filter(|c| *c != '\n')?;
        let opens =
            matches!(previous, ']' | '=' | '+' | '-' | '*' | '/' | '<' | '>' | '(' | '[' | '{' | '|' | '&' | '^');
        if opens || previous == ',' && behind_space {
            return None;
        }
        // What stands before it on its line, as far as it matters.
        let near = trimmed.char_indices().rev().take(64).last().map_or(trimmed, |(at, _)| &trimmed[at..]);
        let near = near.rsplit('\n').next().unwrap_or_default();
        let token = near.rsplit(char::is_whitespace).next().unwrap_or_default();
        let path = token.contains(['/', '$', '@', '#', '\\', '=', '_', '<', '>', '&', '%']);
        if path || !near.contains(char::is_alphanumeric) {
            return None;
        }
        let word = trimmed.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default();
        let follows = text[end..].chars().next();
        let ends = follows.is_none_or(|c| c.is_whitespace() || !c.is_ascii() || b".,;:!?)[\"'-".contains(&(c as u8)));
        if !word.is_empty() {
            let natural = word.len() > 1 && word.bytes().all(|c| c.is_ascii_alphabetic());
            let year = behind_space && word.bytes().all(|c| c.is_ascii_digit());
            if !(natural || year) || !ends || line.is_code(text, at) {
                return None;
            }
            if behind_space && NEEDY.iter().any(|needy| word.eq_ignore_ascii_case(needy)) {
                return None;
            }
        } else if behind_space && !ends || (behind_space || previous.is_ascii()) && line.is_code(text, at) {
            return None;
        }
        Some(end)
    }
}

/// A place that reads like a mark.
struct Mark {
    range: Range<usize>,
    /// The first number in its brackets.
    number: Option<u32>,
    stands: Stands,
}

/// What a mark stands behind; one behind another, what that stands behind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Apart,
    BehindWord,
    BehindMark,
}

fn first_number(inner: &str) -> Option<u32> {
    let digits = inner.find(|c: char| !c.is_ascii_digit()).unwrap_or(inner.len());
    inner[..digits].parse().ok()
}

/// Whether a text looks as if numbers in brackets were citations.
fn cites(text: &str, marks: &[Mark]) -> bool {
    let rising = |least: usize, apart: bool| {
        let mut firsts: Vec<u32> = Vec::new();
        let mut seen = [false; 1000];
        for mark in marks.iter().filter(|mark| apart || mark.stands != Stands::Apart) {
            if let Some(number) = mark.number
                && !std::mem::replace(&mut seen[number as usize % 1000], true)
            {
                firsts.push(number);
            }
        }
        let rises = firsts.windows(2).filter(|pair| pair[1] == pair[0] + 1).count();
        firsts.len() >= least && 2 * rises >= firsts.len() - 1
    };
    rising(2, false) || rising(3, true) || has_references(text)
}

/// Whether a text has a list of references: a heading, or a line that begins with a number in brackets and is
/// as long as an entry.
fn has_references(text: &str) -> bool {
    const HEADINGS: [&str; 8] =
        ["references", "bibliography", "works cited", "notes", "参考文献", "參考文獻", "参考资料", "參考資料"];
    text.split('\n').any(|line| {
        let line = line.trim();
        let heading = line.trim_matches(['#', '*', '=', ':', '：', ' ', '【', '】']);
        if heading.len() < 20 && HEADINGS.iter().any(|known| heading.eq_ignore_ascii_case(known)) {
            return true;
        }
        let inner = line.strip_prefix(['[', '［', '〔']).and_then(|inner| inner.split_once([']', '］', '〕']));
        inner.is_some_and(|(number, entry)| {
            number.len() < 4 && is_numbers(number) && entry.chars().nth(MIN_ENTRY).is_some()
        })
    })
}

/// An entry of a list of references is longer, in characters.
const MIN_ENTRY: usize = 15;

/// Numbers of one to three digits with commas and dashes between, not zero.
fn is_numbers(inner: &str) -> bool {
    let mut numbers = inner.split([',', '，', '、', '-', '–', '—', '~', ';']);
    numbers.all(|number| {
        let number = number.trim_matches([' ', '\u{a0}']);
        (1..=3).contains(&number.len()) && number.bytes().all(|c| c.is_ascii_digit()) && !number.starts_with('0')
    })
}

fn is_note(inner: &str) -> bool {
    let inner = inner.trim();
    if NOTES.iter().any(|note| inner.eq_ignore_ascii_case(note)) {
        return true;
    }
    let number =
        ["note ", "nb ", "n ", "注", "註", "注释", "注 ", "註 ", "来源", "參", "参"].iter().find_map(|start| {
            inner.get(..start.len()).filter(|begin| begin.eq_ignore_ascii_case(start)).map(|_| &inner[start.len()..])
        });
    number.is_some_and(|number| (1..=3).contains(&number.len()) && number.bytes().all(|c| c.is_ascii_digit()))
}

/// Where the raised digits end that stand at `at`, if they are a mark.
fn raised(text: &str, at: usize) -> Option<usize> {
    let is_raised = |c: char| matches!(c, '¹' | '²' | '³' | '⁰' | '⁴'..='⁹');
    let digits =
        text[at..].chars().take(8).take_while(|c| is_raised(*c) || matches!(c, '⁻' | '⁺' | ',')).collect::<Vec<_>>();
    if digits.iter().any(|c| matches!(c, '⁻' | '⁺')) {
        return None;
    }
    let count = digits.iter().rposition(|c| is_raised(*c))? + 1;
    let digits = &digits[..count];
    let end = at + digits.iter().map(|c| c.len_utf8()).sum::<usize>();
    let previous = text[..at].chars().next_back()?;
    let follows = text[end..].chars().next();
    if digits[0] == '⁰' || count > 3 || follows.is_some_and(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let power = matches!(digits, ['²' | '³']);
    let behind = match previous {
        '.' | ',' | ';' | ':' | '!' | '?' | '"' | '”' | '’' | '。' | '，' | '；' | '：' | '！' | '？' | '」' | '》' => {
            true
        }
        c if !c.is_alphabetic() => false,
        _ if power => false,
        // Behind other letters raised digits are phonetics, or mojibake.
        c if !c.is_ascii() => c >= '\u{2e80}',
        _ => text[..at].bytes().rev().take(4).filter(u8::is_ascii_alphabetic).count() == 4,
    };
    behind.then_some(end)
}

/// Where the parenthesis at `at` ends, if names and years are all it holds.
fn author(text: &str, at: usize) -> Option<usize> {
    static AUTHORS: LazyLock<Regex> = LazyLock::new(|| {
        let name = r"\p{Lu}[\p{L}'’.-]*(?: \p{Lu}[\p{L}'’.-]*)*";
        let names = format!(r"{name}(?:, {name})*(?:,? (?:&|and) {name})?(?: et al\.?)?");
        let year = r"(?:1[89]|20)\d\d[a-z]?(?:, (?:1[89]|20)\d\d[a-z]?)*(?:, pp?\. ?\d+(?:[-–]\d+)?)?";
        let western = format!(r"\((?:(?:see|e\.g\.|cf\.),? )?{names},? {year}(?:; {names},? {year})*\)");
        let chinese = r"[(（]\p{Han}{2,4}(?:[、，和]\p{Han}{2,4})*等?[，,] ?(?:1[89]|20)\d\d[a-z]?[)）]";
        Regex::new(&format!("^(?:{western}|{chinese})")).expect("it is well formed")
    });
    // The expression is tried on what one mark can take.
    let rest = &text[at..];
    let near = rest.char_indices().nth(200).map_or(rest, |(end, _)| &rest[..end]);
    AUTHORS.find(near).map(|found| at + found.end())
}

/// The line that was looked at last, and whether it is code.
#[derive(Debug, Default)]
struct Line {
    end: usize,
    code: bool,
}

impl Line {
    fn is_code(&mut self, text: &str, at: usize) -> bool {
        if at >= self.end {
            let bytes = text.as_bytes();
            let start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |end| end + 1);
            self.end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end);
            let line = &text[start..self.end];
            let indented = line.starts_with(['\t']) || line.starts_with("    ");
            self.code = indented
                || line.contains(['=', '{', '}', '\\', '∈', '$'])
                || line.trim_end().ends_with(';')
                || ["[0]", "::", ">>>", "->"].iter().any(|mark| line.contains(mark));
        }
        self.code
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mapped(settings: &str, text: &str) -> String {
        let mut document = Document::new("", text);
        let step = CitationMarks::new(toml::from_str(settings).unwrap(), &mut Setup::default()).unwrap();
        step.map(&mut document, &mut Measure::default());
        document.text().to_owned()
    }

    #[test]
    fn marks_go_with_the_space_before_them() {
        for (text, left) in [
            ("It is so.[1] And", "It is so. And"),
            ("It is so[1][2], they say [3].", "It is so, they say."),
            ("in 1999 [12, 13] and so [13–16], or[14].", "in 1999 and so, or."),
            ("as they say [7].\n\nReferences\n[7] Lee", "as they say.\n\nReferences\n[7] Lee"),
            ("as they say [7].\n[7] Lee, On numbers, 1999", "as they say.\n[7] Lee, On numbers, 1999"),
            ("It is[citation needed] so [edit]", "It is so"),
            ("Said[note 3] so[nb 1].", "Said so."),
            ("北京是首都。[1]人口[2]很多〔3〕，见［4］", "北京是首都。人口很多，见"),
            ("据说[来源请求]如此[注1]。", "据说如此。"),
            ("a statement.¹ Another word⁴, and more²³", "a statement. Another word, and more"),
            ("说法。³他", "说法。他"),
        ] {
            assert_eq!(mapped("", text), left);
        }
        assert_eq!(mapped("numbers = false", "so.[1] it[edit]"), "so.[1] it");
        assert_eq!(mapped("notes = false", "so.[1] it[edit]"), "so. it[edit]");
        assert_eq!(mapped("raised = false", "so.¹ It"), "so.¹ It");
    }

    #[test]
    fn links_code_and_maths_stay() {
        for text in [
            "",
            "[",
            "see [1](http://x)",
            "[1] Smith, J.",
            "  [2] Lee",
            "text\n[1]: http://x",
            "[text][1]",
            "a[1] is x[2]",
            "args[1] = data[2]",
            "let v = list [1]",
            "x ∈ [1, 2]",
            "in [1, 2] and of [3]",
            "`data[1]` and\n```\nrows[1]\n```",
            "in the year [1999] of",
            "row[0], row[1]",
            "[10] + [1]",
            "10 m² and km³ 10⁵ x⁴ cm⁻¹",
            "E=mc²",
            "std::array[3]",
            "(Smith, 2019)",
            "见[链接](1)",
            "f([1])",
            "price[1]x",
            "metres²",
            "[1\n]",
        ] {
            assert_eq!(mapped("", text), text);
        }
    }

    #[test]
    fn numbers_stay_where_nothing_is_cited() {
        for text in [
            "Press [1] to go on",
            "items[1] and then items[1] again",
            "choose [9] or take [2] instead",
            "the names[4] of many[2]",
            "按键 [1] 继续，按键 [1] 返回",
        ] {
            assert_eq!(mapped("", text), text);
        }
        // One behind a full stop is a citation wherever it stands.
        assert_eq!(mapped("", "It is so.[1] Press [7] now"), "It is so. Press [7] now");
    }

    #[test]
    fn names_and_years_go_if_asked() {
        for (text, left) in [
            ("It holds (Smith et al., 2019).", "It holds."),
            ("It holds (Smith, 2019; Lee & Kim, 2020a), so", "It holds, so"),
            ("如此（张三，2019）。", "如此。"),
            ("It holds (see below) (2019) (In May 2019 it was)", "It holds (see below) (2019) (In May 2019 it was)"),
        ] {
            assert_eq!(mapped("authors = true", text), left);
        }
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for piece in ["[", "[1]", "a[1]", " [1", "¹", "`", "```", "(A", "(", "x [1] ", "[1] =", "¹,"] {
            mapped("authors = true", &piece.repeat(100_000));
        }
        assert!(started.elapsed().as_secs() < 40, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(\\PC|[\\[\\]1¹² `()\\n]|\\[1\\]|［|〔1〕|注){0,40}") {
            mapped("authors = true", &text);
        }
    }
}
