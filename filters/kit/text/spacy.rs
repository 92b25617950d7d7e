//! Words by the rules of spaCy's blank pipelines (version 3.8, MIT), which datatrove cuts many languages by.
//!
//! The text is cut at white space. Each chunk then sheds marks from its front and its back until it is
//! a known exception (`don't`, `U.S.`), a URL, or bare; what is left is cut at infixes (`a--b`,
//! `well-known`). Languages differ in which marks those are. The rules are written anew from their
//! description; they are held to spaCy's answers by the conformance test in `tests/conformance/datatrove`.

mod exceptions;
mod french;
mod marks;

use exceptions::Exceptions;

use super::{Letters, Span};

/// Whose rules a text is cut by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Of no language: those that most languages share.
    General,
    /// As those, with contractions and abbreviations.
    English,
    /// A hyphen does not cut, a slash does; no dot comes off a number.
    German,
    /// An elided article or pronoun comes off.
    French,
    /// A hyphen does not cut.
    Spanish,
    /// Hardly a dot comes off.
    Arabic,
    /// As of no language, with abbreviations; a letter may bear a stress mark.
    Russian,
}

/// Cuts a text into words, marks included.
pub fn words(text: &str, rules: Rules, spans: &mut Vec<Span>) {
    let cutter = Cutter::of(rules);
    let exceptions = cutter.0;
    let bytes = text.as_bytes();
    let mut letters = Letters::of(bytes);
    let mut at = 0;
    while at < bytes.len() {
        // Chunks of ASCII letters, perhaps with a mark behind, are most of any text and need no more
        // than a look.
        let start = at;
        at = letters.end(at);
        if is_space(bytes, at) {
            if at > start {
                exceptions.whole(text, start, at, spans);
            }
            at += 1;
            continue;
        }
        if at > start && cutter.comes_off(text, start, at) {
            exceptions.whole(text, start, at, spans);
            spans.push((at as u32, at as u32 + 1));
            at += 2;
            continue;
        }
        let rest = &text[start..];
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        if length == 0 {
            at = start + rest.chars().next().map_or(1, char::len_utf8);
            continue;
        }
        exceptions.chunk(text, start, start + length, spans);
        at = start + length;
    }
}

impl Rules {
    /// Whether the mark at `at`, which follows an ASCII letter, always comes off: what [`suffix`] says
    /// of the few marks that are most of all.
    ///
    /// [`suffix`]: Rules::suffix
    fn comes_off(self, bytes: &[u8], at: usize) -> bool {
        match bytes[at] {
            b',' | b';' | b':' | b'!' | b'?' | b')' | b'"' => true,
            b'.' => self != Rules::Arabic && bytes[at - 1].is_ascii_lowercase(),
            _ => false,
        }
    }
}

