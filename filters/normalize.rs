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
        if let Some(text) = self.normalize(document.text()) {
            document.set_text(text);
        }
        Verdict::Keep
    }
}

impl Normalize {
    /// The text in its form, or `None` if it is in it already.
    fn normalize(&self, text: &str) -> Option<String> {
        let mut changed = if self.config.mojibake { repair(text) } else { None };
        // Folding can make spaces, so it comes before them.
        let now = changed.as_deref().unwrap_or(text);
        match self.config.form {
            Form::Nfc if !is_surely_nfc(now) && is_nfc_quick(now.chars()) != IsNormalized::Yes => {
                changed = Some(now.nfc().collect())
            }
            Form::Nfkc if is_nfkc_quick(now.chars()) != IsNormalized::Yes => changed = Some(now.nfkc().collect()),
            _ => {}
        }
        let now = changed.as_deref().unwrap_or(text);
        self.lay_out(now).or(changed).filter(|changed| changed != text)
    }

    /// White space and control characters in one pass; `None` if they are as they should be. What
    /// stays is copied in runs.
    fn lay_out(&self, text: &str) -> Option<String> {
        if self.config.max_blank_lines >= 1 && is_laid_out(text) {
            return None;
        }
        let mut page = Page { out: String::new(), line_start: 0, blank_lines: self.config.max_blank_lines };
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
                0xe4..=0xe9 => {
                    at = behind_ideographs(bytes, at);
                    continue;
                }
                0..=0x7f => 1,
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
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
            } else if self.config.control && is_invisible(c) {
                page.out.push_str(&text[run..at]);
                at = next;
                run = at;
            } else if self.config.white_space && is_space(c) {
                page.out.push_str(&text[run..at]);
                at = next;
                run = at;
                page.space();
            } else {
                at = next;
            }
        }
        page.out.push_str(&text[run..]);
        if self.config.white_space {
            page.out.truncate(page.out.trim_end_matches([' ', '\n']).len());
        }
        Some(page.out)
    }
}

/// A text that is being laid out.
struct Page {
    out: String,
    line_start: usize,
    /// Empty lines in a row. The start of the text counts as behind as many as are allowed, so that
    /// none begins it.
    blank_lines: usize,
}

impl Page {
    fn end_line(&mut self, config: &Config) {
        if config.white_space {
            let line = self.out[self.line_start..].trim_end_matches(' ').len();
            self.out.truncate(self.line_start + line);
            let blank = line == 0;
            self.blank_lines = if blank { self.blank_lines + 1 } else { 0 };
            if blank && self.blank_lines > config.max_blank_lines {
                return;
            }
        }
        self.out.push('\n');
        self.line_start = self.out.len();
    }

    fn space(&mut self) {
        // None at the start of the text, and one at most elsewhere; a line keeps one of its indent.
        if !self.out.is_empty() && !self.out.ends_with(' ') {
            self.out.push(' ');
        }
    }
}

const EACH: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = EACH * 0x80;

/// Eight bytes of ASCII at once, or `None` near the end and where there are others.
fn eight(bytes: &[u8], at: usize) -> Option<u64> {
    let word = u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().expect("eight bytes"));
    (word & HIGH == 0).then_some(word)
}

/// The high bit of each byte that equals `wanted`; all bytes are ASCII.
fn equal(word: u64, wanted: u8) -> u64 {
    HIGH & !((word ^ (EACH * u64::from(wanted))) + (EACH * 0x7f))
}

/// Passes over ideographs and their neighbours in the code: nothing among them is a space, a mark or
/// in need of composing.
fn behind_ideographs(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && (0xe4..=0xe9).contains(&bytes[at]) {
        at += 3;
    }
    at
}

/// Whether eight bytes are printable, with single spaces within and none at either end.
fn is_in_order(word: u64) -> bool {
    let spaces = equal(word, b' ');
    let control = HIGH & !(word + EACH * (0x80 - 0x20)) | equal(word, 0x7f);
    control == 0 && spaces & (spaces >> 8) == 0 && spaces & (0x80 | 0x80 << 56) == 0
}

