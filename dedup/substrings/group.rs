//! What texts say about one anchor, compared.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};

use wanjuan_filters::kit::Origin;

use super::anchors::{END, places};
use super::{Keep, Settings, Unit};
use crate::varint;

/// How many different `n`-grams around one anchor are compared at a time.
///
/// Of an anchor with more, those are remembered that have been met twice, and the others forgotten: of an
/// `n`-gram, copies may then stay that are far apart in the order of the text behind the anchor. What is found is
/// always repeated. The limit is a constant, so that the answer does not depend on `--memory`.
pub const HELD: usize = 1 << 18;
/// Bytes of text around one anchor that are held at a time.
const BYTES: usize = 8 << 20;

/// How many `n`-grams there is room for from group to group.
const ROOM: usize = 1 << 11;

/// Repeated `n`-grams of a text, one beside the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The text.
    pub origin: Origin,
    /// Where the first of them begins, in units.
    pub start: u64,
    /// How many there are; each begins one unit after the one before.
    pub count: u64,
    /// Where the copy is that stays, if one does.
    pub kept: Option<Origin>,
}

impl Found {
    /// Appends it as [`Cover`](super::Cover) reads it.
    pub fn write(&self, out: &mut Vec<u8>) {
        varint::put(self.start, out);
        varint::put(self.count, out);
    }
}

/// Where an `n`-gram begins, or an anchor.
type Place = (Origin, u64);

/// Texts that are the same around the anchor.
struct Class {
    /// Where the text around the anchor lies: its start, the end of what is behind the anchor, its end.
    body: [usize; 3],
    /// Units before the anchor: there are `n`-grams that begin so many before it and less.
    most: u64,
    /// How many `n`-grams there are.
    count: u64,
    first: Place,
    many: bool,
}

struct Seen {
    place: Place,
    /// Whether it has been met again.
    again: bool,
}

/// Compares what texts say about one anchor after the other.
pub struct Group {
    settings: Settings,
    keep: Keep,
    bytes: Vec<u8>,
    classes: Vec<Class>,
    grams: u64,
    pub(super) held: usize,
    seen: HashMap<u128, Seen, BuildHasherDefault<Half>>,
    waiting: Option<Found>,
    states: Vec<State>,
}

impl Group {
    /// Compares by `settings`, which are those of the [`Anchors`](super::Anchors).
    pub fn new(settings: Settings, keep: Keep) -> Group {
        Group {
            settings,
            keep,
            bytes: Vec::new(),
            classes: Vec::new(),
            grams: 0,
            held: HELD,
            seen: HashMap::default(),
            waiting: None,
            states: Vec::new(),
        }
    }

    /// Whether it compares by these.
    pub fn is_for(&self, settings: Settings, keep: Keep) -> bool {
        (self.settings, self.keep) == (settings, keep)
    }

    /// Takes what a text says about the anchor. Values come in the order of their bytes.
    pub fn take(&mut self, origin: Origin, value: &[u8], found: &mut dyn FnMut(Found)) {
        let behind = value.iter().position(|&byte| byte == END).expect("the text behind an anchor ends");
        let before = value[behind + 1..].iter().position(|&byte| byte == END).expect("the text before it too");
        let (body, written) = value.split_at(behind + before + 2);
        let same = self.classes.last().is_some_and(|class| self.bytes[class.body[0]..class.body[2]] == *body);
        if !same {
            if self.grams as usize > self.held || self.bytes.len() > BYTES {
                self.compare(found);
            }
            let start = self.bytes.len();
            let most = self.units(&body[behind + 1..body.len() - 1]);
            let behind_units = self.units(&body[..behind]);
            let reach = (self.settings.length - self.settings.gram()) as u64;
            self.bytes.extend_from_slice(body);
            let body = [start, start + behind, self.bytes.len()];
            let (count, first) = (most + behind_units + 1 - reach, (origin, u64::MAX));
            self.grams += count;
            self.classes.push(Class { body, most, count, first, many: false });
        }
        let mut class = self.classes.pop().expect("one has been added");
        let (most, count) = (class.most, class.count);
        let all = |(origin, place): Place, kept| Found { origin, start: place - most, count, kept };
        places(written, |place| {
            let this = (origin, place);
            if class.first.1 == u64::MAX {
                class.first = this;
                return;
            }
            match self.keep {
                Keep::One => {
                    let (first, later) = (class.first.min(this), class.first.max(this));
                    self.report(all(later, Some(first.0)), found);
                    class.first = first;
                }
                Keep::None => {
                    if !class.many {
                        self.report(all(class.first, None), found);
                    }
                    self.report(all(this, None), found);
                }
            }
            class.many = true;
        });
        self.classes.push(class);
    }

    /// Ends the group; the next begins.
    pub fn end(&mut self, found: &mut dyn FnMut(Found)) {
        if self.classes.len() > 1 || !self.seen.is_empty() {
            self.compare(found);
            match self.seen.capacity() {
                0..=ROOM => self.seen.clear(),
                _ => self.seen = HashMap::default(), // clearing it takes as long as it is large
            }
        }
        self.forget();
        if let Some(waiting) = self.waiting.take() {
            found(waiting);
        }
    }

