//! `argon compact`

use argon_service::upkeep::{self, CompactStore, CompactedStore, RemovedData};
use clap::Args;

use super::confirm::Confirmation;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{count, size};

/// Rewrite the files of the store without removed data, and merge small pieces.
///
/// No state changes. Reading and writing may continue meanwhile. A store on this machine is rewritten
/// beside its old files, which are then deleted; until then it takes the space of both. The old files
/// may contain data that `argon gc` removed, the new ones do not: if there is any, the command says how
/// much, and asks first.
#[derive(Args)]
#[command(after_help = "Examples:\n  argon compact\n  argon compact --yes")]
pub(crate) struct CompactArgs {
    #[command(flatten)]
    confirmation: Confirmation,
}

impl CompactArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let opened = context.store().await?;
        let removed = upkeep::removed_data(&opened).await?;
        if let Some(RemovedData { since, versions, commits, bytes }) = removed {
            self.confirmation.ask(&format!(
                "rewrite the files without {} and {} ({}) that `argon gc` gave up since {since}?",
                count(versions, "version"),
                count(commits, "commit"),
                size(bytes),
            ))?;
        }
        let compacted = upkeep::compact(&opened.store, CompactStore {}).await?;
        context.output.reply(&text(compacted), &compacted)
    }
}

/// The sizes before and after.
pub(super) fn text(compacted: CompactedStore) -> String {
    let CompactedStore { bytes_before, bytes_after } = compacted;
    format!("the store took {}, and takes {} now", size(bytes_before), size(bytes_after))
}
