//! Members of gzip and frames of zstd, one after the other: what can be decompressed apart.
//!
//! Damage costs the member it is in. Reading goes on at the next one, which is looked for by the bytes
//! that each begins with.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use flate2::bufread::GzDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

use crate::store::Input;

/// How members are compressed. Below, a frame of zstd is a member too.
#[derive(Debug, Clone)]
pub enum Codec {
    Gzip,
    /// With the dictionary that the file begins with, if it does.
    Zstd(Arc<[u8]>),
}

/// A frame that holds a dictionary for all others, as archives of WARC have it
/// (<https://iipc.github.io/warc-specifications/specifications/warc-zstd/>).
const DICTIONARY: [u8; 4] = [0x5d, 0x2a, 0x4d, 0x18];
/// A dictionary above this is none.
const MAX_DICTIONARY: u64 = 16 << 20;

impl Codec {
    /// The codec of a file of zstd.
    pub fn zstd(input: &Input) -> io::Result<Codec> {
        let mut head = Vec::new();
        input.open(0..input.length.min(8))?.read_to_end(&mut head)?;
        let Some((magic, length)) = head.split_first_chunk::<4>() else { return Ok(Codec::Zstd(Arc::default())) };
        let length = length.try_into().map(u32::from_le_bytes).map_or(0, u64::from);
        if *magic != DICTIONARY || length == 0 || length > MAX_DICTIONARY || 8 + length > input.length {
            return Ok(Codec::Zstd(Arc::default()));
        }
        let mut dictionary = Vec::new();
        input.open(8..8 + length)?.read_to_end(&mut dictionary)?;
        if dictionary.starts_with(Codec::ZSTD) {
            // It may be compressed itself. One that is damaged is none, and what needs it says so.
            dictionary = zstd::bulk::decompress(&dictionary, MAX_DICTIONARY as usize).unwrap_or_default();
        }
        Ok(Codec::Zstd(dictionary.into()))
    }

    /// A member's first bytes, and the one method there is.
    const GZIP: &'static [u8] = &[0x1f, 0x8b, 0x08];
    const ZSTD: &'static [u8] = &[0x28, 0xb5, 0x2f, 0xfd];

    fn magic(&self) -> &'static [u8] {
        match self {
            Codec::Gzip => Codec::GZIP,
            Codec::Zstd(_) => Codec::ZSTD,
        }
    }
}

/// Reads all members as one stream.
pub struct Members<R: BufRead> {
    codec: Codec,
    state: State<R>,
}

/// An error of a member that had not given any bytes: nothing that was read before is in doubt.
#[derive(Debug)]
pub struct AtStart(io::Error);

impl std::fmt::Display for AtStart {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

impl std::error::Error for AtStart {}

enum State<R: BufRead> {
    /// The number of bytes that had been taken when the member began, and whether it has given any.
    Reading(Decoder<R>, u64, bool),
    /// A member was corrupt: the next begins somewhere ahead.
    Lost(Ahead<R>),
    /// Nothing can be decompressed, as with a damaged dictionary: told once, and then it is over.
    Failed(io::Error),
    Over,
}

/// Decompresses one member and leaves what follows.
enum Decoder<R: BufRead> {
    Gzip(Box<GzDecoder<Ahead<R>>>),
    Zstd(ZstdDecoder<'static, Ahead<R>>),
}

impl<R: BufRead> Decoder<R> {
    fn new(codec: &Codec, ahead: Ahead<R>) -> io::Result<Decoder<R>> {
        Ok(match codec {
            Codec::Gzip => Decoder::Gzip(Box::new(GzDecoder::new(ahead))),
            Codec::Zstd(dictionary) => Decoder::Zstd(ZstdDecoder::with_dictionary(ahead, dictionary)?.single_frame()),
        })
    }

