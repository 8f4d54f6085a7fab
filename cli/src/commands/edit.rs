//! `argon edit`

use std::path::PathBuf;

use argon_core::Error;
use argon_core::key::Key;
use argon_core::model::{CollectionName, Document, Lsn};
use argon_formats::extjson::{
    Layout, Mode, NumberTypes, parse_shell_document, print_document, print_value,
};
use argon_service::document::{self, GetDocument, PutDocuments, PutOptions};
use argon_service::json::{Id, InputDocument};
use bson::RawDocumentBuf;
use clap::Args;

use crate::args::{ID_HELP, InCollection, Signature, document_id};
use crate::context::Context;
use crate::editor::{EditedFile, asks_again};
use crate::exit::{CommandResult, Failure};
use crate::output::escape;

const EXAMPLES: &str = "\
Examples:
  argon edit -c users ada
  EDITOR='code --wait' argon edit -c users 59b99db4cfa9a34dcd7885b6 -m 'new address'
  argon edit -c users ada --file /tmp/argon-x7.json --if-lsn 12     continue with a file that was kept";

/// Edit a document in $VISUAL or $EDITOR, and commit it if nobody changed it meanwhile.
///
/// The document is shown as Extended JSON in which every value keeps its type; values may also be written
/// as in MongoDB's shell. Other commands can use the store while the editor is open. If the text is not a
/// valid document, or somebody else changed the document, the file is kept. A file without text, and a
/// document that is left as it is, change nothing.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EditArgs {
    #[command(flatten)]
    within: InCollection,
    #[arg(value_name = "ID", help = ID_HELP, value_parser = document_id, allow_negative_numbers = true)]
    id: Key,
    /// Edit this file, which an earlier edit kept, and commit it as the document
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The LSN of the state in which the document was read [default: that of the head]
    #[arg(long, value_name = "LSN")]
    if_lsn: Option<u64>,
    #[command(flatten)]
    signature: Signature,
}

/// A document as it was read.
struct ReadDocument {
    collection: CollectionName,
    id: Key,
    document: Document,
    lsn: u64,
}

impl EditArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let Self { within, id, file, if_lsn, signature } = self;
        let read = read(context, within.collection, id, if_lsn).await?;
        let text = print_document(read.document.as_raw(), Mode::Typed, Layout::Pretty)? + "\n";
        let file = match file {
            Some(path) => EditedFile::of_user(path),
            None => EditedFile::with(&text, ".json")?,
        };
        let changed = edited(context, &file, &read)?.filter(|edited| *edited != read.document);
        let Some(document) = changed else {
            context.output.say("nothing changed: no commit was made");
            return Ok(());
        };
        let committed = commit(context, &read, document, signature).await;
        committed.map_err(|failure| kept(failure, &file, &read, context))
    }
}

/// Commits what the user has made of the document.
async fn commit(
    context: &Context,
    read: &ReadDocument,
    document: Document,
    signature: Signature,
) -> CommandResult {
    let workspace = context.workspace_noting(&signature.notes).await?;
    let branch = workspace.branch().await?;
    let options = PutOptions {
        collection: read.collection.clone(),
        if_absent: false,
        if_lsn: Some(read.lsn),
        signature: signature.into(),
    };
    let (document, number_types) = (document.into_raw(), NumberTypes::Named);
    let documents = vec![InputDocument { document, number_types }];
    for written in document::put(&branch, PutDocuments { documents, options }).await? {
        let (lsn, branch) = (Lsn::new(written.lsn), branch.name());
        context.output.committed(lsn, branch);
        context.output.reply(&format!("committed as LSN {lsn} of {branch}"), &written)?;
    }
    Ok(())
}

/// Reads the document, and closes the store: others may need it while the editor is open.
async fn read(
    context: &Context,
    collection: CollectionName,
    id: Key,
    if_lsn: Option<u64>,
) -> CommandResult<ReadDocument> {
    let workspace = context.workspace().await?;
    let branch = workspace.branch().await?;
    let state = match if_lsn {
        Some(lsn) => branch.at(Lsn::new(lsn)).await?,
        None => branch.head().await?,
    };
    let request = GetDocument { collection: collection.clone(), id: Id(id.clone()) };
    let document = document::get(&state, request).await?;
    context.output.note_loss(document.as_raw())?;
    let read = ReadDocument { collection, id, document, lsn: state.lsn().get() };
    drop((state, branch));
    context.close(workspace.opened.store).await;
    Ok(read)
}

/// Opens the editor until the text is a document, as often as the user wants; `None` for no text.
fn edited(
    context: &Context,
    file: &EditedFile,
    read: &ReadDocument,
) -> CommandResult<Option<Document>> {
    loop {
        let text = file.edit()?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        match parse(&text, &read.id) {
            Ok(document) => return Ok(Some(document)),
            Err(error) if asks_again(&error) => {}
            Err(error) => return Err(kept(error.into(), file, read, context)),
        }
    }
}

/// The document of a text, which keeps its `_id`.
fn parse(text: &str, id: &Key) -> Result<Document, Error> {
    let invalid =
        |reason: String| Error::invalid(format!("the text is no valid document: {reason}"));
    let document = parse_shell_document(text).map_err(|error| invalid(error.to_string()))?;
    if !document.contains_key("_id") {
        return Err(invalid(format!("missing required field _id, which is {id}")));
    }
    let raw = RawDocumentBuf::try_from(&document).map_err(|error| invalid(error.to_string()))?;
    let (key, document) = Document::checked(Document::with_id_first(raw)?)?;
    if key != *id {
        return Err(invalid(format!("its _id is {key} now, and must stay {id}")));
    }
    Ok(document)
}

/// The failure, with where the text is and how to go on with it.
fn kept(failure: Failure, file: &EditedFile, read: &ReadDocument, context: &Context) -> Failure {
    if !matches!(failure, Failure::Error { .. }) {
        return failure;
    }
    let ReadDocument { collection, id, lsn, .. } = read;
    let path = file.keep().display().to_string();
    context.output.note(&format!("the text is in {path}"));
    let id = print_value(&id.to_bson(), Mode::Relaxed, Layout::Compact).unwrap_or_default();
    failure.hint(format!(
        "`argon edit -c {} {} --file {} --if-lsn {lsn}` edits it again; without --if-lsn it replaces what is \
         there now",
        escape::argument(collection.as_str()),
        escape::argument(&id),
        escape::argument(&path)
    ))
}
