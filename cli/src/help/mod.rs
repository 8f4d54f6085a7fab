//! Help: the commands by task on one screen, topics of their own for what all commands share, and the
//! command line as clap prints it.

mod commands;
mod topics;

use clap::{Command, CommandFactory};

use crate::args::Cli;

pub(crate) use topics::Topic;

/// What ends the help of every command.
const FOOTER: &str = "\
Global options, such as --store, --project, --branch and --output: `argon help options`";

/// The command line. Its help shows the commands by task, and the help of a command begins with its own
/// options: those of all commands are a topic.
pub(crate) fn command() -> Command {
    brief(Cli::command()).override_help(commands::screen())
}

/// Leaves the global options out of the help of a command and of those below it.
fn brief(command: Command) -> Command {
    let names: Vec<String> =
        command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let command = command.mut_args(|arg| {
        let is_global = arg.is_global_set();
        if is_global { arg.hide_short_help(true).hide_long_help(true) } else { arg }
    });
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |below| {
            let own = below.get_after_help().map(|text| format!("{text}\n\n"));
            brief(below).disable_help_subcommand(true).after_help(own.unwrap_or_default() + FOOTER)
        })
    })
}
