//! The `argon` command: git for MongoDB-shaped data.
//!
//! Where to look:
//! - `args`: the command line as types; its help is the manual;
//! - `commands`: one command a file;
//! - `context`, `discover`, `config`: which store, project and branch a command works on;
//! - `import`: files and dumps into commits;
//! - `changes`: differences of documents and collections, as text and as JSON;
//! - `output`: tables, JSON, words on stderr; `exit`: errors and exit codes;
//! - `formats`: how documents come in and go out.

pub mod args;
mod changes;
mod commands;
mod config;
mod context;
mod discover;
mod exit;
pub mod formats;
mod import;
mod output;
mod panics;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::context::Context;
use crate::exit::Failure;

/// Threads for what does not block: reading streams, committing. Engines block on their own.
const WORKER_THREADS: usize = 2;

/// Runs the command line `args`, the program's name first.
///
/// A wrong command line ends the process, as `clap` does it: with code 2, or 0 after `--help`.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Cli { options, command } = Cli::parse_from(args);
    panics::tame_engines();
    let context = Context::new(options);
    // The runtime is dropped before the process ends, and with it the last handle to the store, so
    // that the store is closed.
    let result = runtime().and_then(|runtime| runtime.block_on(command.run(&context)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(&context.output),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .enable_all()
        .build()
        .map_err(|source| {
            argon_core::Error::unavailable("no threads could be started").with_source(source).into()
        })
}
