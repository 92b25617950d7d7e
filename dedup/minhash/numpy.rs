//! Numbers as numpy's `RandomState` draws them: what peers' permutations are made of.
//!
//! The generator is Matsumoto and Nishimura's MT19937, seeded by one number; `randint` draws as many bits as
//! its range needs, until they are within it.

const SIZE: usize = 624;

/// `numpy.random.RandomState(seed)`.
pub(super) struct RandomState {
    state: [u32; SIZE],
    at: usize,
}

impl RandomState {
    pub(super) fn new(seed: u32) -> RandomState {
        let mut state = [seed; SIZE];
        for at in 1..SIZE {
            let last = state[at - 1];
            state[at] = (last ^ (last >> 30)).wrapping_mul(1_812_433_253).wrapping_add(at as u32);
        }
        RandomState { state, at: SIZE }
    }

    fn next_u32(&mut self) -> u32 {
        if self.at == SIZE {
            for at in 0..SIZE {
                let joined = (self.state[at] & 0x8000_0000) | (self.state[(at + 1) % SIZE] & 0x7fff_ffff);
                let twist = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[at] = self.state[(at + 397) % SIZE] ^ (joined >> 1) ^ twist;
            }
            self.at = 0;
        }
        let mut number = self.state[self.at];
        self.at += 1;
        number ^= number >> 11;
        number ^= (number << 7) & 0x9d2c_5680;
        number ^= (number << 15) & 0xefc6_0000;
        number ^ (number >> 18)
    }

    /// `randint(low, high, dtype=uint64)`, for ranges of more than 32 bits.
    pub(super) fn below_u64(&mut self, low: u64, high: u64) -> u64 {
        let range = high - 1 - low;
        let mask = u64::MAX >> range.leading_zeros();
        loop {
            let upper = u64::from(self.next_u32());
            let number = (upper << 32 | u64::from(self.next_u32())) & mask;
            if number <= range {
                return low + number;
            }
        }
    }

    /// `randint(low, high, dtype=uint32)`.
    pub(super) fn below_u32(&mut self, low: u32, high: u32) -> u32 {
        let range = high - 1 - low;
        let mask = u32::MAX >> range.leading_zeros();
        loop {
            let number = self.next_u32() & mask;
            if number <= range {
                return low + number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By numpy 2.4.6, in the order in which they were drawn.
    #[test]
    fn numbers_are_those_of_numpy() {
        const PRIME: u64 = (1 << 61) - 1;
        let mut draw = RandomState::new(1);
        let a: Vec<u64> = (0..112).map(|_| draw.below_u64(1, PRIME)).collect();
        let b: Vec<u64> = (0..112).map(|_| draw.below_u64(0, PRIME)).collect();
        assert_eq!(a[..3], [775_169_054_918_279_404, 1_758_426_461_858_698_313, 2_109_959_069_025_162]);
        assert_eq!(b[109..], [1_513_805_725_792_048_436, 110_622_250_926_641_691, 1_097_409_548_522_419_201]);
        let mut draw = RandomState::new(42);
        let pair = (draw.below_u64(1, PRIME), draw.below_u64(0, PRIME));
        assert_eq!(pair, (2_297_359_619_001_564_596, 1_396_682_528_897_996_046));
        let mut draw = RandomState::new(42);
        let mut pair = || (draw.below_u32(1, (1 << 31) - 1), draw.below_u32(0, (1 << 31) - 1));
        assert_eq!([pair(), pair()], [(1_608_637_543, 1_273_642_419), (1_935_803_229, 787_846_414)]);
    }
}