    fn into_inner(self) -> Ahead<R> {
        match self {
            Decoder::Gzip(decoder) => decoder.into_inner(),
            Decoder::Zstd(decoder) => decoder.finish(),
        }
    }
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Decoder::Gzip(decoder) => decoder.read(buffer),
            Decoder::Zstd(decoder) => decoder.read(buffer),
        }
    }
}

impl<R: BufRead> Members<R> {
    pub fn new(codec: Codec, inner: R) -> Members<R> {
        let state = State::begin(&codec, Ahead::new(inner));
        Members { codec, state }
    }
}

impl<R: BufRead> State<R> {
    /// Begins a member at the next byte, whatever it is.
    fn begin(codec: &Codec, ahead: Ahead<R>) -> State<R> {
        let taken = ahead.taken;
        match Decoder::new(codec, ahead) {
            Ok(decoder) => State::Reading(decoder, taken, false),
            Err(error) => State::Failed(error),
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return Ok(0),
                State::Failed(error) => return Err(error),
                State::Lost(mut ahead) => {
                    if !ahead.find(self.codec.magic())? {
                        return Ok(0);
                    }
                    self.state = State::begin(&self.codec, ahead);
                }
                State::Reading(mut decoder, begun, gave) => match decoder.read(buffer) {
                    Ok(0) if !buffer.is_empty() => {
                        let mut ahead = decoder.into_inner();
                        if matches!(self.codec, Codec::Gzip) {
                            ahead.pass_zeros()?; // some writers pad
                        }
                        if !ahead.fill_buf()?.is_empty() {
                            self.state = State::begin(&self.codec, ahead);
                        }
                    }
                    Ok(read) => {
                        self.state = State::Reading(decoder, begun, gave || read > 0);
                        return Ok(read);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                        self.state = State::Reading(decoder, begun, gave);
                        return Err(error);
                    }
                    Err(error) => {
                        let mut ahead = decoder.into_inner();
                        if ahead.taken == begun {
                            // Nothing of it was taken: the search must not find the same one again.
                            let any = !ahead.fill_buf()?.is_empty();
                            ahead.consume(usize::from(any));
                        }
                        self.state = State::Lost(ahead);
                        // An error of the system carries a number, and is not the member's.
                        let own = gave || error.raw_os_error().is_some();
                        return Err(if own { error } else { io::Error::new(error.kind(), AtStart(error)) });
                    }
                },
            }
        }
    }
}

/// A reader that knows how much was taken from it, and takes bytes back.
struct Ahead<R> {
    inner: R,
    pushed: Vec<u8>,
    taken: u64,
}

impl<R: BufRead> Read for Ahead<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ahead = self.fill_buf()?;
        let length = ahead.len().min(buffer.len());
        buffer[..length].copy_from_slice(&ahead[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Ahead<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.pushed.is_empty() { self.inner.fill_buf() } else { Ok(&self.pushed) }
    }

    fn consume(&mut self, length: usize) {
        self.taken += length as u64;
        if self.pushed.is_empty() {
            self.inner.consume(length);
        } else {
            self.pushed.drain(..length);
        }
    }
}

impl<R: BufRead> Ahead<R> {
    fn new(inner: R) -> Ahead<R> {
        Ahead { inner, pushed: Vec::new(), taken: 0 }
    }

    fn pass_zeros(&mut self) -> io::Result<()> {
        loop {
            let ahead = self.fill_buf()?;
            let zeros = ahead.iter().take_while(|&&byte| byte == 0).count();
            if zeros == 0 {
                return Ok(());
            }
            self.consume(zeros);
        }
    }

