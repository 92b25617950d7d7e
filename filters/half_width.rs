//! Brings full-width letters, digits, marks and spaces (`ＡＢＣ１２３％`) to their usual width.
//!
//! Input methods of Chinese and Japanese write them at will, and a tokenizer takes `ＧＰＴ－４` for
//! something rare. Punctuation of Chinese is full-width by right and stays unless asked for; `。` and
//! `、` always stay. Half-width katakana can be widened, its marks of sound joined to their letters.
//!
//! | setting               | default | source                                                            |
//! |-----------------------|---------|-------------------------------------------------------------------|
//! | `letters`             | true    | Unicode, Halfwidth and Fullwidth Forms: U+FF21 to U+FF5A            |
//! | `digits`              | true    | same: U+FF10 to U+FF19                                             |
//! | `marks`               | true    | same: the others of U+FF01 to U+FF5E, and `￠￡￢￣￤￥￦` but for ￥      |
//! | `chinese_punctuation` | false   | `，！？：；（）～` and ￥, which Chinese text keeps                     |
//! | `space`               | true    | the ideographic space, U+3000                                     |
//! | `katakana`            | false   | U+FF61 to U+FF9F become full-width                                 |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::kit::{Document, Mapper, Setup, Step, Verdict, Wrong, kind};

/// Settings of [`HalfWidth`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether letters become half-width.
    pub letters: bool,
    /// Whether digits become half-width.
    pub digits: bool,
    /// Whether marks that are no punctuation of Chinese become half-width.
    pub marks: bool,
    /// Whether commas, colons, semicolons, brackets, tildes, marks of exclamation and question, and the
    /// sign of the yuan become half-width.
    pub chinese_punctuation: bool,
    /// Whether ideographic spaces become spaces.
    pub space: bool,
    /// Whether half-width katakana and its punctuation become full-width.
    pub katakana: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { letters: true, digits: true, marks: true, chinese_punctuation: false, space: true, katakana: false }
    }
}

crate::measures! {
    /// What [`HalfWidth`] measures.
    pub struct Measure {
        /// Full-width letters and digits that became half-width.
        narrowed_letters,
        /// Full-width marks and spaces that became half-width.
        narrowed_marks,
        /// Half-width katakana and its punctuation that became full-width.
        widened_katakana,
    }
}

/// See the words at the top of this file.
pub struct HalfWidth {
    config: Config,
}

impl Step for HalfWidth {
    const NAME: &'static str = "half_width";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("half_width.rs");
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(HalfWidth { config })
    }
}

impl Mapper for HalfWidth {
    type Measure = Measure;

    fn map(&self, document: &mut Document, measure: &mut Measure) -> Verdict {
        let text = document.text();
        let bytes = text.as_bytes();
        let mut out = None::<String>;
        let (mut letters, mut marks, mut katakana) = (0_usize, 0_usize, 0_usize);
        let mut from = 0;
        // The ideographic space begins with E3 80 80; all the others with EF BC, BD or BF.
        for at in memchr::memchr2_iter(0xe3, 0xef, bytes) {
            if at < from || bytes[at] == 0xe3 && bytes[at + 1..at + 3] != [0x80, 0x80] {
                continue;
            }
            let c = text[at..].chars().next().expect("a character stands where a lead byte does");
            if self.config.katakana && is_katakana(c) {
                let length = text[at..].find(|c| !is_katakana(c)).unwrap_or(text.len() - at);
                let run = &text[at..at + length];
                katakana += run.chars().count();
                let out = out.get_or_insert_with(|| String::with_capacity(text.len()));
                out.push_str(&text[from..at]);
                out.extend(run.nfkc());
                from = at + length;
                continue;
            }
            let Some(half) = self.half(c) else { continue };
            let count = if half.is_ascii_alphanumeric() { &mut letters } else { &mut marks };
            *count += 1;
            let out = out.get_or_insert_with(|| String::with_capacity(text.len()));
            out.push_str(&text[from..at]);
            out.push(half);
            from = at + c.len_utf8();
        }
        *measure = Measure {
            narrowed_letters: Some(letters as f64),
            narrowed_marks: Some(marks as f64),
            widened_katakana: self.config.katakana.then_some(katakana as f64),
        };
        if let Some(mut out) = out {
            out.push_str(&text[from..]);
            document.set_text(out);
        }
        Verdict::Keep
    }
}

