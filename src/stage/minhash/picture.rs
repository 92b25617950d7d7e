//! How likely texts are to be candidates, drawn.

use std::fmt::Write;

use wanjuan_dedup::minhash::probability;

const HEIGHT: usize = 8;
/// Columns from a Jaccard index of 0 to 1, both included.
const WIDTH: usize = 61;
/// Eighths of a character's height.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The curve of some bands of some rows, and its values where it matters.
pub(super) fn curve(bands: usize, rows: usize) -> String {
    let columns = (0..WIDTH).map(|column| probability(bands, rows, column as f64 / (WIDTH - 1) as f64));
    let heights: Vec<usize> = columns.map(|p| (p * (HEIGHT * 8) as f64).round() as usize).collect();
    let mut text =
        format!("Share of pairs that {bands} bands of {rows} rows make candidates, by their Jaccard index\n\n");
    for line in (0..HEIGHT).rev() {
        let label = match line {
            7 => "100 %",
            3 => " 50 %",
            _ => "",
        };
        let drawn: String = heights.iter().map(|height| BLOCKS[height.saturating_sub(line * 8).min(8)]).collect();
        let _ = writeln!(text, "  {label:>5} ┤{}", drawn.trim_end());
    }
    let _ = writeln!(text, "        └{}", "─────┴".repeat(10));
    let ticks: String = (1..=10).map(|tick| format!("{:>6}", format!("{:.1}", f64::from(tick) / 10.0))).collect();
    let _ = writeln!(text, "        0{ticks}\n");
    let values: Vec<f64> = (10..20).map(|step| f64::from(step) / 20.0).collect();
    let row = |name: &str, shown: &dyn Fn(f64) -> String| {
        let cells: String = values.iter().map(|&value| format!("{:>7}", shown(value))).collect();
        format!("  {name:<10}{cells}\n")
    };
    text.push_str(&row("Jaccard", &|j| format!("{j:.2}")));
    text.push_str(&row("% found", &|j| percent(probability(bands, rows, j))));
    text
}

/// Percent, with as many digits as tell it from all and from none.
fn percent(share: f64) -> String {
    match share {
        0.999_95.. => ">99.99".to_owned(),
        0.99.. => format!("{:.2}", share * 100.0),
        0.01.. => format!("{:.1}", share * 100.0),
        0.000_05.. => format!("{:.2}", share * 100.0),
        _ => "<0.01".to_owned(),
    }
}
