//! Words, their subwords and n-grams: from a text to rows of the input matrix.

use super::load::Cursor;

/// The word that stands at the end of every text.
pub const END_OF_LINE: &[u8] = b"</s>";
/// What a label begins with.
pub const LABEL: &[u8] = b"__label__";

/// Subwords of all words. A model of two million words, each of twenty characters, with subwords of 3
/// to 6 has 150 million; a single word as long as a file would have as many as its square.
const MAX_SUBWORDS: usize = 1 << 28;

/// How features are hashed.
#[derive(Debug, Clone, Copy)]
pub struct Hashing {
    pub bucket: u32,
    pub min_n: usize,
    pub max_n: usize,
    pub word_ngrams: usize,
}

pub struct Dictionary {
    pub labels: Vec<String>,
    hashing: Hashing,
    /// Bytes of all words, one after the other.
    bytes: Vec<u8>,
    /// End of each word in `bytes`.
    ends: Vec<u32>,
    /// Open addressing: number of a word plus one, or 0.
    table: Vec<u32>,
    /// Rows of each word: its own and its subwords'. Ends in `subwords`.
    subwords: Vec<u32>,
    subword_ends: Vec<u32>,
    buckets: Buckets,
}

/// Which row a hashed feature has.
enum Buckets {
    /// There are no hashed features.
    None,
    /// Bucket b is row `words + b`.
    All,
    /// Only some buckets were kept when the model was pruned. A bitmap small enough for the cache
    /// answers most questions, for most are answered no.
    Kept { bitmap: Vec<u64>, table: Vec<(u32, u32)> },
}

/// FNV-1a as the C++ tool has it: bytes are signed there.
pub fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(FNV_START, |h, &byte| step(h, byte))
}

const FNV_START: u32 = 2_166_136_261;

fn step(h: u32, byte: u8) -> u32 {
    (h ^ i32::from(byte.cast_signed()).cast_unsigned()).wrapping_mul(16_777_619)
}

impl Dictionary {
    /// Reads the dictionary; also returns how often each label was seen, which shapes the tree of
    /// hierarchical softmax.
    pub fn read(cursor: &mut Cursor<'_>, hashing: Hashing) -> Result<(Dictionary, Vec<i64>), String> {
        let size = cursor.count32("the dictionary's size")?;
        let words = cursor.count32("the number of words")?;
        let labels = cursor.count32("the number of labels")?;
        cursor.i64()?; // tokens seen in training
        let pruned = cursor.i64()?;
        if words.checked_add(labels) != Some(size) {
            return Err(format!("{words} words and {labels} labels are not {size} entries"));
        }
        let mut dictionary = Dictionary {
            labels: Vec::new(),
            hashing,
            bytes: Vec::new(),
            ends: Vec::new(),
            table: Vec::new(),
            subwords: Vec::new(),
            subword_ends: Vec::new(),
            buckets: Buckets::None,
        };
        let mut counts = Vec::new();
        for entry in 0..size {
            let word = cursor.word()?;
            let count = cursor.i64()?;
            let is_label = cursor.flag()?;
            if is_label != (entry >= words) {
                return Err("words and labels are mixed".to_owned());
            }
            if is_label {
                let name = String::from_utf8_lossy(word.strip_prefix(LABEL).unwrap_or(word)).into_owned();
                dictionary.labels.push(name);
                counts.push(count);
            } else {
                dictionary.bytes.extend_from_slice(word);
                dictionary.ends.push(u32::try_from(dictionary.bytes.len()).map_err(|_| "the words are over 4 GiB")?);
            }
        }
        dictionary.buckets = Self::read_buckets(cursor, pruned, hashing.bucket)?;
        dictionary.index()?;
        Ok((dictionary, counts))
    }

