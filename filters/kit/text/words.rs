//! How a text is cut into words.

use std::sync::LazyLock;

use super::spacy::{self, Rules};
use super::{Letters, Span, push, treebank, unicode, wordpunct};

/// How a text is cut into words. Punctuation is a word too, white space never is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Words {
    /// By the rules of spaCy's blank English pipeline, as datatrove uses it.
    English,
    /// By spaCy's rules for no language in particular: as `english`, without its contractions and
    /// abbreviations. For other languages that put spaces between words.
    General,
    /// By spaCy's rules for German.
    German,
    /// By spaCy's rules for French.
    French,
    /// By spaCy's rules for Spanish.
    Spanish,
    /// By spaCy's rules for Arabic.
    Arabic,
    /// By spaCy's rules for Russian.
    Russian,
    /// By jieba, with its model of unknown words, as datatrove uses it for Chinese.
    Chinese,
    /// At the word boundaries of Unicode (UAX #29), as DCLM does.
    Unicode,
    /// Each character of a script without spaces (Han, kana, Thai, Lao, Khmer, Burmese) by itself, other
    /// letters and digits as they run. For Thai and others that have no segmenter here.
    Characters,
    /// Hiragana and Han by two, katakana and other letters and digits as they run. A Japanese word is about
    /// that long.
    Japanese,
    /// At white space.
    Spaces,
    /// By the rules of NLTK's `word_tokenize`: the Penn Treebank's, within sentences.
    Treebank,
    /// Runs of word characters and runs of other marks, as NLTK's `WordPunctTokenizer` cuts.
    Wordpunct,
}

impl Words {
    /// How many ways there are.
    pub(super) const COUNT: usize = Words::Wordpunct as usize + 1;

    /// The rules of spaCy that cut so, if any do.
    pub(super) fn rules(self) -> Option<Rules> {
        match self {
            Words::English => Some(Rules::English),
            Words::General => Some(Rules::General),
            Words::German => Some(Rules::German),
            Words::French => Some(Rules::French),
            Words::Spanish => Some(Rules::Spanish),
            Words::Arabic => Some(Rules::Arabic),
            Words::Russian => Some(Rules::Russian),
            _ => None,
        }
    }
}

/// Cuts a text into words.
pub(super) fn cut(text: &str, how: Words, spans: &mut Vec<Span>) {
    if let Some(rules) = how.rules() {
        return spacy::words(text, rules, spans);
    }
    match how {
        Words::Chinese => chinese(text, spans),
        Words::Unicode => unicode::words(text, spans),
        Words::Characters => {
            runs(text, spans, |c| if c.is_alphanumeric() && !is_unspaced(c) { Run::Whole } else { Run::Single })
        }
        Words::Japanese => runs(text, spans, japanese),
        Words::Spaces => at_spaces(text, spans),
        Words::Treebank => treebank::words(text, spans),
        Words::Wordpunct => wordpunct::words(text, spans),
        Words::English
        | Words::General
        | Words::German
        | Words::French
        | Words::Spanish
        | Words::Arabic
        | Words::Russian => unreachable!("cut by spaCy's rules"),
    }
}

/// Bytes of text that jieba is given at once, and more up to the next line end.
const JIEBA_PORTION: usize = 64 << 10;

/// As `split_whitespace` does, byte by byte where the text is ASCII.
fn at_spaces(text: &str, spans: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut letters = Letters::of(bytes);
    let (mut from, mut at) = (0, 0);
    while at < bytes.len() {
        at = letters.end(at);
        let space = match bytes.get(at) {
            None => break,
            Some(b'\t'..=b'\r' | b' ') => 1,
            Some(0x80..) => {
                let c = text[at..].chars().next().expect("there is a byte");
                if c.is_whitespace() {
                    c.len_utf8()
                } else {
                    at += c.len_utf8();
                    continue;
                }
            }
            Some(_) => {
                at += 1;
                continue;
            }
        };
        push(spans, from, at);
        at += space;
        from = at;
    }
    push(spans, from, bytes.len());
}

fn chinese(text: &str, spans: &mut Vec<Span>) {
    chinese_in(text, JIEBA_PORTION, spans);
}

