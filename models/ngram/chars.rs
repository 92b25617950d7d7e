//! Text as models of characters read it.

use super::{Model, State, UNKNOWN};

/// What a character counts as: its lower case where that is one character, `0` for every digit of ASCII and its wide
/// forms, `▁` for white space, as in SentencePiece.
pub fn plain(c: char) -> char {
    match c {
        'a'..='z' => c,
        'A'..='Z' => c.to_ascii_lowercase(),
        '0'..='9' | '０'..='９' => '0',
        _ if c.is_whitespace() => '▁',
        _ => {
            let mut lower = c.to_lowercase();
            match (lower.next(), lower.next()) {
                (Some(one), None) => one,
                _ => c,
            }
        }
    }
}

/// The characters of a line as they count; each run of white space is one, and there is none at the ends.
pub fn characters(line: &str) -> impl Iterator<Item = char> + Clone {
    let mut after_space = false;
    line.trim().chars().filter_map(move |c| {
        let c = plain(c);
        let again = c == '▁' && after_space;
        after_space = c == '▁';
        (!again).then_some(c)
    })
}

/// The bytes of characters, for [`Trainer::push`](super::train::Trainer::push).
pub fn with_words<R>(line: &str, see: impl FnOnce(&mut dyn Iterator<Item = &[u8]>) -> R) -> R {
    let mut bytes = String::with_capacity(line.len());
    let mut ends = vec![0];
    for c in characters(line) {
        bytes.push(c);
        ends.push(bytes.len());
    }
    see(&mut ends.windows(2).map(|two| &bytes.as_bytes()[two[0]..two[1]]))
}

/// Characters whose numbers stand in a table: all that common texts have.
const TABLED: usize = 0x1_0000;

/// A model of characters, with the numbers of characters at hand.
pub struct Chars {
    model: Model,
    ids: Vec<u32>,
}

impl Chars {
    /// Takes a model whose words are characters, as [`plain`] has them.
    pub fn new(model: Model) -> Chars {
        let id = |code: u32| char::from_u32(code).map_or(UNKNOWN, |c| word(&model, plain(c)));
        let ids = (0..TABLED as u32).map(id).collect();
        Chars { model, ids }
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Scores a line as a sentence of characters.
    pub fn score(&self, line: &str) -> super::Score {
        let mut score = super::Score::default();
        let (mut state, mut next) = (self.model.sentence(), State::default());
        let space = self.ids[usize::from(b' ')];
        let mut after_space = false;
        for c in line.trim().chars() {
            if c.is_whitespace() {
                if std::mem::replace(&mut after_space, true) {
                    continue;
                }
            } else {
                after_space = false;
            }
            let id = if after_space {
                space
            } else {
                self.ids.get(c as usize).copied().unwrap_or_else(|| word(&self.model, plain(c)))
            };
            score.unknown += u64::from(id == UNKNOWN);
            score.words += 1;
            score.log10 += f64::from(self.model.step(&state, id, &mut next));
            std::mem::swap(&mut state, &mut next);
        }
        score.log10 += f64::from(self.model.step(&state, self.model.end(), &mut next));
        score.words += 1;
        score
    }
}

fn word(model: &Model, c: char) -> u32 {
    model.word(c.encode_utf8(&mut [0; 4]).as_bytes())
}
