//! ASCII letters, eight bytes at a time: most words of most texts are nothing else.

/// Finds where runs of ASCII letters end. Looks at 64 bytes at once and keeps what it saw, so that
/// asking along a text costs a shift for each word.
pub struct Letters<'a> {
    bytes: &'a [u8],
    /// Number of the 64 bytes that were looked at last.
    block: usize,
    /// One bit for each of them that is no letter.
    others: u64,
}

impl<'a> Letters<'a> {
    /// Looks at the bytes of a text.
    pub fn of(bytes: &'a [u8]) -> Letters<'a> {
        Letters { bytes, block: usize::MAX, others: 0 }
    }

    /// Where the run of letters ends that begins at `at`; `at` itself if there is none.
    #[inline(always)]
    pub fn end(&mut self, mut at: usize) -> usize {
        loop {
            let block = at / 64;
            if block != self.block {
                if at >= self.bytes.len() {
                    return self.bytes.len();
                }
                self.look(block);
            }
            let rest = self.others >> (at % 64);
            if rest != 0 {
                return at + rest.trailing_zeros() as usize;
            }
            at = (block + 1) * 64;
        }
    }

    fn look(&mut self, block: usize) {
        self.block = block;
        let start = block * 64;
        self.others = match self.bytes[start..].first_chunk() {
            Some(chunk) => others(chunk),
            None => {
                let mut last = [0; 64];
                let rest = &self.bytes[start..];
                last[..rest.len()].copy_from_slice(rest);
                others(&last)
            }
        };
    }
}

/// One bit for each byte that is no ASCII letter.
fn others(chunk: &[u8; 64]) -> u64 {
    let mut bits = 0;
    let (eights, _) = chunk.as_chunks::<8>();
    for (number, eight) in eights.iter().enumerate() {
        let letters = letters(u64::from_le_bytes(*eight));
        // Gathers the highest bits of eight bytes, the first byte's as the lowest.
        let gathered = letters.wrapping_mul(0x0002_0408_1020_4081) >> 56;
        bits |= gathered << (8 * number);
    }
    !bits
}

/// Every byte once more.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of every byte.
pub const HIGHS: u64 = 0x80 * ONES;

/// The highest bit of each of eight bytes that is an ASCII letter.
fn letters(bytes: u64) -> u64 {
    let lower = (bytes | (0x20 * ONES)) & !HIGHS;
    let from_a = lower + (0x80 - b'a' as u64) * ONES;
    let above_z = lower + (0x7f - b'z' as u64) * ONES;
    from_a & !above_z & !bytes & HIGHS
}

/// The eight bytes from `at` on, the first as the lowest; zeros behind the end.
#[inline(always)]
pub fn eight(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(eight) => u64::from_le_bytes(*eight),
        None => eight_at_the_end(bytes, at),
    }
}

/// Of fewer than eight bytes, which two reads that overlap take.
#[inline]
fn eight_at_the_end(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    match (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        (Some(head), Some(tail)) => {
            let (head, tail) = (u64::from(u32::from_le_bytes(*head)), u64::from(u32::from_le_bytes(*tail)));
            head | tail << (8 * (rest.len() - 4))
        }
        _ => rest.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)),
    }
}

/// The first `length` bytes, at most eight, of those that [`eight`] gives.
#[inline(always)]
pub fn first(eight: u64, length: usize) -> u64 {
    if length >= 8 { eight } else { eight & !(u64::MAX << (8 * length)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_byte_is_known() {
        for byte in 0..=255_u8 {
            let found = others(&[byte; 64]);
            assert_eq!(found, if byte.is_ascii_alphabetic() { 0 } else { u64::MAX }, "{byte}");
        }
    }

    proptest! {
        #[test]
        fn runs_end_where_plain_code_says(bytes in prop::collection::vec(prop_oneof![8 => Just(b'x'), 1 => any::<u8>()], 0..400)) {
            let mut letters = Letters::of(&bytes);
            for at in (0..=bytes.len()).chain((0..bytes.len()).rev()) {
                let plain = at + bytes[at..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
                prop_assert_eq!(letters.end(at), plain);
            }
        }

        #[test]
        fn eight_bytes_are_read_wherever_they_stand(bytes in prop::collection::vec(any::<u8>(), 0..20), at in 0..24_usize, length in 0..10_usize) {
            let mut plain = [0; 8];
            for (place, byte) in plain.iter_mut().zip(bytes.iter().skip(at)).take(length) {
                *place = *byte;
            }
            prop_assert_eq!(first(eight(&bytes, at), length), u64::from_le_bytes(plain));
        }
    }
}
