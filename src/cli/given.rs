//! Which options of `wanjuan train-scorer` stand on the command line: one kind's are no other's.

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, FromArgMatches};

use super::train_encoder::Weights;
use super::train_scorer::Kind;
use crate::scorer::Error;

/// The options that stand on the command line.
pub struct Given(Vec<String>);

/// Options that not all kinds have, and those that have them.
const OF_SOME: [(&[Kind], &[&str]); 7] = [
    (
        &[Kind::Fasttext],
        &[
            "positive",
            "negative",
            "labels",
            "spoil",
            "score",
            "most",
            "keep_held_out",
            "max_chars",
            "dim",
            "loss",
            "word_ngrams",
            "min_n",
            "max_n",
            "bucket",
            "min_count",
            "vectors",
            "small",
        ],
    ),
    (&[Kind::Encoder], &["model", "weights", "number", "min_agreement", "pool", "ask", "device"]),
    (&[Kind::Encoder], OF_HEAD),
    (&[Kind::Encoder], OF_ALL),
    (&[Kind::Fasttext, Kind::Encoder], &["test", "epochs", "rate"]),
    (&[Kind::Ngram], &["order", "units", "pieces", "ccnet", "prune", "memory", "temp"]),
    (&[Kind::Fasttext, Kind::Ngram], &["words", "lowercase"]),
];

/// Options of heads of encoders alone, and of encoders whose weights are all trained.
const OF_HEAD: &[&str] = &["ridge"];
const OF_ALL: &[&str] = &["batch", "max_tokens", "warm_up", "weight_decay", "clip"];
/// Options that other kinds have too, but heads of encoders do not.
const NOT_OF_HEAD: &[&str] = &["epochs", "rate", "seed"];

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
    /// Refuses options that only other kinds have: they would be passed over in silence.
    pub fn fit(&self, kind: Kind) -> Result<(), Error> {
        for (kinds, options) in OF_SOME.iter().filter(|(kinds, _)| !kinds.contains(&kind)) {
            if let Some(id) = self.0.iter().find(|id| options.contains(&id.as_str())) {
                let name = |kind: &Kind| format!("`--kind {}`", format!("{kind:?}").to_lowercase());
                let names: Vec<String> = kinds.iter().map(name).collect();
                let what = format!("`--{}` is an option of {} alone", id.replace('_', "-"), names.join(" and "));
                return Err(Error::wrong(
                    what,
                    "leave it out; `wanjuan train-scorer --help` says what belongs to which",
                ));
            }
        }
        Ok(())
    }

    /// Refuses options that have no meaning for the weights of an encoder that are trained.
    pub fn of_weights(&self, weights: Weights) -> Result<(), Error> {
        let (wrong, lists) = match weights {
            Weights::Head => ("all", &[OF_ALL, NOT_OF_HEAD][..]),
            Weights::All => ("head", &[OF_HEAD][..]),
        };
        match self.0.iter().find(|id| lists.iter().any(|list| list.contains(&id.as_str()))) {
            Some(id) => Err(Error::wrong(
                format!("`--{}` is an option of `--weights {wrong}` alone", id.replace('_', "-")),
                format!("leave it out, or say --weights {wrong}"),
            )),
            None => Ok(()),
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
    fn every_option_is_of_all_kinds_or_named_as_of_some() {
        let all = [
            "given", "kind", "name", "out", "files", "text", "label", "language", "held_out", "threads", "decides",
            "origin", "licence", "weakness", "help", "seed",
        ];
        let some = || OF_SOME.iter().flat_map(|(_, options)| options.iter());
        let command = Line::command();
        for argument in command.get_arguments() {
            let id = argument.get_id().as_str();
            assert!(some().chain(&all).any(|known| *known == id), "{id} is of no kind");
        }
        let there = |id: &&&str| command.get_arguments().any(|argument| argument.get_id() == **id);
        assert_eq!(some().filter(there).count(), some().count());
    }
}
