//! The layers of an encoder, read from a file and run on the CPU.
//!
//! Texts of a batch stand one behind the other, without padding: products see one long list of tokens, attention each
//! text alone. A block of [`BLOCK`] tokens goes through all products of a layer that need no other token before the next
//! block does, so that what stands between them stays in the processor's cache.

use super::attention::{self, Heads};
use super::kernels::{Activation, ByteStrip, Bytes, COLUMNS, Instructions, Panels, ROWS, Strip, Tile};
use super::layers::{self, Layer, Layers, Parts};
use super::shape::Shape;
use super::weights::Weights;

/// Tokens that go through a layer together.
const BLOCK: usize = 8 * ROWS;

/// A product and what is added to it.
#[derive(Debug)]
pub struct Linear {
    weights: Panels,
    /// Filled up to whole panels.
    bias: Vec<[f32; COLUMNS]>,
}

/// A layer norm.
#[derive(Debug)]
pub struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

/// As what the weights of products are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// Floats of 32 bits.
    #[default]
    F32,
    /// Whole numbers of 8 bits. On the CPU alone.
    Int8,
}

/// A product of one kind or the other.
#[derive(Debug)]
pub enum Product {
    /// Of floats.
    Floats(Linear),
    /// Of whole numbers.
    Bytes(Bytes),
}

/// Rows on their way into a product.
#[derive(Debug, Default)]
pub struct Strips {
    pub(super) floats: Vec<Strip>,
    bytes: Vec<ByteStrip>,
}

/// An encoder's layers, with what they run with.
#[derive(Debug)]
pub struct Body {
    shape: Shape,
    words: Vec<f32>,
    positions: Vec<f32>,
    layers: Layers<Product, Norm>,
    angles: [Vec<(f32, f32)>; 2],
    instructions: Instructions,
}

/// Layers are made of [`Product`] and [`Norm`].
impl Parts for Precision {
    type Linear = Product;
    type Norm = Norm;

    fn linear(
        &self,
        weights: &Weights<'_>,
        names: &[String],
        outputs: usize,
        inputs: usize,
    ) -> Result<Product, String> {
        let (weights, bias) = weights.products(names, outputs, inputs)?;
        let outputs = bias.len();
        Ok(match self {
            Precision::F32 => Product::Floats(Linear::new(&weights, &bias, outputs, inputs)),
            Precision::Int8 => Product::Bytes(Bytes::new(&weights, &bias, outputs, inputs)?),
        })
    }

    fn norm(&self, weights: &Weights<'_>, name: &str, hidden: usize, epsilon: f32) -> Result<Norm, String> {
        let (weight, bias) = weights.norm(name, hidden)?;
        Ok(Norm::new(weight, bias, epsilon))
    }
}

/// What a thread keeps from one batch to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Vectors of all tokens.
    hidden: Vec<f32>,
    /// Queries, keys and values of all tokens.
    attention: Vec<f32>,
    /// What attention makes of them.
    context: Vec<f32>,
    /// One block between two products.
    block: Vec<f32>,
    between: Vec<f32>,
    pub(super) strips: Strips,
    heads: Heads,
    pub(super) pools: Vec<f32>,
}

impl Linear {
    /// A product of weights as they stand in a file, output after output.
    pub fn new(weights: &[f32], bias: &[f32], outputs: usize, inputs: usize) -> Linear {
        let mut panels = vec![[0.0; COLUMNS]; outputs.div_ceil(COLUMNS)];
        for (output, &bias) in bias.iter().enumerate() {
            panels[output / COLUMNS][output % COLUMNS] = bias;
        }
        Linear { weights: Panels::new(weights, outputs, inputs), bias: panels }
    }

    /// The length of what comes of it.
    pub fn outputs(&self) -> usize {
        self.weights.outputs
    }

    /// Multiplies rows of numbers.
    pub fn apply(
        &self,
        how: Instructions,
        rows: &[f32],
        strips: &mut Vec<Strip>,
        activation: Option<Activation>,
        out: &mut [f32],
    ) {
        let (inputs, outputs) = (self.weights.inputs, self.weights.outputs);
        let count = rows.len() / inputs;
        strips.resize_with(count.div_ceil(ROWS).max(strips.len()), Strip::default);
        for (strip, rows) in strips.iter_mut().zip(rows.chunks(ROWS * inputs)) {
            strip.fill(how, rows, inputs, rows.len() / inputs, inputs);
        }
        let mut tile: Tile = [[0.0; COLUMNS]; ROWS];
        for (number, bias) in self.bias.iter().enumerate() {
            let first = number * COLUMNS;
            let width = COLUMNS.min(outputs - first);
            let panel = self.weights.panel(number);
            for (strip, out) in strips.iter().zip(out.chunks_mut(ROWS * outputs)) {
                strip.times(how, panel, &mut tile);
                for (sums, out) in tile.iter_mut().zip(out.chunks_mut(outputs)) {
                    for (sum, bias) in sums.iter_mut().zip(bias) {
                        *sum += bias;
                    }
                    if activation.is_none() {
                        out[first..first + width].copy_from_slice(&sums[..width]);
                    }
                }
                if let Some(activation) = activation {
                    how.activate(activation, tile.as_flattened_mut());
                    for (sums, out) in tile.iter().zip(out.chunks_mut(outputs)) {
                        out[first..first + width].copy_from_slice(&sums[..width]);
                    }
                }
            }
        }
    }
}

