//! Hash tables with linear probing, laid out as KenLM's probing model has them (Heafield 2011, sec. 3.1).

/// Something that is found by a hash of 64 bits; 0 stands for nothing.
pub trait Entry: Copy {
    /// What it is found by.
    fn key(&self) -> u64;
    /// An empty place.
    fn empty() -> Self;
    /// How it stands in a file.
    const BYTES: usize;
    /// From the bytes of a file.
    fn read(bytes: &[u8]) -> Self;
    /// Appends the bytes of a file.
    fn write(&self, out: &mut Vec<u8>);
}

/// A word by the hash of its bytes.
#[derive(Debug, Clone, Copy)]
#[repr(C, packed(4))]
pub struct Word {
    pub key: u64,
    pub id: u32,
}

/// An n-gram that longer ones may follow from.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Middle {
    pub key: u64,
    pub prob: f32,
    pub backoff: f32,
}

/// An n-gram of the highest order.
#[derive(Debug, Clone, Copy)]
#[repr(C, packed(4))]
pub struct Longest {
    pub key: u64,
    pub prob: f32,
}

fn u64_at(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"))
}

fn four(bytes: &[u8], at: usize) -> [u8; 4] {
    bytes[at..at + 4].try_into().expect("four bytes")
}

impl Entry for Word {
    fn key(&self) -> u64 {
        self.key
    }
    fn empty() -> Word {
        Word { key: 0, id: 0 }
    }
    const BYTES: usize = 12;
    fn read(bytes: &[u8]) -> Word {
        Word { key: u64_at(bytes), id: u32::from_le_bytes(four(bytes, 8)) }
    }
    fn write(&self, out: &mut Vec<u8>) {
        let Word { key, id } = *self;
        out.extend_from_slice(&key.to_le_bytes());
        out.extend_from_slice(&id.to_le_bytes());
    }
}

impl Entry for Middle {
    fn key(&self) -> u64 {
        self.key
    }
    fn empty() -> Middle {
        Middle { key: 0, prob: 0.0, backoff: 0.0 }
    }
    const BYTES: usize = 16;
    fn read(bytes: &[u8]) -> Middle {
        let float = |at| f32::from_le_bytes(four(bytes, at));
        Middle { key: u64_at(bytes), prob: float(8), backoff: float(12) }
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.key.to_le_bytes());
        out.extend_from_slice(&self.prob.to_le_bytes());
        out.extend_from_slice(&self.backoff.to_le_bytes());
    }
}

impl Entry for Longest {
    fn key(&self) -> u64 {
        self.key
    }
    fn empty() -> Longest {
        Longest { key: 0, prob: 0.0 }
    }
    const BYTES: usize = 12;
    fn read(bytes: &[u8]) -> Longest {
        Longest { key: u64_at(bytes), prob: f32::from_le_bytes(four(bytes, 8)) }
    }
    fn write(&self, out: &mut Vec<u8>) {
        let Longest { key, prob } = *self;
        out.extend_from_slice(&key.to_le_bytes());
        out.extend_from_slice(&prob.to_le_bytes());
    }
}

/// A table of fixed size; one place at least is always empty, so that every search ends.
pub struct Table<E> {
    places: Vec<E>,
    taken: usize,
}

/// Places for so many entries, as KenLM counts them: with room for one that is empty.
pub fn places_for(entries: u64, multiplier: f32) -> u64 {
    (entries + 1).max((multiplier * entries as f32) as u64)
}

impl<E: Entry> Table<E> {
    /// An empty table.
    pub fn new(entries: u64, multiplier: f32) -> Table<E> {
        Table { places: vec![E::empty(); places_for(entries, multiplier) as usize], taken: 0 }
    }

    /// A table from a file.
    pub fn read(bytes: &[u8]) -> Result<Table<E>, String> {
        let places: Vec<E> = bytes.chunks_exact(E::BYTES).map(E::read).collect();
        let taken = places.iter().filter(|place| place.key() != 0).count();
        if taken >= places.len() {
            return Err("a hash table has no empty place".to_owned());
        }
        Ok(Table { places, taken })
    }

    /// Appends the table as it stands in a file.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.places.iter().for_each(|place| place.write(out));
    }

    pub fn len(&self) -> usize {
        self.taken
    }

    pub fn entries(&self) -> impl Iterator<Item = &E> {
        self.places.iter().filter(|place| place.key() != 0)
    }

    #[inline(always)]
    fn place(&self, key: u64) -> Result<usize, usize> {
        let mut at = (key % self.places.len() as u64) as usize;
        loop {
            let found = self.places[at].key();
            if found == key {
                return Ok(at);
            }
            if found == 0 {
                return Err(at);
            }
            at += 1;
            if at == self.places.len() {
                at = 0;
            }
        }
    }

    #[inline(always)]
    pub fn find(&self, key: u64) -> Option<&E> {
        // A key of 0 would find an empty place.
        if key == 0 {
            return None;
        }
        self.place(key).ok().map(|at| &self.places[at])
    }

    pub fn find_mut(&mut self, key: u64) -> Option<&mut E> {
        if key == 0 {
            return None;
        }
        self.place(key).ok().map(|at| &mut self.places[at])
    }

    /// Puts an entry in; says `false` where its key is there already. Grows where too many come.
    pub fn insert(&mut self, entry: E) -> bool {
        if self.taken + 2 > self.places.len() {
            let mut larger = Table { places: vec![E::empty(); self.places.len() * 2 + 2], taken: 0 };
            self.entries().for_each(|entry| {
                larger.insert(*entry);
            });
            *self = larger;
        }
        match self.place(entry.key()) {
            Ok(_) => false,
            Err(at) => {
                self.places[at] = entry;
                self.taken += 1;
                true
            }
        }
    }

    /// Gives the table exactly the places that a file with so many entries has.
    pub fn fit(&mut self, multiplier: f32) {
        let wanted = places_for(self.taken as u64, multiplier) as usize;
        if wanted != self.places.len() {
            let mut other = Table { places: vec![E::empty(); wanted], taken: 0 };
            self.entries().for_each(|entry| {
                other.insert(*entry);
            });
            *self = other;
        }
    }
}

/// MurmurHash64A (Appleby), with seed 0: how KenLM hashes words.
pub fn word_hash(word: &[u8]) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    let mut hash = (word.len() as u64).wrapping_mul(M);
    let mut eights = word.chunks_exact(8);
    for eight in &mut eights {
        let mut part = u64_at(eight).wrapping_mul(M);
        part ^= part >> 47;
        hash = (hash ^ part.wrapping_mul(M)).wrapping_mul(M);
    }
    let rest = eights.remainder();
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0, |tail, &byte| tail << 8 | u64::from(byte));
        hash = (hash ^ tail).wrapping_mul(M);
    }
    hash = (hash ^ hash >> 47).wrapping_mul(M);
    hash ^ hash >> 47
}

/// The hash of an n-gram with one more word in front of it; that of one word is its number.
#[inline(always)]
pub fn longer_hash(hash: u64, word: u32) -> u64 {
    hash.wrapping_mul(8_978_948_897_894_561_157) ^ (1 + u64::from(word)).wrapping_mul(17_894_857_484_156_487_943)
}
