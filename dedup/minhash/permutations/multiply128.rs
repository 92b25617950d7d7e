//! The upper half of `a * h` in 128 bits, `a` odd, as duplodocus permutes for OLMo 3.

use super::splitmix;

#[derive(Debug)]
pub(in crate::minhash) struct Multiply128 {
    factors: Vec<u128>,
}

impl Multiply128 {
    pub(super) fn new(length: usize, seed: u32) -> Multiply128 {
        let mut state = u64::from(seed);
        let mut draw = || u128::from(splitmix(&mut state)) << 64 | u128::from(splitmix(&mut state)) | 1;
        Multiply128 { factors: (0..length).map(|_| draw()).collect() }
    }

    /// Minima of no hash.
    pub(super) fn start(&self, minima: &mut Vec<u64>) {
        minima.clear();
        minima.resize(self.factors.len(), u64::MAX);
    }

    /// Lowers the minima to those of these hashes too.
    pub(super) fn lower(&self, hashes: &[u64], minima: &mut [u64]) {
        for &hash in hashes {
            // Two hashes of one shingle; the second follows from the first.
            let both = u128::from(hash) << 64 | u128::from(splitmix(&mut { hash }));
            for (least, factor) in minima.iter_mut().zip(&self.factors) {
                *least = (*least).min((factor.wrapping_mul(both) >> 64) as u64);
            }
        }
    }
}
