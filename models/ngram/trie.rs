//! KenLM's tries (Heafield 2011, sec. 3.2), plain, quantized, and with array-compressed pointers (Raj and
//! Whittaker 2003). They are unfolded into hash tables while they are read: about twice the memory, and faster.

use super::binary::{Cursor, unigrams};
use super::table::{Longest, Middle, Table, Word, longer_hash};
use super::{MULTIPLIER, Model};

/// Bits that a number up to this needs.
fn bits_for(max: u64) -> u32 {
    64 - max.leading_zeros()
}

/// Numbers of any width, one behind the other, the lowest bits first.
struct Bits<'a>(&'a [u8]);

impl Bits<'_> {
    /// At most 57 bits.
    fn read(&self, at: u64, width: u32) -> u64 {
        let from = (at / 8) as usize;
        let mut eight = [0; 8];
        let there = &self.0[from..self.0.len().min(from + 8)];
        eight[..there.len()].copy_from_slice(there);
        (u64::from_le_bytes(eight) >> (at % 8)) & ((1 << width) - 1)
    }
}

/// What numbers stand for, where they are quantized: probabilities of an order, and back-offs.
struct Bins<'a> {
    prob_bits: u32,
    backoff_bits: u32,
    tables: &'a [u8],
}

impl Bins<'_> {
    fn decode(&self, skipped: u64, number: u64) -> f32 {
        let at = (skipped + number) as usize * 4;
        f32::from_le_bytes(self.tables[at..at + 4].try_into().expect("four bytes"))
    }

    /// Numbers of the tables of the middle orders below this one.
    fn below(&self, n: usize) -> u64 {
        (n as u64 - 2) * ((1 << self.prob_bits) + (1 << self.backoff_bits))
    }
}

/// How the pointers of an order are compressed: the highest bits by an array that says where each value begins.
struct Pointers<'a> {
    inline: u32,
    array: Option<&'a [u8]>,
}

impl Pointers<'_> {
    /// Appends where the entries' children begin, and where those of the last end.
    fn read(&self, bits: &Bits, entries: u64, start: u64, width: u64) -> Result<Vec<u64>, String> {
        let mut high = 0_u64;
        let begins = |value: u64| {
            let at = value as usize * 8;
            self.array
                .and_then(|array| array.get(at..at + 8))
                .map(|eight| u64::from_le_bytes(eight.try_into().expect("eight")))
        };
        let mut all = Vec::with_capacity(entries as usize + 1);
        for entry in 0..=entries {
            while begins(high + 1).is_some_and(|begin| begin <= entry) {
                high += 1;
            }
            let next = high << self.inline | bits.read(start + entry * width, self.inline);
            if all.last().is_some_and(|&last| next < last) {
                return Err("a pointer of the trie goes back".to_owned());
            }
            all.push(next);
        }
        Ok(all)
    }
}

/// The part of the highest bits that costs least room in an array: KenLM's rule.
fn chopped(entries: u64, max: u64, most: u32) -> u32 {
    let required = bits_for(max);
    let cost = |chop: u32| {
        let table = if required == chop { max } else { max >> (required - chop) };
        i128::from(table) * 64 - i128::from(entries) * i128::from(chop)
    };
    (0..=required.min(most)).min_by_key(|&chop| cost(chop)).unwrap_or(0)
}

