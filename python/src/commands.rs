//! Commands with documents, as the package sends them: in MongoDB's words, as BSON.

use std::time::Duration;

use argon_core::Error;
use argon_core::model::{Actor, CollectionName, Message};
use argon_query::commands::{DeleteCommand, UpdateCommand};
use argon_query::find::{FindCommand, collation_of};
use argon_query::pipeline::Options;
use argon_query::plan::Hint;
use argon_service::Result;
use argon_service::collections::Signature;
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document};

/// The documents that stand one after the other.
pub(crate) fn split(mut bytes: &[u8]) -> Result<Vec<RawDocumentBuf>> {
    let mut documents = Vec::new();
    while let Some(length) = bytes.first_chunk::<4>() {
        let length = usize::try_from(i32::from_le_bytes(*length)).unwrap_or(0);
        let document = bytes.get(..length).filter(|document| document.len() > 4);
        let document = document.ok_or_else(|| Error::invalid("a document is cut off"))?;
        documents.push(RawDocumentBuf::from_bytes(document.to_vec()).map_err(malformed)?);
        bytes = &bytes[length..];
    }
    Ok(documents)
}

/// A command.
pub(crate) fn parse(bytes: &[u8]) -> Result<Document> {
    let document = RawDocument::from_bytes(bytes).map_err(malformed)?;
    Ok(Document::try_from(document).map_err(malformed)?)
}

pub(crate) fn malformed(source: bson::error::Error) -> Error {
    Error::invalid("a document is not valid BSON").with_source(source)
}

/// The documents of a field, as a list.
pub(crate) fn list(command: &mut Document, name: &str) -> Result<Vec<Document>> {
    match command.remove(name) {
        None | Some(Bson::Null) => Ok(Vec::new()),
        Some(Bson::Array(values)) => values
            .into_iter()
            .map(|value| match value {
                Bson::Document(document) => Ok(document),
                other => Err(Error::invalid(format!("{name} has {other}, which is no document"))),
            })
            .collect::<argon_core::Result<_>>()
            .map_err(Into::into),
        Some(other) => Err(Error::invalid(format!("{name} must be a list, not {other}")).into()),
    }
}

/// The document of a field; empty if it is not there.
pub(crate) fn document(command: &mut Document, name: &str) -> Result<Document> {
    match command.remove(name) {
        None | Some(Bson::Null) => Ok(Document::new()),
        Some(Bson::Document(document)) => Ok(document),
        Some(other) => {
            Err(Error::invalid(format!("{name} must be a document, not {other}")).into())
        }
    }
}

/// The number of a field; 0 if it is not there.
fn number(command: &mut Document, name: &str) -> Result<u64> {
    let value = match command.remove(name) {
        None | Some(Bson::Null) => Some(0),
        Some(Bson::Int32(value)) => u64::try_from(value).ok(),
        Some(Bson::Int64(value)) => u64::try_from(value).ok(),
        Some(_) => None,
    };
    value.ok_or_else(|| Error::invalid(format!("{name} must be a number from 0 on")).into())
}

/// The most time that reading may take: the milliseconds of the field `max_time_ms`; `None` for any.
pub(crate) fn max_time(command: &mut Document) -> Result<Option<Duration>> {
    let millis = number(command, "max_time_ms")?;
    Ok((millis > 0).then(|| Duration::from_millis(millis)))
}

pub(crate) fn flag(command: &mut Document, name: &str) -> bool {
    matches!(command.remove(name), Some(Bson::Boolean(true)))
}

fn hint(command: &mut Document) -> Option<Bson> {
    command.remove("hint").filter(|hint| *hint != Bson::Null)
}

pub(crate) fn find(command: &mut Document) -> Result<FindCommand> {
    Ok(FindCommand {
        filter: document(command, "filter")?,
        projection: document(command, "projection")?,
        sort: document(command, "sort")?,
        skip: number(command, "skip")?,
        limit: number(command, "limit")?,
        collation: document(command, "collation")?,
        hint: hint(command),
        ..FindCommand::default()
    })
}

pub(crate) fn update(command: &mut Document) -> Result<UpdateCommand> {
    let update = command.remove("update").unwrap_or(Bson::Null);
    Ok(UpdateCommand {
        filter: document(command, "filter")?,
        many: flag(command, "many"),
        upsert: flag(command, "upsert"),
        array_filters: list(command, "array_filters")?,
        collation: document(command, "collation")?,
        hint: hint(command),
        ..UpdateCommand::new(update)
    })
}

pub(crate) fn delete(command: &mut Document) -> Result<DeleteCommand> {
    Ok(DeleteCommand {
        filter: document(command, "filter")?,
        many: flag(command, "many"),
        collation: document(command, "collation")?,
        hint: hint(command),
        ..DeleteCommand::default()
    })
}

/// What a pipeline compiles with.
pub(crate) fn options(command: &mut Document) -> Result<Options> {
    let hint = hint(command).as_ref().map(Hint::compile).transpose()?.flatten();
    Ok(Options {
        variables: document(command, "let")?,
        collation: collation_of(&document(command, "collation")?)?,
        hint,
    })
}

pub(crate) fn collection(name: &str) -> Result<CollectionName> {
    Ok(CollectionName::new(name)?)
}

/// How a commit is signed.
pub(crate) fn signature(actor: Option<String>, message: Option<String>) -> Result<Signature> {
    Ok(Signature {
        actor: actor.map(Actor::new).transpose()?,
        message: message.map(Message::new).transpose()?,
    })
}