/// jieba lists all words of what it is given, and a line end is between words anyway.
fn chinese_in(text: &str, portion: usize, spans: &mut Vec<Span>) {
    static JIEBA: LazyLock<jieba_rs::Jieba> = LazyLock::new(jieba_rs::Jieba::new);
    let mut at = 0;
    for token in portions(text, portion).flat_map(|portion| JIEBA.cut(portion, true)) {
        let word = token.word;
        let trimmed = word.trim_start();
        let start = at + word.len() - trimmed.len();
        let word = trimmed.trim_end();
        at += token.word.len();
        match word.len() {
            0 => {}
            1 => spans.push((start as u32, start as u32 + 1)),
            _ if word.bytes().any(|byte| matches!(byte, b'.' | b'_' | b'-')) => part_names(word, start, spans),
            length => spans.push((start as u32, (start + length) as u32)),
        }
    }
}

/// A text in portions of at least so many bytes, each but the last up to a line end.
fn portions(text: &str, least: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let end = text.as_bytes().get(least..).and_then(|tail| memchr::memchr(b'\n', tail));
        let (portion, later) = end.map_or((text, ""), |end| text.split_at(least + end + 1));
        rest = (!later.is_empty()).then_some(later);
        Some(portion)
    })
}

/// jieba-rs keeps names such as `open-font-design` and `v1.2.3` whole. jieba itself knows runs of
/// letters and digits, with digits behind one dot and a per cent sign, and what stands between them.
fn part_names(word: &str, start: usize, spans: &mut Vec<Span>) {
    let bytes = word.as_bytes();
    let run = |mut at: usize, is: fn(&u8) -> bool| {
        while bytes.get(at).is_some_and(is) {
            at += 1;
        }
        at
    };
    let (mut from, mut at) = (0, 0);
    while at < bytes.len() {
        if !bytes[at].is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        if from < at {
            spans.push(((start + from) as u32, (start + at) as u32));
        }
        let mut end = run(at, u8::is_ascii_alphanumeric);
        if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
            end = run(end + 1, u8::is_ascii_digit);
        }
        end += usize::from(bytes.get(end) == Some(&b'%'));
        spans.push(((start + at) as u32, (start + end) as u32));
        (from, at) = (end, end);
    }
    if from < bytes.len() {
        spans.push(((start + from) as u32, (start + bytes.len()) as u32));
    }
}

/// How far characters of a kind run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// Each is a word.
    Single,
    /// Two of the same kind are a word.
    Hiragana,
    /// As hiragana.
    Han,
    /// All in a row are a word.
    Katakana,
    /// As katakana.
    Whole,
}

fn japanese(c: char) -> Run {
    match c {
        '\u{3040}'..='\u{309f}' => Run::Hiragana,
        '・' => Run::Single,
        '\u{30a0}'..='\u{30ff}' => Run::Katakana,
        '\u{4e00}'..='\u{9fff}' | '々' => Run::Han,
        _ if c.is_alphanumeric() => Run::Whole,
        _ => Run::Single,
    }
}

/// Cuts into runs of characters of one kind. Marks stay with the character they stand on.
fn runs(text: &str, spans: &mut Vec<Span>, kind: impl Fn(char) -> Run) {
    let (mut before, mut length) = (Run::Single, 0); // of the word that is being read, which is the last one
    for (at, c) in text.char_indices() {
        let (at, end) = (at as u32, (at + c.len_utf8()) as u32);
        let now = kind(c);
        let most = match now {
            Run::Single => 1,
            Run::Hiragana | Run::Han => 2,
            Run::Katakana | Run::Whole => usize::MAX,
        };
        let mark = unicode_normalization::char::is_combining_mark(c);
        match spans.last_mut().filter(|last| last.1 == at) {
            Some(last) if mark => last.1 = end,
            Some(last) if now == before && length < most => {
                last.1 = end;
                length += 1;
            }
            _ if c.is_whitespace() => {}
            _ => {
                spans.push((at, end));
                (before, length) = (now, 1);
            }
        }
    }
}

