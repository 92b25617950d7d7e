//! Writes token shards that trainers load: Megatron-Core's `.bin`/`.idx`, or InternEvo's `.bin`/`.bin.meta`.
//!
//! Every document becomes its tokens and, behind them, the end-of-document token. Megatron shards hold
//! 16-bit tokens where the vocabulary allows, else 32-bit ones, as its own tool decides. InternEvo
//! shards are lines of JSON with an index of 64-bit offsets, and stay below 2 GiB, because its reader
//! was written for that.
//!
//! | setting        | default       | source                                                       |
//! |----------------|---------------|--------------------------------------------------------------|
//! | `tokenizer`    | `wanjuan-12k` | a `tokenizer.json`, or the small one that comes along        |
//! | `format`       | `megatron`    | `internevo` is the other                                     |
//! | `eod`          | found         | text of the end-of-document token; found if there is one special token, or one of the usual names |
//! | `shard_tokens` | 100000000     | ours: tokens in a shard                                      |

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{Document, Setup, Step, Wrong, tokenizer};
use wanjuan_models::tokenizer::{BUILT_IN, Tokenizer};

use super::{Block, Kind, Row, Sealed, ShardFile, Sink};

/// Settings of [`Tokens`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// A `tokenizer.json`, or the name of the one that comes along.
    pub tokenizer: String,
    /// Whose files are written.
    pub format: Format,
    /// Text of the token behind every document.
    pub eod: Option<String>,
    /// Tokens in a shard.
    pub shard_tokens: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { tokenizer: BUILT_IN.into(), format: Format::Megatron, eod: None, shard_tokens: 100_000_000 }
    }
}

/// Whose files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Megatron-Core's `IndexedDataset`.
    Megatron,
    /// InternEvo's `JsonlDataset`.
    Internevo,
}

/// See the words at the top of this file.
pub struct Tokens {
    config: Config,
    tokenizer: Arc<Tokenizer>,
    eod: u32,
}

/// Names that end-of-document tokens go by, the surest first.
const USUAL_EOD: [&str; 7] =
    ["<|endoftext|>", "<|end_of_text|>", "<|end▁of▁sentence|>", "</s>", "<eod>", "<eos>", "<|im_end|>"];

/// InternEvo's shards stay below this, in bytes.
const INTERNEVO_BYTES: u64 = (2 << 30) - (64 << 20);

impl Step for Tokens {
    const NAME: &'static str = "tokens";
    const VERSION: u32 = 2;
    const WORDS: &'static str = include_str!("tokens.rs");
    type Config = Config;
    type Kind = Kind;

    fn new(config: Config, setup: &mut Setup) -> Result<Self, Wrong> {
        let tokenizer = tokenizer(&config.tokenizer, setup)?;
        if config.shard_tokens == 0 {
            return Err(Wrong::setting("shard_tokens", "a shard holds at least one token"));
        }
        let specials = tokenizer.specials();
        let offered = || {
            let names: Vec<&str> = specials.iter().map(|(_, name)| name.as_str()).take(12).collect();
            if names.is_empty() {
                "it has no special tokens; any token of the vocabulary will do".to_owned()
            } else {
                format!("it offers {}", names.join(", "))
            }
        };
        let eod = match &config.eod {
            Some(name) => {
                let id = tokenizer.id(name);
                id.ok_or_else(|| Wrong::setting("eod", format!("the tokenizer has no token `{name}`")).help(offered()))?
            }
            None => {
                let usual = USUAL_EOD.iter().find_map(|name| tokenizer.id(name));
                let only = (specials.len() == 1).then(|| specials[0].0);
                only.or(usual).ok_or_else(|| {
                    Wrong::setting("tokenizer", "it is not clear which token ends a document")
                        .help(format!("set `eod`; {}", offered()))
                })?
            }
        };
        Ok(Tokens { config, tokenizer: Arc::new(tokenizer), eod })
    }
}

/// Megatron's number for the type of a token, and its size in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    /// `uint16`.
    Two,
    /// `int32`.
    Four,
}

impl Width {
    /// As Megatron's `DType.optimal_dtype`.
    fn of(vocabulary: usize) -> Width {
        if vocabulary < 65_500 { Width::Two } else { Width::Four }
    }

    fn code(self) -> u8 {
        match self {
            Width::Two => 8,
            Width::Four => 4,
        }
    }

    fn bytes(self) -> u64 {
        match self {
            Width::Two => 2,
            Width::Four => 4,
        }
    }
}

