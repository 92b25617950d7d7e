//! What a `config.json` says of an encoder: which family, how large, and what its head is.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::kernels::Activation;

/// Most entries of the table of positions that are read, and most labels: more than any model has, and few enough that a
/// broken file does not ask for gigabytes.
const MOST: usize = 1 << 17;

/// Which layers a model is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Devlin et al., arXiv:1810.04805.
    Bert,
    /// Liu et al., arXiv:1907.11692: BERT's layers, other positions and head.
    Roberta,
    /// Warner et al., arXiv:2412.13663: norms before, rotary positions, gated products, windows of attention.
    ModernBert,
}

/// What the numbers of a classification head mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// A number as it is, such as FineWeb-Edu's grade from 0 to 5.
    Regression,
    /// One label of several: probabilities that add up to one.
    OneLabel,
    /// Any of several labels: a probability each.
    AnyLabel,
}

/// Of which vector of a text a head is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// That of the first token.
    First,
    /// The mean of all tokens.
    Mean,
}

/// A model's layers.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Which layers it is made of.
    pub family: Family,
    /// Entries of the vocabulary.
    pub vocabulary: usize,
    /// Length of a token's vector.
    pub hidden: usize,
    /// Layers.
    pub layers: usize,
    /// Heads of attention.
    pub heads: usize,
    /// Length of what stands between the two products of a layer.
    pub intermediate: usize,
    /// What stands between them.
    pub activation: Activation,
    /// Of layer norms.
    pub epsilon: f32,
    /// Most tokens of a text, with special ones.
    pub tokens: usize,
    /// Kinds of segments, of which the first is used.
    pub kinds: usize,
    /// Number of the first position.
    pub first_position: usize,
    /// ModernBERT alone.
    pub modern: Option<Modern>,
    /// What a head of the model's own looks at.
    pub pooling: Pooling,
    /// Whether it is nothing but linear, as [`train`](super::train) writes it.
    pub linear: bool,
    /// What the head's numbers mean.
    pub problem: Problem,
    /// What the head's numbers are called.
    pub labels: Vec<String>,
    /// The deviation of weights by chance.
    pub spread: f32,
}

/// What ModernBERT adds.
#[derive(Debug, Clone, Copy)]
pub struct Modern {
    /// Every so many layers, from the first, attention sees all tokens.
    pub global_every: usize,
    /// Tokens that are seen on each side in the other layers.
    pub reach: usize,
    /// Base of the angles of layers that see all.
    pub global_theta: f32,
    /// Base of the angles of the others.
    pub local_theta: f32,
    /// The activation of its head.
    pub head_activation: Activation,
}

#[derive(Deserialize)]
struct Config {
    model_type: String,
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    #[serde(alias = "hidden_activation")]
    hidden_act: Option<Activation>,
    max_position_embeddings: usize,
    #[serde(alias = "norm_eps")]
    layer_norm_eps: Option<f32>,
    pad_token_id: Option<usize>,
    type_vocab_size: Option<usize>,
    position_embedding_type: Option<String>,
    global_attn_every_n_layers: Option<usize>,
    local_attention: Option<usize>,
    global_rope_theta: Option<f32>,
    local_rope_theta: Option<f32>,
    rope_parameters: Option<BTreeMap<String, Option<Rope>>>,
    classifier_activation: Option<Activation>,
    classifier_pooling: Option<String>,
    problem_type: Option<String>,
    id2label: Option<BTreeMap<String, String>>,
    num_labels: Option<usize>,
    wanjuan_head: Option<String>,
    initializer_range: Option<f32>,
}

#[derive(Deserialize)]
struct Rope {
    rope_theta: Option<f32>,
}

