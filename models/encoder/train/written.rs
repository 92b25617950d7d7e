//! The files of a model whose weights were all trained, as transformers has a class for them.

use std::collections::HashMap;
use std::fmt::Display;

use safetensors::tensor::{Dtype, TensorView, serialize};
use serde_json::{Map, Value};

use super::model::Parameter;
use crate::encoder::Problem;

/// A model's files but for its tokenizer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// `config.json`.
    pub config: String,
    /// `model.safetensors`.
    pub weights: Vec<u8>,
}

/// A `config.json` with other labels: `problem` is one of the library's, `class` the class that reads the head, if any does.
pub fn relabelled(
    config: &[u8],
    labels: &[String],
    problem: &str,
    class: &[&str],
) -> Result<Map<String, Value>, String> {
    let mut config: Map<String, Value> = serde_json::from_slice(config).map_err(|error| error.to_string())?;
    let to_label = labels.iter().enumerate().map(|(at, label)| (at.to_string(), label.clone().into())).collect();
    let to_number = labels.iter().enumerate().map(|(at, label)| (label.clone(), at.into())).collect();
    config.insert("id2label".to_owned(), Value::Object(to_label));
    config.insert("label2id".to_owned(), Value::Object(to_number));
    config.insert("problem_type".to_owned(), problem.into());
    config.insert("architectures".to_owned(), class.to_vec().into());
    config.remove("num_labels"); // the library's name for how many labels there are
    Ok(config)
}

/// The `config.json` of an encoder with a head of its family's form.
pub fn config(of_body: &[u8], labels: &[String], problem: Problem) -> Result<String, String> {
    let told: HashMap<String, Value> = serde_json::from_slice(of_body).map_err(|error| error.to_string())?;
    let class = match told.get("model_type").and_then(Value::as_str) {
        Some("roberta") => "RobertaForSequenceClassification",
        Some("xlm-roberta") => "XLMRobertaForSequenceClassification",
        Some("camembert") => "CamembertForSequenceClassification",
        Some("modernbert") => "ModernBertForSequenceClassification",
        _ => "BertForSequenceClassification",
    };
    let problem = match problem {
        Problem::Regression => "regression",
        Problem::OneLabel => "single_label_classification",
        Problem::AnyLabel => "multi_label_classification",
    };
    let mut config = relabelled(of_body, labels, problem, &[class])?;
    config.remove("wanjuan_head");
    // Weights are written with 32 bits, and the library would make them what stands here.
    for name in ["dtype", "torch_dtype"] {
        config.entry(name).and_modify(|kind| *kind = "float32".into());
    }
    serde_json::to_string_pretty(&config).map_err(|error| error.to_string())
}

/// Tensors as the bytes of a file, with what its metadata says.
pub fn tensors<'a>(
    tensors: impl Iterator<Item = (String, &'a [usize], &'a [f32])>,
    metadata: HashMap<String, String>,
) -> Result<Vec<u8>, String> {
    let bytes = |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let all: Vec<(String, &[usize], Vec<u8>)> =
        tensors.map(|(name, shape, values)| (name, shape, bytes(values))).collect();
    let mut views = Vec::new();
    for (name, shape, bytes) in &all {
        let view = TensorView::new(Dtype::F32, shape.to_vec(), bytes).map_err(|error| error.to_string())?;
        views.push((name, view));
    }
    file(views, Some(metadata))
}

/// The bytes of a file of tensors. What its metadata says stands in the order of the names, for a map has another order
/// each time, and the same model is to be the same bytes.
pub fn file<N: AsRef<str> + Ord + Display>(
    tensors: Vec<(N, TensorView<'_>)>,
    metadata: Option<HashMap<String, String>>,
) -> Result<Vec<u8>, String> {
    let ordered = metadata.as_ref().is_none_or(|metadata| metadata.len() < 2);
    let bytes = serialize(tensors, metadata).map_err(|error| error.to_string())?;
    if ordered {
        return Ok(bytes);
    }
    let (length, rest) = bytes.split_first_chunk().ok_or("a file of tensors begins with a length")?;
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let mut header: Map<String, Value> = serde_json::from_slice(header).map_err(|error| error.to_string())?;
    if let Some(Value::Object(metadata)) = header.get_mut("__metadata__") {
        metadata.sort_keys();
    }
    let mut header = serde_json::to_vec(&header).map_err(|error| error.to_string())?;
    // Tensors begin at a multiple of eight bytes, as the format asks.
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok([&(header.len() as u64).to_le_bytes()[..], &header, data].concat())
}

/// The `model.safetensors` of all parameters.
pub fn weights(parameters: &[Parameter]) -> Result<Vec<u8>, String> {
    let each = parameters.iter().map(|parameter| (parameter.name.clone(), &parameter.shape[..], &parameter.values[..]));
    // Older versions of the library read no file that does not say so.
    tensors(each, HashMap::from([("format".to_owned(), "pt".to_owned())]))
}
