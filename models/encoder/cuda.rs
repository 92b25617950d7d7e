//! An encoder's layers as tensors of candle: on graphics processors, and on the CPU for tests.
//!
//! The file is read by the same lines as for the CPU ([`Layers`]), the heads are the same, and what runs between is
//! tested on the CPU against our own arithmetic. Batches are padded to their longest text; on a graphics processor
//! numbers are of 16 bits, but for the pools.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::{D, DType, Device, Tensor};
use candle_nn::ops::{layer_norm, softmax_last_dim};
use candle_nn::rotary_emb::rope;

use super::attention::angles_of;
use super::kernels::Activation;
use super::layers::{Layer, Layers, Parts};
use super::shape::Shape;
use super::weights::Weights;
use super::{Backend, Error, Scratch};

/// What is added to what must not be seen: as good as nothing is left of it, in 16 bits too.
const UNSEEN: f32 = -3e4;

struct Linear {
    weights: Tensor,
    bias: Tensor,
}

struct Norm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f32,
}

impl Linear {
    fn apply(&self, rows: &Tensor) -> candle_core::Result<Tensor> {
        rows.matmul(&self.weights)?.broadcast_add(&self.bias)
    }
}

impl Norm {
    fn apply(&self, rows: &Tensor) -> candle_core::Result<Tensor> {
        layer_norm(rows, &self.weight, &self.bias, self.epsilon)
    }
}

/// Where tensors are made, and of which numbers.
struct Place {
    device: Device,
    kind: DType,
}

impl Place {
    fn tensor(&self, numbers: Vec<f32>, shape: &[usize]) -> candle_core::Result<Tensor> {
        Tensor::from_vec(numbers, shape, &self.device)?.to_dtype(self.kind)
    }
}

impl Parts for Place {
    type Linear = Linear;
    type Norm = Norm;

    fn linear(&self, weights: Vec<f32>, bias: Vec<f32>, outputs: usize, inputs: usize) -> Result<Linear, String> {
        let weights = self.tensor(weights, &[outputs, inputs]).and_then(|weights| weights.t()?.contiguous());
        let made = weights.and_then(|weights| Ok(Linear { weights, bias: self.tensor(bias, &[outputs])? }));
        made.map_err(|error| error.to_string())
    }

    fn norm(&self, weight: Vec<f32>, bias: Vec<f32>, epsilon: f32) -> Result<Norm, String> {
        let length = weight.len();
        let made = self
            .tensor(weight, &[length])
            .and_then(|weight| Ok(Norm { weight, bias: self.tensor(bias, &[length])?, epsilon }));
        made.map_err(|error| error.to_string())
    }
}

/// An encoder's layers on one device.
struct Body {
    shape: Shape,
    place: Place,
    words: Tensor,
    positions: Option<Tensor>,
    layers: Layers<Linear, Norm>,
    /// Cosines and sines.
    angles: [Option<(Tensor, Tensor)>; 2],
}

impl Body {
    fn read(shape: &Shape, weights: &Weights<'_>, place: Place) -> Result<Body, String> {
        let mut layers = Layers::read(&place, shape, weights)?;
        let (words, positions) = (std::mem::take(&mut layers.words), std::mem::take(&mut layers.positions));
        let made = || {
            let half = shape.hidden / shape.heads / 2;
            let table = |angles: Vec<(f32, f32)>| {
                let (cosines, sines): (Vec<f32>, Vec<f32>) = angles.into_iter().unzip();
                let tensors = || {
                    let tensor = |numbers| place.tensor(numbers, &[shape.tokens, half]);
                    candle_core::Result::Ok((tensor(cosines)?, tensor(sines)?))
                };
                shape.modern.map(|_| tensors()).transpose()
            };
            let [all, near] = angles_of(shape);
            let rows = positions.len() / shape.hidden;
            let positions = (rows > 0).then(|| place.tensor(positions, &[rows, shape.hidden])).transpose()?;
            let words = place.tensor(words, &[shape.vocabulary, shape.hidden])?;
            candle_core::Result::Ok((words, positions, [table(all)?, table(near)?]))
        };
        let (words, positions, angles) = made().map_err(|error| error.to_string())?;
        Ok(Body { shape: shape.clone(), place, words, positions, layers, angles })
    }

