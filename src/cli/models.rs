//! `wanjuan models`: the models that come along and those in a folder, by their cards.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use wanjuan_models::card::{Card, Error, sha256_of_file};
use wanjuan_models::shipped;

use super::train_scorer::table;
use super::{Exit, Output, say};
use crate::config::nearest;
use crate::numbers::size;

/// Models: those that come along, and those in a folder
///
/// Every model has a card that says what it decides, what it was trained on, how well it does on texts that were held
/// out, and the sum of its bytes, which is checked whenever the model is loaded.
#[derive(Args)]
#[command(after_help = "\
Examples:
  wanjuan models list
  wanjuan models list --folder scorers
  wanjuan models show toxic-zh
  wanjuan models verify --folder scorers
  wanjuan models fetch big.card.toml --to scorers --from /mnt/models/big.ftz")]
pub struct Models {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Name every model with what it decides
    List(Where),
    /// Show the card of one
    Show {
        /// Its name, its card or its file
        name: String,
        #[command(flatten)]
        place: Where,
    },
    /// Check that every model's bytes are those that its card speaks of
    Verify(Where),
    /// Take a model from where its card says, check it, and put it beside its card
    Fetch(Fetch),
}

#[derive(Args)]
struct Where {
    /// Models with their cards, beside those that come along
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// How to answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Args)]
struct Fetch {
    /// The card's file, or the name of a model that comes along
    card: String,
    /// The folder that the model and its card are put into
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Where the model's file lies [default: where the card says]
    #[arg(long, value_name = "FILE")]
    from: Option<String>,
}

/// A card, and the folder of its model, if it does not come along.
struct Found {
    card: Card,
    folder: Option<PathBuf>,
}

/// Why a command ends.
struct Ended(String, Option<String>, Exit);

impl Ended {
    fn wrong(what: impl Into<String>, help: impl Into<String>) -> Ended {
        Ended(what.into(), Some(help.into()), Exit::Wrong)
    }

    fn of(error: &Error) -> Ended {
        let exit = if matches!(error, Error::Io(..)) { Exit::Machine } else { Exit::Wrong };
        Ended(error.to_string(), None, exit)
    }
}

impl Models {
    pub fn run(self) -> Exit {
        let ended = match self.command {
            Command::List(place) => list(&place),
            Command::Show { name, place } => show(&name, &place),
            Command::Verify(place) => verify(&place),
            Command::Fetch(fetch) => fetch.run(),
        };
        match ended {
            Ok(told) => {
                say(&told);
                Exit::Done
            }
            Err(Ended(what, help, exit)) => {
                tell!("error: {what}");
                help.into_iter().for_each(|help| tell!("help: {help}"));
                exit
            }
        }
    }
}

/// Models that come along, then those of the folder, by name.
fn all(folder: Option<&Path>) -> Result<Vec<Found>, Ended> {
    let mut found: Vec<Found> = shipped::all().map(|(card, _)| Found { card, folder: None }).collect();
    let Some(folder) = folder else { return Ok(found) };
    let unreadable = |error: std::io::Error| Ended::of(&Error::Io(folder.to_owned(), error));
    let mut cards = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with("card.toml")) {
            cards.push(path);
        }
    }
    cards.sort();
    for path in cards {
        let card = Card::read(&path).map_err(|error| Ended::of(&error))?;
        found.push(Found { card, folder: Some(folder.to_owned()) });
    }
    Ok(found)
}

fn list(place: &Where) -> Result<String, Ended> {
    let found = all(place.folder.as_deref())?;
    if place.output == Output::Json {
        let cards: Vec<&Card> = found.iter().map(|found| &found.card).collect();
        return Ok(format!("{:#}\n", serde_json::json!(cards)));
    }
    let width = found.iter().map(|found| found.card.name.chars().count()).max().unwrap_or(0) + 2;
    let mut text = String::new();
    for Found { card, .. } in &found {
        let languages = card.languages.join(" ");
        let _ = writeln!(
            text,
            "{:<width$}{:<11}{:>9}  {languages:<8}{}",
            card.name,
            card.kind,
            size(card.bytes),
            card.decides
        );
    }
    Ok(text)
}

