//! The runs of units of all evaluation sets, and which items they are from.

use super::units::{each_run, run};

/// An evaluation set.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) name: String,
    /// Items it has.
    pub(super) items: u64,
    /// Items of which nothing can be found: too short, or nothing but runs that too many others have.
    pub(super) unseen: u64,
}

/// A text of an item: a question, an answer.
#[derive(Debug, Clone, Copy)]
struct Text {
    item: u32,
    /// Different runs that it has.
    runs: u32,
}

/// A run of the index in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    /// The first of its units.
    pub(super) first: usize,
    /// How many they are.
    pub(super) length: usize,
    /// Its number in the index.
    pub(super) run: u32,
}

/// An item of which so much was found that a document is contaminated.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Contamination {
    pub(super) item: u32,
    /// Of the runs of one of its texts, the share that was found.
    pub(super) share: f64,
    /// The longest stretch of hits: its first unit, and the one behind its last.
    pub(super) units: (usize, usize),
}

/// Built once, read by every thread.
pub(super) struct Index {
    ngram: usize,
    sets: Vec<Set>,
    /// Set and number within it.
    items: Vec<(u32, u64)>,
    texts: Vec<Text>,
    runs: Table,
    /// Of texts shorter than `ngram`: how they begin, and how long they are.
    short: Table,
    /// Units of the shortest of them.
    begin: usize,
}

/// What is put together before the index stands.
pub(super) struct Builder {
    ngram: usize,
    min_units: usize,
    sets: Vec<Set>,
    items: Vec<(u32, u64)>,
    texts: Vec<u32>,
    /// Hash of a run, and the text.
    runs: Vec<(u64, u32)>,
    /// Texts that are one run as a whole.
    short: Vec<Vec<u64>>,
}

impl Builder {
    pub(super) fn new(ngram: usize, min_units: usize) -> Builder {
        let (sets, items, texts, runs, short) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Builder { ngram, min_units, sets, items, texts, runs, short }
    }

    pub(super) fn set(&mut self, name: &str) {
        self.sets.push(Set { name: name.to_owned(), items: 0, unseen: 0 });
    }

    /// The next item of the last set.
    pub(super) fn item(&mut self) {
        let number = self.sets.len() - 1;
        let set = &mut self.sets[number];
        self.items.push((number as u32, set.items));
        set.items += 1;
    }

    /// A text of the last item; of its runs only those count that end at the unit `from` or behind it.
    pub(super) fn text(&mut self, units: &[u64], from: usize) {
        let (item, text) = (self.items.len() as u32 - 1, self.texts.len() as u32);
        if units.len() < self.min_units.max(1) {
            return;
        }
        self.texts.push(item);
        if units.len() < self.ngram {
            self.runs.push((run(units), text));
            self.short.push(units.to_vec());
        }
        let (ngram, runs) = (self.ngram, &mut self.runs);
        each_run(units, ngram, |first, hash| {
            if first + ngram > from {
                runs.push((hash, text));
            }
        });
    }

    /// The index; runs that more than `max_items` items have are left out.
    pub(super) fn finish(self, max_items: usize) -> Index {
        let Builder { ngram, mut sets, items, texts, mut runs, short, .. } = self;
        runs.sort_unstable();
        runs.dedup();
        let item = |text: u32| texts[text as usize];
        let common = |part: &[(u64, u32)]| {
            // Texts are sorted, so those of an item follow one another.
            1 + part.windows(2).filter(|pair| item(pair[0].1) != item(pair[1].1)).count() > max_items
        };
        let runs: Vec<(u64, u32)> =
            runs.chunk_by(|a, b| a.0 == b.0).filter(|part| !common(part)).flatten().copied().collect();
        let mut texts: Vec<Text> = texts.iter().map(|&item| Text { item, runs: 0 }).collect();
        let mut seen = vec![false; items.len()];
        for &(_, text) in &runs {
            texts[text as usize].runs += 1;
            seen[texts[text as usize].item as usize] = true;
        }
        for (&(set, _), _) in items.iter().zip(&seen).filter(|(_, seen)| !**seen) {
            sets[set as usize].unseen += 1;
        }
        let begin = short.iter().map(Vec::len).min().unwrap_or(0);
        let mut begins: Vec<(u64, u32)> =
            short.iter().map(|units| (run(&units[..begin]), units.len() as u32)).collect();
        begins.sort_unstable();
        begins.dedup();
        Index { ngram, sets, items, texts, runs: Table::new(&runs), short: Table::new(&begins), begin }
    }
}

impl Index {
    pub(super) fn sets(&self) -> &[Set] {
        &self.sets
    }

    /// Runs it knows.
    pub(super) fn runs(&self) -> usize {
        self.runs.keys.len()
    }

