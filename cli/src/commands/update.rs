//! `argon update`

use argon_core::model::Lsn;
use argon_service::document::{self, UpdateDocuments, UpdatedDocuments};
use argon_service::json::{QueryDocument, UpdateValue};
use clap::Args;

use crate::args::{
    FILTER_HELP, IfLsn, InCollation, InCollection, InHint, Signature, query_document, update_value,
};
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon update -c users '{_id: \"ada\"}' '{$set: {\"address.city\": \"Basel\"}, $inc: {visits: 1}}'
  argon update -c users --many '{age: {$gte: 18}}' '{$set: {adult: true}}' -m 'grown up'
  argon update -c counters --upsert '{_id: \"orders\"}' '{$inc: {next: 1}}'
  argon update -c users --if-lsn 12 '{_id: \"ada\"}' '{$inc: {balance: -5}}'
  argon update -c users --many '{}' '[{$set: {total: {$add: [\"$a\", \"$b\"]}}}]'";

/// Update the documents that match a filter, in one commit.
///
/// The update is MongoDB's: operators such as $set, a whole document that replaces another, or a list
/// of stages. Without --many, the first document that is read is updated: by _id, or in the order of the
/// index that is used. A document that others change
/// meanwhile is read again. With --if-lsn, the documents of that state are updated, and the command fails
/// if others have changed one of them since, or what the filter matches.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct UpdateArgs {
    #[command(flatten)]
    within: InCollection,
    #[arg(value_name = "FILTER", help = FILTER_HELP, value_parser = query_document)]
    filter: QueryDocument,
    /// The update, such as '{$inc: {stock: -1}}'
    #[arg(value_name = "UPDATE", value_parser = update_value)]
    update: UpdateValue,
    /// Update all documents that match
    #[arg(long)]
    many: bool,
    /// Insert a document if none matches
    #[arg(long)]
    upsert: bool,
    /// A filter for $[NAME] in paths, such as '{"item.price": {$gt: 5}}' for $[item]; may be given
    /// several times
    #[arg(long = "array-filter", value_name = "FILTER", value_parser = query_document)]
    array_filters: Vec<QueryDocument>,
    #[command(flatten)]
    collation: InCollation,
    #[command(flatten)]
    hint: InHint,
    #[command(flatten)]
    if_lsn: IfLsn,
    #[command(flatten)]
    signature: Signature,
}

impl UpdateArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace_noting(&self.signature.notes).await?;
        let request = UpdateDocuments {
            collection: self.within.collection,
            filter: self.filter,
            update: self.update,
            many: self.many,
            upsert: self.upsert,
            array_filters: self.array_filters,
            collation: self.collation.into_document(),
            hint: self.hint.index,
            if_lsn: self.if_lsn.lsn,
            signature: self.signature.into(),
        };
        let updated = document::update(&workspace.branch().await?, request).await?;
        if let Some(lsn) = updated.lsn {
            context.output.committed(Lsn::new(lsn), &updated.branch);
        }
        context.output.result(|| updated.modified.to_string(), &updated)?;
        context.output.say(&summary(&updated));
        Ok(())
    }
}

fn summary(updated: &UpdatedDocuments) -> String {
    let UpdatedDocuments { branch, matched, modified, upserted_id, lsn, .. } = updated;
    match (lsn, upserted_id) {
        (Some(lsn), Some(id)) => {
            format!("inserted {} in commit {lsn} of {branch}", id.as_str())
        }
        (Some(lsn), None) => {
            format!("{matched} matched, {modified} updated in commit {lsn} of {branch}")
        }
        (None, _) if *matched == 0 => "no document matches: nothing was updated".to_owned(),
        (None, _) => format!("{matched} matched, none changed: no commit was made"),
    }
}
