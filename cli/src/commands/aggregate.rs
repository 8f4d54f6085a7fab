//! `argon aggregate`

use argon_core::Error;
use argon_core::model::Lsn;
use argon_service::document::{self, AggregateDocuments};
use argon_service::json::QueryDocument;
use clap::Args;

use crate::args::{
    AtRevision, DocumentStyle, InCollation, InCollection, InHint, Pipeline, Signature, pipeline,
    query_document,
};
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon aggregate -c zips '[{$group: {_id: \"$state\", people: {$sum: \"$pop\"}}}, {$sort: {people: -1}}]'
  argon aggregate -c zips '{$sortByCount: \"$state\"}' --at main@2026-07-07
  argon aggregate -c zips '[{$match: {pop: 0}}, {$merge: {into: \"empty\"}}]' -m 'places without people'";

/// Run an aggregation pipeline of MongoDB, and print its documents, one a line.
///
/// A stage that holds more than 100 MiB continues in a temporary file. $out and $merge write to the
/// head of the branch in one commit.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AggregateArgs {
    #[command(flatten)]
    within: InCollection,
    /// The stages, as in MongoDB's shell or as Extended JSON
    #[arg(value_name = "PIPELINE", value_parser = pipeline)]
    pipeline: Pipeline,
    /// Variables of the pipeline, such as '{least: 5}' for $$least
    #[arg(long = "let", value_name = "VARIABLES", value_parser = query_document)]
    variables: Option<QueryDocument>,
    #[command(flatten)]
    collation: InCollation,
    #[command(flatten)]
    hint: InHint,
    #[command(flatten)]
    at: AtRevision,
    #[command(flatten)]
    style: DocumentStyle,
    #[command(flatten)]
    signature: Signature,
}

impl AggregateArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace_noting(&self.signature.notes).await?;
        let request = AggregateDocuments {
            collection: self.within.collection,
            pipeline: self.pipeline.0,
            variables: self.variables.unwrap_or_default(),
            collation: self.collation.into_document(),
            hint: self.hint.index,
        };
        if request.writes() && self.at.at.is_some() {
            return Err(Error::invalid(
                "$out and $merge write to the head of the branch; leave out --at, or the stage",
            )
            .into());
        }
        if !request.writes() && self.signature.message.is_some() {
            return Err(Error::invalid(
                "the pipeline makes no commit that could have a message; leave out --message, or \
                 end it in $out or $merge",
            )
            .into());
        }
        if request.writes() {
            let signature = self.signature.into();
            let written = document::aggregate_into(&workspace, &signature, &request).await?;
            if let Some(lsn) = written.lsn {
                context.output.committed(Lsn::new(lsn), &written.branch);
            }
            context.output.result(|| written.written.to_string(), &written)?;
            context.output.say(&match written.lsn {
                Some(lsn) => format!(
                    "written to collection '{}' in commit {lsn} of {}",
                    written.collection, written.branch
                ),
                None => "nothing changed: no commit was made".to_owned(),
            });
            return Ok(());
        }
        let documents = document::aggregate(&workspace, self.at.at.as_ref(), &request).await?;
        context.output.documents(documents, self.style.mode()).await
    }
}
