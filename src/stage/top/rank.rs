//! What is sorted, and what is made of the order.

/// Bytes of a record.
pub const RECORD: usize = 17;

/// What a record says: which score, how good a document is by it, and what it counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// Number of the score.
    pub score: u8,
    /// The order of scores, inverted: the least is the best.
    pub order: u64,
    /// In documents, characters or tokens.
    pub weight: u64,
}

/// Writes a record that sorts the best score first.
pub fn write(score: u8, value: f64, weight: u64, out: &mut [u8; RECORD]) {
    let value = if value == 0.0 { 0.0 } else { value }; // there are two zeros
    let bits = value.to_bits() as i64;
    // Flips a float's bits into the order of integers, then inverts it.
    let ordered = (bits ^ (((bits >> 63) as u64) >> 1) as i64) as u64 ^ (1 << 63);
    out[0] = score;
    out[1..9].copy_from_slice(&(!ordered).to_be_bytes());
    out[9..].copy_from_slice(&weight.to_be_bytes());
}

/// Reads a record.
pub fn read(record: &[u8]) -> Said {
    let word = |at: usize| record.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
    Said { score: record.first().copied().unwrap_or_default(), order: word(1), weight: word(9) }
}

/// What is made of a document's place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// Number of the score.
    pub score: u8,
    /// Whether it is within the best share.
    pub stays: bool,
    /// The share of what is no better: above 0 and up to 1.
    pub percentile: f64,
}

impl Ranked {
    /// As a decision has it.
    pub fn to_bytes(self) -> [u8; 10] {
        let mut bytes = [0; 10];
        (bytes[0], bytes[1]) = (self.score, u8::from(self.stays));
        bytes[2..].copy_from_slice(&self.percentile.to_le_bytes());
        bytes
    }

    /// All that was decided about a document, by score.
    pub fn all(bytes: &[u8]) -> Vec<Ranked> {
        let (each, _) = bytes.as_chunks::<10>();
        each.iter()
            .map(|&[score, stays, ref percentile @ ..]| Ranked {
                score,
                stays: stays == 1,
                percentile: f64::from_le_bytes(*percentile),
            })
            .collect()
    }
}

/// Ranks documents that come best first.
pub struct Ranks {
    all: f64,
    /// Weight that stays.
    most: f64,
    /// Weight of the documents before, and of those of them that are better.
    before: u64,
    better: u64,
    order: Option<u64>,
}

impl Ranks {
    /// Of documents that weigh `all` together the best `share` stays; without a share all do.
    pub fn new(all: u64, share: Option<f64>) -> Ranks {
        // What is a whole number on paper may be a little more of it in binary: .07 of 100.
        let most = share.map_or(f64::INFINITY, |share| share * all as f64 * (1.0 - 1e-12));
        Ranks { all: all as f64, most, before: 0, better: 0, order: None }
    }

    /// The rank of the next document.
    pub fn next(&mut self, said: &Said) -> Ranked {
        if self.order != Some(said.order) {
            self.order = Some(said.order);
            self.better = self.before;
        }
        let stays = (self.before as f64) < self.most;
        self.before = self.before.saturating_add(said.weight);
        // Above 0 for what weighs nothing behind all others, too.
        let percentile =
            if self.all > 0.0 { (1.0 - self.better as f64 / self.all).max(f64::MIN_POSITIVE) } else { 1.0 };
        Ranked { score: said.score, stays, percentile }
    }
}

/// The bin of a percentile, of so many of equal size.
pub fn bin(percentile: f64, bins: u32) -> u32 {
    ((percentile * f64::from(bins) - 1e-9).ceil() as u32).clamp(1, bins) - 1
}
