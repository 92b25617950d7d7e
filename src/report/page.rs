//! The page: the report as HTML, with its charts laid out.
//!
//! Texts, ids and names come from the web, so the template escapes everything, and characters that would
//! change how a page reads (controls, marks of direction) are shown by their names.

use std::io;
use std::time::Duration;

use minijinja::{Environment, UndefinedBehavior, context, value::Serde};
use serde::Serialize;

use super::bins::{multiples, round_step};
use super::{MeasureReport, Report};
use crate::numbers;
use crate::visible::visible;

const TEMPLATE: &str = include_str!("page.html");
/// A chart, in the units of its own drawing.
const WIDTH: f64 = 260.0;
const HEIGHT: f64 = 84.0;
/// What of the height the smaller side of a chart has at least.
const LEAST_SIDE: f64 = 14.0;
/// Labels below a chart, about.
const TICKS: f64 = 4.0;

/// The page of a report.
pub fn render(report: &Report) -> io::Result<String> {
    let mut page = Environment::new();
    page.set_undefined_behavior(UndefinedBehavior::Strict);
    page.add_filter("count", numbers::count);
    page.add_filter("size", numbers::size);
    page.add_filter("number", number);
    page.add_filter("plain", |text: String| visible(&text));
    page.add_filter("duration", |seconds: f64| numbers::duration(Duration::from_secs_f64(seconds)));
    page.add_function("share", numbers::share);
    page.add_function("rewritten", numbers::rewritten);
    page.add_function("bar", |part: u64, whole: u64| format!("{:.2}", 1000.0 * part as f64 / whole.max(1) as f64));
    page.add_template("page.html", TEMPLATE).map_err(io::Error::other)?;
    let charts: Vec<Charts<'_>> = report
        .steps
        .iter()
        .filter(|step| !step.measures.is_empty())
        .map(|step| Charts { step: &step.name, charts: step.measures.iter().map(Chart::of).collect() })
        .collect();
    let most = report.steps.iter().filter_map(|step| step.seen).max().unwrap_or(0).max(report.totals.documents);
    // The commonest languages, and how many more there are.
    let languages: Vec<_> = report.sinks.iter().map(|sink| super::by_count(&sink.counts.languages)).collect();
    let rate = report
        .run
        .as_ref()
        .filter(|run| run.phases.iter().all(|phase| phase.skipped == 0) && run.seconds > 0.0)
        .map(|run| format!("{:.1}", report.totals.bytes as f64 / 1e6 / run.seconds));
    let page = page.get_template("page.html").map_err(io::Error::other)?;
    let all = context! {
        report => Serde(report),
        charts => Serde(charts),
        languages => Serde(languages),
        most,
        rate,
        width => WIDTH,
        height => HEIGHT,
    };
    page.render(all).map_err(io::Error::other)
}

/// A number in few characters.
fn number(value: f64) -> String {
    let size = value.abs();
    let shown = |value: f64, unit: &str| {
        let digits = if value.abs() < 10.0 && value.fract() != 0.0 { 1 } else { 0 };
        format!("{value:.digits$}{unit}")
    };
    match size {
        1e15.. => format!("{value:.0e}"),
        1e9.. => shown(value / 1e9, " G"),
        1e6.. => shown(value / 1e6, " M"),
        1e4.. => shown(value / 1e3, " k"),
        1e3.. => format!("{}{}", if value < 0.0 { "-" } else { "" }, numbers::count(size as u64)),
        100.0.. => format!("{value:.0}"),
        1.0.. => trimmed(format!("{value:.2}")),
        1e-4.. => trimmed(format!("{value:.4}")),
        0.0 => "0".to_owned(),
        _ => format!("{value:.1e}"),
    }
}

fn trimmed(text: String) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The charts of a step.
#[derive(Serialize)]
struct Charts<'a> {
    step: &'a str,
    charts: Vec<Chart<'a>>,
}

/// A histogram as it is drawn: what was kept above the line, what was dropped below it.
#[derive(Serialize)]
struct Chart<'a> {
    measure: &'a MeasureReport,
    kept: u64,
    dropped: u64,
    /// Height of the line.
    line: f64,
    bars: Vec<Bar>,
    ticks: Vec<Tick>,
    /// Thresholds that lie within the chart.
    marks: Vec<f64>,
}

#[derive(Serialize)]
struct Bar {
    x: f64,
    width: f64,
    up: f64,
    down: f64,
    title: String,
}

#[derive(Serialize)]
struct Tick {
    x: f64,
    label: String,
    anchor: &'static str,
}

