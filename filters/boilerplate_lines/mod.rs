//! Removes lines of menus, shares, cookies, copyrights and counters, in English and Chinese.
//!
//! Lines are compared without case, white space and the marks and digits around. Only short ones are looked at:
//!
//! - anywhere in the text, a line that says nothing but a phrase of menus (`Read more`, `登录`), a counter
//!   (`12 comments`, `阅读(123)`), or three or more phrases with marks between, at least half of them known
//!   (`Home | News | Contact`);
//! - among the first and last `edge_lines` lines, a line that begins as notices do (`Share this`, `Copyright ©`,
//!   `责任编辑：`, `上一篇：`), or that holds a phrase of theirs (`all rights reserved`, `we use cookies`). Where prose
//!   may begin so too (`Posted by`, `来源：`, `登录后`), a sentence or a dozen words stay unless they speak to the
//!   reader of a site; a copyright needs its year or its sign (`Copyright 2019 Acme`), `未经` what is forbidden.
//!
//! What is left of a document may be nothing; it stays for a filter to judge.
//!
//! | setting | default | source |
//! |---|---|---|
//! | `max_line_chars` | 100 | ours: longest line that is looked at, in characters; an ideograph counts for two |
//! | `edge_lines` | 12 | ours: lines from either end, empty ones aside |
//! | `phrases`, `counters`, `menus`, `notices` | true | ours |

mod phrases;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Anchored, Input, MatchKind, StartKind};

use phrases::{BEGIN, BEGIN_OR_PROSE, HOLD, HOLD_OR_PROSE, PHRASES, RIGHTS, TO_READERS};

use crate::kit::{Document, Mapper, Setup, Step, Verdict, Wrong, kind};

/// Settings of [`BoilerplateLines`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Longest line that is looked at, in characters; an ideograph counts for two.
    pub max_line_chars: usize,
    /// Lines from either end that may be notices.
    pub edge_lines: usize,
    /// Whether lines go that are a phrase of menus.
    pub phrases: bool,
    /// Whether counters go.
    pub counters: bool,
    /// Whether rows of phrases go.
    pub menus: bool,
    /// Whether notices at the edges go.
    pub notices: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { max_line_chars: 100, edge_lines: 12, phrases: true, counters: true, menus: true, notices: true }
    }
}

crate::measures! {
    /// What [`BoilerplateLines`] measures.
    pub struct Measure {
        /// Lines before, empty ones aside.
        lines,
        /// Lines that were removed.
        removed_lines,
    }
}

/// See the words at the top of this file.
pub struct BoilerplateLines {
    config: Config,
}

static KNOWN: LazyLock<HashSet<&str>> = LazyLock::new(|| PHRASES.iter().copied().collect());
static BEGINS: LazyLock<AhoCorasick> = LazyLock::new(|| beginning(BEGIN));
static PROSE_BEGINS: LazyLock<AhoCorasick> = LazyLock::new(|| beginning(BEGIN_OR_PROSE));
static HOLDS: LazyLock<AhoCorasick> = LazyLock::new(|| holding(HOLD));
static PROSE_HOLDS: LazyLock<AhoCorasick> = LazyLock::new(|| holding(HOLD_OR_PROSE));
static SPEAKS_TO_READERS: LazyLock<AhoCorasick> = LazyLock::new(|| holding(TO_READERS));
static SAYS_RIGHTS: LazyLock<AhoCorasick> = LazyLock::new(|| holding(RIGHTS));

fn beginning(patterns: &[&str]) -> AhoCorasick {
    let builder =
        AhoCorasick::builder().start_kind(StartKind::Anchored).match_kind(MatchKind::LeftmostFirst).build(patterns);
    builder.expect("a few short patterns")
}

fn holding(patterns: &[&str]) -> AhoCorasick {
    AhoCorasick::new(patterns).expect("a few short patterns")
}

impl Step for BoilerplateLines {
    const NAME: &'static str = "boilerplate_lines";
    const VERSION: u32 = 2;
    const WORDS: &'static str = include_str!("mod.rs");
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(BoilerplateLines { config })
    }
}

impl Mapper for BoilerplateLines {
    type Measure = Measure;

