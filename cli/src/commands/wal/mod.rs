//! `argon wal …`: the names that the commands have in the manuals of earlier versions.

mod restore_preview;
mod tt_info;

use clap::Subcommand;

use super::{branch, health, metrics, project, status, storage};
use crate::context::Context;
use crate::exit::CommandResult;

const NAMES: &str = "\
The short names do the very same:
  argon wal project …            argon project …
  argon wal branch …             argon branch …
  argon wal status               argon status
  argon wal storage              argon storage
  argon wal metrics              argon metrics
  argon wal health …             argon health …
  argon wal restore-preview      argon restore preview @N --stat";

/// The long names of the commands on projects, branches and the log.
#[derive(Subcommand)]
#[command(after_help = NAMES)]
pub(crate) enum WalCommand {
    /// `argon project` for short
    #[command(subcommand)]
    Project(project::ProjectCommand),
    /// `argon branch` for short
    #[command(subcommand)]
    Branch(branch::BranchCommand),
    /// `argon status` for short
    Status(status::StatusArgs),
    /// `argon storage` for short
    Storage(storage::StorageArgs),
    /// `argon metrics` for short
    Metrics(metrics::MetricsArgs),
    /// `argon health` for short
    Health(health::HealthArgs),
    TtInfo(tt_info::TtInfoArgs),
    RestorePreview(restore_preview::RestorePreviewArgs),
}

impl WalCommand {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        match self {
            Self::Project(command) => command.run(context).await,
            Self::Branch(command) => command.run(context).await,
            Self::Status(args) => args.run(context).await,
            Self::Storage(args) => args.run(context).await,
            Self::Metrics(args) => args.run(context).await,
            Self::Health(args) => args.run(context).await,
            Self::TtInfo(args) => args.run(context).await,
            Self::RestorePreview(args) => args.run(context).await,
        }
    }
}
