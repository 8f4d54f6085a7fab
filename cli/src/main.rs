//! The `argon` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    argon_cli::run(std::env::args_os())
}