/// Whether white space and control characters are surely as they should be: single spaces between
/// words, at most one empty line, none at either end. May say no where nothing is to be done.
fn is_laid_out(text: &str) -> bool {
    let bytes = text.as_bytes();
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\n'));
    if blank(bytes.first()) || blank(bytes.last()) || memchr::memmem::find(bytes, b"\n\n\n").is_some() {
        return false;
    }
    let mut at = 0;
    while at < bytes.len() {
        if let Some(word) = eight(bytes, at) {
            let (spaces, ends) = (equal(word, b' '), equal(word, b'\n'));
            // Bytes below the space have no carry into their high bit.
            let control = HIGH & !(word + EACH * (0x80 - 0x20)) | equal(word, 0x7f);
            let followed = spaces & ((spaces | ends) >> 8);
            let last = spaces >> 63 == 1 && blank(bytes.get(at + 8));
            if control & !ends != 0 || followed != 0 || last {
                return false;
            }
            at += 8;
            continue;
        }
        match bytes[at] {
            b' ' if blank(bytes.get(at + 1)) => return false,
            b' '..=b'~' | b'\n' => at += 1,
            0..=0x7f => return false,
            0xe4..=0xe9 => at = behind_ideographs(bytes, at),
            _ => {
                let c = text[at..].chars().next().expect("a character stands where a lead byte does");
                if is_space(c) || is_invisible(c) || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}') {
                    return false;
                }
                at += c.len_utf8();
            }
        }
    }
    true
}

/// Whether the text can only be composed: ASCII, Latin letters below the combining marks, ideographs,
/// kana without its marks, full-width forms. Anything else is looked up.
fn is_surely_nfc(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if eight(bytes, at).is_some() {
            at += 8;
            continue;
        }
        if (0xe4..=0xe9).contains(&bytes[at]) {
            at = behind_ideographs(bytes, at);
            continue;
        }
        at += match bytes[at] {
            0..=0x7f => 1,
            0xc2..=0xcb => 2,
            0xe3 if matches!(bytes[at + 1], 0x80..=0x81)
                || bytes[at + 1] == 0x83
                || bytes[at + 1] == 0x82 && !(0x99..=0x9c).contains(&bytes[at + 2]) =>
            {
                3
            }
            0xef if matches!(bytes[at + 1], 0xbc | 0xbd) => 3,
            0xe2 if bytes[at + 1] == 0x80 && bytes[at + 2] >= 0x82 => 3,
            _ => return false,
        };
    }
    true
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
    // Only the lead byte of two to four can begin a run: Â to ô, whose own first byte is C3.
    for at in memchr::memchr_iter(0xc3, text.as_bytes()) {
        if at < from {
            continue;
        }
        let lead = text.as_bytes()[at + 1] + 0x40;
        if !(0xc2..=0xf4).contains(&lead) {
            continue;
        }
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
        if let Some(found) = found.filter(|found| likely(&text[at..end], found)) {
            let out = out.get_or_insert_default();
            out.push_str(&text[from..at]);
            out.push_str(found);
            from = end;
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

    /// Line by line, with the default settings.
    fn plain_layout(text: &str) -> String {
        let unified = text.replace("\r\n", "\n").replace(['\r', '\u{85}', '\u{2028}', '\u{2029}'], "\n");
        let visible: String =
            unified.chars().filter(|c| !is_invisible(*c)).map(|c| if is_space(c) { ' ' } else { c }).collect();
        let mut lines: Vec<String> = Vec::new();
        for line in visible.split('\n') {
            let mut single = String::new();
            for c in line.chars() {
                if c != ' ' || !single.ends_with(' ') {
                    single.push(c);
                }
            }
            let line = single.trim_end_matches(' ').to_owned();
            let blanks = lines.iter().rev().take_while(|line| line.is_empty()).count();
            if !line.is_empty() || blanks < 1 && !lines.is_empty() {
                lines.push(line);
            }
        }
        if let Some(first) = lines.first_mut() {
            *first = first.trim_start_matches(' ').to_owned();
        }
        lines.join("\n").trim_end_matches([' ', '\n']).to_owned()
    }

    proptest! {
        #[test]
        fn what_is_normal_stays_and_a_second_time_changes_nothing(text in "([a-z 中文，。é\u{301}\u{a0}\r\n\t\u{200b}Ââ€œ]|\\PC){0,80}") {
            let once = default(&text);
            prop_assert_eq!(&default(&once), &once);
        }

        #[test]
        fn the_quick_look_never_takes_for_composed_what_is_not(text in "([a-c é中文，。ーがカ\u{3099}\u{301}ÅΩ가ﬁ\u{2126}]|\\PC){0,12}") {
            if is_surely_nfc(&text) {
                prop_assert_eq!(text.nfc().collect::<String>(), text);
            }
        }

        #[test]
        fn a_text_that_looks_laid_out_is(text in "[abcdefgh \n\t中。\u{a0}é]{0,60}") {
            if is_laid_out(&text) {
                prop_assert_eq!(plain_layout(&text), text);
            }
        }

        #[test]
        fn laying_out_in_runs_gives_what_plain_code_gives(text in "[ab 中　\u{a0}\t\r\n\u{2028}\u{200b}é]{0,40}") {
            let step = Normalize::new(Config::default(), &mut Setup::default()).unwrap();
            prop_assert_eq!(step.lay_out(&text).unwrap_or(text.clone()), plain_layout(&text));
        }
    }
}
