//! An encoder that learns: what its weights are called, where they are, and how they should change for some texts.
//!
//! Weights are kept as numbers of the host, with their moments beside them; layers on the device are set from them after
//! each step. The tables of words and positions never go there: the vectors of a batch are looked up on the host, and
//! what is learned of them comes back as rows.

use std::cell::RefCell;

use candle_core::{D, DType, Device, Tensor, Var};

use super::all::Text;
use crate::encoder::chance::Chance;
use crate::encoder::kernels::Activation;
use crate::encoder::layers::{KINDS, Layers, POSITIONS, Parts, words_name};
use crate::encoder::shape::{Family, Pooling, Problem, Shape};
use crate::encoder::tensors::{Body, Lengths, Linear, Norm, Place, activate};
use crate::encoder::weights::Weights;

/// A tensor that is learned.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// As the file has it.
    pub name: String,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Its numbers.
    pub values: Vec<f32>,
    /// Whether it decays: weights of products and tables do, norms and what is added do not.
    pub decays: bool,
}

/// Makes layers of tensors that have a gradient, and remembers which.
struct Leaves<'a> {
    place: &'a Place,
    prefix: &'static str,
    made: RefCell<Vec<(Parameter, Option<Var>)>>,
}

impl Leaves<'_> {
    /// Remembers a tensor that stays on the host; gives its number.
    fn table(&self, name: &str, shape: &[usize], values: Vec<f32>) -> usize {
        let name = format!("{}{name}", self.prefix);
        let mut made = self.made.borrow_mut();
        made.push((Parameter { name, shape: shape.to_vec(), values, decays: true }, None));
        made.len() - 1
    }

    /// A tensor of a layer, by its whole name.
    fn leaf(&self, name: String, shape: &[usize], values: Vec<f32>, decays: bool) -> Result<Tensor, String> {
        let var = self.place.tensor(values.clone(), shape).and_then(|tensor| Var::from_tensor(&tensor));
        let var = var.map_err(|error| error.to_string())?;
        let tensor = var.as_tensor().clone();
        self.made.borrow_mut().push((Parameter { name, shape: shape.to_vec(), values, decays }, Some(var)));
        Ok(tensor)
    }

    fn add_product(
        &self,
        to: &mut Linear,
        name: &str,
        [outputs, inputs]: [usize; 2],
        (weights, bias): (Vec<f32>, Option<Vec<f32>>),
    ) -> Result<(), String> {
        to.weights.push(self.leaf(format!("{name}.weight"), &[outputs, inputs], weights, true)?);
        if let Some(bias) = bias {
            to.bias.push(self.leaf(format!("{name}.bias"), &[outputs], bias, false)?);
        }
        Ok(())
    }
}

impl Parts for Leaves<'_> {
    type Linear = Linear;
    type Norm = Norm;

    fn linear(&self, weights: &Weights<'_>, names: &[String], outputs: usize, inputs: usize) -> Result<Linear, String> {
        let mut made = Linear { weights: Vec::new(), bias: Vec::new() };
        for name in names {
            let bias = format!("{name}.bias");
            let bias = weights.body_has(&bias).then(|| weights.body(&bias, &[outputs])).transpose()?;
            let matrix = weights.body(&format!("{name}.weight"), &[outputs, inputs])?;
            self.add_product(&mut made, &format!("{}{name}", self.prefix), [outputs, inputs], (matrix, bias))?;
        }
        Ok(made)
    }

    fn norm(&self, weights: &Weights<'_>, name: &str, hidden: usize, epsilon: f32) -> Result<Norm, String> {
        let [_, adds] = weights.norm_names(name);
        let (weight, bias) = weights.norm(name, hidden)?;
        let whole = format!("{}{name}", self.prefix);
        Ok(Norm {
            weight: self.leaf(format!("{whole}.weight"), &[hidden], weight, false)?,
            bias: match weights.body_has(&adds) {
                true => self.leaf(format!("{whole}.bias"), &[hidden], bias, false)?,
                false => self.place.tensor(bias, &[hidden]).map_err(|error| error.to_string())?,
            },
            epsilon,
            learns: true,
        })
    }
}

