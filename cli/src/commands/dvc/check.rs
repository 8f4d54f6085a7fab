//! `argon dvc check`

use std::path::PathBuf;

use argon_core::ErrorKind;
use argon_service::dvc::{self, CheckLock, CheckedLock, LockStatus};
use clap::Args;

use super::{files, state};
use crate::context::Context;
use crate::exit::{CommandResult, Failure};

const EXAMPLES: &str = "\
Examples:
  argon dvc check                          all lock files of this directory
  argon dvc check users.argon --current";

/// Check that the store still has what lock files say; exit code 5 if one does not hold.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArgs {
    /// The lock files [default: all of this directory]
    files: Vec<PathBuf>,
    /// Fail also if the head of the branch has other content
    #[arg(long)]
    current: bool,
}

impl CheckArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let files = files(self.files)?;
        let opened = context.store().await?;
        let mut listing = context.output.listing(&[]);
        let mut all_hold = true;
        for file in files {
            let checked = dvc::check(&opened, CheckLock { file }).await?;
            all_hold &=
                checked.status.holds() && !(self.current && checked.status == LockStatus::Behind);
            listing.result(&text(&checked), &checked)?;
        }
        listing.finish()?;
        if all_hold { Ok(()) } else { Err(Failure::Reported(ErrorKind::Conflict)) }
    }
}

fn text(checked: &CheckedLock) -> String {
    let CheckedLock { file, status, problem, lock } = checked;
    match (status, problem) {
        (LockStatus::Current, _) => format!("{file}: ok, {}", state(lock)),
        (LockStatus::Behind, _) => {
            format!("{file}: ok, {}; {} has other content now", state(lock), lock.branch)
        }
        (_, Some(problem)) => format!("{file}: {problem}"),
        (_, None) => format!("{file}: does not hold"),
    }
}