    /// Goes to where `wanted` stands next; false if it is nowhere.
    fn find(&mut self, wanted: &[u8]) -> io::Result<bool> {
        // The last bytes that were passed: what is looked for may lie across two buffers.
        let mut before: Vec<u8> = Vec::new();
        loop {
            let ahead = self.fill_buf()?;
            if ahead.is_empty() {
                return Ok(false);
            }
            for from in 0..before.len() {
                let begun = &before[from..];
                let rest = wanted.strip_prefix(begun).filter(|rest| ahead.starts_with(rest));
                if rest.is_some() {
                    // What is ahead in the pushed bytes stays behind these.
                    self.taken -= begun.len() as u64;
                    self.pushed.splice(..0, begun.iter().copied());
                    return Ok(true);
                }
            }
            let found = memchr::memmem::find(ahead, wanted);
            let passed = found.unwrap_or(ahead.len());
            let kept = wanted.len() - 1;
            before.extend_from_slice(&ahead[passed.saturating_sub(kept)..passed]);
            before.drain(..before.len().saturating_sub(kept));
            self.consume(passed);
            if found.is_some() {
                return Ok(true);
            }
        }
    }
}

/// How far a place to cut at is looked for.
const WINDOW: u64 = 16 << 20;
/// How much of a member is decompressed to see that it is one.
const PROOF: u64 = 64 << 10;