fn show(name: &str, place: &Where) -> Result<String, Ended> {
    let card = card_of(name, place.folder.as_deref())?.card;
    if place.output == Output::Json {
        return Ok(format!("{:#}\n", serde_json::json!(card)));
    }
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{name:<11}{value}");
        }
    };
    line("name", &card.name);
    line("kind", &card.kind);
    line("file", &format!("{}, {}, sha256 {}", card.file, size(card.bytes), card.sha256));
    for part in &card.more {
        line("with", &format!("{}, {}, sha256 {}", part.file, size(part.bytes), part.sha256));
    }
    line("decides", &card.decides);
    line("languages", &card.languages.join(", "));
    line("labels", &card.labels.iter().take(20).map(String::as_str).collect::<Vec<_>>().join(", "));
    line("reads", &reads(&card));
    line("origin", &card.origin);
    line("licence", &card.licence);
    line("trained", &card.trained);
    for data in &card.data {
        line("data", &format!("{}, {} texts {} {}", data.name, data.documents, data.origin, data.licence));
    }
    line("measured", &card.measured);
    line("weakness", &card.weakness);
    if !card.held_out.is_empty() {
        let _ = write!(text, "\n{}", table(&card.held_out));
    }
    Ok(text)
}

fn reads(card: &Card) -> String {
    let mut told = Vec::new();
    told.extend(card.reads.words.as_ref().map(|words| format!("words cut as `{words}`")));
    told.extend(card.reads.lowercase.then(|| "in lower case".to_owned()));
    told.extend(card.reads.normalize.as_ref().map(|form| format!("in the form `{form}`")));
    told.extend(card.reads.pieces.as_ref().map(|file| format!("pieces of {file}")));
    told.extend(card.reads.max_chars.map(|chars| format!("the first {chars} characters")));
    told.join(", ")
}

/// A card by its model's name, by its file, or by its model's file.
fn card_of(name: &str, folder: Option<&Path>) -> Result<Found, Ended> {
    let path = Path::new(name);
    if path.is_file() {
        let folder = path.parent().map(Path::to_owned);
        if name.ends_with("card.toml") {
            return Ok(Found { card: Card::read(path).map_err(|error| Ended::of(&error))?, folder });
        }
        return match Card::beside(path).map_err(|error| Ended::of(&error))? {
            Some(card) => Ok(Found { card, folder }),
            None => Err(Ended::wrong(format!("{name} has no card"), "a card is called NAME.card.toml or card.toml")),
        };
    }
    let mut found = all(folder)?;
    match found.iter().position(|found| found.card.name == name) {
        Some(at) => Ok(found.swap_remove(at)),
        None => {
            let names: Vec<&str> = found.iter().map(|found| found.card.name.as_str()).collect();
            let help = match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", names.join(", ")),
            };
            Err(Ended::wrong(format!("there is no model `{name}`"), help))
        }
    }
}

fn verify(place: &Where) -> Result<String, Ended> {
    let mut text = String::new();
    let mut differ = Vec::new();
    for Found { card, folder } in all(place.folder.as_deref())? {
        let verified = match &folder {
            Some(folder) => card.verify(folder),
            None => {
                let (_, bytes) = shipped::find(&card.kind, &card.name).expect("it comes along");
                card.verify_bytes(bytes)
            }
        };
        match verified {
            Ok(()) => _ = writeln!(text, "ok  {}", card.name),
            Err(error) => differ.push(error.to_string()),
        }
    }
    if differ.is_empty() {
        return Ok(text);
    }
    say(&text);
    Err(Ended::wrong(differ.join("\nerror: "), "fetch or train these models again"))
}