    fn forget(&mut self) {
        self.bytes.clear();
        self.classes.clear();
        self.grams = 0;
    }

    fn units(&self, bytes: &[u8]) -> u64 {
        match self.settings.unit {
            Unit::Bytes => bytes.len() as u64,
            Unit::Characters => bytes.iter().filter(|&&byte| starts(byte)).count() as u64,
        }
    }

    /// Compares the `n`-grams of all classes, those of the first place first.
    fn compare(&mut self, found: &mut dyn FnMut(Found)) {
        let mut classes = std::mem::take(&mut self.classes);
        let bytes = std::mem::take(&mut self.bytes);
        classes.sort_unstable_by_key(|class| class.first);
        let reach = self.settings.length - self.settings.gram();
        for class in &classes {
            let [start, middle, end] = class.body;
            let (behind, before) = (&bytes[start..middle], &bytes[middle + 1..end - 1]);
            // By units: the hash of so many behind the anchor.
            let mut states = std::mem::take(&mut self.states);
            states.clear();
            let mut state = State::default();
            for &byte in behind {
                if self.starts(byte) {
                    states.push(state);
                }
                state.take(byte);
            }
            states.push(state);
            // The same before it, as far as the units behind it do not make an `n`-gram by themselves.
            let mut state = State::default();
            let mut units = 0;
            let mut bytes_before = before.iter().rev();
            loop {
                if units + states.len() > reach {
                    self.meet(class, units as u64, state.with(states[reach - units]), found);
                }
                let Some(&byte) = bytes_before.next() else { break };
                let mut byte = byte;
                state.take(byte);
                while !self.starts(byte) {
                    byte = *bytes_before.next().expect("a character begins with its first byte");
                    state.take(byte);
                }
                units += 1;
            }
            self.states = states;
        }
        if self.seen.len() > self.held {
            self.seen.retain(|_, seen| seen.again);
        }
        if self.seen.len() > self.held {
            self.seen.clear();
        }
        self.classes = classes;
        self.bytes = bytes;
        self.forget();
    }

    /// Meets the `n`-gram of a class that begins so many units before the anchor.
    fn meet(&mut self, class: &Class, units: u64, hash: u128, found: &mut dyn FnMut(Found)) {
        let one = |(origin, place): Place, kept| Found { origin, start: place - units, count: 1, kept };
        let reported = match self.seen.entry(hash) {
            Entry::Vacant(entry) => {
                entry.insert(Seen { place: class.first, again: class.many });
                return;
            }
            Entry::Occupied(mut entry) => {
                let seen = entry.get_mut();
                let again = std::mem::replace(&mut seen.again, true);
                match self.keep {
                    Keep::One => {
                        let (first, later) = (seen.place.min(class.first), seen.place.max(class.first));
                        seen.place = first;
                        [Some(one(later, Some(first.0))), None]
                    }
                    // Where there are many of a class, or the other has been met before, it is known already.
                    Keep::None => {
                        [(!again).then(|| one(seen.place, None)), (!class.many).then(|| one(class.first, None))]
                    }
                }
            }
        };
        reported.into_iter().flatten().for_each(|one| self.report(one, found));
    }

    /// Tells what was found, joined with what was found beside it before.
    fn report(&mut self, new: Found, found: &mut dyn FnMut(Found)) {
        if let Some(waiting) = &mut self.waiting {
            if (waiting.origin, waiting.kept) == (new.origin, new.kept) {
                if waiting.start + waiting.count == new.start {
                    waiting.count += new.count;
                    return;
                }
                if new.start + new.count == waiting.start {
                    (waiting.start, waiting.count) = (new.start, waiting.count + new.count);
                    return;
                }
            }
            found(*waiting);
        }
        self.waiting = Some(new);
    }

    fn starts(&self, byte: u8) -> bool {
        self.settings.unit == Unit::Bytes || starts(byte)
    }
}

/// Whether a byte of UTF-8 is the first of its character.
fn starts(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

/// A hash that grows byte by byte, and can be asked at any time.
#[derive(Debug, Clone, Copy)]
struct State([u64; 2]);

impl Default for State {
    fn default() -> State {
        State([0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344])
    }
}

impl State {
    fn take(&mut self, byte: u8) {
        const FACTORS: [u64; 2] = [0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db];
        for (state, factor) in self.0.iter_mut().zip(FACTORS) {
            let product = u128::from(*state ^ u64::from(byte)) * u128::from(factor);
            *state = product as u64 ^ (product >> 64) as u64;
        }
    }

    /// The hash of two texts, one before and one behind.
    fn with(self, behind: State) -> u128 {
        let [high, low] =
            [0, 1].map(|lane| self.0[lane].wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(behind.0[lane]));
        u128::from(high) << 64 | u128::from(low)
    }
}

/// Takes half of what is a hash already.
#[derive(Default)]
struct Half(u64);

impl Hasher for Half {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are numbers of 128 bits")
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
}