    fn map(&self, document: &mut Document, measure: &mut Measure) -> Verdict {
        let text = document.text();
        let lines = text.split('\n').filter(|line| !line.trim().is_empty()).count();
        let mut out = String::new();
        let (mut copied, mut at, mut number, mut removed) = (0, 0, 0, 0);
        let mut lower = String::new();
        for line in text.split_inclusive('\n') {
            let end = at + line.len();
            let trimmed = line.trim();
            if !trimmed.is_empty() {
                number += 1;
                let edge = number <= self.config.edge_lines || number + self.config.edge_lines > lines;
                if self.is_boilerplate(trimmed, edge, &mut lower) {
                    out.push_str(&text[copied..at]);
                    copied = end;
                    removed += 1;
                }
            }
            at = end;
        }
        *measure = Measure { lines: Some(lines as f64), removed_lines: Some(f64::from(removed)) };
        if removed > 0 {
            out.push_str(&text[copied..]);
            // The line end before a last line that is gone parts nothing.
            if !text.ends_with('\n') && copied == text.len() && out.ends_with('\n') {
                out.pop();
            }
            document.set_text(out);
        }
        Verdict::Keep
    }
}

impl BoilerplateLines {
    /// Whether a line goes; `edge` tells whether it may be a notice.
    fn is_boilerplate(&self, line: &str, edge: bool, lower: &mut String) -> bool {
        let max = self.config.max_line_chars;
        // Four bytes make a character, and three make two.
        if line.len() > max.saturating_mul(4) || width(line) > max {
            return false;
        }
        lower.clear();
        lower.extend(line.chars().flat_map(char::to_lowercase));
        let line = lower.as_str();
        self.config.phrases && is_phrase(line)
            || self.config.counters && is_counter(line)
            || self.config.menus && is_menu(line)
            || edge && self.config.notices && is_notice(line)
    }
}

fn width(line: &str) -> usize {
    line.chars().map(|c| if c >= '\u{1100}' { 2 } else { 1 }).sum()
}

/// Without what decorates a phrase: marks, arrows, digits.
fn bare(phrase: &str) -> &str {
    phrase.trim_matches(|c: char| !c.is_alphabetic())
}

fn is_phrase(line: &str) -> bool {
    // A sentence is none, however short.
    let sentence = line.ends_with(['.', '。', '，', ',']) && !line.ends_with("...");
    !sentence && !line.starts_with(|c: char| c.is_numeric()) && KNOWN.contains(bare(line))
}

/// Three or more phrases with marks between, at least half of them known and none long.
fn is_menu(line: &str) -> bool {
    let marks = ['|', '｜', '»', '›', '>', '·', '•', '/', '┊', '│'];
    if !line.contains(marks) {
        return false;
    }
    let (mut parts, mut known) = (0, 0);
    for part in line.split(marks).map(str::trim).filter(|part| !part.is_empty()) {
        if width(part) > 30 {
            return false;
        }
        parts += 1;
        known += usize::from(KNOWN.contains(bare(part)));
    }
    parts >= 3 && known * 2 >= parts
}

/// A number and what is counted, and nothing else.
fn is_counter(line: &str) -> bool {
    const ENGLISH: [&str; 24] = [
        "comments",
        "comment",
        "likes",
        "like",
        "shares",
        "share",
        "views",
        "view",
        "followers",
        "following",
        "retweets",
        "reads",
        "downloads",
        "replies",
        "reply",
        "votes",
        "reviews",
        "points",
        "subscribers",
        "upvotes",
        "reposts",
        "bookmarks",
        "min read",
        "minutes read",
    ];
    const CHINESE: [&str; 32] = [
        "阅读",
        "阅读数",
        "阅读量",
        "阅读次数",
        "浏览",
        "浏览量",
        "浏览数",
        "浏览次数",
        "点击",
        "点击数",
        "点击量",
        "点击率",
        "点击次数",
        "评论",
        "评论数",
        "条评论",
        "回复",
        "回复数",
        "人气",
        "收藏",
        "点赞",
        "赞",
        "转发",
        "分享",
        "次",
        "次阅读",
        "次浏览",
        "人阅读",
        "人浏览",
        "人收藏",
        "人点赞",
        "粉丝",
    ];
    if !line.contains(|c: char| c.is_ascii_digit() || ('０'..='９').contains(&c)) {
        return false;
    }
    let is_number = |c: char| {
        c.is_numeric() && !c.is_alphabetic()
            || matches!(
                c,
                ',' | '.'
                    | '，'
                    | '('
                    | ')'
                    | '（'
                    | '）'
                    | ':'
                    | '：'
                    | '['
                    | ']'
                    | '【'
                    | '】'
                    | '+'
                    | ' '
                    | '\u{a0}'
            )
    };
    let inner = line.trim_matches(is_number);
    let tail = inner.strip_suffix("次").map_or(inner, |inner| inner.trim_end_matches(is_number));
    let unit = inner.strip_prefix(['k', 'm', '万', '萬']).map_or(inner, |rest| rest.trim_start());
    [inner, tail, unit].iter().any(|word| ENGLISH.contains(word) || CHINESE.contains(word))
}

