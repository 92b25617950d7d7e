//! Lines and repeats: what several filters count alike.

use std::cell::RefCell;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use xxhash_rust::xxh3::xxh3_64;

/// Lines as Python's `str.splitlines` cuts them: at every line end that Unicode knows.
pub fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let plain = !has_rare_ends(bytes);
    let mut start = 0;
    std::iter::from_fn(move || {
        if start == bytes.len() {
            return None;
        }
        let (end, next) = if plain {
            let end = memchr::memchr(b'\n', &bytes[start..]);
            end.map_or((bytes.len(), bytes.len()), |end| (start + end, start + end + 1))
        } else {
            find_end(bytes, start)
        };
        let line = &text[start..end];
        start = next;
        Some(line)
    })
}

/// Whether there is a line end other than `\n`: hardly a text has one, and a search for each is quick.
pub(super) fn has_rare_ends(bytes: &[u8]) -> bool {
    static LONG: LazyLock<[Finder<'static>; 3]> =
        LazyLock::new(|| ["\u{85}", "\u{2028}", "\u{2029}"].map(|end| Finder::new(end.as_bytes())));
    memchr::memchr3(b'\r', 0x0b, 0x0c, bytes).is_some()
        || memchr::memchr3(0x1c, 0x1d, 0x1e, bytes).is_some()
        || LONG.iter().any(|end| end.find(bytes).is_some())
}

/// Where the line ends that begins at `start`, and where the next begins.
fn find_end(bytes: &[u8], start: usize) -> (usize, usize) {
    let mut at = start;
    while let Some(found) = bytes[at..].iter().position(|&byte| MAY_END[usize::from(byte)]) {
        at += found;
        let length = line_end(&bytes[at..]);
        if length > 0 {
            return (at, at + length);
        }
        at += 1;
    }
    (bytes.len(), bytes.len())
}

/// Bytes a line end can begin with.
const MAY_END: [bool; 256] = {
    let mut may = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        may[byte] = matches!(byte, 0x0a..=0x0d | 0x1c..=0x1e | 0xc2 | 0xe2);
        byte += 1;
    }
    may
};

/// Length of the line end the bytes begin with; 0 if they begin with none.
fn line_end(bytes: &[u8]) -> usize {
    match bytes {
        [b'\r', b'\n', ..] | [0xc2, 0x85, ..] => 2,
        [0x0a..=0x0d | 0x1c..=0x1e, ..] => 1,
        [0xe2, 0x80, 0xa8 | 0xa9, ..] => 3,
        _ => 0,
    }
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

/// Counts hashes. Open addressing, and a rising number instead of clearing, so that thousands of small
/// documents cost no more than their elements.
///
/// For n elements it takes up to 64 n bytes, and up to 37 n where there are half a million and more: 18 bytes for
/// each byte of a huge document that is nothing but words of one letter. More than 16 MiB is not kept beyond the next
/// document.
#[derive(Debug, Default)]
pub struct Table {
    slots: Vec<Slot>,
    /// How many of them are in use, a power of two. A small document keeps to a few, which stay in the
    /// caches, however many a large one has left behind.
    size: usize,
    /// Number of the first hash since [`start`](Table::start); slots of before are below it.
    base: u32,
    /// Number of the next hash.
    next: u32,
    used: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    hash: u64,
    /// Number of the hash that took the slot, from 1.
    first: u32,
    count: u32,
}

/// How often a hash has been seen, and which it was the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// This time included.
    pub times: u32,
    /// How many hashes came before it when it was first seen.
    pub first: u32,
}

/// Hashes there is always room for.
const FEWEST: usize = 256;

/// Slots that are kept from one document to the next, whatever they need.
const KEPT_SLOTS: usize = 1 << 20;

impl Table {
    /// Forgets everything; makes room for about so many hashes.
    pub fn start(&mut self, expected: usize) {
        let expected = expected.max(FEWEST);
        // A small table is half empty, for speed; a large one an eighth, for its size.
        let slots = if expected * 2 <= KEPT_SLOTS { expected * 2 } else { expected + expected / 7 + 1 };
        let size = slots.next_power_of_two();
        if self.slots.len() < size || self.slots.len() > size.max(KEPT_SLOTS) {
            self.slots = Vec::new(); // given back before there is another
            self.slots = vec![Slot::default(); size];
            self.next = 0;
        }
        self.size = size;
        self.used = 0;
        // No document has half as many hashes as there are numbers: it is too large to enter.
        if self.next == 0 || self.next > u32::MAX / 2 {
            self.slots.fill(Slot::default());
            self.next = 1;
        }
        self.base = self.next;
    }

