//! The reliability plot: how often a label is there, by the probability that was said.

use std::fmt::Write;

const SIDE: f64 = 300.0;
const EDGE: f64 = 44.0;

/// A picture of bins, each of so many texts, their mean probability, and the share that has the label.
pub fn reliability(bins: &[(u64, f64, f64)]) -> String {
    let (x, y) = (|value: f64| EDGE + value * SIDE, |value: f64| EDGE / 2.0 + (1.0 - value) * SIDE);
    let whole = SIDE + 1.5 * EDGE;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {whole} {whole}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <path d=\"M{} {}V{}H{}\" fill=\"none\" stroke=\"#555\"/>\n\
         <path d=\"M{} {}L{} {}\" stroke=\"#aaa\" stroke-dasharray=\"4\"/>\n",
        x(0.0),
        y(1.0),
        y(0.0),
        x(1.0),
        x(0.0),
        y(0.0),
        x(1.0),
        y(1.0)
    );
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{tick}</text>", x(tick), y(0.0) + 15.0);
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{tick}</text>", x(0.0) - 5.0, y(tick) + 4.0);
    }
    let most = bins.iter().map(|bin| bin.0).max().unwrap_or(1) as f64;
    let points: Vec<String> = bins.iter().map(|(_, said, are)| format!("{:.1},{:.1}", x(*said), y(*are))).collect();
    let _ = writeln!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"#06c\"/>", points.join(" "));
    for (count, said, are) in bins {
        let radius = 2.0 + 6.0 * (*count as f64 / most).sqrt();
        let _ = writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius:.1}\" fill=\"#06c\"><title>{count} texts, said {said:.3}, are {are:.3}</title></circle>",
            x(*said),
            y(*are)
        );
    }
    let _ = write!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">probability that is said</text>\n\
         <text transform=\"translate(12 {}) rotate(-90)\" text-anchor=\"middle\">share that has the label</text>\n</svg>\n",
        x(0.5),
        whole - 4.0,
        y(0.5)
    );
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bin_is_a_point() {
        let svg = reliability(&[(10, 0.1, 0.2), (40, 0.9, 0.8)]);
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("40 texts, said 0.900, are 0.800") && svg.ends_with("</svg>\n"));
    }
}
