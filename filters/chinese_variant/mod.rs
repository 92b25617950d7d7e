//! Rewrites traditional Chinese as simplified Chinese, or the other way round.
//!
//! By the dictionaries of OpenCC 1.4.2 (`t2s` and `s2t`), phrases before characters, the longest first:
//! 頭髮 becomes 头发 and 發現 发现, 皇后 keeps the 后 that 後來 turns into. Text of Japanese, whose
//! characters are the traditional ones, is left alone; it is told by its kana.
//!
//! | setting          | default      | source                                                        |
//! |------------------|--------------|---------------------------------------------------------------|
//! | `to`             | `simplified` | `simplified` is OpenCC's `t2s`, `traditional` its `s2t`        |
//! | `max_kana_share` | 0.1          | ours: of kana and ideographs together; Chinese has a の at most |

mod dictionary;

use dictionary::{TO_SIMPLIFIED, TO_TRADITIONAL};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Document, Mapper, Setup, Step, Verdict, Wrong, kind};

/// Settings of [`ChineseVariant`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The variant to write.
    pub to: Variant,
    /// Most kana among kana and ideographs of a text that is rewritten.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_kana_share: f64,
}

impl Default for Config {
    fn default() -> Config {
        Config { to: Variant::Simplified, max_kana_share: 0.1 }
    }
}

/// A way to write Chinese.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Variant {
    /// As in mainland China.
    Simplified,
    /// As in OpenCC's standard, before regional habits.
    Traditional,
}

crate::measures! {
    /// What [`ChineseVariant`] measures.
    pub struct Measure {
        /// Share of characters of traditional Chinese alone among the ideographs, before.
        traditional_share,
        /// Characters that became others.
        changed_chars,
    }
}

/// See the words at the top of this file.
pub struct ChineseVariant {
    config: Config,
}

impl Step for ChineseVariant {
    const NAME: &'static str = "chinese_variant";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("mod.rs");
    type Config = Config;
    type Kind = kind::Mapper;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(ChineseVariant { config })
    }
}

impl Mapper for ChineseVariant {
    type Measure = Measure;

    fn map(&self, document: &mut Document, measure: &mut Measure) -> Verdict {
        let count = Count::of(document.text());
        measure.traditional_share = count.traditional_share();
        measure.changed_chars = Some(0.0);
        let both = (count.ideographs + count.kana) as f64;
        if count.ideographs > 0 && count.kana as f64 <= self.config.max_kana_share * both {
            let (text, changed) = written(document.text(), self.config.to);
            measure.changed_chars = Some(changed as f64);
            if let Some(text) = text {
                document.set_text(text);
            }
        }
        Verdict::Keep
    }
}

fn written(text: &str, to: Variant) -> (Option<String>, usize) {
    match to {
        Variant::Simplified => TO_SIMPLIFIED.convert(text),
        Variant::Traditional => TO_TRADITIONAL.convert(text),
    }
}

/// A text in a variant of Chinese; `None` if it is in it already.
pub fn convert(text: &str, to: Variant) -> Option<String> {
    written(text, to).0
}

/// Share of characters of traditional Chinese alone (學, not 后) among the ideographs of a text; `None`
/// if it has no ideographs.
pub fn traditional_share(text: &str) -> Option<f64> {
    Count::of(text).traditional_share()
}

#[derive(Default)]
struct Count {
    ideographs: usize,
    traditional: usize,
    kana: usize,
}

impl Count {
    fn of(text: &str) -> Count {
        let mut count = Count::default();
        for c in text.chars() {
            match c {
                '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' => count.kana += 1,
                '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' => {
                    count.ideographs += 1;
                    count.traditional += usize::from(dictionary::is_traditional(c));
                }
                '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}' => count.ideographs += 1,
                _ => {}
            }
        }
        count
    }

