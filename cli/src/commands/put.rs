//! `argon put`

use argon_core::model::Lsn;
use argon_core::{Branch, Error};
use argon_formats::extjson::{parse_document, parse_value};
use argon_formats::{Format, Source, SourceOptions};
use argon_service::document::{self, PutDocuments, PutOptions, WrittenDocument};
use argon_service::json::InputDocument;
use bson::{Bson, RawDocumentBuf};
use clap::Args;

use crate::args::{InCollection, Signature};
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon put -c users '{\"_id\": \"ada\", \"name\": \"Ada\"}'
  argon put -c users < users.json                                 all of them in one commit
  tail -f events.jsonl | argon put -c events --each               a commit for each line";

/// Write documents, as new ones or in place of those with the same _id.
///
/// The _id of each document is printed, and becomes its first field; a document without one gets an
/// `ObjectId`. All documents of a call become one commit. A commit may hold 256 MiB, where each document
/// counts 512 bytes more than its size: half a million small documents. It is in memory, where it takes up
/// to three times as much.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PutArgs {
    #[command(flatten)]
    within: InCollection,
    /// A document in Extended JSON; without it, or with -, documents are read from standard input
    #[arg(value_name = "JSON")]
    document: Option<String>,
    /// Fail if a document with that _id exists
    #[arg(long)]
    if_absent: bool,
    /// Make a commit for each document, and print its LSN after the _id once it is durable
    #[arg(long)]
    each: bool,
    #[command(flatten)]
    signature: Signature,
}

impl PutArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let Self { within, document, if_absent, each, signature } = self;
        let workspace = context.workspace_noting(&signature.notes).await?;
        let branch = workspace.branch().await?;
        let collection = within.collection;
        let options = PutOptions { collection, if_absent, signature: signature.into() };
        let documents = documents(document.as_deref())?;
        if each {
            return one_by_one(context, &branch, &options, documents).await;
        }
        let written = document::put_all(&branch, &options, documents).await?;
        let Some(lsn) = written.first().map(|document| document.lsn) else { return Ok(()) };
        context.output.committed(Lsn::new(lsn), branch.name());
        let mut listing = context.output.listing(&[]);
        for document in &written {
            listing.result(&id_text(document), document)?;
        }
        listing.finish()?;
        context.output.say(&format!("committed as LSN {lsn} of {}", branch.name()));
        Ok(())
    }
}

type Documents = Box<dyn Iterator<Item = argon_service::Result<RawDocumentBuf>>>;

/// The document of the argument, or those of standard input.
fn documents(argument: Option<&str>) -> CommandResult<Documents> {
    if let Some(text) = argument.filter(|text| *text != "-") {
        return Ok(Box::new(std::iter::once(Ok(parse_document(text)?))));
    }
    let source = Source::stdin(Format::Json, SourceOptions::default())?;
    Ok(Box::new(source.map(|record| match record {
        Ok(record) => Ok(record.document),
        Err(bad) => Err(Error::invalid(bad.to_string()).into()),
    })))
}

async fn one_by_one(
    context: &Context,
    branch: &Branch,
    options: &PutOptions,
    documents: Documents,
) -> CommandResult {
    let mut listing = context.output.listing(&[]);
    for document in documents {
        let documents = vec![InputDocument(document?)];
        let request = PutDocuments { documents, options: options.clone() };
        for document in document::put(branch, request).await? {
            context.output.committed(Lsn::new(document.lsn), branch.name());
            listing.result(&format!("{} {}", id_text(&document), document.lsn), &document)?;
        }
        listing.flush()?;
    }
    listing.finish()
}

/// The `_id` as `argon get` takes it.
fn id_text(document: &WrittenDocument) -> String {
    let json = document.id.as_str();
    match parse_value(json) {
        Ok(Bson::ObjectId(id)) => id.to_hex(),
        _ => json.to_owned(),
    }
}
