//! `argon delete`

use argon_core::Error;
use argon_core::key::Key;
use argon_core::model::Lsn;
use argon_service::document::{self, DeleteDocuments, DeleteMatching};
use argon_service::json::{Id, QueryDocument};
use clap::Args;

use crate::args::{
    FILTER_HELP, ID_HELP, IfLsn, InCollation, InCollection, InHint, Signature, document_id,
    query_document,
};
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon delete -c users --id 59b99db4cfa9a34dcd7885b6
  argon delete -c users --id ada --id grace -m 'asked to be forgotten'
  argon delete -c users --id ada --if-lsn 12        unless it was changed since
  argon delete -c users '{lastSeen: {$lt: ISODate(\"2020-01-01\")}}'";

/// Delete documents by their _id, or those that match a filter.
///
/// One commit deletes all of them; none if one of the given _ids does not exist. {} matches all.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    within: InCollection,
    #[arg(value_name = "FILTER", help = FILTER_HELP, value_parser = query_document,
          required_unless_present = "ids", conflicts_with = "ids")]
    filter: Option<QueryDocument>,
    #[arg(long = "id", value_name = "ID", help = ID_HELP,
          value_parser = document_id, allow_negative_numbers = true)]
    ids: Vec<Key>,
    #[command(flatten)]
    collation: InCollation,
    #[command(flatten)]
    hint: InHint,
    #[command(flatten)]
    if_lsn: IfLsn,
    #[command(flatten)]
    signature: Signature,
}

impl DeleteArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let Self { within, filter, ids, collation, hint, if_lsn, signature } = self;
        let workspace = context.workspace_noting(&signature.notes).await?;
        if filter.is_none() && collation.is_given() {
            let problem = "--collation compares the text of a FILTER; an _id is one value";
            return Err(Error::invalid(problem).into());
        }
        if filter.is_none() && hint.index.is_some() {
            let problem = "--hint names the index for a FILTER; an _id is read by itself";
            return Err(Error::invalid(problem).into());
        }
        if let Some(filter) = filter {
            let request = DeleteMatching {
                collection: within.collection,
                filter,
                collation: collation.into_document(),
                hint: hint.index,
                one: false,
                if_lsn: if_lsn.lsn,
                signature: signature.into(),
            };
            let deleted = document::delete_matching(&workspace.branch().await?, request).await?;
            let branch = &deleted.branch;
            if let Some(lsn) = deleted.lsn {
                context.output.committed(Lsn::new(lsn), branch);
            }
            context.output.result(|| deleted.deleted.to_string(), &deleted)?;
            context.output.say(&match deleted.lsn {
                Some(lsn) => format!("deleted in commit {lsn} of {branch}"),
                None => "no document matches: nothing was deleted".to_owned(),
            });
            return Ok(());
        }
        let request = DeleteDocuments {
            collection: within.collection,
            ids: ids.into_iter().map(Id).collect(),
            if_lsn: if_lsn.lsn,
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