impl Sink for Tokens {
    fn row(&self, document: &Document, out: &mut Vec<u8>) -> Result<Row, &'static str> {
        let mut ids = Vec::with_capacity(document.text().len() / 3 + 1);
        self.tokenizer.encode(document.text(), &mut ids).map_err(|_| "cannot_be_tokenized")?;
        ids.push(self.eod);
        let tokens = ids.len() as u64;
        match (self.config.format, Width::of(self.tokenizer.vocabulary())) {
            (Format::Megatron, Width::Two) => out.extend(ids.iter().flat_map(|id| (*id as u16).to_le_bytes())),
            (Format::Megatron, Width::Four) => out.extend(ids.iter().flat_map(|id| id.to_le_bytes())),
            (Format::Internevo, _) => {
                let start = out.len();
                out.extend_from_slice(b"{\"tokens\":");
                sonic_rs::to_writer(&mut *out, &ids).expect("numbers, written to memory");
                out.extend_from_slice(b"}\n");
                // The share of a shard's bytes that the line takes, counted in its tokens.
                let share = ((out.len() - start) as u64).saturating_mul(self.config.shard_tokens) / INTERNEVO_BYTES;
                return Ok(Row { weight: tokens.max(share), tokens });
            }
        }
        Ok(Row { weight: tokens, tokens })
    }

    fn block_bytes(&self) -> usize {
        4 << 20
    }

    fn shard_weight(&self) -> u64 {
        self.config.shard_tokens
    }

    /// Tokens are stored as they are; the index holds the length of each document, in bytes.
    fn seal(&self, block: Block) -> io::Result<Sealed> {
        let mut index = Vec::with_capacity(8 * block.ends.len());
        let mut start = 0;
        for end in &block.ends {
            index.extend_from_slice(&((end - start) as u64).to_le_bytes());
            start = *end;
        }
        if self.config.format == Format::Internevo {
            let counts = block.rows().map(|row| 1 + memchr::memchr_iter(b',', row).count() as u64);
            index.extend(counts.collect::<Vec<_>>().into_iter().flat_map(u64::to_le_bytes));
        }
        Ok(Sealed { data: block.bytes, index })
    }

    fn publish(
        &self,
        folder: &Path,
        number: usize,
        blocks: &mut dyn Iterator<Item = io::Result<Sealed>>,
    ) -> io::Result<Vec<ShardFile>> {
        let stem = format!("part-{number:05}");
        let mut data = ShardFile::create(folder, &format!("{stem}.bin"))?;
        // Sixteen bytes a document: a shard of a hundred million tokens has a few megabytes of these.
        let (mut lengths, mut counts) = (Vec::new(), Vec::new());
        for block in blocks {
            let Sealed { data: bytes, index } = block?;
            data.write_all(&bytes)?;
            let words: Vec<u64> =
                index.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes"))).collect();
            match self.config.format {
                Format::Megatron => lengths.extend(words),
                Format::Internevo => {
                    let (first, second) = words.split_at(words.len() / 2);
                    lengths.extend_from_slice(first);
                    counts.extend_from_slice(second);
                }
            }
        }
        let (index_name, index) = match self.config.format {
            Format::Megatron => {
                (format!("{stem}.idx"), megatron_index(&lengths, Width::of(self.tokenizer.vocabulary()))?)
            }
            Format::Internevo => (format!("{stem}.bin.meta"), internevo_index(&lengths, &counts)),
        };
        let mut file = ShardFile::create(folder, &index_name)?;
        file.write_all(&index)?;
        Ok(vec![data, file])
    }
}

/// Megatron-Core's `.idx`: one sequence a document, in the order of `megatron/core/datasets/indexed_dataset.py`.
fn megatron_index(lengths: &[u64], width: Width) -> io::Result<Vec<u8>> {
    let mut index = b"MMIDIDX\0\0".to_vec();
    index.extend_from_slice(&1_u64.to_le_bytes()); // version
    index.push(width.code());
    index.extend_from_slice(&(lengths.len() as u64).to_le_bytes()); // sequences
    index.extend_from_slice(&(lengths.len() as u64 + 1).to_le_bytes()); // borders of documents
    for length in lengths {
        let tokens =
            i32::try_from(length / width.bytes()).map_err(|_| io::Error::other("a document of over 2^31 tokens"))?;
        index.extend_from_slice(&tokens.to_le_bytes());
    }
    let mut pointer = 0_u64;
    for length in lengths {
        index.extend_from_slice(&pointer.to_le_bytes());
        pointer += length;
    }
    for border in 0..=lengths.len() as u64 {
        index.extend_from_slice(&border.to_le_bytes());
    }
    Ok(index)
}

