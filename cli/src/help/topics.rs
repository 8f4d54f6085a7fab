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
  main@2026-07-07T09:00      main at that time; main@2026-07-07 at the start of that day
  main@yesterday, main@1h    main at the start of yesterday; one hour ago, as main@'1h ago'
  main@{2}                   main before its last two entries in `argon reflog`
  v1, pin:v1                 a pin; v1 is a branch if there is one of that name
  main~3, main^              three commits, or one, before any of these
  @, HEAD                    the head of the current branch
  @1234, 1234, @{2}, ~3      the same of the current branch; 1234 is a branch if there is one of that name

Two states (REV..REV), where a command takes them:
  main..try                  from main to try; the current branch where one is left out
  main...try                 from the last state that both share

Times, also of --since and --until:
  2026-07-07, today, yesterday            the start of that day
  2026-07-07T09:00, 'yesterday 12:30'     that time
  12:30                                   the last time that it was 12:30
  1h, '1h ago', 1.hour.ago, '2 days ago'  so long before now
  2026-07-07T09:00+02:00, '12:30 Europe/Berlin'   in a zone; UTC without one, as Argon prints times

Example:
  argon diff ~3..            what the last three commits changed";
