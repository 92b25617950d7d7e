//! Encoders: scores and embeddings by a transformer that reads a text both ways.
//!
//! A folder as published (`config.json`, `model.safetensors`, `tokenizer.json`) of BERT (arXiv:1810.04805), RoBERTa
//! (arXiv:1907.11692, XLM-R and CamemBERT too) or ModernBERT (arXiv:2412.13663) shape, with a head for classification or
//! regression or none; further linear heads on the same body come from files of their own. All heads score from one
//! pass.
//!
//! On the CPU the layers run on arithmetic of our own (`kernels`), in floats or with weights and rows of 8 bits: there is no
//! padding, and the bits of a score depend on the text and the model alone. A [`Backend`] is anything that makes the vectors of texts; heads are the same behind
//! all.

mod attention;
mod body;
mod chance;
#[cfg(feature = "cuda")]
mod cuda;
mod device;
#[cfg(any(feature = "cuda", test))]
mod devices;
mod heads;
mod kernels;
mod layers;
mod shape;
mod tensors;
pub mod train;
mod weights;
mod windows;

use std::path::Path;

pub use crate::error::Error;
pub use body::{Precision, Scratch};
pub use device::{Found, Wanted};
pub use heads::Head;
pub use shape::{Family, Pooling, Problem, Shape};
pub use windows::{Batch, Tokens, batches, padding};

use crate::card::Card;
use body::Body;
use kernels::Instructions;
use weights::Weights;

/// The files of a folder that are read.
pub const FILES: [&str; 3] = ["config.json", "model.safetensors", "tokenizer.json"];

/// What makes vectors of texts.
pub trait Backend: Send + Sync {
    /// Appends, for each text, the vector of its first token and the mean of all of them.
    fn pools(&self, texts: &[&[u32]], scratch: &mut Scratch, out: &mut Vec<f32>) -> Result<(), Error>;

    /// Whether a batch costs as if all its texts were as long as its longest.
    fn is_padded(&self) -> bool {
        false
    }

    /// Most tokens of a batch. On the CPU more than some hundreds win nothing.
    fn batch_tokens(&self) -> usize {
        2048
    }
}

/// An encoder, ready to be used from any thread.
pub struct Encoder {
    shape: Shape,
    tokens: Tokens,
    body: Box<dyn Backend>,
    heads: Vec<Head>,
}

fn wrong(path: &Path) -> impl Fn(String) -> Error + '_ {
    move |what| Error(format!("{}: {what}", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| wrong(path)(error.to_string()))
}

impl Encoder {
    /// Reads a folder, to run on the device that was found.
    pub fn load(folder: &Path, device: &Found) -> Result<Encoder, Error> {
        Encoder::load_as(folder, device, Precision::F32)
    }

    /// As [`load`](Encoder::load), with the weights of layers kept as `precision` says. Heads are always floats.
    pub fn load_as(folder: &Path, device: &Found, precision: Precision) -> Result<Encoder, Error> {
        if precision == Precision::Int8 && *device != Found::Cpu {
            return Err(Error::new("weights of 8 bits are for the CPU; graphics processors have floats of 16"));
        }
        let weights = folder.join(FILES[1]);
        let (shape, tokens) = described(folder)?;
        let bytes = read(&weights)?;
        if let Some(card) = Card::beside(&weights).map_err(|error| Error(error.to_string()))? {
            card.verify_bytes(&bytes).map_err(|error| Error(error.to_string()))?;
        }
        let (body, heads) = tensors(&shape, &bytes, device, precision).map_err(wrong(&weights))?;
        Ok(Encoder { shape, tokens, body, heads })
    }

    /// Adds a linear head of its own file, called `name`.
    pub fn add_head(&mut self, name: &str, file: &Path) -> Result<(), Error> {
        let head = Head::read(name, &read(file)?, self.shape.hidden).map_err(wrong(file))?;
        self.heads.push(head);
        Ok(())
    }

    /// Has something else make the vectors of texts.
    #[must_use]
    pub fn on(mut self, body: Box<dyn Backend>) -> Encoder {
        self.body = body;
        self
    }

    /// Its layers.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Its tokenizer.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Its heads: the model's own first, if it has one.
    pub fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// Whether batches are padded to their longest texts; see [`batches`].
    pub fn is_padded(&self) -> bool {
        self.body.is_padded()
    }

    /// Most tokens of a batch.
    pub fn batch_tokens(&self) -> usize {
        self.body.batch_tokens()
    }

