//! Measures and judges texts with one filter, by profile and settings: lines of JSON strings in; out,
//! a line of the reason (`-` for keep) and every measure, tab by tab.
//!
//!     measure gopher_quality@dclm 'min_words = 10' < texts.jsonl
//!
//! The profile `default` is none.

use std::io::{BufRead, Write};

use wanjuan_filters::kit::{Document, Filter, Measures, Setup, Text, Verdict};
use wanjuan_filters::{
    Classifier, Evalweb, GopherQuality, GopherRepetition, InformationDensity, InformationQuality, LongText,
    MadladQuality, Perplexity, TextQuality, Value,
};

fn run<F: Filter>(profile: &str, settings: &str) -> Result<(), Box<dyn std::error::Error>> {
    let known = F::PROFILES.iter().find(|known| known.name == profile);
    let mut config: toml::Table = match known {
        Some(profile) => toml::from_str(profile.settings)?,
        None if profile == "default" => toml::Table::new(),
        None => return Err("no such profile".into()),
    };
    config.extend(toml::from_str::<toml::Table>(settings)?);
    let filter = F::new(config.try_into()?, &mut Setup::default()).map_err(|wrong| wrong.what)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let names: Vec<&str> = F::Measure::INFO.iter().map(|info| info.name).collect();
    writeln!(out, "reason\t{}", names.join("\t"))?;
    let mut text = Text::default();
    for line in std::io::stdin().lock().lines() {
        text.replace(Document::new("", serde_json::from_str::<String>(&line?)?));
        let measure = filter.measure(&text);
        let reason = match filter.judge(&measure) {
            Verdict::Keep => "-",
            Verdict::Drop(reason) => reason,
        };
        let mut slots = vec![0.0; names.len()];
        measure.store(&mut slots);
        write!(out, "{reason}")?;
        for slot in slots {
            write!(out, "\t{slot}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [step, settings @ ..] = &arguments[..] else { return Err("measure STEP@PROFILE [SETTINGS]".into()) };
    let (step, profile) = step.split_once('@').ok_or("measure STEP@PROFILE [SETTINGS]")?;
    let settings = settings.join("\n");
    match step {
        "evalweb" => run::<Evalweb>(profile, &settings),
        "information_density" => run::<InformationDensity>(profile, &settings),
        "text_quality" => run::<TextQuality>(profile, &settings),
        "information_quality" => run::<InformationQuality>(profile, &settings),
        "value" => run::<Value>(profile, &settings),
        "classifier" => run::<Classifier>(profile, &settings),
        "perplexity" => run::<Perplexity>(profile, &settings),
        "long_text" => run::<LongText>(profile, &settings),
        "gopher_quality" => run::<GopherQuality>(profile, &settings),
        "madlad_quality" => run::<MadladQuality>(profile, &settings),
        "gopher_repetition" => run::<GopherRepetition>(profile, &settings),
        _ => Err("no such filter".into()),
    }
}
