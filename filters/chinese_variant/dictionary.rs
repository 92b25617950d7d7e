//! OpenCC's dictionaries, and the longest match in them from left to right.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// One direction of conversion.
pub struct Dictionary {
    /// What is known of the characters from U+2E80 to U+FFFF.
    entries: Vec<Entry>,
    /// And of those beyond.
    beyond: HashMap<char, Entry>,
    /// Phrases and what they become, in order.
    phrases: Vec<(&'static str, String)>,
}

/// What a character becomes by itself, and which phrases it begins.
#[derive(Clone, Copy)]
struct Entry {
    to: char,
    phrases: (u32, u32),
}

const FIRST: u32 = 0x2e80;

/// Traditional to simplified.
pub static TO_SIMPLIFIED: LazyLock<Dictionary> = LazyLock::new(|| {
    Dictionary::new(
        include_str!("../data/opencc/to_simplified_characters.txt"),
        include_str!("../data/opencc/to_simplified_phrases.txt"),
    )
});

/// Simplified to traditional.
pub static TO_TRADITIONAL: LazyLock<Dictionary> = LazyLock::new(|| {
    Dictionary::new(
        include_str!("../data/opencc/to_traditional_characters.txt"),
        include_str!("../data/opencc/to_traditional_phrases.txt"),
    )
});

impl Dictionary {
    /// From pairs of characters, and lines of phrases with what they become: nothing where that is what their
    /// characters become.
    fn new(characters: &'static str, phrases: &'static str) -> Dictionary {
        let code = |at: usize| char::from_u32(FIRST + at as u32).unwrap_or('\0');
        let plain = |c: char| Entry { to: c, phrases: (0, 0) };
        let mut dictionary = Dictionary {
            entries: (0..0x10000 - FIRST as usize).map(|at| plain(code(at))).collect(),
            beyond: HashMap::new(),
            phrases: Vec::new(),
        };
        for pair in characters.split_whitespace() {
            let mut pair = pair.chars();
            let (Some(from), Some(to)) = (pair.next(), pair.next()) else { continue };
            dictionary.entry_mut(from).to = to;
        }
        for line in phrases.lines() {
            let (from, to) = line.split_once('\t').unwrap_or((line, ""));
            let by_character = || from.chars().map(|c| dictionary.entry(c).to).collect();
            let to = if to.is_empty() { by_character() } else { to.to_owned() };
            dictionary.phrases.push((from, to));
        }
        dictionary.phrases.sort();
        for at in 0..dictionary.phrases.len() {
            let first = dictionary.phrases[at].0.chars().next().expect("a phrase has characters");
            let range = &mut dictionary.entry_mut(first).phrases;
            *range = if range.1 == 0 { (at as u32, at as u32 + 1) } else { (range.0, at as u32 + 1) };
        }
        dictionary
    }

    fn entry(&self, c: char) -> Entry {
        let known = u32::from(c).checked_sub(FIRST).and_then(|at| self.entries.get(at as usize));
        known.or_else(|| self.beyond.get(&c)).copied().unwrap_or(Entry { to: c, phrases: (0, 0) })
    }

    fn entry_mut(&mut self, c: char) -> &mut Entry {
        match u32::from(c).checked_sub(FIRST) {
            Some(at) if c <= '\u{ffff}' => &mut self.entries[at as usize],
            _ => self.beyond.entry(c).or_insert(Entry { to: c, phrases: (0, 0) }),
        }
    }

