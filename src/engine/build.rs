//! Which build of the program runs: part of every plan, so that a run is resumed by the build that began it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::OnceLock;

use super::commit::{at, digest_file};

/// What tells this build from others, found once: the identifier that linkers write into an ELF program,
/// a digest of all it holds; where there is none, the digest of the file.
pub fn build() -> io::Result<String> {
    static BUILD: OnceLock<String> = OnceLock::new();
    if let Some(build) = BUILD.get() {
        return Ok(build.clone());
    }
    let program = std::env::current_exe()?;
    let build = identify(&program).map_err(at(&program))?;
    Ok(BUILD.get_or_init(|| build).clone())
}

fn identify(program: &Path) -> io::Result<String> {
    // A file whose notes cannot be read may still be read as bytes.
    match linkers_own(&mut File::open(program)?).ok().flatten() {
        Some(id) => Ok(id),
        None => Ok(digest_file(program)?.0),
    }
}

const PT_NOTE: u32 = 4;
const NT_GNU_BUILD_ID: u32 = 3;
/// Notes are a few hundred bytes; longer ones are not what they seem.
const MOST_NOTES: usize = 1 << 16;
/// Shorter identifiers are numbers that a person gave, not digests.
const SHORTEST_ID: usize = 16;

/// The identifier in the notes of a 64-bit ELF file in little-endian order.
fn linkers_own(file: &mut (impl Read + Seek)) -> io::Result<Option<String>> {
    let mut header = [0; 64];
    file.read_exact(&mut header)?;
    if header[..6] != *b"\x7fELF\x02\x01" {
        return Ok(None);
    }
    let (table, size, count) = (u64_at(&header, 32), u16_at(&header, 54), u16_at(&header, 56));
    if size < 56 {
        return Ok(None);
    }
    let mut segments = vec![0; usize::from(size) * usize::from(count)];
    read_at(file, table, &mut segments)?;
    for segment in segments.chunks_exact(usize::from(size)) {
        let length = u64_at(segment, 32) as usize;
        if u32_at(segment, 0) != PT_NOTE || length > MOST_NOTES {
            continue;
        }
        let mut notes = vec![0; length];
        read_at(file, u64_at(segment, 8), &mut notes)?;
        if let Some(id) = id_among(&notes) {
            return Ok(Some(id.iter().map(|byte| format!("{byte:02x}")).collect()));
        }
    }
    Ok(None)
}

/// Each note is three numbers, a name and its content, both filled up to multiples of four bytes.
fn id_among(mut notes: &[u8]) -> Option<&[u8]> {
    while notes.len() >= 12 {
        let (name, content) = (u32_at(notes, 0) as usize, u32_at(notes, 4) as usize);
        let kind = u32_at(notes, 8);
        let from = 12 + name.next_multiple_of(4);
        let id = notes.get(from..from.checked_add(content)?)?;
        if kind == NT_GNU_BUILD_ID && notes.get(12..12 + name)? == b"GNU\0" && id.len() >= SHORTEST_ID {
            return Some(id);
        }
        notes = notes.get(from + content.next_multiple_of(4)..)?;
    }
    None
}

fn read_at(file: &mut (impl Read + Seek), place: u64, bytes: &mut [u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(place))?;
    file.read_exact(bytes)
}

fn u16_at(bytes: &[u8], place: usize) -> u16 {
    u16::from_le_bytes([bytes[place], bytes[place + 1]])
}

fn u32_at(bytes: &[u8], place: usize) -> u32 {
    u32::from(u16_at(bytes, place)) | u32::from(u16_at(bytes, place + 2)) << 16
}

fn u64_at(bytes: &[u8], place: usize) -> u64 {
    u64::from(u32_at(bytes, place)) | u64::from(u32_at(bytes, place + 4)) << 32
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// An ELF file of one segment of notes: an ABI tag, then an identifier.
    fn elf(id: &[u8]) -> Vec<u8> {
        let mut notes = Vec::new();
        for (kind, content) in [(1_u32, &[0; 16][..]), (NT_GNU_BUILD_ID, id)] {
            for number in [4, content.len() as u32, kind] {
                notes.extend(number.to_le_bytes());
            }
            notes.extend(b"GNU\0");
            notes.extend(content);
        }
        let mut file = vec![0; 64 + 56];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (file[32], file[54], file[56]) = (64, 56, 1);
        (file[64], file[64 + 8], file[64 + 32]) = (PT_NOTE as u8, 64 + 56, notes.len() as u8);
        file.extend(notes);
        file
    }

    #[test]
    fn the_linkers_identifier_is_found() {
        let found = |file: &[u8]| linkers_own(&mut Cursor::new(file)).ok().flatten();
        assert_eq!(found(&elf(&[0xab; 20])), Some("ab".repeat(20)));
        assert_eq!(found(&elf(&[0xab; 4])), None, "too short to be a digest");
        assert_eq!(found(b"#!/bin/sh\n"), None);
        let whole = elf(&[1; 20]);
        for end in 0..whole.len() {
            assert_eq!(found(&whole[..end]), None, "cut at {end}");
        }
    }

    #[test]
    fn a_program_without_one_is_known_by_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let named = |name: &str, bytes: &[u8]| {
            std::fs::write(folder.path().join(name), bytes).unwrap();
            identify(&folder.path().join(name)).unwrap()
        };
        assert_ne!(named("a", b"one"), named("b", b"two"));
        assert_eq!(named("a", b"one"), named("b", b"one"));
    }
}
