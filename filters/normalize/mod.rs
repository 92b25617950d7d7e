//! Brings text into one form: Unicode, line ends, white space, control characters, mojibake.
//!
//! A text that is in that form already is found out in one look and left as it is. Mojibake (UTF-8
//! that was once read in a code page of Windows or another, `â€™` for `’`) is repaired line by line as
//! ftfy's `fix_encoding` does it: where neighbours are such as no language has, and the bytes behind
//! them are UTF-8. Layers of it are undone one by one, up to eight. Beyond ftfy, GBK that was read as
//! Latin-1 (`ÄãºÃ` for `你好`) and UTF-8 that was read as GBK (`浣犲ソ`) are repaired where common
//! characters come out. What is lost for good (`U+FFFD`, `锟斤拷`) stays, and is measured.
//!
//! | setting        | default | source                                                                  |
//! |----------------|---------|-------------------------------------------------------------------------|
//! | `form`         | `nfc`   | UAX 15; `nfkc` also folds compatibility forms, full-width ones among them |
//! | `control`      | true    | ours: removes control characters, zero-width spaces, byte-order marks, soft hyphens but for those in four misread characters |
//! | `white_space`  | true    | ours: every kind of space becomes one, runs between words collapse, line ends lose theirs, indentation stays |
//! | `mojibake`     | true    | the decisions of ftfy 6.3.1, `fix_encoding`; the Chinese kinds are ours |
//! | `max_blank_lines` | 1    | ours: empty lines in a row                                               |

mod glance;
mod mojibake;

use glance::{Glance, behind_cjk, eight, is_in_order};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick, is_nfkc_quick};

use crate::kit::{Document, Mapper, Setup, Step, Verdict, Wrong, kind};

/// Settings of [`Normalize`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The Unicode normal form.
    pub form: Form,
    /// Whether control and invisible characters are removed.
    pub control: bool,
    /// Whether white space is unified.
    pub white_space: bool,
    /// Whether mojibake is repaired.
    pub mojibake: bool,
    /// Most empty lines in a row.
    pub max_blank_lines: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config { form: Form::Nfc, control: true, white_space: true, mojibake: true, max_blank_lines: 1 }
    }
}

/// A Unicode normal form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Composed.
    Nfc,
    /// Composed, compatibility forms folded.
    Nfkc,
    /// As it is.
    None,
}

crate::measures! {
    /// What [`Normalize`] measures.
    pub struct Measure {
        /// Lines in which mojibake was repaired.
        mojibake_lines,
        /// Characters that no repair brings back.
        lost_chars,
    }
}

/// See the words at the top of this file.
pub struct Normalize {
    config: Config,
}

impl Step for Normalize {
    const NAME: &'static str = "normalize";
    const VERSION: u32 = 4;
    const WORDS: &'static str = include_str!("mod.rs");
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(Normalize { config })
    }
}

impl Mapper for Normalize {
    type Measure = Measure;

    fn map(&self, document: &mut Document, measure: &mut Measure) -> Verdict {
        let text = document.text();
        let (repaired, lines) = if self.config.mojibake { mojibake::repair(text) } else { (None, 0) };
        *measure = Measure {
            mojibake_lines: self.config.mojibake.then_some(lines as f64),
            lost_chars: Some(mojibake::count_lost(repaired.as_deref().unwrap_or(text)) as f64),
        };
        if let Some(text) = self.normalize(text, repaired) {
            document.set_text(text);
        }
        Verdict::Keep
    }
}

impl Normalize {
    /// The text in its form, or `None` if it is in it already. `changed` is the text without its mojibake.
    fn normalize(&self, text: &str, mut changed: Option<String>) -> Option<String> {
        // Folding can make spaces, so it comes before them.
        let now = changed.as_deref().unwrap_or(text);
        let glance = Glance::at(now);
        let folded: Option<String> = match self.config.form {
            Form::Nfc if !glance.composed && is_nfc_quick(now.chars()) != IsNormalized::Yes => {
                Some(now.nfc().collect())
            }
            Form::Nfkc if is_nfkc_quick(now.chars()) != IsNormalized::Yes => Some(now.nfkc().collect()),
            _ => None,
        };
        if glance.laid_out && folded.is_none() && self.config.max_blank_lines >= 1 {
            return changed.filter(|changed| changed != text);
        }
        changed = folded.or(changed);
        let laid_out = self.lay_out(changed.as_deref().unwrap_or(text));
        (laid_out != text).then_some(laid_out)
    }

