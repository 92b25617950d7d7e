//! Words to look for in URLs.
//!
//! A list has one word a line; lines that begin with `#` are remarks. Of a word only ASCII letters and
//! digits count, in lower case: `hand job` is `handjob`.

use std::cell::RefCell;
use std::io;
use std::path::Path;

use aho_corasick::AhoCorasick;
use xxhash_rust::xxh3::xxh3_64;

use super::lists::{Tally, for_each_line};
use super::set::Hashes;
use crate::kit::list;

/// The lists that come along, by the setting they are for.
const BUILT_IN: [(&str, &str); 3] = [
    ("banned_words", include_str!("../data/url/banned_words.txt")),
    ("soft_banned_words", include_str!("../data/url/soft_banned_words.txt")),
    ("banned_substrings", include_str!("../data/url/banned_substrings.txt")),
];

/// What is kept of a URL's text from one document to the next.
const KEPT: usize = 1 << 16;

/// The list that comes along for a setting.
pub fn built_in(setting: &str) -> &'static [u8] {
    let found = BUILT_IN.iter().find(|(name, _)| *name == setting);
    found.map(|(_, list)| list.as_bytes()).expect("every setting of words has a list")
}

/// Reads a list of words from a file, or one that comes along.
pub fn read(words_of: Result<&Path, &[u8]>, tally: &mut Tally, words: &mut Vec<String>) -> io::Result<()> {
    let path = words_of.unwrap_or(Path::new("datatrove"));
    let (mut says, mut other) = (false, None);
    let each = |number: u64, line: &[u8]| {
        tally.lines += 1;
        if line.trim_ascii().is_empty() || line.starts_with(b"#") {
            return;
        }
        says = true;
        if std::str::from_utf8(line).is_err() {
            other.get_or_insert(list::Malformed::Line(number as usize));
        }
        let word: String = line.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(|&byte| fold(byte)).collect();
        if word.is_empty() {
            tally.bad.note(path, number, line);
        } else {
            words.push(word);
        }
    };
    match words_of {
        Ok(path) => for_each_line(list::open(path)?, each)?,
        Err(bytes) => for_each_line(bytes, each)?,
    }
    match other.or((!says).then_some(list::Malformed::Empty)) {
        Some(malformed) => Err(io::Error::new(io::ErrorKind::InvalidData, malformed)),
        None => Ok(()),
    }
}

fn fold(byte: u8) -> char {
    char::from(byte.to_ascii_lowercase())
}

/// Words that stand in a URL on their own, between characters that are no ASCII letters or digits.
#[derive(Default)]
pub struct Words(Hashes);

impl Words {
    pub fn new(words: &[String]) -> Words {
        Words(Hashes::new(words.iter().map(|word| xxh3_64(word.as_bytes())).collect()))
    }

    /// How many distinct ones there are in a text.
    pub fn count(&self, text: &str) -> usize {
        if self.0.is_empty() {
            return 0;
        }
        let words = text.as_bytes().split(|byte| !byte.is_ascii_alphanumeric());
        let hashes = words.filter(|word| !word.is_empty()).map(xxh3_64);
        let mut found: Vec<u64> = hashes.filter(|hash| self.0.contains(*hash)).collect();
        if found.len() > 1 {
            found.sort_unstable();
            found.dedup();
        }
        found.len()
    }
}

/// Words that may begin and end anywhere.
#[derive(Default)]
pub struct Substrings(Option<AhoCorasick>);

impl Substrings {
    pub fn new(words: &[String]) -> Result<Substrings, String> {
        if words.is_empty() {
            return Ok(Substrings(None));
        }
        AhoCorasick::new(words).map(|finder| Substrings(Some(finder))).map_err(|error| error.to_string())
    }

    /// How many there are in the ASCII letters and digits of a text, none inside another.
    pub fn count(&self, text: &str) -> usize {
        thread_local! {
            static SQUEEZED: RefCell<Vec<u8>> = RefCell::default();
        }
        let Some(finder) = &self.0 else { return 0 };
        SQUEEZED.with_borrow_mut(|squeezed| {
            squeezed.clear();
            squeezed.extend(text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase()));
            let count = finder.find_iter(&squeezed[..]).count();
            squeezed.clear();
            squeezed.shrink_to(KEPT);
            count
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[u8]) -> (Vec<String>, Tally) {
        let (mut found, mut tally) = (Vec::new(), Tally::default());
        read(Err(list), &mut tally, &mut found).unwrap();
        (found, tally)
    }

    #[test]
    fn words_are_squeezed_and_what_has_none_is_named() {
        let (found, tally) = words("Hand job\r\n#remark\n\nxxx\n词\n".as_bytes());
        assert_eq!(found, ["handjob", "xxx"]);
        assert_eq!(tally.bad.first.unwrap().1, 5);
    }

    #[test]
    fn every_list_that_comes_along_can_be_read() {
        for (setting, count) in [("banned_words", 203), ("soft_banned_words", 88), ("banned_substrings", 134)] {
            let (found, tally) = words(built_in(setting));
            assert_eq!((found.len(), tally.bad.count), (count, 0), "{setting}");
        }
    }

    #[test]
    fn words_are_distinct_and_substrings_are_not() {
        let listed = ["porn".to_owned(), "handjob".to_owned()];
        assert_eq!(Words::new(&listed).count("http://a.com/porn/porn-hand_job"), 1);
        assert_eq!(Words::new(&listed).count("popporn 词porn词 handjob"), 2);
        let substrings = Substrings::new(&listed).unwrap();
        assert_eq!(substrings.count("http://popPorn.com/hand-job/PORN"), 3);
        assert_eq!(Substrings::new(&[]).unwrap().count("x"), 0);
    }
}
