//! Runs an operation.

use argon_core::model::CollectionName;
use argon_core::{Branch, DetailKey, Error, ErrorKind, Revision, State};
use argon_formats::extjson::{Mode, parse_value, print_shell_bson};
use argon_query::pipeline::Row;
use argon_query::plan::Hint;
use bson::{Bson, Document, doc};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};

use super::ShellOperation;
use crate::collections::{self, Signature};
use crate::document::{
    self, ExplainQuery, FindDocuments, PutDocuments, UpdatedDocuments, WrittenDocument,
};
use crate::index::{self, DropIndex};
use crate::json::{ExtJson, HintValue};
use crate::{Failure, Result, Workspace};

/// The answer to an operation.
pub enum ShellAnswer {
    /// Documents, of which a front end shows some at a time.
    Documents(BoxStream<'static, Result<Row>>),
    /// A value, as MongoDB's shell returns it.
    Value {
        /// The value.
        value: Bson,
        /// The commit that was made.
        lsn: Option<u64>,
        /// What else a person should know, as a sentence.
        note: Option<String>,
    },
}

impl ShellAnswer {
    fn value(value: impl Into<Bson>) -> Self {
        Self::committed(value, None)
    }

    fn committed(value: impl Into<Bson>, lsn: Option<u64>) -> Self {
        Self::Value { value: value.into(), lsn, note: None }
    }
}

/// Runs an operation in a workspace; a read, in the state that a revision names. A collection that does not
/// exist is empty, as in MongoDB.
///
/// # Errors
/// Those of the operation.
pub async fn run(
    workspace: &Workspace,
    revision: Option<&Revision>,
    operation: ShellOperation,
) -> Result<ShellAnswer> {
    if operation.writes() {
        return write(workspace, operation).await;
    }
    match operation {
        ShellOperation::Name(None) => Ok(ShellAnswer::value(workspace.project.name().as_str())),
        ShellOperation::Name(Some(name)) => {
            Ok(ShellAnswer::value(format!("{}.{name}", workspace.project.name())))
        }
        ShellOperation::Aggregate(request) => {
            let documents = document::aggregate(workspace, revision, &request).await?;
            Ok(ShellAnswer::Documents(documents.boxed()))
        }
        ShellOperation::Explain(request) => explain(workspace, revision, request).await,
        operation => read(&workspace.state(revision).await?, operation).await,
    }
}

async fn explain(
    workspace: &Workspace,
    revision: Option<&Revision>,
    request: ExplainQuery,
) -> Result<ShellAnswer> {
    let (state, branch) = workspace.named_state(revision).await?;
    let project = workspace.project.name().as_str();
    let shown = format!("{branch}@{}", state.lsn());
    let explained = document::explain(&state, request, (project, &shown)).await?;
    Ok(ShellAnswer::value(explained.to_document()?))
}

async fn read(state: &State, operation: ShellOperation) -> Result<ShellAnswer> {
    match operation {
        ShellOperation::Find(request) => Ok(ShellAnswer::Documents(find(state, request)?)),
        ShellOperation::FindOne(request) => {
            let found = find(state, request)?.try_next().await?;
            let found = found.map(|row| Document::try_from(row.as_raw()).map_err(malformed));
            let found = found.transpose()?;
            Ok(ShellAnswer::value(found.map_or(Bson::Null, Bson::Document)))
        }
        ShellOperation::CountFound(request) => {
            let found = find(state, request)?;
            let count = found.try_fold(0_u64, |count, _| async move { Ok(count + 1) }).await?;
            Ok(ShellAnswer::value(number(count)))
        }
        ShellOperation::Count(request) => {
            let counted = or_empty(document::count_one(state, request).await)?;
            Ok(ShellAnswer::value(number(counted.map_or(0, |counted| counted.documents))))
        }
        ShellOperation::Distinct(request) => {
            let values = document::distinct(state, request, Mode::Canonical).await;
            let values = or_empty(values)?.unwrap_or_default();
            let values = values.iter().map(|value| bson_of(&value.value));
            Ok(ShellAnswer::value(Bson::Array(values.collect())))
        }
        ShellOperation::Indexes(name) => {
            let view = state.collection(&name)?;
            let indexes = view.info().listed_indexes();
            let indexes = indexes.iter().cloned().map(Bson::Document);
            Ok(ShellAnswer::value(Bson::Array(indexes.collect())))
        }
        _ => {
            let names = state.collections().map(|info| Bson::from(info.name.as_str()));
            Ok(ShellAnswer::value(Bson::Array(names.collect())))
        }
    }
}

async fn write(workspace: &Workspace, operation: ShellOperation) -> Result<ShellAnswer> {
    let branch = workspace.branch().await?;
    match operation {
        ShellOperation::Aggregate(request) => {
            let signature = Signature::default();
            let written = document::aggregate_into(workspace, &signature, &request).await?;
            Ok(ShellAnswer::committed(Bson::Array(Vec::new()), written.lsn))
        }
        ShellOperation::InsertOne(request) => {
            let written = insert(&branch, request).await?;
            let id = written.first().map_or(Bson::Null, |document| bson_of(&document.id));
            let value = doc! { "acknowledged": true, "insertedId": id };
            Ok(ShellAnswer::committed(value, lsn_of(&written)))
        }
        ShellOperation::InsertMany(request) => {
            let written = insert(&branch, request).await?;
            let ids = written.iter().enumerate();
            let ids: Document =
                ids.map(|(at, document)| (at.to_string(), bson_of(&document.id))).collect();
            let value = doc! { "acknowledged": true, "insertedIds": ids };
            Ok(ShellAnswer::committed(value, lsn_of(&written)))
        }
        ShellOperation::Update(request) => {
            let updated = document::update(&branch, request).await?;
            let lsn = updated.lsn;
            Ok(ShellAnswer::committed(of_update(&updated), lsn))
        }
        ShellOperation::Delete(request) => {
            let deleted = document::delete_matching(&branch, request).await?;
            let value = doc! { "acknowledged": true, "deletedCount": number(deleted.deleted) };
            Ok(ShellAnswer::committed(value, deleted.lsn))
        }
        operation => change_collection(&branch, operation).await,
    }
}

async fn change_collection(branch: &Branch, operation: ShellOperation) -> Result<ShellAnswer> {
    let ok = || doc! { "ok": 1 };
    match operation {
        ShellOperation::CreateCollection(request) => {
            let created = collections::create(branch, request).await?;
            Ok(ShellAnswer::committed(ok(), Some(created.lsn)))
        }
        ShellOperation::RenameCollection(request) => {
            let renamed = collections::rename(branch, request).await?;
            Ok(ShellAnswer::committed(ok(), Some(renamed.lsn)))
        }
        ShellOperation::CreateIndex(request) => {
            let created = index::create(branch, request).await?;
            let note = created
                .unbuilt
                .map(|reason| format!("queries scan, because index {} {reason}", created.index));
            Ok(ShellAnswer::Value { value: created.index.into(), lsn: created.lsn, note })
        }
        ShellOperation::DropIndex(collection, index) => {
            drop_index(branch, collection, &index).await
        }
        ShellOperation::DropCollection(request) => {
            let dropped = or_empty(collections::drop(branch, request).await)?;
            let lsn = dropped.map(|dropped| dropped.lsn);
            Ok(ShellAnswer::committed(lsn.is_some(), lsn))
        }
        // No other operation writes.
        _ => Ok(ShellAnswer::value(Bson::Null)),
    }
}

async fn drop_index(
    branch: &Branch,
    collection: CollectionName,
    HintValue(wanted): &HintValue,
) -> Result<ShellAnswer> {
    let view = branch.head().await?.collection(&collection)?;
    let definitions = view.info().listed_indexes();
    let hint = Hint::compile(wanted)?;
    let is_wanted =
        |definition: &&Document| hint.as_ref().is_some_and(|hint| hint.names(definition));
    let Some(definition) = definitions.iter().find(is_wanted) else {
        let wanted = print_shell_bson(wanted).unwrap_or_default();
        let message = format!("can't find index {wanted} of {collection}; see getIndexes()");
        return Err(Error::new(ErrorKind::NotFound, message).with_code(27, "IndexNotFound").into());
    };
    let index = definition.get_str("name").unwrap_or_default().to_owned();
    let request = DropIndex { collection, index, signature: Signature::default() };
    let dropped = index::drop(branch, request).await?;
    let value = doc! { "nIndexesWas": number(definitions.len() as u64), "ok": 1 };
    Ok(ShellAnswer::committed(value, Some(dropped.lsn)))
}

async fn insert(branch: &Branch, request: PutDocuments) -> Result<Vec<WrittenDocument>> {
    let collection = request.options.collection.clone();
    document::put(branch, request).await.map_err(|failure| match failure {
        // That of another unique index has MongoDB's code already.
        Failure::Error { error, hint }
            if error.kind() == ErrorKind::AlreadyExists
                && !error.details().iter().any(|(key, _)| *key == DetailKey::Code) =>
        {
            let error = duplicate_key(branch, &collection, error);
            Failure::Error { error, hint }
        }
        failure => failure,
    })
}

/// MongoDB's error for an `_id` that exists.
fn duplicate_key(branch: &Branch, collection: &CollectionName, error: Error) -> Error {
    let project = branch.project().name();
    let id = error.details().iter().find(|(key, _)| *key == DetailKey::Id);
    let id = id.map_or_else(String::new, |(_, id)| id.to_string());
    error
        .with_message(format!(
            "E11000 duplicate key error collection: {project}.{collection} index: _id_ dup key: \
             {{ _id: {id} }}"
        ))
        .with_code(11_000, "DuplicateKey")
}

fn lsn_of(written: &[WrittenDocument]) -> Option<u64> {
    written.first().map(|document| document.lsn)
}

fn of_update(updated: &UpdatedDocuments) -> Document {
    let id = updated.upserted_id.as_ref();
    doc! {
        "acknowledged": true,
        "insertedId": id.map_or(Bson::Null, bson_of),
        "matchedCount": number(updated.matched),
        "modifiedCount": number(updated.modified),
        "upsertedCount": i32::from(id.is_some()),
    }
}

fn find(state: &State, request: FindDocuments) -> Result<BoxStream<'static, Result<Row>>> {
    let found = or_empty(document::find(state, request))?;
    Ok(found.map_or_else(|| stream::empty().boxed(), StreamExt::boxed))
}

/// What is not there is empty.
fn or_empty<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Failure::Error { error, .. }) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// A value that an operation has written as Extended JSON.
fn bson_of(value: &ExtJson) -> Bson {
    parse_value(value.as_str()).unwrap_or(Bson::Null)
}

fn number(count: u64) -> Bson {
    i32::try_from(count).map_or_else(|_| Bson::Int64(count.cast_signed()), Bson::Int32)
}

fn malformed(error: bson::error::Error) -> Failure {
    Error::corrupt("a stored document is not valid BSON").with_source(error).into()
}
