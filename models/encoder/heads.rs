//! Heads: what makes scores of a text's vector.

use safetensors::SafeTensors;

use super::body::{Linear, Norm};
use super::kernels::{Activation, Instructions, Strip};
use super::shape::{Family, Pooling, Problem, Shape};
use super::weights::Weights;

/// A head.
#[derive(Debug)]
pub struct Head {
    /// What it is called: empty for the model's own.
    pub name: String,
    /// What its scores are called.
    pub labels: Vec<String>,
    /// What they mean.
    pub problem: Problem,
    pooling: Pooling,
    dense: Option<(Linear, Activation)>,
    norm: Option<Norm>,
    classifier: Linear,
}

impl Head {
    /// The head of a classification model, if the file has one. Without one, it has an embedding alone.
    pub fn own(shape: &Shape, weights: &Weights<'_>) -> Result<Option<Head>, String> {
        let (hidden, labels) = (shape.hidden, shape.labels.len());
        let linear = |name: &str, outputs: usize| {
            let matrix = weights.get(&format!("{name}.weight"), &[outputs, hidden])?;
            let bias = weights.get_or_zeros(&format!("{name}.bias"), &[outputs])?;
            Ok::<_, String>(Linear::new(&matrix, &bias, outputs, hidden))
        };
        let last = if shape.family == Family::Roberta && !shape.linear { "classifier.out_proj" } else { "classifier" };
        if !weights.has(&format!("{last}.weight")) {
            return Ok(None);
        }
        let mut norm = None;
        let dense = match shape.family {
            _ if shape.linear => None,
            Family::Bert => {
                let matrix = weights.body("pooler.dense.weight", &[hidden, hidden])?;
                let bias = weights.body("pooler.dense.bias", &[hidden])?;
                Some((Linear::new(&matrix, &bias, hidden, hidden), Activation::Tanh))
            }
            Family::Roberta => Some((linear("classifier.dense", hidden)?, Activation::Tanh)),
            Family::ModernBert => {
                let weight = weights.get("head.norm.weight", &[hidden])?;
                let bias = weights.get_or_zeros("head.norm.bias", &[hidden])?;
                norm = Some(Norm::new(weight, bias, shape.epsilon));
                let activation = shape.modern.map_or(Activation::Gelu, |modern| modern.head_activation);
                Some((linear("head.dense", hidden)?, activation))
            }
        };
        Ok(Some(Head {
            name: String::new(),
            labels: shape.labels.clone(),
            problem: shape.problem,
            pooling: shape.pooling,
            dense,
            norm,
            classifier: linear(last, labels)?,
        }))
    }

    /// A linear head of its own file: tensors `weight` and `bias`, and in the file's metadata `labels` (one a line),
    /// `problem` (`regression`, `one_label`, `any_label`) and `pooling` (`mean`, `first`).
    pub fn read(name: &str, bytes: &[u8], hidden: usize) -> Result<Head, String> {
        let (_, header) =
            SafeTensors::read_metadata(bytes).map_err(|error| format!("not a safetensors file: {error}"))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let get = |key: &str| metadata.get(key).map(String::as_str).ok_or(format!("its metadata has no `{key}`"));
        let labels: Vec<String> = get("labels")?.lines().map(str::to_owned).collect();
        if labels.is_empty() {
            return Err("its metadata names no label".to_owned());
        }
        let problem = match get("problem")? {
            "regression" => Problem::Regression,
            "one_label" => Problem::OneLabel,
            "any_label" => Problem::AnyLabel,
            other => return Err(format!("problem `{other}`: regression, one_label and any_label are read")),
        };
        let pooling = match get("pooling")? {
            "mean" => Pooling::Mean,
            "first" => Pooling::First,
            other => return Err(format!("pooling `{other}`: mean and first are read")),
        };
        let weights = Weights::read(bytes, &[], "weight")?;
        let (matrix, bias) = (weights.get("weight", &[labels.len(), hidden])?, weights.get("bias", &[labels.len()])?);
        let classifier = Linear::new(&matrix, &bias, labels.len(), hidden);
        Ok(Head { name: name.to_owned(), labels, problem, pooling, dense: None, norm: None, classifier })
    }

    /// Appends the scores of a text, of which the vector of the first token and the mean of all are given.
    pub fn score(
        &self,
        how: Instructions,
        first: &[f32],
        mean: &[f32],
        strips: &mut Vec<Strip>,
        scores: &mut Vec<f32>,
    ) {
        let pooled = if self.pooling == Pooling::First { first } else { mean };
        let start = scores.len();
        scores.resize(start + self.labels.len(), 0.0);
        let own = &mut scores[start..];
        if let Some((dense, activation)) = &self.dense {
            let mut made = vec![0.0; dense.outputs()];
            dense.apply(how, pooled, strips, Some(*activation), &mut made);
            if let Some(norm) = &self.norm {
                norm.apply(how, &mut made);
            }
            self.classifier.apply(how, &made, strips, None, own);
        } else {
            self.classifier.apply(how, pooled, strips, None, own);
        }
        match self.problem {
            Problem::Regression => {}
            Problem::OneLabel => how.softmax(own, 1.0),
            Problem::AnyLabel => own.iter_mut().for_each(|score| *score = 1.0 / (1.0 + super::kernels::exp(-*score))),
        }
    }
}
