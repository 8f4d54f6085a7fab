//! What all commands share, a topic each.

use clap::{Args, Command, ValueEnum};

use crate::args::GlobalOptions;
use crate::exit;

/// What `argon help` explains besides commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Topic {
    /// The options of all commands
    Options,
    /// How to name a state
    Revisions,
    /// How a command ends
    ExitCodes,
}

impl Topic {
    pub(crate) fn text(self) -> String {
        match self {
            Self::Options => options(),
            Self::Revisions => REVISIONS.to_owned(),
            Self::ExitCodes => exit::CODES.to_owned(),
        }
    }
}

fn options() -> String {
    let command = Command::new("argon").max_term_width(100).disable_help_flag(true);
    let mut command = GlobalOptions::augment_args(command).help_template("{options}");
    format!("Options of all commands:\n{}", command.render_long_help())
}

const REVISIONS: &str = "\
Naming a state (REV):
  main                       the head of branch main
  main@1234                  main after its commit with LSN 1234; main@0 is empty
  main@2026-07-07T09:00:00Z  main at that time; main@2026-07-07 at the start of that day, UTC
  main@{2}                   main before its last two entries in `argon reflog`
  v1, pin:v1                 a pin; v1 is a branch if there is one of that name
  main~3                     three commits before any of these
  @1234, @{2}, ~3            the same of the current branch

Example:
  argon diff main~3 main     what the last three commits changed";
