//! Joins lines that were broken to fit a page: books, mail, text out of PDF.
//!
//! Lines between empty lines are one block. A line of it was broken if the next one's first word had no room
//! behind it, that is if both together are wider than the block's widest line. Where most line ends of a
//! block are such, they become spaces, or nothing between ideographs; a line that ends early ends a
//! paragraph and stays. A word cut by a hyphen (`exam-` / `ple`) is put together, with its hyphen if the text
//! writes it so elsewhere. Lists, tables, headings, quotes, code, verse and whatever is
//! narrower or wider than pages are is left alone: code is told by fences, indentation, or a third of a block's
//! lines with signs of programs; verse by capitals that begin three lines of five and more; a table by numbers or by gaps
//! between its cells; a menu by the spaces in its Chinese. A line said twice is two.
//!
//! | setting            | default | source                                                              |
//! |--------------------|---------|---------------------------------------------------------------------|
//! | `min_width`        | 40      | ours: cells of a block's widest line; an ideograph takes two. Verse is narrower |
//! | `max_width`        | 120     | ours: web pages give a paragraph one line, which is wider           |
//! | `min_broken_share` | 0.6     | ours: of the line ends of a block, last one apart                   |
//! | `slack`            | 0.1     | ours: of the width, for fonts whose letters differ in width         |
//! | `hyphens`          | true    | ours                                                                |

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Document, Mapper, Setup, Step, Verdict, Wrong, kind};

/// Settings of [`JoinLines`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Least width of a block's widest line, in cells.
    pub min_width: usize,
    /// Greatest width of a line that was broken, in cells.
    pub max_width: usize,
    /// Least share of a block's line ends at which the next word had no room.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_broken_share: f64,
    /// How much narrower than the widest line a line that was broken may be, beyond its next word: a share.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub slack: f64,
    /// Whether words that a hyphen cut are put together.
    pub hyphens: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { min_width: 40, max_width: 120, min_broken_share: 0.6, slack: 0.1, hyphens: true }
    }
}

crate::measures! {
    /// What [`JoinLines`] measures.
    pub struct Measure {
        /// Line ends that went.
        joins,
        /// Words that were put together.
        joined_words,
    }
}

/// See the words at the top of this file.
pub struct JoinLines {
    config: Config,
}

impl Step for JoinLines {
    const NAME: &'static str = "join_lines";
    const VERSION: u32 = 2;
    const WORDS: &'static str = include_str!("join_lines.rs");
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(JoinLines { config })
    }
}

/// A line and what decides about it.
#[derive(Clone, Copy)]
struct Line<'a> {
    text: &'a str,
    width: usize,
    /// It is no prose: it stays as it is, and so do its neighbours' ends at it.
    fixed: bool,
}

/// How two lines become one.
enum Joint {
    Space,
    Nothing,
    /// Without the hyphen at the end of the first.
    Word,
}

impl Mapper for JoinLines {
    type Measure = Measure;

    fn map(&self, document: &mut Document, measure: &mut Measure) -> Verdict {
        let text = document.text();
        let (mut joins, mut words) = (0_usize, 0_usize);
        let mut known = None::<HashSet<&str>>;
        let mut out = String::new();
        let mut block: Vec<Line> = Vec::new();
        let mut fenced = false;
        let mut first = true;
        for raw in text.split('\n').map(Some).chain([None]) {
            let mut fixed = false;
            if let Some(line) = raw {
                let fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
                fixed = fence || fenced || is_fixed(line);
                fenced ^= fence;
                if !fixed && !line.trim().is_empty() {
                    block.push(Line { text: line, width: width(line.trim_end()), fixed });
                    continue;
                }
            }
            // The block ends before this line.
            let starts = self.joints(&block);
            for (at, line) in block.iter().enumerate() {
                debug_assert!(!line.fixed);
                match starts[at] {
                    false => {
                        if !std::mem::take(&mut first) {
                            out.push('\n');
                        }
                        out.push_str(line.text);
                    }
                    true => {
                        let kept = out.trim_end_matches([' ', '\t', '\r']).len();
                        out.truncate(kept);
                        let next = line.text.trim_start();
                        joins += 1;
                        match self.joint(&out, next, text, &mut known) {
                            Joint::Space => out.push(' '),
                            Joint::Nothing => {}
                            Joint::Word => {
                                out.pop();
                                words += 1;
                            }
                        }
                        out.push_str(next);
                    }
                }
            }
            block.clear();
            if let Some(line) = raw {
                debug_assert!(fixed || line.trim().is_empty());
                if !std::mem::take(&mut first) {
                    out.push('\n');
                }
                out.push_str(line);
            }
        }
        *measure = Measure { joins: Some(joins as f64), joined_words: Some(words as f64) };
        if joins > 0 {
            document.set_text(out);
        }
        Verdict::Keep
    }
}