/// InternEvo's `.bin.meta`: a NumPy array of (offset of the line, tokens), 64-bit so that offsets
/// cannot overflow.
fn internevo_index(lengths: &[u64], counts: &[u64]) -> Vec<u8> {
    let mut header = format!("{{'descr': '<i8', 'fortran_order': False, 'shape': ({}, 2), }}", lengths.len());
    // Magic, version and length take ten bytes; the array begins at a multiple of 64.
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header.push_str(&" ".repeat(padded - header.len() - 1));
    header.push('\n');
    let mut index = b"\x93NUMPY\x01\x00".to_vec();
    index.extend_from_slice(&(header.len() as u16).to_le_bytes());
    index.extend_from_slice(header.as_bytes());
    let mut offset = 0_u64;
    for (length, count) in lengths.iter().zip(counts) {
        index.extend_from_slice(&offset.to_le_bytes());
        index.extend_from_slice(&count.to_le_bytes());
        offset += length;
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(config: Config) -> Tokens {
        Tokens::new(config, &mut Setup::default()).unwrap_or_else(|wrong| panic!("{wrong:?}"))
    }

    const TEXTS: [&str; 4] = ["Hello, world!", "", "你好，世界。", "fn main() {}"];

    /// Writes one shard of two blocks and returns its two files' bytes.
    fn written(sink: &Tokens) -> (Vec<u8>, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let block = |texts: &[&str]| {
            let mut block = Block::default();
            for text in texts {
                let row = sink.row(&Document::new("", *text), &mut block.bytes).unwrap();
                assert!(row.tokens >= 1 && row.weight >= row.tokens);
                block.ends.push(block.bytes.len());
            }
            sink.seal(block)
        };
        let mut files =
            sink.publish(folder.path(), 0, &mut [block(&TEXTS[..3]), block(&TEXTS[3..])].into_iter()).unwrap();
        let mut read = || {
            let file = files.remove(0);
            let path = folder.path().join(file.name());
            file.finish().unwrap();
            std::fs::read(path).unwrap()
        };
        (read(), read())
    }

    fn plain_ids(sink: &Tokens) -> Vec<Vec<u32>> {
        let encode = |text: &&str| {
            let mut ids = Vec::new();
            sink.tokenizer.encode(text, &mut ids).unwrap();
            ids.push(sink.eod);
            ids
        };
        TEXTS.iter().map(encode).collect()
    }

    #[test]
    fn a_plain_reader_finds_every_document_in_a_megatron_shard() {
        let sink = sink(Config::default());
        let (data, index) = written(&sink);
        let word = |at: usize| u64::from_le_bytes(index[at..at + 8].try_into().unwrap());
        assert_eq!((&index[..9], word(9), index[17], word(18), word(26)), (&b"MMIDIDX\0\0"[..], 1, 8, 4, 5));
        for (number, ids) in plain_ids(&sink).iter().enumerate() {
            let at = 34 + 4 * number;
            let length = i32::from_le_bytes(index[at..at + 4].try_into().unwrap()) as usize;
            let pointer = word(34 + 16 + 8 * number) as usize;
            let tokens: Vec<u32> = data[pointer..pointer + 2 * length]
                .chunks_exact(2)
                .map(|two| u32::from(u16::from_le_bytes(two.try_into().unwrap())))
                .collect();
            assert_eq!(&tokens, ids);
            assert_eq!(word(34 + 16 + 32 + 8 * number), number as u64);
        }
        assert_eq!(index.len(), 34 + 4 * 4 + 4 * 8 + 5 * 8);
    }

    #[test]
    fn a_plain_reader_finds_every_document_in_an_internevo_shard() {
        let sink = sink(Config { format: Format::Internevo, ..Config::default() });
        let (data, index) = written(&sink);
        let header = u16::from_le_bytes(index[8..10].try_into().unwrap()) as usize;
        assert_eq!((10 + header) % 64, 0);
        assert!(std::str::from_utf8(&index[10..10 + header]).unwrap().contains("'shape': (4, 2)"));
        let rows: Vec<i64> =
            index[10 + header..].chunks_exact(8).map(|word| i64::from_le_bytes(word.try_into().unwrap())).collect();
        for (row, ids) in rows.chunks_exact(2).zip(plain_ids(&sink)) {
            let line = data[row[0] as usize..].split(|&byte| byte == b'\n').next().unwrap();
            let parsed: serde_json::Value = serde_json::from_slice(line).unwrap();
            let tokens: Vec<u32> =
                parsed["tokens"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect();
            assert_eq!((tokens.len() as i64, tokens), (row[1], ids));
        }
    }

    #[test]
    fn widths_follow_the_vocabulary() {
        assert_eq!((Width::of(65_499), Width::of(65_500)), (Width::Two, Width::Four));
    }

    #[test]
    fn an_unknown_end_of_document_is_a_mistake_that_says_what_there_is() {
        let wrong = Tokens::new(Config { eod: Some("<nope>".into()), ..Config::default() }, &mut Setup::default())
            .err()
            .unwrap();
        assert_eq!((wrong.setting, wrong.help.as_deref()), (Some("eod"), Some("it offers <|endoftext|>")));
    }
}
