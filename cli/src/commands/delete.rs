//! `argon delete`

use argon_core::key::Key;
use argon_core::write::Precondition;
use clap::Args;

use crate::args::{ID_HELP, InCollection, Signature, document_id};
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Json;

const EXAMPLES: &str = "\
Examples:
  argon delete -c users --id 59b99db4cfa9a34dcd7885b6
  argon delete -c users --id ada --id grace -m 'asked to be forgotten'";

/// Delete documents by their _id.
///
/// They go in one commit: all of them, or none if one is not there.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    within: InCollection,
    #[arg(long = "id", value_name = "ID", required = true, help = ID_HELP,
          value_parser = document_id, allow_negative_numbers = true)]
    ids: Vec<Key>,
    #[command(flatten)]
    signature: Signature,
}

impl DeleteArgs {
    pub(crate) async fn run(mut self, context: &Context) -> CommandResult {
        let workspace = context.workspace_noting(&self.signature.notes).await?;
        let branch = workspace.branch().await?;
        let mut request = self.signature.request(&branch);
        self.ids.sort_unstable();
        self.ids.dedup();
        for id in self.ids {
            request.delete(self.within.collection.clone(), id, Precondition::Present);
        }
        let receipt = branch.commit(request).await?.committed()?;
        context.output.committed(receipt.lsn, branch.name());
        context.output.one(
            || receipt.changed.to_string(),
            || {
                Json::object([
                    ("deleted", (receipt.changed as u64).into()),
                    ("lsn", receipt.lsn.get().into()),
                ])
            },
        )?;
        context.output.say(&format!("deleted in commit {} of {}", receipt.lsn, branch.name()));
        Ok(())
    }
}
