//! `argon dvc …`

mod check;
mod pin;
mod update;

use std::path::{Path, PathBuf};

use argon_core::Error;
use argon_service::dvc::{self, Lock};
use clap::Subcommand;

use crate::context::Context;
use crate::exit::{CommandResult, Failure};

/// Make collections dependencies of DVC's pipelines, by lock files.
///
/// A lock file such as users.argon has the project, branch, position and the digest of a collection. It changes only
/// when the content of the collection does, so `dvc repro` runs a stage again only then. argon.yaml beside it has the
/// positions as parameters, such as ${users.rev}. docs/python/DVC.md is a tour.
#[derive(Subcommand)]
pub(crate) enum DvcCommand {
    Pin(pin::PinArgs),
    Update(update::UpdateArgs),
    Check(check::CheckArgs),
}

impl DvcCommand {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        match self {
            Self::Pin(args) => args.run(context).await,
            Self::Update(args) => args.run(context).await,
            Self::Check(args) => args.run(context).await,
        }
    }
}

/// The lock files that are given; else those of this directory.
fn files(given: Vec<PathBuf>) -> CommandResult<Vec<PathBuf>> {
    if !given.is_empty() {
        return Ok(given);
    }
    let found = dvc::lock_files(Path::new("."))?;
    if found.is_empty() {
        let error = Error::not_found("this directory has no lock files");
        return Err(Failure::from(error).hint("`argon dvc pin NAME.argon` writes one"));
    }
    Ok(found)
}

/// The state that a lock file names, and the beginning of its digest.
fn state(lock: &Lock) -> String {
    format!("{} {}", lock.revision(), lock.digest.get(..12).unwrap_or(&lock.digest))
}
