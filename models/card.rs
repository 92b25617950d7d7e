//! Cards: what is known of a model, in a file of TOML that stands beside it.
//!
//! A card is called `NAME.card.toml` for the model file `NAME.ftz`, or `card.toml` where a folder holds one model. It
//! gives the sum of the model's bytes, so that another file under the same name is refused when it is loaded, and how
//! well the model does on texts that it was not trained on. After Mitchell et al., *Model Cards for Model Reporting*
//! (arXiv:1810.03993), in as many words as a run needs.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What is known of a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// What it is called in pipelines and by `wanjuan models`.
    pub name: String,
    /// What reads it: `fasttext`, `ngram`, `encoder`, `embedding`, `tokenizer`, `regression`.
    pub kind: String,
    /// The model's file, beside the card.
    pub file: String,
    /// Of the file, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Of the file.
    pub bytes: u64,
    /// Where the file may be fetched from, if it does not come along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What it decides, in a sentence.
    pub decides: String,
    /// By ISO 639-1 code where there is one; `*` for many.
    pub languages: Vec<String>,
    /// Labels of a classifier, names of the scores of others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Who made it, and where it was taken from.
    pub origin: String,
    /// By SPDX where there is a name.
    pub licence: String,
    /// How it was trained, in a sentence.
    pub trained: String,
    /// How well it does, in a sentence.
    pub measured: String,
    /// What it is known to get wrong.
    pub weakness: String,
    /// How a text is made ready before the model reads it.
    #[serde(default, skip_serializing_if = "Reads::is_empty")]
    pub reads: Reads,
    /// Settings of the training, by name.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    pub settings: toml::Table,
    /// Further files that the model needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<Part>,
    /// What it was trained on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<Data>,
    /// How well it does on texts that it was not trained on, by language; `*` for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_out: Vec<HeldOut>,
}

/// How a text is made ready before a model reads it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reads {
    /// How words are cut, by the names that pipelines use (`characters`, `chinese`); as they are where it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// In lower case.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lowercase: bool,
    /// The first characters alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_chars: Option<usize>,
    /// Of models of n-grams: in the form that is called so (`ccnet`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalize: Option<String>,
    /// Of models of n-grams: a file of SentencePiece beside the card, whose pieces are the words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pieces: Option<String>,
}

impl Reads {
    /// Whether texts are read as they are.
    pub fn is_empty(&self) -> bool {
        *self == Reads::default()
    }
}

/// A further file of a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Beside the card.
    pub file: String,
    /// Of the file, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Of the file.
    pub bytes: u64,
}

/// Texts that a model was trained on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// What it is called, or its file.
    pub name: String,
    /// Who made it, and how its labels came about.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub origin: String,
    /// By SPDX where there is a name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub licence: String,
    /// Texts trained on and held out.
    pub documents: u64,
    /// Of the file, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// How well a model does on the held-out texts of one language.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    /// By ISO 639-1 code where there is one; `*` for all.
    pub language: String,
    /// Texts it was measured on.
    pub documents: u64,
    /// `auc`, `f1`, `accuracy`, `perplexity`, …
    pub measures: BTreeMap<String, f64>,
}

/// Why a card, or the model it speaks of, cannot be used.
#[derive(Debug)]
pub enum Error {
    /// A file cannot be read or written.
    Io(PathBuf, io::Error),
    /// The card's text is no card.
    Format(PathBuf, String),
    /// The file is not the one that the card speaks of.
    Differs {
        /// The model's file.
        file: PathBuf,
        /// In what it differs.
        what: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Error::Format(path, what) => write!(f, "{}: not a model's card: {}", path.display(), what.trim_end()),
            Error::Differs { file, what } => {
                write!(f, "{}: not the file that its card speaks of: {what}", file.display())
            }
        }
    }
}

impl std::error::Error for Error {}

