//! The `argon` command: git for MongoDB-shaped data.
//!
//! Where to look:
//! - `args`: the command line as types; its help is the manual;
//! - `commands`: one command a file;
//! - `backends`: which stores there are;
//! - `context`, `discover`, `credentials`, `pointer`, `config`: which store, project and branch a
//!   command works on;
//! - `settings`: `argon.toml` and what stands above it;
//! - `range`: ranges of commits as they are typed;
//! - `finish`: what is done after every command; `counts`: keeping what they count; `logging`: what is
//!   told of them to operators;
//! - `hooks`: commands that accept or refuse a result; `webhook`: posting to others;
//! - `import`: files and dumps into commits;
//! - `changes`: differences of documents and collections, as text and as JSON; `patches`: as text that
//!   can be applied;
//! - `plans`: merges, undo and cherry-picks: policies, showing, checking, committing;
//! - `duration`: lengths of time on the command line;
//! - `output`: tables, JSON, words on stderr; `exit`: errors and exit codes;
//! - `formats`: how documents come in and go out.

pub mod args;
mod backends;
mod changes;
mod commands;
mod config;
mod context;
mod counts;
mod credentials;
mod discover;
mod duration;
mod exit;
mod finish;
pub mod formats;
mod hooks;
mod import;
mod keys;
mod logging;
mod output;
mod panics;
mod patches;
mod plans;
mod pointer;
mod range;
mod settings;
mod usage;
mod webhook;

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
/// A wrong command line gives code 2, `--help` gives 0.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let Cli { options, command } = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return usage::report(&error, &args),
    };
    panics::tame_engines();
    let context = match Context::new(options, command.is_deprecated()) {
        Ok(context) => context,
        Err((failure, output)) => return failure.report(&output),
    };
    if let Err(error) = logging::start(context.options.log_format, context.settings().log.format) {
        return Failure::from(error).report(&context.output);
    }
    // The runtime is dropped before the process ends, and with it the last handle to the store, so
    // that the store is closed.
    let result = runtime().and_then(|runtime| runtime.block_on(finish::run(command, &context)));
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