impl Product {
    fn apply(
        &self,
        how: Instructions,
        rows: &[f32],
        strips: &mut Strips,
        activation: Option<Activation>,
        out: &mut [f32],
    ) {
        match self {
            Product::Floats(linear) => linear.apply(how, rows, &mut strips.floats, activation, out),
            Product::Bytes(bytes) => bytes.apply(how, rows, &mut strips.bytes, activation, out),
        }
    }
}

impl Norm {
    /// A layer norm by its tensors.
    pub fn new(weight: Vec<f32>, bias: Vec<f32>, epsilon: f32) -> Norm {
        Norm { weight, bias, epsilon }
    }

    /// Applies it to rows.
    pub fn apply(&self, how: Instructions, rows: &mut [f32]) {
        for row in rows.chunks_mut(self.weight.len()) {
            how.normalize(row, &self.weight, &self.bias, self.epsilon);
        }
    }
}

impl Body {
    /// Reads the layers.
    pub fn read(shape: &Shape, weights: &Weights<'_>, precision: Precision) -> Result<Body, String> {
        Ok(Body {
            words: layers::words(shape, weights)?,
            positions: layers::positions(shape, weights)?,
            layers: Layers::read(&precision, shape, weights)?,
            angles: attention::angles_of(shape),
            instructions: Instructions::detect(),
            shape: shape.clone(),
        })
    }

    /// Which instructions it runs with.
    pub fn instructions(&self) -> Instructions {
        self.instructions
    }

    /// Runs with other instructions.
    #[cfg(test)]
    pub fn with(mut self, instructions: Instructions) -> Body {
        self.instructions = instructions;
        self
    }

    /// The vectors of all tokens of some texts, one text behind the other. Ids are of the vocabulary and texts no longer
    /// than the model reads: the caller has seen to it.
    pub fn run<'s>(&self, texts: &[&[u32]], scratch: &'s mut Scratch) -> &'s [f32] {
        let (how, hidden) = (self.instructions, self.shape.hidden);
        self.embed(texts, scratch);
        let tokens = scratch.hidden.len() / hidden;
        let Scratch { hidden: states, attention, context, block, between, strips, heads, .. } = scratch;
        attention.resize(tokens * 3 * hidden, 0.0);
        context.resize(tokens * hidden, 0.0);
        for layer in &self.layers.layers {
            for (states, attention) in states.chunks(BLOCK * hidden).zip(attention.chunks_mut(BLOCK * 3 * hidden)) {
                let rows = match &layer.before {
                    Some(norm) => {
                        block.clear();
                        block.extend_from_slice(states);
                        norm.apply(how, block);
                        &block[..]
                    }
                    None => states,
                };
                layer.attention.apply(how, rows, strips, None, attention);
            }
            let mut first = 0;
            for text in texts {
                let end = first + text.len();
                let rows = &mut attention[first * 3 * hidden..end * 3 * hidden];
                let reach = layer.turns.and_then(|(angles, reach)| {
                    attention::turn(rows, &self.angles[angles], hidden, self.shape.heads);
                    reach
                });
                attention::attend(
                    how,
                    rows,
                    hidden,
                    self.shape.heads,
                    reach,
                    heads,
                    &mut context[first * hidden..end * hidden],
                );
                first = end;
            }
            for (states, context) in states.chunks_mut(BLOCK * hidden).zip(context.chunks(BLOCK * hidden)) {
                block.resize(context.len(), 0.0);
                layer.out.apply(how, context, strips, None, block);
                how.add(states, block);
                match &layer.after {
                    Some(after) => {
                        layer.middle.apply(how, states);
                        between.resize(states.len() / hidden * self.shape.intermediate, 0.0);
                        layer.up.apply(how, states, strips, Some(self.shape.activation), between);
                        layer.down.apply(how, between, strips, None, block);
                        how.add(states, block);
                        after.apply(how, states);
                    }
                    None => {
                        block.copy_from_slice(states);
                        layer.middle.apply(how, block);
                        self.gated(layer, block, between, strips);
                        layer.down.apply(how, between, strips, None, block);
                        how.add(states, block);
                    }
                }
            }
        }
        if let Some(last) = &self.layers.last {
            last.apply(how, states);
        }
        states
    }

    /// The first half of a product, activated, by its second.
    fn gated(&self, layer: &Layer<Product, Norm>, rows: &[f32], between: &mut Vec<f32>, strips: &mut Strips) {
        let (how, width) = (self.instructions, self.shape.intermediate);
        let count = rows.len() / self.shape.hidden;
        between.resize(count * 2 * width, 0.0);
        layer.up.apply(how, rows, strips, None, between);
        for row in 0..count {
            let (first, gate) = between[row * 2 * width..][..2 * width].split_at_mut(width);
            how.activate(self.shape.activation, first);
            how.multiply(first, gate);
            between.copy_within(row * 2 * width..row * 2 * width + width, row * width);
        }
        between.truncate(count * width);
    }

    fn embed(&self, texts: &[&[u32]], scratch: &mut Scratch) {
        let hidden = self.shape.hidden;
        scratch.hidden.clear();
        for text in texts {
            for (position, &id) in text.iter().enumerate() {
                let start = scratch.hidden.len();
                scratch.hidden.extend_from_slice(&self.words[id as usize * hidden..][..hidden]);
                if !self.positions.is_empty() {
                    let position = &self.positions[(position + self.shape.first_position) * hidden..][..hidden];
                    self.instructions.add(&mut scratch.hidden[start..], position);
                }
            }
        }
        self.layers.embedding_norm.apply(self.instructions, &mut scratch.hidden);
    }
}