    /// Bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.runs.bytes() + self.short.bytes() + size_of_val(&self.items[..]) + size_of_val(&self.texts[..])
    }

    /// `gsm8k#123`
    pub(super) fn name(&self, item: u32) -> String {
        let (set, number) = self.items[item as usize];
        format!("{}#{number}", self.sets[set as usize].name)
    }

    /// Replaces `hits` by the runs of the index in these units, in order.
    pub(super) fn scan(&self, units: &[u64], hits: &mut Vec<Hit>) {
        hits.clear();
        each_run(units, self.ngram, |first, hash| {
            if self.runs.may_hold(hash)
                && let Some(run) = self.runs.find(hash)
            {
                hits.push(Hit { first, length: self.ngram, run });
            }
        });
        if self.begin == 0 {
            return;
        }
        let long = hits.len();
        each_run(units, self.begin, |first, hash| {
            if !self.short.may_hold(hash) {
                return;
            }
            for &length in self.short.find(hash).map_or(&[][..], |begin| self.short.values(begin)) {
                let length = length as usize;
                let found = units.get(first..first + length).and_then(|units| self.runs.find(run(units)));
                hits.extend(found.map(|run| Hit { first, length, run }));
            }
        });
        if hits.len() > long {
            hits.sort_unstable();
        }
    }

    /// Different runs among hits, the greatest share of a text that was found, and the items of which the
    /// share is at least `threshold` and the runs at least `least`: those found best first.
    pub(super) fn judge(&self, hits: &[Hit], threshold: f64, least: u64) -> (usize, f64, Vec<Contamination>) {
        let mut runs: Vec<u32> = hits.iter().map(|hit| hit.run).collect();
        runs.sort_unstable();
        runs.dedup();
        let mut texts: Vec<u32> = runs.iter().flat_map(|&run| self.runs.values(run)).copied().collect();
        texts.sort_unstable();
        let mut best = 0.0_f64;
        // By item, since texts are in the order of their items.
        let mut found: Vec<Contamination> = Vec::new();
        for part in texts.chunk_by(|a, b| a == b) {
            let text = self.texts[part[0] as usize];
            let share = part.len() as f64 / f64::from(text.runs);
            best = best.max(share);
            if share < threshold || (part.len() as u64) < least {
                continue;
            }
            match found.last_mut().filter(|last| last.item == text.item) {
                Some(last) => last.share = last.share.max(share),
                None => found.push(Contamination { item: text.item, share, units: (0, 0) }),
            }
        }
        if !found.is_empty() {
            self.place(hits, &mut found);
            found.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.item.cmp(&b.item)));
        }
        (runs.len(), best, found)
    }

    /// Whether a hit is of one of these items, which are sorted.
    pub(super) fn is_of(&self, hit: &Hit, items: &[u32]) -> bool {
        let item = |text: &u32| self.texts[*text as usize].item;
        self.runs.values(hit.run).iter().any(|text| items.binary_search(&item(text)).is_ok())
    }

    /// Finds the longest stretch of hits of each item.
    fn place(&self, hits: &[Hit], found: &mut [Contamination]) {
        let mut now = vec![(0, 0); found.len()];
        for hit in hits {
            let (first, end) = (hit.first, hit.first + hit.length);
            for text in self.runs.values(hit.run) {
                let item = self.texts[*text as usize].item;
                let Ok(place) = found.binary_search_by_key(&item, |found| found.item) else { continue };
                let stretch = &mut now[place];
                *stretch =
                    if first <= stretch.1 && stretch.1 > 0 { (stretch.0, stretch.1.max(end)) } else { (first, end) };
                let longest = &mut found[place].units;
                if stretch.1 - stretch.0 > longest.1 - longest.0 {
                    *longest = *stretch;
                }
            }
        }
    }
}

/// Values by key: a table of places with as much room again, behind two bits of a small table that turn most
/// keys away. 26 to 38 bytes for a key, and 4 for each of its values.
struct Table {
    bits: Vec<u64>,
    slots: Vec<u32>,
    keys: Vec<u64>,
    /// Where the values of a key begin; one more than there are keys.
    starts: Vec<u32>,
    values: Vec<u32>,
}

const EMPTY: u32 = u32::MAX;

impl Table {
    /// From pairs that are sorted.
    fn new(pairs: &[(u64, u32)]) -> Table {
        let (mut keys, mut starts) = (Vec::new(), Vec::new());
        for (number, (key, _)) in pairs.iter().enumerate() {
            if keys.last() != Some(key) {
                keys.push(*key);
                starts.push(number as u32);
            }
        }
        starts.push(pairs.len() as u32);
        // 16 bits for a key at least.
        let mut bits = vec![0; (keys.len() / 4).next_power_of_two().max(2)];
        let mut slots = vec![EMPTY; (2 * keys.len()).next_power_of_two().max(2)];
        for (number, &key) in keys.iter().enumerate() {
            let (word, mask) = bit(&bits, key);
            bits[word] |= mask;
            let mut slot = place(&slots, key);
            while slots[slot] != EMPTY {
                slot = (slot + 1) & (slots.len() - 1);
            }
            slots[slot] = number as u32;
        }
        Table { bits, slots, keys, starts, values: pairs.iter().map(|pair| pair.1).collect() }
    }