    fn traditional_share(&self) -> Option<f64> {
        (self.ideographs > 0).then(|| self.traditional as f64 / self.ideographs as f64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mapped(to: Variant, text: &str) -> (String, Measure) {
        let mut document = Document::new("", text);
        let mut measure = Measure::default();
        let step = ChineseVariant::new(Config { to, ..Config::default() }, &mut Setup::default()).unwrap();
        assert_eq!(step.map(&mut document, &mut measure), Verdict::Keep);
        (document.text().to_owned(), measure)
    }

    #[test]
    fn sentences_become_what_opencc_makes_of_them() {
        let golden = include_str!("../golden/opencc/sentences.jsonl");
        for line in golden.lines() {
            let sentence: serde_json::Value = serde_json::from_str(line).unwrap();
            let [text, simplified, traditional] = ["text", "t2s", "s2t"].map(|key| sentence[key].as_str().unwrap());
            assert_eq!(mapped(Variant::Simplified, text).0, simplified);
            assert_eq!(mapped(Variant::Traditional, text).0, traditional);
        }
        assert_eq!(golden.lines().count(), 40);
    }

    #[test]
    fn japanese_is_left_alone_up_to_the_bound() {
        for text in ["電車で東京へ行きました。", "カタカナ發音", "hello", ""] {
            assert_eq!(mapped(Variant::Simplified, text).0, text);
        }
        assert_eq!(mapped(Variant::Simplified, "優の良品專賣店是臺灣的").0, "优の良品专卖店是台湾的");
        let nine = "學".repeat(9);
        assert_eq!(mapped(Variant::Simplified, &format!("{nine}の")).0, format!("{}の", "学".repeat(9)));
        assert_eq!(mapped(Variant::Simplified, &format!("{nine}のの")).0, format!("{nine}のの"));
    }

    #[test]
    fn what_changed_is_counted() {
        let (text, measure) = mapped(Variant::Simplified, "皇后的頭髮，ABC");
        assert_eq!(text, "皇后的头发，ABC");
        assert_eq!((measure.changed_chars, measure.traditional_share), (Some(2.0), Some(0.4)));
        assert_eq!(mapped(Variant::Simplified, "none").1.traditional_share, None);
        // Both variants have these.
        assert_eq!(traditional_share("皇后乾坤著作干面里"), Some(0.0));
        assert_eq!(traditional_share("學習漢語"), Some(1.0));
        assert_eq!(convert("学习汉语", Variant::Simplified), None);
        assert_eq!(convert("慈悲\u{f90a}髮", Variant::Simplified).as_deref(), Some("慈悲金发"));
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for text in ["一", "一一得一", "髮", "\u{f900}", "a", "頭髮", "一丁不识丁", "𠀀"] {
            for to in [Variant::Simplified, Variant::Traditional] {
                mapped(to, &text.repeat(100_000));
            }
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    /// By the rule alone, without ranges.
    fn plain(text: &str, phrases: &[(&str, String)], alone: impl Fn(char) -> char) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let found = phrases.iter().filter(|(phrase, _)| rest.starts_with(phrase)).max_by_key(|found| found.0.len());
            match found {
                Some((phrase, to)) => {
                    out.push_str(to);
                    rest = &rest[phrase.len()..];
                }
                None => {
                    out.push(alone(c));
                    rest = &rest[c.len_utf8()..];
                }
            }
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_longest_phrase_is_found(text in "[头头发发现皇后来干乾坤面里表理发髮一一天长地久 a]{0,24}") {
            for (to, dictionary) in [(Variant::Simplified, &TO_SIMPLIFIED), (Variant::Traditional, &TO_TRADITIONAL)] {
                let expected = plain(&text, dictionary.phrases(), |c| dictionary.alone(c));
                prop_assert_eq!(convert(&text, to).unwrap_or_else(|| text.clone()), expected);
            }
        }

        #[test]
        fn no_text_panics(text in "(\\PC|[頭髮發\u{f900}-\u{faff}𠀀-𠀰]){0,60}") {
            mapped(Variant::Simplified, &text);
            mapped(Variant::Traditional, &text);
        }
    }
}
