//! `argon index create`

use std::time::Duration;

use argon_core::model::Lsn;
use argon_service::duration::parse_duration;
use argon_service::index::{self, CreateIndex};
use argon_service::json::QueryDocument;
use bson::{Document, doc};
use clap::Args;

use crate::args::{InCollation, InCollection, Signature, query_document};
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon index create -c users '{email: 1}' --unique
  argon index create -c orders '{customer: 1, at: -1}' --partial '{open: true}'
  argon index create -c sessions '{at: 1}' --expire-after 30d
  argon index create -c things '{\"$**\": 1}' --name all";

/// Create an index: commit its definition, and make the entries of all documents.
///
/// Past states are indexed from that commit on; others are scanned. A branch made later has the index
/// too. Other writers go on meanwhile.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    within: InCollection,
    /// The fields: each 1 (ascending), -1 (descending) or "hashed"; {"$**": 1} for all fields
    #[arg(value_name = "KEY", value_parser = query_document)]
    key: QueryDocument,
    /// The name [default: the fields and their directions, such as `email_1`]
    #[arg(long)]
    name: Option<String>,
    /// Refuse documents with a value that another document has
    #[arg(long)]
    unique: bool,
    /// Leave out documents that have none of the fields
    #[arg(long)]
    sparse: bool,
    /// Index only documents that match a filter
    #[arg(long, value_name = "FILTER", value_parser = query_document)]
    partial: Option<QueryDocument>,
    /// Let documents expire this long after the date in the field, when `argon index expire` runs
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    expire_after: Option<Duration>,
    /// Keep the entries, but use them in no query
    #[arg(long)]
    hidden: bool,
    #[command(flatten)]
    collation: InCollation,
    #[command(flatten)]
    signature: Signature,
}

impl CreateArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace_noting(&self.signature.notes).await?;
        let branch = workspace.branch().await?;
        let (collection, signature) =
            (self.within.collection.clone(), self.signature.clone().into());
        let definition = QueryDocument(self.definition());
        let done =
            index::create(&branch, CreateIndex { collection, definition, signature }).await?;
        let words = match done.lsn {
            Some(lsn) => {
                context.output.committed(Lsn::new(lsn), &done.branch);
                format!("created index {}, committed as LSN {lsn} of {}", done.index, done.branch)
            }
            None => format!("the collection has index {} already", done.index),
        };
        let words = match &done.unbuilt {
            Some(reason) => format!("{words}\nqueries scan, because the index {reason}"),
            None => words,
        };
        context.output.reply(&words, &done)
    }

    fn definition(self) -> Document {
        let mut definition = doc! { "key": self.key.0 };
        for (option, set) in
            [("unique", self.unique), ("sparse", self.sparse), ("hidden", self.hidden)]
        {
            if set {
                definition.insert(option, true);
            }
        }
        if let Some(name) = self.name {
            definition.insert("name", name);
        }
        if let Some(QueryDocument(filter)) = self.partial {
            definition.insert("partialFilterExpression", filter);
        }
        if let Some(after) = self.expire_after {
            let seconds = after.as_secs();
            match i32::try_from(seconds) {
                Ok(seconds) => definition.insert("expireAfterSeconds", seconds),
                Err(_) => definition.insert("expireAfterSeconds", seconds.cast_signed()),
            };
        }
        if self.collation.is_given() {
            definition.insert("collation", self.collation.into_document().0);
        }
        definition
    }
}