    fn read_buckets(cursor: &mut Cursor<'_>, pruned: i64, bucket: u32) -> Result<Buckets, String> {
        // -1: not pruned. 0: pruned to nothing.
        let Ok(pruned) = usize::try_from(pruned) else {
            return Ok(if bucket == 0 { Buckets::None } else { Buckets::All });
        };
        if pruned == 0 {
            return Ok(Buckets::None);
        }
        let pairs = cursor.take(pruned.checked_mul(8).ok_or("too many pruned buckets")?)?;
        let mut bitmap = vec![0_u64; (bucket as usize).div_ceil(64).min(1 << 26)];
        let mut table = vec![(u32::MAX, 0); (pruned * 2).next_power_of_two()];
        for pair in pairs.chunks_exact(8) {
            let word = |at: usize| u32::from_le_bytes(pair[at..at + 4].try_into().expect("four bytes"));
            let (from, to) = (word(0), word(4));
            if from >= bucket || to as usize >= pruned {
                return Err(format!("bucket {from} is pruned to {to}"));
            }
            let slot = bitmap.get_mut(from as usize / 64).ok_or("too many buckets")?;
            *slot |= 1 << (from % 64);
            let mut at = Self::spread(from, table.len());
            while table[at].0 != u32::MAX && table[at].0 != from {
                at = (at + 1) % table.len();
            }
            table[at] = (from, to);
        }
        Ok(Buckets::Kept { bitmap, table })
    }

    fn spread(bucket: u32, size: usize) -> usize {
        bucket.wrapping_mul(0x9e37_79b1) as usize & (size - 1)
    }

    /// Fills the table of words, and the rows of each word.
    fn index(&mut self) -> Result<(), String> {
        let words = self.ends.len();
        self.table = vec![0; (words * 2).next_power_of_two().max(2)];
        for word in 0..words {
            let mut at = hash(self.word(word)) as usize & (self.table.len() - 1);
            // The C++ tool keeps the first of equal words.
            while self.table[at] != 0 && self.word(self.table[at] as usize - 1) != self.word(word) {
                at = (at + 1) & (self.table.len() - 1);
            }
            if self.table[at] == 0 {
                self.table[at] = word as u32 + 1;
            }
        }
        let (mut rows, mut bracketed) = (Vec::new(), Vec::new());
        for word in 0..words {
            rows.push(word as u32);
            if self.hashing.max_n > 0 && self.word(word) != END_OF_LINE {
                bracket(self.word(word), &mut bracketed);
                let most = bracketed.len().saturating_mul(self.hashing.max_n.min(bracketed.len()));
                if most.saturating_add(rows.len()) > MAX_SUBWORDS {
                    return Err(format!("the words have over {MAX_SUBWORDS} subwords"));
                }
                self.add_subwords(&bracketed, &mut rows);
            }
            self.subword_ends.push(rows.len() as u32);
        }
        self.subwords = rows;
        Ok(())
    }