impl Card {
    /// Reads a card from its text.
    pub fn parse(text: &str) -> Result<Card, String> {
        let card: Card = toml::from_str(text).map_err(|error| error.to_string())?;
        let sums = card.more.iter().map(|part| &part.sha256).chain([&card.sha256]);
        for sum in sums {
            if sum.len() != 64 || !sum.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(format!("`{sum}` is no sha256 of 64 lower-case hexadecimal digits"));
            }
        }
        for file in card.more.iter().map(|part| &part.file).chain([&card.file]) {
            if Path::new(file).file_name() != Some(file.as_ref()) {
                return Err(format!("`{file}` is no name of a file beside the card"));
            }
        }
        Ok(card)
    }

    /// Reads a card's file.
    pub fn read(path: &Path) -> Result<Card, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::Io(path.to_owned(), error))?;
        Card::parse(&text).map_err(|what| Error::Format(path.to_owned(), what))
    }

    /// Where the card of a model lies: `NAME.card.toml` beside `NAME.ftz`, or `card.toml` beside it, if that one speaks
    /// of this file.
    pub fn find(model: &Path) -> Result<Option<(PathBuf, Card)>, Error> {
        let own = model.with_extension("card.toml");
        if own.is_file() {
            let card = Card::read(&own)?;
            return Ok(Some((own, card)));
        }
        let folder = model.with_file_name("card.toml");
        if !folder.is_file() {
            return Ok(None);
        }
        let card = Card::read(&folder)?;
        Ok((model.file_name() == Some(card.file.as_ref())).then_some((folder, card)))
    }

    /// The card that [`find`](Card::find) finds.
    pub fn beside(model: &Path) -> Result<Option<Card>, Error> {
        Ok(Card::find(model)?.map(|(_, card)| card))
    }

    /// The card's text.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a card is a table of TOML")
    }

    /// Whether these are the bytes of a file of the model that is called so, its own or one of `more`.
    pub fn verify_named(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        match self.more.iter().find(|part| part.file == name) {
            Some(part) => differs(Path::new(name), (part.bytes, &part.sha256), (bytes.len() as u64, &sha256(bytes))),
            None => self.verify_bytes(bytes),
        }
    }

    /// Whether these are the bytes of the model's file.
    pub fn verify_bytes(&self, bytes: &[u8]) -> Result<(), Error> {
        differs(Path::new(&self.file), (self.bytes, &self.sha256), (bytes.len() as u64, &sha256(bytes)))
    }

    /// Whether all files of the model, in this folder, are those that the card speaks of.
    pub fn verify(&self, folder: &Path) -> Result<(), Error> {
        let parts = self.more.iter().map(|part| (&part.file, part.bytes, &part.sha256));
        for (file, bytes, sum) in [(&self.file, self.bytes, &self.sha256)].into_iter().chain(parts) {
            let path = folder.join(file);
            let found = sha256_of_file(&path).map_err(|error| Error::Io(path.clone(), error))?;
            differs(&path, (bytes, sum), (found.0, &found.1))?;
        }
        Ok(())
    }
}

fn differs(file: &Path, said: (u64, &str), found: (u64, &str)) -> Result<(), Error> {
    let what = if found.0 != said.0 {
        format!("it has {} bytes, the card says {}", found.0, said.0)
    } else if found.1 != said.1 {
        format!("its sha256 is {}, the card says {}", found.1, said.1)
    } else {
        return Ok(());
    };
    Err(Error::Differs { file: file.to_owned(), what })
}

/// SHA-256 in lower-case hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes).as_slice())
}

/// Length and SHA-256 of a file.
pub fn sha256_of_file(path: &Path) -> io::Result<(u64, String)> {
    let mut file = std::fs::File::open(path)?;
    let (mut sum, mut length, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((length, hex(sum.finalize().as_slice()))),
            read => {
                sum.update(&buffer[..read]);
                length += read as u64;
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> Card {
        Card {
            name: "toxic-zh".into(),
            kind: "fasttext".into(),
            file: "toxic-zh.ftz".into(),
            sha256: sha256(b"abc"),
            bytes: 3,
            languages: vec!["zh".into()],
            reads: Reads { words: Some("characters".into()), ..Reads::default() },
            held_out: vec![HeldOut {
                language: "zh".into(),
                documents: 500,
                measures: BTreeMap::from([("auc".to_owned(), 0.95)]),
            }],
            ..Card::default()
        }
    }

    #[test]
    fn sums_are_those_of_the_standard() {
        // FIPS 180-4's example.
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_card_is_read_as_it_was_written() {
        assert_eq!(Card::parse(&card().to_toml()).unwrap(), card());
    }

    #[test]
    fn the_cards_that_come_along_are_cards_of_their_files() {
        for (folder, name) in
            [("fasttext", "lid.176"), ("tokenizer", "wanjuan-12k"), ("embedding/wanjuan-e5-96", "wanjuan-e5-96")]
        {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            let card = Card::read(&folder.join("card.toml")).unwrap();
            assert_eq!(card.name, name);
            card.verify(&folder).unwrap();
        }
    }

    #[test]
    fn other_bytes_are_refused_with_what_differs() {
        assert!(card().verify_bytes(b"abc").is_ok());
        assert!(card().verify_bytes(b"abcd").unwrap_err().to_string().ends_with("it has 4 bytes, the card says 3"));
        assert!(card().verify_bytes(b"abd").unwrap_err().to_string().contains("its sha256 is a52d159f"));
    }

    #[test]
    fn what_is_no_card_is_refused() {
        let wrong = |card: Card| Card::parse(&card.to_toml()).unwrap_err();
        assert!(wrong(Card { sha256: "BA78".into(), ..card() }).contains("64 lower-case"));
        assert!(wrong(Card { file: "../toxic.ftz".into(), ..card() }).contains("beside the card"));
        assert!(Card::parse(&format!("colour = 1\n{}", card().to_toml())).unwrap_err().contains("colour"));
    }

    #[test]
    fn a_card_is_found_beside_its_model() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fasttext");
        assert_eq!(Card::beside(&folder.join("lid.176.ftz")).unwrap().unwrap().name, "lid.176");
        assert_eq!(Card::beside(&folder.join("golden/quality-zh.hs.bin")).unwrap(), None);
        assert_eq!(Card::beside(&folder.join("other.bin")).unwrap(), None);
    }
}
