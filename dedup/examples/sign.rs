//! Signs texts: lines of JSON strings in, a JSON list of minima out, or `null` for a text without shingles.
//! `sign PROFILE [SETTINGS]`, where SETTINGS is TOML, or `sign PROFILE SETTINGS --time` for the rate alone.

use std::io::{BufRead, Write};

use wanjuan_dedup::minhash::{PROFILES, Scratch, Settings, Signer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let name = arguments.first().ok_or("which profile?")?;
    let profile = PROFILES.iter().find(|profile| profile.name == name).ok_or("no such profile")?;
    let mut settings: toml::Table = profile.settings.parse()?;
    settings.extend(arguments.get(1).map_or("", String::as_str).parse::<toml::Table>()?);
    let settings: Settings = settings.try_into()?;
    let signer = Signer::new(&settings).map_err(|wrong| wrong.what)?;
    let (mut scratch, mut signature) = (Scratch::default(), Vec::new());
    let input: Vec<String> = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    let texts: Vec<String> = input.iter().map(|line| serde_json::from_str(line)).collect::<Result<_, _>>()?;
    if arguments.get(2).is_some_and(|argument| argument == "--time") {
        // Dictionaries are loaded when they are first needed.
        for text in texts.iter().take(10) {
            signer.sign(text, &mut scratch, &mut signature);
        }
        let bytes: usize = texts.iter().map(String::len).sum();
        let started = cpu_seconds()?;
        let signed = texts.iter().filter(|text| signer.sign(text, &mut scratch, &mut signature)).count();
        println!("{signed} {bytes} {}", cpu_seconds()? - started);
        return Ok(());
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for text in &texts {
        if signer.sign(text, &mut scratch, &mut signature) {
            writeln!(out, "{}", serde_json::to_string(&signature)?)?;
        } else {
            writeln!(out, "null")?;
        }
    }
    Ok(())
}

/// Time this thread has had a processor (Linux).
fn cpu_seconds() -> Result<f64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split_whitespace().next().ok_or("no time")?.parse::<u64>()? as f64 / 1e9)
}
