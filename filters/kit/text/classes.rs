//! How many characters of a text are of which class, counted in one pass for all who ask.

use std::sync::LazyLock;

use super::Buffer;
use crate::kit::python::Set;

/// Characters of a text by class. One character may be of several.
///
/// The classes are those that steps agree on. A peer's own stay with its step: `wanjuan_cc` puts each character
/// into one class of its own and looks at what stands beside it, `evalweb` has Han end at U+9FA5, dingo leaves
/// out white space at the ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Classes {
    /// Letters of any script, as [`char::is_alphabetic`] has them: marks that are part of words among them.
    pub letters: u64,
    /// Letters `a` to `z`, in either case.
    pub ascii_letters: u64,
    /// Letters and numbers of any kind, as [`char::is_alphanumeric`] has them.
    pub alphanumeric: u64,
    /// Decimal digits of any script (Unicode's Nd).
    pub digits: u64,
    /// Punctuation (Unicode's P: no `+`, no `$`).
    pub punctuation: u64,
    /// Symbols (Unicode's S: `+` and `$`).
    pub symbols: u64,
    /// White space, line ends among it, as [`char::is_whitespace`] has it.
    pub white_space: u64,
    /// Characters of the script Han.
    pub han: u64,
    /// Capitals, as [`char::is_uppercase`] has them.
    pub capitals: u64,
}

impl Buffer for Classes {
    fn clear(&mut self) {
        *self = Classes::default();
    }
}

/// One bit for each class of a character.
const LETTER: u8 = 1;
const ALPHANUMERIC: u8 = 2;
const DIGIT: u8 = 4;
const PUNCTUATION: u8 = 8;
const SYMBOL: u8 = 16;
const WHITE_SPACE: u8 = 32;
const HAN: u8 = 64;
const CAPITAL: u8 = 128;

/// Characters whose classes are looked up; beyond them hardly any is assigned.
const TABLED: usize = 0x3_4000;

/// Each bit of a class as a byte of its own: eight counters in one number, which take 255 characters.
const SPREAD: [u64; 256] = {
    let mut spread = [0; 256];
    let mut classes = 0;
    while classes < 256 {
        let mut bit = 0;
        while bit < 8 {
            spread[classes] |= ((classes >> bit & 1) as u64) << (8 * bit);
            bit += 1;
        }
        classes += 1;
    }
    spread
};

/// The same of ASCII characters, by byte; of other bytes nothing.
const ASCII: [u64; 256] = {
    let mut ascii = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        let classes = match byte {
            b'a'..=b'z' => LETTER | ALPHANUMERIC,
            b'A'..=b'Z' => LETTER | ALPHANUMERIC | CAPITAL,
            b'0'..=b'9' => ALPHANUMERIC | DIGIT,
            b' ' | 9..=13 => WHITE_SPACE,
            b'$' | b'+' | b'<'..=b'>' | b'^' | b'`' | b'|' | b'~' => SYMBOL,
            b'!'..=b'~' => PUNCTUATION,
            _ => 0,
        };
        ascii[byte as usize] = SPREAD[classes as usize];
        byte += 1;
    }
    ascii
};

/// What Rust's own methods do not tell.
static SETS: LazyLock<[(Set, u8); 4]> = LazyLock::new(|| {
    [(r"\p{Nd}", DIGIT), (r"\p{P}", PUNCTUATION), (r"\p{S}", SYMBOL), (r"\p{Han}", HAN)]
        .map(|(class, bit)| (Set::of(class), bit))
});

fn plainly(c: char) -> u8 {
    let of = |is: bool, bit: u8| if is { bit } else { 0 };
    SETS.iter().fold(0, |classes, (set, bit)| classes | of(set.has(c), *bit))
        | of(c.is_alphabetic(), LETTER)
        | of(c.is_alphanumeric(), ALPHANUMERIC)
        | of(c.is_whitespace(), WHITE_SPACE)
        | of(c.is_uppercase(), CAPITAL)
}

/// Adds eight counters to their sums.
#[inline]
fn add(sums: &mut [u64; 8], counters: u64) {
    for (sum, count) in sums.iter_mut().zip(counters.to_le_bytes()) {
        *sum += u64::from(count);
    }
}

/// ASCII bytes and other characters that are counted before the sums are taken.
const PORTION: usize = 248;

