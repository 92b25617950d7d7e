//! Lines and repeats: what several filters count alike.

use std::cell::RefCell;

use xxhash_rust::xxh3::xxh3_64;

/// Lines as Python's `str.splitlines` cuts them: at every line end that Unicode knows.
pub fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text).filter(|text| !text.is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        let is_end =
            |c| matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let Some(at) = text.find(is_end) else {
            rest = None;
            return Some(text);
        };
        let end = text[at..].chars().next().map_or(0, char::len_utf8);
        let end = if text[at..].starts_with("\r\n") { 2 } else { end };
        rest = Some(&text[at + end..]).filter(|rest| !rest.is_empty());
        Some(&text[..at])
    })
}

/// How much of a list is said again: the second and later copies of each element.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repeats {
    /// All elements.
    pub elements: usize,
    /// Copies of an earlier one.
    pub copies: usize,
    /// Characters of those copies.
    pub copied_chars: usize,
}

/// Counts repeats. Elements are told apart by a 64-bit hash.
pub fn repeats<'a>(elements: impl Iterator<Item = &'a str>) -> Repeats {
    thread_local! {
        static SEEN: RefCell<Table> = RefCell::default();
    }
    SEEN.with_borrow_mut(|seen| {
        seen.start(elements.size_hint().0);
        let mut found = Repeats::default();
        for element in elements {
            found.elements += 1;
            if seen.count(xxh3_64(element.as_bytes())) > 1 {
                found.copies += 1;
                found.copied_chars += element.chars().count();
            }
        }
        found
    })
}

/// Counts hashes. Open addressing, and a stamp instead of clearing, so that thousands of small
/// documents cost no more than their elements.
///
/// For n elements it takes up to 64 n bytes: up to 32 bytes for each byte of a document that is nothing
/// but words of one letter. More than 16 MiB is not kept beyond the next document.
#[derive(Debug, Default)]
pub struct Table {
    slots: Vec<Slot>,
    stamp: u32,
    used: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    hash: u64,
    stamp: u32,
    count: u32,
}

/// Slots that are kept from one document to the next, whatever they need.
const KEPT_SLOTS: usize = 1 << 20;

impl Table {
    /// Forgets everything; makes room for about so many hashes.
    pub fn start(&mut self, expected: usize) {
        let size = (expected.max(32) * 2).next_power_of_two();
        if self.slots.len() < size || self.slots.len() > size.max(KEPT_SLOTS) {
            self.slots = Vec::new(); // given back before there is another
            self.slots = vec![Slot::default(); size];
            self.stamp = 0;
        }
        self.used = 0;
        self.stamp = self.stamp.wrapping_add(1);
        if self.stamp == 0 {
            self.slots.fill(Slot::default());
            self.stamp = 1;
        }
    }

    /// How often a hash has been seen, this time included.
    pub fn count(&mut self, hash: u64) -> u32 {
        if self.used * 2 > self.slots.len() {
            self.grow();
        }
        let slot = self.find(hash);
        let slot = &mut self.slots[slot];
        if slot.stamp != self.stamp {
            *slot = Slot { hash, stamp: self.stamp, count: 0 };
            self.used += 1;
        }
        slot.count += 1;
        slot.count
    }

    /// How often a hash has been seen so far.
    pub fn seen(&self, hash: u64) -> u32 {
        let slot = self.slots[self.find(hash)];
        if slot.stamp == self.stamp { slot.count } else { 0 }
    }

    fn find(&self, hash: u64) -> usize {
        let mask = self.slots.len() - 1;
        // Callers' hashes may be weak in their low bits.
        let mut at = (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        while self.slots[at].stamp == self.stamp && self.slots[at].hash != hash {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); size]);
        for slot in old.into_iter().filter(|slot| slot.stamp == self.stamp) {
            let at = self.find(slot.hash);
            self.slots[at] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_those_of_python() {
        let lines = |text| split_lines(text).collect::<Vec<_>>();
        assert_eq!(lines("a\r\nb\rc\n\nd\u{2028}e\n"), ["a", "b", "c", "", "d", "e"]);
        assert!(lines("").is_empty());
        assert_eq!(lines("\n"), [""]);
    }

    #[test]
    fn the_room_for_a_huge_document_is_given_back() {
        let mut table = Table::default();
        for (expected, slots) in
            [(10, 64), (1 << 20, 1 << 21), (1 << 20, 1 << 21), (10, 64), (1 << 19, 1 << 20), (10, 1 << 20)]
        {
            table.start(expected);
            assert_eq!(table.slots.len(), slots);
            assert_eq!((table.count(7), table.count(7), table.seen(8)), (1, 2, 0));
        }
    }

    proptest! {
        #[test]
        fn repeats_are_what_a_set_finds(elements in prop::collection::vec("[a-c]{0,2}|字", 0..200)) {
            let mut plain = Repeats { elements: elements.len(), ..Repeats::default() };
            let mut seen = HashSet::new();
            for element in &elements {
                if !seen.insert(element) {
                    plain.copies += 1;
                    plain.copied_chars += element.chars().count();
                }
            }
            prop_assert_eq!(repeats(elements.iter().map(String::as_str)), plain);
        }
    }
}
