//! Judges URLs as `url_lists@datatrove` does: `judge_urls SETTINGS < LINES`, the settings in TOML, lines of
//! JSON strings in, one reason a line out (`-` for keep).

use std::io::{BufRead, Write};

use wanjuan_filters::UrlLists;
use wanjuan_filters::kit::{Document, Filter, Name, Setup, Step, Text, Verdict};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given = std::env::args().nth(1).unwrap_or_default();
    let settings = toml::from_str(&format!("{}\n{given}", UrlLists::PROFILES[0].settings))?;
    let step = UrlLists::new(settings, &mut Setup::default()).map_err(|wrong| wrong.what)?;
    let (url, mut text) = (Name::new("url"), Text::default());
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let mut document = Document::new("", "");
        document.set_field(url, serde_json::from_str::<String>(&line?)?);
        text.replace(document);
        let reason = match Filter::judge(&step, &step.measure(&text)) {
            Verdict::Keep => "-",
            Verdict::Drop(reason) => reason,
        };
        writeln!(out, "{reason}")?;
    }
    Ok(())
}