impl JoinLines {
    /// Which lines of a block continue the one before.
    fn joints(&self, block: &[Line]) -> Vec<bool> {
        let mut joints = vec![false; block.len()];
        let widest = block.iter().map(|line| line.width).filter(|width| *width <= self.config.max_width).max();
        let Some(widest) = widest.filter(|widest| block.len() > 1 && *widest >= self.config.min_width) else {
            return joints;
        };
        let room = widest as f64 * (1.0 - self.config.slack);
        if is_code(block) || is_verse(block) || is_table(block) {
            return joints;
        }
        let (mut broken, mut within_sentence, mut within_phrase) = (0, 0, false);
        for at in 1..block.len() {
            let (line, next) = (block[at - 1], block[at]);
            let indented = indent(next.text) > indent(line.text);
            let end = line.text.trim_end().chars().next_back();
            let full = line.width <= self.config.max_width && (line.width + first_word(next.text)) as f64 > room;
            let repeated = line.text.trim() == next.text.trim();
            if full && !indented && !repeated && !matches!(end, Some('{' | '}' | ';' | '|' | '\\')) {
                joints[at] = true;
                broken += 1;
                within_sentence += usize::from(!end.is_some_and(ends_sentence));
                within_phrase |= !next.text.trim_start().starts_with(char::is_uppercase);
            }
        }
        // Lines that all end with a sentence are entries, or one sentence each; those that all begin with a
        // capital are verse.
        let enough = f64::from(broken) >= self.config.min_broken_share * (block.len() - 1) as f64;
        if !enough || within_sentence == 0 || !within_phrase {
            joints.fill(false);
        }
        joints
    }

    fn joint<'t>(&self, before: &str, next: &str, text: &'t str, known: &mut Option<HashSet<&'t str>>) -> Joint {
        let (Some(last), Some(first)) = (before.chars().next_back(), next.chars().next()) else {
            return Joint::Space;
        };
        if last == '\u{ad}' {
            return Joint::Word;
        }
        if matches!(last, '-' | '\u{2010}') && self.config.hyphens && first.is_lowercase() {
            let cut = before[..before.len() - last.len_utf8()].char_indices().rev();
            let start = cut.take(MAX_HEAD + 1).take_while(|(_, c)| is_of_word(*c)).last();
            let head = &before[start.map_or(before.len(), |(at, _)| at)..];
            let tail = &next[..next.find(|c| !is_of_word(c)).unwrap_or(next.len())];
            if !(2..=MAX_HEAD + 1).contains(&head.chars().count()) || !head.starts_with(char::is_alphabetic) {
                return Joint::Nothing;
            }
            let known = known.get_or_insert_with(|| text.split(|c| !is_of_word(c)).collect());
            let hyphenated = format!("{head}{tail}");
            return if known.contains(hyphenated.as_str()) { Joint::Nothing } else { Joint::Word };
        }
        if matches!(last, '-' | '\u{2010}' | '—') || is_wide(last) || is_wide(first) {
            return Joint::Nothing;
        }
        Joint::Space
    }
}

/// Most characters of a word before its hyphen. What is longer is none, and would be read again with every line
/// that joins it.
const MAX_HEAD: usize = 100;

fn is_of_word(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '-' | '\u{2010}')
}

/// Whether a line is something else than prose: indented as code, an item, a heading, a row.
fn is_fixed(line: &str) -> bool {
    let words = line.trim_start_matches([' ', '\t']);
    if words.is_empty() {
        return false;
    }
    if line.starts_with('\t') || line.len() - words.len() >= 4 {
        return true;
    }
    if words.starts_with(['#', '>', '|', '•', '·', '●', '■', '◆', '○', '$', '@', '<']) || words.contains('\t')
    {
        return true;
    }
    if words.trim_end().contains("   ") || words.matches('|').take(2).count() == 2 {
        return true;
    }
    let marker = words.split([' ', '\u{3000}']).next().unwrap_or_default();
    let rest = marker.len() < words.len();
    if rest && matches!(marker, "-" | "*" | "+" | "–" | "—") || words.starts_with(['*', '+']) {
        return true;
    }
    if is_menu(words) || is_row_of_numbers(words) {
        return true;
    }
    // `1.`, `2)`, `(3)`, `a)`, `iv.`, `十、`
    let inner = marker.trim_start_matches(['(', '（', '[']);
    let number = inner.trim_end_matches(['.', ')', '）', ']', ':', '、']);
    if rest && number.len() < marker.len() && is_number(number) {
        return true;
    }
    let chinese = words.find(['、', '.', '．']).map_or("", |at| &words[..at]);
    if is_number(chinese) && !chinese.chars().all(|c| c.is_ascii_alphabetic()) {
        return true;
    }
    let letters = words.chars().filter(|c| c.is_alphanumeric() || c.is_whitespace()).count();
    2 * letters < words.chars().count()
}