    /// Phrases and what they become.
    #[cfg(test)]
    pub fn phrases(&self) -> &[(&'static str, String)] {
        &self.phrases
    }

    /// What a character becomes by itself.
    #[cfg(test)]
    pub fn alone(&self, c: char) -> char {
        self.entry(c).to
    }

    /// The text in the other variant, if that is not the same, and how many characters differ.
    pub fn convert(&self, text: &str) -> (Option<String>, usize) {
        let bytes = text.as_bytes();
        let mut out = None::<String>;
        let (mut from, mut at, mut changed) = (0, 0, 0);
        while at < bytes.len() {
            if bytes[at] < 0xe2 {
                at += 1;
                continue;
            }
            let c = text[at..].chars().next().expect("a character stands where a lead byte does");
            if is_compatible(c) {
                // Phrases hold the character that it stands for.
                let unified: String = text.chars().map(unify).collect();
                let singles = text.chars().filter(|c| unify(*c) != *c).count();
                let (converted, changed) = self.convert(&unified);
                let converted = converted.unwrap_or(unified);
                return (Some(converted), changed + singles);
            }
            let entry = self.entry(c);
            if let Some((phrase, to)) = self.phrase(entry, &text[at..]) {
                let behind = at + phrase.len();
                if phrase != to {
                    let out = out.get_or_insert_with(|| String::with_capacity(text.len()));
                    out.push_str(&text[from..at]);
                    out.push_str(to);
                    from = behind;
                    changed += phrase.chars().zip(to.chars()).filter(|(from, to)| from != to).count();
                }
                at = behind;
                continue;
            }
            let behind = at + c.len_utf8();
            if entry.to != c {
                let out = out.get_or_insert_with(|| String::with_capacity(text.len()));
                out.push_str(&text[from..at]);
                out.push(entry.to);
                from = behind;
                changed += 1;
            }
            at = behind;
        }
        if let Some(out) = &mut out {
            out.push_str(&text[from..]);
        }
        (out, changed)
    }

    /// The longest phrase that a text begins with.
    fn phrase(&self, entry: Entry, text: &str) -> Option<(&'static str, &str)> {
        let mut candidates = &self.phrases[entry.phrases.0 as usize..entry.phrases.1 as usize];
        if candidates.is_empty() {
            return None;
        }
        // Those that share their first two characters with the text.
        let second = text.char_indices().nth(1)?;
        let two = &text[..second.0 + second.1.len_utf8()];
        candidates = &candidates[candidates.partition_point(|(phrase, _)| *phrase < two)..];
        let mut longest = None;
        for (phrase, to) in candidates {
            if !phrase.starts_with(two) {
                break;
            }
            // In order, a phrase stands behind all those it begins with.
            if text.starts_with(phrase) {
                longest = Some((*phrase, to.as_str()));
            }
        }
        longest
    }
}

/// Whether a character is an ideograph that stands for another one.
fn is_compatible(c: char) -> bool {
    matches!(c, '\u{f900}'..='\u{faff}' | '\u{2f800}'..='\u{2fa1f}') && unify(c) != c
}

fn unify(c: char) -> char {
    match c {
        '\u{f900}'..='\u{faff}' | '\u{2f800}'..='\u{2fa1f}' => std::iter::once(c).nfc().next().unwrap_or(c),
        _ => c,
    }
}

/// Whether a character is written in traditional Chinese alone: simplified Chinese has another one for it,
/// and uses it for nothing else.
pub fn is_traditional(c: char) -> bool {
    static TRADITIONAL: LazyLock<Vec<bool>> = LazyLock::new(|| {
        let simplified = &*TO_SIMPLIFIED;
        // What stays, what others become, and what phrases keep (著 in 著作) is used.
        let mut used = vec![false; simplified.entries.len()];
        let phrases = simplified.phrases.iter().flat_map(|(_, to)| to.chars());
        for c in simplified.entries.iter().map(|entry| entry.to).chain(phrases) {
            if let Some(used) = u32::from(c).checked_sub(FIRST).and_then(|at| used.get_mut(at as usize)) {
                *used = true;
            }
        }
        (0..used.len())
            .map(|at| {
                let changes = u32::from(simplified.entries[at].to) != FIRST + at as u32;
                let entry = &TO_TRADITIONAL.entries[at];
                changes && !used[at] && u32::from(entry.to) == FIRST + at as u32
            })
            .collect()
    });
    u32::from(c).checked_sub(FIRST).and_then(|at| TRADITIONAL.get(at as usize)).is_some_and(|is| *is)
}