/// The head of the family's own form (see [`Head`](crate::encoder::Head)), so that others read it too.
struct Head {
    dense: (Linear, Activation),
    norm: Option<Norm>,
    classifier: Linear,
}

impl Head {
    fn read(shape: &Shape, leaves: &Leaves<'_>, sources: &Sources<'_>) -> Result<Head, String> {
        let (hidden, labels) = (shape.hidden, shape.labels.len());
        let linear = |name: &str, outputs: usize, from: &Weights<'_>| {
            let mut made = Linear { weights: Vec::new(), bias: Vec::new() };
            let bias = format!("{name}.bias");
            let bias = from.has(&bias).then(|| from.get(&bias, &[outputs])).transpose()?;
            let matrix = from.get(&format!("{name}.weight"), &[outputs, hidden])?;
            leaves.add_product(&mut made, name, [outputs, hidden], (matrix, bias))?;
            Ok::<_, String>(made)
        };
        let of = |name: &str| if sources.file.has(&format!("{name}.weight")) { sources.file } else { sources.chance };
        let mut norm = None;
        let (dense, last) = match shape.family {
            Family::Bert => {
                let names = ["pooler.dense".to_owned()];
                let has = sources.file.body_has("pooler.dense.weight");
                let from = if has { sources.file } else { sources.chance };
                ((leaves.linear(from, &names, hidden, hidden)?, Activation::Tanh), "classifier")
            }
            Family::Roberta => {
                let name = "classifier.dense";
                ((linear(name, hidden, of(name))?, Activation::Tanh), "classifier.out_proj")
            }
            Family::ModernBert => {
                let from = of("head.norm");
                let weight = from.get("head.norm.weight", &[hidden])?;
                let bias = leaves.place.tensor(vec![0.0; hidden], &[hidden]).map_err(|error| error.to_string())?;
                norm = Some(Norm {
                    weight: leaves.leaf("head.norm.weight".to_owned(), &[hidden], weight, false)?,
                    bias: match from.has("head.norm.bias") {
                        true => {
                            let bias = from.get("head.norm.bias", &[hidden])?;
                            leaves.leaf("head.norm.bias".to_owned(), &[hidden], bias, false)?
                        }
                        false => bias,
                    },
                    epsilon: shape.epsilon,
                    learns: true,
                });
                let activation = shape.modern.map_or(Activation::Gelu, |modern| modern.head_activation);
                ((linear("head.dense", hidden, of("head.dense"))?, activation), "classifier")
            }
        };
        let kept = sources.keeps_labels && sources.file.has(&format!("{last}.weight"));
        let classifier = linear(last, labels, if kept { sources.file } else { sources.chance })?;
        Ok(Head { dense, norm, classifier })
    }

    fn logits(&self, pooled: &Tensor) -> candle_core::Result<Tensor> {
        let mut made = activate(&self.dense.0.apply(pooled)?, self.dense.1)?;
        if let Some(norm) = &self.norm {
            made = norm.apply(&made)?;
        }
        self.classifier.apply(&made)
    }
}

/// Where weights come from at the start.
struct Sources<'a> {
    file: &'a Weights<'a>,
    chance: &'a Weights<'a>,
    /// Whether the file's head tells the same labels.
    keeps_labels: bool,
}

/// What some texts say of how the weights should change.
pub struct Gradient {
    /// The sum of their losses, by the share of each text in its batch.
    pub loss: f64,
    /// Of each parameter that is on the device.
    leaves: Vec<Vec<f32>>,
    /// Of the vectors of their tokens, padding with them.
    states: Vec<f32>,
    /// Rows of each text.
    tokens: usize,
}

/// An encoder that learns.
pub struct Model {
    /// Its layers.
    pub shape: Shape,
    /// All that is learned.
    pub parameters: Vec<Parameter>,
    vars: Vec<Option<Var>>,
    body: Body,
    head: Head,
    words: usize,
    /// Of positions, and of kinds of segments.
    positions: Option<(usize, usize)>,
}

