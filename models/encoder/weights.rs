//! The tensors of a `model.safetensors`, as `f32`; or by chance, where a model is to be trained from nothing.

use safetensors::{Dtype, SafeTensors};

use super::chance::Chance;
use crate::floats::{brain, half};

/// The tensors of a file, with the name that stands before all of those of the body.
pub struct Weights<'a> {
    tensors: Tensors<'a>,
    prefix: String,
}

enum Tensors<'a> {
    File(SafeTensors<'a>),
    Chance(Chance),
}

impl<'a> Weights<'a> {
    /// Reads a file. One of `prefixes`, or none, stands before `known`, a tensor that every body has.
    pub fn read(bytes: &'a [u8], prefixes: &[&str], known: &str) -> Result<Weights<'a>, String> {
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| format!("not a safetensors file: {error}"))?;
        let found = ["", "model.", "encoder."]
            .iter()
            .chain(prefixes)
            .find(|prefix| tensors.tensor(&format!("{prefix}{known}")).is_ok());
        let prefix = found.ok_or_else(|| format!("there is no tensor `{known}`"))?.to_string();
        Ok(Weights { tensors: Tensors::File(tensors), prefix })
    }

    /// Tensors by chance.
    pub fn by_chance(chance: Chance) -> Weights<'a> {
        Weights { tensors: Tensors::Chance(chance), prefix: String::new() }
    }

    /// Whether there is a tensor, by its whole name.
    pub fn has(&self, name: &str) -> bool {
        match &self.tensors {
            Tensors::File(tensors) => tensors.tensor(name).is_ok(),
            Tensors::Chance(chance) => chance.has(name),
        }
    }

    /// A tensor of the body.
    pub fn body(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        self.get(&format!("{}{name}", self.prefix), shape)
    }

    /// A tensor of the body that may be missing: zeros then.
    pub fn body_or_zeros(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        match self.has(&format!("{}{name}", self.prefix)) {
            true => self.body(name, shape),
            false => Ok(vec![0.0; shape.iter().product()]),
        }
    }

    /// Products of the body one behind the other, each of `outputs` numbers: their weights, and what is added to them.
    pub fn products(&self, names: &[String], outputs: usize, inputs: usize) -> Result<(Vec<f32>, Vec<f32>), String> {
        let (mut weights, mut bias) = (Vec::new(), Vec::new());
        for name in names {
            weights.extend(self.body(&format!("{name}.weight"), &[outputs, inputs])?);
            bias.extend(self.body_or_zeros(&format!("{name}.bias"), &[outputs])?);
        }
        Ok((weights, bias))
    }

    /// What a layer norm of the body multiplies by and adds, as this file calls them.
    pub fn norm_names(&self, name: &str) -> [String; 2] {
        match self.body_has(&format!("{name}.gamma")) {
            true => ["gamma", "beta"], // as BERT's first files have it
            false => ["weight", "bias"],
        }
        .map(|part| format!("{name}.{part}"))
    }

    /// A layer norm of the body: what it multiplies by, and what it adds.
    pub fn norm(&self, name: &str, hidden: usize) -> Result<(Vec<f32>, Vec<f32>), String> {
        let [weight, bias] = self.norm_names(name);
        Ok((self.body(&weight, &[hidden])?, self.body_or_zeros(&bias, &[hidden])?))
    }

    /// Whether the body has a tensor.
    pub fn body_has(&self, name: &str) -> bool {
        self.has(&format!("{}{name}", self.prefix))
    }

    /// A tensor that may be missing: zeros then.
    pub fn get_or_zeros(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        if self.has(name) { self.get(name, shape) } else { Ok(vec![0.0; shape.iter().product()]) }
    }

    /// A tensor by its whole name; a file that holds another shape is refused.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        let tensors = match &self.tensors {
            Tensors::File(tensors) => tensors,
            Tensors::Chance(chance) => return Ok(chance.tensor(name, shape.iter().product())),
        };
        let tensor = tensors.tensor(name).map_err(|_| format!("there is no tensor `{name}`"))?;
        if tensor.shape() != shape {
            return Err(format!("the tensor `{name}` is {:?}, and config.json makes it {shape:?}", tensor.shape()));
        }
        let numbers = numbers(tensor.dtype(), tensor.data()).ok_or_else(|| {
            format!("the tensor `{name}` is of type {:?}: f32, f16 and bf16 are read", tensor.dtype())
        })?;
        match numbers.iter().all(|number| number.is_finite()) {
            true => Ok(numbers),
            false => Err(format!("the tensor `{name}` holds what is no number")),
        }
    }
}

/// The numbers of a tensor.
fn numbers(kind: Dtype, data: &[u8]) -> Option<Vec<f32>> {
    let halves = || data.as_chunks::<2>().0.iter().map(|&bytes| u16::from_le_bytes(bytes));
    Some(match kind {
        Dtype::F32 => data.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
        Dtype::BF16 => halves().map(brain).collect(),
        Dtype::F16 => halves().map(half).collect(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_16_bits_are_read() {
        assert_eq!(numbers(Dtype::F16, &[0x00, 0xc0]), Some(vec![-2.0]));
        assert_eq!(numbers(Dtype::BF16, &[0x80, 0x3f]), Some(vec![1.0]));
        assert_eq!(numbers(Dtype::I64, &[0; 8]), None);
    }
}
