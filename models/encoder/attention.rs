//! Attention within one text (Vaswani et al., arXiv:1706.03762, sec. 3.2), softmax in place.

use super::kernels::{COLUMNS, Instructions, Panels, ROWS, Strip, Tile};
use super::shape::Shape;

/// What a thread keeps from one text to the next.
#[derive(Debug, Default)]
pub struct Heads {
    keys: Panels,
    values: Panels,
    queries: Strip,
    weights: Strip,
    scores: Vec<f32>,
}

/// Cosine and sine by position and pair, for rotary positions (Su et al., arXiv:2104.09864). Angles are rounded to
/// `f32` where the reference implementation does, and cosines are those of `libm`: the platform's differ in their last bits.
fn angles(theta: f32, half: usize, tokens: usize) -> Vec<(f32, f32)> {
    let frequencies: Vec<f32> =
        (0..half).map(|pair| (1.0 / libm::pow(f64::from(theta), pair as f64 / half as f64)) as f32).collect();
    let of = |position: usize, frequency: f32| {
        let angle = f64::from(position as f32 * frequency);
        (libm::cos(angle) as f32, libm::sin(angle) as f32)
    };
    (0..tokens).flat_map(|position| frequencies.iter().map(move |&frequency| of(position, frequency))).collect()
}

/// The angles of ModernBERT's two kinds of layers; none for others.
pub fn angles_of(shape: &Shape) -> [Vec<(f32, f32)>; 2] {
    let half = shape.hidden / shape.heads / 2;
    match shape.modern {
        Some(modern) => [modern.global_theta, modern.local_theta].map(|theta| angles(theta, half, shape.tokens)),
        None => [Vec::new(), Vec::new()],
    }
}

/// Turns queries and keys by the angles of their positions.
pub fn turn(rows: &mut [f32], angles: &[(f32, f32)], hidden: usize, heads: usize) {
    let half = hidden / heads / 2;
    for (row, angles) in rows.chunks_mut(3 * hidden).zip(angles.chunks(half)) {
        for head in row[..2 * hidden].chunks_mut(2 * half) {
            let (first, second) = head.split_at_mut(half);
            for ((a, b), &(cosine, sine)) in first.iter_mut().zip(second).zip(angles) {
                (*a, *b) = ((*a).mul_add(cosine, -(*b * sine)), (*b).mul_add(cosine, *a * sine));
            }
        }
    }
}

/// Lets each token look at the others of its text: all, or those within `reach`. `rows` holds queries, keys and values.
pub fn attend(
    how: Instructions,
    rows: &[f32],
    hidden: usize,
    heads: usize,
    reach: Option<usize>,
    scratch: &mut Heads,
    out: &mut [f32],
) {
    let (stride, size) = (3 * hidden, hidden / heads);
    let tokens = rows.len() / stride;
    let scale = 1.0 / (size as f32).sqrt();
    let Heads { keys, values, queries, weights, scores } = scratch;
    let mut tile: Tile = [[0.0; COLUMNS]; ROWS];
    for head in 0..heads {
        keys.reset(size, tokens);
        values.reset(tokens, size);
        for (token, row) in rows.chunks(stride).enumerate() {
            keys.set_output(token, &row[hidden + head * size..][..size]);
            values.set_input(token, &row[2 * hidden + head * size..][..size]);
        }
        for first in (0..tokens).step_by(ROWS) {
            let count = ROWS.min(tokens - first);
            // The tokens that any of these rows sees, from the beginning of a panel on.
            let (from, to) = match reach {
                Some(reach) => (first.saturating_sub(reach) / COLUMNS * COLUMNS, (first + count + reach).min(tokens)),
                None => (0, tokens),
            };
            let seen = to - from;
            let width = seen.next_multiple_of(COLUMNS);
            scores.resize(ROWS * width, 0.0);
            queries.fill(how, &rows[first * stride + head * size..], stride, count, size);
            for panel in 0..width / COLUMNS {
                queries.times(how, keys.panel(from / COLUMNS + panel), &mut tile);
                for (scores, sums) in scores.chunks_mut(width).zip(&tile) {
                    scores[panel * COLUMNS..][..COLUMNS].copy_from_slice(sums);
                }
            }
            for (row, scores) in scores.chunks_mut(width).take(count).enumerate() {
                let own = match reach {
                    Some(reach) => {
                        (first + row).saturating_sub(reach).max(from) - from..(first + row + reach + 1).min(to) - from
                    }
                    None => 0..seen,
                };
                scores[..own.start].fill(0.0);
                scores[own.end..].fill(0.0);
                how.softmax(&mut scores[own], scale);
            }
            weights.fill(how, scores, width, count, seen);
            for panel in 0..values.count() {
                weights.times(how, &values.panel(panel)[from..to], &mut tile);
                let columns = COLUMNS.min(size - panel * COLUMNS);
                for (row, sums) in tile.iter().take(count).enumerate() {
                    out[(first + row) * hidden + head * size + panel * COLUMNS..][..columns]
                        .copy_from_slice(&sums[..columns]);
                }
            }
        }
    }
}
