//! Finds every occurrence of many words in one pass.
//!
//! A double-array Aho-Corasick automaton over characters: of the automata that `benches/words.rs` builds
//! of a whole list it is the fastest on Chinese and the smallest.

use daachorse::{CharwiseDoubleArrayAhoCorasick, CharwiseDoubleArrayAhoCorasickBuilder};

use crate::kit::python::is_word;
use crate::kit::{is_han, is_unspaced};

/// How an entry must stand in the text to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Matching {
    /// As the script has it: a Latin or Cyrillic end of an entry must be the end of a word, an end in a
    /// script without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese, Tibetan) need not.
    Script,
    /// As a word: nothing that Python's `\w` matches stands before or behind it.
    Words,
    /// Anywhere, within words too.
    Anywhere,
}

/// Entries, ready to be found.
pub struct Matcher {
    /// None where there is no entry. A value is an entry's number, and below it two bits: whether its
    /// start and its end must be the edge of a word.
    automaton: Option<CharwiseDoubleArrayAhoCorasick<u32>>,
    /// Whether a character beside an end goes on with the word.
    joins: fn(char) -> bool,
}

/// An occurrence of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
    /// The entry's number.
    pub entry: u32,
}

const START: u32 = 1;
const END: u32 = 2;

/// Entries are numbered with thirty bits.
const MOST_ENTRIES: usize = 1 << 30;

impl Matcher {
    /// A matcher for entries that are sorted, distinct and not empty.
    pub fn new<T: AsRef<str>>(entries: &[T], matching: Matching) -> Result<Matcher, String> {
        let joins = if matching == Matching::Script { joins_script } else { is_word };
        if entries.is_empty() {
            return Ok(Matcher { automaton: None, joins });
        }
        if entries.len() > MOST_ENTRIES {
            return Err(format!("{} entries; a list can have {MOST_ENTRIES}", entries.len()));
        }
        let values = entries.iter().zip(0_u32..).map(|(entry, number)| {
            let entry = entry.as_ref();
            let edges = match matching {
                Matching::Words => START | END,
                Matching::Anywhere => 0,
                Matching::Script => {
                    let start = entry.chars().next().is_some_and(joins_script);
                    let end = entry.chars().next_back().is_some_and(joins_script);
                    (u32::from(start) * START) | (u32::from(end) * END)
                }
            };
            (entry, (number << 2) | edges)
        });
        let automaton = CharwiseDoubleArrayAhoCorasickBuilder::new().build_with_values(values);
        Ok(Matcher { automaton: Some(automaton.map_err(|error| error.to_string())?), joins })
    }

    /// Every occurrence, in the order of their ends; those within others too.
    pub fn hits(&self, text: &str) -> impl Iterator<Item = Hit> {
        let found = self.automaton.iter().flat_map(move |automaton| automaton.find_overlapping_iter(text));
        found.filter_map(move |found| {
            let (start, end, value) = (found.start(), found.end(), found.value());
            let cut = (value & START == 0 || !text[..start].chars().next_back().is_some_and(self.joins))
                && (value & END == 0 || !text[end..].chars().next().is_some_and(self.joins));
            cut.then_some(Hit { start, end, entry: value >> 2 })
        })
    }
}

/// Whether a character belongs to a word of a script that puts spaces between its words.
fn joins_script(c: char) -> bool {
    (c.is_alphanumeric() || c == '_') && !writes_without_spaces(c)
}

/// Scripts without spaces between words, and Han's radicals. To [`is_unspaced`] Tibetan and Bopomofo are none: there
/// each character is a word by itself, and these two spell a syllable with several. A listed word may stand right
/// behind another all the same.
fn writes_without_spaces(c: char) -> bool {
    is_unspaced(c) || is_chinese(c) || matches!(c, '\u{f00}'..='\u{fff}' | '\u{3100}'..='\u{312f}')
}

/// Han, with its radicals and 々〆〇.
pub fn is_chinese(c: char) -> bool {
    is_han(c) || matches!(c, '\u{2e80}'..='\u{2fd5}' | '\u{3005}'..='\u{3007}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(entries: &[&str], matching: Matching, text: &str) -> Vec<String> {
        let mut entries = entries.to_vec();
        entries.sort_unstable();
        entries.dedup();
        let matcher = Matcher::new(&entries, matching).unwrap();
        matcher
            .hits(text)
            .inspect(|hit| assert_eq!(entries[hit.entry as usize], &text[hit.start..hit.end]))
            .map(|hit| text[hit.start..hit.end].to_owned())
            .collect()
    }

    #[test]
    fn words_within_words_are_found_or_not_as_asked() {
        use Matching::{Anywhere, Script, Words};
        assert_eq!(found(&["ass"], Script, "class ass assign ass."), ["ass", "ass"]);
        assert_eq!(found(&["ass"], Anywhere, "class ass").len(), 2);
        assert_eq!(found(&["法轮", "轮功"], Script, "练法轮功的"), ["法轮", "轮功"]);
        assert!(found(&["法轮"], Words, "练法轮功的").is_empty());
        assert_eq!(found(&["法轮"], Words, "练，法轮。"), ["法轮"]);
        // One end is Latin, the other Chinese; a Chinese neighbour does not go on with a Latin word.
        assert_eq!(found(&["h动漫"], Script, "看h动漫吧"), ["h动漫"]);
        assert!(found(&["h动漫"], Script, "看xh动漫吧").is_empty());
        assert!(found(&["абв"], Script, "абвг").is_empty());
        assert!(found(&[], Script, "abc").is_empty());
    }

    #[test]
    fn scripts_are_told_by_their_spaces() {
        assert!("字々⼀あアภຄမខབㄅｱ".chars().all(writes_without_spaces));
        assert!(!"aéя한कא１".chars().any(writes_without_spaces));
        // A vowel sign is no word character for Python, so that a word ends before it.
        assert_eq!(found(&["क"], Matching::Words, "कि").len(), 1);
    }

    proptest! {
        #[test]
        fn every_occurrence_is_found(entries in prop::collection::btree_set("[a法轮]{1,3}", 0..6), text in "[a法轮 ]{0,40}") {
            let entries: Vec<String> = entries.into_iter().collect();
            for matching in [Matching::Script, Matching::Words, Matching::Anywhere] {
                let matcher = Matcher::new(&entries, matching).unwrap();
                let mut hits: Vec<Hit> = matcher.hits(&text).collect();
                hits.sort_unstable_by_key(|hit| (hit.start, hit.end));
                let mut plain = Vec::new();
                for start in 0..text.len() {
                    for (number, entry) in entries.iter().enumerate() {
                        if !text.is_char_boundary(start) || !text[start..].starts_with(entry.as_str()) {
                            continue;
                        }
                        let end = start + entry.len();
                        let (before, after) = (text[..start].chars().next_back(), text[end..].chars().next());
                        let meets = |inside: Option<char>, beside: Option<char>| match matching {
                            Matching::Anywhere => false,
                            Matching::Words => beside.is_some_and(is_word),
                            Matching::Script => inside == Some('a') && beside == Some('a'),
                        };
                        if !meets(entry.chars().next(), before) && !meets(entry.chars().next_back(), after) {
                            plain.push(Hit { start, end, entry: number as u32 });
                        }
                    }
                }
                plain.sort_unstable_by_key(|hit| (hit.start, hit.end));
                prop_assert_eq!(hits, plain);
            }
        }
    }
}
