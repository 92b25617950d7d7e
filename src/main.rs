//! The `wanjuan` command.

use std::process::ExitCode;

use wanjuan::registry::Registry;

fn main() -> ExitCode {
    wanjuan::cli::main(Registry::builtin())
}
