//! The hash of a text's letters and digits, in lower case.

use std::sync::LazyLock;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::han_run;

/// Of each byte of ASCII: itself in lower case where it is a letter or a digit, else 0.
const ASCII: [u8; 128] = {
    let mut table = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        if (byte as u8).is_ascii_alphanumeric() {
            table[byte] = (byte as u8).to_ascii_lowercase();
        }
        byte += 1;
    }
    table
};

/// Appends the letters and digits of ASCII, in lower case, of whole eights of bytes: up to one that holds another
/// character, or as many as there is room for. Says how many eights were taken, and how many bytes written.
fn fold(eights: &[[u8; 8]], out: &mut [u8]) -> (usize, usize) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("ssse3") {
        // SAFETY: the processor has these instructions.
        return unsafe { fold_ssse3(eights, out) };
    }
    fold_plain(eights, out)
}

/// One byte after the other, each written whether it counts or not.
fn fold_plain(eights: &[[u8; 8]], out: &mut [u8]) -> (usize, usize) {
    let (mut taken, mut written) = (0, 0);
    for eight in eights {
        let Some(room) = out.get_mut(written..).and_then(|out| out.first_chunk_mut::<8>()) else { break };
        if !eight.is_ascii() {
            break;
        }
        let mut length = 0;
        for &byte in eight {
            let lower = ASCII[usize::from(byte & 0x7f)];
            room[length & 7] = lower;
            length += usize::from(lower != 0);
        }
        taken += 1;
        written += length;
    }
    (taken, written)
}