fn is_notice(line: &str) -> bool {
    let begin = line.trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '©' | '(' | '【'));
    let begins = |with: &AhoCorasick| {
        with.try_find(Input::new(begin).anchored(Anchored::Yes)).is_ok_and(|found| found.is_some())
    };
    if begins(&BEGINS) || HOLDS.is_match(line) || is_copyright(begin) || is_forbidden(line) {
        return true;
    }
    let may_be = begins(&PROSE_BEGINS) && !begin.starts_with("登录后台") || PROSE_HOLDS.is_match(line);
    may_be && (!is_prose(line) || SPEAKS_TO_READERS.is_match(line))
}

/// Whether a line is a sentence, of several clauses, or of a dozen words and more: no label with what it labels.
fn is_prose(line: &str) -> bool {
    let end = line.trim_end_matches(['"', '”', '’', ')', '）', '」']);
    let sentence = end.ends_with(['.', '!', '?', ';', '。', '！', '？', '；']) && !end.ends_with("...");
    sentence || line.contains(['，', '。', '；']) || line.split_whitespace().count() >= 12
}

/// Words that a line with a year in it may have around it, and still be a notice of copyright.
const COPYRIGHT_WORDS: usize = 8;

/// `Copyright 2019 Acme`, `(c) Acme 2019`: not what is written about copyright, nor a third point `(c)`.
fn is_copyright(line: &str) -> bool {
    let (sign, rest) = match (line.strip_prefix("copyright"), line.strip_prefix("(c)")) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => return false,
    };
    let rest = rest.trim_start_matches([' ', ':', '-', '–', '—']);
    let year = |word: &str| {
        let digits = word.trim_matches(|c: char| !c.is_ascii_digit());
        digits.len() >= 4 && (digits.starts_with("19") || digits.starts_with("20"))
    };
    let short = rest.split_whitespace().count() <= COPYRIGHT_WORDS;
    !sign && (rest.is_empty() || rest.starts_with(['©', 'ⓒ', '®']) || rest.starts_with("(c)"))
        || rest.split_whitespace().next().is_some_and(year)
        || short && !is_prose(rest) && rest.split_whitespace().any(year)
}

