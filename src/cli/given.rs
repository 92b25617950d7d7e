//! Which options of `wanjuan train-scorer` stand on the command line: one kind's are no other's.

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, FromArgMatches};

use super::train_scorer::Kind;
use crate::scorer::Error;

/// The options that stand on the command line.
pub struct Given(Vec<String>);

/// Options that one kind alone has.
const OF_FASTTEXT: [&str; 22] = [
    "positive",
    "negative",
    "labels",
    "spoil",
    "score",
    "most",
    "keep_held_out",
    "words",
    "lowercase",
    "max_chars",
    "dim",
    "epochs",
    "rate",
    "loss",
    "word_ngrams",
    "min_n",
    "max_n",
    "bucket",
    "min_count",
    "vectors",
    "small",
    "seed",
];
const OF_ENCODER: [&str; 7] = ["model", "number", "ridge", "min_agreement", "pool", "ask", "device"];

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Given, clap::Error> {
        let given = |id: &&clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
        Ok(Given(matches.ids().filter(given).map(|id| id.as_str().to_owned()).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Given::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Given {
    fn augment_args(command: clap::Command) -> clap::Command {
        command
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        command
    }
}

impl Given {
    /// Refuses options that only the other kind has: they would be passed over in silence.
    pub fn fit(&self, kind: Kind) -> Result<(), Error> {
        let (others, name) = match kind {
            Kind::Fasttext => (&OF_ENCODER[..], "encoder"),
            Kind::Encoder => (&OF_FASTTEXT[..], "fasttext"),
        };
        match self.0.iter().find(|id| others.contains(&id.as_str())) {
            None => Ok(()),
            Some(id) => {
                let what = format!("`--{}` is an option of `--kind {name}` alone", id.replace('_', "-"));
                Err(Error::wrong(what, "leave it out; `wanjuan train-scorer --help` says what belongs to which"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        train: super::super::train_scorer::TrainScorer,
    }

    #[test]
    fn every_option_is_of_both_kinds_or_named_as_of_one() {
        let both = [
            "given", "kind", "name", "out", "files", "text", "label", "language", "held_out", "threads", "decides",
            "origin", "licence", "weakness", "help",
        ];
        let known = || OF_FASTTEXT.iter().chain(&OF_ENCODER).chain(&both);
        let command = Line::command();
        for argument in command.get_arguments() {
            let id = argument.get_id().as_str();
            assert!(known().any(|known| *known == id), "{id} is of no kind");
        }
        let there = |id: &&&str| command.get_arguments().any(|argument| argument.get_id() == **id);
        assert_eq!(OF_FASTTEXT.iter().chain(&OF_ENCODER).filter(there).count(), OF_FASTTEXT.len() + OF_ENCODER.len());
    }
}
