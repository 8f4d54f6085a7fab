//! `argon delete`

use argon_core::key::Key;
use argon_core::model::Lsn;
use argon_service::document::{self, DeleteDocuments};
use argon_service::json::Id;
use clap::Args;

use crate::args::{ID_HELP, InCollection, Signature, document_id};
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon delete -c users --id 59b99db4cfa9a34dcd7885b6
  argon delete -c users --id ada --id grace -m 'asked to be forgotten'";

/// Delete documents by their _id.
///
/// One commit deletes all of them, or none if one does not exist.
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
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let Self { within, ids, signature } = self;
        let workspace = context.workspace_noting(&signature.notes).await?;
        let request = DeleteDocuments {
            collection: within.collection,
            ids: ids.into_iter().map(Id).collect(),
            signature: signature.into(),
        };
        let deleted = document::delete(&workspace.branch().await?, request).await?;
        let (lsn, branch) = (deleted.lsn, &deleted.branch);
        context.output.committed(Lsn::new(lsn), branch);
        context.output.result(|| deleted.deleted.to_string(), &deleted)?;
        context.output.say(&format!("deleted in commit {lsn} of {branch}"));
        Ok(())
    }
}