    /// White space and control characters in one pass. What stays is copied in runs.
    fn lay_out(&self, text: &str) -> String {
        let mut page = Page { out: String::with_capacity(text.len()), line_start: 0, indent: 0, blank_lines: 0 };
        let bytes = text.as_bytes();
        let (mut run, mut at) = (0, 0);
        while at < bytes.len() {
            if let Some(word) = eight(bytes, at)
                && is_in_order(word)
            {
                at += 8;
                continue;
            }
            let byte = bytes[at];
            let length = match byte {
                b'!'..=b'~' => {
                    at += 1;
                    continue;
                }
                // One space between two words stays in its run.
                b' ' if at > run && bytes[at - 1] != b' ' && bytes.get(at + 1).is_some_and(u8::is_ascii_graphic) => {
                    at += 1;
                    continue;
                }
                0..=0x7f => 1,
                0xc0..=0xdf => 2,
                0xe0..=0xef => {
                    let behind = behind_cjk(bytes, at);
                    if behind > at {
                        at = behind;
                        continue;
                    }
                    3
                }
                _ => 4,
            };
            let c = text[at..at + length].chars().next().expect("a character stands where a lead byte does");
            let next = at + length;
            let is_end = matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}');
            if is_end {
                page.out.push_str(&text[run..at]);
                let pair = c == '\r' && bytes.get(next) == Some(&b'\n');
                at = next + usize::from(pair);
                run = at;
                page.end_line(&self.config);
            } else if self.config.control && is_invisible(c) && !(c == '\u{ad}' && is_misread(text, at)) {
                page.out.push_str(&text[run..at]);
                at = next;
                run = at;
            } else if self.config.white_space && is_space(c) {
                page.out.push_str(&text[run..at]);
                at = next;
                run = at;
                page.space(c);
            } else {
                at = next;
            }
        }
        page.out.push_str(&text[run..]);
        if self.config.white_space {
            page.out.truncate(page.out.trim_end_matches([' ', '\t', '\n']).len());
        }
        page.out
    }
}

/// A text that is being laid out.
struct Page {
    out: String,
    line_start: usize,
    /// Bytes of white space that the line begins with.
    indent: usize,
    /// Empty lines in a row.
    blank_lines: usize,
}

impl Page {
    fn end_line(&mut self, config: &Config) {
        if config.white_space {
            let line = self.out[self.line_start..].trim_end_matches([' ', '\t']).len();
            self.out.truncate(self.line_start + line);
            self.indent = 0;
            let blank = line == 0;
            self.blank_lines = if blank { self.blank_lines.saturating_add(1) } else { 0 };
            // None begins the text.
            if blank && (self.out.is_empty() || self.blank_lines > config.max_blank_lines) {
                return;
            }
        }
        self.out.push('\n');
        self.line_start = self.out.len();
    }

    /// One at most between words. Code lives by its indentation: a line keeps as many as it begins with, and
    /// its tabs.
    fn space(&mut self, space: char) {
        let indents = self.out.len() == self.line_start + self.indent;
        if !indents && self.out.ends_with(' ') {
            return;
        }
        self.out.push(if indents && space == '\t' { '\t' } else { ' ' });
        self.indent += usize::from(indents);
    }
}

