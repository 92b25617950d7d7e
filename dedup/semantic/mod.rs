//! Documents that mean nearly the same: vectors that point nearly the same way.
//!
//! Everything is over whole numbers: a vector is rounded to `i8` once ([`round`]), and from there on no answer can
//! depend on the order of a sum. Vectors that are alike are found by the signs of their products with random planes
//! (Charikar 2002, *Similarity estimation techniques from rounding algorithms*): [`Planes`] gives each vector a key
//! in every table, and vectors of one key go through a [`Window`], which compares each with those before it.

mod planes;
mod window;

pub use planes::{MOST_BITS, Planes, probability};
pub use window::Window;

/// Most numbers that a vector can have: sums of products stay within `i32`.
pub const MOST_DIMENSIONS: usize = 16_384;

/// Rounds a vector to whole numbers, the largest of which is 127, so that its direction stays. The cosine of two
/// rounded vectors is that of the vectors themselves to about 0.002.
pub fn round(vector: &[f32], out: &mut Vec<i16>) {
    out.clear();
    let largest = vector.iter().fold(0_f32, |largest, number| largest.max(number.abs()));
    let scale = if largest > 0.0 { 127.0 / largest } else { 0.0 };
    out.extend(vector.iter().map(|number| (number * scale).round() as i16));
}

/// The product of two vectors.
#[inline]
pub fn product(one: &[i16], other: &[i16]) -> i32 {
    one.iter().zip(other).map(|(one, other)| i32::from(*one) * i32::from(*other)).sum()
}

/// A rounded vector and its length, to compare with others.
#[derive(Debug, Clone, PartialEq)]
pub struct Vector {
    numbers: Vec<i16>,
    length: f64,
}

impl Vector {
    /// From the numbers of a rounded vector.
    pub fn new(numbers: Vec<i16>) -> Vector {
        let length = f64::from(product(&numbers, &numbers)).sqrt();
        Vector { numbers, length }
    }

    /// From bytes as [`Vector::write`] leaves them.
    pub fn read(bytes: &[u8]) -> Vector {
        Vector::new(bytes.iter().map(|&byte| i16::from(byte as i8)).collect())
    }

    /// The vector of so many dimensions that the bytes end in; `None` where they are fewer.
    pub fn at_the_end(bytes: &[u8], dimensions: usize) -> Option<Vector> {
        Some(Vector::read(&bytes[bytes.len().checked_sub(dimensions)?..]))
    }

    /// Appends the vector, a byte for each number.
    pub fn write(&self, out: &mut Vec<u8>) {
        write(&self.numbers, out);
    }

    /// The cosine of the angle between two vectors; 0 where one of them is nothing but zeros.
    pub fn cosine(&self, other: &Vector) -> f64 {
        let lengths = self.length * other.length;
        if lengths == 0.0 { 0.0 } else { f64::from(product(&self.numbers, &other.numbers)) / lengths }
    }

    /// Bytes of memory that it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Vector>() + size_of::<i16>() * self.numbers.len()
    }
}

/// Appends a rounded vector, a byte for each number.
pub fn write(numbers: &[i16], out: &mut Vec<u8>) {
    out.extend(numbers.iter().map(|&number| number as i8 as u8));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(one: &[f32], other: &[f32]) -> f64 {
        let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        product(one, other) / (product(one, one) * product(other, other)).sqrt()
    }

    fn rounded(vector: &[f32]) -> Vector {
        let mut numbers = Vec::new();
        round(vector, &mut numbers);
        Vector::new(numbers)
    }

    #[test]
    fn a_vector_of_zeros_is_like_none() {
        assert_eq!(rounded(&[0.0; 3]).cosine(&rounded(&[1.0; 3])), 0.0);
        assert_eq!(rounded(&[0.0; 3]).cosine(&rounded(&[0.0; 3])), 0.0);
    }

    #[test]
    fn a_written_vector_is_read_again() {
        let vector = rounded(&[0.5, -1.0, 0.001, 0.0]);
        let mut bytes = Vec::new();
        vector.write(&mut bytes);
        assert_eq!((Vector::read(&bytes), bytes), (vector, vec![64, 129, 0, 0]));
    }

    proptest! {
        #[test]
        fn rounding_changes_a_cosine_little(
            (one, other) in prop::collection::vec((-1.0_f32..1.0, -1.0_f32..1.0), 48..128).prop_map(|pairs| pairs.into_iter().unzip::<_, _, Vec<_>, Vec<_>>())
        ) {
            prop_assert!((rounded(&one).cosine(&rounded(&other)) - exact(&one, &other)).abs() < 0.004);
        }
    }
}
