//! The anchors of a text, with what surrounds them.

use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

use super::{Settings, Unit};
use crate::varint;

/// Parts the text behind an anchor, the text before it, and its places: no byte of UTF-8.
pub const END: u8 = 0xff;

/// Tells the anchors of texts.
#[derive(Debug, Clone)]
pub struct Anchors {
    settings: Settings,
    /// Most records that wait for their like.
    waiting: usize,
}

/// What a thread uses again from text to text.
#[derive(Debug, Default)]
pub struct Scratch {
    characters: Vec<u32>,
    starts: Vec<u32>,
    hashes: Vec<u64>,
    value: Vec<u8>,
    waiting: Vec<Waiting>,
}

/// A record whose places are not all known: in a row of dashes, each dash is an anchor with the same dashes
/// around it.
#[derive(Debug, Default)]
struct Waiting {
    hash: u64,
    key: u128,
    value: Vec<u8>,
    /// First bytes of `value`, which are not places.
    body: usize,
    last: u64,
    /// Places at one distance from each to the next that are not written yet.
    step: u64,
    steps: u64,
}

/// Bytes of places in a record, about.
const PLACES: usize = 64 << 10;

impl Anchors {
    /// Tells anchors for spans of `settings`.
    pub fn new(settings: Settings) -> Anchors {
        // Together they hold a megabyte at most.
        Anchors { settings, waiting: ((1 << 20) / (8 * settings.length)).clamp(16, 512).next_power_of_two() }
    }

    /// Emits a key and a value for each anchor. What different texts say for one key is for a
    /// [`Group`](super::Group), in any order.
    pub fn observe(&self, text: &str, scratch: &mut Scratch, emit: &mut dyn FnMut(u128, &[u8])) {
        if text.len() < self.settings.length || u32::try_from(text.len()).is_err() {
            return;
        }
        scratch.waiting.resize_with(self.waiting, Waiting::default);
        if self.settings.unit == Unit::Bytes || text.is_ascii() {
            self.scan(text, text.as_bytes(), |at| at, scratch, emit);
        } else {
            let mut characters = std::mem::take(&mut scratch.characters);
            let mut starts = std::mem::take(&mut scratch.starts);
            characters.clear();
            starts.clear();
            for (start, character) in text.char_indices() {
                starts.push(start as u32);
                characters.push(u32::from(character));
            }
            starts.push(text.len() as u32);
            if characters.len() >= self.settings.length {
                self.scan(text, &characters, |at| starts[at] as usize, scratch, emit);
            }
            (scratch.characters, scratch.starts) = (characters, starts);
        }
        for waiting in scratch.waiting.iter_mut().filter(|waiting| waiting.body > 0) {
            waiting.end(emit);
        }
    }

    /// Slides a window of one `n`-gram over the units. Of equal hashes the last is the least, so that in a row
    /// of equal units the least one need not be looked for again.
    fn scan<U: Copy + Into<u64>>(
        &self,
        text: &str,
        units: &[U],
        byte: impl Fn(usize) -> usize,
        scratch: &mut Scratch,
        emit: &mut dyn FnMut(u128, &[u8]),
    ) {
        const BASE: u64 = 0x9e37_79b9_7f4a_7c15;
        let (length, gram) = (self.settings.length, self.settings.gram());
        let window = length - gram + 1;
        let leaves = (1..gram).fold(1_u64, |power, _| power.wrapping_mul(BASE));
        // The hashes of the last window and more, by their place.
        let mask = window.next_power_of_two() - 1;
        scratch.hashes.clear();
        scratch.hashes.resize(mask + 1, 0);
        let mut rolling = 0_u64;
        for &unit in &units[..gram - 1] {
            rolling = rolling.wrapping_mul(BASE).wrapping_add(unit.into() + 1);
        }
        let (mut least, mut anchor) = (u64::MAX, 0);
        // The first `n`-gram of the anchor.
        let mut first = 0;
        for place in 0..=units.len() - gram {
            rolling = rolling.wrapping_mul(BASE).wrapping_add(units[place + gram - 1].into() + 1);
            let hash = mixed(rolling);
            rolling = rolling.wrapping_sub((units[place].into() + 1).wrapping_mul(leaves));
            scratch.hashes[place & mask] = hash;
            if place + 1 < window {
                if hash <= least {
                    (least, anchor) = (hash, place);
                }
                continue;
            }
            let start = place + 1 - window;
            let before = anchor;
            if hash <= least {
                (least, anchor) = (hash, place);
            } else if anchor < start {
                least = u64::MAX;
                for place in start..=place {
                    let hash = scratch.hashes[place & mask];
                    if hash <= least {
                        (least, anchor) = (hash, place);
                    }
                }
            }
            if anchor != before && start > first {
                self.record(text, &byte, before, first..=start - 1, scratch, emit);
                first = start;
            }
        }
        self.record(text, &byte, anchor, first..=units.len() - length, scratch, emit);
    }

    /// Records an anchor with the `n`-grams it stands for.
    fn record(
        &self,
        text: &str,
        byte: &impl Fn(usize) -> usize,
        anchor: usize,
        starts: std::ops::RangeInclusive<usize>,
        scratch: &mut Scratch,
        emit: &mut dyn FnMut(u128, &[u8]),
    ) {
        let text = text.as_bytes();
        let (from, to) = (byte(anchor), byte(anchor + self.settings.gram()));
        let key = xxh3_128_with_seed(&text[from..to], self.settings.length as u64);
        let value = &mut scratch.value;
        value.clear();
        value.extend_from_slice(&text[to..byte(starts.end() + self.settings.length)]);
        value.push(END);
        value.extend_from_slice(&text[byte(*starts.start())..from]);
        value.push(END);
        let hash = xxh3_64(value) ^ key as u64;
        let waiting = &mut scratch.waiting[hash as usize & (self.waiting - 1)];
        if waiting.body > 0
            && (waiting.hash, waiting.key) == (hash, key)
            && waiting.value.len() < waiting.body + PLACES
            && waiting.value[..waiting.body] == value[..]
        {
            waiting.add(anchor as u64);
            return;
        }
        if waiting.body > 0 {
            waiting.end(emit);
        }
        std::mem::swap(&mut waiting.value, value);
        (waiting.hash, waiting.key, waiting.body) = (hash, key, waiting.value.len());
        (waiting.last, waiting.steps) = (anchor as u64, 0);
        varint::put(anchor as u64, &mut waiting.value);
    }
}

impl Waiting {
    fn add(&mut self, place: u64) {
        let step = place - self.last;
        if step != self.step {
            self.write();
            self.step = step;
        }
        self.steps += 1;
        self.last = place;
    }

    fn write(&mut self) {
        if self.steps > 0 {
            varint::put(self.step, &mut self.value);
            varint::put(self.steps, &mut self.value);
            self.steps = 0;
        }
    }

    fn end(&mut self, emit: &mut dyn FnMut(u128, &[u8])) {
        self.write();
        emit(self.key, &self.value);
        self.body = 0;
    }
}

/// Spreads hashes that differ in their lower bits alone.
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    hash ^ (hash >> 29)
}

/// Calls `each` with the places of an anchor, from what follows its text.
pub fn places(mut written: &[u8], mut each: impl FnMut(u64)) {
    let Some(mut place) = varint::take(&mut written) else { return };
    each(place);
    while let (Some(step), Some(steps)) = (varint::take(&mut written), varint::take(&mut written)) {
        for _ in 0..steps {
            place += step;
            each(place);
        }
    }
}