    /// The vectors of the first token and the means, a row for each text.
    fn pools(&self, texts: &[&[u32]]) -> candle_core::Result<(Vec<Vec<f32>>, Vec<Vec<f32>>)> {
        let (count, hidden) = (texts.len(), self.shape.hidden);
        let tokens = texts.iter().map(|text| text.len()).max().unwrap_or(0);
        let (mut ids, mut seen, mut shares) = (Vec::new(), Vec::new(), Vec::new());
        for text in texts {
            let padding = tokens - text.len();
            ids.extend(text.iter().copied().chain(std::iter::repeat_n(0, padding)));
            seen.extend(std::iter::repeat_n(0.0, text.len()).chain(std::iter::repeat_n(UNSEEN, padding)));
            let share = 1.0 / text.len() as f32;
            shares.extend(std::iter::repeat_n(share, text.len()).chain(std::iter::repeat_n(0.0, padding)));
        }
        let ids = Tensor::from_vec(ids, count * tokens, &self.place.device)?;
        let mut states = self.words.index_select(&ids, 0)?;
        if let Some(positions) = &self.positions {
            let positions = positions.narrow(0, self.shape.first_position, tokens)?.unsqueeze(0)?;
            states = states
                .reshape((count, tokens, hidden))?
                .broadcast_add(&positions)?
                .reshape((count * tokens, hidden))?;
        }
        states = self.layers.embedding_norm.apply(&states)?;
        let all = self.place.tensor(seen, &[count, 1, 1, tokens])?;
        let near = match self.shape.modern {
            Some(modern) => {
                let apart = |at: usize| (at / tokens).abs_diff(at % tokens);
                let mask = (0..tokens * tokens).map(|at| if apart(at) > modern.reach { UNSEEN } else { 0.0 }).collect();
                Some(all.broadcast_add(&self.place.tensor(mask, &[1, 1, tokens, tokens])?)?)
            }
            None => None,
        };
        for layer in &self.layers.layers {
            states = self.layer(layer, &states, (count, tokens), (&all, near.as_ref()))?;
        }
        if let Some(last) = &self.layers.last {
            states = last.apply(&states)?;
        }
        let states = states.reshape((count, tokens, hidden))?.to_dtype(DType::F32)?;
        let shares = Tensor::from_vec(shares, (count, tokens, 1), &self.place.device)?;
        let first = states.narrow(1, 0, 1)?.squeeze(1)?.to_vec2()?;
        Ok((first, states.broadcast_mul(&shares)?.sum(1)?.to_vec2()?))
    }

    fn layer(
        &self,
        layer: &Layer<Linear, Norm>,
        states: &Tensor,
        (count, tokens): (usize, usize),
        (all, near): (&Tensor, Option<&Tensor>),
    ) -> candle_core::Result<Tensor> {
        let (hidden, heads) = (self.shape.hidden, self.shape.heads);
        let size = hidden / heads;
        let rows = match &layer.before {
            Some(norm) => norm.apply(states)?,
            None => states.clone(),
        };
        let rows = layer.attention.apply(&rows)?.reshape((count, tokens, 3, heads, size))?;
        let part = |number: usize| rows.narrow(2, number, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
        let (mut queries, mut keys, values) = (part(0)?, part(1)?, part(2)?);
        let mut mask = all;
        if let Some((angles, reach)) = layer.turns {
            if let Some((cosines, sines)) = &self.angles[angles] {
                let (cosines, sines) = (cosines.narrow(0, 0, tokens)?, sines.narrow(0, 0, tokens)?);
                (queries, keys) = (rope(&queries, &cosines, &sines)?, rope(&keys, &cosines, &sines)?);
            }
            mask = if reach.is_some() { near.unwrap_or(all) } else { all };
        }
        let scores = (queries.matmul(&keys.t()?)? * (1.0 / (size as f64).sqrt()))?.broadcast_add(mask)?;
        let seen = softmax_last_dim(&scores)?.matmul(&values)?;
        let seen = seen.transpose(1, 2)?.contiguous()?.reshape((count * tokens, hidden))?;
        let states = (states + layer.out.apply(&seen)?)?;
        match &layer.after {
            Some(after) => {
                let states = layer.middle.apply(&states)?;
                let between = activate(&layer.up.apply(&states)?, self.shape.activation)?;
                after.apply(&(&states + layer.down.apply(&between)?)?)
            }
            None => {
                let between = layer.up.apply(&layer.middle.apply(&states)?)?;
                let [first, gate] = [0, 1]
                    .map(|half| between.narrow(D::Minus1, half * self.shape.intermediate, self.shape.intermediate));
                let between = (activate(&first?.contiguous()?, self.shape.activation)? * gate?.contiguous()?)?;
                &states + layer.down.apply(&between)?
            }
        }
    }
}

fn activate(rows: &Tensor, activation: Activation) -> candle_core::Result<Tensor> {
    match activation {
        Activation::Gelu => rows.gelu_erf(),
        Activation::GeluTanh => rows.gelu(),
        Activation::Relu => rows.relu(),
        Activation::Silu => rows.silu(),
        Activation::Tanh => rows.tanh(),
    }
}

/// The same layers on several devices: whoever comes next has the one that is free.
pub struct Bodies {
    bodies: Vec<Mutex<Body>>,
    next: AtomicUsize,
    batch_tokens: usize,
}

impl Bodies {
    /// Reads the layers onto graphics processors.
    #[cfg(feature = "cuda")]
    pub fn read(shape: &Shape, weights: &Weights<'_>, numbers: &[usize]) -> Result<Bodies, String> {
        let mut bodies = Vec::new();
        for &number in numbers {
            let device = Device::new_cuda(number).map_err(|error| format!("device {number}: {error}"))?;
            bodies.push(Mutex::new(Body::read(shape, weights, Place { device, kind: DType::F16 })?));
        }
        let free = numbers.iter().map(|&number| memory(number).map(|(free, _)| free)).collect::<Result<Vec<_>, _>>()?;
        let batch_tokens = fitting(shape, free.into_iter().min().unwrap_or(0));
        Ok(Bodies { bodies, next: AtomicUsize::new(0), batch_tokens })
    }

