//! `argon put`

use argon_core::key::Key;
use argon_core::model::Document;
use argon_core::write::{Precondition, Receipt, WriteRequest};
use argon_core::{Branch, Collection, Error, Result};
use argon_formats::extjson::{Layout, Mode, parse_document, print_raw_value};
use argon_formats::{Format, Source, SourceOptions};
use bson::RawDocumentBuf;
use bson::oid::ObjectId;
use bson::raw::RawBsonRef;
use clap::Args;

use crate::args::{InCollection, Signature};
use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output::Json;

const EXAMPLES: &str = "\
Examples:
  argon put -c users '{\"_id\": \"ada\", \"name\": \"Ada\"}'
  argon put -c users < users.json                                 all of them in one commit
  tail -f events.jsonl | argon put -c events --each               a commit for each line";

/// Write documents, new ones or in place of those with their _id.
///
/// The _id of each is printed, and becomes the first field; a document without one gets an `ObjectId`.
/// All documents of a call become one commit, which may hold 256 MiB, each document counted with 512
/// bytes more: half a million small ones. It is in memory, up to three times as large.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PutArgs {
    #[command(flatten)]
    within: InCollection,
    /// A document in Extended JSON; without it, or with -, documents are read from standard input
    #[arg(value_name = "JSON")]
    document: Option<String>,
    /// Fail if there is a document with that _id already
    #[arg(long)]
    if_absent: bool,
    /// Make each document a commit of its own, and print its LSN after its _id once it is durable
    #[arg(long)]
    each: bool,
    #[command(flatten)]
    signature: Signature,
}

/// Documents on their way into a branch.
struct Writer<'a> {
    args: &'a PutArgs,
    branch: Branch,
    collection: Collection,
}

impl PutArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace_noting(&self.signature.notes).await?;
        let branch = workspace.branch().await?;
        let collection = branch.collection(&self.within.collection);
        let writer = Writer { args: &self, branch, collection };
        let documents = self.documents()?;
        if self.each {
            return writer.one_by_one(context, documents).await;
        }
        let mut request = self.signature.request(&writer.branch);
        let mut written = Vec::new();
        for document in documents {
            let (key, document) = writer.checked(document?)?;
            written.push(document.clone());
            writer.add(&mut request, key, document).map_err(|error| {
                Failure::from(error)
                    .hint("--each makes a commit of each; `argon import -` splits them")
            })?;
        }
        if written.is_empty() {
            return Err(Error::invalid("there is no document to put on standard input").into());
        }
        let receipt = writer.commit(request).await?;
        context.output.committed(receipt.lsn, writer.branch.name());
        let mut listing = context.output.listing(&[]);
        for document in written {
            let id = Id::of(&document)?;
            listing.line(&id.text, || id.json(&receipt))?;
        }
        listing.finish()?;
        let name = writer.branch.name();
        context.output.say(&format!("committed as LSN {} of {name}", receipt.lsn));
        Ok(())
    }

    fn documents(&self) -> CommandResult<Box<dyn Iterator<Item = CommandResult<RawDocumentBuf>>>> {
        match self.document.as_deref() {
            Some(text) if text != "-" => {
                Ok(Box::new(std::iter::once(parse_document(text).map_err(Into::into))))
            }
            _ => {
                let source = Source::stdin(Format::Json, SourceOptions::default())?;
                Ok(Box::new(source.map(|record| match record {
                    Ok(record) => Ok(record.document),
                    Err(bad) => Err(Error::invalid(bad.to_string()).into()),
                })))
            }
        }
    }
}

impl Writer<'_> {
    fn checked(&self, document: RawDocumentBuf) -> CommandResult<(Key, Document)> {
        Ok(self.collection.with_id(document)?)
    }

    fn add(&self, request: &mut WriteRequest, key: Key, document: Document) -> Result<()> {
        let condition = if self.args.if_absent { Precondition::Absent } else { Precondition::Any };
        request.put(self.collection.name().clone(), key, document, condition)
    }

    async fn commit(&self, request: WriteRequest) -> CommandResult<Receipt> {
        Ok(self.branch.commit(request).await?.committed()?)
    }

    async fn one_by_one(
        &self,
        context: &Context,
        documents: impl Iterator<Item = CommandResult<RawDocumentBuf>>,
    ) -> CommandResult {
        let mut listing = context.output.listing(&[]);
        for document in documents {
            let (key, document) = self.checked(document?)?;
            let id = Id::of(&document)?;
            let mut request = self.args.signature.request(&self.branch);
            self.add(&mut request, key, document)?;
            let receipt = self.commit(request).await?;
            context.output.committed(receipt.lsn, self.branch.name());
            listing.line(&format!("{} {}", id.text, receipt.lsn), || id.json(&receipt))?;
            listing.flush()?;
        }
        listing.finish()
    }
}

/// The `_id` of a document that is written.
struct Id {
    /// As `argon get` takes it.
    text: String,
    json: String,
}

impl Id {
    fn of(document: &Document) -> CommandResult<Self> {
        let id = document.as_raw().get("_id").ok().flatten().unwrap_or(RawBsonRef::Null);
        let json = print_raw_value(id, Mode::Relaxed, Layout::Compact)?;
        let text = id.as_object_id().map_or_else(|| json.clone(), ObjectId::to_hex);
        Ok(Self { text, json })
    }

    fn json(&self, receipt: &Receipt) -> String {
        let id = Json::Verbatim(self.json.clone());
        Json::object([("id", id), ("lsn", receipt.lsn.get().into())]).compact()
    }
}