impl Shape {
    /// Reads a `config.json`.
    pub fn from_json(text: &[u8]) -> Result<Shape, String> {
        let config: Config = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let family = match config.model_type.as_str() {
            "bert" => Family::Bert,
            "roberta" | "xlm-roberta" | "camembert" => Family::Roberta,
            "modernbert" => Family::ModernBert,
            other => {
                return Err(format!(
                    "model_type `{other}`: bert, roberta, xlm-roberta, camembert and modernbert are read"
                ));
            }
        };
        if config.position_embedding_type.as_deref().is_some_and(|kind| kind != "absolute") {
            return Err("position_embedding_type: only `absolute` is read".to_owned());
        }
        let (hidden, heads) = (config.hidden_size, config.num_attention_heads);
        let sizes = [config.vocab_size, hidden, config.num_hidden_layers, heads, config.intermediate_size];
        if sizes.iter().any(|&size| size == 0 || size > 1 << 24) || hidden % heads != 0 || hidden / heads % 2 != 0 {
            return Err(
                "sizes that cannot be: each is at least 1, and hidden_size a multiple of twice num_attention_heads"
                    .to_owned(),
            );
        }
        let first_position =
            if family == Family::Roberta { config.pad_token_id.unwrap_or(1).saturating_add(1) } else { 0 };
        let tokens = config.max_position_embeddings.saturating_sub(first_position);
        if tokens < 3 {
            return Err("max_position_embeddings leaves no room for a text".to_owned());
        }
        if config.max_position_embeddings > MOST {
            return Err(format!("max_position_embeddings is more than {MOST}"));
        }
        let above_zero = |name: &str, number: f32| match number.is_finite() && number > 0.0 {
            true => Ok(number),
            false => Err(format!("{name} must be a number above 0")),
        };
        let theta = |of: &str, plain: Option<f32>, default| {
            let ropes = config.rope_parameters.as_ref();
            let rope = ropes.and_then(|ropes| ropes.get(of)).and_then(Option::as_ref).and_then(|rope| rope.rope_theta);
            above_zero("rope_theta", rope.or(plain).unwrap_or(default))
        };
        let modern = match family {
            Family::ModernBert => Some(Modern {
                global_every: config.global_attn_every_n_layers.unwrap_or(3).max(1),
                reach: config.local_attention.unwrap_or(128).min(MOST) / 2,
                global_theta: theta("full_attention", config.global_rope_theta, 160_000.0)?,
                local_theta: theta("sliding_attention", config.local_rope_theta, 10_000.0)?,
                head_activation: config.classifier_activation.unwrap_or(Activation::Gelu),
            }),
            _ => None,
        };
        let count = config.id2label.as_ref().map_or(config.num_labels.unwrap_or(2), BTreeMap::len);
        if !(1..=MOST).contains(&count) {
            return Err(format!("id2label, num_labels: {count} labels, and there are between 1 and {MOST}"));
        }
        let labels = match &config.id2label {
            Some(named) => {
                let at = |number: usize| named.get(&number.to_string()).cloned();
                (0..count).map(at).collect::<Option<Vec<_>>>().ok_or("id2label: its numbers are not 0, 1, 2, …")?
            }
            // What the library fills in where the file is silent.
            None => (0..count).map(|number| format!("LABEL_{number}")).collect(),
        };
        let problem = match config.problem_type.as_deref() {
            Some("regression") => Problem::Regression,
            Some("single_label_classification") => Problem::OneLabel,
            Some("multi_label_classification") => Problem::AnyLabel,
            Some(other) => return Err(format!("problem_type `{other}`")),
            None if labels.len() == 1 => Problem::Regression,
            None => Problem::OneLabel,
        };
        let linear = config.wanjuan_head.is_some();
        let pooling = match config.classifier_pooling.as_deref() {
            _ if linear => Pooling::Mean,
            None | Some("cls") => Pooling::First,
            Some("mean") => Pooling::Mean,
            Some(other) => return Err(format!("classifier_pooling `{other}`: cls and mean are read")),
        };
        let epsilon = if family == Family::Bert { 1e-12 } else { 1e-5 };
        Ok(Shape {
            family,
            vocabulary: config.vocab_size,
            hidden,
            layers: config.num_hidden_layers,
            heads,
            intermediate: config.intermediate_size,
            activation: config.hidden_act.unwrap_or(Activation::Gelu),
            epsilon: above_zero("layer_norm_eps", config.layer_norm_eps.unwrap_or(epsilon))?,
            tokens,
            kinds: config.type_vocab_size.unwrap_or(2),
            first_position,
            modern,
            pooling,
            linear,
            problem,
            labels,
            spread: above_zero("initializer_range", config.initializer_range.unwrap_or(0.02))?,
        })
    }
}