    /// How often a hash has been seen, this time included.
    pub fn count(&mut self, hash: u64) -> u32 {
        self.see(hash).times
    }

    /// Counts a hash.
    #[inline]
    pub fn see(&mut self, hash: u64) -> Seen {
        if self.used >= self.room() {
            self.grow();
        }
        let slot = self.find(hash);
        let slot = &mut self.slots[slot];
        // Without a branch, which nothing could foretell: about every second run of words is a new one.
        let new = slot.first < self.base;
        let first = if new { self.next } else { slot.first };
        let count = if new { 1 } else { slot.count + 1 };
        *slot = Slot { hash, first, count };
        self.used += usize::from(new);
        self.next += 1;
        Seen { times: count, first: first - self.base }
    }

    /// How often a hash has been seen so far.
    pub fn seen(&self, hash: u64) -> u32 {
        let slot = self.slots[self.find(hash)];
        if slot.first >= self.base { slot.count } else { 0 }
    }

    #[inline]
    fn find(&self, hash: u64) -> usize {
        let mask = self.size - 1;
        // Callers' hashes may be weak in their low bits.
        let mut at = (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        while self.slots[at].first >= self.base && self.slots[at].hash != hash {
            at = (at + 1) & mask;
        }
        at
    }

    /// How many hashes there may be in so many slots.
    fn room(&self) -> usize {
        if self.size < KEPT_SLOTS { self.size / 2 + 1 } else { self.size / 8 * 7 }
    }

    fn grow(&mut self) {
        let before = self.size;
        self.size *= 2;
        if self.slots.len() >= self.size {
            let taken = self.slots[..before].iter_mut().filter(|slot| slot.first >= self.base);
            let old: Vec<Slot> = taken.map(std::mem::take).collect();
            self.put_back(old);
        } else {
            let old = std::mem::replace(&mut self.slots, vec![Slot::default(); self.size]);
            self.put_back(old);
        }
    }

    fn put_back(&mut self, slots: Vec<Slot>) {
        for slot in slots.into_iter().filter(|slot| slot.first >= self.base) {
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
            [(10, 512), (1 << 20, 1 << 21), (1 << 20, 1 << 21), (10, 512), (1 << 19, 1 << 20), (10, 1 << 20)]
        {
            table.start(expected);
            assert_eq!(table.slots.len(), slots);
            assert_eq!((table.count(7), table.count(7), table.seen(8)), (1, 2, 0));
            assert_eq!((table.see(8), table.see(7)), (Seen { times: 1, first: 2 }, Seen { times: 3, first: 0 }));
        }
    }

    proptest! {
        #[test]
        fn lines_are_cut_at_line_ends_alone(text in "([a\n\r\u{b}\u{c}\u{1c}\u{1e}\u{85}\u{2028}\u{2029}\u{2027}\u{a0}字])*") {
            let ends = ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
            let mut plain: Vec<String> = text.replace("\r\n", "\n").split(ends).map(str::to_owned).collect();
            if plain.last().is_some_and(String::is_empty) {
                plain.pop();
            }
            prop_assert_eq!(split_lines(&text).collect::<Vec<_>>(), plain);
        }

        #[test]
        fn hashes_are_counted_as_a_map_does(documents in prop::collection::vec((0..3000_usize, 0..4000_u64, 1..50_u64), 1..6)) {
            let mut table = Table::default();
            for (expected, hashes, step) in documents {
                table.start(expected);
                let mut plain = std::collections::HashMap::new();
                for number in 0..hashes {
                    let hash = number * step % 997;
                    let seen = plain.entry(hash).or_insert(Seen { times: 0, first: number as u32 });
                    seen.times += 1;
                    prop_assert_eq!(table.see(hash), *seen);
                }
                prop_assert!((0..1000).all(|hash| table.seen(hash) == plain.get(&hash).map_or(0, |seen| seen.times)));
            }
        }

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
