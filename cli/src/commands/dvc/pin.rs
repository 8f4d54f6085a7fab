//! `argon dvc pin`

use std::path::PathBuf;

use argon_core::Revision;
use argon_core::model::CollectionName;
use argon_service::dvc::{self, PinCollection};
use clap::Args;

use super::state;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon dvc pin users.argon
  argon dvc pin data/people.argon -c users --at main@1234";

/// Write a lock file for a collection of the branch.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PinArgs {
    /// The lock file, such as users.argon
    file: PathBuf,
    /// The collection [default: by the name of the file]
    #[arg(short, long, value_name = "NAME")]
    collection: Option<CollectionName>,
    /// A state of the branch [default: its head]
    #[arg(long, value_name = "REV")]
    at: Option<Revision>,
}

impl PinArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let Self { file, collection, at: revision } = self;
        let pinned = dvc::pin(&workspace, PinCollection { file, collection, revision }).await?;
        let words = format!("{}: {}", pinned.file, state(&pinned.lock));
        context.output.result(|| words, &pinned)
    }
}
