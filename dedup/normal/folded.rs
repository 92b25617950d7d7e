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

/// Bytes that are hashed at a time.
const BUFFER: usize = 4096;
/// Room that any character needs, and eight of ASCII.
const MARGIN: usize = 16;

/// The hash of the letters and digits, in lower case. A text that has none is hashed as it is: pages of
/// nothing but symbols are not all alike.
pub fn folded_hash(text: &str) -> u128 {
    let classes = &**CLASSES;
    let bytes = text.as_bytes();
    let mut hasher = Xxh3::new();
    let mut buffer = [0; BUFFER];
    let (mut at, mut filled, mut any) = (0, 0, false);
    while at < bytes.len() {
        if filled + MARGIN > BUFFER {
            hasher.update(&buffer[..filled]);
            (filled, any) = (0, true);
        }
        let room = BUFFER - filled;
        if bytes[at] < 0x80 {
            // Eight at a time, each written whether it counts or not.
            let (eights, _) = bytes[at..].as_chunks::<8>();
            let mut read = 0;
            for eight in eights.iter().take(room / 8) {
                if u64::from_le_bytes(*eight) & 0x8080_8080_8080_8080 != 0 {
                    break;
                }
                let out: &mut [u8; 8] = (&mut buffer[filled..filled + 8]).try_into().expect("eight bytes");
                let mut length = 0;
                for &byte in eight {
                    let lower = ASCII[usize::from(byte & 0x7f)];
                    out[length & 7] = lower;
                    length += usize::from(lower != 0);
                }
                filled += length;
                read += 8;
            }
            at += read;
            // What is left before another character or the end of the text.
            let few = (BUFFER - filled).min(7);
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
        let Some(c) = text[at..].chars().next() else { break };
        let length = c.len_utf8();
        match classes.get(c as usize).copied().unwrap_or_else(|| class(c)) {
            DROPPED => {}
            PLAIN => {
                buffer[filled..filled + length].copy_from_slice(&bytes[at..at + length]);
                filled += length;
            }
            _ => c.to_lowercase().for_each(|lower| filled += lower.encode_utf8(&mut buffer[filled..]).len()),
        }
        at += length;
    }
    if filled == 0 && !any {
        return xxh3_128(bytes);
    }
    hasher.update(&buffer[..filled]);
    hasher.digest128()
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
        fn the_fast_hash_is_the_plain_one(pieces in prop::collection::vec("\\PC{0,9}|[a-zA-Z0-9 ,.\n]{0,40}|[一-龥。，]{0,9}|[À-ÿΑ-ω]{0,9}", 0..9), repeat in 1..90_usize) {
            let text = pieces.concat().repeat(repeat);
            prop_assert_eq!(folded_hash(&text), plain(&text));
        }
    }
}
