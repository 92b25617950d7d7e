//! Runs of words that are said again, as RedPajama-V2 counts them: each word once, however many runs it
//! belongs to, and the first copy like the others.

use std::cell::RefCell;

use super::{Runs, Table, Twice};

/// The words of a text, made ready for runs of any length. Runs are told apart by a 64-bit hash.
#[derive(Debug, Default)]
pub struct RepeatedRuns {
    runs: Runs,
    table: Table,
    twice: Twice,
    /// Where runs of `length` words start that may occur more than once.
    starts: Vec<u32>,
    /// 0 before any have been looked for.
    length: usize,
}

/// Starts for which there is room from one document to the next.
const KEPT_STARTS: usize = 1 << 18;

/// Calls `see` with the words; the room they take is kept for the next text.
pub fn with_repeated_runs<'a, R>(words: impl Iterator<Item = &'a str>, see: impl FnOnce(&mut RepeatedRuns) -> R) -> R {
    thread_local! {
        static RUNS: RefCell<RepeatedRuns> = RefCell::default();
    }
    RUNS.with_borrow_mut(|runs| {
        runs.runs.refill(words);
        runs.length = 0;
        runs.starts.clear();
        runs.starts.shrink_to(KEPT_STARTS);
        see(runs)
    })
}

impl RepeatedRuns {
    /// How many words there are.
    pub fn words(&self) -> usize {
        self.runs.words()
    }

    /// Characters of all words.
    pub fn chars(&self) -> usize {
        self.runs.chars(0, self.words())
    }

    /// For each word in turn: how often it occurs.
    pub fn counts(&mut self, mut each: impl FnMut(u32)) {
        self.table.start(self.words());
        for word in 0..self.words() {
            self.table.count(self.runs.hash(word, 1));
        }
        for word in 0..self.words() {
            each(self.table.seen(self.runs.hash(word, 1)));
        }
    }

    /// How many words differ from each other.
    pub fn distinct(&mut self) -> usize {
        self.table.start(self.words());
        (0..self.words()).filter(|&word| self.table.count(self.runs.hash(word, 1)) == 1).count()
    }

    /// Counts the runs of `n` words that occur more than once, leaves where they start, and tells how often the
    /// most frequent does; at most 1 where none does. A run can only be repeated where the shorter run it begins with
    /// is, so whoever asks for longer ones after shorter ones has little to count.
    fn count(&mut self, n: usize) -> u32 {
        if self.length == 0 || n < self.length {
            self.starts.clear();
            self.twice.find(&self.runs, n, &mut self.starts);
        }
        self.length = n;
        let count = self.runs.count(n);
        self.starts.truncate(self.starts.partition_point(|&start| (start as usize) < count));
        self.table.start(self.starts.len());
        let mut most = 0;
        for &start in &self.starts {
            most = most.max(self.table.count(self.runs.hash(start as usize, n)));
        }
        self.starts.retain(|&start| self.table.seen(self.runs.hash(start as usize, n)) > 1);
        most
    }

    /// Characters of all occurrences of the most frequent run of `n` words, if it occurs twice; of equals
    /// the first to be seen.
    pub fn top(&mut self, n: usize) -> usize {
        let most = self.count(n);
        let mut starts = self.starts.iter().map(|&start| start as usize);
        let first = starts.find(|&start| self.table.seen(self.runs.hash(start, n)) == most);
        first.map_or(0, |start| self.runs.chars(start, n) * most as usize)
    }

    /// Characters of words that belong to a run of `n` words that occurs twice or more.
    pub fn covered(&mut self, n: usize) -> usize {
        self.count(n);
        let (mut covered, mut next) = (0, 0);
        for start in self.starts.iter().map(|&start| start as usize) {
            let from = start.max(next);
            covered += self.runs.chars(from, start + n - from);
            next = start + n;
        }
        covered
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn runs_are_counted_as_plain_code_does(words in prop::collection::vec("[ab]{1,2}|字", 0..60), n in 1..6_usize) {
            let mut counts: HashMap<&[String], usize> = HashMap::new();
            for run in words.windows(n) {
                *counts.entry(run).or_default() += 1;
            }
            let chars = |words: &[String]| words.iter().map(|word| word.chars().count()).sum::<usize>();
            let most = counts.values().max().copied().unwrap_or(0);
            let top = words.windows(n).find(|run| most > 1 && counts[run] == most).map_or(0, |run| chars(run) * most);
            let mut marks = vec![false; words.len()];
            for (start, run) in words.windows(n).enumerate() {
                if counts[run] > 1 {
                    marks[start..start + n].fill(true);
                }
            }
            let covered = words.iter().zip(marks).filter(|(_, mark)| *mark).map(|(word, _)| word.chars().count()).sum::<usize>();
            let mut distinct = words.clone();
            distinct.sort();
            distinct.dedup();
            with_repeated_runs(words.iter().map(String::as_str), |runs| {
                // Whatever was asked for before.
                let (shorter, longer) = (n.saturating_sub(1).max(1), n + 1);
                for before in [n, longer, shorter] {
                    runs.covered(before);
                    assert_eq!(runs.top(n), top);
                    assert_eq!(runs.covered(n), covered);
                }
                assert_eq!((runs.words(), runs.chars(), runs.distinct()), (words.len(), chars(&words), distinct.len()));
            });
        }
    }
}