impl Fetch {
    fn run(self) -> Result<String, Ended> {
        let found = card_of(&self.card, None)?;
        let card = &found.card;
        let io = |path: &Path, error: std::io::Error| Ended::of(&Error::Io(path.to_owned(), error));
        std::fs::create_dir_all(&self.to).map_err(|error| io(&self.to, error))?;
        let parts = card.more.iter().map(|part| (part.file.as_str(), part.bytes, part.sha256.as_str()));
        let parts: Vec<_> = [(card.file.as_str(), card.bytes, card.sha256.as_str())].into_iter().chain(parts).collect();
        let partial = |file: &str| self.to.join(format!("{file}.partial"));
        let taken = parts.iter().try_for_each(|&(file, bytes, sum)| {
            let partial = partial(file);
            self.take(&found, file, &partial)?;
            let taken = sha256_of_file(&partial).map_err(|error| io(&partial, error))?;
            match taken == (bytes, sum.to_owned()) {
                true => Ok(()),
                false => Err(Ended::wrong(
                    format!(
                        "what was fetched as {file} has {} bytes and sha256 {}; the card says {bytes} and {sum}",
                        taken.0, taken.1
                    ),
                    "nothing was kept; the source holds another model",
                )),
            }
        });
        if let Err(ended) = taken {
            parts.iter().for_each(|(file, ..)| _ = std::fs::remove_file(partial(file)));
            return Err(ended);
        }
        let mut told = String::new();
        for &(file, bytes, _) in &parts {
            let path = self.to.join(file);
            std::fs::rename(partial(file), &path).map_err(|error| io(&path, error))?;
            let _ = writeln!(told, "{}  {}", path.display(), size(bytes));
        }
        let beside = self.to.join(&card.file).with_extension("card.toml");
        std::fs::write(&beside, card.to_toml()).map_err(|error| io(&beside, error))?;
        Ok(told)
    }

    /// Takes a file of the model; further ones lie beside the first.
    fn take(&self, found: &Found, file: &str, to: &Path) -> Result<(), Ended> {
        let Found { card, folder } = found;
        let io = |path: &Path, error: std::io::Error| Ended::of(&Error::Io(path.to_owned(), error));
        match (folder, self.from.as_ref().or(card.url.as_ref())) {
            (None, None) => {
                let shipped = match file == card.file {
                    true => shipped::find(&card.kind, &card.name).map(|(_, bytes)| bytes),
                    false => shipped::part(card, file),
                };
                std::fs::write(to, shipped.expect("it comes along")).map_err(|error| io(to, error))
            }
            (Some(folder), None) => {
                let beside = folder.join(file);
                std::fs::copy(&beside, to).map(|_| ()).map_err(|error| io(&beside, error))
            }
            (_, Some(from)) if file == card.file => take(from, to),
            (_, Some(from)) => take(&beside(from, file), to),
        }
    }
}

/// Another file beside one, on disk or at an address; what an address asks for behind `?` is asked for again.
fn beside(from: &str, file: &str) -> String {
    let (path, query) = match from.find('?').filter(|_| from.contains("://")) {
        Some(at) => from.split_at(at),
        None => (from, ""),
    };
    let folder = path.rfind('/').map_or("", |at| &path[..=at]);
    format!("{folder}{file}{query}")
}

/// Copies a file, or asks the system's `curl` for an address: this program speaks to no network by itself.
fn take(from: &str, to: &Path) -> Result<(), Ended> {
    let local = from.strip_prefix("file://").or_else(|| (!from.contains("://")).then_some(from));
    if let Some(path) = local {
        let path = Path::new(path);
        std::fs::copy(path, to).map_err(|error| Ended::of(&Error::Io(path.to_owned(), error)))?;
        return Ok(());
    }
    let status = std::process::Command::new("curl")
        .args(["--fail", "--silent", "--show-error", "--location", "--output"])
        .arg(to)
        .arg("--")
        .arg(from)
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => {
            let _ = std::fs::remove_file(to);
            Err(Ended(format!("{from} cannot be fetched"), Some("--from takes a file as well".into()), Exit::Machine))
        }
        Err(error) => Err(Ended(
            format!("curl: {error}"),
            Some("install curl, or fetch the file another way and give it by --from".into()),
            Exit::Machine,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_files_lie_beside_the_first() {
        for (from, expected) in [
            ("model.bin", "b.json"),
            ("/mnt/a/model.bin", "/mnt/a/b.json"),
            ("/mnt/why?/model.bin", "/mnt/why?/b.json"),
            ("file:///mnt/a/model.bin", "file:///mnt/a/b.json"),
            ("https://example.org/a/model.bin?download=1/2", "https://example.org/a/b.json?download=1/2"),
        ] {
            assert_eq!(beside(from, "b.json"), expected);
        }
    }
}
