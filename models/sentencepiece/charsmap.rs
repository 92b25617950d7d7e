//! The character map of a file: what runs of characters are written as. A trie in a double array, as darts-clone lays it
//! out, and texts ended by a NUL that its values point to.

/// A character map.
pub struct Charsmap {
    units: Vec<u32>,
    texts: String,
}

fn offset(unit: u32) -> u32 {
    (unit >> 10) << ((unit & 1 << 9) >> 6)
}

impl Charsmap {
    /// Reads one: the length of the trie, the trie, the texts.
    pub fn new(bytes: &[u8]) -> Result<Charsmap, String> {
        let damaged = || "its character map is damaged".to_owned();
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(damaged)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (trie, texts) = rest.split_at_checked(length).ok_or_else(damaged)?;
        if length == 0 || !length.is_multiple_of(4) || texts.last() != Some(&0) {
            return Err(damaged());
        }
        let units = trie.chunks_exact(4).map(|four| u32::from_le_bytes(four.try_into().expect("four bytes"))).collect();
        let texts = String::from_utf8(texts.to_vec()).map_err(|_| damaged())?;
        Ok(Charsmap { units, texts })
    }

    fn text(&self, at: usize) -> Option<&str> {
        let rest = self.texts.get(at..)?;
        rest.split('\0').next()
    }

    /// The longest beginning that the map has: its length, and what is written for it.
    pub fn longest(&self, text: &[u8]) -> Option<(usize, &str)> {
        let mut found = None;
        let mut at = offset(*self.units.first()?);
        for (length, &byte) in (1..).zip(text) {
            if byte == 0 {
                break;
            }
            at ^= u32::from(byte);
            let Some(&unit) = self.units.get(at as usize) else { break };
            // The label of a unit, and the bit that says that it is a value.
            if unit & (1 << 31 | 0xff) != u32::from(byte) {
                break;
            }
            at ^= offset(unit);
            if unit >> 8 & 1 == 1 {
                let value = self.units.get(at as usize).map(|unit| unit & 0x7fff_ffff);
                let to = value.and_then(|value| self.text(value as usize));
                // A map that is damaged could end inside of a character.
                let whole = std::str::from_utf8(&text[..length]).is_ok();
                if let Some(to) = to.filter(|_| whole) {
                    found = Some((length, to));
                }
            }
        }
        found
    }
}