fn is_space(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\u{b}' | '\u{c}' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// Whether the soft hyphen at `at` may be a byte of another code page: it stands in a run of four characters or
/// more that Latin-1 has above ASCII. What no repair has brought back yet is not to be lost.
fn is_misread(text: &str, at: usize) -> bool {
    let high = |c: &char| matches!(c, '\u{a1}'..='\u{ff}');
    let before = text[..at].chars().rev().take(3).take_while(high).count();
    before + text[at..].chars().take(4).take_while(high).count() >= 4
}

/// Control characters, and what takes no place: zero-width spaces, byte-order marks, soft hyphens,
/// characters that are none. Joiners stay: Persian and emoji need them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fdd0}'..='\u{fdef}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normalized(config: Config, text: &str) -> String {
        let mut document = Document::new("", text);
        Normalize::new(config, &mut Setup::default()).unwrap().map(&mut document, &mut Measure::default());
        document.text().to_owned()
    }

    fn default(text: &str) -> String {
        normalized(Config::default(), text)
    }

    #[test]
    fn white_space_and_line_ends_become_one() {
        assert_eq!(default("a\u{a0}\u{3000} b \r\nc\r\r\n\n\nd\u{2028}e\t\tf \n"), "a b\nc\n\nd\ne f");
        assert_eq!(default("\n \n  a\n  b"), "  a\n  b");
        assert_eq!(default(" a"), " a");
        assert_eq!(default("\u{3000}\u{3000}中文\n\u{3000}\u{3000}字"), "  中文\n  字");
        assert_eq!(normalized(Config { max_blank_lines: usize::MAX, ..Config::default() }, "\n\na\n\n\nb"), "a\n\n\nb");
        assert_eq!(default("if x:\n    y  =\t1\n\t\u{3000}z\n \t\nend"), "if x:\n    y = 1\n\t z\n\nend");
        assert_eq!(
            normalized(Config { white_space: false, ..Config::default() }, "if x:\r\n    y\n"),
            "if x:\n    y\n"
        );
    }

    #[test]
    fn invisible_characters_go_and_joiners_stay() {
        assert_eq!(default("\u{feff}a\u{200b}b\u{ad}c\0d\u{7}"), "abcd");
        assert_eq!(default("می\u{200c}خواهم"), "می\u{200c}خواهم");
        // A byte of a code page that nothing brings back.
        assert_eq!(default("¸\u{ad}×Æ÷ zö\u{ad}ü grö\u{ad}ße"), "¸\u{ad}×Æ÷ zöü größe");
    }

    #[test]
    fn forms_compose_and_fold() {
        assert_eq!(default("e\u{301}"), "é");
        assert_eq!(default("ｆｕｌｌ，①"), "ｆｕｌｌ，①");
        assert_eq!(normalized(Config { form: Form::Nfkc, ..Config::default() }, "ｆｕｌｌ，①"), "full,1");
        assert_eq!(normalized(Config { form: Form::None, ..Config::default() }, "e\u{301}"), "e\u{301}");
    }

    #[test]
    fn mojibake_is_repaired_and_words_of_real_languages_are_not() {
        for (broken, whole) in [
            ("donâ€™t", "don’t"),
            ("â€œquotedâ€\u{9d} â€” yes", "“quoted” — yes"),
            ("cafÃ© and naÃ¯ve", "café and naïve"),
            ("Â£5 Â© 2020", "£5 © 2020"),
            ("ä½\u{a0}å¥½", "你好"),
            ("dÃƒÂ©jÃƒÂ\u{a0} vu", "déjà vu"),
        ] {
            assert_eq!(default(broken), whole);
        }
        for real in
            ["SÃO PAULO", "Ångström", "niño", "Übergröße", "Ďábel žluťoučký", "Γειά σου", "Привет", "…", "100 € – 20 %"]
        {
            assert_eq!(default(real), real);
        }
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for text in ["Ã", "ÃƒÂ", "\u{301}", "\n", " \n", "\u{3099}\u{301}", "\t", "\u{ad}"] {
            default(&text.repeat(50_000));
        }
        default(&"x".repeat(4_000_000));
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    /// Line by line, with the default settings.
    fn plain_layout(text: &str) -> String {
        let unified = text.replace("\r\n", "\n").replace(['\r', '\u{85}', '\u{2028}', '\u{2029}'], "\n");
        let visible: String = unified
            .char_indices()
            .filter(|(at, c)| !is_invisible(*c) || *c == '\u{ad}' && is_misread(&unified, *at))
            .map(|(_, c)| if is_space(c) && c != '\t' { ' ' } else { c })
            .collect();
        let mut lines: Vec<String> = Vec::new();
        for line in visible.split('\n') {
            let words = line.trim_start_matches([' ', '\t']);
            let mut single = line[..line.len() - words.len()].to_owned();
            for c in words.replace('\t', " ").chars() {
                if c != ' ' || !single.ends_with(' ') {
                    single.push(c);
                }
            }
            let line = single.trim_end_matches([' ', '\t']).to_owned();
            let blanks = lines.iter().rev().take_while(|line| line.is_empty()).count();
            if !line.is_empty() || blanks < 1 && !lines.is_empty() {
                lines.push(line);
            }
        }
        lines.join("\n").trim_end_matches([' ', '\n']).to_owned()
    }

    proptest! {
        #[test]
        fn what_is_normal_stays_and_a_second_time_changes_nothing(text in "([a-z 中文，。é\u{301}\u{a0}\r\n\t\u{200b}Ââ€œ]|\\PC){0,80}") {
            let once = default(&text);
            // A tab that became a space may have made mojibake of its neighbours: `Â\t¡`.
            prop_assume!(mojibake::repair(&once).1 == 0);
            prop_assert_eq!(&default(&once), &once);
        }

        #[test]
        fn the_quick_look_never_takes_for_composed_what_is_not(text in "([a-c é中文，。ーがカ\u{3099}\u{301}ÅΩ가ﬁ\u{2126}]|\\PC){0,12}") {
            if Glance::at(&text).composed {
                prop_assert_eq!(text.nfc().collect::<String>(), text);
            }
        }

        #[test]
        fn a_text_that_looks_laid_out_is(text in "([abcdefgh \n]{30}|[abcdefgh \n\t中。，」“\u{a0}\u{2028}\u{3000}\u{302a}é]){0,60}") {
            if Glance::at(&text).laid_out {
                prop_assert_eq!(plain_layout(&text), text);
            }
        }

        #[test]
        fn laying_out_in_runs_gives_what_plain_code_gives(text in "[ab 中，「　\u{a0}\t\r\n\u{2028}\u{200b}é\u{ad}]{0,40}") {
            let step = Normalize::new(Config::default(), &mut Setup::default()).unwrap();
            prop_assert_eq!(step.lay_out(&text), plain_layout(&text));
        }
    }
}
