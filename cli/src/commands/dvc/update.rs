//! `argon dvc update`

use std::path::PathBuf;

use argon_core::Revision;
use argon_service::dvc::{self, UpdateLock, UpdatedLock};
use clap::Args;

use super::{files, state};
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon dvc update                         all lock files of this directory
  argon dvc update users.argon --at main@1234";

/// Renew lock files whose collection has changed.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct UpdateArgs {
    /// The lock files [default: all of this directory]
    files: Vec<PathBuf>,
    /// A state of their branch [default: its head]
    #[arg(long, value_name = "REV")]
    at: Option<Revision>,
}

impl UpdateArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let files = files(self.files)?;
        let opened = context.store().await?;
        let mut listing = context.output.listing(&[]);
        for file in files {
            let request = UpdateLock { file, revision: self.at.clone() };
            let updated = dvc::update(&opened, request).await?;
            listing.result(&text(&updated), &updated)?;
        }
        listing.finish()
    }
}

fn text(updated: &UpdatedLock) -> String {
    let word = if updated.changed { "updated" } else { "unchanged" };
    format!("{}: {word}, {}", updated.file, state(&updated.lock))
}