/// Whether a character belongs to a script that is written without spaces between words, and counts for a word
/// where no segmenter is at hand.
pub fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Burmese
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3005}'..='\u{3007}' // 々〆〇
        | '\u{3040}'..='\u{30ff}' // hiragana, katakana
        | '\u{31f0}'..='\u{31ff}'
        | '\u{ff66}'..='\u{ff9f}')
        || is_han(c)
}

/// Whether a character is Han: CJK ideographs, compatibility forms and extensions included.
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str, how: Words) -> Vec<&str> {
        let mut spans = Vec::new();
        cut(text, how, &mut spans);
        spans.into_iter().map(|(start, end)| &text[start as usize..end as usize]).collect()
    }

    #[test]
    fn each_way_cuts_as_its_words_say() {
        let text = "Don't say e.g. 你好世界！ ok";
        assert_eq!(words(text, Words::English), ["Do", "n't", "say", "e.g.", "你好世界", "！", "ok"]);
        assert_eq!(words(text, Words::General), ["Don't", "say", "e.g", ".", "你好世界", "！", "ok"]);
        assert_eq!(words(text, Words::Unicode), ["Don't", "say", "e.g", ".", "你", "好", "世", "界", "！", "ok"]);
        assert_eq!(words(text, Words::Characters)[4..], ["e", ".", "g", ".", "你", "好", "世", "界", "！", "ok"]);
        assert_eq!(words(text, Words::Spaces), ["Don't", "say", "e.g.", "你好世界！", "ok"]);
        assert_eq!(words("我爱北京天安门 \n，好", Words::Chinese), ["我", "爱", "北京", "天安门", "，", "好"]);
        assert_eq!(words("東京はGPT-4 ภาษาไทย", Words::Characters).join("|"), "東|京|は|GPT|-|4|ภ|า|ษ|า|ไ|ท|ย");
        let japanese = "東京都のタワーでGPT-4を使っています。か\u{3099}";
        assert_eq!(
            words(japanese, Words::Japanese).join("|"),
            "東京|都|の|タワー|で|GPT|-|4|を|使|って|いま|す|。|か\u{3099}"
        );
    }

    /// What jieba 0.42.1 answers.
    #[test]
    fn names_among_chinese_are_cut_as_jieba_does() {
        for (text, expected) in [
            ("使用open-font-design字体", "使用|open|-|font|-|design|字体"),
            ("版本v1.2.3和3.14%，a_b..c", "版本|v1.2|.|3|和|3.14%|，|a|_|b|..|c"),
            ("C++和AT&T都好", "C++|和|AT&T|都|好"),
        ] {
            assert_eq!(words(text, Words::Chinese).join("|"), expected);
        }
    }

    proptest! {
        #[test]
        fn spaces_are_those_of_the_library(text in "([a-z]{1,9}|[A-Z0-9.,_'-]|é|字|[ \t\n\r\u{b}\u{c}\u{1c}\u{85}\u{a0}\u{3000}\u{200b}]){0,40}") {
            prop_assert_eq!(words(&text, Words::Spaces), text.split_whitespace().collect::<Vec<_>>());
        }

        #[test]
        fn chinese_is_cut_alike_in_portions(text in "([一-龥]{0,3}|我爱北京天安门|，|。|[a-z0-9.%]{0,3}| |\r?\n){0,40}", portion in 0..20_usize) {
            let (mut whole, mut parts) = (Vec::new(), Vec::new());
            chinese_in(&text, usize::MAX, &mut whole);
            chinese_in(&text, portion, &mut parts);
            prop_assert_eq!(whole, parts);
        }

        #[test]
        fn words_come_in_order_and_leave_out_white_space_alone(text in "\\PC{0,60}|[a-z' .,字ไ\u{301}\n-]{0,60}|[a-zA '\"`.,?!()\\[:;»”’-]{0,60}") {
            let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            for how in crate::kit::EVERY_WAY {
                let joined: String = words(&text, how).concat().chars().filter(|c| !c.is_whitespace()).collect();
                prop_assert_eq!(&joined, &plain, "{:?}", how);
            }
        }
    }
}