/// What stands before the names of a body's tensors where there is a head beside them.
fn prefix(family: Family) -> &'static str {
    match family {
        Family::Bert => "bert.",
        Family::Roberta => "roberta.",
        Family::ModernBert => "model.",
    }
}

impl Model {
    /// Starts from a file, or from nothing. `keeps_labels`: the file has a head of this shape that tells the same.
    pub fn read(
        shape: &Shape,
        file: Option<&Weights<'_>>,
        keeps_labels: bool,
        place: Place,
        seed: u64,
    ) -> Result<Model, String> {
        let has_bias = shape.family != Family::ModernBert;
        let chance = Weights::by_chance(Chance { seed, spread: shape.spread, has_bias });
        let file = file.unwrap_or(&chance);
        let leaves = Leaves { place: &place, prefix: prefix(shape.family), made: RefCell::default() };
        let table = |name: &str, rows: usize| {
            let sizes = [rows, shape.hidden];
            Ok::<_, String>(leaves.table(name, &sizes, file.body(name, &sizes)?))
        };
        let words = table(words_name(shape.family), shape.vocabulary)?;
        let positions = match shape.family {
            Family::ModernBert => None,
            _ => Some((table(POSITIONS, shape.tokens + shape.first_position)?, table(KINDS, shape.kinds)?)),
        };
        let layers = Layers::read(&leaves, shape, file)?;
        let head = Head::read(shape, &leaves, &Sources { file, chance: &chance, keeps_labels })?;
        let (parameters, vars) = leaves.made.into_inner().into_iter().unzip();
        let body = Body::new(shape, place, layers, true)?;
        Ok(Model { shape: shape.clone(), parameters, vars, body, head, words, positions })
    }

    /// Where it is.
    pub fn device(&self) -> &Device {
        &self.body.place.device
    }

    /// Numbers that lie between the layers for a text of so many tokens while it is learned from; about.
    pub fn cost(&self, tokens: usize) -> usize {
        let Shape { hidden, intermediate, heads, layers, .. } = self.shape;
        tokens * layers * (40 * hidden + 8 * intermediate + 8 * heads * tokens)
    }