/// Two decimals are enough for a drawing.
fn drawn(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

impl<'a> Chart<'a> {
    fn of(measure: &'a MeasureReport) -> Chart<'a> {
        let histogram = &measure.histogram;
        // Of a square root's height, bars of one document stand beside those of thousands.
        let most = |counts: &[u64]| (counts.iter().copied().max().unwrap_or(0) as f64).sqrt();
        let (up, down) = (most(&histogram.kept), most(&histogram.dropped));
        let least = |side: f64| if side > 0.0 { LEAST_SIDE } else { 0.0 };
        // One scale for both sides, unless a side would vanish.
        let line = (HEIGHT * up / (up + down).max(1.0)).clamp(least(up), HEIGHT - least(down));
        let scale = (line / up.max(1.0)).min((HEIGHT - line) / down.max(1e-9));
        let scale = if down == 0.0 { line / up.max(1.0) } else { scale };
        let height = |count: u64| if count == 0 { 0.0 } else { drawn(((count as f64).sqrt() * scale).max(1.5)) };
        let step = WIDTH / histogram.kept.len() as f64;
        let mut bars = Vec::new();
        for (bin, (&kept, &dropped)) in histogram.kept.iter().zip(&histogram.dropped).enumerate() {
            if kept + dropped == 0 {
                continue;
            }
            let (from, to) = (number(histogram.edges[bin]), number(histogram.edges[bin + 1]));
            bars.push(Bar {
                x: drawn(bin as f64 * step),
                width: drawn((step - 0.6).max(step * 0.8)),
                up: height(kept),
                down: height(dropped),
                title: format!("{from} to {to}: {} kept, {} dropped", numbers::count(kept), numbers::count(dropped)),
            });
        }
        let place = |value: f64| histogram.position(value).map(|x| drawn(x * WIDTH));
        let marks = [measure.min, measure.max].into_iter().flatten().filter_map(place).collect();
        Chart {
            measure,
            kept: histogram.kept.iter().sum(),
            dropped: histogram.dropped.iter().sum(),
            line: drawn(line),
            bars,
            ticks: ticks(&histogram.edges)
                .into_iter()
                .filter_map(|value| Some((value, place(value)?)))
                .map(tick)
                .collect(),
            marks,
        }
    }
}

fn tick((value, x): (f64, f64)) -> Tick {
    let anchor = match x {
        ..10.0 => "start",
        250.0.. => "end",
        _ => "middle",
    };
    Tick { x, label: number(value), anchor }
}

/// Values to be written below a chart.
fn ticks(edges: &[f64]) -> Vec<f64> {
    let (Some(&low), Some(&high)) = (edges.first(), edges.last()) else { return Vec::new() };
    let width = |bin: usize| edges[bin + 1] - edges[bin];
    let doubling = edges.len() > 3 && width(edges.len() - 2) > 1.5 * width(1);
    if !doubling {
        return multiples(low, high, round_step(high - low, TICKS));
    }
    let mut powers = vec![low];
    let mut power = 1.0;
    while power <= high {
        if power > low {
            powers.push(power);
        }
        power *= 10.0;
    }
    if powers.len() > 2 {
        let stride = powers.len().div_ceil(TICKS as usize + 1);
        return powers.into_iter().skip(usize::from(low > 0.0)).step_by(stride).collect();
    }
    let middle = edges[edges.len() / 2];
    vec![low, middle, high]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Histogram, Totals};

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 0.00001, 0.25, 3.0, 3.456, 123.4, 1500.0, 25000.0, 2.5e6, 1e300, -1500.0].map(number);
        assert_eq!(
            shown,
            ["0", "1.0e-5", "0.25", "3", "3.46", "123", "1,500", "25 k", "2.5 M", "1e300", "-1,500"].map(str::to_owned)
        );
    }

    #[test]
    fn what_is_invisible_is_shown() {
        assert_eq!(visible("a\0b\u{202e}c\u{7f}\n语"), "a\u{2400}b[U+202E]c\u{2421}\n语");
    }

    #[test]
    fn bars_stay_in_their_chart_and_the_rare_are_seen() {
        let mut histogram = Histogram::fit(0.0, 1.0, &[0.5]);
        (0..1000).for_each(|_| histogram.add(0.25, false, true));
        histogram.add(0.75, true, false);
        let measure = MeasureReport { name: "m".into(), about: String::new(), min: Some(0.5), max: None, histogram };
        let chart = Chart::of(&measure);
        assert_eq!((chart.bars.len(), chart.kept, chart.dropped, &chart.marks[..]), (2, 1000, 1, &[130.0][..]));
        assert!(chart.bars.iter().all(|bar| bar.up <= chart.line && bar.down <= HEIGHT - chart.line));
        assert!(chart.bars[1].down >= 1.0);
    }

    #[test]
    fn a_report_of_nothing_is_a_page_and_a_name_is_escaped() {
        let report = Report {
            wanjuan: "1".into(),
            name: "<script>alert(1)</script>".into(),
            seed: 0,
            totals: Totals::default(),
            set_aside: Vec::new(),
            dropped_kept: Default::default(),
            steps: Vec::new(),
            sinks: Vec::new(),
            statistics: Vec::new(),
            run: None,
        };
        let page = render(&report).unwrap();
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
    }
}