    fn word(&self, number: usize) -> &[u8] {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start as usize..self.ends[number] as usize]
    }

    fn find(&self, token: &[u8], hash: u32) -> Option<usize> {
        let mut at = hash as usize & (self.table.len() - 1);
        loop {
            let number = self.table[at].checked_sub(1)? as usize;
            if self.word(number) == token {
                return Some(number);
            }
            at = (at + 1) & (self.table.len() - 1);
        }
    }

    /// How many rows the input matrix must have for every row that [`rows`](Self::rows) can name.
    pub fn rows_needed(&self) -> usize {
        let hashed = match &self.buckets {
            Buckets::None => 0,
            Buckets::All => self.hashing.bucket as usize,
            Buckets::Kept { table, .. } => {
                table.iter().filter(|(from, _)| *from != u32::MAX).map(|(_, to)| *to as usize + 1).max().unwrap_or(0)
            }
        };
        self.ends.len() + hashed
    }

    /// Rows of the input matrix for a text, in the order of the C++ tool's `getLine`.
    pub fn rows(&self, text: &str, rows: &mut Vec<u32>, hashes: &mut Vec<i32>) {
        rows.clear();
        hashes.clear();
        let is_space = |byte: &u8| is_space(*byte);
        let mut bracketed = [0_u8; 256];
        for token in text.as_bytes().split(is_space).filter(|token| !token.is_empty()) {
            self.add_token(token, &mut bracketed, rows, hashes);
            if token == END_OF_LINE {
                break; // the C++ tool takes it for the end, wherever it stands
            }
        }
        if !text.as_bytes().split(is_space).any(|token| token == END_OF_LINE) {
            self.add_token(END_OF_LINE, &mut bracketed, rows, hashes);
        }
        self.add_word_ngrams(hashes, rows);
    }

    fn add_token(&self, token: &[u8], bracketed: &mut [u8; 256], rows: &mut Vec<u32>, hashes: &mut Vec<i32>) {
        let hash = hash(token);
        match self.find(token, hash) {
            Some(word) => {
                let start = word.checked_sub(1).map_or(0, |before| self.subword_ends[before]);
                rows.extend_from_slice(&self.subwords[start as usize..self.subword_ends[word] as usize]);
            }
            None if token.starts_with(LABEL) => return,
            None if token == END_OF_LINE || self.hashing.max_n == 0 => {}
            None if token.len() + 2 <= bracketed.len() => {
                bracketed[0] = b'<';
                bracketed[1..=token.len()].copy_from_slice(token);
                bracketed[token.len() + 1] = b'>';
                self.add_subwords(&bracketed[..token.len() + 2], rows);
            }
            None => {
                // Longer than any word: a line of Chinese, or junk. Rare enough to allocate for.
                let mut long = Vec::new();
                bracket(token, &mut long);
                self.add_subwords(&long, rows);
            }
        }
        hashes.push(hash.cast_signed());
    }

    /// Character n-grams of a word between its brackets.
    fn add_subwords(&self, word: &[u8], rows: &mut Vec<u32>) {
        subwords(word, self.hashing, |bucket| self.push_bucket(bucket, rows));
    }

    fn add_word_ngrams(&self, hashes: &[i32], rows: &mut Vec<u32>) {
        word_ngrams(hashes, self.hashing, |bucket| self.push_bucket(bucket, rows));
    }

    fn push_bucket(&self, bucket: u32, rows: &mut Vec<u32>) {
        let words = self.ends.len() as u32;
        match &self.buckets {
            Buckets::None => {}
            Buckets::All => rows.push(words + bucket),
            Buckets::Kept { bitmap, table } => {
                if bitmap[bucket as usize / 64] >> (bucket % 64) & 1 == 1 {
                    let mut at = Self::spread(bucket, table.len());
                    while table[at].0 != bucket {
                        at = (at + 1) % table.len();
                    }
                    rows.push(words + table[at].1);
                }
            }
        }
    }
}

/// Buckets of the character n-grams of a word between its brackets.
pub fn subwords(word: &[u8], hashing: Hashing, mut see: impl FnMut(u32)) {
    let Hashing { bucket, min_n, max_n, .. } = hashing;
    let continues = |at: usize| word[at] & 0xc0 == 0x80;
    for start in (0..word.len()).filter(|&at| !continues(at)) {
        let (mut end, mut h) = (start, FNV_START);
        for n in 1..=max_n {
            if end >= word.len() {
                break;
            }
            h = step(h, word[end]);
            end += 1;
            while end < word.len() && continues(end) {
                h = step(h, word[end]);
                end += 1;
            }
            let only_a_bracket = n == 1 && (start == 0 || end == word.len());
            if n >= min_n && !only_a_bracket && bucket > 0 {
                see(h % bucket);
            }
        }
    }
}

/// Buckets of the n-grams of words, by the words' hashes.
pub fn word_ngrams(hashes: &[i32], hashing: Hashing, mut see: impl FnMut(u32)) {
    let Hashing { bucket, word_ngrams, .. } = hashing;
    if bucket == 0 {
        return;
    }
    for (at, &first) in hashes.iter().enumerate() {
        // Hashes are signed in the C++ tool, and widen with their sign.
        let mut h = i64::from(first).cast_unsigned();
        for &next in hashes[at + 1..].iter().take(word_ngrams.saturating_sub(1)) {
            h = h.wrapping_mul(116_049_371).wrapping_add(i64::from(next).cast_unsigned());
            see((h % u64::from(bucket)) as u32);
        }
    }
}

/// Whether a byte ends a word.
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | 0x0b | 0x0c | 0)
}

/// A word between its brackets.
pub fn bracket(word: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.push(b'<');
    out.extend_from_slice(word);
    out.push(b'>');
}