/// Reads what follows the header.
pub fn read(cursor: &mut Cursor, counts: &[u64], quantized: bool, array: bool) -> Result<Model, String> {
    let order = counts.len();
    let known = cursor.u64()?;
    let stored = counts[0].checked_mul(8).ok_or("it has too many words")?;
    let hashes = cursor.take(stored)?;
    if known > counts[0] {
        return Err(format!("it has {known} words and {} unigrams", counts[0]));
    }
    let mut words = Table::new(known + 1, MULTIPLIER);
    for (at, hash) in hashes.chunks_exact(8).take(known as usize).enumerate() {
        let key = u64::from_le_bytes(hash.try_into().expect("eight bytes"));
        if key == 0 || !words.insert(Word { key, id: at as u32 + 1 }) {
            return Err("two of its words have one hash".to_owned());
        }
    }
    let bins = if quantized {
        let head = cursor.take(8)?;
        let (prob_bits, backoff_bits) = (u32::from(head[1]), u32::from(head[2]));
        if head[0] != 2 || !(1..=25).contains(&prob_bits) || !(1..=25).contains(&backoff_bits) {
            return Err(format!(
                "quantization of version {}, {prob_bits} and {backoff_bits} bits is not known",
                head[0]
            ));
        }
        let (probs, backoffs) = (1_u64 << prob_bits, 1_u64 << backoff_bits);
        let tables = cursor.take(((order as u64 - 2) * (probs + backoffs) + probs) * 4)?;
        Some(Bins { prob_bits, backoff_bits, tables })
    } else {
        None
    };
    let unigram_bytes = cursor.take((counts[0] + 2) * 16)?;
    let bound = known as usize + 1;
    let mut model_unigrams = unigrams(unigram_bytes, 16);
    model_unigrams.truncate(bound);
    let pointer = |unigram: &[u8]| u64::from_le_bytes(unigram[8..16].try_into().expect("eight bytes"));
    let mut pointers: Vec<u64> = unigram_bytes.chunks_exact(16).take(bound + 1).map(pointer).collect();
    let mut keys: Vec<u64> = (0..bound as u64).collect();
    for (unigram, children) in model_unigrams.iter_mut().zip(pointers.windows(2)) {
        unigram[0] = if children[0] < children[1] { unigram[0].abs() } else { -unigram[0].abs() };
    }
    let word_bits = bits_for(counts[0]);
    let mut middle: Vec<Table<Middle>> = Vec::new();
    for n in 2..order {
        let (entries, below) = (counts[n - 1], counts[n]);
        let weights = bins.as_ref().map_or(63, |bins| bins.prob_bits + bins.backoff_bits);
        let places = pointers_of(cursor, entries, below, array)?;
        let width = u64::from(word_bits + weights + places.inline);
        let bits = Bits(cursor.take(((1 + entries) * width).div_ceil(8) + 8)?);
        let mut table = Table::new(entries, MULTIPLIER);
        let mut longer = Vec::with_capacity(entries as usize);
        each(&bits, entries, width, word_bits, (&keys, &pointers), bound, |key, at| {
            let (prob, backoff) = match &bins {
                None => {
                    let prob = f32::from_bits(bits.read(at, 31) as u32 | 1 << 31);
                    (prob, f32::from_bits(bits.read(at + 31, 32) as u32))
                }
                Some(bins) => {
                    let backoff = bits.read(at, bins.backoff_bits);
                    let prob = bits.read(at + u64::from(bins.backoff_bits), bins.prob_bits);
                    let start = bins.below(n);
                    (bins.decode(start, prob), bins.decode(start + (1 << bins.prob_bits), backoff))
                }
            };
            longer.push(key);
            key != 0 && table.insert(Middle { key, prob, backoff })
        })?;
        pointers = places.read(&bits, entries, u64::from(word_bits + weights), width)?;
        keys = longer;
        for (key, children) in keys.iter().zip(pointers.windows(2)) {
            if children[0] < children[1]
                && let Some(entry) = table.find_mut(*key)
            {
                entry.prob = entry.prob.abs();
            }
        }
        middle.push(table);
    }
    let entries = counts[order - 1];
    let width = u64::from(word_bits + bins.as_ref().map_or(31, |bins| bins.prob_bits));
    let bits = Bits(cursor.take(((1 + entries) * width).div_ceil(8) + 8)?);
    let mut longest = Table::new(entries, MULTIPLIER);
    each(&bits, entries, width, word_bits, (&keys, &pointers), bound, |key, at| {
        let prob = match &bins {
            None => f32::from_bits(bits.read(at, 31) as u32 | 1 << 31),
            Some(bins) => bins.decode(bins.below(order), bits.read(at, bins.prob_bits)),
        };
        key != 0 && longest.insert(Longest { key, prob })
    })?;
    Ok(Model { order, words, unigrams: model_unigrams, middle, longest, begin: 0, end: 0, names: None })
}

fn pointers_of<'a>(cursor: &mut Cursor<'a>, entries: u64, below: u64, array: bool) -> Result<Pointers<'a>, String> {
    let required = bits_for(below);
    if !array {
        return Ok(Pointers { inline: required, array: None });
    }
    let start = cursor.at;
    let aligned = start.next_multiple_of(8);
    let head = cursor.take(2)?;
    if head[0] != 0 || head[1] > 64 {
        return Err(format!("array compression of version {} is not known", head[0]));
    }
    let chop = chopped(entries + 1, below, u32::from(head[1]));
    let values = if chop == required { below } else { below >> (required - chop) } + 1;
    cursor.at = start;
    cursor.take(8 * (1 + values) + 7)?;
    let bytes = cursor.bytes;
    let array = &bytes[aligned + 8..aligned + 8 + 8 * values as usize];
    Ok(Pointers { inline: required - chop, array: Some(array) })
}

/// Calls `see` with the hash of every n-gram of an order and where its weights stand.
fn each(
    bits: &Bits,
    entries: u64,
    width: u64,
    word_bits: u32,
    (keys, pointers): (&[u64], &[u64]),
    bound: usize,
    mut see: impl FnMut(u64, u64) -> bool,
) -> Result<(), String> {
    let mut parent = 0;
    for entry in 0..entries {
        while pointers.get(parent + 1).is_some_and(|&end| end <= entry) {
            parent += 1;
        }
        let Some(&key) = keys.get(parent).filter(|_| pointers[parent] <= entry && parent + 1 < pointers.len()) else {
            return Err("an n-gram of the trie belongs to none".to_owned());
        };
        let at = entry * width;
        let word = bits.read(at, word_bits) as u32;
        if word as usize >= bound {
            return Err("an n-gram of the trie has a word that is not there".to_owned());
        }
        if !see(longer_hash(key, word), at + u64::from(word_bits)) {
            return Err("an n-gram of the trie stands twice".to_owned());
        }
    }
    Ok(())
}