    /// Sets the layers to what the parameters are now.
    pub fn set(&self) -> Result<(), String> {
        for (parameter, var) in self.parameters.iter().zip(&self.vars) {
            if let Some(var) = var {
                let tensor = self.body.place.tensor(parameter.values.clone(), &parameter.shape);
                tensor.and_then(|tensor| var.set(&tensor)).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    /// The vectors of the tokens of some texts before the first norm, padded with zeros.
    fn states(&self, texts: &[Text<'_>], tokens: usize) -> Vec<f32> {
        let hidden = self.shape.hidden;
        let table = |number: usize| &self.parameters[number].values[..];
        let mut states = vec![0.0; texts.len() * tokens * hidden];
        for (text, rows) in texts.iter().zip(states.chunks_mut(tokens * hidden)) {
            for (position, (&id, row)) in text.ids.iter().zip(rows.chunks_mut(hidden)).enumerate() {
                row.copy_from_slice(&table(self.words)[id as usize * hidden..][..hidden]);
                if let Some((positions, kinds)) = self.positions {
                    let position = &table(positions)[(position + self.shape.first_position) * hidden..][..hidden];
                    let both = position.iter().zip(&table(kinds)[..hidden]);
                    row.iter_mut().zip(both).for_each(|(x, (position, kind))| *x += position + kind);
                }
            }
        }
        states
    }

    /// The head's numbers for some texts, before they become probabilities, and the vectors of tokens they came of.
    fn forward(&self, texts: &[Text<'_>], tokens: usize) -> candle_core::Result<(Tensor, Var)> {
        let place = &self.body.place;
        let rows = place.tensor(self.states(texts, tokens), &[texts.len() * tokens, self.shape.hidden])?;
        let states = Var::from_tensor(&rows)?;
        let lengths: Vec<u32> = texts.iter().map(|text| text.ids.len() as u32).collect();
        let lengths = Lengths::new(&Tensor::new(lengths, &place.device)?, tokens, place.kind)?;
        let rows = self.body.run(states.as_tensor(), &lengths)?;
        let (first, mean) = self.body.pools(&rows, &lengths)?;
        let pooled = if self.shape.pooling == Pooling::First { first } else { mean };
        Ok((self.head.logits(&pooled)?, states))
    }

    /// The sum of losses: squares of errors, or what the right label's probability lacks (its negative logarithm).
    fn loss(&self, logits: &Tensor, texts: &[Text<'_>]) -> candle_core::Result<Tensor> {
        let (count, labels) = logits.dims2()?;
        let targets = texts.iter().flat_map(|text| {
            let label = |at: usize| if at as f64 == text.target { 1.0 } else { 0.0 };
            (0..labels).map(move |at| if self.shape.problem == Problem::Regression { text.target } else { label(at) })
        });
        let targets: Vec<f64> = targets.collect();
        let targets = Tensor::from_vec(targets, (count, labels), logits.device())?.to_dtype(logits.dtype())?;
        if self.shape.problem == Problem::Regression {
            return (logits - targets)?.sqr()?.sum_all();
        }
        let shifted = logits.broadcast_sub(&logits.detach().max_keepdim(D::Minus1)?)?;
        let logarithms = shifted.broadcast_sub(&shifted.exp()?.sum_keepdim(D::Minus1)?.log()?)?;
        (logarithms * targets)?.sum_all()?.neg()
    }

    /// What some texts of a batch of `batch` say. They are sorted by length, the longest first.
    pub fn gradient(&self, texts: &[Text<'_>], batch: usize) -> candle_core::Result<Gradient> {
        let tokens = texts.first().map_or(0, |text| text.ids.len());
        let (logits, states) = self.forward(texts, tokens)?;
        let loss = (self.loss(&logits, texts)? * (1.0 / batch as f64))?;
        let gradients = loss.backward()?;
        let numbers = |var: &Var| match gradients.get(var.as_tensor()) {
            Some(tensor) => tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1(),
            None => Ok(Vec::new()),
        };
        let leaves = self.vars.iter().map(|var| var.as_ref().map_or(Ok(Vec::new()), &numbers));
        Ok(Gradient {
            loss: loss.to_dtype(DType::F64)?.to_scalar()?,
            leaves: leaves.collect::<candle_core::Result<_>>()?,
            states: numbers(&states)?,
            tokens,
        })
    }

    /// Adds what some texts said to the sums of all parameters.
    pub fn add(&self, gradient: &Gradient, texts: &[Text<'_>], sums: &mut [Vec<f32>]) {
        let hidden = self.shape.hidden;
        let add = |to: &mut [f32], from: &[f32]| to.iter_mut().zip(from).for_each(|(sum, x)| *sum += x);
        for (sums, leaf) in sums.iter_mut().zip(&gradient.leaves) {
            add(sums, leaf);
        }
        for (text, rows) in texts.iter().zip(gradient.states.chunks(gradient.tokens * hidden)) {
            for (position, (&id, row)) in text.ids.iter().zip(rows.chunks(hidden)).enumerate() {
                add(&mut sums[self.words][id as usize * hidden..][..hidden], row);
                if let Some((positions, kinds)) = self.positions {
                    let position = (position + self.shape.first_position) * hidden;
                    add(&mut sums[positions][position..][..hidden], row);
                    add(&mut sums[kinds][..hidden], row);
                }
            }
        }
    }

    /// The scores of a text, as its head gives them.
    #[cfg(test)]
    pub fn scores(&self, ids: &[u32]) -> Vec<f32> {
        let logits = self.forward(&[Text { ids, target: 0.0 }], ids.len()).unwrap().0;
        let logits: Vec<f64> = logits.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        if self.shape.problem == Problem::Regression {
            return logits.iter().map(|&x| x as f32).collect();
        }
        let sum: f64 = logits.iter().map(|x| x.exp()).sum();
        logits.iter().map(|x| (x.exp() / sum) as f32).collect()
    }
}