/// Cuts chunks between white space one by one.
#[derive(Clone, Copy)]
pub struct Cutter(&'static Exceptions);

impl Cutter {
    /// By whose rules.
    pub fn of(rules: Rules) -> Cutter {
        Cutter(Exceptions::of(rules))
    }

    /// Cuts one chunk.
    pub fn chunk(self, text: &str, start: usize, end: usize, spans: &mut Vec<Span>) {
        self.0.chunk(text, start, end, spans);
    }

    /// Whether the chunk at `start` is ASCII letters up to `at` and one mark that comes off; that there are
    /// letters, the caller has seen.
    #[inline(always)]
    pub fn comes_off(self, text: &str, start: usize, at: usize) -> bool {
        let bytes = text.as_bytes();
        self.0.rules.comes_off(bytes, at) && is_space(bytes, at + 1) && self.0.find(&text[start..=at]).is_none()
    }
}

/// Whether there is ASCII white space at `at`, or nothing.
#[inline(always)]
pub fn is_space(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(|byte| byte.is_ascii_whitespace() || *byte == 0x0b)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<&str> {
        let mut spans = Vec::new();
        super::words(text, super::Rules::English, &mut spans);
        spans.into_iter().map(|(start, end)| &text[start as usize..end as usize]).collect()
    }

    /// What spaCy 3.8's blank English tokenizer answers.
    #[test]
    fn words_are_those_of_spacy() {
        for (text, expected) in [
            ("Hello, world!", "Hello|,|world|!"),
            ("I don't think it's well-known.", "I|do|n't|think|it|'s|well|-|known|."),
            (
                "(see https://example.org/a?b=c, or mail a.b@example.org)",
                "(|see|https://example.org/a?b=c|,|or|mail|a.b@example.org|)",
            ),
            ("The U.S. pays $3.50, i.e. 10% more...", "The|U.S.|pays|$|3.50|,|i.e.|10|%|more|..."),
            ("You cannot; I'll — she'd've", "You|can|not|;|I|'ll|—|she|'d|'ve"),
            ("a/b x=y 10km 5-6 end.Start", "a|/|b|x|=|y|10|km|5|-|6|end|.|Start"),
            ("“Quoted,” he said…", "“|Quoted|,|”|he|said|…"),
            ("#tag @user C++", "#|tag|@user|C++"),
            ("你好，世界。", "你好，世界|。"),
            ("…a a… …………… so……", "…|a|a|…|…|…|…|……|so|……"),
        ] {
            assert_eq!(words(text).join("|"), expected);
        }
    }

    #[test]
    fn languages_differ_in_what_comes_off() {
        let words = |text, rules| {
            let mut spans = Vec::new();
            super::words(text, rules, &mut spans);
            spans.into_iter().map(|(start, end)| &text[start as usize..end as usize]).collect::<Vec<_>>().join("|")
        };
        use super::Rules;
        assert_eq!(
            words("Am 3. Mai z.B. E-Mail und/oder (Arbeit).", Rules::German),
            "Am|3.|Mai|z.B.|E-Mail|und|/|oder|(|Arbeit|)|."
        );
        assert_eq!(words("L'homme qu'il dit-il aujourd'hui.", Rules::French), "L'|homme|qu'|il|dit|-il|aujourd'hui|.");
        assert_eq!(words("Teórico-práctico, ¿qué?", Rules::Spanish), "Teórico-práctico|,|¿|qué|?");
        assert_eq!(words("كلمة. كلمة، نعم", Rules::Arabic), "كلمة.|كلمة|،|نعم");
        assert_eq!(words("Слово-слово, да.", Rules::General), "Слово|-|слово|,|да|.");
        assert_eq!(words("В 1990 г. за́мок. И т.д.", Rules::Russian), "В|1990|г.|за́мок|.|И|т.д.");
        assert_eq!(words("A-t-elle vu l'arc-en-ciel ?", Rules::French), "A|-t|-elle|vu|l'|arc-en-ciel|?");
    }

    proptest! {
        #[test]
        fn words_come_in_order_and_leave_out_white_space_alone(text in "\\PC{0,60}|[a-z' .,\n-]{0,60}") {
            let joined: String = words(&text).concat();
            let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            prop_assert_eq!(joined, plain);
        }
    }

    proptest! {
        #[test]
        fn a_text_is_cut_as_its_chunks_are(
            text in "([a-zA-Z]{1,3}|Mr|cannot|don't|e\\.g|U|[.,;:!?)\"'(…]| |\n|\u{3000}|é|1)*"
        ) {
            for rules in [super::Rules::English, super::Rules::General, super::Rules::German, super::Rules::Arabic] {
                let (mut whole, mut chunks) = (Vec::new(), Vec::new());
                super::words(&text, rules, &mut whole);
                for chunk in text.split_whitespace() {
                    let start = chunk.as_ptr().addr() - text.as_ptr().addr();
                    super::Cutter::of(rules).chunk(&text, start, start + chunk.len(), &mut chunks);
                }
                prop_assert_eq!(&whole, &chunks, "{:?}", rules);
            }
        }
    }

    #[test]
    fn no_exception_is_longer_than_what_is_looked_at() {
        use super::Rules::{Arabic, English, French, General, German, Russian, Spanish};
        let all = [General, English, German, French, Spanish, Arabic, Russian].map(super::exceptions::exceptions);
        assert_eq!(all.iter().map(|cuts| cuts.len()).collect::<Vec<_>>(), [171, 1342, 412, 273, 275, 197, 560]);
        assert_eq!(all.iter().flat_map(|cuts| cuts.keys()).map(String::len).max(), Some(super::exceptions::LONGEST));
    }

    #[test]
    fn no_unit_is_longer_than_what_is_looked_at_or_ends_with_a_digit() {
        assert!(!super::marks::UNITS.iter().any(|unit| unit.ends_with(|c: char| c.is_ascii_digit())));
        assert_eq!(super::marks::UNITS.iter().map(|unit| unit.len()).max(), Some(super::marks::LONGEST_UNIT));
    }

    #[test]
    fn long_chunks_take_linear_time() {
        let started = std::time::Instant::now();
        for text in [
            "(".repeat(1_000_000),
            "(".repeat(1_000_000) + "a",
            "(".repeat(1_000_000) + "1a",
            "…a".repeat(500_000) + ".",
            "a.".repeat(500_000) + "://",
            "'".repeat(1_000_000) + "s",
            "\u{301}".repeat(500_000),
            "a-".repeat(500_000),
            ".".repeat(1_000_000),
            "!a".repeat(500_000),
            "x".repeat(1_000_000) + &"!".repeat(1_000_000),
        ] {
            words(&text);
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }
}
