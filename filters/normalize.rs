//! Brings text into one form: Unicode, line ends, white space, control characters, mojibake.
//!
//! A text that is in that form already is found out in one look and left as it is. Mojibake (UTF-8
//! that was once read as Windows-1252, `â€™` for `’`) is repaired line by line, and only where every
//! character of a suspicious run turns back into valid UTF-8.
//!
//! | setting        | default | source                                                                  |
//! |----------------|---------|-------------------------------------------------------------------------|
//! | `form`         | `nfc`   | UAX 15; `nfkc` also folds compatibility forms, full-width ones among them |
//! | `control`      | true    | ours: removes control characters, zero-width spaces, byte-order marks, soft hyphens |
//! | `white_space`  | true    | ours: every kind of space becomes one, runs collapse, line ends lose theirs |
//! | `mojibake`     | true    | after ftfy, without its model of likely characters                       |
//! | `max_blank_lines` | 1    | ours: empty lines in a row                                               |

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

/// See the words at the top of this file.
pub struct Normalize {
    config: Config,
}

impl Step for Normalize {
    const NAME: &'static str = "normalize";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("normalize.rs");
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(Normalize { config })
    }
}

impl Mapper for Normalize {
    type Measure = ();

    fn map(&self, document: &mut Document, _: &mut ()) -> Verdict {
        // The quick look knows the composed form, and one empty line between others.
        let quick = self.config.form != Form::Nfkc && self.config.max_blank_lines >= 1;
        if !(quick && is_plain(document.text())) {
            let text = self.normalize(document.text());
            if text != document.text() {
                document.set_text(text);
            }
        }
        Verdict::Keep
    }
}

/// Whether the text surely needs nothing: printable ASCII and characters that are what they are in
/// every form, single spaces, no white space at the end of a line, no two empty lines in a row.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Two line ends before the start, so that empty lines there are counted too.
    let (mut before, mut before_that) = (b'\n', b'\n');
    for (at, &byte) in bytes.iter().enumerate() {
        match CLASS[usize::from(byte)] {
            Class::Plain => {}
            Class::Space if before == b' ' || before == b'\n' && at == 0 => return false,
            Class::Space => {}
            Class::End if before == b' ' || before == b'\n' && before_that == b'\n' => return false,
            Class::End => {}
            // The lead byte of 一 to 鿿 and of most Hangul; other leads take the slow way.
            Class::Lead if matches!(bytes.get(at + 1), Some(0x80..=0xbf)) && is_ideograph(bytes, at) => {}
            Class::Lead | Class::Other => return false,
            Class::Trail => {}
        }
        (before, before_that) = (byte, before);
    }
    !matches!(before, b' ' | b'\n') || text.is_empty()
}

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Plain,
    Space,
    End,
    Lead,
    Trail,
    Other,
}

const CLASS: [Class; 256] = {
    let mut table = [Class::Other; 256];
    let mut byte = 0x21;
    while byte < 0x7f {
        table[byte] = Class::Plain;
        byte += 1;
    }
    table[b' ' as usize] = Class::Space;
    table[b'\n' as usize] = Class::End;
    let mut trail = 0x80;
    while trail < 0xc0 {
        table[trail] = Class::Trail;
        trail += 1;
    }
    let mut lead = 0xe3;
    while lead <= 0xe9 {
        table[lead] = Class::Lead;
        lead += 1;
    }
    table[0xef] = Class::Lead;
    table
};

/// Three bytes at `at`: a CJK ideograph of the main block, kana, or full-width punctuation of
/// everyday Chinese. They are the same in NFC; NFKC is asked only where it is wanted.
fn is_ideograph(bytes: &[u8], at: usize) -> bool {
    let Some(&[lead, second, third]) = bytes.get(at..at + 3) else { return false };
    let code = u32::from(lead & 0x0f) << 12 | u32::from(second & 0x3f) << 6 | u32::from(third & 0x3f);
    // 、。〈〉《》「」『』【】, kana without the combining marks, ideographs, ！（），：；？
    matches!(code, 0x3001..=0x3002 | 0x3008..=0x3011 | 0x3041..=0x3096 | 0x30a1..=0x30fc | 0x4e00..=0x9fff | 0xff01 | 0xff08 | 0xff09 | 0xff0c | 0xff1a | 0xff1b | 0xff1f)
}

impl Normalize {
    fn normalize(&self, text: &str) -> String {
        let mut text = std::borrow::Cow::Borrowed(text);
        if self.config.mojibake && text.bytes().any(|byte| byte >= 0xc2) {
            let repaired = repair(&text);
            if let Some(repaired) = repaired {
                text = repaired.into();
            }
        }
        // Folding can make spaces, so it comes first.
        match self.config.form {
            Form::Nfc if is_nfc_quick(text.chars()) != IsNormalized::Yes => {
                text = text.nfc().collect::<String>().into()
            }
            Form::Nfkc if is_nfkc_quick(text.chars()) != IsNormalized::Yes => {
                text = text.nfkc().collect::<String>().into()
            }
            _ => {}
        }
        self.lay_out(&text)
    }

    /// White space and control characters in one pass.
    fn lay_out(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let (mut blank_lines, mut line_start) = (self.config.max_blank_lines, 0);
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            match c {
                '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                    if c == '\r' && characters.peek() == Some(&'\n') {
                        characters.next();
                    }
                    if self.config.white_space {
                        out.truncate(line_start + out[line_start..].trim_end_matches(' ').len());
                    }
                    // The start of the text counts as behind empty lines: none shall begin it.
                    let blank = out.len() == line_start;
                    blank_lines = if blank { blank_lines + 1 } else { 0 };
                    let too_many = self.config.white_space && blank && blank_lines > self.config.max_blank_lines;
                    if !too_many {
                        out.push('\n');
                        line_start = out.len();
                    }
                }
                _ if is_invisible(c) && self.config.control => {}
                _ if is_space(c) && self.config.white_space => {
                    if out.len() > line_start && !out.ends_with(' ') || out.len() == line_start && !out.is_empty() {
                        out.push(' ');
                    }
                }
                _ => out.push(c),
            }
        }
        if self.config.white_space {
            out.truncate(out.trim_end_matches([' ', '\n']).len());
        }
        out
    }
}

