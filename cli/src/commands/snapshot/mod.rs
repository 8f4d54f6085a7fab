//! `argon snapshot …`

mod create;
mod list;

use argon_core::snapshot::Manifest;
use clap::Subcommand;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{self, Json, Row, grouped};

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

struct SnapshotRow(Manifest);

impl SnapshotRow {
    fn chunks(&self) -> u64 {
        self.0.collections.iter().map(|collection| collection.chunks.len() as u64).sum()
    }

    fn bytes(&self) -> u64 {
        let chunks = self.0.collections.iter().flat_map(|collection| &collection.chunks);
        chunks.map(|chunk| chunk.bytes).sum()
    }
}

impl Row for SnapshotRow {
    fn cells(&self) -> Vec<String> {
        vec![
            self.0.point.lsn.to_string(),
            output::time(self.0.created),
            grouped(self.0.documents()),
            self.chunks().to_string(),
            grouped(self.bytes()),
        ]
    }

    fn json(&self) -> Json {
        Json::object([
            ("lsn", self.0.point.lsn.get().into()),
            ("timeline", self.0.point.timeline.to_string().into()),
            ("created", output::time(self.0.created).into()),
            ("documents", self.0.documents().into()),
            ("chunks", self.chunks().into()),
            ("bytes", self.bytes().into()),
        ])
    }
}