    /// On the CPU, with numbers of 32 bits.
    #[cfg(test)]
    pub fn on_cpu(shape: &Shape, weights: &Weights<'_>) -> Result<Bodies, String> {
        let body = Body::read(shape, weights, Place { device: Device::Cpu, kind: DType::F32 })?;
        Ok(Bodies { bodies: vec![Mutex::new(body)], next: AtomicUsize::new(0), batch_tokens: 4096 })
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
        let free = self.bodies.iter().find_map(|body| body.try_lock().ok());
        let next = &self.bodies[self.next.fetch_add(1, Ordering::Relaxed) % self.bodies.len()];
        let body = free.unwrap_or_else(|| next.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        let (first, means) = body.pools(texts).map_err(|error| Error(format!("the device failed: {error}")))?;
        for (first, mean) in first.iter().zip(&means) {
            out.extend(first.iter().chain(mean));
        }
        Ok(())
    }

    fn is_padded(&self) -> bool {
        true
    }

    fn batch_tokens(&self) -> usize {
        self.batch_tokens
    }
}

/// The graphics processors, each with its number, name and memory; or why there are none.
#[cfg(feature = "cuda")]
pub fn probe() -> Result<Vec<String>, String> {
    use candle_core::cuda_backend::cudarc::driver::CudaContext;
    // Without a driver cudarc panics instead of failing, where it loads the library itself.
    let count = std::panic::catch_unwind(CudaContext::device_count);
    let count = match count {
        Ok(Ok(0)) => return Err("the driver knows no graphics processor".to_owned()),
        Ok(Ok(count)) => count,
        Ok(Err(error)) => return Err(format!("the driver answers: {error:?}")),
        Err(_) => return Err("there is no driver (libcuda)".to_owned()),
    };
    let told = |number: usize| {
        let name = CudaContext::new(number)
            .and_then(|context| context.name())
            .map_err(|error| format!("device {number}: {error:?}"))?;
        let (free, all) = memory(number)?;
        Ok(format!("{number}: {name}, {} of {} MiB free", free >> 20, all >> 20))
    };
    (0..count as usize).map(told).collect()
}

/// Free bytes of a device, and all of them.
#[cfg(feature = "cuda")]
fn memory(number: usize) -> Result<(u64, u64), String> {
    use candle_core::cuda_backend::cudarc::driver::{CudaContext, result};
    let context = CudaContext::new(number).and_then(|context| context.bind_to_thread().map(|()| context));
    let _context = context.map_err(|error| format!("device {number}: {error:?}"))?;
    let (free, all) = result::mem_get_info().map_err(|error| format!("device {number}: {error:?}"))?;
    Ok((free as u64, all as u64))
}
