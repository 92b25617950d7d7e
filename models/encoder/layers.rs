//! The layers of an encoder as a file names them, for whatever is to run them.

use super::shape::{Family, Shape};
use super::weights::Weights;

/// What layers are made of, by who runs them.
pub trait Parts {
    /// A product and what is added to it.
    type Linear;
    /// A layer norm.
    type Norm;

    /// Makes one product of those that the file has under these names, one behind the other, each of `outputs` numbers.
    fn linear(
        &self,
        weights: &Weights<'_>,
        names: &[String],
        outputs: usize,
        inputs: usize,
    ) -> Result<Self::Linear, String>;

    /// Makes a layer norm of what the file has under this name.
    fn norm(&self, weights: &Weights<'_>, name: &str, hidden: usize, epsilon: f32) -> Result<Self::Norm, String>;
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
    /// Behind the vectors of words and positions.
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
        self.parts.linear(self.weights, names, outputs, inputs)
    }

    fn norm(&self, name: &str) -> Result<P::Norm, String> {
        self.parts.norm(self.weights, name, self.shape.hidden, self.shape.epsilon)
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
        let (norm, last) = match shape.family {
            Family::ModernBert => ("embeddings.norm", Some("final_norm")),
            _ => ("embeddings.LayerNorm", None),
        };
        Ok(Layers {
            embedding_norm: reader.norm(norm)?,
            layers: (0..shape.layers).map(|number| reader.layer(number)).collect::<Result<_, _>>()?,
            last: last.map(|last| reader.norm(last)).transpose()?,
        })
    }
}

/// What the table of the vocabulary is called; every body has it.
pub fn words_name(family: Family) -> &'static str {
    match family {
        Family::ModernBert => "embeddings.tok_embeddings.weight",
        _ => "embeddings.word_embeddings.weight",
    }
}

/// What the table of positions is called, and that of kinds of segments; ModernBERT has none.
pub const POSITIONS: &str = "embeddings.position_embeddings.weight";
/// See [`POSITIONS`].
pub const KINDS: &str = "embeddings.token_type_embeddings.weight";

/// Vectors of the vocabulary.
pub fn words(shape: &Shape, weights: &Weights<'_>) -> Result<Vec<f32>, String> {
    weights.body(words_name(shape.family), &[shape.vocabulary, shape.hidden])
}

/// Vectors of positions, with that of the first kind of segment added; none for ModernBERT.
pub fn positions(shape: &Shape, weights: &Weights<'_>) -> Result<Vec<f32>, String> {
    if shape.family == Family::ModernBert {
        return Ok(Vec::new());
    }
    let rows = shape.tokens + shape.first_position;
    let mut positions = weights.body(POSITIONS, &[rows, shape.hidden])?;
    let kinds = weights.body(KINDS, &[shape.kinds, shape.hidden])?;
    for row in positions.chunks_mut(shape.hidden) {
        row.iter_mut().zip(&kinds).for_each(|(x, kind)| *x += kind);
    }
    Ok(positions)
}
