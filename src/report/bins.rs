//! Bins of a histogram: edges that fit what was measured, and counts between them.
//!
//! Edges follow from the least and the greatest value alone, and counts are integers, so a histogram
//! does not depend on the order in which values come.

use serde::Serialize;

/// Most bins of a histogram, about.
const BINS: f64 = 40.0;
/// Most doublings that are still drawn with one bin or more each.
const OCTAVES: u32 = 48;

/// Documents by what was measured of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Histogram {
    /// Each bin holds its lower edge, the last one its upper edge as well.
    pub edges: Vec<f64>,
    /// Documents that the step kept, by bin.
    pub kept: Vec<u64>,
    /// Documents that the step dropped, by bin.
    pub dropped: Vec<u64>,
    /// Documents, of those the step kept, that a sink wrote in the end.
    pub written: Vec<u64>,
    /// Documents whose value lies in no bin, such as an infinite one.
    pub outside: u64,
}

impl Histogram {
    /// Bins for values from `least` to `greatest`; `marks` that lie near are taken in.
    pub fn fit(least: f64, greatest: f64, marks: &[f64]) -> Histogram {
        let (mut low, mut high) = (least, greatest);
        for &mark in marks.iter().filter(|mark| mark.is_finite() && **mark >= 0.0 && least >= 0.0) {
            if mark > high && mark <= 2.0 * greatest {
                high = mark;
            }
            if mark < low && mark >= least / 2.0 {
                low = mark;
            }
        }
        let edges = if low >= 0.0 && high >= 64.0 && high >= 16.0 * low.max(1.0) {
            doublings(low, high)
        } else {
            evenly(low, high)
        };
        let bins = edges.len() - 1;
        Histogram { edges, kept: vec![0; bins], dropped: vec![0; bins], written: vec![0; bins], outside: 0 }
    }

    /// The bin that holds a value.
    pub fn bin(&self, value: f64) -> Option<usize> {
        let last = *self.edges.last()?;
        if value.is_nan() || value < self.edges[0] || value > last {
            return None;
        }
        Some(self.edges.partition_point(|&edge| edge <= value).saturating_sub(1).min(self.kept.len() - 1))
    }

    /// Counts a document.
    pub fn add(&mut self, value: f64, dropped: bool, written: bool) {
        let Some(bin) = self.bin(value) else {
            self.outside += 1;
            return;
        };
        if dropped {
            self.dropped[bin] += 1;
        } else {
            self.kept[bin] += 1;
            self.written[bin] += u64::from(written);
        }
    }

    /// The bin in which the middle one of the written documents lies.
    pub fn median_written(&self) -> Option<(f64, f64)> {
        let all: u64 = self.written.iter().sum();
        let mut before = 0;
        for (bin, count) in self.written.iter().enumerate() {
            before += count;
            if all > 0 && 2 * before >= all {
                return Some((self.edges[bin], self.edges[bin + 1]));
            }
        }
        None
    }

    /// Where a value lies between the first edge (0) and the last (1), all bins being drawn alike.
    pub fn position(&self, value: f64) -> Option<f64> {
        let bin = self.bin(value)?;
        let within = (value - self.edges[bin]) / (self.edges[bin + 1] - self.edges[bin]);
        Some((bin as f64 + within) / self.kept.len() as f64)
    }
}

/// `number * 10^exponent`, as near as a double comes: reading decimals is the same on every machine.
fn decimal(number: i64, exponent: i32) -> f64 {
    format!("{number}e{exponent}").parse().expect("a number and an exponent are a number")
}

/// The least of 1, 2, 5, 10, 20, … (or a tenth, a hundredth of these) that cuts `span` into at most
/// `parts` parts: its digit and exponent.
pub fn round_step(span: f64, parts: f64) -> (i64, i32) {
    let start = (span / parts).log10().floor() as i32 - 1;
    (start..)
        .flat_map(|exponent| [1, 2, 5].map(|digit| (digit, exponent)))
        .find(|&(digit, exponent)| decimal(digit, exponent) * parts >= span)
        .expect("steps grow without bound")
}

/// Multiples of a step from at most `low` to at least `high`.
pub fn multiples(low: f64, high: f64, (digit, exponent): (i64, i32)) -> Vec<f64> {
    let step = decimal(digit, exponent);
    // One more at either end, for what the divisions round away; those that are not needed go again.
    let (first, last) =
        (((low / step).floor() as i64).saturating_sub(1), ((high / step).ceil() as i64).saturating_add(1));
    let mut edges: Vec<f64> = (first..=last).map(|number| decimal(number.saturating_mul(digit), exponent)).collect();
    edges.dedup();
    if edges.len() > 2 && edges[1] <= low {
        edges.remove(0);
    }
    if edges.len() > 2 && edges[edges.len() - 2] >= high {
        edges.pop();
    }
    edges
}

