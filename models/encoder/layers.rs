//! The layers of an encoder as a file names them, for whatever is to run them.

use super::shape::{Family, Shape};
use super::weights::Weights;

/// What layers are made of, by who runs them.
pub trait Parts {
    /// A product and what is added to it.
    type Linear;
    /// A layer norm.
    type Norm;

    /// Makes a product of weights that stand output after output.
    fn linear(&self, weights: Vec<f32>, bias: Vec<f32>, outputs: usize, inputs: usize) -> Result<Self::Linear, String>;

    /// Makes a layer norm.
    fn norm(&self, weight: Vec<f32>, bias: Vec<f32>, epsilon: f32) -> Result<Self::Norm, String>;
}

/// One layer.
#[derive(Debug)]
pub struct Layer<L, N> {
    /// ModernBERT norms what goes into attention, but in its first layer.
    pub before: Option<N>,
    /// Queries, keys and values.
    pub attention: L,
    /// Behind attention.
    pub out: L,
    /// BERT norms what attention leaves, ModernBERT what goes into the products behind it.
    pub middle: N,
    /// The first product of two.
    pub up: L,
    /// The second.
    pub down: L,
    /// BERT alone.
    pub after: Option<N>,
    /// ModernBERT: which angles, and how far a token sees.
    pub turns: Option<(usize, Option<usize>)>,
}

/// All layers.
#[derive(Debug)]
pub struct Layers<L, N> {
    /// Vectors of the vocabulary.
    pub words: Vec<f32>,
    /// Vectors of positions, with that of the first kind of segment added; none for ModernBERT.
    pub positions: Vec<f32>,
    /// Behind both.
    pub embedding_norm: N,
    /// In their order.
    pub layers: Vec<Layer<L, N>>,
    /// Behind all layers; ModernBERT alone.
    pub last: Option<N>,
}

/// Reads layers.
struct Reader<'a, P> {
    parts: &'a P,
    weights: &'a Weights<'a>,
    shape: &'a Shape,
}

impl<P: Parts> Reader<'_, P> {
    fn linear(&self, names: &[String], outputs: usize, inputs: usize) -> Result<P::Linear, String> {
        let (mut weights, mut bias) = (Vec::new(), Vec::new());
        for name in names {
            weights.extend(self.weights.body(&format!("{name}.weight"), &[outputs, inputs])?);
            bias.extend(self.weights.body_or_zeros(&format!("{name}.bias"), &[outputs])?);
        }
        self.parts.linear(weights, bias, outputs * names.len(), inputs)
    }

    fn norm(&self, name: &str) -> Result<P::Norm, String> {
        let hidden = &[self.shape.hidden];
        let [weight, bias] = match self.weights.body_has(&format!("{name}.gamma")) {
            true => ["gamma", "beta"], // as BERT's first files have it
            false => ["weight", "bias"],
        };
        let weight = self.weights.body(&format!("{name}.{weight}"), hidden)?;
        let bias = self.weights.body_or_zeros(&format!("{name}.{bias}"), hidden)?;
        self.parts.norm(weight, bias, self.shape.epsilon)
    }

    fn layer(&self, number: usize) -> Result<Layer<P::Linear, P::Norm>, String> {
        let (shape, hidden) = (self.shape, self.shape.hidden);
        match shape.modern {
            None => {
                let at = format!("encoder.layer.{number}");
                let names = ["query", "key", "value"].map(|name| format!("{at}.attention.self.{name}"));
                Ok(Layer {
                    before: None,
                    attention: self.linear(&names, hidden, hidden)?,
                    out: self.linear(&[format!("{at}.attention.output.dense")], hidden, hidden)?,
                    middle: self.norm(&format!("{at}.attention.output.LayerNorm"))?,
                    up: self.linear(&[format!("{at}.intermediate.dense")], shape.intermediate, hidden)?,
                    down: self.linear(&[format!("{at}.output.dense")], hidden, shape.intermediate)?,
                    after: Some(self.norm(&format!("{at}.output.LayerNorm"))?),
                    turns: None,
                })
            }
            Some(modern) => {
                let at = format!("layers.{number}");
                let sees_all = number.is_multiple_of(modern.global_every);
                Ok(Layer {
                    before: if number == 0 { None } else { Some(self.norm(&format!("{at}.attn_norm"))?) },
                    attention: self.linear(&[format!("{at}.attn.Wqkv")], 3 * hidden, hidden)?,
                    out: self.linear(&[format!("{at}.attn.Wo")], hidden, hidden)?,
                    middle: self.norm(&format!("{at}.mlp_norm"))?,
                    up: self.linear(&[format!("{at}.mlp.Wi")], 2 * shape.intermediate, hidden)?,
                    down: self.linear(&[format!("{at}.mlp.Wo")], hidden, shape.intermediate)?,
                    after: None,
                    turns: Some(if sees_all { (0, None) } else { (1, Some(modern.reach)) }),
                })
            }
        }
    }
}

impl<L, N> Layers<L, N> {
    /// Reads the layers.
    pub fn read(
        parts: &impl Parts<Linear = L, Norm = N>,
        shape: &Shape,
        weights: &Weights<'_>,
    ) -> Result<Layers<L, N>, String> {
        let reader = Reader { parts, weights, shape };
        let hidden = shape.hidden;
        let (words, positions, norm, last) = match shape.family {
            Family::ModernBert => ("embeddings.tok_embeddings.weight", None, "embeddings.norm", Some("final_norm")),
            _ => {
                let rows = shape.tokens + shape.first_position;
                let mut positions = weights.body("embeddings.position_embeddings.weight", &[rows, hidden])?;
                let kinds = weights.body("embeddings.token_type_embeddings.weight", &[shape.kinds, hidden])?;
                for row in positions.chunks_mut(hidden) {
                    row.iter_mut().zip(&kinds).for_each(|(x, kind)| *x += kind);
                }
                ("embeddings.word_embeddings.weight", Some(positions), "embeddings.LayerNorm", None)
            }
        };
        Ok(Layers {
            words: weights.body(words, &[shape.vocabulary, hidden])?,
            positions: positions.unwrap_or_default(),
            embedding_norm: reader.norm(norm)?,
            layers: (0..shape.layers).map(|number| reader.layer(number)).collect::<Result<_, _>>()?,
            last: last.map(|last| reader.norm(last)).transpose()?,
        })
    }
}
