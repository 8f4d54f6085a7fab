//! `argon find`

use argon_service::document;
use clap::Args;

use crate::args::{AtRevision, DocumentStyle, QueryArgs};
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon find -c zips --limit 10
  argon find -c zips '{state: \"NY\", pop: {$gt: 50000}}' --sort '{pop: -1}' --projection '{city: 1}'
  argon find -c zips --at main~1 | jq .city
  argon find -c zips --canonical -o json > zips.json";

/// Print the documents of a collection that match a filter, one a line.
///
/// Without --sort, in the order in which they are read: by _id, or by an index. A document that JSON can't express, such as one with a field named $oid, is noted on stderr.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FindArgs {
    #[command(flatten)]
    query: QueryArgs,
    #[command(flatten)]
    at: AtRevision,
    #[command(flatten)]
    style: DocumentStyle,
}

impl FindArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let state = workspace.state(self.at.at.as_ref()).await?;
        context
            .output
            .documents(document::find(&state, self.query.into())?, self.style.mode())
            .await
    }
}