    #[inline(always)]
    fn may_hold(&self, key: u64) -> bool {
        let (word, mask) = bit(&self.bits, key);
        self.bits[word] & mask == mask
    }

    fn find(&self, key: u64) -> Option<u32> {
        let mut slot = place(&self.slots, key);
        loop {
            match self.slots[slot] {
                EMPTY => return None,
                number if self.keys[number as usize] == key => return Some(number),
                _ => slot = (slot + 1) & (self.slots.len() - 1),
            }
        }
    }

    fn values(&self, number: u32) -> &[u32] {
        let number = number as usize;
        &self.values[self.starts[number] as usize..self.starts[number + 1] as usize]
    }

    fn bytes(&self) -> usize {
        8 * (self.bits.len() + self.keys.len()) + 4 * (self.slots.len() + self.starts.len() + self.values.len())
    }
}

/// The word of a key by its highest bits, and two bits of it by its lowest.
#[inline(always)]
fn bit(bits: &[u64], key: u64) -> (usize, u64) {
    let word = (key >> (64 - bits.len().trailing_zeros())) as usize;
    (word, 1 << (key & 63) | 1 << (key >> 6 & 63))
}

fn place(slots: &[u32], key: u64) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - slots.len().trailing_zeros())) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_table_holds_its_pairs_and_no_others(pairs in prop::collection::btree_set((0..400_u64, 0..9_u32), 0..300)) {
            let spread = |key: u64| key.wrapping_mul(0x1234_5678_9abc_def1);
            let mut all: Vec<(u64, u32)> = pairs.iter().map(|&(key, value)| (spread(key), value)).collect();
            all.sort_unstable();
            let table = Table::new(&all);
            for key in (0..500).map(spread) {
                let expected: Vec<u32> = all.iter().filter(|pair| pair.0 == key).map(|pair| pair.1).collect();
                let found = table.find(key).map_or(Vec::new(), |number| table.values(number).to_vec());
                prop_assert!(found.is_empty() || table.may_hold(key));
                prop_assert_eq!(found, expected);
            }
        }

        /// Against sets of runs, each compared unit by unit.
        #[test]
        fn what_is_found_is_what_is_there(
            texts in prop::collection::vec(prop::collection::vec(0..3_u64, 0..12), 1..6),
            units in prop::collection::vec(0..3_u64, 0..60),
            max_items in 1..4_usize,
        ) {
            let (ngram, min_units) = (5, 3);
            let mut builder = Builder::new(ngram, min_units);
            builder.set("s");
            let mut runs: Vec<BTreeSet<&[u64]>> = Vec::new();
            for text in &texts {
                builder.item();
                builder.text(text, 0);
                runs.push(match text.len() {
                    length if length < min_units => BTreeSet::new(),
                    length => text.windows(ngram.min(length)).collect(),
                });
            }
            let index = builder.finish(max_items);
            let mut owners: BTreeMap<&[u64], usize> = BTreeMap::new();
            runs.iter().flatten().for_each(|run| *owners.entry(run).or_default() += 1);
            runs.iter_mut().for_each(|runs| runs.retain(|run| owners[run] <= max_items));
            let known: BTreeSet<&[u64]> = runs.iter().flatten().copied().collect();
            let mut expected = Vec::new();
            for first in 0..units.len() {
                for length in min_units..=ngram {
                    if units.get(first..first + length).is_some_and(|run| known.contains(run)) {
                        expected.push((first, length));
                    }
                }
            }
            let mut hits = Vec::new();
            index.scan(&units, &mut hits);
            prop_assert_eq!(hits.iter().map(|hit| (hit.first, hit.length)).collect::<Vec<_>>(), expected);
            let (_, best, found) = index.judge(&hits, 0.5, 1);
            let there = |run: &&&[u64]| units.windows(run.len()).any(|window| window == **run);
            let share = |runs: &BTreeSet<&[u64]>| match runs.len() {
                0 => 0.0,
                all => runs.iter().filter(there).count() as f64 / all as f64,
            };
            let shares: Vec<f64> = runs.iter().map(share).collect();
            prop_assert_eq!(best, shares.iter().copied().fold(0.0, f64::max));
            let expected: BTreeSet<u32> = (0..).zip(&shares).filter(|(_, share)| **share >= 0.5).map(|(item, _)| item).collect();
            prop_assert_eq!(found.iter().map(|found| found.item).collect::<BTreeSet<_>>(), expected);
            prop_assert!(found.is_sorted_by(|a, b| a.share >= b.share));
            prop_assert!(found.iter().all(|found| found.units.0 < found.units.1 && found.units.1 <= units.len()));
        }
    }
}