fn evenly(low: f64, high: f64) -> Vec<f64> {
    let (low, high) = if low >= 0.0 && low <= high / 2.0 || low == high && low > 0.0 {
        (0.0, high)
    } else if low == high && low < 0.0 {
        (low, 0.0)
    } else {
        (low, high)
    };
    let high = if low == high { 1.0 } else { high };
    let edges = if (high - low).is_finite() { multiples(low, high, round_step(high - low, BINS)) } else { vec![] };
    // What is too large or too close for steps is one bin.
    let covered = edges.len() >= 2 && edges[0] <= low && edges[edges.len() - 1] >= high;
    if covered && edges.iter().all(|edge| edge.is_finite()) { edges } else { vec![low, high] }
}

/// Edges that double, with as many steps between as keep the bins few; what is below 1 is one bin.
fn doublings(low: f64, high: f64) -> Vec<f64> {
    let mut first = 1.0;
    while first * 2.0 <= low {
        first *= 2.0;
    }
    let mut octaves: u32 = 0;
    let mut end = first;
    while end < high && octaves < 1023 {
        end *= 2.0;
        octaves += 1;
    }
    let parts = [8, 4, 2, 1].into_iter().find(|parts| octaves * parts <= OCTAVES).unwrap_or(1);
    let stride = octaves.div_ceil(OCTAVES).max(1) as usize;
    let mut edges = if low < 1.0 { vec![0.0] } else { Vec::new() };
    let mut octave = first;
    for number in 0..octaves as usize {
        if number.is_multiple_of(stride) {
            edges.extend((0..parts).map(|part| octave * (1.0 + f64::from(part) / f64::from(parts))));
        }
        octave *= 2.0;
    }
    edges.retain(|edge| *edge < high);
    edges.push(octave.max(high).min(next_edge(&edges, parts, high)));
    edges
}

/// The end of the bin that holds `high`: bins behind it would be empty.
fn next_edge(edges: &[f64], parts: u32, high: f64) -> f64 {
    let mut octave = 1.0;
    while octave * 2.0 < high {
        octave *= 2.0;
    }
    let last = edges.last().copied().unwrap_or(0.0);
    (1..=parts)
        .map(|part| octave * (1.0 + f64::from(part) / f64::from(parts)))
        .find(|edge| *edge >= high && *edge > last)
        .unwrap_or(f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_have_even_bins_with_short_decimals() {
        let histogram = Histogram::fit(0.0, 0.93, &[0.8]);
        assert_eq!((histogram.edges[0], histogram.edges[3], histogram.kept.len()), (0.0, 0.15, 19));
        assert_eq!((histogram.bin(0.05), histogram.bin(0.0499), histogram.bin(0.95)), (Some(1), Some(0), Some(18)));
        assert_eq!((histogram.bin(0.96), histogram.bin(f64::NAN), histogram.bin(f64::INFINITY)), (None, None, None));
    }

    #[test]
    fn counts_of_many_sizes_have_bins_that_double() {
        let histogram = Histogram::fit(0.0, 100_000.0, &[]);
        assert_eq!(histogram.edges[..6], [0.0, 1.0, 1.5, 2.0, 3.0, 4.0]);
        assert!(histogram.kept.len() < 50 && histogram.bin(100_000.0).is_some());
        assert_eq!(Histogram::fit(70.0, 4000.0, &[50.0]).edges[0], 32.0, "a mark nearby is taken in");
        assert_eq!(Histogram::fit(70.0, 4000.0, &[1e9]).edges.last(), Some(&4096.0), "and one far away is not");
    }

    #[test]
    fn the_median_is_that_of_the_written() {
        let mut histogram = Histogram::fit(0.0, 10.0, &[]);
        for value in 0..=10 {
            histogram.add(f64::from(value), value < 5, value >= 8);
        }
        histogram.add(f64::INFINITY, false, false);
        assert_eq!(histogram.median_written(), Some((9.0, 9.5)));
        assert_eq!(
            (histogram.kept.iter().sum::<u64>(), histogram.dropped.iter().sum::<u64>(), histogram.outside),
            (6, 5, 1)
        );
    }

    proptest! {
        #[test]
        fn every_value_of_any_range_has_one_bin(values in proptest::collection::vec(prop_oneof![
            -1e3..1e3f64, 0.0..1.0f64, 1e-9..1e-8f64, Just(0.0), Just(1e300), Just(-1e-300), 0.0..1e9f64, Just(f64::MAX), Just(f64::MIN),
        ], 1..8)) {
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let histogram = Histogram::fit(least, greatest, &[3.0]);
            prop_assert!(histogram.kept.len() < 120, "{} bins", histogram.kept.len());
            prop_assert!(histogram.edges.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", histogram.edges);
            for value in values {
                let bin = histogram.bin(value).unwrap();
                prop_assert!(histogram.edges[bin] <= value && value <= histogram.edges[bin + 1]);
            }
        }
    }
}
