//! SentencePiece's unigram models: the `.model` files that language models such as CCNet's were trained with.
//!
//! Text is normalised and cut as Kudo and Richardson, "SentencePiece" (arXiv:1808.06226), and its code have it: by the
//! character map of the file (the longest match), white space made one and written `▁`; then the pieces whose scores have
//! the greatest sum (Kudo 2018, arXiv:1804.10959, sec. 3.2), in single precision, of equals the one found first. Unknown
//! characters that follow one another are one piece.

mod charsmap;
mod file;
#[cfg(test)]
mod tests;

use charsmap::Charsmap;
use file::Kind;

/// What stands for white space.
const SPACE: char = '▁';
/// How much worse than the worst piece an unknown character is.
const UNKNOWN_PENALTY: f32 = 10.0;
const NONE: u32 = u32::MAX;

/// A unigram model.
pub struct SentencePiece {
    charsmap: Option<Charsmap>,
    begins_with_space: bool,
    one_space: bool,
    /// By node and byte, at the first free place from where a hash says: the next node, or [`NONE`].
    steps: Vec<(u64, u32)>,
    /// By node: the score of the piece that ends there; NaN where none does.
    scores: Vec<f32>,
    unknown_score: f32,
}

/// The best way to a place in a text.
#[derive(Clone, Copy)]
struct Best {
    score: f32,
    from: u32,
    unknown: bool,
}

/// What is used again from text to text.
#[derive(Default)]
pub struct Room {
    normal: String,
    best: Vec<Best>,
    cuts: Vec<usize>,
}

impl SentencePiece {
    /// Reads a file.
    pub fn from_bytes(bytes: &[u8]) -> Result<SentencePiece, String> {
        let file = file::read(bytes)?;
        if file.model_type != 1 {
            return Err("its pieces are no unigram model: those alone can be read".to_owned());
        }
        if !file.escapes || file.spaces_behind {
            return Err("it writes white space otherwise than by a mark before words".to_owned());
        }
        let charsmap = if file.charsmap.is_empty() { None } else { Some(Charsmap::new(file.charsmap)?) };
        let pieces = || file.pieces.iter();
        if pieces().any(|piece| matches!(piece.kind, Kind::Byte | Kind::UserDefined)) {
            return Err("it has pieces of single bytes or such that users defined, which are not read here".to_owned());
        }
        if pieces().filter(|piece| piece.kind == Kind::Unknown).count() != 1 {
            return Err("it has no piece for what is unknown, or several".to_owned());
        }
        if pieces().any(|piece| !piece.score.is_finite()) {
            return Err("the score of a piece is no number".to_owned());
        }
        let bytes: usize = pieces().map(|piece| piece.text.len()).sum();
        let mut model = SentencePiece {
            charsmap,
            begins_with_space: file.begins_with_space,
            one_space: file.one_space,
            steps: vec![(0, NONE); (bytes.max(8) * 2).next_power_of_two()],
            scores: vec![f32::NAN],
            unknown_score: 0.0,
        };
        let mut least = f32::INFINITY;
        for piece in pieces().filter(|piece| piece.kind == Kind::Normal) {
            if piece.text.is_empty() {
                return Err("a piece is empty".to_owned());
            }
            least = least.min(piece.score);
            model.insert(piece.text.as_bytes(), piece.score)?;
        }
        if !least.is_finite() {
            return Err("it has no piece".to_owned());
        }
        model.unknown_score = least - UNKNOWN_PENALTY;
        Ok(model)
    }

    fn place(&self, node: u32, byte: u8) -> (usize, u64) {
        let key = u64::from(node) << 8 | u64::from(byte);
        let mask = self.steps.len() - 1;
        let mut at = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        while self.steps[at].1 != NONE && self.steps[at].0 != key {
            at = (at + 1) & mask;
        }
        (at, key)
    }

    fn insert(&mut self, piece: &[u8], score: f32) -> Result<(), String> {
        let mut node = 0;
        for &byte in piece {
            let (at, key) = self.place(node, byte);
            if self.steps[at].1 == NONE {
                self.steps[at] = (key, self.scores.len() as u32);
                self.scores.push(f32::NAN);
            }
            node = self.steps[at].1;
        }
        if !self.scores[node as usize].is_nan() {
            return Err(format!("the piece `{}` stands twice", String::from_utf8_lossy(piece)));
        }
        self.scores[node as usize] = score;
        Ok(())
    }

    /// The text as pieces are cut from it.
    fn normalise(&self, text: &str, out: &mut String) {
        out.clear();
        let mut rest = text;
        let next = |rest: &mut &str| -> Option<String> {
            // Runs of what maps to nothing are passed over by the caller.
            let first = rest.chars().next()?;
            let (length, to) = match self.charsmap.as_ref().and_then(|map| map.longest(rest.as_bytes())) {
                Some((length, to)) => (length, to.to_owned()),
                None => (first.len_utf8(), first.to_string()),
            };
            *rest = &rest[length..];
            Some(to)
        };
        let mut after_space = self.one_space;
        let mut begun = false;
        while let Some(to) = next(&mut rest) {
            let mut to = to.as_str();
            if after_space {
                to = to.trim_start_matches(' ');
            }
            if !begun && self.one_space && to.is_empty() {
                continue;
            }
            if !begun && self.begins_with_space {
                out.push(SPACE);
            }
            begun = true;
            if !to.is_empty() {
                out.extend(to.chars().map(|c| if c == ' ' { SPACE } else { c }));
                after_space = to.ends_with(' ');
            }
            after_space &= self.one_space;
        }
        if self.one_space {
            let end = out.trim_end_matches(SPACE).len();
            out.truncate(end);
        }
    }

    /// Shows the pieces of a text in their order.
    pub fn pieces(&self, text: &str, room: &mut Room, mut see: impl FnMut(&str)) {
        let Room { normal, best, cuts } = room;
        self.normalise(text, normal);
        let bytes = normal.as_bytes();
        best.clear();
        best.resize(bytes.len() + 1, Best { score: 0.0, from: NONE, unknown: false });
        let mut start = 0;
        while let Some(c) = normal[start..].chars().next() {
            let (here, width) = (best[start].score, c.len_utf8());
            let mut offer = |end: usize, score: f32, unknown: bool| {
                let at = &mut best[end];
                if at.from == NONE || score > at.score {
                    *at = Best { score, from: start as u32, unknown };
                }
            };
            let (mut node, mut single) = (0, false);
            for (end, &byte) in (start + 1..).zip(&bytes[start..]) {
                node = self.steps[self.place(node, byte).0].1;
                if node == NONE {
                    break;
                }
                let score = self.scores[node as usize];
                if !score.is_nan() {
                    offer(end, score + here, false);
                    single |= end == start + width;
                }
            }
            if !single {
                offer(start + width, self.unknown_score + here, true);
            }
            start += width;
        }
        cuts.clear();
        let mut end = bytes.len();
        while end > 0 {
            let way = best[end];
            // Of unknown ones that follow one another the first begins the piece.
            let follows = way.unknown && best[way.from as usize].unknown && way.from > 0;
            if !follows {
                cuts.push(way.from as usize);
            }
            end = way.from as usize;
        }
        let mut from = None;
        for &cut in cuts.iter().rev() {
            if let Some(from) = from.replace(cut) {
                see(&normal[from..cut]);
            }
        }
        if let Some(from) = from {
            see(&normal[from..]);
        }
        normal.shrink_to(1 << 20);
        best.shrink_to(1 << 20);
    }
}