/// Counts the characters of a text.
pub fn count(text: &str) -> Classes {
    static TABLE: LazyLock<Box<[u8]>> =
        LazyLock::new(|| (0..TABLED as u32).map(|code| char::from_u32(code).map_or(0, plainly)).collect());
    let (mut ascii, mut others) = ([0; 8], [0; 8]);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        // Eight bytes at a time while they are ASCII: nothing of one depends on the one before.
        let mut counters = 0;
        let end = bytes.len().min(at + PORTION);
        while let Some(eight) = bytes[at..end].first_chunk::<8>() {
            if u64::from_le_bytes(*eight) & super::letters::HIGHS != 0 {
                break;
            }
            counters += eight.iter().map(|&byte| ASCII[usize::from(byte)]).sum::<u64>();
            at += 8;
        }
        add(&mut ascii, counters);
        if at >= end {
            continue;
        }
        // Until there is a stretch of ASCII again. Both counters stay below 255.
        let (mut plain, mut counters) = (0, 0);
        let mut in_a_row = 0;
        let mut seen = 0;
        for c in text[at..].chars().take(PORTION) {
            seen += c.len_utf8();
            if c.is_ascii() {
                plain += ASCII[c as usize];
                in_a_row += 1;
                if in_a_row == 16 {
                    break;
                }
            } else {
                let classes = match TABLE.get(c as usize) {
                    _ if ('\u{4e00}'..='\u{9fff}').contains(&c) => LETTER | ALPHANUMERIC | HAN,
                    Some(&classes) => classes,
                    None => plainly(c),
                };
                counters += SPREAD[usize::from(classes)];
                in_a_row = 0;
            }
        }
        at += seen;
        add(&mut ascii, plain);
        add(&mut others, counters);
    }
    let [letters, alphanumeric, digits, punctuation, symbols, white_space, han, capitals] =
        std::array::from_fn(|class| ascii[class] + others[class]);
    Classes { letters, ascii_letters: ascii[0], alphanumeric, digits, punctuation, symbols, white_space, han, capitals }
}

/// The marks that Gopher's rule about symbols counts, and its heirs with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks {
    /// `#`.
    pub hashes: usize,
    /// `...`, without overlap.
    pub dots: usize,
    /// `…`.
    pub ellipses: usize,
}

impl Buffer for Marks {
    fn clear(&mut self) {
        *self = Marks::default();
    }
}

impl Marks {
    /// Finds them in a text.
    pub(super) fn of(text: &str) -> Marks {
        let bytes = text.as_bytes();
        let (mut dots, mut next) = (0, 0);
        // A search for one full stop finds the few there are sooner than one for three in a row.
        for at in memchr::memchr_iter(b'.', bytes) {
            if at >= next && bytes[at..].starts_with(b"...") {
                dots += 1;
                next = at + 3;
            }
        }
        Marks {
            hashes: memchr::memchr_iter(b'#', bytes).count(),
            dots,
            ellipses: memchr::memmem::find_iter(bytes, "…").count(),
        }
    }

    /// All of them.
    pub fn all(self) -> usize {
        self.hashes + self.dots + self.ellipses
    }
}

/// [`count`] one character after the other.
#[cfg(any(test, fuzzing))]
pub(super) fn twin(text: &str) -> Classes {
    let count = |is: &dyn Fn(char) -> bool| text.chars().filter(|&c| is(c)).count() as u64;
    let set = |bit: u8| {
        let (set, _) = SETS.iter().find(|(_, known)| *known == bit).expect("one of four");
        count(&|c| set.has(c))
    };
    Classes {
        letters: count(&char::is_alphabetic),
        ascii_letters: count(&|c| c.is_ascii_alphabetic()),
        alphanumeric: count(&char::is_alphanumeric),
        digits: set(DIGIT),
        punctuation: set(PUNCTUATION),
        symbols: set(SYMBOL),
        white_space: count(&char::is_whitespace),
        han: set(HAN),
        capitals: count(&char::is_uppercase),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn characters_are_counted_by_class() {
        let found = count("Über 5 €,\n\n好。\n");
        assert_eq!((found.letters, found.ascii_letters, found.alphanumeric, found.capitals), (5, 3, 6, 1));
        assert_eq!((found.digits, found.punctuation, found.symbols, found.white_space, found.han), (1, 2, 1, 5, 1));
        assert_eq!(count(""), Classes::default());
    }

    #[test]
    fn every_character_is_of_its_classes() {
        for start in (0..0x11_0000).step_by(64) {
            let text: String = (start..start + 64).filter_map(char::from_u32).collect();
            assert_eq!(count(&text), twin(&text), "{start:x}");
        }
    }

    #[test]
    fn long_texts_overflow_no_counter() {
        for text in ["a", "A", " ", "字", "é", "0字", "aaaaaaa字", "aaaaaaaaaaaaaaaaaaaaaaé"] {
            let text = text.repeat(5000);
            assert_eq!(count(&text), twin(&text));
        }
    }

    #[test]
    fn marks_are_counted_without_overlap() {
        assert_eq!(Marks::of("# a ... b….. ...... #"), Marks { hashes: 2, dots: 3, ellipses: 1 });
        assert_eq!(Marks::of("").all(), 0);
    }

    proptest! {
        #[test]
        fn classes_are_those_of_plain_code(text in "(\\PC|[a-zA-Z0-9 ,.\n]{0,40}|[一-龥]{0,40}){0,30}") {
            prop_assert_eq!(count(&text), twin(&text));
        }

        #[test]
        fn marks_are_those_of_a_plain_search(text in "[.#… a]{0,60}") {
            let count = |mark: &str| text.matches(mark).count();
            let plain = Marks { hashes: count("#"), dots: count("..."), ellipses: count("…") };
            prop_assert_eq!(Marks::of(&text), plain);
        }
    }
}
