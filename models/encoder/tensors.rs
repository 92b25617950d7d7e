//! An encoder's layers as tensors of candle: what runs on graphics processors, and what learns.
//!
//! The file is read by the same lines as for the CPU ([`Layers`]), and what comes of a text is tested against our own
//! arithmetic. Batches are padded to their longest text. candle's fused operations (norms, softmax, rotary positions)
//! have no derivative, so that layers that learn are made of plain ones.

use candle_core::{D, DType, Device, Tensor};
use candle_nn::ops::{layer_norm, softmax_last_dim};
use candle_nn::rotary_emb::{rope, rope_slow};

use super::attention::angles_of;
use super::kernels::Activation;
use super::layers::{Layer, Layers, Parts};
use super::shape::Shape;
use super::weights::Weights;

/// What is added to what must not be seen: as good as nothing is left of it, in 16 bits too.
const UNSEEN: f64 = -3e4;

/// A product and what is added to it.
pub struct Linear {
    /// Each output after output; several stand one behind the other.
    pub weights: Vec<Tensor>,
    /// Of each of them, or none.
    pub bias: Vec<Tensor>,
}

/// A layer norm.
pub struct Norm {
    /// What it multiplies by.
    pub weight: Tensor,
    /// What it adds.
    pub bias: Tensor,
    /// See [`Shape`].
    pub epsilon: f32,
    /// Whether a derivative is asked for.
    pub learns: bool,
}

/// A vector as a row for each of `count`. As a product, for candle sums the gradient of a vector that it broadcasts by
/// itself number by number, ten times as slowly.
fn repeated(vector: &Tensor, count: usize) -> candle_core::Result<Tensor> {
    Tensor::ones((count, 1), vector.dtype(), vector.device())?.matmul(&vector.unsqueeze(0)?)
}

fn times(rows: &Tensor, weights: &Tensor, bias: Option<&Tensor>) -> candle_core::Result<Tensor> {
    let made = rows.matmul(&weights.t()?)?;
    match bias {
        Some(bias) if bias.is_variable() => made + repeated(bias, rows.dim(0)?)?,
        Some(bias) => made.broadcast_add(bias),
        None => Ok(made),
    }
}

impl Linear {
    /// Multiplies rows.
    pub fn apply(&self, rows: &Tensor) -> candle_core::Result<Tensor> {
        match &self.weights[..] {
            [weights] => times(rows, weights, self.bias.first()),
            _ => Tensor::cat(&self.each(rows)?, 1),
        }
    }

    /// Multiplies rows by each of several products.
    fn each(&self, rows: &Tensor) -> candle_core::Result<Vec<Tensor>> {
        self.weights.iter().enumerate().map(|(at, weights)| times(rows, weights, self.bias.get(at))).collect()
    }

    /// Queries, keys and values.
    fn thirds(&self, rows: &Tensor) -> candle_core::Result<[Tensor; 3]> {
        if self.weights.len() == 3 {
            let [queries, keys, values] = self.each(rows)?.try_into().expect("a product of each weight");
            return Ok([queries, keys, values]);
        }
        let all = self.apply(rows)?;
        let hidden = all.dim(1)? / 3;
        let third = |number: usize| all.narrow(1, number * hidden, hidden);
        Ok([third(0)?, third(1)?, third(2)?])
    }
}

impl Norm {
    /// Applies it to rows.
    pub fn apply(&self, rows: &Tensor) -> candle_core::Result<Tensor> {
        if !self.learns {
            return layer_norm(rows, &self.weight, &self.bias, self.epsilon);
        }
        let (count, length) = rows.dims2()?;
        let mean = |rows: &Tensor| rows.sum_keepdim(D::Minus1)? / length as f64;
        let apart = rows.broadcast_sub(&mean(rows)?)?;
        let deviation = (mean(&apart.sqr()?)? + f64::from(self.epsilon))?.sqrt()?;
        let rows = apart.broadcast_mul(&deviation.recip()?)?;
        (rows * repeated(&self.weight, count)?)? + repeated(&self.bias, count)?
    }
}

/// Where tensors are made, and of which numbers.
pub struct Place {
    /// The device.
    pub device: Device,
    /// The numbers of layers.
    pub kind: DType,
}

impl Place {
    /// A tensor that stays as it is.
    pub fn tensor(&self, numbers: Vec<f32>, shape: &[usize]) -> candle_core::Result<Tensor> {
        Tensor::from_vec(numbers, shape, &self.device)?.to_dtype(self.kind)
    }
}

/// Layers that stay as they are.
impl Parts for Place {
    type Linear = Linear;
    type Norm = Norm;

    fn linear(&self, weights: &Weights<'_>, names: &[String], outputs: usize, inputs: usize) -> Result<Linear, String> {
        let (weights, bias) = weights.products(names, outputs, inputs)?;
        let outputs = bias.len();
        let made = || {
            let weights = self.tensor(weights, &[outputs, inputs])?;
            let bias = if bias.iter().all(|&x| x == 0.0) { Vec::new() } else { vec![self.tensor(bias, &[outputs])?] };
            candle_core::Result::Ok(Linear { weights: vec![weights], bias })
        };
        made().map_err(|error| error.to_string())
    }

    fn norm(&self, weights: &Weights<'_>, name: &str, hidden: usize, epsilon: f32) -> Result<Norm, String> {
        let (weight, bias) = weights.norm(name, hidden)?;
        let made = self.tensor(weight, &[hidden]).and_then(|weight| {
            let bias = self.tensor(bias, &[hidden])?;
            Ok(Norm { weight, bias, epsilon, learns: false })
        });
        made.map_err(|error| error.to_string())
    }
}

