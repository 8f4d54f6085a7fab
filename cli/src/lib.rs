//! The `argon` command: git for MongoDB-shaped data.
//!
//! Where to look:
//! - `args`: the command line as types; `help`: its help, which is the manual;
//! - `commands`: one command a file;
//! - `context`: which store, project and branch a command works on;
//! - `teardown`: what is done after every command; `logging`, `telemetry`: their spans, for operators;
//! - `editor`: the user's editor; `completion`: names that a shell completes;
//! - `changes`: differences of documents and collections, as text and as JSON;
//! - `shell`: `argon shell`;
//! - `plans`: merges, undo and cherry-picks: policies, showing, checking, committing;
//! - `output`: tables, JSON, words on stderr; `exit`: errors and exit codes; `hints`: what can be
//!   done about an error, as commands.
//!
//! What users do is `argon-service`; how documents come in and go out is `argon-formats`.

pub mod args;
mod changes;
mod commands;
mod completion;
mod context;
mod editor;
mod exit;
mod help;
mod hints;
mod logging;
mod output;
mod panics;
mod plans;
mod shell;
mod teardown;
#[cfg(feature = "otel")]
mod telemetry;
mod usage;

use std::env::ArgsOs;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use clap::FromArgMatches;
use tracing::Instrument;

use crate::args::Cli;
use crate::commands::Command;
use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::logging::Logging;
use crate::output::{Format, Output};

/// Threads for what does not block: reading streams, committing. Engines block on their own.
const WORKER_THREADS: usize = 2;

/// How long threads that block may go on after a command was interrupted.
const CLOSING: Duration = Duration::from_secs(1);
/// How long work in the background may go on once a command has its result. What an engine does has
/// bounds of its own; this is for what it reads on a disk that does not answer.
const LONGEST_CLOSE: Duration = Duration::from_secs(90);

/// How often it is looked whether a read of the store hangs.
const LOOK: Duration = Duration::from_secs(1);

/// The stack of a command, as much as a program's first thread has.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Runs the command line `args`, the program's name first.
///
/// A wrong command line gives code 2, `--help` gives 0.
///
/// It is not generic: all commands would be compiled with the program then, a second time.
pub fn run(args: ArgsOs) -> ExitCode {
    let args: Vec<OsString> = args.collect();
    if let Some(code) = completion::answer(&args) {
        return code;
    }
    let (Cli { options, command }, name) = match parsed(&args) {
        Ok(parsed) => parsed,
        Err(error) => return usage::report(&error, &args),
    };
    panics::tame_engines();
    // Help is for whoever has settings that can't be read, too.
    if let Command::Help(args) = command {
        let output = Output::new(Format::Table, false);
        return args.run().map_or_else(|failure| failure.report(&output), |()| ExitCode::SUCCESS);
    }
    let context = match Context::new(options, command.is_deprecated()) {
        Ok(context) => context,
        Err((failure, output)) => return failure.report(&output),
    };
    let format = context.settings().log.format;
    let logging =
        match Logging::start(context.options.log_format.map(Into::into), format, &context.output) {
            Ok(logging) => logging,
            Err(error) => return Failure::from(error).report(&context.output),
        };
    if command.is_queued()
        && let Err(source) = output::stream::start(command.is_paged() && !context.options.no_pager)
    {
        let error = argon_core::Error::unavailable("no thread could be started");
        return Failure::from(error.with_source(source)).report(&context.output);
    }
    // The runtime ends before the process does, and with it the last handle to the store, so that the
    // store is closed.
    let context = Arc::new(context);
    let result = watched({
        let context = context.clone();
        move || {
            let span = logging::command_span(&name);
            let run = teardown::run(command, &context).instrument(span.clone());
            let result = runtime().and_then(|runtime| {
                let result = runtime.block_on(run);
                // A thread that reads standard input ends with its input only.
                let is_interrupted = matches!(result, Err(Failure::Interrupted));
                runtime.shutdown_timeout(if is_interrupted { CLOSING } else { LONGEST_CLOSE });
                result
            });
            logging::command_ended(&span, &result);
            result
        }
    });
    for trouble in argon_service::backends::take_troubles() {
        context.output.note(&trouble);
    }
    logging.end(&context.output);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(&context.output),
    }
}

/// Runs a command on a thread of its own, and waits for it; unless a read of the store hangs, which can't
/// be ended but with the process.
fn watched(command: impl FnOnce() -> CommandResult + Send + 'static) -> CommandResult {
    let (end, ended) = mpsc::sync_channel(1);
    let started = thread::Builder::new().name("command".to_owned()).stack_size(STACK_BYTES).spawn(
        // Nobody waits any more only if a read hung.
        move || drop(end.send(command())),
    );
    let thread = started.map_err(|source| {
        argon_core::Error::unavailable("no thread could be started").with_source(source)
    })?;
    let mut reads = argon_service::backends::ReadWatch::default();
    loop {
        match ended.recv_timeout(LOOK) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Timeout) => {
                if let Some(hung) = reads.look() {
                    return Err(hung.into());
                }
            }
            Err(RecvTimeoutError::Disconnected) => match thread.join() {
                Err(panicked) => std::panic::resume_unwind(panicked),
                Ok(()) => return Ok(()),
            },
        }
    }
}

/// The command line, and the name of the command without its arguments, such as `branch create`.
fn parsed(args: &[OsString]) -> Result<(Cli, String), clap::Error> {
    let mut command = help::command();
    let matches = command.try_get_matches_from_mut(args)?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    let mut names = Vec::new();
    let mut rest = &matches;
    while let Some((name, below)) = rest.subcommand() {
        names.push(name);
        rest = below;
    }
    Ok((cli, names.join(" ")))
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
