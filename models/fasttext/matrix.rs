//! Matrices of floats, dense in memory whatever they were in the file.

use super::load::Cursor;

/// Rows of `columns` floats. Rows that were quantized with their norm keep it apart, because the
/// C++ tool multiplies by it last.
pub struct Matrix {
    pub rows: usize,
    pub columns: usize,
    data: Vec<f32>,
    norms: Vec<f32>,
}

/// In bytes. What a quantized matrix may come to when it is decoded, however few its codes.
const MAX_DECODED: usize = 1 << 29;
/// In bytes decoded for one of code. The C++ tool makes a code of 2 floats, unless told otherwise.
const MAX_EXPANSION: usize = 16;

/// Centroids of a sub-space: the product quantizer has 256, one for each value of a byte.
const CENTROIDS: usize = 256;

/// The quantized form of Jégou et al., *Product quantization for nearest neighbor search*.
struct Quantizer {
    dim: usize,
    parts: usize,
    part: usize,
    last_part: usize,
    centroids: Vec<f32>,
}

impl Quantizer {
    fn read(cursor: &mut Cursor<'_>) -> Result<Quantizer, String> {
        let dim = cursor.count32("a quantizer's dim")?;
        let parts = cursor.count32("a quantizer's parts")?;
        let part = cursor.count32("a quantizer's part")?;
        let last_part = cursor.count32("a quantizer's last part")?;
        let whole =
            parts.checked_sub(1).and_then(|most| most.checked_mul(part)).and_then(|most| most.checked_add(last_part));
        if whole != Some(dim) {
            return Err(format!("{parts} parts of {part} and {last_part} are not {dim}"));
        }
        let centroids = cursor.floats(dim.checked_mul(CENTROIDS).ok_or("a quantizer is too large")?)?;
        Ok(Quantizer { dim, parts, part, last_part, centroids })
    }

    fn centroid(&self, part: usize, code: u8) -> &[f32] {
        let start = part * CENTROIDS * self.part;
        let size = if part + 1 == self.parts { self.last_part } else { self.part };
        let start = start + usize::from(code) * size;
        &self.centroids[start..start + size]
    }
}

impl Matrix {
    pub fn read(cursor: &mut Cursor<'_>, quantized: bool) -> Result<Matrix, String> {
        if !quantized {
            let (rows, columns) = (cursor.count("rows")?, cursor.count("columns")?);
            let data = cursor.floats(rows.checked_mul(columns).ok_or("a matrix is too large")?)?;
            return Ok(Matrix { rows, columns, data, norms: Vec::new() });
        }
        let with_norms = cursor.flag()?;
        let (rows, columns) = (cursor.count("rows")?, cursor.count("columns")?);
        let size = cursor.count32("the size of the codes")?;
        let codes = cursor.take(size)?;
        let quantizer = Quantizer::read(cursor)?;
        if quantizer.dim != columns || rows.checked_mul(quantizer.parts) != Some(size) {
            return Err("the codes do not fit the quantizer".to_owned());
        }
        // A code stands for as many floats as the file likes.
        let decoded = rows.checked_mul(columns).and_then(|floats| floats.checked_mul(size_of::<f32>()));
        let most = MAX_DECODED.max(size.saturating_mul(MAX_EXPANSION));
        if decoded.is_none_or(|decoded| decoded > most) {
            return Err(format!("{size} bytes of codes stand for {rows} rows of {columns} floats, over {most} bytes"));
        }
        let mut norms = Vec::new();
        if with_norms {
            let codes = cursor.take(rows)?;
            let quantizer = Quantizer::read(cursor)?;
            if quantizer.dim != 1 || quantizer.parts != 1 {
                return Err("the quantizer of norms has more than one dimension".to_owned());
            }
            norms = codes.iter().map(|&code| quantizer.centroid(0, code)[0]).collect();
        }
        let mut data = Vec::with_capacity(rows * columns);
        for row in codes.chunks_exact(quantizer.parts.max(1)) {
            for (part, &code) in row.iter().enumerate() {
                data.extend_from_slice(quantizer.centroid(part, code));
            }
        }
        Ok(Matrix { rows, columns, data, norms })
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.data[row * self.columns..][..self.columns]
    }

    /// The mean of some rows, summed in their order.
    pub fn mean(&self, rows: &[u32], mean: &mut Vec<f32>) {
        mean.clear();
        mean.resize(self.columns, 0.0);
        match self.columns {
            // The language model's size: the sum stays in registers.
            16 => {
                let mut sum = [0.0_f32; 16];
                for &row in rows {
                    let norm = self.norms.get(row as usize).copied();
                    let values: &[f32; 16] = self.row(row as usize).try_into().expect("rows of 16");
                    match norm {
                        Some(norm) => (0..16).for_each(|at| sum[at] += norm * values[at]),
                        None => (0..16).for_each(|at| sum[at] += values[at]),
                    }
                }
                mean.copy_from_slice(&sum);
            }
            _ => {
                for &row in rows {
                    let values = self.row(row as usize);
                    match self.norms.get(row as usize) {
                        Some(norm) => mean.iter_mut().zip(values).for_each(|(sum, value)| *sum += norm * value),
                        None => mean.iter_mut().zip(values).for_each(|(sum, value)| *sum += value),
                    }
                }
            }
        }
        let share = (1.0 / rows.len() as f64) as f32;
        mean.iter_mut().for_each(|value| *value *= share);
    }

    /// The product of a row with a vector.
    pub fn dot(&self, row: usize, vector: &[f32]) -> f32 {
        let product: f32 = self.row(row).iter().zip(vector).map(|(a, b)| a * b).sum();
        self.norms.get(row).map_or(product, |norm| product * norm)
    }
}