/// An encoder's layers on one device.
pub struct Body {
    shape: Shape,
    /// Where they are.
    pub place: Place,
    layers: Layers<Linear, Norm>,
    /// Cosines and sines.
    angles: [Option<(Tensor, Tensor)>; 2],
    learns: bool,
}

/// How long the texts of a batch are.
pub struct Lengths {
    /// Texts.
    pub count: usize,
    /// Tokens of the longest, to which all are padded.
    pub tokens: usize,
    /// Of each text, in a column.
    each: Tensor,
    /// One where a text has a token, zero where it is padded; a row for each text.
    inside: Tensor,
}

impl Lengths {
    /// `each` holds whole numbers, one for each text.
    pub fn new(each: &Tensor, tokens: usize, kind: DType) -> candle_core::Result<Lengths> {
        // A mean is made of numbers of 32 bits at least.
        let kind = if kind == DType::F64 { DType::F64 } else { DType::F32 };
        let each = each.unsqueeze(1)?;
        let places = Tensor::arange(0u32, tokens as u32, each.device())?.unsqueeze(0)?;
        let inside = places.broadcast_lt(&each)?.to_dtype(kind)?;
        Ok(Lengths { count: each.dim(0)?, tokens, each: each.to_dtype(kind)?, inside })
    }
}

impl Body {
    /// Layers with what belongs to them.
    pub fn new(shape: &Shape, place: Place, layers: Layers<Linear, Norm>, learns: bool) -> Result<Body, String> {
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
        let angles = table(all).and_then(|all| Ok([all, table(near)?])).map_err(|error| error.to_string())?;
        Ok(Body { shape: shape.clone(), place, layers, angles, learns })
    }

    /// What the layers make of the vectors of tokens, a row for each token of each text, padding with them.
    pub fn run(&self, states: &Tensor, lengths: &Lengths) -> candle_core::Result<Tensor> {
        let (count, tokens) = (lengths.count, lengths.tokens);
        let mut states = self.layers.embedding_norm.apply(states)?;
        let unseen = |inside: &Tensor| inside.affine(-UNSEEN, UNSEEN)?.to_dtype(self.place.kind);
        let all = unseen(&lengths.inside)?.reshape((count, 1, 1, tokens))?;
        let near = match self.shape.modern {
            Some(modern) => {
                let places = Tensor::arange(0f32, tokens as f32, &self.place.device)?;
                let apart = places.unsqueeze(0)?.broadcast_sub(&places.unsqueeze(1)?)?.abs()?;
                let inside = apart.le(modern.reach as f64)?.to_dtype(DType::F32)?;
                Some(all.broadcast_add(&unseen(&inside)?.reshape((1, 1, tokens, tokens))?)?)
            }
            None => None,
        };
        for layer in &self.layers.layers {
            states = self.layer(layer, &states, (count, tokens), (&all, near.as_ref()))?;
        }
        match &self.layers.last {
            Some(last) => last.apply(&states),
            None => Ok(states),
        }
    }

    /// The vector of the first token and the mean of all, a row for each text.
    pub fn pools(&self, states: &Tensor, lengths: &Lengths) -> candle_core::Result<(Tensor, Tensor)> {
        let states = states.reshape((lengths.count, lengths.tokens, self.shape.hidden))?;
        let states = states.to_dtype(lengths.inside.dtype())?;
        let first = states.narrow(1, 0, 1)?.squeeze(1)?;
        let sums = lengths.inside.unsqueeze(1)?.matmul(&states)?.squeeze(1)?;
        Ok((first, sums.broadcast_div(&lengths.each)?))
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
        let part = |rows: &Tensor| rows.reshape((count, tokens, heads, size))?.transpose(1, 2)?.contiguous();
        let [queries, keys, values] = layer.attention.thirds(&rows)?;
        let (mut queries, mut keys, values) = (part(&queries)?, part(&keys)?, part(&values)?);
        let mut mask = all;
        if let Some((angles, reach)) = layer.turns {
            if let Some((cosines, sines)) = &self.angles[angles] {
                let (cosines, sines) = (cosines.narrow(0, 0, tokens)?, sines.narrow(0, 0, tokens)?);
                let rope = if self.learns { rope_slow } else { rope };
                (queries, keys) = (rope(&queries, &cosines, &sines)?, rope(&keys, &cosines, &sines)?);
            }
            mask = if reach.is_some() { near.unwrap_or(all) } else { all };
        }
        let scores = (queries.matmul(&keys.t()?)? * (1.0 / (size as f64).sqrt()))?.broadcast_add(mask)?;
        let softmax = if self.learns { softmax } else { softmax_last_dim };
        let seen = softmax(&scores)?.matmul(&values)?;
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

/// Of plain operations. The largest is taken off as a number, since what is taken off does not matter.
fn softmax(rows: &Tensor) -> candle_core::Result<Tensor> {
    let largest = rows.detach().max_keepdim(D::Minus1)?;
    let powers = rows.broadcast_sub(&largest)?.exp()?;
    powers.broadcast_mul(&powers.sum_keepdim(D::Minus1)?.recip()?)
}

/// Applies an activation.
pub fn activate(rows: &Tensor, activation: Activation) -> candle_core::Result<Tensor> {
    match activation {
        Activation::Gelu => rows.gelu_erf(),
        Activation::GeluTanh => rows.gelu(),
        Activation::Relu => rows.relu(),
        Activation::Silu => rows.silu(),
        Activation::Tanh => rows.tanh(),
    }
}