/// Pieces of Chinese with spaces between them, four and more.
fn is_menu(words: &str) -> bool {
    let mut before = None;
    let gaps = words.trim_end().chars().filter(|&c| {
        let gap = c == ' ' && before.is_some_and(is_wide);
        before = Some(c);
        gap
    });
    gaps.take(3).count() == 3 && words.chars().filter(|c| *c == ' ').count() * 12 > words.chars().count()
}

/// Three words and more of which at least half are numbers.
fn is_row_of_numbers(words: &str) -> bool {
    let numeric = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_digit() || "+-$€£¥".contains(c))
            && word.bytes().filter(u8::is_ascii_digit).count() * 2 >= word.len()
    };
    let (all, numbers) = (words.split_whitespace().count(), words.split_whitespace().filter(numeric).count());
    all >= 3 && 2 * numbers >= all
}

/// Whether at least a third of the lines have signs of programs.
fn is_code(block: &[Line]) -> bool {
    const WITHIN: [&str; 14] = ["==", "!=", "->", "=>", "::", "+=", "&&", "||", "</", " = ", "();", "()", "[]", "*/"];
    const STARTS: [&str; 12] = [
        "//",
        "/*",
        "def ",
        "function ",
        "const ",
        "var ",
        "elif ",
        "sudo ",
        "import ",
        "package ",
        "@param",
        "return ",
    ];
    let code = |line: &&Line| {
        let text = line.text.trim();
        text.ends_with(['{', '}', ';', '(', '[', '\\'])
            || text.ends_with("):")
            || text.starts_with("from ") && text.contains(" import ")
            || STARTS.iter().any(|start| text.starts_with(start))
            || WITHIN.iter().any(|sign| text.contains(sign))
    };
    3 * block.iter().filter(code).count() >= block.len()
}

/// Whether capitals begin at least three lines of five, of four lines and more.
fn is_verse(block: &[Line]) -> bool {
    let capital =
        |line: &&Line| line.text.trim_start_matches(|c: char| !c.is_alphanumeric()).starts_with(char::is_uppercase);
    block.len() >= 4 && 5 * block.iter().filter(capital).count() >= 3 * block.len()
}

/// Whether at least half of the lines have two spaces within, but for those behind sentences.
fn is_table(block: &[Line]) -> bool {
    let gap = |line: &&Line| {
        let text = line.text.trim();
        text.match_indices("  ").any(|(at, _)| !text[..at].ends_with(['.', '!', '?', ':', ' ', '"', ')']))
    };
    2 * block.iter().filter(gap).count() >= block.len()
}

fn is_number(text: &str) -> bool {
    let all = |is: fn(char) -> bool| text.chars().all(is);
    !text.is_empty()
        && text.chars().take(5).count() < 5
        && (all(|c| c.is_ascii_digit() || c == '.')
            || text.len() == 1 && all(|c| c.is_ascii_alphabetic())
            || all(|c| "ivxIVX".contains(c))
            || all(|c| "一二三四五六七八九十百".contains(c)))
}

fn ends_sentence(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | ':' | '…' | '。' | '！' | '？' | '：' | '；' | '"' | '”' | '」' | '』' | ')' | '）')
}

/// Cells that a text takes: two for ideographs, kana, Hangul and full-width forms.
fn width(text: &str) -> usize {
    text.chars().map(|c| 1 + usize::from(is_wide(c) || matches!(c, '\u{ac00}'..='\u{d7a3}'))).sum()
}

/// Characters between which no space stands.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{303f}' | '\u{3041}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff01}'..='\u{ff60}' | '\u{20000}'..='\u{323af}')
}

fn indent(line: &str) -> usize {
    let words = line.trim_start_matches([' ', '\u{3000}']);
    width(&line[..line.len() - words.len()])
}