/// `版权所有 某公司`, `未经授权，禁止转载`: not those who have rights, nor what happens without leave.
fn is_forbidden(line: &str) -> bool {
    let rights = ["版权所有", "版權所有"].iter().find_map(|words| line.split_once(words));
    let owned = rights.is_some_and(|(before, behind)| {
        !behind.starts_with(['者', '人', '方', '权', '權', '的']) && !is_prose(before) && !is_prose(behind)
    });
    owned || (rights.is_some() || line.contains("未经")) && SAYS_RIGHTS.is_match(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mapped(settings: &str, text: &str) -> String {
        let mut document = Document::new("", text);
        let step = BoilerplateLines::new(toml::from_str(settings).unwrap(), &mut Setup::default()).unwrap();
        step.map(&mut document, &mut Measure::default());
        document.text().to_owned()
    }

    fn goes(line: &str) -> bool {
        mapped("", &format!("It is a line.\n{line}\n它也是一行。")) == "It is a line.\n它也是一行。"
    }

    #[test]
    fn lines_of_menus_and_notices_go() {
        for line in [
            "Home",
            "READ MORE »",
            "  Share this:  ",
            "» Log In «",
            "12 Comments",
            "1.2k views",
            "3 min read",
            "Home | News | Contact Us",
            "Home > Blog > My trip",
            "© 2019 Acme Inc. All rights reserved.",
            "Posted by Jane on May 3",
            "This website uses cookies to improve it.",
            "首页",
            "【返回顶部】",
            "登录 | 注册 | 联系我们",
            "阅读(123)",
            "浏览次数：１２３次",
            "评论 5",
            "上一篇：一个故事",
            "责任编辑：张三",
            "分享到：",
            "版权所有 某某公司",
            "点击查看更多",
            "登录后查看全部内容",
            "本文来自网络，未经授权禁止转载",
            "沪ICP备12345号",
            "1万次阅读",
            "Copyright © Acme",
            "Copyright Acme Inc. 2004-2019",
            "(c) 2019 by the author",
            "(C) Acme 2019",
            "Posted on May 3, 2019 by Jane in News",
            "来源：新华网 2019-05-03",
            "版权所有：某某公司",
            "本书版权所有，翻印必究。",
            "登录后，您可以发表评论。",
            "By using it you agree to our privacy policy.",
            "作者：张三",
        ] {
            assert!(goes(line), "{line}");
        }
    }

    #[test]
    fn lines_of_texts_stay() {
        for line in [
            "",
            "Home.",
            "He went home",
            "3 apples",
            "The comments were kind",
            "1. Home",
            "2019",
            "either/or/both",
            "Searching for more",
            "他登录了网站。",
            "我的首页设计",
            "有3次机会",
            "一共评论了很多",
            "第3章 阅读",
            "a | b | c",
            "Copyright law protects the authors of original works.",
            "Copyright is a right of authors",
            "Copyright in the 2019 edition belongs to nobody, which is the point of it.",
            "(c) the party of the third part shall pay all costs.",
            "(c) a list of members",
            "Posted by the door, a guard watched the street all night.",
            "Subscribe to a theory long enough and it becomes a habit.",
            "Google changed its privacy policy on Monday.",
            "来源：这些数据来自统计局，由作者整理而成。",
            "版权所有者有权要求赔偿。",
            "版权所有人是张三",
            "登录后，系统会自动跳转到个人中心。",
            "登录后台可以看到每天的统计",
            "她大学毕业后才能独立生活。",
            "未经世事的少年",
            "未经同意，他拿走了那本书。",
            "地址：这是一个计算机术语，指内存单元的编号。",
            "Share prices fell by 3 percent on Monday and the next days as well, while others said nothing about it at all.",
        ] {
            assert!(!goes(line), "{line}");
        }
    }

    #[test]
    fn notices_go_at_the_edges_alone_and_long_lines_never() {
        let line = "版权所有 某公司";
        let text =
            |before: usize| format!("{}{line}\n{}", "正文的一行。\n".repeat(before), "正文的一行。\n".repeat(20));
        assert_eq!(mapped("", &text(11)).matches(line).count(), 0);
        assert_eq!(mapped("", &text(12)).matches(line).count(), 1);
        let end = |after: usize| format!("{}{line}\n{}", "正文的一行。\n".repeat(20), "正文的一行。\n".repeat(after));
        assert_eq!(mapped("", &end(11)).matches(line).count(), 0);
        assert_eq!(mapped("", &end(12)).matches(line).count(), 1);
        let long = |chars: usize| format!("{}版权所有", "a".repeat(chars - 8));
        assert_eq!(mapped("", &long(100)), "");
        assert_eq!(mapped("", &long(101)), long(101));
        assert_eq!(mapped("max_line_chars = 0", "Home"), "Home");
    }

    #[test]
    fn each_rule_has_its_switch() {
        assert_eq!(mapped("phrases = false", "Home\nx"), "Home\nx");
        assert_eq!(mapped("counters = false", "12 likes\nx"), "12 likes\nx");
        assert_eq!(mapped("menus = false", "Home | News | Blog\nx"), "Home | News | Blog\nx");
        assert_eq!(mapped("notices = false", "版权所有\nx"), "版权所有\nx");
        assert_eq!(mapped("", ""), "");
        assert_eq!(mapped("", "x\nHome"), "x");
        assert_eq!(mapped("", "Home\n"), "");
    }

    #[test]
    fn no_phrase_is_out_of_reach() {
        for phrase in PHRASES.iter().filter(|phrase| !phrase.ends_with("...")) {
            assert!(is_phrase(phrase) || bare(phrase) != *phrase, "{phrase}");
        }
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for piece in ["\n", "|", "1 ", "home|", "home\n", "版", "©\n"] {
            mapped("", &piece.repeat(100_000));
            mapped("max_line_chars = 10000000", &piece.repeat(100_000));
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(\\PC|[0-9|\\n ]|home|首页|次|©){0,40}") {
            mapped("", &text);
        }
    }
}
