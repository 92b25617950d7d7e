//! The command line.

/// Writes a line to standard error. That it cannot be written (a log on a full disk) ends nothing.
macro_rules! tell {
    ($($argument:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stderr().lock(), $($argument)*);
    }};
}

mod check;
mod clean;
mod diff;
mod duplicates;
mod exit_codes;
mod explain;
mod given;
mod init;
mod isolation;
mod learning;
mod models;
mod overrides;
mod preflight;
mod progress;
mod report;
mod run;
mod test;
mod train_encoder;
mod train_ngram;
mod train_scorer;
mod tune;
mod why;

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

pub use exit_codes::Exit;

use crate::config::{self, Pipeline};
use crate::registry::Registry;

/// Turns raw web text into the tokens a language model learns from.
///
/// A pipeline file says what is read, which steps judge and rewrite it, and where it goes.
#[derive(Parser)]
#[command(name = "wanjuan", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  wanjuan init > pipeline.toml        a commented file to start from
  wanjuan check pipeline.toml         every mistake at once, then the graph
  wanjuan run pipeline.toml           run it; run it again to resume
  wanjuan why out/mine doc-17         what happened to one document
  wanjuan tune out/mine --sweep gopher_quality.min_words=10:100:10
  wanjuan diff old.toml new.toml      what two pipelines keep of the same input
  wanjuan duplicates out/mine         what stands for what, and what differs
  wanjuan explain gopher_quality      what a step does, its settings and sources

Exit codes: 0 done, 1 a [[test]] failed, 2 the pipeline or the command is wrong, 3 too many bad records,
4 the machine failed (run the same command to resume), 130 interrupted (the same).";

#[derive(Subcommand)]
enum Command {
    /// Run a pipeline; a run that was cut short goes on where it stopped
    Run(run::Run),
    /// Report every mistake of a pipeline file, then draw its graph; runs nothing
    Check(check::Check),
    /// Run the [[test]] cases of a pipeline file
    Test(test::Test),
    /// Tell what happened to one document of a finished run
    Why(why::Why),
    /// Tell what other thresholds would keep of a finished run, without reading the corpus
    Tune(tune::Tune),
    /// Compare what two pipelines, profiles, outputs or lists of ids keep of the same documents
    Diff(diff::Diff),
    /// Show the duplicates of a finished run: clusters, what differs in them, and what was removed
    Duplicates(duplicates::Duplicates),
    /// Write the report of a finished run again
    Report(report::Report),
    /// List every source, step and sink
    List(explain::List),
    /// Describe one step: what it does, its settings, its sources
    Explain(explain::Explain),
    /// Train a small model that scores texts, from labelled ones or from two corpora
    TrainScorer(Box<train_scorer::TrainScorer>),
    /// List, show, verify and fetch models by their cards
    Models(models::Models),
    /// Write a commented pipeline file to start from
    Init(init::Init),
    /// Remove what a run keeps to be resumed; the results stay
    Clean(clean::Clean),
    /// Write the JSON schema of pipeline files, for editors
    Schema,
    #[command(hide = true)]
    Isolated(isolation::Isolated),
    /// Write completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// How a command answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Output {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// Runs the command line with the steps of `registry`, and returns the process's exit code.
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     wanjuan::cli::main(wanjuan::registry::Registry::builtin())
/// }
/// ```
pub fn main(registry: Registry) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Wrong.into() } else { Exit::Done.into() };
        }
    };
    let exit = match cli.command {
        Command::Run(command) => command.run(&registry),
        Command::Check(command) => command.run(&registry),
        Command::Test(command) => command.run(&registry),
        Command::Why(command) => command.run(&registry),
        Command::Tune(command) => command.run(&registry),
        Command::Diff(command) => command.run(&registry),
        Command::Duplicates(command) => command.run(),
        Command::Report(command) => command.run(&registry),
        Command::List(command) => command.run(&registry),
        Command::Explain(command) => command.run(&registry),
        Command::TrainScorer(command) => command.run(),
        Command::Models(command) => command.run(),
        Command::Init(command) => command.run(),
        Command::Clean(command) => command.run(),
        Command::Isolated(command) => command.run(&registry),
        Command::Schema => explain::schema(&registry),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "wanjuan", &mut std::io::stdout());
            Exit::Done
        }
    };
    exit.into()
}

/// Writes to standard output. A reader that has gone away (`| head`) ends the program in silence.
fn say(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(Exit::Done as i32),
        Err(error) => {
            tell!("error: standard output: {error}");
            std::process::exit(Exit::Machine as i32);
        }
    }
}

/// Checks a pipeline file; complaints go to standard error, or as JSON to standard output.
fn load(registry: &Registry, file: &Path, sets: &[String], output: Output) -> Result<Pipeline, Exit> {
    config::load(registry, file, sets).map_err(|complaints| {
        match output {
            Output::Text => tell!("{}", complaints.render(std::io::stderr().is_terminal()).trim_end()),
            Output::Json => say(&format!("{:#}\n", complaints.to_json())),
        }
        Exit::Wrong
    })
}
