//! How texts become what a model reads, and how that is put together into batches.

use std::ops::Range;
use std::path::Path;

use super::shape::Shape;
use crate::tokenizer::Tokenizer;

/// The tokenizer of a model, with the tokens that it puts before and behind each text.
pub struct Tokens {
    tokenizer: Tokenizer,
    before: Vec<u32>,
    after: Vec<u32>,
}

impl Tokens {
    /// Reads a `tokenizer.json`.
    pub fn load(path: &Path) -> Result<Tokens, String> {
        let tokenizer = Tokenizer::load(path).map_err(|error| error.to_string())?;
        let (before, after) = tokenizer.frame().map_err(|error| error.to_string())?;
        Ok(Tokens { tokenizer, before, after })
    }

    /// Largest id and one.
    pub fn vocabulary(&self) -> usize {
        self.tokenizer.vocabulary()
    }

    /// Tokens that stand about each text.
    pub fn special(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// Whether the model knows the tokens that stand about a text, and reads more than them.
    pub fn fits(&self, shape: &Shape) -> Result<(), String> {
        if let Some(id) = self.before.iter().chain(&self.after).find(|&&id| id as usize >= shape.vocabulary) {
            return Err(format!("its post_processor adds the token {id}, and the model has {}", shape.vocabulary));
        }
        if self.special() >= shape.tokens {
            let (special, most) = (self.special(), shape.tokens);
            return Err(format!("its post_processor adds {special} tokens, and the model reads {most} at a time"));
        }
        Ok(())
    }

    /// Cuts a text into windows of at most `most` tokens, the special ones with them, and gives each to `take`: all, or
    /// as many as wanted. A text without a token has no window. `most` is more than the special ones.
    pub fn windows(&self, text: &str, most: usize, wanted: usize, mut take: impl FnMut(&[u32])) -> Result<(), String> {
        let mut ids = Vec::new();
        self.tokenizer.encode(text, &mut ids).map_err(|error| error.to_string())?;
        let room = most - self.special();
        let mut window = Vec::with_capacity(most);
        for range in cut(ids.len(), room, wanted) {
            window.clear();
            window.extend_from_slice(&self.before);
            window.extend_from_slice(&ids[range]);
            window.extend_from_slice(&self.after);
            take(&window);
        }
        Ok(())
    }
}

/// Cuts so many tokens into windows of at most `room`. Where all windows are wanted they are of one length but for a
/// token, so that none is a mere rest; the first ones alone are as long as there is room.
fn cut(tokens: usize, room: usize, wanted: usize) -> impl Iterator<Item = Range<usize>> {
    let all = tokens.div_ceil(room);
    let count = all.min(wanted);
    let tokens = if count < all { count * room } else { tokens };
    (0..count).map(move |number| number * tokens / count..(number + 1) * tokens / count)
}

/// Texts that go through a model together: places in a list.
pub type Batch = Vec<usize>;

/// Cuts a list of texts into batches of like length: the longest come first, each batch has at most `budget` tokens when
/// it is `padded` to its longest, or has one text. Texts of one length stay in their order.
pub fn batches(lengths: &[usize], budget: usize, padded: bool) -> Vec<Batch> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(lengths[at]));
    let (mut batches, mut batch, mut tokens) = (Vec::new(), Batch::new(), 0);
    for at in order {
        let longest = if padded { lengths[*batch.first().unwrap_or(&at)] } else { lengths[at] };
        let full = if padded { longest * (batch.len() + 1) } else { tokens + longest };
        // One that is shorter by more than a tenth would make most of the padding.
        let unlike = padded && lengths[at] * 10 < longest * 9;
        if !batch.is_empty() && (full > budget || unlike) {
            batches.push(std::mem::take(&mut batch));
            tokens = 0;
        }
        tokens += lengths[at];
        batch.push(at);
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

/// The share of padding in batches that are padded to their longest texts.
pub fn padding(lengths: &[usize], batches: &[Batch]) -> f64 {
    let (mut useful, mut all) = (0, 0);
    for batch in batches {
        useful += batch.iter().map(|&at| lengths[at]).sum::<usize>();
        all += batch.len() * batch.iter().map(|&at| lengths[at]).max().unwrap_or(0);
    }
    if all == 0 { 0.0 } else { 1.0 - useful as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn windows_are_of_one_length_and_the_first_alone_is_full() {
        let cut =
            |tokens, room, wanted| cut(tokens, room, wanted).map(|range| (range.start, range.end)).collect::<Vec<_>>();
        assert_eq!(cut(0, 10, usize::MAX), []);
        assert_eq!(cut(10, 10, usize::MAX), [(0, 10)]);
        assert_eq!(cut(11, 10, usize::MAX), [(0, 5), (5, 11)]);
        assert_eq!(cut(25, 10, usize::MAX), [(0, 8), (8, 16), (16, 25)]);
        assert_eq!(cut(25, 10, 1), [(0, 10)]);
        assert_eq!(cut(25, 10, 2), [(0, 10), (10, 20)]);
        assert_eq!(cut(7, 10, 1), [(0, 7)]);
    }

    #[test]
    fn a_window_of_documents_as_crawls_have_them_is_padded_by_less_than_a_twentieth() {
        // Lengths between 20 and 512 tokens, most of them long, 4,096 of them: what the stage sorts at a time.
        let mut state = 1u32;
        let lengths: Vec<usize> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
            let draw = f64::from(state >> 8) / f64::from(1 << 24);
            20 + (492.0 * draw.sqrt()) as usize
        })
        .take(4096)
        .collect();
        let batches = batches(&lengths, 1 << 14, true);
        assert!(padding(&lengths, &batches) < 0.05, "{}", padding(&lengths, &batches));
        let mut seen: Vec<usize> = batches.concat();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..4096));
    }

    proptest! {
        #[test]
        fn every_text_is_in_one_batch_within_the_budget_and_padding_is_a_tenth_at_most(
            lengths in prop::collection::vec(1usize..600, 0..200), budget in 1usize..5000, padded: bool
        ) {
            let batches = batches(&lengths, budget, padded);
            let mut seen: Vec<usize> = batches.concat();
            seen.sort_unstable();
            prop_assert!(seen.into_iter().eq(0..lengths.len()));
            for batch in &batches {
                let longest = batch.iter().map(|&at| lengths[at]).max().unwrap();
                let tokens = if padded { longest * batch.len() } else { batch.iter().map(|&at| lengths[at]).sum() };
                prop_assert!(tokens <= budget || batch.len() == 1);
            }
            prop_assert!(!padded || padding(&lengths, &batches) <= 0.1);
        }
    }
}
