//! An encoder on graphics processors, as tensors of candle; on the CPU for tests.
//!
//! Several threads give batches to several devices. A batch is put into memory of the device before its thread waits for
//! its turn: on graphics processors through page-locked memory and on a stream of its own, so that it is copied while the
//! device is at the batch before.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::{DType, Device, Tensor};

use super::layers::{Layers, positions, words};
use super::shape::Shape;
use super::tensors::{Body, Lengths, Place};
use super::weights::Weights;
use super::{Backend, Error, Scratch};

/// One device with all that runs on it.
struct Seat {
    body: Body,
    words: Tensor,
    /// Of the first token on; none for ModernBERT.
    positions: Option<Tensor>,
    staging: Staging,
    turn: Mutex<()>,
    /// Batches that are here or wait to be.
    batches: AtomicUsize,
}

/// How numbers come into the memory of a device.
enum Staging {
    /// As candle copies them.
    #[cfg_attr(not(test), allow(dead_code))]
    Plain,
    /// Through page-locked memory.
    #[cfg(feature = "cuda")]
    Pinned(super::cuda::Pinned),
}

impl Staging {
    fn put(&self, numbers: Vec<u32>, device: &Device) -> candle_core::Result<Tensor> {
        match self {
            Staging::Plain => {
                let length = numbers.len();
                Tensor::from_vec(numbers, length, device)
            }
            #[cfg(feature = "cuda")]
            Staging::Pinned(pinned) => pinned.put(&numbers),
        }
    }
}

/// A batch in the memory of a device.
struct Staged {
    /// Ids of tokens, text after text, padded; then the length of each text.
    numbers: Tensor,
    count: usize,
    tokens: usize,
}

impl Seat {
    fn read(shape: &Shape, weights: &Weights<'_>, place: Place, staging: Staging) -> Result<Seat, String> {
        let layers = Layers::read(&place, shape, weights)?;
        let (words, positions) = (words(shape, weights)?, positions(shape, weights)?);
        let made = || {
            let rows = positions.len() / shape.hidden;
            let positions = (rows > 0).then(|| place.tensor(positions, &[rows, shape.hidden])).transpose()?;
            let positions = positions.map(|all| all.narrow(0, shape.first_position, shape.tokens)).transpose()?;
            candle_core::Result::Ok((place.tensor(words, &[shape.vocabulary, shape.hidden])?, positions))
        };
        let (words, positions) = made().map_err(|error| error.to_string())?;
        let body = Body::new(shape, place, layers, false)?;
        Ok(Seat { body, words, positions, staging, turn: Mutex::new(()), batches: AtomicUsize::new(0) })
    }

    fn stage(&self, texts: &[&[u32]]) -> candle_core::Result<Staged> {
        let tokens = texts.iter().map(|text| text.len()).max().unwrap_or(0);
        let mut numbers = Vec::with_capacity(texts.len() * (tokens + 1));
        for text in texts {
            numbers.extend(text.iter().copied().chain(std::iter::repeat_n(0, tokens - text.len())));
        }
        numbers.extend(texts.iter().map(|text| text.len() as u32));
        let numbers = self.staging.put(numbers, &self.body.place.device)?;
        Ok(Staged { numbers, count: texts.len(), tokens })
    }

    /// For each text the vector of its first token and the mean of all.
    fn pools(&self, staged: &Staged) -> candle_core::Result<Vec<f32>> {
        let (count, tokens) = (staged.count, staged.tokens);
        let ids = staged.numbers.narrow(0, 0, count * tokens)?;
        let lengths = staged.numbers.narrow(0, count * tokens, count)?;
        let lengths = Lengths::new(&lengths, tokens, self.body.place.kind)?;
        let mut states = self.words.index_select(&ids, 0)?;
        if let Some(positions) = &self.positions {
            let (rows, hidden) = states.dims2()?;
            let positions = positions.narrow(0, 0, tokens)?.unsqueeze(0)?;
            states = states.reshape((count, tokens, hidden))?.broadcast_add(&positions)?.reshape((rows, hidden))?;
        }
        let states = self.body.run(&states, &lengths)?;
        let (first, mean) = self.body.pools(&states, &lengths)?;
        Tensor::cat(&[first, mean], 1)?.flatten_all()?.to_vec1()
    }

    fn run(&self, texts: &[&[u32]]) -> candle_core::Result<Vec<f32>> {
        let staged = self.stage(texts)?;
        let _turn = self.turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.pools(&staged)
    }
}

/// The same layers on several devices: a batch goes where the fewest are.
pub struct Bodies {
    seats: Vec<Seat>,
    batch_tokens: usize,
}

impl Bodies {
    /// Reads the layers onto graphics processors.
    #[cfg(feature = "cuda")]
    pub fn read(shape: &Shape, weights: &Weights<'_>, numbers: &[usize]) -> Result<Bodies, String> {
        use super::cuda::{Pinned, device, memory};
        let mut seats = Vec::new();
        for &number in numbers {
            let device = device(number)?;
            let pinned = Pinned::new(&device).map_err(|error| format!("device {number}: {error}"))?;
            let place = Place { device, kind: DType::F16 };
            seats.push(Seat::read(shape, weights, place, Staging::Pinned(pinned))?);
        }
        let free = numbers.iter().map(|&number| memory(number).map(|(free, _)| free)).collect::<Result<Vec<_>, _>>()?;
        let batch_tokens = fitting(shape, free.into_iter().min().unwrap_or(0));
        Ok(Bodies { seats, batch_tokens })
    }

    /// On the CPU, with numbers of 32 bits.
    #[cfg(test)]
    pub fn on_cpu(shape: &Shape, weights: &Weights<'_>, count: usize) -> Result<Bodies, String> {
        let place = || Place { device: Device::Cpu, kind: DType::F32 };
        let seats = (0..count).map(|_| Seat::read(shape, weights, place(), Staging::Plain));
        Ok(Bodies { seats: seats.collect::<Result<_, _>>()?, batch_tokens: 4096 })
    }
}

/// How many tokens go through a layer at a time within half of the free memory: what a layer holds of a token, in
/// numbers of 16 bits, with texts of the longest kind.
#[cfg_attr(not(feature = "cuda"), allow(dead_code))]
fn fitting(shape: &Shape, free: u64) -> usize {
    let attention = 3 * shape.heads * shape.tokens.min(2048);
    let token = 2 * (12 * shape.hidden + 4 * shape.intermediate + attention) as u64;
    ((free / 2 / token) as usize).clamp(shape.tokens, 1 << 18)
}

impl Backend for Bodies {
    fn pools(&self, texts: &[&[u32]], _: &mut Scratch, out: &mut Vec<f32>) -> Result<(), Error> {
        let seat = self.seats.iter().min_by_key(|seat| seat.batches.load(Ordering::Relaxed));
        let seat = seat.ok_or_else(|| Error::new("there is no device"))?;
        seat.batches.fetch_add(1, Ordering::Relaxed);
        let made = seat.run(texts);
        seat.batches.fetch_sub(1, Ordering::Relaxed);
        out.extend(made.map_err(|error| Error(format!("the device failed: {error}")))?);
        Ok(())
    }

    fn is_padded(&self) -> bool {
        true
    }

    fn batch_tokens(&self) -> usize {
        self.batch_tokens
    }
}
