//! Reads a folder of model2vec: `model.safetensors`, `tokenizer.json`, `config.json`.

use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use super::Error;
use super::table::{Rows, Table};
use crate::card::{Card, sha256};
use crate::floats::{brain, half};
use crate::tokenizer::Tokenizer;

/// The files of a model.
pub const FILES: [&str; 3] = ["model.safetensors", "tokenizer.json", "config.json"];

/// Tokens that count where the configuration does not say.
const MAX_TOKENS: usize = 512;

impl Table {
    /// Reads a folder. Where a card stands beside the model, its files must be those that the card speaks of.
    pub fn load(folder: &Path) -> Result<Table, Error> {
        let wrong = |error: &dyn std::fmt::Display| Error(error.to_string());
        if let Some(card) = Card::beside(&folder.join(FILES[0])).map_err(|error| wrong(&error))? {
            card.verify(folder).map_err(|error| wrong(&error))?;
        }
        let [weights, tokenizer, config] = FILES.map(|name| {
            std::fs::read(folder.join(name)).map_err(|error| Error(format!("{}: {error}", folder.join(name).display())))
        });
        Table::from_bytes(&weights?, &tokenizer?, &config?)
    }

    /// Reads a model from the bytes of its files. Whatever they are, it does not panic.
    pub fn from_bytes(weights: &[u8], tokenizer: &[u8], config: &[u8]) -> Result<Table, Error> {
        let digest = sha256([weights, tokenizer, config].map(sha256).concat().as_bytes());
        let tensors = SafeTensors::deserialize(weights)
            .map_err(|error| Error(format!("`model.safetensors` is damaged or no such file: {error}")))?;
        let names = || tensors.names().into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let found = ["embeddings", "embedding.weight"].into_iter().find_map(|name| tensors.tensor(name).ok());
        let embeddings = found.ok_or_else(|| {
            Error(format!("`model.safetensors` has no tensor `embeddings`, the vectors of tokens; it has {}", names()))
        })?;
        let &[count, dimensions] = embeddings.shape() else {
            let shape = embeddings.shape();
            return Err(Error(format!("`embeddings` has the shape {shape:?}, and must have two dimensions")));
        };
        if count == 0 || dimensions == 0 {
            return Err(Error(format!("`embeddings` has the shape {:?}: nothing", embeddings.shape())));
        }
        let rows = match embeddings.dtype() {
            Dtype::I8 => Rows::Bytes(embeddings.data().iter().map(|&byte| byte as i8).collect()),
            _ => Rows::Floats(floats("embeddings", &embeddings, |number| number as f32)?),
        };
        let definition: Value = serde_json::from_slice(tokenizer)
            .map_err(|error| Error(format!("`tokenizer.json` is damaged: {error}")))?;
        let tokenizer =
            Tokenizer::from_bytes(tokenizer).map_err(|error| Error(format!("`tokenizer.json`: {error}")))?;
        let config: Value =
            serde_json::from_slice(config).map_err(|error| Error(format!("`config.json` is damaged: {error}")))?;

        let mut lengths = tokenizer.lengths();
        let entries = tokenizer.vocabulary().max(lengths.len());
        if lengths.is_empty() {
            return Err(Error("`tokenizer.json` has no token".to_owned()));
        }
        let weights =
            tensors.tensor("weights").ok().map(|tensor| floats("weights", &tensor, |number| number)).transpose()?;
        let mapping = tensors.tensor("mapping").ok().map(|tensor| whole("mapping", &tensor)).transpose()?;
        match &mapping {
            None if lengths.len() != count || entries != count => {
                let tokens = lengths.len();
                return Err(Error(format!("the tokenizer has {tokens} entries, and `embeddings` {count} rows")));
            }
            Some(mapping) if mapping.len() < entries => {
                return Err(Error(format!("the tokenizer has {entries} entries, and `mapping` {}", mapping.len())));
            }
            Some(mapping) if mapping.iter().any(|&row| row as usize >= count) => {
                return Err(Error(format!("`mapping` names a row past the {count} of `embeddings`")));
            }
            _ => {}
        }
        if let Some(weights) = weights.as_ref().filter(|weights| weights.len() < entries) {
            return Err(Error(format!("the tokenizer has {entries} entries, and `weights` {}", weights.len())));
        }
        lengths.sort_unstable();
        let middle = lengths.len() / 2;
        // As Python has it: the mean of the two in the middle of an even number, rounded down.
        let median_chars =
            if lengths.len() % 2 == 0 { (lengths[middle - 1] + lengths[middle]) / 2 } else { lengths[middle] };
        Ok(Table {
            rows,
            dimensions,
            weights,
            mapping,
            unknown: unknown(&definition["model"], &tokenizer),
            tokenizer,
            normalize: config["normalize"].as_bool().unwrap_or(false),
            max_tokens: match &config["max_length"] {
                Value::Null if config.get("max_length").is_some() => None,
                length => Some(length.as_u64().map_or(MAX_TOKENS, |length| length as usize)),
            },
            median_chars,
            digest,
        })
    }
}

/// The id of the unknown token.
fn unknown(model: &Value, tokenizer: &Tokenizer) -> Option<u32> {
    match &model["unk_token"] {
        Value::String(token) => tokenizer.id(token),
        _ => model["unk_id"].as_u64().and_then(|id| u32::try_from(id).ok()),
    }
}

/// The numbers of a tensor. Every one is finite.
fn floats<T>(name: &str, tensor: &TensorView<'_>, keep: impl Fn(f64) -> T) -> Result<Vec<T>, Error> {
    let data = tensor.data();
    let mut finite = true;
    let mut keep = |number: f64| {
        finite &= number.is_finite();
        keep(number)
    };
    let numbers = match tensor.dtype() {
        Dtype::F64 => data.as_chunks().0.iter().map(|bytes| keep(f64::from_le_bytes(*bytes))).collect(),
        Dtype::F32 => data.as_chunks().0.iter().map(|bytes| keep(f32::from_le_bytes(*bytes).into())).collect(),
        Dtype::F16 => data.as_chunks().0.iter().map(|bytes| keep(half(u16::from_le_bytes(*bytes)).into())).collect(),
        Dtype::BF16 => data.as_chunks().0.iter().map(|bytes| keep(brain(u16::from_le_bytes(*bytes)).into())).collect(),
        other => return Err(Error(format!("`{name}` holds {other:?}; known are F64, F32, F16, BF16 and I8"))),
    };
    match finite {
        true => Ok(numbers),
        false => Err(Error(format!("`{name}` holds numbers that are none or without bound"))),
    }
}

/// The numbers of a tensor of rows.
fn whole(name: &str, tensor: &TensorView<'_>) -> Result<Vec<u32>, Error> {
    let past = || Error(format!("`{name}` holds a number that is no row"));
    let chunks = |size| tensor.data().chunks_exact(size);
    match tensor.dtype() {
        Dtype::I64 | Dtype::U64 => chunks(8)
            .map(|bytes| u64::from_le_bytes(bytes.try_into().expect("eight bytes")))
            .map(|number| u32::try_from(number).map_err(|_| past()))
            .collect(),
        Dtype::I32 | Dtype::U32 => {
            Ok(chunks(4).map(|bytes| u32::from_le_bytes(bytes.try_into().expect("four bytes"))).collect())
        }
        other => Err(Error(format!("`{name}` holds {other:?}, and must hold I64, U64, I32 or U32"))),
    }
}
