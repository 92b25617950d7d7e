//! SentencePiece's models of pieces: the `.model` files that language models such as CCNet's were trained with.
//!
//! Text is normalised and cut as Kudo and Richardson, "SentencePiece" (arXiv:1808.06226), and its code have it: by the
//! character map of the file (the longest match; what users defined is left as it is), white space made one and written
//! `▁`. Then pieces come of one of two kinds of model:
//!
//! - **unigram** (`unigram.rs`): those whose scores have the greatest sum, as all of CCNet's do (its `Makefile` trains with
//!   `--model_type=unigram`);
//! - **byte pairs** (`pairs.rs`): what is left of characters when the best pair has become one, again and again.
//!
//! Unknown characters that follow one another are one piece, or each of their bytes is one (`byte_fallback`), as `<0xE6>`.

mod charsmap;
mod file;
mod pairs;
#[cfg(test)]
mod tests;
mod trie;
mod unigram;

use charsmap::Charsmap;
use file::{Kind, Piece};
use trie::Trie;

/// What stands for white space.
const SPACE: char = '▁';

/// A model of pieces.
pub struct SentencePiece {
    charsmap: Option<Charsmap>,
    begins_with_space: bool,
    one_space: bool,
    spaces_behind: bool,
    byte_fallback: bool,
    /// Pieces by their bytes.
    pieces: Trie,
    /// Whether users defined any.
    has_defined: bool,
    kind: Cuts,
}

/// How pieces are found.
enum Cuts {
    Unigram(unigram::Scores),
    Pairs,
}

/// What is used again from text to text.
#[derive(Default)]
pub struct Room {
    normal: String,
    unigram: unigram::Room,
    pairs: pairs::Room,
    /// Where each piece ends, and whether it is unknown.
    ends: Vec<(usize, bool)>,
}

impl SentencePiece {
    /// Reads a file.
    pub fn from_bytes(bytes: &[u8]) -> Result<SentencePiece, String> {
        let file = file::read(bytes)?;
        if !matches!(file.model_type, 1 | 2) {
            return Err(
                "its pieces are words or characters: models of unigrams and of byte pairs can be read".to_owned()
            );
        }
        if !file.escapes {
            return Err("it leaves white space as it is, so that pieces are no words".to_owned());
        }
        let charsmap = if file.charsmap.is_empty() { None } else { Some(Charsmap::new(file.charsmap)?) };
        let pieces = || file.pieces.iter();
        check_bytes(&file)?;
        if pieces().filter(|piece| piece.kind == Kind::Unknown).count() != 1 {
            return Err("it has no piece for what is unknown, or several".to_owned());
        }
        if pieces().any(|piece| !piece.score.is_finite()) {
            return Err("the score of a piece is no number".to_owned());
        }
        if file.model_type == 2 && pieces().any(|piece| piece.kind == Kind::Unused) {
            return Err("it is of byte pairs and has pieces out of use, which are made and come apart again".to_owned());
        }
        let has_defined = pieces().any(|piece| piece.kind == Kind::UserDefined);
        if file.model_type == 1 && has_defined && pieces().any(|piece| piece.kind == Kind::Normal && piece.score > 0.0)
        {
            return Err(
                "a score is above 0, and users defined pieces: which of them count for more is not known".to_owned()
            );
        }
        let cut = |piece: &&Piece| matches!(piece.kind, Kind::Normal | Kind::UserDefined | Kind::Unused);
        let mut trie = Trie::new(pieces().filter(cut).map(|piece| piece.text.len()).sum());
        for piece in pieces().filter(cut) {
            if piece.text.is_empty() {
                return Err("a piece is empty".to_owned());
            }
            trie.insert(piece)?;
        }
        let normal = || pieces().filter(|piece| piece.kind == Kind::Normal).map(|piece| piece.score);
        if normal().next().is_none() {
            return Err("it has no piece".to_owned());
        }
        Ok(SentencePiece {
            charsmap,
            begins_with_space: file.begins_with_space,
            one_space: file.one_space,
            spaces_behind: file.spaces_behind,
            byte_fallback: file.byte_fallback,
            pieces: trie,
            has_defined,
            kind: if file.model_type == 1 { Cuts::Unigram(unigram::Scores::new(normal())) } else { Cuts::Pairs },
        })
    }