fn is_space(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\u{b}' | '\u{c}' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// Control characters, and what takes no place: zero-width spaces, byte-order marks, soft hyphens,
/// characters that are none. Joiners stay: Persian and emoji need them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fdd0}'..='\u{fdef}' | '\u{fffe}' | '\u{ffff}')
}

/// Turns runs of characters that are UTF-8 read as Windows-1252 back into what they were, as often as
/// it happened, up to three times. `None` where there is nothing to repair.
fn repair(text: &str) -> Option<String> {
    let mut repaired = None;
    for _ in 0..3 {
        match repair_once(repaired.as_deref().unwrap_or(text)) {
            Some(better) => repaired = Some(better),
            None => break,
        }
    }
    repaired
}

fn repair_once(text: &str) -> Option<String> {
    let mut out = None::<String>;
    let mut from = 0;
    let mut at = 0;
    while at < text.len() {
        let c = text[at..].chars().next().expect("`at` is before the end, at a character");
        let length = c.len_utf8();
        // Only a lead byte of two to four can begin a run.
        let Some(lead @ 0xc2..=0xf4) = byte_of(c).filter(|_| !c.is_ascii()) else {
            at += length;
            continue;
        };
        let wanted = match lead {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            _ => 4,
        };
        let mut bytes = [0; 4];
        let mut end = at;
        let mut filled = 0;
        for next in text[at..].chars().take(wanted) {
            let Some(byte) = byte_of(next) else { break };
            if filled > 0 && !(0x80..0xc0).contains(&byte) {
                break;
            }
            bytes[filled] = byte;
            filled += 1;
            end += next.len_utf8();
        }
        let found = (filled == wanted).then(|| std::str::from_utf8(&bytes[..filled]).ok()).flatten();
        match found.filter(|found| likely(&text[at..end], found)) {
            Some(found) => {
                let out = out.get_or_insert_default();
                out.push_str(&text[from..at]);
                out.push_str(found);
                at = end;
                from = at;
            }
            None => at += length,
        }
    }
    out.map(|mut out| {
        out.push_str(&text[from..]);
        out
    })
}

/// Two letters that also make a pair of bytes occur in real words (`Ã©` does not, `Í¥` may): a pair is
/// taken for mojibake only if its second character is none that follows a letter in any language.
fn likely(run: &str, found: &str) -> bool {
    let mut rest = run.chars();
    rest.next();
    let odd = |c: char| !c.is_alphabetic() || u32::from(c) > 0xff || matches!(c, 'ª' | 'º' | 'µ');
    found.chars().all(|c| !c.is_control())
        && (run.chars().count() > 2
            || rest.all(odd) && !run.starts_with(['Â', 'Î', 'Ï', 'Ð', 'Ñ', '×'])
            || run.starts_with('Â') && rest_is_latin1(run))
}

/// `Â` before a mark of Latin-1 is the most common mojibake of all: `Â£`, `Â©`, and the no-break space.
fn rest_is_latin1(run: &str) -> bool {
    run.chars().nth(1).is_some_and(|c| matches!(c, '\u{a0}'..='\u{bf}'))
}

/// The byte that Windows-1252 reads as this character; bytes it leaves undefined are read as Latin-1
/// has them.
fn byte_of(c: char) -> Option<u8> {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match u32::from(c) {
        code @ 0..=0xff => Some(code as u8),
        _ => HIGH.iter().position(|high| *high == c).map(|at| 0x80 + at as u8),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normalized(config: Config, text: &str) -> String {
        let mut document = Document::new("", text);
        Normalize::new(config, &mut Setup::default()).unwrap().map(&mut document, &mut ());
        document.text().to_owned()
    }

    fn default(text: &str) -> String {
        normalized(Config::default(), text)
    }

    #[test]
    fn white_space_and_line_ends_become_one() {
        assert_eq!(default("a\u{a0}\u{3000} b \r\nc\r\r\n\n\nd\u{2028}e\t\tf \n"), "a b\nc\n\nd\ne f");
        assert_eq!(default("\n\n  a"), "a");
        assert_eq!(default("if x:\n    y"), "if x:\n y");
        assert_eq!(
            normalized(Config { white_space: false, ..Config::default() }, "if x:\r\n    y\n"),
            "if x:\n    y\n"
        );
    }

    #[test]
    fn invisible_characters_go_and_joiners_stay() {
        assert_eq!(default("\u{feff}a\u{200b}b\u{ad}c\0d\u{7}"), "abcd");
        assert_eq!(default("می\u{200c}خواهم"), "می\u{200c}خواهم");
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

    proptest! {
        #[test]
        fn what_is_normal_stays_and_a_second_time_changes_nothing(text in "([a-z 中文，。é\u{301}\u{a0}\r\n\t\u{200b}Ââ€œ]|\\PC){0,80}") {
            let once = default(&text);
            prop_assert_eq!(&default(&once), &once);
        }

        #[test]
        fn the_quick_look_agrees_with_the_whole_work(text in "[a-c 中文，。ーが\n]{0,40}") {
            if is_plain(&text) {
                let step = Normalize::new(Config::default(), &mut Setup::default()).unwrap();
                prop_assert_eq!(step.normalize(&text), text);
            }
        }
    }
}
