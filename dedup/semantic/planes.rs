//! Keys by random planes.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::product;

/// Most bits of a key in one table.
pub const MOST_BITS: usize = 32;

/// Random planes through the origin, some for each table.
pub struct Planes {
    dimensions: usize,
    bits: usize,
    tables: usize,
    /// One after the other: near enough to normal numbers, rounded.
    planes: Vec<i16>,
}

impl Planes {
    /// Draws `bits` planes for each of `tables` tables from a seed.
    pub fn new(dimensions: usize, bits: usize, tables: usize, seed: u64) -> Planes {
        let planes = (0..(dimensions * bits * tables) as u64).map(|number| {
            // A sum of eight bytes is nearly normal, with a mean of 1020.
            let sum: i16 = xxh3_64_with_seed(&number.to_le_bytes(), seed).to_le_bytes().map(i16::from).iter().sum();
            sum - 1020
        });
        Planes { dimensions, bits, tables, planes: planes.collect() }
    }

    /// On which side of the planes of each table a rounded vector lies, a bit for each.
    pub fn sides(&self, vector: &[i16], sides: &mut Vec<u32>) {
        debug_assert_eq!(vector.len(), self.dimensions);
        sides.clear();
        let mut planes = self.planes.chunks_exact(self.dimensions);
        for _ in 0..self.tables {
            let table = planes.by_ref().take(self.bits);
            sides.push(table.fold(0, |sides, plane| sides << 1 | u32::from(product(plane, vector) >= 0)));
        }
    }
}

/// How likely two vectors of that cosine share a key in one of the tables at least (Charikar 2002, sec. 3: a plane
/// parts them with a probability of their angle over pi).
pub fn probability(bits: usize, tables: usize, cosine: f64) -> f64 {
    let same_side = 1.0 - cosine.clamp(-1.0, 1.0).acos() / std::f64::consts::PI;
    1.0 - (1.0 - same_side.powi(bits as i32)).powi(tables as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_share_keys_as_often_as_their_angle_says() {
        let (dimensions, bits, tables) = (64, 4, 2_000);
        let planes = Planes::new(dimensions, bits, tables, 7);
        let vector = |seed: u64| -> Vec<i16> {
            (0..dimensions as u64).map(|n| xxh3_64_with_seed(&n.to_le_bytes(), seed) as i8 as i16).collect()
        };
        let (one, noise) = (vector(1), vector(2));
        for share in [0.0, 0.2, 0.5, 1.0] {
            let other: Vec<i16> =
                one.iter().zip(&noise).map(|(a, b)| (f64::from(*a) + share * f64::from(*b)) as i16).collect();
            let lengths = f64::from(product(&one, &one)) * f64::from(product(&other, &other));
            let cosine = f64::from(product(&one, &other)) / lengths.sqrt();
            let (mut a, mut b) = (Vec::new(), Vec::new());
            planes.sides(&one, &mut a);
            planes.sides(&other, &mut b);
            let shared = a.iter().zip(&b).filter(|(a, b)| a == b).count() as f64 / tables as f64;
            assert!((shared - probability(bits, 1, cosine)).abs() < 0.04, "{cosine}: {shared}");
        }
    }

    #[test]
    fn more_tables_find_more_and_more_bits_less() {
        assert!((probability(12, 16, 0.95) - 0.9946).abs() < 1e-3);
        assert_eq!((probability(12, 16, 1.0), probability(1, 1, -1.0)), (1.0, 0.0));
    }
}