/// Cells that a line's first word needs behind another line: an ideograph with the mark behind it, or a space
/// and all up to the next one.
fn first_word(line: &str) -> usize {
    let mut characters = line.trim_start().chars();
    let Some(first) = characters.next() else { return 0 };
    if is_wide(first) {
        let mark = characters
            .next()
            .is_some_and(|c| matches!(c, '，' | '。' | '、' | '：' | '；' | '！' | '？' | '」' | '）' | '”'));
        return 2 + 2 * usize::from(mark);
    }
    let word = line.trim_start();
    let end = word.find(|c: char| c.is_whitespace() || is_wide(c)).unwrap_or(word.len());
    1 + width(&word[..end])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mapped(settings: &str, text: &str) -> (String, Measure) {
        let mut document = Document::new("", text);
        let mut measure = Measure::default();
        let step = JoinLines::new(toml::from_str(settings).unwrap(), &mut Setup::default()).unwrap();
        assert_eq!(step.map(&mut document, &mut measure), Verdict::Keep);
        (document.text().to_owned(), measure)
    }

    const BOOK: &str = "\
It was the best of times, it was the worst of times, it
was the age of wisdom, it was the age of foolishness. We
had everything before us, and for exam-
ple we had nothing before us, and went direct to Heaven.

In short, the period was so far like the present period,
that some of its noisiest authorities insisted on more.";

    #[test]
    fn lines_of_a_book_become_paragraphs() {
        let (text, measure) = mapped("", BOOK);
        assert_eq!(
            text,
            "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness. We had everything before us, and for exam-\nple we had nothing before us, and went direct to Heaven.\n\nIn short, the period was so far like the present period, that some of its noisiest authorities insisted on more."
        );
        assert_eq!(measure.joins, Some(3.0));
        let (text, measure) = mapped("slack = 0.25", BOOK);
        assert!(text.contains("for example we had"), "{text}");
        assert_eq!((measure.joins, measure.joined_words), (Some(4.0), Some(1.0)));
        assert!(mapped("slack = 0.25\nhyphens = false", BOOK).0.contains("exam-ple"));
    }

    #[test]
    fn a_hyphen_that_the_text_writes_elsewhere_stays() {
        let text = "A well-known rule is that rules are known to all people, well-\nknown ones more than all the others that are not known so.";
        assert!(mapped("", text).0.contains("people, well-known ones"));
    }

    #[test]
    fn what_is_too_long_for_a_word_keeps_its_hyphen() {
        let lines = |head: usize| format!("{}-\n{}ly and some more.", "a".repeat(head), "b".repeat(20));
        let width = |head: usize| format!("max_width = {}", head + 1);
        assert_eq!(mapped(&width(100), &lines(100)).1.joined_words, Some(1.0));
        let (text, measure) = mapped(&width(101), &lines(101));
        assert_eq!((measure.joins, measure.joined_words), (Some(1.0), Some(0.0)));
        assert!(text.contains("a-b"));
    }

    #[test]
    fn chinese_lines_are_joined_without_a_space() {
        let text = "　　话说天下大势，分久必合，合久必分。周末七国分争，并入\n于秦。及秦灭之后，楚、汉分争，又并入于汉。汉朝自高祖斩白\n蛇而起义，一统天下，后来光武中兴。\n　　传至献帝，遂分为三国。推其致乱之由，殆始于桓、灵二\n帝。";
        assert_eq!(
            mapped("", text).0,
            "　　话说天下大势，分久必合，合久必分。周末七国分争，并入于秦。及秦灭之后，楚、汉分争，又并入于汉。汉朝自高祖斩白蛇而起义，一统天下，后来光武中兴。\n　　传至献帝，遂分为三国。推其致乱之由，殆始于桓、灵二帝。"
        );
    }

    #[test]
    fn what_is_no_prose_stays() {
        for text in [
            "",
            "- the first item of a list that is about as long as others\n- the second item of a list that is about as long as others",
            "1. the first item of a list that is about as long as others\n2. the second item of a list that is as long as the others",
            "| one cell of a table | and another cell of the same one |\n| one cell of a table | and another cell of the same one |",
            "# A heading that is as long as a line of prose may well be\nand prose behind it which is no longer than the heading is",
            "```\nlet a = something_that_is_quite_long(with, arguments, many)\nlet b = something_that_is_quite_long(with, arguments, many)\n```",
            "    let a = something_that_is_quite_long(with, arguments, m)\n    let b = something_that_is_quite_long(with, arguments, m)",
            "Shall I compare thee to a summer's day?\nThou art more lovely and more temperate:\nRough winds do shake the darling buds of May,\nAnd summer's lease hath all too short a date:",
            "床前明月光，疑是地上霜。\n举头望明月，低头思故乡。",
            "Every line of this one is a sentence, and ends as such do.\nEvery line of this one is a sentence, and ends as such do.",
        ] {
            assert_eq!(mapped("slack = 0.0", text).0, text);
        }
    }

    #[test]
    fn code_verse_tables_menus_and_copies_stay() {
        for text in [
            "/** Used for built-in method references of all kinds. */\nvar objectProto = Object.prototype, other = more;\n/** Used to check objects for own properties, not others. */\nvar hasOwnProperty = objectProto.hasOwnProperty.call;",
            "import numpy as np, and many other modules from here\nfrom pathlib import Path, PurePath, WindowsPath, others\nresult = compute(first_argument, second_argument, third)\nprint(result, file=sys.stderr, flush=True, end=separator)",
            "The curfew tolls the knell of parting day, and then it\nDoes leave the world to darkness and to me, for all of\nThe ploughman homeward plods his weary way, and there\nfor ever the lowing herd winds slowly o'er the wide lea,\nAnd leaves the world to darkness and to me, and so on it",
            "first cell of the row  second cell of the row  third one\nanother cell of a row  and another of the row  last one\nand more cells of rows  with another of a row  end of it",
            "Apples 10 20 30 40 50 60 70 80 90 100 110 120 130 140 150\nOranges 10 20 30 40 50 60 70 80 90 100 110 120 130 140 15",
            "热门搜索 排行榜 最新更新 全部章节 加入书架 推荐票\n热门搜索 排行榜 最新更新 全部章节 加入书架 投诉箱",
            "没有什么多余的乱七八糟的东西，特别是音量调节钮是按键的而不是\n没有什么多余的乱七八糟的东西，特别是音量调节钮是按键的而不是",
            "*Aliens (novel series), an extension of the franchise\n*the Aliens (TV series), a British television series so",
        ] {
            assert_eq!(mapped("", text).0, text);
        }
        // Prose of which a line speaks of a program, or that has numbers in it.
        let text = "The function that we have seen returns x = 3 and then it\ngoes on with what it was about before that, in 1999 and\nlater, so that nothing of it is lost to anyone who reads.\nAfter all it was prose.";
        assert_eq!(mapped("", text).1.joins, Some(3.0));
    }

    #[test]
    fn widths_are_bounded_exactly() {
        let text = |width: usize| format!("{}\nnext ones", "abcd ".repeat(width / 5 - 1) + "abcde");
        assert_eq!(mapped("", &text(40)).1.joins, Some(1.0));
        assert_eq!(mapped("min_width = 41", &text(40)).1.joins, Some(0.0));
        assert_eq!(mapped("", &text(120)).1.joins, Some(1.0));
        assert_eq!(mapped("max_width = 119", &text(120)).1.joins, Some(0.0));
        // One of two line ends is not broken.
        let half = "abcd ".repeat(9) + "abcd\nabcd efg\nabcd hij";
        assert_eq!(mapped("min_broken_share = 0.5", &half).1.joins, Some(1.0));
        assert_eq!(mapped("min_broken_share = 0.51", &half).1.joins, Some(0.0));
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        let line = "abcd ".repeat(9) + "ab-\n";
        let long = "a".repeat(60) + "-\n";
        for text in [long.as_str(), "\n", "a\n", "- \n", "```\n", "x", " ", line.as_str(), "中\n", "|\n"] {
            mapped("min_width = 0\nmin_broken_share = 0.0\nslack = 1.0", &text.repeat(50_000));
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn nothing_but_line_ends_spaces_and_hyphens_changes(text in "([a-z]{1,9} ?|[中文，。]{1,9}|\n|-\n|\\PC){0,60}") {
            let rest = |text: &str| text.replace(['\n', ' ', '-', '\u{2010}', '\u{ad}', '\t', '\r', '\u{3000}'], "").split_whitespace().collect::<String>();
            let joined = mapped("min_width = 5\nmin_broken_share = 0.0", &text).0;
            prop_assert_eq!(rest(&joined), rest(&text));
        }

        #[test]
        fn what_has_no_blocks_stays(text in "([a-z]{1,9} |\n\n|\\PC){0,40}") {
            if !text.replace("\n\n", "").contains('\n') {
                prop_assert_eq!(mapped("", &text).0, text);
            }
        }
    }
}