impl HalfWidth {
    /// What a character becomes, if it is one of those that change.
    fn half(&self, c: char) -> Option<char> {
        let changes = match c {
            '\u{3000}' => self.config.space,
            'Ａ'..='Ｚ' | 'ａ'..='ｚ' => self.config.letters,
            '０'..='９' => self.config.digits,
            '，' | '！' | '？' | '：' | '；' | '（' | '）' | '～' | '￥' => self.config.chinese_punctuation,
            '\u{ff01}'..='\u{ff5e}' | '\u{ffe0}'..='\u{ffe6}' => self.config.marks,
            _ => false,
        };
        if !changes {
            return None;
        }
        Some(match c {
            '\u{3000}' => ' ',
            '￠' => '¢',
            '￡' => '£',
            '￢' => '¬',
            '￣' => '¯',
            '￤' => '¦',
            '￥' => '¥',
            '￦' => '₩',
            _ => char::from_u32(u32::from(c) - 0xfee0).expect("full-width forms follow the order of ASCII"),
        })
    }
}

fn is_katakana(c: char) -> bool {
    matches!(c, '\u{ff61}'..='\u{ff9f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mapped(settings: &str, text: &str) -> (String, Measure) {
        let mut document = Document::new("", text);
        let mut measure = Measure::default();
        let step = HalfWidth::new(toml::from_str(settings).unwrap(), &mut Setup::default()).unwrap();
        assert_eq!(step.map(&mut document, &mut measure), Verdict::Keep);
        (document.text().to_owned(), measure)
    }

    #[test]
    fn letters_digits_marks_and_spaces_become_half_width_and_chinese_punctuation_stays() {
        let (text, measure) = mapped("", "ＧＰＴ－４　达到９５．５％，真的！（是）。、");
        assert_eq!(text, "GPT-4 达到95.5%，真的！（是）。、");
        assert_eq!((measure.narrowed_letters, measure.narrowed_marks), (Some(7.0), Some(4.0)));
        assert_eq!(mapped("", "Ａ～ｚ０＠［￡￥").0, "A～z0@[£￥");
    }

    #[test]
    fn each_setting_changes_its_own() {
        let text = "Ａ１％，　ｶﾞ｡";
        for (settings, expected) in [
            ("letters = false", "Ａ1%， ｶﾞ｡"),
            ("digits = false", "A１%， ｶﾞ｡"),
            ("marks = false", "A1％， ｶﾞ｡"),
            ("chinese_punctuation = true", "A1%, ｶﾞ｡"),
            ("space = false", "A1%，　ｶﾞ｡"),
            ("katakana = true", "A1%， ガ。"),
        ] {
            assert_eq!(mapped(settings, text).0, expected, "{settings}");
        }
        assert_eq!(mapped("katakana = true", text).1.widened_katakana, Some(3.0));
        assert_eq!(mapped("chinese_punctuation = true", "。、「」【】《》").0, "。、「」【】《》");
        assert_eq!(mapped("", "").0, "");
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for text in ["Ａ", "ﾞ", "　", "，", "ぁ", "a"] {
            mapped("katakana = true", &text.repeat(200_000));
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn everything_switched_on_is_what_unicode_folds(text in "[a-c中。、\u{3000}\u{ff01}-\u{ff9f}￠￡￢￤￥￦ぁ-ん]{0,40}") {
            let plain: String = text
                .split_inclusive(|c| !is_katakana(c))
                .flat_map(|part| part.nfkc())
                .collect();
            let (ours, _) = mapped("katakana = true\nchinese_punctuation = true", &text);
            // A mark of sound is joined within its run alone.
            prop_assert_eq!(ours.nfkc().collect::<String>(), plain.nfkc().collect::<String>());
        }

        #[test]
        fn a_second_time_changes_nothing(text in "\\PC{0,40}") {
            let once = mapped("katakana = true", &text).0;
            prop_assert_eq!(&mapped("katakana = true", &once).0, &once);
        }
    }
}
