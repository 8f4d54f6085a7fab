//! `argon switch`

use argon_core::model::BranchName;
use argon_core::{Error, Revision};
use argon_service::branch::{self, SwitchBranch};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::escape;

const EXAMPLES: &str = "\
Examples:
  argon switch try
  argon switch -                          back to the branch before
  argon switch -c try                     a new branch, from the head of the current one
  argon switch -c audit main@yesterday    a new branch, from the past";

/// Make a branch the current one.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SwitchArgs {
    /// The branch; - for the one that was current before
    #[arg(value_name = "BRANCH", value_parser = target)]
    target: Target,
    /// Create the branch first
    #[arg(short, long)]
    create: bool,
    /// With --create, the state from which it starts [default: the head of the current branch]
    #[arg(value_name = "REV", requires = "create")]
    from: Option<Revision>,
}

#[derive(Debug, Clone)]
enum Target {
    Previous,
    Named(BranchName),
}

fn target(text: &str) -> Result<Target, Error> {
    if text == "-" {
        return Ok(Target::Previous);
    }
    BranchName::new(text).map(Target::Named).map_err(|error| match text.parse::<Revision>() {
        Ok(_) => Error::invalid(format!(
            "'{text}' is a state, not a branch; `argon switch -c NAME {}` makes a branch of it",
            escape::argument(text)
        )),
        Err(_) => error,
    })
}

impl SwitchArgs {
    /// To an existing branch.
    pub(super) fn to(branch: BranchName) -> Self {
        Self { target: Target::Named(branch), create: false, from: None }
    }

    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let Self { target, create, from } = self;
        let branch = match target {
            Target::Previous if create => {
                return Err(Error::invalid("invalid branch name '-'").into());
            }
            Target::Previous => None,
            Target::Named(branch) => Some(branch),
        };
        let workspace = context.workspace().await?;
        let current = branch::switch(workspace, SwitchBranch { branch, create, from }).await?;
        let (branch, lsn) = (&current.branch, current.lsn);
        let words = match &current.parent {
            Some(parent) => {
                format!("made branch {branch} of {parent} at LSN {lsn}; it is the current one")
            }
            None => format!("branch {branch} is the current one, at LSN {lsn}"),
        };
        context.output.reply(&words, &current)
    }
}
