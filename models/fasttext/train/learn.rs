//! Stochastic gradient descent, one text after the other, by any number of threads with the same result.
//!
//! Threads do not share out the texts, which would make the model depend on who comes first, but the columns of the
//! matrices. All of a text's work is done column by column but one thing: the scores of the labels are sums over all
//! columns. Each thread adds up its own columns, eight at a time, and writes the sums where all can read them; then
//! every thread adds them up in the order of the columns. So a text is learned from what all texts before it have
//! taught, as by one thread, and no sum depends on how many threads there are.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Instant;

use super::chunk::Chunk;
use super::weights::{Part, SLICE, Weights, add, mean, slice_sums};

/// What is asked of a text's hidden vector.
pub enum Question {
    /// One label of all.
    Softmax { labels: usize },
    /// Each label by itself.
    OneVsAll { labels: usize },
    /// Left or right at each node between the root of a tree and the label: the node's output row, and whether right.
    Tree(Vec<Vec<(u32, bool)>>),
}

impl Question {
    /// The most scores that a text needs.
    fn most(&self) -> usize {
        match self {
            Question::Softmax { labels } | Question::OneVsAll { labels } => *labels,
            Question::Tree(paths) => paths.iter().map(Vec::len).max().unwrap_or(0),
        }
    }
}

/// e to the power of `x`, to the bit the same on every machine, which a system's library is not.
pub fn exp(x: f32) -> f32 {
    let x = f64::from(x.clamp(-100.0, 88.0));
    let power = (x * std::f64::consts::LOG2_E).round();
    let rest = x - power * std::f64::consts::LN_2;
    // The Taylor series; |rest| is at most ln 2 / 2, so that the tenth term is below 1e-11.
    let series = (1..=9).rev().fold(1.0, |sum, n| 1.0 + sum * rest / f64::from(n));
    (series * f64::from_bits(((power as i64 + 1023) as u64) << 52)) as f32
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Where threads leave the sums over their columns. Two of each, in turn: who is ahead writes the next text's while
/// others still read this one's.
struct Exchange {
    sums: [Vec<AtomicU32>; 2],
    arrived: AtomicUsize,
    workers: usize,
}

impl Exchange {
    fn new(sums: usize, workers: usize) -> Exchange {
        let cells = || (0..sums).map(|_| AtomicU32::new(0)).collect();
        Exchange { sums: [cells(), cells()], arrived: AtomicUsize::new(0), workers }
    }

    /// Waits until every thread has come here as often as this one.
    fn meet(&self, times: usize) {
        self.arrived.fetch_add(1, Ordering::AcqRel);
        let mut looked = 0_u32;
        while self.arrived.load(Ordering::Acquire) < times * self.workers {
            looked += 1;
            if looked < 4000 {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now(); // the other has no processor
            }
        }
    }
}

/// Lets the others go when a thread ends in a panic.
struct Leave<'e>(&'e Exchange);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.arrived.store(usize::MAX / 2, Ordering::Release);
        }
    }
}

/// A thread, with its columns.
struct Worker<'w> {
    parts: &'w mut [Part],
    slices: usize,
    exchange: Option<&'w Exchange>,
    met: usize,
    hidden: Vec<f32>,
    gradient: Vec<f32>,
    /// Sums over slices of columns: all slices of the first score, then of the next.
    sums: Vec<f32>,
    scores: Vec<f32>,
}