/// Where the first member at or behind `from` begins whose content begins with `begins`. The magic
/// number alone proves nothing: it stands in compressed bytes by chance.
pub fn first_behind(input: &Input, codec: &Codec, from: u64, begins: &[u8]) -> io::Result<Option<u64>> {
    let until = input.length.min(from + WINDOW);
    let mut ahead = Ahead::new(BufReader::new(input.open(from..until)?));
    while ahead.find(codec.magic())? {
        let place = from + ahead.taken;
        let member = Ahead::new(BufReader::new(input.open(place..input.length)?));
        // Where nothing can be decompressed there is nowhere to cut; reading says what is wrong.
        let Ok(decoder) = Decoder::new(codec, member) else { return Ok(None) };
        let mut content = Vec::new();
        match decoder.take(PROOF).read_to_end(&mut content) {
            Ok(_) if !content.is_empty() && content.starts_with(begins) => return Ok(Some(place)),
            Err(error) if error.raw_os_error().is_some() => return Err(error),
            _ => ahead.consume(1),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::store::tests::file;

    fn ahead(bytes: &[u8], capacity: usize) -> Ahead<BufReader<&[u8]>> {
        Ahead::new(BufReader::with_capacity(capacity, bytes))
    }

    #[test]
    fn a_member_is_found_wherever_buffers_end() {
        let bytes = [b"..\x1f..\x1f\x8b..".to_vec(), vec![0x1f, 0x8b, 0x08, 1, 2]].concat();
        for capacity in 1..12 {
            let mut ahead = ahead(&bytes, capacity);
            assert!(ahead.find(Codec::GZIP).unwrap());
            assert_eq!(ahead.taken, 9, "{capacity}");
            let mut found = Vec::new();
            ahead.read_to_end(&mut found).unwrap();
            assert_eq!(found, [0x1f, 0x8b, 0x08, 1, 2], "{capacity}");
        }
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// All that can be read, and how often it broke.
    fn all(codec: &Codec, bytes: &[u8], capacity: usize) -> (Vec<u8>, usize) {
        let mut members = Members::new(codec.clone(), BufReader::with_capacity(capacity, bytes));
        let (mut out, mut broken, mut buffer) = (Vec::new(), 0, [0; 700]);
        loop {
            match members.read(&mut buffer) {
                Ok(0) => return (out, broken),
                Ok(read) => out.extend_from_slice(&buffer[..read]),
                Err(_) => broken += 1,
            }
            assert!(broken < 100, "it does not get on");
        }
    }

    #[test]
    fn damage_costs_one_member_wherever_it_is_and_buffers_end() {
        let texts: Vec<Vec<u8>> = (0..4)
            .map(|n| (0..400).flat_map(|line| format!("{n} {}\n", line * 7919 + n).into_bytes()).collect())
            .collect();
        for (codec, pack) in [(Codec::Gzip, gzip as fn(&[u8]) -> Vec<u8>), (Codec::Zstd(Arc::default()), zstd)] {
            let packed: Vec<Vec<u8>> = texts.iter().map(|text| pack(text)).collect();
            let whole = packed.concat();
            assert_eq!(all(&codec, &whole, 512), (texts.concat(), 0));
            let second = packed[0].len()..packed[0].len() + packed[1].len();
            for at in second.clone().step_by(13) {
                let mut damaged = whole.clone();
                damaged[at] ^= 0x55;
                for capacity in [16, 4096, 1 << 20] {
                    let (out, broken) = all(&codec, &damaged, capacity);
                    assert!(out.starts_with(&texts[0]), "{codec:?} {at}");
                    assert!(out.ends_with(&texts[3]), "{codec:?} {at}: the last one is whole");
                    let fourth = texts[3].len();
                    let found = memchr::memmem::find_iter(&out, &texts[3][..40]).count();
                    assert_eq!(found, 1, "{codec:?} {at}: nothing twice, {fourth}");
                    assert!(broken > 0 || out == texts.concat(), "{codec:?} {at}: silence");
                }
            }
        }
    }

    #[test]
    fn frames_with_a_dictionary_are_read_with_it() {
        let samples: Vec<Vec<u8>> =
            (0..2000).map(|n| format!("WARC/1.0 response {n} of a crawl").into_bytes()).collect();
        let dictionary = zstd::dict::from_samples(&samples, 2000).unwrap();
        let mut encoder = zstd::stream::write::Encoder::with_dictionary(Vec::new(), 3, &dictionary).unwrap();
        encoder.write_all(b"WARC/1.0 response 17 of a crawl").unwrap();
        let frame = encoder.finish().unwrap();
        for stored in [dictionary.clone(), zstd::bulk::compress(&dictionary, 3).unwrap()] {
            let length = (stored.len() as u32).to_le_bytes();
            let bytes = [&DICTIONARY[..], &length, &stored, &frame, &frame].concat();
            let (_folder, input) = file(&bytes);
            let codec = Codec::zstd(&input).unwrap();
            assert_eq!(all(&codec, &bytes, 64), (b"WARC/1.0 response 17 of a crawl".repeat(2), 0));
        }
        // One that is damaged is told, and does not make the file an empty one.
        let mut damaged = dictionary.clone();
        damaged[8..100].fill(0xff);
        let bytes = [&DICTIONARY[..], &(damaged.len() as u32).to_le_bytes(), &damaged, &frame].concat();
        let (_folder, input) = file(&bytes);
        let codec = Codec::zstd(&input).unwrap();
        assert_eq!(all(&codec, &bytes, 64), (Vec::new(), 1));
        assert_eq!(first_behind(&input, &codec, 1, b"").unwrap(), None);
    }

    #[test]
    fn a_place_to_cut_at_is_where_a_member_truly_begins() {
        // Incompressible, so that it is stored as it is, and full of magic numbers.
        let decoy: Vec<u8> = [Codec::GZIP, Codec::ZSTD, b"WARC/"].concat().repeat(3);
        for (codec, pack) in [(Codec::Gzip, gzip as fn(&[u8]) -> Vec<u8>), (Codec::Zstd(Arc::default()), zstd)] {
            let one = pack(&[b"WARC/1.0 ", &decoy[..]].concat());
            let bytes = [one.clone(), decoy.clone(), one.clone(), pack(b"other"), one.clone()].concat();
            let (_folder, input) = file(&bytes);
            let find = |from: usize, begins: &[u8]| first_behind(&input, &codec, from as u64, begins).unwrap();
            let second = one.len() + decoy.len();
            assert_eq!(find(0, b"WARC/"), Some(0));
            assert_eq!(find(1, b"WARC/"), Some(second as u64));
            assert_eq!(find(second + 1, b""), Some((second + one.len()) as u64));
            assert_eq!(find(second + 1, b"WARC/"), Some((bytes.len() - one.len()) as u64));
            assert_eq!(find(bytes.len() - 3, b""), None);
        }
    }
}