    /// How many scores a text has from all heads.
    pub fn scores(&self) -> usize {
        self.heads.iter().map(|head| head.labels.len()).sum()
    }

    /// Appends the scores of texts, those of all heads for each text.
    pub fn score(&self, texts: &[&[u32]], scratch: &mut Scratch, scores: &mut Vec<f32>) -> Result<(), Error> {
        let mut pools = std::mem::take(&mut scratch.pools);
        pools.clear();
        let made = self.body.pools(texts, scratch, &mut pools);
        let how = Instructions::detect();
        for pools in pools.chunks(2 * self.shape.hidden) {
            let (first, mean) = pools.split_at(self.shape.hidden);
            for head in &self.heads {
                head.score(how, first, mean, &mut scratch.strips.floats, scores);
            }
        }
        scratch.pools = pools;
        made
    }

    /// Appends the mean vector of all tokens of each text: what heads are fitted on.
    pub fn means(&self, texts: &[&[u32]], scratch: &mut Scratch, out: &mut Vec<f32>) -> Result<(), Error> {
        let mut pools = Vec::new();
        self.body.pools(texts, scratch, &mut pools)?;
        pools.chunks(2 * self.shape.hidden).for_each(|pools| out.extend(&pools[self.shape.hidden..]));
        Ok(())
    }

    /// Appends the embeddings of texts: the mean of all tokens, of length one.
    pub fn embed(&self, texts: &[&[u32]], scratch: &mut Scratch, out: &mut Vec<f32>) -> Result<(), Error> {
        let mut means = Vec::new();
        self.means(texts, scratch, &mut means)?;
        for mean in means.chunks(self.shape.hidden) {
            let length = mean.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
            out.extend(mean.iter().map(|x| x / length));
        }
        Ok(())
    }
}

/// What a folder says of a model beside its weights: its layers and its tokenizer, which must fit each other.
pub fn described(folder: &Path) -> Result<(Shape, Tokens), Error> {
    let [config, _, tokenizer] = FILES.map(|file| folder.join(file));
    let shape = Shape::from_json(&read(&config)?).map_err(wrong(&config))?;
    let tokens = Tokens::load(&tokenizer).map_err(wrong(&tokenizer))?;
    if tokens.vocabulary() > shape.vocabulary {
        let what = format!("it has {} tokens, and the model {}", tokens.vocabulary(), shape.vocabulary);
        return Err(wrong(&tokenizer)(what));
    }
    tokens.fits(&shape).map_err(wrong(&tokenizer))?;
    Ok((shape, tokens))
}

/// The body and the head of a file of tensors.
fn tensors(
    shape: &Shape,
    bytes: &[u8],
    device: &Found,
    precision: Precision,
) -> Result<(Box<dyn Backend>, Vec<Head>), String> {
    let weights = opened(shape, bytes)?;
    let body: Box<dyn Backend> = match device {
        Found::Cpu => Box::new(Body::read(shape, &weights, precision)?),
        #[cfg(feature = "cuda")]
        Found::Cuda(numbers) => Box::new(devices::Bodies::read(shape, &weights, numbers)?),
        #[cfg(not(feature = "cuda"))]
        Found::Cuda(_) => return Err("this program was built without CUDA".to_owned()),
    };
    Ok((body, Head::own(shape, &weights)?.into_iter().collect()))
}

/// The name that stands before all tensors of the body may be one of these; this tensor every body has.
fn opened<'a>(shape: &Shape, bytes: &'a [u8]) -> Result<Weights<'a>, String> {
    Weights::read(bytes, &["bert.", "roberta."], layers::words_name(shape.family))
}

impl Backend for Body {
    fn pools(&self, texts: &[&[u32]], scratch: &mut Scratch, out: &mut Vec<f32>) -> Result<(), Error> {
        let how = self.instructions();
        let states = self.run(texts, scratch);
        let hidden = states.len() / texts.iter().map(|text| text.len()).sum::<usize>().max(1);
        let mut first = 0;
        for text in texts {
            let rows = &states[first * hidden..(first + text.len()) * hidden];
            first += text.len();
            out.extend_from_slice(&rows[..hidden]);
            let start = out.len();
            out.extend_from_slice(&rows[..hidden]);
            let mean = &mut out[start..];
            rows.chunks(hidden).skip(1).for_each(|row| how.add(mean, row));
            let count = text.len() as f32;
            mean.iter_mut().for_each(|x| *x /= count);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
