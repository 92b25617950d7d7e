//! Weights by chance, for models that are trained from nothing and heads that no file has.

/// Numbers by chance from a seed and what they are for: the same on every machine.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64, what: &str) -> Random {
        // FNV-1a, and a round so that near seeds give far numbers.
        let hash = what
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut random = Random(seed ^ hash);
        random.0 = random.draw();
        random
    }

    /// 64 bits: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014, fig. 16).
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number below another.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.draw()) * bound as u128) >> 64) as usize
    }

    /// Above zero, and at most one.
    fn share(&mut self) -> f64 {
        ((self.draw() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// Two numbers of a normal distribution (Box and Muller, 1958).
    fn normal(&mut self) -> [f64; 2] {
        let radius = (-2.0 * libm::log(self.share())).sqrt();
        let angle = std::f64::consts::TAU * self.share();
        [radius * libm::cos(angle), radius * libm::sin(angle)]
    }
}

/// Tensors by chance.
#[derive(Debug, Clone)]
pub struct Chance {
    /// Other seeds give other weights.
    pub seed: u64,
    /// The deviation of weights.
    pub spread: f32,
    /// Whether products add something.
    pub has_bias: bool,
}

impl Chance {
    /// Whether a model has such a tensor: names of the first files of BERT are not given anew.
    pub fn has(&self, name: &str) -> bool {
        match name.rsplit_once('.') {
            Some((_, "gamma" | "beta")) => false,
            // What labels are told by has one in every family.
            Some((of, "bias")) => self.has_bias || of.ends_with("classifier"),
            _ => true,
        }
    }

    /// A tensor: weights of a normal distribution, norms that do nothing, nothing that is added (BERT,
    /// arXiv:1810.04805, by its published code: 0.02 is its deviation).
    pub fn tensor(&self, name: &str, length: usize) -> Vec<f32> {
        if name.ends_with(".bias") {
            return vec![0.0; length];
        }
        if name.to_ascii_lowercase().ends_with("norm.weight") {
            return vec![1.0; length];
        }
        let mut random = Random::new(self.seed, name);
        let mut numbers = Vec::with_capacity(length + 1);
        while numbers.len() < length {
            numbers.extend(random.normal().map(|x| (x * f64::from(self.spread)) as f32));
        }
        numbers.truncate(length);
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_normal_and_of_their_seed_and_name() {
        let chance = Chance { seed: 1, spread: 0.02, has_bias: false };
        let numbers = chance.tensor("layers.0.attn.Wo.weight", 100_001);
        let mean = numbers.iter().sum::<f32>() / numbers.len() as f32;
        let deviation = (numbers.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / numbers.len() as f32).sqrt();
        assert!(mean.abs() < 3e-4 && (deviation - 0.02).abs() < 2e-4, "{mean} {deviation}");
        let beyond = numbers.iter().filter(|x| x.abs() > 0.04).count() as f64 / numbers.len() as f64;
        assert!((beyond - 0.0455).abs() < 0.004, "{beyond}");
        assert_eq!(chance.tensor("layers.0.attn.Wo.weight", 3), numbers[..3]);
        assert_ne!(chance.tensor("layers.1.attn.Wo.weight", 3), numbers[..3]);
        assert_ne!(Chance { seed: 2, ..chance.clone() }.tensor("layers.0.attn.Wo.weight", 3), numbers[..3]);
        assert_eq!(chance.tensor("layers.0.mlp_norm.weight", 2), [1.0, 1.0]);
        assert!(!chance.has("layers.0.mlp.Wi.bias") && chance.has("classifier.bias"));
    }
}