/// All eight bytes at once: which of them count is a number below 256, and a table knows where they go.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "ssse3")]
fn fold_ssse3(eights: &[[u8; 8]], out: &mut [u8]) -> (usize, usize) {
    use std::arch::x86_64::{_mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_shuffle_epi8};

    const HIGH: u64 = 0x8080_8080_8080_8080;
    /// Of each set of bytes, their places one after the other.
    const PLACES: [u64; 256] = {
        let (mut places, mut set) = ([0; 256], 0);
        while set < 256 {
            let (mut byte, mut to) = (0, 0);
            while byte < 8 {
                if set >> byte & 1 == 1 {
                    places[set] |= (byte as u64) << (8 * to);
                    to += 1;
                }
                byte += 1;
            }
            set += 1;
        }
        places
    };
    /// Added to each byte below 128, sets its highest bit from `least` on.
    const fn from(least: u8) -> u64 {
        (0x80 - least as u64) * 0x0101_0101_0101_0101
    }
    let (mut taken, mut written) = (0, 0);
    for eight in eights {
        let Some(room) = out.get_mut(written..).and_then(|out| out.first_chunk_mut::<8>()) else { break };
        let bytes = u64::from_le_bytes(*eight);
        if bytes & HIGH != 0 {
            break;
        }
        let lower = bytes | 0x2020_2020_2020_2020;
        let letters = (lower + from(b'a')) & !(lower + from(b'z' + 1)) & HIGH;
        let digits = (bytes + from(b'0')) & !(bytes + from(b'9' + 1)) & HIGH;
        let folded = bytes | letters >> 2;
        // Gathers the highest bits of the bytes in the highest byte of the product.
        let set = ((letters | digits) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        let places = _mm_cvtsi64_si128(PLACES[set as usize] as i64);
        let packed = _mm_cvtsi128_si64(_mm_shuffle_epi8(_mm_cvtsi64_si128(folded as i64), places));
        *room = packed.to_le_bytes();
        taken += 1;
        written += set.count_ones() as usize;
    }
    (taken, written)
}

/// What becomes of a character.
const DROPPED: u8 = 0;
const PLAIN: u8 = 1;
const LOWERED: u8 = 2;

fn class(c: char) -> u8 {
    match c.is_alphanumeric() {
        false => DROPPED,
        true if c.to_lowercase().eq([c]) => PLAIN,
        true => LOWERED,
    }
}

/// Of each character of the basic plane, its class.
static CLASSES: LazyLock<Box<[u8]>> =
    LazyLock::new(|| (0..0x1_0000).map(|c| char::from_u32(c).map_or(DROPPED, class)).collect());

/// Bytes that are hashed at a time, and as many as a short text needs.
const BUFFER: usize = 4096;
const SHORT: usize = 512;
/// Room that any character needs, and eight of ASCII.
const MARGIN: usize = 16;

/// The hash of the letters and digits, in lower case. A text that has none is hashed as it is: pages of
/// nothing but symbols are not all alike.
pub fn folded_hash(text: &str) -> u128 {
    match text.len() + MARGIN {
        ..=SHORT => hash_through(&mut [0; SHORT], text),
        _ => hash_through(&mut [0; BUFFER], text),
    }
}

/// The hash, with a buffer that has more than [`MARGIN`] bytes.
fn hash_through(buffer: &mut [u8], text: &str) -> u128 {
    let classes = &**CLASSES;
    let bytes = text.as_bytes();
    // What the buffer held before.
    let mut hasher: Option<Xxh3> = None;
    let (mut at, mut filled) = (0, 0);
    while at < bytes.len() {
        if filled + MARGIN > buffer.len() {
            hasher.get_or_insert_with(Xxh3::new).update(&buffer[..filled]);
            filled = 0;
        }
        let room = buffer.len() - filled;
        if bytes[at] < 0x80 {
            let (eights, _) = bytes[at..].as_chunks::<8>();
            let (read, written) = fold(eights, &mut buffer[filled..]);
            at += 8 * read;
            filled += written;
            // What is left before another character or the end of the text.
            let few = (buffer.len() - filled).min(7);
            for &byte in bytes[at..].iter().take(few).take_while(|byte| byte.is_ascii()) {
                let lower = ASCII[usize::from(byte)];
                buffer[filled] = lower;
                filled += usize::from(lower != 0);
                at += 1;
            }
            continue;
        }
        let run = han_run(&bytes[at..bytes.len().min(at + room)]);
        if run > 0 {
            buffer[filled..filled + run].copy_from_slice(&bytes[at..at + run]);
            filled += run;
            at += run;
            continue;
        }
        // Words of other scripts, and the single characters of ASCII between them.
        let mut rest = text[at..].chars();
        while filled + MARGIN <= buffer.len() {
            let before = rest.as_str().as_bytes();
            if before.first().is_none_or(u8::is_ascii) && before.get(1).is_none_or(u8::is_ascii) {
                break;
            }
            let Some(c) = rest.next() else { break };
            match classes.get(c as usize).copied().unwrap_or_else(|| class(c)) {
                DROPPED => {}
                PLAIN => filled += c.encode_utf8(&mut buffer[filled..]).len(),
                _ => c.to_lowercase().for_each(|lower| filled += lower.encode_utf8(&mut buffer[filled..]).len()),
            }
        }
        at = bytes.len() - rest.as_str().len();
    }
    match hasher {
        None if filled == 0 => xxh3_128(bytes),
        None => xxh3_128(&buffer[..filled]),
        Some(mut hasher) => {
            hasher.update(&buffer[..filled]);
            hasher.digest128()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(text: &str) -> u128 {
        let folded: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        xxh3_128(if folded.is_empty() { text.as_bytes() } else { folded.as_bytes() })
    }

    #[test]
    fn a_long_text_hashes_as_its_letters_do_in_one_piece() {
        for piece in ["Ärger, 文字 ", "a", "Hello, World! ", "漢", "İ", "🎉𐐀x", " ", "ends.文"] {
            for count in [0, 1, 7, 8, 1000, 1365, 4096, 9000] {
                let text = piece.repeat(count);
                assert_eq!(folded_hash(&text), plain(&text), "{piece} {count}");
            }
        }
    }

    proptest! {
        #[test]
        fn eights_fold_alike(eights in prop::collection::vec(prop::array::uniform8(0..0x81_u8), 0..20), room in 0..170_usize) {
            let (mut fast, mut plain) = (vec![0; room], vec![0; room]);
            let (taken, written) = fold(&eights, &mut fast);
            prop_assert_eq!((taken, written), fold_plain(&eights, &mut plain));
            prop_assert_eq!(&fast[..written], &plain[..written]);
        }

        #[test]
        fn the_fast_hash_is_the_plain_one(pieces in prop::collection::vec("\\PC{0,9}|[a-zA-Z0-9 ,.\n]{0,40}|[一-龥。，]{0,9}|[À-ÿΑ-ω]{0,9}", 0..9), repeat in 1..90_usize) {
            let text = pieces.concat().repeat(repeat);
            prop_assert_eq!(folded_hash(&text), plain(&text));
        }
    }
}
