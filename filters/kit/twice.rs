//! Which runs of words may occur more than once: a sieve before they are counted.

use super::Runs;

/// One bit in a small field for each hash, and a second one if the bit was set before: a run whose second
/// bit is not set occurs once. Most runs of a text do, and need no place in a table.
#[derive(Debug, Default)]
pub struct Twice {
    fields: Vec<[u64; 2]>,
}

/// At most 4 MiB; a longer text lets more runs through that occur once.
const MOST_FIELDS: usize = 1 << 18;

impl Twice {
    /// Appends the starts of all runs of `n` words that occur more than once, and of few others.
    pub fn find(&mut self, runs: &Runs, n: usize, starts: &mut Vec<u32>) {
        let count = runs.count(n);
        // 16 bits a run: of those that occur once, one in twenty or so shares its bit with another.
        let size = (count / 4).next_power_of_two().clamp(16, MOST_FIELDS);
        self.fields.clear();
        self.fields.resize(size, [0; 2]);
        // The highest bits of the product hang on every bit of the hash.
        let shift = 64 - size.trailing_zeros() - 6;
        let place = |start: usize| {
            let place = runs.hash(start, n).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> shift;
            ((place >> 6) as usize & (size - 1), 1_u64 << (place & 63))
        };
        for start in 0..count {
            let (field, bit) = place(start);
            let [once, twice] = &mut self.fields[field];
            *twice |= *once & bit;
            *once |= bit;
        }
        let before = starts.len();
        starts.resize(before + count, 0);
        let mut end = before;
        for start in 0..count {
            let (field, bit) = place(start);
            starts[end] = start as u32;
            end += usize::from(self.fields[field][1] & bit != 0);
        }
        starts.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_run_that_occurs_twice_is_missed(words in prop::collection::vec("[a-e]{1,2}", 0..300), n in 1..5_usize) {
            let runs: Runs = words.iter().map(String::as_str).collect();
            let mut starts = vec![7];
            Twice::default().find(&runs, n, &mut starts);
            prop_assert_eq!(starts[0], 7);
            prop_assert!(starts[1..].is_sorted());
            for (start, run) in words.windows(n).enumerate() {
                let times = words.windows(n).filter(|other| *other == run).count();
                prop_assert!(times == 1 || starts[1..].contains(&(start as u32)));
            }
        }
    }

    #[test]
    fn most_runs_that_occur_once_are_left_out() {
        let words: Vec<String> = (0..10_000).map(|n| format!("word{n}")).collect();
        let runs: Runs = words.iter().map(String::as_str).collect();
        let mut starts = Vec::new();
        Twice::default().find(&runs, 2, &mut starts);
        assert!(starts.len() < 1_500, "{}", starts.len());
    }
}
