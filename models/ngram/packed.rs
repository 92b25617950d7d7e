//! A small file of a model: n-grams sorted and told by their differences, probabilities and back-offs in 256 steps
//! (Federico and Bertoldi 2006), all of it compressed by zstd with its check sum. For models that come along;
//! `train/pack.rs` writes it.

use super::{Builder, Model};

/// How the file begins, once unpacked.
pub const MAGIC: &[u8] = b"wanjuan n-grams 1\n";

/// Steps that probabilities and back-offs of an order are told in.
pub const STEPS: usize = 256;

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (head, tail) = self.bytes.split_at_checked(length).ok_or("the file ends too early")?;
        self.bytes = tail;
        Ok(head)
    }

    fn number(&mut self) -> Result<u64, String> {
        let mut number = 0_u64;
        for shift in (0..63).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(number);
            }
        }
        Err("a number is too long".to_owned())
    }

    fn steps(&mut self) -> Result<Vec<f32>, String> {
        let bytes = self.take(STEPS * 4)?;
        Ok(bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().expect("four bytes"))).collect())
    }
}

/// Appends a number, seven bits in each byte, the lowest first.
pub fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 128 {
        out.push(number as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Reads a model from what zstd has unpacked.
pub fn read(bytes: &[u8]) -> Result<Model, String> {
    let mut reader = Reader { bytes };
    reader.take(MAGIC.len())?;
    let order = reader.number()? as usize;
    let counts = (0..order.min(64)).map(|_| reader.number()).collect::<Result<Vec<_>, _>>()?;
    if counts.iter().any(|&count| count > bytes.len() as u64) {
        return Err("it states more n-grams than it has bytes".to_owned());
    }
    let mut builder = Builder::new(&counts)?;
    let mut words = Vec::new();
    for _ in 0..counts[0] {
        let length = reader.number()? as usize;
        words.push(reader.take(length)?);
    }
    for (n, &count) in (1..).zip(&counts) {
        let (probs, backoffs) = (reader.steps()?, reader.steps()?);
        let columns = (0..n).map(|_| reader.number()).collect::<Result<Vec<_>, _>>()?;
        let mut columns = columns.into_iter().map(|length| Ok(Reader { bytes: reader.take(length as usize)? }));
        let mut columns = columns.by_ref().collect::<Result<Vec<Reader>, String>>()?;
        let prob_column = reader.take(count as usize)?;
        let backoff_column = if n < order { reader.take(count as usize)? } else { &[] };
        let mut ngram = vec![0_u64; n];
        for at in 0..count as usize {
            // The first word that is another, by its difference; those behind it as they are.
            let mut fresh = at == 0;
            for (place, column) in columns.iter_mut().enumerate() {
                let number = column.number()?;
                if fresh {
                    ngram[place] = number;
                } else if number > 0 {
                    ngram[place] += number;
                    fresh = true;
                }
                if ngram[place] >= counts[0] {
                    return Err("an n-gram has a word that is not there".to_owned());
                }
            }
            let prob = probs[usize::from(prob_column[at])];
            let backoff = backoff_column.get(at).map_or(0.0, |&step| backoffs[usize::from(step)]);
            if prob.is_nan() || prob > 0.0 || !backoff.is_finite() {
                return Err("a probability or a back-off cannot be".to_owned());
            }
            if n == 1 {
                builder.unigram(words[ngram[0] as usize], prob, backoff)?;
            } else {
                let mut ids = [0; super::MAX_ORDER];
                for (id, &number) in ids.iter_mut().zip(&ngram) {
                    *id = builder.word(words[number as usize]).ok_or("an n-gram has a word without a unigram")?;
                }
                builder.ngram(&ids[..n], prob, backoff)?;
            }
        }
    }
    builder.finish()
}
