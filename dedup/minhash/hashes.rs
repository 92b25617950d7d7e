//! Hashes of shingles that are strings.

use sha1::{Digest, Sha1};
use xxhash_rust::xxh3::xxh3_64;
use xxhash_rust::xxh64::xxh64;

use super::settings::Hash;

/// The hash of a shingle; `seed` is MurmurHash3's.
pub(super) fn hash(how: Hash, shingle: &[u8], seed: u32) -> u64 {
    match how {
        Hash::Rolling => unreachable!("settings with another hash for strings are refused"),
        Hash::Xxh64 => xxh64(shingle, 0),
        Hash::Xxh3Low32 => xxh3_64(shingle) & 0xffff_ffff,
        Hash::Sha1First64 => sha1(shingle),
        Hash::Sha1First32 => sha1(shingle) & 0xffff_ffff,
        Hash::Murmur3 => u64::from(murmur3(shingle, seed).max(1)),
    }
}

fn sha1(shingle: &[u8]) -> u64 {
    let digest = Sha1::digest(shingle);
    digest.iter().take(8).rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Appleby's MurmurHash3_x86_32.
fn murmur3(bytes: &[u8], seed: u32) -> u32 {
    let scramble = |block: u32| block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (blocks, tail) = bytes.as_chunks::<4>();
    let mut hash = seed;
    for block in blocks {
        hash = (hash ^ scramble(u32::from_le_bytes(*block))).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let tail = tail.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte));
    hash ^= scramble(tail) ^ bytes.len() as u32;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA1_64: u64 = 13_028_719_972_609_469_994;
    const MURMUR3: [(&str, u32, u32); 7] = [
        ("", 0, 0),
        ("", 1_608_637_543, 3_381_747_514),
        ("a", 1, 1_485_495_528),
        ("ab", 2, 1_752_756_981),
        ("abc", 3, 1_193_954_329),
        ("abcd", 4, 2_873_776_014),
        ("你好，世界 a", 1_608_637_543, 3_699_433_783),
    ];

    /// By xxhash 3.8.2, hashlib and mmh3 5.3.1 of Python 3.11.
    #[test]
    fn hashes_are_the_published_ones() {
        let of = |how| hash(how, "hello world".as_bytes(), 0);
        assert_eq!(of(Hash::Xxh64), 5_020_219_685_658_847_592);
        assert_eq!(of(Hash::Xxh3Low32), 1_088_854_155);
        assert_eq!(of(Hash::Sha1First64), SHA1_64);
        assert_eq!(of(Hash::Sha1First32), SHA1_64 & 0xffff_ffff);
        for (text, seed, expected) in MURMUR3 {
            assert_eq!(murmur3(text.as_bytes(), seed), expected, "{text}");
        }
    }
}