impl<'w> Worker<'w> {
    fn new(parts: &'w mut [Part], slices: usize, exchange: Option<&'w Exchange>) -> Worker<'w> {
        let width = parts.iter().map(|part| part.width).sum();
        let (hidden, gradient) = (vec![0.0; width], vec![0.0; width]);
        Worker { parts, slices, exchange, met: 0, hidden, gradient, sums: Vec::new(), scores: Vec::new() }
    }

    fn chunks(self, chunks: &[Chunk], question: &Question) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { self.chunks_avx2(chunks, question) };
        }
        self.all_chunks(chunks, question);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    unsafe fn chunks_avx2(self, chunks: &[Chunk], question: &Question) {
        self.all_chunks(chunks, question);
    }

    #[inline(always)]
    fn all_chunks(mut self, chunks: &[Chunk], question: &Question) {
        let _leave = self.exchange.map(Leave);
        for text in chunks.iter().flat_map(Chunk::texts) {
            match question {
                Question::Softmax { labels } => self.learn(text.rows, 0..*labels as u32, |scores| {
                    let max = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                    scores.iter_mut().for_each(|score| *score = exp(*score - max));
                    let sum: f32 = scores.iter().sum();
                    let right = text.labels[0] as usize;
                    for (label, score) in scores.iter_mut().enumerate() {
                        *score = text.rate * (f32::from(u8::from(label == right)) - *score / sum);
                    }
                }),
                Question::OneVsAll { labels } => self.learn(text.rows, 0..*labels as u32, |scores| {
                    for (label, score) in scores.iter_mut().enumerate() {
                        let right = text.labels.contains(&(label as u32));
                        *score = text.rate * (f32::from(u8::from(right)) - sigmoid(*score));
                    }
                }),
                Question::Tree(paths) => {
                    let path = &paths[text.labels[0] as usize];
                    self.learn(text.rows, path.iter().map(|(node, _)| *node), |scores| {
                        for (score, (_, right)) in scores.iter_mut().zip(path) {
                            *score = text.rate * (f32::from(u8::from(*right)) - sigmoid(*score));
                        }
                    });
                }
            }
        }
    }

    /// Learns from one text. `outputs` are the rows whose products with the hidden vector are asked for; `slopes` makes
    /// of these how far each is to move.
    #[inline(always)]
    fn learn(&mut self, rows: &[u32], outputs: impl Iterator<Item = u32> + Clone, slopes: impl FnOnce(&mut Vec<f32>)) {
        let share = 1.0 / rows.len() as f32;
        self.hidden.fill(0.0);
        let (mut at, slices) = (0, self.slices);
        self.sums.clear();
        for part in self.parts.iter() {
            let hidden = &mut self.hidden[at..at + part.width];
            mean(&part.input, rows, share, hidden);
            at += part.width;
        }
        self.scores.clear();
        match self.exchange {
            None => {
                for output in outputs.clone() {
                    let (mut at, mut score) = (0, 0.0);
                    for part in self.parts.iter() {
                        let row = &part.output[output as usize * part.width..][..part.width];
                        for sum in slice_sums(row, &self.hidden[at..at + part.width]) {
                            score += sum;
                        }
                        at += part.width;
                    }
                    self.scores.push(score);
                }
            }
            Some(exchange) => {
                let cells = &exchange.sums[self.met % 2];
                let mut at = 0;
                for part in self.parts.iter() {
                    for (number, output) in outputs.clone().enumerate() {
                        let row = &part.output[output as usize * part.width..][..part.width];
                        let cells = &cells[number * slices + part.slice..];
                        for (cell, sum) in cells.iter().zip(slice_sums(row, &self.hidden[at..at + part.width])) {
                            cell.store(sum.to_bits(), Ordering::Relaxed);
                        }
                    }
                    at += part.width;
                }
                self.met += 1;
                exchange.meet(self.met);
                for (number, _) in outputs.clone().enumerate() {
                    let mut score = 0.0;
                    for cell in &cells[number * slices..][..slices] {
                        score += f32::from_bits(cell.load(Ordering::Relaxed));
                    }
                    self.scores.push(score);
                }
            }
        }
        slopes(&mut self.scores);
        self.gradient.fill(0.0);
        let mut at = 0;
        for part in self.parts.iter_mut() {
            let hidden = &self.hidden[at..at + part.width];
            let gradient = &mut self.gradient[at..at + part.width];
            at += part.width;
            for (output, &slope) in outputs.clone().zip(&self.scores) {
                let row = &mut part.output[output as usize * part.width..][..part.width];
                for ((weight, gradient), hidden) in row.iter_mut().zip(gradient.iter_mut()).zip(hidden) {
                    *gradient += slope * *weight;
                    *weight += slope * hidden;
                }
            }
            gradient.iter_mut().for_each(|value| *value *= share);
            add(&mut part.input, rows, gradient);
        }
    }
}

/// Chooses between all threads and one, which gives the same model: where others need the processors too, threads that
/// wait for each other at every text are slower than one that waits for nobody.
#[derive(Default)]
pub struct Pace {
    turn: usize,
    /// Seconds a row: of one thread, of all.
    seconds: [Option<f64>; 2],
}

/// So many turns after one, the slower way is tried again.
const TRY_AGAIN: usize = 24;

impl Pace {
    fn all(&mut self) -> bool {
        self.turn += 1;
        match self.seconds {
            [_, None] => true,
            [None, _] => false,
            [Some(one), Some(all)] => (all < one) != self.turn.is_multiple_of(TRY_AGAIN),
        }
    }
}

/// Learns from chunks of texts, in their order.
pub fn learn(weights: &mut Weights, chunks: &[Chunk], question: &Question, pace: &mut Pace) {
    let slices = weights.dim().div_ceil(SLICE);
    let workers = weights.parts.len();
    let all = workers > 1 && pace.all();
    let started = Instant::now();
    chunks.iter().for_each(|chunk| weights.begin(chunk.rows()));
    if all {
        let exchange = Exchange::new(question.most() * slices, workers);
        std::thread::scope(|scope| {
            for part in weights.parts.chunks_mut(1) {
                let worker = Worker::new(part, slices, Some(&exchange));
                scope.spawn(move || worker.chunks(chunks, question));
            }
        });
    } else {
        Worker::new(&mut weights.parts, slices, None).chunks(chunks, question);
    }
    let rows: usize = chunks.iter().map(|chunk| chunk.rows().len()).sum();
    pace.seconds[usize::from(all)] = Some(started.elapsed().as_secs_f64() / rows.max(1) as f64);
}
