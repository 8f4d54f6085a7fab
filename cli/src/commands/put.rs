//! `argon put`

use argon_core::model::{BranchName, Lsn};
use argon_core::{Branch, Error};
use argon_formats::extjson::{parse_typed_document, parse_value};
use argon_formats::{BadRecord, Format, Record, Source, SourceOptions};
use argon_service::document::{self, PutDocuments, PutOptions, WrittenDocument};
use argon_service::json::InputDocument;
use bson::Bson;
use clap::Args;

use crate::args::{IfLsn, InCollection, Signature};
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon put -c users '{\"_id\": \"ada\", \"name\": \"Ada\"}'
  argon put -c users < users.json                                 all of them in one commit
  argon find -c users | jq -c '.age += 1' | argon put -c users    changes many
  argon put -c users '{\"_id\": \"ada\", \"age\": 37}' --if-lsn 12     unless it was changed since
  tail -f events.jsonl | argon put -c events --each               a commit for each line";

/// Write documents, as new ones or in place of those with the same _id.
///
/// The _id of each document is printed, and becomes its first field; a document without one gets an
/// `ObjectId`. All documents of a call become one commit. A commit may hold 256 MiB, where each document
/// counts 512 bytes more than its size: half a million small documents. It is in memory, where it takes up
/// to three times as much.
///
/// Standard input is read to its end before the store is opened (with --each, to the end of the first
/// document), so a pipe may begin with a command that reads the same store. A document that equals the
/// stored one is left out of the commit. A number keeps the type of the number that it replaces, if that
/// can hold it, unless the document names a type ($numberInt, $numberLong, $numberDouble).
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PutArgs {
    #[command(flatten)]
    within: InCollection,
    /// A document in Extended JSON; without it, or with -, documents are read from standard input
    #[arg(value_name = "JSON")]
    document: Option<String>,
    /// Fail if a document with that _id exists
    #[arg(long, conflicts_with = "lsn")]
    if_absent: bool,
    #[command(flatten)]
    if_lsn: IfLsn,
    /// Make a commit for each document, and print its LSN after the _id once it is durable; for a document
    /// that equals the stored one, the LSN of that
    #[arg(long)]
    each: bool,
    #[command(flatten)]
    signature: Signature,
}

impl PutArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let Self { within, document, if_absent, if_lsn, each, signature } = self;
        // Who writes to standard input may have the store open.
        let documents = documents(document.as_deref(), each)?;
        let workspace = context.workspace_noting(&signature.notes).await?;
        let branch = workspace.branch().await?;
        let (collection, if_lsn) = (within.collection, if_lsn.lsn);
        let options = PutOptions { collection, if_absent, if_lsn, signature: signature.into() };
        if each {
            return one_by_one(context, &branch, &options, documents).await;
        }
        let written = document::put_all(&branch, &options, documents).await?;
        let lsn = written.iter().find(|document| document.changed).map(|document| document.lsn);
        if let Some(lsn) = lsn {
            context.output.committed(Lsn::new(lsn), branch.name());
        }
        let mut listing = context.output.listing(&[]);
        for document in &written {
            listing.result(&id_text(document), document)?;
        }
        listing.finish()?;
        context.output.say(&summary(&written, branch.name()));
        Ok(())
    }
}

/// What was written, in words.
fn summary(written: &[WrittenDocument], branch: &BranchName) -> String {
    let changed = written.iter().filter(|document| document.changed);
    let unchanged = written.len() - changed.clone().count();
    match changed.map(|document| document.lsn).next() {
        None => "nothing changed: no commit was made".to_owned(),
        Some(lsn) if unchanged == 0 => format!("committed as LSN {lsn} of {branch}"),
        Some(lsn) => format!("committed as LSN {lsn} of {branch}; {unchanged} did not change"),
    }
}

type Documents = Box<dyn Iterator<Item = argon_service::Result<InputDocument>>>;

/// The document of the argument, or those of standard input; with `each`, as soon as there are any.
fn documents(argument: Option<&str>, each: bool) -> CommandResult<Documents> {
    if let Some(text) = argument.filter(|text| *text != "-") {
        let (document, number_types) = parse_typed_document(text)?;
        return Ok(Box::new(std::iter::once(Ok(InputDocument { document, number_types }))));
    }
    let open = if each { Source::stdin } else { Source::spooled_stdin };
    let input = |record: Result<Record, BadRecord>| -> argon_service::Result<InputDocument> {
        let Record { document, number_types, .. } =
            record.map_err(|bad| Error::invalid(bad.to_string()))?;
        Ok(InputDocument { document, number_types })
    };
    let mut documents = open(Format::Json, SourceOptions::default())?.map(input);
    let first = if each { documents.next() } else { None };
    Ok(Box::new(first.into_iter().chain(documents)))
}

async fn one_by_one(
    context: &Context,
    branch: &Branch,
    options: &PutOptions,
    documents: Documents,
) -> CommandResult {
    let mut listing = context.output.listing(&[]);
    for document in documents {
        let documents = vec![document?];
        let request = PutDocuments { documents, options: options.clone() };
        for document in document::put(branch, request).await? {
            if document.changed {
                context.output.committed(Lsn::new(document.lsn), branch.name());
            }
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
