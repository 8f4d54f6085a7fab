//! `argon snapshot …`

mod create;
mod list;

use argon_service::snapshot::ShownSnapshot;
use clap::Subcommand;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{Cells, grouped};

/// Make and list snapshots: compressed copies of whole states.
#[derive(Subcommand)]
pub(crate) enum SnapshotCommand {
    Create(create::CreateArgs),
    List(list::ListArgs),
}

impl SnapshotCommand {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        match self {
            Self::Create(args) => args.run(context).await,
            Self::List(args) => args.run(context).await,
        }
    }
}

impl Cells for ShownSnapshot {
    fn cells(&self) -> Vec<String> {
        vec![
            self.lsn.to_string(),
            self.created.to_string(),
            grouped(self.documents),
            self.chunks.to_string(),
            grouped(self.bytes),
        ]
    }
}