    /// What is written for the beginning of a text: how long it is, and what stands for it.
    fn normal_prefix<'a>(&'a self, text: &'a str) -> (usize, &'a str) {
        if self.has_defined
            && let Some(length) = self.pieces.longest_defined(text.as_bytes())
        {
            return (length, &text[..length]);
        }
        if let Some(found) = self.charsmap.as_ref().and_then(|map| map.longest(text.as_bytes())) {
            return found;
        }
        let length = text.chars().next().map_or(0, char::len_utf8);
        (length, &text[..length])
    }

    /// The text as pieces are cut from it.
    fn normalise(&self, text: &str, out: &mut String) {
        out.clear();
        let mut rest = text;
        while self.one_space && !rest.is_empty() {
            let (length, to) = self.normal_prefix(rest);
            if to != " " {
                break;
            }
            rest = &rest[length..];
        }
        if rest.is_empty() {
            return;
        }
        if self.begins_with_space && !self.spaces_behind {
            out.push(SPACE);
        }
        let mut after_space = self.one_space;
        while !rest.is_empty() {
            let (length, mut to) = self.normal_prefix(rest);
            if after_space {
                to = to.trim_start_matches(' ');
            }
            if !to.is_empty() {
                out.extend(to.chars().map(|c| if c == ' ' { SPACE } else { c }));
                after_space = to.ends_with(' ') && self.one_space;
            }
            rest = &rest[length..];
        }
        if self.one_space {
            out.truncate(out.trim_end_matches(SPACE).len());
        }
        if self.begins_with_space && self.spaces_behind {
            out.push(SPACE);
        }
    }

    /// Shows the pieces of a text in their order.
    pub fn pieces(&self, text: &str, room: &mut Room, mut see: impl FnMut(&str)) {
        let Room { normal, unigram, pairs, ends } = room;
        self.normalise(text, normal);
        ends.clear();
        match &self.kind {
            Cuts::Unigram(scores) => scores.cut(&self.pieces, normal, unigram, ends),
            Cuts::Pairs => pairs.cut(&self.pieces, normal, ends),
        }
        let mut start = 0;
        for (at, &(end, unknown)) in ends.iter().enumerate() {
            if unknown && self.byte_fallback {
                normal.as_bytes()[start..end].iter().for_each(|byte| see(&format!("<0x{byte:02X}>")));
            } else if unknown && ends.get(at + 1).is_some_and(|next| next.1) {
                // Of unknown ones that follow one another the first begins the piece.
                continue;
            } else {
                see(&normal[start..end]);
            }
            start = end;
        }
        normal.shrink_to(1 << 20);
        ends.shrink_to(1 << 20);
    }
}

/// Pieces of single bytes are there where they are wanted, all of them, and else none.
fn check_bytes(file: &file::File) -> Result<(), String> {
    let mut found = [false; 256];
    for piece in file.pieces.iter().filter(|piece| piece.kind == Kind::Byte) {
        let number = piece.text.strip_prefix("<0x").and_then(|text| text.strip_suffix('>'));
        let byte = number.and_then(|number| u8::from_str_radix(number, 16).ok());
        let byte = byte.filter(|byte| piece.text == format!("<0x{byte:02X}>"));
        found[usize::from(byte.ok_or_else(|| format!("the piece of a byte is called `{}`", piece.text))?)] = true;
    }
    match (file.byte_fallback, found.iter().filter(|found| **found).count()) {
        (true, 256) | (false, 0) => Ok(()),
        (true, count) => Err(format!("it falls back to bytes and has pieces for {count} of 256")),
        (false, _) => Err("it has pieces of single bytes and does not fall back to them".to_owned()),
    }
}
